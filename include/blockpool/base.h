/* base.h: what every other header speaks in.

   Spans of bytes, hashes, 256-bit numbers, virtual time, the error table, the
   caller's allocator and a seedable generator. Nothing here reads a clock,
   draws entropy, opens a file or keeps state between calls. */
#ifndef BLOCKPOOL_BASE_H
#define BLOCKPOOL_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define BP_API      __attribute__((visibility("default")))
#define BP_MUST_USE __attribute__((warn_unused_result))
#else
#define BP_API
#define BP_MUST_USE
#endif

/* ---- errors ---------------------------------------------------------- */

/* Whose fault an error is. Ours stops the node, the peer's costs the peer
   that sent the bytes, the world's (disk, network, file) is reported and
   retried where that makes sense, the user's is answered with a usage text. */
enum bp_fault_of { BP_OURS, BP_PEER, BP_WORLD, BP_USER };

/* name, value, whose fault, sentence. A value is never reused. Ranges:
   -1.. base, -20.. RLP, -40.. seals and header rules, -80.. body rules,
   -120.. wire, -160.. store and files, -200.. chain specifications,
   -220.. records, -240.. the node. */
#define BP_ERR_MAP(X)                                                          \
    X(NOMEM, -1, OURS, "out of memory")                                        \
    X(RANGE, -2, USER, "value out of range")                                   \
    X(FORMAT, -3, USER, "text is not in the expected form")                    \
    X(SPACE, -4, OURS, "the output buffer is too small")                       \
    X(RLP_SHORT, -20, PEER, "RLP item runs past the end")                      \
    X(RLP_CANON, -21, PEER, "RLP item is not in canonical form")               \
    X(RLP_KIND, -22, PEER,                                                     \
      "RLP item is a list where a string is due, or the other way round")      \
    X(RLP_TRAILING, -23, PEER, "bytes follow the last RLP item")               \
    X(RLP_SIZE, -24, PEER, "RLP item has the wrong length for its field")      \
    X(RLP_DEPTH, -25, PEER, "RLP lists are nested too deeply")                 \
    X(SEAL_EPOCH, -40, PEER, "the epoch is beyond what Ethash provides for")   \
    X(SEAL_WORK, -41, PEER, "the seal does not meet the difficulty")           \
    X(SEAL_MIX, -42, PEER, "the seal's mix is not the one of the data set")    \
    X(RULE_PARENT_HASH, -43, PEER,                                             \
      "parent-hash: the block does not name its parent's hash")                \
    X(RULE_NUMBER, -44, PEER, "number: it is not the parent's plus one")       \
    X(RULE_TIME, -45, PEER, "time: it is not after the parent's")              \
    X(RULE_EXTRA_DATA, -46, PEER,                                              \
      "extra-data: there are more than 32 bytes of it")                        \
    X(RULE_DAO_EXTRA, -47, PEER,                                               \
      "dao-extra-data: it is not what this side of the DAO fork writes")       \
    X(RULE_DIFFICULTY, -48, PEER,                                              \
      "difficulty: it is not the one that follows from the parent")            \
    X(RULE_DIFFICULTY_BOUND, -49, PEER,                                        \
      "difficulty-bound: it needs more than 128 bits")                         \
    X(RULE_GAS_LIMIT, -50, PEER, "gas-limit: it is too far from the parent's") \
    X(RULE_GAS_LIMIT_BOUNDS, -51, PEER,                                        \
      "gas-limit-bounds: it is below 5000 or above 2^63 - 1")                  \
    X(RULE_GAS_USED, -52, PEER, "gas-used: it is above the gas limit")         \
    X(RULE_HEADER_FIELDS, -53, PEER,                                           \
      "header-fields: their number is another fork's")                         \
    X(RULE_BASE_FEE, -54, PEER,                                                \
      "base-fee: it is not the one that follows from the parent")              \
    X(RULE_BLOB_GAS_USED, -55, PEER,                                           \
      "blob-gas-used: it is above the limit or not of whole blobs")            \
    X(RULE_EXCESS_BLOB_GAS, -56, PEER,                                         \
      "excess-blob-gas: it is not the one that follows from the parent")       \
    X(RULE_POS_NONCE, -57, PEER, "pos-nonce: it is not zero after the merge")  \
    X(RULE_POS_UNCLES, -58, PEER,                                              \
      "pos-uncles: there are uncles after the merge")                          \
    X(RULE_TERMINAL, -59, PEER,                                                \
      "terminal: proof of work after the terminal total difficulty")           \
    X(RULE_REQUIRED_HASH, -60, PEER,                                           \
      "required-hash: the chain has another block at this number")             \
    X(RULE_EMPTY_BLOCK, -61, PEER,                                             \
      "empty-block: gas, receipts or logs without a transaction")              \
    X(RULE_TIME_FUTURE, -62, WORLD, "time-future: the block is not due yet")   \
    X(RULE_UNKNOWN_PARENT, -63, WORLD,                                         \
      "unknown-parent: the parent is not stored")                              \
    X(RULE_TRANSACTIONS_ROOT, -80, PEER,                                       \
      "transactions-root: it is not that of the transactions")                 \
    X(RULE_UNCLES_HASH, -81, PEER,                                             \
      "uncles-hash: it is not that of the uncles")                             \
    X(RULE_WITHDRAWALS_ROOT, -82, PEER,                                        \
      "withdrawals-root: it is not that of the withdrawals")                   \
    X(RULE_UNCLE_COUNT, -83, PEER,                                             \
      "uncle-count: there are more than two uncles")                           \
    X(RULE_UNCLE_DUPLICATE, -84, PEER,                                         \
      "uncle-duplicate: the uncle is in the chain already")                    \
    X(RULE_UNCLE_ANCESTOR, -85, PEER,                                          \
      "uncle-ancestor: the uncle is an ancestor of the block")                 \
    X(RULE_UNCLE_PARENT, -86, PEER,                                            \
      "uncle-parent: it is not of the last seven generations")                 \
    X(RULE_TX_FORM, -87, PEER, "tx-form: the transaction cannot be decoded")   \
    X(RULE_TX_TYPE, -88, PEER,                                                 \
      "tx-type: the type is unknown or not active yet")                        \
    X(RULE_TX_SIGNATURE, -89, PEER, "tx-signature: v, r or s is out of range") \
    X(RULE_TX_CHAIN_ID, -90, PEER,                                             \
      "tx-chain-id: the transaction is signed for another chain")              \
    X(RULE_TX_INTRINSIC_GAS, -91, PEER,                                        \
      "tx-intrinsic-gas: the gas does not pay for the transaction's bytes")    \
    X(RULE_TX_FLOOR_GAS, -92, PEER,                                            \
      "tx-floor-gas: the gas is below the floor for calldata")                 \
    X(RULE_TX_GAS_LIMIT, -93, PEER,                                            \
      "tx-gas-limit: the transaction wants more gas than the block has")       \
    X(RULE_TX_GAS_CAP, -94, PEER,                                              \
      "tx-gas-cap: the transaction wants more than 2^24 gas")                  \
    X(RULE_TX_NONCE, -95, PEER, "tx-nonce: it is 2^64 - 1")                    \
    X(RULE_TX_FEE, -96, PEER,                                                  \
      "tx-fee: it is below the base fee, or the tip above the whole")          \
    X(RULE_TX_COST, -97, PEER,                                                 \
      "tx-cost: gas and value together exceed 2^256 - 1")                      \
    X(RULE_TX_INIT_CODE, -98, PEER,                                            \
      "tx-init-code: it is longer than 49152 bytes")                           \
    X(RULE_TX_BLOB, -99, PEER,                                                 \
      "tx-blob: a blob transaction is malformed or pays too little")           \
    X(RULE_TX_AUTHORIZATION, -100, PEER,                                       \
      "tx-authorization: there is none, or no destination")                    \
    X(RULE_BLOB_GAS_TOTAL, -101, PEER,                                         \
      "blob-gas-total: blob-gas-used is not that of the transactions")         \
    X(RULE_BLOCK_SIZE, -102, PEER,                                             \
      "block-size: the block is larger than 8 MiB")                            \
    X(RULE_RECEIPTS_FORM, -103, PEER,                                          \
      "receipts-form: a receipt cannot be decoded")                            \
    X(RULE_RECEIPTS_COUNT, -104, PEER,                                         \
      "receipts-count: not one for each transaction")                          \
    X(RULE_RECEIPTS_ROOT, -105, PEER,                                          \
      "receipts-root: it is not that of the receipts")                         \
    X(RULE_RECEIPTS_BLOOM, -106, PEER,                                         \
      "receipts-bloom: the bloom is not that of the logs")                     \
    X(RULE_RECEIPTS_GAS, -107, PEER,                                           \
      "receipts-gas: gas used does not add up over the receipts")              \
    X(RULE_RECEIPTS_REQUESTS, -108, PEER,                                      \
      "receipts-requests: deposits were made, but no request is named")        \
    X(NO_LINEAGE, -109, OURS,                                                  \
      "the ancestors that the uncle rules need are not at hand")               \
    X(SNAPPY, -120, PEER, "Snappy data does not decompress")                   \
    X(SNAPPY_SIZE, -121, PEER, "Snappy data decompresses to too much")         \
    X(SNAPPY_CRC, -122, PEER, "Snappy chunk does not match its checksum")      \
    X(ECIES, -123, PEER, "encrypted packet is not meant for our key")          \
    X(RLPX_KEY, -124, USER, "not a key of the curve secp256k1")                \
    X(RLPX_HANDSHAKE, -125, PEER, "handshake packet is malformed")             \
    X(RLPX_SELF, -126, WORLD, "the peer is this node itself")                  \
    X(RLPX_MAC, -127, PEER, "frame does not match its MAC")                    \
    X(RLPX_FRAME, -128, PEER, "frame has a length that it must not have")      \
    X(RLPX_CODE, -129, PEER, "message code that was not agreed upon")          \
    X(RLPX_HELLO, -130, PEER, "Hello is malformed or comes again")             \
    X(RLPX_IDENTITY, -131, PEER, "Hello names another key than the handshake") \
    X(RLPX_USELESS, -132, WORLD, "no protocol in common with the peer")        \
    X(RLPX_FULL, -133, WORLD, "the peer does not read what is sent to it")     \
    X(RLPX_OVER, -134, OURS, "the session is not open")                        \
    X(ETH_CODE, -140, PEER, "no such message in this version of eth")          \
    X(ETH_COUNT, -141, PEER, "message has more items than its limit")          \
    X(ETH_RANGE, -142, PEER, "block range ends before it begins")              \
    X(ETH_ORIGIN, -143, OURS, "header query has both a number and a hash")     \
    X(ETH_FIRST, -144, PEER, "first message is not Status")                    \
    X(ETH_NETWORK, -145, WORLD, "the peer is on another network")              \
    X(ETH_VERSION, -146, PEER, "Status names another version than agreed")     \
    X(ETH_GENESIS, -147, WORLD, "the peer has another genesis block")          \
    X(ETH_FORK, -148, WORLD, "the peer is on another fork")                    \
    X(STORE_IO, -160, WORLD, "the store could not be read or written")         \
    X(DISK_FULL, -161, WORLD, "no space is left on the disk")                  \
    X(STORE_MAP, -162, WORLD, "the store's map is full and cannot grow")       \
    X(STORE_LOCKED, -163, WORLD, "another process writes to this store")       \
    X(STORE_CHAIN, -164, USER, "the store belongs to another chain")           \
    X(STORE_SCHEMA, -165, USER, "the store was written by another version")    \
    X(STORE_CORRUPT, -166, WORLD, "the store contradicts itself")              \
    X(NOT_STORED, -167, WORLD, "what was asked for is not stored")             \
    X(STORE_READ_ONLY, -168, USER, "the store is open for reading only")       \
    X(NO_PARENT, -169, OURS, "the block's parent is not stored")               \
    X(NO_STORE, -170, USER, "there is no store here")                          \
    X(STORE_ACCESS, -171, WORLD, "the system does not permit it")              \
    X(FILE_OPEN, -172, USER, "the file cannot be opened")                      \
    X(FILE_READ, -173, WORLD, "the file cannot be read")                       \
    X(FILE_WRITE, -174, WORLD, "the file cannot be written")                   \
    X(FILE_FORMAT, -175, USER, "the file is of no known form")                 \
    X(FILE_END, -176, WORLD, "the file has no more blocks")                    \
    X(FILE_SHORT, -177, WORLD, "the file was cut short")                       \
    X(FILE_GZIP, -178, WORLD, "the compressed file is damaged")                \
    X(FILE_SIZE, -179, WORLD, "the file has too much in one place")            \
    X(FILE_BLOCK, -180, WORLD, "a block in the file is malformed")             \
    X(FILE_SNAPPY, -181, WORLD, "a compressed entry is damaged")               \
    X(FILE_ENTRY, -182, WORLD, "an entry is out of place")                     \
    X(FILE_LINK, -183, WORLD, "a block does not follow the one before it")     \
    X(FILE_TD, -184, WORLD, "a total difficulty does not add up")              \
    X(FILE_ROOT, -185, WORLD, "the accumulator does not match the blocks")     \
    X(FILE_INDEX, -186, WORLD, "the index does not match the blocks")          \
    X(FILE_CHAIN, -187, USER, "the file belongs to another chain")             \
    X(CACHE_FILE, -190, WORLD, "not a file of the wanted light cache")         \
    X(SPEC_JSON, -200, USER,                                                   \
      "the chain specification is not well-formed JSON")                       \
    X(SPEC_KEY, -201, USER,                                                    \
      "a key of the chain specification is missing or wrong")                  \
    X(SPEC_GENESIS, -202, USER,                                                \
      "the genesis block is not the one its hash tells")                       \
    X(SPEC_NAME, -203, USER, "there is no built-in network of this name")      \
    X(CACHE_IO, -191, WORLD, "a light cache's file cannot be read or written") \
    X(RECORD_FORM, -220, WORLD, "this is no record, or of another version")    \
    X(RECORD_SUM, -221, WORLD, "a part of the record does not match its sum")  \
    X(RECORD_SHORT, -222, WORLD, "the record ends before its config does")     \
    X(RECORD_END, -223, WORLD, "the record has no more events")                \
    X(NO_KEY, -240, USER, "there is no node key")                              \
    X(KEY_IO, -241, WORLD, "the node key could not be read or written")        \
    X(UNASKED, -242, PEER, "answer to a request that was not made")            \
    X(ITEMS_MANY, -243, PEER, "answer with more items than were asked for")    \
    X(UNLINKED, -244, PEER, "headers that do not follow one another")          \
    X(ORIGIN, -245, PEER, "answer that begins with another block than asked")  \
    X(NO_BODY, -246, OURS, "the block's body was not fetched")                 \
    X(STOPPED, -247, OURS, "the node is ending")

