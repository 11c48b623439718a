/* links: where links lie. Chunks, stretches of them, the grave. */
#include <assert.h>
#include <string.h>

#include "pool/state.h"

/* ---- finding ---------------------------------------------------------- */

bp_ref bp_link_find(const struct bp_forest *f, const bp_hash *hash) {
    struct bp_probe probe = bp_index_begin(&f->index, hash);
    for (;;) {
        bp_ref ref = bp_index_next(&f->index, &probe);
        if (ref == BP_NIL || bp_hash_eq(&bp_link_at(f, ref)->hash, hash))
            return ref;
    }
}

static uint32_t place_of(bp_ref ref) {
    return ref & (BP_CHUNK_MAX - 1);
}

/* Place in its chunk of the newest link of a stretch. */
static uint32_t first_place(const struct bp_chunk *c,
                            const struct bp_stretch *st) {
    return (uint32_t)(c->number0 - st->top);
}

static bp_ref ref_of(uint32_t chunk, uint32_t place) {
    return chunk << BP_REF_BITS | place;
}

uint64_t bp_link_number(const struct bp_forest *f, bp_ref ref) {
    return bp_chunk_at(f, ref >> BP_REF_BITS)->number0 - place_of(ref);
}

static bp_u256 difficulty_at(const struct bp_chunk *c, uint32_t place) {
    bp_u256 d = bp_u256_from_u64(c->link[place].difficulty);
    if (c->wide != NULL) d.w[1] = c->wide[place];
    return d;
}

bp_u256 bp_link_difficulty(const struct bp_forest *f, bp_ref ref) {
    return difficulty_at(bp_chunk_at(f, ref >> BP_REF_BITS), place_of(ref));
}

uint32_t bp_link_stretch(const struct bp_forest *f, bp_ref ref) {
    const struct bp_chunk *c = bp_chunk_at(f, ref >> BP_REF_BITS);
    uint32_t id = c->first;
    for (;; id = bp_stretch_at(f, id)->chunk_next) {
        assert(id != BP_NIL);
        const struct bp_stretch *st = bp_stretch_at(f, id);
        uint32_t first = first_place(c, st);
        if (place_of(ref) >= first && place_of(ref) - first < st->n) return id;
    }
}

uint32_t bp_link_section(const struct bp_forest *f, bp_ref ref) {
    return bp_stretch_at(f, bp_link_stretch(f, ref))->section;
}

bp_u256 bp_link_work(const struct bp_forest *f, bp_ref ref) {
    uint32_t id = bp_link_stretch(f, ref);
    const struct bp_stretch *st = bp_stretch_at(f, id);
    const struct bp_chunk *c = bp_chunk_at(f, st->chunk);
    bp_u256 sum = bp_u256_from_u64(0);
    for (uint32_t k = place_of(ref); k < first_place(c, st) + st->n; k++) {
        bp_u256 d = difficulty_at(c, k);
        bp_u256_add(&sum, &sum, &d);
    }
    for (id = st->older; id != BP_NIL; id = st->older) {
        st = bp_stretch_at(f, id);
        bp_u256_add(&sum, &sum, &st->work);
    }
    return sum;
}

/* The hash of the newest link of a stretch. */
static const bp_hash *stretch_top(const struct bp_forest *f,
                                  const struct bp_stretch *st) {
    if (st->chunk == BP_NIL) {
        const struct bp_spine *e = bp_table_at(&f->spine, st->spine);
        return &e->top;
    }
    const struct bp_chunk *c = bp_chunk_at(f, st->chunk);
    return &c->link[first_place(c, st)].hash;
}

const bp_hash *bp_link_parent(const struct bp_forest *f, bp_ref ref) {
    const struct bp_stretch *st = bp_stretch_at(f, bp_link_stretch(f, ref));
    const struct bp_chunk *c = bp_chunk_at(f, st->chunk);
    if (place_of(ref) + 1 < first_place(c, st) + st->n)
        return &c->link[place_of(ref) + 1].hash;
    if (st->older != BP_NIL) return stretch_top(f, bp_stretch_at(f, st->older));
    return &bp_section_at(f, st->section)->below;
}

