/* index: linear probing, backward-shift deletion, a keyed mixing hash. */
#include "pool/index.h"

#include <assert.h>
#include <string.h>

__extension__ typedef unsigned __int128 u128;

static uint64_t fold(uint64_t a, uint64_t b) {
    u128 p = (u128)a * b;
    return (uint64_t)p ^ (uint64_t)(p >> 64);
}

void bp_index_key(uint64_t key[2], uint64_t seed) {
    struct bp_rng rng;
    bp_rng_seed(&rng, seed);
    for (int i = 0; i < 2; i++) key[i] = bp_rng_next(&rng) | 1;
}

uint32_t bp_index_tag(const uint64_t key[2], const bp_hash *hash) {
    uint64_t w[4];
    memcpy(w, hash->b, sizeof w);
    uint64_t a = fold(w[0] ^ key[0], w[1] ^ key[1]);
    uint64_t b = fold(w[2] ^ key[1], w[3] ^ key[0]);
    return (uint32_t)(fold(a ^ key[0], b ^ 0x9e3779b97f4a7c15u) >> 32);
}

static uint32_t home_of(const struct bp_index *ix, uint32_t tag) {
    return (uint32_t)((uint64_t)tag * ix->cap >> 32);
}

static uint32_t after(const struct bp_index *ix, uint32_t pos) {
    return pos + 1 == ix->cap ? 0 : pos + 1;
}

static uint32_t cap_for(uint32_t max) {
    return max + max / 8 * 3 + 8;
}

int bp_index_init(struct bp_index *ix, struct bp_mem *mem, uint32_t max,
                  uint64_t seed) {
    *ix = (struct bp_index){ .mem = mem, .cap = cap_for(max), .max = max };
    bp_index_key(ix->key, seed);
    ix->cell = bp_mem_take(mem, ix->cap * sizeof *ix->cell);
    return ix->cell != NULL ? 0 : BP_ERR_NOMEM;
}

void bp_index_free(struct bp_index *ix) {
    if (ix->cell == NULL) return;
    bp_mem_give(ix->mem, ix->cell, ix->cap * sizeof *ix->cell);
    ix->cell = NULL;
}

uint64_t bp_index_bound(uint32_t max) {
    return (uint64_t)cap_for(max) * sizeof(uint64_t);
}

bool bp_index_add(struct bp_index *ix, const bp_hash *hash, uint32_t number) {
    assert(number != BP_NIL);
    if (ix->n == ix->max) return false;
    uint32_t tag = bp_index_tag(ix->key, hash), pos = home_of(ix, tag);
    while (ix->cell[pos] != 0) pos = after(ix, pos);
    ix->cell[pos] = (uint64_t)tag << 32 | (number + 1);
    ix->n++;
    return true;
}

/* Whether the cell at `from`, whose home is `home`, may move to `hole`: its
   home must not lie cyclically in (hole, from]. */
static bool may_move(uint32_t home, uint32_t hole, uint32_t from) {
    if (hole < from) return home <= hole || home > from;
    return home <= hole && home > from;
}

void bp_index_remove(struct bp_index *ix, const bp_hash *hash,
                     uint32_t number) {
    uint32_t tag = bp_index_tag(ix->key, hash), pos = home_of(ix, tag);
    uint64_t want = (uint64_t)tag << 32 | (number + 1);
    while (ix->cell[pos] != want) {
        assert(ix->cell[pos] != 0);
        pos = after(ix, pos);
    }
    uint32_t hole = pos;
    for (pos = after(ix, pos); ix->cell[pos] != 0; pos = after(ix, pos)) {
        uint32_t home = home_of(ix, (uint32_t)(ix->cell[pos] >> 32));
        if (!may_move(home, hole, pos)) continue;
        ix->cell[hole] = ix->cell[pos];
        hole = pos;
    }
    ix->cell[hole] = 0;
    ix->n--;
}

struct bp_probe bp_index_begin(const struct bp_index *ix, const bp_hash *hash) {
    uint32_t tag = bp_index_tag(ix->key, hash);
    return (struct bp_probe){ .pos = home_of(ix, tag), .tag = tag };
}

uint32_t bp_index_next(const struct bp_index *ix, struct bp_probe *probe) {
    for (;;) {
        uint64_t c = ix->cell[probe->pos];
        if (c == 0) return BP_NIL;
        probe->pos = after(ix, probe->pos);
        if ((uint32_t)(c >> 32) == probe->tag) return (uint32_t)c - 1;
    }
}

void bp_index_prefetch(const struct bp_index *ix, const bp_hash *hash) {
    __builtin_prefetch(&ix->cell[home_of(ix, bp_index_tag(ix->key, hash))]);
}
