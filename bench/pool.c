/* pool: the engine's own cost, what it holds, and how long it takes against
   peers in virtual time. The toy host of tests/lib/scene plays the network;
   its work is not counted. */
#ifdef HAVE_UTHASH
#include <uthash.h>
#endif

#include "lib/bench.h"
#include "lib/scene.h"

static const char *const name = "pool";

static void world(struct scene *s, uint32_t last,
                  const struct bp_pool_config *cfg) {
    scene_prepare(s, cfg);
    if (cfg == NULL) s->cfg.links_max = 1000000; /* the pool's default */
    s->no_check = true;
    scene_chain(s, 1, last, 7);
}

static void ready(struct scene *s) {
    if (scene_make_pool(s) != 0) abort();
}

static void finish(struct scene *s, uint32_t head) {
    scene_settle(s, 100ull * 3600 * 1000);
    if (s->head != head) {
        char why[256];
        bp_pool_why(s->pool, why, sizeof why);
        fprintf(stderr, "head is %u, not %u: %s\n", s->head, head, why);
        abort();
    }
}

/* ---- CPU and memory ------------------------------------------------------ */

#ifdef HAVE_UTHASH
struct key {
    uint8_t hash[32];
    UT_hash_handle hh;
};

static double uthash_million(void) {
    enum { N = 1000000 };
    struct key *keys = calloc(N, sizeof *keys), *table = NULL, *found;
    for (uint32_t i = 0; i < N; i++) {
        bp_hash h = scene_hash(i);
        memcpy(keys[i].hash, h.b, 32);
    }
    double t = bench_cpu_s();
    for (uint32_t i = 0; i < N; i++) HASH_ADD(hh, table, hash, 32, &keys[i]);
    for (uint32_t i = 0; i < N; i++) {
        HASH_FIND(hh, table, keys[i].hash, 32, found);
        if (found != &keys[i]) abort();
    }
    for (uint32_t i = 0; i < N; i++) HASH_DEL(table, &keys[i]);
    t = bench_cpu_s() - t;
    free(keys);
    return t;
}
#endif

static void cpu_million(void) {
    struct scene s;
    world(&s, 1000000, &(struct bp_pool_config){ .links_max = 1000000 });
    s.measure = true;
    for (uint32_t id = 1; id <= 1000000; id++) s.block[id].body = 500;
    ready(&s);
    scene_join(&s, 1, 1000000);
    finish(&s, 1000000);
    struct bp_pool_status st = scene_status(&s);
#ifdef HAVE_UTHASH
    bench_json_ref(name, "cpu_s_1m", s.engine_s, "s", uthash_million());
#else
    bench_json(name, "cpu_s_1m", s.engine_s, "s");
#endif
    bench_json(name, "duplicates_1m", (double)st.duplicates, "blocks");
    scene_close(&s);
}

static uint64_t at_million;

static void note_million(struct scene *s) {
    struct bp_pool_status st = scene_status(s);
    if (st.links_held == 1000000) at_million = bp_pool_memory(s->pool);
}

/* What the pool holds at 1,000,000 pending links, with tables sized for just
   that many; the window and what belongs to peers included. The chain comes
   in pieces, each joining the one before, while the host checks nothing. */
static void bytes_per_link(void) {
    struct scene s;
    world(&s, 1000000, &(struct bp_pool_config){ .links_max = 1000704 });
    s.hold_jobs = true;
    ready(&s);
    s.after_step = note_million;
    scene_join(&s, 1, 100000);
    for (uint32_t head = 200000; head <= 1100000; head += 100000) {
        scene_run(&s, 1);
        if (head <= 1000000) scene_claim(&s, 1, head);
    }
    if (scene_status(&s).links_held != 1000000) abort();
    bench_json(name, "bytes_per_link", (double)at_million / 1e6, "bytes");
    scene_close(&s);
}

/* ---- virtual time -------------------------------------------------------- */

static bp_time joined_at;

static void note_joined(struct scene *s) {
    if (joined_at == 0 && s->n_reports[BP_REPORT_JOINED] > 0)
        joined_at = s->now;
}

