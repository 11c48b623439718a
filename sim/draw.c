/* draw: the default world of a seed.

       main chain   0 ─────────────────────────────── tip      128 to 512 blocks
       forks              \── valid, lighter                   in the whole tree
       doomed                  \── x ── heavier, above a flaw
       foreign      g' ──── another genesis

   3 to 12 peers: at least one steady honest peer on the main chain, others on
   prefixes and forks, growing, stalling, leaving; in three worlds of four some
   liars, each with one to three deeds. Our own node starts with a prefix, may
   crash, be reset, fail at its jobs or run out of memory for a while. */
#include "world.h"

#define BLOCKS_LEAST 128
#define BLOCKS_MOST  512
#define SPARE        10 /* for branches that are drawn when all are spent */

struct draw {
    struct world *w;
    struct bp_rng r;
    uint32_t next;           /* label */
    uint32_t budget;         /* blocks left */
    uint32_t main_n;         /* main chain is 0..main_n */
    uint32_t fork[4], forks; /* tips of valid forks */
    uint32_t doomed, foreign, deadfork;
    uint32_t bodyflaw; /* a block above the main chain with a bad body */
    uint32_t kinds;
};

static uint32_t below(struct draw *d, uint32_t n) {
    return (uint32_t)bp_rng_below(&d->r, n);
}

static uint32_t between(struct draw *d, uint32_t a, uint32_t b) {
    return a + below(d, b - a + 1);
}

/* True p times in a hundred. */
static bool odds(struct draw *d, uint32_t p) {
    return below(d, 100) < p;
}

/* ---- the tree --------------------------------------------------------- */

static struct block_run *branch(struct draw *d, uint32_t parent, uint32_t n,
                                uint64_t difficulty) {
    struct block_run *r = world_add_run(d->w);
    r->first = d->next;
    r->last = d->next + n - 1;
    r->parent = parent;
    r->difficulty = difficulty;
    r->difficulty_spread = difficulty / 8;
    const struct block_run *root = &d->w->run[0];
    r->size = root->size;
    r->size_spread = root->size_spread;
    r->empty_pc = root->empty_pc;
    d->next += n;
    d->budget = d->budget > n ? d->budget - n : 0;
    return r;
}

static void draw_main(struct draw *d, uint64_t difficulty) {
    struct block_run *g = world_add_run(d->w);
    g->first = g->last = 0;
    g->difficulty = difficulty;
    g->size = between(d, 100, 1500);
    g->size_spread = g->size;
    g->empty_pc = odds(d, 50) ? below(d, 60) : 0;
    d->next = 1;
    uint32_t total = between(d, BLOCKS_LEAST, BLOCKS_MOST);
    if (total > BLOCKS_MOST - SPARE) total = BLOCKS_MOST - SPARE;
    d->budget = total;
    d->main_n = total * 3 / 5 + below(d, total * 3 / 10);
    branch(d, 0, d->main_n, difficulty);
    if (odds(d, 4)) { /* the last blocks are from the future */
        struct block_run *r = world_add_run(d->w);
        *r = d->w->run[1];
        d->w->run[1].last -= 1;
        r->first = r->last;
        r->parent = r->last - 1;
        r->flaw = FLAW_LATER;
        r->not_before = between(d, 2000, 30000);
    }
}

static void draw_forks(struct draw *d, uint64_t difficulty) {
    for (uint32_t n = below(d, 4); n > 0 && d->budget > 8; n--) {
        uint32_t from = below(d, d->main_n - 1);
        uint32_t room = d->main_n - from;
        if (room > d->budget / 2) room = d->budget / 2;
        if (room < 1) continue;
        uint32_t len = between(d, 1, room);
        uint64_t each = difficulty * (d->main_n - from) * 7 / (10 * len);
        if (each > difficulty * 3) each = difficulty * 3;
        if (each < 8) each = 8;
        if (d->forks > 0 && odds(d, 25)) from = d->fork[0]; /* on a fork */
        branch(d, from, len, each * 7 / 8);
        d->fork[d->forks++] = d->next - 1;
    }
}

