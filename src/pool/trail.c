/* trail: peers that answer with bare hashes.

   A peer's head block comes first; its parent hash tells whether the first
   list is one. The next list is asked at once, with the last block of this one
   (its root) beside it, whose parent must be the first hash of the next. At
   most BP_UNCONFIRMED lists hang in the air. When the lists reach something
   known, their blocks are fetched upward, from whoever has them, and each must
   stand on the next hash, or the list is refuted.

        head block  --> [ h1 h2 … root ] --> [ … root ] --> known
                                  |             |
                                block         block    (confirm the next list)

   A trail is a hint: it counts as no work, splits no section, and stops no
   other peer's. What comes from it are blocks, and those are links. */
#include <assert.h>

#include "pool/state.h"

uint32_t bp_pages_max(const struct bp_pool_config *c) {
    uint64_t n = c->links_max / 2 / BP_PAGE_HASHES;
    return n < 16 ? 16 : (uint32_t)n;
}

static struct bp_page *page_at(const struct bp_pool *p, uint32_t id) {
    return bp_table_at(&p->pages, id);
}

/* ---- pages -------------------------------------------------------------- */

static void page_free(struct bp_pool *p, struct bp_trail *t, uint32_t id) {
    struct bp_page *page = page_at(p, id);
    if (page->newer != BP_NIL)
        page_at(p, page->newer)->older = page->older;
    else
        t->newest = page->older;
    if (page->older != BP_NIL)
        page_at(p, page->older)->newer = page->newer;
    else
        t->oldest = page->newer;
    t->n_pages--;
    bp_table_give(&p->pages, id);
}

static void trail_free(struct bp_pool *p, struct bp_trail *t) {
    while (t->live && t->newest != BP_NIL) page_free(p, t, t->newest);
    *t = (struct bp_trail){ .newest = BP_NIL, .oldest = BP_NIL };
}

/* Others may have skipped what this one wanted: they look again. */
static void rescan(struct bp_pool *p) {
    for (uint32_t i = 0; i < p->n_peers; i++)
        for (int k = 0; k < BP_TRAILS; k++) p->peer[i].trail[k].want_next = 0;
}

void bp_trails_free(struct bp_pool *p, uint32_t peer, bool gone) {
    struct bp_peer *who = &p->peer[peer];
    for (int k = 0; k < BP_TRAILS; k++) trail_free(p, &who->trail[k]);
    if (!who->hints && !gone) return;
    who->hints = false;
    for (uint32_t i = 0; i < p->window.slots.used; i++) {
        const struct bp_slot *s = bp_table_get(&p->window.slots, i);
        if (s != NULL && s->link == BP_NIL && s->owner == who->serial &&
            (gone || !s->announced))
            bp_slot_drop_bare(p, i);
    }
    rescan(p);
}

bool bp_trails_forsaken(struct bp_pool *p, uint32_t peer) {
    const struct bp_peer *who = &p->peer[peer];
    bool forsaken = false;
    for (int k = 0; k < BP_TRAILS; k++)
        forsaken |= who->trail[k].live &&
                    !bp_hash_eq(&who->trail[k].head, &who->info.claim.head);
    if (forsaken) bp_trails_free(p, peer, false);
    return forsaken;
}

/* The hash that a trail has at this number, or NULL. */
static const bp_hash *hash_at(const struct bp_pool *p, const struct bp_trail *t,
                              uint64_t number) {
    for (uint32_t id = t->oldest; id != BP_NIL; id = page_at(p, id)->newer) {
        const struct bp_page *page = page_at(p, id);
        if (number > page->top) continue;
        uint64_t k = page->top - number;
        return k < page->n ? &page->hash[k] : NULL;
    }
    return NULL;
}

void bp_trails_held(struct bp_pool *p, const bp_hash *hash, uint64_t number) {
    for (uint32_t i = 0; i < p->n_peers; i++)
        for (int k = 0; k < BP_TRAILS; k++) {
            struct bp_trail *t = &p->peer[i].trail[k];
            const bp_hash *h = t->live ? hash_at(p, t, number) : NULL;
            if (h != NULL && bp_hash_eq(h, hash) && number >= t->floor)
                t->floor = number + 1;
        }
}

/* ---- confirming --------------------------------------------------------- */

