/* trail: peers that answer with bare hashes.

   What such a peer is asked next is looked up, not remembered: from its head
   downward, over sections of the forest where there are links, over its own
   lists (pages) where there are only claims, until something connected is
   reached, or the lists end.

        head block  --> [ h1 h2 … root ] --> [ … root ] --> connected
                                  |             |
                                block         block    (confirm the next list)

   The next list is asked at once, with the last block of this one (its root)
   beside it, whose parent must be the first hash of the next. At most
   BP_UNCONFIRMED lists hang in the air. From connected ground the blocks are
   fetched upward, from whoever has them, and each must stand on the next hash,
   or the list is refuted.

   The place so found stays good while the forest only grows; when something
   of it is lost, it is looked up anew, and where something connects, the lists
   end there. A trail is a hint: it counts as no work, splits no section, and
   stops no other peer's. What comes from it are blocks, and those are links. */
#include <assert.h>

#include "pool/state.h"

static bool live(const struct bp_trail *t) {
    return t->state != BP_TRAIL_NONE;
}

/* Its start is connected: nothing is left to do. */
static bool finished(const struct bp_trail *t) {
    return t->state == BP_TRAIL_GROUNDED && t->page == BP_NIL;
}

void bp_trail_lose(const struct bp_pool *p, struct bp_trail *t) {
    t->seen = p->forest.losses - 1;
}

static void begin(struct bp_pool *p, struct bp_trail *t, const bp_hash *head) {
    *t = (struct bp_trail){ .state = BP_TRAIL_HEADLESS,
                            .head = *head,
                            .start = *head,
                            .page = BP_NIL };
    bp_trail_lose(p, t);
}

void bp_trails_free(struct bp_pool *p, uint32_t peer, bool gone) {
    struct bp_peer *who = &p->peer[peer];
    while (who->first_page != BP_NIL) bp_page_free(p, who, who->first_page);
    for (int k = 0; k < BP_TRAILS; k++)
        who->trail[k] = (struct bp_trail){ .page = BP_NIL };
    if (!who->hints && !gone) return;
    who->hints = false;
    for (uint32_t i = 0; i < p->window.slots.used; i++) {
        const struct bp_slot *s = bp_table_get(&p->window.slots, i);
        if (s != NULL && s->link == BP_NIL && s->owner == who->serial &&
            (gone || !s->announced))
            bp_slot_drop_bare(p, i);
    }
}

bool bp_trails_forsaken(struct bp_pool *p, uint32_t peer) {
    const struct bp_peer *who = &p->peer[peer];
    bool forsaken = false;
    for (int k = 0; k < BP_TRAILS; k++)
        forsaken |= live(&who->trail[k]) &&
                    !bp_hash_eq(&who->trail[k].head, &who->info.claim.head);
    if (forsaken) bp_trails_free(p, peer, false);
    return forsaken;
}

/* ---- where a trail is ---------------------------------------------------- */

static void forged(struct bp_pool *p, struct bp_peer *peer, const bp_hash *hash,
                   uint64_t number) {
    bp_blame(p, peer->by, BP_OFF_FORGED_LIST, 0, hash, number, true);
    bp_wake_at(p, p->now);
}

static const bp_hash *last_hash(const struct bp_pool *p, uint32_t id) {
    const struct bp_page *page = bp_page_at(p, id);
    return &page->hash[page->n - 1];
}

/* What its last hash stood on was connected, and is not any more. */
static bool came_loose(const struct bp_pool *p, uint32_t id) {
    bp_ref ref = bp_link_find(&p->forest, last_hash(p, id));
    if (ref == BP_NIL) return false;
    uint32_t section = bp_link_section(&p->forest, ref);
    return !bp_section_at(&p->forest, section)->connected;
}

/* Leads it over a page, from this number on. */
static void enter(struct bp_pool *p, struct bp_trail *t, uint32_t id,
                  uint64_t number) {
    struct bp_page *page = bp_page_at(p, id);
    if (page->grounded && came_loose(p, id)) page->grounded = false;
    if (t->page != id) { /* else it grew */
        page->newer = t->page;
        page->high = number;
    }
    t->page = id;
    t->end = page->hash[page->n - 1];
    t->end_number = page->top - (page->n - 1);
    if (page->grounded) t->state = BP_TRAIL_GROUNDED;
}

