/* rlpx_recv: a session after the handshake, with a peer that says anything.

   The input is a list of sayings: code, two bytes of length, and that many
   bytes; the peer seals each as a frame. Bit 7 of byte 0 leaves the honest
   Hello out, bit 6 delivers in pieces of 1 to 8 bytes, bit 5 spoils a byte.
   Laws: an event tells what was said; an error is the peer's or the world's,
   and the end; an altered frame is always noticed. */
#include <string.h>

#include "fuzz.h"
#include "prim/snappy.h"
#include "rlpx/frame.h"
#include "rlpx/p2p.h"

static const struct bp_rlpx_cap eth[] = { { "eth", 68, 17 } };
static const uint8_t our_key[32] = { 1 }, their_key[32] = { 2 };

/* The peer's side of a handshake in which nothing is random: the same every
   time, so it is done once. */
struct peer {
    bool done;
    uint8_t auth[BP_AUTH_PACKET_MAX];
    size_t n_auth;
    struct bp_rlpx_secrets secrets;
    uint8_t id[64];
};

static struct bp_rlpx *new_session(void) {
    struct bp_rlpx *s;
    uint8_t random[BP_RLPX_RANDOM];
    memset(random, 3, sizeof random);
    struct bp_rlpx_config c = { .static_key = our_key,
                                .random = random,
                                .client = "fuzz",
                                .offers = eth,
                                .n_offers = 1,
                                .message_max = 1 << 16,
                                .queue_max = 1 << 18 };
    fuzz_law(bp_rlpx_new(&s, &c) == 0);
    return s;
}

/* Feeds one packet and gives the session's answer, of at most cap bytes. */
static size_t exchange(struct bp_rlpx *s, bp_span in, uint8_t *out,
                       size_t cap) {
    struct bp_rlpx_event ev;
    size_t n = 0;
    fuzz_law(bp_rlpx_recv(s, &ev, &in) == 0 && in.n == 0);
    for (bp_span p; (p = bp_rlpx_pending(s)).n > 0; n += p.n) {
        fuzz_law(p.n <= cap - n);
        memcpy(out + n, p.p, p.n);
        bp_rlpx_sent(s, p.n);
    }
    return n;
}

static const struct peer *the_peer(void) {
    static struct peer p;
    static struct bp_auth a;
    uint8_t random[BP_RLPX_RANDOM], remote[64], answer[8192];
    if (p.done) return &p;
    memset(random, 5, sizeof random);
    fuzz_law(bp_rlpx_public_key(remote, our_key) == 0);
    struct bp_rlpx_config c = { .static_key = their_key,
                                .remote = remote,
                                .random = random };
    fuzz_law(bp_auth_init(&a, &c) == 0 && bp_auth_write(&a) == 0);
    memcpy(p.auth, a.sent, p.n_auth = a.n_sent);
    memcpy(p.id, a.public_key, sizeof p.id);
    struct bp_rlpx *s = new_session();
    exchange(s, (bp_span){ p.auth, p.n_auth }, answer, sizeof answer);
    bp_rlpx_free(s);
    a.n_got = 2 + ((size_t)answer[0] << 8 | answer[1]);
    memcpy(a.got, answer, a.n_got);
    fuzz_law(bp_auth_read_ack(&a) == 0);
    fuzz_law(bp_auth_secrets(&p.secrets, &a, true) == 0);
    bp_auth_done(&a);
    p.done = true;
    return &p;
}

struct talk {
    struct bp_rlpx *s;
    struct bp_frames frames;
    size_t piece; /* bytes delivered at once */
    bool ready;
};

/* What the session must make of a message, after a good frame. */
static void check_message(const struct talk *t, const struct bp_rlpx_event *ev,
                          uint8_t code, bp_span data) {
    uint8_t *want = malloc(1 << 16);
    size_t n;
    fuzz_law(t->ready && code >= 0x10 && code == ev->code + 0x10u);
    if (bp_rlpx_peer_hello(t->s)->version >= 5) {
        fuzz_law(bp_snappy_block_decode(want, 1 << 16, &n, data) == 0);
        data = (bp_span){ want, n };
    }
    fuzz_law(ev->payload.n == data.n);
    fuzz_law(data.n == 0 || memcmp(ev->payload.p, data.p, data.n) == 0);
    free(want);
}

/* Returns false at the session's end. */
static bool say(struct talk *t, uint8_t code, bp_span data, size_t spoil) {
    size_t body = 1 + data.n, n = BP_FRAME_HEAD + bp_frame_body_size(body);
    uint8_t *frame = malloc(n);
    struct bp_rlpx_event ev;
    int err = 0;
    frame[BP_FRAME_HEAD] = code == 0 ? 0x80 : code & 0x7f;
    if (data.n > 0) memcpy(frame + BP_FRAME_HEAD + 1, data.p, data.n);
    fuzz_law(bp_frame_seal(&t->frames, frame, body) == n);
    if (spoil > 0) frame[spoil % n] ^= 0x20;
    bool over = false;
    for (size_t at = 0; at < n && err == 0 && !over;) {
        size_t piece = n - at < t->piece ? n - at : t->piece;
        uint8_t *copy = malloc(piece);
        memcpy(copy, frame + at, piece);
        bp_span in = { copy, piece };
        do {
            err = bp_rlpx_recv(t->s, &ev, &in);
            if (ev.type == BP_RLPX_MESSAGE)
                check_message(t, &ev, code & 0x7f, data);
            if (ev.type == BP_RLPX_READY) t->ready = true;
            over = ev.type == BP_RLPX_DISCONNECTED;
        } while (err == 0 && !over && in.n > 0);
        free(copy);
        at += piece;
    }
    free(frame);
    fuzz_law(spoil == 0 || err != 0);
    if (err != 0) {
        fuzz_law(bp_err_fault(err) != BP_OURS && bp_err_fault(err) != BP_USER);
        bp_span more = { data.p, 0 };
        fuzz_law(bp_rlpx_recv(t->s, &ev, &more) == BP_ERR_RLPX_OVER);
    }
    return err == 0 && !over;
}

static bool say_hello(struct talk *t, const struct peer *p) {
    struct bp_rlpx_hello h = { .version = 5,
                               .client = "peer",
                               .caps = { { "eth", 68, 0 } },
                               .n_caps = 1 };
    uint8_t text[512];
    size_t n;
    memcpy(h.id, p->id, sizeof h.id);
    fuzz_law(bp_hello_encode(text, sizeof text, &n, &h) == 0);
    return say(t, BP_P2P_HELLO, (bp_span){ text, n }, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct peer *p = the_peer();
    struct talk t = { .s = new_session(), .piece = SIZE_MAX };
    uint8_t answer[8192];
    if (size == 0) goto done;
    uint8_t how = data[0];
    size_t at = 1;
    if (how & 0x40) t.piece = 1 + how % 8;
    exchange(t.s, (bp_span){ p->auth, p->n_auth }, answer, sizeof answer);
    fuzz_law(bp_frames_init(&t.frames, &p->secrets) == 0);
    bool open = how & 0x80 || say_hello(&t, p);
    while (open && size - at >= 3) {
        size_t n = (size_t)data[at + 1] << 8 | data[at + 2],
               left = size - at - 3;
        bool spoil = how & 0x20 && data[at + 1] == 0x01;
        if (n > left) n = left;
        open =
            say(&t, data[at], (bp_span){ data + at + 3, n }, spoil ? 1 + n : 0);
        at += 3 + n;
    }
    bp_frames_done(&t.frames);
done:
    bp_rlpx_free(t.s);
    return 0;
}
