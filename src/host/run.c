/* run: the engine stepped, its actions carried out.

   All of it with the lock held, so nothing here calls back: an action becomes
   a task, and what the engine points to is copied into it. A check or an
   insertion for which there is no memory is answered as failed, which the
   engine tries again; a request is simply late; an accusation is lost. */
#include <assert.h>

#include "host/state.h"

/* What the engine blames for, in the words of 2015; 0: not told. */
static int code_of(const struct bp_act_blame *b) {
    switch ((enum bp_offence)b->offence) {
    case BP_OFF_BAD_SEAL: return BP_HOST_INVALID_POW;
    case BP_OFF_BAD_RULE:
        return b->code == BP_HOST_INVALID_POW ? BP_HOST_INVALID_POW
                                              : BP_HOST_INVALID_BLOCK;
    case BP_OFF_BAD_BYTES:
    case BP_OFF_BAD_BODY:
    case BP_OFF_BODY_MISMATCH:
    case BP_OFF_WRONG_CHAIN:
    case BP_OFF_BANNED: return BP_HOST_INVALID_BLOCK;
    case BP_OFF_UNREQUESTED:
    case BP_OFF_FLOOD: return BP_HOST_UNREQUESTED_BLOCK;
    case BP_OFF_TOO_MUCH:
    case BP_OFF_UNLINKED:
    case BP_OFF_FORGED_LIST:
    case BP_OFF_BAD_CLAIM:
    case BP_OFF_WRONG_NUMBER:
    case BP_OFF_IDLE:
    case BP_OFF_STALLED:
    case BP_OFF_WRONG_TD: return BP_HOST_INSUFFICIENT_CHAIN_INFO;
    case BP_OFF_LATE:
    case BP_OFF_GONE:
    case BP_OFF_EMPTY:
    case BP_OFF_LACKING: return b->end ? BP_HOST_INSUFFICIENT_CHAIN_INFO : 0;
    case BP_OFF_NONE:
    case BP_OFF_SUSPENDED: return 0;
    }
    return 0;
}

static void on_blame(struct bp_host *h, const struct bp_act_blame *b) {
    struct bp_hpeer *p = bp_hpeer_session(h, b->peer);
    if (p == NULL) return;
    int code = code_of(b);
    if (code != 0) bp_htask_error(h, p, b, code);
    if (!b->end) return;
    p->refused = b->offence == BP_OFF_NONE || b->offence == BP_OFF_SUSPENDED;
    bp_hpeer_unlist(h, p);
}

static void job_failed(struct bp_host *h, bp_job_id id, bool insert) {
    assert(h->n_failed < h->max_jobs); /* the engine has no more out */
    h->failed[h->n_failed++] = (struct bp_hfailed){ id, insert };
}

static void carry_out(struct bp_host *h, const struct bp_action *a) {
    switch (a->type) {
    case BP_ACT_ASK_HASHES: bp_htask_hashes(h, &a->u.ask_hashes); return;
    case BP_ACT_ASK_BLOCKS: bp_htask_blocks(h, &a->u.ask_blocks); return;
    case BP_ACT_CHECK:
        if (!bp_htask_check(h, &a->u.check))
            job_failed(h, a->u.check.job, false);
        return;
    case BP_ACT_INSERT:
        if (!bp_htask_insert(h, &a->u.insert))
            job_failed(h, a->u.insert.job, true);
        return;
    case BP_ACT_BLAME: on_blame(h, &a->u.blame); return;
    case BP_ACT_RELEASE:
        for (size_t i = 0; i < a->u.release.n; i++)
            bp_hslot_disown(h, bp_hslot_of(a->u.release.items[i]));
        return;
    case BP_ACT_ASK_LINKS: /* no peer of ours has links */
    case BP_ACT_REPORT: return;
    }
}

static void step(struct bp_host *h, const struct bp_event *ev) {
    struct bp_action a;
    bp_pool_step(h->pool, ev, bp_hclock());
    while (bp_pool_next(h->pool, &a)) carry_out(h, &a);
}

void bp_hrun_step(struct bp_host *h, const struct bp_event *ev) {
    step(h, ev);
    while (h->n_failed > 0) {
        struct bp_hfailed f = h->failed[--h->n_failed];
        struct bp_verdict v = { .kind = BP_VERDICT_FAILED };
        struct bp_event failed = { .type = BP_EV_CHECKED };
        if (f.insert) {
            failed.type = BP_EV_INSERTED;
            failed.u.inserted.job = f.id;
            failed.u.inserted.verdict = v;
            failed.u.inserted.head = h->head;
        } else {
            failed.u.checked.job = f.id;
            failed.u.checked.verdict = v;
        }
        step(h, &failed);
    }
    bp_hrun_notify(h);
}

bp_time bp_hrun_deadline(const struct bp_host *h) {
    if (!h->running) return BP_TIME_NEVER;
    bp_time at = bp_pool_deadline(h->pool);
    for (const struct bp_hpeer *p = h->peers; p != NULL; p = p->next)
        for (const struct bp_hask *k = p->asks; k != NULL; k = k->older)
            if (k->open && k->n_came > 0 && k->flush < at) at = k->flush;
    return at;
}

void bp_hrun_tick(struct bp_host *h) {
    if (!h->running) return;
    bp_hpeers_flush(h);
    if (bp_pool_deadline(h->pool) > bp_hclock()) return;
    struct bp_event ev = { .type = BP_EV_TIME };
    bp_hrun_step(h, &ev);
}

void bp_hrun_notify(struct bp_host *h) {
    bool wake = h->slots.loose != BP_HNIL || h->quit;
    for (int i = 0; i < BP_HTHREADS; i++)
        if (h->queue[i].first != NULL) wake = true;
    bp_time at = bp_hrun_deadline(h);
    for (int i = 0; i < BP_HTHREADS; i++)
        if (at < h->asleep[i]) wake = true;
    if (wake) pthread_cond_broadcast(&h->work);
    pthread_cond_broadcast(&h->calm);
}
