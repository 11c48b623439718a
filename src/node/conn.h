/* conn.h: one TCP session with one peer.

       DIALING --> GREETING --> STATUS --> OPEN --> CLOSING --> (freed)
          |           |           |                    ^
          '-----------'-----------'--------------------'

   GREETING  RLPx handshake and Hellos
   STATUS    both sides say which chain they are on
   OPEN      requests, replies, announcements
   CLOSING   what is queued, a Disconnect last, is still written; nothing is
             read but the end of the stream

   conn.c moves bytes between the socket and the RLPx session; session.c knows
   what the messages mean. Everything here runs on the loop thread. */
#ifndef BP_NODE_CONN_H
#define BP_NODE_CONN_H

#include <uv.h>

#include "blockpool/proto.h"
#include "blockpool/rlpx.h"
#include "node/node.h"
#include "node/peers.h"

struct ask;
struct reply_job;

enum conn_state {
    CONN_DIALING,
    CONN_GREETING,
    CONN_STATUS,
    CONN_OPEN,
    CONN_CLOSING
};

/* Why nothing is read from a peer for a while. */
enum conn_pause {
    CONN_PAUSE_SERVE = 1, /* it has enough requests with us */
    CONN_PAUSE_WORK = 2   /* its replies wait for the workers */
};

struct conn {
    struct node *node;
    struct conn *prev, *next; /* of the node's list */
    bp_peer_id id;            /* this session; never used again */
    enum conn_state state;
    bool inbound;
    size_t peer; /* index in the node's peers; NO_PEER: not known yet */
    struct enode address;

    uv_tcp_t tcp;
    uv_timer_t timer; /* greeting's limit, then closing's */
    uv_connect_t connecting;
    uv_write_t writing;
    uv_shutdown_t shutting;
    unsigned handles; /* not yet closed */
    unsigned jobs;    /* of workers that will come back to this conn */
    bool in_write, in_shutdown;
    unsigned paused; /* enum conn_pause */
    bp_time opened_at, read_at, wrote_at, pinged_at;
    size_t unwritten; /* when wrote_at was set */

    struct bp_rlpx *rlpx;
    unsigned eth, eth_cap;       /* version; index of the shared capability */
    struct bp_msg_status status; /* the peer's */

    /* required.c */
    uint64_t required; /* bit i: it was asked for block i and has not said */
    bp_time required_at;

    /* serve.c */
    size_t serving;                       /* requests that wait for an answer */
    uint64_t requests;                    /* ever */
    struct serve_job *asked, *last_asked; /* not begun, in order */
    struct serve_job *answer;             /* built; there is no room for it */
    bool building;                        /* one is at the serving thread */
    bool resuming;                        /* serve_resume is at work */
    uint64_t allowance;                   /* bytes that may be sent now */
    bp_time allowance_at;

    /* sync.c */
    bool joined;    /* the pool knows this session */
    bp_hash newest; /* the last block that it said it has */
    bool left;      /* PEER_LEFT waits for the pool's present step to end */
    struct ask *asks;
    size_t n_asks;
    bp_req_id forgotten; /* asks up to this id may have been dropped */
    struct reply_job *replies, *last_reply; /* at the workers, in order */
    size_t reply_bytes;

    char why[96]; /* it ends or ended */
};

/* Takes a connection off the listening socket. */
void conn_accept(struct node *n, uv_stream_t *listener);
/* Dials; the outcome is told to dial_ended. NULL: no memory or socket. */
struct conn *conn_dial(struct node *n, size_t peer, const struct enode *to);

/* Queues a message and writes what can be written. A peer whose queue is full
   is dropped. Does nothing when closing. */
void conn_send(struct conn *c, const struct bp_msg *msg);
void conn_send_payload(struct conn *c, uint64_t code, bp_span payload);
/* The same, but a full queue is the caller's to deal with: returns what
   bp_rlpx_send does, with nothing queued on an error. */
int conn_offer(struct conn *c, uint64_t code, bp_span payload) BP_MUST_USE;
/* Bytes that wait to be written. */
size_t conn_queued(const struct conn *c);

void conn_pause(struct conn *c, enum conn_pause reason);
void conn_unpause(struct conn *c, enum conn_pause reason);

/* Ends a session: says why to the peer, to the pool and to the dialer. why is
   kept for the log. Doing it twice changes nothing. */
void conn_close(struct conn *c, enum bp_disc reason, const char *why);

/* The same without a word: there is nobody to hear it. */
void conn_drop(struct conn *c, const char *why);

/* Limits of silence; called a few times a second. */
void conn_tick(struct conn *c, bp_time now);

/* A worker's job holds the memory of a conn, not its session. */
void conn_hold(struct conn *c);
void conn_let_go(struct conn *c);

/* ---- session.c: what conn.c tells it ----------------------------------- */

void session_ready(struct conn *c);
void session_message(struct conn *c, const struct bp_rlpx_event *ev);
/* The RLPx session broke with `err`, or the peer sent what does not decode. */
void session_broke(struct conn *c, int err);
/* Whoever it is did something that bp_offence names; the pool blames it when
   it knows it, else the node does. */
void session_offence(struct conn *c, int offence, int code);

#endif
