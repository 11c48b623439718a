/* replies: what a peer was asked, and what it answers.

   Replies of this protocol carry no number, so they are matched here. Hashes
   answer the oldest open request of their peer (the connection keeps order).
   Blocks are told by their hash: those of one request are gathered until all
   have come or none came for a while, and handed over as one reply. A block
   that its peer was not asked for is a pushed one. */
#include <assert.h>

#include "host/state.h"

/* Requests that a peer has answered, remembered so that a block which comes
   after its reply was handed over is not taken for a pushed one. */
#define ANSWERED_KEPT 4

/* ---- requests for blocks ----------------------------------------------- */

static size_t ask_bytes(size_t n) {
    return sizeof(struct bp_hask) + n * (sizeof(bp_hash) + sizeof(bool));
}

static void free_came(struct bp_host *h, struct bp_hask *k) {
    for (size_t i = 0; i < k->n_came; i++)
        bp_hslot_disown(h, bp_hslot_of(k->came[i].item));
    bp_free(h->alloc, k->came, k->n * sizeof *k->came);
    k->came = NULL;
    k->n_came = 0;
    k->open = false;
}

void bp_hask_drop(struct bp_host *h, struct bp_hask *k) {
    if (--k->refs > 0) return;
    bp_free(h->alloc, k, ask_bytes(k->n));
}

void bp_hasks_free(struct bp_host *h, struct bp_hpeer *p) {
    while (p->asks != NULL) {
        struct bp_hask *k = p->asks;
        p->asks = k->older;
        free_came(h, k);
        bp_hask_drop(h, k);
    }
}

/* Forgets the oldest of the answered ones. */
static void trim(struct bp_host *h, struct bp_hpeer *p) {
    size_t answered = 0;
    for (struct bp_hask **at = &p->asks; *at != NULL;) {
        struct bp_hask *k = *at;
        if (k->open || ++answered <= ANSWERED_KEPT) {
            at = &k->older;
            continue;
        }
        *at = k->older;
        bp_hask_drop(h, k);
    }
}

struct bp_hask *bp_hask_new(struct bp_host *h, struct bp_hpeer *p,
                            const struct bp_act_ask_blocks *a) {
    struct bp_hask *k = bp_zalloc(h->alloc, ask_bytes(a->n));
    if (k == NULL) return NULL;
    struct bp_delivery *came = bp_zalloc(h->alloc, a->n * sizeof *came);
    if (came == NULL) {
        bp_free(h->alloc, k, ask_bytes(a->n));
        return NULL;
    }
    *k = (struct bp_hask){ .refs = 2,
                           .id = a->request,
                           .open = true,
                           .n = a->n,
                           .came = came,
                           .hash = (bp_hash *)(k + 1) };
    k->has = (bool *)(k->hash + a->n);
    for (size_t i = 0; i < a->n; i++) k->hash[i] = a->wants[i].hash;
    trim(h, p);
    k->older = p->asks;
    p->asks = k;
    return k;
}

void bp_hpeers_forget(struct bp_host *h) {
    for (struct bp_hpeer *p = h->peers; p != NULL; p = p->next) {
        for (uint32_t i = 0; i < p->n_hash_asks; i++) p->hash_ask[i].id = 0;
        for (struct bp_hask *k = p->asks; k != NULL; k = k->older)
            free_came(h, k);
    }
}

/* ---- hashes ------------------------------------------------------------ */

static void hash_ask_pop(struct bp_hpeer *p) {
    for (uint32_t i = 1; i < p->n_hash_asks; i++)
        p->hash_ask[i - 1] = p->hash_ask[i];
    p->n_hash_asks--;
}

void bp_hpeer_asked_hashes(struct bp_hpeer *p, bp_req_id id, uint32_t count) {
    if (p->n_hash_asks == BP_HASH_ASKS) hash_ask_pop(p);
    p->hash_ask[p->n_hash_asks++] =
        (struct bp_hash_ask){ id, count, bp_hclock() };
}

/* The request that a reply of this peer answers; .id 0: none that counts. */
static struct bp_hash_ask hash_ask_take(const struct bp_host *h,
                                        struct bp_hpeer *p) {
    bp_time limit = h->cfg.request_max_ms != 0 ? h->cfg.request_max_ms : 15000;
    struct bp_hash_ask none = { 0 };
    while (p->n_hash_asks > 0) {
        struct bp_hash_ask a = p->hash_ask[0];
        hash_ask_pop(p);
        /* One forgotten by a purge that was never answered. */
        if (a.id == 0 && a.sent + limit < bp_hclock()) continue;
        return a;
    }
    return none;
}

