/* strategy2015: the rules of the BlockPool of January 2015 behind the events
   and actions of pool.h, so that they can run in the same worlds.

   What is kept: hashes only from the best peer (greatest claimed difficulty,
   strictly); the head block first, then a request for hashes every 500 ms until
   its section exists; one section for each reply; each section asks for its
   missing blocks every 500 ms, first the best peer, then any peer, without a
   record of what is on the way; insertion from a root whose parent is in the
   chain, always of everything above it; sections die at 120 s, an idle best
   peer is accused at 60 s; nothing has a bound. A child that is linked last
   cuts the one before (the active branch).

   What is not kept: its races, dead-locks and crashes. With peers that carry
   links the same walk goes over headers, whose hashes alone are used. */
#include "strategy2015.h"

#include <string.h>

/* ---- peers ------------------------------------------------------------ */

static uint32_t peer_index(const struct old_pool *p, bp_peer_id id) {
    for (uint32_t i = 0; i < p->peers; i++)
        if (p->peer[i].id == id) return i;
    return NONE;
}

static void promote(struct old_pool *p, uint32_t i) {
    p->best = i;
    struct bp_action *a = old_emit(p, BP_ACT_REPORT, NULL, 0);
    a->u.report.kind = BP_REPORT_BEST;
    a->u.report.peer = i != NONE ? p->peer[i].id : 0;
    p->head_done = i == NONE;
    p->head_next = p->now;
    p->head_dies = p->now + HEAD_LIMIT_MS;
    for (uint32_t s = 0; s < p->sections; s++)
        if (!p->section[s].dead) p->section[s].next_round = p->now;
}

static void choose_best(struct old_pool *p) {
    uint32_t best = NONE;
    for (uint32_t i = 0; i < p->peers; i++) {
        const struct old_peer *x = &p->peer[i];
        if (x->head_held || bp_u256_cmp(&x->td, &p->head.td) <= 0) continue;
        if (best == NONE || bp_u256_cmp(&x->td, &p->peer[best].td) > 0)
            best = i;
    }
    promote(p, best);
}

static void set_claim(struct old_pool *p, uint32_t i,
                      const struct bp_claim *c) {
    struct old_peer *x = &p->peer[i];
    bool changed = !bp_hash_eq(&x->head, &c->head);
    x->head = c->head;
    x->head_held = c->known.held;
    /* It knew difficulties only; a number stands in for them. */
    x->td = c->has_td ? c->td : bp_u256_from_u64(c->number);
    if (x->head_held) return;
    if (i == p->best && changed) {
        p->head_done = false;
        p->head_next = p->now + ROUND_MS;
    } else if (i != p->best &&
               (p->best == NONE ||
                bp_u256_cmp(&x->td, &p->peer[p->best].td) > 0)) {
        promote(p, i);
    }
}

static void on_joined(struct old_pool *p, const struct bp_ev_joined *e) {
    if (p->peers == PEERS_MAX) return;
    struct old_peer *x = &p->peer[p->peers++];
    *x = (struct old_peer){ .id = e->peer,
                            .identity = e->info.identity,
                            .caps = e->info.caps };
    x->blocks_max = e->info.blocks_max;
    x->list_max =
        (x->caps & BP_CAP_LINKS) != 0 ? e->info.links_max : e->info.hashes_max;
    x->head_held = true;
    p->status.peers_seen++;
    set_claim(p, p->peers - 1, &e->info.claim);
}

static void on_left(struct old_pool *p, bp_peer_id id) {
    uint32_t i = peer_index(p, id);
    if (i == NONE) return;
    bool was_best = i == p->best;
    p->peer[i] = p->peer[--p->peers];
    if (p->best == p->peers) p->best = i;
    if (was_best) choose_best(p);
}

