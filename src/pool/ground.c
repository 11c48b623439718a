/* ground: the lists of a trail end where something below is connected or held,
   and that rises. */
#include "pool/state.h"

/* The newest hash of a page that is connected or held, of those with numbers
   from low to high; page->n: none. What is above the trail does not count. */
static uint32_t ground_in(const struct bp_pool *p, const struct bp_page *page,
                          uint64_t low, uint64_t high) {
    const struct bp_forest *f = &p->forest;
    struct bp_held held;
    if (high > page->high) high = page->high;
    for (uint32_t i = high < page->top ? (uint32_t)(page->top - high) : 0;
         i < page->n && page->top - i >= low; i++) {
        const bp_hash *h = &page->hash[i];
        bp_ref ref = bp_link_find(f, h);
        bool found =
            ref != BP_NIL
                ? bp_section_at(f, bp_link_section(f, ref))->connected
                : page->top - i <= p->recent_top && bp_known_held(p, h, &held);
        if (found) return i;
    }
    return page->n;
}

void bp_trail_raise(struct bp_pool *p, struct bp_peer *peer,
                    struct bp_trail *t) {
    uint64_t low = p->forest.joined_low, high = p->forest.joined_high;
    uint32_t ground = BP_NIL, at = 0;
    for (uint32_t id = t->page; id != BP_NIL; id = bp_page_at(p, id)->newer) {
        const struct bp_page *page = bp_page_at(p, id);
        if (page->top < low) continue;
        if (page->top - (page->n - 1) > high) break;
        uint32_t i = ground_in(p, page, low, high);
        if (i == page->n) continue;
        ground = id;
        at = i;
    }
    if (ground == BP_NIL) return;
    peer->littered |= t->page != ground; /* another trail may lead over them */
    t->page = ground;
    struct bp_page *page = bp_page_at(p, ground);
    if (at + 1 < page->n) bp_page_truncate(page, at);
    t->end = page->hash[at];
    t->end_number = page->top - at;
    t->state = BP_TRAIL_GROUNDED;
}

/* The page is empty, and goes from every trail that leads over it. */
static void take_out(struct bp_pool *p, struct bp_peer *peer, uint32_t empty) {
    uint32_t newer = bp_page_at(p, empty)->newer;
    for (int k = 0; k < BP_TRAILS; k++) {
        if (peer->trail[k].state == BP_TRAIL_NONE) continue;
        uint32_t *at = &peer->trail[k].page;
        while (*at != BP_NIL && *at != empty) at = &bp_page_at(p, *at)->newer;
        if (*at == empty) *at = newer;
    }
    bp_page_free(p, peer, empty);
}

/* A page may begin above the trail, which is over all the same where that is
   reached. */
void bp_trail_shed(struct bp_pool *p, struct bp_peer *peer,
                   struct bp_trail *t) {
    struct bp_held held;
    while (t->page != BP_NIL) {
        struct bp_page *page = bp_page_at(p, t->page);
        while (page->n > 0 && page->top - (page->n - 1) <= p->recent_top &&
               bp_known_held(p, &page->hash[page->n - 1], &held)) {
            page->n--;
            page->n_roots = 0;
            page->grounded = true;
        }
        if (page->n > 0 && page->top - (page->n - 1) <= page->high) return;
        uint32_t newer = page->newer;
        if (page->n == 0) {
            take_out(p, peer, t->page);
        } else {
            peer->littered = true; /* another trail may lead over it */
            t->page = newer;
        }
        if (newer != BP_NIL)
            bp_page_at(p, newer)->grounded = true;
        else
            bp_trail_lose(p, t); /* what is above may be missing */
    }
    if (t->seen != p->forest.losses) bp_wake_at(p, p->now);
}
