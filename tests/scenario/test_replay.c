/* Records of whole syncs, played again. */
#include "blockpool/record.h"
#include "lib/memory.h"
#include "lib/scene.h"

/* A sync with a fork, a silent peer and a peer that leaves. The record claims
   to be of `claimed`, or of the real config. */
static void record_a_sync(struct memory *m,
                          const struct bp_pool_config *claimed) {
    struct scene s;
    scene_prepare(&s, NULL);
    scene_chain(&s, 1, 1500, 7);
    scene_block(&s, 2000, 700, 12);
    scene_chain(&s, 2001, 2600, 12);
    assert_int_equal(bp_recorder_new(&s.recorder,
                                     claimed != NULL ? claimed : &s.cfg,
                                     memory_sink, m),
                     0);
    assert_int_equal(scene_make_pool(&s), 0);
    scene_join(&s, 1, 1500)->latency = 20;
    scene_join(&s, 2, 1200)->latency = 90;
    scene_run(&s, 200);
    scene_join(&s, 3, 2600)->latency = 35;
    scene_join(&s, 4, 2600)->silent = true;
    scene_run(&s, 300);
    scene_leave(&s, 2);
    scene_settle(&s, 600000);
    scene_expect_head(&s, 2600);
    assert_int_equal(bp_recorder_end(s.recorder), 0);
    s.recorder = NULL;
    scene_close(&s);
}

static struct bp_replay replay(struct memory *m,
                               const struct bp_pool_config *config) {
    struct bp_record *r;
    struct bp_replay out = { .config = config, .check = true };
    m->at = 0;
    assert_int_equal(bp_record_open(&r, NULL, memory_source, m), 0);
    assert_int_equal(bp_record_replay(r, &out), 0);
    bp_record_free(r);
    return out;
}

static void a_replay_gives_the_same_actions(void **state) {
    (void)state;
    struct memory m = { 0 };
    record_a_sync(&m, NULL);
    struct bp_replay r = replay(&m, NULL);
    assert_false(r.differs);
    assert_true(r.complete);
    assert_true(r.events > 20);
    assert_true(r.actions > 20);
    /* Cut anywhere, it replays as far as it goes. */
    size_t whole = m.n;
    m.n = whole * 2 / 3;
    r = replay(&m, NULL);
    assert_false(r.differs);
    assert_false(r.complete);
    free(m.p);
}

static void a_difference_is_found_where_it_is(void **state) {
    (void)state;
    struct memory m = { 0 };
    struct scene s;
    scene_prepare(&s, NULL);
    struct bp_pool_config other = s.cfg;
    other.alloc = NULL;
    other.trace = NULL;
    other.links_per_request = 64;
    assert_int_equal(scene_make_pool(&s), 0);
    scene_close(&s);
    record_a_sync(&m, &other);
    struct bp_replay r = replay(&m, NULL);
    assert_true(r.differs);
    assert_true(r.at_event < 3); /* the first request is of 64 links */
    /* With a config of one's own nothing is compared: what if? */
    struct bp_pool_config what_if = other;
    what_if.blocks_per_request = 8;
    r = replay(&m, &what_if);
    assert_false(r.differs);
    assert_true(r.complete);
    free(m.p);
}

static void count_event(void *user, const struct bp_event *e, bp_time now) {
    uint64_t *seen = user;
    (void)e;
    (void)now;
    seen[0]++;
}

static void count_action(void *user, const struct bp_action *a) {
    uint64_t *seen = user;
    (void)a;
    seen[1]++;
}

static void see_end(void *user, const struct bp_pool *pool) {
    uint64_t *seen = user;
    struct bp_pool_status st;
    bp_pool_status(pool, &st);
    seen[2] = st.head.number;
}

static void whoever_watches_sees_all_of_it(void **state) {
    (void)state;
    struct memory m = { 0 };
    struct bp_record *rec;
    uint64_t seen[3] = { 0 };
    struct bp_replay r = { .on_event = count_event,
                           .on_action = count_action,
                           .at_end = see_end,
                           .user = seen };
    record_a_sync(&m, NULL);
    assert_int_equal(bp_record_open(&rec, NULL, memory_source, &m), 0);
    assert_int_equal(bp_record_replay(rec, &r), 0);
    bp_record_free(rec);
    assert_int_equal(seen[0], r.events);
    assert_int_equal(seen[1], r.actions);
    assert_int_equal(seen[2], 1301); /* 700 and 601 of the fork */
    free(m.p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(a_replay_gives_the_same_actions),
        T(a_difference_is_found_where_it_is),
        T(whoever_watches_sees_all_of_it),
    };
    return bp_run(tests);
}
