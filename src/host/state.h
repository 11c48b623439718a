/* state.h: the whole state of a host, and what its files offer each other.

     host     new, free, start, stop, purge, wait: the life of a run
     peers    who is there
     replies  what a peer was asked, what it answers
     slots    the blocks that came, until they are given back
     tasks    what the two threads do, with no lock held
     run      the engine stepped, its actions carried out

   One lock guards all of it, the engine and the caller's allocator included.
   Whoever brings something in (a caller, a timer, a finished job) steps the
   engine under the lock and turns its actions into tasks, which are copies; a
   thread takes a task, lets go of the lock, and calls back.

   A *run* is what lies between a start and a stop. Its number goes up at both,
   so what was begun in an earlier one is told by its number, and is void. */
#ifndef BP_HOST_STATE_H
#define BP_HOST_STATE_H

#include <pthread.h>

#include "blockpool/host.h"

#define BP_HNIL UINT32_MAX

/* ---- callbacks that are running ----------------------------------------- */

/* On the stack of the thread that calls back. */
struct bp_hframe {
    struct bp_hframe *next;
    pthread_t thread;
    struct bp_hpeer *peer; /* whose callback it is, or NULL */
};

/* ---- blocks ------------------------------------------------------------- */

/* The engine's item of a block is the number of its slot and 1. */
struct bp_hslot {
    struct bp_host_block block;
    uint32_t next; /* free, or to be released */
    uint32_t pins; /* tasks that have it */
    bool owned;    /* the engine, or a request, has it */
};

struct bp_hslots {
    struct bp_hslot *slot;
    uint32_t n, free;
    uint32_t loose, loose_last; /* to be released, oldest first */
};

/* ---- peers -------------------------------------------------------------- */

/* Replies to hash requests carry no id: the oldest open one is answered. More
   than one is open only when a purge forgot some. */
#define BP_HASH_ASKS 4

struct bp_hash_ask {
    bp_req_id id; /* 0: nobody waits for the answer any more */
    uint32_t count;
    bp_time sent;
};

/* A request for blocks. Its blocks come one by one and are gathered: the
   engine gets them as one reply. */
struct bp_hask {
    struct bp_hask *older;
    uint32_t refs; /* its peer's list, and its task */
    bp_req_id id;
    bool sent;
    bool open; /* not handed to the engine yet */
    bp_time flush;
    size_t n, n_came;
    struct bp_delivery *came; /* [n] while open */
    bp_hash *hash;            /* [n] */
    bool *has;                /* [n] */
};

struct bp_hpeer {
    struct bp_hpeer *next;
    uint32_t refs; /* the list, and its tasks */
    bp_hash id;
    bp_peer_id session;
    struct bp_host_peer fn;
    bool mute;    /* the caller has removed it: no callback any more */
    bool refused; /* it was not let in */
    struct bp_hash_ask hash_ask[BP_HASH_ASKS];
    uint32_t n_hash_asks;
    struct bp_hask *asks; /* newest first */
};

/* ---- tasks -------------------------------------------------------------- */

enum bp_htask_kind {
    BP_HTASK_HASHES,
    BP_HTASK_BLOCKS,
    BP_HTASK_ERROR,
    BP_HTASK_CHECK,
    BP_HTASK_INSERT
};

struct bp_htask {
    struct bp_htask *next;
    enum bp_htask_kind kind;
    uint64_t run;
    struct bp_hpeer *peer; /* of the first three kinds */
    union {
        struct {
            bp_hash from;
            bp_req_id id;
            uint32_t count;
        } hashes;
        struct bp_hask *blocks;
        struct {
            int code;
            bool fatal;
            char text[192];
        } error;
        struct {
            bp_job_id id;
            bool trusted;
            size_t n;
            struct bp_host_block *block; /* [n] */
            uint32_t *slot;              /* [n] */
        } job;
    } u;
};

struct bp_hqueue {
    struct bp_htask *first, *last;
};

/* The two threads, and what each does. */
enum { BP_HASKER, BP_HWORKER, BP_HTHREADS };

/* A job that could not be begun for want of memory. */
struct bp_hfailed {
    bp_job_id id;
    bool insert;
};

/* ---- the host ----------------------------------------------------------- */

struct bp_host {
    struct bp_host_chain chain;
    struct bp_pool_config cfg;
    const struct bp_alloc *alloc;
    pthread_mutex_t lock;
    pthread_cond_t work; /* for the two threads */
    pthread_cond_t calm; /* for whoever waits: a callback ended, a step */
    pthread_t thread[BP_HTHREADS];
    bp_time asleep[BP_HTHREADS]; /* until then; 0: awake */
    struct bp_hqueue queue[BP_HTHREADS];
    bool quit;
    bool running;
    uint64_t run;
    struct bp_pool *pool; /* while running */
    struct bp_chain_head head;
    uint64_t insertions; /* calls of insert_chain that ended */
    struct bp_hframe *frames;
    struct bp_hslots slots;
    struct bp_hpeer *peers;
    uint64_t sessions;
    uint32_t gather_ms;        /* quiet time that ends a reply */
    struct bp_hfailed *failed; /* [max_jobs] */
    uint32_t n_failed, max_jobs;
};

