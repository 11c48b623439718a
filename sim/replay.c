/* replay: recorded runs of the pool, played again.

   A record is a configuration and events, of this simulator or of a real node.
   Replayed it gives the same actions, or we say at which event it does not.
   "What if" asks for another configuration, and then peers must answer what is
   asked now: a record of the simulator has its world beside it (RECORD.scn),
   and of any other record a world is made (model.c). */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "model.h"
#include "recorder.h"

/* ---- writing ---------------------------------------------------------- */

static int to_file(void *user, const void *bytes, size_t n) {
    return fwrite(bytes, 1, n, user) == n ? 0 : BP_ERR_FILE_WRITE;
}

void recorder_begin(struct recorder *r, const struct bp_pool_config *config) {
    char path[512];
    if (r->failed) return;
    if (++r->runs == 1)
        snprintf(path, sizeof path, "%s", r->path);
    else
        snprintf(path, sizeof path, "%s.%u", r->path, r->runs);
    r->file = fopen(path, "wb");
    struct bp_pool_config plain = *config;
    plain.alloc = NULL;
    plain.trace = NULL;
    if (r->file == NULL ||
        bp_recorder_new(&r->recorder, &plain, to_file, r->file) != 0)
        r->failed = true;
}

void recorder_end(struct recorder *r) {
    if (r->recorder != NULL && bp_recorder_end(r->recorder) != 0)
        r->failed = true;
    r->recorder = NULL;
    if (r->file != NULL && fclose(r->file) != 0) r->failed = true;
    r->file = NULL;
}

int recorder_world(const struct recorder *r, const struct world *w) {
    struct sink text = { 0 };
    char path[512];
    snprintf(path, sizeof path, "%s.scn", r->path);
    world_print(w, &text);
    FILE *f = fopen(path, "w");
    bool good = f != NULL && fputs(text.text, f) != EOF;
    if (f != NULL && fclose(f) != 0) good = false;
    sink_free(&text);
    return good && !r->failed ? 0 : -1;
}

/* ---- reading ---------------------------------------------------------- */

static size_t from_file(void *user, void *buf, size_t cap) {
    return fread(buf, 1, cap, user);
}

struct player {
    bool narrate, begun;
    bp_time first, last; /* last: since the first */
    uint64_t requests, blames;
    struct bp_pool_status status;
    char why[256];
};

static const char *event_word(enum bp_event_type t) {
    static const char *const words[] = {
        "time",    "joined",   "claim",  "range",  "left",   "offence",
        "reply",   "links",    "hashes", "blocks", "pushed", "announced",
        "checked", "inserted", "chain",  "target", "reset",  "purge"
    };
    return words[t];
}

static void on_event(void *user, const struct bp_event *e, bp_time now) {
    struct player *p = user;
    if (!p->begun) p->first = now;
    p->begun = true;
    p->last = now - p->first;
    if (p->narrate && e->type != BP_EV_TIME)
        printf("[%7" PRIu64 "] event: %s\n", (uint64_t)p->last,
               event_word(e->type));
}

static void on_action(void *user, const struct bp_action *a) {
    struct player *p = user;
    switch (a->type) {
    case BP_ACT_ASK_LINKS:
    case BP_ACT_ASK_HASHES:
    case BP_ACT_ASK_BLOCKS: p->requests++; break;
    case BP_ACT_BLAME:
        p->blames++;
        printf("[%7" PRIu64 "] blame: session %" PRIu64 " %s\n",
               (uint64_t)p->last, (uint64_t)a->u.blame.peer,
               bp_offence_text(a->u.blame.offence));
        break;
    case BP_ACT_CHECK:
    case BP_ACT_INSERT:
    case BP_ACT_RELEASE:
    case BP_ACT_REPORT: break;
    }
}

static void on_trace(void *user, const char *line) {
    const struct player *p = user;
    if (p->narrate) printf("    | %s\n", line);
}

static void at_end(void *user, const struct bp_pool *pool) {
    struct player *p = user;
    bp_pool_status(pool, &p->status);
    bp_pool_why(pool, p->why, sizeof p->why);
}

static int feed(struct bp_record *record, const struct sim_args *a) {
    struct player p = { .narrate = a->narrate };
    struct bp_replay r = { .on_event = on_event,
                           .on_action = on_action,
                           .trace = on_trace,
                           .at_end = at_end,
                           .user = &p };
    int err = bp_record_replay(record, &r);
    if (err != 0) {
        fprintf(stderr, "blockpool-sim: %s: %s\n", a->arg[0], bp_strerror(err));
        return SIM_INPUT;
    }
    printf("%" PRIu64 " events, %" PRIu64 " actions, %" PRIu64
           " requests, %" PRIu64 " blames, %" PRIu64 " ms, head %" PRIu64
           ", %" PRIu64 " blocks inserted%s\n",
           r.events, r.actions, p.requests, p.blames, (uint64_t)p.last,
           p.status.head.number, p.status.blocks_inserted,
           r.complete ? "" : "; the record ends early");
    if (p.why[0] != '\0') printf("why: %s\n", p.why);
    if (r.differs)
        printf("differs at event %" PRIu64 ": %" PRIu64
               " actions in the record, %" PRIu64 " now\n",
               r.at_event, r.want, r.got);
    else
        printf("the same actions, byte for byte\n");
    return r.differs ? SIM_FAILED : 0;
}

