/* serve: answers what peers ask for, from a view of the store.

   Happy path: a request becomes a job of the one serving thread; it walks the
   store and builds the reply; back on the loop the reply is queued to the peer.
   Of one peer one reply at a time is built or waits to be queued: that keeps
   the order of its requests, bounds what a peer that does not read can make us
   hold, and lets every other peer have its turn.

   Failure modes:
     - nothing of what is asked for is stored, or the store cannot be read: the
       answer is empty; every request is answered
     - a peer asks faster than we answer: beyond REQUESTS_MAX nothing is read
       from it until half of them are answered
     - a peer reads slower than it asks: its requests wait while QUEUE_SOFT_MAX
       bytes are on their way (and conn.c ends it when nothing moves)
     - it takes more than its bytes a second: they wait for the next tick
     - it goes away meanwhile: they are dropped
     - no memory for a job: the session ends */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/try.h"
#include "blockpool/chain.h"
#include "node/clock.h"
#include "node/lie.h"
#include "node/log.h"
#include "node/loop.h"
#include "node/receipts.h"
#include "node/work.h"

/* A syncing node keeps a few requests open with each peer. */
#define REQUESTS_MAX 32
/* Two replies of the largest usual size. */
#define QUEUE_SOFT_MAX (2 * BP_ETH_REPLY_SOFT_MAX)
/* Saved-up allowance, in seconds of the rate. */
#define ALLOWANCE_S 2

struct serve {
    struct node *node;
    struct work *work; /* one thread */
    uint8_t *buf;      /* of BP_RLPX_MESSAGE_MAX; the serving thread's */
    uint8_t *scratch;  /* the same, for what a lie alters */
};

struct serve_job {
    struct job job; /* first */
    struct serve_job *next;
    struct conn *conn;
    unsigned eth;
    uint64_t nth; /* request of its peer */
    enum bp_msg_id id, reply;
    struct bp_msg_get_headers query; /* GetBlockHeaders */
    uint64_t request_id;
    size_t n_hashes; /* the others */
    uint8_t *payload;
    size_t payload_n, items;
    bp_hash hashes[];
};

/* ---- on the serving thread --------------------------------------------- */

static int add_headers(struct serve_job *j, struct bp_reply *r,
                       struct bp_store_view *view, const struct node_lie *lie) {
    struct bp_walk walk;
    const struct bp_msg_get_headers *q = &j->query;
    int err = q->origin.by_number
                  ? bp_walk_from_number(&walk, view, q->origin.number, q->skip,
                                        q->reverse)
                  : bp_walk_from_hash(&walk, view, &q->origin.hash, q->skip,
                                      q->reverse);
    if (err != 0) return err;
    for (uint64_t k = 0; k < q->amount; k++) {
        struct bp_store_entry e;
        uint8_t buf[LIE_HEADER_MAX];
        bp_span header;
        err = bp_walk_next(&walk, &e);
        if (err == 0) err = bp_view_header(view, &header, &e);
        if (err != 0) return err;
        if (!bp_reply_add(r, lie_header(buf, lie, e.number, header))) break;
    }
    return 0;
}

static int add_body(struct serve *s, struct bp_reply *r, bool *more,
                    struct bp_store_view *view,
                    const struct bp_store_entry *e) {
    bp_span body, header;
    int err = bp_view_body(view, &body, e);
    if (err == 0) err = bp_view_header(view, &header, e);
    if (err != 0) return err;
    body = lie_body(s->scratch, BP_RLPX_MESSAGE_MAX, &s->node->cfg.lie,
                    e->number, body, header);
    *more = bp_reply_add(r, body);
    return 0;
}

static int add_receipts(struct serve *s, struct bp_reply *r, bool *more,
                        struct bp_store_view *view,
                        const struct bp_store_entry *e, unsigned eth) {
    bp_span list;
    BP_TRY(receipts_of(&list, view, e));
    if (eth >= 69)
        BP_TRY(receipts_without_bloom(&list, s->scratch, BP_RLPX_MESSAGE_MAX,
                                      list));
    *more = bp_reply_add(r, list);
    return 0;
}

/* Bodies or receipts of the hashes that are stored; the others are left out,
   and receipts end at the first that is missing, as their order is all that
   tells whose they are. */
