/* keccak_avx512: eight states in the lanes of zmm registers. */
#if defined(__x86_64__)
#include <immintrin.h>

#include "prim/keccak_impl.h"
#include "prim/transpose.h"

#define TARGET                                                                 \
    __attribute__((target("avx512f,avx512vl,"                                  \
                          "avx512dq,avx512bw")))

#define K_T                   __m512i
#define K_XOR(a, b)           _mm512_xor_si512(a, b)
#define XOR3(a, b, c)         _mm512_ternarylogic_epi64(a, b, c, 0x96)
#define K_XOR5(a, b, c, d, e) XOR3(XOR3(a, b, c), d, e)
#define K_ROL(a, n)           _mm512_rol_epi64(a, n)
#define K_CHI(a, b, c)        _mm512_ternarylogic_epi64(a, b, c, 0xd2)
#define K_CONST(c)            _mm512_set1_epi64((long long)(c))
#include "prim/keccak_rounds.h"

#define LOAD(v, i)  v = _mm512_maskz_load_epi64(kept, s + 8 * (i));
#define STORE(v, i) _mm512_store_si512(s + 8 * (i), v);
#define ZERO(v, i)  v = _mm512_setzero_si512();

/* Words i to i + 7 of the eight blocks, xored into eight lanes. */
#define ABSORB8(i, a0, a1, a2, a3, a4, a5, a6, a7)                             \
    do {                                                                       \
        __m512i r0 = load512(block[0] + 8 * (i));                              \
        __m512i r1 = load512(block[1] + 8 * (i));                              \
        __m512i r2 = load512(block[2] + 8 * (i));                              \
        __m512i r3 = load512(block[3] + 8 * (i));                              \
        __m512i r4 = load512(block[4] + 8 * (i));                              \
        __m512i r5 = load512(block[5] + 8 * (i));                              \
        __m512i r6 = load512(block[6] + 8 * (i));                              \
        __m512i r7 = load512(block[7] + 8 * (i));                              \
        TRANSPOSE8(r0, r1, r2, r3, r4, r5, r6, r7);                            \
        a0 = K_XOR(a0, r0);                                                    \
        a1 = K_XOR(a1, r1);                                                    \
        a2 = K_XOR(a2, r2);                                                    \
        a3 = K_XOR(a3, r3);                                                    \
        a4 = K_XOR(a4, r4);                                                    \
        a5 = K_XOR(a5, r5);                                                    \
        a6 = K_XOR(a6, r6);                                                    \
        a7 = K_XOR(a7, r7);                                                    \
    } while (0)

TARGET void bp_keccak_absorb_avx512(uint64_t *s, const uint8_t *const block[],
                                    unsigned keep) {
    const __mmask8 kept = (__mmask8)keep;
    K_DECLARE(a);
    K_DECLARE(e);
    K_EACH(LOAD, a)
    ABSORB8(0, a0, a1, a2, a3, a4, a5, a6, a7);
    ABSORB8(8, a8, a9, a10, a11, a12, a13, a14, a15);
    a16 = K_XOR(a16, gather8(block, 128));
    K_PERMUTE(a, e)
    K_EACH(STORE, a)
}

#define LINE(v, w)                                                             \
    v = load512(a[w]);                                                         \
    if (b != NULL) v = K_XOR(v, load512(b[w]));
#define OUT(v, w) store512(out[w], v);
/* clang-format off */
#define EACH8(F, s)                                                            \
    F(s##0, 0) F(s##1, 1) F(s##2, 2) F(s##3, 3)                                \
    F(s##4, 4) F(s##5, 5) F(s##6, 6) F(s##7, 7)
/* clang-format on */

TARGET void bp_keccak_line512_avx512(uint8_t *const out[],
                                     const uint8_t *const a[],
                                     const uint8_t *const b[]) {
    K_DECLARE(x);
    K_DECLARE(e);
    K_EACH(ZERO, x)
    EACH8(LINE, x)
    TRANSPOSE8(x0, x1, x2, x3, x4, x5, x6, x7);
    x8 = K_CONST(BP_KECCAK512_LINE_PAD);
    K_PERMUTE(x, e)
    TRANSPOSE8(x0, x1, x2, x3, x4, x5, x6, x7);
    EACH8(OUT, x)
}

#else
typedef int bp_keccak_avx512_needs_x86;
#endif
