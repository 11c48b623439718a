/* proto_msg: byte 0 is the version, byte 1 the code, the rest a payload. What
   decodes is canonical, so it encodes to the same bytes; its lists have as
   many items as it says. */
#include <string.h>

#include "blockpool/proto.h"
#include "fuzz.h"

static void count_items(struct bp_items rest) {
    bp_span item;
    size_t n = rest.n, seen = 0;
    while (bp_items_next(&item, &rest)) seen++;
    fuzz_law(seen == n && rest.rlp.n == 0);
}

static void count_hashes(struct bp_items rest) {
    bp_hash h;
    size_t n = rest.n, seen = 0;
    while (bp_items_hash(&h, &rest)) seen++;
    fuzz_law(seen == n && rest.rlp.n == 0);
}

static void count_announced(struct bp_items rest) {
    bp_hash h;
    uint64_t number;
    size_t n = rest.n, seen = 0;
    while (bp_items_announced(&h, &number, &rest)) seen++;
    fuzz_law(seen == n && rest.rlp.n == 0);
}

static void plan(const struct bp_msg_get_headers *q) {
    uint64_t numbers[8], head = q->request_id;
    size_t n = bp_headers_plan(numbers, 8, q->origin.number, q, head);
    fuzz_law(n <= 8 && n <= q->amount);
    for (size_t i = 0; i < n; i++) fuzz_law(numbers[i] <= head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bp_msg m;
    size_t n;
    if (size < 2) return 0;
    unsigned version = BP_ETH_VERSION_MIN + data[0] % 4;
    bp_span payload = { data + 2, size - 2 };
    if (bp_msg_decode(&m, version, data[1], payload) != 0) return 0;
    const struct bp_msg_info *info = bp_msg_info(version, data[1]);
    fuzz_law(info != NULL && info->id == m.id);
    fuzz_law(bp_msg_size(&m, version) == payload.n);
    uint8_t *back = malloc(payload.n);
    fuzz_law(bp_msg_encode(back, payload.n, &n, &m, version) == 0);
    fuzz_law(n == payload.n && memcmp(back, payload.p, n) == 0);
    free(back);
    if (info->kind == BP_MSG_KIND_REPLY) count_items(m.u.reply.items);
    if (m.id == BP_MSG_NEW_BLOCK_HASHES) count_announced(m.u.announce.blocks);
    if (m.id == BP_MSG_GET_BLOCK_HEADERS)
        plan(&m.u.get_headers);
    else if (info->kind == BP_MSG_KIND_REQUEST)
        count_hashes(m.u.request.hashes);
    return 0;
}
