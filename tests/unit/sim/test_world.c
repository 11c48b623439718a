/* Worlds: what is drawn, that the same world runs the same way, and that a
   printed world is the same world. */
#include "lib/test.h"

#include "sim.h"

static void drawn_worlds_keep_the_stated_sizes(void **state) {
    (void)state;
    struct arena a = { 0 };
    uint64_t from = test_seed("sim/world", 1000);
    uint32_t hostile = 0, blocks_sum = 0, n = 400;
    for (uint32_t i = 0; i < n; i++) {
        struct world w;
        arena_reset(&a);
        world_draw(&w, &a, from + i, 0);
        uint32_t blocks = 0, steady = 0;
        for (uint32_t k = 0; k < w.runs; k++)
            blocks += w.run[k].last - w.run[k].first + 1;
        for (uint32_t k = 0; k < w.peers; k++) {
            steady += w.peer[k].steady && !w.peer[k].hostile;
            assert_true(w.peer[k].hostile || w.peer[k].deeds == 0);
        }
        assert_in_range(blocks, 128, 512);
        assert_in_range(w.peers, 3, 12);
        assert_true(steady > 0);
        hostile += world_hostile(&w) > 0;
        blocks_sum += blocks;
    }
    assert_in_range(hostile, n * 65 / 100, n * 87 / 100);
    assert_in_range(blocks_sum / n, 180, 460);
    arena_free(&a);
}

static void the_same_world_runs_the_same_way(void **state) {
    (void)state;
    struct arena a = { 0 }, run = { 0 };
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct world w;
        struct result one, two;
        arena_reset(&a);
        world_draw(&w, &a, seed, 0);
        sim_run(&one, &w, &run, NULL);
        sim_run(&two, &w, &run, NULL);
        assert_true(one.steps > 0);
        assert_true(one.hash == two.hash);
        assert_int_equal(one.steps, two.steps);
        assert_int_equal(one.end, two.end);
        assert_memory_equal(&one.cover, &two.cover, sizeof one.cover);
    }
    arena_free(&a);
    arena_free(&run);
}

static void other_seeds_run_another_way(void **state) {
    (void)state;
    struct arena a = { 0 }, run = { 0 };
    struct world w;
    struct result one, two;
    world_draw(&w, &a, 3, 0);
    sim_run(&one, &w, &run, NULL);
    world_draw(&w, &a, 4, 0);
    sim_run(&two, &w, &run, NULL);
    assert_true(one.hash != two.hash);
    arena_free(&a);
    arena_free(&run);
}

/* What is printed reads back, prints the same and runs the same. */
static void a_printed_world_is_the_same_world(void **state) {
    (void)state;
    struct arena a = { 0 }, b = { 0 }, run = { 0 };
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct world w, back;
        struct result one, two;
        struct sink text = { 0 }, again = { 0 };
        char error[256];
        arena_reset(&a);
        arena_reset(&b);
        world_draw(&w, &a, seed, 0);
        world_print(&w, &text);
        if (world_read(&back, &b, text.text, KIND_IDS, error) != 0)
            fail_msg("seed %d: %s", (int)seed, error);
        world_print(&back, &again);
        assert_string_equal(text.text, again.text);
        sim_run(&one, &w, &run, NULL);
        sim_run(&two, &back, &run, NULL);
        assert_true(one.hash == two.hash);
        sink_free(&text);
        sink_free(&again);
    }
    arena_free(&a);
    arena_free(&b);
    arena_free(&run);
}

/* The rules of 2015 are another engine behind the same world. */
static void the_2015_rules_sync_a_simple_world(void **state) {
    (void)state;
    static const char text[] = "blocks 0..20\n"
                               "peer 1 head 20 join=0 latency=10\n"
                               "limit 60000\n"
                               "expect chain 0..20\n";
    for (uint32_t kind = KIND_IDS; kind <= KIND_BARE; kind *= 2) {
        struct arena a = { 0 }, run = { 0 };
        struct world w;
        struct result r;
        char error[256];
        struct sim_options opt = { .engine = &engine_2015 };
        assert_int_equal(world_read(&w, &a, text, kind, error), 0);
        sim_run(&r, &w, &run, &opt);
        if (r.failed) fail_msg("%s: %s", r.kind, r.text);
        arena_free(&a);
        arena_free(&run);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(drawn_worlds_keep_the_stated_sizes),
        T(the_same_world_runs_the_same_way),
        T(other_seeds_run_another_way),
        T(a_printed_world_is_the_same_world),
        T(the_2015_rules_sync_a_simple_world),
    };
    return bp_run(tests);
}
