/* engine: a pool made and freed, an event dispatched, everything scheduled. */
#include "pool/state.h"

/* ---- making and freeing -------------------------------------------------- */

static int tables_init(struct bp_pool *p) {
    struct bp_pool_config *c = &p->cfg;
    struct bp_mem *m = &p->mem;
    int err;
    if ((err = bp_forest_init(&p->forest, m, c->links_max, c->seed + 1)) != 0)
        return err;
    if ((err = bp_table_init(&p->givers, m, sizeof(struct bp_giver), 6,
                             BP_GIVERS_MAX)) != 0)
        return err;
    if ((err = bp_table_init(&p->pages, m, sizeof(struct bp_page), 2,
                             bp_pages_max(c))) != 0)
        return err;
    if ((err = bp_notices_init(p)) != 0) return err;
    if ((err = bp_requests_init(p)) != 0) return err;
    if ((err = bp_window_init(p)) != 0) return err;
    if ((err = bp_jobs_init(p)) != 0) return err;
    if ((err = bp_hashset_init(&p->recent, m, BP_RECENT, c->seed + 2)) != 0)
        return err;
    if ((err = bp_hashset_init(&p->bad, m, c->bad_hashes_max, c->seed + 3)) !=
        0)
        return err;
    if ((err = bp_actions_init(p)) != 0) return err;
    uint32_t n = c->peers_max;
    p->peer = bp_mem_take(m, n * sizeof *p->peer);
    p->peer_id = bp_mem_take(m, n * sizeof *p->peer_id);
    p->pursuit = bp_mem_take(m, (n + 1) * sizeof *p->pursuit);
    p->marked = bp_mem_take(m, n * sizeof *p->marked);
    p->suspended = bp_mem_take(m, c->suspended_max * sizeof *p->suspended);
    p->recent_info = bp_mem_take(m, BP_RECENT * sizeof *p->recent_info);
    bool ok = p->peer != NULL && p->peer_id != NULL && p->pursuit != NULL &&
              p->marked != NULL && p->suspended != NULL &&
              p->recent_info != NULL;
    return ok ? 0 : BP_ERR_NOMEM;
}

static void tables_free(struct bp_pool *p) {
    struct bp_mem *m = &p->mem;
    const struct bp_pool_config *c = &p->cfg;
    uint32_t n = c->peers_max;
    bp_mem_give(m, p->recent_info, BP_RECENT * sizeof *p->recent_info);
    bp_mem_give(m, p->suspended, c->suspended_max * sizeof *p->suspended);
    bp_mem_give(m, p->marked, n * sizeof *p->marked);
    bp_mem_give(m, p->pursuit, (n + 1) * sizeof *p->pursuit);
    bp_mem_give(m, p->peer_id, n * sizeof *p->peer_id);
    bp_mem_give(m, p->peer, n * sizeof *p->peer);
    bp_actions_free(p);
    bp_hashset_free(&p->bad);
    bp_hashset_free(&p->recent);
    bp_jobs_free(p);
    bp_window_free(p);
    bp_requests_free(p);
    bp_notices_free(p);
    bp_table_free(&p->pages);
    bp_table_free(&p->givers);
    bp_forest_free(&p->forest);
}

int bp_pool_new(struct bp_pool **out, const struct bp_pool_config *config) {
    *out = NULL;
    struct bp_pool_config c = *config;
    int err = bp_config_fill(&c);
    if (err != 0) return err;
    struct bp_pool *p = bp_zalloc(c.alloc, sizeof *p);
    if (p == NULL) return BP_ERR_NOMEM;
    p->cfg = c;
    p->mem = (struct bp_mem){ c.alloc, sizeof *p, sizeof *p };
    p->tables = bp_config_tables(&c);
    bp_rng_seed(&p->rng, c.seed);
    p->head = c.head;
    p->refused_td = c.refused_td;
    p->best = BP_NIL;
    p->wake = BP_TIME_NEVER;
    p->synced = true; /* nothing is worth telling yet */
    err = tables_init(p);
    if (err != 0) {
        bp_pool_free(p, NULL, NULL);
        return err;
    }
    *out = p;
    return 0;
}

