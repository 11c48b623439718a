/* rng: xoshiro256** (Blackman and Vigna), seeded by splitmix64. */
#include <string.h>

#include "blockpool/base.h"

static uint64_t splitmix(uint64_t *x) {
    uint64_t z = *x += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t rotl(uint64_t x, int k) {
    return x << k | x >> (64 - k);
}

void bp_rng_seed(struct bp_rng *r, uint64_t seed) {
    for (int i = 0; i < 4; i++) r->s[i] = splitmix(&seed);
}

uint64_t bp_rng_next(struct bp_rng *r) {
    uint64_t out = rotl(r->s[1] * 5, 7) * 9, t = r->s[1] << 17;
    r->s[2] ^= r->s[0];
    r->s[3] ^= r->s[1];
    r->s[1] ^= r->s[2];
    r->s[0] ^= r->s[3];
    r->s[2] ^= t;
    r->s[3] = rotl(r->s[3], 45);
    return out;
}

uint64_t bp_rng_below(struct bp_rng *r, uint64_t n) {
    if (n == 0) return 0;
    /* Values under the remainder of 2^64 by n would come once too often. */
    uint64_t skip = (0 - n) % n, x;
    do {
        x = bp_rng_next(r);
    } while (x < skip);
    return x % n;
}

void bp_rng_bytes(struct bp_rng *r, void *out, size_t n) {
    uint8_t *p = out;
    while (n > 0) {
        uint64_t x = bp_rng_next(r);
        for (int i = 0; i < 8 && n > 0; i++, n--)
            *p++ = (uint8_t)(x >> (8 * i));
    }
}
