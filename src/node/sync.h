/* sync.h: the pool and everything that serves it. Shared by sync.c (steps,
   actions, jobs), talk.c (what peers say) and watch.c (progress, goals). */
#ifndef BP_NODE_SYNC_H
#define BP_NODE_SYNC_H

#include <stdio.h>

#include "blockpool/record.h"
#include "node/check.h"
#include "node/insert.h"
#include "node/items.h"
#include "node/loop.h"
#include "node/reply.h"
#include "node/verify.h"
#include "node/work.h"

/* Seconds over which the rate is taken. */
#define RATE_SAMPLES 10

struct sync {
    struct node *node;
    struct bp_pool *pool;
    struct bp_recorder *recorder; /* NULL: not recorded */
    FILE *record;
    struct items *items;
    struct work *verify;     /* replies (urgent) and checks */
    struct work *store;      /* one thread: insertions */
    struct bp_roots **roots; /* one for each thread of `verify` */
    unsigned n_threads;
    struct verify *ctx;
    struct insert_keep keep; /* the storing thread's */
    uv_timer_t timer;
    bool timer_made;
    struct {
        bp_job_id id;
        bool insert;
    } * refused; /* jobs to be answered FAILED; n_threads + 2 of them */
    size_t n_refused;
    bool stepping, someone_left, ending;

    struct bp_chain_head start, head;
    bool told_unvouched;
    uint64_t headers, headers_valid, seals, seals_skipped, blocks;
    struct node_costs costs; /* but loop, seals, serve */
    size_t inserting;        /* jobs */
    bp_time progress_at, range_at, disk_at, flushed_at;
    uint64_t range_told; /* head number in the last BlockRangeUpdate */
    bp_hash announced;   /* the last head that was told as news */
    struct {
        bp_time at;
        uint64_t blocks;
    } samples[RATE_SAMPLES];
    size_t n_samples;
};

/* Steps the pool and carries out what it wants. Not while stepping. */
void sync_step(struct sync *s, const struct bp_event *ev);

/* Writes out the record, a few times a minute and at the end. */
void sync_flush_record(struct sync *s, bp_time now);

/* What the chain says of a hash. Unknown when the store cannot be read. */
struct bp_held sync_held(struct sync *s, const bp_hash *hash);

/* ---- talk.c ------------------------------------------------------------ */

void talk_ask_links(struct sync *s, const struct bp_act_ask_links *act);
void talk_ask_blocks(struct sync *s, const struct bp_act_ask_blocks *act);
/* The open session with this pool id, or NULL. */
struct conn *talk_conn(struct sync *s, bp_peer_id id);
/* Frees what a session was asked. */
void talk_forget(struct sync *s, struct conn *c);

/* ---- watch.c ----------------------------------------------------------- */

/* The head moved, or a block was stored: goals are looked at. */
void watch_inserted(struct sync *s, const struct insert_job *j);
void watch_report(struct sync *s, const struct bp_act_report *act);
void watch_blame(struct sync *s, const struct bp_act_blame *act);

#endif
