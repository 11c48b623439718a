/* test_queue: what goes in comes out, and pieces never move. */
#include "lib/test.h"
#include "rlpx/queue.h"

static void in_and_out_at_random(void **state) {
    (void)state;
    struct bp_rng r;
    struct test_alloc a;
    bp_rng_seed(&r, test_seed("in_and_out_at_random", 0x9e));
    test_alloc_init(&a);
    struct bp_queue q = { .alloc = &a.iface };
    uint8_t in = 0, out = 0; /* the next byte of either side */
    size_t n = 0;
    for (int i = 0; i < 20000; i++) {
        if (bp_rng_below(&r, 2) == 0) {
            uint8_t *p;
            size_t room = 1 + bp_rng_below(&r, i % 100 == 0 ? 40000 : 900);
            size_t used = 1 + bp_rng_below(&r, room);
            if (bp_queue_reserve(&p, &q, room, 200000) != 0) continue;
            for (size_t k = 0; k < used; k++) p[k] = in++;
            bp_queue_commit(&q, used);
            n += used;
        } else {
            bp_span front = bp_queue_front(&q);
            assert_int_equal(front.n == 0, n == 0);
            if (front.n == 0) continue;
            size_t take = 1 + bp_rng_below(&r, front.n);
            for (size_t k = 0; k < take; k++)
                assert_int_equal(front.p[k], out++);
            bp_queue_take(&q, take);
            n -= take;
        }
        assert_int_equal(q.n, n);
        assert_true(q.held <= 200000);
        assert_int_equal(a.live_bytes, q.held);
    }
    bp_queue_done(&q);
    assert_int_equal(a.live_blocks, 0);
}

static void front_stays_while_more_comes(void **state) {
    (void)state;
    struct bp_queue q = { .alloc = NULL };
    uint8_t *p;
    assert_int_equal(bp_queue_reserve(&p, &q, 3, SIZE_MAX), 0);
    memcpy(p, "abc", 3);
    bp_queue_commit(&q, 3);
    bp_span front = bp_queue_front(&q);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(bp_queue_reserve(&p, &q, 1000, SIZE_MAX), 0);
        memset(p, 'z', 1000);
        bp_queue_commit(&q, 1000);
    }
    assert_memory_equal(front.p, "abc", 3);
    assert_ptr_equal(bp_queue_front(&q).p, front.p);
    bp_queue_done(&q);
}

static void full_and_no_memory(void **state) {
    (void)state;
    struct test_alloc a;
    uint8_t *p;
    test_alloc_init(&a);
    struct bp_queue q = { .alloc = &a.iface };
    assert_int_equal(bp_queue_reserve(&p, &q, 1, 1000), BP_ERR_RLPX_FULL);
    assert_int_equal(bp_queue_reserve(&p, &q, SIZE_MAX - 8, SIZE_MAX),
                     BP_ERR_RLPX_FULL);
    a.fail_at = a.calls + 1;
    assert_int_equal(bp_queue_reserve(&p, &q, 1, 100000), BP_ERR_NOMEM);
    assert_int_equal(bp_queue_front(&q).n, 0);
    assert_int_equal(bp_queue_reserve(&p, &q, 20000, 40000), 0);
    bp_queue_commit(&q, 20000);
    assert_int_equal(bp_queue_reserve(&p, &q, 20000, 40000), BP_ERR_RLPX_FULL);
    bp_queue_take(&q, 20000); /* a large piece goes at once */
    assert_int_equal(a.live_bytes, 0);
    assert_int_equal(bp_queue_reserve(&p, &q, 20000, 40000), 0);
    bp_queue_commit(&q, 1);
    bp_queue_done(&q);
    assert_int_equal(a.live_blocks, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(in_and_out_at_random),
        T(front_stays_while_more_comes),
        T(full_and_no_memory),
    };
    return bp_run(tests);
}
