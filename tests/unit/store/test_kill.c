/* Sudden death of the LMDB store's writer, and of the machine. What is left
   opens, keeps its invariants, and is a prefix of what was acknowledged.
   CRASH_ROUNDS= in the environment makes it a campaign (make crash). */
#include "lib/test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "blockpool/store.h"
#include "fake.h"

static int rounds(int usual) {
    const char *text = getenv("CRASH_ROUNDS");
    return text != NULL ? (int)strtol(text, NULL, 10) : usual;
}

struct shape {
    uint64_t blocks, head;
};

static struct bp_store *must_open(const char *dir) {
    struct fake genesis;
    struct bp_store_chain chain = fake_chain(&genesis);
    struct bp_store_config cfg = { .mode = BP_STORE_CREATE };
    struct bp_store_error why;
    struct bp_store *s;
    if (bp_store_open(&s, dir, &cfg, &chain, &why) != 0)
        fail_msg("%s", why.text);
    return s;
}

static struct shape shape_of(struct bp_store *s) {
    struct bp_store_view *v;
    struct bp_store_entry e;
    struct bp_store_error why;
    if (bp_store_check(s, &why) != 0) fail_msg("%s", why.text);
    assert_int_equal(bp_view_begin(&v, s), 0);
    assert_int_equal(bp_view_head(v, &e), 0);
    struct shape shape = { bp_view_count(v), e.number };
    bp_view_end(v);
    return shape;
}

static bool same(struct shape a, struct shape b) {
    return a.blocks == b.blocks && a.head == b.head;
}

/* A run of 1 to 9 blocks that is to become the chain: on the head, or every
   fifth time three below it. *to is the store's shape afterwards. */
static struct fake *next_run(struct bp_store *s, struct shape *to, size_t *n,
                             uint32_t turn, struct bp_rng *r) {
    struct bp_store_view *v;
    struct bp_store_entry e;
    struct fake parent = { 0 };
    uint64_t back = turn % 5 == 4 ? 3 : 0, count;
    if (bp_view_begin(&v, s) != 0 || bp_view_head(v, &e) != 0) abort();
    count = bp_view_count(v);
    if (e.number > back && bp_view_at(v, &e, e.number - back) != 0) abort();
    bp_view_end(v);
    parent.b.hash = e.hash;
    parent.b.number = e.number;
    *n = 1 + bp_rng_below(r, 9);
    *to = (struct shape){ count + *n, e.number + *n };
    /* Hashes that no branch had before: named after the count. */
    return fake_run((uint32_t)count, &parent, *n);
}

/* ---- the process dies ------------------------------------------------ */

/* What the writer says before and after each batch. */
struct said {
    struct shape shape;
    uint64_t done;
};

static void tell(int to, struct shape shape, bool done) {
    struct said said = { shape, done };
    if (write(to, &said, sizeof said) != sizeof said) _exit(3);
}

/* Runs in a child until it is killed. */
static void write_for_ever(const char *dir, int to) {
    struct bp_store *s = must_open(dir);
    struct bp_rng r;
    bp_rng_seed(&r, (uint64_t)getpid());
    for (uint32_t turn = 0;; turn++) {
        struct shape shape;
        size_t n;
        struct fake *run = next_run(s, &shape, &n, turn, &r);
        tell(to, shape, false);
        if (fake_write(s, run, n, true, NULL) != 0) _exit(4);
        tell(to, shape, true);
        free(run);
    }
}

static bool hear(int from, struct shape *acked, struct said *intent) {
    struct said said;
    if (read(from, &said, sizeof said) != sizeof said) return false;
    if (said.done) *acked = said.shape;
    *intent = said;
    return true;
}

/* One life, which ends so many ns after as many batches: *acked becomes the
   last shape acknowledged, *intent the last announced. */
static void live_and_die(const char *dir, int batches, long ns,
                         struct shape *acked, struct said *intent) {
    int ends[2], status;
    struct timespec pause = { 0, ns };
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) write_for_ever(dir, ends[1]);
    close(ends[1]);
    *intent = (struct said){ *acked, 1 };
    while (batches > 0 && hear(ends[0], acked, intent))
        batches -= intent->done ? 1 : 0;
    nanosleep(&pause, NULL);
    kill(pid, SIGKILL);
    while (hear(ends[0], acked, intent)) {
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    close(ends[0]);
}

