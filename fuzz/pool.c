/* pool: a script of events, from bytes, over a small world of blocks with
   forks, invalid ones among them.

   In half of the inputs the host keeps its promises and two of the peers are
   honest: then nobody may accuse these. In the other half the host is careless
   as well: it repeats results, contradicts itself, sends numbers at the end of
   their range. Allocations fail in either. Laws: every action is allowed by
   pool.h (contract.h), every item is released exactly once, memory stays under
   the bound, a pool with nothing to do does not ask to be stepped again, and
   bp_pool_check holds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "blockpool/pool.h"
#include "contract.h"

#define BLOCKS      96
#define PLACES      5 /* at which sessions come and go; the first two honest */
#define HONEST      2
#define JOBS        4   /* in flight, at most */
#define CHECK_EVERY 16  /* steps */
#define SCRIPT_MAX  256 /* bytes; what follows is not read */

enum fate { GOOD, BAD_SEAL, BAD_LINK, BAD_BODY };

struct ask {
    enum bp_action_type type;
    bp_peer_id peer;
    bp_req_id id;
    uint8_t origin;
    uint32_t count, n;
    uint8_t want[16];
    bool whole[16];
};

struct job {
    bp_job_id id;
    bool insert, probe;
    uint32_t n;
    uint8_t block[16];
};

struct world {
    struct bp_pool *pool;
    struct bp_pool_config cfg;
    struct arena arena;
    struct contract contract;
    const uint8_t *at, *end;
    bool careless;
    bp_time now;
    uint64_t bound;
    uint32_t steps;
    uint8_t parent[BLOCKS];
    uint64_t number[BLOCKS];
    bp_u256 td[BLOCKS];
    enum fate fate[BLOCKS];
    bool pure[BLOCKS]; /* it and all its ancestors are good */
    bool held[BLOCKS];
    struct bp_chain_head head;
    bp_peer_id session[PLACES], sessions; /* 0: nobody */
    uint8_t claimed[PLACES];              /* head of the peer there */
    uint8_t caps[PLACES];
    struct ask ask[32];
    uint32_t n_asks;
    struct job job[JOBS], last; /* last: the one that ended last */
    uint32_t n_jobs;
};

static uint8_t byte(struct world *w) {
    return w->at < w->end ? *w->at++ : 0;
}

/* Now and then, and only of a careless host. */
static bool careless(struct world *w) {
    return w->careless && byte(w) % 8 == 7;
}

static const uint64_t odd_numbers[] = { 0,          1,
                                        UINT64_MAX, UINT64_MAX - 1,
                                        1ull << 63, UINT32_MAX };
#define ODD_NUMBERS (sizeof odd_numbers / sizeof *odd_numbers)

static uint64_t odd_number(struct world *w) {
    return odd_numbers[byte(w) % ODD_NUMBERS];
}

/* ---- the blocks ---------------------------------------------------------- */

static bp_hash hash_of(uint32_t k) {
    bp_hash h;
    memset(&h, (int)(k * 37 + 1), sizeof h);
    h.b[0] = (uint8_t)k;
    return h;
}

static bp_u256 difficulty_of(uint32_t k) {
    bp_u256 d = bp_u256_from_u64(1 + k % 3);
    if (k % 17 == 16) d.w[1] = k;
    if (k == 70) d.w[0] = d.w[1] = UINT64_MAX; /* the most that is legal */
    if (k == 90) d.w[2] = 1;                   /* more than that */
    return d;
}

static enum fate fate_of(uint32_t k) {
    if (k == 90 || k == 80) return BAD_LINK;
    if (k % 29 == 19) return BAD_SEAL;
    if (k % 29 == 25) return BAD_LINK;
    return k % 29 == 11 && k % 5 != 0 ? BAD_BODY : GOOD;
}

