/* ethash_portable: the data set's items in plain C, on any machine. */
#include <assert.h>

#include "prim/ethash_impl.h"
#include "prim/keccak_impl.h"

static inline void prefetch(const void *p) {
    __builtin_prefetch(p, 0, 2);
}

static void keccak512_line(uint8_t *line) {
    uint64_t a[25] = { 0 };
    for (unsigned i = 0; i < 8; i++) a[i] = load_le64(line + 8 * i);
    a[8] = 0x8000000000000001; /* the padding fills one word */
    bp_keccak_permute_portable(a);
    for (unsigned i = 0; i < 8; i++) store_le64(line + 8 * i, a[i]);
}

static void fold(uint8_t *a, const uint8_t *b, size_t n) {
    for (size_t i = 0; i < n; i++)
        store_le32(a + 4 * i,
                   bp_fnv(load_le32(a + 4 * i), load_le32(b + 4 * i)));
}

static void fill(const struct bp_ethash_items *j) {
    const struct bp_ethash_light *l = j->light;
    for (unsigned i = 0; i < j->lanes; i++) {
        j->ix[i] = bp_fastmod(j->nr[i], l->inv_items, l->items);
        prefetch(l->cache + (size_t)j->ix[i] * BP_ETHASH_LINE);
    }
    for (unsigned i = 0; i < j->lanes; i++) {
        uint8_t *mix = j->mix + i * BP_ETHASH_LINE;
        memcpy(mix, l->cache + (size_t)j->ix[i] * BP_ETHASH_LINE,
               BP_ETHASH_LINE);
        store_le32(mix, load_le32(mix) ^ j->nr[i]);
    }
}

/* The number of the line that lane i reads as its parent number p. */
static inline uint32_t parent(const struct bp_ethash_items *j, unsigned i,
                              uint32_t p) {
    uint32_t word = load_le32(j->mix + i * BP_ETHASH_LINE + 4 * (p % 16));
    return bp_fastmod(bp_fnv(j->nr[i] ^ p, word), j->light->inv_items,
                      j->light->items);
}

static void items(const struct bp_ethash_items *j) {
    const uint8_t *cache = j->light->cache;
    fill(j);
    for (unsigned i = 0; i < j->lanes; i++) {
        keccak512_line(j->mix + i * BP_ETHASH_LINE);
        j->ix[i] = parent(j, i, 0);
        prefetch(cache + (size_t)j->ix[i] * BP_ETHASH_LINE);
    }
    for (uint32_t p = 1; p <= BP_ETHASH_PARENTS; p++) {
        for (unsigned i = 0; i < j->lanes; i++) {
            uint8_t *mix = j->mix + i * BP_ETHASH_LINE;
            fold(mix, cache + (size_t)j->ix[i] * BP_ETHASH_LINE, 16);
            j->ix[i] = parent(j, i, p);
            prefetch(cache + (size_t)j->ix[i] * BP_ETHASH_LINE);
        }
    }
    for (unsigned i = 0; i < j->lanes; i++)
        keccak512_line(j->mix + i * BP_ETHASH_LINE);
}

static void build(uint8_t *const dst[], const uint8_t *const a[],
                  const uint8_t *const b[], unsigned k) {
    assert(k == 1);
    uint8_t line[BP_ETHASH_LINE];
    for (unsigned i = 0; i < BP_ETHASH_LINE; i += 8)
        store_le64(line + i, load_le64(a[0] + i) ^ load_le64(b[0] + i));
    keccak512_line(line);
    memcpy(dst[0], line, sizeof line);
}

const struct bp_ethash_ops bp_ethash_ops_portable = {
    .items = items,
    .fold = fold,
    .build = build,
    .ways = 1,
};
