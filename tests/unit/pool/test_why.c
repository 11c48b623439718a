/* why: one sentence, whatever everything waits for. */
#include "lib/scene.h"

static void expect_why(struct scene *s, const char *text) {
    char got[256];
    scene_tick(s); /* it tells the time of the last step */
    size_t n = bp_pool_why(s->pool, got, sizeof got);
    assert_string_equal(got, text);
    assert_int_equal(n, strlen(text));
}

static void world(struct scene *s, uint32_t last,
                  const struct bp_pool_config *cfg) {
    scene_prepare(s, cfg);
    scene_chain(s, 1, last, 7);
    assert_int_equal(scene_make_pool(s), 0);
    scene_peer(s, 1)->manual = true;
}

/* Sends the links last..first of the open request for links. */
static void give_links(struct scene *s, bp_peer_id id, uint32_t last,
                       uint32_t first) {
    struct scene_ask *a = scene_open_ask(s, id, BP_ACT_ASK_LINKS);
    assert_non_null(a);
    a->open = false;
    uint32_t ids[64], n = 0;
    for (uint32_t i = last; i >= first; i--) ids[n++] = i;
    scene_links(s, id, a->id, ids, n);
}

static void nothing_is_missing(void **state) {
    (void)state;
    struct scene s;
    world(&s, 3, NULL);
    expect_why(&s, "nothing is missing: no peer claims more than number 0");
    scene_peer(&s, 1)->manual = false;
    scene_join(&s, 1, 3);
    scene_settle(&s, 1000);
    expect_why(&s, "nothing is missing: no peer claims more than number 3");
    scene_close(&s);
}

/* The head, while it is asked for, late, answered, and after. */
static void a_head_is_missing(void **state) {
    (void)state;
    struct scene s;
    world(&s, 3, &(struct bp_pool_config){ .progress_ms = 100000 });
    scene_join(&s, 1, 3);
    scene_run(&s, 100);
    expect_why(&s, "the head 00000003 of peer 1 is missing, asked of peer 1 "
                   "100 ms ago; late in 4900 ms");
    scene_run(&s, 4900);
    expect_why(&s, "the head 00000003 of peer 1 is missing, asked of peer 1 "
                   "5000 ms ago, late; its session ends in 30000 ms");
    struct bp_event ev = { .type = BP_EV_REPLY };
    ev.u.reply.peer = 1;
    ev.u.reply.request = scene_peer(&s, 1)->asks[0].id;
    scene_step(&s, &ev);
    expect_why(&s, "the head 00000003 of peer 1 is missing, asked of peer 1 "
                   "5000 ms ago, answered and being decoded");
    ev = (struct bp_event){ .type = BP_EV_LINKS };
    ev.u.links.peer = 1;
    ev.u.links.request = scene_peer(&s, 1)->asks[0].id;
    ev.u.links.held_at = BP_NONE;
    scene_step(&s, &ev);
    scene_run(&s, 300);
    expect_why(&s, "the head 00000003 of peer 1 is missing, peer 1 is asked "
                   "again in 1700 ms");
    scene_close(&s);
}

/* A peer that does not serve what is below. */
static void nobody_may_be_asked(void **state) {
    (void)state;
    struct scene s;
    world(&s, 9, NULL);
    struct bp_peer_info info = scene_info(&s, 1, 9);
    info.has_range = true;
    info.earliest = 7;
    info.latest = 9;
    scene_join_info(&s, 1, 9, &info);
    give_links(&s, 1, 9, 7);
    scene_run(&s, 0);
    expect_why(&s, "links below number 7 are missing, waiting until peer 1 "
                   "may be asked");
    scene_close(&s);
}

static void links_are_missing(void **state) {
    (void)state;
    struct scene s;
    world(&s, 9, NULL);
    scene_join(&s, 1, 9);
    give_links(&s, 1, 9, 5);
    scene_run(&s, 70);
    expect_why(&s, "links below number 5 are missing, asked of peer 1 70 ms "
                   "ago; late in 930 ms");
    scene_close(&s);
}

