/* Small promises of pool.h, each at its edge: the idle best peer. */
#include "lib/scene.h"

static void world(struct scene *s, uint32_t last,
                  const struct bp_pool_config *cfg) {
    scene_prepare(s, cfg);
    scene_chain(s, 1, last, 7);
    assert_int_equal(scene_make_pool(s), 0);
}

/* Peer 1 was best and gave blocks 1..20; at this moment peer 2 has brought
   25, which peer 1 never told of. */
static void overtaken(struct scene *s, uint32_t caps) {
    scene_prepare(s, NULL);
    s->caps = caps;
    scene_chain(s, 1, 40, 7);
    assert_int_equal(scene_make_pool(s), 0);
    scene_join(s, 1, 20);
    scene_settle(s, 10000);
    scene_expect_head(s, 20);
    scene_join(s, 2, 25);
    scene_run(s, 0);
    scene_expect_head(s, 25);
}

static bool demoted(const struct scene *s, size_t place) {
    struct bp_peer_status st[4];
    assert_true(bp_pool_peers(s->pool, st, 4) > place);
    return st[place].demoted;
}

/* ---- idle --------------------------------------------------------------- */

static void idle_best_at_the_timer(void **state) {
    (void)state;
    for (int bare = 0; bare < 2; bare++) {
        struct scene s;
        overtaken(&s, bare ? SCENE_BARE : SCENE_LINKS);
        scene_run(&s, 59999);
        assert_int_equal(s.n_blames, 0);
        assert_false(demoted(&s, 0));
        scene_run(&s, 1);
        assert_int_equal(scene_blamed(&s, 1, BP_OFF_IDLE), 1);
        assert_int_equal(s.n_blames, 1);
        assert_int_equal(s.blames[0].block, 20);
        assert_false(s.blames[0].end);
        assert_true(demoted(&s, 0));
        scene_run(&s, 600000); /* said once; and peer 2 has all that we have */
        assert_int_equal(s.n_blames, 1);
        scene_close(&s);
    }
}

/* The clock begins when all of its head is in, not before. */
static void idle_best_counts_from_the_end(void **state) {
    (void)state;
    struct scene s;
    scene_prepare(&s, &(struct bp_pool_config){ .idle_best_ms = 500 });
    scene_chain(&s, 1, 10, 7);
    scene_block(&s, 30, 0, 100);
    scene_chain(&s, 31, 33, 100);
    s.insert_ms = 2000;
    assert_int_equal(scene_make_pool(&s), 0);
    scene_join(&s, 1, 10);
    scene_run(&s, 1999);
    scene_join(&s, 2, 33);
    scene_run(&s, 1);
    scene_expect_head(&s, 10); /* held now; 33 comes at 4,000 */
    scene_run(&s, 2000 + 499);
    scene_expect_head(&s, 33);
    assert_int_equal(s.n_blames, 0);
    scene_run(&s, 1);
    assert_int_equal(scene_blamed(&s, 1, BP_OFF_IDLE), 1);
    scene_close(&s);
}

/* Whatever is new in time begins it anew, or ends it. */
static void idle_best_has_news(void **state) {
    (void)state;
    struct scene s;
    overtaken(&s, SCENE_LINKS);
    scene_run(&s, 59999);
    scene_announce(&s, 1, 25,
                   25); /* we have it, but it has more than it said */
    scene_run(&s, 59999);
    assert_int_equal(s.n_blames, 0);
    scene_announce(&s, 1, 19, 19); /* older than its head: no news */
    scene_announce(&s, 1, 20, 20);
    scene_run(&s, 1);
    assert_int_equal(scene_blamed(&s, 1, BP_OFF_IDLE), 1);
    scene_close(&s);

    overtaken(&s, SCENE_LINKS);
    scene_run(&s, 59999);
    scene_push(&s, 1, 26, 0);
    scene_run(&s, 59999);
    assert_int_equal(s.n_blames, 0);
    scene_claim(&s, 1, 26);
    scene_run(&s, 600000); /* now it is peer 2 that fell behind */
    assert_int_equal(scene_blamed(&s, 1, -1), 0);
    assert_int_equal(scene_blamed(&s, 2, BP_OFF_IDLE), 1);
    scene_close(&s);
}

/* A quiet network, a peer that never was best, one that claims no total
   difficulty: nobody is idle. */
static void idle_best_needs_something_newer(void **state) {
    (void)state;
    struct scene s;
    world(&s, 40, NULL);
    scene_join(&s, 1, 20);
    scene_join(&s, 2, 10);
    scene_settle(&s, 10000);
    scene_run(&s, 3600000);
    assert_int_equal(s.n_blames, 0);
    scene_close(&s);

    world(&s, 40, NULL);
    struct bp_peer_info info = scene_info(&s, 1, 20);
    info.claim.has_td = false;
    info.claim.has_number = true;
    info.claim.number = 20;
    scene_join_info(&s, 1, 20, &info);
    scene_settle(&s, 10000);
    scene_join(&s, 2, 25);
    scene_run(&s, 3600000);
    scene_expect_head(&s, 25);
    assert_int_equal(s.n_blames, 0);
    scene_close(&s);
}

/* Demoted, it comes after who did not fail, and is best again by its work. */
static void idle_best_may_come_back(void **state) {
    (void)state;
    struct scene s;
    overtaken(&s, SCENE_LINKS);
    scene_run(&s, 60000);
    assert_int_equal(scene_blamed(&s, 1, BP_OFF_IDLE), 1);
    scene_peer(&s, 2)->latency = scene_peer(&s, 1)->latency = 10;
    scene_claim(&s, 1, 30);
    scene_claim(&s, 2, 28);
    assert_int_equal(scene_status(&s).best, 2);
    scene_settle(&s, 10000);
    scene_expect_head(&s, 30);
    assert_false(demoted(&s, 0));
    assert_int_equal(s.n_blames, 1);
    scene_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(idle_best_at_the_timer),  T(idle_best_counts_from_the_end),
        T(idle_best_has_news),      T(idle_best_needs_something_newer),
        T(idle_best_may_come_back),
    };
    return bp_run(tests);
}
