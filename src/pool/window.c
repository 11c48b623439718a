/* window: whom the bodies that are wanted are asked of, and what came. */
#include <assert.h>

#include "pool/state.h"

/* ---- asking ------------------------------------------------------------- */

struct gathering {
    struct bp_request *r;
    uint32_t most;
    uint64_t left; /* the lowest of the best branch, for nearer peers */
    bool placed;   /* bp_claims_mark said so */
};

/* Adds wants of a class that suit the peer and that it claims, or that it does
   not claim. What failed once is not left to others. */
static void gather_class(struct bp_pool *p, struct gathering *g, int class,
                         bool claimed) {
    struct bp_request *r = g->r;
    const struct bp_peer *peer = &p->peer[r->peer];
    uint64_t left = class == BP_CLASS_BEST ? g->left : 0;
    uint32_t next;
    for (uint32_t id = p->window.wanted[class].head;
         id != BP_NIL && r->n_wants < g->most; id = next) {
        const struct bp_slot *s = bp_slot_at(p, id);
        next = s->next;
        if (left > 0 && left-- && s->tries == 0) continue;
        bool its_own = s->link == BP_NIL || bp_slot_claimed(p, s, peer);
        if (its_own != claimed || !bp_slot_suits(p, s, peer, g->placed))
            continue;
        /* In the second pass it is asked whatever it claims. */
        bool in_turn = s->tries >= BP_LACKS || bp_slot_lacks(s, peer);
        if (s->link == BP_NIL || !its_own || in_turn) r->sure = false;
        if (s->tries > 0) r->again = true;
        bp_slot_ask(p, id, r->id);
        r->wants[r->n_wants++] = id;
    }
}

/* Fills a request with wants that suit the peer; how many. What it claims
   itself comes first: else a branch whose bodies nobody gives would take the
   place of another in every request. */
static uint32_t gather(struct bp_pool *p, struct bp_request *r, uint32_t most,
                       uint64_t left) {
    const struct bp_claim *c = &p->peer[r->peer].info.claim;
    struct gathering g = { .r = r, .most = most, .left = left };
    g.placed = bp_claims_mark(p, &p->peer[r->peer]);
    r->sure = c->known.held || bp_link_find(&p->forest, &c->head) != BP_NIL;
    for (int k = 0; k < BP_CLASSES; k++) gather_class(p, &g, k, true);
    for (int k = 0; k < BP_CLASSES; k++) gather_class(p, &g, k, false);
    return r->n_wants;
}

static void push_ask(struct bp_pool *p, struct bp_request *r) {
    struct bp_action *out = bp_actions_push(p, BP_ACT_ASK_BLOCKS);
    assert(out != NULL); /* room was seen */
    r->count = r->n_wants;
    /* What failed before gets more time. */
    if (r->again) r->due += r->due - p->now;
    out->u.ask_blocks.peer = p->peer[r->peer].id;
    out->u.ask_blocks.request = r->id;
    out->u.ask_blocks.due = r->due;
    bp_soon_asked(p, r);
    const struct bp_slot *s = bp_slot_at(p, r->wants[0]);
    bp_trace(p, "peer %llu: ask %u blocks from %llu%s",
             (unsigned long long)p->peer[r->peer].id, r->n_wants,
             (unsigned long long)s->number, r->hedge ? ", again" : "");
}

static uint32_t wanted(const struct bp_pool *p) {
    uint32_t n = 0;
    for (int k = 0; k < BP_CLASSES; k++) n += p->window.wanted[k].n;
    return n;
}

/* Links come first: a peer that is walking brings no bodies while others can,
   and nothing hangs on them yet. */
static bool is_walking(const struct bp_pool *p, const struct bp_peer *peer) {
    return peer->out[BP_RATE_LINKS] > 0 && p->stat.peers > 1 &&
           p->window.wanted[BP_CLASS_BEST].n == 0 &&
           p->window.wanted[BP_CLASS_RIVAL].n == 0;
}

