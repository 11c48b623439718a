/* sim.h: a world while it runs.

        peers (peer.c, liar.c, script.c)
          |  messages, in order, late or lost     net.c
        host: events, jobs, store, crashes        host.c, jobs.c
          |  bp_pool_step, bp_pool_next           engine.h
        the engine under test
          |
        judge: the promises                       judge.c

   One thread, one queue, virtual milliseconds. Nothing here asks the real
   time or the operating system for chance. */
#ifndef BP_SIM_SIM_H
#define BP_SIM_SIM_H

#include <stdio.h>

#include "engine.h"
#include "queue.h"
#include "tree.h"
#include "world.h"

/* ---- what comes out --------------------------------------------------- */

/* Columns of the coverage table. */
#define OUTCOME_MAP(X)                                                         \
    X(DRAWN, "peers")       /* peers with this deed */                         \
    X(DID, "did")           /* of these, that did it at least once */          \
    X(ACTED, "times")       /* that it was done */                             \
    X(OFFENCE, "offences")  /* of those that did it: accused of an offence */  \
    X(FAULT, "faults")      /* that had a fault */                             \
    X(ENDED, "ended")       /* whose session the pool ended */                 \
    X(REFUSED, "refused")   /* that came back while suspended */               \
    X(UNNOTICED, "clear")   /* neither offence nor fault */                    \
    X(OUTLIVED, "outlived") /* in worlds that ended on the due chain */

enum outcome {
#define OUTCOME_ENUM(name, word) OUTCOME_##name,
    OUTCOME_MAP(OUTCOME_ENUM)
#undef OUTCOME_ENUM
        OUTCOME_COUNT
};

/* Rows of the second table: did it ever happen? */
#define HAPPENED_MAP(X)                                                        \
    X(WORLDS, "worlds")                                                        \
    X(HOSTILE_WORLDS, "worlds with a liar")                                    \
    X(STEPS, "pool steps")                                                     \
    X(BLOCKS, "blocks in trees")                                               \
    X(PEERS, "peers")                                                          \
    X(INSERTED, "blocks inserted")                                             \
    X(SIDE, "blocks inserted beside the best chain")                           \
    X(REORG, "reorganisations of our chain")                                   \
    X(ASK_LINKS, "requests for links")                                         \
    X(ASK_NUMBER, "requests for links by number")                              \
    X(ASK_HASHES, "requests for hashes")                                       \
    X(ASK_BLOCKS, "requests for blocks")                                       \
    X(REPLY_LATE, "replies after their deadline")                              \
    X(REPLY_GONE, "requests never answered")                                   \
    X(REPLY_TWICE, "replies that came twice")                                  \
    X(REPLY_DEAD, "contents after their session ended")                        \
    X(CHECK_PROBE, "checks of one seal")                                       \
    X(CHECK_RUN, "checks of runs")                                             \
    X(CHECK_TRUSTED, "checks below a target")                                  \
    X(CHECK_INVALID, "checks that found an invalid link")                      \
    X(CHECK_LATER, "checks put off")                                           \
    X(CHECK_FAILED, "checks that failed for our reasons")                      \
    X(INSERT, "insertions")                                                    \
    X(INSERT_INVALID, "insertions that found an invalid block")                \
    X(INSERT_LATER, "insertions put off")                                      \
    X(INSERT_FAILED, "insertions that failed for our reasons")                 \
    X(PUSHED, "blocks pushed")                                                 \
    X(ANNOUNCED, "hashes announced")                                           \
    X(JOINED, "sessions begun")                                                \
    X(LEFT, "sessions ended by the peer")                                      \
    X(SUSPENDED, "suspensions")                                                \
    X(CRASHED, "crashes of our node")                                          \
    X(TORN, "blocks lost in crashes")                                          \
    X(RESET, "resets")                                                         \
    X(PURGED, "purges")                                                        \
    X(TARGET, "targets set")                                                   \
    X(CONDENSED, "branches condensed")                                         \
    X(DROPPED, "branches dropped")                                             \
    X(STALLED, "reports of no usable peer")                                    \
    X(ALLOC_FAILED, "allocations failed on purpose")                           \
    X(DUPLICATE, "bodies delivered more than once")                            \
    X(HELD_AGAIN, "bodies delivered that the store held")

