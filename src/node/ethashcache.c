/* ethashcache: slots of light caches, and the thread that fills them ahead.

   Happy path: verify sorts out what two hashes refuse, then for each epoch
   takes its slot, checks the seals, lets go. The first use of a slot next to
   one already used shows a direction, and the builder fills the slots that
   direction needs, all in one group.

   Failure modes:
     - no memory for a cache: its seals get BP_ERR_NOMEM, the slot is empty
     - no file, a damaged one: the cache is built
     - the file cannot be written: counted, and tried again at the next build
     - more epochs at a time than slots: threads wait for one to be free
     - the end comes during a build: it is given up at its next step */
#include "node/ethashcache.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "node/ethashdisk.h"
#include "node/ethashtune.h"
#include "node/pages.h"

enum {
    SLOTS = 3,   /* when the configuration names no number */
    STEP = 2048, /* items between two looks at whether to end */
    CHUNK = 256, /* seals handed to the library at a time */
    PENDING = 1, /* passed two hashes; no verdict */
    WORK = BP_ETHASH_WORK_SIZE,
};

enum slot_state { SLOT_EMPTY, SLOT_MAKING, SLOT_READY };

struct slot {
    enum slot_state state;
    struct bp_ethash_epoch epoch;
    unsigned users;
    uint64_t used;   /* turn of the last use; 0: made ahead, not used yet */
    uint64_t recent; /* that turn, or the one it was made at */
    /* While a slot is in the making these are its maker's. */
    uint8_t *cache;
    size_t n;
    struct bp_ethash_light light;
};

struct ethashcache {
    struct ethashcache_config cfg;
    char *dir;
    pthread_t builder;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a slot, the wish list, or ending */
    bool ending, tuned;
    uint64_t turn;
    struct bp_ethash_epoch wanted[BP_ETHASH_BUILD_GROUP];
    size_t n_wanted;
    struct ethashcache_stats stats;
    size_t n_slots;
    struct slot slot[];
};

/* ---- epochs ----------------------------------------------------------- */

static int epoch_at(const struct ethashcache *c, struct bp_ethash_epoch *out,
                    uint64_t number) {
    bool etchash = number >= c->cfg.etchash_from;
    return bp_ethash_epoch_at(out, number,
                              etchash ? BP_ETCHASH_EPOCH_BLOCKS
                                      : BP_ETHASH_EPOCH_BLOCKS);
}

static bool same_epoch(struct bp_ethash_epoch a, struct bp_ethash_epoch b) {
    return a.number == b.number && a.blocks == b.blocks;
}

/* The epoch after (up) or before another; false when there is none. */
static bool neighbour(const struct ethashcache *c, struct bp_ethash_epoch *out,
                      struct bp_ethash_epoch e, bool up) {
    uint64_t first = (uint64_t)e.number * e.blocks;
    if (up) return epoch_at(c, out, first + e.blocks) == 0;
    return first > 0 && epoch_at(c, out, first - 1) == 0;
}

/* ---- slots, under the lock -------------------------------------------- */

static struct slot *find(struct ethashcache *c, struct bp_ethash_epoch e) {
    for (size_t i = 0; i < c->n_slots; i++)
        if (c->slot[i].state != SLOT_EMPTY && same_epoch(c->slot[i].epoch, e))
            return &c->slot[i];
    return NULL;
}

/* The turn of an epoch's last use, 0 when it was not used or is not here. */
static uint64_t last_use(struct ethashcache *c, struct bp_ethash_epoch e) {
    const struct slot *s = find(c, e);
    return s != NULL ? s->used : 0;
}

static bool is_wanted(const struct ethashcache *c, struct bp_ethash_epoch e) {
    for (size_t i = 0; i < c->n_wanted; i++)
        if (same_epoch(c->wanted[i], e)) return true;
    return false;
}

/* A slot that may be given to an epoch: an empty one, else the one whose use
   or making lies furthest back; none that is in use or in the making. What is
   made ahead takes neither the cache in use last nor others made ahead. */
static struct slot *victim(struct ethashcache *c, bool ahead) {
    struct slot *best = NULL;
    for (size_t i = 0; i < c->n_slots; i++) {
        struct slot *s = &c->slot[i];
        if (s->state == SLOT_EMPTY) return s;
        if (s->state != SLOT_READY || s->users > 0) continue;
        if (ahead &&
            (s->used == c->turn || (s->used == 0 && is_wanted(c, s->epoch))))
            continue;
        if (best == NULL || s->recent < best->recent) best = s;
    }
    return best;
}

static void claim(struct ethashcache *c, struct slot *s,
                  struct bp_ethash_epoch e) {
    if (s->state == SLOT_READY) c->stats.evicted++;
    s->state = SLOT_MAKING;
    s->epoch = e;
    s->users = 1; /* the maker */
    s->used = 0;
    s->recent = c->turn;
}

