/* host.h: the pool behind the interface of 2015: callbacks and threads.

   For a host that has a read loop for each peer and wants to be called back
   instead of feeding events. It is also the shortest complete example of how
   to embed the pool (src/host/).

       read loop of peer p           bp_host             your chain
       -------------------           -------             ----------
       bp_host_add_peer      ---->     |
                             <----  request_hashes
       bp_host_add_hashes    ---->     |
                             <----  request_blocks
       bp_host_add_block     ---->     |   ---->   verify_pow, insert_chain
                             <----  peer_error     <---- count inserted

   Peers are of the hash protocol (eth/60, 61): hashes newest first beginning
   at the parent of the asked one, whole blocks.

   Threads. Every function may be called from any thread at any time, from
   inside callbacks too, whether started or stopped; the exceptions are
   bp_host_free and bp_host_new. Callbacks run with no lock held: requests and
   errors on one thread of the host's own, verify_pow and insert_chain (one at
   a time, parents first) and the head after it on another, so a slow insertion
   holds nothing up. has_block and next run on the thread of whoever calls,
   release_block on any. The memory of config->alloc is asked for by one
   thread at a time.

   When bp_host_stop has returned, no callback runs and none will until
   bp_host_start; when bp_host_remove_peer has, none of that peer's. Both wait
   for that, so do not hold a lock that a callback takes. Called from inside a
   callback they return at once: then what is running on other threads comes to
   its end, and nothing new begins but release_block.

   The host never: forges a reply that a peer did not give, inserts what a
   stopped run had begun to, or lets a peer keep a block from being released. */
#ifndef BLOCKPOOL_HOST_H
#define BLOCKPOOL_HOST_H

#include "blockpool/pool.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bp_host;

/* A block as its protocol delivered it; number and difficulty are what its
   header says. */
struct bp_host_block {
    bp_hash hash, parent;
    uint64_t number;
    bp_u256 difficulty;
    uint32_t size; /* bytes that data stands for, for the window */
    void *data;    /* yours, not NULL; see release_block */
};

/* What came of an insertion. When all were inserted the rest is not read. */
struct bp_host_inserted {
    size_t inserted;             /* the first so many are in the chain now */
    enum bp_verdict_kind failed; /* why the next one is not: INVALID (it breaks
                                    a rule), LATER or FAILED (try again) */
    enum bp_part part; /* INVALID: LINK when the block is bad whoever sends
                          it; BODY when only this copy is, its body not being
                          what its header commits to */
    int code;          /* INVALID: yours, named in the text of peer_error */
    uint32_t later_ms; /* LATER: not before so long from now */
};

struct bp_host_chain {
    /* Whether the chain has a block, with all its ancestors; then fills the
       number and total difficulty of *held. */
    bool (*has_block)(void *user, const bp_hash *hash, struct bp_held *held);
    /* The head now. Called at a start and after each insertion. */
    void (*head)(void *user, struct bp_chain_head *out);
    /* Blocks in order, the first one's parent in the chain. Blocks that the
       chain has already are to be passed over and counted. */
    struct bp_host_inserted (*insert_chain)(void *user,
                                            const struct bp_host_block *blocks,
                                            size_t n);
    bool (*verify_pow)(void *user, const struct bp_host_block *block);
    /* Gives data back, exactly once for each bp_host_add_block. */
    void (*release_block)(void *user, void *data);
    void *user;
};

/* Codes of peer_error, as in the protocol of 2015. */
enum bp_host_error {
    BP_HOST_INVALID_BLOCK = 8,
    BP_HOST_INVALID_POW = 9,
    BP_HOST_UNREQUESTED_BLOCK = 10,
    BP_HOST_INSUFFICIENT_CHAIN_INFO = 11
};

struct bp_host_peer {
    /* Ask for up to config.hashes_per_request hashes from the parent of
       `from` down; answer with bp_host_add_hashes, once for each request and
       in their order. */
    void (*request_hashes)(void *user, const bp_hash *from);
    /* Ask for whole blocks; answer with bp_host_add_block, one by one. */
    void (*request_blocks)(void *user, const bp_hash *hashes, size_t n);
    /* The peer did wrong: enum bp_host_error. `fatal`: the pool has removed
       it, end the session; else it is a warning. What is merely late, empty
       or gone is not told unless it is fatal. The text lives during the
       call. */
    void (*peer_error)(void *user, int code, const char *text, bool fatal);
    void *user; /* used until bp_host_remove_peer or bp_host_stop returns */
};

/* Makes a stopped host with its two threads. config (copied) may be NULL for
   the defaults; its head is set at each start, a seed of 0 is replaced by
   chance. Returns 0, BP_ERR_NOMEM (no memory or no thread), or BP_ERR_RANGE
   (config); *out is then NULL. */
BP_API int bp_host_new(struct bp_host **out, const struct bp_host_chain *chain,
                       const struct bp_pool_config *config) BP_MUST_USE;
/* Stops and frees. Not from a callback; nobody may use the host any more.
   NULL: nothing. */
BP_API void bp_host_free(struct bp_host *h);

/* Starts with no peer and no block; of an earlier run nothing is left. Started
   already: no effect. Returns 0 or BP_ERR_NOMEM. */
BP_API int bp_host_start(struct bp_host *h) BP_MUST_USE;
/* Stops: peers, hashes and blocks are dropped. Stopped already: no effect. */
BP_API void bp_host_stop(struct bp_host *h);
/* Drops all hashes and blocks and starts afresh with the same peers; jobs that
   have not begun are not done. */
BP_API void bp_host_purge(struct bp_host *h);
/* Waits until nothing is left to do and no callback runs (but the caller's
   own), or timeout_ms have passed. Returns whether nothing is left; stops
   nothing. On a stopped host: true at once. */
BP_API bool bp_host_wait(struct bp_host *h, uint32_t timeout_ms);
/* Zeroes when stopped. */
BP_API void bp_host_status(struct bp_host *h, struct bp_pool_status *out);

/* Registers a peer, or says that a known one (same id) has a new head or
   total difficulty; the functions given then are ignored. Returns whether the
   peer is now the best one and its head is not in the chain. False also when
   stopped, for a suspended id, and when memory or the peer table is full. */
BP_API bool bp_host_add_peer(struct bp_host *h, const bp_u256 *td,
                             const bp_hash *head, const bp_hash *id,
                             const struct bp_host_peer *peer);
/* Its hashes and blocks stay. Nobody of that id: no effect. */
BP_API void bp_host_remove_peer(struct bp_host *h, const bp_hash *id);

/* The hashes of one reply, newest first: next fills *out and returns true, or
   false at the end. It is called only during this call, on this thread, and
   not after the first hash that the chain has, nor beyond one more than was
   asked for. A reply that nobody asked for is not read. */
BP_API void bp_host_add_hashes(struct bp_host *h,
                               bool (*next)(void *user, bp_hash *out),
                               void *user, const bp_hash *id);

/* A block that a peer sent, asked for or not. block->data belongs to the host
   in every case until release_block, which may be called before this
   returns. */
BP_API void bp_host_add_block(struct bp_host *h,
                              const struct bp_host_block *block,
                              const bp_hash *id);

#ifdef __cplusplus
}
#endif
#endif
