/* recorder.h: a record of the pool's run in a world, in a file. */
#ifndef BP_SIM_RECORDER_H
#define BP_SIM_RECORDER_H

#include "sim.h"

#include "blockpool/record.h"

/* A crash ends a record; the pool of the restarted node has one of its own,
   PATH.2 and so on. */
struct recorder {
    const char *path;
    uint32_t runs;
    FILE *file;
    struct bp_recorder *recorder;
    bool failed;
};

void recorder_begin(struct recorder *r, const struct bp_pool_config *config);
void recorder_end(struct recorder *r);
/* Writes the world beside, for what-if. Returns 0, or -1 when this or any
   writing before failed. */
int recorder_world(const struct recorder *r, const struct world *w);

#endif
