#include "engine.h"

static int make(void **out, const struct bp_pool_config *config) {
    struct bp_pool *p = NULL;
    int err = bp_pool_new(&p, config);
    *out = p;
    return err;
}

static void end(void *e, void (*release)(void *user, uint64_t item),
                void *user) {
    bp_pool_free(e, release, user);
}

static void step(void *e, const struct bp_event *event, bp_time now) {
    bp_pool_step(e, event, now);
}

static bool next(void *e, struct bp_action *out) {
    return bp_pool_next(e, out);
}

static bp_time deadline(const void *e) {
    return bp_pool_deadline(e);
}

static bool quiescent(const void *e) {
    return bp_pool_quiescent(e);
}

static uint64_t memory(const void *e) {
    return bp_pool_memory(e);
}

static void check(const void *e) {
    bp_pool_check(e);
}

static void status(const void *e, struct bp_pool_status *out) {
    bp_pool_status(e, out);
}

static size_t peers(const void *e, struct bp_peer_status *out, size_t cap) {
    return bp_pool_peers(e, out, cap);
}

static size_t why(const void *e, char *out, size_t cap) {
    return bp_pool_why(e, out, cap);
}

const struct engine_ops engine_pool = {
    "pool",    bp_pool_bound, make,  end,    step,  next, deadline,
    quiescent, memory,        check, status, peers, why,
};
