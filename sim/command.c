/* command: worlds, world, draw, run, shrink, deeds. */
#include "command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "campaign.h"
#include "recorder.h"

/* Steps that a shrink may take, a few seconds, and failures of a campaign that
   are shrunk. */
#define SHRINK_STEPS 5000000
#define SHRUNK_MAX   3

bool sim_parse_u64(const char *text, uint64_t *out) {
    char *end = NULL;
    if (text[0] < '0' || text[0] > '9') return false;
    *out = strtoull(text, &end, 0);
    return *end == '\0';
}

int sim_apply_what_if(const struct sim_args *a, struct world *w) {
    for (uint32_t i = 0; i < a->what_ifs; i++) {
        char word[64];
        const char *eq = strchr(a->what_if[i], '=');
        uint64_t v;
        if (eq == NULL || eq - a->what_if[i] >= (long)sizeof word ||
            !sim_parse_u64(eq + 1, &v)) {
            fprintf(stderr, "blockpool-sim: --what-if takes KEY=NUMBER: %s\n",
                    a->what_if[i]);
            return SIM_USAGE;
        }
        memcpy(word, a->what_if[i], (size_t)(eq - a->what_if[i]));
        word[eq - a->what_if[i]] = '\0';
        const struct field *f = field_find(pool_fields, word);
        if (f == NULL) {
            fprintf(stderr, "blockpool-sim: the pool has no such setting: %s\n",
                    word);
            return SIM_USAGE;
        }
        field_set(f, &w->pool, v);
    }
    return 0;
}

char *sim_read_file(const char *path, size_t *n) {
    FILE *f = fopen(path, "rb");
    char *text = NULL;
    *n = 0;
    if (f != NULL) {
        size_t cap = 65536;
        text = malloc(cap);
        size_t k;
        while (text != NULL && (k = fread(text + *n, 1, cap - *n - 1, f)) > 0) {
            *n += k;
            if (*n + 1 < cap) continue;
            char *more = realloc(text, cap *= 2);
            if (more == NULL) free(text);
            text = more;
        }
        if (text != NULL && ferror(f)) {
            free(text);
            text = NULL;
        }
        fclose(f);
    }
    if (text == NULL)
        fprintf(stderr, "blockpool-sim: cannot read %s: %s\n", path,
                strerror(errno));
    else
        text[*n] = '\0';
    return text;
}

static void print_result(const struct result *r, const char *name) {
    printf("%s %s: %" PRIu64 " steps, end %" PRIu64 " ms, head %" PRIu64
           ", %" PRIu64 " bytes received, %" PRIu64 " bodies twice, memory "
           "%" PRIu64 " of %" PRIu64 "\n",
           r->failed ? "FAILED" : "ok", name, r->steps, (uint64_t)r->end,
           r->status.head.number, r->bytes, r->duplicates, r->peak, r->bound);
    if (!r->failed) return;
    printf("    %s: %s\n", r->kind, r->text);
    if (r->why[0] != '\0') printf("    why: %s\n", r->why);
}

/* Shrinks a failing world, prints it and writes it beside. */
static void show_failure(const struct world *w, const struct sim_args *a,
                         const char *name) {
    struct arena keep = { 0 }, scratch = { 0 };
    struct sim_options opt = { .engine = a->engine, .check_every = a->check };
    struct world small;
    struct result r;
    struct sink text = { 0 };
    char path[512];
    world_shrink(&small, w, &keep, &scratch, &opt, SHRINK_STEPS);
    sim_run(&r, &small, &scratch, &opt);
    sink_add(&text, "# %s fails with: %s: %s\n", name, r.kind, r.text);
    world_print(&small, &text);
    printf("---- %s\n%s---- why: %s\n", name, text.text, r.why);
    if (a->out != NULL) {
        snprintf(path, sizeof path, "%s/%s.scn", a->out, name);
        FILE *f = fopen(path, "w");
        if (f == NULL || fputs(text.text, f) == EOF || fclose(f) != 0)
            fprintf(stderr, "blockpool-sim: cannot write %s: %s\n", path,
                    strerror(errno));
        else
            printf("---- blockpool-sim run %s\n", path);
    }
    sink_free(&text);
    arena_free(&keep);
    arena_free(&scratch);
}

