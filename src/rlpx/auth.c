/* auth.c: the two packets, and what follows from them. */
#include "rlpx/auth.h"

#include <assert.h>
#include <string.h>

#include "base/try.h"
#include "blockpool/rlp.h"

/* Version of the handshake, in both packets. A higher one is no error. */
#define AUTH_VERSION 4

/* devp2p rlpx.md asks for at least 100 bytes; a random amount hides the
   length of what is inside. */
#define PADDING_MIN  100
#define PADDING_SPAN 201

/* Plain text of auth: a list of 65, 64, 32 bytes and a small number. */
#define TEXT_MAX (2 + 2 + 65 + 2 + 64 + 1 + 32 + 1 + PADDING_MIN + PADDING_SPAN)

_Static_assert(TEXT_MAX + BP_ECIES_OVERHEAD <= BP_RLPX_HANDSHAKE_MAX,
               "our own packets keep the limit");

/* Where the random bytes go. */
enum {
    RANDOM_EPHEMERAL = 0,
    RANDOM_NONCE = 32,
    RANDOM_SEAL_KEY = 64,
    RANDOM_SEAL_IV = 96,
    RANDOM_BLINDING = 112,
    RANDOM_PADDING = 144,
    RANDOM_END = 146,
};
_Static_assert(RANDOM_END <= BP_RLPX_RANDOM, "the caller gives enough");

static void xor32(uint8_t out[32], const uint8_t a[32], const uint8_t b[32]) {
    for (int i = 0; i < 32; i++) out[i] = a[i] ^ b[i];
}

int bp_auth_init(struct bp_auth *a, const struct bp_rlpx_config *c) {
    memset(a, 0, sizeof *a);
    memcpy(a->secret, c->static_key, sizeof a->secret);
    memcpy(a->ephemeral, c->random + RANDOM_EPHEMERAL, sizeof a->ephemeral);
    memcpy(a->nonce, c->random + RANDOM_NONCE, sizeof a->nonce);
    memcpy(a->seal_key, c->random + RANDOM_SEAL_KEY, sizeof a->seal_key);
    memcpy(a->seal_iv, c->random + RANDOM_SEAL_IV, sizeof a->seal_iv);
    const uint8_t *pad = c->random + RANDOM_PADDING;
    a->padding = PADDING_MIN + (size_t)(pad[0] << 8 | pad[1]) % PADDING_SPAN;
    if (c->remote != NULL) {
        memcpy(a->remote, c->remote, sizeof a->remote);
        BP_TRY(bp_secp_check_public(a->remote));
    }
    BP_TRY(bp_secp_init(&a->curve, c->alloc, c->random + RANDOM_BLINDING));
    BP_TRY(bp_secp_public(a->public_key, &a->curve, a->secret));
    if (bp_secp_same(a->remote, a->public_key)) return BP_ERR_RLPX_SELF;
    /* One in 2^128 random numbers is no key: found here, not in the middle. */
    BP_TRY(bp_secp_check_secret(a->ephemeral));
    return bp_secp_check_secret(a->seal_key);
}

void bp_auth_done(struct bp_auth *a) {
    bp_secp_done(&a->curve);
    bp_wipe(a, sizeof *a);
}

/* ---- writing --------------------------------------------------------- */

/* A packet of EIP-8: length, sealed list and padding; the MAC covers the
   length. */
static int seal_eip8(struct bp_auth *a, bp_span text) {
    uint8_t padded[TEXT_MAX] = { 0 };
    size_t n = text.n + a->padding, sealed = n + BP_ECIES_OVERHEAD;
    assert(n <= sizeof padded);
    memcpy(padded, text.p, text.n);
    a->sent[0] = (uint8_t)(sealed >> 8);
    a->sent[1] = (uint8_t)sealed;
    a->n_sent = 2 + sealed;
    return bp_ecies_seal(a->sent + 2, &a->curve, (bp_span){ padded, n },
                         a->remote, a->seal_key, a->seal_iv,
                         (bp_span){ a->sent, 2 });
}

/* What the initiator's fresh key signs: only the two of us know it. */
static int token(uint8_t out[32], const struct bp_auth *a,
                 const uint8_t nonce[32]) {
    BP_TRY(bp_secp_ecdh(out, a->secret, a->remote));
    xor32(out, out, nonce);
    return 0;
}

