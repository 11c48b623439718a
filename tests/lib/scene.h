/* scene.h: a toy chain, scripted peers and virtual time, for driving the pool
   by hand.

   Blocks are numbers (ids); a hash begins with the id, so traces can be read.
   A scene plays the host: it answers checks and insertions, keeps the set of
   held blocks and their total difficulties, chooses the heaviest as the head,
   counts every item (each must be released exactly once) and calls
   bp_pool_check after every step.

   Peers answer by themselves with what an honest one would, unless told
   otherwise; a peer with `manual` set leaves its requests to the script. */
#ifndef BP_TESTS_LIB_SCENE_H
#define BP_TESTS_LIB_SCENE_H

#include "blockpool/pool.h"
#include "lib/test.h"

#define SCENE_NONE UINT32_MAX

struct scene;

enum scene_item_kind { SCENE_HEADER, SCENE_BODY, SCENE_WHOLE };

/* A block of the toy world. */
struct scene_block {
    uint32_t parent; /* id */
    uint64_t number;
    uint64_t difficulty, wide; /* wide: its upper 64 bits */
    bp_u256 td;
    bool held;
    bool empty;     /* its body is empty */
    bool bad_seal;  /* a check finds its seal bad */
    bool bad_rule;  /* a RUN check finds a rule broken */
    bool bad_body;  /* insertion finds a committed body rule broken */
    bool bad_late;  /* insertion finds a header rule broken */
    bool exists;    /* peers have it */
    bp_time later;  /* LATER before then */
    uint32_t body;  /* bytes */
    uint32_t asked; /* times its body was asked */
    uint32_t came;  /* times its body was delivered */
};

/* A request that a peer was asked. */
struct scene_ask {
    enum bp_action_type type;
    bp_req_id id;
    uint32_t origin; /* block id, or SCENE_NONE */
    uint32_t count;
    bp_time due;
    bool open;
    size_t n;
    uint32_t *ids; /* blocks asked for */
    bool *whole;
};

struct scene_peer {
    bp_peer_id id;
    bool here;     /* the pool has it */
    bool manual;   /* answers only when told */
    bool silent;   /* never answers */
    uint32_t head; /* block id */
    uint32_t caps;
    uint32_t latency; /* ms from a request to the first byte of its answer */
    uint64_t rate;    /* bytes a second; 0: no limit */
    bp_time free_at;  /* its line is busy until then */
    uint32_t cap;     /* most blocks or links of one answer; 0: no cap */
    uint64_t from;    /* serves nothing of lower numbers */
    uint32_t no_body; /* block whose body it lacks; 0: none */
    bool says_late;   /* … and says so just inside the deadline */
    bool bad_bodies;  /* what it sends breaks a body rule */
    struct scene_ask *asks;
    size_t n_asks, cap_asks;
    uint64_t links_served, blocks_served;
};

struct scene_blame {
    bp_peer_id peer;
    int offence;
    bool end;
    uint32_t block;
};

struct scene_event; /* of the queue */
struct bp_recorder;

struct scene {
    struct bp_pool *pool;
    struct bp_pool_config cfg;
    struct test_alloc alloc;
    bp_time now;
    struct scene_block *block;
    uint32_t n_blocks, cap_blocks;
    uint32_t head; /* the canonical one */
    bp_u256 refused_td;
    uint32_t caps;       /* of peers that join from now on */
    uint32_t link_bytes; /* size of a header */
    uint32_t check_ms, insert_ms;
    struct scene_peer *peer; /* ids 1, 2, … */
    uint32_t n_peers;
    struct scene_event *queue;
    size_t n_queue, cap_queue;
    uint64_t serial;
    uint64_t *item; /* what each item is; 0: released */
    size_t n_items, cap_items;
    uint64_t *free_items;
    size_t n_free, cap_free;
    size_t live_items, peak_items;
    struct scene_blame *blames;
    size_t n_blames, cap_blames;
    uint64_t n_reports[8];
    bool no_check; /* leave bp_pool_check out (benchmarks) */
    bool measure;  /* add the engine's CPU time to engine_s */
    double engine_s;
    bool hold_jobs;   /* run checks and insertions stay out */
    int fail_inserts; /* the next so many fail without anybody's fault */
    bool verbose;     /* trace to stdout */
    char *log;        /* the trace, when keep_log */
    size_t n_log, cap_log;
    bool keep_log;
    uint32_t inserted; /* blocks, by insertions */
    uint64_t peak_memory;
    struct bp_recorder *recorder; /* sees every event and action; NULL: none */
    void (*after_step)(struct scene *s);
    void *user;
};

