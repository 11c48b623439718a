/* test_lists: requests by hash and the replies that carry lists. */
#include "blockpool/chain.h"
#include "lib/test.h"
#include "proto/msg.h"

/* [id, [items]] with the items given n times over. */
static bp_span wrap(const void *item, size_t n_item, size_t times) {
    static uint8_t text[1 << 18];
    struct bp_rlp_w w = { text, sizeof text, 0 };
    size_t all = bp_rlp_open(&w);
    bp_rlp_put_u64(&w, 42);
    size_t list = bp_rlp_open(&w);
    for (size_t i = 0; i < times; i++) bp_rlp_put_raw(&w, item, n_item);
    bp_rlp_close(&w, list);
    bp_rlp_close(&w, all);
    assert_int_equal(bp_rlp_done(&w), 0);
    return (bp_span){ text, w.n };
}

/* Catalogue row X24. */
static void hashes_have_32_bytes(void **state) {
    (void)state;
    static const size_t sizes[] = { 0, 3, 31, 32, 33 };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t item[40], bytes[33] = { 0xaa };
        struct bp_rlp_w w = { item, sizeof item, 0 };
        struct bp_msg_request m;
        bp_rlp_put_str(&w, bytes, sizes[i]);
        int err = bp_request_decode(&m, wrap(item, w.n, 3));
        assert_int_equal(err, sizes[i] == 32 ? 0 : BP_ERR_RLP_SIZE);
        if (err == 0) assert_int_equal(m.hashes.n, 3);
    }
    struct bp_msg_request m;
    assert_int_equal(bp_request_decode(&m, wrap("\xc0", 1, 1)),
                     BP_ERR_RLP_KIND);
}

/* A peer may ask for more than it will get. */
static void requests_of_any_length(void **state) {
    (void)state;
    uint8_t item[33] = { 0xa0, 7 };
    struct bp_msg_request m;
    bp_hash h;
    assert_int_equal(bp_request_decode(&m, wrap(item, 33, 5000)), 0);
    assert_int_equal(m.request_id, 42);
    assert_int_equal(m.hashes.n, 5000);
    struct bp_items rest = m.hashes;
    for (size_t i = 0; i < 5000; i++) assert_true(bp_items_hash(&h, &rest));
    assert_false(bp_items_hash(&h, &rest));
    assert_int_equal(h.b[0], 7);
}

static void replies_are_bounded(void **state) {
    (void)state;
    struct bp_msg_reply m;
    for (size_t n = BP_ETH_ITEMS_MAX - 1; n <= BP_ETH_ITEMS_MAX + 1; n++) {
        int err = n > BP_ETH_ITEMS_MAX ? BP_ERR_ETH_COUNT : 0;
        assert_int_equal(
            bp_reply_decode(&m, BP_SHAPE_LISTS, wrap("\xc1\x01", 2, n)), err);
        if (err == 0) assert_int_equal(m.items.n, n);
        assert_int_equal(
            bp_reply_decode(&m, BP_SHAPE_BODIES, wrap("\xc2\xc0\xc0", 3, n)),
            err);
        /* Not looked into, and bounded by the message alone. */
        assert_int_equal(bp_reply_decode(&m, BP_SHAPE_ANY, wrap("\x01", 1, n)),
                         0);
    }
}

static void shapes(void **state) {
    (void)state;
    static const struct {
        enum bp_reply_shape shape;
        const char *item;
        size_t n;
        int err;
    } cases[] = {
        { BP_SHAPE_LISTS, "\x01", 1, BP_ERR_RLP_KIND },
        { BP_SHAPE_LISTS, "\x80", 1, BP_ERR_RLP_KIND },
        { BP_SHAPE_LISTS, "\xc2\x01", 2, BP_ERR_RLP_SHORT },
        { BP_SHAPE_BODIES, "\xc2\xc0\xc0", 3, 0 },
        { BP_SHAPE_BODIES, "\xc3\xc0\xc0\xc0", 4, 0 },
        { BP_SHAPE_BODIES, "\xc0", 1, BP_ERR_RLP_SHORT },
        { BP_SHAPE_BODIES, "\xc1\xc0", 2, BP_ERR_RLP_SHORT },
        { BP_SHAPE_BODIES, "\xc4\xc0\xc0\xc0\xc0", 5, BP_ERR_RLP_TRAILING },
        { BP_SHAPE_BODIES, "\xc3\xc0\xc0\x80", 4, BP_ERR_RLP_KIND },
        { BP_SHAPE_BODIES, "\xc2\x80\xc0", 3, BP_ERR_RLP_KIND },
        { BP_SHAPE_BODIES, "\x80", 1, BP_ERR_RLP_KIND },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bp_msg_reply m;
        int err = bp_reply_decode(&m, cases[i].shape,
                                  wrap(cases[i].item, cases[i].n, 1));
        if (err != cases[i].err) fail_msg("case %zu: %s", i, bp_errname(err));
    }
}

/* Catalogue row N12, as it is since eth/62: bodies come out one by one, in
   order; one without its lists, or with a transaction that is nothing, is a
   decode error. */
static void bodies_one_by_one(void **state) {
    (void)state;
    static const uint8_t items[] = {
        0xc4, 0xc2, 0xc1, 0x01, 0xc0,       /* one transaction: [1] */
        0xc2, 0xc0, 0xc0,                   /* none */
        0xc5, 0xc2, 0x81, 0xff, 0xc0, 0xc0, /* typed; withdrawals */
    };
    struct bp_msg_reply m;
    struct bp_items rest;
    bp_span item;
    struct bp_body body;
    static const size_t transactions[] = { 3, 1, 3 };
    assert_int_equal(
        bp_reply_decode(&m, BP_SHAPE_BODIES, wrap(items, sizeof items, 1)), 0);
    assert_int_equal(m.items.n, 3);
    rest = m.items;
    for (size_t i = 0; i < 3; i++) {
        assert_true(bp_items_next(&item, &rest));
        assert_int_equal(bp_body_decode(&body, &item), 0);
        assert_int_equal(body.transactions.n, transactions[i]);
        assert_int_equal(body.withdrawals.n > 0, i == 2);
    }
    assert_false(bp_items_next(&item, &rest));
    /* The block that is empty: not even its lists. */
    assert_int_not_equal(
        bp_reply_decode(&m, BP_SHAPE_BODIES, wrap("\xc2\xc0\xc0\xc0", 4, 1)),
        0);
    /* The null transaction: the lists are there, the body does not decode. */
    assert_int_equal(
        bp_reply_decode(&m, BP_SHAPE_BODIES, wrap("\xc3\xc1\x80\xc0", 4, 1)),
        0);
    rest = m.items;
    assert_true(bp_items_next(&item, &rest));
    assert_int_not_equal(bp_body_decode(&body, &item), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(hashes_have_32_bytes), T(requests_of_any_length),
        T(replies_are_bounded),  T(shapes),
        T(bodies_one_by_one),
    };
    return bp_run(tests);
}
