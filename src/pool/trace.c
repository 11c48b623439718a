/* trace: one line per decision, virtual time in front. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pool/state.h"

void bp_trace(struct bp_pool *p, const char *format, ...) {
    if (p->cfg.trace == NULL) return;
    char line[512];
    int n = snprintf(line, sizeof line, "[%6llu] ", (unsigned long long)p->now);
    va_list ap;
    va_start(ap, format);
    vsnprintf(line + n, sizeof line - (size_t)n, format, ap);
    va_end(ap);
    p->cfg.trace(p->cfg.trace_user, line);
}

struct bp_short bp_short(const bp_hash *hash) {
    struct bp_short s;
    bp_hex(s.text, hash->b, 4);
    return s;
}
