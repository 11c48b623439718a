/* test_cpu: the variable, and what it changes. */
#include "lib/test.h"

#include "node/cpu.h"

static int from(const char *variable) {
    char text[64], why[128] = "", before[] = "BLOCKPOOL_CPUS=9", after[] = "";
    char *env[] = { before, text, after, NULL };
    snprintf(text, sizeof text, "%s", variable);
    int err = cpu_from_env(env, why, sizeof why);
    assert_int_equal(err != 0, why[0] != '\0');
    if (err != 0) assert_non_null(strstr(why, "BLOCKPOOL_CPU"));
    return err;
}

static void names_a_level(void **state) {
    (void)state;
    assert_int_equal(from("BLOCKPOOL_CPU=portable"), 0);
    assert_int_equal(bp_cpu_used(), BP_CPU_PORTABLE);
    assert_int_equal(from("BLOCKPOOL_CPU=avx512"), 0);
    assert_int_equal(bp_cpu_used(), bp_cpu_detect());
    assert_int_equal(from("BLOCKPOOL_CPU=portable"), 0);
    assert_int_equal(from("HOME=/"), 0); /* none: the best */
    assert_int_equal(bp_cpu_used(), bp_cpu_detect());
}

static void refuses_what_is_none(void **state) {
    (void)state;
    assert_int_equal(from("BLOCKPOOL_CPU=portable"), 0);
    assert_int_equal(from("BLOCKPOOL_CPU="), BP_ERR_FORMAT);
    assert_int_equal(from("BLOCKPOOL_CPU=avx"), BP_ERR_FORMAT);
    assert_int_equal(from("BLOCKPOOL_CPU=AVX2"), BP_ERR_FORMAT);
    assert_int_equal(bp_cpu_used(), BP_CPU_PORTABLE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(names_a_level),
        T(refuses_what_is_none),
    };
    return bp_run(tests);
}
