/* wire: what carrying a byte costs, on one core and one direction.

   seal_N, open_N     a frame of N bytes: AES and MAC. The reference is one
                      Keccak-256 over as many bytes, which is the MAC's bound
   headers_send       1024 real headers as a message: Snappy and a frame, of
   headers_recv       bytes before compression. The reference is Keccak-256 of
                      the bytes that travel, told per byte before compression
   handshake          both sides, from two keys to two READY, microseconds

   All rates in MB/s (10^6). The contenders of one line take turns. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blockpool/rlp.h"
#include "lib/bench.h"
#include "lib/cpu.h"
#include "lib/test.h"
#include "prim/snappy.h"
#include "rlpx/frame.h"

enum { ROUNDS = 15 };

static void must(int err) {
    if (err == 0) return;
    fprintf(stderr, "bench wire: %s\n", bp_strerror(err));
    abort();
}

/* ---- frames ---------------------------------------------------------- */

static struct bp_frames frames_a, frames_b;
static uint8_t *frame;
static struct bp_keccak running;

static void make_frames(void) {
    struct bp_rlpx_secrets s;
    memset(&s, 7, sizeof s);
    bp_keccak256_init(&s.egress);
    bp_keccak256_init(&s.ingress);
    must(bp_frames_init(&frames_a, &s));
    must(bp_frames_init(&frames_b, &s));
    bp_keccak256_init(&running);
}

static double took_keccak(size_t n, size_t times) {
    uint8_t digest[32];
    double from = bench_cpu_s();
    for (size_t i = 0; i < times; i++)
        bp_keccak_update(&running, frame + BP_FRAME_HEAD, n);
    bp_keccak_digest(&running, digest);
    bench_use(digest);
    return bench_cpu_s() - from;
}

/* Seals and opens frames of n bytes; the two times are told apart. */
static void took_frames(double *seal, double *open, size_t n, size_t times) {
    *seal = *open = 0;
    for (size_t i = 0; i < times; i++) {
        double a = bench_cpu_s();
        bp_frame_seal(&frames_a, frame, n);
        double b = bench_cpu_s();
        size_t got;
        must(bp_frame_open_head(&got, &frames_b, frame));
        must(bp_frame_open_body(&frames_b, frame + BP_FRAME_HEAD, n));
        *open += bench_cpu_s() - b;
        *seal += b - a;
    }
}

static void bench_frames(size_t n) {
    double seal[ROUNDS], open[ROUNDS], ref[ROUNDS];
    char name[32];
    size_t times = (4u << 20) / n;
    double mb = (double)n * (double)times / 1e6;
    frame = calloc(1, BP_FRAME_HEAD + bp_frame_body_size(n));
    for (int i = 0; i < ROUNDS; i++) {
        ref[i] = mb / took_keccak(n, times);
        took_frames(&seal[i], &open[i], n, times);
        seal[i] = mb / seal[i];
        open[i] = mb / open[i];
    }
    free(frame);
    double bound = bench_median(ref, ROUNDS);
    snprintf(name, sizeof name, "seal_%zu", n);
    bench_json_ref("wire", name, bench_median(seal, ROUNDS), "MB/s", bound);
    snprintf(name, sizeof name, "open_%zu", n);
    bench_json_ref("wire", name, bench_median(open, ROUNDS), "MB/s", bound);
}

/* ---- sessions -------------------------------------------------------- */

static const struct bp_rlpx_cap eth[] = { { "eth", 68, 17 } };
static struct bp_rlpx *a, *b;

/* Moves all that waits; returns the last event that is not NONE. */
static struct bp_rlpx_event carry(struct bp_rlpx *from, struct bp_rlpx *to) {
    struct bp_rlpx_event ev, last = { 0 };
    for (bp_span out; (out = bp_rlpx_pending(from)).n > 0;) {
        bp_span in = out;
        while (in.n > 0) {
            must(bp_rlpx_recv(to, &ev, &in));
            if (ev.type != BP_RLPX_NONE) last = ev;
        }
        bp_rlpx_sent(from, out.n);
    }
    return last;
}

