/* test_ethashcache: slots, eviction, building ahead, files, threads.

   Real caches of the first epochs are used, built once by ethashdisk_make and
   read from files from then on, so that no test waits for one. */
#include "lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/clock.h"
#include "node/ethashcache.h"
#include "node/ethashdisk.h"
#include "node/pages.h"

enum { FILES = 4 }; /* epochs 0 to 3 */
static char dir[256];
static uint8_t work[BP_ETHASH_WORK_SIZE];

static struct bp_ethash_epoch epoch(uint32_t number) {
    return (struct bp_ethash_epoch){ number, BP_ETHASH_EPOCH_BLOCKS };
}

static void file_of(char out[512], uint32_t e, const char *suffix) {
    char name[BP_ETHASH_FILE_NAME_MAX];
    bp_ethash_file_name(name, epoch(e));
    snprintf(out, 512, "%s/%s%s", dir, name, suffix);
}

static int setup(void **state) {
    (void)state;
    struct bp_ethash_build b[FILES];
    uint8_t *cache[FILES];
    test_mkdir(dir);
    for (uint32_t i = 0; i < FILES; i++) {
        size_t n = bp_ethash_cache_size(i);
        bp_hash seed;
        cache[i] = pages_map(n);
        assert_non_null(cache[i]);
        bp_ethash_seed(&seed, epoch(i));
        bp_ethash_build_begin(&b[i], cache[i], n, &seed);
    }
    while (!bp_ethash_build_step(b, FILES, 1 << 20, bp_cpu_detect())) {
    }
    for (uint32_t i = 0; i < FILES; i++) {
        size_t n = bp_ethash_cache_size(i);
        if (ethashdisk_write(dir, epoch(i), cache[i], n) != 0) return -1;
        pages_unmap(cache[i], n);
    }
    return 0;
}

static int teardown(void **state) {
    (void)state;
    test_rmdir(dir);
    return 0;
}

static struct ethashcache *open_cache(const char *path, uint32_t in_memory) {
    struct ethashcache *c;
    const struct ethashcache_config cfg = {
        .etchash_from = ETHASHCACHE_NEVER,
        .dir = path,
        .in_memory = in_memory,
        .cpu = bp_cpu_detect(),
    };
    assert_int_equal(ethashcache_new(&c, &cfg), 0);
    return c;
}

static struct ethashcache_stats stats_of(struct ethashcache *c) {
    struct ethashcache_stats st;
    ethashcache_stats(c, &st);
    return st;
}

/* A seal of difficulty 1, so that only the mix can be wrong. */
static struct ethashcache_seal mined(uint64_t number, uint64_t salt) {
    static uint8_t *cache[FILES];
    struct ethashcache_seal s = { .number = number, .nonce = salt * 7919 };
    uint32_t e = (uint32_t)(number / BP_ETHASH_EPOCH_BLOCKS);
    size_t n = bp_ethash_cache_size(e);
    struct bp_ethash_light light;
    struct bp_ethash_result r;
    struct bp_ethash_tuning t = bp_ethash_tuning_default(bp_cpu_detect());
    assert_true(e < FILES);
    if (cache[e] == NULL) {
        cache[e] = pages_map(n);
        assert_non_null(cache[e]);
        assert_int_equal(ethashdisk_read(cache[e], n, dir, epoch(e)), 0);
    }
    assert_int_equal(
        bp_ethash_light_init(&light, cache[e], n, bp_ethash_dataset_size(e)),
        0);
    memset(&s.seal_hash, (int)salt + 1, sizeof s.seal_hash);
    bp_ethash_hash(&r, &light, &s.seal_hash, &s.nonce, 1, &t, work);
    s.mix = r.mix;
    memset(&s.boundary, 0xff, sizeof s.boundary);
    return s;
}

