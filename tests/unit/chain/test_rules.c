/* Each rule of rules.h, broken alone. A case starts from something valid and
   changes one thing; the last test finds rules that no case broke, and compares
   the table with docs/protocol/rules.md. */
#include "lib/test.h"

#include "blockpool/keccak.h"
#include "blockpool/rules.h"
#include "chain/build.h"
#include "lib/sealer.h"

static int broken[128];
static size_t n_broken;

static void expect(struct bp_ruling r, int err) {
    char text[BP_RULING_TEXT_MAX];
    if (r.err != err)
        fail_msg("%s, not %s", bp_ruling_text(text, &r), bp_strerror(err));
    assert_int_equal(r.kind, err == 0 ? BP_RULING_OK
                             : err == BP_ERR_RULE_TIME_FUTURE
                                 ? BP_RULING_LATER
                                 : BP_RULING_INVALID);
    if (err != 0 && n_broken < 128) broken[n_broken++] = err;
}

static void expect_err(int got, int want) {
    struct bp_ruling r = {
        got == 0 ? BP_RULING_OK : BP_RULING_INVALID, 0, got, -1, -1, 0
    };
    expect(r, want);
}

/* A chain with the given forks from the genesis on. */
static struct bp_spec *spec_with(const enum bp_fork *forks, size_t n) {
    struct bp_spec *s = calloc(1, sizeof *s);
    assert_non_null(s);
    for (int f = 0; f < BP_N_FORKS; f++) s->fork[f] = BP_FORK_NEVER;
    for (size_t i = 0; i < n; i++) s->fork[forks[i]] = 0;
    s->minimum_difficulty = bp_u256_from_u64(16);
    s->chain_id = 1;
    s->blobs[s->n_blobs++] = (struct bp_spec_blobs){ 0, 6, 9, 5007716 };
    return s;
}

static struct bp_spec *pow_spec(void) {
    static const enum bp_fork forks[] = { BP_FORK_HOMESTEAD, BP_FORK_EIP155,
                                          BP_FORK_BYZANTIUM };
    return spec_with(forks, 3);
}

static struct bp_spec *pos_spec(void) {
    static const enum bp_fork forks[] = {
        BP_FORK_HOMESTEAD, BP_FORK_EIP155, BP_FORK_BYZANTIUM, BP_FORK_ISTANBUL,
        BP_FORK_BERLIN,    BP_FORK_LONDON, BP_FORK_SHANGHAI,  BP_FORK_CANCUN,
        BP_FORK_PRAGUE,    BP_FORK_OSAKA,
    };
    struct bp_spec *s = spec_with(forks, 10);
    s->has_ttd = true;
    return s;
}

/* ---- headers ----------------------------------------------------------- */

struct pair {
    struct bp_spec *spec;
    struct bp_header parent, child;
    bp_hash parent_hash;
    bp_u256 td;
    uint64_t now;
};

static struct pair pair_of(struct bp_spec *spec) {
    struct pair p;
    memset(&p, 0, sizeof p);
    p.spec = spec;
    p.now = UINT64_MAX;
    struct bp_header *h = &p.parent;
    h->number = 9;
    h->time = 1000;
    h->gas_limit = 1000000;
    h->uncles_hash = bp_empty_uncles_hash;
    h->transactions_root = h->receipts_root = bp_empty_root;
    h->n_fields = (uint8_t)bp_header_fields_at(spec, 9, 1000);
    if (h->n_fields > 16) h->withdrawals_root = bp_empty_root;
    h->base_fee = bp_u256_from_u64(h->n_fields > 15 ? 1000 : 0);
    if (!spec->has_ttd) h->difficulty = bp_u256_from_u64(100000);
    p.child = p.parent;
    p.child.number = 10;
    p.child.time = 1012;
    p.child.extra = (bp_span){ (const uint8_t *)"test", 4 };
    if (!spec->has_ttd)
        bp_difficulty(&p.child.difficulty, spec, 10, 1012, &p.parent);
    if (h->n_fields > 15) bp_base_fee(&p.child.base_fee, spec, &p.parent);
    return p;
}

static struct bp_ruling judge(struct pair *p, const bp_hash *link) {
    bp_hash hash;
    bp_header_hash(&p->parent_hash, &p->parent);
    p->child.parent_hash = link != NULL ? *link : p->parent_hash;
    bp_header_hash(&hash, &p->child);
    struct bp_run run = { &p->child,  &hash,           1,
                          &p->parent, &p->parent_hash, &p->td };
    return bp_check_headers(p->spec, &run, p->now);
}

/* A fresh pair is valid; what `change` does to it breaks `err`. */
#define BREAKS(make, err, ...)                                                 \
    do {                                                                       \
        struct pair p = pair_of(make());                                       \
        expect(judge(&p, NULL), 0);                                            \
        __VA_ARGS__;                                                           \
        expect(judge(&p, NULL), err);                                          \
        free(p.spec);                                                          \
    } while (0)

