/* test_session: two sessions talk in memory, in pieces of any size; what is
   altered, oversized or out of place ends the session with its error. */
#include "blockpool/rlp.h"
#include "blockpool/rlpx.h"
#include "lib/test.h"
#include "prim/snappy.h"
#include "rlpx/frame.h"
#include "rlpx/p2p.h"

/* ---- two ends -------------------------------------------------------- */

static const struct bp_rlpx_cap eth[] = { { "eth", 68, 17 },
                                          { "eth", 69, 18 } };

static const uint8_t key_a[32] = { 1 }, key_b[32] = { 2 };

/* Where the recipient takes its memory from; NULL: the C library. */
static const struct bp_alloc *memory_b;

struct ends {
    struct bp_rlpx *a, *b; /* initiator, recipient */
    uint8_t random_a[BP_RLPX_RANDOM], random_b[BP_RLPX_RANDOM];
    uint8_t public_a[64], public_b[64];
    struct bp_rlpx_config ca, cb;
};

static void configure(struct ends *e) {
    memset(e, 0, sizeof *e);
    memset(e->random_a, 3, sizeof e->random_a);
    memset(e->random_b, 4, sizeof e->random_b);
    assert_int_equal(bp_rlpx_public_key(e->public_a, key_a), 0);
    assert_int_equal(bp_rlpx_public_key(e->public_b, key_b), 0);
    e->ca = (struct bp_rlpx_config){ .static_key = key_a,
                                     .remote = e->public_b,
                                     .random = e->random_a,
                                     .client = "a/1",
                                     .offers = eth,
                                     .n_offers = 2 };
    e->cb = (struct bp_rlpx_config){ .alloc = memory_b,
                                     .static_key = key_b,
                                     .random = e->random_b,
                                     .client = "b/1",
                                     .offers = eth,
                                     .n_offers = 2 };
}

static void open_ends(struct ends *e) {
    assert_int_equal(bp_rlpx_new(&e->a, &e->ca), 0);
    assert_int_equal(bp_rlpx_new(&e->b, &e->cb), 0);
}

static void close_ends(struct ends *e) {
    bp_rlpx_free(e->a);
    bp_rlpx_free(e->b);
    e->a = e->b = NULL;
}

/* Takes all that waits, as one malloc'd piece of its exact size. */
static uint8_t *take_all(struct bp_rlpx *s, size_t *n) {
    size_t at = 0;
    *n = bp_rlpx_queued(s);
    uint8_t *p = malloc(*n > 0 ? *n : 1);
    for (bp_span out; (out = bp_rlpx_pending(s)).n > 0; at += out.n) {
        memcpy(p + at, out.p, out.n);
        bp_rlpx_sent(s, out.n);
    }
    assert_int_equal(at, *n);
    return p;
}

/* Feeds bytes until an event that is not NONE; counts what was READY. */
static int feed(struct bp_rlpx *s, struct bp_rlpx_event *ev, const uint8_t *p,
                size_t n) {
    bp_span in = { p, n };
    int err;
    do {
        if ((err = bp_rlpx_recv(s, ev, &in)) != 0) return err;
        if (ev->type != BP_RLPX_NONE) assert_int_equal(in.n, 0);
    } while (ev->type == BP_RLPX_NONE && in.n > 0);
    return 0;
}

/* Carries everything that waits from one end to the other. The last event
   counts. */
static int carry(struct bp_rlpx *from, struct bp_rlpx *to,
                 struct bp_rlpx_event *ev) {
    size_t n;
    uint8_t *p = take_all(from, &n);
    bp_span in = { p, n };
    struct bp_rlpx_event last = { 0 };
    int err = 0;
    while (err == 0 && in.n > 0) {
        err = bp_rlpx_recv(to, ev, &in);
        if (ev->type != BP_RLPX_NONE) last = *ev;
    }
    free(p); /* payloads are copies of what came, not of it */
    *ev = last;
    return err;
}

static void make_ready(struct ends *e) {
    struct bp_rlpx_event ev;
    open_ends(e);
    assert_int_equal(carry(e->a, e->b, &ev), 0); /* auth */
    assert_int_equal(ev.type, BP_RLPX_NONE);
    assert_int_equal(carry(e->b, e->a, &ev), 0); /* ack, Hello */
    assert_int_equal(ev.type, BP_RLPX_READY);
    assert_int_equal(carry(e->a, e->b, &ev), 0); /* Hello */
    assert_int_equal(ev.type, BP_RLPX_READY);
}