const bp_hash *bp_section_top(const struct bp_forest *f, uint32_t section) {
    const struct bp_section *s = bp_section_at(f, section);
    return stretch_top(f, bp_stretch_at(f, s->newest));
}

/* Stretches that are walked rather than remembered: more than those whose
   bodies are in the window. */
#define FAR 64

/* The stretch of that number: upward from the one that was looked for before,
   far up, or from the oldest. */
static uint32_t stretch_with(const struct bp_forest *f, uint32_t section,
                             uint64_t number) {
    struct bp_section *s = bp_section_at(f, section);
    const struct bp_stretch *last =
        s->sought != BP_NIL ? bp_table_get(&f->stretches, s->sought) : NULL;
    bool near = last != NULL && last->section == section &&
                last->top - (last->n - 1) <= number;
    uint32_t id = near ? s->sought : s->oldest, steps = 0;
    for (; bp_stretch_at(f, id)->top < number; steps++)
        id = bp_stretch_at(f, id)->newer;
    if (near || steps > FAR) s->sought = id;
    return id;
}

bp_ref bp_section_link(const struct bp_forest *f, uint32_t section,
                       uint64_t number) {
    const struct bp_section *s = bp_section_at(f, section);
    assert(number <= s->top && number >= bp_section_bottom(s));
    uint32_t id = stretch_with(f, section, number);
    const struct bp_stretch *st = bp_stretch_at(f, id);
    if (st->chunk == BP_NIL) return BP_NIL;
    const struct bp_chunk *c = bp_chunk_at(f, st->chunk);
    return ref_of(st->chunk, (uint32_t)(c->number0 - number));
}

bp_ref bp_link_newer(const struct bp_forest *f, bp_ref ref) {
    const struct bp_stretch *st = bp_stretch_at(f, bp_link_stretch(f, ref));
    const struct bp_chunk *c = bp_chunk_at(f, st->chunk);
    if (place_of(ref) > first_place(c, st)) return ref - 1;
    if (st->newer == BP_NIL) return BP_NIL;
    st = bp_stretch_at(f, st->newer);
    if (st->chunk == BP_NIL) return BP_NIL;
    c = bp_chunk_at(f, st->chunk);
    return ref_of(st->chunk, first_place(c, st) + st->n - 1);
}

/* ---- chunks ----------------------------------------------------------- */

static void chunk_uncharge(struct bp_pool *p, struct bp_chunk *c) {
    if (c->charge == 0) return;
    if (c->by != 0) bp_giver_at(p, c->by)->charge -= c->charge;
    c->charge = 0;
}

void bp_stretch_uncharge(struct bp_pool *p, uint32_t stretch) {
    const struct bp_stretch *st = bp_stretch_at(&p->forest, stretch);
    if (st->chunk != BP_NIL)
        chunk_uncharge(p, bp_chunk_at(&p->forest, st->chunk));
}

static uint32_t chunk_new(struct bp_pool *p, uint32_t cap, bp_by by,
                          bool charge) {
    struct bp_forest *f = &p->forest;
    if (f->places + cap > f->places_max) return BP_NIL;
    struct bp_plink *links = bp_mem_take_raw(f->mem, cap * sizeof *links);
    if (links == NULL) return BP_NIL;
    uint32_t id = bp_table_take(&f->chunks);
    if (id == BP_NIL) {
        bp_mem_give(f->mem, links, cap * sizeof *links);
        return BP_NIL;
    }
    struct bp_chunk *c = bp_chunk_at(f, id);
    c->cap = cap;
    c->first = BP_NIL;
    c->link = links;
    c->by = by;
    bp_giver_hold(p, by, 1);
    if (charge && by != 0) {
        c->charge = cap;
        bp_giver_at(p, by)->charge += cap;
    }
    f->places += cap;
    return id;
}

static void chunk_free(struct bp_pool *p, uint32_t id) {
    struct bp_forest *f = &p->forest;
    struct bp_chunk *c = bp_chunk_at(f, id);
    chunk_uncharge(p, c);
    bp_giver_drop(p, c->by, 1);
    f->places -= c->cap;
    if (c->wide != NULL) bp_mem_give(f->mem, c->wide, c->cap * sizeof *c->wide);
    bp_mem_give(f->mem, c->link, c->cap * sizeof *c->link);
    bp_table_give(&f->chunks, id);
}

