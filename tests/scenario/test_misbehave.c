/* Groups M, A and R of the catalogue; X4-X8, X11, X12, X14, X25, X26. */
#include "world.h"

static void m1_invalid_block_at_the_top(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        world(&s, k, 3, NULL);
        scene_at(&s, 3)->bad_rule = true;
        made(&s);
        scene_join(&s, 1, 3);
        scene_settle(&s, 100000);
        assert_false(scene_at(&s, 3)->held);
        assert_int_equal(scene_blamed(&s, 1, BP_OFF_BAD_RULE), 1);
        assert_int_equal(scene_offences(&s), 1);
        scene_close(&s);
    }
}

/* The bad copy costs its sender, the good one comes from another. */
static void m3_bad_seal_from_one(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 3, NULL);
    scene_block(&s, 4, 2, 7); /* like 3, but its seal is bad */
    scene_at(&s, 4)->bad_seal = true;
    made(&s);
    scene_join_td(&s, 1, 4, 1000);
    scene_join(&s, 2, 3);
    scene_settle(&s, 100000);
    scene_expect_head(&s, 3);
    assert_int_equal(scene_blamed(&s, 1, BP_OFF_BAD_RULE) +
                         scene_blamed(&s, 1, BP_OFF_BAD_SEAL),
                     1);
    assert_int_equal(scene_blamed(&s, 2, -1), 0);
    scene_close(&s);
}

/* A list that begins with another block, one that the host holds, says nothing
   of the block that was asked for: not that it is held. */
static void a_held_list_of_another_origin(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 3, NULL);
    made(&s);
    scene_peer(&s, 1)->manual = true;
    scene_join_td(&s, 1, 3, 1000);
    const struct scene_ask *ask = scene_open_ask(&s, 1, BP_ACT_ASK_LINKS);
    scene_links(&s, 1, ask->id, (uint32_t[]){ 0 }, 1);
    assert_int_equal(scene_blamed(&s, 1, BP_OFF_UNLINKED), 1);
    scene_join(&s, 2, 3);
    scene_settle(&s, 100000);
    scene_expect_head(&s, 3);
    assert_int_equal(scene_blamed(&s, 2, -1), 0);
    scene_close(&s);
}

/* A position of the list, but nothing that is held: the host contradicts
   itself, and nothing is believed of it. */
static void a_position_that_holds_nothing(void **state) {
    (void)state;
    static const size_t at[] = { 0, 1, 3, 4, 77 };
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        struct scene s;
        world(&s, 0, 5, NULL);
        made(&s);
        scene_peer(&s, 1)->manual = true;
        scene_join(&s, 1, 5);
        struct scene_ask *ask = scene_open_ask(&s, 1, BP_ACT_ASK_LINKS);
        struct bp_link links[3];
        for (uint32_t k = 0; k < 3; k++) links[k] = scene_link(&s, 5 - k);
        struct bp_event ev = { .type = BP_EV_LINKS };
        ev.u.links = (struct bp_ev_links){ .peer = 1,
                                           .request = ask->id,
                                           .links = links,
                                           .n = 3,
                                           .held_at = at[i],
                                           .held = { .held = at[i] > 3 } };
        ask->open = false;
        scene_step(&s, &ev);
        assert_int_equal(scene_status(&s).links_held, 3);
        struct bp_branch_status branch;
        assert_int_equal(bp_pool_branches(s.pool, &branch, 1), 1);
        assert_false(branch.connected);
        scene_peer(&s, 1)->manual = false;
        scene_answer_all(&s, 1);
        scene_settle(&s, 100000);
        scene_expect_head(&s, 5);
        scene_close(&s);
    }
}

/* A peer of bare hashes announces blocks that nobody has, for ever, and answers
   with nothing: what it makes us want leaves the window to the others. */
static void announced_and_never_given(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        world(&s, k, 2000, &(struct bp_pool_config){ .window_bytes = 100000 });
        made(&s);
        scene_peer(&s, 1)->manual = true;
        s.caps = SCENE_BARE;
        scene_join(&s, 1, 0);
        uint32_t id = 3000;
        for (int round = 0; round < 30; round++) {
            for (int i = 0; i < 100; i++, id++) {
                scene_block(&s, id, 0, 1);
                scene_announce(&s, 1, id, 1);
            }
            scene_run(&s, 700);
            struct scene_ask *ask;
            while ((ask = scene_open_ask(&s, 1, BP_ACT_ASK_BLOCKS)) != NULL) {
                ask->open = false;
                scene_blocks(&s, 1, ask->id, NULL, 0, true);
            }
        }
        assert_true(scene_status(&s).window_used <= 100000 / 2);
        scene_peer(&s, 2)->latency = 5;
        s.caps = kind_caps(k);
        scene_join(&s, 2, 2000);
        scene_run(&s, 60000);
        scene_expect_head(&s, 2000);
        assert_int_equal(scene_offences(&s), 0);
        scene_close(&s);
    }
}