/* Block k stands on one of the four before it, mostly the last. */
static void build(struct world *w, uint64_t first, bool heavy) {
    w->held[0] = w->pure[0] = true;
    w->number[0] = first;
    w->td[0] = bp_u256_from_u64(1);
    if (heavy)
        for (int i = 0; i < 4; i++) w->td[0].w[i] = UINT64_MAX - (i == 0) * 70;
    for (uint32_t k = 1; k < BLOCKS; k++) {
        uint32_t back = k % 7 == 3 && k > 4 ? 4 : k % 11 == 5 && k > 2 ? 2 : 1;
        bp_u256 d = difficulty_of(k);
        w->parent[k] = (uint8_t)(k - back);
        w->number[k] = w->number[k - back] + 1;
        w->fate[k] = fate_of(k);
        bool over = bp_u256_add(&w->td[k], &w->td[k - back], &d);
        w->pure[k] = !over && w->fate[k] == GOOD && w->pure[k - back] &&
                     w->number[k] > w->number[k - back] &&
                     w->number[k] != UINT64_MAX;
    }
    w->head = (struct bp_chain_head){ hash_of(0), w->number[0], w->td[0] };
}

static struct bp_held held_of(struct world *w, uint32_t k) {
    struct bp_held h = { 0 };
    if (k < BLOCKS && w->held[k])
        h = (struct bp_held){ true, w->number[k], w->td[k] };
    if (careless(w)) h.number = odd_number(w);
    return h;
}

static struct bp_link link_of(struct world *w, uint32_t k) {
    struct bp_link l = { .hash = hash_of(k), .size = 10 };
    l.item = contract_item(&w->contract);
    l.parent = hash_of(k == 0 ? 200 : w->parent[k]);
    l.number = w->number[k] + (k == 80 ? 3 : 0);
    l.difficulty = difficulty_of(k);
    if (k % 5 == 0) l.flags = BP_LINK_EMPTY;
    if (!w->careless || k == 0) return l;
    /* Always the same ones: a hash stands for one header. And none that stands
       on itself. */
    if (k % 23 == w->cfg.seed % 23) l.number = odd_numbers[k % ODD_NUMBERS];
    if (k % 19 == w->cfg.seed % 19) l.parent = hash_of(k / 2);
    return l;
}

static bool below(const struct world *w, uint32_t k, uint32_t head) {
    while (head > k && head < BLOCKS) head = w->parent[head];
    return head == k;
}

/* ---- peers --------------------------------------------------------------- */

/* Where the session is, or PLACES. */
static uint32_t place_of(const struct world *w, bp_peer_id id) {
    uint32_t i = 0;
    while (i < PLACES && w->session[i] != id) i++;
    return i;
}

static bool honest(const struct world *w, bp_peer_id id) {
    return !w->careless && place_of(w, id) < HONEST;
}

/* The peer gives blocks of the chain below its head, if it is honest; others
   give what they like. */
static bool gives(const struct world *w, bp_peer_id id, uint32_t k) {
    return !honest(w, id) || below(w, k, w->claimed[place_of(w, id)]);
}

static bp_peer_id somebody(struct world *w) {
    bp_peer_id id = w->session[byte(w) % PLACES];
    if (careless(w)) id = 1u + byte(w) % (CONTRACT_SESSIONS - 2);
    return id;
}

/* ---- steps --------------------------------------------------------------- */

static void keep_ask(struct world *w, const struct bp_action *a) {
    if (w->n_asks == 32) return;
    struct ask *k = &w->ask[w->n_asks++];
    *k = (struct ask){ .type = a->type };
    if (a->type == BP_ACT_ASK_LINKS) {
        k->peer = a->u.ask_links.peer;
        k->id = a->u.ask_links.request;
        k->origin = a->u.ask_links.hash.b[0];
        k->count = a->u.ask_links.count;
    } else if (a->type == BP_ACT_ASK_HASHES) {
        k->peer = a->u.ask_hashes.peer;
        k->id = a->u.ask_hashes.request;
        k->origin = a->u.ask_hashes.from.b[0];
        k->count = a->u.ask_hashes.count;
    } else {
        k->peer = a->u.ask_blocks.peer;
        k->id = a->u.ask_blocks.request;
        for (size_t i = 0; i < a->u.ask_blocks.n; i++, k->n++) {
            k->want[i] = a->u.ask_blocks.wants[i].hash.b[0];
            k->whole[i] = a->u.ask_blocks.wants[i].item == 0;
        }
    }
}

