/* A world guessed from a record: its blocks, its peers, and about its time. */
#include "lib/test.h"

#include "model.h"
#include "recorder.h"

static size_t from_file(void *user, void *buf, size_t cap) {
    return fread(buf, 1, cap, user);
}

/* Runs a scenario with a record, and makes a world of the record. */
static void model_of(const char *text, struct world *w, struct arena *a,
                     struct model_facts *m, struct result *was) {
    char dir[256], path[300], error[256];
    struct arena run = { 0 };
    struct world true_world;
    struct bp_record *record = NULL;
    test_mkdir(dir);
    snprintf(path, sizeof path, "%s/run", dir);
    struct recorder rec = { .path = path };
    struct sim_options opt = { .record = &rec };
    if (world_read(&true_world, a, text, KIND_IDS, error) != 0)
        fail_msg("%s", error);
    sim_run(was, &true_world, &run, &opt);
    if (was->failed) fail_msg("%s", was->text);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(bp_record_open(&record, NULL, from_file, f), 0);
    assert_int_equal(model_world(w, a, record, m), 0);
    bp_record_free(record);
    fclose(f);
    arena_free(&run);
    test_rmdir(dir);
}

static const char text[] =
    "drawn\npool blocks_per_request=8\nhost check_us=300 insert_us=900\n"
    "blocks 0..150 difficulty 50~9 size 700~90 empty 10\n"
    "blocks 151..160 parent 149 difficulty 300\n"
    "blocks 161 parent 160 difficulty 300 flaw rule\n"
    "peer 1 links head 150 join=0 latency=30 bandwidth=200000 steady=1\n"
    "peer 2 bare head 100 join=5 latency=80 steady=1\n"
    "peer 3 plain hostile head 161 join=10 latency=9 does doomed\n";

static void a_model_is_like_its_world(void **state) {
    (void)state;
    struct arena a = { 0 }, run = { 0 };
    struct world w;
    struct model_facts m;
    struct result was, now;
    model_of(text, &w, &a, &m, &was);
    assert_int_equal(m.left_out, 0);
    assert_in_range(m.blocks, 150, 161);
    assert_int_equal(m.peers, 3);
    assert_int_equal(world_hostile(&w), 1);
    assert_true(w.peer[2].hostile);
    assert_int_equal(w.peer[1].caps, BP_CAP_HASHES | BP_CAP_BLOCKS);
    assert_in_range(w.peer[0].latency, 29, 45);
    assert_in_range(w.peer[1].latency, 79, 95);
    uint32_t flawed = 0;
    for (uint32_t i = 0; i < w.runs; i++) flawed += w.run[i].flaw != FLAW_NONE;
    assert_int_equal(flawed, 1);
    sim_run(&now, &w, &run, &(struct sim_options){ .patient = true });
    if (now.failed) fail_msg("%s", now.text);
    assert_int_equal(now.status.head.number, was.status.head.number);
    assert_in_range(now.done_at, was.done_at / 3, was.done_at * 3);
    arena_free(&a);
    arena_free(&run);
}

/* Its numbers begin where our chain ended; what is below is nobody's. */
static void a_model_begins_at_our_head(void **state) {
    (void)state;
    static const char held[] = "drawn\nblocks 0..90\nchain 0..40\n"
                               "peer 1 links head 90 join=0 steady=1\n";
    struct arena a = { 0 };
    struct world w;
    struct model_facts m;
    struct result was;
    model_of(held, &w, &a, &m, &was);
    assert_int_equal(m.blocks, 50);
    assert_int_equal(w.peer[0].head, 50);
    arena_free(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(a_model_is_like_its_world),
        T(a_model_begins_at_our_head),
    };
    return bp_run(tests);
}
