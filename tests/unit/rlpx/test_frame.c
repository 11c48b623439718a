/* test_frame: published frames and MACs; whatever byte changes is refused. */
#include <openssl/evp.h>

#include "lib/vectors.h"
#include "rlpx/frame.h"

/* ---- vectors --------------------------------------------------------- */

static void empty_secrets(struct bp_rlpx_secrets *s) {
    memset(s, 0, sizeof *s);
    bp_keccak256_init(&s->egress);
    bp_keccak256_init(&s->ingress);
}

static void one_mac(const json_t *v) {
    struct bp_rlpx_secrets s;
    struct bp_frames f;
    size_t i;
    const json_t *op;
    uint8_t want[16];
    empty_secrets(&s);
    vec_fixed(v, "mac_secret", s.mac, 32);
    assert_int_equal(bp_frames_init(&f, &s), 0);
    json_array_foreach(vec_get(v, "operations"), i, op) {
        const char *what = json_string_value(json_array_get(op, 0));
        const char *hex = json_string_value(json_array_get(op, 1));
        uint8_t bytes[256];
        size_t n = test_unhex(bytes, sizeof bytes, hex);
        if (strcmp(what, "updateBody") == 0) {
            bp_mac_body(&f.egress, (bp_span){ bytes, n });
        } else {
            assert_string_equal(what, "update");
            bp_keccak_update(&f.egress.hash, bytes, n);
            bp_mac_init(&f.egress, &f.egress.hash, f.mac);
        }
    }
    vec_fixed(v, "digest", want, 16);
    assert_memory_equal(f.egress.digest, want, 16);
    bp_frames_done(&f);
}

/* Its MACs are a stub, so the cipher text alone is compared. */
static void one_stub_frame(const json_t *v) {
    struct bp_rlpx_secrets s;
    struct bp_frames f;
    size_t n, n_msg;
    empty_secrets(&s);
    vec_fixed(v, "aes_secret", s.aes, 32);
    vec_fixed(v, "mac_secret", s.mac, 32);
    uint8_t *want = vec_bytes(v, "frame", &n);
    uint8_t *msg = vec_bytes(v, "message_rlp", &n_msg);
    uint8_t got[128];
    assert_true(n <= sizeof got);
    got[BP_FRAME_HEAD] = (uint8_t)vec_u64(v, "message_code");
    memcpy(got + BP_FRAME_HEAD + 1, msg, n_msg);
    assert_int_equal(bp_frames_init(&f, &s), 0);
    assert_int_equal(bp_frame_seal(&f, got, 1 + n_msg), n);
    assert_memory_equal(got, want, 16);
    assert_memory_equal(got + 32, want + 32, 16);
    bp_frames_done(&f);
    free(msg);
    free(want);
}

static struct bp_rlpx_secrets of_handshake_2[2]; /* initiator, recipient */

static void remember_handshake(const json_t *v) {
    static struct bp_auth a;
    uint8_t key[32], random[BP_RLPX_RANDOM], remote[64];
    memset(random, 1, sizeof random);
    vec_fixed(v, "static_key_recipient", key, 32);
    assert_int_equal(bp_rlpx_public_key(remote, key), 0);
    for (int initiator = 1; initiator >= 0; initiator--) {
        size_t n;
        const char *own = initiator ? "auth" : "ack";
        const char *other = initiator ? "ack" : "auth";
        vec_fixed(v,
                  initiator ? "static_key_initiator" : "static_key_recipient",
                  key, 32);
        vec_fixed(v,
                  initiator ? "ephemeral_key_initiator"
                            : "ephemeral_key_recipient",
                  random, 32);
        vec_fixed(v, initiator ? "nonce_initiator" : "nonce_recipient",
                  random + 32, 32);
        struct bp_rlpx_config c = { .static_key = key,
                                    .remote = initiator ? remote : NULL,
                                    .random = random };
        assert_int_equal(bp_auth_init(&a, &c), 0);
        uint8_t *p = vec_bytes(v, own, &n);
        memcpy(a.sent, p, a.n_sent = n);
        free(p);
        p = vec_bytes(v, other, &n);
        memcpy(a.got, p, a.n_got = n);
        free(p);
        assert_int_equal(initiator ? bp_auth_read_ack(&a) : bp_auth_read(&a),
                         0);
        assert_int_equal(
            bp_auth_secrets(&of_handshake_2[!initiator], &a, initiator), 0);
        bp_auth_done(&a);
    }
}

