#include "lib/test.h"

#include "blockpool/keccak.h"
#include "blockpool/rules.h"
#include "lib/sealer.h"

enum { MOST = 3000 };

/* A real chain in memory, with hashes and total difficulties. */
struct chain {
    struct bp_spec *spec;
    uint8_t *file;
    struct bp_block *b;
    bp_hash *hash;
    bp_u256 *td; /* up to the block before */
    size_t n;
    struct bp_lineage genesis;
};

static void chain_open(struct chain *c, const char *name) {
    char path[128];
    size_t n;
    snprintf(path, sizeof path, "chains/%s/genesis.json", name);
    uint8_t *text = test_read(need_data(path), &n);
    assert_int_equal(bp_spec_parse(&c->spec, (bp_span){ text, n }, NULL, NULL),
                     0);
    free(text);
    snprintf(path, sizeof path, "chains/%s/chain.rlp", name);
    c->file = test_read(need_data(path), &n);
    c->b = malloc(MOST * sizeof *c->b);
    c->hash = malloc(MOST * sizeof *c->hash);
    c->td = malloc((MOST + 1) * sizeof *c->td);
    assert_true(c->b != NULL && c->hash != NULL && c->td != NULL);
    c->td[0] = c->spec->genesis_td;
    c->n = 0;
    for (bp_span in = { c->file, n }; in.n > 0; c->n++) {
        assert_true(c->n < MOST);
        assert_int_equal(bp_block_decode(&c->b[c->n], &in), 0);
        bp_keccak256(&c->hash[c->n], c->b[c->n].header_rlp);
        assert_false(bp_u256_add(&c->td[c->n + 1], &c->td[c->n],
                                 &c->b[c->n].header.difficulty));
    }
    bp_lineage_init(&c->genesis);
    bp_lineage_push(&c->genesis, &c->spec->genesis, &c->spec->genesis_hash,
                    bp_body_none(false).uncles);
}

static void chain_close(struct chain *c) {
    bp_spec_free(c->spec);
    free(c->file);
    free(c->b);
    free(c->hash);
    free(c->td);
}

/* The ancestors of block i. */
static struct bp_lineage lineage_at(const struct chain *c, size_t i) {
    struct bp_lineage l = c->genesis;
    for (size_t k = i > BP_LINEAGE_MAX ? i - BP_LINEAGE_MAX : 0; k < i; k++)
        bp_lineage_push(&l, &c->b[k].header, &c->hash[k], c->b[k].body.uncles);
    return l;
}

static void verify_accepts_what_is_valid(void **state) {
    (void)state;
    static const char *const name[] = { "ethtest-pow", "ethtest" };
    for (int k = 0; k < 2; k++) {
        struct chain c;
        struct bp_verifier *v;
        struct bp_lineage l;
        bp_u256 td;
        chain_open(&c, name[k]);
        l = c.genesis;
        assert_int_equal(bp_verifier_new(&v, NULL, c.spec, NULL), 0);
        struct bp_ruling r = bp_verify_blocks(v, &l, &td, &c.td[0], c.b, c.hash,
                                              c.n, UINT64_MAX);
        assert_int_equal(r.kind, BP_RULING_OK);
        assert_int_equal(r.n, c.n);
        assert_int_equal(bp_u256_cmp(&td, &c.td[c.n]), 0);
        assert_memory_equal(bp_lineage_at(&l, 0)->hash.b, c.hash[c.n - 1].b,
                            32);
        /* Its clock behind the 200th block. */
        l = c.genesis;
        r = bp_verify_blocks(v, &l, &td, &c.td[0], c.b, c.hash, c.n,
                             c.b[200].header.time - BP_FUTURE_SECONDS - 1);
        assert_int_equal(r.kind, BP_RULING_LATER);
        assert_int_equal(r.n, 200);
        assert_int_equal(r.until, c.b[200].header.time - BP_FUTURE_SECONDS);
        assert_int_equal(bp_u256_cmp(&td, &c.td[200]), 0);
        assert_memory_equal(bp_lineage_at(&l, 0)->hash.b, c.hash[199].b, 32);
        bp_verifier_free(v);
        chain_close(&c);
    }
}

/* ---- one field of a real header changed at a time ---------------------- */

/* A field, the rules that may refuse it, and those of a chain without proof of
   work; "next" is that the block after it no longer names its parent. */
