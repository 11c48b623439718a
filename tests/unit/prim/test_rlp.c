#include "lib/vectors.h"

#include "blockpool/rlp.h"

static bp_span lit(const char *hex, uint8_t *buf, size_t cap) {
    return (bp_span){ buf, test_unhex(buf, cap, hex) };
}

static void rlp_item_refuses_what_is_not_canonical(void **state) {
    (void)state;
    static const struct {
        const char *hex;
        int err;
    } bad[] = {
        { "", BP_ERR_RLP_SHORT },       { "8100", BP_ERR_RLP_CANON },
        { "817f", BP_ERR_RLP_CANON },   { "82aa", BP_ERR_RLP_SHORT },
        { "b80161", BP_ERR_RLP_CANON }, { "b90001aa", BP_ERR_RLP_CANON },
        { "b8", BP_ERR_RLP_SHORT },     { "b838aa", BP_ERR_RLP_SHORT },
        { "c1", BP_ERR_RLP_SHORT },     { "f80100", BP_ERR_RLP_CANON },
        { "f8", BP_ERR_RLP_SHORT },     { "ffffffffffffffffff", -20 },
        { "bfffffffffffffffff", -20 },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint8_t buf[64];
        bp_span in = lit(bad[i].hex, buf, sizeof buf), was = in;
        struct bp_rlp_item item;
        assert_int_equal(bp_rlp_item(&item, &in), bad[i].err);
        assert_ptr_equal(in.p, was.p);
        assert_int_equal(in.n, was.n);
    }
}

static void rlp_readers_refuse_and_stay(void **state) {
    (void)state;
    uint8_t buf[64];
    bp_span in = lit("8200ff", buf, sizeof buf), s;
    uint64_t v;
    bp_u256 wide;
    bool b;
    assert_int_equal(bp_rlp_u64(&v, &in), BP_ERR_RLP_CANON);
    assert_int_equal(bp_rlp_u256(&wide, &in), BP_ERR_RLP_CANON);
    assert_int_equal(bp_rlp_list(&s, &in), BP_ERR_RLP_KIND);
    assert_int_equal(in.n, 3);
    in = lit("c0", buf, sizeof buf);
    assert_int_equal(bp_rlp_str(&s, &in), BP_ERR_RLP_KIND);
    assert_int_equal(bp_rlp_u64(&v, &in), BP_ERR_RLP_KIND);
    in = lit("89010000000000000000", buf, sizeof buf);
    assert_int_equal(bp_rlp_u64(&v, &in), BP_ERR_RLP_SIZE);
    assert_int_equal(bp_rlp_u256(&wide, &in), 0);
    assert_int_equal(wide.w[1], 1);
    in = lit("02", buf, sizeof buf);
    assert_int_equal(bp_rlp_bool(&b, &in), BP_ERR_RLP_SIZE);
    assert_int_equal(bp_rlp_bytes(buf + 32, 2, &in), BP_ERR_RLP_SIZE);
    assert_int_equal(bp_rlp_end(in), BP_ERR_RLP_TRAILING);
}

static void rlp_count_stops_at_its_limit(void **state) {
    (void)state;
    uint8_t buf[64];
    size_t n = 0;
    bp_span in = lit("01c0820400", buf, sizeof buf);
    assert_int_equal(bp_rlp_count(&n, in, 3), 0);
    assert_int_equal(n, 3);
    assert_int_equal(bp_rlp_count(&n, in, 2), BP_ERR_RLP_SIZE);
}

static void rlp_check_bounds_its_depth(void **state) {
    (void)state;
    uint8_t deep[256] = { 0 };
    struct bp_rlp_w w = { deep, sizeof deep, 0 };
    for (int d = 0; d <= BP_RLP_DEPTH_MAX; d++) {
        if (d > 0) assert_int_equal(bp_rlp_check((bp_span){ deep, w.n }), 0);
        size_t was = w.n;
        bp_rlp_close(&w, 0); /* one more list around it */
        assert_true(w.n > was);
    }
    assert_int_equal(bp_rlp_check((bp_span){ deep, w.n }), BP_ERR_RLP_DEPTH);
    assert_int_equal(bp_rlp_check((bp_span){ deep, w.n + 1 }),
                     BP_ERR_RLP_TRAILING);
}

