/* peer: who is there, what they claim, who is best. */
#include <assert.h>
#include <string.h>

#include "pool/state.h"

uint32_t bp_peer_find(const struct bp_pool *p, bp_peer_id id) {
    for (uint32_t i = 0; i < p->n_peers; i++)
        if (p->peer_id[i] == id && p->peer[i].state != BP_PEER_FREE) return i;
    return BP_NIL;
}

struct bp_peer *bp_peer_of(const struct bp_pool *p, uint64_t serial) {
    for (uint32_t i = 0; i < p->n_peers; i++)
        if (p->peer[i].serial == serial && p->peer[i].state != BP_PEER_FREE)
            return &p->peer[i];
    return NULL;
}

bool bp_peer_serves(const struct bp_peer *peer, uint64_t number) {
    const struct bp_peer_info *i = &peer->info;
    return !i->has_range || (number >= i->earliest && number <= i->latest);
}

bool bp_known_held(const struct bp_pool *p, const bp_hash *hash,
                   struct bp_held *held) {
    uint32_t at;
    if (bp_hash_eq(hash, &p->head.hash)) {
        *held = (struct bp_held){ true, p->head.number, p->head.td };
        return true;
    }
    at = bp_hashset_find(&p->recent, hash);
    if (at == BP_NIL) return false;
    *held = (struct bp_held){ true, p->recent_info[at].number,
                              p->recent_info[at].td };
    return true;
}

static const bp_u256 *baseline(const struct bp_pool *p) {
    return bp_u256_cmp(&p->head.td, &p->refused_td) >= 0 ? &p->head.td
                                                         : &p->refused_td;
}

bool bp_peer_ahead(const struct bp_pool *p, const struct bp_peer *peer) {
    const struct bp_claim *c = &peer->info.claim;
    if (c->known.held) return false;
    if (c->has_td) return bp_u256_cmp(&c->td, baseline(p)) > 0;
    return !c->has_number || c->number > p->head.number;
}

/* ---- claims ----------------------------------------------------------- */

/* The number of its head, as far as it told. */
static void note_top(struct bp_peer *peer) {
    const struct bp_claim *c = &peer->info.claim;
    peer->has_top = c->known.held || c->has_number;
    peer->top = c->known.held ? c->known.number : c->number;
}

/* Takes a claim over; what the pool knows to be held counts as told. */
static void set_claim(struct bp_pool *p, struct bp_peer *peer,
                      const struct bp_claim *claim) {
    struct bp_claim *c = &peer->info.claim;
    *c = *claim;
    if (!c->known.held) bp_known_held(p, &c->head, &c->known);
    peer->judged = false;
    note_top(peer);
    peer->progress = p->now;
    peer->leads = false;
    peer->head_due = 0;
    p->stat.claims++;
    bp_moved(p);
}

/* The claimed total difficulty against the computed one. */
static void judge(struct bp_pool *p, struct bp_peer *peer, const bp_u256 *td) {
    struct bp_claim *c = &peer->info.claim;
    peer->judged = true;
    if (!c->has_td || bp_u256_cmp(&c->td, td) == 0) return;
    c->td = *td;
    int what = peer->wrong++ == 0 ? BP_OFF_WRONG_TD : BP_OFF_BAD_CLAIM;
    bp_blame(p, peer->by, what, 0, &c->head, c->number, false);
    peer->back = ++p->tick;
}

/* Compares a claim with the truth as soon as its head is held or connected. */
static void judge_claim(struct bp_pool *p, struct bp_peer *peer) {
    const struct bp_claim *c = &peer->info.claim;
    if (c->known.held) {
        bp_u256 td = c->known.td;
        judge(p, peer, &td);
        return;
    }
    bp_ref ref = bp_link_find(&p->forest, &c->head);
    if (ref == BP_NIL) return;
    peer->has_top = true;
    peer->top = bp_link_number(&p->forest, ref);
    uint32_t section = bp_link_section(&p->forest, ref);
    if (!bp_section_at(&p->forest, section)->connected) return;
    bp_u256 td = bp_forest_td(&p->forest, ref);
    judge(p, peer, &td);
}

