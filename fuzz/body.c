/* body: a body that decodes encodes to the same bytes, and its roots are the
   same alone and in a batch. */
#include <string.h>

#include "blockpool/chain.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bp_body body[3];
    struct bp_body_roots root[3], alone;
    struct bp_roots *r;
    bp_span in = { data, size };
    if (bp_body_decode(&body[0], &in) != 0) {
        fuzz_law(in.p == data && in.n == size);
        return 0;
    }
    size_t n = size - in.n;
    uint8_t *out = malloc(n);
    struct bp_rlp_w w = { out, n, 0 };
    bp_body_put(&w, &body[0]);
    fuzz_law(w.n == n && memcmp(out, data, n) == 0);
    fuzz_law(bp_roots_new(&r, NULL) == 0);
    fuzz_law(bp_bodies_roots(&alone, r, body, 1) == 0);
    body[1] = bp_body_none(true);
    body[2] = body[0];
    fuzz_law(bp_bodies_roots(root, r, body, 3) == 0);
    fuzz_law(memcmp(&root[0], &alone, sizeof alone) == 0);
    fuzz_law(memcmp(&root[2], &alone, sizeof alone) == 0);
    fuzz_law(bp_hash_eq(&root[1].withdrawals, &bp_empty_root));
    bp_roots_free(r);
    free(out);
    return 0;
}
