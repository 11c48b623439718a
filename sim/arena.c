#include "arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Large enough that a default world takes three or four. */
#define CHUNK_BYTES (256u * 1024)
/* A freed block up to this size is poisoned; larger ones cost too much. */
#define POISON_MAX 4096

struct chunk {
    struct chunk *next;
    size_t size;
    _Alignas(16) uint8_t bytes[];
};

static struct chunk *new_chunk(size_t size) {
    struct chunk *c = malloc(sizeof *c + size);
    if (c == NULL) {
        fputs("blockpool-sim: out of memory\n", stderr);
        exit(70);
    }
    c->next = NULL;
    c->size = size;
    return c;
}

void *arena_take(struct arena *a, size_t n) {
    n = (n + 15) & ~(size_t)15;
    while (a->now == NULL || a->used + n > a->now->size) {
        struct chunk *next = a->now != NULL ? a->now->next : a->first;
        if (next == NULL || next->size < n) {
            struct chunk *c = new_chunk(n > CHUNK_BYTES ? n : CHUNK_BYTES);
            c->next = next;
            if (a->now != NULL)
                a->now->next = c;
            else
                a->first = c;
            next = c;
        }
        a->now = next;
        a->used = 0;
    }
    void *p = a->now->bytes + a->used;
    a->used += n;
    memset(p, 0, n);
    return p;
}

void arena_reset(struct arena *a) {
    a->now = NULL;
    a->used = 0;
}

void arena_free(struct arena *a) {
    while (a->first != NULL) {
        struct chunk *next = a->first->next;
        free(a->first);
        a->first = next;
    }
    arena_reset(a);
}

void *arena_grow(struct arena *a, void *p, uint32_t *cap, uint32_t need,
                 size_t size) {
    if (need <= *cap) return p;
    uint32_t n = *cap != 0 ? *cap : 16;
    while (n < need) n *= 2;
    void *q = arena_take(a, n * size);
    if (*cap != 0) memcpy(q, p, *cap * size);
    *cap = n;
    return q;
}

/* ---- the engine's heap ------------------------------------------------ */

struct heap_block {
    struct heap_block *prev, *next;
    size_t size;
    size_t pad; /* keeps the payload aligned to 16 */
};

static void *heap_alloc(void *user, size_t n) {
    struct heap *h = user;
    h->calls++;
    if (h->fail_pm != 0 && bp_rng_below(&h->rng, 1000) < h->fail_pm) {
        h->failed++;
        return NULL;
    }
    struct heap_block *b = malloc(sizeof *b + n);
    if (b == NULL) return NULL;
    b->prev = NULL;
    b->next = h->all;
    b->size = n;
    if (h->all != NULL) h->all->prev = b;
    h->all = b;
    h->live += n;
    if (h->live > h->peak) h->peak = h->live;
    return b + 1;
}

static void heap_free(void *user, void *p, size_t n) {
    struct heap *h = user;
    if (p == NULL) return;
    struct heap_block *b = (struct heap_block *)p - 1;
    if (b->size != n) h->broken = true;
    if (b->prev != NULL)
        b->prev->next = b->next;
    else
        h->all = b->next;
    if (b->next != NULL) b->next->prev = b->prev;
    h->live -= b->size;
    if (b->size <= POISON_MAX) memset(p, 0xdd, b->size);
    free(b);
}

void heap_init(struct heap *h, uint64_t seed) {
    *h = (struct heap){ .iface = { heap_alloc, heap_free, h } };
    bp_rng_seed(&h->rng, seed);
}

void heap_clear(struct heap *h) {
    while (h->all != NULL) {
        struct heap_block *next = h->all->next;
        free(h->all);
        h->all = next;
    }
    h->live = 0;
}
