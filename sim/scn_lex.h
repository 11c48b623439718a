/* scn_lex.h: a scenario file as tokens, each with its place. */
#ifndef BP_SIM_SCN_LEX_H
#define BP_SIM_SCN_LEX_H

#include "world.h"

enum token_kind {
    TOKEN_WORD,   /* letters, digits, _ - . ; "true", "links_max", "X5" */
    TOKEN_NUMBER, /* digits only */
    TOKEN_STRING, /* "…", without the quotes */
    TOKEN_MARK,   /* one of ( ) , : ; = ~ or .. <= >= != < > */
    TOKEN_LINE,   /* end of a line */
    TOKEN_END
};

struct token {
    enum token_kind kind;
    char text[64];
    uint64_t number;
    uint32_t line, column;
};

struct lexer {
    const char *at;
    uint32_t line, column;
    struct token now; /* the token that stands next */
    bool failed;
    char *error; /* 256 bytes; the first error stays */
};

void lex_start(struct lexer *l, const char *text, char error[256]);
void lex_next(struct lexer *l);
/* "line 3, column 7: …" */
void lex_fail(struct lexer *l, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Takes the token if it is this word or mark. */
bool lex_word(struct lexer *l, const char *word);
bool lex_mark(struct lexer *l, const char *mark);
/* Takes the token, or fails. */
void lex_need_mark(struct lexer *l, const char *mark);
uint64_t lex_need_number(struct lexer *l);
void lex_need_any_word(struct lexer *l, char out[64]);
bool lex_at_line_end(const struct lexer *l);

#endif
