/* test_seed: the tests that the pool of 2015 came with, in real time.

   The names of the rows of the catalogue stand in front. Difficulties are
   given so that the order of heads is that of the original, and honest peers
   claim their true sums. */
#include "lib/hostscene.h"

static struct hs s;

/* B1: a peer whose head we have. */
static void b1_peer_with_known_block(void **state) {
    (void)state;
    hs_open(&s, 3);
    hs_start(&s);
    struct hs_peer *a = hs_peer(&s, 'a');
    assert_false(hs_join(a, 0));
    assert_true(bp_host_wait(s.host, 0));
    struct bp_pool_status st;
    bp_host_status(s.host, &st);
    assert_int_equal(st.peers, 1);
    assert_int_equal(st.best, 0);
    hs_pause(30);
    assert_int_equal(hs_hash_requests(a), 0);
    assert_int_equal(hs_block_requests(a), 0);
    hs_close(&s);
}

/* B2: the head's parent is in the chain. */
static void b2_peer_with_known_parent(void **state) {
    (void)state;
    hs_open(&s, 1);
    hs_start(&s);
    struct hs_peer *a = hs_peer(&s, 'a');
    assert_true(hs_join(a, 1));
    hs_until_head(&s, 1);
    assert_true(bp_host_wait(s.host, 10000));
    assert_int_equal(a->first_block, 1);
    assert_int_equal(hs_block_requests(a), 1);
    assert_int_equal(hs_hash_requests(a), 0);
    assert_int_equal(s.n_errors, 0);
    hs_close(&s);
}

/* B3: the shortest real sync. */
static void b3_simple_chain(void **state) {
    (void)state;
    hs_open(&s, 2);
    hs_start(&s);
    struct hs_peer *a = hs_peer(&s, 'a');
    assert_true(hs_join(a, 2));
    hs_until_head(&s, 2);
    assert_true(bp_host_wait(s.host, 10000));
    assert_true(a->asked_from[2]);
    assert_int_equal(a->first_block, 2);
    assert_int_equal(s.block[1].offered, 1);
    assert_int_equal(s.block[2].offered, 1);
    assert_int_equal(s.n_errors, 0);
    hs_close(&s);
}

/* B4: the reply stops short; the parent of its root block is in the chain. */
static void b4_connecting_with_parent_hash(void **state) {
    (void)state;
    hs_open(&s, 3);
    hs_start(&s);
    struct hs_peer *a = hs_peer(&s, 'a');
    a->hash_cap = 2;
    assert_true(hs_join(a, 3));
    hs_until_head(&s, 3);
    assert_true(bp_host_wait(s.host, 10000));
    assert_int_equal(s.n_errors, 0);
    hs_close(&s);
}

/* B6: a new head while the old chain is partial. */
static void b6_new_blocks_on_partial_chain(void **state) {
    (void)state;
    hs_open(&s, 7);
    hs_start(&s);
    struct hs_peer *a = hs_peer(&s, 'a');
    a->hash_cap = 2;
    a->no_hashes_from = 3;
    assert_true(hs_join(a, 5));
    hs_until_asked(a, 3);
    hs_until_asked_from(a, 3);
    assert_true(hs_join(a, 7));
    hs_until_asked(a, 7);
    hs_may_hashes(a, true);
    hs_until_head(&s, 7);
    assert_true(bp_host_wait(s.host, 10000));
    for (uint32_t id = 1; id <= 7; id++) assert_true(hs_in_chain(&s, id));
    assert_int_equal(s.n_errors, 0);
    hs_close(&s);
}

/* 3 -> { 4 5 6 of weight 2, 7 8 9 of weight 1 } */
static void open_fork(void) {
    hs_open(&s, 3);
    for (uint32_t id = 4; id <= 6; id++) hs_block(&s, id, id - 1, 2);
    for (uint32_t id = 7; id <= 9; id++)
        hs_block(&s, id, id == 7 ? 3 : id - 1, 1);
}

