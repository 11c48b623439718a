/* host: turns messages into events and actions into messages and jobs, as a
   node does, and keeps the contract of pool.h to the letter: whatever the pool
   is told here, a correct host could tell it. What the pool does against the
   contract fails the world.

   Happy path: message -> REPLY -> (decoding) -> LINKS, HASHES or BLOCKS; ask ->
   request on the line; check, insert -> jobs.c; release -> the items.
   Failure modes: sessions that end with contents half decoded; crashes. */
#include <string.h>

#include "recorder.h"

/* More actions than this for one event: the pool does not stop. */
#define ACTIONS_MAX 200000
/* Steps of a drawn world; those that hold take a quarter of this at the most.
 */
#define STEPS_MAX 250000
#define LONG_TREE 2000

/* ---- contents --------------------------------------------------------- */

static void report_offence(struct sim *s, uint32_t session, int offence) {
    struct bp_event ev = { .type = BP_EV_PEER_OFFENCE };
    ev.u.offence.peer = session;
    ev.u.offence.offence = offence;
    ev.u.offence.code = -1;
    say(s, "host: peer %u %s", s->peer[s->session[session - 1].peer].name,
        bp_offence_text(offence));
    host_step(s, &ev);
}

static void content_links(struct sim *s, struct msg *m) {
    const struct request *r = m->request;
    bool ascending = r != NULL && !r->reverse;
    bool gaps = r != NULL && r->skip != 0;
    s->link_buf = arena_grow(s->arena, s->link_buf, &s->link_cap, m->n,
                             sizeof *s->link_buf);
    for (uint32_t i = 0; i < m->n; i++) {
        uint32_t from = ascending ? m->n - 1 - i : i;
        s->link_buf[i] = tree_link(&s->tree, m->item[from].block);
    }
    for (uint32_t i = 0; !gaps && i + 1 < m->n; i++)
        if (!bp_hash_eq(&s->link_buf[i].parent, &s->link_buf[i + 1].hash)) {
            report_offence(s, m->session, BP_OFF_UNLINKED);
            return;
        }
    struct bp_event ev = { .type = BP_EV_LINKS };
    struct bp_ev_links *l = &ev.u.links;
    l->peer = m->session;
    l->request = m->id;
    l->links = s->link_buf;
    l->n = m->n;
    l->held_at = BP_NONE;
    for (uint32_t i = 0; i < m->n; i++) {
        uint32_t block = m->item[ascending ? m->n - 1 - i : i].block;
        if (block < s->tree.n) s->tree.b[block].links++;
        s->link_buf[i].item =
            item_new(s, block, ITEM_HEADER, s->link_buf[i].size, false);
        struct bp_held h = tree_held(&s->tree, block);
        if (l->held_at == BP_NONE && h.held) {
            l->held_at = i;
            l->held = h;
        }
        if (i + 1 == m->n && l->held_at == BP_NONE) {
            uint32_t up = tree_parent(&s->tree, block);
            h = tree_held(&s->tree, up);
            if (h.held) {
                l->held_at = m->n;
                l->held = h;
            }
        }
    }
    host_step(s, &ev);
}

static void content_hashes(struct sim *s, struct msg *m) {
    s->hash_buf = arena_grow(s->arena, s->hash_buf, &s->hash_cap, m->n,
                             sizeof *s->hash_buf);
    struct bp_event ev = { .type = BP_EV_HASHES };
    struct bp_ev_hashes *h = &ev.u.hashes;
    h->peer = m->session;
    h->request = m->id;
    h->hashes = s->hash_buf;
    h->n = m->n;
    h->held_at = BP_NONE;
    for (uint32_t i = 0; i < m->n; i++) {
        s->hash_buf[i] = tree_hash(&s->tree, m->item[i].block);
        struct bp_held held = tree_held(&s->tree, m->item[i].block);
        if (h->held_at == BP_NONE && held.held) {
            h->held_at = i;
            h->held = held;
        }
    }
    host_step(s, &ev);
}

