/* ethash_portable: the inner loop in plain C, on any machine. */
#include "prim/ethash_impl.h"

/* Four words at a time, by whatever the machine has for that; a word's bytes
   are little-endian in memory, so elsewhere they are swapped one by one. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
typedef uint32_t words __attribute__((vector_size(16), may_alias, aligned(1)));
enum { STEP = 4 };

static inline void fold_step(uint8_t *a, const uint8_t *b) {
    words *p = (words *)(void *)a;
    *p = *p * BP_FNV_PRIME ^ *(const words *)(const void *)b;
}
#else
enum { STEP = 1 };

static inline void fold_step(uint8_t *a, const uint8_t *b) {
    store_le32(a, bp_fnv(load_le32(a), load_le32(b)));
}
#endif

void bp_ethash_fold_portable(uint8_t *a, const uint8_t *b, size_t n) {
    for (size_t i = 0; i < 4 * n; i += 4 * STEP) fold_step(a + i, b + i);
}

void bp_ethash_sweep_portable(const struct bp_ethash_items *j) {
    for (uint32_t p = 1; p <= BP_ETHASH_PARENTS; p++) {
        for (unsigned i = 0, ahead = j->distance; i < j->lanes; i++, ahead++) {
            bp_ethash_fold_portable(j->mix + i * BP_ETHASH_LINE, j->next[i],
                                    16);
            j->next[i] = bp_ethash_parent(j, i, p);
            if (ahead >= j->lanes) ahead -= j->lanes;
            __builtin_prefetch(j->next[ahead], 0, 2);
        }
    }
}
