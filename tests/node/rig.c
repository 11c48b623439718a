#include "node/rig.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "blockpool/files.h"
#include "blockpool/import.h"
#include "blockpool/keccak.h"

static struct bp_spec *dev;

const struct bp_spec *rig_spec(void) {
    if (dev == NULL) assert_int_equal(bp_spec_builtin(&dev, "dev", NULL), 0);
    return dev;
}

struct bp_store *rig_store(const struct bp_spec *spec) {
    struct bp_store_chain chain = bp_import_chain(spec);
    struct bp_store *s;
    assert_int_equal(bp_store_mem_new(&s, NULL, &chain), 0);
    return s;
}

/* One block on top of `parent`, into the store as its head. */
static void add_plain(struct bp_store *s, struct bp_header *parent,
                      bp_hash *parent_hash) {
    uint8_t raw[1024], body[2048];
    struct bp_rlp_w b = { .p = body, .cap = sizeof body };
    struct bp_rlp_w w = { .p = raw, .cap = sizeof raw };
    struct bp_body lists;
    struct bp_header h = *parent;
    h.number++;
    h.time += 13;
    h.parent_hash = *parent_hash;
    h.extra = (bp_span){ 0 };
    size_t mark = bp_rlp_open(&b);
    bp_rlp_put_list(&b, 0);
    size_t uncles = bp_rlp_open(&b);
    if (h.number % 5 == 0) bp_header_put(&b, parent);
    bp_rlp_close(&b, uncles);
    bp_rlp_close(&b, mark);
    bp_span in = { body, b.n };
    assert_int_equal(bp_body_decode(&lists, &in), 0);
    bp_keccak256(&h.uncles_hash, lists.uncles);
    bp_header_put(&w, &h);
    struct bp_store_block block = {
        .parent = *parent_hash,
        .number = h.number,
        .difficulty = h.difficulty,
        .header = { raw, w.n },
        .body = { body, b.n },
    };
    bp_keccak256(&block.hash, block.header);
    struct bp_store_batch batch = { &block, 1, &block.hash };
    assert_int_equal(bp_store_write(s, NULL, &batch, NULL), 0);
    *parent = h;
    *parent_hash = block.hash;
}

struct bp_store *rig_store_plain(const struct bp_spec *spec, unsigned n) {
    struct bp_store *s = rig_store(spec);
    struct bp_header parent = spec->genesis;
    bp_hash hash = spec->genesis_hash;
    for (unsigned i = 0; i < n; i++) add_plain(s, &parent, &hash);
    return s;
}

static char scratch[256];

static void remove_scratch(void) {
    test_rmdir(scratch);
}

/* A folder that goes when the process ends. */
static const char *scratch_dir(void) {
    if (scratch[0] == '\0') {
        test_mkdir(scratch);
        atexit(remove_scratch);
    }
    return scratch;
}

const char *rig_mine(const char *script) {
    static char file[300];
    char program[512], text[300];
    const char *root = getenv("BLOCKPOOL_BUILD_ROOT");
    if (root == NULL) fail_msg("BLOCKPOOL_BUILD_ROOT is not set");
    snprintf(program, sizeof program, "%s/blockpool", root);
    snprintf(text, sizeof text, "%s/script", scratch_dir());
    snprintf(file, sizeof file, "%s/chain.rlp", scratch_dir());
    FILE *f = fopen(text, "w");
    assert_non_null(f);
    fputs(script, f);
    assert_int_equal(fclose(f), 0);
    char network[] = "--dev", quiet[] = "-q", command[] = "makechain";
    char *argv[] = { program, network, quiet, command, text, file, NULL };
    char *env[] = { NULL };
    pid_t pid;
    int status;
    assert_int_equal(posix_spawn(&pid, program, NULL, NULL, argv, env), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    return file;
}

struct bp_store *rig_store_file(const struct bp_spec *spec, const char *path) {
    struct bp_store_chain chain = bp_import_chain(spec);
    struct bp_store_error why;
    struct bp_store *s;
    if (bp_store_file_open(&s, path, NULL, &chain, &why) != 0)
        fail_msg("%s", why.text);
    return s;
}

bp_hash rig_hash_at(struct bp_store *s, uint64_t number) {
    struct bp_store_view *v;
    struct bp_store_entry e;
    assert_int_equal(bp_view_begin(&v, s), 0);
    assert_int_equal(bp_view_at(v, &e, number), 0);
    bp_view_end(v);
    return e.hash;
}

struct bp_store_entry rig_head(struct bp_store *s) {
    struct bp_store_view *v;
    struct bp_store_entry e;
    assert_int_equal(bp_view_begin(&v, s), 0);
    assert_int_equal(bp_view_head(v, &e), 0);
    bp_view_end(v);
    return e;
}

struct node_config rig_config(enum node_mode mode, const struct bp_spec *spec,
                              struct bp_store *store, uint8_t seed) {
    static uint8_t keys[256][32];
    memset(keys[seed], seed, sizeof keys[seed]);
    return (struct node_config){
        .mode = mode,
        .spec = spec,
        .store = store,
        .nodekey = keys[seed],
        .listen = true,
        .threads = 2,
        .ethash_cachedir = scratch_dir(), /* so that one test makes it */
    };
}

static void *run(void *arg) {
    struct rig *r = arg;
    r->code = node_run(r->node, &r->why);
    return NULL;
}

void rig_start(struct rig *r, const struct node_config *cfg) {
    struct node_error why;
    *r = (struct rig){ .store = cfg->store };
    int code = node_new(&r->node, cfg, &why);
    if (code != 0) fail_msg("%s", why.text);
    r->self = *node_enode(r->node);
    assert_int_equal(pthread_create(&r->thread, NULL, run, r), 0);
    r->running = true;
}

int rig_wait(struct rig *r) {
    if (r->running) pthread_join(r->thread, NULL);
    r->running = false;
    return r->code;
}

void rig_stop(struct rig *r) {
    if (r->running) node_stop(r->node);
    rig_wait(r);
    if (r->code != 0) print_message("the node said: %s\n", r->why.text);
    assert_int_equal(r->code, 0);
    node_free(r->node);
    bp_store_close(r->store);
    *r = (struct rig){ 0 };
}
