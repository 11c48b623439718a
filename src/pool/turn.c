/* turn: whom a missing block is asked of. Nobody who might have it is left out:

     first   those who are likely to have it, once each: who claims it, and
             after a while who is high enough
     then    everybody, in turn, whatever they claim; a pause after each round

   A block whose header is not known (its hash was claimed, or it came whole
   and its body is gone) comes whole, from peers without headers; in the second
   pass those who have headers are asked for that. */
#include "pool/state.h"

/* ---- claims -------------------------------------------------------------- */

bool bp_claims_mark(struct bp_pool *p, const struct bp_peer *peer) {
    const struct bp_forest *f = &p->forest;
    p->mark++;
    if (peer->info.claim.known.held) return true; /* none of the forest */
    bp_ref ref = bp_link_find(f, &peer->info.claim.head);
    if (ref == BP_NIL) return false;
    bool connected = false;
    uint32_t id = bp_link_section(f, ref);
    for (; id != BP_NIL; id = bp_section_at(f, id)->parent) {
        bp_section_at(f, id)->mark = p->mark;
        connected = bp_section_at(f, id)->connected;
    }
    return connected; /* else what it stands on is not known yet */
}

bool bp_slot_listed(const struct bp_pool *p, const struct bp_slot *s,
                    const struct bp_peer *peer) {
    const bp_hash *hash =
        s->link == BP_NIL ? &s->hash : &bp_link_at(&p->forest, s->link)->hash;
    return bp_page_with(p, peer, BP_NIL, s->number, hash) != BP_NIL;
}

bool bp_slot_claimed(const struct bp_pool *p, const struct bp_slot *s,
                     const struct bp_peer *peer) {
    uint32_t id = bp_link_section(&p->forest, s->link);
    return bp_section_at(&p->forest, id)->mark == p->mark &&
           s->number <= peer->top;
}

/* It claims the block, or gave its link once: its chain may have changed since.
 */
static bool had(const struct bp_pool *p, const struct bp_slot *s,
                const struct bp_peer *peer) {
    return bp_link_at(&p->forest, s->link)->by == peer->by ||
           bp_slot_claimed(p, s, peer);
}

/* ---- the first pass ------------------------------------------------------ */

static bool is_whole(const struct bp_pool *p, const struct bp_slot *s) {
    return s->link == BP_NIL ||
           (bp_link_at(&p->forest, s->link)->flags & BP_PL_BARE) != 0;
}

static bool can_bring(const struct bp_pool *p, const struct bp_slot *s,
                      const struct bp_peer *peer) {
    if (peer->state != BP_PEER_LIVE || bp_peer_hushed(p, peer) ||
        (peer->info.caps & BP_CAP_BLOCKS) == 0)
        return false;
    if (s->link == BP_NIL && s->only_owner && s->owner != peer->serial)
        return false;
    return !is_whole(p, s) || bp_peer_bare(peer);
}

/* High enough, as far as it told. */
static bool reaches(const struct bp_slot *s, const struct bp_peer *peer) {
    return bp_peer_serves(peer, s->number) &&
           (!peer->has_top || s->number <= peer->top);
}

#define LACKED_MOST 2 /* guesses at what a peer has whose head is unknown */

/* Others had time since then; else it is looked at again when they had. */
static bool waited(struct bp_pool *p, bp_time since) {
    bp_time end = since + 2 * BP_BACKOFF_MS;
    if (end > p->now) bp_wake_at(p, end);
    return end <= p->now;
}

/* What it does not claim it is asked for only when others had time to bring
   it. */
static bool is_likely(struct bp_pool *p, const struct bp_slot *s,
                      const struct bp_peer *peer, bool placed) {
    if (s->link == BP_NIL && s->only_owner) return true;
    if (s->link == BP_NIL)
        return reaches(s, peer) &&
               (peer->strays < LACKED_MOST || waited(p, s->since) ||
                bp_slot_listed(p, s, peer));
    if (bp_peer_serves(peer, s->number) && had(p, s, peer)) return true;
    if (!reaches(s, peer)) return false;
    if (!placed && peer->lacked < LACKED_MOST) return true;
    return waited(p, s->since);
}

/* It was asked for in vain, and who is left has had time for it since. */
static bool is_too_busy(struct bp_pool *p, const struct bp_slot *s,
                        const struct bp_peer *peer) {
    return s->tries > 0 && !bp_peer_free(p, peer, BP_RATE_BLOCKS) &&
           waited(p, s->retry);
}

/* Somebody is left for the first pass, and is not in a pause. */
static bool first_pass(struct bp_pool *p, const struct bp_slot *s) {
    if (s->tries >= BP_LACKS) return false;
    for (uint32_t i = 0; i < p->n_peers; i++) {
        const struct bp_peer *peer = &p->peer[i];
        if (can_bring(p, s, peer) && peer->body_retry <= p->now &&
            !bp_slot_lacks(s, peer) &&
            (reaches(s, peer) || (s->link == BP_NIL && s->only_owner)) &&
            !is_too_busy(p, s, peer))
            return true;
    }
    return false;
}

