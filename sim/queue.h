/* queue.h: what happens next, in virtual time.

   A binary heap ordered by time, then by the order of putting, so that two
   things of one moment always happen in the same order. */
#ifndef BP_SIM_QUEUE_H
#define BP_SIM_QUEUE_H

#include "arena.h"

struct happening {
    bp_time at;
    uint64_t order;
    void *what;
    uint32_t kind;
    uint32_t who;
};

struct queue {
    struct arena *arena;
    struct happening *h;
    uint32_t n, cap;
    uint64_t order;
};

void queue_init(struct queue *q, struct arena *arena);
void queue_put(struct queue *q, bp_time at, uint32_t kind, uint32_t who,
               void *what);
/* Time of the next one; BP_TIME_NEVER when empty. */
bp_time queue_next_at(const struct queue *q);
/* Takes the next one; the queue must not be empty. */
struct happening queue_take(struct queue *q);

#endif
