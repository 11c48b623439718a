/* liar: what hostile peers do, one deed a function.

   A liar has a chain of its own (often a flawed one) and answers from it like
   anybody; its deeds then change the answer, its claims, or act by themselves
   at each tick. Every deed counts when it acts, so that the coverage table
   shows which ones never got the chance. */
#include <string.h>

#include "sim.h"

/* A flood stops here, or the simulator would only measure floods. */
#define TICKS_MAX 60

void acted(struct sim *s, struct peer *p, enum deed d) {
    p->did |= 1ull << d;
    s->r.cover.deed[d][OUTCOME_ACTED]++;
}

static uint32_t below(struct peer *p, uint32_t n) {
    return (uint32_t)bp_rng_below(&p->rng, n);
}

static bool makes_up(const struct peer *p) {
    return peer_does(p->spec, DEED_INVENT, NULL) ||
           peer_does(p->spec, DEED_ENDLESS, NULL);
}

void liar_begin(struct sim *s, struct peer *p) {
    struct phantom f = { 0 };
    f.sealed = peer_does(p->spec, DEED_ENDLESS, NULL);
    f.difficulty = bp_u256_from_u64(1);
    f.top_number = s->tree.b[p->head].number + 1 + below(p, 100000);
    p->phantom = phantom_new(&s->tree, &f);
}

/* ---- claims ----------------------------------------------------------- */

void liar_claim(struct sim *s, struct peer *p, struct bp_claim *c) {
    uint32_t arg = 0;
    if (makes_up(p)) {
        c->head = tree_hash(&s->tree, p->phantom);
        c->known = (struct bp_held){ 0 };
        bp_u256_mul_u64(&c->td, &c->td, 3);
        if (c->has_number) c->number = tree_link(&s->tree, p->phantom).number;
    }
    if (peer_does(p->spec, DEED_TD_HIGH, &arg)) {
        bp_u256_mul_u64(&c->td, &c->td, 2 + arg);
        acted(s, p, DEED_TD_HIGH);
    }
    if (peer_does(p->spec, DEED_TD_LOW, NULL)) {
        bp_u256_div_u64(&c->td, &c->td, 2);
        acted(s, p, DEED_TD_LOW);
    }
    if (peer_does(p->spec, DEED_MIRROR, NULL) && below(p, 2) == 0) {
        c->head = s->head.hash;
        c->known = tree_held(&s->tree, s->head_block);
        acted(s, p, DEED_MIRROR);
    }
}

/* ---- changed answers -------------------------------------------------- */

static void room_for(struct sim *s, struct msg *m, uint32_t n) {
    if (n <= m->n) return;
    struct msg_item *item = arena_take(s->arena, n * sizeof *item);
    if (m->n != 0) memcpy(item, m->item, m->n * sizeof *item);
    m->item = item;
}

/* A branch that goes on for ever, from where we asked. */
static struct msg *make_up(struct sim *s, struct peer *p, struct request *r,
                           struct msg *m, enum deed d) {
    uint32_t at = r->origin;
    if (r->kind == MSG_BLOCKS) {
        if (d == DEED_INVENT && (p->spec->caps & BP_CAP_LINKS) != 0) return m;
        room_for(s, m, r->count);
        m->n = 0;
        for (uint32_t i = 0; i < r->count; i++)
            if (is_phantom(r->want[i])) m->item[m->n++].block = r->want[i];
        acted(s, p, d);
        return m;
    }
    if (!is_phantom(at)) {
        if (!r->by_number) return m;
        at = p->phantom;
    }
    uint32_t n = r->count;
    if (r->kind == MSG_LINKS && p->spec->links_max != 0 &&
        n > p->spec->links_max)
        n = p->spec->links_max;
    room_for(s, m, n);
    if (r->kind == MSG_HASHES) at = phantom_parent(at);
    for (uint32_t i = 0; i < n; i++) {
        m->item[i].block = at;
        at = phantom_parent(at);
    }
    m->n = n;
    if (r->kind == MSG_LINKS && !r->reverse)
        for (uint32_t i = 0; i < n / 2; i++) {
            struct msg_item x = m->item[i];
            m->item[i] = m->item[n - 1 - i];
            m->item[n - 1 - i] = x;
        }
    acted(s, p, d);
    return m;
}

