/* opening: which bodies the window is opened for. */
#include "pool/state.h"

/* The heaviest branch has the whole window; but what else is joined may have a
   quarter of it, and one block at least, for the bodies of the heaviest may be
   withheld. */
uint64_t bp_window_share(const struct bp_pool *p) {
    uint64_t quarter = p->cfg.window_bytes / 4;
    return quarter > p->window.reserve ? quarter : p->window.reserve;
}

static bool has_room(const struct bp_pool *p, enum bp_class rank) {
    const struct bp_window *w = &p->window;
    uint64_t window = p->cfg.window_bytes, share = bp_window_share(p);
    uint64_t after = w->used + w->reserve, rivals = w->bytes[BP_CLASS_RIVAL];
    uint64_t left = w->yields && rivals < share ? share - rivals : 0;
    switch (rank) {
    case BP_CLASS_ROOT: return true;
    case BP_CLASS_BEST: /* one always gets in */
        return w->bytes[BP_CLASS_BEST] == 0 || after + left <= window;
    case BP_CLASS_RIVAL:
        if (rivals + w->reserve <= share) return after <= window;
        return after <= window / 2 && w->slots.n < w->slots.max / 2;
    case BP_CLASS_AHEAD:
        return after + left <= window &&
               w->bytes[BP_CLASS_AHEAD] + w->reserve <= window / 4 &&
               w->n_ahead < w->slots.max / 4 &&
               w->slots.n < w->slots.max / 4 * 3;
    case BP_CLASSES: break;
    }
    return false;
}

uint32_t bp_window_next(const struct bp_pool *p, uint32_t section) {
    const struct bp_forest *f = &p->forest;
    uint32_t root = bp_section_root(f, section);
    uint64_t bottom = bp_section_bottom(bp_section_at(f, root));
    bp_ref ref = bp_section_link(f, root, bottom);
    return ref != BP_NIL ? bp_link_at(f, ref)->slot : BP_NIL;
}

bool bp_window_deserted(const struct bp_pool *p, uint32_t section) {
    uint32_t id = bp_window_next(p, section);
    if (id == BP_NIL) return false;
    const struct bp_slot *s = bp_slot_at(p, id);
    return s->state != BP_SLOT_HERE && s->rounds > 0;
}

/* The heaviest branch that is joined and not deserted, or BP_NIL. */
static uint32_t favourite(struct bp_pool *p) {
    struct bp_forest *f = &p->forest;
    bp_forest_rank(f);
    for (uint32_t i = 0; i < f->n_order; i++)
        if (!bp_window_deserted(p, f->order[i])) return f->order[i];
    return BP_NIL;
}

/* What is lowest of the best branch could not be inserted, and will be tried
   again. */
static bool put_off(struct bp_pool *p) {
    const struct bp_forest *f = &p->forest;
    uint32_t best = favourite(p);
    if (best == BP_NIL) return false;
    uint32_t root = bp_section_root(f, best);
    bp_time until = bp_section_at(f, root)->insert_wait;
    return until != 0 && until >= p->now;
}

/* Nothing is on its way, and nothing has come for a while: one more gets in,
   whatever must go. */
static bool is_stuck(struct bp_pool *p) {
    if (p->window.missing > 0 || bp_inserting(p) || put_off(p)) return false;
    bp_time end = p->moved + BP_BACKOFF_MS;
    if (end > p->now) bp_wake_at(p, end);
    return end <= p->now;
}

bool bp_window_has_room(struct bp_pool *p, enum bp_class rank) {
    return has_room(p, rank) || (rank == BP_CLASS_BEST && is_stuck(p));
}

/* All of the section below is wanted, or was: what comes after it may be. */
static bool parent_wanted(const struct bp_pool *p, const struct bp_section *s) {
    if (s->parent == BP_NIL) return true;
    const struct bp_section *up = bp_section_at(&p->forest, s->parent);
    return up->want_next > up->top;
}