/* ---- host.c ---- */
/* A callback begins and ends; with the lock held. */
void bp_hframe_enter(struct bp_host *h, struct bp_hframe *f,
                     struct bp_hpeer *peer);
void bp_hframe_leave(struct bp_host *h, struct bp_hframe *f);
/* Whether this thread is inside a callback. */
bool bp_hframe_inside(const struct bp_host *h);

/* ---- clock.c ---- */
bp_time bp_hclock(void);
/* Waits until signalled, or until then. */
void bp_hclock_wait(pthread_cond_t *cond, pthread_mutex_t *lock, bp_time until);
int bp_hclock_cond(pthread_cond_t *cond) BP_MUST_USE;

/* ---- entropy.c ---- */
uint64_t bp_hentropy(void);

/* ---- slots.c ---- */
/* A slot that owns the block, or BP_HNIL. */
uint32_t bp_hslot_take(struct bp_host *h, const struct bp_host_block *block);
static inline struct bp_hslot *bp_hslot_at(const struct bp_host *h,
                                           uint32_t slot) {
    return &h->slots.slot[slot];
}
static inline uint64_t bp_hslot_item(uint32_t slot) {
    return (uint64_t)slot + 1;
}
static inline uint32_t bp_hslot_of(uint64_t item) {
    return (uint32_t)(item - 1);
}
void bp_hslot_disown(struct bp_host *h, uint32_t slot);
void bp_hslot_pin(struct bp_host *h, uint32_t slot);
void bp_hslot_unpin(struct bp_host *h, uint32_t slot);
/* Releases some blocks, letting go of the lock; false if there were none. */
bool bp_hslot_release(struct bp_host *h);

/* ---- peers.c ---- */
struct bp_hpeer *bp_hpeer_find(const struct bp_host *h, const bp_hash *id);
struct bp_hpeer *bp_hpeer_session(const struct bp_host *h, bp_peer_id session);
void bp_hpeer_drop(struct bp_host *h, struct bp_hpeer *p); /* a reference */
void bp_hpeer_unlist(struct bp_host *h, struct bp_hpeer *p);
void bp_hpeers_free(struct bp_host *h);

/* ---- replies.c ---- */
void bp_hasks_free(struct bp_host *h, struct bp_hpeer *p);
/* After a purge: no request is waited for any more. */
void bp_hpeers_forget(struct bp_host *h);
/* A request that is to go out, or NULL for want of memory; one reference is
   the caller's. */
struct bp_hask *bp_hask_new(struct bp_host *h, struct bp_hpeer *p,
                            const struct bp_act_ask_blocks *a);
void bp_hask_drop(struct bp_host *h, struct bp_hask *ask);
/* The request goes out now. */
void bp_hpeer_asked_hashes(struct bp_hpeer *p, bp_req_id id, uint32_t count);
/* Hands over the replies whose time to be gathered is over. */
void bp_hpeers_flush(struct bp_host *h);

/* ---- run.c ---- */
/* Steps the engine and makes tasks of its actions. */
void bp_hrun_step(struct bp_host *h, const struct bp_event *ev);
/* Does what is due by now. */
void bp_hrun_tick(struct bp_host *h);
/* Something may have changed for those who sleep or wait. */
void bp_hrun_notify(struct bp_host *h);
/* When the engine, or a reply, wants attention. */
bp_time bp_hrun_deadline(const struct bp_host *h);

/* ---- tasks.c ---- */
int bp_htasks_start(struct bp_host *h) BP_MUST_USE;
void bp_htasks_end(struct bp_host *h);
/* Drops what is queued; but with `jobs_failed`, for a purge, errors stay, and
   jobs are noted as failed. */
void bp_htasks_drop(struct bp_host *h, bool jobs_failed);
/* Drops what is queued for peers of that id. */
void bp_htasks_drop_peer(struct bp_host *h, const bp_hash *id);
/* Makes tasks; false for want of memory. */
bool bp_htask_hashes(struct bp_host *h, const struct bp_act_ask_hashes *a);
bool bp_htask_blocks(struct bp_host *h, const struct bp_act_ask_blocks *a);
bool bp_htask_error(struct bp_host *h, struct bp_hpeer *p,
                    const struct bp_act_blame *b, int code);
bool bp_htask_check(struct bp_host *h, const struct bp_act_check *a);
bool bp_htask_insert(struct bp_host *h, const struct bp_act_insert *a);
#endif
