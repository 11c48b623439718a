#include "lib/test.h"

#include "blockpool/chain.h"

/* All blocks of a chain file, decoded, with their roots in one batch. */
static void roots_of_real_chains(void **state) {
    (void)state;
    static const char *const path[] = { "chains/ethtest/chain.rlp",
                                        "chains/ethtest-pow/chain.rlp" };
    enum { MOST = 3000 };
    for (int c = 0; c < 2; c++) need_data(path[c]);
    struct bp_block *b = malloc(MOST * sizeof *b);
    struct bp_body *body = malloc(MOST * sizeof *body);
    struct bp_body_roots *roots = malloc(MOST * sizeof *roots);
    struct bp_roots *r;
    assert_true(b != NULL && body != NULL && roots != NULL);
    assert_int_equal(bp_roots_new(&r, NULL), 0);
    for (int c = 0; c < 2; c++) {
        size_t n, k = 0;
        uint8_t *file = test_read(need_data(path[c]), &n);
        for (bp_span in = { file, n }; in.n > 0; k++) {
            assert_true(k < MOST);
            assert_int_equal(bp_block_decode(&b[k], &in), 0);
            body[k] = b[k].body;
        }
        assert_int_equal(bp_bodies_roots(roots, r, body, k), 0);
        for (size_t i = 0; i < k; i++)
            assert_true(bp_body_roots_match(&roots[i], &b[i].header));
        roots[0].transactions.b[31] ^= 1;
        assert_false(bp_body_roots_match(&roots[0], &b[0].header));
        roots[1].uncles.b[0] ^= 1;
        assert_false(bp_body_roots_match(&roots[1], &b[1].header));
        roots[2].withdrawals.b[0] ^= 1;
        assert_false(bp_body_roots_match(&roots[2], &b[2].header));
        free(file);
    }
    bp_roots_free(r);
    free(b);
    free(body);
    free(roots);
}

/* Item 0 stands between items 127 and 128: each length around there, against
   the root of the same list with its items in the batch twice. */
static void roots_do_not_depend_on_the_batch(void **state) {
    (void)state;
    static uint8_t list[1 << 16];
    enum { LENGTHS = 300 };
    static bp_hash alone[LENGTHS], together[LENGTHS];
    struct bp_roots *r;
    assert_int_equal(bp_roots_new(&r, NULL), 0);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t n = 0; n < LENGTHS; n++) {
            struct bp_rlp_w w = { list, sizeof list, 0 };
            size_t mark = bp_rlp_open(&w);
            for (size_t i = 0; i < n; i++) {
                uint8_t item[50];
                memset(item, (int)i, sizeof item);
                bp_rlp_put_str(&w, item, 1 + i % sizeof item);
            }
            bp_rlp_close(&w, mark);
            assert_int_equal(bp_roots_add(r, (bp_span){ list, w.n },
                                          pass ? &together[n] : &alone[n]),
                             0);
            if (pass == 0) bp_roots_run(r);
        }
        bp_roots_run(r);
    }
    assert_memory_equal(alone, together, sizeof alone);
    assert_memory_equal(alone[0].b, bp_empty_root.b, 32);
    for (size_t n = 1; n < LENGTHS; n++)
        assert_memory_not_equal(alone[n].b, alone[n - 1].b, 32);
    bp_roots_free(r);
}

static void roots_refuse_bad_lists(void **state) {
    (void)state;
    struct bp_roots *r;
    bp_hash h;
    assert_int_equal(bp_roots_new(&r, NULL), 0);
    bp_span in = { (const uint8_t *)"\xc1\x81", 2 };
    assert_int_equal(bp_roots_add(r, in, &h), BP_ERR_RLP_SHORT);
    in = (bp_span){ (const uint8_t *)"\xc1\x80", 2 };
    assert_int_equal(bp_roots_add(r, in, &h), BP_ERR_RLP_SIZE);
    in = (bp_span){ (const uint8_t *)"\xc0\xc0", 2 };
    assert_int_equal(bp_roots_add(r, in, &h), BP_ERR_RLP_TRAILING);
    in = (bp_span){ (const uint8_t *)"\x80", 1 };
    assert_int_equal(bp_roots_add(r, in, &h), BP_ERR_RLP_KIND);
    bp_roots_free(r);
}

static void roots_without_memory(void **state) {
    (void)state;
    struct test_alloc a;
    struct bp_roots *r = NULL;
    test_alloc_init(&a);
    for (a.fail_at = 1; a.fail_at <= 2; a.fail_at++) {
        a.calls = 0;
        assert_int_equal(bp_roots_new(&r, &a.iface), BP_ERR_NOMEM);
        assert_int_equal(a.live_blocks, 0);
    }
    a.fail_at = 0;
    assert_int_equal(bp_roots_new(&r, &a.iface), 0);
    bp_roots_free(r);
    bp_roots_free(NULL);
    assert_int_equal(a.live_blocks, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(roots_of_real_chains),
        T(roots_do_not_depend_on_the_batch),
        T(roots_refuse_bad_lists),
        T(roots_without_memory),
    };
    return bp_run(tests);
}