/* ---- the way it goes ------------------------------------------------- */

static void two_ends_meet(void **state) {
    (void)state;
    struct ends e;
    struct bp_rlpx_event ev;
    size_t n;
    configure(&e);
    open_ends(&e);
    assert_memory_equal(bp_rlpx_remote(e.a), e.public_b, 64);
    assert_null(bp_rlpx_remote(e.b));
    assert_null(bp_rlpx_peer_hello(e.a));
    assert_null(bp_rlpx_shared_caps(e.a, &n));
    assert_int_equal(bp_rlpx_send(e.a, 0, 0, (bp_span){ NULL, 0 }),
                     BP_ERR_RLPX_OVER);
    assert_int_equal(bp_rlpx_ping(e.a), BP_ERR_RLPX_OVER);
    close_ends(&e);

    make_ready(&e);
    assert_memory_equal(bp_rlpx_remote(e.b), e.public_a, 64);
    assert_string_equal(bp_rlpx_peer_hello(e.a)->client, "b/1");
    assert_string_equal(bp_rlpx_peer_hello(e.b)->client, "a/1");
    const struct bp_rlpx_shared *shared = bp_rlpx_shared_caps(e.b, &n);
    assert_int_equal(n, 1);
    assert_int_equal(shared[0].cap.version, 69);
    assert_int_equal(shared[0].offset, 0x10);

    assert_int_equal(bp_rlpx_send(e.a, 0, 17, (bp_span){ e.random_a, 40 }), 0);
    assert_int_equal(carry(e.a, e.b, &ev), 0);
    assert_int_equal(ev.type, BP_RLPX_MESSAGE);
    assert_int_equal(ev.code, 17);
    assert_int_equal(ev.payload.n, 40);
    assert_memory_equal(ev.payload.p, e.random_a, 40);
    assert_int_equal(bp_rlpx_send(e.a, 0, 18, ev.payload), BP_ERR_RANGE);
    assert_int_equal(bp_rlpx_send(e.a, 1, 0, ev.payload), BP_ERR_RANGE);

    assert_int_equal(bp_rlpx_ping(e.b), 0);
    assert_int_equal(carry(e.b, e.a, &ev), 0);
    assert_int_equal(ev.type, BP_RLPX_NONE);
    assert_int_equal(carry(e.a, e.b, &ev), 0);
    assert_int_equal(ev.type, BP_RLPX_PONG);

    bp_rlpx_disconnect(e.b, BP_DISC_TOO_MANY);
    bp_rlpx_disconnect(e.b, BP_DISC_BREACH); /* changes nothing */
    assert_int_equal(carry(e.b, e.a, &ev), 0);
    assert_int_equal(ev.type, BP_RLPX_DISCONNECTED);
    assert_int_equal(ev.reason, BP_DISC_TOO_MANY);
    assert_int_equal(feed(e.a, &ev, key_a, 1), BP_ERR_RLPX_OVER);
    assert_int_equal(feed(e.b, &ev, key_a, 1), BP_ERR_RLPX_OVER);
    assert_int_equal(bp_rlpx_send(e.b, 0, 0, ev.payload), BP_ERR_RLPX_OVER);
    close_ends(&e);
}

/* A message that both sides can compute from its number. */
static size_t numbered(uint8_t *out, size_t max, uint32_t i) {
    struct bp_rng r;
    bp_rng_seed(&r, i);
    size_t n = i % 50 == 49 ? bp_rng_below(&r, max) : bp_rng_below(&r, 2000);
    bp_rng_bytes(&r, out, n);
    if (i % 2 == 0) /* compressible */
        for (size_t k = 0; k < n; k++) out[k] &= 1;
    return n;
}

