/* spec_genesis: a genesis file as geth and core-geth read it. */
#include <stdio.h>
#include <string.h>

#include "base/try.h"
#include "chain/spec_read.h"

/* SHA-256 of nothing: the requests hash of a block without requests
   (EIP-7685). */
static const bp_hash no_requests = { {
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4,
    0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b,
    0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
} };

/* EIP-1559: INITIAL_BASE_FEE. */
enum { INITIAL_BASE_FEE = 1000000000 };

static const char *genesis_key(enum bp_fork f) {
    static const char *const name[BP_N_FORKS] = {
#define NAME(id, key, gkey) gkey,
        BP_FORK_MAP(NAME)
#undef NAME
    };
    return name[f];
}

static int read_blobs(struct bp_spec *s, struct bp_json *j,
                      const json_t *config) {
    json_t *list;
    BP_TRY(bp_json_object(j, &list, config, "blobSchedule",
                          "config.blobSchedule"));
    if (list == NULL) {
        bp_spec_derive_blobs(s);
        return 0;
    }
    for (int f = BP_FORK_CANCUN; f < BP_N_FORKS; f++) {
        char path[80];
        json_t *v;
        snprintf(path, sizeof path, "config.blobSchedule.%s",
                 bp_fork_name((enum bp_fork)f));
        BP_TRY(
            bp_json_object(j, &v, list, bp_fork_name((enum bp_fork)f), path));
        if (v == NULL) continue;
        BP_TRY(bp_spec_add_blobs(s, j, (enum bp_fork)f, v,
                                 "baseFeeUpdateFraction", path));
    }
    return 0;
}

static int read_config(struct bp_spec *s, struct bp_json *j,
                       const json_t *config) {
    BP_TRY(bp_json_need(j, config, "chainId", "config.chainId"));
    BP_TRY(bp_json_u64(j, &s->chain_id, config, "chainId", "config.chainId"));
    s->network_id = s->chain_id;
    BP_TRY(bp_json_u64(j, &s->network_id, config, "networkId",
                       "config.networkId"));
    if (json_object_get(config, "clique") != NULL)
        return bp_json_fail(j, BP_ERR_SPEC_KEY, "config.clique",
                            "proof of authority is not supported");
    /* core-geth names the parts of homestead by their proposals. */
    BP_TRY(bp_json_u64(j, &s->fork[BP_FORK_HOMESTEAD], config, "eip2FBlock",
                       "config.eip2FBlock"));
    for (int f = 0; f < BP_N_FORKS; f++) {
        char path[80];
        const char *key = genesis_key((enum bp_fork)f);
        snprintf(path, sizeof path, "config.%s", key);
        BP_TRY(bp_json_u64(j, &s->fork[f], config, key, path));
    }
    BP_TRY(bp_json_bool(j, &s->dao_support, config, "daoForkSupport",
                        "config.daoForkSupport"));
    const json_t *ttd = json_object_get(config, "terminalTotalDifficulty");
    s->has_ttd = ttd != NULL && !json_is_null(ttd);
    BP_TRY(bp_json_u256(j, &s->ttd, config, "terminalTotalDifficulty",
                        "config.terminalTotalDifficulty"));
    BP_TRY(bp_json_u256(j, &s->minimum_difficulty, config, "minimumDifficulty",
                        "config.minimumDifficulty"));
    BP_TRY(bp_json_u64(j, &s->ecip1010_length, config, "ecip1010Length",
                       "config.ecip1010Length"));
    BP_TRY(bp_json_u64(j, &s->mess_from, config, "ecbp1100FBlock",
                       "config.ecbp1100FBlock"));
    BP_TRY(bp_json_u64(j, &s->mess_to, config, "ecbp1100DeactivateFBlock",
                       "config.ecbp1100DeactivateFBlock"));
    s->has_deposit_contract =
        json_object_get(config, "depositContractAddress") != NULL;
    BP_TRY(bp_json_bytes(j, s->deposit_contract, sizeof s->deposit_contract,
                         config, "depositContractAddress",
                         "config.depositContractAddress"));
    BP_TRY(bp_spec_read_required(s, j, config, "requireBlockHashes"));
    bp_spec_derive_bombs(s);
    return read_blobs(s, j, config);
}

/* The fields that forks which hold at block 0 add. */
static int read_later(struct bp_header *h, const struct bp_spec *s,
                      struct bp_json *j, const json_t *root) {
    if (!bp_spec_has(s, BP_FORK_LONDON, 0, h->time)) return 0;
    h->n_fields = BP_FIELDS_LONDON;
    h->base_fee = bp_u256_from_u64(INITIAL_BASE_FEE);
    BP_TRY(
        bp_json_u256(j, &h->base_fee, root, "baseFeePerGas", "baseFeePerGas"));
    if (!bp_spec_has(s, BP_FORK_SHANGHAI, 0, h->time)) return 0;
    h->n_fields = BP_FIELDS_SHANGHAI;
    h->withdrawals_root = bp_empty_root;
    if (!bp_spec_has(s, BP_FORK_CANCUN, 0, h->time)) return 0;
    h->n_fields = BP_FIELDS_CANCUN;
    BP_TRY(
        bp_json_u64(j, &h->blob_gas_used, root, "blobGasUsed", "blobGasUsed"));
    BP_TRY(bp_json_u64(j, &h->excess_blob_gas, root, "excessBlobGas",
                       "excessBlobGas"));
    if (!bp_spec_has(s, BP_FORK_PRAGUE, 0, h->time)) return 0;
    h->n_fields = BP_FIELDS_PRAGUE;
    h->requests_hash = no_requests;
    return 0;
}

