/* log: one line per event, in one of three forms.

   Happy path: format into a buffer, write it whole with one call under a
   lock. Failure modes: a line longer than the buffer is cut; a log file that
   cannot be written loses lines, never the node. */
#include "node/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "node/clock.h"

#define LINE_BYTES_MAX 4096

static struct {
    pthread_mutex_t lock;
    struct log_config config;
    FILE *file; /* NULL: stderr */
} logger = { PTHREAD_MUTEX_INITIALIZER,
             { LOG_LVL_INFO, LOG_FORMAT_TERMINAL, false, NULL, NULL, NULL },
             NULL };

/* ---- parts ------------------------------------------------------------- */

int log_group_digits(char *out, size_t cap, uint64_t v) {
    char plain[24], grouped[32];
    int n = snprintf(plain, sizeof plain, "%llu", (unsigned long long)v);
    size_t o = 0;
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0) grouped[o++] = ',';
        grouped[o++] = plain[i];
    }
    grouped[o] = '\0';
    return snprintf(out, cap, "%s", grouped);
}

int log_duration(char *out, size_t cap, uint64_t ms) {
    unsigned long long s = ms / 1000;
    if (s >= 86400 * 365)
        return snprintf(out, cap, "%lluy%llud", s / (86400 * 365),
                        s / 86400 % 365);
    if (s >= 86400)
        return snprintf(out, cap, "%llud%lluh", s / 86400, s / 3600 % 24);
    if (s >= 3600)
        return snprintf(out, cap, "%lluh%llum%llus", s / 3600, s / 60 % 60,
                        s % 60);
    if (s >= 60) return snprintf(out, cap, "%llum%llus", s / 60, s % 60);
    return snprintf(out, cap, "%llu.%03llus", s,
                    (unsigned long long)(ms % 1000));
}

int log_bytes(char *out, size_t cap, uint64_t bytes) {
    static const char *const unit[] = { "KiB", "MiB", "GiB", "TiB", "PiB" };
    if (bytes < 1024)
        return snprintf(out, cap, "%lluB", (unsigned long long)bytes);
    double v = (double)bytes / 1024;
    size_t i = 0;
    while (v >= 1024 && i < 4) {
        v /= 1024;
        i++;
    }
    return snprintf(out, cap, "%.2f%s", v, unit[i]);
}

int log_short_hash(char *out, size_t cap, const bp_hash *h) {
    char hex[65];
    bp_hex(hex, h->b, 32);
    return snprintf(out, cap, "%.6s..%s", hex, hex + 58);
}

/* ---- a line ------------------------------------------------------------ */

struct line {
    char *p;
    size_t n, cap;
};

__attribute__((format(printf, 2, 3))) static void put(struct line *l,
                                                      const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    size_t room = l->cap - l->n;
    int n = vsnprintf(l->p + l->n, room, fmt, ap);
    va_end(ap);
    if (n < 0) return;
    l->n += (size_t)n < room ? (size_t)n : room - 1;
}

static bool needs_quotes(const char *s) {
    if (*s == '\0') return true;
    for (; *s != '\0'; s++)
        if ((unsigned char)*s <= ' ' || *s == '"' || *s == '=' || *s == '\\' ||
            (unsigned char)*s >= 0x7f)
            return true;
    return false;
}

/* JSON's escapes; they also keep control characters off a terminal. Bytes
   above 0x7f go as they are in JSON, where they are text, and as \xNN else. */
static void put_quoted(struct line *l, const char *s, bool json) {
    put(l, "\"");
    for (; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            put(l, "\\%c", c);
        else if (c == '\n')
            put(l, "\\n");
        else if (c == '\t')
            put(l, "\\t");
        else if (c < ' ' || c == 0x7f)
            put(l, "\\u%04x", c);
        else if (c > 0x7f && !json)
            put(l, "\\x%02x", c);
        else
            put(l, "%c", c);
    }
    put(l, "\"");
}

static void put_value(struct line *l, enum log_format format,
                      const struct log_kv *kv) {
    bool human = format == LOG_FORMAT_TERMINAL;
    bool json = format == LOG_FORMAT_JSON;
    char text[BP_U256_DEC_MAX];
    switch (kv->kind) {
    case LOG_STR:
        if (json || needs_quotes(kv->v.s))
            put_quoted(l, kv->v.s, json);
        else
            put(l, "%s", kv->v.s);
        return;
    case LOG_U64:
        if (human)
            log_group_digits(text, sizeof text, kv->v.u);
        else
            snprintf(text, sizeof text, "%llu", (unsigned long long)kv->v.u);
        put(l, "%s", text);
        return;
    case LOG_PLAIN: put(l, "%llu", (unsigned long long)kv->v.u); return;
    case LOG_HASH:
        if (human)
            log_short_hash(text, sizeof text, kv->v.h);
        else
            bp_hex(text, kv->v.h->b, 32);
        put(l, json ? "\"0x%s\"" : human ? "%s" : "0x%s", text);
        return;
    case LOG_TD:
        bp_u256_to_dec(text, kv->v.td);
        put(l, json ? "\"%s\"" : "%s", text);
        return;
    case LOG_MS:
        log_duration(text, sizeof text, kv->v.u);
        put(l, json ? "\"%s\"" : "%s", text);
        return;
    case LOG_BYTES:
        if (human)
            log_bytes(text, sizeof text, kv->v.u);
        else
            snprintf(text, sizeof text, "%llu", (unsigned long long)kv->v.u);
        put(l, "%s", text);
        return;
    }
}