static void rules_of_a_header(void **state) {
    (void)state;
    static const uint8_t long_extra[33];
    struct pair q = pair_of(pow_spec());
    bp_hash other = { { 1 } };
    expect(judge(&q, NULL), 0);
    expect(judge(&q, &other), BP_ERR_RULE_PARENT_HASH);
    free(q.spec);
    BREAKS(pow_spec, BP_ERR_RULE_NUMBER, p.child.number++);
    BREAKS(pow_spec, BP_ERR_RULE_NUMBER, p.child.number = 9);
    BREAKS(pow_spec, BP_ERR_RULE_TIME, p.child.time = p.parent.time);
    BREAKS(pow_spec, BP_ERR_RULE_TIME_FUTURE, p.now = p.child.time - 16);
    BREAKS(pow_spec, 0, p.now = p.child.time - 15);
    BREAKS(pow_spec, 0, p.child.extra = ((bp_span){ long_extra, 32 }));
    BREAKS(pow_spec, BP_ERR_RULE_EXTRA_DATA,
           p.child.extra = ((bp_span){ long_extra, 33 }));
    BREAKS(pow_spec, BP_ERR_RULE_DIFFICULTY, p.child.difficulty.w[0]++);
    BREAKS(pow_spec, BP_ERR_RULE_DIFFICULTY, p.child.difficulty.w[0]--);
    BREAKS(pow_spec, BP_ERR_RULE_DIFFICULTY_BOUND, p.child.difficulty.w[2] = 1);
    BREAKS(pow_spec, BP_ERR_RULE_DIFFICULTY_BOUND,
           memset(&p.td, 0xff, sizeof p.td));
    BREAKS(pow_spec, 0, p.child.gas_limit += 975);
    BREAKS(pow_spec, BP_ERR_RULE_GAS_LIMIT, p.child.gas_limit += 976);
    BREAKS(pow_spec, BP_ERR_RULE_GAS_LIMIT, p.child.gas_limit -= 976);
    BREAKS(pow_spec, BP_ERR_RULE_GAS_LIMIT_BOUNDS, p.parent.gas_limit = 5000,
           p.child.gas_limit = 4999);
    BREAKS(pow_spec, BP_ERR_RULE_GAS_LIMIT_BOUNDS,
           p.parent.gas_limit = INT64_MAX,
           p.child.gas_limit = p.parent.gas_limit + 1);
    BREAKS(pow_spec, BP_ERR_RULE_GAS_USED, p.child.transactions_root.b[0] ^= 1,
           p.child.gas_used = 1000001);
    BREAKS(pow_spec, BP_ERR_RULE_HEADER_FIELDS, p.child.n_fields = 16);
    BREAKS(pow_spec, BP_ERR_RULE_EMPTY_BLOCK, p.child.gas_used = 1);
    BREAKS(pow_spec, BP_ERR_RULE_EMPTY_BLOCK, p.child.bloom[255] = 1);
    BREAKS(pow_spec, BP_ERR_RULE_EMPTY_BLOCK, p.child.receipts_root.b[0] ^= 1);
    BREAKS(pow_spec, BP_ERR_RULE_TERMINAL, p.spec->has_ttd = true);
    BREAKS(pow_spec, BP_ERR_RULE_REQUIRED_HASH,
           assert_int_equal(bp_spec_require(p.spec, 10, &other), 0));
}

static void rules_of_the_dao_fork(void **state) {
    (void)state;
    const bp_span mark = { (const uint8_t *)"dao-hard-fork", 13 };
    BREAKS(pow_spec, BP_ERR_RULE_DAO_EXTRA,
           (p.spec->fork[BP_FORK_DAO] = 10, p.spec->dao_extra_range = 10,
            p.spec->dao_support = true));
    BREAKS(pow_spec, 0,
           (p.spec->fork[BP_FORK_DAO] = 10, p.spec->dao_extra_range = 10,
            p.spec->dao_support = true, p.child.extra = mark));
    BREAKS(pow_spec, 0,
           (p.spec->fork[BP_FORK_DAO] = 0, p.spec->dao_extra_range = 10,
            p.spec->dao_support = true));
    BREAKS(pow_spec, BP_ERR_RULE_DAO_EXTRA,
           (p.spec->fork[BP_FORK_DAO] = 1, p.spec->dao_extra_range = 10,
            p.child.extra = mark));
}

static void rules_after_the_merge(void **state) {
    (void)state;
    BREAKS(pos_spec, BP_ERR_RULE_BASE_FEE, p.child.base_fee.w[0]++);
    BREAKS(pos_spec, BP_ERR_RULE_BASE_FEE, p.parent.gas_used = 600000);
    BREAKS(pos_spec, BP_ERR_RULE_POS_NONCE, p.child.nonce[7] = 1);
    BREAKS(pos_spec, BP_ERR_RULE_POS_UNCLES, p.child.uncles_hash.b[0] ^= 1);
    BREAKS(pos_spec, BP_ERR_RULE_TERMINAL, p.child.difficulty.w[0] = 1);
    BREAKS(pos_spec, 0, p.child.blob_gas_used = 9 * 131072);
    BREAKS(pos_spec, BP_ERR_RULE_BLOB_GAS_USED,
           p.child.blob_gas_used = 10 * 131072);
    BREAKS(pos_spec, BP_ERR_RULE_BLOB_GAS_USED, p.child.blob_gas_used = 1);
    BREAKS(pos_spec, BP_ERR_RULE_EXCESS_BLOB_GAS, p.child.excess_blob_gas = 1);
    BREAKS(pos_spec, BP_ERR_RULE_HEADER_FIELDS, p.child.n_fields = 20);
    BREAKS(pos_spec, BP_ERR_RULE_DIFFICULTY,
           p.spec->ttd = bp_u256_from_u64(1)); /* not there yet */
}

