/* required.h: asks each new peer for the blocks that the chain must have, so
   that a peer of another chain is known by one header rather than by all that
   lead to the block. */
#ifndef BP_NODE_REQUIRED_H
#define BP_NODE_REQUIRED_H

#include "node/conn.h"

/* A session opened: asks for the header at each required number. */
void required_ask(struct conn *c);
/* Whether this reply answers such a request; what it says is acted on. */
bool required_reply(struct conn *c, const struct bp_msg *msg);
/* Limits of silence; called a few times a second. */
void required_tick(struct conn *c, bp_time now);

#endif
