/* verify: all checks of a run of blocks, cheap ones first, seals last and
   together. */
#include <string.h>

#include "chain/checks.h"

enum {
    CHUNK = 64, /* blocks whose hashes and seals are computed together */
    SEALS = CHUNK * (1 + BP_UNCLES_MAX),
};

struct bp_verifier {
    const struct bp_alloc *alloc;
    const struct bp_spec *spec;
    struct bp_sealer sealer;
    struct bp_roots *roots;
    struct bp_body body[CHUNK];
    struct bp_body_roots root[CHUNK];
    bp_hash receipts_root[CHUNK];
    struct bp_seal_claim claim[SEALS];
    /* Whose seal it is: the block in the chunk, its uncle or -1. */
    struct {
        size_t block;
        int uncle;
    } owner[SEALS];
    int verdict[SEALS];
    size_t n_claims;
};

int bp_verifier_new(struct bp_verifier **out, const struct bp_alloc *alloc,
                    const struct bp_spec *spec,
                    const struct bp_sealer *sealer) {
    int err = BP_ERR_NOMEM;
    struct bp_verifier *v = bp_zalloc(alloc, sizeof *v);
    if (v == NULL) return err;
    v->alloc = alloc;
    v->spec = spec;
    if (sealer != NULL) v->sealer = *sealer;
    if ((err = bp_roots_new(&v->roots, alloc)) != 0) goto fail_self;
    *out = v;
    return 0;
fail_self:
    bp_free(alloc, v, sizeof *v);
    return err;
}

void bp_verifier_free(struct bp_verifier *v) {
    if (v == NULL) return;
    bp_roots_free(v->roots);
    bp_free(v->alloc, v, sizeof *v);
}

static void add_claims(struct bp_verifier *v, const struct bp_header *h,
                       size_t n, size_t block, int uncle) {
    if (v->sealer.verify == NULL) return;
    for (size_t i = 0; i < n; i++) {
        if (!bp_header_sealed(&h[i])) continue;
        bp_seal_claims(&v->claim[v->n_claims], v->spec, &h[i], 1);
        v->owner[v->n_claims].block = block;
        v->owner[v->n_claims].uncle = uncle < 0 ? -1 : uncle + (int)i;
        v->n_claims++;
    }
}

/* Block i of a chunk: everything but its seals, which are queued. */
static struct bp_ruling check_block(struct bp_verifier *v,
                                    const struct bp_lineage *l,
                                    const bp_u256 *td, const struct bp_block *b,
                                    const bp_hash *hash, size_t i,
                                    uint64_t now) {
    const struct bp_ancestor *parent = bp_lineage_at(l, 0);
    struct bp_run run = { &b->header, hash, 1, NULL, NULL, td };
    struct bp_header uncle[BP_UNCLES_MAX];
    size_t n_uncles;
    if (l->n > 0) {
        run.parent = &parent->header;
        run.parent_hash = &parent->hash;
    }
    struct bp_ruling ruling = bp_check_headers(v->spec, &run, now);
    if (ruling.kind != BP_RULING_OK) return ruling;
    int err = bp_check_roots(&b->header, &v->root[i]);
    if (err != 0) return bp_ruling_bad(0, err);
    ruling = bp_check_uncles(uncle, &n_uncles, v->spec, l, &b->header,
                             b->body.uncles);
    if (ruling.kind != BP_RULING_OK) return ruling;
    ruling = bp_check_transactions(v->spec, b);
    if (ruling.kind != BP_RULING_OK) return ruling;
    add_claims(v, &b->header, 1, i, -1);
    add_claims(v, uncle, n_uncles, i, 0);
    return ruling;
}

/* The first broken seal, as the ruling of its block. */
static struct bp_ruling check_seals(struct bp_verifier *v, size_t n) {
    if (v->n_claims == 0) return bp_ruling_ok(n);
    int err =
        v->sealer.verify(v->sealer.user, v->verdict, v->claim, v->n_claims);
    if (err != 0) {
        struct bp_ruling failed = bp_ruling_bad(0, err);
        failed.kind = BP_RULING_FAILED;
        return failed;
    }
    for (size_t i = 0; i < v->n_claims; i++) {
        err = v->claim[i].err != 0 ? v->claim[i].err : v->verdict[i];
        if (err == 0) continue;
        struct bp_ruling bad = bp_ruling_bad(v->owner[i].block, err);
        bad.uncle = v->owner[i].uncle;
        return bad;
    }
    return bp_ruling_ok(n);
}