/* ---- bodies ------------------------------------------------------------ */

static void rules_of_roots(void **state) {
    (void)state;
    struct bp_header h;
    struct bp_body_roots r;
    memset(&h, 0, sizeof h);
    memset(&r, 0, sizeof r);
    h.n_fields = 17;
    h.withdrawals_root = r.withdrawals = bp_empty_root;
    expect_err(bp_check_roots(&h, &r), 0);
    r.transactions.b[0] = 1;
    expect_err(bp_check_roots(&h, &r), BP_ERR_RULE_TRANSACTIONS_ROOT);
    r.transactions.b[0] = 0;
    r.uncles.b[0] = 1;
    expect_err(bp_check_roots(&h, &r), BP_ERR_RULE_UNCLES_HASH);
    r.uncles.b[0] = 0;
    r.withdrawals.b[0] ^= 1;
    expect_err(bp_check_roots(&h, &r), BP_ERR_RULE_WITHDRAWALS_ROOT);
    /* A body without the list, and one with a list that the header lacks. */
    memset(&r.withdrawals, 0, sizeof r.withdrawals);
    memset(&h.withdrawals_root, 0, sizeof r.withdrawals);
    expect_err(bp_check_roots(&h, &r), BP_ERR_RULE_WITHDRAWALS_ROOT);
    h.n_fields = 15;
    r.withdrawals = h.withdrawals_root = bp_empty_root;
    expect_err(bp_check_roots(&h, &r), BP_ERR_RULE_WITHDRAWALS_ROOT);
}

/* Nine linked blocks, the last of which may name uncles. */
struct family {
    struct bp_spec *spec;
    struct bp_lineage lineage;
    struct bp_header h[10];
    bp_hash hash[10];
    uint8_t list[4096];
    size_t n;
};

static void child_of(struct bp_header *h, const struct family *f, int parent,
                     uint8_t coinbase) {
    *h = f->h[parent];
    h->number++;
    h->time += 20;
    h->coinbase[0] = coinbase;
    h->parent_hash = f->hash[parent];
    bp_difficulty(&h->difficulty, f->spec, h->number, h->time, &f->h[parent]);
}

static void family_make(struct family *f) {
    struct pair p = pair_of(pow_spec());
    memset(f, 0, sizeof *f);
    f->spec = p.spec;
    f->h[0] = p.parent;
    f->h[0].number = 100;
    bp_lineage_init(&f->lineage);
    for (int i = 0; i < 9; i++) {
        if (i > 0) child_of(&f->h[i], f, i - 1, 0);
        bp_header_hash(&f->hash[i], &f->h[i]);
        if (i < 8)
            bp_lineage_push(&f->lineage, &f->h[i], &f->hash[i],
                            bp_body_none(false).uncles);
    }
}

static struct bp_ruling judge_uncles(struct family *f,
                                     const struct bp_header *u, size_t n) {
    struct bp_header out[BP_UNCLES_MAX];
    struct bp_rlp_w w = { f->list, sizeof f->list, 0 };
    size_t mark = bp_rlp_open(&w), n_out = 99;
    for (size_t i = 0; i < n; i++) bp_header_put(&w, &u[i]);
    bp_rlp_close(&w, mark);
    f->n = w.n;
    struct bp_ruling r = bp_check_uncles(out, &n_out, f->spec, &f->lineage,
                                         &f->h[8], (bp_span){ f->list, w.n });
    assert_int_equal(n_out, r.kind == BP_RULING_OK ? n : 0);
    for (size_t i = 0; i < n_out; i++)
        assert_true(bp_header_eq(&out[i], &u[i]));
    return r;
}

static void rules_of_uncles(void **state) {
    (void)state;
    struct family f;
    struct bp_header u[3];
    family_make(&f);
    for (int i = 0; i < 3; i++) child_of(&u[i], &f, 6 - i, (uint8_t)(1 + i));
    expect(judge_uncles(&f, u, 0), 0);
    expect(judge_uncles(&f, u, 2), 0);
    expect(judge_uncles(&f, u, 3), BP_ERR_RULE_UNCLE_COUNT);
    u[1] = u[0];
    expect(judge_uncles(&f, u, 2), BP_ERR_RULE_UNCLE_DUPLICATE);
    expect(judge_uncles(&f, &f.h[5], 1), BP_ERR_RULE_UNCLE_ANCESTOR);
    child_of(&u[0], &f, 7, 1); /* a sibling of the block itself */
    expect(judge_uncles(&f, u, 1), BP_ERR_RULE_UNCLE_PARENT);
    child_of(&u[0], &f, 1, 1); /* seven generations back: the last allowed */
    expect(judge_uncles(&f, u, 1), 0);
    child_of(&u[0], &f, 0, 1);
    expect(judge_uncles(&f, u, 1), BP_ERR_RULE_UNCLE_PARENT);
    child_of(&u[0], &f, 6, 1);
    child_of(&u[1], &f, 6, 2);
    u[1].difficulty.w[0]++; /* a rule of headers, of the second uncle */
    struct bp_ruling r = judge_uncles(&f, u, 2);
    expect(r, BP_ERR_RULE_DIFFICULTY);
    assert_int_equal(r.uncle, 1);
    /* An uncle that an ancestor named. */
    judge_uncles(&f, u, 1);
    f.lineage.n--; /* the last block again, now with an uncle */
    f.lineage.next = (f.lineage.next + BP_LINEAGE_MAX - 1) % BP_LINEAGE_MAX;
    bp_lineage_push(&f.lineage, &f.h[7], &f.hash[7], (bp_span){ f.list, f.n });
    expect(judge_uncles(&f, u, 1), BP_ERR_RULE_UNCLE_DUPLICATE);
    /* Fewer than seven generations, and not from the genesis. */
    f.lineage.n = 3;
    r = judge_uncles(&f, u, 1);
    assert_int_equal(r.err, BP_ERR_NO_LINEAGE);
    assert_false(bp_lineage_complete(&f.lineage));
    free(f.spec);
}