/* Down from a link over all that is known to be below it. False: this is as
   far as it goes. */
static bool jump(struct bp_pool *p, struct bp_peer *peer, struct bp_trail *t,
                 bp_ref ref) {
    const struct bp_forest *f = &p->forest;
    uint64_t number = bp_link_number(f, ref);
    if (t->numbered && number != t->end_number) {
        forged(p, peer, &t->end, t->end_number);
        return false;
    }
    if (!t->numbered) t->number = number;
    t->numbered = true;
    uint32_t root = bp_section_root(f, bp_link_section(f, ref));
    const struct bp_section *s = bp_section_at(f, root);
    if (s->connected) {
        t->state = BP_TRAIL_GROUNDED;
        return false;
    }
    uint64_t bottom = bp_section_bottom(s);
    if (t->state == BP_TRAIL_OPEN && bottom == t->end_number &&
        t->given == peer->pages_given)
        return false; /* as before */
    uint32_t id = bp_page_with(p, peer, t->page, bottom - 1, &s->below);
    bp_ref last = bp_section_link(f, root, bottom);
    if (id == BP_NIL && last == BP_NIL) /* condensed */
        id = bp_page_below(p, peer, t->page, bottom - 1, &s->below);
    if (id != BP_NIL) {
        enter(p, t, id, bottom - 1);
        return t->state != BP_TRAIL_GROUNDED;
    }
    t->end = last != BP_NIL ? bp_link_at(f, last)->hash : s->below;
    t->end_number = last != BP_NIL ? bottom : bottom - 1;
    t->state = BP_TRAIL_OPEN;
    t->given = peer->pages_given;
    return false;
}

/* Its lowest page ends where it does. */
static bool ends_in_page(const struct bp_pool *p, const struct bp_trail *t) {
    if (t->page == BP_NIL) return false;
    const struct bp_page *page = bp_page_at(p, t->page);
    return page->top - (page->n - 1) == t->end_number &&
           bp_hash_eq(last_hash(p, t->page), &t->end);
}

static void find_place(struct bp_pool *p, struct bp_peer *peer,
                       struct bp_trail *t) {
    struct bp_held held;
    if (t->seen != p->forest.losses) {
        t->seen = p->forest.losses;
        t->state = BP_TRAIL_HEADLESS;
        t->page = BP_NIL;
        t->end = t->start;
        t->end_number = t->number;
        t->want_next = 0;
        peer->littered = true;
    }
    while (t->state != BP_TRAIL_GROUNDED) {
        bp_ref ref = bp_link_find(&p->forest, &t->end);
        if (ref != BP_NIL) {
            if (!jump(p, peer, t, ref)) return;
            continue;
        }
        if (bp_known_held(p, &t->end, &held)) {
            t->state = BP_TRAIL_GROUNDED;
            return;
        }
        if (!t->numbered) return;
        bool ends = ends_in_page(p, t);
        uint32_t id = bp_page_below(p, peer, t->page, t->end_number, &t->end);
        if (id == BP_NIL && !ends)
            id = bp_page_with(p, peer, t->page, t->end_number, &t->end);
        if (id == BP_NIL) {
            t->state = BP_TRAIL_OPEN;
            return;
        }
        /* It has `end` itself, which lies below something condensed. */
        bool too = !ends && bp_page_at(p, id)->top >= t->end_number;
        enter(p, t, id, too ? t->end_number : t->end_number - 1);
    }
}

/* The links above its lists are lost: it goes on from the topmost of these, and
   what is above comes after. */
