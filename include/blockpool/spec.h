/* spec.h: what makes a chain this chain, and the fork id that tells it.

   A specification names the genesis block and, for each fork, the block number
   or the time from which its rules hold. It is read from JSON text in one of
   two forms, told apart by their keys:

     ours     data/networks/NAME.json: "fork_blocks", "fork_times",
              "genesis_header_rlp", "minimum_difficulty", ...
              (docs/protocol/spec.md lists every key)
     genesis  what geth and core-geth read: "config", "alloc", "difficulty", ...

   The networks mainnet, classic, mordor, sepolia and dev are built in, as the
   text of their files. Nothing here reads a file. */
#ifndef BLOCKPOOL_SPEC_H
#define BLOCKPOOL_SPEC_H

#include "blockpool/base.h"
#include "blockpool/chain.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- forks ------------------------------------------------------------ */

/* id, key in "fork_blocks" or "fork_times", key in a genesis file. The forks
   from SHANGHAI on are activated by the time of a block, the others by its
   number. */
#define BP_FORK_MAP(X)                                                         \
    X(HOMESTEAD, "homestead", "homesteadBlock")                                \
    X(DAO, "dao", "daoForkBlock")                                              \
    X(EIP150, "eip150", "eip150Block")                                         \
    X(EIP155, "eip155", "eip155Block")                                         \
    X(EIP158, "eip158", "eip158Block")                                         \
    X(EIP160, "eip160", "eip160Block")                                         \
    X(BYZANTIUM, "byzantium", "byzantiumBlock")                                \
    X(CONSTANTINOPLE, "constantinople", "constantinopleBlock")                 \
    X(PETERSBURG, "petersburg", "petersburgBlock")                             \
    X(ISTANBUL, "istanbul", "istanbulBlock")                                   \
    X(MUIR_GLACIER, "muir_glacier", "muirGlacierBlock")                        \
    X(BERLIN, "berlin", "berlinBlock")                                         \
    X(LONDON, "london", "londonBlock")                                         \
    X(ARROW_GLACIER, "arrow_glacier", "arrowGlacierBlock")                     \
    X(GRAY_GLACIER, "gray_glacier", "grayGlacierBlock")                        \
    X(MERGE_NETSPLIT, "merge_netsplit", "mergeNetsplitBlock")                  \
    X(ECIP1010, "ecip1010_pause", "ecip1010PauseBlock")                        \
    X(ECIP1017, "ecip1017", "ecip1017FBlock")                                  \
    X(ECIP1041, "ecip1041_bomb_removal", "disposalBlock")                      \
    X(ATLANTIS, "atlantis", "eip100FBlock")                                    \
    X(AGHARTA, "agharta", "eip145FBlock")                                      \
    X(PHOENIX, "phoenix", "eip2028FBlock")                                     \
    X(ETCHASH, "ecip1099_etchash", "ecip1099FBlock")                           \
    X(MAGNETO, "magneto", "eip2930FBlock")                                     \
    X(MYSTIQUE, "mystique", "eip3529FBlock")                                   \
    X(SPIRAL, "spiral", "eip3860FBlock")                                       \
    X(SHANGHAI, "shanghai", "shanghaiTime")                                    \
    X(CANCUN, "cancun", "cancunTime")                                          \
    X(PRAGUE, "prague", "pragueTime")                                          \
    X(OSAKA, "osaka", "osakaTime")                                             \
    X(BPO1, "bpo1", "bpo1Time")                                                \
    X(BPO2, "bpo2", "bpo2Time")                                                \
    X(BPO3, "bpo3", "bpo3Time")                                                \
    X(BPO4, "bpo4", "bpo4Time")                                                \
    X(BPO5, "bpo5", "bpo5Time")

enum bp_fork {
#define BP_FORK_ENUM(id, key, genesis_key) BP_FORK_##id,
    BP_FORK_MAP(BP_FORK_ENUM)
#undef BP_FORK_ENUM
        BP_N_FORKS
};
#define BP_FORK_FIRST_BY_TIME BP_FORK_SHANGHAI
/* The activation of a fork that the chain does not have. */
#define BP_FORK_NEVER UINT64_MAX

/* "homestead" .. "bpo5". */
BP_API const char *bp_fork_name(enum bp_fork f);

/* ---- the specification ------------------------------------------------- */

/* Limits of the lists in a specification, several times what any network
   needs. */
#define BP_SPEC_NAME_MAX     32
#define BP_SPEC_BOMBS_MAX    16
#define BP_SPEC_BLOBS_MAX    16
#define BP_SPEC_REQUIRED_MAX 64
#define BP_SPEC_NODES_MAX    64

/* From a block on, the difficulty bomb counts from `delay` blocks later. */
struct bp_spec_bomb {
    uint64_t from, delay;
};
/* From a time on, the blobs of a block (EIP-7840). */
struct bp_spec_blobs {
    uint64_t from, target, max, update_fraction;
};
/* The block that must be at a number. */
struct bp_spec_required {
    uint64_t number;
    bp_hash hash;
};

/* Read-only once it is parsed, and then free to be shared by threads. */
struct bp_spec {
    char name[BP_SPEC_NAME_MAX];
    uint64_t network_id, chain_id;
    uint64_t fork[BP_N_FORKS]; /* block number or time; BP_FORK_NEVER */

    bp_hash genesis_hash;
    struct bp_header genesis; /* extra borrows genesis_rlp */
    bp_span genesis_rlp;      /* owned */
    bp_u256 genesis_td;

