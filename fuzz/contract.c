/* contract: what pool.h allows, sentence by sentence. */
#include "contract.h"

#include <string.h>

void contract_begin(struct contract *c, const struct bp_pool_config *cfg) {
    c->cfg = cfg;
    c->held[cfg->genesis.b[0]] = true;
    c->held[cfg->head.hash.b[0]] = true;
}

/* ---- items -------------------------------------------------------------- */

uint64_t contract_item(struct contract *c) {
    return c->n_items + 1 < CONTRACT_ITEMS ? ++c->n_items : 0;
}

/* The pool owns it from now on. */
static void own(struct contract *c, uint64_t id, enum contract_kind kind,
                const bp_hash *hash, const struct bp_link *link) {
    if (id == 0) return;
    struct contract_item *it = &c->item[id];
    fuzz_law(it->state == 0);
    it->state = 1;
    it->kind = (uint8_t)kind;
    it->block = hash->b[0];
    if (link == NULL) return;
    it->parent = link->parent.b[0];
    it->number = link->number;
    it->empty = (link->flags & BP_LINK_EMPTY) != 0;
}

static struct contract_item *owned(struct contract *c, uint64_t id) {
    fuzz_law(id > 0 && id <= c->n_items);
    fuzz_law(c->item[id].state == 1);
    return &c->item[id];
}

void contract_release(void *user, uint64_t id) {
    struct contract *c = user;
    owned(c, id)->state = 2;
}

void contract_end(const struct contract *c) {
    for (uint64_t i = 1; i <= c->n_items; i++) fuzz_law(c->item[i].state != 1);
}

/* ---- who is there ------------------------------------------------------- */

static struct contract_session *session(struct contract *c, bp_peer_id id) {
    if (id == UINT64_MAX) id = CONTRACT_SESSIONS - 1;
    fuzz_law(id < CONTRACT_SESSIONS);
    return &c->session[id];
}

static void forget_asks(struct contract *c, bp_peer_id of, bool all) {
    for (uint32_t i = 0; i < c->n_asks;)
        if (all || c->ask[i].peer == of)
            c->ask[i] = c->ask[--c->n_asks];
        else
            i++;
}

static void gone(struct contract *c, bp_peer_id id) {
    session(c, id)->here = false;
    forget_asks(c, id, false);
}

static void joined(struct contract *c, const struct bp_ev_joined *ev) {
    struct contract_session *s = session(c, ev->peer);
    if (s->here) return;
    s->known = s->here = true;
    s->info = ev->info;
}

/* ---- what is held ------------------------------------------------------- */

static void note_held(struct contract *c, const bp_hash *hash,
                      const struct bp_held *held) {
    if (held->held) c->held[hash->b[0]] = true;
}

/* ---- events ------------------------------------------------------------- */

static struct contract_ask *ask_find(struct contract *c, bp_req_id id,
                                     bp_peer_id peer) {
    for (uint32_t i = 0; i < c->n_asks; i++)
        if (c->ask[i].id == id && c->ask[i].peer == peer) return &c->ask[i];
    return NULL;
}

static void replied(struct contract *c, const struct bp_ev_reply *ev) {
    struct contract_ask *a = ask_find(c, ev->request, ev->peer);
    if (a == NULL || a->answered) return;
    a->answered = true;
    a->at = c->now;
}

/* Content of whatever kind ends a request. */
static void content(struct contract *c, bp_req_id id, bp_peer_id peer) {
    struct contract_ask *a = ask_find(c, id, peer);
    if (a != NULL) *a = c->ask[--c->n_asks];
}

/* A request whose content never comes is forgotten in the end. */
static void expire(struct contract *c) {
    for (uint32_t i = 0; i < c->n_asks;)
        if (c->ask[i].answered && c->now >= c->ask[i].at + 60000)
            c->ask[i] = c->ask[--c->n_asks];
        else
            i++;
}

static void links(struct contract *c, const struct bp_ev_links *ev) {
    for (size_t i = 0; i < ev->n; i++)
        own(c, ev->links[i].item, CONTRACT_LINK, &ev->links[i].hash,
            &ev->links[i]);
    if (ev->held_at < ev->n)
        note_held(c, &ev->links[ev->held_at].hash, &ev->held);
    else if (ev->held_at == ev->n && ev->n > 0)
        note_held(c, &ev->links[ev->n - 1].parent, &ev->held);
    content(c, ev->request, ev->peer);
}

