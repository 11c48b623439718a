/* Small promises of pool.h, each at its edge: the idle best peer, what the
   bytes of a reply are for, the size of a link. */
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

/* ---- the head ------------------------------------------------------------ */

/* Who answers but never shows the head that it claims keeps its place for as
   long as the probe lasts, from the first failure on. */
static void head_probe_at_the_timer(void **state) {
    (void)state;
    for (int bare = 0; bare < 2; bare++) {
        struct scene s;
        scene_prepare(&s, NULL);
        s.caps = bare ? SCENE_BARE : SCENE_LINKS;
        scene_block(&s, 9, 0, 1000);
        scene_at(&s, 9)->exists = false;
        assert_int_equal(scene_make_pool(&s), 0);
        scene_join(&s, 1, 9);
        scene_run(&s, 59999);
        assert_int_equal(scene_offences(&s), 0);
        assert_true(scene_peer(&s, 1)->here);
        scene_run(&s, 1);
        assert_false(scene_peer(&s, 1)->here);
        const struct scene_blame *last = &s.blames[s.n_blames - 1];
        assert_int_equal(last->offence, BP_OFF_LACKING);
        assert_int_equal(last->block, 9);
        assert_true(last->end);
        assert_int_equal(scene_offences(&s), 0);
        scene_join(&s, 1, 9); /* not suspended: it was no offence */
        assert_int_equal(scene_status(&s).peers, 1);
        scene_close(&s);
    }
}

/* A new head has the whole time again; one that turns up ends it. */
static void head_probe_begins_anew(void **state) {
    (void)state;
    struct scene s;
    scene_prepare(&s, NULL);
    scene_block(&s, 8, 0, 900);
    scene_block(&s, 9, 0, 1000);
    scene_at(&s, 8)->exists = false;
    scene_at(&s, 9)->exists = false;
    assert_int_equal(scene_make_pool(&s), 0);
    scene_join(&s, 1, 8);
    scene_run(&s, 59999);
    scene_claim(&s, 1, 9);
    scene_run(&s, 59999);
    assert_true(scene_peer(&s, 1)->here);
    scene_at(&s, 9)->exists = true;
    scene_join(&s, 2, 9);
    scene_settle(&s, 10000);
    scene_expect_head(&s, 9);
    assert_true(scene_peer(&s, 1)->here);
    assert_int_equal(scene_blamed(&s, 1, BP_OFF_LACKING), 0);
    scene_close(&s);
}

/* ---- bytes -------------------------------------------------------------- */

/* The first 16 bodies of 1,000 bytes came after 100 ms; how many are asked for
   next. */
static size_t next_size(uint32_t reply_bytes_max, struct bp_peer_status *st) {
    struct scene s;
    scene_prepare(
        &s, &(struct bp_pool_config){ .reply_bytes_max = reply_bytes_max });
    s.caps = BP_CAP_LINKS | BP_CAP_BLOCKS; /* one at a time */
    scene_chain(&s, 1, 300, 7);
    for (uint32_t i = 1; i <= 300; i++) scene_at(&s, i)->body = 1000;
    assert_int_equal(scene_make_pool(&s), 0);
    scene_peer(&s, 1)->manual = true;
    scene_join(&s, 1, 300);
    scene_answer(&s, 1, 0);
    scene_run(&s, 0);
    const struct scene_ask *a = scene_open_ask(&s, 1, BP_ACT_ASK_BLOCKS);
    assert_non_null(a);
    assert_int_equal(a->n, 16);
    scene_run(&s, 100);
    scene_answer(&s, 1, (size_t)(a - scene_peer(&s, 1)->asks));
    scene_run(&s, 0);
    assert_int_equal(bp_pool_peers(s.pool, st, 1), 1);
    a = scene_open_ask(&s, 1, BP_ACT_ASK_BLOCKS);
    assert_non_null(a);
    size_t n = a->n;
    scene_peer(&s, 1)->manual = false;
    scene_answer_all(&s, 1);
    scene_settle(&s, 100000);
    scene_expect_head(&s, 300);
    scene_close(&s);
    return n;
}

static void bytes_feed_the_estimates(void **state) {
    (void)state;
    struct bp_peer_status st;
    assert_int_equal(next_size(0, &st), 32); /* at most twice the last */
    assert_int_equal(st.bytes_per_s, 160000);
    assert_int_equal(st.blocks_per_s, 160);
    assert_int_equal(next_size(20000, &st), 20); /* what a reply may hold */
    assert_int_equal(next_size(1000, &st), 4);
}

/* Blocks grow tenfold: the size that is known by then counts, not how many
   came in a second before. */