enum happened {
#define HAPPENED_ENUM(name, text) HAPPENED_##name,
    HAPPENED_MAP(HAPPENED_ENUM)
#undef HAPPENED_ENUM
        HAPPENED_COUNT
};

struct coverage {
    uint64_t deed[DEED_COUNT][OUTCOME_COUNT];
    uint64_t happened[HAPPENED_COUNT];
    uint64_t blame[80]; /* by enum bp_offence, of liars; honest: honest_* */
    uint64_t honest_fault[80];
};
void coverage_add(struct coverage *to, const struct coverage *from);
void coverage_print(const struct coverage *c, FILE *out);

struct result {
    bool failed;
    bool late;      /* the due chain came after its time, or never */
    char kind[24];  /* one word: what the shrinker must keep */
    char text[400]; /* a sentence */
    char why[256];  /* what the pool says it waits for */
    uint64_t hash;  /* of every event and action */
    uint64_t steps;
    bp_time end, done_at;      /* done_at: when the due chain was ours */
    bp_time start, t_min, due; /* the sync cannot end before start + t_min */
    uint64_t least_bytes;
    uint64_t bytes, duplicates, peak, bound;
    struct bp_pool_status status;
    struct coverage cover;
};

/* ---- messages --------------------------------------------------------- */

enum msg_kind {
    MSG_LINKS,
    MSG_HASHES,
    MSG_BLOCKS,
    MSG_GARBAGE,
    MSG_PUSH,
    MSG_ANNOUNCE,
    MSG_CLAIM,
    MSG_RANGE
};

enum { ITEM_MISMATCH = 1, ITEM_CORRUPT = 2 };

struct msg_item {
    uint32_t block; /* or a phantom */
    uint32_t flags;
};

struct request {
    bp_req_id id;
    uint32_t session;
    enum msg_kind kind; /* LINKS, HASHES or BLOCKS */
    bool by_number, reverse;
    bool answered, late;
    uint32_t origin; /* block, phantom or none */
    uint64_t number;
    uint32_t count, skip;
    uint32_t *want; /* blocks: what was asked */
    bool *want_whole;
    bp_time sent, due, came;
    struct request *next_kept; /* a scripted peer keeps it */
};

struct msg {
    enum msg_kind kind;
    uint32_t session;
    struct request *request; /* NULL: nobody asked */
    bp_req_id id;            /* what the peer says it answers */
    struct msg_item *item;
    uint32_t n;
    uint32_t bytes;
    bool has_td, has_number;
    bp_u256 td;
    uint64_t number, number2;
};

/* ---- peers and sessions ----------------------------------------------- */

struct book { /* what a scripted peer gives when asked */
    struct book *next;
    bool blocks;
    uint32_t *block;
    uint32_t n;
};

struct peer {
    const struct peer_spec *spec;
    uint32_t name;
    uint32_t head;
    uint32_t session; /* index + 1; 0: none */
    uint32_t identity;
    bool may_return, joined_once;
    struct bp_rng rng;
    uint64_t out_free_us; /* when its line is free */
    bp_time last_arrival;
    struct book *book;
    struct request *kept;
    struct msg *first_reply;
    uint32_t answered, ticks;
    uint32_t phantom; /* its made-up branch */
    uint32_t returns;
    uint32_t script_td_kind;
    uint64_t script_td;
    bool blamed, faulted, refused;
    uint64_t did;          /* bits of enum deed */
    uint32_t excused;      /* deadlines that its accidents may cost */
    uint32_t offences[16]; /* for expectations: (offence) */
    uint32_t offence_n;
    bool ended;
    uint64_t bytes;
};

struct session {
    uint32_t peer;
    bool live;
    bp_hash identity;
    bp_time content_free; /* contents come in order */
    bp_time joined, left;
    struct request *last[3]; /* by kind: LINKS, HASHES, BLOCKS */
};

/* ---- items ------------------------------------------------------------ */

