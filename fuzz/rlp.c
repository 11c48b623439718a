/* rlp: what is canonical all through is written back, item by item, to the
   same bytes; and no reader takes what the check refuses. */
#include <string.h>

#include "blockpool/rlp.h"
#include "fuzz.h"

/* Writes the item again from what the readers say of it. */
static void copy_item(struct bp_rlp_w *w, bp_span in) {
    struct {
        bp_span left;
        size_t mark;
    } open[BP_RLP_DEPTH_MAX + 1];
    struct bp_rlp_item item;
    size_t depth = 0;
    open[0].left = in;
    for (;;) {
        if (open[depth].left.n == 0) {
            if (depth == 0) return;
            bp_rlp_close(w, open[depth--].mark);
            continue;
        }
        fuzz_law(bp_rlp_item(&item, &open[depth].left) == 0);
        if (item.is_list) {
            open[++depth].left = item.payload;
            open[depth].mark = bp_rlp_open(w);
        } else {
            bp_rlp_put_str(w, item.payload.p, item.payload.n);
        }
    }
}

/* What an integer reader accepts, the writer writes. */
static void integers(bp_span in) {
    uint8_t out[40];
    uint64_t v;
    bp_u256 wide;
    bool flag;
    bp_span a = in, b = in, c = in;
    struct bp_rlp_w w = { out, sizeof out, 0 };
    if (bp_rlp_u64(&v, &a) == 0) {
        bp_rlp_put_u64(&w, v);
        fuzz_law(w.n == in.n - a.n && memcmp(out, in.p, w.n) == 0);
        fuzz_law(w.n == bp_rlp_size_u64(v));
    }
    w.n = 0;
    if (bp_rlp_u256(&wide, &b) == 0) {
        bp_rlp_put_u256(&w, &wide);
        fuzz_law(w.n == in.n - b.n && memcmp(out, in.p, w.n) == 0);
        fuzz_law(w.n == bp_rlp_size_u256(&wide));
    }
    if (bp_rlp_bool(&flag, &c) == 0) fuzz_law(flag == (v == 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    bp_span in = { data, size };
    size_t n;
    integers(in);
    if (bp_rlp_check(in) != 0) return 0;
    fuzz_law(bp_rlp_count(&n, in, 1) == 0 && n == 1);
    uint8_t *out = malloc(size);
    struct bp_rlp_w w = { out, size, 0 };
    copy_item(&w, in);
    fuzz_law(bp_rlp_done(&w) == 0 && w.n == size);
    fuzz_law(memcmp(out, data, size) == 0);
    free(out);
    return 0;
}
