/* snappy_block: what decompresses compresses to something that decompresses to
   the same, and never to more than it announced. */
#include <string.h>

#include "fuzz.h"
#include "prim/snappy.h"

#define OUT_MAX ((size_t)1 << 18)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t want, n, again;
    bp_span in = { data, size };
    if (bp_snappy_block_size(&want, in) != 0 || want > OUT_MAX) return 0;
    /* Buffers of the exact length: a byte too far is seen. */
    uint8_t *out = malloc(want + 1), *back = malloc(want + 1);
    uint8_t *coded = malloc(bp_snappy_block_room(want));
    if (bp_snappy_block_decode(out, want, &n, in) == 0) {
        fuzz_law(n == want);
        size_t len = bp_snappy_block_encode(coded, (bp_span){ out, n });
        fuzz_law(len > 0 && len <= bp_snappy_block_room(n));
        fuzz_law(bp_snappy_block_decode(back, n, &again,
                                        (bp_span){ coded, len }) == 0);
        fuzz_law(again == n && memcmp(out, back, n) == 0);
    }
    free(coded);
    free(back);
    free(out);
    return 0;
}
