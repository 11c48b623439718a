/* trail.h: what a peer with bare hashes claims, and where that leads.

       head         page              page
       [ link ] --> [ h1 h2 … hn ] --> [ … ] --> connected
                    from: the head    from: hn

   A page is what the peer said, and stays true; a trail is where it leads, and
   is looked up (trail.c). */
#ifndef BP_POOL_TRAIL_H
#define BP_POOL_TRAIL_H

#include "blockpool/pool.h"
#include "pool/table.h"

#define BP_PAGE_HASHES 256
#define BP_PAGES_OWN   2 /* of each peer, whatever the others have */
#define BP_UNCONFIRMED 4 /* lists whose root block has not come yet */
#define BP_TRAILS      2 /* of a peer: the one it follows, and its new head's */

/* Hashes that a peer claims to be below `from`, newest first: one list, or
   several that follow each other. */
struct bp_page {
    struct bp_cell cell;
    uint32_t prev, next; /* of the peer's */
    uint32_t newer;      /* the next one up the trail that leads over it, */
    uint64_t high;       /* … which enters it at this number */
    uint32_t n;          /* never 0 */
    /* Where those lists end whose last block did not come, below the last of
       which it did; newest first. */
    uint32_t root[BP_UNCONFIRMED], n_roots; /* places in `hash` */
    bool confirmed;                         /* some list of it is */
    bool grounded; /* what is below its last hash is held */
    uint64_t mark; /* while it is looked for what can go */
    uint64_t top;  /* number of the first */
    bp_hash from;
    bp_hash hash[BP_PAGE_HASHES];
};

enum bp_trail_state {
    BP_TRAIL_NONE,
    BP_TRAIL_HEADLESS, /* the block it starts with is missing */
    BP_TRAIL_OPEN,     /* the next list is to be asked below `end` */
    BP_TRAIL_GROUNDED  /* `end`, or what is below it, is connected or held */
};

/* The way from a hash that a peer claims downward. Hints of what to fetch, no
   more. */
struct bp_trail {
    enum bp_trail_state state;
    bool numbered; /* the number of its start is known */
    bool cut;      /* it starts below a list that had to be given up */
    bp_hash head;  /* the claim that it is of */
    bp_hash start; /* the same, unless cut */
    uint64_t number;
    /* Looked up; good until more was lost than `seen`. */
    uint64_t seen;
    uint64_t given; /* lists of the peer, when `end` was looked up */
    bp_hash end;
    uint64_t end_number;
    uint32_t page;      /* the lowest one that it leads over, or BP_NIL */
    uint64_t want_next; /* number of the next block to want, upward */
    uint64_t scanned;   /* … from where none was dropped since */
    /* What it failed is its own, not the peer's or another branch's. */
    uint32_t fails;
    bp_time retry;
    uint64_t tried; /* tick of its last ask */
};

/* ---- pages.c ---- */

struct bp_pool;
struct bp_peer;

uint32_t bp_pages_max(const struct bp_pool_config *c);
/* The peer says that these, at most BP_PAGE_HASHES, are below `from`; the
   first has number top. The page they are on, or BP_NIL: no room. */
uint32_t bp_page_add(struct bp_pool *p, struct bp_peer *peer,
                     const bp_hash *from, uint64_t top, const bp_hash *hashes,
                     uint32_t n) BP_MUST_USE;
/* The block at this place came: the lists down to it are confirmed. */
void bp_page_confirm(struct bp_page *page, uint32_t at);
/* Nothing below this place is kept. */
void bp_page_truncate(struct bp_page *page, uint32_t at);
void bp_page_free(struct bp_pool *p, struct bp_peer *peer, uint32_t id);
/* A page of the peer that has this hash with that number; looked for behind
   the page `after` first. */
uint32_t bp_page_with(const struct bp_pool *p, const struct bp_peer *peer,
                      uint32_t after, uint64_t number, const bp_hash *hash);
/* … that says what is below it. */
uint32_t bp_page_below(const struct bp_pool *p, const struct bp_peer *peer,
                       uint32_t after, uint64_t number, const bp_hash *hash);
/* Some page has something to say of the n numbers below `end`. */
bool bp_pages_meet(const struct bp_pool *p, const struct bp_peer *peer,
                   uint64_t end, uint64_t n);
/* A block came that the peer's lists have with that number: false if they say
   something else of it. */
bool bp_pages_confirm(struct bp_pool *p, const struct bp_peer *peer,
                      uint64_t number, const struct bp_link *link) BP_MUST_USE;

/* ---- trail.c ---- */

/* Its place is to be looked up anew. */
void bp_trail_lose(const struct bp_pool *p, struct bp_trail *t);

/* ---- ground.c ---- */

/* Ends the lists where something connected since they were looked at. */
void bp_trail_raise(struct bp_pool *p, struct bp_peer *peer,
                    struct bp_trail *t);
/* What is inserted needs no hint any more. */
void bp_trail_shed(struct bp_pool *p, struct bp_peer *peer, struct bp_trail *t);

#endif
