/* test_host: the life of a host, from several threads and from inside its own
   callbacks. */
#include <stdatomic.h>
#include <string.h>

#include "lib/hostscene.h"

static struct hs s;

static void lock(void) {
    pthread_mutex_lock(&s.lock);
}

static void unlock(void) {
    pthread_cond_broadcast(&s.changed);
    pthread_mutex_unlock(&s.lock);
}

/* From now on a callback is a fault. */
static void stop_and_forbid(void) {
    bp_host_stop(s.host);
    lock();
    s.stopped = true;
    unlock();
}

static bool no_hash(void *user, bp_hash *out) {
    (void)out;
    *(bool *)user = true;
    return false;
}

static void nothing_asked(void *user, const bp_hash *from) {
    (void)user;
    (void)from;
}

static void nothing_wanted(void *user, const bp_hash *hashes, size_t n) {
    (void)user;
    (void)hashes;
    (void)n;
}

static void nothing_told(void *user, int code, const char *text, bool fatal) {
    (void)user;
    (void)code;
    (void)text;
    (void)fatal;
}

/* X18, D05: every call on a stopped host is harmless. */
static void x18_calls_on_a_stopped_host(void **state) {
    (void)state;
    hs_open(&s, 3);
    hs_start(&s);
    stop_and_forbid();
    for (int round = 0; round < 2; round++) {
        bool called = false;
        struct bp_pool_status st;
        memset(&st, 1, sizeof st);
        bp_u256 td = bp_u256_from_u64(4);
        bp_hash head = hs_hash(3), id = hs_hash(99);
        struct bp_host_peer fn = { nothing_asked, nothing_wanted, nothing_told,
                                   NULL };
        assert_false(bp_host_add_peer(s.host, &td, &head, &id, &fn));
        bp_host_add_hashes(s.host, no_hash, &called, &id);
        assert_false(called);
        bp_host_remove_peer(s.host, &id);
        bp_host_purge(s.host);
        assert_true(bp_host_wait(s.host, 60000));
        bp_host_status(s.host, &st);
        assert_int_equal(st.peers_seen, 0);
        assert_int_equal(st.best, 0);
        bp_host_stop(s.host);
    }
    struct hs_peer *a = hs_peer(&s, 'a');
    hs_send(a, 1); /* given straight back */
    assert_int_equal(s.live_data, 0);
    hs_close(&s);
    bp_host_free(NULL);
}

/* X18, D03, D04: a thousand runs, of which nothing is left. */
static void x18_a_thousand_cycles(void **state) {
    (void)state;
    hs_open(&s, 40);
    struct hs_peer *a = hs_peer(&s, 'a'), *b = hs_peer(&s, 'b');
    a->hash_cap = 3;
    b->hash_cap = 4;
    for (int i = 0; i < 1000; i++) {
        hs_start(&s);
        assert_int_equal(bp_host_start(s.host), 0);
        struct bp_pool_status st;
        bp_host_status(s.host, &st);
        assert_int_equal(st.peers, 0);
        assert_int_equal(st.links_seen, 0);
        hs_join(a, 40);
        if (i % 3 == 0) hs_join(b, 35);
        if (i % 50 == 7) hs_pause(1 + (uint32_t)i % 7);
        if (i % 4 == 2) hs_leave(a);
        stop_and_forbid();
        if (i % 100 == 0) hs_pause(1);
    }
    /* And the next one syncs. */
    hs_start(&s);
    hs_join(a, 40);
    hs_until_head(&s, 40);
    assert_int_equal(hs_errors(&s, 'a', 0) + hs_errors(&s, 'b', 0), 0);
    hs_close(&s);
}

/* X18: stopped from inside each callback, then started again. */
static const char *stop_in;
static atomic_int stops;

static void stop_inside(struct hs *h, const char *where, struct hs_peer *p) {
    (void)p;
    if (stop_in == NULL || strcmp(where, stop_in) != 0) return;
    stop_in = NULL;
    bp_host_stop(h->host);
    atomic_fetch_add(&stops, 1);
}

