#include <sys/stat.h>
#include <unistd.h>

#include "lib/test.h"
#include "node/log.h"

/* 2026-11-22 07:01:29.131 UTC */
#define WALL 1795330889131u

static void line_is(enum log_format format, const char *want,
                    const struct log_kv *kv, size_t n) {
    char out[512];
    size_t len = log_line(out, sizeof out, format, false, WALL, LOG_LVL_INFO,
                          "Opened store", kv, n);
    assert_int_equal(len, strlen(out));
    assert_string_equal(out, want);
}

static void three_forms_of_one_line(void **state) {
    (void)state;
    bp_hash h;
    memset(&h, 0xab, sizeof h);
    bp_u256 td = bp_u256_from_u64(17179869184u);
    const struct log_kv kv[] = { KS("datadir", "etc"),    KU("head", 9412608),
                                 KH("hash", &h),          KT("td", &td),
                                 KB("size", 4842713907u), KM("took", 8009) };
    line_is(LOG_FORMAT_TERMINAL,
            "INFO [11-22|07:01:29.131] Opened store                            "
            " datadir=etc head=9,412,608 hash=ababab..ababab td=17179869184"
            " size=4.51GiB took=8.009s\n",
            kv, 6);
    line_is(LOG_FORMAT_LOGFMT,
            "t=2026-11-22T07:01:29+0000 lvl=info msg=\"Opened store\""
            " datadir=etc head=9412608 hash=0xabababababababababababababababab"
            "abababababababababababababababab td=17179869184 size=4842713907"
            " took=8.009s\n",
            kv, 6);
    line_is(LOG_FORMAT_JSON,
            "{\"t\":\"2026-11-22T07:01:29.131Z\",\"lvl\":\"info\",\"msg\":"
            "\"Opened store\",\"datadir\":\"etc\",\"head\":9412608}\n",
            kv, 2);
}

static void peer_text_is_never_raw(void **state) {
    (void)state;
    const struct log_kv kv[] = { KS("client", "a\033[2J\"b\\ \x80"),
                                 KS("empty", "") };
    line_is(LOG_FORMAT_LOGFMT,
            "t=2026-11-22T07:01:29+0000 lvl=info msg=\"Opened store\""
            " client=\"a\\u001b[2J\\\"b\\\\ \\x80\" empty=\"\"\n",
            kv, 2);
}

static void long_lines_are_cut_whole(void **state) {
    (void)state;
    char big[600], out[128];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    const struct log_kv kv[] = { KS("big", big) };
    size_t n = log_line(out, sizeof out, LOG_FORMAT_LOGFMT, false, WALL,
                        LOG_LVL_WARN, "m", kv, 1);
    assert_true(n < sizeof out);
    assert_int_equal(out[n - 1], '\n');
    assert_int_equal(out[n], '\0');
}

static void numbers_for_people(void **state) {
    (void)state;
    char t[40];
    static const struct {
        uint64_t ms;
        const char *text;
    } d[] = {
        { 0, "0.000s" },      { 8009, "8.009s" }, { 7157000, "1h59m17s" },
        { 90061000, "1d1h" }, { 61000, "1m1s" },
    };
    for (size_t i = 0; i < sizeof d / sizeof d[0]; i++) {
        log_duration(t, sizeof t, d[i].ms);
        assert_string_equal(t, d[i].text);
    }
    log_group_digits(t, sizeof t, 1000);
    assert_string_equal(t, "1,000");
    log_group_digits(t, sizeof t, 999);
    assert_string_equal(t, "999");
    log_bytes(t, sizeof t, 1023);
    assert_string_equal(t, "1023B");
    log_bytes(t, sizeof t, 1536);
    assert_string_equal(t, "1.50KiB");
}

static void verbosity_filters_and_files_reopen(void **state) {
    (void)state;
    char dir[256], path[300], old[300];
    test_mkdir(dir);
    snprintf(path, sizeof path, "%s/log", dir);
    snprintf(old, sizeof old, "%s/log.1", dir);
    struct log_config c = { .level = LOG_LVL_WARN,
                            .format = LOG_FORMAT_LOGFMT,
                            .file = path };
    assert_int_equal(log_open(&c), 0);
    LOG(LOG_LVL_INFO, "not this", KU("n", 1));
    LOG(LOG_LVL_ERROR, "this", KU("n", 2));
    assert_true(log_reopen());
    LOG0(LOG_LVL_WARN, "and this");
    /* As logrotate does: what it moved away gets no more lines. */
    assert_int_equal(rename(path, old), 0);
    assert_true(log_reopen());
    LOG0(LOG_LVL_WARN, "into the new one");
    /* It cannot be opened: the old one goes on. */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_true(log_reopen());
    assert_int_equal(rmdir(path), 0);
    log_close();
    assert_false(log_reopen()); /* there is none */
    size_t n;
    uint8_t *text = test_read(old, &n);
    assert_null(strstr((char *)text, "into the new one"));
    assert_null(strstr((char *)text, "not this"));
    assert_non_null(strstr((char *)text, "msg=\"this\" n=2\n"));
    assert_non_null(strstr((char *)text, "lvl=warn msg=\"and this\"\n"));
    free(text);
    c.file = "/nonexistent/log";
    assert_int_equal(log_open(&c), BP_ERR_FORMAT);
    test_rmdir(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(three_forms_of_one_line),
        T(peer_text_is_never_raw),
        T(long_lines_are_cut_whole),
        T(numbers_for_people),
        T(verbosity_filters_and_files_reopen),
    };
    return bp_run(tests);
}