/* F1: a heavier fork from a better peer. */
static void f1_fork_simple(void **state) {
    (void)state;
    open_fork();
    hs_start(&s);
    struct hs_peer *a = hs_peer(&s, 'a'), *b = hs_peer(&s, 'b');
    hs_may_blocks(a, 1, 1, false);
    assert_true(hs_join(a, 9));
    hs_until_asked(a, 9);
    assert_true(hs_join(b, 6));
    hs_until_head(&s, 6);
    hs_may_blocks(a, 1, 1, true);
    assert_true(bp_host_wait(s.host, 15000));
    for (uint32_t id = 1; id <= 6; id++) assert_true(hs_in_chain(&s, id));
    assert_int_equal(s.head, 6);
    assert_int_equal(s.n_errors, 0);
    hs_close(&s);
}

/* F3: back to the first fork, because the better peer left. */
static void f3_fork_switch_back(void **state) {
    (void)state;
    open_fork();
    hs_start(&s);
    struct hs_peer *a = hs_peer(&s, 'a'), *b = hs_peer(&s, 'b');
    hs_may_blocks(a, 1, 7, false);
    hs_may_blocks(b, 1, 4, false);
    assert_true(hs_join(a, 9));
    hs_until_asked(a, 9);
    assert_true(hs_join(b, 6));
    hs_until_asked(b, 6);
    hs_leave(b);
    hs_may_blocks(a, 1, 7, true);
    hs_until_head(&s, 9);
    assert_true(bp_host_wait(s.host, 15000));
    for (uint32_t id = 1; id <= 3; id++) assert_true(hs_in_chain(&s, id));
    assert_int_equal(hs_errors(&s, 'a', 0), 0);
    hs_close(&s);
}

/* P1: who is best, over joins, new heads and leaves. */
static void p1_registry(void **state) {
    (void)state;
    hs_open(&s, 8);
    hs_start(&s);
    struct hs_peer *p[3];
    for (int i = 0; i < 3; i++) {
        p[i] = hs_peer(&s, (char)('a' + i));
        hs_may_hashes(p[i], false);
        hs_may_blocks(p[i], 0, HS_BLOCKS - 1, false);
    }
    assert_true(hs_join(p[0], 1));
    hs_until_asked(p[0], 1);
    assert_true(hs_join(p[2], 3));
    hs_until_asked(p[2], 3);
    assert_false(hs_join(p[1], 2));
    assert_true(hs_join(p[2], 4));
    hs_may_blocks(p[2], 3, 3, true); /* one request at a time */
    hs_until_asked(p[2], 4);
    assert_false(hs_join(p[1], 3));
    struct bp_pool_status st;
    bp_host_status(s.host, &st);
    assert_int_equal(st.peers, 3);
    bp_peer_id best = st.best;
    assert_int_not_equal(best, 0);
    hs_leave(p[2]);
    bp_host_status(s.host, &st);
    assert_int_equal(st.peers, 2);
    assert_int_not_equal(st.best, best);
    hs_until_asked_from(p[1], 3); /* its head came from the other */
    hs_leave(p[1]);
    hs_leave(p[0]);
    bp_host_status(s.host, &st);
    assert_int_equal(st.peers, 0);
    assert_int_equal(st.best, 0);
    assert_true(hs_join(p[0], 1));
    hs_close(&s);
}

/* P3: a better peer appears in the middle. */
static void p3_switch_up(void **state) {
    (void)state;
    hs_open(&s, 7);
    hs_start(&s);
    struct hs_peer *a = hs_peer(&s, 'a'), *b = hs_peer(&s, 'b');
    a->hash_cap = b->hash_cap = 3;
    hs_may_blocks(a, 1, 4, false);
    assert_true(hs_join(a, 6));
    hs_until_asked(a, 6);
    assert_true(hs_join(b, 7));
    hs_until_asked(b, 7);
    hs_may_blocks(a, 1, 4, true);
    hs_until_head(&s, 7);
    assert_true(bp_host_wait(s.host, 15000));
    assert_int_equal(s.n_errors, 0);
    hs_close(&s);
}

/* P4: the best leaves, a worse one goes on below what it gave. */
static void p4_switch_down(void **state) {
    (void)state;
    hs_open(&s, 6);
    hs_start(&s);
    struct hs_peer *a = hs_peer(&s, 'a'), *b = hs_peer(&s, 'b');
    b->hash_cap = 2;
    hs_may_blocks(b, 1, 4, false);
    assert_true(hs_join(b, 6));
    hs_until_asked(b, 4);
    hs_send(b, 5);
    hs_leave(b);
    assert_true(hs_join(a, 4));
    hs_until_head(&s, 6); /* 5 and 6 are what the other had given */
    assert_int_equal(hs_errors(&s, 'a', 0), 0);
    hs_close(&s);
}

