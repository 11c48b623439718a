/* hostscene: a toy chain and peers with read loops of their own, for the host
   in real time.

   The chain is a tree of numbers: a block is inserted only on its parent, and
   only if it is not `bad`. Each peer has a thread that answers what it is
   asked as an honest one would, as far as the script lets it: a request that
   it may not answer waits until it may. What happens on other threads and must
   not is noted, and fails the test in hs_close. */
#ifndef BP_TESTS_LIB_HOSTSCENE_H
#define BP_TESTS_LIB_HOSTSCENE_H

#include <pthread.h>

#include "blockpool/host.h"
#include "lib/test.h"

#define HS_BLOCKS 2048
#define HS_PEERS  16
#define HS_ASKS   4096
#define HS_ERRORS 64

struct hs;

struct hs_block {
    uint32_t parent;
    uint64_t number, difficulty, td;
    bool exists, bad, bad_pow;
    bool in_chain;
    uint32_t offered; /* times to insert_chain */
};

/* Something a peer was asked and has not answered yet. */
struct hs_ask {
    bool hashes;
    uint32_t id; /* the block, or where the hashes are asked from */
};

struct hs_peer {
    struct hs *s;
    char name;
    bp_hash id;
    uint32_t head;
    pthread_t loop;
    bool looping, leave;
    struct hs_ask ask[HS_ASKS];
    size_t n_asks;
    uint32_t hash_cap;        /* most hashes of an answer; 0: 256 */
    bool no_hashes;           /* does not answer these for now, */
    uint32_t no_hashes_from;  /* … nor those from this block, */
    bool no_block[HS_BLOCKS]; /* nor these */
    bool inline_answers;      /* answers from inside the request */
    uint32_t hash_requests, block_requests; /* ever */
    uint32_t first_block;                   /* first block ever asked, or 0 */
    bool asked[HS_BLOCKS];
    bool asked_from[HS_BLOCKS];
};

struct hs_error {
    char peer;
    int code;
    bool fatal;
};

struct hs {
    struct bp_host *host;
    struct bp_pool_config cfg;
    struct test_alloc alloc; /* used under the host's lock */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct hs_block block[HS_BLOCKS];
    uint32_t head;
    struct hs_peer peer[HS_PEERS];
    size_t n_peers;
    struct hs_error error[HS_ERRORS];
    size_t n_errors;
    size_t live_data;
    bool stopped;     /* no callback may run */
    bool gate;        /* insertions wait while it is closed */
    uint32_t at_gate; /* … so many */
    uint32_t callbacks;
    void (*hook)(struct hs *s, const char *where, struct hs_peer *p);
    bool fail_inserts;
    const char *fault; /* what went wrong on another thread */
};

/* Blocks 0 held and first..last of a plain chain of difficulty 1. */
void hs_open(struct hs *s, uint32_t last);
void hs_close(struct hs *s);
void hs_start(struct hs *s);
bool hs_try_start(struct hs *s); /* false: no memory */
/* Adds block id on parent. */
void hs_block(struct hs *s, uint32_t id, uint32_t parent, uint64_t difficulty);
bp_hash hs_hash(uint32_t id);

/* Makes a peer, not yet known to the host. */
struct hs_peer *hs_peer(struct hs *s, char name);
/* bp_host_add_peer with the true total difficulty, or another. */
bool hs_join(struct hs_peer *p, uint32_t head);
bool hs_join_td(struct hs_peer *p, uint32_t head, uint64_t td);
void hs_leave(struct hs_peer *p);
/* What it may answer. */
void hs_may_hashes(struct hs_peer *p, bool may);
void hs_may_blocks(struct hs_peer *p, uint32_t first, uint32_t last, bool may);
/* Sends a block, asked for or not. */
void hs_send(struct hs_peer *p, uint32_t id);
/* Sends hashes, newest first. */
void hs_send_hashes(struct hs_peer *p, const uint32_t *ids, size_t n);

/* Waits until it holds, at most 20 s; fails the test then. */
void hs_until_head(struct hs *s, uint32_t head);
void hs_until_in_chain(struct hs *s, uint32_t id);
void hs_until_asked(struct hs_peer *p, uint32_t block);
void hs_until_asked_from(struct hs_peer *p, uint32_t block);
void hs_until_errors(struct hs *s, size_t n);
size_t hs_errors(struct hs *s, char peer, int code);
bool hs_in_chain(struct hs *s, uint32_t id);
void hs_pause(uint32_t ms);
/* A snapshot of what the peer was asked. */
uint32_t hs_hash_requests(struct hs_peer *p);
uint32_t hs_block_requests(struct hs_peer *p);

#endif
