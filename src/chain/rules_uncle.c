/* rules_uncle: which headers a block may name as its uncles. Yellow Paper
   11.1. */
#include <string.h>

#include "blockpool/keccak.h"
#include "chain/checks.h"

void bp_lineage_init(struct bp_lineage *l) {
    l->n = l->next = 0;
}

/* Hashes of the items of an uncles list, at most `max`; returns how many there
   are. The list was decoded before. */
static size_t uncle_hashes(bp_hash *out, size_t max, bp_span list) {
    struct bp_rlp_item item;
    bp_span items;
    size_t n = 0;
    if (bp_rlp_list(&items, &list) != 0) return 0;
    while (items.n > 0 && bp_rlp_item(&item, &items) == 0) {
        if (n < max) bp_keccak256(&out[n], item.whole);
        n++;
    }
    return n;
}

void bp_lineage_push(struct bp_lineage *l, const struct bp_header *h,
                     const bp_hash *hash, bp_span uncles) {
    struct bp_ancestor *a = &l->a[l->next];
    a->hash = *hash;
    a->header = *h;
    a->header.extra = (bp_span){ NULL, 0 };
    size_t n = uncle_hashes(a->uncle, BP_UNCLES_MAX, uncles);
    a->n_uncles = (unsigned)(n < BP_UNCLES_MAX ? n : BP_UNCLES_MAX);
    l->next = (l->next + 1) % BP_LINEAGE_MAX;
    if (l->n < BP_LINEAGE_MAX) l->n++;
}

const struct bp_ancestor *bp_lineage_at(const struct bp_lineage *l,
                                        unsigned i) {
    return &l->a[(l->next + 2 * BP_LINEAGE_MAX - 1 - i) % BP_LINEAGE_MAX];
}

bool bp_lineage_complete(const struct bp_lineage *l) {
    return l->n == BP_LINEAGE_MAX ||
           (l->n > 0 && bp_lineage_at(l, l->n - 1)->header.number == 0);
}

static bool is_known_uncle(const struct bp_lineage *l, const bp_hash *hash) {
    for (unsigned i = 0; i < l->n; i++)
        for (unsigned k = 0; k < l->a[i].n_uncles; k++)
            if (bp_hash_eq(&l->a[i].uncle[k], hash)) return true;
    return false;
}

static const struct bp_ancestor *find(const struct bp_lineage *l,
                                      const bp_hash *hash) {
    for (unsigned i = 0; i < l->n; i++)
        if (bp_hash_eq(&l->a[i].hash, hash)) return &l->a[i];
    return NULL;
}

static int check_uncle(const struct bp_spec *spec, const struct bp_lineage *l,
                       const struct bp_header *h, const struct bp_header *u,
                       const bp_hash *hash) {
    int err;
    if (is_known_uncle(l, hash)) return BP_ERR_RULE_UNCLE_DUPLICATE;
    if (find(l, hash) != NULL) return BP_ERR_RULE_UNCLE_ANCESTOR;
    const struct bp_ancestor *parent = find(l, &u->parent_hash);
    if (parent == NULL || bp_hash_eq(&u->parent_hash, &h->parent_hash))
        return BP_ERR_RULE_UNCLE_PARENT;
    if ((err = bp_header_alone(spec, u, NULL)) != 0) return err;
    return bp_header_follows(spec, u, &parent->header, false);
}

struct bp_ruling bp_check_uncles(struct bp_header uncle[BP_UNCLES_MAX],
                                 size_t *n_uncles, const struct bp_spec *spec,
                                 const struct bp_lineage *l,
                                 const struct bp_header *h, bp_span uncles) {
    bp_hash hash[BP_UNCLES_MAX];
    bp_span items = uncles, list;
    *n_uncles = 0;
    size_t n = uncle_hashes(hash, BP_UNCLES_MAX, uncles);
    if (n == 0) return bp_ruling_ok(1);
    if (n > BP_UNCLES_MAX) return bp_ruling_bad(0, BP_ERR_RULE_UNCLE_COUNT);
    if (!bp_lineage_complete(l) ||
        !bp_hash_eq(&bp_lineage_at(l, 0)->hash, &h->parent_hash))
        return bp_ruling_bad(0, BP_ERR_NO_LINEAGE);
    int err = bp_rlp_list(&list, &items);
    for (size_t i = 0; i < n && err == 0; i++) {
        err = bp_header_decode(&uncle[i], &list);
        if (err == 0 && i > 0 && bp_hash_eq(&hash[0], &hash[i]))
            err = BP_ERR_RULE_UNCLE_DUPLICATE;
        if (err == 0) err = check_uncle(spec, l, h, &uncle[i], &hash[i]);
        if (err == 0) continue;
        struct bp_ruling v = bp_ruling_bad(0, err);
        v.uncle = (int)i;
        return v;
    }
    *n_uncles = n;
    return bp_ruling_ok(1);
}
