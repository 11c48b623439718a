#include "blockpool/import.h"

#include <stdlib.h>
#include <string.h>

#include "base/try.h"
#include "blockpool/keccak.h"

struct bp_import {
    const struct bp_alloc *alloc;
    const struct bp_spec *spec;
    struct bp_store *store;
    struct bp_verifier *verifier;
    struct bp_fork_choice choice;
    uint32_t checks;

    /* The ancestors of the block imported last: what follows it, which is the
       common case, reads nothing of the store. */
    struct bp_lineage lineage;
    bp_u256 td;

    struct bp_block block[BP_IMPORT_MAX];
    bp_hash hash[BP_IMPORT_MAX];
    bp_span header_rlp[BP_IMPORT_MAX], receipts[BP_IMPORT_MAX];
    struct bp_store_block row[BP_IMPORT_MAX];
};

struct bp_store_chain bp_import_chain(const struct bp_spec *spec) {
    static const uint8_t empty[] = { 0xc2, 0xc0, 0xc0 };
    static const uint8_t with_withdrawals[] = { 0xc3, 0xc0, 0xc0, 0xc0 };
    bp_span body = { empty, sizeof empty };
    if (spec->genesis.n_fields >= BP_FIELDS_SHANGHAI)
        body = (bp_span){ with_withdrawals, sizeof with_withdrawals };
    return (struct bp_store_chain){
        .name = spec->name,
        .network_id = spec->network_id,
        .genesis = { .hash = spec->genesis_hash,
                     .parent = spec->genesis.parent_hash,
                     .difficulty = spec->genesis_td,
                     .header = spec->genesis_rlp,
                     .body = body,
                     .checks = BP_CHECK_ALL },
    };
}

int bp_import_new(struct bp_import **out, const struct bp_import_config *cfg) {
    struct bp_import *im = bp_malloc(cfg->alloc, sizeof *im);
    if (im == NULL) return BP_ERR_NOMEM;
    im->alloc = cfg->alloc;
    im->spec = cfg->spec;
    im->store = cfg->store;
    im->choice = (struct bp_fork_choice){ cfg->spec, cfg->max_reorg,
                                          cfg->hold_deep, cfg->mess };
    im->checks = cfg->checks;
    bp_lineage_init(&im->lineage);
    int err =
        bp_verifier_new(&im->verifier, cfg->alloc, cfg->spec, cfg->sealer);
    if (err != 0) {
        bp_free(cfg->alloc, im, sizeof *im);
        return err;
    }
    *out = im;
    return 0;
}

void bp_import_free(struct bp_import *im) {
    if (im == NULL) return;
    bp_verifier_free(im->verifier);
    bp_free(im->alloc, im, sizeof *im);
}

/* ---- ancestors ---------------------------------------------------------- */

/* The uncles of a held block; none where the header says so, as the body may
   not be stored. */
static int entry_uncles(bp_span *out, struct bp_store_view *v,
                        const struct bp_store_entry *e,
                        const struct bp_header *h) {
    struct bp_body body = bp_body_none(false);
    bp_span rlp;
    if (!bp_hash_eq(&h->uncles_hash, &bp_empty_uncles_hash)) {
        BP_TRY(bp_view_body(v, &rlp, e));
        if (bp_body_decode(&body, &rlp) != 0) return BP_ERR_STORE_CORRUPT;
    }
    *out = body.uncles;
    return 0;
}

static int entry_header(struct bp_header *out, struct bp_store_view *v,
                        const struct bp_store_entry *e) {
    bp_span rlp;
    BP_TRY(bp_view_header(v, &rlp, e));
    return bp_header_decode(out, &rlp) == 0 ? 0 : BP_ERR_STORE_CORRUPT;
}

static int push_entry(struct bp_lineage *l, struct bp_store_view *v,
                      const struct bp_store_entry *e) {
    struct bp_header h;
    bp_span uncles;
    BP_TRY(entry_header(&h, v, e));
    int err = entry_uncles(&uncles, v, e, &h);
    if (err == BP_ERR_NOT_STORED) {
        /* Its uncles are not known, so those before it do not help. */
        bp_lineage_init(l);
        uncles = bp_body_none(false).uncles;
    } else if (err != 0) {
        return err;
    }
    bp_lineage_push(l, &h, &e->hash, uncles);
    return 0;
}

