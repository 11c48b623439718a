/* store.h: a verified copy of one chain, with its side branches.

   A block gets an *id* when it is stored, 0 for the genesis and then one more
   each, and keeps it for ever: nothing moves when the chain reorganises, only
   the index of canonical numbers is rewritten from the common ancestor on.

       hash --> id --> number, total difficulty, parent's id, header, body
                ^
       canonical number

   A block is *held* when it is stored. It can only be stored after its parent,
   so a held block has all its ancestors, on whatever branch it is.

   The store knows nothing of consensus: hashes, numbers and difficulties are
   given, headers and bodies are opaque bytes, and the caller says which held
   block is the head. It adds up total difficulty and remembers which checks
   the caller did.

   Threads. One thread at a time writes (bp_store_write, bp_store_mark,
   bp_store_sync); at any time any number of threads read, each through its
   own view. A view sees the store as it was when it was opened, and whole
   batches only. A thread holds at most one view, and none while it writes: a
   store may have to wait for the end of all views (LMDB to grow its map, the
   memory store at each batch). Views are therefore to be short.
   bp_store_close wants all views ended.

   Durability. A batch is all or nothing. Once bp_store_write has returned,
   killing the process loses nothing; after bp_store_sync neither does a power
   failure. A power failure in between may lose the newest batches, never a
   part of one and never an older one only. */
#ifndef BLOCKPOOL_STORE_H
#define BLOCKPOOL_STORE_H

#include "blockpool/base.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bp_store;
struct bp_store_view;

/* ---- what a caller is told when something fails ---------------------- */

/* The longest sentence of a store or file error, with its NUL. */
#define BP_STORE_TEXT_MAX 512

/* An error and its place in one line without a full stop: which datadir or
   file, where in it, and what is wrong. Written only on failure. */
struct bp_store_error {
    int code;
    char text[BP_STORE_TEXT_MAX];
};

/* ---- blocks ---------------------------------------------------------- */

/* Which checks were done on a block before it was stored. */
enum bp_check {
    BP_CHECK_SEAL = 1 << 0,        /* its proof of work */
    BP_CHECK_SEAL_SAMPLE = 1 << 1, /* seals of a random sample around it */
    BP_CHECK_RULES = 1 << 2,       /* every stateless header and uncle rule */
    BP_CHECK_ROOTS = 1 << 3,       /* the body against the header's roots */
    BP_CHECK_RECEIPTS = 1 << 4,    /* the receipts against root and bloom */
};
#define BP_CHECK_ALL (BP_CHECK_SEAL | BP_CHECK_RULES | BP_CHECK_ROOTS)
/* Comma-separated names of the bits ("seal,rules,roots"; "none" for 0). */
#define BP_CHECK_NAMES_MAX 48
BP_API const char *bp_check_names(char out[BP_CHECK_NAMES_MAX], uint32_t bits);

/* A block to be stored; the spans are borrowed during the call. */
struct bp_store_block {
    bp_hash hash, parent;
    uint64_t number;
    bp_u256 difficulty;
    bp_span header;   /* RLP of the header */
    bp_span body;     /* RLP of [txs, uncles, ...]; p == NULL: none yet */
    bp_span receipts; /* RLP of the receipts; p == NULL: none */
    uint32_t checks;  /* enum bp_check */
};

/* A held block as a view sees it. */
struct bp_store_entry {
    uint64_t id;
    uint64_t parent_id; /* BP_STORE_NO_ID for the genesis */
    uint64_t number;
    bp_hash hash;
    bp_u256 td;      /* total difficulty, its own included */
    uint32_t checks; /* as given when it was stored */
    bp_span raw;     /* the store's own; ask bp_store_header */
};
#define BP_STORE_NO_ID UINT64_MAX

/* ---- opening --------------------------------------------------------- */

/* The chain a store belongs to. Its genesis is block 0 of every store. */
struct bp_store_chain {
    const char *name; /* at most BP_STORE_NAME_MAX bytes */
    uint64_t network_id;
    struct bp_store_block genesis; /* number 0; parent is not looked at */
};
#define BP_STORE_NAME_MAX 63

/* What a store says about itself, without any block. */
struct bp_store_identity {
    char name[BP_STORE_NAME_MAX + 1];
    uint64_t network_id;
    bp_hash genesis;
    uint32_t schema; /* 0 where nothing is kept on disk */
};

enum bp_store_mode {
    BP_STORE_READ,   /* must exist; another process may be writing to it */
    BP_STORE_WRITE,  /* must exist; this process becomes the only writer */
    BP_STORE_CREATE, /* as WRITE, made with chain's genesis if need be */
};

