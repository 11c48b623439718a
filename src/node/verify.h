/* verify.h: what checks and insertions share: the chain's rules, the store, the
   seals, and how much of them is to be verified. Any worker may use it. */
#ifndef BP_NODE_VERIFY_H
#define BP_NODE_VERIFY_H

#include <stdatomic.h>

#include "blockpool/rules.h"
#include "node/ethashcache.h"
#include "node/node.h"

struct verify {
    const struct bp_spec *spec;
    struct bp_store *store;
    struct ethashcache *caches;
    enum node_verify policy;
    uint32_t sample;
    struct bp_fork_choice choice;
    uint64_t secret; /* of the choice of samples */
    atomic_bool stop;
    /* CPU time of all threads in seals, for the figures. */
    atomic_uint_fast64_t seal_ns;
};

int verify_new(struct verify **out, const struct node_config *cfg) BP_MUST_USE;
/* Long work returns BP_ERR_STOPPED from now on. */
void verify_stop(struct verify *v);
void verify_free(struct verify *v); /* NULL: nothing */

/* Links from this number on cannot have their seal checked. */
uint64_t verify_probe_below(const struct bp_spec *spec);

/* Whether the policy wants this seal verified. */
bool verify_wants(const struct verify *v, const bp_hash *hash);
/* The enum bp_check bits of a block that passed everything. */
uint32_t verify_bits(const struct verify *v, bool trusted);

/* When, on the monotonic clock, it will be until_s seconds since 1970; never
   rather than beyond what fits: a header's time is whatever its peer says. */
bp_time verify_due(uint64_t until_s, bp_time mono_ms, uint64_t wall_ms);

/* How many of the first n headers have proof of work. What
   follows them has nothing to show for itself: a peer's word is not enough. */
size_t verify_sealed(const struct bp_header *h, size_t n);

/* Verifies the seals of n headers in large batches; those with skip[i] and
   those that have none pass. verdict[i] is 0 or what is wrong with it. Returns
   0, or an error of ours with nothing said about the seals: BP_ERR_NOMEM,
   BP_ERR_STOPPED. */
int verify_seals(struct verify *v, int *verdict, const struct bp_header *h,
                 const bool *skip, size_t n) BP_MUST_USE;

/* A stored header, its bytes in a block of their own: free(bytes) ends it. */
struct verify_stored {
    struct bp_header header;
    bp_u256 td;
    uint8_t *bytes;
};
/* Returns 0, BP_ERR_NOT_STORED or another error of the store or of memory, with
   out->bytes NULL. */
int verify_stored(struct verify_stored *out, const struct verify *v,
                  const bp_hash *hash) BP_MUST_USE;

#endif
