/* work: threads that do what would hold up the loop.

       loop thread    work_push --> queue --> worker: job->run
       loop thread    job->done <-- uv_async <-- results

   A job is the caller's memory from push until done is called. Jobs of one
   urgency start in the order they were pushed; urgent ones go first. Every
   job that was pushed is given back through done exactly once, those that
   never ran too (ran is then false), so nothing leaks when a node ends.

   Two counts are for back-pressure: how many jobs wait, and how many bytes
   they hold. Nothing here refuses a job: whoever produces them looks at
   work_load first and stops reading. */
#ifndef BP_NODE_WORK_H
#define BP_NODE_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "blockpool/base.h"

struct work;

struct job {
    void (*run)(struct job *job);  /* on worker number job->worker */
    void (*done)(struct job *job); /* on the loop thread; may free the job */
    size_t bytes;                  /* held by it, for work_load */
    bool ran;
    unsigned worker; /* set before run: 0 to threads - 1 */
    /* work's own */
    struct job *next;
};

/* Starts `threads` (1 or more) threads whose results come back on `loop`.
   Returns 0 or BP_ERR_NOMEM (no memory or no thread). */
int work_new(struct work **out, uv_loop_t *loop, unsigned threads) BP_MUST_USE;

void work_push(struct work *w, struct job *job, bool urgent);

struct work_load {
    size_t jobs, bytes; /* pushed and not done */
    uint64_t done;      /* ever */
    uint64_t cpu_ns;    /* spent in run, ever */
};
void work_load(const struct work *w, struct work_load *out);

/* Lets running jobs end, gives all jobs back (those that wait with ran ==
   false), joins the threads and closes the async handle; `w` is freed once
   the loop has run its close callback. */
void work_end(struct work *w);

#endif
