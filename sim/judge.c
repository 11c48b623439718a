/* judge: the promises of the design, for worlds drawn from a seed.

   The heaviest valid chain that a steady honest peer has must be ours in
   bounded virtual time, nothing invalid may be inserted, no honest peer be
   accused of an offence, every item be released once, memory stay under its
   bound, no request stay outstanding for ever, and at the end, when the liars
   are gone, the pool must come to rest. Most of these fail where they are
   broken (host.c, jobs.c); here stands the rest. */
#include <string.h>

#include "sim.h"

/* Request deadlines that each hostile peer may cost, as the issue states it,
   and that each accident of an honest peer or of our own host may cost: a peer
   that never answers is put out after twice the longest deadline, and comes
   back after a while. No honest peer may cost more than a liar, whatever
   befalls it, or an engine that asks for ever would have for ever. */
#define DEADLINES_PER_LIAR     20
#define DEADLINES_PER_ACCIDENT 8
#define T_MIN_TIMES            4
/* T_min knows nothing of first requests and of what is learned by them. */
#define DEADLINES_ANYWAY 1
/* Rest is due so long after the last liar left. */
#define WIND_DOWN_MS 400000
/* A patient judge waits so long. */
#define PATIENCE_MS 3600000

static uint32_t or_usual(uint32_t v, uint32_t usual) {
    return v != 0 ? v : usual;
}

uint32_t judge_final_head(struct sim *s, const struct peer_spec *x) {
    uint32_t head = sim_label(s, x->head);
    if (x->grow_to == LABEL_NONE || x->grow_ms == 0) return head;
    return sim_label(s, x->grow_to);
}

static bp_time grown_at(struct sim *s, const struct peer_spec *x) {
    uint32_t head = sim_label(s, x->head), to = judge_final_head(s, x);
    if (head == to) return x->join_at;
    uint64_t n = 1;
    if (tree_has(&s->tree, to, head))
        n = tree_height(&s->tree, to) - tree_height(&s->tree, head);
    return x->join_at + n * x->grow_ms;
}

uint32_t judge_head_at(struct sim *s, const struct peer_spec *x, bp_time at) {
    uint32_t head = sim_label(s, x->head), to = judge_final_head(s, x);
    if (head == to || at >= grown_at(s, x)) return to;
    if (!tree_has(&s->tree, to, head)) return head;
    uint64_t n = at > x->join_at ? (at - x->join_at) / x->grow_ms : 0;
    return tree_at(&s->tree, to, tree_height(&s->tree, head) + n);
}

/* The heaviest head of those that claim a difficulty, then of those that claim
   a number only: the latter are due only above the number of the former, for
   nobody can know that an unknown head of a lower number is heavier. */
static bp_time goal_of(struct sim *s, bool with_td, bp_time start) {
    uint64_t number = s->tree.b[s->goal_block].number;
    for (uint32_t i = 0; i < s->w->peers; i++) {
        const struct peer_spec *x = &s->w->peer[i];
        if (x->hostile || !x->steady) continue;
        if ((x->td_kind != CLAIM_NONE) != with_td) continue;
        uint32_t head = judge_final_head(s, x);
        if (!with_td && s->tree.b[head].number <= number) continue;
        int c = bp_u256_cmp(&s->tree.b[head].td, &s->tree.b[s->goal_block].td);
        bp_time at = grown_at(s, x);
        if (c > 0 || (head == s->goal_block && at < start)) {
            s->goal_block = head;
            start = at;
        }
    }
    return start;
}

static uint64_t deadline_ms(const struct sim *s) {
    return or_usual(s->w->pool.request_first_ms, 5000);
}

/* Whether one waits for all who will join, and for all that they will have, or
   begins with what is there, the sooner is due. */
static void plan_due(struct sim *s, bp_time start, uint64_t blocks) {
    bp_time joined = start;
    for (uint32_t i = 0; i < s->w->peers; i++) {
        const struct peer_spec *x = &s->w->peer[i];
        if (!x->steady || x->join_at == BP_TIME_NEVER) continue;
        bp_time at = grown_at(s, x);
        if (at > joined) joined = at;
    }
    bp_time few = bound_time(s, blocks, start);
    bp_time all = bound_time(s, blocks, joined);
    bool wait = joined + T_MIN_TIMES * all < start + T_MIN_TIMES * few;
    s->r.start = wait ? joined : start;
    s->r.t_min = wait ? all : few;
    s->r.due = s->r.start + T_MIN_TIMES * s->r.t_min +
               DEADLINES_PER_LIAR * deadline_ms(s) * world_hostile(s->w) +
               DEADLINES_ANYWAY * deadline_ms(s);
}

