/* block: a block that decodes is its header and its body, and encodes to the
   same bytes. */
#include <string.h>

#include "blockpool/chain.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bp_block b;
    struct bp_body body;
    struct bp_header h;
    bp_span in = { data, size };
    if (bp_block_decode(&b, &in) != 0) {
        fuzz_law(in.p == data && in.n == size);
        return 0;
    }
    size_t n = size - in.n;
    uint8_t *out = malloc(n);
    struct bp_rlp_w w = { out, n, 0 };
    bp_block_put(&w, b.header_rlp, &b.body);
    fuzz_law(w.n == n && memcmp(out, data, n) == 0);
    in = b.header_rlp;
    fuzz_law(bp_header_decode(&h, &in) == 0 && in.n == 0);
    fuzz_law(bp_header_eq(&h, &b.header));
    w.n = 0;
    bp_body_put(&w, &b.body);
    fuzz_law(w.n <= n);
    in = (bp_span){ out, w.n };
    fuzz_law(bp_body_decode(&body, &in) == 0 && in.n == 0);
    free(out);
    return 0;
}
