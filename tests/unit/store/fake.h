/* fake.h: blocks that need no chain: a hash is a number in disguise, headers
   and bodies are bytes that name their block. */
#ifndef BP_TESTS_STORE_FAKE_H
#define BP_TESTS_STORE_FAKE_H

#include "lib/test.h"

#include "blockpool/store.h"

/* Block `number` of branch `branch`; branches share what lies at or below
   their fork point, which the caller sees to. */
struct fake {
    struct bp_store_block b;
    uint8_t header[64];
    uint8_t body[96];
    uint8_t receipts[40];
};

bp_hash fake_hash(uint32_t branch, uint64_t number);
/* Stands on `parent` (NULL: a genesis), with difficulty 100 + branch. */
void fake_make(struct fake *f, uint32_t branch, const struct fake *parent);
/* n blocks on top of `parent`, in one array to be freed. */
struct fake *fake_run(uint32_t branch, const struct fake *parent, size_t n);
/* Writes blocks[0..n), the last of them becoming head when `head`. */
int fake_write(struct bp_store *s, const struct fake *blocks, size_t n,
               bool head, struct bp_store_moved *moved);
/* Chain "fake" with a genesis of branch 0. */
struct bp_store_chain fake_chain(struct fake *genesis);

#endif