static uint32_t place_of_serial(const struct bp_pool *p, uint64_t serial) {
    for (uint32_t i = 0; i < p->n_peers; i++)
        if (p->peer[i].state == BP_PEER_LIVE && p->peer[i].serial == serial)
            return i;
    return BP_NIL;
}

void bp_trail_pause(struct bp_pool *p, uint64_t serial) {
    uint32_t place = place_of_serial(p, serial);
    if (place != BP_NIL) p->peer[place].retry = p->now + BP_BACKOFF_MS;
}

bool bp_trail_confirm(struct bp_pool *p, const struct bp_slot *s,
                      const struct bp_link *link) {
    uint32_t place = place_of_serial(p, s->owner);
    if (place == BP_NIL) return true; /* nobody stands for it any more */
    struct bp_peer *owner = &p->peer[place];
    for (int k = 0; k < BP_TRAILS; k++) {
        const struct bp_trail *t = &owner->trail[k];
        if (!t->live) continue;
        const bp_hash *here = hash_at(p, t, s->number);
        if (here == NULL || !bp_hash_eq(here, &s->hash)) continue;
        const bp_hash *next = hash_at(p, t, s->number - 1);
        bool holds = link->number == s->number &&
                     (next == NULL || bp_hash_eq(next, &link->parent));
        if (holds) continue;
        bp_blame(p, owner->by, BP_OFF_FORGED_LIST, 0, &s->hash, s->number,
                 true);
        return false;
    }
    return true;
}

/* Whether the list's root block came; then the next one must follow it. */
static bool confirmed(struct bp_pool *p, struct bp_page *page) {
    if (page->confirmed) return true;
    struct bp_held held;
    const bp_hash *root = &page->hash[page->n - 1];
    page->confirmed = bp_link_find(&p->forest, root) != BP_NIL ||
                      bp_known_held(p, root, &held);
    return page->confirmed;
}

/* ---- asking ------------------------------------------------------------- */

static bool may_ask(struct bp_pool *p, const struct bp_peer *peer) {
    if (peer->retry > p->now) {
        bp_wake_at(p, peer->retry);
        return false;
    }
    return bp_peer_free(p, peer, BP_RATE_HASHES);
}

static void want_root(struct bp_pool *p, struct bp_peer *peer,
                      const bp_hash *hash, uint64_t number) {
    if (bp_link_find(&p->forest, hash) != BP_NIL) return;
    uint32_t slot = bp_slot_find_bare(p, hash);
    if (slot != BP_NIL) {
        bp_slot_at(p, slot)->announced = false; /* it is claimed as well */
        /* Two claim it: either may be asked. */
        if (bp_slot_at(p, slot)->owner != peer->serial)
            bp_slot_anyone(p, slot);
        else
            peer->hints = true;
        return;
    }
    if (bp_slot_bare(p, hash, number, peer->serial, true, BP_CLASS_BEST) !=
        BP_NIL)
        peer->hints = true;
}

static void ask_hashes(struct bp_pool *p, uint32_t place,
                       const struct bp_trail *t) {
    struct bp_peer *peer = &p->peer[place];
    uint64_t count = bp_estimate_size(p, peer, BP_RATE_HASHES);
    if (count > t->end_number) count = t->end_number;
    if (count == 0) return;
    struct bp_request *r =
        bp_request_new(p, place, BP_ASK_HASHES, (uint32_t)count);
    if (r == NULL) return;
    r->origin = t->end;
    peer->tried = ++p->tick;
    struct bp_action *out = bp_actions_push(p, BP_ACT_ASK_HASHES);
    assert(out != NULL); /* bp_peer_free saw room */
    struct bp_act_ask_hashes *a = &out->u.ask_hashes;
    a->peer = peer->id;
    a->request = r->id;
    a->from = t->end;
    a->count = r->count;
    a->due = r->due;
    bp_trace(p, "peer %llu: ask %u hashes from %s",
             (unsigned long long)peer->id, a->count, bp_short(&a->from).text);
}

static uint32_t unconfirmed(struct bp_pool *p, const struct bp_trail *t) {
    uint32_t n = 0;
    for (uint32_t id = t->oldest; id != BP_NIL && n <= BP_UNCONFIRMED;
         id = page_at(p, id)->newer) {
        if (confirmed(p, page_at(p, id))) break;
        n++;
    }
    return n;
}

