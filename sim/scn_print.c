/* scn_print: a world becomes a scenario file that reads back as the same
   world. */
#include <string.h>

#include "sim.h"

static unsigned long long ull(uint64_t v) {
    return v;
}

static void print_fields(struct sink *o, const char *head,
                         const struct field *table, const void *object) {
    bool any = false;
    for (; table->word != NULL; table++) {
        uint64_t v = field_get(table, object);
        if (v == (table->size == 4 ? (uint32_t)table->usual : table->usual))
            continue;
        sink_add(o, "%s %s=%llu", any ? "" : head, table->word, ull(v));
        any = true;
    }
    if (any && head[0] != '\0') sink_add(o, "\n");
}

static void print_list(struct sink *o, const uint32_t *v, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = i;
        while (k + 1 < n && v[k + 1] == v[k] + 1) k++;
        sink_add(o, "%s%u", i > 0 ? "," : "", v[i]);
        if (k > i) sink_add(o, "..%u", v[k]);
        i = k;
    }
}

static void print_run(struct sink *o, const struct block_run *r) {
    sink_add(o, "blocks %u", r->first);
    if (r->last != r->first) sink_add(o, "..%u", r->last);
    if (r->parent != LABEL_NONE)
        sink_add(o, " parent %u", r->parent);
    else if (r->first != 0)
        sink_add(o, " parent none");
    sink_add(o, " difficulty %llu", ull(r->difficulty));
    if (r->difficulty_spread != 0)
        sink_add(o, "~%llu", ull(r->difficulty_spread));
    sink_add(o, " size %u", r->size);
    if (r->size_spread != 0) sink_add(o, "~%u", r->size_spread);
    if (r->empty_pc != 0) sink_add(o, " empty %u", r->empty_pc);
    if (r->flaw != FLAW_NONE) sink_add(o, " flaw %s", flaw_word(r->flaw));
    if (r->not_before != 0) sink_add(o, " time %llu", ull(r->not_before));
    sink_add(o, "\n");
}

static void print_claim(struct sink *o, const char *word, uint32_t kind,
                        uint64_t value) {
    if (kind == CLAIM_VALUE)
        sink_add(o, "%s%llu", word, ull(value));
    else
        sink_add(o, "%s%s", word, kind == CLAIM_TRUE ? "true" : "none");
}

static void print_peer(struct sink *o, const struct peer_spec *p) {
    sink_add(o, "peer %u %s", p->name,
             (p->caps & BP_CAP_LINKS) == 0 ? "bare"
             : (p->caps & BP_CAP_IDS) != 0 ? "links"
                                           : "plain");
    if (p->scripted) sink_add(o, " scripted");
    if (p->hostile) sink_add(o, " hostile");
    if (p->head != LABEL_NONE) sink_add(o, " head %u", p->head);
    print_claim(o, " td ", p->td_kind, p->td);
    print_claim(o, " number ", p->number_kind, p->number);
    if (p->has_range) sink_add(o, " from %u", p->earliest);
    print_fields(o, "", peer_fields, p);
    for (uint32_t i = 0; i < p->deeds; i++) {
        sink_add(o, "%s%s", i == 0 ? " does " : ", ", deed_word(p->deed[i]));
        if (p->deed_arg[i] != 0) sink_add(o, "(%u)", p->deed_arg[i]);
    }
    sink_add(o, "\n");
}

static void print_expect(struct sink *o, const struct expect_spec *e) {
    static const char *const compares[] = { "=", "<=", ">=", "<", ">", "!=" };
    static const char *const words[] = {
        "chain", "head", "stored", "not stored", "blame", "no blame", "asked",
        "first", "",     "best",   "quiet",      "ended", "live",     "why"
    };
    sink_add(o, "expect %s", words[e->kind]);
    if (e->kind == EXPECT_COUNTER) sink_add(o, "%s", e->counter);
    if (e->peer == PEER_NONE)
        sink_add(o, " none");
    else if (e->peer != PEER_ANY)
        sink_add(o, " %u", e->peer);
    if (e->kind == EXPECT_BLAME)
        sink_add(o, " %s", bp_offence_name(e->offence));
    bool asked = e->kind == EXPECT_ASKED || e->kind == EXPECT_FIRST;
    if (asked && e->letter == 'A')
        sink_add(o, " any");
    else if (asked)
        sink_add(o, " %c", e->letter);
    if (e->n != 0) {
        sink_add(o, asked ? "(" : " ");
        print_list(o, e->list, e->n);
        if (asked) sink_add(o, ")");
    }
    if (e->kind == EXPECT_BLAME || e->kind == EXPECT_ASKED ||
        e->kind == EXPECT_COUNTER)
        sink_add(o, " %s %llu", compares[e->cmp], ull(e->value));
    if (e->by != BP_TIME_NEVER) sink_add(o, " by %llu", ull(e->by));
    if (e->kind == EXPECT_WHY) sink_add(o, " \"%s\"", e->text);
}