static void accuse(struct old_pool *p, bp_peer_id id, int offence) {
    uint32_t i = peer_index(p, id);
    if (i == NONE) return;
    struct bp_action *a = old_emit(p, BP_ACT_BLAME, NULL, 0);
    a->u.blame.peer = id;
    a->u.blame.identity = p->peer[i].identity;
    a->u.blame.offence = offence;
    a->u.blame.end = true;
    p->status.peers_bad++;
}

/* ---- requests --------------------------------------------------------- */

static uint32_t smaller(uint32_t a, uint32_t limit, uint32_t limit2) {
    if (limit != 0 && a > limit) a = limit;
    if (limit2 != 0 && a > limit2) a = limit2;
    return a;
}

static void ask_list(struct old_pool *p, const bp_hash *from, uint32_t n) {
    if (p->best == NONE) return;
    const struct old_peer *x = &p->peer[p->best];
    p->status.requests++;
    if ((x->caps & BP_CAP_LINKS) != 0) {
        struct bp_action *a = old_emit(p, BP_ACT_ASK_LINKS, NULL, 0);
        a->u.ask_links =
            (struct bp_act_ask_links){ .peer = x->id,
                                       .request = ++p->next_request,
                                       .hash = *from,
                                       .reverse = true,
                                       .due = p->now + HEAD_LIMIT_MS };
        a->u.ask_links.count =
            smaller(n, x->list_max, p->config.links_per_request);
        return;
    }
    struct bp_action *a = old_emit(p, BP_ACT_ASK_HASHES, NULL, 0);
    a->u.ask_hashes =
        (struct bp_act_ask_hashes){ .peer = x->id,
                                    .request = ++p->next_request,
                                    .from = *from,
                                    .due = p->now + HEAD_LIMIT_MS };
    a->u.ask_hashes.count =
        smaller(n, x->list_max, p->config.hashes_per_request);
}

/* Asks one peer for some nodes, in batches; a peer with links only serves
   bodies of headers that we hold. */
static void ask_blocks(struct old_pool *p, const struct old_peer *x,
                       const uint32_t *node, uint32_t n) {
    bool bare = (x->caps & BP_CAP_LINKS) == 0;
    uint32_t max =
        smaller(BATCH_BLOCKS, x->blocks_max, p->config.blocks_per_request);
    for (uint32_t i = 0; i < n;) {
        struct bp_want *w = old_take(p, max * sizeof *w);
        uint32_t k = 0;
        if (w == NULL) return;
        for (; i < n && k < max; i++) {
            const struct old_node *x_node = &p->node[node[i]];
            if (!bare && x_node->link_item == 0) continue;
            w[k].hash = x_node->hash;
            w[k++].item = bare ? 0 : x_node->link_item;
        }
        if (k == 0) {
            old_give(p, w, max * sizeof *w);
            return;
        }
        p->status.requests++;
        struct bp_action *a =
            old_emit(p, BP_ACT_ASK_BLOCKS, w, max * sizeof *w);
        a->u.ask_blocks =
            (struct bp_act_ask_blocks){ .peer = x->id,
                                        .request = ++p->next_request,
                                        .wants = w,
                                        .n = k,
                                        .due = p->now + HEAD_LIMIT_MS };
    }
}

static void ask_head(struct old_pool *p) {
    const struct old_peer *x = &p->peer[p->best];
    p->head_next = p->now + ROUND_MS;
    if ((x->caps & BP_CAP_LINKS) != 0) {
        ask_list(p, &x->head, 256);
        return;
    }
    uint32_t i = old_find(p, &x->head);
    if (i != NONE && p->node[i].has_block) {
        ask_list(p, &x->head, 256);
        return;
    }
    struct bp_want *w = old_take(p, sizeof *w);
    if (w == NULL) return;
    w->hash = x->head;
    p->status.requests++;
    struct bp_action *a = old_emit(p, BP_ACT_ASK_BLOCKS, w, sizeof *w);
    a->u.ask_blocks =
        (struct bp_act_ask_blocks){ .peer = x->id,
                                    .request = ++p->next_request,
                                    .wants = w,
                                    .n = 1,
                                    .due = p->now + HEAD_LIMIT_MS };
}

