/* ends.h: two sessions in memory, and a peer that says anything.

   The ends talk through each other's queues. The liar does its handshake and
   its frames by hand, so that it can break every rule after them. */
#ifndef BP_TESTS_UNIT_RLPX_ENDS_H
#define BP_TESTS_UNIT_RLPX_ENDS_H

#include "lib/test.h"
#include "rlpx/frame.h"
#include "rlpx/p2p.h"

/* ---- two ends -------------------------------------------------------- */

/* Where the recipient takes its memory from; NULL: the C library. */
extern const struct bp_alloc *memory_b;

extern const uint8_t key_a[32], key_b[32];

struct ends {
    struct bp_rlpx *a, *b; /* initiator, recipient */
    uint8_t random_a[BP_RLPX_RANDOM], random_b[BP_RLPX_RANDOM];
    uint8_t public_a[64], public_b[64];
    struct bp_rlpx_config ca, cb;
};

void configure(struct ends *e);
void open_ends(struct ends *e);
void close_ends(struct ends *e);
/* Both READY. */
void make_ready(struct ends *e);

/* Takes all that waits, as one malloc'd piece of its exact size. */
uint8_t *take_all(struct bp_rlpx *s, size_t *n);
/* Feeds bytes until an event that is not NONE. */
int feed(struct bp_rlpx *s, struct bp_rlpx_event *ev, const uint8_t *p,
         size_t n);
/* Carries everything that waits from one end to the other. The last event
   counts. */
int carry(struct bp_rlpx *from, struct bp_rlpx *to, struct bp_rlpx_event *ev);

/* ---- a peer that breaks the rules ------------------------------------ */

struct liar {
    struct bp_auth auth;
    struct bp_frames frames;
    uint8_t random[BP_RLPX_RANDOM];
};

/* The handshake with a fresh e->b; then also an honest Hello. */
void liar_meets(struct liar *l, struct ends *e);
void liar_is_ready(struct liar *l, struct ends *e);
void liar_leaves(struct liar *l, struct ends *e);

/* Says the body of a frame; a code (one byte) and data; a Hello. */
int liar_says_body(struct liar *l, struct ends *e, struct bp_rlpx_event *ev,
                   bp_span body);
int liar_says(struct liar *l, struct ends *e, struct bp_rlpx_event *ev,
              uint8_t code, const void *data, size_t n);
int liar_greets(struct liar *l, struct ends *e, struct bp_rlpx_event *ev,
                const struct bp_rlpx_hello *h);
/* The Hello that is right. */
struct bp_rlpx_hello honest(const struct ends *e);

#endif
