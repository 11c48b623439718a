/* What the host says or a peer sends at odd moments: a chain that moved
   meanwhile, verdicts against links that had passed, numbers that do not
   follow, lists that begin one too early. */
#include "world.h"

/* Sends links, newest first, for the open request; `held_at` as given. */
static void send_links(struct scene *s, bp_peer_id id, const uint32_t *ids,
                       size_t n) {
    struct scene_ask *a = scene_open_ask(s, id, BP_ACT_ASK_LINKS);
    assert_non_null(a);
    a->open = false;
    scene_links(s, id, a->id, ids, n);
}

/* The host's chain moves to `id` by itself. */
static void chain_moves(struct scene *s, uint32_t id) {
    struct bp_event ev = { .type = BP_EV_CHAIN };
    struct bp_pool_status st = scene_status(s);
    ev.u.chain.before = st.head;
    ev.u.chain.ancestor = st.head.hash;
    ev.u.chain.ancestor_number = st.head.number;
    scene_hold(s, id);
    const struct scene_block *b = scene_at(s, id);
    ev.u.chain.head =
        (struct bp_chain_head){ scene_hash(id), b->number, b->td };
    scene_step(s, &ev);
}

/* ---- the chain moved ------------------------------------------------------
 */

/* What dangled stands on the new head. */
static void own_chain_reaches_a_branch(void **state) {
    (void)state;
    struct scene s;
    plain_world(&s, 0, 9);
    scene_peer(&s, 1)->manual = true;
    scene_join(&s, 1, 9);
    send_links(&s, 1, (uint32_t[]){ 9, 8, 7, 6, 5 }, 5);
    assert_int_equal(s.n_reports[BP_REPORT_JOINED], 0);
    chain_moves(&s, 4);
    assert_int_equal(s.n_reports[BP_REPORT_JOINED], 1);
    scene_run(&s, 0);
    struct scene_ask *a = scene_open_ask(&s, 1, BP_ACT_ASK_BLOCKS);
    assert_non_null(a);
    scene_answer_all(&s, 1);
    scene_settle(&s, 1000);
    scene_expect_head(&s, 9);
    assert_int_equal(s.inserted, 5); /* not 1..4 */
    assert_int_equal(s.n_blames, 0);
    scene_close(&s);
}

/* The same, but its lowest number does not follow: whoever gave it is told. */
static void own_chain_refutes_a_branch(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 9, NULL);
    for (uint32_t id = 5; id <= 9; id++) scene_at(&s, id)->number++;
    made(&s);
    scene_peer(&s, 1)->manual = true;
    scene_join(&s, 1, 9);
    send_links(&s, 1, (uint32_t[]){ 9, 8, 7, 6, 5 }, 5);
    assert_int_equal(scene_status(&s).links_held, 5);
    chain_moves(&s, 4);
    assert_int_equal(scene_status(&s).links_held, 0);
    assert_int_equal(scene_blamed(&s, 1, BP_OFF_BAD_RULE), 1);
    assert_int_equal(s.blames[0].block, 5);
    scene_close(&s);
}

/* A reply was decoded before the pool's last insertion: what it calls unknown
   is held by now. */
static void held_since_it_was_decoded(void **state) {
    (void)state;
    for (uint32_t first = 3; first <= 5; first++) {
        struct scene s;
        plain_world(&s, 0, 9);
        scene_join(&s, 1, 4);
        scene_settle(&s, 1000);
        scene_expect_head(&s, 4);
        scene_peer(&s, 2)->manual = true;
        scene_join(&s, 2, 9);
        struct scene_ask *a = scene_open_ask(&s, 2, BP_ACT_ASK_LINKS);
        assert_non_null(a);
        a->open = false;
        struct bp_link links[9];
        size_t n = 0;
        for (uint32_t id = 9; id >= first; id--)
            links[n++] = scene_link(&s, id);
        struct bp_event ev = { .type = BP_EV_LINKS };
        ev.u.links.peer = 2;
        ev.u.links.request = a->id;
        ev.u.links.links = links;
        ev.u.links.n = n;
        ev.u.links.held_at = BP_NONE;
        scene_step(&s, &ev);
        assert_int_equal(scene_status(&s).links_held, 5);
        scene_answer_all(&s, 2);
        scene_run(&s, 0);
        scene_answer_all(&s, 2);
        scene_settle(&s, 1000);
        scene_expect_head(&s, 9);
        assert_int_equal(scene_at(&s, 4)->came, 1);
        assert_int_equal(s.n_blames, 0);
        scene_close(&s);
    }
}