static bool request_wants(const struct request *r, uint32_t block,
                          bool *whole) {
    if (r == NULL || r->kind != MSG_BLOCKS) return false;
    for (uint32_t i = 0; i < r->count; i++)
        if (r->want[i] == block) {
            *whole = r->want_whole[i];
            return true;
        }
    return false;
}

/* A whole block, with its header. */
static void whole_block(struct sim *s, struct bp_delivery *b, uint32_t block,
                        bool corrupt) {
    b->link = tree_link(&s->tree, block);
    b->hash = b->link.hash;
    b->matched = true;
    b->has_link = true;
    b->size = b->link.size;
    uint32_t up = tree_parent(&s->tree, block);
    if (block < s->tree.n && !s->tree.b[block].empty)
        b->size += s->tree.b[block].body_size;
    b->known = tree_held(&s->tree, block);
    b->parent = tree_held(&s->tree, up);
    b->item = item_new(s, block, ITEM_WHOLE, b->size, corrupt);
}

static void count_body(struct sim *s, uint32_t block) {
    if (block >= s->tree.n) return;
    struct tblock *t = &s->tree.b[block];
    if (t->bodies != 0) {
        s->r.duplicates++;
        sim_count(s, HAPPENED_DUPLICATE, 1);
    }
    t->bodies++;
    if (t->held) sim_count(s, HAPPENED_HELD_AGAIN, 1);
}

static void content_blocks(struct sim *s, struct msg *m) {
    const struct peer *p = &s->peer[s->session[m->session - 1].peer];
    bool bare = (p->spec->caps & BP_CAP_LINKS) == 0;
    s->block_buf = arena_grow(s->arena, s->block_buf, &s->block_cap, m->n,
                              sizeof *s->block_buf);
    for (uint32_t i = 0; i < m->n; i++) {
        struct bp_delivery *b = &s->block_buf[i];
        uint32_t block = m->item[i].block;
        bool corrupt = (m->item[i].flags & ITEM_CORRUPT) != 0, whole = bare;
        bool wanted = request_wants(m->request, block, &whole);
        *b = (struct bp_delivery){ .size = 100 };
        if ((m->item[i].flags & ITEM_MISMATCH) != 0 || block == BLOCK_NONE ||
            (!whole && !wanted)) {
            b->item = item_new(s, BLOCK_NONE, ITEM_BODY, b->size, false);
            continue;
        }
        count_body(s, block);
        if (whole) {
            whole_block(s, b, block, corrupt);
            continue;
        }
        b->hash = tree_hash(&s->tree, block);
        b->matched = true;
        b->size = block < s->tree.n ? s->tree.b[block].body_size : 100;
        b->item = item_new(s, block, ITEM_BODY, b->size, corrupt);
    }
    struct bp_event ev = { .type = BP_EV_BLOCKS };
    ev.u.blocks.peer = m->session;
    ev.u.blocks.request = m->id;
    ev.u.blocks.blocks = s->block_buf;
    ev.u.blocks.n = m->n;
    host_step(s, &ev);
}

static void content_push(struct sim *s, struct msg *m) {
    if ((m->item[0].flags & ITEM_MISMATCH) != 0) {
        report_offence(s, m->session, BP_OFF_BODY_MISMATCH);
        return;
    }
    struct bp_event ev = { .type = BP_EV_PUSHED };
    ev.u.pushed.peer = m->session;
    count_body(s, m->item[0].block);
    whole_block(s, &ev.u.pushed.block, m->item[0].block,
                (m->item[0].flags & ITEM_CORRUPT) != 0);
    ev.u.pushed.has_td = m->has_td;
    if (m->has_td) ev.u.pushed.td = m->td;
    sim_count(s, HAPPENED_PUSHED, 1);
    host_step(s, &ev);
}

static void content_announce(struct sim *s, struct msg *m) {
    struct bp_event ev = { .type = BP_EV_ANNOUNCED };
    ev.u.announced.peer = m->session;
    ev.u.announced.hash = tree_hash(&s->tree, m->item[0].block);
    ev.u.announced.has_number = m->has_number;
    if (m->has_number) ev.u.announced.number = m->number;
    ev.u.announced.known = tree_held(&s->tree, m->item[0].block);
    sim_count(s, HAPPENED_ANNOUNCED, 1);
    host_step(s, &ev);
}

