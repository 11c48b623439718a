/* mem: the store in memory, for tests and the simulator.

   Every write pushes how to take it back on one undo log. A batch that fails
   is taken back to where it began; a simulated power failure takes back whole
   batches, to the last sync or to any batch after it. */
#include <assert.h>
#include <string.h>

#include "base/try.h"
#include "store/backend.h"
#include "store/gate.h"

struct row {
    struct bp_store_entry e; /* raw: the header */
    bp_span part[3];         /* by enum bp_store_part; the header at 0 */
};

enum undo_kind { UNDO_HASH, UNDO_ROW, UNDO_PART, UNDO_CANON, UNDO_POP };
struct undo {
    enum undo_kind kind;
    uint64_t a, b;
};

/* Where a batch began, and the state before it. */
struct mark {
    size_t n_undo;
    struct bp_store_state state;
};

struct mem {
    struct bp_store base;
    struct bp_gate gate; /* shut while a writer is at work */
    struct bp_store_state state;
    struct row *rows;
    size_t n_rows, cap_rows;
    uint64_t *canon;
    size_t n_canon, cap_canon;
    uint64_t *slots; /* id + 1, or 0; open addressing on the hash */
    size_t n_slots, n_hashes;
    struct undo *undo;
    size_t n_undo, cap_undo;
    struct mark *marks;
    size_t n_marks, cap_marks;
    uint64_t fail_at; /* writes until the fault; 0: none */
    int fail_code;
};

struct mem_view {
    struct bp_store_view base;
    bool committed;
};

static struct mem *mem_of(const struct bp_store_view *v) {
    return (struct mem *)v->store;
}

/* ---- growing, failing, undoing --------------------------------------- */

/* Makes room for one more element of `size` bytes. */
static int reserve(struct mem *m, void *array, size_t n, size_t *cap,
                   size_t size) {
    void *old, *more;
    if (n < *cap) return 0;
    size_t bigger = *cap == 0 ? 64 : *cap * 2;
    memcpy(&old, array, sizeof old);
    more = bp_grow(m->base.alloc, old, *cap * size, bigger * size);
    if (more == NULL) return BP_ERR_NOMEM;
    memcpy(array, &more, sizeof more);
    *cap = bigger;
    return 0;
}

/* Counts one write; the armed one fails. */
static int fault(struct mem *m) {
    if (m->fail_at == 0 || --m->fail_at > 0) return 0;
    return m->fail_code;
}

/* Before a write: may it happen, and is there room to remember it? */
static int before_write(struct mem *m) {
    BP_TRY(fault(m));
    return reserve(m, &m->undo, m->n_undo, &m->cap_undo, sizeof *m->undo);
}

static void remember(struct mem *m, enum undo_kind kind, uint64_t a,
                     uint64_t b) {
    m->undo[m->n_undo++] = (struct undo){ kind, a, b };
}

static size_t slot_of(const struct mem *m, const bp_hash *hash) {
    uint64_t h;
    memcpy(&h, hash->b, sizeof h);
    return (size_t)(h * 0x9e3779b97f4a7c15u) & (m->n_slots - 1);
}

/* The slot that holds hash, or the free one where it would be. */
static size_t probe(const struct mem *m, const bp_hash *hash) {
    size_t i = slot_of(m, hash);
    while (m->slots[i] != 0 &&
           !bp_hash_eq(&m->rows[m->slots[i] - 1].e.hash, hash))
        i = (i + 1) & (m->n_slots - 1);
    return i;
}

/* Takes slot i out and closes the gap behind it. */
static void slot_remove(struct mem *m, size_t i) {
    size_t mask = m->n_slots - 1;
    for (size_t j = (i + 1) & mask; m->slots[j] != 0; j = (j + 1) & mask) {
        size_t home = slot_of(m, &m->rows[m->slots[j] - 1].e.hash);
        if (((j - home) & mask) < ((j - i) & mask)) continue;
        m->slots[i] = m->slots[j];
        i = j;
    }
    m->slots[i] = 0;
    m->n_hashes--;
}

static void part_free(struct mem *m, struct row *r, enum bp_store_part part) {
    bp_free(m->base.alloc, (void *)r->part[part].p, r->part[part].n);
    r->part[part] = (bp_span){ NULL, 0 };
}

