/* ethashdisk: light caches in files, in go-ethereum's layout.

       DIR/cache-R23-290decd9548b62a8         magic and cache
       DIR/cache-R23-290decd9548b62a8.digest  64 hexadecimal digits

   A damaged cache would make valid seals look false and cost honest peers
   their standing, so a file without its digest, or with another one, counts as
   absent and is built and written again. Files are written under another name
   and renamed; a torn one is caught by its digest. */
#ifndef BP_NODE_ETHASHDISK_H
#define BP_NODE_ETHASHDISK_H

#include "blockpool/ethash.h"

/* Reads the cache of an epoch from dir into the n bytes at cache, n being the
   cache's size. Returns 0 or
     BP_ERR_CACHE_FILE  not there, another size or magic, or not its digest;
                        the bytes are then unspecified
     BP_ERR_CACHE_IO    there, but cannot be read; errno says why */
int ethashdisk_read(uint8_t *cache, size_t n, const char *dir,
                    struct bp_ethash_epoch epoch) BP_MUST_USE;

/* Writes a cache and its digest, making dir (not its parents) when it is not
   there. Returns 0 or BP_ERR_CACHE_IO with errno; nothing is left behind. */
int ethashdisk_write(const char *dir, struct bp_ethash_epoch epoch,
                     const uint8_t *cache, size_t n) BP_MUST_USE;

/* Removes the caches that were used longest ago, so that `keep` are left. What
   cannot be removed stays. */
void ethashdisk_prune(const char *dir, size_t keep);

/* Builds the cache of an epoch and writes it; one that is there and whole is
   left alone, and *was_there set. On failure says why in a sentence without a
   full stop. Returns 0, BP_ERR_NOMEM or BP_ERR_CACHE_IO. */
int ethashdisk_make(const char *dir, struct bp_ethash_epoch epoch,
                    enum bp_cpu cpu, bool *was_there, char *why,
                    size_t cap) BP_MUST_USE;

#endif