/* ---- sections --------------------------------------------------------- */

static uint32_t new_section(struct old_pool *p) {
    if (!old_room(p, &p->section, &p->section_cap, p->sections,
                  sizeof *p->section))
        return NONE;
    p->section[p->sections] =
        (struct old_section){ .parent = NONE,
                              .child = NONE,
                              .next_round = p->now,
                              .dies = p->now + SECTION_LIFE_MS };
    p->status.sections++;
    return p->sections++;
}

static void link_sections(struct old_pool *p, uint32_t parent, uint32_t child) {
    if (parent == NONE || child == NONE || parent == child) return;
    struct old_section *a = &p->section[parent], *b = &p->section[child];
    if (a->child != NONE) p->section[a->child].parent = NONE;
    if (b->parent != NONE) p->section[b->parent].child = NONE;
    a->child = child;
    b->parent = parent;
}

/* A fork at node i of its section: what is newer becomes a section of its
   own, without a parent. */
static void split(struct old_pool *p, uint32_t i) {
    uint32_t old = p->node[i].section, at = 0;
    while (p->section[old].node[at] != i) at++;
    if (at == 0) return;
    uint32_t fresh = new_section(p);
    if (fresh == NONE) return;
    struct old_section *s = &p->section[old], *f = &p->section[fresh];
    for (uint32_t k = 0; k < at; k++) {
        if (!old_room(p, &f->node, &f->cap, f->n, sizeof *f->node)) break;
        f->node[f->n++] = s->node[k];
        p->node[s->node[k]].section = fresh;
    }
    memmove(s->node, s->node + at, (s->n - at) * sizeof *s->node);
    s->n -= at;
    f->child = s->child;
    if (f->child != NONE) p->section[f->child].parent = fresh;
    s->child = NONE;
    f->hashes_done = true;
    p->status.forks++;
}

static void kill_section(struct old_pool *p, uint32_t i) {
    struct old_section *s = &p->section[i];
    if (s->dead || (p->job != 0 && p->job_section == i)) return;
    for (uint32_t k = 0; k < s->n; k++) old_drop_node(p, s->node[k], false);
    if (s->parent != NONE) p->section[s->parent].child = NONE;
    if (s->child != NONE) p->section[s->child].parent = NONE;
    s->dead = true;
    p->status.sections--;
}

static void insert_from(struct old_pool *p, uint32_t i) {
    struct old_section *s = &p->section[i];
    if (p->job != 0 || s->dead || !s->connected || s->n == 0) return;
    uint32_t n = 0, max = p->config.insert_items_max;
    uint64_t bytes = 0, most = p->config.insert_bytes_max;
    if (max == 0) max = 1024;
    if (most == 0) most = 16u << 20;
    while (n < s->n && n < max) {
        const struct old_node *x = &p->node[s->node[s->n - 1 - n]];
        bytes += x->size;
        if (!x->has_block || (n > 0 && bytes > most)) break;
        n++;
    }
    if (n == 0) return;
    struct bp_insert_item *v = old_take(p, n * sizeof *v);
    if (v == NULL) return;
    for (uint32_t k = 0; k < n; k++) {
        const struct old_node *x = &p->node[s->node[s->n - 1 - k]];
        v[k] = (struct bp_insert_item){ .hash = x->hash,
                                        .link_item = x->link_item,
                                        .body_item = x->body_item,
                                        .link_by = x->link_by,
                                        .body_by = x->body_by };
    }
    struct bp_action *a = old_emit(p, BP_ACT_INSERT, v, n * sizeof *v);
    p->job = ++p->next_job;
    p->job_section = i;
    p->job_n = n;
    a->u.insert.job = p->job;
    a->u.insert.parent = p->node[s->node[s->n - 1]].parent;
    a->u.insert.items = v;
    a->u.insert.n = n;
    p->status.jobs++;
}

/* What is known of the root decides: a section below, the chain, or another
   request for hashes. */
