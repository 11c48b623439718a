/* insert: the rules of bodies, then one transaction.

   Happy path: the parent is stored; each block's uncles and transactions obey
   the rules, all uncles' seals are verified in one batch, the blocks are
   written in one transaction, and the last becomes the head when its branch is
   the heaviest (the first seen at a tie).

   Failure modes:
     - a block breaks a rule that its header commits to: INVALID, BODY,
       committed; what precedes it is stored
     - a header that was not checked before breaks a rule: INVALID, LINK
     - its time lies in the future: LATER
     - the store cannot be read or written, the disk is full, no memory, the
       node ends: FAILED, nothing is stored, and the pool asks again */
#include "node/insert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/try.h"
#include "blockpool/import.h"
#include "node/clock.h"

/* A power failure loses at most this much. */
#define SYNC_MS 10000

/* Encoded [[], []] or [[], [], []]. */
#define EMPTY_BODY_MAX 4

struct insert_job *insert_new(size_t n) {
    struct insert_job *j = calloc(1, sizeof *j);
    if (j == NULL) return NULL;
    j->n = n;
    j->blocks = calloc(n, sizeof *j->blocks);
    j->verdict = (struct bp_verdict){ .kind = BP_VERDICT_FAILED };
    if (j->blocks != NULL) return j;
    insert_free(j);
    return NULL;
}

void insert_free(struct insert_job *j) {
    if (j == NULL) return;
    free(j->blocks);
    free(j);
}

/* What is decoded of a run, and the uncles of all its blocks. */
struct run {
    struct bp_header *headers;
    struct bp_body *bodies;
    struct bp_header *uncles;
    size_t *uncle_of; /* position of the block */
    int *verdicts;    /* of the uncles' seals */
    bool *skip;
    struct bp_store_block *out;
    uint8_t (*empty)[EMPTY_BODY_MAX];
    size_t n_uncles;
};

static int run_new(struct run *r, size_t n) {
    size_t most = n * BP_UNCLES_MAX;
    r->headers = calloc(n, sizeof *r->headers);
    r->bodies = calloc(n, sizeof *r->bodies);
    r->uncles = malloc(most * sizeof *r->uncles); /* touched as they come */
    r->uncle_of = calloc(most, sizeof *r->uncle_of);
    r->verdicts = calloc(most, sizeof *r->verdicts);
    r->skip = calloc(most, sizeof *r->skip);
    r->out = calloc(n, sizeof *r->out);
    r->empty = calloc(n, sizeof *r->empty);
    bool good = r->headers != NULL && r->bodies != NULL && r->uncles != NULL &&
                r->uncle_of != NULL && r->verdicts != NULL && r->skip != NULL &&
                r->out != NULL && r->empty != NULL;
    return good ? 0 : BP_ERR_NOMEM;
}

static void run_free(struct run *r) {
    free(r->headers);
    free(r->bodies);
    free(r->uncles);
    free(r->uncle_of);
    free(r->verdicts);
    free(r->skip);
    free(r->out);
    free(r->empty);
}

/* The first n are good, and the one after breaks a rule. */
static void blame(struct insert_job *j, size_t n, enum bp_part part, int code) {
    if (j->verdict.n <= n) return; /* what comes before counts */
    j->verdict = (struct bp_verdict){
        .kind = BP_VERDICT_INVALID,
        .n = n,
        .part = part,
        .body_committed = part == BP_PART_BODY,
        .code = code,
    };
}

/* ---- rules ------------------------------------------------------------- */

static int decode(const struct insert_job *j, struct run *r) {
    for (size_t i = 0; i < j->n; i++) {
        const struct insert_block *b = &j->blocks[i];
        bp_span in = b->header;
        BP_TRY(bp_header_decode(&r->headers[i], &in));
        in = b->body;
        if (in.n > 0) {
            BP_TRY(bp_body_decode(&r->bodies[i], &in));
            continue;
        }
        if (!bp_header_body_empty(&r->headers[i])) return BP_ERR_NO_BODY;
        r->bodies[i] =
            bp_body_none(r->headers[i].n_fields >= BP_FIELDS_SHANGHAI);
    }
    return 0;
}

/* A block without proof of work that nobody vouches for waits for ever. */
static void wait_for_work(struct insert_job *j, const struct bp_header *h) {
    size_t n = 0;
    while (n < j->verdict.n &&
           (j->blocks[n].trusted || bp_header_sealed(&h[n])))
        n++;
    if (n == j->verdict.n) return;
    j->verdict = (struct bp_verdict){ .kind = BP_VERDICT_LATER,
                                      .n = n,
                                      .not_before = BP_TIME_NEVER };
}

