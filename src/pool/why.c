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

/* ---- links -------------------------------------------------------------- */

/* The request that begins at this hash, first asked; rather one that is not
   late. NULL: none. */
static const struct bp_request *request_from(const struct bp_pool *p,
                                             const bp_hash *origin) {
    const struct bp_request *found = NULL;
    for (uint32_t i = 0; i < p->requests.used; i++) {
        const struct bp_request *r = bp_table_get(&p->requests, i);
        if (r == NULL || bp_ask_rate(r->ask) == BP_RATE_BLOCKS ||
            !bp_hash_eq(&r->origin, origin))
            continue;
        bool late = r->state == BP_REQ_LATE;
        if (found == NULL ||
            (late == (found->state == BP_REQ_LATE) ? r->sent < found->sent
                                                   : !late))
            found = r;
    }
    return found;
}

static void say_next(const struct bp_pool *p, struct text *t,
                     const struct bp_peer *peer) {
    bp_time retry = bp_peer_bare(peer) ? bp_trails_retry(peer) : peer->retry;
    if (retry > p->now)
        say(t, "peer %llu is asked again in %llu ms", (ull)peer->id,
            (ull)(retry - p->now));
    else
        say(t, "waiting until peer %llu may be asked", (ull)peer->id);
}

/* What the head of somebody lacks: itself, or what is below it. */
static void say_head(const struct bp_pool *p, struct text *t,
                     const bp_hash *head, const char *whose,
                     const struct bp_peer *peer) {
    bp_ref ref = bp_link_find(&p->forest, head);
    const bp_hash *origin = head;
    uint32_t slot = bp_slot_find_bare(p, head);
    if (ref == BP_NIL) {
        say(t, "the %s %s", whose, bp_short(head).text);
        if (peer != NULL) say(t, " of peer %llu", (ull)peer->id);
        say(t, " is missing, ");
    } else {
        uint32_t root =
            bp_section_root(&p->forest, bp_link_section(&p->forest, ref));
        const struct bp_section *s = bp_section_at(&p->forest, root);
        origin = &s->below;
        slot = bp_slot_find_bare(p, origin);
        say(t, "links below number %llu are missing, ",
            (ull)bp_section_bottom(s));
    }
    const struct bp_request *r = request_from(p, origin);
    if (r == NULL && slot != BP_NIL)
        r = bp_request_find(p, bp_slot_at(p, slot)->req[0]);
    if (r != NULL)
        say_request(p, t, r);
    else if (peer != NULL)
        say_next(p, t, peer);
    else
        say(t, "no peer that may have it is free");
}

/* A bare peer's list goes on somewhere below what is proved. */
static const struct bp_trail *open_trail(const struct bp_peer *peer) {
    for (int k = 0; k < BP_TRAILS; k++) {
        const struct bp_trail *tr = &peer->trail[k];
        if (tr->state == BP_TRAIL_OPEN &&
            bp_hash_eq(&tr->head, &peer->info.claim.head))
            return tr;
    }
    return NULL;
}

static void say_walk(const struct bp_pool *p, struct text *t) {
    const struct bp_peer *best = &p->peer[p->best];
    const struct bp_trail *tr = open_trail(best);
    const struct bp_request *r = tr != NULL ? request_from(p, &tr->end) : NULL;
    if (r == NULL) {
        say_head(p, t, &best->info.claim.head, "head", best);
        return;
    }
    say(t, "hashes below number %llu are missing, ", (ull)tr->end_number);
    say_request(p, t, r);
}

/* The lowest stretch of a joined branch, whose links were condensed. */
static void say_fill(const struct bp_pool *p, struct text *t,
                     const struct bp_section *s) {
    const struct bp_request *r =
        request_from(p, &bp_spine_at(&p->forest, s->oldest)->top);
    say(t, "links from number %llu are fetched again, ",
        (ull)bp_section_bottom(s));
    if (r != NULL)
        say_request(p, t, r);
    else
        say(t, "no peer that may have them is free");
}

/* Somebody's head that is looked at beside all that; NULL: nobody's. */
static const struct bp_request *aside(const struct bp_pool *p) {
    for (uint32_t i = 0; i < p->requests.used; i++) {
        const struct bp_request *r = bp_table_get(&p->requests, i);
        if (r != NULL && bp_ask_rate(r->ask) != BP_RATE_BLOCKS) return r;
    }
    return NULL;
}

static void say_rest(const struct bp_pool *p, struct text *t) {
    const struct bp_request *r = aside(p);
    if (r != NULL) {
        say(t, "a head is looked at that nobody says is ahead, ");
        say_request(p, t, r);
    } else if (p->stat.peers == 0) {
        say(t, "no peer is here");
    } else {
        say(t, "nothing is missing: no peer claims more than number %llu",
            (ull)p->head.number);
    }
    if (p->forest.links > 0)
        say(t, "; %llu links wait for a peer that claims them",
            (ull)p->forest.links);
}

/* ---- jobs ---------------------------------------------------------------- */

/* Of those that probe, or of the others, the one begun first; or NULL. */
static const struct bp_job *oldest_job(const struct bp_pool *p, bool probe) {
    const struct bp_job *oldest = NULL;
    for (uint32_t i = 0; i < p->n_jobs; i++) {
        const struct bp_job *job = &p->job[i];
        if (job->id != 0 && (job->kind == BP_JOB_PROBE) == probe &&
            (oldest == NULL || job->since < oldest->since))
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

static void say_paused(const struct bp_pool *p, struct text *t,
                       const struct bp_section *s) {
    ull number = bp_section_bottom(s);
    if (waits_until(s) == BP_TIME_NEVER)
        say(t, "block %llu waits until a target covers it", number);
    else
        say(t, "block %llu is tried again in %llu ms", number,
            (ull)(waits_until(s) - p->now));
}

/* The bottom of the heaviest joined branch, when it was condensed. */
static const struct bp_section *to_fill(const struct bp_pool *p) {
    const struct bp_forest *f = &p->forest;
    if (f->n_order == 0) return NULL;
    const struct bp_section *s = bp_section_at(f, f->order[0]);
    return bp_stretch_at(f, s->oldest)->chunk == BP_NIL ? s : NULL;
}

size_t bp_pool_why(const struct bp_pool *p, char *out, size_t cap) {
    struct text t = { out, cap, 0 };
    if (cap > 0) out[0] = 0;
    uint32_t lowest = bp_window_lowest(p);
    const struct bp_job *job = oldest_job(p, false);
    const struct bp_job *probe = oldest_job(p, true);
    const struct bp_section *wait = paused(p), *fill = to_fill(p);
    if (fill != NULL)
        say_fill(p, &t, fill);
    else if (lowest != BP_NIL)
        say_slot(p, &t, bp_slot_at(p, lowest));
    else if (job != NULL)
        say_job(p, &t, job);
    else if (wait != NULL)
        say_paused(p, &t, wait);
    else if (p->forest.n_order > 0)
        say(&t, "block %llu waits for room",
            (ull)bp_section_bottom(
                bp_section_at(&p->forest, p->forest.order[0])));
    else if (bp_target_wanted(p))
        say_head(p, &t, &p->target.hash, "target", NULL);
    else if (p->best != BP_NIL)
        say_walk(p, &t);
    else if (probe != NULL)
        say_job(p, &t, probe);
    else
        say_rest(p, &t);
    return t.n;
}
