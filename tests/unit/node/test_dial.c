/* How long to wait before dialling again. */
#include "node/loop.h"

#include "lib/test.h"

static void doubles_up_to_the_limit(void **state) {
    (void)state;
    struct bp_rng rng;
    bp_rng_seed(&rng, test_seed("dial", 7));
    uint32_t want = DIAL_FIRST_MS;
    for (uint32_t failures = 1; failures < 40; failures++) {
        for (int i = 0; i < 100; i++) {
            uint32_t wait = dial_backoff_ms(&rng, failures);
            assert_in_range(wait, want - want / 8, want + want / 8);
        }
        want = want * 2 > DIAL_MAX_MS ? DIAL_MAX_MS : want * 2;
    }
    assert_in_range(dial_backoff_ms(&rng, 0), 1, DIAL_FIRST_MS * 2);
    assert_in_range(dial_backoff_ms(&rng, UINT32_MAX), 1, DIAL_MAX_MS * 2);
}

/* Nodes that lost the same peer do not all come back at once. */
static void is_not_the_same_for_all(void **state) {
    (void)state;
    struct bp_rng rng;
    bp_rng_seed(&rng, test_seed("dial", 8));
    uint32_t first = dial_backoff_ms(&rng, 3), others = 0;
    for (int i = 0; i < 100; i++) others += dial_backoff_ms(&rng, 3) != first;
    assert_true(others > 50);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(doubles_up_to_the_limit),
        T(is_not_the_same_for_all),
    };
    return bp_run(tests);
}
