/* Readers and writers of chain files on real chains, against their truth, and
   what they say of files that are wrong. */
#include "lib/test.h"

#include <inttypes.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/sha.h>

#include "blockpool/files.h"
#include "blockpool/keccak.h"
#include "store/accumulator.h"
#include "tiny.h"

/* ---- truth ----------------------------------------------------------- */

/* The value of a key of truth/NAME.json as text, without quotes. */
static void truth_value(char out[128], const char *json, const char *key) {
    char pattern[64];
    snprintf(pattern, sizeof pattern, "\"%s\": ", key);
    const char *at = strstr(json, pattern);
    if (at == NULL) fail_msg("the truth has no %s", key);
    at += strlen(pattern);
    if (*at == '"') at++;
    size_t n = strcspn(at, "\",\n}");
    assert_true(n < 128);
    memcpy(out, at, n);
    out[n] = 0;
}

static void expect_number(const char *json, const char *key, uint64_t got) {
    char want[128], text[32];
    truth_value(want, json, key);
    snprintf(text, sizeof text, "%" PRIu64, got);
    if (strcmp(want, text) != 0) fail_msg("%s: %s, not %s", key, text, want);
}

static void expect_hash(const char *json, const char *key, const bp_hash *h) {
    char want[128], text[65];
    truth_value(want, json, key);
    bp_hex(text, h->b, 32);
    if (strcmp(want, text) != 0) fail_msg("%s: %s, not %s", key, text, want);
}

/* One line of truth/NAME.blocks.tsv: number, hash, total difficulty, ... */
static const char *expect_line(const char *line, const struct bp_file_block *b,
                               const bp_u256 *td) {
    char want[256], hash[65], sum[BP_U256_DEC_MAX], dif[BP_U256_DEC_MAX];
    bp_hex(hash, b->hash.b, 32);
    bp_u256_to_dec(sum, td);
    bp_u256_to_dec(dif, &b->difficulty);
    snprintf(want, sizeof want, "%" PRIu64 "\t%s\t%s\t%s\t", b->number, hash,
             sum, dif);
    if (strncmp(line, want, strlen(want)) != 0)
        fail_msg("block %" PRIu64 " is not as the truth has it", b->number);
    const char *end = strchr(line, '\n');
    return end == NULL ? line + strlen(line) : end + 1;
}

struct sums {
    uint64_t blocks, header_bytes, body_bytes, receipt_bytes;
    bp_u256 td;
    struct bp_keccak hashes;
    struct bp_file_block last;
};

static void add_up(struct sums *s, const struct bp_file_block *b) {
    s->blocks++;
    s->header_bytes += b->header.n;
    s->body_bytes += b->body.n;
    s->receipt_bytes += b->receipts.n;
    bp_u256_add(&s->td, &s->td, &b->difficulty);
    bp_keccak_update(&s->hashes, b->hash.b, 32);
    s->last = *b;
}

static void read_real(const char *file, const char *truth) {
    char path[512], name[128], text[128];
    size_t n;
    snprintf(path, sizeof path, "%s", need_data(file));
    snprintf(name, sizeof name, "truth/%s.json", truth);
    char *json = (char *)test_read(need_data(name), &n);
    snprintf(name, sizeof name, "truth/%s.blocks.tsv.gz", truth);
    char *lines = (char *)test_read(need_data(name), &n);
    const char *line = strchr(lines, '\n') + 1; /* past the titles */

    struct bp_reader *r;
    struct bp_store_error why = { 0 };
    struct bp_file_block b;
    struct sums s = { 0 };
    int err;
    bp_keccak256_init(&s.hashes);
    truth_value(text, json, "td_before_first");
    assert_int_equal(bp_u256_parse(&s.td, text), 0);
    if (bp_reader_open(&r, path, NULL, &why) != 0) fail_msg("%s", why.text);
    bool era = bp_reader_format(r) == BP_FILE_ERA1;
    while ((err = bp_reader_next(r, &b, &why)) == 0) {
        add_up(&s, &b);
        line = expect_line(line, &b, &s.td);
        if (era) assert_int_equal(bp_u256_cmp(&b.td, &s.td), 0);
    }
    if (err != BP_ERR_FILE_END) fail_msg("%s", why.text);
    assert_int_equal(*line, 0);
    expect_number(json, "blocks", s.blocks);
    expect_number(json, "last_number", s.last.number);
    expect_hash(json, "last_hash", &s.last.hash);
    expect_number(json, "header_bytes", s.header_bytes);
    /* In an RLP file body bytes are the block's less the header's: the list
       prefix of a body is ours and is not counted there. */
    if (era) expect_number(json, "body_bytes", s.body_bytes);
    bp_hash h;
    bp_keccak_digest(&s.hashes, h.b);
    expect_hash(json, "keccak256_of_header_hashes", &h);
    assert_int_equal(bp_reader_root(r, &h), era);
    if (era) expect_hash(json, "accumulator_root", &h);
    if (era) expect_number(json, "receipt_bytes", s.receipt_bytes);
    uint64_t taken, all;
    bp_reader_progress(r, &taken, &all);
    assert_int_equal(taken, all);
    bp_reader_close(r);
    free(json);
    free(lines);
}

