/* giver: who gave what, for as long as something of it is here; blame, and
   identities that are suspended. */
#include <assert.h>

#include "pool/state.h"

static void giver_free(struct bp_pool *p, bp_by by) {
    bp_table_give(&p->givers, (uint32_t)by - 1);
}

/* Nobody can be blamed any more for what came from sessions long ended. */
static void forget_the_gone(struct bp_pool *p) {
    struct bp_forest *f = &p->forest;
    for (uint32_t i = 0; i < f->chunks.used; i++) {
        struct bp_chunk *c = bp_table_get(&f->chunks, i);
        if (c == NULL) continue;
        if (c->by != 0 && bp_giver_at(p, c->by)->gone) {
            bp_by by = c->by;
            bp_giver_at(p, by)->charge -= c->charge;
            c->by = 0;
            c->charge = 0;
            bp_giver_drop(p, by, 1);
        }
        for (uint32_t k = c->low; k < c->high; k++) {
            bp_by by = c->link[k].by;
            if (by == 0 || !bp_giver_at(p, by)->gone) continue;
            c->link[k].by = 0;
            bp_giver_drop(p, by, 1);
        }
    }
    for (uint32_t i = 0; i < p->window.slots.used; i++) {
        struct bp_slot *s = bp_table_get(&p->window.slots, i);
        if (s == NULL || s->by == 0 || !bp_giver_at(p, s->by)->gone) continue;
        bp_by by = s->by;
        s->by = 0;
        bp_giver_drop(p, by, 1);
    }
}

bp_by bp_giver_new(struct bp_pool *p, const bp_hash *identity,
                   bp_peer_id session) {
    uint32_t id = bp_table_take(&p->givers);
    if (id == BP_NIL && p->givers.n == p->givers.max) {
        forget_the_gone(p);
        id = bp_table_take(&p->givers);
    }
    if (id == BP_NIL) return 0;
    struct bp_giver *g = bp_table_at(&p->givers, id);
    g->identity = *identity;
    g->session = session;
    return (bp_by)(id + 1);
}

struct bp_giver *bp_giver_at(const struct bp_pool *p, bp_by by) {
    assert(by != 0);
    return bp_table_at(&p->givers, (uint32_t)by - 1);
}

void bp_giver_hold(struct bp_pool *p, bp_by by, uint64_t n) {
    if (by != 0) bp_giver_at(p, by)->refs += n;
}

void bp_giver_drop(struct bp_pool *p, bp_by by, uint64_t n) {
    if (by == 0) return;
    struct bp_giver *g = bp_giver_at(p, by);
    assert(g->refs >= n);
    g->refs -= n;
    if (g->refs == 0 && g->gone) giver_free(p, by);
}

void bp_giver_leave(struct bp_pool *p, bp_by by) {
    if (by == 0) return;
    struct bp_giver *g = bp_giver_at(p, by);
    g->gone = true;
    if (g->refs == 0) giver_free(p, by);
}

/* ---- suspension ------------------------------------------------------- */

bp_time bp_suspended_until(const struct bp_pool *p, const bp_hash *identity) {
    for (uint32_t i = 0; i < p->n_suspended; i++)
        if (bp_hash_eq(&p->suspended[i].identity, identity))
            return p->suspended[i].until > p->now ? p->suspended[i].until : 0;
    return 0;
}

static bp_time suspend(struct bp_pool *p, const bp_hash *identity) {
    bp_time until = p->now + p->cfg.suspend_ms;
    for (uint32_t i = 0; i < p->n_suspended; i++)
        if (bp_hash_eq(&p->suspended[i].identity, identity))
            return p->suspended[i].until = until;
    p->suspended[p->next_suspended] = (struct bp_suspended){ *identity, until };
    if (p->n_suspended < p->cfg.suspended_max) p->n_suspended++;
    if (++p->next_suspended >= p->cfg.suspended_max) p->next_suspended = 0;
    return until;
}

/* ---- blame ------------------------------------------------------------ */

void bp_blame(struct bp_pool *p, bp_by by, int offence, int code,
              const bp_hash *hash, uint64_t number, bool end) {
    if (by == 0) return;
    struct bp_giver *g = bp_giver_at(p, by);
    bool offends = offence < BP_OFF_FIRST_FAULT;
    if (offends && g->offended) return;
    g->offended |= offends;
    struct bp_action *out = bp_actions_push(p, BP_ACT_BLAME);
    if (out != NULL) {
        struct bp_act_blame *b = &out->u.blame;
        b->peer = g->session;
        b->identity = g->identity;
        b->offence = offence;
        b->code = code;
        b->has_hash = hash != NULL;
        if (hash != NULL) b->hash = *hash;
        b->number = number;
        b->end = offends || end;
        if (offends) b->until = p->now + p->cfg.suspend_ms;
    }
    bp_trace(p, "peer %llu %s%s", (unsigned long long)g->session,
             bp_offence_text(offence), offends || end ? ", ended" : "");
    if (offends) suspend(p, &g->identity);
    uint32_t place = g->gone ? BP_NIL : bp_peer_find(p, g->session);
    if (place == BP_NIL) return;
    struct bp_peer *peer = &p->peer[place];
    if (offends) {
        if (peer->offences++ == 0) p->stat.peers_bad++;
    } else {
        peer->faults++;
        peer->last_fault = offence;
    }
    if (offends || end) peer->state = BP_PEER_CONDEMNED;
}

static const struct {
    int value;
    const char *name, *text;
} offences[] = {
#define ROW(name, value, text) { value, #name, text },
    BP_OFFENCE_MAP(ROW)
#undef ROW
};

const char *bp_offence_name(int offence) {
    for (size_t i = 0; i < sizeof offences / sizeof *offences; i++)
        if (offences[i].value == offence) return offences[i].name;
    return "UNKNOWN";
}

const char *bp_offence_text(int offence) {
    for (size_t i = 0; i < sizeof offences / sizeof *offences; i++)
        if (offences[i].value == offence) return offences[i].text;
    return "did something unknown";
}
