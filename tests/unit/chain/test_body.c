#include "lib/test.h"

#include "blockpool/chain.h"

static int decode(const char *hex, struct bp_body *b) {
    static uint8_t buf[4096];
    bp_span in = { buf, test_unhex(buf, sizeof buf, hex) };
    size_t n = in.n;
    int err = bp_body_decode(b, &in);
    if (err != 0) assert_int_equal(in.n, n);
    return err;
}

static void body_refuses_other_shapes(void **state) {
    (void)state;
    struct bp_body b;
    assert_int_equal(decode("c2c0c0", &b), 0);
    assert_int_equal(b.withdrawals.n, 0);
    assert_int_equal(decode("c3c0c0c0", &b), 0);
    assert_int_equal(b.withdrawals.n, 1);
    assert_int_equal(decode("c1c0", &b), BP_ERR_RLP_SHORT);
    assert_int_equal(decode("c4c0c0c0c0", &b), BP_ERR_RLP_TRAILING);
    assert_int_equal(decode("c2c080", &b), BP_ERR_RLP_KIND);
    /* a transaction that is empty; a short uncle; a short withdrawal */
    assert_int_equal(decode("c3c180c0", &b), BP_ERR_RLP_SIZE);
    assert_int_equal(decode("c4c1c0c0c0", &b), BP_ERR_RLP_SIZE);
    assert_int_equal(decode("c3c0c1c0", &b), BP_ERR_RLP_SHORT);
    assert_int_equal(decode("c4c0c0c1c0", &b), BP_ERR_RLP_SHORT);
    assert_int_equal(decode("c4c0c0c101", &b), BP_ERR_RLP_KIND);
    /* a withdrawal with an address of one byte, and with a fifth field */
    assert_int_equal(decode("c8c0c0c5c401010101", &b), BP_ERR_RLP_SIZE);
    assert_int_equal(
        decode("ddc0c0dad901019400000000000000000000000000000000000000000101",
               &b),
        BP_ERR_RLP_TRAILING);
}

static void block_round_trip_on_real_chains(void **state) {
    (void)state;
    static const char *const path[] = { "chains/ethtest/chain.rlp",
                                        "chains/ethtest-pow/chain.rlp" };
    for (int c = 0; c < 2; c++) {
        size_t n, most = 0;
        uint8_t *file = test_read(need_data(path[c]), &n);
        uint8_t *out = malloc(n);
        assert_non_null(out);
        for (bp_span in = { file, n }; in.n > 0;) {
            struct bp_block b;
            struct bp_body body;
            struct bp_rlp_w w = { out, n, 0 };
            const uint8_t *from = in.p;
            assert_int_equal(bp_block_decode(&b, &in), 0);
            bp_block_put(&w, b.header_rlp, &b.body);
            assert_int_equal(w.n, in.p - from);
            assert_memory_equal(out, from, w.n);
            w.n = 0;
            bp_body_put(&w, &b.body);
            bp_span again = { out, w.n };
            assert_int_equal(bp_body_decode(&body, &again), 0);
            assert_int_equal(again.n, 0);
            assert_int_equal(body.transactions.n, b.body.transactions.n);
            assert_int_equal(body.withdrawals.n, b.body.withdrawals.n);
            if (body.transactions.n > most) most = body.transactions.n;
        }
        assert_true(most > 100); /* there are transactions */
        free(out);
        free(file);
    }
}

static void body_none_is_empty(void **state) {
    (void)state;
    uint8_t out[8];
    struct bp_rlp_w w = { out, sizeof out, 0 };
    struct bp_body none = bp_body_none(false), with = bp_body_none(true);
    bp_body_put(&w, &none);
    assert_int_equal(w.n, 3);
    assert_memory_equal(out, "\xc2\xc0\xc0", 3);
    bp_body_put(&w, &with);
    assert_memory_equal(out + 3, "\xc3\xc0\xc0\xc0", 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(body_refuses_other_shapes),
        T(block_round_trip_on_real_chains),
        T(body_none_is_empty),
    };
    return bp_run(tests);
}
