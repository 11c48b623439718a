/* Statements about the pool of 2015 that no row of the catalogue has; their
   names stand in front (docs/protocol/2015.md). */
#include "world.h"

static bp_u256 claimed_td(const struct scene *s) {
    struct bp_peer_status st;
    assert_int_equal(bp_pool_peers(s->pool, &st, 1), 1);
    return st.claim.td;
}

/* P3: the same head again means nothing; but its total difficulty may be put
   right, as long as it is not known. */
static void p3_same_head_again(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        plain_world(&s, k, 5);
        scene_peer(&s, 1)->manual = true;
        scene_join(&s, 1, 5);
        size_t asks = scene_peer(&s, 1)->n_asks;
        uint64_t td = scene_at(&s, 5)->td.w[0];
        scene_claim_td(&s, 1, 5, td);
        scene_run(&s, 100);
        assert_int_equal(scene_status(&s).claims, 1);
        scene_claim_td(&s, 1, 5, 999999);
        assert_true(claimed_td(&s).w[0] == 999999);
        scene_claim_td(&s, 1, 5, td);
        assert_true(claimed_td(&s).w[0] == td);
        assert_int_equal(scene_status(&s).claims, 3);
        assert_int_equal(scene_peer(&s, 1)->n_asks, asks);
        scene_peer(&s, 1)->manual = false;
        scene_answer_all(&s, 1);
        scene_settle(&s, 10000);
        scene_expect_head(&s, 5);
        scene_claim_td(&s, 1, 5, 999999); /* the pool knows better now */
        scene_run(&s, 100);
        assert_true(claimed_td(&s).w[0] == td);
        assert_int_equal(scene_status(&s).claims, 3);
        assert_int_equal(scene_blamed(&s, 1, BP_OFF_WRONG_TD), 0);
        scene_close(&s);
    }
}

/* P7, A3, D10, D25: the best peer's head becomes known while it is asked for:
   the answer builds nothing, and nothing more is asked. */
static void p7_head_becomes_known(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        plain_world(&s, k, 10);
        scene_peer(&s, 1)->manual = true;
        scene_join(&s, 1, 10);
        assert_int_equal(scene_status(&s).best, 1);
        for (uint32_t id = 1; id <= 10; id++) scene_at(&s, id)->held = true;
        s.head = 10;
        struct bp_event ev = { .type = BP_EV_CHAIN };
        ev.u.chain.before = s.cfg.head;
        ev.u.chain.head =
            (struct bp_chain_head){ scene_hash(10), 10, scene_at(&s, 10)->td };
        ev.u.chain.ancestor = scene_hash(0);
        scene_step(&s, &ev);
        assert_int_equal(scene_status(&s).best, 0);
        scene_answer_all(&s, 1);
        assert_int_equal(scene_status(&s).links_held, 0);
        assert_int_equal(scene_status(&s).blocks_held, 0);
        scene_run(&s, 100000);
        assert_int_equal(scene_peer(&s, 1)->n_asks, 1);
        assert_int_equal(s.n_blames, 0);
        assert_true(scene_peer(&s, 1)->here);
        scene_close(&s);
    }
}

/* W1, R16: who is best changes, and what was asked goes on as it was. */
static void w1_a_switch_keeps_requests(void **state) {
    (void)state;
    struct scene s;
    plain_world(&s, 0, 12);
    scene_peer(&s, 1)->manual = true;
    scene_peer(&s, 2)->manual = true;
    scene_join(&s, 1, 9);
    scene_answer(&s, 1, 0);
    scene_run(&s, 1);
    struct scene_ask *a = scene_open_ask(&s, 1, BP_ACT_ASK_BLOCKS);
    assert_non_null(a);
    assert_int_equal(a->n, 9);
    scene_join(&s, 2, 12);
    assert_int_equal(scene_status(&s).best, 2);
    assert_null(scene_open_ask(&s, 2, BP_ACT_ASK_BLOCKS)); /* not again */
    scene_answer(&s, 1, (size_t)(a - scene_peer(&s, 1)->asks));
    scene_run(&s, 1);
    scene_expect_head(&s, 9);
    for (uint32_t id = 1; id <= 9; id++)
        assert_int_equal(scene_at(&s, id)->asked, 1);
    scene_close(&s);
}

