/* pages: the lists of hashes that a peer gave, as it gave them.

   A page says what the peer claims to be below one hash, and nothing else:
   where it belongs is looked up each time, by the number and the hash above.
   So a page can be useless, but never out of date. */
#include <string.h>

#include "pool/state.h"

uint32_t bp_pages_max(const struct bp_pool_config *c) {
    uint64_t n = c->links_max / 2 / BP_PAGE_HASHES;
    return (uint32_t)n + BP_PAGES_OWN * c->peers_max;
}

void bp_page_free(struct bp_pool *p, struct bp_peer *peer, uint32_t id) {
    struct bp_page *page = bp_page_at(p, id);
    if (page->prev != BP_NIL)
        bp_page_at(p, page->prev)->next = page->next;
    else
        peer->first_page = page->next;
    if (page->next != BP_NIL)
        bp_page_at(p, page->next)->prev = page->prev;
    else
        peer->last_page = page->prev;
    peer->n_pages--;
    bp_table_give(&p->pages, id);
}

static uint32_t page_new(struct bp_pool *p, struct bp_peer *peer) {
    uint32_t id = bp_table_take(&p->pages);
    if (id == BP_NIL) return BP_NIL;
    struct bp_page *page = bp_page_at(p, id);
    page->prev = peer->last_page;
    page->next = page->newer = BP_NIL;
    if (page->prev != BP_NIL)
        bp_page_at(p, page->prev)->next = id;
    else
        peer->first_page = id;
    peer->last_page = id;
    peer->n_pages++;
    return id;
}

/* One of the peer's pages has room for these right above its first. */
static uint32_t prepend(struct bp_pool *p, const struct bp_peer *peer,
                        const bp_hash *from, uint64_t top,
                        const bp_hash *hashes, uint32_t n) {
    uint64_t low = top - n + 1;
    for (uint32_t id = peer->last_page; id != BP_NIL;
         id = bp_page_at(p, id)->prev) {
        struct bp_page *page = bp_page_at(p, id);
        if (page->top + 1 != low || page->n + n > BP_PAGE_HASHES ||
            !bp_hash_eq(&page->from, &hashes[n - 1]))
            continue;
        memmove(page->hash + n, page->hash, page->n * sizeof *page->hash);
        memcpy(page->hash, hashes, n * sizeof *hashes);
        page->from = *from;
        page->top = top;
        page->n += n;
        for (uint32_t k = 0; k < page->n_roots; k++) page->root[k] += n;
        return id;
    }
    return BP_NIL;
}

/* One of them ends with `from`, and has room for these. */
static uint32_t append(struct bp_pool *p, const struct bp_peer *peer,
                       const bp_hash *from, uint64_t top, const bp_hash *hashes,
                       uint32_t n) {
    for (uint32_t id = peer->last_page; id != BP_NIL;
         id = bp_page_at(p, id)->prev) {
        struct bp_page *page = bp_page_at(p, id);
        if (page->top - (page->n - 1) != top + 1 || page->grounded ||
            page->n_roots == BP_UNCONFIRMED || page->n + n > BP_PAGE_HASHES ||
            !bp_hash_eq(&page->hash[page->n - 1], from))
            continue;
        memcpy(page->hash + page->n, hashes, n * sizeof *hashes);
        page->n += n;
        page->root[page->n_roots++] = page->n - 1;
        return id;
    }
    return BP_NIL;
}

uint32_t bp_page_add(struct bp_pool *p, struct bp_peer *peer,
                     const bp_hash *from, uint64_t top, const bp_hash *hashes,
                     uint32_t n) {
    peer->pages_given++;
    uint32_t id = prepend(p, peer, from, top, hashes, n);
    if (id == BP_NIL) id = append(p, peer, from, top, hashes, n);
    if (id != BP_NIL) return id;
    id = page_new(p, peer);
    if (id == BP_NIL) return BP_NIL;
    struct bp_page *page = bp_page_at(p, id);
    page->from = *from;
    page->top = top;
    page->n = n;
    memcpy(page->hash, hashes, n * sizeof *hashes);
    page->root[page->n_roots++] = n - 1;
    return id;
}

void bp_page_confirm(struct bp_page *page, uint32_t at) {
    uint32_t n = 0;
    for (uint32_t k = 0; k < page->n_roots; k++)
        if (page->root[k] > at) page->root[n++] = page->root[k];
    page->n_roots = n;
    page->confirmed = true;
}

void bp_page_truncate(struct bp_page *page, uint32_t at) {
    page->n = at + 1;
    page->grounded = false;
    while (page->n_roots > 0 && page->root[page->n_roots - 1] > at)
        page->n_roots--;
}

/* Whether the page says what is below this hash. */
static bool continues(const struct bp_page *page, uint64_t number,
                      const bp_hash *hash) {
    if (number == page->top + 1) return bp_hash_eq(&page->from, hash);
    uint64_t k = page->top - number;
    return number <= page->top && k + 1 < page->n &&
           bp_hash_eq(&page->hash[k], hash);
}

static bool holds(const struct bp_page *page, uint64_t number,
                  const bp_hash *hash) {
    uint64_t k = page->top - number;
    return number <= page->top && k < page->n &&
           bp_hash_eq(&page->hash[k], hash);
}

bool bp_pages_meet(const struct bp_pool *p, const struct bp_peer *peer,
                   uint64_t end, uint64_t n) {
    for (uint32_t id = peer->first_page; id != BP_NIL;
         id = bp_page_at(p, id)->next) {
        const struct bp_page *page = bp_page_at(p, id);
        if (page->top - (page->n - 1) < end && page->top + 1 + n >= end)
            return true;
    }
    return false;
}

typedef bool page_says(const struct bp_page *page, uint64_t number,
                       const bp_hash *hash);

static uint32_t find(const struct bp_pool *p, const struct bp_peer *peer,
                     uint32_t after, page_says *says, uint64_t number,
                     const bp_hash *hash) {
    uint32_t from = after != BP_NIL ? bp_page_at(p, after)->next : BP_NIL;
    for (uint32_t id = from; id != BP_NIL; id = bp_page_at(p, id)->next)
        if (says(bp_page_at(p, id), number, hash)) return id;
    for (uint32_t id = peer->first_page; id != from;
         id = bp_page_at(p, id)->next)
        if (says(bp_page_at(p, id), number, hash)) return id;
    return BP_NIL;
}

uint32_t bp_page_below(const struct bp_pool *p, const struct bp_peer *peer,
                       uint32_t after, uint64_t number, const bp_hash *hash) {
    return find(p, peer, after, continues, number, hash);
}

uint32_t bp_page_with(const struct bp_pool *p, const struct bp_peer *peer,
                      uint32_t after, uint64_t number, const bp_hash *hash) {
    return find(p, peer, after, holds, number, hash);
}

bool bp_pages_confirm(struct bp_pool *p, const struct bp_peer *peer,
                      uint64_t number, const struct bp_link *link) {
    bool holds_true = true;
    for (uint32_t id = peer->first_page; id != BP_NIL;
         id = bp_page_at(p, id)->next) {
        struct bp_page *page = bp_page_at(p, id);
        if (holds(page, number, &link->hash))
            bp_page_confirm(page, (uint32_t)(page->top - number));
        else if (!continues(page, number, &link->hash))
            continue;
        if (link->number != number) holds_true = false;
        if (!continues(page, number, &link->hash)) continue; /* its last */
        const bp_hash *next = &page->hash[page->top + 1 - number];
        if (!bp_hash_eq(next, &link->parent)) holds_true = false;
    }
    return holds_true;
}