static void undo_one(struct mem *m, const struct undo *u) {
    switch (u->kind) {
    case UNDO_HASH: slot_remove(m, probe(m, &m->rows[u->a].e.hash)); return;
    case UNDO_ROW:
        part_free(m, &m->rows[u->a], BP_PART_HEADER);
        assert(m->n_rows == u->a + 1);
        m->n_rows--;
        return;
    case UNDO_PART:
        part_free(m, &m->rows[u->a], (enum bp_store_part)u->b);
        return;
    case UNDO_CANON: m->n_canon--; return;
    case UNDO_POP: m->canon[m->n_canon++] = u->b; return;
    }
}

static void undo_to(struct mem *m, size_t n) {
    while (m->n_undo > n) undo_one(m, &m->undo[--m->n_undo]);
}

/* ---- transactions ------------------------------------------------------ */

struct mem_writer {
    struct mem_view view;
    size_t n_undo; /* where this batch began */
};

static int begin_read(struct bp_store_view **out, struct mem *m) {
    struct mem_view *v = bp_zalloc(m->base.alloc, sizeof *v);
    if (v == NULL) return BP_ERR_NOMEM;
    bp_gate_enter(&m->gate);
    v->base.store = &m->base;
    v->base.state = m->state;
    v->base.state.checks.cap = 0; /* borrowed: no writer until the end */
    *out = &v->base;
    return 0;
}

static int begin_write(struct bp_store_view **out, struct mem *m) {
    struct mem_writer *w = bp_zalloc(m->base.alloc, sizeof *w);
    if (w == NULL) return BP_ERR_NOMEM;
    struct bp_store_view *v = &w->view.base;
    v->store = &m->base;
    v->write = true;
    v->state = m->state;
    int err = bp_ranges_copy(&v->state.checks, m->base.alloc, &m->state.checks);
    if (err != 0) {
        bp_free(m->base.alloc, w, sizeof *w);
        return err;
    }
    bp_gate_shut(&m->gate);
    w->n_undo = m->n_undo;
    *out = v;
    return 0;
}

static int mem_begin(struct bp_store_view **out, struct bp_store *s,
                     bool write) {
    struct mem *m = (struct mem *)s;
    return write ? begin_write(out, m) : begin_read(out, m);
}

static int mem_commit(struct bp_store_view *v) {
    struct mem *m = mem_of(v);
    struct mem_writer *w = (struct mem_writer *)v;
    int err = fault(m);
    if (err == 0)
        err =
            reserve(m, &m->marks, m->n_marks, &m->cap_marks, sizeof *m->marks);
    if (err != 0) return err;
    m->marks[m->n_marks++] = (struct mark){ w->n_undo, m->state };
    m->state = v->state;
    v->state.checks = (struct bp_ranges){ 0 }; /* the store owns it now */
    w->view.committed = true;
    return 0;
}

static void mem_end(struct bp_store_view *v) {
    struct mem *m = mem_of(v);
    if (!v->write) {
        bp_free(m->base.alloc, v, sizeof(struct mem_view));
        bp_gate_leave(&m->gate);
        return;
    }
    struct mem_writer *w = (struct mem_writer *)v;
    if (!w->view.committed) undo_to(m, w->n_undo);
    bp_ranges_free(&v->state.checks, m->base.alloc);
    bp_free(m->base.alloc, w, sizeof *w);
    bp_gate_open(&m->gate);
}

/* Forgets how to take back what there is. */
static void settle(struct mem *m) {
    for (size_t i = 0; i < m->n_marks; i++)
        bp_ranges_free(&m->marks[i].state.checks, m->base.alloc);
    m->n_marks = m->n_undo = 0;
}

static int mem_sync(struct bp_store *s) {
    struct mem *m = (struct mem *)s;
    BP_TRY(fault(m));
    settle(m);
    return 0;
}

/* ---- reading ----------------------------------------------------------- */

static int mem_get_id(struct bp_store_view *v, uint64_t *id,
                      const bp_hash *hash) {
    const struct mem *m = mem_of(v);
    if (m->n_slots == 0) return BP_ERR_NOT_STORED;
    uint64_t slot = m->slots[probe(m, hash)];
    if (slot == 0) return BP_ERR_NOT_STORED;
    *id = slot - 1;
    return 0;
}

