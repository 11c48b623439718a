/* era1: reads version, blocks, accumulator and index, in this order:

     version | (header body receipts total-difficulty)* | other* |
     accumulator | index

   eth-clients/e2store-format-specs, formats/era1.md. Every sum, link, checksum
   and offset that the file states is compared with what its blocks say. */
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/try.h"
#include "blockpool/chain.h"
#include "prim/snappy.h"
#include "store/reader.h"
#include "store/why.h"

/* ---- entries --------------------------------------------------------- */

bool bp_era1_entry_decode(struct bp_era1_entry *out, const uint8_t *p) {
    out->type = (uint16_t)(p[0] | p[1] << 8);
    out->n = (uint32_t)p[2] | (uint32_t)p[3] << 8 | (uint32_t)p[4] << 16 |
             (uint32_t)p[5] << 24;
    return p[6] == 0 && p[7] == 0;
}

void bp_era1_entry_encode(uint8_t *p, struct bp_era1_entry e) {
    const uint8_t head[BP_ERA1_HEAD] = {
        (uint8_t)e.type,     (uint8_t)(e.type >> 8), (uint8_t)e.n,
        (uint8_t)(e.n >> 8), (uint8_t)(e.n >> 16),   (uint8_t)(e.n >> 24),
    };
    memcpy(p, head, sizeof head);
}

const char *bp_era1_type_name(uint16_t type) {
    switch (type) {
    case BP_ERA1_VERSION: return "version";
    case BP_ERA1_HEADER: return "header";
    case BP_ERA1_BODY: return "body";
    case BP_ERA1_RECEIPTS: return "receipts";
    case BP_ERA1_TD: return "total difficulty";
    case BP_ERA1_ACCUMULATOR: return "accumulator";
    case BP_ERA1_INDEX: return "block index";
    }
    return "unknown";
}

bool bp_era1_looks(bp_span first_bytes) {
    static const uint8_t version[BP_ERA1_HEAD] = { 0x65, 0x32 };
    return first_bytes.n >= 2 && memcmp(first_bytes.p, version, 2) == 0;
}

/* An entry and its place, for the sentence. */
static int entry_error(struct bp_reader *r, int code, const char *what,
                       struct bp_store_error *why) {
    return bp_why(why, code,
                  "%s: entry %" PRIu64 " at byte %" PRIu64 " (after %" PRIu64
                  " blocks): %s",
                  r->name, r->era.n_entries, r->in.offset, r->era.n, what);
}

/* The head of the next entry, which stays in the window. */
static int peek(struct bp_reader *r, struct bp_era1_entry *e,
                struct bp_store_error *why) {
    BP_TRY(bp_input_fill(&r->in, BP_ERA1_HEAD, why));
    if (r->in.n < BP_ERA1_HEAD)
        return entry_error(r, BP_ERR_FILE_SHORT, "the file ends here", why);
    if (!bp_era1_entry_decode(e, r->in.p))
        return entry_error(r, BP_ERR_FILE_ENTRY,
                           "its reserved bytes are not zero", why);
    if (e->n > BP_FILE_ITEM_MAX)
        return entry_error(r, BP_ERR_FILE_SIZE, "longer than 32 MiB", why);
    return 0;
}

/* The data of the entry that was peeked at. */
static int data_of(struct bp_reader *r, bp_span *data,
                   const struct bp_era1_entry *e, struct bp_store_error *why) {
    BP_TRY(bp_input_fill(&r->in, BP_ERA1_HEAD + (size_t)e->n, why));
    if (r->in.n < BP_ERA1_HEAD + (size_t)e->n)
        return entry_error(r, BP_ERR_FILE_SHORT,
                           "the file ends inside this entry", why);
    *data = (bp_span){ r->in.p + BP_ERA1_HEAD, e->n };
    return 0;
}

static void pass(struct bp_reader *r, const struct bp_era1_entry *e) {
    bp_input_skip(&r->in, BP_ERA1_HEAD + (size_t)e->n);
    r->era.n_entries++;
}

/* The data of the next entry, which must be of this type, and of n bytes
   unless n is 0. */
static int expect(struct bp_reader *r, bp_span *data, struct bp_era1_entry *e,
                  uint16_t type, size_t n, struct bp_store_error *why) {
    char what[96];
    BP_TRY(peek(r, e, why));
    if (e->type != type) {
        snprintf(what, sizeof what, "type 0x%04x (%s) where %s is due", e->type,
                 bp_era1_type_name(e->type), bp_era1_type_name(type));
        return entry_error(r, BP_ERR_FILE_ENTRY, what, why);
    }
    if (n != 0 && e->n != n) {
        snprintf(what, sizeof what, "%s of %" PRIu32 " bytes, not %zu",
                 bp_era1_type_name(type), e->n, n);
        return entry_error(r, BP_ERR_FILE_ENTRY, what, why);
    }
    return data_of(r, data, e, why);
}

