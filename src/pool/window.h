/* window.h: the blocks whose bodies are wanted, asked for and held. Which of
   them give way is said in room.c. */
#ifndef BP_POOL_WINDOW_H
#define BP_POOL_WINDOW_H

#include "pool/forest.h"

struct bp_peer;
struct bp_request;

#define BP_LACKS          4    /* peers that failed one block */
#define BP_CUTS           3    /* replies may end before it so often */
#define BP_ROUNDS         2    /* of asking all, before others wait for it */
#define BP_BLOCK_REQUESTS 2    /* at once at one peer with ids, at least */
#define BP_BLOCKS_FIRST   16   /* blocks of the first ask of a peer */
#define BP_FEW_BLOCKS     8    /* of what is set aside for one, in a window */
#define BP_RESERVE_MIN    512  /* bytes set aside for a block, at least */
#define BP_RESERVE_FIRST  4096 /* … before sizes are known */

enum bp_slot_state {
    BP_SLOT_WANTED, /* in a list of wanted */
    BP_SLOT_ASKED,
    BP_SLOT_HERE
};

/* Whose wants come first. */
enum bp_class {
    BP_CLASS_ROOT, /* heads and the last blocks of lists, not here yet: few of
                      each peer, and no bytes are set aside for them */
    BP_CLASS_BEST,
    BP_CLASS_RIVAL,
    BP_CLASS_AHEAD,
    BP_CLASSES
};
#define BP_ROOTS 16 /* of one peer; half of them may be announced */

struct bp_slot {
    struct bp_cell cell;
    enum bp_slot_state state;
    enum bp_class rank;
    bp_ref link;         /* BP_NIL: only its hash is known */
    bp_hash hash;        /* … this */
    uint64_t owner;      /* … serial of the peer that claims it */
    bool only_owner;     /* … and is the only one to be asked */
    bool announced;      /* … not by a trail */
    bool root;           /* more hangs on it than its block: stays */
    uint32_t prev, next; /* in its list of wanted */
    uint32_t size;       /* bytes, reserved or real */
    bp_by by;            /* who sent the body, */
    bool pushed;         /* … without being asked */
    uint16_t tries;      /* failures */
    uint16_t rounds;     /* of asking everybody in turn */
    uint16_t cuts;       /* replies that ended before it */
    uint8_t beside;      /* asked beside somebody, since it was wanted last */
    uint64_t item;       /* of the body */
    uint64_t number;
    bp_req_id req[2];        /* that ask for it */
    bp_time since;           /* first wanted */
    bp_time retry;           /* those that failed it are not asked before */
    uint64_t turn;           /* serial of the last that failed in its turn */
    uint64_t lack[BP_LACKS]; /* serials of peers that failed it */
};

struct bp_list {
    uint32_t head, tail, n;
};

#define BP_SIZES 128 /* recent body sizes */
struct bp_window {
    struct bp_table slots;
    struct bp_index bare;       /* hash -> slot without a link */
    uint64_t dropped;           /* counts such that went, to be wanted again */
    uint64_t used;              /* bytes reserved, held and in insertion, */
    uint64_t bytes[BP_CLASSES]; /* … of each class */
    uint32_t n_ahead;           /* slots for unconnected sections, */
    uint32_t n_roots;           /* … of heads and last blocks of lists */
    bool denied;                /* a rival got no room in this step, */
    bool yields;        /* … or in the last: the best leaves it its share */
    uint64_t yielded;   /* `used` when nothing more could be given to a rival */
    bp_time yield_next; /* once a moment: what goes must not come back in it */
    uint32_t scans;     /* of all slots, in this step */
    uint64_t classes;   /* which sections had which class lately */
    struct bp_list wanted[BP_CLASSES];
    uint32_t sizes[BP_SIZES];
    uint32_t n_sizes, fresh_sizes;
    uint64_t sum_sizes;
    uint32_t reserve;  /* bytes set aside for one block */
    uint32_t missing;  /* of the best class: wanted or asked */
    uint32_t failed;   /* slots that somebody failed */
    bp_time retry_due; /* earliest retry of a wanted one */
};

/* ---- opening.c ---- */
/* Wants the bodies of connected sections; the rest of the window is for what
   is only claimed, or dangles. */
void bp_window_open(struct bp_pool *p);
/* Bodies of the heaviest dangling branch, within a quarter of the window, if
   the seals of its links held when probed. */
void bp_window_open_ahead(struct bp_pool *p);
/* One more block of that class fits the window. */
bool bp_window_has_room(struct bp_pool *p, enum bp_class rank);
/* What is left to rivals when the best branch could have it all. */
uint64_t bp_window_share(const struct bp_pool *p);
/* The slot of the next block of that joined branch, or BP_NIL. */
uint32_t bp_window_next(const struct bp_pool *p, uint32_t section);
/* Everybody was asked for the lowest block of that joined branch, and lacks it.
   It is a rival then, whatever its work, and whoever else is there. */
bool bp_window_deserted(const struct bp_pool *p, uint32_t section);
/* Something is joined, and all of it is deserted. */
bool bp_window_all_deserted(struct bp_pool *p);
/* The lowest block of the best branch is here: it goes in at once. */
bool bp_window_next_here(struct bp_pool *p);

/* ---- window.c ---- */
void bp_window_schedule(struct bp_pool *p);
void bp_on_blocks(struct bp_pool *p, const struct bp_ev_blocks *ev);
/* The slot of the lowest missing block of the best branch, or BP_NIL. */
uint32_t bp_window_lowest(const struct bp_pool *p);