enum bp_err {
    BP_OK = 0,
#define BP_ERR_ENUM(name, value, who, text) BP_ERR_##name = value,
    BP_ERR_MAP(BP_ERR_ENUM)
#undef BP_ERR_ENUM
};

/* The sentence of an error, without a full stop; "unknown error" for a value
   that is not in the table. Never NULL; the text lives for ever. */
BP_API const char *bp_strerror(int err);
/* The short name of an error ("RLP_SHORT"), or "UNKNOWN". */
BP_API const char *bp_errname(int err);
/* Whose fault an error is; BP_OURS for a value not in the table. */
BP_API enum bp_fault_of bp_err_fault(int err);

/* ---- bytes ----------------------------------------------------------- */

/* A span borrows n bytes at p; it never owns them. */
typedef struct bp_span {
    const uint8_t *p;
    size_t n;
} bp_span;

typedef struct bp_hash {
    uint8_t b[32];
} bp_hash;

BP_API bool bp_hash_eq(const bp_hash *a, const bp_hash *b);
/* Order of the 32 bytes as a big-endian number: <0, 0, >0. */
BP_API int bp_hash_cmp(const bp_hash *a, const bp_hash *b);

/* Writes 2n lower-case digits and a NUL at out (2n + 1 bytes). */
BP_API void bp_hex(char *out, const void *bytes, size_t n);
/* Reads exactly 2n hexadecimal digits, with or without "0x" in front, and
   nothing after them. Returns 0 or BP_ERR_FORMAT, with out then unspecified. */