/* ---- one block --------------------------------------------------------- */

/* Takes a compressed entry into `room`. */
static int take_framed(struct bp_reader *r, bp_span *out, struct bp_room *room,
                       uint16_t type, struct bp_store_error *why) {
    struct bp_era1_entry e;
    bp_span data;
    char what[128];
    size_t n = 0;
    BP_TRY(expect(r, &data, &e, type, 0, why));
    int err = bp_snappy_frame_size(&n, data);
    if (err == 0 && n > BP_FILE_ITEM_MAX)
        return entry_error(r, BP_ERR_FILE_SIZE,
                           "longer than 32 MiB when decompressed", why);
    if (err == 0 && bp_room_need(room, r->alloc, n) != 0)
        return bp_why_code(why, BP_ERR_NOMEM, r->name);
    if (err == 0) err = bp_snappy_frame_decode(room->p, room->cap, &n, data);
    if (err != 0) {
        snprintf(what, sizeof what, "%s: %s", bp_era1_type_name(type),
                 bp_strerror(err));
        return entry_error(r, BP_ERR_FILE_SNAPPY, what, why);
    }
    *out = (bp_span){ room->p, n };
    if (type == BP_ERA1_HEADER) r->place.offset = r->in.offset + BP_ERA1_HEAD;
    r->place.n[type - BP_ERA1_HEADER] = e.n;
    pass(r, &e);
    return 0;
}

static int block_error(struct bp_reader *r, int code, uint64_t number,
                       const char *what, struct bp_store_error *why) {
    return bp_why(why, code,
                  "%s: block %" PRIu64 ", up to byte %" PRIu64 ": %s", r->name,
                  number, r->in.offset, what);
}

/* The form of what was decompressed. */
static int decode(struct bp_file_block *b) {
    struct bp_body body;
    bp_span in = b->body, items;
    BP_TRY(bp_body_decode(&body, &in));
    BP_TRY(bp_rlp_end(in));
    in = b->receipts;
    BP_TRY(bp_rlp_list(&items, &in));
    return bp_rlp_end(in);
}

/* Does the block stand on the one before, and its total difficulty too? */
static int link_up(struct bp_reader *r, struct bp_file_block *b,
                   struct bp_store_error *why) {
    struct bp_era1_in *era = &r->era;
    char said[BP_U256_DEC_MAX], sum[BP_U256_DEC_MAX];
    char what[2 * BP_U256_DEC_MAX + 64];
    bp_u256 td;
    if (era->n == 0) {
        era->first = b->number;
        /* What lies below a later file is not known here. */
        bool alone = b->number == 0 || bp_u256_cmp(&b->td, &b->difficulty) < 0;
        td = alone ? b->difficulty : b->td;
    } else {
        if (b->number != era->first + era->n)
            return block_error(r, BP_ERR_FILE_LINK, b->number,
                               "its number does not follow", why);
        if (!bp_hash_eq(&b->parent, &era->last_hash))
            return block_error(r, BP_ERR_FILE_LINK, b->number,
                               "its parent is not the block before it", why);
        if (bp_u256_add(&td, &era->last_td, &b->difficulty))
            return block_error(r, BP_ERR_FILE_TD, b->number,
                               "the total difficulty overflows", why);
    }
    if (bp_u256_cmp(&td, &b->td) == 0) return 0;
    bp_u256_to_dec(said, &b->td);
    bp_u256_to_dec(sum, &td);
    snprintf(what, sizeof what, "total difficulty is %s, the file says %s", sum,
             said);
    return block_error(r, BP_ERR_FILE_TD, b->number, what, why);
}

static int take_block(struct bp_reader *r, struct bp_file_block *out,
                      struct bp_store_error *why) {
    struct bp_era1_in *era = &r->era;
    struct bp_era1_entry e;
    bp_span td;
    if (era->n == BP_ERA1_BLOCKS)
        return entry_error(r, BP_ERR_FILE_SIZE, "more than 8192 blocks", why);
    *out = (struct bp_file_block){ .offset = r->in.offset };
    BP_TRY(take_framed(r, &out->header, &r->header, BP_ERA1_HEADER, why));
    int err = bp_file_block_header(out);
    if (err != 0)
        return block_error(r, BP_ERR_FILE_BLOCK, era->first + era->n,
                           bp_strerror(err), why);
    BP_TRY(take_framed(r, &out->body, &r->body, BP_ERA1_BODY, why));
    BP_TRY(take_framed(r, &out->receipts, &r->receipts, BP_ERA1_RECEIPTS, why));
    BP_TRY(expect(r, &td, &e, BP_ERA1_TD, 32, why));
    out->td = bp_u256_from_le(td.p);
    pass(r, &e);
    if ((err = decode(out)) != 0)
        return block_error(r, BP_ERR_FILE_BLOCK, out->number, bp_strerror(err),
                           why);
    BP_TRY(link_up(r, out, why));
    era->last_hash = out->hash;
    era->last_td = out->td;
    era->starts[era->n++] = out->offset;
    bp_accumulator_add(&era->acc, &out->hash, &out->td);
    r->n_blocks++;
    return 0;
}

