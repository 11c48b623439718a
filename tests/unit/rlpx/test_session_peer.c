/* test_session_peer: a peer whose handshake is good says what it must not: each
   ends the session with its error, and huge lengths cost no memory. */
#include "prim/snappy.h"
#include "unit/rlpx/ends.h"

/* An initiator from before EIP-8: its packet in that form gets an answer in
   that form, and the frames work. */
static void older_initiator_is_answered(void **state) {
    (void)state;
    static struct liar l;
    struct ends e;
    struct bp_rlpx_event ev;
    struct bp_rlpx_secrets secrets;
    uint8_t text[194] = { 0 }, token[32], sig[65], fresh[64];
    const bp_span none = { NULL, 0 };
    configure(&e);
    memset(l.random, 9, sizeof l.random);
    struct bp_rlpx_config c = e.ca;
    c.random = l.random;
    assert_int_equal(bp_rlpx_new(&e.b, &e.cb), 0);
    struct bp_auth *a = &l.auth;
    assert_int_equal(bp_auth_init(a, &c), 0);
    assert_int_equal(bp_secp_ecdh(token, a->secret, a->remote), 0);
    for (int i = 0; i < 32; i++) token[i] ^= a->nonce[i];
    assert_int_equal(bp_secp_sign(sig, &a->curve, a->ephemeral, token), 0);
    assert_int_equal(bp_secp_public(fresh, &a->curve, a->ephemeral), 0);
    memcpy(text, sig, 65);
    bp_keccak256((bp_hash *)(text + 65), (bp_span){ fresh, 64 });
    memcpy(text + 97, a->public_key, 64);
    memcpy(text + 161, a->nonce, 32);
    assert_int_equal(bp_ecies_seal(a->sent, &a->curve,
                                   (bp_span){ text, sizeof text }, a->remote,
                                   a->seal_key, a->seal_iv, none),
                     0);
    a->n_sent = BP_AUTH_PLAIN_SIZE;
    assert_int_equal(feed(e.b, &ev, a->sent, a->n_sent), 0);

    size_t n;
    uint8_t *answer = take_all(e.b, &n);
    assert_true(n > BP_ACK_PLAIN_SIZE);
    a->n_got = BP_ACK_PLAIN_SIZE;
    memcpy(a->got, answer, a->n_got);
    free(answer);
    assert_int_equal(
        bp_ecies_open(text, (bp_span){ a->got, a->n_got }, a->secret, none), 0);
    memcpy(a->remote_ephemeral, text, 64);
    memcpy(a->remote_nonce, text + 64, 32);
    assert_int_equal(bp_auth_secrets(&secrets, a, true), 0);
    assert_int_equal(bp_frames_init(&l.frames, &secrets), 0);
    struct bp_rlpx_hello h = honest(&e);
    assert_int_equal(liar_greets(&l, &e, &ev, &h), 0);
    assert_int_equal(ev.type, BP_RLPX_READY);
    liar_leaves(&l, &e);
}

static void hellos_that_are_refused(void **state) {
    (void)state;
    static struct liar l;
    struct ends e;
    struct bp_rlpx_event ev;
    struct bp_rlpx_hello h;

    liar_meets(&l, &e); /* another identity than the handshake's */
    h = honest(&e);
    h.id[5] ^= 1;
    assert_int_equal(liar_greets(&l, &e, &ev, &h), BP_ERR_RLPX_IDENTITY);
    liar_leaves(&l, &e);

    liar_meets(&l, &e); /* nothing in common; its name is known all the same */
    h = honest(&e);
    h.caps[0].version = 63;
    assert_int_equal(liar_greets(&l, &e, &ev, &h), BP_ERR_RLPX_USELESS);
    assert_string_equal(bp_rlpx_peer_hello(e.b)->client, "liar");
    liar_leaves(&l, &e);

    liar_meets(&l, &e);
    assert_int_equal(liar_says(&l, &e, &ev, BP_P2P_HELLO, "\xc0", 1),
                     BP_ERR_RLP_SHORT);
    liar_leaves(&l, &e);

    liar_meets(&l, &e); /* anything else comes first */
    assert_int_equal(liar_says(&l, &e, &ev, BP_P2P_PING, "\xc0", 1),
                     BP_ERR_RLPX_CODE);
    liar_leaves(&l, &e);
    liar_meets(&l, &e);
    assert_int_equal(liar_says(&l, &e, &ev, 0x10, "\xc0", 1), BP_ERR_RLPX_CODE);
    liar_leaves(&l, &e);

    liar_meets(&l, &e); /* or it leaves instead: too many peers */
    assert_int_equal(liar_says(&l, &e, &ev, BP_P2P_DISCONNECT, "\xc1\x04", 2),
                     0);
    assert_int_equal(ev.type, BP_RLPX_DISCONNECTED);
    assert_int_equal(ev.reason, BP_DISC_TOO_MANY);
    liar_leaves(&l, &e);

    liar_is_ready(&l, &e); /* twice */
    h = honest(&e);
    uint8_t text[512], packed[1024];
    size_t n;
    assert_int_equal(bp_hello_encode(text, sizeof text, &n, &h), 0);
    n = bp_snappy_block_encode(packed, (bp_span){ text, n });
    assert_int_equal(liar_says(&l, &e, &ev, BP_P2P_HELLO, packed, n),
                     BP_ERR_RLPX_HELLO);
    liar_leaves(&l, &e);
}

