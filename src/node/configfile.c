/* configfile: the part of TOML that our options need, read strictly.

   Happy path: one pass over the text, a callback a value. Failure modes: the
   first thing that is not understood ends it, with its line; a key twice is
   refused, as TOML wants. */
#include "node/configfile.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MAX   64
#define VALUE_MAX 4096
#define KEYS_MAX  256

struct parser {
    const char *name, *p;
    unsigned line;
    char *why;
    size_t cap;
    char table[KEY_MAX];
    char key[2 * KEY_MAX];
    char value[VALUE_MAX];
    char seen[KEYS_MAX][2 * KEY_MAX];
    size_t n_seen;
    config_key_fn *on_key;
    void *user;
};

__attribute__((format(printf, 2, 3))) static int refuse(struct parser *c,
                                                        const char *fmt, ...) {
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    snprintf(c->why, c->cap, "%s:%u: %s", c->name, c->line, text);
    return BP_ERR_FORMAT;
}

static void skip_blanks(struct parser *c) {
    while (*c->p == ' ' || *c->p == '\t' || *c->p == '\r') c->p++;
}

/* Blanks, comments and line ends. */
static void skip_lines(struct parser *c) {
    for (;;) {
        skip_blanks(c);
        if (*c->p == '#') c->p += strcspn(c->p, "\n");
        if (*c->p != '\n') return;
        c->p++;
        c->line++;
    }
}

static int end_of_line(struct parser *c) {
    skip_blanks(c);
    if (*c->p == '#') c->p += strcspn(c->p, "\n");
    if (*c->p != '\n' && *c->p != '\0')
        return refuse(c, "'%.20s' follows the value",
                      c->p[0] >= ' ' ? c->p : "?");
    return 0;
}

static bool is_key_char(char ch) {
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
           (ch >= '0' && ch <= '9') || ch == '_' || ch == '-' || ch == '.';
}

static int read_key(struct parser *c, char *out, size_t cap) {
    size_t n = 0;
    bool quoted = *c->p == '"';
    if (quoted) c->p++;
    while (is_key_char(*c->p)) {
        if (n + 1 == cap) return refuse(c, "a name is too long");
        out[n++] = *c->p++;
    }
    out[n] = '\0';
    if (quoted && *c->p++ != '"') return refuse(c, "a quoted name has no end");
    return n > 0 ? 0 : refuse(c, "a name is expected here");
}

static int read_escape(struct parser *c, char *out) {
    switch (*c->p) {
    case '"': *out = '"'; break;
    case '\\': *out = '\\'; break;
    case 'n': *out = '\n'; break;
    case 't': *out = '\t'; break;
    default: return refuse(c, "this escape is not known here");
    }
    c->p++;
    return 0;
}

static int read_string(struct parser *c) {
    char quote = *c->p++;
    size_t n = 0;
    while (*c->p != quote) {
        char ch = *c->p;
        if (ch == '\0' || ch == '\n') return refuse(c, "a string has no end");
        c->p++;
        if (ch == '\\' && quote == '"' && read_escape(c, &ch) != 0)
            return BP_ERR_FORMAT;
        if (n + 1 == sizeof c->value) return refuse(c, "a value is too long");
        c->value[n++] = ch;
    }
    c->p++;
    c->value[n] = '\0';
    return 0;
}

/* A number or a boolean: passed on as it stands, checked by its option. */
static int read_word(struct parser *c) {
    size_t n = strcspn(c->p, " \t\r\n#,]");
    if (n == 0) return refuse(c, "a value is expected after '%s ='", c->key);
    if (n + 1 > sizeof c->value) return refuse(c, "a value is too long");
    memcpy(c->value, c->p, n);
    c->value[n] = '\0';
    bool word = strcmp(c->value, "true") == 0 || strcmp(c->value, "false") == 0;
    if (!word && strspn(c->value, "0123456789_") != n)
        return refuse(c, "'%.40s' needs quotes around it", c->value);
    size_t o = 0; /* TOML lets 1_000 stand for 1000 */
    for (size_t i = 0; i < n; i++)
        if (c->value[i] != '_') c->value[o++] = c->value[i];
    c->value[o] = '\0';
    c->p += n;
    return 0;
}

