/* forest.h: proved links, in sections that form a forest.

   A *section* is a run of consecutive links, newest to oldest. It has one
   parent section and any number of children; a fork is a section with two:

        newest                                     oldest
        [ 9 8 7 ]-----.
                       [ 6 5 4 3 ]  below: 2   joined, if the host holds 2
        [ 8'7' ]------'                        dangling, if nobody knows it

   A section's links lie in *chunks*, which never move, so the number of a
   link (bp_ref) stays good until it leaves; a section is a list of *stretches*
   of chunks. A split makes two stretches of one chunk, a merge concatenates
   two lists, and neither touches a link. A stretch may also be *condensed*:
   then only its ends, count and sum are left (a spine entry).

   The parent of a link is the next older one, its number follows from the
   chunk: neither is stored. */
#ifndef BP_POOL_FOREST_H
#define BP_POOL_FOREST_H

#include "blockpool/pool.h"
#include "pool/index.h"
#include "pool/table.h"

/* chunk << BP_REF_BITS | place */
typedef uint32_t bp_ref;
#define BP_REF_BITS  10
#define BP_CHUNK_MAX (1u << BP_REF_BITS)
/* So that every link has a number: 2^22 chunks of at least 16 places. */
#define BP_CHUNK_MIN 16

/* Who gave a link or a body; number of a giver + 1, 0: nobody any more. */
typedef uint16_t bp_by;

enum bp_plink_flag {
    BP_PL_EMPTY = 1,    /* its body is empty */
    BP_PL_CHECKED = 2,  /* passed a RUN check, or trusted */
    BP_PL_IN_JOB = 4,   /* a check or an insertion has it */
    BP_PL_DEAD = 8,     /* left the forest; its items are to be released */
    BP_PL_TRUSTED = 16, /* proved by the hash of a target */
    BP_PL_PUSHED = 32,  /* came as a pushed block */
    BP_PL_BARE = 64,    /* came in a whole block, has no header of its own */
    BP_PL_BURIED = 128, /* dead, in the grave */
    BP_PL_GIVEN = 256   /* nothing is here any more */
};

struct bp_plink {
    bp_hash hash;
    uint64_t item;
    uint64_t difficulty; /* low 64 bits; once dead: the item of its body */
    uint32_t slot;       /* of the window, or BP_NIL */
    uint32_t size;
    bp_by by;
    uint16_t flags; /* enum bp_plink_flag */
    uint32_t pins;  /* checks that have it as their parent */
};
_Static_assert(sizeof(struct bp_plink) == 64, "a link is one cache line");

struct bp_chunk {
    struct bp_cell cell;
    uint32_t cap;       /* places */
    uint32_t live;      /* places that hold something */
    uint32_t low, high; /* places [low, high) were used so far */
    uint32_t first;     /* its stretches, a list */
    uint32_t charge;    /* places charged to the giver, while unconnected */
    bp_by by;
    uint64_t number0; /* of place 0; place k has number0 - k */
    uint64_t *wide;   /* high 64 bits of difficulties, or NULL */
    struct bp_plink *link;
};

/* Consecutive links of one section: places of one chunk, or condensed. */
struct bp_stretch {
    struct bp_cell cell;
    uint32_t section;
    uint32_t newer, older; /* in the section */
    uint32_t chunk;        /* BP_NIL: condensed */
    uint32_t chunk_next;   /* of the same chunk */
    uint32_t n;
    uint32_t spine; /* condensed: its entry */
    bool proved;    /* a probe of it held */
    bool ahead;     /* its bodies were all asked ahead of time */
    uint64_t top;   /* number of its newest link */
    bp_u256 work;   /* sum of its difficulties */
};

struct bp_spine {
    struct bp_cell cell;
    bp_hash top;    /* hash of its newest link */
    bp_req_id fill; /* request that fills it, or 0 */
    uint32_t fails; /* requests in a row that did not */
};

