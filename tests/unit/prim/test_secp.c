/* test_secp: keys, signatures, and bytes that are neither. */
#include "curve.h"

/* The order of the group; secrets are below it. */
static const char order[] =
    "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

static void keys_and_refused_keys(void **state) {
    (void)state;
    uint8_t secret[32] = { 0 }, key[64], shared[32];
    char text[129];
    assert_int_equal(bp_secp_public(key, &curve, secret), BP_ERR_RLPX_KEY);
    assert_int_equal(bp_secp_check_secret(secret), BP_ERR_RLPX_KEY);
    secret[31] = 1; /* the generator: SEC 2, secp256k1 */
    assert_int_equal(bp_secp_public(key, &curve, secret), 0);
    bp_hex(text, key, 64);
    assert_string_equal(
        text,
        "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
        "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8");
    assert_int_equal(bp_secp_check_public(key), 0);
    assert_int_equal(bp_secp_ecdh(shared, secret, key), 0);
    assert_memory_equal(shared, key, 32); /* x itself */
    key[63] ^= 1;
    assert_int_equal(bp_secp_check_public(key), BP_ERR_RLPX_KEY);
    assert_int_equal(bp_secp_ecdh(shared, secret, key), BP_ERR_RLPX_KEY);
    key[63] ^= 1;
    assert_int_equal(bp_secp_check_secret(secret), 0);
    test_unhex(secret, 32, order);
    assert_int_equal(bp_secp_check_secret(secret), BP_ERR_RLPX_KEY);
    assert_int_equal(bp_secp_public(key, &curve, secret), BP_ERR_RLPX_KEY);
    assert_int_equal(bp_secp_ecdh(shared, secret, key), BP_ERR_RLPX_KEY);
    uint8_t sig[65], hash[32] = { 1 };
    assert_int_equal(bp_secp_sign(sig, &curve, secret, hash), BP_ERR_RLPX_KEY);
}

static void signatures_recover(void **state) {
    (void)state;
    struct bp_rng r;
    bp_rng_seed(&r, test_seed("signatures_recover", 0xec));
    for (int i = 0; i < 20; i++) {
        uint8_t secret[32], key[64], back[64], sig[65], hash[32];
        bp_rng_bytes(&r, secret, 32);
        bp_rng_bytes(&r, hash, 32);
        assert_int_equal(bp_secp_public(key, &curve, secret), 0);
        assert_int_equal(bp_secp_sign(sig, &curve, secret, hash), 0);
        assert_int_equal(bp_secp_recover(back, sig, hash), 0);
        assert_memory_equal(key, back, 64);
        hash[0] ^= 1;
        if (bp_secp_recover(back, sig, hash) == 0)
            assert_memory_not_equal(key, back, 64);
        sig[64] = 4;
        assert_int_equal(bp_secp_recover(back, sig, hash), BP_ERR_RLPX_KEY);
        memset(sig, 0, sizeof sig);
        assert_int_equal(bp_secp_recover(back, sig, hash), BP_ERR_RLPX_KEY);
    }
}

static void no_memory_for_the_curve(void **state) {
    (void)state;
    static const uint8_t seed[32] = { 0 };
    struct test_alloc a;
    struct bp_secp c;
    test_alloc_init(&a);
    a.fail_at = 1;
    assert_int_equal(bp_secp_init(&c, &a.iface, seed), BP_ERR_NOMEM);
    bp_secp_done(&c); /* harmless */
    assert_int_equal(a.live_blocks, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(keys_and_refused_keys),
        T(signatures_recover),
        T(no_memory_for_the_curve),
    };
    return cmocka_run_group_tests(tests, curve_open, curve_close);
}
