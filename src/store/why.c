/* why: see why.h. */
#include "store/why.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int bp_why(struct bp_store_error *why, int code, const char *format, ...) {
    if (why == NULL) return code;
    va_list args;
    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): va_start is above */
    vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
    why->code = code;
    return code;
}

int bp_why_code(struct bp_store_error *why, int code, const char *path) {
    return bp_why(why, code, "%s: %s", path, bp_strerror(code));
}

const char *bp_hash_short(char out[BP_HASH_SHORT], const bp_hash *h) {
    memcpy(out, "0x", 2);
    bp_hex(out + 2, h->b, 3);
    memcpy(out + 8, "..", 2);
    bp_hex(out + 10, h->b + 29, 3);
    return out;
}