void bp_peers_held(struct bp_pool *p, const bp_hash *hash,
                   const struct bp_held *held) {
    for (uint32_t i = 0; i < p->n_peers; i++) {
        struct bp_peer *peer = &p->peer[i];
        if (peer->state != BP_PEER_LIVE ||
            !bp_hash_eq(&peer->info.claim.head, hash))
            continue;
        peer->info.claim.known = *held;
        peer->has_top = true;
        peer->top = held->number;
        peer->progress = p->now;
    }
}

void bp_peers_recent(struct bp_pool *p) {
    for (uint32_t i = 0; i < p->n_peers; i++) {
        const struct bp_claim *c = &p->peer[i].info.claim;
        struct bp_held held;
        if (p->peer[i].state == BP_PEER_LIVE && !c->known.held &&
            bp_known_held(p, &c->head, &held))
            bp_peers_held(p, &c->head, &held);
    }
}

/* A head on a branch that is known to be invalid ends the session. */
static bool banned(struct bp_pool *p, const struct bp_peer *peer) {
    const bp_hash *head = &peer->info.claim.head;
    if (bp_hashset_find(&p->bad, head) == BP_NIL) return false;
    bp_blame(p, peer->by, BP_OFF_BANNED, 0, head, 0, true);
    return true;
}

/* ---- coming and going ------------------------------------------------- */

static void turn_away(struct bp_pool *p, const struct bp_ev_joined *ev,
                      int fault, bp_time until) {
    struct bp_action *out = bp_actions_push(p, BP_ACT_BLAME);
    if (out == NULL) return;
    out->u.blame = (struct bp_act_blame){ .peer = ev->peer,
                                          .identity = ev->info.identity,
                                          .offence = fault,
                                          .end = true,
                                          .until = until };
}

static uint32_t free_place(struct bp_pool *p) {
    for (uint32_t i = 0; i < p->cfg.peers_max; i++)
        if (p->peer[i].state == BP_PEER_FREE) return i;
    return BP_NIL;
}

void bp_on_joined(struct bp_pool *p, const struct bp_ev_joined *ev) {
    if (ev->peer == 0 || bp_peer_find(p, ev->peer) != BP_NIL) return;
    bp_time until = bp_suspended_until(p, &ev->info.identity);
    uint32_t place = free_place(p);
    bp_by by = until == 0 && place != BP_NIL
                   ? bp_giver_new(p, &ev->info.identity, ev->peer)
                   : 0;
    if (by == 0) {
        if (until == 0) p->stat.refused++;
        turn_away(p, ev, until != 0 ? BP_OFF_SUSPENDED : BP_OFF_NONE, until);
        bp_trace(p, "peer %llu turned away, %s", (unsigned long long)ev->peer,
                 until != 0 ? "suspended" : "no room");
        return;
    }
    struct bp_peer *peer = &p->peer[place];
    *peer = (struct bp_peer){ .state = BP_PEER_LIVE,
                              .id = ev->peer,
                              .serial = ++p->peer_serial,
                              .by = by,
                              .info = ev->info };
    for (int k = 0; k < BP_TRAILS; k++) peer->trail[k].page = BP_NIL;
    peer->first_page = peer->last_page = BP_NIL;
    p->peer_id[place] = ev->peer;
    if (place >= p->n_peers) p->n_peers = place + 1;
    bp_rate_init(&peer->rate[BP_RATE_LINKS], p->cfg.links_per_request);
    bp_rate_init(&peer->rate[BP_RATE_HASHES], p->cfg.hashes_per_request);
    bp_rate_init(&peer->rate[BP_RATE_BLOCKS], BP_BLOCKS_FIRST);
    p->stat.peers++;
    p->stat.peers_seen++;
    set_claim(p, peer, &ev->info.claim);
    bp_trace(p, "peer %llu joined, head %s", (unsigned long long)ev->peer,
             bp_short(&ev->info.claim.head).text);
    banned(p, peer);
}

