/* test_ethash: published vectors, batches against single hashes, refusals. */
#include "lib/test.h"

#include "blockpool/ethash.h"

static const enum bp_cpu levels[] = { BP_CPU_PORTABLE, BP_CPU_AVX2,
                                      BP_CPU_AVX512 };
enum { LEVELS = sizeof levels / sizeof levels[0] };

static uint8_t work[BP_ETHASH_WORK_SIZE];

/* ---- light caches, built once --------------------------------------- */

/* Every epoch the vectors name, in one go and in groups. */
struct known {
    struct bp_ethash_epoch epoch;
    uint8_t *cache;
    size_t n;
    struct bp_ethash_light light;
};
static struct known known[24];
static size_t n_known;

static struct known *want_epoch(struct bp_ethash_epoch e) {
    for (size_t i = 0; i < n_known; i++)
        if (known[i].epoch.number == e.number &&
            known[i].epoch.blocks == e.blocks)
            return &known[i];
    assert_true(n_known < sizeof known / sizeof known[0]);
    struct known *k = &known[n_known++];
    *k = (struct known){ .epoch = e, .n = bp_ethash_cache_size(e.number) };
    return k;
}

static void build_wanted(void) {
    struct bp_ethash_build b[sizeof known / sizeof known[0]];
    struct known *fresh[sizeof known / sizeof known[0]];
    size_t n = 0;
    for (size_t i = 0; i < n_known; i++) {
        struct known *k = &known[i];
        bp_hash seed;
        if (k->cache != NULL) continue;
        k->cache = aligned_alloc(64, k->n);
        assert_non_null(k->cache);
        bp_ethash_seed(&seed, k->epoch);
        bp_ethash_build_begin(&b[n], k->cache, k->n, &seed);
        fresh[n++] = k;
    }
    while (!bp_ethash_build_step(b, n, 1 << 16, bp_cpu_detect())) {
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t dataset = bp_ethash_dataset_size(fresh[i]->epoch.number);
        assert_int_equal(bp_ethash_light_init(&fresh[i]->light, fresh[i]->cache,
                                              fresh[i]->n, dataset),
                         0);
    }
}

static const struct bp_ethash_light *light_of(uint64_t block, uint32_t length) {
    struct bp_ethash_epoch e;
    assert_int_equal(bp_ethash_epoch_at(&e, block, length), 0);
    struct known *k = want_epoch(e);
    build_wanted();
    return &k->light;
}

/* ---- vectors ---------------------------------------------------------- */

/* One line of pow.jsonl: flat, no escapes, keys unique. */
static bool field(char *out, size_t cap, const char *line, const char *key) {
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\":", key);
    const char *p = strstr(line, quoted);
    if (p == NULL) return false;
    p += strlen(quoted);
    size_t n = *p == '"' ? strcspn(++p, "\"") : strcspn(p, ",}");
    if (n >= cap) fail_msg("%s is longer than %zu", key, cap);
    memcpy(out, p, n);
    out[n] = 0;
    return true;
}

static uint64_t field_u64(const char *line, const char *key) {
    char text[32];
    if (!field(text, sizeof text, line, key)) fail_msg("no %s", key);
    return strtoull(text, NULL, 10);
}

static void field_bytes(void *out, size_t n, const char *line,
                        const char *key) {
    char text[2048];
    if (!field(text, sizeof text, line, key)) fail_msg("no %s", key);
    if (test_unhex(out, n, text) != n) fail_msg("%s has another size", key);
}

static uint64_t field_nonce(const char *line) {
    uint8_t b[8];
    field_bytes(b, sizeof b, line, "nonce");
    uint64_t v = 0;
    for (size_t i = 0; i < sizeof b; i++) v = v << 8 | b[i];
    return v;
}

