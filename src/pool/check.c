/* check: links that the host checks. Probes of what dangles, runs of what is
   connected; the table of jobs. */
#include <assert.h>

#include "pool/state.h"

/* ---- jobs -------------------------------------------------------------- */

int bp_jobs_init(struct bp_pool *p) {
    uint32_t each = bp_config_job_links(&p->cfg);
    p->n_jobs = p->cfg.workers + 2; /* one of them inserts */
    p->job = bp_mem_take(&p->mem, p->n_jobs * sizeof *p->job);
    p->job_links =
        bp_mem_take(&p->mem, (size_t)p->n_jobs * each * sizeof *p->job_links);
    if (p->job == NULL || p->job_links == NULL) return BP_ERR_NOMEM;
    for (uint32_t i = 0; i < p->n_jobs; i++)
        p->job[i].links = p->job_links + (size_t)i * each;
    return bp_hashset_init(&p->probes, &p->mem, 4 * p->cfg.peers_max,
                           p->cfg.seed + 5);
}

void bp_jobs_free(struct bp_pool *p) {
    uint32_t each = bp_config_job_links(&p->cfg);
    bp_hashset_free(&p->probes);
    bp_mem_give(&p->mem, p->job_links,
                (size_t)p->n_jobs * each * sizeof *p->job_links);
    bp_mem_give(&p->mem, p->job, p->n_jobs * sizeof *p->job);
}

struct bp_job *bp_job_find(const struct bp_pool *p, bp_job_id id) {
    if (id == 0) return NULL;
    for (uint32_t i = 0; i < p->n_jobs; i++)
        if (p->job[i].id == id) return &p->job[i];
    return NULL;
}

struct bp_job *bp_job_new(struct bp_pool *p, enum bp_job_kind kind) {
    uint32_t from = kind == BP_JOB_INSERT ? p->n_jobs - 1 : 0;
    uint32_t end = kind == BP_JOB_INSERT ? p->n_jobs : p->n_jobs - 1;
    for (uint32_t i = from; i < end; i++) {
        struct bp_job *job = &p->job[i];
        if (job->id != 0) continue;
        job->id = ++p->job_serial;
        job->kind = kind;
        job->n = 0;
        job->parent_link = BP_NIL;
        job->since = p->now;
        if (kind != BP_JOB_INSERT) p->checks++;
        p->stat.jobs++;
        return job;
    }
    return NULL;
}

void bp_job_add(struct bp_pool *p, struct bp_job *job, bp_ref ref) {
    struct bp_plink *l = bp_link_at(&p->forest, ref);
    assert((l->flags & (BP_PL_IN_JOB | BP_PL_DEAD)) == 0);
    l->flags |= BP_PL_IN_JOB;
    job->links[job->n++] = ref;
}

/* The parent of a run stays until the result: the host compares with it. */
static void pin_parent(struct bp_pool *p, struct bp_job *job) {
    job->parent = *bp_link_parent(&p->forest, job->links[0]);
    job->parent_link = bp_link_find(&p->forest, &job->parent);
    if (job->parent_link != BP_NIL)
        bp_link_at(&p->forest, job->parent_link)->pins++;
}

void bp_job_end(struct bp_pool *p, struct bp_job *job) {
    for (uint32_t i = 0; i < job->n; i++) {
        bp_link_at(&p->forest, job->links[i])->flags &= (uint16_t)~BP_PL_IN_JOB;
        bp_link_settle(p, job->links[i]);
    }
    if (job->parent_link != BP_NIL) {
        bp_link_at(&p->forest, job->parent_link)->pins--;
        bp_link_settle(p, job->parent_link);
    }
    if (job->kind != BP_JOB_INSERT) p->checks--;
    job->id = 0;
}

/* ---- what is to be checked --------------------------------------------- */

void bp_probe_one(struct bp_pool *p, const struct bp_link *links, uint32_t n) {
    uint32_t from = 0; /* newest first: the host can check from here on */
    while (from < n && links[from].number >= p->cfg.probe_below) from++;
    if (from == n) return;
    const bp_hash *hash = &links[from + bp_rng_below(&p->rng, n - from)].hash;
    bp_hashset_put(&p->probes, hash);
}

static void push_check(struct bp_pool *p, const struct bp_job *job,
                       enum bp_check_kind kind) {
    struct bp_action *out = bp_actions_push(p, BP_ACT_CHECK);
    assert(out != NULL); /* room was seen */
    struct bp_act_check *c = &out->u.check;
    c->job = job->id;
    c->kind = kind;
    c->parent = job->parent;
    c->first_number = bp_link_number(&p->forest, job->links[0]);
    const struct bp_plink *l = bp_link_at(&p->forest, job->links[0]);
    c->trusted = (l->flags & BP_PL_TRUSTED) != 0;
    bp_trace(p, "%s %llu..%llu (job %llu)",
             kind == BP_CHECK_PROBE ? "probe" : "check",
             (unsigned long long)c->first_number,
             (unsigned long long)(c->first_number + job->n - 1),
             (unsigned long long)job->id);
}