/* Reads one reply, with the lock let go of. */
static struct bp_ev_hashes read_hashes(struct bp_host *h,
                                       bool (*next)(void *, bp_hash *),
                                       void *user, bp_hash *hashes,
                                       size_t most) {
    struct bp_ev_hashes list = { .hashes = hashes, .held_at = BP_NONE };
    while (list.n < most && next(user, &hashes[list.n])) {
        const bp_hash *got = &hashes[list.n++];
        list.held.held = h->chain.has_block(h->chain.user, got, &list.held);
        if (!list.held.held) continue;
        list.held_at = list.n - 1;
        break;
    }
    return list;
}

static void hand_over_hashes(struct bp_host *h, const bp_hash *id,
                             bp_req_id request, struct bp_ev_hashes *list) {
    const struct bp_hpeer *p = bp_hpeer_find(h, id);
    if (p == NULL) return;
    struct bp_event ev = { .type = BP_EV_REPLY };
    ev.u.reply.peer = p->session;
    ev.u.reply.request = request;
    ev.u.reply.bytes = list->n * sizeof *list->hashes;
    bp_hrun_step(h, &ev);
    p = bp_hpeer_find(h, id);
    if (p == NULL) return;
    list->peer = p->session;
    list->request = request;
    ev.type = BP_EV_HASHES;
    ev.u.hashes = *list;
    bp_hrun_step(h, &ev);
}

static void take_hashes(struct bp_host *h, bool (*next)(void *, bp_hash *),
                        void *user, const bp_hash *id) {
    struct bp_hpeer *p = h->running ? bp_hpeer_find(h, id) : NULL;
    if (p == NULL) return;
    struct bp_hash_ask ask = hash_ask_take(h, p);
    if (ask.id == 0) return;
    size_t most = (size_t)ask.count + 1;
    bp_hash *hashes = bp_malloc(h->alloc, most * sizeof *hashes);
    if (hashes == NULL) return;
    uint64_t run = h->run;
    struct bp_hframe frame;
    bp_hframe_enter(h, &frame, NULL);
    pthread_mutex_unlock(&h->lock);
    struct bp_ev_hashes list = read_hashes(h, next, user, hashes, most);
    pthread_mutex_lock(&h->lock);
    bp_hframe_leave(h, &frame);
    if (h->run == run) hand_over_hashes(h, id, ask.id, &list);
    bp_free(h->alloc, hashes, most * sizeof *hashes);
}

void bp_host_add_hashes(struct bp_host *h, bool (*next)(void *, bp_hash *),
                        void *user, const bp_hash *id) {
    pthread_mutex_lock(&h->lock);
    take_hashes(h, next, user, id);
    pthread_mutex_unlock(&h->lock);
}

/* ---- blocks ------------------------------------------------------------ */

static void hand_over(struct bp_host *h, const struct bp_hpeer *p,
                      bp_req_id request, const struct bp_delivery *blocks,
                      size_t n) {
    struct bp_event ev = { .type = BP_EV_BLOCKS };
    ev.u.blocks.peer = p != NULL ? p->session : 0;
    ev.u.blocks.request = request;
    ev.u.blocks.blocks = blocks;
    ev.u.blocks.n = n;
    bp_hrun_step(h, &ev);
}

/* The peer, and with it the request, may be gone after this. */
static void flush(struct bp_host *h, const struct bp_hpeer *p,
                  struct bp_hask *k) {
    struct bp_delivery *came = k->came;
    size_t n = k->n, n_came = k->n_came;
    k->came = NULL;
    k->n_came = 0;
    k->open = false;
    hand_over(h, p, k->id, came, n_came);
    bp_free(h->alloc, came, n * sizeof *came);
}

static bool flush_one(struct bp_host *h, bp_time now) {
    for (struct bp_hpeer *p = h->peers; p != NULL; p = p->next)
        for (struct bp_hask *k = p->asks; k != NULL; k = k->older)
            if (k->open && k->n_came > 0 && k->flush <= now) {
                flush(h, p, k);
                return true;
            }
    return false;
}

void bp_hpeers_flush(struct bp_host *h) {
    bp_time now = bp_hclock();
    while (flush_one(h, now)) continue;
}