/* What the rules of headers say: nobody is blamed for a time that our clock has
   not reached. */
static int obey(struct insert_job *j, const struct bp_run *run) {
    uint64_t now_ms = clock_wall_ms();
    struct bp_ruling r = bp_check_headers(j->ctx->spec, run, now_ms / 1000);
    switch (r.kind) {
    case BP_RULING_OK: return 0;
    case BP_RULING_INVALID: blame(j, r.n, BP_PART_LINK, r.err); return 0;
    case BP_RULING_FAILED: return r.err;
    case BP_RULING_LATER:
        j->verdict = (struct bp_verdict){
            .kind = BP_VERDICT_LATER,
            .n = r.n,
            .not_before = verify_due(r.until, clock_mono_ms(), now_ms),
        };
        return 0;
    }
    abort();
}

/* Links that no CHECK has seen: a block that was pushed, for one. */
static int check_links(struct insert_job *j, struct run *r) {
    size_t unseen = 0;
    struct verify_stored parent;
    bp_hash *hashes = calloc(j->n, sizeof *hashes);
    int *verdicts = calloc(j->n, sizeof *verdicts);
    bool *skip = calloc(j->n, sizeof *skip);
    int err = hashes == NULL || verdicts == NULL || skip == NULL
                  ? BP_ERR_NOMEM
                  : verify_stored(&parent, j->ctx, &j->parent_hash);
    if (err != 0) goto done;
    for (size_t i = 0; i < j->n; i++) {
        const struct insert_block *b = &j->blocks[i];
        hashes[i] = b->hash;
        skip[i] = b->checked || b->trusted || !verify_wants(j->ctx, &b->hash);
        if (!skip[i]) unseen++;
    }
    struct bp_run run = { r->headers,     hashes,          j->n,
                          &parent.header, &j->parent_hash, &parent.td };
    err = obey(j, &run);
    if (err == 0) wait_for_work(j, r->headers);
    j->seals += unseen;
    if (err == 0) err = verify_seals(j->ctx, verdicts, r->headers, skip, j->n);
    for (size_t i = 0; err == 0 && i < j->n; i++)
        if (verdicts[i] != 0) blame(j, i, BP_PART_LINK, verdicts[i]);
    free(parent.bytes);
done:
    free(hashes);
    free(verdicts);
    free(skip);
    return err;
}

/* Uncles and transactions of block i; its uncles' headers are collected. */
static struct bp_ruling check_body(const struct insert_job *j, struct run *r,
                                   const struct bp_lineage *lineage, size_t i) {
    size_t n_uncles = 0;
    const struct bp_spec *spec = j->ctx->spec;
    struct bp_ruling ruling =
        bp_check_uncles(&r->uncles[r->n_uncles], &n_uncles, spec, lineage,
                        &r->headers[i], r->bodies[i].uncles);
    if (ruling.kind != BP_RULING_OK) return ruling;
    for (size_t k = 0; k < n_uncles; k++) r->uncle_of[r->n_uncles++] = i;
    struct bp_block block = { r->headers[i], j->blocks[i].header,
                              r->bodies[i] };
    return bp_check_transactions(spec, &block);
}

/* Every body, up to the first that breaks a rule. The lineage is the
   insertion's own until it is stored. */
static int check_bodies(struct insert_job *j, struct run *r,
                        struct bp_lineage *lineage) {
    for (size_t i = 0; i < j->verdict.n; i++) {
        struct bp_ruling ruling = check_body(j, r, lineage, i);
        if (ruling.err == BP_ERR_NO_LINEAGE) return ruling.err;
        if (ruling.kind != BP_RULING_OK) {
            blame(j, i, BP_PART_BODY, ruling.err);
            return 0;
        }
        bp_lineage_push(lineage, &r->headers[i], &j->blocks[i].hash,
                        r->bodies[i].uncles);
    }
    return 0;
}

static int check_uncle_seals(struct insert_job *j, struct run *r) {
    for (size_t k = 0; k < r->n_uncles; k++) {
        const struct insert_block *b = &j->blocks[r->uncle_of[k]];
        r->skip[k] = b->trusted || !verify_wants(j->ctx, &b->hash);
        if (r->skip[k])
            j->skipped++;
        else
            j->seals++;
    }
    int err =
        verify_seals(j->ctx, r->verdicts, r->uncles, r->skip, r->n_uncles);
    for (size_t k = 0; err == 0 && k < r->n_uncles; k++)
        if (r->verdicts[k] != 0)
            blame(j, r->uncle_of[k], BP_PART_BODY, r->verdicts[k]);
    return err;
}