static void cut_to_pages(struct bp_pool *p, struct bp_peer *peer,
                         struct bp_trail *t) {
    uint32_t top = BP_NIL;
    for (uint32_t id = peer->first_page; id != BP_NIL;
         id = bp_page_at(p, id)->next)
        if (top == BP_NIL || bp_page_at(p, id)->top > bp_page_at(p, top)->top)
            top = id;
    if (top == BP_NIL) return;
    const struct bp_page *page = bp_page_at(p, top);
    /* Below something condensed a page begins with what it is from. */
    uint64_t above = bp_hash_eq(&page->from, &page->hash[0]) ? 0 : 1;
    if (page->top + above >= t->end_number) return;
    t->start = page->from;
    t->number = page->top + above;
    t->cut = true;
    bp_trail_lose(p, t);
    find_place(p, peer, t);
}

/* Brings `state`, `end` and `page` up to date. */
static void locate(struct bp_pool *p, struct bp_peer *peer,
                   struct bp_trail *t) {
    bool listed = t->page != BP_NIL;
    find_place(p, peer, t);
    if (listed && t->page == BP_NIL && t->state == BP_TRAIL_OPEN &&
        t == &peer->trail[0])
        cut_to_pages(p, peer, t);
}

/* Its blocks are claimed by that list no more; who lists them too wants them
   again. */
static void drop_hints(struct bp_pool *p, const struct bp_peer *peer,
                       const struct bp_page *page) {
    for (uint32_t i = 0; i < page->n; i++) {
        uint32_t id = bp_slot_find_bare(p, &page->hash[i]);
        if (id == BP_NIL) continue;
        const struct bp_slot *s = bp_slot_at(p, id);
        if (bp_slot_hinted(s, peer) && s->state == BP_SLOT_WANTED)
            bp_slot_drop_bare(p, id);
    }
}

/* Frees the lists that no trail leads over any more. */
static void sweep(struct bp_pool *p, struct bp_peer *peer) {
    if (!peer->littered) return;
    peer->littered = false;
    p->page_mark++;
    for (int k = 0; k < BP_TRAILS; k++) {
        const struct bp_trail *t = &peer->trail[k];
        for (uint32_t id = live(t) ? t->page : BP_NIL; id != BP_NIL;
             id = bp_page_at(p, id)->newer)
            bp_page_at(p, id)->mark = p->page_mark;
    }
    uint32_t next;
    for (uint32_t id = peer->first_page; id != BP_NIL; id = next) {
        next = bp_page_at(p, id)->next;
        if (bp_page_at(p, id)->mark == p->page_mark) continue;
        drop_hints(p, peer, bp_page_at(p, id));
        bp_page_free(p, peer, id);
    }
}

/* Two trails: that of the head, and that of an older one which is still being
   followed, for most new heads stand on it. */
static void aim(struct bp_pool *p, struct bp_peer *peer) {
    struct bp_trail *old = &peer->trail[0], *fresh = &peer->trail[1];
    const bp_hash *head = &peer->info.claim.head;
    if (!live(old)) begin(p, old, head);
    locate(p, peer, old);
    bool same = bp_hash_eq(&old->start, head);
    if (!same && old->cut && !finished(old)) {
        fresh->state = BP_TRAIL_NONE; /* what is above comes after */
        peer->littered = true;
        return;
    }
    if (!same && (!live(fresh) || !bp_hash_eq(&fresh->start, head)))
        begin(p, fresh, head);
    if (same || !live(fresh)) {
        fresh->state = BP_TRAIL_NONE;
        return;
    }
    locate(p, peer, fresh);
    bool meet = fresh->state == BP_TRAIL_OPEN && old->state == BP_TRAIL_OPEN &&
                bp_hash_eq(&fresh->end, &old->end);
    if (!meet && fresh->state != BP_TRAIL_GROUNDED && !finished(old)) return;
    *old = *fresh;
    fresh->state = BP_TRAIL_NONE;
    bp_trail_lose(p, old); /* they may have met */
    locate(p, peer, old);
}

/* ---- confirming --------------------------------------------------------- */

static void pause(const struct bp_pool *p, struct bp_trail *t) {
    t->retry = p->now + bp_probe_pause(p, t->fails++);
}

