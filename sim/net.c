/* net: the line between a peer and the host.

   What one side sends arrives after the line's latency, in the order sent:
   it is TCP, so loss means late or gone. A message of a peer waits until the
   peer's line has carried the ones before it at its bandwidth. */
#include "sim.h"

/* Bytes of a message's frame and of a hash in it. */
#define FRAME_BYTES 40
#define HASH_BYTES  33

static uint32_t chance(struct peer *p, uint32_t n) {
    return n != 0 ? (uint32_t)bp_rng_below(&p->rng, n + 1u) : 0;
}

void net_ask(struct sim *s, struct request *r) {
    struct peer *p = &s->peer[s->session[r->session - 1].peer];
    bp_time at = s->now + p->spec->latency + chance(p, p->spec->jitter);
    queue_put(&s->queue, at, ON_REQUEST, r->session, r);
}

static uint32_t item_bytes(const struct sim *s, const struct msg *m,
                           const struct msg_item *i) {
    uint32_t block = i->block;
    bool phantom = is_phantom(block) || block == BLOCK_NONE;
    switch (m->kind) {
    case MSG_HASHES:
    case MSG_ANNOUNCE: return HASH_BYTES;
    case MSG_LINKS: return phantom ? 120 : s->tree.b[block].link_size;
    case MSG_BLOCKS:
    case MSG_PUSH:
        return phantom
                   ? 120
                   : s->tree.b[block].link_size +
                         (s->tree.b[block].empty ? 0
                                                 : s->tree.b[block].body_size);
    case MSG_GARBAGE:
    case MSG_CLAIM:
    case MSG_RANGE: return HASH_BYTES;
    }
    return 0;
}

struct msg *net_msg(struct sim *s, struct peer *p, enum msg_kind kind,
                    struct request *r, uint32_t n) {
    struct msg *m = arena_take(s->arena, sizeof *m);
    m->kind = kind;
    m->session = p->session;
    m->request = r;
    m->id = r != NULL ? r->id : 0;
    if (n != 0) m->item = arena_take(s->arena, n * sizeof *m->item);
    return m;
}

/* Nobody has an absent block, liars neither: it and, in a list of links, what
   is below it are left out. False: nothing is left to push. */
static bool leave_absent(const struct sim *s, struct msg *m) {
    if (m->kind != MSG_LINKS && m->kind != MSG_BLOCKS && m->kind != MSG_PUSH)
        return true;
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->n; i++) {
        uint32_t block = m->item[i].block;
        bool absent = block < s->tree.n && s->tree.b[block].flaw == FLAW_ABSENT;
        if (!absent) m->item[n++] = m->item[i];
        if (absent && m->kind == MSG_LINKS) break;
    }
    m->n = n;
    return n != 0 || m->kind != MSG_PUSH;
}

void net_send(struct sim *s, struct peer *p, struct msg *m) {
    if (p->session == 0 || m->session != p->session) return;
    if (!leave_absent(s, m)) return;
    const struct peer_spec *x = p->spec;
    m->bytes = FRAME_BYTES;
    for (uint32_t i = 0; i < m->n; i++)
        m->bytes += item_bytes(s, m, &m->item[i]);
    uint64_t ready = (s->now + x->think) * 1000;
    if (p->out_free_us > ready) ready = p->out_free_us;
    if (x->bandwidth != 0) ready += m->bytes * 1000000ull / x->bandwidth;
    p->out_free_us = ready;
    bp_time at = (ready + 999) / 1000 + x->latency + chance(p, x->jitter);
    if (x->late_pm != 0 && bp_rng_below(&p->rng, 1000) < x->late_pm) {
        at += chance(p, x->late_ms);
        judge_accident(s, p, x->late_ms);
    }
    if (at < p->last_arrival) at = p->last_arrival;
    p->last_arrival = at;
    s->waiting++;
    queue_put(&s->queue, at, ON_MESSAGE, m->session, m);
}
