/* pages: anonymous memory, aligned and advised. */
#include "node/pages.h"

#include <stdint.h>
#include <sys/mman.h>

#define LARGE ((size_t)2 << 20)

static size_t whole(size_t n) {
    return (n + LARGE - 1) & ~(LARGE - 1);
}

void *pages_map(size_t n) {
    if (n == 0 || n > SIZE_MAX - 2 * LARGE) return NULL;
    size_t size = whole(n);
    uint8_t *p = mmap(NULL, size + LARGE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return NULL;
    size_t skip = (LARGE - (uintptr_t)p % LARGE) % LARGE;
    if (skip > 0) munmap(p, skip);
    munmap(p + skip + size, LARGE - skip);
    madvise(p + skip, size, MADV_HUGEPAGE); /* refused: small pages do */
    return p + skip;
}

void pages_unmap(void *p, size_t n) {
    if (p != NULL) munmap(p, whole(n));
}
