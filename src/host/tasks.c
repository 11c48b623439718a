/* tasks: what the two threads do, with no lock held.

   The asker makes requests and tells errors, the worker checks and inserts;
   each in the order in which it was told to. Whoever has nothing to do gives
   blocks back, and sleeps until the next deadline. */
#include <inttypes.h>
#include <stdio.h>

#include "host/state.h"

/* ---- the queues -------------------------------------------------------- */

static size_t task_bytes(const struct bp_htask *t) {
    if (t->kind != BP_HTASK_CHECK && t->kind != BP_HTASK_INSERT)
        return sizeof *t;
    return sizeof *t +
           t->u.job.n * (sizeof *t->u.job.block + sizeof *t->u.job.slot);
}

static void push(struct bp_host *h, int thread, struct bp_htask *t) {
    struct bp_hqueue *q = &h->queue[thread];
    t->run = h->run;
    if (q->first == NULL)
        q->first = t;
    else
        q->last->next = t;
    q->last = t;
}

static struct bp_htask *pop(struct bp_hqueue *q) {
    struct bp_htask *t = q->first;
    if (t != NULL) q->first = t->next;
    return t;
}

static void task_free(struct bp_host *h, struct bp_htask *t) {
    size_t bytes = task_bytes(t);
    switch (t->kind) {
    case BP_HTASK_BLOCKS: bp_hask_drop(h, t->u.blocks); break;
    case BP_HTASK_CHECK:
    case BP_HTASK_INSERT:
        for (size_t i = 0; i < t->u.job.n; i++)
            bp_hslot_unpin(h, t->u.job.slot[i]);
        break;
    case BP_HTASK_HASHES:
    case BP_HTASK_ERROR: break;
    }
    if (t->peer != NULL) bp_hpeer_drop(h, t->peer);
    bp_free(h->alloc, t, bytes);
}

void bp_htasks_drop(struct bp_host *h, bool jobs_failed) {
    struct bp_htask *t, *errors = NULL, **last = &errors;
    while ((t = pop(&h->queue[BP_HASKER])) != NULL) {
        t->next = NULL;
        if (jobs_failed && t->kind == BP_HTASK_ERROR) {
            *last = t; /* still true after a purge */
            last = &t->next;
        } else {
            task_free(h, t);
        }
    }
    while ((t = errors) != NULL) {
        errors = t->next;
        t->next = NULL;
        push(h, BP_HASKER, t);
    }
    while ((t = pop(&h->queue[BP_HWORKER])) != NULL) {
        if (jobs_failed)
            h->failed[h->n_failed++] =
                (struct bp_hfailed){ t->u.job.id, t->kind == BP_HTASK_INSERT };
        task_free(h, t);
    }
}

void bp_htasks_drop_peer(struct bp_host *h, const bp_hash *id) {
    struct bp_hqueue old = h->queue[BP_HASKER];
    h->queue[BP_HASKER] = (struct bp_hqueue){ 0 };
    for (struct bp_htask *t; (t = pop(&old)) != NULL;) {
        t->next = NULL;
        if (bp_hash_eq(&t->peer->id, id))
            task_free(h, t);
        else
            push(h, BP_HASKER, t);
    }
}

/* ---- making tasks ------------------------------------------------------ */

static struct bp_htask *peer_task(struct bp_host *h, struct bp_hpeer *p,
                                  enum bp_htask_kind kind) {
    struct bp_htask *t = bp_zalloc(h->alloc, sizeof *t);
    if (t == NULL) return NULL;
    t->kind = kind;
    t->peer = p;
    p->refs++;
    return t;
}

bool bp_htask_hashes(struct bp_host *h, const struct bp_act_ask_hashes *a) {
    struct bp_hpeer *p = bp_hpeer_session(h, a->peer);
    if (p == NULL) return true;
    struct bp_htask *t = peer_task(h, p, BP_HTASK_HASHES);
    if (t == NULL) return false;
    t->u.hashes.from = a->from;
    t->u.hashes.id = a->request;
    t->u.hashes.count = a->count;
    push(h, BP_HASKER, t);
    return true;
}

bool bp_htask_blocks(struct bp_host *h, const struct bp_act_ask_blocks *a) {
    struct bp_hpeer *p = bp_hpeer_session(h, a->peer);
    if (p == NULL) return true;
    struct bp_hask *ask = bp_hask_new(h, p, a);
    if (ask == NULL) return false;
    struct bp_htask *t = peer_task(h, p, BP_HTASK_BLOCKS);
    if (t == NULL) {
        bp_hask_drop(h, ask);
        return false;
    }
    t->u.blocks = ask;
    push(h, BP_HASKER, t);
    return true;
}

