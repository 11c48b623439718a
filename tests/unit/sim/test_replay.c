/* Records of worlds: the same actions again, for every run of a world that
   crashes, and another configuration that is another run. */
#include "lib/test.h"

#include <unistd.h>

#include "recorder.h"

static size_t from_file(void *user, void *buf, size_t cap) {
    return fread(buf, 1, cap, user);
}

static void replay_file(const char *path, struct bp_replay *r) {
    FILE *f = fopen(path, "rb");
    struct bp_record *record = NULL;
    assert_non_null(f);
    assert_int_equal(bp_record_open(&record, NULL, from_file, f), 0);
    assert_int_equal(bp_record_replay(record, r), 0);
    bp_record_free(record);
    fclose(f);
}

static void worlds_replay_byte_for_byte(void **state) {
    (void)state;
    char dir[256], path[300], other[320];
    uint32_t crashed = 0;
    test_mkdir(dir);
    snprintf(path, sizeof path, "%s/world", dir);
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct arena a = { 0 }, run = { 0 };
        struct world w;
        struct result r;
        struct recorder rec = { .path = path };
        struct sim_options opt = { .record = &rec };
        world_draw(&w, &a, seed, 0);
        w.host.alloc_fail_pm = 0; /* a replay has all its memory */
        sim_run(&r, &w, &run, &opt);
        assert_false(rec.failed);
        crashed += rec.runs > 1;
        for (uint32_t i = 1; i <= rec.runs && !r.failed; i++) {
            struct bp_replay p = { 0 };
            snprintf(other, sizeof other, i == 1 ? "%s" : "%s.%u", path, i);
            replay_file(other, &p);
            if (p.differs)
                fail_msg("seed %d: differs at event %d", (int)seed,
                         (int)p.at_event);
            assert_true(p.complete);
            assert_true(p.events > 0 || i > 1);
        }
        arena_free(&a);
        arena_free(&run);
    }
    assert_true(crashed > 0);
    test_rmdir(dir);
}

static void another_configuration_is_another_run(void **state) {
    (void)state;
    static const char text[] = "blocks 0..200\nlimit 20000\n"
                               "peer 1 links head 200 join=0 latency=10\n";
    char dir[256], path[300], beside[320], error[256];
    struct arena a = { 0 }, run = { 0 };
    struct world w;
    struct result r;
    test_mkdir(dir);
    snprintf(path, sizeof path, "%s/world", dir);
    struct recorder rec = { .path = path };
    struct sim_options opt = { .record = &rec };
    assert_int_equal(world_read(&w, &a, text, KIND_IDS, error), 0);
    sim_run(&r, &w, &run, &opt);
    assert_int_equal(recorder_world(&rec, &w), 0);
    snprintf(beside, sizeof beside, "%s.scn", path);
    assert_int_equal(access(beside, R_OK), 0);
    struct bp_pool_config narrow = { .genesis = { { 1 } },
                                     .links_per_request = 7 };
    struct bp_replay same = { 0 }, what_if = { .config = &narrow };
    replay_file(path, &same);
    replay_file(path, &what_if);
    assert_false(same.differs);
    assert_true(same.actions != what_if.actions);
    arena_free(&a);
    arena_free(&run);
    test_rmdir(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(worlds_replay_byte_for_byte),
        T(another_configuration_is_another_run),
    };
    return bp_run(tests);
}
