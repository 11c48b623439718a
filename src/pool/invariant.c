/* invariant: everything that must be true after every step. */
#include <assert.h>

#include "pool/state.h"

/* ---- the forest --------------------------------------------------------- */

static void check_link(const struct bp_pool *p, bp_ref ref, bool dangles) {
    const struct bp_forest *f = &p->forest;
    const struct bp_plink *l = bp_link_at(f, ref);
    assert((l->flags & (BP_PL_DEAD | BP_PL_BURIED | BP_PL_GIVEN)) == 0);
    assert(bp_link_find(f, &l->hash) == ref);
    if (dangles) assert((l->flags & BP_PL_CHECKED) == 0);
    if (l->slot == BP_NIL) return;
    const struct bp_slot *s = bp_table_get(&p->window.slots, l->slot);
    assert(s != NULL && s->link == ref);
    assert(s->number == bp_link_number(f, ref));
}

static uint32_t check_stretch(const struct bp_pool *p, uint32_t id,
                              const struct bp_section *s, bp_u256 *sum) {
    const struct bp_forest *f = &p->forest;
    const struct bp_stretch *st = bp_table_get(&f->stretches, id);
    assert(st != NULL && st->n > 0);
    bp_u256 work = bp_u256_from_u64(0);
    if (st->chunk == BP_NIL) {
        assert(bp_table_get(&f->spine, st->spine) != NULL);
        bp_u256_add(sum, sum, &st->work);
        return 0;
    }
    const struct bp_chunk *c = bp_table_get(&f->chunks, st->chunk);
    assert(c != NULL && c->low <= c->high && c->high <= c->cap);
    uint64_t first = c->number0 - st->top;
    assert(first >= c->low && first + st->n <= c->high);
    for (uint32_t k = 0; k < st->n; k++) {
        bp_ref ref = st->chunk << BP_REF_BITS | (uint32_t)(first + k);
        assert(bp_link_stretch(f, ref) == id);
        check_link(p, ref, !s->connected);
        bp_u256 d = bp_link_difficulty(f, ref);
        bp_u256_add(&work, &work, &d);
    }
    assert(bp_u256_cmp(&work, &st->work) == 0);
    if (s->connected) assert(c->charge == 0);
    bp_u256_add(sum, sum, &work);
    return st->n;
}

static void check_tree(const struct bp_pool *p, uint32_t id) {
    const struct bp_forest *f = &p->forest;
    const struct bp_section *s = bp_section_at(f, id);
    uint32_t brother = BP_NIL;
    for (uint32_t c = s->child; c != BP_NIL; c = bp_section_at(f, c)->sibling) {
        const struct bp_section *child = bp_table_get(&f->sections, c);
        assert(child != NULL && child->parent == id);
        assert(child->brother == brother);
        assert(child->connected == s->connected);
        assert(bp_hash_eq(&child->below, bp_section_top(f, id)));
        assert(bp_section_bottom(child) == s->top + 1);
        brother = c;
    }
    if (s->parent != BP_NIL) return;
    uint32_t waits = 0;
    struct bp_probe probe = bp_index_begin(&f->orphans, &s->below);
    for (uint32_t k; (k = bp_index_next(&f->orphans, &probe)) != BP_NIL;)
        waits += k == id;
    assert(waits == (s->connected ? 0 : 1));
    if (!s->connected) assert(bp_link_find(f, &s->below) == BP_NIL);
}

static uint64_t check_section(const struct bp_pool *p, uint32_t id) {
    const struct bp_forest *f = &p->forest;
    const struct bp_section *s = bp_section_at(f, id);
    bp_u256 sum = bp_u256_from_u64(0);
    uint64_t n = 0, mem = 0, number = s->top;
    uint32_t newer = BP_NIL, condensed = 0;
    for (uint32_t k = s->newest; k != BP_NIL; k = bp_stretch_at(f, k)->older) {
        const struct bp_stretch *st = bp_stretch_at(f, k);
        assert(st->section == id && st->newer == newer && st->top == number);
        mem += check_stretch(p, k, s, &sum);
        condensed += st->chunk == BP_NIL;
        n += st->n;
        number -= st->n;
        newer = k;
    }
    assert(s->oldest == newer && n == s->n && n > 0 && mem == s->mem);
    assert(condensed == s->condensed);
    assert(bp_u256_cmp(&sum, &s->work) == 0);
    if (s->connected) {
        assert(s->check_next >= bp_section_bottom(s));
        assert(s->want_next >= bp_section_bottom(s));
        assert(s->check_next <= s->top + 1 && s->want_next <= s->top + 1);
    }
    check_tree(p, id);
    return mem;
}