static void content_claim(struct sim *s, struct msg *m) {
    struct bp_event ev = { .type = BP_EV_PEER_CLAIM };
    struct bp_claim *c = &ev.u.claim.claim;
    ev.u.claim.peer = m->session;
    c->head = tree_hash(&s->tree, m->item[0].block);
    c->known = tree_held(&s->tree, m->item[0].block);
    c->has_td = m->has_td;
    if (m->has_td) c->td = m->td;
    c->has_number = m->has_number;
    if (m->has_number) c->number = m->number;
    host_step(s, &ev);
}

void host_on_content(struct sim *s, struct msg *m) {
    s->waiting--;
    if (s->down) return;
    if (!s->session[m->session - 1].live) sim_count(s, HAPPENED_REPLY_DEAD, 1);
    switch (m->kind) {
    case MSG_LINKS: content_links(s, m); break;
    case MSG_HASHES: content_hashes(s, m); break;
    case MSG_BLOCKS: content_blocks(s, m); break;
    case MSG_PUSH: content_push(s, m); break;
    case MSG_ANNOUNCE: content_announce(s, m); break;
    case MSG_CLAIM: content_claim(s, m); break;
    case MSG_RANGE: {
        struct bp_event ev = { .type = BP_EV_PEER_RANGE };
        ev.u.range.peer = m->session;
        ev.u.range.earliest = m->number;
        ev.u.range.latest = m->number2;
        host_step(s, &ev);
        break;
    }
    case MSG_GARBAGE: report_offence(s, m->session, BP_OFF_BAD_BYTES); break;
    }
}

static bool is_reply(enum msg_kind k) {
    return k == MSG_LINKS || k == MSG_HASHES || k == MSG_BLOCKS;
}

void host_on_message(struct sim *s, struct msg *m) {
    struct session *x = &s->session[m->session - 1];
    if (!x->live || s->down) {
        s->waiting--;
        return;
    }
    s->r.bytes += m->bytes;
    s->peer[x->peer].bytes += m->bytes;
    say(s, "peer %u gives %u %s (%u bytes) %s", s->peer[x->peer].name, m->n,
        m->kind == MSG_LINKS      ? "links"
        : m->kind == MSG_HASHES   ? "hashes"
        : m->kind == MSG_BLOCKS   ? "blocks"
        : m->kind == MSG_PUSH     ? "pushed"
        : m->kind == MSG_ANNOUNCE ? "announced"
        : m->kind == MSG_CLAIM    ? "claim"
        : m->kind == MSG_RANGE    ? "range"
                                  : "garbage",
        m->bytes, m->n != 0 ? sim_block(s, m->item[0].block) : "");
    if (is_reply(m->kind)) {
        struct bp_event ev = { .type = BP_EV_REPLY };
        ev.u.reply.peer = m->session;
        ev.u.reply.request = m->id;
        ev.u.reply.bytes = m->bytes;
        struct request *r = m->request;
        /* A liar may answer under a number that it was asked under. */
        for (int k = 0; r == NULL && k < 3; k++)
            if (x->last[k] != NULL && x->last[k]->id == m->id) r = x->last[k];
        if (r != NULL) {
            if (r->answered)
                sim_count(s, HAPPENED_REPLY_TWICE, 1);
            else
                r->came = s->now;
            if (s->now > r->due) sim_count(s, HAPPENED_REPLY_LATE, 1);
            r->answered = true;
        }
        host_step(s, &ev);
    }
    bp_time at = s->now;
    if (s->w->host.decode_ms != 0)
        at += bp_rng_below(&s->host_rng, s->w->host.decode_ms + 1u);
    if (at < x->content_free) at = x->content_free;
    x->content_free = at;
    queue_put(&s->queue, at, ON_CONTENT, m->session, m);
}