static bool chunk_widen(struct bp_forest *f, struct bp_chunk *c) {
    if (c->wide != NULL) return true;
    c->wide = bp_mem_take(f->mem, c->cap * sizeof *c->wide);
    return c->wide != NULL;
}

static void chunk_drop_stretch(struct bp_pool *p, uint32_t stretch) {
    struct bp_forest *f = &p->forest;
    struct bp_stretch *st = bp_stretch_at(f, stretch);
    struct bp_chunk *c = bp_chunk_at(f, st->chunk);
    uint32_t *at = &c->first;
    while (*at != stretch) at = &bp_stretch_at(f, *at)->chunk_next;
    *at = st->chunk_next;
    uint32_t chunk = st->chunk;
    bp_table_give(&f->stretches, stretch);
    if (c->live == 0) chunk_free(p, chunk);
}

/* ---- putting ---------------------------------------------------------- */

/* A sixteenth of a small budget: a walk keeps two chunks and fills a third,
   and what was condensed comes back in chunks, whatever else is there. */
uint32_t bp_links_unit(const struct bp_forest *f) {
    uint64_t n = f->places_max / 16;
    if (n < BP_CHUNK_MIN) return BP_CHUNK_MIN;
    return n < BP_CHUNK_MAX ? (uint32_t)n : BP_CHUNK_MAX;
}

/* Places for n new links in a chunk that grows in one direction, of a section
   with that many in memory. */
uint32_t bp_links_places(const struct bp_forest *f, uint64_t mem, uint32_t n) {
    uint32_t cap = BP_CHUNK_MIN, unit = bp_links_unit(f);
    while (cap < n || (cap * 4 <= unit && mem >= cap * 4)) cap *= 4;
    if (cap > unit) cap = unit; /* three fit in the part of a walk */
    return n > BP_CHUNK_MIN * 4 || n > cap ? n : cap;
}

/* No chunk is smaller than that: there are numbers for so many only. */
static uint32_t least_cap(uint32_t n) {
    return n > BP_CHUNK_MIN ? n : BP_CHUNK_MIN;
}

/* The stretch ends its chunk, which has room for n more below it. */
static bool has_room_below(const struct bp_forest *f,
                           const struct bp_stretch *st, uint32_t n) {
    const struct bp_chunk *c = bp_chunk_at(f, st->chunk);
    return first_place(c, st) + st->n == c->high && c->cap - c->high >= n;
}

/* The end stretch of a section, when its chunk has room for n more there. */
static uint32_t room_at(const struct bp_forest *f, const struct bp_section *s,
                        uint32_t n, enum bp_grow where) {
    uint32_t id = where == BP_GROW_UP ? s->newest : s->oldest;
    if (id == BP_NIL) return BP_NIL;
    const struct bp_stretch *st = bp_stretch_at(f, id);
    if (st->chunk == BP_NIL) return BP_NIL;
    if (where != BP_GROW_UP) return has_room_below(f, st, n) ? id : BP_NIL;
    const struct bp_chunk *c = bp_chunk_at(f, st->chunk);
    uint32_t first = first_place(c, st);
    return first == c->low && first >= n ? id : BP_NIL;
}

/* A new stretch in a new chunk at one end of a section. */
static uint32_t stretch_new(struct bp_pool *p, uint32_t section, uint32_t n,
                            uint64_t top, bp_by by, enum bp_grow where,
                            bool charge) {
    struct bp_forest *f = &p->forest;
    struct bp_section *s = bp_section_at(f, section);
    uint32_t id = bp_table_take(&f->stretches);
    if (id == BP_NIL) return BP_NIL;
    uint32_t cap = bp_links_places(f, s->mem, n);
    if (f->places + cap > f->places_max) cap = least_cap(n); /* the last ones */
    uint32_t chunk = chunk_new(p, cap, by, charge);
    if (chunk == BP_NIL) {
        bp_table_give(&f->stretches, id);
        return BP_NIL;
    }
    struct bp_chunk *c = bp_chunk_at(f, chunk);
    struct bp_stretch *st = bp_stretch_at(f, id);
    c->low = c->high = where == BP_GROW_UP ? cap : 0;
    c->number0 = top + (where == BP_GROW_UP ? cap - n : 0);
    c->first = id;
    st->section = section;
    st->chunk = chunk;
    st->chunk_next = BP_NIL;
    st->top = where == BP_GROW_UP ? top - n : top;
    st->newer = where == BP_GROW_UP ? BP_NIL : s->oldest;
    st->older = where == BP_GROW_UP ? s->newest : BP_NIL;
    return id;
}