struct bp_store_config {
    const struct bp_alloc *alloc; /* NULL: the C library's */
    enum bp_store_mode mode;
    /* Address space to reserve at first; 0: the default, 1 TiB, or as much
       as the system gives. Grows by itself; the file is only as large as
       what is in it. */
    uint64_t map_bytes;
};

/* Opens the LMDB store in the directory `path`, which CREATE makes. chain may
   be NULL unless mode is CREATE: then the store is opened whatever its chain,
   and bp_store_identity tells. *out is owned by the caller. `why` (may be
   NULL) gets the sentence. The directory must not be open twice in a process.
   Returns 0 or, with *out NULL:
     BP_ERR_NO_STORE      READ or WRITE, and there is none at `path`
     BP_ERR_STORE_LOCKED  another process writes; `why` names its pid
     BP_ERR_STORE_CHAIN   it is of another chain; `why` has both names
     BP_ERR_STORE_SCHEMA  it was written by another version
     BP_ERR_STORE_CORRUPT it contradicts itself, or is not a store
     BP_ERR_STORE_ACCESS  the system does not permit it
     BP_ERR_DISK_FULL, BP_ERR_STORE_IO, BP_ERR_NOMEM, BP_ERR_RANGE (name) */
BP_API int bp_store_open(struct bp_store **out, const char *path,
                         const struct bp_store_config *cfg,
                         const struct bp_store_chain *chain,
                         struct bp_store_error *why) BP_MUST_USE;

/* A store in memory, with chain's genesis in it. Until bp_store_sync it
   remembers how to take back each batch, so sync now and then. Returns 0,
   BP_ERR_NOMEM or BP_ERR_RANGE (name too long). */
BP_API int bp_store_mem_new(struct bp_store **out, const struct bp_alloc *a,
                            const struct bp_store_chain *chain) BP_MUST_USE;

/* Syncs what can be synced, ends the store and frees it. NULL is allowed. */
BP_API void bp_store_close(struct bp_store *s);

BP_API void bp_store_identity(const struct bp_store *s,
                              struct bp_store_identity *out);
/* "lmdb", "memory" or "file". */
BP_API const char *bp_store_kind(const struct bp_store *s);
/* True when bp_store_write is refused. */
BP_API bool bp_store_read_only(const struct bp_store *s);

/* ---- writing --------------------------------------------------------- */

/* One transaction. */
struct bp_store_batch {
    /* Parents before children. A block that is held is passed over, but for
       a body or receipts that it had not yet. */
    const struct bp_store_block *blocks;
    size_t n_blocks;
    /* The block to become head, held or in this batch; NULL: stays. It may
       be any held block, an ancestor of the head included. */
    const bp_hash *head;
};

/* What a batch did to the chain. */
struct bp_store_moved {
    struct bp_store_entry old_head, new_head; /* raw is empty */
    uint64_t ancestor; /* number of the highest block common to both */
    uint64_t stored;   /* blocks that were new */
};

/* Writes a batch. `moved` and `why` may be NULL. Returns 0 or, with the store
   as it was before:
     BP_ERR_NO_PARENT     a block's parent is neither held nor before it, or
                          its number is not its parent's plus one
     BP_ERR_NOT_STORED    `head` is not held
     BP_ERR_RANGE         a total difficulty overflows
     BP_ERR_STORE_READ_ONLY, BP_ERR_DISK_FULL, BP_ERR_STORE_MAP,
     BP_ERR_STORE_IO, BP_ERR_STORE_CORRUPT, BP_ERR_NOMEM
   After DISK_FULL, MAP, IO and NOMEM the same batch may be tried again. */
BP_API int bp_store_write(struct bp_store *s, struct bp_store_moved *moved,
                          const struct bp_store_batch *batch,
                          struct bp_store_error *why) BP_MUST_USE;

/* Adds `checks` to the canonical blocks first..last (BP_ERR_RANGE when last
   is above the head or first above last); other errors as bp_store_write.
   The range forgets them for blocks that leave the canonical chain. */
BP_API int bp_store_mark(struct bp_store *s, uint64_t first, uint64_t last,
                         uint32_t checks,
                         struct bp_store_error *why) BP_MUST_USE;

/* Makes all batches so far outlive a power failure. */
BP_API int bp_store_sync(struct bp_store *s) BP_MUST_USE;

/* ---- reading --------------------------------------------------------- */

/* Opens a view; end it with bp_view_end (NULL is allowed) in any thread. A
   view is used by one thread at a time. Every span it gives is borrowed until
   it ends. Returns 0, BP_ERR_STORE_IO or BP_ERR_NOMEM. */
BP_API int bp_view_begin(struct bp_store_view **out,
                         struct bp_store *s) BP_MUST_USE;
BP_API void bp_view_end(struct bp_store_view *v);

