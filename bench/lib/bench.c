/* bench: CPU clocks, the median, result lines. */
#include "lib/bench.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double clock_s(clockid_t id) {
    struct timespec t;
    if (clock_gettime(id, &t) != 0) abort();
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double bench_cpu_s(void) {
    return clock_s(CLOCK_THREAD_CPUTIME_ID);
}

double bench_process_cpu_s(void) {
    return clock_s(CLOCK_PROCESS_CPUTIME_ID);
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *v, size_t n) {
    assert(n > 0);
    qsort(v, n, sizeof *v, compare);
    return n % 2 == 1 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

double bench_time_s(void (*fn)(void *arg), void *arg, int runs) {
    double took[64];
    assert(runs >= 1 && runs <= 64);
    fn(arg);
    for (int i = 0; i < runs; i++) {
        double from = bench_cpu_s();
        fn(arg);
        took[i] = bench_cpu_s() - from;
    }
    return bench_median(took, (size_t)runs);
}

void bench_json(const char *bench, const char *name, double value,
                const char *unit) {
    printf("{\"bench\":\"%s\",\"name\":\"%s\",\"value\":%.6g,"
           "\"unit\":\"%s\",\"ref\":null,\"ratio\":null}\n",
           bench, name, value, unit);
    fflush(stdout);
}

void bench_json_ref(const char *bench, const char *name, double value,
                    const char *unit, double ref) {
    printf("{\"bench\":\"%s\",\"name\":\"%s\",\"value\":%.6g,"
           "\"unit\":\"%s\",\"ref\":%.6g,\"ratio\":%.4g}\n",
           bench, name, value, unit, ref, value / ref);
    fflush(stdout);
}
