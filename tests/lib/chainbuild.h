/* chainbuild: chains in memory for tests, with branches, uncles, signed
   transactions and, if wanted, real seals.

       struct chainbuild c;
       chainbuild_open(&c, "dev", true);
       size_t a = chainbuild_add(&c, CHAIN_GENESIS, NULL);
       size_t b = chainbuild_add(&c, a, &(struct chain_options){ .txs = 3 });
       ... c.v[b].hash, c.v[b].block ...
       chainbuild_close(&c); */
#ifndef BP_TESTS_LIB_CHAINBUILD_H
#define BP_TESTS_LIB_CHAINBUILD_H

#include "blockpool/rules.h"
#include "lib/test.h"
#include "prim/secp.h"

/* The parent of the first blocks. */
#define CHAIN_GENESIS ((size_t)0)

struct chain_block {
    size_t parent; /* index; its own for the genesis */
    struct bp_block b;
    bp_hash hash;
    bp_u256 td;
    bp_span block; /* the whole block's RLP; it owns what b borrows */
};

struct chain_options {
    uint64_t seconds; /* after the parent; 0: 13 */
    uint8_t miner;    /* tells siblings apart */
    size_t txs;
    size_t uncle[BP_UNCLES_MAX]; /* indexes */
    size_t n_uncles;
};

struct chainbuild {
    struct bp_spec *spec;
    struct bp_roots *roots;
    struct bp_secp curve;
    bool sealed;
    uint64_t nonce;        /* of the next transaction */
    struct chain_block *v; /* v[0] is the genesis */
    size_t n, cap;
};

/* A chain of a built-in network, with its genesis. */
void chainbuild_open(struct chainbuild *c, const char *network, bool sealed);
/* Adds a block on top of v[parent]; NULL: an empty one. Returns its index. */
size_t chainbuild_add(struct chainbuild *c, size_t parent,
                      const struct chain_options *options);
/* The ancestors of a child of v[i], for the uncle rules. */
struct bp_lineage chainbuild_lineage(const struct chainbuild *c, size_t i);
void chainbuild_close(struct chainbuild *c);

#endif
