#include "lib/test.h"

#include "blockpool/rules.h"
#include "lib/vectors.h"

static size_t seen;

/* Published headers with their hash, their seal hash, and whether the seal's
   result is within the boundary. */
static void one_vector(const json_t *v) {
    struct bp_header h;
    struct bp_seal_claim c[2];
    struct bp_spec *spec;
    bp_hash want, hash;
    size_t n;
    if (strcmp(vec_str(v, "kind"), "header") != 0) return;
    assert_int_equal(bp_spec_builtin(&spec, vec_str(v, "network"), NULL), 0);
    uint8_t *rlp = vec_bytes(v, "header_rlp", &n);
    bp_span in = { rlp, n };
    assert_int_equal(bp_header_decode(&h, &in), 0);
    assert_int_equal(in.n, 0);
    vec_fixed(v, "hash", want.b, sizeof want.b);
    bp_header_hash(&hash, &h);
    assert_memory_equal(hash.b, want.b, 32);
    vec_fixed(v, "seal_hash", want.b, sizeof want.b);
    struct bp_header two[2] = { h, h };
    two[0].extra.n = 0;
    bp_seal_claims(c, spec, two, 2);
    assert_memory_equal(c[1].seal.seal_hash.b, want.b, 32);
    assert_int_equal(c[1].epoch.blocks, vec_u64(v, "epoch_length"));
    assert_int_equal(c[1].epoch.number, h.number / c[1].epoch.blocks);
    assert_int_equal(bp_ethash_precheck(&c[1].seal) == 0, vec_bool(v, "ok"));
    free(rlp);
    bp_spec_free(spec);
    seen++;
}

static void seal_hashes_of_published_headers(void **state) {
    (void)state;
    vec_each("vectors/pow.jsonl", one_vector);
    assert_true(seen >= 4);
}

/* More headers than are hashed together; ECIP-1099 doubles the epochs. */
static void seal_claims_in_batches(void **state) {
    (void)state;
    enum { N = 100 };
    static struct bp_header h[N];
    static struct bp_seal_claim c[N];
    struct bp_spec *spec;
    assert_int_equal(bp_spec_builtin(&spec, "classic", NULL), 0);
    for (uint64_t i = 0; i < N; i++) {
        h[i].n_fields = 15;
        h[i].number = 11699950 + i;
        h[i].difficulty = bp_u256_from_u64(i);
        h[i].nonce[7] = (uint8_t)i;
    }
    bp_seal_claims(c, spec, h, N);
    for (uint64_t i = 0; i < N; i++) {
        bp_hash want;
        bp_header_seal_hash(&want, &h[i]);
        assert_memory_equal(c[i].seal.seal_hash.b, want.b, 32);
        assert_int_equal(c[i].seal.nonce, i);
        assert_int_equal(c[i].err, 0);
        assert_int_equal(c[i].epoch.blocks, i < 50 ? 30000 : 60000);
        assert_int_equal(c[i].epoch.number, i < 50 ? 389 : 195);
        assert_null(c[i].seal.light);
    }
    bp_spec_free(spec);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(seal_hashes_of_published_headers),
        T(seal_claims_in_batches),
    };
    return bp_run(tests);
}
