/* From hashes to numbers, against a plain model. */
#include "lib/test.h"
#include "pool/index.h"

static bp_hash hash_of(uint32_t i) {
    bp_hash h;
    struct bp_rng r;
    bp_rng_seed(&r, i);
    bp_rng_bytes(&r, h.b, sizeof h.b);
    return h;
}

static bool has(const struct bp_index *ix, const bp_hash *h, uint32_t number) {
    struct bp_probe p = bp_index_begin(ix, h);
    for (;;) {
        uint32_t at = bp_index_next(ix, &p);
        if (at == BP_NIL) return false;
        if (at == number) return true;
    }
}

static void what_is_added_is_found_until_removed(void **state) {
    (void)state;
    enum { MAX = 3000 };
    static bool in[MAX];
    struct test_alloc a;
    struct bp_index ix;
    struct bp_rng r;
    uint32_t n = 0;
    test_alloc_init(&a);
    struct bp_mem mem = { .alloc = &a.iface };
    bp_rng_seed(&r, test_seed("what_is_added_is_found", 0x1d));
    assert_int_equal(bp_index_init(&ix, &mem, MAX, 42), 0);
    for (int step = 0; step < 40000; step++) {
        uint32_t i = (uint32_t)bp_rng_below(&r, MAX);
        /* Two numbers share a hash. */
        bp_hash h = hash_of(i / 2);
        assert_int_equal(has(&ix, &h, i), in[i]);
        if (in[i]) {
            bp_index_remove(&ix, &h, i);
            n--;
        } else {
            assert_true(bp_index_add(&ix, &h, i));
            n++;
        }
        in[i] = !in[i];
        assert_int_equal(ix.n, n);
    }
    for (uint32_t i = 0; i < MAX; i++) {
        bp_hash h = hash_of(i / 2);
        assert_int_equal(has(&ix, &h, i), in[i]);
    }
    assert_true(mem.peak <= bp_index_bound(MAX));
    bp_index_free(&ix);
    assert_int_equal(a.live_blocks, 0);
}

static void it_is_full_at_its_limit(void **state) {
    (void)state;
    struct bp_mem mem = { .alloc = NULL };
    struct bp_index ix;
    assert_int_equal(bp_index_init(&ix, &mem, 100, 7), 0);
    for (uint32_t i = 0; i < 100; i++) {
        bp_hash h = hash_of(i);
        assert_true(bp_index_add(&ix, &h, i));
    }
    bp_hash more = hash_of(100);
    assert_false(bp_index_add(&ix, &more, 100));
    assert_false(has(&ix, &more, 100));
    bp_index_free(&ix);
}

/* Hashes alike but for a byte, which whoever chooses hashes can send, spread
   as well as others: the longest walk stays short under any secret. */
static void chosen_hashes_do_not_crowd(void **state) {
    (void)state;
    enum { MAX = 20000 };
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct bp_mem mem = { .alloc = NULL };
        struct bp_index ix;
        uint32_t longest = 0;
        assert_int_equal(bp_index_init(&ix, &mem, MAX, seed), 0);
        for (uint32_t i = 0; i < MAX; i++) {
            bp_hash h = { { 0 } };
            memcpy(h.b + 24, &i, sizeof i);
            assert_true(bp_index_add(&ix, &h, i));
        }
        for (uint32_t at = 0, run = 0; at < ix.cap; at++) {
            run = ix.cell[at] != 0 ? run + 1 : 0;
            if (run > longest) longest = run;
        }
        assert_true(longest < 400);
        bp_index_free(&ix);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(what_is_added_is_found_until_removed),
        T(it_is_full_at_its_limit),
        T(chosen_hashes_do_not_crowd),
    };
    return bp_run(tests);
}
