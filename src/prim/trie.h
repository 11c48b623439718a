/* trie: roots of Merkle Patricia tries, many at a time.

   Entries come in ascending order of their keys, so that a trie is built from
   left to right with one open branch per level:

       key 1  key 2  key 3 ...          leaf: encoded and queued at once
         \    /        |                branch: closed when the keys leave it
         [branch]------+-- ...          hashed in rounds, lowest level first

   Every queue of bytes to hash is shared by all tries of the batch, so even
   tries of one leaf fill the lanes of a multi-way Keccak. Memory is fixed:
   when the node table is full, what is closed is hashed and dropped.

   Source: Yellow Paper, appendix D. */
#ifndef BP_PRIM_TRIE_H
#define BP_PRIM_TRIE_H

#include "blockpool/base.h"

/* Bytes of the longest key: that of a trie whose keys are hashed. */
#define BP_TRIE_KEY_MAX 32

struct bp_trie;

/* Returns 0 or BP_ERR_NOMEM. */
int bp_trie_new(struct bp_trie **out, const struct bp_alloc *a) BP_MUST_USE;
void bp_trie_free(struct bp_trie *t);

/* Begins a trie whose root goes to *root, at the latest in bp_trie_run. The
   one before must have ended. */
void bp_trie_begin(struct bp_trie *t, bp_hash *root);
/* Adds an entry. Keys ascend strictly, none is a prefix of another; the value
   is not empty and stays until the next add or end. */
void bp_trie_add(struct bp_trie *t, const uint8_t *key, size_t key_n,
                 bp_span value);
/* Without an entry the root is the hash of the empty string's RLP. */
void bp_trie_end(struct bp_trie *t);
/* Ends a trie without a root: what was added is of no use. */
void bp_trie_abandon(struct bp_trie *t);
/* Writes all roots that are still due. */
void bp_trie_run(struct bp_trie *t);

#endif