static int load_lineage(struct bp_lineage *out, struct bp_store_view *v,
                        const struct bp_store_entry *last) {
    struct bp_store_entry e[BP_LINEAGE_MAX];
    size_t n = 0;
    e[n++] = *last;
    while (n < BP_LINEAGE_MAX && e[n - 1].number > 0) {
        BP_TRY(bp_view_parent(v, &e[n], &e[n - 1]));
        n++;
    }
    bp_lineage_init(out);
    while (n > 0) BP_TRY(push_entry(out, v, &e[--n]));
    return 0;
}

int bp_import_lineage(struct bp_lineage *out, bp_u256 *td,
                      struct bp_store *store, const bp_hash *hash) {
    struct bp_store_view *v;
    struct bp_store_entry e;
    BP_TRY(bp_view_begin(&v, store));
    int err = bp_view_find(v, &e, hash);
    if (err == 0) err = load_lineage(out, v, &e);
    if (err == 0) *td = e.td;
    bp_view_end(v);
    return err;
}

/* ---- fork choice ------------------------------------------------------- */

static int tip_of(struct bp_tip *out, struct bp_store_view *v,
                  const struct bp_store_entry *e) {
    struct bp_header h;
    BP_TRY(entry_header(&h, v, e));
    *out = (struct bp_tip){ e->hash, e->number, h.time, e->td,
                            bp_u256_is_zero(&h.difficulty) && e->number > 0 };
    return 0;
}

static int choose(struct bp_decision *out, const struct bp_fork_choice *fc,
                  struct bp_store_view *v, const bp_hash *parent,
                  const struct bp_tip *tip, const bp_u256 *work) {
    struct bp_store_entry head_entry, e;
    struct bp_tip head, ancestor, candidate = *tip;
    int err = bp_view_find(v, &e, parent);
    if (err != 0) return err == BP_ERR_NOT_STORED ? BP_ERR_NO_PARENT : err;
    if (bp_u256_add(&candidate.td, &e.td, work)) return BP_ERR_RANGE;
    BP_TRY(bp_view_head(v, &head_entry));
    BP_TRY(tip_of(&head, v, &head_entry));
    while (!bp_view_canonical(v, &e)) BP_TRY(bp_view_parent(v, &e, &e));
    BP_TRY(tip_of(&ancestor, v, &e));
    *out = bp_choose(fc, &head, &candidate, &ancestor);
    return 0;
}

/* What the last of n blocks would be as the head, its td apart. */
static int tip_of_run(struct bp_tip *out, bp_u256 *work,
                      const struct bp_store_block *block, size_t n) {
    const struct bp_store_block *last = &block[n - 1];
    struct bp_header h;
    bp_span in = last->header;
    BP_TRY(bp_header_decode(&h, &in));
    *out = (struct bp_tip){ .hash = last->hash,
                            .number = last->number,
                            .time = h.time,
                            .pos = bp_u256_is_zero(&last->difficulty) };
    *work = (bp_u256){ { 0 } };
    for (size_t i = 0; i < n; i++)
        if (bp_u256_add(work, work, &block[i].difficulty)) return BP_ERR_RANGE;
    return 0;
}

static int decide(struct bp_decision *out, const struct bp_fork_choice *fc,
                  struct bp_store *store, const struct bp_store_block *block,
                  size_t n) {
    struct bp_store_view *v;
    struct bp_tip tip;
    bp_u256 work;
    BP_TRY(tip_of_run(&tip, &work, block, n));
    BP_TRY(bp_view_begin(&v, store));
    int err = choose(out, fc, v, &block[0].parent, &tip, &work);
    bp_view_end(v);
    return err;
}

/* ---- writing ----------------------------------------------------------- */

static enum bp_import_kind kind_of(enum bp_choice choice) {
    switch (choice) {
    case BP_CHOICE_HEAD: return BP_IMPORT_HEAD;
    case BP_CHOICE_SIDE: return BP_IMPORT_SIDE;
    case BP_CHOICE_HELD: return BP_IMPORT_HELD;
    }
    abort();
}