void judge_plan(struct sim *s) {
    bp_time start = 0;
    s->goal_block = s->head_block;
    start = goal_of(s, true, start);
    start = goal_of(s, false, start);
    s->goal = s->tree.b[s->goal_block].td;
    uint64_t blocks = 0, bytes = 0;
    for (uint32_t b = s->goal_block; b != BLOCK_NONE && !s->tree.b[b].held;
         b = s->tree.b[b].parent) {
        const struct tblock *t = &s->tree.b[b];
        blocks++;
        bytes += t->link_size + (t->empty ? 0 : t->body_size);
        if (t->flaw == FLAW_LATER && t->not_before > start)
            start = t->not_before;
    }
    const struct host_spec *h = &s->w->host;
    if (h->fail_pm != 0 && h->fail_until > start) start = h->fail_until;
    if (h->put_off_pm != 0 && h->fail_until + h->put_off_ms > start)
        start = h->fail_until + h->put_off_ms;
    if (s->w->host.alloc_fail_pm != 0 && s->w->host.alloc_fail_until > start)
        start = s->w->host.alloc_fail_until;
    for (uint32_t i = 0; i < s->w->steps; i++)
        if (s->w->step[i].time > start) start = s->w->step[i].time;
    plan_due(s, start, blocks);
    s->r.least_bytes = bytes;
}

void judge_accident(struct sim *s, struct peer *p, uint32_t lasts_ms) {
    uint32_t n = DEADLINES_PER_ACCIDENT;
    if (lasts_ms != 0) n = 2 + lasts_ms / (uint32_t)deadline_ms(s);
    if (p != NULL) {
        if (p->spec->hostile) return;
        if (p->excused + n > DEADLINES_PER_LIAR)
            n = DEADLINES_PER_LIAR - p->excused;
        p->excused += n;
    }
    s->excused += n;
}

/* ---- blames ----------------------------------------------------------- */

static void add_mark(struct sim *s, const struct peer *p, int what,
                     bool offence) {
    struct timeline *t = &s->timeline;
    t->mark = arena_grow(s->arena, t->mark, &t->mark_cap, t->marks + 1,
                         sizeof *t->mark);
    t->mark[t->marks++] =
        (struct mark){ s->now, (uint32_t)(p - s->peer), what, offence };
}

void judge_blame(struct sim *s, const struct bp_act_blame *b) {
    struct peer *p = &s->peer[s->session[b->peer - 1].peer];
    bool offence = b->offence < BP_OFF_FIRST_FAULT && b->offence != 0;
    say(s, "BLAME peer %u: %s%s%s (%s, block %s)", p->name,
        bp_offence_text(b->offence), b->end ? ", ended" : "",
        b->until != 0 ? ", suspended" : "", bp_offence_name(b->offence),
        b->has_hash ? sim_block(s, tree_find(&s->tree, &b->hash)) : "-");
    if (s->opt.timeline) add_mark(s, p, b->offence, offence);
    if (p->offence_n < 16) p->offences[p->offence_n] = (uint32_t)b->offence;
    p->offence_n++;
    if (b->offence >= 0 && b->offence < 80) {
        if (p->spec->hostile)
            s->r.cover.blame[b->offence]++;
        else
            s->r.cover.honest_fault[b->offence]++;
    }
    if (b->offence == BP_OFF_SUSPENDED) {
        p->refused = true;
        if (!p->spec->hostile && s->w->drawn)
            sim_fail(s, "accused", "honest peer %u is suspended", p->name);
        return;
    }
    if (!offence) {
        p->faulted = true;
        return;
    }
    p->blamed = true;
    if (!p->spec->hostile && s->w->drawn)
        sim_fail(s, "accused", "honest peer %u is accused: it %s", p->name,
                 bp_offence_text(b->offence));
}

