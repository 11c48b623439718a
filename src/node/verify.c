/* verify: seals in batches, and the policy that says which.

   Happy path: the seal hashes of a batch are made together, the cache of the
   epoch is there, and sixty-four seals at a time are computed side by side.

   Failure modes:
     - no memory for the batch or for a cache: an error of ours, nobody is
       blamed
     - the node ends in the middle: BP_ERR_STOPPED, so that nothing waits for
       the rest of a long batch */
#include "node/verify.h"

#include <stdlib.h>
#include <string.h>

#include "node/clock.h"
#include "node/entropy.h"

/* Seals between two looks at the stop flag: a multiple of the lanes, about a
   tenth of a second. */
#define BATCH 256

uint64_t verify_probe_below(const struct bp_spec *spec) {
    uint64_t from = spec->fork[BP_FORK_ETCHASH];
    uint64_t blocks = from == BP_FORK_NEVER ? BP_ETHASH_EPOCH_BLOCKS
                                            : BP_ETCHASH_EPOCH_BLOCKS;
    return blocks * BP_ETHASH_EPOCHS;
}

static int new_caches(struct ethashcache **out, const struct node_config *cfg) {
    uint64_t from = cfg->spec->fork[BP_FORK_ETCHASH];
    struct ethashcache_config c = {
        .etchash_from = from == BP_FORK_NEVER ? ETHASHCACHE_NEVER : from,
        .dir = cfg->ethash_cachedir,
        .in_memory = cfg->ethash_caches_mem,
        .on_disk = cfg->ethash_caches_disk,
        .cpu = bp_cpu_used(),
        .thread_cpu_ns = clock_thread_cpu_ns,
    };
    return ethashcache_new(out, &c);
}

/* The cache of the next block is begun before the first seal comes. */
static void expect_next(struct verify *v) {
    struct bp_store_view *view;
    struct bp_store_entry head;
    if (v->policy == NODE_VERIFY_NONE) return;
    if (bp_view_begin(&view, v->store) != 0) return;
    if (bp_view_head(view, &head) == 0)
        ethashcache_expect(v->caches, head.number + 1);
    bp_view_end(view);
}

int verify_new(struct verify **out, const struct node_config *cfg) {
    *out = NULL;
    struct verify *v = calloc(1, sizeof *v);
    if (v == NULL) return BP_ERR_NOMEM;
    v->spec = cfg->spec;
    v->store = cfg->store;
    v->policy = cfg->verify;
    v->sample = cfg->verify_sample > 0 ? cfg->verify_sample : 1;
    v->choice = (struct bp_fork_choice){ .spec = cfg->spec,
                                         .max_reorg = UINT64_MAX,
                                         .hold_deep = cfg->hold_deep,
                                         .mess = cfg->mess };
    if (cfg->max_reorg > 0) v->choice.max_reorg = cfg->max_reorg;
    v->secret = entropy_u64();
    int err = new_caches(&v->caches, cfg);
    if (err != 0) {
        free(v);
        return err;
    }
    expect_next(v);
    *out = v;
    return 0;
}

void verify_stop(struct verify *v) {
    atomic_store(&v->stop, true);
    ethashcache_stop(v->caches);
}

void verify_free(struct verify *v) {
    if (v == NULL) return;
    ethashcache_free(v->caches);
    free(v);
}

/* Chosen by a secret, so that nobody can know which of his seals is looked
   at. */
static bool in_sample(const struct verify *v, const bp_hash *hash) {
    uint64_t word;
    struct bp_rng rng;
    memcpy(&word, hash->b, sizeof word);
    bp_rng_seed(&rng, word ^ v->secret);
    return bp_rng_below(&rng, v->sample) == 0;
}

bool verify_wants(const struct verify *v, const bp_hash *hash) {
    switch (v->policy) {
    case NODE_VERIFY_ALL: return true;
    case NODE_VERIFY_SAMPLE: return in_sample(v, hash);
    case NODE_VERIFY_NONE: return false;
    }
    abort();
}

uint32_t verify_bits(const struct verify *v, bool trusted) {
    uint32_t bits = BP_CHECK_RULES | BP_CHECK_ROOTS;
    if (trusted || v->policy == NODE_VERIFY_NONE) return bits;
    return bits | (v->policy == NODE_VERIFY_ALL ? BP_CHECK_SEAL
                                                : BP_CHECK_SEAL_SAMPLE);
}