static void stretch_attach(struct bp_forest *f, uint32_t id,
                           enum bp_grow where) {
    struct bp_stretch *st = bp_stretch_at(f, id);
    struct bp_section *s = bp_section_at(f, st->section);
    uint32_t *end = where == BP_GROW_UP ? &s->newest : &s->oldest;
    uint32_t *other = where == BP_GROW_UP ? &s->oldest : &s->newest;
    if (*end == BP_NIL)
        *other = id;
    else if (where == BP_GROW_UP)
        bp_stretch_at(f, *end)->newer = id;
    else
        bp_stretch_at(f, *end)->older = id;
    *end = id;
}

static void link_write(struct bp_pool *p, bp_ref ref, const struct bp_link *l,
                       bp_by by) {
    struct bp_forest *f = &p->forest;
    struct bp_chunk *c = bp_chunk_at(f, ref >> BP_REF_BITS);
    struct bp_plink *at = &c->link[place_of(ref)];
    *at = (struct bp_plink){ .hash = l->hash,
                             .item = l->item,
                             .difficulty = l->difficulty.w[0],
                             .slot = BP_NIL,
                             .size = l->size,
                             .by = by };
    if (l->item == 0) at->flags |= BP_PL_BARE;
    f->bare += l->item == 0;
    if (l->flags & BP_LINK_EMPTY) at->flags |= BP_PL_EMPTY;
    if (c->wide != NULL) c->wide[place_of(ref)] = l->difficulty.w[1];
    bool added = bp_index_add(&f->index, &l->hash, ref);
    assert(added); /* there are fewer places than cells */
    if (p->window.bare.n == 0) return;
    uint32_t slot = bp_slot_find_bare(p, &l->hash);
    if (slot == BP_NIL) return;
    /* Its header says that there is nothing to ask for. */
    if (l->item != 0 && (l->flags & BP_LINK_EMPTY) != 0)
        bp_slot_drop_bare(p, slot);
    else
        bp_slot_dress(p, slot, ref);
}

/* The sum of their difficulties. */
static bp_u256 links_write(struct bp_pool *p, bp_ref first,
                           const struct bp_link *links, uint32_t n, bp_by by) {
    bp_u256 sum = bp_u256_from_u64(0);
    for (uint32_t i = 0; i < n; i++) {
        link_write(p, first + i, &links[i], by);
        bp_u256_add(&sum, &sum, &links[i].difficulty);
    }
    bp_giver_hold(p, by, n);
    return sum;
}

static bool is_wide(const struct bp_link *links, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        if (links[i].difficulty.w[1] != 0) return true;
    return false;
}

bool bp_links_put(struct bp_pool *p, uint32_t section,
                  const struct bp_link *links, uint32_t n, bp_by by,
                  enum bp_grow where, bool charge) {
    struct bp_forest *f = &p->forest;
    struct bp_section *s = bp_section_at(f, section);
    assert(n > 0 && n <= BP_CHUNK_MAX);
    bool wide = is_wide(links, n);
    uint32_t id = room_at(f, s, n, where);
    bool fresh = id == BP_NIL;
    if (fresh)
        id = stretch_new(p, section, n, links[0].number, by, where, charge);
    if (id == BP_NIL) return false;
    struct bp_stretch *st = bp_stretch_at(f, id);
    struct bp_chunk *c = bp_chunk_at(f, st->chunk);
    if (wide && !chunk_widen(f, c)) {
        if (fresh) chunk_drop_stretch(p, id);
        return false;
    }
    if (fresh) stretch_attach(f, id, where);

    uint32_t place = where == BP_GROW_UP ? c->low - n : c->high;
    bp_u256 sum = links_write(p, ref_of(st->chunk, place), links, n, by);
    if (where == BP_GROW_UP) {
        c->low -= n;
        st->top += n;
        s->top = links[0].number;
    } else {
        c->high += n;
    }
    if (s->n == 0) s->top = links[0].number;
    c->live += n;
    st->n += n;
    bp_u256_add(&st->work, &st->work, &sum);
    bp_u256_add(&s->work, &s->work, &sum);
    s->n += n;
    s->mem += n;
    f->links += n;
    return true;
}

