/* Groups F and P of the catalogue, X2, X3, X13, X27, X30. */
#include "world.h"

/* 0-1-2-3, then 4-5-6 (each 2) and 7-8-9 (each 1). */
static void fork_world(struct scene *s, int kind) {
    world(s, kind, 0, NULL);
    scene_chain(s, 1, 3, 5);
    scene_chain(s, 4, 6, 2);
    scene_block(s, 7, 3, 1);
    scene_chain(s, 8, 9, 1);
    made(s);
}

static void everything_held(struct scene *s) {
    for (uint32_t id = 0; id < s->n_blocks; id++)
        assert_true(!scene_at(s, id)->exists || scene_at(s, id)->held);
}

static void f1_heavier_fork_from_a_better_peer(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        fork_world(&s, k);
        scene_peer(&s, 1)->latency = 10;
        scene_peer(&s, 2)->latency = 10;
        scene_peer(&s, 1)->cap = 2;
        scene_join(&s, 1, 9);
        scene_run(&s, 15);
        scene_join(&s, 2, 6);
        assert_int_equal(scene_status(&s).best, 2);
        scene_settle(&s, 100000);
        scene_expect_head(&s, 6);
        if (k == 0) everything_held(&s); /* the rival is a side branch */
        assert_int_equal(s.n_blames, 0);
        scene_close(&s);
    }
}

static void f3_back_when_the_better_peer_left(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        fork_world(&s, k);
        scene_peer(&s, 1)->manual = true;
        scene_peer(&s, 2)->manual = true;
        scene_join(&s, 1, 9);
        scene_answer(&s, 1, 0);
        scene_join(&s, 2, 6);
        scene_answer(&s, 2, 0);
        scene_leave(&s, 2);
        scene_peer(&s, 1)->manual = false;
        scene_answer_all(&s, 1);
        scene_settle(&s, 100000);
        assert_true(scene_at(&s, 9)->held);
        assert_int_equal(scene_offences(&s), 0);
        scene_close(&s);
    }
}

static void f5_fork_a_then_fork_b(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        world(&s, k, 0, NULL);
        scene_chain(&s, 1, 1000, 3);
        scene_chain(&s, 1001, 1600, 3);
        scene_block(&s, 1601, 1000, 4);
        scene_chain(&s, 1602, 2200, 4);
        made(&s);
        scene_join(&s, 1, 1600);
        scene_settle(&s, 100000);
        scene_expect_head(&s, 1600);
        scene_join(&s, 2, 2200);
        scene_settle(&s, 100000);
        scene_expect_head(&s, 2200);
        everything_held(&s);
        assert_int_equal(s.n_blames, 0);
        scene_close(&s);
    }
}

/* Best follows the total difficulty; an equal or lower one does not promote. */
static void p1_registry_script(void **state) {
    (void)state;
    struct scene s;
    scene_prepare(&s, NULL);
    for (uint32_t id = 1; id <= 6; id++) scene_block(&s, id, 0, id);
    made(&s);
    for (uint32_t i = 1; i <= 3; i++) scene_peer(&s, i)->silent = true;
    scene_join(&s, 1, 1);
    assert_int_equal(scene_status(&s).best, 1);
    scene_join(&s, 3, 3);
    assert_int_equal(scene_status(&s).best, 3);
    scene_join(&s, 2, 2);
    assert_int_equal(scene_status(&s).best, 3);
    scene_claim(&s, 3, 4);
    assert_int_equal(scene_status(&s).best, 3);
    scene_claim(&s, 2, 3);
    assert_int_equal(scene_status(&s).best, 3);
    scene_claim_td(&s, 1, 5, 5); /* equal to block 4's */
    assert_int_equal(scene_status(&s).best, 3);
    scene_leave(&s, 3);
    assert_int_equal(scene_status(&s).best, 1);
    scene_leave(&s, 1);
    assert_int_equal(scene_status(&s).best, 2);
    scene_leave(&s, 2);
    assert_int_equal(scene_status(&s).best, 0);
    scene_join(&s, 1, 1);
    assert_int_equal(scene_status(&s).best, 1);
    assert_int_equal(scene_offences(&s), 0);
    scene_close(&s);
}

