/* script: what a scenario file says happens, and what it expects. */
#include <string.h>

#include "sim.h"

void script_start(struct sim *s) {
    s->cursor = 0;
    s->cursor_since = 0;
}

bool script_done(const struct sim *s) {
    return s->cursor >= s->w->steps;
}

static struct peer *find_peer(struct sim *s, uint32_t name) {
    for (uint32_t i = 0; i < s->peers; i++)
        if (s->peer[i].name == name) return &s->peer[i];
    return NULL;
}

/* ---- scripted peers --------------------------------------------------- */

static uint32_t *blocks_of(struct sim *s, const uint32_t *labels, uint32_t n,
                           uint32_t first, uint32_t *out_n) {
    uint32_t *b = arena_take(s->arena, (n + 1) * sizeof *b);
    uint32_t k = 0;
    if (first != LABEL_NONE) b[k++] = sim_label(s, first);
    for (uint32_t i = 0; i < n; i++) b[k++] = sim_label(s, labels[i]);
    *out_n = k;
    return b;
}

static uint32_t find_in(const struct book *b, uint32_t block) {
    for (uint32_t i = 0; i < b->n; i++)
        if (b->block[i] == block) return i;
    return BLOCK_NONE;
}

static uint32_t find_number(const struct sim *s, const struct book *b,
                            uint64_t number) {
    for (uint32_t i = 0; i < b->n; i++)
        if (b->block[i] < s->tree.n && s->tree.b[b->block[i]].number == number)
            return i;
    return BLOCK_NONE;
}

/* The longest answer that one list of the book gives. */
static struct msg *from_lists(struct sim *s, struct peer *p,
                              struct request *r) {
    struct msg *best = NULL;
    for (const struct book *b = p->book; b != NULL; b = b->next) {
        if (b->blocks) continue;
        uint32_t at =
            r->by_number ? find_number(s, b, r->number) : find_in(b, r->origin);
        if (at == BLOCK_NONE) continue;
        struct msg *m = net_msg(s, p, r->kind, r, r->count);
        int64_t pitch =
            r->reverse ? (int64_t)r->skip + 1 : -((int64_t)r->skip + 1);
        int64_t i = at;
        if (r->kind == MSG_HASHES) i++;
        for (; i >= 0 && i < b->n && m->n < r->count; i += pitch)
            m->item[m->n++].block = b->block[i];
        if (m->n != 0 && (best == NULL || m->n > best->n)) best = m;
    }
    return best;
}

static struct msg *from_blocks(struct sim *s, struct peer *p,
                               struct request *r) {
    struct msg *m = net_msg(s, p, MSG_BLOCKS, r, r->count);
    for (uint32_t i = 0; i < r->count; i++)
        for (const struct book *b = p->book; b != NULL; b = b->next)
            if (b->blocks && find_in(b, r->want[i]) != BLOCK_NONE) {
                m->item[m->n++].block = r->want[i];
                break;
            }
    return m->n != 0 ? m : NULL;
}

static bool answer_from_book(struct sim *s, struct peer *p, struct request *r) {
    struct msg *m =
        r->kind == MSG_BLOCKS ? from_blocks(s, p, r) : from_lists(s, p, r);
    if (m == NULL) return false;
    net_send(s, p, m);
    return true;
}

/* What is not on its chain a scripted peer does not have, and says so. */
static bool lacks(const struct sim *s, const struct peer *p,
                  const struct request *r) {
    if (r->by_number) return false;
    if (r->kind != MSG_BLOCKS)
        return r->origin == BLOCK_NONE ||
               !tree_has(&s->tree, p->head, r->origin);
    for (uint32_t i = 0; i < r->count; i++)
        if (tree_has(&s->tree, p->head, r->want[i])) return false;
    return true;
}

void script_on_request(struct sim *s, struct peer *p, struct request *r) {
    if (answer_from_book(s, p, r)) return;
    if (lacks(s, p, r)) {
        net_send(s, p, net_msg(s, p, r->kind, r, 0));
        return;
    }
    struct request **at = &p->kept;
    while (*at != NULL) at = &(*at)->next_kept;
    *at = r;
}

static void answer_kept(struct sim *s, struct peer *p) {
    for (struct request **at = &p->kept; *at != NULL;) {
        if (answer_from_book(s, p, *at))
            *at = (*at)->next_kept;
        else
            at = &(*at)->next_kept;
    }
}