/* A whole block that the host holds by now is no news, and no offence. */
static void a_whole_block_that_is_held(void **state) {
    (void)state;
    struct scene s;
    plain_world(&s, 1, 9);
    scene_peer(&s, 1)->manual = true;
    scene_join(&s, 1, 9);
    scene_answer(&s, 1, 0); /* the head block */
    chain_moves(&s, 9);
    scene_answer_all(&s, 1);
    scene_settle(&s, 100000);
    scene_expect_head(&s, 9);
    assert_int_equal(s.inserted, 0);
    assert_int_equal(scene_offences(&s), 0);
    scene_close(&s);
}

/* ---- verdicts -------------------------------------------------------------
 */

/* An insertion finds a rule of the header broken that the check passed. */
static void a_link_is_refused_at_insertion(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        world(&s, k, 9, NULL);
        scene_at(&s, 5)->bad_late = true;
        made(&s);
        scene_peer(&s, 1)->latency = 5;
        scene_join(&s, 1, 9);
        scene_settle(&s, 100000);
        scene_expect_head(&s, 4);
        assert_int_equal(scene_blamed(&s, 1, BP_OFF_BAD_RULE), 1);
        assert_int_equal(scene_offences(&s), 1);
        assert_int_equal(scene_status(&s).links_held,
                         0); /* nor what is above */
        scene_join(&s, 2, 5);
        assert_int_equal(scene_blamed(&s, 2, BP_OFF_BANNED), 1);
        scene_close(&s);
    }
}

/* Fork choice refused a heavier branch by policy: who claims no more than that
   is not asked again. */
static void what_policy_refused_is_the_baseline(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 9, NULL);
    scene_block(&s, 20, 0, 60);
    scene_block(&s, 21, 20, 60);
    made(&s);
    s.refused_td = scene_at(&s, 20)->td;
    scene_join(&s, 1, 2);
    scene_settle(&s, 1000);
    scene_expect_head(&s, 2);
    scene_join(&s, 2, 20);
    assert_int_equal(scene_status(&s).best, 0);
    assert_int_equal(scene_peer(&s, 2)->n_asks, 0);
    scene_claim(&s, 2, 21);
    assert_int_equal(scene_status(&s).best, 2);
    scene_settle(&s, 1000);
    scene_expect_head(&s, 21);
    scene_close(&s);
}

/* ---- numbers that do not follow -------------------------------------------
 */

/* A list stands on a held block, one number too high. */
static void a_number_too_high(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        world(&s, k, 9, NULL);
        for (uint32_t id = 3; id <= 9; id++) scene_at(&s, id)->number++;
        scene_hold(&s, 2);
        made(&s);
        scene_peer(&s, 1)->latency = 5;
        scene_join(&s, 1, 9);
        scene_settle(&s, 100000);
        scene_expect_head(&s, 2);
        assert_int_equal(scene_offences(&s), 1);
        assert_false(scene_peer(&s, 1)->here);
        assert_int_equal(scene_status(&s).links_held, 0);
        scene_close(&s);
    }
}

/* The same with a parent that is not held, but of the forest. */
static void a_number_too_high_on_a_branch(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 9, NULL);
    scene_block(&s, 20, 5, 9);
    scene_at(&s, 20)->number = 17;
    made(&s);
    s.hold_jobs = true;
    scene_join(&s, 1, 9);
    scene_run(&s, 1);
    assert_int_equal(scene_status(&s).links_held, 9);
    scene_peer(&s, 2)->manual = true;
    scene_join_td(&s, 2, 20, 1000);
    send_links(&s, 2, (uint32_t[]){ 20 }, 1);
    assert_int_equal(scene_blamed(&s, 2, BP_OFF_BAD_RULE), 1);
    assert_int_equal(scene_blamed(&s, 1, -1), 0);
    assert_int_equal(scene_status(&s).links_held, 9);
    struct bp_event ev = { .type = BP_EV_PURGE };
    scene_step(&s, &ev);
    scene_close(&s);
}

/* ---- lists ----------------------------------------------------------------
 */

/* Servers of 2015 began with the asked hash, others with its parent. */
static void a_list_that_begins_with_the_asked_hash(void **state) {
    (void)state;
    struct scene s;
    plain_world(&s, 1, 9);
    scene_peer(&s, 1)->manual = true;
    scene_join(&s, 1, 9);
    scene_answer(&s, 1, 0);
    struct scene_ask *a = scene_open_ask(&s, 1, BP_ACT_ASK_HASHES);
    assert_non_null(a);
    a->open = false;
    scene_hashes(&s, 1, a->id, (uint32_t[]){ 9, 8, 7, 6, 5, 4, 3, 2, 1 }, 9);
    assert_int_equal(s.n_blames, 0);
    for (int i = 0; i < 9; i++) {
        scene_answer_all(&s, 1);
        scene_run(&s, 0);
    }
    scene_expect_head(&s, 9);
    scene_close(&s);
}

