/* store: the first 8192 mainnet blocks into LMDB and out again, and the chain
   files they come from. References: the same bytes appended to one bare LMDB
   table, and OpenSSL's SHA3-256 over them. */
#include "blockpool/store.h"

#include <unistd.h>

#include <lmdb.h>
#include <openssl/evp.h>

#include "blockpool/files.h"
#include "lib/bench.h"
#include "lib/cpu.h"
#include "lib/test.h"

#define BLOCKS 8192
#define BATCH  1024

struct world {
    char era1[1024], dir[256];
    struct bp_store_block block[BLOCKS];
    struct bp_store_chain chain;
    struct bp_store *s; /* what reading measures */
    bp_hash order[BLOCKS];
    size_t n_bytes;
};

static void must(int err, const char *what) {
    if (err == 0) return;
    fprintf(stderr, "bench store: %s: %s\n", what, bp_strerror(err));
    exit(1);
}

static bp_span keep(bp_span in) {
    uint8_t *p = malloc(in.n);
    if (p == NULL) abort();
    memcpy(p, in.p, in.n);
    return (bp_span){ p, in.n };
}

static void load(struct world *w) {
    struct bp_reader *r;
    struct bp_file_block b;
    must(bp_reader_open(&r, w->era1, NULL, NULL), "open");
    for (size_t i = 0; bp_reader_next(r, &b, NULL) == 0; i++) {
        w->block[i] = (struct bp_store_block){
            .hash = b.hash,
            .parent = b.parent,
            .number = b.number,
            .difficulty = b.difficulty,
            .header = keep(b.header),
            .body = keep(b.body),
            .checks = BP_CHECK_ALL,
        };
        w->n_bytes += b.header.n + b.body.n;
    }
    bp_reader_close(r);
    w->chain = (struct bp_store_chain){ "mainnet", 1, w->block[0] };
}

/* ---- writing ----------------------------------------------------------- */

static void write_store(void *arg) {
    struct world *w = arg;
    struct bp_store_config cfg = { .mode = BP_STORE_CREATE };
    struct bp_store *s;
    char dir[300];
    snprintf(dir, sizeof dir, "%s/w", w->dir);
    must(bp_store_open(&s, dir, &cfg, &w->chain, NULL), "create");
    for (size_t i = 1; i < BLOCKS;) {
        size_t n = BLOCKS - i < BATCH ? BLOCKS - i : BATCH;
        struct bp_store_batch batch = { w->block + i, n,
                                        &w->block[i + n - 1].hash };
        must(bp_store_write(s, NULL, &batch, NULL), "write");
        i += n;
    }
    bp_store_close(s);
    test_rmdir(dir);
}

/* One table, one key, no index, no sums: what LMDB itself takes. */
static void write_bare(void *arg) {
    struct world *w = arg;
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    must(mdb_env_create(&env), "bare create");
    mdb_env_set_mapsize(env, (size_t)1 << 30);
    char dir[300], lock[310];
    snprintf(dir, sizeof dir, "%s/b", w->dir);
    snprintf(lock, sizeof lock, "%s-lock", dir);
    must(mdb_env_open(env, dir, MDB_NOSUBDIR | MDB_NOMETASYNC, 0600), "bare");
    for (size_t i = 0; i < BLOCKS; i += BATCH) {
        must(mdb_txn_begin(env, NULL, 0, &txn), "bare begin");
        must(mdb_dbi_open(txn, NULL, MDB_INTEGERKEY, &dbi), "bare open");
        for (size_t k = i; k < i + BATCH; k++) {
            const struct bp_store_block *b = &w->block[k];
            MDB_val key = { sizeof k, &k }, value = { b->header.n + b->body.n };
            must(mdb_put(txn, dbi, &key, &value, MDB_APPEND | MDB_RESERVE),
                 "bare put");
            memcpy(value.mv_data, b->header.p, b->header.n);
            memcpy((char *)value.mv_data + b->header.n, b->body.p, b->body.n);
        }
        must(mdb_txn_commit(txn), "bare commit");
    }
    mdb_env_close(env);
    unlink(dir);
    unlink(lock);
}

/* ---- reading ----------------------------------------------------------- */

static void find_all(void *arg) {
    struct world *w = arg;
    struct bp_store_view *v;
    struct bp_store_entry e;
    for (size_t i = 0; i < BLOCKS; i++) {
        if (i % 192 == 0) { /* as often as a peer's message asks */
            if (i > 0) bp_view_end(v);
            must(bp_view_begin(&v, w->s), "view");
        }
        must(bp_view_find(v, &e, &w->order[i]), "find");
        bench_use(&e);
    }
    bp_view_end(v);
}

