#include "lib/test.h"

#include "blockpool/chain.h"
#include "blockpool/keccak.h"

static void put_log(struct bp_rlp_w *w, uint8_t address, int topics) {
    uint8_t a[20];
    bp_hash topic;
    memset(a, address, sizeof a);
    size_t log = bp_rlp_open(w);
    bp_rlp_put_str(w, a, sizeof a);
    size_t list = bp_rlp_open(w);
    for (int i = 0; i < topics; i++) {
        memset(topic.b, address + i, sizeof topic.b);
        bp_rlp_put_hash(w, &topic);
    }
    bp_rlp_close(w, list);
    bp_rlp_put_str(w, "data", 4);
    bp_rlp_close(w, log);
}

/* Yellow Paper 4.3.1, M3:2048, a bit at a time. */
static void set_bits(uint8_t bloom[256], const void *bytes, size_t n) {
    bp_hash h;
    bp_keccak256(&h, (bp_span){ bytes, n });
    for (int i = 0; i < 6; i += 2) {
        unsigned bit = (256u * h.b[i] + h.b[i + 1]) % 2048;
        bloom[(2047 - bit) / 8] |= (uint8_t)(0x80 >> (2047 - bit) % 8);
    }
}

static void receipt_bloom_is_that_of_the_definition(void **state) {
    (void)state;
    static uint8_t buf[20000];
    struct bp_rlp_w w = { buf, sizeof buf, 0 };
    uint8_t got[256] = { 0 }, want[256] = { 0 };
    size_t list = bp_rlp_open(&w);
    for (int i = 0; i < 60; i++) {
        uint8_t bytes[32];
        put_log(&w, (uint8_t)i, i % 5);
        memset(bytes, i, sizeof bytes);
        set_bits(want, bytes, 20);
        for (int k = 0; k < i % 5; k++) {
            memset(bytes, i + k, sizeof bytes);
            set_bits(want, bytes, 32);
        }
    }
    bp_rlp_close(&w, list);
    bp_bloom_add(got, (bp_span){ buf, w.n });
    assert_memory_equal(got, want, 256);
}

static void receipt_round_trip(void **state) {
    (void)state;
    static uint8_t logs[2000], out[3000];
    struct bp_rlp_w w = { logs, sizeof logs, 0 };
    size_t list = bp_rlp_open(&w);
    put_log(&w, 1, 2);
    put_log(&w, 2, 0);
    bp_rlp_close(&w, list);
    static const uint8_t root[32] = { 9 };
    static const uint8_t one[1] = { 1 };
    const bp_span status[] = { { one, 0 }, { one, 1 }, { root, 32 } };
    for (uint8_t type = 0; type < 5; type++)
        for (int i = 0; i < 3; i++) {
            struct bp_receipt r, back;
            memset(&r, 0, sizeof r);
            r.type = type;
            r.status = status[i];
            r.gas = 1000000u * type;
            r.bloom[type] = 1;
            r.logs = (bp_span){ logs, w.n };
            struct bp_rlp_w o = { out, sizeof out, 0 };
            bp_receipt_put(&o, &r);
            bp_span in = { out, o.n };
            assert_int_equal(bp_receipt_decode(&back, &in), 0);
            assert_int_equal(in.n, 0);
            assert_int_equal(back.type, type);
            assert_int_equal(back.gas, r.gas);
            assert_int_equal(back.status.n, r.status.n);
            assert_memory_equal(back.bloom, r.bloom, 256);
            assert_int_equal(back.logs.n, r.logs.n);
        }
}

static void receipt_refuses_other_shapes(void **state) {
    (void)state;
    static const struct {
        const char *hex;
        int err;
    } row[] = {
        { "c0", BP_ERR_RLP_SHORT },  { "80", BP_ERR_RLP_SIZE },
        { "00", BP_ERR_RLP_SIZE },   { "8205c0", BP_ERR_RLP_SIZE },
        { "c102", BP_ERR_RLP_SIZE }, /* a status that is neither */
        { "c1c0", BP_ERR_RLP_KIND }, { "8302c001", BP_ERR_RLP_TRAILING },
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        uint8_t buf[64];
        struct bp_receipt r;
        bp_span in = { buf, test_unhex(buf, sizeof buf, row[i].hex) };
        size_t n = in.n;
        if (bp_receipt_decode(&r, &in) != row[i].err)
            fail_msg("%s: not %s", row[i].hex, bp_strerror(row[i].err));
        assert_int_equal(in.n, n);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(receipt_bloom_is_that_of_the_definition),
        T(receipt_round_trip),
        T(receipt_refuses_other_shapes),
    };
    return bp_run(tests);
}
