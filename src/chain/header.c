/* header: the fields of every fork, read and written in one order. */
#include <string.h>

#include "base/try.h"
#include "blockpool/chain.h"
#include "blockpool/keccak.h"

/* Fields that came one by one behind the nonce; the list may end before each
   of them. */
static int decode_later(struct bp_header *h, bp_span *f) {
    h->n_fields = BP_FIELDS_FRONTIER;
    if (f->n == 0) return 0;
    BP_TRY(bp_rlp_u256(&h->base_fee, f));
    h->n_fields = BP_FIELDS_LONDON;
    if (f->n == 0) return 0;
    BP_TRY(bp_rlp_hash(&h->withdrawals_root, f));
    h->n_fields = BP_FIELDS_SHANGHAI;
    if (f->n == 0) return 0;
    BP_TRY(bp_rlp_u64(&h->blob_gas_used, f));
    h->n_fields++;
    if (f->n == 0) return 0;
    BP_TRY(bp_rlp_u64(&h->excess_blob_gas, f));
    h->n_fields++;
    if (f->n == 0) return 0;
    BP_TRY(bp_rlp_hash(&h->parent_beacon_root, f));
    h->n_fields = BP_FIELDS_CANCUN;
    if (f->n == 0) return 0;
    BP_TRY(bp_rlp_hash(&h->requests_hash, f));
    h->n_fields = BP_FIELDS_PRAGUE;
    return bp_rlp_end(*f);
}

static int decode_fields(struct bp_header *h, bp_span f) {
    BP_TRY(bp_rlp_hash(&h->parent_hash, &f));
    BP_TRY(bp_rlp_hash(&h->uncles_hash, &f));
    BP_TRY(bp_rlp_bytes(h->coinbase, sizeof h->coinbase, &f));
    BP_TRY(bp_rlp_hash(&h->state_root, &f));
    BP_TRY(bp_rlp_hash(&h->transactions_root, &f));
    BP_TRY(bp_rlp_hash(&h->receipts_root, &f));
    BP_TRY(bp_rlp_bytes(h->bloom, sizeof h->bloom, &f));
    BP_TRY(bp_rlp_u256(&h->difficulty, &f));
    BP_TRY(bp_rlp_u64(&h->number, &f));
    BP_TRY(bp_rlp_u64(&h->gas_limit, &f));
    BP_TRY(bp_rlp_u64(&h->gas_used, &f));
    BP_TRY(bp_rlp_u64(&h->time, &f));
    BP_TRY(bp_rlp_str(&h->extra, &f));
    BP_TRY(bp_rlp_hash(&h->mix_hash, &f));
    BP_TRY(bp_rlp_bytes(h->nonce, sizeof h->nonce, &f));
    return decode_later(h, &f);
}

int bp_header_decode(struct bp_header *out, bp_span *in) {
    bp_span at = *in, fields;
    BP_TRY(bp_rlp_list(&fields, &at));
    /* Only what a short header lacks needs to be cleared. */
    out->base_fee = (bp_u256){ { 0 } };
    memset(&out->withdrawals_root, 0, sizeof out->withdrawals_root);
    out->blob_gas_used = out->excess_blob_gas = 0;
    memset(&out->parent_beacon_root, 0, sizeof out->parent_beacon_root);
    memset(&out->requests_hash, 0, sizeof out->requests_hash);
    BP_TRY(decode_fields(out, fields));
    *in = at;
    return 0;
}

/* The fields before the extra data, and those after it. */
static void put_first(struct bp_rlp_w *w, const struct bp_header *h) {
    bp_rlp_put_hash(w, &h->parent_hash);
    bp_rlp_put_hash(w, &h->uncles_hash);
    bp_rlp_put_str(w, h->coinbase, sizeof h->coinbase);
    bp_rlp_put_hash(w, &h->state_root);
    bp_rlp_put_hash(w, &h->transactions_root);
    bp_rlp_put_hash(w, &h->receipts_root);
    bp_rlp_put_str(w, h->bloom, sizeof h->bloom);
    bp_rlp_put_u256(w, &h->difficulty);
    bp_rlp_put_u64(w, h->number);
    bp_rlp_put_u64(w, h->gas_limit);
    bp_rlp_put_u64(w, h->gas_used);
    bp_rlp_put_u64(w, h->time);
}

