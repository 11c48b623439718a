/* scene: the world, the host, the queue of what will happen. */
#include "lib/scene.h"

#include <time.h>

#include "blockpool/record.h"

/* ---- the world ---------------------------------------------------------- */

bp_hash scene_hash(uint32_t id) {
    bp_hash h;
    uint64_t x = id;
    struct bp_rng rng;
    bp_rng_seed(&rng, x ^ 0x70796f74);
    uint64_t a = bp_rng_next(&rng), b = bp_rng_next(&rng);
    memcpy(h.b + 16, &a, 8);
    memcpy(h.b + 24, &b, 8);
    memcpy(h.b + 4, &b, 8);
    memcpy(h.b + 8, &a, 8);
    for (int i = 0; i < 4; i++) h.b[i] = (uint8_t)(id >> (24 - 8 * i));
    return h;
}

uint32_t scene_id(const bp_hash *h) {
    uint32_t id = 0;
    for (int i = 0; i < 4; i++) id = id << 8 | h->b[i];
    return id;
}

struct scene_block *scene_at(struct scene *s, uint32_t id) {
    assert_true(id < s->n_blocks);
    return &s->block[id];
}

static void *more(void *p, size_t *cap, size_t need, size_t elem) {
    if (need <= *cap) return p;
    size_t n = *cap == 0 ? 64 : *cap;
    while (n < need) n *= 2;
    char *q = realloc(p, n * elem);
    assert_non_null(q);
    memset(q + *cap * elem, 0, (n - *cap) * elem);
    *cap = n;
    return q;
}

void scene_block(struct scene *s, uint32_t id, uint32_t parent,
                 uint64_t difficulty) {
    size_t cap = s->cap_blocks;
    s->block = more(s->block, &cap, (size_t)id + 1, sizeof *s->block);
    s->cap_blocks = (uint32_t)cap;
    if (id >= s->n_blocks) s->n_blocks = id + 1;
    struct scene_block *b = &s->block[id];
    *b = (struct scene_block){
        .parent = parent, .difficulty = difficulty, .exists = true, .body = 1000
    };
    b->td = bp_u256_from_u64(difficulty);
    if (id == 0) return;
    const struct scene_block *up = scene_at(s, parent);
    b->number = up->number + 1;
    bp_u256_add(&b->td, &b->td, &up->td);
}

void scene_chain(struct scene *s, uint32_t first, uint32_t last,
                 uint64_t difficulty) {
    for (uint32_t id = first; id <= last; id++)
        scene_block(s, id, id - 1, difficulty);
}

void scene_hold(struct scene *s, uint32_t id) {
    for (uint32_t at = id; !scene_at(s, at)->held; at = s->block[at].parent) {
        s->block[at].held = true;
        if (at == 0) break;
    }
    if (bp_u256_cmp(&s->block[id].td, &s->block[s->head].td) > 0) s->head = id;
}

bool scene_descends(struct scene *s, uint32_t id, uint32_t from) {
    uint64_t n = scene_at(s, from)->number;
    while (scene_at(s, id)->number > n) id = s->block[id].parent;
    return id == from;
}

static struct bp_held held_of(struct scene *s, uint32_t id) {
    struct bp_held h = { 0 };
    if (id >= s->n_blocks || !s->block[id].held) return h;
    h.held = true;
    h.number = s->block[id].number;
    h.td = s->block[id].td;
    return h;
}

static struct bp_chain_head chain_head(struct scene *s) {
    return (struct bp_chain_head){ scene_hash(s->head),
                                   s->block[s->head].number,
                                   s->block[s->head].td };
}

/* ---- items -------------------------------------------------------------- */

/* What an item is: its block, its kind, whether a body rule is broken. */
static uint64_t item_new(struct scene *s, uint32_t block,
                         enum scene_item_kind kind, bool bad) {
    uint64_t what =
        (uint64_t)block << 8 | (uint64_t)kind << 2 | 2 | (bad ? 1 : 0);
    s->live_items++;
    if (s->live_items > s->peak_items) s->peak_items = s->live_items;
    uint64_t id;
    if (s->n_free > 0) {
        id = s->free_items[--s->n_free];
    } else {
        if (s->n_items == 0) s->n_items = 1;
        s->item = more(s->item, &s->cap_items, s->n_items + 1, sizeof *s->item);
        id = s->n_items++;
    }
    s->item[id] = what;
    return id;
}