static void shuffle(struct peer *p, struct msg *m) {
    for (uint32_t i = m->n; i > 1; i--) {
        uint32_t j = below(p, i);
        struct msg_item x = m->item[i - 1];
        m->item[i - 1] = m->item[j];
        m->item[j] = x;
    }
}

static void leave_out(struct msg *m, uint32_t at) {
    if (at >= m->n) return;
    memmove(&m->item[at], &m->item[at + 1], (m->n - at - 1) * sizeof *m->item);
    m->n--;
}

static void overfill(struct sim *s, struct peer *p, struct request *r,
                     struct msg *m) {
    uint32_t n = r->count + 1 + below(p, 300);
    room_for(s, m, n);
    while (m->n < n) {
        uint32_t next = p->head;
        if (r->kind == MSG_BLOCKS)
            next = tree_at(&s->tree, p->head,
                           below(p, (uint32_t)s->tree.b[p->head].number + 1));
        else if (m->n > 0)
            next = tree_parent(&s->tree, m->item[m->n - 1].block);
        if (next == BLOCK_NONE) break;
        m->item[m->n++].block = next;
    }
}

static void repeat(struct peer *p, struct msg *m) {
    if (p->first_reply == NULL || p->first_reply->kind != m->kind) {
        p->first_reply = m;
        return;
    }
    m->item = p->first_reply->item;
    m->n = p->first_reply->n;
}

static void mark(struct peer *p, struct msg *m, uint32_t flag) {
    if (m->kind != MSG_BLOCKS) return;
    for (uint32_t i = 0; i < m->n; i++)
        if (below(p, 3) != 0 || m->n == 1) m->item[i].flags |= flag;
}

static void select_out(struct msg *m) {
    if (m->kind != MSG_BLOCKS) return;
    for (uint32_t i = m->n; i > 0; i--)
        if (m->item[i - 1].block % 3 == 0) leave_out(m, i - 1);
}

static struct msg *edge(struct peer *p, struct request *r, struct msg *m) {
    uint64_t lag = p->spec->latency + p->spec->jitter + 1;
    if (r->due > lag && (r->due - lag) * 1000 > p->out_free_us)
        p->out_free_us = (r->due - lag) * 1000;
    return m;
}

static void send_again(struct sim *s, struct peer *p, struct msg *m) {
    for (uint32_t n = 1 + below(p, 4); n > 0; n--) {
        struct msg *again = net_msg(s, p, m->kind, m->request, 0);
        *again = *m;
        net_send(s, p, again);
    }
}

static void mirror(struct sim *s, struct peer *p, struct request *r,
                   struct msg *m) {
    m->n = 0;
    room_for(s, m, r->count + 1);
    if (r->kind == MSG_BLOCKS) {
        m->kind = MSG_HASHES;
        for (uint32_t i = 0; i < r->count; i++)
            if (r->want[i] != BLOCK_NONE) m->item[m->n++].block = r->want[i];
    } else if (r->origin != BLOCK_NONE) {
        m->item[m->n++].block = r->origin;
    }
    acted(s, p, DEED_MIRROR);
}

/* Deeds that only change a list. False: it is not one of these. */
static bool change_list(struct sim *s, struct peer *p, struct request *r,
                        struct msg *m, enum deed d) {
    switch (d) {
    case DEED_DRIP: m->n = m->n > 1 ? 1 : m->n; return true;
    case DEED_REPEAT: repeat(p, m); return true;
    case DEED_REORDER: shuffle(p, m); return true;
    case DEED_GAP:
        for (uint32_t i = 1; i < m->n; i++) leave_out(m, i);
        return true;
    case DEED_HOLE:
        if (m->n > 2) leave_out(m, 1 + below(p, m->n - 2));
        return true;
    case DEED_GHOST:
        if (m->n > 2) m->item[1 + below(p, m->n - 2)].block = p->phantom + 7;
        return true;
    case DEED_SHIFT: leave_out(m, 0); return true;
    case DEED_LOOP:
        for (uint32_t i = 2; i < m->n; i++) m->item[i] = m->item[i % 2];
        return true;
    case DEED_OVERFILL: overfill(s, p, r, m); return true;
    case DEED_EMPTY: m->n = 0; return true;
    case DEED_SELECT: select_out(m); return true;
    default: return false;
    }
}

/* Deeds of bodies only. */
static bool change_bodies(struct peer *p, struct msg *m, enum deed d) {
    if (m->kind != MSG_BLOCKS) return false;
    if (d == DEED_WITHHOLD)
        m->n = 0;
    else
        mark(p, m, d == DEED_CORRUPT ? ITEM_CORRUPT : ITEM_MISMATCH);
    return true;
}

