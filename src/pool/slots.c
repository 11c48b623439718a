/* slots: the blocks of the window, one by one. A slot is

       WANTED --> ASKED --> HERE --> (inserted, or dropped)
          ^--------'  |       |
          ^-----------'-------'   late, lacking, bad

   and takes its reserve of the window from the first moment on. */
#include <assert.h>

#include "pool/state.h"

int bp_window_init(struct bp_pool *p) {
    struct bp_window *w = &p->window;
    w->reserve = BP_RESERVE_FIRST;
    if (w->reserve > p->cfg.window_bytes / 16)
        w->reserve = (uint32_t)(p->cfg.window_bytes / 16);
    if (w->reserve < BP_RESERVE_MIN) w->reserve = BP_RESERVE_MIN;
    for (int k = 0; k < BP_CLASSES; k++)
        w->wanted[k] = (struct bp_list){ BP_NIL, BP_NIL, 0 };
    w->retry_due = BP_TIME_NEVER;
    uint32_t n = bp_config_slots(&p->cfg);
    int err = bp_index_init(&w->bare, &p->mem, n, p->cfg.seed + 6);
    if (err != 0) return err;
    return bp_table_init(&w->slots, &p->mem, sizeof(struct bp_slot), 6, n);
}

void bp_window_free(struct bp_pool *p) {
    bp_table_free(&p->window.slots);
    bp_index_free(&p->window.bare);
}

/* ---- the lists of wanted ------------------------------------------------ */

static void list_remove(struct bp_pool *p, uint32_t id) {
    struct bp_slot *s = bp_slot_at(p, id);
    struct bp_list *l = &p->window.wanted[s->rank];
    if (s->prev != BP_NIL)
        bp_slot_at(p, s->prev)->next = s->next;
    else
        l->head = s->next;
    if (s->next != BP_NIL)
        bp_slot_at(p, s->next)->prev = s->prev;
    else
        l->tail = s->prev;
    l->n--;
}

/* Puts it between two of the list, either of which may be BP_NIL. */
static void list_put(struct bp_pool *p, uint32_t id, uint32_t prev,
                     uint32_t next) {
    struct bp_slot *s = bp_slot_at(p, id);
    struct bp_list *l = &p->window.wanted[s->rank];
    s->prev = prev;
    s->next = next;
    if (prev != BP_NIL)
        bp_slot_at(p, prev)->next = id;
    else
        l->head = id;
    if (next != BP_NIL)
        bp_slot_at(p, next)->prev = id;
    else
        l->tail = id;
    l->n++;
}

/* At the end, or before those with greater numbers there; what is fetched
   ahead of time comes newest first. */
static void list_append(struct bp_pool *p, uint32_t id) {
    const struct bp_slot *s = bp_slot_at(p, id);
    uint32_t prev = p->window.wanted[s->rank].tail, next = BP_NIL;
    while (prev != BP_NIL && s->rank != BP_CLASS_AHEAD &&
           bp_slot_at(p, prev)->number > s->number) {
        next = prev;
        prev = bp_slot_at(p, prev)->prev;
    }
    list_put(p, id, prev, next);
}

/* Back to the front, in the order of numbers: the lowest are needed first. */
static void list_return(struct bp_pool *p, uint32_t id) {
    const struct bp_slot *s = bp_slot_at(p, id);
    uint32_t next = p->window.wanted[s->rank].head, prev = BP_NIL;
    while (next != BP_NIL && bp_slot_at(p, next)->number < s->number) {
        prev = next;
        next = bp_slot_at(p, next)->next;
    }
    list_put(p, id, prev, next);
}

/* ---- changes of state --------------------------------------------------- */

static bool missing(const struct bp_slot *s) {
    return s->rank == BP_CLASS_BEST && s->state != BP_SLOT_HERE;
}

