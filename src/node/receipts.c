/* receipts: from the store, in the form of the peer's version.

   Happy path: the stored list as it is; for eth/69 each receipt without its
   bloom and with its type inside.

   Failure modes: none are stored, though the block had some (an RLP chain file
   has no receipts); what is stored does not decode; the buffer is too small. */
#include "node/receipts.h"

#include "base/try.h"
#include "blockpool/chain.h"

int receipts_of(bp_span *out, struct bp_store_view *view,
                const struct bp_store_entry *e) {
    static const uint8_t empty_list[] = { 0xc0 };
    struct bp_header h;
    bp_span rlp;
    int err = bp_view_receipts(view, out, e);
    if (err != BP_ERR_NOT_STORED) return err;
    BP_TRY(bp_view_header(view, &rlp, e));
    BP_TRY(bp_header_decode(&h, &rlp));
    if (!bp_hash_eq(&h.receipts_root, &bp_empty_root)) return BP_ERR_NOT_STORED;
    *out = (bp_span){ empty_list, sizeof empty_list };
    return 0;
}

/* EIP-2718: a typed receipt is a string of its type and an RLP list. */
static int put_one(struct bp_rlp_w *w, const struct bp_rlp_item *item) {
    uint64_t type = 0;
    bp_span in = item->whole, fields;
    struct bp_rlp_item status, gas, bloom, logs;
    if (!item->is_list) {
        in = item->payload;
        if (in.n < 2) return BP_ERR_RLP_SHORT;
        type = in.p[0];
        in.p++, in.n--;
    }
    BP_TRY(bp_rlp_list(&fields, &in));
    BP_TRY(bp_rlp_item(&status, &fields));
    BP_TRY(bp_rlp_item(&gas, &fields));
    BP_TRY(bp_rlp_item(&bloom, &fields));
    BP_TRY(bp_rlp_item(&logs, &fields));
    BP_TRY(bp_rlp_end(fields));
    bp_rlp_put_list(w, bp_rlp_size_u64(type) + status.whole.n + gas.whole.n +
                           logs.whole.n);
    bp_rlp_put_u64(w, type);
    bp_rlp_put_raw(w, status.whole.p, status.whole.n);
    bp_rlp_put_raw(w, gas.whole.p, gas.whole.n);
    bp_rlp_put_raw(w, logs.whole.p, logs.whole.n);
    return 0;
}

int receipts_without_bloom(bp_span *out, uint8_t *buf, size_t cap,
                           bp_span list) {
    struct bp_rlp_w w = { .p = buf, .cap = cap };
    bp_span items;
    BP_TRY(bp_rlp_list(&items, &list));
    size_t mark = bp_rlp_open(&w);
    while (items.n > 0) {
        struct bp_rlp_item item;
        BP_TRY(bp_rlp_item(&item, &items));
        BP_TRY(put_one(&w, &item));
    }
    bp_rlp_close(&w, mark);
    BP_TRY(bp_rlp_done(&w));
    *out = (bp_span){ buf, w.n };
    return 0;
}
