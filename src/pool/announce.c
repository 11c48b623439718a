/* announce: blocks and hashes that nobody asked for.

   A pushed block near our head is taken like one that was asked for; an
   announced hash waits a moment for the block to be pushed, then one of those
   who announced it is asked for the link. Both are bounded for each peer. */
#include <assert.h>

#include "pool/state.h"

uint32_t bp_notices_max(const struct bp_pool_config *c) {
    uint64_t n = (uint64_t)c->announced_max * c->peers_max;
    return n < 4096 ? (uint32_t)n : 4096;
}

int bp_notices_init(struct bp_pool *p) {
    uint32_t n = bp_notices_max(&p->cfg);
    p->notice_due = BP_TIME_NEVER;
    int err = bp_index_init(&p->notice_index, &p->mem, n, p->cfg.seed + 7);
    if (err != 0) return err;
    return bp_table_init(&p->notices, &p->mem, sizeof(struct bp_notice), 4, n);
}

void bp_notices_free(struct bp_pool *p) {
    bp_table_free(&p->notices);
    bp_index_free(&p->notice_index);
}

static struct bp_notice *notice_at(const struct bp_pool *p, uint32_t id) {
    return bp_table_at(&p->notices, id);
}

static uint32_t notice_find(const struct bp_pool *p, const bp_hash *hash) {
    struct bp_probe probe = bp_index_begin(&p->notice_index, hash);
    for (;;) {
        uint32_t id = bp_index_next(&p->notice_index, &probe);
        if (id == BP_NIL || bp_hash_eq(&notice_at(p, id)->hash, hash))
            return id;
    }
}

static void notice_drop(struct bp_pool *p, uint32_t id) {
    struct bp_notice *n = notice_at(p, id);
    for (uint32_t i = 0; i < n->n_from; i++) p->peer[n->from[i].peer].notices--;
    bp_index_remove(&p->notice_index, &n->hash, id);
    bp_table_give(&p->notices, id);
}

void bp_notices_clear(struct bp_pool *p) {
    for (uint32_t i = 0; i < p->notices.used; i++)
        if (bp_table_get(&p->notices, i) != NULL) notice_drop(p, i);
}

void bp_notices_leave(struct bp_pool *p, uint32_t peer) {
    if (p->peer[peer].notices == 0) return;
    for (uint32_t id = 0; id < p->notices.used; id++) {
        struct bp_notice *n = bp_table_get(&p->notices, id);
        if (n == NULL) continue;
        for (uint32_t i = 0; i < n->n_from; i++) {
            if (n->from[i].peer != peer) continue;
            p->peer[peer].notices--;
            n->from[i--] = n->from[--n->n_from];
        }
        if (n->n_from == 0) notice_drop(p, id);
    }
}

/* ---- announced ----------------------------------------------------------- */

static bool near(const struct bp_pool *p, uint64_t number) {
    uint64_t head = p->head.number;
    return number + BP_NEAR_BELOW >= head && number <= head + BP_NEAR_ABOVE;
}

/* Held, in the forest, or asked for already, but not for its notice. */
static bool known(const struct bp_pool *p, const bp_hash *hash) {
    struct bp_held held;
    uint32_t slot = bp_slot_find_bare(p, hash);
    return bp_link_find(&p->forest, hash) != BP_NIL ||
           (slot != BP_NIL && !bp_slot_at(p, slot)->announced) ||
           bp_known_held(p, hash, &held) ||
           bp_hashset_find(&p->bad, hash) != BP_NIL;
}

static void notice_from(struct bp_pool *p, struct bp_notice *n, uint32_t peer,
                        const struct bp_ev_announced *ev) {
    for (uint32_t i = 0; i < n->n_from; i++)
        if (n->from[i].peer == peer) return;
    if (n->n_from == BP_NOTICE_FROM) return;
    n->from[n->n_from].peer = peer;
    n->from[n->n_from].has_number = ev->has_number;
    n->from[n->n_from++].number = ev->number;
    p->peer[peer].notices++;
}

/* More than its share: said once, until there is room again. */
static bool floods(struct bp_pool *p, struct bp_peer *peer, uint32_t have,
                   uint32_t most, const bp_hash *hash) {
    if (have < most) return false;
    p->stat.refused++;
    if (!peer->flooded) bp_blame(p, peer->by, BP_OFF_FLOOD, 0, hash, 0, false);
    peer->flooded = true;
    return true;
}