/* The same number and total difficulty as before. */
static bool is_repeat(const struct bp_claim *a, const struct bp_claim *b) {
    return a->has_td == b->has_td && a->has_number == b->has_number &&
           (!a->has_td || bp_u256_cmp(&a->td, &b->td) == 0) &&
           (!a->has_number || a->number == b->number);
}

/* Says something else of the head that it claims already. What it did wrong
   with that head stays: no timer begins anew. A repeat means nothing, nor does
   what it says once the pool knows better. */
static void amend_claim(struct bp_pool *p, struct bp_peer *peer,
                        const struct bp_claim *claim) {
    struct bp_claim *old = &peer->info.claim;
    if (claim->known.held) old->known = claim->known;
    if (peer->judged || is_repeat(old, claim)) return;
    struct bp_held known = old->known;
    *old = *claim;
    old->known = known;
    note_top(peer);
    p->stat.claims++;
    bp_trace(p, "peer %llu says otherwise of its head %s",
             (unsigned long long)peer->id, bp_short(&claim->head).text);
}

void bp_on_claim(struct bp_pool *p, const struct bp_ev_claim *ev) {
    uint32_t place = bp_peer_find(p, ev->peer);
    if (place == BP_NIL) return;
    struct bp_peer *peer = &p->peer[place];
    if (bp_hash_eq(&ev->claim.head, &peer->info.claim.head)) {
        amend_claim(p, peer, &ev->claim);
        return;
    }
    set_claim(p, peer, &ev->claim);
    peer->retry = 0;
    peer->crowded = 0;
    peer->lacked = peer->strays = 0;
    peer->lacks = (bp_hash){ 0 };
    bp_trace(p, "peer %llu has a new head %s", (unsigned long long)ev->peer,
             bp_short(&ev->claim.head).text);
    banned(p, peer);
}

void bp_on_range(struct bp_pool *p, const struct bp_ev_range *ev) {
    uint32_t place = bp_peer_find(p, ev->peer);
    if (place == BP_NIL) return;
    struct bp_peer_info *info = &p->peer[place].info;
    info->has_range = true;
    info->earliest = ev->earliest;
    info->latest = ev->latest;
}

void bp_peer_remove(struct bp_pool *p, uint32_t place) {
    struct bp_peer *peer = &p->peer[place];
    bp_requests_close_peer(p, place);
    bp_trails_free(p, place, bp_peer_bare(peer));
    bp_notices_leave(p, place);
    bp_giver_leave(p, peer->by);
    peer->state = BP_PEER_FREE;
    p->peer_id[place] = 0;
    p->stat.peers--;
    if (p->best == place) {
        p->best = BP_NIL;
        p->number_turn = !p->number_turn;
    }
}

void bp_on_left(struct bp_pool *p, const struct bp_ev_left *ev) {
    uint32_t place = bp_peer_find(p, ev->peer);
    if (place == BP_NIL) return;
    struct bp_peer *peer = &p->peer[place];
    bp_trace(p, "peer %llu left", (unsigned long long)ev->peer);
    uint32_t out = 0;
    for (int k = 0; k < BP_RATES; k++) out += peer->out[k];
    if (out > 0) bp_blame(p, peer->by, BP_OFF_GONE, 0, NULL, 0, false);
    bp_peer_remove(p, place);
}

void bp_on_offence(struct bp_pool *p, const struct bp_ev_offence *ev) {
    uint32_t place = bp_peer_find(p, ev->peer);
    if (place == BP_NIL) return;
    bp_blame(p, p->peer[place].by, ev->offence, ev->code, NULL, 0, false);
}

/* ---- standing --------------------------------------------------------- */

void bp_peer_failed(struct bp_pool *p, struct bp_peer *peer, int fault,
                    const bp_hash *hash) {
    bp_blame(p, peer->by, fault, 0, hash, 0, false);
    peer->back = ++p->tick;
    peer->retry = p->now + bp_probe_pause(p, peer->fails++);
}