/* Moves a random part of what waits. Checks the messages that arrive. */
static void move_some(struct bp_rng *r, struct bp_rlpx *from,
                      struct bp_rlpx *to, uint32_t *arrived, uint8_t *want) {
    bp_span out = bp_rlpx_pending(from);
    struct bp_rlpx_event ev;
    if (out.n == 0) return;
    size_t max = bp_rng_below(r, 4) == 0 ? 100000 : 40;
    size_t n = 1 + bp_rng_below(r, out.n < max ? out.n : max);
    uint8_t *copy = malloc(n);
    memcpy(copy, out.p, n);
    bp_rlpx_sent(from, n);
    bp_span in = { copy, n };
    do {
        assert_int_equal(bp_rlpx_recv(to, &ev, &in), 0);
        if (ev.type == BP_RLPX_MESSAGE) {
            size_t len = numbered(want, 300000, *arrived);
            assert_int_equal(ev.code, *arrived % 18);
            assert_int_equal(ev.payload.n, len);
            if (len > 0) assert_memory_equal(ev.payload.p, want, len);
            ++*arrived;
        }
    } while (ev.type != BP_RLPX_NONE);
    free(copy);
}

static void talk_in_random_pieces(void **state) {
    (void)state;
    enum { MESSAGES = 400 };
    struct ends e;
    struct bp_rng r;
    uint32_t sent_a = 0, sent_b = 0, at_a = 0, at_b = 0;
    uint8_t *buf = malloc(300000);
    bp_rng_seed(&r, test_seed("talk_in_random_pieces", 0x7a1c));
    configure(&e);
    open_ends(&e);
    while (at_a < MESSAGES || at_b < MESSAGES) {
        move_some(&r, e.a, e.b, &at_b, buf);
        move_some(&r, e.b, e.a, &at_a, buf);
        for (int side = 0; side < 2; side++) {
            struct bp_rlpx *s = side ? e.a : e.b;
            uint32_t *sent = side ? &sent_a : &sent_b;
            size_t n;
            if (bp_rlpx_shared_caps(s, &n) == NULL || *sent == MESSAGES ||
                bp_rng_below(&r, 3) != 0)
                continue;
            bp_span payload = { buf, numbered(buf, 300000, *sent) };
            assert_int_equal(bp_rlpx_send(s, 0, *sent % 18, payload), 0);
            ++*sent;
            if (*sent % 10 == 0) assert_int_equal(bp_rlpx_ping(s), 0);
        }
    }
    assert_int_equal(sent_a, MESSAGES);
    free(buf);
    close_ends(&e);
}

/* ---- corruption ------------------------------------------------------ */

/* Copies one packet with a byte changed to a new session of that side. */
static void handshake_bytes_all_count(void **state) {
    (void)state;
    struct ends e;
    struct bp_rlpx_event ev;
    size_t n_auth, n_ack, n_rest;
    configure(&e);
    open_ends(&e);
    uint8_t *auth = take_all(e.a, &n_auth);
    for (size_t i = 0; i < n_auth; i++) {
        struct bp_rlpx *b;
        assert_int_equal(bp_rlpx_new(&b, &e.cb), 0);
        auth[i] ^= 0x01;
        int err = feed(b, &ev, auth, n_auth);
        /* A longer length waits for bytes that do not come. */
        if (!(i < 2 && err == 0 && bp_rlpx_remote(b) == NULL))
            assert_true(err == BP_ERR_ECIES || err == BP_ERR_RLPX_HANDSHAKE);
        assert_int_equal(bp_rlpx_queued(b), 0);
        auth[i] ^= 0x01;
        bp_rlpx_free(b);
    }
    assert_int_equal(feed(e.b, &ev, auth, n_auth), 0);
    uint8_t *ack = take_all(e.b, &n_rest);
    n_ack = 2 + ((size_t)ack[0] << 8 | ack[1]);
    for (size_t i = 0; i < n_ack; i++) {
        struct bp_rlpx *a;
        size_t n;
        assert_int_equal(bp_rlpx_new(&a, &e.ca), 0);
        free(take_all(a, &n));
        ack[i] ^= 0x01;
        int err = feed(a, &ev, ack, n_ack);
        if (!(i < 2 && err == 0 && bp_rlpx_queued(a) == 0))
            assert_true(err == BP_ERR_ECIES || err == BP_ERR_RLPX_HANDSHAKE);
        ack[i] ^= 0x01;
        bp_rlpx_free(a);
    }
    free(ack);
    free(auth);
    close_ends(&e);
}

