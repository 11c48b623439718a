#include "scn_lex.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void lex_fail(struct lexer *l, const char *format, ...) {
    if (l->failed) return;
    l->failed = true;
    int n = snprintf(l->error, 256, "line %u, column %u: ", l->now.line,
                     l->now.column);
    va_list ap;
    va_start(ap, format);
    vsnprintf(l->error + n, 256 - (size_t)n, format, ap);
    va_end(ap);
    l->now.kind = TOKEN_END;
}

static void step(struct lexer *l) {
    if (*l->at == '\n') {
        l->line++;
        l->column = 0;
    }
    l->column++;
    l->at++;
}

static bool word_char(const char *p) {
    /* Two dots are a range, one dot may stand in a word. */
    if (*p == '.') return p[1] != '.' && p[1] != '\0' && p[-1] != '.';
    return isalnum((unsigned char)*p) || *p == '_' || *p == '-';
}

static void take_word(struct lexer *l) {
    struct token *t = &l->now;
    size_t n = 0;
    bool digits = true;
    while (word_char(l->at)) {
        if (n + 1 >= sizeof t->text) {
            lex_fail(l, "this word is too long");
            return;
        }
        digits = digits && isdigit((unsigned char)*l->at);
        t->text[n++] = *l->at;
        step(l);
    }
    t->text[n] = '\0';
    t->kind = TOKEN_WORD;
    if (!digits) return;
    t->kind = TOKEN_NUMBER;
    for (size_t i = 0; i < n; i++) {
        uint64_t d = (uint64_t)(t->text[i] - '0');
        if (t->number > (UINT64_MAX - d) / 10) {
            lex_fail(l, "this number is too large");
            return;
        }
        t->number = t->number * 10 + d;
    }
}

static void take_string(struct lexer *l) {
    struct token *t = &l->now;
    size_t n = 0;
    t->kind = TOKEN_STRING;
    step(l);
    while (*l->at != '"' && *l->at != '\n' && *l->at != '\0') {
        if (n + 1 < sizeof t->text) t->text[n++] = *l->at;
        step(l);
    }
    t->text[n] = '\0';
    if (*l->at != '"')
        lex_fail(l, "this text has no end");
    else
        step(l);
}

static void take_mark(struct lexer *l) {
    static const char *const marks[] = { "..", "<=", ">=", "!=", "(", ")", ",",
                                         ":",  ";",  "=",  "~",  "<", ">" };
    struct token *t = &l->now;
    t->kind = TOKEN_MARK;
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        size_t n = strlen(marks[i]);
        if (strncmp(l->at, marks[i], n) != 0) continue;
        memcpy(t->text, marks[i], n + 1);
        while (n-- > 0) step(l);
        return;
    }
    lex_fail(l, "a character that means nothing here: byte 0x%02x",
             (unsigned char)*l->at);
}

void lex_next(struct lexer *l) {
    if (l->failed) return;
    while (*l->at == ' ' || *l->at == '\t' || *l->at == '\r') step(l);
    if (*l->at == '#')
        while (*l->at != '\n' && *l->at != '\0') step(l);
    l->now = (struct token){ .line = l->line, .column = l->column };
    if (*l->at == '\0') {
        l->now.kind = TOKEN_END;
    } else if (*l->at == '\n') {
        l->now.kind = TOKEN_LINE;
        step(l);
    } else if (*l->at == '"') {
        take_string(l);
    } else if (isalnum((unsigned char)*l->at)) {
        take_word(l);
    } else {
        take_mark(l);
    }
}

void lex_start(struct lexer *l, const char *text, char error[256]) {
    *l = (struct lexer){ .at = text, .line = 1, .column = 1, .error = error };
    error[0] = '\0';
    lex_next(l);
}

bool lex_word(struct lexer *l, const char *word) {
    if (l->failed || l->now.kind != TOKEN_WORD ||
        strcmp(l->now.text, word) != 0)
        return false;
    lex_next(l);
    return true;
}

bool lex_mark(struct lexer *l, const char *mark) {
    if (l->failed || l->now.kind != TOKEN_MARK ||
        strcmp(l->now.text, mark) != 0)
        return false;
    lex_next(l);
    return true;
}

static const char *shown(const struct token *t) {
    if (t->kind == TOKEN_LINE) return "the end of the line";
    if (t->kind == TOKEN_END) return "the end of the file";
    return t->text;
}

void lex_need_mark(struct lexer *l, const char *mark) {
    if (!lex_mark(l, mark))
        lex_fail(l, "'%s' is due here, not %s", mark, shown(&l->now));
}

uint64_t lex_need_number(struct lexer *l) {
    uint64_t n = l->now.number;
    if (l->failed) return 0;
    if (l->now.kind != TOKEN_NUMBER) {
        lex_fail(l, "a number is due here, not %s", shown(&l->now));
        return 0;
    }
    lex_next(l);
    return n;
}

void lex_need_any_word(struct lexer *l, char out[64]) {
    out[0] = '\0';
    if (l->failed) return;
    if (l->now.kind != TOKEN_WORD) {
        lex_fail(l, "a word is due here, not %s", shown(&l->now));
        return;
    }
    memcpy(out, l->now.text, 64);
    lex_next(l);
}

bool lex_at_line_end(const struct lexer *l) {
    return l->failed || l->now.kind == TOKEN_LINE || l->now.kind == TOKEN_END;
}
