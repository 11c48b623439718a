/* S1: the counters, step by step, through two forks, four peers and two
   switches; X20: when the pool is at rest. */
#include "world.h"

/* ---- S1 ----------------------------------------------------------------- */

/* The fourteen counters of the row. */
struct counters {
    bool syncing;
    uint64_t links_seen, links_held, blocks_seen, blocks_held, inserted;
    uint64_t claims, forks, longest;
    uint64_t peers_seen, peers, active, best, bad;
};

static struct counters counters_of(const struct scene *s) {
    struct bp_pool_status st = scene_status(s);
    return (struct counters){ .syncing = st.syncing,
                              .links_seen = st.links_seen,
                              .links_held = st.links_held,
                              .blocks_seen = st.blocks_seen,
                              .blocks_held = st.blocks_held,
                              .inserted = st.blocks_inserted,
                              .claims = st.claims,
                              .forks = st.forks,
                              .longest = st.longest_chain,
                              .peers_seen = st.peers_seen,
                              .peers = st.peers,
                              .active = st.peers_active,
                              .best = st.peers_best,
                              .bad = st.peers_bad };
}

static void expect(struct scene *s, int step, struct counters c) {
    struct counters got = counters_of(s);
#define SAME(field)                                                            \
    if (got.field != c.field)                                                  \
    fail_msg("step %d: " #field " is %zu, not %zu", step, (size_t)got.field,   \
             (size_t)c.field)
    SAME(syncing);
    SAME(links_seen);
    SAME(links_held);
    SAME(blocks_seen);
    SAME(blocks_held);
    SAME(inserted);
    SAME(claims);
    SAME(forks);
    SAME(longest);
    SAME(peers_seen);
    SAME(peers);
    SAME(active);
    SAME(best);
    SAME(bad);
#undef SAME
}

/* Sends links, newest first, for the open request for links. */
static void give_links(struct scene *s, bp_peer_id id, const uint32_t *ids,
                       size_t n) {
    struct scene_ask *a = scene_open_ask(s, id, BP_ACT_ASK_LINKS);
    assert_non_null(a);
    a->open = false;
    scene_links(s, id, a->id, ids, n);
    scene_run(s, 0);
}
#define LINKS(s, id, ...)                                                      \
    give_links(s, id, (const uint32_t[]){ __VA_ARGS__ },                       \
               sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))

static void give_blocks(struct scene *s, bp_peer_id id, const uint32_t *ids,
                        size_t n) {
    struct scene_ask *a = scene_open_ask(s, id, BP_ACT_ASK_BLOCKS);
    assert_non_null(a);
    a->open = false;
    scene_blocks(s, id, a->id, ids, n, false);
    scene_run(s, 0);
}
#define BLOCKS(s, id, ...)                                                     \
    give_blocks(s, id, (const uint32_t[]){ __VA_ARGS__ },                      \
                sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))

/* 0..3; then 4..6, or 7..9; and 10, 11 on 8. */
static void two_forks(struct scene *s) {
    scene_prepare(s, NULL);
    s->caps = BP_CAP_LINKS | BP_CAP_BLOCKS; /* one request of a kind */
    scene_chain(s, 1, 3, 10);
    scene_chain(s, 4, 6, 10);
    scene_block(s, 7, 3, 11);
    scene_chain(s, 8, 9, 11);
    scene_block(s, 10, 8, 12);
    scene_block(s, 11, 10, 12);
    assert_int_equal(scene_make_pool(s), 0);
    for (uint32_t i = 1; i <= 4; i++) scene_peer(s, i)->manual = true;
}

/* Steps 1 to 11: three peers claim, and their branches grow together. */
static void s1_links(struct scene *s, struct counters *cp) {
    struct counters c = { 0 };
    expect(s, 1, c);

    scene_join(s, 1, 6); /* asked for its head */
    c.syncing = true;
    c.claims = c.peers_seen = c.peers = c.best = 1;
    expect(s, 2, c);

    LINKS(s, 1, 6, 5); /* they dangle; their bodies are wanted ahead */
    c.links_seen = c.links_held = 2;
    c.active = 1;
    expect(s, 3, c);

    scene_join(s, 2, 9); /* heavier: the first switch */
    c.claims = c.peers_seen = c.peers = c.best = 2;
    expect(s, 4, c);

    LINKS(s, 2, 9, 8, 7); /* another branch that dangles: no fork yet */
    c.links_seen = c.links_held = 5;
    c.active = 2;
    expect(s, 5, c);

    LINKS(s, 1, 4, 3); /* 3 is known now, and 7 stands on it */
    c.links_seen = c.links_held = 7;
    c.forks = 1;
    expect(s, 6, c);

    scene_join(s, 3, 11); /* heavier still: the second switch */
    c.claims = c.peers_seen = c.peers = c.best = 3;
    expect(s, 7, c);

    LINKS(s, 3, 11, 10, 8); /* 8 is there; the section splits at it */
    c.links_seen = c.links_held = 9;
    c.active = 3;
    c.forks = 2;
    expect(s, 8, c);

    scene_join(s, 4, 2); /* claims less: a peer, no more */
    c.claims = c.peers_seen = c.peers = 4;
    expect(s, 9, c);

    scene_join(s, 4, 2); /* the same session again: nothing */
    expect(s, 10, c);

    LINKS(s, 1, 2, 1); /* 0 is ours: all of it is connected and checked */
    c.links_seen = c.links_held = 11;
    expect(s, 11, c);
    *cp = c;
}

