#include "lib/test.h"

#include "lib/sealer.h"
#include "lib/vectors.h"
#include "node/conform.h"

static void say(void *user, const char *line) {
    size_t *lines = user;
    if (++*lines <= 20) printf("# %s\n", line);
}

/* Every published test of a file passes. */
static void run_file(const char *path, uint64_t tests, uint64_t state) {
    size_t n, lines = 0;
    uint8_t *text = test_read(need_data(path), &n);
    struct conform c = { test_sealer(), say, &lines, 0, 0, 0 };
    assert_int_equal(conform_run(&c, path, (bp_span){ text, n }), 0);
    free(text);
    assert_int_equal(c.failed, 0);
    assert_int_equal(c.passed, tests);
    assert_int_equal(c.skipped, state);
}

static void conform_pos_invalid(void **state) {
    (void)state;
    run_file("fixtures/pos-invalid.jsonl.gz", 291, 16);
}
static void conform_pos_transition(void **state) {
    (void)state;
    run_file("fixtures/pos-transition.jsonl.gz", 6, 0);
}
static void conform_pos_valid(void **state) {
    (void)state;
    run_file("fixtures/pos-valid.jsonl.gz", 986, 0);
}
static void conform_pow_invalid(void **state) {
    (void)state;
    run_file("fixtures/pow-invalid.jsonl.gz", 1100, 57);
}
static void conform_pow_transition(void **state) {
    (void)state;
    run_file("fixtures/pow-transition.jsonl.gz", 20, 4);
}
static void conform_pow_valid(void **state) {
    (void)state;
    run_file("fixtures/pow-valid.jsonl.gz", 1240, 0);
}

/* Tests of the compact form, as ethereum/tests publishes them: the same blocks
   under other keys, in one object a file. */
static json_t *published(const json_t *t) {
    json_t *blocks = json_array(), *b;
    size_t i;
    char genesis[4000];
    const char *header =
        json_string_value(json_object_get(t, "genesis_header"));
    uint8_t block[2000], raw[1500];
    size_t n = test_unhex(raw, sizeof raw, header);
    struct bp_rlp_w w = { block, sizeof block, 0 };
    struct bp_body none = bp_body_none(false);
    bp_block_put(&w, (bp_span){ raw, n }, &none);
    genesis[0] = '0';
    genesis[1] = 'x';
    bp_hex(genesis + 2, block, w.n);
    json_array_foreach(json_object_get(t, "blocks"), i, b) {
        char *rlp = NULL;
        assert_true(asprintf(&rlp, "0x%s",
                             json_string_value(json_object_get(b, "rlp"))) > 0);
        json_t *o = json_pack("{s:s}", "rlp", rlp);
        if (!json_is_true(json_object_get(b, "valid")))
            json_object_set_new(o, "expectException", json_string("Any"));
        json_array_append_new(blocks, o);
        free(rlp);
    }
    bool pow = json_is_true(json_object_get(t, "pow"));
    return json_pack("{s:s,s:s,s:s,s:o,s:s}", "genesisRLP", genesis, "network",
                     json_string_value(json_object_get(t, "network")),
                     "sealEngine", pow ? "Ethash" : "NoProof", "blocks", blocks,
                     "lastblockhash",
                     json_string_value(json_object_get(t, "last_hash")));
}

static json_t *all_published;
static size_t state_blocks;

static void add_published(const json_t *t) {
    char name[200];
    const json_t *b;
    size_t i;
    if (json_object_size(all_published) == 200) return;
    snprintf(name, sizeof name, "%s %zu",
             json_string_value(json_object_get(t, "name")),
             json_object_size(all_published));
    json_object_set_new(all_published, name, published(t));
    json_array_foreach(json_object_get(t, "blocks"), i, b) state_blocks +=
        json_is_true(json_object_get(b, "needs_state"));
}