static bool can_serve(struct bp_pool *p, const struct bp_peer *peer) {
    if (!bp_peer_free(p, peer, BP_RATE_BLOCKS)) return false;
    if (is_walking(p, peer)) return false;
    /* One request shows how far it is. */
    if (peer->rtt_samples == 0 &&
        peer->out[BP_RATE_BLOCKS] > peer->late[BP_RATE_BLOCKS])
        return false;
    if (peer->body_retry <= p->now) return true;
    bp_wake_at(p, peer->body_retry);
    return false;
}

/* In a window of few blocks most of the room comes back a moment later, when
   what just came is inserted: who takes one request at a time is not asked for
   the rest alone. */
static bool waits_for_room(struct bp_pool *p, const struct bp_peer *peer) {
    if ((peer->info.caps & BP_CAP_IDS) != 0 || peer->rtt_samples == 0 ||
        p->cfg.window_bytes / (2 * BP_FEW_BLOCKS) > p->window.reserve ||
        !bp_window_next_here(p))
        return false;
    bp_time end = p->moved + peer->rtt_ms / 8;
    if (end > p->now) bp_wake_at(p, end);
    return end > p->now;
}

#define CRUMBS 8 /* blocks that are worth a request, if there are so many */

/* What is wanted is shared by those that are not much farther than one. */
#define NEAR_TIMES 4
#define NEAR_MS    50

/* Those of the free peers not marked that would answer next: the first, and how
   many are about as near. BP_NIL: there is none, or it is worth waiting for. */
static uint32_t next_server(struct bp_pool *p, const bool *marked,
                            uint32_t *n_near) {
    uint32_t best = BP_NIL;
    uint64_t soonest = 0;
    uint32_t n = wanted(p) < CRUMBS ? wanted(p) : CRUMBS;
    for (uint32_t i = 0; i < p->n_peers; i++) {
        const struct bp_peer *peer = &p->peer[i];
        if (marked[i] || !can_serve(p, peer)) continue;
        uint64_t ms = bp_soon(p, peer, n);
        if (best != BP_NIL && ms >= soonest) continue;
        best = i;
        soonest = ms;
    }
    if (best != BP_NIL && waits_for_room(p, &p->peer[best])) return BP_NIL;
    *n_near = 1;
    for (uint32_t i = 0; i < p->n_peers && best != BP_NIL; i++)
        *n_near += i != best && !marked[i] && can_serve(p, &p->peer[i]) &&
                   bp_soon(p, &p->peer[i], n) <= NEAR_TIMES * soonest + NEAR_MS;
    return best;
}

/* An even share of what is wanted, but no crumbs. */
static uint32_t share(const struct bp_pool *p, const struct bp_peer *peer,
                      uint32_t n_near) {
    uint32_t most = bp_estimate_size(p, peer, BP_RATE_BLOCKS);
    uint32_t even = (wanted(p) + n_near - 1) / n_near;
    if (even < CRUMBS) even = CRUMBS;
    return even < most ? even : most;
}

/* All that is wanted is left to nearer peers. */
static bool all_left(const struct bp_pool *p, uint64_t left) {
    const struct bp_window *w = &p->window;
    return left >= w->wanted[BP_CLASS_BEST].n && w->failed == 0 &&
           wanted(p) == w->wanted[BP_CLASS_BEST].n;
}

static void ask_all(struct bp_pool *p) {
    bool *marked = p->marked;
    for (uint32_t i = 0; i < p->n_peers; i++) marked[i] = false;
    while (wanted(p) > 0) {
        uint32_t n_near, i = next_server(p, marked, &n_near);
        if (i == BP_NIL) return;
        uint32_t most = share(p, &p->peer[i], n_near);
        uint64_t left = bp_soon_left(p, i, most);
        if (all_left(p, left)) return; /* and to those still farther */
        struct bp_request *r = bp_request_new(p, i, BP_ASK_BODIES, 1);
        if (r == NULL) return;
        if (gather(p, r, most, left) == 0) {
            bp_request_close(p, r);
            p->stat.requests--;
            marked[i] = true;
            continue;
        }
        r->due =
            bp_estimate_deadline(p, &p->peer[i], BP_RATE_BLOCKS, r->n_wants);
        push_ask(p, r);
    }
}