enum item_kind { ITEM_HEADER, ITEM_BODY, ITEM_WHOLE };
struct item {
    uint32_t block;
    uint8_t kind;
    bool live, corrupt;
    uint32_t size;
};

/* ---- jobs ------------------------------------------------------------- */

struct job {
    bp_job_id id;
    uint32_t epoch, resets; /* of the engine that gave it */
    bool insert, probe, trusted;
    uint32_t n;
    uint32_t *block;
    bool *checked, *corrupt;
};

/* ---- the log of a timeline (svg.c) ------------------------------------- */

struct sample {
    bp_time at;
    uint64_t window, links, sections, inserted;
};

struct mark { /* a blame */
    bp_time at;
    uint32_t peer;
    int what;
    bool offence;
};

struct timeline {
    struct sample *sample;
    uint32_t n, cap;
    struct mark *mark;
    uint32_t marks, mark_cap;
};

/* ---- the world -------------------------------------------------------- */

enum happening_kind {
    ON_JOIN,
    ON_LEAVE,
    ON_REQUEST,
    ON_MESSAGE,
    ON_CONTENT,
    ON_CHECKED,
    ON_INSERTED,
    ON_GROW,
    ON_TICK,
    ON_STALL,
    ON_RELAY,
    ON_STEP,
    ON_RESTART
};

enum phase { PHASE_RUN, PHASE_WIND_DOWN, PHASE_OVER };

struct sim_options {
    const struct engine_ops *engine; /* NULL: the pool */
    FILE *narrate;                   /* NULL: silent */
    bool timeline;
    bool patient;         /* nothing is ever late, it is only said (result) */
    uint32_t check_every; /* steps; 0: 16 */
    struct recorder *record; /* NULL: none */
};

struct sim {
    const struct world *w;
    struct sim_options opt;
    struct arena *arena;
    struct tree tree;
    struct queue queue;
    struct heap heap;
    bp_time now;
    uint32_t *by_label, labels;
    const struct engine_ops *ops;
    void *engine;
    struct bp_pool_config config;
    uint32_t epoch;
    enum phase phase;
    uint64_t same_moment;
    uint64_t past_deadlines; /* one after the other: steps that said "now" */

    struct peer *peer;
    uint32_t peers;
    struct session *session;
    uint32_t sessions, session_cap;
    struct request **request;
    uint32_t requests, request_cap;
    bp_req_id last_request;
    bp_job_id last_job;

    struct item *item; /* handle - 1 */
    uint32_t items, item_cap, live_items;
    uint64_t live_bytes;
    struct bp_link *link_buf;
    bp_hash *hash_buf;
    struct bp_delivery *block_buf;
    uint32_t link_cap, hash_cap, block_cap;

    struct bp_chain_head head;
    uint32_t head_block;
    bp_u256 refused_td;
    uint32_t *journal; /* blocks in the order of storing */
    uint32_t stored, journal_cap;
    uint32_t resets; /* and purges: what jobs were before, nobody counts */
    uint32_t checks_running;
    bool inserting;
    bool stuck;       /* nothing is left to happen */
    bool down;        /* crashed, not restarted yet */
    uint32_t waiting; /* messages and contents on the way */
    struct bp_rng host_rng, job_rng;

    uint32_t cursor; /* of the script */
    bool cursor_waits;
    bp_time cursor_since;
    uint32_t scheduled; /* happenings that the goal waits for */
    uint32_t excused;   /* deadlines that accidents may cost */
    bp_u256 goal;
    uint32_t goal_block;
    bp_time head_at, wind_until;
    struct timeline timeline;
    struct result r;
};

/* Runs a world to its end in the arena, which must not be the world's. Fills
   the result. An engine that aborts, loops or crashes fails the world. */
void sim_run(struct result *r, const struct world *w, struct arena *arena,
             const struct sim_options *opt);
/* The same, and then calls look with the ended world before it goes. */
void sim_run_look(struct result *r, const struct world *w, struct arena *arena,
                  const struct sim_options *opt,
                  void (*look)(const struct sim *s, void *user), void *user);

