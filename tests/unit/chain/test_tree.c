#include "lib/test.h"

#include "blockpool/rules.h"

static struct bp_tip tip(uint64_t number, uint64_t time, uint64_t td) {
    struct bp_tip t;
    memset(&t, 0, sizeof t);
    t.number = number;
    t.time = time;
    t.td = bp_u256_from_u64(td);
    return t;
}

static void tree_prefers_work_then_what_came_first(void **state) {
    (void)state;
    struct bp_spec *s;
    assert_int_equal(bp_spec_builtin(&s, "dev", NULL), 0);
    struct bp_fork_choice fc = { s, UINT64_MAX, false, false };
    struct bp_tip root = tip(5, 50, 500), head = tip(9, 90, 900);
    for (uint64_t td = 899; td <= 901; td++) {
        struct bp_tip c = tip(8, 80, td);
        struct bp_decision d = bp_choose(&fc, &head, &c, &root);
        assert_int_equal(d.choice, td > 900 ? BP_CHOICE_HEAD : BP_CHOICE_SIDE);
        if (td > 900) assert_int_equal(d.depth, 4);
        assert_false(d.alarm);
    }
    /* The next block of the chain undoes nothing. */
    struct bp_tip next = tip(10, 100, 1000);
    struct bp_decision d = bp_choose(&fc, &head, &next, &head);
    assert_int_equal(d.choice, BP_CHOICE_HEAD);
    assert_int_equal(d.depth, 0);
    bp_spec_free(s);
}

static void tree_after_the_merge_takes_what_comes(void **state) {
    (void)state;
    struct bp_spec *s;
    assert_int_equal(bp_spec_builtin(&s, "mainnet", NULL), 0);
    struct bp_fork_choice fc = { s, UINT64_MAX, false, false };
    struct bp_tip root = tip(5, 50, 500), work = tip(9, 90, 900);
    struct bp_tip stake = tip(6, 60, 500);
    stake.pos = true;
    assert_int_equal(bp_choose(&fc, &work, &stake, &root).choice,
                     BP_CHOICE_HEAD);
    assert_int_equal(bp_choose(&fc, &stake, &work, &root).choice,
                     BP_CHOICE_SIDE);
    assert_int_equal(bp_choose(&fc, &stake, &stake, &root).choice,
                     BP_CHOICE_HEAD);
    bp_spec_free(s);
}

static void tree_holds_deep_reorganisations(void **state) {
    (void)state;
    struct bp_spec *s;
    assert_int_equal(bp_spec_builtin(&s, "dev", NULL), 0);
    struct bp_tip head = tip(100, 1000, 9000), better = tip(101, 1001, 9001);
    for (int hold = 0; hold < 2; hold++) {
        struct bp_fork_choice fc = { s, 10, hold == 1, false };
        struct bp_tip at = tip(90, 900, 8000), below = tip(89, 890, 7900);
        struct bp_decision d = bp_choose(&fc, &head, &better, &at);
        assert_int_equal(d.choice, BP_CHOICE_HEAD);
        assert_false(d.alarm);
        d = bp_choose(&fc, &head, &better, &below);
        assert_true(d.alarm);
        assert_int_equal(d.depth, 11);
        assert_int_equal(d.choice, hold ? BP_CHOICE_HELD : BP_CHOICE_HEAD);
        assert_false(d.mess);
    }
    bp_spec_free(s);
}

/* ECBP-1100: after no time as much work is enough, after 25132 seconds it
   takes 31 times as much; half way, 16 times. */
static void tree_mess_wants_more_the_later_it_is(void **state) {
    (void)state;
    static const struct {
        uint64_t seconds, factor_128; /* in 128ths, as the ECBP counts */
    } row[] = { { 0, 128 },      { 1, 128 },      { 1000, 145 },
                { 12566, 2048 }, { 25131, 3967 }, { 25132, 3968 },
                { 900000, 3968 } };
    struct bp_spec *s;
    assert_int_equal(bp_spec_builtin(&s, "classic", NULL), 0);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct bp_fork_choice fc = { s, UINT64_MAX, false, true };
        struct bp_tip root = tip(12000000, 1000, 1000);
        struct bp_tip head =
            tip(12000010, 1000 + row[i].seconds, 1000 + 128 * 100);
        struct bp_tip c = tip(12000009, 99, 1000 + row[i].factor_128 * 100);
        if (row[i].factor_128 == 128) c.td.w[0]++; /* work decides a tie */
        struct bp_decision d = bp_choose(&fc, &head, &c, &root);
        assert_int_equal(d.choice, BP_CHOICE_HEAD);
        c.td.w[0] -= 101;
        d = bp_choose(&fc, &head, &c, &root);
        assert_int_equal(d.choice, row[i].factor_128 == 128 ? BP_CHOICE_SIDE
                                                            : BP_CHOICE_HELD);
        if (d.choice == BP_CHOICE_HELD) assert_true(d.mess);
        /* Not asked for, or not in its blocks: work alone. */
        fc.mess = false;
        if (row[i].factor_128 > 128)
            assert_int_equal(bp_choose(&fc, &head, &c, &root).choice,
                             BP_CHOICE_HEAD);
        fc.mess = true;
        head.number = s->mess_to;
        if (row[i].factor_128 > 128)
            assert_int_equal(bp_choose(&fc, &head, &c, &root).choice,
                             BP_CHOICE_HEAD);
    }
    bp_spec_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(tree_prefers_work_then_what_came_first),
        T(tree_after_the_merge_takes_what_comes),
        T(tree_holds_deep_reorganisations),
        T(tree_mess_wants_more_the_later_it_is),
    };
    return bp_run(tests);
}
