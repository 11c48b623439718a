/* dial: keeps sessions with the fixed peers.

   Happy path: each fixed peer is dialled once the node runs; when its session
   ends it is dialled again after DIAL_FIRST_MS.

   Failure modes, all answered by waiting longer and longer, up to DIAL_MAX_MS:
     - nothing listens there, or it does not answer, or it hangs up on us
     - it is of another chain, or has too many peers
     - it is suspended: dialled when the suspension is over
   Each time the peer is named in the log with the reason and the wait. */
#include <stdlib.h>

#include "node/clock.h"
#include "node/entropy.h"
#include "node/log.h"
#include "node/loop.h"

struct fixed {
    size_t peer;
    struct conn *conn; /* ours, from dial to close */
    bp_time next_at;
    uint32_t failures; /* in a row */
    bool tried;
};

struct dialer {
    struct fixed *list;
    size_t n;
    struct bp_rng rng;
};

uint32_t dial_backoff_ms(struct bp_rng *rng, uint32_t failures) {
    uint32_t wait = DIAL_FIRST_MS;
    while (failures-- > 1 && wait < DIAL_MAX_MS) wait *= 2;
    if (wait > DIAL_MAX_MS) wait = DIAL_MAX_MS;
    uint32_t eighth = wait / 8;
    return wait - eighth + (uint32_t)bp_rng_below(rng, 2 * eighth + 1);
}

int dial_new(struct dialer **out, struct node *n) {
    *out = NULL;
    struct dialer *d = calloc(1, sizeof *d);
    if (d == NULL) return BP_ERR_NOMEM;
    d->list = calloc(n->cfg.n_peers + 1, sizeof *d->list);
    if (d->list == NULL) {
        free(d);
        return BP_ERR_NOMEM;
    }
    bp_rng_seed(&d->rng, entropy_u64());
    for (size_t i = 0; i < n->cfg.n_peers; i++) {
        size_t peer = peers_meet(&n->peers, &n->fixed[i], true);
        bool twice = peer == NO_PEER;
        for (size_t k = 0; k < d->n; k++) twice |= d->list[k].peer == peer;
        if (!twice) d->list[d->n++].peer = peer;
    }
    *out = d;
    return 0;
}

void dial_free(struct dialer *d) {
    if (d == NULL) return;
    free(d->list);
    free(d);
}

static bool wants_dial(const struct node *n, const struct fixed *f,
                       bp_time now) {
    const struct peer *p = &n->peers.list[f->peer];
    return f->conn == NULL && p->conn == NULL && now >= f->next_at &&
           now >= p->suspended_until;
}

size_t dial_pending(const struct node *n) {
    size_t count = 0;
    for (size_t i = 0; i < n->dialer->n; i++) {
        const struct conn *c = n->dialer->list[i].conn;
        if (c != NULL && c->state != CONN_OPEN) count++;
    }
    return count;
}

size_t dial_untried(const struct node *n) {
    size_t count = 0;
    for (size_t i = 0; i < n->dialer->n; i++)
        if (!n->dialer->list[i].tried) count++;
    return count;
}

void dial_tick(struct node *n, bp_time now) {
    struct dialer *d = n->dialer;
    size_t pending = dial_pending(n);
    for (size_t i = 0; i < d->n && pending < n->cfg.max_pending; i++) {
        struct fixed *f = &d->list[i];
        if (n->peers.list[f->peer].conn != NULL) f->tried = true;
        if (!wants_dial(n, f, now)) continue;
        f->next_at = now + DIAL_FIRST_MS; /* unless dial_ended says more */
        struct conn *c =
            conn_dial(n, f->peer, &n->peers.list[f->peer].seen.enode);
        if (c == NULL || c->state == CONN_CLOSING) continue;
        f->conn = c;
        pending++;
    }
}

void dial_ended(struct node *n, const struct conn *c, bool opened) {
    struct dialer *d = n->dialer;
    struct fixed *f = NULL;
    for (size_t i = 0; i < d->n; i++)
        if (d->list[i].peer == c->peer) f = &d->list[i];
    if (f == NULL) return;
    if (f->conn == c) f->conn = NULL;
    f->tried = true;
    if (n->phase != NODE_RUNNING) return;
    struct node_peer *seen = &n->peers.list[f->peer].seen;
    f->failures = opened ? 1 : f->failures + 1;
    seen->dial_failures = opened ? 0 : f->failures;
    uint32_t wait = dial_backoff_ms(&d->rng, f->failures);
    f->next_at = clock_mono_ms() + wait;
    LOG(f->failures <= 1 ? LOG_LVL_INFO : LOG_LVL_WARN,
        opened ? "Peer is gone" : "Peer is not usable", KS("peer", seen->name),
        KS("why", c->why), KU("failures", seen->dial_failures),
        KM("again_in", wait));
}