/* No peer may fill the table: half for the best, an eighth for others. */
static bool page_room(const struct bp_pool *p, uint32_t place,
                      const struct bp_trail *t) {
    uint32_t share = p->best == place ? 2 : 8;
    return p->pages.n < p->pages.max && t->n_pages < p->pages.max / share;
}

/* The newest lists are needed last. */
static void drop_newest(struct bp_pool *p, struct bp_trail *t) {
    uint32_t id = t->newest;
    if (id == BP_NIL || id == t->oldest) return;
    page_free(p, t, id);
}

/* The hash of the lowest link of a section that is not condensed there. */
static const bp_hash *root_bottom(const struct bp_pool *p,
                                  const struct bp_section *s) {
    const struct bp_stretch *st = bp_stretch_at(&p->forest, s->oldest);
    const struct bp_chunk *c = bp_chunk_at(&p->forest, st->chunk);
    return &c->link[c->number0 - st->top + st->n - 1].hash;
}

/* ---- following ----------------------------------------------------------- */

/* Where the peer's head stands: its link, and the dangling root below it. */
struct standing {
    bp_ref head;
    uint32_t root; /* BP_NIL: the head is missing, or connected */
};

static struct standing standing_of(const struct bp_pool *p,
                                   const bp_hash *head) {
    const struct bp_forest *f = &p->forest;
    struct standing st = { bp_link_find(f, head), BP_NIL };
    if (st.head == BP_NIL) return st;
    uint32_t root = bp_section_root(f, bp_link_section(f, st.head));
    if (!bp_section_at(f, root)->connected) st.root = root;
    return st;
}

static void begin(struct bp_pool *p, struct bp_trail *t, const bp_hash *head,
                  uint32_t root) {
    const struct bp_section *s = bp_section_at(&p->forest, root);
    bp_ref bottom = bp_section_link(&p->forest, root, bp_section_bottom(s));
    if (bottom == BP_NIL) return; /* condensed */
    *t = (struct bp_trail){ .live = true,
                            .head = *head,
                            .end = bp_link_at(&p->forest, bottom)->hash,
                            .end_number = bp_section_bottom(s),
                            .newest = BP_NIL,
                            .oldest = BP_NIL };
}

/* What is below this root is the next of another trail of the peer. */
static bool covered(const struct bp_pool *p, const struct bp_peer *peer,
                    const struct bp_section *root) {
    for (int k = 0; k < BP_TRAILS; k++) {
        const struct bp_trail *t = &peer->trail[k];
        if (!t->live) continue;
        if (!t->complete && bp_hash_eq(&t->end, root_bottom(p, root)))
            return true;
        const bp_hash *h = hash_at(p, t, bp_section_bottom(root) - 1);
        if (h != NULL && bp_hash_eq(h, &root->below)) return true;
    }
    return false;
}

static void go_on_below(const struct bp_pool *p, struct bp_trail *t,
                        const struct bp_section *root) {
    t->complete = false;
    t->end = *root_bottom(p, root);
    t->end_number = bp_section_bottom(root);
    t->want_next = 0;
}

/* A trail that ended at something known which then turned out to dangle, or
   whose upper lists were dropped, goes on from the root of what there is. */
static void reopen(struct bp_pool *p, struct bp_peer *peer, struct bp_trail *t,
                   uint32_t root) {
    const struct bp_section *s = bp_section_at(&p->forest, root);
    if (!t->complete || covered(p, peer, s)) return;
    bp_hash head = t->head;
    if (t->n_pages > 0 && bp_section_bottom(s) > t->end_number) return;
    if (t->n_pages == 0) {
        trail_free(p, t);
        begin(p, t, &head, root);
        return;
    }
    go_on_below(p, t, s);
}

/* The trail of the peer's head, begun if there is none. An older one that is
   still being followed stays: most new heads stand on it. */
static struct bp_trail *trail_for(struct bp_pool *p, struct bp_peer *peer,
                                  uint32_t root) {
    const bp_hash *head = &peer->info.claim.head;
    for (int k = 0; k < BP_TRAILS; k++) {
        struct bp_trail *t = &peer->trail[k];
        if (t->live && bp_hash_eq(&t->head, head)) return t;
    }
    struct bp_trail *t = &peer->trail[peer->trail[0].live ? 1 : 0];
    trail_free(p, t);
    begin(p, t, head, root);
    return t->live ? t : NULL;
}