/* fn(line) for each line of a kind; fails when there is none. */
static void each_vector(const char *kind, void (*fn)(const char *line)) {
    size_t n, seen = 0;
    char *text = (char *)test_read(need_data("vectors/pow.jsonl"), &n);
    for (char *line = strtok(text, "\n"); line != NULL;
         line = strtok(NULL, "\n")) {
        char got[32];
        if (!field(got, sizeof got, line, "kind") || strcmp(got, kind) != 0)
            continue;
        fn(line);
        seen++;
    }
    free(text);
    assert_true(seen > 0);
}

static void one_sizes(const char *line) {
    uint32_t e = (uint32_t)field_u64(line, "epoch");
    assert_int_equal(bp_ethash_cache_size(e), field_u64(line, "cache_size"));
    assert_int_equal(bp_ethash_dataset_size(e),
                     field_u64(line, "dataset_size"));
}

static void sizes(void **state) {
    (void)state;
    each_vector("sizes", one_sizes);
}

static void one_seed(const char *line) {
    bp_hash want, got;
    uint32_t e = (uint32_t)field_u64(line, "epoch");
    field_bytes(want.b, 32, line, "seed");
    bp_ethash_seed(&got, (struct bp_ethash_epoch){ e, BP_ETHASH_EPOCH_BLOCKS });
    assert_memory_equal(&got, &want, sizeof got);
    if (e % 2 != 0) return; /* an Etchash epoch is as far as two of Ethash */
    bp_ethash_seed(&got,
                   (struct bp_ethash_epoch){ e / 2, BP_ETCHASH_EPOCH_BLOCKS });
    assert_memory_equal(&got, &want, sizeof got);
}

static void seeds(void **state) {
    (void)state;
    each_vector("seed", one_seed);
}

static void one_boundary(const char *line) {
    uint8_t d[32];
    bp_hash want, got;
    field_bytes(d, 32, line, "difficulty");
    field_bytes(want.b, 32, line, "boundary");
    bp_u256 difficulty = bp_u256_from_be(d, 32);
    bp_ethash_boundary(&got, &difficulty);
    assert_memory_equal(&got, &want, sizeof got);
}

static void boundaries(void **state) {
    (void)state;
    each_vector("boundary", one_boundary);
}

static void want_line_epoch(const char *line) {
    struct bp_ethash_epoch e = { 0, BP_ETHASH_EPOCH_BLOCKS };
    char text[32];
    if (field(text, sizeof text, line, "number")) {
        assert_int_equal(
            bp_ethash_epoch_at(&e, field_u64(line, "number"),
                               (uint32_t)field_u64(line, "epoch_length")),
            0);
    } else {
        e.number = (uint32_t)field_u64(line, "epoch");
    }
    want_epoch(e);
}

/* The caches that vectors need, built side by side as a node builds history. */
static void build_caches(void **state) {
    (void)state;
    each_vector("hashimoto", want_line_epoch);
    each_vector("header", want_line_epoch);
    each_vector("dataset_item", want_line_epoch);
    each_vector("cache_hash", want_line_epoch);
    build_wanted();
}

static void one_cache_hash(const char *line) {
    bp_hash want, got;
    uint32_t e = (uint32_t)field_u64(line, "epoch");
    field_bytes(want.b, 32, line, "cache_keccak256");
    const struct bp_ethash_light *l =
        light_of((uint64_t)e * BP_ETHASH_EPOCH_BLOCKS, BP_ETHASH_EPOCH_BLOCKS);
    bp_keccak256(&got, (bp_span){ l->cache, (size_t)l->items * 64 });
    assert_memory_equal(&got, &want, sizeof got);
}

static void cache_hashes(void **state) {
    (void)state;
    each_vector("cache_hash", one_cache_hash);
}

static void one_dataset_item(const char *line) {
    uint8_t want[128], got[128];
    uint32_t e = (uint32_t)field_u64(line, "epoch");
    uint32_t index = (uint32_t)field_u64(line, "index");
    field_bytes(want, 128, line, "item1024");
    const struct bp_ethash_light *l =
        light_of((uint64_t)e * BP_ETHASH_EPOCH_BLOCKS, BP_ETHASH_EPOCH_BLOCKS);
    bp_ethash_dataset_item(got, l, 2 * index);
    bp_ethash_dataset_item(got + 64, l, 2 * index + 1);
    assert_memory_equal(got, want, sizeof got);
}

