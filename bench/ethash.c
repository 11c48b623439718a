/* ethash: light verification and light caches.

   batch_epochN        sealed headers, 64 at a time, of epoch N, one core
   single_epoch390     one header at a time
   cache_single        light caches, one at a time
   cache_group8        light caches, eight at a time, each
   precheck            seals whose result misses the boundary, refused by two
                       hashes, a second

   The reference is the original C code in Debian's python3-pyethash, run in a
   child through ctypes, measured in turns with ours by the CPU clock of its
   thread. BLOCKPOOL_CPU limits the level and goes into no name: run it twice
   for both. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blockpool/ethash.h"
#include "lib/bench.h"
#include "lib/cpu.h"
#include "lib/libethash.h"
#include "node/pages.h"

enum {
    ROUNDS = 7,
    BATCH = 384,
    REF_BATCH = 24,
    SINGLE = 32,
    CACHE_ROUNDS = 3,
    CACHE_EPOCH = 100,
    GROUP = BP_ETHASH_BUILD_GROUP,
};

static enum bp_cpu cpu;
static struct libethash *ref;
static struct bp_rng rng;
static uint8_t work[BP_ETHASH_WORK_SIZE];

/* Bytes of the cache of an epoch, and its seed. */
static size_t shape(uint32_t epoch, bp_hash *seed) {
    struct bp_ethash_epoch e = { epoch, BP_ETHASH_EPOCH_BLOCKS };
    bp_ethash_seed(seed, e);
    return bp_ethash_cache_size(epoch);
}

/* Builds the caches of k epochs from `epoch` on; returns CPU seconds. */
static double build(uint8_t *cache[], uint32_t epoch, size_t k) {
    struct bp_ethash_build b[GROUP];
    for (size_t i = 0; i < k; i++) {
        bp_hash seed;
        size_t n = shape(epoch + (uint32_t)i, &seed);
        bp_ethash_build_begin(&b[i], cache[i], n, &seed);
    }
    double from = bench_cpu_s();
    while (!bp_ethash_build_step(b, k, 1 << 20, cpu)) {
    }
    return bench_cpu_s() - from;
}

static uint8_t *need_pages(size_t n) {
    uint8_t *p = pages_map(n);
    if (p == NULL) {
        fprintf(stderr, "bench: no memory for a cache of %zu bytes\n", n);
        exit(1);
    }
    memset(p, 1, n); /* so that no one pays for faults later */
    return p;
}

/* Headers a second with n given at once, calls of at most 64 each. */
static double hash_rate(const struct bp_ethash_light *light, uint16_t lanes,
                        size_t n) {
    static struct bp_ethash_result out[BATCH];
    static bp_hash seal_hash[BATCH];
    static uint64_t nonce[BATCH];
    struct bp_ethash_tuning t = bp_ethash_tuning_default(cpu);
    t.lanes = lanes;
    bp_rng_bytes(&rng, seal_hash, sizeof seal_hash);
    bp_rng_bytes(&rng, nonce, sizeof nonce);
    double from = bench_cpu_s();
    bp_ethash_hash(out, light, seal_hash, nonce, n, &t, work);
    return (double)n / (bench_cpu_s() - from);
}

static void report(const char *name, double *ours, double *theirs, size_t n,
                   const char *unit) {
    double value = bench_median(ours, n);
    if (ref != NULL)
        bench_json_ref("ethash", name, value, unit, bench_median(theirs, n));
    else
        bench_json("ethash", name, value, unit);
}

static void epoch_rates(uint32_t epoch, const char *single_name) {
    double batch[ROUNDS], single[ROUNDS], theirs[ROUNDS];
    char name[32];
    bp_hash seed, seal_hash = { { 1 } };
    size_t n = shape(epoch, &seed);
    uint64_t dataset = bp_ethash_dataset_size(epoch);
    uint8_t *cache = need_pages(n);
    struct bp_ethash_light light;
    build(&cache, epoch, 1);
    if (bp_ethash_light_init(&light, cache, n, dataset) != 0) abort();
    if (ref != NULL) libethash_cache(ref, n, &seed);
    for (int r = -1; r < ROUNDS; r++) {
        int at = r < 0 ? 0 : r; /* the first turn warms up */
        if (ref != NULL)
            theirs[at] =
                REF_BATCH / libethash_time(ref, dataset, &seal_hash,
                                           bp_rng_next(&rng), REF_BATCH);
        batch[at] = hash_rate(&light, BP_ETHASH_LANES_MAX, BATCH);
        if (single_name != NULL) single[at] = hash_rate(&light, 1, SINGLE);
    }
    snprintf(name, sizeof name, "batch_epoch%u", epoch);
    report(name, batch, theirs, ROUNDS, "headers/s");
    if (single_name != NULL)
        report(single_name, single, theirs, ROUNDS, "headers/s");
    pages_unmap(cache, n);
}

static void cache_rates(void) {
    double one[CACHE_ROUNDS], group[CACHE_ROUNDS], theirs[CACHE_ROUNDS];
    uint8_t *cache[GROUP];
    bp_hash seed;
    for (uint32_t i = 0; i < GROUP; i++)
        cache[i] = need_pages(shape(CACHE_EPOCH + i, &seed));
    size_t n = shape(CACHE_EPOCH, &seed);
    for (int r = 0; r < CACHE_ROUNDS; r++) {
        if (ref != NULL) theirs[r] = 1 / libethash_cache(ref, n, &seed);
        one[r] = 1 / build(cache, CACHE_EPOCH, 1);
        group[r] = GROUP / build(cache, CACHE_EPOCH, GROUP);
    }
    report("cache_single", one, theirs, CACHE_ROUNDS, "caches/s");
    report("cache_group8", group, theirs, CACHE_ROUNDS, "caches/s");
    for (uint32_t i = 0; i < GROUP; i++)
        pages_unmap(cache[i], shape(CACHE_EPOCH + i, &seed));
}

static void precheck_rate(void) {
    enum { N = 2000 };
    double rate[ROUNDS];
    struct bp_ethash_seal seal = { .nonce = 0 }; /* boundary 0: none meets it */
    struct bp_ethash_tuning t = bp_ethash_tuning_default(cpu);
    for (int r = 0; r < ROUNDS; r++) {
        double from = bench_cpu_s();
        for (int i = 0; i < N; i++) {
            int verdict;
            seal.nonce++;
            bp_ethash_verify(&verdict, &seal, 1, &t, work);
            if (verdict != BP_ERR_SEAL_WORK) abort();
        }
        rate[r] = N / (bench_cpu_s() - from);
    }
    bench_json("ethash", "precheck", bench_median(rate, ROUNDS), "seals/s");
}

int main(void) {
    cpu = bench_level();
    bp_rng_seed(&rng, 1);
    ref = libethash_start();
    if (ref == NULL)
        fprintf(stderr, "bench: python3-pyethash is not there, so the lines "
                        "have no reference\n");
    epoch_rates(0, NULL);
    epoch_rates(100, NULL);
    epoch_rates(390, "single_epoch390");
    cache_rates();
    precheck_rate();
    libethash_end(ref);
    return 0;
}
