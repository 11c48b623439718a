/* p2p: the session's own messages, codes 0x00 to 0x0f: Hello, Disconnect,
   Ping, Pong; and the choice of capabilities. Followed: devp2p rlpx.md,
   "p2p Capability" and "Capability Messaging". */
#ifndef BP_RLPX_P2P_H
#define BP_RLPX_P2P_H

#include "blockpool/rlpx.h"

/* The version that brought compression (EIP-706). */
#define BP_P2P_VERSION 5

/* Codes below this one are the session's. */
#define BP_P2P_LENGTH 0x10

enum bp_p2p_code {
    BP_P2P_HELLO = 0x00,
    BP_P2P_DISCONNECT = 0x01,
    BP_P2P_PING = 0x02,
    BP_P2P_PONG = 0x03,
};

/* Decodes a Hello. A capability whose name is longer than eight characters is
   none that we share and is left out; fields behind the known ones are left
   alone. Errors: RLPX_HELLO, more than BP_RLPX_CAPS_MAX capabilities or an id
   that is not 64 bytes; RLP_*. */
int bp_hello_decode(struct bp_rlpx_hello *out, bp_span payload) BP_MUST_USE;
/* Encodes into out; *n is the length. SPACE. */
int bp_hello_encode(uint8_t *out, size_t cap, size_t *n,
                    const struct bp_rlpx_hello *h) BP_MUST_USE;

/* The reason of a Disconnect: a list of it, or it alone. What cannot be read
   means BP_DISC_REQUESTED; a peer that leaves is not argued with. */
uint64_t bp_disconnect_decode(bp_span payload);
#define BP_DISCONNECT_SIZE 2
void bp_disconnect_encode(uint8_t out[BP_DISCONNECT_SIZE], enum bp_disc reason);

#endif