static void larger_blocks_are_asked_in_smaller_numbers(void **state) {
    (void)state;
    struct scene s;
    scene_prepare(&s, NULL);
    s.caps = BP_CAP_LINKS | BP_CAP_BLOCKS;
    scene_chain(&s, 1, 3000, 7);
    for (uint32_t i = 1; i <= 3000; i++)
        scene_at(&s, i)->body = i < 1000 ? 1000 : 10000;
    assert_int_equal(scene_make_pool(&s), 0);
    scene_peer(&s, 1)->latency = 10;
    scene_peer(&s, 1)->rate = 200000; /* 80 or 8 of them in 400 ms */
    scene_join(&s, 1, 3000);
    scene_settle(&s, 1000000);
    scene_expect_head(&s, 3000);
    size_t small = 0, large = 0;
    for (size_t i = 0; i < scene_peer(&s, 1)->n_asks; i++) {
        const struct scene_ask *a = &scene_peer(&s, 1)->asks[i];
        if (a->type != BP_ACT_ASK_BLOCKS) continue;
        if (a->count > small) small = a->count;
        large = a->count;
    }
    assert_in_range(small, 70, 90);
    assert_in_range(large, 4, 9);
    assert_int_equal(scene_offences(&s), 0);
    scene_close(&s);
}

/* ---- the size of a link -------------------------------------------------- */

/* The bound counts links with the most that one may take: more is invalid. */
static void a_link_is_small(void **state) {
    (void)state;
    for (uint32_t over = 0; over < 2; over++) {
        struct scene s;
        world(&s, 5, NULL);
        s.link_bytes = BP_LINK_BYTES_MAX + over;
        scene_join(&s, 1, 5);
        scene_settle(&s, 10000);
        scene_expect_head(&s, over ? 0 : 5);
        assert_int_equal(scene_blamed(&s, 1, BP_OFF_BAD_RULE), over);
        scene_close(&s);
    }
    struct bp_pool_config few = { .links_max = 1000 };
    struct bp_pool_config many = { .links_max = 2000 };
    assert_true(bp_pool_bound(&many) - bp_pool_bound(&few) >=
                1000 * BP_LINK_BYTES_MAX);
}

/* ---- empty blocks, whole ------------------------------------------------- */

/* A whole block whose header says that it is empty is fetched like others, and
   again when its place was needed: its header is in it. */
static void whole_empty_blocks(void **state) {
    (void)state;
    struct scene s;
    scene_prepare(
        &s, &(struct bp_pool_config){ .window_bytes = 4096, .links_max = 64 });
    s.caps = SCENE_BARE;
    scene_chain(&s, 1, 60, 7);
    for (uint32_t i = 1; i <= 60; i++) {
        scene_at(&s, i)->empty = true;
        scene_at(&s, i)->body = 300 * (i % 9);
    }
    s.insert_ms = 300;
    assert_int_equal(scene_make_pool(&s), 0);
    scene_peer(&s, 1)->latency = 10;
    scene_join(&s, 1, 60);
    scene_settle(&s, 1000000);
    scene_expect_head(&s, 60);
    assert_true(scene_status(&s).refused > 0); /* some had to go */
    assert_int_equal(s.n_blames, 0);
    scene_close(&s);
}

/* ---- blocks that nobody asked for ---------------------------------------- */

/* A reply to no request that ever was: a warning, once, and nothing of it is
   kept. A block that is known, or came late, is none. */
static void unrequested_blocks(void **state) {
    (void)state;
    struct scene s;
    scene_prepare(&s, NULL);
    s.caps = SCENE_BARE;
    scene_chain(&s, 1, 4, 7);
    assert_int_equal(scene_make_pool(&s), 0);
    scene_peer(&s, 1)->manual = true;
    scene_join(&s, 1, 3);
    scene_blocks(&s, 1, 0, (uint32_t[]){ 2 }, 1, true);
    assert_int_equal(scene_blamed(&s, 1, BP_OFF_UNREQUESTED), 1);
    assert_int_equal(s.blames[0].block, 2);
    assert_false(s.blames[0].end);
    assert_int_equal(scene_status(&s).links_held, 0);
    assert_int_equal(scene_status(&s).blocks_held, 0);
    assert_false(demoted(&s, 0));
    struct scene_ask first = *scene_open_ask(&s, 1, BP_ACT_ASK_BLOCKS);
    scene_peer(&s, 1)->manual = false;
    scene_answer_all(&s, 1);
    scene_settle(&s, 10000);
    scene_expect_head(&s, 3);
    scene_blocks(&s, 1, 0, (uint32_t[]){ 2, 3 }, 2, true); /* of the chain */
    scene_blocks(&s, 1, first.id, (uint32_t[]){ 4 }, 1, true); /* a late one */
    assert_int_equal(s.n_blames, 1);
    scene_blocks(&s, 1, first.id + (1000u << 16), (uint32_t[]){ 4, 4 }, 2,
                 true); /* an id that will come, one day */
    assert_int_equal(scene_blamed(&s, 1, BP_OFF_UNREQUESTED), 2);
    assert_int_equal(s.n_blames, 2);
    scene_close(&s);
}

/* ---- heads without a total difficulty ------------------------------------ */

static void join_by_number(struct scene *s, bp_peer_id id, uint32_t head) {
    struct bp_peer_info info = scene_info(s, id, head);
    info.claim.has_td = false;
    info.claim.has_number = true;
    info.claim.number = scene_at(s, head)->number;
    scene_join_info(s, id, head, &info);
}

/* Blocks 1..20 are ours; 30..35, on block 5, are fewer and heavier. Their
   number is not above ours, and no total difficulty is claimed for them. */