/* ---- making, outside the lock ----------------------------------------- */

static bool is_ending(struct ethashcache *c) {
    pthread_mutex_lock(&c->lock);
    bool ending = c->ending;
    pthread_mutex_unlock(&c->lock);
    return ending;
}

/* Memory for a slot's epoch in place of what was there. */
static bool room(struct slot *s) {
    pages_unmap(s->cache, s->n);
    s->n = bp_ethash_cache_size(s->epoch.number);
    s->cache = pages_map(s->n);
    return s->cache != NULL;
}

/* Builds k caches side by side; false when the end came first. */
static bool build(struct ethashcache *c, struct slot *const s[], size_t k) {
    struct bp_ethash_build b[BP_ETHASH_BUILD_GROUP];
    for (size_t i = 0; i < k; i++) {
        bp_hash seed;
        bp_ethash_seed(&seed, s[i]->epoch);
        bp_ethash_build_begin(&b[i], s[i]->cache, s[i]->n, &seed);
    }
    while (!bp_ethash_build_step(b, k, STEP, c->cfg.cpu))
        if (is_ending(c)) return false;
    return true;
}

static void finish(struct ethashcache *c, struct slot *s, bool made,
                   bool loaded) {
    if (made) {
        uint64_t dataset = bp_ethash_dataset_size(s->epoch.number);
        int err = bp_ethash_light_init(&s->light, s->cache, s->n, dataset);
        assert(err == 0); /* the sizes are our own */
    } else {
        pages_unmap(s->cache, s->n);
        s->cache = NULL;
        s->n = 0;
    }
    pthread_mutex_lock(&c->lock);
    s->state = made ? SLOT_READY : SLOT_EMPTY;
    if (!made) s->users = 0;
    c->stats.built += made && !loaded;
    c->stats.loaded += made && loaded;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
}

static void save(struct ethashcache *c, struct slot *s) {
    int err = ethashdisk_write(c->dir, s->epoch, s->cache, s->n);
    if (err == 0 && c->cfg.on_disk > 0)
        ethashdisk_prune(c->dir, c->cfg.on_disk);
    if (err == 0) return;
    pthread_mutex_lock(&c->lock);
    c->stats.save_failures++;
    pthread_mutex_unlock(&c->lock);
}

/* Fills k claimed slots. Those that are then ready, with one user, us, come
   first in s; returns how many. The others are empty and no longer ours. */
static size_t make(struct ethashcache *c, struct slot *s[], size_t k) {
    struct slot *fresh[BP_ETHASH_BUILD_GROUP];
    size_t n = 0, ready = 0;
    for (size_t i = 0; i < k; i++) {
        if (!room(s[i])) {
            finish(c, s[i], false, false);
            continue;
        }
        if (c->dir == NULL ||
            ethashdisk_read(s[i]->cache, s[i]->n, c->dir, s[i]->epoch) != 0) {
            fresh[n++] = s[i];
            continue;
        }
        finish(c, s[i], true, true);
        s[ready++] = s[i];
    }
    bool made = n > 0 && build(c, fresh, n);
    for (size_t i = 0; i < n; i++) finish(c, fresh[i], made, false);
    if (!made) return ready;
    for (size_t i = 0; i < n; i++) {
        if (c->dir != NULL) save(c, fresh[i]);
        s[ready++] = fresh[i];
    }
    return ready;
}

/* ---- looking ahead, under the lock ------------------------------------ */

static void want(struct ethashcache *c, struct bp_ethash_epoch e) {
    if (c->n_wanted == BP_ETHASH_BUILD_GROUP || find(c, e) != NULL ||
        is_wanted(c, e))
        return;
    c->wanted[c->n_wanted++] = e;
    pthread_cond_broadcast(&c->changed);
}

/* Wishes for the epochs that follow e, as many as there are other slots. */
static void want_row(struct ethashcache *c, struct bp_ethash_epoch e, bool up) {
    for (size_t i = 1; i < c->n_slots; i++) {
        if (!neighbour(c, &e, e, up)) return;
        want(c, e);
    }
}

/* Called at each use of a slot, before its turn is noted. */
static void look_ahead(struct ethashcache *c, const struct slot *s,
                       uint64_t number) {
    struct bp_ethash_epoch before, after;
    bool lower = neighbour(c, &before, s->epoch, false);
    bool upper = neighbour(c, &after, s->epoch, true);
    uint64_t from_below = lower ? last_use(c, before) : 0;
    uint64_t from_above = upper ? last_use(c, after) : 0;
    if (upper && number % s->epoch.blocks >= s->epoch.blocks / 2)
        want(c, after);
    if (s->used != 0 || from_below == from_above) return;
    bool up = from_below > from_above;
    /* As long as caches made ahead are left, they are used up first, so that
       the next ones are built as a group. */
    if (up ? upper && find(c, after) == NULL : lower && find(c, before) == NULL)
        want_row(c, s->epoch, up);
}