struct bp_section {
    struct bp_cell cell;
    uint32_t parent, child;    /* sections, or BP_NIL */
    uint32_t sibling, brother; /* next and previous child of the parent */
    uint32_t newest, oldest;   /* stretches */
    uint32_t mem;              /* links in memory */
    uint32_t condensed;        /* stretches without links */
    bool connected;            /* some ancestor's `below` is held */
    bool trusted;              /* under a target */
    uint64_t n;                /* links, condensed ones too */
    uint64_t top;              /* number of the newest */
    bp_hash below;             /* parent of the oldest */
    bp_u256 work;              /* sum of its difficulties */
    bp_u256 base;              /* connected: total difficulty of `below` */
    bp_u256 value;             /* rank: work up to its top, */
    bp_u256 tip;               /* … and up to its heaviest leaf */
    uint64_t check_next;       /* connected: number of the next to check */
    uint64_t want_next;        /* … whose body is to be asked */
    uint32_t tries;            /* failures in a row */
    uint32_t root;             /* rank: of its tree */
    bp_time check_wait;        /* no check before, after LATER or FAILED */
    bp_time insert_wait;       /* no insertion before */
    bp_time progress;          /* last time it grew, joined or shrank */
    uint32_t condense_at;      /* where to look for more to condense */
    uint32_t sought;           /* stretch that was looked for last, far up */
    uint64_t mark;             /* on the branch that is being looked at */
    uint64_t tried;            /* tick of the last such request */
};

/* Most sections that are looked at for work in one step, heaviest first. */
#define BP_RANK_MAX 64

struct bp_forest {
    struct bp_mem *mem;
    struct bp_table chunks, stretches, sections, spine;
    struct bp_index index;   /* hash of a link -> bp_ref */
    struct bp_index orphans; /* `below` of a dangling section -> section */
    uint64_t places;         /* of all chunks */
    uint64_t places_max;
    uint64_t links;  /* in the forest, in memory, */
    uint64_t bare;   /* … without a header of their own */
    uint32_t grave;  /* stretches whose items are to be released */
    uint64_t buried; /* links of those */
    uint64_t losses; /* counts what went that hints may have relied on */
    /* Numbers of what was connected since hints were last looked at. */
    uint64_t joined_low, joined_high;
    uint64_t drops;    /* branches that were, ever */
    bool ranked;       /* `order` is up to date */
    uint32_t dangling; /* root of the heaviest branch that dangles */
    uint32_t n_order;  /* connected sections, heaviest branch first, */
    uint32_t order[BP_RANK_MAX]; /* older before newer in a branch */
};

static inline void bp_forest_joined(struct bp_forest *f, uint64_t low,
                                    uint64_t high) {
    if (low < f->joined_low) f->joined_low = low;
    if (high > f->joined_high) f->joined_high = high;
}

struct bp_pool;

int bp_forest_init(struct bp_forest *f, struct bp_mem *mem, uint64_t links_max,
                   uint64_t seed) BP_MUST_USE;
void bp_forest_free(struct bp_forest *f);
uint64_t bp_forest_bound(uint64_t links_max);

/* ---- links ---- */

static inline struct bp_chunk *bp_chunk_at(const struct bp_forest *f,
                                           uint32_t id) {
    return bp_table_at(&f->chunks, id);
}
static inline struct bp_plink *bp_link_at(const struct bp_forest *f,
                                          bp_ref ref) {
    struct bp_chunk *c = bp_chunk_at(f, ref >> BP_REF_BITS);
    return &c->link[ref & (BP_CHUNK_MAX - 1)];
}
/* Complete without a body. A whole block is not: its header is in it. */
static inline bool bp_link_bodiless(const struct bp_plink *l) {
    return (l->flags & (BP_PL_EMPTY | BP_PL_BARE)) == BP_PL_EMPTY;
}
static inline struct bp_stretch *bp_stretch_at(const struct bp_forest *f,
                                               uint32_t id) {
    return bp_table_at(&f->stretches, id);
}
static inline struct bp_section *bp_section_at(const struct bp_forest *f,
                                               uint32_t id) {
    return bp_table_at(&f->sections, id);
}