/* ---- taking ----------------------------------------------------------- */

/* The links at places [from, end) of a chunk are dead: nothing finds them. */
static void leave_index(struct bp_forest *f, uint32_t chunk, uint32_t from,
                        uint32_t end) {
    struct bp_chunk *c = bp_chunk_at(f, chunk);
    for (uint32_t k = from; k < end; k++) {
        struct bp_plink *l = &c->link[k];
        if (k + BP_AHEAD < end)
            bp_index_prefetch(&f->index, &c->link[k + BP_AHEAD].hash);
        bp_index_remove(&f->index, &l->hash, ref_of(chunk, k));
        f->bare -= (l->flags & BP_PL_BARE) != 0;
        l->flags |= BP_PL_DEAD;
    }
    f->links -= end - from;
}

bp_u256 bp_links_pop(struct bp_pool *p, uint32_t section, uint32_t n) {
    struct bp_forest *f = &p->forest;
    struct bp_section *s = bp_section_at(f, section);
    struct bp_stretch *st = bp_stretch_at(f, s->oldest);
    const struct bp_chunk *c = bp_chunk_at(f, st->chunk);
    assert(n <= st->n);
    uint32_t end = first_place(c, st) + st->n;
    bp_u256 work = bp_u256_from_u64(0);
    for (uint32_t k = end - n; k < end; k++) {
        bp_u256 d = difficulty_at(c, k);
        bp_u256_add(&work, &work, &d);
    }
    leave_index(f, st->chunk, end - n, end);
    bp_u256_sub(&st->work, &st->work, &work);
    bp_u256_sub(&s->work, &s->work, &work);
    st->n -= n;
    s->n -= n;
    s->mem -= n;
    if (st->n == 0) {
        uint32_t gone = s->oldest;
        s->oldest = st->newer;
        if (s->oldest == BP_NIL)
            s->newest = BP_NIL;
        else
            bp_stretch_at(f, s->oldest)->older = BP_NIL;
        chunk_drop_stretch(p, gone);
    }
    return work;
}

void bp_link_give(struct bp_pool *p, bp_ref ref) {
    struct bp_forest *f = &p->forest;
    struct bp_chunk *c = bp_chunk_at(f, ref >> BP_REF_BITS);
    struct bp_plink *l = &c->link[place_of(ref)];
    assert(l->flags & BP_PL_DEAD);
    if ((l->flags & BP_PL_PUSHED) != 0 && l->by != 0)
        bp_giver_at(p, l->by)->pushed--;
    bp_giver_drop(p, l->by, 1);
    l->by = 0;
    l->flags |= BP_PL_GIVEN;
    assert(c->live > 0);
    if (--c->live == 0 && c->first == BP_NIL) chunk_free(p, ref >> BP_REF_BITS);
}

void bp_link_settle(struct bp_pool *p, bp_ref ref) {
    struct bp_plink *l = bp_link_at(&p->forest, ref);
    if ((l->flags & BP_PL_DEAD) == 0) return;
    if ((l->flags & BP_PL_IN_JOB) != 0 || l->pins > 0) return;
    if ((l->flags & BP_PL_BURIED) != 0) return;
    bp_release(p, l->item);
    bp_release(p, l->difficulty);
    bp_link_give(p, ref);
}