static void frame_bytes_all_count(void **state) {
    (void)state;
    struct ends e;
    struct bp_rlpx_event ev;
    configure(&e);
    for (size_t i = 0;; i++) {
        size_t n;
        make_ready(&e);
        assert_int_equal(bp_rlpx_send(e.a, 0, 2, (bp_span){ key_a, 20 }), 0);
        uint8_t *p = take_all(e.a, &n);
        if (i < n) p[i] ^= 0x10;
        int err = feed(e.b, &ev, p, n);
        free(p);
        assert_int_equal(err, i < n ? BP_ERR_RLPX_MAC : 0);
        if (i < n) { /* the peer is told, and can read it */
            assert_int_equal(carry(e.b, e.a, &ev), 0);
            assert_int_equal(ev.type, BP_RLPX_DISCONNECTED);
            assert_int_equal(ev.reason, BP_DISC_BREACH);
        }
        close_ends(&e);
        if (i == n) break;
    }
}

static void strangers_packets(void **state) {
    (void)state;
    struct ends e;
    struct bp_rlpx_event ev;
    struct bp_rng r;
    bp_rng_seed(&r, test_seed("strangers_packets", 0x57));
    configure(&e);
    for (int i = 0; i < 200; i++) {
        uint8_t junk[3000];
        bp_rng_bytes(&r, junk, sizeof junk);
        junk[0] = (uint8_t)bp_rng_below(&r, 9); /* a length within the limit */
        assert_int_equal(bp_rlpx_new(&e.b, &e.cb), 0);
        assert_int_not_equal(feed(e.b, &ev, junk, sizeof junk), 0);
        assert_int_equal(bp_rlpx_queued(e.b), 0);
        bp_rlpx_free(e.b);
        e.b = NULL;
    }
}

/* ---- a peer that breaks the rules ------------------------------------ */

/* Its own end of the frames, so that it can say anything. The handshake and
   the Hello of `claim` (or none) are done by hand. */
struct liar {
    struct bp_auth auth;
    struct bp_frames frames;
    uint8_t random[BP_RLPX_RANDOM];
};

static void liar_meets(struct liar *l, struct ends *e) {
    struct bp_rlpx_secrets secrets;
    struct bp_rlpx_event ev;
    size_t n;
    configure(e);
    memset(l->random, 9, sizeof l->random);
    struct bp_rlpx_config c = e->ca;
    c.random = l->random;
    assert_int_equal(bp_rlpx_new(&e->b, &e->cb), 0);
    assert_int_equal(bp_auth_init(&l->auth, &c), 0);
    assert_int_equal(bp_auth_write(&l->auth), 0);
    assert_int_equal(feed(e->b, &ev, l->auth.sent, l->auth.n_sent), 0);
    uint8_t *ack = take_all(e->b, &n);
    l->auth.n_got = 2 + ((size_t)ack[0] << 8 | ack[1]);
    memcpy(l->auth.got, ack, l->auth.n_got);
    assert_int_equal(bp_auth_read_ack(&l->auth), 0);
    assert_int_equal(bp_auth_secrets(&secrets, &l->auth, true), 0);
    assert_int_equal(bp_frames_init(&l->frames, &secrets), 0);
    free(ack);
}

static int liar_says_body(struct liar *l, struct ends *e,
                          struct bp_rlpx_event *ev, bp_span body) {
    size_t n = BP_FRAME_HEAD + bp_frame_body_size(body.n);
    uint8_t *frame = malloc(n);
    memcpy(frame + BP_FRAME_HEAD, body.p, body.n);
    assert_int_equal(bp_frame_seal(&l->frames, frame, body.n), n);
    int err = feed(e->b, ev, frame, n);
    free(frame);
    return err;
}

static int liar_says(struct liar *l, struct ends *e, struct bp_rlpx_event *ev,
                     uint8_t code, const void *data, size_t n) {
    uint8_t *body = malloc(1 + n);
    body[0] = code == 0 ? 0x80 : code;
    if (n > 0) memcpy(body + 1, data, n);
    int err = liar_says_body(l, e, ev, (bp_span){ body, 1 + n });
    free(body);
    return err;
}

static int liar_greets(struct liar *l, struct ends *e, struct bp_rlpx_event *ev,
                       const struct bp_rlpx_hello *h) {
    uint8_t text[512];
    size_t n;
    assert_int_equal(bp_hello_encode(text, sizeof text, &n, h), 0);
    return liar_says(l, e, ev, BP_P2P_HELLO, text, n);
}

