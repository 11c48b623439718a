#include "lib/test.h"

#include "blockpool/files.h"
#include "blockpool/import.h"
#include "blockpool/keccak.h"
#include "chain/build.h"
#include "lib/sealer.h"

/* A chain with a memory store and an importer that verifies real seals. */
struct world {
    struct bp_spec *spec;
    struct bp_store *store;
    struct bp_import *im;
};

static void world_open(struct world *w, struct bp_spec *spec) {
    struct bp_store_chain chain = bp_import_chain(spec);
    struct bp_import_config cfg;
    memset(&cfg, 0, sizeof cfg);
    w->spec = spec;
    assert_int_equal(bp_store_mem_new(&w->store, NULL, &chain), 0);
    cfg.spec = spec;
    cfg.store = w->store;
    cfg.sealer = test_sealer();
    cfg.checks = BP_CHECK_ALL;
    cfg.max_reorg = UINT64_MAX;
    assert_int_equal(bp_import_new(&w->im, &cfg), 0);
}

static void world_close(struct world *w) {
    bp_import_free(w->im);
    bp_store_close(w->store);
    bp_spec_free(w->spec);
}

static struct bp_spec *spec_file(const char *relative) {
    struct bp_spec *s;
    size_t n;
    uint8_t *text = test_read(need_data(relative), &n);
    assert_int_equal(bp_spec_parse(&s, (bp_span){ text, n }, NULL, NULL), 0);
    free(text);
    return s;
}

static struct bp_spec *builtin(const char *name) {
    struct bp_spec *s;
    assert_int_equal(bp_spec_builtin(&s, name, NULL), 0);
    return s;
}

/* A file's blocks, all in memory. */
struct chain {
    struct bp_import_block *block;
    size_t n;
};

static bp_span copy(bp_span s) {
    uint8_t *p = malloc(s.n + 1);
    assert_non_null(p);
    memcpy(p, s.p, s.n);
    return (bp_span){ p, s.n };
}

static void chain_read(struct chain *c, const char *relative) {
    struct bp_reader *r;
    struct bp_file_block b;
    c->n = 0;
    c->block = calloc(8192, sizeof *c->block);
    assert_non_null(c->block);
    assert_int_equal(bp_reader_open(&r, need_data(relative), NULL, NULL), 0);
    while (bp_reader_next(r, &b, NULL) == 0) {
        if (b.number == 0) continue;
        assert_true(c->n < 8192);
        c->block[c->n].header = copy(b.header);
        c->block[c->n].body = copy(b.body);
        if (b.receipts.p != NULL) c->block[c->n].receipts = copy(b.receipts);
        c->n++;
    }
    bp_reader_close(r);
}

static void chain_free(struct chain *c) {
    for (size_t i = 0; i < c->n; i++) {
        free((void *)c->block[i].header.p);
        free((void *)c->block[i].body.p);
        free((void *)c->block[i].receipts.p);
    }
    free(c->block);
}