static void dataset_items(void **state) {
    (void)state;
    each_vector("dataset_item", one_dataset_item);
}

/* Hashes one seal alone and in a full batch of itself and its neighbours, on
   every level, and expects the published mix and result in all. */
static void expect_hash(const struct bp_ethash_light *light,
                        const bp_hash *seal_hash, uint64_t nonce,
                        const struct bp_ethash_result *want) {
    for (size_t l = 0; l < LEVELS; l++) {
        struct bp_ethash_tuning t = bp_ethash_tuning_default(levels[l]);
        bp_hash h[7];
        uint64_t at[7];
        struct bp_ethash_result got[7];
        for (size_t i = 0; i < 7; i++) {
            h[i] = *seal_hash;
            at[i] = nonce + i - 3;
        }
        bp_ethash_hash(got, light, h, at, 7, &t, work);
        assert_memory_equal(&got[3], want, sizeof *want);
        bp_ethash_hash(got, light, seal_hash, &nonce, 1, &t, work);
        assert_memory_equal(&got[0], want, sizeof *want);
    }
}

static void one_hashimoto(const char *line) {
    bp_hash seal_hash;
    struct bp_ethash_result want;
    field_bytes(seal_hash.b, 32, line, "seal_hash");
    field_bytes(want.mix.b, 32, line, "mix");
    field_bytes(want.result.b, 32, line, "result");
    const struct bp_ethash_light *l = light_of(
        field_u64(line, "number"), (uint32_t)field_u64(line, "epoch_length"));
    expect_hash(l, &seal_hash, field_nonce(line), &want);
}

static void hashimotos(void **state) {
    (void)state;
    each_vector("hashimoto", one_hashimoto);
}

static void one_small_hashimoto(const char *line) {
    bp_hash seal_hash, seed;
    struct bp_ethash_result want;
    struct bp_ethash_light light;
    struct bp_ethash_build b;
    size_t n = (size_t)field_u64(line, "cache_size");
    uint8_t *cache = malloc(n);
    assert_non_null(cache);
    field_bytes(seed.b, 32, line, "seed");
    field_bytes(seal_hash.b, 32, line, "seal_hash");
    field_bytes(want.mix.b, 32, line, "mix");
    field_bytes(want.result.b, 32, line, "result");
    bp_ethash_build_begin(&b, cache, n, &seed);
    while (!bp_ethash_build_step(&b, 1, 5, bp_cpu_detect())) {
    }
    assert_int_equal(
        bp_ethash_light_init(&light, cache, n, field_u64(line, "dataset_size")),
        0);
    expect_hash(&light, &seal_hash, field_nonce(line), &want);
    free(cache);
}

static void small_hashimoto(void **state) {
    (void)state;
    each_vector("small_hashimoto", one_small_hashimoto);
}

/* Item number i of an RLP list of strings. */
static bp_span list_item(bp_span rlp, size_t i) {
    const uint8_t *p = rlp.p, *end = rlp.p + rlp.n;
    assert_in_range(*p, 0xf8, 0xff); /* a long list */
    p += 1 + *p - 0xf7;
    while (p < end) {
        size_t n = 1;
        if (*p >= 0xb8) {
            size_t digits = *p++ - 0xb7u;
            for (n = 0; digits > 0; digits--) n = n << 8 | *p++;
        } else if (*p >= 0x80) {
            n = *p++ - 0x80u;
        }
        assert_true(n <= (size_t)(end - p));
        if (i-- == 0) return (bp_span){ p, n };
        p += n;
    }
    fail_msg("the list is too short");
    return (bp_span){ NULL, 0 };
}

enum { HEADER_MIX = 13, HEADER_NONCE = 14 };

