#include "lib/test.h"

#include "blockpool/chain.h"

/* Every transaction of a real chain, of all five types, is written back. */
static void tx_round_trip_on_a_real_chain(void **state) {
    (void)state;
    size_t n, seen[5] = { 0 };
    uint8_t *file = test_read(need_data("chains/ethtest/chain.rlp"), &n);
    for (bp_span in = { file, n }; in.n > 0;) {
        struct bp_block b;
        bp_span txs;
        assert_int_equal(bp_block_decode(&b, &in), 0);
        assert_int_equal(bp_rlp_list(&txs, &b.body.transactions), 0);
        while (txs.n > 0) {
            struct bp_tx tx;
            uint8_t out[65536];
            struct bp_rlp_w w = { out, sizeof out, 0 };
            const uint8_t *from = txs.p;
            assert_int_equal(bp_tx_decode(&tx, &txs), 0);
            bp_tx_put(&w, &tx);
            assert_int_equal(w.n, txs.p - from);
            assert_memory_equal(out, from, w.n);
            seen[tx.type]++;
            assert_int_equal(tx.n_blobs > 0, tx.type == BP_TX_BLOB);
            assert_int_equal(tx.n_authorizations > 0,
                             tx.type == BP_TX_SET_CODE);
            assert_int_equal(tx.chain_id.w[0],
                             tx.is_protected ? 3503995874084926 : 0);
        }
    }
    for (int t = 0; t < 5; t++) assert_true(seen[t] > 0);
    free(file);
}

/* The example of EIP-155: nonce 9, 20 gwei, 21000 gas, one ether, chain 1. */
static void tx_example_of_eip_155(void **state) {
    (void)state;
    static const char hex[] =
        "f86c098504a817c800825208943535353535353535353535353535353535353535880d"
        "e0b6b3a76400008025a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1"
        "590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1"
        "966a3b6d83";
    uint8_t buf[256];
    struct bp_tx tx;
    bp_span in = { buf, test_unhex(buf, sizeof buf, hex) };
    assert_int_equal(bp_tx_decode(&tx, &in), 0);
    assert_int_equal(tx.type, BP_TX_LEGACY);
    assert_int_equal(tx.nonce, 9);
    assert_int_equal(tx.max_fee.w[0], 20000000000);
    assert_int_equal(tx.gas_limit, 21000);
    assert_int_equal(tx.value.w[0], 1000000000000000000);
    assert_true(tx.is_protected && !tx.creates);
    assert_int_equal(tx.chain_id.w[0], 1);
    assert_int_equal(tx.to[0], 0x35);
}

static void tx_refuses_other_shapes(void **state) {
    (void)state;
    static const struct {
        const char *hex;
        int err;
    } row[] = {
        { "05", BP_ERR_RULE_TX_TYPE },
        { "8205c0", BP_ERR_RULE_TX_TYPE },
        { "00", BP_ERR_RULE_TX_TYPE },
        { "80", BP_ERR_RLP_SIZE },
        { "8201c0", BP_ERR_RLP_SHORT },
        { "8302c001", BP_ERR_RLP_TRAILING },
        { "820180", BP_ERR_RLP_KIND },
        { "c0", BP_ERR_RLP_SHORT },
        /* A destination of one byte, and a tenth field. */
        { "c9010101018001010101", BP_ERR_RLP_SIZE },
        { "ca01010180018001010101", BP_ERR_RLP_TRAILING },
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        uint8_t buf[64];
        struct bp_tx tx;
        bp_span in = { buf, test_unhex(buf, sizeof buf, row[i].hex) };
        size_t n = in.n;
        if (bp_tx_decode(&tx, &in) != row[i].err)
            fail_msg("%s: not %s", row[i].hex, bp_strerror(row[i].err));
        assert_int_equal(in.n, n);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(tx_round_trip_on_a_real_chain),
        T(tx_example_of_eip_155),
        T(tx_refuses_other_shapes),
    };
    return bp_run(tests);
}
