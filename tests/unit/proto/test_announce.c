/* test_announce: NewBlockHashes, NewBlock, BlockRangeUpdate. */
#include "lib/test.h"
#include "proto/msg.h"

static uint8_t text[1 << 18];

static bp_span announce(size_t n_hash, size_t times) {
    static const uint8_t bytes[40] = { 5 };
    struct bp_rlp_w w = { text, sizeof text, 0 };
    size_t all = bp_rlp_open(&w);
    for (size_t i = 0; i < times; i++) {
        size_t one = bp_rlp_open(&w);
        bp_rlp_put_str(&w, bytes, n_hash);
        bp_rlp_put_u64(&w, 1000 + i);
        bp_rlp_close(&w, one);
    }
    bp_rlp_close(&w, all);
    assert_int_equal(bp_rlp_done(&w), 0);
    return (bp_span){ text, w.n };
}

static void announced_blocks(void **state) {
    (void)state;
    struct bp_msg_announce m;
    bp_hash h;
    uint64_t number;
    assert_int_equal(bp_announce_decode(&m, announce(32, 3)), 0);
    assert_int_equal(m.blocks.n, 3);
    struct bp_items rest = m.blocks;
    for (uint64_t i = 0; i < 3; i++) {
        assert_true(bp_items_announced(&h, &number, &rest));
        assert_int_equal(number, 1000 + i);
        assert_int_equal(h.b[0], 5);
    }
    assert_false(bp_items_announced(&h, &number, &rest));
    assert_int_equal(bp_announce_decode(&m, announce(32, BP_ETH_ANNOUNCE_MAX)),
                     0);
    assert_int_equal(
        bp_announce_decode(&m, announce(32, BP_ETH_ANNOUNCE_MAX + 1)),
        BP_ERR_ETH_COUNT);
    /* Catalogue row X24. */
    static const size_t sizes[] = { 0, 3, 31, 33 };
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(bp_announce_decode(&m, announce(sizes[i], 1)),
                         BP_ERR_RLP_SIZE);
    assert_int_equal(
        bp_announce_decode(&m, (bp_span){ (const uint8_t *)"\xc1\x01", 2 }),
        BP_ERR_RLP_KIND);
}

static int new_block(struct bp_msg_new_block *m, const char *bytes, size_t n) {
    return bp_new_block_decode(m, (bp_span){ (const uint8_t *)bytes, n });
}

/* Catalogue row N11. An absent difficulty was written as the number 0. */
static void new_block_with_its_difficulty(void **state) {
    (void)state;
    struct bp_msg_new_block m;
    /* [[[9], [], []], td] */
    assert_int_equal(new_block(&m, "\xc6\xc4\xc1\x09\xc0\xc0\x80", 7), 0);
    assert_true(bp_u256_is_zero(&m.td));
    assert_int_equal(m.block.n, 5);
    assert_int_equal(new_block(&m, "\xc6\xc4\xc1\x09\xc0\xc0\x02", 7), 0);
    bp_u256 two = bp_u256_from_u64(2);
    assert_int_equal(bp_u256_cmp(&m.td, &two), 0);
    assert_int_equal(new_block(&m, "\xc0", 1), BP_ERR_RLP_SHORT);
    assert_int_equal(new_block(&m, "", 0), BP_ERR_RLP_SHORT);
    assert_int_equal(new_block(&m, "\xc5\xc4\xc1\x09\xc0\xc0", 6),
                     BP_ERR_RLP_SHORT);
}

static void new_block_shapes(void **state) {
    (void)state;
    struct bp_msg_new_block m;
    assert_int_equal(new_block(&m, "\xc6\xc4\xc0\xc0\xc0\xc0\x02", 7), 0);
    static const struct {
        const char *bytes;
        size_t n;
        int err;
    } cases[] = {
        { "\xc4\xc2\xc0\xc0\x02", 5, BP_ERR_RLP_SHORT },
        { "\xc7\xc5\xc0\xc0\xc0\xc0\xc0\x02", 8, BP_ERR_RLP_TRAILING },
        { "\xc5\xc3\xc0\xc0\x80\x02", 6, BP_ERR_RLP_KIND },
        { "\xc2\x80\x02", 3, BP_ERR_RLP_KIND },
        { "\xc6\xc3\xc0\xc0\xc0\x02\x02", 7, BP_ERR_RLP_TRAILING },
        { "\xc6\xc3\xc0\xc0\xc0\x81\x02", 7, BP_ERR_RLP_CANON },
        { "\x80", 1, BP_ERR_RLP_KIND },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int err = new_block(&m, cases[i].bytes, cases[i].n);
        if (err != cases[i].err) fail_msg("case %zu: %s", i, bp_errname(err));
    }
    /* 2^256 and above is no number of ours. */
    uint8_t big[64];
    struct bp_rlp_w w = { big, sizeof big, 0 };
    uint8_t td[33] = { 1 };
    size_t list = bp_rlp_open(&w);
    bp_rlp_put_raw(&w, "\xc3\xc0\xc0\xc0", 4);
    bp_rlp_put_str(&w, td, sizeof td);
    bp_rlp_close(&w, list);
    assert_int_equal(new_block(&m, (const char *)big, w.n), BP_ERR_RLP_SIZE);
}

static void ranges(void **state) {
    (void)state;
    struct bp_msg_range m = { 5, 4, { { 1 } } }, back;
    uint8_t out[64];
    struct bp_rlp_w w = { out, sizeof out, 0 };
    bp_range_put(&w, &m);
    assert_int_equal(bp_range_decode(&back, (bp_span){ out, w.n }),
                     BP_ERR_ETH_RANGE);
    m.latest = 5;
    w.n = 0;
    bp_range_put(&w, &m);
    assert_int_equal(bp_range_decode(&back, (bp_span){ out, w.n }), 0);
    assert_int_equal(back.latest, 5);
    assert_true(bp_hash_eq(&back.latest_hash, &m.latest_hash));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(announced_blocks),
        T(new_block_with_its_difficulty),
        T(new_block_shapes),
        T(ranges),
    };
    return bp_run(tests);
}
