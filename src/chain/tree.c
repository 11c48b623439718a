/* tree: which of two branches is the chain. */
#include "blockpool/rules.h"

/* ECBP-1100: the more time a reorganisation would undo, the more work it must
   bring, from as much to 31 times as much along a sine-like curve. */
enum {
    MESS_ONE = 128,   /* the denominator of the curve */
    MESS_CAP = 25132, /* seconds after which it is flat: floor(8000 * pi) */
    MESS_HEIGHT = MESS_ONE * 15 * 2,
};

/* ECBP-1100, get_curve_function_numerator. */
static uint64_t antigravity(uint64_t seconds) {
    uint64_t x = seconds < MESS_CAP ? seconds : MESS_CAP;
    uint64_t curve = 3 * x * x - 2 * x * x * x / MESS_CAP;
    return MESS_ONE + curve * MESS_HEIGHT / ((uint64_t)MESS_CAP * MESS_CAP);
}

static bool mess_permits(const struct bp_tip *head,
                         const struct bp_tip *candidate,
                         const struct bp_tip *ancestor) {
    bp_u256 local, proposed;
    uint64_t seconds =
        head->time > ancestor->time ? head->time - ancestor->time : 0;
    bp_u256_sub(&local, &head->td, &ancestor->td);
    bp_u256_sub(&proposed, &candidate->td, &ancestor->td);
    /* What overflows is beyond every difficulty that a header may have. */
    bool over = bp_u256_mul_u64(&local, &local, antigravity(seconds)) != 0;
    if (bp_u256_mul_u64(&proposed, &proposed, MESS_ONE) != 0) return true;
    return !over && bp_u256_cmp(&proposed, &local) >= 0;
}

static bool has_more_work(const struct bp_tip *head,
                          const struct bp_tip *candidate) {
    if (candidate->pos) return true;
    if (head->pos) return false; /* the merge is not undone by work */
    return bp_u256_cmp(&candidate->td, &head->td) > 0;
}

struct bp_decision bp_choose(const struct bp_fork_choice *fc,
                             const struct bp_tip *head,
                             const struct bp_tip *candidate,
                             const struct bp_tip *ancestor) {
    struct bp_decision d = { BP_CHOICE_SIDE, false, false, 0, candidate->td };
    if (!has_more_work(head, candidate)) return d;
    d.choice = BP_CHOICE_HEAD;
    d.depth = head->number - ancestor->number;
    if (d.depth == 0) return d;
    d.alarm = d.depth > fc->max_reorg;
    if (fc->mess && head->number >= fc->spec->mess_from &&
        head->number < fc->spec->mess_to)
        d.mess = !mess_permits(head, candidate, ancestor);
    if (d.mess || (d.alarm && fc->hold_deep)) d.choice = BP_CHOICE_HELD;
    return d;
}