static bool all_checked(const struct insert_job *j) {
    for (size_t i = 0; i < j->n; i++)
        if (!j->blocks[i].checked) return false;
    return true;
}

/* ---- the store --------------------------------------------------------- */

static void fill_block(const struct insert_job *j, struct run *r, size_t i) {
    const struct insert_block *b = &j->blocks[i];
    struct bp_rlp_w w = { .p = r->empty[i], .cap = EMPTY_BODY_MAX };
    bp_span body = b->body;
    if (body.n == 0) {
        bp_body_put(&w, &r->bodies[i]);
        body = (bp_span){ r->empty[i], w.n };
    }
    r->out[i] = (struct bp_store_block){
        .hash = b->hash,
        .parent = r->headers[i].parent_hash,
        .number = r->headers[i].number,
        .difficulty = r->headers[i].difficulty,
        .header = b->header,
        .body = body,
        .checks = verify_bits(j->ctx, b->trusted),
    };
}

/* A power failure loses what came since. */
static int sync_now_and_then(struct insert_job *j) {
    uint64_t now = clock_mono_ms();
    if (now - j->keep->synced_ms <= SYNC_MS) return 0;
    j->keep->synced_ms = now;
    return bp_store_sync(j->ctx->store);
}

static int write_run(struct insert_job *j, struct run *r, size_t n) {
    struct bp_import_result result;
    for (size_t i = 0; i < n; i++) fill_block(j, r, i);
    uint64_t begin = clock_thread_cpu_ns();
    int err = bp_import_verified(&result, &j->ctx->choice, j->ctx->store,
                                 r->out, n, &j->why);
    if (err == 0) err = sync_now_and_then(j);
    j->store_ns = clock_thread_cpu_ns() - begin;
    if (err != 0) return err;
    j->decision = result.decision;
    if (j->decision.choice == BP_CHOICE_HELD) j->refused_td = j->decision.td;
    const struct bp_store_entry *head = &result.moved.new_head;
    j->stored = result.moved.stored;
    j->head = (struct bp_chain_head){ head->hash, head->number, head->td };
    j->has_head = true;
    return 0;
}

/* ---- the job ----------------------------------------------------------- */

/* The generations before. What follows the last insertion, the common case,
   reads nothing of the store. */
static int lineage_of(struct bp_lineage *out, const struct insert_job *j) {
    bp_u256 td;
    if (!j->keep->has_tip || !bp_hash_eq(&j->keep->tip, &j->parent_hash))
        return bp_import_lineage(out, &td, j->ctx->store, &j->parent_hash);
    *out = j->keep->lineage;
    return 0;
}

static int verify_run(struct insert_job *j, struct run *r,
                      struct bp_lineage *lineage) {
    BP_TRY(run_new(r, j->n));
    BP_TRY(decode(j, r));
    BP_TRY(lineage_of(lineage, j));
    j->verdict = (struct bp_verdict){ .kind = BP_VERDICT_OK, .n = j->n };
    /* A check may not have known the total difficulty that ends proof of work;
       here it is known. */
    if (!all_checked(j) || j->ctx->spec->has_ttd) BP_TRY(check_links(j, r));
    uint64_t begin = clock_thread_cpu_ns();
    BP_TRY(check_bodies(j, r, lineage));
    j->rules_ns = clock_thread_cpu_ns() - begin;
    return check_uncle_seals(j, r);
}

void insert_run(struct job *job) {
    struct insert_job *j = (struct insert_job *)job;
    struct run r = { 0 };
    struct bp_lineage lineage;
    int err = verify_run(j, &r, &lineage);
    size_t n = j->verdict.n;
    bool whole = err == 0 && n == j->n;
    if (err == 0 && n > 0) err = write_run(j, &r, n);
    if (err == 0 && whole) {
        j->keep->lineage = lineage;
        j->keep->tip = j->blocks[n - 1].hash;
        j->keep->has_tip = true;
    } else {
        j->keep->has_tip = false;
    }
    if (err != 0) {
        j->verdict =
            (struct bp_verdict){ .kind = BP_VERDICT_FAILED, .code = err };
        j->error = err == BP_ERR_STOPPED ? 0 : err;
        if (j->why.text[0] == '\0')
            snprintf(j->why.text, sizeof j->why.text, "%s", bp_strerror(err));
    }
    run_free(&r);
}