/* Every item that is anywhere, once. */
static void release_all(struct bp_pool *p, void (*release)(void *, uint64_t),
                        void *user) {
    struct bp_forest *f = &p->forest;
    struct bp_actions *a = &p->act;
    for (; a->loose_n > 0; a->loose_n--) {
        release(user, a->loose[a->loose_head]);
        a->loose_head = (a->loose_head + 1) % a->loose_max;
    }
    for (uint32_t i = 0; i < f->chunks.used; i++) {
        struct bp_chunk *c = bp_table_get(&f->chunks, i);
        if (c == NULL) continue;
        for (uint32_t k = c->low; k < c->high; k++) {
            struct bp_plink *l = &c->link[k];
            bool dead = (l->flags & BP_PL_DEAD) != 0;
            if ((l->flags & BP_PL_GIVEN) != 0) continue;
            if (l->item != 0) release(user, l->item);
            uint64_t body = 0;
            if (dead)
                body = l->difficulty;
            else if (l->slot != BP_NIL)
                body = bp_slot_at(p, l->slot)->item;
            if (body != 0) release(user, body);
        }
    }
}

void bp_pool_free(struct bp_pool *p, void (*release)(void *user, uint64_t item),
                  void *user) {
    if (p == NULL) return;
    if (release != NULL) release_all(p, release, user);
    tables_free(p);
    bp_free(p->cfg.alloc, p, sizeof *p);
}

/* ---- events ------------------------------------------------------------- */

static void drop_everything(struct bp_pool *p) {
    struct bp_forest *f = &p->forest;
    for (uint32_t i = 0; i < p->requests.used; i++) {
        struct bp_request *r = bp_table_get(&p->requests, i);
        if (r != NULL) bp_request_close(p, r);
    }
    for (uint32_t i = 0; i < p->n_peers; i++) bp_trails_free(p, i, true);
    for (uint32_t id = 0; (id = bp_section_next(f, id)) != BP_NIL;)
        bp_forest_drop(p, bp_section_root(f, id));
    bp_hashset_clear(&p->probes);
    bp_notices_clear(p);
}

static void on_purge(struct bp_pool *p) {
    bp_trace(p, "purge");
    drop_everything(p);
    for (uint32_t i = 0; i < p->n_peers; i++) {
        p->peer[i].retry = p->peer[i].body_retry = 0;
        p->peer[i].progress = p->now;
    }
}

static void on_reset(struct bp_pool *p) {
    bp_trace(p, "reset");
    drop_everything(p);
    for (uint32_t i = 0; i < p->n_peers; i++)
        if (p->peer[i].state != BP_PEER_FREE) bp_peer_remove(p, i);
    p->n_peers = 0;
    bp_hashset_clear(&p->recent);
    bp_hashset_clear(&p->bad);
    p->recent_top = 0;
    p->probe_wait = p->full_until = 0;
    p->target.set = false;
    p->synced = true;
    p->stalled = false;
}

static void dispatch(struct bp_pool *p, const struct bp_event *ev) {
    switch (ev->type) {
    case BP_EV_TIME: return;
    case BP_EV_PEER_JOINED: bp_on_joined(p, &ev->u.joined); return;
    case BP_EV_PEER_CLAIM: bp_on_claim(p, &ev->u.claim); return;
    case BP_EV_PEER_RANGE: bp_on_range(p, &ev->u.range); return;
    case BP_EV_PEER_LEFT: bp_on_left(p, &ev->u.left); return;
    case BP_EV_PEER_OFFENCE: bp_on_offence(p, &ev->u.offence); return;
    case BP_EV_REPLY: bp_on_reply(p, &ev->u.reply); return;
    case BP_EV_LINKS: bp_on_links(p, &ev->u.links); return;
    case BP_EV_HASHES: bp_on_hashes(p, &ev->u.hashes); return;
    case BP_EV_BLOCKS: bp_on_blocks(p, &ev->u.blocks); return;
    case BP_EV_PUSHED: bp_on_pushed(p, &ev->u.pushed); return;
    case BP_EV_ANNOUNCED: bp_on_announced(p, &ev->u.announced); return;
    case BP_EV_CHECKED: bp_on_checked(p, &ev->u.checked); return;
    case BP_EV_INSERTED: bp_on_inserted(p, &ev->u.inserted); return;
    case BP_EV_CHAIN: bp_on_chain(p, &ev->u.chain); return;
    case BP_EV_TARGET: bp_on_target(p, &ev->u.target); return;
    case BP_EV_RESET: on_reset(p); return;
    case BP_EV_PURGE: on_purge(p); return;
    }
}

