/* items.c: stepping through lists that a decoder has checked. */
#include <string.h>

#include "proto/msg.h"

bool bp_items_next(bp_span *item, struct bp_items *rest) {
    struct bp_rlp_item next;
    if (rest->n == 0 || bp_rlp_item(&next, &rest->rlp) != 0) return false;
    rest->n--;
    *item = next.whole;
    return true;
}

bool bp_items_hash(bp_hash *out, struct bp_items *rest) {
    if (rest->n == 0 || bp_rlp_hash(out, &rest->rlp) != 0) return false;
    rest->n--;
    return true;
}

bool bp_items_announced(bp_hash *hash, uint64_t *number,
                        struct bp_items *rest) {
    bp_span one;
    if (rest->n == 0 || bp_rlp_list(&one, &rest->rlp) != 0 ||
        bp_rlp_hash(hash, &one) != 0 || bp_rlp_u64(number, &one) != 0)
        return false;
    rest->n--;
    return true;
}

struct bp_items bp_items_of_hashes(uint8_t *buf, const bp_hash *hashes,
                                   size_t n) {
    struct bp_rlp_w w = { buf, BP_HASH_ITEMS_SIZE(n), 0 };
    for (size_t i = 0; i < n; i++) bp_rlp_put_hash(&w, &hashes[i]);
    return (struct bp_items){ { buf, w.n }, n };
}
