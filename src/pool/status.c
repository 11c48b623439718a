/* status: what the pool knows, for people. */
#include <string.h>

#include "pool/state.h"

static uint64_t highest(const struct bp_pool *p) {
    uint64_t top = p->head.number;
    for (uint32_t i = 0; i < p->n_peers; i++) {
        const struct bp_peer *peer = &p->peer[i];
        const struct bp_claim *c = &peer->info.claim;
        if (!bp_peer_candidate(p, peer)) continue;
        uint64_t n = c->has_number ? c->number : 0;
        bp_ref ref = bp_link_find(&p->forest, &c->head);
        if (ref != BP_NIL) n = bp_link_number(&p->forest, ref);
        if (n > top) top = n;
    }
    return top;
}

void bp_pool_status(const struct bp_pool *p, struct bp_pool_status *out) {
    const struct bp_forest *f = &p->forest;
    *out = p->stat;
    out->syncing = !bp_pool_quiescent(p);
    out->head = p->head;
    out->target = highest(p);
    out->best = p->best != BP_NIL ? p->peer[p->best].id : 0;
    out->links_held = f->links;
    out->window_used = p->window.used;
    out->sections = f->sections.n;
    out->spine_entries = f->spine.n;
    out->branches = bp_pool_branches(p, NULL, 0);
}

static void peer_fill(const struct bp_pool *p, uint32_t place,
                      struct bp_peer_status *out) {
    const struct bp_peer *peer = &p->peer[place];
    *out = (struct bp_peer_status){
        .peer = peer->id,
        .identity = peer->info.identity,
        .caps = peer->info.caps,
        .claim = peer->info.claim,
        .best = p->best == place,
        .demoted = peer->back != 0,
        .rtt_ms = peer->rtt_ms,
        .links_per_s = bp_estimate_items(p, peer, BP_RATE_LINKS) / 1000,
        .blocks_per_s = bp_estimate_items(p, peer, BP_RATE_BLOCKS) / 1000,
        .bytes_per_s = peer->rate[BP_RATE_BLOCKS].per_ks / 1000,
        .links_given = peer->links_given,
        .blocks_given = peer->blocks_given,
        .faults = peer->faults,
        .offences = peer->offences,
        .last_fault = peer->last_fault,
    };
    for (int k = 0; k < BP_RATES; k++) out->requests += peer->out[k];
}

/* The live peer with the least serial above `after`, or BP_NIL. */
static uint32_t next_joined(const struct bp_pool *p, uint64_t after) {
    uint32_t next = BP_NIL;
    for (uint32_t i = 0; i < p->n_peers; i++) {
        const struct bp_peer *peer = &p->peer[i];
        if (peer->state == BP_PEER_FREE || peer->serial <= after) continue;
        if (next == BP_NIL || peer->serial < p->peer[next].serial) next = i;
    }
    return next;
}

size_t bp_pool_peers(const struct bp_pool *p, struct bp_peer_status *out,
                     size_t cap) {
    size_t n = 0;
    for (uint32_t i = next_joined(p, 0); i != BP_NIL;
         i = next_joined(p, p->peer[i].serial)) {
        if (n < cap) peer_fill(p, i, &out[n]);
        n++;
    }
    return n;
}

/* ---- branches ----------------------------------------------------------- */

static uint64_t bodies_of(const struct bp_pool *p, uint32_t section) {
    uint64_t n = 0;
    for (uint32_t i = 0; i < p->window.slots.used; i++) {
        const struct bp_slot *s = bp_table_get(&p->window.slots, i);
        if (s != NULL && s->state == BP_SLOT_HERE && s->link != BP_NIL &&
            bp_link_section(&p->forest, s->link) == section)
            n++;
    }
    return n;
}

static uint64_t checked_of(const struct bp_forest *f,
                           const struct bp_section *s) {
    uint64_t n = 0;
    for (uint32_t id = s->newest; id != BP_NIL;
         id = bp_stretch_at(f, id)->older) {
        const struct bp_stretch *st = bp_stretch_at(f, id);
        if (st->chunk == BP_NIL) continue;
        const struct bp_chunk *c = bp_chunk_at(f, st->chunk);
        uint64_t first = c->number0 - st->top;
        for (uint64_t k = first; k < first + st->n; k++)
            n += (c->link[k].flags & BP_PL_CHECKED) != 0;
    }
    return n;
}

/* From the leaf down to its root. */
static void branch_fill(const struct bp_pool *p, uint32_t leaf,
                        struct bp_branch_status *out) {
    const struct bp_forest *f = &p->forest;
    *out =
        (struct bp_branch_status){ .top = *bp_section_top(f, leaf),
                                   .top_number = bp_section_at(f, leaf)->top };
    bp_ref head = bp_link_find(f, &out->top);
    for (uint32_t id = leaf; id != BP_NIL; id = bp_section_at(f, id)->parent) {
        const struct bp_section *s = bp_section_at(f, id);
        out->links += s->mem;
        out->condensed += s->n - s->mem;
        out->blocks += bodies_of(p, id);
        out->checked += checked_of(f, s);
        out->connected = s->connected;
        out->bottom_number = bp_section_bottom(s);
        out->bottom_parent = s->below;
        bp_ref bottom = bp_section_link(f, id, out->bottom_number);
        if (bottom != BP_NIL) out->bottom = bp_link_at(f, bottom)->hash;
        bp_u256_add(&out->work, &out->work, &s->work);
    }
    out->active = out->connected;
    for (uint32_t i = 0; i < p->n_peers && head != BP_NIL; i++) {
        const struct bp_peer *peer = &p->peer[i];
        if (peer->state == BP_PEER_LIVE &&
            bp_hash_eq(&peer->info.claim.head, &out->top))
            out->active = true;
    }
}

static int heavier_first(const struct bp_branch_status *a,
                         const struct bp_branch_status *b) {
    return bp_u256_cmp(&b->work, &a->work);
}

size_t bp_pool_branches(const struct bp_pool *p, struct bp_branch_status *out,
                        size_t cap) {
    const struct bp_forest *f = &p->forest;
    size_t n = 0, kept = 0;
    for (uint32_t id = bp_section_next(f, 0); id != BP_NIL;
         id = bp_section_next(f, id + 1)) {
        if (bp_section_at(f, id)->child != BP_NIL) continue;
        n++;
        if (cap == 0) continue;
        struct bp_branch_status b;
        branch_fill(p, id, &b);
        size_t at = kept;
        if (at == cap) {
            if (heavier_first(&b, &out[at - 1]) >= 0) continue;
            at--;
        } else {
            kept++;
        }
        for (; at > 0 && heavier_first(&b, &out[at - 1]) < 0; at--)
            out[at] = out[at - 1];
        out[at] = b;
    }
    return n;
}
