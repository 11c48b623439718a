/* test_msg: the table; published messages; fixed encodings of ours; every
   message cut at every byte. */
#include "lib/vectors.h"
#include "proto/msg.h"

/* ---- the table ------------------------------------------------------- */

static void codes_of_each_version(void **state) {
    (void)state;
    assert_int_equal(bp_eth_length(65), 0);
    assert_int_equal(bp_eth_length(66), 17);
    assert_int_equal(bp_eth_length(67), 17);
    assert_int_equal(bp_eth_length(68), 17);
    assert_int_equal(bp_eth_length(69), 18);
    assert_int_equal(bp_eth_length(70), 0);
    assert_non_null(bp_msg_info(66, BP_MSG_GET_NODE_DATA));
    assert_null(bp_msg_info(67, BP_MSG_GET_NODE_DATA));
    assert_non_null(bp_msg_info(68, BP_MSG_NEW_BLOCK));
    assert_null(bp_msg_info(69, BP_MSG_NEW_BLOCK));
    assert_null(bp_msg_info(69, BP_MSG_NEW_BLOCK_HASHES));
    assert_null(bp_msg_info(68, BP_MSG_BLOCK_RANGE_UPDATE));
    assert_null(bp_msg_info(68, 0x0b));
    assert_null(bp_msg_info(68, 1ull << 32));
    for (unsigned v = BP_ETH_VERSION_MIN; v <= BP_ETH_VERSION_MAX; v++)
        for (uint64_t code = 0; code < bp_eth_length(v); code++) {
            const struct bp_msg_info *i = bp_msg_info(v, code);
            if (i == NULL || i->kind != BP_MSG_KIND_REQUEST) continue;
            const struct bp_msg_info *r = bp_msg_info(v, i->reply);
            assert_non_null(r);
            assert_int_equal(r->kind, BP_MSG_KIND_REPLY);
            assert_memory_equal(i->name, "Get", 3);
            assert_string_equal(i->name + 3, r->name);
        }
}

static void unknown_codes_are_refused(void **state) {
    (void)state;
    struct bp_msg m;
    bp_span empty = { (const uint8_t *)"\xc0", 1 };
    size_t n;
    uint8_t out[8];
    assert_int_equal(bp_msg_decode(&m, 69, BP_MSG_NEW_BLOCK, empty),
                     BP_ERR_ETH_CODE);
    assert_int_equal(bp_msg_decode(&m, 68, 0x11, empty), BP_ERR_ETH_CODE);
    assert_int_equal(bp_msg_decode(&m, 68, 0x0c, empty), BP_ERR_ETH_CODE);
    assert_int_equal(bp_msg_decode(&m, 65, BP_MSG_STATUS, empty),
                     BP_ERR_ETH_CODE);
    m.id = BP_MSG_BLOCK_RANGE_UPDATE;
    assert_int_equal(bp_msg_encode(out, sizeof out, &n, &m, 68),
                     BP_ERR_ETH_CODE);
}

/* ---- vectors --------------------------------------------------------- */

/* Decoding and encoding gives the same bytes, and nothing shorter decodes. */
static struct bp_msg expect_round_trip(unsigned version, uint64_t code,
                                       bp_span text) {
    struct bp_msg m, other;
    size_t n;
    int err = bp_msg_decode(&m, version, code, text);
    if (err != 0) fail_msg("code %d: %s", (int)code, bp_errname(err));
    assert_int_equal(bp_msg_size(&m, version), text.n);
    uint8_t *back = malloc(text.n);
    assert_int_equal(bp_msg_encode(back, text.n, &n, &m, version), 0);
    assert_int_equal(n, text.n);
    assert_memory_equal(back, text.p, n);
    assert_int_equal(bp_msg_encode(back, text.n - 1, &n, &m, version),
                     BP_ERR_SPACE);
    for (size_t cut = 0; cut < text.n; cut++) {
        uint8_t *piece = malloc(cut + 1);
        memcpy(piece, text.p, cut);
        assert_int_not_equal(
            bp_msg_decode(&other, version, code, (bp_span){ piece, cut }), 0);
        free(piece);
    }
    uint8_t *longer = malloc(text.n + 1);
    memcpy(longer, text.p, text.n);
    longer[text.n] = 0;
    assert_int_equal(
        bp_msg_decode(&other, version, code, (bp_span){ longer, text.n + 1 }),
        BP_ERR_RLP_TRAILING);
    free(longer);
    free(back);
    return m;
}