static void print_when(struct sink *o, const struct step_spec *s) {
    if (s->when != WHEN_COND) {
        sink_add(o, "%s %llu: ", s->when == WHEN_AT ? "at" : "after",
                 ull(s->time));
        return;
    }
    static const char *const words[] = { "head", "stored", "asked", "best",
                                         "quiet" };
    sink_add(o, "when %s", words[s->cond]);
    if (s->cond_peer == PEER_NONE)
        sink_add(o, " none");
    else if (s->cond_peer != PEER_ANY)
        sink_add(o, " %u", s->cond_peer);
    if (s->cond == COND_ASKED) {
        if (s->cond_letter == 'A')
            sink_add(o, " any");
        else
            sink_add(o, " %c", s->cond_letter);
        if (s->cond_what != LABEL_NONE) sink_add(o, "(%u)", s->cond_what);
    } else if (s->cond_what != LABEL_NONE) {
        sink_add(o, " %u", s->cond_what);
    }
    if (s->time != 0) sink_add(o, " within %llu", ull(s->time));
    sink_add(o, ": ");
}

static void print_told(struct sink *o, const struct step_spec *s,
                       const char *word) {
    sink_add(o, "%u %s ", s->peer, word);
    bool letter = s->kind == STEP_SEND || s->kind == STEP_ANSWER;
    if (letter) sink_add(o, "%c(", s->letter);
    print_list(o, s->list, s->n);
    if (letter) sink_add(o, ")");
    if ((s->item_flags & ITEM_MISMATCH) != 0) sink_add(o, " mismatched");
    if ((s->item_flags & ITEM_CORRUPT) != 0) sink_add(o, " corrupt");
    if (!letter) print_claim(o, " td ", s->td_kind, s->td);
    if (s->has_number) sink_add(o, " number %llu", ull(s->number));
}

static void print_step(struct sink *o, const struct world *w,
                       const struct step_spec *s) {
    print_when(o, s);
    switch (s->kind) {
    case STEP_PEER:
        sink_add(o, "P(%u", s->peer);
        print_claim(o, ", ", s->td_kind, s->td);
        sink_add(o, ", %u)", s->origin);
        break;
    case STEP_HASHES:
        sink_add(o, "%u: H(%u", s->peer, s->origin);
        if (s->n != 0) sink_add(o, ": ");
        print_list(o, s->list, s->n);
        sink_add(o, ")");
        break;
    case STEP_BLOCKS:
        sink_add(o, "%u: B(", s->peer);
        print_list(o, s->list, s->n);
        sink_add(o, ")");
        break;
    case STEP_SEND: print_told(o, s, "sends"); break;
    case STEP_ANSWER: print_told(o, s, "answers"); break;
    case STEP_PUSH: print_told(o, s, "pushes"); break;
    case STEP_ANNOUNCE: print_told(o, s, "announces"); break;
    case STEP_RANGE:
        sink_add(o, "%u serves %llu..%llu", s->peer, ull(s->number),
                 ull(s->td));
        break;
    case STEP_LEAVE: sink_add(o, "%u leaves", s->peer); break;
    case STEP_OFFENCE:
        sink_add(o, "%u offends %s", s->peer, bp_offence_name(s->offence));
        break;
    case STEP_CRASH: sink_add(o, "crash"); break;
    case STEP_RESET: sink_add(o, "reset"); break;
    case STEP_PURGE: sink_add(o, "purge"); break;
    case STEP_IMPORT:
        sink_add(o, "imports ");
        print_list(o, s->list, s->n);
        break;
    case STEP_TARGET:
        if (s->origin == LABEL_NONE)
            sink_add(o, "target none");
        else
            sink_add(o, "target %u%s", s->origin,
                     s->has_number ? " numbered" : "");
        break;
    case STEP_EXPECT: print_expect(o, &w->expect[s->expect]); break;
    }
    sink_add(o, "\n");
}

void world_print(const struct world *w, struct sink *o) {
    if (w->name[0] != '\0') sink_add(o, "scenario %s", w->name);
    if (w->name[0] != '\0' && w->title[0] != '\0')
        sink_add(o, " \"%s\"", w->title);
    if (w->name[0] != '\0') sink_add(o, "\n");
    sink_add(o, "seed %llu\n", ull(w->seed));
    if (w->drawn) sink_add(o, "drawn\n");
    if (w->kinds != 0 && w->kinds != KIND_ALL) {
        sink_add(o, "kinds");
        for (uint32_t k = KIND_IDS; k <= KIND_BARE; k *= 2)
            if ((w->kinds & k) != 0) sink_add(o, " %s", kind_word(k));
        sink_add(o, "\n");
    }
    if (w->limit != 0) sink_add(o, "limit %llu\n", ull(w->limit));
    print_fields(o, "pool", pool_fields, &w->pool);
    print_fields(o, "host", host_fields, &w->host);
    for (uint32_t i = 0; i < w->runs; i++) print_run(o, &w->run[i]);
    if (w->chain_n != 0) {
        sink_add(o, "chain ");
        print_list(o, w->chain, w->chain_n);
        sink_add(o, "\n");
    }
    for (uint32_t i = 0; i < w->peers; i++) print_peer(o, &w->peer[i]);
    for (uint32_t i = 0; i < w->steps; i++) print_step(o, w, &w->step[i]);
    for (uint32_t i = 0; i < w->expects; i++)
        if (w->expect[i].at_end) {
            print_expect(o, &w->expect[i]);
            sink_add(o, "\n");
        }
}
