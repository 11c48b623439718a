/* u256: division and decimal text, which difficulty and status lines use.
   The reference of a division is 128-bit hardware division of as many pairs. */
#include "blockpool/base.h"
#include "lib/bench.h"

__extension__ typedef unsigned __int128 u128;

#define PAIRS 4096

struct pairs {
    bp_u256 a[PAIRS], b[PAIRS];
};

static void divide(void *arg) {
    struct pairs *p = arg;
    bp_u256 q, m;
    for (int i = 0; i < PAIRS; i++) {
        bp_u256_divmod(&q, &m, &p->a[i], &p->b[i]);
        bench_use(&q);
    }
}

static void divide_128(void *arg) {
    struct pairs *p = arg;
    for (int i = 0; i < PAIRS; i++) {
        u128 a = p->a[i].w[0], b = p->b[i].w[0] | 1;
        u128 q = (a << 64 | p->a[i].w[1]) / b;
        bench_use(&q);
    }
}

static void to_text(void *arg) {
    struct pairs *p = arg;
    char text[BP_U256_DEC_MAX];
    for (int i = 0; i < PAIRS; i++) {
        bp_u256_to_dec(text, &p->a[i]);
        bench_use(text);
    }
}

int main(void) {
    static struct pairs p;
    struct bp_rng r;
    bp_rng_seed(&r, 1);
    bp_rng_bytes(&r, p.a, sizeof p.a);
    bp_rng_bytes(&r, p.b, sizeof p.b);
    /* Divisors of 1 to 256 bits, never 0. */
    for (int i = 0; i < PAIRS; i++) {
        p.b[i] = bp_u256_shr(&p.b[i], (unsigned)bp_rng_below(&r, 256));
        if (bp_u256_is_zero(&p.b[i])) p.b[i].w[0] = 1;
    }
    double scale = 1e9 / PAIRS, ref = bench_time_s(divide_128, &p, 15) * scale;
    bench_json_ref("u256", "divmod_ns", bench_time_s(divide, &p, 15) * scale,
                   "ns", ref);
    bench_json("u256", "to_dec_ns", bench_time_s(to_text, &p, 15) * scale,
               "ns");
    return 0;
}
