#include "queue.h"

#include <assert.h>

void queue_init(struct queue *q, struct arena *arena) {
    *q = (struct queue){ .arena = arena };
}

static bool before(const struct happening *a, const struct happening *b) {
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void queue_put(struct queue *q, bp_time at, uint32_t kind, uint32_t who,
               void *what) {
    q->h = arena_grow(q->arena, q->h, &q->cap, q->n + 1, sizeof *q->h);
    struct happening x = { at, q->order++, what, kind, who };
    uint32_t i = q->n++;
    while (i > 0) {
        uint32_t up = (i - 1) / 2;
        if (!before(&x, &q->h[up])) break;
        q->h[i] = q->h[up];
        i = up;
    }
    q->h[i] = x;
}

bp_time queue_next_at(const struct queue *q) {
    return q->n != 0 ? q->h[0].at : BP_TIME_NEVER;
}

struct happening queue_take(struct queue *q) {
    assert(q->n > 0);
    struct happening first = q->h[0], x = q->h[--q->n];
    uint32_t i = 0;
    for (;;) {
        uint32_t c = 2 * i + 1;
        if (c >= q->n) break;
        if (c + 1 < q->n && before(&q->h[c + 1], &q->h[c])) c++;
        if (!before(&q->h[c], &x)) break;
        q->h[i] = q->h[c];
        i = c;
    }
    q->h[i] = x;
    return first;
}
