/* rules_body: a body against the commitments of its header. */
#include "blockpool/rules.h"

int bp_check_roots(const struct bp_header *h,
                   const struct bp_body_roots *roots) {
    static const bp_hash none;
    bool has = !bp_hash_eq(&roots->withdrawals, &none);
    if (!bp_hash_eq(&roots->transactions, &h->transactions_root))
        return BP_ERR_RULE_TRANSACTIONS_ROOT;
    if (!bp_hash_eq(&roots->uncles, &h->uncles_hash))
        return BP_ERR_RULE_UNCLES_HASH;
    if (has != (h->n_fields >= BP_FIELDS_SHANGHAI) ||
        !bp_hash_eq(&roots->withdrawals, &h->withdrawals_root))
        return BP_ERR_RULE_WITHDRAWALS_ROOT;
    return 0;
}