BP_API int bp_unhex(void *out, size_t n, const char *text) BP_MUST_USE;

/* ---- 256-bit unsigned numbers ---------------------------------------- */

/* w[0] is the least significant limb. */
typedef struct bp_u256 {
    uint64_t w[4];
} bp_u256;

/* Digits of 2^256 - 1 and a NUL. */
#define BP_U256_DEC_MAX 79

BP_API bp_u256 bp_u256_from_u64(uint64_t v);
BP_API bool bp_u256_is_zero(const bp_u256 *a);
BP_API int bp_u256_cmp(const bp_u256 *a, const bp_u256 *b);
/* *out = a + b mod 2^256; returns the carry. out may be a or b. */
BP_API bool bp_u256_add(bp_u256 *out, const bp_u256 *a, const bp_u256 *b);
/* *out = a - b mod 2^256; returns the borrow. out may be a or b. */
BP_API bool bp_u256_sub(bp_u256 *out, const bp_u256 *a, const bp_u256 *b);
/* *out = a * m mod 2^256; returns the limb that overflowed. */
BP_API uint64_t bp_u256_mul_u64(bp_u256 *out, const bp_u256 *a, uint64_t m);
/* *out = a / d; returns a mod d. d must not be 0. */
BP_API uint64_t bp_u256_div_u64(bp_u256 *out, const bp_u256 *a, uint64_t d);
/* *quot = a / d; *rem = a mod d (either may be NULL). d must not be 0. */
BP_API void bp_u256_divmod(bp_u256 *quot, bp_u256 *rem, const bp_u256 *a,
                           const bp_u256 *d);