/* ---- the one that blocks everything -------------------------------------- */

/* The slot of the lowest missing block of the heaviest branch that is deserted,
   or that is not; BP_NIL: it has none. */
static uint32_t lowest_of(const struct bp_pool *p, bool deserted) {
    const struct bp_forest *f = &p->forest;
    for (uint32_t i = 0; i < f->n_order; i++) {
        uint32_t id = f->order[i];
        if (bp_window_deserted(p, id) != deserted) continue;
        const struct bp_section *s = bp_section_at(f, id);
        bp_ref ref = bp_section_link(f, id, bp_section_bottom(s));
        for (; ref != BP_NIL; ref = bp_link_newer(f, ref)) {
            const struct bp_plink *l = bp_link_at(f, ref);
            if (bp_link_bodiless(l)) continue;
            if (l->slot == BP_NIL) return BP_NIL;
            if (bp_slot_at(p, l->slot)->state != BP_SLOT_HERE) return l->slot;
        }
    }
    return BP_NIL;
}

uint32_t bp_window_lowest(const struct bp_pool *p) {
    uint32_t id = lowest_of(p, false);
    return id != BP_NIL ? id : lowest_of(p, true);
}

/* The lowest of the blocks of lists that is asked for: of those that are needed
   next, or also of those that lists go on with. */
static uint32_t lowest_listed(const struct bp_pool *p, bool roots) {
    uint32_t lowest = BP_NIL;
    for (uint32_t i = 0; i < p->window.slots.used; i++) {
        const struct bp_slot *s = bp_table_get(&p->window.slots, i);
        if (s == NULL || s->link != BP_NIL || s->only_owner ||
            s->state != BP_SLOT_ASKED)
            continue;
        if (s->rank != BP_CLASS_BEST && !(roots && s->root)) continue;
        if (lowest == BP_NIL || s->number < bp_slot_at(p, lowest)->number)
            lowest = i;
    }
    return lowest;
}

/* Another is asked for it too if it needs so many times less, and so much less,
   than the first still takes. */
#define HEDGE_TIMES 5
#define HEDGE_MS    50

/* Who of the others would bring the block first, and in how many ms; BP_NIL:
   none is free. */
static uint32_t second_server(struct bp_pool *p, uint32_t id,
                              const struct bp_request *first, uint64_t *ms) {
    const struct bp_slot *s = bp_slot_at(p, id);
    /* Who failed it as well, but not again and again: liars would pass it on
       beside one another, and nobody would have his turn. */
    bool once = s->beside == 0 || (first->hedge && s->beside == 1);
    uint32_t best = BP_NIL;
    for (uint32_t i = 0; i < p->n_peers; i++) {
        const struct bp_peer *peer = &p->peer[i];
        if (i == first->peer || !can_serve(p, peer)) continue;
        if (!bp_slot_may_hedge(p, s, peer, once)) continue;
        uint64_t soon = bp_soon(p, peer, 1);
        if (best != BP_NIL && soon >= *ms) continue;
        best = i;
        *ms = soon;
    }
    return best;
}

/* The first takes long: half its deadline is over, or, while nothing can be
   inserted, another would bring it in a small part of the time. */
static bool is_long(struct bp_pool *p, const struct bp_request *first,
                    uint64_t ms) {
    if (bp_request_half(first) <= p->now) return true;
    if (bp_inserting(p)) return false;
    const struct bp_peer *peer = &p->peer[first->peer];
    uint64_t least = HEDGE_TIMES * ms + HEDGE_MS;
    bool far = bp_estimate_blocks(p, peer, 1) >= HEDGE_TIMES * ms;
    bool overdue = first->ready <= p->now;
    if ((far || overdue) && bp_soon_rest(p, first->ready) >= least) return true;
    bp_wake_at(p, first->ready + least);
    return false;
}