static uint64_t code_of(const char *name) {
    for (uint64_t code = 0; code < 0x20; code++) {
        const struct bp_msg_info *i = bp_msg_info(66, code);
        if (i != NULL && strcmp(i->name, name) == 0) return code;
    }
    fail_msg("no message %s", name);
    return 0;
}

static size_t n_vectors;

static void one_vector(const json_t *v) {
    size_t n;
    uint8_t *text = vec_bytes(v, "rlp", &n);
    uint64_t code = code_of(vec_str(v, "message"));
    uint64_t id = vec_u64(v, "request_id");
    struct bp_msg m = expect_round_trip(66, code, (bp_span){ text, n });
    switch (m.id) {
    case BP_MSG_GET_BLOCK_HEADERS:
        assert_int_equal(m.u.get_headers.request_id, id);
        assert_int_equal(m.u.get_headers.amount, 5);
        assert_int_equal(m.u.get_headers.skip, 5);
        assert_false(m.u.get_headers.reverse);
        assert_false(m.u.get_headers.origin.by_number);
        assert_memory_equal(m.u.get_headers.origin.hash.b + 28,
                            "\xde\xad\xc0\xde", 4);
        break;
    case BP_MSG_GET_RECEIPTS:
        assert_int_equal(m.u.request.request_id, id);
        assert_int_equal(m.u.request.hashes.n, 2);
        break;
    default:
        assert_int_equal(m.u.reply.request_id, id);
        assert_true(m.u.reply.items.n >= 1);
    }
    free(text);
    n_vectors++;
}

static void published_messages(void **state) {
    (void)state;
    vec_each("vectors/eth.jsonl", one_vector);
    assert_int_equal(n_vectors, 7);
}

/* ---- fixed encodings, empty ones among them -------------------------- */

static const bp_span none = { NULL, 0 };

static void expect_hex(const struct bp_msg *m, unsigned version,
                       const char *hex) {
    uint8_t out[256];
    char text[513];
    size_t n;
    assert_int_equal(bp_msg_encode(out, sizeof out, &n, m, version), 0);
    bp_hex(text, out, n);
    assert_string_equal(text, hex);
    expect_round_trip(version, m->id, (bp_span){ out, n });
}

static void empty_messages(void **state) {
    (void)state;
    static const enum bp_msg_id requests[] = { BP_MSG_GET_BLOCK_BODIES,
                                               BP_MSG_GET_RECEIPTS,
                                               BP_MSG_GET_POOLED_TXS,
                                               BP_MSG_GET_NODE_DATA };
    static const enum bp_msg_id replies[] = {
        BP_MSG_BLOCK_HEADERS, BP_MSG_BLOCK_BODIES, BP_MSG_RECEIPTS,
        BP_MSG_POOLED_TXS, BP_MSG_NODE_DATA
    };
    for (size_t i = 0; i < 4; i++) {
        struct bp_msg m = { requests[i], { .request = { 1111, { none, 0 } } } };
        expect_hex(&m, 66, "c4820457c0");
        m.u.request.request_id = 0;
        expect_hex(&m, 66, "c280c0");
    }
    for (size_t i = 0; i < 5; i++) {
        struct bp_msg m = { replies[i], { .reply = { 1111, { none, 0 } } } };
        expect_hex(&m, 66, "c4820457c0");
        m.u.reply.request_id = UINT64_MAX;
        expect_hex(&m, 66, "ca88ffffffffffffffffc0");
    }
    struct bp_msg m = { BP_MSG_NEW_BLOCK_HASHES,
                        { .announce = { { none, 0 } } } };
    expect_hex(&m, 68, "c0");
}

