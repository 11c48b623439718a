/* insert.h: an INSERT of the pool, done by the storing thread. */
#ifndef BP_NODE_INSERT_H
#define BP_NODE_INSERT_H

#include "blockpool/pool.h"
#include "blockpool/store.h"
#include "node/verify.h"
#include "node/work.h"

struct insert_block {
    bp_hash hash;
    bp_span header, body; /* body.n == 0: it is empty */
    bool checked, trusted;
};

/* What the storing thread keeps from one insertion to the next. */
struct insert_keep {
    struct bp_lineage lineage; /* up to and with `tip` */
    bp_hash tip;
    bool has_tip;
    uint64_t synced_ms;
};

struct insert_job {
    struct job job; /* first */
    void *user;
    struct verify *ctx;
    struct insert_keep *keep;
    bp_job_id id;
    bp_hash parent_hash;
    uint64_t first_number;
    size_t n;
    struct insert_block *blocks; /* oldest first */
    /* the result */
    struct bp_verdict verdict;
    struct bp_chain_head head; /* the canonical one, afterwards */
    bool has_head;
    bp_u256 refused_td;
    struct bp_decision decision; /* of fork choice; zero: nothing stored */
    uint64_t stored, seals, skipped, rules_ns, store_ns;
    int error; /* of the store, or ours; 0: none */
    struct bp_store_error why;
};

struct insert_job *insert_new(size_t n) BP_MUST_USE;
void insert_free(struct insert_job *j); /* NULL: nothing */
void insert_run(struct job *job);

#endif