/* Blocks of lists are looked through one by one: where there are many, only
   when nothing came for a while. */
static bool worth_a_scan(struct bp_pool *p) {
    if (p->window.bare.n == 0) return false;
    bp_time still = p->moved + BP_BACKOFF_MS;
    if (still > p->now) bp_wake_at(p, still);
    return still <= p->now || p->window.slots.n <= 256;
}

/* Asks a second peer for it when the first takes long; false: not now. */
static bool hedge_one(struct bp_pool *p, uint32_t id, bool half) {
    const struct bp_slot *s = bp_slot_at(p, id);
    if (s->state != BP_SLOT_ASKED || s->req[0] == 0 || s->req[1] != 0)
        return false;
    struct bp_request *first = bp_request_find(p, s->req[0]);
    if (first == NULL || first->state != BP_REQ_OUT || s->beside > BP_LACKS ||
        (half && bp_request_half(first) > p->now))
        return false;
    uint64_t ms = 0;
    uint32_t place = second_server(p, id, first, &ms);
    if (place == BP_NIL || !is_long(p, first, ms)) return false;
    struct bp_request *r = bp_request_new(p, place, BP_ASK_BODIES, 1);
    if (r == NULL) return false;
    bp_slot_ask(p, id, r->id);
    r->wants[r->n_wants++] = id;
    r->hedge = true;
    bp_slot_at(p, id)->beside++;
    first->hedged = true;
    push_ask(p, r);
    return true;
}

/* The one that the best branch waits for; at half a deadline also the next of
   each rival, for nobody may have what the best one lacks. */
static void hedge(struct bp_pool *p) {
    bool half = p->half_due <= p->now;
    bp_forest_rank(&p->forest);
    if (p->n_peers < 2 || (!half && bp_inserting(p))) return;
    bool lacks = p->window.missing > 0 || bp_window_all_deserted(p);
    uint32_t id = lacks ? bp_window_lowest(p) : BP_NIL;
    if (id == BP_NIL && (half || worth_a_scan(p))) id = lowest_listed(p, half);
    if (id != BP_NIL && hedge_one(p, id, false)) return;
    for (uint32_t i = 0; half && i < p->forest.n_order; i++) {
        id = bp_window_next(p, p->forest.order[i]);
        if (id != BP_NIL && hedge_one(p, id, true)) return;
    }
}

static void schedule_retries(struct bp_pool *p) {
    struct bp_window *w = &p->window;
    if (w->retry_due > p->now) {
        if (wanted(p) > 0) bp_wake_at(p, w->retry_due);
        return;
    }
    w->retry_due = BP_TIME_NEVER;
    for (int k = 0; k < BP_CLASSES; k++)
        for (uint32_t id = w->wanted[k].head; id != BP_NIL;
             id = bp_slot_at(p, id)->next) {
            bp_time t = bp_slot_at(p, id)->retry;
            if (t > p->now && t < w->retry_due) w->retry_due = t;
        }
    bp_wake_at(p, w->retry_due);
}

void bp_window_schedule(struct bp_pool *p) {
    p->window.scans = 0;
    bp_window_open(p);
    bp_window_open_ahead(p);
    ask_all(p);
    bp_headers_ask(p);
    hedge(p);
    schedule_retries(p);
    bp_window_yield(p);
}

/* ---- what came ----------------------------------------------------------- */

static bool wants_body(const struct bp_pool *p, const struct bp_plink *l) {
    return l->slot != BP_NIL && bp_slot_at(p, l->slot)->state != BP_SLOT_HERE;
}

/* The body of a block whose link dangles counts among what is held ahead of
   time; beyond that share, where the window is more than half full, only its
   link is kept. */
