/* rlpfile: blocks one after the other, each [header, txs, uncles, ...]. */
#include <inttypes.h>

#include "base/try.h"
#include "blockpool/chain.h"
#include "blockpool/keccak.h"
#include "store/reader.h"
#include "store/why.h"

/* Longest prefix of an item: a byte and the 8 bytes of its length. */
#define PREFIX_MAX 9

int bp_rlp_list_extent(size_t *whole, bp_span p) {
    uint64_t n = 0;
    if (p.n == 0) return BP_ERR_RLP_SHORT;
    if (p.p[0] < 0xc0) return BP_ERR_RLP_KIND;
    size_t prefix = p.p[0] < 0xf8 ? 1 : (size_t)p.p[0] - 0xf7 + 1;
    if (p.n < prefix) return BP_ERR_RLP_SHORT;
    if (prefix == 1)
        n = p.p[0] - 0xc0;
    else
        for (size_t i = 1; i < prefix; i++) n = n << 8 | p.p[i];
    /* Eight bytes fill n; what is too long for it is refused just the same. */
    if (n > BP_FILE_ITEM_MAX - prefix) return BP_ERR_RLP_SIZE;
    *whole = prefix + (size_t)n;
    return 0;
}

int bp_file_block_header(struct bp_file_block *out) {
    struct bp_header h;
    bp_span in = out->header;
    BP_TRY(bp_header_decode(&h, &in));
    BP_TRY(bp_rlp_end(in));
    bp_keccak256(&out->hash, out->header);
    out->number = h.number;
    out->parent = h.parent_hash;
    out->difficulty = h.difficulty;
    return 0;
}

/* The error for the block that begins at the window. */
static int block_error(struct bp_reader *r, int code, const char *what,
                       struct bp_store_error *why) {
    return bp_why(why, code,
                  "%s: block %" PRIu64 " of the file, at byte %" PRIu64 ": %s",
                  r->name, r->n_blocks + 1, r->in.offset, what);
}

/* Cuts a block into header and body; the body is a list of its own. */
static int cut(struct bp_reader *r, struct bp_file_block *out, bp_span bytes) {
    struct bp_block b;
    BP_TRY(bp_block_decode(&b, &bytes));
    BP_TRY(bp_rlp_end(bytes));
    struct bp_rlp_w w = { 0 };
    bp_body_put(&w, &b.body);
    BP_TRY(bp_room_need(&r->body, r->alloc, w.n));
    w = (struct bp_rlp_w){ r->body.p, r->body.cap, 0 };
    bp_body_put(&w, &b.body);
    uint64_t at = (uint64_t)(b.header_rlp.p - r->in.p);
    size_t rest = (size_t)(bytes.p - b.header_rlp.p) - b.header_rlp.n;
    r->place =
        (struct bp_file_place){ r->in.offset + at,
                                { (uint32_t)b.header_rlp.n, (uint32_t)rest } };
    *out = (struct bp_file_block){ .header = b.header_rlp,
                                   .body = { r->body.p, w.n } };
    bp_keccak256(&out->hash, b.header_rlp);
    out->number = b.header.number;
    out->parent = b.header.parent_hash;
    out->difficulty = b.header.difficulty;
    return 0;
}

int bp_rlpfile_next(struct bp_reader *r, struct bp_file_block *out,
                    struct bp_store_error *why) {
    struct bp_input *in = &r->in;
    size_t whole;
    BP_TRY(bp_input_fill(in, PREFIX_MAX, why));
    if (in->n == 0) return BP_ERR_FILE_END;
    int err = bp_rlp_list_extent(&whole, (bp_span){ in->p, in->n });
    if (err == BP_ERR_RLP_SHORT)
        return block_error(r, BP_ERR_FILE_SHORT, "the file ends here", why);
    if (err == BP_ERR_RLP_SIZE)
        return block_error(r, BP_ERR_FILE_SIZE, "longer than 32 MiB", why);
    if (err != 0)
        return block_error(r, BP_ERR_FILE_BLOCK, "not an RLP list", why);
    BP_TRY(bp_input_fill(in, whole, why));
    if (in->n < whole)
        return block_error(r, BP_ERR_FILE_SHORT,
                           "the file ends inside this block", why);
    uint64_t offset = in->offset;
    err = cut(r, out, (bp_span){ in->p, whole });
    if (err == BP_ERR_NOMEM) return bp_why_code(why, err, r->name);
    if (err != 0)
        return block_error(r, BP_ERR_FILE_BLOCK, bp_strerror(err), why);
    out->offset = offset;
    bp_input_skip(in, whole); /* the bytes stay until the next fill */
    r->n_blocks++;
    return 0;
}