bp_time verify_due(uint64_t until_s, bp_time mono_ms, uint64_t wall_ms) {
    if (until_s <= wall_ms / 1000) return mono_ms;
    uint64_t wait_s = until_s - wall_ms / 1000;
    uint64_t wait_ms = wait_s * 1000;
    if (wait_ms / 1000 != wait_s || wait_ms > BP_TIME_NEVER - mono_ms)
        return BP_TIME_NEVER;
    return mono_ms + wait_ms;
}

/* ---- seals ------------------------------------------------------------- */

struct batch {
    struct bp_header header[BATCH];
    struct bp_seal_claim claim[BATCH];
    struct ethashcache_seal seal[BATCH];
    int verdict[BATCH];
    size_t at[BATCH]; /* in the caller's array */
    size_t n;
};

/* Fills b with the next headers that are to be verified; returns where to go
   on. */
static size_t collect(struct batch *b, const struct bp_header *h,
                      const bool *skip, size_t from, size_t n) {
    b->n = 0;
    for (; from < n && b->n < BATCH; from++) {
        if ((skip != NULL && skip[from]) || !bp_header_sealed(&h[from]))
            continue;
        b->header[b->n] = h[from];
        b->at[b->n++] = from;
    }
    return from;
}

static int run_batch(struct verify *v, struct batch *b) {
    bp_seal_claims(b->claim, v->spec, b->header, b->n);
    for (size_t i = 0; i < b->n; i++)
        b->seal[i] = (struct ethashcache_seal){
            .number = b->header[i].number,
            .seal_hash = b->claim[i].seal.seal_hash,
            .mix = b->claim[i].seal.mix,
            .nonce = b->claim[i].seal.nonce,
            .boundary = b->claim[i].seal.boundary,
        };
    ethashcache_verify(v->caches, b->verdict, b->seal, b->n);
    for (size_t i = 0; i < b->n; i++)
        if (b->verdict[i] == BP_ERR_NOMEM) return BP_ERR_NOMEM;
    return 0;
}

int verify_seals(struct verify *v, int *verdict, const struct bp_header *h,
                 const bool *skip, size_t n) {
    memset(verdict, 0, n * sizeof *verdict);
    struct batch *b = malloc(sizeof *b);
    if (b == NULL) return BP_ERR_NOMEM;
    uint64_t begin = clock_thread_cpu_ns();
    int err = 0;
    for (size_t from = 0; err == 0 && from < n;) {
        if (atomic_load(&v->stop)) err = BP_ERR_STOPPED;
        from = collect(b, h, skip, from, n);
        if (err == 0 && b->n > 0) err = run_batch(v, b);
        for (size_t i = 0; err == 0 && i < b->n; i++)
            verdict[b->at[i]] = b->verdict[i];
    }
    atomic_fetch_add(&v->seal_ns, clock_thread_cpu_ns() - begin);
    free(b);
    return err;
}

size_t verify_sealed(const struct bp_header *h, size_t n) {
    size_t k = 0;
    while (k < n && bp_header_sealed(&h[k])) k++;
    return k;
}

/* ---- the store --------------------------------------------------------- */

static int copy_stored(struct verify_stored *out, struct bp_store_view *view,
                       const bp_hash *hash) {
    struct bp_store_entry e;
    bp_span rlp;
    int err = bp_view_find(view, &e, hash);
    if (err == 0) err = bp_view_header(view, &rlp, &e);
    if (err != 0) return err;
    out->td = e.td;
    out->bytes = malloc(rlp.n);
    if (out->bytes == NULL) return BP_ERR_NOMEM;
    memcpy(out->bytes, rlp.p, rlp.n);
    bp_span in = { out->bytes, rlp.n };
    err = bp_header_decode(&out->header, &in);
    if (err == 0) return 0;
    free(out->bytes);
    out->bytes = NULL;
    return BP_ERR_STORE_CORRUPT;
}

int verify_stored(struct verify_stored *out, const struct verify *v,
                  const bp_hash *hash) {
    struct bp_store_view *view;
    out->bytes = NULL;
    int err = bp_view_begin(&view, v->store);
    if (err != 0) return err;
    err = copy_stored(out, view, hash);
    bp_view_end(view);
    return err;
}
