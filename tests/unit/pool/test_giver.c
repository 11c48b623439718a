/* giver: who gave what, beyond sessions; identities that are suspended. */
#include "pool/state.h"

#include "lib/scene.h"

static bp_hash identity(uint64_t n) {
    bp_hash h = { { 0 } };
    memcpy(h.b, &n, sizeof n);
    return h;
}

/* ---- the table ---------------------------------------------------------- */

/* As many as there are places; then 0, and blame on 0 is nobody's. */
static void table_is_bounded(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, NULL);
    struct bp_pool *p = s.pool;
    static bp_by by[BP_GIVERS_MAX];
    for (uint32_t i = 0; i < BP_GIVERS_MAX; i++) {
        bp_hash id = identity(i);
        by[i] = bp_giver_new(p, &id, i + 1000);
        assert_int_not_equal(by[i], 0);
        assert_memory_equal(&bp_giver_at(p, by[i])->identity, &id, sizeof id);
    }
    bp_hash one_more = identity(BP_GIVERS_MAX);
    assert_int_equal(bp_giver_new(p, &one_more, 1), 0);
    bp_blame(p, 0, BP_OFF_BAD_BYTES, 0, NULL, 0, true);
    scene_join(&s, 1, 0); /* nobody could be blamed for what it gives */
    assert_int_equal(scene_status(&s).peers, 0);
    assert_int_equal(scene_status(&s).refused, 1);
    assert_int_equal(scene_blamed(&s, 1, BP_OFF_NONE), 1);
    bp_giver_leave(p, by[7]);
    scene_join(&s, 2, 0);
    assert_int_equal(scene_status(&s).peers, 1);
    for (uint32_t i = 0; i < BP_GIVERS_MAX; i++)
        if (i != 7) bp_giver_leave(p, by[i]);
    scene_close(&s);
}

/* It stays while something of it is here, though its session has ended. */
static void kept_while_something_is_here(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, NULL);
    struct bp_pool *p = s.pool;
    bp_hash id = identity(5);
    bp_by by = bp_giver_new(p, &id, 5);
    uint32_t n = p->givers.n;
    bp_giver_hold(p, by, 3);
    bp_giver_leave(p, by);
    bp_giver_drop(p, by, 2);
    assert_int_equal(p->givers.n, n);
    assert_true(bp_giver_at(p, by)->gone);
    bp_giver_drop(p, by, 1);
    assert_int_equal(p->givers.n, n - 1);
    bp_giver_hold(p, 0, 1); /* nobody */
    bp_giver_drop(p, 0, 1);
    bp_giver_leave(p, 0);
    scene_close(&s);
}

#define PLACES 100

/* Of all places but a hundred somebody else has one. Each session leaves a
   block behind: those long gone are forgotten when the table is full, their
   blocks stay, and the next session is let in. */
static void long_gone_are_forgotten(void **state) {
    (void)state;
    struct scene s;
    scene_prepare(&s, NULL);
    scene_block(&s, 1, 0, 1);
    for (uint32_t i = 1; i <= 2 * PLACES; i++) scene_block(&s, 10 + i, 1, 1);
    assert_int_equal(scene_make_pool(&s), 0);
    static bp_by other[BP_GIVERS_MAX];
    for (uint32_t i = PLACES; i < BP_GIVERS_MAX; i++) {
        bp_hash id = identity(i);
        other[i] = bp_giver_new(s.pool, &id, 1000 + i);
    }
    uint32_t most = 0;
    for (uint32_t i = 1; i <= 2 * PLACES; i++) {
        scene_join(&s, i, 0);
        assert_int_equal(scene_status(&s).peers, 1);
        scene_push(&s, i, 10 + i, 0);
        scene_leave(&s, i);
        if (s.pool->givers.n > most) most = s.pool->givers.n;
    }
    assert_int_equal(most, BP_GIVERS_MAX);
    assert_int_equal(scene_status(&s).links_held, 2 * PLACES);
    for (uint32_t i = PLACES; i < BP_GIVERS_MAX; i++)
        bp_giver_leave(s.pool, other[i]);
    assert_int_equal(s.pool->givers.n, PLACES);
    scene_close(&s);
}

/* ---- suspension --------------------------------------------------------- */

static void offend(struct scene *s, bp_peer_id id, int offence) {
    struct bp_event ev = { .type = BP_EV_PEER_OFFENCE };
    ev.u.offence.peer = id;
    ev.u.offence.offence = offence;
    ev.u.offence.code = 42;
    scene_step(s, &ev);
}

static bool let_in(struct scene *s, bp_peer_id id) {
    uint64_t peers = scene_status(s).peers;
    scene_join(s, id, 0);
    bool in = scene_status(s).peers > peers;
    if (in) scene_leave(s, id);
    return in;
}

