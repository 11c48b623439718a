/* pool: a script of events, from bytes, over a small world of blocks with
   forks, invalid ones among them. After every step bp_pool_check; at the end
   every item was released exactly once, and memory never passed the bound. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blockpool/pool.h"
#include "fuzz.h"

#define BLOCKS 96
#define PEERS  6
#define ITEMS  65536

struct world {
    struct bp_pool *pool;
    const uint8_t *at, *end;
    bp_time now;
    uint8_t parent[BLOCKS], number[BLOCKS];
    bool held[BLOCKS];
    uint8_t live[ITEMS];
    uint32_t n_items;
    struct {
        enum bp_action_type type;
        bp_peer_id peer;
        bp_req_id id;
        uint8_t origin;
        uint32_t count, n;
        uint8_t want[16];
        bool whole[16];
    } ask[32];
    uint32_t n_asks;
    struct {
        bp_job_id id;
        bool insert;
        uint32_t n;
        uint8_t block[16];
    } job[8];
    uint32_t n_jobs;
    size_t bytes, fail_at, calls;
};

static uint8_t byte(struct world *w) {
    return w->at < w->end ? *w->at++ : 0;
}

static void *take(void *user, size_t n) {
    struct world *w = user;
    if (++w->calls == w->fail_at) return NULL;
    w->bytes += n;
    return malloc(n);
}

static void give(void *user, void *p, size_t n) {
    struct world *w = user;
    w->bytes -= n;
    free(p);
}

/* Block k stands on one of the four before it, mostly the last. */
static void build(struct world *w) {
    w->held[0] = true;
    for (int k = 1; k < BLOCKS; k++) {
        int back = k % 7 == 3 && k > 4 ? 4 : k % 11 == 5 && k > 2 ? 2 : 1;
        w->parent[k] = (uint8_t)(k - back);
        w->number[k] = (uint8_t)(w->number[k - back] + 1);
    }
}

static bp_hash hash_of(uint32_t k) {
    bp_hash h;
    memset(&h, (int)(k * 37 + 1), sizeof h);
    h.b[0] = (uint8_t)k;
    return h;
}

static uint64_t item(struct world *w) {
    if (w->n_items + 1 >= ITEMS) return 0;
    w->live[++w->n_items] = 1;
    return w->n_items;
}

static void release(void *user, uint64_t id) {
    struct world *w = user;
    if (id == 0 || id >= ITEMS || w->live[id] != 1) abort();
    w->live[id] = 2;
}

static struct bp_held held_of(const struct world *w, uint32_t k) {
    struct bp_held h = { 0 };
    if (k >= BLOCKS || !w->held[k]) return h;
    h.held = true;
    h.number = w->number[k];
    h.td = bp_u256_from_u64(1u + w->number[k]);
    return h;
}

/* Now and then something is wrong with it. */
static struct bp_link link_of(struct world *w, uint32_t k) {
    struct bp_link l = { .hash = hash_of(k), .size = 10, .item = item(w) };
    l.parent = hash_of(k == 0 ? 200 : w->parent[k]);
    l.number = w->number[k];
    l.difficulty = bp_u256_from_u64(1);
    if (k % 17 == 16) l.difficulty.w[1] = k;
    if (k == 90) l.difficulty.w[3] = 1;
    if (k == 80) l.number += 3;
    if (k % 5 == 0) l.flags = BP_LINK_EMPTY;
    return l;
}

static void keep_ask(struct world *w, const struct bp_action *a) {
    if (w->n_asks == 32) return;
    uint32_t i = w->n_asks++;
    memset(&w->ask[i], 0, sizeof w->ask[i]);
    w->ask[i].type = a->type;
    if (a->type == BP_ACT_ASK_LINKS) {
        w->ask[i].peer = a->u.ask_links.peer;
        w->ask[i].id = a->u.ask_links.request;
        w->ask[i].origin = a->u.ask_links.hash.b[0];
        w->ask[i].count = a->u.ask_links.count;
    } else if (a->type == BP_ACT_ASK_HASHES) {
        w->ask[i].peer = a->u.ask_hashes.peer;
        w->ask[i].id = a->u.ask_hashes.request;
        w->ask[i].origin = a->u.ask_hashes.from.b[0];
        w->ask[i].count = a->u.ask_hashes.count;
    } else {
        w->ask[i].peer = a->u.ask_blocks.peer;
        w->ask[i].id = a->u.ask_blocks.request;
        for (size_t k = 0; k < a->u.ask_blocks.n && k < 16; k++) {
            w->ask[i].want[k] = a->u.ask_blocks.wants[k].hash.b[0];
            w->ask[i].whole[k] = a->u.ask_blocks.wants[k].item == 0;
            w->ask[i].n++;
        }
    }
}