static struct msg *do_deed(struct sim *s, struct peer *p, struct request *r,
                           struct msg *m, enum deed d, uint32_t arg) {
    if (change_list(s, p, r, m, d)) {
        acted(s, p, d);
        return m;
    }
    switch (d) {
    case DEED_INVENT:
    case DEED_ENDLESS: return make_up(s, p, r, m, d);
    case DEED_WITHHOLD:
    case DEED_MISMATCH:
    case DEED_CORRUPT:
        if (change_bodies(p, m, d)) acted(s, p, d);
        return m;
    case DEED_SILENT: m = NULL; break;
    case DEED_STALL:
        if (p->answered < arg) return m;
        m = NULL;
        break;
    case DEED_EDGE: m = edge(p, r, m); break;
    case DEED_GARBAGE:
        if (below(p, 3) != 0) return m;
        m->kind = MSG_GARBAGE;
        m->n = 0;
        break;
    case DEED_WRONGKIND:
        if (below(p, 2) != 0) return m;
        m->kind = (enum msg_kind)((m->kind + 1 + below(p, 2)) % 3);
        break;
    case DEED_REPLAY: send_again(s, p, m); break;
    case DEED_MIRROR: mirror(s, p, r, m); return m;
    case DEED_FOREIGN:
    case DEED_DOOMED:
    case DEED_DEADFORK:
    case DEED_SYBIL:
        if (m->n != 0) acted(s, p, d);
        return m;
    default: return m; /* the others act at ticks, or in claims */
    }
    acted(s, p, d);
    return m;
}

/* Any deed that changes lists, drawn anew for each answer. */
static enum deed any_deed(struct peer *p) {
    static const enum deed list[] = {
        DEED_DRIP,      DEED_REPEAT,  DEED_REORDER, DEED_GAP,      DEED_HOLE,
        DEED_GHOST,     DEED_SHIFT,   DEED_LOOP,    DEED_OVERFILL, DEED_EMPTY,
        DEED_MISMATCH,  DEED_CORRUPT, DEED_GARBAGE, DEED_REPLAY,   DEED_SILENT,
        DEED_WRONGKIND, DEED_EDGE,    DEED_SELECT,  DEED_MIRROR,
    };
    return list[below(p, sizeof list / sizeof list[0])];
}

struct msg *liar_answer(struct sim *s, struct peer *p, struct request *r,
                        struct msg *m) {
    for (uint32_t i = 0; i < p->spec->deeds && m != NULL; i++) {
        enum deed d = p->spec->deed[i];
        if (d == DEED_CHAOS) {
            if (below(p, 2) == 0) continue;
            acted(s, p, d);
            d = any_deed(p);
        }
        m = do_deed(s, p, r, m, d, p->spec->deed_arg[i]);
    }
    return m;
}

/* ---- acts of its own -------------------------------------------------- */

static uint32_t any_block(struct sim *s, struct peer *p) {
    uint64_t height = bp_rng_below(&p->rng, s->tree.b[p->head].number + 1);
    uint32_t b = tree_at(&s->tree, p->head, height);
    return b != BLOCK_NONE ? b : p->head;
}

static void tell(struct sim *s, struct peer *p, enum msg_kind kind,
                 uint32_t block, uint32_t flags) {
    struct msg *m = net_msg(s, p, kind, NULL, 1);
    m->n = 1;
    m->item[0] = (struct msg_item){ block, flags };
    if (kind == MSG_PUSH) {
        m->has_td = below(p, 2) == 0;
        m->td = bp_u256_from_u64(bp_rng_below(&p->rng, 1000000));
    } else {
        m->has_number = below(p, 4) != 0;
        m->number = tree_link(&s->tree, block).number;
    }
    net_send(s, p, m);
}

static void spam(struct sim *s, struct peer *p) {
    struct msg *m =
        net_msg(s, p, (enum msg_kind)below(p, 3), NULL, 1 + below(p, 16));
    if (s->requests != 0 && below(p, 2) == 0)
        m->id = s->request[below(p, s->requests)]->id;
    uint32_t at = any_block(s, p), n = 1 + below(p, 15);
    room_for(s, m, n);
    while (m->n < n && at != BLOCK_NONE) {
        m->item[m->n++].block = at;
        at = m->kind == MSG_BLOCKS ? any_block(s, p) : s->tree.b[at].parent;
    }
    net_send(s, p, m);
}