/* ---- use -------------------------------------------------------------- */

/* The slot of an epoch, ready and with us among its users; NULL when its cache
   could not be made. */
static struct slot *acquire(struct ethashcache *c, struct bp_ethash_epoch e,
                            uint64_t number) {
    struct slot *s;
    pthread_mutex_lock(&c->lock);
    for (;;) {
        s = find(c, e);
        if (s != NULL && s->state == SLOT_READY) {
            s->users++;
            break;
        }
        if (c->ending) {
            pthread_mutex_unlock(&c->lock);
            return NULL;
        }
        if (s == NULL && (s = victim(c, false)) != NULL) {
            claim(c, s, e);
            pthread_mutex_unlock(&c->lock);
            if (make(c, &s, 1) == 0) return NULL;
            pthread_mutex_lock(&c->lock);
            break; /* our claim is our use */
        }
        pthread_cond_wait(&c->changed, &c->lock);
    }
    look_ahead(c, s, number);
    s->used = s->recent = ++c->turn;
    pthread_mutex_unlock(&c->lock);
    return s;
}

static void release(struct ethashcache *c, struct slot *s) {
    pthread_mutex_lock(&c->lock);
    s->users--;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
}

/* The tuning in use; whoever comes first with a clock finds it out. */
static struct bp_ethash_tuning tuning(struct ethashcache *c,
                                      const struct slot *s, void *work) {
    pthread_mutex_lock(&c->lock);
    bool ours = !c->tuned;
    struct bp_ethash_tuning t = c->stats.tuning;
    c->tuned = true;
    pthread_mutex_unlock(&c->lock);
    if (!ours) return t;
    t = ethashtune(&s->light, c->cfg.cpu, c->cfg.thread_cpu_ns, work);
    pthread_mutex_lock(&c->lock);
    c->stats.tuning = t;
    pthread_mutex_unlock(&c->lock);
    return t;
}

static void as_library(struct bp_ethash_seal *out,
                       const struct ethashcache_seal *in) {
    out->seal_hash = in->seal_hash;
    out->nonce = in->nonce;
    out->mix = in->mix;
    out->light = NULL;
    out->boundary = in->boundary;
}

/* Gives verdicts to the pending seals of one epoch, from `first` on. */
static void verify_epoch(struct ethashcache *c, const struct slot *s,
                         int *verdict, const struct ethashcache_seal *seal,
                         size_t first, size_t n) {
    uint8_t work[WORK];
    struct bp_ethash_seal group[CHUNK];
    int group_verdict[CHUNK];
    size_t who[CHUNK];
    struct bp_ethash_tuning t = tuning(c, s, work);
    for (size_t i = first; i < n;) {
        size_t k = 0;
        for (; i < n && k < CHUNK; i++) {
            struct bp_ethash_epoch e;
            if (verdict[i] != PENDING || epoch_at(c, &e, seal[i].number) != 0 ||
                !same_epoch(e, s->epoch))
                continue;
            as_library(&group[k], &seal[i]);
            group[k].light = &s->light;
            who[k++] = i;
        }
        bp_ethash_verify(group_verdict, group, k, &t, work);
        for (size_t j = 0; j < k; j++) verdict[who[j]] = group_verdict[j];
    }
}

/* The cheap verdicts; returns how many are left pending. */
static size_t sort_out(struct ethashcache *c, int *verdict,
                       const struct ethashcache_seal *seal, size_t n) {
    size_t pending = 0;
    for (size_t i = 0; i < n; i++) {
        struct bp_ethash_epoch e;
        struct bp_ethash_seal s;
        verdict[i] = epoch_at(c, &e, seal[i].number);
        if (verdict[i] != 0) continue;
        as_library(&s, &seal[i]);
        verdict[i] = bp_ethash_precheck(&s);
        if (verdict[i] != 0) continue;
        verdict[i] = PENDING;
        pending++;
    }
    return pending;
}

void ethashcache_verify(struct ethashcache *c, int *verdict,
                        const struct ethashcache_seal *seal, size_t n) {
    size_t pending = sort_out(c, verdict, seal, n);
    for (size_t i = 0; i < n; i++) {
        struct bp_ethash_epoch e;
        if (verdict[i] != PENDING || epoch_at(c, &e, seal[i].number) != 0)
            continue;
        struct slot *s = acquire(c, e, seal[i].number);
        if (s == NULL) {
            verdict[i] = BP_ERR_NOMEM;
            continue;
        }
        verify_epoch(c, s, verdict, seal, i, n);
        release(c, s);
    }
    pthread_mutex_lock(&c->lock);
    c->stats.seals += n;
    c->stats.full_checks += pending;
    pthread_mutex_unlock(&c->lock);
}