static void item_release(struct scene *s, uint64_t id) {
    if (id == 0 || id >= s->n_items) fail_msg("released an unknown item");
    if (s->item[id] == 0) fail_msg("released item %zu twice", (size_t)id);
    s->item[id] = 0;
    s->live_items--;
    /* Late reuse, so that a second release shows. */
    if (s->no_check) {
        s->free_items = more(s->free_items, &s->cap_free, s->n_free + 1,
                             sizeof *s->free_items);
        s->free_items[s->n_free++] = id;
    }
}

static void item_release_cb(void *user, uint64_t id) {
    item_release(user, id);
}

static uint64_t item_look(struct scene *s, uint64_t id) {
    if (id == 0 || id >= s->n_items || s->item[id] == 0)
        fail_msg("item %zu was used after its release", (size_t)id);
    return s->item[id];
}

/* ---- the queue ---------------------------------------------------------- */

enum what { WHAT_ANSWER, WHAT_JOB };

struct scene_event {
    bp_time at;
    uint64_t serial;
    enum what what;
    bp_peer_id peer;
    size_t ask;
    enum bp_action_type job_type;
    bp_job_id job;
    struct bp_verdict verdict;
    uint32_t *ids; /* of an insertion */
    size_t n;
};

static bool sooner(const struct scene_event *a, const struct scene_event *b) {
    return a->at != b->at ? a->at < b->at : a->serial < b->serial;
}

static void queue_put(struct scene *s, struct scene_event e) {
    s->queue = more(s->queue, &s->cap_queue, s->n_queue + 1, sizeof *s->queue);
    e.serial = ++s->serial;
    size_t i = s->n_queue++;
    for (; i > 0 && sooner(&e, &s->queue[(i - 1) / 2]); i = (i - 1) / 2)
        s->queue[i] = s->queue[(i - 1) / 2];
    s->queue[i] = e;
}

static struct scene_event queue_take(struct scene *s) {
    struct scene_event top = s->queue[0], e = s->queue[--s->n_queue];
    size_t i = 0;
    for (;;) {
        size_t k = 2 * i + 1;
        if (k >= s->n_queue) break;
        if (k + 1 < s->n_queue && sooner(&s->queue[k + 1], &s->queue[k])) k++;
        if (!sooner(&s->queue[k], &e)) break;
        s->queue[i] = s->queue[k];
        i = k;
    }
    if (s->n_queue > 0) s->queue[i] = e;
    return top;
}

/* ---- the host's answers -------------------------------------------------- */

static void job_later(struct scene *s, enum bp_action_type type, bp_job_id job,
                      struct bp_verdict v, uint32_t *ids, size_t n,
                      uint32_t ms) {
    queue_put(s, (struct scene_event){ .at = s->now + ms,
                                       .what = WHAT_JOB,
                                       .job_type = type,
                                       .job = job,
                                       .verdict = v,
                                       .ids = ids,
                                       .n = n });
}

static struct bp_verdict judge_links(struct scene *s,
                                     const struct bp_act_check *c) {
    struct bp_verdict v = { .kind = BP_VERDICT_OK, .n = c->n };
    for (size_t i = 0; i < c->n; i++) {
        uint64_t what = item_look(s, c->items[i]);
        uint32_t id = (uint32_t)(what >> 8);
        assert_int_equal(id, scene_id(&c->hashes[i]));
        const struct scene_block *b = scene_at(s, id);
        if (b->bad_seal || (b->bad_rule && c->kind == BP_CHECK_RUN)) {
            v.kind = BP_VERDICT_INVALID;
            v.part = BP_PART_LINK;
            v.code = b->bad_seal ? -1 : -2;
        } else if (b->later > s->now) {
            v.kind = BP_VERDICT_LATER;
            v.not_before = b->later;
        } else {
            continue;
        }
        v.n = i;
        return v;
    }
    if (c->kind == BP_CHECK_RUN && c->parent_item != 0) {
        uint64_t what = item_look(s, c->parent_item);
        assert_int_equal(what >> 8, scene_id(&c->parent));
    } else if (c->kind == BP_CHECK_RUN) {
        assert_true(scene_at(s, scene_id(&c->parent))->held);
    }
    return v;
}

static void on_check(struct scene *s, const struct bp_act_check *c) {
    assert_true(c->n > 0);
    for (size_t i = 1; i < c->n; i++) {
        const struct scene_block *b = scene_at(s, scene_id(&c->hashes[i]));
        assert_int_equal(b->parent, scene_id(&c->hashes[i - 1]));
    }
    assert_int_equal(scene_at(s, scene_id(&c->hashes[0]))->number,
                     c->first_number);
    if (s->hold_jobs && c->kind == BP_CHECK_RUN) return;
    job_later(s, BP_ACT_CHECK, c->job, judge_links(s, c), NULL, 0, s->check_ms);
}

