/* check.h: a CHECK of the pool, done by a worker. */
#ifndef BP_NODE_CHECK_H
#define BP_NODE_CHECK_H

#include "blockpool/pool.h"
#include "node/verify.h"
#include "node/work.h"

struct check_job {
    struct job job; /* first */
    void *user;
    struct verify *ctx;
    bp_job_id id;
    enum bp_check_kind kind;
    bool trusted;
    bp_hash parent_hash;
    bp_span parent; /* n == 0: it is in the store */
    uint64_t first_number;
    size_t n;
    bp_span *headers; /* oldest first; owned by the pool's items */
    bp_hash *hashes;
    /* the result */
    struct bp_verdict verdict;
    uint64_t seals, skipped, rules_ns;
};

/* With room for n headers; NULL: no memory. */
struct check_job *check_new(size_t n) BP_MUST_USE;
void check_free(struct check_job *j);
/* job->run. A job that never runs has the verdict FAILED. */
void check_run(struct job *job);

#endif
