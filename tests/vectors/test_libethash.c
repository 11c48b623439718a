/* test_libethash: agreement with the original C code, which runs in a child.

   Without an argument, as part of the tests: epoch 0 and the first of Etchash.
   With "campaign": epochs 0, 100, 390, 517 of Ethash and 195, 233, 400 of
   Etchash, more headers each; some minutes. Every level takes part. */
#include "blockpool/ethash.h"
#include "lib/libethash.h"
#include "lib/test.h"

enum { MAX_HEADERS = 100, FEW_HEADERS = 12 };

static const enum bp_cpu levels[] = { BP_CPU_PORTABLE, BP_CPU_AVX2,
                                      BP_CPU_AVX512 };
static struct libethash *ref;
static struct bp_rng rng;
static size_t n_headers = FEW_HEADERS;
static uint8_t work[BP_ETHASH_WORK_SIZE];

/* A light cache of ours, and the child's of the same epoch. */
static uint8_t *caches(struct bp_ethash_light *light, struct bp_ethash_epoch e,
                       uint64_t *dataset) {
    struct bp_ethash_build b;
    size_t n = bp_ethash_cache_size(e.number);
    bp_hash seed;
    uint8_t *cache = aligned_alloc(64, n);
    assert_non_null(cache);
    *dataset = bp_ethash_dataset_size(e.number);
    bp_ethash_seed(&seed, e);
    bp_ethash_build_begin(&b, cache, n, &seed);
    while (!bp_ethash_build_step(&b, 1, 1 << 20, bp_cpu_detect())) {
    }
    assert_int_equal(bp_ethash_light_init(light, cache, n, *dataset), 0);
    libethash_cache(ref, n, &seed);
    return cache;
}

/* Random headers: the child's mix and result are ours. With that mix the seal
   holds exactly up to the result; with a changed one it is refused. */
static void agree(uint32_t number, uint32_t blocks) {
    static struct bp_ethash_seal seal[3 * MAX_HEADERS];
    static int want[3 * MAX_HEADERS], got[3 * MAX_HEADERS];
    static struct bp_ethash_result theirs[MAX_HEADERS], ours[MAX_HEADERS];
    bp_hash seal_hash[MAX_HEADERS];
    uint64_t nonce[MAX_HEADERS], dataset;
    struct bp_ethash_light light;
    struct bp_ethash_epoch e = { number, blocks };
    uint8_t *cache = caches(&light, e, &dataset);
    for (size_t i = 0; i < n_headers; i++) {
        bp_rng_bytes(&rng, &seal_hash[i], sizeof seal_hash[i]);
        nonce[i] = bp_rng_next(&rng);
        libethash_hash(ref, dataset, &seal_hash[i], nonce[i], &theirs[i].mix,
                       &theirs[i].result);
        struct bp_ethash_seal s = { .seal_hash = seal_hash[i],
                                    .nonce = nonce[i],
                                    .mix = theirs[i].mix,
                                    .boundary = theirs[i].result,
                                    .light = &light };
        seal[3 * i] = seal[3 * i + 1] = seal[3 * i + 2] = s;
        want[3 * i] = 0;
        seal[3 * i + 1].mix.b[bp_rng_below(&rng, 32)] ^= 0x20;
        memset(&seal[3 * i + 1].boundary, 0xff, 32);
        want[3 * i + 1] = BP_ERR_SEAL_MIX;
        seal[3 * i + 2].nonce ^= 1ull << bp_rng_below(&rng, 64);
        seal[3 * i + 2].boundary.b[0] = 0; /* hard enough for chance */
        want[3 * i + 2] = BP_ERR_SEAL_WORK;
    }
    for (size_t l = 0; l < sizeof levels / sizeof levels[0]; l++) {
        struct bp_ethash_tuning t = bp_ethash_tuning_default(levels[l]);
        bp_ethash_hash(ours, &light, seal_hash, nonce, n_headers, &t, work);
        assert_memory_equal(ours, theirs, n_headers * sizeof ours[0]);
        bp_ethash_verify(got, seal, 3 * n_headers, &t, work);
        for (size_t i = 0; i < 3 * n_headers; i++)
            if (i % 3 != 2 || got[i] != BP_ERR_SEAL_MIX)
                assert_int_equal(got[i], want[i]);
    }
    free(cache);
}

static void need_reference(void) {
    if (ref != NULL) return;
    printf("# skipped: python3-pyethash is not installed\n");
    skip();
}

static void ethash_epoch_0(void **state) {
    (void)state;
    need_reference();
    agree(0, BP_ETHASH_EPOCH_BLOCKS);
}

static void etchash_epoch_1(void **state) {
    (void)state;
    need_reference();
    agree(1, BP_ETCHASH_EPOCH_BLOCKS);
}

static void ethash_of_history(void **state) {
    (void)state;
    need_reference();
    agree(0, BP_ETHASH_EPOCH_BLOCKS);
    agree(100, BP_ETHASH_EPOCH_BLOCKS);
    agree(390, BP_ETHASH_EPOCH_BLOCKS);
    agree(517, BP_ETHASH_EPOCH_BLOCKS); /* the last one of mainnet */
}

static void etchash_of_history(void **state) {
    (void)state;
    need_reference();
    agree(195, BP_ETCHASH_EPOCH_BLOCKS); /* the first one of Classic */
    agree(233, BP_ETCHASH_EPOCH_BLOCKS);
    agree(400, BP_ETCHASH_EPOCH_BLOCKS);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        T(ethash_epoch_0),
        T(etchash_epoch_1),
    };
    const struct CMUnitTest campaign[] = {
        T(ethash_of_history),
        T(etchash_of_history),
    };
    bp_rng_seed(&rng, test_seed("libethash", 31));
    ref = libethash_start();
    int failed;
    if (argc > 1 && strcmp(argv[1], "campaign") == 0) {
        n_headers = MAX_HEADERS;
        failed = bp_run(campaign);
    } else {
        failed = bp_run(tests);
    }
    libethash_end(ref);
    return failed;
}