int bp_import_verified(struct bp_import_result *out,
                       const struct bp_fork_choice *fc, struct bp_store *store,
                       const struct bp_store_block *block, size_t n,
                       struct bp_store_error *why) {
    memset(out, 0, sizeof *out);
    out->kind = BP_IMPORT_NONE;
    if (n == 0) return BP_ERR_RANGE;
    BP_TRY(decide(&out->decision, fc, store, block, n));
    bool becomes_head = out->decision.choice == BP_CHOICE_HEAD;
    struct bp_store_batch batch = { block, n,
                                    becomes_head ? &block[n - 1].hash : NULL };
    BP_TRY(bp_store_write(store, &out->moved, &batch, why));
    out->kind = kind_of(out->decision.choice);
    out->ruling = (struct bp_ruling){ BP_RULING_OK, n, 0, -1, -1, 0 };
    return 0;
}

/* The body's bytes: in a block they stand without the list's prefix, so where
   they did not come apart they are put together here, all in one buffer. */
static size_t put_bodies(struct bp_import *im, uint8_t *out, size_t cap,
                         const struct bp_import_block *raw,
                         const struct bp_block *block, size_t n) {
    struct bp_rlp_w w = { out, cap, 0 };
    for (size_t i = 0; i < n; i++) {
        size_t from = w.n;
        if (raw[i].block.p == NULL) {
            im->row[i].body = raw[i].body;
            continue;
        }
        bp_body_put(&w, &block[i].body);
        if (out != NULL) im->row[i].body = (bp_span){ out + from, w.n - from };
    }
    return w.n;
}

static int store_blocks(struct bp_import *im, struct bp_import_result *out,
                        const struct bp_import_block *raw,
                        const struct bp_block *block, const bp_hash *hash,
                        size_t n, struct bp_store_error *why) {
    size_t bytes = put_bodies(im, NULL, 0, raw, block, n);
    uint8_t *bodies = bp_malloc(im->alloc, bytes);
    if (bodies == NULL) return BP_ERR_NOMEM;
    put_bodies(im, bodies, bytes, raw, block, n);
    for (size_t i = 0; i < n; i++) {
        struct bp_store_block *row = &im->row[i];
        row->hash = hash[i];
        row->parent = block[i].header.parent_hash;
        row->number = block[i].header.number;
        row->difficulty = block[i].header.difficulty;
        row->header = block[i].header_rlp;
        row->receipts = raw[i].receipts;
        row->checks = im->checks;
        if (row->receipts.p != NULL) row->checks |= BP_CHECK_RECEIPTS;
    }
    int err = bp_import_verified(out, &im->choice, im->store, im->row, n, why);
    bp_free(im->alloc, bodies, bytes);
    return err;
}

/* ---- the whole way ----------------------------------------------------- */

static int decode_one(struct bp_block *out, const struct bp_import_block *raw) {
    bp_span in = raw->block;
    if (in.p != NULL) {
        BP_TRY(bp_block_decode(out, &in));
        return bp_rlp_end(in);
    }
    out->header_rlp = in = raw->header;
    BP_TRY(bp_header_decode(&out->header, &in));
    BP_TRY(bp_rlp_end(in));
    in = raw->body;
    BP_TRY(bp_body_decode(&out->body, &in));
    return bp_rlp_end(in);
}

/* Decodes and hashes; returns how many are whole blocks, *err saying what is
   wrong with the next. */
static size_t decode(struct bp_import *im, int *err,
                     const struct bp_import_block *raw, size_t n) {
    size_t k = 0;
    *err = 0;
    for (; k < n; k++) {
        if ((*err = decode_one(&im->block[k], &raw[k])) != 0) break;
        im->header_rlp[k] = im->block[k].header_rlp;
    }
    bp_keccak256_many(im->hash, im->header_rlp, k);
    return k;
}

/* Passes over blocks that are held, and finds the parent of the first that is
   not: the lineage then ends with it. */