bool bp_htask_error(struct bp_host *h, struct bp_hpeer *p,
                    const struct bp_act_blame *b, int code) {
    struct bp_htask *t = peer_task(h, p, BP_HTASK_ERROR);
    if (t == NULL) return false;
    t->u.error.code = code;
    t->u.error.fatal = b->end;
    char hash[65] = "", about[128] = "", reason[32] = "";
    if (b->has_hash) {
        bp_hex(hash, b->hash.b, sizeof b->hash.b);
        snprintf(about, sizeof about, "block %" PRIu64 " (%.16s…): ", b->number,
                 hash);
    }
    if (b->code != 0) snprintf(reason, sizeof reason, " (%d)", b->code);
    snprintf(t->u.error.text, sizeof t->u.error.text, "%s%s%s", about,
             bp_offence_text(b->offence), reason);
    push(h, BP_HASKER, t);
    return true;
}

static struct bp_htask *job_task(struct bp_host *h, enum bp_htask_kind kind,
                                 bp_job_id id, size_t n) {
    struct bp_htask *t =
        bp_zalloc(h->alloc, sizeof *t + n * (sizeof *t->u.job.block +
                                             sizeof *t->u.job.slot));
    if (t == NULL) return NULL;
    t->kind = kind;
    t->u.job.id = id;
    t->u.job.n = n;
    t->u.job.block = (struct bp_host_block *)(t + 1);
    t->u.job.slot = (uint32_t *)(t->u.job.block + n);
    return t;
}

static void job_block(struct bp_host *h, struct bp_htask *t, size_t i,
                      uint64_t item) {
    uint32_t slot = bp_hslot_of(item);
    bp_hslot_pin(h, slot);
    t->u.job.slot[i] = slot;
    t->u.job.block[i] = bp_hslot_at(h, slot)->block;
}

bool bp_htask_check(struct bp_host *h, const struct bp_act_check *a) {
    struct bp_htask *t = job_task(h, BP_HTASK_CHECK, a->job, a->n);
    if (t == NULL) return false;
    t->u.job.trusted = a->trusted;
    for (size_t i = 0; i < a->n; i++) job_block(h, t, i, a->items[i]);
    push(h, BP_HWORKER, t);
    return true;
}

bool bp_htask_insert(struct bp_host *h, const struct bp_act_insert *a) {
    struct bp_htask *t = job_task(h, BP_HTASK_INSERT, a->job, a->n);
    if (t == NULL) return false;
    for (size_t i = 0; i < a->n; i++) job_block(h, t, i, a->items[i].body_item);
    push(h, BP_HWORKER, t);
    return true;
}

/* ---- doing them -------------------------------------------------------- */

/* Nobody waits for what it does. */
static bool is_void(const struct bp_host *h, const struct bp_htask *t) {
    if (t->run != h->run) return true;
    if (t->kind != BP_HTASK_HASHES && t->kind != BP_HTASK_BLOCKS) return false;
    return bp_hpeer_session(h, t->peer->session) == NULL;
}

static void call_peer(const struct bp_htask *t) {
    const struct bp_host_peer *fn = &t->peer->fn;
    if (t->kind == BP_HTASK_HASHES)
        fn->request_hashes(fn->user, &t->u.hashes.from);
    else if (t->kind == BP_HTASK_BLOCKS)
        fn->request_blocks(fn->user, t->u.blocks->hash, t->u.blocks->n);
    else
        fn->peer_error(fn->user, t->u.error.code, t->u.error.text,
                       t->u.error.fatal);
}

/* An answer may come before the request has returned. */
static void ask_or_tell(struct bp_host *h, struct bp_htask *t) {
    struct bp_hframe frame;
    if (t->kind == BP_HTASK_HASHES)
        bp_hpeer_asked_hashes(t->peer, t->u.hashes.id, t->u.hashes.count);
    else if (t->kind == BP_HTASK_BLOCKS)
        t->u.blocks->sent = true;
    bp_hframe_enter(h, &frame, t->peer);
    pthread_mutex_unlock(&h->lock);
    call_peer(t);
    pthread_mutex_lock(&h->lock);
    bp_hframe_leave(h, &frame);
}

/* Seals one by one, so that a stop need not wait for all. */
static void check(struct bp_host *h, const struct bp_htask *t) {
    struct bp_event ev = { .type = BP_EV_CHECKED };
    struct bp_verdict *v = &ev.u.checked.verdict;
    struct bp_hframe frame;
    bool good = true;
    ev.u.checked.job = t->u.job.id;
    while (good && v->n < t->u.job.n && !is_void(h, t)) {
        if (!t->u.job.trusted) {
            bp_hframe_enter(h, &frame, NULL);
            pthread_mutex_unlock(&h->lock);
            good = h->chain.verify_pow(h->chain.user, &t->u.job.block[v->n]);
            pthread_mutex_lock(&h->lock);
            bp_hframe_leave(h, &frame);
        }
        if (good) v->n++;
    }
    if (is_void(h, t)) return;
    if (!good) {
        v->kind = BP_VERDICT_INVALID;
        v->part = BP_PART_LINK;
        v->code = BP_HOST_INVALID_POW;
    }
    bp_hrun_step(h, &ev);
}

