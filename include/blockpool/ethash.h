/* ethash.h: the proof of work of Ethereum and Ethereum Classic, verified.

   A header is sealed with a nonce and a mix digest. The nonce, spread through
   64 random reads of a data set of gigabytes, must give that mix, and the hash
   over both must not exceed a boundary set by the difficulty:

       seal hash + nonce --keccak512--> s
       s --64 reads of the data set--> mix        (the costly part)
       keccak256(s + mix) = result <= 2^256 / difficulty

   Nobody who only verifies holds the data set: its items are computed from a
   light cache of 16 to 81 MiB, 512 random reads of 64 bytes each. One header
   waits for memory most of the time; many headers at once share the wait, so
   everything here takes batches:

       caches: bp_ethash_build_*       one epoch, or 4 to 8 at once
       seals:  bp_ethash_verify        any number, of any epochs

   Following the Yellow Paper, appendix "Ethash", and ECIP-1099 (Etchash: from
   its block on, epochs are twice as long). Memory, instruction set and tuning
   are arguments: nothing here allocates, reads files or keeps state, and every
   function is safe from any thread on distinct outputs. */
#ifndef BLOCKPOOL_ETHASH_H
#define BLOCKPOOL_ETHASH_H

#include "blockpool/base.h"
#include "blockpool/keccak.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- epochs ----------------------------------------------------------- */

/* Blocks in an epoch: Ethash, and Etchash from ECIP-1099 on. */
#define BP_ETHASH_EPOCH_BLOCKS  30000u
#define BP_ETCHASH_EPOCH_BLOCKS 60000u
/* Epochs are numbered below this. It is where the tables of sizes of the
   reference implementations end; the chains will not be there for decades, and
   a header that claims to be is refused before it can cost a cache. */
#define BP_ETHASH_EPOCHS 2048u

/* What picks a light cache and a data set. */
struct bp_ethash_epoch {
    uint32_t number; /* below BP_ETHASH_EPOCHS */
    uint32_t blocks; /* its length: one of the two above */
};

/* The epoch of a block. epoch_blocks is the length in force at that block: one
   of the two constants, else an assertion fails. Returns 0 or
     BP_ERR_SEAL_EPOCH  it is epoch BP_ETHASH_EPOCHS or later */
BP_API int bp_ethash_epoch_at(struct bp_ethash_epoch *out, uint64_t block,
                              uint32_t epoch_blocks) BP_MUST_USE;

/* Bytes of the light cache and of the data set of an epoch, whatever its
   length. The number must be below BP_ETHASH_EPOCHS. */
BP_API size_t bp_ethash_cache_size(uint32_t epoch_number);
BP_API uint64_t bp_ethash_dataset_size(uint32_t epoch_number);

/* The seed of the light cache: one Keccak-256 for each 30000 blocks before the
   epoch (for Etchash that is two for each epoch). */
BP_API void bp_ethash_seed(bp_hash *out, struct bp_ethash_epoch epoch);

/* ---- light caches ----------------------------------------------------- */

/* A light cache under construction, a plain value.

       struct bp_ethash_build b[8];
       for (k...) bp_ethash_build_begin(&b[k], memory[k], size[k], &seed[k]);
       while (!bp_ethash_build_step(b, 8, 4096, cpu)) { ... }

   Between the steps the caller may do other work or give up. The result is the
   same bytes on every machine: items of 64 bytes, words little-endian. */
struct bp_ethash_build {
    uint8_t *cache; /* borrowed */
    uint32_t items;
    uint32_t round; /* 0: filling; 1 to 3: mixing; 4: done */
    uint32_t at;    /* the item that is made next */
    bp_hash seed;
};

/* Caches that gain from being built together; more are taken in turn. */
#define BP_ETHASH_BUILD_GROUP 8

/* Starts on n bytes at cache, which the caller keeps until the build is done.
   n must be a multiple of 64, from 128 to 2^32 * 64 - 64 (any result of
   bp_ethash_cache_size is); alignment to 64 bytes is faster. */
BP_API void bp_ethash_build_begin(struct bp_ethash_build *b, uint8_t *cache,
                                  size_t n, const bp_hash *seed);
/* Makes up to `items` more items of each of k builds. Returns true when all
   are done. An item costs about 0.3 us alone, 0.07 to 0.12 us in a group. */
BP_API bool bp_ethash_build_step(struct bp_ethash_build *b, size_t k,
                                 uint32_t items, enum bp_cpu cpu);

/* A finished light cache and the data set it stands for. Borrows the cache; a
   plain value, read-only from then on. */
struct bp_ethash_light {
    const uint8_t *cache;
    uint32_t items;     /* of 64 bytes, in the cache */
    uint32_t pages;     /* of 128 bytes, in the data set */
    uint64_t inv_items; /* for division by either */
    uint64_t inv_pages;
};

/* Returns 0 or
     BP_ERR_RANGE  cache_n is not a multiple of 64 from 128 on, or dataset_n not
                   one of 128 from 256 on, or either is beyond 32-bit numbers
                   of items */
BP_API int bp_ethash_light_init(struct bp_ethash_light *l, const uint8_t *cache,
                                size_t cache_n, uint64_t dataset_n) BP_MUST_USE;

/* ---- tuning ----------------------------------------------------------- */

/* Headers computed at the same time. Sixty-four keep the memory system of
   today's machines busy; more gain nothing. */