static void rtt_bench(const char *what, uint32_t caps, double per_reply,
                      double factor) {
    struct scene s;
    world(&s, 100000, NULL);
    s.cfg.links_max = 1000000;
    s.caps = caps;
    ready(&s);
    joined_at = 0;
    s.after_step = note_joined;
    scene_peer(&s, 1)->latency = 50;
    scene_join(&s, 1, 100000);
    finish(&s, 100000);
    double serial = 100000 / per_reply * 0.050;
    bench_json_ref(name, what, (double)joined_at / 1000.0, "s", serial);
    if ((double)joined_at / 1000.0 > serial * factor)
        fprintf(stderr, "%s is over %.2f x the serial bound\n", what, factor);
    if (scene_status(&s).duplicates != 0 || s.n_blames != 0)
        fprintf(stderr, "%s: %zu blames\n", what, s.n_blames);
    scene_close(&s);
}

static void bandwidth(void) {
    struct scene s;
    world(&s, 10000, NULL);
    s.link_bytes = 100;
    for (uint32_t id = 1; id <= 10000; id++) s.block[id].body = 1024;
    ready(&s);
    for (uint32_t i = 1; i <= 8; i++) {
        scene_peer(&s, i)->latency = 20;
        scene_peer(&s, i)->rate = 1000000;
    }
    for (uint32_t i = 1; i <= 8; i++) scene_join(&s, i, 10000);
    finish(&s, 10000);
    double least = 10000.0 * (1024 + 100) / 8e6;
    bench_json_ref(name, "bandwidth_8x1MBps_s", (double)s.now / 1000.0, "s",
                   least);
    bench_json(name, "bandwidth_8x1MBps_ratio", (double)s.now / 1000.0 / least,
               "");
    bench_json(name, "duplicates_clean", (double)scene_status(&s).duplicates,
               "blocks");
    scene_close(&s);
}

/* ---- adversity ----------------------------------------------------------- */

enum trouble { NONE, SILENT, LEAVES, FORK_SWITCH, HEAVIER_JOINS };

static double with_trouble(enum trouble what) {
    struct scene s;
    world(&s, 20000, NULL);
    scene_block(&s, 20001, 15000, what == FORK_SWITCH ? 100 : 1);
    scene_chain(&s, 20002, 24000, 100);
    ready(&s);
    for (uint32_t i = 1; i <= 5; i++) {
        scene_peer(&s, i)->latency = 50;
        scene_peer(&s, i)->rate = 1000000;
    }
    uint32_t goal = 20000;
    if (what == SILENT) {
        scene_peer(&s, 5)->silent = true;
        scene_join_td(&s, 5, 20000, 1u << 30);
    }
    if (what == LEAVES) scene_join_td(&s, 5, 20000, 1u << 30);
    for (uint32_t i = 1; i <= 3; i++) scene_join(&s, i, 20000);
    scene_run(&s, 2000);
    if (what == LEAVES) scene_leave(&s, 5);
    if (what == FORK_SWITCH || what == HEAVIER_JOINS) {
        scene_join(&s, 4, 24000);
        goal = 24000;
    }
    while (s.head != goal && s.now < 1000000) scene_run(&s, 10);
    double t = (double)s.now / 1000.0;
    scene_close(&s);
    return t;
}

static void adversity(void) {
    static const struct {
        const char *name;
        enum trouble what;
    } list[] = { { "adverse_silent_extra_s", SILENT },
                 { "adverse_leaves_extra_s", LEAVES },
                 { "adverse_fork_extra_s", FORK_SWITCH },
                 { "adverse_heavier_extra_s", HEAVIER_JOINS } };
    double plain = with_trouble(NONE);
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        bench_json(name, list[i].name, with_trouble(list[i].what) - plain, "s");
}

/* ---- spam ---------------------------------------------------------------- */

static uint32_t invented;

/* A peer that answers everything with made-up hashes, or with headers that it
   makes up on the way. */
static void spam_answer(struct scene *s, size_t k, bool headers) {
    struct scene_ask *a = &scene_peer(s, 9)->asks[k];
    if (!headers) {
        if (a->type == BP_ACT_ASK_BLOCKS) {
            scene_answer(s, 9, k);
            return;
        }
        a->open = false;
        uint32_t list[1024];
        for (uint32_t i = 0; i < a->count && i < 1024; i++)
            list[i] = invented++;
        scene_hashes(s, 9, a->id, list, a->count);
        return;
    }
    if (a->type == BP_ACT_ASK_LINKS)
        scene_answer(s, 9, k);
    else
        a->open = false;
}