static void keep_ahead(struct bp_pool *p, uint32_t id, bp_ref ref) {
    uint32_t section = bp_link_section(&p->forest, ref);
    const struct bp_slot *s = bp_slot_at(p, id);
    if (!s->root) return;
    if (bp_section_at(&p->forest, section)->connected) {
        bp_slot_promote(p, id, BP_CLASS_BEST);
        return;
    }
    bp_slot_promote(p, id, BP_CLASS_AHEAD);
    const struct bp_window *w = &p->window;
    bool much = w->bytes[BP_CLASS_AHEAD] > p->cfg.window_bytes / 4 ||
                w->n_ahead > w->slots.max / 4;
    if (much &&
        (w->used > p->cfg.window_bytes / 2 || w->slots.n > w->slots.max / 2))
        bp_release(p, bp_window_forget(p, bp_link_at(&p->forest, ref)));
}

/* A whole block of which only the hash was claimed: its link is proved now,
   and joins the forest. False if it could not be kept. */
static bool take_bare(struct bp_pool *p, uint32_t id, struct bp_delivery *b,
                      bp_by by) {
    uint64_t owner = bp_slot_at(p, id)->owner;
    struct bp_link link = b->link;
    bp_ref ref = BP_NIL;
    bool served =
        b->has_link && bp_trail_confirm(p, bp_slot_at(p, id), &b->link);
    if (b->has_link && bp_notice_confirm(p, &b->link))
        ref = bp_whole_graft(p, b, by);
    if (ref == BP_NIL) {
        struct bp_held held;
        if (bp_slot_find_bare(p, &b->hash) == id) bp_slot_drop_bare(p, id);
        if (bp_known_held(p, &b->hash, &held)) return false;
        if (!served) bp_trail_pause(p, owner);
        return false;
    }
    /* A header of its own that says the body is empty has ended the slot. */
    if (bp_link_at(&p->forest, ref)->slot != id) return false;
    bp_slot_fill(p, id, b->item, b->size, by);
    keep_ahead(p, id, ref);
    uint32_t section = bp_link_section(&p->forest, ref);
    if (!bp_section_at(&p->forest, section)->connected)
        bp_probe_one(p, &link, 1);
    return true;
}

/* The link of that hash; most likely that of this slot, or BP_NIL, which was
   asked for in its place. */
static bp_ref link_near(const struct bp_pool *p, const bp_hash *hash,
                        uint32_t slot) {
    if (slot != BP_NIL) {
        const struct bp_slot *s = bp_slot_at(p, slot);
        if (s->cell.live != 0 && s->link != BP_NIL &&
            bp_hash_eq(&bp_link_at(&p->forest, s->link)->hash, hash))
            return s->link;
    }
    return bp_link_find(&p->forest, hash);
}

static bool take_known(struct bp_pool *p, const struct bp_delivery *b, bp_by by,
                       uint32_t slot) {
    bp_ref ref = link_near(p, &b->hash, slot);
    if (ref == BP_NIL) return false;
    const struct bp_plink *l = bp_link_at(&p->forest, ref);
    if (!wants_body(p, l)) return false;
    /* Asked for when the header was here, which is gone since. */
    if ((l->flags & BP_PL_BARE) != 0 && !b->has_link) return false;
    bp_slot_fill(p, l->slot, b->item, b->size, by);
    return true;
}

/* Takes one block in, the answer to this slot perhaps; false if nobody wanted
   it. */
static bool take_block(struct bp_pool *p, const struct bp_delivery *got,
                       bp_by by, uint32_t slot) {
    uint32_t bare = got->matched ? bp_slot_find_bare(p, &got->hash) : BP_NIL;
    uint64_t header = got->has_link ? got->link.item : 0;
    bool taken;
    if (bare != BP_NIL) {
        struct bp_delivery b = *got;
        taken = take_bare(p, bare, &b, by);
        if (b.has_link) header = b.link.item;
    } else {
        taken = got->matched && take_known(p, got, by, slot);
        if (!taken && got->matched) p->stat.duplicates++;
    }
    if (!taken) bp_release(p, got->item);
    bp_release(p, header);
    return taken;
}

