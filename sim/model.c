/* model: a world from what a recorded node saw.

   A record has the events of one run and nothing of what peers would have said
   to other questions. So that "what if" can be asked of a real node's record,
   its world is guessed: every link and body that came is a block of the tree,
   every session a peer with the claims, limits and times that it showed, and
   our own host takes as long for its jobs as it did.

       LINKS, BLOCKS, PUSHED   ->  blocks: parents, difficulties, sizes
       JOINED, CLAIM, LEFT     ->  peers: kinds, heads, when they come and go
       ask and REPLY           ->  round trips (the least) and bandwidth
       CHECK, INSERT, verdicts ->  our own times, and flaws of blocks
       blames of offences      ->  liars, with the deed that comes nearest

   The head that we began with is the model's genesis: numbers begin there, and
   blocks that do not descend from it are left out. */
#include "model.h"

#include <stdlib.h>
#include <string.h>

#define SESSIONS_MAX 64
#define NOWHERE      UINT32_MAX

struct seen { /* a block */
    struct bp_link link;
    uint32_t body;
    bool has_body;
    uint8_t flaw;
    uint32_t label; /* LABEL_NONE: not under the base */
    uint32_t next;  /* in its bucket */
};

struct session_seen {
    bp_peer_id id;
    struct bp_peer_info info;
    bp_hash last_head;
    bp_time joined, left, claimed;
    bool leaves, put_out;
    int offence;
    uint64_t rtt; /* the least, in ms */
    uint64_t bytes, ms;
};

struct asked {
    uint64_t id;
    uint32_t session;
    bp_time at;
    bool answered;
};

struct job_seen {
    uint64_t id;
    bp_time at;
    bool insert, probe;
    uint32_t n;
    bp_hash *hash;
};

struct model {
    struct arena *arena;
    struct seen *block;
    uint32_t blocks, block_cap;
    uint32_t bucket[4096];
    struct session_seen session[SESSIONS_MAX];
    uint32_t sessions, ignored;
    struct asked *asked;
    uint32_t asks, ask_cap;
    struct job_seen *job;
    uint32_t jobs, job_cap;
    uint64_t check_us, checked, insert_us, inserted, bodies, body_bytes;
    bp_time first, now;
    bool begun;
};

/* ---- what was seen ---------------------------------------------------- */

static uint32_t bucket_of(const bp_hash *h) {
    uint32_t x;
    memcpy(&x, h->b, sizeof x);
    return x % 4096;
}

static uint32_t find_block(const struct model *m, const bp_hash *h) {
    uint32_t i = m->bucket[bucket_of(h)];
    while (i != NOWHERE && !bp_hash_eq(&m->block[i].link.hash, h))
        i = m->block[i].next;
    return i;
}

static struct seen *see_link(struct model *m, const struct bp_link *l) {
    uint32_t i = find_block(m, &l->hash);
    if (i != NOWHERE) return &m->block[i];
    if (m->blocks == MODEL_BLOCKS_MAX) {
        m->ignored++;
        return NULL;
    }
    m->block = arena_grow(m->arena, m->block, &m->block_cap, m->blocks + 1,
                          sizeof *m->block);
    struct seen *b = &m->block[m->blocks];
    uint32_t *bucket = &m->bucket[bucket_of(&l->hash)];
    *b = (struct seen){ .link = *l, .label = LABEL_NONE, .next = *bucket };
    *bucket = m->blocks++;
    return b;
}

static void see_body(struct model *m, const struct bp_delivery *d) {
    struct seen *b = NULL;
    uint32_t i = d->matched ? find_block(m, &d->hash) : NOWHERE;
    if (d->has_link)
        b = see_link(m, &d->link);
    else if (i != NOWHERE)
        b = &m->block[i];
    if (b == NULL || b->has_body) return;
    b->has_body = true;
    b->body = d->size;
    if (d->has_link)
        b->body = d->size > d->link.size ? d->size - d->link.size : 0;
    m->bodies++;
    m->body_bytes += b->body;
}

static struct session_seen *session_of(struct model *m, bp_peer_id id) {
    for (uint32_t i = m->sessions; i > 0; i--)
        if (m->session[i - 1].id == id) return &m->session[i - 1];
    return NULL;
}