static void x18_stop_inside_each_callback(void **state) {
    (void)state;
    static const char *const all[] = { "has_block",      "request_hashes",
                                       "request_blocks", "verify_pow",
                                       "insert_chain",   "peer_error" };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        hs_open(&s, 6);
        s.block[6].bad = true;
        hs_start(&s);
        atomic_store(&stops, 0);
        stop_in = all[i];
        s.hook = stop_inside;
        struct hs_peer *a = hs_peer(&s, 'a');
        a->hash_cap = 2;
        hs_join(a, 6);
        for (int k = 0; k < 2000 && atomic_load(&stops) == 0; k++) hs_pause(5);
        if (atomic_load(&stops) == 0) fail_msg("%s never ran", all[i]);
        stop_and_forbid(); /* waits for what is still running */
        struct bp_pool_status st;
        bp_host_status(s.host, &st);
        assert_int_equal(st.peers, 0);
        hs_pause(5);
        lock();
        s.hook = NULL;
        s.block[6].bad = false;
        unlock();
        hs_start(&s);
        hs_join(a, 6);
        hs_until_head(&s, 6);
        hs_close(&s);
    }
}

/* A result of a run that was stopped is void: it goes into no later one. */
static void x18_result_of_an_earlier_run_is_void(void **state) {
    (void)state;
    hs_open(&s, 3);
    hs_start(&s);
    struct hs_peer *a = hs_peer(&s, 'a');
    s.gate = true;
    hs_join(a, 3);
    lock();
    while (s.at_gate == 0) pthread_cond_wait(&s.changed, &s.lock);
    s.hook = stop_inside;
    stop_in = "has_block";
    unlock();
    /* From inside a callback: does not wait for the insertion. */
    assert_false(hs_join(a, 2));
    lock();
    s.hook = NULL;
    unlock();
    hs_start(&s);
    struct bp_pool_status st;
    bp_host_status(s.host, &st);
    assert_int_equal(st.head.number, 0);
    lock();
    s.gate = false;
    unlock();
    /* The later run learns where the head is, and counts nothing as its. */
    for (int i = 0; i < 2000; i++) {
        bp_host_status(s.host, &st);
        if (st.head.number > 0) break;
        hs_pause(5);
    }
    assert_true(st.head.number > 0);
    assert_int_equal(st.blocks_inserted, 0);
    assert_int_equal(st.links_seen, 0);
    hs_close(&s);
}

/* X16, D02, D16: an insertion that lasts holds up nobody. */
static void x16_slow_insertion(void **state) {
    (void)state;
    hs_open(&s, 20);
    hs_start(&s);
    struct hs_peer *a = hs_peer(&s, 'a'), *b = hs_peer(&s, 'b');
    s.gate = true;
    hs_join(a, 10);
    lock();
    while (s.at_gate == 0) pthread_cond_wait(&s.changed, &s.lock);
    unlock();
    /* It would not return but for the gate, which only we open. */
    assert_true(hs_join(b, 20));
    hs_until_asked(b, 20);
    hs_send(b, 20);
    hs_leave(a);
    hs_join(a, 12);
    struct bp_pool_status st;
    bp_host_status(s.host, &st);
    assert_int_equal(st.peers, 2);
    assert_false(bp_host_wait(s.host, 1));
    lock();
    assert_int_equal(s.at_gate, 1);
    s.gate = false;
    unlock();
    hs_until_head(&s, 20);
    assert_true(bp_host_wait(s.host, 20000));
    hs_close(&s);
}

/* X17, D64: each callback calls back in. */
static void call_in(struct hs *h, const char *where, struct hs_peer *p) {
    struct bp_pool_status st;
    bp_host_status(h->host, &st);
    if (strcmp(where, "peer_error") == 0) {
        bp_host_remove_peer(h->host, &p->id);
        hs_join(&h->peer[1], 5);
    } else if (strcmp(where, "request_blocks") == 0) {
        hs_send(p, 1);
    } else if (strcmp(where, "insert_chain") == 0) {
        bp_host_wait(h->host, 1);
        assert_int_equal(bp_host_start(h->host), 0);
    } else if (strcmp(where, "verify_pow") == 0) {
        bp_host_remove_peer(h->host, &h->peer[2].id);
    }
}