/* Only others list the block. */
static bool is_stray(const struct bp_pool *p, const struct bp_slot *s,
                     const struct bp_peer *peer) {
    return s->link == BP_NIL && s->owner != peer->serial &&
           !bp_slot_listed(p, s, peer);
}

/* The peer claimed it once, in a list that is gone. */
static bool is_stale(const struct bp_pool *p, const struct bp_slot *s,
                     const struct bp_peer *peer) {
    return bp_slot_hinted(s, peer) && !bp_slot_listed(p, s, peer);
}

static void note_one_missed(struct bp_pool *p, const struct bp_request *r,
                            uint32_t id) {
    struct bp_peer *peer = &p->peer[r->peer];
    const struct bp_slot *s = bp_slot_at(p, id);
    bool stale = is_stale(p, s, peer);
    if (is_stray(p, s, peer) && peer->strays < UINT8_MAX) peer->strays++;
    bp_window_missed(p, id, r);
    if (stale && bp_slot_idle(s, r->id)) bp_slot_drop_bare(p, id);
}

/* The reply may have ended where it was full: it is no smaller than half of the
   peer's largest, or had as many blocks as any. */
static bool may_be_full(struct bp_peer *peer, const struct bp_request *r,
                        size_t n) {
    if (r->bytes > peer->most_bytes) peer->most_bytes = r->bytes;
    if (n > peer->most_blocks) peer->most_blocks = (uint32_t)n;
    return r->bytes == 0 || 2 * r->bytes >= peer->most_bytes ||
           n >= peer->most_blocks;
}

/* What was asked and did not come. A server may stop where its reply is full,
   so only what it passed over is lacking; all of it when nothing came. But who
   puts something in front of a block each time does not keep it for ever. */
static void note_missed(struct bp_pool *p, const struct bp_request *r,
                        bool full) {
    uint32_t end = r->n_wants, got = 0;
    for (uint32_t i = 0; i < r->n_wants; i++)
        if (!bp_slot_asked_by(p, r->wants[i], r->id)) got = i + 1;
    if (got > 0 && full) end = got;
    for (uint32_t i = end; i < r->n_wants; i++)
        if (bp_slot_asked_by(p, r->wants[i], r->id) &&
            ++bp_slot_at(p, r->wants[i])->cuts > BP_CUTS)
            note_one_missed(p, r, r->wants[i]);
    struct bp_peer *peer = &p->peer[r->peer];
    bool own = false;    /* it lacks what it alone claims, */
    bool listed = false; /* … or what its lists say */
    for (uint32_t i = 0; i < end; i++) {
        if (!bp_slot_asked_by(p, r->wants[i], r->id)) continue;
        const struct bp_slot *s = bp_slot_at(p, r->wants[i]);
        own |= s->link == BP_NIL && s->only_owner && s->owner == peer->serial;
        listed |= bp_slot_listed(p, s, peer);
        note_one_missed(p, r, r->wants[i]);
    }
    if ((own || listed) && bp_trails_forsaken(p, r->peer)) return;
    if (listed) bp_trails_lack(p, r);
    if (own) bp_peer_failed(p, peer, BP_OFF_LACKING, NULL);
}

/* Something is asked by this request still: nobody else was faster. */
static bool is_vain(const struct bp_pool *p, const struct bp_request *r) {
    for (uint32_t i = 0; i < r->n_wants; i++)
        if (bp_slot_asked_by(p, r->wants[i], r->id)) return true;
    return false;
}

/* It is a fault only if the peer claimed to have it. */
static void gave_nothing(struct bp_pool *p, struct bp_peer *peer, bool sure) {
    if (!sure) return;
    bp_blame(p, peer->by, BP_OFF_EMPTY, 0, NULL, 0, false);
    if (peer->body_retry > p->now) return; /* asked for before the pause */
    peer->body_retry = p->now + bp_backoff_ms(peer->body_fails++, 6);
}

