/* keccak_impl: the permutations behind keccak.h, one row per instruction set.

   The table is the only dispatch there is: bp_keccak_ops() gives the row of
   the level in use, and callers that hash in a loop fetch it once. */
#ifndef BP_PRIM_KECCAK_IMPL_H
#define BP_PRIM_KECCAK_IMPL_H

#include "blockpool/keccak.h"

#define BP_KECCAK256_RATE 136
#define BP_KECCAK512_RATE 72
/* Lanes of the widest implementation. */
#define BP_KECCAK_WAYS_MAX 8

struct bp_keccak_ops {
    /* Keccak-f[1600] on one state. */
    void (*permute)(uint64_t a[25]);
    /* Lanes that `absorb` works on; 1 where there is no gain in more. */
    unsigned ways;
    /* For each lane w < ways: state lane i is s[i * ways + w]. Zeroes the
       states of the lanes whose bit in `keep` is 0, xors one block of
       BP_KECCAK256_RATE bytes at block[w] into each, and permutes all.
       s is aligned to 64 bytes. */
    void (*absorb)(uint64_t *s, const uint8_t *const block[], unsigned keep);
};

/* The row of one level, whether or not this machine can run it. */
const struct bp_keccak_ops *bp_keccak_ops_of(enum bp_cpu cpu);
/* The row in use. */
const struct bp_keccak_ops *bp_keccak_ops(void);

void bp_keccak_permute_portable(uint64_t a[25]);

#endif