static struct bp_verdict judge_blocks(struct scene *s,
                                      const struct bp_act_insert *a,
                                      uint32_t *ids) {
    struct bp_verdict v = { .kind = BP_VERDICT_OK, .n = a->n };
    for (size_t i = 0; i < a->n; i++) {
        const struct bp_insert_item *it = &a->items[i];
        uint32_t id = scene_id(&it->hash);
        const struct scene_block *b = scene_at(s, id);
        ids[i] = id;
        uint32_t parent = i == 0 ? scene_id(&a->parent) : ids[i - 1];
        if (b->parent != parent) fail_msg("block %u does not follow", id);
        bool bad = false;
        if (it->link_item != 0)
            assert_int_equal(item_look(s, it->link_item) >> 8, id);
        if (it->body_item != 0) {
            uint64_t what = item_look(s, it->body_item);
            assert_int_equal(what >> 8, id);
            bad = (what & 1) != 0;
        } else {
            assert_true(b->empty);
        }
        if (!bad && !b->bad_body) continue;
        v.kind = BP_VERDICT_INVALID;
        v.part = BP_PART_BODY;
        v.body_committed = b->bad_body;
        v.code = -3;
        v.n = i;
        return v;
    }
    return v;
}

static void on_insert(struct scene *s, const struct bp_act_insert *a) {
    assert_true(a->n > 0);
    uint32_t parent = scene_id(&a->parent);
    if (!scene_at(s, parent)->held)
        fail_msg("inserted on %u, which is not held", parent);
    uint32_t *ids = malloc(a->n * sizeof *ids);
    assert_non_null(ids);
    struct bp_verdict v = judge_blocks(s, a, ids);
    if (s->fail_inserts > 0) {
        s->fail_inserts--;
        v = (struct bp_verdict){ .kind = BP_VERDICT_FAILED };
    }
    if (s->hold_jobs) {
        free(ids);
        return;
    }
    job_later(s, BP_ACT_INSERT, a->job, v, ids, a->n, s->insert_ms);
}

/* ---- actions ------------------------------------------------------------ */

static void answer_later(struct scene *s, struct scene_peer *peer, size_t ask,
                         uint64_t bytes) {
    bp_time at = s->now + peer->latency;
    if (peer->rate != 0) {
        uint64_t us = bytes * 1000 / peer->rate;
        if (peer->free_at > at) at = peer->free_at;
        at += us;
        peer->free_at = at;
    }
    queue_put(
        s, (struct scene_event){
               .at = at, .what = WHAT_ANSWER, .peer = peer->id, .ask = ask });
}

static struct scene_ask *ask_new(struct scene_peer *peer) {
    peer->asks =
        more(peer->asks, &peer->cap_asks, peer->n_asks + 1, sizeof *peer->asks);
    struct scene_ask *a = &peer->asks[peer->n_asks++];
    a->open = true;
    a->origin = SCENE_NONE;
    return a;
}

static uint64_t ask_bytes(struct scene *s, struct scene_peer *peer,
                          const struct scene_ask *a) {
    if (a->type == BP_ACT_ASK_LINKS) return (uint64_t)a->count * s->link_bytes;
    if (a->type == BP_ACT_ASK_HASHES) return (uint64_t)a->count * 32;
    uint64_t n = 0;
    for (size_t i = 0; i < a->n; i++)
        if (peer->cap == 0 || i < peer->cap) n += scene_at(s, a->ids[i])->body;
    return n;
}

static void on_ask_blocks(struct scene *s, const struct bp_act_ask_blocks *b,
                          struct scene_ask *a) {
    assert_true(b->n > 0);
    a->id = b->request;
    a->n = b->n;
    a->count = (uint32_t)b->n;
    a->ids = malloc(b->n * sizeof *a->ids);
    a->whole = malloc(b->n * sizeof *a->whole);
    assert_non_null(a->ids);
    assert_non_null(a->whole);
    for (size_t i = 0; i < b->n; i++) {
        a->ids[i] = scene_id(&b->wants[i].hash);
        a->whole[i] = b->wants[i].item == 0;
        if (b->wants[i].item != 0)
            assert_int_equal(item_look(s, b->wants[i].item) >> 8, a->ids[i]);
        struct scene_block *blk = scene_at(s, a->ids[i]);
        blk->asked++;
        if (blk->empty && !a->whole[i]) fail_msg("asked for an empty body");
    }
}

