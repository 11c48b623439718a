#include "lib/test.h"

#include "lib/sealer.h"
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

int main(void) {
    const struct CMUnitTest tests[] = {
        T(conform_pos_invalid), T(conform_pos_transition), T(conform_pos_valid),
        T(conform_pow_invalid), T(conform_pow_transition), T(conform_pow_valid),
    };
    return bp_run(tests);
}
