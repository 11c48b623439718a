/* test_items: stepping through lists, to their end and not beyond. */
#include "lib/test.h"
#include "proto/msg.h"

static void items_of_any_kind(void **state) {
    (void)state;
    static const uint8_t bytes[] = { 0x01, 0xc1, 0x02, 0x82, 0x03, 0x04, 0x80 };
    static const size_t sizes[] = { 1, 2, 3, 1 };
    struct bp_items rest = { { bytes, sizeof bytes }, 4 };
    bp_span item;
    const uint8_t *at = bytes;
    for (size_t i = 0; i < 4; i++) {
        assert_true(bp_items_next(&item, &rest));
        assert_ptr_equal(item.p, at);
        assert_int_equal(item.n, sizes[i]);
        at += item.n;
    }
    assert_false(bp_items_next(&item, &rest));
    /* A list that promises more than it holds ends as well. */
    rest = (struct bp_items){ { bytes, 1 }, 2 };
    assert_true(bp_items_next(&item, &rest));
    assert_false(bp_items_next(&item, &rest));
}

static void hashes_there_and_back(void **state) {
    (void)state;
    enum { N = 300 };
    static bp_hash in[N];
    static uint8_t buf[BP_HASH_ITEMS_SIZE(N)];
    bp_hash out;
    for (size_t i = 0; i < N; i++) in[i].b[i % 32] = (uint8_t)(i + 1);
    struct bp_items list = bp_items_of_hashes(buf, in, N), rest = list;
    assert_int_equal(list.rlp.n, sizeof buf);
    for (size_t i = 0; i < N; i++) {
        assert_true(bp_items_hash(&out, &rest));
        assert_true(bp_hash_eq(&out, &in[i]));
    }
    assert_false(bp_items_hash(&out, &rest));
    list = bp_items_of_hashes(buf, in, 0);
    assert_int_equal(list.rlp.n, 0);
    assert_false(bp_items_hash(&out, &list));
    uint64_t number;
    rest = (struct bp_items){ { (const uint8_t *)"\xc0", 1 }, 1 };
    assert_false(bp_items_announced(&out, &number, &rest));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(items_of_any_kind),
        T(hashes_there_and_back),
    };
    return bp_run(tests);
}