/* A reset forgets what was found invalid too: it is found again. */
static void a_reset_forgets_invalid_blocks(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 3, NULL);
    scene_at(&s, 3)->bad_rule = true;
    made(&s);
    scene_join(&s, 1, 3);
    scene_settle(&s, 100000);
    assert_int_equal(scene_blamed(&s, 1, BP_OFF_BAD_RULE), 1);
    scene_join(&s, 2, 3);
    assert_int_equal(scene_blamed(&s, 2, BP_OFF_BANNED), 1);
    scene_step(&s, &(struct bp_event){ .type = BP_EV_RESET });
    scene_join(&s, 3, 3);
    assert_int_equal(scene_blamed(&s, 3, BP_OFF_BANNED), 0);
    scene_settle(&s, 100000);
    assert_int_equal(scene_blamed(&s, 3, BP_OFF_BAD_RULE), 1);
    scene_close(&s);
}

/* Blocks that nobody asked for are dropped, and are no offence. */
static void m4_unrequested_blocks(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 3, NULL);
    made(&s);
    scene_peer(&s, 1)->manual = true;
    scene_join(&s, 1, 3);
    scene_blocks(&s, 1, 77, (uint32_t[]){ 2 }, 1, false);
    assert_int_equal(scene_offences(&s), 0);
    scene_answer_all(&s, 1);
    scene_peer(&s, 1)->manual = false;
    scene_settle(&s, 100000);
    scene_answer_all(&s, 1);
    scene_settle(&s, 100000);
    scene_expect_head(&s, 3);
    scene_close(&s);
}

/* Nothing comes: late, then let go; never an offence, and another serves. */
static void m5_no_head_within_the_limit(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        world(&s, k, 30, NULL);
        made(&s);
        scene_peer(&s, 1)->silent = true;
        scene_join_td(&s, 1, 30, 100000);
        scene_join(&s, 2, 30);
        scene_settle(&s, 100000);
        scene_expect_head(&s, 30);
        scene_run(&s, 100000);
        assert_true(scene_blamed(&s, 1, BP_OFF_LATE) >= 1);
        assert_false(scene_peer(&s, 1)->here);
        assert_int_equal(scene_offences(&s), 0);
        scene_close(&s);
    }
}

/* A block of the future waits, and nobody is blamed for it or its claim. */
static void m7_future_block(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        world(&s, k, 5, NULL);
        scene_at(&s, 4)->later = 12345;
        made(&s);
        scene_join(&s, 1, 5);
        scene_run(&s, 12344);
        scene_expect_head(&s, 3);
        scene_run(&s, 1);
        scene_settle(&s, 1000);
        scene_expect_head(&s, 5);
        assert_true(s.now <= 12400);
        assert_int_equal(s.n_blames, 0);
        scene_close(&s);
    }
}

static void m8_suspension(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 3, &(struct bp_pool_config){ .suspend_ms = 1000 });
    made(&s);
    scene_peer(&s, 1)->silent = true;
    scene_join(&s, 1, 3);
    struct bp_event ev = { .type = BP_EV_PEER_OFFENCE };
    ev.u.offence.peer = 1;
    ev.u.offence.offence = BP_OFF_BAD_BYTES;
    ev.u.offence.code = 42;
    scene_step(&s, &ev);
    assert_false(scene_peer(&s, 1)->here);
    assert_int_equal(scene_status(&s).peers, 0);
    scene_run(&s, 999);
    scene_join(&s, 1, 3);
    assert_int_equal(scene_blamed(&s, 1, BP_OFF_SUSPENDED), 1);
    assert_int_equal(scene_status(&s).peers, 0);
    scene_run(&s, 1);
    scene_join(&s, 1, 3);
    assert_int_equal(scene_status(&s).peers, 1);
    scene_close(&s);
}

