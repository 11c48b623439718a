/* The node key's file: made once, whole or not at all, for its owner only. */
#include "node/nodekey.h"

#include <sys/stat.h>
#include <unistd.h>

#include "lib/test.h"

#define SOME_KEY                                                               \
    "b71c71a67e1177ad4e901695e1b4b9ee17ae16c6668d313eac2f96dbcda3f291"

static char dir[256], path[300];

static void write_file(const char *text) {
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int setup(void **state) {
    (void)state;
    test_mkdir(dir);
    snprintf(path, sizeof path, "%s/nodekey", dir);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    test_rmdir(dir);
    return 0;
}

static void reads_digits_with_a_newline_or_without(void **state) {
    (void)state;
    uint8_t key[32], want[32];
    char why[256];
    test_unhex(want, sizeof want, SOME_KEY);
    const char *const files[] = { SOME_KEY, SOME_KEY "\n", SOME_KEY "\r\n" };
    for (int i = 0; i < 3; i++) {
        write_file(files[i]);
        memset(key, 0, sizeof key);
        assert_int_equal(nodekey_read(key, why, sizeof why, path), 0);
        assert_memory_equal(key, want, 32);
    }
}

static void refuses_what_is_no_key(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "\n",
        "b71c71",
        SOME_KEY "0",
        SOME_KEY "\n\n\n\n",
        ("0x" SOME_KEY),
        "z71c71a67e1177ad4e901695e1b4b9ee17ae16c6668d313eac2f96dbcda3f291",
        /* 0, and the order of the curve */
        "0000000000000000000000000000000000000000000000000000000000000000",
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint8_t key[32];
        char why[256] = "";
        write_file(bad[i]);
        assert_int_equal(nodekey_read(key, why, sizeof why, path),
                         BP_ERR_FORMAT);
        assert_non_null(strstr(why, path));
        /* A bad file is not replaced: it may be all there is of a key. */
        assert_int_equal(nodekey_read_or_make(key, why, sizeof why, path),
                         BP_ERR_FORMAT);
    }
}

static void makes_one_and_keeps_it(void **state) {
    (void)state;
    uint8_t key[32], again[32];
    char why[256];
    struct stat st;
    unlink(path);
    assert_int_equal(nodekey_read(key, why, sizeof why, path), BP_ERR_NO_KEY);
    assert_int_equal(nodekey_read_or_make(key, why, sizeof why, path), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(st.st_size, 65);
    assert_int_equal(st.st_nlink, 1); /* nothing is left beside it */
    assert_int_equal(nodekey_read_or_make(again, why, sizeof why, path), 0);
    assert_memory_equal(key, again, 32);
    unlink(path);
    assert_int_equal(nodekey_read_or_make(again, why, sizeof why, path), 0);
    assert_memory_not_equal(key, again, 32);
}

/* What lies where the new key is written first, of a process that had our
   number or of somebody else, is neither followed nor kept. */
static void trusts_nothing_beside_it(void **state) {
    (void)state;
    uint8_t key[32];
    char why[256], beside[340], victim[300];
    struct stat st;
    snprintf(beside, sizeof beside, "%s.tmp-%ld", path, (long)getpid());
    snprintf(victim, sizeof victim, "%s/victim", dir);
    for (int i = 0; i < 2; i++) {
        unlink(path);
        FILE *f = fopen(i == 0 ? victim : beside, "w");
        assert_non_null(f);
        fclose(f);
        assert_int_equal(chmod(i == 0 ? victim : beside, 0666), 0);
        if (i == 0) assert_int_equal(symlink(victim, beside), 0);
        assert_int_equal(nodekey_read_or_make(key, why, sizeof why, path), 0);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_int_equal(st.st_nlink, 1);
        assert_int_not_equal(lstat(beside, &st), 0);
        assert_int_equal(stat(victim, &st), 0);
        assert_int_equal(st.st_size, 0);
    }
    unlink(victim);
}

static void says_where_it_cannot_write(void **state) {
    (void)state;
    uint8_t key[32];
    char why[256], nowhere[400];
    snprintf(nowhere, sizeof nowhere, "%s/no/such/folder/nodekey", dir);
    assert_int_equal(nodekey_read_or_make(key, why, sizeof why, nowhere),
                     BP_ERR_KEY_IO);
    assert_non_null(strstr(why, nowhere));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(reads_digits_with_a_newline_or_without),
        T(refuses_what_is_no_key),
        T(makes_one_and_keeps_it),
        T(trusts_nothing_beside_it),
        T(says_where_it_cannot_write),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