static int add_by_hash(struct serve *s, struct serve_job *j, struct bp_reply *r,
                       struct bp_store_view *view) {
    bool more = true;
    for (size_t i = 0; i < j->n_hashes && more; i++) {
        struct bp_store_entry e;
        int err = bp_view_find(view, &e, &j->hashes[i]);
        if (err == 0 && j->id == BP_MSG_GET_BLOCK_BODIES)
            err = add_body(s, r, &more, view, &e);
        else if (err == 0)
            err = add_receipts(s, r, &more, view, &e, j->eth);
        if (err == BP_ERR_NOT_STORED && j->id == BP_MSG_GET_BLOCK_BODIES)
            continue;
        if (err != 0) return err;
    }
    return 0;
}

static int fill_reply(struct serve *s, struct serve_job *j,
                      struct bp_reply *r) {
    struct bp_store_view *view;
    if (lie_empties(&s->node->cfg.lie, j->nth)) return 0;
    int err = bp_view_begin(&view, s->node->cfg.store);
    if (err != 0) return err;
    if (j->id == BP_MSG_GET_BLOCK_HEADERS)
        err = add_headers(j, r, view, &s->node->cfg.lie);
    else if (j->n_hashes > 0)
        err = add_by_hash(s, j, r, view);
    bp_view_end(view);
    return err;
}

static void run_serve(struct job *job) {
    struct serve_job *j = (struct serve_job *)job;
    struct serve *s = j->conn->node->serve;
    struct bp_reply r;
    bp_reply_begin(&r, s->buf, BP_RLPX_MESSAGE_MAX, j->request_id);
    int err = fill_reply(s, j, &r);
    if (err != 0 && err != BP_ERR_NOT_STORED)
        LOG(LOG_LVL_WARN, "Cannot read what a peer asked for",
            KS("why", bp_strerror(err)));
    bp_span payload = bp_reply_end(&r);
    j->items = r.n;
    j->payload = malloc(payload.n);
    if (j->payload == NULL) return;
    memcpy(j->payload, payload.p, payload.n);
    j->payload_n = payload.n;
}

/* ---- back on the loop -------------------------------------------------- */

static void free_job(struct serve_job *j) {
    struct conn *c = j->conn;
    free(j->payload);
    free(j);
    conn_let_go(c);
}

static void count_served(const struct serve_job *j) {
    struct node_peer *seen = &j->conn->node->peers.list[j->conn->peer].seen;
    if (j->id == BP_MSG_GET_BLOCK_HEADERS) seen->headers_served += j->items;
    if (j->id == BP_MSG_GET_BLOCK_BODIES) seen->bodies_served += j->items;
}

static bool may_send(const struct conn *c) {
    if (c->state != CONN_OPEN || conn_queued(c) > QUEUE_SOFT_MAX) return false;
    return c->node->cfg.serve_bytes_per_s == 0 || c->allowance > 0;
}

/* False: there is no room now. */
static bool answer(struct serve_job *j) {
    struct conn *c = j->conn;
    int err =
        j->payload == NULL
            ? BP_ERR_NOMEM
            : conn_offer(c, j->reply, (bp_span){ j->payload, j->payload_n });
    if (err == BP_ERR_RLPX_FULL && conn_queued(c) > 0) return false;
    if (err != 0)
        conn_close(c, BP_DISC_QUITTING, bp_strerror(err));
    else
        count_served(j);
    c->allowance -= j->payload_n < c->allowance ? j->payload_n : c->allowance;
    c->serving--;
    if (c->serving <= REQUESTS_MAX / 2) conn_unpause(c, CONN_PAUSE_SERVE);
    free_job(j);
    return true;
}

/* Has the next reply built, when none is. */
static void build_next(struct conn *c) {
    struct serve_job *j = c->asked;
    if (j == NULL || c->building || c->answer != NULL) return;
    c->asked = j->next;
    if (c->asked == NULL) c->last_asked = NULL;
    c->building = true;
    work_push(c->node->serve->work, &j->job, false);
}

void serve_resume(struct conn *c) {
    if (c->resuming) return; /* an answer was flushed at once */
    c->resuming = true;
    conn_hold(c);
    if (c->answer != NULL && may_send(c)) {
        struct serve_job *j = c->answer;
        c->answer = NULL;
        if (!answer(j)) c->answer = j;
    }
    if (c->state == CONN_OPEN) build_next(c);
    c->resuming = false;
    conn_let_go(c);
}

static void done_serve(struct job *job) {
    struct serve_job *j = (struct serve_job *)job;
    struct conn *c = j->conn;
    c->building = false;
    if (!job->ran || c->state != CONN_OPEN) {
        free_job(j);
        return;
    }
    c->answer = j;
    serve_resume(c);
}

