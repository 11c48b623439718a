/* tx: transactions of every type, as far as the rules look into them. */
#include <string.h>

#include "base/try.h"
#include "blockpool/chain.h"

/* Highest type there is. */
enum { LAST_TYPE = BP_TX_SET_CODE };

static int whole_list(bp_span *whole, bp_span *payload, bp_span *in) {
    struct bp_rlp_item item;
    bp_span at = *in;
    BP_TRY(bp_rlp_item(&item, &at));
    if (!item.is_list) return BP_ERR_RLP_KIND;
    *whole = item.whole;
    *payload = item.payload;
    *in = at;
    return 0;
}

/* The destination: 20 bytes, or none. */
static int decode_to(struct bp_tx *tx, bp_span *in) {
    bp_span to;
    BP_TRY(bp_rlp_str(&to, in));
    if (to.n != 0 && to.n != sizeof tx->to) return BP_ERR_RLP_SIZE;
    tx->creates = to.n == 0;
    if (to.n > 0) memcpy(tx->to, to.p, to.n);
    return 0;
}

/* EIP-2930: [[address, [key, ...]], ...]. */
static int decode_access_list(struct bp_tx *tx, bp_span *in) {
    bp_span list, entry, keys;
    uint8_t address[20];
    bp_hash key;
    BP_TRY(whole_list(&tx->access_list, &list, in));
    while (list.n > 0) {
        BP_TRY(bp_rlp_list(&entry, &list));
        BP_TRY(bp_rlp_bytes(address, sizeof address, &entry));
        BP_TRY(bp_rlp_list(&keys, &entry));
        BP_TRY(bp_rlp_end(entry));
        tx->n_addresses++;
        for (; keys.n > 0; tx->n_keys++) BP_TRY(bp_rlp_hash(&key, &keys));
    }
    return 0;
}

static int decode_blob_hashes(struct bp_tx *tx, bp_span *in) {
    bp_span list;
    bp_hash hash;
    BP_TRY(whole_list(&tx->blob_hashes, &list, in));
    for (; list.n > 0; tx->n_blobs++) BP_TRY(bp_rlp_hash(&hash, &list));
    return 0;
}

/* EIP-7702: [[chain id, address, nonce, y parity, r, s], ...]. What they say
   is for the execution to judge, but their width is not: y parity is below
   2^8. */
static int decode_authorizations(struct bp_tx *tx, bp_span *in) {
    bp_span list, entry;
    uint8_t address[20];
    bp_u256 wide;
    uint64_t n;
    BP_TRY(whole_list(&tx->authorizations, &list, in));
    for (; list.n > 0; tx->n_authorizations++) {
        BP_TRY(bp_rlp_list(&entry, &list));
        BP_TRY(bp_rlp_u256(&wide, &entry));
        BP_TRY(bp_rlp_bytes(address, sizeof address, &entry));
        BP_TRY(bp_rlp_u64(&n, &entry));
        BP_TRY(bp_rlp_u64(&n, &entry));
        if (n > UINT8_MAX) return BP_ERR_RLP_SIZE;
        BP_TRY(bp_rlp_u256(&wide, &entry));
        BP_TRY(bp_rlp_u256(&wide, &entry));
        BP_TRY(bp_rlp_end(entry));
    }
    return 0;
}

static int decode_signature(struct bp_tx *tx, bp_span *f) {
    BP_TRY(bp_rlp_u256(&tx->v, f));
    BP_TRY(bp_rlp_u256(&tx->r, f));
    BP_TRY(bp_rlp_u256(&tx->s, f));
    return bp_rlp_end(*f);
}

/* EIP-155: v is 27 or 28, or 35 + 2 * chain id + y parity. */
static void chain_id_of_v(struct bp_tx *tx) {
    bp_u256 least = bp_u256_from_u64(35);
    if (bp_u256_cmp(&tx->v, &least) < 0) return;
    tx->is_protected = true;
    bp_u256_sub(&tx->chain_id, &tx->v, &least);
    tx->chain_id = bp_u256_shr(&tx->chain_id, 1);
}

static int decode_legacy(struct bp_tx *tx, bp_span f) {
    BP_TRY(bp_rlp_u64(&tx->nonce, &f));
    BP_TRY(bp_rlp_u256(&tx->max_fee, &f));
    tx->tip = tx->max_fee;
    BP_TRY(bp_rlp_u64(&tx->gas_limit, &f));
    BP_TRY(decode_to(tx, &f));
    BP_TRY(bp_rlp_u256(&tx->value, &f));
    BP_TRY(bp_rlp_str(&tx->data, &f));
    BP_TRY(decode_signature(tx, &f));
    chain_id_of_v(tx);
    return 0;
}

