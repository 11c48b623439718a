/* snappy_frame: the walk over the heads and the decoder agree on the size;
   what decodes encodes to something that decodes to the same. */
#include <string.h>

#include "fuzz.h"
#include "prim/snappy.h"

#define OUT_MAX ((size_t)1 << 18)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t want, n, again;
    bp_span in = { data, size };
    if (bp_snappy_frame_size(&want, in) != 0 || want > OUT_MAX) return 0;
    uint8_t *out = malloc(want + 1), *back = malloc(want + 1);
    uint8_t *coded = malloc(bp_snappy_frame_room(want));
    if (want > 0) fuzz_law(bp_snappy_frame_decode(out, want - 1, &n, in) != 0);
    if (bp_snappy_frame_decode(out, want, &n, in) == 0) {
        fuzz_law(n == want);
        size_t len = bp_snappy_frame_encode(coded, (bp_span){ out, n });
        fuzz_law(len <= bp_snappy_frame_room(n));
        fuzz_law(bp_snappy_frame_decode(back, n, &again,
                                        (bp_span){ coded, len }) == 0);
        fuzz_law(again == n && memcmp(out, back, n) == 0);
    }
    free(coded);
    free(back);
    free(out);
    return 0;
}
