/* store: what is common to all backends when reading. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/try.h"
#include "store/backend.h"

/* ---- the store as a whole -------------------------------------------- */

int bp_store_identify(struct bp_store_identity *out,
                      const struct bp_store_chain *chain) {
    *out = (struct bp_store_identity){ .network_id = chain->network_id,
                                       .genesis = chain->genesis.hash };
    size_t n = strlen(chain->name);
    if (n > BP_STORE_NAME_MAX) return BP_ERR_RANGE;
    memcpy(out->name, chain->name, n);
    return 0;
}

void bp_store_close(struct bp_store *s) {
    if (s != NULL) s->ops->close(s);
}

void bp_store_identity(const struct bp_store *s,
                       struct bp_store_identity *out) {
    *out = s->identity;
}

const char *bp_store_kind(const struct bp_store *s) {
    return s->ops->kind;
}

bool bp_store_read_only(const struct bp_store *s) {
    return s->read_only;
}

int bp_store_sync(struct bp_store *s) {
    return s->read_only ? 0 : s->ops->sync(s);
}

const char *bp_check_names(char out[BP_CHECK_NAMES_MAX], uint32_t bits) {
    static const struct {
        uint32_t bit;
        const char *name;
    } names[] = {
        { BP_CHECK_SEAL, "seal" },         { BP_CHECK_SEAL_SAMPLE, "sample" },
        { BP_CHECK_RULES, "rules" },       { BP_CHECK_ROOTS, "roots" },
        { BP_CHECK_RECEIPTS, "receipts" },
    };
    size_t n = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (bits & names[i].bit)
            n += (size_t)snprintf(out + n, BP_CHECK_NAMES_MAX - n, "%s%s",
                                  n == 0 ? "" : ",", names[i].name);
    if (n == 0) snprintf(out, BP_CHECK_NAMES_MAX, "none");
    return out;
}

/* ---- views ----------------------------------------------------------- */

int bp_view_begin(struct bp_store_view **out, struct bp_store *s) {
    return s->ops->begin(out, s, false);
}

void bp_view_end(struct bp_store_view *v) {
    if (v != NULL) v->store->ops->end(v);
}

int bp_view_head(struct bp_store_view *v, struct bp_store_entry *out) {
    return v->store->ops->get_row(v, out, v->state.head_id);
}

/* An id that an index gave: the row must be there. */
static int row_of(struct bp_store_view *v, struct bp_store_entry *out,
                  uint64_t id) {
    int err = v->store->ops->get_row(v, out, id);
    return err == BP_ERR_NOT_STORED ? BP_ERR_STORE_CORRUPT : err;
}

int bp_view_find(struct bp_store_view *v, struct bp_store_entry *out,
                 const bp_hash *hash) {
    uint64_t id;
    BP_TRY(v->store->ops->get_id(v, &id, hash));
    return row_of(v, out, id);
}

int bp_view_at(struct bp_store_view *v, struct bp_store_entry *out,
               uint64_t number) {
    uint64_t id;
    if (number >= v->state.n_canon) return BP_ERR_NOT_STORED;
    int err = v->store->ops->get_canon(v, &id, number);
    if (err != 0) return err == BP_ERR_NOT_STORED ? BP_ERR_STORE_CORRUPT : err;
    return row_of(v, out, id);
}

int bp_view_parent(struct bp_store_view *v, struct bp_store_entry *out,
                   const struct bp_store_entry *e) {
    if (e->parent_id == BP_STORE_NO_ID) return BP_ERR_NOT_STORED;
    return row_of(v, out, e->parent_id);
}

int bp_view_id(struct bp_store_view *v, struct bp_store_entry *out,
               uint64_t id) {
    if (id >= v->state.n_blocks) return BP_ERR_NOT_STORED;
    return row_of(v, out, id);
}

bool bp_view_canonical(struct bp_store_view *v,
                       const struct bp_store_entry *e) {
    uint64_t id;
    return e->number < v->state.n_canon &&
           v->store->ops->get_canon(v, &id, e->number) == 0 && id == e->id;
}

int bp_view_header(struct bp_store_view *v, bp_span *out,
                   const struct bp_store_entry *e) {
    return v->store->ops->get_part(v, out, e, BP_PART_HEADER);
}

int bp_view_body(struct bp_store_view *v, bp_span *out,
                 const struct bp_store_entry *e) {
    return v->store->ops->get_part(v, out, e, BP_PART_BODY);
}

int bp_view_receipts(struct bp_store_view *v, bp_span *out,
                     const struct bp_store_entry *e) {
    return v->store->ops->get_part(v, out, e, BP_PART_RECEIPTS);
}

int bp_view_checks(struct bp_store_view *v, uint32_t *bits, uint64_t *last,
                   uint64_t number) {
    uint64_t wide;
    if (!bp_ranges_find(&v->state.checks, &wide, last, number))
        return BP_ERR_NOT_STORED;
    *bits = (uint32_t)wide;
    return 0;
}

uint64_t bp_view_count(struct bp_store_view *v) {
    return v->state.n_blocks;
}

/* ---- walking --------------------------------------------------------- */

/* Starts at `found`, the answer for the origin. */
static int walk_start(struct bp_walk *w, int found) {
    w->done = found != 0;
    if (found == BP_ERR_NOT_STORED) return 0;
    if (found != 0) return found;
    w->canonical = bp_view_canonical(w->view, &w->here);
    return 0;
}

int bp_walk_from_number(struct bp_walk *w, struct bp_store_view *v,
                        uint64_t number, uint64_t skip, bool reverse) {
    *w = (struct bp_walk){ .view = v, .skip = skip, .reverse = reverse };
    return walk_start(w, bp_view_at(v, &w->here, number));
}

int bp_walk_from_hash(struct bp_walk *w, struct bp_store_view *v,
                      const bp_hash *hash, uint64_t skip, bool reverse) {
    *w = (struct bp_walk){ .view = v, .skip = skip, .reverse = reverse };
    return walk_start(w, bp_view_find(v, &w->here, hash));
}

/* Steps along parents until on the canonical chain, at most *left steps. */
static int walk_down(struct bp_walk *w, uint64_t *left) {
    while (*left > 0 && !w->canonical) {
        BP_TRY(bp_view_parent(w->view, &w->here, &w->here));
        --*left;
        w->canonical = bp_view_canonical(w->view, &w->here);
    }
    return 0;
}

/* Moves to the next entry; BP_ERR_NOT_STORED when there is none. */
static int walk_step(struct bp_walk *w) {
    if (w->skip == UINT64_MAX) return BP_ERR_NOT_STORED;
    uint64_t left = w->skip + 1;
    if (w->reverse) {
        if (left > w->here.number) return BP_ERR_NOT_STORED;
        BP_TRY(walk_down(w, &left));
        if (left == 0) return 0;
        return bp_view_at(w->view, &w->here, w->here.number - left);
    }
    if (!w->canonical || left > UINT64_MAX - w->here.number)
        return BP_ERR_NOT_STORED;
    return bp_view_at(w->view, &w->here, w->here.number + left);
}

int bp_walk_next(struct bp_walk *w, struct bp_store_entry *out) {
    if (w->done) return BP_ERR_NOT_STORED;
    *out = w->here;
    int err = walk_step(w);
    w->done = err != 0;
    return err == BP_ERR_NOT_STORED ? 0 : err;
}