int bp_auth_write(struct bp_auth *a) {
    uint8_t text[TEXT_MAX], sig[BP_SECP_SIG], signed_hash[32];
    struct bp_rlp_w w = { text, sizeof text, 0 };
    BP_TRY(token(signed_hash, a, a->nonce));
    int err = bp_secp_sign(sig, &a->curve, a->ephemeral, signed_hash);
    bp_wipe(signed_hash, sizeof signed_hash); /* derived from our secret */
    if (err != 0) return err;
    size_t list = bp_rlp_open(&w);
    bp_rlp_put_str(&w, sig, sizeof sig);
    bp_rlp_put_str(&w, a->public_key, sizeof a->public_key);
    bp_rlp_put_str(&w, a->nonce, sizeof a->nonce);
    bp_rlp_put_u64(&w, AUTH_VERSION);
    bp_rlp_close(&w, list);
    BP_TRY(bp_rlp_done(&w));
    return seal_eip8(a, (bp_span){ text, w.n });
}

/* The answer to an initiator from before EIP-8: fresh key, nonce, and that we
   keep no session for later. */
static int write_ack_plain(struct bp_auth *a, const uint8_t ephemeral[64]) {
    uint8_t text[97] = { 0 };
    memcpy(text, ephemeral, 64);
    memcpy(text + 64, a->nonce, 32);
    a->n_sent = BP_ACK_PLAIN_SIZE;
    return bp_ecies_seal(a->sent, &a->curve, (bp_span){ text, sizeof text },
                         a->remote, a->seal_key, a->seal_iv,
                         (bp_span){ NULL, 0 });
}

int bp_auth_write_ack(struct bp_auth *a) {
    uint8_t text[TEXT_MAX], ephemeral[64];
    struct bp_rlp_w w = { text, sizeof text, 0 };
    BP_TRY(bp_secp_public(ephemeral, &a->curve, a->ephemeral));
    if (a->plain) return write_ack_plain(a, ephemeral);
    size_t list = bp_rlp_open(&w);
    bp_rlp_put_str(&w, ephemeral, sizeof ephemeral);
    bp_rlp_put_str(&w, a->nonce, sizeof a->nonce);
    bp_rlp_put_u64(&w, AUTH_VERSION);
    bp_rlp_close(&w, list);
    BP_TRY(bp_rlp_done(&w));
    return seal_eip8(a, (bp_span){ text, w.n });
}

/* ---- reading --------------------------------------------------------- */

/* A packet of EIP-8 begins with its length, one from before it with the 04 of
   a public key: lengths of 1024 to 1279 look the same. Whether the first 307
   bytes open in the old form decides. */
static bool is_plain_auth(struct bp_auth *a) {
    uint8_t text[194];
    bp_span packet = { a->got, BP_AUTH_PLAIN_SIZE };
    bool opens =
        bp_ecies_open(text, packet, a->secret, (bp_span){ NULL, 0 }) == 0;
    bp_wipe(text, sizeof text);
    return opens;
}

int bp_auth_want(size_t *want, struct bp_auth *a, bool initiator) {
    *want = 2;
    if (a->n_got < 2) return 0;
    size_t n = (size_t)a->got[0] << 8 | a->got[1];
    if (!initiator && a->got[0] == 0x04) {
        *want = BP_AUTH_PLAIN_SIZE;
        if (a->n_got < BP_AUTH_PLAIN_SIZE) return 0;
        if (a->n_got == BP_AUTH_PLAIN_SIZE && !a->plain)
            a->plain = is_plain_auth(a);
        if (a->plain) return 0;
    }
    if (n <= BP_ECIES_OVERHEAD || n > BP_RLPX_HANDSHAKE_MAX)
        return BP_ERR_RLPX_HANDSHAKE;
    *want = 2 + n;
    return 0;
}

/* Opens the packet of EIP-8 in a->got and gives the fields of its list. What
   follows the list is padding; what follows the fields that we know comes
   from a later version (EIP-8 asks for both to be ignored). */
static int open_eip8(bp_span *fields, uint8_t text[BP_RLPX_HANDSHAKE_MAX],
                     const struct bp_auth *a) {
    bp_span packet = { a->got + 2, a->n_got - 2 };
    BP_TRY(bp_ecies_open(text, packet, a->secret, (bp_span){ a->got, 2 }));
    bp_span in = { text, packet.n - BP_ECIES_OVERHEAD };
    return bp_rlp_list(fields, &in) == 0 ? 0 : BP_ERR_RLPX_HANDSHAKE;
}