static void lower_head_may_be_heavier(void **state) {
    (void)state;
    struct scene s;
    scene_prepare(&s, NULL);
    scene_chain(&s, 1, 20, 7);
    scene_block(&s, 30, 5, 1000);
    scene_chain(&s, 31, 35, 1000);
    for (uint32_t i = 1; i <= 20; i++) scene_hold(&s, i);
    assert_int_equal(scene_make_pool(&s), 0);
    join_by_number(&s, 1, 35);
    assert_int_equal(scene_status(&s).best, 0); /* nobody says it is ahead */
    scene_settle(&s, 10000);
    scene_expect_head(&s, 35);
    assert_int_equal(s.n_blames, 0);
    scene_close(&s);
}

static size_t being_asked(struct scene *s, uint32_t last) {
    size_t n = 0;
    for (uint32_t i = 2; i <= last; i++)
        n += scene_open_ask(s, i, BP_ACT_ASK_LINKS) != NULL;
    return n;
}

/* Such heads come after those that are ahead, one at a time; what they weigh
   decides, and whoever does not give his own does not keep the others from
   their turn. */
static void lower_heads_one_at_a_time(void **state) {
    (void)state;
    struct scene s;
    scene_prepare(&s, NULL);
    scene_chain(&s, 1, 40, 7);
    for (uint32_t i = 1; i <= 20; i++) scene_hold(&s, i);
    for (uint32_t k = 0; k < 4; k++) {
        scene_block(&s, 50 + 5 * k, 10, 1);
        scene_chain(&s, 51 + 5 * k, 54 + 5 * k, 1);
    }
    assert_int_equal(scene_make_pool(&s), 0);
    for (uint32_t k = 0; k < 4; k++) {
        scene_peer(&s, 2 + k)->manual = true;
        join_by_number(&s, 2 + k, 54 + 5 * k);
    }
    assert_int_equal(being_asked(&s, 5), 1);
    scene_peer(&s, 1)->latency = 10;
    scene_join(&s, 1, 40); /* is not kept waiting */
    scene_settle(&s, 2000);
    scene_expect_head(&s, 40);
    assert_int_equal(being_asked(&s, 5), 1);
    for (int turn = 0; turn < 40; turn++) {
        for (uint32_t id = 3; id <= 5; id++) scene_answer_all(&s, id);
        assert_true(being_asked(&s, 5) <= 2); /* one of them late */
        scene_run(&s, 500);
    }
    for (uint32_t k = 1; k < 4; k++)
        assert_true(scene_at(&s, 54 + 5 * k)->held);
    scene_expect_head(&s, 40);
    assert_int_equal(scene_offences(&s), 0);
    scene_close(&s);
}

/* ---- the window --------------------------------------------------------- */

/* A pushed block may be larger than what was set aside for it: then it, or
   what is needed later still, goes at once. */
static void pushed_blocks_keep_to_the_window(void **state) {
    (void)state;
    static const struct bp_pool_config cfg = { .window_bytes = 65536 };
    struct scene s;
    scene_prepare(&s, &cfg);
    scene_chain(&s, 1, 30, 7);
    scene_at(&s, 25)->body = 70000;
    assert_int_equal(scene_make_pool(&s), 0);
    scene_peer(&s, 1)->manual = true;
    scene_join(&s, 1, 10);
    for (uint32_t id = 20; id <= 25; id += 5) {
        scene_push(&s, 1, id, scene_at(&s, id)->td.w[0]);
        scene_run(&s, 10);
        assert_int_equal(scene_status(&s).blocks_seen, id / 5 - 3);
        assert_true(scene_status(&s).window_used <= cfg.window_bytes);
    }
    assert_int_equal(scene_status(&s).blocks_held, 1);
    scene_close(&s);
}

/* ---- what is nobody ------------------------------------------------------ */

/* Peer 0 is what best, reports and items say when there is none. */
static void peer_0_is_nobody(void **state) {
    (void)state;
    struct scene s;
    world(&s, 5, NULL);
    struct bp_event ev = { .type = BP_EV_PEER_JOINED };
    ev.u.joined.info = scene_info(&s, 1, 5);
    scene_step(&s, &ev);
    assert_int_equal(scene_status(&s).peers, 0);
    assert_int_equal(scene_status(&s).requests, 0);
    scene_join(&s, 1, 5);
    scene_settle(&s, 1000);
    scene_expect_head(&s, 5);
    scene_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(idle_best_at_the_timer),
        T(idle_best_counts_from_the_end),
        T(idle_best_has_news),
        T(idle_best_needs_something_newer),
        T(idle_best_may_come_back),
        T(head_probe_at_the_timer),
        T(head_probe_begins_anew),
        T(bytes_feed_the_estimates),
        T(larger_blocks_are_asked_in_smaller_numbers),
        T(a_link_is_small),
        T(whole_empty_blocks),
        T(unrequested_blocks),
        T(lower_head_may_be_heavier),
        T(lower_heads_one_at_a_time),
        T(pushed_blocks_keep_to_the_window),
        T(peer_0_is_nobody),
    };
    return bp_run(tests);
}