static void keep_job(struct world *w, const struct bp_action *a) {
    if (w->n_jobs == 8) abort();
    uint32_t i = w->n_jobs++;
    memset(&w->job[i], 0, sizeof w->job[i]);
    w->job[i].insert = a->type == BP_ACT_INSERT;
    size_t n = w->job[i].insert ? a->u.insert.n : a->u.check.n;
    w->job[i].id = w->job[i].insert ? a->u.insert.job : a->u.check.job;
    if (n == 0 || n > 16) abort();
    w->job[i].n = (uint32_t)n;
    for (size_t k = 0; k < n; k++) {
        const bp_hash *h = w->job[i].insert ? &a->u.insert.items[k].hash
                                            : &a->u.check.hashes[k];
        w->job[i].block[k] = h->b[0];
        uint64_t id = w->job[i].insert ? a->u.insert.items[k].link_item
                                       : a->u.check.items[k];
        if (id != 0 && w->live[id] != 1) abort();
        if (!w->job[i].insert && id == 0 && w->n_items + 64 < ITEMS) abort();
    }
    if (w->job[i].insert && !w->held[a->u.insert.parent.b[0]]) abort();
}

static void step(struct world *w, const struct bp_event *ev) {
    if (getenv("FUZZ_TRACE") != NULL)
        fprintf(stderr, "event %d at %zu\n", (int)ev->type, (size_t)w->now);
    bp_pool_step(w->pool, ev, w->now);
    bp_pool_check(w->pool);
    struct bp_action a;
    while (bp_pool_next(w->pool, &a)) {
        switch (a.type) {
        case BP_ACT_ASK_LINKS:
        case BP_ACT_ASK_HASHES:
        case BP_ACT_ASK_BLOCKS: keep_ask(w, &a); break;
        case BP_ACT_CHECK:
        case BP_ACT_INSERT: keep_job(w, &a); break;
        case BP_ACT_RELEASE:
            for (size_t i = 0; i < a.u.release.n; i++)
                release(w, a.u.release.items[i]);
            break;
        case BP_ACT_BLAME:
        case BP_ACT_REPORT: break;
        }
    }
    bp_pool_check(w->pool);
}

static struct bp_claim claim(struct world *w) {
    uint32_t head = byte(w) % BLOCKS;
    struct bp_claim c = { .head = hash_of(head), .known = held_of(w, head) };
    uint8_t how = byte(w);
    c.has_td = (how & 1) != 0;
    c.has_number = (how & 2) != 0;
    c.td = bp_u256_from_u64(how & 4 ? 1000u + head : 1u + w->number[head]);
    c.number = w->number[head];
    return c;
}

static void join(struct world *w) {
    struct bp_event ev = { .type = BP_EV_PEER_JOINED };
    uint8_t who = byte(w);
    ev.u.joined.peer = 1 + who % PEERS;
    ev.u.joined.info.identity = hash_of(100 + who % PEERS + (who & 8));
    static const uint32_t caps[] = { BP_CAP_LINKS | BP_CAP_BLOCKS | BP_CAP_IDS,
                                     BP_CAP_HASHES | BP_CAP_BLOCKS,
                                     BP_CAP_LINKS | BP_CAP_BLOCKS,
                                     BP_CAP_BLOCKS };
    ev.u.joined.info.caps = caps[who >> 6];
    ev.u.joined.info.claim = claim(w);
    step(w, &ev);
}

static void peer_event(struct world *w, enum bp_event_type type) {
    struct bp_event ev = { .type = type };
    bp_peer_id id = 1 + byte(w) % PEERS;
    if (type == BP_EV_PEER_CLAIM) {
        ev.u.claim.peer = id;
        ev.u.claim.claim = claim(w);
    } else if (type == BP_EV_PEER_RANGE) {
        ev.u.range.peer = id;
        ev.u.range.earliest = byte(w) % 32;
        ev.u.range.latest = 60;
    } else if (type == BP_EV_PEER_OFFENCE) {
        ev.u.offence.peer = id;
        ev.u.offence.offence = BP_OFF_BAD_BYTES;
    } else {
        ev.u.left.peer = id;
    }
    step(w, &ev);
}

static void answer_links(struct world *w, uint32_t i, uint32_t n, uint8_t how) {
    struct bp_link links[64];
    uint32_t k = w->ask[i].origin, got = 0;
    if (how & 1) k = byte(w) % BLOCKS;
    struct bp_event ev = { .type = BP_EV_LINKS };
    ev.u.links.peer = w->ask[i].peer;
    ev.u.links.request = w->ask[i].id;
    ev.u.links.held_at = BP_NONE;
    while (got < n && got < 60 && k < BLOCKS) {
        links[got++] = link_of(w, k);
        if (k == 0) break;
        k = w->parent[k];
    }
    for (uint32_t j = got; j-- > 0;) {
        uint32_t b = links[j].hash.b[0];
        if (j + 1 == got && b != 0 && w->held[w->parent[b]]) {
            ev.u.links.held_at = got;
            ev.u.links.held = held_of(w, w->parent[b]);
        }
        if (!w->held[b]) continue;
        ev.u.links.held_at = j;
        ev.u.links.held = held_of(w, b);
    }
    ev.u.links.links = links;
    ev.u.links.n = got;
    step(w, &ev);
}

