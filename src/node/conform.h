/* conform: published consensus fixtures, run through the real import path.

   Two forms are read: one JSON object a line, compact (docs/protocol/
   fixtures.md), and the files of ethereum/tests BlockchainTests as they are
   published. Each test gets a store in memory; its blocks are offered in their
   order, each valid one must be taken, each other one refused, and the head
   must be the one that is named.

   A block whose defect only execution can tell is offered to nobody and
   counted as skipped. The compact form says which those are; the published one
   does not, so there an invalid block is verified but not stored, and counts
   as skipped when no stateless rule refuses it. */
#ifndef BP_NODE_CONFORM_H
#define BP_NODE_CONFORM_H

#include "blockpool/rules.h"

struct conform {
    const struct bp_sealer *sealer; /* of tests that have seals */
    /* Called with a line for each failure; it ends without a newline. */
    void (*say)(void *user, const char *line);
    void *user;
    uint64_t passed, failed; /* tests */
    uint64_t skipped;        /* blocks */
};

/* Runs all tests in the text of one file, adding to the counts. Returns 0,
   BP_ERR_FORMAT when it is not such a file (one line said so), or
   BP_ERR_NOMEM. */
int conform_run(struct conform *c, const char *file, bp_span text);

/* The specification of a fixture network ("BerlinToLondonAt5") around a
   genesis header; BP_ERR_SPEC_NAME for a name that is not known. */
int conform_spec(struct bp_spec **out, const char *network,
                 const char *genesis_hex);

#endif
