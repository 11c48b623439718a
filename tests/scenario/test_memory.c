/* Memory and numbers at their ends: every allocation failing in turn, peers
   that give no end of links, difficulties of 128 bits, sums of 256. */
#include "world.h"

/* ---- every allocation fails in turn ---------------------------------------
 */

/* Plays a script with the `fail`-th allocation failing, 0: none; returns how
   many allocations there were. */
typedef size_t play(size_t fail);

/* … and every one after it, until the script has ended. */
static bool fail_on;

/* A failed allocation is a full budget: something is refused or put off, and
   comes again. Nothing leaks, and nobody is accused. */
static void each_in_turn(const char *name, play *script) {
    size_t calls = script(0);
    assert_true(calls > 20);
    for (size_t fail = 1; fail <= calls; fail++) {
        fail_on = true;
        script(fail);
        fail_on = false;
        size_t n = script(fail);
        if (n > calls) calls = n;
    }
    printf("# %s: %zu allocations\n", name, calls);
}

/* False when the pool could not be made; the scene is closed then. */
static bool made_or_not(struct scene *s, size_t fail) {
    s->alloc.fail_at = fail;
    s->alloc.fail_on = fail_on;
    int err = scene_make_pool(s);
    if (err == 0) return true;
    assert_int_equal(err, BP_ERR_NOMEM);
    assert_int_not_equal(fail, 0);
    assert_null(s->pool);
    scene_close(s);
    return false;
}

static size_t finish(struct scene *s, uint32_t head) {
    if (s->alloc.fail_on) scene_settle(s, 20000);
    s->alloc.fail_on = false;
    scene_settle(s, 400000);
    if (s->head != head) { /* a peer may have been turned away */
        scene_join(s, 9, head);
        scene_settle(s, 400000);
    }
    scene_expect_head(s, head);
    assert_int_equal(scene_offences(s), 0);
    size_t calls = s->alloc.calls;
    scene_close(s);
    return calls;
}

static const struct bp_pool_config small = { .links_per_request = 16,
                                             .hashes_per_request = 16,
                                             .blocks_per_request = 8,
                                             .links_max = 1024 };

/* Two branches, one peer for each, an announcement beside. */
static size_t two_branches(size_t fail, uint32_t caps) {
    struct scene s;
    world(&s, 0, 120, &small);
    s.caps = caps;
    scene_block(&s, 130, 60, 1);
    scene_chain(&s, 131, 140, 1);
    if (!made_or_not(&s, fail)) return 0;
    for (uint32_t i = 1; i <= 2; i++) scene_peer(&s, i)->latency = i;
    scene_join(&s, 1, 120);
    scene_join(&s, 2, 140);
    scene_announce(&s, 1, 5, 5);
    return finish(&s, 120);
}

static size_t two_branches_links(size_t fail) {
    return two_branches(fail, SCENE_LINKS);
}

static size_t two_branches_plain(size_t fail) {
    return two_branches(fail, BP_CAP_LINKS | BP_CAP_BLOCKS);
}

static size_t two_branches_bare(size_t fail) {
    return two_branches(fail, SCENE_BARE);
}

/* Long enough to be condensed and filled again. */
static size_t condensed(size_t fail) {
    struct scene s;
    world(
        &s, 0, 1500,
        &(struct bp_pool_config){ .links_per_request = 64, .links_max = 1024 });
    if (!made_or_not(&s, fail)) return 0;
    for (uint32_t i = 1; i <= 2; i++) scene_peer(&s, i)->latency = i;
    scene_join(&s, 1, 1500);
    scene_join(&s, 2, 1500);
    scene_settle(&s, fail_on ? 20000 : 400000);
    if (fail == 0) assert_true(s.n_reports[BP_REPORT_CONDENSED] > 0);
    return finish(&s, 1500);
}

/* Blocks pushed in any order, with gaps that others fill, and forks in the
   middle of what is there. */
static size_t pushed(size_t fail) {
    struct scene s;
    world(&s, 0, 12, &small);
    scene_block(&s, 20, 4, 1);
    scene_block(&s, 21, 7, 1);
    if (!made_or_not(&s, fail)) return 0;
    s.check_ms = s.insert_ms = 20;
    scene_join(&s, 1, 0);
    static const uint32_t order[] = { 9, 3, 6, 12, 1, 10, 5, 20, 21, 7, 8 };
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        scene_push(&s, 1, order[i], 0);
        scene_run(&s, 3);
    }
    scene_peer(&s, 2)->latency = 1;
    scene_join(&s, 2, 12);
    return finish(&s, 12);
}

