/* main: blockpool-sim. What it does is in its usage text and in
   blockpool-sim(1). */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "campaign.h"
#include "command.h"

static const char usage_text[] =
    "Usage: blockpool-sim COMMAND [OPTION...]\n"
    "\n"
    "  worlds [--from SEED] [--count N]  run worlds drawn from seeds, on all\n"
    "                                    cores; failures are shrunk\n"
    "  world SEED                        run one world and tell what happens\n"
    "  draw SEED                         print that world as a scenario file\n"
    "  run FILE...                       run scenario files\n"
    "  shrink FILE                       make a failing scenario smaller\n"
    "  replay RECORD                     replay a recorded run of the pool\n"
    "  race [--from SEED] [--count N]    strategies over the same worlds\n"
    "  deeds                             list what liars do\n"
    "\n"
    "  --jobs N        worlds: processes (default: one for each core)\n"
    "  --kind KIND     links, plain or bare: the scripted peers of run; the\n"
    "                  kinds of drawn worlds (several times)\n"
    "  --check N       full check of the pool every N steps (default 16)\n"
    "  --calm          drawn worlds without liars and accidents\n"
    "  --out DIR       where shrunk failures are written (default: nowhere)\n"
    "  --stop N        end after N failures in one process\n"
    "  --quiet         no coverage table\n"
    "  --seeds         worlds: name the failing seeds, shrink nothing\n"
    "  --narrate       run, replay: tell what happens\n"
    "  --tap           run: one line a scenario, for test programs\n"
    "  --what-if K=V   run, world, race, replay: change a setting of the pool\n"
    "  --engine NAME   pool or 2015\n"
    "  --record FILE   world, run: write a record of the pool\n"
    "  --svg FILE      world, run, race: draw a timeline\n"
    "  --help, --version\n";

static int usage(const char *problem, const char *what) {
    fprintf(stderr, "blockpool-sim: %s%s%s (see --help)\n", problem,
            what != NULL ? ": " : "", what != NULL ? what : "");
    return SIM_USAGE;
}

static bool add_kind(struct sim_args *a, const char *word) {
    for (uint32_t k = KIND_IDS; k <= KIND_BARE; k *= 2)
        if (strcmp(word, kind_word(k)) == 0) {
            a->kinds |= k;
            return true;
        }
    return false;
}

enum {
    OPT_FROM = 256,
    OPT_COUNT,
    OPT_JOBS,
    OPT_KIND,
    OPT_CALM,
    OPT_CHECK,
    OPT_OUT,
    OPT_STOP,
    OPT_QUIET,
    OPT_NARRATE,
    OPT_TAP,
    OPT_SEEDS,
    OPT_RECORD,
    OPT_WHAT_IF,
    OPT_ENGINE,
    OPT_SVG,
    OPT_HELP,
    OPT_VERSION
};

static const struct option options[] = {
    { "from", required_argument, NULL, OPT_FROM },
    { "count", required_argument, NULL, OPT_COUNT },
    { "jobs", required_argument, NULL, OPT_JOBS },
    { "kind", required_argument, NULL, OPT_KIND },
    { "calm", no_argument, NULL, OPT_CALM },
    { "check", required_argument, NULL, OPT_CHECK },
    { "out", required_argument, NULL, OPT_OUT },
    { "stop", required_argument, NULL, OPT_STOP },
    { "quiet", no_argument, NULL, OPT_QUIET },
    { "narrate", no_argument, NULL, OPT_NARRATE },
    { "seeds", no_argument, NULL, OPT_SEEDS },
    { "tap", no_argument, NULL, OPT_TAP },
    { "what-if", required_argument, NULL, OPT_WHAT_IF },
    { "engine", required_argument, NULL, OPT_ENGINE },
    { "record", required_argument, NULL, OPT_RECORD },
    { "svg", required_argument, NULL, OPT_SVG },
    { "help", no_argument, NULL, OPT_HELP },
    { "version", no_argument, NULL, OPT_VERSION },
    { 0 },
};