static void a_killed_writer_leaves_what_it_acknowledged(void **state) {
    (void)state;
    char dir[256];
    struct bp_rng r;
    struct shape is = { 1, 0 };
    int amid = 0, batches = 0, n = rounds(60);
    bp_rng_seed(&r, test_seed("a_killed_writer", 0xdead));
    test_mkdir(dir);
    for (int i = 0; i < n; i++) {
        struct said intent;
        batches += i % 5;
        live_and_die(dir, i % 5, (long)bp_rng_below(&r, 30000000), &is,
                     &intent);
        struct bp_store *s = must_open(dir);
        struct shape found = shape_of(s);
        bp_store_close(s);
        if (!same(found, is) && !same(found, intent.shape))
            fail_msg("%d blocks, head %d; acknowledged %d, %d",
                     (int)found.blocks, (int)found.head, (int)is.blocks,
                     (int)is.head);
        amid += !intent.done;
        is = found;
    }
    printf("# %d blocks; killed amid a batch %d times of %d\n", (int)is.blocks,
           amid, n);
    assert_true(is.blocks > (uint64_t)batches); /* each has a block or more */
    test_rmdir(dir);
}

/* ---- the machine dies ------------------------------------------------ */

#define PAGE 4096
struct image {
    uint8_t *p;
    size_t n;
    struct shape shape;
};

static void take_image(struct image *m, const char *dir, struct shape shape) {
    char path[300];
    snprintf(path, sizeof path, "%s/data.mdb", dir);
    free(m->p);
    m->p = test_read(path, &m->n);
    m->shape = shape;
}

/* What a disk may hold when power fails while batch 2 is being written: of its
   pages any; the two meta pages of batch 1 or, as they are synced with the
   next commit only, still those of batch 0. */
static struct shape put_wreck(const char *dir, struct image past[3],
                              struct bp_rng *r) {
    char path[300];
    snprintf(path, sizeof path, "%s/data.mdb", dir);
    size_t n = past[2].n;
    uint8_t *disk = calloc(1, n);
    assert_non_null(disk);
    memcpy(disk, past[1].p, past[1].n < n ? past[1].n : n);
    bool lost = bp_rng_below(r, 2) == 0;
    if (lost) memcpy(disk, past[0].p, 2 * PAGE);
    for (size_t at = 2 * PAGE; at + PAGE <= n; at += PAGE)
        if (bp_rng_below(r, 2) == 0) memcpy(disk + at, past[2].p + at, PAGE);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(disk, 1, n, f), n);
    fclose(f);
    free(disk);
    return lost ? past[0].shape : past[1].shape;
}

static void a_power_failure_leaves_a_prefix(void **state) {
    (void)state;
    char dir[256], wreck[256];
    struct bp_rng r;
    struct image past[3] = { 0 };
    bp_rng_seed(&r, test_seed("a_power_failure", 0xb1ac));
    test_mkdir(dir);
    struct bp_store *s = must_open(dir);
    for (int turn = 0, n = rounds(60); turn < n + 2; turn++) {
        struct shape shape;
        size_t blocks;
        struct fake *run = next_run(s, &shape, &blocks, (uint32_t)turn, &r);
        assert_int_equal(fake_write(s, run, blocks, true, NULL), 0);
        free(run);
        struct image oldest = past[0];
        past[0] = past[1];
        past[1] = past[2];
        past[2] = oldest;
        take_image(&past[2], dir, shape);
        if (turn < 2) continue;
        test_mkdir(wreck);
        struct shape due = put_wreck(wreck, past, &r);
        struct bp_store *left = must_open(wreck);
        struct shape found = shape_of(left);
        if (!same(found, due))
            fail_msg("%d blocks, head %d, not %d, %d", (int)found.blocks,
                     (int)found.head, (int)due.blocks, (int)due.head);
        run = next_run(left, &shape, &blocks, 1, &r); /* and it goes on */
        assert_int_equal(fake_write(left, run, blocks, true, NULL), 0);
        free(run);
        assert_true(same(shape_of(left), shape));
        bp_store_close(left);
        test_rmdir(wreck);
    }
    bp_store_close(s);
    for (int i = 0; i < 3; i++) free(past[i].p);
    test_rmdir(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(a_killed_writer_leaves_what_it_acknowledged),
        T(a_power_failure_leaves_a_prefix),
    };
    return bp_run(tests);
}
