/* rlp_write: the writer, which counts whether or not there is room. */
#include <string.h>

#include "blockpool/rlp.h"

enum { STR = 0x80, LIST = 0xc0 };
enum { SHORT_MAX = 55 };
/* The largest prefix: one byte and a length of eight. */
enum { PREFIX_MAX = 9 };

static size_t be_bytes(uint64_t v) {
    return v == 0 ? 0 : (71u - (unsigned)__builtin_clzll(v)) / 8u;
}

/* Writes the prefix of a payload of n bytes; returns its length. */
static size_t prefix(uint8_t out[PREFIX_MAX], uint8_t base, size_t n) {
    if (n <= SHORT_MAX) {
        out[0] = (uint8_t)(base + n);
        return 1;
    }
    size_t k = be_bytes(n);
    out[0] = (uint8_t)(base + SHORT_MAX + k);
    for (size_t i = 0; i < k; i++) out[1 + i] = (uint8_t)(n >> 8 * (k - 1 - i));
    return 1 + k;
}

void bp_rlp_put_raw(struct bp_rlp_w *w, const void *bytes, size_t n) {
    if (n > 0 && w->n <= w->cap && n <= w->cap - w->n)
        memcpy(w->p + w->n, bytes, n);
    w->n += n;
}

void bp_rlp_put_str(struct bp_rlp_w *w, const void *bytes, size_t n) {
    uint8_t head[PREFIX_MAX];
    if (n != 1 || *(const uint8_t *)bytes >= STR)
        bp_rlp_put_raw(w, head, prefix(head, STR, n));
    bp_rlp_put_raw(w, bytes, n);
}

void bp_rlp_put_hash(struct bp_rlp_w *w, const bp_hash *h) {
    bp_rlp_put_str(w, h->b, sizeof h->b);
}

void bp_rlp_put_u64(struct bp_rlp_w *w, uint64_t v) {
    uint8_t be[8];
    size_t n = be_bytes(v);
    for (size_t i = 0; i < n; i++) be[i] = (uint8_t)(v >> 8 * (n - 1 - i));
    bp_rlp_put_str(w, be, n);
}

void bp_rlp_put_u256(struct bp_rlp_w *w, const bp_u256 *v) {
    uint8_t be[32];
    size_t n = (bp_u256_bits(v) + 7) / 8;
    bp_u256_to_be(be, v);
    bp_rlp_put_str(w, be + sizeof be - n, n);
}

void bp_rlp_put_list(struct bp_rlp_w *w, size_t payload_n) {
    uint8_t head[PREFIX_MAX];
    bp_rlp_put_raw(w, head, prefix(head, LIST, payload_n));
}

void bp_rlp_put_str_prefix(struct bp_rlp_w *w, size_t n) {
    uint8_t head[PREFIX_MAX];
    bp_rlp_put_raw(w, head, prefix(head, STR, n));
}

size_t bp_rlp_open(struct bp_rlp_w *w) {
    return w->n;
}

void bp_rlp_close(struct bp_rlp_w *w, size_t mark) {
    uint8_t head[PREFIX_MAX];
    size_t payload = w->n - mark, k = prefix(head, LIST, payload);
    if (w->n <= w->cap && k <= w->cap - w->n) {
        memmove(w->p + mark + k, w->p + mark, payload);
        memcpy(w->p + mark, head, k);
    }
    w->n += k;
}

int bp_rlp_done(const struct bp_rlp_w *w) {
    return w->n <= w->cap ? 0 : BP_ERR_SPACE;
}

size_t bp_rlp_size_list(size_t payload_n) {
    return payload_n + (payload_n <= SHORT_MAX ? 1 : 1 + be_bytes(payload_n));
}

size_t bp_rlp_size_str(const void *bytes, size_t n) {
    if (n == 1 && *(const uint8_t *)bytes < STR) return 1;
    return bp_rlp_size_list(n);
}

size_t bp_rlp_size_u64(uint64_t v) {
    return v < STR ? 1 : 1 + be_bytes(v);
}

size_t bp_rlp_size_u256(const bp_u256 *v) {
    return bp_u256_bits(v) <= 7 ? 1 : 1 + (bp_u256_bits(v) + 7) / 8;
}
