/* test_snappy: published blocks and streams, round trips, and what must be
   refused before it is believed. */
#include <openssl/sha.h>

#include "lib/vectors.h"
#include "prim/snappy.h"

static bp_span span(const void *p, size_t n) {
    return (bp_span){ p, n };
}

/* ---- vectors --------------------------------------------------------- */

static size_t n_framed, n_block, n_case;

static void expect_frame_back(const uint8_t *raw, size_t n) {
    uint8_t *coded = malloc(bp_snappy_frame_room(n)), *out = malloc(n + 1);
    size_t len = bp_snappy_frame_encode(coded, span(raw, n)), got;
    assert_true(len <= bp_snappy_frame_room(n));
    assert_int_equal(bp_snappy_frame_size(&got, span(coded, len)), 0);
    assert_int_equal(got, n);
    assert_int_equal(bp_snappy_frame_decode(out, n, &got, span(coded, len)), 0);
    assert_int_equal(got, n);
    assert_memory_equal(out, raw, n);
    free(out);
    free(coded);
}

static void one_framed(const json_t *v) {
    size_t n, n_raw = vec_u64(v, "raw_length"), got;
    uint8_t sha[32], want[32];
    uint8_t *in = vec_bytes(v, "framed", &n), *out = malloc(n_raw);
    assert_int_equal(bp_snappy_frame_size(&got, span(in, n)), 0);
    assert_int_equal(got, n_raw);
    assert_int_equal(bp_snappy_frame_decode(out, n_raw, &got, span(in, n)), 0);
    assert_int_equal(got, n_raw);
    vec_fixed(v, "raw_sha256", want, 32);
    SHA256(out, n_raw, sha);
    assert_memory_equal(sha, want, 32);
    assert_int_equal(in[10], vec_u64(v, "first_chunk_type"));
    assert_int_equal(bp_snappy_frame_decode(out, n_raw - 1, &got, span(in, n)),
                     BP_ERR_SNAPPY_SIZE);
    /* A changed byte is refused, or changed nothing (an offset within a run of
       equal bytes). */
    uint8_t *bad = malloc(n_raw);
    for (size_t i = 0; i < n; i++) {
        in[i] ^= 0x40;
        if (bp_snappy_frame_decode(bad, n_raw, &got, span(in, n)) == 0) {
            assert_int_equal(got, n_raw);
            assert_memory_equal(bad, out, n_raw);
        }
        in[i] ^= 0x40;
    }
    free(bad);
    expect_frame_back(out, n_raw);
    free(out);
    free(in);
    n_framed++;
}

static void one_block(const json_t *v) {
    size_t n, n_raw, got;
    uint8_t *in = vec_bytes(v, "compressed", &n);
    uint8_t *raw = vec_bytes(v, "raw", &n_raw), *out = malloc(n_raw);
    assert_int_equal(bp_snappy_block_size(&got, span(in, n)), 0);
    assert_int_equal(got, n_raw);
    assert_int_equal(bp_snappy_block_decode(out, n_raw, &got, span(in, n)), 0);
    assert_memory_equal(out, raw, n_raw);
    assert_int_equal(bp_snappy_block_decode(out, n_raw - 1, &got, span(in, n)),
                     BP_ERR_SNAPPY_SIZE);
    free(out);
    free(raw);
    free(in);
    n_block++;
}

static void one_case(const json_t *v) {
    size_t n, n_raw, got;
    uint8_t out[64], *in = vec_bytes(v, "compressed", &n);
    uint8_t *raw = vec_bytes(v, "raw", &n_raw);
    int err = bp_snappy_block_decode(out, sizeof out, &got, span(in, n));
    if (vec_bool(v, "valid")) {
        assert_int_equal(err, 0);
        assert_int_equal(got, n_raw);
        assert_memory_equal(out, raw, n_raw);
    } else {
        if (err != BP_ERR_SNAPPY) fail_msg("%s", vec_str(v, "why"));
    }
    free(raw);
    free(in);
    n_case++;
}

static void one_vector(const json_t *v) {
    const char *kind = vec_str(v, "kind");
    if (strcmp(kind, "framed") == 0)
        one_framed(v);
    else if (strcmp(kind, "block") == 0)
        one_block(v);
    else if (strcmp(kind, "block_case") == 0)
        one_case(v);
    else
        fail_msg("unknown kind %s", kind);
}

static void published_vectors(void **state) {
    (void)state;
    vec_each("vectors/snappy.jsonl", one_vector);
    assert_true(n_framed > 0 && n_block > 0 && n_case > 0);
}

/* ---- round trips ----------------------------------------------------- */

static void random_round_trips(void **state) {
    (void)state;
    /* Lengths about the size of a chunk, and of all orders. */
    static const size_t lengths[] = { 0,      1,      2,      15,
                                      4096,   65535,  65536,  65537,
                                      131071, 131072, 131073, 200000 };
    struct bp_rng r;
    bp_rng_seed(&r, test_seed("random_round_trips", 0x5a99));
    for (size_t k = 0; k < sizeof lengths / sizeof lengths[0]; k++)
        for (int noisy = 0; noisy < 2; noisy++) {
            size_t n = lengths[k], got;
            uint8_t *raw = malloc(n + 1), *out = malloc(n + 1);
            uint8_t *coded = malloc(bp_snappy_block_room(n));
            bp_rng_bytes(&r, raw, n);
            if (!noisy)
                for (size_t i = 0; i < n; i++) raw[i] &= 1;
            size_t len = bp_snappy_block_encode(coded, span(raw, n));
            assert_true(len > 0 && len <= bp_snappy_block_room(n));
            assert_int_equal(
                bp_snappy_block_decode(out, n, &got, span(coded, len)), 0);
            assert_int_equal(got, n);
            assert_memory_equal(out, raw, n);
            expect_frame_back(raw, n);
            free(coded);
            free(out);
            free(raw);
        }
}

