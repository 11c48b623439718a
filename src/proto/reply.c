/* reply.c: a reply that is built item by item. The heads of its lists are
   written last, into room that was left in front, so nothing is moved. */
#include <assert.h>
#include <string.h>

#include "proto/msg.h"

/* Heads of two lists and a request id, each at most nine bytes. */
_Static_assert(3 * 9 <= BP_REPLY_HEADS, "the heads fit in front");

void bp_reply_begin(struct bp_reply *r, uint8_t *buf, size_t cap,
                    uint64_t request_id) {
    assert(cap >= BP_REPLY_HEADS);
    *r = (struct bp_reply){ buf, cap, BP_REPLY_HEADS, request_id, 0 };
}

bool bp_reply_add(struct bp_reply *r, bp_span item) {
    if (r->n == BP_ETH_ITEMS_MAX) return false;
    if (r->len - BP_REPLY_HEADS >= BP_ETH_REPLY_SOFT_MAX) return false;
    if (item.n > r->cap - r->len) return false;
    memcpy(r->buf + r->len, item.p, item.n);
    r->len += item.n;
    r->n++;
    return true;
}

bp_span bp_reply_end(struct bp_reply *r) {
    uint8_t heads[BP_REPLY_HEADS];
    struct bp_rlp_w w = { heads, sizeof heads, 0 };
    size_t items = r->len - BP_REPLY_HEADS;
    bp_rlp_put_list(&w,
                    bp_rlp_size_u64(r->request_id) + bp_rlp_size_list(items));
    bp_rlp_put_u64(&w, r->request_id);
    bp_rlp_put_list(&w, items);
    uint8_t *start = r->buf + BP_REPLY_HEADS - w.n;
    memcpy(start, heads, w.n);
    return (bp_span){ start, w.n + items };
}