static void mainnet_era1_is_read(void **state) {
    (void)state;
    read_real("chains/mainnet-00000-5ec1ffb8.era1", "mainnet-00000-5ec1ffb8");
}
static void sepolia_era1_is_read(void **state) {
    (void)state;
    read_real("chains/sepolia-00000-643a00f7.era1", "sepolia-00000-643a00f7");
}
static void pow_chain_rlp_is_read(void **state) {
    (void)state;
    read_real("chains/ethtest-pow/chain.rlp", "ethtest-pow-chain");
    read_real("chains/ethtest-pow/halfchain.rlp", "ethtest-pow-halfchain");
}
static void typed_transactions_rlp_is_read(void **state) {
    (void)state;
    read_real("chains/ethtest/chain.rlp", "ethtest-chain");
}

/* ---- copies ------------------------------------------------------------ */

/* Reads `from` and writes what it holds to `to`. */
static void copy_chain(const char *from, const char *to, bp_hash *root) {
    struct bp_reader *r;
    struct bp_writer *w;
    struct bp_store_error why = { 0 };
    struct bp_file_block b;
    int err;
    if (bp_reader_open(&r, from, NULL, &why) != 0 ||
        bp_writer_open(&w, to, NULL, &why) != 0)
        fail_msg("%s", why.text);
    while ((err = bp_reader_next(r, &b, &why)) == 0) {
        struct bp_file_out out = { b.number, b.hash, b.td,
                                   b.header, b.body, b.receipts };
        if (bp_writer_add(w, &out, &why) != 0) fail_msg("%s", why.text);
    }
    if (err != BP_ERR_FILE_END) fail_msg("%s", why.text);
    bp_reader_close(r);
    if (bp_writer_finish(w, root, &why) != 0) fail_msg("%s", why.text);
}

static void expect_same_bytes(const char *a, const char *b) {
    size_t n, m;
    uint8_t *x = test_read(a, &n), *y = test_read(b, &m);
    assert_int_equal(n, m);
    assert_memory_equal(x, y, n);
    free(x);
    free(y);
}

static void rlp_copies_are_the_same_bytes(void **state) {
    (void)state;
    char dir[256], from[512], to[600], gz[600];
    struct stat small, large;
    snprintf(from, sizeof from, "%s", need_data("chains/ethtest/chain.rlp"));
    test_mkdir(dir);
    snprintf(to, sizeof to, "%s/copy.rlp", dir);
    snprintf(gz, sizeof gz, "%s/copy.rlp.gz", dir);
    copy_chain(from, to, NULL);
    expect_same_bytes(from, to);
    copy_chain(to, gz, NULL);
    assert_int_equal(stat(gz, &small), 0);
    assert_int_equal(stat(to, &large), 0);
    assert_true(small.st_size < large.st_size / 2);
    unlink(to);
    copy_chain(gz, to, NULL);
    expect_same_bytes(from, to);
    test_rmdir(dir);
}

static uint64_t le64_at(const uint8_t *p) {
    uint64_t v = 0;
    for (int i = 7; i >= 0; i--) v = v << 8 | p[i];
    return v;
}

/* What an era1 file says of itself: data of all entries but the compressed
   ones, the index with its offsets replaced by what they point at. */