static void spam(const char *what, bool headers) {
    struct scene s;
    world(&s, 3000, NULL);
    s.cfg.links_max = 65536;
    /* A chain of minimum difficulty that ends in nothing. */
    uint32_t first = 100000, length = headers ? 200000 : 1;
    scene_block(&s, first, 0, 1);
    s.block[first].exists = false;
    scene_at(&s, first)->number = 1u << 24;
    for (uint32_t i = 1; i <= length; i++)
        scene_block(&s, first + i, first + i - 1, 1);
    ready(&s);
    scene_join(&s, 1, 3000)->latency = 20;
    scene_peer(&s, 9)->manual = true;
    s.caps = headers ? SCENE_LINKS : SCENE_BARE;
    invented = 0x10000000;
    scene_join_td(&s, 9, first + length, UINT64_MAX);
    uint64_t early = 0;
    for (int minute = 0; minute < 60; minute++) {
        for (int i = 0; i < 60; i++) {
            for (size_t k = 0; k < scene_peer(&s, 9)->n_asks; k++)
                if (scene_peer(&s, 9)->asks[k].open && scene_peer(&s, 9)->here)
                    spam_answer(&s, k, headers);
            scene_run(&s, 1000);
            if (!scene_peer(&s, 9)->here)
                scene_join_td(&s, 9, first + length, UINT64_MAX);
        }
        /* Once it has all that it may borrow. */
        if (minute == 14) early = bp_pool_memory(s.pool);
    }
    if (s.head != 3000) fprintf(stderr, "%s: the others did not sync\n", what);
    bench_json(name, what, (double)bp_pool_memory(s.pool) - (double)early,
               "bytes");
    if (s.peak_memory > bp_pool_bound(&s.cfg)) abort();
    scene_close(&s);
}

/* ---- 26 million links ---------------------------------------------------- */

#define LONG 26000000u

struct longrun {
    struct bp_pool *pool;
    struct test_alloc alloc;
    uint64_t held; /* blocks up to this number */
    uint64_t released, made;
    uint64_t peak;
    struct bp_event todo[64];
    size_t first, n;
    struct bp_act_ask_links ask[64];
    size_t ask_first, n_asks;
    struct bp_link *links;
};

static bp_hash long_hash(uint64_t number) {
    bp_hash h;
    struct bp_rng rng;
    bp_rng_seed(&rng, number);
    for (int i = 0; i < 4; i++) {
        uint64_t x = i == 0 ? number : bp_rng_next(&rng);
        memcpy(h.b + 8 * i, &x, 8);
    }
    return h;
}

static uint64_t long_number(const bp_hash *h) {
    uint64_t n;
    memcpy(&n, h->b, 8);
    return n;
}

static void long_step(struct longrun *r, const struct bp_event *ev) {
    bp_pool_step(r->pool, ev, 1);
    struct bp_action a;
    while (bp_pool_next(r->pool, &a)) {
        struct bp_event *e = &r->todo[(r->first + r->n) % 64];
        if (a.type == BP_ACT_ASK_LINKS) {
            r->ask[(r->ask_first + r->n_asks++) % 64] = a.u.ask_links;
        } else if (a.type == BP_ACT_CHECK) {
            *e = (struct bp_event){ .type = BP_EV_CHECKED };
            e->u.checked.job = a.u.check.job;
            e->u.checked.verdict.n = a.u.check.n;
            r->n++;
        } else if (a.type == BP_ACT_INSERT) {
            if (a.u.insert.first_number != r->held + 1) abort();
            r->held += a.u.insert.n;
            *e = (struct bp_event){ .type = BP_EV_INSERTED };
            e->u.inserted.job = a.u.insert.job;
            e->u.inserted.verdict.n = a.u.insert.n;
            e->u.inserted.head =
                (struct bp_chain_head){ long_hash(r->held), r->held,
                                        bp_u256_from_u64(r->held + 1) };
            r->n++;
        } else if (a.type == BP_ACT_RELEASE) {
            r->released += a.u.release.n;
        } else if (a.type == BP_ACT_BLAME || a.type == BP_ACT_ASK_BLOCKS) {
            abort();
        }
    }
    uint64_t memory = bp_pool_memory(r->pool);
    if (memory > r->peak) r->peak = memory;
}

