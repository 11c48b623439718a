/* tx: a transaction that decodes encodes to the same bytes; every rule can be
   asked of it on a chain that has all forks. */
#include <string.h>

#include "blockpool/rules.h"
#include "fuzz.h"

static void ask_the_rules(bp_span tx) {
    struct bp_spec spec;
    struct bp_block b;
    uint8_t *list = malloc(tx.n + 16);
    struct bp_rlp_w w = { list, tx.n + 16, 0 };
    memset(&spec, 0, sizeof spec); /* every fork from the genesis on */
    spec.chain_id = 1;
    spec.blobs[spec.n_blobs++] = (struct bp_spec_blobs){ 0, 6, 9, 5007716 };
    memset(&b, 0, sizeof b);
    b.body = bp_body_none(true);
    bp_rlp_put_list(&w, tx.n);
    bp_rlp_put_raw(&w, tx.p, tx.n);
    b.body.transactions = (bp_span){ list, w.n };
    b.header.gas_limit = 30000000;
    struct bp_ruling r = bp_check_transactions(&spec, &b);
    fuzz_law(r.kind == BP_RULING_OK ? r.err == 0 : bp_rule_of(r.err) != NULL);
    free(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bp_tx tx;
    bp_span in = { data, size };
    if (bp_tx_decode(&tx, &in) != 0) {
        fuzz_law(in.p == data && in.n == size);
        return 0;
    }
    size_t n = size - in.n;
    uint8_t *out = malloc(n);
    struct bp_rlp_w w = { out, n, 0 };
    bp_tx_put(&w, &tx);
    fuzz_law(w.n == n && memcmp(out, data, n) == 0);
    ask_the_rules((bp_span){ out, n });
    free(out);
    return 0;
}
