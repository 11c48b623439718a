/* entropy: a seed that no peer can guess. */
#include <unistd.h>

#include "host/state.h"

uint64_t bp_hentropy(void) {
    uint64_t seed = 0;
    /* Cannot fail for eight bytes, short of a kernel from before 2014; then
       probes are drawn by time, no more. */
    if (getentropy(&seed, sizeof seed) != 0) seed = bp_hclock();
    return seed;
}
