/* scn_read: a scenario file becomes a world. The grammar is written down in
   docs/sim-scenarios.md; each function here is one of its rules. */
#include <string.h>

#include "scn_lex.h"
#include "sim.h"

/* Labels of one list; blocks of one scenario stay below LABEL_MAX anyway. */
#define LIST_MAX 65536u

struct reader {
    struct lexer l;
    struct world *w;
    uint32_t kind;
    bool *known; /* labels */
    uint32_t known_n;
    enum step_when when; /* of the line */
    uint64_t time;
    struct step_spec cond;
    bool first_of_line;
};

const char *kind_word(uint32_t kind) {
    return kind == KIND_IDS ? "links" : kind == KIND_PLAIN ? "plain" : "bare";
}

static uint32_t caps_of(uint32_t kind) {
    if (kind == KIND_BARE) return BP_CAP_HASHES | BP_CAP_BLOCKS;
    return BP_CAP_LINKS | BP_CAP_BLOCKS |
           (kind == KIND_IDS ? (uint32_t)BP_CAP_IDS : 0u);
}

static bool read_kind(struct lexer *l, uint32_t *kind) {
    for (uint32_t k = KIND_IDS; k <= KIND_BARE; k *= 2)
        if (lex_word(l, kind_word(k))) {
            *kind = k;
            return true;
        }
    return false;
}

/* ---- labels and lists ------------------------------------------------- */

static bool is_known(const struct reader *r, uint64_t label) {
    return label < r->known_n && r->known[label];
}

static uint32_t label(struct reader *r) {
    uint64_t n = r->l.now.number;
    if (r->l.now.kind == TOKEN_NUMBER && !is_known(r, n)) {
        lex_fail(&r->l, "there is no block %llu; 'blocks' makes them",
                 (unsigned long long)n);
        return 0;
    }
    return (uint32_t)lex_need_number(&r->l);
}

/* 0..3,7,9..8 */
static const uint32_t *list(struct reader *r, uint32_t *n) {
    uint32_t cap = 0, *v = NULL;
    *n = 0;
    do {
        uint32_t a = label(r), b = a;
        if (lex_mark(&r->l, "..")) b = label(r);
        for (uint32_t i = a; !r->l.failed; i = a < b ? i + 1 : i - 1) {
            if (*n >= LIST_MAX) lex_fail(&r->l, "this list is too long");
            if (!is_known(r, i))
                lex_fail(&r->l, "there is no block %u in this range", i);
            v = arena_grow(r->w->arena, v, &cap, *n + 1, sizeof *v);
            v[(*n)++] = i;
            if (i == b) break;
        }
    } while (lex_mark(&r->l, ","));
    return v;
}

static uint32_t peer_name(struct reader *r) {
    uint64_t n = lex_need_number(&r->l);
    if (n >= PEER_NONE) lex_fail(&r->l, "this is no name of a peer");
    return (uint32_t)n;
}

static struct peer_spec *peer_of(struct reader *r, uint32_t name) {
    struct peer_spec *p = world_find_peer(r->w, name);
    if (p == NULL) lex_fail(&r->l, "there is no peer %u yet", name);
    return p;
}

/* true, none, or a number */
static uint32_t claimed(struct reader *r, uint64_t *value) {
    if (lex_word(&r->l, "true")) return CLAIM_TRUE;
    if (lex_word(&r->l, "none")) return CLAIM_NONE;
    *value = lex_need_number(&r->l);
    return CLAIM_VALUE;
}

/* ---- settings --------------------------------------------------------- */

static void set_field(struct reader *r, const struct field *table,
                      void *object) {
    const struct field *f = field_find(table, r->l.now.text);
    if (f == NULL || r->l.now.kind != TOKEN_WORD) {
        lex_fail(&r->l, "there is no setting '%s' here", r->l.now.text);
        return;
    }
    lex_next(&r->l);
    lex_need_mark(&r->l, "=");
    if (f->size == 4 && r->l.now.number > UINT32_MAX)
        lex_fail(&r->l, "%s is too large", f->word);
    uint64_t v = lex_need_number(&r->l);
    if (!r->l.failed) field_set(f, object, v);
}

static void read_settings(struct reader *r, const struct field *table,
                          void *object) {
    while (!lex_at_line_end(&r->l)) set_field(r, table, object);
}

/* ---- blocks ----------------------------------------------------------- */

