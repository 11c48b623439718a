/* tree.h: the oracle. It knows every block of the world and the truth of it.

       0 -- 1 -- 2 -- 3 -- 4 -- 5          a block: (parent, difficulty, flaw)
                  \-- 6 -- 7x -- 8         7 is flawed, so 8 is invalid too

   Blocks are numbers here, 0 the genesis; the pool sees hashes of 32 bytes.
   A hash is drawn from the world's key and the block's number, so that finding
   a block by its hash is one comparison.

   Beyond the blocks of the tree lie *phantoms*: endless branches of headers or
   bare hashes that a liar makes up while it is asked. They take no memory:
   a phantom's number names its branch and its depth. */
#ifndef BP_SIM_TREE_H
#define BP_SIM_TREE_H

#include "arena.h"

#include "blockpool/pool.h"

#define BLOCK_NONE    UINT32_MAX
#define PHANTOM_FIRST 0x40000000u
#define PHANTOM_BITS  20 /* depths of one phantom branch */

/* name, word in scenario files */
#define FLAW_MAP(X)                                                            \
    X(NONE, "none")     /* a good block */                                     \
    X(SEAL, "seal")     /* its seal does not verify */                         \
    X(RULE, "rule")     /* a header rule fails against its parent */           \
    X(NUMBER, "number") /* its number is not its parent's plus one */          \
    X(HUGE, "huge")     /* its difficulty does not fit 128 bits */             \
    X(BODY, "body")     /* its header commits to a body that breaks a rule */  \
    X(LATER, "later")   /* good, but not before a time */                      \
    X(ABSENT, "absent") /* named by a child; nobody has it */

enum flaw {
#define FLAW_ENUM(name, word) FLAW_##name,
    FLAW_MAP(FLAW_ENUM)
#undef FLAW_ENUM
        FLAW_COUNT
};
const char *flaw_word(enum flaw f);

struct tblock {
    bp_hash hash;
    uint32_t parent, skip; /* skip: an ancestor further down */
    uint32_t label;        /* its name in the scenario file */
    uint32_t link_size, body_size;
    uint64_t number;
    bp_u256 difficulty, td;
    bp_time not_before; /* FLAW_LATER */
    uint8_t flaw;
    bool empty;             /* the body has nothing in it */
    bool valid;             /* it and all its ancestors are good */
    bool held;              /* by the host's store */
    uint16_t bodies, links; /* delivered to the host so far */
    uint16_t asked;         /* times that its body was asked for */
};

/* An endless branch that somebody makes up. Depth 0 is its head. */
struct phantom {
    uint64_t top_number;
    bp_u256 difficulty;
    bool sealed; /* its seals verify: real work, of least difficulty */
};

struct tree {
    struct arena *arena;
    struct tblock *b;
    uint32_t n, cap;
    uint64_t key;
    struct phantom *phantom;
    uint32_t phantoms, phantom_cap;
};

void tree_init(struct tree *t, struct arena *arena, uint64_t key);
/* Adds a block and returns it; fields from number on are computed, except
   flaw, empty, difficulty, sizes and not_before, which are taken from `as`.
   parent BLOCK_NONE: a root, number 0. */
uint32_t tree_add(struct tree *t, uint32_t parent, const struct tblock *as);
bp_hash tree_hash(const struct tree *t, uint32_t block);
/* The block or phantom of a hash; BLOCK_NONE when it is neither. */
uint32_t tree_find(const struct tree *t, const bp_hash *hash);
/* The ancestor of `tip` (or tip) at a height of the tree; BLOCK_NONE. */
uint32_t tree_at(const struct tree *t, uint32_t tip, uint64_t height);
bool tree_has(const struct tree *t, uint32_t tip, uint32_t block);
uint32_t tree_common(const struct tree *t, uint32_t a, uint32_t b);
uint64_t tree_height(const struct tree *t, uint32_t block);

uint32_t phantom_new(struct tree *t, const struct phantom *p);
static inline bool is_phantom(uint32_t block) {
    return block >= PHANTOM_FIRST && block != BLOCK_NONE;
}
/* One deeper; the branch's depths go round when they end. */
uint32_t phantom_parent(uint32_t block);

/* The link of a block or phantom, without item. */
struct bp_link tree_link(const struct tree *t, uint32_t block);
uint32_t tree_parent(const struct tree *t, uint32_t block);
/* What the host's chain says of it. */
struct bp_held tree_held(const struct tree *t, uint32_t block);

#endif