/* Shift by any amount; 256 and more gives 0. */
BP_API bp_u256 bp_u256_shr(const bp_u256 *a, unsigned bits);
BP_API bp_u256 bp_u256_shl(const bp_u256 *a, unsigned bits);
/* Number of significant bits, 0 for 0. */
BP_API unsigned bp_u256_bits(const bp_u256 *a);
/* From n <= 32 big-endian bytes. */
BP_API bp_u256 bp_u256_from_be(const uint8_t *bytes, size_t n);
BP_API void bp_u256_to_be(uint8_t out[32], const bp_u256 *a);
/* Writes the decimal form and a NUL; returns its length. */
BP_API size_t bp_u256_to_dec(char out[BP_U256_DEC_MAX], const bp_u256 *a);
/* Reads decimal digits, or hexadecimal ones after "0x", and nothing else.
   Returns 0, BP_ERR_FORMAT, or BP_ERR_RANGE at 2^256 and above. */
BP_API int bp_u256_parse(bp_u256 *out, const char *text) BP_MUST_USE;

/* ---- time ------------------------------------------------------------ */

/* Monotonic milliseconds since a moment the caller chose. */
typedef uint64_t bp_time;
#define BP_TIME_NEVER UINT64_MAX

/* ---- memory ---------------------------------------------------------- */

