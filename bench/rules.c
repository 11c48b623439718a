/* rules: headers decoded, hashed and checked against every rule but the seal,
   and bodies decoded and their roots computed, in batches as sync makes them.
   Beside each, OpenSSL's SHA3-256 over the same bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <openssl/evp.h>

#include "blockpool/files.h"
#include "blockpool/keccak.h"
#include "blockpool/rules.h"
#include "lib/bench.h"
#include "lib/cpu.h"
#include "lib/test.h"

enum {
    HEADERS_BATCH = 192, /* a reply of headers */
    BODIES_BATCH = 64,
    LARGE_TXS = 60, /* transactions of a block that counts as large */
    RUNS = 15,
    LEAST_BYTES = 4 << 20, /* that one run goes through */
};

struct spans {
    bp_span *v;
    size_t n, cap, bytes;
};

static void keep(struct spans *s, bp_span in) {
    uint8_t *p = malloc(in.n + 1);
    if (s->n == s->cap)
        s->v = realloc(s->v, (s->cap = 2 * s->cap + 64) * sizeof *s->v);
    if (p == NULL || s->v == NULL) abort();
    memcpy(p, in.p, in.n);
    s->v[s->n++] = (bp_span){ p, in.n };
    s->bytes += in.n;
}

static void must(bool ok, const char *what) {
    if (ok) return;
    fprintf(stderr, "bench/rules: %s\n", what);
    exit(1);
}

/* ---- OpenSSL ------------------------------------------------------------- */

static void sha3_all(void *arg) {
    static EVP_MD_CTX *ctx;
    static EVP_MD *md;
    const struct spans *s = arg;
    uint8_t out[32];
    if (ctx == NULL) {
        ctx = EVP_MD_CTX_new();
        md = EVP_MD_fetch(NULL, "SHA3-256", NULL);
    }
    for (size_t i = 0; i < s->n; i++) {
        EVP_DigestInit_ex2(ctx, md, NULL);
        EVP_DigestUpdate(ctx, s->v[i].p, s->v[i].n);
        EVP_DigestFinal_ex(ctx, out, NULL);
        bench_use(out);
    }
}

/* ---- headers ----------------------------------------------------------- */

struct headers {
    struct bp_spec *spec;
    struct spans rlp; /* of the genesis first */
};

/* A header on top of the one before it, as a worker checks a reply. */
static void check_headers(void *arg) {
    static struct bp_header h[HEADERS_BATCH + 1];
    static bp_hash hash[HEADERS_BATCH + 1];
    const struct headers *c = arg;
    size_t have = 0; /* 1 when the last of the batch before is at 0 */
    bp_u256 td = { { 0 } };
    for (size_t i = 0; i < c->rlp.n;) {
        size_t k = c->rlp.n - i < HEADERS_BATCH ? c->rlp.n - i : HEADERS_BATCH;
        for (size_t j = 0; j < k; j++) {
            bp_span in = c->rlp.v[i + j];
            must(bp_header_decode(&h[have + j], &in) == 0, "a header");
        }
        bp_keccak256_many(hash + have, c->rlp.v + i, k);
        struct bp_run run = { h + 1, hash + 1, have + k - 1, h, hash, &td };
        struct bp_ruling r = bp_check_headers(c->spec, &run, UINT64_MAX);
        must(r.kind == BP_RULING_OK, "a header breaks a rule");
        bp_u256 next;
        must(!bp_run_td(&next, &run), "total difficulty");
        td = next;
        h[0] = h[have + k - 1];
        hash[0] = hash[have + k - 1];
        have = 1;
        i += k;
    }
}

static void read_headers(struct headers *c, const char *name,
                         const char *path) {
    struct bp_reader *r;
    struct bp_file_block b;
    must(bp_spec_builtin(&c->spec, name, NULL) == 0, "specification");
    must(bp_reader_open(&r, path, NULL, NULL) == 0, "era1 file");
    while (bp_reader_next(r, &b, NULL) == 0) keep(&c->rlp, b.header);
    bp_reader_close(r);
}

static void bench_headers(const char *name, const char *network,
                          const char *file) {
    const char *path = test_data(file);
    struct headers c;
    memset(&c, 0, sizeof c);
    if (path == NULL) return;
    read_headers(&c, network, path);
    double s = bench_time_s(check_headers, &c, RUNS);
    double ref = bench_time_s(sha3_all, &c.rlp, RUNS);
    double n = (double)c.rlp.n;
    bench_json_ref("rules", name, n / s, "1/s", n / ref);
}

/* ---- bodies ------------------------------------------------------------ */

struct bodies {
    struct spans rlp;
    struct bp_header *header; /* of each */
    struct bp_roots *roots;
    int passes; /* over the input, in one run */
    bool match; /* compare the roots with the headers: once, not timed */
};