void ethashcache_expect(struct ethashcache *c, uint64_t number) {
    struct bp_ethash_epoch e;
    if (epoch_at(c, &e, number) != 0) return;
    pthread_mutex_lock(&c->lock);
    want(c, e);
    pthread_mutex_unlock(&c->lock);
}

/* ---- the builder ------------------------------------------------------ */

/* Claims slots for what is wanted, as far as they go; the rest of the wishes
   is dropped, as it will be wished for again when it is near. */
static size_t claim_wanted(struct ethashcache *c, struct slot *out[]) {
    size_t k = 0;
    for (size_t i = 0; i < c->n_wanted; i++) {
        if (find(c, c->wanted[i]) != NULL) continue;
        struct slot *s = victim(c, true);
        if (s == NULL) break;
        claim(c, s, c->wanted[i]);
        out[k++] = s;
    }
    c->n_wanted = 0;
    return k;
}

static void *builder(void *arg) {
    struct ethashcache *c = arg;
    pthread_mutex_lock(&c->lock);
    while (!c->ending) {
        struct slot *s[BP_ETHASH_BUILD_GROUP];
        size_t k = claim_wanted(c, s);
        if (k == 0) {
            pthread_cond_wait(&c->changed, &c->lock);
            continue;
        }
        pthread_mutex_unlock(&c->lock);
        k = make(c, s, k);
        pthread_mutex_lock(&c->lock);
        for (size_t i = 0; i < k; i++) s[i]->users--;
        pthread_cond_broadcast(&c->changed);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* ---- life ------------------------------------------------------------- */

int ethashcache_new(struct ethashcache **out,
                    const struct ethashcache_config *cfg) {
    size_t n_slots = cfg->in_memory > 0 ? cfg->in_memory : SLOTS;
    struct ethashcache *c = calloc(1, sizeof *c + n_slots * sizeof c->slot[0]);
    if (c == NULL) return BP_ERR_NOMEM;
    c->cfg = *cfg;
    c->n_slots = n_slots;
    c->tuned = cfg->thread_cpu_ns == NULL;
    c->stats.tuning = bp_ethash_tuning_default(cfg->cpu);
    if (cfg->dir != NULL && (c->dir = strdup(cfg->dir)) == NULL) goto fail_self;
    if (pthread_mutex_init(&c->lock, NULL) != 0) goto fail_dir;
    if (pthread_cond_init(&c->changed, NULL) != 0) goto fail_lock;
    if (pthread_create(&c->builder, NULL, builder, c) != 0) goto fail_cond;
    *out = c;
    return 0;
fail_cond:
    pthread_cond_destroy(&c->changed);
fail_lock:
    pthread_mutex_destroy(&c->lock);
fail_dir:
    free(c->dir);
fail_self:
    free(c);
    return BP_ERR_NOMEM;
}

void ethashcache_stop(struct ethashcache *c) {
    pthread_mutex_lock(&c->lock);
    c->ending = true;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
}

void ethashcache_free(struct ethashcache *c) {
    if (c == NULL) return;
    ethashcache_stop(c);
    pthread_join(c->builder, NULL);
    for (size_t i = 0; i < c->n_slots; i++)
        pages_unmap(c->slot[i].cache, c->slot[i].n);
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->lock);
    free(c->dir);
    free(c);
}

void ethashcache_stats(struct ethashcache *c, struct ethashcache_stats *out) {
    pthread_mutex_lock(&c->lock);
    *out = c->stats;
    for (size_t i = 0; i < c->n_slots; i++)
        if (c->slot[i].state != SLOT_EMPTY)
            out->bytes += bp_ethash_cache_size(c->slot[i].epoch.number);
    pthread_mutex_unlock(&c->lock);
}

size_t ethashcache_bound(const struct ethashcache_config *cfg, uint64_t last) {
    uint32_t n_slots = cfg->in_memory > 0 ? cfg->in_memory : SLOTS;
    uint32_t blocks = last >= cfg->etchash_from ? BP_ETCHASH_EPOCH_BLOCKS
                                                : BP_ETHASH_EPOCH_BLOCKS;
    struct bp_ethash_epoch e = { BP_ETHASH_EPOCHS - 1, blocks };
    if (bp_ethash_epoch_at(&e, last, blocks) != 0)
        e.number = BP_ETHASH_EPOCHS - 1;
    size_t size = bp_ethash_cache_size(e.number);
    if (last >= cfg->etchash_from && cfg->etchash_from > 0 &&
        bp_ethash_epoch_at(&e, cfg->etchash_from - 1, BP_ETHASH_EPOCH_BLOCKS) ==
            0 &&
        bp_ethash_cache_size(e.number) > size)
        size = bp_ethash_cache_size(e.number); /* before the epochs grew */
    return n_slots * size;
}