/* The lineage and td move over the blocks that keep every rule. */
static struct bp_ruling check_chunk(struct bp_verifier *v, struct bp_lineage *l,
                                    bp_u256 *td, const struct bp_block *b,
                                    const bp_hash *hash, size_t n,
                                    uint64_t now) {
    struct bp_lineage ahead = *l;
    bp_u256 ahead_td = *td;
    struct bp_ruling ruling = bp_ruling_ok(n), seals;
    size_t good = 0;
    for (size_t i = 0; i < n; i++) v->body[i] = b[i].body;
    v->n_claims = 0;
    int err = bp_bodies_roots(v->root, v->roots, v->body, n);
    if (err != 0) return bp_ruling_bad(0, err);
    for (; good < n; good++) {
        ruling =
            check_block(v, &ahead, &ahead_td, &b[good], &hash[good], good, now);
        if (ruling.kind != BP_RULING_OK) break;
        bp_lineage_push(&ahead, &b[good].header, &hash[good],
                        b[good].body.uncles);
        bp_u256_add(&ahead_td, &ahead_td, &b[good].header.difficulty);
    }
    ruling.n = good;
    seals = check_seals(v, good);
    if (seals.kind != BP_RULING_OK) ruling = seals;
    for (size_t i = 0; i < ruling.n; i++) {
        bp_lineage_push(l, &b[i].header, &hash[i], b[i].body.uncles);
        bp_u256_add(td, td, &b[i].header.difficulty);
    }
    return ruling;
}

struct bp_ruling bp_verify_blocks(struct bp_verifier *v, struct bp_lineage *l,
                                  bp_u256 *td, const bp_u256 *parent_td,
                                  const struct bp_block *block,
                                  const bp_hash *hash, size_t n, uint64_t now) {
    struct bp_ruling ruling = bp_ruling_ok(0);
    bp_u256 sum = *parent_td;
    size_t done = 0;
    while (done < n && ruling.kind == BP_RULING_OK) {
        size_t k = n - done < CHUNK ? n - done : CHUNK;
        ruling = check_chunk(v, l, &sum, block + done, hash + done, k, now);
        done += ruling.n;
    }
    if (td != NULL) *td = sum;
    ruling.n = done;
    if (ruling.err == BP_ERR_NO_LINEAGE) ruling.kind = BP_RULING_FAILED;
    return ruling;
}

/* ---- receipts ---------------------------------------------------------- */

static struct bp_ruling check_receipts(struct bp_verifier *v,
                                       const struct bp_block *b,
                                       const bp_span *receipts, size_t n) {
    size_t lists = 0; /* before the first that is none */
    for (; lists < n; lists++)
        if (receipts[lists].p != NULL &&
            bp_roots_add(v->roots, receipts[lists], &v->receipts_root[lists]) !=
                0)
            break;
    bp_roots_run(v->roots);
    for (size_t i = 0; i < lists; i++) {
        if (receipts[i].p == NULL) continue;
        struct bp_ruling ruling = bp_check_receipts(v->spec, &b[i], receipts[i],
                                                    &v->receipts_root[i]);
        ruling.n = i;
        if (ruling.kind != BP_RULING_OK) return ruling;
    }
    return lists == n ? bp_ruling_ok(n)
                      : bp_ruling_bad(lists, BP_ERR_RULE_RECEIPTS_FORM);
}

struct bp_ruling bp_verify_receipts(struct bp_verifier *v,
                                    const struct bp_block *block,
                                    const bp_span *receipts, size_t n) {
    struct bp_ruling ruling = bp_ruling_ok(0);
    size_t done = 0;
    while (done < n && ruling.kind == BP_RULING_OK) {
        size_t k = n - done < CHUNK ? n - done : CHUNK;
        ruling = check_receipts(v, block + done, receipts + done, k);
        done += ruling.n;
    }
    ruling.n = done;
    return ruling;
}
