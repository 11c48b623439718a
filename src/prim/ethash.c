/* ethash: seals, in batches.

   Up to 64 headers of one epoch advance together: each of the 64 accesses
   names one page per header, the pages' items are computed in 128 lanes, and
   folded into the headers' mixes. What differs between instruction sets stands
   behind struct bp_ethash_ops. */
#include <assert.h>

#include "prim/ethash_impl.h"

enum {
    MIX_WORDS = BP_ETHASH_PAGE / 4,
    LANES = 2 * BP_ETHASH_LANES_MAX,
    RESULT_IN = 64 + 32, /* what the result is the hash of */
};

/* The caller's working memory, once aligned. */
struct work {
    uint8_t item[LANES][BP_ETHASH_LINE];
    uint8_t mix[BP_ETHASH_LANES_MAX][BP_ETHASH_PAGE];
    uint8_t s[BP_ETHASH_LANES_MAX][RESULT_IN]; /* s, then the short mix */
    _Alignas(64) uint32_t nr[LANES];
    _Alignas(64) uint32_t key[LANES];
    const uint8_t *next[LANES];
    bp_hash seal_hash[BP_ETHASH_LANES_MAX];
    uint64_t nonce[BP_ETHASH_LANES_MAX];
    uint32_t who[BP_ETHASH_LANES_MAX]; /* place of the seal in its batch */
    struct bp_ethash_result result[BP_ETHASH_LANES_MAX];
};
_Static_assert(sizeof(struct work) + 64 <= BP_ETHASH_WORK_SIZE,
               "the public size holds the work and its alignment");

static struct work *align_work(void *p) {
    return (struct work *)(((uintptr_t)p + 63) & ~(uintptr_t)63);
}

int bp_ethash_light_init(struct bp_ethash_light *l, const uint8_t *cache,
                         size_t cache_n, uint64_t dataset_n) {
    uint64_t items = cache_n / BP_ETHASH_LINE;
    uint64_t pages = dataset_n / BP_ETHASH_PAGE;
    if (cache_n % BP_ETHASH_LINE != 0 || dataset_n % BP_ETHASH_PAGE != 0 ||
        items < 2 || pages < 2 || items >= UINT32_MAX || pages > UINT32_MAX / 2)
        return BP_ERR_RANGE;
    *l = (struct bp_ethash_light){
        .cache = cache,
        .items = (uint32_t)items,
        .pages = (uint32_t)pages,
        .inv_items = bp_fastmod_inv((uint32_t)items),
        .inv_pages = bp_fastmod_inv((uint32_t)pages),
    };
    return 0;
}

struct bp_ethash_tuning bp_ethash_tuning_default(enum bp_cpu cpu) {
    return (struct bp_ethash_tuning){
        .cpu = cpu,
        .lanes = BP_ETHASH_LANES_MAX,
        .distance = LANES,
        .hint = BP_PREFETCH_T1,
    };
}

/* s = keccak512(seal hash + nonce, little-endian). */
static void seed_hash(uint8_t s[64], const bp_hash *seal_hash, uint64_t nonce) {
    uint8_t in[40];
    memcpy(in, seal_hash->b, 32);
    store_le64(in + 32, nonce);
    bp_keccak512(s, (bp_span){ in, sizeof in });
}

int bp_ethash_precheck(const struct bp_ethash_seal *seal) {
    uint8_t in[RESULT_IN];
    bp_hash result;
    seed_hash(in, &seal->seal_hash, seal->nonce);
    memcpy(in + 64, seal->mix.b, 32);
    bp_keccak256(&result, (bp_span){ in, sizeof in });
    return bp_hash_cmp(&result, &seal->boundary) <= 0 ? 0 : BP_ERR_SEAL_WORK;
}

/* The items each header reads at access number `access`. */
static void pick_pages(struct work *w, const struct bp_ethash_light *light,
                       size_t n, uint32_t access) {
    for (size_t h = 0; h < n; h++) {
        uint32_t word = load_le32(w->mix[h] + 4 * (access % MIX_WORDS));
        uint32_t t = bp_fnv(access ^ load_le32(w->s[h]), word);
        uint32_t page = bp_fastmod(t, light->inv_pages, light->pages);
        w->nr[2 * h] = 2 * page;
        w->nr[2 * h + 1] = 2 * page + 1;
    }
}

/* Squeezes 128 bytes of mix into the 32 that the header carries. */
static void shorten(uint8_t out[32], const uint8_t mix[BP_ETHASH_PAGE]) {
    for (size_t i = 0; i < MIX_WORDS; i += 4) {
        uint32_t v = load_le32(mix + 4 * i);
        for (size_t k = 1; k < 4; k++)
            v = bp_fnv(v, load_le32(mix + 4 * (i + k)));
        store_le32(out + i, v);
    }
}

