/* scene_world: the blocks of the toy chain, and the items that stand for their
   bytes. */
#include "lib/scene_parts.h"

bp_hash scene_hash(uint32_t id) {
    bp_hash h;
    uint64_t x = id;
    struct bp_rng rng;
    bp_rng_seed(&rng, x ^ 0x70796f74);
    uint64_t a = bp_rng_next(&rng), b = bp_rng_next(&rng);
    memcpy(h.b + 16, &a, 8);
    memcpy(h.b + 24, &b, 8);
    memcpy(h.b + 4, &b, 8);
    memcpy(h.b + 8, &a, 8);
    for (int i = 0; i < 4; i++) h.b[i] = (uint8_t)(id >> (24 - 8 * i));
    return h;
}

uint32_t scene_id(const bp_hash *h) {
    uint32_t id = 0;
    for (int i = 0; i < 4; i++) id = id << 8 | h->b[i];
    return id;
}

struct scene_block *scene_at(struct scene *s, uint32_t id) {
    assert_true(id < s->n_blocks);
    return &s->block[id];
}

void *scene_more(void *p, size_t *cap, size_t need, size_t elem) {
    if (need <= *cap) return p;
    size_t n = *cap == 0 ? 64 : *cap;
    while (n < need) n *= 2;
    char *q = realloc(p, n * elem);
    assert_non_null(q);
    memset(q + *cap * elem, 0, (n - *cap) * elem);
    *cap = n;
    return q;
}

void scene_block(struct scene *s, uint32_t id, uint32_t parent,
                 uint64_t difficulty) {
    size_t cap = s->cap_blocks;
    s->block = scene_more(s->block, &cap, (size_t)id + 1, sizeof *s->block);
    s->cap_blocks = (uint32_t)cap;
    if (id >= s->n_blocks) s->n_blocks = id + 1;
    struct scene_block *b = &s->block[id];
    *b = (struct scene_block){
        .parent = parent, .difficulty = difficulty, .exists = true, .body = 1000
    };
    b->td = bp_u256_from_u64(difficulty);
    if (id == 0) return;
    const struct scene_block *up = scene_at(s, parent);
    b->number = up->number + 1;
    bp_u256_add(&b->td, &b->td, &up->td);
}

void scene_block_wide(struct scene *s, uint32_t id, uint32_t parent,
                      uint64_t high, uint64_t low) {
    scene_block(s, id, parent, low);
    s->block[id].wide = high;
    bp_u256 wide = { .w = { 0, high } };
    bp_u256_add(&s->block[id].td, &s->block[id].td, &wide);
}

void scene_chain(struct scene *s, uint32_t first, uint32_t last,
                 uint64_t difficulty) {
    for (uint32_t id = first; id <= last; id++)
        scene_block(s, id, id - 1, difficulty);
}

void scene_hold(struct scene *s, uint32_t id) {
    for (uint32_t at = id; !scene_at(s, at)->held; at = s->block[at].parent) {
        s->block[at].held = true;
        if (at == 0) break;
    }
    if (bp_u256_cmp(&s->block[id].td, &s->block[s->head].td) > 0) s->head = id;
}

bool scene_descends(struct scene *s, uint32_t id, uint32_t from) {
    uint64_t n = scene_at(s, from)->number;
    while (scene_at(s, id)->number > n) id = s->block[id].parent;
    return id == from;
}

struct bp_held scene_held(struct scene *s, uint32_t id) {
    struct bp_held h = { 0 };
    if (id >= s->n_blocks || !s->block[id].held) return h;
    h.held = true;
    h.number = s->block[id].number;
    h.td = s->block[id].td;
    return h;
}

struct bp_chain_head scene_chain_head(struct scene *s) {
    return (struct bp_chain_head){ scene_hash(s->head),
                                   s->block[s->head].number,
                                   s->block[s->head].td };
}

/* ---- items -------------------------------------------------------------- */

uint64_t scene_item_new(struct scene *s, uint32_t block,
                        enum scene_item_kind kind, bool bad) {
    uint64_t what =
        (uint64_t)block << 8 | (uint64_t)kind << 2 | 2 | (bad ? 1 : 0);
    s->live_items++;
    if (s->live_items > s->peak_items) s->peak_items = s->live_items;
    uint64_t id;
    if (s->n_free > 0) {
        id = s->free_items[--s->n_free];
    } else {
        if (s->n_items == 0) s->n_items = 1;
        s->item =
            scene_more(s->item, &s->cap_items, s->n_items + 1, sizeof *s->item);
        id = s->n_items++;
    }
    s->item[id] = what;
    return id;
}

void scene_item_release(struct scene *s, uint64_t id) {
    if (id == 0 || id >= s->n_items) fail_msg("released an unknown item");
    if (s->item[id] == 0) fail_msg("released item %zu twice", (size_t)id);
    s->item[id] = 0;
    s->live_items--;
    /* Late reuse, so that a second release shows. */
    if (s->no_check) {
        s->free_items = scene_more(s->free_items, &s->cap_free, s->n_free + 1,
                                   sizeof *s->free_items);
        s->free_items[s->n_free++] = id;
    }
}

uint64_t scene_item_look(struct scene *s, uint64_t id) {
    if (id == 0 || id >= s->n_items || s->item[id] == 0)
        fail_msg("item %zu was used after its release", (size_t)id);
    return s->item[id];
}