static void close_bodies(struct bp_pool *p, struct bp_request *r, size_t n,
                         bool useful) {
    struct bp_peer *peer = &p->peer[r->peer];
    bp_estimate_reply(p, peer, r, n);
    if (!useful && is_vain(p, r)) bp_peer_lacked(peer);
    note_missed(p, r, may_be_full(peer, r, n));
    if (n == 0 && r->n_wants > 0) gave_nothing(p, peer, r->sure);
    if (useful) {
        peer->body_fails = 0;
        peer->lacked = 0;
        for (int k = 0; k < BP_TRAILS; k++) peer->trail[k].fails = 0;
        peer->progress = p->now;
        /* It does not make up for a head that it lacks. */
        if (peer->last_fault == BP_OFF_LATE || peer->fails == 0)
            bp_peer_helped(p, peer);
    }
    bp_request_close(p, r);
}

/* In the chain, in the pool, or wanted; or matched with a header that was asked
   for with it. */
static bool heard_of(const struct bp_pool *p, const struct bp_delivery *b) {
    struct bp_held held;
    if (!b->matched) return false;
    return !b->has_link || b->known.held ||
           bp_link_find(&p->forest, &b->hash) != BP_NIL ||
           bp_slot_find_bare(p, &b->hash) != BP_NIL ||
           bp_known_held(p, &b->hash, &held) ||
           bp_hashset_find(&p->bad, &b->hash) != BP_NIL;
}

/* A reply to what was never asked; late ones are none, nor are known blocks. */
static void warn_unrequested(struct bp_pool *p, bp_by by,
                             const struct bp_ev_blocks *ev) {
    if (bp_request_issued(p, ev->request)) return;
    for (size_t i = 0; i < ev->n; i++) {
        const struct bp_delivery *b = &ev->blocks[i];
        if (heard_of(p, b)) continue;
        bp_blame(p, by, BP_OFF_UNREQUESTED, 0, b->matched ? &b->hash : NULL, 0,
                 false);
        return;
    }
}

/* It has what only others list, as it seems. */
static void note_stray(struct bp_pool *p, const struct bp_delivery *b,
                       uint32_t place) {
    struct bp_peer *peer = place != BP_NIL ? &p->peer[place] : NULL;
    if (peer == NULL || peer->strays == 0 || !b->matched) return;
    uint32_t id = bp_slot_find_bare(p, &b->hash);
    if (id != BP_NIL && is_stray(p, bp_slot_at(p, id), peer)) peer->strays = 0;
}

void bp_on_blocks(struct bp_pool *p, const struct bp_ev_blocks *ev) {
    struct bp_request *r = bp_request_find(p, ev->request);
    if (r != NULL && (p->peer[r->peer].id != ev->peer ||
                      bp_ask_rate(r->ask) != BP_RATE_BLOCKS)) {
        bp_request_spoiled(p, r, ev->peer);
        r = NULL;
    }
    uint32_t place = bp_peer_find(p, ev->peer);
    bp_by by = place != BP_NIL ? p->peer[place].by : 0;
    bool useful = false, mismatch = false;
    warn_unrequested(p, by, ev);
    for (size_t i = 0; i < ev->n; i++) {
        uint32_t slot = r != NULL && i < r->n_wants ? r->wants[i] : BP_NIL;
        note_stray(p, &ev->blocks[i], place);
        if (take_block(p, &ev->blocks[i], by, slot)) {
            useful = true;
            if (place != BP_NIL) p->peer[place].blocks_given++;
        }
        mismatch |= !ev->blocks[i].matched;
    }
    if (r != NULL) {
        if (ev->n > r->count)
            bp_blame(p, by, BP_OFF_TOO_MUCH, 0, NULL, 0, true);
        else if (mismatch)
            bp_blame(p, by, BP_OFF_BODY_MISMATCH, 0, NULL, 0, true);
        close_bodies(p, r, ev->n, useful);
    }
    bp_window_trim(p);
}
