/* ethashcache: the light caches that seals are verified with.

       workers --verify--> [ slot | slot | slot ]  <--builds ahead-- builder
                             epoch by epoch            one thread, 4 to 8 caches
                             least recently used goes  at once where they fit

   A batch of seals is verified by the thread that calls, epoch by epoch. A
   cache that is not there is read from its file, or built, by whoever needs it
   first; others who need it wait for that. When epochs are used in a row,
   upwards or downwards, the builder makes the next ones before they are asked
   for; at the head of the chain, the one after next header's once half of the
   epoch is over. The memory is bounded by the number of slots, whatever the
   seals say. Any thread may call; the object outlives all calls. */
#ifndef BP_NODE_ETHASHCACHE_H
#define BP_NODE_ETHASHCACHE_H

#include "blockpool/ethash.h"

struct ethashcache;

#define ETHASHCACHE_NEVER UINT64_MAX

struct ethashcache_config {
    uint64_t etchash_from; /* the block of ECIP-1099, a multiple of 60000;
                              ETHASHCACHE_NEVER: none */
    const char *dir;       /* of cache files, copied; NULL: memory only */
    uint32_t in_memory;    /* caches held at a time; 0: 3 */
    uint32_t on_disk;      /* files kept, oldest use removed; 0: all */
    enum bp_cpu cpu;
    /* CPU time of the calling thread in ns, to choose prefetch hint and
       distance with, once, on the first cache; NULL: the defaults stay. */
    uint64_t (*thread_cpu_ns)(void);
};

/* Returns 0 or BP_ERR_NOMEM (no memory, or no thread). */
int ethashcache_new(struct ethashcache **out,
                    const struct ethashcache_config *cfg) BP_MUST_USE;
/* From now on no cache is made, and one in the making is given up within some
   milliseconds: seals that need it get BP_ERR_NOMEM. Any thread may call. */
void ethashcache_stop(struct ethashcache *c);
/* Stops, and ends the builder. NULL: nothing. No call may be under way. */
void ethashcache_free(struct ethashcache *c);

/* What a header says of its proof of work. */
struct ethashcache_seal {
    uint64_t number;
    bp_hash seal_hash;
    bp_hash mix;
    uint64_t nonce;   /* the header's 8 bytes, big-endian */
    bp_hash boundary; /* of the header's difficulty: bp_ethash_boundary */
};

/* Sets verdict[i], i < n, to 0 or
     BP_ERR_SEAL_EPOCH  beyond the epochs that Ethash provides for
     BP_ERR_SEAL_WORK   the result does not meet the difficulty
     BP_ERR_SEAL_MIX    the mix is not the data set's
     BP_ERR_NOMEM       the cache could not be made, or the end has come;
                        ours, and no verdict
   Seals that fail the two-hash check never cost a cache. Takes milliseconds,
   and up to seconds when a cache has to be built; give it whole batches. */
void ethashcache_verify(struct ethashcache *c, int *verdict,
                        const struct ethashcache_seal *seal, size_t n);

/* Asks for the cache of a block's epoch before its seals come. Returns at
   once; nothing happens when it is there, or there is no room ahead. */
void ethashcache_expect(struct ethashcache *c, uint64_t number);

struct ethashcache_stats {
    uint64_t built, loaded, evicted; /* caches, ever */
    uint64_t save_failures;          /* files that could not be written */
    uint64_t seals, full_checks;     /* seen; those that passed two hashes */
    size_t bytes;                    /* of caches in memory */
    struct bp_ethash_tuning tuning;  /* in use */
};
void ethashcache_stats(struct ethashcache *c, struct ethashcache_stats *out);

/* The most memory that caches ever take, when seals of every epoch come up to
   block `last` (ETHASHCACHE_NEVER: whatever comes). */
size_t ethashcache_bound(const struct ethashcache_config *cfg, uint64_t last);

#endif