/* Heavier than the main chain by claim, with one bad block in it. */
static void draw_doomed(struct draw *d, uint64_t difficulty) {
    static const enum flaw flaws[] = { FLAW_SEAL,   FLAW_RULE, FLAW_RULE,
                                       FLAW_NUMBER, FLAW_HUGE, FLAW_BODY,
                                       FLAW_ABSENT };
    uint32_t from = below(d, d->main_n);
    uint32_t n = between(d, 2, d->budget > 12 ? d->budget / 2 : 6);
    uint32_t good = below(d, n);
    uint64_t each = difficulty * (d->main_n - from + 2) / n + difficulty;
    if (good > 0) {
        branch(d, from, good, each);
        from = d->next - 1;
    }
    struct block_run *bad = branch(d, from, 1, each);
    bad->flaw = flaws[below(d, sizeof flaws / sizeof flaws[0])];
    from = d->next - 1;
    if (n - good > 1) branch(d, from, n - good - 1, each);
    d->doomed = d->next - 1;
}

static void draw_foreign(struct draw *d, uint64_t difficulty) {
    struct block_run *g = branch(d, LABEL_NONE, 1, difficulty);
    uint32_t n = between(d, 2, 40);
    if (n > d->budget) n = d->budget > 2 ? d->budget : 2;
    branch(d, g->first, n, difficulty * 20);
    d->foreign = d->next - 1;
}

static void draw_chain(struct draw *d) {
    uint32_t n = odds(d, 50) ? 0 : below(d, d->main_n / 2);
    uint32_t *list = arena_take(d->w->arena, (n + 1) * sizeof *list);
    for (uint32_t i = 0; i <= n; i++) list[i] = i;
    d->w->chain = list;
    d->w->chain_n = n + 1;
}

/* ---- peers ------------------------------------------------------------ */

static void draw_line(struct draw *d, struct peer_spec *p) {
    p->latency = odds(d, 80) ? between(d, 2, 80) : between(d, 80, 300);
    p->jitter = odds(d, 50) ? below(d, p->latency + 1) : 0;
    p->think = odds(d, 30) ? below(d, 30) : 0;
    p->bandwidth = odds(d, 30) ? 0 : between(d, 30, 1000) * 1000;
}

static void draw_kind(struct draw *d, struct peer_spec *p) {
    uint32_t kind;
    do {
        kind = 1u << below(d, 3);
        if (kind == KIND_PLAIN && odds(d, 40)) kind = KIND_IDS;
    } while ((kind & d->kinds) == 0);
    if (kind == KIND_BARE) {
        p->caps = BP_CAP_HASHES | BP_CAP_BLOCKS;
        p->number_kind = CLAIM_NONE;
    } else {
        p->caps = BP_CAP_LINKS | BP_CAP_BLOCKS;
        if (kind == KIND_IDS) p->caps |= BP_CAP_IDS;
        p->number_kind = odds(d, 50) ? CLAIM_TRUE : CLAIM_NONE;
        if (kind == KIND_IDS && odds(d, 35)) { /* no difficulty, a range */
            p->td_kind = CLAIM_NONE;
            p->number_kind = CLAIM_TRUE;
            p->has_range = 1;
        }
    }
    if (odds(d, 40)) p->links_max = between(d, 8, 64);
    if (odds(d, 40)) p->hashes_max = between(d, 8, 64);
    if (odds(d, 40)) p->blocks_max = between(d, 4, 32);
}

/* Growing peers approach the block that they will have. */
static void draw_growth(struct draw *d, struct peer_spec *p, uint32_t tip) {
    uint32_t n = between(d, 1, 16);
    if (n >= d->main_n) n = d->main_n - 1;
    p->grow_to = tip;
    p->head = tip == d->main_n ? tip - n : tip;
    if (d->forks > 0 && odds(d, 15)) p->head = d->fork[below(d, d->forks)];
    p->grow_ms = between(d, 100, 2500);
    p->grow_by_push = odds(d, 50);
    p->grow_by_announce = odds(d, 30);
}

static void draw_faults(struct draw *d, struct peer_spec *p) {
    if (odds(d, 15)) p->gone_pm = between(d, 5, 40);
    if (odds(d, 15)) {
        p->late_pm = between(d, 5, 50);
        p->late_ms = between(d, 500, 9000);
    }
    if (odds(d, 20)) p->twice_pm = between(d, 10, 200);
    if (odds(d, 10)) {
        p->stall_at = between(d, 50, 5000);
        p->stall_ms = between(d, 500, 12000);
    }
}