/* ---- steps ------------------------------------------------------------ */

static void step_peer(struct sim *s, struct peer *p,
                      const struct step_spec *st) {
    p->head = sim_label(s, st->origin);
    p->script_td_kind = st->td_kind;
    p->script_td = st->td;
    if (p->session == 0) {
        host_join(s, p);
        return;
    }
    struct bp_event ev = { .type = BP_EV_PEER_CLAIM };
    ev.u.claim.peer = p->session;
    ev.u.claim.claim = host_claim(s, p);
    host_step(s, &ev);
}

static void step_book(struct sim *s, struct peer *p, const struct step_spec *st,
                      bool blocks) {
    struct book *b = arena_take(s->arena, sizeof *b);
    b->blocks = blocks;
    b->block =
        blocks_of(s, st->list, st->n, blocks ? LABEL_NONE : st->origin, &b->n);
    b->next = p->book;
    p->book = b;
    answer_kept(s, p);
}

static enum msg_kind kind_of(char letter) {
    return letter == 'L' ? MSG_LINKS : letter == 'H' ? MSG_HASHES : MSG_BLOCKS;
}

static void step_send(struct sim *s, struct peer *p, const struct step_spec *st,
                      bool answer) {
    struct request *r = NULL;
    if (answer)
        for (struct request **at = &p->kept; *at != NULL;
             at = &(*at)->next_kept)
            if ((*at)->kind == kind_of(st->letter)) {
                r = *at;
                *at = r->next_kept;
                break;
            }
    if (answer && r == NULL) {
        sim_fail(s, "script", "line %u: peer %u was not asked for this",
                 st->line, p->name);
        return;
    }
    struct msg *m = net_msg(s, p, kind_of(st->letter), r, st->n + 1);
    for (uint32_t i = 0; i < st->n; i++)
        m->item[m->n++] =
            (struct msg_item){ sim_label(s, st->list[i]), st->item_flags };
    net_send(s, p, m);
}

static void step_tell(struct sim *s, struct peer *p,
                      const struct step_spec *st) {
    for (uint32_t i = 0; i < st->n; i++) {
        struct msg *m = net_msg(
            s, p, st->kind == STEP_PUSH ? MSG_PUSH : MSG_ANNOUNCE, NULL, 1);
        m->n = 1;
        m->item[0] =
            (struct msg_item){ sim_label(s, st->list[i]), st->item_flags };
        m->has_td = st->td_kind != CLAIM_NONE;
        m->td = st->td_kind == CLAIM_VALUE ? bp_u256_from_u64(st->td)
                                           : s->tree.b[m->item[0].block].td;
        m->has_number = true;
        m->number =
            st->has_number ? st->number : s->tree.b[m->item[0].block].number;
        net_send(s, p, m);
    }
}

static void forget_all(struct sim *s, enum bp_event_type type) {
    struct bp_event ev = { .type = type };
    s->resets++;
    judge_accident(s, NULL, 0);
    s->checks_running = 0;
    s->inserting = false;
    sim_count(s, type == BP_EV_RESET ? HAPPENED_RESET : HAPPENED_PURGED, 1);
    say(s, "host: %s", type == BP_EV_RESET ? "reset" : "purge");
    for (uint32_t i = 0; i < s->sessions; i++)
        memset(s->session[i].last, 0, sizeof s->session[i].last);
    if (type == BP_EV_RESET)
        for (uint32_t i = 0; i < s->peers; i++) {
            struct peer *p = &s->peer[i];
            if (p->session == 0) continue;
            s->session[p->session - 1].live = false;
            p->session = 0;
            p->kept = NULL;
            peer_session_ended(s, p, true);
        }
    host_step(s, &ev);
}

static void step_target(struct sim *s, const struct step_spec *st) {
    struct bp_event ev = { .type = BP_EV_TARGET };
    ev.u.target.set = st->origin != LABEL_NONE;
    if (ev.u.target.set) {
        uint32_t b = sim_label(s, st->origin);
        ev.u.target.hash = tree_hash(&s->tree, b);
        ev.u.target.has_number = st->has_number;
        ev.u.target.number = s->tree.b[b].number;
        ev.u.target.known = tree_held(&s->tree, b);
    }
    sim_count(s, HAPPENED_TARGET, 1);
    host_step(s, &ev);
}

