/* room: who gives way when a budget is full.

   Links in memory are of three kinds, each with a part of the budget that is
   its own: the branch that dangles and has proved most work (a half), all
   others that dangle (a quarter), and what is joined (a quarter). What one
   does not use the others borrow. When somebody finds no room, whoever is
   furthest beyond its own part gives back: its longest section is condensed,
   a stretch at a time, and can be filled again. Only where nothing is left to
   condense a branch goes: least work first, those that stand still before
   those that move, never the heaviest that moves, nor the one that asks; but a
   block that stands on something held, and so moves all, may cut the heaviest
   that dangles from its top. */
#include "pool/state.h"

/* ---- who has how much ---------------------------------------------------- */

enum kind { TOP, OTHERS, JOINED, KINDS };

/* `top` is the heaviest root that dangles, of the forest as it is ranked. No
   way to a root is walked for each section or chunk: with a fork at every link
   trees are as deep as there are sections. */
static enum kind kind_of(const struct bp_forest *f, uint32_t id, uint32_t top) {
    const struct bp_section *s = bp_section_at(f, id);
    if (s->connected) return JOINED;
    return s->root == top ? TOP : OTHERS;
}

/* The kind that is furthest beyond its part, in places: a link that stands
   alone takes as many as a chunk has. */
static enum kind borrower(struct bp_forest *f) {
    uint32_t top = bp_forest_heaviest_dangling(f);
    uint64_t mem[KINDS] = { 0 };
    for (uint32_t i = 0; i < f->chunks.used; i++) {
        const struct bp_chunk *c = bp_table_get(&f->chunks, i);
        if (c == NULL || c->first == BP_NIL) continue;
        uint32_t section = bp_stretch_at(f, c->first)->section;
        if (section != BP_NIL) mem[kind_of(f, section, top)] += c->cap;
    }
    const uint64_t part[KINDS] = { [TOP] = f->places_max / 2,
                                   [OTHERS] = f->places_max / 4,
                                   [JOINED] = f->places_max / 4 };
    enum kind most = TOP;
    for (int k = 0; k < KINDS; k++)
        if (mem[k] + part[most] > mem[most] + part[k]) most = (enum kind)k;
    return most;
}

/* The longest section of a kind that was not `tried`, if something of it may
   be condensed; BP_NIL: there is none. */
static uint32_t longest(const struct bp_forest *f, uint32_t top, enum kind kind,
                        uint64_t below) {
    uint32_t best = BP_NIL;
    for (uint32_t id = bp_section_next(f, 0); id != BP_NIL;
         id = bp_section_next(f, id + 1)) {
        const struct bp_section *s = bp_section_at(f, id);
        if (s->mem >= below || kind_of(f, id, top) != kind) continue;
        if (best == BP_NIL || s->mem > bp_section_at(f, best)->mem) best = id;
    }
    return best;
}

static bool condense_longest(struct bp_pool *p, enum kind kind) {
    struct bp_forest *f = &p->forest;
    uint32_t top = bp_forest_heaviest_dangling(f);
    uint64_t below = UINT64_MAX;
    for (int tries = 0; tries < 4; tries++) {
        uint32_t id = longest(f, top, kind, below);
        if (id == BP_NIL) return false;
        if (bp_condense_one(p, id)) return true;
        below = bp_section_at(f, id)->mem;
    }
    return false;
}

/* ---- what goes ----------------------------------------------------------- */

static bool is_section(uint32_t asker) {
    return asker != BP_NIL && asker != BP_ROOM_JOINS;
}

/* Marks a section and all below it. */
static void keep(struct bp_pool *p, uint32_t id) {
    for (; id != BP_NIL; id = bp_section_at(&p->forest, id)->parent)
        bp_section_at(&p->forest, id)->mark = p->mark;
}

/* The end of the heaviest branch that stands on this section. */
static uint32_t heaviest_leaf(struct bp_forest *f, uint32_t id) {
    for (uint32_t heir; (heir = bp_section_heir(f, id)) != BP_NIL;) id = heir;
    return id;
}

static void keep_heaviest(struct bp_pool *p, uint32_t root) {
    keep(p, heaviest_leaf(&p->forest, root));
}