/* H1, H17, D24: of a bare peer the head block is asked for first, and no
   hashes before it is here; when the pool has it, the hashes at once. */
static void h1_head_block_first(void **state) {
    (void)state;
    struct scene s;
    plain_world(&s, 1, 10);
    scene_peer(&s, 1)->manual = true;
    scene_peer(&s, 2)->manual = true;
    scene_join(&s, 1, 10);
    scene_run(&s, 1000);
    const struct scene_peer *one = scene_peer(&s, 1);
    assert_int_equal(one->n_asks, 1);
    assert_int_equal(one->asks[0].type, BP_ACT_ASK_BLOCKS);
    assert_int_equal(one->asks[0].n, 1);
    assert_int_equal(one->asks[0].ids[0], 10);
    scene_answer(&s, 1, 0);
    scene_leave(&s, 1);
    scene_join(&s, 2, 10);
    scene_run(&s, 1000);
    const struct scene_peer *two = scene_peer(&s, 2);
    assert_true(two->n_asks > 0);
    assert_int_equal(two->asks[0].type, BP_ACT_ASK_HASHES);
    assert_int_equal(two->asks[0].origin, 10);
    assert_int_equal(scene_at(&s, 10)->asked, 1);
    scene_close(&s);
}

/* H5, H7, R9: all is in: nothing is asked, and nothing waits for a time. */
static void h7_complete_is_idle(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        plain_world(&s, k, 20);
        scene_join(&s, 1, 20);
        scene_settle(&s, 10000);
        scene_expect_head(&s, 20);
        const struct scene_peer *peer = scene_peer(&s, 1);
        size_t asks = peer->n_asks, lists = 0;
        for (size_t i = 0; i < asks; i++)
            lists += peer->asks[i].type != BP_ACT_ASK_BLOCKS;
        assert_int_equal(lists, 1);
        scene_run(&s, 3600000);
        assert_int_equal(scene_peer(&s, 1)->n_asks, asks);
        assert_int_equal(s.n_blames, 0);
        assert_true(bp_pool_deadline(s.pool) == BP_TIME_NEVER);
        scene_close(&s);
    }
}

/* Answers the head's block and gives this list; then the peer is honest. */
static void give_list(struct scene *s, const uint32_t *list, size_t n) {
    scene_peer(s, 1)->manual = true;
    scene_join(s, 1, 9);
    scene_answer(s, 1, 0);
    struct scene_ask *a = scene_open_ask(s, 1, BP_ACT_ASK_HASHES);
    assert_non_null(a);
    a->open = false;
    assert_true(a->count >= n);
    scene_hashes(s, 1, a->id, list, n);
    for (int i = 0; i < 20; i++) {
        scene_answer_all(s, 1);
        scene_run(s, 10);
    }
    scene_expect_head(s, 9);
    assert_int_equal(s->n_blames, 0);
}

/* A6: nothing of a list is read below what the chain has. */
static void a6_nothing_below_what_is_known(void **state) {
    (void)state;
    struct scene s;
    world(&s, 1, 6, NULL);
    scene_block(&s, 20, 2, 50);
    scene_chain(&s, 21, 29, 50);
    for (uint32_t id = 1; id <= 6; id++) scene_hold(&s, id);
    made(&s);
    scene_peer(&s, 1)->manual = true;
    scene_join(&s, 1, 29);
    static const uint32_t list[] = { 28, 27, 26, 25, 24,   23,
                                     22, 21, 20, 2,  77777 };
    bool given = false;
    for (int i = 0; i < 40; i++) {
        struct scene_peer *peer = scene_peer(&s, 1);
        struct scene_ask *a = scene_open_ask(&s, 1, BP_ACT_ASK_HASHES);
        if (a != NULL && a->origin == 29) {
            assert_true(a->count >= 11);
            a->open = false;
            scene_hashes(&s, 1, a->id, list, sizeof list / sizeof *list);
            given = true;
        } else if (a != NULL) {
            scene_answer(&s, 1, (size_t)(a - peer->asks));
        }
        a = scene_open_ask(&s, 1, BP_ACT_ASK_BLOCKS);
        if (a != NULL)
            scene_answer(&s, 1, (size_t)(a - scene_peer(&s, 1)->asks));
        scene_run(&s, 10);
    }
    assert_true(given);
    scene_expect_head(&s, 29);
    assert_int_equal(s.n_blames, 0);
    for (size_t i = 0; i < scene_peer(&s, 1)->n_asks; i++) {
        const struct scene_ask *a = &scene_peer(&s, 1)->asks[i];
        assert_true(a->origin == SCENE_NONE || a->origin <= 29);
    }
    for (uint32_t id = 1; id <= 29; id++)
        if (id <= 6 || id >= 20)
            assert_int_equal(scene_at(&s, id)->asked, id >= 20);
    scene_close(&s);
}

