/* Group B of the scenario catalogue: plain syncs, by headers and by bare
   hashes. */
#include "world.h"

/* A peer whose head we have is asked for nothing. */
static void b1_head_known(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        plain_world(&s, k, 1);
        scene_join(&s, 1, 0);
        assert_true(bp_pool_quiescent(s.pool));
        assert_int_equal(scene_status(&s).best, 0);
        scene_run(&s, 100000);
        assert_int_equal(scene_peer(&s, 1)->n_asks, 0);
        assert_int_equal(s.n_blames, 0);
        scene_close(&s);
    }
}

/* A bare peer whose head stands on our chain is asked for that block, and for
   no hashes. */
static void b2_head_parent_known(void **state) {
    (void)state;
    struct scene s;
    plain_world(&s, 1, 1);
    scene_join(&s, 1, 1);
    struct scene_peer *peer = scene_peer(&s, 1);
    assert_int_equal(peer->asks[0].type, BP_ACT_ASK_BLOCKS);
    assert_int_equal(peer->asks[0].n, 1);
    assert_int_equal(peer->asks[0].ids[0], 1);
    scene_settle(&s, 60000);
    scene_expect_head(&s, 1);
    assert_int_equal(peer->n_asks, 1);
    scene_close(&s);
}

static void b3_shortest_sync(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        plain_world(&s, k, 2);
        scene_join(&s, 1, 2);
        assert_int_equal(scene_status(&s).best, 1);
        scene_settle(&s, 60000);
        scene_expect_head(&s, 2);
        assert_int_equal(s.n_blames, 0);
        assert_int_equal(s.n_reports[BP_REPORT_SYNCED], 1);
        scene_close(&s);
    }
}

/* A list that stops short of the chain: the parent of its lowest block says
   that it is there. */
static void b4_list_stops_short(void **state) {
    (void)state;
    struct scene s;
    plain_world(&s, 1, 3);
    scene_join(&s, 1, 3)->manual = true;
    scene_settle(&s, 10); /* the head block */
    struct scene_ask *ask = scene_open_ask(&s, 1, BP_ACT_ASK_HASHES);
    assert_non_null(ask);
    ask->open = false;
    scene_hashes(&s, 1, ask->id, (uint32_t[]){ 2, 1 }, 2);
    scene_peer(&s, 1)->silent = true; /* for further lists */
    for (int i = 0; i < 4; i++) {
        ask = scene_open_ask(&s, 1, BP_ACT_ASK_BLOCKS);
        if (ask == NULL) break;
        scene_answer(&s, 1, (size_t)(ask - scene_peer(&s, 1)->asks));
        scene_run(&s, 1);
    }
    scene_expect_head(&s, 3);
    scene_close(&s);
}

/* The root request of the old head survives the change to a new one. */
static void b6_new_head_on_partial_chain(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        plain_world(&s, k, 7);
        struct scene_peer *peer = scene_join(&s, 1, 5);
        peer->cap = 2; /* short lists */
        peer->latency = 10;
        scene_run(&s, 12);
        scene_claim(&s, 1, 7);
        scene_settle(&s, 60000);
        scene_expect_head(&s, 7);
        assert_int_equal(s.n_blames, 0);
        for (uint32_t id = 1; id <= 7; id++)
            assert_int_equal(scene_at(&s, id)->came, 1);
        scene_close(&s);
    }
}

/* Everything is imported once, in order (the host of the scene fails on
   anything else). */
static void b8_bulk_from_one_peer(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        plain_world(&s, k, 5000);
        scene_peer(&s, 1)->latency = 20;
        scene_join(&s, 1, 5000);
        scene_settle(&s, 600000);
        scene_expect_head(&s, 5000);
        assert_int_equal(s.inserted, 5000);
        assert_int_equal(s.n_blames, 0);
        for (uint32_t id = 1; id <= 5000; id++)
            assert_int_equal(scene_at(&s, id)->came, 1);
        scene_close(&s);
    }
}

static void b9_peers_with_prefixes(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        plain_world(&s, k, 3200);
        scene_join(&s, 8, 1600)->latency = 10;
        scene_settle(&s, 600000);
        scene_expect_head(&s, 1600);
        for (uint32_t i = 1; i <= 16; i++) {
            if (i == 8) continue;
            struct scene_peer *p = scene_peer(&s, i);
            p->latency = 10 + i;
            scene_join(&s, i, 200 * i);
        }
        scene_settle(&s, 600000);
        scene_expect_head(&s, 3200);
        assert_int_equal(scene_offences(&s), 0);
        scene_close(&s);
    }
}

/* One peer of each kind: both are used, nobody is dropped. */
static void b11_mixed_protocols(void **state) {
    (void)state;
    for (uint32_t first = 0; first < 2; first++) {
        struct scene s;
        plain_world(&s, 0, 1000);
        for (uint32_t i = 0; i < 2; i++) {
            s.caps = kind_caps((first + i) % 2);
            scene_peer(&s, i + 1)->latency = 15;
            scene_join(&s, i + 1, 1000);
        }
        scene_settle(&s, 600000);
        scene_expect_head(&s, 1000);
        assert_int_equal(scene_offences(&s), 0);
        assert_true(scene_peer(&s, 1)->here && scene_peer(&s, 2)->here);
        assert_true(scene_peer(&s, 1)->blocks_served > 0);
        scene_close(&s);
    }
}

/* Body requests are those of the blocks that are not empty. */
static void b12_empty_bodies(void **state) {
    (void)state;
    struct scene s;
    scene_prepare(&s, NULL);
    scene_chain(&s, 1, 300, 7);
    for (uint32_t id = 1; id <= 300; id++)
        scene_at(&s, id)->empty = id % 3 != 0;
    made(&s);
    scene_join(&s, 1, 300)->latency = 5;
    scene_settle(&s, 60000);
    scene_expect_head(&s, 300);
    for (uint32_t id = 1; id <= 300; id++)
        assert_int_equal(scene_at(&s, id)->asked, id % 3 == 0);
    scene_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(b1_head_known),
        T(b2_head_parent_known),
        T(b3_shortest_sync),
        T(b4_list_stops_short),
        T(b6_new_head_on_partial_chain),
        T(b8_bulk_from_one_peer),
        T(b9_peers_with_prefixes),
        T(b11_mixed_protocols),
        T(b12_empty_bodies),
    };
    return bp_run(tests);
}
