/* index.h: from a hash to numbers of records.

   An open-addressing table of 64-bit cells: 32 bits of a keyed hash of the
   hash (who chooses hashes must not choose their places) and the record's
   number. It stores no hashes: whoever looks up compares them in the records.
   One hash may have several records. */
#ifndef BP_POOL_INDEX_H
#define BP_POOL_INDEX_H

#include "pool/table.h"

struct bp_index {
    struct bp_mem *mem;
    uint64_t *cell; /* tag << 32 | number + 1; 0: empty */
    uint32_t cap;   /* cells; at most 8 of 11 are used */
    uint32_t n, max;
    uint64_t key[2];
};

void bp_index_key(uint64_t key[2], uint64_t seed);
/* 32 bits that nobody foresees who does not know the key. */
uint32_t bp_index_tag(const uint64_t key[2], const bp_hash *hash);

/* Holds at most `max` numbers; 0 or BP_ERR_NOMEM. */
int bp_index_init(struct bp_index *ix, struct bp_mem *mem, uint32_t max,
                  uint64_t seed) BP_MUST_USE;
void bp_index_free(struct bp_index *ix);
uint64_t bp_index_bound(uint32_t max);

/* False when full. */
bool bp_index_add(struct bp_index *ix, const bp_hash *hash, uint32_t number);
/* Both must be there. */
void bp_index_remove(struct bp_index *ix, const bp_hash *hash, uint32_t number);

/* Has the place of a hash fetched while other work goes on. */
void bp_index_prefetch(const struct bp_index *ix, const bp_hash *hash);

/* Walks the candidates of a hash: begin, then next until BP_NIL. */
struct bp_probe {
    uint32_t pos, tag;
};
struct bp_probe bp_index_begin(const struct bp_index *ix, const bp_hash *hash);
uint32_t bp_index_next(const struct bp_index *ix, struct bp_probe *probe);

#endif