void bp_trail_pause(struct bp_pool *p, uint64_t serial) {
    struct bp_peer *peer = bp_peer_of(p, serial);
    if (peer == NULL || peer->state != BP_PEER_LIVE) return;
    for (int k = 0; k < BP_TRAILS; k++)
        peer->trail[k].retry = p->now + BP_BACKOFF_MS;
}

void bp_trails_lack(struct bp_pool *p, const struct bp_request *r) {
    struct bp_peer *peer = &p->peer[r->peer];
    for (int k = 0; k < BP_TRAILS; k++)
        if (peer->trail[k].state == BP_TRAIL_GROUNDED)
            pause(p, &peer->trail[k]);
    for (uint32_t i = 0; i < p->window.slots.used; i++) {
        const struct bp_slot *s = bp_table_get(&p->window.slots, i);
        if (s != NULL && bp_slot_hinted(s, peer) && bp_slot_idle(s, r->id))
            bp_slot_drop_bare(p, i);
    }
}

bool bp_trail_confirm(struct bp_pool *p, const struct bp_slot *s,
                      const struct bp_link *link) {
    struct bp_peer *owner = bp_peer_of(p, s->owner);
    if (owner == NULL || owner->state != BP_PEER_LIVE)
        return false; /* nobody stands for it any more */
    if (!bp_pages_confirm(p, owner, s->number, link))
        forged(p, owner, &s->hash, s->number);
    bool walks = false;
    for (int k = 0; k < BP_TRAILS; k++)
        walks |= owner->trail[k].state == BP_TRAIL_OPEN;
    return walks && s->root &&
           bp_page_with(p, owner, BP_NIL, s->number, &s->hash) != BP_NIL;
}

/* Looks which roots of a page came. */
static void confirm(const struct bp_pool *p, struct bp_page *page) {
    struct bp_held held;
    for (uint32_t k = page->n_roots; k-- > 0;) {
        const bp_hash *root = &page->hash[page->root[k]];
        if (bp_link_find(&p->forest, root) == BP_NIL &&
            !bp_known_held(p, root, &held))
            continue;
        bp_page_confirm(page, page->root[k]);
        return;
    }
}

/* ---- wanting ------------------------------------------------------------ */

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

/* Wants the roots of lists that hang in the air; how many there are. */
static uint32_t want_roots(struct bp_pool *p, struct bp_peer *peer,
                           const struct bp_trail *t) {
    uint32_t n = 0;
    for (uint32_t id = t->page; id != BP_NIL && n < BP_UNCONFIRMED;
         id = bp_page_at(p, id)->newer) {
        struct bp_page *page = bp_page_at(p, id);
        confirm(p, page);
        for (uint32_t k = 0; k < page->n_roots; k++)
            want_root(p, peer, &page->hash[page->root[k]],
                      page->top - page->root[k]);
        n += page->n_roots;
        if (page->confirmed) break;
    }
    return n;
}

/* Something connected waits for bodies: it comes first. */
static bool connected_lacks(struct bp_pool *p) {
    struct bp_forest *f = &p->forest;
    bp_forest_rank(f); /* a branch may have gone for want of room */
    for (uint32_t i = 0; i < f->n_order; i++) {
        const struct bp_section *s = bp_section_at(f, f->order[i]);
        if (s->want_next <= s->top && !bp_window_deserted(p, f->order[i]))
            return true;
    }
    return false;
}

/* The hash below that of a number of the page or one above, if it says. */
static const bp_hash *below_of(const struct bp_page *page, uint64_t number) {
    uint64_t k = page->top + 1 - number;
    return k < page->n ? &page->hash[k] : NULL;
}

/* A block that comes whole brings a link, which takes a place: it stands on
   what is below it there. One always gets in. */
static bool link_room(struct bp_pool *p, const bp_hash *below) {
    bp_ref ref = below != NULL ? bp_link_find(&p->forest, below) : BP_NIL;
    uint32_t asker = ref != BP_NIL ? bp_link_section(&p->forest, ref) : BP_NIL;
    uint32_t coming = p->window.bare.n - p->window.n_roots;
    return bp_room_for(p, asker, BP_CHUNK_MIN + coming) ||
           p->window.missing == 0;
}

