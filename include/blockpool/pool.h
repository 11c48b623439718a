/* pool.h: the block pool, an engine that syncs hash-linked chains.

   The pool decides everything about chains and peers and touches nothing: no
   socket, disk, clock, entropy or thread. It sees hashes, links, opaque items
   and numbers; what a block is, only the host knows.

        host                                        pool
        ----                                        ----
        peers, replies, results  -- bp_pool_step -->  one event, one time
        requests, jobs, blames   <-- bp_pool_next --  actions, until false
        a timer                  <-- bp_pool_deadline

   One object, one owner: any thread may call, one at a time. step never
   fails; what cannot be kept is refused, counted and released. The same
   config, seed and events give the same actions, byte for byte.

   A *link* is what a header proves about itself: (hash, parent, number,
   difficulty). A *block* is a link whose body has come. The pool grows links
   backwards from the heads that peers claim until they join the host's chain,
   keeps rival branches side by side, has them checked, fetches their bodies
   from everyone, and hands complete runs back in order for insertion:

        claim -> ASK_LINKS -> links -> CHECK -> ASK_BLOCKS -> blocks -> INSERT

   *Held* means stored by the host with all its ancestors, on any branch.

   *Items* are numbers that the host chooses (handles of headers, bodies),
   never pointers, never 0 (0 means "none"). The pool owns one reference to
   each item from the event that brings it until RELEASE names it; whatever
   the pool does not keep it releases in the same step. An item is released
   exactly once.

   Take every action of a step before the next step; a host that answers an
   action at once queues the answer and steps when next has returned false.

   Bounds: whatever peers do, memory stays under bp_pool_bound(config).

   The pool never: trusts a claim as work, compares branches by anything but
   work it computed from proved links, drops verified data because time
   passed, or accuses an honest peer of an offence. */
#ifndef BLOCKPOOL_POOL_H
#define BLOCKPOOL_POOL_H

#include "blockpool/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- values ----------------------------------------------------------- */

/* A session with a peer. The host chooses it, never 0 (0 means "none"), and
   never uses it again. */
typedef uint64_t bp_peer_id;
/* Of requests and jobs; the pool chooses them, never 0, never used again. */
typedef uint64_t bp_req_id;
typedef uint64_t bp_job_id;

#define BP_NONE SIZE_MAX

/* Most links or blocks of one event. A reply with more is more than was ever
   asked: the host reports BP_OFF_TOO_MUCH and delivers what was asked. An
   event of more than three times as many breaks the contract and aborts. */
#define BP_EVENT_ITEMS_MAX 16384

/* What the host's chain says about one hash. */
struct bp_held {
    bool held;
    uint64_t number; /* when held */
    bp_u256 td;      /* when held: total difficulty up to and with it */
};

/* Most bytes of a link's item. The budget of links counts links: with this it
   bounds what they take in memory too. A header that is larger belongs into
   the body, or the host refuses it first. */
#define BP_LINK_BYTES_MAX 1024

enum bp_link_flag {
    /* The header says that the body is empty: it is never asked for. A whole
       block without an item of its own for the header is, for its header. */
    BP_LINK_EMPTY = 1
};

struct bp_link {
    bp_hash hash, parent;
    uint64_t number;    /* 2^64-1: an invalid link */
    bp_u256 difficulty; /* above 128 bits: the same */
    uint64_t item;      /* the host's handle of the header; 0: none */
    uint32_t size;      /* its bytes; above BP_LINK_BYTES_MAX: invalid */
    uint32_t flags;     /* enum bp_link_flag */
};

/* What a peer says it has. A claim is never counted as work: it decides who is
   asked first. Without a total difficulty a number above our head's puts a
   peer ahead; with neither its head is looked at after all others. */
struct bp_claim {
    bp_hash head;
    struct bp_held known; /* what the host's chain says of head */
    bool has_td, has_number;
    bp_u256 td;
    uint64_t number;
};

enum bp_cap {
    BP_CAP_LINKS = 1,  /* headers by hash or number (eth/62 and on) */
    BP_CAP_HASHES = 2, /* bare hashes, newest first (eth/60, eth/61) */
    BP_CAP_BLOCKS = 4, /* bodies of known links; whole blocks if bare */
    BP_CAP_IDS = 8     /* replies carry request ids: several in flight; a peer
                          without it is asked one thing of each kind at once,
                          and once that is late one more: links and blocks are
                          told by their hashes, of hashes the same list */
};