static void resolve_root(struct old_pool *p, uint32_t i, bool ask) {
    struct old_section *s = &p->section[i];
    if (s->dead || s->n == 0 || s->connected) return;
    const struct old_node *root = &p->node[s->node[s->n - 1]];
    if (!root->parent_known) return;
    if (root->parent_held) {
        s->connected = s->hashes_done = true;
        insert_from(p, i);
        return;
    }
    uint32_t below = old_find(p, &root->parent);
    if (below != NONE) {
        uint32_t at = p->node[below].section;
        if (s->parent == NONE && at != i) {
            if (p->section[at].node[0] != below) split(p, below);
            link_sections(p, p->node[below].section, i);
        }
        p->section[i].hashes_done = true;
        return;
    }
    if (ask) ask_list(p, &root->hash, 256);
}

static void section_round(struct old_pool *p, uint32_t i) {
    struct old_section *s = &p->section[i];
    if (p->now >= s->dies) {
        kill_section(p, i);
        return;
    }
    s->next_round = p->now + ROUND_MS;
    uint32_t *missing = old_take(p, (s->n + 1) * sizeof *missing), n = 0;
    size_t bytes = (s->n + 1) * sizeof *missing;
    if (missing == NULL) return;
    for (uint32_t k = 0; k < s->n; k++)
        if (!p->node[s->node[k]].has_block) missing[n++] = s->node[k];
    s->idle_rounds = n == s->missing && n > 0 ? s->idle_rounds + 1 : 0;
    s->missing = n;
    if (s->idle_rounds > IDLE_ROUNDS) {
        kill_section(p, i);
    } else if (n > 0 && p->best != NONE) {
        const struct old_peer *x =
            s->first_round_done ? &p->peer[bp_rng_below(&p->rng, p->peers)]
                                : &p->peer[p->best];
        s->first_round_done = true;
        ask_blocks(p, x, missing, n);
    }
    old_give(p, missing, bytes);
    if (!p->section[i].dead) {
        resolve_root(p, i, p->best != NONE);
        insert_from(p, i);
    }
}

/* ---- replies ---------------------------------------------------------- */

struct entry { /* one hash of a list, with its header if it came */
    const bp_hash *hash;
    const struct bp_link *link;
};

static void keep_link(struct old_pool *p, uint32_t i, const struct bp_link *l,
                      bp_peer_id by) {
    struct old_node *n = &p->node[i];
    if (n->link_item != 0 || (n->has_block && n->body_item != 0)) {
        old_release(p, l->item);
        return;
    }
    n->link_item = l->item;
    n->link_by = by;
    n->parent = l->parent;
    n->parent_known = true;
    n->empty = (l->flags & BP_LINK_EMPTY) != 0;
    if (n->empty) n->has_block = true;
}

/* A list of the best peer, newest first; `held_at` as in pool.h. */
static void take_list(struct old_pool *p, bp_peer_id by, const struct entry *e,
                      size_t n, size_t held_at, bool has_links) {
    uint32_t section = NONE, child = NONE, parent = NONE;
    size_t i = 0;
    for (; i < n && i < held_at; i++) {
        uint32_t at = old_find(p, e[i].hash);
        if (at != NONE) {
            if (e[i].link != NULL) keep_link(p, at, e[i].link, by);
            uint32_t s = p->node[at].section;
            const struct old_section *x = &p->section[s];
            if (section == NONE && x->node[x->n - 1] == at) {
                child = s;
                continue;
            }
            if (p->section[s].node[0] != at && section != NONE) split(p, at);
            parent = p->node[at].section;
            i++;
            break;
        }
        if (section == NONE) section = new_section(p);
        if (section == NONE) break;
        at = old_new_node(p, e[i].hash, section);
        if (at == NONE) break;
        p->status.links_seen++;
        if (e[i].link != NULL) keep_link(p, at, e[i].link, by);
    }
    for (size_t k = i; k < n; k++)
        if (e[k].link != NULL) old_release(p, e[k].link->item);
    if (section != NONE) {
        struct old_section *s = &p->section[section];
        if (s->n > 0 && held_at == i && i <= n) {
            struct old_node *root = &p->node[s->node[s->n - 1]];
            root->parent_held = true;
            if (has_links || i < n) s->hashes_done = true;
            if (!root->parent_known && i < n) {
                root->parent = *e[i].hash;
                root->parent_known = true;
            }
        }
        link_sections(p, parent, section);
        link_sections(p, section, child);
        if (!s->hashes_done && parent == NONE && s->n > 0)
            ask_list(p, &p->node[s->node[s->n - 1]].hash, 256);
        resolve_root(p, section, false);
    } else if (child != NONE && held_at == i && held_at != BP_NONE) {
        struct old_section *s = &p->section[child];
        p->node[s->node[s->n - 1]].parent_held = true;
        resolve_root(p, child, false);
    } else {
        link_sections(p, parent, child);
    }
}