    bp_u256 minimum_difficulty;
    bool no_base_fee; /* mystique and later without EIP-1559 */
    bool has_ttd;
    bp_u256 ttd; /* terminal total difficulty (EIP-3675) */

    struct bp_spec_bomb bomb[BP_SPEC_BOMBS_MAX]; /* by block, ascending */
    size_t n_bombs;
    uint64_t ecip1010_length; /* blocks the bomb is paused for */

    bool dao_support;
    uint64_t dao_extra_range; /* blocks from the fork that carry the mark */

    /* ECBP-1100 (MESS): the blocks between which it may be used. */
    uint64_t mess_from, mess_to;

    struct bp_spec_blobs blobs[BP_SPEC_BLOBS_MAX]; /* by time, ascending */
    size_t n_blobs;

    bool has_deposit_contract;
    uint8_t deposit_contract[20]; /* EIP-6110 */

    struct bp_spec_required required[BP_SPEC_REQUIRED_MAX]; /* by number */
    size_t n_required;

    const char *bootnodes[BP_SPEC_NODES_MAX]; /* enode URLs, owned */
    size_t n_bootnodes;
    const char *dns[BP_SPEC_NODES_MAX]; /* EIP-1459 trees, owned */
    size_t n_dns;

    const struct bp_alloc *alloc; /* of what is owned */
    void *owned;
    size_t owned_n;
};

/* The longest sentence about a specification, with its NUL. */
#define BP_SPEC_TEXT_MAX 256

/* Parses JSON text, which need not stay. *out is owned by the caller. Keys
   that are not known are passed over, as genesis files carry many. `why` may
   be NULL. Returns 0 or, with *out unchanged and the offending key and what
   is wrong with it in why:
     BP_ERR_SPEC_JSON     not JSON; why has line and column
     BP_ERR_SPEC_KEY      a key is missing, of the wrong kind or out of range
     BP_ERR_SPEC_GENESIS  the genesis header has another hash, or state root,
                          than the text says
     BP_ERR_NOMEM
   jansson's own memory comes from the C library. */
BP_API int bp_spec_parse(struct bp_spec **out, bp_span text,
                         const struct bp_alloc *alloc,
                         char why[BP_SPEC_TEXT_MAX]) BP_MUST_USE;
BP_API void bp_spec_free(struct bp_spec *spec);

/* The text of a built-in network, or n == 0. Lives for ever. */
BP_API bp_span bp_spec_builtin_text(const char *name);
/* The names of the built-in networks, NULL at the end. */
BP_API const char *const *bp_spec_builtin_names(void);
/* A built-in network; errors of bp_spec_parse, BP_ERR_SPEC_NAME. */
BP_API int bp_spec_builtin(struct bp_spec **out, const char *name,
                           const struct bp_alloc *alloc) BP_MUST_USE;

/* Adds a block that the chain must have, or replaces it. Only before the
   specification is shared. Returns 0 or BP_ERR_RANGE (too many). */
BP_API int bp_spec_require(struct bp_spec *spec, uint64_t number,
                           const bp_hash *hash) BP_MUST_USE;

/* Whether a fork's rules hold for a block. */
static inline bool bp_spec_has(const struct bp_spec *s, enum bp_fork f,
                               uint64_t number, uint64_t time) {
    return (f < BP_FORK_FIRST_BY_TIME ? number : time) >= s->fork[f] &&
           s->fork[f] != BP_FORK_NEVER;
}

/* Length of an Ethash epoch at a block: 30000, or 60000 from ECIP-1099 on. */
BP_API uint32_t bp_spec_epoch_blocks(const struct bp_spec *spec,
                                     uint64_t number);

/* ---- the fork id (EIP-2124, EIP-6122) ---------------------------------- */

struct bp_fork_id {
    uint32_t hash; /* CRC-32 of genesis hash and passed forks */
    uint64_t next; /* the next fork, block or time; 0: none is known */
};

/* Each fork once, without those that hold from genesis on: blocks ascending,
   then times ascending. */
#define BP_FORK_LIST_MAX BP_N_FORKS
struct bp_fork_list {
    uint64_t at[BP_FORK_LIST_MAX];
    size_t n_blocks, n; /* the first n_blocks are blocks, the rest times */
};
BP_API void bp_fork_list(struct bp_fork_list *out, const struct bp_spec *spec);

/* The fork id of a chain whose head has this number and time. */
BP_API struct bp_fork_id bp_fork_id(const struct bp_spec *spec, uint64_t number,
                                    uint64_t time);

/* What a remote fork id says about the peer, EIP-2124's rules 1 to 4. */
enum bp_fork_verdict {
    BP_FORK_COMPATIBLE,
    BP_FORK_REMOTE_STALE, /* it lacks a fork that we passed */
    BP_FORK_LOCAL_STALE,  /* it passed or announces a fork unknown to us that
                             we should know; or it is another chain */
};
BP_API enum bp_fork_verdict bp_fork_check(const struct bp_spec *spec,
                                          uint64_t number, uint64_t time,
                                          struct bp_fork_id remote);

/* [hash as 4 bytes, next]. */
BP_API int bp_fork_id_decode(struct bp_fork_id *out, bp_span *in) BP_MUST_USE;
BP_API void bp_fork_id_put(struct bp_rlp_w *w, struct bp_fork_id id);

#ifdef __cplusplus
}
#endif
#endif
