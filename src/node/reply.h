/* reply.h: from the bytes of an answer to links and matched bodies.

   The loop thread makes a reply_job of a message and the request it answers; a
   worker decodes, hashes and matches; the loop thread reads the result. */
#ifndef BP_NODE_REPLY_H
#define BP_NODE_REPLY_H

#include "blockpool/chain.h"
#include "blockpool/pool.h"
#include "blockpool/proto.h"
#include "node/items.h"
#include "node/work.h"

struct conn;

/* A request of ours that a peer has not answered. */
struct ask {
    struct ask *next;
    bp_req_id id;
    bool blocks; /* else links */
    struct bp_act_ask_links links;
    size_t n;               /* wanted blocks */
    struct bp_want wants[]; /* their items are held */
};

struct reply_body {
    bp_span bytes;
    size_t want; /* index in the ask; BP_NONE: matches none */
};

struct reply_job {
    struct job job; /* first */
    struct reply_job *next;
    struct conn *conn;
    struct ask *ask;     /* owned */
    struct frame *frame; /* owned; what follows borrows it */
    struct bp_items items;
    bp_span *headers; /* of the wanted blocks, as their items have them */
    struct bp_roots **roots; /* one a worker */
    bool finished;
    /* the result */
    int offence, code; /* enum bp_offence, the reason; 0: none */
    uint64_t cpu_ns;
    int failed; /* our own trouble: BP_ERR_NOMEM */
    size_t n;
    struct bp_link *links; /* newest first; item is 0 */
    bp_span *link_bytes;
    struct reply_body *bodies;
};

/* Decodes, hashes, links and matches; job->run of a reply_job. */
void reply_run(struct job *job);
/* Whether a header may be kept before its rules are checked. Only the extra
   data can be of any size, and only a genesis may have more than the rules say,
   so a chain has no other. Returns 0 or BP_ERR_RULE_EXTRA_DATA. */
int reply_header_size(const struct bp_header *h) BP_MUST_USE;
/* Frees what the job owns but its ask. */
void reply_free(struct reply_job *j);

#endif
