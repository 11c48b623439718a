#include "lib/test.h"

#include "chain/build.h"
#include "lib/chainbuild.h"
#include "lib/sealer.h"

/* Whether an uncle is not in any of the last seven generations of v[i]. */
static bool is_free(const struct chainbuild *c, size_t i, size_t uncle) {
    struct bp_lineage l = chainbuild_lineage(c, i);
    for (unsigned k = 0; k < l.n; k++) {
        const struct bp_ancestor *a = bp_lineage_at(&l, k);
        if (bp_hash_eq(&a->hash, &c->v[uncle].hash)) return false;
        for (unsigned u = 0; u < a->n_uncles; u++)
            if (bp_hash_eq(&a->uncle[u], &c->v[uncle].hash)) return false;
    }
    return true;
}

/* Blocks that a child of v[i] may name: siblings of its last ancestors. */
static void find_uncles(const struct chainbuild *c, size_t i,
                        struct chain_options *o) {
    size_t generation = 0;
    for (size_t a = i; a != CHAIN_GENESIS && generation < BP_LINEAGE_MAX - 1;
         a = c->v[a].parent, generation++)
        for (size_t u = 1; u < c->n && o->n_uncles < BP_UNCLES_MAX; u++) {
            bool twice = o->n_uncles > 0 && o->uncle[0] == u;
            if (u != a && c->v[u].parent == c->v[a].parent && !twice &&
                is_free(c, i, u))
                o->uncle[o->n_uncles++] = u;
        }
}

/* A random tree over the fork that brings the base fee, with as many uncles as
   there may be: every block of it keeps every rule, its seal too. */
static void build_is_valid_by_every_rule(void **state) {
    (void)state;
    struct chainbuild c;
    struct bp_rng r;
    struct bp_verifier *v;
    size_t tip = CHAIN_GENESIS, uncles = 0;
    bp_rng_seed(&r, test_seed("build_is_valid_by_every_rule", 0x5eed0301));
    chainbuild_open(&c, "dev", true);
    assert_int_equal(bp_verifier_new(&v, NULL, c.spec, test_sealer()), 0);
    while (c.v[tip].b.header.number < 110) {
        bool fork = tip != CHAIN_GENESIS && bp_rng_below(&r, 4) == 0;
        size_t parent = fork ? c.v[tip].parent : tip;
        struct chain_options o = { .seconds = 5 + bp_rng_below(&r, 60),
                                   .miner = (uint8_t)bp_rng_below(&r, 255),
                                   .txs = bp_rng_below(&r, 4) };
        find_uncles(&c, parent, &o);
        size_t i = chainbuild_add(&c, parent, &o);
        struct chain_block *b = &c.v[i];
        struct bp_lineage l = chainbuild_lineage(&c, parent);
        char text[BP_RULING_TEXT_MAX];
        bp_u256 td;
        struct bp_ruling ruling = bp_verify_blocks(
            v, &l, &td, &c.v[parent].td, &b->b, &b->hash, 1, UINT64_MAX);
        if (ruling.kind != BP_RULING_OK)
            fail_msg("block %lu: %s", (unsigned long)b->b.header.number,
                     bp_ruling_text(text, &ruling));
        assert_int_equal(bp_u256_cmp(&td, &b->td), 0);
        uncles += o.n_uncles;
        if (!fork || bp_rng_below(&r, 3) == 0) tip = i;
    }
    assert_true(uncles > 10);
    assert_int_equal(c.v[tip].b.header.n_fields, BP_FIELDS_LONDON);
    bp_verifier_free(v);
    chainbuild_close(&c);
}

static void build_transfer_is_deterministic(void **state) {
    (void)state;
    static const uint8_t seed[32] = { 3 }, key[32] = { 1 }, to[20] = { 2 };
    struct bp_secp curve;
    uint8_t a[BP_BUILD_TX_BYTES], b[BP_BUILD_TX_BYTES];
    static const uint8_t none[32];
    assert_int_equal(bp_secp_init(&curve, NULL, seed), 0);
    size_t n = bp_build_transfer(a, &curve, key, 1337, 7, 5, to);
    assert_int_equal(n, bp_build_transfer(b, &curve, key, 1337, 7, 5, to));
    assert_memory_equal(a, b, n);
    struct bp_tx tx;
    bp_span in = { a, n };
    assert_int_equal(bp_tx_decode(&tx, &in), 0);
    assert_int_equal(in.n, 0);
    assert_int_equal(tx.nonce, 7);
    assert_int_equal(tx.chain_id.w[0], 1337);
    assert_int_equal(tx.gas_limit, BP_BUILD_TX_GAS);
    assert_memory_equal(tx.to, to, 20);
    assert_int_equal(bp_build_transfer(b, &curve, none, 1, 0, 0, to), 0);
    bp_secp_done(&curve);
}

static void build_without_memory(void **state) {
    (void)state;
    struct chainbuild c;
    struct test_alloc a;
    struct bp_build b;
    struct bp_header h;
    chainbuild_open(&c, "dev", false);
    size_t i =
        chainbuild_add(&c, CHAIN_GENESIS, &(struct chain_options){ .txs = 2 });
    memset(&b, 0, sizeof b);
    b.spec = c.spec;
    b.parent = &c.v[0].b.header;
    b.parent_hash = &c.v[0].hash;
    b.time = c.v[i].b.header.time;
    b.body = c.v[i].b.body;
    b.n_txs = 2;
    test_alloc_init(&a);
    a.fail_at = 1;
    assert_int_equal(bp_build_header(&h, &b, c.roots, &a.iface), BP_ERR_NOMEM);
    assert_int_equal(bp_build_header(&h, &b, c.roots, &a.iface), 0);
    assert_true(bp_header_eq(&h, &c.v[i].b.header));
    assert_int_equal(a.live_blocks, 0);
    chainbuild_close(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(build_is_valid_by_every_rule),
        T(build_transfer_is_deterministic),
        T(build_without_memory),
    };
    return bp_run(tests);
}
