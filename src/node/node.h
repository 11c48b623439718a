/* node.h: a running node, as the program sees it.

   A node is one loop thread that owns every socket, timer and the pool, and a
   fixed set of worker threads that decode, verify and store. It decides
   nothing about chains: the pool does (blockpool/pool.h).

       node_new      binds the port: node_enode is known from here on
       node_run      until done, stopped, or failed; returns the exit code
       node_free

   The thread that calls node_run is the loop thread until it returns; every
   hook runs on it. Several nodes may live in one process, each with its own
   thread. node_stop is the only call that any thread and any signal handler
   may make.

   The store stays the caller's: open before node_new, closed after
   node_free. Nothing here prints to stdout or reads an environment. */
#ifndef BP_NODE_NODE_H
#define BP_NODE_NODE_H

#include "blockpool/pool.h"
#include "blockpool/store.h"
#include "node/enode.h"

struct bp_spec;
struct node;

/* ---- exit codes: the program's, docs/man --------------------------------- */

enum node_exit {
    NODE_EXIT_OK = 0,      /* done, or stopped with all data saved */
    NODE_EXIT_FAILED = 1,  /* I/O, a used port, a locked datadir */
    NODE_EXIT_USAGE = 2,   /* wrong usage or config; nothing was touched */
    NODE_EXIT_INVALID = 3, /* data found invalid */
    NODE_EXIT_PEERS = 4,   /* no usable peer within the time-out */
    NODE_EXIT_DISK = 5,    /* disk full; what was acknowledged is saved */
    NODE_EXIT_ABSENT = 6   /* what was asked for is not stored */
};

/* One line without a full stop, for "blockpool: error: …". */
struct node_error {
    int exit_code; /* enum node_exit */
    char text[BP_STORE_TEXT_MAX];
};

/* ---- config ------------------------------------------------------------ */

enum node_mode {
    NODE_SYNC, /* fetch and verify, and serve meanwhile */
    NODE_SERVE /* answer only; the store may be read-only or over a file */
};

enum node_verify {
    NODE_VERIFY_ALL,    /* every seal, uncles' too */
    NODE_VERIFY_SAMPLE, /* one seal in verify_sample, chosen by chance, and
                           the first and last of every batch */
    NODE_VERIFY_NONE    /* no seal; all other rules as ever */
};

/* What a node that is told to lie does to its answers, for demonstrations and
   tests of other nodes. Its own store is never touched. */
enum node_lie_kind {
    NODE_LIE_NONE,
    NODE_LIE_BODY,   /* body `at` is altered */
    NODE_LIE_BODIES, /* every body from `at` on is */
    NODE_LIE_HEADER, /* header `at` has another nonce, its children link to
                        the true one */
    NODE_LIE_STALL,  /* after `at` requests answers no more */
    NODE_LIE_DROP,   /* at request `at` + 1 closes the socket */
    NODE_LIE_EMPTY,  /* after `at` requests answers with nothing */
    NODE_LIE_GENESIS /* Status names another genesis */
};
struct node_lie {
    enum node_lie_kind kind;
    uint64_t at;
};
/* "body:N", "bodies:N", "header:N", "stall:N", "drop:N", "empty:N", "genesis".
   Returns 0 or BP_ERR_FORMAT. */
int node_lie_parse(struct node_lie *out, const char *text) BP_MUST_USE;

struct node_hooks {
    /* Every tick_ms while running, and once before node_run returns. */
    void (*tick)(void *user, struct node *n);
    /* A finding was added (node_findings); it has been logged. */
    void (*found)(void *user, struct node *n);
    void *user;
    uint32_t tick_ms; /* 0: 250 */
};

struct node_config {
    enum node_mode mode;
    const struct bp_spec *spec; /* must outlive the node */
    uint64_t network_id;        /* 0: the spec's */
    struct bp_store *store;     /* its genesis is the spec's */

    const uint8_t *nodekey; /* 32 bytes, copied; node/nodekey.h reads one */
    const char *identity;   /* a word for the client name; NULL: none */

    bool listen;
    const char *addr; /* IPv4 or IPv6 in digits; NULL: 127.0.0.1 */
    uint16_t port;    /* 0: the system's choice */

    const struct enode *peers; /* dialled for ever, with back-off; copied */
    size_t n_peers;
    bool peer_only;             /* refuse whoever is not in peers */
    uint32_t max_peers;         /* 0: 50 */
    uint32_t max_pending;       /* handshakes and endings; 0: 50 */
    uint32_t eth_min;           /* lowest eth version offered; 0: 68 */
    uint32_t eth_max;           /* highest; 0: 69 */
    uint32_t required_ms;       /* for a required block's header; 0: 15,000 */
    uint32_t serve_bytes_per_s; /* per peer, of replies; 0: no such limit */

    uint32_t threads; /* workers; 0: one a processor */
    enum node_verify verify;
    uint32_t verify_sample;
    uint64_t max_reorg; /* warn of what undoes more blocks; 0: of nothing */
    bool hold_deep;     /* and do not carry it out */
    bool mess;          /* ECBP-1100, where the spec has it */
    /* A block that somebody vouches for: what leads to it is proved by links
       alone, also without proof of work, and is preferred to all else. */
    bool has_trusted_head;
    bp_hash trusted_head;
    const char *ethash_cachedir; /* NULL: caches live in memory only */
    uint32_t ethash_caches_mem;  /* 0: 3 */
    uint32_t ethash_caches_disk; /* files kept; 0: all */
    uint64_t window_bytes;       /* 0: the pool's default */