static bool may_check(const struct bp_pool *p) {
    return p->checks < p->n_jobs - 1 && bp_actions_room(p, 1);
}

/* There is something of it that the host can look at. */
static bool is_here(const struct bp_pool *p, const struct bp_plink *l) {
    if ((l->flags & BP_PL_BARE) == 0) return true;
    return l->slot != BP_NIL && bp_slot_at(p, l->slot)->state == BP_SLOT_HERE;
}

/* It has yet to be checked, and can be. */
static bool checkable(const struct bp_pool *p, const struct bp_plink *l) {
    return (l->flags & (BP_PL_CHECKED | BP_PL_IN_JOB)) == 0 && is_here(p, l);
}

/* The next link whose seal is to be probed and still dangles, or BP_NIL. */
static bp_ref next_probe(struct bp_pool *p) {
    while (p->probes.n > 0) {
        bp_hash hash = bp_hashset_pop(&p->probes);
        bp_ref ref = bp_link_find(&p->forest, &hash);
        if (ref == BP_NIL) continue;
        uint32_t section = bp_link_section(&p->forest, ref);
        if (bp_section_at(&p->forest, section)->connected) continue;
        const struct bp_plink *l = bp_link_at(&p->forest, ref);
        if ((l->flags & BP_PL_IN_JOB) == 0 && is_here(p, l)) return ref;
    }
    return BP_NIL;
}

static void schedule_probes(struct bp_pool *p) {
    if (p->probes.n > 0 && p->probe_wait > p->now) {
        bp_wake_at(p, p->probe_wait);
        return;
    }
    /* One job stays free for runs. */
    while (p->checks + 1 < p->n_jobs - 1 && may_check(p)) {
        bp_ref ref = next_probe(p);
        if (ref == BP_NIL) return;
        struct bp_job *job = bp_job_new(p, BP_JOB_PROBE);
        bp_job_add(p, job, ref);
        job->parent = *bp_link_parent(&p->forest, ref);
        push_check(p, job, BP_CHECK_PROBE);
    }
}

/* What the first of a run stands on can be shown to the host. */
static bool parent_ready(const struct bp_pool *p, bp_ref ref) {
    bp_ref up = bp_link_find(&p->forest, bp_link_parent(&p->forest, ref));
    if (up == BP_NIL) { /* the host holds it, or it is condensed */
        const struct bp_section *s =
            bp_section_at(&p->forest, bp_link_section(&p->forest, ref));
        return s->parent == BP_NIL &&
               bp_link_number(&p->forest, ref) == bp_section_bottom(s);
    }
    const struct bp_plink *l = bp_link_at(&p->forest, up);
    if (l->item != 0) return true;
    return l->slot != BP_NIL && bp_slot_at(p, l->slot)->state == BP_SLOT_HERE;
}

/* Puts the next unchecked links of a section in a job. */
static void check_section(struct bp_pool *p, struct bp_section *s,
                          uint32_t id) {
    while (s->check_next <= s->top && may_check(p)) {
        bp_ref ref = bp_section_link(&p->forest, id, s->check_next);
        if (ref == BP_NIL) return; /* condensed: to be filled first */
        if (bp_link_at(&p->forest, ref)->flags &
            (BP_PL_CHECKED | BP_PL_IN_JOB)) {
            s->check_next++;
            continue;
        }
        if (!checkable(p, bp_link_at(&p->forest, ref)) || !parent_ready(p, ref))
            return;
        struct bp_job *job = bp_job_new(p, BP_JOB_RUN);
        assert(job != NULL); /* may_check saw room */
        while (ref != BP_NIL && job->n < p->cfg.check_links_max &&
               checkable(p, bp_link_at(&p->forest, ref))) {
            if (s->trusted) bp_link_at(&p->forest, ref)->flags |= BP_PL_TRUSTED;
            bp_job_add(p, job, ref);
            ref = bp_link_newer(&p->forest, ref);
        }
        s->check_next += job->n;
        pin_parent(p, job);
        push_check(p, job, BP_CHECK_RUN);
    }
}

void bp_check_schedule(struct bp_pool *p) {
    schedule_probes(p);
    bp_forest_rank(&p->forest);
    for (uint32_t i = 0; i < p->forest.n_order && may_check(p); i++) {
        uint32_t id = p->forest.order[i];
        struct bp_section *s = bp_section_at(&p->forest, id);
        if (s->check_wait > p->now)
            bp_wake_at(p, s->check_wait);
        else
            check_section(p, s, id);
    }
}