/* What the host has not said yet: probe, check, insertion. */
static void a_job_is_not_done(void **state) {
    (void)state;
    struct scene s;
    world(&s, 9, NULL);
    s.check_ms = 500;
    scene_join(&s, 1, 9);
    give_links(&s, 1, 9, 9);
    scene_run(&s, 20);
    expect_why(&s, "waits for the probe of 1 links from number 9, begun 20 ms "
                   "ago");
    scene_close(&s);

    world(&s, 9, NULL);
    s.check_ms = 500;
    s.insert_ms = 700;
    scene_join(&s, 1, 9);
    give_links(&s, 1, 9, 1);
    scene_run(&s, 499);
    expect_why(&s, "waits for the check of 9 links from number 1, begun 499 "
                   "ms ago");
    scene_run(&s, 1);
    scene_answer_all(&s, 1);
    scene_run(&s, 44);
    expect_why(&s, "waits for the insertion of 9 links from number 1, begun "
                   "44 ms ago");
    scene_settle(&s, 10000);
    scene_expect_head(&s, 9);
    scene_close(&s);
}

/* A body: asked for, and then not had by anybody. */
static void a_body_is_missing(void **state) {
    (void)state;
    struct scene s;
    world(&s, 3, NULL);
    scene_join(&s, 1, 3);
    give_links(&s, 1, 3, 1);
    scene_run(&s, 250);
    expect_why(&s, "block 1 is missing for 250 ms, asked of peer 1 250 ms "
                   "ago; late in 4750 ms");
    struct scene_ask *a = scene_open_ask(&s, 1, BP_ACT_ASK_BLOCKS);
    assert_non_null(a);
    a->open = false;
    scene_blocks(&s, 1, a->id, (uint32_t[]){ 2 }, 1, false);
    scene_run(&s, 100);
    expect_why(&s, "block 1 is missing for 350 ms, no peer that may have it is "
                   "free; those that failed it are asked again in 900 ms");
    scene_leave(&s, 1);
    scene_run(&s, 5000);
    expect_why(&s, "block 1 is missing for 5350 ms, no peer that may have it "
                   "is free");
    scene_close(&s);
}

/* Not before a time: of the link, or of the insertion. */
static void a_block_waits(void **state) {
    (void)state;
    struct scene s;
    world(&s, 3, NULL);
    scene_peer(&s, 1)->manual = false;
    scene_at(&s, 2)->later = 4000;
    scene_join(&s, 1, 3);
    scene_run(&s, 1500);
    expect_why(&s, "block 2 is tried again in 2500 ms");
    s.fail_inserts = 1;
    scene_run(&s, 2600);
    expect_why(&s, "block 2 is tried again in 900 ms");
    scene_settle(&s, 10000);
    scene_expect_head(&s, 3);
    scene_close(&s);
}

/* The host will not take it before a target covers it. */
static void a_block_waits_for_a_target(void **state) {
    (void)state;
    struct scene s;
    world(&s, 3, NULL);
    scene_peer(&s, 1)->manual = false;
    scene_at(&s, 1)->later = BP_TIME_NEVER;
    scene_join(&s, 1, 3);
    scene_run(&s, 1500);
    expect_why(&s, "block 1 waits until a target covers it");
    scene_close(&s);
}

/* As much as there is room for, always ended; the length is the whole one. */
static void cut_to_the_room(void **state) {
    (void)state;
    struct scene s;
    world(&s, 3, NULL);
    scene_join(&s, 1, 3);
    char whole[256], got[256];
    size_t n = bp_pool_why(s.pool, whole, sizeof whole);
    assert_true(n > 60);
    for (size_t cap = 0; cap <= n + 1; cap++) {
        memset(got, 'x', sizeof got);
        assert_int_equal(bp_pool_why(s.pool, got, cap), n);
        assert_int_equal(got[cap], 'x');
        if (cap == 0) continue;
        assert_int_equal(strlen(got), cap - 1);
        assert_memory_equal(got, whole, cap - 1);
    }
    scene_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(nothing_is_missing),  T(a_head_is_missing),
        T(nobody_may_be_asked), T(links_are_missing),
        T(a_job_is_not_done),   T(a_body_is_missing),
        T(a_block_waits),       T(a_block_waits_for_a_target),
        T(cut_to_the_room),
    };
    return bp_run(tests);
}