void bp_on_announced(struct bp_pool *p, const struct bp_ev_announced *ev) {
    uint32_t place = bp_peer_find(p, ev->peer);
    if (place == BP_NIL) return;
    struct bp_peer *peer = &p->peer[place];
    bp_peer_news(peer, &ev->hash, &ev->known);
    if (ev->known.held || known(p, &ev->hash)) return;
    if (ev->has_number && !near(p, ev->number)) return;
    uint32_t id = notice_find(p, &ev->hash);
    if (id == BP_NIL) {
        if (floods(p, peer, peer->notices, p->cfg.announced_max, &ev->hash))
            return;
        id = bp_table_take(&p->notices);
        if (id == BP_NIL) {
            p->stat.refused++;
            return;
        }
        struct bp_notice *n = notice_at(p, id);
        n->hash = ev->hash;
        n->due = p->now + p->cfg.announce_wait_ms;
        if (n->due < p->notice_due) p->notice_due = n->due;
        bool added = bp_index_add(&p->notice_index, &ev->hash, id);
        assert(added); /* as many cells as notices */
    } else if (peer->notices >= p->cfg.announced_max) {
        return;
    }
    notice_from(p, notice_at(p, id), place, ev);
}

/* One of those who announced it and is free, by chance: its place among them,
   or BP_NIL. */
static uint32_t announcer(struct bp_pool *p, const struct bp_notice *n) {
    uint32_t from = (uint32_t)bp_rng_below(&p->rng, n->n_from);
    for (uint32_t i = 0; i < n->n_from; i++) {
        uint32_t k = (from + i) % n->n_from;
        const struct bp_peer *who = &p->peer[n->from[k].peer];
        if (bp_peer_bare(who) ? bp_peer_free(p, who, BP_RATE_BLOCKS)
                              : bp_peer_free(p, who, BP_RATE_LINKS))
            return k;
    }
    return BP_NIL;
}

static void ask(struct bp_pool *p, const struct bp_notice *n, uint32_t from) {
    struct bp_peer *who = &p->peer[n->from[from].peer];
    if (!bp_peer_bare(who)) {
        bp_links_ask(p, n->from[from].peer, BP_ASK_NOTICE, &n->hash, 1);
        return;
    }
    if (who->roots >= BP_ROOTS / 2) return;
    uint32_t slot = bp_slot_bare(p, &n->hash, n->from[from].number, who->serial,
                                 true, BP_CLASS_AHEAD);
    if (slot != BP_NIL) bp_slot_at(p, slot)->announced = true;
}

/* Its time has come: here by now, asked, or given up. */
static void attend(struct bp_pool *p, uint32_t id) {
    struct bp_notice *n = notice_at(p, id);
    if (known(p, &n->hash) || n->tries >= 2 * BP_NOTICE_FROM) {
        notice_drop(p, id);
        return;
    }
    if (bp_slot_find_bare(p, &n->hash) != BP_NIL) { /* an announcer is asked */
        n->due = p->now + p->cfg.request_first_ms;
        return;
    }
    uint32_t from = announcer(p, n);
    n->tries++;
    n->due = p->now + p->cfg.request_first_ms;
    if (from == BP_NIL)
        n->due = p->now + p->cfg.announce_wait_ms;
    else
        ask(p, n, from);
}

void bp_notices_schedule(struct bp_pool *p) {
    if (p->notices.n == 0) return;
    if (p->notice_due <= p->now) {
        p->notice_due = BP_TIME_NEVER;
        for (uint32_t i = 0; i < p->notices.used; i++) {
            struct bp_notice *n = bp_table_get(&p->notices, i);
            if (n != NULL && n->due <= p->now) attend(p, i);
            n = bp_table_get(&p->notices, i);
            if (n != NULL && n->due < p->notice_due) p->notice_due = n->due;
        }
    }
    for (uint32_t i = 0; i < p->n_peers; i++)
        if (p->peer[i].notices == 0) p->peer[i].flooded = false;
    bp_wake_at(p, p->notice_due);
}

bool bp_notice_confirm(struct bp_pool *p, const struct bp_link *link) {
    uint32_t id = notice_find(p, &link->hash);
    if (id == BP_NIL) return true;
    const struct bp_notice *n = notice_at(p, id);
    uint32_t right = 0;
    for (uint32_t i = 0; i < n->n_from; i++) {
        if (!n->from[i].has_number || n->from[i].number == link->number) {
            right++;
            continue;
        }
        bp_blame(p, p->peer[n->from[i].peer].by, BP_OFF_WRONG_NUMBER, 0,
                 &link->hash, n->from[i].number, true);
    }
    notice_drop(p, id);
    return right > 0;
}

/* ---- pushed -------------------------------------------------------------- */

static void release_block(struct bp_pool *p, const struct bp_delivery *b) {
    bp_release(p, b->item);
    if (b->has_link) bp_release(p, b->link.item);
}