static bool stands_still(const struct bp_pool *p, const struct bp_section *s) {
    return s->progress + p->cfg.progress_ms <= p->now;
}

/* What must not go: the heaviest branch of what is joined, of what dangles
   while it moves, and of the one that asks, and the best peer's. */
static void mark_kept(struct bp_pool *p, uint32_t asker) {
    struct bp_forest *f = &p->forest;
    bp_forest_rank(f);
    p->mark++;
    if (f->n_order > 0) keep_heaviest(p, bp_section_at(f, f->order[0])->root);
    uint32_t top = f->dangling;
    if (top != BP_NIL && !stands_still(p, bp_section_at(f, top)))
        keep_heaviest(p, top);
    if (is_section(asker)) keep_heaviest(p, asker);
    if (p->best == BP_NIL) return;
    bp_ref head = bp_link_find(f, &p->peer[p->best].info.claim.head);
    if (head != BP_NIL) keep(p, bp_link_section(f, head));
}

/* How soon it goes: 0 first, 3 never. Askers displace what moves only if they
   have proved more work, or are joined where it dangles. */
static int turn(const struct bp_pool *p, uint32_t id, uint32_t asker) {
    const struct bp_forest *f = &p->forest;
    const struct bp_section *s = bp_section_at(f, id);
    if (s->trusted || s->child != BP_NIL || s->mark == p->mark) return 3;
    const struct bp_section *root =
        bp_section_at(f, s->connected ? id : s->root);
    bool still = stands_still(p, root);
    if (!s->connected && still) return 0;
    if (s->connected && (still || bp_u256_cmp(&s->tip, &p->head.td) <= 0))
        return 1;
    if (asker == BP_NIL) return 3;
    if (asker == BP_ROOM_JOINS) return s->connected ? 3 : 2;
    const struct bp_section *a = bp_section_at(f, asker);
    bool less = a->connected == s->connected ? bp_u256_cmp(&s->tip, &a->tip) < 0
                                             : a->connected;
    return less ? 2 : 3;
}

/* The newest section of the branch that would be the least loss, of this giver
   or (0) anybody; BP_NIL: nothing may go. */
static uint32_t least(struct bp_pool *p, uint32_t asker, bp_by by) {
    struct bp_forest *f = &p->forest;
    uint32_t worst = BP_NIL;
    int soonest = 3;
    mark_kept(p, asker);
    for (uint32_t id = bp_section_next(f, 0); id != BP_NIL;
         id = bp_section_next(f, id + 1)) {
        if (by != 0 && bp_section_giver(f, id) != by) continue;
        int t = turn(p, id, asker);
        if (t == 3 || t > soonest) continue;
        if (t == soonest && bp_u256_cmp(&bp_section_at(f, id)->tip,
                                        &bp_section_at(f, worst)->tip) >= 0)
            continue;
        soonest = t;
        worst = id;
    }
    return worst;
}

/* The n newest links of a section go. */
static void tell_loss(struct bp_pool *p, uint32_t id, uint64_t n) {
    const struct bp_section *s = bp_section_at(&p->forest, id);
    bp_trace(p, "no room: drop %llu links under %llu", (unsigned long long)n,
             (unsigned long long)s->top);
    bp_report(p, BP_REPORT_DROPPED, 0, bp_section_top(&p->forest, id), s->top,
              n);
    p->stat.refused += n;
}

/* Drops a leaf; all of its branch if it is the heaviest of what dangles there.
 */
static void drop(struct bp_pool *p, uint32_t id) {
    struct bp_forest *f = &p->forest;
    const struct bp_section *s = bp_section_at(f, id);
    uint32_t root = s->root;
    if (!s->connected && bp_section_at(f, root)->mark != p->mark &&
        bp_u256_cmp(&s->tip, &bp_section_at(f, root)->tip) == 0)
        id = root;
    tell_loss(p, id, bp_section_at(f, id)->n);
    if (id == root) bp_peers_crowded(p, root);
    bp_forest_drop(p, id);
}

/* The newest links of the heaviest branch on this section. Those that came in
   whole blocks cannot be condensed, and a branch of them may take all places
   before the few that are missing below come. */
