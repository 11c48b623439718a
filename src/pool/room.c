/* room: what goes when a budget is full. Least work first; never the branch
   that asks for the room, nor one that is being inserted. */
#include "pool/state.h"

/* ---- links -------------------------------------------------------------- */

/* The root that would be the least loss: dangling, and lightest. */
static uint32_t lightest_root(struct bp_forest *f, uint32_t spare) {
    uint32_t worst = BP_NIL;
    bp_forest_rank(f);
    for (uint32_t id = bp_section_next(f, 0); id != BP_NIL;
         id = bp_section_next(f, id + 1)) {
        const struct bp_section *s = bp_section_at(f, id);
        if (s->parent != BP_NIL || s->connected || id == spare) continue;
        if (worst == BP_NIL ||
            bp_u256_cmp(&s->tip, &bp_section_at(f, worst)->tip) < 0)
            worst = id;
    }
    return worst;
}

static void drop_for_room(struct bp_pool *p, uint32_t root) {
    struct bp_forest *f = &p->forest;
    const struct bp_section *s = bp_section_at(f, root);
    bp_trace(p, "no room: drop %llu links under %llu", (unsigned long long)s->n,
             (unsigned long long)s->top);
    bp_report(p, BP_REPORT_DROPPED, 0, bp_section_top(f, root), s->top, s->n);
    p->stat.refused += s->n;
    bp_forest_drop(p, root);
}

bool bp_make_room(struct bp_pool *p, uint32_t root) {
    struct bp_forest *f = &p->forest;
    uint32_t victim = lightest_root(f, root);
    if (victim == BP_NIL) return false;
    const struct bp_section *s = bp_section_at(f, victim);
    if (root == BP_NIL ||
        bp_u256_cmp(&s->tip, &bp_section_at(f, root)->tip) > 0)
        return false;
    drop_for_room(p, victim);
    return true;
}

void bp_make_room_connected(struct bp_pool *p) {
    uint32_t victim = lightest_root(&p->forest, BP_NIL);
    if (victim != BP_NIL) drop_for_room(p, victim);
}

/* ---- bodies ------------------------------------------------------------- */

/* The next to be inserted of a branch that is joined and does not wait. */
static bool is_next(const struct bp_pool *p, const struct bp_slot *s) {
    if (s->link == BP_NIL) return false;
    const struct bp_section *section =
        bp_section_at(&p->forest, bp_link_section(&p->forest, s->link));
    return section->connected && section->parent == BP_NIL &&
           s->number == bp_section_bottom(section) &&
           section->check_wait <= p->now && section->insert_wait <= p->now;
}

/* Whose turn it is to go: rivals within their share go after the best. */
static int order(const struct bp_pool *p, const struct bp_slot *s) {
    bool over = p->window.bytes[BP_CLASS_RIVAL] > p->cfg.window_bytes / 4;
    switch (s->rank) {
    case BP_CLASS_AHEAD: return 3;
    case BP_CLASS_RIVAL: return over ? 2 : 0;
    case BP_CLASS_BEST:
    case BP_CLASSES: break;
    }
    return 1;
}

static bool worse(const struct bp_pool *p, const struct bp_slot *a,
                  const struct bp_slot *b) {
    bool x = is_next(p, a), y = is_next(p, b);
    if (x != y) return y;
    x = a->state == BP_SLOT_WANTED, y = b->state == BP_SLOT_WANTED;
    if (order(p, a) != order(p, b)) return order(p, a) > order(p, b);
    if (x != y) return x;
    return a->number > b->number;
}

/* What is needed last, or BP_NIL; nothing of a job, or that is on its way. */
static uint32_t last_needed(const struct bp_pool *p) {
    uint32_t worst = BP_NIL, n = 0;
    for (uint32_t i = 0; i < p->window.slots.used; i++) {
        const struct bp_slot *s = bp_table_get(&p->window.slots, i);
        if (s == NULL || !bp_slot_spare(p, s)) continue;
        n++;
        if (worst == BP_NIL || worse(p, s, bp_slot_at(p, worst))) worst = i;
    }
    return n > 1 ? worst : BP_NIL; /* the last one may be over the limit */
}

bool bp_window_evict(struct bp_pool *p) {
    uint32_t id = last_needed(p);
    if (id == BP_NIL) return false;
    bp_slot_evict(p, id);
    return true;
}

void bp_window_trim(struct bp_pool *p) {
    while (p->window.used > p->cfg.window_bytes && bp_release_room(p))
        if (!bp_window_evict(p)) return;
}
