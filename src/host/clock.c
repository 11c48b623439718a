/* clock: monotonic milliseconds, and waiting for them. */
#include <time.h>

#include "host/state.h"

bp_time bp_hclock(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (bp_time)t.tv_sec * 1000 + (bp_time)t.tv_nsec / 1000000;
}

int bp_hclock_cond(pthread_cond_t *cond) {
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr) != 0) return BP_ERR_NOMEM;
    int err = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    if (err == 0) err = pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
    return err == 0 ? 0 : BP_ERR_NOMEM;
}

void bp_hclock_wait(pthread_cond_t *cond, pthread_mutex_t *lock,
                    bp_time until) {
    if (until == BP_TIME_NEVER) {
        pthread_cond_wait(cond, lock);
        return;
    }
    struct timespec t = { .tv_sec = (time_t)(until / 1000),
                          .tv_nsec = (long)(until % 1000) * 1000000 };
    pthread_cond_timedwait(cond, lock, &t);
}
