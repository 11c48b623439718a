/* Groups T, S and N of the catalogue, life cycle: X1, X3, X9, X12, X13, X15,
   X16, X18, X19, X23, X28, X29; targets; condensed branches. */
#include "world.h"

/* ---- throttling --------------------------------------------------------- */

static void window_is_kept(struct scene *s) {
    assert_true(scene_status(s).window_used <=
                s->cfg.window_bytes + s->cfg.window_bytes / 4);
}

/* A slow importer: blocks here never pass the window, and all go in. */
static void t1_slow_importer(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        world(&s, k, 2000, &(struct bp_pool_config){ .window_bytes = 100000 });
        s.insert_ms = 500;
        made(&s);
        s.after_step = window_is_kept;
        scene_peer(&s, 1)->latency = 10;
        scene_join(&s, 1, 2000);
        scene_settle(&s, 10000000);
        scene_expect_head(&s, 2000);
        assert_int_equal(s.n_blames, 0);
        scene_close(&s);
    }
}

/* A peer that takes a second for each reply does not hold up a fast one. */
static void t3_slow_peer_beside_a_fast_one(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 4000, NULL);
    made(&s);
    scene_peer(&s, 1)->latency = 20;
    scene_peer(&s, 2)->latency = 1000;
    scene_join(&s, 1, 4000);
    scene_join(&s, 2, 4000);
    scene_settle(&s, 1000000);
    scene_expect_head(&s, 4000);
    assert_true(s.now < 5000);
    assert_int_equal(scene_offences(&s), 0);
    scene_close(&s);
}

/* In a window of a few blocks distant peers are asked for nothing that a near
   one brings before they answer. */
static void t3_small_window_is_left_to_the_near_one(void **state) {
    (void)state;
    bp_time alone = 0;
    for (uint32_t peers = 1; peers <= 4; peers += 3) {
        struct scene s;
        world(&s, 0, 1000, &(struct bp_pool_config){ .window_bytes = 1 << 14 });
        made(&s);
        for (uint32_t i = 1; i <= peers; i++) {
            scene_peer(&s, i)->latency = i == 1 ? 5 : 240;
            scene_join(&s, i, 1000);
        }
        scene_settle(&s, 1000000);
        scene_expect_head(&s, 1000);
        assert_int_equal(scene_offences(&s), 0);
        if (peers == 1) alone = s.now;
        if (peers > 1) assert_in_range(s.now, 1, 2 * alone + 240);
        scene_close(&s);
    }
}

/* X29: many peers, a long chain: insertion begins long before the end. */
static void x29_many_peers_small_window(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 20000,
          &(struct bp_pool_config){
              .window_bytes = 1 << 20, .peers_max = 100, .links_max = 8192 });
    s.no_check = true;
    made(&s);
    s.after_step = window_is_kept;
    for (uint32_t i = 1; i <= 100; i++) {
        scene_peer(&s, i)->latency = 10 + i;
        scene_join(&s, i, 20000);
    }
    scene_settle(&s, 10000000);
    scene_expect_head(&s, 20000);
    assert_true(scene_status(&s).spine_entries == 0);
    assert_true(s.peak_memory <= bp_pool_bound(&s.cfg));
    assert_int_equal(scene_offences(&s), 0);
    scene_close(&s);
}

/* A branch longer than its share is condensed and filled again. */
static void long_branch_is_condensed(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 30000,
          &(struct bp_pool_config){ .links_max = 16384,
                                    .links_per_request = 256 });
    made(&s);
    s.no_check = true;
    for (uint32_t i = 1; i <= 2; i++) scene_peer(&s, i)->latency = 5;
    scene_join(&s, 1, 30000);
    scene_join(&s, 2, 30000);
    scene_run(&s, 700); /* the budget is full */
    assert_true(scene_status(&s).spine_entries > 10);
    bp_pool_check(s.pool);
    scene_settle(&s, 10000000);
    scene_expect_head(&s, 30000);
    bp_pool_check(s.pool);
    assert_true(s.n_reports[BP_REPORT_CONDENSED] > 10);
    assert_int_equal(s.n_blames, 0);
    assert_true(s.peak_memory <= bp_pool_bound(&s.cfg));
    scene_close(&s);
}