/* ---- turn.c ---- */
/* Marks the sections that the peer claims to have: those under its head.
   False: where its head belongs is not known, or not what it stands on. */
bool bp_claims_mark(struct bp_pool *p, const struct bp_peer *peer);
/* After that: it claims to have this block, whose link is known. */
bool bp_slot_claimed(const struct bp_pool *p, const struct bp_slot *s,
                     const struct bp_peer *peer);
/* One of its lists has this block. */
bool bp_slot_listed(const struct bp_pool *p, const struct bp_slot *s,
                    const struct bp_peer *peer);
/* It may be asked of it besides another that takes long; once even if it failed
   it before, for it claims it. */
bool bp_slot_may_hedge(struct bp_pool *p, const struct bp_slot *s,
                       const struct bp_peer *peer, bool once);
/* The block may be asked of it now; bp_claims_mark said `placed`. */
bool bp_slot_suits(struct bp_pool *p, const struct bp_slot *s,
                   const struct bp_peer *peer, bool placed);
/* The peer failed to bring it; with `hedge` not in its own turn. */
void bp_slot_failed(struct bp_pool *p, struct bp_slot *s,
                    const struct bp_peer *peer, bool hedge);
/* Asks for headers where the block does not come whole any more. */
void bp_headers_ask(struct bp_pool *p);

/* ---- soon.c ---- */
/* In how many ms a peer would have brought so many blocks, if asked now. */
uint64_t bp_soon(const struct bp_pool *p, const struct bp_peer *peer,
                 uint32_t count);
/* How long until something that is expected then; when it is overdue, as long
   again as that. */
uint64_t bp_soon_rest(const struct bp_pool *p, bp_time ready);
/* A request for blocks goes out. */
void bp_soon_asked(const struct bp_pool *p, struct bp_request *r);
/* How many of the wanted blocks of the best branch others bring sooner than
   this peer would bring so many: those that are busy now. */
uint64_t bp_soon_left(struct bp_pool *p, uint32_t place, uint32_t count);

/* ---- slots.c ---- */
int bp_window_init(struct bp_pool *p) BP_MUST_USE;
void bp_window_free(struct bp_pool *p);
/* A slot for the body of a link, wanted; BP_NIL: no room. */
uint32_t bp_slot_new(struct bp_pool *p, bp_ref ref, enum bp_class rank);
/* The same, but it takes no bytes of the window until it comes. */
uint32_t bp_slot_next(struct bp_pool *p, bp_ref ref, enum bp_class rank);
/* The same for a block of which only the hash is claimed; with `only_owner` it
   is a root, and BP_NIL may mean that its owner has enough of those. */
uint32_t bp_slot_bare(struct bp_pool *p, const bp_hash *hash, uint64_t number,
                      uint64_t owner, bool only_owner, enum bp_class rank);
uint32_t bp_slot_find_bare(const struct bp_pool *p, const bp_hash *hash);
/* Its link came: it is a slot like others. */
void bp_slot_dress(struct bp_pool *p, uint32_t slot, bp_ref ref);
/* Others than its owner may be asked for it. */
void bp_slot_anyone(struct bp_pool *p, uint32_t slot);
/* Gives up a slot without a link. */
void bp_slot_drop_bare(struct bp_pool *p, uint32_t slot);
/* Nobody is asked for it, and nothing hangs on it: it may be given up. */
bool bp_slot_spare(const struct bp_pool *p, const struct bp_slot *s);
/* Gives up a slot that is not asked for, and its body; its link, or the trail
   that named it, may want it again when there is room. */
void bp_slot_evict(struct bp_pool *p, uint32_t slot);
void bp_slot_promote(struct bp_pool *p, uint32_t slot, enum bp_class rank);
void bp_slot_ask(struct bp_pool *p, uint32_t slot, bp_req_id req);
bool bp_slot_asked_by(const struct bp_pool *p, uint32_t slot, bp_req_id req);
/* The body came. */
void bp_slot_fill(struct bp_pool *p, uint32_t slot, uint64_t item,
                  uint32_t size, bp_by by);
/* Its header came: anybody may bring the body. */
void bp_slot_headed(struct bp_pool *p, uint32_t slot);
/* The peer failed to bring it lately. */
bool bp_slot_lacks(const struct bp_slot *s, const struct bp_peer *peer);
/* The link leaves: its slot is freed; returns the item of the body. */
uint64_t bp_window_forget(struct bp_pool *p, struct bp_plink *link);
/* It is wanted for what a list of this peer said, and nothing else. */
bool bp_slot_hinted(const struct bp_slot *s, const struct bp_peer *peer);
/* Nobody but this request asks for it. */
bool bp_slot_idle(const struct bp_slot *s, bp_req_id req);
/* A request no longer asks for this slot. */
void bp_window_unask(struct bp_pool *p, uint32_t slot, bp_req_id req);
/* The peer of the request failed to bring this slot's block. */
void bp_window_missed(struct bp_pool *p, uint32_t slot,
                      const struct bp_request *r);
/* The body was bad: it is released, and wanted again unless the header says
   that it is empty. */
void bp_window_refuse(struct bp_pool *p, uint32_t slot);
/* The same for what this one gave, and that is not being inserted: for some
   hundreds of it. */
void bp_window_refuse_all(struct bp_pool *p, bp_by by);
/* Bytes of a block, as of late, the mean. */
uint32_t bp_window_mean(const struct bp_pool *p);

#endif
