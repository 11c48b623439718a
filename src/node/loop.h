/* loop.h: what the files of a running node share. Nothing outside includes
   it. All of it belongs to the loop thread. */
#ifndef BP_NODE_LOOP_H
#define BP_NODE_LOOP_H

#include <uv.h>

#include "node/conn.h"
#include "node/node.h"
#include "node/peers.h"

struct dialer;
struct serve;
struct sync;

/* How often deadlines that need no precision are looked at. */
#define TICK_MS 100
/* A line that says what is missing, at least this often. */
#define TELL_MS      8000

#define NODE_SIGNALS 4

enum node_phase { NODE_MADE, NODE_RUNNING, NODE_ENDING, NODE_ENDED };

struct node {
    struct node_config cfg; /* pointers replaced by copies below */
    struct enode *fixed;
    uint8_t key[32];
    struct enode self;
    char client[96];
    enum node_phase phase;
    int exit_code;
    bool done; /* a goal was reached, rather than that it was stopped */
    struct node_error why;
    bp_time began;
    bp_time ending_since;

    uv_loop_t loop;
    uv_tcp_t listener;
    uv_timer_t tick;
    uv_async_t stop;
    uv_signal_t signals[NODE_SIGNALS];
    size_t n_signals;
    int signals_seen;
    char *read_buf;  /* of CONN_READ_SIZE; one read at a time uses it */
    uint8_t *encode; /* of ENCODE_SIZE; one message at a time */

    struct peers peers;
    struct conn *conns;
    size_t n_conns;
    bp_peer_id last_session;

    struct dialer *dialer;
    struct serve *serve;
    struct sync *sync; /* NULL when only serving */

    uint64_t bytes_in, bytes_out;
    uint64_t loop_ns;  /* CPU time of the loop thread, when it has ended */
    uint64_t serve_ns; /* … of the serving thread */
    bp_time told_at;   /* the last "no usable peer" line */
    bp_time hooked_at; /* the last tick hook */
};

#define CONN_READ_SIZE (64 * 1024)
/* Requests and announcements; replies have a buffer of their own. */
#define ENCODE_SIZE (BP_HASH_ITEMS_SIZE(BP_ETH_ITEMS_MAX) + 32)

/* Ends the run in order with this exit code and sentence (NULL: none); the
   first one counts. */
void node_finish(struct node *n, int exit_code, const char *why);

/* Ends it in order with 0: it has done what it was to do. */
void node_done(struct node *n);

/* ---- listen.c ---------------------------------------------------------- */

/* Binds and listens; the port goes to n->self. Returns an exit code. */
int listen_open(struct node *n, struct node_error *why) BP_MUST_USE;
/* Stops; the handle closes with the loop. */
void listen_close(struct node *n);

/* ---- dial.c ------------------------------------------------------------ */

int dial_new(struct dialer **out, struct node *n) BP_MUST_USE;
void dial_free(struct dialer *d);
void dial_tick(struct node *n, bp_time now);
/* A session that we dialled ended; `opened`: it came as far as OPEN. */
void dial_ended(struct node *n, const struct conn *c, bool opened);
/* Fixed peers that have not yet been reached or refused once. */
size_t dial_untried(const struct node *n);
size_t dial_pending(const struct node *n);

/* How long to wait after so many failures in a row: doubles from DIAL_FIRST_MS
   to DIAL_MAX_MS, an eighth more or less by chance so that nodes that lost
   the same peer do not come back together. */
#define DIAL_FIRST_MS 1000
#define DIAL_MAX_MS   30000
uint32_t dial_backoff_ms(struct bp_rng *rng, uint32_t failures);

/* ---- serve.c ----------------------------------------------------------- */

int serve_new(struct serve **out, struct node *n) BP_MUST_USE;
/* Begins to end: no answer is sent from now on. */
void serve_end(struct serve *s);
void serve_free(struct serve *s);
/* Answers a request, later. */
void serve_request(struct conn *c, const struct bp_msg *msg);
void serve_tick(struct conn *c, bp_time now);
/* Room in a conn's queue: what waited for it goes on. */
void serve_resume(struct conn *c);
/* Drops its requests. */
void serve_left(struct conn *c);
uint64_t serve_cpu_ns(const struct serve *s);

/* ---- sync.c ------------------------------------------------------------ */

int sync_new(struct sync **out, struct node *n,
             struct node_error *why) BP_MUST_USE;
/* Begins to end: work in progress is given up or finished. */
void sync_end(struct sync *s);
void sync_free(struct sync *s);
void sync_join(struct conn *c);
void sync_left(struct conn *c);
void sync_reply(struct conn *c, const struct bp_msg *msg, bp_span payload,
                size_t wire);
void sync_announced(struct conn *c, const struct bp_msg_announce *msg);
void sync_pushed(struct conn *c, const struct bp_msg_new_block *msg);
void sync_range(struct conn *c, const struct bp_msg_range *msg);
void sync_offence(struct conn *c, int offence, int code);
void sync_tick(struct node *n, bp_time now);
void sync_status(const struct sync *s, struct node_status *out);
void sync_costs(const struct sync *s, struct node_costs *out);
size_t sync_why(const struct sync *s, char *out, size_t cap);
/* Open sessions that the pool has not given up. */
size_t sync_usable(const struct sync *s);

/* ---- session.c --------------------------------------------------------- */

/* Our Status in this version, from the store's head. Returns 0 or an error of
   the store. */
int session_status(struct bp_msg_status *out, struct node *n,
                   unsigned version) BP_MUST_USE;
/* The head moved: eth/69 peers hear of the range. */
void session_head_moved(struct node *n, const struct bp_chain_head *head);
/* It is news: eth/68 peers, who hear of no ranges, are told of the block. */
void session_new_block(struct node *n, const struct bp_chain_head *head);

#endif