static bool root_is_right(const struct bp_forest *f,
                          const struct bp_section *s) {
    if (s->parent == BP_NIL) return bp_section_at(f, s->root) == s;
    return s->root == bp_section_at(f, s->parent)->root;
}

static void check_forest(const struct bp_pool *p) {
    const struct bp_forest *f = &p->forest;
    uint64_t links = 0, places = 0, bare = 0;
    uint32_t waiting = 0;
    for (uint32_t id = bp_section_next(f, 0); id != BP_NIL;
         id = bp_section_next(f, id + 1)) {
        const struct bp_section *s = bp_section_at(f, id);
        links += check_section(p, id);
        assert(!f->ranked || root_is_right(f, s));
        waiting += s->parent == BP_NIL && !s->connected;
    }
    assert(links == f->links && f->index.n == links);
    assert(f->orphans.n == waiting);
    for (uint32_t i = 0; i < f->chunks.used; i++) {
        const struct bp_chunk *c = bp_table_get(&f->chunks, i);
        if (c == NULL) continue;
        places += c->cap;
        uint32_t live = 0;
        for (uint32_t k = c->low; k < c->high; k++) {
            const struct bp_plink *l = &c->link[k];
            live += (l->flags & BP_PL_GIVEN) == 0;
            bare += (l->flags & (BP_PL_BARE | BP_PL_DEAD)) == BP_PL_BARE;
            assert(l->item == 0 || l->size <= BP_LINK_BYTES_MAX);
        }
        assert(live == c->live);
    }
    assert(bare == f->bare);
    assert(places == f->places && places <= f->places_max);
}

/* ---- peers and requests -------------------------------------------------- */

static void check_requests(const struct bp_pool *p) {
    uint32_t bodies = 0;
    for (uint32_t i = 0; i < p->requests.used; i++) {
        const struct bp_request *r = bp_table_get(&p->requests, i);
        if (r == NULL) continue;
        assert(r->peer < p->n_peers);
        assert(p->peer[r->peer].state == BP_PEER_LIVE);
        assert(bp_request_find(p, r->id) == r);
        assert(r->n_wants <= p->cfg.blocks_per_request);
        if (bp_ask_rate(r->ask) == BP_RATE_BLOCKS) bodies++;
    }
    assert(bodies == p->body_requests && bodies <= p->cfg.replies_max);
    for (uint32_t k = 0; k < p->n_peers; k++) {
        const struct bp_peer *peer = &p->peer[k];
        if (peer->state == BP_PEER_FREE) continue;
        assert(peer->state == BP_PEER_LIVE && p->peer_id[k] == peer->id);
        assert(peer->by != 0 && !bp_giver_at(p, peer->by)->gone);
        uint32_t out[BP_RATES] = { 0 }, late[BP_RATES] = { 0 };
        for (uint32_t i = 0; i < p->requests.used; i++) {
            const struct bp_request *r = bp_table_get(&p->requests, i);
            if (r == NULL || r->peer != k) continue;
            out[bp_ask_rate(r->ask)]++;
            late[bp_ask_rate(r->ask)] += r->state == BP_REQ_LATE;
        }
        for (int i = 0; i < BP_RATES; i++)
            assert(out[i] == peer->out[i] && late[i] == peer->late[i] &&
                   late[i] <= 1);
    }
    if (p->best != BP_NIL) assert(bp_peer_candidate(p, &p->peer[p->best]));
}

static void check_givers(const struct bp_pool *p) {
    const struct bp_forest *f = &p->forest;
    uint64_t held = 0, refs = 0, charged = 0, charge = 0;
    for (uint32_t i = 0; i < f->chunks.used; i++) {
        const struct bp_chunk *c = bp_table_get(&f->chunks, i);
        if (c == NULL) continue;
        held += c->by != 0;
        charged += c->charge;
        assert(c->charge == 0 || c->by != 0);
        for (uint32_t k = c->low; k < c->high; k++) held += c->link[k].by != 0;
    }
    for (uint32_t i = 0; i < p->window.slots.used; i++) {
        const struct bp_slot *s = bp_table_get(&p->window.slots, i);
        held += s != NULL && s->by != 0;
    }
    for (uint32_t i = 0; i < p->givers.used; i++) {
        const struct bp_giver *g = bp_table_get(&p->givers, i);
        if (g == NULL) continue;
        assert(!g->gone || g->refs > 0);
        refs += g->refs;
        charge += g->charge;
    }
    assert(held == refs && charged == charge);
}

