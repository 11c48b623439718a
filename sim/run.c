/* run: one world from its beginning to its end. */
#include <assert.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "sim.h"

/* Happenings at one moment of virtual time: more than this is a loop. */
#define SAME_MOMENT_MAX    100000
#define PAST_DEADLINES_MAX 1000 /* a host's core would burn */
/* Processor time of one call of the engine that never comes back. It is no
   limit of a world (STEPS_MAX is): no verdict may depend on the machine. */
#define HUNG_CPU_S 60

/* ---- small services --------------------------------------------------- */

void sim_fail(struct sim *s, const char *kind, const char *format, ...) {
    if (s->r.failed) return;
    s->r.failed = true;
    snprintf(s->r.kind, sizeof s->r.kind, "%s", kind);
    va_list ap;
    va_start(ap, format);
    vsnprintf(s->r.text, sizeof s->r.text, format, ap);
    va_end(ap);
    say(s, "FAILED (%s): %s", s->r.kind, s->r.text);
}

void sim_say(struct sim *s, const char *format, ...) {
    va_list ap;
    fprintf(s->opt.narrate, "[%7llu] ", (unsigned long long)s->now);
    va_start(ap, format);
    vfprintf(s->opt.narrate, format, ap);
    va_end(ap);
    fputc('\n', s->opt.narrate);
}

void sim_count(struct sim *s, enum happened what, uint64_t n) {
    s->r.cover.happened[what] += n;
}

void sim_hash(struct sim *s, uint64_t x) {
    uint64_t h = s->r.hash ^ x;
    h *= 0x9e3779b97f4a7c15u;
    s->r.hash = h ^ (h >> 29);
}

const char *sim_block(const struct sim *s, uint32_t block) {
    static char buf[4][24];
    static unsigned turn;
    char *b = buf[turn++ % 4];
    if (block == BLOCK_NONE)
        snprintf(b, sizeof buf[0], "?");
    else if (is_phantom(block))
        snprintf(b, sizeof buf[0], "~%u", block - PHANTOM_FIRST);
    else
        snprintf(b, sizeof buf[0], "%u%s", s->tree.b[block].label,
                 s->tree.b[block].valid ? "" : "x");
    return b;
}

uint32_t sim_label(const struct sim *s, uint32_t label) {
    /* Readers of scenarios check every label; drawn worlds use their own. */
    if (label >= s->labels || s->by_label[label] == BLOCK_NONE) abort();
    return s->by_label[label];
}

void coverage_add(struct coverage *to, const struct coverage *from) {
    uint64_t *a = (uint64_t *)to;
    const uint64_t *b = (const uint64_t *)from;
    for (size_t i = 0; i < sizeof *to / sizeof *a; i++) a[i] += b[i];
}

/* ---- building --------------------------------------------------------- */

static void build_run(struct sim *s, const struct block_run *r) {
    uint32_t parent =
        r->parent != LABEL_NONE ? sim_label(s, r->parent) : BLOCK_NONE;
    for (uint32_t label = r->first;; label++) {
        uint64_t chance = stream_seed(s->w->seed, 9, label);
        struct tblock b = { .label = label, .flaw = r->flaw };
        uint64_t d = r->difficulty;
        if (r->difficulty_spread != 0) d += chance % r->difficulty_spread;
        b.difficulty = bp_u256_from_u64(d);
        b.body_size = r->size;
        if (r->size_spread != 0)
            b.body_size += (uint32_t)((chance >> 20) % r->size_spread);
        b.link_size = 120 + (uint32_t)((chance >> 50) % 32);
        b.empty = (chance >> 40) % 100 < r->empty_pc;
        b.not_before = r->not_before;
        parent = tree_add(&s->tree, parent, &b);
        s->by_label[label] = parent;
        if (label == r->last) break;
    }
}