static void keep_job(struct world *w, const struct bp_action *a) {
    fuzz_law(w->n_jobs < JOBS);
    struct job *job = &w->job[w->n_jobs++];
    *job = (struct job){ .insert = a->type == BP_ACT_INSERT };
    job->probe = !job->insert && a->u.check.kind == BP_CHECK_PROBE;
    job->id = job->insert ? a->u.insert.job : a->u.check.job;
    job->n = (uint32_t)(job->insert ? a->u.insert.n : a->u.check.n);
    for (uint32_t i = 0; i < job->n; i++)
        job->block[i] = job->insert ? a->u.insert.items[i].hash.b[0]
                                    : a->u.check.hashes[i].b[0];
}

/* The session is over, and what was asked of it. */
static void end_session(struct world *w, bp_peer_id id) {
    uint32_t place = place_of(w, id);
    if (place < PLACES) w->session[place] = 0;
}

static void act(struct world *w, const struct bp_action *a) {
    switch (a->type) {
    case BP_ACT_ASK_LINKS:
    case BP_ACT_ASK_HASHES:
    case BP_ACT_ASK_BLOCKS: keep_ask(w, a); return;
    case BP_ACT_CHECK:
    case BP_ACT_INSERT: keep_job(w, a); return;
    case BP_ACT_BLAME:
        if (w->cfg.trace != NULL)
            fprintf(stderr, "peer %llu: %s, block %u, number %llu\n",
                    (unsigned long long)a->u.blame.peer,
                    bp_offence_name(a->u.blame.offence), a->u.blame.hash.b[0],
                    (unsigned long long)a->u.blame.number);
        if (a->u.blame.end) end_session(w, a->u.blame.peer);
        return;
    case BP_ACT_RELEASE:
    case BP_ACT_REPORT: return;
    }
}

static void step(struct world *w, const struct bp_event *ev) {
    struct bp_action a;
    if (w->cfg.trace != NULL)
        fprintf(stderr, "event %d at %llu\n", (int)ev->type,
                (unsigned long long)w->now);
    contract_event(&w->contract, ev, w->now);
    bp_pool_step(w->pool, ev, w->now);
    while (bp_pool_next(w->pool, &a)) {
        act(w, &a);
        contract_action(&w->contract, &a);
    }
    fuzz_law(w->arena.taken == bp_pool_memory(w->pool));
    fuzz_law(w->arena.taken <= w->bound);
    if (++w->steps % CHECK_EVERY == 0) bp_pool_check(w->pool);
}

/* Time stands still: soon there is nothing more to do at this moment. */
static void settle(struct world *w) {
    struct bp_event ev = { .type = BP_EV_TIME };
    for (int i = 0; bp_pool_deadline(w->pool) <= w->now; i++) {
        fuzz_law(i < 64);
        step(w, &ev);
    }
}

/* ---- what peers say ------------------------------------------------------ */

static struct bp_claim claim(struct world *w, uint32_t place) {
    uint32_t head = byte(w) % BLOCKS;
    uint8_t how = byte(w);
    if (place < HONEST && !w->careless) {
        how &= 3;
        while (!w->pure[head]) head = w->parent[head];
    }
    w->claimed[place] = (uint8_t)head;
    struct bp_claim c = { .head = hash_of(head), .known = held_of(w, head) };
    c.has_td = (how & 1) != 0;
    c.has_number = (how & 2) != 0;
    c.td = w->td[head];
    c.number = w->number[head];
    if (how & 4) c.td.w[how >> 6] = UINT64_MAX;
    if (how & 8) c.number = odd_number(w);
    return c;
}

static void join(struct world *w) {
    struct bp_event ev = { .type = BP_EV_PEER_JOINED };
    uint8_t who = byte(w), most = byte(w);
    uint32_t place = who % PLACES;
    if (w->session[place] != 0 && !careless(w)) return;
    if (w->sessions + 3 > CONTRACT_SESSIONS) return;
    bp_peer_id id = ++w->sessions;
    if (id == CONTRACT_SESSIONS - 2) id = UINT64_MAX;
    if (careless(w)) id = 1 + byte(w) % id; /* used before */
    static const uint32_t caps[] = { BP_CAP_LINKS | BP_CAP_BLOCKS | BP_CAP_IDS,
                                     BP_CAP_HASHES | BP_CAP_BLOCKS,
                                     BP_CAP_LINKS | BP_CAP_BLOCKS,
                                     BP_CAP_BLOCKS };
    struct bp_peer_info *info = &ev.u.joined.info;
    ev.u.joined.peer = id;
    info->identity = hash_of(100 + place + (who & 64 ? 20 : 0));
    info->caps = caps[who >> 4 & 3];
    info->links_max = most & 1 ? most >> 5 : 0;
    info->hashes_max = most & 2 ? most >> 5 : 0;
    info->blocks_max = most & 4 ? most >> 5 : 0;
    info->has_range = (most & 24) == 24;
    info->latest = w->number[0] + (most >> 3);
    info->claim = claim(w, place);
    w->session[place] = id;
    w->contract.session[id % CONTRACT_SESSIONS].honest = honest(w, id);
    step(w, &ev);
}