/* ---- refusals -------------------------------------------------------- */

static void frames_that_are_refused(void **state) {
    (void)state;
#define ID "\xff\x06\x00\x00sNaPpY"
    static const struct {
        const char *bytes;
        size_t n;
        int err;
    } cases[] = {
        { "", 0, BP_ERR_SNAPPY }, /* nothing at all */
        { ID, 9, BP_ERR_SNAPPY }, /* identifier cut */
        { "\x01\x05\x00\x00\x00\x00\x00\x00\xc0", 9, BP_ERR_SNAPPY },
        { ID, 10, 0 },    /* an empty stream */
        { ID ID, 20, 0 }, /* repeated */
        { ID "\xff\x06\x00\x00sNaPpX", 20, BP_ERR_SNAPPY },
        { ID "\xff\x05\x00\x00sNaPp", 19, BP_ERR_SNAPPY },
        { ID "\x01\x05\x00", 13, BP_ERR_SNAPPY }, /* head cut */
        { ID "\x01\x06\x00\x00\xb8\x0e\xae\x8d\xc0", 19, BP_ERR_SNAPPY },
        { ID "\x01\x03\x00\x00\xb8\x0e\xae", 17, BP_ERR_SNAPPY },
        { ID "\x01\x05\x00\x00\xb8\x0e\xae\x8d\xc0", 19, 0 },
        { ID "\x01\x05\x00\x00\xb8\x0e\xae\x8c\xc0", 19, BP_ERR_SNAPPY_CRC },
        { ID "\x02\x00\x00\x00", 14, BP_ERR_SNAPPY }, /* unskippable */
        { ID "\x7f\x00\x00\x00", 14, BP_ERR_SNAPPY },
        { ID "\x80\x01\x00\x00z", 15, 0 },                    /* skippable */
        { ID "\xfe\x03\x00\x00\0\0\0", 17, 0 },               /* padding */
        { ID "\x00\x04\x00\x00\0\0\0\0", 18, BP_ERR_SNAPPY }, /* no block */
        /* a block that announces 65537 bytes */
        { ID "\x00\x07\x00\x00\0\0\0\0\x81\x80\x04", 21, BP_ERR_SNAPPY },
        /* and one that announces 4 GiB */
        { ID "\x00\x09\x00\x00\0\0\0\0\xff\xff\xff\xff\x0f", 23,
          BP_ERR_SNAPPY },
    };
#undef ID
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t out[8];
        size_t n = 99;
        /* A copy of exactly that length: the sanitizer watches its end. */
        uint8_t *in = malloc(cases[i].n > 0 ? cases[i].n : 1);
        memcpy(in, cases[i].bytes, cases[i].n);
        int err =
            bp_snappy_frame_decode(out, sizeof out, &n, span(in, cases[i].n));
        if (err != cases[i].err) fail_msg("case %zu: %s", i, bp_errname(err));
        if (err == 0) assert_true(n <= 1);
        free(in);
    }
}

static void plain_chunk_longer_than_64_kib_is_refused(void **state) {
    (void)state;
    size_t body = 65537, n = 10 + 8 + body, got;
    uint8_t *in = calloc(1, n), *out = malloc(body);
    memcpy(in, "\xff\x06\x00\x00sNaPpY\x01\x05\x00\x01", 14);
    assert_int_equal(bp_snappy_frame_decode(out, body, &got, span(in, n)),
                     BP_ERR_SNAPPY);
    assert_int_equal(bp_snappy_frame_size(&got, span(in, n)), BP_ERR_SNAPPY);
    free(out);
    free(in);
}

static void huge_length_is_refused_before_decoding(void **state) {
    (void)state;
    size_t n;
    uint8_t out[1];
    bp_span in = span("\xff\xff\xff\xff\x0f\x00", 6);
    assert_int_equal(bp_snappy_block_size(&n, in), 0);
    assert_int_equal(n, 0xffffffff);
    assert_int_equal(bp_snappy_block_decode(out, 1, &n, in),
                     BP_ERR_SNAPPY_SIZE);
}

/* RFC 3720, B.4: 32 bytes of zero, of ones, ascending. */
static void crc32c_of_the_rfc(void **state) {
    (void)state;
    uint8_t b[32] = { 0 };
    assert_int_equal(bp_crc32c(span(b, 32)), 0x8a9136aa);
    memset(b, 0xff, 32);
    assert_int_equal(bp_crc32c(span(b, 32)), 0x62a8ab43);
    for (uint8_t i = 0; i < 32; i++) b[i] = i;
    assert_int_equal(bp_crc32c(span(b, 32)), 0x46dd794e);
    assert_int_equal(bp_crc32c(span("123456789", 9)), 0xe3069283);
    assert_int_equal(bp_crc32c(span(NULL, 0)), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(published_vectors),
        T(random_round_trips),
        T(frames_that_are_refused),
        T(plain_chunk_longer_than_64_kib_is_refused),
        T(huge_length_is_refused_before_decoding),
        T(crc32c_of_the_rfc),
    };
    return bp_run(tests);
}
