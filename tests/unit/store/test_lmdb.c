/* The LMDB store and the world: other processes, other chains, full disks,
   damaged files. */
#include "lib/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lmdb.h>

#include "blockpool/store.h"
#include "fake.h"

/* 0: as much as the store wants. ThreadSanitizer leaves less room than that. */
#ifdef __SANITIZE_THREAD__
#define MAP_BYTES (UINT64_C(1) << 30)
#else
#define MAP_BYTES 0
#endif

struct desk {
    char dir[256];
    struct fake genesis;
    struct bp_store_chain chain;
};

static void desk_begin(struct desk *d) {
    test_mkdir(d->dir);
    d->chain = fake_chain(&d->genesis);
}

static int try_open(struct bp_store **s, struct desk *d,
                    enum bp_store_mode mode, struct bp_store_error *why) {
    struct bp_store_config cfg = { .mode = mode, .map_bytes = MAP_BYTES };
    memset(why, 0, sizeof *why);
    return bp_store_open(s, d->dir, &cfg, &d->chain, why);
}

static struct bp_store *must_open(struct desk *d, enum bp_store_mode mode) {
    struct bp_store_error why;
    struct bp_store *s;
    if (try_open(&s, d, mode, &why) != 0) fail_msg("%s", why.text);
    return s;
}

static void expect_refused(struct desk *d, enum bp_store_mode mode, int code,
                           const char *what) {
    struct bp_store_error why;
    struct bp_store *s;
    int err = try_open(&s, d, mode, &why);
    if (err != code || why.code != code || strstr(why.text, what) == NULL ||
        strstr(why.text, d->dir) == NULL || strchr(why.text, '\n') != NULL)
        fail_msg("%s (%s), not %s (%s)", bp_errname(err), why.text,
                 bp_errname(code), what);
    assert_null(s);
}

struct shape {
    uint64_t blocks, head;
};

static struct shape shape_of(struct bp_store *s) {
    struct bp_store_view *v;
    struct bp_store_entry e;
    assert_int_equal(bp_view_begin(&v, s), 0);
    assert_int_equal(bp_view_head(v, &e), 0);
    struct shape shape = { bp_view_count(v), e.number };
    bp_view_end(v);
    return shape;
}

static void expect_shape(struct bp_store *s, uint64_t blocks, uint64_t head) {
    struct bp_store_error why = { 0 };
    struct shape is = shape_of(s);
    assert_int_equal(is.blocks, blocks);
    assert_int_equal(is.head, head);
    if (bp_store_check(s, &why) != 0) fail_msg("%s", why.text);
}

/* ---- opening ----------------------------------------------------------- */

static void what_was_written_is_there_again(void **state) {
    (void)state;
    struct desk d;
    struct bp_store_identity id;
    desk_begin(&d);
    struct fake *run = fake_run(1, &d.genesis, 50);
    for (int i = 20; i < 30; i++) run[i].b.checks = 0;
    struct bp_store *s = must_open(&d, BP_STORE_CREATE);
    assert_int_equal(fake_write(s, run, 50, true, NULL), 0);
    bp_store_close(s);
    const enum bp_store_mode modes[] = { BP_STORE_READ, BP_STORE_WRITE,
                                         BP_STORE_CREATE };
    for (int i = 0; i < 3; i++) {
        struct bp_store_view *v;
        uint64_t last;
        uint32_t bits;
        s = must_open(&d, modes[i]);
        expect_shape(s, 51, 50);
        bp_store_identity(s, &id);
        assert_string_equal(id.name, "fake");
        assert_int_equal(id.schema, 1);
        assert_int_equal(bp_store_read_only(s), modes[i] == BP_STORE_READ);
        assert_int_equal(bp_view_begin(&v, s), 0);
        assert_int_equal(bp_view_checks(v, &bits, &last, 21), 0);
        assert_int_equal(bits, 0);
        assert_int_equal(last, 30);
        bp_view_end(v);
        if (modes[i] == BP_STORE_READ)
            assert_int_equal(fake_write(s, run, 1, false, NULL),
                             BP_ERR_STORE_READ_ONLY);
        bp_store_close(s);
    }
    free(run);
    test_rmdir(d.dir);
}

