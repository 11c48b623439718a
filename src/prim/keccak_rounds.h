/* keccak_rounds: the 24 rounds of Keccak-f[1600], for any vector type.

   Whoever includes this has defined
       K_T              a type holding the same lane of one or more states
       K_XOR(a, b)      a ^ b
       K_XOR5(a..e)     a ^ b ^ c ^ d ^ e
       K_ROL(a, n)      each lane rotated left by the constant n
       K_CHI(a, b, c)   a ^ (~b & c)
       K_CONST(u64)     that constant in every lane
   and gets macros that work on 25 named variables: gcc 12
   keeps named variables in registers and spills arrays, which costs up to a
   factor of two. Lane x + 5y of the Keccak reference is variable number
   x + 5y. Rounds are made in pairs, from a to e and back. */
#ifndef BP_PRIM_KECCAK_ROUNDS_H
#define BP_PRIM_KECCAK_ROUNDS_H

#include <stdint.h>

static const uint64_t keccak_rc[24] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a,
    0x8000000080008000, 0x000000000000808b, 0x0000000080000001,
    0x8000000080008081, 0x8000000000008009, 0x000000000000008a,
    0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080,
    0x000000000000800a, 0x800000008000000a, 0x8000000080008081,
    0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

/* Declares the 25 lanes s0..s24. */
#define K_DECLARE(s)                                                           \
    K_T s##0, s##1, s##2, s##3, s##4, s##5, s##6, s##7, s##8, s##9, s##10,     \
        s##11, s##12, s##13, s##14, s##15, s##16, s##17, s##18, s##19, s##20,  \
        s##21, s##22, s##23, s##24

/* F(variable, number) for each lane. */
/* clang-format off */
#define K_EACH(F, s)                                                           \
    F(s##0, 0) F(s##1, 1) F(s##2, 2) F(s##3, 3) F(s##4, 4)                     \
    F(s##5, 5) F(s##6, 6) F(s##7, 7) F(s##8, 8) F(s##9, 9)                     \
    F(s##10, 10) F(s##11, 11) F(s##12, 12) F(s##13, 13) F(s##14, 14)           \
    F(s##15, 15) F(s##16, 16) F(s##17, 17) F(s##18, 18) F(s##19, 19)           \
    F(s##20, 20) F(s##21, 21) F(s##22, 22) F(s##23, 23) F(s##24, 24)
/* clang-format on */

/* rho and pi bring the five lanes of one row of the result together (each
   with its theta column d already due), chi combines them. */
#define K_ROW(e0, e1, e2, e3, e4, a0, d0, r0, a1, d1, r1, a2, d2, r2, a3, d3,  \
              r3, a4, d4, r4)                                                  \
    do {                                                                       \
        K_T b0 = K_ROL(K_XOR(a0, d0), r0);                                     \
        K_T b1 = K_ROL(K_XOR(a1, d1), r1);                                     \
        K_T b2 = K_ROL(K_XOR(a2, d2), r2);                                     \
        K_T b3 = K_ROL(K_XOR(a3, d3), r3);                                     \
        K_T b4 = K_ROL(K_XOR(a4, d4), r4);                                     \
        e0 = K_CHI(b0, b1, b2);                                                \
        e1 = K_CHI(b1, b2, b3);                                                \
        e2 = K_CHI(b2, b3, b4);                                                \
        e3 = K_CHI(b3, b4, b0);                                                \
        e4 = K_CHI(b4, b0, b1);                                                \
    } while (0)

#define K_ROUND(e, a, rc)                                                      \
    do {                                                                       \
        K_T c0 = K_XOR5(a##0, a##5, a##10, a##15, a##20);                      \
        K_T c1 = K_XOR5(a##1, a##6, a##11, a##16, a##21);                      \
        K_T c2 = K_XOR5(a##2, a##7, a##12, a##17, a##22);                      \
        K_T c3 = K_XOR5(a##3, a##8, a##13, a##18, a##23);                      \
        K_T c4 = K_XOR5(a##4, a##9, a##14, a##19, a##24);                      \
        K_T t0 = K_XOR(c4, K_ROL(c1, 1));                                      \
        K_T t1 = K_XOR(c0, K_ROL(c2, 1));                                      \
        K_T t2 = K_XOR(c1, K_ROL(c3, 1));                                      \
        K_T t3 = K_XOR(c2, K_ROL(c4, 1));                                      \
        K_T t4 = K_XOR(c3, K_ROL(c0, 1));                                      \
        K_ROW(e##0, e##1, e##2, e##3, e##4, a##0, t0, 0, a##6, t1, 44, a##12,  \
              t2, 43, a##18, t3, 21, a##24, t4, 14);                           \
        e##0 = K_XOR(e##0, K_CONST(rc));                                       \
        K_ROW(e##5, e##6, e##7, e##8, e##9, a##3, t3, 28, a##9, t4, 20, a##10, \
              t0, 3, a##16, t1, 45, a##22, t2, 61);                            \
        K_ROW(e##10, e##11, e##12, e##13, e##14, a##1, t1, 1, a##7, t2, 6,     \
              a##13, t3, 25, a##19, t4, 8, a##20, t0, 18);                     \
        K_ROW(e##15, e##16, e##17, e##18, e##19, a##4, t4, 27, a##5, t0, 36,   \
              a##11, t1, 10, a##17, t2, 15, a##23, t3, 56);                    \
        K_ROW(e##20, e##21, e##22, e##23, e##24, a##2, t2, 62, a##8, t3, 55,   \
              a##14, t4, 39, a##15, t0, 41, a##21, t1, 2);                     \
    } while (0)

/* All 24 rounds on a; e is room. */
#define K_PERMUTE(a, e)                                                        \
    for (int k_round = 0; k_round < 24; k_round += 2) {                        \
        K_ROUND(e, a, keccak_rc[k_round]);                                     \
        K_ROUND(a, e, keccak_rc[k_round + 1]);                                 \
    }

#endif
