/* Groups F and P of the catalogue, X2, X3, X13, X27, X30; and X22: the same
   scripts with the peers' answers in every order. */
#include "world.h"

/* 0-1-2-3, then 4-5-6 (each 2) and 7-8-9 (each 1). */
static void fork_world(struct scene *s, int kind) {
    world(s, kind, 0, NULL);
    scene_chain(s, 1, 3, 5);
    scene_chain(s, 4, 6, 2);
    scene_block(s, 7, 3, 1);
    scene_chain(s, 8, 9, 1);
    made(s);
}

static void everything_held(struct scene *s) {
    for (uint32_t id = 0; id < s->n_blocks; id++)
        assert_true(!scene_at(s, id)->exists || scene_at(s, id)->held);
}

static void f1_heavier_fork_from_a_better_peer(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        fork_world(&s, k);
        scene_peer(&s, 1)->latency = 10;
        scene_peer(&s, 2)->latency = 10;
        scene_peer(&s, 1)->cap = 2;
        scene_join(&s, 1, 9);
        scene_run(&s, 15);
        scene_join(&s, 2, 6);
        assert_int_equal(scene_status(&s).best, 2);
        scene_settle(&s, 100000);
        scene_expect_head(&s, 6);
        if (k == 0) everything_held(&s); /* the rival is a side branch */
        assert_int_equal(s.n_blames, 0);
        scene_close(&s);
    }
}

static void f3_back_when_the_better_peer_left(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        fork_world(&s, k);
        scene_peer(&s, 1)->manual = true;
        scene_peer(&s, 2)->manual = true;
        scene_join(&s, 1, 9);
        scene_answer(&s, 1, 0);
        scene_join(&s, 2, 6);
        scene_answer(&s, 2, 0);
        scene_leave(&s, 2);
        scene_peer(&s, 1)->manual = false;
        scene_answer_all(&s, 1);
        scene_settle(&s, 100000);
        assert_true(scene_at(&s, 9)->held);
        assert_int_equal(scene_offences(&s), 0);
        scene_close(&s);
    }
}

static void f5_fork_a_then_fork_b(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        world(&s, k, 0, NULL);
        scene_chain(&s, 1, 1000, 3);
        scene_chain(&s, 1001, 1600, 3);
        scene_block(&s, 1601, 1000, 4);
        scene_chain(&s, 1602, 2200, 4);
        made(&s);
        scene_join(&s, 1, 1600);
        scene_settle(&s, 100000);
        scene_expect_head(&s, 1600);
        scene_join(&s, 2, 2200);
        scene_settle(&s, 100000);
        scene_expect_head(&s, 2200);
        everything_held(&s);
        assert_int_equal(s.n_blames, 0);
        scene_close(&s);
    }
}

/* Best follows the total difficulty; an equal or lower one does not promote. */
static void p1_registry_script(void **state) {
    (void)state;
    struct scene s;
    scene_prepare(&s, NULL);
    for (uint32_t id = 1; id <= 6; id++) scene_block(&s, id, 0, id);
    made(&s);
    for (uint32_t i = 1; i <= 3; i++) scene_peer(&s, i)->silent = true;
    scene_join(&s, 1, 1);
    assert_int_equal(scene_status(&s).best, 1);
    scene_join(&s, 3, 3);
    assert_int_equal(scene_status(&s).best, 3);
    scene_join(&s, 2, 2);
    assert_int_equal(scene_status(&s).best, 3);
    scene_claim(&s, 3, 4);
    assert_int_equal(scene_status(&s).best, 3);
    scene_claim(&s, 2, 3);
    assert_int_equal(scene_status(&s).best, 3);
    scene_claim_td(&s, 1, 5, 5); /* equal to block 4's */
    assert_int_equal(scene_status(&s).best, 3);
    scene_leave(&s, 3);
    assert_int_equal(scene_status(&s).best, 1);
    scene_leave(&s, 1);
    assert_int_equal(scene_status(&s).best, 2);
    scene_leave(&s, 2);
    assert_int_equal(scene_status(&s).best, 0);
    scene_join(&s, 1, 1);
    assert_int_equal(scene_status(&s).best, 1);
    assert_int_equal(scene_offences(&s), 0);
    scene_close(&s);
}

