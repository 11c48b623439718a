/* session.c: the handshake, then frames, then messages; one step at a time.

       HANDSHAKE --secrets--> HELLO --Hello--> OPEN
           |                    |                |
           '--------- error, Disconnect ---------'--> OVER

   A happy initiator: new queues auth; recv takes ack, queues Hello; recv takes
   Hello, says READY. A happy recipient: recv takes auth, queues ack and Hello;
   the rest is the same. What goes wrong ends in fail(). */
#include <assert.h>
#include <string.h>

#include "base/try.h"
#include "blockpool/rlp.h"
#include "prim/snappy.h"
#include "rlpx/frame.h"
#include "rlpx/p2p.h"
#include "rlpx/queue.h"

/* A message code before the data: an integer of up to 8 bytes. Ours have at
   most four. */
#define CODE_MAX 9

/* A frame's body gets this much memory on its word alone, the rest when that
   much has come. */
#define BODY_FIRST ((size_t)64 << 10)

/* A buffer above this size is given back after its message: a thousand headers
   fit below it. */
#define BUFFER_KEEP ((size_t)1 << 20)

enum phase { HANDSHAKE, HELLO, OPEN, OVER };

struct buffer {
    uint8_t *p;
    size_t cap;
};

struct bp_rlpx {
    const struct bp_alloc *alloc;
    enum phase phase;
    bool initiator;
    bool snappy; /* both sides speak version 5 */
    size_t message_max, queue_max;
    struct bp_auth *auth; /* until the handshake is done */
    struct bp_frames frames;
    bool have_frames;
    uint8_t remote[64];
    bool have_remote, have_hello;
    /* The frame being read: its head, then (want > 0) its body. */
    uint8_t head[BP_FRAME_HEAD];
    size_t n_head;
    size_t body_n;    /* code and data, without padding and MAC */
    size_t body_want; /* 0: a head is due */
    size_t body_got;
    struct buffer body, message;
    struct bp_queue out;
    struct bp_rlpx_hello ours, theirs;
    struct bp_rlpx_cap offers[BP_RLPX_OFFERS_MAX];
    size_t n_offers;
    struct bp_rlpx_shared shared[BP_RLPX_OFFERS_MAX];
    size_t n_shared;
};

/* ---- memory ---------------------------------------------------------- */

static void buffer_free(struct bp_rlpx *s, struct buffer *b) {
    bp_free(s->alloc, b->p, b->cap);
    *b = (struct buffer){ NULL, 0 };
}

/* At least n bytes, of which the first `keep` stay. */
static int buffer_need(struct bp_rlpx *s, struct buffer *b, size_t n,
                       size_t keep) {
    if (n <= b->cap) return 0;
    if (keep == 0) buffer_free(s, b);
    uint8_t *p = b->p != NULL ? bp_grow(s->alloc, b->p, b->cap, n)
                              : bp_malloc(s->alloc, n);
    if (p == NULL) return BP_ERR_NOMEM;
    *b = (struct buffer){ p, n };
    return 0;
}

static size_t frame_body_max(size_t message_max) {
    size_t n = CODE_MAX + bp_snappy_block_room(message_max);
    return n < BP_RLPX_FRAME_MAX ? n : BP_RLPX_FRAME_MAX;
}

static size_t or_default(size_t n, size_t if_zero) {
    return n != 0 ? n : if_zero;
}

/* Room in the queue that a message may need, in its own piece. */
static size_t frame_room(size_t payload) {
    size_t body = CODE_MAX + bp_snappy_block_room(payload);
    return BP_FRAME_HEAD + bp_frame_body_size(body);
}

/* The largest message, and what the queue spends on a piece. */
static size_t queue_min(size_t message_max) {
    return frame_room(message_max) + BP_QUEUE_PIECE;
}

/* A Disconnect may go beyond the limit by one piece. */
size_t bp_rlpx_memory_max(const struct bp_rlpx_config *c) {
    size_t message = or_default(c->message_max, BP_RLPX_MESSAGE_MAX);
    size_t body = bp_frame_body_size(frame_body_max(message));
    return sizeof(struct bp_rlpx) + sizeof(struct bp_auth) + bp_secp_memory() +
           BODY_FIRST + body + message +
           or_default(c->queue_max, BP_RLPX_QUEUE_MAX) + 2 * BP_QUEUE_PIECE;
}

