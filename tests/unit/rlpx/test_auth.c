/* test_auth: the published handshakes of EIP-8, and packets that are not. */
#include "blockpool/rlp.h"
#include "lib/vectors.h"
#include "prim/secp.h"
#include "rlpx/auth.h"

/* ---- vectors --------------------------------------------------------- */

struct side {
    struct bp_auth auth;
    uint8_t key[32], random[BP_RLPX_RANDOM], remote[64];
};

static void side_init(struct side *s, const json_t *v, const char *who,
                      const uint8_t *remote) {
    char key[64];
    memset(s, 0, sizeof *s);
    memset(s->random, 0x11, sizeof s->random);
    snprintf(key, sizeof key, "static_key_%s", who);
    vec_fixed(v, key, s->key, 32);
    snprintf(key, sizeof key, "ephemeral_key_%s", who);
    vec_fixed(v, key, s->random, 32);
    snprintf(key, sizeof key, "nonce_%s", who);
    vec_fixed(v, key, s->random + 32, 32);
    struct bp_rlpx_config c = { .static_key = s->key,
                                .remote = remote,
                                .random = s->random };
    assert_int_equal(bp_auth_init(&s->auth, &c), 0);
}

static void give(struct bp_auth *to, const uint8_t *p, size_t n,
                 bool initiator) {
    size_t want = 0;
    for (to->n_got = 0;; to->got[to->n_got] = p[to->n_got], to->n_got++) {
        assert_int_equal(bp_auth_want(&want, to, initiator), 0);
        if (want == to->n_got) break;
        assert_true(to->n_got < n);
    }
    assert_int_equal(want, n); /* neither short of it nor beyond */
}

static void expect_digest(const struct bp_keccak *k, const json_t *v,
                          const char *key) {
    uint8_t got[32], want[32];
    vec_fixed(v, key, want, 32);
    bp_keccak_digest(k, got);
    assert_memory_equal(got, want, 32);
}

static void expect_field(const void *got, size_t n, const json_t *v,
                         const char *key) {
    uint8_t want[65];
    vec_fixed(v, key, want, n);
    assert_memory_equal(got, want, n);
}

static void expect_secrets(const struct bp_auth *a, const json_t *v,
                           bool initiator) {
    struct bp_rlpx_secrets s;
    assert_int_equal(bp_auth_secrets(&s, a, initiator), 0);
    expect_field(s.aes, 32, v, "aes_secret");
    expect_field(s.mac, 32, v, "mac_secret");
    /* The vectors are the recipient's: its ingress is the other's egress. */
    struct bp_keccak *in = initiator ? &s.egress : &s.ingress;
    struct bp_keccak *out = initiator ? &s.ingress : &s.egress;
    expect_digest(in, v, "recipient_ingress_mac_initial");
    expect_digest(out, v, "recipient_egress_mac_initial");
    bp_keccak_update(in, "foo", 3);
    expect_digest(in, v, "recipient_ingress_mac_after_foo");
    uint8_t shared[32];
    assert_int_equal(bp_secp_ecdh(shared, a->ephemeral, a->remote_ephemeral),
                     0);
    expect_field(shared, 32, v, "ephemeral_shared");
}

static size_t n_handshakes;

static void one_handshake(const json_t *v) {
    if (strncmp(vec_str(v, "name"), "handshake-", 10) != 0) return;
    static struct side us, them;
    uint8_t key[32], remote[64];
    size_t n_auth, n_ack;
    uint8_t *auth = vec_bytes(v, "auth", &n_auth);
    uint8_t *ack = vec_bytes(v, "ack", &n_ack);
    bool eip8 = vec_bool(v, "eip8");
    vec_fixed(v, "static_key_recipient", key, 32);
    assert_int_equal(bp_rlpx_public_key(remote, key), 0);
    side_init(&us, v, "recipient", NULL);
    side_init(&them, v, "initiator", remote);

    give(&us.auth, auth, n_auth, false);
    assert_int_equal(bp_auth_read(&us.auth), 0);
    assert_int_equal(us.auth.plain, !eip8);
    assert_memory_equal(us.auth.remote, them.auth.public_key, 64);
    assert_memory_equal(us.auth.remote_nonce, them.auth.nonce, 32);
    memcpy(us.auth.sent, ack, n_ack);
    us.auth.n_sent = n_ack;
    expect_secrets(&us.auth, v, false);

    if (eip8) { /* we do not start the other form */
        give(&them.auth, ack, n_ack, true);
        assert_int_equal(bp_auth_read_ack(&them.auth), 0);
        memcpy(them.auth.sent, auth, n_auth);
        them.auth.n_sent = n_auth;
        expect_secrets(&them.auth, v, true);
    } else { /* what we answer to it has the form of theirs, and opens */
        uint8_t text[97], want[97];
        assert_int_equal(bp_auth_write_ack(&us.auth), 0);
        assert_int_equal(us.auth.n_sent, n_ack);
        bp_span none = { NULL, 0 };
        assert_int_equal(bp_ecies_open(text, (bp_span){ us.auth.sent, n_ack },
                                       them.key, none),
                         0);
        assert_int_equal(
            bp_ecies_open(want, (bp_span){ ack, n_ack }, them.key, none), 0);
        assert_memory_equal(text, want, sizeof text);
    }
    bp_auth_done(&us.auth);
    bp_auth_done(&them.auth);
    free(auth);
    free(ack);
    n_handshakes++;
}

