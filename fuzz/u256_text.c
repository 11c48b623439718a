/* u256_text: a number that parses prints as decimal that parses to the same. */
#include <string.h>

#include "blockpool/base.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char in[128], text[BP_U256_DEC_MAX];
    bp_u256 a, b;
    if (size >= sizeof in) return 0;
    memcpy(in, data, size);
    in[size] = '\0';
    if (bp_u256_parse(&a, in) != 0) return 0;
    size_t n = bp_u256_to_dec(text, &a);
    fuzz_law(n == strlen(text));
    fuzz_law(n == 1 || text[0] != '0');
    fuzz_law(bp_u256_parse(&b, text) == 0);
    fuzz_law(bp_u256_cmp(&a, &b) == 0);
    return 0;
}