static void delivery(struct contract *c, const struct bp_delivery *d) {
    own(c, d->item, d->has_link ? CONTRACT_WHOLE : CONTRACT_BODY, &d->hash,
        d->has_link ? &d->link : NULL);
    if (!d->has_link) return;
    own(c, d->link.item, CONTRACT_LINK, &d->hash, &d->link);
    note_held(c, &d->hash, &d->known);
    note_held(c, &d->link.parent, &d->parent);
}

static void job_done(struct contract *c, bp_job_id id, size_t inserted) {
    for (int k = 0; k < CONTRACT_JOBS; k++) {
        struct contract_job *job = &c->job[k];
        if (id == 0 || job->id != id) continue;
        for (uint32_t i = 0; i < job->n_items; i++) {
            struct contract_item *it = &c->item[job->item[i]];
            it->pins--;
            if (it->block != job->parent) it->busy = false;
        }
        for (uint32_t i = 0; job->insert && i < job->n && i < inserted; i++)
            c->held[job->block[i]] = true;
        job->id = 0;
    }
}

static void reset(struct contract *c) {
    for (int i = 0; i < CONTRACT_SESSIONS; i++) c->session[i].here = false;
    forget_asks(c, 0, true);
}

void contract_event(struct contract *c, const struct bp_event *ev,
                    bp_time now) {
    if (now > c->now) c->now = now;
    expire(c);
    switch (ev->type) {
    case BP_EV_PEER_JOINED:
        joined(c, &ev->u.joined);
        note_held(c, &ev->u.joined.info.claim.head,
                  &ev->u.joined.info.claim.known);
        return;
    case BP_EV_PEER_CLAIM:
        note_held(c, &ev->u.claim.claim.head, &ev->u.claim.claim.known);
        return;
    case BP_EV_PEER_LEFT: gone(c, ev->u.left.peer); return;
    case BP_EV_REPLY: replied(c, &ev->u.reply); return;
    case BP_EV_LINKS: links(c, &ev->u.links); return;
    case BP_EV_HASHES:
        if (ev->u.hashes.held_at < ev->u.hashes.n)
            note_held(c, &ev->u.hashes.hashes[ev->u.hashes.held_at],
                      &ev->u.hashes.held);
        content(c, ev->u.hashes.request, ev->u.hashes.peer);
        return;
    case BP_EV_BLOCKS:
        for (size_t i = 0; i < ev->u.blocks.n; i++)
            delivery(c, &ev->u.blocks.blocks[i]);
        content(c, ev->u.blocks.request, ev->u.blocks.peer);
        return;
    case BP_EV_PUSHED: delivery(c, &ev->u.pushed.block); return;
    case BP_EV_CHECKED: job_done(c, ev->u.checked.job, 0); return;
    case BP_EV_INSERTED:
        job_done(c, ev->u.inserted.job, ev->u.inserted.verdict.n);
        c->held[ev->u.inserted.head.hash.b[0]] = true;
        return;
    case BP_EV_CHAIN: c->held[ev->u.chain.head.hash.b[0]] = true; return;
    case BP_EV_TARGET:
        note_held(c, &ev->u.target.hash, &ev->u.target.known);
        return;
    case BP_EV_PURGE: forget_asks(c, 0, true); return;
    case BP_EV_RESET: reset(c); return;
    case BP_EV_TIME:
    case BP_EV_PEER_RANGE:
    case BP_EV_PEER_OFFENCE:
    case BP_EV_ANNOUNCED: return;
    }
}

/* ---- asks --------------------------------------------------------------- */

/* Never 0, never used again. */
static void fresh(struct contract *c, uint64_t number) {
    fuzz_law(number != 0);
    if (c->n_seen > CONTRACT_SEEN / 4 * 3) return; /* a long run */
    uint64_t at = number * 0x9e3779b97f4a7c15u >> 32;
    for (;; at++) {
        uint64_t *cell = &c->seen[at % CONTRACT_SEEN];
        fuzz_law(*cell != number);
        if (*cell != 0) continue;
        *cell = number;
        c->n_seen++;
        return;
    }
}

static uint32_t least(uint32_t limit, uint32_t own) {
    return own != 0 && own < limit ? own : limit;
}

