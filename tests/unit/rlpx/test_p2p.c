/* test_p2p: Hello, Disconnect, and the choice of capabilities. */
#include "blockpool/rlp.h"
#include "lib/test.h"
#include "rlpx/p2p.h"

/* ---- Hello ----------------------------------------------------------- */

static struct bp_rlpx_hello sample(void) {
    struct bp_rlpx_hello h = { .version = 5,
                               .client = "blockpool/0.1.0",
                               .caps = { { "eth", 68, 0 }, { "eth", 69, 0 } },
                               .n_caps = 2,
                               .listen_port = 30303 };
    memset(h.id, 0xab, sizeof h.id);
    return h;
}

static void hello_round_trip(void **state) {
    (void)state;
    struct bp_rlpx_hello h = sample(), back;
    uint8_t text[256] = { 0 };
    size_t n, need;
    assert_int_equal(bp_hello_encode(text, sizeof text, &n, &h), 0);
    assert_int_equal(bp_hello_decode(&back, (bp_span){ text, n }), 0);
    assert_memory_equal(&h, &back, sizeof h);
    for (size_t cut = 0; cut < n; cut++)
        assert_int_not_equal(bp_hello_decode(&back, (bp_span){ text, cut }), 0);
    assert_int_equal(bp_hello_decode(&back, (bp_span){ text, n + 1 }),
                     BP_ERR_RLP_TRAILING);
    assert_int_equal(bp_hello_encode(text, n - 1, &need, &h), BP_ERR_SPACE);
    assert_int_equal(need, n);
}

/* A Hello of which one field is written by the test. */
struct parts {
    const char *client;
    size_t n_client;
    bp_span caps; /* items */
    size_t n_id;
    bool more; /* fields that a later version may add */
};

static int decode_parts(struct bp_rlpx_hello *out, const struct parts *p) {
    static uint8_t text[8192];
    uint8_t id[65] = { 0 };
    struct bp_rlp_w w = { text, sizeof text, 0 };
    size_t all = bp_rlp_open(&w);
    bp_rlp_put_u64(&w, 5);
    bp_rlp_put_str(&w, p->client, p->n_client);
    bp_rlp_put_list(&w, p->caps.n);
    bp_rlp_put_raw(&w, p->caps.p, p->caps.n);
    bp_rlp_put_u64(&w, 0);
    bp_rlp_put_str(&w, id, p->n_id);
    if (p->more) bp_rlp_put_raw(&w, "\x01\xc2\x02\x03", 4);
    bp_rlp_close(&w, all);
    assert_int_equal(bp_rlp_done(&w), 0);
    return bp_hello_decode(out, (bp_span){ text, w.n });
}

static void hello_names_are_made_printable(void **state) {
    (void)state;
    struct bp_rlpx_hello h;
    char many[300];
    memset(many, 'x', sizeof many);
    struct parts p = { "a\x1b[2Jb\xc3\xa9\0c", 10, { NULL, 0 }, 64, true };
    assert_int_equal(decode_parts(&h, &p), 0);
    assert_string_equal(h.client, "a?[2Jb???c");
    p = (struct parts){ many, sizeof many, { NULL, 0 }, 64, false };
    assert_int_equal(decode_parts(&h, &p), 0);
    assert_int_equal(strlen(h.client), BP_RLPX_CLIENT_MAX);
}

