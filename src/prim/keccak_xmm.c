/* keccak_xmm: one state, or two, in xmm registers.

   Thirty-two registers with rotations and three-operand logic beat sixteen
   general ones without, even with half of each register idle. */
#if defined(__x86_64__)
#include <immintrin.h>

#include "prim/keccak_impl.h"
#include "prim/le.h"

#define TARGET                                                                 \
    __attribute__((target("avx2,avx512f,"                                      \
                          "avx512vl,avx512dq")))

#define K_T                   __m128i
#define K_XOR(a, b)           _mm_xor_si128(a, b)
#define XOR3(a, b, c)         _mm_ternarylogic_epi64(a, b, c, 0x96)
#define K_XOR5(a, b, c, d, e) XOR3(XOR3(a, b, c), d, e)
#define K_ROL(a, n)           _mm_rol_epi64(a, n)
#define K_CHI(a, b, c)        _mm_ternarylogic_epi64(a, b, c, 0xd2)
#define K_CONST(c)            _mm_set1_epi64x((long long)(c))
#include "prim/keccak_rounds.h"

#define load128(p)     _mm_loadu_si128((const __m128i *)(const void *)(p))
#define store128(p, v) _mm_storeu_si128((__m128i *)(void *)(p), v)

#define LOAD1(v, i)                                                            \
    v = _mm_loadl_epi64((const __m128i *)(const void *)(s + (i)));
#define STORE1(v, i) _mm_storel_epi64((__m128i *)(void *)(s + (i)), v);
#define ZERO(v, i)   v = _mm_setzero_si128();

TARGET void bp_keccak_permute_xmm(uint64_t s[25]) {
    K_DECLARE(a);
    K_DECLARE(e);
    K_EACH(LOAD1, a)
    K_PERMUTE(a, e)
    K_EACH(STORE1, a)
}

#define LINE2(i, x0, x1)                                                       \
    do {                                                                       \
        __m128i r0 = load128(a[0] + 8 * (i)), r1 = load128(a[1] + 8 * (i));    \
        if (b != NULL) {                                                       \
            r0 = K_XOR(r0, load128(b[0] + 8 * (i)));                           \
            r1 = K_XOR(r1, load128(b[1] + 8 * (i)));                           \
        }                                                                      \
        x0 = _mm_unpacklo_epi64(r0, r1);                                       \
        x1 = _mm_unpackhi_epi64(r0, r1);                                       \
    } while (0)

#define OUT2(i, x0, x1)                                                        \
    do {                                                                       \
        store128(out[0] + 8 * (i), _mm_unpacklo_epi64(x0, x1));                \
        store128(out[1] + 8 * (i), _mm_unpackhi_epi64(x0, x1));                \
    } while (0)

TARGET void bp_keccak_line512_xmm(uint8_t *const out[],
                                  const uint8_t *const a[],
                                  const uint8_t *const b[]) {
    K_DECLARE(x);
    K_DECLARE(e);
    K_EACH(ZERO, x)
    LINE2(0, x0, x1);
    LINE2(2, x2, x3);
    LINE2(4, x4, x5);
    LINE2(6, x6, x7);
    x8 = K_CONST(BP_KECCAK512_LINE_PAD);
    K_PERMUTE(x, e)
    OUT2(0, x0, x1);
    OUT2(2, x2, x3);
    OUT2(4, x4, x5);
    OUT2(6, x6, x7);
}

#else
typedef int bp_keccak_xmm_needs_x86;
#endif
