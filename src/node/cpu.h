/* cpu: BLOCKPOOL_CPU=portable|avx2|avx512 forces a code path on a run. */
#ifndef BP_NODE_CPU_H
#define BP_NODE_CPU_H

#include "blockpool/keccak.h"

/* Takes the level that env names into use for the process, lowered to what the
   machine offers; without one, the best. Returns 0, or BP_ERR_FORMAT with a
   sentence in why and nothing changed. */
int cpu_from_env(char *env[], char *why, size_t cap) BP_MUST_USE;

#endif