struct bp_peer_info {
    bp_hash identity;   /* outlives sessions: what a suspension names */
    uint32_t caps;      /* enum bp_cap */
    uint32_t links_max; /* most items of one reply; 0: the config's */
    uint32_t hashes_max;
    uint32_t blocks_max;
    bool has_range; /* serves numbers earliest..latest only */
    uint64_t earliest, latest;
    struct bp_claim claim;
};

/* ---- verdicts --------------------------------------------------------- */

enum bp_verdict_kind {
    BP_VERDICT_OK,      /* the first n are good */
    BP_VERDICT_INVALID, /* the first n are good, the one after breaks a rule */
    BP_VERDICT_LATER,   /* the first n are good, the next not before a time */
    BP_VERDICT_FAILED   /* the first n are good, then our side or the world
                           failed; nobody is blamed, it is tried again */
};

enum bp_part { BP_PART_LINK, BP_PART_BODY };

struct bp_verdict {
    enum bp_verdict_kind kind;
    size_t n;
    enum bp_part part;   /* INVALID: LINK blames the link's first sender and
                            condemns all descendants; BODY the body's sender */
    bool body_committed; /* INVALID BODY: the header commits to the broken
                            body, so the block is bad whoever sends it */
    int code;            /* the host's reason, passed through to BLAME */
    bp_time not_before;  /* LATER */
};

/* ---- events ----------------------------------------------------------- */

enum bp_event_type {
    BP_EV_TIME, /* nothing but the time passed */
    BP_EV_PEER_JOINED,
    BP_EV_PEER_CLAIM, /* a new head, number or total difficulty */
    BP_EV_PEER_RANGE, /* eth/69: the numbers it serves changed */
    BP_EV_PEER_LEFT,
    BP_EV_PEER_OFFENCE, /* the host found one: bad bytes, wrong chain, … */
    BP_EV_REPLY,        /* bytes of a reply came; the content follows */
    BP_EV_LINKS,
    BP_EV_HASHES,
    BP_EV_BLOCKS,
    BP_EV_PUSHED,    /* a whole block that nobody asked for (NewBlock) */
    BP_EV_ANNOUNCED, /* a hash that nobody asked for (NewBlockHashes) */
    BP_EV_CHECKED,
    BP_EV_INSERTED,
    BP_EV_CHAIN,  /* the host's chain moved for any other reason */
    BP_EV_TARGET, /* trusted head or checkpoint set or cleared */
    BP_EV_RESET,  /* forget all but peers' suspension; start afresh */
    BP_EV_PURGE   /* drop all sections and items, keep the peers */
};

struct bp_ev_joined {
    bp_peer_id peer;
    struct bp_peer_info info;
};

/* A repeat means nothing. Another number or total difficulty of the same head
   replaces the old one until the pool knows the true one. */
struct bp_ev_claim {
    bp_peer_id peer;
    struct bp_claim claim;
};

struct bp_ev_range {
    bp_peer_id peer;
    uint64_t earliest, latest;
};

struct bp_ev_left {
    bp_peer_id peer;
};

struct bp_ev_offence {
    bp_peer_id peer;
    int offence; /* enum bp_offence */
    int code;    /* the host's reason, passed through */
};

/* Stops the deadline of a request and feeds the estimates: the time that a
   reply took, and for blocks its bytes (0: not known), from which follow how
   many of them the peer is asked for at a time, and their deadline. Its
   content comes later, in order, as LINKS, HASHES or BLOCKS with the same
   id. */
struct bp_ev_reply {
    bp_peer_id peer;
    bp_req_id request;
    size_t bytes;
};

/* Newest first; the host has hashed them and knows each follows the other
   (links[i].parent == links[i + 1].hash): a list that does not is an offence
   that the host reports. With skip != 0 in the request they need not follow.
   held_at is the first position whose hash is held: 0..n-1 that link, n the
   parent of the last one, BP_NONE if neither; `held` then says more. Another
   position, or one without held.held, counts as BP_NONE. */
struct bp_ev_links {
    bp_peer_id peer;
    bp_req_id request;
    const struct bp_link *links; /* borrowed until step returns */
    size_t n;                    /* 0 is a legal answer */
    size_t held_at;
    struct bp_held held;
};

