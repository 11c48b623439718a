/* frame: what the stream carries after the handshake.

       head                    body
       size 3 | c2 80 80 | 0   code and data, padded with 0 to 16
       AES-256-CTR   16        AES-256-CTR
       MAC           16        MAC            16

   Each direction has one cipher stream and one running Keccak-256 MAC over all
   that was ever sent, so a frame opens only in its place. Followed: devp2p
   rlpx.md, "Framing" and "MAC". */
#ifndef BP_RLPX_FRAME_H
#define BP_RLPX_FRAME_H

#include "rlpx/auth.h"

#define BP_FRAME_HEAD 32 /* with its MAC */
#define BP_FRAME_MAC  16
#define BP_FRAME_PAD  16

struct evp_cipher_ctx_st; /* OpenSSL's EVP_CIPHER_CTX */

/* One direction's MAC. */
struct bp_mac {
    struct bp_keccak hash;
    uint8_t digest[32];               /* of `hash` as it is */
    struct evp_cipher_ctx_st *cipher; /* AES-256 of single blocks; borrowed */
};

struct bp_frames {
    struct evp_cipher_ctx_st *seal, *open, *mac;
    struct bp_mac egress, ingress;
};

/* NOMEM; call bp_frames_done after it too. */
int bp_frames_init(struct bp_frames *f,
                   const struct bp_rlpx_secrets *s) BP_MUST_USE;
void bp_frames_done(struct bp_frames *f);

/* Body, padding and MAC of a body of n bytes. */
size_t bp_frame_body_size(size_t n);

/* Seals a frame in place: the body's n bytes (to BP_RLPX_FRAME_MAX) lie at
   frame + BP_FRAME_HEAD. Returns its size, BP_FRAME_HEAD more than
   bp_frame_body_size(n). */
size_t bp_frame_seal(struct bp_frames *f, uint8_t *frame, size_t n);

/* Opens a head: *n is the body's length. RLPX_MAC. */
int bp_frame_open_head(size_t *n, struct bp_frames *f,
                       const uint8_t head[BP_FRAME_HEAD]) BP_MUST_USE;
/* Opens the body of n bytes in place, bp_frame_body_size(n) bytes. RLPX_MAC. */
int bp_frame_open_body(struct bp_frames *f, uint8_t *body,
                       size_t n) BP_MUST_USE;

/* The MAC's two uses: after them its value is the digest's first 16 bytes. */
void bp_mac_init(struct bp_mac *m, const struct bp_keccak *hash,
                 struct evp_cipher_ctx_st *cipher);
void bp_mac_head(struct bp_mac *m, const uint8_t head[16]);
void bp_mac_body(struct bp_mac *m, bp_span body);

#endif
