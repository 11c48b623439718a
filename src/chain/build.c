/* build: new blocks, for test chains and demonstrations. */
#include "chain/build.h"

#include <string.h>

#include "blockpool/keccak.h"
#include "prim/secp.h"

/* The receipts of n plain transfers: success, gas so far, no logs. */
static void put_receipts(struct bp_rlp_w *w, size_t n) {
    static const uint8_t no_bloom[256];
    size_t list = bp_rlp_open(w);
    for (size_t i = 1; i <= n; i++) {
        size_t receipt = bp_rlp_open(w);
        bp_rlp_put_u64(w, 1);
        bp_rlp_put_u64(w, i * BP_BUILD_TX_GAS);
        bp_rlp_put_str(w, no_bloom, sizeof no_bloom);
        bp_rlp_put_list(w, 0);
        bp_rlp_close(w, receipt);
    }
    bp_rlp_close(w, list);
}

static int receipts_root(bp_hash *out, size_t n, struct bp_roots *roots,
                         const struct bp_alloc *alloc) {
    struct bp_rlp_w w = { NULL, 0, 0 };
    *out = bp_empty_root;
    if (n == 0) return 0;
    put_receipts(&w, n);
    size_t size = w.n;
    uint8_t *bytes = bp_malloc(alloc, size);
    if (bytes == NULL) return BP_ERR_NOMEM;
    w = (struct bp_rlp_w){ bytes, size, 0 };
    put_receipts(&w, n);
    int err = bp_roots_add(roots, (bp_span){ bytes, w.n }, out);
    if (err == 0) bp_roots_run(roots);
    bp_free(alloc, bytes, size);
    return err;
}

int bp_build_header(struct bp_header *out, const struct bp_build *b,
                    struct bp_roots *roots, const struct bp_alloc *alloc) {
    struct bp_body_roots r;
    struct bp_header h = { .parent_hash = *b->parent_hash,
                           .state_root = b->parent->state_root,
                           .number = b->parent->number + 1,
                           .gas_limit = b->parent->gas_limit,
                           .gas_used = b->n_txs * BP_BUILD_TX_GAS,
                           .time = b->time,
                           .extra = b->extra };
    int err = bp_bodies_roots(&r, roots, &b->body, 1);
    if (err == 0) err = receipts_root(&h.receipts_root, b->n_txs, roots, alloc);
    if (err != 0) return err;
    memcpy(h.coinbase, b->coinbase, sizeof h.coinbase);
    h.uncles_hash = r.uncles;
    h.transactions_root = r.transactions;
    h.withdrawals_root = r.withdrawals;
    h.n_fields = (uint8_t)bp_header_fields_at(b->spec, h.number, h.time);
    bp_difficulty(&h.difficulty, b->spec, h.number, h.time, b->parent);
    if (h.n_fields >= BP_FIELDS_LONDON) {
        bp_base_fee(&h.base_fee, b->spec, b->parent);
        /* The gas target keeps its size: the limit doubles at the fork. */
        if (b->parent->n_fields < BP_FIELDS_LONDON) h.gas_limit *= 2;
    }
    if (h.n_fields >= BP_FIELDS_CANCUN)
        h.excess_blob_gas = bp_excess_blob_gas(b->spec, h.time, b->parent);
    *out = h;
    return 0;
}

void bp_build_seal(struct bp_header *h, const struct bp_ethash_light *light,
                   uint64_t first, const struct bp_ethash_tuning *tuning,
                   void *work) {
    bp_hash seal_hash, boundary;
    struct bp_ethash_result result;
    uint64_t nonce;
    bp_header_seal_hash(&seal_hash, h);
    bp_ethash_boundary(&boundary, &h->difficulty);
    while (!bp_ethash_search(&nonce, &result, light, &seal_hash, &boundary,
                             first, 4096, tuning, work))
        first += 4096;
    h->mix_hash = result.mix;
    for (int i = 0; i < 8; i++) h->nonce[i] = (uint8_t)(nonce >> (56 - 8 * i));
}

static void put_transfer(struct bp_rlp_w *w, uint64_t nonce, uint64_t price,
                         const uint8_t to[20]) {
    bp_rlp_put_u64(w, nonce);
    bp_rlp_put_u64(w, price);
    bp_rlp_put_u64(w, BP_BUILD_TX_GAS);
    bp_rlp_put_str(w, to, 20);
    bp_rlp_put_u64(w, 0);
    bp_rlp_put_str(w, NULL, 0);
}

size_t bp_build_transfer(uint8_t out[BP_BUILD_TX_BYTES],
                         const struct bp_secp *curve, const uint8_t key[32],
                         uint64_t chain_id, uint64_t nonce, uint64_t price,
                         const uint8_t to[20]) {
    struct bp_rlp_w w = { out, BP_BUILD_TX_BYTES, 0 };
    uint8_t sig[BP_SECP_SIG];
    bp_hash hash;
    size_t list = bp_rlp_open(&w);
    put_transfer(&w, nonce, price, to);
    bp_rlp_put_u64(&w, chain_id); /* EIP-155: signed in place of v, r, s */
    bp_rlp_put_u64(&w, 0);
    bp_rlp_put_u64(&w, 0);
    bp_rlp_close(&w, list);
    bp_keccak256(&hash, (bp_span){ w.p, w.n });
    if (bp_secp_sign(sig, curve, key, hash.b) != 0) return 0;
    bp_u256 r = bp_u256_from_be(sig, 32), s = bp_u256_from_be(sig + 32, 32);
    w.n = 0;
    list = bp_rlp_open(&w);
    put_transfer(&w, nonce, price, to);
    bp_rlp_put_u64(&w, chain_id * 2 + 35 + sig[64]);
    bp_rlp_put_u256(&w, &r);
    bp_rlp_put_u256(&w, &s);
    bp_rlp_close(&w, list);
    return w.n;
}