static void x17_calls_from_callbacks(void **state) {
    (void)state;
    hs_open(&s, 6);
    s.block[6].bad = true;
    struct hs_peer *a = hs_peer(&s, 'a'), *b = hs_peer(&s, 'b');
    hs_peer(&s, 'c');
    a->inline_answers = b->inline_answers = true;
    hs_start(&s);
    lock();
    s.hook = call_in;
    unlock();
    hs_join(a, 6);
    hs_until_head(&s, 5);
    hs_until_errors(&s, 1);
    assert_int_equal(hs_errors(&s, 'b', BP_HOST_INVALID_BLOCK), 0);
    bp_host_stop(s.host);
    lock();
    s.hook = NULL;
    unlock();
    hs_close(&s);
}

/* After a peer was removed none of its callbacks runs. */
static atomic_bool in_request, removed;

static void linger(struct hs *h, const char *where, struct hs_peer *p) {
    if (p == NULL || strncmp(where, "request", 7) != 0) return;
    if (atomic_load(&removed)) h->fault = "a removed peer was called";
    atomic_store(&in_request, true);
    hs_pause(30);
    if (atomic_load(&removed)) h->fault = "a removed peer was being called";
}

static void removed_peers_are_not_called(void **state) {
    (void)state;
    hs_open(&s, 20);
    hs_start(&s);
    struct hs_peer *a = hs_peer(&s, 'a');
    lock();
    s.hook = linger;
    unlock();
    for (int i = 0; i < 5; i++) {
        atomic_store(&in_request, false);
        atomic_store(&removed, false);
        hs_join(a, 20);
        while (!atomic_load(&in_request)) hs_pause(1);
        hs_leave(a);
        atomic_store(&removed, true);
        hs_pause(5);
    }
    bp_host_stop(s.host);
    s.hook = NULL;
    hs_close(&s);
}

/* X19, D07: purge, with peers kept. */
static void x19_purge(void **state) {
    (void)state;
    hs_open(&s, 30);
    hs_start(&s);
    struct hs_peer *a = hs_peer(&s, 'a'), *b = hs_peer(&s, 'b');
    a->hash_cap = b->hash_cap = 5;
    hs_may_blocks(a, 1, 10, false);
    hs_may_blocks(b, 1, 10, false);
    hs_join(a, 30);
    hs_join(b, 25);
    hs_until_asked(a, 30);
    for (int i = 0; i < 20; i++) {
        bp_host_purge(s.host);
        hs_pause((uint32_t)i % 5);
    }
    struct bp_pool_status st;
    bp_host_status(s.host, &st);
    assert_int_equal(st.peers, 2);
    assert_int_not_equal(st.best, 0);
    hs_may_blocks(a, 1, 10, true);
    hs_may_blocks(b, 1, 10, true);
    hs_until_head(&s, 30);
    assert_int_equal(hs_errors(&s, 'a', 0) + hs_errors(&s, 'b', 0), 0);
    hs_close(&s);
}

/* Purged while an insertion is out: what it brought in is known, no more is
   inserted of what was purged. */
static void x19_purge_during_an_insertion(void **state) {
    (void)state;
    hs_open(&s, 6);
    s.cfg.insert_items_max = 2;
    hs_start(&s);
    struct hs_peer *a = hs_peer(&s, 'a');
    s.gate = true;
    hs_join(a, 6);
    lock();
    while (s.at_gate == 0) pthread_cond_wait(&s.changed, &s.lock);
    unlock();
    hs_leave(a);
    bp_host_purge(s.host);
    struct bp_pool_status st;
    bp_host_status(s.host, &st);
    assert_int_equal(st.links_held, 0);
    lock();
    s.gate = false;
    unlock();
    hs_until_head(&s, 2);
    assert_true(bp_host_wait(s.host, 20000));
    assert_int_equal(s.head, 2);
    assert_int_equal(s.live_data, 0);
    hs_close(&s);
}

/* X20, D08, D09, D10: waited for from several threads. */
static void *wait_long(void *out) {
    *(bool *)out = bp_host_wait(s.host, 20000);
    return NULL;
}

