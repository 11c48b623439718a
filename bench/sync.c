/* A loopback sync of 8,192 mainnet blocks from three servers, all in this
   process, so that its CPU time is that of both ends. The client stores in
   LMDB, in a new directory. Once with every seal and every uncle's, once
   without seals. Beside the second stands OpenSSL's SHA3-256 over the same
   headers and bodies. */
#include <openssl/evp.h>
#include <pthread.h>

#include "blockpool/files.h"
#include "blockpool/import.h"
#include "blockpool/spec.h"
#include "lib/bench.h"
#include "lib/cpu.h"
#include "lib/test.h"
#include "node/clock.h"
#include "node/node.h"

#define SERVERS 3
#define LAST    8191

struct running {
    struct node *node;
    struct bp_store *store;
    pthread_t thread;
    int code;
    struct node_error why;
};

static struct bp_spec *spec;

static void must(bool good, const char *what, const char *why) {
    if (good) return;
    fprintf(stderr, "sync: %s: %s\n", what, why);
    exit(1);
}

static void *run(void *arg) {
    struct running *r = arg;
    r->code = node_run(r->node, &r->why);
    return NULL;
}

static void start(struct running *r, struct node_config *cfg, uint8_t seed) {
    uint8_t key[32];
    memset(key, seed, sizeof key);
    cfg->spec = spec;
    cfg->store = r->store;
    cfg->nodekey = key;
    cfg->listen = true;
    cfg->threads = 2;
    must(node_new(&r->node, cfg, &r->why) == 0, "node", r->why.text);
    must(pthread_create(&r->thread, NULL, run, r) == 0, "thread", "none");
}

static void end(struct running *r) {
    node_free(r->node);
    bp_store_close(r->store);
}

struct result {
    double wall_s, cpu_s;
    struct node_costs client, servers;
};

static void add(struct node_costs *sum, const struct node *n) {
    struct node_costs c;
    node_costs(n, &c);
    sum->loop_ns += c.loop_ns;
    sum->serve_ns += c.serve_ns;
}

static struct result sync_once(const char *file, enum node_verify verify) {
    struct running servers[SERVERS], client;
    struct enode peers[SERVERS];
    struct bp_store_chain chain = bp_import_chain(spec);
    struct bp_store_config how = { .mode = BP_STORE_CREATE };
    struct bp_store_error why = { 0 };
    struct result out = { 0 };
    char dir[256];
    test_mkdir(dir);
    must(bp_store_open(&client.store, dir, &how, &chain, &why) == 0, "store",
         why.text);
    for (int i = 0; i < SERVERS; i++) {
        struct node_config cfg = { .mode = NODE_SERVE };
        must(bp_store_file_open(&servers[i].store, file, NULL, &chain, &why) ==
                 0,
             "file", why.text);
        start(&servers[i], &cfg, (uint8_t)(1 + i));
        peers[i] = *node_enode(servers[i].node);
    }
    struct node_config cfg = {
        .mode = NODE_SYNC,
        .peers = peers,
        .n_peers = SERVERS,
        .has_until_number = true,
        .until_number = LAST,
        .verify = verify,
    };
    double cpu = bench_process_cpu_s();
    uint64_t wall = clock_mono_ns();
    start(&client, &cfg, 9);
    pthread_join(client.thread, NULL);
    out.wall_s = (double)(clock_mono_ns() - wall) / 1e9;
    for (int i = 0; i < SERVERS; i++) node_stop(servers[i].node);
    for (int i = 0; i < SERVERS; i++) pthread_join(servers[i].thread, NULL);
    out.cpu_s = bench_process_cpu_s() - cpu;
    must(client.code == 0, "client", client.why.text);
    node_costs(client.node, &out.client);
    for (int i = 0; i < SERVERS; i++) add(&out.servers, servers[i].node);
    for (int i = 0; i < SERVERS; i++) end(&servers[i]);
    end(&client);
    test_rmdir(dir);
    return out;
}

/* ---- the same bytes ---------------------------------------------------- */

struct bytes {
    struct bp_store *store;
    EVP_MD_CTX *ctx;
};

static void sha3(struct bytes *b, bp_span in) {
    uint8_t digest[32];
    unsigned n;
    EVP_DigestInit_ex(b->ctx, EVP_sha3_256(), NULL);
    EVP_DigestUpdate(b->ctx, in.p, in.n);
    EVP_DigestFinal_ex(b->ctx, digest, &n);
    bench_use(digest);
}

static void hash_all(void *arg) {
    struct bytes *b = arg;
    struct bp_store_view *view;
    must(bp_view_begin(&view, b->store) == 0, "view", "none");
    for (uint64_t i = 0; i <= LAST; i++) {
        struct bp_store_entry e;
        bp_span header = { NULL, 0 }, body = { NULL, 0 };
        must(bp_view_at(view, &e, i) == 0 &&
                 bp_view_header(view, &header, &e) == 0 &&
                 bp_view_body(view, &body, &e) == 0,
             "block", "is not there");
        sha3(b, header);
        sha3(b, body);
    }
    bp_view_end(view);
}

static double openssl_s(const char *file) {
    struct bp_store_chain chain = bp_import_chain(spec);
    struct bp_store_error why = { 0 };
    struct bytes b = { .ctx = EVP_MD_CTX_new() };
    must(bp_store_file_open(&b.store, file, NULL, &chain, &why) == 0, "file",
         why.text);
    double s = bench_time_s(hash_all, &b, 5);
    bp_store_close(b.store);
    EVP_MD_CTX_free(b.ctx);
    return s;
}

static void print(const char *name, uint64_t ns) {
    bench_json("sync", name, (double)ns / 1e9, "s");
}

int main(void) {
    bench_level();
    char file[512];
    const char *path = test_data("chains/mainnet-00000-5ec1ffb8.era1");
    if (path == NULL) {
        fprintf(stderr, "sync: needs the mainnet chain file\n");
        return 0;
    }
    snprintf(file, sizeof file, "%s", path);
    must(bp_spec_builtin(&spec, "mainnet", NULL) == 0, "spec", "none");
    double ref = openssl_s(file);
    struct result all = sync_once(file, NODE_VERIFY_ALL);
    bench_json("sync", "wall_s_8192", all.wall_s, "s");
    bench_json("sync", "cpu_s_8192", all.cpu_s, "s");
    print("cpu_s_8192_seals", all.client.seals_ns);
    struct result none = sync_once(file, NODE_VERIFY_NONE);
    bench_json_ref("sync", "cpu_s_without_seals_8192", none.cpu_s, "s", ref);
    print("cpu_s_8192_network", none.client.loop_ns + none.servers.loop_ns);
    print("cpu_s_8192_serve", none.servers.serve_ns);
    print("cpu_s_8192_headers", none.client.headers_ns);
    print("cpu_s_8192_roots", none.client.roots_ns);
    print("cpu_s_8192_rules", none.client.rules_ns);
    print("cpu_s_8192_store", none.client.store_ns);
    bp_spec_free(spec);
    return 0;
}
