/* race: strategies over the same worlds.

   Each world is run twice for each strategy: as it was drawn, and with its
   liars and accidents taken out. Times and bytes are compared with what no
   strategy can beat: T_min of judge.c, and the bytes of the blocks. */
#include <errno.h>
#include <inttypes.h>
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

struct lap {
    uint64_t worlds, done;
    double time_ratio; /* sum over the finished ones */
    double bytes_ratio;
    double worst;
    uint64_t duplicates, peak, ms;
};

static void calm(struct world *w) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < w->peers; i++)
        if (!w->peer[i].hostile) w->peer[n++] = w->peer[i];
    w->peers = n;
    w->steps = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct peer_spec *p = &w->peer[i];
        p->gone_pm = p->late_pm = p->twice_pm = 0;
        p->stall_at = p->leave_at = BP_TIME_NEVER;
        p->relay = LABEL_NONE;
    }
    w->host.fail_pm = 0;
    w->host.alloc_fail_pm = 0;
}

static void run_lap(struct lap *l, const struct world *from,
                    const struct strategy *st, bool honest,
                    struct arena *copy_arena, struct arena *run_arena) {
    struct world w;
    struct result r;
    struct sim_options opt = { .engine = st->engine };
    arena_reset(copy_arena);
    world_copy(&w, from, copy_arena);
    if (honest) calm(&w);
    if (st->change != NULL) st->change(&w.pool);
    sim_run(&r, &w, run_arena, &opt);
    l->worlds++;
    if (r.done_at == 0) return; /* failed before the due chain was ours */
    l->done++;
    double least = (double)(r.start + r.t_min);
    double ratio = least > 0 ? (double)r.done_at / least : 1.0;
    l->time_ratio += ratio;
    if (ratio > l->worst) l->worst = ratio;
    l->ms += r.done_at;
    if (r.least_bytes > 0)
        l->bytes_ratio += (double)r.bytes / (double)r.least_bytes;
    l->duplicates += r.duplicates;
    if (r.peak > l->peak) l->peak = r.peak;
}

static void print_laps(const struct lap *laps, const char *title) {
    printf("%s\n%-8s %9s %8s %9s %8s %8s %11s %11s\n", title, "strategy",
           "finished", "ms", "x T_min", "worst", "x bytes", "bodies twice",
           "peak bytes");
    for (size_t i = 0; i < STRATEGIES; i++) {
        const struct lap *l = &laps[i];
        double n = l->done != 0 ? (double)l->done : 1.0;
        printf(
            "%-8s %8.1f%% %8.0f %9.2f %8.1f %8.2f %11.1f %11" PRIu64 "  %s\n",
            strategies[i].name,
            100.0 * (double)l->done / (double)(l->worlds != 0 ? l->worlds : 1),
            (double)l->ms / n, l->time_ratio / n, l->worst, l->bytes_ratio / n,
            (double)l->duplicates / n, l->peak, strategies[i].text);
    }
    printf("\n");
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
        calm(&w);
        snprintf(w.name, sizeof w.name, "world %" PRIu64, a->from);
        snprintf(path, sizeof path, "%s.%s.svg", a->svg, strategies[i].name);
        sim_run_look(&r, &w, run_arena, &opt, draw_svg, path);
        printf("%s\n", path);
    }
}

int command_race(struct sim_args *a) {
    struct arena world_arena = { 0 }, copy_arena = { 0 }, run_arena = { 0 };
    struct lap honest[STRATEGIES] = { 0 }, drawn[STRATEGIES] = { 0 };
    for (uint64_t i = 0; i < a->count; i++) {
        struct world w;
        arena_reset(&world_arena);
        world_draw(&w, &world_arena, a->from + i, a->kinds);
        if (sim_apply_what_if(a, &w) != 0) return SIM_USAGE;
        for (size_t k = 0; k < STRATEGIES; k++) {
            run_lap(&honest[k], &w, &strategies[k], true, &copy_arena,
                    &run_arena);
            run_lap(&drawn[k], &w, &strategies[k], false, &copy_arena,
                    &run_arena);
        }
    }
    printf("worlds %" PRIu64 " to %" PRIu64 "\n\n", a->from,
           a->from + a->count - 1);
    print_laps(honest, "honest peers only, no accidents");
    print_laps(drawn, "as drawn: liars, losses, crashes");
    if (a->svg != NULL) draw_pictures(a, &world_arena, &run_arena);
    arena_free(&world_arena);
    arena_free(&copy_arena);
    arena_free(&run_arena);
    return 0;
}
