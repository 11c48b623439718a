/* rig.h: real nodes in one process, each with its own thread and store. */
#ifndef BP_TESTS_NODE_RIG_H
#define BP_TESTS_NODE_RIG_H

#include <pthread.h>

#include "blockpool/rules.h"
#include "blockpool/spec.h"
#include "blockpool/store.h"
#include "lib/test.h"
#include "node/node.h"

/* The dev network, parsed once. */
const struct bp_spec *rig_spec(void);
/* An empty store in memory. */
struct bp_store *rig_store(const struct bp_spec *spec);
/* The same with n blocks, numbers 1 to n, that link and nothing more: their
   seals are nonsense. Every fifth block has an uncle in its body. */
struct bp_store *rig_store_plain(const struct bp_spec *spec, unsigned n);
/* Mines a chain with the program's makechain; the path lives until the end of
   the process, which removes the file. */
const char *rig_mine(const char *script);
/* A read-only store over a chain file. */
struct bp_store *rig_store_file(const struct bp_spec *spec, const char *path);
/* The hash of a canonical block. */
bp_hash rig_hash_at(struct bp_store *s, uint64_t number);
struct bp_store_entry rig_head(struct bp_store *s);

struct rig {
    struct node *node;
    struct bp_store *store; /* closed by rig_stop */
    struct enode self;
    pthread_t thread;
    bool running;
    int code;
    struct node_error why;
};

/* Patience, longer where a sanitizer makes everything slow. */
#ifdef __SANITIZE_THREAD__
#define RIG_SECONDS(n) ((n)*10 * 1000)
#else
#define RIG_SECONDS(n) ((n)*1000)
#endif

/* A config that listens on a port of the system's choice. */
struct node_config rig_config(enum node_mode mode, const struct bp_spec *spec,
                              struct bp_store *store, uint8_t seed);
/* Makes and runs a node in a thread. */
void rig_start(struct rig *r, const struct node_config *cfg);
/* Waits until it ends by itself; returns its exit code. */
int rig_wait(struct rig *r);
/* Stops it; it must end with 0. */
void rig_stop(struct rig *r);

#endif