#define FIELDS(X)                                                              \
    X(parent_hash, "parent-hash", "parent-hash")                               \
    X(transactions_root, "transactions-root", "transactions-root")             \
    X(uncles_hash, "uncles-hash", "pos-uncles")                                \
    X(withdrawals_root, "header-fields", "withdrawals-root")                   \
    X(number, "number header-fields", "number")                                \
    X(time, "time difficulty seal-work seal-mix",                              \
      "time header-fields next excess-blob-gas")                               \
    X(gas_limit, "gas-limit gas-limit-bounds gas-used seal-work seal-mix",     \
      "gas-limit gas-limit-bounds gas-used next")                              \
    X(gas_used, "gas-used empty-block seal-work seal-mix",                     \
      "gas-used empty-block next")                                             \
    X(difficulty, "difficulty difficulty-bound", "terminal difficulty-bound")  \
    X(base_fee, "", "base-fee")                                                \
    X(blob_gas_used, "", "blob-gas-used blob-gas-total")                       \
    X(excess_blob_gas, "", "excess-blob-gas")                                  \
    X(nonce, "seal-work seal-mix", "pos-nonce")                                \
    X(coinbase, "seal-work seal-mix", "next")                                  \
    X(mix_hash, "seal-work seal-mix", "next")                                  \
    X(state_root, "seal-work seal-mix", "next")                                \
    X(receipts_root, "empty-block seal-work seal-mix", "empty-block next")     \
    X(parent_beacon_root, "", "next")                                          \
    X(requests_hash, "", "next")                                               \
    X(bloom, "empty-block seal-work seal-mix", "empty-block next")

static const struct field {
    const char *name;
    size_t at, n;
    const char *pow, *pos;
} fields[] = {
#define FIELD(f, pow, pos)                                                     \
    { #f, offsetof(struct bp_header, f), sizeof(((struct bp_header *)0)->f),   \
      pow, pos },
    FIELDS(FIELD)
#undef FIELD
};