static bool split_stretch(struct bp_pool *p, uint32_t id, bp_ref ref,
                          uint32_t upper) {
    struct bp_forest *f = &p->forest;
    struct bp_stretch *st = bp_stretch_at(f, id);
    struct bp_chunk *c = bp_chunk_at(f, st->chunk);
    uint32_t n_up = place_of(ref) - first_place(c, st);
    if (n_up == 0) return true;
    uint32_t up = bp_table_take(&f->stretches);
    if (up == BP_NIL) return false;
    struct bp_stretch *u = bp_stretch_at(f, up);
    u->section = upper;
    u->chunk = st->chunk;
    u->chunk_next = c->first;
    c->first = up;
    u->n = n_up;
    u->top = st->top;
    u->proved = st->proved;
    uint32_t first = first_place(c, st);
    for (uint32_t k = first; k < first + n_up; k++) {
        bp_u256 d = difficulty_at(c, k);
        bp_u256_add(&u->work, &u->work, &d);
    }
    bp_u256_sub(&st->work, &st->work, &u->work);
    st->top -= n_up;
    st->n -= n_up;
    u->newer = st->newer;
    u->older = id;
    st->newer = up;
    if (u->newer != BP_NIL)
        bp_stretch_at(f, u->newer)->older = up;
    else
        bp_section_at(f, st->section)->newest = up;
    return true;
}

/* Gives the stretches above this one to the empty section `upper`. */
static void move_above(struct bp_forest *f, uint32_t id, uint32_t upper) {
    struct bp_stretch *st = bp_stretch_at(f, id);
    struct bp_section *s = bp_section_at(f, st->section);
    struct bp_section *u = bp_section_at(f, upper);
    u->oldest = st->newer;
    u->newest = s->newest;
    u->top = s->top;
    s->newest = id;
    s->top = st->top;
    st->newer = BP_NIL;
    bp_stretch_at(f, u->oldest)->older = BP_NIL;
    for (uint32_t k = u->oldest; k != BP_NIL; k = st->newer) {
        st = bp_stretch_at(f, k);
        st->section = upper;
        u->n += st->n;
        if (st->chunk == BP_NIL)
            u->condensed++;
        else
            u->mem += st->n;
        bp_u256_add(&u->work, &u->work, &st->work);
    }
    s->n -= u->n;
    s->mem -= u->mem;
    s->condensed -= u->condensed;
    bp_u256_sub(&s->work, &s->work, &u->work);
}

bool bp_links_split(struct bp_pool *p, bp_ref ref, uint32_t upper) {
    uint32_t id = bp_link_stretch(&p->forest, ref);
    if (!split_stretch(p, id, ref, upper)) return false;
    move_above(&p->forest, id, upper);
    return true;
}

bool bp_links_part(struct bp_pool *p, uint32_t id, uint32_t upper) {
    struct bp_forest *f = &p->forest;
    const struct bp_stretch *st = bp_stretch_at(f, id);
    struct bp_section *s = bp_section_at(f, st->section);
    assert(st->chunk == BP_NIL);
    if (st->newer == BP_NIL) return false;
    move_above(f, id, upper);
    s->newest = st->older;
    if (st->older != BP_NIL)
        bp_stretch_at(f, st->older)->newer = BP_NIL;
    else
        s->oldest = BP_NIL;
    s->top -= st->n;
    s->n -= st->n;
    s->condensed--;
    bp_u256_sub(&s->work, &s->work, &st->work);
    bp_table_give(&f->spine, st->spine);
    bp_table_give(&f->stretches, id);
    return true;
}

/* ---- the grave -------------------------------------------------------- */

static void bury_stretch(struct bp_pool *p, uint32_t id) {
    struct bp_forest *f = &p->forest;
    struct bp_stretch *st = bp_stretch_at(f, id);
    struct bp_chunk *c = bp_chunk_at(f, st->chunk);
    uint32_t first = first_place(c, st);
    leave_index(f, st->chunk, first, first + st->n);
    for (uint32_t k = first; k < first + st->n; k++) {
        struct bp_plink *l = &c->link[k];
        l->difficulty = bp_window_forget(p, l);
        l->flags |= BP_PL_BURIED;
    }
    chunk_uncharge(p, c);
    f->buried += st->n;
    st->section = BP_NIL;
    st->newer = BP_NIL;
    st->older = f->grave;
    f->grave = id;
}

static bool lies_in(const struct bp_forest *f, const bp_hash *hash,
                    uint32_t stretch) {
    bp_ref ref = bp_link_find(f, hash);
    return ref != BP_NIL && bp_link_stretch(f, ref) == stretch;
}