/* ---- new, free ------------------------------------------------------- */

static int check_config(const struct bp_rlpx_config *c) {
    size_t message = or_default(c->message_max, BP_RLPX_MESSAGE_MAX);
    if (message > BP_RLPX_MESSAGE_MAX || message < BP_RLPX_P2P_MAX)
        return BP_ERR_RANGE;
    if (or_default(c->queue_max, BP_RLPX_QUEUE_MAX) < queue_min(message))
        return BP_ERR_RANGE;
    if (c->n_offers > BP_RLPX_OFFERS_MAX ||
        strlen(c->client) > BP_RLPX_CLIENT_MAX)
        return BP_ERR_RANGE;
    for (size_t i = 0; i < c->n_offers; i++)
        if (memchr(c->offers[i].name, '\0', sizeof c->offers[i].name) == NULL)
            return BP_ERR_RANGE;
    return 0;
}

static void keep_config(struct bp_rlpx *s, const struct bp_rlpx_config *c) {
    s->initiator = c->remote != NULL;
    s->message_max = or_default(c->message_max, BP_RLPX_MESSAGE_MAX);
    s->queue_max = or_default(c->queue_max, BP_RLPX_QUEUE_MAX);
    s->out.alloc = c->alloc;
    s->n_offers = c->n_offers;
    s->ours.version = BP_P2P_VERSION;
    memcpy(s->ours.client, c->client, strlen(c->client)); /* checked */
    s->ours.listen_port = c->listen_port;
    s->ours.n_caps = c->n_offers;
    for (size_t i = 0; i < c->n_offers; i++)
        s->offers[i] = s->ours.caps[i] = c->offers[i];
    memcpy(s->ours.id, s->auth->public_key, sizeof s->ours.id);
}

static int queue_bytes(struct bp_rlpx *s, const uint8_t *p, size_t n) {
    uint8_t *to;
    BP_TRY(bp_queue_reserve(&to, &s->out, n, s->queue_max));
    memcpy(to, p, n);
    bp_queue_commit(&s->out, n);
    return 0;
}

static void drop_auth(struct bp_rlpx *s) {
    if (s->auth == NULL) return;
    bp_auth_done(s->auth);
    bp_free(s->alloc, s->auth, sizeof *s->auth);
    s->auth = NULL;
}

int bp_rlpx_new(struct bp_rlpx **out, const struct bp_rlpx_config *c) {
    int err;
    BP_TRY(check_config(c));
    struct bp_rlpx *s = bp_zalloc(c->alloc, sizeof *s);
    if (s == NULL) return BP_ERR_NOMEM;
    s->alloc = c->alloc;
    s->auth = bp_zalloc(c->alloc, sizeof *s->auth);
    err = BP_ERR_NOMEM;
    if (s->auth == NULL) goto fail;
    if ((err = bp_auth_init(s->auth, c)) != 0) goto fail;
    keep_config(s, c);
    if (s->initiator) {
        memcpy(s->remote, c->remote, sizeof s->remote);
        s->have_remote = true;
        if ((err = bp_auth_write(s->auth)) != 0) goto fail;
        err = queue_bytes(s, s->auth->sent, s->auth->n_sent);
        if (err != 0) goto fail;
    }
    *out = s;
    return 0;
fail:
    bp_rlpx_free(s);
    return err;
}

void bp_rlpx_free(struct bp_rlpx *s) {
    if (s == NULL) return;
    const struct bp_alloc *alloc = s->alloc;
    drop_auth(s);
    if (s->have_frames) bp_frames_done(&s->frames);
    bp_queue_done(&s->out);
    buffer_free(s, &s->body);
    buffer_free(s, &s->message);
    bp_wipe(s, sizeof *s);
    bp_free(alloc, s, sizeof *s);
}