/* The caller's memory. alloc returns n bytes aligned for any object, or NULL;
   free gets the same n back. No function here calls alloc with 0. */
struct bp_alloc {
    void *(*alloc)(void *user, size_t n);
    void (*free)(void *user, void *p, size_t n);
    void *user;
};

/* malloc and free. */
BP_API extern const struct bp_alloc bp_alloc_libc;

/* With a == NULL the C library's. bp_zalloc zeroes. bp_free(a, NULL, n) does
   nothing. bp_grow copies old_n bytes to a new block of new_n and frees the
   old one; on failure it returns NULL and the old block stays. */
BP_API void *bp_malloc(const struct bp_alloc *a, size_t n) BP_MUST_USE;
BP_API void *bp_zalloc(const struct bp_alloc *a, size_t n) BP_MUST_USE;
BP_API void *bp_grow(const struct bp_alloc *a, void *p, size_t old_n,
                     size_t new_n) BP_MUST_USE;
BP_API void bp_free(const struct bp_alloc *a, void *p, size_t n);

/* ---- chance ---------------------------------------------------------- */

/* xoshiro256**; seeded by splitmix64, so any seed is a good one. Not for
   keys. The same seed gives the same numbers on every machine. */
struct bp_rng {
    uint64_t s[4];
};
BP_API void bp_rng_seed(struct bp_rng *r, uint64_t seed);
BP_API uint64_t bp_rng_next(struct bp_rng *r);
/* Uniform in 0..n-1; 0 for n == 0. */
BP_API uint64_t bp_rng_below(struct bp_rng *r, uint64_t n);
BP_API void bp_rng_bytes(struct bp_rng *r, void *out, size_t n);

/* ---- version --------------------------------------------------------- */

#define BP_VERSION_MAJOR 0
#define BP_VERSION_MINOR 1
#define BP_VERSION_PATCH 0
/* "0.1.0", of the library that is linked. */
BP_API const char *bp_version(void);

#ifdef __cplusplus
}
#endif
#endif
