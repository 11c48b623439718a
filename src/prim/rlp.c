/* rlp: the strict reader. Yellow Paper, appendix B. */
#include "blockpool/rlp.h"

#include <string.h>

#include "base/try.h"

/* Prefixes: 00..7f the byte itself; 80+n a string and c0+n a list of n < 56
   bytes; b7+k a string and f7+k a list whose length takes k bytes. */
enum { STR = 0x80, LONG_STR = 0xb8, LIST = 0xc0, LONG_LIST = 0xf8 };
enum { SHORT_MAX = 55 };

/* The length after a long prefix: k big-endian bytes at p. */
static int long_length(size_t *out, const uint8_t *p, size_t k, size_t left) {
    uint64_t n = 0;
    if (k > left) return BP_ERR_RLP_SHORT;
    for (size_t i = 0; i < k; i++) n = n << 8 | p[i];
    if (p[0] == 0 || n <= SHORT_MAX) return BP_ERR_RLP_CANON;
    if (n > left - k) return BP_ERR_RLP_SHORT;
    *out = (size_t)n;
    return 0;
}

/* Inlined into every reader: a body is thousands of these. */
static inline int read_item(struct bp_rlp_item *out, bp_span *in) {
    if (in->n == 0) return BP_ERR_RLP_SHORT;
    const uint8_t *p = in->p;
    size_t head = 1, n, left = in->n - 1;
    uint8_t b = p[0];
    if (b < STR) {
        head = 0;
        n = 1;
    } else if (b < LONG_STR || (b >= LIST && b < LONG_LIST)) {
        n = b - (b < LIST ? STR : LIST);
        if (n > left) return BP_ERR_RLP_SHORT;
        if (b == STR + 1 && p[1] < STR) return BP_ERR_RLP_CANON;
    } else {
        size_t k = b - (b < LIST ? LONG_STR : LONG_LIST) + 1u;
        BP_TRY(long_length(&n, p + 1, k, left));
        head += k;
    }
    out->is_list = b >= LIST;
    out->payload = (bp_span){ p + head, n };
    out->whole = (bp_span){ p, head + n };
    in->p += head + n;
    in->n -= head + n;
    return 0;
}

int bp_rlp_item(struct bp_rlp_item *out, bp_span *in) {
    return read_item(out, in);
}

static inline int read_str(bp_span *out, bp_span *in) {
    struct bp_rlp_item item;
    bp_span at = *in;
    BP_TRY(read_item(&item, &at));
    if (item.is_list) return BP_ERR_RLP_KIND;
    *out = item.payload;
    *in = at;
    return 0;
}

int bp_rlp_str(bp_span *out, bp_span *in) {
    return read_str(out, in);
}

int bp_rlp_list(bp_span *out, bp_span *in) {
    struct bp_rlp_item item;
    bp_span at = *in;
    BP_TRY(read_item(&item, &at));
    if (!item.is_list) return BP_ERR_RLP_KIND;
    *out = item.payload;
    *in = at;
    return 0;
}

static inline int read_bytes(void *out, size_t n, bp_span *in) {
    bp_span s, at = *in;
    BP_TRY(read_str(&s, &at));
    if (s.n != n) return BP_ERR_RLP_SIZE;
    memcpy(out, s.p, n);
    *in = at;
    return 0;
}

int bp_rlp_bytes(void *out, size_t n, bp_span *in) {
    return read_bytes(out, n, in);
}

int bp_rlp_hash(bp_hash *out, bp_span *in) {
    return read_bytes(out->b, sizeof out->b, in);
}

/* The bytes of an integer of at most `max` of them. */
static inline int integer(bp_span *out, bp_span *in, size_t max) {
    bp_span s, at = *in;
    BP_TRY(read_str(&s, &at));
    if (s.n > 0 && s.p[0] == 0) return BP_ERR_RLP_CANON;
    if (s.n > max) return BP_ERR_RLP_SIZE;
    *out = s;
    *in = at;
    return 0;
}

int bp_rlp_u64(uint64_t *out, bp_span *in) {
    bp_span s;
    BP_TRY(integer(&s, in, sizeof *out));
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++) v = v << 8 | s.p[i];
    *out = v;
    return 0;
}

int bp_rlp_u256(bp_u256 *out, bp_span *in) {
    bp_span s;
    BP_TRY(integer(&s, in, sizeof *out));
    *out = bp_u256_from_be(s.p, s.n);
    return 0;
}

int bp_rlp_bool(bool *out, bp_span *in) {
    uint64_t v;
    bp_span at = *in;
    BP_TRY(bp_rlp_u64(&v, &at));
    if (v > 1) return BP_ERR_RLP_SIZE;
    *out = v == 1;
    *in = at;
    return 0;
}

int bp_rlp_end(bp_span in) {
    return in.n == 0 ? 0 : BP_ERR_RLP_TRAILING;
}

int bp_rlp_count(size_t *out, bp_span items, size_t max) {
    struct bp_rlp_item item;
    size_t n = 0;
    while (items.n > 0) {
        BP_TRY(read_item(&item, &items));
        if (++n > max) return BP_ERR_RLP_SIZE;
    }
    *out = n;
    return 0;
}

int bp_rlp_check(bp_span in) {
    bp_span open[BP_RLP_DEPTH_MAX]; /* what is left of each list we are in */
    size_t depth = 0;
    struct bp_rlp_item item;
    BP_TRY(read_item(&item, &in));
    BP_TRY(bp_rlp_end(in));
    if (!item.is_list) return 0;
    open[depth++] = item.payload;
    while (depth > 0) {
        bp_span *top = &open[depth - 1];
        if (top->n == 0) {
            depth--;
            continue;
        }
        BP_TRY(read_item(&item, top));
        if (!item.is_list) continue;
        if (depth == BP_RLP_DEPTH_MAX) return BP_ERR_RLP_DEPTH;
        open[depth++] = item.payload;
    }
    return 0;
}