static void digest_era1(bp_hash *out, const char *path) {
    size_t n;
    uint8_t *p = test_read(path, &n);
    struct bp_keccak k;
    bp_keccak256_init(&k);
    for (size_t at = 0; at < n;) {
        unsigned type = p[at] | p[at + 1] << 8;
        size_t len = p[at + 2] | p[at + 3] << 8 | p[at + 4] << 16;
        bp_keccak_update(&k, p + at, 2);
        if (type < 3 || type > 5)
            if (type != 0x3266) bp_keccak_update(&k, p + at + 8, len);
        if (type == 0x3266) {
            bp_keccak_update(&k, p + at + 8, 8);
            bp_keccak_update(&k, p + at + len, 8);
            for (size_t i = 8; i < len - 8; i += 8) {
                size_t to = at + le64_at(p + at + 8 + i);
                assert_true(to < n && p[to] == 3 && p[to + 1] == 0);
            }
        }
        at += 8 + len;
    }
    bp_keccak_digest(&k, out->b);
    free(p);
}

static void an_era1_copy_says_the_same(void **state) {
    (void)state;
    char dir[256], from[512], to[600], name[BP_ERA1_NAME_MAX];
    bp_hash root, a, b;
    snprintf(from, sizeof from, "%s",
             need_data("chains/mainnet-00000-5ec1ffb8.era1"));
    test_mkdir(dir);
    snprintf(to, sizeof to, "%s/copy.era1", dir);
    copy_chain(from, to, &root);
    bp_era1_name(name, "mainnet", 0, &root);
    assert_string_equal(name, "mainnet-00000-5ec1ffb8.era1");
    digest_era1(&a, from);
    digest_era1(&b, to);
    assert_memory_equal(&a, &b, 32);
    unlink(to);
    test_rmdir(dir);
}

/* ---- wrong files ------------------------------------------------------- */

/* Reads bytes to their end: the error, with its sentence, and a hash of all
   that the blocks hold. */
static int read_all(bp_span bytes, bp_hash *content,
                    struct bp_store_error *why) {
    struct bp_reader *r;
    struct bp_file_block b;
    struct bp_keccak k;
    memset(why, 0, sizeof *why);
    bp_keccak256_init(&k);
    int err = bp_reader_open_memory(&r, bytes, "it.file", NULL, why);
    if (err != 0) return err;
    while ((err = bp_reader_next(r, &b, why)) == 0) {
        bp_keccak_update(&k, b.hash.b, 32);
        bp_keccak_update(&k, &b.td, sizeof b.td);
        bp_keccak_update(&k, b.header.p, b.header.n);
        bp_keccak_update(&k, b.body.p, b.body.n);
        bp_keccak_update(&k, b.receipts.p, b.receipts.n);
    }
    bp_reader_close(r);
    bp_keccak_digest(&k, content->b);
    return err;
}

/* The bytes are a file without a fault. */
static void expect_good(bp_span bytes) {
    struct bp_store_error why;
    bp_hash content;
    if (read_all(bytes, &content, &why) != BP_ERR_FILE_END)
        fail_msg("%s", why.text);
}

/* The error is `code`, and its sentence names the file and says `what`. */
static void expect_error(bp_span bytes, int code, const char *what) {
    struct bp_store_error why;
    bp_hash content;
    int err = read_all(bytes, &content, &why);
    if (err != code || why.code != code || strstr(why.text, what) == NULL ||
        strncmp(why.text, "it.file: ", 9) != 0 ||
        strchr(why.text, '\n') != NULL)
        fail_msg("%s (%s), not %s (%s)", bp_errname(err), why.text,
                 bp_errname(code), what);
}

/* A file of tiny blocks, in memory to be freed. */
static uint8_t *tiny_file(const char *name, size_t blocks, size_t *n) {
    char dir[256], path[300];
    struct tiny_block *chain = tiny_chain(blocks);
    test_mkdir(dir);
    snprintf(path, sizeof path, "%s/%s", dir, name);
    tiny_write(path, chain, blocks, NULL);
    uint8_t *bytes = test_read(path, n);
    test_rmdir(dir);
    free(chain);
    return bytes;
}

