/* The memory store's faults: a write that fails, memory that fails, a power
   failure. What is left is always a prefix of the batches. */
#include "lib/test.h"

#include "blockpool/store.h"
#include "fake.h"

struct desk {
    struct fake genesis;
    struct bp_store_chain chain;
    struct bp_store *s;
};

static void desk_begin(struct desk *d) {
    d->chain = fake_chain(&d->genesis);
    assert_int_equal(bp_store_mem_new(&d->s, NULL, &d->chain), 0);
}

static void expect(struct bp_store *s, uint64_t blocks, uint64_t head) {
    struct bp_store_view *v;
    struct bp_store_entry e;
    struct bp_store_error why = { 0 };
    assert_int_equal(bp_view_begin(&v, s), 0);
    assert_int_equal(bp_view_count(v), blocks);
    assert_int_equal(bp_view_head(v, &e), 0);
    assert_int_equal(e.number, head);
    bp_view_end(v);
    if (bp_store_check(s, &why) != 0) fail_msg("%s", why.text);
}

/* Every single write of a reorganising batch, failing in turn. */
static void a_failed_write_undoes_its_batch(void **state) {
    (void)state;
    struct desk d;
    desk_begin(&d);
    struct fake *main = fake_run(1, &d.genesis, 8);
    struct fake *side = fake_run(2, &main[3], 6); /* 5'..10' on 4 */
    assert_int_equal(fake_write(d.s, main, 8, true, NULL), 0);
    uint64_t k = 1;
    for (;; k++) {
        bp_store_mem_fail_at(d.s, k, BP_ERR_DISK_FULL);
        int err = fake_write(d.s, side, 6, true, NULL);
        if (err == 0) break;
        assert_int_equal(err, BP_ERR_DISK_FULL);
        expect(d.s, 9, 8);
    }
    /* 6 hashes, rows and bodies; 4 numbers out, 6 in; the commit. */
    assert_int_equal(k - 1, 6 * 3 + 4 + 6 + 1);
    expect(d.s, 15, 10);
    bp_store_mem_fail_at(d.s, 0, 0);
    bp_store_mem_fail_at(d.s, 1, BP_ERR_STORE_IO);
    assert_int_equal(bp_store_sync(d.s), BP_ERR_STORE_IO);
    assert_int_equal(bp_store_mem_unsynced(d.s), 2);
    assert_int_equal(bp_store_sync(d.s), 0);
    assert_int_equal(bp_store_mem_unsynced(d.s), 0);
    bp_store_close(d.s);
    free(main);
    free(side);
}

static void failing_memory_undoes_a_batch(void **state) {
    (void)state;
    struct test_alloc a;
    struct fake genesis;
    struct bp_store_chain chain = fake_chain(&genesis);
    struct fake *run = fake_run(1, &genesis, 90);
    size_t failures = 0;
    for (size_t k = 1;; k++) {
        struct bp_store *s;
        test_alloc_init(&a);
        a.fail_at = k;
        int err = bp_store_mem_new(&s, &a.iface, &chain);
        if (err == 0) {
            err = fake_write(s, run, 90, true, NULL);
            if (err == BP_ERR_NOMEM) {
                a.fail_at = 0;
                expect(s, 1, 0);
                assert_int_equal(fake_write(s, run, 90, true, NULL), 0);
            }
            bp_store_close(s);
        } else {
            assert_null(s);
        }
        assert_int_equal(a.live_blocks, 0);
        if (err == 0) break;
        assert_int_equal(err, BP_ERR_NOMEM);
        failures++;
    }
    assert_true(failures > 180); /* two copies a block, and the tables */
    free(run);
}

/* The state after each batch, to compare with after a power failure. */
struct past {
    uint64_t blocks, head;
};

static void a_power_failure_leaves_a_prefix(void **state) {
    (void)state;
    struct bp_rng r;
    bp_rng_seed(&r, test_seed("a_power_failure_leaves_a_prefix", 0xb1ac));
    for (int round = 0; round < 60; round++) {
        struct desk d;
        desk_begin(&d);
        struct fake *main = fake_run(1, &d.genesis, 40);
        struct fake *side = fake_run(2, &main[9], 40);
        struct past past[12] = { { 1, 0 } };
        size_t n = 1, synced = 0;
        for (size_t at = 0; at < 40; at += 8, n++) {
            bool turn = at >= 16 && bp_rng_below(&r, 2) == 0;
            assert_int_equal(fake_write(d.s, main + at, 8, true, NULL), 0);
            past[n] = (struct past){ past[n - 1].blocks + 8, at + 8 };
            if (turn) {
                size_t have = at - 16;
                assert_int_equal(fake_write(d.s, side, have + 8, true, NULL),
                                 0);
                assert_int_equal(fake_write(d.s, main, 1, false, NULL), 0);
                struct bp_store_batch back = { NULL, 0, &main[at + 7].b.hash };
                assert_int_equal(bp_store_write(d.s, NULL, &back, NULL), 0);
                assert_int_equal(bp_store_sync(d.s), 0);
                struct bp_store_view *v;
                assert_int_equal(bp_view_begin(&v, d.s), 0);
                past[n].blocks = bp_view_count(v);
                bp_view_end(v);
                synced = n;
            }
        }
        size_t unsynced = bp_store_mem_unsynced(d.s);
        assert_int_equal(unsynced, n - 1 - synced);
        size_t keep = bp_rng_below(&r, unsynced + 2);
        bp_store_mem_crash(d.s, keep);
        if (keep > unsynced) keep = unsynced;
        expect(d.s, past[synced + keep].blocks, past[synced + keep].head);
        assert_int_equal(bp_store_mem_unsynced(d.s), 0);
        assert_int_equal(fake_write(d.s, main, 40, true, NULL), 0);
        expect(d.s,
               41 + past[synced + keep].blocks - 1 - past[synced + keep].head,
               40);
        bp_store_close(d.s);
        free(main);
        free(side);
    }
}

static void a_name_has_its_limit(void **state) {
    (void)state;
    struct desk d;
    char name[80];
    memset(name, 'n', sizeof name);
    d.chain = fake_chain(&d.genesis);
    d.chain.name = name;
    name[BP_STORE_NAME_MAX + 1] = 0;
    assert_int_equal(bp_store_mem_new(&d.s, NULL, &d.chain), BP_ERR_RANGE);
    assert_null(d.s);
    name[BP_STORE_NAME_MAX] = 0;
    assert_int_equal(bp_store_mem_new(&d.s, NULL, &d.chain), 0);
    bp_store_close(d.s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(a_failed_write_undoes_its_batch),
        T(failing_memory_undoes_a_batch),
        T(a_power_failure_leaves_a_prefix),
        T(a_name_has_its_limit),
    };
    return bp_run(tests);
}