static void x20_wait_from_several_threads(void **state) {
    (void)state;
    hs_open(&s, 300);
    hs_start(&s);
    struct hs_peer *a = hs_peer(&s, 'a');
    hs_may_blocks(a, 1, 1, false);
    hs_join(a, 300);
    assert_false(bp_host_wait(s.host, 5));
    assert_false(bp_host_wait(s.host, 0));
    pthread_t t[3];
    bool done[3] = { false };
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&t[i], NULL, wait_long, &done[i]), 0);
    hs_may_blocks(a, 1, 1, true);
    for (int i = 0; i < 3; i++) {
        pthread_join(t[i], NULL);
        assert_true(done[i]);
    }
    assert_int_equal(s.head, 300);
    assert_int_equal(s.live_data, 0);
    /* Stopped while somebody waits: nothing is left. */
    hs_block(&s, 301, 300, 1);
    hs_may_blocks(a, 301, 301, false);
    hs_join(a, 301);
    assert_int_equal(pthread_create(&t[0], NULL, wait_long, &done[0]), 0);
    bp_host_stop(s.host);
    pthread_join(t[0], NULL);
    assert_true(done[0]);
    hs_close(&s);
}

/* C5, D65: many threads at once, runs beginning and ending among them. */
struct storm {
    struct hs_peer *p;
    uint64_t seed;
    pthread_t thread;
};
static atomic_bool calm;

static void *storm(void *user) {
    struct storm *w = user;
    struct bp_rng rng;
    bp_rng_seed(&rng, w->seed);
    while (!atomic_load(&calm)) {
        uint32_t id = 1 + (uint32_t)bp_rng_below(&rng, 60), list[3];
        struct bp_pool_status st;
        switch (bp_rng_below(&rng, 8)) {
        case 0: hs_join(w->p, id); break;
        case 1: bp_host_remove_peer(s.host, &w->p->id); break;
        case 2: bp_host_purge(s.host); break;
        case 3: bp_host_status(s.host, &st); break;
        case 4: bp_host_wait(s.host, 1); break;
        case 5:
            for (uint32_t i = 0; i < 3; i++) list[i] = id > i ? id - i : 0;
            hs_send_hashes(w->p, list, 3);
            break;
        case 6: bp_host_stop(s.host); break;
        default: hs_send(w->p, id);
        }
        if (bp_host_start(s.host) != 0) s.fault = "a start failed";
    }
    return NULL;
}

static void d65_storm(void **state) {
    (void)state;
    uint64_t seed = test_seed("host/host", 65);
    hs_open(&s, 60);
    hs_start(&s);
    struct storm w[4];
    atomic_store(&calm, false);
    for (uint64_t i = 0; i < 4; i++) {
        w[i] = (struct storm){ hs_peer(&s, (char)('a' + i)), seed + i, 0 };
        assert_int_equal(pthread_create(&w[i].thread, NULL, storm, &w[i]), 0);
    }
    hs_pause(500);
    atomic_store(&calm, true);
    for (int i = 0; i < 4; i++) pthread_join(w[i].thread, NULL);
    hs_close(&s);
}

static void bad_config_is_refused(void **state) {
    (void)state;
    static const struct bp_host_chain none;
    struct bp_pool_config c = { .peers_max = 1u << 30 };
    struct bp_host *h = (struct bp_host *)&c;
    assert_int_equal(bp_host_new(&h, &none, &c), BP_ERR_RANGE);
    assert_null(h);
    assert_int_equal(bp_host_new(&h, &none, NULL), 0);
    bp_host_free(h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(bad_config_is_refused),
        T(x18_calls_on_a_stopped_host),
        T(x18_stop_inside_each_callback),
        T(x18_result_of_an_earlier_run_is_void),
        T(x16_slow_insertion),
        T(x17_calls_from_callbacks),
        T(removed_peers_are_not_called),
        T(x19_purge),
        T(x19_purge_during_an_insertion),
        T(x20_wait_from_several_threads),
        T(d65_storm),
        T(x18_a_thousand_cycles),
    };
    return bp_run(tests);
}