    /* When to be done; with none of these a node runs until stopped. */
    bool exit_when_synced;
    bool has_until_number, has_until_hash;
    uint64_t until_number;  /* stop with exactly this head */
    bp_hash until_hash;     /* stop when it is held */
    uint32_t disk_retry_ms; /* between two tries on a full disk; 0: 8,000 */
    uint32_t timeout_ms;    /* without a usable peer or any progress; 0: none */

    bool signals; /* SIGINT, SIGTERM and SIGHUP stop it, the second one with
                     130, 143 or 129 at once; SIGUSR1 logs a status line; where
                     the log is a file, SIGHUP opens it anew instead */
    const char *record_path; /* a record of the pool's run; NULL: none */
    struct node_lie lie;
    struct node_hooks hooks;
};

/* ---- life -------------------------------------------------------------- */

/* Makes a node and binds its port; nothing is dialled or answered yet.
   Returns 0, or the exit code that why->exit_code also has, with *out NULL. */
int node_new(struct node **out, const struct node_config *cfg,
             struct node_error *why) BP_MUST_USE;

/* Runs. Returns the exit code (enum node_exit; 130 and 143 never return). For
   other than 0 *why says what happened. */
int node_run(struct node *n, struct node_error *why) BP_MUST_USE;

/* Asks a running node to end in order; node_run then returns 0. */
void node_stop(struct node *n);

void node_free(struct node *n); /* NULL: nothing; not while it runs */

/* This node's address; its port is 0 when it does not listen. */
const struct enode *node_enode(const struct node *n);

/* ---- what it is doing: from hooks, or when it is not running ----------- */

#define NODE_UNKNOWN UINT64_MAX

enum node_stage {
    NODE_STAGE_IDLE,    /* serving; nothing to fetch */
    NODE_STAGE_PEERS,   /* no usable peer */
    NODE_STAGE_HEADERS, /* links only so far */
    NODE_STAGE_BLOCKS,  /* bodies come and are stored */
    NODE_STAGE_DONE     /* all that node_run was to do */
};
const char *node_stage_name(enum node_stage stage);

struct node_status {
    enum node_stage stage;
    struct bp_chain_head head, start; /* now; when node_run began */
    uint64_t target;                  /* a number; NODE_UNKNOWN */
    uint64_t headers;                 /* links that were taken into the pool */
    uint64_t headers_valid; /* … that passed every rule, with seals */
    uint64_t seals, seals_skipped;
    uint64_t blocks; /* stored by this run, side branches included */
    double rate;     /* blocks stored a second, lately */
    uint64_t eta_s;  /* NODE_UNKNOWN */
    size_t peers, peers_dialing;
    uint64_t bytes_in, bytes_out;
    bp_time elapsed_ms; /* since node_run began */
};
void node_status(const struct node *n, struct node_status *out);

/* CPU time of the run so far, by what it was for. */
struct node_costs {
    uint64_t loop_ns;    /* sockets, RLPx, the pool; known when it has ended */
    uint64_t headers_ns; /* decoding, hashing and linking headers */
    uint64_t roots_ns;   /* decoding bodies, their roots, matching */
    uint64_t rules_ns;   /* header and body rules, uncles */
    uint64_t seals_ns;   /* uncles' too */
    uint64_t store_ns;   /* writing */
    uint64_t serve_ns;   /* building answers */
};
void node_costs(const struct node *n, struct node_costs *out);

/* One sentence: what holds the sync up. As bp_pool_why. */
size_t node_why(const struct node *n, char *out, size_t cap);

/* Everyone we met, in order of meeting; an identity has one entry. */
struct node_peer {
    struct enode enode; /* an inbound peer's port is the one it came from */
    char name[ENODE_SHORT_MAX]; /* for logs: "6f8a1b2c@127.0.0.1:30303" */
    char client[64];            /* its Hello, printable; "" before */
    uint32_t eth;               /* version in use, 0: none */
    bool connected, inbound, fixed;
    uint64_t head; /* number it claims or was seen to have; NODE_UNKNOWN */
    uint32_t rtt_ms;
    uint64_t headers, bodies;               /* it gave us, and we could use */
    uint64_t headers_served, bodies_served; /* it asked of us and got */
    uint64_t bytes_in, bytes_out;
    uint32_t sessions, faults, offences;
    uint32_t dial_failures; /* in a row */
    char last_error[96];    /* why the last session or dial ended */
};
size_t node_peers(const struct node *n, struct node_peer *out, size_t cap);

/* What was held against whom, oldest first; the first 1,024 are kept. */
#define NODE_FINDINGS_MAX 1024
struct node_finding {
    size_t peer; /* index in node_peers */
    bp_time at;  /* since node_run began */
    int offence; /* enum bp_offence; below BP_OFF_FIRST_FAULT provable */
    int code;    /* enum bp_err that showed it, or 0 */
    bool has_block;
    uint64_t number;
    bp_hash hash;
    bool ended;     /* the session was ended for it */
    char text[192]; /* "sent a header whose seal does not verify: block 812
                       (5ec1…f3): …" */
};
size_t node_findings(const struct node *n, struct node_finding *out,
                     size_t cap);

#endif
