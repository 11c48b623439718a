/* ethash_avx2: the inner loop on AVX2: a line is two registers.

   All the time goes by here. For each lane in turn: multiply, xor the line,
   read back the word that picks the next one, divide, prefetch. One load and
   one prefetch a lane, evenly spaced, is what the memory system likes best;
   the line is used a whole sweep over the lanes later. */
#if defined(__x86_64__)
#include <immintrin.h>

#include "prim/ethash_impl.h"

#define TARGET __attribute__((target("avx2,bmi,bmi2")))

static inline TARGET __m256i fnv8(__m256i a, const void *b) {
    const __m256i prime = _mm256_set1_epi32(BP_FNV_PRIME);
    return _mm256_xor_si256(_mm256_mullo_epi32(a, prime),
                            _mm256_loadu_si256((const __m256i *)b));
}

TARGET void bp_ethash_fold_avx2(uint8_t *a, const uint8_t *b, size_t n) {
    for (size_t i = 0; i < 4 * n; i += 32) {
        __m256i *p = (__m256i *)(void *)(a + i);
        _mm256_store_si256(p, fnv8(_mm256_load_si256(p), b + i));
    }
}

/* What the loop needs, in locals: a store to a mix may change a field of the
   job for all the compiler knows. */
struct loop {
    const uint8_t *cache;
    uint64_t inv, items;
    const uint8_t **next;
    const uint32_t *key;
};

/* Folds the next line into the mix of lane i; `word` is the word of the mix
   that then picks the line after it. */
static inline __attribute__((always_inline)) TARGET const uint8_t *step(
    const struct loop *c, uint8_t *mix, const uint8_t *word, size_t i) {
    const uint8_t *line = c->next[i];
    __m256i *m = (__m256i *)(void *)(mix + i * BP_ETHASH_LINE);
    _mm256_store_si256(m, fnv8(_mm256_load_si256(m), line));
    _mm256_store_si256(m + 1, fnv8(_mm256_load_si256(m + 1), line + 32));
    uint32_t t = c->key[i] ^ load_le32(word + i * BP_ETHASH_LINE);
    uint64_t n = (uint64_t)(((bp_u128)(c->inv * t) * c->items) >> 64);
    return c->next[i] = c->cache + n * BP_ETHASH_LINE;
}

/* (number ^ p) * prime of every lane, the half of FNV that is known. */
static inline TARGET void make_keys(const struct bp_ethash_items *j,
                                    uint32_t p) {
    const __m256i prime = _mm256_set1_epi32(BP_FNV_PRIME);
    const __m256i parent = _mm256_set1_epi32((int)p);
    for (unsigned i = 0; i < j->lanes; i += 8) { /* there is room for 8 */
        __m256i nr = _mm256_load_si256((const __m256i *)(j->nr + i));
        _mm256_store_si256(
            (__m256i *)(j->key + i),
            _mm256_mullo_epi32(_mm256_xor_si256(nr, parent), prime));
    }
}

/* The instruction names the hint, so it must be a constant, and each has a copy
   of the loops. */
static inline __attribute__((always_inline)) void prefetch(const uint8_t *p,
                                                           enum bp_prefetch h) {
    switch (h) {
    case BP_PREFETCH_T0: __builtin_prefetch(p, 0, 3); break;
    case BP_PREFETCH_T1: __builtin_prefetch(p, 0, 2); break;
    case BP_PREFETCH_T2: __builtin_prefetch(p, 0, 1); break;
    }
}

static inline __attribute__((always_inline)) TARGET void sweep(
    const struct bp_ethash_items *j, const enum bp_prefetch hint) {
    const struct bp_ethash_light *l = j->light;
    const struct loop c = { l->cache, l->inv_items, l->items, j->next, j->key };
    uint8_t *const mix = j->mix;
    const size_t lanes = j->lanes, distance = j->distance;
    for (uint32_t p = 1; p <= BP_ETHASH_PARENTS; p++) {
        const uint8_t *word = mix + 4 * (p % 16);
        make_keys(j, p);
        if (distance == lanes) { /* a line as soon as it is known */
            for (size_t i = 0; i < lanes; i += 2) {
                prefetch(step(&c, mix, word, i), hint);
                prefetch(step(&c, mix, word, i + 1), hint);
            }
            continue;
        }
        for (size_t i = 0, ahead = distance; i < lanes; i++) {
            step(&c, mix, word, i);
            prefetch(j->next[ahead], hint);
            if (++ahead == lanes) ahead = 0;
        }
    }
}

TARGET void bp_ethash_sweep_avx2(const struct bp_ethash_items *j) {
    switch (j->hint) {
    case BP_PREFETCH_T0: sweep(j, BP_PREFETCH_T0); break;
    case BP_PREFETCH_T1: sweep(j, BP_PREFETCH_T1); break;
    case BP_PREFETCH_T2: sweep(j, BP_PREFETCH_T2); break;
    }
}

#else
typedef int bp_ethash_avx2_needs_x86;
#endif
