/* target: a hash that the host trusts. What it stands on is proved by links
   alone, whatever its difficulty, and comes before every claim. */
#include "pool/state.h"

bool bp_target_wanted(const struct bp_pool *p) {
    return p->target.set && !p->target.known.held;
}

void bp_on_target(struct bp_pool *p, const struct bp_ev_target *ev) {
    struct bp_forest *f = &p->forest;
    for (uint32_t id = bp_section_next(f, 0); id != BP_NIL;
         id = bp_section_next(f, id + 1))
        bp_section_at(f, id)->trusted = false;
    f->ranked = false;
    p->target.set = ev->set;
    if (!ev->set) return;
    p->target.hash = ev->hash;
    p->target.has_number = ev->has_number;
    p->target.number = ev->number;
    p->target.known = ev->known;
    p->target.told = false;
    bp_moved(p);
    bp_trace(p, "target %s", bp_short(&ev->hash).text);
}

/* The target and all below it in the forest. */
static void mark_trusted(struct bp_pool *p, bp_ref ref) {
    struct bp_forest *f = &p->forest;
    uint32_t id = bp_link_section(f, ref);
    if (bp_section_at(f, id)->trusted) return;
    if (!bp_forest_split(p, ref)) return; /* another time */
    bp_section_trust(f, id);
}

void bp_target_schedule(struct bp_pool *p) {
    if (!p->target.set) return;
    if (!p->target.known.held)
        bp_known_held(p, &p->target.hash, &p->target.known);
    if (p->target.known.held) {
        if (!p->target.told)
            bp_report(p, BP_REPORT_TARGET, 0, &p->target.hash,
                      p->target.known.number, 0);
        p->target.told = true;
        return;
    }
    bp_ref ref = bp_link_find(&p->forest, &p->target.hash);
    if (ref != BP_NIL) mark_trusted(p, ref);
}