/* The one place where a slot changes its state. */
static void become(struct bp_pool *p, uint32_t id, enum bp_slot_state state) {
    struct bp_slot *s = bp_slot_at(p, id);
    struct bp_window *w = &p->window;
    if (s->state == BP_SLOT_WANTED) list_remove(p, id);
    w->missing -= missing(s);
    s->state = state;
    w->missing += missing(s);
    if (state != BP_SLOT_WANTED) return;
    list_return(p, id);
    s->beside = 0;
    w->yielded = UINT64_MAX; /* it may go now */
}

static void resize(struct bp_pool *p, struct bp_slot *s, uint32_t size) {
    p->window.used += size;
    p->window.used -= s->size;
    p->window.bytes[s->rank] += size;
    p->window.bytes[s->rank] -= s->size;
    s->size = size;
}

static uint32_t slot_take(struct bp_pool *p, uint64_t number,
                          enum bp_class rank) {
    struct bp_window *w = &p->window;
    uint32_t id = bp_table_take(&w->slots);
    if (id == BP_NIL) {
        bp_wake_for(p, &w->slots);
        return BP_NIL;
    }
    struct bp_slot *s = bp_slot_at(p, id);
    s->state = BP_SLOT_WANTED;
    s->rank = rank;
    s->number = number;
    s->since = p->now;
    if (rank != BP_CLASS_ROOT) resize(p, s, w->reserve);
    w->missing += missing(s);
    w->n_ahead += rank == BP_CLASS_AHEAD;
    w->n_roots += rank == BP_CLASS_ROOT;
    list_append(p, id);
    return id;
}

uint32_t bp_slot_new(struct bp_pool *p, bp_ref ref, enum bp_class rank) {
    uint32_t id = slot_take(p, bp_link_number(&p->forest, ref), rank);
    if (id == BP_NIL) return BP_NIL;
    bp_slot_at(p, id)->link = ref;
    bp_link_at(&p->forest, ref)->slot = id;
    return id;
}

uint32_t bp_slot_next(struct bp_pool *p, bp_ref ref, enum bp_class rank) {
    uint32_t id = bp_slot_new(p, ref, rank);
    if (id != BP_NIL) resize(p, bp_slot_at(p, id), 0);
    return id;
}

/* ---- blocks of which only the hash is claimed ---------------------------- */

uint32_t bp_slot_bare(struct bp_pool *p, const bp_hash *hash, uint64_t number,
                      uint64_t owner, bool only_owner, enum bp_class rank) {
    struct bp_peer *peer = only_owner ? bp_peer_of(p, owner) : NULL;
    if (peer != NULL && peer->roots >= BP_ROOTS) return BP_NIL;
    uint32_t id = slot_take(p, number, only_owner ? BP_CLASS_ROOT : rank);
    if (id == BP_NIL) return BP_NIL;
    if (peer != NULL) peer->roots++;
    struct bp_slot *s = bp_slot_at(p, id);
    s->link = BP_NIL;
    s->hash = *hash;
    s->owner = owner;
    s->only_owner = s->root = only_owner;
    bool added = bp_index_add(&p->window.bare, hash, id);
    assert(added); /* as many cells as slots */
    return id;
}

uint32_t bp_slot_find_bare(const struct bp_pool *p, const bp_hash *hash) {
    if (p->window.bare.n == 0) return BP_NIL;
    struct bp_probe probe = bp_index_begin(&p->window.bare, hash);
    for (;;) {
        uint32_t id = bp_index_next(&p->window.bare, &probe);
        if (id == BP_NIL || bp_hash_eq(&bp_slot_at(p, id)->hash, hash))
            return id;
    }
}

void bp_slot_anyone(struct bp_pool *p, uint32_t id) {
    struct bp_slot *s = bp_slot_at(p, id);
    if (!s->only_owner) return;
    s->only_owner = false;
    bp_slot_headed(p, id); /* that the owner failed is nothing to others */
}

