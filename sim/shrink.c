/* shrink: makes a failing world smaller, one simplification at a time, and
   keeps each that still fails in the same way. */
#include <string.h>

#include "campaign.h"

/* What it costs to begin a world at all, in steps. */
#define STEPS_OF_A_WORLD 100

struct shrink {
    struct world now;
    struct arena *keep, *scratch;
    const struct sim_options *opt;
    char kind[24];
    uint64_t steps; /* left */
    bool any;
};

/* Keeps the changed world if it fails in the same way. */
static bool try_world(struct shrink *k, const struct world *w) {
    if (k->steps == 0) return false;
    struct result r;
    sim_run(&r, w, k->scratch, k->opt);
    uint64_t cost = r.steps + STEPS_OF_A_WORLD;
    k->steps = k->steps > cost ? k->steps - cost : 0;
    if (!r.failed || strcmp(r.kind, k->kind) != 0) return false;
    k->now = *w;
    k->any = true;
    return true;
}

static void drop_peers(struct shrink *k) {
    for (uint32_t i = k->now.peers; i > 0; i--) {
        struct world w;
        bool scripted = false;
        for (uint32_t s = 0; s < k->now.steps; s++)
            scripted |= k->now.step[s].peer == k->now.peer[i - 1].name;
        if (scripted) continue;
        world_copy(&w, &k->now, k->keep);
        memmove(&w.peer[i - 1], &w.peer[i], (w.peers - i) * sizeof *w.peer);
        w.peers--;
        try_world(k, &w);
    }
}

static void drop_steps(struct shrink *k) {
    for (uint32_t i = k->now.steps; i > 0; i--) {
        struct world w;
        world_copy(&w, &k->now, k->keep);
        memmove(&w.step[i - 1], &w.step[i], (w.steps - i) * sizeof *w.step);
        w.steps--;
        try_world(k, &w);
    }
}

static void drop_deeds(struct shrink *k) {
    for (uint32_t i = 0; i < k->now.peers; i++)
        for (uint32_t d = k->now.peer[i].deeds; d > 0; d--) {
            struct world w;
            world_copy(&w, &k->now, k->keep);
            struct peer_spec *p = &w.peer[i];
            memmove(&p->deed[d - 1], &p->deed[d], p->deeds - d);
            memmove(&p->deed_arg[d - 1], &p->deed_arg[d],
                    (p->deeds - d) * sizeof p->deed_arg[0]);
            p->deeds--;
            try_world(k, &w);
        }
}

/* One field of one object back to its usual value. */
static void plain_fields(struct shrink *k, const struct field *table,
                         uint32_t peer) {
    for (const struct field *f = table; f->word != NULL; f++) {
        struct world w;
        world_copy(&w, &k->now, k->keep);
        void *object = table == peer_fields   ? (void *)&w.peer[peer]
                       : table == host_fields ? (void *)&w.host
                                              : (void *)&w.pool;
        if (strcmp(f->word, "join") == 0 || strcmp(f->word, "steady") == 0)
            continue;
        if (table == pool_fields && strstr(f->word, "per_request") == NULL &&
            strcmp(f->word, "workers") != 0)
            continue; /* the others only grow */
        uint64_t usual = f->size == 4 ? (uint32_t)f->usual : f->usual;
        if (field_get(f, object) == usual) continue;
        field_set(f, object, usual);
        try_world(k, &w);
    }
}

static bool named(const struct world *w, uint32_t label) {
    for (uint32_t i = 0; i < w->steps; i++) {
        if (w->step[i].origin == label) return true;
        for (uint32_t n = 0; n < w->step[i].n; n++)
            if (w->step[i].list[n] == label) return true;
    }
    return false;
}

static uint32_t moved(uint32_t label, uint32_t from, uint32_t to,
                      uint32_t last) {
    return label != LABEL_NONE && label > from && label <= to ? last : label;
}