/* A head that stands on nothing; then a valid peer succeeds. */
static void m9_parent_does_not_exist(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        world(&s, k, 20, NULL);
        scene_chain(&s, 101, 140, 50);
        scene_block(&s, 100, 20, 5);
        scene_chain(&s, 101, 140, 50);
        scene_at(&s, 100)->exists = false;
        made(&s);
        scene_join(&s, 1, 140);
        scene_run(&s, 50);
        scene_join(&s, 2, 20);
        scene_settle(&s, 200000);
        scene_expect_head(&s, 20);
        assert_int_equal(scene_blamed(&s, 2, -1), 0);
        scene_close(&s);
    }
}

/* One block of the list exists nowhere: what is below it goes in. */
static void m11_one_block_exists_nowhere(void **state) {
    (void)state;
    struct scene s;
    world(&s, 1, 60, NULL);
    made(&s);
    scene_peer(&s, 1)->manual = true;
    scene_join(&s, 1, 60);
    for (int i = 0; i < 200; i++) {
        for (size_t k = 0; k < scene_peer(&s, 1)->n_asks; k++) {
            struct scene_ask a = scene_peer(&s, 1)->asks[k];
            if (!a.open) continue;
            if (a.type == BP_ACT_ASK_HASHES) {
                scene_at(&s, 30)->exists = true;
                scene_answer(&s, 1, k);
                scene_at(&s, 30)->exists = false;
            } else {
                scene_answer(&s, 1, k);
            }
        }
        scene_run(&s, 500);
    }
    scene_expect_head(&s, 29);
    assert_int_equal(scene_offences(&s), 0);
    scene_close(&s);
}

/* A list with every second block left out is refuted by its first blocks. */
static void m13_every_second_block_left_out(void **state) {
    (void)state;
    struct scene s;
    world(&s, 1, 60, NULL);
    made(&s);
    scene_peer(&s, 1)->manual = true;
    scene_join_td(&s, 1, 60, 100000);
    scene_answer(&s, 1, 0);
    struct scene_ask *a = scene_open_ask(&s, 1, BP_ACT_ASK_HASHES);
    assert_non_null(a);
    a->open = false;
    uint32_t list[30];
    for (uint32_t i = 0; i < 29; i++) list[i] = 59 - 2 * i;
    scene_hashes(&s, 1, a->id, list, 29);
    for (int i = 0; i < 20 && scene_peer(&s, 1)->here; i++) {
        scene_answer_all(&s, 1);
        scene_run(&s, 100);
    }
    assert_int_equal(scene_blamed(&s, 1, BP_OFF_FORGED_LIST), 1);
    scene_join(&s, 2, 60);
    scene_settle(&s, 100000);
    scene_expect_head(&s, 60);
    assert_int_equal(scene_blamed(&s, 2, -1), 0);
    scene_close(&s);
}

/* X26: real hashes in a forged order. */
static void x26_forged_order(void **state) {
    (void)state;
    struct scene s;
    world(&s, 1, 10, NULL);
    made(&s);
    scene_peer(&s, 1)->manual = true;
    scene_join_td(&s, 1, 10, 100000);
    scene_answer(&s, 1, 0);
    struct scene_ask *a = scene_open_ask(&s, 1, BP_ACT_ASK_HASHES);
    a->open = false;
    scene_hashes(&s, 1, a->id, (uint32_t[]){ 9, 8, 6, 7, 5, 4, 3, 2, 1, 0 },
                 10);
    for (int i = 0; i < 20 && scene_peer(&s, 1)->here; i++) {
        scene_answer_all(&s, 1);
        scene_run(&s, 10);
    }
    assert_int_equal(scene_blamed(&s, 1, BP_OFF_FORGED_LIST), 1);
    scene_join(&s, 2, 10);
    scene_settle(&s, 100000);
    scene_expect_head(&s, 10);
    scene_close(&s);
}

/* A list that does not begin at the head's parent is refuted at once. */
static void x26_first_hash_wrong(void **state) {
    (void)state;
    struct scene s;
    world(&s, 1, 10, NULL);
    made(&s);
    scene_peer(&s, 1)->manual = true;
    scene_join(&s, 1, 10);
    scene_answer(&s, 1, 0);
    struct scene_ask *a = scene_open_ask(&s, 1, BP_ACT_ASK_HASHES);
    a->open = false;
    scene_hashes(&s, 1, a->id, (uint32_t[]){ 8, 7 }, 2);
    assert_int_equal(scene_blamed(&s, 1, BP_OFF_FORGED_LIST), 1);
    scene_close(&s);
}

