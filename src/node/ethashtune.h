/* ethashtune: finds by trial how this machine likes its prefetches. */
#ifndef BP_NODE_ETHASHTUNE_H
#define BP_NODE_ETHASHTUNE_H

#include "blockpool/ethash.h"

/* Tries each hint, then shorter distances with the best one, on 64 seals each
   time; about 0.1 s of CPU. Returns the fastest by thread_cpu_ns; work is as
   for bp_ethash_hash. */
struct bp_ethash_tuning ethashtune(const struct bp_ethash_light *light,
                                   enum bp_cpu cpu,
                                   uint64_t (*thread_cpu_ns)(void), void *work);

#endif
