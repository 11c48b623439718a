/* test_status: both forms; what is refused, and in which order. */
#include "lib/test.h"
#include "proto/msg.h"

static struct bp_msg_status ours(unsigned version) {
    struct bp_msg_status s = { .version = version,
                               .network = 1,
                               .genesis = { { 0xd4, 0xe5 } },
                               .fork_hash = { 0xfc, 0x64, 0xec, 0x04 },
                               .fork_next = 1150000,
                               .head = { { 0xbb } } };
    if (version >= 69) {
        s.earliest = 100;
        s.latest = 8191;
    } else {
        s.td = bp_u256_from_u64(UINT64_MAX);
        s.td.w[3] = 1ull << 63;
    }
    return s;
}

static size_t encode(uint8_t out[256], const struct bp_msg_status *s,
                     unsigned form) {
    struct bp_rlp_w w = { out, 256, 0 };
    bp_status_put(&w, s, form);
    assert_int_equal(bp_rlp_done(&w), 0);
    return w.n;
}

static void round_trip_in_every_version(void **state) {
    (void)state;
    for (unsigned v = BP_ETH_VERSION_MIN; v <= BP_ETH_VERSION_MAX; v++) {
        struct bp_msg_status s = ours(v), back;
        uint8_t text[256];
        size_t n = encode(text, &s, v);
        assert_int_equal(bp_status_decode(&back, v, (bp_span){ text, n }), 0);
        assert_memory_equal(&s, &back, sizeof s);
        for (size_t cut = 0; cut < n; cut++)
            assert_int_not_equal(
                bp_status_decode(&back, v, (bp_span){ text, cut }), 0);
        /* The other form is no Status of this version. */
        n = encode(text, &s, v == 69 ? 68 : 69);
        assert_int_not_equal(bp_status_decode(&back, v, (bp_span){ text, n }),
                             0);
    }
}

static int receive(const struct bp_msg_status *theirs, unsigned form,
                   uint64_t code) {
    struct bp_msg_status us = ours(form), got;
    uint8_t text[256];
    size_t n = encode(text, theirs, form);
    return bp_status_receive(&got, &us, code, (bp_span){ text, n });
}

/* Catalogue row W1. */
static void first_message_is_a_status_of_our_chain(void **state) {
    (void)state;
    for (unsigned v = 68; v <= 69; v++) {
        const struct bp_msg_status good = ours(v);
        struct bp_msg_status s = good;
        assert_int_equal(receive(&s, v, BP_MSG_STATUS), 0);
        assert_int_equal(receive(&s, v, BP_MSG_TRANSACTIONS), BP_ERR_ETH_FIRST);
        s.version = 10;
        assert_int_equal(receive(&s, v, BP_MSG_STATUS), BP_ERR_ETH_VERSION);
        s = good;
        s.network = 999;
        assert_int_equal(receive(&s, v, BP_MSG_STATUS), BP_ERR_ETH_NETWORK);
        s = good;
        s.genesis.b[31] ^= 1;
        assert_int_equal(receive(&s, v, BP_MSG_STATUS), BP_ERR_ETH_GENESIS);
        /* All at once: network, then version, then genesis. The fork id is the
           caller's and comes last. */
        s.network = 2;
        s.version = 10;
        s.fork_hash[0] = 0;
        assert_int_equal(receive(&s, v, BP_MSG_STATUS), BP_ERR_ETH_NETWORK);
        s.network = 1;
        assert_int_equal(receive(&s, v, BP_MSG_STATUS), BP_ERR_ETH_VERSION);
        s.version = v;
        assert_int_equal(receive(&s, v, BP_MSG_STATUS), BP_ERR_ETH_GENESIS);
        s.genesis = good.genesis;
        assert_int_equal(receive(&s, v, BP_MSG_STATUS), 0);
    }
    assert_int_equal(bp_status_receive(&(struct bp_msg_status){ 0 },
                                       &(struct bp_msg_status){ .version = 68 },
                                       BP_MSG_STATUS,
                                       (bp_span){ (const uint8_t *)"\x80", 1 }),
                     BP_ERR_RLP_KIND);
}

static void range_that_ends_before_it_begins(void **state) {
    (void)state;
    struct bp_msg_status s = ours(69);
    s.earliest = s.latest;
    assert_int_equal(receive(&s, 69, BP_MSG_STATUS), 0);
    s.earliest = s.latest + 1;
    assert_int_equal(receive(&s, 69, BP_MSG_STATUS), BP_ERR_ETH_RANGE);
    /* 66 to 68 have no range, and it is not looked at there. */
    assert_int_equal(receive(&s, 68, BP_MSG_STATUS), BP_ERR_ETH_VERSION);
}

/* Catalogue row X24, for the hash, and for the fork hash's four bytes. */
static void fields_of_the_wrong_size(void **state) {
    (void)state;
    static const size_t sizes[] = { 0, 3, 31, 33 };
    for (size_t i = 0; i < 4; i++)
        for (int field = 0; field < 3; field++) {
            uint8_t text[256], bytes[33] = { 9 };
            struct bp_rlp_w w = { text, sizeof text, 0 };
            struct bp_msg_status got;
            size_t list = bp_rlp_open(&w);
            bp_rlp_put_u64(&w, 68);
            bp_rlp_put_u64(&w, 1);
            bp_rlp_put_u64(&w, 17179869184);
            bp_rlp_put_str(&w, bytes, field == 0 ? sizes[i] : 32);
            bp_rlp_put_str(&w, bytes, field == 1 ? sizes[i] : 32);
            size_t fork = bp_rlp_open(&w);
            bp_rlp_put_str(&w, bytes, field == 2 ? sizes[i] : 4);
            bp_rlp_put_u64(&w, 0);
            bp_rlp_close(&w, fork);
            bp_rlp_close(&w, list);
            assert_int_equal(bp_status_decode(&got, 68, (bp_span){ text, w.n }),
                             BP_ERR_RLP_SIZE);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(round_trip_in_every_version),
        T(first_message_is_a_status_of_our_chain),
        T(range_that_ends_before_it_begins),
        T(fields_of_the_wrong_size),
    };
    return bp_run(tests);
}
