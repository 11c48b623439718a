/* scene_host: what a host does with the actions of the pool. */
#include "lib/scene_parts.h"

/* ---- jobs --------------------------------------------------------------- */

static void job_later(struct scene *s, enum bp_action_type type, bp_job_id job,
                      struct bp_verdict v, uint32_t *ids, size_t n,
                      uint32_t ms) {
    scene_later(s, (struct scene_event){ .at = s->now + ms,
                                         .what = SCENE_JOB,
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
        uint64_t what = scene_item_look(s, c->items[i]);
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
        uint64_t what = scene_item_look(s, c->parent_item);
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
            assert_int_equal(scene_item_look(s, it->link_item) >> 8, id);
        if (it->body_item != 0) {
            uint64_t what = scene_item_look(s, it->body_item);
            assert_int_equal(what >> 8, id);
            bad = (what & 1) != 0;
        } else {
            assert_true(b->empty && it->link_item != 0);
        }
        if (!bad && !b->bad_body && !b->bad_late) continue;
        v.kind = BP_VERDICT_INVALID;
        v.part = b->bad_late ? BP_PART_LINK : BP_PART_BODY;
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

void scene_finish_insert(struct scene *s, const struct scene_event *e,
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
    ev->u.inserted.head = scene_chain_head(s);
    ev->u.inserted.refused_td = s->refused_td;
}

/* ---- actions ------------------------------------------------------------ */

static void answer_later(struct scene *s, struct scene_peer *peer, size_t ask,
                         uint64_t bytes) {
    const struct scene_ask *a = &peer->asks[ask];
    bool lacks = a->n > 0 && a->ids[0] == peer->no_body;
    bp_time at = lacks && peer->says_late ? a->due - 1 : s->now + peer->latency;
    if (peer->rate != 0) {
        uint64_t us = bytes * 1000 / peer->rate;
        if (peer->free_at > at) at = peer->free_at;
        at += us;
        peer->free_at = at;
    }
    scene_later(
        s, (struct scene_event){
               .at = at, .what = SCENE_ANSWER, .peer = peer->id, .ask = ask });
}

static struct scene_ask *ask_new(struct scene_peer *peer) {
    peer->asks = scene_more(peer->asks, &peer->cap_asks, peer->n_asks + 1,
                            sizeof *peer->asks);
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
    a->due = b->due;
    a->ids = malloc(b->n * sizeof *a->ids);
    a->whole = malloc(b->n * sizeof *a->whole);
    assert_non_null(a->ids);
    assert_non_null(a->whole);
    for (size_t i = 0; i < b->n; i++) {
        a->ids[i] = scene_id(&b->wants[i].hash);
        a->whole[i] = b->wants[i].item == 0;
        if (b->wants[i].item != 0)
            assert_int_equal(scene_item_look(s, b->wants[i].item) >> 8,
                             a->ids[i]);
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
        a->due = l->due;
    } else if (act->type == BP_ACT_ASK_HASHES) {
        a->id = act->u.ask_hashes.request;
        a->origin = scene_id(&act->u.ask_hashes.from);
        a->count = act->u.ask_hashes.count;
        a->due = act->u.ask_hashes.due;
    } else {
        on_ask_blocks(s, &act->u.ask_blocks, a);
    }
    if (!peer->manual && !peer->silent)
        answer_later(s, peer, peer->n_asks - 1, ask_bytes(s, peer, a));
}

static void on_blame(struct scene *s, const struct bp_act_blame *b) {
    s->blames = scene_more(s->blames, &s->cap_blames, s->n_blames + 1,
                           sizeof *s->blames);
    s->blames[s->n_blames++] =
        (struct scene_blame){ b->peer, b->offence, b->end,
                              b->has_hash ? scene_id(&b->hash) : 0 };
    assert_true(b->offence != 0 || b->end);
    if (b->end && b->peer != 0 && b->peer <= s->n_peers)
        scene_peer(s, b->peer)->here = false;
}

void scene_perform(struct scene *s, const struct bp_action *a) {
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
            scene_item_release(s, a->u.release.items[i]);
        return;
    case BP_ACT_REPORT: s->n_reports[a->u.report.kind]++; return;
    }
}
