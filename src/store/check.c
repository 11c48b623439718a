/* check: walks what a store promises about itself. */
#include <inttypes.h>

#include "base/try.h"
#include "store/backend.h"
#include "store/why.h"

struct walker {
    struct bp_store_view *v;
    struct bp_store_error *why;
};

static int broken(struct walker *w, uint64_t id, const char *what) {
    return bp_why(w->why, BP_ERR_STORE_CORRUPT, "%s: row %" PRIu64 " %s",
                  w->v->store->path, id, what);
}

/* One row: found by its hash, on top of an older row that it adds to. */
static int check_row(struct walker *w, uint64_t id) {
    struct bp_store_entry e, parent;
    uint64_t found;
    bp_span header;
    int err = bp_view_id(w->v, &e, id);
    if (err == BP_ERR_STORE_CORRUPT) return broken(w, id, "is missing");
    if (err != 0) return err;
    err = w->v->store->ops->get_id(w->v, &found, &e.hash);
    if (err == BP_ERR_NOT_STORED || (err == 0 && found != id))
        return broken(w, id, "is not found by its hash");
    if (err != 0) return err;
    BP_TRY(bp_view_header(w->v, &header, &e));
    if (id == 0) {
        if (e.number != 0 || e.parent_id != BP_STORE_NO_ID ||
            !bp_hash_eq(&e.hash, &w->v->store->identity.genesis))
            return broken(w, id, "is not the genesis");
        return 0;
    }
    if (e.parent_id >= id) return broken(w, id, "is older than its parent");
    BP_TRY(bp_view_parent(w->v, &parent, &e));
    if (parent.number + 1 != e.number)
        return broken(w, id, "does not follow its parent's number");
    if (bp_u256_cmp(&e.td, &parent.td) < 0)
        return broken(w, id, "has less total difficulty than its parent");
    return 0;
}

/* One canonical number: its block has it, and stands on the one below. */
static int check_number(struct walker *w, uint64_t number, uint64_t *below) {
    struct bp_store_entry e;
    int err = bp_view_at(w->v, &e, number);
    if (err == BP_ERR_STORE_CORRUPT)
        return bp_why(w->why, err, "%s: no row for canonical number %" PRIu64,
                      w->v->store->path, number);
    if (err != 0) return err;
    if (e.number != number || (number > 0 && e.parent_id != *below))
        return broken(w, e.id, "is canonical and does not link");
    *below = e.id;
    return 0;
}

/* The ranges of checks cover 0..head, neighbours differ. */
static int check_ranges(struct walker *w) {
    const struct bp_ranges *r = &w->v->state.checks;
    uint64_t next = 0;
    for (size_t i = 0; i < r->n; i++) {
        if (r->run[i].last < next ||
            (i > 0 && r->run[i].bits == r->run[i - 1].bits))
            return broken(w, i, "of the ranges of checks is out of order");
        next = r->run[i].last + 1;
    }
    if (next != w->v->state.n_canon)
        return broken(w, r->n, "of the ranges of checks does not end at head");
    return 0;
}

static int check_view(struct walker *w) {
    const struct bp_store_state *st = &w->v->state;
    uint64_t below = 0;
    for (uint64_t id = 0; id < st->n_blocks; id++) BP_TRY(check_row(w, id));
    for (uint64_t n = 0; n < st->n_canon; n++)
        BP_TRY(check_number(w, n, &below));
    if (st->n_canon == 0 || below != st->head_id)
        return broken(w, st->head_id, "is head and not the highest canonical");
    return check_ranges(w);
}

int bp_store_check(struct bp_store *s, struct bp_store_error *why) {
    struct walker w = { .why = why };
    if (why != NULL) why->code = 0;
    BP_TRY(bp_view_begin(&w.v, s));
    int err = check_view(&w);
    bp_view_end(w.v);
    if (err != 0 && why != NULL && why->code != err)
        bp_why_code(why, err, s->path);
    return err;
}
