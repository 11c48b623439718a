/* estimate: what a peer can do, learned from what it did. */
#include "pool/state.h"

/* A reply should take about this long, the round trip included: long enough
   to fill the line, short enough to spread the work and to notice silence. */
#define TARGET_MS   400

#define FORGET_MS   2000       /* after which an estimate is worth half */
#define SIZE_MIN    4          /* blocks of one request that is not the last */
#define SMALL_BYTES (1u << 14) /* of a reply whose size takes no time */

/* So that no product of what peers bring overflows. */
#define UNIT_MAX  (1u << 26)
#define COUNT_MAX (1u << 26)
#define OVER_MAX  (1u << 26) /* ms */
#define NS_MAX    (1u << 20) /* of a byte */

void bp_rate_init(struct bp_rate *r, uint32_t size) {
    *r = (struct bp_rate){ .size = size };
}

static uint64_t clamp(uint64_t v, uint64_t low, uint64_t high) {
    return v < low ? low : v > high ? high : v;
}

/* One item, in what the rate of its kind counts. */
static uint64_t unit(const struct bp_pool *p, enum bp_rate_kind kind) {
    return kind == BP_RATE_BLOCKS ? clamp(bp_window_mean(p), 1, UNIT_MAX) : 1;
}

uint64_t bp_estimate_items(const struct bp_pool *p, const struct bp_peer *peer,
                           enum bp_rate_kind kind) {
    return peer->rate[kind].per_ks / unit(p, kind);
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
    if (r->per_ks > 0) wait += 2000000ull * count * unit(p, kind) / r->per_ks;
    return p->now + clamp(wait, c->request_min_ms, c->request_max_ms);
}

/* Halved for each while since then. */
static uint64_t faded(const struct bp_pool *p, uint64_t v, bp_time seen) {
    uint64_t halvings = (p->now - seen) / FORGET_MS;
    return halvings < 20 ? v >> halvings : 0;
}

/* The time of a byte; while nothing is asked for it fades: a line that was slow
   once is tried again. */
static uint64_t ns_now(const struct bp_pool *p, const struct bp_rate *r) {
    return faded(p, r->ns_per_byte, r->seen);
}

/* The round trip; it fades as well when a single reply showed it, which may
   have been late by accident. */
static uint64_t trip_now(const struct bp_pool *p, const struct bp_peer *peer) {
    if (peer->rtt_samples != 1) return peer->rtt_ms;
    bp_time seen = 0;
    for (int k = 0; k < BP_RATES; k++)
        if (peer->rate[k].seen > seen) seen = peer->rate[k].seen;
    return faded(p, peer->rtt_ms, seen);
}

void bp_estimate_tried(const struct bp_pool *p, struct bp_peer *peer) {
    struct bp_rate *r = &peer->rate[BP_RATE_BLOCKS];
    r->ns_per_byte = ns_now(p, r);
    r->seen = p->now;
}

