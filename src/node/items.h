/* items.h: the headers and bodies that the pool knows by number.

       message --> frame: one block of memory, counted
                     ^  ^
                item    item ...   each some bytes of a frame

   An item's number is never used again. The pool owns one reference to each
   item it was told of; a job that needs the bytes longer holds another. All on
   the loop thread; the bytes never change, so workers may read them. */
#ifndef BP_NODE_ITEMS_H
#define BP_NODE_ITEMS_H

#include "blockpool/base.h"

struct frame {
    size_t refs, n;
    uint8_t bytes[];
};

/* A copy of bytes, with one reference; NULL: no memory. */
struct frame *frame_of(bp_span bytes) BP_MUST_USE;
void frame_let_go(struct frame *f); /* NULL: nothing */

struct items;

int items_new(struct items **out) BP_MUST_USE;
/* With items left in it: they go too. */
void items_free(struct items *t);

/* An item of bytes inside f, with one reference; 0: no memory. */
uint64_t items_add(struct items *t, struct frame *f, bp_span bytes);
bp_span items_bytes(const struct items *t, uint64_t item);
void items_hold(struct items *t, uint64_t item);
void items_let_go(struct items *t, uint64_t item);

/* Items there are. */
size_t items_count(const struct items *t);

#endif