static void announce_far(struct sim *s, struct peer *p) {
    struct msg *m = net_msg(s, p, MSG_ANNOUNCE, NULL, 1);
    m->n = 1;
    m->item[0].block = p->phantom + 1 + below(p, 100000);
    m->has_number = true;
    uint64_t h = s->head.number;
    m->number =
        below(p, 2) == 0 ? h + 33 + below(p, 1000) : (h > 8 ? h - 8 : 0);
    net_send(s, p, m);
}

static void announce_wrong(struct sim *s, struct peer *p) {
    struct msg *m = net_msg(s, p, MSG_ANNOUNCE, NULL, 1);
    m->n = 1;
    m->item[0].block = any_block(s, p);
    m->has_number = true;
    m->number = s->head.number + below(p, 16);
    net_send(s, p, m);
}

static void change_head(struct sim *s, struct peer *p) {
    struct msg *m = net_msg(s, p, MSG_CLAIM, NULL, 1);
    m->n = 1;
    uint32_t b =
        below(p, 3) == 0 ? p->phantom + below(p, 1000) : any_block(s, p);
    m->item[0].block = b;
    m->has_td = p->spec->td_kind != CLAIM_NONE;
    m->td = m->has_td ? s->tree.b[p->head].td : bp_u256_from_u64(0);
    bp_u256 more = bp_u256_from_u64(below(p, 100000));
    if (m->has_td) bp_u256_add(&m->td, &m->td, &more);
    m->has_number = p->spec->number_kind != CLAIM_NONE;
    m->number = tree_link(&s->tree, b).number;
    net_send(s, p, m);
}

static void tick_deed(struct sim *s, struct peer *p, enum deed d) {
    uint32_t n = 1 + below(p, 12);
    switch (d) {
    case DEED_SPAM: spam(s, p); break;
    case DEED_PUSH:
        while (n-- > 0)
            tell(s, p, MSG_PUSH,
                 below(p, 2) == 0 ? any_block(s, p)
                                  : p->phantom + below(p, 1u << 18),
                 0);
        break;
    case DEED_ANNOUNCE:
        for (n *= 6; n > 0; n--)
            tell(s, p, MSG_ANNOUNCE,
                 below(p, 4) == 0 ? any_block(s, p)
                                  : p->phantom + below(p, 1u << 18),
                 0);
        break;
    case DEED_DISTANT: announce_far(s, p); break;
    case DEED_MISNUMBER: announce_wrong(s, p); break;
    case DEED_MALPUSH:
        tell(s, p, MSG_PUSH, any_block(s, p),
             below(p, 2) == 0 ? ITEM_MISMATCH : ITEM_CORRUPT);
        break;
    case DEED_HEADS: change_head(s, p); break;
    case DEED_MIRROR: {
        struct msg *m = net_msg(s, p, MSG_CLAIM, NULL, 1);
        m->n = 1;
        m->item[0].block = s->head_block;
        m->has_td = true;
        m->td = s->head.td;
        m->has_number = true;
        m->number = s->head.number;
        net_send(s, p, m);
        break;
    }
    default: return; /* the others act when they are asked */
    }
    acted(s, p, d);
}

void liar_tick(struct sim *s, struct peer *p) {
    if (s->phase != PHASE_RUN || ++p->ticks > TICKS_MAX) return;
    for (uint32_t i = 0; i < p->spec->deeds && p->session != 0; i++) {
        enum deed d = p->spec->deed[i];
        if (d == DEED_FLAP && below(p, 3) == 0) {
            acted(s, p, d);
            peer_on_leave(s, p);
        } else if (d != DEED_CHAOS) {
            tick_deed(s, p, d);
        } else if (below(p, 3) == 0) {
            static const enum deed own[] = { DEED_SPAM,      DEED_PUSH,
                                             DEED_ANNOUNCE,  DEED_DISTANT,
                                             DEED_MISNUMBER, DEED_HEADS,
                                             DEED_MALPUSH };
            tick_deed(s, p, own[below(p, sizeof own / sizeof own[0])]);
        }
    }
    queue_put(&s->queue, s->now + p->spec->tick_ms, ON_TICK,
              (uint32_t)(p - s->peer), NULL);
}
