/* queue.c: a list of pieces; the last one has the room. */
#include "rlpx/queue.h"

#include <assert.h>

struct bp_queue_piece {
    struct bp_queue_piece *next;
    size_t size; /* of this struct and its bytes */
    size_t cap, from, to;
    uint8_t bytes[];
};

static void drop_head(struct bp_queue *q) {
    struct bp_queue_piece *p = q->head;
    q->head = p->next;
    if (q->head == NULL) q->tail = NULL;
    q->held -= p->size;
    bp_free(q->alloc, p, p->size);
}

int bp_queue_reserve(uint8_t **out, struct bp_queue *q, size_t n, size_t max) {
    if (q->tail == NULL || q->tail->cap - q->tail->to < n) {
        size_t cap = n > BP_QUEUE_PIECE ? n : BP_QUEUE_PIECE;
        if (cap > SIZE_MAX - sizeof(struct bp_queue_piece))
            return BP_ERR_RLPX_FULL;
        size_t size = sizeof(struct bp_queue_piece) + cap;
        /* Only a piece on its own is ever empty. */
        if (q->tail != NULL && q->tail->from == q->tail->to) drop_head(q);
        if (size > max || q->held > max - size) return BP_ERR_RLPX_FULL;
        struct bp_queue_piece *p = bp_malloc(q->alloc, size);
        if (p == NULL) return BP_ERR_NOMEM;
        *p = (struct bp_queue_piece){ .size = size, .cap = cap };
        if (q->tail != NULL)
            q->tail->next = p;
        else
            q->head = p;
        q->tail = p;
        q->held += size;
    }
    *out = q->tail->bytes + q->tail->to;
    return 0;
}

void bp_queue_commit(struct bp_queue *q, size_t n) {
    assert(n <= q->tail->cap - q->tail->to);
    q->tail->to += n;
    q->n += n;
}

bp_span bp_queue_front(const struct bp_queue *q) {
    const struct bp_queue_piece *p = q->head;
    if (p == NULL) return (bp_span){ NULL, 0 };
    return (bp_span){ p->bytes + p->from, p->to - p->from };
}

void bp_queue_take(struct bp_queue *q, size_t n) {
    struct bp_queue_piece *p = q->head;
    if (n == 0) return;
    assert(p != NULL && n <= p->to - p->from);
    p->from += n;
    q->n -= n;
    if (p->from < p->to) return;
    /* A small last piece is kept, emptied; others go. */
    if (p->next == NULL && p->cap == BP_QUEUE_PIECE)
        p->from = p->to = 0;
    else
        drop_head(q);
}

void bp_queue_done(struct bp_queue *q) {
    while (q->head != NULL) drop_head(q);
    q->n = 0;
}
