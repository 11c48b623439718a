/* strategy2015.h: the state of the ancestor's rules, and its small parts. */
#ifndef BP_SIM_STRATEGY2015_H
#define BP_SIM_STRATEGY2015_H

#include "engine.h"

#define ROUND_MS        500
#define HEAD_LIMIT_MS   60000
#define SECTION_LIFE_MS 120000
#define IDLE_ROUNDS     100
#define BATCH_BLOCKS    64
#define PEERS_MAX       64
#define NONE            UINT32_MAX

struct old_peer {
    bp_peer_id id;
    bp_hash identity, head;
    bp_u256 td;
    uint32_t caps, blocks_max, list_max;
    bool head_held;
};

struct old_node {
    bp_hash hash, parent;
    bool parent_known, parent_held;
    uint32_t section, next_in_bucket;
    uint64_t link_item, body_item;
    bp_peer_id link_by, body_by;
    uint32_t size; /* of its body */
    bool has_block, empty, gone;
};

struct old_section {
    uint32_t *node; /* newest first */
    uint32_t n, cap;
    uint32_t parent, child; /* sections */
    bool dead, connected, first_round_done, hashes_done;
    uint32_t inserted; /* counted from the root */
    uint32_t missing, idle_rounds;
    uint64_t number; /* of its root, once it is known */
    bp_time next_round, dies;
};

struct old_action {
    struct bp_action a;
    void *owned;
    size_t owned_n;
};

struct old_pool {
    const struct bp_alloc *alloc;
    struct bp_pool_config config;
    struct bp_rng rng;
    bp_time now;
    struct old_peer peer[PEERS_MAX];
    uint32_t peers, best; /* index or NONE */
    bp_time head_next, head_dies;
    bool head_done;
    struct old_node *node;
    uint32_t nodes, node_cap;
    struct old_section *section;
    uint32_t sections, section_cap;
    uint32_t bucket[4096];
    struct old_action *queue;
    uint32_t first, queued, queue_cap;
    void *last;
    size_t last_n;
    bp_req_id next_request;
    bp_job_id next_job, job;
    uint32_t job_section, job_n;
    struct bp_chain_head head;
    uint64_t memory;
    struct bp_pool_status status;
};

/* strategy2015_parts.c: memory, actions, the index of hashes. */
void *old_take(struct old_pool *p, size_t n);
void old_give(struct old_pool *p, void *m, size_t n);
bool old_room(struct old_pool *p, void *array, uint32_t *cap, uint32_t n,
              size_t size);
struct bp_action *old_emit(struct old_pool *p, enum bp_action_type type,
                           void *owned, size_t owned_n);
void old_release(struct old_pool *p, uint64_t item);
bool old_next(void *e, struct bp_action *out);
uint32_t old_find(const struct old_pool *p, const bp_hash *h);
uint32_t old_new_node(struct old_pool *p, const bp_hash *h, uint32_t section);
void old_drop_node(struct old_pool *p, uint32_t i, bool held);

#endif