static void another_chain_is_refused_with_both_names(void **state) {
    (void)state;
    struct desk d;
    desk_begin(&d);
    bp_store_close(must_open(&d, BP_STORE_CREATE));
    d.chain.name = "other";
    expect_refused(&d, BP_STORE_CREATE, BP_ERR_STORE_CHAIN,
                   "the store is of chain fake (network 7, genesis 0x");
    expect_refused(&d, BP_STORE_READ, BP_ERR_STORE_CHAIN,
                   "not of other (network 7, genesis 0x");
    d.chain.name = "fake";
    d.chain.network_id = 8;
    expect_refused(&d, BP_STORE_WRITE, BP_ERR_STORE_CHAIN,
                   "not of fake (network 8");
    d.chain.network_id = 7;
    d.chain.genesis.hash = fake_hash(3, 3);
    expect_refused(&d, BP_STORE_CREATE, BP_ERR_STORE_CHAIN, "not of fake");
    struct bp_store_config cfg = { .mode = BP_STORE_READ };
    struct bp_store *s;
    assert_int_equal(bp_store_open(&s, d.dir, &cfg, NULL, NULL), 0);
    bp_store_close(s); /* whatever it is */
    test_rmdir(d.dir);
}

static void put_file(const char *dir, const char *name, const char *text) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void what_is_no_store_is_refused(void **state) {
    (void)state;
    struct desk d;
    char text[9000];
    desk_begin(&d);
    expect_refused(&d, BP_STORE_READ, BP_ERR_NO_STORE, "no store here");
    expect_refused(&d, BP_STORE_WRITE, BP_ERR_NO_STORE, "no store here");
    put_file(d.dir, "data.mdb", "");
    expect_refused(&d, BP_STORE_READ, BP_ERR_NO_STORE, "no store here");
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = 0;
    put_file(d.dir, "data.mdb", text);
    expect_refused(&d, BP_STORE_CREATE, BP_ERR_STORE_CORRUPT, "contradicts");
    expect_refused(&d, BP_STORE_READ, BP_ERR_STORE_CORRUPT, "contradicts");
    put_file(d.dir, "file", "");
    size_t n = strlen(d.dir);
    snprintf(d.dir + n, sizeof d.dir - n, "/file");
    expect_refused(&d, BP_STORE_CREATE, BP_ERR_STORE_IO, "");
    expect_refused(&d, BP_STORE_READ, BP_ERR_NO_STORE, "no store here");
    d.dir[n] = 0;
    test_rmdir(d.dir);
}

static void directories_are_made(void **state) {
    (void)state;
    struct desk d;
    char top[256];
    desk_begin(&d);
    snprintf(top, sizeof top, "%s", d.dir);
    snprintf(d.dir, sizeof d.dir, "%.200s/a//b/c", top);
    bp_store_close(must_open(&d, BP_STORE_CREATE));
    bp_store_close(must_open(&d, BP_STORE_WRITE));
    test_rmdir(top);
}

static void a_directory_may_be_forbidden(void **state) {
    (void)state;
    struct desk d;
    struct bp_store_error why;
    struct bp_store *s;
    desk_begin(&d);
    bp_store_close(must_open(&d, BP_STORE_CREATE));
    bool root = geteuid() == 0; /* to whom nothing is forbidden */
    assert_int_equal(chmod(d.dir, root ? 0700 : 0), 0);
    if (root) assert_int_equal(seteuid(65534), 0);
    int create = try_open(&s, &d, BP_STORE_CREATE, &why);
    int read = try_open(&s, &d, BP_STORE_READ, &why);
    if (root) assert_int_equal(seteuid(0), 0);
    assert_int_equal(chmod(d.dir, 0700), 0);
    assert_int_equal(create, BP_ERR_STORE_ACCESS);
    assert_int_equal(read, BP_ERR_STORE_ACCESS);
    assert_non_null(strstr(why.text, "Permission denied"));
    test_rmdir(d.dir);
}

