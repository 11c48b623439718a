/* X21: each timer, to the millisecond. One before it nothing has happened; at
   it the effect is there. (The idle best peer stands in test_contract.c, the
   time that a verdict names in test_misbehave.c, m7.) */
#include "world.h"

static size_t blames(const struct scene *s) {
    return s->n_blames;
}

/* ---- the deadline of a request ------------------------------------------ */

static void x21_first_deadline(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        plain_world(&s, k, 10);
        scene_peer(&s, 1)->silent = true;
        scene_join(&s, 1, 10);
        scene_run(&s, 4999);
        assert_int_equal(blames(&s), 0);
        assert_int_equal(scene_status(&s).requests_late, 0);
        scene_run(&s, 1);
        assert_int_equal(scene_blamed(&s, 1, BP_OFF_LATE), 1);
        assert_int_equal(scene_status(&s).requests_late, 1);
        assert_int_equal(blames(&s), 1);
        assert_true(scene_peer(&s, 1)->here);
        scene_close(&s);
    }
}

/* Twice the longest deadline later it is let go. */
static void x21_late_for_good(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        plain_world(&s, k, 10);
        scene_peer(&s, 1)->silent = true;
        scene_join(&s, 1, 10);
        scene_run(&s, 5000 + 29999);
        assert_true(scene_peer(&s, 1)->here);
        size_t n = scene_blamed(&s, 1, BP_OFF_LATE);
        assert_int_equal(n, scene_status(&s).requests_late);
        assert_in_range(n, 2, 3); /* it was asked again, ever less often */
        scene_run(&s, 1);
        assert_false(scene_peer(&s, 1)->here);
        assert_int_equal(scene_blamed(&s, 1, BP_OFF_LATE), n + 1);
        assert_int_equal(scene_offences(&s), 0);
        scene_close(&s);
    }
}

/* A reply that is lost costs as long again as it was waited for: then the peer
   is asked again, and when it answers that, the session goes on. */
static void x21_a_lost_reply(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        plain_world(&s, k, 10);
        struct scene_peer *peer = scene_peer(&s, 1);
        peer->manual = true;
        scene_join(&s, 1, 10);
        assert_int_equal(peer->n_asks, 1);
        scene_run(&s, 9999);
        assert_int_equal(peer->n_asks, 1);
        scene_run(&s, 1);
        assert_int_equal(peer->n_asks, 2);
        peer->manual = false;
        scene_answer(&s, 1, 1);
        scene_run(&s, 1000);
        assert_int_equal(s.head, 10);
        scene_run(&s, 60000);
        assert_true(peer->here);
        assert_int_equal(scene_blamed(&s, 1, BP_OFF_LATE), 1);
        assert_int_equal(blames(&s), 1);
        scene_close(&s);
    }
}

/* It was not lost: what comes in the meantime is taken, and the peer is asked
   for the rest at once. */
static void x21_a_late_reply(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        plain_world(&s, k, 10);
        struct scene_peer *peer = scene_peer(&s, 1);
        peer->manual = true;
        scene_join(&s, 1, 10);
        scene_run(&s, 7000);
        peer->manual = false;
        scene_answer(&s, 1, 0);
        scene_run(&s, 1000);
        assert_int_equal(s.head, 10);
        assert_int_equal(blames(&s), 1);
        scene_close(&s);
    }
}

/* Ten links a reply, each after `latency`; after so many replies silence: the
   next one is late exactly `wait` after it was asked. */
static void silent_after(uint32_t replies, uint32_t latency, bp_time wait) {
    struct scene s;
    world(&s, 0, 200, &(struct bp_pool_config){ .links_per_request = 10 });
    s.caps = BP_CAP_LINKS | BP_CAP_IDS;
    made(&s);
    struct scene_peer *peer = scene_peer(&s, 1);
    peer->manual = true;
    scene_join(&s, 1, 200);
    for (uint32_t i = 0; i < replies; i++) {
        scene_run(&s, latency);
        scene_answer(&s, 1, i);
    }
    assert_int_equal(peer->n_asks, replies + 1);
    assert_int_equal(peer->asks[replies].due, s.now + wait);
    scene_run(&s, wait - 1);
    assert_int_equal(blames(&s), 0);
    scene_run(&s, 1);
    assert_int_equal(scene_blamed(&s, 1, BP_OFF_LATE), 1);
    scene_close(&s);
}

