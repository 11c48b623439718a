/* contract.h: pool.h seen from the host, as a model that watches a pool.

   It is told every event before it is given and every action as it is taken,
   learns from them who is there, what is asked, what is held and who owns
   which item, and stops the program (fuzz_law) at the first action that pool.h
   does not allow. It knows nothing of how the pool works.

   Blocks are told by the first byte of their hash, sessions and items by small
   numbers, so that all of it are plain arrays. */
#ifndef BP_FUZZ_CONTRACT_H
#define BP_FUZZ_CONTRACT_H

#include "blockpool/pool.h"
#include "fuzz.h"

#define CONTRACT_SESSIONS 128
#define CONTRACT_ASKS     128
#define CONTRACT_ITEMS    4096
#define CONTRACT_SEEN     2048
#define CONTRACT_JOBS     8
#define CONTRACT_RUN      16 /* most links of a job */

enum contract_kind { CONTRACT_LINK, CONTRACT_BODY, CONTRACT_WHOLE };

struct contract_item {
    uint8_t state; /* 0: never seen, 1: the pool's, 2: released */
    uint8_t pins;  /* jobs that have it */
    bool busy;     /* … one of which is about it */
    uint8_t kind;  /* enum contract_kind */
    uint8_t block, parent;
    bool empty;
    uint64_t number;
};

struct contract_session {
    bool known, here, honest;
    struct bp_peer_info info;
};

struct contract_ask {
    bp_req_id id;
    enum bp_action_type type;
    bp_peer_id peer;
    bp_time due;
    bool answered; /* its bytes came, at */
    bp_time at;
};

struct contract_job {
    bp_job_id id; /* 0: free */
    bool insert;
    uint8_t parent;
    uint32_t n;
    uint8_t block[CONTRACT_RUN];
    uint64_t item[2 * CONTRACT_RUN + 1];
    uint32_t n_items;
};

struct contract {
    const struct bp_pool_config *cfg; /* the limits it names are set */
    bp_time now;
    struct contract_session session[CONTRACT_SESSIONS]; /* by id */
    struct contract_ask ask[CONTRACT_ASKS];
    uint32_t n_asks;
    struct contract_job job[CONTRACT_JOBS];
    struct contract_item item[CONTRACT_ITEMS]; /* by number */
    uint64_t n_items;
    bool held[256];
    uint64_t seen[CONTRACT_SEEN]; /* numbers of requests and jobs, ever */
    uint32_t n_seen;
};

/* c is all zero. */
void contract_begin(struct contract *c, const struct bp_pool_config *cfg);
/* The next number of an item; 0: there are no more. */
uint64_t contract_item(struct contract *c);
/* Before bp_pool_step. */
void contract_event(struct contract *c, const struct bp_event *ev, bp_time now);
/* After bp_pool_next. */
void contract_action(struct contract *c, const struct bp_action *a);
/* For bp_pool_free; user: a struct contract. */
void contract_release(void *user, uint64_t item);
/* After bp_pool_free: nothing is owned. */
void contract_end(const struct contract *c);

#endif
