/* walk: from the heads that peers claim, downward, to something held.

   A *pursuit* is what a peer's head asks for next: the head itself, or what
   is below the dangling section that it tops. Peers with the same one share
   it. The best peer's pursuit and that of the heaviest proved branch always
   have a request; of the others at most BP_CHALLENGERS, in turns, so that no
   claim can keep another from being looked at. */
#include <assert.h>

#include "pool/state.h"

/* ---- what is to be asked ---------------------------------------------- */

static bool same_pursuit(const struct bp_pursuit *q, uint32_t root,
                         const bp_hash *origin) {
    return q->root == root && bp_hash_eq(&q->origin, origin);
}

static struct bp_pursuit *pursuit_of(struct bp_pool *p, uint32_t *n,
                                     const bp_hash *head, uint64_t tried) {
    const struct bp_forest *f = &p->forest;
    const bp_hash *origin = head;
    bp_ref ref = bp_link_find(f, origin);
    uint32_t root = BP_NIL;
    const struct bp_section *s = NULL;
    if (ref != BP_NIL) {
        root = bp_section_root(f, bp_link_section(f, ref));
        s = bp_section_at(f, root);
        if (s->connected) return NULL;
        origin = &s->below;
    }
    for (uint32_t i = 0; i < *n; i++) {
        struct bp_pursuit *q = &p->pursuit[i];
        if (!same_pursuit(q, root, origin)) continue;
        if (s == NULL && tried > q->tried) q->tried = tried;
        return q;
    }
    struct bp_pursuit *q = &p->pursuit[(*n)++];
    *q = (struct bp_pursuit){ .root = root,
                              .origin = *origin,
                              .below = s != NULL ? bp_section_bottom(s) : 0,
                              .asker = BP_NIL,
                              .tried = s != NULL ? s->tried : tried };
    return q;
}

static bool may_ask(struct bp_pool *p, const struct bp_pursuit *q,
                    const struct bp_peer *peer) {
    if (peer->retry > p->now) {
        bp_wake_at(p, peer->retry);
        return false;
    }
    if (q->root != BP_NIL && !bp_peer_serves(peer, q->below - 1)) return false;
    return bp_peer_free(p, peer, BP_RATE_LINKS);
}

/* It is being asked just that. */
static bool asked(const struct bp_pool *p, uint32_t place,
                  const bp_hash *origin) {
    if (p->peer[place].out[BP_RATE_LINKS] == 0) return false;
    for (uint32_t k = 0; k < p->requests.used; k++) {
        const struct bp_request *r = bp_table_get(&p->requests, k);
        if (r != NULL && r->peer == place && r->state != BP_REQ_LATE &&
            bp_ask_rate(r->ask) == BP_RATE_LINKS &&
            bp_hash_eq(&r->origin, origin))
            return true;
    }
    return false;
}

#define FAR_MS 100 /* a round trip that is worth avoiding */

/* The other is far, and this one half as far or less, not for want of links in
   what it gives. One that was never asked is just not far. */
bool bp_peer_nearer(const struct bp_peer *a, const struct bp_peer *b) {
    const struct bp_rate *x = &a->rate[BP_RATE_LINKS];
    const struct bp_rate *y = &b->rate[BP_RATE_LINKS];
    uint32_t near = a->rtt_samples > 0 ? a->rtt_ms : FAR_MS;
    uint32_t far = b->rtt_samples > 0 ? b->rtt_ms : FAR_MS;
    if (far <= FAR_MS || near > far / 4 * 3) return false;
    return x->samples == 0 || y->samples == 0 || x->per_ks >= y->per_ks;
}

#define DRIP_SAMPLES 4
#define SLOW_TIMES   4  /* fewer links a second than another's */
#define DRIP_TIMES   32 /* fewer a round trip than were asked for */

/* It brings many times fewer links a second than the other; than one that was
   never asked, if a round trip of it brings next to nothing. */
static bool drips(const struct bp_pool *p, const struct bp_peer *peer,
                  const struct bp_peer *other) {
    const struct bp_rate *r = &peer->rate[BP_RATE_LINKS];
    const struct bp_rate *o = &other->rate[BP_RATE_LINKS];
    if (r->samples < DRIP_SAMPLES) return false;
    if (o->samples > 0) return r->per_ks < o->per_ks / SLOW_TIMES;
    uint64_t trip = r->per_ks * peer->rtt_ms / 1000000;
    uint64_t asked = bp_estimate_size(p, peer, BP_RATE_LINKS);
    return trip < asked / DRIP_TIMES || (trip <= 1 && asked >= 4);
}