/* Something connected waits for bodies: it comes first. */
static bool connected_lacks(const struct bp_pool *p) {
    const struct bp_forest *f = &p->forest;
    for (uint32_t i = 0; i < f->n_order; i++) {
        const struct bp_section *s = bp_section_at(f, f->order[i]);
        if (s->want_next <= s->top) return true;
    }
    return false;
}

/* Wants the blocks of a complete trail, lowest first. */
static void want_blocks(struct bp_pool *p, struct bp_peer *peer,
                        struct bp_trail *t) {
    enum bp_class room = connected_lacks(p) ? BP_CLASS_RIVAL : BP_CLASS_BEST;
    struct bp_held held;
    if (p->full_until > p->now) {
        bp_wake_at(p, p->full_until);
        return;
    }
    if (t->want_next < t->floor) t->want_next = t->floor;
    for (uint32_t id = t->oldest; id != BP_NIL; id = page_at(p, id)->newer) {
        const struct bp_page *page = page_at(p, id);
        uint64_t low = page->top - page->n + 1;
        if (t->want_next < low) t->want_next = low;
        for (; t->want_next <= page->top; t->want_next++) {
            const bp_hash *hash = &page->hash[page->top - t->want_next];
            uint32_t bare = bp_slot_find_bare(p, hash);
            if (bare != BP_NIL) bp_slot_anyone(p, bare);
            if (bare != BP_NIL || bp_link_find(&p->forest, hash) != BP_NIL ||
                bp_known_held(p, hash, &held))
                continue;
            if (!bp_window_has_room(p, room)) return;
            if (bp_slot_bare(p, hash, t->want_next, peer->serial, false,
                             room) == BP_NIL)
                return;
            peer->hints = true;
        }
    }
}

/* What is inserted needs no hint any more. */
static void shed(struct bp_pool *p, struct bp_trail *t) {
    struct bp_held held;
    while (t->oldest != BP_NIL) {
        const struct bp_page *page = page_at(p, t->oldest);
        if (page->top >= t->floor && (page->top > p->recent_top ||
                                      !bp_known_held(p, &page->hash[0], &held)))
            return;
        page_free(p, t, t->oldest);
    }
}

/* The block at the end of the lists came, and what it stands on is known. */
static bool landed(const struct bp_pool *p, const struct bp_trail *t) {
    const struct bp_forest *f = &p->forest;
    struct bp_held held;
    bp_ref ref = bp_link_find(f, &t->end);
    if (ref == BP_NIL) return bp_known_held(p, &t->end, &held);
    uint32_t root = bp_section_root(f, bp_link_section(f, ref));
    const struct bp_section *s = bp_section_at(f, root);
    return s->connected || bp_section_bottom(s) < t->end_number;
}

static void completed(struct bp_trail *t, const bp_hash *base,
                      uint64_t number) {
    t->complete = true;
    t->based = false;
    t->base = *base;
    t->base_number = number;
}

/* Whether what a complete trail stands on is connected: only then its blocks
   are worth their room. What it stood on may be gone again: then the lists go
   on. */
static bool based(struct bp_pool *p, const struct bp_peer *peer,
                  struct bp_trail *t) {
    const struct bp_forest *f = &p->forest;
    struct bp_held held;
    if (t->based) return true;
    bp_ref ref = bp_link_find(f, &t->base);
    if (ref != BP_NIL) {
        uint32_t root = bp_section_root(f, bp_link_section(f, ref));
        const struct bp_section *s = bp_section_at(f, root);
        t->based = s->connected;
        if (!t->based && !covered(p, peer, s)) go_on_below(p, t, s);
        return t->based;
    }
    t->based = bp_known_held(p, &t->base, &held);
    if (t->based) return true;
    for (int k = 0; k < BP_TRAILS; k++) {
        const struct bp_trail *o = &peer->trail[k];
        const bp_hash *h =
            o != t && o->live ? hash_at(p, o, t->base_number) : NULL;
        if (h != NULL && bp_hash_eq(h, &t->base)) return false;
    }
    t->complete = false;
    return false;
}

