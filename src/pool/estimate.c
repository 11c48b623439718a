/* estimate: what a peer can do, learned from what it did. */
#include "pool/state.h"

/* A reply should take about this long, the round trip included: long enough
   to fill the line, short enough to spread the work and to notice silence. */
#define TARGET_MS 400

void bp_rate_init(struct bp_rate *r, uint32_t size) {
    *r = (struct bp_rate){ .size = size };
}

static uint64_t clamp(uint64_t v, uint64_t low, uint64_t high) {
    return v < low ? low : v > high ? high : v;
}

/* Three round trips, more while the estimate is young; and the time that so
   many items take at the peer's rate, twice. */
bp_time bp_estimate_deadline(const struct bp_pool *p,
                             const struct bp_peer *peer, enum bp_rate_kind kind,
                             uint32_t count) {
    const struct bp_pool_config *c = &p->cfg;
    const struct bp_rate *r = &peer->rate[kind];
    if (peer->rtt_samples == 0 || r->samples == 0)
        return p->now + c->request_first_ms;
    static const uint32_t quarters[] = { 2, 2, 3, 4 }; /* of confidence */
    uint32_t young = peer->rtt_samples < 3 ? peer->rtt_samples : 3;
    uint64_t wait = 3ull * peer->rtt_ms * 4 / quarters[young];
    if (r->per_ks > 0) wait += 2000000ull * count / r->per_ks;
    return p->now + clamp(wait, c->request_min_ms, c->request_max_ms);
}

static uint64_t blend(uint64_t old, uint64_t fresh, uint32_t samples) {
    uint64_t share = samples < 4 ? samples + 1 : 5;
    return fresh >= old ? old + (fresh - old) / share
                        : old - (old - fresh) / share;
}

static uint32_t most(const struct bp_pool *p, const struct bp_peer *peer,
                     enum bp_rate_kind kind) {
    uint32_t own = 0, cfg = 0;
    switch (kind) {
    case BP_RATE_LINKS:
        own = peer->info.links_max, cfg = p->cfg.links_per_request;
        break;
    case BP_RATE_HASHES:
        own = peer->info.hashes_max, cfg = p->cfg.hashes_per_request;
        break;
    case BP_RATE_BLOCKS:
        own = peer->info.blocks_max, cfg = p->cfg.blocks_per_request;
        break;
    case BP_RATES: break;
    }
    return own != 0 && own < cfg ? own : cfg;
}

uint32_t bp_estimate_size(const struct bp_pool *p, const struct bp_peer *peer,
                          enum bp_rate_kind kind) {
    return (uint32_t)clamp(peer->rate[kind].size, 1, most(p, peer, kind));
}

void bp_estimate_reply(struct bp_pool *p, struct bp_peer *peer,
                       enum bp_rate_kind kind, uint32_t asked, uint32_t n,
                       uint64_t ms) {
    struct bp_rate *r = &peer->rate[kind];
    if (ms == 0) ms = 1;
    /* The smallest of what was seen, rising slowly: replies take their size
       as well, and that is no part of the round trip. */
    if (peer->rtt_samples == 0 || ms < peer->rtt_ms)
        peer->rtt_ms = (uint32_t)clamp(ms, 1, 60000);
    else
        peer->rtt_ms += (uint32_t)clamp((ms - peer->rtt_ms) / 16, 0, 1000);
    peer->rtt_samples++;
    if (n == 0) return;
    r->per_ks = blend(r->per_ks, n * 1000000ull / ms, r->samples);
    r->samples++;
    if (kind != BP_RATE_BLOCKS || n * 2 < asked) return;
    uint64_t target =
        TARGET_MS > 3 * peer->rtt_ms ? TARGET_MS : 3 * peer->rtt_ms;
    uint64_t want = r->per_ks * target / 1000000 + 1;
    r->size = (uint32_t)clamp(clamp(want, r->size / 2, r->size * 2ull), 4,
                              most(p, peer, kind));
}

void bp_estimate_late(struct bp_peer *peer, enum bp_rate_kind kind) {
    struct bp_rate *r = &peer->rate[kind];
    r->per_ks /= 2;
    if (kind == BP_RATE_BLOCKS) r->size = r->size > 8 ? r->size / 2 : 4;
}
