/* items: a table of slots with a free list.

   Happy path: added with one reference, held and let go in pairs, freed with
   the last; the frame goes with its last item.

   Failure modes:
     - no memory for a slot or frame: 0 or NULL, and nothing is kept
     - a number that is not in use: a broken promise of ours; asserted */
#include "node/items.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST 1024
#define NO_SLOT     UINT32_MAX

/* number = generation << 32 | slot + 1, so that it is never 0. */
struct slot {
    struct frame *frame; /* NULL: free */
    bp_span bytes;
    uint32_t generation, refs;
    uint32_t next_free;
};

struct items {
    struct slot *slots;
    uint32_t cap, first_free;
    size_t used;
};

struct frame *frame_of(bp_span bytes) {
    struct frame *f = malloc(sizeof *f + bytes.n);
    if (f == NULL) return NULL;
    f->refs = 1;
    f->n = bytes.n;
    if (bytes.n > 0) memcpy(f->bytes, bytes.p, bytes.n);
    return f;
}

void frame_let_go(struct frame *f) {
    if (f == NULL) return;
    assert(f->refs > 0);
    if (--f->refs == 0) free(f);
}

static bool grow(struct items *t) {
    uint32_t cap = t->cap == 0 ? SLOTS_FIRST : 2 * t->cap;
    if (cap < t->cap) return false;
    struct slot *more = realloc(t->slots, cap * sizeof *more);
    if (more == NULL) return false;
    for (uint32_t i = t->cap; i < cap; i++)
        more[i] =
            (struct slot){ .next_free = i + 1 < cap ? i + 1 : t->first_free };
    t->first_free = t->cap;
    t->slots = more;
    t->cap = cap;
    return true;
}

int items_new(struct items **out) {
    *out = calloc(1, sizeof **out);
    if (*out == NULL) return BP_ERR_NOMEM;
    (*out)->first_free = NO_SLOT;
    return 0;
}

void items_free(struct items *t) {
    if (t == NULL) return;
    for (uint32_t i = 0; i < t->cap; i++) frame_let_go(t->slots[i].frame);
    free(t->slots);
    free(t);
}

uint64_t items_add(struct items *t, struct frame *f, bp_span bytes) {
    if (t->first_free == NO_SLOT && !grow(t)) return 0;
    uint32_t i = t->first_free;
    struct slot *s = &t->slots[i];
    t->first_free = s->next_free;
    s->frame = f;
    f->refs++;
    s->bytes = bytes;
    s->refs = 1;
    s->generation++;
    t->used++;
    return (uint64_t)s->generation << 32 | (i + 1);
}

static struct slot *slot_of(const struct items *t, uint64_t item) {
    uint32_t i = (uint32_t)item - 1;
    assert(i < t->cap && t->slots[i].frame != NULL &&
           t->slots[i].generation == item >> 32);
    return &t->slots[i];
}

bp_span items_bytes(const struct items *t, uint64_t item) {
    return slot_of(t, item)->bytes;
}

void items_hold(struct items *t, uint64_t item) {
    slot_of(t, item)->refs++;
}

void items_let_go(struct items *t, uint64_t item) {
    struct slot *s = slot_of(t, item);
    assert(s->refs > 0);
    if (--s->refs > 0) return;
    frame_let_go(s->frame);
    s->frame = NULL;
    s->next_free = t->first_free;
    t->first_free = (uint32_t)item - 1;
    t->used--;
}

size_t items_count(const struct items *t) {
    return t->used;
}
