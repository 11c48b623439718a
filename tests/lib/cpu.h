/* cpu.h: BLOCKPOOL_CPU=portable|avx2|avx512 forces a code path in tests. */
#ifndef BP_TESTS_LIB_CPU_H
#define BP_TESTS_LIB_CPU_H

#include "blockpool/keccak.h"
#include "lib/test.h"

/* Takes the level of the environment into use, without one the machine's best;
   returns it. Fails the test on a name that is none. */
static inline enum bp_cpu test_cpu(void) {
    enum bp_cpu cpu = bp_cpu_detect();
    const char *name = getenv("BLOCKPOOL_CPU");
    if (name != NULL && bp_cpu_parse(&cpu, name) != 0)
        fail_msg("BLOCKPOOL_CPU=%s is none of portable, avx2, avx512", name);
    return bp_cpu_use(cpu);
}

#endif
