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
    expect_why(&s, "no peer is here");
    scene_join(&s, 2, 0);
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
    /* a probe keeps nothing from going on */
    expect_why(&s, "links below number 9 are missing, asked of peer 1 20 ms "
                   "ago; late in 980 ms");
    scene_leave(&s, 1);
    expect_why(&s, "waits for the probe of 1 links from number 9, begun 20 ms "
                   "ago");
    scene_run(&s, 500);
    expect_why(&s, "no peer is here; 1 links wait for a peer that claims them");
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

/* The request for what the best peer lacks is named, not the oldest one. */
static void the_right_request(void **state) {
    (void)state;
    struct scene s;
    world(&s, 9, NULL);
    scene_block(&s, 20, 3, 1000);
    scene_peer(&s, 2)->manual = true;
    scene_join(&s, 1, 9);
    scene_run(&s, 100);
    scene_join(&s, 2, 20);
    scene_run(&s, 30);
    expect_why(&s, "the head 00000014 of peer 2 is missing, asked of peer 2 "
                   "30 ms ago; late in 4970 ms");
    scene_close(&s);
}

/* Bare hashes: the head is a block, what is below it a list. */
static void bare_hashes(void **state) {
    (void)state;
    struct scene s;
    scene_prepare(&s, &(struct bp_pool_config){ .hashes_per_request = 4 });
    s.caps = SCENE_BARE;
    scene_chain(&s, 1, 30, 7);
    assert_int_equal(scene_make_pool(&s), 0);
    scene_peer(&s, 1)->manual = true;
    scene_join(&s, 1, 30);
    scene_run(&s, 10);
    expect_why(&s, "the head 0000001e of peer 1 is missing, asked of peer 1 "
                   "10 ms ago; late in 4990 ms");
    scene_answer(&s, 1, 0);
    scene_run(&s, 20);
    expect_why(&s, "hashes below number 30 are missing, asked of peer 1 20 ms "
                   "ago; late in 4980 ms");
    scene_close(&s);
}

/* A target that nobody claims. */
static void a_target_is_missing(void **state) {
    (void)state;
    struct scene s;
    world(&s, 9, NULL);
    struct bp_event ev = { .type = BP_EV_TARGET };
    ev.u.target.set = true;
    ev.u.target.hash = scene_hash(9);
    scene_step(&s, &ev);
    expect_why(&s, "the target 00000009 is missing, no peer that may have it "
                   "is free");
    scene_join(&s, 1, 0);
    scene_run(&s, 40);
    expect_why(&s, "the target 00000009 is missing, asked of peer 1 40 ms "
                   "ago; late in 4960 ms");
    give_links(&s, 1, 9, 6);
    scene_run(&s, 5);
    expect_why(&s, "links below number 6 are missing, asked of peer 1 5 ms "
                   "ago; late in 995 ms");
    scene_close(&s);
}

/* Fewer blocks than ours, of unknown weight. */
static void a_head_beside(void **state) {
    (void)state;
    struct scene s;
    scene_prepare(&s, NULL);
    scene_chain(&s, 1, 9, 7);
    scene_block(&s, 20, 3, 7);
    for (uint32_t i = 1; i <= 9; i++) scene_hold(&s, i);
    assert_int_equal(scene_make_pool(&s), 0);
    scene_peer(&s, 1)->manual = true;
    struct bp_peer_info info = scene_info(&s, 1, 20);
    info.claim.has_td = false;
    info.claim.has_number = true;
    info.claim.number = 4;
    scene_join_info(&s, 1, 20, &info);
    scene_run(&s, 60);
    expect_why(&s, "a head is looked at that nobody says is ahead, asked of "
                   "peer 1 60 ms ago; late in 4940 ms");
    scene_close(&s);
}

/* The lower part of a branch that was condensed on its way down. */
static void condensed_links(void **state) {
    (void)state;
    struct scene s;
    scene_prepare(&s, &(struct bp_pool_config){ .links_max = 1024,
                                                .links_per_request = 64 });
    scene_chain(&s, 1, 4000, 7);
    assert_int_equal(scene_make_pool(&s), 0);
    scene_peer(&s, 1)->latency = 5;
    scene_join(&s, 1, 4000);
    while (s.n_reports[BP_REPORT_JOINED] == 0) scene_run(&s, 1);
    assert_true(scene_status(&s).spine_entries > 0);
    /* from here on it brings bodies, and no links */
    scene_peer(&s, 1)->manual = true;
    char why[256];
    bool seen = false;
    for (int i = 0; i < 3000 && !seen; i++) {
        scene_run(&s, 1);
        struct scene_ask *a = scene_open_ask(&s, 1, BP_ACT_ASK_BLOCKS);
        if (a != NULL)
            scene_answer(&s, 1, (size_t)(a - scene_peer(&s, 1)->asks));
        scene_tick(&s);
        bp_pool_why(s.pool, why, sizeof why);
        seen = strstr(why, " are fetched again, asked of peer 1 ") != NULL;
    }
    assert_true(seen);
    assert_non_null(strstr(why, "links from number "));
    scene_peer(&s, 1)->manual = false;
    scene_answer_all(&s, 1);
    scene_settle(&s, 1000000);
    scene_expect_head(&s, 4000);
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
        T(the_right_request),   T(bare_hashes),
        T(a_target_is_missing), T(a_head_beside),
        T(condensed_links),     T(cut_to_the_room),
    };
    return bp_run(tests);
}