/* ---- targets ------------------------------------------------------------ */

/* A trusted head, difficulty 0, claimed by nobody. */
static void target_needs_no_claim(void **state) {
    (void)state;
    struct scene s;
    scene_prepare(&s, NULL);
    scene_chain(&s, 1, 2500, 0);
    made(&s);
    struct bp_peer_info info = scene_info(&s, 1, 2500);
    info.claim = (struct bp_claim){ .head = scene_hash(0) };
    info.claim.known.held = true;
    scene_peer(&s, 1)->latency = 5;
    scene_join_info(&s, 1, 2500, &info);
    assert_true(bp_pool_quiescent(s.pool));
    struct bp_event ev = { .type = BP_EV_TARGET };
    ev.u.target.set = true;
    ev.u.target.hash = scene_hash(2500);
    scene_step(&s, &ev);
    assert_false(bp_pool_quiescent(s.pool));
    scene_settle(&s, 1000000);
    assert_true(scene_at(&s, 2500)->held);
    assert_int_equal(s.n_reports[BP_REPORT_TARGET], 1);
    assert_int_equal(scene_offences(&s), 0);
    scene_close(&s);
}

/* ---- connecting --------------------------------------------------------- */

/* X1: only the top is missing when the rest goes in: it is fetched. */
static void d57_x1_only_the_top_is_missing(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 4, NULL);
    made(&s);
    scene_peer(&s, 1)->manual = true;
    scene_join(&s, 1, 4);
    scene_answer(&s, 1, 0);
    scene_run(&s, 1);
    struct scene_ask *a = scene_open_ask(&s, 1, BP_ACT_ASK_BLOCKS);
    assert_int_equal(a->n, 4);
    a->open = false;
    scene_blocks(&s, 1, a->id, (uint32_t[]){ 1, 2, 3 }, 3, false);
    scene_run(&s, 1);
    scene_expect_head(&s, 3);
    a = scene_open_ask(&s, 1, BP_ACT_ASK_BLOCKS);
    assert_non_null(a);
    assert_int_equal(a->n, 1);
    assert_int_equal(a->ids[0], 4);
    scene_answer_all(&s, 1);
    scene_settle(&s, 1000);
    scene_expect_head(&s, 4);
    scene_close(&s);
}

/* X15: failure and success run through a chain of sections. */
static void x15_through_three_sections(void **state) {
    (void)state;
    for (int bad = 0; bad < 2; bad++) {
        struct scene s;
        world(&s, 0, 9, NULL);
        scene_block(&s, 21, 3, 1);
        scene_block(&s, 22, 6, 1);
        if (bad) scene_at(&s, 5)->bad_rule = true;
        made(&s);
        scene_peer(&s, 2)->latency = 3;
        scene_peer(&s, 3)->latency = 6;
        scene_join(&s, 1, 9);
        scene_join_td(&s, 2, 21, 900);
        scene_join_td(&s, 3, 22, 901);
        scene_settle(&s, 100000);
        if (bad) {
            assert_true(scene_at(&s, 3)->held);
            assert_false(scene_at(&s, 5)->held);
            assert_false(scene_at(&s, 22)->held);
        } else {
            scene_expect_head(&s, 9);
            assert_true(scene_at(&s, 22)->held);
        }
        assert_true(scene_at(&s, 21)->held);
        scene_close(&s);
    }
}

