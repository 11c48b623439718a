/* Group B of the scenario catalogue: plain syncs. */
#include "lib/scene.h"

/* A peer whose head we have is asked for nothing. */
static void b1_head_known(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, NULL);
    scene_join(&s, 1, 0);
    assert_true(bp_pool_quiescent(s.pool));
    assert_int_equal(scene_status(&s).best, 0);
    scene_run(&s, 100000);
    assert_int_equal(scene_peer(&s, 1)->n_asks, 0);
    assert_int_equal(s.n_blames, 0);
    scene_close(&s);
}

static void b3_shortest_sync(void **state) {
    (void)state;
    struct scene s;
    scene_prepare(&s, NULL);
    scene_chain(&s, 1, 2, 1);
    assert_int_equal(scene_make_pool(&s), 0);
    scene_join(&s, 1, 2);
    assert_int_equal(scene_status(&s).best, 1);
    scene_settle(&s, 60000);
    scene_expect_head(&s, 2);
    assert_int_equal(s.n_blames, 0);
    assert_int_equal(s.n_reports[BP_REPORT_SYNCED], 1);
    scene_close(&s);
}

/* Everything is imported once, in order (the host of the scene fails on
   anything else). */
static void b8_bulk_from_one_peer(void **state) {
    (void)state;
    struct scene s;
    scene_prepare(&s, NULL);
    scene_chain(&s, 1, 5000, 7);
    assert_int_equal(scene_make_pool(&s), 0);
    scene_join(&s, 1, 5000)->latency = 20;
    scene_settle(&s, 600000);
    scene_expect_head(&s, 5000);
    assert_int_equal(s.inserted, 5000);
    assert_int_equal(s.n_blames, 0);
    for (uint32_t id = 1; id <= 5000; id++)
        assert_int_equal(scene_at(&s, id)->came, 1);
    scene_close(&s);
}

static void b9_peers_with_prefixes(void **state) {
    (void)state;
    struct scene s;
    scene_prepare(&s, NULL);
    scene_chain(&s, 1, 3200, 7);
    assert_int_equal(scene_make_pool(&s), 0);
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
    assert_int_equal(s.n_blames, 0);
    scene_close(&s);
}

/* Body requests are those of the blocks that are not empty. */
static void b12_empty_bodies(void **state) {
    (void)state;
    struct scene s;
    scene_prepare(&s, NULL);
    scene_chain(&s, 1, 300, 7);
    for (uint32_t id = 1; id <= 300; id++)
        scene_at(&s, id)->empty = id % 3 != 0;
    assert_int_equal(scene_make_pool(&s), 0);
    scene_join(&s, 1, 300)->latency = 5;
    scene_settle(&s, 60000);
    scene_expect_head(&s, 300);
    for (uint32_t id = 1; id <= 300; id++)
        assert_int_equal(scene_at(&s, id)->asked, id % 3 == 0);
    scene_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(b1_head_known),         T(b3_shortest_sync),
        T(b8_bulk_from_one_peer), T(b9_peers_with_prefixes),
        T(b12_empty_bodies),
    };
    return bp_run(tests);
}