static void conform_published_form(void **state) {
    (void)state;
    size_t lines = 0;
    all_published = json_object();
    vec_each("fixtures/pow-invalid.jsonl.gz", add_published);
    char *text = json_dumps(all_published, JSON_INDENT(1));
    struct conform c = { test_sealer(), say, &lines, 0, 0, 0 };
    bp_span in = { (uint8_t *)text, strlen(text) };
    assert_int_equal(conform_run(&c, "published.json", in), 0);
    assert_int_equal(c.failed, 0);
    assert_int_equal(c.passed, 200);
    assert_int_equal(c.skipped, state_blocks);
    assert_true(state_blocks > 0);
    free(text);
    json_decref(all_published);
}

/* ---- what does not conform --------------------------------------------- */

static char last_line[600];
static void keep(void *user, const char *line) {
    (void)user;
    snprintf(last_line, sizeof last_line, "%s", line);
}

static struct conform run_text(const char *text, int err) {
    struct conform c = { NULL, keep, NULL, 0, 0, 0 };
    bp_span in = { (const uint8_t *)text, strlen(text) };
    last_line[0] = '\0';
    assert_int_equal(conform_run(&c, "f.json", in), err);
    return c;
}

static void conform_says_what_is_wrong(void **state) {
    (void)state;
    run_text("", BP_ERR_FORMAT);
    assert_non_null(strstr(last_line, "f.json: line 1"));
    run_text("{}", BP_ERR_FORMAT);
    assert_string_equal(last_line, "f.json: line 1: no tests");
    run_text("{\"a\": {\"b\": 1}}", BP_ERR_FORMAT);
    assert_string_equal(last_line, "f.json: a test without blocks");
    run_text("{\"genesis_header\":\"\"}\n{", BP_ERR_FORMAT);
    assert_non_null(strstr(last_line, "f.json: line 2: "));
    struct conform c = run_text("{\"name\":\"x\",\"genesis_header\":\"c0\","
                                "\"network\":\"Nowhere\"}",
                                0);
    assert_int_equal(c.failed, 1);
    assert_non_null(strstr(last_line, "x: network Nowhere: "));
}

static json_t *first_test;
static void keep_first(const json_t *t) {
    if (first_test == NULL) first_test = json_deep_copy(t);
}

/* A test whose expectations are changed fails, with one line that says how. */
static void conform_fails_what_fails(void **state) {
    (void)state;
    vec_each("fixtures/pow-valid.jsonl.gz", keep_first);
    json_t *b = json_array_get(json_object_get(first_test, "blocks"), 0);
    json_object_set_new(b, "valid", json_false());
    json_object_set_new(b, "why", json_string("a reason"));
    char *text = json_dumps(first_test, JSON_COMPACT);
    struct conform c = run_text(text, 0);
    free(text);
    assert_int_equal(c.failed, 1);
    assert_int_equal(c.passed, 0);
    assert_non_null(strstr(last_line, "block 0: expected a reason, got valid"));
    json_object_set_new(b, "valid", json_true());
    json_object_set_new(first_test, "last_td", json_string("1"));
    text = json_dumps(first_test, JSON_COMPACT);
    c = run_text(text, 0);
    free(text);
    assert_int_equal(c.failed, 1);
    assert_non_null(strstr(last_line, "total difficulty: expected 1, got "));
    json_object_set_new(first_test, "last_hash", json_string("00"));
    text = json_dumps(first_test, JSON_COMPACT);
    run_text(text, 0);
    free(text);
    assert_non_null(strstr(last_line, "head: expected 00, got "));
    json_decref(first_test);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(conform_pos_invalid),      T(conform_pos_transition),
        T(conform_pos_valid),        T(conform_pow_invalid),
        T(conform_pow_transition),   T(conform_pow_valid),
        T(conform_published_form),   T(conform_says_what_is_wrong),
        T(conform_fails_what_fails),
    };
    return bp_run(tests);
}
