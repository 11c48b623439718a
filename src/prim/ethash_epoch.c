/* ethash_epoch: sizes, seeds, boundaries; what follows from a number alone. */
#include <assert.h>
#include <string.h>

#include "prim/ethash_impl.h"

int bp_ethash_epoch_at(struct bp_ethash_epoch *out, uint64_t block,
                       uint32_t epoch_blocks) {
    assert(epoch_blocks == BP_ETHASH_EPOCH_BLOCKS ||
           epoch_blocks == BP_ETCHASH_EPOCH_BLOCKS);
    uint64_t number = block / epoch_blocks;
    if (number >= BP_ETHASH_EPOCHS) return BP_ERR_SEAL_EPOCH;
    *out = (struct bp_ethash_epoch){ (uint32_t)number, epoch_blocks };
    return 0;
}

static uint64_t pow_mod(uint64_t base, uint32_t exponent, uint32_t n) {
    uint64_t r = 1;
    for (base %= n; exponent > 0; exponent >>= 1) {
        if (exponent & 1) r = r * base % n;
        base = base * base % n;
    }
    return r;
}

/* Miller-Rabin with the bases 2, 3, 5 and 7 is exact below 3,215,031,751
   (Jaeschke 1993); n is odd and far larger than 7 here. */
static bool is_prime(uint32_t n) {
    static const uint32_t bases[] = { 2, 3, 5, 7 };
    assert(n > 7 && n % 2 == 1 && n < 3215031751u);
    uint32_t odd = n - 1;
    unsigned twos = 0;
    for (; odd % 2 == 0; odd /= 2) twos++;
    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++) {
        uint64_t x = pow_mod(bases[i], odd, n);
        if (x == 1 || x == n - 1) continue;
        unsigned r = 1;
        for (; r < twos && x != n - 1; r++) x = x * x % n;
        if (x != n - 1) return false;
    }
    return true;
}

/* Yellow Paper, appendix "Size of dataset and cache": the greatest prime
   number of units below a size that grows linearly with the epoch. */
static uint64_t prime_size(uint64_t limit, uint32_t unit) {
    uint32_t n = (uint32_t)(limit / unit) - 1;
    while (!is_prime(n)) n -= 2;
    return (uint64_t)n * unit;
}

size_t bp_ethash_cache_size(uint32_t number) {
    assert(number < BP_ETHASH_EPOCHS);
    uint64_t limit = (1ull << 24) + (1ull << 17) * number;
    return (size_t)prime_size(limit, BP_ETHASH_LINE);
}

uint64_t bp_ethash_dataset_size(uint32_t number) {
    assert(number < BP_ETHASH_EPOCHS);
    uint64_t limit = (1ull << 30) + (1ull << 23) * number;
    return prime_size(limit, BP_ETHASH_PAGE);
}

void bp_ethash_seed(bp_hash *out, struct bp_ethash_epoch e) {
    uint64_t rounds = (uint64_t)e.number * e.blocks / BP_ETHASH_EPOCH_BLOCKS;
    memset(out, 0, sizeof *out);
    for (uint64_t i = 0; i < rounds; i++)
        bp_keccak256(out, (bp_span){ out->b, sizeof out->b });
}

void bp_ethash_boundary(bp_hash *out, const bp_u256 *difficulty) {
    const bp_u256 max = { { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX } };
    bp_u256 quot = max, rem, top;
    if (bp_u256_bits(difficulty) > 1) {
        /* 2^256 = max + 1: one more when max leaves difficulty - 1. */
        bp_u256_divmod(&quot, &rem, &max, difficulty);
        bp_u256_sub(&top, difficulty, &rem);
        if (bp_u256_bits(&top) == 1) {
            top = bp_u256_from_u64(1);
            bp_u256_add(&quot, &quot, &top);
        }
    }
    bp_u256_to_be(out->b, &quot);
}
