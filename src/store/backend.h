/* backend: what a kind of store must be able to do.

   A backend keeps rows, two indexes and one small state record, in
   transactions. What they mean (links, total difficulty, reorganisation,
   ranges of checks) is in store.c and write.c, once for all backends. */
#ifndef BP_STORE_BACKEND_H
#define BP_STORE_BACKEND_H

#include "blockpool/store.h"

#include "store/ranges.h"

enum bp_store_part { BP_PART_HEADER, BP_PART_BODY, BP_PART_RECEIPTS };

/* The record that changes with every batch. */
struct bp_store_state {
    uint64_t head_id;
    uint64_t n_blocks; /* held; the next id */
    uint64_t n_canon;  /* numbers 0..n_canon-1 are in the index */
    struct bp_ranges checks;
};

struct bp_store {
    const struct bp_store_ops *ops;
    const struct bp_alloc *alloc;
    struct bp_store_identity identity;
    bool read_only;
    const char *path; /* for errors; "memory" where there is none */
};

/* A transaction. Backends embed it at the front of their own. The state is
   read at begin; a writer's is its working copy, stored by commit. For a
   reader the ranges may be borrowed from the backend. */
struct bp_store_view {
    struct bp_store *store;
    bool write;
    struct bp_store_state state;
};

/* Every function returns 0 or an error of store.h. get_* return
   BP_ERR_NOT_STORED for what is not there. */
struct bp_store_ops {
    const char *kind;
    void (*close)(struct bp_store *s);
    int (*sync)(struct bp_store *s);

    /* At most one writer at a time; the caller sees to it. */
    int (*begin)(struct bp_store_view **out, struct bp_store *s, bool write);
    /* A commit that fails has undone everything; end follows either way. */
    int (*commit)(struct bp_store_view *v);
    /* Undoes what is not committed, and frees the view. */
    void (*end)(struct bp_store_view *v);
    /* After BP_ERR_STORE_MAP, with no writer: makes room. NULL: cannot. */
    int (*grow)(struct bp_store *s);

    int (*get_id)(struct bp_store_view *v, uint64_t *id, const bp_hash *hash);
    int (*get_canon)(struct bp_store_view *v, uint64_t *id, uint64_t number);
    int (*get_row)(struct bp_store_view *v, struct bp_store_entry *out,
                   uint64_t id);
    int (*get_part)(struct bp_store_view *v, bp_span *out,
                    const struct bp_store_entry *e, enum bp_store_part part);

    /* Writers only. *id holds the id to enter; when the hash is there
       already, nothing is written and *id becomes the one found. */
    int (*add_hash)(struct bp_store_view *v, const bp_hash *hash, uint64_t *id);
    /* e->id is state.n_blocks. */
    int (*add_row)(struct bp_store_view *v, const struct bp_store_entry *e,
                   bp_span header);
    /* A body or receipts of a block that has none yet. */
    int (*add_part)(struct bp_store_view *v, uint64_t id,
                    enum bp_store_part part, bp_span bytes);
    /* number is one above the highest in the index. */
    int (*put_canon)(struct bp_store_view *v, uint64_t number, uint64_t id);
    /* Takes number, the highest in the index, out of it. */
    int (*pop_canon)(struct bp_store_view *v, uint64_t number);
};

/* Fills the identity from chain. BP_ERR_RANGE: the name is too long. */
int bp_store_identify(struct bp_store_identity *out,
                      const struct bp_store_chain *chain) BP_MUST_USE;
/* The first batch of a new store: its genesis, in the open writer v. */
int bp_store_put_genesis(struct bp_store_view *v,
                         const struct bp_store_chain *chain) BP_MUST_USE;

#endif