/* The head of a peer, or the target: from there its walk is found again. */
static bool has_head(const struct bp_pool *p, uint32_t stretch) {
    const struct bp_forest *f = &p->forest;
    for (uint32_t i = 0; i < p->n_peers; i++)
        if (p->peer[i].state == BP_PEER_LIVE &&
            lies_in(f, &p->peer[i].info.claim.head, stretch))
            return true;
    return p->target.set && lies_in(f, &p->target.hash, stretch);
}

/* Some link of it must stay: a job's, or one that came in a whole block, for no
   header could take its place again. `idle`: those with a body, and heads, too.
 */
static bool in_use(const struct bp_pool *p, uint32_t stretch, bool idle) {
    const struct bp_stretch *st = bp_stretch_at(&p->forest, stretch);
    const struct bp_chunk *c = bp_chunk_at(&p->forest, st->chunk);
    uint32_t first = first_place(c, st);
    for (uint32_t k = first; k < first + st->n; k++) {
        const struct bp_plink *l = &c->link[k];
        if ((l->flags & (BP_PL_IN_JOB | BP_PL_BARE)) != 0 || l->pins > 0 ||
            (idle && l->slot != BP_NIL))
            return true;
    }
    return idle && has_head(p, stretch);
}

bool bp_links_condense(struct bp_pool *p, uint32_t stretch, bool idle) {
    struct bp_forest *f = &p->forest;
    struct bp_stretch *st = bp_stretch_at(f, stretch);
    if (st->chunk == BP_NIL || in_use(p, stretch, idle)) return false;
    uint32_t spine = bp_table_take(&f->spine);
    if (spine == BP_NIL) return false;
    uint32_t grave = bp_table_take(&f->stretches);
    if (grave == BP_NIL) {
        bp_table_give(&f->spine, spine);
        return false;
    }
    struct bp_spine *e = bp_table_at(&f->spine, spine);
    struct bp_stretch *g = bp_stretch_at(f, grave);
    struct bp_chunk *c = bp_chunk_at(f, st->chunk);
    struct bp_section *s = bp_section_at(f, st->section);
    e->top = c->link[first_place(c, st)].hash;
    g->chunk = st->chunk;
    g->n = st->n;
    g->top = st->top;
    uint32_t *at = &c->first;
    while (*at != stretch) at = &bp_stretch_at(f, *at)->chunk_next;
    *at = grave;
    g->chunk_next = st->chunk_next;
    bury_stretch(p, grave);
    st->chunk = BP_NIL;
    st->spine = spine;
    s->mem -= st->n;
    s->condensed++;
    return true;
}

/* The stretch above a condensed one, when its chunk has room for n more below;
   who fills with a link at a time would take a chunk for each. */
static uint32_t room_above(const struct bp_forest *f,
                           const struct bp_stretch *st, uint32_t n) {
    if (st->newer == BP_NIL) return BP_NIL;
    const struct bp_stretch *up = bp_stretch_at(f, st->newer);
    if (up->chunk == BP_NIL || !up->proved) return BP_NIL;
    return has_room_below(f, up, n) ? st->newer : BP_NIL;
}

/* A stretch without links yet, in a new chunk, above a condensed one; BP_NIL:
   no room. */
static uint32_t open_above(struct bp_pool *p, uint32_t stretch, uint32_t n,
                           bp_by by, bool wide) {
    struct bp_forest *f = &p->forest;
    struct bp_stretch *st = bp_stretch_at(f, stretch);
    uint32_t id = bp_table_take(&f->stretches);
    if (id == BP_NIL) return BP_NIL;
    uint32_t chunk = chunk_new(p, least_cap(n), by, false);
    if (chunk == BP_NIL || (wide && !chunk_widen(f, bp_chunk_at(f, chunk)))) {
        if (chunk != BP_NIL) chunk_free(p, chunk);
        bp_table_give(&f->stretches, id);
        return BP_NIL;
    }
    bp_chunk_at(f, chunk)->first = id;
    bp_chunk_at(f, chunk)->number0 = st->top;
    struct bp_stretch *fresh = bp_stretch_at(f, id);
    fresh->section = st->section;
    fresh->chunk = chunk;
    fresh->chunk_next = BP_NIL;
    fresh->top = st->top;
    fresh->proved = true;
    fresh->newer = st->newer;
    fresh->older = stretch;
    st->newer = id;
    if (fresh->newer != BP_NIL)
        bp_stretch_at(f, fresh->newer)->older = id;
    else
        bp_section_at(f, st->section)->newest = id;
    return id;
}