/* ---- in turn ------------------------------------------------------------- */

static bool has_headers(const struct bp_pool *p, const struct bp_peer *peer) {
    return peer->state == BP_PEER_LIVE && !bp_peer_hushed(p, peer) &&
           (peer->info.caps & BP_CAP_LINKS) != 0;
}

static bool has_turn(const struct bp_pool *p, const struct bp_slot *s,
                     const struct bp_peer *peer) {
    if (can_bring(p, s, peer)) return peer->body_retry <= p->now;
    return s->link != BP_NIL && is_whole(p, s) && has_headers(p, peer);
}

/* The serial of the next in turn after this one; 0: there is none. */
static uint64_t next_turn(const struct bp_pool *p, const struct bp_slot *s,
                          uint64_t after) {
    uint64_t next = 0;
    for (uint32_t i = 0; i < p->n_peers; i++) {
        const struct bp_peer *peer = &p->peer[i];
        if (peer->serial > after && (next == 0 || peer->serial < next) &&
            has_turn(p, s, peer))
            next = peer->serial;
    }
    return next;
}

/* What nobody is likely to have would be asked for without end: what is fetched
   ahead of time waits until its branch is joined, and where everybody was asked
   several times all wait for the lowest. */
static bool is_due(const struct bp_pool *p, const struct bp_slot *s) {
    if (s->rank == BP_CLASS_AHEAD || s->retry > p->now) return false;
    return s->rounds < BP_ROUNDS || s->link == BP_NIL ||
           bp_link_is_next(p, s->link);
}

static bool is_turn(struct bp_pool *p, const struct bp_slot *s,
                    const struct bp_peer *peer) {
    if (!is_due(p, s) || first_pass(p, s)) return false;
    uint64_t next = next_turn(p, s, s->turn);
    if (next == 0) next = next_turn(p, s, 0);
    if (peer->serial == next) return true;
    /* Who has other things to do does not keep it for ever. */
    struct bp_peer *who = bp_peer_of(p, next);
    if (who == NULL) return false;
    bool whole = can_bring(p, s, who); /* else it is asked for the header */
    if (bp_peer_free(p, who, whole ? BP_RATE_BLOCKS : BP_RATE_LINKS))
        return false;
    return waited(p, s->retry);
}

/* It brought what it was asked for last, or was not asked yet: what many failed
   need not wait for its turn. */
static bool brings(const struct bp_peer *peer) {
    return peer->lacked == 0 && peer->body_fails == 0 && peer->lapses == 0;
}

bool bp_slot_suits(struct bp_pool *p, const struct bp_slot *s,
                   const struct bp_peer *peer, bool placed) {
    if (!can_bring(p, s, peer)) return false;
    if ((s->tries < BP_LACKS || brings(peer)) && !bp_slot_lacks(s, peer) &&
        is_likely(p, s, peer, placed))
        return true;
    return is_turn(p, s, peer);
}

bool bp_slot_may_hedge(struct bp_pool *p, const struct bp_slot *s,
                       const struct bp_peer *peer, bool once) {
    bool placed = bp_claims_mark(p, peer);
    if (!bp_slot_lacks(s, peer)) return bp_slot_suits(p, s, peer, placed);
    return once && can_bring(p, s, peer) &&
           (s->link != BP_NIL ? had(p, s, peer) : reaches(s, peer));
}

/* It was asked in its turn, not because it is likely to have it. */
static bool had_turn(const struct bp_pool *p, const struct bp_slot *s,
                     const struct bp_peer *peer) {
    uint64_t next = next_turn(p, s, s->turn);
    if (peer->serial > s->turn) return next == 0 || peer->serial <= next;
    return next == 0 && peer->serial <= next_turn(p, s, 0);
}

void bp_slot_failed(struct bp_pool *p, struct bp_slot *s,
                    const struct bp_peer *peer, bool hedge) {
    bool again = s->tries >= BP_LACKS || bp_slot_lacks(s, peer);
    for (int i = BP_LACKS - 1; i > 0; i--) s->lack[i] = s->lack[i - 1];
    s->lack[0] = peer->serial;
    p->window.failed += s->tries == 0;
    if (s->tries < UINT16_MAX) s->tries++;
    s->cuts = 0;
    if (hedge) return;
    if (again && !had_turn(p, s, peer)) {
        if (s->retry <= p->now) s->retry = p->now + 1; /* never at once */
        return;
    }
    s->retry = p->now + bp_backoff_ms(s->rounds, 5);
    if (again) {
        s->turn = peer->serial;
        if (next_turn(p, s, s->turn) != 0) {
            s->retry = p->now;
        } else {
            /* From the first again, or who joins anew each time would have
               every turn. */
            s->turn = 0;
            if (s->rounds < UINT16_MAX) s->rounds++;
        }
    }
    if (s->retry < p->window.retry_due) p->window.retry_due = s->retry;
}