static void a_wrong_rlp_file_is_named_with_its_place(void **state) {
    (void)state;
    size_t n;
    uint8_t *p = tiny_file("t.rlp", 4, &n);
    size_t block = n / 4;
    expect_good((bp_span){ p, n });
    expect_good((bp_span){ p, 0 });
    expect_error((bp_span){ p, n - 1 }, BP_ERR_FILE_SHORT,
                 "block 4 of the file, at byte");
    expect_error((bp_span){ p, 3 * block + 2 }, BP_ERR_FILE_SHORT,
                 "the file ends here");
    p[block + 5] ^= 0x40; /* the header's prefix, in the second block */
    expect_error((bp_span){ p, n }, BP_ERR_FILE_BLOCK, "block 2 of the file");
    p[block + 5] ^= 0x40;
    p[block] = 0x80;
    expect_error((bp_span){ p, n }, BP_ERR_FILE_BLOCK, "not an RLP list");
    uint8_t huge[] = { 0xfb, 0xff, 0xff, 0xff, 0xff };
    expect_error((bp_span){ huge, sizeof huge }, BP_ERR_FILE_SIZE,
                 "block 1 of the file, at byte 0: longer than 32 MiB");
    memset(huge, 0xff, sizeof huge);
    expect_error((bp_span){ huge, sizeof huge }, BP_ERR_FILE_SHORT, "ends");
    expect_error((bp_span){ (const uint8_t *)"\x1f\x8b", 2 },
                 BP_ERR_FILE_FORMAT, "begins with byte 0x1f");
    free(p);
}

static void a_missing_file_is_named(void **state) {
    (void)state;
    struct bp_reader *r;
    struct bp_writer *w;
    struct bp_store_error why;
    assert_int_equal(bp_reader_open(&r, "/nonexistent/a.rlp", NULL, &why),
                     BP_ERR_FILE_OPEN);
    assert_string_equal(
        why.text, "/nonexistent/a.rlp: cannot open: No such file or directory");
    assert_null(r);
    assert_int_equal(bp_reader_open(&r, "/tmp", NULL, &why), BP_ERR_FILE_OPEN);
    assert_string_equal(why.text, "/tmp: cannot open: Is a directory");
    assert_int_equal(bp_writer_open(&w, "/nonexistent/a.rlp", NULL, &why),
                     BP_ERR_FILE_OPEN);
    assert_null(w);
}

static void a_damaged_gzip_file_is_found(void **state) {
    (void)state;
    char dir[256], path[300];
    size_t n;
    struct tiny_block *chain = tiny_chain(200);
    struct bp_store_error why;
    struct bp_reader *r;
    struct bp_file_block b;
    test_mkdir(dir);
    snprintf(path, sizeof path, "%s/t.rlp.gz", dir);
    tiny_write(path, chain, 200, NULL);
    FILE *f = fopen(path, "rb");
    uint8_t raw[65536];
    assert_non_null(f);
    n = fread(raw, 1, sizeof raw, f);
    fclose(f);
    for (int cut = 0; cut < 2; cut++) {
        raw[n / 2] ^= 0xff; /* damaged, then mended and cut short */
        assert_non_null(f = fopen(path, "wb"));
        fwrite(raw, 1, cut == 1 ? n / 2 : n, f);
        fclose(f);
        int err = bp_reader_open(&r, path, NULL, &why);
        while (err == 0) err = bp_reader_next(r, &b, &why);
        if (err != BP_ERR_FILE_GZIP && err != BP_ERR_FILE_BLOCK)
            fail_msg("%s: %s", bp_errname(err), why.text);
        if (cut == 1) assert_int_equal(err, BP_ERR_FILE_GZIP);
        bp_reader_close(r);
    }
    free(chain);
    test_rmdir(dir);
}

/* ---- era1 ------------------------------------------------------------ */

/* Offset of the k-th entry of a type. */
static size_t entry_at(const uint8_t *p, size_t n, unsigned type, int k) {
    for (size_t at = 0; at < n;) {
        unsigned t = p[at] | p[at + 1] << 8;
        if (t == type && k-- == 0) return at;
        at += 8 + (p[at + 2] | p[at + 3] << 8 | (size_t)p[at + 4] << 16);
    }
    fail_msg("no entry of type %x", type);
    return 0;
}

