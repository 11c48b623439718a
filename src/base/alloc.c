/* alloc: the caller's allocator, with the C library behind a NULL one. */
#include <stdlib.h>
#include <string.h>

#include "blockpool/base.h"

static void *libc_alloc(void *user, size_t n) {
    (void)user;
    return malloc(n);
}

static void libc_free(void *user, void *p, size_t n) {
    (void)user;
    (void)n;
    free(p);
}

const struct bp_alloc bp_alloc_libc = { libc_alloc, libc_free, NULL };

void *bp_malloc(const struct bp_alloc *a, size_t n) {
    if (a == NULL) a = &bp_alloc_libc;
    return a->alloc(a->user, n == 0 ? 1 : n);
}

void *bp_zalloc(const struct bp_alloc *a, size_t n) {
    void *p = bp_malloc(a, n);
    if (p != NULL) memset(p, 0, n);
    return p;
}

void *bp_grow(const struct bp_alloc *a, void *p, size_t old_n, size_t new_n) {
    void *q = bp_malloc(a, new_n);
    if (q == NULL) return NULL;
    if (p != NULL) memcpy(q, p, old_n < new_n ? old_n : new_n);
    bp_free(a, p, old_n);
    return q;
}

void bp_free(const struct bp_alloc *a, void *p, size_t n) {
    if (p == NULL) return;
    if (a == NULL) a = &bp_alloc_libc;
    a->free(a->user, p, n == 0 ? 1 : n);
}
