/* minescript: what `blockpool makechain` mines, as a few lines of text.

   Happy path: a word at a time into commands. Failure modes: an unknown word,
   a number out of its range, a script without a block: the line is named. */
#include "node/minescript.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX      8
#define LINE_MAX_BYTES 256

struct parser {
    struct mine_script *s;
    unsigned line;
    char words[WORDS_MAX][LINE_MAX_BYTES];
    size_t n, at;
    char *why;
    size_t cap;
};

__attribute__((format(printf, 2, 3))) static int refuse(struct parser *p,
                                                        const char *fmt, ...) {
    char text[200];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    snprintf(p->why, p->cap, "line %u: %s", p->line, text);
    return BP_ERR_FORMAT;
}

/* The next word, or "" at the end of the line. */
static const char *next(struct parser *p) {
    return p->at < p->n ? p->words[p->at++] : "";
}

static int next_number(struct parser *p, uint64_t *out, uint64_t min,
                       uint64_t max, const char *what) {
    bp_u256 v;
    const char *word = next(p);
    if (bp_u256_parse(&v, word) != 0 || bp_u256_bits(&v) > 63 || v.w[0] < min ||
        v.w[0] > max)
        return refuse(p, "%s is a number from %llu to %llu, not '%.40s'", what,
                      (unsigned long long)min, (unsigned long long)max, word);
    *out = v.w[0];
    return 0;
}

static int next_name(struct parser *p, char out[MINESCRIPT_NAME_MAX + 1]) {
    const char *word = next(p);
    size_t n = strlen(word);
    if (n == 0 || n > MINESCRIPT_NAME_MAX)
        return refuse(p, "the name of a branch has 1 to %d letters",
                      MINESCRIPT_NAME_MAX);
    memcpy(out, word, n + 1);
    return 0;
}

static int parse_blocks(struct parser *p, struct mine_command *c) {
    uint64_t v;
    int err = next_number(p, &v, 1, MINESCRIPT_BLOCKS_MAX, "the count");
    c->kind = MINE_BLOCKS;
    c->count = err == 0 ? (uint32_t)v : 0;
    while (err == 0 && p->at < p->n) {
        const char *word = next(p);
        if (strcmp(word, "txs") == 0) {
            err = next_number(p, &v, 0, MINESCRIPT_TXS_MAX, "txs");
            c->txs = err == 0 ? (uint32_t)v : 0;
        } else if (strcmp(word, "every") == 0) {
            err = next_number(p, &v, 1, 86400, "every");
            c->every = err == 0 ? (uint32_t)v : 0;
        } else if (strcmp(word, "uncles") == 0) {
            c->uncles = true;
        } else {
            err = refuse(p, "'%.40s' is none of txs, every, uncles", word);
        }
    }
    return err;
}

static int parse_fork(struct parser *p, struct mine_command *c) {
    c->kind = MINE_FORK;
    int err = next_name(p, c->name);
    if (err != 0) return err;
    const char *how = next(p);
    c->from_head = strcmp(how, "back") == 0;
    if (!c->from_head && strcmp(how, "at") != 0)
        return refuse(p, "'back N' or 'at N' is expected after the name");
    return next_number(p, &c->number, 0, UINT32_MAX, how);
}

static int parse_line(struct parser *p) {
    struct mine_command c = { .line = p->line };
    const char *word = next(p);
    int err;
    if (strcmp(word, "blocks") == 0) {
        err = parse_blocks(p, &c);
    } else if (strcmp(word, "fork") == 0) {
        err = parse_fork(p, &c);
    } else if (strcmp(word, "on") == 0) {
        c.kind = MINE_ON;
        err = next_name(p, c.name);
    } else {
        return refuse(p, "'%.40s' is none of blocks, fork, on", word);
    }
    if (err == 0 && p->at < p->n)
        err = refuse(p, "'%.40s' is too much here", p->words[p->at]);
    if (err != 0) return err;
    if (p->s->n == MINESCRIPT_COMMANDS_MAX)
        return refuse(p, "there are too many commands");
    struct mine_command *more = realloc(p->s->v, (p->s->n + 1) * sizeof *more);
    if (more == NULL) return refuse(p, "%s", bp_strerror(BP_ERR_NOMEM));
    p->s->v = more;
    more[p->s->n++] = c;
    return 0;
}

static int split(struct parser *p, const char *text, size_t n) {
    p->n = p->at = 0;
    for (size_t i = 0; i < n;) {
        size_t len = 0;
        if (text[i] == '#') break;
        while (i + len < n && strchr(" \t\r#", text[i + len]) == NULL) len++;
        if (len == 0) {
            i++;
            continue;
        }
        if (p->n == WORDS_MAX || len >= LINE_MAX_BYTES)
            return refuse(p, "the line is too long");
        memcpy(p->words[p->n], text + i, len);
        p->words[p->n++][len] = '\0';
        i += len;
    }
    return 0;
}

int minescript_parse(struct mine_script *out, char *why, size_t cap,
                     const char *text) {
    struct parser *p = calloc(1, sizeof *p);
    int err = 0;
    bool any = false;
    *out = (struct mine_script){ NULL, 0 };
    if (p == NULL) {
        snprintf(why, cap, "%s", bp_strerror(BP_ERR_NOMEM));
        return BP_ERR_FORMAT;
    }
    *p = (struct parser){ .s = out, .why = why, .cap = cap };
    while (err == 0 && *text != '\0') {
        size_t n = strcspn(text, "\n");
        p->line++;
        err = split(p, text, n);
        if (err == 0 && p->n > 0) err = parse_line(p);
        text += n + (text[n] == '\n');
    }
    for (size_t i = 0; i < out->n; i++) any |= out->v[i].kind == MINE_BLOCKS;
    if (err == 0 && !any) err = refuse(p, "the script mines no block");
    if (err != 0) minescript_free(out);
    free(p);
    return err;
}

void minescript_free(struct mine_script *s) {
    free(s->v);
    *s = (struct mine_script){ NULL, 0 };
}