/* ---- the window and the jobs --------------------------------------------- */

static void check_slot(const struct bp_pool *p, uint32_t id,
                       const struct bp_slot *s) {
    if (s->link == BP_NIL) {
        assert(s->state != BP_SLOT_HERE);
        assert(bp_slot_find_bare(p, &s->hash) == id);
        assert(bp_link_find(&p->forest, &s->hash) == BP_NIL);
    } else {
        const struct bp_plink *l = bp_link_at(&p->forest, s->link);
        assert(l->slot == id && (l->flags & BP_PL_DEAD) == 0);
    }
    assert((s->state == BP_SLOT_ASKED) == (s->req[0] != 0));
    assert(s->req[0] != 0 || s->req[1] == 0);
    for (int i = 0; i < 2; i++)
        if (s->req[i] != 0) assert(bp_request_find(p, s->req[i]) != NULL);
    if (s->state != BP_SLOT_HERE) assert(s->item == 0 && s->by == 0);
}

static void check_window(const struct bp_pool *p) {
    const struct bp_window *w = &p->window;
    uint64_t used = 0, bytes[BP_CLASSES] = { 0 }, here = 0;
    uint32_t missing = 0, listed = 0, wanted = 0, n_ahead = 0, n_roots = 0;
    uint32_t failed = 0;
    for (uint32_t i = 0; i < w->slots.used; i++) {
        const struct bp_slot *s = bp_table_get(&w->slots, i);
        if (s == NULL) continue;
        check_slot(p, i, s);
        used += s->size;
        bytes[s->rank] += s->size;
        n_ahead += s->rank == BP_CLASS_AHEAD;
        n_roots += s->rank == BP_CLASS_ROOT;
        missing += s->rank == BP_CLASS_BEST && s->state != BP_SLOT_HERE;
        here += s->state == BP_SLOT_HERE;
        failed += s->tries > 0;
        wanted += s->state == BP_SLOT_WANTED;
    }
    assert(bytes[BP_CLASS_ROOT] == 0);
    for (int k = 0; k < BP_CLASSES; k++) {
        uint32_t n = 0, prev = BP_NIL;
        for (uint32_t id = w->wanted[k].head; id != BP_NIL;
             id = bp_slot_at(p, id)->next) {
            assert(bp_slot_at(p, id)->prev == prev);
            assert(bp_slot_at(p, id)->rank == (enum bp_class)k);
            prev = id;
            n++;
        }
        assert(w->wanted[k].tail == prev && w->wanted[k].n == n);
        listed += n;
        assert(bytes[k] == w->bytes[k]);
    }
    assert(n_ahead == w->n_ahead && n_roots == w->n_roots);
    assert(n_roots <= w->bare.n);
    assert(failed == w->failed);
    assert(used == w->used && missing == w->missing);
    assert(used <= p->cfg.window_bytes +
                       (uint64_t)p->cfg.replies_max * p->cfg.reply_bytes_max);
    assert(listed == wanted && here == p->stat.blocks_held);
}

static void check_jobs(const struct bp_pool *p) {
    uint32_t checks = 0;
    for (uint32_t i = 0; i < p->n_jobs; i++) {
        const struct bp_job *job = &p->job[i];
        if (job->id == 0) continue;
        assert(job->n > 0);
        assert((job->kind == BP_JOB_INSERT) == (i == p->n_jobs - 1));
        checks += job->kind != BP_JOB_INSERT;
        for (uint32_t k = 0; k < job->n; k++) {
            const struct bp_plink *l = bp_link_at(&p->forest, job->links[k]);
            assert((l->flags & BP_PL_IN_JOB) != 0);
            assert((l->flags & BP_PL_GIVEN) == 0);
        }
        if (job->parent_link != BP_NIL)
            assert(bp_link_at(&p->forest, job->parent_link)->pins > 0);
    }
    assert(checks == p->checks);
}

void bp_pool_check(const struct bp_pool *p) {
    check_forest(p);
    check_requests(p);
    check_givers(p);
    check_window(p);
    check_jobs(p);
    assert(p->mem.bytes <= p->tables);
}
