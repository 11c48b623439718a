/* spine: long branches condensed, and filled again from the bottom.

        head [====] (====) (====) (====) [====] [===]  walking down
                      condensed: ends, count, sum

        head [====] (====) (====) [====] [====] joined: filled upward from
                                                 any peer, then checked

   What fills a stretch begins with the hash at its top and is linked, so it
   can be nothing but what was there before. The newest and the oldest stretch
   of a section stay: one has the heads, the other is where the walk goes on. */
#include "pool/state.h"

/* Adjacent condensed stretches become one, up to a chunk of links. */
static void merge_condensed(struct bp_forest *f, uint32_t id) {
    struct bp_stretch *st = bp_stretch_at(f, id);
    if (st->newer == BP_NIL) return;
    struct bp_stretch *up = bp_stretch_at(f, st->newer);
    if (up->chunk != BP_NIL || up->n + st->n > bp_links_unit(f)) return;
    up->n += st->n;
    bp_u256_add(&up->work, &up->work, &st->work);
    up->older = st->older;
    if (st->older != BP_NIL) bp_stretch_at(f, st->older)->newer = st->newer;
    bp_section_at(f, st->section)->condensed--;
    bp_table_give(&f->spine, st->spine);
    bp_table_give(&f->stretches, id);
}

/* Number of the lowest link that may be condensed: what is being checked and
   fetched stays, and what is next. */
static uint64_t lowest_idle(const struct bp_forest *f,
                            const struct bp_section *s) {
    if (!s->connected) return 0;
    uint64_t at = s->check_next > s->want_next ? s->check_next : s->want_next;
    return at + bp_links_unit(f);
}

static bool condense_from(struct bp_pool *p, uint32_t section, uint32_t id,
                          bool idle) {
    struct bp_forest *f = &p->forest;
    uint64_t lowest = lowest_idle(f, bp_section_at(f, section));
    for (uint32_t next; id != BP_NIL && id != bp_section_at(f, section)->oldest;
         id = next) {
        next = bp_stretch_at(f, id)->older;
        uint32_t n = bp_stretch_at(f, id)->n;
        uint64_t top = bp_stretch_at(f, id)->top;
        if (top < lowest + (n - 1)) return false;
        if (id == bp_section_at(f, section)->newest) continue;
        if (!bp_links_condense(p, id, idle)) continue;
        bp_hash hash = bp_spine_at(f, id)->top;
        bp_report(p, BP_REPORT_CONDENSED, 0, &hash, top, n);
        merge_condensed(f, id);
        bp_section_at(f, section)->condense_at = next;
        return true;
    }
    return false;
}

bool bp_condense_one(struct bp_pool *p, uint32_t section) {
    struct bp_forest *f = &p->forest;
    const struct bp_section *s = bp_section_at(f, section);
    uint32_t newest = bp_stretch_at(f, s->newest)->older;
    /* What was condensed before lies in front; it is skipped at once. */
    uint32_t at = s->condense_at;
    const struct bp_stretch *st =
        at != BP_NIL ? bp_table_get(&f->stretches, at) : NULL;
    if (st == NULL || st->section != section) at = newest;
    return condense_from(p, section, at, true) ||
           condense_from(p, section, newest, false);
}

/* ---- filling ------------------------------------------------------------- */

static uint32_t fills(const struct bp_pool *p) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->requests.used; i++) {
        const struct bp_request *r = bp_table_get(&p->requests, i);
        n += r != NULL && r->ask == BP_ASK_FILL && r->state != BP_REQ_LATE;
    }
    return n;
}

static bool being_filled(const struct bp_pool *p, const struct bp_spine *e) {
    const struct bp_request *r =
        e->fill != 0 ? bp_request_find(p, e->fill) : NULL;
    return r != NULL && r->state != BP_REQ_LATE;
}

static bool may_fill(const struct bp_peer *peer, uint64_t number) {
    return (peer->info.caps & BP_CAP_LINKS) != 0 &&
           bp_peer_serves(peer, number) &&
           !(peer->has_top && peer->top < number);
}

#define FAR_TIMES 8 /* nearer ones would have filled several by then */

/* Whose turn it is to fill: who is much nearer, then who is asked for less,
   then who was asked longer ago. */
