/* campaign.h: many worlds on all cores, and what came of them. */
#ifndef BP_SIM_CAMPAIGN_H
#define BP_SIM_CAMPAIGN_H

#include "sim.h"

/* Failing seeds kept by number; beyond, they are only counted. */
#define FAILED_KEPT 1000

struct campaign {
    uint64_t from, count;
    uint32_t jobs; /* processes; 0: one for each core */
    uint32_t kinds;
    uint32_t check_every;            /* steps between full checks; 0: 16 */
    uint32_t stop_after;             /* failures; 0: never */
    const struct engine_ops *engine; /* NULL: the pool */
    bool calm;                       /* world_calm */
    bool progress; /* one line on standard error now and then */
    /* what came */
    struct coverage cover;
    uint64_t done, failed_n;
    uint64_t failed[FAILED_KEPT];
    char kind[FAILED_KEPT][24];
    uint64_t cpu_us;     /* of all processes */
    uint64_t held_steps; /* of worlds that hold */
};

/* Runs them. Returns 0, or -1 when no process could be started. */
int campaign_run(struct campaign *c);

/* Makes a failing world smaller while it fails in the same way; its runs take
   about `steps` steps of the pool at the most, so that the same world always
   becomes the same smaller one. *small is made in keep, the runs use scratch.
 */
void world_shrink(struct world *small, const struct world *w,
                  struct arena *keep, struct arena *scratch,
                  const struct sim_options *opt, uint64_t steps);

#endif