static struct peer_spec *draw_honest(struct draw *d, uint32_t name,
                                     bool steady) {
    struct peer_spec *p = world_add_peer(d->w, name);
    draw_kind(d, p);
    draw_line(d, p);
    p->join_at = odds(d, 60) ? below(d, 50) : below(d, 4000);
    p->steady = 1;
    p->head = d->main_n;
    if (!steady) {
        if (d->forks > 0 && odds(d, 35))
            p->head = d->fork[below(d, d->forks)];
        else if (odds(d, 40))
            p->head = below(d, d->main_n + 1);
        if (odds(d, 15)) {
            p->steady = 0;
            p->leave_at = between(d, 100, 8000);
            if (odds(d, 60)) p->back_ms = between(d, 200, 6000);
        }
    }
    if (p->head == d->main_n && odds(d, 40)) draw_growth(d, p, d->main_n);
    draw_faults(d, p);
    if (d->bodyflaw != 0 && odds(d, 60)) {
        p->relay_at = between(d, 200, 3000);
        /* Nobody checks a header whose parent it does not have. */
        if (p->head == d->main_n && p->grow_to == LABEL_NONE)
            p->relay = d->bodyflaw;
    }
    return p;
}

static uint32_t deed_arg(struct draw *d, enum deed k) {
    if (k == DEED_TD_HIGH) return below(d, 1000);
    if (k == DEED_STALL) return below(d, 20);
    return 0;
}

static void add_deed(struct draw *d, struct peer_spec *p, enum deed k) {
    if (p->deeds >= DEEDS_MAX || peer_does(p, k, NULL)) return;
    p->deed[p->deeds] = (uint8_t)k;
    p->deed_arg[p->deeds++] = deed_arg(d, k);
    if (k == DEED_FOREIGN && d->foreign != 0) p->head = d->foreign;
    if (k == DEED_DOOMED && d->doomed != 0) p->head = d->doomed;
    if (k == DEED_DEADFORK && d->deadfork != 0)
        p->head = d->deadfork;
    else if (k == DEED_DEADFORK && d->forks > 0)
        p->head = d->fork[below(d, d->forks)];
    if (k == DEED_FLAP) p->back_ms = between(d, 50, 1500);
    if (k == DEED_RENAME || (k == DEED_DOOMED && odds(d, 30)))
        p->back_ms = between(d, 300, 3000);
}

static void draw_liar(struct draw *d, uint32_t name) {
    struct peer_spec *p = world_add_peer(d->w, name);
    draw_kind(d, p);
    draw_line(d, p);
    p->hostile = 1;
    p->join_at = odds(d, 70) ? below(d, 200) : below(d, 5000);
    p->head = odds(d, 50) ? d->main_n : below(d, d->main_n + 1);
    if (d->doomed != 0 && odds(d, 30)) p->head = d->doomed;
    p->tick_ms = between(d, 50, 1500);
    for (uint32_t n = 1 + below(d, 3); n > 0; n--)
        add_deed(d, p, (enum deed)below(d, DEED_COUNT));
    if (odds(d, 10)) add_deed(d, p, DEED_CHAOS);
    if (odds(d, 15)) p->back_ms = between(d, 500, 8000);
    if (odds(d, 40)) add_deed(d, p, DEED_TD_HIGH);
}

static void draw_peers(struct draw *d) {
    uint32_t n = between(d, 3, 12), liars = 0;
    if (odds(d, 76)) liars = 1 + below(d, odds(d, 80) ? 3 : n - 1);
    if (liars > n - 1) liars = n - 1;
    uint32_t name = 1;
    draw_honest(d, name++, true);
    while (name <= n - liars) draw_honest(d, name++, odds(d, 30));
    while (name <= n) {
        draw_liar(d, name++);
        struct peer_spec *last = &d->w->peer[d->w->peers - 1];
        if (!peer_does(last, DEED_SYBIL, NULL)) continue;
        for (uint32_t k = 1 + below(d, 4); k > 0 && name <= n; k--) {
            struct peer_spec *twin = world_add_peer(d->w, name);
            *twin = d->w->peer[d->w->peers - 2];
            twin->name = name++;
        }
    }
}

/* ---- our own side ----------------------------------------------------- */

static void draw_host(struct draw *d) {
    struct host_spec *h = &d->w->host;
    h->check_us = between(d, 10, 300);
    h->seal_us = between(d, 50, 2000);
    h->insert_us = between(d, 20, 800);
    h->job_ms = below(d, 4);
    h->decode_ms = odds(d, 50) ? below(d, 25) : 0;
    if (odds(d, 12)) {
        h->fail_pm = between(d, 20, 400);
        h->fail_until = between(d, 500, 20000);
        if (odds(d, 50)) {
            h->put_off_pm = between(d, 20, 300);
            h->put_off_ms = between(d, 1, 3000);
        }
    }
    if (odds(d, 6)) {
        h->alloc_fail_pm = between(d, 5, 300);
        h->alloc_fail_until = between(d, 100, 8000);
    }
}