static bool fills_before(const struct bp_peer *a, const struct bp_peer *b) {
    if (bp_peer_nearer(a, b)) return true;
    if (bp_peer_nearer(b, a)) return false;
    uint32_t x = a->out[BP_RATE_LINKS], y = b->out[BP_RATE_LINKS];
    return x != y ? x < y : a->tried < b->tried;
}

/* One that is busy will have filled it before this one would. */
static bool is_far(const struct bp_pool *p, const struct bp_peer *peer,
                   uint64_t number) {
    for (uint32_t i = 0; i < p->n_peers; i++) {
        const struct bp_peer *a = &p->peer[i];
        if (a->state == BP_PEER_LIVE && a->out[BP_RATE_LINKS] > 0 &&
            a->late[BP_RATE_LINKS] == 0 && may_fill(a, number) &&
            bp_peer_nearer(a, peer) && a->rtt_ms <= peer->rtt_ms / FAR_TIMES)
            return true;
    }
    return false;
}

/* The one of the free peers that may have it; BP_NIL: none, or a busy one is so
   much nearer that it is worth waiting for. */
static uint32_t filler(struct bp_pool *p, uint64_t number) {
    uint32_t best = BP_NIL;
    for (uint32_t i = 0; i < p->n_peers; i++) {
        const struct bp_peer *peer = &p->peer[i];
        if (!bp_peer_free(p, peer, BP_RATE_LINKS)) continue;
        if (!may_fill(peer, number)) continue;
        if (peer->retry > p->now) {
            bp_wake_at(p, peer->retry);
            continue;
        }
        if (best == BP_NIL || fills_before(peer, &p->peer[best])) best = i;
    }
    return best != BP_NIL && is_far(p, &p->peer[best], number) ? BP_NIL : best;
}

static bool ask_fill(struct bp_pool *p, const struct bp_stretch *st) {
    struct bp_spine *e = bp_table_at(&p->forest.spine, st->spine);
    uint32_t who = filler(p, st->top);
    if (who == BP_NIL) return false;
    uint32_t n = bp_estimate_size(p, &p->peer[who], BP_RATE_LINKS);
    if (n > st->n) n = st->n;
    struct bp_request *r = bp_links_ask(p, who, BP_ASK_FILL, &e->top, n);
    if (r == NULL) return false;
    if (e->fill != 0) e->fails++;
    e->fill = r->id;
    p->peer[who].tried = ++p->tick;
    return true;
}

/* Nobody who is here fills it; *walkers: somebody could walk there. */
static bool hopeless(const struct bp_pool *p, const struct bp_stretch *st,
                     bool *walkers) {
    bool fillers = false;
    *walkers = false;
    for (uint32_t i = 0; i < p->n_peers; i++) {
        const struct bp_peer *peer = &p->peer[i];
        if (peer->state != BP_PEER_LIVE) continue;
        fillers |= may_fill(peer, st->top);
        *walkers |= bp_peer_candidate(p, peer) || bp_target_wanted(p);
    }
    const struct bp_spine *e = bp_table_at(&p->forest.spine, st->spine);
    return !fillers || e->fails >= BP_FILL_TRIES;
}

/* What is above the stretch dangles, unless what it stands on is held by now.
 */
static bool part(struct bp_pool *p, uint32_t id) {
    bp_hash top = bp_spine_at(&p->forest, id)->top;
    struct bp_held held;
    if (!bp_forest_part(p, id)) return false;
    if (bp_known_held(p, &top, &held)) bp_hash_held(p, &top, &held);
    return true;
}

/* Fills the lowest stretches of a section, as far ahead as memory allows;
   false when no peer is free. For what all above it waits for others give
   way. */
