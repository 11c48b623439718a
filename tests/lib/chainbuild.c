#include "lib/chainbuild.h"

#include "blockpool/keccak.h"
#include "chain/build.h"
#include "lib/sealer.h"

enum { SECONDS = 13, PRICE = 2000000000 };

void chainbuild_open(struct chainbuild *c, const char *network, bool sealed) {
    static const uint8_t seed[32] = { 1 };
    memset(c, 0, sizeof *c);
    c->sealed = sealed;
    assert_int_equal(bp_spec_builtin(&c->spec, network, NULL), 0);
    assert_int_equal(bp_roots_new(&c->roots, NULL), 0);
    assert_int_equal(bp_secp_init(&c->curve, NULL, seed), 0);
    c->v = malloc((c->cap = 64) * sizeof *c->v);
    assert_non_null(c->v);
    struct chain_block *g = &c->v[c->n++];
    memset(g, 0, sizeof *g);
    g->b.header = c->spec->genesis;
    g->b.header_rlp = c->spec->genesis_rlp;
    g->b.body = bp_body_none(g->b.header.n_fields >= BP_FIELDS_SHANGHAI);
    g->hash = c->spec->genesis_hash;
    g->td = c->spec->genesis_td;
}

void chainbuild_close(struct chainbuild *c) {
    for (size_t i = 1; i < c->n; i++) free((void *)c->v[i].block.p);
    free(c->v);
    bp_secp_done(&c->curve);
    bp_roots_free(c->roots);
    bp_spec_free(c->spec);
}

/* A list of signed transfers, in a block of memory of its own. */
static bp_span transactions(struct chainbuild *c, size_t n) {
    static const uint8_t key[32] = { 7 }, to[20] = { 9 };
    size_t cap = 16 + n * BP_BUILD_TX_BYTES;
    struct bp_rlp_w w = { malloc(cap), cap, 0 };
    assert_non_null(w.p);
    size_t mark = bp_rlp_open(&w);
    for (size_t i = 0; i < n; i++) {
        uint8_t tx[BP_BUILD_TX_BYTES];
        size_t len = bp_build_transfer(tx, &c->curve, key, c->spec->chain_id,
                                       c->nonce++, PRICE, to);
        assert_true(len > 0);
        bp_rlp_put_raw(&w, tx, len);
    }
    bp_rlp_close(&w, mark);
    assert_int_equal(bp_rlp_done(&w), 0);
    return (bp_span){ w.p, w.n };
}

static bp_span uncles(const struct chainbuild *c,
                      const struct chain_options *o) {
    size_t cap = 16 + o->n_uncles * BP_HEADER_BYTES_MAX;
    struct bp_rlp_w w = { malloc(cap), cap, 0 };
    assert_non_null(w.p);
    size_t mark = bp_rlp_open(&w);
    for (size_t i = 0; i < o->n_uncles; i++) {
        bp_span h = c->v[o->uncle[i]].b.header_rlp;
        bp_rlp_put_raw(&w, h.p, h.n);
    }
    bp_rlp_close(&w, mark);
    return (bp_span){ w.p, w.n };
}

static void seal(struct bp_header *h) {
    static uint8_t work[BP_ETHASH_WORK_SIZE];
    struct bp_ethash_tuning tuning = bp_ethash_tuning_default(bp_cpu_detect());
    bp_build_seal(h, test_light(), 0, &tuning, work);
}

/* Writes the block and reads it back, so that all of it borrows one copy. */
static void keep(struct chain_block *b, const struct bp_header *h,
                 const struct bp_body *body) {
    uint8_t header[BP_HEADER_BYTES_MAX];
    struct bp_rlp_w w = { header, sizeof header, 0 }, count = { NULL, 0, 0 };
    bp_header_put(&w, h);
    bp_span header_rlp = { header, w.n };
    bp_block_put(&count, header_rlp, body);
    struct bp_rlp_w out = { malloc(count.n), count.n, 0 };
    assert_non_null(out.p);
    bp_block_put(&out, header_rlp, body);
    b->block = (bp_span){ out.p, out.n };
    bp_span in = b->block;
    assert_int_equal(bp_block_decode(&b->b, &in), 0);
    bp_keccak256(&b->hash, b->b.header_rlp);
}

size_t chainbuild_add(struct chainbuild *c, size_t parent,
                      const struct chain_options *options) {
    static const struct chain_options none;
    const struct chain_options *o = options != NULL ? options : &none;
    struct bp_build build;
    struct bp_header h;
    assert_true(parent < c->n);
    if (c->n == c->cap) {
        c->v = realloc(c->v, (c->cap *= 2) * sizeof *c->v);
        assert_non_null(c->v);
    }
    memset(&build, 0, sizeof build);
    build.spec = c->spec;
    build.parent = &c->v[parent].b.header;
    build.parent_hash = &c->v[parent].hash;
    build.time = build.parent->time + (o->seconds > 0 ? o->seconds : SECONDS);
    build.coinbase[0] = o->miner;
    build.body.transactions = transactions(c, o->txs);
    build.body.uncles = uncles(c, o);
    build.n_txs = o->txs;
    assert_int_equal(bp_build_header(&h, &build, c->roots, NULL), 0);
    if (c->sealed) seal(&h);
    struct chain_block *b = &c->v[c->n];
    memset(b, 0, sizeof *b);
    b->parent = parent;
    keep(b, &h, &build.body);
    assert_false(
        bp_u256_add(&b->td, &c->v[parent].td, &b->b.header.difficulty));
    free((void *)build.body.transactions.p);
    free((void *)build.body.uncles.p);
    return c->n++;
}

struct bp_lineage chainbuild_lineage(const struct chainbuild *c, size_t i) {
    size_t path[BP_LINEAGE_MAX], n = 0;
    struct bp_lineage l;
    bp_lineage_init(&l);
    for (size_t k = i; n < BP_LINEAGE_MAX; k = c->v[k].parent) {
        path[n++] = k;
        if (k == CHAIN_GENESIS) break;
    }
    while (n-- > 0) {
        const struct chain_block *b = &c->v[path[n]];
        bp_lineage_push(&l, &b->b.header, &b->hash, b->b.body.uncles);
    }
    return l;
}
