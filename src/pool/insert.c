/* insert: complete runs to the host, oldest first, one insertion at a time. */
#include <assert.h>

#include "pool/state.h"

/* ---- what is ready ------------------------------------------------------- */

static bool ready(const struct bp_pool *p, const struct bp_plink *l) {
    if ((l->flags & BP_PL_CHECKED) == 0 || (l->flags & BP_PL_IN_JOB) != 0)
        return false;
    if (l->slot != BP_NIL) return bp_slot_at(p, l->slot)->state == BP_SLOT_HERE;
    return bp_link_bodiless(l);
}

static uint64_t bytes_of(const struct bp_pool *p, const struct bp_plink *l) {
    uint64_t n = l->size;
    if (l->slot != BP_NIL) n += bp_slot_at(p, l->slot)->size;
    return n;
}

/* The next link on the heaviest branch upward, or BP_NIL. */
static bp_ref next_up(struct bp_pool *p, uint32_t *section, bp_ref ref) {
    bp_ref up = bp_link_newer(&p->forest, ref);
    if (up != BP_NIL) return up;
    if (bp_link_number(&p->forest, ref) !=
        bp_section_at(&p->forest, *section)->top)
        return BP_NIL; /* condensed */
    uint32_t heir = bp_section_heir(&p->forest, *section);
    if (heir == BP_NIL) return BP_NIL;
    *section = heir;
    const struct bp_section *s = bp_section_at(&p->forest, heir);
    if (s->insert_wait > p->now) return BP_NIL;
    return bp_section_link(&p->forest, heir, bp_section_bottom(s));
}

/* Starts an insertion from the bottom of a joined root; false if nothing is
   ready there. */
static bool insert_from(struct bp_pool *p, uint32_t section) {
    const struct bp_section *s = bp_section_at(&p->forest, section);
    bp_ref ref = bp_section_link(&p->forest, section, bp_section_bottom(s));
    if (ref == BP_NIL || !ready(p, bp_link_at(&p->forest, ref))) return false;
    struct bp_job *job = bp_job_new(p, BP_JOB_INSERT);
    if (job == NULL) return false;
    job->parent = s->below;
    uint64_t bytes = 0;
    uint32_t at = section;
    while (ref != BP_NIL && job->n < p->cfg.insert_items_max) {
        const struct bp_plink *l = bp_link_at(&p->forest, ref);
        if (!ready(p, l)) break;
        bytes += bytes_of(p, l);
        if (job->n > 0 && bytes > p->cfg.insert_bytes_max) break;
        bp_job_add(p, job, ref);
        ref = next_up(p, &at, ref);
    }
    struct bp_action *out = bp_actions_push(p, BP_ACT_INSERT);
    assert(out != NULL); /* room was seen */
    out->u.insert.job = job->id;
    out->u.insert.parent = job->parent;
    out->u.insert.first_number = bp_link_number(&p->forest, job->links[0]);
    bp_trace(p, "insert %llu..%llu (job %llu)",
             (unsigned long long)out->u.insert.first_number,
             (unsigned long long)(out->u.insert.first_number + job->n - 1),
             (unsigned long long)job->id);
    return true;
}

bool bp_inserting(const struct bp_pool *p) {
    return p->job[p->n_jobs - 1].id != 0;
}

void bp_insert_schedule(struct bp_pool *p) {
    struct bp_forest *f = &p->forest;
    if (bp_inserting(p) || !bp_actions_room(p, 1)) return;
    bp_forest_rank(f);
    for (uint32_t i = 0; i < f->n_order; i++) {
        const struct bp_section *s = bp_section_at(f, f->order[i]);
        if (s->parent != BP_NIL) continue;
        if (s->insert_wait > p->now)
            bp_wake_at(p, s->insert_wait);
        else if (insert_from(p, f->order[i]))
            return;
    }
}

/* ---- what came of it ----------------------------------------------------- */

static void remember_at(struct bp_pool *p, uint32_t at,
                        const struct bp_held *held) {
    p->recent_info[at] = (struct bp_recent){ held->number, held->td };
    if (held->number > p->recent_top) p->recent_top = held->number;
}

void bp_remember(struct bp_pool *p, const bp_hash *hash,
                 const struct bp_held *held) {
    remember_at(p, bp_hashset_put(&p->recent, hash), held);
}

/* Of n links in a row that the host holds now, the first and those above it in
   its stretch leave the forest; how many. */