/* ---- transactions ------------------------------------------------------ */

struct scene {
    struct bp_spec *spec;
    struct bp_block b;
    struct bp_tx tx;
    uint8_t list[100000], data[50000];
};

static struct scene *scene_of(enum bp_tx_type type) {
    static const uint8_t none[] = { 0xc0 };
    static const uint8_t blob[34] = { 0xe1, 0xa0, 1 };
    static uint8_t auth[64];
    struct scene *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->spec = pos_spec();
    s->b.header = pair_of(s->spec).child;
    s->b.body = bp_body_none(true);
    s->b.header.gas_limit = 30000000;
    s->tx.type = type;
    s->tx.chain_id = bp_u256_from_u64(type == BP_TX_LEGACY ? 0 : 1);
    s->tx.max_fee = bp_u256_from_u64(5000);
    s->tx.tip = bp_u256_from_u64(type < BP_TX_DYNAMIC_FEE ? 5000 : 1);
    s->tx.gas_limit = 50000;
    s->tx.v = bp_u256_from_u64(type == BP_TX_LEGACY ? 27 : 1);
    s->tx.r = s->tx.s = bp_u256_from_u64(1);
    s->tx.access_list = (bp_span){ none, 1 };
    s->tx.data = (bp_span){ s->data, 0 };
    if (type == BP_TX_BLOB) {
        s->tx.blob_hashes = (bp_span){ blob, sizeof blob };
        s->tx.max_blob_fee = bp_u256_from_u64(1);
        s->b.header.blob_gas_used = 131072;
    }
    if (type == BP_TX_SET_CODE) {
        struct bp_rlp_w w = { auth, sizeof auth, 0 };
        static const uint8_t address[20];
        size_t outer = bp_rlp_open(&w), inner = bp_rlp_open(&w);
        bp_rlp_put_u64(&w, 1);
        bp_rlp_put_str(&w, address, sizeof address);
        for (int i = 0; i < 4; i++) bp_rlp_put_u64(&w, 1);
        bp_rlp_close(&w, inner);
        bp_rlp_close(&w, outer);
        s->tx.authorizations = (bp_span){ auth, w.n };
    }
    return s;
}

static struct bp_ruling judge_tx(struct scene *s) {
    struct bp_rlp_w w = { s->list, sizeof s->list, 0 };
    size_t mark = bp_rlp_open(&w);
    bp_tx_put(&w, &s->tx);
    bp_rlp_close(&w, mark);
    assert_int_equal(bp_rlp_done(&w), 0);
    s->b.body.transactions = (bp_span){ s->list, w.n };
    return bp_check_transactions(s->spec, &s->b);
}

#define TX_BREAKS(type, err, ...)                                              \
    do {                                                                       \
        struct scene *s = scene_of(type);                                      \
        expect(judge_tx(s), 0);                                                \
        __VA_ARGS__;                                                           \
        struct bp_ruling r = judge_tx(s);                                      \
        expect(r, err);                                                        \
        if (err == 0) assert_int_equal(r.tx, -1);                              \
        free(s->spec);                                                         \
        free(s);                                                               \
    } while (0)