static void see_joined(struct model *m, const struct bp_ev_joined *e) {
    if (m->sessions == SESSIONS_MAX) {
        m->ignored++;
        return;
    }
    m->session[m->sessions++] =
        (struct session_seen){ .id = e->peer,
                               .info = e->info,
                               .last_head = e->info.claim.head,
                               .joined = m->now,
                               .claimed = m->now,
                               .rtt = UINT64_MAX };
}

static void see_reply(struct model *m, const struct bp_ev_reply *e) {
    for (uint32_t i = m->asks; i > 0; i--) {
        struct asked *a = &m->asked[i - 1];
        if (a->id != e->request) continue;
        struct session_seen *x = &m->session[a->session];
        uint64_t ms = m->now - a->at;
        if (a->answered) return;
        a->answered = true;
        if (ms < x->rtt) x->rtt = ms;
        x->bytes += e->bytes;
        x->ms += ms - x->rtt;
        return;
    }
}

static struct job_seen *job_of(struct model *m, uint64_t id) {
    for (uint32_t i = m->jobs; i > 0; i--)
        if (m->job[i - 1].id == id) return &m->job[i - 1];
    return NULL;
}

static void see_verdict(struct model *m, uint64_t id,
                        const struct bp_verdict *v) {
    const struct job_seen *j = job_of(m, id);
    if (j == NULL) return;
    if (v->kind == BP_VERDICT_OK && j->insert) {
        m->insert_us += (m->now - j->at) * 1000;
        m->inserted += j->n;
    } else if (v->kind == BP_VERDICT_OK && !j->probe) {
        m->check_us += (m->now - j->at) * 1000;
        m->checked += j->n;
    }
    if (v->kind != BP_VERDICT_INVALID || v->n >= j->n) return;
    uint32_t i = find_block(m, &j->hash[v->n]);
    if (i == NOWHERE) return;
    if (v->part == BP_PART_LINK)
        m->block[i].flaw = j->probe ? FLAW_SEAL : FLAW_RULE;
    else if (v->body_committed)
        m->block[i].flaw = FLAW_BODY;
}

static void see_claim(struct model *m, const struct bp_ev_claim *e) {
    struct session_seen *x = session_of(m, e->peer);
    if (x == NULL) return;
    x->last_head = e->claim.head;
    x->claimed = m->now;
}

static void see_left(struct model *m, bp_peer_id id) {
    struct session_seen *x = session_of(m, id);
    if (x == NULL || x->leaves) return;
    x->leaves = true;
    x->left = m->now;
}

static void on_event(void *user, const struct bp_event *e, bp_time now) {
    struct model *m = user;
    if (!m->begun) m->first = now;
    m->begun = true;
    m->now = now;
    switch (e->type) {
    case BP_EV_PEER_JOINED: see_joined(m, &e->u.joined); break;
    case BP_EV_PEER_CLAIM: see_claim(m, &e->u.claim); break;
    case BP_EV_PEER_LEFT: see_left(m, e->u.left.peer); break;
    case BP_EV_REPLY: see_reply(m, &e->u.reply); break;
    case BP_EV_LINKS:
        for (size_t i = 0; i < e->u.links.n; i++)
            see_link(m, &e->u.links.links[i]);
        break;
    case BP_EV_BLOCKS:
        for (size_t i = 0; i < e->u.blocks.n; i++)
            see_body(m, &e->u.blocks.blocks[i]);
        break;
    case BP_EV_PUSHED: see_body(m, &e->u.pushed.block); break;
    case BP_EV_CHECKED:
        see_verdict(m, e->u.checked.job, &e->u.checked.verdict);
        break;
    case BP_EV_INSERTED:
        see_verdict(m, e->u.inserted.job, &e->u.inserted.verdict);
        break;
    default: break; /* nothing about the network in the others */
    }
}

static void add_ask(struct model *m, bp_peer_id peer, bp_req_id id) {
    const struct session_seen *x = session_of(m, peer);
    if (x == NULL) return;
    m->asked = arena_grow(m->arena, m->asked, &m->ask_cap, m->asks + 1,
                          sizeof *m->asked);
    m->asked[m->asks++] =
        (struct asked){ id, (uint32_t)(x - m->session), m->now, false };
}