static void m15_high_td_nothing_behind(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        world(&s, k, 300, NULL);
        scene_block(&s, 900, 0, 1);
        scene_at(&s, 900)->exists = false;
        made(&s);
        for (uint32_t i = 1; i <= 4; i++) scene_join_td(&s, i, 900, 1000000);
        scene_join(&s, 9, 300);
        scene_settle(&s, 200000);
        scene_expect_head(&s, 300);
        assert_int_equal(scene_blamed(&s, 9, -1), 0);
        assert_true(s.now < 60000);
        scene_close(&s);
    }
}

static void m19_bad_bodies_beside_good_ones(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        world(&s, k, 1000, NULL);
        made(&s);
        for (uint32_t i = 1; i <= 4; i++) {
            scene_peer(&s, i)->latency = 10;
            scene_peer(&s, i)->bad_bodies = i > 2;
        }
        for (uint32_t i = 1; i <= 4; i++) scene_join(&s, i, 1000);
        scene_settle(&s, 300000);
        scene_expect_head(&s, 1000);
        assert_int_equal(scene_blamed(&s, 1, -1), 0);
        assert_int_equal(scene_blamed(&s, 2, -1), 0);
        scene_close(&s);
    }
}

/* A header left out of the list: the host finds the gap, and says so. */
static void m20_unlinked_headers(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 20, NULL);
    made(&s);
    scene_peer(&s, 1)->manual = true;
    scene_join_td(&s, 1, 20, 10000);
    struct scene_ask *a = scene_open_ask(&s, 1, BP_ACT_ASK_LINKS);
    a->open = false;
    /* the list starts at another block than the one asked for */
    scene_links(&s, 1, a->id, (uint32_t[]){ 19, 18 }, 2);
    assert_int_equal(scene_blamed(&s, 1, BP_OFF_UNLINKED), 1);
    scene_join(&s, 2, 20);
    scene_settle(&s, 10000);
    scene_expect_head(&s, 20);
    scene_close(&s);
}

static void m31_body_matches_nothing(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 3, NULL);
    made(&s);
    scene_peer(&s, 1)->manual = true;
    scene_join(&s, 1, 3);
    scene_answer(&s, 1, 0);
    scene_run(&s, 1);
    struct scene_ask *a = scene_open_ask(&s, 1, BP_ACT_ASK_BLOCKS);
    assert_non_null(a);
    a->open = false;
    struct bp_delivery d = { .matched = false, .size = 10 };
    struct bp_event ev = { .type = BP_EV_BLOCKS };
    ev.u.blocks.peer = 1;
    ev.u.blocks.request = a->id;
    ev.u.blocks.blocks = &d;
    ev.u.blocks.n = 1;
    scene_step(&s, &ev);
    assert_int_equal(scene_blamed(&s, 1, BP_OFF_BODY_MISMATCH), 1);
    scene_join(&s, 2, 3);
    scene_settle(&s, 10000);
    scene_expect_head(&s, 3);
    scene_close(&s);
}

/* A committed body rule is broken: bad whoever sends it. */
static void m18_committed_body_rule(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 9, NULL);
    scene_at(&s, 5)->bad_body = true;
    made(&s);
    scene_join(&s, 1, 9);
    scene_settle(&s, 100000);
    scene_expect_head(&s, 4);
    assert_int_equal(scene_blamed(&s, 1, BP_OFF_BAD_BODY), 1);
    scene_join(&s, 2, 5); /* its head is known to be invalid */
    assert_int_equal(scene_blamed(&s, 2, BP_OFF_BANNED), 1);
    scene_close(&s);
}

/* ---- bounds ------------------------------------------------------------- */

