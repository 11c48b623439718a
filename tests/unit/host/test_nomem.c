/* test_nomem: every allocation of a host fails in turn. */
#include "lib/hostscene.h"

static struct hs s;

/* Every allocation fails in turn: a start says so, anything else goes on, and
   comes to its end. */
static size_t short_run(size_t fail_at) {
    hs_open(&s, 5);
    s.alloc.fail_at = fail_at;
    s.cfg.request_first_ms = s.cfg.request_min_ms = 20;
    s.cfg.request_max_ms = 40;
    struct hs_peer *a = hs_peer(&s, 'a');
    a->hash_cap = 2;
    static const struct bp_host_chain none;
    struct bp_host *h;
    if (fail_at != 0 && fail_at <= 2) {
        assert_int_equal(bp_host_new(&h, &none, &s.cfg), BP_ERR_NOMEM);
        assert_null(h);
        hs_close(&s);
        return 0;
    }
    if (!hs_try_start(&s)) {
        hs_close(&s);
        return 0;
    }
    hs_join(a, 5);
    hs_send(a, 4);
    for (int tries = 0; tries < 2000 && !hs_in_chain(&s, 5); tries++) {
        bp_host_wait(s.host, 5);
        hs_join(a, 5); /* it may have been turned away, or let go */
    }
    size_t calls = s.alloc.calls;
    assert_true(hs_in_chain(&s, 5));
    hs_close(&s);
    return calls;
}

static void every_allocation_fails_in_turn(void **state) {
    (void)state;
    size_t n = short_run(0);
    assert_true(n > 10);
    for (size_t i = 1; i <= n + 2; i++) short_run(i);
}

int main(void) {
    const struct CMUnitTest tests[] = { T(every_allocation_fails_in_turn) };
    return bp_run(tests);
}
