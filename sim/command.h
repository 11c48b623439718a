/* command.h: the commands of blockpool-sim. Each returns an exit code. */
#ifndef BP_SIM_COMMAND_H
#define BP_SIM_COMMAND_H

#include "sim.h"

#define SIM_FAILED  1  /* a world failed */
#define SIM_USAGE   2  /* wrong use */
#define SIM_INPUT   3  /* a file that cannot be read, or is malformed */
#define SIM_MEMORY  70 /* the simulator itself ran out of something */

#define WHAT_IF_MAX 16

struct sim_args {
    uint64_t from, count;
    uint32_t jobs, kinds, stop, check;
    const char *out, *record, *svg;
    bool quiet, narrate, tap, seeds, calm;
    const struct engine_ops *engine;
    const char *what_if[WHAT_IF_MAX];
    uint32_t what_ifs;
    char **arg;
    int n;
};

int command_worlds(struct sim_args *a);
int command_world(struct sim_args *a);
int command_draw(struct sim_args *a);
int command_run(struct sim_args *a);
int command_shrink(struct sim_args *a);
int command_replay(struct sim_args *a);
int command_race(struct sim_args *a);
int command_deeds(struct sim_args *a);

bool sim_parse_u64(const char *text, uint64_t *out);
/* Changes the pool's settings as --what-if says. Returns 0 or SIM_USAGE. */
int sim_apply_what_if(const struct sim_args *a, struct world *w);
/* The whole file, to be freed with free(); NULL, having said why. */
char *sim_read_file(const char *path, size_t *n);

/* svg.c: a picture of a world that ended. Returns 0 or -1. */
int svg_write(const struct sim *s, const char *path);

#endif
