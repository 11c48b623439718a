/* ecies.c: seal and open; the curve is secp's, the rest OpenSSL's. */
#include "prim/ecies.h"

#include <assert.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "base/try.h"

enum { R_AT = 0, IV_AT = 1 + BP_SECP_PUBLIC, TEXT_AT = IV_AT + BP_ECIES_IV };

struct keys {
    uint8_t cipher[16];
    uint8_t mac[32];
};

static void derive(struct keys *k, const uint8_t shared[32]) {
    /* One round of the KDF gives all 32 bytes: a counter of 1, big-endian. */
    uint8_t in[4 + 32] = { 0, 0, 0, 1 }, out[32];
    memcpy(in + 4, shared, 32);
    SHA256(in, sizeof in, out);
    memcpy(k->cipher, out, 16);
    SHA256(out + 16, 16, k->mac);
    bp_wipe(in, sizeof in);
    bp_wipe(out, sizeof out);
}

static int cipher(uint8_t *out, bp_span in, const uint8_t key[16],
                  const uint8_t iv[BP_ECIES_IV]) {
    int err = BP_ERR_NOMEM, n;
    assert(in.n <= INT32_MAX);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (ctx == NULL) return err;
    if (EVP_EncryptInit_ex(ctx, EVP_aes_128_ctr(), NULL, key, iv) == 1 &&
        EVP_EncryptUpdate(ctx, out, &n, in.p, (int)in.n) == 1)
        err = 0;
    EVP_CIPHER_CTX_free(ctx);
    return err;
}

/* The MAC of iv, cipher text and the known bytes, which OpenSSL's one-call
   form wants in one piece. */
static int mac(uint8_t out[32], const uint8_t key[32], bp_span covered,
               bp_span known) {
    uint8_t buf[BP_ECIES_PACKET_MAX + BP_ECIES_KNOWN_MAX];
    memcpy(buf, covered.p, covered.n);
    if (known.n > 0) memcpy(buf + covered.n, known.p, known.n);
    unsigned n = 32;
    if (HMAC(EVP_sha256(), key, 32, buf, covered.n + known.n, out, &n) == NULL)
        return BP_ERR_NOMEM;
    return 0;
}

int bp_ecies_seal(uint8_t *out, const struct bp_secp *c, bp_span plain,
                  const uint8_t remote[BP_SECP_PUBLIC],
                  const uint8_t fresh[BP_SECP_SECRET],
                  const uint8_t iv[BP_ECIES_IV], bp_span known) {
    uint8_t shared[32];
    struct keys k;
    int err;
    assert(plain.n + BP_ECIES_OVERHEAD <= BP_ECIES_PACKET_MAX);
    assert(known.n <= BP_ECIES_KNOWN_MAX);
    BP_TRY(bp_secp_ecdh(shared, fresh, remote));
    derive(&k, shared);
    out[R_AT] = 0x04;
    memcpy(out + IV_AT, iv, BP_ECIES_IV);
    bp_span covered = { out + IV_AT, BP_ECIES_IV + plain.n };
    if ((err = bp_secp_public(out + R_AT + 1, c, fresh)) != 0) goto done;
    if ((err = cipher(out + TEXT_AT, plain, k.cipher, iv)) != 0) goto done;
    err = mac(out + TEXT_AT + plain.n, k.mac, covered, known);
done:
    bp_wipe(&k, sizeof k);
    bp_wipe(shared, sizeof shared);
    return err;
}

int bp_ecies_open(uint8_t *out, bp_span packet,
                  const uint8_t secret[BP_SECP_SECRET], bp_span known) {
    uint8_t shared[32], tag[32];
    struct keys k;
    int err;
    assert(known.n <= BP_ECIES_KNOWN_MAX);
    if (packet.n < BP_ECIES_OVERHEAD || packet.n > BP_ECIES_PACKET_MAX ||
        packet.p[R_AT] != 0x04)
        return BP_ERR_ECIES;
    size_t n = packet.n - BP_ECIES_OVERHEAD;
    bp_span covered = { packet.p + IV_AT, BP_ECIES_IV + n };
    bp_span text = { packet.p + TEXT_AT, n };
    if (bp_secp_ecdh(shared, secret, packet.p + R_AT + 1) != 0)
        return BP_ERR_ECIES;
    derive(&k, shared);
    if ((err = mac(tag, k.mac, covered, known)) != 0) goto done;
    err = BP_ERR_ECIES;
    if (CRYPTO_memcmp(tag, packet.p + TEXT_AT + n, sizeof tag) != 0) goto done;
    err = cipher(out, text, k.cipher, packet.p + IV_AT);
done:
    bp_wipe(&k, sizeof k);
    bp_wipe(shared, sizeof shared);
    return err;
}
