/* rules.h: what makes a block valid, as far as no state is needed.

       headers   linked, oldest first, each against its parent
       body      roots, uncles, transactions, against its header
       receipts  where they are at hand
       seals     collected here, verified by ethash.h in large batches

   Each rule has an error of its own, whose sentence begins with the rule's
   name ("gas-limit: ..."); docs/protocol/rules.md lists them with their
   sources. The checks of different things are independent of each other, and
   of all memory but their arguments, so that any number of threads may run
   them; bp_verify runs them all in the right order. */
#ifndef BLOCKPOOL_RULES_H
#define BLOCKPOOL_RULES_H

#include "blockpool/base.h"
#include "blockpool/chain.h"
#include "blockpool/ethash.h"
#include "blockpool/spec.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- rules and rulings ------------------------------------------------ */

/* What a broken rule proves. */
enum bp_rule_kind {
    BP_RULE_HEADER,    /* the header is invalid, and so is its hash */
    BP_RULE_COMMITTED, /* so is the body, which the header commits to: the hash
                          is invalid, too */
    BP_RULE_BODY,      /* this is not the body (or receipts) of the header,
                          whose right one may be valid */
    BP_RULE_NOT_YET,   /* nothing: it may be valid later */
};

struct bp_rule {
    int err; /* BP_ERR_RULE_..., BP_ERR_SEAL_... */
    enum bp_rule_kind kind;
    const char *name;   /* as the error's sentence begins */
    const char *source; /* EIP, ECIP or Yellow Paper section */
    const char *where;  /* the function that checks it */
};

/* All rules; *n is set to their number. */
BP_API const struct bp_rule *bp_rules(size_t *n);
/* The rule of an error, or NULL. */
BP_API const struct bp_rule *bp_rule_of(int err);

enum bp_ruling_kind {
    BP_RULING_OK,      /* the first n are valid, that is, all of them */
    BP_RULING_INVALID, /* those before n are valid, n breaks a rule */
    BP_RULING_LATER,   /* those before n are valid, n is not due before until */
    BP_RULING_FAILED,  /* those before n are valid, then we failed: err is not
                          a rule (BP_ERR_NOMEM, BP_ERR_NO_LINEAGE, ...) */
};

struct bp_ruling {
    enum bp_ruling_kind kind;
    size_t n;
    int err;        /* the rule; 0 with OK */
    int uncle;      /* the uncle of block n that breaks it, or -1 */
    int64_t tx;     /* the transaction (or receipt) that breaks it, or -1 */
    uint64_t until; /* LATER: seconds since 1970 */
};

#define BP_RULING_TEXT_MAX 192
/* "uncle 0: difficulty: it is not the one ...", or "valid". */
BP_API const char *bp_ruling_text(char out[BP_RULING_TEXT_MAX],
                                  const struct bp_ruling *v);

/* ---- numbers that follow from the parent ------------------------------- */

/* The difficulty of a block: Yellow Paper 4.4.4 with the bomb's delays
   (EIP-100, 649, 1234, 2384, 3554, 4345, 5133; ECIP-1010, 1041). The parent's
   uncles count only where EIP-100 holds. Saturates at 2^256 - 1. */
BP_API void bp_difficulty(bp_u256 *out, const struct bp_spec *spec,
                          uint64_t number, uint64_t time,
                          const struct bp_header *parent);
/* EIP-1559. The parent may be the last before the fork. */
BP_API void bp_base_fee(bp_u256 *out, const struct bp_spec *spec,
                        const struct bp_header *parent);
/* EIP-4844, 7691, 7892, 7918: of a block at `time`. */
BP_API uint64_t bp_excess_blob_gas(const struct bp_spec *spec, uint64_t time,
                                   const struct bp_header *parent);
BP_API void bp_blob_base_fee(bp_u256 *out, const struct bp_spec *spec,
                             uint64_t time, uint64_t excess_blob_gas);
/* The number of fields of a header (enum bp_header_fields). */
BP_API unsigned bp_header_fields_at(const struct bp_spec *spec, uint64_t number,
                                    uint64_t time);

/* ---- headers ------------------------------------------------------------ */

