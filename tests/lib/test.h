/* test.h: what every test includes.

   cmocka stands behind it. A test file is

       static void rlp_refuses_leading_zero(void **state) { ... }
       int main(void) {
           const struct CMUnitTest tests[] = { T(rlp_refuses_leading_zero) };
           return bp_run(tests);
       }

   Real chains come from BLOCKPOOL_TEST_DATA, or ../shared/data beside the
   source; a test that wants them starts with need_data("chains/x.era1"),
   which skips it, saying so, when the file is not there. */
#ifndef BP_TESTS_LIB_TEST_H
#define BP_TESTS_LIB_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "blockpool/base.h"

#define T(name)       cmocka_unit_test(name)
#define bp_run(tests) cmocka_run_group_tests(tests, NULL, NULL)

/* The seed of this run: SEED= of the environment (decimal or 0x…), else one
   drawn from `fallback`; printed with the command that repeats it. Call it
   first in a randomised test. */
uint64_t test_seed(const char *test_name, uint64_t fallback);

/* Path of a file of the real data, or NULL when it is not there. The string
   lives until the next call. */
const char *test_data(const char *relative);
/* The same, but skips the running test, saying why. */
const char *need_data(const char *relative);

/* The whole file, NUL-terminated, to be freed with free(); fails the test
   when it cannot be read. gunzips when the name ends in .gz. */
uint8_t *test_read(const char *path, size_t *n);

/* A fresh directory under $TMPDIR, removed with test_rmdir. */
void test_mkdir(char out[256]);
void test_rmdir(const char *path);

/* Bytes from hexadecimal; fails the test when malformed. Returns the length. */
size_t test_unhex(uint8_t *out, size_t cap, const char *hex);

/* An allocator that counts, limits and fails on purpose. */
struct test_alloc {
    struct bp_alloc iface; /* hand &a.iface to the code under test */
    size_t calls, live_blocks, live_bytes, peak_bytes;
    size_t fail_at; /* 1-based number of the call that fails; 0: none */
    bool fail_on;   /* and every one after it */
};
void test_alloc_init(struct test_alloc *a);

#endif
