/* host: the life of a run. */
#include <assert.h>

#include "host/state.h"

/* ---- callbacks that are running ----------------------------------------- */

void bp_hframe_enter(struct bp_host *h, struct bp_hframe *f,
                     struct bp_hpeer *peer) {
    *f = (struct bp_hframe){ h->frames, pthread_self(), peer };
    h->frames = f;
}

void bp_hframe_leave(struct bp_host *h, struct bp_hframe *f) {
    struct bp_hframe **at = &h->frames;
    while (*at != f) at = &(*at)->next;
    *at = f->next;
    pthread_cond_broadcast(&h->calm);
}

bool bp_hframe_inside(const struct bp_host *h) {
    for (const struct bp_hframe *f = h->frames; f != NULL; f = f->next)
        if (pthread_equal(f->thread, pthread_self())) return true;
    return false;
}

static bool others_call_back(const struct bp_host *h) {
    for (const struct bp_hframe *f = h->frames; f != NULL; f = f->next)
        if (!pthread_equal(f->thread, pthread_self())) return true;
    return false;
}

/* ---- making and freeing -------------------------------------------------- */

static struct bp_host *host_alloc(const struct bp_host_chain *chain,
                                  const struct bp_pool_config *cfg) {
    struct bp_host *h = bp_zalloc(cfg->alloc, sizeof *h);
    if (h == NULL) return NULL;
    h->chain = *chain;
    h->cfg = *cfg;
    h->alloc = cfg->alloc;
    h->slots.free = h->slots.loose = BP_HNIL;
    /* What a peer sends in one go lies closer together than this. */
    uint32_t wait = cfg->request_min_ms != 0 ? cfg->request_min_ms : 1000;
    h->gather_ms = wait >= 20 ? wait / 20 : 1;
    h->max_jobs = (cfg->workers != 0 ? cfg->workers : 2) + 2;
    h->failed = bp_zalloc(h->alloc, h->max_jobs * sizeof *h->failed);
    if (h->failed != NULL) return h;
    bp_free(h->alloc, h, sizeof *h);
    return NULL;
}

static void host_release(struct bp_host *h) {
    bp_free(h->alloc, h->slots.slot, h->slots.n * sizeof *h->slots.slot);
    bp_free(h->alloc, h->failed, h->max_jobs * sizeof *h->failed);
    bp_free(h->alloc, h, sizeof *h);
}

int bp_host_new(struct bp_host **out, const struct bp_host_chain *chain,
                const struct bp_pool_config *config) {
    static const struct bp_pool_config defaults;
    *out = NULL;
    if (config == NULL) config = &defaults;
    if (bp_pool_bound(config) == 0) return BP_ERR_RANGE;
    struct bp_host *h = host_alloc(chain, config);
    if (h == NULL) return BP_ERR_NOMEM;
    if (pthread_mutex_init(&h->lock, NULL) != 0) goto fail_self;
    if (bp_hclock_cond(&h->work) != 0) goto fail_lock;
    if (bp_hclock_cond(&h->calm) != 0) goto fail_work;
    if (bp_htasks_start(h) != 0) goto fail_calm;
    *out = h;
    return 0;
fail_calm:
    pthread_cond_destroy(&h->calm);
fail_work:
    pthread_cond_destroy(&h->work);
fail_lock:
    pthread_mutex_destroy(&h->lock);
fail_self:
    host_release(h);
    return BP_ERR_NOMEM;
}

void bp_host_free(struct bp_host *h) {
    if (h == NULL) return;
    bp_host_stop(h);
    bp_htasks_end(h);
    assert(h->frames == NULL && h->slots.loose == BP_HNIL);
    pthread_cond_destroy(&h->calm);
    pthread_cond_destroy(&h->work);
    pthread_mutex_destroy(&h->lock);
    host_release(h);
}

/* ---- starting and stopping --------------------------------------------- */

static int begin_run(struct bp_host *h, const struct bp_chain_head *head) {
    struct bp_pool_config c = h->cfg;
    c.head = *head;
    if (c.seed == 0) c.seed = bp_hentropy();
    if (bp_pool_new(&h->pool, &c) != 0) return BP_ERR_NOMEM;
    h->head = *head;
    h->run++;
    h->running = true;
    return 0;
}

int bp_host_start(struct bp_host *h) {
    int err = 0;
    pthread_mutex_lock(&h->lock);
    while (!h->running) {
        uint64_t seen = h->insertions, run = h->run;
        struct bp_chain_head head = { 0 };
        struct bp_hframe frame;
        bp_hframe_enter(h, &frame, NULL);
        pthread_mutex_unlock(&h->lock);
        h->chain.head(h->chain.user, &head);
        pthread_mutex_lock(&h->lock);
        bp_hframe_leave(h, &frame);
        /* An insertion of an earlier run may have moved it meanwhile. */
        if (h->insertions != seen || h->run != run) continue;
        err = begin_run(h, &head);
        break;
    }
    pthread_mutex_unlock(&h->lock);
    return err;
}

static void take_back(void *user, uint64_t item) {
    bp_hslot_disown(user, bp_hslot_of(item));
}

static void end_run(struct bp_host *h) {
    h->running = false;
    h->run++;
    bp_htasks_drop(h, false);
    bp_hpeers_free(h);
    bp_pool_free(h->pool, take_back, h);
    h->pool = NULL;
    bp_hrun_notify(h);
}

/* Until no callback runs, unless another run has begun. */
static void wait_ended(struct bp_host *h) {
    uint64_t run = h->run;
    while (h->run == run) {
        if (bp_hslot_release(h)) continue;
        if (h->frames == NULL) return;
        bp_hclock_wait(&h->calm, &h->lock, BP_TIME_NEVER);
    }
}

void bp_host_stop(struct bp_host *h) {
    pthread_mutex_lock(&h->lock);
    bool inside = bp_hframe_inside(h);
    if (h->running) end_run(h);
    if (!inside) wait_ended(h);
    pthread_mutex_unlock(&h->lock);
}

void bp_host_purge(struct bp_host *h) {
    pthread_mutex_lock(&h->lock);
    if (h->running) {
        struct bp_event ev = { .type = BP_EV_PURGE };
        bp_htasks_drop(h, true);
        bp_hpeers_forget(h);
        bp_hrun_step(h, &ev);
    }
    pthread_mutex_unlock(&h->lock);
}

/* ---- looking ----------------------------------------------------------- */

static bool nothing_left(const struct bp_host *h) {
    if (!h->running) return true;
    for (int i = 0; i < BP_HTHREADS; i++)
        if (h->queue[i].first != NULL) return false;
    return !others_call_back(h) && h->slots.loose == BP_HNIL &&
           bp_pool_quiescent(h->pool);
}

bool bp_host_wait(struct bp_host *h, uint32_t timeout_ms) {
    bp_time until = bp_hclock() + timeout_ms;
    pthread_mutex_lock(&h->lock);
    bool done = nothing_left(h);
    while (!done && bp_hclock() < until) {
        bp_hclock_wait(&h->calm, &h->lock, until);
        done = nothing_left(h);
    }
    pthread_mutex_unlock(&h->lock);
    return done;
}

void bp_host_status(struct bp_host *h, struct bp_pool_status *out) {
    pthread_mutex_lock(&h->lock);
    if (h->running)
        bp_pool_status(h->pool, out);
    else
        *out = (struct bp_pool_status){ 0 };
    pthread_mutex_unlock(&h->lock);
}