static struct job_seen *add_job(struct model *m, uint64_t id, size_t n) {
    m->job =
        arena_grow(m->arena, m->job, &m->job_cap, m->jobs + 1, sizeof *m->job);
    struct job_seen *j = &m->job[m->jobs++];
    *j = (struct job_seen){ .id = id, .at = m->now, .n = (uint32_t)n };
    j->hash = arena_take(m->arena, (n + 1) * sizeof *j->hash);
    return j;
}

static void see_blame(struct model *m, const struct bp_act_blame *b) {
    struct session_seen *x = session_of(m, b->peer);
    if (x == NULL) return;
    if (b->end) x->put_out = true;
    if (b->offence != BP_OFF_NONE && b->offence < BP_OFF_FIRST_FAULT)
        x->offence = b->offence;
}

static void on_action(void *user, const struct bp_action *a) {
    struct model *m = user;
    struct job_seen *j;
    switch (a->type) {
    case BP_ACT_ASK_LINKS:
        add_ask(m, a->u.ask_links.peer, a->u.ask_links.request);
        break;
    case BP_ACT_ASK_HASHES:
        add_ask(m, a->u.ask_hashes.peer, a->u.ask_hashes.request);
        break;
    case BP_ACT_ASK_BLOCKS:
        add_ask(m, a->u.ask_blocks.peer, a->u.ask_blocks.request);
        break;
    case BP_ACT_CHECK:
        j = add_job(m, a->u.check.job, a->u.check.n);
        j->probe = a->u.check.kind == BP_CHECK_PROBE;
        memcpy(j->hash, a->u.check.hashes, j->n * sizeof *j->hash);
        break;
    case BP_ACT_INSERT:
        j = add_job(m, a->u.insert.job, a->u.insert.n);
        j->insert = true;
        for (uint32_t i = 0; i < j->n; i++)
            j->hash[i] = a->u.insert.items[i].hash;
        break;
    case BP_ACT_BLAME: see_blame(m, &a->u.blame); break;
    case BP_ACT_RELEASE:
    case BP_ACT_REPORT: break;
    }
}

/* ---- the world of it -------------------------------------------------- */

static int by_number(const void *a, const void *b) {
    const struct seen *x = *(const struct seen *const *)a;
    const struct seen *y = *(const struct seen *const *)b;
    return (x->link.number > y->link.number) -
           (x->link.number < y->link.number);
}

static uint64_t low_word(const bp_u256 *v) {
    return (v->w[1] | v->w[2] | v->w[3]) != 0 ? UINT64_MAX : v->w[0];
}

static uint32_t label_of(const struct model *m, const bp_hash *h,
                         const bp_hash *base) {
    if (bp_hash_eq(h, base)) return 0;
    uint32_t i = find_block(m, h);
    return i != NOWHERE ? m->block[i].label : LABEL_NONE;
}

static void make_blocks(struct model *m, struct world *w, const bp_hash *base) {
    struct seen **order = arena_take(m->arena, (m->blocks + 1) * sizeof *order);
    uint32_t usual = m->bodies != 0 ? (uint32_t)(m->body_bytes / m->bodies) : 0;
    uint32_t next = 1;
    for (uint32_t i = 0; i < m->blocks; i++) order[i] = &m->block[i];
    qsort(order, m->blocks, sizeof *order, by_number);
    world_add_run(w)->difficulty = 1;
    for (uint32_t i = 0; i < m->blocks; i++) {
        struct seen *b = order[i];
        uint32_t up = label_of(m, &b->link.parent, base);
        if (up == LABEL_NONE) {
            m->ignored += !bp_hash_eq(&b->link.hash, base);
            continue;
        }
        b->label = next++;
        struct block_run *r = world_add_run(w);
        r->first = r->last = b->label;
        r->parent = up;
        r->difficulty = low_word(&b->link.difficulty);
        r->size = b->has_body ? b->body : usual;
        r->empty_pc = (b->link.flags & BP_LINK_EMPTY) != 0 ? 100 : 0;
        r->flaw = b->flaw;
    }
}