void bp_peers_crowded(struct bp_pool *p, uint32_t root) {
    const struct bp_forest *f = &p->forest;
    for (uint32_t i = 0; i < p->n_peers; i++) {
        struct bp_peer *peer = &p->peer[i];
        if (peer->state != BP_PEER_LIVE) continue;
        bp_ref ref = bp_link_find(f, &peer->info.claim.head);
        if (ref == BP_NIL ||
            bp_section_root(f, bp_link_section(f, ref)) != root)
            continue;
        bp_time until = p->now + bp_backoff_ms(peer->crowded, 5);
        if (peer->crowded < 5) peer->crowded++;
        if (until > peer->retry) peer->retry = until;
    }
}

void bp_peer_helped(struct bp_pool *p, struct bp_peer *peer) {
    peer->back = 0;
    peer->fails = 0;
    peer->retry = 0;
    peer->progress = p->now;
    if (!peer->counted) p->stat.peers_active++;
    peer->counted = true;
}

/* The claims alone: 1 if a's is the better one, -1 if b's, 0 if equal. */
static int claim_cmp(const struct bp_pool *p, const struct bp_claim *a,
                     const struct bp_claim *b) {
    bool by_number = p->number_turn;
    for (int turn = 0; turn < 2; turn++, by_number = !by_number) {
        bool x = by_number ? a->has_number : a->has_td;
        bool y = by_number ? b->has_number : b->has_td;
        if (x != y) return x ? 1 : -1;
        if (!x) continue;
        int c = by_number ? (a->number > b->number) - (a->number < b->number)
                          : bp_u256_cmp(&a->td, &b->td);
        if (c != 0) return c;
    }
    return 0;
}

static int peer_cmp(const struct bp_pool *p, const struct bp_peer *a,
                    const struct bp_peer *b) {
    if ((a->back == 0) != (b->back == 0)) return a->back == 0 ? 1 : -1;
    if (a->back != b->back) return a->back < b->back ? 1 : -1;
    return claim_cmp(p, &a->info.claim, &b->info.claim);
}

bool bp_peer_before(const struct bp_pool *p, const struct bp_peer *a,
                    const struct bp_peer *b) {
    int c = peer_cmp(p, a, b);
    return c != 0 ? c > 0 : a->serial < b->serial;
}

bool bp_peer_candidate(const struct bp_pool *p, const struct bp_peer *peer) {
    return peer->state == BP_PEER_LIVE &&
           (peer->info.caps & (BP_CAP_LINKS | BP_CAP_HASHES)) != 0 &&
           bp_peer_ahead(p, peer);
}

bool bp_peer_unweighed(const struct bp_pool *p, const struct bp_peer *peer) {
    const struct bp_claim *c = &peer->info.claim;
    return peer->state == BP_PEER_LIVE && !c->known.held && !c->has_td &&
           c->has_number && c->number <= p->head.number;
}

/* The best stays unless another's claim is better, not just as good. */
static void elect(struct bp_pool *p) {
    uint32_t best = p->best;
    if (best != BP_NIL && !bp_peer_candidate(p, &p->peer[best])) best = BP_NIL;
    for (uint32_t i = 0; i < p->n_peers; i++) {
        const struct bp_peer *peer = &p->peer[i];
        if (i == best || !bp_peer_candidate(p, peer)) continue;
        if (best == BP_NIL ||
            (best == p->best ? peer_cmp(p, peer, &p->peer[best]) > 0
                             : bp_peer_before(p, peer, &p->peer[best])))
            best = i;
    }
    if (best == p->best) return;
    p->best = best;
    if (best == BP_NIL) {
        bp_report(p, BP_REPORT_BEST, 0, NULL, 0, 0);
        bp_trace(p, "nobody is best");
        return;
    }
    struct bp_peer *peer = &p->peer[best];
    if (!peer->was_best) p->stat.peers_best++;
    peer->was_best = true;
    peer->progress = p->now;
    const struct bp_claim *c = &peer->info.claim;
    bp_report(p, BP_REPORT_BEST, peer->id, &c->head, c->number, 0);
    bp_trace(p, "peer %llu is best", (unsigned long long)peer->id);
}

