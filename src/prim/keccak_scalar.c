/* keccak_scalar: one state in general registers, in plain C and again for
   machines with and-not and rotations that leave the flags alone. */
#include "prim/keccak_impl.h"

#define ROL_BY(a, n)          ((a) << (n) | (a) >> (64 - (n)))
#define K_T                   uint64_t
#define K_XOR(a, b)           ((a) ^ (b))
#define K_XOR5(a, b, c, d, e) ((a) ^ (b) ^ (c) ^ (d) ^ (e))
#define K_ROL(a, n)           ((n) == 0 ? (a) : ROL_BY(a, (n) + !(n)))
#define K_CHI(a, b, c)        ((a) ^ (~(b) & (c)))
#define K_CONST(c)            (c)
#include "prim/keccak_rounds.h"

#define LOAD(v, i)  v = s[i];
#define STORE(v, i) s[i] = v;

#define PERMUTE_BODY                                                           \
    K_DECLARE(a);                                                              \
    K_DECLARE(e);                                                              \
    K_EACH(LOAD, a)                                                            \
    K_PERMUTE(a, e)                                                            \
    K_EACH(STORE, a)

void bp_keccak_permute_portable(uint64_t s[25]) {
    PERMUTE_BODY
}

#if defined(__x86_64__)
__attribute__((target("bmi,bmi2"))) void bp_keccak_permute_bmi(uint64_t s[25]) {
    PERMUTE_BODY
}
#endif