/* X13, X30's other half: a new section ends in the middle of an idle one. */
static void x13_root_in_the_middle_of_an_idle_section(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 50, NULL);
    scene_block(&s, 60, 40, 100);
    scene_chain(&s, 61, 65, 100);
    made(&s);
    scene_peer(&s, 1)->cap = 20;
    scene_peer(&s, 1)->latency = 10;
    scene_join(&s, 1, 50);
    scene_run(&s, 15);
    scene_leave(&s, 1);
    scene_peer(&s, 2)->latency = 10;
    scene_join(&s, 2, 65);
    scene_settle(&s, 100000);
    scene_expect_head(&s, 65);
    assert_true(scene_status(&s).forks >= 1);
    assert_int_equal(scene_offences(&s), 0);
    scene_close(&s);
}

/* ---- peers that come and go ---------------------------------------------- */

/* X9: a new head every 20 s, each answer late but in time. */
static void x9_changing_heads_are_no_fault(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        world(&s, k, 30, NULL);
        made(&s);
        scene_peer(&s, 1)->latency = 4000;
        scene_join(&s, 1, 20);
        for (uint32_t head = 21; head <= 30; head++) {
            scene_run(&s, 20000);
            scene_claim(&s, 1, head);
        }
        scene_settle(&s, 100000);
        scene_expect_head(&s, 30);
        assert_int_equal(scene_offences(&s), 0);
        assert_true(scene_peer(&s, 1)->here);
        scene_close(&s);
    }
}

/* X16: a check or an insertion takes ten seconds while peers come and go. */
static void x16_slow_jobs_block_nothing(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 600, NULL);
    s.check_ms = 10000;
    s.insert_ms = 10000;
    made(&s);
    for (uint32_t i = 1; i <= 20; i++) {
        scene_peer(&s, i)->latency = 20;
        scene_join(&s, i, 600);
        scene_run(&s, 700);
        if (i % 3 == 0) scene_leave(&s, i - 1);
    }
    scene_settle(&s, 1000000);
    scene_expect_head(&s, 600);
    assert_int_equal(scene_offences(&s), 0);
    assert_int_equal(scene_blamed(&s, 1, BP_OFF_STALLED), 0);
    scene_close(&s);
}

/* X23: our own chain overtakes the best peer: nobody is best. */
static void x23_own_chain_overtakes(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        world(&s, k, 10, NULL);
        scene_block(&s, 20, 0, 1000);
        made(&s);
        scene_peer(&s, 1)->silent = true;
        scene_join(&s, 1, 10);
        assert_int_equal(scene_status(&s).best, 1);
        struct bp_event ev = { .type = BP_EV_CHAIN };
        ev.u.chain.before = s.cfg.head;
        ev.u.chain.head =
            (struct bp_chain_head){ scene_hash(20), 1, bp_u256_from_u64(1001) };
        ev.u.chain.ancestor = scene_hash(0);
        scene_at(&s, 20)->held = true;
        scene_step(&s, &ev);
        assert_int_equal(scene_status(&s).best, 0);
        scene_run(&s, 100000);
        assert_int_equal(scene_status(&s).best, 0);
        assert_int_equal(scene_offences(&s), 0);
        scene_close(&s);
    }
}

/* X28: one block every five seconds is slow, and no reason to give up. */
static void x28_slow_but_steady(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 40, &(struct bp_pool_config){ .blocks_per_request = 1 });
    made(&s);
    scene_peer(&s, 1)->latency = 4900;
    scene_join(&s, 1, 40);
    scene_settle(&s, 10000000);
    scene_expect_head(&s, 40);
    assert_int_equal(scene_offences(&s), 0);
    assert_true(scene_peer(&s, 1)->here);
    scene_close(&s);
}

/* ---- announcements ----------------------------------------------------- */

static void n1_announced_in_order(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        world(&s, k, 100, NULL);
        made(&s);
        scene_join(&s, 1, 0);
        for (uint32_t id = 1; id <= 100; id++) {
            scene_peer(&s, 1)->head = id;
            scene_announce(&s, 1, id, id);
            scene_run(&s, 600);
            assert_true(scene_at(&s, id)->held);
        }
        assert_int_equal(s.n_blames, 0);
        scene_close(&s);
    }
}

