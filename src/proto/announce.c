/* announce.c: what a peer says about its chain without being asked.

   NewBlockHashes     [[hash, number], ...]
   NewBlock           [[header, transactions, uncles, withdrawals?], td]
   BlockRangeUpdate   [earliest, latest, latest hash] */
#include "base/try.h"
#include "proto/msg.h"

int bp_announce_decode(struct bp_msg_announce *out, bp_span payload) {
    bp_hash hash;
    uint64_t number;
    bp_span one;
    BP_TRY(bp_payload_list(&out->blocks.rlp, payload));
    out->blocks.n = 0;
    for (bp_span rest = out->blocks.rlp; rest.n > 0; out->blocks.n++) {
        if (out->blocks.n == BP_ETH_ANNOUNCE_MAX) return BP_ERR_ETH_COUNT;
        BP_TRY(bp_rlp_list(&one, &rest));
        BP_TRY(bp_rlp_hash(&hash, &one));
        BP_TRY(bp_rlp_u64(&number, &one));
        BP_TRY(bp_rlp_end(one));
    }
    return 0;
}

void bp_announce_put(struct bp_rlp_w *w, const struct bp_msg_announce *m) {
    bp_rlp_put_list(w, m->blocks.rlp.n);
    bp_rlp_put_raw(w, m->blocks.rlp.p, m->blocks.rlp.n);
}

static int check_block(bp_span block) {
    bp_span f, list;
    BP_TRY(bp_payload_list(&f, block));
    BP_TRY(bp_rlp_list(&list, &f));
    BP_TRY(bp_rlp_list(&list, &f));
    BP_TRY(bp_rlp_list(&list, &f));
    if (f.n > 0) BP_TRY(bp_rlp_list(&list, &f));
    return bp_rlp_end(f);
}

int bp_new_block_decode(struct bp_msg_new_block *out, bp_span payload) {
    struct bp_rlp_item block;
    bp_span f;
    BP_TRY(bp_payload_list(&f, payload));
    BP_TRY(bp_rlp_item(&block, &f));
    BP_TRY(check_block(block.whole));
    BP_TRY(bp_rlp_u256(&out->td, &f));
    out->block = block.whole;
    return bp_rlp_end(f);
}

void bp_new_block_put(struct bp_rlp_w *w, const struct bp_msg_new_block *m) {
    bp_rlp_put_list(w, m->block.n + bp_rlp_size_u256(&m->td));
    bp_rlp_put_raw(w, m->block.p, m->block.n);
    bp_rlp_put_u256(w, &m->td);
}

int bp_range_decode(struct bp_msg_range *out, bp_span payload) {
    bp_span f;
    BP_TRY(bp_payload_list(&f, payload));
    BP_TRY(bp_rlp_u64(&out->earliest, &f));
    BP_TRY(bp_rlp_u64(&out->latest, &f));
    BP_TRY(bp_rlp_hash(&out->latest_hash, &f));
    BP_TRY(bp_rlp_end(f));
    return out->earliest <= out->latest ? 0 : BP_ERR_ETH_RANGE;
}

void bp_range_put(struct bp_rlp_w *w, const struct bp_msg_range *m) {
    size_t list = bp_rlp_open(w);
    bp_rlp_put_u64(w, m->earliest);
    bp_rlp_put_u64(w, m->latest);
    bp_rlp_put_hash(w, &m->latest_hash);
    bp_rlp_close(w, list);
}
