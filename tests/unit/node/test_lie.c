/* A lie is well-formed, and false in the one place that was asked for. */
#include "node/lie.h"

#include "blockpool/chain.h"
#include "lib/test.h"

static void parses_every_kind(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum node_lie_kind kind;
        uint64_t at;
    } good[] = {
        { "body:7", NODE_LIE_BODY, 7 },   { "header:0", NODE_LIE_HEADER, 0 },
        { "stall:3", NODE_LIE_STALL, 3 }, { "drop:12", NODE_LIE_DROP, 12 },
        { "empty:1", NODE_LIE_EMPTY, 1 }, { "genesis", NODE_LIE_GENESIS, 0 },
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct node_lie lie = { 0 };
        assert_int_equal(node_lie_parse(&lie, good[i].text), 0);
        assert_int_equal(lie.kind, good[i].kind);
        assert_int_equal(lie.at, good[i].at);
    }
    static const char *const bad[] = { "",        "body",    "body:",
                                       "body:x",  "body:1x", "genesis:1",
                                       "body: 1", "trust",   "stall:-1" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct node_lie lie;
        assert_int_equal(node_lie_parse(&lie, bad[i]), BP_ERR_FORMAT);
    }
}

static bp_span make_header(uint8_t *buf, size_t cap, uint64_t number) {
    struct bp_header h = { .number = number, .n_fields = 15 };
    h.difficulty = bp_u256_from_u64(131072);
    struct bp_rlp_w w = { .p = buf, .cap = cap };
    bp_header_put(&w, &h);
    assert_int_equal(bp_rlp_done(&w), 0);
    return (bp_span){ buf, w.n };
}

static void alters_one_header(void **state) {
    (void)state;
    uint8_t raw[1024], buf[LIE_HEADER_MAX];
    struct node_lie lie = { NODE_LIE_HEADER, 5 };
    bp_span five = make_header(raw, sizeof raw, 5);
    assert_ptr_equal(lie_header(buf, &lie, 4, five).p, five.p);
    bp_span lied = lie_header(buf, &lie, 5, five);
    assert_int_equal(lied.n, five.n);
    assert_memory_not_equal(lied.p, five.p, five.n);
    struct bp_header h;
    assert_int_equal(bp_header_decode(&h, &lied), 0);
    assert_int_equal(h.number, 5);
    assert_int_equal(h.nonce[7], 1);
}

static void alters_one_body(void **state) {
    (void)state;
    static const uint8_t empty[] = { 0xc2, 0xc0, 0xc0 };
    uint8_t raw[1024], buf[2048];
    struct node_lie lie = { NODE_LIE_BODY, 5 };
    bp_span none = { empty, sizeof empty };
    bp_span header = make_header(raw, sizeof raw, 5);
    assert_ptr_equal(lie_body(buf, sizeof buf, &lie, 4, none, header).p, empty);
    bp_span lied = lie_body(buf, sizeof buf, &lie, 5, none, header);
    struct bp_body body;
    bp_span in = lied;
    assert_int_equal(bp_body_decode(&body, &in), 0);
    assert_int_equal(in.n, 0);
    assert_true(body.uncles.n > header.n);
    /* What has uncles loses them. */
    uint8_t again[2048];
    bp_span back = lie_body(again, sizeof again, &lie, 5, lied, header);
    assert_int_equal(back.n, sizeof empty);
    assert_memory_equal(back.p, empty, sizeof empty);
    /* Too little room: the truth. */
    assert_ptr_equal(lie_body(buf, 10, &lie, 5, none, header).p, empty);
}

static void counts_requests(void **state) {
    (void)state;
    struct node_lie stall = { NODE_LIE_STALL, 2 };
    struct node_lie drop = { NODE_LIE_DROP, 2 };
    struct node_lie empty = { NODE_LIE_EMPTY, 2 };
    for (uint64_t nth = 1; nth < 5; nth++) {
        assert_int_equal(lie_stalls(&stall, nth), nth > 2);
        assert_int_equal(lie_drops(&drop, nth), nth > 2);
        assert_int_equal(lie_empties(&empty, nth), nth > 2);
        assert_false(lie_stalls(&drop, nth) || lie_drops(&empty, nth) ||
                     lie_empties(&stall, nth));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(parses_every_kind),
        T(alters_one_header),
        T(alters_one_body),
        T(counts_requests),
    };
    return bp_run(tests);
}