static struct bp_ethash_seal header_seal(const char *line) {
    struct bp_ethash_seal s = { .nonce = 0 };
    char text[2048];
    uint8_t rlp[1024];
    bp_hash hash, want;
    bp_u256 difficulty;
    assert_true(field(text, sizeof text, line, "header_rlp"));
    bp_span all = { rlp, test_unhex(rlp, sizeof rlp, text) };
    field_bytes(want.b, 32, line, "hash");
    bp_keccak256(&hash, all);
    assert_memory_equal(&hash, &want, sizeof hash);
    memcpy(s.mix.b, list_item(all, HEADER_MIX).p, 32);
    bp_span nonce = list_item(all, HEADER_NONCE);
    for (size_t i = 0; i < nonce.n; i++) s.nonce = s.nonce << 8 | nonce.p[i];
    field_bytes(s.seal_hash.b, 32, line, "seal_hash");
    assert_true(field(text, sizeof text, line, "difficulty"));
    assert_int_equal(bp_u256_parse(&difficulty, text), 0);
    bp_ethash_boundary(&s.boundary, &difficulty);
    s.light = light_of(field_u64(line, "number"),
                       (uint32_t)field_u64(line, "epoch_length"));
    return s;
}

static struct bp_ethash_seal header[16];
static bool header_ok[16];
static size_t n_headers;

static void one_header(const char *line) {
    struct bp_ethash_seal s = header_seal(line);
    char ok[8];
    assert_true(field(ok, sizeof ok, line, "ok"));
    assert_true(n_headers < 16);
    header[n_headers] = s;
    header_ok[n_headers++] = strcmp(ok, "true") == 0;
}

/* Real headers of six epochs in one batch. */
static void headers_of_mixed_epochs(void **state) {
    (void)state;
    n_headers = 0;
    each_vector("header", one_header);
    for (size_t l = 0; l < LEVELS; l++) {
        struct bp_ethash_tuning t = bp_ethash_tuning_default(levels[l]);
        int verdict[16];
        bp_ethash_verify(verdict, header, n_headers, &t, work);
        for (size_t i = 0; i < n_headers; i++)
            assert_int_equal(verdict[i], header_ok[i] ? 0 : BP_ERR_SEAL_WORK);
    }
}

static int verdict_of(const struct bp_ethash_seal *s) {
    struct bp_ethash_tuning t = bp_ethash_tuning_default(bp_cpu_detect());
    int v;
    bp_ethash_verify(&v, s, 1, &t, work);
    return v;
}

/* Any bit of the nonce, the mix or the seal hash: no longer a seal. With the
   boundary out of the way only the data set can tell, and does. */
static void every_flipped_bit_is_refused(void **state) {
    (void)state;
    n_headers = 0;
    each_vector("header", one_header);
    size_t good = 0;
    while (!header_ok[good]) good++;
    struct bp_ethash_seal loose = header[good];
    memset(&loose.boundary, 0xff, sizeof loose.boundary);
    assert_int_equal(verdict_of(&header[good]), 0);
    assert_int_equal(verdict_of(&loose), 0);
    for (unsigned bit = 0; bit < 256; bit++) {
        uint8_t flip = (uint8_t)(1u << bit % 8);
        struct bp_ethash_seal s = header[good];
        s.seal_hash.b[bit / 8] ^= flip;
        assert_int_equal(verdict_of(&s), BP_ERR_SEAL_WORK);
        s = header[good];
        s.mix.b[bit / 8] ^= flip;
        assert_int_equal(verdict_of(&s), BP_ERR_SEAL_WORK);
        s = loose;
        s.mix.b[bit / 8] ^= flip;
        assert_int_equal(verdict_of(&s), BP_ERR_SEAL_MIX);
        if (bit >= 64) continue;
        s = header[good];
        s.nonce ^= 1ull << bit;
        assert_int_equal(verdict_of(&s), BP_ERR_SEAL_WORK);
        s = loose;
        s.nonce ^= 1ull << bit;
        assert_int_equal(verdict_of(&s), BP_ERR_SEAL_MIX);
    }
}