static void peer_event(struct world *w, enum bp_event_type type) {
    struct bp_event ev = { .type = type };
    uint32_t place = byte(w) % PLACES;
    bp_peer_id id = w->session[place];
    if (id == 0) return;
    if (type == BP_EV_PEER_CLAIM) {
        ev.u.claim.peer = id;
        ev.u.claim.claim = claim(w, place);
    } else if (type == BP_EV_PEER_RANGE) {
        ev.u.range.peer = id;
        ev.u.range.earliest = w->number[0] + byte(w) % 32;
        ev.u.range.latest = w->number[0] + 60;
        if (careless(w)) ev.u.range.latest = odd_number(w);
    } else if (type == BP_EV_PEER_OFFENCE) {
        if (honest(w, id)) return;
        ev.u.offence.peer = id;
        ev.u.offence.offence = BP_OFF_BAD_BYTES;
        if (byte(w) & 1) ev.u.offence.offence = BP_OFF_LATE;
    } else {
        ev.u.left.peer = id;
        w->session[place] = 0;
    }
    step(w, &ev);
}

static void announce(struct world *w) {
    struct bp_event ev = { .type = BP_EV_ANNOUNCED };
    bp_peer_id id = somebody(w);
    uint8_t how = byte(w);
    uint32_t k = byte(w) % 128;
    if (honest(w, id)) k = w->claimed[place_of(w, id)], how &= 127;
    ev.u.announced.peer = id;
    ev.u.announced.hash = hash_of(k);
    ev.u.announced.has_number = (how & 64) != 0;
    ev.u.announced.number = k < BLOCKS ? w->number[k] + (how >> 7) : how;
    if (careless(w)) ev.u.announced.number = odd_number(w);
    ev.u.announced.known = held_of(w, k);
    step(w, &ev);
}

/* ---- what peers answer --------------------------------------------------- */

/* What the host's chain says of the list. */
static size_t held_at(struct world *w, const struct bp_link *links, size_t n,
                      struct bp_held *held) {
    size_t at = BP_NONE;
    for (size_t i = 0; i < n && at == BP_NONE; i++) {
        *held = held_of(w, links[i].hash.b[0]);
        if (held->held) at = i;
    }
    if (n > 0 && at == BP_NONE) {
        *held = held_of(w, links[n - 1].parent.b[0]);
        if (held->held) at = n;
    }
    return careless(w) ? byte(w) % (n + 3) : at;
}

static void answer_links(struct world *w, const struct ask *a, uint32_t n,
                         uint8_t how) {
    struct bp_link links[64];
    uint32_t k = a->origin, got = 0;
    if ((how & 1) != 0 && !honest(w, a->peer)) k = byte(w) % BLOCKS;
    struct bp_event ev = { .type = BP_EV_LINKS };
    while (got < n && k < BLOCKS && gives(w, a->peer, k)) {
        links[got] = link_of(w, k);
        k = links[got++].parent.b[0];
    }
    ev.u.links = (struct bp_ev_links){ a->peer, a->id, links, got, 0, { 0 } };
    ev.u.links.held_at = held_at(w, links, got, &ev.u.links.held);
    step(w, &ev);
}

