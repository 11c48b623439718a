/* keccak_avx2: four states in the four lanes of ymm registers. */
#if defined(__x86_64__)
#include <immintrin.h>

#include "prim/keccak_impl.h"

#define TARGET __attribute__((target("avx2,bmi,bmi2")))

/* Rotations by whole bytes are one shuffle. */
#define BYTES8                                                                 \
    _mm256_setr_epi8(7, 0, 1, 2, 3, 4, 5, 6, 15, 8, 9, 10, 11, 12, 13, 14, 7,  \
                     0, 1, 2, 3, 4, 5, 6, 15, 8, 9, 10, 11, 12, 13, 14)
#define BYTES56                                                                \
    _mm256_setr_epi8(1, 2, 3, 4, 5, 6, 7, 0, 9, 10, 11, 12, 13, 14, 15, 8, 1,  \
                     2, 3, 4, 5, 6, 7, 0, 9, 10, 11, 12, 13, 14, 15, 8)

#define K_T                   __m256i
#define K_XOR(a, b)           _mm256_xor_si256(a, b)
#define K_XOR5(a, b, c, d, e) K_XOR(K_XOR(K_XOR(a, b), K_XOR(c, d)), e)
#define K_ROL(a, n)                                                            \
    ((n) == 0    ? (a)                                                         \
     : (n) == 8  ? _mm256_shuffle_epi8(a, BYTES8)                              \
     : (n) == 56 ? _mm256_shuffle_epi8(a, BYTES56)                             \
                 : _mm256_or_si256(_mm256_slli_epi64(a, n),                    \
                                   _mm256_srli_epi64(a, 64 - (n))))
#define K_CHI(a, b, c) K_XOR(a, _mm256_andnot_si256(b, c))
#define K_CONST(c)     _mm256_set1_epi64x((long long)(c))
#include "prim/keccak_rounds.h"

static inline TARGET __m256i kept_mask(unsigned keep) {
    const __m256i bit = _mm256_setr_epi64x(1, 2, 4, 8);
    __m256i all = _mm256_set1_epi64x(keep);
    return _mm256_cmpeq_epi64(_mm256_and_si256(all, bit), bit);
}

#define X4_ABSORB  bp_keccak_absorb_avx2
#define X4_LINE512 bp_keccak_line512_avx2
#define X4_KEPT_T  __m256i
#define X4_KEPT(m) kept_mask(m)
#define X4_LOAD(p, kept)                                                       \
    _mm256_and_si256(_mm256_load_si256((const __m256i *)(const void *)(p)),    \
                     kept)
#include "prim/keccak_x4.h"

#else
typedef int bp_keccak_avx2_needs_x86;
#endif
