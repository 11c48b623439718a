/* hashset: the last so many hashes of a kind. */
#include "pool/state.h"

/* A set is full all the time, and small: a sparse index finds faster. */
#define ROOMY 2

int bp_hashset_init(struct bp_hashset *s, struct bp_mem *mem, uint32_t max,
                    uint64_t seed) {
    *s = (struct bp_hashset){ .max = max };
    int err = bp_index_init(&s->index, mem, ROOMY * max, seed);
    if (err != 0) return err;
    s->hash = bp_mem_take(mem, max * sizeof *s->hash);
    if (s->hash != NULL) return 0;
    bp_index_free(&s->index);
    return BP_ERR_NOMEM;
}

void bp_hashset_free(struct bp_hashset *s) {
    if (s->hash == NULL) return;
    bp_mem_give(s->index.mem, s->hash, s->max * sizeof *s->hash);
    s->hash = NULL;
    bp_index_free(&s->index);
}

void bp_hashset_clear(struct bp_hashset *s) {
    while (s->n > 0) bp_hashset_pop(s);
}

uint64_t bp_hashset_bound(uint32_t max) {
    return bp_index_bound(ROOMY * max) + (uint64_t)max * sizeof(bp_hash);
}

uint32_t bp_hashset_find(const struct bp_hashset *s, const bp_hash *hash) {
    struct bp_probe probe = bp_index_begin(&s->index, hash);
    for (;;) {
        uint32_t at = bp_index_next(&s->index, &probe);
        if (at == BP_NIL || bp_hash_eq(&s->hash[at], hash)) return at;
    }
}

uint32_t bp_hashset_add(struct bp_hashset *s, const bp_hash *hash) {
    uint32_t at = s->next;
    s->next = at + 1 == s->max ? 0 : at + 1;
    if (s->n == s->max)
        bp_index_remove(&s->index, &s->hash[at], at);
    else
        s->n++;
    s->hash[at] = *hash;
    bp_index_add(&s->index, hash, at);
    return at;
}

bp_hash bp_hashset_pop(struct bp_hashset *s) {
    uint32_t at = (s->next + s->max - s->n) % s->max;
    bp_hash hash = s->hash[at];
    bp_index_remove(&s->index, &hash, at);
    s->n--;
    return hash;
}