int bp_rlpx_public_key(uint8_t out[64], const uint8_t secret[32]) {
    static const uint8_t no_blinding[32] = { 0 };
    struct bp_secp curve;
    BP_TRY(bp_secp_init(&curve, NULL, no_blinding));
    int err = bp_secp_public(out, &curve, secret);
    bp_secp_done(&curve);
    return err;
}

/* ---- sending --------------------------------------------------------- */

/* Writes code and payload as a frame into the queue. */
static int queue_frame(struct bp_rlpx *s, uint32_t code, bp_span payload,
                       size_t queue_max) {
    uint8_t *frame;
    BP_TRY(bp_queue_reserve(&frame, &s->out, frame_room(payload.n), queue_max));
    struct bp_rlp_w w = { frame + BP_FRAME_HEAD, CODE_MAX, 0 };
    bp_rlp_put_u64(&w, code);
    uint8_t *data = w.p + w.n;
    size_t n = payload.n;
    if (s->snappy)
        n = bp_snappy_block_encode(data, payload);
    else if (n > 0)
        memcpy(data, payload.p, n);
    bp_queue_commit(&s->out, bp_frame_seal(&s->frames, frame, w.n + n));
    return 0;
}

int bp_rlpx_send(struct bp_rlpx *s, unsigned cap, uint32_t code,
                 bp_span payload) {
    if (s->phase != OPEN) return BP_ERR_RLPX_OVER;
    if (cap >= s->n_shared || code >= s->shared[cap].cap.length ||
        payload.n > s->message_max)
        return BP_ERR_RANGE;
    return queue_frame(s, s->shared[cap].offset + code, payload, s->queue_max);
}

static const bp_span empty_list = { (const uint8_t *)"\xc0", 1 };

int bp_rlpx_ping(struct bp_rlpx *s) {
    if (s->phase != OPEN) return BP_ERR_RLPX_OVER;
    return queue_frame(s, BP_P2P_PING, empty_list, s->queue_max);
}

void bp_rlpx_disconnect(struct bp_rlpx *s, enum bp_disc reason) {
    uint8_t text[BP_DISCONNECT_SIZE];
    bool can_say = s->have_frames && s->phase != OVER;
    s->phase = OVER;
    if (!can_say) return;
    bp_disconnect_encode(text, reason);
    /* Without memory it leaves without a word. */
    int err = queue_frame(s, BP_P2P_DISCONNECT, (bp_span){ text, sizeof text },
                          SIZE_MAX);
    (void)err;
}

bp_span bp_rlpx_pending(const struct bp_rlpx *s) {
    return bp_queue_front(&s->out);
}

void bp_rlpx_sent(struct bp_rlpx *s, size_t n) {
    bp_queue_take(&s->out, n);
}

size_t bp_rlpx_queued(const struct bp_rlpx *s) {
    return s->out.n;
}

const uint8_t *bp_rlpx_remote(const struct bp_rlpx *s) {
    return s->have_remote ? s->remote : NULL;
}

const struct bp_rlpx_hello *bp_rlpx_peer_hello(const struct bp_rlpx *s) {
    return s->have_hello ? &s->theirs : NULL;
}

const struct bp_rlpx_shared *bp_rlpx_shared_caps(const struct bp_rlpx *s,
                                                 size_t *n) {
    *n = s->n_shared;
    return s->n_shared > 0 ? s->shared : NULL;
}

/* ---- the handshake --------------------------------------------------- */

static int send_hello(struct bp_rlpx *s) {
    uint8_t text[BP_RLPX_P2P_MAX];
    size_t n;
    BP_TRY(bp_hello_encode(text, sizeof text, &n, &s->ours));
    return queue_frame(s, BP_P2P_HELLO, (bp_span){ text, n }, s->queue_max);
}