/* Of a condensed stretch. */
static inline struct bp_spine *bp_spine_at(const struct bp_forest *f,
                                           uint32_t stretch) {
    return bp_table_at(&f->spine, bp_stretch_at(f, stretch)->spine);
}

bp_ref bp_link_find(const struct bp_forest *f, const bp_hash *hash);
uint64_t bp_link_number(const struct bp_forest *f, bp_ref ref);
bp_u256 bp_link_difficulty(const struct bp_forest *f, bp_ref ref);
uint32_t bp_link_stretch(const struct bp_forest *f, bp_ref ref);
uint32_t bp_link_section(const struct bp_forest *f, bp_ref ref);
/* Work from the bottom of its section up to and with it. */
bp_u256 bp_link_work(const struct bp_forest *f, bp_ref ref);
/* Hash of its parent. */
const bp_hash *bp_link_parent(const struct bp_forest *f, bp_ref ref);

/* The link of that number in a section, or BP_NIL when it is condensed. */
bp_ref bp_section_link(const struct bp_forest *f, uint32_t section,
                       uint64_t number);
/* The next newer link in the section, or BP_NIL (condensed, or its top). */
bp_ref bp_link_newer(const struct bp_forest *f, bp_ref ref);
/* The hash of a section's newest link. */
const bp_hash *bp_section_top(const struct bp_forest *f, uint32_t section);
static inline uint64_t bp_section_bottom(const struct bp_section *s) {
    return s->top - (s->n - 1);
}
/* The root of its tree, found by going down to it. Who asks for many sections
   ranks, and reads `root`. */
uint32_t bp_section_root(const struct bp_forest *f, uint32_t section);
/* Who gave its oldest links, if they are in memory; 0: nobody. */
bp_by bp_section_giver(const struct bp_forest *f, uint32_t section);
/* Places of unconnected links of a giver in a tree. */
uint64_t bp_tree_charge(const struct bp_forest *f, uint32_t root, bp_by by);
/* A trusted block stands on the section: it comes before all others, and so
   does what it stands on. */
void bp_section_trust(struct bp_forest *f, uint32_t section);
/* The child on the heaviest branch, or BP_NIL. Ranks. */
uint32_t bp_section_heir(struct bp_forest *f, uint32_t section);

/* ---- storage (links.c) ---- */

/* Most places of a chunk that this budget has room for many of. */
uint32_t bp_links_unit(const struct bp_forest *f);
/* Places that n new links may take at an end of a section that has so many in
   memory. */
uint32_t bp_links_places(const struct bp_forest *f, uint64_t mem, uint32_t n);

enum bp_grow { BP_GROW_DOWN, BP_GROW_UP };

/* Puts n <= BP_CHUNK_MAX links, newest first, at one end of a section, or
   fails and changes nothing. `charge`: to the giver's account. The links must
   be new, and follow. */
bool bp_links_put(struct bp_pool *p, uint32_t section,
                  const struct bp_link *links, uint32_t n, bp_by by,
                  enum bp_grow where, bool charge);
/* Takes the n oldest links, all of one stretch, out of a section; they stay in
   their places, dead, until bp_link_give. The section may be empty then.
   Returns the sum of their difficulties. */
bp_u256 bp_links_pop(struct bp_pool *p, uint32_t section, uint32_t n);
/* Gives the place of a dead link back; its items are the caller's. */
void bp_link_give(struct bp_pool *p, bp_ref ref);
/* Cuts a section's list so that `ref` is the newest of what stays; the newer
   stretches become those of `upper`. False: no memory. */
bool bp_links_split(struct bp_pool *p, bp_ref ref, uint32_t upper);
/* Takes a condensed stretch out; the newer ones become those of `upper`. False:
   there is no newer one. */
