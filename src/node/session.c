/* session: what the messages of one session mean to the node.

   Happy path: Hellos are exchanged, the peer is one we want; both send Status,
   it is of our chain; from then on requests go to serve.c, replies and
   announcements to sync.c, and what is about transactions is passed over.

   Failure modes, each with the reason that the peer is told:
     - it is this node itself, or already connected (SELF, ALREADY)
     - too many peers, or strangers are not wanted (TOO_MANY)
     - its first message is no Status, or malformed (BREACH)
     - another network, genesis or fork (USELESS)
     - a message that does not decode or has no place here (BREACH); that is an
       offence, for an honest peer cannot have sent it
     - our own store cannot be read for our Status: the node ends */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blockpool/spec.h"
#include "node/clock.h"
#include "node/log.h"
#include "node/loop.h"
#include "node/required.h"

/* Two nodes that dial each other at the same time keep the session of the one
   with the lower id; later than this the first one stays. */
#define TIE_MS 5000

/* ---- our Status -------------------------------------------------------- */

/* Our own head: if it does not decode, that is no peer's fault. */
static int read_head(struct bp_store_entry *head, struct bp_header *header,
                     struct bp_store_view *view) {
    bp_span rlp;
    int err = bp_view_head(view, head);
    if (err == 0) err = bp_view_header(view, &rlp, head);
    if (err != 0) return err;
    return bp_header_decode(header, &rlp) == 0 ? 0 : BP_ERR_STORE_CORRUPT;
}

int session_status(struct bp_msg_status *out, struct node *n,
                   unsigned version) {
    struct bp_store_view *view;
    struct bp_store_entry head;
    struct bp_header header = { 0 };
    int err = bp_view_begin(&view, n->cfg.store);
    if (err != 0) return err;
    err = read_head(&head, &header, view);
    bp_view_end(view);
    if (err != 0) return err;

    const struct bp_spec *spec = n->cfg.spec;
    struct bp_fork_id fork = bp_fork_id(spec, header.number, header.time);
    *out = (struct bp_msg_status){
        .version = version,
        .network = n->cfg.network_id,
        .genesis = spec->genesis_hash,
        .fork_hash = { (uint8_t)(fork.hash >> 24), (uint8_t)(fork.hash >> 16),
                       (uint8_t)(fork.hash >> 8), (uint8_t)fork.hash },
        .fork_next = fork.next,
        .head = head.hash,
        .td = head.td,
        .earliest = 0,
        .latest = head.number,
    };
    if (version >= 69)
        out->td = (bp_u256){ 0 };
    else
        out->latest = 0;
    if (n->cfg.lie.kind == NODE_LIE_GENESIS) out->genesis.b[0] ^= 0xff;
    return 0;
}

static void send_status(struct conn *c) {
    struct bp_msg msg = { .id = BP_MSG_STATUS };
    int err = session_status(&msg.u.status, c->node, c->eth);
    if (err != 0) {
        node_finish(c->node, NODE_EXIT_FAILED, bp_strerror(err));
        return;
    }
    conn_send(c, &msg);
}

/* ---- Hello ------------------------------------------------------------- */

static size_t connected(const struct node *n) {
    size_t count = 0;
    for (const struct conn *c = n->conns; c != NULL; c = c->next)
        if (c->state == CONN_OPEN || c->state == CONN_STATUS) count++;
    return count;
}

/* Another session with the same peer, beyond the Hello. */
static struct conn *twin_of(const struct conn *c) {
    for (struct conn *o = c->node->conns; o != NULL; o = o->next)
        if (o != c && o->peer == c->peer &&
            (o->state == CONN_STATUS || o->state == CONN_OPEN))
            return o;
    return NULL;
}

/* Whether the new session takes the place of the one there is. Both sides
   come to the same answer. */
static bool takes_over(const struct conn *c, const struct conn *old) {
    if (clock_mono_ms() - old->opened_at > TIE_MS) return false;
    if (c->inbound == old->inbound) return false;
    bool we_are_lower = memcmp(c->node->self.id, c->address.id, 64) < 0;
    return c->inbound != we_are_lower;
}

/* Who it is, in the table of peers. */
static bool identify(struct conn *c) {
    const struct bp_rlpx_hello *hello = bp_rlpx_peer_hello(c->rlpx);
    struct node *n = c->node;
    memcpy(c->address.id, hello->id, sizeof c->address.id);
    if (c->peer == NO_PEER) {
        bool known = peers_find(&n->peers, hello->id) != NO_PEER;
        if (n->cfg.peer_only && !known) return false;
        c->peer = peers_meet(&n->peers, &c->address, false);
        if (c->peer == NO_PEER) return false;
        peers_hold(&n->peers, c->peer);
    }
    struct node_peer *seen = &n->peers.list[c->peer].seen;
    snprintf(seen->client, sizeof seen->client, "%.63s", hello->client);
    return true;
}

