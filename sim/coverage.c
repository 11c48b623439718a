/* coverage: which liars acted and what came of it, so that nobody takes a
   world for proof in which nothing happened. */
#include "sim.h"

static const char *happened_text(enum happened h) {
    static const char *const texts[] = {
#define HAPPENED_TEXT(name, text) text,
        HAPPENED_MAP(HAPPENED_TEXT)
#undef HAPPENED_TEXT
    };
    return texts[h];
}

/* Deeds that nobody did, or that no world outlived; things that never were. */
static void print_vacuous(const struct coverage *c, FILE *out) {
    uint32_t n = 0;
    for (int d = 0; d < DEED_COUNT; d++)
        if (c->deed[d][OUTCOME_DID] == 0 || c->deed[d][OUTCOME_OUTLIVED] == 0)
            fprintf(out, "%s %s", n++ == 0 ? "never seen:" : ",",
                    deed_word((enum deed)d));
    for (int h = 0; h < HAPPENED_COUNT; h++)
        if (c->happened[h] == 0)
            fprintf(out, "%s %s", n++ == 0 ? "never seen:" : ",",
                    happened_text((enum happened)h));
    fprintf(out, "%s\n\n", n == 0 ? "every row was seen" : "");
}

void coverage_print(const struct coverage *c, FILE *out) {
    static const char *const columns[] = {
#define OUTCOME_WORD(name, word) word,
        OUTCOME_MAP(OUTCOME_WORD)
#undef OUTCOME_WORD
    };
    fprintf(out, "%-10s", "deed");
    for (int o = 0; o < OUTCOME_COUNT; o++) fprintf(out, " %9s", columns[o]);
    fprintf(out, "  where it comes from\n");
    for (int d = 0; d < DEED_COUNT; d++) {
        fprintf(out, "%-10s", deed_word(d));
        for (int o = 0; o < OUTCOME_COUNT; o++)
            fprintf(out, " %9llu", (unsigned long long)c->deed[d][o]);
        fprintf(out, "  %s\n", deed_where(d));
    }
    fprintf(out, "\n%-14s %10s %10s\n", "blame", "liars", "honest");
    for (int b = 0; b < 80; b++)
        if (c->blame[b] != 0 || c->honest_fault[b] != 0)
            fprintf(out, "%-14s %10llu %10llu\n", bp_offence_name(b),
                    (unsigned long long)c->blame[b],
                    (unsigned long long)c->honest_fault[b]);
    fprintf(out, "\n");
    for (int h = 0; h < HAPPENED_COUNT; h++)
        fprintf(out, "%12llu  %s\n", (unsigned long long)c->happened[h],
                happened_text(h));
    fprintf(out, "\n");
    print_vacuous(c, out);
}
