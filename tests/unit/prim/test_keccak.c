/* test_keccak: known digests, the pieces API, many against one. */
#include "lib/test.h"

#include <nettle/sha3.h>

#include "prim/keccak_impl.h"

static const enum bp_cpu levels[] = { BP_CPU_PORTABLE, BP_CPU_AVX2,
                                      BP_CPU_AVX512 };

static bp_span span(const void *p, size_t n) {
    return (bp_span){ p, n };
}

static void expect_hex(const uint8_t *got, size_t n, const char *hex) {
    char text[129];
    bp_hex(text, got, n);
    assert_string_equal(text, hex);
}

/* Yellow Paper's KEC(()) and other digests every client carries as constants,
   and two of the Keccak team's published vectors. */
static void known_digests(void **state) {
    (void)state;
    uint8_t wide[64];
    bp_hash h;
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        bp_cpu_use(levels[i]);
        bp_keccak256(&h, span(NULL, 0));
        expect_hex(h.b, 32,
                   "c5d2460186f7233c927e7db2dcc703c0"
                   "e500b653ca82273b7bfad8045d85a470");
        bp_keccak256(&h, span("\x80", 1));
        expect_hex(h.b, 32,
                   "56e81f171bcc55a6ff8345e692c0f86e"
                   "5b48e01b996cadc001622fb5e363b421");
        bp_keccak256(&h, span("\xc0", 1));
        expect_hex(h.b, 32,
                   "1dcc4de8dec75d7aab85b567b6ccd41a"
                   "d312451b948a7413f0a142fd40d49347");
        bp_keccak256(&h, span("abc", 3));
        expect_hex(h.b, 32,
                   "4e03657aea45a94fc7d47ba826c8d667"
                   "c0d1e6e33a64a036ec44f58fa12d6c45");
        bp_keccak512(wide, span(NULL, 0));
        expect_hex(wide, 64,
                   "0eab42de4c3ceb9235fc91acffe746b2"
                   "9c29a8c366b7c60e4e67c466f36a4304"
                   "c00fa9caf9d87976ba469bcbe06713b4"
                   "35f091ef2769fb160cdab33d3670680e");
    }
}

/* Somebody else's permutation, on random states, at every level. */
static void permutations_are_nettles(void **state) {
    (void)state;
    struct bp_rng rng;
    bp_rng_seed(&rng, test_seed("permutations_are_nettles", 10));
    for (size_t round = 0; round < 200; round++) {
        struct sha3_state want;
        uint64_t start[25], got[25];
        bp_rng_bytes(&rng, start, sizeof start);
        memcpy(want.a, start, sizeof start);
        sha3_permute(&want);
        for (size_t l = 0; l < sizeof levels / sizeof levels[0]; l++) {
            memcpy(got, start, sizeof got);
            bp_keccak_ops_of(levels[l])->permute(got);
            assert_memory_equal(got, want.a, sizeof got);
        }
    }
}

/* Keccak-512 of lines: every count, with and without a second line to xor, in
   place and not. */
static void lines_equal_messages(void **state) {
    (void)state;
    enum { LINES = 21 };
    struct bp_rng rng;
    static uint8_t a[LINES][64], b[LINES][64], want[LINES][64], got[LINES][64];
    bp_rng_seed(&rng, test_seed("lines_equal_messages", 13));
    for (size_t n = 0; n <= LINES; n++) {
        for (size_t l = 0; l < 2 * sizeof levels / sizeof levels[0]; l++) {
            bool two = l % 2 == 1, in_place = bp_rng_below(&rng, 2) == 0;
            const uint8_t *x[LINES], *y[LINES];
            uint8_t *out[LINES];
            bp_rng_bytes(&rng, a, sizeof a);
            bp_rng_bytes(&rng, b, sizeof b);
            for (size_t i = 0; i < n; i++) {
                uint8_t msg[64];
                for (size_t k = 0; k < 64; k++)
                    msg[k] = (uint8_t)(a[i][k] ^ (two ? b[i][k] : 0));
                bp_keccak512(want[i], span(msg, 64));
                x[i] = a[i];
                y[i] = b[i];
                out[i] = in_place ? a[i] : got[i];
            }
            bp_keccak512_lines(bp_keccak_ops_of(levels[l / 2]), out, x,
                               two ? y : NULL, n);
            for (size_t i = 0; i < n; i++)
                assert_memory_equal(out[i], want[i], 64);
        }
    }
}

/* Every length up to several blocks, cut at a random place, equals the
   one-shot digest; a digest in between changes nothing. */
