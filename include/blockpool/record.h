/* record.h: a run of the pool, kept and played again.

   The pool is deterministic: config, seed and events give the same actions. A
   record is the config and every event with its time, and after each event a
   digest of the actions that came of it; replaying feeds the events to a new
   pool and compares. What went wrong on a node far away is then a test here.

       recorder:  pool_new  -> event, action, action, event, ... -> end
       replay:    the same events -> the same actions, or "differs at event n"

   The file is "BPRECORD", a version, and a stream cut into chunks of at most
   64 KiB, each with its length and CRC-32C. A file that ends early (a crash)
   replays as far as it goes. Bytes go through functions of the caller: nothing
   here opens a file. docs/protocol/record.md has the layout. */
#ifndef BLOCKPOOL_RECORD_H
#define BLOCKPOOL_RECORD_H

#include "blockpool/pool.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BP_RECORD_VERSION 1
/* Memory of a recorder beside the pool, for bp_pool_config.record_bytes. */
#define BP_RECORDER_BYTES (65536 + 256)

/* ---- writing ------------------------------------------------------------ */

struct bp_recorder;

/* Takes n bytes; returns 0, or an error that is kept and handed back. */
typedef int bp_record_sink(void *user, const void *bytes, size_t n);

/* Begins a record for a pool that was made, or is about to be, with *config.
   Returns 0, BP_ERR_NOMEM, or the sink's error; *out is then NULL. */
BP_API int bp_recorder_new(struct bp_recorder **out,
                           const struct bp_pool_config *config,
                           bp_record_sink *sink, void *user) BP_MUST_USE;

/* What was given to bp_pool_step, and each action bp_pool_next gave after it,
   in that order. After an error of the sink both do nothing. */
BP_API void bp_recorder_event(struct bp_recorder *r,
                              const struct bp_event *event, bp_time now);
BP_API void bp_recorder_action(struct bp_recorder *r,
                               const struct bp_action *action);

/* Hands everything so far to the sink: what a crash then keeps. Returns the
   first error of the sink, or 0. */
BP_API int bp_recorder_flush(struct bp_recorder *r);

/* Marks the end, flushes and frees. Returns the first error of the sink, or
   0. NULL: nothing. */
BP_API int bp_recorder_end(struct bp_recorder *r);

/* ---- reading ------------------------------------------------------------ */

struct bp_record;

/* Fills buf with up to cap bytes; returns how many, 0 at the end. */
typedef size_t bp_record_source(void *user, void *buf, size_t cap);

/* Reads the head of a record. Returns 0 or, with *out NULL:
     BP_ERR_RECORD_FORM     it is no record, or of another version
     BP_ERR_RECORD_SUM      a chunk does not match its checksum
     BP_ERR_RECORD_SHORT    it ends before its config does
     BP_ERR_NOMEM */
BP_API int bp_record_open(struct bp_record **out, const struct bp_alloc *alloc,
                          bp_record_source *source, void *user) BP_MUST_USE;
BP_API void bp_record_free(struct bp_record *r);

/* The config of the run; its alloc and trace are NULL. */
BP_API const struct bp_pool_config *bp_record_config(const struct bp_record *r);

/* What came of an event. `known` is false for the last event of a record that
   ends early. */
struct bp_record_mark {
    bool known;
    uint64_t actions; /* how many */
    uint64_t digest;  /* of them, in order */
};

/* Reads the next event; what it points to lives until the next call. Returns
   0, or BP_ERR_RECORD_END at the end, or an error as above. */
BP_API int bp_record_next(struct bp_record *r, struct bp_event *event,
                          bp_time *now,
                          struct bp_record_mark *mark) BP_MUST_USE;
/* Whether the end that was reached is the one that bp_recorder_end wrote. */
BP_API bool bp_record_complete(const struct bp_record *r);

/* ---- replaying ---------------------------------------------------------- */

struct bp_replay {
    /* in */
    const struct bp_pool_config *config; /* NULL: the record's own. With
                        another one nothing is compared ("what if"). */
    const struct bp_alloc *alloc;        /* of the pool */
    void (*trace)(void *user, const char *line);
    /* Sees every event before it is stepped and every action after; NULL:
       nobody does. */
    void (*on_event)(void *user, const struct bp_event *e, bp_time now);
    void (*on_action)(void *user, const struct bp_action *a);
    /* Sees the pool after the last event. */
    void (*at_end)(void *user, const struct bp_pool *pool);
    void *user;
    bool check; /* bp_pool_check after every event */
    /* out */
    uint64_t events, actions;
    bool complete;      /* the record has its end */
    bool differs;       /* at_event gave other actions than the record has */
    uint64_t at_event;  /* counted from 0 */
    uint64_t want, got; /* numbers of actions there */
};

/* Replays from the first event to the end, or to the first difference.
   Returns 0 (look at differs) or an error of reading. */
BP_API int bp_record_replay(struct bp_record *r,
                            struct bp_replay *replay) BP_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