/* Three round trips, more of them while only one or two were seen, and twice
   the time that ten links take at the peer's rate (600 ms); within bounds. */
static void x21_deadline_of_the_estimate(void **state) {
    (void)state;
    silent_after(1, 600, 3 * 600 * 2 + 2 * 600);
    silent_after(2, 600, 3 * 600 * 4 / 3 + 2 * 600);
    silent_after(3, 600, 3 * 600 + 2 * 600);
    silent_after(8, 600, 3 * 600 + 2 * 600);
    silent_after(3, 10, 1000);
    silent_after(3, 4900, 15000);
}

/* A reply came and the host never says what was in it. */
static void x21_content_that_never_comes(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        world(&s, k, 10, &(struct bp_pool_config){ .progress_ms = 100000 });
        made(&s);
        struct scene_peer *peer = scene_peer(&s, 1);
        peer->manual = true;
        scene_join(&s, 1, 10);
        scene_run(&s, 100);
        struct bp_event ev = { .type = BP_EV_REPLY };
        ev.u.reply.peer = 1;
        ev.u.reply.request = peer->asks[0].id;
        scene_step(&s, &ev);
        peer->asks[0].open = false;
        scene_run(&s, 59999);
        assert_int_equal(peer->n_asks, 1);
        scene_run(&s, 1);
        assert_int_equal(peer->n_asks, 2);
        assert_int_equal(blames(&s), 0);
        peer->manual = false;
        scene_answer_all(&s, 1);
        scene_settle(&s, 1000);
        scene_expect_head(&s, 10);
        scene_close(&s);
    }
}

/* ---- half of it --------------------------------------------------------- */

/* Another peer is asked for the head that everything waits for. */
static void x21_hedge_of_links(void **state) {
    (void)state;
    struct scene s;
    plain_world(&s, 0, 4);
    scene_peer(&s, 1)->manual = true;
    scene_peer(&s, 2)->manual = true;
    scene_join(&s, 1, 4);
    scene_join(&s, 2, 4);
    scene_run(&s, 2499);
    assert_int_equal(scene_open_asks(&s, 2), 0);
    scene_run(&s, 1);
    assert_int_equal(scene_open_asks(&s, 2), 1);
    scene_run(&s, 2499);
    assert_int_equal(scene_open_asks(&s, 2), 1); /* once */
    scene_close(&s);
}

/* … and for the body that nothing can be inserted without, alone; by then from
   one that is far. */
static void x21_hedge_of_bodies(void **state) {
    (void)state;
    struct scene s;
    plain_world(&s, 0, 4);
    scene_peer(&s, 1)->manual = true;
    scene_peer(&s, 2)->manual = true;
    scene_join(&s, 2, 4);
    scene_join(&s, 1, 4);
    scene_run(&s, 600);
    scene_answer(&s, 2, 0);
    scene_run(&s, 0);
    struct scene_ask *first = scene_open_ask(&s, 1, BP_ACT_ASK_BLOCKS);
    assert_non_null(first);
    assert_int_equal(first->n, 4);
    assert_int_equal(first->due, 600 + 5000);
    scene_run(&s, 2499);
    assert_int_equal(scene_open_asks(&s, 2), 0);
    scene_run(&s, 1);
    struct scene_ask *second = scene_open_ask(&s, 2, BP_ACT_ASK_BLOCKS);
    assert_non_null(second);
    assert_int_equal(second->n, 1);
    assert_int_equal(second->ids[0], 1);
    scene_answer(&s, 2, (size_t)(second - scene_peer(&s, 2)->asks));
    scene_run(&s, 0);
    scene_expect_head(&s, 1);
    scene_answer_all(&s, 1);
    scene_run(&s, 0);
    scene_expect_head(&s, 4);
    assert_int_equal(blames(&s), 0);
    scene_close(&s);
}