static void build(struct sim *s) {
    const struct world *w = s->w;
    uint32_t top = 0;
    for (uint32_t i = 0; i < w->runs; i++)
        if (w->run[i].last > top) top = w->run[i].last;
    s->labels = top + 1;
    s->by_label = arena_take(s->arena, s->labels * sizeof *s->by_label);
    memset(s->by_label, 0xff, s->labels * sizeof *s->by_label);
    tree_init(&s->tree, s->arena, stream_seed(w->seed, 3, 0));
    for (uint32_t i = 0; i < w->runs; i++) build_run(s, &w->run[i]);
    store_put(s, 0);
    uint32_t head = 0;
    for (uint32_t i = 0; i < w->chain_n; i++) {
        uint32_t b = sim_label(s, w->chain[i]);
        if (!s->tree.b[b].held) store_put(s, b);
        if (bp_u256_cmp(&s->tree.b[b].td, &s->tree.b[head].td) > 0) head = b;
    }
    store_choose(s, head);
}

/* ---- the loop --------------------------------------------------------- */

static void happen(struct sim *s, const struct happening *h) {
    switch ((enum happening_kind)h->kind) {
    case ON_JOIN: peer_on_join(s, &s->peer[h->who]); break;
    case ON_LEAVE:
        if (h->what != NULL)
            host_end_session(s, h->who, true);
        else
            peer_on_leave(s, &s->peer[h->who]);
        break;
    case ON_REQUEST: peer_on_request(s, h->what); break;
    case ON_MESSAGE: host_on_message(s, h->what); break;
    case ON_CONTENT: host_on_content(s, h->what); break;
    case ON_CHECKED: job_checked(s, h->what); break;
    case ON_INSERTED: job_inserted(s, h->what); break;
    case ON_GROW: peer_on_grow(s, &s->peer[h->who]); break;
    case ON_TICK: liar_tick(s, &s->peer[h->who]); break;
    case ON_STALL: {
        struct peer *p = &s->peer[h->who];
        p->out_free_us = (s->now + p->spec->stall_ms) * 1000;
        say(s, "peer %u sends nothing for %u ms", p->name, p->spec->stall_ms);
        judge_accident(s, p, p->spec->stall_ms);
        break;
    }
    case ON_RELAY: {
        struct peer *p = &s->peer[h->who];
        if (p->session == 0) break;
        struct msg *m = net_msg(s, p, MSG_PUSH, NULL, 1);
        m->n = 1;
        m->item[0].block = sim_label(s, p->spec->relay);
        m->has_td = p->spec->td_kind != CLAIM_NONE;
        m->td = s->tree.b[m->item[0].block].td;
        net_send(s, p, m);
        break;
    }
    case ON_STEP: break; /* only wakes the script */
    case ON_RESTART: host_restart(s); break;
    }
}

static void one_turn(struct sim *s) {
    bp_time at = queue_next_at(&s->queue);
    bp_time due = s->down ? BP_TIME_NEVER : s->ops->deadline(s->engine);
    bool timer = due < at;
    bp_time next = timer ? due : at;
    if (next == BP_TIME_NEVER) { /* nothing will happen any more */
        enum phase before = s->phase;
        if (!s->w->drawn)
            s->phase = PHASE_OVER;
        else
            judge_turn(s);
        s->stuck = s->phase == before;
        return;
    }
    if (next > s->now) {
        s->now = next;
        s->same_moment = s->past_deadlines = 0;
    } else if (++s->same_moment > SAME_MOMENT_MAX) {
        sim_fail(s, "endless", "time stands still");
        return;
    }
    if (s->w->host.alloc_fail_pm != 0)
        s->heap.fail_pm =
            s->now < s->w->host.alloc_fail_until ? s->w->host.alloc_fail_pm : 0;
    if (timer) {
        struct bp_event ev = { .type = BP_EV_TIME };
        host_step(s, &ev);
        bool past = !s->down && s->ops->deadline(s->engine) <= s->now;
        s->past_deadlines = past ? s->past_deadlines + 1 : 0;
        if (s->past_deadlines > PAST_DEADLINES_MAX)
            sim_fail(s, "endless", "the deadline stays in the past");
    } else {
        struct happening h = queue_take(&s->queue);
        happen(s, &h);
    }
    if (!s->r.failed) script_turn(s);
    if (!s->r.failed) judge_turn(s);
}