/* A rival that stands on what is held has a right to its share; one that stands
   on wants of the best branch would take their place. */
static bool is_denied(const struct bp_pool *p, bp_ref ref, enum bp_class rank) {
    uint32_t id = bp_link_section(&p->forest, ref);
    return rank == BP_CLASS_RIVAL &&
           bp_section_at(&p->forest, id)->parent == BP_NIL;
}

/* A slot for the body of a link of something joined; BP_NIL: no room.
   The next one of each branch that is joined has a place of its own: it takes
   no room if there is none, or a few branches whose bodies are withheld would
   keep the window for ever. */
static uint32_t want(struct bp_pool *p, bp_ref ref, enum bp_class rank) {
    bool own = bp_link_is_next(p, ref);
    bool fits =
        own && p->window.used + p->window.reserve <= p->cfg.window_bytes;
    bool room = fits || bp_window_has_room(p, rank);
    uint64_t number = bp_link_number(&p->forest, ref);
    while (!room && rank == BP_CLASS_BEST && bp_window_make_way(p, number))
        room = has_room(p, rank);
    if (!room) p->window.denied |= is_denied(p, ref, rank);
    if (!room && !own) return BP_NIL;
    uint32_t slot =
        room ? bp_slot_new(p, ref, rank) : bp_slot_next(p, ref, rank);
    if (slot != BP_NIL) return slot;
    /* The lowest missing one gets in, whoever must go. */
    if (rank != BP_CLASS_BEST || p->window.bytes[BP_CLASS_BEST] > 0 ||
        !bp_window_evict(p))
        return BP_NIL;
    return bp_slot_new(p, ref, rank);
}

#define BARE_NEAR 256 /* links above what is checked, */
#define BARE_MOST 8   /* … among which so many are wanted */

/* No check gets past a link without a header of its own, which comes with its
   block: the next of those are wanted before it is their turn. */
static void open_bare(struct bp_pool *p, bp_ref ref, enum bp_class rank) {
    if (p->forest.bare == 0) return;
    uint32_t n = 0;
    for (uint32_t i = 0; i < BARE_NEAR && n < BARE_MOST && ref != BP_NIL;
         i++, ref = bp_link_newer(&p->forest, ref)) {
        const struct bp_plink *l = bp_link_at(&p->forest, ref);
        if ((l->flags & BP_PL_BARE) == 0) continue;
        n++;
        if (l->slot != BP_NIL)
            bp_slot_promote(p, l->slot, rank);
        else if (!bp_window_has_room(p, rank) ||
                 bp_slot_new(p, ref, rank) == BP_NIL)
            return;
    }
}

/* Wants the next checked links of a connected section, lowest first. */
static void open_section(struct bp_pool *p, uint32_t id, enum bp_class rank) {
    struct bp_section *s = bp_section_at(&p->forest, id);
    if (s->want_next > s->top || !parent_wanted(p, s)) return;
    bp_ref ref = bp_section_link(&p->forest, id, s->want_next);
    for (; ref != BP_NIL; ref = bp_link_newer(&p->forest, ref)) {
        const struct bp_plink *l = bp_link_at(&p->forest, ref);
        if ((l->flags & (BP_PL_CHECKED | BP_PL_BARE)) == 0) {
            open_bare(p, ref, rank);
            return;
        }
        if (l->slot != BP_NIL) {
            bp_slot_promote(p, l->slot, rank);
        } else if (!bp_link_bodiless(l)) {
            if (want(p, ref, rank) == BP_NIL) return;
        }
        s->want_next++;
    }
}

bool bp_window_next_here(struct bp_pool *p) {
    uint32_t best = favourite(p);
    uint32_t id = best != BP_NIL ? bp_window_next(p, best) : BP_NIL;
    return id != BP_NIL && bp_slot_at(p, id)->state == BP_SLOT_HERE &&
           !put_off(p);
}

