/* receipt: receipts, their logs, and the filter over them. Yellow Paper 4.3.1;
   EIP-658, EIP-2718. */
#include <string.h>

#include "base/try.h"
#include "blockpool/chain.h"
#include "blockpool/keccak.h"

/* Hashes of what goes into a filter, computed together. */
enum { BLOOM_BATCH = 64 };

int bp_log_decode(struct bp_log *out, bp_span *in) {
    bp_span at = *in, f, topics;
    bp_hash topic;
    struct bp_log log;
    BP_TRY(bp_rlp_list(&f, &at));
    BP_TRY(bp_rlp_bytes(log.address, sizeof log.address, &f));
    BP_TRY(bp_rlp_list(&log.topics, &f));
    BP_TRY(bp_rlp_str(&log.data, &f));
    BP_TRY(bp_rlp_end(f));
    for (topics = log.topics; topics.n > 0;)
        BP_TRY(bp_rlp_hash(&topic, &topics));
    *out = log;
    *in = at;
    return 0;
}

static int decode_fields(struct bp_receipt *r, bp_span f) {
    struct bp_rlp_item logs;
    struct bp_log log;
    BP_TRY(bp_rlp_str(&r->status, &f));
    /* Nothing or 01 from EIP-658 on; before it the state root. */
    bool ok = r->status.n == 0 || r->status.n == sizeof(bp_hash) ||
              (r->status.n == 1 && r->status.p[0] == 1);
    if (!ok) return BP_ERR_RLP_SIZE;
    BP_TRY(bp_rlp_u64(&r->gas, &f));
    BP_TRY(bp_rlp_bytes(r->bloom, sizeof r->bloom, &f));
    BP_TRY(bp_rlp_item(&logs, &f));
    BP_TRY(bp_rlp_end(f));
    if (!logs.is_list) return BP_ERR_RLP_KIND;
    r->logs = logs.whole;
    while (logs.payload.n > 0) BP_TRY(bp_log_decode(&log, &logs.payload));
    return 0;
}

int bp_receipt_decode(struct bp_receipt *out, bp_span *in) {
    struct bp_rlp_item item;
    struct bp_receipt r;
    bp_span at = *in, fields;
    BP_TRY(bp_rlp_item(&item, &at));
    r.type = 0;
    if (item.is_list) {
        fields = item.payload;
    } else {
        bp_span inner = item.payload;
        if (inner.n == 0 || inner.p[0] == 0 || inner.p[0] > BP_TX_SET_CODE)
            return BP_ERR_RLP_SIZE;
        r.type = inner.p[0];
        inner.p++, inner.n--;
        BP_TRY(bp_rlp_list(&fields, &inner));
        BP_TRY(bp_rlp_end(inner));
    }
    BP_TRY(decode_fields(&r, fields));
    *out = r;
    *in = at;
    return 0;
}

void bp_receipt_put(struct bp_rlp_w *w, const struct bp_receipt *r) {
    size_t n = bp_rlp_size_str(r->status.p, r->status.n) +
               bp_rlp_size_u64(r->gas) +
               bp_rlp_size_str(r->bloom, sizeof r->bloom) + r->logs.n;
    if (r->type != 0) {
        bp_rlp_put_str_prefix(w, 1 + bp_rlp_size_list(n));
        bp_rlp_put_raw(w, &r->type, 1);
    }
    bp_rlp_put_list(w, n);
    bp_rlp_put_str(w, r->status.p, r->status.n);
    bp_rlp_put_u64(w, r->gas);
    bp_rlp_put_str(w, r->bloom, sizeof r->bloom);
    bp_rlp_put_raw(w, r->logs.p, r->logs.n);
}

struct bloom_queue {
    uint8_t *bloom;
    bp_span in[BLOOM_BATCH];
    size_t n;
};

/* Three bits of 2048 from the first three pairs of bytes of each hash. */
static void flush(struct bloom_queue *q) {
    bp_hash hash[BLOOM_BATCH];
    bp_keccak256_many(hash, q->in, q->n);
    for (size_t i = 0; i < q->n; i++)
        for (int k = 0; k < 6; k += 2) {
            unsigned bit = (hash[i].b[k] << 8 | hash[i].b[k + 1]) & 2047;
            q->bloom[255 - bit / 8] |= (uint8_t)(1 << bit % 8);
        }
    q->n = 0;
}

static void push(struct bloom_queue *q, bp_span what) {
    if (q->n == BLOOM_BATCH) flush(q);
    q->in[q->n++] = what;
}

void bp_bloom_add(uint8_t bloom[256], bp_span logs) {
    struct bloom_queue q;
    bp_span list, fields, topics, item;
    q.bloom = bloom;
    q.n = 0;
    if (bp_rlp_list(&list, &logs) != 0) return;
    while (list.n > 0 && bp_rlp_list(&fields, &list) == 0) {
        if (bp_rlp_str(&item, &fields) != 0) break;
        push(&q, item);
        if (bp_rlp_list(&topics, &fields) != 0) break;
        while (topics.n > 0 && bp_rlp_str(&item, &topics) == 0) push(&q, item);
    }
    flush(&q);
}