/* One batch, four epochs, one slot: each seal has its own verdict. */
static void a_batch_of_many_epochs(void **state) {
    (void)state;
    enum { N = 40 };
    struct ethashcache_seal seal[N];
    int want[N], got[N];
    for (uint64_t i = 0; i < N; i++) {
        seal[i] = mined(i * 7 % FILES * 30000 + i, i);
        want[i] = 0;
        if (i % 5 == 1) {
            seal[i].mix.b[i % 32] ^= 4;
            want[i] = BP_ERR_SEAL_MIX;
        } else if (i % 5 == 2) {
            memset(&seal[i].boundary, 0, sizeof seal[i].boundary);
            want[i] = BP_ERR_SEAL_WORK;
        } else if (i % 5 == 3) {
            seal[i].number = 30000ull * BP_ETHASH_EPOCHS + i;
            want[i] = BP_ERR_SEAL_EPOCH;
        }
    }
    for (uint32_t slots = 1; slots <= 5; slots += 2) {
        struct ethashcache *c = open_cache(dir, slots);
        memset(got, 0, sizeof got);
        ethashcache_verify(c, got, seal, N);
        assert_memory_equal(got, want, sizeof got);
        struct ethashcache_stats st = stats_of(c);
        assert_int_equal(st.seals, N);
        assert_int_equal(st.full_checks, N - 2 * N / 5);
        assert_int_equal(st.built, 0);
        assert_true(st.bytes <= slots * bp_ethash_cache_size(FILES));
        ethashcache_free(c);
    }
}

/* Garbage of far epochs is refused by two hashes: no cache is made for it. */
static void garbage_costs_no_cache(void **state) {
    (void)state;
    struct ethashcache_seal s = { .number = 2000ull * 30000 };
    int verdict = 0;
    struct ethashcache *c = open_cache(NULL, 2);
    memset(&s.boundary, 0, sizeof s.boundary);
    ethashcache_verify(c, &verdict, &s, 1);
    assert_int_equal(verdict, BP_ERR_SEAL_WORK);
    assert_int_equal(stats_of(c).bytes, 0);
    ethashcache_free(c);
}

/* Waits, without a clock, until the builder has made `n` caches. */
static void until_made(struct ethashcache *c, uint64_t n) {
    for (;;) {
        struct ethashcache_stats st = stats_of(c);
        if (st.built + st.loaded >= n) return;
        usleep(1000);
    }
}

static void use(struct ethashcache *c, uint64_t number) {
    struct ethashcache_seal s = mined(number, number);
    int verdict = -1;
    ethashcache_verify(c, &verdict, &s, 1);
    assert_int_equal(verdict, 0);
}

/* Two epochs in a row: the ones behind them come by themselves. */
static void looks_ahead_in_both_directions(void **state) {
    (void)state;
    struct ethashcache *c = open_cache(dir, 4);
    use(c, 10);
    assert_int_equal(stats_of(c).loaded, 1);
    use(c, 30010); /* upwards: 2 and 3 (4 has no file, and no room) */
    until_made(c, 4);
    use(c, 60010);
    use(c, 90010);
    assert_int_equal(stats_of(c).loaded, 4);
    ethashcache_free(c);

    c = open_cache(dir, 4);
    use(c, 90010);
    use(c, 60010); /* downwards: 1 and 0 */
    until_made(c, 4);
    use(c, 30010);
    use(c, 10);
    assert_int_equal(stats_of(c).loaded, 4);
    assert_int_equal(stats_of(c).built, 0);
    ethashcache_free(c);
}

/* At the head: nothing ahead in the first half of an epoch, one in the second;
   and what is asked for by name. */
static void looks_ahead_at_the_head(void **state) {
    (void)state;
    struct ethashcache *c = open_cache(dir, 3);
    use(c, 14999);
    use(c, 14999);
    assert_int_equal(stats_of(c).loaded, 1);
    use(c, 15000);
    until_made(c, 2);
    ethashcache_expect(c, 60000);
    until_made(c, 3);
    use(c, 60000);
    use(c, 30000);
    assert_int_equal(stats_of(c).loaded, 3);
    assert_int_equal(stats_of(c).evicted, 0);
    ethashcache_free(c);
}

/* The least recently used goes. */
static void evicts_the_oldest_use(void **state) {
    (void)state;
    struct ethashcache *c = open_cache(dir, 2);
    use(c, 0);
    use(c, 90000);
    use(c, 1); /* 0 again: 3 is the older one now */
    use(c, 60001);
    assert_int_equal(stats_of(c).evicted, 1);
    use(c, 2);
    assert_int_equal(stats_of(c).evicted, 1);
    ethashcache_free(c);
}

struct user {
    struct ethashcache *c;
    pthread_t thread;
    uint64_t from;
    int bad;
};
static struct ethashcache_seal shared[16];

static void *run_user(void *arg) {
    struct user *u = arg;
    for (uint64_t i = 0; i < 4; i++) {
        int verdict[4];
        const struct ethashcache_seal *s = &shared[(u->from + i * 5) % 13];
        ethashcache_verify(u->c, verdict, s, 3);
        for (size_t k = 0; k < 3; k++) u->bad += verdict[k] != 0;
    }
    return NULL;
}

