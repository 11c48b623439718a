/* cpu: which instructions there are, and which of them are in use. */
#include <string.h>

#include "blockpool/keccak.h"

static const char *const names[] = {
    [BP_CPU_PORTABLE] = "portable",
    [BP_CPU_AVX2] = "avx2",
    [BP_CPU_AVX512] = "avx512",
};

enum bp_cpu bp_cpu_detect(void) {
#if defined(__x86_64__)
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi") ||
        !__builtin_cpu_supports("bmi2"))
        return BP_CPU_PORTABLE;
    if (!__builtin_cpu_supports("avx512f") ||
        !__builtin_cpu_supports("avx512vl") ||
        !__builtin_cpu_supports("avx512dq") ||
        !__builtin_cpu_supports("avx512bw"))
        return BP_CPU_AVX2;
    return BP_CPU_AVX512;
#else
    return BP_CPU_PORTABLE;
#endif
}

/* The level in use plus one; 0 until someone asked. Written with the same
   value by every thread that finds 0, so no order is needed. */
static int in_use;

enum bp_cpu bp_cpu_use(enum bp_cpu cpu) {
    enum bp_cpu best = bp_cpu_detect();
    if (cpu > best) cpu = best;
    __atomic_store_n(&in_use, (int)cpu + 1, __ATOMIC_RELAXED);
    return cpu;
}

enum bp_cpu bp_cpu_used(void) {
    int v = __atomic_load_n(&in_use, __ATOMIC_RELAXED);
    if (v != 0) return (enum bp_cpu)(v - 1);
    return bp_cpu_use(bp_cpu_detect());
}

const char *bp_cpu_name(enum bp_cpu cpu) {
    return names[cpu];
}

int bp_cpu_parse(enum bp_cpu *out, const char *name) {
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) != 0) continue;
        *out = (enum bp_cpu)i;
        return 0;
    }
    return BP_ERR_FORMAT;
}