/* `walk`: it may be asked for the next list. */
static void follow(struct bp_pool *p, uint32_t place, struct bp_trail *t,
                   bool walk) {
    struct bp_peer *peer = &p->peer[place];
    if (!t->complete && landed(p, t)) completed(t, &t->end, t->end_number);
    if (t->complete && based(p, peer, t)) {
        uint32_t before = t->n_pages;
        shed(p, t);
        if (before > 0 && t->n_pages == 0)
            bp_wake_at(p, p->now); /* upper lists may be missing */
        want_blocks(p, peer, t);
    }
    if (t->complete) return;
    if (!walk || unconfirmed(p, t) >= BP_UNCONFIRMED || !may_ask(p, peer))
        return;
    if (!page_room(p, place, t)) drop_newest(p, t);
    if (page_room(p, place, t)) ask_hashes(p, place, t);
}

static void pursue(struct bp_pool *p, uint32_t place, bool walk) {
    struct bp_peer *peer = &p->peer[place];
    const bp_hash *head = &peer->info.claim.head;
    struct standing st = standing_of(p, head);
    if (st.head == BP_NIL) {
        /* Not known yet where it belongs: any number will do. */
        if (peer->retry <= p->now)
            want_root(p, peer, head, peer->has_top ? peer->top : 0);
        else
            bp_wake_at(p, peer->retry);
    } else if (st.root != BP_NIL) {
        struct bp_trail *t = trail_for(p, peer, st.root);
        if (t != NULL) reopen(p, peer, t, st.root);
    }
    for (int k = 0; k < BP_TRAILS; k++)
        if (peer->trail[k].live) follow(p, place, &peer->trail[k], walk);
}

/* It has a trail that goes on. */
static bool walks(const struct bp_peer *peer) {
    for (int k = 0; k < BP_TRAILS; k++)
        if (peer->trail[k].live && !peer->trail[k].complete) return true;
    return false;
}

/* The bare peer, other than the best, that waits longest for its next list
   and may be asked; BP_NIL: none. */
static uint32_t longest_waiting(const struct bp_pool *p) {
    uint32_t next = BP_NIL;
    for (uint32_t i = 0; i < p->n_peers; i++) {
        const struct bp_peer *peer = &p->peer[i];
        if (i == p->best || !bp_peer_bare(peer) ||
            !bp_peer_candidate(p, peer) || peer->retry > p->now ||
            !bp_peer_free(p, peer, BP_RATE_HASHES) || !walks(peer))
            continue;
        if (next == BP_NIL || peer->tried < p->peer[next].tried) next = i;
    }
    return next;
}

/* Every head is fetched; lists are asked of the best, and of some of the
   others in turns. */
void bp_trails_schedule(struct bp_pool *p) {
    if (p->forest.dropped) rescan(p);
    p->forest.dropped = false;
    uint32_t walking = 0;
    for (uint32_t i = 0; i < p->n_peers; i++) {
        struct bp_peer *peer = &p->peer[i];
        if (peer->state != BP_PEER_LIVE || !bp_peer_bare(peer)) continue;
        if (!bp_peer_candidate(p, peer)) {
            bp_trails_free(p, i, false);
            continue;
        }
        pursue(p, i, i == p->best);
        if (i != p->best && peer->out[BP_RATE_HASHES] > 0) walking++;
    }
    for (; walking < BP_CHALLENGERS; walking++) {
        uint32_t i = longest_waiting(p);
        if (i == BP_NIL) return;
        uint64_t before = p->tick;
        pursue(p, i, true);
        if (p->tick == before) p->peer[i].tried = ++p->tick;
    }
}

/* ---- what came ----------------------------------------------------------- */

static struct bp_trail *trail_at(struct bp_peer *peer, const bp_hash *end) {
    for (int k = 0; k < BP_TRAILS; k++) {
        struct bp_trail *t = &peer->trail[k];
        if (t->live && !t->complete && bp_hash_eq(&t->end, end)) return t;
    }
    return NULL;
}

/* The hash that a list after `end` must begin with, or NULL if not known. */
static const bp_hash *expected(const struct bp_pool *p, const bp_hash *end) {
    bp_ref ref = bp_link_find(&p->forest, end);
    return ref != BP_NIL ? bp_link_parent(&p->forest, ref) : NULL;
}

/* How many hashes come before the first that is known; *reached if there is
   one, or the same peer's older trail goes on from there. */
