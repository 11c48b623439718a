/* sealer: seals verified for importers, on several threads.

   What bp_import and bp_verify_blocks ask for in batches goes through the light
   caches, a share to each thread. */
#ifndef BP_NODE_SEALER_H
#define BP_NODE_SEALER_H

#include "blockpool/rules.h"
#include "node/node.h"

struct sealer;

struct sealer_config {
    const struct bp_spec *spec; /* borrowed */
    enum node_verify policy;
    uint32_t sample;      /* NODE_VERIFY_SAMPLE: one seal in so many */
    const char *cachedir; /* NULL: caches live in memory only */
    uint32_t caches_mem;  /* 0: 3 */
    uint32_t caches_disk; /* files kept; 0: all */
    uint32_t threads;     /* 0: one a processor */
};

/* Returns 0 or BP_ERR_NOMEM. */
int sealer_new(struct sealer **out,
               const struct sealer_config *cfg) BP_MUST_USE;
void sealer_free(struct sealer *s); /* NULL: nothing */

/* For bp_import_config and bp_verifier_new; lives as long as s. NULL when the
   policy verifies no seal. */
const struct bp_sealer *sealer_iface(const struct sealer *s);
/* The enum bp_check bits that the policy stands for. */
uint32_t sealer_checks(const struct sealer *s);
/* Seals verified so far. */
uint64_t sealer_count(const struct sealer *s);

#endif
