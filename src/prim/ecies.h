/* ecies: a packet that only the holder of one secret can read.

       04 R | iv | AES-128-CTR(plain) | HMAC-SHA-256
       65     16   n                    32

   R is a fresh public key. Its Diffie-Hellman secret with the receiver's key
   gives, by the concatenation KDF of NIST SP 800-56 over SHA-256, the key of
   the cipher and, hashed once more, of the MAC. The MAC covers iv, cipher text
   and some bytes that both sides know (devp2p rlpx.md, "ECIES Encryption";
   EIP-8 has the packet's length there). */
#ifndef BP_PRIM_ECIES_H
#define BP_PRIM_ECIES_H

#include "prim/secp.h"

#define BP_ECIES_IV 16
/* How much longer than the plain text a packet is. */
#define BP_ECIES_OVERHEAD (1 + BP_SECP_PUBLIC + BP_ECIES_IV + 32)
/* Longest packet: a handshake's, which is bounded by 2048. */
#define BP_ECIES_PACKET_MAX 2048
/* Most bytes known to both sides: a length of two. */
#define BP_ECIES_KNOWN_MAX 2

/* Writes plain.n + BP_ECIES_OVERHEAD bytes at out, BP_ECIES_PACKET_MAX at
   most. `fresh` (a secret key) and `iv` are random and never used again.
   Errors: RLPX_KEY, a key is not one; NOMEM, the cipher's context. */
int bp_ecies_seal(uint8_t *out, const struct bp_secp *c, bp_span plain,
                  const uint8_t remote[BP_SECP_PUBLIC],
                  const uint8_t fresh[BP_SECP_SECRET],
                  const uint8_t iv[BP_ECIES_IV], bp_span known) BP_MUST_USE;

/* Writes packet.n - BP_ECIES_OVERHEAD bytes at out. Errors: ECIES, the packet
   is too short or too long, R is not a point, or the MAC does not match;
   NOMEM. */
int bp_ecies_open(uint8_t *out, bp_span packet,
                  const uint8_t secret[BP_SECP_SECRET],
                  bp_span known) BP_MUST_USE;

#endif
