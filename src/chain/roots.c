/* roots: the commitments of a header to its body, for many bodies at once. */
#include <string.h>

#include "base/try.h"
#include "blockpool/chain.h"
#include "blockpool/keccak.h"
#include "blockpool/rules.h"
#include "prim/trie.h"

/* keccak256(0x80) */
const bp_hash bp_empty_root = { {
    0x56, 0xe8, 0x1f, 0x17, 0x1b, 0xcc, 0x55, 0xa6, 0xff, 0x83, 0x45,
    0xe6, 0x92, 0xc0, 0xf8, 0x6e, 0x5b, 0x48, 0xe0, 0x1b, 0x99, 0x6c,
    0xad, 0xc0, 0x01, 0x62, 0x2f, 0xb5, 0xe3, 0x63, 0xb4, 0x21,
} };

/* keccak256(0xc0) */
const bp_hash bp_empty_uncles_hash = { {
    0x1d, 0xcc, 0x4d, 0xe8, 0xde, 0xc7, 0x5d, 0x7a, 0xab, 0x85, 0xb5,
    0x67, 0xb6, 0xcc, 0xd4, 0x1a, 0xd3, 0x12, 0x45, 0x1b, 0x94, 0x8a,
    0x74, 0x13, 0xf0, 0xa1, 0x42, 0xfd, 0x40, 0xd4, 0x93, 0x47,
} };

/* Uncles hashes queued at a time. */
enum { UNCLES_BATCH = 64 };

struct bp_roots {
    const struct bp_alloc *alloc;
    struct bp_trie *trie;
};

int bp_roots_new(struct bp_roots **out, const struct bp_alloc *alloc) {
    int err = BP_ERR_NOMEM;
    struct bp_roots *r = bp_malloc(alloc, sizeof *r);
    if (r == NULL) return err;
    r->alloc = alloc;
    if ((err = bp_trie_new(&r->trie, alloc)) != 0) goto fail_self;
    *out = r;
    return 0;
fail_self:
    bp_free(alloc, r, sizeof *r);
    return err;
}

void bp_roots_free(struct bp_roots *r) {
    if (r == NULL) return;
    bp_trie_free(r->trie);
    bp_free(r->alloc, r, sizeof *r);
}

/* The key of item i: its number as RLP, of at most nine bytes. */
static void add_item(struct bp_trie *t, uint64_t i,
                     const struct bp_rlp_item *item) {
    uint8_t key[9];
    struct bp_rlp_w w = { key, sizeof key, 0 };
    bp_rlp_put_u64(&w, i);
    bp_trie_add(t, key, w.n, item->is_list ? item->whole : item->payload);
}

static int next_item(struct bp_rlp_item *item, bp_span *items) {
    BP_TRY(bp_rlp_item(item, items));
    return item->payload.n == 0 && !item->is_list ? BP_ERR_RLP_SIZE : 0;
}

/* Yellow Paper 4.4.1: the keys are the RLP of the items' numbers. In the order
   of those bytes item 0 (80) stands between item 127 (7f) and item 128
   (81 80); all others follow each other. */
static int add_items(struct bp_trie *t, bp_span items) {
    struct bp_rlp_item item, zero;
    uint64_t i = 1;
    BP_TRY(next_item(&zero, &items));
    for (; items.n > 0; i++) {
        BP_TRY(next_item(&item, &items));
        if (i == 128) add_item(t, 0, &zero);
        add_item(t, i, &item);
    }
    if (i <= 128) add_item(t, 0, &zero);
    return 0;
}

int bp_roots_add(struct bp_roots *r, bp_span list, bp_hash *out) {
    bp_span items;
    BP_TRY(bp_rlp_list(&items, &list));
    BP_TRY(bp_rlp_end(list));
    if (items.n == 0) { /* the body of many a block */
        *out = bp_empty_root;
        return 0;
    }
    bp_trie_begin(r->trie, out);
    int err = add_items(r->trie, items);
    if (err != 0)
        bp_trie_abandon(r->trie);
    else
        bp_trie_end(r->trie);
    return err;
}

void bp_roots_run(struct bp_roots *r) {
    bp_trie_run(r->trie);
}

static void uncles_hashes(struct bp_body_roots *out,
                          const struct bp_body *bodies, size_t n) {
    bp_hash hash[UNCLES_BATCH];
    bp_span span[UNCLES_BATCH];
    size_t whose[UNCLES_BATCH], k = 0;
    for (size_t i = 0; i < n; i++) {
        if (bodies[i].uncles.n == 1) { /* the empty list, of most blocks */
            out[i].uncles = bp_empty_uncles_hash;
        } else {
            span[k] = bodies[i].uncles;
            whose[k++] = i;
        }
        if (k < UNCLES_BATCH && i + 1 < n) continue;
        bp_keccak256_many(hash, span, k);
        /* cppcheck-suppress uninitvar ; whose[0..k-1] were written above */
        while (k > 0) k--, out[whose[k]].uncles = hash[k];
    }
}

int bp_bodies_roots(struct bp_body_roots *out, struct bp_roots *r,
                    const struct bp_body *bodies, size_t n) {
    int err = 0;
    for (size_t i = 0; i < n && err == 0; i++) {
        memset(&out[i].withdrawals, 0, sizeof out[i].withdrawals);
        err = bp_roots_add(r, bodies[i].transactions, &out[i].transactions);
        if (err != 0 || bodies[i].withdrawals.n == 0) continue;
        err = bp_roots_add(r, bodies[i].withdrawals, &out[i].withdrawals);
    }
    bp_roots_run(r);
    uncles_hashes(out, bodies, n);
    return err;
}

bool bp_body_roots_match(const struct bp_body_roots *r,
                         const struct bp_header *h) {
    return bp_check_roots(h, r) == 0;
}