static void meet(void) {
    static const uint8_t key_a[32] = { 1 }, key_b[32] = { 2 };
    static uint8_t random_a[BP_RLPX_RANDOM], random_b[BP_RLPX_RANDOM];
    static uint8_t remote[64];
    memset(random_a, 3, sizeof random_a);
    memset(random_b, 4, sizeof random_b);
    if (remote[0] == 0) must(bp_rlpx_public_key(remote, key_b));
    struct bp_rlpx_config ca = { .static_key = key_a,
                                 .remote = remote,
                                 .random = random_a,
                                 .client = "bench",
                                 .offers = eth,
                                 .n_offers = 1 };
    struct bp_rlpx_config cb = ca;
    cb.static_key = key_b;
    cb.remote = NULL;
    cb.random = random_b;
    must(bp_rlpx_new(&a, &ca));
    must(bp_rlpx_new(&b, &cb));
    carry(a, b);
    carry(b, a);
    carry(a, b);
}

static void part(void) {
    bp_rlpx_free(a);
    bp_rlpx_free(b);
}

static void bench_handshake(void) {
    double took[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        double from = bench_cpu_s();
        for (int k = 0; k < 20; k++) {
            meet();
            part();
        }
        took[i] = (bench_cpu_s() - from) / 20 * 1e6;
    }
    bench_json("wire", "handshake", bench_median(took, ROUNDS), "us");
}

/* The first 1024 headers of an era1 file, as a BlockHeaders payload. */
static uint8_t *headers_payload(size_t *n) {
    const char *path = test_data("chains/mainnet-00000-5ec1ffb8.era1");
    size_t size, at = 0, found = 0, total = 0, one;
    if (path == NULL) return NULL;
    uint8_t *file = test_read(path, &size);
    uint8_t *items = malloc((size_t)1 << 20), *out = malloc((1u << 20) + 64);
    while (at + 8 <= size && found < 1024) {
        const uint8_t *e = file + at;
        size_t len = e[2] | (size_t)e[3] << 8 | (size_t)e[4] << 16;
        if (e[0] == 0x03) {
            must(bp_snappy_frame_decode(items + total, (1u << 20) - total, &one,
                                        (bp_span){ e + 8, len }));
            total += one;
            found++;
        }
        at += 8 + len;
    }
    struct bp_rlp_w w = { out, (1u << 20) + 64, 0 };
    bp_rlp_put_list(&w, 1 + bp_rlp_size_list(total));
    bp_rlp_put_u64(&w, 1);
    bp_rlp_put_list(&w, total);
    bp_rlp_put_raw(&w, items, total);
    must(bp_rlp_done(&w));
    free(items);
    free(file);
    *n = w.n;
    return out;
}

static void bench_headers(void) {
    double send[ROUNDS], recv[ROUNDS], ref[ROUNDS];
    size_t n;
    uint8_t *payload = headers_payload(&n);
    if (payload == NULL) return;
    double mb = (double)n / 1e6;
    meet();
    for (int i = 0; i < ROUNDS; i++) {
        double from = bench_cpu_s();
        must(bp_rlpx_send(a, 0, 4, (bp_span){ payload, n }));
        send[i] = mb / (bench_cpu_s() - from);
        size_t wire = bp_rlpx_queued(a);
        frame = calloc(1, BP_FRAME_HEAD + wire);
        ref[i] = mb / took_keccak(wire, 1);
        free(frame);
        from = bench_cpu_s();
        struct bp_rlpx_event ev = carry(a, b);
        recv[i] = mb / (bench_cpu_s() - from);
        if (ev.type != BP_RLPX_MESSAGE || ev.payload.n != n) abort();
    }
    part();
    free(payload);
    double bound = bench_median(ref, ROUNDS);
    bench_json_ref("wire", "headers_send", bench_median(send, ROUNDS), "MB/s",
                   bound);
    bench_json_ref("wire", "headers_recv", bench_median(recv, ROUNDS), "MB/s",
                   bound);
}

int main(void) {
    bench_level();
    static const size_t sizes[] = { 256, 4096, 65536, 1 << 20 };
    make_frames();
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        bench_frames(sizes[i]);
    bp_frames_done(&frames_a);
    bp_frames_done(&frames_b);
    bench_headers();
    bench_handshake();
    return 0;
}