static void each_corruption_of_era1_has_its_error(void **state) {
    (void)state;
    size_t n;
    uint8_t *p = tiny_file("t.era1", 5, &n);
    bp_span all = { p, n };
    const struct {
        unsigned type;
        int k;
        size_t offset;
        uint8_t flip;
        int code;
        const char *what;
    } cases[] = {
        { 0x03, 2, 8 + 14, 0x01, BP_ERR_FILE_SNAPPY, "header: " },
        { 0x04, 1, 8 + 15, 0x01, BP_ERR_FILE_SNAPPY, "body: " },
        { 0x05, 0, 8, 0x01, BP_ERR_FILE_SNAPPY, "receipts: " },
        { 0x05, 3, 0, 0x02, BP_ERR_FILE_ENTRY,
          "type 0x0007 (accumulator) where receipts is due" },
        { 0x06, 3, 8, 0x01, BP_ERR_FILE_TD, "block 3" },
        { 0x06, 0, 8 + 31, 0x80, BP_ERR_FILE_TD, "the file says 578960" },
        { 0x06, 2, 6, 0x01, BP_ERR_FILE_ENTRY, "reserved bytes" },
        { 0x06, 2, 2, 0x01, BP_ERR_FILE_ENTRY,
          "total difficulty of 33 bytes, not 32" },
        { 0x06, 2, 5, 0x7f, BP_ERR_FILE_SIZE, "longer than 32 MiB" },
        { 0x07, 0, 8, 0x01, BP_ERR_FILE_ROOT, "accumulator is 0x" },
        { 0x3266, 0, 8, 0x01, BP_ERR_FILE_INDEX, "of 5 blocks from 0" },
        { 0x3266, 0, 8 + 16, 0x01, BP_ERR_FILE_INDEX, "block 1 begins" },
        { 0x3266, 0, 8 + 48, 0x01, BP_ERR_FILE_INDEX, "of 5 blocks" },
        { 0x3265, 0, 2, 0x01, BP_ERR_FILE_ENTRY, "version" },
    };
    expect_good(all);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t at = entry_at(p, n, cases[i].type, cases[i].k) + cases[i].offset;
        p[at] ^= cases[i].flip;
        expect_error(all, cases[i].code, cases[i].what);
        p[at] ^= cases[i].flip;
    }
    size_t acc = entry_at(p, n, 0x07, 0), index = entry_at(p, n, 0x3266, 0);
    expect_error((bp_span){ p, acc }, BP_ERR_FILE_SHORT, "the file ends here");
    expect_error((bp_span){ p, index }, BP_ERR_FILE_SHORT, "ends here");
    expect_error((bp_span){ p, n - 1 }, BP_ERR_FILE_SHORT, "inside this entry");
    uint8_t *longer = malloc(n + 1);
    memcpy(longer, p, n);
    longer[n] = 0;
    expect_error((bp_span){ longer, n + 1 }, BP_ERR_FILE_ENTRY,
                 "something follows the index");
    free(longer);
    free(p);
}

/* Checksums, sums, root and index together cover every byte: a flipped bit is
   found, or it is one of those by which the compressed form says the same. */
static void every_bit_of_era1_is_guarded(void **state) {
    (void)state;
    size_t n, same = 0;
    struct bp_store_error why;
    bp_hash right, content;
    uint8_t *p = tiny_file("t.era1", 3, &n);
    assert_int_equal(read_all((bp_span){ p, n }, &right, &why),
                     BP_ERR_FILE_END);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        int err = read_all((bp_span){ p, n }, &content, &why);
        if (err == BP_ERR_FILE_END ? !bp_hash_eq(&content, &right)
                                   : err != why.code)
            fail_msg("bit %zu: %s", bit, bp_errname(err));
        same += err == BP_ERR_FILE_END;
        p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_true(same < n / 8);
    for (size_t cut = 1; cut < n; cut++) {
        int err = read_all((bp_span){ p, cut }, &content, &why);
        if (err == BP_ERR_FILE_END) fail_msg("cut at %zu passes", cut);
    }
    free(p);
}

/* The same with an entry of another program before the accumulator: it is
   passed over, and the index still points at the blocks. */
static void other_entries_are_passed_over(void **state) {
    (void)state;
    static const uint8_t other[] = { 0x20, 0,   5,   0,   0,   0,  0,
                                     0,    'o', 't', 'h', 'e', 'r' };
    size_t n;
    uint8_t *p = tiny_file("t.era1", 2, &n);
    size_t acc = entry_at(p, n, 0x07, 0);
    uint8_t *with = malloc(n + sizeof other);
    memcpy(with, p, acc);
    memcpy(with + acc, other, sizeof other);
    memcpy(with + acc + sizeof other, p + acc, n - acc);
    bp_span all = { with, n + sizeof other };
    expect_error(all, BP_ERR_FILE_INDEX, "block 0 begins at byte 8");
    uint8_t *index = with + entry_at(with, all.n, 0x3266, 0);
    for (int i = 0; i < 2; i++) {
        uint64_t offset = le64_at(index + 16 + 8 * i) - sizeof other;
        for (int k = 0; k < 8; k++)
            index[16 + 8 * i + k] = (uint8_t)(offset >> 8 * k);
    }
    expect_good(all);
    free(with);
    free(p);
}