/* ---- sessions --------------------------------------------------------- */

struct bp_claim host_claim(struct sim *s, struct peer *p) {
    struct bp_claim c = { 0 };
    const struct peer_spec *x = p->spec;
    const struct tblock *b = &s->tree.b[p->head];
    c.head = b->hash;
    c.known = tree_held(&s->tree, p->head);
    uint32_t td_kind = x->scripted ? p->script_td_kind : x->td_kind;
    uint64_t td = x->scripted ? p->script_td : x->td;
    c.has_td = td_kind != CLAIM_NONE;
    c.td = td_kind == CLAIM_VALUE ? bp_u256_from_u64(td) : b->td;
    if (!c.has_td) c.td = bp_u256_from_u64(0);
    c.has_number = x->number_kind != CLAIM_NONE;
    if (c.has_number)
        c.number = x->number_kind == CLAIM_VALUE ? x->number : b->number;
    if (x->hostile) liar_claim(s, p, &c);
    return c;
}

static bp_hash identity_hash(const struct sim *s, uint32_t identity) {
    bp_hash h = { { 0 } };
    for (int i = 0; i < 4; i++) {
        uint64_t v = stream_seed(s->w->seed, 77u + (uint32_t)i, identity);
        memcpy(h.b + 8 * i, &v, 8);
    }
    return h;
}

void host_join(struct sim *s, struct peer *p) {
    s->session = arena_grow(s->arena, s->session, &s->session_cap,
                            s->sessions + 1, sizeof *s->session);
    struct session *x = &s->session[s->sessions++];
    *x = (struct session){ .peer = (uint32_t)(p - s->peer),
                           .live = true,
                           .identity = identity_hash(s, p->identity),
                           .content_free = s->now,
                           .joined = s->now };
    p->session = s->sessions;
    p->last_arrival = s->now;
    p->out_free_us = s->now * 1000;
    sim_count(s, HAPPENED_JOINED, 1);
    const struct peer_spec *spec = p->spec;
    struct bp_event ev = { .type = BP_EV_PEER_JOINED };
    struct bp_ev_joined *j = &ev.u.joined;
    j->peer = p->session;
    j->info.identity = x->identity;
    j->info.caps = spec->caps;
    j->info.links_max = spec->links_max;
    j->info.hashes_max = spec->hashes_max;
    j->info.blocks_max = spec->blocks_max;
    j->info.has_range = spec->has_range != 0;
    j->info.claim = host_claim(s, p);
    if (spec->has_range) {
        j->info.earliest = spec->earliest;
        j->info.latest = s->tree.b[p->head].number;
    }
    say(s, "peer %u joins with head %s", p->name, sim_block(s, p->head));
    host_step(s, &ev);
}

void host_end_session(struct sim *s, uint32_t session, bool by_us) {
    struct session *x = &s->session[session - 1];
    struct peer *p = &s->peer[x->peer];
    if (p->session == session) {
        x->live = false;
        x->left = s->now;
        p->session = 0;
        p->kept = NULL;
        if (!by_us) sim_count(s, HAPPENED_LEFT, 1);
        if (!by_us) judge_accident(s, p, 0);
        say(s, "peer %u %s", p->name, by_us ? "is put out" : "leaves");
        peer_session_ended(s, p, by_us);
    }
    if (s->down) return;
    struct bp_event ev = { .type = BP_EV_PEER_LEFT };
    ev.u.left.peer = session;
    host_step(s, &ev);
}

/* ---- actions ---------------------------------------------------------- */