/* w->seal_hash and w->nonce of n <= 64 headers to w->result. */
static void hash_group(struct work *w, const struct bp_ethash_light *light,
                       size_t n, const struct bp_ethash_tuning *t) {
    const struct bp_ethash_ops *ops = bp_ethash_ops_of(t->cpu);
    unsigned lanes = (unsigned)(2 * n);
    struct bp_ethash_items job = {
        .light = light,
        .mix = w->item[0],
        .nr = w->nr,
        .next = w->next,
        .key = w->key,
        .lanes = lanes,
        .distance = t->distance < 1       ? 1
                    : t->distance > lanes ? lanes
                                          : t->distance,
        .hint = t->hint,
    };
    for (size_t h = 0; h < n; h++) {
        seed_hash(w->s[h], &w->seal_hash[h], w->nonce[h]);
        memcpy(w->mix[h], w->s[h], 64);
        memcpy(w->mix[h] + 64, w->s[h], 64);
    }
    for (uint32_t i = 0; i < BP_ETHASH_ACCESSES; i++) {
        pick_pages(w, light, n, i);
        bp_ethash_items(&job, t->cpu);
        ops->fold(w->mix[0], w->item[0], n * MIX_WORDS);
    }
    for (size_t h = 0; h < n; h++) {
        shorten(w->s[h] + 64, w->mix[h]);
        memcpy(w->result[h].mix.b, w->s[h] + 64, 32);
        bp_keccak256(&w->result[h].result, (bp_span){ w->s[h], RESULT_IN });
    }
}

static size_t group_size(const struct bp_ethash_tuning *t) {
    if (t->lanes < 1) return 1;
    return t->lanes > BP_ETHASH_LANES_MAX ? BP_ETHASH_LANES_MAX : t->lanes;
}

void bp_ethash_hash(struct bp_ethash_result *out,
                    const struct bp_ethash_light *light,
                    const bp_hash *seal_hash, const uint64_t *nonce, size_t n,
                    const struct bp_ethash_tuning *tuning, void *work) {
    struct work *w = align_work(work);
    for (size_t at = 0, k; at < n; at += k) {
        k = n - at < group_size(tuning) ? n - at : group_size(tuning);
        memcpy(w->seal_hash, seal_hash + at, k * sizeof *seal_hash);
        memcpy(w->nonce, nonce + at, k * sizeof *nonce);
        hash_group(w, light, k, tuning);
        memcpy(out + at, w->result, k * sizeof *out);
    }
}

/* Not a verdict: the seal passed the cheap check and waits for the full one. */
enum { PENDING = 1 };

/* Verifies up to a group of the pending seals from `first` on that share its
   data set. */
static void verify_group(int *verdict, const struct bp_ethash_seal *seal,
                         size_t n, size_t first,
                         const struct bp_ethash_tuning *t, struct work *w) {
    const struct bp_ethash_light *light = seal[first].light;
    size_t k = 0;
    for (size_t i = first; i < n && k < group_size(t); i++) {
        if (verdict[i] != PENDING || seal[i].light != light) continue;
        w->seal_hash[k] = seal[i].seal_hash;
        w->nonce[k] = seal[i].nonce;
        w->who[k++] = (uint32_t)(i - first);
    }
    hash_group(w, light, k, t);
    for (size_t h = 0; h < k; h++) {
        size_t i = first + w->who[h];
        bool same = bp_hash_eq(&w->result[h].mix, &seal[i].mix);
        verdict[i] = same ? 0 : BP_ERR_SEAL_MIX;
    }
}

void bp_ethash_verify(int *verdict, const struct bp_ethash_seal *seal, size_t n,
                      const struct bp_ethash_tuning *tuning, void *work) {
    struct work *w = align_work(work);
    for (size_t i = 0; i < n; i++)
        verdict[i] =
            bp_ethash_precheck(&seal[i]) == 0 ? PENDING : BP_ERR_SEAL_WORK;
    for (size_t i = 0; i < n; i++)
        if (verdict[i] == PENDING) verify_group(verdict, seal, n, i, tuning, w);
}

bool bp_ethash_search(uint64_t *nonce, struct bp_ethash_result *out,
                      const struct bp_ethash_light *light,
                      const bp_hash *seal_hash, const bp_hash *boundary,
                      uint64_t first, uint64_t tries,
                      const struct bp_ethash_tuning *tuning, void *work) {
    struct work *w = align_work(work);
    while (tries > 0) {
        size_t k = group_size(tuning);
        if (k > tries) k = (size_t)tries;
        for (size_t h = 0; h < k; h++) {
            w->seal_hash[h] = *seal_hash;
            w->nonce[h] = first + h;
        }
        hash_group(w, light, k, tuning);
        for (size_t h = 0; h < k; h++) {
            if (bp_hash_cmp(&w->result[h].result, boundary) > 0) continue;
            *nonce = w->nonce[h];
            *out = w->result[h];
            return true;
        }
        first += k;
        tries -= k;
    }
    return false;
}

void bp_ethash_dataset_item(uint8_t out[64],
                            const struct bp_ethash_light *light,
                            uint32_t index) {
    enum { ROOM = 8, TWICE = 2 }; /* lanes come in pairs */
    _Alignas(64) uint8_t mix[TWICE * BP_ETHASH_LINE];
    _Alignas(64) uint32_t nr[ROOM] = { index, index }, key[ROOM];
    const uint8_t *next[TWICE];
    const struct bp_ethash_items job = {
        .light = light,
        .mix = mix,
        .nr = nr,
        .next = next,
        .key = key,
        .lanes = TWICE,
        .distance = TWICE,
    };
    bp_ethash_items(&job, bp_cpu_used());
    memcpy(out, mix, BP_ETHASH_LINE);
}