static void p3_better_peer_in_the_middle(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        world(&s, k, 0, NULL);
        scene_chain(&s, 1, 700, 2);
        made(&s);
        scene_peer(&s, 1)->latency = 30;
        scene_peer(&s, 2)->latency = 20;
        scene_join(&s, 1, 600);
        scene_run(&s, 70);
        scene_join(&s, 2, 700);
        assert_int_equal(scene_status(&s).best, 2);
        scene_settle(&s, 100000);
        scene_expect_head(&s, 700);
        assert_true(scene_peer(&s, 1)->blocks_served > 0);
        assert_true(scene_peer(&s, 2)->blocks_served > 0);
        assert_int_equal(scene_offences(&s), 0);
        scene_close(&s);
    }
}

/* P4 and P6: what the better peer left is completed by the worse one, and
   inserted with what the better gave. */
static void p4_best_leaves_worse_goes_on(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        world(&s, k, 0, NULL);
        scene_chain(&s, 1, 6, 2);
        made(&s);
        scene_peer(&s, 2)->cap = 2;
        scene_peer(&s, 2)->latency = 10;
        scene_join(&s, 2, 6);
        scene_run(&s, 25);
        scene_leave(&s, 2);
        scene_join(&s, 1, 4);
        scene_settle(&s, 100000);
        assert_true(scene_at(&s, 4)->held);
        assert_int_equal(scene_offences(&s), 0);
        scene_close(&s);
    }
}

/* Disjoint: what the better peer left dangles until the worse one's chain
   reaches it; being valid and connected then, it goes in too. */
static void p8_disjoint_section_is_inserted_once_connected(void **state) {
    (void)state;
    struct scene s;
    scene_prepare(&s, NULL);
    scene_chain(&s, 1, 6, 2);
    made(&s);
    struct scene_peer *two = scene_join(&s, 2, 6);
    two->manual = true;
    scene_settle(&s, 5);
    scene_close(&s);

    scene_prepare(&s, NULL);
    scene_chain(&s, 1, 6, 2);
    made(&s);
    scene_peer(&s, 2)->manual = true;
    scene_join(&s, 2, 6);
    struct scene_ask *ask = scene_open_ask(&s, 2, BP_ACT_ASK_LINKS);
    assert_non_null(ask);
    ask->open = false;
    scene_links(&s, 2, ask->id, (uint32_t[]){ 6, 5, 4 }, 3);
    scene_run(&s, 1);
    for (int i = 0; i < 3; i++) {
        ask = scene_open_ask(&s, 2, BP_ACT_ASK_BLOCKS);
        if (ask != NULL)
            scene_answer(&s, 2, (size_t)(ask - scene_peer(&s, 2)->asks));
        scene_run(&s, 1);
    }
    scene_leave(&s, 2);
    scene_join(&s, 1, 3);
    scene_settle(&s, 100000);
    assert_true(scene_at(&s, 3)->held);
    scene_expect_head(&s, 6);
    scene_close(&s);
}

static void p14_faster_peers_get_more(void **state) {
    (void)state;
    struct scene s;
    scene_prepare(&s, NULL);
    scene_chain(&s, 1, 6000, 2);
    made(&s);
    for (uint32_t i = 1; i <= 3; i++) {
        scene_peer(&s, i)->latency = 10;
        scene_peer(&s, i)->rate = i * 400000;
    }
    for (uint32_t i = 1; i <= 3; i++) scene_join(&s, i, 6000);
    scene_settle(&s, 1000000);
    scene_expect_head(&s, 6000);
    assert_true(scene_peer(&s, 3)->blocks_served >
                scene_peer(&s, 2)->blocks_served);
    assert_true(scene_peer(&s, 2)->blocks_served >
                scene_peer(&s, 1)->blocks_served);
    assert_int_equal(scene_offences(&s), 0);
    scene_close(&s);
}

