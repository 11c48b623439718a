/* talk: what peers say becomes events, what the pool asks becomes requests.

   Happy path: a session of our chain joins with its claim; a request is sent
   and remembered; its answer is first noted (that stops the deadline), then
   decoded by a worker, then told, in the order in which the answers came.

   Failure modes:
     - an answer that nobody asked for: an offence; but a request that was
       forgotten, because more than ASKS_MAX were never answered, is no excuse
       to accuse anyone
     - an answer of the wrong kind: the same offence
     - more bytes wait for the workers than REPLY_BYTES_MAX: nothing is read
       from this peer until they are fewer
     - the peer goes away while a worker decodes: the result is dropped
     - no memory: the pool hears of an empty answer */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "blockpool/keccak.h"
#include "node/clock.h"
#include "node/log.h"
#include "node/sync.h"

/* Unanswered requests remembered for a session. The pool has a few open; the
   others are late and may still come. */
#define ASKS_MAX 256
/* Answers of one peer that wait for the workers: about two of the largest
   usual ones and one of the largest of all. */
#define REPLY_BYTES_MAX (16u << 20)
/* Hashes of one announcement that are told. Honest peers announce one. */
#define ANNOUNCED_MAX 64

struct conn *talk_conn(struct sync *s, bp_peer_id id) {
    for (struct conn *c = s->node->conns; c != NULL; c = c->next)
        if (c->id == id && c->state == CONN_OPEN) return c;
    return NULL;
}

/* ---- asking ------------------------------------------------------------ */

static void free_ask(struct sync *s, struct ask *a) {
    for (size_t i = 0; i < a->n; i++)
        if (a->wants[i].item != 0) items_let_go(s->items, a->wants[i].item);
    free(a);
}

static void remember(struct sync *s, struct conn *c, struct ask *a) {
    struct ask **end = &c->asks;
    while (*end != NULL) end = &(*end)->next;
    *end = a;
    if (++c->n_asks <= ASKS_MAX) return;
    struct ask *oldest = c->asks;
    c->asks = oldest->next;
    c->n_asks--;
    c->forgotten = oldest->id;
    free_ask(s, oldest);
}

static struct ask *take_ask(struct conn *c, bp_req_id id) {
    for (struct ask **at = &c->asks; *at != NULL; at = &(*at)->next) {
        struct ask *a = *at;
        if (a->id != id) continue;
        *at = a->next;
        c->n_asks--;
        return a;
    }
    return NULL;
}

void talk_forget(struct sync *s, struct conn *c) {
    while (c->asks != NULL) {
        struct ask *a = c->asks;
        c->asks = a->next;
        free_ask(s, a);
    }
    c->n_asks = 0;
}

/* Without memory the peer is not asked, and the deadline will tell. */
static struct ask *new_ask(bp_req_id id, size_t n) {
    struct ask *a = calloc(1, sizeof *a + n * sizeof a->wants[0]);
    if (a != NULL) a->id = id;
    return a;
}

void talk_ask_links(struct sync *s, const struct bp_act_ask_links *act) {
    struct conn *c = talk_conn(s, act->peer);
    struct ask *a = c == NULL ? NULL : new_ask(act->request, 0);
    if (a == NULL) return;
    a->links = *act;
    remember(s, c, a);
    struct bp_msg msg = {
        .id = BP_MSG_GET_BLOCK_HEADERS,
        .u.get_headers = { .request_id = act->request,
                           .origin = { .by_number = act->by_number,
                                       .number = act->number },
                           .amount = act->count,
                           .skip = act->skip,
                           .reverse = act->reverse },
    };
    if (!act->by_number) {
        msg.u.get_headers.origin.hash = act->hash;
        msg.u.get_headers.origin.number = 0;
    }
    conn_send(c, &msg);
}

void talk_ask_blocks(struct sync *s, const struct bp_act_ask_blocks *act) {
    struct conn *c = talk_conn(s, act->peer);
    assert(act->n <= BP_ETH_ITEMS_MAX); /* as many as we said it may be asked */
    struct ask *a = c == NULL ? NULL : new_ask(act->request, act->n);
    if (a == NULL) return;
    uint8_t buf[BP_HASH_ITEMS_SIZE(BP_ETH_ITEMS_MAX)];
    bp_hash hashes[BP_ETH_ITEMS_MAX];
    a->blocks = true;
    a->n = act->n;
    for (size_t i = 0; i < act->n; i++) {
        a->wants[i] = act->wants[i];
        hashes[i] = act->wants[i].hash;
        if (a->wants[i].item != 0) items_hold(s->items, a->wants[i].item);
    }
    remember(s, c, a);
    struct bp_msg msg = {
        .id = BP_MSG_GET_BLOCK_BODIES,
        .u.request = { .request_id = act->request,
                       .hashes = bp_items_of_hashes(buf, hashes, act->n) },
    };
    conn_send(c, &msg);
}

