#include "lib/test.h"
#include "node/progress.h"

static const struct progress half = { .stage = "blocks",
                                      .at = 9431040,
                                      .target = 25900000,
                                      .rate = 2301,
                                      .eta_s = 7157,
                                      .has_peers = true,
                                      .peers = 18 };

static void the_line_of_the_manual(void **state) {
    (void)state;
    char line[512];
    progress_line(line, sizeof line, &half, 120, false);
    assert_string_equal(line, "blocks ━━━━━━━━──────────────  36.41%  "
                              "9,431,040/25,900,000  2.3k/s  eta 1h59m17s  "
                              "peers 18");
}

/* Columns of UTF-8 text. */
static size_t columns_of(const char *s) {
    size_t n = 0;
    for (; *s != '\0'; s++) n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

static void no_terminal_is_too_narrow(void **state) {
    (void)state;
    char line[512];
    for (unsigned width = 1; width < 200; width++) {
        progress_line(line, sizeof line, &half, width, false);
        assert_true(columns_of(line) < width || width == 1);
    }
}

static void a_hundred_percent_only_when_done(void **state) {
    (void)state;
    char text[16];
    struct progress p = half;
    p.at = p.target;
    progress_percent(text, sizeof text, &p);
    assert_string_equal(text, "99.99");
    p.at = p.target * 2;
    progress_percent(text, sizeof text, &p);
    assert_string_equal(text, "99.99");
    p.done = true;
    progress_percent(text, sizeof text, &p);
    assert_string_equal(text, "100.00");
    p.done = false;
    p.target = PROGRESS_UNKNOWN;
    progress_percent(text, sizeof text, &p);
    assert_string_equal(text, "?");
}

static void rates_for_people(void **state) {
    (void)state;
    char text[24];
    progress_rate(text, sizeof text, 2301);
    assert_string_equal(text, "2.3k/s");
    progress_rate(text, sizeof text, 12.4);
    assert_string_equal(text, "12/s");
    progress_rate(text, sizeof text, 0.44);
    assert_string_equal(text, "0.4/s");
    progress_rate(text, sizeof text, 3.2e6);
    assert_string_equal(text, "3.2M/s");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(the_line_of_the_manual),
        T(no_terminal_is_too_narrow),
        T(a_hundred_percent_only_when_done),
        T(rates_for_people),
    };
    return bp_run(tests);
}