static void run_world(struct sim *s) {
    bp_rng_seed(&s->host_rng, stream_seed(s->w->seed, 4, 0));
    bp_rng_seed(&s->job_rng, stream_seed(s->w->seed, 5, 0));
    queue_init(&s->queue, s->arena);
    build(s);
    judge_plan(s);
    host_start(s);
    if (s->r.failed) return;
    peer_start(s);
    script_start(s);
    if (!s->w->drawn) script_turn(s);
    while (!s->r.failed && s->phase != PHASE_OVER && !s->stuck) one_turn(s);
    judge_end(s);
    s->r.end = s->now;
}

/* ---- engines that die ------------------------------------------------- */

static sigjmp_buf rescue;
static volatile sig_atomic_t rescuing;
static char death[300];

/* The C library calls this when an assertion of the engine fails. Ours keeps
   the text for the report and goes on with the next world. */
void __assert_fail(const char *assertion, const char *file, unsigned line,
                   const char *function) {
    snprintf(death, sizeof death, "%s:%u: %s: %s does not hold", file, line,
             function, assertion);
    if (rescuing) siglongjmp(rescue, 1);
    fprintf(stderr, "%s\n", death);
    abort();
}

static void on_signal(int sig) {
    if (!rescuing) {
        signal(sig, SIG_DFL);
        raise(sig);
        return;
    }
    snprintf(death, sizeof death, "%s",
             sig == SIGVTALRM ? "the engine does not come back"
             : sig == SIGABRT ? "aborted"
                              : "died of a wrong memory access");
    siglongjmp(rescue, sig == SIGVTALRM ? 2 : 1);
}

static void watch(bool on) {
    static const int signals[] = { SIGABRT, SIGSEGV, SIGBUS, SIGFPE,
                                   SIGVTALRM };
    static bool installed;
    if (!installed) {
        struct sigaction a = { .sa_handler = on_signal,
                               .sa_flags = SA_NODEFER };
        for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
            sigaction(signals[i], &a, NULL);
        installed = true;
    }
    struct itimerval t = { .it_value = { on ? HUNG_CPU_S : 0, 0 } };
    setitimer(ITIMER_VIRTUAL, &t, NULL);
    rescuing = on;
}

void sim_run_look(struct result *r, const struct world *w, struct arena *arena,
                  const struct sim_options *opt,
                  void (*look)(const struct sim *s, void *user), void *user) {
    arena_reset(arena);
    struct sim *s = arena_take(arena, sizeof *s);
    s->w = w;
    s->arena = arena;
    if (opt != NULL) s->opt = *opt;
    s->ops = s->opt.engine != NULL ? s->opt.engine : &engine_pool;
    heap_init(&s->heap, stream_seed(w->seed, 6, 0));
    /* A signal mask saved at each world would cost a system call; a handler
       that jumps out does not block its signal (SA_NODEFER). */
    int dead = sigsetjmp(rescue, 0);
    if (dead == 0) {
        watch(true);
        run_world(s);
        s->r.peak = s->heap.peak;
        if (look != NULL) look(s, user);
        host_stop(s);
    } else {
        sim_fail(s, dead == 2 ? "hung" : "died", "%s", death);
        s->r.failed = true;
    }
    watch(false);
    heap_clear(&s->heap);
    *r = s->r;
}

void sim_run(struct result *r, const struct world *w, struct arena *arena,
             const struct sim_options *opt) {
    sim_run_look(r, w, arena, opt, NULL, NULL);
}