/* A header may be this far ahead of our clock (go-ethereum's allowance; the
   Yellow Paper has none). */
#define BP_FUTURE_SECONDS 15

/* Headers that follow each other, oldest first. */
struct bp_run {
    const struct bp_header *header;
    const bp_hash *hash; /* of each */
    size_t n;
    /* What the first one follows. NULL: not known, so that the first is only
       checked for what it says by itself. */
    const struct bp_header *parent;
    const bp_hash *parent_hash; /* with parent */
    /* Total difficulty up to the parent. NULL: not known; then difficulty 0
       is taken as proof of stake where the chain has a terminal total
       difficulty. */
    const bp_u256 *parent_td;
};

/* Every header rule but the seals. `now` is in seconds since 1970; UINT64_MAX
   lets no block be too early. */
BP_API struct bp_ruling bp_check_headers(const struct bp_spec *spec,
                                         const struct bp_run *run,
                                         uint64_t now);
/* The total difficulty after the run; true when it exceeds 2^256 - 1. */
BP_API bool bp_run_td(bp_u256 *out, const struct bp_run *run);

/* ---- uncles ------------------------------------------------------------- */

/* Generations that uncles look back at (Yellow Paper 11.1), and uncles of a
   block. */
#define BP_LINEAGE_MAX 7
#define BP_UNCLES_MAX  2

struct bp_ancestor {
    bp_hash hash;
    struct bp_header header; /* without its extra data */
    bp_hash uncle[BP_UNCLES_MAX];
    unsigned n_uncles;
};

/* The last generations of a chain, as the uncle rules need them. Push blocks
   oldest first; those older than seven generations fall out. A plain value. */
struct bp_lineage {
    struct bp_ancestor a[BP_LINEAGE_MAX];
    unsigned n, next; /* a ring */
};

BP_API void bp_lineage_init(struct bp_lineage *l);
/* The block must be valid; uncles is the whole list of its body. */
BP_API void bp_lineage_push(struct bp_lineage *l, const struct bp_header *h,
                            const bp_hash *hash, bp_span uncles);
/* The block pushed i generations before the last, i < n. */
BP_API const struct bp_ancestor *bp_lineage_at(const struct bp_lineage *l,
                                               unsigned i);
/* Whether uncles of a child of the last block can be judged: seven
   generations are there, or all from the genesis. */
BP_API bool bp_lineage_complete(const struct bp_lineage *l);

/* The uncle rules of a block whose parent was pushed last. The headers of the
   uncles go to uncle[0..*n_uncles), borrowing from the list: their seals are
   the caller's to verify. With uncles and an incomplete lineage the error is
   BP_ERR_NO_LINEAGE. v->n is 0 or 1. */
BP_API struct bp_ruling bp_check_uncles(struct bp_header uncle[BP_UNCLES_MAX],
                                        size_t *n_uncles,
                                        const struct bp_spec *spec,
                                        const struct bp_lineage *l,
                                        const struct bp_header *h,
                                        bp_span uncles);

/* ---- bodies and receipts ------------------------------------------------- */

/* 0 or which commitment of the header the body does not match. */
BP_API int bp_check_roots(const struct bp_header *h,
                          const struct bp_body_roots *roots);
/* Every rule of a block's transactions, its blobs and its size. v->n is 0 or
   1. */
BP_API struct bp_ruling bp_check_transactions(const struct bp_spec *spec,
                                              const struct bp_block *block);
/* Receipts as a whole RLP list in consensus form (with blooms), whose root was
   computed by bp_roots, against header and body: form, count, root, bloom,
   gas, and, where the chain names its deposit contract, that deposits are not
   left out of the requests (EIP-6110). v->n is 0 or 1. */
BP_API struct bp_ruling bp_check_receipts(const struct bp_spec *spec,
                                          const struct bp_block *block,
                                          bp_span receipts,
                                          const bp_hash *root);

/* ---- seals ------------------------------------------------------------- */

struct bp_seal_claim {
    struct bp_ethash_seal seal; /* all but seal.light, which is NULL */
    struct bp_ethash_epoch epoch;
    int err; /* BP_ERR_SEAL_EPOCH: it cannot be verified at all; else 0 */
};