static void messages_that_are_refused(void **state) {
    (void)state;
    static struct liar l;
    struct ends e;
    struct bp_rlpx_event ev;

    liar_is_ready(&l, &e); /* the last code of eth/68, and the next one */
    assert_int_equal(liar_says(&l, &e, &ev, 0x20, "\x01\x00\xc0", 3), 0);
    assert_int_equal(ev.code, 0x10);
    assert_int_equal(liar_says(&l, &e, &ev, 0x21, "\x01\x00\xc0", 3),
                     BP_ERR_RLPX_CODE);
    liar_leaves(&l, &e);

    liar_is_ready(&l, &e); /* a code above 32 bits */
    assert_int_equal(
        liar_says_body(
            &l, &e, &ev,
            (bp_span){ (const uint8_t *)"\x88\x01\0\0\0\0\0\0\x10\0", 10 }),
        BP_ERR_RLPX_CODE);
    liar_leaves(&l, &e);

    liar_is_ready(&l, &e); /* no code at all */
    assert_int_equal(
        liar_says_body(&l, &e, &ev, (bp_span){ (const uint8_t *)"\xc0", 1 }),
        BP_ERR_RLPX_CODE);
    liar_leaves(&l, &e);

    liar_is_ready(&l, &e); /* not compressed, though agreed upon */
    assert_int_equal(liar_says(&l, &e, &ev, 0x10, "\xc0", 1), BP_ERR_SNAPPY);
    liar_leaves(&l, &e);

    liar_is_ready(&l, &e); /* reserved codes of the session pass */
    assert_int_equal(liar_says(&l, &e, &ev, 0x0f, "\x01\x00\xc0", 3), 0);
    assert_int_equal(ev.type, BP_RLPX_NONE);
    /* so does a Disconnect that is not compressed */
    assert_int_equal(liar_says(&l, &e, &ev, BP_P2P_DISCONNECT, "\xc1\x08", 2),
                     0);
    assert_int_equal(ev.reason, BP_DISC_QUITTING);
    liar_leaves(&l, &e);
}

static void version_4_is_not_compressed(void **state) {
    (void)state;
    static struct liar l;
    struct ends e;
    struct bp_rlpx_event ev;
    liar_meets(&l, &e);
    struct bp_rlpx_hello h = honest(&e);
    h.version = 4;
    assert_int_equal(liar_greets(&l, &e, &ev, &h), 0);
    assert_int_equal(liar_says(&l, &e, &ev, 0x13, "\xc2\x01\x02", 3), 0);
    assert_int_equal(ev.type, BP_RLPX_MESSAGE);
    assert_int_equal(ev.payload.n, 3);
    assert_memory_equal(ev.payload.p, "\xc2\x01\x02", 3);
    size_t n;
    free(take_all(e.b, &n));
    assert_int_equal(bp_rlpx_send(e.b, 0, 4, (bp_span){ key_a, 32 }), 0);
    uint8_t *p = take_all(e.b, &n);
    assert_int_equal(n, BP_FRAME_HEAD + bp_frame_body_size(33));
    free(p);
    liar_leaves(&l, &e);
}

/* ---- limits ---------------------------------------------------------- */

static void huge_frames_cost_nothing(void **state) {
    (void)state;
    static struct liar l;
    struct ends e;
    struct bp_rlpx_event ev;
    struct test_alloc a;
    uint8_t *big = calloc(1, BP_FRAME_HEAD + bp_frame_body_size(0xffffff));
    /* Before the Hello 2 KiB are enough, after it what a compressed message
       of 10 MiB can need; its head alone is worth 64 KiB. */
    static const struct {
        bool ready;
        uint32_t n;
        int err;
    } cases[] = {
        { false, 2058, BP_ERR_RLPX_FRAME },
        { false, 2057, 0 },
        { true, 0xffffff, BP_ERR_RLPX_FRAME },
        { true, 12233428, BP_ERR_RLPX_FRAME },
        { true, 12233427, 0 },
        { true, 0, BP_ERR_RLPX_FRAME },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        test_alloc_init(&a);
        memory_b = &a.iface;
        if (cases[i].ready)
            liar_is_ready(&l, &e);
        else
            liar_meets(&l, &e);
        size_t before = a.live_bytes;
        bp_frame_seal(&l.frames, big, cases[i].n);
        int err = feed(e.b, &ev, big, BP_FRAME_HEAD + 1);
        if (err != cases[i].err) fail_msg("case %zu: %s", i, bp_errname(err));
        assert_true(a.live_bytes <= before + 65536 + BP_RLPX_QUEUE_MAX / 1000);
        liar_leaves(&l, &e);
        assert_int_equal(a.live_blocks, 0);
    }
    memory_b = NULL;
    free(big);
}

static void huge_messages_cost_nothing(void **state) {
    (void)state;
    static struct liar l;
    struct ends e;
    struct bp_rlpx_event ev;
    struct test_alloc a;
    static const struct {
        uint8_t code;
        const char *data;
        size_t n;
    } cases[] = {
        { 0x10, "\xff\xff\xff\xff\x0f\x00", 6 }, /* 4 GiB */
        { 0x10, "\x81\x80\x80\x05\x00\x00", 6 }, /* 10 MiB and a byte */
        { BP_P2P_PING, "\x81\x10\x00\x00", 4 },  /* 2 KiB and a byte */
        { BP_P2P_PONG, "\x81\x10\x00\x00", 4 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        test_alloc_init(&a);
        memory_b = &a.iface;
        liar_is_ready(&l, &e);
        size_t before = a.live_bytes;
        assert_int_equal(
            liar_says(&l, &e, &ev, cases[i].code, cases[i].data, cases[i].n),
            BP_ERR_SNAPPY_SIZE);
        assert_true(a.live_bytes <= before + 64);
        liar_leaves(&l, &e);
    }
    memory_b = NULL;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(older_initiator_is_answered), T(hellos_that_are_refused),
        T(messages_that_are_refused),   T(version_4_is_not_compressed),
        T(huge_frames_cost_nothing),    T(huge_messages_cost_nothing),
    };
    return bp_run(tests);
}