static bool cut_top(struct bp_pool *p, uint32_t root) {
    struct bp_forest *f = &p->forest;
    if (root == BP_NIL) return false;
    uint32_t id = heaviest_leaf(f, root);
    const struct bp_section *s = bp_section_at(f, id);
    const struct bp_stretch *st = bp_stretch_at(f, s->newest);
    if (s->trusted || st->chunk == BP_NIL) return false;
    uint64_t n = st->n;
    bp_ref ref = bp_section_link(f, id, st->top - (n - 1));
    tell_loss(p, id, n);
    bp_forest_cut(p, ref);
    return true;
}

/* ---- links --------------------------------------------------------------- */

/* Places that were asked for and may be filled soon. */
static uint64_t coming(const struct bp_pool *p) {
    uint64_t n = 0;
    for (uint32_t i = 0; i < p->requests.used; i++) {
        const struct bp_request *r = bp_table_get(&p->requests, i);
        if (r != NULL && bp_ask_rate(r->ask) == BP_RATE_LINKS &&
            r->state != BP_REQ_LATE)
            n += r->count;
    }
    return n;
}

/* How many places are missing for n more. */
static uint64_t lacking(const struct bp_pool *p, uint64_t n) {
    const struct bp_forest *f = &p->forest;
    uint64_t all = f->places + coming(p) + n;
    return all > f->places_max ? all - f->places_max : 0;
}

bool bp_room_is(const struct bp_pool *p, uint64_t n) {
    return lacking(p, n) == 0;
}

/* A branch that has most of the places, of which nothing can be condensed (it
   came in whole blocks), and that finds none to go on: it begins anew. */
static bool begin_anew(struct bp_pool *p, uint32_t asker) {
    struct bp_forest *f = &p->forest;
    uint32_t top = bp_forest_heaviest_dangling(f); /* ranks */
    uint32_t root = bp_section_at(f, asker)->root;
    const struct bp_section *s = bp_section_at(f, root);
    if (s->connected || s->trusted || !stands_still(p, s) ||
        kind_of(f, root, top) != borrower(f))
        return false;
    drop(p, root);
    return true;
}

/* Something gives way for the asker, if it can. */
static bool make_room(struct bp_pool *p, uint32_t asker, uint64_t need) {
    struct bp_forest *f = &p->forest;
    bool more = f->buried >= need; /* it comes when the items are released */
    if (!more) more = condense_longest(p, borrower(f));
    if (!more) {
        uint32_t id = least(p, asker, 0);
        more = id != BP_NIL;
        if (more) drop(p, id);
    }
    if (!more && is_section(asker))
        more = condense_longest(
            p, kind_of(f, asker, bp_forest_heaviest_dangling(f)));
    if (!more && asker == BP_ROOM_JOINS)
        more = condense_longest(p, TOP) || condense_longest(p, OTHERS) ||
               cut_top(p, bp_forest_heaviest_dangling(f));
    return more || (is_section(asker) && begin_anew(p, asker));
}

bool bp_room_for(struct bp_pool *p, uint32_t asker, uint64_t n) {
    uint64_t need = lacking(p, n);
    if (need == 0) return true;
    if (make_room(p, asker, need)) bp_wake_at(p, p->now);
    return false;
}

/* Its own newest links, if they are not its oldest, nor stand on condensed
   ones: those would go as well. */
static bool cut_own(struct bp_pool *p, uint32_t section) {
    struct bp_forest *f = &p->forest;
    uint32_t leaf = heaviest_leaf(f, section);
    uint32_t older = bp_stretch_at(f, bp_section_at(f, leaf)->newest)->older;
    bool stays = older != BP_NIL ? bp_stretch_at(f, older)->chunk != BP_NIL
                                 : leaf != section;
    return stays && cut_top(p, section);
}

bool bp_room_below(struct bp_pool *p, uint32_t section, uint64_t n) {
    uint64_t need = lacking(p, n);
    if (need == 0) return true;
    uint32_t top = bp_forest_heaviest_dangling(&p->forest);
    if (make_room(p, section, need) || cut_top(p, top) || cut_own(p, section))
        bp_wake_at(p, p->now);
    return false;
}

