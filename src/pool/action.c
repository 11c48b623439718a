/* action: what the host is to do, in order; then the items to release. */
#include <assert.h>

#include "pool/state.h"

/* Loose items of one step: those of its event, of an insertion that ended,
   of a job that was orphaned. What a dropped branch had waits in the grave. */
static uint32_t loose_max(const struct bp_pool_config *c) {
    return 3 * BP_EVENT_ITEMS_MAX + 4 * bp_config_job_links(c);
}

static uint32_t ring_max(const struct bp_pool_config *c) {
    return 256 + 8 * c->peers_max + 2 * bp_config_requests(c) + c->workers;
}

static uint32_t scratch_max(const struct bp_pool_config *c) {
    uint32_t n = bp_config_job_links(c);
    return n > 256 ? n : 256;
}

uint64_t bp_actions_bound(const struct bp_pool_config *c) {
    uint64_t n = scratch_max(c);
    return (uint64_t)ring_max(c) * sizeof(struct bp_action) +
           (uint64_t)loose_max(c) * sizeof(uint64_t) +
           (uint64_t)c->blocks_per_request * sizeof(struct bp_want) +
           n * (sizeof(uint64_t) + sizeof(bp_hash) +
                sizeof(struct bp_insert_item));
}

int bp_actions_init(struct bp_pool *p) {
    struct bp_actions *a = &p->act;
    const struct bp_pool_config *c = &p->cfg;
    uint32_t n = scratch_max(c);
    a->max = ring_max(c);
    a->loose_max = loose_max(c);
    a->ring = bp_mem_take(&p->mem, a->max * sizeof *a->ring);
    a->loose = bp_mem_take(&p->mem, a->loose_max * sizeof *a->loose);
    a->wants = bp_mem_take(&p->mem, c->blocks_per_request * sizeof *a->wants);
    a->items = bp_mem_take(&p->mem, n * sizeof *a->items);
    a->hashes = bp_mem_take(&p->mem, n * sizeof *a->hashes);
    a->inserts = bp_mem_take(&p->mem, n * sizeof *a->inserts);
    bool ok = a->ring != NULL && a->loose != NULL && a->wants != NULL &&
              a->items != NULL && a->hashes != NULL && a->inserts != NULL;
    return ok ? 0 : BP_ERR_NOMEM;
}

void bp_actions_free(struct bp_pool *p) {
    struct bp_actions *a = &p->act;
    const struct bp_pool_config *c = &p->cfg;
    uint32_t n = scratch_max(c);
    bp_mem_give(&p->mem, a->ring, a->max * sizeof *a->ring);
    bp_mem_give(&p->mem, a->loose, a->loose_max * sizeof *a->loose);
    bp_mem_give(&p->mem, a->wants, c->blocks_per_request * sizeof *a->wants);
    bp_mem_give(&p->mem, a->items, n * sizeof *a->items);
    bp_mem_give(&p->mem, a->hashes, n * sizeof *a->hashes);
    bp_mem_give(&p->mem, a->inserts, n * sizeof *a->inserts);
}

/* The last quarter of the ring is for blames and reports. */
bool bp_actions_room(const struct bp_pool *p, uint32_t n) {
    return p->act.n + n <= p->act.max - p->act.max / 4;
}

struct bp_action *bp_actions_push(struct bp_pool *p, enum bp_action_type type) {
    struct bp_actions *a = &p->act;
    if (a->n == a->max) return NULL;
    struct bp_action *out = &a->ring[(a->head + a->n++) % a->max];
    *out = (struct bp_action){ .type = type };
    return out;
}

void bp_release(struct bp_pool *p, uint64_t item) {
    struct bp_actions *a = &p->act;
    if (item == 0) return;
    /* One step cannot fill the ring: only a host that does not take the
       actions of many steps can. */
    assert(a->loose_n < a->loose_max);
    a->loose[(a->loose_head + a->loose_n++) % a->loose_max] = item;
}

bool bp_release_room(const struct bp_pool *p) {
    return p->act.loose_n < p->act.loose_max / 2;
}

void bp_report(struct bp_pool *p, enum bp_report_kind kind, bp_peer_id peer,
               const bp_hash *hash, uint64_t number, uint64_t count) {
    struct bp_action *out = bp_actions_push(p, BP_ACT_REPORT);
    if (out == NULL) return;
    struct bp_act_report *r = &out->u.report;
    r->kind = kind;
    r->peer = peer;
    if (hash != NULL) r->hash = *hash;
    r->number = number;
    r->count = count;
}

/* ---- taking ----------------------------------------------------------- */