static bool admit(struct conn *c) {
    struct node *n = c->node;
    if (memcmp(bp_rlpx_peer_hello(c->rlpx)->id, n->self.id, 64) == 0) {
        conn_close(c, BP_DISC_SELF, "it is this node itself");
        return false;
    }
    if (!identify(c)) {
        conn_close(c, BP_DISC_TOO_MANY, "strangers are not wanted");
        return false;
    }
    struct conn *twin = twin_of(c);
    if (twin != NULL && !takes_over(c, twin)) {
        conn_close(c, BP_DISC_ALREADY, "it is connected already");
        return false;
    }
    if (twin != NULL)
        conn_close(twin, BP_DISC_ALREADY, "it is connected the other way");
    if (!n->peers.list[c->peer].seen.fixed &&
        connected(n) >= n->cfg.max_peers) {
        conn_close(c, BP_DISC_TOO_MANY, "there are too many peers");
        return false;
    }
    return true;
}

void session_ready(struct conn *c) {
    size_t n_caps;
    const struct bp_rlpx_shared *caps = bp_rlpx_shared_caps(c->rlpx, &n_caps);
    assert(n_caps == 1); /* eth is all that we offer */
    c->eth_cap = 0;
    c->eth = caps[0].cap.version;
    if (!admit(c)) return;
    c->state = CONN_STATUS;
    c->opened_at = clock_mono_ms();
    send_status(c);
}

/* ---- Status ------------------------------------------------------------ */

/* Noted by the node itself: the pool does not know this session. */
static void blame_here(struct conn *c, int offence, int code) {
    struct node *n = c->node;
    if (c->peer == NO_PEER) return;
    struct node_finding f = {
        .peer = c->peer,
        .at = clock_mono_ms() - n->began,
        .offence = offence,
        .code = code,
        .ended = true,
    };
    snprintf(f.text, sizeof f.text, "%s: %s", bp_offence_text(offence),
             code != 0 ? bp_strerror(code) : "no more is known");
    if (peers_blame(&n->peers, &f) && n->cfg.hooks.found != NULL)
        n->cfg.hooks.found(n->cfg.hooks.user, n);
}

/* Why a peer with this Status is of no use; 0: it is of our chain. */
static int judge(struct conn *c, const struct bp_msg_status *ours,
                 uint64_t code, bp_span payload) {
    int err = bp_status_receive(&c->status, ours, code, payload);
    if (err != 0) return err;
    const uint8_t *h = c->status.fork_hash;
    struct bp_fork_id remote = {
        .hash = (uint32_t)h[0] << 24 | (uint32_t)h[1] << 16 |
                (uint32_t)h[2] << 8 | h[3],
        .next = c->status.fork_next,
    };
    struct bp_store_view *view;
    struct bp_store_entry head;
    struct bp_header header = { 0 };
    if ((err = bp_view_begin(&view, c->node->cfg.store)) != 0) return err;
    err = read_head(&head, &header, view);
    bp_view_end(view);
    if (err != 0) return err;
    enum bp_fork_verdict v =
        bp_fork_check(c->node->cfg.spec, header.number, header.time, remote);
    return v == BP_FORK_COMPATIBLE ? 0 : BP_ERR_ETH_FORK;
}

static bool is_other_chain(int err) {
    return err == BP_ERR_ETH_NETWORK || err == BP_ERR_ETH_GENESIS ||
           err == BP_ERR_ETH_FORK;
}

static void open_session(struct conn *c) {
    struct node *n = c->node;
    struct peer *p = &n->peers.list[c->peer];
    uv_timer_stop(&c->timer);
    c->state = CONN_OPEN;
    c->opened_at = clock_mono_ms();
    p->conn = c;
    p->seen.connected = true;
    p->seen.inbound = c->inbound;
    p->seen.eth = c->eth;
    p->seen.sessions++;
    p->seen.head = c->eth >= 69 ? c->status.latest : NODE_UNKNOWN;
    LOG(LOG_LVL_INFO, "Peer connected", KS("peer", p->seen.name),
        KS("client", p->seen.client), KN("eth", c->eth),
        KS("dir", c->inbound ? "in" : "out"));
    if (n->sync == NULL) return;
    required_ask(c); /* first, so that the answer comes before all else */
    if (c->state == CONN_OPEN) sync_join(c);
}

