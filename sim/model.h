/* model.h: a world from what a recorded node saw. */
#ifndef BP_SIM_MODEL_H
#define BP_SIM_MODEL_H

#include "blockpool/record.h"

#include "world.h"

/* Blocks of a model; what is seen beyond is left out. */
#define MODEL_BLOCKS_MAX 200000u

struct model_facts {
    uint32_t blocks, peers;
    uint32_t left_out; /* blocks that do not fit or hang nowhere, sessions */
    uint32_t requests; /* of the recorded run */
    bp_time ms;        /* from its first event to its last */
};

/* Replays the record and makes its world, in the arena. Returns 0 or an error
   of bp_record_replay. */
int model_world(struct world *w, struct arena *arena, struct bp_record *record,
                struct model_facts *facts);

#endif