/* Place of a hash in a request, or BP_NONE. */
static size_t place_in(const struct bp_hask *k, const bp_hash *hash) {
    for (size_t i = 0; i < k->n; i++)
        if (bp_hash_eq(&k->hash[i], hash)) return i;
    return BP_NONE;
}

/* The open request that waits for this block; else *lately is another that
   asked for it, or NULL. */
static struct bp_hask *ask_of(const struct bp_hpeer *p, const bp_hash *hash,
                              size_t *place, const struct bp_hask **lately) {
    *lately = NULL;
    for (struct bp_hask *k = p->asks; k != NULL; k = k->older) {
        *place = place_in(k, hash);
        if (*place == BP_NONE || !k->sent) continue;
        if (k->open && !k->has[*place]) return k;
        *lately = k;
    }
    return NULL;
}

static void gather(struct bp_host *h, struct bp_hpeer *p, struct bp_hask *k,
                   size_t place, const struct bp_delivery *d) {
    k->has[place] = true;
    k->came[k->n_came++] = *d;
    k->flush = bp_hclock() + h->gather_ms;
    if (k->n_came == k->n) {
        flush(h, p, k);
        return;
    }
    if (k->n_came > 1) {
        bp_hrun_notify(h);
        return;
    }
    struct bp_event ev = { .type = BP_EV_REPLY };
    ev.u.reply.peer = p->session;
    ev.u.reply.request = k->id;
    ev.u.reply.bytes = d->size;
    bp_hrun_step(h, &ev);
}

static void deliver(struct bp_host *h, const bp_hash *id,
                    const struct bp_delivery *d) {
    struct bp_hpeer *p = bp_hpeer_find(h, id);
    if (p == NULL) { /* a wanted block is good whoever sends it */
        hand_over(h, NULL, 0, d, 1);
        return;
    }
    size_t place;
    const struct bp_hask *lately;
    struct bp_hask *k = ask_of(p, &d->hash, &place, &lately);
    if (k != NULL) {
        gather(h, p, k, place, d);
    } else if (lately != NULL && lately->open) { /* a second copy of it */
        hand_over(h, NULL, 0, d, 1);
    } else if (lately != NULL) {
        hand_over(h, p, lately->id, d, 1);
    } else {
        struct bp_event ev = { .type = BP_EV_PUSHED };
        ev.u.pushed.peer = p->session;
        ev.u.pushed.block = *d;
        bp_hrun_step(h, &ev);
    }
}

/* A block that brings its own link; it is one item. */
static struct bp_delivery delivery_of(const struct bp_host_block *b,
                                      uint32_t slot) {
    return (struct bp_delivery){
        .hash = b->hash,
        .matched = true,
        .item = bp_hslot_item(slot),
        .size = b->size,
        .has_link = true,
        .link = { .hash = b->hash,
                  .parent = b->parent,
                  .number = b->number,
                  .difficulty = b->difficulty,
                  .size = sizeof *b },
    };
}

/* What the chain says of it, with the lock let go of. */
static bool look_up(struct bp_host *h, const struct bp_host_block *b,
                    struct bp_held *known, struct bp_held *parent) {
    const struct bp_host_chain *c = &h->chain;
    uint64_t run = h->run;
    if (!h->running) return false;
    pthread_mutex_unlock(&h->lock);
    known->held = c->has_block(c->user, &b->hash, known);
    parent->held = c->has_block(c->user, &b->parent, parent);
    pthread_mutex_lock(&h->lock);
    return h->run == run;
}

void bp_host_add_block(struct bp_host *h, const struct bp_host_block *block,
                       const bp_hash *id) {
    struct bp_held known = { 0 }, parent = { 0 };
    struct bp_hframe frame;
    uint32_t slot = BP_HNIL;
    pthread_mutex_lock(&h->lock);
    bp_hframe_enter(h, &frame, NULL);
    if (look_up(h, block, &known, &parent)) slot = bp_hslot_take(h, block);
    if (slot == BP_HNIL) { /* stopped, or no memory */
        pthread_mutex_unlock(&h->lock);
        h->chain.release_block(h->chain.user, block->data);
        pthread_mutex_lock(&h->lock);
    } else {
        struct bp_delivery d = delivery_of(block, slot);
        d.known = known;
        d.parent = parent;
        deliver(h, id, &d);
    }
    bp_hframe_leave(h, &frame);
    pthread_mutex_unlock(&h->lock);
}