static struct bp_rlpx_hello honest(const struct ends *e) {
    struct bp_rlpx_hello h = { .version = 5,
                               .client = "liar",
                               .caps = { { "eth", 68, 0 } },
                               .n_caps = 1 };
    memcpy(h.id, e->public_a, 64);
    return h;
}

static void liar_is_ready(struct liar *l, struct ends *e) {
    struct bp_rlpx_event ev;
    liar_meets(l, e);
    struct bp_rlpx_hello h = honest(e);
    assert_int_equal(liar_greets(l, e, &ev, &h), 0);
    assert_int_equal(ev.type, BP_RLPX_READY);
}

static void liar_leaves(struct liar *l, struct ends *e) {
    bp_auth_done(&l->auth);
    bp_frames_done(&l->frames);
    close_ends(e);
}

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

static void largest_message_passes(void **state) {
    (void)state;
    struct ends e;
    struct bp_rlpx_event ev;
    struct test_alloc a;
    struct bp_rng r;
    size_t n = BP_RLPX_MESSAGE_MAX;
    uint8_t *big = malloc(n + 1);
    bp_rng_seed(&r, 10);
    bp_rng_bytes(&r, big, n);
    test_alloc_init(&a);
    memory_b = &a.iface;
    configure(&e);
    make_ready(&e);
    assert_int_equal(bp_rlpx_send(e.a, 0, 4, (bp_span){ big, n + 1 }),
                     BP_ERR_RANGE);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(bp_rlpx_send(e.a, 0, 4, (bp_span){ big, n }), 0);
        assert_int_equal(carry(e.a, e.b, &ev), 0);
        assert_int_equal(ev.type, BP_RLPX_MESSAGE);
        assert_int_equal(ev.payload.n, n);
        assert_memory_equal(ev.payload.p, big, n);
        assert_true(ev.wire_size > n);
    }
    /* Now the other way, until the recipient's queue is full: all limits of
       its memory at once. */
    int sent = 0, err;
    while ((err = bp_rlpx_send(e.b, 0, 4, (bp_span){ big, n })) == 0) sent++;
    assert_int_equal(err, BP_ERR_RLPX_FULL);
    assert_int_equal(sent, 2);
    assert_true(a.peak_bytes <= bp_rlpx_memory_max(&e.cb));
    assert_true(a.peak_bytes > bp_rlpx_memory_max(&e.cb) / 2);
    /* The buffers are given back with the next bytes that come. */
    assert_int_equal(carry(e.b, e.a, &ev), 0);
    assert_int_equal(bp_rlpx_ping(e.a), 0);
    assert_int_equal(carry(e.a, e.b, &ev), 0);
    assert_true(a.live_bytes < 200000);
    close_ends(&e);
    assert_int_equal(a.live_blocks, 0);
    memory_b = NULL;
    free(big);
}

/* A peer that asks and does not read. */
static void full_queue_pushes_back(void **state) {
    (void)state;
    struct ends e;
    struct bp_rlpx_event ev;
    static uint8_t noise[50000];
    struct bp_rng r;
    bp_rng_seed(&r, 11);
    bp_rng_bytes(&r, noise, sizeof noise);
    configure(&e);
    e.cb.message_max = 65536;
    e.cb.queue_max = 200000;
    make_ready(&e);
    bp_span payload = { noise, sizeof noise };
    int sent = 0, err;
    while ((err = bp_rlpx_send(e.b, 0, 4, payload)) == 0) sent++;
    assert_int_equal(err, BP_ERR_RLPX_FULL);
    assert_in_range(sent, 2, 3);
    assert_true(bp_rlpx_queued(e.b) <= e.cb.queue_max);
    /* Reading makes room, and nothing was lost or sent twice. */
    assert_int_equal(carry(e.b, e.a, &ev), 0);
    assert_int_equal(bp_rlpx_send(e.b, 0, 4, payload), 0);
    /* Pings without end: the Pongs fill the queue, and that is the end. */
    err = 0;
    for (int i = 0; i < 20000 && err == 0; i++) {
        assert_int_equal(bp_rlpx_ping(e.a), 0);
        err = carry(e.a, e.b, &ev);
    }
    assert_int_equal(err, BP_ERR_RLPX_FULL);
    assert_true(bp_rlpx_queued(e.b) <= e.cb.queue_max);
    close_ends(&e);
}