/* A world with the genesis (block 0) held. `cfg` may be NULL; alloc, genesis,
   head and trace are set here. */
void scene_open(struct scene *s, const struct bp_pool_config *cfg);
/* The same without making the pool: for worlds built first. */
void scene_prepare(struct scene *s, const struct bp_pool_config *cfg);
int scene_make_pool(struct scene *s);
/* Frees the pool; fails the test unless every item was released once and no
   memory is left. */
void scene_close(struct scene *s);

/* ---- the world ---- */
bp_hash scene_hash(uint32_t id);
uint32_t scene_id(const bp_hash *hash);
struct scene_block *scene_at(struct scene *s, uint32_t id);
/* Adds block `id` on `parent`. */
void scene_block(struct scene *s, uint32_t id, uint32_t parent,
                 uint64_t difficulty);
/* The same with a difficulty of up to 128 bits. */
void scene_block_wide(struct scene *s, uint32_t id, uint32_t parent,
                      uint64_t high, uint64_t low);
/* Blocks first..last, each on the one before, the first on first - 1. */
void scene_chain(struct scene *s, uint32_t first, uint32_t last,
                 uint64_t difficulty);
/* The host holds it, and all below. Before scene_make_pool. */
void scene_hold(struct scene *s, uint32_t id);
bool scene_descends(struct scene *s, uint32_t id, uint32_t from);

/* ---- peers ---- */
struct scene_peer *scene_peer(struct scene *s, bp_peer_id id);
#define SCENE_LINKS (BP_CAP_LINKS | BP_CAP_BLOCKS | BP_CAP_IDS)
#define SCENE_BARE  (BP_CAP_HASHES | BP_CAP_BLOCKS)
/* Joins with its true total difficulty and the capabilities `s->caps`, at
   first those of eth/68. */
struct scene_peer *scene_join(struct scene *s, bp_peer_id id, uint32_t head);
struct scene_peer *scene_join_td(struct scene *s, bp_peer_id id, uint32_t head,
                                 uint64_t td);
struct scene_peer *scene_join_info(struct scene *s, bp_peer_id id,
                                   uint32_t head,
                                   const struct bp_peer_info *info);
/* What scene_join would say. */
struct bp_peer_info scene_info(struct scene *s, bp_peer_id id, uint32_t head);
void scene_claim(struct scene *s, bp_peer_id id, uint32_t head);
void scene_claim_td(struct scene *s, bp_peer_id id, uint32_t head, uint64_t td);
void scene_leave(struct scene *s, bp_peer_id id);
/* Answers an open request of a manual peer as an honest one would. */
void scene_answer(struct scene *s, bp_peer_id id, size_t ask);
/* All of them, the oldest first, until there are none. */
void scene_answer_all(struct scene *s, bp_peer_id id);
/* The oldest open request of that type, or NULL. */
struct scene_ask *scene_open_ask(struct scene *s, bp_peer_id id,
                                 enum bp_action_type type);
size_t scene_open_asks(const struct scene *s, bp_peer_id id);

/* ---- answers by hand ---- */
struct bp_link scene_link(struct scene *s, uint32_t id); /* with a new item */
void scene_links(struct scene *s, bp_peer_id peer, bp_req_id req,
                 const uint32_t *ids, size_t n);
void scene_hashes(struct scene *s, bp_peer_id peer, bp_req_id req,
                  const uint32_t *ids, size_t n);
/* Bodies, or whole blocks. */
void scene_blocks(struct scene *s, bp_peer_id peer, bp_req_id req,
                  const uint32_t *ids, size_t n, bool whole);
void scene_push(struct scene *s, bp_peer_id peer, uint32_t id, uint64_t td);
void scene_announce(struct scene *s, bp_peer_id peer, uint32_t id,
                    uint64_t number);
/* Any event. */
void scene_step(struct scene *s, const struct bp_event *ev);
void scene_tick(struct scene *s);

/* ---- time ---- */
/* Everything that is due until now + ms, timers of the pool included. */
void scene_run(struct scene *s, bp_time ms);
/* Until nothing is queued and the pool is quiescent, at most `limit` ms. */
void scene_settle(struct scene *s, bp_time limit);

/* ---- what was seen ---- */
size_t scene_blamed(const struct scene *s, bp_peer_id peer, int offence);
size_t scene_offences(const struct scene *s); /* of anybody */
struct bp_pool_status scene_status(const struct scene *s);
/* Blocks 0..last of a plain chain are held, and `head` is the head. */
void scene_expect_head(struct scene *s, uint32_t head);
/* The text since the last call contains exactly these lines. */
void scene_expect_log(struct scene *s, const char *lines);

#endif