static void pieces_equal_the_whole(void **state) {
    (void)state;
    struct bp_rng rng;
    bp_rng_seed(&rng, test_seed("pieces_equal_the_whole", 11));
    uint8_t msg[600], one[64], two[64], between[64];
    bp_rng_bytes(&rng, msg, sizeof msg);
    for (size_t n = 0; n <= sizeof msg; n++) {
        struct bp_keccak k;
        bp_hash h;
        size_t cut = (size_t)bp_rng_below(&rng, n + 1);
        bp_cpu_use(levels[n % 3]);
        bp_keccak256(&h, span(msg, n));
        bp_keccak256_init(&k);
        bp_keccak_update(&k, msg, cut);
        bp_keccak_digest(&k, between);
        bp_keccak_update(&k, msg + cut, n - cut);
        bp_keccak_digest(&k, two);
        assert_memory_equal(h.b, two, 32);
        bp_keccak_digest(&k, two);
        assert_memory_equal(h.b, two, 32);
        bp_keccak256(&h, span(msg, cut));
        assert_memory_equal(h.b, between, 32);

        bp_keccak512(one, span(msg, n));
        bp_keccak512_init(&k);
        bp_keccak_update(&k, msg, cut);
        bp_keccak_update(&k, msg + cut, n - cut);
        bp_keccak_digest(&k, two);
        assert_memory_equal(one, two, 64);
    }
}

/* A copy of the state goes its own way. */
static void state_is_a_value(void **state) {
    (void)state;
    struct bp_keccak k, fork;
    uint8_t d1[32], d2[32];
    bp_hash h;
    bp_keccak256_init(&k);
    bp_keccak_update(&k, "ab", 2);
    fork = k;
    bp_keccak_update(&k, "c", 1);
    bp_keccak_update(&fork, "d", 1);
    bp_keccak_digest(&k, d1);
    bp_keccak_digest(&fork, d2);
    bp_keccak256(&h, span("abc", 3));
    assert_memory_equal(h.b, d1, 32);
    bp_keccak256(&h, span("abd", 3));
    assert_memory_equal(h.b, d2, 32);
}

enum { MANY = 67 };

/* Batches of every size, lengths around the block's edges: the digest of each
   message, and not a byte beyond the last. */
static void many_equals_one_by_one(void **state) {
    (void)state;
    struct bp_rng rng;
    bp_rng_seed(&rng, test_seed("many_equals_one_by_one", 12));
    static uint8_t pool[4096];
    bp_rng_bytes(&rng, pool, sizeof pool);
    for (size_t n = 0; n <= MANY; n++) {
        bp_span in[MANY];
        bp_hash want[MANY + 1], got[MANY + 1];
        memset(want, 0xee, sizeof want);
        for (size_t i = 0; i < n; i++) {
            uint64_t kind = bp_rng_below(&rng, 3);
            size_t len = kind == 0   ? (size_t)bp_rng_below(&rng, 140)
                         : kind == 1 ? 134 + (size_t)bp_rng_below(&rng, 5)
                                     : (size_t)bp_rng_below(&rng, 1200);
            in[i] = span(pool + bp_rng_below(&rng, sizeof pool - len), len);
            bp_cpu_use(BP_CPU_PORTABLE);
            bp_keccak256(&want[i], in[i]);
        }
        for (size_t l = 0; l < sizeof levels / sizeof levels[0]; l++) {
            memset(got, 0xee, sizeof got);
            bp_cpu_use(levels[l]);
            bp_keccak256_many(got, in, n);
            assert_memory_equal(got, want, sizeof got);
        }
    }
}

static void cpu_names(void **state) {
    (void)state;
    enum bp_cpu cpu;
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        assert_int_equal(bp_cpu_parse(&cpu, bp_cpu_name(levels[i])), 0);
        assert_int_equal(cpu, levels[i]);
        enum bp_cpu set = bp_cpu_use(levels[i]);
        assert_true(set <= levels[i] && set <= bp_cpu_detect());
        assert_int_equal(bp_cpu_used(), set);
    }
    assert_int_equal(bp_cpu_parse(&cpu, "sse9"), BP_ERR_FORMAT);
    assert_int_equal(bp_cpu_parse(&cpu, ""), BP_ERR_FORMAT);
    bp_cpu_use(bp_cpu_detect());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(known_digests),
        T(permutations_are_nettles),
        T(lines_equal_messages),
        T(pieces_equal_the_whole),
        T(state_is_a_value),
        T(many_equals_one_by_one),
        T(cpu_names),
    };
    return bp_run(tests);
}
