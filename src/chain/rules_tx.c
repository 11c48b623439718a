/* rules_tx: what can be said of a transaction without its sender's state. */
#include "base/try.h"
#include "chain/checks.h"

enum {
    GAS = 21000,
    GAS_CREATE = 32000,    /* EIP-2, from homestead on */
    GAS_ZERO = 4,          /* a byte of data */
    GAS_OTHER_BEFORE = 68, /* EIP-2028 */
    GAS_OTHER = 16,
    GAS_ADDRESS = 2400, /* EIP-2930 */
    GAS_KEY = 1900,
    GAS_INIT_WORD = 2,         /* EIP-3860 */
    GAS_AUTHORIZATION = 25000, /* EIP-7702 */
    GAS_FLOOR_TOKEN = 10,      /* EIP-7623 */
    TOKENS_OTHER = 4,
    GAS_CAP = 1 << 24,         /* EIP-7825 */
    INIT_CODE_MAX = 49152,     /* EIP-3860 */
    TX_BLOBS_MAX = 6,          /* EIP-7594 */
    BLOB_VERSION = 1,          /* EIP-4844: a KZG commitment */
    BLOCK_BYTES_MAX = 8388608, /* EIP-7934: 10 MiB less 2 for the envelope */
};

/* What holds at a block, looked up once for all its transactions. */
struct era {
    const struct bp_spec *spec;
    const struct bp_header *h;
    bool homestead, eip155, eip2028, eip2930, eip1559, eip3860, cancun, prague,
        osaka;
    bp_u256 blob_fee;
};

static bool either(const struct bp_spec *s, enum bp_fork a, enum bp_fork b,
                   const struct bp_header *h) {
    return bp_spec_has(s, a, h->number, h->time) ||
           bp_spec_has(s, b, h->number, h->time);
}

static void era_at(struct era *e, const struct bp_spec *s,
                   const struct bp_header *h) {
    e->spec = s;
    e->h = h;
    e->homestead = bp_spec_has(s, BP_FORK_HOMESTEAD, h->number, h->time);
    e->eip155 = bp_spec_has(s, BP_FORK_EIP155, h->number, h->time);
    e->eip2028 = either(s, BP_FORK_ISTANBUL, BP_FORK_PHOENIX, h);
    e->eip2930 = either(s, BP_FORK_BERLIN, BP_FORK_MAGNETO, h);
    e->eip1559 = bp_spec_base_fee(s, h->number);
    e->eip3860 = either(s, BP_FORK_SHANGHAI, BP_FORK_SPIRAL, h);
    e->cancun = bp_spec_has(s, BP_FORK_CANCUN, h->number, h->time);
    e->prague = bp_spec_has(s, BP_FORK_PRAGUE, h->number, h->time);
    e->osaka = bp_spec_has(s, BP_FORK_OSAKA, h->number, h->time);
    if (e->cancun)
        bp_blob_base_fee(&e->blob_fee, s, h->time, h->excess_blob_gas);
}

static int check_type(const struct era *e, const struct bp_tx *tx) {
    bool active = true;
    switch (tx->type) {
    case BP_TX_LEGACY: break;
    case BP_TX_ACCESS_LIST: active = e->eip2930; break;
    case BP_TX_DYNAMIC_FEE: active = e->eip1559; break;
    case BP_TX_BLOB: active = e->cancun; break;
    case BP_TX_SET_CODE: active = e->prague; break;
    }
    return active ? 0 : BP_ERR_RULE_TX_TYPE;
}

/* Yellow Paper, appendix F: 0 < r < n, 0 < s < n, and from homestead on (EIP-2)
   s <= n / 2, n being the order of the curve secp256k1. */
static int check_signature(const struct era *e, const struct bp_tx *tx) {
    static const bp_u256 order = { { 0xbfd25e8cd0364141, 0xbaaedce6af48a03b,
                                     0xfffffffffffffffe, 0xffffffffffffffff } };
    bp_u256 half = bp_u256_shr(&order, 1);
    bool ok = !bp_u256_is_zero(&tx->r) && !bp_u256_is_zero(&tx->s) &&
              bp_u256_cmp(&tx->r, &order) < 0 &&
              bp_u256_cmp(&tx->s, &order) < 0 &&
              (!e->homestead || bp_u256_cmp(&tx->s, &half) <= 0);
    if (bp_u256_bits(&tx->v) > 8 && !tx->is_protected) ok = false;
    if (tx->type != BP_TX_LEGACY)
        ok = ok && bp_u256_bits(&tx->v) <= 1;
    else if (!tx->is_protected)
        ok = ok && (tx->v.w[0] == 27 || tx->v.w[0] == 28);
    else
        ok = ok && e->eip155; /* before it such a v is just a wrong one */
    return ok ? 0 : BP_ERR_RULE_TX_SIGNATURE;
}

static int check_chain_id(const struct era *e, const struct bp_tx *tx) {
    bp_u256 ours = bp_u256_from_u64(e->spec->chain_id);
    if (!tx->is_protected || bp_u256_cmp(&tx->chain_id, &ours) == 0) return 0;
    return BP_ERR_RULE_TX_CHAIN_ID;
}

static uint64_t zero_bytes(bp_span data) {
    uint64_t zeros = 0;
    for (size_t i = 0; i < data.n; i++) zeros += data.p[i] == 0;
    return zeros;
}

