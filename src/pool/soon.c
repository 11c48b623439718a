/* soon: which peer would bring a block first.

   A block is worth asking for only where it comes sooner than from the peers
   that are nearer: these are busy, but free again before a distant one has
   answered, as often as its round trip is longer. So what they would bring in
   that time, the lowest of what is wanted, is left to them, and the distant one
   is asked for what is above that, or for nothing. */
#include "pool/state.h"

uint64_t bp_soon_rest(const struct bp_pool *p, bp_time ready) {
    return ready > p->now ? ready - p->now : p->now - ready;
}

/* Requests for blocks that are not late. */
static uint32_t pending(const struct bp_peer *peer) {
    return peer->out[BP_RATE_BLOCKS] - peer->late[BP_RATE_BLOCKS];
}

/* How long until it has answered those. */
static uint64_t busy_ms(const struct bp_pool *p, const struct bp_peer *peer) {
    if (pending(peer) == 0) return 0;
    return bp_soon_rest(p, peer->ready);
}

uint64_t bp_soon(const struct bp_pool *p, const struct bp_peer *peer,
                 uint32_t count) {
    uint64_t busy = busy_ms(p, peer);
    /* The next request travels while the last one is answered. */
    busy = busy > peer->rtt_ms ? busy - peer->rtt_ms : 0;
    return busy + bp_estimate_blocks(p, peer, count);
}

void bp_soon_asked(const struct bp_pool *p, struct bp_request *r) {
    struct bp_peer *peer = &p->peer[r->peer];
    if (pending(peer) == 1) { /* just this one */
        bp_estimate_tried(p, peer);
        peer->ready = p->now;
    }
    peer->ready = p->now + bp_soon(p, peer, r->n_wants);
    r->ready = peer->ready;
}

/* What it brings in so many ms, beyond what it was asked for. */
static uint64_t brings(const struct bp_pool *p, const struct bp_peer *peer,
                       uint64_t ms) {
    uint64_t busy = busy_ms(p, peer);
    if (busy >= ms) return 0;
    uint32_t size = bp_estimate_size(p, peer, BP_RATE_BLOCKS);
    uint64_t one = bp_estimate_blocks(p, peer, size);
    return (ms - busy) * size / (one > 0 ? one : 1);
}

/* The peer is busy, and will be asked for that block when it is not. */
static bool would_bring(struct bp_pool *p, const struct bp_slot *s,
                        const struct bp_peer *peer) {
    if (peer->state != BP_PEER_LIVE || pending(peer) == 0 ||
        peer->late[BP_RATE_BLOCKS] > 0 || peer->rtt_samples == 0 ||
        peer->body_retry > p->now)
        return false;
    return bp_slot_suits(p, s, peer, bp_claims_mark(p, peer));
}

uint64_t bp_soon_left(struct bp_pool *p, uint32_t place, uint32_t count) {
    const struct bp_list *wanted = &p->window.wanted[BP_CLASS_BEST];
    if (wanted->n == 0) return 0;
    if (count > wanted->n) count = wanted->n;
    uint64_t left = 0, ms = bp_soon(p, &p->peer[place], count);
    const struct bp_slot *s = bp_slot_at(p, wanted->head);
    for (uint32_t i = 0; i < p->n_peers && left < wanted->n; i++) {
        const struct bp_peer *peer = &p->peer[i];
        if (i == place) continue;
        uint64_t n = brings(p, peer, ms);
        if (n == 0 || !would_bring(p, s, peer)) continue;
        left += n;
        /* If it is not done by then, it is as far as this one. */
        bp_wake_at(p, peer->ready + ms);
    }
    return left;
}
