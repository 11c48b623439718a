/* cpu: the instruction set of the process, from the environment.

   Failure modes: a name that is none. A level that the machine lacks is none:
   the same environment then serves machines of all kinds. */
#include "node/cpu.h"

#include <stdio.h>
#include <string.h>

int cpu_from_env(char *env[], char *why, size_t cap) {
    static const char key[] = "BLOCKPOOL_CPU=";
    enum bp_cpu cpu = bp_cpu_detect();
    for (; *env != NULL; env++) {
        const char *name = *env + sizeof key - 1;
        if (strncmp(*env, key, sizeof key - 1) != 0) continue;
        if (bp_cpu_parse(&cpu, name) == 0) continue;
        snprintf(why, cap,
                 "BLOCKPOOL_CPU is portable, avx2 or avx512, not '%.40s'",
                 name);
        return BP_ERR_FORMAT;
    }
    bp_cpu_use(cpu);
    return 0;
}