bool bp_room_of_giver(struct bp_pool *p, uint32_t asker, bp_by by) {
    uint32_t id = least(p, asker, by);
    if (id == BP_NIL || bp_section_at(&p->forest, id)->connected) return false;
    drop(p, id);
    return true;
}

/* Who has most of what dangles, and more than an eighth of all places; or 0. */
static bp_by greediest(const struct bp_pool *p) {
    uint64_t most = p->forest.places_max / 8;
    bp_by by = 0;
    for (uint32_t i = 0; i < p->givers.used; i++) {
        const struct bp_giver *g = bp_table_get(&p->givers, i);
        if (g == NULL || g->charge <= most) continue;
        most = g->charge;
        by = (bp_by)(i + 1);
    }
    return by;
}

void bp_room_take_back(struct bp_pool *p, uint64_t n) {
    struct bp_forest *f = &p->forest;
    bp_by by = greediest(p);
    if (by == 0 || lacking(p, n) <= f->buried) return;
    mark_kept(p, BP_NIL);
    uint32_t worst = BP_NIL;
    for (uint32_t id = bp_section_next(f, 0); id != BP_NIL;
         id = bp_section_next(f, id + 1)) {
        const struct bp_section *s = bp_section_at(f, id);
        if (s->connected || s->trusted || s->child != BP_NIL ||
            s->mark == p->mark || bp_section_giver(f, id) != by)
            continue;
        if (worst == BP_NIL ||
            bp_u256_cmp(&s->tip, &bp_section_at(f, worst)->tip) < 0)
            worst = id;
    }
    if (worst == BP_NIL) return;
    drop(p, worst);
    bp_wake_at(p, p->now);
}

/* ---- bodies ------------------------------------------------------------- */

bool bp_link_is_next(const struct bp_pool *p, bp_ref link) {
    const struct bp_section *s =
        bp_section_at(&p->forest, bp_link_section(&p->forest, link));
    if (!s->connected || s->parent != BP_NIL || s->insert_wait > p->now ||
        bp_link_number(&p->forest, link) != bp_section_bottom(s))
        return false;
    /* Those above it may wait for a check that this one has passed. */
    const struct bp_plink *l = bp_link_at(&p->forest, link);
    return (l->flags & BP_PL_CHECKED) != 0 || s->check_wait <= p->now;
}

static bool is_next(const struct bp_pool *p, const struct bp_slot *s) {
    return s->link != BP_NIL && bp_link_is_next(p, s->link);
}

/* Whose turn it is to go: rivals within their share go after the best. */
static int order(const struct bp_pool *p, const struct bp_slot *s) {
    bool over = p->window.bytes[BP_CLASS_RIVAL] > bp_window_share(p);
    switch (s->rank) {
    case BP_CLASS_AHEAD: return 3;
    case BP_CLASS_RIVAL: return over ? 2 : 0;
    case BP_CLASS_ROOT:
    case BP_CLASS_BEST:
    case BP_CLASSES: break;
    }
    return 1;
}

static bool worse(const struct bp_pool *p, const struct bp_slot *a,
                  const struct bp_slot *b) {
    bool next = is_next(p, a);
    if (next != is_next(p, b)) return !next;
    bool x = a->state == BP_SLOT_WANTED, y = b->state == BP_SLOT_WANTED;
    if (next && x != y) return x; /* one that is here goes in at once */
    if (order(p, a) != order(p, b)) return order(p, a) > order(p, b);
    if (x != y) return x;
    return a->number > b->number;
}

/* What is needed last, of one class or of all (BP_CLASSES), or BP_NIL; nothing
   of a job, or that is on its way. */
static uint32_t last_needed(const struct bp_pool *p, enum bp_class class) {
    uint32_t worst = BP_NIL, n = 0;
    for (uint32_t i = 0; i < p->window.slots.used; i++) {
        const struct bp_slot *s = bp_table_get(&p->window.slots, i);
        if (s == NULL || !bp_slot_spare(p, s)) continue;
        n++;
        if (class != BP_CLASSES && s->rank != class) continue;
        if (worst == BP_NIL || worse(p, s, bp_slot_at(p, worst))) worst = i;
    }
    return n > 1 ? worst : BP_NIL; /* the last one may be over the limit */
}