static void published_handshakes(void **state) {
    (void)state;
    vec_each("vectors/rlpx.jsonl", one_handshake);
    assert_int_equal(n_handshakes, 2);
}

/* ---- our own packets ------------------------------------------------- */

static void make_pair(struct bp_auth *a, struct bp_auth *b) {
    static uint8_t key_a[32] = { 1 }, key_b[32] = { 2 }, public_b[64];
    uint8_t random_a[BP_RLPX_RANDOM], random_b[BP_RLPX_RANDOM];
    memset(random_a, 3, sizeof random_a);
    memset(random_b, 4, sizeof random_b);
    assert_int_equal(bp_rlpx_public_key(public_b, key_b), 0);
    struct bp_rlpx_config ca = { .static_key = key_a,
                                 .remote = public_b,
                                 .random = random_a };
    struct bp_rlpx_config cb = { .static_key = key_b, .random = random_b };
    assert_int_equal(bp_auth_init(a, &ca), 0);
    assert_int_equal(bp_auth_init(b, &cb), 0);
}

static void both_sides_agree(void **state) {
    (void)state;
    static struct bp_auth a, b;
    struct bp_rlpx_secrets sa, sb;
    uint8_t da[32], db[32];
    make_pair(&a, &b);
    assert_int_equal(bp_auth_write(&a), 0);
    give(&b, a.sent, a.n_sent, false);
    assert_int_equal(bp_auth_read(&b), 0);
    assert_int_equal(bp_auth_write_ack(&b), 0);
    give(&a, b.sent, b.n_sent, true);
    assert_int_equal(bp_auth_read_ack(&a), 0);
    assert_int_equal(bp_auth_secrets(&sa, &a, true), 0);
    assert_int_equal(bp_auth_secrets(&sb, &b, false), 0);
    assert_memory_equal(sa.aes, sb.aes, 32);
    assert_memory_equal(sa.mac, sb.mac, 32);
    bp_keccak_digest(&sa.egress, da);
    bp_keccak_digest(&sb.ingress, db);
    assert_memory_equal(da, db, 32);
    bp_keccak_digest(&sa.ingress, da);
    bp_keccak_digest(&sb.egress, db);
    assert_memory_equal(da, db, 32);
    /* Padding of both keeps within what EIP-8 proposes. */
    assert_true(a.padding >= 100 && a.padding <= 300);
    bp_auth_done(&a);
    bp_auth_done(&b);
}

/* A sealed packet of EIP-8 whose plain text is given. */
static void give_text(struct bp_auth *from, struct bp_auth *to, bp_span text) {
    size_t n = text.n + BP_ECIES_OVERHEAD;
    to->got[0] = (uint8_t)(n >> 8);
    to->got[1] = (uint8_t)n;
    to->n_got = 2 + n;
    assert_int_equal(bp_ecies_seal(to->got + 2, &from->curve, text,
                                   to->public_key, from->seal_key,
                                   from->seal_iv, (bp_span){ to->got, 2 }),
                     0);
}

/* The fields of auth, some of them changed. */
struct fields {
    size_t n_sig, n_key, n_nonce;
    int sig_id;          /* -1: as signed */
    bool bad_key;        /* a point that is none */
    bool more, trailing; /* what EIP-8 asks to ignore */
    bool padded_version;
    bool own_key;
};

static int read_with(const struct fields *f) {
    static struct bp_auth a, b;
    uint8_t text[512], sig[65], token[32];
    make_pair(&a, &b);
    assert_int_equal(bp_secp_ecdh(token, a.secret, a.remote), 0);
    for (int i = 0; i < 32; i++) token[i] ^= a.nonce[i];
    assert_int_equal(bp_secp_sign(sig, &a.curve, a.ephemeral, token), 0);
    if (f->sig_id >= 0) sig[64] = (uint8_t)f->sig_id;
    if (f->bad_key) a.public_key[63] ^= 1;
    struct bp_rlp_w w = { text, sizeof text, 0 };
    size_t list = bp_rlp_open(&w);
    bp_rlp_put_str(&w, sig, f->n_sig);
    bp_rlp_put_str(&w, f->own_key ? b.public_key : a.public_key, f->n_key);
    bp_rlp_put_str(&w, a.nonce, f->n_nonce);
    if (f->padded_version)
        bp_rlp_put_raw(&w, "\x82\x00\x04", 3);
    else
        bp_rlp_put_u64(&w, f->more ? 56 : 4);
    if (f->more) bp_rlp_put_raw(&w, "\xc3\x01\x02\x03\x84zzzz", 9);
    bp_rlp_close(&w, list);
    if (f->trailing) bp_rlp_put_raw(&w, "\xb8\xff\x00", 3);
    give_text(&a, &b, (bp_span){ text, w.n });
    int err = bp_auth_read(&b);
    if (err == 0) {
        uint8_t want[64];
        assert_int_equal(bp_secp_public(want, &a.curve, a.ephemeral), 0);
        assert_memory_equal(b.remote_ephemeral, want, 64);
    }
    bp_auth_done(&a);
    bp_auth_done(&b);
    return err;
}