static void on_links(struct old_pool *p, const struct bp_ev_links *e) {
    uint32_t i = peer_index(p, e->peer);
    if (i == NONE || i != p->best || e->n == 0) {
        for (size_t k = 0; k < e->n; k++) old_release(p, e->links[k].item);
        return;
    }
    size_t bytes = e->n * sizeof(struct entry);
    struct entry *list = old_take(p, bytes);
    if (list == NULL) return;
    for (size_t k = 0; k < e->n; k++)
        list[k] = (struct entry){ &e->links[k].hash, &e->links[k] };
    take_list(p, e->peer, list, e->n, e->held_at, true);
    old_give(p, list, bytes);
    if (old_find(p, &p->peer[i].head) != NONE) p->head_done = true;
}

static void on_hashes(struct old_pool *p, const struct bp_ev_hashes *e) {
    uint32_t i = peer_index(p, e->peer);
    if (i == NONE || i != p->best || e->n == 0) return;
    size_t bytes = (e->n + 1) * sizeof(struct entry), n = 0;
    struct entry *list = old_take(p, bytes);
    if (list == NULL) return;
    uint32_t head = old_find(p, &p->peer[i].head);
    bool head_reply = head != NONE && p->node[head].parent_known &&
                      bp_hash_eq(&p->node[head].parent, &e->hashes[0]);
    for (size_t k = 0; k < e->n; k++)
        list[n++] = (struct entry){ &e->hashes[k], NULL };
    if (head_reply) p->head_done = true;
    take_list(p, e->peer, list, n, e->held_at, false);
    old_give(p, list, bytes);
}

static void take_block(struct old_pool *p, bp_peer_id by,
                       const struct bp_delivery *b) {
    uint32_t best = p->best;
    uint32_t i = b->matched ? old_find(p, &b->hash) : NONE;
    if (i == NONE && b->has_link && best != NONE && !b->known.held &&
        bp_hash_eq(&b->hash, &p->peer[best].head)) {
        uint32_t s = new_section(p);
        if (s != NONE) i = old_new_node(p, &b->hash, s);
    }
    if (i == NONE || p->node[i].has_block) {
        if (i != NONE) p->status.duplicates++;
        old_release(p, b->item);
        return;
    }
    struct old_node *n = &p->node[i];
    p->status.blocks_seen++;
    n->has_block = true;
    n->body_item = b->item;
    n->size = b->size;
    n->body_by = by;
    if (b->has_link) {
        n->link_by = by;
        n->parent = b->link.parent;
        n->parent_known = true;
        n->parent_held = b->parent.held;
        if (best != NONE && bp_hash_eq(&b->hash, &p->peer[best].head)) {
            if (n->parent_held)
                p->head_done = true;
            else if (!p->head_done)
                ask_list(p, &b->hash, 256);
            resolve_root(p, n->section, false);
        }
    }
}

