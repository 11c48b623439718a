/* test_headers: how a query is written, and which numbers it asks for. */
#include "lib/test.h"
#include "proto/msg.h"

/* ---- the encoding ---------------------------------------------------- */

/* [id, [origin, amount, skip, reverse]] of items written by the test. */
struct parts {
    const char *id, *origin, *amount, *skip, *reverse, *fifth, *behind;
};

static int decode(struct bp_msg_get_headers *out, const struct parts *p) {
    const char *const inner[] = { p->origin, p->amount, p->skip, p->reverse,
                                  p->fifth };
    uint8_t text[256], item[64];
    struct bp_rlp_w w = { text, sizeof text, 0 };
    size_t all = bp_rlp_open(&w);
    bp_rlp_put_raw(&w, item, test_unhex(item, sizeof item, p->id));
    size_t query = bp_rlp_open(&w);
    for (size_t i = 0; i < 5; i++)
        if (inner[i] != NULL)
            bp_rlp_put_raw(&w, item, test_unhex(item, sizeof item, inner[i]));
    bp_rlp_close(&w, query);
    if (p->behind != NULL)
        bp_rlp_put_raw(&w, item, test_unhex(item, sizeof item, p->behind));
    bp_rlp_close(&w, all);
    return bp_get_headers_decode(out, (bp_span){ text, w.n });
}

#define ZERO28 "00000000000000000000000000000000000000000000000000000000"
#define HASH   "a0" ZERO28 "deadc0de"

/* Catalogue rows W5 and X24: 32 bytes are a hash, at most 8 a number, and
   nothing else is an origin. */
static void origin_is_a_hash_or_a_number(void **state) {
    (void)state;
    struct bp_msg_get_headers m;
    struct parts p = { "0a", HASH, "83060b0c", "05", "80", NULL, NULL };
    assert_int_equal(decode(&m, &p), 0);
    assert_false(m.origin.by_number);
    assert_memory_equal(m.origin.hash.b + 28, "\xde\xad\xc0\xde", 4);
    assert_int_equal(m.amount, 0x060b0c);
    assert_int_equal(m.skip, 5);
    p.origin = "88ffffffffffffffff";
    p.reverse = "01";
    assert_int_equal(decode(&m, &p), 0);
    assert_true(m.origin.by_number && m.origin.number == UINT64_MAX);
    assert_true(m.reverse);
    p.origin = "80";
    assert_int_equal(decode(&m, &p), 0);
    assert_true(m.origin.by_number && m.origin.number == 0);
    static const char *const sizes[] = { "89010000000000000000",
                                         "9f01" ZERO28 "0000",
                                         "a101" ZERO28 "00000000" };
    for (size_t i = 0; i < 3; i++) {
        p.origin = sizes[i];
        assert_int_equal(decode(&m, &p), BP_ERR_RLP_SIZE);
    }
    p.origin = "83000001"; /* a number is canonical, a hash of 3 is neither */
    assert_int_equal(decode(&m, &p), BP_ERR_RLP_CANON);
    p.origin = "c0";
    assert_int_equal(decode(&m, &p), BP_ERR_RLP_KIND);
}

static void query_fields(void **state) {
    (void)state;
    struct bp_msg_get_headers m;
    static const struct {
        struct parts p;
        int err;
    } cases[] = {
        { { "0a", "01", "02", "03", "01", NULL, NULL }, 0 },
        { { "80", "80", "80", "80", "80", NULL, NULL }, 0 },
        { { "0a", "01", "02", "03", NULL, NULL, NULL }, BP_ERR_RLP_SHORT },
        { { "0a", "01", "02", "03", "01", "01", NULL }, BP_ERR_RLP_TRAILING },
        { { "0a", "01", "02", "03", "01", NULL, "01" }, BP_ERR_RLP_TRAILING },
        { { "0a", "01", "02", "03", "02", NULL, NULL }, BP_ERR_RLP_SIZE },
        { { "0a", "01", "02", "03", "00", NULL, NULL }, BP_ERR_RLP_CANON },
        { { "0a", "01", "820001", "03", "01", NULL, NULL }, BP_ERR_RLP_CANON },
        { { "c0", "01", "02", "03", "01", NULL, NULL }, BP_ERR_RLP_KIND },
        { { "89010000000000000000", "01", "02", "03", "01", NULL, NULL },
          BP_ERR_RLP_SIZE },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int err = decode(&m, &cases[i].p);
        if (err != cases[i].err) fail_msg("case %zu: %s", i, bp_errname(err));
    }
}

/* ---- the numbers ----------------------------------------------------- */

/* Catalogue row W3: what go-ethereum's tests of GetBlockHeaders ask, for a
   chain that ends at HEAD. */
#define HEAD 1039
#define M    (UINT64_MAX)