/* It is no root any more. */
static void root_ends(struct bp_pool *p, const struct bp_slot *s) {
    p->window.n_roots -= s->rank == BP_CLASS_ROOT;
    struct bp_peer *peer =
        s->rank == BP_CLASS_ROOT ? bp_peer_of(p, s->owner) : NULL;
    if (peer != NULL) peer->roots--;
}

void bp_slot_dress(struct bp_pool *p, uint32_t id, bp_ref ref) {
    struct bp_slot *s = bp_slot_at(p, id);
    if (s->rank == BP_CLASS_ROOT) {
        bp_slot_promote(p, id, BP_CLASS_AHEAD);
        resize(p, s, p->window.reserve);
    }
    bp_index_remove(&p->window.bare, &s->hash, id);
    s->link = ref;
    s->number = bp_link_number(&p->forest, ref);
    bp_link_at(&p->forest, ref)->slot = id;
    bp_slot_headed(p, id); /* others can bring it now */
}

void bp_slot_promote(struct bp_pool *p, uint32_t id, enum bp_class rank) {
    struct bp_slot *s = bp_slot_at(p, id);
    if (s->rank == rank) return;
    root_ends(p, s);
    bool listed = s->state == BP_SLOT_WANTED;
    if (listed) list_remove(p, id);
    p->window.missing -= missing(s);
    p->window.bytes[s->rank] -= s->size;
    p->window.bytes[rank] += s->size;
    p->window.n_ahead -= s->rank == BP_CLASS_AHEAD;
    p->window.n_ahead += rank == BP_CLASS_AHEAD;
    s->rank = rank;
    p->window.missing += missing(s);
    if (listed) list_append(p, id);
}

/* Frees a slot that no link and no index names any more. */
static void slot_free(struct bp_pool *p, uint32_t id) {
    struct bp_slot *s = bp_slot_at(p, id);
    root_ends(p, s);
    if (s->state == BP_SLOT_WANTED) list_remove(p, id);
    p->window.missing -= missing(s);
    if (s->state == BP_SLOT_HERE) p->stat.blocks_held--;
    p->window.failed -= s->tries > 0;
    p->window.n_ahead -= s->rank == BP_CLASS_AHEAD;
    resize(p, s, 0);
    bp_giver_drop(p, s->by, 1);
    bp_table_give(&p->window.slots, id);
}

void bp_slot_drop_bare(struct bp_pool *p, uint32_t id) {
    struct bp_slot *s = bp_slot_at(p, id);
    assert(s->link == BP_NIL && s->state != BP_SLOT_HERE);
    bp_index_remove(&p->window.bare, &s->hash, id);
    slot_free(p, id);
    p->window.dropped++;
}

uint64_t bp_window_forget(struct bp_pool *p, struct bp_plink *link) {
    if (link->slot == BP_NIL) return 0;
    uint32_t id = link->slot;
    uint64_t item = bp_slot_at(p, id)->item;
    link->slot = BP_NIL;
    slot_free(p, id);
    return item;
}

/* Takes the slot off its link, which may want it again when there is room;
   returns the item of the body. */
static uint64_t let_go(struct bp_pool *p, uint32_t id) {
    struct bp_forest *f = &p->forest;
    const struct bp_slot *s = bp_slot_at(p, id);
    struct bp_stretch *st = bp_stretch_at(f, bp_link_stretch(f, s->link));
    struct bp_section *section = bp_section_at(f, st->section);
    st->ahead = false;
    if (section->connected && s->number < section->want_next)
        section->want_next = s->number;
    return bp_window_forget(p, bp_link_at(f, s->link));
}

bool bp_slot_spare(const struct bp_pool *p, const struct bp_slot *s) {
    if (s->state == BP_SLOT_ASKED) return false;
    if (s->link == BP_NIL) return !s->root;
    const struct bp_plink *l = bp_link_at(&p->forest, s->link);
    return (l->flags & BP_PL_IN_JOB) == 0 && l->pins == 0;
}