static void on_inserted(struct old_pool *p, const struct bp_ev_inserted *e) {
    if (e->job != p->job) return;
    struct old_section *s = &p->section[p->job_section];
    uint32_t section = p->job_section, n = p->job_n, child = s->child;
    uint32_t last = s->node[s->n - n];
    p->job = 0;
    p->head = e->head;
    uint32_t good = (uint32_t)e->verdict.n;
    for (uint32_t k = 0; k < good && k < n; k++)
        old_drop_node(p, s->node[s->n - 1 - k], true);
    s->n -= good;
    if (good > p->status.longest_chain) p->status.longest_chain = good;
    if (e->verdict.kind == BP_VERDICT_INVALID) {
        /* The sender of the last block walked, whoever's the bad one is. */
        accuse(p, p->node[last].body_by, BP_OFF_BAD_RULE);
        kill_section(p, section);
        return;
    }
    if (s->n == 0) {
        s->dead = true;
        p->status.sections--;
        if (child != NONE) {
            struct old_section *c = &p->section[child];
            c->parent = NONE;
            c->connected = c->hashes_done = true;
            if (c->n > 0) p->node[c->node[c->n - 1]].parent_held = true;
            insert_from(p, child);
        }
        /* Sections that hang on what was inserted find it in the chain. */
        for (uint32_t k = 0; k < p->sections; k++) {
            struct old_section *c = &p->section[k];
            if (c->dead || c->connected || c->n == 0) continue;
            struct old_node *root = &p->node[c->node[c->n - 1]];
            if (root->parent_known &&
                bp_hash_eq(&root->parent, &p->node[last].hash))
                root->parent_held = true;
        }
    } else if (good > 0) {
        p->node[s->node[s->n - 1]].parent_held = true;
        insert_from(p, section);
    }
    if (p->best != NONE && bp_u256_cmp(&p->peer[p->best].td, &p->head.td) <= 0)
        choose_best(p);
}

/* ---- the engine's face ------------------------------------------------ */

static void forget(struct old_pool *p) {
    for (uint32_t i = 0; i < p->sections; i++) {
        struct old_section *s = &p->section[i];
        if (!s->dead && !(p->job != 0 && p->job_section == i))
            kill_section(p, i);
    }
}

static void timers(struct old_pool *p) {
    if (p->best != NONE && !p->head_done) {
        if (p->now >= p->head_dies) {
            bp_peer_id id = p->peer[p->best].id;
            p->head_done = true;
            accuse(p, id, BP_OFF_LACKING);
        } else if (p->now >= p->head_next) {
            ask_head(p);
        }
    }
    uint32_t n = p->sections;
    for (uint32_t i = 0; i < n; i++)
        if (!p->section[i].dead && p->now >= p->section[i].next_round)
            section_round(p, i);
}

static void old_step(void *e, const struct bp_event *ev, bp_time now) {
    struct old_pool *p = e;
    if (now > p->now) p->now = now;
    uint32_t i;
    switch (ev->type) {
    case BP_EV_PEER_JOINED: on_joined(p, &ev->u.joined); break;
    case BP_EV_PEER_CLAIM:
        i = peer_index(p, ev->u.claim.peer);
        if (i != NONE) set_claim(p, i, &ev->u.claim.claim);
        break;
    case BP_EV_PEER_LEFT: on_left(p, ev->u.left.peer); break;
    case BP_EV_PEER_OFFENCE:
        accuse(p, ev->u.offence.peer, ev->u.offence.offence);
        break;
    case BP_EV_LINKS: on_links(p, &ev->u.links); break;
    case BP_EV_HASHES: on_hashes(p, &ev->u.hashes); break;
    case BP_EV_BLOCKS:
        for (size_t k = 0; k < ev->u.blocks.n; k++)
            take_block(p, ev->u.blocks.peer, &ev->u.blocks.blocks[k]);
        break;
    case BP_EV_PUSHED:
        take_block(p, ev->u.pushed.peer, &ev->u.pushed.block);
        break;
    case BP_EV_INSERTED: on_inserted(p, &ev->u.inserted); break;
    case BP_EV_CHAIN: p->head = ev->u.chain.head; break;
    case BP_EV_RESET:
        forget(p);
        p->peers = 0;
        p->best = NONE;
        break;
    case BP_EV_PURGE: forget(p); break;
    case BP_EV_TIME:
    case BP_EV_PEER_RANGE:
    case BP_EV_REPLY:
    case BP_EV_ANNOUNCED:
    case BP_EV_CHECKED:
    case BP_EV_TARGET: break;
    }
    timers(p);
}

