/* policy: options about the chain, checked and put where they work. */
#include "node/policy.h"

#include <stdio.h>
#include <string.h>

#include "blockpool/spec.h"
#include "node/cli.h"
#include "node/node.h"

bool policy_parse_pair(const char *text, uint64_t *number, bp_hash *hash) {
    char digits[24];
    bool is_hash;
    bp_hash none;
    size_t n = strcspn(text, "=");
    if (text[n] != '=' || n == 0 || n >= sizeof digits) return false;
    memcpy(digits, text, n);
    digits[n] = '\0';
    return cli_parse_block(digits, &is_hash, number, &none) && !is_hash &&
           bp_unhex(hash->b, sizeof hash->b, text + n + 1) == 0;
}

static int not_a_pair(const char *option, const char *value) {
    return cli_error(NODE_EXIT_USAGE,
                     "--%s: '%.100s' is not N=HASH, a number and a hash of 64 "
                     "digits",
                     option, value);
}

/* The hash that the chain has at this number already; NULL: any may be. */
static const bp_hash *known_at(const struct bp_spec *spec, uint64_t number) {
    if (number == 0) return &spec->genesis_hash;
    for (size_t i = 0; i < spec->n_required; i++)
        if (spec->required[i].number == number) return &spec->required[i].hash;
    return NULL;
}

static int require(struct bp_spec *spec, const char *option,
                   const char *value) {
    uint64_t number;
    bp_hash hash;
    char hex[65];
    if (!policy_parse_pair(value, &number, &hash))
        return not_a_pair(option, value);
    const bp_hash *known = known_at(spec, number);
    if (known != NULL && bp_hash_eq(known, &hash)) return 0;
    if (known != NULL) {
        bp_hex(hex, known->b, 32);
        return cli_error(NODE_EXIT_USAGE,
                         "--%s: block %llu of chain %s is to be 0x%s already",
                         option, (unsigned long long)number, spec->name, hex);
    }
    if (bp_spec_require(spec, number, &hash) == 0) return 0;
    return cli_error(NODE_EXIT_USAGE, "--%s: more than %d blocks are required",
                     option, BP_SPEC_REQUIRED_MAX);
}

int policy_require(struct bp_spec *spec, const struct options *o) {
    int code = 0;
    for (size_t i = 0; code == 0 && i < o->required.n; i++)
        code = require(spec, "eth.requiredblocks", o->required.v[i]);
    for (size_t i = 0; code == 0 && i < o->checkpoints.n; i++)
        code = require(spec, "checkpoint", o->checkpoints.v[i]);
    return code;
}

int policy_choice(struct bp_fork_choice *out, const struct bp_spec *spec,
                  const struct options *o) {
    if (o->mess && spec->mess_from >= spec->mess_to)
        return cli_error(NODE_EXIT_USAGE,
                         "--mess: the specification of chain %s has no "
                         "ECBP-1100",
                         spec->name);
    *out = (struct bp_fork_choice){
        .spec = spec,
        .max_reorg = o->max_reorg > 0 ? o->max_reorg : POLICY_MAX_REORG,
        .hold_deep = o->max_reorg_hold,
        .mess = o->mess,
    };
    return 0;
}

/* The highest checkpoint; what it stands on is the rest of them. */
static void highest_checkpoint(struct node_config *out,
                               const struct options *o) {
    uint64_t number, highest = 0;
    bp_hash hash;
    for (size_t i = 0; i < o->checkpoints.n; i++) {
        if (!policy_parse_pair(o->checkpoints.v[i], &number, &hash)) continue;
        if (out->has_trusted_head && number <= highest) continue;
        highest = number;
        out->has_trusted_head = true;
        out->trusted_head = hash;
    }
}

int policy_node(struct node_config *out, const struct bp_spec *spec,
                const struct options *o) {
    struct bp_fork_choice choice;
    int code = policy_choice(&choice, spec, o);
    if (code != 0) return code;
    out->max_reorg = choice.max_reorg;
    out->hold_deep = choice.hold_deep;
    out->mess = choice.mess;
    highest_checkpoint(out, o);
    if (o->trusted_head == NULL) return 0;
    /* It stands on the checkpoints, which the chain must have anyway. */
    out->has_trusted_head = true;
    if (bp_unhex(out->trusted_head.b, sizeof out->trusted_head.b,
                 o->trusted_head) != 0)
        return cli_error(NODE_EXIT_USAGE,
                         "--trusted-head: '%.80s' is not a hash of 64 digits",
                         o->trusted_head);
    if (out->has_until_hash || out->has_until_number) return 0;
    out->has_until_hash = true;
    out->until_hash = out->trusted_head;
    return 0;
}
