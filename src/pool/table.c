/* table: pages of fixed-size records, and the counting allocator. */
#include "pool/table.h"

#include <assert.h>
#include <string.h>

void *bp_mem_take_raw(struct bp_mem *m, size_t n) {
    void *p = bp_malloc(m->alloc, n);
    if (p == NULL) return NULL;
    m->bytes += n;
    if (m->bytes > m->peak) m->peak = m->bytes;
    return p;
}

void *bp_mem_take(struct bp_mem *m, size_t n) {
    void *p = bp_mem_take_raw(m, n);
    if (p != NULL) memset(p, 0, n);
    return p;
}

void bp_mem_give(struct bp_mem *m, void *p, size_t n) {
    if (p == NULL) return;
    assert(m->bytes >= n);
    m->bytes -= n;
    bp_free(m->alloc, p, n);
}

static uint32_t pages_for(uint32_t shift, uint32_t max) {
    return (uint32_t)(((uint64_t)max + (1u << shift) - 1) >> shift);
}

int bp_table_init(struct bp_table *t, struct bp_mem *mem, size_t elem,
                  uint32_t shift, uint32_t max) {
    assert(elem >= sizeof(struct bp_cell) && max > 0 && max < BP_NIL);
    *t = (struct bp_table){ .mem = mem,
                            .elem = elem,
                            .shift = shift,
                            .pages_max = pages_for(shift, max),
                            .max = max,
                            .free_head = BP_NIL };
    t->page = bp_mem_take(mem, t->pages_max * sizeof *t->page);
    return t->page != NULL ? 0 : BP_ERR_NOMEM;
}

void bp_table_free(struct bp_table *t) {
    if (t->page == NULL) return;
    for (uint32_t i = 0; i < t->pages; i++)
        bp_mem_give(t->mem, t->page[i], t->elem << t->shift);
    bp_mem_give(t->mem, t->page, t->pages_max * sizeof *t->page);
    t->page = NULL;
}

uint64_t bp_table_bound(size_t elem, uint32_t shift, uint32_t max) {
    uint64_t pages = pages_for(shift, max);
    return pages * (sizeof(void *) + ((uint64_t)elem << shift));
}

uint32_t bp_table_take(struct bp_table *t) {
    uint32_t id = t->free_head;
    if (id != BP_NIL) {
        struct bp_cell *c = bp_table_at(t, id);
        t->free_head = c->next_free;
        memset(c, 0, t->elem);
        c->live = 1;
        t->n++;
        return id;
    }
    if (t->used == t->max) return BP_NIL;
    if (t->used >> t->shift == t->pages) {
        void *page = bp_mem_take(t->mem, t->elem << t->shift);
        if (page == NULL) return BP_NIL;
        t->page[t->pages++] = page;
    }
    id = t->used++;
    struct bp_cell *c = bp_table_at(t, id);
    c->live = 1;
    t->n++;
    return id;
}

void bp_table_give(struct bp_table *t, uint32_t id) {
    struct bp_cell *c = bp_table_at(t, id);
    assert(c->live == 1);
    c->live = 0;
    c->next_free = t->free_head;
    t->free_head = id;
    t->n--;
}
