/* request: the ledger. Who was asked for what, until when.

       asked ---> OUT ---> ANSWERED ---> closed when the content came
                   \                       ^
                    `--> LATE -------------'   (what it wanted was asked
                                                elsewhere in the meantime)

   A late peer is asked for nothing else until it answers, or for as long again
   as it was given, doubled each time: the reply may be lost. What it answers
   then shows that it is, and the late request is forgotten. A peer that answers
   nothing of that kind within twice the longest deadline is let go. */
#include <assert.h>

#include "pool/state.h"

/* The number of a request is its serial and its place in the table. */
#define PLACE_BITS 16

int bp_requests_init(struct bp_pool *p) {
    uint32_t max = bp_config_requests(&p->cfg);
    int err =
        bp_table_init(&p->requests, &p->mem, sizeof(struct bp_request), 6, max);
    if (err != 0) return err;
    size_t n = (size_t)max * p->cfg.blocks_per_request;
    p->wants = bp_mem_take(&p->mem, n * sizeof *p->wants);
    p->request_due = BP_TIME_NEVER;
    return p->wants != NULL ? 0 : BP_ERR_NOMEM;
}

void bp_requests_free(struct bp_pool *p) {
    size_t n = (size_t)bp_config_requests(&p->cfg) * p->cfg.blocks_per_request;
    bp_mem_give(&p->mem, p->wants, n * sizeof *p->wants);
    bp_table_free(&p->requests);
}

enum bp_rate_kind bp_ask_rate(enum bp_ask ask) {
    switch (ask) {
    case BP_ASK_HEAD:
    case BP_ASK_WALK:
    case BP_ASK_FILL:
    case BP_ASK_NOTICE:
    case BP_ASK_HEADER: return BP_RATE_LINKS;
    case BP_ASK_HASHES: return BP_RATE_HASHES;
    case BP_ASK_BODIES: return BP_RATE_BLOCKS;
    }
    return BP_RATE_LINKS;
}

bool bp_peer_hushed(const struct bp_pool *p, const struct bp_peer *peer) {
    if (peer->hush <= p->now) return false;
    for (int k = 0; k < BP_RATES; k++)
        if (peer->late[k] > 0) return true;
    return false;
}

bool bp_peer_free(const struct bp_pool *p, const struct bp_peer *peer,
                  enum bp_rate_kind kind) {
    static const uint32_t need[BP_RATES] = { BP_CAP_LINKS, BP_CAP_HASHES,
                                             BP_CAP_BLOCKS };
    if (peer->state != BP_PEER_LIVE || bp_peer_hushed(p, peer)) return false;
    if ((peer->info.caps & need[kind]) == 0) return false;
    uint32_t most = 1 + peer->late[kind];
    if (kind != BP_RATE_HASHES && (peer->info.caps & BP_CAP_IDS) != 0)
        most = kind == BP_RATE_BLOCKS ? bp_estimate_requests(p, peer)
                                      : BP_BLOCK_REQUESTS;
    if (peer->out[kind] >= most) return false;
    if (kind == BP_RATE_BLOCKS && p->body_requests >= p->cfg.replies_max)
        return false;
    return p->requests.n < p->requests.max && bp_actions_room(p, 1);
}

struct bp_request *bp_request_new(struct bp_pool *p, uint32_t peer,
                                  enum bp_ask ask, uint32_t count) {
    uint32_t place = bp_table_take(&p->requests);
    if (place == BP_NIL) {
        p->stat.refused++;
        bp_wake_for(p, &p->requests);
        return NULL;
    }
    struct bp_request *r = bp_table_at(&p->requests, place);
    enum bp_rate_kind kind = bp_ask_rate(ask);
    r->id = ++p->req_serial << PLACE_BITS | place;
    r->ask = ask;
    r->peer = peer;
    r->sent = p->now;
    r->due = bp_estimate_deadline(p, &p->peer[peer], kind, count);
    r->count = count;
    r->wants = p->wants + (size_t)place * p->cfg.blocks_per_request;
    p->peer[peer].out[kind]++;
    if (kind == BP_RATE_BLOCKS) p->body_requests++;
    p->stat.requests++;
    return r;
}

