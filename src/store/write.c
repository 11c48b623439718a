/* write: batches. Links, sums, the head and what a reorganisation rewrites. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/try.h"
#include "store/backend.h"
#include "store/why.h"

/* One attempt at a batch. */
struct writer {
    struct bp_store_view *v;
    const struct bp_store_ops *ops;
    struct bp_store_entry last; /* the newest row, likely the next parent */
    bool have_last;
    uint64_t stored;
    struct bp_store_error *why;
};

/* ---- blocks ---------------------------------------------------------- */

static int block_error(struct writer *w, int code,
                       const struct bp_store_block *b, const char *what) {
    char hash[BP_HASH_SHORT];
    return bp_why(w->why, code, "%s: block %" PRIu64 " (%s) %s",
                  w->v->store->path, b->number, bp_hash_short(hash, &b->hash),
                  what);
}

static int find_parent(struct writer *w, struct bp_store_entry *out,
                       const struct bp_store_block *b) {
    if (w->have_last && bp_hash_eq(&w->last.hash, &b->parent)) {
        *out = w->last;
        return 0;
    }
    int err = bp_view_find(w->v, out, &b->parent);
    if (err == BP_ERR_NOT_STORED)
        return block_error(w, BP_ERR_NO_PARENT, b, "has no stored parent");
    return err;
}

static int add_parts(struct writer *w, uint64_t id,
                     const struct bp_store_block *b) {
    if (b->body.p != NULL)
        BP_TRY(w->ops->add_part(w->v, id, BP_PART_BODY, b->body));
    if (b->receipts.p != NULL)
        BP_TRY(w->ops->add_part(w->v, id, BP_PART_RECEIPTS, b->receipts));
    return 0;
}

/* A block that is held may still lack what b brings. */
static int fill_part(struct writer *w, const struct bp_store_entry *e,
                     enum bp_store_part part, bp_span bytes) {
    bp_span held;
    if (bytes.p == NULL) return 0;
    int err = w->ops->get_part(w->v, &held, e, part);
    if (err != BP_ERR_NOT_STORED) return err;
    return w->ops->add_part(w->v, e->id, part, bytes);
}

static int fill_held(struct writer *w, uint64_t id,
                     const struct bp_store_block *b) {
    struct bp_store_entry e;
    BP_TRY(bp_view_id(w->v, &e, id));
    BP_TRY(fill_part(w, &e, BP_PART_BODY, b->body));
    return fill_part(w, &e, BP_PART_RECEIPTS, b->receipts);
}

/* Enters a block under the next id. */
static int enter(struct writer *w, const struct bp_store_block *b,
                 uint64_t parent_id, const bp_u256 *parent_td) {
    struct bp_store_state *st = &w->v->state;
    struct bp_store_entry e = { .id = st->n_blocks,
                                .parent_id = parent_id,
                                .number = b->number,
                                .hash = b->hash,
                                .checks = b->checks };
    if (bp_u256_add(&e.td, parent_td, &b->difficulty))
        return block_error(w, BP_ERR_RANGE, b,
                           "overflows the total difficulty");
    BP_TRY(w->ops->add_row(w->v, &e, b->header));
    BP_TRY(add_parts(w, e.id, b));
    st->n_blocks++;
    w->last = e;
    w->have_last = true;
    w->stored++;
    return 0;
}

static int add_block(struct writer *w, const struct bp_store_block *b) {
    struct bp_store_entry parent;
    uint64_t id = w->v->state.n_blocks;
    BP_TRY(w->ops->add_hash(w->v, &b->hash, &id));
    if (id != w->v->state.n_blocks) return fill_held(w, id, b);
    BP_TRY(find_parent(w, &parent, b));
    if (b->number == 0 || parent.number != b->number - 1)
        return block_error(w, BP_ERR_NO_PARENT, b,
                           "does not follow the number of its parent");
    return enter(w, b, parent.id, &parent.td);
}

int bp_store_put_genesis(struct bp_store_view *v,
                         const struct bp_store_chain *chain) {
    struct writer w = { .v = v, .ops = v->store->ops };
    bp_u256 nothing = { { 0 } };
    uint64_t id = 0;
    assert(v->state.n_blocks == 0 && chain->genesis.number == 0);
    BP_TRY(w.ops->add_hash(v, &chain->genesis.hash, &id));
    BP_TRY(enter(&w, &chain->genesis, BP_STORE_NO_ID, &nothing));
    BP_TRY(w.ops->put_canon(v, 0, 0));
    v->state.n_canon = 1;
    v->state.head_id = 0;
    return bp_ranges_append(&v->state.checks, v->store->alloc,
                            chain->genesis.checks);
}

/* ---- the head -------------------------------------------------------- */

/* The blocks of the new branch, newest first. */
struct branch {
    struct step {
        uint64_t id, checks;
    } * step;
    size_t n, cap;
};

static int branch_push(struct branch *b, const struct bp_alloc *a,
                       const struct bp_store_entry *e) {
    if (b->n == b->cap) {
        size_t cap = b->cap == 0 ? 1024 : b->cap * 2;
        struct step *more = bp_grow(a, b->step, b->cap * sizeof *b->step,
                                    cap * sizeof *b->step);
        if (more == NULL) return BP_ERR_NOMEM;
        b->step = more;
        b->cap = cap;
    }
    b->step[b->n++] = (struct step){ e->id, e->checks };
    return 0;
}

