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

/* The hint must be a constant, so each has a copy of the loop. Everything is
   held in locals: a store to a mix may change a field of *j for all the
   compiler knows. */
static inline __attribute__((always_inline)) TARGET void sweep(
    const struct bp_ethash_items *j, const enum _mm_hint hint) {
    const uint8_t *cache = j->light->cache;
    const uint64_t inv = j->light->inv_items, items = j->light->items;
    const uint32_t *nr = j->nr;
    uint32_t *ix = j->ix;
    const unsigned lanes = j->lanes, distance = j->distance;
    for (uint32_t p = 1; p <= BP_ETHASH_PARENTS; p++) {
        uint8_t *mix = j->mix;
        const uint8_t *word = mix + 4 * (p % 16);
        unsigned ahead = distance;
        for (unsigned i = 0; i < lanes; i++) {
            __m256i *m = (__m256i *)(void *)mix;
            const uint8_t *line = cache + (size_t)ix[i] * BP_ETHASH_LINE;
            _mm256_store_si256(m, fnv8(_mm256_load_si256(m), line));
            _mm256_store_si256(m + 1,
                               fnv8(_mm256_load_si256(m + 1), line + 32));
            uint32_t t = bp_fnv(nr[i] ^ p, load_le32(word));
            ix[i] = (uint32_t)(((bp_u128)(inv * t) * items) >> 64);
            mix += BP_ETHASH_LINE;
            word += BP_ETHASH_LINE;
            if (ahead >= lanes) ahead -= lanes;
            _mm_prefetch(cache + (size_t)ix[ahead++] * BP_ETHASH_LINE, hint);
        }
    }
}

TARGET void bp_ethash_sweep_avx2(const struct bp_ethash_items *j) {
    switch (j->hint) {
    case BP_PREFETCH_T0: sweep(j, _MM_HINT_T0); break;
    case BP_PREFETCH_T1: sweep(j, _MM_HINT_T1); break;
    case BP_PREFETCH_T2: sweep(j, _MM_HINT_T2); break;
    }
}

#else
typedef int bp_ethash_avx2_needs_x86;
#endif
