/* slots: the blocks that came, until they are given back.

       taken ---> owned (the engine, a gathered reply) ---> loose ---> free
                    \--- pinned (a task has a copy) ---/      release_block

   A slot is loose when nobody owns or pins it. Giving one back allocates
   nothing: the list goes through the slots. */
#include <assert.h>

#include "host/state.h"

#define SLOTS_FIRST 64
/* Blocks released at a time, the lock let go of once. */
#define RELEASE_BATCH 64

static bool grow(struct bp_host *h) {
    struct bp_hslots *s = &h->slots;
    uint32_t n = s->n == 0 ? SLOTS_FIRST : 2 * s->n;
    if (n <= s->n || n == BP_HNIL) return false;
    struct bp_hslot *more =
        bp_grow(h->alloc, s->slot, s->n * sizeof *more, n * sizeof *more);
    if (more == NULL) return false;
    s->slot = more;
    for (uint32_t i = n; i-- > s->n;) {
        more[i] = (struct bp_hslot){ .next = s->free };
        s->free = i;
    }
    s->n = n;
    return true;
}

uint32_t bp_hslot_take(struct bp_host *h, const struct bp_host_block *block) {
    struct bp_hslots *s = &h->slots;
    if (s->free == BP_HNIL && !grow(h)) return BP_HNIL;
    uint32_t at = s->free;
    s->free = s->slot[at].next;
    s->slot[at] =
        (struct bp_hslot){ .block = *block, .next = BP_HNIL, .owned = true };
    return at;
}

static void settle(struct bp_host *h, uint32_t at) {
    struct bp_hslots *s = &h->slots;
    struct bp_hslot *slot = &s->slot[at];
    if (slot->owned || slot->pins > 0) return;
    slot->next = BP_HNIL;
    if (s->loose == BP_HNIL)
        s->loose = at;
    else
        s->slot[s->loose_last].next = at;
    s->loose_last = at;
}

void bp_hslot_disown(struct bp_host *h, uint32_t at) {
    assert(bp_hslot_at(h, at)->owned);
    bp_hslot_at(h, at)->owned = false;
    settle(h, at);
}

void bp_hslot_pin(struct bp_host *h, uint32_t at) {
    bp_hslot_at(h, at)->pins++;
}

void bp_hslot_unpin(struct bp_host *h, uint32_t at) {
    assert(bp_hslot_at(h, at)->pins > 0);
    bp_hslot_at(h, at)->pins--;
    settle(h, at);
}

bool bp_hslot_release(struct bp_host *h) {
    struct bp_hslots *s = &h->slots;
    void *data[RELEASE_BATCH];
    size_t n = 0;
    while (n < RELEASE_BATCH && s->loose != BP_HNIL) {
        uint32_t at = s->loose;
        data[n++] = s->slot[at].block.data;
        s->loose = s->slot[at].next;
        s->slot[at].next = s->free;
        s->free = at;
    }
    if (n == 0) return false;
    struct bp_hframe frame;
    bp_hframe_enter(h, &frame, NULL);
    pthread_mutex_unlock(&h->lock);
    for (size_t i = 0; i < n; i++)
        h->chain.release_block(h->chain.user, data[i]);
    pthread_mutex_lock(&h->lock);
    bp_hframe_leave(h, &frame);
    return true;
}