bool bp_links_part(struct bp_pool *p, uint32_t stretch, uint32_t upper);
/* Marks all links of a section dead and moves them to the grave. */
void bp_links_bury(struct bp_pool *p, uint32_t section);
/* Leaves of a stretch only its ends, count and sum; its items go to the grave.
   `idle`: not if it has bodies, or a head. False: some link of it must stay,
   or no memory. */
bool bp_links_condense(struct bp_pool *p, uint32_t stretch, bool idle);
/* Puts links back, newest first, at the newer end of a condensed stretch;
   what they do not cover stays condensed. False: no room. */
bool bp_links_fill(struct bp_pool *p, uint32_t stretch,
                   const struct bp_link *links, uint32_t n, bp_by by);
/* Frees the place of a dead link, releasing its items, unless a job has it. */
void bp_link_settle(struct bp_pool *p, bp_ref ref);
/* Takes up to cap items of the grave; 0: it is empty. */
size_t bp_grave_take(struct bp_pool *p, uint64_t *items, size_t cap);
/* Takes a stretch's charge off its giver. */
void bp_stretch_uncharge(struct bp_pool *p, uint32_t stretch);

/* ---- sections (section.c) ---- */

enum bp_graft {
    BP_GRAFT_OK,
    BP_GRAFT_FULL,   /* no room */
    BP_GRAFT_INVALID /* numbers do not fit what is below, or a sum overflows */
};

/* Adds n <= BP_CHUNK_MAX links, newest first, all unknown, each the parent of
   the one before. `held` is what the host's chain says of the last parent.
   Sections that were waiting for the first one join; a waiting one whose
   number does not follow is dropped as invalid. With OK the forest owns the
   items, and *section is where they are: BP_NIL if they had to be dropped. */
enum bp_graft bp_forest_graft(struct bp_pool *p, const struct bp_link *links,
                              uint32_t n, bp_by by, const struct bp_held *held,
                              uint32_t *section);
/* Sections that wait for a link of the forest join it there. */
void bp_forest_adopt(struct bp_pool *p, const struct bp_link *links,
                     uint32_t n);
/* Makes a link the newest of its section; false: no room. */
bool bp_forest_split(struct bp_pool *p, bp_ref ref);
/* How many sections wait for this hash below them, 2 for more than one, and one
   of those. */
uint32_t bp_forest_waiting(const struct bp_forest *f, const bp_hash *hash,
                           uint32_t *first);
/* What is below a dangling section is held. False: it was dropped, for its
   number does not follow or its total difficulty overflows. */
bool bp_forest_join(struct bp_pool *p, uint32_t section,
                    const struct bp_held *held);
/* Takes out the n oldest links, all of one stretch, of a joined root section,
   now held; its children become roots when none is left. */
void bp_forest_pop(struct bp_pool *p, uint32_t section, uint32_t n);
/* Parts a joined section at a condensed stretch that nobody fills: the stretch
   goes, and what was above dangles, so that the walk of any peer closes the
   gap. False: a job has some of it, or no memory. */
bool bp_forest_part(struct bp_pool *p, uint32_t stretch);
/* Removes a link and all its descendants. */
void bp_forest_cut(struct bp_pool *p, bp_ref ref);
/* Removes a section and all its descendants. */
void bp_forest_drop(struct bp_pool *p, uint32_t section);
/* Brings `order`, roots and tips up to date. */
void bp_forest_rank(struct bp_forest *f);
/* The dangling root of the heaviest branch, or BP_NIL. */
uint32_t bp_forest_heaviest_dangling(struct bp_forest *f);
/* Total difficulty of a connected link. */
bp_u256 bp_forest_td(const struct bp_forest *f, bp_ref ref);

/* Next section number from `id` on that is taken, or BP_NIL. */
uint32_t bp_section_next(const struct bp_forest *f, uint32_t id);

#endif