static int finish_handshake(struct bp_rlpx *s) {
    struct bp_rlpx_secrets secrets;
    struct bp_auth *a = s->auth;
    if (s->initiator) {
        BP_TRY(bp_auth_read_ack(a));
    } else {
        BP_TRY(bp_auth_read(a));
        memcpy(s->remote, a->remote, sizeof s->remote);
        s->have_remote = true;
        BP_TRY(bp_auth_write_ack(a));
        BP_TRY(queue_bytes(s, a->sent, a->n_sent));
    }
    BP_TRY(bp_auth_secrets(&secrets, a, s->initiator));
    drop_auth(s);
    int err = bp_frames_init(&s->frames, &secrets);
    bp_wipe(&secrets, sizeof secrets);
    if (err != 0) {
        bp_frames_done(&s->frames);
        return err;
    }
    s->have_frames = true;
    s->phase = HELLO;
    return send_hello(s);
}

/* Moves up to n - *have bytes. */
static void fill(uint8_t *to, size_t *have, size_t n, bp_span *in) {
    size_t part = n - *have < in->n ? n - *have : in->n;
    memcpy(to + *have, in->p, part);
    *have += part;
    in->p += part;
    in->n -= part;
}

static int take_handshake(struct bp_rlpx *s, bp_span *in) {
    struct bp_auth *a = s->auth;
    size_t want;
    for (;;) {
        BP_TRY(bp_auth_want(&want, a, s->initiator));
        if (a->n_got == want) return finish_handshake(s);
        if (in->n == 0) return 0;
        fill(a->got, &a->n_got, want, in);
    }
}

/* ---- messages -------------------------------------------------------- */

static int take_hello(struct bp_rlpx *s, struct bp_rlpx_event *ev,
                      bp_span payload) {
    BP_TRY(bp_hello_decode(&s->theirs, payload));
    if (!bp_secp_same(s->theirs.id, s->remote)) return BP_ERR_RLPX_IDENTITY;
    s->have_hello = true;
    s->n_shared = bp_rlpx_negotiate(s->shared, s->offers, s->n_offers,
                                    s->theirs.caps, s->theirs.n_caps);
    s->snappy = s->theirs.version >= BP_P2P_VERSION;
    if (s->n_shared == 0) return BP_ERR_RLPX_USELESS;
    s->phase = OPEN;
    ev->type = BP_RLPX_READY;
    return 0;
}

/* Decompresses where that was agreed; the length is believed only below max,
   and memory is taken only then. */
static int unpack(struct bp_rlpx *s, bp_span *payload, size_t max) {
    size_t n;
    if (!s->snappy) return payload->n <= max ? 0 : BP_ERR_SNAPPY_SIZE;
    BP_TRY(bp_snappy_block_size(&n, *payload));
    if (n > max) return BP_ERR_SNAPPY_SIZE;
    BP_TRY(buffer_need(s, &s->message, n > 0 ? n : 1, 0));
    BP_TRY(bp_snappy_block_decode(s->message.p, n, &n, *payload));
    *payload = (bp_span){ s->message.p, n };
    return 0;
}

static int take_own(struct bp_rlpx *s, struct bp_rlpx_event *ev, uint64_t code,
                    bp_span data) {
    bp_span payload = data;
    if (code == BP_P2P_DISCONNECT) {
        /* Some clients do not compress it; one that leaves may do so. */
        if (unpack(s, &payload, BP_RLPX_P2P_MAX) != 0) payload = data;
        ev->type = BP_RLPX_DISCONNECTED;
        ev->reason = bp_disconnect_decode(payload);
        s->phase = OVER;
        return 0;
    }
    BP_TRY(unpack(s, &payload, BP_RLPX_P2P_MAX));
    switch (code) {
    case BP_P2P_HELLO:
        if (s->phase == OPEN) return BP_ERR_RLPX_HELLO;
        return take_hello(s, ev, payload);
    case BP_P2P_PING:
        return queue_frame(s, BP_P2P_PONG, empty_list, s->queue_max);
    case BP_P2P_PONG: ev->type = BP_RLPX_PONG; return 0;
    }
    return 0; /* reserved; other clients let them pass as well */
}