static void rules_of_transactions(void **state) {
    (void)state;
    bp_u256 half = { { 0xdfe92f46681b20a0, 0x5d576e7357a4501d,
                       0xffffffffffffffff, 0x7fffffffffffffff } };
    bp_u256 order = { { 0xbfd25e8cd0364141, 0xbaaedce6af48a03b,
                        0xfffffffffffffffe, 0xffffffffffffffff } };
    TX_BREAKS(BP_TX_LEGACY, 0, s->tx.s = half);
    TX_BREAKS(BP_TX_LEGACY, BP_ERR_RULE_TX_SIGNATURE,
              (s->tx.s = half, s->tx.s.w[0]++));
    TX_BREAKS(BP_TX_LEGACY, 0,
              (s->tx.s = half, s->tx.s.w[0]++,
               s->spec->fork[BP_FORK_HOMESTEAD] = BP_FORK_NEVER));
    TX_BREAKS(BP_TX_LEGACY, BP_ERR_RULE_TX_SIGNATURE, s->tx.r = order);
    TX_BREAKS(BP_TX_LEGACY, BP_ERR_RULE_TX_SIGNATURE, s->tx.r.w[0] = 0);
    TX_BREAKS(BP_TX_LEGACY, BP_ERR_RULE_TX_SIGNATURE, s->tx.s.w[0] = 0);
    TX_BREAKS(BP_TX_LEGACY, BP_ERR_RULE_TX_SIGNATURE, s->tx.v.w[0] = 29);
    TX_BREAKS(BP_TX_ACCESS_LIST, BP_ERR_RULE_TX_SIGNATURE, s->tx.v.w[0] = 2);
    TX_BREAKS(BP_TX_LEGACY, 0, s->tx.v.w[0] = 37);
    TX_BREAKS(
        BP_TX_LEGACY, BP_ERR_RULE_TX_SIGNATURE,
        (s->tx.v.w[0] = 37, s->spec->fork[BP_FORK_EIP155] = BP_FORK_NEVER));
    TX_BREAKS(BP_TX_LEGACY, BP_ERR_RULE_TX_CHAIN_ID, s->tx.v.w[0] = 39);
    TX_BREAKS(BP_TX_DYNAMIC_FEE, BP_ERR_RULE_TX_CHAIN_ID,
              s->tx.chain_id.w[0] = 2);
    TX_BREAKS(BP_TX_ACCESS_LIST, BP_ERR_RULE_TX_TYPE,
              s->spec->fork[BP_FORK_BERLIN] = BP_FORK_NEVER);
    TX_BREAKS(BP_TX_DYNAMIC_FEE, BP_ERR_RULE_TX_TYPE,
              s->spec->no_base_fee = true);
    TX_BREAKS(BP_TX_BLOB, BP_ERR_RULE_TX_TYPE,
              s->spec->fork[BP_FORK_CANCUN] = BP_FORK_NEVER);
    TX_BREAKS(BP_TX_SET_CODE, BP_ERR_RULE_TX_TYPE,
              s->spec->fork[BP_FORK_PRAGUE] = BP_FORK_NEVER);
    TX_BREAKS(BP_TX_LEGACY, BP_ERR_RULE_TX_NONCE, s->tx.nonce = UINT64_MAX);
    TX_BREAKS(BP_TX_LEGACY, BP_ERR_RULE_TX_FEE, s->tx.max_fee.w[0] = 1);
    TX_BREAKS(BP_TX_DYNAMIC_FEE, BP_ERR_RULE_TX_FEE, s->tx.tip.w[0] = 5001);
    TX_BREAKS(BP_TX_LEGACY, BP_ERR_RULE_TX_COST,
              memset(&s->tx.value, 0xff, sizeof s->tx.value));
    TX_BREAKS(BP_TX_LEGACY, BP_ERR_RULE_TX_COST,
              s->tx.max_fee.w[3] = 1ull << 63);
}

static void rules_of_gas(void **state) {
    (void)state;
    TX_BREAKS(BP_TX_LEGACY, 0, s->tx.gas_limit = 21000);
    TX_BREAKS(BP_TX_LEGACY, BP_ERR_RULE_TX_INTRINSIC_GAS,
              s->tx.gas_limit = 20999);
    TX_BREAKS(BP_TX_LEGACY, BP_ERR_RULE_TX_INTRINSIC_GAS,
              s->tx.creates = true); /* 53000 */
    TX_BREAKS(BP_TX_LEGACY, 0, (s->tx.creates = true, s->tx.gas_limit = 53000));
    TX_BREAKS(BP_TX_LEGACY, 0,
              (s->tx.creates = true, s->tx.gas_limit = 21000,
               s->spec->fork[BP_FORK_HOMESTEAD] = BP_FORK_NEVER));
    /* A byte of init code: 4 for it and 2 for its word. */
    TX_BREAKS(
        BP_TX_LEGACY, BP_ERR_RULE_TX_INTRINSIC_GAS,
        (s->tx.creates = true, s->tx.data.n = 1, s->tx.gas_limit = 53005));
    /* 100 bytes that are not zero: 1600 by EIP-2028, 4000 by EIP-7623. */
    TX_BREAKS(
        BP_TX_LEGACY, BP_ERR_RULE_TX_FLOOR_GAS,
        (memset(s->data, 1, 100), s->tx.data.n = 100, s->tx.gas_limit = 24999));
    TX_BREAKS(
        BP_TX_LEGACY, 0,
        (memset(s->data, 1, 100), s->tx.data.n = 100, s->tx.gas_limit = 25000));
    TX_BREAKS(BP_TX_LEGACY, BP_ERR_RULE_TX_INTRINSIC_GAS,
              (memset(s->data, 1, 100), s->tx.data.n = 100,
               s->tx.gas_limit = 27799,
               s->spec->fork[BP_FORK_ISTANBUL] = BP_FORK_NEVER));
    TX_BREAKS(BP_TX_LEGACY, 0,
              (s->tx.creates = true, s->tx.data.n = 49152,
               s->tx.gas_limit = 1000000));
    TX_BREAKS(BP_TX_LEGACY, BP_ERR_RULE_TX_INIT_CODE,
              (s->tx.creates = true, s->tx.data.n = 49153,
               s->tx.gas_limit = 1000000));
    TX_BREAKS(BP_TX_LEGACY, BP_ERR_RULE_TX_GAS_LIMIT,
              s->b.header.gas_limit = 49999);
    TX_BREAKS(BP_TX_LEGACY, 0, s->tx.gas_limit = 1 << 24);
    TX_BREAKS(BP_TX_LEGACY, BP_ERR_RULE_TX_GAS_CAP,
              s->tx.gas_limit = (1 << 24) + 1);
}