static void take_status(struct conn *c, const struct bp_rlpx_event *ev) {
    struct bp_msg_status ours;
    int err = session_status(&ours, c->node, c->eth);
    if (err == 0) err = judge(c, &ours, ev->code, ev->payload);
    if (err == 0) {
        open_session(c);
    } else if (is_other_chain(err)) {
        blame_here(c, BP_OFF_WRONG_CHAIN, err);
        conn_close(c, BP_DISC_USELESS, bp_strerror(err));
    } else if (bp_err_fault(err) == BP_PEER) {
        blame_here(c, BP_OFF_BAD_BYTES, err);
        conn_close(c, BP_DISC_BREACH, bp_strerror(err));
    } else {
        node_finish(c->node, NODE_EXIT_FAILED, bp_strerror(err));
    }
}

/* ---- everything else --------------------------------------------------- */

void session_offence(struct conn *c, int offence, int code) {
    if (c->state == CONN_CLOSING) return;
    if (c->joined) {
        sync_offence(c, offence, code);
        return;
    }
    blame_here(c, offence, code);
    conn_close(c, BP_DISC_BREACH, bp_strerror(code));
}

/* A broken MAC may be the work of whoever sits between us. */
static bool is_provable(int err) {
    return bp_err_fault(err) == BP_PEER && err != BP_ERR_RLPX_MAC;
}

void session_broke(struct conn *c, int err) {
    if (c->state == CONN_OPEN && is_provable(err))
        session_offence(c, BP_OFF_BAD_BYTES, err);
    conn_close(c, BP_DISC_BREACH, bp_strerror(err));
}

/* Each of these is a message of an open session that was decoded. */
static void take_state(struct conn *c, const struct bp_msg *msg) {
    struct node *n = c->node;
    if (msg->id == BP_MSG_STATUS) {
        session_offence(c, BP_OFF_BAD_BYTES, BP_ERR_ETH_FIRST);
        return;
    }
    if (n->sync == NULL) return;
    if (msg->id == BP_MSG_NEW_BLOCK_HASHES)
        sync_announced(c, &msg->u.announce);
    else if (msg->id == BP_MSG_NEW_BLOCK)
        sync_pushed(c, &msg->u.new_block);
    else if (msg->id == BP_MSG_BLOCK_RANGE_UPDATE)
        sync_range(c, &msg->u.range);
}

static void take_reply(struct conn *c, const struct bp_msg *msg,
                       const struct bp_rlpx_event *ev) {
    if (c->node->sync == NULL)
        session_offence(c, BP_OFF_TOO_MUCH, BP_ERR_UNASKED);
    else if (!required_reply(c, msg))
        sync_reply(c, msg, ev->payload, ev->wire_size);
}

static void take_message(struct conn *c, const struct bp_rlpx_event *ev) {
    struct bp_msg msg;
    const struct bp_msg_info *info = bp_msg_info(c->eth, ev->code);
    int err = info == NULL ? BP_ERR_ETH_CODE
                           : bp_msg_decode(&msg, c->eth, ev->code, ev->payload);
    if (err != 0) {
        session_offence(c, BP_OFF_BAD_BYTES, err);
        return;
    }
    switch (info->kind) {
    case BP_MSG_KIND_STATE: take_state(c, &msg); return;
    case BP_MSG_KIND_REQUEST: serve_request(c, &msg); return;
    case BP_MSG_KIND_REPLY: take_reply(c, &msg, ev); return;
    case BP_MSG_KIND_IGNORED: return;
    }
    abort();
}

void session_message(struct conn *c, const struct bp_rlpx_event *ev) {
    if (c->state == CONN_STATUS)
        take_status(c, ev);
    else if (c->state == CONN_OPEN)
        take_message(c, ev);
}

/* ---- our head moves ---------------------------------------------------- */

void session_head_moved(struct node *n, const struct bp_chain_head *head) {
    struct bp_msg msg = {
        .id = BP_MSG_BLOCK_RANGE_UPDATE,
        .u.range = { .latest = head->number, .latest_hash = head->hash },
    };
    for (struct conn *c = n->conns, *next; c != NULL; c = next) {
        next = c->next;
        if (c->state == CONN_OPEN && c->eth >= 69) conn_send(c, &msg);
    }
}

void session_new_block(struct node *n, const struct bp_chain_head *head) {
    uint8_t buf[64]; /* of a hash and a number */
    struct bp_rlp_w w = { .p = buf, .cap = sizeof buf };
    size_t mark = bp_rlp_open(&w);
    bp_rlp_put_hash(&w, &head->hash);
    bp_rlp_put_u64(&w, head->number);
    bp_rlp_close(&w, mark);
    assert(bp_rlp_done(&w) == 0);
    struct bp_msg msg = { .id = BP_MSG_NEW_BLOCK_HASHES,
                          .u.announce.blocks = { { buf, w.n }, 1 } };
    for (struct conn *c = n->conns, *next; c != NULL; c = next) {
        next = c->next;
        if (c->state == CONN_OPEN && c->eth < 69 &&
            !bp_hash_eq(&c->newest, &head->hash))
            conn_send(c, &msg);
    }
}
