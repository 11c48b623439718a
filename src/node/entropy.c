/* entropy: bytes from the system's generator.

   Happy path: getrandom fills the buffer.

   Failure modes:
     - a signal interrupts, or it gives fewer: asked again
     - the system has none (ENOSYS in a broken sandbox): the process ends */
#include "node/entropy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void entropy_fill(void *out, size_t n) {
    uint8_t *p = out;
    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            fprintf(stderr, "blockpool: error: no entropy: %s\n",
                    strerror(errno));
            abort();
        }
        p += got;
        n -= (size_t)got;
    }
}

uint64_t entropy_u64(void) {
    uint64_t v;
    entropy_fill(&v, sizeof v);
    return v;
}
