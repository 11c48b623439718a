/* clock: the only place of the program that reads a clock.

   Happy path: clock_gettime answers. Failure modes: none on Linux for these
   four clocks; a failing call would leave 0, which reads as "no time passed".
 */
#include "node/clock.h"

#include <time.h>

static uint64_t read_ns(clockid_t id) {
    struct timespec t = { 0, 0 };
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t clock_mono_ms(void) {
    return read_ns(CLOCK_MONOTONIC) / 1000000;
}

uint64_t clock_mono_ns(void) {
    return read_ns(CLOCK_MONOTONIC);
}

uint64_t clock_thread_cpu_ns(void) {
    return read_ns(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t clock_wall_ms(void) {
    return read_ns(CLOCK_REALTIME) / 1000000;
}