/* ---- scheduling --------------------------------------------------------- */

void bp_wake_at(struct bp_pool *p, bp_time t) {
    if (t < p->wake) p->wake = t;
}

void bp_wake_for(struct bp_pool *p, const struct bp_table *t) {
    if (t->n < t->max) bp_wake_at(p, p->now + BP_BACKOFF_MS);
}

void bp_moved(struct bp_pool *p) {
    p->moved = p->now;
}

static void remove_condemned(struct bp_pool *p) {
    for (uint32_t i = 0; i < p->n_peers; i++)
        if (p->peer[i].state == BP_PEER_CONDEMNED) bp_peer_remove(p, i);
    while (p->n_peers > 0 && p->peer[p->n_peers - 1].state == BP_PEER_FREE)
        p->n_peers--;
}

/* Something is to be fetched or inserted that is not here yet. */
static bool work_left(const struct bp_pool *p) {
    if (bp_target_wanted(p)) return true;
    for (uint32_t i = 0; i < p->n_peers; i++)
        if (bp_peer_candidate(p, &p->peer[i])) return true;
    for (uint32_t id = bp_section_next(&p->forest, 0); id != BP_NIL;
         id = bp_section_next(&p->forest, id + 1))
        if (bp_section_at(&p->forest, id)->connected) return true;
    return false;
}

/* Says once that everything is in, or that nobody can bring what is not. */
static void announce_rest(struct bp_pool *p) {
    bool rest = bp_pool_quiescent(p);
    bool empty = p->forest.links == 0 && p->best == BP_NIL;
    if (rest && empty && !p->synced)
        bp_report(p, BP_REPORT_SYNCED, 0, &p->head.hash, p->head.number, 0);
    if (rest && !empty && !p->stalled)
        bp_report(p, BP_REPORT_STALLED, 0, &p->head.hash, p->head.number,
                  p->forest.links);
    bp_time end = p->moved + p->cfg.progress_ms;
    if (end > p->now && work_left(p)) bp_wake_at(p, end);
    p->synced = rest && empty;
    /* Asking once more is no news while nothing moves. */
    p->stalled = !empty && (rest || (p->stalled && end <= p->now));
}

static void schedule(struct bp_pool *p) {
    p->wake = BP_TIME_NEVER;
    bp_requests_expire(p);
    remove_condemned(p);
    bp_peers_schedule(p);
    remove_condemned(p);
    bp_target_schedule(p);
    bp_fill_schedule(p);
    bp_walk_schedule(p);
    bp_window_open(p);
    bp_trails_schedule(p);
    remove_condemned(p);
    bp_notices_schedule(p);
    bp_check_schedule(p);
    bp_window_schedule(p);
    bp_insert_schedule(p);
    bp_requests_schedule(p);
    bp_forest_rank(&p->forest);
    announce_rest(p);
}

void bp_pool_step(struct bp_pool *p, const struct bp_event *event,
                  bp_time now) {
    if (now > p->now) p->now = now;
    dispatch(p, event);
    remove_condemned(p);
    schedule(p);
}

bp_time bp_pool_deadline(const struct bp_pool *p) {
    return p->wake;
}

bool bp_pool_quiescent(const struct bp_pool *p) {
    for (uint32_t i = 0; i < p->n_jobs; i++)
        if (p->job[i].id != 0) return false;
    for (uint32_t i = 0; i < p->requests.used; i++) {
        const struct bp_request *r = bp_table_get(&p->requests, i);
        if (r != NULL && r->state != BP_REQ_LATE) return false;
    }
    return !work_left(p) || p->now >= p->moved + p->cfg.progress_ms;
}

uint64_t bp_pool_memory(const struct bp_pool *p) {
    return p->mem.bytes;
}
