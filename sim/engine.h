/* engine.h: what a world can run: the pool, or another strategy behind the
   same events and actions. */
#ifndef BP_SIM_ENGINE_H
#define BP_SIM_ENGINE_H

#include "blockpool/pool.h"

struct engine_ops {
    const char *name;
    uint64_t (*bound)(const struct bp_pool_config *config);
    int (*make)(void **out, const struct bp_pool_config *config);
    void (*end)(void *e, void (*release)(void *user, uint64_t item),
                void *user);
    void (*step)(void *e, const struct bp_event *event, bp_time now);
    bool (*next)(void *e, struct bp_action *out);
    bp_time (*deadline)(const void *e);
    bool (*quiescent)(const void *e);
    uint64_t (*memory)(const void *e);
    void (*check)(const void *e);
    void (*status)(const void *e, struct bp_pool_status *out);
    size_t (*peers)(const void *e, struct bp_peer_status *out, size_t cap);
    size_t (*why)(const void *e, char *out, size_t cap);
};

extern const struct engine_ops engine_pool; /* libblockpool's */
extern const struct engine_ops engine_2015; /* the ancestor's rules */

#endif