/* One that is near is asked sooner: when the reply is overdue by five times
   what it takes itself, and 50 ms. */
static void x21_hedge_by_a_near_one(void **state) {
    (void)state;
    struct scene s;
    plain_world(&s, 0, 4);
    scene_peer(&s, 1)->manual = true;
    scene_peer(&s, 2)->manual = true;
    scene_join(&s, 2, 4);
    scene_join(&s, 1, 4);
    scene_run(&s, 20);
    scene_answer(&s, 2, 0);
    scene_run(&s, 0);
    assert_non_null(scene_open_ask(&s, 1, BP_ACT_ASK_BLOCKS));
    scene_run(&s, 5 * 20 + 50 - 1);
    assert_int_equal(scene_open_asks(&s, 2), 0);
    scene_run(&s, 1);
    struct scene_ask *second = scene_open_ask(&s, 2, BP_ACT_ASK_BLOCKS);
    assert_non_null(second);
    assert_int_equal(second->n, 1);
    assert_int_equal(second->ids[0], 1);
    scene_answer(&s, 2, (size_t)(second - scene_peer(&s, 2)->asks));
    scene_run(&s, 0);
    scene_expect_head(&s, 1);
    scene_close(&s);
}

/* Liars that lack a block, and say so just inside each deadline, cannot pass it
   on beside one another for ever: the distant peer that has it has its turn. */
static void x21_hedge_passed_on(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 300, &(struct bp_pool_config){ .window_bytes = 1 << 15 });
    made(&s);
    scene_peer(&s, 1)->latency = 300;
    for (uint32_t i = 1; i <= 5; i++) {
        if (i > 1) {
            scene_peer(&s, i)->latency = 1;
            scene_peer(&s, i)->no_body = 150;
            scene_peer(&s, i)->says_late = true;
        }
        scene_join(&s, i, 300);
    }
    scene_settle(&s, 1000000);
    scene_expect_head(&s, 300);
    assert_in_range(scene_at(&s, 150)->asked, 1, 20);
    assert_true(s.now < 20000);
    scene_close(&s);
}

/* ---- probes and progress ------------------------------------------------- */

/* A head that its peer answers with nothing is asked for after pauses that
   double, and not before; a minute after the first time the session ends. */
static void x21_head_probe(void **state) {
    (void)state;
    static const bp_time pause[] = { 1000, 2000, 4000, 8000, 16000 };
    struct scene s;
    world(&s, 0, 10, &(struct bp_pool_config){ .progress_ms = 10000000 });
    made(&s);
    scene_at(&s, 10)->exists = false;
    struct scene_peer *peer = scene_peer(&s, 1);
    peer->manual = true;
    scene_join(&s, 1, 10);
    for (size_t i = 0; i < sizeof pause / sizeof *pause; i++) {
        assert_int_equal(peer->n_asks, i + 1);
        scene_answer(&s, 1, i);
        scene_run(&s, pause[i] - 1);
        assert_int_equal(peer->n_asks, i + 1);
        scene_run(&s, 1);
    }
    assert_int_equal(peer->n_asks, 6);
    scene_answer(&s, 1, 5);
    scene_run(&s, 60000 - 31000 - 1);
    assert_int_equal(peer->n_asks, 6);
    assert_int_equal(scene_blamed(&s, 1, BP_OFF_EMPTY), 6);
    assert_true(peer->here);
    scene_run(&s, 1);
    assert_false(peer->here);
    assert_int_equal(scene_blamed(&s, 1, BP_OFF_LACKING), 1);
    assert_int_equal(scene_offences(&s), 0);
    scene_close(&s);
}

/* Nothing of the best peer's branch moves: it goes to the back of the queue,
   and the pool says that it rests. Whatever moves begins the time anew. */