static void answer_hashes(struct world *w, const struct ask *a, uint32_t n,
                          uint8_t how) {
    bp_hash hashes[64];
    uint32_t k = a->origin, got = 0;
    bool lies = (how & 2) != 0 && !honest(w, a->peer);
    struct bp_event ev = { .type = BP_EV_HASHES };
    struct bp_ev_hashes *list = &ev.u.hashes;
    *list = (struct bp_ev_hashes){ a->peer, a->id, hashes, 0, BP_NONE, { 0 } };
    if (!gives(w, a->peer, k)) n = 0;
    while (got < n && k < BLOCKS && k != 0) {
        k = lies ? byte(w) % BLOCKS : w->parent[k];
        if (list->held_at == BP_NONE) {
            list->held = held_of(w, k);
            if (list->held.held) list->held_at = got;
        }
        hashes[got++] = hash_of(k);
    }
    list->n = got;
    if (careless(w)) list->held_at = byte(w) % (got + 3);
    step(w, &ev);
}

static struct bp_delivery deliver(struct world *w, uint32_t k, bool whole) {
    struct bp_delivery d = { .hash = hash_of(k), .matched = true };
    d.item = contract_item(&w->contract);
    d.size = 100 + 50 * (k % 13);
    if (careless(w)) d.size = (uint32_t)byte(w) << 12;
    if (!whole) return d;
    d.has_link = true;
    d.link = link_of(w, k);
    if (k % 2 && d.item != 0) {
        if (d.link.item == w->contract.n_items) w->contract.n_items--;
        d.link.item = 0;
    }
    d.known = held_of(w, k);
    if (k != 0) d.parent = held_of(w, d.link.parent.b[0]);
    return d;
}

static void answer_blocks(struct world *w, const struct ask *a, uint32_t n,
                          uint8_t how) {
    struct bp_delivery d[17];
    uint32_t got = 0;
    bool lies = !honest(w, a->peer);
    for (uint32_t i = 0; i < a->n && got < n; i++) {
        uint32_t k = a->want[i];
        if (((how & 4) != 0 && i % 3 == 1) || !gives(w, a->peer, k)) continue;
        if (lies && a->whole[i] && (how & 3) == 3) k = byte(w);
        if (k >= BLOCKS) continue; /* a hash that was made up */
        d[got] = deliver(w, k, a->whole[i]);
        if (lies && (how & 11) == 11 && !a->whole[i] && i == 0)
            d[got].matched = false;
        got++;
    }
    struct bp_event ev = { .type = BP_EV_BLOCKS };
    ev.u.blocks = (struct bp_ev_blocks){ a->peer, a->id, d, got };
    step(w, &ev);
}

static void answer(struct world *w) {
    if (w->n_asks == 0) return;
    uint8_t how = byte(w), which = byte(w);
    uint32_t i = which % w->n_asks;
    struct ask a = w->ask[i];
    if (how & 16) {
        struct bp_event ev = { .type = BP_EV_REPLY };
        ev.u.reply = (struct bp_ev_reply){ a.peer, a.id, 100 };
        step(w, &ev);
        if (careless(w)) a.type = BP_ACT_ASK_LINKS + byte(w) % 3;
    }
    uint32_t n = how & 32 ? byte(w) % 20 : 16;
    if (a.type != BP_ACT_ASK_BLOCKS && n > a.count && !careless(w)) n = a.count;
    if (a.type == BP_ACT_ASK_LINKS)
        answer_links(w, &a, n, how);
    else if (a.type == BP_ACT_ASK_HASHES)
        answer_hashes(w, &a, n, how);
    else
        answer_blocks(w, &a, n, how);
    /* It may come once more, from one that is not honest. */
    if ((how & 128) != 0 && !honest(w, a.peer)) return;
    for (i = 0; i < w->n_asks && w->ask[i].id != a.id; i++) continue;
    if (i < w->n_asks) w->ask[i] = w->ask[--w->n_asks];
}

static void push(struct world *w) {
    struct bp_event ev = { .type = BP_EV_PUSHED };
    bp_peer_id id = somebody(w);
    uint32_t k = byte(w) % BLOCKS;
    if (honest(w, id)) k = w->claimed[place_of(w, id)];
    ev.u.pushed.peer = id;
    ev.u.pushed.block = deliver(w, k, true);
    ev.u.pushed.has_td = k % 4 == 0;
    ev.u.pushed.td = w->td[k];
    if (careless(w)) ev.u.pushed.td.w[byte(w) % 4] = odd_number(w);
    step(w, &ev);
}

/* ---- what the host says -------------------------------------------------- */

