/* keccak_scalar: one state in general registers. */
#include "prim/keccak_impl.h"

#define K_T                   uint64_t
#define K_XOR(a, b)           ((a) ^ (b))
#define K_XOR5(a, b, c, d, e) ((a) ^ (b) ^ (c) ^ (d) ^ (e))
#define K_ROL(a, n)                                                            \
    ((n) == 0 ? (a) : (a) << ((n)&63) | (a) >> ((64 - (n)) & 63))
#define K_CHI(a, b, c) ((a) ^ (~(b) & (c)))
#define K_CONST(c)     (c)
#include "prim/keccak_rounds.h"

#define LOAD(v, i)  v = s[i];
#define STORE(v, i) s[i] = v;

void bp_keccak_permute_portable(uint64_t s[25]) {
    K_DECLARE(a);
    K_DECLARE(e);
    K_EACH(LOAD, a)
    K_PERMUTE(a, e)
    K_EACH(STORE, a)
}
