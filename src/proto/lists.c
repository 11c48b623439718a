/* lists.c: [id, [hash, ...]] asks, [id, [item, ...]] answers. */
#include "base/try.h"
#include "proto/msg.h"

static void put_list(struct bp_rlp_w *w, uint64_t request_id, bp_span items) {
    bp_rlp_put_list(w, bp_rlp_size_u64(request_id) + bp_rlp_size_list(items.n));
    bp_rlp_put_u64(w, request_id);
    bp_rlp_put_list(w, items.n);
    bp_rlp_put_raw(w, items.p, items.n);
}

static int decode_list(uint64_t *request_id, bp_span *items, bp_span payload) {
    bp_span f;
    BP_TRY(bp_payload_list(&f, payload));
    BP_TRY(bp_rlp_u64(request_id, &f));
    BP_TRY(bp_rlp_list(items, &f));
    return bp_rlp_end(f);
}

int bp_request_decode(struct bp_msg_request *out, bp_span payload) {
    bp_hash h;
    BP_TRY(decode_list(&out->request_id, &out->hashes.rlp, payload));
    out->hashes.n = 0;
    for (bp_span rest = out->hashes.rlp; rest.n > 0; out->hashes.n++)
        BP_TRY(bp_rlp_hash(&h, &rest));
    return 0;
}

void bp_request_put(struct bp_rlp_w *w, const struct bp_msg_request *m) {
    put_list(w, m->request_id, m->hashes.rlp);
}

/* [transactions, uncles] or [transactions, uncles, withdrawals]. */
static int check_body(bp_span fields) {
    bp_span list;
    BP_TRY(bp_rlp_list(&list, &fields));
    BP_TRY(bp_rlp_list(&list, &fields));
    if (fields.n > 0) BP_TRY(bp_rlp_list(&list, &fields));
    return bp_rlp_end(fields);
}

int bp_reply_decode(struct bp_msg_reply *out, enum bp_reply_shape shape,
                    bp_span payload) {
    struct bp_rlp_item item;
    BP_TRY(decode_list(&out->request_id, &out->items.rlp, payload));
    out->items.n = 0;
    for (bp_span rest = out->items.rlp; rest.n > 0; out->items.n++) {
        BP_TRY(bp_rlp_item(&item, &rest));
        if (shape == BP_SHAPE_ANY) continue;
        if (out->items.n == BP_ETH_ITEMS_MAX) return BP_ERR_ETH_COUNT;
        if (!item.is_list) return BP_ERR_RLP_KIND;
        if (shape == BP_SHAPE_BODIES) BP_TRY(check_body(item.payload));
    }
    return 0;
}

void bp_reply_put(struct bp_rlp_w *w, const struct bp_msg_reply *m) {
    put_list(w, m->request_id, m->items.rlp);
}
