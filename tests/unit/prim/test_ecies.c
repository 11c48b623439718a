/* test_ecies: sealed packets, and what must not open. */
#include "curve.h"
#include "prim/ecies.h"

static void packets_open_only_whole(void **state) {
    (void)state;
    uint8_t secret[32] = { 1 }, fresh[32] = { 2 }, iv[16] = { 3 }, key[64];
    uint8_t plain[50], packet[50 + BP_ECIES_OVERHEAD], out[50];
    const bp_span known = { (const uint8_t *)"\x01\x02", 2 }, none = { out, 0 };
    memset(plain, 'p', sizeof plain);
    assert_int_equal(bp_secp_public(key, &curve, secret), 0);
    assert_int_equal(bp_ecies_seal(packet, &curve, (bp_span){ plain, 50 }, key,
                                   fresh, iv, known),
                     0);
    bp_span whole = { packet, sizeof packet };
    assert_int_equal(bp_ecies_open(out, whole, secret, known), 0);
    assert_memory_equal(out, plain, 50);
    assert_int_equal(bp_ecies_open(out, whole, secret, none), BP_ERR_ECIES);
    assert_int_equal(bp_ecies_open(out, whole, fresh, known), BP_ERR_ECIES);
    for (size_t i = 0; i < sizeof packet; i++) {
        packet[i] ^= 0x01;
        assert_int_equal(bp_ecies_open(out, whole, secret, known),
                         BP_ERR_ECIES);
        packet[i] ^= 0x01;
    }
    for (size_t n = 0; n < sizeof packet; n++) {
        bp_span cut = { packet, n };
        assert_int_equal(bp_ecies_open(out, cut, secret, known), BP_ERR_ECIES);
    }
    static uint8_t long_packet[BP_ECIES_PACKET_MAX + 1] = { 0x04 };
    assert_int_equal(bp_ecies_open(out,
                                   (bp_span){ long_packet, sizeof long_packet },
                                   secret, known),
                     BP_ERR_ECIES);
    /* An empty text is a packet too. */
    assert_int_equal(bp_ecies_seal(packet, &curve, none, key, fresh, iv, none),
                     0);
    assert_int_equal(bp_ecies_open(out, (bp_span){ packet, BP_ECIES_OVERHEAD },
                                   secret, none),
                     0);
    uint8_t zero[32] = { 0 };
    assert_int_equal(bp_ecies_seal(packet, &curve, none, key, zero, iv, none),
                     BP_ERR_RLPX_KEY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(packets_open_only_whole),
    };
    return cmocka_run_group_tests(tests, curve_open, curve_close);
}