/* Nothing overflows: each count is at most the length of a message. */
static int check_gas(const struct era *e, const struct bp_tx *tx) {
    uint64_t zeros = zero_bytes(tx->data), others = tx->data.n - zeros;
    uint64_t gas = GAS + zeros * GAS_ZERO +
                   others * (e->eip2028 ? GAS_OTHER : GAS_OTHER_BEFORE) +
                   tx->n_addresses * GAS_ADDRESS + tx->n_keys * GAS_KEY +
                   tx->n_authorizations * GAS_AUTHORIZATION;
    if (tx->creates && e->homestead) gas += GAS_CREATE;
    if (tx->creates && e->eip3860) {
        gas += (tx->data.n + 31) / 32 * GAS_INIT_WORD;
        if (tx->data.n > INIT_CODE_MAX) return BP_ERR_RULE_TX_INIT_CODE;
    }
    if (tx->gas_limit < gas) return BP_ERR_RULE_TX_INTRINSIC_GAS;
    uint64_t tokens = zeros + others * TOKENS_OTHER;
    if (e->prague && tx->gas_limit < GAS + tokens * GAS_FLOOR_TOKEN)
        return BP_ERR_RULE_TX_FLOOR_GAS;
    if (tx->gas_limit > e->h->gas_limit) return BP_ERR_RULE_TX_GAS_LIMIT;
    if (e->osaka && tx->gas_limit > GAS_CAP) return BP_ERR_RULE_TX_GAS_CAP;
    return 0;
}

/* What the sender must own at least must be a number that can be owned. */
static int check_fees(const struct era *e, const struct bp_tx *tx) {
    bp_u256 cost, blobs;
    if (e->eip1559 && (bp_u256_cmp(&tx->max_fee, &e->h->base_fee) < 0 ||
                       bp_u256_cmp(&tx->max_fee, &tx->tip) < 0))
        return BP_ERR_RULE_TX_FEE;
    bool over = bp_u256_mul_u64(&cost, &tx->max_fee, tx->gas_limit) != 0;
    over |= bp_u256_add(&cost, &cost, &tx->value);
    over |= bp_u256_mul_u64(&blobs, &tx->max_blob_fee,
                            tx->n_blobs * BP_GAS_PER_BLOB) != 0;
    over |= bp_u256_add(&cost, &cost, &blobs);
    return over ? BP_ERR_RULE_TX_COST : 0;
}

static int check_blobs(const struct era *e, const struct bp_tx *tx) {
    const struct bp_spec_blobs *limits = bp_spec_blobs_at(e->spec, e->h->time);
    bp_span list = tx->blob_hashes, hashes;
    uint64_t max = limits == NULL ? 0 : limits->max;
    if (e->osaka && max > TX_BLOBS_MAX) max = TX_BLOBS_MAX;
    if (tx->creates || tx->n_blobs == 0 || tx->n_blobs > max ||
        bp_u256_cmp(&tx->max_blob_fee, &e->blob_fee) < 0)
        return BP_ERR_RULE_TX_BLOB;
    BP_TRY(bp_rlp_list(&hashes, &list));
    while (hashes.n > 0) {
        bp_hash h;
        BP_TRY(bp_rlp_hash(&h, &hashes));
        if (h.b[0] != BLOB_VERSION) return BP_ERR_RULE_TX_BLOB;
    }
    return 0;
}

static int check_tx(const struct era *e, const struct bp_tx *tx) {
    BP_TRY(check_type(e, tx));
    BP_TRY(check_signature(e, tx));
    BP_TRY(check_chain_id(e, tx));
    if (tx->nonce == UINT64_MAX) return BP_ERR_RULE_TX_NONCE;
    if (tx->type == BP_TX_BLOB) BP_TRY(check_blobs(e, tx));
    if (tx->type == BP_TX_SET_CODE &&
        (tx->creates || tx->n_authorizations == 0))
        return BP_ERR_RULE_TX_AUTHORIZATION;
    BP_TRY(check_gas(e, tx));
    return check_fees(e, tx);
}

static size_t block_bytes(const struct bp_block *b) {
    struct bp_rlp_w count = { NULL, 0, 0 };
    bp_block_put(&count, b->header_rlp, &b->body);
    return count.n;
}

struct bp_ruling bp_check_transactions(const struct bp_spec *spec,
                                       const struct bp_block *block) {
    bp_span list = block->body.transactions, txs;
    uint64_t blobs = 0;
    struct era e;
    era_at(&e, spec, &block->header);
    if (e.osaka && block_bytes(block) > BLOCK_BYTES_MAX)
        return bp_ruling_bad(0, BP_ERR_RULE_BLOCK_SIZE);
    if (bp_rlp_list(&txs, &list) != 0)
        return bp_ruling_bad(0, BP_ERR_RULE_TX_FORM);
    for (int64_t i = 0; txs.n > 0; i++) {
        struct bp_tx tx;
        int err = bp_tx_decode(&tx, &txs);
        if (err != 0 && err != BP_ERR_RULE_TX_TYPE) err = BP_ERR_RULE_TX_FORM;
        if (err == 0) err = check_tx(&e, &tx);
        if (err != 0) {
            struct bp_ruling v = bp_ruling_bad(0, err);
            v.tx = i;
            return v;
        }
        blobs += tx.n_blobs;
    }
    if (e.cancun && blobs * BP_GAS_PER_BLOB != block->header.blob_gas_used)
        return bp_ruling_bad(0, BP_ERR_RULE_BLOB_GAS_TOTAL);
    return bp_ruling_ok(1);
}