#define BP_ETHASH_LANES_MAX 64

/* The prefetch instruction used for the lines of the cache. */
enum bp_prefetch { BP_PREFETCH_T0, BP_PREFETCH_T1, BP_PREFETCH_T2 };

/* How to go about it. No setting changes a result. */
struct bp_ethash_tuning {
    enum bp_cpu cpu;   /* lowered to what the machine offers */
    uint16_t lanes;    /* 1 to BP_ETHASH_LANES_MAX headers at once */
    uint16_t distance; /* reads ahead of use that a line is prefetched: 1 to
                          2 * lanes; higher values count as that */
    enum bp_prefetch hint;
};

/* Good for most machines; the program measures and does better. */
BP_API struct bp_ethash_tuning bp_ethash_tuning_default(enum bp_cpu cpu);

/* Working memory of the functions below, in bytes, of any alignment; nothing
   needs to be kept in it between calls. A thread needs its own. */
#define BP_ETHASH_WORK_SIZE (40 * 1024)

/* ---- seals ------------------------------------------------------------ */

/* What a header's seal says, and what it is held against. */
struct bp_ethash_seal {
    bp_hash seal_hash; /* of the header without its mix digest and nonce */
    uint64_t nonce;    /* the 8 bytes of the header, read as big-endian */
    bp_hash mix;
    bp_hash boundary;                    /* of the header's difficulty */
    const struct bp_ethash_light *light; /* of its epoch; borrowed */
};

/* floor(2^256 / difficulty) as 32 big-endian bytes, and 2^256 - 1 for the
   difficulties 0 and 1. */
BP_API void bp_ethash_boundary(bp_hash *out, const bp_u256 *difficulty);

/* The check that needs no cache: two hashes, about half a microsecond. Says
   whether the result that follows from the claimed mix is within the boundary;
   `light` is not looked at. Who forges a mix can grind past it with one short
   hash a try, and so with far less effort than an honest miner: it turns away
   garbage, and makes a full check cost its sender `difficulty` hashes. Returns
   0 or
     BP_ERR_SEAL_WORK  the result exceeds the boundary */
BP_API int bp_ethash_precheck(const struct bp_ethash_seal *seal) BP_MUST_USE;

/* Verifies n seals, of any epochs in any order, the cheap check first; only
   seals that pass it cost a full one. verdict[i] is set to 0 or
     BP_ERR_SEAL_WORK  the result exceeds the boundary
     BP_ERR_SEAL_MIX   the mix is not the one the data set gives
   Seals of one epoch are computed together wherever they stand in the batch,
   up to tuning->lanes at a time. */
BP_API void bp_ethash_verify(int *verdict, const struct bp_ethash_seal *seal,
                             size_t n, const struct bp_ethash_tuning *tuning,
                             void *work);

/* The mix and result of one nonce. */
struct bp_ethash_result {
    bp_hash mix;
    bp_hash result;
};

/* out[i] for seal_hash[i] and nonce[i], i < n, all on one data set. */
BP_API void bp_ethash_hash(struct bp_ethash_result *out,
                           const struct bp_ethash_light *light,
                           const bp_hash *seal_hash, const uint64_t *nonce,
                           size_t n, const struct bp_ethash_tuning *tuning,
                           void *work);

/* Tries the nonces first, first + 1, ... (wrapping), `tries` of them at most,
   and stops at the first whose result is within the boundary. For test chains
   of small difficulty: it computes the data set as it goes. Returns true with
   *nonce and *out set, or false. */
BP_API bool bp_ethash_search(uint64_t *nonce, struct bp_ethash_result *out,
                             const struct bp_ethash_light *light,
                             const bp_hash *seal_hash, const bp_hash *boundary,
                             uint64_t first, uint64_t tries,
                             const struct bp_ethash_tuning *tuning, void *work);

/* Item number `index` (of 64 bytes) of the data set. */
BP_API void bp_ethash_dataset_item(uint8_t out[64],
                                   const struct bp_ethash_light *light,
                                   uint32_t index);

/* ---- files of light caches -------------------------------------------- */

/* go-ethereum's layout: 8 bytes of magic, then the cache. The name tells the
   revision of the algorithm and the first 8 bytes of the seed; for Etchash also
   the length of the epoch, as an Ethash epoch of another size has that seed. */
#define BP_ETHASH_FILE_HEAD     8
#define BP_ETHASH_FILE_NAME_MAX 40

/* Writes "cache-R23-290decd9548b62a8" or "cache-R23-510e4e770828ddbf-60000",
   and a NUL. */
BP_API void bp_ethash_file_name(char out[BP_ETHASH_FILE_NAME_MAX],
                                struct bp_ethash_epoch epoch);
/* The magic, the same on every machine. (go-ethereum writes it, and the cache,
   in the byte order of the machine; where that is big-endian it adds ".be" to
   the name, so the files do not meet.) */
BP_API void bp_ethash_file_head(uint8_t out[BP_ETHASH_FILE_HEAD]);
/* A digest of a cache to be kept beside its file: Keccak-256 over the
   Keccak-256 of each 64 KiB piece, so that it can be made many at once and
   costs a fraction of the build. */
BP_API void bp_ethash_file_digest(bp_hash *out, bp_span cache);

#ifdef __cplusplus
}
#endif
#endif