static void draw_config(struct draw *d) {
    struct bp_pool_config *c = &d->w->pool;
    c->seed = bp_rng_next(&d->r) >> 1;
    c->peers_max = between(d, 14, 32);
    c->links_max = odds(d, 70) ? 4096 : between(d, 1024, 4096);
    c->window_bytes =
        odds(d, 90) ? between(d, 16, 256) * 1024u : between(d, 4096, 16000);
    c->workers = between(d, 1, 4);
    c->reply_bytes_max = 64 * 1024;
    c->links_per_request = between(d, 6, 24);
    c->hashes_per_request = between(d, 6, 24);
    c->blocks_per_request = between(d, 2, 10);
    c->insert_items_max = between(d, 8, 96);
    c->insert_bytes_max = between(d, 8, 128) * 1024u;
    c->check_links_max = between(d, 16, 128);
    c->bad_hashes_max = odds(d, 80) ? 64 : between(d, 8, 64);
    c->suspended_max = odds(d, 80) ? 64 : between(d, 8, 64);
    c->announced_max = between(d, 16, 64);
    c->pushed_max = between(d, 8, 32);
}

static void add_step(struct draw *d, enum step_kind kind, bp_time at) {
    struct step_spec *s = world_add_step(d->w);
    s->when = WHEN_AT;
    s->time = at;
    s->kind = kind;
}

static void draw_accidents(struct draw *d) {
    bp_time at = 0;
    d->w->host.unsynced = odds(d, 60) ? between(d, 1, 60) : 0;
    if (odds(d, 14))
        for (uint32_t n = 1 + below(d, 2); n > 0; n--) {
            at += between(d, 100, 4000);
            add_step(d, STEP_CRASH, at);
            at += 2000;
        }
    if (odds(d, 5)) add_step(d, STEP_RESET, at += between(d, 50, 3000));
    if (odds(d, 5)) add_step(d, STEP_PURGE, at += between(d, 50, 3000));
    if (odds(d, 5)) {
        add_step(d, STEP_TARGET, at += below(d, 1500));
        struct step_spec *s = &d->w->step[d->w->steps - 1];
        s->origin = odds(d, 60) ? d->main_n : between(d, 1, d->main_n);
        s->has_number = odds(d, 50);
    }
}

void world_draw(struct world *w, struct arena *arena, uint64_t seed,
                uint32_t kinds) {
    world_init(w, arena);
    w->seed = seed;
    w->drawn = true;
    struct draw d = { .w = w, .kinds = kinds != 0 ? kinds : KIND_ALL };
    bp_rng_seed(&d.r, stream_seed(seed, 0, 0));
    uint64_t difficulty = between(&d, 40, 1000);
    draw_main(&d, difficulty);
    draw_forks(&d, difficulty);
    if (odds(&d, 70)) draw_doomed(&d, difficulty);
    if (odds(&d, 20)) draw_foreign(&d, difficulty);
    if (odds(&d, 15)) {
        branch(&d, d.main_n - 1, 1, difficulty)->flaw = FLAW_BODY;
        d.bodyflaw = d.next - 1;
    }
    if (d.next < BLOCKS_LEAST) {
        uint32_t n = BLOCKS_LEAST - d.next;
        branch(&d, below(&d, d.main_n - 1), n, 8);
        d.deadfork = d.next - 1;
    }
    draw_chain(&d);
    draw_peers(&d);
    draw_host(&d);
    draw_config(&d);
    draw_accidents(&d);
}

void world_calm(struct world *w) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < w->peers; i++)
        if (!w->peer[i].hostile) w->peer[n++] = w->peer[i];
    w->peers = n;
    w->steps = 0;
    w->chain_n = 1;
    for (uint32_t i = 0; i < n; i++) {
        struct peer_spec *p = &w->peer[i];
        p->gone_pm = p->late_pm = p->twice_pm = 0;
        p->stall_at = p->leave_at = BP_TIME_NEVER;
        p->relay = LABEL_NONE;
        p->join_at = 0;
        p->steady = 1;
        if (p->grow_to != LABEL_NONE) p->head = p->grow_to;
        p->grow_to = LABEL_NONE;
    }
    for (uint32_t i = 0; i < w->runs; i++)
        if (w->run[i].flaw == FLAW_LATER) w->run[i].flaw = FLAW_NONE;
    w->host.fail_pm = w->host.put_off_pm = w->host.alloc_fail_pm = 0;
}
