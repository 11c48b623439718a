#include "chain/spec_read.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Digits that always fit jansson's 64-bit integers. */
enum { INT_DIGITS = 18 };

/* The text with quotes around integers that are too long for jansson. A text
   of n bytes holds at most n / (INT_DIGITS + 1) of them. */
static size_t quote_long_integers(char *out, bp_span in) {
    size_t n = 0;
    bool string = false;
    for (size_t i = 0; i < in.n;) {
        char c = (char)in.p[i];
        if (string) {
            if (c == '\\' && i + 1 < in.n) {
                out[n++] = c;
                c = (char)in.p[++i];
            } else if (c == '"') {
                string = false;
            }
        } else if (c == '"') {
            string = true;
        } else if (c >= '0' && c <= '9') {
            size_t k = i;
            while (k < in.n && strchr("0123456789.eE+-", in.p[k]) != NULL &&
                   in.p[k] != 0)
                k++;
            bool whole = strcspn((const char *)in.p + i, ".eE+-") >= k - i;
            bool quote =
                whole && k - i > INT_DIGITS && (i == 0 || in.p[i - 1] != '-');
            if (quote) out[n++] = '"';
            memcpy(out + n, in.p + i, k - i);
            n += k - i;
            if (quote) out[n++] = '"';
            i = k;
            continue;
        }
        out[n++] = c;
        i++;
    }
    return n;
}

int bp_json_fail(struct bp_json *j, int err, const char *key,
                 const char *what) {
    if (j->why != NULL) snprintf(j->why, BP_SPEC_TEXT_MAX, "%s: %s", key, what);
    return err;
}

int bp_json_parse(json_t **out, struct bp_json *j, bp_span text,
                  const struct bp_alloc *a) {
    size_t cap = text.n + 2 * (text.n / INT_DIGITS) + 1;
    /* A copy that ends in NUL, so that the scan above may look ahead. */
    char *plain = bp_malloc(a, text.n + 1), *quoted = bp_malloc(a, cap);
    int err = BP_ERR_NOMEM;
    json_error_t e;
    if (plain == NULL || quoted == NULL) goto done;
    if (text.n > 0) memcpy(plain, text.p, text.n);
    plain[text.n] = '\0';
    size_t n = quote_long_integers(quoted,
                                   (bp_span){ (const uint8_t *)plain, text.n });
    *out = json_loadb(quoted, n, JSON_REJECT_DUPLICATES, &e);
    err = 0;
    if (*out == NULL) {
        if (j->why != NULL)
            snprintf(j->why, BP_SPEC_TEXT_MAX, "line %d, column %d: %.150s",
                     e.line, e.column, e.text);
        err = BP_ERR_SPEC_JSON;
    } else if (!json_is_object(*out)) {
        json_decref(*out);
        *out = NULL;
        err = bp_json_fail(j, BP_ERR_SPEC_JSON, "line 1", "not an object");
    }
done:
    bp_free(a, plain, text.n + 1);
    bp_free(a, quoted, cap);
    return err;
}

int bp_json_number(bp_u256 *out, const json_t *v) {
    if (json_is_integer(v)) {
        if (json_integer_value(v) < 0) return BP_ERR_RANGE;
        *out = bp_u256_from_u64((uint64_t)json_integer_value(v));
        return 0;
    }
    if (!json_is_string(v)) return BP_ERR_FORMAT;
    return bp_u256_parse(out, json_string_value(v));
}

int bp_json_hex(uint8_t *out, size_t *n, size_t cap, const char *text) {
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) text += 2;
    size_t digits = strlen(text);
    if (digits % 2 != 0) return BP_ERR_FORMAT;
    if (digits / 2 > cap) return BP_ERR_RANGE;
    *n = digits / 2;
    return bp_unhex(out, *n, text);
}

static const json_t *member(const json_t *obj, const char *key) {
    const json_t *v = json_object_get(obj, key);
    return json_is_null(v) ? NULL : v;
}

int bp_json_need(struct bp_json *j, const json_t *obj, const char *key,
                 const char *path) {
    if (member(obj, key) != NULL) return 0;
    return bp_json_fail(j, BP_ERR_SPEC_KEY, path, "it is missing");
}

int bp_json_u256(struct bp_json *j, bp_u256 *out, const json_t *obj,
                 const char *key, const char *path) {
    const json_t *v = member(obj, key);
    if (v == NULL) return 0;
    switch (bp_json_number(out, v)) {
    case 0: return 0;
    case BP_ERR_RANGE:
        return bp_json_fail(j, BP_ERR_SPEC_KEY, path,
                            "the number is negative "
                            "or too large");
    }
    return bp_json_fail(j, BP_ERR_SPEC_KEY, path, "it is not a number");
}

int bp_json_u64(struct bp_json *j, uint64_t *out, const json_t *obj,
                const char *key, const char *path) {
    bp_u256 v = bp_u256_from_u64(*out);
    int err = bp_json_u256(j, &v, obj, key, path);
    if (err != 0) return err;
    if (bp_u256_bits(&v) > 64)
        return bp_json_fail(j, BP_ERR_SPEC_KEY, path, "it is above 2^64 - 1");
    *out = v.w[0];
    return 0;
}

int bp_json_bool(struct bp_json *j, bool *out, const json_t *obj,
                 const char *key, const char *path) {
    const json_t *v = member(obj, key);
    if (v == NULL) return 0;
    if (!json_is_boolean(v))
        return bp_json_fail(j, BP_ERR_SPEC_KEY, path, "not true or false");
    *out = json_is_true(v);
    return 0;
}

int bp_json_bytes(struct bp_json *j, void *out, size_t n, const json_t *obj,
                  const char *key, const char *path) {
    const json_t *v = member(obj, key);
    if (v == NULL) return 0;
    if (!json_is_string(v) || bp_unhex(out, n, json_string_value(v)) != 0) {
        char what[64];
        snprintf(what, sizeof what, "not %zu bytes in hexadecimal", n);
        return bp_json_fail(j, BP_ERR_SPEC_KEY, path, what);
    }
    return 0;
}

int bp_json_str(struct bp_json *j, const char **out, const json_t *obj,
                const char *key, const char *path) {
    const json_t *v = member(obj, key);
    if (v == NULL) return 0;
    if (!json_is_string(v))
        return bp_json_fail(j, BP_ERR_SPEC_KEY, path, "it is not a string");
    *out = json_string_value(v);
    return 0;
}

int bp_json_object(struct bp_json *j, json_t **out, const json_t *obj,
                   const char *key, const char *path) {
    json_t *v = json_object_get(obj, key);
    *out = NULL;
    if (v == NULL || json_is_null(v)) return 0;
    if (!json_is_object(v))
        return bp_json_fail(j, BP_ERR_SPEC_KEY, path, "it is not an object");
    *out = v;
    return 0;
}

int bp_json_array(struct bp_json *j, json_t **out, const json_t *obj,
                  const char *key, const char *path) {
    json_t *v = json_object_get(obj, key);
    *out = NULL;
    if (v == NULL || json_is_null(v)) return 0;
    if (!json_is_array(v))
        return bp_json_fail(j, BP_ERR_SPEC_KEY, path, "it is not a list");
    *out = v;
    return 0;
}
