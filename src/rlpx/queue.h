/* queue: bytes that wait to be written, in pieces that never move.

       reserve(worst case) -> fill -> commit(used) ... front -> take

   What front shows stays where it is until it is taken, whatever is added
   behind it, so a host may hand it to its system and go on. */
#ifndef BP_RLPX_QUEUE_H
#define BP_RLPX_QUEUE_H

#include "blockpool/base.h"

/* A piece holds at least this much: small messages share one. */
#define BP_QUEUE_PIECE 16384

struct bp_queue_piece;

struct bp_queue {
    const struct bp_alloc *alloc;
    struct bp_queue_piece *head, *tail;
    size_t n;    /* bytes that wait */
    size_t held; /* memory of all pieces */
};

/* Room for n bytes in one place, at *out. Fill some of it, at least one byte,
   and commit that before anything else. At most `max` bytes of memory are held,
   this room included: RLPX_FULL; NOMEM. */
int bp_queue_reserve(uint8_t **out, struct bp_queue *q, size_t n,
                     size_t max) BP_MUST_USE;
void bp_queue_commit(struct bp_queue *q, size_t n);
bp_span bp_queue_front(const struct bp_queue *q);
void bp_queue_take(struct bp_queue *q, size_t n);
void bp_queue_done(struct bp_queue *q);

#endif
