#include "tree.h"

#include <assert.h>
#include <string.h>

#define PHANTOM_DEPTHS (1u << PHANTOM_BITS)

const char *flaw_word(enum flaw f) {
    static const char *const words[] = {
#define FLAW_WORD(name, word) word,
        FLAW_MAP(FLAW_WORD)
#undef FLAW_WORD
    };
    return f < FLAW_COUNT ? words[f] : "?";
}

void tree_init(struct tree *t, struct arena *arena, uint64_t key) {
    *t = (struct tree){ .arena = arena, .key = key };
}

static uint64_t mix(uint64_t x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

bp_hash tree_hash(const struct tree *t, uint32_t block) {
    uint64_t w[4];
    w[0] = mix(t->key ^ block);
    w[1] = mix(w[0]);
    w[2] = mix(w[1] ^ t->key);
    /* The last word gives the number back to tree_find. */
    w[3] = (w[2] & 0xffffffff00000000u) | (block ^ (uint32_t)w[1]);
    bp_hash h;
    memcpy(h.b, w, sizeof w);
    return h;
}

uint32_t tree_find(const struct tree *t, const bp_hash *hash) {
    uint64_t w[4];
    memcpy(w, hash->b, sizeof w);
    uint32_t block = (uint32_t)w[3] ^ (uint32_t)w[1];
    if (block >= t->n) {
        if (!is_phantom(block)) return BLOCK_NONE;
        if ((block - PHANTOM_FIRST) >> PHANTOM_BITS >= t->phantoms)
            return BLOCK_NONE;
    }
    bp_hash true_hash = tree_hash(t, block);
    return bp_hash_eq(&true_hash, hash) ? block : BLOCK_NONE;
}

uint64_t tree_height(const struct tree *t, uint32_t block) {
    /* FLAW_NUMBER lies about the number by one; the height is the truth. */
    const struct tblock *b = &t->b[block];
    return b->flaw == FLAW_NUMBER ? b->number - 1 : b->number;
}

/* Where the skip of a block at height h leads: clears the lowest set bits, so
   that every walk takes a number of steps like the logarithm. */
static uint64_t skip_height(uint64_t h) {
    if (h < 2) return 0;
    uint64_t low = h & (h - 1);
    if ((h & 1) == 0) return low;
    low = (h - 1) & (h - 2);
    return (low & (low - 1)) + 1;
}

uint32_t tree_add(struct tree *t, uint32_t parent, const struct tblock *as) {
    t->b = arena_grow(t->arena, t->b, &t->cap, t->n + 1, sizeof *t->b);
    uint32_t id = t->n++;
    struct tblock *b = &t->b[id];
    *b = *as;
    b->hash = tree_hash(t, id);
    b->parent = parent;
    b->held = false;
    if (parent == BLOCK_NONE) {
        b->number = 0;
        b->td = b->difficulty;
        b->valid = id == 0; /* any other root is another chain's genesis */
        b->skip = id;
        return id;
    }
    const struct tblock *p = &t->b[parent];
    uint64_t height = tree_height(t, parent) + 1;
    b->number = height + (b->flaw == FLAW_NUMBER ? 1 : 0);
    if (b->flaw == FLAW_HUGE) b->difficulty.w[2] = 1;
    bp_u256_add(&b->td, &p->td, &b->difficulty);
    b->valid = p->valid && (b->flaw == FLAW_NONE || b->flaw == FLAW_LATER);
    b->skip = parent;
    b->skip = tree_at(t, parent, skip_height(height));
    return id;
}

uint32_t tree_at(const struct tree *t, uint32_t tip, uint64_t height) {
    if (tip >= t->n) return BLOCK_NONE;
    uint64_t h = tree_height(t, tip);
    if (height > h) return BLOCK_NONE;
    while (h > height) {
        uint32_t s = t->b[tip].skip;
        uint64_t sh = tree_height(t, s);
        if (s != tip && sh >= height && sh < h) {
            tip = s;
            h = sh;
        } else {
            tip = t->b[tip].parent;
            if (tip == BLOCK_NONE) return BLOCK_NONE;
            h = tree_height(t, tip);
        }
    }
    return tip;
}

bool tree_has(const struct tree *t, uint32_t tip, uint32_t block) {
    if (block >= t->n) return false;
    return tree_at(t, tip, tree_height(t, block)) == block;
}

uint32_t tree_common(const struct tree *t, uint32_t a, uint32_t b) {
    uint64_t ha = tree_height(t, a), hb = tree_height(t, b);
    if (ha > hb) a = tree_at(t, a, hb);
    if (hb > ha) b = tree_at(t, b, ha);
    while (a != b && a != BLOCK_NONE && b != BLOCK_NONE) {
        a = t->b[a].parent;
        b = t->b[b].parent;
    }
    return a;
}

uint32_t phantom_new(struct tree *t, const struct phantom *p) {
    assert(t->phantoms < (PHANTOM_FIRST >> PHANTOM_BITS));
    t->phantom = arena_grow(t->arena, t->phantom, &t->phantom_cap,
                            t->phantoms + 1, sizeof *t->phantom);
    t->phantom[t->phantoms] = *p;
    return PHANTOM_FIRST + (t->phantoms++ << PHANTOM_BITS);
}

uint32_t phantom_parent(uint32_t block) {
    uint32_t depth = (block - PHANTOM_FIRST) & (PHANTOM_DEPTHS - 1);
    return block - depth + ((depth + 1) & (PHANTOM_DEPTHS - 1));
}

uint32_t tree_parent(const struct tree *t, uint32_t block) {
    if (is_phantom(block)) return phantom_parent(block);
    return t->b[block].parent;
}

#define PHANTOM_LINK_SIZE 120

struct bp_link tree_link(const struct tree *t, uint32_t block) {
    struct bp_link l = { .size = PHANTOM_LINK_SIZE };
    if (is_phantom(block)) {
        uint32_t off = block - PHANTOM_FIRST;
        const struct phantom *p = &t->phantom[off >> PHANTOM_BITS];
        uint32_t depth = off & (PHANTOM_DEPTHS - 1);
        l.hash = tree_hash(t, block);
        l.parent = tree_hash(t, phantom_parent(block));
        l.number = p->top_number > depth ? p->top_number - depth : 1;
        l.difficulty = p->difficulty;
        return l;
    }
    const struct tblock *b = &t->b[block];
    l.hash = b->hash;
    if (b->parent != BLOCK_NONE) l.parent = t->b[b->parent].hash;
    l.number = b->number;
    l.difficulty = b->difficulty;
    l.size = b->link_size;
    if (b->empty) l.flags |= BP_LINK_EMPTY;
    return l;
}

struct bp_held tree_held(const struct tree *t, uint32_t block) {
    struct bp_held h = { 0 };
    if (block < t->n && t->b[block].held) {
        h.held = true;
        h.number = t->b[block].number;
        h.td = t->b[block].td;
    }
    return h;
}
