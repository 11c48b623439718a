/* why: one sentence for what everything waits for. */
#include <stdarg.h>
#include <stdio.h>

#include "pool/state.h"

typedef unsigned long long ull;

struct text {
    char *out;
    size_t cap, n;
};

static void say(struct text *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void say(struct text *t, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    size_t room = t->n < t->cap ? t->cap - t->n : 0;
    int n = vsnprintf(room > 0 ? t->out + t->n : NULL, room, format, ap);
    va_end(ap);
    if (n > 0) t->n += (size_t)n;
}

static void say_request(const struct bp_pool *p, struct text *t,
                        const struct bp_request *r) {
    say(t, "asked of peer %llu %llu ms ago", (ull)p->peer[r->peer].id,
        (ull)(p->now - r->sent));
    switch (r->state) {
    case BP_REQ_OUT:
        say(t, "; late in %llu ms", (ull)(r->due - p->now));
        return;
    case BP_REQ_LATE:
        say(t, ", late; its session ends in %llu ms", (ull)(r->due - p->now));
        return;
    case BP_REQ_ANSWERED: say(t, ", answered and being decoded"); return;
    }
}

static void say_job(const struct bp_pool *p, struct text *t,
                    const struct bp_job *job) {
    static const char *const what[] = { "the probe of", "the check of",
                                        "the insertion of" };
    say(t, "waits for %s %u links from number %llu, begun %llu ms ago",
        what[job->kind], job->n, (ull)bp_link_number(&p->forest, job->links[0]),
        (ull)(p->now - job->since));
}

static void say_slot(const struct bp_pool *p, struct text *t,
                     const struct bp_slot *s) {
    say(t, "block %llu is missing for %llu ms, ", (ull)s->number,
        (ull)(p->now - s->since));
    const struct bp_request *r = NULL;
    for (int i = 0; i < 2 && r == NULL; i++)
        if (s->req[i] != 0) r = bp_request_find(p, s->req[i]);
    if (r != NULL) {
        say_request(p, t, r);
        return;
    }
    say(t, "no peer that may have it is free");
    if (s->retry > p->now)
        say(t, "; those that failed it are asked again in %llu ms",
            (ull)(s->retry - p->now));
}

/* The request for links below or at the best peer's head, or NULL. */
static const struct bp_request *links_request(const struct bp_pool *p) {
    const struct bp_request *oldest = NULL;
    for (uint32_t i = 0; i < p->requests.used; i++) {
        const struct bp_request *r = bp_table_get(&p->requests, i);
        if (r == NULL || bp_ask_rate(r->ask) == BP_RATE_BLOCKS) continue;
        if (oldest == NULL || r->sent < oldest->sent) oldest = r;
    }
    return oldest;
}

static void say_walk(const struct bp_pool *p, struct text *t) {
    const struct bp_peer *best = &p->peer[p->best];
    bp_ref ref = bp_link_find(&p->forest, &best->info.claim.head);
    if (ref == BP_NIL) {
        say(t, "the head %s of peer %llu is missing, ",
            bp_short(&best->info.claim.head).text, (ull)best->id);
    } else {
        uint32_t root =
            bp_section_root(&p->forest, bp_link_section(&p->forest, ref));
        const struct bp_section *s = bp_section_at(&p->forest, root);
        say(t, "links below number %llu are missing, ",
            (ull)bp_section_bottom(s));
    }
    const struct bp_request *r = links_request(p);
    if (r != NULL)
        say_request(p, t, r);
    else if (best->retry > p->now)
        say(t, "peer %llu is asked again in %llu ms", (ull)best->id,
            (ull)(best->retry - p->now));
    else
        say(t, "waiting until peer %llu may be asked", (ull)best->id);
}

static const struct bp_job *oldest_job(const struct bp_pool *p) {
    const struct bp_job *oldest = NULL;
    for (uint32_t i = 0; i < p->n_jobs; i++) {
        const struct bp_job *job = &p->job[i];
        if (job->id != 0 && (oldest == NULL || job->since < oldest->since))
            oldest = job;
    }
    return oldest;
}

static bp_time waits_until(const struct bp_section *s) {
    return s->check_wait > s->insert_wait ? s->check_wait : s->insert_wait;
}

/* A connected section that waits for a moment, or NULL. */
static const struct bp_section *paused(const struct bp_pool *p) {
    const struct bp_forest *f = &p->forest;
    for (uint32_t id = bp_section_next(f, 0); id != BP_NIL;
         id = bp_section_next(f, id + 1)) {
        const struct bp_section *s = bp_section_at(f, id);
        if (s->connected && waits_until(s) > p->now) return s;
    }
    return NULL;
}

size_t bp_pool_why(const struct bp_pool *p, char *out, size_t cap) {
    struct text t = { out, cap, 0 };
    if (cap > 0) out[0] = 0;
    uint32_t lowest = bp_window_lowest(p);
    const struct bp_job *job = oldest_job(p);
    const struct bp_section *wait = paused(p);
    if (lowest != BP_NIL)
        say_slot(p, &t, bp_slot_at(p, lowest));
    else if (job != NULL)
        say_job(p, &t, job);
    else if (wait != NULL && waits_until(wait) == BP_TIME_NEVER)
        say(&t, "block %llu waits until a target covers it",
            (ull)bp_section_bottom(wait));
    else if (wait != NULL)
        say(&t, "block %llu is tried again in %llu ms",
            (ull)bp_section_bottom(wait), (ull)(waits_until(wait) - p->now));
    else if (p->best != BP_NIL)
        say_walk(p, &t);
    else
        say(&t, "nothing is missing: no peer claims more than number %llu",
            (ull)p->head.number);
    return t.n;
}
