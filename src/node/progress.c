/* progress: how far a long command has come.

   Happy path: progress_show is called often and draws when it is time.
   Failure modes: a terminal narrower than the line gets a shorter bar, then
   fewer columns; a write that fails is not tried again. */
#include "node/progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "node/log.h"

#define BAR_COLUMNS_MAX 22
#define WIDTH_DEFAULT   80

static struct {
    enum progress_form form;
    const char *msg;
    bool color, drawn;
    uint64_t drawn_ms, logged_ms;
    bool drawn_ever, logged_ever;
    char line[512];
} shown;

/* The share done in hundredths of a percent, from 0 to 10000. */
static unsigned share(const struct progress *p) {
    if (p->done) return 10000;
    if (p->target == PROGRESS_UNKNOWN || p->target == 0) return 0;
    double s = 10000.0 * (double)p->at / (double)p->target;
    return s >= 9999 ? 9999 : (unsigned)s;
}

int progress_percent(char *out, size_t cap, const struct progress *p) {
    if (!p->done && p->target == PROGRESS_UNKNOWN)
        return snprintf(out, cap, "?");
    unsigned s = share(p);
    return snprintf(out, cap, "%u.%02u", s / 100, s % 100);
}

int progress_rate(char *out, size_t cap, double rate) {
    if (rate >= 1e6) return snprintf(out, cap, "%.1fM/s", rate / 1e6);
    if (rate >= 1e3) return snprintf(out, cap, "%.1fk/s", rate / 1e3);
    return snprintf(out, cap, rate >= 10 ? "%.0f/s" : "%.1f/s", rate);
}

static void put_bar(char *out, size_t cap, const struct progress *p,
                    unsigned columns, bool color) {
    unsigned half = share(p) * columns * 2 / 10000;
    size_t n = (size_t)snprintf(out, cap, "%s", color ? "\033[32m" : "");
    for (unsigned i = 0; i < columns; i++) {
        const char *c = 2 * i + 1 < half ? "━" : 2 * i < half ? "╸" : "─";
        n += (size_t)snprintf(out + n, cap - n, "%s", c);
    }
    snprintf(out + n, cap - n, "%s", color ? "\033[0m" : "");
}

void progress_line(char *out, size_t cap, const struct progress *p,
                   unsigned width, bool color) {
    char percent[16], at[32], target[32] = "?", rate[24], eta[32] = "?";
    char text[256], bar[4 * BAR_COLUMNS_MAX + 16];
    progress_percent(percent, sizeof percent, p);
    log_group_digits(at, sizeof at, p->at);
    if (p->target != PROGRESS_UNKNOWN)
        log_group_digits(target, sizeof target, p->target);
    progress_rate(rate, sizeof rate, p->rate);
    if (p->eta_s != PROGRESS_UNKNOWN)
        log_duration(eta, sizeof eta, p->eta_s * 1000);
    int n = snprintf(text, sizeof text, "%6s%%  %s/%s  %s  eta %s", percent, at,
                     target, rate, eta);
    if (p->has_peers)
        n += snprintf(text + n, sizeof text - (size_t)n, "  peers %zu",
                      p->peers);
    unsigned used = (unsigned)strlen(p->stage) + 2 + (unsigned)n;
    unsigned columns = width > used + 1 ? width - used - 1 : 0;
    if (columns > BAR_COLUMNS_MAX) columns = BAR_COLUMNS_MAX;
    put_bar(bar, sizeof bar, p, columns, color);
    if (columns >= 4)
        snprintf(out, cap, "%s %s %s", p->stage, bar, text);
    else
        snprintf(out, cap, "%.*s", width > 0 ? (int)width - 1 : 0, text);
}

/* ---- showing ----------------------------------------------------------- */

static unsigned terminal_width(void) {
    struct winsize w;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) != 0 || w.ws_col == 0)
        return WIDTH_DEFAULT;
    return w.ws_col;
}

static void draw(const char *text) {
    if (fprintf(stderr, "\r\033[K%s", text) > 0) fflush(stderr);
}

static void log_it(const struct progress *p) {
    char percent[20], eta[32] = "?";
    size_t n = (size_t)progress_percent(percent, sizeof percent - 1, p);
    if (percent[0] != '?') snprintf(percent + n, sizeof percent - n, "%%");
    if (p->eta_s != PROGRESS_UNKNOWN)
        log_duration(eta, sizeof eta, p->eta_s * 1000);
    const struct log_kv kv[] = {
        KS("stage", p->stage),
        KU("head", p->at),
        p->target == PROGRESS_UNKNOWN ? KS("target", "?")
                                      : KU("target", p->target),
        KS("progress", percent),
        KU("rate", p->rate + 0.5),
        KS("eta", eta),
        KU("peers", p->peers),
    };
    log_write(LOG_LVL_INFO, shown.msg, kv, p->has_peers ? 7 : 6);
}

void progress_begin(enum progress_form form, const char *msg, bool color) {
    memset(&shown, 0, sizeof shown);
    shown.form = form;
    shown.msg = msg;
    shown.color = color;
}

void progress_show(const struct progress *p, uint64_t mono_ms) {
    if (shown.form == PROGRESS_PLAIN) {
        if (!shown.logged_ever) shown.logged_ms = mono_ms;
        shown.logged_ever = true;
        if (mono_ms - shown.logged_ms < PROGRESS_LOG_MS) return;
        shown.logged_ms = mono_ms;
        log_it(p);
    }
    if (shown.form != PROGRESS_LINE) return;
    if (shown.drawn_ever && mono_ms - shown.drawn_ms < PROGRESS_DRAW_MS) return;
    shown.drawn_ever = shown.drawn = true;
    shown.drawn_ms = mono_ms;
    progress_line(shown.line, sizeof shown.line, p, terminal_width(),
                  shown.color);
    draw(shown.line);
}

void progress_end(const struct progress *p) {
    if (shown.form == PROGRESS_LINE) {
        progress_line(shown.line, sizeof shown.line, p, terminal_width(),
                      shown.color);
        draw(shown.line);
        fputc('\n', stderr);
    } else if (shown.form == PROGRESS_PLAIN && shown.logged_ever) {
        log_it(p);
    }
    shown.drawn = false;
    shown.form = PROGRESS_NONE;
}

void progress_clear(void) {
    if (shown.drawn) draw("");
    shown.drawn = false;
    shown.form = PROGRESS_NONE;
}

void progress_before_log(void) {
    if (shown.drawn) draw("");
}

void progress_after_log(void) {
    if (shown.drawn) draw(shown.line);
}
