/* whole: blocks that bring their own link. */
#include "pool/state.h"

/* What the host said of the parent, or what the pool knows better by now. */
static struct bp_held parent_of(const struct bp_pool *p,
                                const struct bp_delivery *b) {
    struct bp_held held = b->parent;
    if (!held.held && bp_link_find(&p->forest, &b->link.parent) == BP_NIL)
        bp_known_held(p, &b->link.parent, &held);
    return held;
}

/* The block is invalid: nothing can stand on it. */
static void condemn(struct bp_pool *p, const struct bp_link *l) {
    bp_hashset_put(&p->bad, &l->hash);
    bp_drop_waiting(p, &l->hash);
}

/* Its item is the forest's, or released: here there is none any more. */
static void settle_item(struct bp_pool *p, struct bp_delivery *b, bool taken) {
    if (!taken) bp_release(p, b->link.item);
    b->link.item = 0;
}

/* For whom it takes room: the section that it stands on or that waits for it,
   or BP_NIL. */
static uint32_t asker_of(const struct bp_pool *p, const struct bp_link *l,
                         bool joins) {
    if (joins) return BP_ROOM_JOINS;
    uint32_t above = BP_NIL;
    bp_ref ref = bp_link_find(&p->forest, &l->parent);
    if (ref != BP_NIL) return bp_link_section(&p->forest, ref);
    bp_forest_waiting(&p->forest, &l->hash, &above);
    return above;
}

static bool places_left(const struct bp_forest *f, uint64_t n) {
    return f->places + n <= f->places_max;
}

/* Places that must be left for what stands alone: the last chunk is for what
   joins, or lists without end would fill all, and take each place that it had
   been given. */
#define ALONE_PLACES (2 * BP_CHUNK_MIN)

bp_ref bp_whole_graft(struct bp_pool *p, struct bp_delivery *b, bp_by by) {
    struct bp_held known = b->known;
    if (known.held || bp_known_held(p, &b->hash, &known)) {
        bp_hash_held(p, &b->hash, &known);
        settle_item(p, b, false);
        return BP_NIL;
    }
    if (bp_hashset_find(&p->bad, &b->link.parent) != BP_NIL) {
        condemn(p, &b->link); /* its sender need not know that yet */
        settle_item(p, b, false);
        return BP_NIL;
    }
    int offence = bp_link_offence(p, &b->link, NULL);
    enum bp_graft err = BP_GRAFT_INVALID;
    struct bp_held held = parent_of(p, b);
    uint32_t asker = asker_of(p, &b->link, held.held);
    uint64_t places = asker == BP_NIL ? ALONE_PLACES : BP_CHUNK_MIN;
    if (offence == BP_OFF_NONE) {
        uint32_t section;
        err = asker == BP_NIL && !places_left(&p->forest, places)
                  ? BP_GRAFT_FULL
                  : bp_forest_graft(p, &b->link, 1, by, &held, &section);
    }
    switch (err) {
    case BP_GRAFT_OK:
        bp_moved(p);
        p->stat.links_seen++;
        settle_item(p, b, true);
        if (held.held && !places_left(&p->forest, BP_CHUNK_MIN))
            bp_room_for(p, BP_ROOM_JOINS, BP_CHUNK_MIN); /* the next */
        return bp_link_find(&p->forest, &b->hash);
    case BP_GRAFT_FULL:
        p->stat.refused++;
        if (bp_room_is(p, places))
            p->full_until = p->now + BP_BACKOFF_MS; /* memory is what lacks */
        else
            bp_room_for(p, asker, places); /* the next finds some */
        break;
    case BP_GRAFT_INVALID:
        bp_blame(p, by, offence != BP_OFF_NONE ? offence : BP_OFF_BAD_RULE, 0,
                 &b->hash, b->link.number, true);
        condemn(p, &b->link);
        break;
    }
    settle_item(p, b, false);
    return BP_NIL;
}