static void x21_progress_limit(void **state) {
    (void)state;
    for (int moves = 0; moves < 2; moves++) {
        struct scene s;
        world(&s, 0, 10,
              &(struct bp_pool_config){ .request_first_ms = 100000,
                                        .request_min_ms = 100000,
                                        .request_max_ms = 100000,
                                        .links_per_request = 4 });
        made(&s);
        scene_peer(&s, 1)->manual = true;
        scene_join(&s, 1, 10);
        if (moves == 1) {
            scene_run(&s, 20000);
            scene_answer(&s, 1, 0);
        }
        scene_run(&s, 29999);
        assert_int_equal(blames(&s), 0);
        struct bp_peer_status st;
        bp_pool_peers(s.pool, &st, 1);
        assert_false(st.demoted);
        scene_run(&s, 1);
        assert_int_equal(scene_blamed(&s, 1, BP_OFF_STALLED), 1);
        bp_pool_peers(s.pool, &st, 1);
        assert_true(st.demoted);
        assert_true(scene_peer(&s, 1)->here);
        assert_int_equal(scene_status(&s).links_held, moves == 1 ? 4 : 0);
        scene_close(&s);
    }
}

/* The next best takes its place at that moment. */
static void x21_progress_limit_elects(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 10, NULL);
    scene_block(&s, 20, 0, 100);
    made(&s);
    scene_peer(&s, 1)->silent = true;
    scene_peer(&s, 2)->manual = true;
    scene_join(&s, 1, 20);
    scene_join(&s, 2, 10);
    scene_run(&s, 4999);
    assert_int_equal(scene_status(&s).best, 1);
    scene_run(&s, 1); /* late: to the back of the queue */
    assert_int_equal(scene_status(&s).best, 2);
    scene_close(&s);
}

/* Without progress everywhere the pool is at rest, and says so once. */
static void x21_rest(void **state) {
    (void)state;
    struct scene s;
    plain_world(&s, 0, 10);
    scene_at(&s, 10)->exists = false;
    scene_join(&s, 1, 10);
    scene_run(&s, 29999);
    assert_false(bp_pool_quiescent(s.pool));
    assert_int_equal(s.n_reports[BP_REPORT_STALLED], 0);
    scene_run(&s, 1);
    assert_true(bp_pool_quiescent(s.pool));
    assert_int_equal(s.n_reports[BP_REPORT_STALLED], 1);
    scene_run(&s, 1000);
    assert_int_equal(s.n_reports[BP_REPORT_STALLED], 1);
    scene_close(&s);
}

/* ---- suspension ---------------------------------------------------------- */

static void x21_suspension(void **state) {
    (void)state;
    struct scene s;
    plain_world(&s, 0, 3);
    scene_peer(&s, 1)->silent = true;
    scene_join(&s, 1, 3);
    scene_run(&s, 70);
    struct bp_event ev = { .type = BP_EV_PEER_OFFENCE };
    ev.u.offence.peer = 1;
    ev.u.offence.offence = BP_OFF_BAD_BYTES;
    scene_step(&s, &ev);
    assert_false(scene_peer(&s, 1)->here);
    scene_run(&s, 299999);
    scene_join(&s, 1, 3);
    assert_int_equal(scene_blamed(&s, 1, BP_OFF_SUSPENDED), 1);
    assert_int_equal(scene_status(&s).peers, 0);
    scene_run(&s, 1);
    scene_join(&s, 1, 3);
    assert_int_equal(scene_status(&s).peers, 1);
    assert_int_equal(scene_blamed(&s, 1, BP_OFF_SUSPENDED), 1);
    scene_close(&s);
}

/* ---- announcements ------------------------------------------------------- */

static void x21_announcement_wait(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        plain_world(&s, k, 1);
        struct scene_peer *peer = scene_join(&s, 1, 0);
        peer->manual = true;
        peer->head = 1;
        scene_announce(&s, 1, 1, 1);
        scene_run(&s, 499);
        assert_int_equal(peer->n_asks, 0);
        scene_run(&s, 1);
        assert_int_equal(peer->n_asks, 1);
        scene_answer_all(&s, 1);
        scene_run(&s, 0);
        scene_answer_all(&s, 1);
        scene_run(&s, 0);
        scene_expect_head(&s, 1);
        assert_int_equal(blames(&s), 0);
        scene_close(&s);
    }
}