/* Endless invented hashes: bounded, refuted or stalled; others undisturbed. */
static void a1_endless_hashes(void **state) {
    (void)state;
    struct scene s;
    world(&s, 1, 400, &(struct bp_pool_config){ .links_max = 8192 });
    scene_block(&s, 1000, 0, 1);
    made(&s);
    scene_at(&s, 1000)->number = 10000000;
    scene_peer(&s, 1)->manual = true;
    scene_join_td(&s, 1, 1000, 1u << 30);
    uint32_t invented = 0x10000000;
    scene_peer(&s, 2)->latency = 20;
    scene_join(&s, 2, 400);
    for (int round = 0; round < 200; round++) {
        for (size_t k = 0; k < scene_peer(&s, 1)->n_asks; k++) {
            struct scene_ask *a = &scene_peer(&s, 1)->asks[k];
            if (!a->open || !scene_peer(&s, 1)->here) continue;
            if (a->type == BP_ACT_ASK_BLOCKS) {
                if (k == 0) scene_answer(&s, 1, k);
                continue;
            }
            a->open = false;
            uint32_t list[256];
            for (int i = 0; i < 256; i++) list[i] = invented++;
            list[0] = a->origin == 1000 ? 0 : list[0];
            scene_hashes(&s, 1, a->id, list, a->count);
        }
        scene_run(&s, 100);
    }
    scene_settle(&s, 100000);
    assert_true(scene_at(&s, 400)->held);
    assert_int_equal(scene_blamed(&s, 2, -1), 0);
    assert_true(s.peak_memory <= bp_pool_bound(&s.cfg));
    scene_close(&s);
}

/* X5: more than was asked, duplicates, loops. */
static void x5_oversized_lists(void **state) {
    (void)state;
    struct scene s;
    world(&s, 1, 40, NULL);
    made(&s);
    scene_peer(&s, 1)->manual = true;
    scene_join_td(&s, 1, 40, 10000);
    scene_answer(&s, 1, 0);
    struct scene_ask *a = scene_open_ask(&s, 1, BP_ACT_ASK_HASHES);
    a->open = false;
    uint32_t list[300];
    for (uint32_t i = 0; i < 300; i++) list[i] = i % 2 == 0 ? 39 : 38;
    scene_hashes(&s, 1, a->id, list, 257);
    assert_int_equal(scene_blamed(&s, 1, BP_OFF_TOO_MUCH), 1);
    scene_join(&s, 2, 40);
    scene_settle(&s, 10000);
    scene_expect_head(&s, 40);
    scene_close(&s);
}

/* X5: A,B,A,B… within what was asked is refuted by the first blocks. */
static void x5_looping_list(void **state) {
    (void)state;
    struct scene s;
    world(&s, 1, 40, NULL);
    made(&s);
    scene_peer(&s, 1)->manual = true;
    scene_join_td(&s, 1, 40, 10000);
    scene_answer(&s, 1, 0);
    uint32_t list[300];
    for (uint32_t i = 0; i < 300; i++) list[i] = i % 2 == 0 ? 39 : 38;
    for (int i = 0; i < 30 && scene_peer(&s, 1)->here; i++) {
        for (size_t k = 0; k < scene_peer(&s, 1)->n_asks; k++) {
            struct scene_ask *a = &scene_peer(&s, 1)->asks[k];
            if (!a->open || !scene_peer(&s, 1)->here) continue;
            if (a->type == BP_ACT_ASK_BLOCKS) {
                scene_answer(&s, 1, k);
                continue;
            }
            a->open = false;
            uint32_t from = a->origin == 39 ? 1 : 0;
            scene_hashes(&s, 1, a->id, list + from, a->count);
        }
        scene_run(&s, 10);
    }
    assert_int_equal(scene_blamed(&s, 1, BP_OFF_FORGED_LIST), 1);
    scene_close(&s);
}

/* X4, X6: replies repeated, empty, or asked by nobody build nothing. */
static void x6_replies_nobody_asked_for(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        world(&s, k, 30, NULL);
        made(&s);
        scene_peer(&s, 1)->manual = true;
        scene_join(&s, 1, 30);
        scene_links(&s, 1, 12345, (uint32_t[]){ 30, 29 }, 2);
        scene_hashes(&s, 1, 12345, (uint32_t[]){ 29, 28 }, 2);
        scene_hashes(&s, 1, 12345, NULL, 0);
        assert_int_equal(scene_status(&s).sections, 0);
        assert_int_equal(s.n_blames, 0);
        struct scene_ask first = scene_peer(&s, 1)->asks[0];
        scene_answer(&s, 1, 0);
        uint64_t links = scene_status(&s).links_held;
        assert_true(links > 0);
        for (int i = 0; i < 3; i++) {
            if (k == 0)
                scene_links(&s, 1, first.id, (uint32_t[]){ 30, 29 }, 2);
            else
                scene_blocks(&s, 1, first.id, (uint32_t[]){ 30 }, 1, true);
        }
        assert_int_equal(scene_status(&s).links_held, links);
        assert_int_equal(scene_offences(&s), 0);
        scene_peer(&s, 1)->manual = false;
        scene_answer_all(&s, 1);
        scene_settle(&s, 10000);
        scene_answer_all(&s, 1);
        scene_settle(&s, 10000);
        scene_expect_head(&s, 30);
        scene_close(&s);
    }
}