static enum deed deed_of(int offence) {
    switch (offence) {
    case BP_OFF_BAD_BYTES: return DEED_GARBAGE;
    case BP_OFF_BODY_MISMATCH: return DEED_MISMATCH;
    case BP_OFF_BAD_BODY: return DEED_CORRUPT;
    case BP_OFF_TOO_MUCH: return DEED_OVERFILL;
    case BP_OFF_UNLINKED:
    case BP_OFF_FORGED_LIST: return DEED_REORDER;
    case BP_OFF_BAD_CLAIM: return DEED_TD_HIGH;
    case BP_OFF_WRONG_NUMBER: return DEED_MISNUMBER;
    default: return DEED_DOOMED; /* its chain is bad, and it serves that */
    }
}

static void make_line(const struct session_seen *x, struct peer_spec *p) {
    if (x->rtt != UINT64_MAX) p->latency = (uint32_t)(x->rtt / 2);
    if (x->ms != 0) {
        uint64_t rate = x->bytes * 1000 / x->ms;
        p->bandwidth = rate < UINT32_MAX ? (uint32_t)rate : 0;
    }
}

static void make_peer(const struct model *m, struct world *w, uint32_t i,
                      const bp_hash *base) {
    const struct session_seen *x = &m->session[i];
    struct peer_spec *p = world_add_peer(w, i + 1);
    uint32_t first = label_of(m, &x->info.claim.head, base);
    uint32_t last = label_of(m, &x->last_head, base);
    p->caps = x->info.caps;
    p->links_max = x->info.links_max;
    p->hashes_max = x->info.hashes_max;
    p->blocks_max = x->info.blocks_max;
    p->td_kind = x->info.claim.has_td ? CLAIM_TRUE : CLAIM_NONE;
    p->number_kind = x->info.claim.has_number ? CLAIM_TRUE : CLAIM_NONE;
    p->join_at = x->joined - m->first;
    for (uint32_t k = 0; k < i && p->identity == 0; k++)
        if (bp_hash_eq(&m->session[k].info.identity, &x->info.identity))
            p->identity =
                w->peer[k].identity != 0 ? w->peer[k].identity : k + 1;
    p->head = first != LABEL_NONE ? first : last != LABEL_NONE ? last : 0;
    if (last != LABEL_NONE && last != p->head) {
        p->grow_to = last;
        p->grow_ms = (uint32_t)(x->claimed - x->joined) / 4 + 1;
    }
    /* Who left in the last hundredth did so because our run ended. */
    bp_time ending = m->now - (m->now - m->first) / 100;
    bool leaves = x->leaves && !x->put_out && x->left < ending;
    if (leaves) p->leave_at = x->left - m->first;
    make_line(x, p);
    if (x->offence == 0) {
        p->steady = !leaves;
        return;
    }
    p->hostile = 1;
    p->deed[p->deeds++] = (uint8_t)deed_of(x->offence);
}

int model_world(struct world *w, struct arena *arena, struct bp_record *record,
                struct model_facts *facts) {
    struct model *m = arena_take(arena, sizeof *m);
    struct bp_replay r = { .on_event = on_event,
                           .on_action = on_action,
                           .user = m };
    const struct bp_pool_config *c = bp_record_config(record);
    m->arena = arena;
    memset(m->bucket, 0xff, sizeof m->bucket);
    world_init(w, arena);
    w->drawn = true;
    w->pool = *c;
    bp_hash base = c->head.hash;
    int err = bp_record_replay(record, &r);
    if (err != 0) return err;
    make_blocks(m, w, &base);
    for (uint32_t i = 0; i < m->sessions; i++) make_peer(m, w, i, &base);
    w->host.seal_us = 0;
    w->host.job_ms = 0;
    if (m->checked != 0)
        w->host.check_us = (uint32_t)(m->check_us / m->checked);
    if (m->inserted != 0)
        w->host.insert_us = (uint32_t)(m->insert_us / m->inserted);
    *facts = (struct model_facts){ .blocks = w->runs - 1,
                                   .peers = w->peers,
                                   .left_out = m->ignored,
                                   .requests = m->asks,
                                   .ms = m->now - m->first };
    return 0;
}