static bool is_bare(const struct contract_session *s) {
    return (s->info.caps & (BP_CAP_LINKS | BP_CAP_HASHES)) == BP_CAP_HASHES;
}

/* The session is there, can do it, and can take one more. */
static struct contract_session *asked(struct contract *c,
                                      enum bp_action_type type, bp_peer_id peer,
                                      bp_req_id id, uint32_t cap, bp_time due) {
    struct contract_session *s = session(c, peer);
    fuzz_law(s->here);
    fuzz_law((s->info.caps & cap) != 0);
    fuzz_law(due >= c->now);
    fresh(c, id);
    uint32_t out = 0;
    for (uint32_t i = 0; i < c->n_asks; i++)
        out += c->ask[i].peer == peer && c->ask[i].type == type &&
               c->ask[i].due > c->now;
    fuzz_law(out == 0 || (s->info.caps & BP_CAP_IDS) != 0);
    fuzz_law(c->n_asks < CONTRACT_ASKS);
    c->ask[c->n_asks++] = (struct contract_ask){
        .id = id, .type = type, .peer = peer, .due = due
    };
    return s;
}

static void ask_links(struct contract *c, const struct bp_act_ask_links *a) {
    const struct contract_session *s =
        asked(c, BP_ACT_ASK_LINKS, a->peer, a->request, BP_CAP_LINKS, a->due);
    uint32_t most = least(c->cfg->links_per_request, s->info.links_max);
    fuzz_law(a->count > 0 && a->count <= most);
}

static void ask_hashes(struct contract *c, const struct bp_act_ask_hashes *a) {
    const struct contract_session *s =
        asked(c, BP_ACT_ASK_HASHES, a->peer, a->request, BP_CAP_HASHES, a->due);
    uint32_t most = least(c->cfg->hashes_per_request, s->info.hashes_max);
    fuzz_law(a->count > 0 && a->count <= most);
}

static void ask_blocks(struct contract *c, const struct bp_act_ask_blocks *a) {
    const struct contract_session *s =
        asked(c, BP_ACT_ASK_BLOCKS, a->peer, a->request, BP_CAP_BLOCKS, a->due);
    uint32_t most = least(c->cfg->blocks_per_request, s->info.blocks_max);
    fuzz_law(a->n > 0 && a->n <= most);
    bool wanted[256] = { false };
    for (size_t i = 0; i < a->n; i++) {
        const struct bp_want *w = &a->wants[i];
        fuzz_law(!wanted[w->hash.b[0]]);
        wanted[w->hash.b[0]] = true;
        if (w->item == 0) {
            fuzz_law(is_bare(s)); /* others have no whole blocks */
            continue;
        }
        const struct contract_item *it = owned(c, w->item);
        fuzz_law(it->kind == CONTRACT_LINK && it->block == w->hash.b[0]);
        fuzz_law(!it->empty); /* an empty body is never asked */
    }
}

/* ---- jobs --------------------------------------------------------------- */

static void pin(struct contract *c, struct contract_job *job, uint64_t id) {
    owned(c, id)->pins++;
    job->item[job->n_items++] = id;
}

/* The same for the link that the job is about: of one job at a time. */
static void pin_link(struct contract *c, struct contract_job *job,
                     uint64_t id) {
    fuzz_law(!owned(c, id)->busy);
    owned(c, id)->busy = true;
    pin(c, job, id);
}

static struct contract_job *job_new(struct contract *c, bp_job_id id,
                                    bool insert, size_t n, size_t most) {
    fresh(c, id);
    fuzz_law(n > 0 && n <= most && n <= CONTRACT_RUN);
    uint32_t checks = 0, inserts = 0;
    struct contract_job *job = NULL;
    for (int k = 0; k < CONTRACT_JOBS; k++) {
        if (c->job[k].id == 0)
            job = &c->job[k];
        else if (c->job[k].insert)
            inserts++;
        else
            checks++;
    }
    fuzz_law(insert ? inserts == 0 : checks < c->cfg->workers + 1);
    fuzz_law(job != NULL);
    *job = (struct contract_job){ .id = id, .insert = insert };
    job->n = (uint32_t)n;
    return job;
}

