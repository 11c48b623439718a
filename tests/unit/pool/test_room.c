/* room: what goes when a budget is full. */
#include "lib/scene.h"

/* ---- links -------------------------------------------------------------- */

/* Rival chains of 600 blocks on genesis, chain k of difficulty k; peer k
   serves nothing below number 400, so that none is ever joined. */
static uint32_t chain_top(uint32_t k) {
    return k * 1000 + 600;
}

static void rivals(struct scene *s, uint32_t n, uint64_t links_max) {
    scene_prepare(s, &(struct bp_pool_config){ .links_max = links_max,
                                               .links_per_request = 32 });
    for (uint32_t k = 1; k <= n; k++) {
        scene_block(s, k * 1000 + 1, 0, k);
        scene_chain(s, k * 1000 + 2, chain_top(k), k);
        scene_peer(s, k)->from = 400;
        scene_peer(s, k)->latency = 5;
    }
}

static uint64_t links_of(const struct scene *s, uint32_t k) {
    struct bp_branch_status br[64];
    size_t n = bp_pool_branches(s->pool, br, 64);
    for (size_t i = 0; i < n && i < 64; i++)
        if (scene_id(&br[i].top) == chain_top(k)) return br[i].links;
    return 0;
}

/* Twelve branches want 1,024 places: the heavier ones take those of the
   lighter. */
static void least_work_goes_first(void **state) {
    (void)state;
    struct scene s;
    rivals(&s, 12, 1024);
    assert_int_equal(scene_make_pool(&s), 0);
    for (uint32_t k = 1; k <= 12; k++) scene_join(&s, k, chain_top(k));
    scene_run(&s, 10000);
    assert_true(s.n_reports[BP_REPORT_DROPPED] > 0);
    assert_true(scene_status(&s).refused > 0);
    for (uint32_t k = 8; k <= 12; k++)
        assert_true(links_of(&s, k) > links_of(&s, 1));
    assert_true(links_of(&s, 12) > 96);
    assert_true(scene_status(&s).links_held <= 1024);
    assert_int_equal(scene_offences(&s), 0);
    scene_close(&s);
}

/* What dangles leaves a little room for blocks that come whole. */
static void a_connected_block_finds_room(void **state) {
    (void)state;
    struct scene s;
    rivals(&s, 8, 256);
    scene_block(&s, 1, 0, 1000000);
    assert_int_equal(scene_make_pool(&s), 0);
    for (uint32_t k = 1; k <= 8; k++) scene_join(&s, k, chain_top(k));
    scene_run(&s, 1000);
    assert_true(s.n_reports[BP_REPORT_DROPPED] > 0);
    uint64_t full = scene_status(&s).links_held;
    assert_true(full >= 8 * 16);
    s.caps = SCENE_BARE;
    scene_join(&s, 9, 1);
    scene_run(&s, 1000);
    scene_expect_head(&s, 1);
    assert_int_equal(scene_blamed(&s, 9, -1), 0);
    scene_close(&s);
}

/* ---- bodies ------------------------------------------------------------- */

/* Bodies turn out larger than what was set aside for them: the one needed
   last goes, and comes again. */
static void last_needed_body_goes(void **state) {
    (void)state;
    struct scene s;
    scene_prepare(&s, &(struct bp_pool_config){ .window_bytes = 30720 });
    scene_chain(&s, 1, 4, 7);
    for (uint32_t id = 1; id <= 4; id++) scene_at(&s, id)->body = 10000;
    assert_int_equal(scene_make_pool(&s), 0);
    scene_peer(&s, 1)->manual = true;
    scene_join(&s, 1, 4);
    scene_answer(&s, 1, 0);
    scene_run(&s, 0);
    struct scene_ask *a = scene_open_ask(&s, 1, BP_ACT_ASK_BLOCKS);
    assert_non_null(a);
    assert_int_equal(a->n, 4);
    a->open = false;
    uint64_t refused = scene_status(&s).refused;
    scene_blocks(&s, 1, a->id, (uint32_t[]){ 2, 3, 4 }, 3, false);
    struct bp_pool_status st = scene_status(&s);
    assert_int_equal(st.blocks_held, 2);
    assert_int_equal(st.refused, refused + 1);
    assert_true(st.window_used <= 30720);
    scene_peer(&s, 1)->manual = false;
    scene_answer_all(&s, 1);
    scene_settle(&s, 20000);
    scene_expect_head(&s, 4);
    assert_int_equal(scene_at(&s, 2)->came, 1);
    assert_int_equal(scene_at(&s, 3)->came, 1);
    assert_true(scene_at(&s, 4)->came > 1);
    assert_int_equal(scene_offences(&s), 0);
    scene_close(&s);
}

/* One that is larger than the whole window is let in alone. */
static void a_body_larger_than_the_window(void **state) {
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        struct scene s;
        scene_prepare(&s, &(struct bp_pool_config){ .window_bytes = 4096 });
        s.caps = kind == 0 ? SCENE_LINKS : SCENE_BARE;
        scene_chain(&s, 1, 6, 7);
        for (uint32_t id = 1; id <= 6; id++) scene_at(&s, id)->body = 100000;
        assert_int_equal(scene_make_pool(&s), 0);
        scene_peer(&s, 1)->latency = 10;
        scene_join(&s, 1, 6);
        scene_settle(&s, 100000);
        scene_expect_head(&s, 6);
        assert_int_equal(s.n_blames, 0);
        scene_close(&s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(least_work_goes_first),
        T(a_connected_block_finds_room),
        T(last_needed_body_goes),
        T(a_body_larger_than_the_window),
    };
    return bp_run(tests);
}