static void put_last(struct bp_rlp_w *w, const struct bp_header *h,
                     bool sealed) {
    if (sealed) bp_rlp_put_hash(w, &h->mix_hash);
    if (sealed) bp_rlp_put_str(w, h->nonce, sizeof h->nonce);
    if (h->n_fields > 15) bp_rlp_put_u256(w, &h->base_fee);
    if (h->n_fields > 16) bp_rlp_put_hash(w, &h->withdrawals_root);
    if (h->n_fields > 17) bp_rlp_put_u64(w, h->blob_gas_used);
    if (h->n_fields > 18) bp_rlp_put_u64(w, h->excess_blob_gas);
    if (h->n_fields > 19) bp_rlp_put_hash(w, &h->parent_beacon_root);
    if (h->n_fields > 20) bp_rlp_put_hash(w, &h->requests_hash);
}

static size_t payload_size(const struct bp_header *h, bool sealed) {
    struct bp_rlp_w count = { NULL, 0, 0 };
    put_first(&count, h);
    put_last(&count, h, sealed);
    return count.n + bp_rlp_size_str(h->extra.p, h->extra.n);
}

static void put_header(struct bp_rlp_w *w, const struct bp_header *h,
                       bool sealed) {
    bp_rlp_put_list(w, payload_size(h, sealed));
    put_first(w, h);
    bp_rlp_put_str(w, h->extra.p, h->extra.n);
    put_last(w, h, sealed);
}

void bp_header_put(struct bp_rlp_w *w, const struct bp_header *h) {
    put_header(w, h, true);
}

void bp_header_put_unsealed(struct bp_rlp_w *w, const struct bp_header *h) {
    put_header(w, h, false);
}

/* In two pieces around the extra data, which may be of any length in a
   genesis. */
static void hash_header(bp_hash *out, const struct bp_header *h, bool sealed) {
    uint8_t bytes[BP_HEADER_BYTES_MAX];
    struct bp_rlp_w w = { bytes, sizeof bytes, 0 };
    struct bp_keccak k;
    bp_keccak256_init(&k);
    bp_rlp_put_list(&w, payload_size(h, sealed));
    put_first(&w, h);
    if (h->extra.n <= BP_EXTRA_MAX) {
        bp_rlp_put_str(&w, h->extra.p, h->extra.n);
    } else {
        bp_rlp_put_str_prefix(&w, h->extra.n);
        bp_keccak_update(&k, bytes, w.n);
        bp_keccak_update(&k, h->extra.p, h->extra.n);
        w.n = 0;
    }
    put_last(&w, h, sealed);
    bp_keccak_update(&k, bytes, w.n);
    bp_keccak_digest(&k, out->b);
}

void bp_header_hash(bp_hash *out, const struct bp_header *h) {
    hash_header(out, h, true);
}

void bp_header_seal_hash(bp_hash *out, const struct bp_header *h) {
    hash_header(out, h, false);
}

static bool span_eq(bp_span a, bp_span b) {
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool bp_header_eq(const struct bp_header *a, const struct bp_header *b) {
    return bp_hash_eq(&a->parent_hash, &b->parent_hash) &&
           bp_hash_eq(&a->uncles_hash, &b->uncles_hash) &&
           memcmp(a->coinbase, b->coinbase, sizeof a->coinbase) == 0 &&
           bp_hash_eq(&a->state_root, &b->state_root) &&
           bp_hash_eq(&a->transactions_root, &b->transactions_root) &&
           bp_hash_eq(&a->receipts_root, &b->receipts_root) &&
           memcmp(a->bloom, b->bloom, sizeof a->bloom) == 0 &&
           bp_u256_cmp(&a->difficulty, &b->difficulty) == 0 &&
           a->number == b->number && a->gas_limit == b->gas_limit &&
           a->gas_used == b->gas_used && a->time == b->time &&
           span_eq(a->extra, b->extra) &&
           bp_hash_eq(&a->mix_hash, &b->mix_hash) &&
           memcmp(a->nonce, b->nonce, sizeof a->nonce) == 0 &&
           a->n_fields == b->n_fields &&
           bp_u256_cmp(&a->base_fee, &b->base_fee) == 0 &&
           bp_hash_eq(&a->withdrawals_root, &b->withdrawals_root) &&
           a->blob_gas_used == b->blob_gas_used &&
           a->excess_blob_gas == b->excess_blob_gas &&
           bp_hash_eq(&a->parent_beacon_root, &b->parent_beacon_root) &&
           bp_hash_eq(&a->requests_hash, &b->requests_hash);
}

bool bp_header_body_empty(const struct bp_header *h) {
    return bp_hash_eq(&h->transactions_root, &bp_empty_root) &&
           bp_hash_eq(&h->uncles_hash, &bp_empty_uncles_hash) &&
           (h->n_fields < BP_FIELDS_SHANGHAI ||
            bp_hash_eq(&h->withdrawals_root, &bp_empty_root));
}