/* ---- answers ----------------------------------------------------------- */

/* Newest first; held blocks have all their ancestors, so the first that is
   held is found by halving. */
static void find_held(struct sync *s, struct bp_ev_links *ev) {
    ev->held_at = BP_NONE;
    if (ev->n == 0) return;
    size_t low = 0, high = ev->n; /* held at high, and from there on */
    ev->held = sync_held(s, &ev->links[ev->n - 1].parent);
    if (!ev->held.held) /* the genesis has no parent that is */
        ev->held = sync_held(s, &ev->links[--high].hash);
    if (!ev->held.held) return;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        struct bp_held h = sync_held(s, &ev->links[mid].hash);
        if (h.held) {
            high = mid;
            ev->held = h;
        } else {
            low = mid + 1;
        }
    }
    ev->held_at = high;
}

static void tell_links(struct sync *s, struct reply_job *j) {
    struct conn *c = j->conn;
    for (size_t i = 0; i < j->n; i++) {
        j->links[i].item = items_add(s->items, j->frame, j->link_bytes[i]);
        if (j->links[i].item != 0) continue;
        while (i-- > 0) items_let_go(s->items, j->links[i].item);
        j->n = 0;
    }
    struct bp_event ev = { .type = BP_EV_LINKS,
                           .u.links = { .peer = c->id,
                                        .request = j->ask->id,
                                        .links = j->links,
                                        .n = j->n } };
    find_held(s, &ev.u.links);
    s->headers += j->n;
    if (j->n > 0) s->progress_at = clock_mono_ms();
    struct node_peer *seen = &s->node->peers.list[c->peer].seen;
    seen->headers += j->n;
    if (j->n > 0 &&
        (seen->head == NODE_UNKNOWN || seen->head < j->links[0].number))
        seen->head = j->links[0].number;
    sync_step(s, &ev);
}

/* A body keeps the whole message in memory; when little of that is of use, a
   copy is cheaper. */
static uint64_t add_body(struct sync *s, struct reply_job *j, bp_span body,
                         bool share) {
    if (share) return items_add(s->items, j->frame, body);
    struct frame *f = frame_of(body);
    if (f == NULL) return 0;
    uint64_t item = items_add(s->items, f, (bp_span){ f->bytes, f->n });
    frame_let_go(f);
    return item;
}

static void tell_blocks(struct sync *s, struct reply_job *j) {
    struct conn *c = j->conn;
    struct bp_delivery *out = calloc(j->n + 1, sizeof *out);
    size_t useful = 0, n = 0, matched = 0;
    for (size_t i = 0; i < j->n; i++)
        if (j->bodies[i].want != BP_NONE) useful += j->bodies[i].bytes.n;
    for (size_t i = 0; out != NULL && i < j->n; i++, n++) {
        const struct reply_body *b = &j->bodies[i];
        out[n].size = (uint32_t)b->bytes.n;
        if (b->want == BP_NONE) continue;
        out[n].item = add_body(s, j, b->bytes, 2 * useful >= j->frame->n);
        if (out[n].item == 0) break;
        out[n].matched = true;
        out[n].hash = j->ask->wants[b->want].hash;
        matched++;
    }
    s->node->peers.list[c->peer].seen.bodies += matched;
    struct bp_event ev = { .type = BP_EV_BLOCKS,
                           .u.blocks = { .peer = c->id,
                                         .request = j->ask->id,
                                         .blocks = out,
                                         .n = n } };
    sync_step(s, &ev);
    free(out);
}

static void tell(struct sync *s, struct reply_job *j) {
    if (j->offence != 0)
        session_offence(j->conn, j->offence, j->code);
    else if (j->ask->blocks)
        tell_blocks(s, j);
    else
        tell_links(s, j);
}