static void fields_of_auth(void **state) {
    (void)state;
    const struct fields good = { 65, 64, 32, -1 };
    struct fields f = good;
    assert_int_equal(read_with(&f), 0);
    f.more = f.trailing = true; /* a later version, and padding */
    assert_int_equal(read_with(&f), 0);
#define REFUSED(change)                                                        \
    f = good;                                                                  \
    f.change;                                                                  \
    assert_int_equal(read_with(&f), BP_ERR_RLPX_HANDSHAKE)
    REFUSED(n_sig = 64);
    REFUSED(n_sig = 0);
    REFUSED(n_key = 63);
    REFUSED(n_nonce = 31);
    REFUSED(sig_id = 4);
    REFUSED(bad_key = true);
    REFUSED(padded_version = true);
#undef REFUSED
    f = good;
    f.own_key = true;
    assert_int_equal(read_with(&f), BP_ERR_RLPX_SELF);
}

static void text_that_is_no_list(void **state) {
    (void)state;
    static struct bp_auth a, b;
    static const char *const texts[] = { "\x83\x61\x62\x63", "\xc5\x01",
                                         "\xf8" };
    make_pair(&a, &b);
    for (size_t i = 0; i < 3; i++) {
        bp_span text = { (const uint8_t *)texts[i], strlen(texts[i]) };
        give_text(&a, &b, text);
        assert_int_equal(bp_auth_read(&b), BP_ERR_RLPX_HANDSHAKE);
        give_text(&b, &a, text);
        assert_int_equal(bp_auth_read_ack(&a), BP_ERR_RLPX_HANDSHAKE);
    }
    bp_auth_done(&a);
    bp_auth_done(&b);
}

static void ack_with_a_bad_point(void **state) {
    (void)state;
    static struct bp_auth a, b;
    uint8_t text[128], no_point[64] = { 1 };
    make_pair(&a, &b);
    struct bp_rlp_w w = { text, sizeof text, 0 };
    size_t list = bp_rlp_open(&w);
    bp_rlp_put_str(&w, no_point, 64);
    bp_rlp_put_str(&w, b.nonce, 32);
    bp_rlp_put_u64(&w, 4);
    bp_rlp_close(&w, list);
    give_text(&b, &a, (bp_span){ text, w.n });
    assert_int_equal(bp_auth_read_ack(&a), BP_ERR_RLPX_HANDSHAKE);
    bp_auth_done(&a);
    bp_auth_done(&b);
}

static void lengths_are_refused_at_once(void **state) {
    (void)state;
    static struct bp_auth a, b;
    size_t want;
    make_pair(&a, &b);
    static const struct {
        uint8_t first, second;
        int err;
    } cases[] = {
        { 0x00, 0x00, BP_ERR_RLPX_HANDSHAKE },
        { 0x00, BP_ECIES_OVERHEAD, BP_ERR_RLPX_HANDSHAKE },
        { 0x00, BP_ECIES_OVERHEAD + 1, 0 },
        { 0x08, 0x00, 0 },
        { 0x08, 0x01, BP_ERR_RLPX_HANDSHAKE },
        { 'G', 'E', BP_ERR_RLPX_HANDSHAKE }, /* somebody speaks HTTP */
        { 0xff, 0xff, BP_ERR_RLPX_HANDSHAKE },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        b.got[0] = cases[i].first;
        b.got[1] = cases[i].second;
        b.n_got = 2;
        assert_int_equal(bp_auth_want(&want, &b, false), cases[i].err);
        assert_int_equal(bp_auth_want(&want, &b, true), cases[i].err);
    }
    /* 0x04xx: perhaps a packet from before EIP-8; wait until that is known. */
    b.got[0] = 0x04;
    assert_int_equal(bp_auth_want(&want, &b, true), 0);
    assert_int_equal(want, 2 + 0x4ff);
    assert_int_equal(bp_auth_want(&want, &b, false), 0);
    assert_int_equal(want, BP_AUTH_PLAIN_SIZE);
    b.n_got = BP_AUTH_PLAIN_SIZE;
    assert_int_equal(bp_auth_want(&want, &b, false), 0);
    assert_int_equal(want, 2 + 0x4ff);
    bp_auth_done(&a);
    bp_auth_done(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(published_handshakes), T(both_sides_agree),
        T(fields_of_auth),       T(text_that_is_no_list),
        T(ack_with_a_bad_point), T(lengths_are_refused_at_once),
    };
    return bp_run(tests);
}
