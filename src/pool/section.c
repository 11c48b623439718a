/* section: the shape of the forest. Growing, joining, splitting, merging,
   cutting, ranking. */
#include <assert.h>

#include "pool/state.h"

static uint32_t sections_for(uint64_t links_max) {
    uint64_t n = links_max / BP_CHUNK_MIN + 64;
    return n < 16384 ? (uint32_t)n : 16384;
}

static uint32_t chunks_for(uint64_t links_max) {
    return (uint32_t)(links_max / BP_CHUNK_MIN + 1);
}

/* However small the budget, a branch of the length of the longest chains can
   be condensed. */
static uint32_t spine_for(uint64_t links_max) {
    uint32_t n = chunks_for(links_max);
    return n > 32768 ? n : 32768;
}

/* Every chunk has a stretch, every split one more, and what is buried keeps
   its own: as many again; and what is condensed has one. */
static uint32_t stretches_for(uint64_t links_max) {
    return 2 * chunks_for(links_max) + 2 * sections_for(links_max) +
           spine_for(links_max);
}

int bp_forest_init(struct bp_forest *f, struct bp_mem *mem, uint64_t links_max,
                   uint64_t seed) {
    *f = (struct bp_forest){ .mem = mem,
                             .places_max = links_max,
                             .joined_low = UINT64_MAX,
                             .grave = BP_NIL };
    if (bp_table_init(&f->chunks, mem, sizeof(struct bp_chunk), 6,
                      chunks_for(links_max)) != 0 ||
        bp_table_init(&f->stretches, mem, sizeof(struct bp_stretch), 6,
                      stretches_for(links_max)) != 0 ||
        bp_table_init(&f->sections, mem, sizeof(struct bp_section), 4,
                      sections_for(links_max)) != 0 ||
        bp_table_init(&f->spine, mem, sizeof(struct bp_spine), 6,
                      spine_for(links_max)) != 0 ||
        bp_index_init(&f->index, mem, (uint32_t)links_max, seed) != 0 ||
        bp_index_init(&f->orphans, mem, sections_for(links_max), ~seed) != 0) {
        bp_forest_free(f);
        return BP_ERR_NOMEM;
    }
    return 0;
}

/* The links' own memory, when nothing was buried. */
static void chunks_free(struct bp_forest *f) {
    if (f->chunks.page == NULL) return;
    for (uint32_t i = 0; i < f->chunks.used; i++) {
        struct bp_chunk *c = bp_table_get(&f->chunks, i);
        if (c == NULL) continue;
        bp_mem_give(f->mem, c->wide, c->cap * sizeof *c->wide);
        bp_mem_give(f->mem, c->link, c->cap * sizeof *c->link);
    }
}

void bp_forest_free(struct bp_forest *f) {
    chunks_free(f);
    bp_index_free(&f->orphans);
    bp_index_free(&f->index);
    bp_table_free(&f->spine);
    bp_table_free(&f->sections);
    bp_table_free(&f->stretches);
    bp_table_free(&f->chunks);
}

uint64_t bp_forest_bound(uint64_t links_max) {
    uint64_t link = sizeof(struct bp_plink) + sizeof(uint64_t);
    return links_max * link +
           bp_table_bound(sizeof(struct bp_chunk), 6, chunks_for(links_max)) +
           bp_table_bound(sizeof(struct bp_stretch), 6,
                          stretches_for(links_max)) +
           bp_table_bound(sizeof(struct bp_section), 4,
                          sections_for(links_max)) +
           bp_table_bound(sizeof(struct bp_spine), 6, spine_for(links_max)) +
           bp_index_bound((uint32_t)links_max) +
           bp_index_bound(sections_for(links_max));
}

uint32_t bp_section_next(const struct bp_forest *f, uint32_t id) {
    for (; id < f->sections.used; id++)
        if (bp_table_get(&f->sections, id) != NULL) return id;
    return BP_NIL;
}

uint32_t bp_section_root(const struct bp_forest *f, uint32_t section) {
    for (;;) {
        uint32_t parent = bp_section_at(f, section)->parent;
        if (parent == BP_NIL) return section;
        section = parent;
    }
}