/* Each returns 0 or, with *out unchanged, BP_ERR_NOT_STORED, BP_ERR_STORE_IO,
   BP_ERR_STORE_CORRUPT, and for a store over a file the errors of reading it.
   bp_view_find costs two look-ups and reads no block: it is for every hash
   in a peer's message. bp_view_at looks along the canonical chain. */
BP_API int bp_view_head(struct bp_store_view *v,
                        struct bp_store_entry *out) BP_MUST_USE;
BP_API int bp_view_find(struct bp_store_view *v, struct bp_store_entry *out,
                        const bp_hash *hash) BP_MUST_USE;
BP_API int bp_view_at(struct bp_store_view *v, struct bp_store_entry *out,
                      uint64_t number) BP_MUST_USE;
/* The parent; BP_ERR_NOT_STORED for the genesis. out may be e. */
BP_API int bp_view_parent(struct bp_store_view *v, struct bp_store_entry *out,
                          const struct bp_store_entry *e) BP_MUST_USE;
/* The entry with this id, in the order blocks were stored. */
BP_API int bp_view_id(struct bp_store_view *v, struct bp_store_entry *out,
                      uint64_t id) BP_MUST_USE;
/* Whether e is on the canonical chain. */
BP_API bool bp_view_canonical(struct bp_store_view *v,
                              const struct bp_store_entry *e);

/* The bytes of an entry of this view. BP_ERR_NOT_STORED: there is no body, or
   there are no receipts, though the block is held. */
BP_API int bp_view_header(struct bp_store_view *v, bp_span *out,
                          const struct bp_store_entry *e) BP_MUST_USE;
BP_API int bp_view_body(struct bp_store_view *v, bp_span *out,
                        const struct bp_store_entry *e) BP_MUST_USE;
BP_API int bp_view_receipts(struct bp_store_view *v, bp_span *out,
                            const struct bp_store_entry *e) BP_MUST_USE;

/* Which checks were done on the canonical range that holds `number`: the range
   runs from `number` to *last, as far as the checks are the same.
   BP_ERR_NOT_STORED above the head. A loop from 0 lists them all:
       for (n = 0; bp_view_checks(v, &bits, &last, n) == 0; n = last + 1) */
BP_API int bp_view_checks(struct bp_store_view *v, uint32_t *bits,
                          uint64_t *last, uint64_t number) BP_MUST_USE;

/* Number of blocks held, side branches included. */
BP_API uint64_t bp_view_count(struct bp_store_view *v);

/* ---- walking, as GetBlockHeaders asks -------------------------------- */

/* devp2p caps/eth.md, GetBlockHeaders: from a block, forwards along the
   canonical chain or backwards along parents, leaving out `skip` between two.
   Forwards from a block on a side branch gives that block only. */
struct bp_walk {
    struct bp_store_view *view;
    struct bp_store_entry here;
    uint64_t skip;
    bool reverse, canonical, done;
};
/* Both: an unknown origin makes an empty walk. Errors as bp_view_find, but
   not BP_ERR_NOT_STORED. */
BP_API int bp_walk_from_number(struct bp_walk *w, struct bp_store_view *v,
                               uint64_t number, uint64_t skip,
                               bool reverse) BP_MUST_USE;
BP_API int bp_walk_from_hash(struct bp_walk *w, struct bp_store_view *v,
                             const bp_hash *hash, uint64_t skip,
                             bool reverse) BP_MUST_USE;
/* Gives the next entry; BP_ERR_NOT_STORED at the end. Going backwards off the
   canonical chain costs a look-up for each block passed over. */
BP_API int bp_walk_next(struct bp_walk *w,
                        struct bp_store_entry *out) BP_MUST_USE;

/* ---- checking -------------------------------------------------------- */

/* Walks every invariant: ids, links, numbers, sums, both indexes, the head,
   the ranges of checks. Returns 0 or BP_ERR_STORE_CORRUPT with the sentence,
   or an error of reading. It reads the whole store. */
BP_API int bp_store_check(struct bp_store *s,
                          struct bp_store_error *why) BP_MUST_USE;

/* ---- faults, for tests and the simulator ----------------------------- */

/* The k-th write from now on (1: the next one) inside bp_store_write,
   bp_store_mark or bp_store_sync of a memory store fails with `code`; the
   batch is undone. 0 disarms. Each row, body, index entry and the commit is
   one write. */
BP_API void bp_store_mem_fail_at(struct bp_store *s, uint64_t k, int code);
/* Batches written since the last sync. */
BP_API size_t bp_store_mem_unsynced(const struct bp_store *s);
/* A power failure: of the batches since the last sync the first `keep` stay.
   The store is then as if opened anew; no view may be open. */
BP_API void bp_store_mem_crash(struct bp_store *s, size_t keep);

#ifdef __cplusplus
}
#endif
#endif
