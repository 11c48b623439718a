/* sealer: real Ethash seals of epoch 0, for tests. The light cache (16 MiB) is
   made at the first use, in a fraction of a second, and kept. */
#ifndef BP_TESTS_LIB_SEALER_H
#define BP_TESTS_LIB_SEALER_H

#include "blockpool/rules.h"
#include "lib/test.h"

/* Verifies seals of epoch 0; fails the test for another epoch. */
const struct bp_sealer *test_sealer(void);
/* The light cache behind it. */
const struct bp_ethash_light *test_light(void);

#endif