/* ---- making and unmaking ---------------------------------------------- */

static uint32_t section_new(struct bp_pool *p) {
    uint32_t id = bp_table_take(&p->forest.sections);
    if (id == BP_NIL) return BP_NIL;
    struct bp_section *s = bp_section_at(&p->forest, id);
    s->parent = s->child = s->sibling = s->brother = BP_NIL;
    s->newest = s->oldest = s->condense_at = s->sought = BP_NIL;
    s->progress = p->now;
    return id;
}

static void wait_for_below(struct bp_pool *p, uint32_t id) {
    struct bp_section *s = bp_section_at(&p->forest, id);
    bool added = bp_index_add(&p->forest.orphans, &s->below, id);
    assert(added); /* as many cells as sections */
}

static void stop_waiting(struct bp_pool *p, uint32_t id) {
    struct bp_section *s = bp_section_at(&p->forest, id);
    bp_index_remove(&p->forest.orphans, &s->below, id);
}

static bool dangling(const struct bp_section *s) {
    return s->parent == BP_NIL && !s->connected;
}

static void child_add(struct bp_forest *f, uint32_t parent, uint32_t child) {
    struct bp_section *up = bp_section_at(f, parent);
    struct bp_section *c = bp_section_at(f, child);
    c->parent = parent;
    c->brother = BP_NIL;
    c->sibling = up->child;
    if (up->child != BP_NIL) bp_section_at(f, up->child)->brother = child;
    up->child = child;
    f->ranked = false;
}

static void child_remove(struct bp_forest *f, uint32_t child) {
    struct bp_section *c = bp_section_at(f, child);
    if (c->parent == BP_NIL) return;
    if (c->brother != BP_NIL)
        bp_section_at(f, c->brother)->sibling = c->sibling;
    else
        bp_section_at(f, c->parent)->child = c->sibling;
    if (c->sibling != BP_NIL)
        bp_section_at(f, c->sibling)->brother = c->brother;
    c->parent = c->sibling = c->brother = BP_NIL;
    f->ranked = false;
}

/* All children of `from` become those of `to`, which has none. */
static void children_move(struct bp_forest *f, uint32_t from, uint32_t to) {
    struct bp_section *s = bp_section_at(f, from);
    bp_section_at(f, to)->child = s->child;
    for (uint32_t c = s->child; c != BP_NIL; c = bp_section_at(f, c)->sibling)
        bp_section_at(f, c)->parent = to;
    s->child = BP_NIL;
}

/* The next section of a subtree in preorder, or BP_NIL. */
static uint32_t preorder(const struct bp_forest *f, uint32_t root,
                         uint32_t at) {
    const struct bp_section *s = bp_section_at(f, at);
    if (s->child != BP_NIL) return s->child;
    for (;;) {
        if (at == root) return BP_NIL;
        s = bp_section_at(f, at);
        if (s->sibling != BP_NIL) return s->sibling;
        at = s->parent;
    }
}

bp_by bp_section_giver(const struct bp_forest *f, uint32_t section) {
    uint32_t oldest = bp_section_at(f, section)->oldest;
    const struct bp_stretch *st = bp_stretch_at(f, oldest);
    return st->chunk != BP_NIL ? bp_chunk_at(f, st->chunk)->by : 0;
}

uint64_t bp_tree_charge(const struct bp_forest *f, uint32_t root, bp_by by) {
    uint64_t n = 0;
    for (uint32_t at = root; at != BP_NIL; at = preorder(f, root, at))
        for (uint32_t id = bp_section_at(f, at)->newest; id != BP_NIL;
             id = bp_stretch_at(f, id)->older) {
            uint32_t chunk = bp_stretch_at(f, id)->chunk;
            if (chunk == BP_NIL) continue;
            const struct bp_chunk *c = bp_chunk_at(f, chunk);
            if (c->by == by && c->first == id) n += c->charge;
        }
    return n;
}

/* ---- splitting and merging -------------------------------------------- */