/* X7: a second copy of a block: before the insertion, after it, much later. */
static void x7_second_copies_are_silent(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 5, NULL);
    s.insert_ms = 100;
    made(&s);
    scene_peer(&s, 1)->latency = 10;
    scene_join(&s, 1, 5);
    scene_run(&s, 25);
    scene_blocks(&s, 1, 99, (uint32_t[]){ 1, 2, 3 }, 3, false);
    scene_run(&s, 60);
    scene_blocks(&s, 1, 99, (uint32_t[]){ 1, 2, 3 }, 3, false);
    scene_settle(&s, 10000);
    scene_expect_head(&s, 5);
    scene_run(&s, 3600000);
    scene_blocks(&s, 1, 99, (uint32_t[]){ 1, 2, 3 }, 3, false);
    assert_int_equal(s.n_blames, 0);
    scene_close(&s);
}

/* X8: blocks come after their peer left, and are of use. */
static void x8_blocks_of_a_peer_that_left(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 5, NULL);
    made(&s);
    scene_peer(&s, 1)->manual = true;
    scene_join(&s, 1, 5);
    scene_answer(&s, 1, 0);
    scene_run(&s, 1);
    struct scene_ask *a = scene_open_ask(&s, 1, BP_ACT_ASK_BLOCKS);
    assert_non_null(a);
    bp_req_id id = a->id;
    scene_leave(&s, 1);
    scene_blocks(&s, 1, id, (uint32_t[]){ 1, 2, 3, 4, 5 }, 5, false);
    scene_settle(&s, 1000);
    scene_expect_head(&s, 5);
    scene_close(&s);
}

/* X14: insertion of five blocks from three senders fails at each position. */
static void x14_the_right_sender_is_blamed(void **state) {
    (void)state;
    for (uint32_t bad = 1; bad <= 5; bad++) {
        struct scene s;
        world(&s, 0, 5, &(struct bp_pool_config){ .blocks_per_request = 2 });
        made(&s);
        for (uint32_t i = 1; i <= 3; i++) scene_peer(&s, i)->manual = true;
        for (uint32_t i = 1; i <= 3; i++) scene_join(&s, i, 5);
        scene_answer(&s, 1, 0);
        scene_run(&s, 1);
        bp_peer_id sender = 0;
        s.insert_ms = 1;
        for (uint32_t i = 1; i <= 3; i++) {
            struct scene_ask *a = scene_open_ask(&s, i, BP_ACT_ASK_BLOCKS);
            if (a == NULL) continue;
            bool has = false;
            for (size_t k = 0; k < a->n; k++) has |= a->ids[k] == bad;
            if (has) sender = i;
            scene_peer(&s, i)->bad_bodies = has;
        }
        assert_true(sender != 0);
        for (uint32_t i = 1; i <= 3; i++) {
            struct scene_ask *a = scene_open_ask(&s, i, BP_ACT_ASK_BLOCKS);
            if (a != NULL)
                scene_answer(&s, i, (size_t)(a - scene_peer(&s, i)->asks));
        }
        for (uint32_t i = 1; i <= 3; i++) scene_peer(&s, i)->manual = false;
        scene_settle(&s, 30000);
        for (uint32_t i = 1; i <= 3; i++)
            assert_int_equal(scene_blamed(&s, i, BP_OFF_BAD_BODY), i == sender);
        for (uint32_t i = 1; i <= 3; i++)
            if (scene_peer(&s, i)->here) scene_answer_all(&s, i);
        scene_settle(&s, 60000);
        scene_expect_head(&s, 5);
        scene_close(&s);
    }
}