/* M1: an invalid block at the top. */
static void m1_invalid_block(void **state) {
    (void)state;
    hs_open(&s, 3);
    s.block[3].bad = true;
    hs_start(&s);
    struct hs_peer *a = hs_peer(&s, 'a');
    assert_true(hs_join(a, 3));
    hs_until_errors(&s, 1);
    assert_true(bp_host_wait(s.host, 10000));
    hs_pause(20);
    assert_int_equal(s.n_errors, 1);
    assert_int_equal(s.error[0].code, BP_HOST_INVALID_BLOCK);
    assert_true(s.error[0].fatal);
    assert_int_equal(s.head, 2);
    hs_close(&s);
}

/* X11, D21: a head block without work is refused before it steers anything. */
static void m3_bad_pow(void **state) {
    (void)state;
    hs_open(&s, 3);
    s.block[3].bad_pow = true;
    hs_start(&s);
    struct hs_peer *a = hs_peer(&s, 'a'), *b = hs_peer(&s, 'b');
    assert_true(hs_join(a, 3));
    hs_until_errors(&s, 1);
    assert_int_equal(s.error[0].code, BP_HOST_INVALID_POW);
    assert_true(s.error[0].fatal);
    hs_join(b, 2);
    hs_until_head(&s, 2);
    assert_int_equal(hs_errors(&s, 'a', 0), 1);
    assert_int_equal(hs_errors(&s, 'b', 0), 0);
    assert_false(hs_in_chain(&s, 3));
    hs_close(&s);
}

/* M5: no head block within the limit. */
static void m5_insufficient_chain_info(void **state) {
    (void)state;
    hs_open(&s, 3);
    s.cfg.request_first_ms = s.cfg.request_min_ms = 20;
    s.cfg.request_max_ms = 40;
    hs_start(&s);
    struct hs_peer *a = hs_peer(&s, 'a');
    hs_may_hashes(a, false);
    hs_may_blocks(a, 0, 3, false);
    assert_true(hs_join(a, 3));
    hs_until_errors(&s, 1);
    hs_pause(100);
    assert_int_equal(s.n_errors, 1);
    assert_int_equal(s.error[0].code, BP_HOST_INSUFFICIENT_CHAIN_INFO);
    assert_true(s.error[0].fatal);
    struct bp_pool_status st;
    bp_host_status(s.host, &st);
    assert_int_equal(st.peers, 0);
    hs_close(&s);
}

/* M8: who was expelled for an offence is refused for a while. */
static void m8_suspension(void **state) {
    (void)state;
    hs_open(&s, 3);
    s.block[3].bad = true;
    s.cfg.suspend_ms = 400;
    hs_start(&s);
    struct hs_peer *a = hs_peer(&s, 'a');
    assert_true(hs_join(a, 3));
    hs_until_errors(&s, 1);
    struct bp_pool_status st;
    bp_host_status(s.host, &st);
    assert_int_equal(st.peers, 0);
    assert_false(hs_join(a, 2));
    for (int i = 0; i < 400 && st.peers == 0; i++) {
        hs_pause(20);
        hs_join(a, 2);
        bp_host_status(s.host, &st);
    }
    assert_int_equal(st.peers, 1);
    /* It was told once, and not that it had been refused. */
    assert_int_equal(s.n_errors, 1);
    hs_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(b1_peer_with_known_block),
        T(b2_peer_with_known_parent),
        T(b3_simple_chain),
        T(b4_connecting_with_parent_hash),
        T(b6_new_blocks_on_partial_chain),
        T(f1_fork_simple),
        T(f3_fork_switch_back),
        T(p1_registry),
        T(p3_switch_up),
        T(p4_switch_down),
        T(m1_invalid_block),
        T(m3_bad_pow),
        T(m5_insufficient_chain_info),
        T(m8_suspension),
    };
    return bp_run(tests);
}