static void check_bodies_once(const struct bodies *c) {
    static struct bp_body body[BODIES_BATCH];
    static struct bp_body_roots root[BODIES_BATCH];
    for (size_t i = 0; i < c->rlp.n; i += BODIES_BATCH) {
        size_t k = c->rlp.n - i < BODIES_BATCH ? c->rlp.n - i : BODIES_BATCH;
        for (size_t j = 0; j < k; j++) {
            bp_span in = c->rlp.v[i + j];
            must(bp_body_decode(&body[j], &in) == 0, "a body");
        }
        must(bp_bodies_roots(root, c->roots, body, k) == 0, "roots");
        bench_use(root);
        for (size_t j = 0; c->match && j < k; j++)
            must(bp_body_roots_match(&root[j], &c->header[i + j]),
                 "a body does not match its header");
    }
}

static void check_bodies(void *arg) {
    const struct bodies *c = arg;
    for (int pass = 0; pass < c->passes; pass++) check_bodies_once(c);
}

static void add_block(struct bodies *c, const char *hex, size_t least) {
    static uint8_t rlp[1 << 20], body[1 << 20];
    struct bp_block b;
    size_t n = strlen(hex) / 2, txs = 0;
    must(n <= sizeof rlp && bp_unhex(rlp, n, hex) == 0, "hexadecimal");
    bp_span in = { rlp, n }, list, payload;
    must(bp_block_decode(&b, &in) == 0, "a block");
    list = b.body.transactions;
    must(bp_rlp_list(&payload, &list) == 0 &&
             bp_rlp_count(&txs, payload, SIZE_MAX) == 0,
         "transactions");
    if (txs < least) return;
    struct bp_rlp_w w = { body, sizeof body, 0 };
    bp_body_put(&w, &b.body);
    keep(&c->rlp, (bp_span){ body, w.n });
    c->header = realloc(c->header, c->rlp.cap * sizeof *c->header);
    must(c->header != NULL, "memory");
    c->header[c->rlp.n - 1] = b.header;
}

static void read_fixtures(struct bodies *c, const char *path, size_t least) {
    size_t n;
    char *text = (char *)test_read(path, &n), *save;
    for (char *line = strtok_r(text, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        json_t *t = json_loads(line, 0, NULL), *b;
        size_t i;
        json_array_foreach(json_object_get(t, "blocks"), i,
                           b) if (json_is_true(json_object_get(b, "valid")))
            add_block(c, json_string_value(json_object_get(b, "rlp")), least);
        json_decref(t);
    }
    free(text);
}

static void bench_bodies(const char *name, size_t least) {
    static const char *const files[] = {
        "fixtures/pow-valid.jsonl.gz",
        "fixtures/pos-valid.jsonl.gz",
        "fixtures/pow-transition.jsonl.gz",
        "fixtures/pow-invalid.jsonl.gz",
    };
    struct bodies c;
    memset(&c, 0, sizeof c);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const char *path = test_data(files[i]);
        if (path == NULL) return;
        read_fixtures(&c, path, least);
    }
    must(c.rlp.n > 0, "no blocks");
    must(bp_roots_new(&c.roots, NULL) == 0, "memory");
    c.match = true;
    check_bodies_once(&c);
    c.match = false;
    c.passes = 1 + (int)(LEAST_BYTES / c.rlp.bytes);
    double s = bench_time_s(check_bodies, &c, RUNS);
    double ref = bench_time_s(sha3_all, &c.rlp, RUNS);
    double mb = (double)c.rlp.bytes / 1e6;
    fprintf(stderr, "# %s: %zu blocks, %.0f bytes each\n", name, c.rlp.n,
            (double)c.rlp.bytes / (double)c.rlp.n);
    bench_json_ref("rules", name, mb * c.passes / s, "MB/s", mb / ref);
}

/* The names say what the target is set for; where the machine has more, the
   level below it is measured, too. */
static void bench_all(const char *suffix) {
    char name[64];
    snprintf(name, sizeof name, "headers_per_s%s", suffix);
    bench_headers(name, "mainnet", "chains/mainnet-00000-5ec1ffb8.era1");
    snprintf(name, sizeof name, "headers_per_s_base_fee%s", suffix);
    bench_headers(name, "sepolia", "chains/sepolia-00000-643a00f7.era1");
    snprintf(name, sizeof name, "bodies_MBps%s", suffix);
    bench_bodies(name, LARGE_TXS);
    snprintf(name, sizeof name, "bodies_MBps_mixed%s", suffix);
    bench_bodies(name, 0);
}

int main(void) {
    bench_level();
    bench_all("");
    if (bp_cpu_used() > BP_CPU_AVX2) {
        bp_cpu_use(BP_CPU_AVX2);
        bench_all("_avx2");
    }
    return 0;
}