/* A range that changes: nothing outside it is asked for. */
static void a_range_that_changes(void **state) {
    (void)state;
    struct scene s;
    plain_world(&s, 0, 9);
    struct bp_event ev = { .type = BP_EV_PEER_RANGE };
    ev.u.range.peer = 1;
    ev.u.range.earliest = 6;
    ev.u.range.latest = 9;
    scene_step(&s, &ev); /* of nobody yet */
    struct scene_peer *peer = scene_peer(&s, 1);
    peer->manual = true;
    scene_join(&s, 1, 9);
    scene_step(&s, &ev);
    send_links(&s, 1, (uint32_t[]){ 9, 8, 7, 6 }, 4);
    scene_run(&s, 100);
    assert_null(scene_open_ask(&s, 1, BP_ACT_ASK_LINKS));
    ev.u.range.earliest = 0;
    scene_step(&s, &ev);
    assert_non_null(scene_open_ask(&s, 1, BP_ACT_ASK_LINKS));
    scene_answer_all(&s, 1);
    scene_run(&s, 0);
    scene_answer_all(&s, 1);
    scene_settle(&s, 1000);
    scene_expect_head(&s, 9);
    assert_int_equal(scene_offences(&s), 0);
    scene_close(&s);
}

/* ---- looking --------------------------------------------------------------
 */

/* As many branches as there is room for, the heaviest; all are counted. */
static void the_heaviest_branches_fit(void **state) {
    (void)state;
    struct scene s;
    scene_prepare(&s, NULL);
    scene_block(&s, 1, 0, 1);
    static const uint64_t weight[] = { 30, 10, 50, 20, 40 };
    for (uint32_t i = 0; i < 5; i++) scene_block(&s, 10 + i, 1, weight[i]);
    assert_int_equal(scene_make_pool(&s), 0);
    s.hold_jobs = true;
    scene_join(&s, 1, 0);
    scene_push(&s, 1, 1, 0);
    for (uint32_t i = 0; i < 5; i++) scene_push(&s, 1, 10 + i, 0);
    static const uint32_t order[] = { 12, 14, 10, 13, 11 };
    for (size_t cap = 0; cap <= 6; cap++) {
        struct bp_branch_status br[6];
        assert_int_equal(bp_pool_branches(s.pool, br, cap), 5);
        for (size_t i = 0; i < cap && i < 5; i++)
            assert_int_equal(scene_id(&br[i].top), order[i]);
    }
    struct bp_peer_status ps[2];
    assert_int_equal(bp_pool_peers(s.pool, ps, 0), 1);
    struct bp_event ev = { .type = BP_EV_PURGE };
    scene_step(&s, &ev);
    scene_close(&s);
}

/* ---- the end --------------------------------------------------------------
 */

static uint64_t given_back[8];
static size_t n_given_back;
static void give_back(void *user, uint64_t item) {
    (void)user;
    assert_true(n_given_back < 8);
    given_back[n_given_back++] = item;
}

/* Freed before its last actions were taken: what they would have released is
   given back too. */
static void freed_with_actions_left(void **state) {
    (void)state;
    struct bp_pool *p;
    struct bp_pool_config cfg = { .links_max = 1024 };
    assert_int_equal(bp_pool_new(&p, &cfg), 0);
    struct bp_event ev = { .type = BP_EV_PUSHED };
    ev.u.pushed.peer = 7; /* nobody */
    ev.u.pushed.block.matched = true;
    ev.u.pushed.block.item = 101;
    ev.u.pushed.block.has_link = true;
    ev.u.pushed.block.link.item = 102;
    bp_pool_step(p, &ev, 5);
    ev.u.pushed.block.item = 103;
    ev.u.pushed.block.has_link = false;
    bp_pool_step(p, &ev, 6);
    n_given_back = 0;
    bp_pool_free(p, give_back, NULL);
    assert_int_equal(n_given_back, 3);
    for (size_t i = 0; i < 3; i++) assert_int_equal(given_back[i], 101 + i);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(own_chain_reaches_a_branch),
        T(own_chain_refutes_a_branch),
        T(held_since_it_was_decoded),
        T(a_whole_block_that_is_held),
        T(a_link_is_refused_at_insertion),
        T(what_policy_refused_is_the_baseline),
        T(a_number_too_high),
        T(a_number_too_high_on_a_branch),
        T(a_list_that_begins_with_the_asked_hash),
        T(a_range_that_changes),
        T(the_heaviest_branches_fit),
        T(freed_with_actions_left),
    };
    return bp_run(tests);
}
