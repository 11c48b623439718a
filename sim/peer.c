/* peer: what an honest peer does.

   It joins, claims what it has, answers every request from its own chain as the
   protocol says, tells when its chain grows, and may stall, leave and come
   back. A liar starts from the same answers; liar.c changes them. */
#include "sim.h"

/* What a peer gives when it states no limit of its own. */
#define LINKS_GIVEN  1024
#define HASHES_GIVEN 256
#define BLOCKS_GIVEN 128
/* Comes back no more often than this. */
#define RETURNS_MAX 40

void peer_start(struct sim *s) {
    const struct world *w = s->w;
    s->peers = w->peers;
    s->peer = arena_take(s->arena, (w->peers + 1) * sizeof *s->peer);
    for (uint32_t i = 0; i < w->peers; i++) {
        const struct peer_spec *x = &w->peer[i];
        struct peer *p = &s->peer[i];
        p->spec = x;
        p->name = x->name;
        p->identity = x->identity != 0 ? x->identity : x->name;
        p->may_return = true;
        bp_rng_seed(&p->rng, stream_seed(w->seed, 1, x->name));
        p->head = x->head != LABEL_NONE ? sim_label(s, x->head) : 0;
        if (x->hostile) liar_begin(s, p);
        if (x->join_at != BP_TIME_NEVER)
            queue_put(&s->queue, x->join_at, ON_JOIN, i, NULL);
        if (x->stall_at != BP_TIME_NEVER)
            queue_put(&s->queue, x->stall_at, ON_STALL, i, NULL);
        if (x->leave_at != BP_TIME_NEVER)
            queue_put(&s->queue, x->leave_at, ON_LEAVE, i, NULL);
        if (x->relay != LABEL_NONE)
            queue_put(&s->queue, x->relay_at, ON_RELAY, i, NULL);
        if (x->grow_to != LABEL_NONE && x->grow_ms != 0) {
            queue_put(&s->queue, x->join_at + x->grow_ms, ON_GROW, i, NULL);
            s->scheduled++;
        }
    }
}

void peer_on_join(struct sim *s, struct peer *p) {
    if (p->session != 0 || !p->may_return) return;
    if (s->down) { /* nobody answers the door: try again */
        queue_put(&s->queue, s->now + 500, ON_JOIN, (uint32_t)(p - s->peer),
                  NULL);
        return;
    }
    host_join(s, p);
    bool first = !p->joined_once;
    p->joined_once = true;
    if (p->spec->hostile && first && !p->spec->scripted)
        queue_put(&s->queue, s->now + p->spec->tick_ms, ON_TICK,
                  (uint32_t)(p - s->peer), NULL);
}

void peer_on_leave(struct sim *s, struct peer *p) {
    if (p->session != 0) host_end_session(s, p->session, false);
}

void peer_session_ended(struct sim *s, struct peer *p, bool by_us) {
    const struct peer_spec *x = p->spec;
    if (x->scripted || !p->may_return || p->returns >= RETURNS_MAX) return;
    uint32_t back = x->back_ms;
    if (back == 0 && (by_us || s->down) && !x->hostile) back = 3000;
    if (back == 0 && s->now < x->leave_at && !by_us) back = 2000;
    if (peer_does(x, DEED_RENAME, NULL)) {
        p->identity = 1000 + p->name * 64 + p->returns;
        back = back != 0 ? back : 700;
        acted(s, p, DEED_RENAME);
    }
    if (back == 0) return;
    p->returns++;
    back += (uint32_t)bp_rng_below(&p->rng, back / 2 + 1u);
    queue_put(&s->queue, s->now + back, ON_JOIN, (uint32_t)(p - s->peer), NULL);
}

/* ---- growing ---------------------------------------------------------- */

void peer_new_head(struct sim *s, struct peer *p) {
    if (p->session == 0) return;
    const struct peer_spec *x = p->spec;
    struct msg *m;
    struct bp_claim c = host_claim(s, p);
    if (x->grow_by_announce) {
        m = net_msg(s, p, MSG_ANNOUNCE, NULL, 1);
        m->n = 1;
        m->item[0].block = p->head;
        m->has_number = true;
        m->number = s->tree.b[p->head].number;
        net_send(s, p, m);
    }
    if (x->grow_by_push) {
        m = net_msg(s, p, MSG_PUSH, NULL, 1);
        m->n = 1;
        m->item[0].block = p->head;
        m->has_td = c.has_td;
        m->td = c.td;
        net_send(s, p, m);
    }
    if (x->has_range) {
        m = net_msg(s, p, MSG_RANGE, NULL, 0);
        m->number = x->earliest;
        m->number2 = s->tree.b[p->head].number;
        net_send(s, p, m);
    }
    m = net_msg(s, p, MSG_CLAIM, NULL, 1);
    m->n = 1;
    m->item[0].block = p->head;
    m->has_td = c.has_td;
    m->td = c.td;
    m->has_number = c.has_number;
    m->number = c.number;
    net_send(s, p, m);
}