/* Walks back from e, which becomes the first canonical block met. */
static int branch_walk(struct writer *w, struct branch *b,
                       struct bp_store_entry *e) {
    while (!bp_view_canonical(w->v, e)) {
        BP_TRY(branch_push(b, w->v->store->alloc, e));
        BP_TRY(bp_view_parent(w->v, e, e));
    }
    return 0;
}

/* Makes the branch on top of `ancestor` the canonical one. */
static int branch_adopt(struct writer *w, const struct branch *b,
                        uint64_t ancestor) {
    struct bp_store_state *st = &w->v->state;
    while (st->n_canon > ancestor + 1) {
        BP_TRY(w->ops->pop_canon(w->v, st->n_canon - 1));
        st->n_canon--;
    }
    bp_ranges_cut(&st->checks, ancestor + 1);
    for (size_t i = b->n; i-- > 0;) {
        BP_TRY(w->ops->put_canon(w->v, st->n_canon, b->step[i].id));
        BP_TRY(bp_ranges_append(&st->checks, w->v->store->alloc,
                                b->step[i].checks));
        st->n_canon++;
    }
    return 0;
}

static int set_head(struct writer *w, uint64_t *ancestor, const bp_hash *hash) {
    struct bp_store_entry e;
    struct branch b = { 0 };
    int err = bp_view_find(w->v, &e, hash);
    if (err == BP_ERR_NOT_STORED) {
        char text[BP_HASH_SHORT];
        return bp_why(w->why, err, "%s: the new head %s is not stored",
                      w->v->store->path, bp_hash_short(text, hash));
    }
    if (err != 0) return err;
    uint64_t head_id = e.id;
    err = branch_walk(w, &b, &e);
    if (err == 0) err = branch_adopt(w, &b, e.number);
    if (err == 0) {
        w->v->state.head_id = head_id;
        *ancestor = e.number;
    }
    bp_free(w->v->store->alloc, b.step, b.cap * sizeof *b.step);
    return err;
}

/* ---- transactions ---------------------------------------------------- */

static int write_all(struct writer *w, struct bp_store_moved *moved,
                     const struct bp_store_batch *batch) {
    BP_TRY(bp_view_head(w->v, &moved->old_head));
    for (size_t i = 0; i < batch->n_blocks; i++)
        BP_TRY(add_block(w, &batch->blocks[i]));
    moved->ancestor = moved->old_head.number;
    if (batch->head != NULL) BP_TRY(set_head(w, &moved->ancestor, batch->head));
    BP_TRY(bp_view_head(w->v, &moved->new_head));
    moved->stored = w->stored;
    moved->old_head.raw = moved->new_head.raw = (bp_span){ NULL, 0 };
    return w->ops->commit(w->v);
}

static int write_once(struct bp_store *s, struct bp_store_moved *moved,
                      const struct bp_store_batch *batch,
                      struct bp_store_error *why) {
    struct writer w = { .ops = s->ops, .why = why };
    BP_TRY(s->ops->begin(&w.v, s, true));
    int err = write_all(&w, moved, batch);
    s->ops->end(w.v);
    return err;
}

static int mark_once(struct bp_store *s, uint64_t first, uint64_t last,
                     uint32_t checks) {
    struct bp_store_view *v;
    BP_TRY(s->ops->begin(&v, s, true));
    int err = first > last || last >= v->state.n_canon ? BP_ERR_RANGE : 0;
    if (err == 0)
        err = bp_ranges_mark(&v->state.checks, s->alloc, first, last, checks);
    if (err == 0) err = s->ops->commit(v);
    s->ops->end(v);
    return err;
}

/* True when there was no room and there is now. */
static bool made_room(struct bp_store *s, int err) {
    return err == BP_ERR_STORE_MAP && s->ops->grow != NULL &&
           s->ops->grow(s) == 0;
}

/* The sentence of an error that has none yet. */
static int tell(struct bp_store *s, int err, struct bp_store_error *why) {
    if (err != 0 && why != NULL && why->code != err)
        bp_why_code(why, err, s->path);
    return err;
}

int bp_store_write(struct bp_store *s, struct bp_store_moved *moved,
                   const struct bp_store_batch *batch,
                   struct bp_store_error *why) {
    struct bp_store_moved mine;
    if (why != NULL) why->code = 0;
    if (s->read_only) return tell(s, BP_ERR_STORE_READ_ONLY, why);
    int err;
    do err = write_once(s, &mine, batch, why);
    while (made_room(s, err));
    if (err == 0 && moved != NULL) *moved = mine;
    return tell(s, err, why);
}

int bp_store_mark(struct bp_store *s, uint64_t first, uint64_t last,
                  uint32_t checks, struct bp_store_error *why) {
    if (why != NULL) why->code = 0;
    if (s->read_only) return tell(s, BP_ERR_STORE_READ_ONLY, why);
    int err;
    do err = mark_once(s, first, last, checks);
    while (made_room(s, err));
    return tell(s, err, why);
}