/* It says more than what the peer claims already. */
static bool raises(const struct bp_claim *c, const struct bp_claim *old) {
    if (old->has_td) return bp_u256_cmp(&c->td, &old->td) > 0;
    return !old->has_number || c->number > old->number;
}

/* Whoever pushes a block has its parent, and no more: it relays before it
   imports. An old block does not take back what the peer claimed since. */
static void push_claims(struct bp_pool *p, const struct bp_ev_pushed *ev,
                        const struct bp_claim *old) {
    const struct bp_link *l = &ev->block.link;
    struct bp_ev_claim claim = { .peer = ev->peer };
    struct bp_claim *c = &claim.claim;
    if (l->number == 0 || bp_u256_cmp(&ev->td, &l->difficulty) < 0) return;
    c->head = l->parent;
    c->known = ev->block.parent;
    c->has_td = true;
    bp_u256_sub(&c->td, &ev->td, &l->difficulty);
    c->has_number = true;
    c->number = l->number - 1;
    if (raises(c, old)) bp_on_claim(p, &claim);
}

/* The body of a block whose link is in the forest, if there is room. */
static bool take_body(struct bp_pool *p, const struct bp_delivery *b,
                      bp_by by) {
    bp_ref ref = bp_link_find(&p->forest, &b->hash);
    if (ref == BP_NIL) return false;
    struct bp_plink *l = bp_link_at(&p->forest, ref);
    if (bp_link_bodiless(l)) return false;
    if ((l->flags & BP_PL_IN_JOB) != 0 && l->slot == BP_NIL) return false;
    if (l->slot == BP_NIL) {
        uint32_t section = bp_link_section(&p->forest, ref);
        bool connected = bp_section_at(&p->forest, section)->connected;
        enum bp_class rank = connected ? BP_CLASS_BEST : BP_CLASS_AHEAD;
        if (!bp_window_has_room(p, rank) || bp_slot_new(p, ref, rank) == BP_NIL)
            return false;
    }
    if (bp_slot_at(p, l->slot)->state == BP_SLOT_HERE) return false;
    bp_slot_fill(p, l->slot, b->item, b->size, by);
    bp_slot_at(p, l->slot)->pushed = true;
    return true;
}

/* A new link, unless the peer has pushed its share. */
static bool take_link(struct bp_pool *p, struct bp_delivery *b,
                      struct bp_peer *peer) {
    bp_by by = peer->by;
    if (bp_link_find(&p->forest, &b->hash) != BP_NIL) return false;
    if (!near(p, b->link.number)) return false;
    const struct bp_giver *g = bp_giver_at(p, by);
    if (floods(p, peer, g->pushed, p->cfg.pushed_max, &b->hash)) return false;
    struct bp_link link = b->link;
    bp_ref ref = bp_whole_graft(p, b, by);
    if (ref == BP_NIL) return false;
    bp_link_at(&p->forest, ref)->flags |= BP_PL_PUSHED;
    bp_giver_at(p, by)->pushed++;
    uint32_t section = bp_link_section(&p->forest, ref);
    if (!bp_section_at(&p->forest, section)->connected)
        bp_probe_one(p, &link, 1);
    return true;
}

/* Without its body a pushed block has nothing that could be checked. */
static void drop_bodiless(struct bp_pool *p, const bp_hash *hash) {
    bp_ref ref = bp_link_find(&p->forest, hash);
    if (ref != BP_NIL && (bp_link_at(&p->forest, ref)->flags & BP_PL_BARE) != 0)
        bp_forest_cut(p, ref);
}

void bp_on_pushed(struct bp_pool *p, const struct bp_ev_pushed *ev) {
    uint32_t place = bp_peer_find(p, ev->peer);
    struct bp_delivery b = ev->block;
    if (place == BP_NIL || !b.has_link ||
        bp_hashset_find(&p->bad, &b.hash) != BP_NIL) {
        release_block(p, &b);
        return;
    }
    struct bp_peer *peer = &p->peer[place];
    bp_peer_news(peer, &b.hash, &b.known);
    if (ev->has_td) push_claims(p, ev, &peer->info.claim);
    if (peer->state == BP_PEER_LIVE && bp_notice_confirm(p, &b.link) &&
        !b.known.held) {
        bool fresh = take_link(p, &b, peer);
        if (take_body(p, &b, peer->by)) {
            b.item = 0;
            peer->blocks_given++;
        } else if (!fresh) {
            p->stat.duplicates++;
        } else {
            drop_bodiless(p, &b.hash);
        }
    } else if (b.known.held) {
        p->stat.duplicates++;
    }
    release_block(p, &b);
    bp_window_trim(p);
}