static bool is_one_of(const char *list, const char *name) {
    size_t n = strlen(name);
    for (const char *p = list; (p = strstr(p, name)) != NULL; p += n)
        if ((p == list || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0'))
            return true;
    return false;
}

/* Encodes the block with another header. */
static void reseat(struct bp_block *b, bp_hash *hash, uint8_t *rlp) {
    struct bp_rlp_w w = { rlp, 2 * BP_HEADER_BYTES_MAX, 0 };
    bp_header_put(&w, &b->header);
    b->header_rlp = (bp_span){ rlp, w.n };
    bp_keccak256(hash, b->header_rlp);
}

static void must_be_refused(struct bp_verifier *v, const struct chain *c,
                            size_t i, struct bp_block changed,
                            const char *field, const char *allowed) {
    uint8_t rlp[2 * BP_HEADER_BYTES_MAX];
    struct bp_block two[2] = { changed, c->b[i + 1] };
    bp_hash hash[2] = { c->hash[i], c->hash[i + 1] };
    struct bp_lineage l = lineage_at(c, i);
    char text[BP_RULING_TEXT_MAX];
    reseat(&two[0], &hash[0], rlp);
    if (bp_hash_eq(&hash[0], &c->hash[i])) { /* a field it does not have yet */
        assert_true(changed.header.n_fields < BP_FIELDS_PRAGUE);
        return;
    }
    struct bp_ruling r =
        bp_verify_blocks(v, &l, NULL, &c->td[i], two, hash, 2, UINT64_MAX);
    bp_ruling_text(text, &r);
    const struct bp_rule *rule = bp_rule_of(r.err);
    if (r.kind != BP_RULING_INVALID || rule == NULL)
        fail_msg("block %zu: %s changed: %s", i + 1, field, text);
    const char *name = rule->name;
    if (r.n == 1) name = r.err == BP_ERR_RULE_PARENT_HASH ? "next" : "late";
    if (!is_one_of(allowed, name))
        fail_msg("block %zu: %s changed: %s, not one of: %s", i + 1, field,
                 text, allowed);
}

static void mutate(struct bp_verifier *v, const struct chain *c, size_t i,
                   struct bp_rng *rng, bool pow) {
    for (size_t k = 0; k < sizeof fields / sizeof *fields; k++) {
        const struct field *f = &fields[k];
        struct bp_block b = c->b[i];
        const char *allowed = pow ? f->pow : f->pos;
        if (*allowed == '\0') continue;
        uint8_t *bytes = (uint8_t *)&b.header + f->at;
        bytes[bp_rng_below(rng, f->n)] ^= (uint8_t)(1 + bp_rng_below(rng, 255));
        if (strcmp(f->name, "withdrawals_root") == 0 && pow)
            b.header.n_fields = BP_FIELDS_SHANGHAI;
        must_be_refused(v, c, i, b, f->name, allowed);
    }
    /* Extra data, of a length that is allowed and one that is not; and fields
       of another fork. */
    uint8_t extra[40];
    struct bp_block b = c->b[i];
    bp_rng_bytes(rng, extra, sizeof extra);
    b.header.extra = (bp_span){ extra, 1 + bp_rng_below(rng, 32) };
    must_be_refused(v, c, i, b, "extra", pow ? "seal-work seal-mix" : "next");
    b.header.extra.n = 33;
    must_be_refused(v, c, i, b, "extra", "extra-data");
    b = c->b[i];
    do {
        b.header.n_fields = (uint8_t)(15 + bp_rng_below(rng, 7));
    } while (b.header.n_fields == c->b[i].header.n_fields);
    must_be_refused(v, c, i, b, "n_fields", "header-fields");
}

static void verify_refuses_any_changed_field(void **state) {
    (void)state;
    static const struct {
        const char *name;
        bool pow;
        int blocks;
    } row[] = { { "ethtest-pow", true, 12 }, { "ethtest", false, 150 } };
    struct bp_rng rng;
    bp_rng_seed(&rng,
                test_seed("verify_refuses_any_changed_field", 0x5eed0201));
    for (int k = 0; k < 2; k++) {
        struct chain c;
        struct bp_verifier *v;
        chain_open(&c, row[k].name);
        const struct bp_sealer *sealer = row[k].pow ? test_sealer() : NULL;
        assert_int_equal(bp_verifier_new(&v, NULL, c.spec, sealer), 0);
        for (int i = 0; i < row[k].blocks; i++)
            mutate(v, &c, bp_rng_below(&rng, c.n - 1), &rng, row[k].pow);
        bp_verifier_free(v);
        chain_close(&c);
    }
}

/* ---- seals and failures ------------------------------------------------ */

struct fake_sealer {
    size_t asked, bad; /* the claim that is told to be wrong; SIZE_MAX: none */
    int err;
};

static int fake_verify(void *user, int *verdict, struct bp_seal_claim *claim,
                       size_t n) {
    struct fake_sealer *f = user;
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(claim[i].err, 0);
        verdict[i] = f->asked++ == f->bad ? BP_ERR_SEAL_MIX : 0;
    }
    return f->err;
}

static void verify_asks_for_every_seal(void **state) {
    (void)state;
    struct chain c;
    struct bp_verifier *v;
    struct fake_sealer f = { 0, SIZE_MAX, 0 };
    struct bp_sealer sealer = { fake_verify, &f };
    bp_u256 td;
    chain_open(&c, "ethtest-pow");
    struct bp_lineage l = c.genesis;
    assert_int_equal(bp_verifier_new(&v, NULL, c.spec, &sealer), 0);
    struct bp_ruling r =
        bp_verify_blocks(v, &l, &td, &c.td[0], c.b, c.hash, 500, UINT64_MAX);
    assert_int_equal(r.kind, BP_RULING_OK);
    assert_int_equal(f.asked, 500);
    /* The 100th is wrong: 99 blocks are good. */
    l = c.genesis;
    f = (struct fake_sealer){ 0, 99, 0 };
    r = bp_verify_blocks(v, &l, &td, &c.td[0], c.b, c.hash, 500, UINT64_MAX);
    assert_int_equal(r.kind, BP_RULING_INVALID);
    assert_int_equal(r.err, BP_ERR_SEAL_MIX);
    assert_int_equal(r.n, 99);
    assert_int_equal(bp_u256_cmp(&td, &c.td[99]), 0);
    assert_memory_equal(bp_lineage_at(&l, 0)->hash.b, c.hash[98].b, 32);
    /* A broken rule before a broken seal in the same batch, and after it. */
    struct bp_block was = c.b[90];
    c.b[90].header.gas_limit = 1;
    l = c.genesis;
    f.asked = 0;
    r = bp_verify_blocks(v, &l, &td, &c.td[0], c.b, c.hash, 500, UINT64_MAX);
    assert_int_equal(r.n, 90);
    assert_int_equal(r.err, BP_ERR_RULE_GAS_LIMIT_BOUNDS);
    l = c.genesis;
    f = (struct fake_sealer){ 0, 80, 0 };
    r = bp_verify_blocks(v, &l, &td, &c.td[0], c.b, c.hash, 500, UINT64_MAX);
    assert_int_equal(r.n, 80);
    assert_int_equal(r.err, BP_ERR_SEAL_MIX);
    c.b[90] = was;
    /* A sealer that fails is nobody's fault. */
    l = c.genesis;
    f = (struct fake_sealer){ 0, SIZE_MAX, BP_ERR_NOMEM };
    r = bp_verify_blocks(v, &l, &td, &c.td[0], c.b, c.hash, 500, UINT64_MAX);
    assert_int_equal(r.kind, BP_RULING_FAILED);
    assert_int_equal(r.err, BP_ERR_NOMEM);
    assert_int_equal(r.n, 0);
    bp_verifier_free(v);
    chain_close(&c);
}

static void verify_without_memory(void **state) {
    (void)state;
    struct test_alloc a;
    struct bp_spec *s;
    struct bp_verifier *v = NULL;
    assert_int_equal(bp_spec_builtin(&s, "dev", NULL), 0);
    test_alloc_init(&a);
    assert_int_equal(bp_verifier_new(&v, &a.iface, s, NULL), 0);
    bp_verifier_free(v);
    bp_verifier_free(NULL);
    size_t calls = a.calls;
    for (size_t k = 1; k <= calls; k++) {
        a.calls = 0;
        a.fail_at = k;
        assert_int_equal(bp_verifier_new(&v, &a.iface, s, NULL), BP_ERR_NOMEM);
        assert_int_equal(a.live_blocks, 0);
    }
    bp_spec_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(verify_accepts_what_is_valid),
        T(verify_refuses_any_changed_field),
        T(verify_asks_for_every_seal),
        T(verify_without_memory),
    };
    return bp_run(tests);
}