static int take_message(struct bp_rlpx *s, struct bp_rlpx_event *ev,
                        bp_span body) {
    uint64_t code;
    size_t wire = BP_FRAME_HEAD + s->body_want;
    if (bp_rlp_u64(&code, &body) != 0) return BP_ERR_RLPX_CODE;
    if (s->phase == HELLO && code != BP_P2P_HELLO && code != BP_P2P_DISCONNECT)
        return BP_ERR_RLPX_CODE;
    if (code < BP_P2P_LENGTH) return take_own(s, ev, code, body);
    unsigned cap = 0;
    while (cap < s->n_shared &&
           code - s->shared[cap].offset >= s->shared[cap].cap.length)
        cap++;
    if (cap == s->n_shared) return BP_ERR_RLPX_CODE;
    BP_TRY(unpack(s, &body, s->message_max));
    ev->type = BP_RLPX_MESSAGE;
    ev->cap = cap;
    ev->code = (uint32_t)code - s->shared[cap].offset;
    ev->payload = body;
    ev->wire_size = wire;
    return 0;
}

/* ---- frames ---------------------------------------------------------- */

static int take_head(struct bp_rlpx *s, bp_span *in) {
    size_t n, max = CODE_MAX + BP_RLPX_P2P_MAX;
    fill(s->head, &s->n_head, sizeof s->head, in);
    if (s->n_head < sizeof s->head) return 0;
    s->n_head = 0;
    BP_TRY(bp_frame_open_head(&n, &s->frames, s->head));
    if (s->phase == OPEN) max = frame_body_max(s->message_max);
    if (n == 0 || n > max) return BP_ERR_RLPX_FRAME;
    s->body_n = n;
    s->body_want = bp_frame_body_size(n);
    s->body_got = 0;
    return 0;
}

static int take_body(struct bp_rlpx *s, struct bp_rlpx_event *ev, bp_span *in) {
    size_t room = s->body_got < BODY_FIRST && s->body_want > BODY_FIRST
                      ? BODY_FIRST
                      : s->body_want;
    BP_TRY(buffer_need(s, &s->body, room, s->body_got));
    size_t want = s->body_want < s->body.cap ? s->body_want : s->body.cap;
    fill(s->body.p, &s->body_got, want, in);
    if (s->body_got < s->body_want) return 0;
    BP_TRY(bp_frame_open_body(&s->frames, s->body.p, s->body_n));
    BP_TRY(take_message(s, ev, (bp_span){ s->body.p, s->body_n }));
    s->body_want = 0;
    return 0;
}

/* ---- receiving ------------------------------------------------------- */

/* What to tell the peer about an error; false: nothing it would understand. */
static bool reason_of(enum bp_disc *reason, int err) {
    *reason = BP_DISC_BREACH;
    switch (err) {
    case BP_ERR_NOMEM: *reason = BP_DISC_QUITTING; return true;
    case BP_ERR_RLPX_USELESS: *reason = BP_DISC_USELESS; return true;
    case BP_ERR_RLPX_IDENTITY: *reason = BP_DISC_UNEXPECTED; return true;
    case BP_ERR_RLPX_FULL: return false; /* it does not read */
    }
    return true;
}

static int fail(struct bp_rlpx *s, struct bp_rlpx_event *ev, int err) {
    enum bp_disc reason;
    memset(ev, 0, sizeof *ev);
    if (reason_of(&reason, err)) bp_rlpx_disconnect(s, reason);
    s->phase = OVER;
    return err;
}

int bp_rlpx_recv(struct bp_rlpx *s, struct bp_rlpx_event *ev, bp_span *in) {
    int err = 0;
    memset(ev, 0, sizeof *ev);
    if (s->phase == OVER) return BP_ERR_RLPX_OVER;
    if (s->message.cap > BUFFER_KEEP) buffer_free(s, &s->message);
    if (s->body_want == 0 && s->body.cap > BUFFER_KEEP)
        buffer_free(s, &s->body);
    while (err == 0 && ev->type == BP_RLPX_NONE && in->n > 0) {
        if (s->phase == HANDSHAKE)
            err = take_handshake(s, in);
        else if (s->body_want == 0)
            err = take_head(s, in);
        else
            err = take_body(s, ev, in);
    }
    return err == 0 ? 0 : fail(s, ev, err);
}