static int find_place(struct bp_import *im, size_t *first, bool *orphan,
                      size_t n) {
    struct bp_store_view *v;
    struct bp_store_entry e;
    int err = 0;
    *first = 0;
    *orphan = false;
    BP_TRY(bp_view_begin(&v, im->store));
    while (*first < n && (err = bp_view_find(v, &e, &im->hash[*first])) == 0)
        ++*first;
    if (err != 0 && err != BP_ERR_NOT_STORED) goto done;
    err = 0;
    if (*first == n) goto done;
    const bp_hash *parent = &im->block[*first].header.parent_hash;
    if (im->lineage.n > 0 &&
        bp_hash_eq(&bp_lineage_at(&im->lineage, 0)->hash, parent))
        goto done;
    err = bp_view_find(v, &e, parent);
    *orphan = err == BP_ERR_NOT_STORED;
    if (*orphan) err = 0;
    if (err == 0 && !*orphan) {
        err = load_lineage(&im->lineage, v, &e);
        im->td = e.td;
        if (err != 0) bp_lineage_init(&im->lineage);
    }
done:
    bp_view_end(v);
    return err;
}

static struct bp_ruling invalid(size_t n, int err) {
    return (struct bp_ruling){ BP_RULING_INVALID, n, err, -1, -1, 0 };
}

/* Decodes, finds the place and verifies. *first is the first block that was
   not held, *good how many from there on are valid. */
static int examine(struct bp_import *im, struct bp_import_result *out,
                   size_t *first, size_t *good,
                   const struct bp_import_block *block, size_t n,
                   uint64_t now) {
    int rlp_err;
    bool orphan;
    memset(out, 0, sizeof *out);
    out->kind = BP_IMPORT_NONE;
    *good = 0;
    if (n > BP_IMPORT_MAX) return BP_ERR_RANGE;
    size_t whole = decode(im, &rlp_err, block, n);
    BP_TRY(find_place(im, first, &orphan, whole));
    out->ruling = invalid(whole, rlp_err);
    if (rlp_err == 0) out->ruling.kind = BP_RULING_OK;
    if (orphan) {
        out->kind = BP_IMPORT_ORPHAN;
        out->ruling = invalid(*first, BP_ERR_RULE_UNKNOWN_PARENT);
        return 0;
    }
    if (*first == whole) {
        if (whole > 0) out->kind = BP_IMPORT_KNOWN;
        return 0;
    }
    bp_u256 td = im->td;
    struct bp_ruling r = bp_verify_blocks(
        im->verifier, &im->lineage, &im->td, &td, im->block + *first,
        im->hash + *first, whole - *first, now);
    *good = r.n;
    for (size_t i = 0; i < r.n; i++)
        im->receipts[i] = block[*first + i].receipts;
    struct bp_ruling receipts =
        bp_verify_receipts(im->verifier, im->block + *first, im->receipts, r.n);
    if (receipts.kind != BP_RULING_OK) {
        r = receipts;
        *good = r.n;
        bp_lineage_init(&im->lineage); /* it is ahead of what is good */
    }
    r.n += *first;
    if (r.kind != BP_RULING_OK) out->ruling = r;
    return 0;
}

int bp_import_check(struct bp_import *im, struct bp_import_result *out,
                    const struct bp_import_block *block, size_t n,
                    uint64_t now) {
    size_t first, good;
    BP_TRY(examine(im, out, &first, &good, block, n, now));
    if (good > 0) {
        out->kind = BP_IMPORT_SIDE;
        bp_lineage_init(&im->lineage); /* it is ahead of the store */
    }
    return 0;
}

int bp_import_blocks(struct bp_import *im, struct bp_import_result *out,
                     const struct bp_import_block *block, size_t n,
                     uint64_t now, struct bp_store_error *why) {
    struct bp_import_result stored;
    size_t first, good;
    BP_TRY(examine(im, out, &first, &good, block, n, now));
    if (good == 0) return 0;
    int err = store_blocks(im, &stored, block + first, im->block + first,
                           im->hash + first, good, why);
    if (err != 0) {
        bp_lineage_init(&im->lineage); /* it is ahead of the store */
        return err;
    }
    stored.ruling = out->ruling;
    *out = stored;
    return 0;
}
