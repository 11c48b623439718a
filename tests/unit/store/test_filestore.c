/* A store over a file answers as a store that imported the file. */
#include "lib/test.h"

#include <unistd.h>

#include "blockpool/chain.h"
#include "blockpool/files.h"
#include "blockpool/keccak.h"
#include "tiny.h"

static void expect_bytes(bp_span a, bp_span b) {
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.p, b.p, a.n);
}

/* Entry, header, body and receipts are those of the block. */
static void expect_block(struct bp_store_view *v, const struct bp_file_block *b,
                         bool receipts) {
    struct bp_store_entry e;
    bp_span bytes;
    assert_int_equal(bp_view_find(v, &e, &b->hash), 0);
    assert_int_equal(e.number, b->number);
    assert_true(bp_view_canonical(v, &e));
    assert_int_equal(bp_view_header(v, &bytes, &e), 0);
    expect_bytes(bytes, b->header);
    assert_int_equal(bp_view_body(v, &bytes, &e), 0);
    expect_bytes(bytes, b->body);
    int err = bp_view_receipts(v, &bytes, &e);
    assert_int_equal(err, receipts ? 0 : BP_ERR_NOT_STORED);
    if (receipts) expect_bytes(bytes, b->receipts);
}

/* A chain whose genesis is the header with this RLP. */
static struct bp_store_chain chain_from(bp_span header_rlp, bp_span body) {
    struct bp_header h;
    bp_span in = header_rlp;
    struct bp_store_chain chain = { "real", 1, { .header = header_rlp } };
    assert_int_equal(bp_header_decode(&h, &in), 0);
    bp_keccak256(&chain.genesis.hash, header_rlp);
    chain.genesis.difficulty = h.difficulty;
    chain.genesis.body = body;
    return chain;
}

static const uint8_t no_body[] = { 0xc2, 0xc0, 0xc0 };

/* Reads the file beside the store, block for block. */
static void compare(const char *path, const struct bp_store_chain *chain) {
    struct bp_store *s;
    struct bp_store_view *v;
    struct bp_store_error why = { 0 };
    struct bp_store_entry head;
    struct bp_reader *r = NULL;
    struct bp_file_block b = { 0 };
    int err;
    if (bp_store_file_open(&s, path, NULL, chain, &why) != 0 ||
        bp_reader_open(&r, path, NULL, &why) != 0)
        fail_msg("%s", why.text);
    assert_string_equal(bp_store_kind(s), "file");
    assert_true(bp_store_read_only(s));
    assert_int_equal(bp_view_begin(&v, s), 0);
    bool era = bp_reader_format(r) == BP_FILE_ERA1;
    struct bp_file_block last = { 0 };
    while ((err = bp_reader_next(r, &b, &why)) == 0) {
        expect_block(v, &b, era);
        last = b;
        if (b.number % 512 == 0) { /* views are to be short */
            bp_view_end(v);
            assert_int_equal(bp_view_begin(&v, s), 0);
        }
    }
    assert_int_equal(err, BP_ERR_FILE_END);
    assert_int_equal(bp_view_head(v, &head), 0);
    assert_memory_equal(&head.hash, &last.hash, 32);
    if (era) assert_int_equal(bp_u256_cmp(&head.td, &last.td), 0);
    bp_view_end(v);
    if (bp_store_check(s, &why) != 0) fail_msg("%s", why.text);
    bp_reader_close(r);
    bp_store_close(s);
}

static void mainnet_is_served_from_its_era1(void **state) {
    (void)state;
    char path[512];
    struct bp_reader *r;
    struct bp_file_block b;
    snprintf(path, sizeof path, "%s",
             need_data("chains/mainnet-00000-5ec1ffb8.era1"));
    assert_int_equal(bp_reader_open(&r, path, NULL, NULL), 0);
    assert_int_equal(bp_reader_next(r, &b, NULL), 0);
    struct bp_store_chain chain = chain_from(b.header, b.body);
    compare(path, &chain);
    bp_reader_close(r);
}

