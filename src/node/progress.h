/* progress: how far a long command has come, for people and for logs.

   On a terminal one line, redrawn in place below the log:

       blocks ━━━━━━━━╸─────────────  36.41%  9,431,040/25,900,000  2.3k/s  eta
   1h59m17s  peers 18

   Anywhere else one log line every 8 s. Nothing is rewritten in place when
   stderr is no terminal, or when TERM is dumb. */
#ifndef BP_NODE_PROGRESS_H
#define BP_NODE_PROGRESS_H

#include "blockpool/base.h"

#define PROGRESS_UNKNOWN UINT64_MAX
#define PROGRESS_LOG_MS  8000
#define PROGRESS_DRAW_MS 250

enum progress_form { PROGRESS_NONE, PROGRESS_PLAIN, PROGRESS_LINE };

struct progress {
    const char *stage; /* "blocks" */
    uint64_t from;     /* where the run began */
    uint64_t at;       /* number of the head, or blocks done */
    uint64_t target;   /* PROGRESS_UNKNOWN */
    double rate;       /* a second */
    uint64_t eta_s;    /* PROGRESS_UNKNOWN */
    bool has_peers;
    size_t peers;
    bool done;
};

/* "36.41": never 100.00 before done, never above it. "?" without a target. */
int progress_percent(char *out, size_t cap, const struct progress *p);
/* "2.3k/s", "12/s", "0.4/s". */
int progress_rate(char *out, size_t cap, double rate);
/* The whole line of at most `width` columns, without a line end. */
void progress_line(char *out, size_t cap, const struct progress *p,
                   unsigned width, bool color);

/* Begins to show; `msg` heads the logged lines ("Sync status"). One at a time
   in a process. The form is what the user asked for, resolved. */
void progress_begin(enum progress_form form, const char *msg, bool color);
/* Shows p when it is time to. */
void progress_show(const struct progress *p, uint64_t mono_ms);
/* Shows p for the last time, whatever the time, and ends the line. */
void progress_end(const struct progress *p);
/* Ends without a last word: the line goes away. */
void progress_clear(void);

/* For struct log_config: keep the line below the log. */
void progress_before_log(void);
void progress_after_log(void);

#endif
