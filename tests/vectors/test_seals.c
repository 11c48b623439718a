/* test_seals: every seal of the real chains, uncles' too, at one level.

   BLOCKPOOL_CPU picks the level. In plain C, several times slower, every
   fourth seal is verified. */
#include "blockpool/chain.h"
#include "blockpool/ethash.h"
#include "blockpool/files.h"
#include "blockpool/rules.h"
#include "lib/cpu.h"

enum { BATCH = 512, PORTABLE_STRIDE = 4 };

static enum bp_cpu cpu;
static struct bp_spec *spec;
static uint8_t *cache; /* of epoch 0, where all these chains lie */
static struct bp_ethash_light light;
static uint8_t work[BP_ETHASH_WORK_SIZE];

static int setup(void **state) {
    (void)state;
    struct bp_ethash_build b;
    size_t n = bp_ethash_cache_size(0);
    const bp_hash seed = { { 0 } };
    cpu = test_cpu();
    cache = aligned_alloc(64, n);
    assert_non_null(cache);
    bp_ethash_build_begin(&b, cache, n, &seed);
    while (!bp_ethash_build_step(&b, 1, 1 << 20, cpu)) {
    }
    assert_int_equal(
        bp_ethash_light_init(&light, cache, n, bp_ethash_dataset_size(0)), 0);
    return bp_spec_builtin(&spec, "mainnet", NULL);
}

static int teardown(void **state) {
    (void)state;
    bp_spec_free(spec);
    free(cache);
    return 0;
}

/* Headers waiting for their verdicts, with their bytes. */
struct queue {
    uint8_t bytes[BATCH][BP_HEADER_BYTES_MAX];
    struct bp_header header[BATCH];
    struct bp_seal_claim claim[BATCH];
    struct bp_ethash_seal seal[BATCH];
    int verdict[BATCH];
    size_t n, seen, verified;
};
static struct queue q;

static void flush(void) {
    struct bp_ethash_tuning t = bp_ethash_tuning_default(cpu);
    bp_seal_claims(q.claim, spec, q.header, q.n);
    for (size_t i = 0; i < q.n; i++) {
        assert_int_equal(q.claim[i].err, 0);
        assert_int_equal(q.claim[i].epoch.number, 0);
        q.seal[i] = q.claim[i].seal;
        q.seal[i].light = &light;
    }
    bp_ethash_verify(q.verdict, q.seal, q.n, &t, work);
    for (size_t i = 0; i < q.n; i++)
        if (q.verdict[i] != 0)
            fail_msg("the seal of block %llu: %s",
                     (unsigned long long)q.header[i].number,
                     bp_strerror(q.verdict[i]));
    q.verified += q.n;
    q.n = 0;
}

static void add(bp_span rlp) {
    if (cpu == BP_CPU_PORTABLE && q.seen++ % PORTABLE_STRIDE != 0) return;
    bp_span in;
    assert_true(rlp.n <= BP_HEADER_BYTES_MAX);
    memcpy(q.bytes[q.n], rlp.p, rlp.n);
    in = (bp_span){ q.bytes[q.n], rlp.n };
    assert_int_equal(bp_header_decode(&q.header[q.n], &in), 0);
    if (++q.n == BATCH) flush();
}

static size_t add_uncles(bp_span body_rlp) {
    struct bp_body body;
    bp_span list;
    size_t n = 0;
    assert_int_equal(bp_body_decode(&body, &body_rlp), 0);
    assert_int_equal(bp_rlp_list(&list, &body.uncles), 0);
    for (; list.n > 0; n++) {
        struct bp_header uncle;
        bp_span rest = list;
        assert_int_equal(bp_header_decode(&uncle, &rest), 0);
        add((bp_span){ list.p, list.n - rest.n });
        list = rest;
    }
    return n;
}

/* Verifies a file and expects so many seals of blocks and of uncles. */
static void every_seal_of(const char *relative, size_t want_blocks,
                          size_t want_uncles) {
    struct bp_reader *r;
    struct bp_store_error why;
    struct bp_file_block b;
    size_t blocks = 0, uncles = 0;
    int err;
    memset(&q, 0, sizeof q);
    if (bp_reader_open(&r, need_data(relative), NULL, &why) != 0)
        fail_msg("%s", why.text);
    while ((err = bp_reader_next(r, &b, &why)) == 0) {
        if (b.number == 0) continue; /* a genesis has no seal */
        add(b.header);
        uncles += add_uncles(b.body);
        blocks++;
    }
    if (err != BP_ERR_FILE_END) fail_msg("%s", why.text);
    flush();
    bp_reader_close(r);
    assert_int_equal(blocks, want_blocks);
    assert_int_equal(uncles, want_uncles);
    if (cpu != BP_CPU_PORTABLE)
        assert_int_equal(q.verified, want_blocks + want_uncles);
}

static void mainnet(void **state) {
    (void)state;
    every_seal_of("chains/mainnet-00000-5ec1ffb8.era1", 8191, 1410);
}

static void sepolia(void **state) {
    (void)state;
    every_seal_of("chains/sepolia-00000-643a00f7.era1", 8191, 0);
}

static void ethtest_pow(void **state) {
    (void)state;
    every_seal_of("chains/ethtest-pow/chain.rlp", 3000, 0);
}

/* Verdict of a header whose seal is all that is asked. */
static int verdict_of(const struct bp_header *h, bool any_result) {
    struct bp_seal_claim c;
    struct bp_ethash_tuning t = bp_ethash_tuning_default(cpu);
    int verdict;
    bp_seal_claims(&c, spec, h, 1);
    c.seal.light = &light;
    if (any_result) memset(&c.seal.boundary, 0xff, sizeof c.seal.boundary);
    bp_ethash_verify(&verdict, &c.seal, 1, &t, work);
    return verdict;
}

/* Any bit of a real block's header: it is refused, by the result, and with
   that out of the way by the mix; or it is no header any more. Bits of the
   number may lead to another epoch, which this cache is not of. */
static void every_flipped_bit_of_a_header(void **state) {
    (void)state;
    struct bp_reader *r;
    struct bp_store_error why;
    struct bp_file_block b;
    struct bp_header h;
    uint8_t bytes[BP_HEADER_BYTES_MAX];
    size_t decoded = 0;
    if (bp_reader_open(&r, need_data("chains/mainnet-00000-5ec1ffb8.era1"),
                       NULL, &why) != 0)
        fail_msg("%s", why.text);
    do {
        assert_int_equal(bp_reader_next(r, &b, &why), 0);
    } while (b.number < 2000);
    size_t n = b.header.n;
    memcpy(bytes, b.header.p, n);
    bp_reader_close(r);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        bp_span in = { bytes, n };
        if (bp_header_decode(&h, &in) == 0 && in.n == 0) {
            decoded++;
            assert_int_equal(verdict_of(&h, false), BP_ERR_SEAL_WORK);
            if (bit % 23 == 0) /* a full check is costly */
                assert_int_equal(verdict_of(&h, true), BP_ERR_SEAL_MIX);
        }
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(decoded > 7 * n);
    bp_span in = { bytes, n };
    assert_int_equal(bp_header_decode(&h, &in), 0);
    assert_int_equal(verdict_of(&h, false), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(mainnet),
        T(sepolia),
        T(ethtest_pow),
        T(every_flipped_bit_of_a_header),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
