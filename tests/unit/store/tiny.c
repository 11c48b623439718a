/* tiny.c: see tiny.h. */
#include "tiny.h"

#include "blockpool/chain.h"
#include "blockpool/keccak.h"

void tiny_make(struct tiny_block *out, const struct tiny_block *parent,
               uint32_t salt) {
    struct bp_header h = { .n_fields = BP_FIELDS_FRONTIER };
    struct bp_body body = bp_body_none(false);
    memset(out, 0, sizeof *out);
    if (parent != NULL) {
        h.parent_hash = out->parent = parent->b.hash;
        h.number = parent->b.number + 1;
    }
    h.difficulty = out->difficulty = bp_u256_from_u64(1000 + salt);
    h.uncles_hash = bp_empty_uncles_hash;
    h.transactions_root = h.receipts_root = bp_empty_root;
    h.gas_limit = 5000 + salt;
    h.time = 15 * h.number;
    struct bp_rlp_w w = { out->header, sizeof out->header, 0 };
    bp_header_put(&w, &h);
    assert_int_equal(bp_rlp_done(&w), 0);
    out->b.header = (bp_span){ out->header, w.n };
    w = (struct bp_rlp_w){ out->body, sizeof out->body, 0 };
    bp_body_put(&w, &body);
    out->b.body = (bp_span){ out->body, w.n };
    out->receipts[0] = 0xc0;
    out->b.receipts = (bp_span){ out->receipts, 1 };
    out->b.number = h.number;
    bp_keccak256(&out->b.hash, out->b.header);
    out->b.td = out->difficulty;
    if (parent != NULL) bp_u256_add(&out->b.td, &out->b.td, &parent->b.td);
}

struct tiny_block *tiny_chain(size_t n) {
    struct tiny_block *chain = calloc(n, sizeof *chain);
    assert_non_null(chain);
    for (size_t i = 0; i < n; i++)
        tiny_make(&chain[i], i == 0 ? NULL : &chain[i - 1], 0);
    return chain;
}

struct bp_store_chain tiny_spec(const struct tiny_block *genesis) {
    return (struct bp_store_chain){ "tiny",
                                    1,
                                    { .hash = genesis->b.hash,
                                      .difficulty = genesis->difficulty,
                                      .header = genesis->b.header,
                                      .body = genesis->b.body } };
}

void tiny_write(const char *path, const struct tiny_block *blocks, size_t n,
                bp_hash *root) {
    struct bp_writer *w;
    struct bp_store_error why;
    if (bp_writer_open(&w, path, NULL, &why) != 0) fail_msg("%s", why.text);
    for (size_t i = 0; i < n; i++)
        if (bp_writer_add(w, &blocks[i].b, &why) != 0) fail_msg("%s", why.text);
    if (bp_writer_finish(w, root, &why) != 0) fail_msg("%s", why.text);
}
