/* keccak: the sponge over one state, and the table of permutations. */
#include <string.h>

#include "prim/keccak_impl.h"
#include "prim/le.h"

static const struct bp_keccak_ops rows[] = {
    [BP_CPU_PORTABLE] = { .permute = bp_keccak_permute_portable },
#if defined(__x86_64__)
    [BP_CPU_AVX2] = {
        .permute = bp_keccak_permute_bmi,
        .wide = { { 4, bp_keccak_absorb_avx2, bp_keccak_line512_avx2 } },
    },
    [BP_CPU_AVX512] = {
        .permute = bp_keccak_permute_xmm,
        .wide = { { 8, bp_keccak_absorb_avx512, bp_keccak_line512_avx512 },
                  { 4, bp_keccak_absorb_vl, bp_keccak_line512_vl },
                  { 2, NULL, bp_keccak_line512_xmm } },
    },
#endif
};

const struct bp_keccak_ops *bp_keccak_ops_of(enum bp_cpu cpu) {
    enum bp_cpu best = bp_cpu_detect();
    return &rows[cpu < best ? cpu : best];
}

const struct bp_keccak_ops *bp_keccak_ops(void) {
    return &rows[bp_cpu_used()]; /* was lowered when it was set */
}

static void absorb_block(const struct bp_keccak_ops *ops, uint64_t a[25],
                         const uint8_t *block, size_t rate) {
    for (size_t i = 0; i < rate / 8; i++) a[i] ^= load_le64(block + 8 * i);
    ops->permute(a);
}

/* Pads the last, partial block (multi-rate padding, domain byte 0x01) and
   squeezes a digest no longer than the rate. */
static void finish(const struct bp_keccak_ops *ops, uint64_t a[25],
                   const uint8_t *rest, size_t n, size_t rate, uint8_t *out,
                   size_t out_n) {
    uint8_t last[BP_KECCAK256_RATE];
    memset(last, 0, rate);
    if (n > 0) memcpy(last, rest, n);
    last[n] = 0x01;
    last[rate - 1] |= 0x80;
    absorb_block(ops, a, last, rate);
    for (size_t i = 0; i < out_n / 8; i++) store_le64(out + 8 * i, a[i]);
}

static void one_shot(uint8_t *out, size_t out_n, size_t rate, bp_span in) {
    const struct bp_keccak_ops *ops = bp_keccak_ops();
    uint64_t a[25] = { 0 };
    for (; in.n >= rate; in.p += rate, in.n -= rate)
        absorb_block(ops, a, in.p, rate);
    finish(ops, a, in.p, in.n, rate, out, out_n);
}

void bp_keccak256(bp_hash *out, bp_span in) {
    one_shot(out->b, sizeof out->b, BP_KECCAK256_RATE, in);
}

void bp_keccak512(uint8_t out[64], bp_span in) {
    one_shot(out, 64, BP_KECCAK512_RATE, in);
}

void bp_keccak256_init(struct bp_keccak *k) {
    memset(k, 0, sizeof *k);
    k->rate = BP_KECCAK256_RATE;
}

void bp_keccak512_init(struct bp_keccak *k) {
    memset(k, 0, sizeof *k);
    k->rate = BP_KECCAK512_RATE;
}

void bp_keccak_update(struct bp_keccak *k, const void *p, size_t n) {
    const struct bp_keccak_ops *ops = bp_keccak_ops();
    const uint8_t *in = p;
    if (n == 0) return;
    if (k->fill > 0) {
        size_t room = (size_t)k->rate - k->fill;
        size_t part = n < room ? n : room;
        memcpy(k->block + k->fill, in, part);
        k->fill = (uint8_t)(k->fill + part);
        in += part;
        n -= part;
        if (k->fill < k->rate) return;
        absorb_block(ops, k->a, k->block, k->rate);
        k->fill = 0;
    }
    for (; n >= k->rate; in += k->rate, n -= k->rate)
        absorb_block(ops, k->a, in, k->rate);
    if (n > 0) memcpy(k->block, in, n);
    k->fill = (uint8_t)n;
}

void bp_keccak_digest(const struct bp_keccak *k, uint8_t *out) {
    uint64_t a[25];
    memcpy(a, k->a, sizeof a);
    size_t out_n = k->rate == BP_KECCAK256_RATE ? 32 : 64;
    finish(bp_keccak_ops(), a, k->block, k->fill, k->rate, out, out_n);
}
