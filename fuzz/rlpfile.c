/* rlpfile: the blocks that the reader gives, put together again, are the file
   up to where it stopped. */
#include <string.h>

#include "blockpool/chain.h"
#include "blockpool/files.h"
#include "fuzz.h"

/* [header, lists...] of a header and a body, into out. */
static size_t join(uint8_t *out, size_t cap, const struct bp_file_block *b) {
    struct bp_rlp_w w = { out, cap, 0 };
    bp_span lists, body = b->body;
    fuzz_law(bp_rlp_list(&lists, &body) == 0 && body.n == 0);
    bp_rlp_put_list(&w, b->header.n + lists.n);
    bp_rlp_put_raw(&w, b->header.p, b->header.n);
    bp_rlp_put_raw(&w, lists.p, lists.n);
    fuzz_law(bp_rlp_done(&w) == 0);
    return w.n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bp_reader *r;
    struct bp_store_error why = { 0 };
    struct bp_file_block b;
    size_t at = 0;
    if (size < 2 || data[0] < 0xc0) return 0; /* that is era1's target */
    uint8_t *back = malloc(size);
    int err =
        bp_reader_open_memory(&r, (bp_span){ data, size }, "f", NULL, &why);
    fuzz_law(err == 0 && bp_reader_format(r) == BP_FILE_RLP);
    while ((err = bp_reader_next(r, &b, &why)) == 0) {
        size_t n = join(back, size, &b);
        fuzz_law(b.offset == at && n <= size - at);
        fuzz_law(memcmp(back, data + at, n) == 0);
        at += n;
    }
    fuzz_law((err == BP_ERR_FILE_END) == (at == size));
    if (err != BP_ERR_FILE_END)
        fuzz_law(why.code == err && strncmp(why.text, "f: ", 3) == 0);
    bp_reader_close(r);
    free(back);
    return 0;
}
