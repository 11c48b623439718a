/* receipt: a receipt that decodes encodes to the same bytes, and its logs set
   at most three bits of the filter for each address and topic. */
#include <string.h>

#include "blockpool/chain.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bp_receipt r;
    struct bp_log log;
    bp_span in = { data, size }, logs, list;
    if (bp_receipt_decode(&r, &in) != 0) {
        fuzz_law(in.p == data && in.n == size);
        return 0;
    }
    size_t n = size - in.n;
    uint8_t *out = malloc(n);
    struct bp_rlp_w w = { out, n, 0 };
    bp_receipt_put(&w, &r);
    fuzz_law(w.n == n && memcmp(out, data, n) == 0);
    free(out);
    size_t entries = 0, topics, bits = 0;
    uint8_t bloom[256] = { 0 };
    list = r.logs;
    fuzz_law(bp_rlp_list(&logs, &list) == 0);
    while (logs.n > 0) {
        fuzz_law(bp_log_decode(&log, &logs) == 0);
        fuzz_law(bp_rlp_count(&topics, log.topics, size) == 0);
        entries += 1 + topics;
    }
    bp_bloom_add(bloom, r.logs);
    for (size_t i = 0; i < sizeof bloom; i++)
        bits += (size_t)__builtin_popcount(bloom[i]);
    fuzz_law(bits <= 3 * entries && (bits > 0) == (entries > 0));
    return 0;
}