uint64_t bp_estimate_blocks(const struct bp_pool *p, const struct bp_peer *peer,
                            uint32_t count) {
    const struct bp_rate *r = &peer->rate[BP_RATE_BLOCKS];
    bool idle = peer->out[BP_RATE_BLOCKS] == 0;
    uint64_t ns = idle ? ns_now(p, r) : r->ns_per_byte;
    uint64_t bytes = (uint64_t)count * unit(p, BP_RATE_BLOCKS);
    /* Of a peer that was never asked all is 0: it is the next to be tried. */
    uint64_t trip = idle ? trip_now(p, peer) : peer->rtt_ms;
    return trip + bytes * ns / 1000000;
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

/* Blocks of small requests that are worth several: together what one of the
   first size would bring. */
uint32_t bp_estimate_requests(const struct bp_pool *p,
                              const struct bp_peer *peer) {
    uint32_t n = most(p, peer, BP_RATE_BLOCKS);
    uint32_t want = BP_BLOCKS_FIRST / (n > 0 ? n : 1);
    if (want > p->cfg.replies_max / 2) want = p->cfg.replies_max / 2;
    return want > BP_BLOCK_REQUESTS ? want : BP_BLOCK_REQUESTS;
}

uint32_t bp_estimate_size(const struct bp_pool *p, const struct bp_peer *peer,
                          enum bp_rate_kind kind) {
    return (uint32_t)clamp(peer->rate[kind].size, 1, most(p, peer, kind));
}

/* The smallest of what was seen, rising slowly, and only with small replies
   that came in time: a large one takes its size as well, which is no part of
   the round trip, nor is a silence. Else larger requests would make themselves
   larger for ever, and who stalled once would seem far for ever. */
static void note_trip(struct bp_peer *peer, uint64_t ms, size_t n,
                      const struct bp_request *q) {
    bool small = n <= SIZE_MIN || (q->bytes != 0 && q->bytes <= SMALL_BYTES);
    if (peer->rtt_samples == 0 || ms < peer->rtt_ms) {
        peer->rtt_ms = (uint32_t)clamp(ms, 1, 60000);
    } else if (small && !q->overdue) {
        uint64_t most = peer->rtt_ms / 8 + 1;
        peer->rtt_ms += (uint32_t)clamp((ms - peer->rtt_ms) / 16, 0, most);
    }
    peer->rtt_samples++;
}

/* As many blocks as come in the time that a reply should take, going by the
   bytes that the peer brings and the size that blocks have of late; never
   more than one reply may hold. */
static void resize(const struct bp_pool *p, struct bp_peer *peer) {
    struct bp_rate *r = &peer->rate[BP_RATE_BLOCKS];
    uint64_t target =
        TARGET_MS > 3 * peer->rtt_ms ? TARGET_MS : 3 * peer->rtt_ms;
    uint64_t size = unit(p, BP_RATE_BLOCKS);
    uint64_t want = r->per_ks * target / 1000000 / size + 1;
    uint64_t fits = p->cfg.reply_bytes_max / size;
    want = clamp(want, r->size / 2, r->size * 2ull);
    if (want > fits) want = fits;
    r->size = (uint32_t)clamp(want, SIZE_MIN, most(p, peer, BP_RATE_BLOCKS));
}

void bp_estimate_reply(struct bp_pool *p, struct bp_peer *peer,
                       const struct bp_request *q, size_t n) {
    enum bp_rate_kind kind = bp_ask_rate(q->ask);
    struct bp_rate *r = &peer->rate[kind];
    bp_time came = q->state == BP_REQ_ANSWERED ? q->answered : p->now;
    uint64_t ms = came > q->sent ? came - q->sent : 1;
    note_trip(peer, ms, n, q);
    r->seen = p->now;
    if (n == 0) return;
    /* That it was slow was noted then; how slow says nothing of the next. */
    if (q->overdue && r->samples > 0) return;
    uint64_t brought = n * unit(p, kind);
    if (kind == BP_RATE_BLOCKS && q->bytes != 0) brought = q->bytes;
    brought = clamp(brought, 1, COUNT_MAX);
    uint64_t per_ks = brought * 1000000 / ms;
    /* All of a few links that were asked for say nothing of many. */
    if (kind == BP_RATE_LINKS && n >= q->count && r->samples > 0 &&
        per_ks < r->per_ks)
        return;
    r->per_ks = blend(r->per_ks, per_ks, r->samples);
    if (kind == BP_RATE_BLOCKS) {
        uint64_t over = ms > peer->rtt_ms ? ms - peer->rtt_ms : 0;
        uint64_t ns = clamp(over, 0, OVER_MAX) * 1000000 / brought;
        r->ns_per_byte =
            blend(r->ns_per_byte, clamp(ns, 0, NS_MAX), r->samples);
    }
    r->samples++;
    if (kind == BP_RATE_BLOCKS && n * 2 >= q->count) resize(p, peer);
}

void bp_estimate_late(const struct bp_pool *p, struct bp_peer *peer,
                      enum bp_rate_kind kind) {
    struct bp_rate *r = &peer->rate[kind];
    if (r->per_ks > 1) r->per_ks /= 2;
    r->seen = p->now;
    r->ns_per_byte = clamp(2 * r->ns_per_byte, 0, NS_MAX);
    if (kind == BP_RATE_BLOCKS)
        r->size = r->size > 2 * SIZE_MIN ? r->size / 2 : SIZE_MIN;
}
