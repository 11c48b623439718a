/* check: header rules, then seals in one batch.

   Happy path, RUN: every header obeys the rules against the one before it (the
   first against the parent, of the pool or of the store), and every seal that
   the policy wants is good. PROBE: one seal is good.

   Failure modes:
     - a rule is broken or a seal is bad: INVALID at that position, LINK; what
       precedes it is good
     - a time lies in the future: LATER at that position
     - the parent cannot be read, no memory, no cache, or the node ends:
       FAILED, and the pool asks again */
#include "node/check.h"

#include <stdlib.h>

#include "node/clock.h"

struct check_job *check_new(size_t n) {
    struct check_job *j = calloc(1, sizeof *j);
    if (j == NULL) return NULL;
    j->n = n;
    j->headers = calloc(n, sizeof *j->headers);
    j->hashes = calloc(n, sizeof *j->hashes);
    j->verdict = (struct bp_verdict){ .kind = BP_VERDICT_FAILED };
    if (j->headers != NULL && j->hashes != NULL) return j;
    check_free(j);
    return NULL;
}

void check_free(struct check_job *j) {
    if (j == NULL) return;
    free(j->headers);
    free(j->hashes);
    free(j);
}

static void fail(struct check_job *j, int code) {
    j->verdict = (struct bp_verdict){ .kind = BP_VERDICT_FAILED, .code = code };
}

static void blame(struct check_job *j, size_t at, int code) {
    j->verdict = (struct bp_verdict){
        .kind = BP_VERDICT_INVALID, .n = at, .part = BP_PART_LINK, .code = code
    };
}

static int decode(const struct check_job *j, struct bp_header *out) {
    for (size_t i = 0; i < j->n; i++) {
        bp_span in = j->headers[i];
        int err = bp_header_decode(&out[i], &in);
        if (err != 0) return err; /* it was decoded when it came */
    }
    return 0;
}

/* What the rules say; returns how many of the headers obey them. */
static size_t obey(struct check_job *j, const struct bp_run *run) {
    uint64_t now_ms = clock_wall_ms(), begin = clock_thread_cpu_ns();
    struct bp_ruling r = bp_check_headers(j->ctx->spec, run, now_ms / 1000);
    j->rules_ns = clock_thread_cpu_ns() - begin;
    blame(j, r.n, r.err);
    switch (r.kind) {
    case BP_RULING_OK: j->verdict.kind = BP_VERDICT_OK; return r.n;
    case BP_RULING_INVALID: return r.n;
    case BP_RULING_FAILED: j->verdict.kind = BP_VERDICT_FAILED; return r.n;
    case BP_RULING_LATER:
        j->verdict.kind = BP_VERDICT_LATER;
        j->verdict.not_before = verify_due(r.until, clock_mono_ms(), now_ms);
        return r.n;
    }
    abort();
}

/* The seals of the first n; a bad one shortens the verdict. */
static int seal(struct check_job *j, const struct bp_header *h, size_t n) {
    int *verdict = calloc(n + 1, sizeof *verdict);
    bool *skip = calloc(n + 1, sizeof *skip);
    int err = verdict == NULL || skip == NULL ? BP_ERR_NOMEM : 0;
    bool sample = j->ctx->policy == NODE_VERIFY_SAMPLE;
    for (size_t i = 0; err == 0 && i < n; i++) {
        bool edge = sample && (i == 0 || i == n - 1);
        skip[i] = j->trusted || (!edge && !verify_wants(j->ctx, &j->hashes[i]));
        if (skip[i])
            j->skipped++;
        else
            j->seals++;
    }
    if (err == 0 && j->seals > 0)
        err = verify_seals(j->ctx, verdict, h, skip, n);
    for (size_t i = 0; err == 0 && i < n; i++) {
        if (verdict[i] == 0) continue;
        blame(j, i, verdict[i]);
        break;
    }
    free(verdict);
    free(skip);
    return err;
}

/* Without proof of work nobody but a trusted head vouches for a block, and
   where the total difficulty is not known yet it may even come too early for
   that: it waits for ever. */
static size_t vouched(struct check_job *j, const struct bp_header *h,
                      size_t n) {
    size_t k = verify_sealed(h, n);
    if (k < n)
        j->verdict = (struct bp_verdict){ .kind = BP_VERDICT_LATER,
                                          .n = k,
                                          .not_before = BP_TIME_NEVER };
    return k;
}

/* The parent is an item of the pool, or in the store. */
static int check_connected(struct check_job *j, struct bp_header *h) {
    struct verify_stored stored = { .bytes = NULL };
    struct bp_header parent;
    bp_span in = j->parent;
    struct bp_run run = { .header = h,
                          .hash = j->hashes,
                          .n = j->n,
                          .parent = &parent,
                          .parent_hash = &j->parent_hash };
    int err;
    if (in.n > 0) {
        err = bp_header_decode(&parent, &in);
    } else {
        err = verify_stored(&stored, j->ctx, &j->parent_hash);
        run.parent = &stored.header;
        run.parent_td = &stored.td;
    }
    if (err == 0) {
        size_t n = obey(j, &run);
        err = seal(j, h, j->trusted ? n : vouched(j, h, n));
    }
    free(stored.bytes);
    return err;
}

static int check_alone(struct check_job *j, const struct bp_header *h) {
    j->verdict = (struct bp_verdict){ .kind = BP_VERDICT_OK, .n = j->n };
    return seal(j, h, j->n);
}

void check_run(struct job *job) {
    struct check_job *j = (struct check_job *)job;
    struct bp_header *h = calloc(j->n, sizeof *h);
    int err = h == NULL ? BP_ERR_NOMEM : decode(j, h);
    if (err == 0 && j->kind == BP_CHECK_RUN)
        err = check_connected(j, h);
    else if (err == 0)
        err = check_alone(j, h);
    if (err != 0) fail(j, err);
    free(h);
}
