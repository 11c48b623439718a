/* Records with stable numbers, against a plain model. */
#include "lib/test.h"
#include "pool/table.h"

struct record {
    struct bp_cell cell;
    uint64_t value;
};

static void numbers_and_pointers_stay(void **state) {
    (void)state;
    enum { MAX = 1000 };
    struct test_alloc a;
    struct bp_table t;
    static uint32_t id[MAX];
    static struct record *at[MAX];
    static uint64_t value[MAX];
    struct bp_rng r;
    size_t n = 0;
    test_alloc_init(&a);
    struct bp_mem mem = { .alloc = &a.iface };
    bp_rng_seed(&r, test_seed("numbers_and_pointers_stay", 0x7ab1e));
    assert_int_equal(bp_table_init(&t, &mem, sizeof(struct record), 4, MAX), 0);
    for (int step = 0; step < 20000; step++) {
        if (n > 0 && bp_rng_below(&r, 2) == 0) {
            size_t k = bp_rng_below(&r, n);
            bp_table_give(&t, id[k]);
            assert_null(bp_table_get(&t, id[k]));
            n--;
            id[k] = id[n];
            at[k] = at[n];
            value[k] = value[n];
        } else {
            uint32_t fresh = bp_table_take(&t);
            assert_int_equal(fresh == BP_NIL, n == MAX);
            if (fresh == BP_NIL) continue;
            id[n] = fresh;
            at[n] = bp_table_get(&t, fresh);
            assert_non_null(at[n]);
            assert_int_equal(at[n]->value, 0); /* zeroed */
            value[n] = at[n]->value = bp_rng_next(&r);
            n++;
        }
        assert_int_equal(t.n, n);
    }
    for (size_t k = 0; k < n; k++) {
        assert_ptr_equal(bp_table_get(&t, id[k]), at[k]);
        assert_int_equal(at[k]->value, value[k]);
    }
    assert_int_equal(mem.bytes, a.live_bytes);
    assert_true(mem.peak <= bp_table_bound(sizeof(struct record), 4, MAX));
    bp_table_free(&t);
    assert_int_equal(mem.bytes, 0);
    assert_int_equal(a.live_blocks, 0);
}

static void the_limit_is_exact(void **state) {
    (void)state;
    struct bp_mem mem = { .alloc = NULL };
    struct bp_table t;
    assert_int_equal(bp_table_init(&t, &mem, sizeof(struct record), 3, 20), 0);
    for (int i = 0; i < 20; i++)
        assert_int_not_equal(bp_table_take(&t), BP_NIL);
    assert_int_equal(bp_table_take(&t), BP_NIL);
    bp_table_give(&t, 7);
    assert_int_equal(bp_table_take(&t), 7);
    assert_null(bp_table_get(&t, 12345));
    bp_table_free(&t);
}

static void a_failed_allocation_is_a_full_table(void **state) {
    (void)state;
    for (size_t fail = 1; fail < 6; fail++) {
        struct test_alloc a;
        struct bp_table t;
        test_alloc_init(&a);
        a.fail_at = fail;
        struct bp_mem mem = { .alloc = &a.iface };
        if (bp_table_init(&t, &mem, sizeof(struct record), 2, 40) != 0) {
            assert_int_equal(a.live_blocks, 0);
            continue;
        }
        uint32_t refused = 0;
        for (int i = 0; i < 50; i++) refused += bp_table_take(&t) == BP_NIL;
        assert_true(refused >= 10); /* ten beyond the limit, and the failure */
        bp_table_free(&t);
        assert_int_equal(a.live_blocks, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(numbers_and_pointers_stay),
        T(the_limit_is_exact),
        T(a_failed_allocation_is_a_full_table),
    };
    return bp_run(tests);
}