static int mem_get_canon(struct bp_store_view *v, uint64_t *id,
                         uint64_t number) {
    const struct mem *m = mem_of(v);
    if (number >= m->n_canon) return BP_ERR_NOT_STORED;
    *id = m->canon[number];
    return 0;
}

static int mem_get_row(struct bp_store_view *v, struct bp_store_entry *out,
                       uint64_t id) {
    const struct mem *m = mem_of(v);
    if (id >= m->n_rows) return BP_ERR_NOT_STORED;
    *out = m->rows[id].e;
    return 0;
}

static int mem_get_part(struct bp_store_view *v, bp_span *out,
                        const struct bp_store_entry *e,
                        enum bp_store_part part) {
    const struct mem *m = mem_of(v);
    if (e->id >= m->n_rows || m->rows[e->id].part[part].p == NULL)
        return BP_ERR_NOT_STORED;
    *out = m->rows[e->id].part[part];
    return 0;
}

/* ---- writing ----------------------------------------------------------- */

/* Keeps the table at most half full. */
static int grow_slots(struct mem *m) {
    if (2 * (m->n_hashes + 1) <= m->n_slots) return 0;
    size_t n_old = m->n_slots, n = n_old == 0 ? 64 : 2 * n_old;
    uint64_t *old = m->slots;
    uint64_t *slots = bp_zalloc(m->base.alloc, n * sizeof *slots);
    if (slots == NULL) return BP_ERR_NOMEM;
    m->slots = slots;
    m->n_slots = n;
    for (size_t i = 0; i < n_old; i++)
        if (old[i] != 0) slots[probe(m, &m->rows[old[i] - 1].e.hash)] = old[i];
    bp_free(m->base.alloc, old, n_old * sizeof *old);
    return 0;
}

static int mem_add_hash(struct bp_store_view *v, const bp_hash *hash,
                        uint64_t *id) {
    struct mem *m = mem_of(v);
    if (mem_get_id(v, id, hash) == 0) return 0;
    BP_TRY(before_write(m));
    BP_TRY(reserve(m, &m->rows, m->n_rows, &m->cap_rows, sizeof *m->rows));
    BP_TRY(grow_slots(m));
    assert(*id == m->n_rows);
    m->rows[*id] = (struct row){ .e.hash = *hash }; /* add_row does the rest */
    m->slots[probe(m, hash)] = *id + 1;
    m->n_hashes++;
    remember(m, UNDO_HASH, *id, 0);
    return 0;
}

/* A copy that is never NULL, even of nothing. */
static int copy_bytes(struct mem *m, bp_span *out, bp_span in) {
    uint8_t *p = bp_malloc(m->base.alloc, in.n);
    if (p == NULL) return BP_ERR_NOMEM;
    if (in.n > 0) memcpy(p, in.p, in.n);
    *out = (bp_span){ p, in.n };
    return 0;
}

static int mem_add_row(struct bp_store_view *v, const struct bp_store_entry *e,
                       bp_span header) {
    struct mem *m = mem_of(v);
    struct row *r = &m->rows[e->id];
    assert(e->id == m->n_rows && bp_hash_eq(&r->e.hash, &e->hash));
    BP_TRY(before_write(m));
    BP_TRY(copy_bytes(m, &r->part[BP_PART_HEADER], header));
    r->e = *e;
    m->n_rows++;
    remember(m, UNDO_ROW, e->id, 0);
    return 0;
}

static int mem_add_part(struct bp_store_view *v, uint64_t id,
                        enum bp_store_part part, bp_span bytes) {
    struct mem *m = mem_of(v);
    assert(id < m->n_rows && m->rows[id].part[part].p == NULL);
    BP_TRY(before_write(m));
    BP_TRY(copy_bytes(m, &m->rows[id].part[part], bytes));
    remember(m, UNDO_PART, id, part);
    return 0;
}

static int mem_put_canon(struct bp_store_view *v, uint64_t number,
                         uint64_t id) {
    struct mem *m = mem_of(v);
    assert(number == m->n_canon);
    BP_TRY(before_write(m));
    BP_TRY(reserve(m, &m->canon, m->n_canon, &m->cap_canon, sizeof *m->canon));
    m->canon[m->n_canon++] = id;
    remember(m, UNDO_CANON, number, id);
    return 0;
}

