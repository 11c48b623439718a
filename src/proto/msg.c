/* msg.c: the table, and the way from a code to its message. */
#include "proto/msg.h"

#include <stdlib.h>

#include "base/try.h"

static const struct bp_msg_info table[] = {
#define ROW(id, code, name, first, last, kind, reply)                          \
    { BP_MSG_##id,                                                             \
      name,                                                                    \
      first,                                                                   \
      last,                                                                    \
      BP_MSG_KIND_##kind,                                                      \
      (enum bp_msg_id)(reply) },
    BP_MSG_MAP(ROW)
#undef ROW
};

const struct bp_msg_info *bp_msg_info(unsigned version, uint64_t code) {
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].id == code && table[i].first <= version &&
            version <= table[i].last)
            return &table[i];
    return NULL;
}

uint32_t bp_eth_length(unsigned version) {
    uint32_t length = 0;
    for (uint32_t code = 0; code <= BP_MSG_BLOCK_RANGE_UPDATE; code++)
        if (bp_msg_info(version, code) != NULL) length = code + 1;
    return length;
}

int bp_payload_list(bp_span *fields, bp_span payload) {
    BP_TRY(bp_rlp_list(fields, &payload));
    return bp_rlp_end(payload);
}

static int decode_ignored(bp_span *out, bp_span payload) {
    struct bp_rlp_item item;
    *out = payload;
    BP_TRY(bp_rlp_item(&item, &payload));
    return bp_rlp_end(payload);
}

int bp_msg_decode(struct bp_msg *out, unsigned version, uint64_t code,
                  bp_span payload) {
    const struct bp_msg_info *info = bp_msg_info(version, code);
    if (info == NULL) return BP_ERR_ETH_CODE;
    out->id = info->id;
    switch (info->id) {
    case BP_MSG_STATUS:
        return bp_status_decode(&out->u.status, version, payload);
    case BP_MSG_NEW_BLOCK_HASHES:
        return bp_announce_decode(&out->u.announce, payload);
    case BP_MSG_GET_BLOCK_HEADERS:
        return bp_get_headers_decode(&out->u.get_headers, payload);
    case BP_MSG_GET_BLOCK_BODIES:
    case BP_MSG_GET_POOLED_TXS:
    case BP_MSG_GET_NODE_DATA:
    case BP_MSG_GET_RECEIPTS:
        return bp_request_decode(&out->u.request, payload);
    case BP_MSG_BLOCK_HEADERS:
    case BP_MSG_RECEIPTS:
        return bp_reply_decode(&out->u.reply, BP_SHAPE_LISTS, payload);
    case BP_MSG_BLOCK_BODIES:
        return bp_reply_decode(&out->u.reply, BP_SHAPE_BODIES, payload);
    case BP_MSG_POOLED_TXS:
    case BP_MSG_NODE_DATA:
        return bp_reply_decode(&out->u.reply, BP_SHAPE_ANY, payload);
    case BP_MSG_NEW_BLOCK:
        return bp_new_block_decode(&out->u.new_block, payload);
    case BP_MSG_BLOCK_RANGE_UPDATE:
        return bp_range_decode(&out->u.range, payload);
    case BP_MSG_TRANSACTIONS:
    case BP_MSG_NEW_POOLED_HASHES:
        return decode_ignored(&out->u.ignored, payload);
    }
    abort();
}

static void put(struct bp_rlp_w *w, const struct bp_msg *m, unsigned version) {
    switch (m->id) {
    case BP_MSG_STATUS: bp_status_put(w, &m->u.status, version); return;
    case BP_MSG_NEW_BLOCK_HASHES: bp_announce_put(w, &m->u.announce); return;
    case BP_MSG_GET_BLOCK_HEADERS:
        bp_get_headers_put(w, &m->u.get_headers);
        return;
    case BP_MSG_GET_BLOCK_BODIES:
    case BP_MSG_GET_POOLED_TXS:
    case BP_MSG_GET_NODE_DATA:
    case BP_MSG_GET_RECEIPTS: bp_request_put(w, &m->u.request); return;
    case BP_MSG_BLOCK_HEADERS:
    case BP_MSG_RECEIPTS:
    case BP_MSG_BLOCK_BODIES:
    case BP_MSG_POOLED_TXS:
    case BP_MSG_NODE_DATA: bp_reply_put(w, &m->u.reply); return;
    case BP_MSG_NEW_BLOCK: bp_new_block_put(w, &m->u.new_block); return;
    case BP_MSG_BLOCK_RANGE_UPDATE: bp_range_put(w, &m->u.range); return;
    case BP_MSG_TRANSACTIONS:
    case BP_MSG_NEW_POOLED_HASHES:
        bp_rlp_put_raw(w, m->u.ignored.p, m->u.ignored.n);
        return;
    }
    abort();
}

size_t bp_msg_size(const struct bp_msg *msg, unsigned version) {
    struct bp_rlp_w w = { NULL, 0, 0 };
    put(&w, msg, version);
    return w.n;
}

static bool origin_is_both(const struct bp_origin *o) {
    static const bp_hash none = { { 0 } };
    return o->by_number && !bp_hash_eq(&o->hash, &none);
}

int bp_msg_encode(uint8_t *out, size_t cap, size_t *n, const struct bp_msg *msg,
                  unsigned version) {
    struct bp_rlp_w w = { out, cap, 0 };
    if (bp_msg_info(version, msg->id) == NULL) return BP_ERR_ETH_CODE;
    if (msg->id == BP_MSG_GET_BLOCK_HEADERS &&
        origin_is_both(&msg->u.get_headers.origin))
        return BP_ERR_ETH_ORIGIN;
    put(&w, msg, version);
    *n = w.n;
    return bp_rlp_done(&w);
}