static void an_open_file_costs_250_bytes_a_block(void **state) {
    (void)state;
    char path[512];
    struct bp_reader *r;
    struct bp_file_block b;
    struct bp_store *s;
    struct test_alloc a;
    snprintf(path, sizeof path, "%s",
             need_data("chains/mainnet-00000-5ec1ffb8.era1"));
    assert_int_equal(bp_reader_open(&r, path, NULL, NULL), 0);
    assert_int_equal(bp_reader_next(r, &b, NULL), 0);
    struct bp_store_chain chain = chain_from(b.header, b.body);
    test_alloc_init(&a);
    assert_int_equal(bp_store_file_open(&s, path, &a.iface, &chain, NULL), 0);
    assert_true(a.live_bytes < 250 * 8192);
    bp_store_close(s);
    assert_int_equal(a.live_blocks, 0);
    bp_reader_close(r);
}

/* The genesis of an RLP file is in spec.json, as hexadecimal. */
static void serve_rlp(const char *rlp, const char *spec) {
    static const char key[] = "\"genesis_header_rlp\": \"";
    char path[512];
    size_t n;
    uint8_t header[1024];
    snprintf(path, sizeof path, "%s", need_data(rlp));
    char *json = (char *)test_read(need_data(spec), &n);
    char *at = strstr(json, key);
    assert_non_null(at);
    at += sizeof key - 1;
    at[strcspn(at, "\"")] = 0;
    n = test_unhex(header, sizeof header, at);
    struct bp_store_chain chain = chain_from(
        (bp_span){ header, n }, (bp_span){ no_body, sizeof no_body });
    compare(path, &chain);
    free(json);
}

static void chains_are_served_from_rlp(void **state) {
    (void)state;
    serve_rlp("chains/ethtest-pow/chain.rlp", "chains/ethtest-pow/spec.json");
    serve_rlp("chains/ethtest/chain.rlp", "chains/ethtest/spec.json");
}

/* ---- small files ------------------------------------------------------- */

struct desk {
    char dir[256], path[300];
    struct tiny_block *chain;
    struct bp_store_chain spec;
};

static void desk_begin(struct desk *d, const char *name, size_t blocks) {
    test_mkdir(d->dir);
    snprintf(d->path, sizeof d->path, "%s/%s", d->dir, name);
    d->chain = tiny_chain(blocks);
    d->spec = tiny_spec(&d->chain[0]);
}

static void desk_end(struct desk *d) {
    free(d->chain);
    test_rmdir(d->dir);
}

static void expect_refused(struct desk *d, int code, const char *what) {
    struct bp_store *s;
    struct bp_store_error why = { 0 };
    int err = bp_store_file_open(&s, d->path, NULL, &d->spec, &why);
    if (err != code || why.code != code || strstr(why.text, what) == NULL ||
        strncmp(why.text, d->path, strlen(d->path)) != 0)
        fail_msg("%s (%s), not %s", bp_errname(err), why.text, what);
    assert_null(s);
}

static void a_file_of_another_chain_is_refused(void **state) {
    (void)state;
    struct desk d;
    struct tiny_block other;
    desk_begin(&d, "t.era1", 4);
    tiny_make(&other, NULL, 9);
    tiny_write(d.path, d.chain, 4, NULL);
    d.spec = tiny_spec(&other);
    expect_refused(&d, BP_ERR_FILE_CHAIN, "its block 0 is 0x");
    expect_refused(&d, BP_ERR_FILE_CHAIN, "the genesis of tiny is 0x");
    snprintf(d.path, sizeof d.path, "%s/t.rlp", d.dir);
    tiny_write(d.path, d.chain + 1, 3, NULL);
    expect_refused(&d, BP_ERR_FILE_CHAIN, "its block 1 stands on 0x");
    tiny_write(d.path, d.chain + 2, 2, NULL);
    expect_refused(&d, BP_ERR_FILE_CHAIN, "begins with block 2");
    desk_end(&d);
}

static void a_file_that_cannot_be_served_is_refused(void **state) {
    (void)state;
    struct desk d;
    desk_begin(&d, "t.rlp.gz", 4);
    tiny_write(d.path, d.chain + 1, 3, NULL);
    expect_refused(&d, BP_ERR_FILE_FORMAT, "decompress it");
    snprintf(d.path, sizeof d.path, "%s/absent.rlp", d.dir);
    expect_refused(&d, BP_ERR_FILE_OPEN, "No such file");
    snprintf(d.path, sizeof d.path, "%s/t.rlp", d.dir);
    d.chain[2] = d.chain[3]; /* 1, 3: a gap */
    tiny_write(d.path, d.chain + 1, 2, NULL);
    expect_refused(&d, BP_ERR_FILE_LINK, "block 3 (0x");
    desk_end(&d);
}

