/* cpu.h: BLOCKPOOL_CPU=portable|avx2|avx512 limits a benchmark. */
#ifndef BP_BENCH_LIB_CPU_H
#define BP_BENCH_LIB_CPU_H

#include <stdio.h>
#include <stdlib.h>

#include "blockpool/keccak.h"

/* Takes the level of the environment into use, without one the machine's best,
   and returns it. Ends the program at a name that is none. */
static inline enum bp_cpu bench_level(void) {
    enum bp_cpu level = bp_cpu_detect();
    const char *name = getenv("BLOCKPOOL_CPU");
    if (name != NULL && bp_cpu_parse(&level, name) != 0) {
        fprintf(stderr, "bench: BLOCKPOOL_CPU is none of portable, avx2, "
                        "avx512\n");
        exit(2);
    }
    return bp_cpu_use(level);
}

#endif
