/* announce: blocks and hashes that nobody asked for. */
#include "pool/state.h"

void bp_on_pushed(struct bp_pool *p, const struct bp_ev_pushed *ev) {
    bp_release(p, ev->block.item);
    if (ev->block.has_link) bp_release(p, ev->block.link.item);
}
