/* test_reply: replies grow until a limit, and decode to what was added. */
#include "lib/test.h"
#include "proto/msg.h"

static void expect_items(struct bp_reply *r, size_t n, bp_span item) {
    struct bp_msg m;
    bp_span got;
    bp_span text = bp_reply_end(r);
    assert_ptr_equal(bp_reply_end(r).p, text.p); /* ending twice is the same */
    assert_int_equal(bp_msg_decode(&m, 69, BP_MSG_BLOCK_HEADERS, text), 0);
    assert_int_equal(m.u.reply.request_id, r->request_id);
    assert_int_equal(m.u.reply.items.n, n);
    for (struct bp_items rest = m.u.reply.items; bp_items_next(&got, &rest);) {
        assert_int_equal(got.n, item.n);
        assert_memory_equal(got.p, item.p, item.n);
    }
}

/* One item: a list with a string of n bytes in it. */
static bp_span make_item(uint8_t *buf, size_t cap, size_t n) {
    struct bp_rlp_w w = { buf, cap, 0 };
    uint8_t *bytes = calloc(1, n + 1);
    size_t list = bp_rlp_open(&w);
    bp_rlp_put_str(&w, bytes, n);
    bp_rlp_close(&w, list);
    free(bytes);
    assert_int_equal(bp_rlp_done(&w), 0);
    return (bp_span){ buf, w.n };
}

static void empty_reply(void **state) {
    (void)state;
    uint8_t buf[BP_REPLY_HEADS];
    static const uint64_t ids[] = { 0, 1, 0x80, 1111, UINT64_MAX };
    for (size_t i = 0; i < 5; i++) {
        struct bp_reply r;
        bp_reply_begin(&r, buf, sizeof buf, ids[i]);
        expect_items(&r, 0, (bp_span){ NULL, 0 });
        assert_false(bp_reply_add(&r, (bp_span){ (const uint8_t *)"\xc0", 1 }));
    }
}

static void count_is_limited(void **state) {
    (void)state;
    static uint8_t buf[1 << 20], one[700];
    bp_span item = make_item(one, sizeof one, 530);
    struct bp_reply r;
    bp_reply_begin(&r, buf, sizeof buf, 9);
    size_t n = 0;
    while (bp_reply_add(&r, item)) n++;
    assert_int_equal(n, BP_ETH_ITEMS_MAX);
    expect_items(&r, n, item);
}

/* The limit is tested before an item is added: one item passes it. */
static void size_is_limited_softly(void **state) {
    (void)state;
    size_t cap = BP_ETH_REPLY_SOFT_MAX + BP_REPLY_HEADS + 400000;
    uint8_t *buf = malloc(cap), *one = malloc(400000);
    bp_span item = make_item(one, 400000, 300000);
    struct bp_reply r;
    bp_reply_begin(&r, buf, cap, UINT64_MAX);
    size_t n = 0;
    while (bp_reply_add(&r, item)) n++;
    assert_int_equal(n, BP_ETH_REPLY_SOFT_MAX / item.n + 1);
    assert_true(n * item.n > BP_ETH_REPLY_SOFT_MAX);
    expect_items(&r, n, item);
    /* A buffer that ends earlier ends the reply earlier. */
    bp_reply_begin(&r, buf, BP_REPLY_HEADS + item.n + 10, 1);
    assert_true(bp_reply_add(&r, item));
    assert_false(bp_reply_add(&r, item));
    expect_items(&r, 1, item);
    free(one);
    free(buf);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(empty_reply),
        T(count_is_limited),
        T(size_is_limited_softly),
    };
    return bp_run(tests);
}
