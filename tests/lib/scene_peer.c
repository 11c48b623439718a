/* scene_peer: scripted peers: how they come and go, what they send, and what an
   honest one answers. */
#include "lib/scene_parts.h"

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
    c.known = scene_held(s, head);
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
    l.difficulty.w[1] = b->wide;
    l.item = scene_item_new(s, id, SCENE_HEADER, false);
    if (b->empty) l.flags |= BP_LINK_EMPTY;
    return l;
}

static void reply(struct scene *s, bp_peer_id peer, bp_req_id req,
                  size_t bytes) {
    struct bp_event ev = { .type = BP_EV_REPLY };
    ev.u.reply.peer = peer;
    ev.u.reply.request = req;
    ev.u.reply.bytes = bytes;
    scene_step(s, &ev);
}

/* First of the ids that is held, or n if the last one's parent is. */
static size_t first_held(struct scene *s, const uint32_t *ids, size_t n,
                         struct bp_held *held) {
    for (size_t i = 0; i < n; i++) {
        *held = scene_held(s, ids[i]);
        if (held->held) return i;
    }
    if (n == 0 || ids[n - 1] == 0) return BP_NONE;
    *held = scene_held(s, scene_at(s, ids[n - 1])->parent);
    return held->held ? n : BP_NONE;
}

void scene_links(struct scene *s, bp_peer_id peer, bp_req_id req,
                 const uint32_t *ids, size_t n) {
    struct bp_link *links = calloc(n + 1, sizeof *links);
    assert_non_null(links);
    for (size_t i = 0; i < n; i++) links[i] = scene_link(s, ids[i]);
    reply(s, peer, req, n * s->link_bytes);
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
    reply(s, peer, req, n * sizeof *hashes);
    struct bp_event ev = { .type = BP_EV_HASHES };
    ev.u.hashes.peer = peer;
    ev.u.hashes.request = req;
    ev.u.hashes.hashes = hashes;
    ev.u.hashes.n = n;
    ev.u.hashes.held_at = BP_NONE;
    for (size_t i = n; i-- > 0;) {
        struct bp_held h = scene_held(s, ids[i]);
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
    d.item = scene_item_new(s, id, whole ? SCENE_WHOLE : SCENE_BODY,
                            scene_peer(s, peer)->bad_bodies);
    if (!whole) return d;
    d.has_link = true;
    d.link = scene_link(s, id);
    scene_item_release(s, d.link.item); /* the whole block is one item */
    d.link.item = 0;
    d.known = scene_held(s, id);
    if (id != 0) d.parent = scene_held(s, b->parent);
    return d;
}

static void send_blocks(struct scene *s, bp_peer_id peer, bp_req_id req,
                        const uint32_t *ids, const bool *whole, size_t n) {
    struct bp_delivery *d = calloc(n + 1, sizeof *d);
    assert_non_null(d);
    for (size_t i = 0; i < n; i++) d[i] = delivery(s, peer, ids[i], whole[i]);
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++) bytes += d[i].size;
    reply(s, peer, req, bytes);
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
    ev.u.announced.known = scene_held(s, id);
    scene_step(s, &ev);
}

/* ---- honest answers ------------------------------------------------------ */

/* The peer's chain has this block. */
static bool has(struct scene *s, const struct scene_peer *peer, uint32_t id) {
    return id < s->n_blocks && s->block[id].exists &&
           peer->head < s->n_blocks && s->block[id].number >= peer->from &&
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
        while (!end && n < most && s->block[id].exists &&
               s->block[id].number >= peer->from) {
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
        if (!has(s, peer, a->ids[i]) || a->ids[i] == peer->no_body) continue;
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