static int read_state_root(bp_hash *out, struct bp_json *j, const json_t *root,
                           const struct bp_alloc *a) {
    json_t *accounts;
    BP_TRY(bp_json_object(j, &accounts, root, "alloc", "alloc"));
    if (accounts == NULL) {
        BP_TRY(bp_json_need(j, root, "stateRoot", "stateRoot (or alloc)"));
        return bp_json_bytes(j, out->b, sizeof out->b, root, "stateRoot",
                             "stateRoot");
    }
    BP_TRY(bp_alloc_root(out, j, accounts, a));
    bp_hash said = *out;
    BP_TRY(bp_json_bytes(j, said.b, sizeof said.b, root, "stateRoot",
                         "stateRoot"));
    if (bp_hash_eq(&said, out)) return 0;
    return bp_json_fail(j, BP_ERR_SPEC_GENESIS, "stateRoot",
                        "not that of alloc");
}

static int read_extra(struct bp_header *h, struct bp_spec *s, size_t *used,
                      struct bp_json *j, const json_t *root) {
    const char *hex = "";
    size_t n = 0;
    BP_TRY(bp_json_str(j, &hex, root, "extraData", "extraData"));
    uint8_t *p = bp_spec_keep(s, used, NULL, strlen(hex) / 2);
    if (p == NULL || bp_json_hex(p, &n, strlen(hex) / 2, hex) != 0)
        return bp_json_fail(j, BP_ERR_SPEC_KEY, "extraData", "not hexadecimal");
    h->extra = (bp_span){ p, n };
    return 0;
}

static int read_header(struct bp_header *h, struct bp_spec *s, size_t *used,
                       struct bp_json *j, const json_t *root) {
    uint64_t nonce = 0, number = 0;
    h->n_fields = BP_FIELDS_FRONTIER;
    h->uncles_hash = bp_empty_uncles_hash;
    h->transactions_root = h->receipts_root = bp_empty_root;
    BP_TRY(bp_json_need(j, root, "difficulty", "difficulty"));
    BP_TRY(bp_json_u256(j, &h->difficulty, root, "difficulty", "difficulty"));
    BP_TRY(bp_json_need(j, root, "gasLimit", "gasLimit"));
    BP_TRY(bp_json_u64(j, &h->gas_limit, root, "gasLimit", "gasLimit"));
    BP_TRY(bp_json_u64(j, &h->gas_used, root, "gasUsed", "gasUsed"));
    BP_TRY(bp_json_u64(j, &h->time, root, "timestamp", "timestamp"));
    BP_TRY(bp_json_u64(j, &nonce, root, "nonce", "nonce"));
    for (int i = 0; i < 8; i++) h->nonce[i] = (uint8_t)(nonce >> (56 - 8 * i));
    BP_TRY(bp_json_bytes(j, h->mix_hash.b, 32, root, "mixHash", "mixHash"));
    BP_TRY(bp_json_bytes(j, h->mix_hash.b, 32, root, "mixhash", "mixhash"));
    BP_TRY(bp_json_bytes(j, h->coinbase, 20, root, "coinbase", "coinbase"));
    BP_TRY(bp_json_bytes(j, h->parent_hash.b, 32, root, "parentHash",
                         "parentHash"));
    BP_TRY(bp_json_u64(j, &number, root, "number", "number"));
    if (number != 0)
        return bp_json_fail(j, BP_ERR_SPEC_KEY, "number", "it is not 0");
    BP_TRY(read_extra(h, s, used, j, root));
    BP_TRY(read_later(h, s, j, root));
    return read_state_root(&h->state_root, j, root, s->alloc);
}

int bp_spec_read_genesis(struct bp_spec *s, size_t *used, struct bp_json *j,
                         const json_t *root) {
    json_t *config;
    struct bp_header h;
    memset(&h, 0, sizeof h);
    snprintf(s->name, sizeof s->name, "custom");
    BP_TRY(bp_json_object(j, &config, root, "config", "config"));
    BP_TRY(bp_json_need(j, root, "config", "config"));
    BP_TRY(read_config(s, j, config));
    BP_TRY(read_header(&h, s, used, j, root));
    struct bp_rlp_w w = { NULL, 0, 0 };
    bp_header_put(&w, &h);
    uint8_t *rlp = bp_spec_keep(s, used, NULL, w.n);
    if (rlp == NULL) return BP_ERR_NOMEM;
    w = (struct bp_rlp_w){ rlp, w.n, 0 };
    bp_header_put(&w, &h);
    s->genesis_rlp = (bp_span){ rlp, w.n };
    return bp_spec_set_genesis(s, j, "difficulty");
}