/* The first failure stays. */
void sim_fail(struct sim *s, const char *kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A line of narration, with the time in front. */
#define say(s, ...)                                                            \
    do {                                                                       \
        if ((s)->opt.narrate != NULL) sim_say(s, __VA_ARGS__);                 \
    } while (0)
void sim_say(struct sim *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void sim_count(struct sim *s, enum happened what, uint64_t n);
/* "7", "7x" for a flawed one, "~3" for a phantom, "?" for none. The buffer
   lives until the fourth call after. */
const char *sim_block(const struct sim *s, uint32_t block);
uint32_t sim_label(const struct sim *s, uint32_t label); /* to block */
/* Mixes a number into the hash of the run. */
void sim_hash(struct sim *s, uint64_t x);

/* host.c */
void host_start(struct sim *s);
void host_step(struct sim *s, const struct bp_event *ev);
void host_on_message(struct sim *s, struct msg *m);
void host_on_content(struct sim *s, struct msg *m);
void host_crash(struct sim *s);
void host_restart(struct sim *s);
void host_end_session(struct sim *s, uint32_t session, bool by_us);
void host_join(struct sim *s, struct peer *p);
void host_stop(struct sim *s); /* frees the engine, counts the items */
bool host_idle(const struct sim *s);
struct bp_claim host_claim(struct sim *s, struct peer *p);
/* jobs.c */
void job_check(struct sim *s, const struct bp_act_check *a);
void job_insert(struct sim *s, const struct bp_act_insert *a);
void job_checked(struct sim *s, struct job *j);
void job_inserted(struct sim *s, struct job *j);
void store_put(struct sim *s, uint32_t block);
void store_choose(struct sim *s, uint32_t block);
struct item *item_of(struct sim *s, uint64_t handle, const char *where);
uint64_t item_new(struct sim *s, uint32_t block, enum item_kind kind,
                  uint32_t size, bool corrupt);
void item_release(struct sim *s, uint64_t handle);
void import_block(struct sim *s, uint32_t block);
/* net.c */
void net_ask(struct sim *s, struct request *r);
void net_send(struct sim *s, struct peer *p, struct msg *m);
struct msg *net_msg(struct sim *s, struct peer *p, enum msg_kind kind,
                    struct request *r, uint32_t n);
/* peer.c */
void peer_start(struct sim *s);
void peer_on_request(struct sim *s, struct request *r);
void peer_on_grow(struct sim *s, struct peer *p);
void peer_on_join(struct sim *s, struct peer *p);
void peer_on_leave(struct sim *s, struct peer *p);
void peer_session_ended(struct sim *s, struct peer *p, bool by_us);
struct msg *peer_answer(struct sim *s, struct peer *p, struct request *r);
void peer_new_head(struct sim *s, struct peer *p);
/* liar.c */
void liar_begin(struct sim *s, struct peer *p);
void liar_claim(struct sim *s, struct peer *p, struct bp_claim *claim);
/* Changes a true answer into what the peer sends; NULL: nothing. */
struct msg *liar_answer(struct sim *s, struct peer *p, struct request *r,
                        struct msg *m);
void liar_tick(struct sim *s, struct peer *p);
void acted(struct sim *s, struct peer *p, enum deed d);
/* script.c */
void script_start(struct sim *s);
void script_turn(struct sim *s);
bool script_done(const struct sim *s);
void script_on_request(struct sim *s, struct peer *p, struct request *r);
void script_expect_all(struct sim *s);
/* bound.c: T_min, for so many missing blocks below the goal, with the peers
   that have joined by then. */
bp_time bound_time(struct sim *s, uint64_t blocks, bp_time joined);
/* judge.c */
void judge_plan(struct sim *s);
/* The block that a peer's chain has grown to in the end. */
uint32_t judge_final_head(struct sim *s, const struct peer_spec *x);
/* What a peer's head is at that time; of its own chain when it joins. */
uint32_t judge_head_at(struct sim *s, const struct peer_spec *x, bp_time at);
/* An honest peer lost something, or (NULL) our host did; for so long. */
void judge_accident(struct sim *s, struct peer *p, uint32_t lasts_ms);
void judge_blame(struct sim *s, const struct bp_act_blame *b);
void judge_turn(struct sim *s);
void judge_end(struct sim *s);

#endif