/* N2, N4: announced by two peers and twice by one: fetched once. */
static void n2_announced_by_many(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 1, NULL);
    made(&s);
    for (uint32_t i = 1; i <= 3; i++) {
        scene_join(&s, i, 0);
        scene_peer(&s, i)->head = 1;
        scene_peer(&s, i)->latency = 50;
        scene_announce(&s, i, 1, 1);
        scene_announce(&s, i, 1, 1);
    }
    scene_run(&s, 499);
    for (uint32_t i = 1; i <= 3; i++)
        assert_int_equal(scene_peer(&s, i)->n_asks, 0);
    scene_run(&s, 2000);
    scene_expect_head(&s, 1);
    assert_int_equal(scene_at(&s, 1)->came, 1);
    scene_close(&s);
}

/* N6: a pushed block closes a gap. */
static void n6_pushed_block_closes_the_gap(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 3, NULL);
    made(&s);
    scene_join(&s, 1, 0);
    scene_push(&s, 1, 3, 0);
    scene_push(&s, 1, 2, 0);
    assert_int_equal(scene_status(&s).sections, 1);
    scene_push(&s, 1, 1, 0);
    scene_settle(&s, 100);
    scene_expect_head(&s, 3);
    assert_int_equal(s.n_blames, 0);
    scene_close(&s);
}

static void n8_wrong_number_announced(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 2, NULL);
    made(&s);
    scene_join(&s, 1, 0);
    scene_peer(&s, 1)->head = 1;
    scene_announce(&s, 1, 1, 2);
    scene_run(&s, 1000);
    assert_int_equal(scene_blamed(&s, 1, BP_OFF_WRONG_NUMBER), 1);
    assert_false(scene_at(&s, 1)->held);
    scene_join(&s, 2, 0);
    scene_peer(&s, 2)->head = 2;
    scene_announce(&s, 2, 1, 1);
    scene_run(&s, 1000);
    scene_expect_head(&s, 1);
    assert_int_equal(scene_blamed(&s, 2, -1), 0);
    scene_close(&s);
}

static void n9_empty_block_needs_no_body(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 32, NULL);
    for (uint32_t id = 1; id <= 32; id++) scene_at(&s, id)->empty = id % 2;
    made(&s);
    scene_join(&s, 1, 0);
    for (uint32_t id = 1; id <= 32; id++) {
        scene_peer(&s, 1)->head = id;
        scene_announce(&s, 1, id, id);
        scene_run(&s, 600);
    }
    scene_expect_head(&s, 32);
    for (uint32_t id = 1; id <= 32; id++)
        assert_int_equal(scene_at(&s, id)->asked, 1 - id % 2);
    scene_close(&s);
}

/* A5: more announcements and pushes than a peer's share. */
static void a5_announcement_flood(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 32, NULL);
    for (uint32_t id = 1001; id <= 1400; id++) scene_block(&s, id, 999, 1);
    made(&s);
    scene_join(&s, 1, 0)->silent = true;
    scene_join(&s, 2, 0);
    for (uint32_t i = 0; i < 1000; i++) scene_announce(&s, 1, 50000 + i, 0);
    assert_int_equal(scene_blamed(&s, 1, BP_OFF_FLOOD), 1);
    for (uint32_t id = 1001; id <= 1400; id++) {
        scene_at(&s, id)->number = 30;
        scene_push(&s, 1, id, 0);
    }
    assert_true(scene_status(&s).links_held <= 64);
    scene_peer(&s, 2)->head = 32;
    for (uint32_t id = 1; id <= 32; id++) {
        scene_announce(&s, 2, id, id);
        scene_run(&s, 600);
    }
    scene_expect_head(&s, 32);
    assert_int_equal(scene_blamed(&s, 2, -1), 0);
    scene_close(&s);
}