static void know(struct reader *r, uint32_t from, uint32_t to) {
    if (to >= r->known_n) {
        uint32_t n = to + 1 + to / 2;
        bool *k = arena_take(r->w->arena, n);
        if (r->known_n != 0) memcpy(k, r->known, r->known_n);
        r->known = k;
        r->known_n = n;
    }
    for (uint32_t i = from; i <= to; i++) r->known[i] = true;
}

static void read_flaw(struct reader *r, struct block_run *b) {
    char word[64];
    lex_need_any_word(&r->l, word);
    for (enum flaw f = FLAW_NONE; f < FLAW_COUNT; f++)
        if (strcmp(word, flaw_word(f)) == 0) {
            b->flaw = (uint8_t)f;
            return;
        }
    lex_fail(&r->l, "there is no flaw '%s'", word);
}

static void blocks_detail(struct reader *r, struct block_run *b) {
    struct lexer *l = &r->l;
    if (lex_word(l, "parent")) {
        b->parent = lex_word(l, "none") ? LABEL_NONE : label(r);
    } else if (lex_word(l, "difficulty")) {
        b->difficulty = lex_need_number(l);
        b->difficulty_spread = lex_mark(l, "~") ? lex_need_number(l) : 0;
    } else if (lex_word(l, "size")) {
        b->size = (uint32_t)lex_need_number(l);
        b->size_spread = lex_mark(l, "~") ? (uint32_t)lex_need_number(l) : 0;
        if (b->size > 1u << 24) lex_fail(l, "this body is too large");
    } else if (lex_word(l, "empty")) {
        b->empty_pc = (uint32_t)lex_need_number(l);
    } else if (lex_word(l, "flaw")) {
        read_flaw(r, b);
    } else if (lex_word(l, "time")) {
        b->not_before = lex_need_number(l);
    } else {
        lex_fail(l, "blocks have no '%s'", l->now.text);
    }
}

static void read_blocks(struct reader *r) {
    struct block_run b = { .parent = LABEL_NONE,
                           .difficulty = 100,
                           .size = 500 };
    uint64_t first = lex_need_number(&r->l), last = first;
    if (lex_mark(&r->l, "..")) last = lex_need_number(&r->l);
    if (last < first || last > LABEL_MAX) {
        lex_fail(&r->l, "blocks go from low to high, up to %u", LABEL_MAX);
        return;
    }
    for (uint64_t i = first; i <= last; i++)
        if (is_known(r, i)) {
            lex_fail(&r->l, "there is a block %llu already",
                     (unsigned long long)i);
            return;
        }
    if (r->w->runs == 0 && first != 0) {
        lex_fail(&r->l, "the first block is 0, the genesis");
        return;
    }
    b.first = (uint32_t)first;
    b.last = (uint32_t)last;
    if (first > 0 && is_known(r, first - 1)) b.parent = b.first - 1;
    while (!lex_at_line_end(&r->l)) blocks_detail(r, &b);
    if (r->l.failed) return;
    know(r, b.first, b.last);
    *world_add_run(r->w) = b;
}

/* ---- peers ------------------------------------------------------------ */

static void read_deeds(struct reader *r, struct peer_spec *p) {
    do {
        char word[64];
        enum deed d = 0;
        lex_need_any_word(&r->l, word);
        while (d < DEED_COUNT && strcmp(word, deed_word(d)) != 0) d++;
        if (d == DEED_COUNT || p->deeds == DEEDS_MAX) {
            lex_fail(&r->l,
                     d == DEED_COUNT ? "there is no deed '%s'"
                                     : "too many deeds at '%s'",
                     word);
            return;
        }
        p->deed[p->deeds] = (uint8_t)d;
        if (lex_mark(&r->l, "(")) {
            p->deed_arg[p->deeds] = (uint32_t)lex_need_number(&r->l);
            lex_need_mark(&r->l, ")");
        }
        p->deeds++;
    } while (lex_mark(&r->l, ","));
    p->hostile = 1;
}

static void peer_detail(struct reader *r, struct peer_spec *p) {
    struct lexer *l = &r->l;
    uint32_t kind;
    if (read_kind(l, &kind)) {
        p->caps = caps_of(kind);
    } else if (lex_word(l, "hostile")) {
        p->hostile = 1;
    } else if (lex_word(l, "scripted")) {
        p->scripted = 1;
    } else if (lex_word(l, "head")) {
        p->head = label(r);
    } else if (lex_word(l, "grows")) {
        p->grow_to = label(r);
    } else if (lex_word(l, "relays")) {
        p->relay = label(r);
    } else if (lex_word(l, "td")) {
        p->td_kind = claimed(r, &p->td);
    } else if (lex_word(l, "number")) {
        p->number_kind = claimed(r, &p->number);
    } else if (lex_word(l, "from")) {
        p->has_range = 1;
        p->earliest = (uint32_t)lex_need_number(l);
    } else if (lex_word(l, "does")) {
        read_deeds(r, p);
    } else {
        set_field(r, peer_fields, p);
    }
}