/* ---- what if ---------------------------------------------------------- */

static void show(const char *name, const struct result *r) {
    printf("%-9s %6" PRIu64 " ms, %9" PRIu64 " bytes, %5" PRIu64
           " bodies twice, %6" PRIu64 " steps, memory %9" PRIu64
           ", head %" PRIu64 "%s%s\n",
           name, (uint64_t)(r->done_at != 0 ? r->done_at : r->end), r->bytes,
           r->duplicates, r->steps, r->peak, r->status.head.number,
           r->failed ? ": " : "", r->failed ? r->text : "");
}

/* A world as it was and as it might have been. */
static int run_both(const struct sim_args *a, struct world *w,
                    const char *before) {
    struct arena run = { 0 };
    struct result was, now;
    struct sim_options opt = { .patient = true };
    sim_run(&was, w, &run, &opt);
    int err = sim_apply_what_if(a, w);
    if (err == 0) {
        if (a->narrate) opt.narrate = stdout;
        sim_run(&now, w, &run, &opt);
        show(before, &was);
        show("what if", &now);
    }
    arena_free(&run);
    return err;
}

/* The world beside the record. */
static int run_anew(const struct sim_args *a, const char *path) {
    struct arena arena = { 0 };
    struct world w;
    char error[256];
    size_t n;
    char *text = sim_read_file(path, &n);
    if (text == NULL) return SIM_INPUT;
    int err = world_read(&w, &arena, text, KIND_IDS, error);
    free(text);
    if (err != 0) {
        fprintf(stderr, "%s: %s\n", path, error);
        err = SIM_INPUT;
    } else {
        err = run_both(a, &w, "recorded");
    }
    arena_free(&arena);
    return err;
}

static int write_model(const struct sim_args *a, const struct world *w) {
    char path[512];
    struct sink text = { 0 };
    snprintf(path, sizeof path, "%s/model.scn", a->out);
    world_print(w, &text);
    FILE *f = fopen(path, "w");
    bool good = f != NULL && fputs(text.text, f) != EOF;
    if (f != NULL && fclose(f) != 0) good = false;
    sink_free(&text);
    if (good)
        printf("---- blockpool-sim run %s\n", path);
    else
        fprintf(stderr, "blockpool-sim: cannot write %s: %s\n", path,
                strerror(errno));
    return good ? 0 : SIM_INPUT;
}

/* The world that a record of a real node lets one guess. */
static int run_model(const struct sim_args *a, struct bp_record *record) {
    struct arena arena = { 0 };
    struct world w;
    struct model_facts m;
    int err = model_world(&w, &arena, record, &m);
    if (err != 0) {
        fprintf(stderr, "blockpool-sim: %s: %s\n", a->arg[0], bp_strerror(err));
        err = SIM_INPUT;
    } else {
        printf("recorded  %6" PRIu64 " ms, %u requests; as a world: %u blocks, "
               "%u peers, %u left out\n",
               (uint64_t)m.ms, m.requests, m.blocks, m.peers, m.left_out);
        if (a->out != NULL) err = write_model(a, &w);
        if (err == 0) err = run_both(a, &w, "modelled");
    }
    arena_free(&arena);
    return err;
}

int command_replay(struct sim_args *a) {
    char beside[512];
    snprintf(beside, sizeof beside, "%s.scn", a->arg[0]);
    if (a->what_ifs != 0 && access(beside, R_OK) == 0)
        return run_anew(a, beside);
    FILE *f = fopen(a->arg[0], "rb");
    if (f == NULL) {
        fprintf(stderr, "blockpool-sim: cannot read %s: %s\n", a->arg[0],
                strerror(errno));
        return SIM_INPUT;
    }
    struct bp_record *record = NULL;
    int err = bp_record_open(&record, NULL, from_file, f);
    if (err != 0) {
        fprintf(stderr, "blockpool-sim: %s: %s\n", a->arg[0], bp_strerror(err));
        fclose(f);
        return SIM_INPUT;
    }
    err = a->what_ifs != 0 ? run_model(a, record) : feed(record, a);
    bp_record_free(record);
    fclose(f);
    return err;
}