/* ---- configuration, memory ------------------------------------------- */

static void configurations_that_are_refused(void **state) {
    (void)state;
    struct ends e;
    struct bp_rlpx *s;
    static const uint8_t zero[64] = { 0 };
    static char name[BP_RLPX_CLIENT_MAX + 2];
    memset(name, 'x', sizeof name - 1);
    struct bp_rlpx_cap bad = { "", 1, 1 };
    memset(bad.name, 'n', sizeof bad.name);
#define REFUSED(side, change, error)                                           \
    configure(&e);                                                             \
    e.side.change;                                                             \
    assert_int_equal(bp_rlpx_new(&s, &e.side), error)
    REFUSED(ca, static_key = zero, BP_ERR_RLPX_KEY);
    REFUSED(ca, remote = zero, BP_ERR_RLPX_KEY);
    REFUSED(ca, remote = e.public_a, BP_ERR_RLPX_SELF);
    REFUSED(ca, random = (const uint8_t[BP_RLPX_RANDOM]){ 0 }, BP_ERR_RLPX_KEY);
    REFUSED(cb, message_max = BP_RLPX_MESSAGE_MAX + 1, BP_ERR_RANGE);
    REFUSED(cb, message_max = 100, BP_ERR_RANGE);
    REFUSED(cb, queue_max = BP_RLPX_MESSAGE_MAX, BP_ERR_RANGE);
    REFUSED(cb, client = name, BP_ERR_RANGE);
    REFUSED(cb, n_offers = BP_RLPX_OFFERS_MAX + 1, BP_ERR_RANGE);
    configure(&e);
    e.cb.offers = &bad;
    e.cb.n_offers = 1;
    assert_int_equal(bp_rlpx_new(&s, &e.cb), BP_ERR_RANGE);
#undef REFUSED
    bp_rlpx_free(NULL);
}

/* The whole story with the n-th allocation failing. */
static int run_story(struct test_alloc *a) {
    struct ends e;
    struct bp_rlpx_event ev;
    static uint8_t big[200000];
    memory_b = &a->iface;
    configure(&e);
    e.ca.alloc = &a->iface;
    int err = bp_rlpx_new(&e.a, &e.ca);
    if (err == 0) err = bp_rlpx_new(&e.b, &e.cb);
    if (err == 0) err = carry(e.a, e.b, &ev);
    if (err == 0) err = carry(e.b, e.a, &ev);
    if (err == 0) err = carry(e.a, e.b, &ev);
    if (err == 0) err = bp_rlpx_send(e.a, 0, 4, (bp_span){ big, sizeof big });
    if (err == 0) err = carry(e.a, e.b, &ev);
    if (err == 0) err = bp_rlpx_ping(e.b);
    if (err == 0) err = carry(e.b, e.a, &ev);
    if (err == 0) err = carry(e.a, e.b, &ev);
    if (e.a != NULL) bp_rlpx_disconnect(e.a, BP_DISC_QUITTING);
    if (err == 0) err = carry(e.a, e.b, &ev);
    if (err == 0 && ev.type != BP_RLPX_DISCONNECTED) err = BP_ERR_NOMEM;
    close_ends(&e);
    memory_b = NULL;
    assert_int_equal(a->live_blocks, 0);
    return err;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    struct test_alloc a;
    test_alloc_init(&a);
    assert_int_equal(run_story(&a), 0);
    size_t total = a.calls;
    assert_true(total > 8);
    for (size_t n = 1; n <= total; n++) {
        test_alloc_init(&a);
        a.fail_at = n;
        assert_int_equal(run_story(&a), BP_ERR_NOMEM);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(two_ends_meet),
        T(talk_in_random_pieces),
        T(handshake_bytes_all_count),
        T(frame_bytes_all_count),
        T(strangers_packets),
        T(older_initiator_is_answered),
        T(hellos_that_are_refused),
        T(messages_that_are_refused),
        T(version_4_is_not_compressed),
        T(huge_frames_cost_nothing),
        T(huge_messages_cost_nothing),
        T(largest_message_passes),
        T(full_queue_pushes_back),
        T(configurations_that_are_refused),
        T(every_allocation_may_fail),
    };
    return bp_run(tests);
}