/* A7: a list that begins with the asked hash itself, as some peers give it. */
static void a7_list_with_the_asked_hash(void **state) {
    (void)state;
    struct scene s;
    plain_world(&s, 1, 9);
    give_list(&s, (uint32_t[]){ 9, 8, 7, 6, 5, 4, 3, 2, 1 }, 9);
    scene_close(&s);
}

/* B5: the first copy stays and is its sender's; who sent a second is not to
   blame for the first. */
static void b5_the_first_copy_stays(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 1, NULL);
    s.insert_ms = 10;
    made(&s);
    scene_peer(&s, 1)->manual = true;
    scene_peer(&s, 2)->manual = true;
    scene_peer(&s, 1)->bad_bodies = true;
    scene_join(&s, 1, 1);
    scene_join(&s, 2, 1);
    scene_answer(&s, 1, 0);
    scene_run(&s, 1);
    uint32_t asked = scene_open_ask(&s, 1, BP_ACT_ASK_BLOCKS) != NULL ? 1 : 2;
    if (asked == 2) scene_peer(&s, 1)->bad_bodies = false;
    scene_peer(&s, asked)->bad_bodies = true;
    struct scene_ask *a = scene_open_ask(&s, asked, BP_ACT_ASK_BLOCKS);
    assert_non_null(a);
    scene_answer(&s, asked, (size_t)(a - scene_peer(&s, asked)->asks));
    scene_run(&s, 5);
    scene_blocks(&s, 3 - asked, a->id, (uint32_t[]){ 1 }, 1, false);
    assert_int_equal(scene_status(&s).duplicates, 1);
    scene_run(&s, 5);
    assert_int_equal(scene_blamed(&s, asked, BP_OFF_BAD_BODY), 1);
    assert_int_equal(scene_offences(&s), 1);
    scene_peer(&s, 3 - asked)->manual = false;
    scene_answer_all(&s, 3 - asked);
    scene_settle(&s, 60000);
    scene_expect_head(&s, 1);
    scene_close(&s);
}

/* D15: who is best again, with all its links known, is listened to. */
static void d15_new_head_after_a_switch_back(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        world(&s, k, 12, NULL);
        scene_block(&s, 20, 3, 1000);
        made(&s);
        scene_peer(&s, 1)->latency = 10;
        scene_peer(&s, 2)->silent = true;
        s.insert_ms = 1000;
        scene_join(&s, 1, 9);
        scene_run(&s, 200);
        assert_true(scene_status(&s).links_held >= 9);
        scene_join(&s, 2, 20);
        assert_int_equal(scene_status(&s).best, 2);
        scene_leave(&s, 2);
        scene_claim(&s, 1, 12);
        assert_int_equal(scene_status(&s).best, 1);
        scene_settle(&s, 60000);
        scene_expect_head(&s, 12);
        assert_int_equal(scene_blamed(&s, 1, -1), 0);
        scene_close(&s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(p3_same_head_again),
        T(p7_head_becomes_known),
        T(w1_a_switch_keeps_requests),
        T(h1_head_block_first),
        T(h7_complete_is_idle),
        T(a6_nothing_below_what_is_known),
        T(a7_list_with_the_asked_hash),
        T(b5_the_first_copy_stays),
        T(d15_new_head_after_a_switch_back),
    };
    return bp_run(tests);
}
