/* Insertions of blocks that no check has seen. */
#include "node/insert.h"

#include "blockpool/import.h"
#include "blockpool/keccak.h"
#include "blockpool/spec.h"
#include "lib/test.h"
#include "node/clock.h"

static struct bp_spec *spec;
static struct bp_store *store;
static struct verify *ctx;

static int setup(void **state) {
    (void)state;
    if (bp_spec_builtin(&spec, "dev", NULL) != 0) return -1;
    struct bp_store_chain chain = bp_import_chain(spec);
    if (bp_store_mem_new(&store, NULL, &chain) != 0) return -1;
    struct node_config cfg = { .spec = spec,
                               .store = store,
                               .verify = NODE_VERIFY_NONE };
    return verify_new(&ctx, &cfg);
}

static int teardown(void **state) {
    (void)state;
    verify_free(ctx);
    bp_store_close(store);
    bp_spec_free(spec);
    return 0;
}

struct made {
    struct bp_header h;
    uint8_t raw[BP_HEADER_BYTES_MAX];
    bp_span rlp;
    bp_hash hash;
};

/* An empty block that obeys the rules, with this time and gas used. */
static void make(struct made *m, const struct bp_header *parent,
                 const bp_hash *parent_hash, uint64_t time, uint64_t gas_used) {
    struct bp_rlp_w w = { .p = m->raw, .cap = sizeof m->raw };
    m->h = *parent;
    m->h.number++;
    m->h.time = time;
    m->h.parent_hash = *parent_hash;
    m->h.extra = (bp_span){ 0 };
    m->h.gas_used = gas_used;
    bp_difficulty(&m->h.difficulty, spec, m->h.number, time, parent);
    bp_base_fee(&m->h.base_fee, spec, parent);
    bp_header_put(&w, &m->h);
    assert_int_equal(bp_rlp_done(&w), 0);
    m->rlp = (bp_span){ m->raw, w.n };
    bp_keccak256(&m->hash, m->rlp);
}

static struct bp_verdict insert(const struct made *m) {
    struct insert_keep keep = { .has_tip = false };
    struct insert_job *j = insert_new(1);
    assert_non_null(j);
    j->ctx = ctx;
    j->keep = &keep;
    j->parent_hash = m->h.parent_hash;
    j->first_number = m->h.number;
    j->blocks[0].header = m->rlp;
    j->blocks[0].hash = m->hash;
    insert_run(&j->job);
    struct bp_verdict verdict = j->verdict;
    if (verdict.kind == BP_VERDICT_OK) assert_true(j->has_head);
    insert_free(j);
    return verdict;
}

static struct bp_verdict insert_one(uint64_t time, uint64_t gas_used) {
    struct made m;
    make(&m, &spec->genesis, &spec->genesis_hash, time, gas_used);
    return insert(&m);
}

/* The store may have headers alone: where they say that there are no uncles,
   nothing is missing of the generations before. */
static void ancestors_need_no_empty_bodies(void **state) {
    (void)state;
    struct made a, b;
    make(&a, &spec->genesis, &spec->genesis_hash, spec->genesis.time + 20, 0);
    make(&b, &a.h, &a.hash, a.h.time + 13, 0);
    struct bp_store_block row = { .hash = a.hash,
                                  .parent = spec->genesis_hash,
                                  .number = 1,
                                  .difficulty = a.h.difficulty,
                                  .header = a.rlp };
    struct bp_store_batch batch = { &row, 1, NULL };
    assert_int_equal(bp_store_write(store, NULL, &batch, NULL), 0);
    struct bp_verdict v = insert(&b);
    assert_int_equal(v.kind, BP_VERDICT_OK);
    assert_int_equal(v.n, 1);
}

static void a_good_block_is_stored(void **state) {
    (void)state;
    struct bp_verdict v = insert_one(spec->genesis.time + 13, 0);
    assert_int_equal(v.kind, BP_VERDICT_OK);
    assert_int_equal(v.n, 1);
}

static void a_broken_rule_is_the_links(void **state) {
    (void)state;
    struct bp_verdict v = insert_one(spec->genesis.time + 13, 1);
    assert_int_equal(v.kind, BP_VERDICT_INVALID);
    assert_int_equal(v.part, BP_PART_LINK);
    assert_int_equal(v.code, BP_ERR_RULE_EMPTY_BLOCK);
}

/* Our clock may be slow: nobody is blamed for a time it has not reached. */
static void a_block_of_the_future_waits(void **state) {
    (void)state;
    uint64_t now_s = clock_wall_ms() / 1000;
    bp_time before = clock_mono_ms();
    struct bp_verdict v = insert_one(now_s + 7200, 0);
    assert_int_equal(v.kind, BP_VERDICT_LATER);
    assert_int_equal(v.n, 0);
    assert_true(v.not_before > before + 3600 * 1000);
    v = insert_one(UINT64_MAX, 0);
    assert_int_equal(v.kind, BP_VERDICT_LATER);
    assert_true(v.not_before == BP_TIME_NEVER);
}

/* A time chosen so that its milliseconds overflow to about now would be checked
   again and again, as fast as we can. */
static void times_do_not_wrap(void **state) {
    (void)state;
    const uint64_t wall_ms = 1700000000250, mono = 5000;
    assert_int_equal(verify_due(1700000000, mono, wall_ms), mono);
    assert_int_equal(verify_due(1, mono, wall_ms), mono);
    assert_int_equal(verify_due(1700000001, mono, wall_ms), mono + 1000);
    assert_int_equal(verify_due(1700003600, mono, wall_ms), mono + 3600000);
    uint64_t wraps = UINT64_MAX / 1000 + wall_ms / 1000 + 1;
    assert_true(verify_due(wraps, mono, wall_ms) == BP_TIME_NEVER);
    assert_true(verify_due(wraps - 1, mono, wall_ms) == BP_TIME_NEVER);
    assert_true(verify_due(UINT64_MAX, mono, wall_ms) == BP_TIME_NEVER);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(a_broken_rule_is_the_links), T(a_block_of_the_future_waits),
        T(a_good_block_is_stored),     T(ancestors_need_no_empty_bodies),
        T(times_do_not_wrap),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