/* Tells the answers that are decoded, up to the first that is not. */
static void tell_in_order(struct sync *s, struct conn *c) {
    while (c->replies != NULL && c->replies->finished) {
        struct reply_job *j = c->replies;
        c->replies = j->next;
        if (c->replies == NULL) c->last_reply = NULL;
        c->reply_bytes -= j->frame->n;
        if (j->ask->blocks)
            s->costs.roots_ns += j->cpu_ns;
        else
            s->costs.headers_ns += j->cpu_ns;
        if (c->joined && !s->ending && j->job.ran) tell(s, j);
        free_ask(s, j->ask);
        reply_free(j);
        conn_let_go(c);
    }
}

static void done_reply(struct job *job) {
    struct reply_job *j = (struct reply_job *)job;
    struct conn *c = j->conn;
    struct sync *s = c->node->sync;
    j->finished = true;
    conn_hold(c);
    tell_in_order(s, c);
    if (c->reply_bytes < REPLY_BYTES_MAX / 2) conn_unpause(c, CONN_PAUSE_WORK);
    conn_let_go(c);
}

static struct reply_job *new_reply(struct sync *s, struct conn *c,
                                   struct ask *a, const struct bp_msg *msg,
                                   bp_span payload) {
    struct reply_job *j = calloc(1, sizeof *j);
    if (j == NULL) return NULL;
    j->frame = frame_of(payload);
    j->headers = calloc(a->n + 1, sizeof *j->headers);
    if (j->frame == NULL || j->headers == NULL) {
        reply_free(j);
        return NULL;
    }
    j->conn = c;
    j->ask = a;
    j->roots = s->roots;
    j->items = msg->u.reply.items;
    if (j->items.rlp.n > 0) /* the same bytes in our copy */
        j->items.rlp.p = j->frame->bytes + (j->items.rlp.p - payload.p);
    for (size_t i = 0; i < a->n; i++)
        if (a->wants[i].item != 0)
            j->headers[i] = items_bytes(s->items, a->wants[i].item);
    return j;
}

static void queue_reply(struct sync *s, struct conn *c, struct reply_job *j) {
    if (c->last_reply == NULL)
        c->replies = j;
    else
        c->last_reply->next = j;
    c->last_reply = j;
    c->reply_bytes += j->frame->n;
    if (c->reply_bytes > REPLY_BYTES_MAX) conn_pause(c, CONN_PAUSE_WORK);
    conn_hold(c);
    j->job = (struct job){ .run = reply_run,
                           .done = done_reply,
                           .bytes = j->frame->n };
    work_push(s->verify, &j->job, true);
}

void sync_reply(struct conn *c, const struct bp_msg *msg, bp_span payload,
                size_t wire) {
    struct sync *s = c->node->sync;
    bp_req_id id = msg->u.reply.request_id;
    struct ask *a = take_ask(c, id);
    bool fits = a != NULL && msg->id == (a->blocks ? BP_MSG_BLOCK_BODIES
                                                   : BP_MSG_BLOCK_HEADERS);
    if (!fits) {
        if (a != NULL) free_ask(s, a);
        if (a != NULL || id > c->forgotten)
            session_offence(c, BP_OFF_TOO_MUCH, BP_ERR_UNASKED);
        return;
    }
    struct reply_job *j = new_reply(s, c, a, msg, payload);
    if (j == NULL) {
        free_ask(s, a); /* the deadline will tell */
        return;
    }
    queue_reply(s, c, j);
    struct bp_event ev = { .type = BP_EV_REPLY,
                           .u.reply = { c->id, id, wire } };
    sync_step(s, &ev);
}

/* ---- what peers say by themselves -------------------------------------- */

void sync_join(struct conn *c) {
    struct sync *s = c->node->sync;
    const struct bp_msg_status *st = &c->status;
    bool ranged = c->eth >= 69;
    struct bp_event ev = {
        .type = BP_EV_PEER_JOINED,
        .u.joined = {
            .peer = c->id,
            .info = {
                .identity = s->node->peers.list[c->peer].identity,
                .caps = BP_CAP_LINKS | BP_CAP_BLOCKS | BP_CAP_IDS,
                .links_max = BP_ETH_ITEMS_MAX,
                .blocks_max = BP_ETH_ITEMS_MAX,
                .has_range = ranged,
                .earliest = st->earliest,
                .latest = st->latest,
                .claim = { .head = st->head,
                           .known = sync_held(s, &st->head),
                           .has_td = !ranged,
                           .td = st->td,
                           .has_number = ranged,
                           .number = st->latest },
            },
        },
    };
    c->joined = true;
    c->newest = st->head;
    s->progress_at = clock_mono_ms();
    sync_step(s, &ev);
}

