#include "lib/test.h"

#include "blockpool/chain.h"
#include "blockpool/keccak.h"

struct chain_file {
    const char *path;
    const char *last_hash; /* truth/NAME.json */
    uint64_t first, last;
};
static const struct chain_file chains[] = {
    { "chains/ethtest/chain.rlp",
      "44e3809c9a3cda717f00aea3a9da336d149612c8d5657fbc0028176ef8d94d2a", 1,
      600 },
    { "chains/ethtest-pow/chain.rlp",
      "08b44ea00a0898751b1561439f7355138dba4561b0f2a5470b6b2daf890585c9", 1,
      3000 },
};

/* Every block's parent hash is the hash of the bytes before it, computed from
   the bytes, from the value, and in a batch. */
static void header_hash_links_real_chains(void **state) {
    (void)state;
    for (size_t c = 0; c < sizeof chains / sizeof *chains; c++) {
        size_t n;
        uint8_t *file = test_read(need_data(chains[c].path), &n);
        bp_span in = { file, n };
        bp_hash prev = { { 0 } }, last;
        uint64_t number = chains[c].first;
        while (in.n > 0) {
            struct bp_block b;
            bp_hash h, many[3];
            uint8_t again[BP_HEADER_BYTES_MAX];
            struct bp_rlp_w w = { again, sizeof again, 0 };
            assert_int_equal(bp_block_decode(&b, &in), 0);
            assert_int_equal(b.header.number, number);
            if (number > chains[c].first)
                assert_memory_equal(b.header.parent_hash.b, prev.b, 32);
            bp_header_put(&w, &b.header);
            assert_int_equal(w.n, b.header_rlp.n);
            assert_memory_equal(again, b.header_rlp.p, w.n);
            bp_header_hash(&h, &b.header);
            bp_span three[3] = { b.header_rlp, b.header_rlp, { again, w.n } };
            bp_keccak256_many(many, three, 3);
            for (int i = 0; i < 3; i++) assert_memory_equal(many[i].b, h.b, 32);
            prev = h;
            number++;
        }
        assert_int_equal(number, chains[c].last + 1);
        assert_int_equal(bp_unhex(last.b, 32, chains[c].last_hash), 0);
        assert_memory_equal(last.b, prev.b, 32);
        free(file);
    }
}

static void sample(struct bp_header *h, unsigned fields) {
    static const uint8_t extra[3] = { 1, 2, 3 };
    memset(h, 0, sizeof *h);
    h->n_fields = (uint8_t)fields;
    h->number = 7;
    h->extra = (bp_span){ extra, 3 };
    memset(h->mix_hash.b, 0x11, 32);
    memset(h->nonce, 0x22, 8);
    if (fields > 15) h->base_fee = bp_u256_from_u64(1000000007);
    if (fields > 16) h->withdrawals_root = bp_empty_root;
    if (fields > 17) h->blob_gas_used = 131072;
    if (fields > 18) h->excess_blob_gas = 9;
    if (fields > 19) memset(h->parent_beacon_root.b, 0x33, 32);
    if (fields > 20) memset(h->requests_hash.b, 0x44, 32);
}

static void header_has_15_to_21_fields(void **state) {
    (void)state;
    for (unsigned fields = 15; fields <= 21; fields++) {
        struct bp_header h, back;
        uint8_t buf[BP_HEADER_BYTES_MAX];
        struct bp_rlp_w w = { buf, sizeof buf, 0 };
        sample(&h, fields);
        bp_header_put(&w, &h);
        assert_int_equal(bp_rlp_done(&w), 0);
        bp_span in = { buf, w.n };
        memset(&back, 0xaa, sizeof back);
        assert_int_equal(bp_header_decode(&back, &in), 0);
        assert_int_equal(in.n, 0);
        assert_int_equal(back.n_fields, fields);
        assert_true(bp_header_eq(&h, &back));
        back.n_fields ^= 1;
        assert_false(bp_header_eq(&h, &back));
    }
}

/* Puts `items` in a list with `more` raw bytes behind and decodes it. */
static int decode_with(bp_span items, const void *more, size_t more_n) {
    uint8_t buf[1024];
    struct bp_rlp_w w = { buf, sizeof buf, 0 };
    struct bp_header h;
    bp_rlp_put_list(&w, items.n + more_n);
    bp_rlp_put_raw(&w, items.p, items.n);
    bp_rlp_put_raw(&w, more, more_n);
    bp_span in = { buf, w.n };
    int err = bp_header_decode(&h, &in);
    assert_int_equal(in.n, err == 0 ? 0 : w.n);
    return err;
}

static void header_refuses_other_shapes(void **state) {
    (void)state;
    struct bp_header h;
    uint8_t buf[BP_HEADER_BYTES_MAX];
    struct bp_rlp_w w = { buf, sizeof buf, 0 };
    sample(&h, 21);
    bp_header_put(&w, &h);
    bp_span in = { buf, w.n }, f;
    assert_int_equal(bp_rlp_list(&f, &in), 0);
    assert_int_equal(decode_with(f, NULL, 0), 0);
    assert_int_equal(decode_with(f, "\x80", 1), BP_ERR_RLP_TRAILING);
    assert_int_equal(decode_with((bp_span){ f.p, 33 }, "", 0),
                     BP_ERR_RLP_SHORT);
    assert_int_equal(decode_with((bp_span){ f.p, 33 }, "\x01", 1),
                     BP_ERR_RLP_SIZE);
    assert_int_equal(decode_with((bp_span){ f.p, 33 }, "\xc0", 1),
                     BP_ERR_RLP_KIND);
    struct bp_header back;
    in = (bp_span){ (const uint8_t *)"\x80", 1 };
    assert_int_equal(bp_header_decode(&back, &in), BP_ERR_RLP_KIND);
}

/* A genesis may carry more extra data than a buffer on the stack. */
static void header_hash_of_long_extra_data(void **state) {
    (void)state;
    uint8_t extra[5000], buf[6000], unsealed[6000];
    memset(extra, 7, sizeof extra);
    for (size_t n = 0; n < sizeof extra; n += n < 70 ? 1 : 977) {
        struct bp_header h;
        bp_hash want, got;
        struct bp_rlp_w w = { buf, sizeof buf, 0 };
        struct bp_rlp_w u = { unsealed, sizeof unsealed, 0 };
        sample(&h, 16);
        h.extra = (bp_span){ extra, n };
        bp_header_put(&w, &h);
        bp_keccak256(&want, (bp_span){ buf, w.n });
        bp_header_hash(&got, &h);
        assert_memory_equal(want.b, got.b, 32);
        bp_header_put_unsealed(&u, &h);
        assert_true(u.n + 33 + 9 <= w.n);
        bp_keccak256(&want, (bp_span){ unsealed, u.n });
        bp_header_seal_hash(&got, &h);
        assert_memory_equal(want.b, got.b, 32);
    }
}

static void header_body_empty(void **state) {
    (void)state;
    struct bp_header h;
    sample(&h, 15);
    assert_false(bp_header_body_empty(&h));
    h.transactions_root = bp_empty_root;
    h.uncles_hash = bp_empty_uncles_hash;
    assert_true(bp_header_body_empty(&h));
    h.n_fields = 17;
    assert_false(bp_header_body_empty(&h));
    h.withdrawals_root = bp_empty_root;
    assert_true(bp_header_body_empty(&h));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(header_hash_links_real_chains),
        T(header_has_15_to_21_fields),
        T(header_refuses_other_shapes),
        T(header_hash_of_long_extra_data),
        T(header_body_empty),
    };
    return bp_run(tests);
}
