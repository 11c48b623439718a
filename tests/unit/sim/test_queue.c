/* Virtual time: the order of happenings, and the memory of a world. */
#include "lib/test.h"

#include "queue.h"

static void earliest_first_and_ties_in_order(void **state) {
    (void)state;
    struct arena a = { 0 };
    struct queue q;
    struct bp_rng r;
    bp_rng_seed(&r, test_seed("sim/queue", 1));
    queue_init(&q, &a);
    assert_int_equal(queue_next_at(&q), BP_TIME_NEVER);
    for (uint32_t i = 0; i < 5000; i++)
        queue_put(&q, bp_rng_below(&r, 300), 0, i, NULL);
    bp_time at = 0;
    uint32_t who = 0;
    for (uint32_t i = 0; i < 5000; i++) {
        assert_true(queue_next_at(&q) >= at);
        struct happening h = queue_take(&q);
        if (h.at == at && i > 0) assert_true(h.who > who);
        at = h.at;
        who = h.who;
    }
    assert_int_equal(queue_next_at(&q), BP_TIME_NEVER);
    arena_free(&a);
}

static void arena_gives_zeroed_memory_again(void **state) {
    (void)state;
    struct arena a = { 0 };
    for (int turn = 0; turn < 3; turn++) {
        arena_reset(&a);
        for (size_t n = 1; n < 400000; n *= 3) {
            uint8_t *p = arena_take(&a, n);
            for (size_t i = 0; i < n; i++) assert_int_equal(p[i], 0);
            memset(p, 0xee, n);
        }
    }
    arena_free(&a);
}

static void heap_counts_and_fails_on_purpose(void **state) {
    (void)state;
    struct heap h;
    heap_init(&h, 3);
    void *p = bp_malloc(&h.iface, 100), *q = bp_malloc(&h.iface, 50);
    assert_int_equal(h.live, 150);
    bp_free(&h.iface, p, 100);
    assert_int_equal(h.live, 50);
    assert_int_equal(h.peak, 150);
    assert_false(h.broken);
    h.fail_pm = 1000;
    assert_null(bp_malloc(&h.iface, 8));
    assert_int_equal(h.failed, 1);
    bp_free(&h.iface, q, 49);
    assert_true(h.broken);
    h.fail_pm = 0;
    assert_non_null(bp_malloc(&h.iface, 8));
    heap_clear(&h);
    assert_int_equal(h.live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(earliest_first_and_ties_in_order),
        T(arena_gives_zeroed_memory_again),
        T(heap_counts_and_fails_on_purpose),
    };
    return bp_run(tests);
}