void peer_on_grow(struct sim *s, struct peer *p) {
    uint32_t to = sim_label(s, p->spec->grow_to);
    s->scheduled--;
    if (p->head == to) return;
    if (tree_has(&s->tree, to, p->head))
        p->head = tree_at(&s->tree, to, tree_height(&s->tree, p->head) + 1);
    else
        p->head = to; /* its chain was reorganised */
    say(s, "peer %u grows to %s", p->name, sim_block(s, p->head));
    peer_new_head(s, p);
    if (p->head == to) return;
    queue_put(&s->queue, s->now + p->spec->grow_ms, ON_GROW,
              (uint32_t)(p - s->peer), NULL);
    s->scheduled++;
}

/* ---- answers ---------------------------------------------------------- */

static uint32_t least(uint32_t a, uint32_t limit, uint32_t usual) {
    if (limit == 0) limit = usual;
    return a < limit ? a : limit;
}

static bool serves(const struct sim *s, const struct peer *p, uint32_t block) {
    if (block >= s->tree.n || !tree_has(&s->tree, p->head, block)) return false;
    return s->tree.b[block].flaw != FLAW_ABSENT &&
           s->tree.b[block].number >= p->spec->earliest;
}

static void answer_links(struct sim *s, struct peer *p, struct request *r,
                         struct msg *m) {
    uint32_t max = least(r->count, p->spec->links_max, LINKS_GIVEN);
    m->item = arena_take(s->arena, (max + 1) * sizeof *m->item);
    uint32_t at =
        r->by_number ? tree_at(&s->tree, p->head, r->number) : r->origin;
    uint64_t pitch = (uint64_t)r->skip + 1;
    while (m->n < max && at < s->tree.n && serves(s, p, at)) {
        m->item[m->n++].block = at;
        uint64_t height = tree_height(&s->tree, at);
        if (r->reverse && height < pitch) break;
        height = r->reverse ? height - pitch : height + pitch;
        at = tree_at(&s->tree, p->head, height);
    }
}

static void answer_hashes(struct sim *s, struct peer *p, struct request *r,
                          struct msg *m) {
    uint32_t max = least(r->count, p->spec->hashes_max, HASHES_GIVEN);
    m->item = arena_take(s->arena, (max + 1) * sizeof *m->item);
    if (r->origin >= s->tree.n || !serves(s, p, r->origin)) return;
    uint32_t at = s->tree.b[r->origin].parent;
    while (m->n < max && at != BLOCK_NONE &&
           s->tree.b[at].flaw != FLAW_ABSENT) {
        m->item[m->n++].block = at;
        at = s->tree.b[at].parent;
    }
}

static void answer_blocks(struct sim *s, struct peer *p, struct request *r,
                          struct msg *m) {
    uint32_t max = least(r->count, p->spec->blocks_max, BLOCKS_GIVEN);
    m->item = arena_take(s->arena, (r->count + 1) * sizeof *m->item);
    for (uint32_t i = 0; i < r->count && m->n < max; i++)
        if (serves(s, p, r->want[i])) m->item[m->n++].block = r->want[i];
}

struct msg *peer_answer(struct sim *s, struct peer *p, struct request *r) {
    struct msg *m = net_msg(s, p, r->kind, r, 0);
    switch (r->kind) {
    case MSG_LINKS: answer_links(s, p, r, m); break;
    case MSG_HASHES: answer_hashes(s, p, r, m); break;
    case MSG_BLOCKS: answer_blocks(s, p, r, m); break;
    case MSG_GARBAGE:
    case MSG_PUSH:
    case MSG_ANNOUNCE:
    case MSG_CLAIM:
    case MSG_RANGE: break;
    }
    return m;
}

void peer_on_request(struct sim *s, struct request *r) {
    struct session *x = &s->session[r->session - 1];
    if (!x->live) return;
    struct peer *p = &s->peer[x->peer];
    if (p->spec->scripted) {
        script_on_request(s, p, r);
        return;
    }
    if (p->spec->gone_pm != 0 &&
        bp_rng_below(&p->rng, 1000) < p->spec->gone_pm) {
        say(s, "peer %u never answers request %llu", p->name,
            (unsigned long long)r->id);
        sim_count(s, HAPPENED_REPLY_GONE, 1);
        judge_accident(s, p, 0);
        return;
    }
    struct msg *m = peer_answer(s, p, r);
    if (p->spec->hostile) m = liar_answer(s, p, r, m);
    p->answered++;
    if (m == NULL) return;
    net_send(s, p, m);
    if (p->spec->twice_pm != 0 &&
        bp_rng_below(&p->rng, 1000) < p->spec->twice_pm) {
        struct msg *again = net_msg(s, p, m->kind, r, 0);
        *again = *m;
        net_send(s, p, again);
    }
}