/* It comes by itself within the wait: nobody is asked. */
static void x21_pushed_within_the_wait(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        plain_world(&s, k, 1);
        struct scene_peer *peer = scene_join(&s, 1, 0);
        scene_announce(&s, 1, 1, 1);
        scene_run(&s, 499);
        scene_push(&s, 1, 1, 0);
        scene_run(&s, 10000);
        scene_expect_head(&s, 1);
        assert_int_equal(peer->n_asks, 0);
        scene_close(&s);
    }
}

/* ---- our own failures ---------------------------------------------------- */

/* An insertion that the world prevented is tried again after pauses that
   double. */
static void x21_retry_of_an_insertion(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        world(&s, k, 5, NULL);
        s.fail_inserts = 3;
        made(&s);
        scene_join(&s, 1, 5);
        scene_run(&s, 0);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(s.fail_inserts, 2 - i);
            scene_run(&s, ((bp_time)1000 << i) - 1);
            assert_int_equal(s.fail_inserts, 2 - i);
            scene_expect_head(&s, 0);
            scene_run(&s, 1);
        }
        scene_expect_head(&s, 5);
        assert_int_equal(blames(&s), 0);
        scene_close(&s);
    }
}

/* One that went through ends the growing of the pause. */
static void x21_retry_after_progress(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 2, &(struct bp_pool_config){ .insert_items_max = 1 });
    s.insert_ms = 5;
    s.fail_inserts = 2;
    made(&s);
    scene_join(&s, 1, 2);
    scene_run(&s, 5 + 1000 + 5 + 2000 + 4);
    scene_expect_head(&s, 0);
    assert_int_equal(s.fail_inserts, 0);
    s.fail_inserts = 1; /* the insertion of 2, which begins at the end of 1's */
    scene_run(&s, 1);
    scene_expect_head(&s, 1);
    assert_int_equal(s.fail_inserts, 0);
    scene_run(&s, 5 + 1000 + 4);
    scene_expect_head(&s, 1);
    scene_run(&s, 1);
    scene_expect_head(&s, 2);
    scene_close(&s);
}

/* A moment that is past is none: the host is not asked again at once. */
static void x21_later_in_the_past(void **state) {
    (void)state;
    struct scene s;
    plain_world(&s, 0, 5);
    s.hold_jobs = true;
    scene_join(&s, 1, 5);
    scene_run(&s, 100);
    uint64_t jobs = scene_status(&s).jobs;
    for (uint64_t i = 0; i < 3; i++) {
        struct bp_event ev = { .type = BP_EV_CHECKED };
        ev.u.checked.job = jobs + i;
        ev.u.checked.verdict.kind = BP_VERDICT_LATER;
        ev.u.checked.verdict.not_before = s.now - 1;
        scene_step(&s, &ev);
        scene_run(&s, ((bp_time)1000 << i) - 1);
        assert_int_equal(scene_status(&s).jobs, jobs + i);
        scene_run(&s, 1);
        assert_int_equal(scene_status(&s).jobs, jobs + i + 1);
    }
    assert_int_equal(blames(&s), 0);
    scene_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(x21_first_deadline),
        T(x21_late_for_good),
        T(x21_a_lost_reply),
        T(x21_a_late_reply),
        T(x21_deadline_of_the_estimate),
        T(x21_content_that_never_comes),
        T(x21_hedge_of_links),
        T(x21_hedge_of_bodies),
        T(x21_hedge_by_a_near_one),
        T(x21_hedge_passed_on),
        T(x21_head_probe),
        T(x21_progress_limit),
        T(x21_progress_limit_elects),
        T(x21_rest),
        T(x21_suspension),
        T(x21_announcement_wait),
        T(x21_pushed_within_the_wait),
        T(x21_retry_of_an_insertion),
        T(x21_retry_after_progress),
        T(x21_later_in_the_past),
    };
    return bp_run(tests);
}
