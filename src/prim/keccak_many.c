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

static void run_lanes(const struct bp_keccak_ops *ops, bp_hash *out,
                      const bp_span *in, size_t n) {
    _Alignas(64) uint64_t s[25 * BP_KECCAK_WAYS_MAX];
    struct lane lane[BP_KECCAK_WAYS_MAX];
    const uint8_t *block[BP_KECCAK_WAYS_MAX];
    size_t next = 0, busy = 0;
    unsigned keep = 0;
    memset(s, 0, sizeof s);
    for (unsigned w = 0; w < ops->ways; w++) {
        lane[w].out = NULL;
        memset(lane[w].padded, 0, sizeof lane[w].padded);
    }
    do {
        for (unsigned w = 0; w < ops->ways; w++) {
            struct lane *l = &lane[w];
            if (l->out == NULL && next < n) {
                *l = (struct lane){
                    in[next].p, in[next].n, &out[next], false, { 0 }
                };
                next++;
                busy++;
            }
            block[w] = l->out != NULL ? next_block(l) : l->padded;
        }
        ops->absorb(s, block, keep);
        keep = 0;
        for (unsigned w = 0; w < ops->ways; w++) {
            struct lane *l = &lane[w];
            if (l->out == NULL) continue;
            if (!l->last) {
                keep |= 1u << w;
                continue;
            }
            squeeze(l->out, s, ops->ways, w);
            l->out = NULL;
            busy--;
        }
    } while (busy > 0 || next < n);
}

void bp_keccak256_many(bp_hash *out, const bp_span *in, size_t n) {
    const struct bp_keccak_ops *ops = bp_keccak_ops();
    if (n > 1 && ops->ways > 1) {
        run_lanes(ops, out, in, n);
        return;
    }
    for (size_t i = 0; i < n; i++) bp_keccak256(&out[i], in[i]);
}