static uint64_t max_u64(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

static uint64_t min_u64(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* Makes `ref` the newest link of its section; what was above is a child. */
static bool split(struct bp_pool *p, uint32_t section, bp_ref ref) {
    struct bp_forest *f = &p->forest;
    uint32_t upper = section_new(p);
    if (upper == BP_NIL) return false;
    if (!bp_links_split(p, ref, upper)) {
        bp_table_give(&f->sections, upper);
        return false;
    }
    struct bp_section *s = bp_section_at(f, section);
    struct bp_section *u = bp_section_at(f, upper);
    children_move(f, section, upper);
    child_add(f, section, upper);
    u->below = bp_link_at(f, ref)->hash;
    u->connected = s->connected;
    u->trusted = s->trusted;
    u->progress = s->progress;
    bp_u256_add(&u->base, &s->base, &s->work);
    u->check_next = max_u64(s->check_next, s->top + 1);
    u->want_next = max_u64(s->want_next, s->top + 1);
    s->check_next = min_u64(s->check_next, s->top + 1);
    s->want_next = min_u64(s->want_next, s->top + 1);
    u->check_wait = s->check_wait;
    p->stat.forks++;
    f->ranked = false;
    return true;
}

/* The only child becomes part of its parent. */
static void merge(struct bp_pool *p, uint32_t parent) {
    struct bp_forest *f = &p->forest;
    struct bp_section *s = bp_section_at(f, parent);
    uint32_t child = s->child;
    struct bp_section *c = bp_section_at(f, child);
    assert(c->sibling == BP_NIL && c->connected == s->connected);
    for (uint32_t id = c->newest; id != BP_NIL;
         id = bp_stretch_at(f, id)->older)
        bp_stretch_at(f, id)->section = parent;
    bp_stretch_at(f, c->oldest)->older = s->newest;
    bp_stretch_at(f, s->newest)->newer = c->oldest;
    s->newest = c->newest;
    if (s->check_next > s->top) s->check_next = c->check_next;
    if (s->want_next > s->top) s->want_next = c->want_next;
    s->top = c->top;
    s->n += c->n;
    s->mem += c->mem;
    s->condensed += c->condensed;
    bp_u256_add(&s->work, &s->work, &c->work);
    s->trusted = c->trusted;
    child_remove(f, child);
    children_move(f, child, parent);
    bp_table_give(&f->sections, child);
    f->ranked = false;
}

static bool may_merge(const struct bp_forest *f, uint32_t parent) {
    const struct bp_section *s = bp_section_at(f, parent);
    if (s->child == BP_NIL) return false;
    const struct bp_section *c = bp_section_at(f, s->child);
    return c->sibling == BP_NIL && c->trusted == s->trusted;
}

void bp_forest_drop(struct bp_pool *p, uint32_t section) {
    struct bp_forest *f = &p->forest;
    uint32_t above = bp_section_at(f, section)->parent;
    f->ranked = false;
    f->losses++;
    f->drops++;
    for (uint32_t at = section;;) {
        struct bp_section *s = bp_section_at(f, at);
        if (s->child != BP_NIL) {
            at = s->child;
            continue;
        }
        uint32_t parent = s->parent;
        if (dangling(s)) stop_waiting(p, at);
        child_remove(f, at);
        bp_links_bury(p, at);
        bp_table_give(&f->sections, at);
        at = parent;
        if (at == above) break;
    }
    if (above != BP_NIL && may_merge(f, above)) merge(p, above);
}

/* ---- connecting ------------------------------------------------------- */

/* Marks a subtree connected; false if a total difficulty overflows. */
static bool connect(struct bp_pool *p, uint32_t root, const bp_u256 *base) {
    struct bp_forest *f = &p->forest;
    bp_section_at(f, root)->base = *base;
    for (uint32_t at = root; at != BP_NIL; at = preorder(f, root, at)) {
        struct bp_section *s = bp_section_at(f, at);
        bp_u256 tip;
        if (at != root) {
            const struct bp_section *up = bp_section_at(f, s->parent);
            bp_u256_add(&s->base, &up->base, &up->work);
        }
        if (bp_u256_add(&tip, &s->base, &s->work)) return false;
        s->connected = true;
        s->check_next = s->want_next = bp_section_bottom(s);
        bp_forest_joined(f, s->want_next, s->top);
        s->progress = p->now;
        for (uint32_t id = s->newest; id != BP_NIL;
             id = bp_stretch_at(f, id)->older)
            bp_stretch_uncharge(p, id);
    }
    f->ranked = false;
    return true;
}

bool bp_forest_join(struct bp_pool *p, uint32_t section,
                    const struct bp_held *held) {
    struct bp_section *s = bp_section_at(&p->forest, section);
    assert(dangling(s));
    stop_waiting(p, section);
    s->connected = true; /* no longer waiting, whatever comes */
    if (held->number + 1 != bp_section_bottom(s) ||
        !connect(p, section, &held->td)) {
        bp_ref bottom =
            bp_section_link(&p->forest, section, bp_section_bottom(s));
        if (bottom != BP_NIL)
            bp_condemn(p, bottom, BP_OFF_BAD_RULE, 0,
                       bp_link_at(&p->forest, bottom)->by);
        else
            bp_forest_drop(p, section);
        return false;
    }
    bp_moved(p);
    bp_trace(p, "joined %s at %llu: %llu links", bp_short(&s->below).text,
             (unsigned long long)held->number, (unsigned long long)s->n);
    bp_report(p, BP_REPORT_JOINED, 0, bp_section_top(&p->forest, section),
              s->top, s->n);
    return true;
}

/* ---- grafting --------------------------------------------------------- */

uint32_t bp_forest_waiting(const struct bp_forest *f, const bp_hash *hash,
                           uint32_t *first) {
    uint32_t n = 0;
    struct bp_probe probe = bp_index_begin(&f->orphans, hash);
    while (n < 2) {
        uint32_t id = bp_index_next(&f->orphans, &probe);
        if (id == BP_NIL) break;
        if (!bp_hash_eq(&bp_section_at(f, id)->below, hash)) continue;
        if (n++ == 0) *first = id;
    }
    return n;
}

/* Condemns those that wait for `link` with a number that does not follow. */
static void refuse_children(struct bp_pool *p, const struct bp_link *link) {
    struct bp_forest *f = &p->forest;
    struct bp_probe probe = bp_index_begin(&f->orphans, &link->hash);
    for (;;) {
        uint32_t id = bp_index_next(&f->orphans, &probe);
        if (id == BP_NIL) return;
        struct bp_section *s = bp_section_at(f, id);
        if (!bp_hash_eq(&s->below, &link->hash) ||
            bp_section_bottom(s) == link->number + 1)
            continue;
        bp_ref bottom = bp_section_link(f, id, bp_section_bottom(s));
        if (bottom != BP_NIL)
            bp_condemn(p, bottom, BP_OFF_BAD_RULE, 0,
                       bp_link_at(f, bottom)->by);
        else
            bp_forest_drop(p, id);
        probe = bp_index_begin(&f->orphans, &link->hash); /* it moved */
    }
}

void bp_section_trust(struct bp_forest *f, uint32_t section) {
    for (uint32_t id = section; id != BP_NIL;
         id = bp_section_at(f, id)->parent) {
        struct bp_section *s = bp_section_at(f, id);
        s->trusted = true;
        for (uint32_t k = s->newest; k != BP_NIL;
             k = bp_stretch_at(f, k)->older)
            bp_stretch_at(f, k)->proved = true;
    }
    f->ranked = false;
}

/* Those that waited for the top of `section` become its children. */
static void adopt(struct bp_pool *p, uint32_t section, const bp_hash *top) {
    struct bp_forest *f = &p->forest;
    uint32_t child;
    while (bp_forest_waiting(f, top, &child) > 0) {
        struct bp_section *s = bp_section_at(f, section);
        stop_waiting(p, child);
        child_add(f, section, child);
        if (bp_section_at(f, child)->trusted) bp_section_trust(f, section);
        bp_u256 base;
        bp_u256_add(&base, &s->base, &s->work);
        if (s->connected && !connect(p, child, &base)) bp_forest_drop(p, child);
    }
    while (may_merge(f, section)) merge(p, section);
}

/* The same for any link just put: what waits for one in the middle of a run
   makes a fork there. */
static void adopt_at(struct bp_pool *p, const struct bp_link *link) {
    struct bp_forest *f = &p->forest;
    uint32_t child;
    if (bp_forest_waiting(f, &link->hash, &child) == 0) return;
    refuse_children(p, link);
    bp_ref ref = bp_link_find(f, &link->hash);
    if (ref == BP_NIL) return;
    uint32_t section = bp_link_section(f, ref);
    if (bp_section_at(f, section)->top != link->number &&
        !split(p, section, ref)) {
        while (bp_forest_waiting(f, &link->hash, &child) > 0)
            bp_forest_drop(p, child); /* no memory: as if evicted */
        return;
    }
    adopt(p, section, &link->hash);
}

/* The section that the run becomes part of, at its upper end, when its parent
   is a link of the forest. */
static uint32_t host_above(struct bp_pool *p, bp_ref below) {
    struct bp_forest *f = &p->forest;
    uint32_t section = bp_link_section(f, below);
    const struct bp_section *s = bp_section_at(f, section);
    if (s->top != bp_link_number(f, below) && !split(p, section, below))
        return BP_NIL;
    const struct bp_section *host = bp_section_at(f, section);
    if (host->child == BP_NIL && !host->trusted) return section;
    uint32_t id = section_new(p);
    if (id == BP_NIL) return BP_NIL;
    struct bp_section *up = bp_section_at(f, section);
    struct bp_section *t = bp_section_at(f, id);
    child_add(f, section, id);
    t->below = bp_link_at(f, below)->hash;
    t->connected = up->connected;
    bp_u256_add(&t->base, &up->base, &up->work);
    return id;
}

static bool overflows(const struct bp_section *s, const struct bp_link *links,
                      uint32_t n) {
    bp_u256 sum;
    if (bp_u256_add(&sum, &s->base, &s->work)) return true;
    for (uint32_t i = 0; i < n; i++)
        if (bp_u256_add(&sum, &sum, &links[i].difficulty)) return true;
    return false;
}

static void section_discard(struct bp_pool *p, uint32_t id) {
    child_remove(&p->forest, id);
    bp_table_give(&p->forest.sections, id);
    p->forest.ranked = false;
}

/* Puts a run on top of the forest's link `below`. */
static enum bp_graft graft_above(struct bp_pool *p, bp_ref below,
                                 const struct bp_link *links, uint32_t n,
                                 bp_by by, uint32_t *out) {
    struct bp_forest *f = &p->forest;
    if (bp_link_number(f, below) + 1 != links[n - 1].number)
        return BP_GRAFT_INVALID;
    uint32_t id = host_above(p, below);
    if (id == BP_NIL) return BP_GRAFT_FULL;
    struct bp_section *s = bp_section_at(f, id);
    bool over = s->connected && overflows(s, links, n);
    if (over || !bp_links_put(p, id, links, n, by, BP_GROW_UP, !s->connected)) {
        if (s->n == 0) section_discard(p, id);
        return over ? BP_GRAFT_INVALID : BP_GRAFT_FULL;
    }
    if (s->connected && s->n == n)
        s->check_next = s->want_next = bp_section_bottom(s);
    *out = id;
    return BP_GRAFT_OK;
}

/* Puts a run at the bottom of the one section that waits for it, or makes a
   new dangling section of it. What is about to join has nothing below: its
   chunk has room above. */
static enum bp_graft graft_below(struct bp_pool *p, const struct bp_link *links,
                                 uint32_t n, bp_by by, bool joins,
                                 uint32_t *out) {
    struct bp_forest *f = &p->forest;
    uint32_t id = BP_NIL;
    bool fresh = bp_forest_waiting(f, &links[0].hash, &id) != 1;
    if (fresh) id = section_new(p);
    if (id == BP_NIL) return BP_GRAFT_FULL;
    struct bp_section *s = bp_section_at(f, id);
    enum bp_grow where = fresh && joins ? BP_GROW_UP : BP_GROW_DOWN;
    if (!bp_links_put(p, id, links, n, by, where, true)) {
        if (fresh) bp_table_give(&f->sections, id);
        return BP_GRAFT_FULL;
    }
    if (!fresh) stop_waiting(p, id);
    s->below = links[n - 1].parent;
    wait_for_below(p, id);
    *out = id;
    return BP_GRAFT_OK;
}

void bp_forest_adopt(struct bp_pool *p, const struct bp_link *links,
                     uint32_t n) {
    const struct bp_forest *f = &p->forest;
    bp_ref last = bp_link_find(f, &links[n - 1].hash);
    if (last == BP_NIL) return;
    uint32_t root = bp_section_root(f, bp_link_section(f, last));
    /* The section that they are part of waits for none of them. */
    uint32_t own = bp_section_at(f, root)->connected ? 0 : 1;
    for (uint32_t i = 0; i < n && f->orphans.n > own; i++)
        adopt_at(p, &links[i]);
}

bool bp_forest_split(struct bp_pool *p, bp_ref ref) {
    uint32_t section = bp_link_section(&p->forest, ref);
    if (bp_section_at(&p->forest, section)->top ==
        bp_link_number(&p->forest, ref))
        return true;
    return split(p, section, ref);
}

enum bp_graft bp_forest_graft(struct bp_pool *p, const struct bp_link *links,
                              uint32_t n, bp_by by, const struct bp_held *held,
                              uint32_t *section) {
    struct bp_forest *f = &p->forest;
    if (held->held && held->number + 1 != links[n - 1].number)
        return BP_GRAFT_INVALID;
    refuse_children(p, &links[0]);
    bp_ref below = held->held ? BP_NIL : bp_link_find(f, &links[n - 1].parent);
    enum bp_graft err = below != BP_NIL
                            ? graft_above(p, below, links, n, by, section)
                            : graft_below(p, links, n, by, held->held, section);
    if (err != BP_GRAFT_OK) return err;
    f->ranked = false;
    bp_section_at(f, *section)->progress = p->now;
    if (held->held && !bp_forest_join(p, *section, held)) {
        *section = BP_NIL; /* taken, and dropped again */
        return BP_GRAFT_OK;
    }
    bp_forest_adopt(p, links, n);
    bp_ref top = bp_link_find(f, &links[0].hash);
    *section = top != BP_NIL ? bp_link_section(f, top) : BP_NIL;
    return BP_GRAFT_OK;
}

/* ---- taking out ------------------------------------------------------- */

void bp_forest_pop(struct bp_pool *p, uint32_t section, uint32_t n) {
    struct bp_forest *f = &p->forest;
    struct bp_section *s = bp_section_at(f, section);
    assert(s->parent == BP_NIL && s->connected && n > 0);
    bp_ref newest = bp_section_link(f, section, bp_section_bottom(s) + n - 1);
    s->below = bp_link_at(f, newest)->hash;
    bp_u256 work = bp_links_pop(p, section, n);
    bp_u256_add(&s->base, &s->base, &work);
    s->progress = p->now;
    if (s->n > 0) {
        s->check_next = max_u64(s->check_next, bp_section_bottom(s));
        s->want_next = max_u64(s->want_next, bp_section_bottom(s));
        return;
    }
    while (s->child != BP_NIL) {
        struct bp_section *c = bp_section_at(f, s->child);
        uint32_t id = s->child;
        c->below = s->below;
        c->base = s->base;
        c->progress = p->now;
        child_remove(f, id);
    }
    bp_table_give(&f->sections, section);
    f->ranked = false;
}

void bp_forest_cut(struct bp_pool *p, bp_ref ref) {
    struct bp_forest *f = &p->forest;
    uint32_t section = bp_link_section(f, ref);
    struct bp_section *s = bp_section_at(f, section);
    uint64_t number = bp_link_number(f, ref);
    if (number != bp_section_bottom(s)) {
        bp_ref below = bp_section_link(f, section, number - 1);
        /* Below a condensed stretch nothing can be split off: the whole
           section goes, as it does without memory. */
        if (below != BP_NIL && split(p, section, below))
            section = bp_link_section(f, ref);
    }
    bp_forest_drop(p, section);
}

/* A job has some link of the stretches from this one upward. */
static bool in_job(const struct bp_forest *f, uint32_t stretch) {
    for (uint32_t id = stretch; id != BP_NIL;
         id = bp_stretch_at(f, id)->newer) {
        const struct bp_stretch *st = bp_stretch_at(f, id);
        if (st->chunk == BP_NIL) continue;
        const struct bp_chunk *c = bp_chunk_at(f, st->chunk);
        const struct bp_plink *l = &c->link[c->number0 - st->top];
        for (uint32_t k = 0; k < st->n; k++)
            if ((l[k].flags & BP_PL_IN_JOB) != 0 || l[k].pins > 0) return true;
    }
    return false;
}

/* What it has counts as ahead of time again, and only so much stays. */
static void unjoin_link(struct bp_pool *p, struct bp_plink *l) {
    l->flags &= (uint16_t)~BP_PL_CHECKED;
    if (l->slot == BP_NIL) return;
    bp_slot_promote(p, l->slot, BP_CLASS_AHEAD);
    bool keep = bp_slot_at(p, l->slot)->state == BP_SLOT_HERE &&
                p->window.bytes[BP_CLASS_AHEAD] <= p->cfg.window_bytes / 4;
    if (!keep && bp_release_room(p)) bp_release(p, bp_window_forget(p, l));
}

static void unjoin(struct bp_pool *p, uint32_t section) {
    struct bp_forest *f = &p->forest;
    struct bp_section *s = bp_section_at(f, section);
    s->connected = false;
    s->progress = p->now;
    for (uint32_t id = s->oldest; id != BP_NIL;
         id = bp_stretch_at(f, id)->newer) {
        struct bp_stretch *st = bp_stretch_at(f, id);
        if (st->chunk == BP_NIL) continue;
        const struct bp_chunk *c = bp_chunk_at(f, st->chunk);
        st->ahead = false;
        for (uint32_t k = 0; k < st->n; k++)
            unjoin_link(p, &c->link[c->number0 - st->top + k]);
    }
}

/* The lower part of a section whose upper part dangles: it may be empty. */
static void end_below(struct bp_forest *f, uint32_t section) {
    struct bp_section *s = bp_section_at(f, section);
    s->check_next = min_u64(s->check_next, s->top + 1);
    s->want_next = min_u64(s->want_next, s->top + 1);
    if (s->n > 0) return;
    child_remove(f, section);
    bp_table_give(&f->sections, section);
}

bool bp_forest_part(struct bp_pool *p, uint32_t stretch) {
    struct bp_forest *f = &p->forest;
    uint32_t section = bp_stretch_at(f, stretch)->section;
    bp_hash top = bp_spine_at(f, stretch)->top;
    struct bp_link lowest = { .hash = top };
    lowest.number = bp_stretch_at(f, stretch)->top;
    assert(bp_section_at(f, section)->connected);
    if (in_job(f, bp_stretch_at(f, stretch)->newer)) return false;
    for (uint32_t at = preorder(f, section, section); at != BP_NIL;
         at = preorder(f, section, at))
        if (in_job(f, bp_section_at(f, at)->oldest)) return false;
    uint32_t upper = section_new(p);
    if (upper == BP_NIL) return false;
    if (!bp_links_part(p, stretch, upper)) {
        bp_table_give(&f->sections, upper);
        return false;
    }
    children_move(f, section, upper);
    bp_section_at(f, upper)->trusted = bp_section_at(f, section)->trusted;
    end_below(f, section);
    for (uint32_t at = upper; at != BP_NIL; at = preorder(f, upper, at))
        unjoin(p, at);
    struct bp_section *u = bp_section_at(f, upper);
    u->below = top;
    bp_trace(p, "parted at %llu: %llu links dangle",
             (unsigned long long)lowest.number, (unsigned long long)u->n);
    wait_for_below(p, upper);
    f->ranked = false;
    f->losses++;
    adopt_at(p, &lowest); /* a copy of it may be here */
    return true;
}

/* ---- ranking ---------------------------------------------------------- */

static void rank_tree(struct bp_forest *f, uint32_t root) {
    uint32_t at = root;
    for (;;) {
        struct bp_section *s = bp_section_at(f, at);
        s->root = root;
        bp_u256 start = s->base;
        if (!s->connected)
            start = s->parent == BP_NIL ? bp_u256_from_u64(0)
                                        : bp_section_at(f, s->parent)->value;
        bp_u256_add(&s->value, &start, &s->work);
        s->tip = s->value;
        if (s->child != BP_NIL) {
            at = s->child;
            continue;
        }
        for (;;) { /* leave: hand the tip down, go on with the sibling */
            if (at == root) return;
            s = bp_section_at(f, at);
            struct bp_section *up = bp_section_at(f, s->parent);
            if (bp_u256_cmp(&s->tip, &up->tip) > 0) up->tip = s->tip;
            if (s->sibling != BP_NIL) {
                at = s->sibling;
                break;
            }
            at = s->parent;
        }
    }
}

/* Heavier branch first; of one branch the older section first. */
static bool ranks_before(const struct bp_forest *f, uint32_t a, uint32_t b) {
    const struct bp_section *x = bp_section_at(f, a);
    const struct bp_section *y = bp_section_at(f, b);
    if (x->trusted != y->trusted) return x->trusted;
    int c = bp_u256_cmp(&x->tip, &y->tip);
    if (c != 0) return c > 0;
    return x->top != y->top ? x->top < y->top : a < b;
}

void bp_forest_rank(struct bp_forest *f) {
    if (f->ranked) return;
    f->ranked = true;
    f->n_order = 0;
    f->dangling = BP_NIL;
    for (uint32_t id = bp_section_next(f, 0); id != BP_NIL;
         id = bp_section_next(f, id + 1))
        if (bp_section_at(f, id)->parent == BP_NIL) rank_tree(f, id);
    for (uint32_t id = bp_section_next(f, 0); id != BP_NIL;
         id = bp_section_next(f, id + 1)) {
        const struct bp_section *s = bp_section_at(f, id);
        if (dangling(s) &&
            (f->dangling == BP_NIL ||
             bp_u256_cmp(&s->tip, &bp_section_at(f, f->dangling)->tip) > 0))
            f->dangling = id;
        if (!s->connected) continue;
        uint32_t at = f->n_order;
        if (at == BP_RANK_MAX) {
            if (!ranks_before(f, id, f->order[at - 1])) continue;
            at--;
        } else {
            f->n_order++;
        }
        for (; at > 0 && ranks_before(f, id, f->order[at - 1]); at--)
            f->order[at] = f->order[at - 1];
        f->order[at] = id;
    }
}

uint32_t bp_forest_heaviest_dangling(struct bp_forest *f) {
    bp_forest_rank(f);
    return f->dangling;
}

uint32_t bp_section_heir(struct bp_forest *f, uint32_t section) {
    bp_forest_rank(f);
    uint32_t best = BP_NIL;
    for (uint32_t c = bp_section_at(f, section)->child; c != BP_NIL;
         c = bp_section_at(f, c)->sibling)
        if (best == BP_NIL || bp_u256_cmp(&bp_section_at(f, c)->tip,
                                          &bp_section_at(f, best)->tip) > 0)
            best = c;
    return best;
}

bp_u256 bp_forest_td(const struct bp_forest *f, bp_ref ref) {
    const struct bp_section *s = bp_section_at(f, bp_link_section(f, ref));
    bp_u256 td = bp_link_work(f, ref);
    bp_u256_add(&td, &td, &s->base);
    return td;
}
