/* headers.c: GetBlockHeaders, [id, [origin, amount, skip, reverse]], and what
   it asks for. */
#include <string.h>

#include "base/try.h"
#include "proto/msg.h"

/* 32 bytes are a hash, anything shorter a number. */
static int decode_origin(struct bp_origin *o, bp_span *f) {
    bp_span look = *f, text;
    memset(o, 0, sizeof *o);
    BP_TRY(bp_rlp_str(&text, &look));
    if (text.n == sizeof o->hash.b) return bp_rlp_hash(&o->hash, f);
    o->by_number = true;
    return bp_rlp_u64(&o->number, f);
}

int bp_get_headers_decode(struct bp_msg_get_headers *out, bp_span payload) {
    bp_span f, query;
    BP_TRY(bp_payload_list(&f, payload));
    BP_TRY(bp_rlp_u64(&out->request_id, &f));
    BP_TRY(bp_rlp_list(&query, &f));
    BP_TRY(bp_rlp_end(f));
    BP_TRY(decode_origin(&out->origin, &query));
    BP_TRY(bp_rlp_u64(&out->amount, &query));
    BP_TRY(bp_rlp_u64(&out->skip, &query));
    BP_TRY(bp_rlp_bool(&out->reverse, &query));
    return bp_rlp_end(query);
}

void bp_get_headers_put(struct bp_rlp_w *w,
                        const struct bp_msg_get_headers *m) {
    size_t all = bp_rlp_open(w);
    bp_rlp_put_u64(w, m->request_id);
    size_t query = bp_rlp_open(w);
    if (m->origin.by_number)
        bp_rlp_put_u64(w, m->origin.number);
    else
        bp_rlp_put_hash(w, &m->origin.hash);
    bp_rlp_put_u64(w, m->amount);
    bp_rlp_put_u64(w, m->skip);
    bp_rlp_put_u64(w, m->reverse);
    bp_rlp_close(w, query);
    bp_rlp_close(w, all);
}

/* The number after n, or false where there is none. */
static bool step(uint64_t *n, const struct bp_msg_get_headers *q,
                 uint64_t head) {
    if (q->skip == UINT64_MAX) return false; /* the stride has 65 bits */
    uint64_t stride = q->skip + 1;
    if (q->reverse) {
        if (stride > *n) return false;
        *n -= stride;
        return true;
    }
    if (stride > head - *n) return false;
    *n += stride;
    return true;
}

size_t bp_headers_plan(uint64_t *out, size_t cap, uint64_t origin,
                       const struct bp_msg_get_headers *query, uint64_t head) {
    size_t n = 0;
    uint64_t number = origin;
    if (cap > BP_ETH_ITEMS_MAX) cap = BP_ETH_ITEMS_MAX;
    if (origin > head) return 0;
    while (n < cap && n < query->amount) {
        out[n++] = number;
        if (!step(&number, query, head)) break;
    }
    return n;
}