static void on_ask(struct scene *s, const struct bp_action *act) {
    bp_peer_id id = act->type == BP_ACT_ASK_LINKS    ? act->u.ask_links.peer
                    : act->type == BP_ACT_ASK_HASHES ? act->u.ask_hashes.peer
                                                     : act->u.ask_blocks.peer;
    struct scene_peer *peer = scene_peer(s, id);
    assert_true(peer->here);
    struct scene_ask *a = ask_new(peer);
    a->type = act->type;
    if (act->type == BP_ACT_ASK_LINKS) {
        const struct bp_act_ask_links *l = &act->u.ask_links;
        assert_true(!l->by_number && l->reverse && l->skip == 0);
        assert_true(l->count > 0 && l->due > s->now);
        a->id = l->request;
        a->origin = scene_id(&l->hash);
        a->count = l->count;
    } else if (act->type == BP_ACT_ASK_HASHES) {
        a->id = act->u.ask_hashes.request;
        a->origin = scene_id(&act->u.ask_hashes.from);
        a->count = act->u.ask_hashes.count;
    } else {
        on_ask_blocks(s, &act->u.ask_blocks, a);
    }
    if (!peer->manual && !peer->silent)
        answer_later(s, peer, peer->n_asks - 1, ask_bytes(s, peer, a));
}

static void on_blame(struct scene *s, const struct bp_act_blame *b) {
    s->blames =
        more(s->blames, &s->cap_blames, s->n_blames + 1, sizeof *s->blames);
    s->blames[s->n_blames++] =
        (struct scene_blame){ b->peer, b->offence, b->end,
                              b->has_hash ? scene_id(&b->hash) : 0 };
    assert_true(b->offence != 0 || b->end);
    if (b->end && b->peer != 0 && b->peer <= s->n_peers)
        scene_peer(s, b->peer)->here = false;
}

static void perform(struct scene *s, const struct bp_action *a) {
    switch (a->type) {
    case BP_ACT_ASK_LINKS:
    case BP_ACT_ASK_HASHES:
    case BP_ACT_ASK_BLOCKS: on_ask(s, a); return;
    case BP_ACT_CHECK: on_check(s, &a->u.check); return;
    case BP_ACT_INSERT: on_insert(s, &a->u.insert); return;
    case BP_ACT_BLAME: on_blame(s, &a->u.blame); return;
    case BP_ACT_RELEASE:
        assert_true(a->u.release.n > 0);
        for (size_t i = 0; i < a->u.release.n; i++)
            item_release(s, a->u.release.items[i]);
        return;
    case BP_ACT_REPORT: s->n_reports[a->u.report.kind]++; return;
    }
}

static double cpu_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static bool next_action(struct scene *s, struct bp_action *a) {
    if (!s->measure) return bp_pool_next(s->pool, a);
    double t = cpu_now();
    bool more_to_do = bp_pool_next(s->pool, a);
    s->engine_s += cpu_now() - t;
    return more_to_do;
}

void scene_step(struct scene *s, const struct bp_event *ev) {
    if (s->recorder != NULL) bp_recorder_event(s->recorder, ev, s->now);
    if (s->measure) {
        double t = cpu_now();
        bp_pool_step(s->pool, ev, s->now);
        s->engine_s += cpu_now() - t;
    } else {
        bp_pool_step(s->pool, ev, s->now);
    }
    if (!s->no_check) bp_pool_check(s->pool);
    struct bp_action a;
    while (next_action(s, &a)) {
        if (s->recorder != NULL) bp_recorder_action(s->recorder, &a);
        perform(s, &a);
    }
    if (!s->no_check) bp_pool_check(s->pool);
    uint64_t memory = bp_pool_memory(s->pool);
    if (memory > s->peak_memory) s->peak_memory = memory;
    if (s->after_step != NULL) s->after_step(s);
}

void scene_tick(struct scene *s) {
    scene_step(s, &(struct bp_event){ .type = BP_EV_TIME });
}

/* ---- peers -------------------------------------------------------------- */

struct scene_peer *scene_peer(struct scene *s, bp_peer_id id) {
    if (id == 0 || id > 4096) fail_msg("peer %zu", (size_t)id);
    if (id > s->n_peers) {
        s->peer = realloc(s->peer, id * sizeof *s->peer);
        assert_non_null(s->peer);
        memset(s->peer + s->n_peers, 0, (id - s->n_peers) * sizeof *s->peer);
        for (uint32_t i = s->n_peers; i < id; i++) s->peer[i].id = i + 1;
        s->n_peers = (uint32_t)id;
    }
    return &s->peer[id - 1];
}