static void check(struct contract *c, const struct bp_act_check *a) {
    bool run = a->kind == BP_CHECK_RUN;
    struct contract_job *job =
        job_new(c, a->job, false, a->n, run ? c->cfg->check_links_max : 1);
    uint8_t parent = a->parent.b[0];
    for (size_t i = 0; i < a->n; i++) {
        const struct contract_item *it = owned(c, a->items[i]);
        fuzz_law(it->kind != CONTRACT_BODY);
        fuzz_law(it->block == a->hashes[i].b[0] && it->parent == parent);
        fuzz_law(it->number == a->first_number + i);
        parent = job->block[i] = it->block;
        pin_link(c, job, a->items[i]);
    }
    job->parent = a->parent.b[0];
    if (!run) return;
    if (a->parent_item == 0) {
        fuzz_law(c->held[a->parent.b[0]]);
        return;
    }
    const struct contract_item *up = owned(c, a->parent_item);
    fuzz_law(up->kind != CONTRACT_BODY && up->block == a->parent.b[0]);
    fuzz_law(up->number + 1 == a->first_number);
    pin(c, job, a->parent_item);
}

static void insert_one(struct contract *c, struct contract_job *job,
                       const struct bp_insert_item *in, uint8_t parent,
                       uint64_t number) {
    fuzz_law(in->checked);
    const struct contract_item *link =
        owned(c, in->link_item != 0 ? in->link_item : in->body_item);
    fuzz_law(link->kind ==
             (in->link_item != 0 ? CONTRACT_LINK : CONTRACT_WHOLE));
    fuzz_law(link->block == in->hash.b[0] && link->parent == parent);
    fuzz_law(link->number == number);
    pin_link(c, job, in->link_item != 0 ? in->link_item : in->body_item);
    if (in->body_item == 0) {
        fuzz_law(link->empty);
        return;
    }
    const struct contract_item *body = owned(c, in->body_item);
    fuzz_law(body->kind != CONTRACT_LINK && body->block == in->hash.b[0]);
    if (in->link_item != 0) pin(c, job, in->body_item);
}

static void insert(struct contract *c, const struct bp_act_insert *a) {
    struct contract_job *job =
        job_new(c, a->job, true, a->n, c->cfg->insert_items_max);
    uint8_t parent = job->parent = a->parent.b[0];
    fuzz_law(c->held[parent]);
    for (size_t i = 0; i < a->n; i++) {
        insert_one(c, job, &a->items[i], parent, a->first_number + i);
        parent = job->block[i] = a->items[i].hash.b[0];
    }
}

/* ---- the rest ----------------------------------------------------------- */

static void blame(struct contract *c, const struct bp_act_blame *b) {
    struct contract_session *s = session(c, b->peer);
    fuzz_law(s->known && bp_hash_eq(&s->info.identity, &b->identity));
    fuzz_law(strcmp(bp_offence_name(b->offence), "UNKNOWN") != 0);
    if (b->offence != BP_OFF_NONE && b->offence < BP_OFF_FIRST_FAULT) {
        fuzz_law(b->end && b->until > c->now);
        fuzz_law(!s->honest); /* the honest are never accused */
    }
    if (b->end) gone(c, b->peer);
}

static void release(struct contract *c, const struct bp_act_release *a) {
    fuzz_law(a->n > 0);
    for (size_t i = 0; i < a->n; i++) {
        fuzz_law(owned(c, a->items[i])->pins == 0); /* not one of a job */
        contract_release(c, a->items[i]);
    }
}

void contract_action(struct contract *c, const struct bp_action *a) {
    switch (a->type) {
    case BP_ACT_ASK_LINKS: ask_links(c, &a->u.ask_links); return;
    case BP_ACT_ASK_HASHES: ask_hashes(c, &a->u.ask_hashes); return;
    case BP_ACT_ASK_BLOCKS: ask_blocks(c, &a->u.ask_blocks); return;
    case BP_ACT_CHECK: check(c, &a->u.check); return;
    case BP_ACT_INSERT: insert(c, &a->u.insert); return;
    case BP_ACT_BLAME: blame(c, &a->u.blame); return;
    case BP_ACT_RELEASE: release(c, &a->u.release); return;
    case BP_ACT_REPORT: fuzz_law(a->u.report.kind <= BP_REPORT_TARGET); return;
    }
    fuzz_law(!"an action of an unknown type");
}