/* Steps 12 to 16: bodies, lowest first or not, and what they let in. */
static void s1_blocks(struct scene *s, struct counters *cp) {
    struct counters c = *cp;
    BLOCKS(s, 1, 5); /* not 6, which it was asked for too */
    c.blocks_seen = c.blocks_held = 1;
    expect(s, 12, c);

    BLOCKS(s, 3, 11, 10);
    c.blocks_seen = c.blocks_held = 3;
    expect(s, 13, c);

    BLOCKS(s, 4, 1, 2); /* the lowest two go in at once */
    c.active = 4;
    c.blocks_seen = 5;
    c.inserted = c.longest = 2;
    c.links_held = 9;
    expect(s, 14, c);

    BLOCKS(s, 1, 4); /* waits for 3 */
    c.blocks_seen = 6;
    c.blocks_held = 4;
    expect(s, 15, c);

    BLOCKS(s, 2, 3);    /* 3 goes in, and 4, 5 on it, */
    BLOCKS(s, 2, 7, 8); /* … and 7, 8, 10, 11 beside them */
    c.blocks_seen = 9;
    c.blocks_held = 0;
    c.inserted = 9;
    c.longest = 4;
    c.links_held = 2;
    expect(s, 16, c);
    *cp = c;
}

/* Steps 17 to 21: peers leave, one for an offence, and the rest comes in. */
static void s1_ends(struct scene *s, struct counters *cp) {
    struct counters c = *cp;
    scene_leave(s, 4);
    c.peers = 3;
    expect(s, 17, c);

    BLOCKS(s, 2, 9);
    c.blocks_seen = c.inserted = 10;
    c.links_held = 1;
    expect(s, 18, c);

    struct bp_event ev = { .type = BP_EV_PEER_OFFENCE };
    ev.u.offence.peer = 2;
    ev.u.offence.offence = BP_OFF_BAD_BYTES;
    scene_step(s, &ev);
    c.peers = 2;
    c.bad = 1;
    expect(s, 19, c);

    scene_leave(s, 3);
    c.peers = 1;
    expect(s, 20, c);

    scene_run(s, 1000); /* 1 may be asked for 6 again */
    BLOCKS(s, 1, 6);
    c.blocks_seen = c.inserted = 11;
    c.links_held = 0;
    c.syncing = false;
    expect(s, 21, c);
}

static void s1_counters_step_by_step(void **state) {
    (void)state;
    struct scene s;
    struct counters c;
    two_forks(&s);
    s1_links(&s, &c);
    s1_blocks(&s, &c);
    s1_ends(&s, &c);
    scene_expect_head(&s, 11);
    for (uint32_t id = 0; id <= 11; id++) assert_true(scene_at(&s, id)->held);
    scene_close(&s);
}

/* ---- X20 ----------------------------------------------------------------- */

/* Whoever waits for the pool asks this after every step: at rest before there
   is anything to do, at no moment until all 200 blocks are in, and then at
   once. */
static bool at_rest_too_soon;
static void watch_rest(struct scene *s) {
    if (s->head != 200 && bp_pool_quiescent(s->pool)) at_rest_too_soon = true;
}

static void x20_at_rest_when_all_is_in(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        world(&s, k, 200, NULL);
        s.check_ms = 30;
        s.insert_ms = 40;
        made(&s);
        assert_true(bp_pool_quiescent(s.pool));
        assert_true(bp_pool_deadline(s.pool) == BP_TIME_NEVER);
        scene_peer(&s, 1)->latency = 100;
        at_rest_too_soon = false;
        s.after_step = watch_rest;
        scene_join(&s, 1, 200);
        while (s.head != 200) scene_run(&s, 1);
        assert_false(at_rest_too_soon);
        scene_run(&s, 0);
        assert_true(bp_pool_quiescent(s.pool));
        assert_false(scene_status(&s).syncing);
        assert_int_equal(s.n_reports[BP_REPORT_SYNCED], 1);
        scene_close(&s);
    }
}

/* A job that is out keeps the pool busy, even when its peer has left and its
   section is gone. */
static void x20_a_job_is_waited_for(void **state) {
    (void)state;
    struct scene s;
    world(&s, 0, 5, NULL);
    s.insert_ms = 500;
    made(&s);
    scene_join(&s, 1, 5);
    scene_run(&s, 10);
    scene_leave(&s, 1);
    struct bp_event ev = { .type = BP_EV_PURGE };
    scene_step(&s, &ev);
    assert_false(bp_pool_quiescent(s.pool));
    scene_run(&s, 489);
    assert_false(bp_pool_quiescent(s.pool));
    scene_run(&s, 1);
    assert_true(bp_pool_quiescent(s.pool));
    assert_int_equal(s.live_items, 0);
    scene_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(x20_at_rest_when_all_is_in),
        T(x20_a_job_is_waited_for),
        T(s1_counters_step_by_step),
    };
    return bp_run(tests);
}