static struct bp_claim claim_of(struct scene *s, uint32_t head) {
    struct bp_claim c = { .head = scene_hash(head) };
    c.known = held_of(s, head);
    c.has_td = true;
    if (head < s->n_blocks) c.td = s->block[head].td;
    return c;
}

struct bp_peer_info scene_info(struct scene *s, bp_peer_id id, uint32_t head) {
    struct bp_peer_info info = { .caps = s->caps };
    info.identity = scene_hash((uint32_t)id + 0xf0000000u);
    info.claim = claim_of(s, head);
    return info;
}

struct scene_peer *scene_join_info(struct scene *s, bp_peer_id id,
                                   uint32_t head,
                                   const struct bp_peer_info *info) {
    struct scene_peer *peer = scene_peer(s, id);
    peer->here = true;
    peer->head = head;
    peer->caps = info->caps;
    struct bp_event ev = { .type = BP_EV_PEER_JOINED };
    ev.u.joined.peer = id;
    ev.u.joined.info = *info;
    scene_step(s, &ev);
    return scene_peer(s, id);
}

struct scene_peer *scene_join(struct scene *s, bp_peer_id id, uint32_t head) {
    struct bp_peer_info info = scene_info(s, id, head);
    return scene_join_info(s, id, head, &info);
}

struct scene_peer *scene_join_td(struct scene *s, bp_peer_id id, uint32_t head,
                                 uint64_t td) {
    struct bp_peer_info info = scene_info(s, id, head);
    info.claim.td = bp_u256_from_u64(td);
    return scene_join_info(s, id, head, &info);
}

static void claim(struct scene *s, bp_peer_id id, uint32_t head,
                  const struct bp_claim *c) {
    scene_peer(s, id)->head = head;
    struct bp_event ev = { .type = BP_EV_PEER_CLAIM };
    ev.u.claim.peer = id;
    ev.u.claim.claim = *c;
    scene_step(s, &ev);
}

void scene_claim(struct scene *s, bp_peer_id id, uint32_t head) {
    struct bp_claim c = claim_of(s, head);
    claim(s, id, head, &c);
}

void scene_claim_td(struct scene *s, bp_peer_id id, uint32_t head,
                    uint64_t td) {
    struct bp_claim c = claim_of(s, head);
    c.td = bp_u256_from_u64(td);
    claim(s, id, head, &c);
}

void scene_leave(struct scene *s, bp_peer_id id) {
    scene_peer(s, id)->here = false;
    struct bp_event ev = { .type = BP_EV_PEER_LEFT };
    ev.u.left.peer = id;
    scene_step(s, &ev);
}

/* ---- what peers send ----------------------------------------------------- */

struct bp_link scene_link(struct scene *s, uint32_t id) {
    const struct scene_block *b = scene_at(s, id);
    struct bp_link l = { .hash = scene_hash(id),
                         .parent = scene_hash(id == 0 ? SCENE_NONE : b->parent),
                         .number = b->number,
                         .size = s->link_bytes };
    l.difficulty = bp_u256_from_u64(b->difficulty);
    l.item = item_new(s, id, SCENE_HEADER, false);
    if (b->empty) l.flags |= BP_LINK_EMPTY;
    return l;
}

static void reply(struct scene *s, bp_peer_id peer, bp_req_id req) {
    struct bp_event ev = { .type = BP_EV_REPLY };
    ev.u.reply.peer = peer;
    ev.u.reply.request = req;
    ev.u.reply.bytes = 100;
    scene_step(s, &ev);
}

/* First of the ids that is held, or n if the last one's parent is. */
static size_t first_held(struct scene *s, const uint32_t *ids, size_t n,
                         struct bp_held *held) {
    for (size_t i = 0; i < n; i++) {
        *held = held_of(s, ids[i]);
        if (held->held) return i;
    }
    if (n == 0 || ids[n - 1] == 0) return BP_NONE;
    *held = held_of(s, scene_at(s, ids[n - 1])->parent);
    return held->held ? n : BP_NONE;
}

void scene_links(struct scene *s, bp_peer_id peer, bp_req_id req,
                 const uint32_t *ids, size_t n) {
    struct bp_link *links = calloc(n + 1, sizeof *links);
    assert_non_null(links);
    for (size_t i = 0; i < n; i++) links[i] = scene_link(s, ids[i]);
    reply(s, peer, req);
    struct bp_event ev = { .type = BP_EV_LINKS };
    ev.u.links.peer = peer;
    ev.u.links.request = req;
    ev.u.links.links = links;
    ev.u.links.n = n;
    ev.u.links.held_at = first_held(s, ids, n, &ev.u.links.held);
    scene_step(s, &ev);
    free(links);
}