bool bp_window_evict(struct bp_pool *p) {
    uint32_t id = last_needed(p, BP_CLASSES);
    if (id == BP_NIL) return false;
    bp_slot_evict(p, id);
    return true;
}

static bool give_up(struct bp_pool *p, uint32_t id) {
    const struct bp_slot *s = bp_slot_at(p, id);
    if (is_next(p, s) || !bp_slot_spare(p, s) || !bp_release_room(p))
        return false;
    bp_slot_evict(p, id);
    return true;
}

#define SCANS 16 /* of all slots, in a step */

/* What was fetched ahead of time beyond its share: what is wanted first. */
static bool evict_ahead(struct bp_pool *p) {
    struct bp_window *w = &p->window;
    if (w->bytes[BP_CLASS_AHEAD] <= p->cfg.window_bytes / 4) return false;
    uint32_t id = w->wanted[BP_CLASS_AHEAD].head;
    if (id != BP_NIL && give_up(p, id)) return true;
    if (w->scans++ >= SCANS) return false;
    id = last_needed(p, BP_CLASS_AHEAD);
    return id != BP_NIL && give_up(p, id);
}

/* What is wanted of rivals beyond their share. What is here stays, for it may
   be the best again, unless it leaves the best less than half of the window. */
static bool evict_rival(struct bp_pool *p) {
    struct bp_window *w = &p->window;
    if (w->bytes[BP_CLASS_RIVAL] <= bp_window_share(p)) return false;
    uint32_t id = w->wanted[BP_CLASS_RIVAL].tail;
    if (id != BP_NIL && give_up(p, id)) return true;
    if (w->bytes[BP_CLASS_BEST] >= p->cfg.window_bytes / 2 ||
        w->scans++ >= SCANS)
        return false;
    id = last_needed(p, BP_CLASS_RIVAL);
    return id != BP_NIL && give_up(p, id);
}

#define REACH_FEW 1024 /* a scan of as many slots costs little */

/* One of the best branch that is so far up that the window will be full of
   others before. */
static bool evict_far(struct bp_pool *p, uint64_t number) {
    uint64_t reach = p->cfg.window_bytes / bp_window_mean(p);
    if (reach > REACH_FEW || p->window.scans++ >= SCANS) return false;
    uint32_t id = last_needed(p, BP_CLASS_BEST);
    return id != BP_NIL && bp_slot_at(p, id)->number > number + reach &&
           give_up(p, id);
}

bool bp_window_make_way(struct bp_pool *p, uint64_t number) {
    return evict_ahead(p) || evict_rival(p) || evict_far(p, number);
}

void bp_window_yield(struct bp_pool *p) {
    struct bp_window *w = &p->window;
    uint64_t window = p->cfg.window_bytes, share = bp_window_share(p);
    uint64_t rivals = w->bytes[BP_CLASS_RIVAL];
    bool denied = w->denied && rivals < share && w->used != w->yielded;
    w->yields = w->denied || rivals > 0;
    w->denied = false;
    if (denied && p->now < w->yield_next) {
        bp_wake_at(p, w->yield_next);
        return;
    }
    while (denied && w->used + share - rivals > window) {
        uint32_t id = last_needed(p, BP_CLASSES);
        if (id == BP_NIL || !bp_release_room(p)) break;
        const struct bp_slot *s = bp_slot_at(p, id);
        bool mere = s->rank == BP_CLASS_BEST && s->state == BP_SLOT_WANTED &&
                    w->missing > 1 && w->bytes[BP_CLASS_BEST] > window / 2 &&
                    /* Where the best has no bytes one always gets in. */
                    w->bytes[BP_CLASS_BEST] > s->size;
        if ((s->rank != BP_CLASS_AHEAD && !mere) || is_next(p, s)) break;
        bp_slot_evict(p, id);
        bp_wake_at(p, p->now);
        w->yield_next = p->now + 1;
    }
    if (denied) w->yielded = w->used; /* nothing more is to be had of this */
}

void bp_window_trim(struct bp_pool *p) {
    while (p->window.used > p->cfg.window_bytes && bp_release_room(p))
        if (!bp_window_evict(p)) return;
}
