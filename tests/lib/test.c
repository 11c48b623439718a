/* test.c: seeds, data files, temporary directories, the failing allocator. */
#include "lib/test.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

uint64_t test_seed(const char *test_name, uint64_t fallback) {
    const char *env = getenv("SEED");
    uint64_t seed = env != NULL ? strtoull(env, NULL, 0) : fallback;
    printf("# %s: seed 0x%llx (rerun: make check SEED=0x%llx)\n", test_name,
           (unsigned long long)seed, (unsigned long long)seed);
    fflush(stdout);
    return seed;
}

const char *test_data(const char *relative) {
    static char path[1024];
    const char *root = getenv("BLOCKPOOL_TEST_DATA");
    const char *src = getenv("BLOCKPOOL_SOURCE_ROOT");
    if (root != NULL)
        snprintf(path, sizeof path, "%s/%s", root, relative);
    else
        snprintf(path, sizeof path, "%s/../shared/data/%s",
                 src != NULL ? src : ".", relative);
    return access(path, R_OK) == 0 ? path : NULL;
}

const char *need_data(const char *relative) {
    const char *path = test_data(relative);
    if (path == NULL) {
        printf("# skipped: real data %s is not here (BLOCKPOOL_TEST_DATA)\n",
               relative);
        fflush(stdout);
        skip();
    }
    return path;
}

uint8_t *test_read(const char *path, size_t *n) {
    gzFile f = gzopen(path, "rb"); /* reads plain files as they are */
    if (f == NULL) fail_msg("cannot open %s", path);
    size_t cap = 1 << 16, len = 0;
    uint8_t *buf = malloc(cap);
    assert_non_null(buf);
    for (;;) {
        int got = gzread(f, buf + len, (unsigned)(cap - len - 1));
        if (got < 0) fail_msg("cannot read %s", path);
        if (got == 0) break;
        len += (size_t)got;
        if (cap - len < 4096) {
            uint8_t *more = realloc(buf, cap *= 2);
            assert_non_null(more);
            buf = more;
        }
    }
    gzclose(f);
    buf[len] = 0;
    *n = len;
    return buf;
}

void test_mkdir(char out[256]) {
    const char *tmp = getenv("TMPDIR");
    snprintf(out, 256, "%s/blockpool-test-XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(out) == NULL) fail_msg("cannot make %s", out);
}

void test_rmdir(const char *path) {
    DIR *d = opendir(path);
    if (d == NULL) return;
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        char sub[1024];
        struct stat st;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        snprintf(sub, sizeof sub, "%s/%s", path, e->d_name);
        if (lstat(sub, &st) == 0 && S_ISDIR(st.st_mode))
            test_rmdir(sub);
        else
            unlink(sub);
    }
    closedir(d);
    rmdir(path);
}

size_t test_unhex(uint8_t *out, size_t cap, const char *hex) {
    if (hex[0] == '0' && hex[1] == 'x') hex += 2;
    size_t n = strlen(hex) / 2;
    if (n > cap) fail_msg("hex of %zu bytes does not fit %zu", n, cap);
    if (bp_unhex(out, n, hex) != 0) fail_msg("malformed hex %.40s", hex);
    return n;
}

/* Every block carries its size in front, so that a wrong size at free shows. */
struct block_head {
    size_t n;
    size_t pad;
};

static void *counting_alloc(void *user, size_t n) {
    struct test_alloc *a = user;
    a->calls++;
    if (a->fail_at != 0 &&
        (a->calls == a->fail_at || (a->fail_on && a->calls > a->fail_at)))
        return NULL;
    struct block_head *h = malloc(sizeof *h + n);
    assert_non_null(h);
    h->n = n;
    a->live_blocks++;
    a->live_bytes += n;
    if (a->live_bytes > a->peak_bytes) a->peak_bytes = a->live_bytes;
    return h + 1;
}

static void counting_free(void *user, void *p, size_t n) {
    struct test_alloc *a = user;
    struct block_head *h = (struct block_head *)p - 1;
    if (h->n != n) fail_msg("freed with size %zu, was made with %zu", n, h->n);
    a->live_blocks--;
    a->live_bytes -= n;
    free(h);
}

void test_alloc_init(struct test_alloc *a) {
    memset(a, 0, sizeof *a);
    a->iface = (struct bp_alloc){ counting_alloc, counting_free, a };
}