/* ---- headers ------------------------------------------------------------- */

/* Asks the peer for the header of this block, and of those above that miss
   theirs. */
static void ask_headers(struct bp_pool *p, uint32_t place, uint32_t id) {
    const struct bp_peer *peer = &p->peer[place];
    uint32_t most = bp_estimate_size(p, peer, BP_RATE_LINKS);
    if (most > p->cfg.blocks_per_request) most = p->cfg.blocks_per_request;
    uint32_t wants[BP_BLOCKS_FIRST], n = 0;
    bp_ref ref = bp_slot_at(p, id)->link, top = ref;
    for (; ref != BP_NIL && n < most && n < BP_BLOCKS_FIRST;
         ref = bp_link_newer(&p->forest, ref)) {
        const struct bp_plink *l = bp_link_at(&p->forest, ref);
        if ((l->flags & BP_PL_BARE) == 0 || l->slot == BP_NIL ||
            bp_slot_at(p, l->slot)->state != BP_SLOT_WANTED)
            break;
        wants[n++] = l->slot;
        top = ref;
    }
    struct bp_request *r = bp_links_ask(p, place, BP_ASK_HEADER,
                                        &bp_link_at(&p->forest, top)->hash, n);
    if (r == NULL) return;
    for (uint32_t i = 0; i < n; i++) {
        bp_slot_ask(p, wants[i], r->id);
        r->wants[r->n_wants++] = wants[i];
    }
}

/* The first of the list that nobody can bring whole, and whose turn it is to
   be asked of this peer; or BP_NIL. */
static uint32_t headless(struct bp_pool *p, enum bp_class class,
                         const struct bp_peer *peer) {
    for (uint32_t id = p->window.wanted[class].head; id != BP_NIL;
         id = bp_slot_at(p, id)->next) {
        const struct bp_slot *s = bp_slot_at(p, id);
        if (s->link != BP_NIL && is_whole(p, s) && is_turn(p, s, peer))
            return id;
    }
    return BP_NIL;
}

/* The nearest of those with headers that brought what they were asked for last,
   or were not asked yet, and claim it; BP_NIL: none is free. */
static uint32_t likely_header(struct bp_pool *p, const struct bp_slot *s) {
    uint32_t best = BP_NIL;
    for (uint32_t i = 0; i < p->n_peers; i++) {
        const struct bp_peer *peer = &p->peer[i];
        if (bp_peer_bare(peer) || !has_headers(p, peer) ||
            !bp_peer_free(p, peer, BP_RATE_LINKS) || !brings(peer) ||
            bp_slot_lacks(s, peer) || !bp_claims_mark(p, peer) ||
            !had(p, s, peer))
            continue;
        if (best == BP_NIL || bp_peer_nearer(peer, &p->peer[best])) best = i;
    }
    return best;
}

/* Somebody who could bring it whole has nothing else to do. */
static bool is_free_to_bring(const struct bp_pool *p, const struct bp_slot *s) {
    for (uint32_t i = 0; i < p->n_peers; i++)
        if (can_bring(p, s, &p->peer[i]) &&
            bp_peer_free(p, &p->peer[i], BP_RATE_BLOCKS))
            return true;
    return false;
}

/* The lowest of a class that nobody is left to bring whole, or only who is too
   busy: it need not wait for a turn. */
static void ask_likely(struct bp_pool *p, enum bp_class class) {
    uint32_t id = p->window.wanted[class].head;
    if (id == BP_NIL) return;
    const struct bp_slot *s = bp_slot_at(p, id);
    if (s->link == BP_NIL || !is_whole(p, s)) return;
    if (first_pass(p, s) && is_free_to_bring(p, s) && !waited(p, s->since))
        return;
    uint32_t who = likely_header(p, s);
    if (who != BP_NIL) ask_headers(p, who, id);
}

void bp_headers_ask(struct bp_pool *p) {
    if (p->forest.bare == 0) return;
    for (int k = 0; k < BP_CLASSES; k++) ask_likely(p, (enum bp_class)k);
    for (uint32_t i = 0; i < p->n_peers; i++) {
        const struct bp_peer *peer = &p->peer[i];
        if (bp_peer_bare(peer) || !has_headers(p, peer)) continue;
        for (int k = 0; k < BP_CLASSES; k++) {
            if (!bp_peer_free(p, peer, BP_RATE_LINKS)) break;
            uint32_t id = headless(p, (enum bp_class)k, peer);
            if (id != BP_NIL) ask_headers(p, i, id);
        }
    }
}