static bool fill_section(struct bp_pool *p, uint32_t section,
                         uint32_t *in_flight) {
    struct bp_forest *f = &p->forest;
    const struct bp_section *s = bp_section_at(f, section);
    uint64_t here = 0, most = f->places_max / 4, near = BP_FILL_AHEAD;
    if (most > near * bp_links_unit(f)) most = near * bp_links_unit(f);
    uint32_t next;
    for (uint32_t id = s->oldest; id != BP_NIL && here < most; id = next) {
        const struct bp_stretch *st = bp_stretch_at(f, id);
        bool urgent = here <= bp_links_unit(f);
        next = st->newer;
        here += st->n;
        if (st->chunk != BP_NIL) continue;
        if (being_filled(p, bp_spine_at(f, id))) continue;
        bool walkers;
        if (urgent && hopeless(p, st, &walkers)) {
            if (!walkers) return true; /* nobody says that he needs it */
            if (part(p, id)) return false;
        }
        if (*in_flight >= BP_FILLS) return false;
        uint32_t n = st->n > BP_CHUNK_MIN ? st->n : BP_CHUNK_MIN;
        if (urgent ? !bp_room_below(p, section, n)
                   : !bp_room_is(p, n + bp_links_unit(f)))
            return false;
        if (!ask_fill(p, st)) return false;
        ++*in_flight;
    }
    return true;
}

void bp_fill_schedule(struct bp_pool *p) {
    struct bp_forest *f = &p->forest;
    if (f->spine.n == 0) return;
    uint32_t in_flight = fills(p);
    bp_forest_rank(f);
    for (uint32_t i = 0; i < f->n_order; i++) {
        if (bp_section_at(f, f->order[i])->condensed == 0) continue;
        if (!fill_section(p, f->order[i], &in_flight)) return;
    }
}

/* The condensed stretch of a connected section that begins with this link. */
static uint32_t stretch_of(const struct bp_forest *f,
                           const struct bp_link *top) {
    for (uint32_t id = bp_section_next(f, 0); id != BP_NIL;
         id = bp_section_next(f, id + 1)) {
        const struct bp_section *s = bp_section_at(f, id);
        if (s->condensed == 0 || top->number > s->top ||
            top->number < bp_section_bottom(s))
            continue;
        for (uint32_t k = s->oldest; k != BP_NIL;
             k = bp_stretch_at(f, k)->newer) {
            const struct bp_stretch *st = bp_stretch_at(f, k);
            if (st->top < top->number) continue;
            if (st->chunk == BP_NIL && st->top == top->number &&
                bp_hash_eq(&bp_spine_at(f, k)->top, &top->hash))
                return k;
            break;
        }
    }
    return BP_NIL;
}

/* A second copy of the same links gives way: what grew from a head that lay in
   what was condensed, or the links of whole blocks that came meanwhile and
   stand on the same ground, with what stands on them. */
static void drop_copies(struct bp_pool *p, const struct bp_link *links,
                        uint32_t n) {
    struct bp_forest *f = &p->forest;
    for (uint32_t i = n; i-- > 0;) {
        bp_ref ref = bp_link_find(f, &links[i].hash);
        if (ref == BP_NIL) continue;
        uint32_t root = bp_section_root(f, bp_link_section(f, ref));
        if (bp_section_at(f, root)->connected)
            bp_forest_cut(p, ref);
        else
            bp_forest_drop(p, root);
    }
}

bool bp_fill_held(struct bp_pool *p, const bp_hash *hash, uint64_t number) {
    struct bp_link top = { .hash = *hash, .number = number };
    uint32_t id = stretch_of(&p->forest, &top);
    if (id == BP_NIL) return true;
    const struct bp_stretch *st = bp_stretch_at(&p->forest, id);
    return !bp_section_at(&p->forest, st->section)->connected ||
           bp_forest_part(p, id);
}

bool bp_fill_take(struct bp_pool *p, const struct bp_link *links, uint32_t n,
                  bp_by by) {
    struct bp_forest *f = &p->forest;
    uint32_t id = stretch_of(f, &links[0]);
    if (id == BP_NIL) return false;
    bool copies = false;
    for (uint32_t i = 0; i < n && !copies; i++) {
        if (i + BP_AHEAD < n)
            bp_index_prefetch(&f->index, &links[i + BP_AHEAD].hash);
        copies = bp_link_find(f, &links[i].hash) != BP_NIL;
    }
    if (copies) {
        drop_copies(p, links, n);
        id = stretch_of(f, &links[0]);
        if (id == BP_NIL) return false;
    }
    if (n > bp_stretch_at(f, id)->n) return false;
    if (!bp_links_fill(p, id, links, n, by)) return false;
    bp_forest_adopt(p, links, n);
    bp_moved(p);
    return true;
}
