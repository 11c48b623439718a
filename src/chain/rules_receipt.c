/* rules_receipt: receipts against the header and the body they belong to. */
#include <string.h>

#include "base/try.h"
#include "chain/checks.h"

/* EIP-6110: keccak256("DepositEvent(bytes,bytes,bytes,bytes,bytes)"). */
static const bp_hash deposit_event = { {
    0x64, 0x9b, 0xbc, 0x62, 0xd0, 0xe3, 0x13, 0x42, 0xaf, 0xea, 0x4e,
    0x5c, 0xd8, 0x2d, 0x40, 0x49, 0xe7, 0xe1, 0xee, 0x91, 0x2f, 0xc0,
    0x88, 0x9a, 0xa7, 0x90, 0x80, 0x3b, 0xe3, 0x90, 0x38, 0xc5,
} };

/* EIP-7685: the hash of no requests, SHA-256 of nothing. */
static const bp_hash no_requests = { {
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4,
    0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b,
    0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
} };

static bool is_deposit(const struct bp_spec *s, const struct bp_log *log) {
    bp_span topics = log->topics;
    bp_hash topic;
    return memcmp(log->address, s->deposit_contract, sizeof log->address) ==
               0 &&
           bp_rlp_hash(&topic, &topics) == 0 &&
           bp_hash_eq(&topic, &deposit_event);
}

static bool has_deposit(const struct bp_spec *s, bp_span logs) {
    struct bp_log log;
    bp_span list;
    if (bp_rlp_list(&list, &logs) != 0) return false;
    while (list.n > 0 && bp_log_decode(&log, &list) == 0)
        if (is_deposit(s, &log)) return true;
    return false;
}

/* The type byte of the next transaction, 0 for the legacy form. */
static int next_type(uint8_t *type, bp_span *txs) {
    struct bp_rlp_item item;
    if (txs->n == 0) return BP_ERR_RULE_RECEIPTS_COUNT;
    BP_TRY(bp_rlp_item(&item, txs));
    *type = item.is_list || item.payload.n == 0 ? 0 : item.payload.p[0];
    return 0;
}

struct sums {
    uint8_t bloom[256]; /* of all logs */
    uint64_t gas;
    bool deposit;
};

static int check_receipt(struct sums *sums, const struct bp_spec *spec,
                         bp_span *receipts, bp_span *txs) {
    struct bp_receipt r;
    uint8_t bloom[256] = { 0 }, type;
    if (bp_receipt_decode(&r, receipts) != 0) return BP_ERR_RULE_RECEIPTS_FORM;
    BP_TRY(next_type(&type, txs));
    if (type != r.type) return BP_ERR_RULE_RECEIPTS_FORM;
    if (r.gas < sums->gas) return BP_ERR_RULE_RECEIPTS_GAS;
    bp_bloom_add(bloom, r.logs);
    if (memcmp(bloom, r.bloom, sizeof bloom) != 0)
        return BP_ERR_RULE_RECEIPTS_BLOOM;
    for (size_t i = 0; i < sizeof bloom; i++) sums->bloom[i] |= bloom[i];
    sums->gas = r.gas;
    if (spec->has_deposit_contract && has_deposit(spec, r.logs))
        sums->deposit = true;
    return 0;
}

static int check_sums(const struct sums *sums, const struct bp_header *h) {
    if (sums->gas != h->gas_used) return BP_ERR_RULE_RECEIPTS_GAS;
    if (memcmp(sums->bloom, h->bloom, sizeof h->bloom) != 0)
        return BP_ERR_RULE_RECEIPTS_BLOOM;
    if (sums->deposit && h->n_fields >= BP_FIELDS_PRAGUE &&
        bp_hash_eq(&h->requests_hash, &no_requests))
        return BP_ERR_RULE_RECEIPTS_REQUESTS;
    return 0;
}

struct bp_ruling bp_check_receipts(const struct bp_spec *spec,
                                   const struct bp_block *block,
                                   bp_span receipts, const bp_hash *root) {
    bp_span tx_list = block->body.transactions, txs, list;
    struct sums sums = { { 0 }, 0, false };
    if (!bp_hash_eq(root, &block->header.receipts_root))
        return bp_ruling_bad(0, BP_ERR_RULE_RECEIPTS_ROOT);
    if (bp_rlp_list(&list, &receipts) != 0 || bp_rlp_list(&txs, &tx_list) != 0)
        return bp_ruling_bad(0, BP_ERR_RULE_RECEIPTS_FORM);
    for (int64_t i = 0; list.n > 0; i++) {
        int err = check_receipt(&sums, spec, &list, &txs);
        if (err == 0) continue;
        struct bp_ruling v = bp_ruling_bad(0, err);
        v.tx = i;
        return v;
    }
    if (txs.n > 0) return bp_ruling_bad(0, BP_ERR_RULE_RECEIPTS_COUNT);
    int err = check_sums(&sums, &block->header);
    return err == 0 ? bp_ruling_ok(1) : bp_ruling_bad(0, err);
}