static void rules_of_blobs(void **state) {
    (void)state;
    static const uint8_t none[] = { 0xc0 };
    static const uint8_t bad[34] = { 0xe1, 0xa0, 2 };
    TX_BREAKS(BP_TX_BLOB, BP_ERR_RULE_TX_BLOB, s->tx.creates = true);
    TX_BREAKS(BP_TX_BLOB, BP_ERR_RULE_TX_BLOB,
              s->tx.blob_hashes = ((bp_span){ none, 1 }));
    TX_BREAKS(BP_TX_BLOB, BP_ERR_RULE_TX_BLOB,
              s->tx.blob_hashes = ((bp_span){ bad, sizeof bad }));
    TX_BREAKS(BP_TX_BLOB, BP_ERR_RULE_TX_BLOB, s->tx.max_blob_fee.w[0] = 0);
    TX_BREAKS(BP_TX_BLOB, BP_ERR_RULE_TX_BLOB,
              s->b.header.excess_blob_gas = 50000000);
    TX_BREAKS(BP_TX_BLOB, BP_ERR_RULE_BLOB_GAS_TOTAL,
              s->b.header.blob_gas_used = 2 * 131072);
    TX_BREAKS(BP_TX_LEGACY, BP_ERR_RULE_BLOB_GAS_TOTAL,
              s->b.header.blob_gas_used = 131072);
    TX_BREAKS(BP_TX_SET_CODE, BP_ERR_RULE_TX_AUTHORIZATION,
              s->tx.authorizations = ((bp_span){ none, 1 }));
    TX_BREAKS(BP_TX_SET_CODE, BP_ERR_RULE_TX_AUTHORIZATION,
              (s->tx.creates = true, s->tx.gas_limit = 100000));
}

static void rules_of_form_and_size(void **state) {
    (void)state;
    struct scene *s = scene_of(BP_TX_LEGACY);
    s->b.body.transactions = (bp_span){ (const uint8_t *)"\xc2\xc1\x01", 3 };
    expect(bp_check_transactions(s->spec, &s->b), BP_ERR_RULE_TX_FORM);
    s->b.body.transactions = (bp_span){ (const uint8_t *)"\xc2\x05", 2 };
    s->b.body.transactions = (bp_span){ (const uint8_t *)"\xc1\x05", 2 };
    expect(bp_check_transactions(s->spec, &s->b), BP_ERR_RULE_TX_TYPE);
    s->b.body = bp_body_none(true);
    /* 8 MiB in all: three lists, the header, the prefix of the block. */
    uint8_t *header = calloc(1, 8388608);
    assert_non_null(header);
    s->b.header_rlp = (bp_span){ header, 8388608 - 3 - 4 };
    expect(bp_check_transactions(s->spec, &s->b), 0);
    s->b.header_rlp.n++;
    expect(bp_check_transactions(s->spec, &s->b), BP_ERR_RULE_BLOCK_SIZE);
    free(header);
    free(s->spec);
    free(s);
}

/* ---- receipts ---------------------------------------------------------- */

struct slip {
    struct bp_spec *spec;
    struct bp_block b;
    struct bp_receipt r[2];
    size_t n;
    uint8_t logs[200], txs[64], list[2000];
    bool wrong_root;
};

static void slip_make(struct slip *s) {
    uint8_t address[20] = { 7 };
    memset(s, 0, sizeof *s);
    s->spec = pos_spec();
    s->n = 2;
    s->b.header.n_fields = 21;
    struct bp_rlp_w w = { s->logs, sizeof s->logs, 0 };
    size_t all = bp_rlp_open(&w), one = bp_rlp_open(&w);
    bp_rlp_put_str(&w, address, sizeof address);
    size_t topics = bp_rlp_open(&w);
    /* keccak256("DepositEvent(bytes,bytes,bytes,bytes,bytes)") */
    bp_hash topic;
    const char *event = "DepositEvent(bytes,bytes,bytes,bytes,bytes)";
    bp_keccak256(&topic, (bp_span){ (const uint8_t *)event, strlen(event) });
    bp_rlp_put_hash(&w, &topic);
    bp_rlp_close(&w, topics);
    bp_rlp_put_str(&w, "x", 1);
    bp_rlp_close(&w, one);
    bp_rlp_close(&w, all);
    s->r[0].status = s->r[1].status = (bp_span){ (const uint8_t *)"\x01", 1 };
    s->r[0].gas = 21000;
    s->r[0].logs = (bp_span){ s->logs, w.n };
    bp_bloom_add(s->r[0].bloom, s->r[0].logs);
    s->r[1].type = 2;
    s->r[1].gas = 60000;
    s->r[1].logs = (bp_span){ (const uint8_t *)"\xc0", 1 };
    memcpy(s->b.header.bloom, s->r[0].bloom, 256);
    s->b.header.gas_used = 60000;
    /* A legacy transaction and one of type 2, as far as receipts look. */
    s->b.body.transactions = (bp_span){ (const uint8_t *)"\xc3\xc0\x02", 3 };
    s->b.body.transactions =
        (bp_span){ (const uint8_t *)"\xc5\xc1\x01\x82\x02\xc0", 6 };
}

