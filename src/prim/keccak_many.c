/* keccak_many: any number of messages over the lanes of one wide state.

   Each lane holds one message. A step absorbs one block of every lane; a lane
   whose message is done gives its digest and takes the next message, so that
   lanes stay busy whatever the lengths are. */
#include <string.h>

#include "prim/keccak_impl.h"
#include "prim/le.h"

struct lane {
    const uint8_t *p; /* what is left of the message */
    size_t n;
    bp_hash *out; /* NULL: the lane is idle */
    bool last;    /* the block handed out was the last one */
    uint8_t padded[BP_KECCAK256_RATE];
};

/* The next block of a lane, padded when it is the last. */
static const uint8_t *next_block(struct lane *l) {
    if (l->n >= BP_KECCAK256_RATE) {
        const uint8_t *block = l->p;
        l->p += BP_KECCAK256_RATE;
        l->n -= BP_KECCAK256_RATE;
        return block;
    }
    memset(l->padded, 0, sizeof l->padded);
    if (l->n > 0) memcpy(l->padded, l->p, l->n);
    l->padded[l->n] = 0x01;
    l->padded[BP_KECCAK256_RATE - 1] |= 0x80;
    l->last = true;
    return l->padded;
}

static void squeeze(bp_hash *out, const uint64_t *s, unsigned ways,
                    unsigned w) {
    for (unsigned i = 0; i < 4; i++)
        store_le64(out->b + 8 * i, s[i * ways + w]);
}

static void run_lanes(const struct bp_keccak_wide *wide, bp_hash *out,
                      const bp_span *in, size_t n) {
    _Alignas(64) uint64_t s[25 * BP_KECCAK_WAYS_MAX];
    struct lane lane[BP_KECCAK_WAYS_MAX];
    const uint8_t *block[BP_KECCAK_WAYS_MAX];
    size_t next = 0, busy = 0;
    unsigned keep = 0;
    memset(s, 0, sizeof s);
    memset(lane, 0, sizeof lane);
    do {
        for (unsigned w = 0; w < wide->ways; w++) {
            struct lane *l = &lane[w];
            if (l->out == NULL && next < n) {
                l->p = in[next].p;
                l->n = in[next].n;
                l->last = false;
                l->out = &out[next++];
                busy++;
            }
            block[w] = l->out != NULL ? next_block(l) : l->padded;
        }
        wide->absorb(s, block, keep);
        keep = 0;
        for (unsigned w = 0; w < wide->ways; w++) {
            struct lane *l = &lane[w];
            if (l->out == NULL) continue;
            if (!l->last) {
                keep |= 1u << w;
                continue;
            }
            squeeze(l->out, s, wide->ways, w);
            l->out = NULL;
            busy--;
        }
    } while (busy > 0 || next < n);
}

/* The narrowest row that holds n messages, else the widest there is; NULL for
   one message, or no rows. */
static const struct bp_keccak_wide *pick(const struct bp_keccak_ops *ops,
                                         size_t n) {
    const struct bp_keccak_wide *best = NULL;
    if (n < 2) return NULL;
    for (const struct bp_keccak_wide *w = ops->wide; w->ways > 0; w++)
        if (w->absorb != NULL && (best == NULL || w->ways >= n)) best = w;
    return best;
}

void bp_keccak256_many(bp_hash *out, const bp_span *in, size_t n) {
    const struct bp_keccak_wide *wide = pick(bp_keccak_ops(), n);
    if (wide != NULL) {
        run_lanes(wide, out, in, n);
        return;
    }
    for (size_t i = 0; i < n; i++) bp_keccak256(&out[i], in[i]);
}

static void one_line512(const struct bp_keccak_ops *ops, uint8_t *out,
                        const uint8_t *a, const uint8_t *b) {
    uint64_t s[25] = { 0 };
    for (unsigned i = 0; i < 8; i++) {
        s[i] = load_le64(a + 8 * i);
        if (b != NULL) s[i] ^= load_le64(b + 8 * i);
    }
    s[8] = BP_KECCAK512_LINE_PAD;
    ops->permute(s);
    for (unsigned i = 0; i < 8; i++) store_le64(out + 8 * i, s[i]);
}

/* k lines, fewer than wide->ways: the last one stands in for the missing. */
static void padded_lines(const struct bp_keccak_wide *wide,
                         uint8_t *const out[], const uint8_t *const a[],
                         const uint8_t *const b[], size_t k) {
    uint8_t *o[BP_KECCAK_WAYS_MAX];
    const uint8_t *x[BP_KECCAK_WAYS_MAX], *y[BP_KECCAK_WAYS_MAX];
    for (size_t i = 0; i < wide->ways; i++) {
        size_t from = i < k ? i : k - 1;
        o[i] = out[from];
        x[i] = a[from];
        y[i] = b != NULL ? b[from] : NULL;
    }
    wide->line512(o, x, b != NULL ? y : NULL);
}

void bp_keccak512_lines(const struct bp_keccak_ops *ops, uint8_t *const out[],
                        const uint8_t *const a[], const uint8_t *const b[],
                        size_t k) {
    const struct bp_keccak_wide *w = ops->wide;
    while (k > 1 && w->ways > 0) {
        const struct bp_keccak_wide *next = w + 1;
        if (k >= w->ways) {
            w->line512(out, a, b);
        } else if (next->ways < k) { /* no narrower row holds them all */
            padded_lines(w, out, a, b, k);
            return;
        } else {
            w = next;
            continue;
        }
        out += w->ways;
        a += w->ways;
        if (b != NULL) b += w->ways;
        k -= w->ways;
    }
    for (size_t i = 0; i < k; i++)
        one_line512(ops, out[i], a[i], b != NULL ? b[i] : NULL);
}