/* Nothing is left of a condensed stretch. */
static void close_filled(struct bp_forest *f, uint32_t stretch) {
    const struct bp_stretch *st = bp_stretch_at(f, stretch);
    struct bp_section *s = bp_section_at(f, st->section);
    bp_stretch_at(f, st->newer)->older = st->older;
    if (st->older != BP_NIL)
        bp_stretch_at(f, st->older)->newer = st->newer;
    else
        s->oldest = st->newer;
    s->condensed--;
    bp_table_give(&f->spine, st->spine);
    bp_table_give(&f->stretches, stretch);
}

bool bp_links_fill(struct bp_pool *p, uint32_t stretch,
                   const struct bp_link *links, uint32_t n, bp_by by) {
    struct bp_forest *f = &p->forest;
    struct bp_stretch *st = bp_stretch_at(f, stretch);
    struct bp_spine *e = bp_table_at(&f->spine, st->spine);
    assert(st->chunk == BP_NIL && n > 0 && n <= st->n);
    bool wide = is_wide(links, n);
    uint32_t id = room_above(f, st, n);
    if (id == BP_NIL) id = open_above(p, stretch, n, by, wide);
    if (id == BP_NIL) return false;
    struct bp_stretch *up = bp_stretch_at(f, id);
    struct bp_chunk *c = bp_chunk_at(f, up->chunk);
    if (wide && !chunk_widen(f, c)) return false;
    bp_u256 sum = links_write(p, ref_of(up->chunk, c->high), links, n, by);
    c->high += n;
    c->live += n;
    up->n += n;
    up->ahead = false;
    bp_u256_add(&up->work, &up->work, &sum);
    f->links += n;
    bp_section_at(f, st->section)->mem += n;
    st->n -= n;
    st->top -= n;
    bp_u256_sub(&st->work, &st->work, &sum);
    e->top = links[n - 1].parent;
    e->fill = 0;
    e->fails = 0;
    if (st->n == 0) close_filled(f, stretch);
    return true;
}

void bp_links_bury(struct bp_pool *p, uint32_t section) {
    struct bp_forest *f = &p->forest;
    struct bp_section *s = bp_section_at(f, section);
    for (uint32_t id = s->newest, next; id != BP_NIL; id = next) {
        struct bp_stretch *st = bp_stretch_at(f, id);
        next = st->older;
        if (st->chunk == BP_NIL) {
            bp_table_give(&f->spine, st->spine);
            bp_table_give(&f->stretches, id);
        } else {
            bury_stretch(p, id);
        }
    }
    s->newest = s->oldest = BP_NIL;
    s->n = s->mem = s->condensed = 0;
}

/* Takes the items of the last link of a buried stretch; those of a job wait
   for its result. */
static size_t unbury_link(struct bp_pool *p, uint32_t id, uint64_t *items) {
    struct bp_forest *f = &p->forest;
    struct bp_stretch *st = bp_stretch_at(f, id);
    struct bp_chunk *c = bp_chunk_at(f, st->chunk);
    bp_ref ref = ref_of(st->chunk, first_place(c, st) + st->n - 1);
    st->n--;
    f->buried--;
    struct bp_plink *l = bp_link_at(f, ref);
    size_t n = 0;
    l->flags &= (uint16_t)~BP_PL_BURIED;
    if ((l->flags & BP_PL_IN_JOB) == 0 && l->pins == 0) {
        if (l->item != 0) items[n++] = l->item;
        if (l->difficulty != 0) items[n++] = l->difficulty;
        bp_link_give(p, ref);
    }
    if (st->n == 0) {
        f->grave = st->older;
        chunk_drop_stretch(p, id);
    }
    return n;
}

size_t bp_grave_take(struct bp_pool *p, uint64_t *items, size_t cap) {
    size_t n = 0;
    while (p->forest.grave != BP_NIL && n + 2 <= cap)
        n += unbury_link(p, p->forest.grave, items + n);
    return n;
}