static struct request *new_request(struct sim *s, bp_peer_id peer, bp_req_id id,
                                   enum msg_kind kind, bp_time due) {
    if (peer == 0 || peer > s->sessions) {
        sim_fail(s, "contract", "asked a session that never was");
        return NULL;
    }
    struct session *x = &s->session[peer - 1];
    if (!x->live) {
        sim_fail(s, "contract", "asked peer %u after its session ended",
                 s->peer[x->peer].name);
        return NULL;
    }
    if (id == 0 || id <= s->last_request) {
        sim_fail(s, "contract", "request id %llu was used before",
                 (unsigned long long)id);
        return NULL;
    }
    if (due <= s->now)
        sim_fail(s, "contract", "request %llu was due before it was made",
                 (unsigned long long)id);
    static const uint32_t needs[] = { BP_CAP_LINKS, BP_CAP_HASHES,
                                      BP_CAP_BLOCKS };
    const struct peer *p = &s->peer[x->peer];
    if ((p->spec->caps & needs[kind]) == 0)
        sim_fail(s, "contract", "asked peer %u for what it cannot give",
                 p->name);
    const struct request *last = x->last[kind];
    if (s->ops == &engine_pool && (p->spec->caps & BP_CAP_IDS) == 0 &&
        last != NULL && !last->answered && s->now < last->due)
        sim_fail(s, "contract", "asked peer %u twice at once, without ids",
                 p->name);
    s->last_request = id;
    struct request *r = arena_take(s->arena, sizeof *r);
    r->id = id;
    r->session = (uint32_t)peer;
    r->kind = kind;
    r->sent = s->now;
    r->due = due;
    r->origin = BLOCK_NONE;
    x->last[kind] = r;
    s->request = arena_grow(s->arena, s->request, &s->request_cap,
                            s->requests + 1, sizeof *s->request);
    s->request[s->requests++] = r;
    return r;
}

static void act_ask_links(struct sim *s, const struct bp_act_ask_links *a) {
    struct request *r = new_request(s, a->peer, a->request, MSG_LINKS, a->due);
    if (r == NULL) return;
    const struct peer *p = &s->peer[s->session[r->session - 1].peer];
    r->by_number = a->by_number;
    r->reverse = a->reverse;
    r->number = a->number;
    r->count = a->count;
    r->skip = a->skip;
    if (!a->by_number) r->origin = tree_find(&s->tree, &a->hash);
    uint64_t reach = (uint64_t)(a->count - 1) * ((uint64_t)a->skip + 1);
    if (a->count == 0 || a->count > s->config.links_per_request ||
        (p->spec->links_max != 0 && a->count > p->spec->links_max))
        sim_fail(s, "contract", "asked peer %u for %u links", p->name,
                 a->count);
    if (a->by_number &&
        (a->reverse ? a->number < reach : a->number > UINT64_MAX - 1 - reach))
        sim_fail(s, "contract", "asked beyond the numbers there are");
    sim_count(s, HAPPENED_ASK_LINKS, 1);
    if (a->by_number) sim_count(s, HAPPENED_ASK_NUMBER, 1);
    char number[32];
    snprintf(number, sizeof number, "number %llu",
             (unsigned long long)a->number);
    say(s, "ask peer %u for %u links %s %s (request %llu, due %llu)", p->name,
        a->count, a->reverse ? "back from" : "up from",
        a->by_number ? number : sim_block(s, r->origin),
        (unsigned long long)a->request, (unsigned long long)a->due);
    net_ask(s, r);
}

static void act_ask_hashes(struct sim *s, const struct bp_act_ask_hashes *a) {
    struct request *r = new_request(s, a->peer, a->request, MSG_HASHES, a->due);
    if (r == NULL) return;
    const struct peer *p = &s->peer[s->session[r->session - 1].peer];
    r->origin = tree_find(&s->tree, &a->from);
    r->count = a->count;
    r->reverse = true;
    if (a->count == 0 || a->count > s->config.hashes_per_request ||
        (p->spec->hashes_max != 0 && a->count > p->spec->hashes_max))
        sim_fail(s, "contract", "asked peer %u for %u hashes", p->name,
                 a->count);
    sim_count(s, HAPPENED_ASK_HASHES, 1);
    say(s, "ask peer %u for %u hashes below %s (request %llu, due %llu)",
        p->name, a->count, sim_block(s, r->origin),
        (unsigned long long)a->request, (unsigned long long)a->due);
    net_ask(s, r);
}

