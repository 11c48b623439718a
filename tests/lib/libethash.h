/* libethash: the original C code of Ethash, in a child process, for tests to
   agree with and benchmarks to beat. See libethash.py. */
#ifndef BP_TESTS_LIB_LIBETHASH_H
#define BP_TESTS_LIB_LIBETHASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blockpool/base.h"

struct libethash;

/* NULL when python3 or Debian's python3-pyethash is not there. */
struct libethash *libethash_start(void);
void libethash_end(struct libethash *l);

/* Builds a light cache in the child and forgets the one before. Returns the
   child's thread CPU seconds. */
double libethash_cache(struct libethash *l, size_t n, const bp_hash *seed);
void libethash_hash(struct libethash *l, uint64_t dataset_n,
                    const bp_hash *seal_hash, uint64_t nonce, bp_hash *mix,
                    bp_hash *result);
/* CPU seconds of `count` hashes with consecutive nonces. */
double libethash_time(struct libethash *l, uint64_t dataset_n,
                      const bp_hash *seal_hash, uint64_t nonce, size_t count);

#endif