/* Overwrites a row of the table meta behind the store's back. */
static void put_meta(struct desk *d, const char *name, const void *p,
                     size_t n) {
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi meta;
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 8), 0);
    assert_int_equal(mdb_env_open(env, d->dir, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "meta", 0, &meta), 0);
    MDB_val key = { strlen(name), (void *)name }, value = { n, (void *)p };
    assert_int_equal(mdb_put(txn, meta, &key, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void a_later_schema_is_refused(void **state) {
    (void)state;
    struct desk d;
    const uint8_t later[8] = { 2 };
    desk_begin(&d);
    bp_store_close(must_open(&d, BP_STORE_CREATE));
    put_meta(&d, "schema", later, sizeof later);
    expect_refused(&d, BP_STORE_CREATE, BP_ERR_STORE_SCHEMA,
                   "schema 2, this program reads 1");
    expect_refused(&d, BP_STORE_READ, BP_ERR_STORE_SCHEMA, "schema 2");
    put_meta(&d, "schema", later, 3);
    expect_refused(&d, BP_STORE_CREATE, BP_ERR_STORE_CORRUPT, "");
    test_rmdir(d.dir);
}

static void a_contradiction_is_found(void **state) {
    (void)state;
    struct desk d;
    struct bp_store_error why;
    /* head 3 of 51 blocks, 51 canonical; one run of checks to 50 */
    const uint8_t wrong[40] = { 3, [8] = 51, [16] = 51, [24] = 50, [32] = 7 };
    desk_begin(&d);
    struct fake *run = fake_run(1, &d.genesis, 50);
    struct bp_store *s = must_open(&d, BP_STORE_CREATE);
    assert_int_equal(fake_write(s, run, 50, true, NULL), 0);
    bp_store_close(s);
    put_meta(&d, "state", wrong, sizeof wrong);
    s = must_open(&d, BP_STORE_READ);
    assert_int_equal(bp_store_check(s, &why), BP_ERR_STORE_CORRUPT);
    assert_non_null(strstr(why.text, "row 3 is head and not the highest"));
    bp_store_close(s);
    free(run);
    test_rmdir(d.dir);
}

static void a_file_that_was_cut_short_is_refused(void **state) {
    (void)state;
    struct desk d;
    char path[300];
    desk_begin(&d);
    struct fake *run = fake_run(1, &d.genesis, 4000);
    struct bp_store *s = must_open(&d, BP_STORE_CREATE);
    assert_int_equal(fake_write(s, run, 4000, true, NULL), 0);
    bp_store_close(s);
    snprintf(path, sizeof path, "%s/data.mdb", d.dir);
    assert_int_equal(truncate(path, 65536), 0);
    expect_refused(&d, BP_STORE_READ, BP_ERR_STORE_CORRUPT, "cut short");
    expect_refused(&d, BP_STORE_CREATE, BP_ERR_STORE_CORRUPT, "cut short");
    free(run);
    test_rmdir(d.dir);
}

static void failing_memory_leaks_nothing(void **state) {
    (void)state;
    struct desk d;
    struct test_alloc a;
    struct bp_store *s;
    struct bp_store_view *v;
    desk_begin(&d);
    for (size_t k = 1;; k++) {
        test_alloc_init(&a);
        a.fail_at = k;
        struct bp_store_config cfg = { &a.iface, BP_STORE_CREATE, 0 };
        int err = bp_store_open(&s, d.dir, &cfg, &d.chain, NULL);
        if (err == 0) {
            if ((err = bp_view_begin(&v, s)) == 0) bp_view_end(v);
            bp_store_close(s);
        }
        assert_int_equal(a.live_blocks, 0);
        if (err == 0) break;
        assert_int_equal(err, BP_ERR_NOMEM);
    }
    test_rmdir(d.dir);
}

/* ---- other processes ------------------------------------------------- */

/* A child that runs fn and tells its progress through a pipe. */
struct child {
    pid_t pid;
    int from; /* the parent's end */
};

static struct child child_start(void (*fn)(struct desk *, int),
                                struct desk *d) {
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(ends[0]);
        fn(d, ends[1]);
        _exit(0);
    }
    close(ends[1]);
    return (struct child){ pid, ends[0] };
}

static void child_kill(struct child *c) {
    int status;
    kill(c->pid, SIGKILL);
    assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
    close(c->from);
}

static void child_tell(int to, const void *p, size_t n) {
    if (write(to, p, n) != (ssize_t)n) _exit(3);
}

static void hold_the_store(struct desk *d, int to) {
    struct bp_store *s;
    struct bp_store_error why;
    if (try_open(&s, d, BP_STORE_CREATE, &why) != 0) _exit(2);
    child_tell(to, "", 1);
    for (;;) pause();
}

static void a_second_writer_is_told_the_first(void **state) {
    (void)state;
    struct desk d;
    char byte, who[64];
    desk_begin(&d);
    struct child c = child_start(hold_the_store, &d);
    assert_int_equal(read(c.from, &byte, 1), 1);
    snprintf(who, sizeof who, ": process %d writes to this store", (int)c.pid);
    expect_refused(&d, BP_STORE_CREATE, BP_ERR_STORE_LOCKED, who);
    expect_refused(&d, BP_STORE_WRITE, BP_ERR_STORE_LOCKED, who);
    struct bp_store *s = must_open(&d, BP_STORE_READ); /* reading is free */
    expect_shape(s, 1, 0);
    bp_store_close(s);
    child_kill(&c);
    s = must_open(&d, BP_STORE_WRITE); /* its lock died with it */
    expect_refused(&d, BP_STORE_READ, BP_ERR_STORE_LOCKED, "this process (");
    bp_store_close(s);
    test_rmdir(d.dir);
}

/* n blocks whose bodies take `size` bytes each. */
static struct fake *fat_run(struct desk *d, size_t n, uint8_t *body,
                            size_t size) {
    struct fake *run = fake_run(1, &d->genesis, n);
    for (size_t i = 0; i < n; i++) run[i].b.body = (bp_span){ body, size };
    return run;
}

static void write_on(struct desk *d, int to) {
    struct bp_store *s;
    struct bp_store_error why;
    if (try_open(&s, d, BP_STORE_CREATE, &why) != 0) _exit(2);
    static uint8_t body[1000];
    struct fake *run = fat_run(d, 3000, body, sizeof body);
    for (int i = 0; i < 3000; i += 30) {
        if (fake_write(s, run + i, 30, true, NULL) != 0) _exit(3);
        if (i == 0) child_tell(to, "", 1);
    }
    bp_store_close(s);
    child_tell(to, "", 1);
}

/* The reader's map is smaller than what the writer will have written: it
   takes over the writer's. */
static void a_store_in_use_can_be_read(void **state) {
    (void)state;
    struct desk d;
    struct bp_store *s;
    struct bp_store_config cfg = { NULL, BP_STORE_READ, 1 << 20 };
    char byte;
    int status;
    desk_begin(&d);
    struct child c = child_start(write_on, &d);
    assert_int_equal(read(c.from, &byte, 1), 1);
    assert_int_equal(bp_store_open(&s, d.dir, &cfg, &d.chain, NULL), 0);
    uint64_t last = 0;
    while (last < 3000) {
        struct bp_store_view *v;
        struct bp_store_entry head, e;
        assert_int_equal(bp_view_begin(&v, s), 0);
        assert_int_equal(bp_view_head(v, &head), 0);
        assert_int_equal(head.number % 30, 0);
        assert_int_equal(bp_view_count(v), head.number + 1);
        assert_true(head.number >= last);
        last = head.number;
        assert_int_equal(bp_view_at(v, &e, last / 2), 0);
        assert_int_equal(e.number, last / 2);
        bp_view_end(v);
    }
    assert_int_equal(waitpid(c.pid, &status, 0), c.pid);
    assert_int_equal(status, 0);
    close(c.from);
    expect_shape(s, 3001, 3000);
    bp_store_close(s);
    test_rmdir(d.dir);
}

/* ---- room ------------------------------------------------------------ */

struct looker {
    struct bp_store *s;
    int done;
};

static void *look(void *arg) {
    struct looker *l = arg;
    while (!__atomic_load_n(&l->done, __ATOMIC_ACQUIRE)) {
        struct bp_store_view *v;
        struct bp_store_entry e;
        bp_span body;
        if (bp_view_begin(&v, l->s) != 0 || bp_view_head(v, &e) != 0)
            return (void *)1;
        if (bp_view_body(v, &body, &e) != 0 || (body.n > 60 && body.p[9] != 9))
            return (void *)2;
        bp_view_end(v);
    }
    return NULL;
}

static void the_map_grows_under_readers(void **state) {
    (void)state;
    static uint8_t body[20000];
    struct desk d;
    struct bp_store *s;
    struct bp_store_error why;
    struct bp_store_config cfg = { NULL, BP_STORE_CREATE, 1 << 20 };
    pthread_t thread;
    void *wrong;
    desk_begin(&d);
    memset(body, 9, sizeof body);
    struct fake *run = fat_run(&d, 600, body, sizeof body);
    assert_int_equal(bp_store_open(&s, d.dir, &cfg, &d.chain, &why), 0);
    struct looker l = { .s = s };
    assert_int_equal(pthread_create(&thread, NULL, look, &l), 0);
    for (int i = 0; i < 600; i += 100) /* 12 MB in all */
        assert_int_equal(fake_write(s, run + i, 100, true, NULL), 0);
    __atomic_store_n(&l.done, 1, __ATOMIC_RELEASE);
    pthread_join(thread, &wrong);
    assert_null(wrong);
    expect_shape(s, 601, 600);
    bp_store_close(s);
    s = must_open(&d, BP_STORE_READ);
    expect_shape(s, 601, 600);
    bp_store_close(s);
    free(run);
    test_rmdir(d.dir);
}

/* With a limit on address space the map cannot be doubled for ever. */
static void a_map_that_cannot_grow_loses_nothing(void **state) {
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); /* sanitizers live on address space */
#endif
    static uint8_t body[20000];
    struct desk d;
    struct bp_store *s;
    struct bp_store_error why;
    struct bp_store_config cfg = { NULL, BP_STORE_CREATE, 2 << 20 };
    struct rlimit was, low;
    long pages = 0;
    desk_begin(&d);
    struct fake *run = fat_run(&d, 600, body, sizeof body);
    struct bp_store_block *blocks = calloc(600, sizeof *blocks);
    for (int i = 0; i < 600; i++) blocks[i] = run[i].b;
    const struct bp_store_batch all = { blocks, 600, &blocks[599].hash };
    assert_int_equal(bp_store_open(&s, d.dir, &cfg, &d.chain, &why), 0);
    assert_int_equal(fake_write(s, run, 10, true, NULL), 0);
    FILE *f = fopen("/proc/self/statm", "r");
    assert_true(f != NULL && fscanf(f, "%ld", &pages) == 1);
    fclose(f);
    assert_int_equal(getrlimit(RLIMIT_AS, &was), 0);
    low = was;
    low.rlim_cur = (rlim_t)(pages * sysconf(_SC_PAGESIZE)) + (6 << 20);
    assert_int_equal(setrlimit(RLIMIT_AS, &low), 0);
    int err = bp_store_write(s, NULL, &all, &why);
    assert_int_equal(setrlimit(RLIMIT_AS, &was), 0);
    assert_int_equal(err, BP_ERR_STORE_MAP);
    assert_non_null(strstr(why.text, "map is full"));
    expect_shape(s, 11, 10);
    assert_int_equal(bp_store_write(s, NULL, &all, &why), 0);
    expect_shape(s, 601, 600);
    bp_store_close(s);
    free(blocks);
    free(run);
    test_rmdir(d.dir);
}