/* ---- a tiny data set: everything else --------------------------------- */

enum { TINY_ITEMS = 257, TINY_DATASET = 128 * 1021 };
static _Alignas(64) uint8_t tiny_cache[TINY_ITEMS * 64];
static struct bp_ethash_light tiny;

static int make_tiny(void **state) {
    (void)state;
    bp_hash seed;
    struct bp_ethash_build b;
    memset(&seed, 7, sizeof seed);
    bp_ethash_build_begin(&b, tiny_cache, sizeof tiny_cache, &seed);
    while (!bp_ethash_build_step(&b, 1, 1000, BP_CPU_PORTABLE)) {
    }
    return bp_ethash_light_init(&tiny, tiny_cache, sizeof tiny_cache,
                                TINY_DATASET);
}

/* All sizes of batch, all settings of the tuning: one hash at a time in plain
   C says what is right. */
static void tuning_changes_nothing(void **state) {
    (void)state;
    enum { N = 131 };
    struct bp_rng rng;
    bp_hash h[N];
    uint64_t nonce[N];
    static struct bp_ethash_result want[N], got[N + 1];
    struct bp_ethash_tuning one = bp_ethash_tuning_default(BP_CPU_PORTABLE);
    one.lanes = 1;
    bp_rng_seed(&rng, test_seed("tuning_changes_nothing", 21));
    for (size_t i = 0; i < N; i++) {
        bp_rng_bytes(&rng, &h[i], sizeof h[i]);
        nonce[i] = bp_rng_next(&rng);
    }
    bp_ethash_hash(want, &tiny, h, nonce, N, &one, work);
    for (size_t round = 0; round < 60; round++) {
        struct bp_ethash_tuning t = {
            .cpu = levels[round % LEVELS],
            .lanes = (uint16_t)bp_rng_below(&rng, 70),
            .distance = (uint16_t)bp_rng_below(&rng, 140),
            .hint = (enum bp_prefetch)bp_rng_below(&rng, 3),
        };
        size_t n = (size_t)bp_rng_below(&rng, N + 1);
        memset(got, 0xee, sizeof got);
        bp_ethash_hash(got, &tiny, h, nonce, n, &t, work + round % 64);
        assert_memory_equal(got, want, n * sizeof got[0]);
        for (size_t i = 0; i < sizeof got[0]; i++)
            assert_int_equal(((uint8_t *)&got[n])[i], 0xee);
    }
}

/* Caches of different lengths built together, in steps of odd sizes, equal
   each built alone in plain C. */
static void groups_build_the_same_caches(void **state) {
    (void)state;
    enum { K = 11, MAX = 400 };
    static _Alignas(64) uint8_t want[K][MAX * 64], got[K][MAX * 64];
    struct bp_rng rng;
    bp_rng_seed(&rng, test_seed("groups_build_the_same_caches", 22));
    for (size_t round = 0; round < 12; round++) {
        struct bp_ethash_build b[K], alone;
        size_t k = 1 + round % K;
        uint32_t step = 1 + (uint32_t)bp_rng_below(&rng, 300);
        for (size_t i = 0; i < k; i++) {
            bp_hash seed;
            size_t n = 64 * (2 + (size_t)bp_rng_below(&rng, MAX - 1));
            bp_rng_bytes(&rng, &seed, sizeof seed);
            memset(want[i], 0, sizeof want[i]);
            memset(got[i], 0, sizeof got[i]);
            bp_ethash_build_begin(&alone, want[i], n, &seed);
            while (!bp_ethash_build_step(&alone, 1, MAX, BP_CPU_PORTABLE)) {
            }
            bp_ethash_build_begin(&b[i], got[i], n, &seed);
        }
        while (!bp_ethash_build_step(b, k, step, levels[round % LEVELS])) {
        }
        assert_true(bp_ethash_build_step(b, k, step, levels[round % LEVELS]));
        assert_memory_equal(got, want, k * sizeof got[0]);
    }
}

