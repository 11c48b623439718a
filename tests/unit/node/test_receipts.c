/* Receipts for eth/69: no bloom, the type inside. */
#include "node/receipts.h"

#include "blockpool/chain.h"
#include "lib/test.h"

/* [status 1, gas 21000, bloom, []] */
static void put_receipt(struct bp_rlp_w *w) {
    static const uint8_t bloom[256];
    size_t mark = bp_rlp_open(w);
    bp_rlp_put_u64(w, 1);
    bp_rlp_put_u64(w, 21000);
    bp_rlp_put_str(w, bloom, sizeof bloom);
    bp_rlp_put_list(w, 0);
    bp_rlp_close(w, mark);
}

static void leaves_out_the_bloom(void **state) {
    (void)state;
    uint8_t raw[2048], one[512], buf[2048];
    struct bp_rlp_w w = { .p = raw, .cap = sizeof raw };
    struct bp_rlp_w typed = { .p = one, .cap = sizeof one };
    uint8_t type = 2;
    bp_rlp_put_raw(&typed, &type, 1);
    put_receipt(&typed);
    size_t mark = bp_rlp_open(&w);
    put_receipt(&w);
    bp_rlp_put_str(&w, one, typed.n);
    bp_rlp_close(&w, mark);

    bp_span out;
    assert_int_equal(
        receipts_without_bloom(&out, buf, sizeof buf, (bp_span){ raw, w.n }),
        0);
    /* [[0, 1, 21000, []], [2, 1, 21000, []]] */
    uint8_t want[64];
    size_t n = test_unhex(want, sizeof want,
                          "ce"
                          "c68001825208c0"
                          "c60201825208c0");
    assert_int_equal(out.n, n);
    assert_memory_equal(out.p, want, n);
    assert_int_equal(
        receipts_without_bloom(&out, buf, 10, (bp_span){ raw, w.n }),
        BP_ERR_SPACE);
}

static void keeps_an_empty_list(void **state) {
    (void)state;
    static const uint8_t none[] = { 0xc0 };
    uint8_t buf[8];
    bp_span out;
    assert_int_equal(
        receipts_without_bloom(&out, buf, sizeof buf, (bp_span){ none, 1 }), 0);
    assert_int_equal(out.n, 1);
    assert_int_equal(out.p[0], 0xc0);
}

static void refuses_what_is_no_receipt(void **state) {
    (void)state;
    static const char *const bad[] = { "80",       "c101",   "c1c0",
                                       "c3c20102", "c28102", "c6c58080808080" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint8_t raw[16], buf[64];
        bp_span out;
        size_t n = test_unhex(raw, sizeof raw, bad[i]);
        assert_int_not_equal(
            receipts_without_bloom(&out, buf, sizeof buf, (bp_span){ raw, n }),
            0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(leaves_out_the_bloom),
        T(keeps_an_empty_list),
        T(refuses_what_is_no_receipt),
    };
    return bp_run(tests);
}