static bool fill_ask_blocks(struct bp_pool *p, struct bp_act_ask_blocks *out) {
    const struct bp_request *r = bp_request_find(p, out->request);
    if (r == NULL) return false; /* closed since */
    size_t n = 0;
    for (uint32_t i = 0; i < r->n_wants; i++) {
        const struct bp_slot *s = bp_slot_at(p, r->wants[i]);
        if (s->cell.live == 0 || (s->req[0] != r->id && s->req[1] != r->id))
            continue;
        struct bp_want *w = &p->act.wants[n++];
        *w = (struct bp_want){ .hash = s->hash };
        if (s->link == BP_NIL) continue;
        const struct bp_plink *l = bp_link_at(&p->forest, s->link);
        *w = (struct bp_want){ l->hash, l->item };
    }
    out->wants = p->act.wants;
    out->n = n;
    return n > 0;
}

/* The header, or the whole block where it came without one. */
static uint64_t item_of(const struct bp_pool *p, bp_ref ref) {
    const struct bp_plink *l = bp_link_at(&p->forest, ref);
    if (l->item != 0) return l->item;
    return l->slot != BP_NIL ? bp_slot_at(p, l->slot)->item : 0;
}

static bool fill_check(struct bp_pool *p, struct bp_act_check *out) {
    const struct bp_job *job = bp_job_find(p, out->job);
    if (job == NULL) return false;
    for (uint32_t i = 0; i < job->n; i++) {
        p->act.hashes[i] = bp_link_at(&p->forest, job->links[i])->hash;
        p->act.items[i] = item_of(p, job->links[i]);
    }
    if (job->parent_link != BP_NIL)
        out->parent_item = item_of(p, job->parent_link);
    out->items = p->act.items;
    out->hashes = p->act.hashes;
    out->n = job->n;
    return true;
}

static bool fill_insert(struct bp_pool *p, struct bp_act_insert *out) {
    const struct bp_job *job = bp_job_find(p, out->job);
    if (job == NULL) return false;
    for (uint32_t i = 0; i < job->n; i++) {
        const struct bp_plink *l = bp_link_at(&p->forest, job->links[i]);
        struct bp_insert_item *it = &p->act.inserts[i];
        *it = (struct bp_insert_item){
            .hash = l->hash,
            .link_item = l->item,
            .checked = (l->flags & BP_PL_CHECKED) != 0,
            .trusted = (l->flags & BP_PL_TRUSTED) != 0,
        };
        if (l->by != 0) it->link_by = bp_giver_at(p, l->by)->session;
        if (l->slot == BP_NIL) continue;
        const struct bp_slot *s = bp_slot_at(p, l->slot);
        it->body_item = s->item;
        if (s->by != 0) it->body_by = bp_giver_at(p, s->by)->session;
    }
    out->items = p->act.inserts;
    out->n = job->n;
    return true;
}

/* Fills in what the action points to; false: nothing is left to do. */
static bool materialise(struct bp_pool *p, struct bp_action *out) {
    switch (out->type) {
    case BP_ACT_ASK_BLOCKS: return fill_ask_blocks(p, &out->u.ask_blocks);
    case BP_ACT_CHECK: return fill_check(p, &out->u.check);
    case BP_ACT_INSERT: return fill_insert(p, &out->u.insert);
    case BP_ACT_ASK_LINKS:
        return bp_request_find(p, out->u.ask_links.request) != NULL;
    case BP_ACT_ASK_HASHES:
        return bp_request_find(p, out->u.ask_hashes.request) != NULL;
    case BP_ACT_BLAME:
    case BP_ACT_RELEASE:
    case BP_ACT_REPORT: return true;
    }
    return true;
}

static size_t take_loose(struct bp_actions *a, const uint64_t **items) {
    uint32_t n = a->loose_n;
    if (n > a->loose_max - a->loose_head) n = a->loose_max - a->loose_head;
    *items = a->loose + a->loose_head;
    a->loose_head = (a->loose_head + n) % a->loose_max;
    a->loose_n -= n;
    return n;
}

bool bp_pool_next(struct bp_pool *p, struct bp_action *out) {
    struct bp_actions *a = &p->act;
    while (a->n > 0) {
        *out = a->ring[a->head];
        a->head = (a->head + 1) % a->max;
        a->n--;
        if (materialise(p, out)) return true;
    }
    *out = (struct bp_action){ .type = BP_ACT_RELEASE };
    out->u.release.n = take_loose(a, &out->u.release.items);
    if (out->u.release.n > 0) return true;
    out->u.release.items = a->items;
    while (p->forest.grave != BP_NIL) {
        out->u.release.n = bp_grave_take(p, a->items, scratch_max(&p->cfg));
        if (out->u.release.n > 0) return true;
    }
    return false;
}
