/* import.h: the one way into a store.

   A run of blocks, oldest first, is verified by every stateless rule against
   the stored chain it continues, and what is valid of it is written, on
   whatever branch it is. Files, fixtures and peers all come this way:

       bytes --> decode --> hash --> known? --> verify --> choose --> store
                                       |           |          |
                                     KNOWN      INVALID   HEAD or SIDE

   One thread, the store's writing one, at a time. */
#ifndef BLOCKPOOL_IMPORT_H
#define BLOCKPOOL_IMPORT_H

#include "blockpool/base.h"
#include "blockpool/chain.h"
#include "blockpool/rules.h"
#include "blockpool/spec.h"
#include "blockpool/store.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a new store of this chain holds; borrows spec. */
BP_API struct bp_store_chain bp_import_chain(const struct bp_spec *spec);

/* Blocks in a run: what fits a batch of the store and bounds the memory. */
#define BP_IMPORT_MAX 1024

struct bp_import;

struct bp_import_config {
    const struct bp_alloc *alloc;
    const struct bp_spec *spec;     /* borrowed */
    struct bp_store *store;         /* borrowed */
    const struct bp_sealer *sealer; /* copied; NULL: seals are not verified */
    uint32_t checks;    /* enum bp_check: what is put on record as done */
    uint64_t max_reorg; /* UINT64_MAX: any depth without alarm */
    bool hold_deep;
    bool mess;
};

/* Returns 0 or BP_ERR_NOMEM. */
BP_API int bp_import_new(struct bp_import **out,
                         const struct bp_import_config *cfg) BP_MUST_USE;
BP_API void bp_import_free(struct bp_import *im);

enum bp_import_kind {
    BP_IMPORT_KNOWN,  /* all of the blocks were stored before */
    BP_IMPORT_HEAD,   /* stored; the last of them is the head */
    BP_IMPORT_SIDE,   /* stored on a side branch */
    BP_IMPORT_HELD,   /* stored on a side branch, though it has more work */
    BP_IMPORT_ORPHAN, /* the parent of the first is not stored */
    BP_IMPORT_NONE,   /* not one was good: see the ruling */
};

struct bp_import_result {
    enum bp_import_kind kind; /* what became of those that are good */
    /* OK, or why it stopped before the end: n is the position in the run. A
       block that cannot be decoded is INVALID with an error of RLP. */
    struct bp_ruling ruling;
    struct bp_decision decision;
    struct bp_store_moved moved; /* of what was written */
};

/* A block as it comes: one RLP item, or header and body apart. All borrowed
   during the call. */
struct bp_import_block {
    bp_span block;        /* p == NULL: header and body are given */
    bp_span header, body; /* RLP of each */
    bp_span receipts;     /* p == NULL: none; else checked and stored, too */
};

/* Imports n <= BP_IMPORT_MAX blocks, each the next one's parent. `now` as in
   bp_check_headers. `why` may be NULL. Returns 0 with
   *out set, or an error of the store, with nothing written. */
BP_API int bp_import_blocks(struct bp_import *im, struct bp_import_result *out,
                            const struct bp_import_block *block, size_t n,
                            uint64_t now,
                            struct bp_store_error *why) BP_MUST_USE;

/* The same without writing anything: what bp_import_blocks would find. kind is
   KNOWN, ORPHAN, NONE, or SIDE for a run that begins with a good block. */
BP_API int bp_import_check(struct bp_import *im, struct bp_import_result *out,
                           const struct bp_import_block *block, size_t n,
                           uint64_t now) BP_MUST_USE;

/* Stores blocks that follow each other, oldest first, and were verified already
   (bp_verify_blocks in other threads; `checks` says what was), and chooses the
   head. `why` may be NULL. Returns 0 with the ruling OK, or, with nothing
   written:
     BP_ERR_RANGE      n is 0, or the total difficulty overflows
     BP_ERR_NO_PARENT  the parent of the first is not held
   or what bp_header_decode says of the last header, or an error of the store.
   Any thread that may write to the store. */
BP_API int bp_import_verified(struct bp_import_result *out,
                              const struct bp_fork_choice *fc,
                              struct bp_store *store,
                              const struct bp_store_block *block, size_t n,
                              struct bp_store_error *why) BP_MUST_USE;

/* The ancestors of a held block, itself last, as bp_verify_blocks needs them,
   and the total difficulty up to it. Returns 0 or an error of the store. */
BP_API int bp_import_lineage(struct bp_lineage *out, bp_u256 *td,
                             struct bp_store *store,
                             const bp_hash *hash) BP_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