/* Each canonical block has the hash and total difficulty of the truth. */
static void compare(struct world *w, const char *truth) {
    size_t n, seen = 0;
    char *text = (char *)test_read(need_data(truth), &n), *save;
    struct bp_store_view *v;
    assert_int_equal(bp_view_begin(&v, w->store), 0);
    for (char *line = strtok_r(text, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        unsigned long number;
        char hash[80], td[80], got[BP_U256_DEC_MAX], got_hash[65];
        struct bp_store_entry e;
        if (line[0] == '#') continue;
        assert_int_equal(sscanf(line, "%lu %79s %79s", &number, hash, td), 3);
        assert_int_equal(bp_view_at(v, &e, number), 0);
        bp_hex(got_hash, e.hash.b, 32);
        assert_string_equal(got_hash, hash);
        bp_u256_to_dec(got, &e.td);
        assert_string_equal(got, td);
        assert_true(number == 0 || (e.checks & BP_CHECK_ALL) == BP_CHECK_ALL);
        seen++;
    }
    assert_true(seen >= 600);
    bp_view_end(v);
    free(text);
}

static void whole_chain(struct bp_spec *spec, const char *file,
                        const char *truth, uint64_t last) {
    struct world w;
    struct chain c;
    world_open(&w, spec);
    chain_read(&c, file);
    for (size_t done = 0; done < c.n;) {
        struct bp_import_result res;
        char text[BP_RULING_TEXT_MAX];
        size_t k = c.n - done < 700 ? c.n - done : 700;
        assert_int_equal(
            bp_import_blocks(w.im, &res, c.block + done, k, UINT64_MAX, NULL),
            0);
        if (res.ruling.kind != BP_RULING_OK)
            fail_msg("block %zu: %s", done + res.ruling.n,
                     bp_ruling_text(text, &res.ruling));
        assert_int_equal(res.kind, BP_IMPORT_HEAD);
        assert_int_equal(res.moved.stored, k);
        done += k;
        assert_int_equal(res.moved.new_head.number, done);
    }
    assert_int_equal(c.n, last);
    compare(&w, truth);
    chain_free(&c);
    world_close(&w);
}

static void import_mainnet(void **state) {
    (void)state;
    whole_chain(builtin("mainnet"), "chains/mainnet-00000-5ec1ffb8.era1",
                "truth/mainnet-00000-5ec1ffb8.blocks.tsv.gz", 8191);
}
static void import_sepolia(void **state) {
    (void)state;
    whole_chain(builtin("sepolia"), "chains/sepolia-00000-643a00f7.era1",
                "truth/sepolia-00000-643a00f7.blocks.tsv.gz", 8191);
}
static void import_ethtest_pow(void **state) {
    (void)state;
    whole_chain(spec_file("chains/ethtest-pow/genesis.json"),
                "chains/ethtest-pow/chain.rlp",
                "truth/ethtest-pow-chain.blocks.tsv.gz", 3000);
}
static void import_ethtest(void **state) {
    (void)state;
    whole_chain(spec_file("chains/ethtest/genesis.json"),
                "chains/ethtest/chain.rlp", "truth/ethtest-chain.blocks.tsv.gz",
                600);
    whole_chain(spec_file("chains/ethtest/spec.json"),
                "chains/ethtest/chain.rlp", "truth/ethtest-chain.blocks.tsv.gz",
                600);
}

/* ---- what becomes of a block ------------------------------------------- */

/* Chains on the dev network, without seals. */
struct dev {
    struct world w;
    struct bp_roots *roots;
    uint8_t rlp[64][1024];
};

struct made {
    struct bp_header h;
    bp_hash hash;
    struct bp_import_block raw;
};

static void dev_open(struct dev *d, bool mess, uint64_t max_reorg) {
    struct bp_import_config cfg;
    world_open(&d->w, builtin("dev"));
    bp_import_free(d->w.im);
    memset(&cfg, 0, sizeof cfg);
    if (mess) d->w.spec->mess_from = 0;
    cfg.spec = d->w.spec;
    cfg.store = d->w.store;
    cfg.checks = BP_CHECK_RULES | BP_CHECK_ROOTS;
    cfg.max_reorg = max_reorg;
    cfg.hold_deep = true;
    cfg.mess = mess;
    assert_int_equal(bp_import_new(&d->w.im, &cfg), 0);
    assert_int_equal(bp_roots_new(&d->roots, NULL), 0);
}

static void dev_close(struct dev *d) {
    bp_roots_free(d->roots);
    world_close(&d->w);
}

/* A block without transactions on top of another, `seconds` later; its bytes
   live in slot i. */
static struct made make(struct dev *d, size_t i, const struct bp_header *parent,
                        const bp_hash *parent_hash, uint64_t seconds) {
    struct made m;
    struct bp_build b;
    struct bp_rlp_w w = { d->rlp[i], sizeof d->rlp[i], 0 };
    memset(&b, 0, sizeof b);
    memset(&m, 0, sizeof m);
    b.spec = d->w.spec;
    b.parent = parent;
    b.parent_hash = parent_hash;
    b.time = parent->time + seconds;
    b.coinbase[0] = (uint8_t)i;
    b.body = bp_body_none(false);
    assert_int_equal(bp_build_header(&m.h, &b, d->roots, NULL), 0);
    bp_header_put(&w, &m.h);
    m.raw.header = (bp_span){ d->rlp[i], w.n };
    m.raw.body = (bp_span){ (const uint8_t *)"\xc2\xc0\xc0", 3 };
    bp_keccak256(&m.hash, m.raw.header);
    return m;
}

/* n blocks from slot i on; returns them in m. */
static void make_run(struct dev *d, struct made *m, size_t i, size_t n,
                     const struct bp_header *parent, const bp_hash *hash,
                     uint64_t seconds) {
    for (size_t k = 0; k < n; k++) {
        m[k] = make(d, i + k, parent, hash, seconds);
        parent = &m[k].h;
        hash = &m[k].hash;
    }
}

static struct bp_import_result import(struct dev *d, const struct made *m,
                                      size_t n) {
    struct bp_import_block raw[64];
    struct bp_import_result res;
    for (size_t i = 0; i < n; i++) raw[i] = m[i].raw;
    assert_int_equal(bp_import_blocks(d->w.im, &res, raw, n, UINT64_MAX, NULL),
                     0);
    return res;
}

static void import_known_orphan_side_head(void **state) {
    (void)state;
    struct dev d;
    struct made a[10], b[12];
    dev_open(&d, false, UINT64_MAX);
    make_run(&d, a, 0, 10, &d.w.spec->genesis, &d.w.spec->genesis_hash, 13);
    make_run(&d, b, 20, 12, &a[1].h, &a[1].hash, 13);
    struct bp_import_result r = import(&d, a + 1, 3);
    assert_int_equal(r.kind, BP_IMPORT_ORPHAN);
    assert_int_equal(r.ruling.err, BP_ERR_RULE_UNKNOWN_PARENT);
    r = import(&d, a, 5);
    assert_int_equal(r.kind, BP_IMPORT_HEAD);
    r = import(&d, a, 5);
    assert_int_equal(r.kind, BP_IMPORT_KNOWN);
    assert_int_equal(r.ruling.kind, BP_RULING_OK);
    r = import(&d, a + 3, 7); /* two known, five new */
    assert_int_equal(r.kind, BP_IMPORT_HEAD);
    assert_int_equal(r.moved.stored, 5);
    r = import(&d, b, 3); /* shorter */
    assert_int_equal(r.kind, BP_IMPORT_SIDE);
    r = import(&d, b + 3, 5); /* as much work, later */
    assert_int_equal(r.kind, BP_IMPORT_SIDE);
    assert_int_equal(bp_u256_cmp(&r.moved.old_head.td, &r.moved.new_head.td),
                     0);
    r = import(&d, b + 8, 4);
    assert_int_equal(r.kind, BP_IMPORT_HEAD);
    assert_int_equal(r.moved.ancestor, 2);
    assert_int_equal(r.decision.depth, 8);
    assert_int_equal(r.moved.new_head.number, 14);
    /* Nothing was given. */
    r = import(&d, b, 0);
    assert_int_equal(r.kind, BP_IMPORT_NONE);
    assert_int_equal(r.ruling.kind, BP_RULING_OK);
    dev_close(&d);
}

static void import_stops_at_what_is_invalid(void **state) {
    (void)state;
    struct dev d;
    struct made a[10];
    dev_open(&d, false, UINT64_MAX);
    make_run(&d, a, 0, 10, &d.w.spec->genesis, &d.w.spec->genesis_hash, 13);
    a[6].raw.header.n--; /* cut */
    struct bp_import_result r = import(&d, a, 10);
    assert_int_equal(r.kind, BP_IMPORT_HEAD);
    assert_int_equal(r.moved.stored, 6);
    assert_int_equal(r.ruling.kind, BP_RULING_INVALID);
    assert_int_equal(r.ruling.n, 6);
    assert_int_equal(r.ruling.err, BP_ERR_RLP_SHORT);
    a[6].raw.header.n++;
    a[7].raw.body = (bp_span){ (const uint8_t *)"\xc3\xc1\x01\xc0", 4 };
    r = import(&d, a + 6, 4);
    assert_int_equal(r.moved.stored, 1);
    assert_int_equal(r.ruling.n, 1);
    assert_int_equal(r.ruling.err, BP_ERR_RULE_TRANSACTIONS_ROOT);
    /* Again from there: what came before the bad one is known now. */
    r = import(&d, a + 6, 4);
    assert_int_equal(r.kind, BP_IMPORT_NONE);
    assert_int_equal(r.ruling.n, 1);
    /* A check writes nothing, and the same blocks are then imported. */
    struct bp_import_block raw = a[7].raw;
    raw.body = a[6].raw.body;
    assert_int_equal(bp_import_check(d.w.im, &r, &raw, 1, UINT64_MAX), 0);
    assert_int_equal(r.kind, BP_IMPORT_SIDE);
    assert_int_equal(bp_import_check(d.w.im, &r, &raw, 1, UINT64_MAX), 0);
    assert_int_equal(r.kind, BP_IMPORT_SIDE);
    a[7].raw = raw;
    r = import(&d, a + 7, 3);
    assert_int_equal(r.moved.stored, 3);
    dev_close(&d);
}

static void import_checks_receipts(void **state) {
    (void)state;
    struct dev d;
    struct made a[4];
    dev_open(&d, false, UINT64_MAX);
    make_run(&d, a, 0, 4, &d.w.spec->genesis, &d.w.spec->genesis_hash, 13);
    a[0].raw.receipts = (bp_span){ (const uint8_t *)"\xc0", 1 };
    struct bp_import_result r = import(&d, a, 2);
    assert_int_equal(r.moved.stored, 2);
    a[2].raw.receipts = (bp_span){ (const uint8_t *)"\xc1\x01", 2 };
    r = import(&d, a + 2, 2);
    assert_int_equal(r.kind, BP_IMPORT_NONE);
    assert_int_equal(r.ruling.err, BP_ERR_RULE_RECEIPTS_ROOT);
    assert_int_equal(r.ruling.n, 0);
    a[2].raw.receipts = (bp_span){ (const uint8_t *)"\xc1", 1 };
    r = import(&d, a + 2, 2);
    assert_int_equal(r.ruling.err, BP_ERR_RULE_RECEIPTS_FORM);
    a[2].raw.receipts.p = NULL;
    r = import(&d, a + 2, 2);
    assert_int_equal(r.moved.stored, 2);
    struct bp_store_view *v;
    struct bp_store_entry e;
    assert_int_equal(bp_view_begin(&v, d.w.store), 0);
    assert_int_equal(bp_view_at(v, &e, 1), 0);
    assert_true(e.checks & BP_CHECK_RECEIPTS);
    assert_int_equal(bp_view_at(v, &e, 2), 0);
    assert_false(e.checks & BP_CHECK_RECEIPTS);
    bp_view_end(v);
    dev_close(&d);
}

static void import_holds_back(void **state) {
    (void)state;
    for (int mess = 0; mess < 2; mess++) {
        struct dev d;
        struct made a[20], b[25];
        dev_open(&d, mess, mess ? UINT64_MAX : 10);
        make_run(&d, a, 0, 20, &d.w.spec->genesis, &d.w.spec->genesis_hash,
                 1000);
        make_run(&d, b, 30, 25, &a[0].h, &a[0].hash, 1000);
        assert_int_equal(import(&d, a, 20).kind, BP_IMPORT_HEAD);
        struct bp_import_result r = import(&d, b, 25);
        assert_int_equal(r.kind, BP_IMPORT_HELD);
        assert_int_equal(r.decision.mess, mess == 1);
        assert_int_equal(r.decision.alarm, mess == 0);
        assert_int_equal(r.decision.depth, 19);
        assert_int_equal(r.moved.stored, 25);
        assert_memory_equal(r.moved.new_head.hash.b, a[19].hash.b, 32);
        dev_close(&d);
    }
}

/* Verified elsewhere: the lineage comes from the store, the blocks go in. */
static void import_of_verified_blocks(void **state) {
    (void)state;
    struct dev d;
    struct made a[20];
    struct bp_block block[10];
    struct bp_store_block row[10];
    bp_hash hash[10];
    struct bp_lineage l;
    struct bp_verifier *v;
    struct bp_import_result r;
    bp_u256 td;
    dev_open(&d, false, UINT64_MAX);
    struct bp_fork_choice fc = { d.w.spec, UINT64_MAX, false, false };
    struct bp_store *store = d.w.store;
    make_run(&d, a, 0, 20, &d.w.spec->genesis, &d.w.spec->genesis_hash, 13);
    for (size_t i = 0; i < 10; i++) {
        const struct made *m = &a[10 + i];
        block[i] =
            (struct bp_block){ m->h, m->raw.header, bp_body_none(false) };
        hash[i] = m->hash;
        row[i] = (struct bp_store_block){
            .hash = m->hash,
            .parent = m->h.parent_hash,
            .number = m->h.number,
            .difficulty = m->h.difficulty,
            .header = m->raw.header,
            .body = m->raw.body,
            .checks = i == 9 ? BP_CHECK_RULES : BP_CHECK_RULES | BP_CHECK_SEAL,
        };
    }
    assert_int_equal(bp_import_verified(&r, &fc, store, row, 10, NULL),
                     BP_ERR_NO_PARENT);
    assert_int_equal(bp_import_verified(&r, &fc, store, row, 0, NULL),
                     BP_ERR_RANGE);
    assert_int_equal(bp_import_lineage(&l, &td, store, &a[9].hash),
                     BP_ERR_NOT_STORED);
    import(&d, a, 10);
    assert_int_equal(bp_import_lineage(&l, &td, store, &a[9].hash), 0);
    assert_int_equal(l.n, BP_LINEAGE_MAX);
    assert_int_equal(bp_verifier_new(&v, NULL, d.w.spec, NULL), 0);
    struct bp_ruling ruling =
        bp_verify_blocks(v, &l, NULL, &td, block, hash, 10, UINT64_MAX);
    assert_int_equal(ruling.kind, BP_RULING_OK);
    bp_verifier_free(v);
    row[9].header.n--;
    assert_int_equal(bp_import_verified(&r, &fc, store, row, 10, NULL),
                     BP_ERR_RLP_SHORT);
    row[9].header.n++;
    assert_int_equal(bp_import_verified(&r, &fc, store, row, 10, NULL), 0);
    assert_int_equal(r.kind, BP_IMPORT_HEAD);
    assert_int_equal(r.ruling.kind, BP_RULING_OK);
    assert_int_equal(r.moved.new_head.number, 20);
    assert_int_equal(r.moved.new_head.checks,
                     BP_CHECK_RULES); /* block by block */
    assert_int_equal(import(&d, a, 20).kind, BP_IMPORT_KNOWN);
    dev_close(&d);
}

/* A store that fails keeps what it had; the same blocks then go in. */
static void import_survives_a_failing_store(void **state) {
    (void)state;
    struct dev d;
    struct made a[8];
    struct bp_import_block raw[8];
    struct bp_import_result r;
    dev_open(&d, false, UINT64_MAX);
    make_run(&d, a, 0, 8, &d.w.spec->genesis, &d.w.spec->genesis_hash, 13);
    for (size_t i = 0; i < 8; i++) raw[i] = a[i].raw;
    assert_int_equal(import(&d, a, 2).kind, BP_IMPORT_HEAD);
    for (uint64_t k = 1; k < 10; k++) {
        bp_store_mem_fail_at(d.w.store, k, BP_ERR_DISK_FULL);
        assert_int_equal(
            bp_import_blocks(d.w.im, &r, raw + 2, 6, UINT64_MAX, NULL),
            BP_ERR_DISK_FULL);
    }
    bp_store_mem_fail_at(d.w.store, 0, 0);
    assert_int_equal(import(&d, a + 2, 6).moved.stored, 6);
    assert_int_equal(
        bp_import_blocks(d.w.im, &r, raw, BP_IMPORT_MAX + 1, 0, NULL),
        BP_ERR_RANGE);
    dev_close(&d);
}

static void import_without_memory(void **state) {
    (void)state;
    struct dev d;
    struct test_alloc a;
    struct bp_import *im = NULL;
    struct bp_import_config cfg;
    dev_open(&d, false, UINT64_MAX);
    test_alloc_init(&a);
    memset(&cfg, 0, sizeof cfg);
    cfg.alloc = &a.iface;
    cfg.spec = d.w.spec;
    cfg.store = d.w.store;
    assert_int_equal(bp_import_new(&im, &cfg), 0);
    struct made m = make(&d, 0, &d.w.spec->genesis, &d.w.spec->genesis_hash, 9);
    struct bp_import_result r;
    size_t calls = a.calls;
    a.fail_at = calls + 1;
    assert_int_equal(bp_import_blocks(im, &r, &m.raw, 1, UINT64_MAX, NULL),
                     BP_ERR_NOMEM);
    assert_int_equal(bp_import_blocks(im, &r, &m.raw, 1, UINT64_MAX, NULL), 0);
    assert_int_equal(r.kind, BP_IMPORT_HEAD);
    bp_import_free(im);
    bp_import_free(NULL);
    assert_int_equal(a.live_blocks, 0);
    for (size_t k = 1; k <= calls; k++) {
        a.calls = 0;
        a.fail_at = k;
        assert_int_equal(bp_import_new(&im, &cfg), BP_ERR_NOMEM);
        assert_int_equal(a.live_blocks, 0);
    }
    dev_close(&d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(import_mainnet),
        T(import_sepolia),
        T(import_ethtest_pow),
        T(import_ethtest),
        T(import_known_orphan_side_head),
        T(import_stops_at_what_is_invalid),
        T(import_checks_receipts),
        T(import_holds_back),
        T(import_of_verified_blocks),
        T(import_survives_a_failing_store),
        T(import_without_memory),
    };
    return bp_run(tests);
}
