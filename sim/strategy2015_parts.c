#include <string.h>

#include "strategy2015.h"

/* ---- memory and actions ----------------------------------------------- */

void *old_take(struct old_pool *p, size_t n) {
    void *m = bp_zalloc(p->alloc, n);
    if (m != NULL) p->memory += n;
    return m;
}

void old_give(struct old_pool *p, void *m, size_t n) {
    if (m == NULL) return;
    p->memory -= n;
    bp_free(p->alloc, m, n);
}

/* Room for one more of `size` bytes; false when memory is out. */
bool old_room(struct old_pool *p, void *array, uint32_t *cap, uint32_t n,
              size_t size) {
    void *old;
    memcpy(&old, array, sizeof old);
    if (n < *cap) return true;
    uint32_t more = *cap != 0 ? *cap * 2 : 16;
    void *m = old_take(p, more * size);
    if (m == NULL) return false;
    if (old != NULL) memcpy(m, old, *cap * size);
    old_give(p, old, *cap * size);
    memcpy(array, &m, sizeof m);
    *cap = more;
    return true;
}

struct bp_action *old_emit(struct old_pool *p, enum bp_action_type type,
                           void *owned, size_t owned_n) {
    static struct bp_action lost;
    if (p->first > 0 && p->queued == p->first) p->queued = p->first = 0;
    if (!old_room(p, &p->queue, &p->queue_cap, p->queued, sizeof *p->queue))
        return &lost;
    struct old_action *a = &p->queue[p->queued++];
    *a = (struct old_action){ .owned = owned, .owned_n = owned_n };
    a->a.type = type;
    return &a->a;
}

void old_release(struct old_pool *p, uint64_t item) {
    if (item == 0) return;
    uint64_t *list = old_take(p, sizeof *list);
    if (list == NULL) return;
    *list = item;
    struct bp_action *a = old_emit(p, BP_ACT_RELEASE, list, sizeof *list);
    a->u.release.items = list;
    a->u.release.n = 1;
}

bool old_next(void *e, struct bp_action *out) {
    struct old_pool *p = e;
    old_give(p, p->last, p->last_n);
    p->last = NULL;
    if (p->first == p->queued) return false;
    struct old_action *a = &p->queue[p->first++];
    *out = a->a;
    p->last = a->owned;
    p->last_n = a->owned_n;
    return true;
}

/* ---- the index -------------------------------------------------------- */

static uint32_t bucket_of(const bp_hash *h) {
    uint32_t x;
    memcpy(&x, h->b, sizeof x);
    return x % 4096;
}

uint32_t old_find(const struct old_pool *p, const bp_hash *h) {
    for (uint32_t i = p->bucket[bucket_of(h)]; i != NONE;
         i = p->node[i].next_in_bucket)
        if (!p->node[i].gone && bp_hash_eq(&p->node[i].hash, h)) return i;
    return NONE;
}

uint32_t old_new_node(struct old_pool *p, const bp_hash *h, uint32_t section) {
    if (!old_room(p, &p->node, &p->node_cap, p->nodes, sizeof *p->node))
        return NONE;
    struct old_section *s = &p->section[section];
    if (!old_room(p, &s->node, &s->cap, s->n, sizeof *s->node)) return NONE;
    struct old_node *n = &p->node[p->nodes];
    *n = (struct old_node){ .hash = *h, .section = section };
    n->next_in_bucket = p->bucket[bucket_of(h)];
    p->bucket[bucket_of(h)] = p->nodes;
    s->node[s->n++] = p->nodes;
    return p->nodes++;
}

void old_drop_node(struct old_pool *p, uint32_t i, bool held) {
    struct old_node *n = &p->node[i];
    if (n->gone) return;
    n->gone = true;
    old_release(p, n->link_item);
    old_release(p, n->body_item);
    n->link_item = n->body_item = 0;
    if (held) p->status.blocks_inserted++;
}