/* Wants the blocks of lists that stand on something connected, lowest first. */
static void want_blocks(struct bp_pool *p, struct bp_peer *peer,
                        struct bp_trail *t) {
    enum bp_class room = connected_lacks(p) ? BP_CLASS_RIVAL : BP_CLASS_BEST;
    struct bp_held held;
    if (p->full_until > p->now) {
        bp_wake_at(p, p->full_until);
        return;
    }
    if (t->scanned != p->window.dropped) t->want_next = 0;
    t->scanned = p->window.dropped;
    for (uint32_t id = t->page; id != BP_NIL; id = bp_page_at(p, id)->newer) {
        const struct bp_page *page = bp_page_at(p, id);
        uint64_t low = page->top - (page->n - 1);
        if (t->want_next < low) t->want_next = low;
        for (; t->want_next <= page->high; t->want_next++) {
            const bp_hash *hash = &page->hash[page->top - t->want_next];
            uint32_t bare = bp_slot_find_bare(p, hash);
            if (bare != BP_NIL) {
                bp_slot_at(p, bare)->announced = false; /* it is claimed */
                bp_slot_anyone(p, bare);
            }
            if (bare != BP_NIL || bp_link_find(&p->forest, hash) != BP_NIL ||
                bp_known_held(p, hash, &held))
                continue;
            /* The next one of each takes no room, or a heavier branch whose
               bodies are withheld would keep the window for ever. */
            bool next = id == t->page && t->want_next == low && page->grounded;
            bool fits = next || bp_window_has_room(p, room);
            if (!fits && room == BP_CLASS_RIVAL && page->grounded)
                p->window.denied = true;
            if (!fits || (!next && !link_room(p, below_of(page, t->want_next))))
                return;
            uint32_t slot =
                bp_slot_bare(p, hash, t->want_next, peer->serial, next, room);
            if (slot == BP_NIL) return;
            bp_slot_anyone(p, slot);
            peer->hints = true;
        }
    }
}

/* ---- asking ------------------------------------------------------------- */

static uint64_t list_size(struct bp_pool *p, const struct bp_peer *peer,
                          const struct bp_trail *t) {
    uint64_t count = bp_estimate_size(p, peer, BP_RATE_HASHES);
    return count < t->end_number ? count : t->end_number;
}