static uint32_t inserted(struct bp_pool *p, const bp_ref *refs, uint32_t n) {
    struct bp_forest *f = &p->forest;
    if ((bp_link_at(f, refs[0])->flags & BP_PL_DEAD) != 0) return 1;
    uint32_t stretch = bp_link_stretch(f, refs[0]);
    const struct bp_stretch *st = bp_stretch_at(f, stretch);
    uint32_t section = st->section, run = n < st->n ? n : st->n;
    struct bp_section *s = bp_section_at(f, section);
    /* Inserted in the order of the forest: it is the lowest of a root. */
    assert(s->oldest == stretch && s->parent == BP_NIL);
    struct bp_held held = { .held = true, .td = s->base };
    held.number = bp_section_bottom(s);
    assert(held.number == bp_link_number(f, refs[0]));
    for (uint32_t i = 0; i < run; i++, held.number++) {
        assert(refs[i] == refs[0] - i);
        bp_u256 difficulty = bp_link_difficulty(f, refs[i]);
        bp_u256_add(&held.td, &held.td, &difficulty);
        /* If it is there already, it is now twice: both say the same. */
        const bp_hash *hash = &bp_link_at(f, refs[i])->hash;
        remember_at(p, bp_hashset_add(&p->recent, hash), &held);
    }
    s->tries = 0;
    bp_forest_pop(p, section, run);
    for (uint32_t i = 0; i < run; i++) {
        struct bp_plink *l = bp_link_at(f, refs[i]);
        l->difficulty = bp_window_forget(p, l);
    }
    return run;
}

static void refused_body(struct bp_pool *p, bp_ref ref,
                         const struct bp_verdict *v) {
    struct bp_plink *l = bp_link_at(&p->forest, ref);
    bp_by by = l->by;
    bool pushed = (l->flags & BP_PL_PUSHED) != 0;
    if (l->slot != BP_NIL) { /* who sent the header may be another */
        by = bp_slot_at(p, l->slot)->by;
        pushed = bp_slot_at(p, l->slot)->pushed;
    }
    /* Honest peers relay a block before they know what is in it. */
    if (pushed) by = 0;
    /* Where no body came there is none but that of the header. */
    bool none = l->slot == BP_NIL && (l->flags & BP_PL_BARE) == 0;
    if (v->body_committed || none) {
        bp_condemn(p, ref, BP_OFF_BAD_BODY, v->code, by);
        return;
    }
    bp_blame(p, by, BP_OFF_BAD_BODY, v->code, &l->hash,
             bp_link_number(&p->forest, ref), false);
    if ((l->flags & BP_PL_BARE) != 0)
        bp_forest_cut(p, ref); /* its header goes with it */
    else if (l->slot != BP_NIL)
        bp_window_refuse(p, l->slot);
    /* Who gave one may have given more: not one by one. */
    if (by != 0) bp_window_refuse_all(p, by);
}

/* The first block that was not inserted. */
static void stopped_at(struct bp_pool *p, bp_ref ref,
                       const struct bp_verdict *v) {
    const struct bp_plink *l = bp_link_at(&p->forest, ref);
    if ((l->flags & BP_PL_DEAD) != 0) return;
    switch (v->kind) {
    case BP_VERDICT_INVALID:
        if (v->part == BP_PART_LINK)
            bp_condemn(p, ref, BP_OFF_BAD_RULE, v->code, l->by);
        else
            refused_body(p, ref, v);
        return;
    case BP_VERDICT_OK:
    case BP_VERDICT_FAILED: bp_section_pause(p, ref, 0); return;
    case BP_VERDICT_LATER: bp_section_pause(p, ref, v->not_before); return;
    }
}

/* What dangles may stand on something that is held by now: a branch that was
   dropped while it was being inserted, or one that the host got otherwise. */
static void join_what_can(struct bp_pool *p) {
    struct bp_forest *f = &p->forest;
    struct bp_held held;
    for (uint32_t id = bp_section_next(f, 0); id != BP_NIL;
         id = bp_section_next(f, id + 1)) {
        const struct bp_section *s = bp_section_at(f, id);
        if (s->parent != BP_NIL || s->connected) continue;
        if (bp_known_held(p, &s->below, &held)) bp_forest_join(p, id, &held);
    }
}

void bp_on_inserted(struct bp_pool *p, const struct bp_ev_inserted *ev) {
    struct bp_job *job = bp_job_find(p, ev->job);
    if (job == NULL || job->kind != BP_JOB_INSERT) return;
    const struct bp_verdict *v = &ev->verdict;
    uint32_t n = v->n < job->n ? (uint32_t)v->n : job->n;
    uint32_t run, fresh = 0;
    p->head = ev->head;
    if (bp_u256_cmp(&ev->refused_td, &p->refused_td) > 0)
        p->refused_td = ev->refused_td;
    if (n > 0) bp_moved(p);
    p->stat.blocks_inserted += n;
    for (uint32_t i = 0; i < n; i += run) {
        run = inserted(p, job->links + i, n - i);
        fresh += run;
        /* Before the first of them is forgotten. */
        if (i + run == n || fresh + BP_CHUNK_MAX > BP_RECENT) {
            bp_peers_recent(p);
            fresh = 0;
        }
    }
    if (n > p->stat.longest_chain) p->stat.longest_chain = n;
    if (n < job->n) stopped_at(p, job->links[n], v);
    bp_job_end(p, job);
    join_what_can(p);
}

void bp_on_chain(struct bp_pool *p, const struct bp_ev_chain *ev) {
    struct bp_held held = { true, ev->head.number, ev->head.td };
    p->head = ev->head;
    bp_hash_held(p, &ev->head.hash, &held);
    join_what_can(p);
}