/* A limit on the size of files stands in for the end of the disk. */
static void a_full_disk_loses_nothing(void **state) {
    (void)state;
    static uint8_t body[20000];
    struct desk d;
    struct bp_store_error why;
    struct rlimit was, low;
    char path[300];
    struct stat st;
    desk_begin(&d);
    memset(body, 9, sizeof body);
    struct fake *run = fat_run(&d, 300, body, sizeof body);
    struct bp_store_block blocks[300];
    for (int i = 0; i < 300; i++) blocks[i] = run[i].b;
    struct bp_store *s = must_open(&d, BP_STORE_CREATE);
    assert_int_equal(fake_write(s, run, 100, true, NULL), 0);
    snprintf(path, sizeof path, "%s/data.mdb", d.dir);
    assert_int_equal(stat(path, &st), 0);

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    const struct bp_store_batch more = { blocks + 100, 200, &blocks[299].hash };
    for (int i = 0; i < 5; i++) { /* full at once, or in the midst */
        low = was;
        low.rlim_cur = (rlim_t)st.st_size + (rlim_t)i * 500001;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
        int err = bp_store_write(s, NULL, &more, &why);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
        assert_int_equal(err, BP_ERR_DISK_FULL);
        assert_int_equal(why.code, BP_ERR_DISK_FULL);
        assert_non_null(strstr(why.text, "no space is left"));
        expect_shape(s, 101, 100);
    }
    assert_int_equal(bp_store_write(s, NULL, &more, &why), 0);
    expect_shape(s, 301, 300);
    bp_store_close(s);
    s = must_open(&d, BP_STORE_READ);
    expect_shape(s, 301, 300);
    bp_store_close(s);
    free(run);
    test_rmdir(d.dir);
}