static void hold(struct world *w, uint32_t k) {
    w->held[k] = true;
    if (bp_u256_cmp(&w->td[k], &w->head.td) > 0)
        w->head = (struct bp_chain_head){ hash_of(k), w->number[k], w->td[k] };
}

/* The first block of a job that is not what it should be. */
static uint32_t first_bad(const struct world *w, const struct job *job) {
    uint32_t i = 0;
    for (; i < job->n; i++) {
        enum fate fate = w->fate[job->block[i]];
        if (fate == BAD_SEAL || (fate == BAD_LINK && !job->probe) ||
            (fate == BAD_BODY && job->insert))
            break;
    }
    return i;
}

static struct bp_verdict verdict(struct world *w, const struct job *job) {
    uint8_t how = byte(w);
    struct bp_verdict v = { .kind = BP_VERDICT_OK };
    v.n = first_bad(w, job);
    if (v.n < job->n) {
        v.kind = BP_VERDICT_INVALID;
        v.part =
            w->fate[job->block[v.n]] == BAD_BODY ? BP_PART_BODY : BP_PART_LINK;
        v.body_committed = true;
    }
    if ((how & 7) == 7) {
        v.n = v.n * (how >> 3) / 32;
        v.kind = how & 8 ? BP_VERDICT_LATER : BP_VERDICT_FAILED;
        v.not_before = w->now + 1 + (how >> 4) * 300u;
    }
    if (!careless(w)) return v;
    how = byte(w);
    v.kind = (enum bp_verdict_kind)(how & 3);
    v.part = how & 4 ? BP_PART_BODY : BP_PART_LINK;
    v.body_committed = (how & 8) != 0;
    v.n = (how >> 4) % (job->n + 2);
    v.not_before = odd_number(w);
    return v;
}

static void give_result(struct world *w, const struct job *job) {
    struct bp_event ev = { .type = BP_EV_CHECKED };
    struct bp_verdict v = verdict(w, job);
    if (job->insert) {
        for (size_t i = 0; i < v.n && i < job->n; i++) hold(w, job->block[i]);
        ev.type = BP_EV_INSERTED;
        ev.u.inserted.job = job->id;
        ev.u.inserted.verdict = v;
        ev.u.inserted.head = w->head;
    } else {
        ev.u.checked.job = job->id;
        ev.u.checked.verdict = v;
    }
    w->last = *job;
    step(w, &ev);
}

static void finish(struct world *w) {
    if (careless(w)) { /* once more, or one that never was */
        struct job job = w->last;
        if (byte(w) & 1) job.insert = !job.insert;
        if (byte(w) & 1) job.id = odd_number(w);
        give_result(w, &job);
        return;
    }
    if (w->n_jobs == 0) return;
    uint32_t i = byte(w) % w->n_jobs;
    struct job job = w->job[i];
    w->job[i] = w->job[--w->n_jobs];
    give_result(w, &job);
}

/* The host got a block otherwise, or went back. */
static void chain(struct world *w) {
    struct bp_event ev = { .type = BP_EV_CHAIN };
    uint32_t k = byte(w) % BLOCKS;
    ev.u.chain.before = w->head;
    if (w->pure[k] && w->held[w->parent[k]]) {
        hold(w, k);
    } else if (w->held[k]) {
        w->head = (struct bp_chain_head){ hash_of(k), w->number[k], w->td[k] };
    } else if (!careless(w)) {
        return;
    }
    ev.u.chain.head = w->head;
    ev.u.chain.ancestor = hash_of(0);
    ev.u.chain.ancestor_number = w->number[0];
    step(w, &ev);
}

static void target(struct world *w) {
    struct bp_event ev = { .type = BP_EV_TARGET };
    uint8_t how = byte(w);
    uint32_t k = byte(w) % 128;
    ev.u.target.set = (how & 1) != 0;
    ev.u.target.hash = hash_of(k);
    ev.u.target.has_number = (how & 2) != 0;
    ev.u.target.number = k < BLOCKS ? w->number[k] : odd_number(w);
    ev.u.target.known = held_of(w, k);
    step(w, &ev);
}

static void start_over(struct world *w) {
    struct bp_event ev = { .type = BP_EV_PURGE };
    if (byte(w) & 1) {
        ev.type = BP_EV_RESET;
        memset(w->session, 0, sizeof w->session);
    }
    step(w, &ev);
}

