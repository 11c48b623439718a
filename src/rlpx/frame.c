/* frame.c: AES by OpenSSL, the MAC by prim/keccak. */
#include "rlpx/frame.h"

#include <assert.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/try.h"

/* ---- MAC ------------------------------------------------------------- */

void bp_mac_init(struct bp_mac *m, const struct bp_keccak *hash,
                 EVP_CIPHER_CTX *cipher) {
    m->hash = *hash;
    m->cipher = cipher;
    bp_keccak_digest(&m->hash, m->digest);
}

/* Mixes 16 bytes in, through a cipher of the MAC as it is: a plain hash of
   what both sides see could be continued by anybody. */
static void mix(struct bp_mac *m, const uint8_t block[16]) {
    uint8_t seed[32];
    int n;
    /* One block through a context that is set up cannot fail. */
    int ok = EVP_EncryptUpdate(m->cipher, seed, &n, m->digest, 16);
    assert(ok == 1 && n == 16);
    for (int i = 0; i < 16; i++) seed[i] ^= block[i];
    bp_keccak_update(&m->hash, seed, 16);
    bp_keccak_digest(&m->hash, m->digest);
}

void bp_mac_head(struct bp_mac *m, const uint8_t head[16]) {
    mix(m, head);
}

void bp_mac_body(struct bp_mac *m, bp_span body) {
    bp_keccak_update(&m->hash, body.p, body.n);
    bp_keccak_digest(&m->hash, m->digest);
    uint8_t block[16];
    memcpy(block, m->digest, sizeof block);
    mix(m, block);
}

static bool matches(const struct bp_mac *m, const uint8_t mac[BP_FRAME_MAC]) {
    return CRYPTO_memcmp(m->digest, mac, BP_FRAME_MAC) == 0;
}

/* ---- frames ---------------------------------------------------------- */

static EVP_CIPHER_CTX *new_cipher(const EVP_CIPHER *kind,
                                  const uint8_t key[32]) {
    static const uint8_t zero[16] = { 0 };
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (ctx == NULL) return NULL;
    if (EVP_EncryptInit_ex(ctx, kind, NULL, key, zero) != 1 ||
        EVP_CIPHER_CTX_set_padding(ctx, 0) != 1) {
        EVP_CIPHER_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

int bp_frames_init(struct bp_frames *f, const struct bp_rlpx_secrets *s) {
    f->seal = new_cipher(EVP_aes_256_ctr(), s->aes);
    f->open = new_cipher(EVP_aes_256_ctr(), s->aes);
    f->mac = new_cipher(EVP_aes_256_ecb(), s->mac);
    bp_mac_init(&f->egress, &s->egress, f->mac);
    bp_mac_init(&f->ingress, &s->ingress, f->mac);
    if (f->seal == NULL || f->open == NULL || f->mac == NULL)
        return BP_ERR_NOMEM;
    return 0;
}

void bp_frames_done(struct bp_frames *f) {
    EVP_CIPHER_CTX_free(f->seal); /* NULL does nothing; keys are wiped */
    EVP_CIPHER_CTX_free(f->open);
    EVP_CIPHER_CTX_free(f->mac);
    bp_wipe(f, sizeof *f);
}

static size_t padded(size_t n) {
    return (n + BP_FRAME_PAD - 1) / BP_FRAME_PAD * BP_FRAME_PAD;
}

size_t bp_frame_body_size(size_t n) {
    return padded(n) + BP_FRAME_MAC;
}

/* Counter mode: the same operation seals and opens, in place. */
static void crypt(EVP_CIPHER_CTX *ctx, uint8_t *p, size_t n) {
    int done;
    int ok = EVP_EncryptUpdate(ctx, p, &done, p, (int)n);
    assert(ok == 1 && (size_t)done == n);
}

size_t bp_frame_seal(struct bp_frames *f, uint8_t *frame, size_t n) {
    uint8_t *body = frame + BP_FRAME_HEAD;
    size_t size = padded(n);
    assert(n <= BP_RLPX_FRAME_MAX);
    /* The three bytes after the size are an empty list of two integers, a
       relic of several streams in one. */
    const uint8_t head[16] = {
        (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n, 0xc2, 0x80, 0x80
    };
    memcpy(frame, head, sizeof head);
    crypt(f->seal, frame, sizeof head);
    bp_mac_head(&f->egress, frame);
    memcpy(frame + sizeof head, f->egress.digest, BP_FRAME_MAC);
    memset(body + n, 0, size - n);
    crypt(f->seal, body, size);
    bp_mac_body(&f->egress, (bp_span){ body, size });
    memcpy(body + size, f->egress.digest, BP_FRAME_MAC);
    return BP_FRAME_HEAD + size + BP_FRAME_MAC;
}

int bp_frame_open_head(size_t *n, struct bp_frames *f,
                       const uint8_t head[BP_FRAME_HEAD]) {
    uint8_t open[16];
    bp_mac_head(&f->ingress, head);
    if (!matches(&f->ingress, head + sizeof open)) return BP_ERR_RLPX_MAC;
    memcpy(open, head, sizeof open);
    crypt(f->open, open, sizeof open);
    /* What follows the size is not looked at, as in every client. */
    *n = (size_t)open[0] << 16 | (size_t)open[1] << 8 | open[2];
    return 0;
}

int bp_frame_open_body(struct bp_frames *f, uint8_t *body, size_t n) {
    size_t size = padded(n);
    bp_mac_body(&f->ingress, (bp_span){ body, size });
    if (!matches(&f->ingress, body + size)) return BP_ERR_RLPX_MAC;
    crypt(f->open, body, size);
    return 0;
}