/* Difficulties above 64 bits have an array of their own. */
static size_t wide(size_t fail) {
    struct scene s;
    world(&s, 0, 0, &small);
    for (uint32_t id = 1; id <= 60; id++)
        scene_block_wide(&s, id, id - 1, id % 3, 5);
    if (!made_or_not(&s, fail)) return 0;
    scene_peer(&s, 1)->latency = 1;
    scene_join(&s, 1, 60);
    return finish(&s, 60);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    each_in_turn("two branches, links", two_branches_links);
    each_in_turn("two branches, plain", two_branches_plain);
    each_in_turn("two branches, bare", two_branches_bare);
    each_in_turn("condensed", condensed);
    each_in_turn("pushed", pushed);
    each_in_turn("wide", wide);
}

/* ---- difficulties ---------------------------------------------------------
 */

/* The heavier branch has fewer blocks, and all its weight above 64 bits. */
static void difficulties_of_128_bits(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        world(&s, k, 0, &small);
        for (uint32_t id = 1; id <= 20; id++)
            scene_block_wide(&s, id, id - 1, 0, UINT64_MAX);
        scene_block_wide(&s, 30, 10, UINT64_MAX, 0);
        scene_block_wide(&s, 31, 30, UINT64_MAX, UINT64_MAX);
        made(&s);
        for (uint32_t i = 1; i <= 2; i++) scene_peer(&s, i)->latency = 4;
        scene_join(&s, 1, 20);
        scene_join(&s, 2, 31);
        scene_settle(&s, 100000);
        scene_expect_head(&s, 31);
        assert_int_equal(s.n_blames, 0);
        struct bp_pool_status st = scene_status(&s);
        assert_true(bp_u256_cmp(&st.head.td, &scene_at(&s, 31)->td) == 0);
        scene_close(&s);
    }
}

/* One bit more is no difficulty. */
static void a_difficulty_of_129_bits(void **state) {
    (void)state;
    struct scene s;
    plain_world(&s, 0, 3);
    scene_peer(&s, 1)->manual = true;
    scene_join(&s, 1, 3);
    struct bp_link links[3] = { scene_link(&s, 3), scene_link(&s, 2),
                                scene_link(&s, 1) };
    links[1].difficulty = (bp_u256){ .w = { 0, 0, 1 } };
    struct bp_event ev = { .type = BP_EV_LINKS };
    ev.u.links.peer = 1;
    ev.u.links.request = scene_peer(&s, 1)->asks[0].id;
    scene_peer(&s, 1)->asks[0].open = false;
    ev.u.links.links = links;
    ev.u.links.n = 3;
    ev.u.links.held_at = BP_NONE;
    scene_step(&s, &ev);
    assert_int_equal(scene_blamed(&s, 1, BP_OFF_BAD_RULE), 1);
    assert_int_equal(s.blames[0].block, 2);
    assert_int_equal(s.live_items, 0);
    scene_join(&s, 2, 3); /* its head stands on that block */
    scene_run(&s, 1000);
    assert_int_equal(s.head, 0);
    scene_close(&s);
}

/* The sum of a connected branch does not fit 256 bits: the block that makes it
   so is invalid, whoever brings it in whatever order. */
static void a_sum_beyond_256_bits(void **state) {
    (void)state;
    EACH_KIND(k) {
        for (uint32_t cap = 1; cap <= 3; cap++) {
            struct scene s;
            world(&s, k, 0, &small);
            for (int i = 0; i < 4; i++) scene_at(&s, 0)->td.w[i] = UINT64_MAX;
            scene_at(&s, 0)->td.w[0] -= 10;
            scene_chain(&s, 1, 5, 4);
            made(&s);
            scene_peer(&s, 1)->cap = cap;
            struct bp_peer_info info = scene_info(&s, 1, 5);
            info.claim.has_td = false;
            info.claim.has_number = true;
            info.claim.number = 5;
            scene_join_info(&s, 1, 5, &info);
            scene_run(&s, 100000);
            assert_true(s.head <= 2);
            assert_false(scene_at(&s, 3)->held);
            assert_int_equal(scene_blamed(&s, 1, BP_OFF_BAD_RULE), 1);
            assert_int_equal(scene_offences(&s), 1);
            scene_close(&s);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(every_allocation_may_fail),
        T(difficulties_of_128_bits),
        T(a_difficulty_of_129_bits),
        T(a_sum_beyond_256_bits),
    };
    return bp_run(tests);
}
