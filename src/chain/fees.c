/* fees: base fee and blob gas, from the parent. */
#include "blockpool/rules.h"
#include "chain/checks.h"

enum {
    INITIAL_BASE_FEE = 1000000000, /* EIP-1559 */
    ELASTICITY = 2,
    BASE_FEE_STEP = 8,     /* at most an eighth a block */
    BLOB_BASE_COST = 8192, /* EIP-7918, 2^13 */
};

static const bp_u256 saturated = { { UINT64_MAX, UINT64_MAX, UINT64_MAX,
                                     UINT64_MAX } };

void bp_base_fee(bp_u256 *out, const struct bp_spec *spec,
                 const struct bp_header *parent) {
    if (!bp_spec_base_fee(spec, parent->number)) {
        *out = bp_u256_from_u64(INITIAL_BASE_FEE);
        return;
    }
    uint64_t target = parent->gas_limit / ELASTICITY, used = parent->gas_used;
    bp_u256 fee = parent->base_fee, delta;
    bool more = used > target;
    uint64_t off = more ? used - target : target - used;
    *out = fee;
    if (off == 0 || target == 0) return;
    if (bp_u256_mul_u64(&delta, &fee, off) != 0) {
        *out = saturated; /* no base fee of a chain in use gets there */
        return;
    }
    bp_u256_div_u64(&delta, &delta, target);
    bp_u256_div_u64(&delta, &delta, BASE_FEE_STEP);
    if (!more) {
        bp_u256_sub(out, &fee, &delta);
        return;
    }
    if (bp_u256_is_zero(&delta)) delta = bp_u256_from_u64(1);
    if (bp_u256_add(out, &fee, &delta)) *out = saturated;
}

const struct bp_spec_blobs *bp_spec_blobs_at(const struct bp_spec *s,
                                             uint64_t time) {
    const struct bp_spec_blobs *b = NULL;
    for (size_t i = 0; i < s->n_blobs && s->blobs[i].from <= time; i++)
        b = &s->blobs[i];
    return b;
}

/* EIP-4844, fake_exponential: factor * e^(numerator / denominator) by its
   Taylor series, in integers. */
static void fake_exponential(bp_u256 *out, uint64_t numerator,
                             uint64_t denominator) {
    bp_u256 sum = { { 0 } };
    bp_u256 term = bp_u256_from_u64(denominator);
    for (uint64_t i = 1; !bp_u256_is_zero(&term); i++) {
        if (bp_u256_add(&sum, &sum, &term) ||
            bp_u256_mul_u64(&term, &term, numerator) != 0) {
            *out = saturated;
            return;
        }
        bp_u256_div_u64(&term, &term, denominator);
        bp_u256_div_u64(&term, &term, i);
    }
    bp_u256_div_u64(out, &sum, denominator);
}

void bp_blob_base_fee(bp_u256 *out, const struct bp_spec *spec, uint64_t time,
                      uint64_t excess_blob_gas) {
    const struct bp_spec_blobs *b = bp_spec_blobs_at(spec, time);
    if (b == NULL)
        *out = bp_u256_from_u64(1);
    else
        fake_exponential(out, excess_blob_gas, b->update_fraction);
}

/* EIP-7918: whether blobs are so cheap beside execution that the target must
   not count. */
static bool reserve_price_holds(const struct bp_spec *spec, uint64_t time,
                                const struct bp_header *parent) {
    bp_u256 blob, execution;
    if (!bp_spec_has(spec, BP_FORK_OSAKA, parent->number + 1, time))
        return false;
    bp_blob_base_fee(&blob, spec, time, parent->excess_blob_gas);
    if (bp_u256_mul_u64(&blob, &blob, BP_GAS_PER_BLOB) != 0) return false;
    if (bp_u256_mul_u64(&execution, &parent->base_fee, BLOB_BASE_COST) != 0)
        return true;
    return bp_u256_cmp(&execution, &blob) > 0;
}

uint64_t bp_excess_blob_gas(const struct bp_spec *spec, uint64_t time,
                            const struct bp_header *parent) {
    const struct bp_spec_blobs *b = bp_spec_blobs_at(spec, time);
    uint64_t excess = parent->excess_blob_gas, used = parent->blob_gas_used;
    if (b == NULL) return 0;
    uint64_t target = b->target * BP_GAS_PER_BLOB;
    if (used > UINT64_MAX - excess) return UINT64_MAX;
    if (excess + used < target) return 0;
    if (reserve_price_holds(spec, time, parent)) {
        uint64_t part = used / b->max * (b->max - b->target) +
                        used % b->max * (b->max - b->target) / b->max;
        return excess + part;
    }
    return excess + used - target;
}
