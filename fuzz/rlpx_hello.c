/* rlpx_hello: a Hello that decodes encodes to one that decodes to the same;
   its names are printable; a Disconnect always has a reason. */
#include <string.h>

#include "fuzz.h"
#include "rlpx/p2p.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct bp_rlpx_hello a, b;
    uint8_t text[BP_RLPX_P2P_MAX];
    size_t n;
    fuzz_law(bp_disc_str(bp_disconnect_decode((bp_span){ data, size })) !=
             NULL);
    if (bp_hello_decode(&a, (bp_span){ data, size }) != 0) return 0;
    fuzz_law(a.n_caps <= BP_RLPX_CAPS_MAX);
    for (const char *c = a.client; *c != '\0'; c++)
        fuzz_law(*c >= 0x20 && *c < 0x7f);
    fuzz_law(bp_hello_encode(text, sizeof text, &n, &a) == 0);
    fuzz_law(bp_hello_decode(&b, (bp_span){ text, n }) == 0);
    fuzz_law(memcmp(&a, &b, sizeof a) == 0);
    struct bp_rlpx_shared shared[BP_RLPX_OFFERS_MAX];
    static const struct bp_rlpx_cap ours[] = { { "eth", 68, 17 },
                                               { "eth", 69, 18 } };
    fuzz_law(bp_rlpx_negotiate(shared, ours, 2, a.caps, a.n_caps) <= 1);
    return 0;
}