static void p3_better_peer_in_the_middle(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        world(&s, k, 0, NULL);
        scene_chain(&s, 1, 700, 2);
        made(&s);
        scene_peer(&s, 1)->latency = 30;
        scene_peer(&s, 2)->latency = 20;
        scene_join(&s, 1, 600);
        scene_run(&s, 70);
        scene_join(&s, 2, 700);
        assert_int_equal(scene_status(&s).best, 2);
        scene_settle(&s, 100000);
        scene_expect_head(&s, 700);
        assert_true(scene_peer(&s, 1)->blocks_served > 0);
        assert_true(scene_peer(&s, 2)->blocks_served > 0);
        assert_int_equal(scene_offences(&s), 0);
        scene_close(&s);
    }
}

/* P4 and P6: what the better peer left is completed by the worse one, and
   inserted with what the better gave. */
static void p4_best_leaves_worse_goes_on(void **state) {
    (void)state;
    EACH_KIND(k) {
        struct scene s;
        world(&s, k, 0, NULL);
        scene_chain(&s, 1, 6, 2);
        made(&s);
        scene_peer(&s, 2)->cap = 2;
        scene_peer(&s, 2)->latency = 10;
        scene_join(&s, 2, 6);
        scene_run(&s, 25);
        scene_leave(&s, 2);
        scene_join(&s, 1, 4);
        scene_settle(&s, 100000);
        assert_true(scene_at(&s, 4)->held);
        assert_int_equal(scene_offences(&s), 0);
        scene_close(&s);
    }
}

/* Disjoint: what the better peer left dangles until the worse one's chain
   reaches it; being valid and connected then, it goes in too. */
static void p8_disjoint_section_is_inserted_once_connected(void **state) {
    (void)state;
    struct scene s;
    scene_prepare(&s, NULL);
    scene_chain(&s, 1, 6, 2);
    made(&s);
    struct scene_peer *two = scene_join(&s, 2, 6);
    two->manual = true;
    scene_settle(&s, 5);
    scene_close(&s);

    scene_prepare(&s, NULL);
    scene_chain(&s, 1, 6, 2);
    made(&s);
    scene_peer(&s, 2)->manual = true;
    scene_join(&s, 2, 6);
    struct scene_ask *ask = scene_open_ask(&s, 2, BP_ACT_ASK_LINKS);
    assert_non_null(ask);
    ask->open = false;
    scene_links(&s, 2, ask->id, (uint32_t[]){ 6, 5, 4 }, 3);
    scene_run(&s, 1);
    for (int i = 0; i < 3; i++) {
        ask = scene_open_ask(&s, 2, BP_ACT_ASK_BLOCKS);
        if (ask != NULL)
            scene_answer(&s, 2, (size_t)(ask - scene_peer(&s, 2)->asks));
        scene_run(&s, 1);
    }
    scene_leave(&s, 2);
    scene_join(&s, 1, 3);
    scene_settle(&s, 100000);
    assert_true(scene_at(&s, 3)->held);
    scene_expect_head(&s, 6);
    scene_close(&s);
}

static void p14_faster_peers_get_more(void **state) {
    (void)state;
    struct scene s;
    scene_prepare(&s, NULL);
    scene_chain(&s, 1, 6000, 2);
    made(&s);
    for (uint32_t i = 1; i <= 3; i++) {
        scene_peer(&s, i)->latency = 10;
        scene_peer(&s, i)->rate = i * 400000;
    }
    for (uint32_t i = 1; i <= 3; i++) scene_join(&s, i, 6000);
    scene_settle(&s, 1000000);
    scene_expect_head(&s, 6000);
    assert_true(scene_peer(&s, 3)->blocks_served >
                scene_peer(&s, 2)->blocks_served);
    assert_true(scene_peer(&s, 2)->blocks_served >
                scene_peer(&s, 1)->blocks_served);
    assert_int_equal(scene_offences(&s), 0);
    scene_close(&s);
}

