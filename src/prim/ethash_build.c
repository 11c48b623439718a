/* ethash_build: light caches, one or several at once.

   Item i of a cache is the Keccak-512 of the item before it, at first alone,
   then in three more rounds xored with an item chosen by its own old content.
   That chain cannot be split, but the chains of different epochs are
   independent: each gets a lane. */
#include <assert.h>

#include "prim/ethash_impl.h"
#include "prim/keccak_impl.h"

/* How far ahead the random line of a later step is fetched. Its number stands
   in the old content of its item, so it is known a whole round before. */
enum { LOOK_AHEAD = 4 };

void bp_ethash_build_begin(struct bp_ethash_build *b, uint8_t *cache, size_t n,
                           const bp_hash *seed) {
    assert(n % BP_ETHASH_LINE == 0 && n / BP_ETHASH_LINE >= 2 &&
           n / BP_ETHASH_LINE < UINT32_MAX);
    *b = (struct bp_ethash_build){
        .cache = cache,
        .items = (uint32_t)(n / BP_ETHASH_LINE),
        .seed = *seed,
    };
}

static inline uint8_t *item(const struct bp_ethash_build *b, uint32_t i) {
    return b->cache + (size_t)i * BP_ETHASH_LINE;
}

/* The first item of all is the hash of 32 bytes, not of an item. */
static void first_item(struct bp_ethash_build *b) {
    bp_keccak512(b->cache, (bp_span){ b->seed.b, sizeof b->seed.b });
    b->at = 1;
}

struct lane {
    struct bp_ethash_build *b;
    uint64_t inv;
    uint32_t left; /* of this step's allowance */
};

/* Lines whose Keccak-512 is the next item: the one before it, and the one its
   old content names (in round 0, none). */
static void sources(const struct lane *l, const uint8_t **prev,
                    const uint8_t **other) {
    static const uint8_t zero[BP_ETHASH_LINE];
    const struct bp_ethash_build *b = l->b;
    *prev = item(b, b->at == 0 ? b->items - 1 : b->at - 1);
    if (b->round == 0) {
        *other = zero;
        return;
    }
    uint32_t later = b->at + LOOK_AHEAD;
    if (later < b->items) {
        uint32_t v = bp_fastmod(load_le32(item(b, later)), l->inv, b->items);
        __builtin_prefetch(item(b, v), 0, 2);
    }
    *other = item(b, bp_fastmod(load_le32(item(b, b->at)), l->inv, b->items));
}

/* One item of each of k lanes. */
static void step_lanes(const struct bp_keccak_ops *ops, struct lane *lane,
                       unsigned k) {
    uint8_t *dst[BP_ETHASH_BUILD_GROUP];
    const uint8_t *prev[BP_ETHASH_BUILD_GROUP], *other[BP_ETHASH_BUILD_GROUP];
    for (unsigned w = 0; w < k; w++) {
        dst[w] = item(lane[w].b, lane[w].b->at);
        sources(&lane[w], &prev[w], &other[w]);
    }
    bp_keccak512_lines(ops, dst, prev, other, k);
    for (unsigned w = 0; w < k; w++) {
        struct bp_ethash_build *b = lane[w].b;
        lane[w].left--;
        if (++b->at < b->items) continue;
        b->at = 0;
        b->round++;
    }
}

static inline bool done(const struct bp_ethash_build *b) {
    return b->round > BP_ETHASH_ROUNDS;
}

/* Runs k builds side by side for up to `items` items each; lanes that are done
   leave, and the others go on in fewer. */
static void run_group(const struct bp_keccak_ops *ops,
                      struct bp_ethash_build *b, unsigned k, uint32_t items) {
    struct lane lane[BP_ETHASH_BUILD_GROUP];
    unsigned n = 0;
    for (unsigned i = 0; i < k; i++) {
        if (done(&b[i]) || items == 0) continue;
        if (b[i].round == 0 && b[i].at == 0) first_item(&b[i]);
        lane[n++] = (struct lane){ &b[i], bp_fastmod_inv(b[i].items), items };
    }
    while (n > 0) {
        step_lanes(ops, lane, n);
        for (unsigned w = n; w-- > 0;)
            if (lane[w].left == 0 || done(lane[w].b)) lane[w] = lane[--n];
    }
}

bool bp_ethash_build_step(struct bp_ethash_build *b, size_t k, uint32_t items,
                          enum bp_cpu cpu) {
    const struct bp_keccak_ops *ops = bp_keccak_ops_of(cpu);
    bool all = true;
    for (size_t i = 0; i < k; i += BP_ETHASH_BUILD_GROUP) {
        size_t n =
            k - i < BP_ETHASH_BUILD_GROUP ? k - i : BP_ETHASH_BUILD_GROUP;
        run_group(ops, b + i, (unsigned)n, items);
    }
    for (size_t i = 0; i < k; i++) all = all && done(&b[i]);
    return all;
}
