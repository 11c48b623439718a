/* auth: the handshake that gives two strangers a secret.

       initiator                              recipient
       auth: signature by its fresh key,  -->
             its static key, a nonce
                                          <-- ack: its fresh key, a nonce

   Both packets are sealed to the other's static key (prim/ecies). From the two
   fresh keys and the two nonces come the keys of the frames; each side's MACs
   start with what was sent in the two packets, whole. Pure functions over
   struct bp_auth; the session feeds them whole packets.

   Followed: devp2p rlpx.md, "Initial Handshake"; EIP-8. */
#ifndef BP_RLPX_AUTH_H
#define BP_RLPX_AUTH_H

#include "blockpool/keccak.h"
#include "blockpool/rlpx.h"
#include "prim/ecies.h"

/* A packet with its two bytes of length. */
#define BP_AUTH_PACKET_MAX (2 + BP_RLPX_HANDSHAKE_MAX)

/* Packets before EIP-8: no length, no list, no padding. */
#define BP_AUTH_PLAIN_SIZE (194 + BP_ECIES_OVERHEAD)
#define BP_ACK_PLAIN_SIZE  (97 + BP_ECIES_OVERHEAD)

_Static_assert(BP_RLPX_HANDSHAKE_MAX <= BP_ECIES_PACKET_MAX,
               "a handshake packet is one sealed packet");

struct bp_auth {
    struct bp_secp curve;
    uint8_t secret[32];     /* our static key, and */
    uint8_t public_key[64]; /* what others know of it */
    uint8_t ephemeral[32];  /* our fresh key */
    uint8_t nonce[32];
    uint8_t seal_key[32]; /* ECIES: its key and vector */
    uint8_t seal_iv[16];
    size_t padding;
    bool plain;                   /* the initiator spoke as before EIP-8 */
    uint8_t remote[64];           /* the peer's static key */
    uint8_t remote_ephemeral[64]; /* its fresh key */
    uint8_t remote_nonce[32];
    /* Both packets as they were on the stream. */
    uint8_t sent[BP_AUTH_PACKET_MAX], got[BP_AUTH_PACKET_MAX];
    size_t n_sent, n_got;
};

/* Keys of the frames, and the MACs with what the packets put into them. */
struct bp_rlpx_secrets {
    uint8_t aes[32], mac[32];
    struct bp_keccak egress, ingress;
};

/* Takes keys and random bytes out of the configuration. Errors: NOMEM;
   RLPX_KEY, a key is not one; RLPX_SELF, we were to call ourselves. */
int bp_auth_init(struct bp_auth *a, const struct bp_rlpx_config *c) BP_MUST_USE;
/* Forgets every secret. */
void bp_auth_done(struct bp_auth *a);

/* The initiator's packet, into a->sent. NOMEM. */
int bp_auth_write(struct bp_auth *a) BP_MUST_USE;
/* The recipient's, in the form that the initiator used. NOMEM. */
int bp_auth_write_ack(struct bp_auth *a) BP_MUST_USE;

/* How many bytes the packet in a->got must have, of which the first n_got are
   there: more than n_got while it is not whole. Returns RLPX_HANDSHAKE for a
   length that no packet has. A recipient that sees what may be an initiator
   from before EIP-8 tries that form first. */
int bp_auth_want(size_t *want, struct bp_auth *a, bool initiator) BP_MUST_USE;

/* Read the whole packet in a->got. Errors:
     ECIES           it does not open
     RLPX_HANDSHAKE  its fields are malformed, a key is not a point, or the
                     signature is none
     RLPX_SELF       the initiator is us
     NOMEM */
int bp_auth_read(struct bp_auth *a) BP_MUST_USE;
int bp_auth_read_ack(struct bp_auth *a) BP_MUST_USE;

/* What both packets agreed upon. RLPX_HANDSHAKE: the peer's fresh key is not a
   point. */
int bp_auth_secrets(struct bp_rlpx_secrets *out, const struct bp_auth *a,
                    bool initiator) BP_MUST_USE;

#endif
