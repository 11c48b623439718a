/* race: strategies over the same worlds.

   Each world is run twice for each strategy: as it was drawn, and on a good
   day, without liars and accidents. Nothing is late, but it is said what was
   not there in time. Times and bytes are compared with what no strategy can
   beat: T_min of bound.c, from the moment that the chain is there to be had,
   and the bytes of the blocks. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "campaign.h"
#include "command.h"

struct strategy {
    const char *name, *text;
    const struct engine_ops *engine;
    void (*change)(struct bp_pool_config *c);
};

static void small_window(struct bp_pool_config *c) {
    c->window_bytes = 16 * 1024;
}

static void wide_window(struct bp_pool_config *c) {
    c->window_bytes = 4u << 20;
}

static void single_blocks(struct bp_pool_config *c) {
    c->blocks_per_request = 1;
}

static void one_worker(struct bp_pool_config *c) {
    c->workers = 1;
}

static const struct strategy strategies[] = {
    { "2015", "the rules of the pool of January 2015", &engine_2015, NULL },
    { "pool", "libblockpool as drawn", &engine_pool, NULL },
    { "narrow", "… with a window of 16 KiB", &engine_pool, small_window },
    { "wide", "… with a window of 4 MiB", &engine_pool, wide_window },
    { "single", "… one block a request", &engine_pool, single_blocks },
    { "one", "… one worker", &engine_pool, one_worker },
};
#define STRATEGIES (sizeof strategies / sizeof strategies[0])

/* One strategy in one world. */
struct lap {
    bool done, in_time;
    double time, bytes; /* times T_min, times the least bytes */
    uint64_t ms, duplicates, peak;
};

/* All worlds of a kind: [world][strategy]. */
struct race {
    struct lap (*lap)[STRATEGIES];
    uint64_t worlds;
};

static void run_lap(struct lap *l, const struct world *from,
                    const struct strategy *st, struct arena *copy_arena,
                    struct arena *run_arena) {
    struct world w;
    struct result r;
    struct sim_options opt = { .engine = st->engine, .patient = true };
    arena_reset(copy_arena);
    world_copy(&w, from, copy_arena);
    if (st->change != NULL) st->change(&w.pool);
    sim_run(&r, &w, run_arena, &opt);
    /* What fails after the due chain was ours is no matter of speed. */
    l->done = r.done_at != 0;
    l->in_time = l->done && !r.late;
    if (!l->done) return;
    l->ms = r.done_at > r.start ? r.done_at - r.start : 0;
    l->time = (double)l->ms / (double)r.t_min;
    if (r.least_bytes > 0) l->bytes = (double)r.bytes / (double)r.least_bytes;
    l->duplicates = r.duplicates;
    l->peak = r.peak;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool all_done(const struct race *race, uint64_t world) {
    for (size_t k = 0; k < STRATEGIES; k++)
        if (!race->lap[world][k].done) return false;
    return true;
}

/* Means and quantiles of one strategy over the worlds that all finished: who
   gives up in the slow ones must not look fast. */
static void print_strategy(const struct race *race, size_t k, double *time) {
    uint64_t n = 0, done = 0, in_time = 0, ms = 0, twice = 0, peak = 0;
    double bytes = 0, percent = 100.0 / (double)race->worlds;
    for (uint64_t i = 0; i < race->worlds; i++) {
        const struct lap *l = &race->lap[i][k];
        done += l->done;
        in_time += l->in_time;
        if (!all_done(race, i)) continue;
        time[n++] = l->time;
        ms += l->ms;
        bytes += l->bytes;
        twice += l->duplicates;
        if (l->peak > peak) peak = l->peak;
    }
    qsort(time, n, sizeof *time, by_size);
    double each = n != 0 ? (double)n : 1.0;
    printf("%-8s %8.1f%% %8.1f%% %8.0f %8.2f %8.2f %8.2f %9.1f %9" PRIu64
           "  %s\n",
           strategies[k].name, percent * (double)done,
           percent * (double)in_time, (double)ms / each,
           n != 0 ? time[n / 2] : 0.0, n != 0 ? time[n * 95 / 100] : 0.0,
           bytes / each, (double)twice / each, peak, strategies[k].text);
}

static void print_race(const struct race *race, const char *title) {
    uint64_t n = 0;
    double *time = calloc(race->worlds, sizeof *time);
    if (time == NULL) return;
    for (uint64_t i = 0; i < race->worlds; i++) n += all_done(race, i);
    printf("%s (times, bytes and memory: of the %" PRIu64 " of %" PRIu64
           " worlds that all finish)\n",
           title, n, race->worlds);
    printf("%-8s %9s %9s %8s %8s %8s %8s %9s %9s\n", "strategy", "finished",
           "in time", "ms", "x T_min", "95%", "x bytes", "twice", "peak");
    for (size_t k = 0; k < STRATEGIES; k++) print_strategy(race, k, time);
    printf("\n");
    free(time);
}

static void draw_svg(const struct sim *s, void *user) {
    if (svg_write(s, user) != 0)
        fprintf(stderr, "blockpool-sim: cannot write %s: %s\n",
                (const char *)user, strerror(errno));
}

/* The first world of the race, one picture for each strategy. */
static void draw_pictures(const struct sim_args *a, struct arena *world_arena,
                          struct arena *run_arena) {
    for (size_t i = 0; i < 2; i++) {
        struct world w;
        struct result r;
        char path[512];
        struct sim_options opt = { .engine = strategies[i].engine,
                                   .timeline = true };
        arena_reset(world_arena);
        world_draw(&w, world_arena, a->from, a->kinds);
        world_calm(&w);
        snprintf(w.name, sizeof w.name, "world-%" PRIu64, a->from);
        snprintf(path, sizeof path, "%s.%s.svg", a->svg, strategies[i].name);
        sim_run_look(&r, &w, run_arena, &opt, draw_svg, path);
        printf("%s\n", path);
    }
}

static void run_world(struct race *race, uint64_t i, const struct world *w,
                      struct arena *copy, struct arena *run) {
    for (size_t k = 0; k < STRATEGIES; k++)
        run_lap(&race->lap[i][k], w, &strategies[k], copy, run);
}

int command_race(struct sim_args *a) {
    struct arena world = { 0 }, copy = { 0 }, run = { 0 };
    struct race honest = { .worlds = a->count }, drawn = { .worlds = a->count };
    honest.lap = calloc(a->count, sizeof *honest.lap);
    drawn.lap = calloc(a->count, sizeof *drawn.lap);
    int err = honest.lap == NULL || drawn.lap == NULL ? SIM_MEMORY : 0;
    for (uint64_t i = 0; i < a->count && err == 0; i++) {
        struct world w;
        arena_reset(&world);
        world_draw(&w, &world, a->from + i, a->kinds);
        err = sim_apply_what_if(a, &w);
        if (err != 0) break;
        run_world(&drawn, i, &w, &copy, &run);
        world_calm(&w);
        run_world(&honest, i, &w, &copy, &run);
    }
    if (err == 0) {
        printf("worlds %" PRIu64 " to %" PRIu64 "\n\n", a->from,
               a->from + a->count - 1);
        print_race(&honest, "a good day: honest peers, no accidents");
        print_race(&drawn, "as drawn: liars, losses, crashes");
        if (a->svg != NULL) draw_pictures(a, &world, &run);
    }
    free(honest.lap);
    free(drawn.lap);
    arena_free(&world);
    arena_free(&copy);
    arena_free(&run);
    return err;
}