bool bp_window_all_deserted(struct bp_pool *p) {
    return favourite(p) == BP_NIL && p->forest.n_order > 0;
}

static enum bp_class class_of(const struct bp_forest *f, uint32_t id,
                              uint32_t best) {
    if (best == BP_NIL) return BP_CLASS_RIVAL;
    const bp_u256 *tip = &bp_section_at(f, id)->tip;
    bool same = bp_u256_cmp(tip, &bp_section_at(f, best)->tip) == 0;
    return same ? BP_CLASS_BEST : BP_CLASS_RIVAL;
}

/* Gives the slots of a section the class that it has now. */
static void reclass(struct bp_pool *p, uint32_t id, enum bp_class class) {
    const struct bp_section *s = bp_section_at(&p->forest, id);
    bp_ref ref = bp_section_link(&p->forest, id, bp_section_bottom(s));
    uint64_t end = s->want_next + (p->forest.bare > 0 ? BARE_NEAR : 0);
    for (uint64_t n = bp_section_bottom(s); ref != BP_NIL && n < end;
         n++, ref = bp_link_newer(&p->forest, ref)) {
        const struct bp_plink *l = bp_link_at(&p->forest, ref);
        if (l->slot != BP_NIL) bp_slot_promote(p, l->slot, class);
    }
}

/* Changes when another branch is the best, or sections came or went. */
static uint64_t sections_mark(const struct bp_forest *f,
                              const enum bp_class *class) {
    uint64_t mark = 1469598103934665603u; /* FNV-1a */
    for (uint32_t i = 0; i < f->n_order; i++) {
        mark ^= (uint64_t)f->order[i] << 2 | class[i];
        mark *= 1099511628211u;
    }
    return mark;
}

void bp_window_open(struct bp_pool *p) {
    struct bp_forest *f = &p->forest;
    enum bp_class class[BP_RANK_MAX];
    bp_forest_rank(f);
    uint32_t best = favourite(p);
    for (uint32_t i = 0; i < f->n_order; i++)
        class[i] = class_of(f, f->order[i], best);
    uint64_t mark = sections_mark(f, class);
    if (mark != p->window.classes)
        for (uint32_t i = 0; i < f->n_order; i++)
            reclass(p, f->order[i], class[i]);
    p->window.classes = mark;
    for (uint32_t i = 0; i < f->n_order; i++)
        open_section(p, f->order[i], class[i]);
}

/* Wants the bodies of a stretch that dangles, newest first. */
static bool open_stretch(struct bp_pool *p, uint32_t section,
                         struct bp_stretch *st) {
    for (uint64_t k = 0; k < st->n; k++) {
        bp_ref ref = bp_section_link(&p->forest, section, st->top - k);
        const struct bp_plink *l = bp_link_at(&p->forest, ref);
        if (l->slot != BP_NIL || bp_link_bodiless(l)) continue;
        if (!bp_window_has_room(p, BP_CLASS_AHEAD)) return false;
        if (bp_slot_new(p, ref, BP_CLASS_AHEAD) == BP_NIL) return false;
    }
    st->ahead = true;
    return true;
}

void bp_window_open_ahead(struct bp_pool *p) {
    struct bp_forest *f = &p->forest;
    if (!bp_window_has_room(p, BP_CLASS_AHEAD)) return;
    uint32_t root = bp_forest_heaviest_dangling(f);
    if (root == BP_NIL) return;
    const struct bp_section *s = bp_section_at(f, root);
    /* A branch that is going to be condensed would lose them again. */
    if (s->n > p->cfg.links_max / 16) return;
    for (uint32_t id = s->newest; id != BP_NIL;
         id = bp_stretch_at(f, id)->older) {
        struct bp_stretch *st = bp_stretch_at(f, id);
        if (st->chunk == BP_NIL || !st->proved || st->ahead) continue;
        if (!open_stretch(p, root, st)) return;
    }
}
