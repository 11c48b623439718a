/* policy: what the user decides about the chain beyond its rules: blocks that
   it must have, a block that is trusted, how readily branches are changed.

   Every function names the option that is wrong and returns the exit code, or
   0. */
#ifndef BP_NODE_POLICY_H
#define BP_NODE_POLICY_H

#include "blockpool/rules.h"
#include "node/options.h"

struct node_config;

/* "N=HASH": a number and a hash of 64 digits. */
bool policy_parse_pair(const char *text, uint64_t *number, bp_hash *hash);

/* Blocks undone beyond which a reorganisation is worth a warning: honest
   miners' branches rarely reach a quarter of it. */
#define POLICY_MAX_REORG 32

/* Adds --eth.requiredblocks and --checkpoint to what the chain must have. */
int policy_require(struct bp_spec *spec, const struct options *o);

/* --max-reorg, --max-reorg-hold, --mess. */
int policy_choice(struct bp_fork_choice *out, const struct bp_spec *spec,
                  const struct options *o);

/* The same for a node, and --checkpoint and --trusted-head. */
int policy_node(struct node_config *out, const struct bp_spec *spec,
                const struct options *o);

#endif
