/* files.h: chains in files.

   Two forms are read and written, a block at a time and in bounded memory:

     RLP    blocks one after the other, as `geth export` writes them; a name
            that ends in .gz is compressed, "-" is the standard stream
     era1   up to 8192 blocks with receipts and total difficulties, an
            accumulator over them and an index (the e2store format of
            eth-clients/e2store-format-specs, formats/era1.md)

   A reader checks all that a file says of itself: form, checksums, total
   difficulties, accumulator, index, and in era1 that blocks link. It does not
   check seals, rules or roots: that is the importer's part.

   Every error is one sentence that names the file, the place in it (byte,
   entry or block) and what is wrong. */
#ifndef BLOCKPOOL_FILES_H
#define BLOCKPOOL_FILES_H

#include "blockpool/base.h"
#include "blockpool/store.h"

#ifdef __cplusplus
extern "C" {
#endif

enum bp_file_format { BP_FILE_RLP, BP_FILE_ERA1 };

/* The longest encoding of a block, a body or a list of receipts that a file
   may hold; more is refused before it is read. EIP-7934 allows blocks of
   10 MiB. */
#define BP_FILE_ITEM_MAX ((size_t)32 << 20)
/* Blocks in an era1 file. */
#define BP_ERA1_BLOCKS 8192

/* ---- reading --------------------------------------------------------- */

struct bp_file_block {
    uint64_t number;
    bp_hash hash, parent;
    bp_u256 difficulty;
    bp_u256 td;       /* era1: its total difficulty; RLP: 0 */
    bp_span header;   /* RLP; all three borrowed until the next call */
    bp_span body;     /* RLP of [txs, uncles, ...] */
    bp_span receipts; /* RLP; p == NULL in RLP files */
    uint64_t offset;  /* byte of the (uncompressed) file where it begins */
};

struct bp_reader;

/* Opens a file; what it is, its first bytes tell. *out is owned by the
   caller. Returns 0 or, with *out NULL:
     BP_ERR_FILE_OPEN    it is not there or may not be read
     BP_ERR_FILE_FORMAT  it is neither form
     BP_ERR_FILE_READ, BP_ERR_FILE_SHORT, BP_ERR_FILE_GZIP, BP_ERR_NOMEM */
BP_API int bp_reader_open(struct bp_reader **out, const char *path,
                          const struct bp_alloc *a,
                          struct bp_store_error *why) BP_MUST_USE;
/* The same over bytes in memory, which must stay; `name` is for errors. */
BP_API int bp_reader_open_memory(struct bp_reader **out, bp_span bytes,
                                 const char *name, const struct bp_alloc *a,
                                 struct bp_store_error *why) BP_MUST_USE;
/* NULL is allowed. */
BP_API void bp_reader_close(struct bp_reader *r);
BP_API enum bp_file_format bp_reader_format(const struct bp_reader *r);

/* The next block. Returns 0, BP_ERR_FILE_END after the last (an era1 file is
   then proved whole), or
     BP_ERR_FILE_SHORT   the file ends inside something
     BP_ERR_FILE_READ    the system could not read it
     BP_ERR_FILE_GZIP    the compressed stream is damaged
     BP_ERR_FILE_SIZE    an item is longer than BP_FILE_ITEM_MAX
     BP_ERR_FILE_BLOCK   a block is malformed; the sentence says how
     BP_ERR_FILE_SNAPPY  a compressed entry or its checksum is wrong (era1)
     BP_ERR_FILE_ENTRY   an entry of the wrong type, length or order (era1)
     BP_ERR_FILE_LINK    a block does not follow the one before it (era1)
     BP_ERR_FILE_TD      a total difficulty does not add up (era1)
     BP_ERR_FILE_ROOT    the accumulator does not match the blocks (era1)
     BP_ERR_FILE_INDEX   the index does not match the blocks (era1)
     BP_ERR_NOMEM
   After any of these the reader gives no more blocks. */
BP_API int bp_reader_next(struct bp_reader *r, struct bp_file_block *out,
                          struct bp_store_error *why) BP_MUST_USE;

/* Bytes of the file taken so far, and all of them (0: not known), for
   progress. Of a compressed file both count compressed bytes. */
BP_API void bp_reader_progress(const struct bp_reader *r, uint64_t *taken,
                               uint64_t *all);
/* Of an era1 file that was read to its end: the accumulator root. */
BP_API bool bp_reader_root(const struct bp_reader *r, bp_hash *out);

/* ---- writing --------------------------------------------------------- */

/* A block to be written; borrowed during the call. */
struct bp_file_out {
    uint64_t number;
    bp_hash hash;
    bp_u256 td; /* era1 only, and its own difficulty included */
    bp_span header, body;
    bp_span receipts; /* era1 only */
};

struct bp_writer;

/* Begins the file `path`: era1 when its name ends in .era1, else RLP, and
   compressed when it ends in .gz; "-" is RLP to standard output. Until
   bp_writer_finish the file is PATH.part. Returns 0 or
   BP_ERR_FILE_OPEN, BP_ERR_DISK_FULL, BP_ERR_FILE_WRITE, BP_ERR_NOMEM. */
BP_API int bp_writer_open(struct bp_writer **out, const char *path,
                          const struct bp_alloc *a,
                          struct bp_store_error *why) BP_MUST_USE;
/* Adds a block. Returns 0 or, after which only bp_writer_abandon is of use:
     BP_ERR_FILE_LINK   era1: its number does not follow the one before
     BP_ERR_FILE_SIZE   era1: it is the 8193rd; or an item is too long
     BP_ERR_NOT_STORED  era1: no receipts are given
     BP_ERR_FILE_BLOCK  RLP: header or body is no RLP list
     BP_ERR_FILE_WRITE, BP_ERR_DISK_FULL, BP_ERR_NOMEM */
BP_API int bp_writer_add(struct bp_writer *w, const struct bp_file_out *b,
                         struct bp_store_error *why) BP_MUST_USE;
/* Completes the file, syncs it, gives it its name and frees the writer. In an
   era1 file accumulator and index come last, and *root (may be NULL) is the
   accumulator root; an era1 file without a block is BP_ERR_FILE_SIZE. On an
   error the file is removed and the writer freed. */
BP_API int bp_writer_finish(struct bp_writer *w, bp_hash *root,
                            struct bp_store_error *why) BP_MUST_USE;
/* Removes what was written and frees the writer. NULL is allowed. */
BP_API void bp_writer_abandon(struct bp_writer *w);

/* "mainnet-00000-5ec1ffb8.era1": how era1 files are named. */
#define BP_ERA1_NAME_MAX (BP_STORE_NAME_MAX + 32)
BP_API void bp_era1_name(char out[BP_ERA1_NAME_MAX], const char *network,
                         uint64_t first_number, const bp_hash *root);

/* ---- a store over a file --------------------------------------------- */

/* A read-only store over an era1 file or an RLP file that is not compressed.
   Opening reads the whole file once and checks it as a reader does, and that
   it belongs to `chain`: block 0 is chain's genesis, or the first block stands
   on it. Branches are allowed in RLP files; the head is the block of greatest
   total difficulty, first seen at a tie, and blocks of difficulty 0 extend
   it. Headers, bodies and receipts stay in the file, about 250 bytes a block
   in memory. A file that changes while it is open shows as BP_ERR_FILE_BLOCK
   or BP_ERR_FILE_READ. No checks are claimed. Errors as bp_reader_open and
   bp_reader_next, and
     BP_ERR_FILE_CHAIN   it is of another chain, or begins above block 1
     BP_ERR_FILE_FORMAT  it is compressed, or standard input
     BP_ERR_FILE_LINK    a block's parent is not before it
     BP_ERR_RANGE        a total difficulty overflows */
BP_API int bp_store_file_open(struct bp_store **out, const char *path,
                              const struct bp_alloc *a,
                              const struct bp_store_chain *chain,
                              struct bp_store_error *why) BP_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