void bp_slot_evict(struct bp_pool *p, uint32_t id) {
    const struct bp_slot *s = bp_slot_at(p, id);
    if (s->state == BP_SLOT_HERE) {
        p->stat.refused++;
        /* It comes back only where there is room for it. */
        if (s->size > p->window.reserve) p->window.reserve = s->size;
    }
    if (s->link == BP_NIL) {
        bp_slot_drop_bare(p, id);
    } else {
        bp_release(p, let_go(p, id));
    }
}

void bp_slot_ask(struct bp_pool *p, uint32_t id, bp_req_id req) {
    struct bp_slot *s = bp_slot_at(p, id);
    if (s->state == BP_SLOT_WANTED) become(p, id, BP_SLOT_ASKED);
    assert(s->req[1] == 0);
    s->req[s->req[0] == 0 ? 0 : 1] = req;
}

bool bp_slot_asked_by(const struct bp_pool *p, uint32_t id, bp_req_id req) {
    const struct bp_slot *s = bp_slot_at(p, id);
    return s->cell.live != 0 && (s->req[0] == req || s->req[1] == req);
}

bool bp_slot_hinted(const struct bp_slot *s, const struct bp_peer *peer) {
    return s->link == BP_NIL && s->owner == peer->serial && !s->root &&
           !s->announced;
}

bool bp_slot_idle(const struct bp_slot *s, bp_req_id req) {
    return s->state == BP_SLOT_WANTED ||
           (s->state == BP_SLOT_ASKED && s->req[0] == req && s->req[1] == 0);
}

void bp_window_unask(struct bp_pool *p, uint32_t id, bp_req_id req) {
    if (!bp_slot_asked_by(p, id, req)) return;
    struct bp_slot *s = bp_slot_at(p, id);
    if (s->req[0] == req) s->req[0] = s->req[1]; /* the second is the first */
    s->req[1] = 0;
    if (s->req[0] == 0 && s->state == BP_SLOT_ASKED)
        become(p, id, BP_SLOT_WANTED);
}

void bp_window_missed(struct bp_pool *p, uint32_t id,
                      const struct bp_request *r) {
    if (!bp_slot_asked_by(p, id, r->id)) return;
    const struct bp_peer *peer = &p->peer[r->peer];
    struct bp_slot *s = bp_slot_at(p, id);
    bp_slot_failed(p, s, peer, r->hedge);
    /* Nobody else stands for it: its notice may ask the next one. */
    if (s->link == BP_NIL && s->announced && s->owner == peer->serial)
        bp_slot_drop_bare(p, id);
}

void bp_slot_headed(struct bp_pool *p, uint32_t id) {
    struct bp_slot *s = bp_slot_at(p, id);
    p->window.failed -= s->tries > 0;
    s->tries = s->rounds = 0;
    s->retry = s->turn = 0;
    for (int i = 0; i < BP_LACKS; i++) s->lack[i] = 0;
}

bool bp_slot_lacks(const struct bp_slot *s, const struct bp_peer *peer) {
    for (int i = 0; i < BP_LACKS; i++)
        if (s->lack[i] == peer->serial) return true;
    return false;
}

/* ---- bodies -------------------------------------------------------------- */

uint32_t bp_window_mean(const struct bp_pool *p) {
    const struct bp_window *w = &p->window;
    if (w->n_sizes == 0) return w->reserve;
    uint32_t mean = (uint32_t)(w->sum_sizes / w->n_sizes);
    return mean > 0 ? mean : 1;
}

/* The 90th percentile of recent sizes: the least of the greatest tenth. */
static uint32_t tenth_greatest(const struct bp_window *w) {
    uint32_t top[BP_SIZES / 10 + 1] = { 0 }, n = 0;
    uint32_t most = w->n_sizes - w->n_sizes * 9 / 10;
    for (uint32_t i = 0; i < w->n_sizes; i++) {
        uint32_t size = w->sizes[i];
        if (n == most && size <= top[n - 1]) continue;
        uint32_t k = n < most ? n++ : n - 1;
        for (; k > 0 && top[k - 1] < size; k--) top[k] = top[k - 1];
        top[k] = size;
    }
    return top[most - 1];
}