void scene_hashes(struct scene *s, bp_peer_id peer, bp_req_id req,
                  const uint32_t *ids, size_t n) {
    bp_hash *hashes = calloc(n + 1, sizeof *hashes);
    assert_non_null(hashes);
    for (size_t i = 0; i < n; i++) hashes[i] = scene_hash(ids[i]);
    reply(s, peer, req);
    struct bp_event ev = { .type = BP_EV_HASHES };
    ev.u.hashes.peer = peer;
    ev.u.hashes.request = req;
    ev.u.hashes.hashes = hashes;
    ev.u.hashes.n = n;
    ev.u.hashes.held_at = BP_NONE;
    for (size_t i = n; i-- > 0;) {
        struct bp_held h = held_of(s, ids[i]);
        if (!h.held) continue;
        ev.u.hashes.held_at = i;
        ev.u.hashes.held = h;
    }
    scene_step(s, &ev);
    free(hashes);
}

static struct bp_delivery delivery(struct scene *s, bp_peer_id peer,
                                   uint32_t id, bool whole) {
    struct scene_block *b = scene_at(s, id);
    struct bp_delivery d = { .hash = scene_hash(id),
                             .matched = true,
                             .size = b->body };
    b->came++;
    d.item = item_new(s, id, whole ? SCENE_WHOLE : SCENE_BODY,
                      scene_peer(s, peer)->bad_bodies);
    if (!whole) return d;
    d.has_link = true;
    d.link = scene_link(s, id);
    item_release(s, d.link.item); /* the whole block is one item */
    d.link.item = 0;
    d.known = held_of(s, id);
    if (id != 0) d.parent = held_of(s, b->parent);
    return d;
}

static void send_blocks(struct scene *s, bp_peer_id peer, bp_req_id req,
                        const uint32_t *ids, const bool *whole, size_t n) {
    struct bp_delivery *d = calloc(n + 1, sizeof *d);
    assert_non_null(d);
    for (size_t i = 0; i < n; i++) d[i] = delivery(s, peer, ids[i], whole[i]);
    reply(s, peer, req);
    struct bp_event ev = { .type = BP_EV_BLOCKS };
    ev.u.blocks.peer = peer;
    ev.u.blocks.request = req;
    ev.u.blocks.blocks = d;
    ev.u.blocks.n = n;
    scene_step(s, &ev);
    free(d);
}

void scene_blocks(struct scene *s, bp_peer_id peer, bp_req_id req,
                  const uint32_t *ids, size_t n, bool whole) {
    bool *flags = calloc(n + 1, sizeof *flags);
    assert_non_null(flags);
    for (size_t i = 0; i < n; i++) flags[i] = whole;
    send_blocks(s, peer, req, ids, flags, n);
    free(flags);
}

void scene_push(struct scene *s, bp_peer_id peer, uint32_t id, uint64_t td) {
    struct bp_event ev = { .type = BP_EV_PUSHED };
    ev.u.pushed.peer = peer;
    ev.u.pushed.block = delivery(s, peer, id, true);
    ev.u.pushed.has_td = td != 0;
    ev.u.pushed.td = bp_u256_from_u64(td);
    scene_step(s, &ev);
}

void scene_announce(struct scene *s, bp_peer_id peer, uint32_t id,
                    uint64_t number) {
    struct bp_event ev = { .type = BP_EV_ANNOUNCED };
    ev.u.announced.peer = peer;
    ev.u.announced.hash = scene_hash(id);
    ev.u.announced.has_number = number != 0;
    ev.u.announced.number = number;
    ev.u.announced.known = held_of(s, id);
    scene_step(s, &ev);
}

/* ---- honest answers ------------------------------------------------------ */

/* The peer's chain has this block. */
static bool has(struct scene *s, const struct scene_peer *peer, uint32_t id) {
    return id < s->n_blocks && s->block[id].exists &&
           peer->head < s->n_blocks &&
           s->block[id].number <= s->block[peer->head].number &&
           (peer->head == id || s->no_check ||
            scene_descends(s, peer->head, id));
}