static void serve_headers(void *arg) {
    struct world *w = arg;
    struct bp_store_view *v;
    struct bp_store_entry e;
    struct bp_walk walk;
    bp_span header;
    for (uint64_t from = 0; from < BLOCKS; from += 512) {
        must(bp_view_begin(&v, w->s), "view");
        must(bp_walk_from_number(&walk, v, from, 0, false), "walk");
        for (int i = 0; i < 512; i++) {
            must(bp_walk_next(&walk, &e), "next");
            must(bp_view_header(v, &header, &e), "header");
            bench_use(header.p);
        }
        bp_view_end(v);
    }
}

static void serve_bodies(void *arg) {
    struct world *w = arg;
    struct bp_store_view *v;
    struct bp_store_entry e;
    bp_span body;
    for (size_t i = 0; i < BLOCKS; i++) {
        if (i % 128 == 0) {
            if (i > 0) bp_view_end(v);
            must(bp_view_begin(&v, w->s), "view");
        }
        must(bp_view_find(v, &e, &w->block[i].hash), "find");
        must(bp_view_body(v, &body, &e), "body");
        bench_use(body.p);
    }
    bp_view_end(v);
}

static void read_era1(void *arg) {
    struct world *w = arg;
    struct bp_reader *r;
    struct bp_file_block b;
    int err;
    must(bp_reader_open(&r, w->era1, NULL, NULL), "open");
    while ((err = bp_reader_next(r, &b, NULL)) == 0) bench_use(b.header.p);
    if (err != BP_ERR_FILE_END) must(err, "read");
    bp_reader_close(r);
}

static void open_file_store(void *arg) {
    struct world *w = arg;
    struct bp_store *s;
    must(bp_store_file_open(&s, w->era1, NULL, &w->chain, NULL), "file store");
    bp_store_close(s);
}

static void sha3_all(void *arg) {
    struct world *w = arg;
    uint8_t out[32];
    for (size_t i = 0; i < BLOCKS; i++) {
        const struct bp_store_block *b = &w->block[i];
        EVP_Digest(b->header.p, b->header.n, out, NULL, EVP_sha3_256(), NULL);
        EVP_Digest(b->body.p, b->body.n, out, NULL, EVP_sha3_256(), NULL);
        bench_use(out);
    }
}

/* ---- results --------------------------------------------------------- */

static void shuffle(struct world *w) {
    struct bp_rng r;
    bp_rng_seed(&r, 1);
    for (size_t i = 0; i < BLOCKS; i++) w->order[i] = w->block[i].hash;
    for (size_t i = BLOCKS - 1; i > 0; i--) {
        size_t k = bp_rng_below(&r, i + 1);
        bp_hash h = w->order[i];
        w->order[i] = w->order[k];
        w->order[k] = h;
    }
}

static void open_stored(struct world *w) {
    struct bp_store_config cfg = { .mode = BP_STORE_CREATE };
    must(bp_store_open(&w->s, w->dir, &cfg, &w->chain, NULL), "create");
    struct bp_store_batch batch = { w->block + 1, BLOCKS - 1,
                                    &w->block[BLOCKS - 1].hash };
    must(bp_store_write(w->s, NULL, &batch, NULL), "write");
}

int main(void) {
    bench_level();
    static struct world w;
    const char *path = test_data("chains/mainnet-00000-5ec1ffb8.era1");
    if (path == NULL) {
        fprintf(stderr, "bench store: no real data, nothing to measure\n");
        return 0;
    }
    snprintf(w.era1, sizeof w.era1, "%s", path);
    load(&w);
    shuffle(&w);
    test_mkdir(w.dir);
    double sha3 = bench_time_s(sha3_all, &w, 7);
    double bare = bench_time_s(write_bare, &w, 7);
    double put = bench_time_s(write_store, &w, 7);
    bench_json_ref("store", "write_cpu_s_8192", put, "s", bare);
    bench_json_ref("store", "puts_per_s", BLOCKS / put, "1/s", BLOCKS / bare);
    open_stored(&w);
    double us = 1e6 / BLOCKS;
    bench_json("store", "find_us", us * bench_time_s(find_all, &w, 15), "us");
    bench_json("store", "serve_header_us",
               us * bench_time_s(serve_headers, &w, 15), "us");
    bench_json("store", "serve_body_us",
               us * bench_time_s(serve_bodies, &w, 15), "us");
    bp_store_close(w.s);
    bench_json_ref("store", "era1_read_cpu_s_8192",
                   bench_time_s(read_era1, &w, 7), "s", sha3);
    bench_json_ref("store", "file_open_cpu_s_8192",
                   bench_time_s(open_file_store, &w, 7), "s", sha3);
    must(bp_store_file_open(&w.s, w.era1, NULL, &w.chain, NULL), "file store");
    bench_json("store", "file_serve_header_us",
               us * bench_time_s(serve_headers, &w, 7), "us");
    bench_json("store", "file_serve_body_us",
               us * bench_time_s(serve_bodies, &w, 7), "us");
    bp_store_close(w.s);
    test_rmdir(w.dir);
    for (size_t i = 0; i < BLOCKS; i++) {
        free((void *)w.block[i].header.p);
        free((void *)w.block[i].body.p);
    }
    return 0;
}
