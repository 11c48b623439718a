#include "lib/test.h"

static bp_u256 random_u256(struct bp_rng *r) {
    bp_u256 v;
    for (int i = 0; i < 4; i++) v.w[i] = bp_rng_next(r);
    return bp_u256_shr(&v, (unsigned)bp_rng_below(r, 257));
}

static void u256_arithmetic_laws(void **state) {
    (void)state;
    struct bp_rng r;
    bp_rng_seed(&r, test_seed("u256_arithmetic_laws", 0x5eed0001));
    for (int i = 0; i < 20000; i++) {
        bp_u256 a = random_u256(&r), b = random_u256(&r), s, t, q, m;
        bool carry = bp_u256_add(&s, &a, &b);
        assert_int_equal(carry, bp_u256_cmp(&s, &a) < 0);
        assert_false(bp_u256_sub(&t, &s, &b) != carry);
        assert_int_equal(bp_u256_cmp(&t, &a), 0);
        if (bp_u256_is_zero(&b)) continue;
        bp_u256_divmod(&q, &m, &a, &b); /* a = q*b + m, m < b */
        assert_true(bp_u256_cmp(&m, &b) < 0);
        bp_u256 back = m, part;
        for (unsigned l = 0; l < 4; l++) {
            bp_u256_mul_u64(&part, &b, q.w[l]);
            part = bp_u256_shl(&part, 64 * l);
            bp_u256_add(&back, &back, &part);
        }
        assert_int_equal(bp_u256_cmp(&back, &a), 0);
    }
}

static void u256_text_round_trip(void **state) {
    (void)state;
    struct bp_rng r;
    char text[BP_U256_DEC_MAX];
    bp_rng_seed(&r, test_seed("u256_text_round_trip", 0x5eed0002));
    for (int i = 0; i < 5000; i++) {
        bp_u256 a = random_u256(&r), b, c;
        uint8_t be[32];
        size_t n = bp_u256_to_dec(text, &a);
        assert_int_equal(n, strlen(text));
        assert_int_equal(bp_u256_parse(&b, text), 0);
        assert_int_equal(bp_u256_cmp(&a, &b), 0);
        bp_u256_to_be(be, &a);
        c = bp_u256_from_be(be, 32);
        assert_int_equal(bp_u256_cmp(&a, &c), 0);
    }
    bp_u256 v;
    assert_int_equal(bp_u256_parse(&v,
                                   "115792089237316195423570985008687907853"
                                   "269984665640564039457584007913129639935"),
                     0);
    assert_int_equal(bp_u256_bits(&v), 256);
    assert_int_equal(bp_u256_parse(&v,
                                   "115792089237316195423570985008687907853"
                                   "269984665640564039457584007913129639936"),
                     BP_ERR_RANGE);
    assert_int_equal(bp_u256_parse(&v, ""), BP_ERR_FORMAT);
    assert_int_equal(bp_u256_parse(&v, "0x"), BP_ERR_FORMAT);
    assert_int_equal(bp_u256_parse(&v, "12a"), BP_ERR_FORMAT);
    assert_int_equal(bp_u256_parse(&v, "0xff"), 0);
    assert_int_equal(v.w[0], 255);
}

static void u256_shifts(void **state) {
    (void)state;
    bp_u256 one = bp_u256_from_u64(1);
    for (unsigned s = 0; s < 260; s++) {
        bp_u256 up = bp_u256_shl(&one, s), down = bp_u256_shr(&up, s);
        assert_int_equal(bp_u256_bits(&up), s < 256 ? s + 1 : 0);
        assert_int_equal(bp_u256_is_zero(&down), s >= 256);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(u256_arithmetic_laws),
        T(u256_text_round_trip),
        T(u256_shifts),
    };
    return bp_run(tests);
}
