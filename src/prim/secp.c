/* secp.c: libsecp256k1 with plain bytes on both sides. */
#include "prim/secp.h"

#include <string.h>

#include <openssl/crypto.h>
#include <secp256k1.h>
#include <secp256k1_ecdh.h>
#include <secp256k1_preallocated.h>
#include <secp256k1_recovery.h>

#include "base/try.h"

#define KINDS (SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY)

void bp_wipe(void *p, size_t n) {
    OPENSSL_cleanse(p, n);
}

size_t bp_secp_memory(void) {
    return secp256k1_context_preallocated_size(KINDS);
}

int bp_secp_init(struct bp_secp *c, const struct bp_alloc *alloc,
                 const uint8_t seed[32]) {
    c->alloc = alloc;
    c->n = bp_secp_memory();
    c->ctx = bp_malloc(alloc, c->n);
    if (c->ctx == NULL) return BP_ERR_NOMEM;
    /* It builds the context at the start of the memory and returns that. */
    secp256k1_context *ctx =
        secp256k1_context_preallocated_create(c->ctx, KINDS);
    /* Fails for no seed. Without blinding all would work as well. */
    int blinded = secp256k1_context_randomize(ctx, seed);
    (void)blinded;
    return 0;
}

void bp_secp_done(struct bp_secp *c) {
    if (c->ctx == NULL) return;
    secp256k1_context_preallocated_destroy(c->ctx);
    bp_free(c->alloc, c->ctx, c->n);
    c->ctx = NULL;
}

static int parse(secp256k1_pubkey *out, const uint8_t key[BP_SECP_PUBLIC]) {
    uint8_t tagged[1 + BP_SECP_PUBLIC];
    tagged[0] = 0x04;
    memcpy(tagged + 1, key, BP_SECP_PUBLIC);
    return secp256k1_ec_pubkey_parse(secp256k1_context_static, out, tagged,
                                     sizeof tagged)
               ? 0
               : BP_ERR_RLPX_KEY;
}

static void serialize(uint8_t out[BP_SECP_PUBLIC],
                      const secp256k1_pubkey *key) {
    uint8_t tagged[1 + BP_SECP_PUBLIC];
    size_t n = sizeof tagged;
    secp256k1_ec_pubkey_serialize(secp256k1_context_static, tagged, &n, key,
                                  SECP256K1_EC_UNCOMPRESSED);
    memcpy(out, tagged + 1, BP_SECP_PUBLIC);
}

int bp_secp_public(uint8_t out[BP_SECP_PUBLIC], const struct bp_secp *c,
                   const uint8_t secret[BP_SECP_SECRET]) {
    secp256k1_pubkey key;
    if (!secp256k1_ec_pubkey_create(c->ctx, &key, secret))
        return BP_ERR_RLPX_KEY;
    serialize(out, &key);
    return 0;
}

int bp_secp_sign(uint8_t out[BP_SECP_SIG], const struct bp_secp *c,
                 const uint8_t secret[BP_SECP_SECRET], const uint8_t hash[32]) {
    secp256k1_ecdsa_recoverable_signature sig;
    int id;
    if (!secp256k1_ecdsa_sign_recoverable(c->ctx, &sig, hash, secret, NULL,
                                          NULL))
        return BP_ERR_RLPX_KEY;
    secp256k1_ecdsa_recoverable_signature_serialize_compact(
        secp256k1_context_static, out, &id, &sig);
    out[64] = (uint8_t)id;
    return 0;
}

int bp_secp_check_secret(const uint8_t secret[BP_SECP_SECRET]) {
    return secp256k1_ec_seckey_verify(secp256k1_context_static, secret)
               ? 0
               : BP_ERR_RLPX_KEY;
}

int bp_secp_check_public(const uint8_t key[BP_SECP_PUBLIC]) {
    secp256k1_pubkey parsed;
    return parse(&parsed, key);
}

bool bp_secp_same(const uint8_t a[BP_SECP_PUBLIC],
                  const uint8_t b[BP_SECP_PUBLIC]) {
    return CRYPTO_memcmp(a, b, BP_SECP_PUBLIC) == 0;
}

int bp_secp_recover(uint8_t out[BP_SECP_PUBLIC], const uint8_t sig[BP_SECP_SIG],
                    const uint8_t hash[32]) {
    secp256k1_ecdsa_recoverable_signature parsed;
    secp256k1_pubkey key;
    if (sig[64] > 3 ||
        !secp256k1_ecdsa_recoverable_signature_parse_compact(
            secp256k1_context_static, &parsed, sig, sig[64]) ||
        !secp256k1_ecdsa_recover(secp256k1_context_static, &key, &parsed, hash))
        return BP_ERR_RLPX_KEY;
    serialize(out, &key);
    return 0;
}

/* The library hashes the shared point unless told otherwise. */
static int keep_x(unsigned char *out, const unsigned char *x,
                  const unsigned char *y, void *unused) {
    (void)y;
    (void)unused;
    memcpy(out, x, 32);
    return 1;
}

int bp_secp_ecdh(uint8_t out[32], const uint8_t secret[BP_SECP_SECRET],
                 const uint8_t key[BP_SECP_PUBLIC]) {
    secp256k1_pubkey parsed;
    BP_TRY(parse(&parsed, key));
    if (!secp256k1_ecdh(secp256k1_context_static, out, &parsed, secret, keep_x,
                        NULL))
        return BP_ERR_RLPX_KEY;
    return 0;
}
