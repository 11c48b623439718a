#include "lib/memory.h"

#include "blockpool/base.h"
#include "lib/test.h"

int memory_sink(void *user, const void *bytes, size_t n) {
    struct memory *m = user;
    if (m->limit != 0 && m->n + n > m->limit) return BP_ERR_DISK_FULL;
    if (m->n + n > m->cap) {
        m->cap = 2 * (m->n + n);
        m->p = realloc(m->p, m->cap);
        assert_non_null(m->p);
    }
    memcpy(m->p + m->n, bytes, n);
    m->n += n;
    return 0;
}

size_t memory_source(void *user, void *buf, size_t cap) {
    struct memory *m = user;
    size_t n = m->n - m->at < cap ? m->n - m->at : cap;
    if (m->most != 0 && n > m->most) n = m->most;
    memcpy(buf, m->p + m->at, n);
    m->at += n;
    return n;
}