/* A batch that mixes data sets, honest seals, foul mixes and missed
   boundaries: each verdict stands where its seal stands. */
static void verdicts_stand_in_place(void **state) {
    (void)state;
    enum { N = 200 };
    static struct bp_ethash_seal seal[N];
    static int want[N], got[N + 1];
    struct bp_rng rng;
    struct bp_ethash_light other;
    struct bp_ethash_tuning t = bp_ethash_tuning_default(bp_cpu_detect());
    assert_int_equal(
        bp_ethash_light_init(&other, tiny_cache, sizeof tiny_cache, 128 * 509),
        0);
    bp_rng_seed(&rng, test_seed("verdicts_stand_in_place", 23));
    for (size_t i = 0; i < N; i++) {
        struct bp_ethash_seal *s = &seal[i];
        struct bp_ethash_result r;
        bp_rng_bytes(&rng, &s->seal_hash, sizeof s->seal_hash);
        s->nonce = bp_rng_next(&rng);
        s->light = bp_rng_below(&rng, 3) == 0 ? &other : &tiny;
        bp_ethash_hash(&r, s->light, &s->seal_hash, &s->nonce, 1, &t, work);
        s->mix = r.mix;
        s->boundary = r.result; /* equal is good enough */
        want[i] = 0;
        switch (bp_rng_below(&rng, 4)) {
        case 0:
            memset(&s->boundary, 0xff, 32);
            s->mix.b[bp_rng_below(&rng, 32)] ^= 1;
            want[i] = BP_ERR_SEAL_MIX;
            break;
        case 1: /* one below the result */
            for (size_t k = 32; k-- > 0;)
                if (s->boundary.b[k]-- != 0) break;
            want[i] = BP_ERR_SEAL_WORK;
            break;
        case 2: memset(&s->boundary, 0xff, 32); break;
        default: break;
        }
    }
    for (size_t l = 0; l < LEVELS; l++) {
        t.cpu = levels[l];
        t.lanes = l == 0 ? 5 : 64;
        got[N] = 77;
        bp_ethash_verify(got, seal, N, &t, work);
        assert_memory_equal(got, want, sizeof want);
        assert_int_equal(got[N], 77);
    }
}

static void search_finds_the_first_nonce(void **state) {
    (void)state;
    bp_hash seal_hash, boundary;
    bp_u256 difficulty = bp_u256_from_u64(16);
    struct bp_ethash_tuning t = bp_ethash_tuning_default(bp_cpu_detect());
    struct bp_ethash_result r, one;
    memset(&seal_hash, 0x5a, sizeof seal_hash);
    bp_ethash_boundary(&boundary, &difficulty);
    uint64_t first = UINT64_MAX - 3, found = 0; /* wraps */
    assert_true(bp_ethash_search(&found, &r, &tiny, &seal_hash, &boundary,
                                 first, 2000, &t, work));
    for (uint64_t at = first;; at++) {
        bp_ethash_hash(&one, &tiny, &seal_hash, &at, 1, &t, work);
        bool met = bp_hash_cmp(&one.result, &boundary) <= 0;
        assert_int_equal(met, at == found);
        if (met) break;
    }
    assert_memory_equal(&r, &one, sizeof r);
    struct bp_ethash_seal s = { .seal_hash = seal_hash,
                                .nonce = found,
                                .mix = r.mix,
                                .boundary = boundary,
                                .light = &tiny };
    assert_int_equal(verdict_of(&s), 0);
    /* one try too few, and none */
    assert_false(bp_ethash_search(&found, &r, &tiny, &seal_hash, &boundary,
                                  first, s.nonce - first, &t, work));
    assert_false(bp_ethash_search(&found, &r, &tiny, &seal_hash, &boundary,
                                  first, 0, &t, work));
}