static const char *level_name(enum log_level level, bool human) {
    switch (level) {
    case LOG_LVL_ERROR: return human ? "ERROR" : "error";
    case LOG_LVL_WARN: return human ? "WARN " : "warn";
    case LOG_LVL_INFO: return human ? "INFO " : "info";
    case LOG_LVL_DEBUG: return human ? "DEBUG" : "debug";
    case LOG_LVL_TRACE: return human ? "TRACE" : "trace";
    case LOG_SILENT: break;
    }
    return "?";
}

static int level_color(enum log_level level) {
    switch (level) {
    case LOG_LVL_ERROR: return 31;
    case LOG_LVL_WARN: return 33;
    case LOG_LVL_INFO: return 32;
    case LOG_LVL_DEBUG: return 36;
    case LOG_LVL_TRACE:
    case LOG_SILENT: break;
    }
    return 34;
}

static void put_terminal_head(struct line *l, bool color, const struct tm *tm,
                              unsigned ms, enum log_level level,
                              const char *msg, size_t pairs) {
    char when[32];
    strftime(when, sizeof when, "%m-%d|%H:%M:%S", tm);
    if (color)
        put(l, "\033[%dm%s\033[0m[%s.%03u] ", level_color(level),
            level_name(level, true), when, ms);
    else
        put(l, "%s[%s.%03u] ", level_name(level, true), when, ms);
    put(l, pairs > 0 ? "%-40s" : "%s", msg);
}

size_t log_line(char *out, size_t cap, enum log_format format, bool color,
                uint64_t wall_ms, enum log_level level, const char *msg,
                const struct log_kv *kv, size_t n) {
    struct line l = { out, 0, cap - 1 }; /* room for the newline */
    time_t s = (time_t)(wall_ms / 1000);
    unsigned ms = (unsigned)(wall_ms % 1000);
    struct tm tm;
    char when[40];
    gmtime_r(&s, &tm);
    switch (format) {
    case LOG_FORMAT_TERMINAL:
        put_terminal_head(&l, color, &tm, ms, level, msg, n);
        break;
    case LOG_FORMAT_LOGFMT:
        strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S+0000", &tm);
        put(&l, "t=%s lvl=%s msg=", when, level_name(level, false));
        put_quoted(&l, msg, false);
        break;
    case LOG_FORMAT_JSON:
        strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &tm);
        put(&l, "{\"t\":\"%s.%03uZ\",\"lvl\":\"%s\",\"msg\":", when, ms,
            level_name(level, false));
        put_quoted(&l, msg, true);
        break;
    }
    for (size_t i = 0; i < n; i++) {
        put(&l, format == LOG_FORMAT_JSON ? ",\"%s\":" : " %s=", kv[i].key);
        put_value(&l, format, &kv[i]);
    }
    if (format == LOG_FORMAT_JSON) put(&l, "}");
    l.p[l.n++] = '\n';
    l.p[l.n] = '\0';
    return l.n;
}

/* ---- the logger -------------------------------------------------------- */

bool log_enabled(enum log_level level) {
    return level <= logger.config.level;
}

static void write_all(int fd, const char *p, size_t n) {
    while (n > 0) {
        ssize_t w = write(fd, p, n);
        if (w < 0 && errno == EINTR) continue;
        if (w <= 0) return;
        p += w;
        n -= (size_t)w;
    }
}

void log_write(enum log_level level, const char *msg, const struct log_kv *kv,
               size_t n) {
    char text[LINE_BYTES_MAX];
    if (!log_enabled(level)) return;
    size_t len =
        log_line(text, sizeof text, logger.config.format, logger.config.color,
                 clock_wall_ms(), level, msg, kv, n);
    pthread_mutex_lock(&logger.lock);
    if (logger.config.before != NULL) logger.config.before();
    write_all(logger.file != NULL ? fileno(logger.file) : STDERR_FILENO, text,
              len);
    if (logger.config.after != NULL) logger.config.after();
    pthread_mutex_unlock(&logger.lock);
}

int log_open(const struct log_config *config) {
    FILE *f = NULL;
    if (config->file != NULL) {
        f = fopen(config->file, "ae");
        if (f == NULL) return BP_ERR_FORMAT;
    }
    pthread_mutex_lock(&logger.lock);
    if (logger.file != NULL) fclose(logger.file);
    logger.file = f;
    logger.config = *config;
    pthread_mutex_unlock(&logger.lock);
    return 0;
}

bool log_reopen(void) {
    pthread_mutex_lock(&logger.lock);
    const char *name = logger.file != NULL ? logger.config.file : NULL;
    FILE *f = name != NULL ? fopen(name, "ae") : NULL;
    const char *why = f == NULL ? strerror(errno) : NULL;
    if (f != NULL) {
        fclose(logger.file);
        logger.file = f;
    }
    pthread_mutex_unlock(&logger.lock);
    if (name != NULL && f == NULL)
        LOG(LOG_LVL_ERROR, "Cannot open the log file anew", KS("file", name),
            KS("why", why));
    return name != NULL;
}

void log_close(void) {
    pthread_mutex_lock(&logger.lock);
    if (logger.file != NULL) fclose(logger.file);
    logger.file = NULL;
    pthread_mutex_unlock(&logger.lock);
}
