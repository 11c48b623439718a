/* test_session: two sessions talk in memory, in pieces of any size; what is
   altered ends the session; memory may fail at every place. */
#include "unit/rlpx/ends.h"

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
        T(largest_message_passes),
        T(full_queue_pushes_back),
        T(configurations_that_are_refused),
        T(every_allocation_may_fail),
    };
    return bp_run(tests);
}
