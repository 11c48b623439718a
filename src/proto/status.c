/* status.c: the first message of both sides.

   66 to 68   [version, network, td, head, genesis, [fork hash, fork next]]
   69         [version, network, genesis, [fork hash, fork next],
               earliest, latest, latest hash] */
#include <string.h>

#include "base/try.h"
#include "proto/msg.h"

/* The version whose Status has a range instead of a total difficulty. */
#define RANGE_SINCE 69

static int decode_fork(struct bp_msg_status *m, bp_span *f) {
    bp_span id;
    BP_TRY(bp_rlp_list(&id, f));
    BP_TRY(bp_rlp_bytes(m->fork_hash, sizeof m->fork_hash, &id));
    BP_TRY(bp_rlp_u64(&m->fork_next, &id));
    return bp_rlp_end(id);
}

static int decode_with_range(struct bp_msg_status *m, bp_span f) {
    BP_TRY(bp_rlp_hash(&m->genesis, &f));
    BP_TRY(decode_fork(m, &f));
    BP_TRY(bp_rlp_u64(&m->earliest, &f));
    BP_TRY(bp_rlp_u64(&m->latest, &f));
    BP_TRY(bp_rlp_hash(&m->head, &f));
    BP_TRY(bp_rlp_end(f));
    return m->earliest <= m->latest ? 0 : BP_ERR_ETH_RANGE;
}

static int decode_with_td(struct bp_msg_status *m, bp_span f) {
    BP_TRY(bp_rlp_u256(&m->td, &f));
    BP_TRY(bp_rlp_hash(&m->head, &f));
    BP_TRY(bp_rlp_hash(&m->genesis, &f));
    BP_TRY(decode_fork(m, &f));
    return bp_rlp_end(f);
}

int bp_status_decode(struct bp_msg_status *out, unsigned version,
                     bp_span payload) {
    bp_span f;
    memset(out, 0, sizeof *out);
    BP_TRY(bp_payload_list(&f, payload));
    BP_TRY(bp_rlp_u64(&out->version, &f));
    BP_TRY(bp_rlp_u64(&out->network, &f));
    return version >= RANGE_SINCE ? decode_with_range(out, f)
                                  : decode_with_td(out, f);
}

static void put_fork(struct bp_rlp_w *w, const struct bp_msg_status *m) {
    size_t id = bp_rlp_open(w);
    bp_rlp_put_str(w, m->fork_hash, sizeof m->fork_hash);
    bp_rlp_put_u64(w, m->fork_next);
    bp_rlp_close(w, id);
}

void bp_status_put(struct bp_rlp_w *w, const struct bp_msg_status *m,
                   unsigned version) {
    size_t list = bp_rlp_open(w);
    bp_rlp_put_u64(w, m->version);
    bp_rlp_put_u64(w, m->network);
    if (version >= RANGE_SINCE) {
        bp_rlp_put_hash(w, &m->genesis);
        put_fork(w, m);
        bp_rlp_put_u64(w, m->earliest);
        bp_rlp_put_u64(w, m->latest);
        bp_rlp_put_hash(w, &m->head);
    } else {
        bp_rlp_put_u256(w, &m->td);
        bp_rlp_put_hash(w, &m->head);
        bp_rlp_put_hash(w, &m->genesis);
        put_fork(w, m);
    }
    bp_rlp_close(w, list);
}

int bp_status_receive(struct bp_msg_status *theirs,
                      const struct bp_msg_status *ours, uint64_t code,
                      bp_span payload) {
    if (code != BP_MSG_STATUS) return BP_ERR_ETH_FIRST;
    BP_TRY(bp_status_decode(theirs, (unsigned)ours->version, payload));
    if (theirs->network != ours->network) return BP_ERR_ETH_NETWORK;
    if (theirs->version != ours->version) return BP_ERR_ETH_VERSION;
    if (!bp_hash_eq(&theirs->genesis, &ours->genesis))
        return BP_ERR_ETH_GENESIS;
    return 0;
}