/* Two forks in one section, the second in its older half, then both go on. */
static void x2_two_forks_in_one_section(void **state) {
    (void)state;
    for (uint32_t winner = 0; winner < 3; winner++) {
        struct scene s;
        scene_prepare(&s, NULL);
        scene_chain(&s, 1, 40, 5);
        scene_block(&s, 41, 30, winner == 1 ? 500 : 4);
        scene_chain(&s, 42, 45, 4);
        scene_block(&s, 46, 10, winner == 2 ? 900 : 4);
        scene_chain(&s, 47, 50, 4);
        made(&s);
        s.hold_jobs = true; /* nothing leaves the forest meanwhile */
        for (uint32_t i = 1; i <= 3; i++) scene_peer(&s, i)->manual = true;
        static const uint32_t heads[] = { 40, 45, 50 };
        for (uint32_t i = 0; i < 3; i++) scene_join(&s, i + 1, heads[i]);
        for (int round = 0; round < 4; round++) {
            for (uint32_t i = 1; i <= 3; i++) {
                struct scene_ask *a = scene_open_ask(&s, i, BP_ACT_ASK_LINKS);
                if (a == NULL) continue;
                scene_answer(&s, i, (size_t)(a - scene_peer(&s, i)->asks));
            }
            scene_run(&s, 3000);
        }
        assert_true(scene_status(&s).forks >= 1);
        struct bp_event ev = { .type = BP_EV_PURGE };
        s.hold_jobs = false;
        scene_step(&s, &ev);
        scene_close(&s);

        scene_prepare(&s, NULL);
        scene_chain(&s, 1, 40, 5);
        scene_block(&s, 41, 30, winner == 1 ? 500 : 4);
        scene_chain(&s, 42, 45, 4);
        scene_block(&s, 46, 10, winner == 2 ? 900 : 4);
        scene_chain(&s, 47, 50, 4);
        made(&s);
        for (uint32_t i = 0; i < 3; i++) scene_peer(&s, i + 1)->latency = 7 * i;
        for (uint32_t i = 0; i < 3; i++) scene_join(&s, i + 1, heads[i]);
        scene_settle(&s, 200000);
        scene_expect_head(&s, heads[winner]);
        scene_close(&s);
    }
}

/* The peer's head lies inside another's longer chain: nothing is asked for
   it, and nothing is split. */
static void x30_head_inside_a_known_section(void **state) {
    (void)state;
    struct scene s;
    scene_prepare(&s, NULL);
    scene_chain(&s, 1, 3000, 5);
    made(&s);
    scene_peer(&s, 1)->latency = 50;
    scene_join(&s, 1, 3000);
    scene_run(&s, 60);
    scene_join(&s, 2, 2500);
    assert_int_equal(scene_status(&s).sections, 1);
    assert_null(scene_open_ask(&s, 2, BP_ACT_ASK_LINKS));
    scene_settle(&s, 100000);
    scene_expect_head(&s, 3000);
    assert_int_equal(scene_status(&s).forks, 0);
    scene_close(&s);
}

/* ---- X22 --------------------------------------------------------------- */

/* One run of a script: answers are drawn one after the other by `pick`; true
   when the expected head was reached. */
struct script {
    const char *name;
    void (*world)(struct scene *s);
    uint32_t heads[4], n;
    uint32_t later;  /* the last peer joins after so many answers */
    uint32_t leaves; /* peer that leaves after `leave_at` answers; 0: none */
    uint32_t leave_at;
    uint32_t expect;
};

static void world_fork(struct scene *s) {
    scene_chain(s, 1, 3, 5);
    scene_chain(s, 4, 6, 2);
    scene_block(s, 7, 3, 1);
    scene_chain(s, 8, 9, 1);
}

static void world_plain(struct scene *s) {
    scene_chain(s, 1, 7, 2);
}

static const struct script scripts[] = {
    { "b6", world_plain, { 5, 7 }, 2, 2, 0, 0, 7 },
    { "f1", world_fork, { 9, 6 }, 2, 1, 0, 0, 6 },
    { "f3", world_fork, { 9, 6 }, 2, 0, 2, 3, 0 },
    { "p3", world_plain, { 6, 7 }, 2, 2, 0, 0, 7 },
    { "p4", world_plain, { 4, 6 }, 2, 0, 2, 2, 0 },
    { "p8", world_plain, { 3, 6 }, 2, 0, 2, 3, 0 },
};

/* Open requests of all peers, as (peer, ask) pairs. */
static size_t open_list(struct scene *s, uint32_t n, uint32_t out[64][2]) {
    size_t found = 0;
    for (uint32_t i = 1; i <= n; i++) {
        const struct scene_peer *peer = scene_peer(s, i);
        for (size_t k = 0; k < peer->n_asks && peer->here; k++) {
            if (!peer->asks[k].open || found == 64) continue;
            out[found][0] = i;
            out[found++][1] = (uint32_t)k;
        }
    }
    return found;
}