/* Newest first, starting at the parent of the asked hash. held_at as above,
   BP_NONE when none of them is held. */
struct bp_ev_hashes {
    bp_peer_id peer;
    bp_req_id request;
    const bp_hash *hashes; /* borrowed until step returns */
    size_t n;
    size_t held_at;
    struct bp_held held;
};

/* One delivered body or whole block. */
struct bp_delivery {
    bp_hash hash;  /* of the block, or the asked hash whose roots it matches */
    bool matched;  /* false: a body that matches no asked hash; hash is void */
    uint64_t item; /* the host's handle of the body; 0: none */
    uint32_t size; /* its bytes */
    bool has_link; /* a whole block: link is set, link.hash == hash */
    struct bp_link link;
    struct bp_held known;  /* whole block: what the chain says of hash */
    struct bp_held parent; /* whole block: … and of its parent */
};

struct bp_ev_blocks {
    bp_peer_id peer;
    bp_req_id request;
    const struct bp_delivery *blocks; /* borrowed until step returns */
    size_t n;
};

struct bp_ev_pushed {
    bp_peer_id peer;
    struct bp_delivery block; /* has_link */
    bool has_td;
    bp_u256 td;
};

struct bp_ev_announced {
    bp_peer_id peer;
    bp_hash hash;
    bool has_number;
    uint64_t number;
    struct bp_held known;
};

struct bp_ev_checked {
    bp_job_id job;
    struct bp_verdict verdict;
};

struct bp_chain_head {
    bp_hash hash;
    uint64_t number;
    bp_u256 td;
};

/* head is the canonical head after the insertion; refused_td is the greatest
   total difficulty that fork choice refused by policy so far (0: none). */
struct bp_ev_inserted {
    bp_job_id job;
    struct bp_verdict verdict;
    struct bp_chain_head head;
    bp_u256 refused_td;
};

struct bp_ev_chain {
    struct bp_chain_head before, head;
    bp_hash ancestor; /* of both */
    uint64_t ancestor_number;
};

struct bp_ev_target {
    bool set; /* false clears */
    bp_hash hash;
    bool has_number;
    uint64_t number;
    struct bp_held known;
};

struct bp_event {
    enum bp_event_type type;
    union {
        struct bp_ev_joined joined;
        struct bp_ev_claim claim;
        struct bp_ev_range range;
        struct bp_ev_left left;
        struct bp_ev_offence offence;
        struct bp_ev_reply reply;
        struct bp_ev_links links;
        struct bp_ev_hashes hashes;
        struct bp_ev_blocks blocks;
        struct bp_ev_pushed pushed;
        struct bp_ev_announced announced;
        struct bp_ev_checked checked;
        struct bp_ev_inserted inserted;
        struct bp_ev_chain chain;
        struct bp_ev_target target;
    } u;
};

/* ---- actions ---------------------------------------------------------- */

enum bp_action_type {
    BP_ACT_ASK_LINKS,
    BP_ACT_ASK_HASHES,
    BP_ACT_ASK_BLOCKS,
    BP_ACT_CHECK,
    BP_ACT_INSERT,
    BP_ACT_BLAME,
    BP_ACT_RELEASE,
    BP_ACT_REPORT
};

/* The pool of this version asks for links by hash, without gaps, towards
   genesis: by_number and skip are for forward mode, which will set them. A
   host that reads all fields needs no change then. */
struct bp_act_ask_links {
    bp_peer_id peer;
    bp_req_id request;
    bool by_number;
    bp_hash hash;    /* origin, included in the answer */
    uint64_t number; /* origin by number */
    uint32_t count;
    uint32_t skip;
    bool reverse; /* true: towards genesis */
    bp_time due;
};

struct bp_act_ask_hashes {
    bp_peer_id peer;
    bp_req_id request;
    bp_hash from; /* the answer begins at its parent */
    uint32_t count;
    bp_time due;
};

/* The host copies what it will need of the header (its roots) when it asks:
   the item may be released while the request is out. */
struct bp_want {
    bp_hash hash;
    uint64_t item; /* the header's handle, whose roots the body must match;
                      0: ask for the whole block */
};