static void pass(struct world *w, bool far) {
    struct bp_event ev = { .type = BP_EV_TIME };
    bp_time t = bp_pool_deadline(w->pool);
    if (!far)
        w->now += byte(w) * 64u;
    else if (t != BP_TIME_NEVER && t > w->now)
        w->now = t;
    uint8_t back = careless(w) ? byte(w) : 0;
    w->now -= back < w->now ? back : 0;
    step(w, &ev);
    if (far) settle(w);
}

static void one(struct world *w) {
    uint8_t op = byte(w) % 32;
    if (op < 4)
        join(w);
    else if (op < 13)
        answer(w);
    else if (op < 20)
        finish(w);
    else if (op < 24)
        pass(w, op < 22);
    else if (op == 24)
        chain(w);
    else if (op == 25)
        push(w);
    else if (op == 26)
        announce(w);
    else if (op == 27)
        peer_event(w, BP_EV_PEER_CLAIM);
    else if (op == 28)
        peer_event(w, byte(w) & 1 ? BP_EV_PEER_LEFT : BP_EV_PEER_RANGE);
    else if (op == 29)
        target(w);
    else if (op == 30)
        peer_event(w, BP_EV_PEER_OFFENCE);
    else
        start_over(w);
}

/* ---- the run ------------------------------------------------------------- */

/* FUZZ_TRACE=1 shows what the engine decides. */
static void on_trace(void *user, const char *line) {
    (void)user;
    fprintf(stderr, "%s\n", line);
}

static void configure(struct world *w, const uint8_t *data,
                      const struct bp_alloc *alloc) {
    uint64_t first = data[3] & 4 ? UINT64_MAX - 20 : 0;
    w->careless = (data[1] & 1) != 0;
    /* Sums that overflow stand for no chain that could be. */
    build(w, first, w->careless && (data[3] & 1) != 0);
    w->cfg = (struct bp_pool_config){
        .seed = data[0],
        .alloc = alloc,
        .genesis = hash_of(0),
        .head = w->head,
        .probe_below = data[3] & 8 ? 24 : 0,
        .peers_max = 4,
        .links_max = data[1] & 2 ? 64 : 256,
        .window_bytes = data[1] & 4 ? 4096 : 65536,
        .workers = 1 + (data[3] >> 4 & 1),
        .replies_max = 4,
        .links_per_request = 1 + (data[1] >> 4),
        .hashes_per_request = 1 + (data[1] >> 4),
        .blocks_per_request = 8,
        .insert_items_max = 16,
        .check_links_max = 16,
        .bad_hashes_max = 8,
        .suspended_max = 2,
        .announced_max = 4,
        .pushed_max = 4,
    };
    if (getenv("FUZZ_TRACE") != NULL) w->cfg.trace = on_trace;
    if ((data[1] & 8) == 0) return;
    w->arena.fail_at = 1u + data[2];
    w->arena.fail_on = (data[3] & 2) != 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct world w;
    static uint8_t *base;
    if (size < 5) return 0;
    if (size > SCRIPT_MAX) size = SCRIPT_MAX;
    if (base == NULL) {
        base = malloc(ARENA_BYTES);
        if (base == NULL) return 0;
        arena_close(base, ARENA_BYTES);
    }
    memset(&w, 0, sizeof w);
    arena_begin(&w.arena, base);
    struct bp_alloc alloc = { arena_take, arena_give, &w.arena };
    configure(&w, data, &alloc);
    w.bound = bp_pool_bound(&w.cfg);
    contract_begin(&w.contract, &w.cfg);
    w.at = data + 4;
    w.end = data + size;
    if (bp_pool_new(&w.pool, &w.cfg) == 0) {
        char why[256];
        while (w.at < w.end && w.contract.n_items + 256 < CONTRACT_ITEMS)
            one(&w);
        bp_pool_check(w.pool);
        bp_pool_why(w.pool, why, sizeof why);
        bp_pool_free(w.pool, contract_release, &w.contract);
    }
    contract_end(&w.contract);
    fuzz_law(w.arena.taken == 0);
    arena_close(base, w.arena.used);
    return 0;
}