static void rlp_writer_counts_and_stays_in_its_buffer(void **state) {
    (void)state;
    struct bp_rng r;
    bp_rng_seed(&r, test_seed("rlp_writer", 0x5eed0101));
    for (int round = 0; round < 2000; round++) {
        uint8_t data[300], buf[400], tight[400];
        size_t n = bp_rng_below(&r, sizeof data);
        uint64_t v = bp_rng_next(&r) >> bp_rng_below(&r, 64);
        bp_u256 wide = { { v, bp_rng_next(&r), 0, v } }, wide2;
        wide = bp_u256_shr(&wide, (unsigned)bp_rng_below(&r, 257));
        bp_rng_bytes(&r, data, sizeof data);
        struct bp_rlp_w count = { NULL, 0, 0 }, w = { buf, sizeof buf, 0 };
        for (int pass = 0; pass < 2; pass++) {
            struct bp_rlp_w *o = pass == 0 ? &count : &w;
            size_t mark = bp_rlp_open(o);
            bp_rlp_put_u64(o, v);
            bp_rlp_put_u256(o, &wide);
            bp_rlp_put_str(o, data, n);
            bp_rlp_close(o, mark);
        }
        assert_int_equal(count.n, w.n);
        size_t payload = bp_rlp_size_u64(v) + bp_rlp_size_u256(&wide) +
                         bp_rlp_size_str(data, n);
        assert_int_equal(w.n, bp_rlp_size_list(payload));
        assert_int_equal(bp_rlp_check((bp_span){ buf, w.n }), 0);
        bp_span in = { buf, w.n }, f, s;
        uint64_t v2;
        assert_int_equal(bp_rlp_list(&f, &in), 0);
        assert_int_equal(bp_rlp_u64(&v2, &f), 0);
        assert_int_equal(bp_rlp_u256(&wide2, &f), 0);
        assert_int_equal(bp_rlp_str(&s, &f), 0);
        assert_int_equal(bp_rlp_end(f), 0);
        assert_int_equal(v, v2);
        assert_int_equal(bp_u256_cmp(&wide, &wide2), 0);
        assert_int_equal(s.n, n);
        assert_memory_equal(s.p, data, n);
        /* One byte short: counted, told, and nothing written past it. */
        memset(tight, 0xee, sizeof tight);
        struct bp_rlp_w t = { tight, w.n - 1, 0 };
        bp_rlp_put_list(&t, payload);
        bp_rlp_put_u64(&t, v);
        bp_rlp_put_u256(&t, &wide);
        bp_rlp_put_str(&t, data, n);
        assert_int_equal(t.n, w.n);
        assert_int_equal(bp_rlp_done(&t), BP_ERR_SPACE);
        assert_int_equal(bp_rlp_done(&w), 0);
        assert_int_equal(tight[w.n - 1], 0xee);
    }
}

/* Writes an item in the vectors' notation: (a b) a list, hex, - nothing. */
static void notation(char *out, bp_span in) {
    bp_span open[BP_RLP_DEPTH_MAX + 1];
    size_t depth = 0;
    struct bp_rlp_item item;
    open[0] = in;
    for (;;) {
        if (open[depth].n == 0) {
            if (depth-- == 0) break;
            if (out[-1] == ' ') out--;
            *out++ = ')';
            *out++ = ' ';
            continue;
        }
        assert_int_equal(bp_rlp_item(&item, &open[depth]), 0);
        if (item.is_list) {
            *out++ = '(';
            open[++depth] = item.payload;
        } else if (item.payload.n == 0) {
            *out++ = '-';
            *out++ = ' ';
        } else {
            bp_hex(out, item.payload.p, item.payload.n);
            out += 2 * item.payload.n;
            *out++ = ' ';
        }
    }
    out[-1] = '\0';
}

static void one_vector(const json_t *v) {
    size_t n;
    uint8_t *rlp = vec_bytes(v, "rlp", &n);
    char got[8192];
    bp_span in = { rlp, n };
    int err = bp_rlp_check(in);
    if ((err == 0) != vec_bool(v, "valid"))
        fail_msg("%s: %s", vec_str(v, "name"), bp_strerror(err));
    if (err == 0) {
        notation(got, in);
        assert_string_equal(got, vec_str(v, "value"));
    }
    free(rlp);
}

static void rlp_published_vectors(void **state) {
    (void)state;
    assert_true(vec_each("vectors/rlp.jsonl", one_vector) >= 38);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(rlp_item_refuses_what_is_not_canonical),
        T(rlp_readers_refuse_and_stay),
        T(rlp_count_stops_at_its_limit),
        T(rlp_check_bounds_its_depth),
        T(rlp_writer_counts_and_stays_in_its_buffer),
        T(rlp_published_vectors),
    };
    return bp_run(tests);
}
