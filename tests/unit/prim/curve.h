/* curve.h: the curve that tests of keys share, and the memory it takes. */
#ifndef BP_TESTS_UNIT_PRIM_CURVE_H
#define BP_TESTS_UNIT_PRIM_CURVE_H

#include "lib/test.h"
#include "prim/secp.h"

static struct test_alloc memory;
static struct bp_secp curve;

/* Of the group of tests: the curve is there, and leaves no memory behind. */
static int curve_open(void **state) {
    (void)state;
    static const uint8_t seed[32] = { 7 };
    test_alloc_init(&memory);
    return bp_secp_init(&curve, &memory.iface, seed);
}

static int curve_close(void **state) {
    (void)state;
    bp_secp_done(&curve);
    assert_int_equal(memory.live_blocks, 0);
    return 0;
}

#endif