static void expect_one(struct sim *s, const struct expect_spec *e);

static void do_step(struct sim *s, const struct step_spec *st) {
    struct peer *p = find_peer(s, st->peer);
    switch (st->kind) {
    case STEP_PEER: step_peer(s, p, st); break;
    case STEP_HASHES: step_book(s, p, st, false); break;
    case STEP_BLOCKS: step_book(s, p, st, true); break;
    case STEP_SEND: step_send(s, p, st, false); break;
    case STEP_ANSWER: step_send(s, p, st, true); break;
    case STEP_PUSH:
    case STEP_ANNOUNCE: step_tell(s, p, st); break;
    case STEP_RANGE: {
        struct msg *m = net_msg(s, p, MSG_RANGE, NULL, 0);
        m->number = st->number;
        m->number2 = st->td;
        net_send(s, p, m);
        break;
    }
    case STEP_LEAVE: peer_on_leave(s, p); break;
    case STEP_OFFENCE: {
        struct bp_event ev = { .type = BP_EV_PEER_OFFENCE };
        ev.u.offence.peer = p->session;
        ev.u.offence.offence = st->offence;
        host_step(s, &ev);
        break;
    }
    case STEP_CRASH: host_crash(s); break;
    case STEP_RESET: forget_all(s, BP_EV_RESET); break;
    case STEP_PURGE: forget_all(s, BP_EV_PURGE); break;
    case STEP_IMPORT:
        for (uint32_t i = 0; i < st->n; i++)
            import_block(s, sim_label(s, st->list[i]));
        break;
    case STEP_TARGET: step_target(s, st); break;
    case STEP_EXPECT: expect_one(s, &s->w->expect[st->expect]); break;
    }
}

/* ---- what was asked --------------------------------------------------- */

static bool wants(const struct request *r, uint32_t block) {
    for (uint32_t i = 0; i < r->count; i++)
        if (r->want[i] == block) return true;
    return false;
}

static uint32_t times_asked(struct sim *s, uint32_t peer, char letter,
                            uint32_t block) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->requests; i++) {
        const struct request *r = s->request[i];
        const struct peer *p = &s->peer[s->session[r->session - 1].peer];
        if (peer != PEER_ANY && p->name != peer) continue;
        if (letter != 'A' && r->kind != kind_of(letter)) continue;
        if (block == BLOCK_NONE ||
            (r->kind == MSG_BLOCKS ? wants(r, block) : r->origin == block))
            n++;
    }
    return n;
}

static uint32_t best_now(struct sim *s) {
    struct bp_pool_status st;
    if (s->down) return PEER_NONE;
    s->ops->status(s->engine, &st);
    if (st.best == 0 || st.best > s->sessions) return PEER_NONE;
    return s->peer[s->session[st.best - 1].peer].name;
}

static bool holds_now(struct sim *s, const struct step_spec *st) {
    switch (st->cond) {
    case COND_HEAD: return s->head_block == sim_label(s, st->cond_what);
    case COND_STORED: return s->tree.b[sim_label(s, st->cond_what)].held;
    case COND_ASKED:
        return times_asked(s, st->cond_peer, st->cond_letter,
                           st->cond_what != LABEL_NONE
                               ? sim_label(s, st->cond_what)
                               : BLOCK_NONE) != 0;
    case COND_BEST: return best_now(s) == st->cond_peer;
    case COND_QUIET: return host_idle(s) && s->ops->quiescent(s->engine);
    }
    return true;
}

void script_turn(struct sim *s) {
    while (!s->r.failed && s->cursor < s->w->steps) {
        const struct step_spec *st = &s->w->step[s->cursor];
        bp_time due =
            st->when == WHEN_AT ? st->time : s->cursor_since + st->time;
        bool wait = s->now < due;
        if (st->when == WHEN_COND) {
            wait = !holds_now(s, st);
            if (wait && st->time != 0 && s->now >= due) {
                sim_fail(s, "script",
                         "line %u: the condition did not come true in time",
                         st->line);
                return;
            }
            if (st->time == 0) due = BP_TIME_NEVER;
        }
        if (wait) {
            if (!s->cursor_waits && due != BP_TIME_NEVER)
                queue_put(&s->queue, due, ON_STEP, s->cursor, NULL);
            s->cursor_waits = true;
            return;
        }
        s->cursor++;
        s->cursor_since = s->now;
        s->cursor_waits = false;
        if (s->down && st->kind != STEP_EXPECT) continue;
        do_step(s, st);
    }
}