static int mem_pop_canon(struct bp_store_view *v, uint64_t number) {
    struct mem *m = mem_of(v);
    assert(number + 1 == m->n_canon);
    BP_TRY(before_write(m));
    m->n_canon--;
    remember(m, UNDO_POP, number, m->canon[number]);
    return 0;
}

/* ---- the store --------------------------------------------------------- */

static void mem_close(struct bp_store *s) {
    struct mem *m = (struct mem *)s;
    const struct bp_alloc *a = s->alloc;
    settle(m);
    for (size_t i = 0; i < m->n_rows; i++)
        for (int part = BP_PART_HEADER; part <= BP_PART_RECEIPTS; part++)
            part_free(m, &m->rows[i], (enum bp_store_part)part);
    bp_ranges_free(&m->state.checks, a);
    bp_free(a, m->rows, m->cap_rows * sizeof *m->rows);
    bp_free(a, m->canon, m->cap_canon * sizeof *m->canon);
    bp_free(a, m->slots, m->n_slots * sizeof *m->slots);
    bp_free(a, m->undo, m->cap_undo * sizeof *m->undo);
    bp_free(a, m->marks, m->cap_marks * sizeof *m->marks);
    bp_gate_free(&m->gate);
    bp_free(a, m, sizeof *m);
}

static const struct bp_store_ops mem_ops = {
    .kind = "memory",
    .close = mem_close,
    .sync = mem_sync,
    .begin = mem_begin,
    .commit = mem_commit,
    .end = mem_end,
    .get_id = mem_get_id,
    .get_canon = mem_get_canon,
    .get_row = mem_get_row,
    .get_part = mem_get_part,
    .add_hash = mem_add_hash,
    .add_row = mem_add_row,
    .add_part = mem_add_part,
    .put_canon = mem_put_canon,
    .pop_canon = mem_pop_canon,
};

static int put_genesis(struct mem *m, const struct bp_store_chain *chain) {
    struct bp_store_view *v;
    BP_TRY(mem_begin(&v, &m->base, true));
    int err = bp_store_put_genesis(v, chain);
    if (err == 0) err = mem_commit(v);
    mem_end(v);
    return err;
}

int bp_store_mem_new(struct bp_store **out, const struct bp_alloc *a,
                     const struct bp_store_chain *chain) {
    *out = NULL;
    struct mem *m = bp_zalloc(a, sizeof *m);
    if (m == NULL) return BP_ERR_NOMEM;
    m->base =
        (struct bp_store){ .ops = &mem_ops, .alloc = a, .path = "memory" };
    int err = bp_store_identify(&m->base.identity, chain);
    if (err != 0) goto fail_self;
    if ((err = bp_gate_init(&m->gate)) != 0) goto fail_self;
    if ((err = put_genesis(m, chain)) != 0) goto fail_all;
    settle(m);
    *out = &m->base;
    return 0;
fail_all:
    mem_close(&m->base);
    return err;
fail_self:
    bp_free(a, m, sizeof *m);
    return err;
}

/* ---- faults ------------------------------------------------------------ */

void bp_store_mem_fail_at(struct bp_store *s, uint64_t k, int code) {
    struct mem *m = (struct mem *)s;
    assert(s->ops == &mem_ops);
    m->fail_at = k;
    m->fail_code = code;
}

size_t bp_store_mem_unsynced(const struct bp_store *s) {
    assert(s->ops == &mem_ops);
    return ((const struct mem *)s)->n_marks;
}

void bp_store_mem_crash(struct bp_store *s, size_t keep) {
    struct mem *m = (struct mem *)s;
    assert(s->ops == &mem_ops);
    bp_gate_shut(&m->gate);
    while (m->n_marks > keep) {
        struct mark *last = &m->marks[--m->n_marks];
        undo_to(m, last->n_undo);
        bp_ranges_free(&m->state.checks, m->base.alloc);
        m->state = last->state;
    }
    bp_gate_open(&m->gate);
    settle(m);
    m->fail_at = 0;
}