/* A8: too far below or above our head to be looked at. */
static void a8_distant_announcements(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 60, NULL);
    scene_hold(&s, 10);
    scene_block(&s, 70, 1, 1);
    made(&s);
    scene_join(&s, 1, 10);
    scene_peer(&s, 1)->head = 60;
    scene_announce(&s, 1, 43, 43);
    scene_announce(&s, 1, 70, 2);
    scene_push(&s, 1, 43, 0);
    scene_push(&s, 1, 70, 0);
    scene_run(&s, 1000);
    assert_int_equal(scene_peer(&s, 1)->n_asks, 0);
    assert_int_equal(scene_status(&s).links_held, 0);
    scene_announce(&s, 1, 42, 42);
    scene_run(&s, 1000);
    assert_true(scene_peer(&s, 1)->n_asks > 0);
    scene_close(&s);
}

/* A pushed block that breaks a rule of its body is no offence. */
static void m32_pushed_block_with_a_bad_body(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 2, NULL);
    made(&s);
    scene_join(&s, 1, 0);
    scene_peer(&s, 1)->bad_bodies = true;
    scene_push(&s, 1, 1, 0);
    scene_settle(&s, 1000);
    assert_false(scene_at(&s, 1)->held);
    assert_int_equal(s.n_blames, 0);
    scene_close(&s);
}

/* ---- life cycle -------------------------------------------------------- */

/* X18, X19: reset and purge at every step of a sync; then it goes on. */
static void x18_reset_or_purge_at_every_step(void **state) {
    (void)state;
    for (uint32_t at = 0; at < 120; at++) {
        struct scene s;
        world(&s, (int)at % 2, 60,
              &(struct bp_pool_config){ .links_per_request = 8,
                                        .hashes_per_request = 8,
                                        .blocks_per_request = 4,
                                        .insert_items_max = 8,
                                        .links_max = 512 });
        s.check_ms = 3;
        s.insert_ms = 3;
        made(&s);
        scene_peer(&s, 1)->latency = 2;
        scene_join(&s, 1, 60);
        scene_run(&s, at);
        bool reset = at % 4 < 2;
        struct bp_event ev = { .type = reset ? BP_EV_RESET : BP_EV_PURGE };
        scene_step(&s, &ev);
        assert_int_equal(scene_status(&s).links_held, 0);
        assert_int_equal(scene_status(&s).blocks_held, 0);
        assert_int_equal(scene_status(&s).peers, reset ? 0 : 1);
        if (reset) {
            size_t asked = scene_peer(&s, 1)->n_asks;
            scene_run(&s, 50);
            assert_int_equal(scene_peer(&s, 1)->n_asks, asked);
            assert_true(bp_pool_quiescent(s.pool));
            scene_join(&s, 2, 60);
        }
        scene_settle(&s, 100000);
        scene_expect_head(&s, 60);
        assert_int_equal(scene_offences(&s), 0);
        scene_close(&s);
    }
}

/* Freed at any moment, every item is handed back once. */
static void x18_freed_at_any_moment(void **state) {
    (void)state;
    for (uint32_t at = 0; at < 150; at++) {
        struct scene s;
        world(&s, (int)at % 2, 60,
              &(struct bp_pool_config){ .links_per_request = 8,
                                        .hashes_per_request = 8,
                                        .blocks_per_request = 4,
                                        .links_max = 512 });
        s.check_ms = 3;
        s.insert_ms = 3;
        made(&s);
        scene_peer(&s, 1)->latency = 2;
        scene_join(&s, 1, 60);
        scene_run(&s, at);
        scene_close(&s);
    }
}

/* The world's failures blame nobody, and are tried again. */
static void failed_insertions_are_retried(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 20, NULL);
    s.fail_inserts = 3;
    made(&s);
    scene_join(&s, 1, 20);
    scene_settle(&s, 100000);
    scene_expect_head(&s, 20);
    assert_true(s.now >= 7000);
    assert_int_equal(s.n_blames, 0);
    scene_close(&s);
}

