/* ethash_portable: the inner loop in plain C, on any machine. */
#include "prim/ethash_impl.h"

void bp_ethash_fold_portable(uint8_t *a, const uint8_t *b, size_t n) {
    for (size_t i = 0; i < 4 * n; i += 4)
        store_le32(a + i, bp_fnv(load_le32(a + i), load_le32(b + i)));
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
