/* chain.h: headers, bodies, transactions and receipts as values, and what is
   hashed over them.

       block  = [ header, transactions, uncles, withdrawals? ]
       body   =         [ transactions, uncles, withdrawals? ]
       header = [ parent .. nonce | base fee | withdrawals root | blob gas ..
                  15 fields         16         17                 20, 21 ]

   Everything decoded borrows from the bytes it came from; nothing here
   allocates but struct bp_roots. Decoding checks form only: what the values
   must be is said by the rules (rules.h) under a chain's specification
   (spec.h). Form is strict: whatever decodes encodes to the same bytes.

   Sources: Yellow Paper 4.4 (block), EIP-1559 (base fee), EIP-2718 (typed
   transactions), EIP-4895 (withdrawals), EIP-4844 (blob gas), EIP-4788
   (beacon root), EIP-7685 (requests hash). */
#ifndef BLOCKPOOL_CHAIN_H
#define BLOCKPOOL_CHAIN_H

#include "blockpool/base.h"
#include "blockpool/rlp.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- headers --------------------------------------------------------- */

/* Fields of a header by the fork that brought the last of them. A header has
   the first n of the full list, so the count says which are present. */
enum bp_header_fields {
    BP_FIELDS_FRONTIER = 15, /* up to the nonce */
    BP_FIELDS_LONDON = 16,   /* base_fee */
    BP_FIELDS_SHANGHAI = 17, /* withdrawals_root */
    BP_FIELDS_CANCUN = 20,   /* blob_gas_used, excess_blob_gas,
                                parent_beacon_root */
    BP_FIELDS_PRAGUE = 21,   /* requests_hash */
};

/* The longest extra data a valid header carries (Yellow Paper 4.4.4, H_x);
   a genesis may have more. */
#define BP_EXTRA_MAX 32
/* The longest encoding of a header with valid extra data. */
#define BP_HEADER_BYTES_MAX 736

/* In the order of use, not of encoding: what commits to a body is together. */
struct bp_header {
    bp_hash parent_hash;
    bp_hash transactions_root;
    bp_hash uncles_hash;
    bp_hash withdrawals_root; /* n_fields >= 17 */
    uint64_t number;
    uint64_t time; /* seconds since 1970 */
    uint64_t gas_limit;
    uint64_t gas_used;
    bp_u256 difficulty;
    bp_u256 base_fee;         /* n_fields >= 16 */
    uint64_t blob_gas_used;   /* >= 18 */
    uint64_t excess_blob_gas; /* >= 19 */
    bp_span extra;            /* borrowed from the bytes decoded */
    uint8_t n_fields;         /* 15..21; fields beyond it are zero */
    uint8_t nonce[8];
    uint8_t coinbase[20];
    bp_hash mix_hash;
    bp_hash state_root;
    bp_hash receipts_root;
    bp_hash parent_beacon_root; /* n_fields >= 20 */
    bp_hash requests_hash;      /* >= 21 */
    uint8_t bloom[256];
};

/* Reads one header and steps past it. Errors of the RLP readers;
   BP_ERR_RLP_SHORT for fewer than 15 fields, BP_ERR_RLP_TRAILING for more
   than 21. On an error *in is unchanged and *out unspecified. */
BP_API int bp_header_decode(struct bp_header *out, bp_span *in) BP_MUST_USE;
BP_API void bp_header_put(struct bp_rlp_w *w, const struct bp_header *h);
/* Equal field by field, the bytes of extra included. */
BP_API bool bp_header_eq(const struct bp_header *a, const struct bp_header *b);

/* Keccak-256 of the encoding. Of many headers whose bytes are at hand, hash
   the bytes in one batch (bp_keccak256_many): that is what is fast. */
BP_API void bp_header_hash(bp_hash *out, const struct bp_header *h);
/* What the proof of work signs: Keccak-256 of the header without mix hash and
   nonce (Yellow Paper 11.5.2). */
BP_API void bp_header_seal_hash(bp_hash *out, const struct bp_header *h);
/* Writes what is hashed for the seal, to hash it in a batch. */
BP_API void bp_header_put_unsealed(struct bp_rlp_w *w,
                                   const struct bp_header *h);

/* Whether the header commits to a body without transactions, uncles and
   withdrawals, so that nothing needs to be fetched. */
BP_API bool bp_header_body_empty(const struct bp_header *h);

/* Root of a trie without entries, and the hash of the empty list. */
BP_API extern const bp_hash bp_empty_root;
BP_API extern const bp_hash bp_empty_uncles_hash;

/* ---- bodies and blocks ----------------------------------------------- */

/* Each list is a whole RLP item, prefix included, so that a body is their
   concatenation in a list and the uncles hash is that of `uncles`. */
struct bp_body {
    bp_span transactions;
    bp_span uncles;
    bp_span withdrawals; /* n == 0: the body has no such list */
};

struct bp_block {
    struct bp_header header;
    bp_span header_rlp; /* the whole item, borrowed */
    struct bp_body body;
};

/* Reads one body, or one block, and steps past it. The lists are walked one
   level deep: a transaction is a list or a string that is not empty, an
   uncle a header, a withdrawal a list of its four fields. Errors as
   bp_header_decode. */