/* ---- what came of it --------------------------------------------------- */

void bp_section_pause(struct bp_pool *p, bp_ref ref, bp_time until) {
    struct bp_section *s =
        bp_section_at(&p->forest, bp_link_section(&p->forest, ref));
    uint64_t number = bp_link_number(&p->forest, ref);
    if (until <= p->now) { /* or the host would be asked without end */
        until = p->now + bp_backoff_ms(s->tries++, 2);
    }
    if ((bp_link_at(&p->forest, ref)->flags & BP_PL_CHECKED) != 0) {
        s->insert_wait = until;
    } else if (number > s->check_next) {
        return; /* another waits below, and is not to wait for this one */
    } else {
        s->check_wait = until;
        s->check_next = number;
    }
    bp_trace(p, "%llu waits until %llu", (unsigned long long)number,
             (unsigned long long)until);
}

void bp_condemn(struct bp_pool *p, bp_ref ref, int offence, int code,
                bp_by by) {
    const struct bp_plink *l = bp_link_at(&p->forest, ref);
    uint64_t number = bp_link_number(&p->forest, ref);
    bp_hash hash = l->hash;
    bp_hashset_put(&p->bad, &hash);
    if (offence != BP_OFF_NONE)
        bp_blame(p, by, offence, code, &hash, number, false);
    if ((l->flags & BP_PL_DEAD) == 0) bp_forest_cut(p, ref);
}

static void passed(struct bp_pool *p, const struct bp_job *job, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct bp_plink *l = bp_link_at(&p->forest, job->links[i]);
        if (job->kind == BP_JOB_RUN) {
            l->flags |= BP_PL_CHECKED;
            continue;
        }
        if (l->by != 0) bp_giver_at(p, l->by)->proved++;
        if ((l->flags & BP_PL_DEAD) != 0) continue;
        uint32_t id = bp_link_stretch(&p->forest, job->links[i]);
        bp_stretch_at(&p->forest, id)->proved = true;
    }
}

/* It is still to be checked, wherever it is by now: a run that was made up
   while it was probed left it out; its section was split while it was in a run
   that failed. */
static void still_unchecked(struct bp_pool *p, bp_ref ref) {
    if ((bp_link_at(&p->forest, ref)->flags & BP_PL_DEAD) != 0) return;
    struct bp_section *s =
        bp_section_at(&p->forest, bp_link_section(&p->forest, ref));
    uint64_t number = bp_link_number(&p->forest, ref);
    if (s->connected && number < s->check_next) s->check_next = number;
}

static void got_further(struct bp_pool *p, bp_ref ref) {
    if ((bp_link_at(&p->forest, ref)->flags & BP_PL_DEAD) != 0) return;
    struct bp_section *s =
        bp_section_at(&p->forest, bp_link_section(&p->forest, ref));
    s->tries = 0;
    s->progress = p->now;
}

/* It could not be checked: once more, in a while. */
static void probe_again(struct bp_pool *p, const bp_hash *hash) {
    p->probe_wait = p->now + BP_BACKOFF_MS;
    bp_hashset_put(&p->probes, hash);
}

/* The first link of a job that did not pass. */
static void stopped_at(struct bp_pool *p, const struct bp_job *job, size_t n,
                       const struct bp_verdict *v) {
    bp_ref ref = job->links[n];
    const struct bp_plink *l = bp_link_at(&p->forest, ref);
    bool probe = job->kind == BP_JOB_PROBE;
    if (v->kind == BP_VERDICT_INVALID)
        bp_condemn(p, ref, probe ? BP_OFF_BAD_SEAL : BP_OFF_BAD_RULE, v->code,
                   l->by);
    else if ((l->flags & BP_PL_DEAD) != 0)
        return;
    else if (probe)
        probe_again(p, &l->hash);
    else
        bp_section_pause(p, ref,
                         v->kind == BP_VERDICT_LATER ? v->not_before : 0);
    for (size_t k = n; k < job->n; k++) still_unchecked(p, job->links[k]);
}

void bp_on_checked(struct bp_pool *p, const struct bp_ev_checked *ev) {
    struct bp_job *job = bp_job_find(p, ev->job);
    if (job == NULL || job->kind == BP_JOB_INSERT) return;
    const struct bp_verdict *v = &ev->verdict;
    size_t n = v->n < job->n ? v->n : job->n;
    passed(p, job, n);
    if (job->kind == BP_JOB_PROBE) still_unchecked(p, job->links[0]);
    if (n > 0) {
        bp_moved(p);
        got_further(p, job->links[0]);
    }
    if (n < job->n) stopped_at(p, job, n, v);
    bp_job_end(p, job);
}
