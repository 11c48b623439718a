/* rules: their names and sources, and verdicts as text. */
#include "blockpool/rules.h"

#include <stdio.h>
#include <string.h>

/* docs/protocol/rules.md says the same; a test compares them. */
static const struct bp_rule rules[] = {
#define HEADERS "bp_check_headers"
    { BP_ERR_RULE_PARENT_HASH, BP_RULE_HEADER, "parent-hash",
      "Yellow Paper 4.4.4", HEADERS },
    { BP_ERR_RULE_NUMBER, BP_RULE_HEADER, "number", "Yellow Paper 4.4.4",
      HEADERS },
    { BP_ERR_RULE_TIME, BP_RULE_HEADER, "time", "Yellow Paper 4.4.4", HEADERS },
    { BP_ERR_RULE_TIME_FUTURE, BP_RULE_NOT_YET, "time-future",
      "go-ethereum, 15 s", HEADERS },
    { BP_ERR_RULE_EXTRA_DATA, BP_RULE_HEADER, "extra-data",
      "Yellow Paper 4.4.4", HEADERS },
    { BP_ERR_RULE_DAO_EXTRA, BP_RULE_HEADER, "dao-extra-data", "EIP-779",
      HEADERS },
    { BP_ERR_RULE_DIFFICULTY, BP_RULE_HEADER, "difficulty",
      "Yellow Paper 4.4.4; EIP-2, 100, 649, 1234, 2384, 3554, 4345, 5133, "
      "3675; ECIP-1010, 1041",
      HEADERS },
    { BP_ERR_RULE_DIFFICULTY_BOUND, BP_RULE_HEADER, "difficulty-bound",
      "a bound of ours", HEADERS },
    { BP_ERR_RULE_GAS_LIMIT, BP_RULE_HEADER, "gas-limit",
      "Yellow Paper 4.4.4; EIP-1559", HEADERS },
    { BP_ERR_RULE_GAS_LIMIT_BOUNDS, BP_RULE_HEADER, "gas-limit-bounds",
      "Yellow Paper 4.4.4; EIP-1985", HEADERS },
    { BP_ERR_RULE_GAS_USED, BP_RULE_HEADER, "gas-used", "Yellow Paper 4.4.4",
      HEADERS },
    { BP_ERR_RULE_HEADER_FIELDS, BP_RULE_HEADER, "header-fields",
      "EIP-1559, 4895, 4844, 4788, 7685", HEADERS },
    { BP_ERR_RULE_BASE_FEE, BP_RULE_HEADER, "base-fee", "EIP-1559", HEADERS },
    { BP_ERR_RULE_BLOB_GAS_USED, BP_RULE_HEADER, "blob-gas-used",
      "EIP-4844, 7691, 7892", HEADERS },
    { BP_ERR_RULE_EXCESS_BLOB_GAS, BP_RULE_HEADER, "excess-blob-gas",
      "EIP-4844, 7691, 7892, 7918", HEADERS },
    { BP_ERR_RULE_POS_NONCE, BP_RULE_HEADER, "pos-nonce", "EIP-3675", HEADERS },
    { BP_ERR_RULE_POS_UNCLES, BP_RULE_HEADER, "pos-uncles", "EIP-3675",
      HEADERS },
    { BP_ERR_RULE_TERMINAL, BP_RULE_HEADER, "terminal", "EIP-3675", HEADERS },
    { BP_ERR_RULE_REQUIRED_HASH, BP_RULE_HEADER, "required-hash",
      "the specification", HEADERS },
    { BP_ERR_RULE_EMPTY_BLOCK, BP_RULE_HEADER, "empty-block",
      "Yellow Paper 4.4.2", HEADERS },
    { BP_ERR_RULE_UNKNOWN_PARENT, BP_RULE_NOT_YET, "unknown-parent",
      "Yellow Paper 4.4.4", "bp_import" },
#define ROOTS "bp_check_roots"
    { BP_ERR_RULE_TRANSACTIONS_ROOT, BP_RULE_BODY, "transactions-root",
      "Yellow Paper 4.4.2; EIP-2718", ROOTS },
    { BP_ERR_RULE_UNCLES_HASH, BP_RULE_BODY, "uncles-hash",
      "Yellow Paper 4.4.2", ROOTS },
    { BP_ERR_RULE_WITHDRAWALS_ROOT, BP_RULE_BODY, "withdrawals-root",
      "EIP-4895", ROOTS },
#define UNCLES "bp_check_uncles"
    { BP_ERR_RULE_UNCLE_COUNT, BP_RULE_COMMITTED, "uncle-count",
      "Yellow Paper 11.1", UNCLES },
    { BP_ERR_RULE_UNCLE_DUPLICATE, BP_RULE_COMMITTED, "uncle-duplicate",
      "Yellow Paper 11.1", UNCLES },
    { BP_ERR_RULE_UNCLE_ANCESTOR, BP_RULE_COMMITTED, "uncle-ancestor",
      "Yellow Paper 11.1", UNCLES },
    { BP_ERR_RULE_UNCLE_PARENT, BP_RULE_COMMITTED, "uncle-parent",
      "Yellow Paper 11.1", UNCLES },
#define TXS "bp_check_transactions"
    { BP_ERR_RULE_TX_FORM, BP_RULE_COMMITTED, "tx-form",
      "Yellow Paper 4.2; EIP-2718", TXS },
    { BP_ERR_RULE_TX_TYPE, BP_RULE_COMMITTED, "tx-type",
      "EIP-2718, 2930, 1559, 4844, 7702", TXS },
    { BP_ERR_RULE_TX_SIGNATURE, BP_RULE_COMMITTED, "tx-signature",
      "Yellow Paper, appendix F; EIP-2", TXS },
    { BP_ERR_RULE_TX_CHAIN_ID, BP_RULE_COMMITTED, "tx-chain-id",
      "EIP-155, 2930", TXS },
    { BP_ERR_RULE_TX_INTRINSIC_GAS, BP_RULE_COMMITTED, "tx-intrinsic-gas",
      "Yellow Paper 6.2; EIP-2, 2028, 2930, 3860, 7702", TXS },
    { BP_ERR_RULE_TX_FLOOR_GAS, BP_RULE_COMMITTED, "tx-floor-gas", "EIP-7623",
      TXS },
    { BP_ERR_RULE_TX_GAS_LIMIT, BP_RULE_COMMITTED, "tx-gas-limit",
      "Yellow Paper 6.2", TXS },
    { BP_ERR_RULE_TX_GAS_CAP, BP_RULE_COMMITTED, "tx-gas-cap", "EIP-7825",
      TXS },
    { BP_ERR_RULE_TX_NONCE, BP_RULE_COMMITTED, "tx-nonce", "EIP-2681", TXS },
    { BP_ERR_RULE_TX_FEE, BP_RULE_COMMITTED, "tx-fee", "EIP-1559", TXS },
    { BP_ERR_RULE_TX_COST, BP_RULE_COMMITTED, "tx-cost", "Yellow Paper 6.2",
      TXS },
    { BP_ERR_RULE_TX_INIT_CODE, BP_RULE_COMMITTED, "tx-init-code", "EIP-3860",
      TXS },
    { BP_ERR_RULE_TX_BLOB, BP_RULE_COMMITTED, "tx-blob", "EIP-4844, 7594",
      TXS },
    { BP_ERR_RULE_TX_AUTHORIZATION, BP_RULE_COMMITTED, "tx-authorization",
      "EIP-7702", TXS },
    { BP_ERR_RULE_BLOB_GAS_TOTAL, BP_RULE_COMMITTED, "blob-gas-total",
      "EIP-4844", TXS },
    { BP_ERR_RULE_BLOCK_SIZE, BP_RULE_COMMITTED, "block-size", "EIP-7934",
      TXS },
#define RECEIPTS "bp_check_receipts"
    { BP_ERR_RULE_RECEIPTS_FORM, BP_RULE_BODY, "receipts-form",
      "Yellow Paper 4.3.1; EIP-658, 2718", RECEIPTS },
    { BP_ERR_RULE_RECEIPTS_COUNT, BP_RULE_BODY, "receipts-count",
      "Yellow Paper 4.4.2", RECEIPTS },
    { BP_ERR_RULE_RECEIPTS_ROOT, BP_RULE_BODY, "receipts-root",
      "Yellow Paper 4.4.2", RECEIPTS },
    { BP_ERR_RULE_RECEIPTS_BLOOM, BP_RULE_BODY, "receipts-bloom",
      "Yellow Paper 4.3.1", RECEIPTS },
    { BP_ERR_RULE_RECEIPTS_GAS, BP_RULE_BODY, "receipts-gas",
      "Yellow Paper 4.3.1", RECEIPTS },
    { BP_ERR_RULE_RECEIPTS_REQUESTS, BP_RULE_BODY, "receipts-requests",
      "EIP-6110, 7685", RECEIPTS },
#define SEALS "bp_ethash_verify"
    { BP_ERR_SEAL_EPOCH, BP_RULE_HEADER, "seal-epoch",
      "Yellow Paper, appendix J", "bp_seal_claims" },
    { BP_ERR_SEAL_WORK, BP_RULE_HEADER, "seal-work", "Yellow Paper 11.5",
      SEALS },
    { BP_ERR_SEAL_MIX, BP_RULE_HEADER, "seal-mix",
      "Yellow Paper 11.5; ECIP-1099", SEALS },
};

const struct bp_rule *bp_rules(size_t *n) {
    *n = sizeof rules / sizeof *rules;
    return rules;
}

const struct bp_rule *bp_rule_of(int err) {
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].err == err) return &rules[i];
    return NULL;
}

const char *bp_ruling_text(char out[BP_RULING_TEXT_MAX],
                           const struct bp_ruling *v) {
    const struct bp_rule *rule = bp_rule_of(v->err);
    const char *text = bp_strerror(v->err);
    char whose[40] = "";
    if (v->kind == BP_RULING_OK) return "valid";
    if (v->uncle >= 0) snprintf(whose, sizeof whose, "uncle %d: ", v->uncle);
    if (v->tx >= 0)
        snprintf(whose, sizeof whose, "transaction %lld: ", (long long)v->tx);
    /* The sentences of the seal's errors do not begin with a name. */
    if (rule != NULL && strncmp(text, rule->name, strlen(rule->name)) != 0)
        snprintf(out, BP_RULING_TEXT_MAX, "%s%s: %s", whose, rule->name, text);
    else
        snprintf(out, BP_RULING_TEXT_MAX, "%s%s", whose, text);
    return out;
}