/* Runs with the choices given (each 0..open-1); returns how many choices were
   chosen and, in `width`, how many there were at each. */
static size_t run_script(const struct script *sc, uint32_t caps,
                         const uint8_t *choice, size_t n_choice, uint8_t *width,
                         size_t cap, struct bp_rng *rng) {
    struct scene s;
    scene_prepare(&s, &(struct bp_pool_config){ .links_per_request = 2,
                                                .hashes_per_request = 2,
                                                .blocks_per_request = 2 });
    s.caps = caps;
    sc->world(&s);
    made(&s);
    for (uint32_t i = 1; i <= sc->n; i++) scene_peer(&s, i)->manual = true;
    for (uint32_t i = 1; i <= sc->n; i++)
        if (i < sc->n || sc->later == 0) scene_join(&s, i, sc->heads[i - 1]);
    size_t chosen = 0;
    for (uint32_t answers = 0; answers < 2000; answers++) {
        if (answers == sc->later && sc->later != 0)
            scene_join(&s, sc->n, sc->heads[sc->n - 1]);
        if (sc->leaves != 0 && answers == sc->leave_at)
            scene_leave(&s, sc->leaves);
        scene_run(&s, 0);
        uint32_t open[64][2];
        size_t n = open_list(&s, sc->n, open);
        if (n == 0) {
            if (bp_pool_quiescent(s.pool) && answers > sc->later &&
                (sc->leaves == 0 || answers > sc->leave_at))
                break;
            scene_run(&s, 1000);
            continue;
        }
        size_t pick = 0;
        if (n > 1 && chosen < cap) {
            width[chosen] = (uint8_t)n;
            if (rng != NULL)
                pick = (size_t)bp_rng_below(rng, n);
            else if (chosen < n_choice)
                pick = choice[chosen];
            chosen++;
        }
        scene_answer(&s, open[pick][0], open[pick][1]);
    }
    uint32_t expect = sc->expect;
    if (expect == 0) { /* what the peer that stayed has, at least */
        assert_true(scene_at(&s, sc->heads[0])->held);
    } else {
        scene_expect_head(&s, expect);
    }
    if (scene_offences(&s) != 0)
        fail_msg("%s: an honest peer was accused", sc->name);
    scene_close(&s);
    return chosen;
}

/* Every order in which the answers can come, to a depth of eight choices. */
static void x22_all_interleavings(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof scripts / sizeof *scripts; k++) {
        for (int kind = 0; kind < 2; kind++) {
            uint8_t choice[8] = { 0 }, width[8];
            size_t n = 0, runs = 0;
            for (;;) {
                size_t chosen = run_script(&scripts[k], kind_caps(kind), choice,
                                           n, width, 8, NULL);
                if (chosen > 8) chosen = 8;
                runs++;
                for (size_t i = n; i < chosen; i++) choice[i] = 0;
                n = chosen;
                while (n > 0 && choice[n - 1] + 1 >= width[n - 1]) n--;
                if (n == 0) break;
                choice[n - 1]++;
            }
            printf("# %s/%d: %zu interleavings\n", scripts[k].name, kind, runs);
        }
    }
}

static void x22_random_orders(void **state) {
    (void)state;
    struct bp_rng rng;
    bp_rng_seed(&rng, test_seed("x22_random_orders", 22));
    for (int i = 0; i < 3000; i++) {
        uint8_t width[64];
        const struct script *sc =
            &scripts[bp_rng_below(&rng, sizeof scripts / sizeof *scripts)];
        run_script(sc, kind_caps((int)bp_rng_below(&rng, 2)), NULL, 0, width,
                   64, &rng);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(f1_heavier_fork_from_a_better_peer),
        T(f3_back_when_the_better_peer_left),
        T(f5_fork_a_then_fork_b),
        T(p1_registry_script),
        T(p3_better_peer_in_the_middle),
        T(p4_best_leaves_worse_goes_on),
        T(p8_disjoint_section_is_inserted_once_connected),
        T(p14_faster_peers_get_more),
        T(x2_two_forks_in_one_section),
        T(x30_head_inside_a_known_section),
        T(x22_all_interleavings),
        T(x22_random_orders),
    };
    return bp_run(tests);
}