/* X25: strange total difficulties change nothing but the order. */
static void x25_strange_total_difficulties(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 50, NULL);
    made(&s);
    struct bp_peer_info info = scene_info(&s, 1, 50);
    for (int i = 0; i < 4; i++) info.claim.td.w[i] = UINT64_MAX;
    scene_join_info(&s, 1, 50, &info);
    scene_join_td(&s, 2, 50, 0);
    scene_settle(&s, 100000);
    scene_expect_head(&s, 50);
    assert_true(scene_blamed(&s, 1, BP_OFF_WRONG_TD) == 1);
    scene_claim(&s, 2, 49);
    scene_run(&s, 1000);
    assert_int_equal(scene_offences(&s), 0);
    scene_close(&s);
}

/* A wrong total difficulty is a fault; the second one an offence. */
static void m16_wrong_td_twice(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 50, NULL);
    made(&s);
    scene_join_td(&s, 1, 40, 99999);
    scene_settle(&s, 100000);
    scene_expect_head(&s, 40);
    assert_int_equal(scene_blamed(&s, 1, BP_OFF_WRONG_TD), 1);
    scene_claim_td(&s, 1, 50, 99999);
    scene_settle(&s, 100000);
    assert_int_equal(scene_blamed(&s, 1, BP_OFF_BAD_CLAIM), 1);
    scene_join(&s, 2, 50);
    scene_settle(&s, 100000);
    scene_expect_head(&s, 50);
    assert_int_equal(scene_blamed(&s, 2, -1), 0);
    scene_close(&s);
}

static void r1_delivery_while_nothing_runs(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 5, NULL);
    made(&s);
    scene_peer(&s, 1);
    scene_links(&s, 1, 1, (uint32_t[]){ 5, 4 }, 2);
    scene_hashes(&s, 1, 1, (uint32_t[]){ 5, 4 }, 2);
    scene_blocks(&s, 1, 1, (uint32_t[]){ 5 }, 1, true);
    scene_push(&s, 1, 5, 0);
    scene_announce(&s, 1, 5, 5);
    scene_leave(&s, 1);
    assert_int_equal(s.n_blames, 0);
    assert_true(bp_pool_quiescent(s.pool));
    scene_close(&s);
}

/* X11: a head with a bad seal comes from another than the best: it is the
   sender's, and the best goes on. */
static void x11_bad_head_from_another(void **state) {
    (void)state;
    EACH_KIND(k) {
        for (int asked = 0; asked < 2; asked++) {
            struct scene s;
            world(&s, k, 6, NULL);
            scene_block(&s, 7, 6, 7);
            scene_at(&s, 7)->bad_seal = true;
            made(&s);
            scene_peer(&s, 1)->latency = 10;
            scene_join(&s, 1, 6);
            scene_join(&s, 2, 3);
            if (asked)
                scene_claim(&s, 2, 7);
            else
                scene_push(&s, 2, 7, 0);
            scene_settle(&s, 100000);
            scene_expect_head(&s, 6);
            assert_int_equal(scene_blamed(&s, 1, -1), 0);
            assert_int_equal(scene_blamed(&s, 2, BP_OFF_BAD_SEAL) +
                                 scene_blamed(&s, 2, BP_OFF_BAD_RULE),
                             1);
            assert_int_equal(scene_offences(&s), 1);
            assert_false(scene_peer(&s, 2)->here);
            scene_close(&s);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(m1_invalid_block_at_the_top),
        T(m3_bad_seal_from_one),
        T(a_held_list_of_another_origin),
        T(a_position_that_holds_nothing),
        T(announced_and_never_given),
        T(a_reset_forgets_invalid_blocks),
        T(m4_unrequested_blocks),
        T(m5_no_head_within_the_limit),
        T(m7_future_block),
        T(m8_suspension),
        T(m9_parent_does_not_exist),
        T(m11_one_block_exists_nowhere),
        T(m13_every_second_block_left_out),
        T(x26_forged_order),
        T(x26_first_hash_wrong),
        T(m15_high_td_nothing_behind),
        T(m16_wrong_td_twice),
        T(m18_committed_body_rule),
        T(m19_bad_bodies_beside_good_ones),
        T(m20_unlinked_headers),
        T(m31_body_matches_nothing),
        T(a1_endless_hashes),
        T(x5_oversized_lists),
        T(x5_looping_list),
        T(x6_replies_nobody_asked_for),
        T(x7_second_copies_are_silent),
        T(x8_blocks_of_a_peer_that_left),
        T(x14_the_right_sender_is_blamed),
        T(x25_strange_total_difficulties),
        T(r1_delivery_while_nothing_runs),
        T(x11_bad_head_from_another),
    };
    return bp_run(tests);
}
