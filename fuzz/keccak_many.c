/* keccak_many: messages hashed together have the digests they have alone, at
   every level; and so has a message that comes in pieces.

   Each message is a length (1 byte, times 5) and that many of the bytes that
   follow, as far as there are any; they may overlap. */
#include <string.h>

#include "blockpool/keccak.h"
#include "fuzz.h"

enum { MESSAGES = 24, STRETCH = 5 };

static size_t cut(bp_span in[MESSAGES], const uint8_t *data, size_t size) {
    size_t n = 0;
    while (size > 0 && n < MESSAGES) {
        size_t len = (size_t)*data++ * STRETCH;
        size--;
        in[n++] = (bp_span){ data, len < size ? len : size };
        /* The next message begins in the middle of this one. */
        size_t skip = in[n - 1].n / 2;
        data += skip;
        size -= skip;
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    bp_span in[MESSAGES];
    bp_hash want[MESSAGES], got[MESSAGES], pieces;
    size_t n = cut(in, data, size);
    bp_cpu_use(BP_CPU_PORTABLE);
    for (size_t i = 0; i < n; i++) {
        struct bp_keccak k;
        bp_keccak256(&want[i], in[i]);
        bp_keccak256_init(&k);
        bp_keccak_update(&k, in[i].p, in[i].n / 3);
        bp_keccak_update(&k, in[i].p + in[i].n / 3, in[i].n - in[i].n / 3);
        bp_keccak_digest(&k, pieces.b);
        fuzz_law(bp_hash_eq(&pieces, &want[i]));
    }
    for (int cpu = BP_CPU_PORTABLE; cpu <= BP_CPU_AVX512; cpu++) {
        bp_cpu_use((enum bp_cpu)cpu);
        bp_keccak256_many(got, in, n);
        fuzz_law(n == 0 || memcmp(got, want, n * sizeof got[0]) == 0);
    }
    return 0;
}
