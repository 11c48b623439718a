/* log: one line per event, on stderr or in a file, in one of three forms.

       INFO [11-22|07:01:29.131] Opened store          datadir=etc head=9,412
       t=2026-11-22T07:01:29+0000 lvl=info msg="Opened store" datadir=etc …
       {"t":"2026-11-22T07:01:29.131Z","lvl":"info","msg":"Opened store",…}

   Terminal form shortens hashes and groups digits; the other two do neither.
   Any thread may log. Texts from peers are quoted and never printed raw. */
#ifndef BP_NODE_LOG_H
#define BP_NODE_LOG_H

#include <stdio.h>

#include "blockpool/base.h"

enum log_level {
    LOG_SILENT,
    LOG_LVL_ERROR,
    LOG_LVL_WARN,
    LOG_LVL_INFO,
    LOG_LVL_DEBUG,
    LOG_LVL_TRACE
};

enum log_format { LOG_FORMAT_TERMINAL, LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

enum log_kind {
    LOG_STR,
    LOG_U64,
    LOG_PLAIN,
    LOG_HASH,
    LOG_TD,
    LOG_MS,
    LOG_BYTES
};

struct log_kv {
    const char *key;
    enum log_kind kind;
    union {
        const char *s;
        uint64_t u;
        const bp_hash *h;
        const bp_u256 *td;
    } v;
};

/* Values: text, count (digits grouped on a terminal), plain number (port,
   pid, id), hash, 256-bit decimal, milliseconds, bytes. */
#define KS(k, x) ((struct log_kv){ k, LOG_STR, { .s = (x) } })
#define KU(k, x) ((struct log_kv){ k, LOG_U64, { .u = (uint64_t)(x) } })
#define KN(k, x) ((struct log_kv){ k, LOG_PLAIN, { .u = (uint64_t)(x) } })
#define KH(k, x) ((struct log_kv){ k, LOG_HASH, { .h = (x) } })
#define KT(k, x) ((struct log_kv){ k, LOG_TD, { .td = (x) } })
#define KM(k, x) ((struct log_kv){ k, LOG_MS, { .u = (uint64_t)(x) } })
#define KB(k, x) ((struct log_kv){ k, LOG_BYTES, { .u = (uint64_t)(x) } })

/* LOG(LOG_LVL_INFO, "Opened store", KS("datadir", dir), KU("head", n));
   LOG0 has no pairs. */
#define LOG(level, msg, ...)                                                   \
    log_write(level, msg, (const struct log_kv[]){ __VA_ARGS__ },              \
              sizeof((const struct log_kv[]){ __VA_ARGS__ }) /                 \
                  sizeof(struct log_kv))
#define LOG0(level, msg) log_write(level, msg, NULL, 0)

void log_write(enum log_level level, const char *msg, const struct log_kv *kv,
               size_t n);
bool log_enabled(enum log_level level);

struct log_config {
    enum log_level level;
    enum log_format format;
    bool color;       /* terminal form only */
    const char *file; /* NULL: stderr */
    /* Called with the lock held around a line on a terminal whose last row
       is a progress line: clear it before, draw it again after. */
    void (*before)(void);
    void (*after)(void);
};

/* Returns 0, or BP_ERR_FORMAT when the file cannot be opened (errno says why).
   config->file is borrowed until log_close. */
int log_open(const struct log_config *config);
/* Opens the file anew, under its name: the old one was moved away. One that
   cannot be opened is told in the old one, which goes on. Returns false when
   the log is no file. */
bool log_reopen(void);
void log_close(void);

/* The parts, for other displays. Each returns what snprintf would. */
int log_group_digits(char *out, size_t cap, uint64_t v); /* 25,900,000 */
int log_duration(char *out, size_t cap, uint64_t ms);    /* 1h59m17s */
int log_bytes(char *out, size_t cap, uint64_t bytes);    /* 4.51GiB */
int log_short_hash(char *out, size_t cap,
                   const bp_hash *h); /* 5b9c01..77ad20 */
/* One line, as log_write would write it, at a given wall time; cap >= 2. */
size_t log_line(char *out, size_t cap, enum log_format format, bool color,
                uint64_t wall_ms, enum log_level level, const char *msg,
                const struct log_kv *kv, size_t n);

#endif