/* ---- expectations ----------------------------------------------------- */

static bool compare(enum compare c, uint64_t a, uint64_t b) {
    switch (c) {
    case CMP_EQ: return a == b;
    case CMP_NE: return a != b;
    case CMP_LE: return a <= b;
    case CMP_GE: return a >= b;
    case CMP_LT: return a < b;
    case CMP_GT: return a > b;
    }
    return false;
}

#define unmet(s, e, ...)                                                       \
    do {                                                                       \
        char text_[256];                                                       \
        snprintf(text_, sizeof text_, __VA_ARGS__);                            \
        sim_fail(s, "expect", "line %u: %s", (e)->line, text_);                \
    } while (0)

static void expect_chain(struct sim *s, const struct expect_spec *e) {
    uint32_t n = e->n;
    if (s->head.number + 1 != n) {
        unmet(s, e, "the chain ends at %s (number %llu), not at %u",
              sim_block(s, s->head_block), (unsigned long long)s->head.number,
              e->list[n - 1]);
        return;
    }
    uint32_t at = s->head_block;
    for (uint32_t i = n; i > 0 && at != BLOCK_NONE; i--) {
        if (at != sim_label(s, e->list[i - 1])) {
            unmet(s, e, "the chain has %s where %u is due", sim_block(s, at),
                  e->list[i - 1]);
            return;
        }
        at = s->tree.b[at].parent;
    }
    if (e->by != BP_TIME_NEVER && s->head_at > e->by)
        unmet(s, e, "the chain was complete at %llu ms",
              (unsigned long long)s->head_at);
}

static uint32_t times_blamed(const struct sim *s, uint32_t peer, int offence,
                             bool offences_only) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->peers; i++) {
        const struct peer *p = &s->peer[i];
        if (peer != PEER_ANY && p->name != peer) continue;
        for (uint32_t k = 0; k < p->offence_n && k < 16; k++)
            if (offences_only ? p->offences[k] < BP_OFF_FIRST_FAULT
                              : p->offences[k] == (uint32_t)offence)
                n++;
    }
    return n;
}

static bool counter_value(struct sim *s, const char *name, uint64_t *out) {
    struct bp_pool_status st = { 0 };
    if (s->engine != NULL) s->ops->status(s->engine, &st);
#define COUNTER(member, value)                                                 \
    if (strcmp(name, member) == 0) {                                           \
        *out = value;                                                          \
        return true;                                                           \
    }
#define STATUS(member) COUNTER(#member, st.member)
    STATUS(syncing)
    STATUS(target)
    STATUS(links_seen)
    STATUS(links_held)
    STATUS(blocks_seen)
    STATUS(blocks_held)
    STATUS(blocks_inserted)
    STATUS(window_used)
    STATUS(sections)
    STATUS(branches)
    STATUS(forks)
    STATUS(spine_entries)
    STATUS(longest_chain)
    STATUS(claims)
    STATUS(peers_seen)
    STATUS(peers)
    STATUS(peers_active)
    STATUS(peers_best)
    STATUS(peers_bad)
    STATUS(requests)
    STATUS(requests_late)
    STATUS(jobs)
    STATUS(duplicates)
    STATUS(refused)
    COUNTER("memory",
            s->engine != NULL ? s->ops->memory(s->engine) : (uint64_t)0)
    COUNTER("bound", s->r.bound)
    COUNTER("bytes", s->r.bytes)
    COUNTER("steps", s->r.steps)
    COUNTER("items", s->live_items)
    COUNTER("stored_blocks", s->stored)
    COUNTER("delivered_twice", s->r.duplicates)
    COUNTER("requests_links", times_asked(s, PEER_ANY, 'L', BLOCK_NONE))
    COUNTER("requests_hashes", times_asked(s, PEER_ANY, 'H', BLOCK_NONE))
    COUNTER("requests_blocks", times_asked(s, PEER_ANY, 'B', BLOCK_NONE))
    COUNTER("time", s->now)
#undef STATUS
#undef COUNTER
    return false;
}