static struct bp_ruling judge_receipts(struct slip *s) {
    struct bp_rlp_w w = { s->list, sizeof s->list, 0 };
    struct bp_roots *roots;
    bp_hash root;
    size_t mark = bp_rlp_open(&w);
    for (size_t i = 0; i < s->n; i++) bp_receipt_put(&w, &s->r[i]);
    bp_rlp_close(&w, mark);
    assert_int_equal(bp_roots_new(&roots, NULL), 0);
    assert_int_equal(bp_roots_add(roots, (bp_span){ s->list, w.n }, &root), 0);
    bp_roots_run(roots);
    bp_roots_free(roots);
    s->b.header.receipts_root = root;
    s->b.header.receipts_root.b[0] ^= s->wrong_root;
    return bp_check_receipts(s->spec, &s->b, (bp_span){ s->list, w.n }, &root);
}

#define RECEIPT_BREAKS(err, ...)                                               \
    do {                                                                       \
        struct slip s;                                                         \
        slip_make(&s);                                                         \
        expect(judge_receipts(&s), 0);                                         \
        __VA_ARGS__;                                                           \
        expect(judge_receipts(&s), err);                                       \
        free(s.spec);                                                          \
    } while (0)

static void rules_of_receipts(void **state) {
    (void)state;
    static const bp_hash no_requests = { {
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4,
        0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b,
        0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
    } };
    RECEIPT_BREAKS(BP_ERR_RULE_RECEIPTS_ROOT, s.wrong_root = true);
    RECEIPT_BREAKS(BP_ERR_RULE_RECEIPTS_COUNT, s.n = 1);
    RECEIPT_BREAKS(BP_ERR_RULE_RECEIPTS_COUNT,
                   s.b.body.transactions =
                       ((bp_span){ (const uint8_t *)"\xc2\xc1\x01", 3 }));
    RECEIPT_BREAKS(BP_ERR_RULE_RECEIPTS_FORM, s.r[1].type = 1);
    RECEIPT_BREAKS(BP_ERR_RULE_RECEIPTS_FORM, s.r[0].status.n = 0,
                   s.r[0].logs = ((bp_span){ (const uint8_t *)"\xc1\xc0", 2 }));
    RECEIPT_BREAKS(BP_ERR_RULE_RECEIPTS_BLOOM, s.r[1].bloom[0] = 1);
    RECEIPT_BREAKS(BP_ERR_RULE_RECEIPTS_BLOOM, s.b.header.bloom[0] ^= 1);
    RECEIPT_BREAKS(BP_ERR_RULE_RECEIPTS_GAS, s.b.header.gas_used++);
    RECEIPT_BREAKS(BP_ERR_RULE_RECEIPTS_GAS, s.r[1].gas = 20999);
    RECEIPT_BREAKS(BP_ERR_RULE_RECEIPTS_REQUESTS,
                   (s.spec->has_deposit_contract = true,
                    s.spec->deposit_contract[0] = 7,
                    s.b.header.requests_hash = no_requests));
    RECEIPT_BREAKS(0, (s.spec->has_deposit_contract = true,
                       s.b.header.requests_hash = no_requests));
}

/* A run longer than a chunk, of which every third block has none at hand. */
static void the_first_wrong_receipts_end_a_run(void **state) {
    (void)state;
    enum { N = 130 };
    static struct bp_block block[N];
    static bp_span receipts[N];
    struct slip s;
    struct bp_verifier *v;
    slip_make(&s);
    assert_int_equal(judge_receipts(&s).kind, BP_RULING_OK);
    bp_span item, in = { s.list, sizeof s.list }, rest = in;
    assert_int_equal(bp_rlp_list(&item, &rest), 0);
    in.n -= rest.n;
    for (size_t i = 0; i < N; i++) {
        block[i] = s.b;
        receipts[i] = i % 3 == 1 ? (bp_span){ NULL, 0 } : in;
    }
    assert_int_equal(bp_verifier_new(&v, NULL, s.spec, NULL), 0);
    struct bp_ruling r = bp_verify_receipts(v, block, receipts, N);
    assert_int_equal(r.kind, BP_RULING_OK);
    assert_int_equal(r.n, N);
    block[100].header.receipts_root.b[0] ^= 1; /* not at hand */
    receipts[120].n--;                         /* no list */
    r = bp_verify_receipts(v, block, receipts, N);
    assert_int_equal(r.err, BP_ERR_RULE_RECEIPTS_FORM);
    assert_int_equal(r.n, 120);
    block[119].header.receipts_root.b[0] ^= 1;
    r = bp_verify_receipts(v, block, receipts, N);
    assert_int_equal(r.kind, BP_RULING_INVALID);
    assert_int_equal(r.err, BP_ERR_RULE_RECEIPTS_ROOT);
    assert_int_equal(r.n, 119);
    bp_verifier_free(v);
    free(s.spec);
}

/* ---- seals ------------------------------------------------------------- */

