#include "lib/test.h"
#include "node/configfile.h"

static char got[4096], why[256];

static int on_key(void *user, const char *key, const char *value) {
    (void)user;
    size_t n = strlen(got);
    if (strcmp(key, "refuse") == 0) {
        snprintf(why, sizeof why, "not this");
        return BP_ERR_FORMAT;
    }
    snprintf(got + n, sizeof got - n, "%s=%s;", key, value);
    return 0;
}

static int read_text(const char *text) {
    got[0] = why[0] = '\0';
    return config_text_read("f", text, why, sizeof why, on_key, NULL);
}

static void values_of_every_kind(void **state) {
    (void)state;
    assert_int_equal(read_text(""), 0);
    assert_int_equal(read_text("# only a comment"), 0);
    assert_int_equal(read_text("a = 1\r\nb=true\n\n  c.d = \"x # y\" # z\n"
                               "[t]\n e = 'a\\b'\n f = []\n\"g\" = [\"1\", "
                               "\"2\"]"),
                     0);
    assert_string_equal(got, "a=1;b=true;c.d=x # y;t.e=a\\b;t.g=1;t.g=2;");
    assert_int_equal(read_text("s = \"q\\\"\\\\\\n\\t\""), 0);
    assert_string_equal(got, "s=q\"\\\n\t;");
}

static void each_error_names_its_line(void **state) {
    (void)state;
    static const struct {
        const char *text, *why;
    } bad[] = {
        { "a", "f:1: '=' is expected after 'a'" },
        { "\n= 1", "f:2: a name is expected here" },
        { "a =\n", "f:1: a value is expected after 'a ='" },
        { "a = word", "f:1: 'word' needs quotes around it" },
        { "a = \"x", "f:1: a string has no end" },
        { "a = \"\\x\"", "f:1: this escape is not known here" },
        { "a = 1 2", "f:1: '2' follows the value" },
        { "a = [1]", "f:1: a list holds strings only" },
        { "a = [\"1\" \"2\"]", "f:1: a list needs ',' or ']' here" },
        { "a = [\"1\"\n", "f:2: a list needs ',' or ']' here" },
        { "a = 1\na = 2", "f:2: 'a' stands here a second time" },
        { "[t]\nb = 1\n[t]\nb = 1", "f:4: 't.b' stands here a second time" },
        { "[t\n", "f:1: ']' is expected after 't'" },
        { "x = 1\nrefuse = 1", "f:2: not this" },
        { "\"a = 1", "f:1: a quoted name has no end" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(read_text(bad[i].text), BP_ERR_FORMAT);
        assert_string_equal(why, bad[i].why);
    }
}

static void too_long_is_refused(void **state) {
    (void)state;
    char *text = malloc(9000);
    assert_non_null(text);
    memset(text, 'k', 9000);
    memcpy(text + 100, " = 1\n", 6);
    assert_int_equal(read_text(text), BP_ERR_FORMAT);
    assert_string_equal(why, "f:1: a name is too long");
    memset(text, 'v', 9000);
    memcpy(text, "a = \"", 5);
    memcpy(text + 8000, "\"\n", 3);
    assert_int_equal(read_text(text), BP_ERR_FORMAT);
    assert_string_equal(why, "f:1: a value is too long");
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(values_of_every_kind),
        T(each_error_names_its_line),
        T(too_long_is_refused),
    };
    return bp_run(tests);
}
