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
    uint8_t *mix;       /* lanes * 64 bytes, aligned to 64; the result */
    const uint32_t *nr; /* which item each lane makes */
    uint32_t *ix;       /* room for lanes numbers */
    unsigned lanes;
    unsigned distance; /* lanes ahead that a line is prefetched, 1..lanes */
    enum bp_prefetch hint;
};

struct bp_ethash_ops {
    /* Computes the items; see struct bp_ethash_items. */
    void (*items)(const struct bp_ethash_items *j);
    /* Folds n words (a multiple of 16) of b into a by FNV. */
    void (*fold)(uint8_t *a, const uint8_t *b, size_t n);
    /* dst[w] = keccak512(a[w] ^ b[w]), 64 bytes each, for k <= ways. */
    void (*build)(uint8_t *const dst[], const uint8_t *const a[],
                  const uint8_t *const b[], unsigned k);
    unsigned ways;
};

/* The row of a level, lowered to what the machine offers. */
const struct bp_ethash_ops *bp_ethash_ops_of(enum bp_cpu cpu);

extern const struct bp_ethash_ops bp_ethash_ops_portable;

#endif
