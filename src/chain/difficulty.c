/* difficulty: what a block's difficulty must be. Yellow Paper 4.4.4, D(H). */
#include <string.h>

#include "blockpool/rules.h"

enum {
    BOUND_SHIFT = 11,      /* the step is 1/2048 of the parent's */
    BOMB_PERIOD = 100000,  /* blocks for which the bomb is the same */
    FRONTIER_SECONDS = 13, /* a block later than this is easier */
    HOMESTEAD_SECONDS = 10,
    BYZANTIUM_SECONDS = 9,
    MOST_DOWN = 99, /* steps */
};

static const bp_u256 saturated = { { UINT64_MAX, UINT64_MAX, UINT64_MAX,
                                     UINT64_MAX } };

static void add(bp_u256 *a, const bp_u256 *b) {
    if (bp_u256_add(a, a, b)) *a = saturated;
}

/* The number the bomb counts: what is left after the delay that holds. */
static uint64_t bomb_number(const struct bp_spec *s, uint64_t number) {
    if (bp_spec_has(s, BP_FORK_ECIP1041, number, 0)) return 0;
    if (bp_spec_has(s, BP_FORK_ECIP1010, number, 0)) {
        uint64_t pause = s->fork[BP_FORK_ECIP1010];
        if (number - pause < s->ecip1010_length) return pause;
        return number - s->ecip1010_length;
    }
    for (size_t i = s->n_bombs; i > 0; i--) {
        const struct bp_spec_bomb *b = &s->bomb[i - 1];
        if (number >= b->from) return number > b->delay ? number - b->delay : 0;
    }
    return number;
}

static void add_bomb(bp_u256 *d, const struct bp_spec *s, uint64_t number) {
    uint64_t period = bomb_number(s, number) / BOMB_PERIOD;
    if (period < 2) return;
    bp_u256 one = bp_u256_from_u64(1);
    bp_u256 bomb = bp_u256_shl(&one, period < 258 ? (unsigned)period - 2 : 0);
    add(d, period < 258 ? &bomb : &saturated);
}

static void at_least(bp_u256 *d, const bp_u256 *minimum) {
    if (bp_u256_cmp(d, minimum) < 0) *d = *minimum;
}

void bp_difficulty(bp_u256 *out, const struct bp_spec *spec, uint64_t number,
                   uint64_t time, const struct bp_header *parent) {
    uint64_t late = time > parent->time ? time - parent->time : 0;
    bp_u256 d = parent->difficulty;
    bp_u256 step = bp_u256_shr(&d, BOUND_SHIFT);
    uint64_t up, down; /* steps; one of them is what counts */
    if (bp_spec_has(spec, BP_FORK_BYZANTIUM, number, 0) ||
        bp_spec_has(spec, BP_FORK_ATLANTIS, number, 0)) {
        up = bp_hash_eq(&parent->uncles_hash, &bp_empty_uncles_hash) ? 1 : 2;
        down = late / BYZANTIUM_SECONDS;
    } else if (bp_spec_has(spec, BP_FORK_HOMESTEAD, number, 0)) {
        up = 1;
        down = late / HOMESTEAD_SECONDS;
    } else {
        up = late < FRONTIER_SECONDS ? 1 : 0;
        down = up ^ 1;
    }
    if (up >= down) {
        bp_u256_mul_u64(&step, &step, up - down);
        add(&d, &step);
    } else {
        uint64_t steps = down - up < MOST_DOWN ? down - up : MOST_DOWN;
        bp_u256_mul_u64(&step, &step, steps);
        bp_u256_sub(&d, &d, &step); /* 99/2048 at most */
    }
    at_least(&d, &spec->minimum_difficulty);
    add_bomb(&d, spec, number);
    *out = d;
}