/* ---- the end of the file ----------------------------------------------- */

static int take_accumulator(struct bp_reader *r, struct bp_store_error *why) {
    struct bp_era1_entry e;
    bp_span data;
    BP_TRY(expect(r, &data, &e, BP_ERA1_ACCUMULATOR, 32, why));
    bp_accumulator_root(&r->era.acc, &r->era.root);
    if (memcmp(data.p, r->era.root.b, 32) != 0) {
        char said[BP_HASH_SHORT], is[BP_HASH_SHORT], what[96];
        bp_hash h;
        memcpy(h.b, data.p, 32);
        snprintf(what, sizeof what, "the blocks' accumulator is %s, not %s",
                 bp_hash_short(is, &r->era.root), bp_hash_short(said, &h));
        return entry_error(r, BP_ERR_FILE_ROOT, what, why);
    }
    pass(r, &e);
    return 0;
}

static uint64_t le64(const uint8_t *p) {
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return le64toh(v);
}

/* first number, an offset a block, count; offsets are from the entry's start
   and so negative. */
static int take_index(struct bp_reader *r, struct bp_store_error *why) {
    struct bp_era1_in *era = &r->era;
    struct bp_era1_entry e;
    bp_span data;
    char what[96];
    BP_TRY(expect(r, &data, &e, BP_ERA1_INDEX, 0, why));
    if (e.n != 16 + 8 * era->n || le64(data.p + 8 + 8 * era->n) != era->n ||
        le64(data.p) != era->first) {
        snprintf(what, sizeof what,
                 "the index is not one of %" PRIu64 " blocks from %" PRIu64,
                 era->n, era->first);
        return entry_error(r, BP_ERR_FILE_INDEX, what, why);
    }
    for (uint64_t i = 0; i < era->n; i++) {
        uint64_t start = r->in.offset + le64(data.p + 8 + 8 * i);
        if (start == era->starts[i]) continue;
        snprintf(what, sizeof what,
                 "block %" PRIu64 " begins at byte %" PRIu64
                 ", the index says %" PRIu64,
                 era->first + i, era->starts[i], start);
        return entry_error(r, BP_ERR_FILE_INDEX, what, why);
    }
    pass(r, &e);
    BP_TRY(bp_input_fill(&r->in, 1, why));
    if (r->in.n > 0)
        return entry_error(r, BP_ERR_FILE_ENTRY, "something follows the index",
                           why);
    return 0;
}

int bp_era1_begin(struct bp_reader *r, struct bp_store_error *why) {
    struct bp_era1_entry e;
    BP_TRY(peek(r, &e, why));
    if (e.type != BP_ERA1_VERSION || e.n != 0)
        return entry_error(r, BP_ERR_FILE_ENTRY, "not an empty version", why);
    pass(r, &e);
    r->era.starts = bp_malloc(r->alloc, BP_ERA1_BLOCKS * sizeof(uint64_t));
    if (r->era.starts == NULL) return bp_why_code(why, BP_ERR_NOMEM, r->name);
    bp_accumulator_init(&r->era.acc);
    return 0;
}

/* Entries that other programs may put between the blocks and the root. */
static int skip_others(struct bp_reader *r, struct bp_era1_entry *e,
                       struct bp_store_error *why) {
    bp_span data;
    while (strcmp(bp_era1_type_name(e->type), "unknown") == 0) {
        BP_TRY(data_of(r, &data, e, why));
        pass(r, e);
        BP_TRY(peek(r, e, why));
    }
    return 0;
}

int bp_era1_next(struct bp_reader *r, struct bp_file_block *out,
                 struct bp_store_error *why) {
    struct bp_era1_entry e;
    BP_TRY(peek(r, &e, why));
    if (e.type == BP_ERA1_HEADER) return take_block(r, out, why);
    if (r->era.n == 0)
        return entry_error(r, BP_ERR_FILE_ENTRY, "no block where one is due",
                           why);
    BP_TRY(skip_others(r, &e, why));
    BP_TRY(take_accumulator(r, why));
    BP_TRY(take_index(r, why));
    r->era.whole = true;
    return BP_ERR_FILE_END;
}