/* Seals as the initiator, opens as the recipient. */
static void published_frames_of(const json_t *v) {
    struct bp_frames from, to;
    size_t i;
    const json_t *one;
    assert_int_equal(bp_frames_init(&from, &of_handshake_2[0]), 0);
    assert_int_equal(bp_frames_init(&to, &of_handshake_2[1]), 0);
    json_array_foreach(vec_get(v, "frames"), i, one) {
        size_t n, n_body, n_open;
        uint8_t *frame = vec_bytes(one, "frame", &n);
        uint8_t *body = vec_bytes(one, "body", &n_body);
        uint8_t *got = malloc(n), code = (uint8_t)vec_u64(one, "code");
        got[BP_FRAME_HEAD] = code == 0 ? 0x80 : code;
        memcpy(got + BP_FRAME_HEAD + 1, body, n_body);
        assert_int_equal(bp_frame_seal(&from, got, 1 + n_body), n);
        assert_memory_equal(got, frame, n);
        assert_int_equal(bp_frame_open_head(&n_open, &to, frame), 0);
        assert_int_equal(n_open, 1 + n_body);
        assert_int_equal(bp_frame_open_body(&to, frame + BP_FRAME_HEAD, n_open),
                         0);
        assert_memory_equal(frame + BP_FRAME_HEAD + 1, body, n_body);
        free(got);
        free(body);
        free(frame);
    }
    assert_true(i > 3);
    bp_frames_done(&from);
    bp_frames_done(&to);
}

static size_t n_vectors;

static void one_vector(const json_t *v) {
    const char *name = vec_str(v, "name");
    if (strcmp(name, "handshake-2") == 0)
        remember_handshake(v);
    else if (strcmp(name, "frame-1") == 0)
        one_stub_frame(v);
    else if (strcmp(name, "frames-2") == 0)
        published_frames_of(v);
    else if (strncmp(name, "mac-", 4) == 0)
        one_mac(v);
    else
        return;
    n_vectors++;
}

static void published_vectors(void **state) {
    (void)state;
    vec_each("vectors/rlpx.jsonl", one_vector);
    assert_int_equal(n_vectors, 6);
}

/* ---- corruption ------------------------------------------------------ */

static void random_pair(struct bp_frames *from, struct bp_frames *to) {
    struct bp_rlpx_secrets s;
    empty_secrets(&s);
    memset(s.aes, 5, 32);
    memset(s.mac, 6, 32);
    assert_int_equal(bp_frames_init(from, &s), 0);
    assert_int_equal(bp_frames_init(to, &s), 0);
}

static int open_frame(struct bp_frames *to, uint8_t *frame, size_t want) {
    size_t n;
    int err = bp_frame_open_head(&n, to, frame);
    if (err != 0) return err;
    assert_int_equal(n, want);
    return bp_frame_open_body(to, frame + BP_FRAME_HEAD, n);
}

static void every_changed_byte_is_refused(void **state) {
    (void)state;
    uint8_t body[37], frame[BP_FRAME_HEAD + 48 + 16], copy[sizeof frame];
    for (size_t i = 0; i < sizeof body; i++) body[i] = (uint8_t)i;
    for (size_t at = 0; at <= sizeof frame; at++) {
        struct bp_frames from, to;
        random_pair(&from, &to);
        memcpy(frame + BP_FRAME_HEAD, body, sizeof body);
        assert_int_equal(bp_frame_seal(&from, frame, sizeof body),
                         sizeof frame);
        memcpy(copy, frame, sizeof frame);
        if (at < sizeof frame) copy[at] ^= 0x80;
        int err = open_frame(&to, copy, sizeof body);
        if (at < sizeof frame) {
            assert_int_equal(err, BP_ERR_RLPX_MAC);
        } else { /* unchanged; and a frame opens only once */
            assert_int_equal(err, 0);
            assert_memory_equal(copy + BP_FRAME_HEAD, body, sizeof body);
            assert_int_equal(open_frame(&to, frame, sizeof body),
                             BP_ERR_RLPX_MAC);
        }
        bp_frames_done(&from);
        bp_frames_done(&to);
    }
}

static void sizes_about_a_block(void **state) {
    (void)state;
    struct bp_frames from, to;
    random_pair(&from, &to);
    for (size_t n = 1; n < 70; n++) {
        uint8_t frame[BP_FRAME_HEAD + 80 + 16];
        memset(frame + BP_FRAME_HEAD, (int)n, n);
        size_t size = bp_frame_seal(&from, frame, n);
        assert_int_equal(size, BP_FRAME_HEAD + bp_frame_body_size(n));
        assert_int_equal(open_frame(&to, frame, n), 0);
        for (size_t i = 0; i < size - BP_FRAME_HEAD - 16; i++)
            assert_int_equal(frame[BP_FRAME_HEAD + i], i < n ? n : 0);
    }
    bp_frames_done(&from);
    bp_frames_done(&to);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(published_vectors),
        T(every_changed_byte_is_refused),
        T(sizes_about_a_block),
    };
    return bp_run(tests);
}