/* Of two that have the same: who did not lack it last, who does not drip, who
   failed nothing, then who is much nearer, for a walk is a chain of round
   trips. */
static bool goes_first(const struct bp_pool *p, const bp_hash *origin,
                       const struct bp_peer *a, const struct bp_peer *b) {
    bool lacks = bp_hash_eq(&a->lacks, origin);
    if (lacks != bp_hash_eq(&b->lacks, origin)) return !lacks;
    if (drips(p, b, a)) return true;
    if (drips(p, a, b)) return false;
    if (a->back == 0 && b->back == 0) {
        if (bp_peer_nearer(a, b)) return true;
        if (bp_peer_nearer(b, a)) return false;
    }
    return bp_peer_before(p, a, b);
}

/* The peer may be the one to ask. */
static void offer(struct bp_pool *p, struct bp_pursuit *q, uint32_t place) {
    const struct bp_peer *peer = &p->peer[place];
    if (!may_ask(p, q, peer) || asked(p, place, &q->origin)) return;
    if (q->asker == BP_NIL ||
        goes_first(p, &q->origin, peer, &p->peer[q->asker]))
        q->asker = place;
}

/* The target may be asked of anybody. */
static void collect_target(struct bp_pool *p, uint32_t *n) {
    struct bp_pursuit *q = pursuit_of(p, n, &p->target.hash, 0);
    if (q == NULL) return;
    q->target = true;
    for (uint32_t i = 0; i < p->n_peers; i++)
        if (p->peer[i].state == BP_PEER_LIVE &&
            (p->peer[i].info.caps & BP_CAP_LINKS) != 0)
            offer(p, q, i);
}

static uint32_t collect(struct bp_pool *p) {
    uint32_t n = 0;
    if (bp_target_wanted(p)) collect_target(p, &n);
    for (uint32_t i = 0; i < p->n_peers; i++) {
        const struct bp_peer *peer = &p->peer[i];
        bool ahead = bp_peer_candidate(p, peer);
        if ((peer->info.caps & BP_CAP_LINKS) == 0 ||
            (!ahead && !bp_peer_unweighed(p, peer)))
            continue;
        struct bp_pursuit *q =
            pursuit_of(p, &n, &peer->info.claim.head, peer->tried);
        if (q == NULL) continue;
        q->ahead |= ahead;
        if (i == p->best) q->best = true;
        offer(p, q, i);
    }
    return n;
}

/* Marks what is being asked already. */
static void mark_busy(struct bp_pool *p, uint32_t n) {
    for (uint32_t k = 0; k < p->requests.used; k++) {
        struct bp_request *r = bp_table_get(&p->requests, k);
        if (r == NULL || bp_ask_rate(r->ask) != BP_RATE_LINKS ||
            r->state == BP_REQ_LATE)
            continue;
        for (uint32_t i = 0; i < n; i++) {
            struct bp_pursuit *q = &p->pursuit[i];
            if (!bp_hash_eq(&q->origin, &r->origin)) continue;
            q->busy = true;
            if (bp_request_half(r) <= p->now) q->overdue = true;
            if (r->state == BP_REQ_OUT && !r->hedged && !r->hedge && q->overdue)
                q->slow = r;
        }
    }
}

/* The pursuit of the heaviest proved branch that dangles. */
static struct bp_pursuit *heaviest(struct bp_pool *p, uint32_t n) {
    bp_forest_rank(&p->forest);
    struct bp_pursuit *top = NULL;
    for (uint32_t i = 0; i < n; i++) {
        struct bp_pursuit *q = &p->pursuit[i];
        if (q->root == BP_NIL) continue;
        if (top == NULL ||
            bp_u256_cmp(&bp_section_at(&p->forest, q->root)->tip,
                        &bp_section_at(&p->forest, top->root)->tip) > 0)
            top = q;
    }
    return top;
}

/* ---- how much ---------------------------------------------------------- */

