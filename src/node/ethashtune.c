/* ethashtune: best of two trials for each setting.

   Failure modes: a noisy machine picks a setting that is not the best. All are
   right, some are slower. */
#include "node/ethashtune.h"

#include <string.h>

enum { TRIALS = 2, SEALS = BP_ETHASH_LANES_MAX };

/* Nanoseconds of the faster trial. */
static uint64_t trial(const struct bp_ethash_light *light,
                      const struct bp_ethash_tuning *t,
                      uint64_t (*thread_cpu_ns)(void), void *work) {
    bp_hash seal_hash[SEALS];
    uint64_t nonce[SEALS], best = UINT64_MAX;
    struct bp_ethash_result out[SEALS];
    memset(seal_hash, 0, sizeof seal_hash);
    for (size_t i = 0; i < SEALS; i++) nonce[i] = i;
    for (int k = 0; k < TRIALS; k++) {
        uint64_t from = thread_cpu_ns();
        bp_ethash_hash(out, light, seal_hash, nonce, SEALS, t, work);
        uint64_t took = thread_cpu_ns() - from;
        if (took < best) best = took;
    }
    return best;
}

struct bp_ethash_tuning ethashtune(const struct bp_ethash_light *light,
                                   enum bp_cpu cpu,
                                   uint64_t (*thread_cpu_ns)(void),
                                   void *work) {
    static const enum bp_prefetch hints[] = { BP_PREFETCH_T0, BP_PREFETCH_T1,
                                              BP_PREFETCH_T2 };
    static const uint16_t distances[] = { 64, 32 };
    struct bp_ethash_tuning best = bp_ethash_tuning_default(cpu), t = best;
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++) {
        t.hint = hints[i];
        uint64_t took = trial(light, &t, thread_cpu_ns, work);
        if (took >= least) continue;
        least = took;
        best = t;
    }
    t = best;
    for (size_t i = 0; i < sizeof distances / sizeof distances[0]; i++) {
        t.distance = distances[i];
        uint64_t took = trial(light, &t, thread_cpu_ns, work);
        if (took >= least) continue;
        least = took;
        best = t;
    }
    return best;
}