struct bp_act_ask_blocks {
    bp_peer_id peer;
    bp_req_id request;
    const struct bp_want *wants; /* lives until the next call of the pool */
    size_t n;
    bp_time due;
};

enum bp_check_kind {
    BP_CHECK_PROBE, /* one link of an unconnected section: its seal only */
    BP_CHECK_RUN    /* a connected run, oldest first: every header rule
                       against its parent, then seals */
};

/* Answered by CHECKED with the same job. Items stay until then. An item is
   the link's, or the whole block's where a block came without one
   (bp_block.link.item == 0). */
struct bp_act_check {
    bp_job_id job;
    enum bp_check_kind kind;
    bp_hash parent;        /* RUN: of the first one; held, or of the pool */
    uint64_t parent_item;  /* RUN: its header when it is of the pool, else 0 */
    const uint64_t *items; /* oldest first; lives until the next call */
    const bp_hash *hashes; /* of the same */
    size_t n;
    uint64_t first_number;
    bool trusted; /* proved by a target's hash alone: seals need no check */
};

struct bp_insert_item {
    bp_hash hash;
    uint64_t link_item;          /* 0 when the whole block is body_item */
    uint64_t body_item;          /* 0 when the body is empty */
    bp_peer_id link_by, body_by; /* who sent them */
    bool checked;                /* its link passed a RUN check */
    bool trusted;
};

/* A run, oldest first, whose parent is held. Answered by INSERTED. The host
   checks the bodies' rules, stores, and chooses between branches. */
struct bp_act_insert {
    bp_job_id job;
    bp_hash parent;
    uint64_t first_number;
    const struct bp_insert_item *items; /* lives until the next call */
    size_t n;
};

/* Offences are provable and suspend the identity; faults are not. */
#define BP_OFFENCE_MAP(X)                                                      \
    X(NONE, 0, "nothing")                                                      \
    X(BAD_BYTES, 1, "sent bytes that do not decode")                           \
    X(BAD_SEAL, 2, "sent a header whose seal does not verify")                 \
    X(BAD_RULE, 3, "sent a header that breaks a rule")                         \
    X(BAD_BODY, 4, "sent a body that breaks a rule")                           \
    X(BODY_MISMATCH, 5, "sent bodies that match none of the asked headers")    \
    X(WRONG_CHAIN, 6, "is on another chain")                                   \
    X(TOO_MUCH, 7, "sent more than was asked")                                 \
    X(UNLINKED, 8, "sent headers that do not follow each other")               \
    X(FORGED_LIST, 9, "sent a list of hashes that its blocks refute")          \
    X(BAD_CLAIM, 10,                                                           \
      "claimed a total difficulty that its head refutes, again")               \
    X(BANNED, 11, "claimed a head on a branch known to be invalid")            \
    X(WRONG_NUMBER, 12, "announced a block with a wrong number")               \
    X(LATE, 64, "did not answer in time")                                      \
    X(GONE, 65, "left with requests outstanding")                              \
    X(EMPTY, 66, "answered with nothing")                                      \
    X(LACKING, 67, "does not have what it claimed")                            \
    X(IDLE, 68, "was best and brought nothing new")                            \
    X(STALLED, 69, "its branch made no progress")                              \
    X(WRONG_TD, 70, "claimed a wrong total difficulty")                        \
    X(UNREQUESTED, 71, "sent a block that nobody wants")                       \
    X(FLOOD, 72, "announced or pushed more than its share")                    \
    X(SUSPENDED, 73, "came back while suspended")

enum bp_offence {
#define BP_OFFENCE_ENUM(name, value, text) BP_OFF_##name = value,
    BP_OFFENCE_MAP(BP_OFFENCE_ENUM)
#undef BP_OFFENCE_ENUM
};
#define BP_OFF_FIRST_FAULT BP_OFF_LATE

BP_API const char *bp_offence_name(int offence); /* "BAD_SEAL" */
BP_API const char *bp_offence_text(int offence); /* a sentence's predicate */

struct bp_act_blame {
    bp_peer_id peer; /* its session; may have ended */
    bp_hash identity;
    int offence;   /* enum bp_offence */
    int code;      /* the host's reason, if the host gave one */
    bool has_hash; /* the block it is about */
    bp_hash hash;
    uint64_t number;
    bool end;      /* the session must end */
    bp_time until; /* suspended until then; 0: not suspended */
};

