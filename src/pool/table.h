/* table.h: records of one size with small stable numbers.

   Pages of records are made as they are needed and never moved, so a number
   stays good, and so does a pointer, until the record is given back. A table
   has a limit; a failed allocation is the same as having reached it.

   Every record begins with a struct bp_cell. */
#ifndef BP_POOL_TABLE_H
#define BP_POOL_TABLE_H

#include "blockpool/base.h"

#define BP_NIL UINT32_MAX

/* The caller's allocator, counting. */
struct bp_mem {
    const struct bp_alloc *alloc;
    uint64_t bytes, peak;
};

void *bp_mem_take(struct bp_mem *m, size_t n);     /* zeroed; NULL: refused */
void *bp_mem_take_raw(struct bp_mem *m, size_t n); /* not zeroed */
void bp_mem_give(struct bp_mem *m, void *p, size_t n);

struct bp_cell {
    uint32_t live;      /* 1 while taken */
    uint32_t next_free; /* while free */
};

struct bp_table {
    struct bp_mem *mem;
    void **page;
    size_t elem;        /* bytes of a record */
    uint32_t shift;     /* a page holds 2^shift records */
    uint32_t pages;     /* made so far */
    uint32_t pages_max; /* length of page[] */
    uint32_t max;       /* most records at once */
    uint32_t n;         /* taken now */
    uint32_t used;      /* numbers ever handed out */
    uint32_t free_head;
};

/* 0 or BP_ERR_NOMEM. Holds at most `max` records. */
int bp_table_init(struct bp_table *t, struct bp_mem *mem, size_t elem,
                  uint32_t shift, uint32_t max) BP_MUST_USE;
void bp_table_free(struct bp_table *t);

/* Most bytes that such a table takes. */
uint64_t bp_table_bound(size_t elem, uint32_t shift, uint32_t max);

/* A zeroed record, or BP_NIL when full. */
uint32_t bp_table_take(struct bp_table *t);
void bp_table_give(struct bp_table *t, uint32_t id);

static inline void *bp_table_at(const struct bp_table *t, uint32_t id) {
    char *page = t->page[id >> t->shift];
    return page + (size_t)(id & ((1u << t->shift) - 1)) * t->elem;
}

/* The record, or NULL when the number is not taken. */
static inline void *bp_table_get(const struct bp_table *t, uint32_t id) {
    if (id >= t->used) return NULL;
    struct bp_cell *c = bp_table_at(t, id);
    return c->live != 0 ? c : NULL;
}

#endif
