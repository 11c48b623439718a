/* build: new blocks, for test chains and demonstrations.

   A header is put together from its parent as the chain's rules demand, then
   sealed with real proof of work. Nothing is executed: the state root stays
   the parent's, and every transaction costs what a plain transfer does. */
#ifndef BP_CHAIN_BUILD_H
#define BP_CHAIN_BUILD_H

#include "blockpool/ethash.h"
#include "blockpool/rules.h"

/* Gas of a transaction that does nothing (Yellow Paper, G_transaction). */
#define BP_BUILD_TX_GAS 21000

struct bp_build {
    const struct bp_spec *spec;
    const struct bp_header *parent;
    const bp_hash *parent_hash;
    uint64_t time; /* after the parent's */
    uint8_t coinbase[20];
    bp_span extra;       /* borrowed by the header */
    struct bp_body body; /* its lists, as they will be stored */
    size_t n_txs;
};

/* Everything but the seal. `roots` is used and left empty. Returns 0, an error
   of the RLP readers for a malformed body, or BP_ERR_NOMEM. */
int bp_build_header(struct bp_header *out, const struct bp_build *b,
                    struct bp_roots *roots,
                    const struct bp_alloc *alloc) BP_MUST_USE;

/* Mines: tries nonces from `first` on until one meets the difficulty, and sets
   nonce and mix. `work` is of BP_ETHASH_WORK_SIZE. */
void bp_build_seal(struct bp_header *h, const struct bp_ethash_light *light,
                   uint64_t first, const struct bp_ethash_tuning *tuning,
                   void *work);

/* A plain transfer of nothing to `to`, signed for the chain (EIP-155) with a
   secret key; nonce and price as given. Writes it at out and returns its
   length, or 0 when the key is none. */
#define BP_BUILD_TX_BYTES 160
struct bp_secp;
size_t bp_build_transfer(uint8_t out[BP_BUILD_TX_BYTES],
                         const struct bp_secp *curve, const uint8_t key[32],
                         uint64_t chain_id, uint64_t nonce, uint64_t price,
                         const uint8_t to[20]);

#endif
