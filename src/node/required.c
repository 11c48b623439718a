/* required: is a peer's chain the one that has the required blocks?

   Happy path: the peer sends the header at each number, and its hash is the one
   that is required. Or it sends none: it has not come so far.

   Failure modes:
     - another header: the peer is on another chain, and the session ends
     - more than one header, or what is none: an offence
     - no answer for required_ms: the session ends

   The pool knows nothing of these requests; the rule required-hash holds in any
   case. The ids are the highest, which the pool, counting from 1, never
   reaches. */
#include "node/required.h"

#include "blockpool/keccak.h"
#include "blockpool/spec.h"
#include "node/clock.h"
#include "node/loop.h"

#define FIRST_ID (UINT64_MAX - BP_SPEC_REQUIRED_MAX + 1)

_Static_assert(BP_SPEC_REQUIRED_MAX <= 64, "a bit for each in c->required");

/* Since Status, an eth/69 peer says how far it has come. */
static bool is_beyond(const struct conn *c, uint64_t number) {
    return c->eth >= 69 && number > c->status.latest;
}

void required_ask(struct conn *c) {
    const struct bp_spec *spec = c->node->cfg.spec;
    c->required_at = clock_mono_ms();
    for (size_t i = 0; i < spec->n_required && c->state == CONN_OPEN; i++) {
        uint64_t number = spec->required[i].number;
        if (is_beyond(c, number)) continue;
        struct bp_msg msg = {
            .id = BP_MSG_GET_BLOCK_HEADERS,
            .u.get_headers = { .request_id = FIRST_ID + i,
                               .origin = { .by_number = true,
                                           .number = number },
                               .amount = 1 },
        };
        c->required |= UINT64_C(1) << i;
        conn_send(c, &msg);
    }
}

static void judge(struct conn *c, const struct bp_spec_required *want,
                  struct bp_items items) {
    struct bp_header header;
    bp_span rlp, in;
    bp_hash hash;
    if (!bp_items_next(&rlp, &items)) return; /* not there yet */
    in = rlp;
    int err = bp_header_decode(&header, &in);
    if (err != 0) {
        session_offence(c, BP_OFF_BAD_BYTES, err);
    } else if (items.n > 0) {
        session_offence(c, BP_OFF_TOO_MUCH, BP_ERR_ITEMS_MANY);
    } else if (header.number != want->number) {
        session_offence(c, BP_OFF_UNLINKED, BP_ERR_ORIGIN);
    } else {
        bp_keccak256(&hash, rlp);
        if (!bp_hash_eq(&hash, &want->hash))
            session_offence(c, BP_OFF_WRONG_CHAIN, BP_ERR_RULE_REQUIRED_HASH);
    }
}

bool required_reply(struct conn *c, const struct bp_msg *msg) {
    uint64_t id = msg->u.reply.request_id;
    if (id < FIRST_ID || msg->id != BP_MSG_BLOCK_HEADERS) return false;
    uint64_t bit = UINT64_C(1) << (id - FIRST_ID);
    if ((c->required & bit) == 0) return false;
    c->required &= ~bit;
    judge(c, &c->node->cfg.spec->required[id - FIRST_ID], msg->u.reply.items);
    return true;
}

void required_tick(struct conn *c, bp_time now) {
    if (c->state != CONN_OPEN || c->required == 0 || c->paused != 0) return;
    if (now - c->required_at > c->node->cfg.required_ms)
        conn_close(c, BP_DISC_TIMEOUT,
                   "it does not show a block that the chain must have");
}