struct bp_act_release {
    const uint64_t *items; /* lives until the next call */
    size_t n;
};

/* Things worth a log line. */
enum bp_report_kind {
    BP_REPORT_BEST,      /* best peer changed; peer 0: none */
    BP_REPORT_JOINED,    /* a branch joined our chain: count links to fetch */
    BP_REPORT_SYNCED,    /* nothing left above our total difficulty */
    BP_REPORT_STALLED,   /* no usable peer for what is missing */
    BP_REPORT_DROPPED,   /* a branch of count links was dropped */
    BP_REPORT_CONDENSED, /* count links became spine entries */
    BP_REPORT_TARGET     /* the target was reached */
};

struct bp_act_report {
    enum bp_report_kind kind;
    bp_peer_id peer;
    bp_hash hash;
    uint64_t number;
    uint64_t count;
};

struct bp_action {
    enum bp_action_type type;
    union {
        struct bp_act_ask_links ask_links;
        struct bp_act_ask_hashes ask_hashes;
        struct bp_act_ask_blocks ask_blocks;
        struct bp_act_check check;
        struct bp_act_insert insert;
        struct bp_act_blame blame;
        struct bp_act_release release;
        struct bp_act_report report;
    } u;
};

/* ---- config ----------------------------------------------------------- */

/* Zero fields take the default in brackets; times in milliseconds. */
struct bp_pool_config {
    uint64_t seed;                /* of every choice made by chance */
    const struct bp_alloc *alloc; /* NULL: the C library's; must outlive */
    bp_hash genesis;
    struct bp_chain_head head; /* the host's chain at the start */
    bp_u256 refused_td;        /* greatest refused by policy so far */
    uint64_t probe_below;      /* probes only links below this number
                                  (epochs the host can check) [2^64-1] */

    uint32_t peers_max;    /* [64] */
    uint64_t links_max;    /* link budget of the forest, 64 or more; with less
                              than 256 a sync among liars may stand still for
                              want of room, up to progress_ms [1,000,000] */
    uint64_t window_bytes; /* blocks asked for, held, in insertion [64 MiB] */
    uint32_t workers;      /* checks in flight: workers + 1 [2] */
    uint32_t reply_bytes_max; /* most that one reply may take [10 MiB] */
    uint32_t replies_max;     /* requests for blocks in flight [16] */
    uint32_t record_bytes;    /* record buffer, for the bound [0] */

    uint32_t links_per_request;  /* [1024] */
    uint32_t hashes_per_request; /* [256] */
    uint32_t blocks_per_request; /* [128] */
    uint32_t insert_items_max;   /* [1024] */
    uint32_t insert_bytes_max;   /* [16 MiB] */
    uint32_t check_links_max;    /* links of one CHECK [1024] */
    uint32_t bad_hashes_max;     /* [4096] */
    uint32_t suspended_max;      /* identities remembered [1024] */
    uint32_t announced_max;      /* per peer [256] */
    uint32_t pushed_max;         /* per peer [64] */

    uint32_t request_first_ms; /* deadline before estimates [5,000] */
    uint32_t request_min_ms;   /* [1,000] */
    uint32_t request_max_ms;   /* [15,000] */
    uint32_t head_probe_ms;    /* for a peer that failed to show the head that
                                  it claims, or its session ends; also the
                                  longest pause between two tries, and for the
                                  content of a reply to follow [60,000] */
    uint32_t progress_ms;      /* progress limit of a branch [30,000] */
    uint32_t suspend_ms;       /* [300,000] */
    uint32_t idle_best_ms;     /* for a peer that was best to tell of more than
                                  its head, all of which is held, once our
                                  chain is heavier [60,000] */
    uint32_t announce_wait_ms; /* [500] */

    /* One line per decision, virtual time in front, no pointers; for tests
       and debugging; must not call the pool. Does not change what it does. */
    void (*trace)(void *user, const char *line);
    void *trace_user;
};

/* ---- the pool ---------------------------------------------------------- */

struct bp_pool;

/* Most memory, in bytes, that a pool of this config and the items it owns ever
   take at once: its tables, links_max items of BP_LINK_BYTES_MAX, the window,
   as many replies with blocks as may be on their way, the record's buffer. */
BP_API uint64_t bp_pool_bound(const struct bp_pool_config *config);