/* The root as its definition has it: all 8192 leaves, level by level. */
static void plain_root(bp_hash *out, const bp_hash *hash, const bp_u256 *td,
                       size_t n) {
    static uint8_t tree[BP_ERA1_BLOCKS][64];
    memset(tree, 0, sizeof tree);
    for (size_t i = 0; i < BP_ERA1_BLOCKS; i++) {
        uint8_t leaf[64];
        if (i >= n) continue; /* an absent leaf is 32 zero bytes */
        memcpy(leaf, hash[i].b, 32);
        for (int k = 0; k < 32; k++)
            leaf[32 + k] = (uint8_t)(td[i].w[k / 8] >> 8 * (k % 8));
        SHA256(leaf, 64, tree[i / 2] + 32 * (i % 2));
    }
    for (size_t width = BP_ERA1_BLOCKS / 2; width > 1; width /= 2)
        for (size_t i = 0; i < width; i++) {
            uint8_t node[32];
            SHA256(tree[i], 64, node);
            memcpy(tree[i / 2] + 32 * (i % 2), node, 32);
        }
    uint8_t last[64] = { 0 };
    SHA256(tree[0], 64, last);
    last[32] = (uint8_t)n;
    last[33] = (uint8_t)(n >> 8);
    SHA256(last, 64, out->b);
}

static void roots_of_short_files_are_right(void **state) {
    (void)state;
    static const size_t sizes[] = { 0, 1, 2, 3, 5, 4095, 4096, 8191, 8192 };
    bp_hash *hash = calloc(BP_ERA1_BLOCKS, sizeof *hash), root, plain;
    bp_u256 *td = calloc(BP_ERA1_BLOCKS, sizeof *td);
    struct bp_rng r;
    bp_rng_seed(&r, 1);
    bp_rng_bytes(&r, hash, BP_ERA1_BLOCKS * sizeof *hash);
    bp_rng_bytes(&r, td, BP_ERA1_BLOCKS * sizeof *td);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct bp_accumulator acc;
        bp_accumulator_init(&acc);
        for (size_t k = 0; k < sizes[i]; k++)
            bp_accumulator_add(&acc, &hash[k], &td[k]);
        bp_accumulator_root(&acc, &root);
        plain_root(&plain, hash, td, sizes[i]);
        assert_memory_equal(&root, &plain, 32);
    }
    free(hash);
    free(td);
}

static void era1_blocks_must_link(void **state) {
    (void)state;
    char dir[256], path[300];
    size_t n;
    struct bp_store_error why;
    struct tiny_block *chain = tiny_chain(3), other;
    struct bp_writer *w;
    test_mkdir(dir);
    snprintf(path, sizeof path, "%s/t.era1", dir);
    tiny_make(&other, &chain[0], 7); /* 1', so that 2 does not stand on it */
    assert_int_equal(bp_writer_open(&w, path, NULL, &why), 0);
    assert_int_equal(bp_writer_add(w, &chain[0].b, &why), 0);
    assert_int_equal(bp_writer_add(w, &other.b, &why), 0);
    assert_int_equal(bp_writer_add(w, &chain[2].b, &why), 0);
    assert_int_equal(bp_writer_finish(w, NULL, &why), 0);
    uint8_t *p = test_read(path, &n);
    expect_error((bp_span){ p, n }, BP_ERR_FILE_LINK, "block 2, up to byte");
    free(p);

    assert_int_equal(bp_writer_open(&w, path, NULL, &why), 0);
    assert_int_equal(bp_writer_add(w, &chain[0].b, &why), 0);
    assert_int_equal(bp_writer_add(w, &chain[2].b, &why), BP_ERR_FILE_LINK);
    chain[1].b.receipts.p = NULL;
    assert_int_equal(bp_writer_add(w, &chain[1].b, &why), BP_ERR_NOT_STORED);
    assert_non_null(strstr(why.text, "no receipts of block 1"));
    bp_writer_abandon(w);
    test_rmdir(dir);
    free(chain);
}

