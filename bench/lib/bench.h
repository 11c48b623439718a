/* bench.h: what a benchmark includes.

   A benchmark is a program with fixed inputs. It prints one JSON object a
   line, with names that stay:

       {"bench":"pool","name":"cpu_s_1m","value":0.41,"unit":"s",
        "ref":0.82,"ratio":0.5}

   (on one line). `ref` is something known, measured in the same run (OpenSSL
   over the same bytes, memcpy), in the same unit, and `ratio` is value / ref:
   machines and loads differ, ratios stay. Without one both are null. */
#ifndef BP_BENCH_LIB_BENCH_H
#define BP_BENCH_LIB_BENCH_H

#include <stddef.h>

/* CPU seconds of the calling thread, and of the whole process with all its
   threads. Wall time is never a result. */
double bench_cpu_s(void);
double bench_process_cpu_s(void);

/* Sorts v and returns its median; n > 0. */
double bench_median(double *v, size_t n);

/* Calls fn(arg) once to warm up, then `runs` times (1..64), and returns the
   median of the thread CPU seconds of one call. */
double bench_time_s(void (*fn)(void *arg), void *arg, int runs);

/* The two forms of a result line. */
void bench_json(const char *bench, const char *name, double value,
                const char *unit);
void bench_json_ref(const char *bench, const char *name, double value,
                    const char *unit, double ref);

/* Tells the compiler that *p is read, so that work is not optimised away. */
static inline void bench_use(const void *p) {
    __asm__ volatile("" : : "g"(p) : "memory");
}

#endif
