/* The last so many hashes: the oldest goes. */
#include "lib/test.h"
#include "pool/hashset.h"

static bp_hash hash_of(uint32_t i) {
    bp_hash h;
    struct bp_rng r;
    bp_rng_seed(&r, i);
    bp_rng_bytes(&r, h.b, sizeof h.b);
    return h;
}

static void the_oldest_is_forgotten(void **state) {
    (void)state;
    enum { MAX = 37 };
    struct test_alloc a;
    struct bp_hashset s;
    test_alloc_init(&a);
    struct bp_mem mem = { .alloc = &a.iface };
    assert_int_equal(bp_hashset_init(&s, &mem, MAX, 5), 0);
    for (uint32_t i = 0; i < 500; i++) {
        bp_hash h = hash_of(i);
        assert_int_equal(bp_hashset_find(&s, &h), BP_NIL);
        uint32_t at = bp_hashset_add(&s, &h);
        assert_int_equal(bp_hashset_find(&s, &h), at);
        for (uint32_t k = 0; k <= i; k++) {
            bp_hash old = hash_of(k);
            bool kept = i - k < MAX;
            assert_int_equal(bp_hashset_find(&s, &old) != BP_NIL, kept);
        }
    }
    assert_int_equal(s.n, MAX);
    bp_hash popped = bp_hashset_pop(&s);
    assert_int_equal(s.n, MAX - 1);
    assert_int_equal(bp_hashset_find(&s, &popped), BP_NIL);
    bp_hashset_clear(&s);
    assert_int_equal(s.n, 0);
    assert_true(mem.peak <= bp_hashset_bound(MAX));
    bp_hashset_free(&s);
    bp_hashset_free(&s);
    assert_int_equal(a.live_blocks, 0);
}

/* What was added twice is found until the second goes; what went in between,
   by age, from the front or all at once, leads nowhere. */
static void what_went_is_not_found(void **state) {
    (void)state;
    enum { MAX = 5 };
    struct test_alloc a;
    struct bp_hashset s;
    test_alloc_init(&a);
    struct bp_mem mem = { .alloc = &a.iface };
    assert_int_equal(bp_hashset_init(&s, &mem, MAX, 9), 0);
    uint32_t held[MAX], n = 0; /* oldest first */
    struct bp_rng rng;
    bp_rng_seed(&rng, test_seed("hashset", 1));
    for (int round = 0; round < 20000; round++) {
        uint64_t what = bp_rng_below(&rng, 64);
        if (what == 0) {
            bp_hashset_clear(&s);
            n = 0;
        } else if (what < 24 && n > 0) {
            bp_hash h = bp_hashset_pop(&s), old = hash_of(held[0]);
            assert_true(bp_hash_eq(&h, &old));
            memmove(held, held + 1, --n * sizeof *held);
        } else {
            uint32_t fresh = (uint32_t)bp_rng_below(&rng, 12);
            bp_hash h = hash_of(fresh);
            if (n == MAX) memmove(held, held + 1, --n * sizeof *held);
            held[n++] = fresh;
            uint32_t at = bp_hashset_add(&s, &h);
            assert_int_equal(bp_hashset_find(&s, &h), at);
        }
        assert_int_equal(s.n, n);
        for (uint32_t i = 0; i < 12; i++) {
            bool kept = false;
            for (uint32_t k = 0; k < n; k++) kept |= held[k] == i;
            bp_hash h = hash_of(i);
            assert_int_equal(bp_hashset_find(&s, &h) != BP_NIL, kept);
        }
    }
    bp_hashset_free(&s);
    assert_int_equal(a.live_blocks, 0);
}

static void no_memory_leaves_nothing(void **state) {
    (void)state;
    for (size_t fail = 1; fail <= 2; fail++) {
        struct test_alloc a;
        struct bp_hashset s;
        test_alloc_init(&a);
        a.fail_at = fail;
        struct bp_mem mem = { .alloc = &a.iface };
        assert_int_equal(bp_hashset_init(&s, &mem, 10, 5), BP_ERR_NOMEM);
        assert_int_equal(a.live_blocks, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(the_oldest_is_forgotten),
        T(what_went_is_not_found),
        T(no_memory_leaves_nothing),
    };
    return bp_run(tests);
}
