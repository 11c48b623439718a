/* header: a header that decodes encodes to the same bytes and has their hash;
   the one without its seal is shorter by that. */
#include <string.h>

#include "blockpool/chain.h"
#include "blockpool/keccak.h"
#include "fuzz.h"

/* Mix hash and nonce, with their prefixes. */
#define SEAL_BYTES (33 + 9)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bp_header h, back;
    bp_hash a, b;
    bp_span in = { data, size };
    if (bp_header_decode(&h, &in) != 0) {
        fuzz_law(in.p == data && in.n == size);
        return 0;
    }
    size_t n = size - in.n;
    uint8_t *out = malloc(n);
    struct bp_rlp_w w = { out, n, 0 };
    bp_header_put(&w, &h);
    fuzz_law(w.n == n && memcmp(out, data, n) == 0);
    in = (bp_span){ out, n };
    fuzz_law(bp_header_decode(&back, &in) == 0 && bp_header_eq(&h, &back));
    bp_keccak256(&a, (bp_span){ out, n });
    bp_header_hash(&b, &h);
    fuzz_law(bp_hash_eq(&a, &b));
    w.n = 0;
    bp_header_put_unsealed(&w, &h);
    fuzz_law(w.n <= n - SEAL_BYTES);
    bp_keccak256(&a, (bp_span){ out, w.n });
    bp_header_seal_hash(&b, &h);
    fuzz_law(bp_hash_eq(&a, &b));
    free(out);
    return 0;
}