static void print_failed_list(const struct campaign *c) {
    uint64_t kept = c->failed_n < FAILED_KEPT ? c->failed_n : FAILED_KEPT;
    for (uint64_t i = 0; i < kept; i++)
        printf("failed: seed %" PRIu64 ": %s\n", c->failed[i], c->kind[i]);
}

static void print_speed(const struct campaign *c) {
    double cpu = (double)c->cpu_us / 1e6, done = (double)c->done;
    uint64_t held = c->done - c->failed_n;
    printf("%" PRIu64 " worlds in %.1f processor seconds, %.0f a second and "
           "core; %.0f steps in a world that holds, %.1f blocks in a tree\n",
           c->done, cpu, cpu > 0 ? done / cpu : 0.0,
           held > 0 ? (double)c->held_steps / (double)held : 0.0,
           done > 0 ? (double)c->cover.happened[HAPPENED_BLOCKS] / done : 0.0);
}

int command_worlds(struct sim_args *a) {
    static struct campaign c;
    c.from = a->from;
    c.count = a->count;
    c.jobs = a->jobs;
    c.kinds = a->kinds;
    c.check_every = a->check;
    c.calm = a->calm;
    c.engine = a->engine;
    c.stop_after = a->stop;
    c.progress = a->count >= 5000;
    printf("worlds %" PRIu64 " to %" PRIu64 " (rerun: make sim SEED0=%" PRIu64
           " N=%" PRIu64 "; one of them: make sim SEED=n)\n",
           a->from, a->from + a->count - 1, a->from, a->count);
    fflush(stdout);
    if (campaign_run(&c) != 0) {
        fprintf(stderr, "blockpool-sim: cannot start a process: %s\n",
                strerror(errno));
        return SIM_MEMORY;
    }
    fflush(stdout);
    if (!a->quiet) coverage_print(&c.cover, stdout);
    print_failed_list(&c);
    uint64_t show = c.failed_n < SHRUNK_MAX ? c.failed_n : SHRUNK_MAX;
    if (a->seeds) show = 0;
    for (uint64_t i = 0; i < show; i++) {
        struct arena arena = { 0 };
        struct world w;
        char name[64];
        world_draw(&w, &arena, c.failed[i], a->kinds);
        if (a->calm) world_calm(&w);
        snprintf(name, sizeof name, "sim-%" PRIu64, c.failed[i]);
        show_failure(&w, a, name);
        arena_free(&arena);
    }
    print_speed(&c);
    printf("%" PRIu64 " worlds, %" PRIu64 " failed", c.done, c.failed_n);
    for (uint64_t i = 0; i < c.failed_n && i < 20; i++)
        printf("%s%" PRIu64, i == 0 ? ": " : " ", c.failed[i]);
    printf("%s\n", c.failed_n > 20 ? " …" : "");
    return c.failed_n != 0 ? SIM_FAILED : 0;
}

static void write_svg(const struct sim *s, void *user) {
    const char *path = user;
    if (path != NULL && svg_write(s, path) != 0)
        fprintf(stderr, "blockpool-sim: cannot write %s: %s\n", path,
                strerror(errno));
}

static int run_one(const struct world *w, const struct sim_args *a,
                   const char *name) {
    struct arena arena = { 0 };
    struct sim_options opt = { .engine = a->engine, .check_every = a->check };
    struct result r;
    if (a->narrate) opt.narrate = stdout;
    opt.timeline = a->svg != NULL;
    struct recorder record = { .path = a->record };
    if (a->record != NULL) opt.record = &record;
    sim_run_look(&r, w, &arena, &opt, write_svg, (void *)(uintptr_t)a->svg);
    if (a->record != NULL && recorder_world(&record, w) != 0)
        fprintf(stderr, "blockpool-sim: cannot write %s\n", a->record);
    if (a->tap)
        printf("%sok - %s%s%s\n", r.failed ? "not " : "", name,
               r.failed ? ": " : "", r.failed ? r.text : "");
    else
        print_result(&r, name);
    arena_free(&arena);
    return r.failed ? SIM_FAILED : 0;
}