static void answer_walk(struct scene *s, struct scene_peer *peer,
                        const struct scene_ask *a) {
    uint32_t *ids = malloc((a->count + 1) * sizeof *ids);
    assert_non_null(ids);
    size_t n = 0, most = a->count;
    if (peer->cap != 0 && peer->cap < most) most = peer->cap;
    bool hashes = a->type == BP_ACT_ASK_HASHES;
    uint32_t id = a->origin;
    if (has(s, peer, id)) {
        bool end = hashes && id == 0;
        if (hashes && !end) id = s->block[id].parent;
        while (!end && n < most && s->block[id].exists) {
            ids[n++] = id;
            end = id == 0;
            id = s->block[id].parent;
        }
    }
    peer->links_served += n;
    bp_peer_id who = peer->id;
    if (hashes)
        scene_hashes(s, who, a->id, ids, n);
    else
        scene_links(s, who, a->id, ids, n);
    free(ids);
}

static void answer_blocks(struct scene *s, struct scene_peer *peer,
                          const struct scene_ask *a) {
    uint32_t *ids = malloc((a->n + 1) * sizeof *ids);
    bool *whole = malloc((a->n + 1) * sizeof *whole);
    assert_non_null(ids);
    assert_non_null(whole);
    size_t n = 0;
    for (size_t i = 0; i < a->n; i++) {
        if (peer->cap != 0 && n == peer->cap) break;
        if (!has(s, peer, a->ids[i])) continue;
        whole[n] = a->whole[i];
        ids[n++] = a->ids[i];
    }
    peer->blocks_served += n;
    send_blocks(s, peer->id, a->id, ids, whole, n);
    free(ids);
    free(whole);
}

void scene_answer(struct scene *s, bp_peer_id id, size_t ask) {
    struct scene_peer *peer = scene_peer(s, id);
    assert_true(ask < peer->n_asks);
    struct scene_ask a = peer->asks[ask];
    assert_true(a.open);
    peer->asks[ask].open = false;
    peer->asks[ask].ids = NULL;
    peer->asks[ask].whole = NULL;
    if (a.type == BP_ACT_ASK_BLOCKS)
        answer_blocks(s, peer, &a);
    else
        answer_walk(s, peer, &a);
    free(a.ids);
    free(a.whole);
}

size_t scene_open_asks(const struct scene *s, bp_peer_id id) {
    const struct scene_peer *peer = &s->peer[id - 1];
    size_t n = 0;
    for (size_t i = 0; i < peer->n_asks; i++) n += peer->asks[i].open;
    return n;
}

void scene_answer_all(struct scene *s, bp_peer_id id) {
    for (size_t i = 0; i < scene_peer(s, id)->n_asks; i++)
        if (scene_peer(s, id)->asks[i].open) scene_answer(s, id, i);
}

struct scene_ask *scene_open_ask(struct scene *s, bp_peer_id id,
                                 enum bp_action_type type) {
    struct scene_peer *peer = scene_peer(s, id);
    for (size_t i = 0; i < peer->n_asks; i++)
        if (peer->asks[i].open && peer->asks[i].type == type)
            return &peer->asks[i];
    return NULL;
}

/* ---- time --------------------------------------------------------------- */

static void finish_insert(struct scene *s, const struct scene_event *e,
                          struct bp_event *ev) {
    for (size_t i = 0; i < e->verdict.n; i++) {
        struct scene_block *b = scene_at(s, e->ids[i]);
        assert_true(scene_at(s, b->parent)->held);
        if (!b->held) s->inserted++;
        b->held = true;
        if (bp_u256_cmp(&b->td, &s->block[s->head].td) > 0) s->head = e->ids[i];
    }
    ev->type = BP_EV_INSERTED;
    ev->u.inserted.job = e->job;
    ev->u.inserted.verdict = e->verdict;
    ev->u.inserted.head = chain_head(s);
    ev->u.inserted.refused_td = s->refused_td;
}

static void happen(struct scene *s, const struct scene_event *e) {
    if (e->what == WHAT_ANSWER) {
        const struct scene_peer *peer = scene_peer(s, e->peer);
        if (peer->here && e->ask < peer->n_asks && peer->asks[e->ask].open)
            scene_answer(s, e->peer, e->ask);
        return;
    }
    struct bp_event ev = { .type = BP_EV_CHECKED };
    if (e->job_type == BP_ACT_CHECK) {
        ev.u.checked.job = e->job;
        ev.u.checked.verdict = e->verdict;
    } else {
        finish_insert(s, e, &ev);
    }
    scene_step(s, &ev);
    free(e->ids);
}

/* One thing that happens until `end`; false if nothing does. */
static bool advance(struct scene *s, bp_time end) {
    bp_time due = bp_pool_deadline(s->pool);
    if (s->n_queue > 0 && s->queue[0].at <= end && s->queue[0].at <= due) {
        struct scene_event e = queue_take(s);
        if (e.at > s->now) s->now = e.at;
        happen(s, &e);
        return true;
    }
    if (due > end) return false;
    if (due > s->now) s->now = due;
    scene_tick(s);
    return true;
}