static void fixed_messages(void **state) {
    (void)state;
    struct bp_msg m = { BP_MSG_GET_BLOCK_HEADERS, { .ignored = none } };
    m.u.get_headers = (struct bp_msg_get_headers){
        .request_id = 1111,
        .origin = { .by_number = true, .number = 9999 },
        .amount = 5,
        .skip = 5,
    };
    expect_hex(&m, 69, "ca820457c682270f050580");
    m.u.get_headers.reverse = true;
    m.u.get_headers.origin.number = 0;
    expect_hex(&m, 69, "c8820457c480050501");
    m.u.get_headers.origin = (struct bp_origin){ .hash = { { 0xaa } } };
    expect_hex(
        &m, 69,
        "e8820457e4a0"
        "aa00000000000000000000000000000000000000000000000000000000000000"
        "050501");
    bp_hash h[2] = { { { 1 } }, { { 2 } } };
    uint8_t buf[BP_HASH_ITEMS_SIZE(2)];
    m.id = BP_MSG_GET_BLOCK_BODIES;
    m.u.request.request_id = 7;
    m.u.request.hashes = bp_items_of_hashes(buf, h, 2);
    expect_hex(
        &m, 68,
        "f84507f842a0"
        "0100000000000000000000000000000000000000000000000000000000000000"
        "a0"
        "0200000000000000000000000000000000000000000000000000000000000000");
    m.id = BP_MSG_BLOCK_RANGE_UPDATE;
    m.u.range = (struct bp_msg_range){ 0, 1024, { { 3 } } };
    expect_hex(
        &m, 69,
        "e580820400a0"
        "0300000000000000000000000000000000000000000000000000000000000000");
}

static void ignored_messages_are_one_item(void **state) {
    (void)state;
    struct bp_msg m;
    static const enum bp_msg_id ids[] = { BP_MSG_TRANSACTIONS,
                                          BP_MSG_NEW_POOLED_HASHES };
    for (size_t i = 0; i < 2; i++) {
        bp_span text = { (const uint8_t *)"\xc3\x01\x02\x03", 4 };
        m = expect_round_trip(68, ids[i], text);
        assert_int_equal(m.u.ignored.n, 4);
        assert_int_equal(bp_msg_info(68, ids[i])->kind, BP_MSG_KIND_IGNORED);
    }
}

static void the_other_messages(void **state) {
    (void)state;
    struct bp_msg m = { BP_MSG_STATUS, { .ignored = none } };
    uint8_t out[256];
    size_t n;
    for (unsigned v = BP_ETH_VERSION_MIN; v <= BP_ETH_VERSION_MAX; v++) {
        m.u.status = (struct bp_msg_status){ .version = v, .network = 63 };
        assert_int_equal(bp_msg_encode(out, sizeof out, &n, &m, v), 0);
        expect_round_trip(v, BP_MSG_STATUS, (bp_span){ out, n });
    }
    static const uint8_t block[] = { 0xc4, 0xc1, 0x09, 0xc0, 0xc0 };
    m.id = BP_MSG_NEW_BLOCK;
    m.u.new_block.block = (bp_span){ block, sizeof block };
    m.u.new_block.td = bp_u256_from_u64(0x123456);
    expect_hex(&m, 68, "c9c4c109c0c083123456");
    uint8_t pair[64];
    bp_hash hash = { { 1 } };
    struct bp_rlp_w w = { pair, sizeof pair, 0 };
    size_t list = bp_rlp_open(&w);
    bp_rlp_put_hash(&w, &hash);
    bp_rlp_put_u64(&w, 9999);
    bp_rlp_close(&w, list);
    m.id = BP_MSG_NEW_BLOCK_HASHES;
    m.u.announce.blocks = (struct bp_items){ { pair, w.n }, 1 };
    assert_int_equal(bp_msg_encode(out, sizeof out, &n, &m, 67), 0);
    struct bp_msg back = expect_round_trip(67, m.id, (bp_span){ out, n });
    uint64_t number;
    assert_true(bp_items_announced(&hash, &number, &back.u.announce.blocks));
    assert_int_equal(number, 9999);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(codes_of_each_version), T(unknown_codes_are_refused),
        T(published_messages),    T(empty_messages),
        T(fixed_messages),        T(ignored_messages_are_one_item),
        T(the_other_messages),
    };
    return bp_run(tests);
}