struct bp_request *bp_request_find(const struct bp_pool *p, bp_req_id id) {
    uint32_t place = (uint32_t)(id & ((1u << PLACE_BITS) - 1));
    struct bp_request *r = bp_table_get(&p->requests, place);
    return r != NULL && r->id == id ? r : NULL;
}

bool bp_request_issued(const struct bp_pool *p, bp_req_id id) {
    return id >> PLACE_BITS != 0 && id >> PLACE_BITS <= p->req_serial;
}

/* The one place where a request changes its state. */
static void become(struct bp_pool *p, struct bp_request *r,
                   enum bp_request_state state) {
    assert(r->state != state && r->state != BP_REQ_ANSWERED);
    struct bp_peer *peer = &p->peer[r->peer];
    enum bp_rate_kind kind = bp_ask_rate(r->ask);
    if (r->state == BP_REQ_LATE) peer->late[kind]--;
    if (state == BP_REQ_LATE) peer->late[kind]++;
    r->state = state;
}

static void unask_all(struct bp_pool *p, struct bp_request *r) {
    for (uint32_t i = 0; i < r->n_wants; i++)
        bp_window_unask(p, r->wants[i], r->id);
    r->n_wants = 0;
}

/* The late request of that kind to this peer, or NULL. */
static struct bp_request *late_one(struct bp_pool *p, uint32_t peer,
                                   enum bp_rate_kind kind) {
    if (p->peer[peer].late[kind] == 0) return NULL;
    for (uint32_t i = 0; i < p->requests.used; i++) {
        struct bp_request *r = bp_table_get(&p->requests, i);
        if (r != NULL && r->peer == peer && r->state == BP_REQ_LATE &&
            bp_ask_rate(r->ask) == kind)
            return r;
    }
    return NULL;
}

bool bp_request_apart(struct bp_pool *p, uint32_t peer, const bp_hash *origin) {
    const struct bp_request *late = late_one(p, peer, BP_RATE_HASHES);
    return late == NULL || (p->peer[peer].info.caps & BP_CAP_IDS) != 0 ||
           bp_hash_eq(&late->origin, origin);
}

void bp_on_reply(struct bp_pool *p, const struct bp_ev_reply *ev) {
    struct bp_request *r = bp_request_find(p, ev->request);
    if (r == NULL || p->peer[r->peer].id != ev->peer ||
        r->state == BP_REQ_ANSWERED)
        return;
    struct bp_request *late = late_one(p, r->peer, bp_ask_rate(r->ask));
    if (late != NULL && late->id < r->id) bp_request_close(p, late); /* lost */
    if (r->state == BP_REQ_OUT) p->peer[r->peer].lapses = 0;
    r->answered = p->now;
    r->bytes = ev->bytes;
    r->due = p->now + p->cfg.head_probe_ms; /* for the host to decode it */
    become(p, r, BP_REQ_ANSWERED);
}

void bp_request_close(struct bp_pool *p, struct bp_request *r) {
    struct bp_peer *peer = &p->peer[r->peer];
    enum bp_rate_kind kind = bp_ask_rate(r->ask);
    if (r->state == BP_REQ_LATE) peer->late[kind]--;
    unask_all(p, r);
    assert(peer->out[kind] > 0);
    peer->out[kind]--;
    if (kind == BP_RATE_BLOCKS) p->body_requests--;
    bp_table_give(&p->requests, (uint32_t)(r->id & ((1u << PLACE_BITS) - 1)));
}

