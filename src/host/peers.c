/* peers: who is there.

   A peer is in the list from bp_host_add_peer until it is removed or the
   engine ends it; tasks may have it for longer. */
#include <string.h>

#include "host/state.h"

/* ---- the list ---------------------------------------------------------- */

struct bp_hpeer *bp_hpeer_find(const struct bp_host *h, const bp_hash *id) {
    struct bp_hpeer *p = h->peers;
    while (p != NULL && !bp_hash_eq(&p->id, id)) p = p->next;
    return p;
}

struct bp_hpeer *bp_hpeer_session(const struct bp_host *h, bp_peer_id session) {
    struct bp_hpeer *p = h->peers;
    while (p != NULL && p->session != session) p = p->next;
    return p;
}

static struct bp_hpeer *peer_new(struct bp_host *h, const bp_hash *id,
                                 const struct bp_host_peer *fn) {
    struct bp_hpeer *p = bp_zalloc(h->alloc, sizeof *p);
    if (p == NULL) return NULL;
    p->refs = 1;
    p->id = *id;
    p->session = ++h->sessions;
    p->fn = *fn;
    p->next = h->peers;
    h->peers = p;
    return p;
}

void bp_hpeer_drop(struct bp_host *h, struct bp_hpeer *p) {
    if (--p->refs == 0) bp_free(h->alloc, p, sizeof *p);
}

void bp_hpeer_unlist(struct bp_host *h, struct bp_hpeer *p) {
    struct bp_hpeer **at = &h->peers;
    while (*at != p) at = &(*at)->next;
    *at = p->next;
    bp_hasks_free(h, p);
    bp_hpeer_drop(h, p);
}

void bp_hpeers_free(struct bp_host *h) {
    while (h->peers != NULL) bp_hpeer_unlist(h, h->peers);
}

/* ---- coming and going -------------------------------------------------- */

/* A new peer joins, or is turned away in the same step. */
static void join(struct bp_host *h, struct bp_hpeer *p,
                 const struct bp_claim *claim) {
    struct bp_event ev = { .type = BP_EV_PEER_JOINED };
    ev.u.joined.peer = p->session;
    ev.u.joined.info = (struct bp_peer_info){
        .identity = p->id,
        .caps = BP_CAP_HASHES | BP_CAP_BLOCKS,
        .claim = *claim,
    };
    bp_hrun_step(h, &ev);
}

static bool is_best(const struct bp_host *h, const struct bp_hpeer *p) {
    struct bp_pool_status st;
    bp_pool_status(h->pool, &st);
    return st.best == p->session;
}

static bool announce(struct bp_host *h, const bp_hash *id,
                     const struct bp_claim *claim,
                     const struct bp_host_peer *fn) {
    struct bp_hpeer *p = bp_hpeer_find(h, id);
    bool known = p != NULL;
    if (!known) p = peer_new(h, id, fn);
    if (p == NULL) return false;
    p->refs++; /* the engine may end it at once */
    if (known) {
        struct bp_event ev = { .type = BP_EV_PEER_CLAIM };
        ev.u.claim.peer = p->session;
        ev.u.claim.claim = *claim;
        bp_hrun_step(h, &ev);
    } else {
        join(h, p, claim);
    }
    bool best = !claim->known.held && is_best(h, p);
    bp_hpeer_drop(h, p);
    return best;
}

bool bp_host_add_peer(struct bp_host *h, const bp_u256 *td, const bp_hash *head,
                      const bp_hash *id, const struct bp_host_peer *peer) {
    bool best = false;
    pthread_mutex_lock(&h->lock);
    uint64_t run = h->run;
    if (h->running) {
        struct bp_claim claim = { .head = *head, .has_td = true, .td = *td };
        struct bp_hframe frame;
        bp_hframe_enter(h, &frame, NULL);
        pthread_mutex_unlock(&h->lock);
        claim.known.held =
            h->chain.has_block(h->chain.user, head, &claim.known);
        pthread_mutex_lock(&h->lock);
        bp_hframe_leave(h, &frame);
        if (h->run == run) best = announce(h, id, &claim, peer);
    }
    pthread_mutex_unlock(&h->lock);
    return best;
}

/* Its callbacks that run on other threads. */
static bool calls_back(const struct bp_host *h, const bp_hash *id) {
    for (const struct bp_hframe *f = h->frames; f != NULL; f = f->next)
        if (f->peer != NULL && f->peer->mute && bp_hash_eq(&f->peer->id, id))
            return true;
    return false;
}

/* Those that run are the last ones. */
static void mute(struct bp_host *h, const bp_hash *id) {
    bp_htasks_drop_peer(h, id);
    for (const struct bp_hframe *f = h->frames; f != NULL; f = f->next)
        if (f->peer != NULL && bp_hash_eq(&f->peer->id, id))
            f->peer->mute = true;
}

void bp_host_remove_peer(struct bp_host *h, const bp_hash *id) {
    pthread_mutex_lock(&h->lock);
    bool inside = bp_hframe_inside(h);
    struct bp_hpeer *p = h->running ? bp_hpeer_find(h, id) : NULL;
    mute(h, id);
    if (p != NULL) {
        struct bp_event ev = { .type = BP_EV_PEER_LEFT };
        ev.u.left.peer = p->session;
        bp_hpeer_unlist(h, p);
        bp_hrun_step(h, &ev);
    }
    while (!inside && calls_back(h, id))
        bp_hclock_wait(&h->calm, &h->lock, BP_TIME_NEVER);
    pthread_mutex_unlock(&h->lock);
}
