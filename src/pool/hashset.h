/* hashset.h: the last so many hashes of a kind, a ring: the oldest is
   forgotten. */
#ifndef BP_POOL_HASHSET_H
#define BP_POOL_HASHSET_H

#include "pool/index.h"

struct bp_hashset {
    struct bp_mem *mem;
    bp_hash *hash;
    uint32_t *newest, *older; /* by bucket, by place */
    uint32_t n, max, next;
    uint64_t key[2];
};

/* Holds at most `max`; 0 or BP_ERR_NOMEM. */
int bp_hashset_init(struct bp_hashset *s, struct bp_mem *mem, uint32_t max,
                    uint64_t seed) BP_MUST_USE;
void bp_hashset_free(struct bp_hashset *s);
void bp_hashset_clear(struct bp_hashset *s);
uint64_t bp_hashset_bound(uint32_t max);
/* Its place in the ring, or BP_NIL. */
uint32_t bp_hashset_find(const struct bp_hashset *s, const bp_hash *hash);
/* Adds one, even if it is there; the oldest goes when full. Returns its
   place. */
uint32_t bp_hashset_add(struct bp_hashset *s, const bp_hash *hash);
/* Adds one unless it is there. Returns its place. */
uint32_t bp_hashset_put(struct bp_hashset *s, const bp_hash *hash);
/* Takes the oldest out; there must be one. */
bp_hash bp_hashset_pop(struct bp_hashset *s);

#endif
