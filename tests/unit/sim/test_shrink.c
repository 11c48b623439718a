/* The shrinker keeps the failure, and makes the world smaller. */
#include "lib/test.h"

#include "campaign.h"

static uint32_t blocks_of(const struct world *w) {
    uint32_t n = 0;
    for (uint32_t k = 0; k < w->runs; k++)
        n += w->run[k].last - w->run[k].first + 1;
    return n;
}

static void a_failing_world_gets_small(void **state) {
    (void)state;
    /* The expectation fails whatever else is in the world. */
    static const char text[] =
        "seed 5\nlimit 20000\nblocks 0..300\nblocks 301..350 parent 40\n"
        "peer 1 links head 300 join=0 latency=20\n"
        "peer 2 links head 350 join=50 latency=90 jitter=4\n"
        "peer 3 links hostile head 200 join=9 does drip, gap\n"
        "expect best 9\n";
    struct arena a = { 0 }, keep = { 0 }, scratch = { 0 };
    struct world w, small;
    struct result r;
    char error[256];
    if (world_read(&w, &a, text, KIND_IDS, error) != 0) fail_msg("%s", error);
    sim_run(&r, &w, &scratch, NULL);
    assert_true(r.failed);
    world_shrink(&small, &w, &keep, &scratch, NULL, 1000000);
    sim_run(&r, &small, &scratch, NULL);
    assert_true(r.failed);
    assert_string_equal(r.kind, "expect");
    assert_int_equal(small.peers, 0);
    assert_int_equal(blocks_of(&small), 1);
    arena_free(&a);
    arena_free(&keep);
    arena_free(&scratch);
}

static void a_good_world_is_left_alone(void **state) {
    (void)state;
    static const char text[] = "blocks 0..9\nlimit 9000\n"
                               "peer 1 links head 9 join=0\n"
                               "expect chain 0..9\n";
    struct arena a = { 0 }, keep = { 0 }, scratch = { 0 };
    struct world w, small;
    char error[256];
    if (world_read(&w, &a, text, KIND_IDS, error) != 0) fail_msg("%s", error);
    world_shrink(&small, &w, &keep, &scratch, NULL, 1000000);
    assert_int_equal(blocks_of(&small), 10);
    assert_int_equal(small.peers, 1);
    arena_free(&a);
    arena_free(&keep);
    arena_free(&scratch);
}

/* What is needed for the failure stays: here, the one peer that is best. */
static void what_matters_stays(void **state) {
    (void)state;
    static const char text[] = "seed 5\nlimit 20000\nblocks 0..60\n"
                               "peer 1 links head 60 join=0 latency=20\n"
                               "peer 2 links head 10 join=0 latency=90\n"
                               "expect requests_blocks = 0\n";
    struct arena a = { 0 }, keep = { 0 }, scratch = { 0 };
    struct world w, small;
    char error[256];
    if (world_read(&w, &a, text, KIND_IDS, error) != 0) fail_msg("%s", error);
    world_shrink(&small, &w, &keep, &scratch, NULL, 1000000);
    assert_int_equal(small.peers, 1);
    assert_true(blocks_of(&small) >= 2 && blocks_of(&small) < 61);
    arena_free(&a);
    arena_free(&keep);
    arena_free(&scratch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(a_failing_world_gets_small),
        T(a_good_world_is_left_alone),
        T(what_matters_stays),
    };
    return bp_run(tests);
}
