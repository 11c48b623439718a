/* ethash: on tiny caches, builds in groups equal builds alone, and items of the
   data set computed in lanes, under any tuning, equal the same in plain C.

   A whole hash is 128 such items and too slow to fuzz; the tests compare those.
   Input: level, distance, hint, lanes, builds, items per step, then sizes,
   seeds and numbers, as far as there are any bytes. */
#include <string.h>

#include "fuzz.h"
#include "prim/ethash_impl.h"

enum { BUILDS = 9, ITEMS_MAX = 5, LANES_MAX = 6, ROOM = 8 };

struct input {
    const uint8_t *p;
    size_t n;
};

static uint8_t next(struct input *in) {
    if (in->n == 0) return 0;
    in->n--;
    return *in->p++;
}

static void build_alone(uint8_t *out, size_t n, const bp_hash *seed) {
    struct bp_ethash_build b;
    bp_ethash_build_begin(&b, out, n, seed);
    while (!bp_ethash_build_step(&b, 1, UINT32_MAX, BP_CPU_PORTABLE)) {
    }
}

/* Leaves the first cache in *first; returns its size. */
static size_t builds(struct input *in, enum bp_cpu cpu, uint8_t *first) {
    uint8_t cache[BUILDS][ITEMS_MAX * BP_ETHASH_LINE];
    uint8_t want[ITEMS_MAX * BP_ETHASH_LINE];
    struct bp_ethash_build b[BUILDS];
    bp_hash seed[BUILDS];
    size_t size[BUILDS], k = 1 + next(in) % BUILDS;
    uint32_t step = 1 + next(in) % 30;
    for (size_t i = 0; i < k; i++) {
        size[i] = BP_ETHASH_LINE * (2 + next(in) % (ITEMS_MAX - 1));
        memset(&seed[i], next(in), sizeof seed[i]);
        bp_ethash_build_begin(&b[i], cache[i], size[i], &seed[i]);
    }
    while (!bp_ethash_build_step(b, k, step, cpu)) {
    }
    for (size_t i = 0; i < k; i++) {
        build_alone(want, size[i], &seed[i]);
        fuzz_law(memcmp(cache[i], want, size[i]) == 0);
    }
    memcpy(first, cache[0], size[0]);
    return size[0];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    _Alignas(64) uint8_t cache[ITEMS_MAX * BP_ETHASH_LINE];
    _Alignas(64) uint8_t got[LANES_MAX * BP_ETHASH_LINE], want[sizeof got];
    _Alignas(64) uint32_t nr[ROOM] = { 0 }, key[ROOM];
    const uint8_t *line[LANES_MAX];
    struct input in = { data, size };
    struct bp_ethash_light light;
    enum bp_cpu cpu = next(&in) % 3;
    struct bp_ethash_items job = {
        .light = &light, .mix = got, .nr = nr, .next = line, .key = key
    };
    uint8_t distance = next(&in);
    job.hint = next(&in) % 3;
    job.lanes = 2 + 2 * (next(&in) % (LANES_MAX / 2));
    job.distance = 1 + distance % job.lanes;
    size_t n = builds(&in, cpu, cache);
    fuzz_law(bp_ethash_light_init(&light, cache, n, 256) == 0);
    for (unsigned i = 0; i < job.lanes; i++)
        nr[i] = (uint32_t)next(&in) << 24 | next(&in);
    bp_ethash_items(&job, cpu);
    job.mix = want;
    job.distance = job.lanes;
    bp_ethash_items(&job, BP_CPU_PORTABLE);
    fuzz_law(memcmp(got, want, job.lanes * BP_ETHASH_LINE) == 0);
    return 0;
}