static void count_deeds(struct sim *s, bool synced) {
    for (uint32_t i = 0; i < s->peers; i++) {
        struct peer *p = &s->peer[i];
        for (uint32_t k = 0; k < p->spec->deeds; k++) {
            uint64_t *o = s->r.cover.deed[p->spec->deed[k]];
            o[OUTCOME_DRAWN]++;
            if ((p->did >> p->spec->deed[k] & 1) == 0) continue;
            o[OUTCOME_DID]++;
            o[OUTCOME_OFFENCE] += p->blamed;
            o[OUTCOME_FAULT] += p->faulted;
            o[OUTCOME_ENDED] += p->ended;
            o[OUTCOME_REFUSED] += p->refused;
            o[OUTCOME_UNNOTICED] += !p->blamed && !p->faulted;
            o[OUTCOME_OUTLIVED] += synced;
        }
    }
}

/* ---- progress --------------------------------------------------------- */

static void liars_leave(struct sim *s) {
    for (uint32_t i = 0; i < s->peers; i++) {
        struct peer *p = &s->peer[i];
        if (!p->spec->hostile) continue;
        p->may_return = false;
        peer_on_leave(s, p);
    }
}

/* Late requests may stay for their late replies, but not for ever. */
static uint32_t outstanding(const struct sim *s) {
    struct bp_peer_status peer[80];
    size_t n = s->ops->peers(s->engine, peer, 80);
    uint32_t sum = 0;
    for (size_t i = 0; i < n && i < 80; i++) sum += peer[i].requests;
    return sum;
}

static void wind_down(struct sim *s) {
    bool quiet = host_idle(s) && s->ops->quiescent(s->engine);
    uint32_t left = outstanding(s);
    if (quiet && left == 0) {
        s->phase = PHASE_OVER;
    } else if (s->now > s->wind_until) {
        if (quiet)
            sim_fail(s, "outstanding", "%u requests stay for ever", left);
        else
            sim_fail(s, "restless", "no rest %u s after the last liar left",
                     WIND_DOWN_MS / 1000);
    }
}

void judge_turn(struct sim *s) {
    if (s->down) return;
    if (!s->w->drawn) {
        bp_time limit = s->w->limit != 0 ? s->w->limit : 600000;
        bool over = s->now >= limit;
        if (s->w->limit == 0 && script_done(s) && s->scheduled == 0 &&
            host_idle(s) && s->ops->quiescent(s->engine))
            over = true;
        if (over) s->phase = PHASE_OVER;
        return;
    }
    if (s->phase == PHASE_WIND_DOWN) {
        wind_down(s);
        return;
    }
    bool reached = bp_u256_cmp(&s->head.td, &s->goal) >= 0;
    if (reached && s->scheduled == 0 && script_done(s)) {
        s->r.done_at = s->head_at;
        s->phase = PHASE_WIND_DOWN;
        s->wind_until = s->now + WIND_DOWN_MS;
        liars_leave(s);
        return;
    }
    bp_time due = s->r.due + deadline_ms(s) * s->excused;
    if (s->now <= due || reached) return;
    s->r.late = true;
    if (!s->opt.patient || s->now > PATIENCE_MS)
        sim_fail(s, "late",
                 "head %s at %llu ms, not %s: due at %llu (T_min %llu)",
                 sim_block(s, s->head_block), (unsigned long long)s->now,
                 sim_block(s, s->goal_block), (unsigned long long)due,
                 (unsigned long long)s->r.t_min);
}

void judge_end(struct sim *s) {
    if (!s->r.failed && s->engine != NULL) s->ops->check(s->engine);
    if (!s->r.failed) script_expect_all(s);
    if (!s->r.failed && s->w->drawn && s->phase != PHASE_OVER)
        sim_fail(s, "asleep",
                 "nothing will ever happen again; head %s, due was %s",
                 sim_block(s, s->head_block), sim_block(s, s->goal_block));
    if (s->engine != NULL) {
        s->ops->status(s->engine, &s->r.status);
        s->ops->why(s->engine, s->r.why, sizeof s->r.why);
    }
    count_deeds(s, !s->r.failed);
    uint64_t *h = s->r.cover.happened;
    h[HAPPENED_WORLDS]++;
    if (world_hostile(s->w) != 0) h[HAPPENED_HOSTILE_WORLDS]++;
    h[HAPPENED_STEPS] += s->r.steps;
    h[HAPPENED_BLOCKS] += s->tree.n;
    h[HAPPENED_PEERS] += s->peers;
    h[HAPPENED_ALLOC_FAILED] += s->heap.failed;
}