static void act_ask_blocks(struct sim *s, const struct bp_act_ask_blocks *a) {
    struct request *r = new_request(s, a->peer, a->request, MSG_BLOCKS, a->due);
    if (r == NULL) return;
    const struct peer *p = &s->peer[s->session[r->session - 1].peer];
    if (a->n == 0 || a->n > s->config.blocks_per_request ||
        (p->spec->blocks_max != 0 && a->n > p->spec->blocks_max))
        sim_fail(s, "contract", "asked peer %u for %zu blocks", p->name, a->n);
    r->count = (uint32_t)a->n;
    r->want = arena_take(s->arena, (a->n + 1) * sizeof *r->want);
    r->want_whole = arena_take(s->arena, a->n + 1);
    for (size_t i = 0; i < a->n; i++) {
        uint32_t b = tree_find(&s->tree, &a->wants[i].hash);
        r->want[i] = b;
        r->want_whole[i] = a->wants[i].item == 0;
        if (a->wants[i].item != 0) {
            const struct item *it = item_of(s, a->wants[i].item, "a want");
            if (it != NULL && (it->kind != ITEM_HEADER || it->block != b))
                sim_fail(s, "contract", "a want names the wrong header");
        }
        if (b < s->tree.n) {
            s->tree.b[b].asked++;
            if (s->tree.b[b].empty && !r->want_whole[i])
                sim_fail(s, "contract", "asked for the empty body of %s",
                         sim_block(s, b));
        }
    }
    sim_count(s, HAPPENED_ASK_BLOCKS, 1);
    say(s, "ask peer %u for %zu blocks: %s … %s (request %llu, due %llu)",
        p->name, a->n, sim_block(s, r->want[0]),
        sim_block(s, r->want[a->n - 1]), (unsigned long long)a->request,
        (unsigned long long)a->due);
    net_ask(s, r);
}

static void act_blame(struct sim *s, const struct bp_act_blame *b) {
    if (b->peer == 0 || b->peer > s->sessions) {
        sim_fail(s, "contract", "blamed a session that never was");
        return;
    }
    const struct session *x = &s->session[b->peer - 1];
    if (!bp_hash_eq(&x->identity, &b->identity))
        sim_fail(s, "contract", "blamed peer %u under another identity",
                 s->peer[x->peer].name);
    if (b->until != 0) sim_count(s, HAPPENED_SUSPENDED, 1);
    judge_blame(s, b);
    if (b->end && x->live) {
        s->peer[x->peer].ended = true;
        queue_put(&s->queue, s->now, ON_LEAVE, (uint32_t)b->peer, s);
    }
}

static void act_report(struct sim *s, const struct bp_act_report *r) {
    static const char *const words[] = { "best",    "joined",  "synced",
                                         "stalled", "dropped", "condensed",
                                         "target" };
    say(s, "report: %s, peer %u, block %s, count %llu", words[r->kind],
        r->peer == 0 || r->peer > s->sessions
            ? 0
            : s->peer[s->session[r->peer - 1].peer].name,
        sim_block(s, tree_find(&s->tree, &r->hash)),
        (unsigned long long)r->count);
    switch (r->kind) {
    case BP_REPORT_STALLED: sim_count(s, HAPPENED_STALLED, 1); break;
    case BP_REPORT_DROPPED: sim_count(s, HAPPENED_DROPPED, 1); break;
    case BP_REPORT_CONDENSED: sim_count(s, HAPPENED_CONDENSED, 1); break;
    case BP_REPORT_BEST:
    case BP_REPORT_JOINED:
    case BP_REPORT_SYNCED:
    case BP_REPORT_TARGET: break;
    }
}

static void act(struct sim *s, const struct bp_action *a) {
    switch (a->type) {
    case BP_ACT_ASK_LINKS: act_ask_links(s, &a->u.ask_links); break;
    case BP_ACT_ASK_HASHES: act_ask_hashes(s, &a->u.ask_hashes); break;
    case BP_ACT_ASK_BLOCKS: act_ask_blocks(s, &a->u.ask_blocks); break;
    case BP_ACT_CHECK: job_check(s, &a->u.check); break;
    case BP_ACT_INSERT: job_insert(s, &a->u.insert); break;
    case BP_ACT_BLAME: act_blame(s, &a->u.blame); break;
    case BP_ACT_RELEASE:
        for (size_t i = 0; i < a->u.release.n; i++)
            item_release(s, a->u.release.items[i]);
        break;
    case BP_ACT_REPORT: act_report(s, &a->u.report); break;
    }
}