static void an_era1_holds_8192_blocks(void **state) {
    (void)state;
    char dir[256], path[300];
    struct bp_store_error why;
    struct tiny_block *chain = tiny_chain(2);
    struct bp_writer *w;
    test_mkdir(dir);
    snprintf(path, sizeof path, "%s/t.era1", dir);
    assert_int_equal(bp_writer_open(&w, path, NULL, &why), 0);
    assert_int_equal(bp_writer_finish(w, NULL, &why), BP_ERR_FILE_SIZE);
    assert_int_equal(bp_writer_open(&w, path, NULL, &why), 0);
    for (int i = 0; i < BP_ERA1_BLOCKS; i++) {
        chain[0].b.number = (uint64_t)i;
        assert_int_equal(bp_writer_add(w, &chain[0].b, &why), 0);
    }
    chain[0].b.number = BP_ERA1_BLOCKS;
    assert_int_equal(bp_writer_add(w, &chain[0].b, &why), BP_ERR_FILE_SIZE);
    bp_writer_abandon(w);
    assert_int_not_equal(access(path, F_OK), 0); /* nothing is left behind */
    snprintf(path, sizeof path, "%s/t.era1.part", dir);
    assert_int_not_equal(access(path, F_OK), 0);
    test_rmdir(dir);
    free(chain);
}

/* ---- what cannot be written ------------------------------------------ */

/* Writes blocks until an error, which abandons the file. */
static int write_until(const char *path, struct bp_store_error *why) {
    struct bp_writer *w;
    struct tiny_block *chain = tiny_chain(1);
    int err = bp_writer_open(&w, path, NULL, why);
    if (err == 0) {
        for (int i = 0; err == 0 && i < 2000; i++)
            err = bp_writer_add(w, &chain[0].b, why);
        if (err == 0)
            err = bp_writer_finish(w, NULL, why);
        else
            bp_writer_abandon(w);
    }
    free(chain);
    return err;
}

static void a_full_disk_leaves_no_file(void **state) {
    (void)state;
    const char *names[] = { "t.rlp", "t.rlp.gz" };
    char dir[256], path[300];
    struct bp_store_error why = { 0 };
    struct rlimit was, low;
    test_mkdir(dir);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    low = was;
    low.rlim_cur = 1000;
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
        int err = write_until(path, &why);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
        assert_int_equal(err, BP_ERR_DISK_FULL);
        assert_non_null(strstr(why.text, path));
        assert_int_not_equal(access(path, F_OK), 0);
        snprintf(path, sizeof path, "%s/%s.part", dir, names[i]);
        assert_int_not_equal(access(path, F_OK), 0);
    }
    test_rmdir(dir);
}

static void a_closed_pipe_is_an_error(void **state) {
    (void)state;
    struct bp_store_error why = { 0 };
    int ends[2], saved = dup(STDOUT_FILENO);
    fflush(NULL);
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(dup2(ends[1], STDOUT_FILENO), STDOUT_FILENO);
    int err = write_until("-", &why);
    assert_int_equal(dup2(saved, STDOUT_FILENO), STDOUT_FILENO);
    close(saved);
    close(ends[1]);
    assert_int_equal(err, BP_ERR_FILE_WRITE);
    assert_non_null(strstr(why.text, "Broken pipe"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(mainnet_era1_is_read),
        T(sepolia_era1_is_read),
        T(pow_chain_rlp_is_read),
        T(typed_transactions_rlp_is_read),
        T(rlp_copies_are_the_same_bytes),
        T(an_era1_copy_says_the_same),
        T(a_wrong_rlp_file_is_named_with_its_place),
        T(a_missing_file_is_named),
        T(a_damaged_gzip_file_is_found),
        T(each_corruption_of_era1_has_its_error),
        T(every_bit_of_era1_is_guarded),
        T(other_entries_are_passed_over),
        T(roots_of_short_files_are_right),
        T(era1_blocks_must_link),
        T(an_era1_holds_8192_blocks),
        T(a_full_disk_leaves_no_file),
        T(a_closed_pipe_is_an_error),
    };
    return bp_run(tests);
}