/* Two forks in one section, the second in its older half, then both go on. */
static void x2_two_forks_in_one_section(void **state) {
    (void)state;
    for (uint32_t winner = 0; winner < 3; winner++) {
        struct scene s;
        scene_prepare(&s, NULL);
        scene_chain(&s, 1, 40, 5);
        scene_block(&s, 41, 30, winner == 1 ? 500 : 4);
        scene_chain(&s, 42, 45, 4);
        scene_block(&s, 46, 10, winner == 2 ? 900 : 4);
        scene_chain(&s, 47, 50, 4);
        made(&s);
        s.hold_jobs = true; /* nothing leaves the forest meanwhile */
        for (uint32_t i = 1; i <= 3; i++) scene_peer(&s, i)->manual = true;
        static const uint32_t heads[] = { 40, 45, 50 };
        for (uint32_t i = 0; i < 3; i++) scene_join(&s, i + 1, heads[i]);
        for (int round = 0; round < 4; round++) {
            for (uint32_t i = 1; i <= 3; i++) {
                struct scene_ask *a = scene_open_ask(&s, i, BP_ACT_ASK_LINKS);
                if (a == NULL) continue;
                scene_answer(&s, i, (size_t)(a - scene_peer(&s, i)->asks));
            }
            scene_run(&s, 3000);
        }
        assert_true(scene_status(&s).forks >= 1);
        struct bp_event ev = { .type = BP_EV_PURGE };
        s.hold_jobs = false;
        scene_step(&s, &ev);
        scene_close(&s);

        scene_prepare(&s, NULL);
        scene_chain(&s, 1, 40, 5);
        scene_block(&s, 41, 30, winner == 1 ? 500 : 4);
        scene_chain(&s, 42, 45, 4);
        scene_block(&s, 46, 10, winner == 2 ? 900 : 4);
        scene_chain(&s, 47, 50, 4);
        made(&s);
        for (uint32_t i = 0; i < 3; i++) scene_peer(&s, i + 1)->latency = 7 * i;
        for (uint32_t i = 0; i < 3; i++) scene_join(&s, i + 1, heads[i]);
        scene_settle(&s, 200000);
        scene_expect_head(&s, heads[winner]);
        scene_close(&s);
    }
}

/* The peer's head lies inside another's longer chain: nothing is asked for
   it, and nothing is split. */
static void x30_head_inside_a_known_section(void **state) {
    (void)state;
    struct scene s;
    scene_prepare(&s, NULL);
    scene_chain(&s, 1, 3000, 5);
    made(&s);
    scene_peer(&s, 1)->latency = 50;
    scene_join(&s, 1, 3000);
    scene_run(&s, 60);
    scene_join(&s, 2, 2500);
    assert_int_equal(scene_status(&s).sections, 1);
    assert_null(scene_open_ask(&s, 2, BP_ACT_ASK_LINKS));
    scene_settle(&s, 100000);
    scene_expect_head(&s, 3000);
    assert_int_equal(scene_status(&s).forks, 0);
    scene_close(&s);
}

/* X27: peer 1 has the longer branch above 6; while it is away peer 2 extends
   and splits what lies below; then 1 comes back, and all of its branch is
   wanted again. */
static void x27_back_after_a_split(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        world(&s, k, 0, NULL);
        scene_chain(&s, 1, 14, 10);
        scene_block(&s, 20, 3, 1);
        scene_chain(&s, 21, 22, 1);
        made(&s);
        scene_peer(&s, 1)->latency = 10;
        scene_peer(&s, 1)->from = 5; /* it is not joined yet */
        scene_peer(&s, 2)->latency = 10;
        scene_join(&s, 1, 14);
        scene_run(&s, 200);
        assert_true(scene_status(&s).links_held > 0);
        scene_leave(&s, 1);
        scene_join(&s, 2, 22);
        scene_run(&s, 2000);
        scene_expect_head(&s, 22);
        uint32_t before = scene_at(&s, 14)->came;
        scene_peer(&s, 1)->from = 0;
        scene_join(&s, 3, 14); /* another session of it */
        scene_settle(&s, 100000);
        scene_expect_head(&s, 14);
        for (uint32_t id = 20; id <= 22; id++)
            assert_true(scene_at(&s, id)->held);
        if (k == 0) assert_true(scene_at(&s, 14)->came <= before + 1);
        assert_int_equal(scene_offences(&s), 0);
        scene_close(&s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(f1_heavier_fork_from_a_better_peer),
        T(f3_back_when_the_better_peer_left),
        T(f5_fork_a_then_fork_b),
        T(p1_registry_script),
        T(p3_better_peer_in_the_middle),
        T(p4_best_leaves_worse_goes_on),
        T(p8_disjoint_section_is_inserted_once_connected),
        T(p14_faster_peers_get_more),
        T(x2_two_forks_in_one_section),
        T(x30_head_inside_a_known_section),
        T(x27_back_after_a_split),
    };
    return bp_run(tests);
}