static int judge_seal(const struct bp_spec *spec, const struct bp_header *h) {
    struct bp_seal_claim claim;
    int verdict = 0;
    bp_seal_claims(&claim, spec, h, 1);
    const struct bp_sealer *sealer = test_sealer();
    assert_int_equal(sealer->verify(sealer->user, &verdict, &claim, 1), 0);
    return claim.err != 0 ? claim.err : verdict;
}

static void rules_of_seals(void **state) {
    (void)state;
    static uint8_t work[BP_ETHASH_WORK_SIZE];
    struct bp_ethash_tuning tuning = bp_ethash_tuning_default(bp_cpu_detect());
    struct pair p = pair_of(pow_spec());
    struct bp_header h = p.child;
    h.difficulty = bp_u256_from_u64(16);
    assert_true(bp_header_sealed(&h));
    bp_build_seal(&h, test_light(), 0, &tuning, work);
    expect_err(judge_seal(p.spec, &h), 0);
    struct bp_header off = h;
    off.difficulty.w[3] = 1; /* no seal of ours is that good */
    expect_err(judge_seal(p.spec, &off), BP_ERR_SEAL_WORK);
    off = h;
    off.difficulty.w[0] = 1; /* any result will do; the mix must be right */
    expect_err(judge_seal(p.spec, &off), BP_ERR_SEAL_MIX);
    off.number = (uint64_t)BP_ETHASH_EPOCHS * BP_ETHASH_EPOCH_BLOCKS;
    expect_err(judge_seal(p.spec, &off), BP_ERR_SEAL_EPOCH);
    off.difficulty.w[0] = 0;
    assert_false(bp_header_sealed(&off));
    free(p.spec);
}

/* ---- the table --------------------------------------------------------- */

static void rules_are_all_broken_above(void **state) {
    (void)state;
    size_t n;
    const struct bp_rule *rule = bp_rules(&n);
    assert_true(n > 50);
    for (size_t i = 0; i < n; i++) {
        bool seen = rule[i].err == BP_ERR_RULE_UNKNOWN_PARENT; /* test_import */
        for (size_t k = 0; k < n_broken; k++) seen |= broken[k] == rule[i].err;
        if (!seen) fail_msg("no case breaks %s", rule[i].name);
        assert_ptr_equal(bp_rule_of(rule[i].err), &rule[i]);
    }
    assert_null(bp_rule_of(BP_ERR_NOMEM));
}

static void rules_name_themselves(void **state) {
    (void)state;
    size_t n;
    const struct bp_rule *rule = bp_rules(&n);
    for (size_t i = 0; i < n; i++) {
        char text[BP_RULING_TEXT_MAX];
        struct bp_ruling r = { BP_RULING_INVALID, 3, rule[i].err, -1, -1, 0 };
        size_t len = strlen(rule[i].name);
        bp_ruling_text(text, &r);
        assert_memory_equal(text, rule[i].name, len);
        assert_memory_equal(text + len, ": ", 2);
        enum bp_fault_of who =
            rule[i].kind == BP_RULE_NOT_YET ? BP_WORLD : BP_PEER;
        assert_int_equal(bp_err_fault(rule[i].err), who);
    }
    struct bp_ruling r = { BP_RULING_INVALID, 0, BP_ERR_RULE_TIME, 1, -1, 0 };
    char text[BP_RULING_TEXT_MAX];
    assert_memory_equal(bp_ruling_text(text, &r), "uncle 1: time: ", 15);
    r = (struct bp_ruling){
        BP_RULING_INVALID, 0, BP_ERR_RULE_TX_FEE, -1, 7, 0
    };
    assert_memory_equal(bp_ruling_text(text, &r),
                        "transaction 7: tx-fee: ", 23);
    r = (struct bp_ruling){ BP_RULING_OK, 1, 0, -1, -1, 0 };
    assert_string_equal(bp_ruling_text(text, &r), "valid");
}

/* | `name` | source | where | error | kind | */
static void rules_are_documented(void **state) {
    (void)state;
    static const char *const kind[] = { "header", "committed", "body",
                                        "not yet" };
    char path[512], row[512];
    size_t n, len;
    const struct bp_rule *rule = bp_rules(&n);
    snprintf(path, sizeof path, "%s/docs/protocol/rules.md",
             getenv("BLOCKPOOL_SOURCE_ROOT"));
    char *text = (char *)test_read(path, &len);
    for (size_t i = 0; i < n; i++) {
        snprintf(row, sizeof row, "| `%s` | %s | `%s` | `%s` | %s |\n",
                 rule[i].name, rule[i].source, rule[i].where,
                 bp_errname(rule[i].err), kind[rule[i].kind]);
        if (strstr(text, row) == NULL) fail_msg("not there: %s", row);
    }
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(rules_of_a_header),
        T(rules_of_the_dao_fork),
        T(rules_after_the_merge),
        T(rules_of_roots),
        T(rules_of_uncles),
        T(rules_of_transactions),
        T(rules_of_gas),
        T(rules_of_blobs),
        T(rules_of_form_and_size),
        T(rules_of_receipts),
        T(the_first_wrong_receipts_end_a_run),
        T(rules_of_seals),
        T(rules_are_all_broken_above),
        T(rules_name_themselves),
        T(rules_are_documented),
    };
    return bp_run(tests);
}
