/* X22: whatever the order in which peers join, answer, change their heads and
   leave, the same chain comes out.

   Each peer is a *stream*: it joins, answers one request after the other as
   an honest peer would (again if it is asked again), may claim a new head or
   leave. A run chooses, until nothing is left to happen, which stream goes on.

   Without arguments every order of the short scripts is run, and each is
   stopped at every step (X18); with `K` and `N`
   the K-th of N equal parts of the random orders of the long ones. */
#include "lib/scene.h"

static const uint32_t kinds[] = { SCENE_LINKS, BP_CAP_LINKS | BP_CAP_BLOCKS,
                                  SCENE_BARE };
static const char *const kind_names[] = { "links", "plain", "bare" };
#define KINDS 3

/* ---- scripts ------------------------------------------------------------- */

#define PEERS_MAX 4

struct stream {
    uint32_t head;
    uint32_t claims;  /* its next head; 0: none */
    uint64_t from;    /* serves nothing of lower numbers */
    uint32_t no_body; /* lacks the body of this block */
    bool leaves;      /* when these blocks have come: */
    uint32_t given[4];
};

struct script {
    const char *name;
    void (*world)(struct scene *s);
    struct stream stream[PEERS_MAX];
    uint32_t n;
    uint32_t expect; /* the head in the end */
};

static void world_plain(struct scene *s) {
    scene_chain(s, 1, 7, 2);
}

static void world_fork(struct scene *s) {
    scene_chain(s, 1, 3, 5);
    scene_chain(s, 4, 6, 2);
    scene_block(s, 7, 3, 1);
    scene_chain(s, 8, 9, 1);
}

/* The rows of the catalogue with these names. */
static const struct script short_scripts[] = {
    { "b6", world_plain, { { .head = 5, .claims = 7 } }, 1, 7 },
    { "f1", world_fork, { { .head = 9 }, { .head = 6 } }, 2, 6 },
    { "f3",
      world_fork,
      { { .head = 9 },
        { .head = 6, .no_body = 4, .leaves = true, .given = { 5, 6 } } },
      2,
      9 },
    { "p3", world_plain, { { .head = 6 }, { .head = 7 } }, 2, 7 },
    { "p4",
      world_plain,
      { { .head = 4 },
        { .head = 6,
          .from = 4,
          .no_body = 4,
          .leaves = true,
          .given = { 5, 6 } } },
      2,
      6 },
    { "p8",
      world_plain,
      { { .head = 3 },
        { .head = 6, .from = 4, .leaves = true, .given = { 4, 5, 6 } } },
      2,
      6 },
};
#define SHORT_SCRIPTS (sizeof short_scripts / sizeof *short_scripts)

/* 1..40, with rival branches from 30, 20 and, heaviest of all, 10. */
static void world_long(struct scene *s) {
    scene_chain(s, 1, 40, 5);
    scene_block(s, 41, 30, 4);
    scene_chain(s, 42, 48, 4);
    scene_block(s, 49, 20, 3);
    scene_chain(s, 50, 56, 3);
    scene_block(s, 57, 10, 9);
    scene_chain(s, 58, 80, 9);
}

static const struct script long_scripts[] = {
    { "heads that grow",
      world_long,
      { { .head = 20, .claims = 40 },
        { .head = 30, .claims = 35 },
        { .head = 10 } },
      3,
      40 },
    { "three branches",
      world_long,
      { { .head = 40 }, { .head = 48 }, { .head = 80 } },
      3,
      80 },
    { "four branches, and one that changes sides",
      world_long,
      { { .head = 40, .claims = 80 },
        { .head = 48 },
        { .head = 56 },
        { .head = 30 } },
      4,
      80 },
    { "better peers leave",
      world_long,
      { { .head = 40 },
        { .head = 80, .no_body = 57, .leaves = true },
        { .head = 56, .leaves = true } },
      3,
      40 },
    { "two halves",
      world_long,
      { { .head = 20 },
        { .head = 40, .from = 18 },
        { .head = 40, .from = 30, .leaves = true } },
      3,
      40 },
};
#define LONG_SCRIPTS (sizeof long_scripts / sizeof *long_scripts)

static uint64_t running; /* SEED of this order alone, as part 1 of 10000 */

/* ---- running one --------------------------------------------------------- */

struct stage {
    const struct script *script;
    bool claimed[PEERS_MAX], left[PEERS_MAX], joined[PEERS_MAX];
};

enum what { JOIN, ANSWER, CLAIM, LEAVE };

struct choice {
    enum what what;
    uint32_t peer; /* from 0 */
    size_t ask;
};
#define CHOICES_MAX 64

static bool was_given(struct scene *s, const struct stream *st) {
    for (int i = 0; i < 4 && st->given[i] != 0; i++)
        if (scene_at(s, st->given[i])->came == 0) return false;
    return true;
}

/* What can happen next. In order: a stream answers its oldest request; else
   any of them. */