/* Makes a pool. *out is the caller's, to be freed with bp_pool_free.
   Returns 0, BP_ERR_NOMEM, or BP_ERR_RANGE for a config that contradicts
   itself; *out is then NULL. */
BP_API int bp_pool_new(struct bp_pool **out,
                       const struct bp_pool_config *config) BP_MUST_USE;

/* Frees the pool at any moment; every item still owned goes to release (may
   be NULL when there are no items). NULL pool: nothing. */
BP_API void bp_pool_free(struct bp_pool *pool,
                         void (*release)(void *user, uint64_t item),
                         void *user);

/* Takes one event. `now` is monotonic milliseconds, below 2^63; a smaller one
   than the last counts as the last. Never fails; unknown peers, requests and
   jobs are ignored, their items released. */
BP_API void bp_pool_step(struct bp_pool *pool, const struct bp_event *event,
                         bp_time now);

/* Takes the next action of what was stepped so far; false when there is none.
   What *out points to lives until the next step or next. */
BP_API bool bp_pool_next(struct bp_pool *pool, struct bp_action *out);

/* When to step again at the latest with BP_EV_TIME; BP_TIME_NEVER: only when
   something happens. Valid after the actions have been taken. */
BP_API bp_time bp_pool_deadline(const struct bp_pool *pool);

/* Nothing in flight, and every claim above our total difficulty is joined,
   refuted, or made no progress within its limit. */
BP_API bool bp_pool_quiescent(const struct bp_pool *pool);

/* Bytes held now from the allocator. */
BP_API uint64_t bp_pool_memory(const struct bp_pool *pool);

/* Walks every invariant and aborts at the first that does not hold, memory
   under the bound among them. For tests, fuzzers and the simulator. */
BP_API void bp_pool_check(const struct bp_pool *pool);

/* ---- what it knows ----------------------------------------------------- */

struct bp_pool_status {
    bool syncing;
    struct bp_chain_head head;
    uint64_t target; /* best number known or claimed worth syncing to */
    bp_peer_id best; /* 0: none */
    uint64_t links_seen, links_held; /* ever taken; held now */
    uint64_t blocks_seen, blocks_held, blocks_inserted;
    uint64_t window_used; /* bytes */
    uint64_t sections, branches, forks, spine_entries;
    uint64_t longest_chain; /* longest run inserted */
    uint64_t claims;        /* joins and new heads */
    uint64_t peers_seen, peers, peers_active, peers_best, peers_bad;
    uint64_t requests, requests_late, jobs;
    uint64_t duplicates; /* blocks or links delivered more than once */
    uint64_t refused;    /* for want of budget or memory */
};
BP_API void bp_pool_status(const struct bp_pool *pool,
                           struct bp_pool_status *out);

struct bp_peer_status {
    bp_peer_id peer;
    bp_hash identity;
    uint32_t caps;
    struct bp_claim claim;
    bool best, demoted;
    uint32_t requests; /* in flight */
    uint32_t rtt_ms;   /* estimate; 0: none yet */
    uint64_t links_per_s, blocks_per_s;
    uint64_t bytes_per_s; /* of blocks */
    uint64_t links_given, blocks_given;
    uint32_t faults, offences;
    int last_fault; /* enum bp_offence */
};
/* Fills up to cap entries in order of joining; returns how many there are. */
BP_API size_t bp_pool_peers(const struct bp_pool *pool,
                            struct bp_peer_status *out, size_t cap);

struct bp_branch_status {
    bp_hash top, bottom, bottom_parent;
    uint64_t top_number, bottom_number;
    uint64_t links, blocks; /* in memory; with their bodies */
    uint64_t condensed;     /* links kept as spine only */
    bp_u256 work;           /* proved by its links */
    bool connected, active;
    uint64_t checked; /* links that passed a RUN check */
};
/* One entry per section without a child, heaviest first. */
BP_API size_t bp_pool_branches(const struct bp_pool *pool,
                               struct bp_branch_status *out, size_t cap);

/* One sentence for the lowest missing item: what is missing, asked of whom,
   since when, and what happens next. Writes at most cap bytes with the NUL;
   returns the length it would have. */
BP_API size_t bp_pool_why(const struct bp_pool *pool, char *out, size_t cap);

#ifdef __cplusplus
}
#endif
#endif
