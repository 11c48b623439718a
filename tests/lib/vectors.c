/* vectors.c: JSON lines through jansson. */
#include "lib/vectors.h"

size_t vec_each(const char *relative, void (*fn)(const json_t *v)) {
    size_t n, lines = 0;
    char *text = (char *)test_read(need_data(relative), &n), *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        json_error_t err;
        if (*line == '\0') continue;
        json_t *v = json_loads(line, 0, &err);
        if (v == NULL)
            fail_msg("%s line %zu: %s", relative, lines + 1, err.text);
        fn(v);
        json_decref(v);
        lines++;
    }
    free(text);
    return lines;
}

bool vec_has(const json_t *v, const char *key) {
    return json_object_get(v, key) != NULL;
}

const json_t *vec_get(const json_t *v, const char *key) {
    const json_t *x = json_object_get(v, key);
    if (x == NULL) fail_msg("vector has no \"%s\"", key);
    return x;
}

const char *vec_str(const json_t *v, const char *key) {
    const char *s = json_string_value(vec_get(v, key));
    if (s == NULL) fail_msg("\"%s\" is not a string", key);
    return s;
}

bool vec_bool(const json_t *v, const char *key) {
    const json_t *x = vec_get(v, key);
    if (!json_is_boolean(x)) fail_msg("\"%s\" is not a boolean", key);
    return json_is_true(x);
}

uint64_t vec_u64(const json_t *v, const char *key) {
    const json_t *x = vec_get(v, key);
    if (!json_is_integer(x)) fail_msg("\"%s\" is not an integer", key);
    return (uint64_t)json_integer_value(x);
}

uint8_t *vec_bytes(const json_t *v, const char *key, size_t *n) {
    const char *hex = vec_str(v, key);
    if (hex[0] == '0' && hex[1] == 'x') hex += 2;
    *n = strlen(hex) / 2;
    uint8_t *out = malloc(*n > 0 ? *n : 1);
    assert_non_null(out);
    test_unhex(out, *n, hex);
    return out;
}

void vec_fixed(const json_t *v, const char *key, void *out, size_t n) {
    if (test_unhex(out, n, vec_str(v, key)) != n)
        fail_msg("\"%s\" is not %zu bytes", key, n);
}