static void answer_hashes(struct world *w, uint32_t i, uint32_t n,
                          uint8_t how) {
    bp_hash hashes[64];
    uint32_t k = w->ask[i].origin, got = 0;
    if (how & 1) k = byte(w) % BLOCKS;
    struct bp_event ev = { .type = BP_EV_HASHES };
    ev.u.hashes.peer = w->ask[i].peer;
    ev.u.hashes.request = w->ask[i].id;
    ev.u.hashes.held_at = BP_NONE;
    while (got < n && got < 60 && k < BLOCKS && k != 0) {
        k = how & 2 ? byte(w) % BLOCKS : w->parent[k];
        if (w->held[k] && ev.u.hashes.held_at == BP_NONE) {
            ev.u.hashes.held_at = got;
            ev.u.hashes.held = held_of(w, k);
        }
        hashes[got++] = hash_of(k);
    }
    ev.u.hashes.hashes = hashes;
    ev.u.hashes.n = got;
    step(w, &ev);
}

static struct bp_delivery deliver(struct world *w, uint32_t k, bool whole) {
    struct bp_delivery d = { .hash = hash_of(k), .matched = true, .size = 100 };
    d.item = item(w);
    if (!whole) return d;
    d.has_link = true;
    d.link = link_of(w, k);
    if (k % 2) {
        release(w, d.link.item);
        d.link.item = 0;
    }
    d.known = held_of(w, k);
    if (k != 0) d.parent = held_of(w, w->parent[k]);
    return d;
}

static void answer_blocks(struct world *w, uint32_t i, uint32_t n,
                          uint8_t how) {
    struct bp_delivery d[17];
    uint32_t got = 0;
    for (uint32_t k = 0; k < w->ask[i].n && got < n; k++) {
        if ((how & 4) != 0 && k % 3 == 1) continue;
        d[got] = deliver(w, w->ask[i].want[k], w->ask[i].whole[k]);
        if ((how & 15) == 15 && k == 0) d[got].matched = false;
        got++;
    }
    struct bp_event ev = { .type = BP_EV_BLOCKS };
    ev.u.blocks.peer = w->ask[i].peer;
    ev.u.blocks.request = w->ask[i].id;
    ev.u.blocks.blocks = d;
    ev.u.blocks.n = got;
    step(w, &ev);
}

static void answer(struct world *w) {
    if (w->n_asks == 0) return;
    uint8_t how = byte(w), which = byte(w);
    uint32_t i = which % w->n_asks;
    if (how & 16) {
        struct bp_event ev = { .type = BP_EV_REPLY };
        ev.u.reply.peer = w->ask[i].peer;
        ev.u.reply.request = w->ask[i].id;
        ev.u.reply.bytes = 100;
        step(w, &ev);
    }
    uint32_t n = how & 32 ? byte(w) % 20 : 16;
    if (w->ask[i].type == BP_ACT_ASK_LINKS)
        answer_links(
            w, i, n < w->ask[i].count || (how & 64) ? n : w->ask[i].count, how);
    else if (w->ask[i].type == BP_ACT_ASK_HASHES)
        answer_hashes(
            w, i, n < w->ask[i].count || (how & 64) ? n : w->ask[i].count, how);
    else
        answer_blocks(w, i, n, how);
    if (how & 128) return; /* may be answered again */
    w->ask[i] = w->ask[--w->n_asks];
}

static void finish(struct world *w) {
    if (w->n_jobs == 0) return;
    uint8_t how = byte(w), where = byte(w);
    uint32_t i = where % w->n_jobs;
    struct bp_verdict v = { .kind = BP_VERDICT_OK, .n = w->job[i].n };
    if ((how & 3) == 3) {
        v.kind = (enum bp_verdict_kind)((how >> 2) & 3);
        v.n = where % (w->job[i].n + 1);
        v.part = how & 16 ? BP_PART_BODY : BP_PART_LINK;
        v.body_committed = (how & 32) != 0;
        v.not_before = w->now + where * 10u;
    }
    struct bp_event ev = { .type = BP_EV_CHECKED };
    if (w->job[i].insert) {
        ev.type = BP_EV_INSERTED;
        uint32_t head = 0;
        for (size_t k = 0; k < v.n; k++) w->held[w->job[i].block[k]] = true;
        for (uint32_t k = 0; k < BLOCKS; k++)
            if (w->held[k] && w->number[k] > w->number[head]) head = k;
        ev.u.inserted.job = w->job[i].id;
        ev.u.inserted.verdict = v;
        ev.u.inserted.head =
            (struct bp_chain_head){ hash_of(head), w->number[head],
                                    bp_u256_from_u64(1u + w->number[head]) };
    } else {
        ev.u.checked.job = w->job[i].id;
        ev.u.checked.verdict = v;
    }
    w->job[i] = w->job[--w->n_jobs];
    step(w, &ev);
}