/* Whether the header has a seal: proof of work, that is, a difficulty. */
BP_API bool bp_header_sealed(const struct bp_header *h);
/* The claims of n headers, hashed together. */
BP_API void bp_seal_claims(struct bp_seal_claim *out,
                           const struct bp_spec *spec,
                           const struct bp_header *h, size_t n);

/* ---- everything, in the right order ------------------------------------ */

/* Verifies seals: sets verdict[i] to 0 or BP_ERR_SEAL_WORK, BP_ERR_SEAL_MIX for
   each claim with err 0 and returns 0, or returns an error of its own (no
   memory for a cache). Called by bp_verify_blocks, from its thread. */
struct bp_sealer {
    int (*verify)(void *user, int *verdict, struct bp_seal_claim *claim,
                  size_t n);
    void *user;
};

/* A workspace of fixed size to verify blocks with, of one thread at a time. */
struct bp_verifier;

/* spec is borrowed, sealer copied; NULL: seals are not verified. Returns 0 or
   BP_ERR_NOMEM. */
BP_API int bp_verifier_new(struct bp_verifier **out,
                           const struct bp_alloc *alloc,
                           const struct bp_spec *spec,
                           const struct bp_sealer *sealer) BP_MUST_USE;
BP_API void bp_verifier_free(struct bp_verifier *v);

/* Verifies blocks that follow each other, oldest first, against the lineage
   that their parent was pushed to last: roots, header rules, uncles,
   transactions, then the seals of all of them in batches. parent_td is the
   total difficulty up to the parent. On return the lineage ends with the last
   valid block and *td (may be NULL) is the total difficulty up to it. hash[i]
   is the hash of block i, as the caller computed it from header_rlp. */
BP_API struct bp_ruling bp_verify_blocks(struct bp_verifier *v,
                                         struct bp_lineage *l, bp_u256 *td,
                                         const bp_u256 *parent_td,
                                         const struct bp_block *block,
                                         const bp_hash *hash, size_t n,
                                         uint64_t now);

/* The receipts of n blocks that are valid: receipts[i] is the list of block i,
   as bp_check_receipts takes it, or has p == NULL: not at hand, and passed
   over. OK, or INVALID with n the first whose receipts are not its own. */
BP_API struct bp_ruling bp_verify_receipts(struct bp_verifier *v,
                                           const struct bp_block *block,
                                           const bp_span *receipts, size_t n);

/* ---- fork choice ------------------------------------------------------- */

/* The end of a branch. */
struct bp_tip {
    bp_hash hash;
    uint64_t number, time;
    bp_u256 td; /* total difficulty, its own included */
    bool pos;   /* it has no proof of work: difficulty 0 */
};

struct bp_fork_choice {
    const struct bp_spec *spec;
    /* Reorganisations that undo more blocks than this raise the alarm. */
    uint64_t max_reorg;
    bool hold_deep; /* and are not carried out */
    bool mess;      /* ECBP-1100, where the specification has it */
};

enum bp_choice {
    BP_CHOICE_HEAD, /* the candidate becomes the head */
    BP_CHOICE_SIDE, /* it does not: less work, or as much and later */
    BP_CHOICE_HELD, /* it has more work, but a policy keeps the head */
};

struct bp_decision {
    enum bp_choice choice;
    bool alarm;     /* more than max_reorg blocks are (or would be) undone */
    bool mess;      /* ECBP-1100 is what holds it */
    uint64_t depth; /* blocks of the head's branch that would be undone */
    bp_u256 td;     /* the candidate's total difficulty */
};

/* Whether `candidate` is to follow `head`, whose branches part after
   `ancestor`. Greatest total difficulty, the first seen at a tie; a block past
   the terminal total difficulty is chosen whenever it comes, as only one that
   somebody vouches for gets here (EIP-3675: fork choice is then not ours). */
BP_API struct bp_decision bp_choose(const struct bp_fork_choice *fc,
                                    const struct bp_tip *head,
                                    const struct bp_tip *candidate,
                                    const struct bp_tip *ancestor);

#ifdef __cplusplus
}
#endif
#endif
