/* secp: the curve secp256k1 as devp2p uses it.

   Public keys are 64 bytes (x, y; without the leading 04), secrets 32,
   recoverable signatures 65 (r, s, recovery id 0 to 3). All errors but NOMEM
   are RLPX_KEY: whose fault that is, the caller knows. */
#ifndef BP_PRIM_SECP_H
#define BP_PRIM_SECP_H

#include "blockpool/base.h"

#define BP_SECP_SECRET 32
#define BP_SECP_PUBLIC 64
#define BP_SECP_SIG    65

/* What uses a secret and multiplies the generator needs a context, which
   blinds it with random numbers. */
struct bp_secp {
    const struct bp_alloc *alloc;
    void *ctx; /* secp256k1_context, and its memory */
    size_t n;
};

/* seed: random bytes for the blinding. NOMEM. */
int bp_secp_init(struct bp_secp *c, const struct bp_alloc *alloc,
                 const uint8_t seed[32]) BP_MUST_USE;
void bp_secp_done(struct bp_secp *c);
/* Bytes that bp_secp_init takes from the allocator. */
size_t bp_secp_memory(void);

/* The public key of a secret. */
int bp_secp_public(uint8_t out[BP_SECP_PUBLIC], const struct bp_secp *c,
                   const uint8_t secret[BP_SECP_SECRET]) BP_MUST_USE;
/* A signature of a hash (RFC 6979 nonce). */
int bp_secp_sign(uint8_t out[BP_SECP_SIG], const struct bp_secp *c,
                 const uint8_t secret[BP_SECP_SECRET],
                 const uint8_t hash[32]) BP_MUST_USE;

/* Whether 32 bytes are a secret: above 0 and below the order. */
int bp_secp_check_secret(const uint8_t secret[BP_SECP_SECRET]) BP_MUST_USE;
/* Whether 64 bytes are a point of the curve. */
int bp_secp_check_public(const uint8_t key[BP_SECP_PUBLIC]) BP_MUST_USE;
/* Whether two public keys are the same, in constant time. */
bool bp_secp_same(const uint8_t a[BP_SECP_PUBLIC],
                  const uint8_t b[BP_SECP_PUBLIC]);
/* The key that signed. */
int bp_secp_recover(uint8_t out[BP_SECP_PUBLIC], const uint8_t sig[BP_SECP_SIG],
                    const uint8_t hash[32]) BP_MUST_USE;
/* Diffie-Hellman: the x coordinate itself, not its hash. */
int bp_secp_ecdh(uint8_t out[32], const uint8_t secret[BP_SECP_SECRET],
                 const uint8_t key[BP_SECP_PUBLIC]) BP_MUST_USE;

/* Overwrites memory that held a secret, which a compiler may not leave out. */
void bp_wipe(void *p, size_t n);

#endif