static size_t choices_of(struct scene *s, const struct stage *g, bool in_order,
                         struct choice out[CHOICES_MAX]) {
    size_t n = 0;
    for (uint32_t i = 0; i < g->script->n; i++) {
        const struct stream *st = &g->script->stream[i];
        if (!g->joined[i]) {
            out[n++] = (struct choice){ JOIN, i, 0 };
            continue;
        }
        if (g->left[i]) continue;
        const struct scene_peer *peer = scene_peer(s, i + 1);
        size_t open = 0;
        for (size_t k = 0; k < peer->n_asks && n < CHOICES_MAX - 8; k++) {
            if (!peer->asks[k].open || (in_order && open++ > 0)) continue;
            out[n++] = (struct choice){ ANSWER, i, k };
        }
        if (st->claims != 0 && !g->claimed[i])
            out[n++] = (struct choice){ CLAIM, i, 0 };
        if (st->leaves && was_given(s, st))
            out[n++] = (struct choice){ LEAVE, i, 0 };
    }
    return n;
}

static void happen(struct scene *s, struct stage *g, const struct choice *c) {
    const struct stream *st = &g->script->stream[c->peer];
    bp_peer_id id = c->peer + 1;
    switch (c->what) {
    case JOIN:
        scene_join(s, id, st->head);
        g->joined[c->peer] = true;
        return;
    case ANSWER: scene_answer(s, id, c->ask); return;
    case CLAIM:
        scene_claim(s, id, st->claims);
        g->claimed[c->peer] = true;
        return;
    case LEAVE:
        scene_leave(s, id);
        g->left[c->peer] = true;
        return;
    }
}

static void open_stage(struct scene *s, struct stage *g,
                       const struct script *sc, uint32_t caps, uint32_t size) {
    *g = (struct stage){ .script = sc };
    scene_prepare(s, &(struct bp_pool_config){ .links_per_request = size,
                                               .hashes_per_request = size,
                                               .blocks_per_request = size,
                                               .links_max = 1 << 14,
                                               .window_bytes = 1 << 18,
                                               .replies_max = 8,
                                               .announced_max = 8,
                                               .peers_max = 8,
                                               .suspended_max = 8,
                                               .bad_hashes_max = 16 });
    s->caps = caps;
    sc->world(s);
    assert_int_equal(scene_make_pool(s), 0);
    for (uint32_t i = 0; i < sc->n; i++) {
        struct scene_peer *peer = scene_peer(s, i + 1);
        peer->manual = true;
        peer->from = sc->stream[i].from;
        peer->no_body = sc->stream[i].no_body;
    }
}

static void close_stage(struct scene *s, const struct script *sc) {
    scene_settle(s, 100000);
    bool accused = scene_offences(s) != 0;
    if (accused || s->head != sc->expect)
        printf("# %s (SEED=%zu, part 1 of 10000): %s\n", sc->name,
               (size_t)running,
               accused ? "an honest peer is accused" : "another chain");
    assert_false(accused);
    scene_expect_head(s, sc->expect);
    scene_close(s);
}

/* True when nothing is open and nothing will be, else time has passed. */
static bool at_rest(struct scene *s) {
    if (bp_pool_quiescent(s->pool) && s->n_queue == 0) return true;
    scene_run(s, 500);
    return false;
}

#define STEPS_MAX 4000

/* ---- every order --------------------------------------------------------- */

#define DEPTH_MAX 64

/* Takes the given choices, then always the first; returns how many choices
   there were and, in `width`, between how many. */
static size_t run_order(const struct script *sc, uint32_t caps, uint32_t size,
                        const uint8_t *pick, size_t n_picks,
                        uint8_t width[DEPTH_MAX]) {
    struct scene s;
    struct stage g;
    struct choice c[CHOICES_MAX];
    open_stage(&s, &g, sc, caps, size);
    size_t made = 0;
    for (int step = 0; step < STEPS_MAX; step++) {
        scene_run(&s, 0);
        size_t n = choices_of(&s, &g, true, c);
        if (n == 0) {
            if (at_rest(&s)) break;
            continue;
        }
        size_t at = 0;
        if (n > 1) {
            assert_true(made < DEPTH_MAX);
            width[made] = (uint8_t)n;
            if (made < n_picks) at = pick[made];
            made++;
        }
        happen(&s, &g, &c[at]);
    }
    close_stage(&s, sc);
    return made;
}

static void all_orders(const struct script *sc, int kind, uint32_t size) {
    uint8_t pick[DEPTH_MAX] = { 0 }, width[DEPTH_MAX];
    size_t n = 0, runs = 0;
    do {
        size_t made = run_order(sc, kinds[kind], size, pick, n, width);
        runs++;
        for (size_t i = n; i < made; i++) pick[i] = 0;
        n = made;
        while (n > 0 && pick[n - 1] + 1 >= width[n - 1]) n--;
        if (n > 0) pick[n - 1]++;
    } while (n > 0);
    printf("# %s, %s, batches of %u: %zu orders\n", sc->name, kind_names[kind],
           size, runs);
    assert_true(runs > 1);
}