void sync_range(struct conn *c, const struct bp_msg_range *msg) {
    struct sync *s = c->node->sync;
    struct bp_event range = { .type = BP_EV_PEER_RANGE,
                              .u.range = { c->id, msg->earliest,
                                           msg->latest } };
    sync_step(s, &range);
    struct bp_event claim = {
        .type = BP_EV_PEER_CLAIM,
        .u.claim = { .peer = c->id,
                     .claim = { .head = msg->latest_hash,
                                .known = sync_held(s, &msg->latest_hash),
                                .has_number = true,
                                .number = msg->latest } },
    };
    s->node->peers.list[c->peer].seen.head = msg->latest;
    if (c->joined) sync_step(s, &claim);
}

void sync_announced(struct conn *c, const struct bp_msg_announce *msg) {
    struct sync *s = c->node->sync;
    struct bp_items rest = msg->blocks;
    struct bp_event ev = { .type = BP_EV_ANNOUNCED,
                           .u.announced = { .peer = c->id,
                                            .has_number = true } };
    for (size_t i = 0; i < ANNOUNCED_MAX && c->joined; i++) {
        struct bp_ev_announced *a = &ev.u.announced;
        if (!bp_items_announced(&a->hash, &a->number, &rest)) return;
        a->known = sync_held(s, &a->hash);
        c->newest = a->hash;
        sync_step(s, &ev);
    }
}

/* A whole block: decoded here, as it is one. */
static int read_pushed(struct bp_delivery *out, struct bp_block *block,
                       bp_span rlp) {
    struct bp_body_roots roots;
    struct bp_roots *scratch;
    int err = bp_block_decode(block, &rlp);
    if (err == 0) err = bp_rlp_end(rlp);
    if (err == 0) err = reply_header_size(&block->header);
    if (err != 0) return err;
    if ((err = bp_roots_new(&scratch, NULL)) != 0) return err;
    err = bp_bodies_roots(&roots, scratch, &block->body, 1);
    bp_roots_free(scratch);
    if (err != 0) return err;
    if (!bp_body_roots_match(&roots, &block->header)) return BP_ERR_ORIGIN;
    bp_keccak256(&out->hash, block->header_rlp);
    const struct bp_header *h = &block->header;
    out->matched = out->has_link = true;
    out->link = (struct bp_link){
        .hash = out->hash,
        .parent = h->parent_hash,
        .number = h->number,
        .difficulty = h->difficulty,
        .size = (uint32_t)block->header_rlp.n,
        .flags = bp_header_body_empty(h) ? BP_LINK_EMPTY : 0,
    };
    return 0;
}

static uint64_t add_copy(struct sync *s, bp_span bytes) {
    struct frame *f = frame_of(bytes);
    if (f == NULL) return 0;
    uint64_t item = items_add(s->items, f, (bp_span){ f->bytes, f->n });
    frame_let_go(f);
    return item;
}

/* The body as its own list, which is how it is stored. */
static uint64_t add_body_of(struct sync *s, const struct bp_body *body,
                            uint32_t *size) {
    struct bp_rlp_w count = { 0 };
    bp_body_put(&count, body);
    uint8_t *bytes = malloc(count.n);
    if (bytes == NULL) return 0;
    struct bp_rlp_w w = { .p = bytes, .cap = count.n };
    bp_body_put(&w, body);
    *size = (uint32_t)w.n;
    uint64_t item = add_copy(s, (bp_span){ bytes, w.n });
    free(bytes);
    return item;
}

void sync_pushed(struct conn *c, const struct bp_msg_new_block *msg) {
    struct sync *s = c->node->sync;
    struct bp_block block;
    struct bp_event ev = { .type = BP_EV_PUSHED,
                           .u.pushed = {
                               .peer = c->id, .has_td = true, .td = msg->td } };
    struct bp_delivery *d = &ev.u.pushed.block;
    int err = read_pushed(d, &block, msg->block);
    if (err != 0) {
        if (bp_err_fault(err) == BP_PEER)
            session_offence(c, BP_OFF_BAD_BYTES, err);
        return;
    }
    c->newest = d->hash;
    d->link.item = add_copy(s, block.header_rlp);
    d->item = add_body_of(s, &block.body, &d->size);
    if (d->link.item == 0 || d->item == 0) {
        if (d->link.item != 0) items_let_go(s->items, d->link.item);
        return;
    }
    d->known = sync_held(s, &d->hash);
    d->parent = sync_held(s, &d->link.parent);
    sync_step(s, &ev);
}