void scene_run(struct scene *s, bp_time ms) {
    bp_time end = s->now + ms;
    size_t guard = 0;
    while (advance(s, end))
        if (++guard > 50000000) fail_msg("time stands still at %zu", s->now);
    s->now = end;
}

void scene_settle(struct scene *s, bp_time limit) {
    bp_time end = s->now + limit;
    while (s->n_queue > 0 || !bp_pool_quiescent(s->pool))
        if (!advance(s, end)) break;
}

/* ---- what was seen ------------------------------------------------------- */

size_t scene_blamed(const struct scene *s, bp_peer_id peer, int offence) {
    size_t n = 0;
    for (size_t i = 0; i < s->n_blames; i++)
        n += s->blames[i].peer == peer &&
             (offence < 0 || s->blames[i].offence == offence);
    return n;
}

size_t scene_offences(const struct scene *s) {
    size_t n = 0;
    for (size_t i = 0; i < s->n_blames; i++)
        n += s->blames[i].offence != BP_OFF_NONE &&
             s->blames[i].offence < BP_OFF_FIRST_FAULT;
    return n;
}

struct bp_pool_status scene_status(const struct scene *s) {
    struct bp_pool_status st;
    bp_pool_status(s->pool, &st);
    return st;
}

void scene_expect_head(struct scene *s, uint32_t head) {
    if (s->head != head) {
        char why[512];
        bp_pool_why(s->pool, why, sizeof why);
        fail_msg("head is %u at %zu ms, not %u; %s", s->head, (size_t)s->now,
                 head, why);
    }
    for (uint32_t id = head;; id = s->block[id].parent) {
        assert_true(scene_at(s, id)->held);
        if (id == 0) break;
    }
}

void scene_expect_log(struct scene *s, const char *lines) {
    const char *got = s->log != NULL ? s->log : "";
    if (strcmp(got, lines) != 0)
        fail_msg("the trace differs; it is\n%s\nand should be\n%s", got, lines);
    s->n_log = 0;
    if (s->log != NULL) s->log[0] = 0;
}

static void on_trace(void *user, const char *line) {
    struct scene *s = user;
    if (s->verbose) printf("%s\n", line);
    if (!s->keep_log) return;
    size_t n = strlen(line);
    s->log = more(s->log, &s->cap_log, s->n_log + n + 2, 1);
    memcpy(s->log + s->n_log, line, n);
    s->log[s->n_log + n] = '\n';
    s->log[s->n_log + n + 1] = 0;
    s->n_log += n + 1;
}

/* ---- opening and closing ------------------------------------------------- */

void scene_prepare(struct scene *s, const struct bp_pool_config *cfg) {
    *s = (struct scene){ .link_bytes = 500, .caps = SCENE_LINKS };
    if (cfg != NULL) s->cfg = *cfg;
    if (s->cfg.links_max == 0) s->cfg.links_max = 1 << 16; /* quicker to make */
    test_alloc_init(&s->alloc);
    scene_block(s, 0, 0, 1);
    s->block[0].held = true;
}

int scene_make_pool(struct scene *s) {
    s->cfg.alloc = &s->alloc.iface;
    s->cfg.genesis = scene_hash(0);
    s->cfg.head = chain_head(s);
    s->verbose = getenv("SCENE_TRACE") != NULL;
    if (!s->no_check || s->verbose) {
        s->cfg.trace = on_trace;
        s->cfg.trace_user = s;
    }
    return bp_pool_new(&s->pool, &s->cfg);
}

void scene_open(struct scene *s, const struct bp_pool_config *cfg) {
    scene_prepare(s, cfg);
    assert_int_equal(scene_make_pool(s), 0);
}

void scene_close(struct scene *s) {
    bp_pool_free(s->pool, item_release_cb, s);
    if (s->live_items != 0) fail_msg("%zu items leaked", s->live_items);
    if (s->alloc.live_bytes != 0)
        fail_msg("%zu bytes leaked", s->alloc.live_bytes);
    for (uint32_t i = 0; i < s->n_peers; i++) {
        for (size_t k = 0; k < s->peer[i].n_asks; k++) {
            free(s->peer[i].asks[k].ids);
            free(s->peer[i].asks[k].whole);
        }
        free(s->peer[i].asks);
    }
    for (size_t i = 0; i < s->n_queue; i++) free(s->queue[i].ids);
    free(s->queue);
    free(s->peer);
    free(s->block);
    free(s->item);
    free(s->free_items);
    free(s->blames);
    free(s->log);
}
