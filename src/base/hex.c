/* hex: hashes compared, bytes as text and back. */
#include <string.h>

#include "blockpool/base.h"

bool bp_hash_eq(const bp_hash *a, const bp_hash *b) {
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

int bp_hash_cmp(const bp_hash *a, const bp_hash *b) {
    return memcmp(a->b, b->b, sizeof a->b);
}

void bp_hex(char *out, const void *bytes, size_t n) {
    static const char digit[] = "0123456789abcdef";
    const uint8_t *p = bytes;
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digit[p[i] >> 4];
        out[2 * i + 1] = digit[p[i] & 15];
    }
    out[2 * n] = '\0';
}

static int nibble(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

int bp_unhex(void *out, size_t n, const char *text) {
    uint8_t *p = out;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) text += 2;
    for (size_t i = 0; i < n; i++) {
        int hi = nibble(text[2 * i]);
        if (hi < 0) return BP_ERR_FORMAT;
        int lo = nibble(text[2 * i + 1]);
        if (lo < 0) return BP_ERR_FORMAT;
        p[i] = (uint8_t)(hi << 4 | lo);
    }
    return text[2 * n] == '\0' ? 0 : BP_ERR_FORMAT;
}