/* Two identities are remembered: the third one's offence forgets the first. */
static void suspended_in_a_ring(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, &(struct bp_pool_config){ .suspended_max = 2 });
    for (bp_peer_id id = 1; id <= 3; id++) {
        scene_join(&s, id, 0);
        offend(&s, id, BP_OFF_BAD_BYTES);
        assert_int_equal(scene_blamed(&s, id, BP_OFF_BAD_BYTES), 1);
    }
    assert_true(let_in(&s, 1));
    assert_false(let_in(&s, 2));
    assert_false(let_in(&s, 3));
    assert_int_equal(scene_blamed(&s, 2, BP_OFF_SUSPENDED), 1);
    assert_int_equal(scene_status(&s).peers_bad, 3);
    scene_close(&s);
}

/* Who offends again after its time is suspended anew, in the same place. */
static void suspended_again(void **state) {
    (void)state;
    struct scene s;
    scene_open(
        &s, &(struct bp_pool_config){ .suspended_max = 2, .suspend_ms = 1000 });
    scene_join(&s, 2, 0);
    offend(&s, 2, BP_OFF_BAD_SEAL);
    scene_run(&s, 500);
    for (int i = 0; i < 3; i++) {
        scene_join(&s, 1, 0);
        offend(&s, 1, BP_OFF_BAD_SEAL);
        if (i == 0) assert_false(let_in(&s, 2)); /* not pushed out */
        scene_run(&s, 999);
        assert_false(let_in(&s, 1));
        scene_run(&s, 1);
    }
    assert_true(let_in(&s, 1));
    assert_true(let_in(&s, 2));
    assert_int_equal(s.pool->n_suspended, 2);
    scene_close(&s);
}

/* A reset forgets everything but that. */
static void reset_keeps_suspensions(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, NULL);
    scene_join(&s, 1, 0);
    offend(&s, 1, BP_OFF_TOO_MUCH);
    struct bp_event ev = { .type = BP_EV_RESET };
    scene_step(&s, &ev);
    assert_false(let_in(&s, 1));
    scene_close(&s);
}

/* ---- blame --------------------------------------------------------------- */

/* A second offence of the same session says nothing new; a fault only counts,
   and ends nothing. */
static void one_offence_is_enough(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, NULL);
    struct scene_peer *peer = scene_join(&s, 1, 0);
    s.no_check = true; /* one reference is nothing of the pool's */
    bp_by by = s.pool->peer[0].by;
    bp_giver_hold(s.pool, by, 1);
    bp_blame(s.pool, by, BP_OFF_EMPTY, 0, NULL, 0, false);
    scene_tick(&s);
    struct bp_peer_status st;
    assert_int_equal(bp_pool_peers(s.pool, &st, 1), 1);
    assert_int_equal(st.faults, 1);
    assert_int_equal(st.last_fault, BP_OFF_EMPTY);
    assert_int_equal(st.offences, 0);
    assert_true(peer->here);
    offend(&s, 1, BP_OFF_BAD_BYTES);
    assert_int_equal(scene_status(&s).peers, 0);
    assert_int_equal(s.n_blames, 2);
    bp_hash about = scene_hash(7);
    bp_blame(s.pool, by, BP_OFF_BAD_SEAL, 0, &about, 7, true);
    scene_tick(&s);
    assert_int_equal(s.n_blames, 2);
    bp_blame(s.pool, by, BP_OFF_EMPTY, 0, NULL, 0, false);
    scene_tick(&s); /* its session is over, but it is named */
    assert_int_equal(s.n_blames, 3);
    assert_int_equal(s.blames[2].peer, 1);
    bp_giver_drop(s.pool, by, 1);
    scene_close(&s);
}

/* What the host does not know is not invented. */
static void names_of_offences(void **state) {
    (void)state;
    for (int offence = -1; offence < 100; offence++) {
        bool known = strcmp(bp_offence_name(offence), "UNKNOWN") != 0;
        bool told =
            strcmp(bp_offence_text(offence), "did something unknown") != 0;
        assert_int_equal(known, told);
        bool is = (offence >= BP_OFF_NONE && offence <= BP_OFF_WRONG_NUMBER) ||
                  (offence >= BP_OFF_LATE && offence <= BP_OFF_SUSPENDED);
        assert_int_equal(known, is);
    }
    assert_string_equal(bp_offence_name(BP_OFF_BAD_SEAL), "BAD_SEAL");
    assert_string_equal(bp_offence_text(BP_OFF_LATE), "did not answer in time");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(table_is_bounded),        T(kept_while_something_is_here),
        T(long_gone_are_forgotten), T(suspended_in_a_ring),
        T(suspended_again),         T(reset_keeps_suspensions),
        T(one_offence_is_enough),   T(names_of_offences),
    };
    return bp_run(tests);
}