static void bounds(void **state) {
    (void)state;
    struct bp_ethash_epoch e;
    uint64_t last = 2048ull * 30000 - 1;
    assert_int_equal(bp_ethash_epoch_at(&e, last, BP_ETHASH_EPOCH_BLOCKS), 0);
    assert_int_equal(e.number, 2047);
    assert_int_equal(bp_ethash_epoch_at(&e, last + 1, BP_ETHASH_EPOCH_BLOCKS),
                     BP_ERR_SEAL_EPOCH);
    assert_int_equal(bp_ethash_epoch_at(&e, last + 1, BP_ETCHASH_EPOCH_BLOCKS),
                     0);
    assert_int_equal(e.number, 1024);
    assert_int_equal(
        bp_ethash_epoch_at(&e, UINT64_MAX, BP_ETCHASH_EPOCH_BLOCKS),
        BP_ERR_SEAL_EPOCH);
    struct bp_ethash_light l;
    const size_t c = sizeof tiny_cache;
    const uint64_t d = TINY_DATASET;
    assert_int_equal(bp_ethash_light_init(&l, tiny_cache, c, d), 0);
    assert_int_equal(bp_ethash_light_init(&l, tiny_cache, c - 1, d),
                     BP_ERR_RANGE);
    assert_int_equal(bp_ethash_light_init(&l, tiny_cache, 64, d), BP_ERR_RANGE);
    assert_int_equal(bp_ethash_light_init(&l, tiny_cache, c, d + 64),
                     BP_ERR_RANGE);
    assert_int_equal(bp_ethash_light_init(&l, tiny_cache, c, 0), BP_ERR_RANGE);
    assert_int_equal(bp_ethash_light_init(&l, tiny_cache, c, 128ull << 31),
                     BP_ERR_RANGE);
}

/* Names and magic are go-ethereum's; the digest is one of Keccak-256 over the
   pieces, whatever the size of the last. */
static void files(void **state) {
    (void)state;
    enum { PIECE = 64 * 1024, MAX = 3 * PIECE };
    char name[BP_ETHASH_FILE_NAME_MAX];
    uint8_t head[BP_ETHASH_FILE_HEAD];
    uint8_t *p = calloc(1, MAX);
    assert_non_null(p);
    bp_ethash_file_name(name, (struct bp_ethash_epoch){ 1, 30000 });
    assert_string_equal(name, "cache-R23-290decd9548b62a8");
    bp_ethash_file_name(name, (struct bp_ethash_epoch){ 1, 60000 });
    assert_string_equal(name, "cache-R23-510e4e770828ddbf-60000");
    bp_ethash_file_head(head);
    assert_memory_equal(head, "\xfe\xca\xdd\xba\xad\xde\xe1\xfe", 8);
    for (size_t n = 64; n <= MAX; n += n < 128 ? 64 : 32704) {
        bp_hash piece[MAX / PIECE], want, got;
        size_t k = 0;
        p[n - 1] ^= (uint8_t)n;
        for (size_t at = 0; at < n; at += PIECE, k++)
            bp_keccak256(&piece[k],
                         (bp_span){ p + at, n - at < PIECE ? n - at : PIECE });
        bp_keccak256(&want, (bp_span){ piece[0].b, k * sizeof piece[0] });
        bp_ethash_file_digest(&got, (bp_span){ p, n });
        assert_memory_equal(&got, &want, sizeof got);
    }
    free(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(sizes),
        T(seeds),
        T(boundaries),
        T(build_caches),
        T(cache_hashes),
        T(dataset_items),
        T(hashimotos),
        T(small_hashimoto),
        T(headers_of_mixed_epochs),
        T(every_flipped_bit_is_refused),
        T(tuning_changes_nothing),
        T(groups_build_the_same_caches),
        T(verdicts_stand_in_place),
        T(search_finds_the_first_nonce),
        T(bounds),
        T(files),
    };
    return cmocka_run_group_tests(tests, make_tiny, NULL);
}
