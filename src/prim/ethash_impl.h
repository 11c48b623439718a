/* ethash_impl: the parts of Ethash that differ between instruction sets.

   A lane is one data set item in the making: 64 bytes of mix, the item's
   number, and the line of the cache that it reads next. A header keeps two
   lanes busy (a page of the data set is two items), so a batch of H headers is
   2H lanes. */
#ifndef BP_PRIM_ETHASH_IMPL_H
#define BP_PRIM_ETHASH_IMPL_H

#include "blockpool/ethash.h"
#include "prim/le.h"

enum {
    BP_ETHASH_LINE = 64,     /* an item of the cache or of the data set */
    BP_ETHASH_PAGE = 128,    /* what one access of a header reads */
    BP_ETHASH_PARENTS = 256, /* lines of the cache in one item */
    BP_ETHASH_ACCESSES = 64, /* pages in one hash */
    BP_ETHASH_ROUNDS = 3,    /* of mixing over the cache */
};

#define BP_FNV_PRIME 0x01000193u

static inline uint32_t bp_fnv(uint32_t a, uint32_t b) {
    return a * BP_FNV_PRIME ^ b;
}

__extension__ typedef unsigned __int128 bp_u128;

/* t mod n with inv = floor(2^64 / n) + 1, exact for every 32-bit t and n > 1
   (Lemire, Kaser, Kurz: "Faster remainder by direct computation"). */
static inline uint32_t bp_fastmod(uint32_t t, uint64_t inv, uint32_t n) {
    return (uint32_t)(((bp_u128)(inv * t) * n) >> 64);
}

static inline uint64_t bp_fastmod_inv(uint32_t n) {
    return UINT64_MAX / n + 1;
}

struct bp_ethash_items {
    const struct bp_ethash_light *light;
    uint8_t *mix;         /* lanes * 64 bytes, aligned to 64; the result */
    const uint32_t *nr;   /* which item each lane makes */
    const uint8_t **next; /* room: the line each lane reads next */
    uint32_t *key;        /* room; nr and key are aligned to 64 and have room
                             for a multiple of 8 numbers */
    unsigned lanes;       /* an even number */
    unsigned distance;    /* lanes ahead that a line is prefetched, 1..lanes */
    enum bp_prefetch hint;
};

static inline const uint8_t *bp_ethash_line(const struct bp_ethash_light *l,
                                            uint32_t number) {
    uint32_t i = bp_fastmod(number, l->inv_items, l->items);
    return l->cache + (size_t)i * BP_ETHASH_LINE;
}

/* The line that lane i reads as its parent number p. */
static inline const uint8_t *bp_ethash_parent(const struct bp_ethash_items *j,
                                              unsigned i, uint32_t p) {
    uint32_t word = load_le32(j->mix + i * BP_ETHASH_LINE + 4 * (p % 16));
    return bp_ethash_line(j->light, bp_fnv(j->nr[i] ^ p, word));
}

struct bp_ethash_ops {
    /* Folds the 256 parents into every lane, given lanes and the lines of
       their first parents. */
    void (*sweep)(const struct bp_ethash_items *j);
    /* Folds n words (a multiple of 16) of b into a by FNV; both aligned to 64
       bytes. */
    void (*fold)(uint8_t *a, const uint8_t *b, size_t n);
};

/* The row of a level, lowered to what the machine offers. */
const struct bp_ethash_ops *bp_ethash_ops_of(enum bp_cpu cpu);

/* Computes the items j->nr. */
void bp_ethash_items(const struct bp_ethash_items *j, enum bp_cpu cpu);

void bp_ethash_sweep_portable(const struct bp_ethash_items *j);
void bp_ethash_fold_portable(uint8_t *a, const uint8_t *b, size_t n);
#if defined(__x86_64__)
void bp_ethash_sweep_avx2(const struct bp_ethash_items *j);
void bp_ethash_fold_avx2(uint8_t *a, const uint8_t *b, size_t n);
#endif

#endif
