#include "lib/test.h"

#include "blockpool/files.h"
#include "blockpool/import.h"
#include "blockpool/keccak.h"
#include "lib/sealer.h"

/* A chain with a memory store and an importer that verifies real seals. */
struct world {
    struct bp_spec *spec;
    struct bp_store *store;
    struct bp_import *im;
};

static void world_open(struct world *w, struct bp_spec *spec) {
    struct bp_store_chain chain;
    struct bp_import_config cfg;
    bool later = spec->genesis.n_fields >= BP_FIELDS_SHANGHAI;
    memset(&chain, 0, sizeof chain);
    memset(&cfg, 0, sizeof cfg);
    chain.name = spec->name;
    chain.network_id = spec->network_id;
    chain.genesis.hash = spec->genesis_hash;
    chain.genesis.difficulty = spec->genesis.difficulty;
    chain.genesis.header = spec->genesis_rlp;
    chain.genesis.body = (bp_span){ (const uint8_t *)(later ? "\xc3\xc0\xc0\xc0"
                                                            : "\xc2\xc0\xc0"),
                                    later ? 4 : 3 };
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

int main(void) {
    const struct CMUnitTest tests[] = {
        T(import_mainnet),
        T(import_sepolia),
        T(import_ethtest_pow),
        T(import_ethtest),
    };
    return bp_run(tests);
}