/* When the branch of a peer moved last, by whomever. Work of our own counts,
   and a pause: nobody is to blame for it. */
static bp_time branch_progress(const struct bp_pool *p,
                               const struct bp_peer *peer) {
    bp_time at = peer->progress > peer->retry ? peer->progress : peer->retry;
    for (uint32_t i = 0; i < p->n_jobs; i++)
        if (p->job[i].id != 0) return p->now;
    bp_ref ref = bp_link_find(&p->forest, &peer->info.claim.head);
    if (ref == BP_NIL) return at;
    uint32_t id = bp_link_section(&p->forest, ref);
    for (; id != BP_NIL; id = bp_section_at(&p->forest, id)->parent) {
        const struct bp_section *s = bp_section_at(&p->forest, id);
        if (s->progress > at) at = s->progress;
        if (s->check_wait > p->now || s->insert_wait > p->now) return p->now;
    }
    return at;
}

static void watch_best(struct bp_pool *p) {
    if (p->best == BP_NIL) return;
    struct bp_peer *peer = &p->peer[p->best];
    bp_time end = branch_progress(p, peer) + p->cfg.progress_ms;
    if (end > p->now) {
        bp_wake_at(p, end);
        return;
    }
    bp_peer_failed(p, peer, BP_OFF_STALLED, &peer->info.claim.head);
    peer->progress = p->now;
    p->number_turn = !p->number_turn;
    elect(p);
    bp_wake_at(p, p->now + p->cfg.progress_ms);
}

/* Who was best, gave all of it, and tells of nothing newer although we have
   more by now, was a good source once. Where heads are claimed without a total
   difficulty they are told of too seldom to say so. */
static void watch_idle(struct bp_pool *p, struct bp_peer *peer) {
    const struct bp_claim *c = &peer->info.claim;
    if (!peer->leads || !c->known.held || !c->has_td ||
        bp_u256_cmp(&p->head.td, &c->known.td) <= 0) {
        peer->idle_due = 0;
        return;
    }
    if (peer->idle_due == 0) peer->idle_due = p->now + p->cfg.idle_best_ms;
    if (peer->idle_due > p->now) {
        bp_wake_at(p, peer->idle_due);
        return;
    }
    peer->leads = false;
    peer->idle_due = 0;
    peer->back = ++p->tick;
    bp_blame(p, peer->by, BP_OFF_IDLE, 0, &c->head, c->known.number, false);
}

/* Whoever fails to show even the head that it claims has a place that others
   may want. */
static void watch_head(struct bp_pool *p, struct bp_peer *peer) {
    const struct bp_claim *c = &peer->info.claim;
    if (peer->fails == 0 || c->known.held ||
        bp_link_find(&p->forest, &c->head) != BP_NIL ||
        (!bp_peer_candidate(p, peer) && !bp_peer_unweighed(p, peer))) {
        peer->head_due = 0;
        return;
    }
    if (peer->head_due == 0) peer->head_due = p->now + p->cfg.head_probe_ms;
    if (peer->head_due > p->now)
        bp_wake_at(p, peer->head_due);
    else
        bp_blame(p, peer->by, BP_OFF_LACKING, 0, &c->head, c->number, true);
}

void bp_peer_news(struct bp_peer *peer, const bp_hash *hash,
                  const struct bp_held *known) {
    const struct bp_claim *c = &peer->info.claim;
    bool older = known->held && c->known.held &&
                 bp_u256_cmp(&known->td, &c->known.td) <= 0;
    if (!older && !bp_hash_eq(hash, &c->head)) peer->idle_due = 0;
}

void bp_peers_schedule(struct bp_pool *p) {
    for (uint32_t i = 0; i < p->n_peers; i++) {
        struct bp_peer *peer = &p->peer[i];
        if (peer->state != BP_PEER_LIVE) continue;
        if (!peer->judged) judge_claim(p, peer);
        watch_idle(p, peer);
        watch_head(p, peer);
    }
    elect(p);
    if (p->best != BP_NIL) p->peer[p->best].leads = true;
    watch_best(p);
}