int command_world(struct sim_args *a) {
    struct arena arena = { 0 };
    struct world w;
    uint64_t seed;
    char name[64];
    if (!sim_parse_u64(a->arg[0], &seed)) {
        fprintf(stderr, "blockpool-sim: '%s' is no seed\n", a->arg[0]);
        return SIM_USAGE;
    }
    world_draw(&w, &arena, seed, a->kinds);
    if (a->calm) world_calm(&w);
    int err = sim_apply_what_if(a, &w);
    if (err != 0) return err;
    a->narrate = !a->quiet;
    snprintf(w.name, sizeof w.name, "world-%" PRIu64, seed);
    snprintf(name, sizeof name, "world %" PRIu64, seed);
    err = run_one(&w, a, name);
    snprintf(name, sizeof name, "sim-%" PRIu64, seed);
    if (err != 0) show_failure(&w, a, name);
    printf("1 worlds, %d failed", err != 0);
    if (err != 0) printf(": %" PRIu64, seed);
    printf("\n");
    arena_free(&arena);
    return err;
}

int command_draw(struct sim_args *a) {
    struct arena arena = { 0 };
    struct world w;
    struct sink text = { 0 };
    uint64_t seed;
    if (!sim_parse_u64(a->arg[0], &seed)) {
        fprintf(stderr, "blockpool-sim: '%s' is no seed\n", a->arg[0]);
        return SIM_USAGE;
    }
    world_draw(&w, &arena, seed, a->kinds);
    if (a->calm) world_calm(&w);
    world_print(&w, &text);
    fputs(text.text, stdout);
    sink_free(&text);
    arena_free(&arena);
    return 0;
}

/* Reads a scenario for one kind of peers. Returns 0 or SIM_INPUT. */
static int read_scenario(struct world *w, struct arena *arena, const char *path,
                         uint32_t kind) {
    size_t n;
    char error[256];
    char *text = sim_read_file(path, &n);
    if (text == NULL) return SIM_INPUT;
    int err = world_read(w, arena, text, kind, error);
    if (err != 0) fprintf(stderr, "%s: %s\n", path, error);
    free(text);
    return err != 0 ? SIM_INPUT : 0;
}

/* One scenario, once for each kind of peers that it is meant for. */
static int run_file(struct sim_args *a, const char *path, uint32_t *runs,
                    uint32_t *failed) {
    uint32_t only = a->kinds, done = 0;
    for (uint32_t kind = KIND_IDS; kind <= KIND_BARE; kind *= 2) {
        struct arena arena = { 0 };
        struct world w;
        int err = read_scenario(&w, &arena, path, kind);
        if (err == 0) err = sim_apply_what_if(a, &w);
        if (err != 0) return err;
        if ((w.kinds & kind) != 0 && (only == 0 || (only & kind) != 0) &&
            !(w.drawn && done > 0)) {
            char name[300];
            snprintf(name, sizeof name, "%s (%s)",
                     w.name[0] != '\0' ? w.name : path,
                     w.drawn ? "drawn" : kind_word(kind));
            *failed += run_one(&w, a, name) != 0;
            ++*runs;
            done++;
        }
        arena_free(&arena);
    }
    return 0;
}

int command_run(struct sim_args *a) {
    uint32_t runs = 0, failed = 0;
    for (int i = 0; i < a->n; i++) {
        int err = run_file(a, a->arg[i], &runs, &failed);
        if (err != 0) return err;
    }
    if (a->tap)
        printf("1..%u\n", runs);
    else
        printf("%u scenarios, %u failed\n", runs, failed);
    return failed != 0 ? SIM_FAILED : 0;
}

static bool fails(const struct world *w, const struct sim_args *a) {
    struct arena arena = { 0 };
    struct sim_options opt = { .engine = a->engine, .check_every = a->check };
    struct result r;
    sim_run(&r, w, &arena, &opt);
    arena_free(&arena);
    return r.failed;
}

int command_shrink(struct sim_args *a) {
    struct arena arena = { 0 };
    struct world w;
    uint32_t kind = a->kinds != 0 ? a->kinds : KIND_IDS;
    int err = read_scenario(&w, &arena, a->arg[0], kind);
    if (err == 0 && !fails(&w, a)) {
        fprintf(stderr, "blockpool-sim: %s does not fail\n", a->arg[0]);
        err = SIM_FAILED;
    } else if (err == 0) {
        show_failure(&w, a, "shrunk");
    }
    arena_free(&arena);
    return err;
}

int command_deeds(struct sim_args *a) {
    (void)a;
    for (int d = 0; d < DEED_COUNT; d++)
        printf("%-10s %s\n", deed_word(d), deed_where(d));
    return 0;
}
