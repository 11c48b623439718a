/* ends.c: carrying bytes between two sessions; the liar. */
#include "unit/rlpx/ends.h"

/* ---- two ends -------------------------------------------------------- */

static const struct bp_rlpx_cap eth[] = { { "eth", 68, 17 },
                                          { "eth", 69, 18 } };

const uint8_t key_a[32] = { 1 }, key_b[32] = { 2 };
const struct bp_alloc *memory_b;

void configure(struct ends *e) {
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

void open_ends(struct ends *e) {
    assert_int_equal(bp_rlpx_new(&e->a, &e->ca), 0);
    assert_int_equal(bp_rlpx_new(&e->b, &e->cb), 0);
}

void close_ends(struct ends *e) {
    bp_rlpx_free(e->a);
    bp_rlpx_free(e->b);
    e->a = e->b = NULL;
}

uint8_t *take_all(struct bp_rlpx *s, size_t *n) {
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

int feed(struct bp_rlpx *s, struct bp_rlpx_event *ev, const uint8_t *p,
         size_t n) {
    bp_span in = { p, n };
    int err;
    do {
        if ((err = bp_rlpx_recv(s, ev, &in)) != 0) return err;
        if (ev->type != BP_RLPX_NONE) assert_int_equal(in.n, 0);
    } while (ev->type == BP_RLPX_NONE && in.n > 0);
    return 0;
}

int carry(struct bp_rlpx *from, struct bp_rlpx *to, struct bp_rlpx_event *ev) {
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

void make_ready(struct ends *e) {
    struct bp_rlpx_event ev;
    open_ends(e);
    assert_int_equal(carry(e->a, e->b, &ev), 0); /* auth */
    assert_int_equal(ev.type, BP_RLPX_NONE);
    assert_int_equal(carry(e->b, e->a, &ev), 0); /* ack, Hello */
    assert_int_equal(ev.type, BP_RLPX_READY);
    assert_int_equal(carry(e->a, e->b, &ev), 0); /* Hello */
    assert_int_equal(ev.type, BP_RLPX_READY);
}

/* ---- a peer that breaks the rules ------------------------------------ */

void liar_meets(struct liar *l, struct ends *e) {
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

int liar_says_body(struct liar *l, struct ends *e, struct bp_rlpx_event *ev,
                   bp_span body) {
    size_t n = BP_FRAME_HEAD + bp_frame_body_size(body.n);
    uint8_t *frame = malloc(n);
    memcpy(frame + BP_FRAME_HEAD, body.p, body.n);
    assert_int_equal(bp_frame_seal(&l->frames, frame, body.n), n);
    int err = feed(e->b, ev, frame, n);
    free(frame);
    return err;
}

int liar_says(struct liar *l, struct ends *e, struct bp_rlpx_event *ev,
              uint8_t code, const void *data, size_t n) {
    uint8_t *body = malloc(1 + n);
    body[0] = code == 0 ? 0x80 : code;
    if (n > 0) memcpy(body + 1, data, n);
    int err = liar_says_body(l, e, ev, (bp_span){ body, 1 + n });
    free(body);
    return err;
}

int liar_greets(struct liar *l, struct ends *e, struct bp_rlpx_event *ev,
                const struct bp_rlpx_hello *h) {
    uint8_t text[512];
    size_t n;
    assert_int_equal(bp_hello_encode(text, sizeof text, &n, h), 0);
    return liar_says(l, e, ev, BP_P2P_HELLO, text, n);
}

struct bp_rlpx_hello honest(const struct ends *e) {
    struct bp_rlpx_hello h = { .version = 5,
                               .client = "liar",
                               .caps = { { "eth", 68, 0 } },
                               .n_caps = 1 };
    memcpy(h.id, e->public_a, 64);
    return h;
}

void liar_is_ready(struct liar *l, struct ends *e) {
    struct bp_rlpx_event ev;
    liar_meets(l, e);
    struct bp_rlpx_hello h = honest(e);
    assert_int_equal(liar_greets(l, e, &ev, &h), 0);
    assert_int_equal(ev.type, BP_RLPX_READY);
}

void liar_leaves(struct liar *l, struct ends *e) {
    bp_auth_done(&l->auth);
    bp_frames_done(&l->frames);
    close_ends(e);
}