static void a_store_needs_room_to_begin(void **state) {
    (void)state;
    static const rlim_t room[] = { 0, 1000, 5000, 9000, 20000 };
    struct desk d;
    struct bp_store *s;
    struct bp_store_error why;
    struct rlimit was, low;
    desk_begin(&d);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    low = was;
    for (int i = 0; i < 5; i++) {
        low.rlim_cur = room[i];
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
        int err = try_open(&s, &d, BP_STORE_CREATE, &why);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
        if (err != BP_ERR_DISK_FULL) fail_msg("%s", why.text);
        expect_refused(&d, BP_STORE_WRITE, BP_ERR_NO_STORE, "no store here");
    }
    s = must_open(&d, BP_STORE_CREATE);
    expect_shape(s, 1, 0);
    bp_store_close(s);
    test_rmdir(d.dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(what_was_written_is_there_again),
        T(another_chain_is_refused_with_both_names),
        T(what_is_no_store_is_refused),
        T(directories_are_made),
        T(a_directory_may_be_forbidden),
        T(a_later_schema_is_refused),
        T(a_contradiction_is_found),
        T(a_file_that_was_cut_short_is_refused),
        T(failing_memory_leaks_nothing),
        T(a_second_writer_is_told_the_first),
        T(a_store_in_use_can_be_read),
        T(the_map_grows_under_readers),
        T(a_map_that_cannot_grow_loses_nothing),
        T(a_full_disk_loses_nothing),
        T(a_store_needs_room_to_begin),
    };
    return bp_run(tests);
}