/* ---- status ------------------------------------------------------------ */

static void status_of_branches_and_peers(void **state) {
    (void)state;
    struct scene s;
    scene_prepare(&s, NULL);
    scene_chain(&s, 1, 6, 5);
    scene_block(&s, 7, 3, 1);
    scene_chain(&s, 8, 9, 1);
    made(&s);
    struct bp_pool_status st = scene_status(&s);
    assert_int_equal(st.peers, 0);
    assert_false(st.syncing);
    scene_peer(&s, 1)->manual = true;
    scene_join(&s, 1, 9);
    st = scene_status(&s);
    assert_true(st.syncing);
    assert_int_equal(st.best, 1);
    assert_int_equal(st.claims, 1);
    assert_int_equal(st.peers_seen, 1);
    assert_int_equal(st.requests, 1);
    scene_answer(&s, 1, 0);
    st = scene_status(&s);
    assert_int_equal(st.links_seen, 6);
    assert_int_equal(st.links_held, 6);
    assert_int_equal(st.branches, 1);
    scene_peer(&s, 2)->manual = true;
    scene_join(&s, 2, 6);
    assert_int_equal(scene_status(&s).best, 2);
    assert_int_equal(scene_status(&s).peers_best, 2);
    s.hold_jobs = true;
    scene_answer(&s, 2, 0);
    st = scene_status(&s);
    assert_int_equal(st.links_held, 9);
    assert_int_equal(st.branches, 2);
    assert_int_equal(st.forks, 1);
    assert_int_equal(st.sections, 3);
    assert_true(st.duplicates > 0);
    struct bp_branch_status br[4];
    assert_int_equal(bp_pool_branches(s.pool, br, 4), 2);
    assert_int_equal(br[0].top_number, 6);
    assert_int_equal(br[0].bottom_number, 1);
    assert_int_equal(br[0].links, 6);
    assert_true(br[0].connected && br[0].active);
    assert_int_equal(scene_id(&br[0].top), 6);
    assert_int_equal(scene_id(&br[1].top), 9);
    struct bp_peer_status ps[4];
    assert_int_equal(bp_pool_peers(s.pool, ps, 4), 2);
    assert_int_equal(ps[0].peer, 1);
    assert_true(ps[1].best && !ps[0].best);
    assert_int_equal(ps[1].links_given, 3);
    char why[256];
    assert_true(bp_pool_why(s.pool, why, sizeof why) > 20);
    assert_non_null(strstr(why, "check"));
    struct bp_event ev = { .type = BP_EV_PURGE };
    scene_step(&s, &ev);
    s.hold_jobs = false;
    scene_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(t1_slow_importer),
        T(t3_slow_peer_beside_a_fast_one),
        T(t3_small_window_is_left_to_the_near_one),
        T(x29_many_peers_small_window),
        T(long_branch_is_condensed),
        T(target_needs_no_claim),
        T(d57_x1_only_the_top_is_missing),
        T(x15_through_three_sections),
        T(x13_root_in_the_middle_of_an_idle_section),
        T(x9_changing_heads_are_no_fault),
        T(x16_slow_jobs_block_nothing),
        T(x23_own_chain_overtakes),
        T(x28_slow_but_steady),
        T(n1_announced_in_order),
        T(n2_announced_by_many),
        T(n6_pushed_block_closes_the_gap),
        T(n8_wrong_number_announced),
        T(n9_empty_block_needs_no_body),
        T(a5_announcement_flood),
        T(a8_distant_announcements),
        T(m32_pushed_block_with_a_bad_body),
        T(x18_reset_or_purge_at_every_step),
        T(x18_freed_at_any_moment),
        T(failed_insertions_are_retried),
        T(status_of_branches_and_peers),
    };
    return bp_run(tests);
}