static int decode_typed(struct bp_tx *tx, bp_span f) {
    tx->is_protected = true;
    BP_TRY(bp_rlp_u256(&tx->chain_id, &f));
    BP_TRY(bp_rlp_u64(&tx->nonce, &f));
    BP_TRY(bp_rlp_u256(&tx->tip, &f));
    if (tx->type == BP_TX_ACCESS_LIST)
        tx->max_fee = tx->tip;
    else
        BP_TRY(bp_rlp_u256(&tx->max_fee, &f));
    BP_TRY(bp_rlp_u64(&tx->gas_limit, &f));
    BP_TRY(decode_to(tx, &f));
    BP_TRY(bp_rlp_u256(&tx->value, &f));
    BP_TRY(bp_rlp_str(&tx->data, &f));
    BP_TRY(decode_access_list(tx, &f));
    if (tx->type == BP_TX_BLOB) {
        BP_TRY(bp_rlp_u256(&tx->max_blob_fee, &f));
        BP_TRY(decode_blob_hashes(tx, &f));
    }
    if (tx->type == BP_TX_SET_CODE) BP_TRY(decode_authorizations(tx, &f));
    return decode_signature(tx, &f);
}

int bp_tx_decode(struct bp_tx *out, bp_span *in) {
    struct bp_rlp_item item;
    bp_span at = *in;
    BP_TRY(bp_rlp_item(&item, &at));
    memset(out, 0, sizeof *out);
    if (item.is_list) {
        BP_TRY(decode_legacy(out, item.payload));
        *in = at;
        return 0;
    }
    if (item.payload.n == 0) return BP_ERR_RLP_SIZE;
    uint8_t type = item.payload.p[0];
    bp_span inner = { item.payload.p + 1, item.payload.n - 1 }, fields;
    if (type == BP_TX_LEGACY || type > LAST_TYPE) return BP_ERR_RULE_TX_TYPE;
    out->type = (enum bp_tx_type)type;
    BP_TRY(bp_rlp_list(&fields, &inner));
    BP_TRY(bp_rlp_end(inner));
    BP_TRY(decode_typed(out, fields));
    *in = at;
    return 0;
}

static void put_raw(struct bp_rlp_w *w, bp_span raw) {
    bp_rlp_put_raw(w, raw.p, raw.n);
}

static void put_fields(struct bp_rlp_w *w, const struct bp_tx *tx) {
    if (tx->type != BP_TX_LEGACY) bp_rlp_put_u256(w, &tx->chain_id);
    bp_rlp_put_u64(w, tx->nonce);
    if (tx->type >= BP_TX_DYNAMIC_FEE) bp_rlp_put_u256(w, &tx->tip);
    bp_rlp_put_u256(w, &tx->max_fee);
    bp_rlp_put_u64(w, tx->gas_limit);
    bp_rlp_put_str(w, tx->to, tx->creates ? 0 : sizeof tx->to);
    bp_rlp_put_u256(w, &tx->value);
    bp_rlp_put_str(w, tx->data.p, tx->data.n);
    if (tx->type != BP_TX_LEGACY) put_raw(w, tx->access_list);
    if (tx->type == BP_TX_BLOB) {
        bp_rlp_put_u256(w, &tx->max_blob_fee);
        put_raw(w, tx->blob_hashes);
    }
    if (tx->type == BP_TX_SET_CODE) put_raw(w, tx->authorizations);
    bp_rlp_put_u256(w, &tx->v);
    bp_rlp_put_u256(w, &tx->r);
    bp_rlp_put_u256(w, &tx->s);
}

void bp_tx_put(struct bp_rlp_w *w, const struct bp_tx *tx) {
    struct bp_rlp_w count = { NULL, 0, 0 };
    uint8_t type = (uint8_t)tx->type;
    put_fields(&count, tx);
    if (tx->type != BP_TX_LEGACY) {
        bp_rlp_put_str_prefix(w, 1 + bp_rlp_size_list(count.n));
        bp_rlp_put_raw(w, &type, 1);
    }
    bp_rlp_put_list(w, count.n);
    put_fields(w, tx);
}