/* More threads than slots, all on different epochs: none starves, none sees
   another's cache. */
static void threads_share_the_slots(void **state) {
    (void)state;
    for (size_t i = 0; i < 16; i++)
        shared[i] = mined(i * 3 % FILES * 30000 + 5, i);
    for (uint32_t slots = 1; slots <= 3; slots++) {
        struct user user[4];
        struct ethashcache *c = open_cache(dir, slots);
        for (size_t i = 0; i < 4; i++) {
            user[i] = (struct user){ .c = c, .from = i * 3 };
            assert_int_equal(
                pthread_create(&user[i].thread, NULL, run_user, &user[i]), 0);
        }
        for (size_t i = 0; i < 4; i++) {
            pthread_join(user[i].thread, NULL);
            assert_int_equal(user[i].bad, 0);
        }
        ethashcache_free(c);
    }
}

static void damage(const char *path, long at) {
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    int byte = fgetc(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    fputc(byte ^ 0x10, f);
    fclose(f);
}

/* Any damage counts as absence; what is built instead heals the file. */
static void damaged_files_are_built_again(void **state) {
    (void)state;
    char cache[512], digest[512], why[200];
    size_t n = bp_ethash_cache_size(0);
    uint8_t *p = pages_map(n);
    bool was_there;
    assert_non_null(p);
    file_of(cache, 0, "");
    file_of(digest, 0, ".digest");
    assert_int_equal(ethashdisk_read(p, n, dir, epoch(0)), 0);
    for (int way = 0; way < 5; way++) {
        if (way == 0) damage(cache, 3); /* magic */
        if (way == 1) damage(cache, (long)n);
        if (way == 2) damage(digest, 5);
        if (way == 3) assert_int_equal(truncate(cache, (off_t)n), 0);
        if (way == 4) assert_int_equal(unlink(digest), 0);
        assert_int_equal(ethashdisk_read(p, n, dir, epoch(0)),
                         BP_ERR_CACHE_FILE);
        if (way == 0 || way == 2) { /* undo by the same flip */
            damage(way == 0 ? cache : digest, way == 0 ? 3 : 5);
            assert_int_equal(ethashdisk_read(p, n, dir, epoch(0)), 0);
            continue;
        }
        assert_int_equal(ethashdisk_make(dir, epoch(0), bp_cpu_detect(),
                                         &was_there, why, sizeof why),
                         0);
        assert_false(was_there);
        assert_int_equal(ethashdisk_read(p, n, dir, epoch(0)), 0);
    }
    assert_int_equal(ethashdisk_make(dir, epoch(0), bp_cpu_detect(), &was_there,
                                     why, sizeof why),
                     0);
    assert_true(was_there);
    pages_unmap(p, n);
}

/* A folder that cannot be had: counted, and the cache works from memory. */
static void goes_on_without_files(void **state) {
    (void)state;
    char blocked[300], why[200] = "";
    bool was_there;
    snprintf(blocked, sizeof blocked, "%s/no/such/folder", dir);
    struct ethashcache *c = open_cache(blocked, 1);
    use(c, 3);
    assert_int_equal(stats_of(c).built, 1);
    assert_int_equal(stats_of(c).save_failures, 1);
    ethashcache_free(c);
    assert_int_equal(ethashdisk_make(blocked, epoch(0), bp_cpu_detect(),
                                     &was_there, why, sizeof why),
                     BP_ERR_CACHE_IO);
    assert_non_null(strstr(why, "No such file"));
}

/* No space in the middle of a file: the error is told, and no file is left, not
   even a temporary one. */
static void a_full_disk_leaves_nothing(void **state) {
    (void)state;
    char sub[300];
    struct rlimit old, small;
    size_t n = 1 << 20;
    uint8_t *p = calloc(1, n);
    assert_non_null(p);
    snprintf(sub, sizeof sub, "%s/full", dir);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){ n / 2, old.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    errno = 0;
    int err = ethashdisk_write(sub, epoch(0), p, n);
    int why = errno;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(err, BP_ERR_CACHE_IO);
    assert_int_equal(why, EFBIG);
    assert_int_equal(rmdir(sub), 0); /* it is empty */
    free(p);
}

/* Made in memory, saved, found by the next one. */
static void what_is_built_is_saved(void **state) {
    (void)state;
    char fresh[300];
    snprintf(fresh, sizeof fresh, "%s/fresh", dir);
    struct ethashcache *c = open_cache(fresh, 1);
    use(c, 9);
    assert_int_equal(stats_of(c).built, 1);
    ethashcache_free(c);
    c = open_cache(fresh, 1);
    use(c, 9);
    assert_int_equal(stats_of(c).built, 0);
    assert_int_equal(stats_of(c).loaded, 1);
    ethashcache_free(c);
    test_rmdir(fresh);
}

/* The files that were used longest ago go, with their digests; others stay. */
static void prune_keeps_the_recent(void **state) {
    (void)state;
    char sub[300], path[700], name[BP_ETHASH_FILE_NAME_MAX];
    uint8_t byte = 1;
    snprintf(sub, sizeof sub, "%s/prune", dir);
    for (uint32_t e = 0; e < 5; e++) {
        assert_int_equal(ethashdisk_write(sub, epoch(e), &byte, 1), 0);
        bp_ethash_file_name(name, epoch(e));
        snprintf(path, sizeof path, "%s/%s", sub, name);
        /* epoch 1 was used last, then 4, 3, 2, 0 */
        struct timespec t[2] = { { e == 1 ? 100 : 10 + e, 0 },
                                 { e == 1 ? 100 : 10 + e, 0 } };
        assert_int_equal(utimensat(AT_FDCWD, path, t, 0), 0);
    }
    snprintf(path, sizeof path, "%s/cache-R23-mine", sub);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fclose(f);
    ethashdisk_prune(sub, 2);
    for (uint32_t e = 0; e < 5; e++) {
        bool kept = e == 1 || e == 4;
        bp_ethash_file_name(name, epoch(e));
        snprintf(path, sizeof path, "%s/%s", sub, name);
        assert_int_equal(access(path, F_OK) == 0, kept);
        snprintf(path, sizeof path, "%s/%s.digest", sub, name);
        assert_int_equal(access(path, F_OK) == 0, kept);
    }
    snprintf(path, sizeof path, "%s/cache-R23-mine", sub);
    assert_int_equal(access(path, F_OK), 0);
    ethashdisk_prune("/nowhere/at/all", 0);
    test_rmdir(sub);
}

/* An end in the middle of a build is prompt and clean. */
static void ends_during_a_build(void **state) {
    (void)state;
    struct ethashcache *c = open_cache(NULL, 3);
    ethashcache_expect(c, 2000ull * 30000); /* seconds of work */
    while (stats_of(c).bytes == 0) usleep(1000);
    usleep(20000); /* most likely it builds by now */
    ethashcache_free(c);
    ethashcache_free(NULL);
}

/* Seals that wait for a cache when the end comes are given back undecided;
   those whose cache is there still get their verdict. */
static void stopped_while_waiting(void **state) {
    (void)state;
    struct ethashcache *c = open_cache(dir, 2);
    struct ethashcache_seal s[2] = { mined(1, 1), mined(30001, 1) };
    int verdict[2] = { 7, 7 };
    ethashcache_verify(c, verdict, s, 1);
    ethashcache_stop(c);
    ethashcache_verify(c, verdict, s, 2);
    assert_int_equal(verdict[0], 0);
    assert_int_equal(verdict[1], BP_ERR_NOMEM);
    ethashcache_free(c);
}

/* No memory for a cache: no verdict, ours to mend; with memory again, one. */
static void without_memory(void **state) {
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    printf("# skipped: a sanitizer needs the address space itself\n");
    skip();
#endif
    struct ethashcache *c = open_cache(dir, 2);
    struct ethashcache_seal s[3] = { mined(1, 1), mined(1, 2), mined(2, 3) };
    struct rlimit old, none;
    int verdict[3];
    char why[200] = "";
    bool was_there;
    /* refused by two hashes, which need no cache */
    memset(&s[2].boundary, 0, sizeof s[2].boundary);
    assert_int_equal(getrlimit(RLIMIT_AS, &old), 0);
    none = (struct rlimit){ 1 << 20, old.rlim_max }; /* nothing new is mapped */
    assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
    ethashcache_verify(c, verdict, s, 3);
    int err = ethashdisk_make(dir, epoch(1), bp_cpu_detect(), &was_there, why,
                              sizeof why);
    assert_int_equal(setrlimit(RLIMIT_AS, &old), 0);
    assert_int_equal(verdict[0], BP_ERR_NOMEM);
    assert_int_equal(verdict[1], BP_ERR_NOMEM);
    assert_int_equal(verdict[2], BP_ERR_SEAL_WORK);
    assert_int_equal(stats_of(c).bytes, 0);
    assert_int_equal(err, BP_ERR_NOMEM);
    assert_non_null(strstr(why, "memory"));
    ethashcache_verify(c, verdict, s, 3);
    assert_int_equal(verdict[0], 0);
    assert_int_equal(verdict[1], 0);
    ethashcache_free(c);
}

static uint64_t fake_ns;
static uint64_t fake_clock(void) {
    return fake_ns += 1000; /* every trial takes the same: the first wins */
}

static void tuning_goes_by_the_clock_given(void **state) {
    (void)state;
    struct ethashcache *c;
    struct ethashcache_config cfg = {
        .etchash_from = ETHASHCACHE_NEVER,
        .dir = dir,
        .cpu = bp_cpu_detect(),
        .thread_cpu_ns = fake_clock,
    };
    assert_int_equal(ethashcache_new(&c, &cfg), 0);
    use(c, 1);
    assert_int_equal(stats_of(c).tuning.hint, BP_PREFETCH_T0);
    use(c, 2);
    ethashcache_free(c);
    cfg.thread_cpu_ns = clock_thread_cpu_ns;
    assert_int_equal(ethashcache_new(&c, &cfg), 0);
    use(c, 1);
    struct bp_ethash_tuning t = stats_of(c).tuning;
    assert_in_range(t.hint, BP_PREFETCH_T0, BP_PREFETCH_T2);
    assert_in_range(t.distance, 1, 128);
    ethashcache_free(c);
}

/* Classic: ECIP-1099 doubles the epochs at a block, and their numbers halve. */
static void etchash_from_its_block_on(void **state) {
    (void)state;
    struct ethashcache *c;
    const struct ethashcache_config cfg = {
        .etchash_from = 60000,
        .dir = dir,
        .in_memory = 2,
        .cpu = bp_cpu_detect(),
    };
    assert_int_equal(ethashcache_new(&c, &cfg), 0);
    struct ethashcache_seal s[2] = { mined(59999, 1), mined(59999, 1) };
    int verdict[2];
    s[1].number = 60000; /* Etchash epoch 1: another seed, another mix */
    ethashcache_verify(c, verdict, s, 2);
    assert_int_equal(verdict[0], 0);
    assert_int_equal(verdict[1], BP_ERR_SEAL_MIX);
    s[1].number = 2048ull * 60000;
    ethashcache_verify(c, verdict, s, 2);
    assert_int_equal(verdict[1], BP_ERR_SEAL_EPOCH);
    ethashcache_free(c); /* what is being saved is saved first */
    char path[700], name[BP_ETHASH_FILE_NAME_MAX];
    bp_ethash_file_name(name, (struct bp_ethash_epoch){ 1, 60000 });
    snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(access(path, F_OK), 0);
}

static void bound_is_that_of_the_largest_caches(void **state) {
    (void)state;
    struct ethashcache_config cfg = { .etchash_from = ETHASHCACHE_NEVER };
    assert_int_equal(ethashcache_bound(&cfg, 0), 3 * bp_ethash_cache_size(0));
    cfg.in_memory = 5;
    assert_int_equal(ethashcache_bound(&cfg, 15537393),
                     5 * bp_ethash_cache_size(517));
    assert_int_equal(ethashcache_bound(&cfg, UINT64_MAX),
                     5 * bp_ethash_cache_size(2047));
    cfg.etchash_from = 11700000;
    assert_int_equal(ethashcache_bound(&cfg, 11700000),
                     5 * bp_ethash_cache_size(389));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(a_batch_of_many_epochs),
        T(garbage_costs_no_cache),
        T(looks_ahead_in_both_directions),
        T(looks_ahead_at_the_head),
        T(evicts_the_oldest_use),
        T(threads_share_the_slots),
        T(damaged_files_are_built_again),
        T(goes_on_without_files),
        T(a_full_disk_leaves_nothing),
        T(what_is_built_is_saved),
        T(prune_keeps_the_recent),
        T(ends_during_a_build),
        T(stopped_while_waiting),
        T(without_memory),
        T(tuning_goes_by_the_clock_given),
        T(etchash_from_its_block_on),
        T(bound_is_that_of_the_largest_caches),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
