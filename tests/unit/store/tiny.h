/* tiny.h: a small chain of well-formed blocks, in memory and in files. Its
   seals and roots mean nothing: readers do not look at them. */
#ifndef BP_TESTS_STORE_TINY_H
#define BP_TESTS_STORE_TINY_H

#include "lib/test.h"

#include "blockpool/files.h"

struct tiny_block {
    struct bp_file_out b; /* spans into what follows */
    bp_hash parent;
    bp_u256 difficulty;
    uint8_t header[640];
    uint8_t body[64];
    uint8_t receipts[4];
};

/* A block on `parent` (NULL: block 0); `salt` tells branches apart. */
void tiny_make(struct tiny_block *out, const struct tiny_block *parent,
               uint32_t salt);
/* Blocks 0..n-1, to be freed. */
struct tiny_block *tiny_chain(size_t n);
struct bp_store_chain tiny_spec(const struct tiny_block *genesis);
/* Writes blocks[0..n) to path; fails the test on an error. */
void tiny_write(const char *path, const struct tiny_block *blocks, size_t n,
                bp_hash *root);

#endif
