#include "lib/test.h"

#include "blockpool/rules.h"

static struct bp_spec *mainnet(void) {
    struct bp_spec *s;
    assert_int_equal(bp_spec_builtin(&s, "mainnet", NULL), 0);
    return s;
}

static uint64_t base_fee(const struct bp_spec *s, uint64_t fee, uint64_t limit,
                         uint64_t used) {
    struct bp_header parent;
    bp_u256 out;
    memset(&parent, 0, sizeof parent);
    parent.number = 13000000;
    parent.base_fee = bp_u256_from_u64(fee);
    parent.gas_limit = limit;
    parent.gas_used = used;
    bp_base_fee(&out, s, &parent);
    assert_true(bp_u256_bits(&out) <= 64);
    return out.w[0];
}

/* go-ethereum consensus/misc/eip1559 has the first three as its test. */
static void fees_base_fee(void **state) {
    (void)state;
    struct bp_spec *s = mainnet();
    assert_int_equal(base_fee(s, 1000000000, 20000000, 10000000), 1000000000);
    assert_int_equal(base_fee(s, 1000000000, 20000000, 9000000), 987500000);
    assert_int_equal(base_fee(s, 1000000000, 20000000, 11000000), 1012500000);
    assert_int_equal(base_fee(s, 1, 20000000, 20000000), 2); /* at least 1 */
    assert_int_equal(base_fee(s, 7, 20000000, 0), 7);
    assert_int_equal(base_fee(s, 8, 20000000, 0), 7);
    assert_int_equal(base_fee(s, 0, 20000000, 0), 0);
    assert_int_equal(base_fee(s, 5, 1, 1), 5); /* no target to speak of */
    /* The last block before the fork. */
    struct bp_header parent;
    bp_u256 out;
    memset(&parent, 0, sizeof parent);
    parent.number = 12964999;
    parent.gas_limit = parent.gas_used = 15000000;
    bp_base_fee(&out, s, &parent);
    assert_int_equal(out.w[0], 1000000000);
    /* A fee of 256 bits does not wrap. */
    parent.number = 13000000;
    memset(&parent.base_fee, 0xff, sizeof parent.base_fee);
    bp_base_fee(&out, s, &parent);
    assert_int_equal(bp_u256_bits(&out), 256);
    bp_spec_free(s);
}

enum { BLOB = 131072 };
static const uint64_t cancun = 1710338135, prague = 1746612311,
                      osaka = 1764798551;

static uint64_t excess(const struct bp_spec *s, uint64_t time, uint64_t before,
                       uint64_t blobs, uint64_t fee) {
    struct bp_header parent;
    memset(&parent, 0, sizeof parent);
    parent.number = 20000000;
    parent.excess_blob_gas = before;
    parent.blob_gas_used = blobs * BLOB;
    parent.base_fee = bp_u256_from_u64(fee);
    return bp_excess_blob_gas(s, time, &parent);
}

static void fees_excess_blob_gas(void **state) {
    (void)state;
    struct bp_spec *s = mainnet();
    assert_int_equal(excess(s, cancun, 0, 0, 7), 0);
    assert_int_equal(excess(s, cancun, 0, 3, 7), 0);
    assert_int_equal(excess(s, cancun, 0, 4, 7), BLOB);
    assert_int_equal(excess(s, cancun, BLOB, 2, 7), 0);
    assert_int_equal(excess(s, cancun, 10 * BLOB, 6, 7), 13 * BLOB);
    assert_int_equal(excess(s, prague, 10 * BLOB, 9, 7), 13 * BLOB);
    /* EIP-7918: with a base fee of 100 gwei blobs at 1 wei are too cheap: a
       third of what was used is added, and the target does not count. */
    assert_int_equal(excess(s, osaka, 10 * BLOB, 6, 100000000000), 12 * BLOB);
    assert_int_equal(excess(s, osaka, 10 * BLOB, 6, 1), 10 * BLOB);
    assert_int_equal(excess(s, cancun - 1, 5, 5, 1), 0);
    /* No wrapping. */
    assert_int_equal(excess(s, cancun, UINT64_MAX, 1, 1), UINT64_MAX);
    bp_spec_free(s);
}

/* EIP-4844's fake_exponential with factor 1, as go-ethereum tests it: at this
   excess gas the fee is 1 still, or 2 for the first time, ... */
static void fees_blob_base_fee(void **state) {
    (void)state;
    static const struct {
        uint64_t excess, fee;
    } row[] = {
        { 0, 1 }, { 2314057, 1 }, { 2314058, 2 }, { 10 * 1024 * 1024, 23 }
    };
    struct bp_spec *s = mainnet();
    bp_u256 fee;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        bp_blob_base_fee(&fee, s, cancun, row[i].excess);
        assert_int_equal(fee.w[0], row[i].fee);
    }
    bp_blob_base_fee(&fee, s, prague, 2314058);
    assert_int_equal(fee.w[0], 1); /* another update fraction */
    bp_blob_base_fee(&fee, s, cancun, UINT64_MAX);
    assert_int_equal(bp_u256_bits(&fee), 256); /* saturated, and at once */
    bp_blob_base_fee(&fee, s, 0, 0);
    assert_int_equal(fee.w[0], 1);
    bp_spec_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(fees_base_fee),
        T(fees_excess_blob_gas),
        T(fees_blob_base_fee),
    };
    return bp_run(tests);
}
