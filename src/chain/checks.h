/* checks: what the files of rules share. */
#ifndef BP_CHAIN_CHECKS_H
#define BP_CHAIN_CHECKS_H

#include "blockpool/rules.h"

/* EIP-4844: GAS_PER_BLOB. */
#define BP_GAS_PER_BLOB 131072u

/* Whether EIP-1559 holds at a block. */
static inline bool bp_spec_base_fee(const struct bp_spec *s, uint64_t number) {
    return !s->no_base_fee && bp_spec_has(s, BP_FORK_LONDON, number, 0);
}

/* The limits of blobs at a time, or NULL. */
const struct bp_spec_blobs *bp_spec_blobs_at(const struct bp_spec *s,
                                             uint64_t time);

/* Static bounds of a header; hash may be NULL. 0 or the rule. */
int bp_header_alone(const struct bp_spec *s, const struct bp_header *h,
                    const bp_hash *hash);
/* Against the parent, links left out. 0 or the rule. */
int bp_header_follows(const struct bp_spec *s, const struct bp_header *h,
                      const struct bp_header *parent, bool pos);

static inline struct bp_ruling bp_ruling_ok(size_t n) {
    return (struct bp_ruling){ BP_RULING_OK, n, 0, -1, -1, 0 };
}

static inline struct bp_ruling bp_ruling_bad(size_t n, int err) {
    return (struct bp_ruling){ BP_RULING_INVALID, n, err, -1, -1, 0 };
}

#endif