static size_t unknown_hashes(const struct bp_pool *p,
                             const struct bp_peer *peer,
                             const struct bp_trail *t,
                             const struct bp_ev_hashes *ev, bool *reached) {
    struct bp_held held;
    *reached = true;
    for (size_t i = 0; i < ev->n; i++) {
        const bp_hash *h = &ev->hashes[i];
        if (i == ev->held_at || bp_link_find(&p->forest, h) != BP_NIL ||
            bp_known_held(p, h, &held))
            return i;
        for (int k = 0; k < BP_TRAILS; k++) {
            const struct bp_trail *o = &peer->trail[k];
            if (o == t || !o->live) continue;
            const bp_hash *same = hash_at(p, o, t->end_number - 1 - i);
            if (same != NULL && bp_hash_eq(same, h)) return i;
        }
    }
    *reached = false;
    return ev->n;
}

static bool append(struct bp_pool *p, struct bp_trail *t, const bp_hash *hashes,
                   size_t n) {
    uint32_t id = bp_table_take(&p->pages);
    if (id == BP_NIL) return false;
    struct bp_page *page = page_at(p, id);
    page->newer = t->oldest;
    page->older = BP_NIL;
    if (t->oldest != BP_NIL)
        page_at(p, t->oldest)->older = id;
    else
        t->newest = id;
    t->oldest = id;
    t->n_pages++;
    page->top = t->end_number - 1;
    page->n = (uint32_t)n;
    for (size_t i = 0; i < n; i++) page->hash[i] = hashes[i];
    t->end = hashes[n - 1];
    t->end_number = page->top - (n - 1);
    return true;
}

static void take_list(struct bp_pool *p, struct bp_peer *peer,
                      struct bp_trail *t, const struct bp_ev_hashes *ev) {
    bool reached;
    size_t n = unknown_hashes(p, peer, t, ev, &reached);
    for (size_t i = 0; i < n; i += BP_PAGE_HASHES) {
        size_t k = n - i < BP_PAGE_HASHES ? n - i : BP_PAGE_HASHES;
        if (!append(p, t, ev->hashes + i, k)) {
            p->stat.refused += n - i;
            return;
        }
        want_root(p, peer, &t->end, t->end_number);
    }
    bp_moved(p);
    if (n > 0 || reached) bp_peer_helped(p, peer);
    if (!reached) return;
    completed(t, &ev->hashes[n], t->end_number - 1);
    if (ev->held_at == n) {
        t->based = true;
        bp_hash_held(p, &ev->hashes[n], &ev->held);
    }
}

void bp_on_hashes(struct bp_pool *p, const struct bp_ev_hashes *ev) {
    struct bp_request *r = bp_request_find(p, ev->request);
    if (r == NULL || p->peer[r->peer].id != ev->peer ||
        r->ask != BP_ASK_HASHES) {
        bp_request_spoiled(p, r, ev->peer);
        return; /* nobody asked: nothing is built */
    }
    struct bp_peer *peer = &p->peer[r->peer];
    struct bp_trail *t = trail_at(peer, &r->origin);
    bp_estimate_reply(p, peer, r, ev->n);
    uint32_t count = r->count;
    bp_request_close(p, r);
    struct bp_ev_hashes list = *ev;
    list.held_at = bp_held_at(ev->held_at, ev->n, &ev->held);
    if (t != NULL && list.n > 0 && bp_hash_eq(&list.hashes[0], &t->end)) {
        list.hashes++; /* some include the asked one */
        list.n--;
        count--;
        if (list.held_at != BP_NONE) list.held_at--;
    }
    if (list.n > count) {
        bp_blame(p, peer->by, BP_OFF_TOO_MUCH, 0, NULL, 0, true);
        return;
    }
    if (t == NULL) return; /* asked for a trail that is over */
    if (list.n == 0) {
        bp_hash end = t->end;
        if (!bp_trails_forsaken(p, (uint32_t)(peer - p->peer)))
            bp_peer_failed(p, peer, BP_OFF_EMPTY, &end);
        return;
    }
    const bp_hash *first = expected(p, &t->end);
    if (first != NULL && !bp_hash_eq(first, &list.hashes[0])) {
        bp_blame(p, peer->by, BP_OFF_FORGED_LIST, 0, &t->end, t->end_number,
                 true);
        return;
    }
    take_list(p, peer, t, &list);
}