static struct bp_verdict verdict_of(const struct bp_host_inserted *r,
                                    size_t n) {
    struct bp_verdict v = { .kind = BP_VERDICT_OK, .n = n };
    if (r->inserted >= n) return v;
    v.n = r->inserted;
    v.kind = r->failed == BP_VERDICT_OK ? BP_VERDICT_FAILED : r->failed;
    /* The hash stands for the whole block: who sent it is to blame, and with
       LINK no other copy can be better. */
    v.part = BP_PART_BODY;
    v.body_committed = r->part == BP_PART_LINK;
    v.code = r->code;
    v.not_before = bp_hclock() + r->later_ms;
    return v;
}

static void chain_moved(struct bp_host *h, const struct bp_chain_head *head) {
    struct bp_event ev = { .type = BP_EV_CHAIN };
    ev.u.chain.before = h->head;
    ev.u.chain.head = *head;
    ev.u.chain.ancestor = h->head.hash;
    ev.u.chain.ancestor_number = h->head.number;
    h->head = *head;
    bp_hrun_step(h, &ev);
}

static void insert(struct bp_host *h, const struct bp_htask *t) {
    struct bp_chain_head head = { 0 };
    struct bp_hframe frame;
    bp_hframe_enter(h, &frame, NULL);
    pthread_mutex_unlock(&h->lock);
    struct bp_host_inserted r =
        h->chain.insert_chain(h->chain.user, t->u.job.block, t->u.job.n);
    pthread_mutex_lock(&h->lock);
    h->insertions++;
    bool looked = h->running;
    if (looked) {
        pthread_mutex_unlock(&h->lock);
        h->chain.head(h->chain.user, &head);
        pthread_mutex_lock(&h->lock);
    }
    bp_hframe_leave(h, &frame);
    if (is_void(h, t)) { /* it tells a later run nothing but the head */
        if (h->running && looked) chain_moved(h, &head);
        return;
    }
    struct bp_event ev = { .type = BP_EV_INSERTED };
    ev.u.inserted.job = t->u.job.id;
    ev.u.inserted.verdict = verdict_of(&r, t->u.job.n);
    ev.u.inserted.head = h->head = head;
    bp_hrun_step(h, &ev);
}

static bool run_next(struct bp_host *h, int thread) {
    struct bp_htask *t = pop(&h->queue[thread]);
    if (t == NULL) return false;
    if (!is_void(h, t)) {
        if (t->kind == BP_HTASK_CHECK)
            check(h, t);
        else if (t->kind == BP_HTASK_INSERT)
            insert(h, t);
        else
            ask_or_tell(h, t);
    }
    task_free(h, t);
    bp_hrun_notify(h);
    return true;
}

/* ---- the threads ------------------------------------------------------- */

static void work(struct bp_host *h, int thread) {
    pthread_mutex_lock(&h->lock);
    while (!h->quit) {
        bp_hrun_tick(h);
        bool ran = run_next(h, thread);
        if (bp_hslot_release(h) || ran) continue;
        if (h->queue[thread].first != NULL || h->quit) continue;
        bp_time until = bp_hrun_deadline(h), now = bp_hclock();
        if (until <= now) until = now + 1;
        h->asleep[thread] = until;
        bp_hclock_wait(&h->work, &h->lock, until);
        h->asleep[thread] = 0;
    }
    pthread_mutex_unlock(&h->lock);
}

static void *ask_for_ever(void *h) {
    work(h, BP_HASKER);
    return NULL;
}

static void *work_for_ever(void *h) {
    work(h, BP_HWORKER);
    return NULL;
}

static void quit(struct bp_host *h) {
    pthread_mutex_lock(&h->lock);
    h->quit = true;
    bp_hrun_notify(h);
    pthread_mutex_unlock(&h->lock);
}

int bp_htasks_start(struct bp_host *h) {
    if (pthread_create(&h->thread[BP_HASKER], NULL, ask_for_ever, h) != 0)
        return BP_ERR_NOMEM;
    if (pthread_create(&h->thread[BP_HWORKER], NULL, work_for_ever, h) == 0)
        return 0;
    quit(h);
    pthread_join(h->thread[BP_HASKER], NULL);
    return BP_ERR_NOMEM;
}

void bp_htasks_end(struct bp_host *h) {
    quit(h);
    for (int i = 0; i < BP_HTHREADS; i++) pthread_join(h->thread[i], NULL);
}