static int read_auth_fields(uint8_t sig[BP_SECP_SIG], struct bp_auth *a) {
    uint8_t text[BP_RLPX_HANDSHAKE_MAX];
    uint64_t version;
    bp_span f;
    if (a->plain) {
        bp_span packet = { a->got, BP_AUTH_PLAIN_SIZE };
        BP_TRY(bp_ecies_open(text, packet, a->secret, (bp_span){ NULL, 0 }));
        /* signature, hash of the fresh key, static key, nonce, 00 */
        memcpy(sig, text, BP_SECP_SIG);
        memcpy(a->remote, text + 97, 64);
        memcpy(a->remote_nonce, text + 161, 32);
        return 0;
    }
    BP_TRY(open_eip8(&f, text, a));
    if (bp_rlp_bytes(sig, BP_SECP_SIG, &f) != 0 ||
        bp_rlp_bytes(a->remote, sizeof a->remote, &f) != 0 ||
        bp_rlp_bytes(a->remote_nonce, sizeof a->remote_nonce, &f) != 0 ||
        bp_rlp_u64(&version, &f) != 0)
        return BP_ERR_RLPX_HANDSHAKE;
    return 0;
}

int bp_auth_read(struct bp_auth *a) {
    uint8_t sig[BP_SECP_SIG], signed_hash[32];
    BP_TRY(read_auth_fields(sig, a));
    if (bp_secp_same(a->remote, a->public_key)) return BP_ERR_RLPX_SELF;
    int err = token(signed_hash, a, a->remote_nonce);
    if (err == 0) err = bp_secp_recover(a->remote_ephemeral, sig, signed_hash);
    bp_wipe(signed_hash, sizeof signed_hash);
    return err == 0 ? 0 : BP_ERR_RLPX_HANDSHAKE;
}

int bp_auth_read_ack(struct bp_auth *a) {
    uint8_t text[BP_RLPX_HANDSHAKE_MAX];
    uint64_t version;
    bp_span f;
    BP_TRY(open_eip8(&f, text, a));
    if (bp_rlp_bytes(a->remote_ephemeral, sizeof a->remote_ephemeral, &f) !=
            0 ||
        bp_rlp_bytes(a->remote_nonce, sizeof a->remote_nonce, &f) != 0 ||
        bp_rlp_u64(&version, &f) != 0)
        return BP_ERR_RLPX_HANDSHAKE;
    return bp_secp_check_public(a->remote_ephemeral) == 0
               ? 0
               : BP_ERR_RLPX_HANDSHAKE;
}

/* ---- secrets --------------------------------------------------------- */

static void hash_two(uint8_t out[32], const uint8_t a[32],
                     const uint8_t b[32]) {
    struct bp_keccak k;
    bp_keccak256_init(&k);
    bp_keccak_update(&k, a, 32);
    bp_keccak_update(&k, b, 32);
    bp_keccak_digest(&k, out);
    bp_wipe(&k, sizeof k);
}

static void start_mac(struct bp_keccak *k, const uint8_t mac[32],
                      const uint8_t nonce[32], const uint8_t *packet,
                      size_t n) {
    uint8_t seed[32];
    xor32(seed, mac, nonce);
    bp_keccak256_init(k);
    bp_keccak_update(k, seed, sizeof seed);
    bp_keccak_update(k, packet, n);
    bp_wipe(seed, sizeof seed);
}

int bp_auth_secrets(struct bp_rlpx_secrets *out, const struct bp_auth *a,
                    bool initiator) {
    uint8_t ephemeral[32], shared[32], nonces[32];
    const uint8_t *first = initiator ? a->remote_nonce : a->nonce;
    const uint8_t *second = initiator ? a->nonce : a->remote_nonce;
    if (bp_secp_ecdh(ephemeral, a->ephemeral, a->remote_ephemeral) != 0)
        return BP_ERR_RLPX_HANDSHAKE;
    hash_two(nonces, first, second); /* the recipient's comes first */
    hash_two(shared, ephemeral, nonces);
    hash_two(out->aes, ephemeral, shared);
    hash_two(out->mac, ephemeral, out->aes);
    start_mac(&out->egress, out->mac, a->remote_nonce, a->sent, a->n_sent);
    start_mac(&out->ingress, out->mac, a->nonce, a->got, a->n_got);
    bp_wipe(ephemeral, sizeof ephemeral);
    bp_wipe(shared, sizeof shared);
    return 0;
}
