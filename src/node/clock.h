/* clock: the only place of the program that reads a clock. */
#ifndef BP_NODE_CLOCK_H
#define BP_NODE_CLOCK_H

#include <stdint.h>

/* Monotonic time since an unspecified start. */
uint64_t clock_mono_ms(void);
uint64_t clock_mono_ns(void);
/* CPU time of the calling thread. */
uint64_t clock_thread_cpu_ns(void);
/* Milliseconds since 1970-01-01 UTC, as the machine believes. */
uint64_t clock_wall_ms(void);

#endif
