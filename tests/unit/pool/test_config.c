/* config: defaults, what contradicts itself, the declared bound. */
#include "pool/state.h"

#include "lib/test.h"

/* Row R10, field by field: the defaults that pool.h states. */
static void defaults(void **state) {
    (void)state;
    struct bp_pool_config c = { 0 };
    assert_int_equal(bp_config_fill(&c), 0);
    assert_ptr_equal(c.alloc, &bp_alloc_libc);
    assert_true(c.probe_below == UINT64_MAX);
    assert_int_equal(c.peers_max, 64);
    assert_int_equal(c.links_max, 1000000);
    assert_int_equal(c.window_bytes, 64 << 20);
    assert_int_equal(c.workers, 2);
    assert_int_equal(c.reply_bytes_max, 10 << 20);
    assert_int_equal(c.replies_max, 16);
    assert_int_equal(c.record_bytes, 0);
    assert_int_equal(c.links_per_request, 1024);
    assert_int_equal(c.hashes_per_request, 256);
    assert_int_equal(c.blocks_per_request, 128);
    assert_int_equal(c.insert_items_max, 1024);
    assert_int_equal(c.insert_bytes_max, 16 << 20);
    assert_int_equal(c.check_links_max, 1024);
    assert_int_equal(c.bad_hashes_max, 4096);
    assert_int_equal(c.suspended_max, 1024);
    assert_int_equal(c.announced_max, 256);
    assert_int_equal(c.pushed_max, 64);
    assert_int_equal(c.request_first_ms, 5000);
    assert_int_equal(c.request_min_ms, 1000);
    assert_int_equal(c.request_max_ms, 15000);
    assert_int_equal(c.head_probe_ms, 60000);
    assert_int_equal(c.progress_ms, 30000);
    assert_int_equal(c.suspend_ms, 300000);
    assert_int_equal(c.idle_best_ms, 60000);
    assert_int_equal(c.announce_wait_ms, 500);
}

/* What the host sets stays, whatever it is. */
static void what_is_set_stays(void **state) {
    (void)state;
    struct bp_pool_config c = { .probe_below = 3,
                                .peers_max = 5,
                                .links_max = 64,
                                .window_bytes = 4096,
                                .workers = 7,
                                .replies_max = 1,
                                .request_first_ms = 1,
                                .request_min_ms = 2,
                                .request_max_ms = 2,
                                .head_probe_ms = 3,
                                .progress_ms = 4,
                                .suspend_ms = 5,
                                .idle_best_ms = 6,
                                .announce_wait_ms = 7 };
    struct bp_pool_config before = c;
    assert_int_equal(bp_config_fill(&c), 0);
    assert_true(c.probe_below == before.probe_below);
    assert_int_equal(c.peers_max, before.peers_max);
    assert_int_equal(c.links_max, before.links_max);
    assert_int_equal(c.window_bytes, before.window_bytes);
    assert_int_equal(c.workers, before.workers);
    assert_int_equal(c.replies_max, before.replies_max);
    assert_int_equal(c.request_first_ms, before.request_first_ms);
    assert_int_equal(c.request_max_ms, before.request_max_ms);
    assert_int_equal(c.head_probe_ms, before.head_probe_ms);
    assert_int_equal(c.announce_wait_ms, before.announce_wait_ms);
}

static void expect_refused(struct bp_pool_config c) {
    struct bp_pool *p = (struct bp_pool *)&c;
    assert_int_equal(bp_pool_new(&p, &c), BP_ERR_RANGE);
    assert_null(p);
    assert_true(bp_pool_bound(&c) == 0);
}

/* Each limit, one beyond it; and a least deadline above the greatest. */
static void what_contradicts_itself(void **state) {
    (void)state;
    typedef struct bp_pool_config cfg;
    expect_refused((cfg){ .links_max = 63 });
    expect_refused((cfg){ .links_max = (1u << 22) + 1 });
    expect_refused((cfg){ .peers_max = 4097 });
    expect_refused((cfg){ .workers = 1025 });
    expect_refused((cfg){ .replies_max = 4097 });
    expect_refused((cfg){ .links_per_request = BP_EVENT_ITEMS_MAX + 1 });
    expect_refused((cfg){ .hashes_per_request = BP_EVENT_ITEMS_MAX + 1 });
    expect_refused((cfg){ .blocks_per_request = 4097 });
    expect_refused((cfg){ .insert_items_max = 65537 });
    expect_refused((cfg){ .check_links_max = 65537 });
    expect_refused((cfg){ .bad_hashes_max = (1u << 24) + 1 });
    expect_refused((cfg){ .suspended_max = (1u << 24) + 1 });
    expect_refused((cfg){ .announced_max = 65537 });
    expect_refused((cfg){ .pushed_max = 65537 });
    expect_refused((cfg){ .window_bytes = 4095 });
    expect_refused((cfg){ .window_bytes = (1ull << 48) + 1 });
    expect_refused((cfg){ .window_bytes = UINT64_MAX });
    expect_refused((cfg){ .request_min_ms = 15001 });
    expect_refused((cfg){ .request_max_ms = 999 });
}

/* Whatever a peer may fill more of makes the bound greater; a pool that was
   just made is far below it. */
static void bound_follows_the_limits(void **state) {
    (void)state;
    typedef struct bp_pool_config cfg;
    const cfg small = { .links_max = 4096, .window_bytes = 1 << 20 };
    uint64_t bound = bp_pool_bound(&small);
    cfg more[7];
    for (int i = 0; i < 7; i++) more[i] = small;
    more[0].links_max = 8192;
    more[1].window_bytes = 2 << 20;
    more[2].peers_max = 128;
    more[3].replies_max = 32;
    more[4].reply_bytes_max = 20 << 20;
    more[5].bad_hashes_max = 8192;
    more[6].record_bytes = 4096;
    for (int i = 0; i < 7; i++) assert_true(bp_pool_bound(&more[i]) > bound);
    struct bp_pool *p;
    assert_int_equal(bp_pool_new(&p, &small), 0);
    assert_true(bp_pool_memory(p) < bound / 10);
    bp_pool_check(p);
    bp_pool_free(p, NULL, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(defaults),
        T(what_is_set_stays),
        T(what_contradicts_itself),
        T(bound_follows_the_limits),
    };
    return bp_run(tests);
}