static void branches_in_a_file_are_held(void **state) {
    (void)state;
    struct desk d;
    struct tiny_block file[6];
    struct bp_store *s;
    struct bp_store_view *v;
    struct bp_store_entry e;
    bp_span bytes;
    desk_begin(&d, "t.rlp", 5);
    memcpy(file, d.chain + 1, 4 * sizeof file[0]); /* 1 2 3 4 */
    tiny_make(&file[4], &d.chain[2], 9);           /* 3' on 2 */
    tiny_make(&file[5], &file[4], 9);              /* 4' weighs more */
    struct bp_writer *w;
    assert_int_equal(bp_writer_open(&w, d.path, NULL, NULL), 0);
    for (int i = 0; i < 6; i++)
        assert_int_equal(bp_writer_add(w, &file[i].b, NULL), 0);
    assert_int_equal(bp_writer_finish(w, NULL, NULL), 0);
    assert_int_equal(bp_store_file_open(&s, d.path, NULL, &d.spec, NULL), 0);
    assert_int_equal(bp_view_begin(&v, s), 0);
    assert_int_equal(bp_view_count(v), 7);
    assert_int_equal(bp_view_head(v, &e), 0);
    assert_memory_equal(&e.hash, &file[5].b.hash, 32);
    assert_int_equal(bp_view_find(v, &e, &file[3].b.hash), 0);
    assert_false(bp_view_canonical(v, &e));
    assert_int_equal(bp_view_header(v, &bytes, &e), 0);
    bp_view_end(v);
    struct bp_store_batch none = { NULL, 0, NULL };
    assert_int_equal(bp_store_write(s, NULL, &none, NULL),
                     BP_ERR_STORE_READ_ONLY);
    assert_int_equal(bp_store_check(s, NULL), 0);
    bp_store_close(s);
    desk_end(&d);
}

static void a_file_that_changes_is_noticed(void **state) {
    (void)state;
    struct desk d;
    struct bp_store *s;
    struct bp_store_view *v;
    struct bp_store_entry e;
    bp_span bytes;
    desk_begin(&d, "t.rlp", 4);
    tiny_write(d.path, d.chain + 1, 3, NULL);
    assert_int_equal(bp_store_file_open(&s, d.path, NULL, &d.spec, NULL), 0);
    FILE *f = fopen(d.path, "r+b");
    assert_non_null(f);
    fseek(f, 100, SEEK_SET);
    fputc('!', f);
    fclose(f);
    assert_int_equal(bp_view_begin(&v, s), 0);
    assert_int_equal(bp_view_at(v, &e, 1), 0);
    assert_int_equal(bp_view_header(v, &bytes, &e), BP_ERR_FILE_BLOCK);
    assert_int_equal(bp_view_at(v, &e, 2), 0);
    assert_int_equal(bp_view_header(v, &bytes, &e), 0);
    assert_int_equal(truncate(d.path, 700), 0);
    assert_int_equal(bp_view_header(v, &bytes, &e), BP_ERR_FILE_READ);
    bp_view_end(v);
    bp_store_close(s);
    desk_end(&d);
}

static void failing_memory_leaks_nothing(void **state) {
    (void)state;
    struct desk d;
    struct test_alloc a;
    struct bp_store *s;
    desk_begin(&d, "t.era1", 4);
    tiny_write(d.path, d.chain, 4, NULL);
    test_alloc_init(&a);
    assert_int_equal(bp_store_file_open(&s, d.path, &a.iface, &d.spec, NULL),
                     0);
    bp_store_close(s);
    assert_int_equal(a.live_blocks, 0);
    for (size_t k = 1, calls = a.calls; k <= calls; k++) {
        test_alloc_init(&a);
        a.fail_at = k;
        assert_int_equal(
            bp_store_file_open(&s, d.path, &a.iface, &d.spec, NULL),
            BP_ERR_NOMEM);
        assert_int_equal(a.live_blocks, 0);
    }
    desk_end(&d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(mainnet_is_served_from_its_era1),
        T(an_open_file_costs_250_bytes_a_block),
        T(chains_are_served_from_rlp),
        T(a_file_of_another_chain_is_refused),
        T(a_file_that_cannot_be_served_is_refused),
        T(branches_in_a_file_are_held),
        T(a_file_that_changes_is_noticed),
        T(failing_memory_leaks_nothing),
    };
    return bp_run(tests);
}