BP_API int bp_body_decode(struct bp_body *out, bp_span *in) BP_MUST_USE;
BP_API int bp_block_decode(struct bp_block *out, bp_span *in) BP_MUST_USE;
BP_API void bp_body_put(struct bp_rlp_w *w, const struct bp_body *body);
/* A block of a header's bytes and a body. */
BP_API void bp_block_put(struct bp_rlp_w *w, bp_span header_rlp,
                         const struct bp_body *body);
/* The body without transactions and uncles; with an empty list of
   withdrawals when `withdrawals` is set. Lives for ever. */
BP_API struct bp_body bp_body_none(bool withdrawals);

/* ---- transactions and receipts ---------------------------------------- */

/* EIP-2930, 1559, 4844, 7702. */
enum bp_tx_type {
    BP_TX_LEGACY = 0,
    BP_TX_ACCESS_LIST = 1,
    BP_TX_DYNAMIC_FEE = 2,
    BP_TX_BLOB = 3,
    BP_TX_SET_CODE = 4,
};

/* Fields that a type does not have are zero; lists are whole RLP items. */
struct bp_tx {
    enum bp_tx_type type;
    bp_u256 chain_id; /* of a legacy one by EIP-155, if is_protected */
    uint64_t nonce;
    bp_u256 tip;     /* max priority fee per gas; the gas price if there is
                        only one */
    bp_u256 max_fee; /* max fee per gas; the gas price if there is only one */
    uint64_t gas_limit;
    bool creates; /* no destination: it creates a contract */
    uint8_t to[20];
    bp_u256 value;
    bp_span data;
    bp_span access_list;
    size_t n_addresses, n_keys; /* in the access list */
    bp_u256 max_blob_fee;
    bp_span blob_hashes;
    size_t n_blobs;
    bp_span authorizations;
    size_t n_authorizations;
    bool is_protected; /* the signature binds a chain id */
    bp_u256 v;         /* as it stands; y parity of a typed one */
    bp_u256 r, s;
};

/* Reads one item of a body's transactions and steps past it. Returns 0, an
   error of the RLP readers, or BP_ERR_RULE_TX_TYPE for a type above 4. */
BP_API int bp_tx_decode(struct bp_tx *out, bp_span *in) BP_MUST_USE;
/* Writes the item as it stands in a body. */
BP_API void bp_tx_put(struct bp_rlp_w *w, const struct bp_tx *tx);

struct bp_receipt {
    uint8_t type;
    bp_span status; /* one byte or none (EIP-658), or a state root */
    uint64_t gas;   /* cumulative */
    uint8_t bloom[256];
    bp_span logs; /* the whole list */
};

/* A log as it stands in a receipt. */
struct bp_log {
    uint8_t address[20];
    bp_span topics; /* payload: hashes as RLP strings */
    bp_span data;
};

/* Reads one item of a list of receipts in consensus form and steps past it;
   its logs are walked. Errors of the RLP readers. */
BP_API int bp_receipt_decode(struct bp_receipt *out, bp_span *in) BP_MUST_USE;
BP_API void bp_receipt_put(struct bp_rlp_w *w, const struct bp_receipt *r);
BP_API int bp_log_decode(struct bp_log *out, bp_span *in) BP_MUST_USE;
/* Adds what the logs (a whole list that was decoded) set in a bloom filter:
   Yellow Paper 4.3.1. */
BP_API void bp_bloom_add(uint8_t bloom[256], bp_span logs);

/* ---- roots ----------------------------------------------------------- */

/* A batch of lists whose trie roots are computed together: the nodes of many
   small tries make one large batch of hashes, which is several times faster
   than one trie after the other. Its memory (under 1 MiB) is taken at new and
   never grows, whatever is added. One thread at a time.

       bp_roots_new -> add, add, add ... -> run -> add ... -> free */
struct bp_roots;

/* Returns 0 or BP_ERR_NOMEM. */
BP_API int bp_roots_new(struct bp_roots **out,
                        const struct bp_alloc *alloc) BP_MUST_USE;
BP_API void bp_roots_free(struct bp_roots *r);
/* Adds a whole RLP list of transactions, withdrawals or receipts: entry i of
   its trie is item i, a list as it is, of a string what it holds (EIP-2718).
   The root is at *out after the next run (or before), so *out must stay; the
   list need not. Returns 0 or an error of the RLP readers, with nothing added
   and *out unspecified. */
BP_API int bp_roots_add(struct bp_roots *r, bp_span list,
                        bp_hash *out) BP_MUST_USE;
/* Completes every root that was added. */
BP_API void bp_roots_run(struct bp_roots *r);

struct bp_body_roots {
    bp_hash transactions;
    bp_hash uncles;
    bp_hash withdrawals; /* zero when the body has no such list */
};

/* The three commitments of n bodies, all hashed together. Returns 0 or an
   error of the RLP readers, which a body that was decoded cannot cause. */
BP_API int bp_bodies_roots(struct bp_body_roots *out, struct bp_roots *r,
                           const struct bp_body *bodies, size_t n) BP_MUST_USE;
/* Whether the roots are those that a header commits to; a withdrawals root of
   zero stands for a header without one. Used to find which of the blocks that
   were asked for a body belongs to. */
BP_API bool bp_body_roots_match(const struct bp_body_roots *r,
                                const struct bp_header *h);

#ifdef __cplusplus
}
#endif
#endif