static void expect_first(struct sim *s, const struct expect_spec *e) {
    for (uint32_t i = 0; i < s->requests; i++) {
        const struct request *r = s->request[i];
        const struct peer *p = &s->peer[s->session[r->session - 1].peer];
        if (e->peer != PEER_ANY && p->name != e->peer) continue;
        if (e->letter != 'A' && r->kind != kind_of(e->letter)) continue;
        bool same = r->kind == MSG_BLOCKS
                        ? r->count == e->n
                        : r->origin == sim_label(s, e->list[0]);
        for (uint32_t k = 0; same && r->kind == MSG_BLOCKS && k < e->n; k++)
            same = r->want[k] == sim_label(s, e->list[k]);
        if (!same) unmet(s, e, "the first request was another one");
        return;
    }
    unmet(s, e, "there was no such request");
}

static void expect_asked(struct sim *s, const struct expect_spec *e) {
    for (uint32_t i = 0; i < (e->n != 0 ? e->n : 1); i++) {
        uint32_t block = e->n != 0 ? sim_label(s, e->list[i]) : BLOCK_NONE;
        uint32_t n = times_asked(s, e->peer, e->letter, block);
        if (!compare(e->cmp, n, e->value)) {
            unmet(s, e, "%s was asked for %u times", sim_block(s, block), n);
            return;
        }
    }
}

static void expect_stored(struct sim *s, const struct expect_spec *e) {
    for (uint32_t i = 0; i < e->n; i++)
        if (s->tree.b[sim_label(s, e->list[i])].held !=
            (e->kind == EXPECT_STORED)) {
            unmet(s, e, "block %u is %sstored", e->list[i],
                  e->kind == EXPECT_STORED ? "not " : "");
            return;
        }
}

static void expect_session(struct sim *s, const struct expect_spec *e) {
    struct peer *p = find_peer(s, e->peer);
    if (e->kind == EXPECT_BEST) {
        uint32_t best = best_now(s);
        if (best != e->peer && best == PEER_NONE)
            unmet(s, e, "there is no best peer");
        else if (best != e->peer)
            unmet(s, e, "peer %u is best", best);
    } else if (p == NULL || (p->session != 0) != (e->kind == EXPECT_LIVE)) {
        unmet(s, e, "peer %u is %s", e->peer,
              e->kind == EXPECT_LIVE ? "not connected" : "still connected");
    }
}

static void expect_one(struct sim *s, const struct expect_spec *e) {
    uint64_t v;
    char why[256] = "";
    switch (e->kind) {
    case EXPECT_CHAIN: expect_chain(s, e); break;
    case EXPECT_HEAD:
        if (s->head_block != sim_label(s, e->list[0]))
            unmet(s, e, "the head is %s", sim_block(s, s->head_block));
        break;
    case EXPECT_STORED:
    case EXPECT_NOT_STORED: expect_stored(s, e); break;
    case EXPECT_BLAME:
        v = times_blamed(s, e->peer, e->offence, false);
        if (!compare(e->cmp, v, e->value))
            unmet(s, e, "%s was blamed %llu times", bp_offence_name(e->offence),
                  (unsigned long long)v);
        break;
    case EXPECT_NO_BLAME:
        v = times_blamed(s, e->peer, 0, true);
        if (v != 0) unmet(s, e, "%llu offences", (unsigned long long)v);
        break;
    case EXPECT_ASKED: expect_asked(s, e); break;
    case EXPECT_FIRST: expect_first(s, e); break;
    case EXPECT_COUNTER:
        if (!counter_value(s, e->counter, &v))
            unmet(s, e, "there is no counter %s", e->counter);
        else if (!compare(e->cmp, v, e->value))
            unmet(s, e, "%s is %llu", e->counter, (unsigned long long)v);
        break;
    case EXPECT_BEST:
    case EXPECT_ENDED:
    case EXPECT_LIVE: expect_session(s, e); break;
    case EXPECT_QUIET:
        if (s->down || !s->ops->quiescent(s->engine))
            unmet(s, e, "the pool is not quiescent");
        break;
    case EXPECT_WHY:
        if (s->engine != NULL) s->ops->why(s->engine, why, sizeof why);
        if (strstr(why, e->text) == NULL) unmet(s, e, "it says: %.200s", why);
        break;
    }
}

void script_expect_all(struct sim *s) {
    for (uint32_t i = 0; i < s->w->expects && !s->r.failed; i++)
        if (s->w->expect[i].at_end) expect_one(s, &s->w->expect[i]);
}