static void queries_of_all_kinds(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint64_t origin, amount, skip;
        bool reverse;
        size_t n;
        uint64_t want[4];
    } cases[] = {
        { "one in the middle", 512, 1, 0, false, 1, { 512 } },
        { "upwards", 512, 3, 0, false, 3, { 512, 513, 514 } },
        { "downwards", 512, 3, 0, true, 3, { 512, 511, 510 } },
        { "upwards in steps", 512, 3, 3, false, 3, { 512, 516, 520 } },
        { "downwards in steps", 512, 3, 3, true, 3, { 512, 508, 504 } },
        { "genesis", 0, 1, 0, false, 1, { 0 } },
        { "head", HEAD, 1, 0, false, 1, { HEAD } },
        { "from genesis down", 0, 2, 0, true, 1, { 0 } },
        { "from the head up", HEAD, 2, 0, false, 1, { HEAD } },
        { "ends at the head", HEAD - 4, 3, 3, false, 2, { HEAD - 4, HEAD } },
        { "ends at genesis", 4, 3, 3, true, 2, { 4, 0 } },
        { "would pass the head",
          HEAD - 4,
          3,
          2,
          false,
          2,
          { HEAD - 4, HEAD - 1 } },
        { "would pass genesis", 4, 3, 2, true, 2, { 4, 1 } },
        { "overflow to before the start", 3, 2, M - 1, false, 1, { 3 } },
        { "overflow to the same header", 1, 2, M, false, 1, { 1 } },
        { "overflow downwards", 3, 2, M - 1, true, 1, { 3 } },
        { "overflow downwards, whole", 3, 2, M, true, 1, { 3 } },
        { "beyond the head", HEAD + 1, 1, 0, false, 0, { 0 } },
        { "beyond the head, down", HEAD + 1, 5, 0, true, 0, { 0 } },
        { "the last number", M, 1, 0, false, 0, { 0 } },
        { "nothing", 5, 0, 0, false, 0, { 0 } },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t got[BP_ETH_ITEMS_MAX];
        struct bp_msg_get_headers q = { .amount = cases[i].amount,
                                        .skip = cases[i].skip,
                                        .reverse = cases[i].reverse };
        size_t n =
            bp_headers_plan(got, BP_ETH_ITEMS_MAX, cases[i].origin, &q, HEAD);
        if (n != cases[i].n) fail_msg("%s: %zu", cases[i].what, n);
        for (size_t k = 0; k < n; k++)
            if (got[k] != cases[i].want[k]) fail_msg("%s", cases[i].what);
    }
}

static void long_queries_stop_at_the_limit(void **state) {
    (void)state;
    static uint64_t got[BP_ETH_ITEMS_MAX];
    struct bp_msg_get_headers q = { .amount = M };
    assert_int_equal(bp_headers_plan(got, SIZE_MAX, 0, &q, HEAD),
                     BP_ETH_ITEMS_MAX);
    for (size_t i = 0; i < BP_ETH_ITEMS_MAX; i++) assert_int_equal(got[i], i);
    assert_int_equal(bp_headers_plan(got, 7, 0, &q, HEAD), 7);
    assert_int_equal(bp_headers_plan(got, 0, 0, &q, HEAD), 0);
    q.reverse = true;
    assert_int_equal(bp_headers_plan(got, BP_ETH_ITEMS_MAX, HEAD, &q, HEAD),
                     BP_ETH_ITEMS_MAX);
    assert_int_equal(got[BP_ETH_ITEMS_MAX - 1], HEAD - BP_ETH_ITEMS_MAX + 1);
    /* At the end of all numbers. */
    q = (struct bp_msg_get_headers){ .amount = 5, .skip = 1 };
    assert_int_equal(bp_headers_plan(got, 5, M - 3, &q, M), 2);
    assert_true(got[1] == M - 1);
}

/* Against a plain walk in 128 bits. */
static void random_queries(void **state) {
    (void)state;
    __extension__ typedef __int128 wide;
    struct bp_rng r;
    bp_rng_seed(&r, test_seed("random_queries", 0x93));
    for (int i = 0; i < 20000; i++) {
        uint64_t got[40], head = bp_rng_next(&r) >> bp_rng_below(&r, 64);
        uint64_t origin = bp_rng_next(&r) >> bp_rng_below(&r, 64);
        struct bp_msg_get_headers q = {
            .amount = bp_rng_below(&r, 40),
            .skip = bp_rng_next(&r) >> bp_rng_below(&r, 64),
            .reverse = bp_rng_below(&r, 2),
        };
        size_t n = bp_headers_plan(got, 40, origin, &q, head), want = 0;
        wide at = origin, stride = (wide)q.skip + 1;
        while (want < q.amount && at >= 0 && at <= head) {
            assert_true(want < n && got[want] == (uint64_t)at);
            want++;
            at += q.reverse ? -stride : stride;
        }
        assert_int_equal(n, want);
    }
}

/* The encoder's own check: by_number with a hash beside it. */
static void both_origins_are_our_mistake(void **state) {
    (void)state;
    struct bp_msg m = { .id = BP_MSG_GET_BLOCK_HEADERS };
    uint8_t out[64];
    size_t n;
    m.u.get_headers = (struct bp_msg_get_headers){
        .origin = { .by_number = true, .number = 314, .hash = { { 0xde } } },
    };
    assert_int_equal(bp_msg_encode(out, sizeof out, &n, &m, 68),
                     BP_ERR_ETH_ORIGIN);
    m.u.get_headers.origin.by_number = false; /* then the hash counts */
    m.u.get_headers.origin.number = 0;
    assert_int_equal(bp_msg_encode(out, sizeof out, &n, &m, 68), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(origin_is_a_hash_or_a_number),
        T(both_origins_are_our_mistake),
        T(query_fields),
        T(queries_of_all_kinds),
        T(long_queries_stop_at_the_limit),
        T(random_queries),
    };
    return bp_run(tests);
}