void bp_request_spoiled(struct bp_pool *p, struct bp_request *r,
                        bp_peer_id by) {
    if (r == NULL) return;
    struct bp_peer *peer = &p->peer[r->peer];
    if (peer->id != by) return;
    for (uint32_t i = 0; i < r->n_wants; i++)
        bp_window_missed(p, r->wants[i], r);
    if (r->n_wants > 0) bp_peer_lacked(peer);
    bp_peer_failed(p, peer, BP_OFF_EMPTY, NULL);
    bp_request_close(p, r);
}

void bp_requests_close_peer(struct bp_pool *p, uint32_t peer) {
    for (uint32_t i = 0; i < p->requests.used; i++) {
        struct bp_request *r = bp_table_get(&p->requests, i);
        if (r != NULL && r->peer == peer) bp_request_close(p, r);
    }
}

/* The peer is left alone for as long again as it was given, or longer. What
   falls due meanwhile belongs to the same silence. */
static void hush(struct bp_pool *p, struct bp_peer *peer, bp_time given) {
    if (peer->hush > p->now) return;
    uint64_t most = 2ull * p->cfg.request_max_ms;
    uint64_t ms = given << (peer->lapses < 5 ? peer->lapses : 5);
    peer->hush = p->now + (ms < most ? ms : most);
    peer->lapses++;
}

/* A request whose time is over: what it wanted goes elsewhere. */
static void expire(struct bp_pool *p, struct bp_request *r) {
    struct bp_peer *peer = &p->peer[r->peer];
    if (r->state == BP_REQ_ANSWERED) {
        /* Its content never came: not the peer's fault. */
        bp_request_close(p, r);
        return;
    }
    if (r->state == BP_REQ_LATE) {
        bp_blame(p, peer->by, BP_OFF_LATE, 0, NULL, 0, true);
        r->due = BP_TIME_NEVER;
        return;
    }
    bp_trace(p, "peer %llu is late (request %llu)",
             (unsigned long long)peer->id,
             (unsigned long long)(r->id >> PLACE_BITS));
    p->stat.requests_late++;
    hush(p, peer, r->due - r->sent);
    for (uint32_t i = 0; i < r->n_wants; i++)
        bp_window_missed(p, r->wants[i], r);
    unask_all(p, r);
    enum bp_rate_kind kind = bp_ask_rate(r->ask);
    r->overdue = true;
    bp_estimate_late(p, peer, kind);
    bp_peer_failed(p, peer, BP_OFF_LATE, NULL);
    if (peer->late[kind] > 0) { /* the first is the one that is waited for */
        bp_request_close(p, r);
        return;
    }
    become(p, r, BP_REQ_LATE);
    r->due = p->now + 2ull * p->cfg.request_max_ms;
}

void bp_requests_expire(struct bp_pool *p) {
    if (p->request_due > p->now) return;
    for (uint32_t i = 0; i < p->requests.used; i++) {
        struct bp_request *r = bp_table_get(&p->requests, i);
        if (r != NULL && r->due <= p->now) expire(p, r);
    }
}

/* When the ledger needs attention next: a deadline, or half of one where a
   second request may be worth while. */
void bp_requests_schedule(struct bp_pool *p) {
    p->request_due = p->half_due = BP_TIME_NEVER;
    for (uint32_t i = 0; i < p->requests.used; i++) {
        const struct bp_request *r = bp_table_get(&p->requests, i);
        if (r == NULL) continue;
        if (r->due < p->request_due) p->request_due = r->due;
        bp_time hush = p->peer[r->peer].hush;
        if (r->state == BP_REQ_LATE && hush > p->now) bp_wake_at(p, hush);
        bp_time half = bp_request_half(r);
        if (r->state == BP_REQ_OUT && bp_ask_rate(r->ask) == BP_RATE_BLOCKS &&
            !r->hedged && half < p->half_due)
            p->half_due = half;
        if (r->state == BP_REQ_OUT && !r->hedged && half > p->now)
            bp_wake_at(p, half);
    }
    bp_wake_at(p, p->request_due);
}

bp_time bp_request_half(const struct bp_request *r) {
    return r->sent + (r->due - r->sent) / 2;
}