static void ask_hashes(struct bp_pool *p, uint32_t place, struct bp_trail *t) {
    struct bp_peer *peer = &p->peer[place];
    uint64_t count = list_size(p, peer, t);
    if (count == 0) return;
    struct bp_request *r =
        bp_request_new(p, place, BP_ASK_HASHES, (uint32_t)count);
    if (r == NULL) return;
    r->origin = t->end;
    t->tried = peer->tried = ++p->tick;
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

/* Two pages are every peer's own, which is enough to go on; of the others half
   are for the best peer, an eighth for each of the rest, half together. */
static bool page_room(const struct bp_pool *p, uint32_t place) {
    uint32_t own = p->peer[place].n_pages, shared = 0;
    uint32_t most = p->pages.max - BP_PAGES_OWN * p->cfg.peers_max;
    if (own < BP_PAGES_OWN) return true;
    for (uint32_t i = 0; i < p->n_peers; i++)
        if (i != p->best && p->peer[i].n_pages > BP_PAGES_OWN)
            shared += p->peer[i].n_pages - BP_PAGES_OWN;
    if (p->best == place)
        return own - BP_PAGES_OWN < most / 2 &&
               shared + own - BP_PAGES_OWN < most;
    return own - BP_PAGES_OWN < most / 8 && shared < most / 2;
}

/* The next list finds room on the trail's lowest page. */
static bool list_fits(struct bp_pool *p, const struct bp_peer *peer,
                      const struct bp_trail *t) {
    if (!ends_in_page(p, t)) return false;
    const struct bp_page *page = bp_page_at(p, t->page);
    return !page->grounded && page->n_roots < BP_UNCONFIRMED &&
           page->n + list_size(p, peer, t) <= BP_PAGE_HASHES;
}

/* The newest list is needed last, and all of a newer head: what is above waits
   until what is below it is connected. */
static void cut_newest(struct bp_pool *p, struct bp_peer *peer,
                       struct bp_trail *t) {
    if (t != &peer->trail[0] || t->page == BP_NIL) return;
    struct bp_trail *fresh = &peer->trail[1];
    if (live(fresh) && fresh->page != BP_NIL) {
        t->cut = true;
        fresh->state = BP_TRAIL_NONE;
        peer->littered = true;
        sweep(p, peer);
        return;
    }
    uint32_t below = BP_NIL, id = t->page;
    for (; bp_page_at(p, id)->newer != BP_NIL; id = bp_page_at(p, id)->newer)
        below = id;
    if (below == BP_NIL) return;
    const struct bp_page *page = bp_page_at(p, id);
    t->start = page->hash[page->n - 1];
    t->number = page->top - (page->n - 1);
    t->cut = true;
    peer->trail[1].state = BP_TRAIL_NONE; /* it comes after */
    peer->littered = true;
    bp_page_at(p, below)->newer = BP_NIL;
    bp_page_free(p, peer, id);
}

/* `walk`: it may be asked for the next list. */
static void follow(struct bp_pool *p, uint32_t place, struct bp_trail *t,
                   bool walk) {
    struct bp_peer *peer = &p->peer[place];
    if (finished(t)) return;
    if (t->retry > p->now) {
        bp_wake_at(p, t->retry);
        return;
    }
    if (t->state == BP_TRAIL_GROUNDED) bp_trail_shed(p, peer, t);
    if (finished(t))
        return; /* or its start is missing, as the next look says */
    want_root(p, peer, &t->start,
              t->numbered     ? t->number
              : peer->has_top ? peer->top
                              : 0);
    if (t->state == BP_TRAIL_GROUNDED) want_blocks(p, peer, t);
    if (t->state != BP_TRAIL_OPEN) return;
    if (want_roots(p, peer, t) >= BP_UNCONFIRMED || !walk ||
        !bp_peer_free(p, peer, BP_RATE_HASHES) ||
        !bp_request_apart(p, place, &t->end))
        return;
    bool fits = list_fits(p, peer, t);
    if (!fits && !page_room(p, place)) cut_newest(p, peer, t);
    if (fits || page_room(p, place)) ask_hashes(p, place, t);
}

static void pursue(struct bp_pool *p, uint32_t place, bool walk) {
    struct bp_peer *peer = &p->peer[place];
    int first = peer->trail[1].tried < peer->trail[0].tried ? 1 : 0;
    for (int k = 0; k < BP_TRAILS; k++) {
        struct bp_trail *t = &peer->trail[(first + k) % BP_TRAILS];
        if (live(t)) follow(p, place, t, walk);
    }
}

/* It has a trail that goes on. */
static bool walks(const struct bp_pool *p, const struct bp_peer *peer) {
    for (int k = 0; k < BP_TRAILS; k++)
        if (peer->trail[k].state == BP_TRAIL_OPEN &&
            peer->trail[k].retry <= p->now)
            return true;
    return false;
}

/* The bare peer, other than the best, that waits longest for its next list
   and may be asked; BP_NIL: none. */
static uint32_t longest_waiting(const struct bp_pool *p, uint32_t lead) {
    uint32_t next = BP_NIL;
    for (uint32_t i = 0; i < p->n_peers; i++) {
        const struct bp_peer *peer = &p->peer[i];
        if (i == p->best || i == lead || !bp_peer_bare(peer) ||
            !bp_peer_candidate(p, peer) ||
            !bp_peer_free(p, peer, BP_RATE_HASHES) || !walks(p, peer))
            continue;
        if (next == BP_NIL || peer->tried < p->peer[next].tried) next = i;
    }
    return next;
}

static void look(struct bp_pool *p, struct bp_peer *peer) {
    aim(p, peer);
    if (p->forest.joined_low <= p->forest.joined_high)
        for (int k = 0; k < BP_TRAILS; k++)
            if (live(&peer->trail[k])) bp_trail_raise(p, peer, &peer->trail[k]);
    sweep(p, peer);
}

/* The nearest of those who claim what the best claims: a walk is a chain of
   round trips. */
static uint32_t leader(const struct bp_pool *p) {
    uint32_t lead = p->best;
    for (uint32_t i = 0; i < p->n_peers && lead != BP_NIL; i++) {
        const struct bp_peer *peer = &p->peer[i], *first = &p->peer[lead];
        if (bp_peer_bare(peer) && bp_peer_candidate(p, peer) &&
            peer->back == 0 && bp_peer_nearer(peer, first) &&
            bp_hash_eq(&peer->info.claim.head, &first->info.claim.head))
            lead = i;
    }
    return lead;
}

/* Every head is fetched; lists are asked of the best, of who is nearest to its
   head, and of some of the others in turns. */
void bp_trails_schedule(struct bp_pool *p) {
    uint32_t walking = 0, lead = leader(p);
    for (uint32_t i = 0; i < p->n_peers; i++) {
        struct bp_peer *peer = &p->peer[i];
        if (peer->state != BP_PEER_LIVE || !bp_peer_bare(peer)) continue;
        if (!bp_peer_candidate(p, peer)) {
            bp_trails_free(p, i, false);
            continue;
        }
        look(p, peer);
        if (peer->state != BP_PEER_LIVE) continue;
        pursue(p, i, i == p->best || i == lead);
        if (i != p->best && i != lead && peer->out[BP_RATE_HASHES] > 0)
            walking++;
    }
    p->forest.joined_low = UINT64_MAX;
    p->forest.joined_high = 0;
    for (; walking < BP_CHALLENGERS; walking++) {
        uint32_t i = longest_waiting(p, lead);
        if (i == BP_NIL) return;
        uint64_t before = p->tick;
        pursue(p, i, true);
        if (p->tick == before) p->peer[i].tried = ++p->tick;
    }
}

bp_time bp_trails_retry(const struct bp_peer *peer) {
    const struct bp_trail *a = &peer->trail[0], *b = &peer->trail[1];
    return live(b) && b->retry < a->retry ? b->retry : a->retry;
}

/* ---- what came ----------------------------------------------------------- */

static struct bp_trail *trail_at(struct bp_peer *peer, const bp_hash *end) {
    for (int k = 0; k < BP_TRAILS; k++) {
        struct bp_trail *t = &peer->trail[k];
        if (t->state == BP_TRAIL_OPEN && bp_hash_eq(&t->end, end)) return t;
    }
    return NULL;
}

/* The trail has gone on since the list was asked for, over links that others
   gave: what is below its end now. NULL: no trail ends in the list. */
static struct bp_trail *trail_in(struct bp_peer *peer, struct bp_ev_hashes *l) {
    for (size_t i = 0; i + 1 < l->n && i < l->held_at; i++) {
        struct bp_trail *t = trail_at(peer, &l->hashes[i]);
        if (t == NULL) continue;
        l->hashes += i + 1;
        l->n -= i + 1;
        if (l->held_at != BP_NONE) l->held_at -= i + 1;
        return t;
    }
    return NULL;
}

/* The hash that a list after `end` must begin with, or NULL if not known. */
static const bp_hash *expected(const struct bp_pool *p, const bp_hash *end) {
    bp_ref ref = bp_link_find(&p->forest, end);
    return ref != BP_NIL ? bp_link_parent(&p->forest, ref) : NULL;
}

/* How many hashes of a list are worth keeping: those up to the first that is
   held (*grounded), or with the first that is connected or from which one of
   the peer's own lists goes on. */
static size_t worth(const struct bp_pool *p, const struct bp_peer *peer,
                    const struct bp_trail *t, const struct bp_ev_hashes *ev,
                    bool *grounded) {
    const struct bp_forest *f = &p->forest;
    struct bp_held held;
    bool met = bp_pages_meet(p, peer, t->end_number, ev->n);
    *grounded = false;
    for (size_t i = 0; i < ev->n; i++) {
        const bp_hash *h = &ev->hashes[i];
        bp_ref ref = bp_link_find(f, h);
        *grounded =
            i == ev->held_at || (ref == BP_NIL && bp_known_held(p, h, &held));
        if (*grounded) return i;
        if (ref != BP_NIL &&
            bp_section_at(f, bp_link_section(f, ref))->connected)
            return i + 1;
        if (met &&
            bp_page_below(p, peer, BP_NIL, t->end_number - 1 - i, h) != BP_NIL)
            return i + 1;
    }
    return ev->n;
}

static void take_list(struct bp_pool *p, struct bp_peer *peer,
                      struct bp_trail *t, const struct bp_ev_hashes *ev) {
    bool grounded;
    size_t n = worth(p, peer, t, ev, &grounded);
    uint32_t last = t->page;
    if (last != BP_NIL && !bp_hash_eq(&t->end, last_hash(p, last)))
        last = BP_NIL; /* it jumped since */
    bp_hash from = t->end;
    uint64_t top = t->end_number - 1;
    /* What is below condensed links is in no list yet. */
    if (last == BP_NIL && !bp_hash_eq(&t->end, &t->start) &&
        bp_link_find(&p->forest, &t->end) == BP_NIL)
        last = bp_page_add(p, peer, &t->end, t->end_number, &t->end, 1);
    for (size_t i = 0; i < n; i += BP_PAGE_HASHES) {
        uint32_t k =
            (uint32_t)(n - i < BP_PAGE_HASHES ? n - i : BP_PAGE_HASHES);
        last = bp_page_add(p, peer, &from, top - i, ev->hashes + i, k);
        if (last == BP_NIL) {
            p->stat.refused += n - i;
            return;
        }
        /* There are n of them.
           NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
        from = ev->hashes[i + k - 1];
    }
    bp_moved(p);
    bp_peer_helped(p, peer);
    t->fails = 0;
    if (grounded && last != BP_NIL) {
        bp_page_at(p, last)->grounded = true;
        if (last == t->page) t->state = BP_TRAIL_GROUNDED;
    } else if (grounded) {
        pause(p, t); /* nothing but its start is missing */
    }
    locate(p, peer, t);
    if (ev->held_at <= n) bp_hash_held(p, &ev->hashes[ev->held_at], &ev->held);
}

/* One of them that is known to be invalid, or NULL. */
static const bp_hash *bad_hash(const struct bp_pool *p,
                               const struct bp_ev_hashes *ev) {
    for (size_t i = 0; i < ev->n && p->bad.n > 0; i++)
        if (bp_hashset_find(&p->bad, &ev->hashes[i]) != BP_NIL)
            return &ev->hashes[i];
    return NULL;
}

/* What the peer has nothing below leads nowhere. */
static void lacks(struct bp_pool *p, struct bp_peer *peer, struct bp_trail *t) {
    if (bp_trails_forsaken(p, (uint32_t)(peer - p->peer))) return;
    bp_peer_failed(p, peer, BP_OFF_EMPTY, &t->end);
    pause(p, t);
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
        if (list.held_at == 0) bp_hash_held(p, &t->end, &list.held);
        list.hashes++; /* some include the asked one */
        list.n--;
        count--;
        if (list.held_at != BP_NONE) list.held_at--;
    }
    if (list.n > count) {
        bp_blame(p, peer->by, BP_OFF_TOO_MUCH, 0, NULL, 0, true);
        return;
    }
    if (t == NULL) t = trail_in(peer, &list);
    if (t == NULL) return; /* asked for a trail that is over */
    if (list.n == 0) {
        lacks(p, peer, t);
        return;
    }
    /* In disorder: there are not so many numbers below. */
    if (list.n > t->end_number) return;
    const bp_hash *banned = bad_hash(p, &list);
    if (banned != NULL) {
        bp_blame(p, peer->by, BP_OFF_BANNED, 0, banned, 0, true);
        return;
    }
    const bp_hash *first = expected(p, &t->end);
    if (first != NULL && !bp_hash_eq(first, &list.hashes[0])) {
        forged(p, peer, &t->end, t->end_number);
        return;
    }
    take_list(p, peer, t, &list);
}