static void push(struct world *w) {
    struct bp_event ev = { .type = BP_EV_PUSHED };
    ev.u.pushed.peer = 1 + byte(w) % PEERS;
    ev.u.pushed.block = deliver(w, byte(w) % BLOCKS, true);
    step(w, &ev);
}

static void announce(struct world *w) {
    struct bp_event ev = { .type = BP_EV_ANNOUNCED };
    uint8_t how = byte(w);
    uint32_t k = byte(w) % BLOCKS;
    ev.u.announced.peer = 1 + how % PEERS;
    ev.u.announced.hash = hash_of(k);
    ev.u.announced.has_number = (how & 64) != 0;
    ev.u.announced.number = w->number[k] + (how >> 7);
    ev.u.announced.known = held_of(w, k);
    step(w, &ev);
}

static void target(struct world *w) {
    struct bp_event ev = { .type = BP_EV_TARGET };
    uint8_t how = byte(w);
    uint32_t k = byte(w) % BLOCKS;
    ev.u.target.set = (how & 1) != 0;
    ev.u.target.hash = hash_of(k);
    ev.u.target.has_number = (how & 2) != 0;
    ev.u.target.number = w->number[k];
    ev.u.target.known = held_of(w, k);
    step(w, &ev);
}

static void one(struct world *w) {
    uint8_t op = byte(w) % 32;
    struct bp_event ev = { .type = BP_EV_TIME };
    if (op < 4) {
        join(w);
    } else if (op < 13) {
        answer(w);
    } else if (op < 22) {
        finish(w);
    } else if (op < 24) {
        w->now += byte(w) * 64u;
        step(w, &ev);
    } else if (op == 24) {
        bp_time t = bp_pool_deadline(w->pool);
        if (t != BP_TIME_NEVER && t > w->now) w->now = t;
        step(w, &ev);
    } else if (op == 25) {
        push(w);
    } else if (op == 26) {
        announce(w);
    } else if (op == 27) {
        peer_event(w, BP_EV_PEER_CLAIM);
    } else if (op == 28) {
        peer_event(w, byte(w) & 1 ? BP_EV_PEER_LEFT : BP_EV_PEER_RANGE);
    } else if (op == 29) {
        target(w);
    } else if (op == 30) {
        peer_event(w, BP_EV_PEER_OFFENCE);
    } else {
        ev.type = byte(w) & 1 ? BP_EV_RESET : BP_EV_PURGE;
        step(w, &ev);
    }
}

/* FUZZ_TRACE=1 shows what the engine decides. */
static void on_trace(void *user, const char *line) {
    (void)user;
    fprintf(stderr, "%s\n", line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct world w;
    if (size < 4 || size > 4096) return 0;
    memset(&w, 0, sizeof w);
    build(&w);
    struct bp_alloc alloc = { take, give, &w };
    struct bp_pool_config cfg = { .seed = data[0], .alloc = &alloc };
    cfg.genesis = hash_of(0);
    cfg.head = (struct bp_chain_head){ hash_of(0), 0, bp_u256_from_u64(1) };
    cfg.peers_max = 5;
    cfg.links_max = data[1] & 1 ? 64 : 512;
    cfg.window_bytes = data[1] & 2 ? 4096 : 65536;
    cfg.links_per_request = 1 + (data[1] >> 4);
    cfg.hashes_per_request = 1 + (data[1] >> 4);
    cfg.blocks_per_request = 16;
    cfg.insert_items_max = 16;
    cfg.check_links_max = 16;
    cfg.bad_hashes_max = 8;
    cfg.suspended_max = 2;
    cfg.announced_max = 4;
    cfg.pushed_max = 4;
    if (data[1] & 4) w.fail_at = data[2];
    if (getenv("FUZZ_TRACE") != NULL) cfg.trace = on_trace;
    w.at = data + 3;
    w.end = data + size;
    if (bp_pool_new(&w.pool, &cfg) == 0) {
        char why[256];
        while (w.at < w.end) one(&w);
        bp_pool_why(w.pool, why, sizeof why);
        bp_pool_free(w.pool, release, &w);
    }
    if (w.bytes != 0) abort();
    for (uint32_t i = 1; i <= w.n_items; i++)
        if (w.live[i] != 2) abort();
    return 0;
}
