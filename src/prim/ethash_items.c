/* ethash_items: items of the data set, as many at once as there are lanes. */
#include "prim/ethash_impl.h"
#include "prim/keccak_impl.h"

static const struct bp_ethash_ops rows[] = {
    [BP_CPU_PORTABLE] = { bp_ethash_sweep_portable, bp_ethash_fold_portable },
#if defined(__x86_64__)
    /* Two ymm registers a line beat one zmm; see docs/protocol/ethash.md. */
    [BP_CPU_AVX2] = { bp_ethash_sweep_avx2, bp_ethash_fold_avx2 },
    [BP_CPU_AVX512] = { bp_ethash_sweep_avx2, bp_ethash_fold_avx2 },
#endif
};

const struct bp_ethash_ops *bp_ethash_ops_of(enum bp_cpu cpu) {
    enum bp_cpu best = bp_cpu_detect();
    return &rows[cpu < best ? cpu : best];
}

/* Every lane starts from the line of its own number. */
static void fill(const struct bp_ethash_items *j) {
    for (unsigned i = 0; i < j->lanes; i++) {
        j->next[i] = bp_ethash_line(j->light, j->nr[i]);
        __builtin_prefetch(j->next[i], 0, 2);
    }
    for (unsigned i = 0; i < j->lanes; i++) {
        uint8_t *mix = j->mix + i * BP_ETHASH_LINE;
        memcpy(mix, j->next[i], BP_ETHASH_LINE);
        store_le32(mix, load_le32(mix) ^ j->nr[i]);
    }
}

static void hash_lanes(const struct bp_ethash_items *j,
                       const struct bp_keccak_ops *ops) {
    uint8_t *line[2 * BP_ETHASH_LANES_MAX];
    for (unsigned i = 0; i < j->lanes; i++)
        line[i] = j->mix + i * BP_ETHASH_LINE;
    bp_keccak512_lines(ops, line, (const uint8_t *const *)line, NULL, j->lanes);
}

void bp_ethash_items(const struct bp_ethash_items *j, enum bp_cpu cpu) {
    const struct bp_keccak_ops *keccak = bp_keccak_ops_of(cpu);
    fill(j);
    hash_lanes(j, keccak);
    for (unsigned i = 0; i < j->lanes; i++) {
        j->next[i] = bp_ethash_parent(j, i, 0);
        __builtin_prefetch(j->next[i], 0, 2);
    }
    bp_ethash_ops_of(cpu)->sweep(j);
    hash_lanes(j, keccak);
}