static void long_answer(struct longrun *r) {
    struct bp_act_ask_links a = r->ask[r->ask_first];
    r->ask_first = (r->ask_first + 1) % 64;
    r->n_asks--;
    struct bp_event ev = { .type = BP_EV_LINKS };
    ev.u.links.peer = a.peer;
    ev.u.links.request = a.request;
    ev.u.links.links = r->links;
    ev.u.links.held_at = BP_NONE;
    uint64_t number = long_number(&a.hash);
    size_t n = 0;
    for (; n < a.count && number > r->held; n++, number--) {
        r->links[n] = (struct bp_link){ .hash = long_hash(number),
                                        .parent = long_hash(number - 1),
                                        .number = number,
                                        .item = ++r->made,
                                        .flags = BP_LINK_EMPTY,
                                        .size = 500 };
        r->links[n].difficulty = bp_u256_from_u64(1);
    }
    if (number == r->held) {
        ev.u.links.held_at = n;
        ev.u.links.held =
            (struct bp_held){ true, r->held, bp_u256_from_u64(r->held + 1) };
    }
    ev.u.links.n = n;
    long_step(r, &ev);
}

static void long_branch(void) {
    static struct longrun r;
    test_alloc_init(&r.alloc);
    struct bp_pool_config cfg = { .alloc = &r.alloc.iface };
    cfg.genesis = long_hash(0);
    cfg.head = (struct bp_chain_head){ cfg.genesis, 0, bp_u256_from_u64(1) };
    r.links = calloc(1024, sizeof *r.links);
    if (bp_pool_new(&r.pool, &cfg) != 0) abort();
    struct bp_event ev = { .type = BP_EV_PEER_JOINED };
    ev.u.joined.peer = 1;
    ev.u.joined.info.caps = BP_CAP_LINKS | BP_CAP_BLOCKS | BP_CAP_IDS;
    ev.u.joined.info.claim.head = long_hash(LONG);
    ev.u.joined.info.claim.has_td = true;
    ev.u.joined.info.claim.td = bp_u256_from_u64(LONG + 1);
    double t = bench_cpu_s();
    long_step(&r, &ev);
    while (r.n > 0 || r.n_asks > 0) {
        if (r.n > 0) {
            struct bp_event e = r.todo[r.first];
            r.first = (r.first + 1) % 64;
            r.n--;
            long_step(&r, &e);
        } else {
            long_answer(&r);
        }
    }
    t = bench_cpu_s() - t;
    if (r.held != LONG) {
        char why[256];
        bp_pool_why(r.pool, why, sizeof why);
        fprintf(stderr, "26m: stopped at %llu: %s\n",
                (unsigned long long)r.held, why);
    }
    if (r.made != r.released) fprintf(stderr, "26m: items leaked\n");
    bench_json(name, "links_26m_peak_bytes", (double)r.peak, "bytes");
    bench_json(name, "links_26m_cpu_s", t, "s");
    bp_pool_free(r.pool, NULL, NULL);
    free(r.links);
}

int main(int argc, char **argv) {
    const char *only = argc > 1 ? argv[1] : "";
#define WANT(x) (*only == 0 || strcmp(only, x) == 0)
    if (WANT("cpu")) cpu_million();
    if (WANT("memory")) bytes_per_link();
    if (WANT("rtt")) {
        rtt_bench("links_100k_rtt50_s", SCENE_LINKS, 1024, 1.10);
        rtt_bench("hashes_100k_rtt50_s", SCENE_BARE, 256, 1.05);
    }
    if (WANT("bandwidth")) bandwidth();
    if (WANT("adverse")) adversity();
    if (WANT("spam")) {
        spam("spam_hashes_growth_bytes", false);
        spam("spam_headers_growth_bytes", true);
    }
    if (WANT("long")) long_branch();
    return 0;
}
