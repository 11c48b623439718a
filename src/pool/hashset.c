/* hashset: a ring, and for each of as many buckets the place of the newest hash
   in it; each place names the next older one of its bucket. Nothing is unlinked
   when a hash is forgotten: a chain ends where it does not lead to an older
   place, or to one that is no longer taken. */
#include "pool/hashset.h"

int bp_hashset_init(struct bp_hashset *s, struct bp_mem *mem, uint32_t max,
                    uint64_t seed) {
    *s = (struct bp_hashset){ .mem = mem, .max = max };
    bp_index_key(s->key, seed);
    s->hash = bp_mem_take(mem, max * sizeof *s->hash);
    s->newest = bp_mem_take(mem, 2 * (size_t)max * sizeof *s->newest);
    if (s->hash != NULL && s->newest != NULL) {
        s->older = s->newest + max;
        return 0;
    }
    bp_hashset_free(s);
    return BP_ERR_NOMEM;
}

void bp_hashset_free(struct bp_hashset *s) {
    if (s->mem == NULL) return;
    bp_mem_give(s->mem, s->newest, 2 * (size_t)s->max * sizeof *s->newest);
    bp_mem_give(s->mem, s->hash, s->max * sizeof *s->hash);
    s->mem = NULL;
}

void bp_hashset_clear(struct bp_hashset *s) {
    s->n = 0;
}

uint64_t bp_hashset_bound(uint32_t max) {
    return (uint64_t)max * (sizeof(bp_hash) + 2 * sizeof(uint32_t));
}

static uint32_t *bucket(const struct bp_hashset *s, const bp_hash *hash) {
    uint64_t tag = bp_index_tag(s->key, hash);
    return &s->newest[tag * s->max >> 32];
}

/* How many were added after it. */
static uint32_t age(const struct bp_hashset *s, uint32_t at) {
    return (at < s->next ? s->next : s->next + s->max) - 1 - at;
}

uint32_t bp_hashset_find(const struct bp_hashset *s, const bp_hash *hash) {
    if (s->n == 0) return BP_NIL;
    uint32_t at = *bucket(s, hash);
    for (uint32_t least = 0; age(s, at) >= least && age(s, at) < s->n;) {
        if (bp_hash_eq(&s->hash[at], hash)) return at;
        least = age(s, at) + 1;
        at = s->older[at];
    }
    return BP_NIL;
}

uint32_t bp_hashset_add(struct bp_hashset *s, const bp_hash *hash) {
    uint32_t at = s->next, *newest = bucket(s, hash);
    s->next = at + 1 == s->max ? 0 : at + 1;
    if (s->n < s->max) s->n++;
    s->hash[at] = *hash;
    s->older[at] = *newest;
    *newest = at;
    return at;
}

uint32_t bp_hashset_put(struct bp_hashset *s, const bp_hash *hash) {
    uint32_t at = bp_hashset_find(s, hash);
    return at != BP_NIL ? at : bp_hashset_add(s, hash);
}

bp_hash bp_hashset_pop(struct bp_hashset *s) {
    return s->hash[(s->next + s->max - s->n--) % s->max];
}