static int give(struct parser *c) {
    char text[256];
    char *why = c->why;
    c->why[0] = '\0';
    if (c->on_key(c->user, c->key, c->value) == 0) return 0;
    snprintf(text, sizeof text, "%s", why);
    return refuse(c, "%s", text);
}

static int read_list(struct parser *c) {
    c->p++;
    for (;;) {
        skip_lines(c);
        if (*c->p == ']') break;
        if (*c->p != '"' && *c->p != '\'')
            return refuse(c, "a list holds strings only");
        int err = read_string(c);
        if (err == 0) err = give(c);
        if (err != 0) return err;
        skip_lines(c);
        if (*c->p == ',')
            c->p++;
        else if (*c->p != ']')
            return refuse(c, "a list needs ',' or ']' here");
    }
    c->p++;
    return end_of_line(c);
}

static int read_value(struct parser *c) {
    int err;
    if (*c->p == '[') return read_list(c);
    err = *c->p == '"' || *c->p == '\'' ? read_string(c) : read_word(c);
    if (err == 0) err = end_of_line(c);
    return err != 0 ? err : give(c);
}

static int remember(struct parser *c) {
    for (size_t i = 0; i < c->n_seen; i++)
        if (strcmp(c->seen[i], c->key) == 0)
            return refuse(c, "'%s' stands here a second time", c->key);
    if (c->n_seen == KEYS_MAX) return refuse(c, "there are too many keys");
    memcpy(c->seen[c->n_seen++], c->key, sizeof c->key);
    return 0;
}

static int read_pair(struct parser *c) {
    char name[KEY_MAX];
    int err = read_key(c, name, sizeof name);
    if (err != 0) return err;
    snprintf(c->key, sizeof c->key, "%s%s%s", c->table,
             c->table[0] != '\0' ? "." : "", name);
    skip_blanks(c);
    if (*c->p != '=') return refuse(c, "'=' is expected after '%s'", name);
    c->p++;
    skip_blanks(c);
    err = remember(c);
    return err != 0 ? err : read_value(c);
}

static int read_table(struct parser *c) {
    c->p++;
    skip_blanks(c);
    int err = read_key(c, c->table, sizeof c->table);
    if (err != 0) return err;
    skip_blanks(c);
    if (*c->p != ']') return refuse(c, "']' is expected after '%s'", c->table);
    c->p++;
    return end_of_line(c);
}

int config_text_read(const char *name, const char *text, char *why, size_t cap,
                     config_key_fn *on_key, void *user) {
    struct parser *c = calloc(1, sizeof *c);
    int err = 0;
    if (c == NULL) {
        snprintf(why, cap, "%s", bp_strerror(BP_ERR_NOMEM));
        return BP_ERR_FORMAT;
    }
    *c = (struct parser){ .name = name,
                          .p = text,
                          .line = 1,
                          .why = why,
                          .cap = cap,
                          .on_key = on_key,
                          .user = user };
    for (skip_lines(c); err == 0 && *c->p != '\0'; skip_lines(c))
        err = *c->p == '[' ? read_table(c) : read_pair(c);
    free(c);
    return err;
}

int config_file_read(const char *path, char *why, size_t cap,
                     config_key_fn *on_key, void *user) {
    FILE *f = fopen(path, "re");
    char *text = malloc(CONFIG_FILE_BYTES_MAX + 1);
    int err = BP_ERR_FORMAT;
    if (f == NULL || text == NULL) {
        snprintf(why, cap, "%s: %s", path, strerror(errno));
        goto done;
    }
    size_t n = fread(text, 1, CONFIG_FILE_BYTES_MAX + 1, f);
    if (ferror(f)) {
        snprintf(why, cap, "%s: %s", path, strerror(errno));
        goto done;
    }
    if (n > CONFIG_FILE_BYTES_MAX || memchr(text, '\0', n) != NULL) {
        snprintf(why, cap, "%s: this is no configuration file", path);
        goto done;
    }
    text[n] = '\0';
    err = config_text_read(path, text, why, cap, on_key, user);
done:
    if (f != NULL) fclose(f);
    free(text);
    return err;
}