void serve_tick(struct conn *c, bp_time now) {
    uint64_t rate = c->node->cfg.serve_bytes_per_s;
    if (rate == 0 || c->state != CONN_OPEN) return;
    if (c->allowance_at == 0)
        c->allowance = rate;
    else
        c->allowance += (now - c->allowance_at) * rate / 1000;
    if (c->allowance > ALLOWANCE_S * rate) c->allowance = ALLOWANCE_S * rate;
    c->allowance_at = now;
    serve_resume(c);
}

void serve_left(struct conn *c) {
    struct serve_job *j = c->answer, *next = c->asked;
    c->answer = c->asked = c->last_asked = NULL;
    if (j != NULL) free_job(j);
    for (; (j = next) != NULL; free_job(j)) next = j->next;
}

/* ---- requests ---------------------------------------------------------- */

static struct serve_job *new_job(struct conn *c, const struct bp_msg *msg,
                                 size_t n_hashes) {
    struct serve_job *j = calloc(1, sizeof *j + n_hashes * sizeof j->hashes[0]);
    if (j == NULL) return NULL;
    j->conn = c;
    j->eth = c->eth;
    j->nth = c->requests;
    j->id = msg->id;
    j->reply = bp_msg_info(c->eth, msg->id)->reply;
    j->n_hashes = n_hashes;
    return j;
}

static struct serve_job *job_of(struct conn *c, const struct bp_msg *msg) {
    if (msg->id == BP_MSG_GET_BLOCK_HEADERS) {
        struct serve_job *j = new_job(c, msg, 0);
        if (j == NULL) return NULL;
        j->query = msg->u.get_headers;
        j->request_id = j->query.request_id;
        return j;
    }
    /* Of transactions and state we have none: their answer is empty. */
    bool stored =
        msg->id == BP_MSG_GET_BLOCK_BODIES || msg->id == BP_MSG_GET_RECEIPTS;
    struct bp_items hashes = msg->u.request.hashes;
    size_t n = stored ? hashes.n : 0;
    if (n > BP_ETH_ITEMS_MAX) n = BP_ETH_ITEMS_MAX;
    struct serve_job *j = new_job(c, msg, n);
    if (j == NULL) return NULL;
    j->request_id = msg->u.request.request_id;
    for (size_t i = 0; i < n; i++) bp_items_hash(&j->hashes[i], &hashes);
    return j;
}

void serve_request(struct conn *c, const struct bp_msg *msg) {
    c->requests++;
    if (lie_stalls(&c->node->cfg.lie, c->requests)) return;
    if (lie_drops(&c->node->cfg.lie, c->requests)) {
        conn_drop(c, "we were told to drop it");
        return;
    }
    struct serve_job *j = job_of(c, msg);
    if (j == NULL) {
        conn_close(c, BP_DISC_QUITTING, bp_strerror(BP_ERR_NOMEM));
        return;
    }
    conn_hold(c);
    if (++c->serving >= REQUESTS_MAX) conn_pause(c, CONN_PAUSE_SERVE);
    j->job = (struct job){ .run = run_serve, .done = done_serve };
    if (c->last_asked == NULL)
        c->asked = j;
    else
        c->last_asked->next = j;
    c->last_asked = j;
    build_next(c);
}

/* ---- life -------------------------------------------------------------- */

int serve_new(struct serve **out, struct node *n) {
    *out = NULL;
    struct serve *s = calloc(1, sizeof *s);
    if (s == NULL) return BP_ERR_NOMEM;
    s->node = n;
    s->buf = malloc(BP_RLPX_MESSAGE_MAX);
    s->scratch = malloc(BP_RLPX_MESSAGE_MAX);
    int err = s->buf == NULL || s->scratch == NULL
                  ? BP_ERR_NOMEM
                  : work_new(&s->work, &n->loop, 1);
    if (err != 0) {
        serve_free(s);
        return err;
    }
    *out = s;
    return 0;
}

void serve_end(struct serve *s) {
    work_end(s->work);
    s->work = NULL;
}

void serve_free(struct serve *s) {
    if (s == NULL) return;
    assert(s->work == NULL);
    free(s->buf);
    free(s->scratch);
    free(s);
}

uint64_t serve_cpu_ns(const struct serve *s) {
    struct work_load load = { 0 };
    if (s->work != NULL) work_load(s->work, &load);
    return load.cpu_ns;
}