static struct peer_spec *add_peer(struct reader *r, uint32_t name) {
    struct peer_spec *p = world_add_peer(r->w, name);
    p->caps = caps_of(r->kind);
    p->number_kind = CLAIM_NONE;
    return p;
}

static void read_peer(struct reader *r) {
    uint32_t name = peer_name(r);
    if (world_find_peer(r->w, name) != NULL) {
        lex_fail(&r->l, "there is a peer %u already", name);
        return;
    }
    struct peer_spec *p = add_peer(r, name);
    while (!lex_at_line_end(&r->l)) peer_detail(r, p);
    if (!p->scripted && p->head == LABEL_NONE)
        lex_fail(&r->l, "peer %u needs a head", name);
}

/* ---- expectations ----------------------------------------------------- */

static bool read_compare(struct lexer *l, enum compare *c) {
    static const struct {
        const char *mark;
        enum compare c;
    } marks[] = { { "=", CMP_EQ },  { "<=", CMP_LE }, { ">=", CMP_GE },
                  { "!=", CMP_NE }, { "<", CMP_LT },  { ">", CMP_GT } };
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (lex_mark(l, marks[i].mark)) {
            *c = marks[i].c;
            return true;
        }
    return false;
}

static int read_offence(struct reader *r) {
    char word[64];
    lex_need_any_word(&r->l, word);
    static const struct {
        const char *name;
        int value;
    } all[] = {
#define OFFENCE_ROW(name, value, text) { #name, value },
        BP_OFFENCE_MAP(OFFENCE_ROW)
#undef OFFENCE_ROW
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (strcmp(word, all[i].name) == 0) return all[i].value;
    lex_fail(&r->l, "there is no offence '%s'", word);
    return 0;
}

/* L(3), H(3), B(1,2), or a letter alone */
static void read_asked(struct reader *r, struct expect_spec *e) {
    struct lexer *l = &r->l;
    e->letter = '\0';
    if (lex_word(l, "any"))
        e->letter = 'A';
    else if (lex_word(l, "L"))
        e->letter = 'L';
    else if (lex_word(l, "H"))
        e->letter = 'H';
    else if (lex_word(l, "B"))
        e->letter = 'B';
    else
        lex_fail(l, "L(…), H(…), B(…) or any is due here");
    if (lex_mark(l, "(")) {
        e->list = list(r, &e->n);
        lex_need_mark(l, ")");
    }
}

static void read_expect_peer(struct reader *r, struct expect_spec *e) {
    if (r->l.now.kind != TOKEN_NUMBER) return;
    e->peer = peer_name(r);
    peer_of(r, e->peer);
}

static void expect_counter(struct reader *r, struct expect_spec *e) {
    char word[64];
    e->kind = EXPECT_COUNTER;
    lex_need_any_word(&r->l, word);
    snprintf(e->counter, sizeof e->counter, "%.23s", word);
    if (!read_compare(&r->l, &e->cmp))
        lex_fail(&r->l, "a comparison is due after '%s'", word);
    e->value = lex_need_number(&r->l);
}

static void expect_request(struct reader *r, struct expect_spec *e, bool none) {
    e->kind = EXPECT_ASKED;
    read_expect_peer(r, e);
    read_asked(r, e);
    e->cmp = none ? CMP_EQ : CMP_GE;
    e->value = none ? 0 : 1;
    if (read_compare(&r->l, &e->cmp)) e->value = lex_need_number(&r->l);
}

static void expect_blame(struct reader *r, struct expect_spec *e) {
    e->kind = EXPECT_BLAME;
    read_expect_peer(r, e);
    e->offence = read_offence(r);
    e->cmp = CMP_EQ;
    e->value = 1;
    if (read_compare(&r->l, &e->cmp)) e->value = lex_need_number(&r->l);
}

static void read_expect(struct reader *r, struct expect_spec *e) {
    struct lexer *l = &r->l;
    e->line = l->now.line;
    if (lex_word(l, "chain")) {
        e->kind = EXPECT_CHAIN;
        e->list = list(r, &e->n);
        if (lex_word(l, "by")) e->by = lex_need_number(l);
    } else if (lex_word(l, "head")) {
        e->kind = EXPECT_HEAD;
        e->list = list(r, &e->n);
    } else if (lex_word(l, "stored")) {
        e->kind = EXPECT_STORED;
        e->list = list(r, &e->n);
    } else if (lex_word(l, "blame")) {
        expect_blame(r, e);
    } else if (lex_word(l, "asked")) {
        expect_request(r, e, false);
    } else if (lex_word(l, "first")) {
        e->kind = EXPECT_FIRST;
        read_expect_peer(r, e);
        read_asked(r, e);
        if (e->n == 0) lex_fail(l, "a first request names its blocks");
    } else if (lex_word(l, "best")) {
        e->kind = EXPECT_BEST;
        if (lex_word(l, "none"))
            e->peer = PEER_NONE;
        else
            e->peer = peer_name(r);
    } else if (lex_word(l, "quiet")) {
        e->kind = EXPECT_QUIET;
    } else if (lex_word(l, "live")) {
        e->kind = EXPECT_LIVE;
        e->peer = peer_name(r);
    } else if (lex_word(l, "ended")) {
        e->kind = EXPECT_ENDED;
        e->peer = peer_name(r);
    } else if (lex_word(l, "why")) {
        e->kind = EXPECT_WHY;
        if (l->now.kind != TOKEN_STRING) lex_fail(l, "a text is due here");
        memcpy(e->text, l->now.text, sizeof e->text);
        lex_next(l);
    } else if (lex_word(l, "no")) {
        if (!lex_word(l, "blame")) lex_fail(l, "'blame' is due here");
        e->kind = EXPECT_NO_BLAME;
        read_expect_peer(r, e);
    } else if (lex_word(l, "not")) {
        if (lex_word(l, "stored")) {
            e->kind = EXPECT_NOT_STORED;
            e->list = list(r, &e->n);
        } else if (lex_word(l, "asked")) {
            expect_request(r, e, true);
        } else {
            lex_fail(l, "'stored' or 'asked' is due here");
        }
    } else {
        expect_counter(r, e);
    }
}

/* ---- steps ------------------------------------------------------------ */

static struct step_spec *add_step(struct reader *r, enum step_kind kind) {
    struct step_spec *s = world_add_step(r->w);
    struct step_spec c = r->cond;
    s->line = r->l.now.line;
    s->kind = kind;
    if (r->first_of_line) {
        s->when = r->when;
        s->time = r->time;
        s->cond = c.cond;
        s->cond_peer = c.cond_peer;
        s->cond_what = c.cond_what;
        s->cond_letter = c.cond_letter;
    } else {
        s->when = WHEN_AFTER;
    }
    r->first_of_line = false;
    return s;
}

/* H(9: 8,7) B(9) … : what a scripted peer gives when it is asked. */
static void read_gives(struct reader *r, uint32_t peer) {
    struct lexer *l = &r->l;
    while (!l->failed) {
        bool blocks = lex_word(l, "B");
        if (!blocks && !lex_word(l, "H") && !lex_word(l, "L")) return;
        struct step_spec *s = add_step(r, blocks ? STEP_BLOCKS : STEP_HASHES);
        s->peer = peer;
        lex_need_mark(l, "(");
        if (!blocks) {
            s->origin = label(r);
            if (!lex_mark(l, ":")) {
                lex_need_mark(l, ")");
                continue;
            }
        }
        s->list = list(r, &s->n);
        lex_need_mark(l, ")");
    }
}

static void read_flags(struct reader *r, struct step_spec *s) {
    for (;;) {
        if (lex_word(&r->l, "mismatched"))
            s->item_flags |= ITEM_MISMATCH;
        else if (lex_word(&r->l, "corrupt"))
            s->item_flags |= ITEM_CORRUPT;
        else if (lex_word(&r->l, "td"))
            s->td_kind = claimed(r, &s->td);
        else if (lex_word(&r->l, "number")) {
            s->has_number = true;
            s->number = lex_need_number(&r->l);
        } else
            return;
    }
}

/* P(1, 9, 9) */
static void read_join(struct reader *r) {
    struct lexer *l = &r->l;
    lex_need_mark(l, "(");
    uint32_t name = peer_name(r);
    lex_need_mark(l, ",");
    struct step_spec *s = add_step(r, STEP_PEER);
    s->peer = name;
    s->td_kind = claimed(r, &s->td);
    lex_need_mark(l, ",");
    s->origin = label(r);
    lex_need_mark(l, ")");
    if (l->failed) return;
    struct peer_spec *p = world_find_peer(r->w, name);
    if (p == NULL) {
        p = add_peer(r, name);
        p->scripted = 1;
    }
    if (p->head == LABEL_NONE) p->head = s->origin;
    if (lex_mark(l, ":")) read_gives(r, name);
}

static void read_list_step(struct reader *r, struct step_spec *s) {
    struct lexer *l = &r->l;
    s->letter = l->now.text[0];
    if (!lex_word(l, "L") && !lex_word(l, "H") && !lex_word(l, "B")) {
        lex_fail(l, "L(…), H(…) or B(…) is due here");
        return;
    }
    lex_need_mark(l, "(");
    if (!lex_mark(l, ")")) {
        s->list = list(r, &s->n);
        lex_need_mark(l, ")");
    }
    read_flags(r, s);
}

static void read_peer_step(struct reader *r) {
    struct lexer *l = &r->l;
    uint32_t name = peer_name(r);
    if (peer_of(r, name) == NULL) return;
    struct step_spec *s;
    if (lex_mark(l, ":")) {
        read_gives(r, name);
        return;
    }
    if (lex_word(l, "sends")) {
        s = add_step(r, STEP_SEND);
        read_list_step(r, s);
    } else if (lex_word(l, "answers")) {
        s = add_step(r, STEP_ANSWER);
        read_list_step(r, s);
    } else if (lex_word(l, "pushes")) {
        s = add_step(r, STEP_PUSH);
        s->list = list(r, &s->n);
        read_flags(r, s);
    } else if (lex_word(l, "announces")) {
        s = add_step(r, STEP_ANNOUNCE);
        s->list = list(r, &s->n);
        read_flags(r, s);
    } else if (lex_word(l, "serves")) {
        s = add_step(r, STEP_RANGE);
        s->number = lex_need_number(l);
        lex_need_mark(l, "..");
        s->td = lex_need_number(l);
    } else if (lex_word(l, "leaves")) {
        s = add_step(r, STEP_LEAVE);
    } else if (lex_word(l, "offends")) {
        s = add_step(r, STEP_OFFENCE);
        s->offence = read_offence(r);
    } else {
        lex_fail(l, "a peer does not do '%s'", l->now.text);
        return;
    }
    s->peer = name;
}

static void read_event(struct reader *r) {
    struct lexer *l = &r->l;
    struct step_spec *s;
    if (l->now.kind == TOKEN_NUMBER) {
        read_peer_step(r);
    } else if (lex_word(l, "P")) {
        read_join(r);
    } else if (lex_word(l, "crash")) {
        add_step(r, STEP_CRASH);
    } else if (lex_word(l, "reset")) {
        add_step(r, STEP_RESET);
    } else if (lex_word(l, "purge")) {
        add_step(r, STEP_PURGE);
    } else if (lex_word(l, "imports")) {
        s = add_step(r, STEP_IMPORT);
        s->list = list(r, &s->n);
    } else if (lex_word(l, "target")) {
        s = add_step(r, STEP_TARGET);
        s->origin = lex_word(l, "none") ? LABEL_NONE : label(r);
        s->has_number = lex_word(l, "numbered");
    } else if (lex_word(l, "expect")) {
        s = add_step(r, STEP_EXPECT);
        s->expect = r->w->expects;
        read_expect(r, world_add_expect(r->w));
    } else {
        lex_fail(l, "'%s' is no event", l->now.text);
    }
}

static void read_condition(struct reader *r) {
    struct lexer *l = &r->l;
    struct step_spec *c = &r->cond;
    *c = (struct step_spec){ .cond_peer = PEER_ANY, .cond_what = LABEL_NONE };
    if (lex_word(l, "head")) {
        c->cond = COND_HEAD;
        c->cond_what = label(r);
    } else if (lex_word(l, "stored")) {
        c->cond = COND_STORED;
        c->cond_what = label(r);
    } else if (lex_word(l, "quiet")) {
        c->cond = COND_QUIET;
    } else if (lex_word(l, "best")) {
        c->cond = COND_BEST;
        c->cond_peer = lex_word(l, "none") ? PEER_NONE : peer_name(r);
    } else if (lex_word(l, "asked")) {
        struct expect_spec e = { .peer = PEER_ANY };
        c->cond = COND_ASKED;
        read_expect_peer(r, &e);
        read_asked(r, &e);
        c->cond_peer = e.peer;
        c->cond_letter = e.letter;
        if (e.n != 0) c->cond_what = e.list[0];
    } else {
        lex_fail(l, "'%s' is no condition", l->now.text);
    }
    r->time = lex_word(l, "within") ? lex_need_number(l) : 0;
}

static void read_events(struct reader *r, enum step_when when) {
    r->when = when;
    r->first_of_line = true;
    r->cond = (struct step_spec){ 0 };
    if (when == WHEN_COND)
        read_condition(r);
    else
        r->time = lex_need_number(&r->l);
    lex_mark(&r->l, ":");
    do read_event(r);
    while (lex_mark(&r->l, ";"));
}

/* ---- statements ------------------------------------------------------- */

static void read_title(struct reader *r) {
    struct lexer *l = &r->l;
    memcpy(r->w->name, l->now.text, sizeof r->w->name);
    lex_next(l);
    if (l->now.kind != TOKEN_STRING) return;
    memcpy(r->w->title, l->now.text, sizeof l->now.text);
    lex_next(l);
}

static void read_kinds(struct reader *r) {
    uint32_t kind;
    r->w->kinds = 0;
    while (!lex_at_line_end(&r->l)) {
        if (read_kind(&r->l, &kind))
            r->w->kinds |= kind;
        else
            lex_fail(&r->l, "kinds are links, plain and bare");
    }
}

static void read_statement(struct reader *r) {
    struct lexer *l = &r->l;
    struct world *w = r->w;
    if (lex_word(l, "scenario")) {
        read_title(r);
    } else if (lex_word(l, "seed")) {
        w->seed = lex_need_number(l);
    } else if (lex_word(l, "drawn")) {
        w->drawn = true;
    } else if (lex_word(l, "kinds")) {
        read_kinds(r);
    } else if (lex_word(l, "limit")) {
        w->limit = lex_need_number(l);
    } else if (lex_word(l, "pool")) {
        read_settings(r, pool_fields, &w->pool);
    } else if (lex_word(l, "host")) {
        read_settings(r, host_fields, &w->host);
    } else if (lex_word(l, "blocks")) {
        read_blocks(r);
    } else if (lex_word(l, "chain")) {
        w->chain = list(r, &w->chain_n);
    } else if (lex_word(l, "peer")) {
        read_peer(r);
    } else if (lex_word(l, "at")) {
        read_events(r, WHEN_AT);
    } else if (lex_word(l, "after")) {
        read_events(r, WHEN_AFTER);
    } else if (lex_word(l, "when")) {
        read_events(r, WHEN_COND);
    } else if (lex_word(l, "expect")) {
        struct expect_spec *e = world_add_expect(w);
        e->at_end = true;
        read_expect(r, e);
    } else {
        lex_fail(l, "'%s' begins no statement", l->now.text);
    }
}

/* only bare …: for runs with that kind of peers */
static void read_line(struct reader *r) {
    struct lexer *l = &r->l;
    if (lex_word(l, "only")) {
        uint32_t kind, kinds = 0;
        while (read_kind(l, &kind)) kinds |= kind;
        if (kinds == 0) lex_fail(l, "'only' names links, plain or bare");
        if ((kinds & r->kind) == 0) {
            while (!lex_at_line_end(l)) lex_next(l);
            return;
        }
    }
    read_statement(r);
    if (!lex_at_line_end(l))
        lex_fail(l, "the line should end here, not at '%s'", l->now.text);
}

static bool check_chain(struct reader *r) {
    if (r->w->runs == 0) lex_fail(&r->l, "there are no blocks");
    return !r->l.failed;
}

int world_read(struct world *w, struct arena *arena, const char *text,
               uint32_t kind, char error[256]) {
    world_init(w, arena);
    w->kinds = KIND_ALL;
    struct reader *r = arena_take(arena, sizeof *r);
    r->w = w;
    r->kind = kind;
    lex_start(&r->l, text, error);
    while (!r->l.failed && r->l.now.kind != TOKEN_END) {
        if (r->l.now.kind == TOKEN_LINE)
            lex_next(&r->l);
        else
            read_line(r);
    }
    return check_chain(r) ? 0 : BP_ERR_FORMAT;
}