static bp_time old_deadline(const void *e) {
    const struct old_pool *p = e;
    bp_time t = BP_TIME_NEVER;
    if (p->best != NONE && !p->head_done) t = p->head_next;
    for (uint32_t i = 0; i < p->sections; i++)
        if (!p->section[i].dead && p->section[i].next_round < t)
            t = p->section[i].next_round;
    return t <= p->now ? p->now + 1 : t;
}

static bool old_quiescent(const void *e) {
    const struct old_pool *p = e;
    return p->job == 0 && p->status.sections == 0 &&
           (p->best == NONE || p->head_done);
}

static uint64_t old_bound(const struct bp_pool_config *c) {
    (void)c;
    return UINT64_MAX; /* it had none */
}

static int old_make(void **out, const struct bp_pool_config *c) {
    struct old_pool *p = bp_zalloc(c->alloc, sizeof *p);
    *out = p;
    if (p == NULL) return BP_ERR_NOMEM;
    p->alloc = c->alloc;
    p->memory = sizeof *p;
    p->config = *c;
    p->head = c->head;
    p->best = NONE;
    bp_rng_seed(&p->rng, c->seed);
    memset(p->bucket, 0xff, sizeof p->bucket);
    return 0;
}

static void old_end(void *e, void (*release_item)(void *user, uint64_t item),
                    void *user) {
    struct old_pool *p = e;
    struct bp_action a;
    while (old_next(p, &a))
        for (size_t i = 0; a.type == BP_ACT_RELEASE && i < a.u.release.n; i++)
            release_item(user, a.u.release.items[i]);
    for (uint32_t i = 0; i < p->nodes; i++) {
        if (p->node[i].gone) continue;
        if (p->node[i].link_item != 0) release_item(user, p->node[i].link_item);
        if (p->node[i].body_item != 0) release_item(user, p->node[i].body_item);
    }
    for (uint32_t i = 0; i < p->sections; i++)
        old_give(p, p->section[i].node,
                 p->section[i].cap * sizeof *p->section[i].node);
    old_give(p, p->section, p->section_cap * sizeof *p->section);
    old_give(p, p->node, p->node_cap * sizeof *p->node);
    old_give(p, p->queue, p->queue_cap * sizeof *p->queue);
    bp_free(p->alloc, p, sizeof *p);
}

static uint64_t old_memory(const void *e) {
    return ((const struct old_pool *)e)->memory;
}

static void old_check(const void *e) {
    (void)e; /* it had no invariants to walk */
}

static void old_status(const void *e, struct bp_pool_status *out) {
    const struct old_pool *p = e;
    *out = p->status;
    out->head = p->head;
    out->peers = p->peers;
    out->best = p->best != NONE ? p->peer[p->best].id : 0;
    out->syncing = !old_quiescent(e);
    for (uint32_t i = 0; i < p->nodes; i++)
        if (!p->node[i].gone) out->links_held++;
}

static size_t old_peers(const void *e, struct bp_peer_status *out, size_t cap) {
    (void)e, (void)out, (void)cap;
    return 0;
}

static size_t old_why(const void *e, char *out, size_t cap) {
    (void)e;
    if (cap > 0) out[0] = '\0';
    return 0;
}

const struct engine_ops engine_2015 = {
    "2015",     old_bound,    old_make,      old_end,    old_step,
    old_next,   old_deadline, old_quiescent, old_memory, old_check,
    old_status, old_peers,    old_why,
};
