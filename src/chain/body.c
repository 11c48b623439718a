/* body: transactions, uncles and withdrawals as three lists that stay where
   they are. */
#include "base/try.h"
#include "blockpool/chain.h"

/* A list: all of it, and what is inside. */
static int whole_list(bp_span *whole, bp_span *payload, bp_span *in) {
    struct bp_rlp_item item;
    BP_TRY(bp_rlp_item(&item, in));
    if (!item.is_list) return BP_ERR_RLP_KIND;
    *whole = item.whole;
    *payload = item.payload;
    return 0;
}

/* EIP-2718: a transaction is a list (the legacy form) or a string of a type
   byte and what the type defines. */
static int check_transactions(bp_span txs) {
    struct bp_rlp_item item;
    while (txs.n > 0) {
        BP_TRY(bp_rlp_item(&item, &txs));
        if (item.payload.n == 0) return BP_ERR_RLP_SIZE;
    }
    return 0;
}

static int check_uncles(bp_span uncles) {
    struct bp_header h;
    while (uncles.n > 0) BP_TRY(bp_header_decode(&h, &uncles));
    return 0;
}

/* EIP-4895: [index, validator index, address, amount]. */
static int check_withdrawal(bp_span *in) {
    bp_span fields;
    uint64_t number;
    uint8_t address[20];
    BP_TRY(bp_rlp_list(&fields, in));
    BP_TRY(bp_rlp_u64(&number, &fields));
    BP_TRY(bp_rlp_u64(&number, &fields));
    BP_TRY(bp_rlp_bytes(address, sizeof address, &fields));
    BP_TRY(bp_rlp_u64(&number, &fields));
    return bp_rlp_end(fields);
}

static int decode_fields(struct bp_body *b, bp_span f) {
    bp_span items;
    BP_TRY(whole_list(&b->transactions, &items, &f));
    BP_TRY(check_transactions(items));
    BP_TRY(whole_list(&b->uncles, &items, &f));
    BP_TRY(check_uncles(items));
    b->withdrawals = (bp_span){ NULL, 0 };
    if (f.n == 0) return 0;
    BP_TRY(whole_list(&b->withdrawals, &items, &f));
    while (items.n > 0) BP_TRY(check_withdrawal(&items));
    return bp_rlp_end(f);
}

int bp_body_decode(struct bp_body *out, bp_span *in) {
    bp_span at = *in, fields;
    BP_TRY(bp_rlp_list(&fields, &at));
    BP_TRY(decode_fields(out, fields));
    *in = at;
    return 0;
}

int bp_block_decode(struct bp_block *out, bp_span *in) {
    bp_span at = *in, fields;
    BP_TRY(bp_rlp_list(&fields, &at));
    out->header_rlp.p = fields.p;
    BP_TRY(bp_header_decode(&out->header, &fields));
    out->header_rlp.n = (size_t)(fields.p - out->header_rlp.p);
    BP_TRY(decode_fields(&out->body, fields));
    *in = at;
    return 0;
}

static size_t lists_size(const struct bp_body *b) {
    return b->transactions.n + b->uncles.n + b->withdrawals.n;
}

static void put_lists(struct bp_rlp_w *w, const struct bp_body *b) {
    bp_rlp_put_raw(w, b->transactions.p, b->transactions.n);
    bp_rlp_put_raw(w, b->uncles.p, b->uncles.n);
    bp_rlp_put_raw(w, b->withdrawals.p, b->withdrawals.n);
}

void bp_body_put(struct bp_rlp_w *w, const struct bp_body *body) {
    bp_rlp_put_list(w, lists_size(body));
    put_lists(w, body);
}

void bp_block_put(struct bp_rlp_w *w, bp_span header_rlp,
                  const struct bp_body *body) {
    bp_rlp_put_list(w, header_rlp.n + lists_size(body));
    bp_rlp_put_raw(w, header_rlp.p, header_rlp.n);
    put_lists(w, body);
}

struct bp_body bp_body_none(bool withdrawals) {
    static const uint8_t empty_list[] = { 0xc0 };
    const bp_span none = { empty_list, sizeof empty_list };
    return (struct bp_body){ none, none, { empty_list, withdrawals ? 1 : 0 } };
}