static void hello_capabilities_are_bounded(void **state) {
    (void)state;
    static uint8_t caps[8192];
    struct bp_rlpx_hello h;
    for (size_t n = BP_RLPX_CAPS_MAX; n <= BP_RLPX_CAPS_MAX + 1; n++) {
        struct bp_rlp_w w = { caps, sizeof caps, 0 };
        for (size_t i = 0; i < n; i++)
            bp_rlp_put_raw(&w,
                           "\xc5\x83"
                           "eth\x44",
                           6);
        struct parts p = { "", 0, { caps, w.n }, 64, false };
        int err = decode_parts(&h, &p);
        assert_int_equal(err, n > BP_RLPX_CAPS_MAX ? BP_ERR_RLPX_HELLO : 0);
    }
    /* Names that we could not share are left out; broken ones are not. */
    static const struct {
        const char *caps;
        size_t n;
        int err;
        size_t kept;
    } cases[] = {
        { "\xcb\x89ninechars\x01", 12, 0, 0 },
        { "\xca\x88"
          "eightch8\x01",
          11, 0, 1 },
        { "\xc5\x83"
          "e\0h\x44",
          6, 0, 0 },
        { "\xca\x83"
          "eth\x85\x01\x00\x00\x00\x00",
          11, 0, 0 },
        { "\xc2\x80\x80", 3, 0, 1 },
        { "\x83"
          "eth",
          4, BP_ERR_RLP_KIND, 0 },
        { "\xc4\x83"
          "eth",
          5, BP_ERR_RLP_SHORT, 0 },
        { "\xc6\x83"
          "eth\x81\x44",
          7, BP_ERR_RLP_CANON, 0 },
        { "\xc6\x83"
          "eth\x44\x01",
          7, 0, 1 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct parts p = {
            "", 0, { (const uint8_t *)cases[i].caps, cases[i].n }, 64, false
        };
        int err = decode_parts(&h, &p);
        if (err != cases[i].err) fail_msg("case %zu: %s", i, bp_errname(err));
        if (err == 0) assert_int_equal(h.n_caps, cases[i].kept);
    }
}

static void hello_id_has_64_bytes(void **state) {
    (void)state;
    struct bp_rlpx_hello h;
    for (size_t n = 63; n <= 65; n++) {
        struct parts p = { "", 0, { NULL, 0 }, n, false };
        assert_int_equal(decode_parts(&h, &p), n == 64 ? 0 : BP_ERR_RLPX_HELLO);
    }
}

/* ---- Disconnect ------------------------------------------------------ */

static void disconnect_reasons(void **state) {
    (void)state;
    uint8_t text[BP_DISCONNECT_SIZE];
#define ONE(name, value, words)                                                \
    bp_disconnect_encode(text, value);                                         \
    assert_int_equal(bp_disconnect_decode((bp_span){ text, sizeof text }),     \
                     value);                                                   \
    assert_string_equal(bp_disc_str(value), words);
    BP_DISC_MAP(ONE)
#undef ONE
    assert_string_equal(bp_disc_str(0x0c), "unknown reason");
    assert_string_equal(bp_disc_str(UINT64_MAX), "unknown reason");
    /* Forms seen in the wild: alone, in a list with more, empty, garbage. */
    static const struct {
        const char *text;
        size_t n;
        uint64_t reason;
    } cases[] = {
        { "\x04", 1, 4 },
        { "\xc2\x04\x01", 3, 4 },
        { "\xc0", 1, 0 },
        { "", 0, 0 },
        { "\x80", 1, 0 },
        { "\xff\xff", 2, 0 },
        { "\xc3\x82\x12\x34", 4, 0x1234 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(bp_disconnect_decode((bp_span){
                             (const uint8_t *)cases[i].text, cases[i].n }),
                         cases[i].reason);
}

/* ---- capabilities ---------------------------------------------------- */

static void highest_shared_version_wins(void **state) {
    (void)state;
    const struct bp_rlpx_cap ours[] = {
        { "snap", 1, 8 }, { "eth", 68, 17 }, { "eth", 69, 18 }, { "aaa", 1, 3 }
    };
    const struct bp_rlpx_cap theirs[] = {
        { "eth", 67, 0 }, { "eth", 69, 0 }, { "eth", 68, 0 }, { "les", 4, 0 },
        { "snap", 1, 0 }, { "eth", 69, 0 }, { "eth", 70, 0 }, { "aaa", 2, 0 },
    };
    struct bp_rlpx_shared s[BP_RLPX_OFFERS_MAX];
    assert_int_equal(bp_rlpx_negotiate(s, ours, 4, theirs, 8), 2);
    assert_string_equal(s[0].cap.name, "eth");
    assert_int_equal(s[0].cap.version, 69);
    assert_int_equal(s[0].offset, 0x10);
    assert_string_equal(s[1].cap.name, "snap");
    assert_int_equal(s[1].offset, 0x10 + 18);
    /* With a peer that stops at 68, what follows moves. */
    assert_int_equal(bp_rlpx_negotiate(s, ours, 4, theirs + 2, 3), 2);
    assert_int_equal(s[0].cap.version, 68);
    assert_int_equal(s[1].offset, 0x10 + 17);
    assert_int_equal(bp_rlpx_negotiate(s, ours, 4, theirs, 1), 0);
    assert_int_equal(bp_rlpx_negotiate(s, ours, 4, NULL, 0), 0);
    assert_int_equal(bp_rlpx_negotiate(s, NULL, 0, theirs, 8), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(hello_round_trip),
        T(hello_names_are_made_printable),
        T(hello_capabilities_are_bounded),
        T(hello_id_has_64_bytes),
        T(disconnect_reasons),
        T(highest_shared_version_wins),
    };
    return bp_run(tests);
}