static void x22_every_order(void **state) {
    (void)state;
    for (size_t i = 0; i < SHORT_SCRIPTS; i++)
        for (int kind = 0; kind < KINDS; kind++)
            for (uint32_t size = 3; size <= 4; size++)
                all_orders(&short_scripts[i], kind, size);
}

/* ---- X18: stopped anywhere ------------------------------------------------
 */

/* Runs `steps` of a script, the streams in turns; true if there is more. */
static bool run_steps(struct scene *s, struct stage *g, int steps) {
    struct choice c[CHOICES_MAX];
    for (int step = 0; step < steps; step++) {
        scene_run(s, 0);
        size_t n = choices_of(s, g, true, c);
        if (n > 0)
            happen(s, g, &c[(size_t)step % n]);
        else if (at_rest(s))
            return false;
    }
    return true;
}

/* Freed at every step of every script: each item comes back once. */
static void x18_freed_at_every_step(void **state) {
    (void)state;
    for (size_t i = 0; i < SHORT_SCRIPTS; i++) {
        for (int kind = 0; kind < KINDS; kind++) {
            bool more = true;
            for (int steps = 0; more; steps++) {
                struct scene s;
                struct stage g;
                open_stage(&s, &g, &short_scripts[i], kinds[kind], 3);
                more = run_steps(&s, &g, steps);
                scene_close(&s);
            }
        }
    }
}

/* Reset there, nothing is asked of anybody, and the same script begins anew
   with new sessions. */
static void x18_reset_at_every_step(void **state) {
    (void)state;
    for (size_t i = 0; i < SHORT_SCRIPTS; i++) {
        for (int kind = 0; kind < KINDS; kind++) {
            bool more = true;
            for (int steps = 0; more; steps++) {
                struct scene s;
                struct stage g;
                const struct script *sc = &short_scripts[i];
                open_stage(&s, &g, sc, kinds[kind], 3);
                more = run_steps(&s, &g, steps);
                struct bp_event ev = { .type = BP_EV_RESET };
                scene_step(&s, &ev);
                scene_run(&s, 50);
                assert_true(bp_pool_quiescent(s.pool));
                assert_int_equal(scene_status(&s).peers, 0);
                assert_int_equal(s.live_items, 0);
                for (uint32_t k = 0; k < sc->n; k++)
                    scene_join(&s, 10 + k, sc->stream[k].head);
                scene_settle(&s, 100000);
                assert_int_equal(scene_offences(&s), 0);
                for (uint32_t k = 0; k < sc->n; k++)
                    assert_true(
                        bp_u256_cmp(&scene_at(&s, sc->stream[k].head)->td,
                                    &scene_at(&s, s.head)->td) <= 0);
                scene_close(&s);
            }
        }
    }
}

/* ---- random orders ------------------------------------------------------- */

#define RANDOM_ORDERS 10000

static uint64_t part = 1, parts = 1;

/* A peer of a random script may be of any kind. */
static void random_order(const struct script *sc, struct bp_rng *rng) {
    struct scene s;
    struct stage g;
    struct choice c[CHOICES_MAX];
    uint32_t size = 1 + (uint32_t)bp_rng_below(rng, 12);
    uint32_t kind = (uint32_t)bp_rng_below(rng, KINDS + 1);
    bool in_order = bp_rng_below(rng, 2) == 0;
    open_stage(&s, &g, sc, kinds[kind % KINDS], size);
    for (int step = 0; step < STEPS_MAX; step++) {
        scene_run(&s, bp_rng_below(rng, 4) == 0 ? bp_rng_below(rng, 40) : 0);
        size_t n = choices_of(&s, &g, in_order, c);
        if (n == 0) {
            if (at_rest(&s)) break;
            continue;
        }
        if (kind == KINDS) s.caps = kinds[bp_rng_below(rng, KINDS)];
        happen(&s, &g, &c[bp_rng_below(rng, n)]);
    }
    close_stage(&s, sc);
}

static void x22_random_orders(void **state) {
    (void)state;
    uint64_t seed = test_seed("x22_random_orders", 22);
    uint64_t first = (part - 1) * RANDOM_ORDERS / parts;
    uint64_t last = part * RANDOM_ORDERS / parts;
    for (uint64_t i = first; i < last; i++) {
        struct bp_rng rng;
        bp_rng_seed(&rng, seed + i);
        running = seed + i;
        random_order(&long_scripts[bp_rng_below(&rng, LONG_SCRIPTS)], &rng);
    }
    printf("# orders %zu to %zu\n", (size_t)first, (size_t)last - 1);
}

int main(int argc, char **argv) {
    if (argc == 3) {
        part = strtoul(argv[1], NULL, 10);
        parts = strtoul(argv[2], NULL, 10);
        assert_true(part > 0 && part <= parts);
        const struct CMUnitTest tests[] = { T(x22_random_orders) };
        return bp_run(tests);
    }
    const struct CMUnitTest tests[] = { T(x22_every_order),
                                        T(x18_freed_at_every_step),
                                        T(x18_reset_at_every_step) };
    return bp_run(tests);
}
