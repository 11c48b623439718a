/* accumulator: the SSZ hash tree root over an era1 file's blocks.

       leaf i = SHA-256( hash of block i | its total difficulty, 32 bytes LE )
       root   = SHA-256( Merkle root over 8192 leaves | their count, 32 LE )

   consensus-specs, ssz/simple-serialize.md, "Merkleization", of
   List[HeaderRecord, 8192]. Leaves are added one by one; what is kept is one
   full subtree a level, like the bits of a counter. */
#ifndef BP_STORE_ACCUMULATOR_H
#define BP_STORE_ACCUMULATOR_H

#include "blockpool/base.h"

#define BP_ACC_DEPTH 13 /* 2^13 = BP_ERA1_BLOCKS */

struct bp_accumulator {
    bp_hash full[BP_ACC_DEPTH + 1]; /* valid where n has a bit */
    uint64_t n;
};

void bp_accumulator_init(struct bp_accumulator *acc);
/* At most 2^BP_ACC_DEPTH times. */
void bp_accumulator_add(struct bp_accumulator *acc, const bp_hash *hash,
                        const bp_u256 *td);
/* The root of what came so far; more may come. */
void bp_accumulator_root(const struct bp_accumulator *acc, bp_hash *out);

/* 32 little-endian bytes, as era1 has total difficulties. */
void bp_u256_to_le(uint8_t out[32], const bp_u256 *v);
bp_u256 bp_u256_from_le(const uint8_t in[32]);

#endif