/* Returns 0, or 1 when the option's argument is wrong. */
static int take_option(struct sim_args *a, int opt, char *arg) {
    uint64_t n = 0;
    bool number = arg != NULL && sim_parse_u64(arg, &n);
    switch (opt) {
    case OPT_FROM: a->from = n; return !number;
    case OPT_COUNT: a->count = n; return !number || n == 0;
    case OPT_JOBS: a->jobs = (uint32_t)n; return !number || n > 64;
    case OPT_STOP: a->stop = (uint32_t)n; return !number;
    case OPT_CALM: a->calm = true; return 0;
    case OPT_CHECK: a->check = (uint32_t)n; return !number || n == 0;
    case OPT_KIND: return !add_kind(a, arg);
    case OPT_OUT: a->out = arg; return 0;
    case OPT_QUIET: a->quiet = true; return 0;
    case OPT_NARRATE: a->narrate = true; return 0;
    case OPT_SEEDS: a->seeds = true; return 0;
    case OPT_TAP: a->tap = true; return 0;
    case OPT_WHAT_IF:
        if (a->what_ifs == WHAT_IF_MAX) return 1;
        a->what_if[a->what_ifs++] = arg;
        return 0;
    case OPT_ENGINE:
        a->engine = strcmp(arg, "pool") == 0   ? &engine_pool
                    : strcmp(arg, "2015") == 0 ? &engine_2015
                                               : NULL;
        return a->engine == NULL;
    case OPT_RECORD: a->record = arg; return 0;
    case OPT_SVG: a->svg = arg; return 0;
    default: return 1;
    }
}

#define TAKES(opt) (1u << (OPT_##opt - OPT_FROM))

struct command {
    const char *name;
    int (*run)(struct sim_args *a);
    int least, most; /* arguments */
    uint32_t takes;  /* options */
};

static const struct command commands[] = {
    { "worlds", command_worlds, 0, 0,
      TAKES(FROM) | TAKES(COUNT) | TAKES(JOBS) | TAKES(KIND) | TAKES(CALM) |
          TAKES(CHECK) | TAKES(OUT) | TAKES(STOP) | TAKES(QUIET) |
          TAKES(SEEDS) | TAKES(ENGINE) },
    { "world", command_world, 1, 1,
      TAKES(KIND) | TAKES(CALM) | TAKES(CHECK) | TAKES(OUT) | TAKES(QUIET) |
          TAKES(WHAT_IF) | TAKES(ENGINE) | TAKES(RECORD) | TAKES(SVG) },
    { "draw", command_draw, 1, 1, TAKES(KIND) | TAKES(CALM) },
    { "run", command_run, 1, 100000,
      TAKES(KIND) | TAKES(CHECK) | TAKES(NARRATE) | TAKES(TAP) |
          TAKES(WHAT_IF) | TAKES(ENGINE) | TAKES(RECORD) | TAKES(SVG) },
    { "shrink", command_shrink, 1, 1,
      TAKES(KIND) | TAKES(CHECK) | TAKES(OUT) | TAKES(ENGINE) },
    { "replay", command_replay, 1, 1,
      TAKES(NARRATE) | TAKES(WHAT_IF) | TAKES(OUT) },
    { "race", command_race, 0, 0,
      TAKES(FROM) | TAKES(COUNT) | TAKES(KIND) | TAKES(WHAT_IF) | TAKES(SVG) },
    { "deeds", command_deeds, 0, 0, 0 },
};

/* Of the options given, one that the command does not take, or NULL. */
static const char *not_taken(const struct command *c, uint32_t given) {
    for (const struct option *o = options; o->name != NULL; o++)
        if ((given & ~c->takes & 1u << (o->val - OPT_FROM)) != 0)
            return o->name;
    return NULL;
}

static int dispatch(const char *command, struct sim_args *a, uint32_t given) {
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        const struct command *c = &commands[i];
        if (strcmp(command, c->name) != 0) continue;
        if (a->n < c->least || a->n > c->most)
            return usage("wrong number of arguments", command);
        const char *option = not_taken(c, given);
        if (option != NULL) {
            fprintf(stderr, "blockpool-sim: %s takes no --%s (see --help)\n",
                    command, option);
            return SIM_USAGE;
        }
        return c->run(a);
    }
    return usage("no such command", command);
}

int main(int argc, char **argv) {
    struct sim_args a = { .count = 200, .engine = &engine_pool };
    uint32_t given = 0;
    int opt;
    while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (opt == OPT_HELP) {
            fputs(usage_text, stdout);
            return 0;
        }
        if (opt == OPT_VERSION) {
            printf("blockpool-sim %s\n", bp_version());
            return 0;
        }
        if (opt == '?') return SIM_USAGE;
        if (take_option(&a, opt, optarg) != 0)
            return usage("wrong argument", optarg);
        given |= 1u << (opt - OPT_FROM);
    }
    if (optind >= argc) return usage("a command is missing", NULL);
    a.arg = argv + optind + 1;
    a.n = argc - optind - 1;
    return dispatch(argv[optind], &a, given);
}
