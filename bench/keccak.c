/* keccak: Keccak-256 of 540 bytes, the size of a header or a trie's branch.

   keccak256_540_single   one message at a time, the level in use
   keccak256_540_avx2     messages in batches of 192, AVX2 alone
   keccak256_540_avx512   the same with AVX-512

   The reference is SHA3-256 of OpenSSL or of nettle, whichever is faster in
   this run: another padding byte, the same permutations. BLOCKPOOL_CPU limits
   the level; lines that it or the machine excludes are left out. */
#include <stdio.h>
#include <stdlib.h>

#include <nettle/sha3.h>
#include <openssl/evp.h>

#include "blockpool/keccak.h"
#include "lib/bench.h"
#include "lib/cpu.h"

enum { MESSAGES = 192, SIZE = 540, ROUNDS = 21, REPEAT = 8 };

static uint8_t message[MESSAGES][SIZE];
static bp_span in[MESSAGES];
static bp_hash out[MESSAGES];
static EVP_MD_CTX *evp;
static EVP_MD *evp_md;

static void by_openssl(void) {
    for (int i = 0; i < MESSAGES; i++) {
        if (!EVP_DigestInit_ex(evp, evp_md, NULL) ||
            !EVP_DigestUpdate(evp, message[i], SIZE) ||
            !EVP_DigestFinal_ex(evp, out[i].b, NULL))
            abort();
    }
}

static void by_nettle(void) {
    struct sha3_256_ctx c;
    sha3_256_init(&c);
    for (int i = 0; i < MESSAGES; i++) {
        sha3_256_update(&c, SIZE, message[i]);
        sha3_256_digest(&c, sizeof out[i].b, out[i].b);
    }
}

static void by_one(void) {
    for (int i = 0; i < MESSAGES; i++) bp_keccak256(&out[i], in[i]);
}

static void by_many(void) {
    bp_keccak256_many(out, in, MESSAGES);
}

/* What is measured, each at a level, in turns. */
static struct contender {
    const char *name;
    void (*run)(void);
    enum bp_cpu cpu;
    double rate[ROUNDS]; /* hashes a second */
} contenders[] = {
    { NULL, by_openssl, BP_CPU_PORTABLE, { 0 } },
    { NULL, by_nettle, BP_CPU_PORTABLE, { 0 } },
    { "keccak256_540_single", by_one, BP_CPU_AVX512, { 0 } },
    { "keccak256_540_single_avx2", by_one, BP_CPU_AVX2, { 0 } },
    { "keccak256_540_single_portable", by_one, BP_CPU_PORTABLE, { 0 } },
    { "keccak256_540_avx2", by_many, BP_CPU_AVX2, { 0 } },
    { "keccak256_540_avx512", by_many, BP_CPU_AVX512, { 0 } },
};
enum { N = sizeof contenders / sizeof contenders[0], REFS = 2 };

static double rate_of(const struct contender *c) {
    bp_cpu_use(c->cpu);
    double from = bench_cpu_s();
    for (int i = 0; i < REPEAT; i++) {
        c->run();
        bench_use(out);
    }
    return MESSAGES * REPEAT / (bench_cpu_s() - from);
}

int main(void) {
    struct bp_rng rng;
    enum bp_cpu limit = bench_level();
    bp_rng_seed(&rng, 1);
    bp_rng_bytes(&rng, message, sizeof message);
    for (int i = 0; i < MESSAGES; i++) in[i] = (bp_span){ message[i], SIZE };
    evp = EVP_MD_CTX_new();
    evp_md = EVP_MD_fetch(NULL, "SHA3-256", NULL);
    if (evp == NULL || evp_md == NULL) return 1;
    for (int r = -1; r < ROUNDS; r++) {
        for (int i = 0; i < N; i++) {
            struct contender *c = &contenders[i];
            if (i == REFS && c->cpu > limit) c->cpu = limit;
            if (c->cpu > limit) continue;
            double rate = rate_of(c);
            if (r >= 0) c->rate[r] = rate; /* the first turn warms up */
        }
    }
    double ref = 0;
    for (int i = 0; i < REFS; i++) {
        double rate = bench_median(contenders[i].rate, ROUNDS);
        if (rate > ref) ref = rate;
    }
    for (int i = REFS; i < N; i++) {
        if (contenders[i].cpu > limit) continue;
        bench_json_ref("keccak", contenders[i].name,
                       bench_median(contenders[i].rate, ROUNDS), "hashes/s",
                       ref);
    }
    EVP_MD_free(evp_md);
    EVP_MD_CTX_free(evp);
    return 0;
}
