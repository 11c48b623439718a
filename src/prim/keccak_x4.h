/* keccak_x4: four states in ymm registers, for two instruction sets.

   Whoever includes this has included keccak_rounds.h for __m256i and defined
       TARGET            the attribute of its functions
       X4_ABSORB         names of the two functions made here, which
       X4_LINE512        struct bp_keccak_wide describes
       X4_KEPT_T         a mask of states, made from its bits by
       X4_KEPT(bits)
       X4_LOAD(p, kept)  four words at p, zero where the mask is not set */
#ifndef BP_PRIM_KECCAK_X4_H
#define BP_PRIM_KECCAK_X4_H

#include "prim/transpose.h"

#define LOAD(v, i)  v = X4_LOAD(s + 4 * (i), kept);
#define STORE(v, i) _mm256_store_si256((__m256i *)(void *)(s + 4 * (i)), v);
#define ZERO(v, i)  v = _mm256_setzero_si256();

/* Words i to i + 3 of the four blocks, xored into four lanes. */
#define ABSORB4(i, a0, a1, a2, a3)                                             \
    do {                                                                       \
        __m256i r0 = load256(block[0] + 8 * (i));                              \
        __m256i r1 = load256(block[1] + 8 * (i));                              \
        __m256i r2 = load256(block[2] + 8 * (i));                              \
        __m256i r3 = load256(block[3] + 8 * (i));                              \
        TRANSPOSE4(r0, r1, r2, r3);                                            \
        a0 = K_XOR(a0, r0);                                                    \
        a1 = K_XOR(a1, r1);                                                    \
        a2 = K_XOR(a2, r2);                                                    \
        a3 = K_XOR(a3, r3);                                                    \
    } while (0)

TARGET void X4_ABSORB(uint64_t *s, const uint8_t *const block[],
                      unsigned keep) {
    const X4_KEPT_T kept = X4_KEPT(keep);
    K_DECLARE(a);
    K_DECLARE(e);
    K_EACH(LOAD, a)
    ABSORB4(0, a0, a1, a2, a3);
    ABSORB4(4, a4, a5, a6, a7);
    ABSORB4(8, a8, a9, a10, a11);
    ABSORB4(12, a12, a13, a14, a15);
    a16 = K_XOR(a16, gather4(block, 128));
    K_PERMUTE(a, e)
    K_EACH(STORE, a)
}

#define LINE4(i, a0, a1, a2, a3)                                               \
    do {                                                                       \
        a0 = load256(a[0] + 8 * (i));                                          \
        a1 = load256(a[1] + 8 * (i));                                          \
        a2 = load256(a[2] + 8 * (i));                                          \
        a3 = load256(a[3] + 8 * (i));                                          \
        if (b != NULL) {                                                       \
            a0 = K_XOR(a0, load256(b[0] + 8 * (i)));                           \
            a1 = K_XOR(a1, load256(b[1] + 8 * (i)));                           \
            a2 = K_XOR(a2, load256(b[2] + 8 * (i)));                           \
            a3 = K_XOR(a3, load256(b[3] + 8 * (i)));                           \
        }                                                                      \
        TRANSPOSE4(a0, a1, a2, a3);                                            \
    } while (0)

#define OUT4(i, a0, a1, a2, a3)                                                \
    do {                                                                       \
        TRANSPOSE4(a0, a1, a2, a3);                                            \
        store256(out[0] + 8 * (i), a0);                                        \
        store256(out[1] + 8 * (i), a1);                                        \
        store256(out[2] + 8 * (i), a2);                                        \
        store256(out[3] + 8 * (i), a3);                                        \
    } while (0)

TARGET void X4_LINE512(uint8_t *const out[], const uint8_t *const a[],
                       const uint8_t *const b[]) {
    K_DECLARE(x);
    K_DECLARE(e);
    K_EACH(ZERO, x)
    LINE4(0, x0, x1, x2, x3);
    LINE4(4, x4, x5, x6, x7);
    x8 = K_CONST(BP_KECCAK512_LINE_PAD);
    K_PERMUTE(x, e)
    OUT4(0, x0, x1, x2, x3);
    OUT4(4, x4, x5, x6, x7);
}

#endif