/* The reserve follows that percentile; in a window of few blocks it is nearer
   to the mean, or most of the window would be set aside for nothing. */
static void note_size(struct bp_pool *p, uint32_t size) {
    struct bp_window *w = &p->window;
    uint32_t *place = &w->sizes[w->fresh_sizes++ % BP_SIZES];
    w->sum_sizes += size;
    w->sum_sizes -= *place; /* 0 at first */
    *place = size;
    if (w->n_sizes < BP_SIZES) w->n_sizes++;
    if (w->fresh_sizes % 64 != 0 && w->fresh_sizes != 16) return;
    w->reserve = tenth_greatest(w);
    if (p->cfg.window_bytes / BP_FEW_BLOCKS < w->reserve)
        w->reserve = (w->reserve + bp_window_mean(p)) / 2;
    if (w->reserve < BP_RESERVE_MIN) w->reserve = BP_RESERVE_MIN;
}

/* Somebody has what everybody lacked, and perhaps what is above it. */
static void hope_again(struct bp_pool *p, enum bp_class rank) {
    for (uint32_t id = p->window.wanted[rank].head; id != BP_NIL;
         id = bp_slot_at(p, id)->next)
        if (bp_slot_at(p, id)->rounds >= BP_ROUNDS) bp_slot_headed(p, id);
}

void bp_slot_fill(struct bp_pool *p, uint32_t id, uint64_t item, uint32_t size,
                  bp_by by) {
    struct bp_slot *s = bp_slot_at(p, id);
    become(p, id, BP_SLOT_HERE);
    if (s->rounds >= BP_ROUNDS) hope_again(p, s->rank);
    s->item = item;
    s->by = by;
    s->pushed = false;
    s->req[0] = s->req[1] = 0;
    bp_giver_hold(p, by, 1);
    resize(p, s, size > BP_RESERVE_MIN ? size : BP_RESERVE_MIN);
    note_size(p, size);
    bp_moved(p);
    p->stat.blocks_held++;
    p->stat.blocks_seen++;
}

void bp_window_refuse(struct bp_pool *p, uint32_t id) {
    struct bp_slot *s = bp_slot_at(p, id);
    assert(s->state == BP_SLOT_HERE);
    struct bp_plink *l = bp_link_at(&p->forest, s->link);
    if (bp_link_bodiless(l)) {
        bp_release(p, bp_window_forget(p, l)); /* it needs none */
        return;
    }
    bp_release(p, s->item);
    s->item = 0;
    if (s->by != 0 && !bp_giver_at(p, s->by)->gone) {
        uint32_t place = bp_peer_find(p, bp_giver_at(p, s->by)->session);
        if (place != BP_NIL) bp_slot_failed(p, s, &p->peer[place], false);
    }
    bp_giver_drop(p, s->by, 1);
    s->by = 0;
    p->stat.blocks_held--;
    become(p, id, BP_SLOT_WANTED);
}

/* At once, for each goes back to its place in a list. */
#define REFUSED_MOST 256

void bp_window_refuse_all(struct bp_pool *p, bp_by by) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->window.slots.used && n < REFUSED_MOST; i++) {
        const struct bp_slot *s = bp_table_get(&p->window.slots, i);
        if (s == NULL || s->state != BP_SLOT_HERE || s->by != by ||
            s->link == BP_NIL || !bp_slot_spare(p, s))
            continue;
        const struct bp_plink *l = bp_link_at(&p->forest, s->link);
        if ((l->flags & BP_PL_BARE) != 0 || !bp_release_room(p)) continue;
        bp_window_refuse(p, i);
        n++;
    }
}