static uint64_t action_mark(const struct bp_action *a) {
    switch (a->type) {
    case BP_ACT_ASK_LINKS: return a->u.ask_links.request ^ a->u.ask_links.count;
    case BP_ACT_ASK_HASHES: return a->u.ask_hashes.request;
    case BP_ACT_ASK_BLOCKS: return a->u.ask_blocks.request ^ a->u.ask_blocks.n;
    case BP_ACT_CHECK: return a->u.check.job ^ a->u.check.n;
    case BP_ACT_INSERT: return a->u.insert.job ^ a->u.insert.n;
    case BP_ACT_BLAME:
        return a->u.blame.peer ^ (uint64_t)a->u.blame.offence << 32;
    case BP_ACT_RELEASE: return a->u.release.n ^ a->u.release.items[0];
    case BP_ACT_REPORT: return a->u.report.kind ^ a->u.report.count << 8;
    }
    return 0;
}

static void sample_timeline(struct sim *s) {
    struct timeline *t = &s->timeline;
    struct bp_pool_status st;
    s->ops->status(s->engine, &st);
    if (t->n == 0 || t->sample[t->n - 1].at != s->now) {
        t->sample = arena_grow(s->arena, t->sample, &t->cap, t->n + 1,
                               sizeof *t->sample);
        t->n++;
    }
    t->sample[t->n - 1] =
        (struct sample){ s->now, st.window_used, st.links_held, st.sections,
                         st.blocks_inserted };
}

/* After every step; the heap remembers what was held in between. */
static void check_memory(struct sim *s) {
    uint64_t memory = s->ops->memory(s->engine);
    if (s->heap.peak > s->r.bound)
        sim_fail(s, "memory", "held %llu bytes, the bound is %llu",
                 (unsigned long long)s->heap.peak,
                 (unsigned long long)s->r.bound);
    if (memory != s->heap.live)
        sim_fail(s, "memory", "says %llu bytes, holds %llu",
                 (unsigned long long)memory, (unsigned long long)s->heap.live);
}

void host_step(struct sim *s, const struct bp_event *ev) {
    if (s->down || s->r.failed) return;
    if (++s->r.steps > STEPS_MAX && s->w->drawn) {
        sim_fail(s, "steps", "%u steps and no end", STEPS_MAX);
        return;
    }
    sim_hash(s, s->now << 8 | ev->type);
    struct bp_recorder *rec =
        s->opt.record != NULL ? s->opt.record->recorder : NULL;
    if (rec != NULL) bp_recorder_event(rec, ev, s->now);
    s->ops->step(s->engine, ev, s->now);
    struct bp_action a;
    uint32_t n = 0;
    while (!s->r.failed && s->ops->next(s->engine, &a)) {
        if (rec != NULL) bp_recorder_action(rec, &a);
        sim_hash(s, (uint64_t)a.type << 56 ^ action_mark(&a));
        act(s, &a);
        if (++n > ACTIONS_MAX)
            sim_fail(s, "endless", "one event gave %u actions", n);
    }
    uint32_t every = s->opt.check_every;
    /* A full check walks everything; a long scenario has it less often. */
    if (every == 0) every = s->tree.n > LONG_TREE ? 512 : 16;
    if (s->r.steps % every == 0) s->ops->check(s->engine);
    check_memory(s);
    if (s->opt.timeline) sample_timeline(s);
}

/* ---- life ------------------------------------------------------------- */

static void trace_line(void *user, const char *line) {
    struct sim *s = user;
    if (s->opt.narrate != NULL) fprintf(s->opt.narrate, "    | %s\n", line);
}