/* Cuts a run after `last`; whoever named a block that goes names that one. */
static bool cut_run(struct world *w, uint32_t run, uint32_t last) {
    uint32_t to = w->run[run].last;
    for (uint32_t l = last + 1; l <= to; l++)
        if (named(w, l)) return false;
    w->run[run].last = last;
    for (uint32_t i = 0; i < w->runs; i++)
        w->run[i].parent = moved(w->run[i].parent, last, to, last);
    for (uint32_t i = 0; i < w->peers; i++) {
        struct peer_spec *p = &w->peer[i];
        p->head = moved(p->head, last, to, last);
        p->grow_to = moved(p->grow_to, last, to, last);
        p->relay = moved(p->relay, last, to, last);
    }
    uint32_t *chain = arena_take(w->arena, (w->chain_n + 1) * sizeof *chain);
    uint32_t n = 0;
    for (uint32_t i = 0; i < w->chain_n; i++)
        if (w->chain[i] <= last || w->chain[i] > to) chain[n++] = w->chain[i];
    w->chain = chain;
    w->chain_n = n;
    return true;
}

static void cut_runs(struct shrink *k) {
    for (uint32_t i = k->now.runs; i > 0; i--) {
        uint32_t n = k->now.run[i - 1].last - k->now.run[i - 1].first;
        while (n > 0) {
            struct world w;
            world_copy(&w, &k->now, k->keep);
            struct block_run *r = &w.run[i - 1];
            if (cut_run(&w, i - 1, r->last - (n + 1) / 2) && try_world(k, &w)) {
                n -= (n + 1) / 2;
                continue;
            }
            if (n == 1) break;
            n /= 2;
        }
    }
}

/* A run that nobody needs goes altogether. */
static void drop_runs(struct shrink *k) {
    for (uint32_t i = k->now.runs; i > 1; i--) {
        const struct block_run *r = &k->now.run[i - 1];
        bool used = false;
        for (uint32_t n = 0; n < k->now.runs; n++)
            used |= k->now.run[n].parent != LABEL_NONE &&
                    k->now.run[n].parent >= r->first &&
                    k->now.run[n].parent <= r->last;
        for (uint32_t n = 0; n < k->now.peers; n++) {
            const struct peer_spec *p = &k->now.peer[n];
            used |= p->head >= r->first && p->head <= r->last;
            used |= p->grow_to >= r->first && p->grow_to <= r->last;
            used |= p->relay >= r->first && p->relay <= r->last;
        }
        for (uint32_t n = 0; n < k->now.chain_n; n++)
            used |= k->now.chain[n] >= r->first && k->now.chain[n] <= r->last;
        for (uint32_t l = r->first; l <= r->last; l++)
            used |= named(&k->now, l);
        if (used) continue;
        struct world w;
        world_copy(&w, &k->now, k->keep);
        memmove(&w.run[i - 1], &w.run[i], (w.runs - i) * sizeof *w.run);
        w.runs--;
        try_world(k, &w);
    }
}

static void start_lower(struct shrink *k) {
    if (k->now.chain_n < 2) return;
    struct world w;
    world_copy(&w, &k->now, k->keep);
    w.chain_n = 1;
    try_world(k, &w);
}

void world_shrink(struct world *small, const struct world *w,
                  struct arena *keep, struct arena *scratch,
                  const struct sim_options *opt, uint64_t steps) {
    struct shrink k = {
        .keep = keep, .scratch = scratch, .opt = opt, .steps = steps
    };
    struct result r;
    world_copy(&k.now, w, keep);
    sim_run(&r, &k.now, scratch, opt);
    memcpy(k.kind, r.kind, sizeof k.kind);
    do {
        if (!r.failed) break;
        k.any = false;
        drop_peers(&k);
        drop_steps(&k);
        drop_runs(&k);
        cut_runs(&k);
        drop_deeds(&k);
        start_lower(&k);
        plain_fields(&k, host_fields, 0);
        for (uint32_t i = 0; i < k.now.peers; i++)
            plain_fields(&k, peer_fields, i);
        plain_fields(&k, pool_fields, 0);
    } while (k.any && k.steps > 0);
    *small = k.now;
}