static uint64_t min_u64(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static uint64_t first_count(const struct bp_pool *p,
                            const struct bp_peer *peer) {
    const struct bp_claim *c = &peer->info.claim;
    if (c->has_number && c->number > p->head.number)
        return c->number - p->head.number;
    if (p->head.number == 0 && p->forest.links == 0)
        return p->cfg.links_per_request;
    return BP_HEAD_LINKS;
}

/* Links to ask for: what the peer gives at once, no further than our own
   height while we are above it. */
static uint64_t count_for(const struct bp_pool *p, const struct bp_pursuit *q) {
    const struct bp_peer *peer = &p->peer[q->asker];
    uint64_t n = min_u64(bp_estimate_size(p, peer, BP_RATE_LINKS),
                         bp_links_unit(&p->forest));
    if (q->target && q->root == BP_NIL) return n;
    if (q->root == BP_NIL) return min_u64(n, first_count(p, peer));
    uint64_t below = q->below - 1 > p->head.number
                         ? q->below - 1 - p->head.number
                         : q->below;
    return min_u64(n, below);
}

/* Unconnected links that a giver has earned and may still bring. */
static uint64_t earned(const struct bp_giver *g) {
    uint64_t most = BP_UNPROVED_LINKS + g->proved * BP_PROBE_LINKS;
    return most > g->charge ? most - g->charge : 0;
}

/* What is left of the eighth of all links that a giver may have outside the
   heaviest branch. */
static uint64_t eighth(struct bp_pool *p, bp_by by) {
    const struct bp_forest *f = &p->forest;
    uint64_t charge = bp_giver_at(p, by)->charge, most = f->places_max / 8;
    if (most < 4 * (uint64_t)bp_links_unit(f)) most = 4 * bp_links_unit(f);
    uint32_t top = bp_forest_heaviest_dangling(&p->forest);
    if (charge > 0 && top != BP_NIL) charge -= bp_tree_charge(f, top, by);
    return most > charge ? most - charge : 0;
}

/* As many as the peer is admitted. A branch that has outgrown its share is
   condensed. */
static uint32_t admitted(struct bp_pool *p, const struct bp_pursuit *q) {
    uint64_t n = count_for(p, q);
    bp_by by = p->peer[q->asker].by;
    if (q->target) return (uint32_t)n;
    n = min_u64(n, earned(bp_giver_at(p, by)));
    if (q->top) return (uint32_t)n;
    while (n > 0) {
        uint64_t left = eighth(p, by);
        if (left >= n) break;
        if (q->root != BP_NIL && bp_condense_one(p, q->root)) continue;
        if (bp_room_of_giver(p, q->root, by)) continue;
        return (uint32_t)min_u64(n, left);
    }
    return (uint32_t)n;
}

/* The reply finds room; a little stays for blocks that come whole. */
static bool has_room(struct bp_pool *p, const struct bp_pursuit *q,
                     uint32_t count) {
    const struct bp_forest *f = &p->forest;
    uint64_t mem = q->root != BP_NIL ? bp_section_at(f, q->root)->mem : 0;
    uint64_t spare = min_u64(f->places_max / 16, 16 * BP_CHUNK_MIN);
    uint64_t n = bp_links_places(f, mem, count) + spare;
    if (bp_room_for(p, q->root, n)) return true;
    if (q->root == BP_NIL) bp_room_take_back(p, n); /* a claim buys a probe */
    return false;
}

struct bp_request *bp_links_ask(struct bp_pool *p, uint32_t peer,
                                enum bp_ask what, const bp_hash *origin,
                                uint32_t count) {
    struct bp_request *r = bp_request_new(p, peer, what, count);
    if (r == NULL) return NULL;
    r->origin = *origin;
    struct bp_action *out = bp_actions_push(p, BP_ACT_ASK_LINKS);
    assert(out != NULL); /* bp_peer_free saw room */
    struct bp_act_ask_links *a = &out->u.ask_links;
    a->peer = p->peer[peer].id;
    a->request = r->id;
    a->hash = *origin;
    a->count = count;
    a->reverse = true;
    a->due = r->due;
    bp_trace(p, "peer %llu: ask %u links from %s", (unsigned long long)a->peer,
             count, bp_short(origin).text);
    return r;
}

/* `drops` when the pursuits were collected: one that was dropped since, to make
   room for another, is no longer there. */
static bool issue(struct bp_pool *p, struct bp_pursuit *q, uint64_t drops) {
    if (q->asker == BP_NIL || p->forest.drops != drops) return false;
    /* Another pursuit may have taken it since it was seen free. */
    if (!bp_peer_free(p, &p->peer[q->asker], BP_RATE_LINKS)) return false;
    uint32_t count = admitted(p, q);
    if (count == 0 || !has_room(p, q, count)) return false;
    struct bp_request *r =
        bp_links_ask(p, q->asker, q->root == BP_NIL ? BP_ASK_HEAD : BP_ASK_WALK,
                     &q->origin, count);
    if (r == NULL) return false;
    if (q->root == BP_NIL)
        p->peer[q->asker].tried = ++p->tick;
    else
        bp_section_at(&p->forest, q->root)->tried = ++p->tick;
    if (q->busy) {
        r->hedge = true;
        q->slow->hedged = true;
    }
    q->busy = true;
    q->slow = NULL;
    return true;
}

/* ---- in which order ---------------------------------------------------- */

static struct bp_pursuit *longest_waiting(struct bp_pool *p, uint32_t n,
                                          bool ahead) {
    struct bp_pursuit *next = NULL;
    for (uint32_t i = 0; i < n; i++) {
        struct bp_pursuit *q = &p->pursuit[i];
        if (q->busy || q->target || q->ahead != ahead || q->asker == BP_NIL)
            continue;
        if (next == NULL || q->tried < next->tried) next = q;
    }
    return next;
}

/* Heads that do not say whether they are worth it come after all others, one
   at a time. */
static void look_aside(struct bp_pool *p, uint32_t n, uint64_t drops) {
    for (uint32_t i = 0; i < n; i++) {
        const struct bp_pursuit *q = &p->pursuit[i];
        if (q->busy && !q->ahead && !q->target) return;
    }
    struct bp_pursuit *q = longest_waiting(p, n, false);
    if (q != NULL) issue(p, q, drops);
}

void bp_walk_schedule(struct bp_pool *p) {
    uint32_t n = collect(p), challengers = 0;
    uint64_t drops = p->forest.drops;
    if (n == 0) return;
    mark_busy(p, n);
    struct bp_pursuit *top = heaviest(p, n), *best = NULL;
    if (top != NULL) top->top = true;
    if (p->pursuit[0].target &&
        (!p->pursuit[0].busy || p->pursuit[0].slow != NULL))
        issue(p, &p->pursuit[0], drops);
    for (uint32_t i = 0; i < n; i++) {
        struct bp_pursuit *q = &p->pursuit[i];
        if (q->best) best = q;
        if (q->busy && q->ahead && !q->best && !q->top && !q->target)
            challengers++;
    }
    if (best != NULL && (!best->busy || best->slow != NULL))
        issue(p, best, drops);
    if (top != NULL && top != best && (!top->busy || top->slow != NULL))
        issue(p, top, drops);
    /* Until the first answer of the best, half of the others' heads may turn
       out to be on the way. */
    if (best != NULL && best->root == BP_NIL && best->busy &&
        p->forest.links == 0 && !best->overdue)
        return;
    while (challengers < BP_CHALLENGERS) {
        struct bp_pursuit *q = longest_waiting(p, n, true);
        if (q == NULL) break;
        if (issue(p, q, drops))
            challengers++;
        else
            q->asker = BP_NIL;
    }
    look_aside(p, n, drops);
}

/* ---- what came --------------------------------------------------------- */

static void join_waiting(struct bp_pool *p, const bp_hash *hash,
                         const struct bp_held *held) {
    uint32_t id;
    while (bp_forest_waiting(&p->forest, hash, &id) > 0)
        bp_forest_join(p, id, held);
}

void bp_hash_held(struct bp_pool *p, const bp_hash *hash,
                  const struct bp_held *held) {
    bp_remember(p, hash, held);
    bp_forest_joined(&p->forest, held->number, held->number);
    join_waiting(p, hash, held);
    bp_peers_held(p, hash, held);
}

/* Whatever waits for this hash stands on something invalid. */
void bp_drop_waiting(struct bp_pool *p, const bp_hash *hash) {
    uint32_t id;
    while (bp_forest_waiting(&p->forest, hash, &id) > 0) bp_forest_drop(p, id);
}

/* The offence that a link is by itself, or BP_OFF_NONE. `older` is the next
   of the list, or NULL. */
int bp_link_offence(const struct bp_pool *p, const struct bp_link *l,
                    const struct bp_link *older) {
    if ((l->difficulty.w[2] | l->difficulty.w[3]) != 0) return BP_OFF_BAD_RULE;
    if (l->item != 0 && l->size > BP_LINK_BYTES_MAX) return BP_OFF_BAD_RULE;
    if (l->number == UINT64_MAX) return BP_OFF_BAD_RULE; /* none can follow */
    if (l->number == 0 && !bp_hash_eq(&l->hash, &p->cfg.genesis))
        return BP_OFF_WRONG_CHAIN;
    if (older != NULL && l->number != older->number + 1) return BP_OFF_BAD_RULE;
    if (p->bad.n > 0 && bp_hashset_find(&p->bad, &l->hash) != BP_NIL)
        return BP_OFF_BANNED;
    return BP_OFF_NONE;
}

/* A reply with what the request was for taken out of the ledger. */
struct reply {
    struct bp_peer *peer;
    enum bp_ask ask;
    bp_hash origin;
    uint32_t count;
    const struct bp_link *links;
    size_t n;            /* links that are not held */
    struct bp_held held; /* of the parent of the last one */
};

static void release_links(struct bp_pool *p, const struct bp_link *links,
                          size_t n) {
    for (size_t i = 0; i < n; i++) bp_release(p, links[i].item);
}

static int refuse_reply(struct bp_pool *p, const struct reply *r, int offence,
                        const struct bp_link *about) {
    bp_blame(p, r->peer->by, offence, 0, &about->hash, about->number, true);
    bool grave = offence == BP_OFF_BAD_RULE || offence == BP_OFF_WRONG_CHAIN ||
                 offence == BP_OFF_BANNED;
    if (grave) {
        bp_hashset_put(&p->bad, &about->hash);
        bp_drop_waiting(p, &r->origin);
    }
    release_links(p, r->links, r->n);
    return offence;
}

/* Whether each link is possible. */
static int inspect(struct bp_pool *p, const struct reply *r) {
    for (size_t i = 0; i < r->n; i++) {
        const struct bp_link *older = i + 1 < r->n ? &r->links[i + 1] : NULL;
        int offence = bp_link_offence(p, &r->links[i], older);
        if (offence != BP_OFF_NONE)
            return refuse_reply(p, r, offence, &r->links[i]);
    }
    return BP_OFF_NONE;
}

/* The end of the run of new links that begins at `from`. */
static size_t run_end(const struct bp_pool *p, const struct reply *r,
                      size_t from) {
    size_t end = from;
    for (; end < r->n && end - from < BP_CHUNK_MAX; end++) {
        if (end + BP_AHEAD < r->n)
            bp_index_prefetch(&p->forest.index, &r->links[end + BP_AHEAD].hash);
        if (bp_link_find(&p->forest, &r->links[end].hash) != BP_NIL) break;
    }
    return end;
}

/* No use in asking for it again at once: what it gave could not be kept, or it
   never said that it has it. */
static void pause_asking(const struct bp_pool *p, struct bp_peer *peer) {
    peer->retry = p->now + BP_BACKOFF_MS;
}

static bool graft_run(struct bp_pool *p, const struct reply *r, size_t from,
                      size_t end) {
    static const struct bp_held unknown;
    const struct bp_held *held = end == r->n ? &r->held : &unknown;
    const struct bp_link *run = r->links + from;
    uint32_t n = (uint32_t)(end - from), section;
    enum bp_graft err = bp_forest_graft(p, run, n, r->peer->by, held, &section);
    switch (err) {
    case BP_GRAFT_OK: break;
    case BP_GRAFT_FULL:
        p->stat.refused += r->n - from;
        release_links(p, run, r->n - from);
        pause_asking(p, r->peer);
        return false;
    case BP_GRAFT_INVALID: {
        struct reply rest = *r;
        rest.origin = run[0].hash;
        rest.links = run;
        rest.n = r->n - from;
        refuse_reply(p, &rest, BP_OFF_BAD_RULE, &run[n - 1]);
        return false;
    }
    }
    bp_moved(p);
    r->peer->links_given += n;
    p->stat.links_seen += n;
    if (section != BP_NIL && !bp_section_at(&p->forest, section)->connected)
        bp_probe_one(p, run, n);
    return true;
}

/* A second copy; but a header is welcome to a link that came without. */
static void duplicate(struct bp_pool *p, const struct bp_link *link) {
    struct bp_plink *l =
        bp_link_at(&p->forest, bp_link_find(&p->forest, &link->hash));
    if ((l->flags & BP_PL_BARE) != 0 && (l->flags & BP_PL_IN_JOB) == 0 &&
        l->pins == 0) {
        l->item = link->item;
        l->size = link->size;
        if (link->item == 0) return;
        l->flags &= (uint16_t)~BP_PL_BARE;
        p->forest.bare--;
        if (l->slot != BP_NIL) bp_slot_headed(p, l->slot);
        if ((l->flags & BP_PL_EMPTY) != 0 && l->slot != BP_NIL &&
            bp_slot_at(p, l->slot)->state != BP_SLOT_HERE)
            bp_window_forget(p, l); /* there is nothing to ask for */
        return;
    }
    p->stat.duplicates++;
    bp_release(p, link->item);
}

static void take_reply(struct bp_pool *p, const struct reply *r) {
    if (r->n == 0) {
        if (r->ask == BP_ASK_FILL &&
            !bp_fill_held(p, &r->origin, r->held.number))
            pause_asking(p, r->peer);
        bp_hash_held(p, &r->origin, &r->held);
        bp_peer_helped(p, r->peer);
        return;
    }
    if (inspect(p, r) != BP_OFF_NONE) return;
    if (r->ask == BP_ASK_NOTICE && !bp_notice_confirm(p, &r->links[0])) {
        release_links(p, r->links, r->n);
        return;
    }
    if (r->ask == BP_ASK_FILL) {
        if (bp_fill_take(p, r->links, (uint32_t)r->n, r->peer->by)) {
            bp_peer_helped(p, r->peer);
            return;
        }
        release_links(p, r->links, r->n);
        pause_asking(p, r->peer);
        return;
    }
    bool fresh = false;
    for (size_t i = 0, end; i < r->n; i = end) {
        end = run_end(p, r, i);
        if (end == i) {
            duplicate(p, &r->links[i]);
            end = i + 1;
            continue;
        }
        if (!graft_run(p, r, i, end)) return;
        fresh = true;
    }
    if (fresh) bp_peer_helped(p, r->peer);
}

/* The first link that the pool knows to be held although the host, asked
   earlier, did not. */
static void newly_held(const struct bp_pool *p, struct reply *r) {
    struct bp_held held;
    if (r->n == 0 || p->recent.n == 0) return;
    for (size_t i = 0; i < r->n; i++) {
        if (r->links[i].number > p->recent_top) continue;
        if (!bp_known_held(p, &r->links[i].hash, &held)) continue;
        r->n = i;
        r->held = held;
        return;
    }
    if (!r->held.held && bp_known_held(p, &r->links[r->n - 1].parent, &held))
        r->held = held;
}

static void answered_nothing(struct bp_pool *p, const struct reply *r) {
    r->peer->lacks = r->origin;
    bool claimed = r->ask == BP_ASK_WALK ||
                   bp_hash_eq(&r->origin, &r->peer->info.claim.head);
    if (!claimed) {
        pause_asking(p, r->peer);
        return;
    }
    bp_trace(p, "peer %llu has nothing at %s", (unsigned long long)r->peer->id,
             bp_short(&r->origin).text);
    bp_peer_failed(p, r->peer,
                   r->ask == BP_ASK_HEAD ? BP_OFF_EMPTY : BP_OFF_LACKING,
                   &r->origin);
}

void bp_on_links(struct bp_pool *p, const struct bp_ev_links *ev) {
    struct bp_request *q = bp_request_find(p, ev->request);
    if (q == NULL || p->peer[q->peer].id != ev->peer ||
        bp_ask_rate(q->ask) != BP_RATE_LINKS) {
        release_links(p, ev->links, ev->n);
        bp_request_spoiled(p, q, ev->peer);
        return;
    }
    struct reply r = { .peer = &p->peer[q->peer],
                       .ask = q->ask,
                       .origin = q->origin,
                       .count = q->count,
                       .links = ev->links,
                       .n = ev->n,
                       .held = ev->held };
    bp_estimate_reply(p, r.peer, q, ev->n);
    for (uint32_t i = 0; i < q->n_wants; i++) /* unless headers come */
        bp_window_missed(p, q->wants[i], q);
    bp_request_close(p, q);
    if (ev->n == 0) {
        answered_nothing(p, &r);
        return;
    }
    if (ev->n > r.count) {
        refuse_reply(p, &r, BP_OFF_TOO_MUCH, &ev->links[0]);
        return;
    }
    if (!bp_hash_eq(&ev->links[0].hash, &r.origin)) {
        refuse_reply(p, &r, BP_OFF_UNLINKED, &ev->links[0]);
        return;
    }
    size_t held_at = bp_held_at(ev->held_at, ev->n + 1, &ev->held);
    if (held_at < ev->n) {
        release_links(p, ev->links + held_at, ev->n - held_at);
        r.n = held_at;
    } else if (held_at == BP_NONE) {
        r.held = (struct bp_held){ 0 };
    }
    size_t n = r.n;
    newly_held(p, &r);
    release_links(p, r.links + r.n, n - r.n);
    take_reply(p, &r);
}
