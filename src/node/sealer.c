/* sealer: seals verified for importers, on several threads.

   Happy path: a batch is cut into one share a thread, each verified as a whole.
   Failure modes: no memory for a light cache, or a thread that cannot be
   started, whose share the caller's thread then does itself. */
#include "node/sealer.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "node/clock.h"
#include "node/entropy.h"
#include "node/ethashcache.h"

#define THREADS_MAX 64
/* Fewer seals than these are not worth a thread: the memory system is kept
   busy by about as many at a time. */
#define SHARE_MIN 64
/* A verdict while the others are made: this seal is in no sample. */
#define SKIPPED 1

struct sealer {
    struct bp_sealer iface;
    struct ethashcache *caches;
    enum node_verify policy;
    uint32_t sample, threads;
    struct bp_rng rng; /* of samples */
    uint64_t count;
};

struct share {
    struct sealer *s;
    const struct bp_seal_claim *claim;
    int *verdict;
    size_t n;
    int err;
};

/* The first and the last seal of a batch are in every sample. */
static bool wanted(struct sealer *s, size_t i, size_t n) {
    return s->policy == NODE_VERIFY_ALL || i == 0 || i == n - 1 ||
           bp_rng_below(&s->rng, s->sample) == 0;
}

static void *verify_share(void *arg) {
    struct share *sh = arg;
    struct ethashcache_seal seal[SHARE_MIN];
    int verdict[SHARE_MIN];
    size_t who[SHARE_MIN];
    for (size_t i = 0; i < sh->n && sh->err == 0;) {
        size_t k = 0;
        for (; i < sh->n && k < SHARE_MIN; i++) {
            const struct bp_seal_claim *c = &sh->claim[i];
            if (sh->verdict[i] == SKIPPED || c->err != 0) continue;
            seal[k] = (struct ethashcache_seal){
                .number = (uint64_t)c->epoch.number * c->epoch.blocks,
                .seal_hash = c->seal.seal_hash,
                .mix = c->seal.mix,
                .nonce = c->seal.nonce,
                .boundary = c->seal.boundary,
            };
            who[k++] = i;
        }
        ethashcache_verify(sh->s->caches, verdict, seal, k);
        for (size_t j = 0; j < k; j++) {
            sh->verdict[who[j]] = verdict[j];
            if (verdict[j] == BP_ERR_NOMEM) sh->err = BP_ERR_NOMEM;
        }
    }
    return NULL;
}

static int run_shares(struct share *share, size_t k) {
    pthread_t thread[THREADS_MAX];
    bool started[THREADS_MAX] = { false };
    for (size_t i = 1; i < k; i++)
        started[i] =
            pthread_create(&thread[i], NULL, verify_share, &share[i]) == 0;
    verify_share(&share[0]);
    int err = share[0].err;
    for (size_t i = 1; i < k; i++) {
        if (started[i])
            pthread_join(thread[i], NULL);
        else
            verify_share(&share[i]);
        if (err == 0) err = share[i].err;
    }
    return err;
}

static int verify(void *user, int *verdict, struct bp_seal_claim *claim,
                  size_t n) {
    struct sealer *s = user;
    struct share share[THREADS_MAX];
    size_t k = n / SHARE_MIN + 1;
    if (k > s->threads) k = s->threads;
    for (size_t i = 0; i < n; i++) {
        bool take = wanted(s, i, n) && claim[i].err == 0;
        verdict[i] = take ? 0 : SKIPPED;
        s->count += take;
    }
    for (size_t i = 0; i < k; i++) {
        size_t from = n * i / k, to = n * (i + 1) / k;
        share[i] =
            (struct share){ s, claim + from, verdict + from, to - from, 0 };
    }
    int err = run_shares(share, k);
    for (size_t i = 0; i < n; i++)
        if (verdict[i] == SKIPPED) verdict[i] = 0;
    return err;
}

int sealer_new(struct sealer **out, const struct sealer_config *cfg) {
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    struct sealer *s = calloc(1, sizeof *s);
    *out = NULL;
    if (s == NULL) return BP_ERR_NOMEM;
    s->iface = (struct bp_sealer){ verify, s };
    s->policy = cfg->policy;
    s->sample = cfg->sample;
    s->threads = cfg->threads != 0 ? cfg->threads
                 : cpus > 0        ? (uint32_t)cpus
                                   : 1;
    if (s->threads > THREADS_MAX) s->threads = THREADS_MAX;
    bp_rng_seed(&s->rng, entropy_u64());
    uint64_t etchash = cfg->spec->fork[BP_FORK_ETCHASH];
    struct ethashcache_config cc = {
        .etchash_from = etchash == BP_FORK_NEVER ? ETHASHCACHE_NEVER : etchash,
        .dir = cfg->cachedir,
        .in_memory = cfg->caches_mem,
        .on_disk = cfg->caches_disk,
        .cpu = bp_cpu_used(),
        .thread_cpu_ns = clock_thread_cpu_ns,
    };
    if (s->policy != NODE_VERIFY_NONE &&
        ethashcache_new(&s->caches, &cc) != 0) {
        free(s);
        return BP_ERR_NOMEM;
    }
    *out = s;
    return 0;
}

void sealer_free(struct sealer *s) {
    if (s == NULL) return;
    ethashcache_free(s->caches);
    free(s);
}

const struct bp_sealer *sealer_iface(const struct sealer *s) {
    return s->policy == NODE_VERIFY_NONE ? NULL : &s->iface;
}

uint32_t sealer_checks(const struct sealer *s) {
    switch (s->policy) {
    case NODE_VERIFY_ALL: return BP_CHECK_ALL;
    case NODE_VERIFY_SAMPLE:
        return BP_CHECK_SEAL_SAMPLE | BP_CHECK_RULES | BP_CHECK_ROOTS;
    case NODE_VERIFY_NONE: break;
    }
    return BP_CHECK_RULES | BP_CHECK_ROOTS;
}

uint64_t sealer_count(const struct sealer *s) {
    return s->count;
}
