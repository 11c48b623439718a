/* reader: what the readers of the two forms share. */
#ifndef BP_STORE_READER_H
#define BP_STORE_READER_H

#include "blockpool/files.h"

#include "store/accumulator.h"
#include "store/input.h"

/* Where the last block lies, for the store over a file. */
struct bp_file_place {
    uint64_t offset; /* RLP: of the header. era1: of the header entry's data */
    /* RLP: bytes of the header, and of what follows it in the block. era1: of
       the data of the header, body and receipts entries, BP_ERA1_HEAD bytes
       between one and the next. */
    uint32_t n[3];
};

/* What an era1 reader has seen so far. */
struct bp_era1_in {
    uint64_t first; /* number of the first block */
    uint64_t n;     /* blocks */
    uint64_t n_entries;
    bp_hash last_hash;
    bp_u256 last_td;
    struct bp_accumulator acc;
    uint64_t *starts; /* BP_ERA1_BLOCKS offsets, of the header entries */
    bp_hash root;
    bool whole; /* accumulator and index were proved */
};

struct bp_reader {
    const struct bp_alloc *alloc;
    char *name; /* owned */
    enum bp_file_format format;
    struct bp_input in;
    uint64_t n_blocks;
    int err; /* of the call that ended it; 0: goes on */
    struct bp_room header, body, receipts;
    struct bp_file_place place;
    struct bp_era1_in era;
};

/* The next block, with out's spans in the window or in the rooms. */
int bp_rlpfile_next(struct bp_reader *r, struct bp_file_block *out,
                    struct bp_store_error *why) BP_MUST_USE;

/* Of one RLP item at the start of p: its whole length, from its prefix alone.
   Returns 0 or BP_ERR_RLP_KIND (no list), BP_ERR_RLP_SHORT (the prefix is cut
   off), BP_ERR_RLP_SIZE (longer than BP_FILE_ITEM_MAX). */
int bp_rlp_list_extent(size_t *whole, bp_span p) BP_MUST_USE;

/* Is this the start of an era1 file? */
bool bp_era1_looks(bp_span first_bytes);
/* Takes the version entry. */
int bp_era1_begin(struct bp_reader *r, struct bp_store_error *why) BP_MUST_USE;
int bp_era1_next(struct bp_reader *r, struct bp_file_block *out,
                 struct bp_store_error *why) BP_MUST_USE;

/* ---- e2store entries ------------------------------------------------- */

enum bp_era1_type {
    BP_ERA1_VERSION = 0x3265,
    BP_ERA1_HEADER = 0x03,
    BP_ERA1_BODY = 0x04,
    BP_ERA1_RECEIPTS = 0x05,
    BP_ERA1_TD = 0x06,
    BP_ERA1_ACCUMULATOR = 0x07,
    BP_ERA1_INDEX = 0x3266,
};
/* type 2, length 4, zero 2, little-endian */
#define BP_ERA1_HEAD 8

struct bp_era1_entry {
    uint16_t type;
    uint32_t n;
};
/* From BP_ERA1_HEAD bytes; false when the reserved ones are not zero. */
bool bp_era1_entry_decode(struct bp_era1_entry *out, const uint8_t *p);
void bp_era1_entry_encode(uint8_t *p, struct bp_era1_entry e);
/* "header", "body", ... */
const char *bp_era1_type_name(uint16_t type);

/* Fills out's header fields from its header span. Returns 0 or an error of
   the RLP readers. */
int bp_file_block_header(struct bp_file_block *out) BP_MUST_USE;

#endif