void host_start(struct sim *s) {
    struct bp_pool_config *c = &s->config;
    *c = s->w->pool;
    c->alloc = &s->heap.iface;
    c->genesis = tree_hash(&s->tree, 0);
    c->head = s->head;
    c->refused_td = s->refused_td;
    if (s->opt.narrate != NULL) {
        c->trace = trace_line;
        c->trace_user = s;
    }
    if (s->opt.record != NULL) recorder_begin(s->opt.record, c);
    s->r.bound = s->ops->bound(c);
    uint32_t fail = s->heap.fail_pm;
    s->heap.fail_pm = 0;
    int err = s->ops->make(&s->engine, c);
    s->heap.fail_pm = fail;
    if (err != 0) {
        sim_fail(s, "config", "the pool refuses the configuration: %s",
                 bp_strerror(err));
        s->engine = NULL;
        s->down = true;
        return;
    }
    /* What a zero meant, for the contract's checks. */
    if (c->links_per_request == 0) c->links_per_request = 1024;
    if (c->hashes_per_request == 0) c->hashes_per_request = 256;
    if (c->blocks_per_request == 0) c->blocks_per_request = 128;
    if (c->insert_items_max == 0) c->insert_items_max = 1024;
    if (c->insert_bytes_max == 0) c->insert_bytes_max = 16u << 20;
    if (c->check_links_max == 0) c->check_links_max = 1024;
    if (c->workers == 0) c->workers = 2;
    s->down = false;
    s->epoch++;
    s->last_request = 0;
    s->last_job = 0;
    s->checks_running = 0;
    s->inserting = false;
}

static void release_at_end(void *user, uint64_t item) {
    item_release(user, item);
}

void host_stop(struct sim *s) {
    if (s->engine == NULL) return;
    if (s->opt.record != NULL) recorder_end(s->opt.record);
    s->ops->end(s->engine, release_at_end, s);
    s->engine = NULL;
    s->down = true;
    if (s->live_items != 0)
        sim_fail(s, "release", "%u items were never released", s->live_items);
    if (s->heap.live != 0)
        sim_fail(s, "leak", "%llu bytes were never freed",
                 (unsigned long long)s->heap.live);
    if (s->heap.broken)
        sim_fail(s, "leak", "freed with another size than allocated");
}

bool host_idle(const struct sim *s) {
    return s->waiting == 0 && s->checks_running == 0 && !s->inserting &&
           !s->down;
}

/* What was stored last may be lost: a tail of the journal, since a block is
   written after its parent. */
void host_crash(struct sim *s) {
    if (s->down) return;
    sim_count(s, HAPPENED_CRASHED, 1);
    judge_accident(s, NULL, 0);
    for (uint32_t i = 0; i < s->peers; i++) {
        struct peer *p = &s->peer[i];
        if (p->session == 0) continue;
        s->session[p->session - 1].live = false;
        p->session = 0;
        p->kept = NULL;
        peer_session_ended(s, p, false);
    }
    host_stop(s);
    uint32_t lose = s->w->host.unsynced;
    lose = lose != 0 ? (uint32_t)bp_rng_below(&s->host_rng, lose + 1u) : 0;
    uint32_t floor = s->w->chain_n > 1 ? s->w->chain_n : 1;
    while (lose > 0 && s->stored > floor) {
        s->tree.b[s->journal[--s->stored]].held = false;
        sim_count(s, HAPPENED_TORN, 1);
        lose--;
    }
    s->head_block = s->journal[0];
    for (uint32_t i = 0; i < s->stored; i++) {
        const struct tblock *b = &s->tree.b[s->journal[i]];
        if (bp_u256_cmp(&b->td, &s->tree.b[s->head_block].td) > 0)
            s->head_block = s->journal[i];
    }
    store_choose(s, s->head_block);
    say(s, "our node crashes; it will find head %s",
        sim_block(s, s->head_block));
    queue_put(&s->queue, s->now + 1000, ON_RESTART, 0, NULL);
}

void host_restart(struct sim *s) {
    say(s, "our node starts again");
    host_start(s);
}
