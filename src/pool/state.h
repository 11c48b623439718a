/* state.h: the whole state of a pool, and what its files offer each other.

   One file, one subject:

     engine    new, free, step: an event to its handler, then the scheduler
     config    defaults, sizes of tables, the bound
     action    the queue of actions; items to release
     peer      who is there, what they claim, who is best
     giver     who gave what, beyond sessions; blame and suspension
     request   the ledger: who was asked for what, and when it is late
     estimate  round trips, rates, deadlines, sizes
     walk      from heads downward, until something held is reached
     trail     the same for peers that answer with bare hashes
     pages     the lists that they gave
     ground    where those end, as the chain rises
     links     the places of links; section: the forest they form (forest.h)
     spine     what was condensed, and is filled again
     room      who gives way when a budget is full
     target    the hash that the host trusts
     announce  hashes and blocks that nobody asked for
     check     links checked by the host: probes and runs; the table of jobs
     opening   bodies: what is wanted
     window    … asked, and what came
     slots     … one by one
     soon      which peer would bring a block first
     turn      whom a missing block is asked of
     whole     blocks that bring their own link
     insert    complete runs to the host, oldest first
     status, why, trace       what it does, for people
     record, replay, codec    runs written down and played again
     invariant                what must be true after every step
     table, index, hashset    what all that is kept in

   Every function takes the pool; there is no other state. */
#ifndef BP_POOL_STATE_H
#define BP_POOL_STATE_H

#include "pool/forest.h"
#include "pool/hashset.h"
#include "pool/trail.h"
#include "pool/window.h"

/* ---- limits that are not config ---- */

#define BP_CHALLENGERS    3    /* walks beside the best and the heaviest */
#define BP_HEAD_LINKS     64   /* first ask of a head near to what we know */
#define BP_UNPROVED_LINKS 2048 /* admission of an unknown peer */
#define BP_PROBE_LINKS    1024 /* more of it for each reply that held */
#define BP_FILLS          4    /* condensed stretches filled at a time */
#define BP_FILL_TRIES     4    /* before a stretch is walked again */
#define BP_FILL_AHEAD     64   /* chunks above the lowest link */
#define BP_AHEAD          12   /* places of the index fetched beforehand */
#define BP_RECENT         2048 /* hashes inserted lately */
#define BP_BACKOFF_MS     1000 /* first pause after a failure, doubled */

/* ---- peers ---- */

enum bp_peer_state { BP_PEER_FREE, BP_PEER_LIVE, BP_PEER_CONDEMNED };

struct bp_rate {
    uint32_t samples;
    uint32_t size;        /* items of the next request */
    uint64_t ns_per_byte; /* of blocks, beyond the round trip, average */
    bp_time seen;         /* the last reply, or silence */
    uint64_t per_ks; /* what comes in a thousand seconds, moving average: items,
                        or bytes of blocks, whose sizes differ */
};

enum bp_rate_kind { BP_RATE_LINKS, BP_RATE_HASHES, BP_RATE_BLOCKS, BP_RATES };

struct bp_peer {
    enum bp_peer_state state;
    bp_peer_id id;
    uint64_t serial; /* of joining: orders peers */
    struct bp_peer_info info;
    bp_by by;
    bool has_top;     /* the number of its head is known, */
    uint64_t top;     /* … this */
    bool judged;      /* the claim's total difficulty was compared */
    bool counted;     /* gave something at least once */
    bool was_best;    /* was best at least once */
    bool leads;       /* … for the head that it claims now */
    uint32_t wrong;   /* claims that were wrong */
    uint64_t back;    /* tick of its last failure; 0: none since it helped */
    uint32_t fails;   /* failures in a row */
    bp_time retry;    /* not asked for its head or branch before */
    uint32_t crowded; /* times its branch went for want of room */
    bp_time progress; /* last time its branch moved */
    bp_time head_due; /* its head is to be here by then; 0: no failure yet */
    bp_time idle_due; /* idle then: we have more than its head; 0: not so */
    uint64_t tried;   /* tick of the last ask for its head */
    bp_hash lacks;    /* the last link at which it had nothing */
    uint32_t out[BP_RATES];  /* requests in flight */
    uint32_t late[BP_RATES]; /* … of which late, one at most */
    uint32_t lapses;         /* requests in a row that were late */
    bp_time hush;            /* asked for nothing before, while one is late */
    struct bp_rate rate[BP_RATES];
    uint32_t rtt_ms, rtt_samples;
    bp_time ready; /* with requests for blocks out: answered by then, as it is
                      expected */
    struct bp_trail trail[BP_TRAILS];
    uint32_t first_page, last_page; /* its lists */
    uint32_t n_pages;
    uint64_t pages_given; /* counts them */
    bool littered;        /* some may be of no use any more */
    bool hints;           /* slots may name it as the one who claims them */
    uint32_t roots;       /* slots of that class that name it */
    uint32_t notices;     /* announcements that wait */
    bool flooded;         /* it was told so */
    uint32_t body_fails;  /* replies without any block, in a row */
    uint8_t lacked;       /* replies with nothing of what was asked, in a row */
    uint8_t strays; /* blocks in a row that only others list, and it lacked */
    uint64_t most_bytes;  /* of a reply with blocks, */
    uint32_t most_blocks; /* … and blocks */
    bp_time body_retry;
    uint64_t links_given, blocks_given;
    uint32_t faults, offences;
    int last_fault;
};

struct bp_giver {
    struct bp_cell cell;
    bp_hash identity;
    bp_peer_id session;
    uint64_t refs;   /* links, bodies and chunks that name it */
    uint64_t charge; /* places of its unconnected links */
    uint64_t proved; /* replies whose probe held */
    uint32_t pushed; /* pushed blocks of it in the forest */
    bool gone;       /* the session ended */
    bool offended;   /* … for an offence; once is enough */
};
#define BP_GIVERS_MAX 8192

struct bp_suspended {
    bp_hash identity;
    bp_time until;
};

/* ---- requests ---- */

enum bp_ask {
    BP_ASK_HEAD,   /* links from a peer's head */
    BP_ASK_WALK,   /* links below a dangling section */
    BP_ASK_FILL,   /* links of a condensed stretch */
    BP_ASK_HASHES, /* the next list of a trail */
    BP_ASK_NOTICE, /* the link of an announced block */
    BP_ASK_HEADER, /* links of blocks that came whole, for their headers */
    BP_ASK_BODIES  /* blocks of the window */
};

enum bp_request_state {
    BP_REQ_OUT,     /* asked */
    BP_REQ_LATE,    /* its deadline passed; what it wanted is asked elsewhere */
    BP_REQ_ANSWERED /* bytes came, the content is being decoded */
};

struct bp_request {
    struct bp_cell cell;
    bp_req_id id;
    enum bp_request_state state;
    enum bp_ask ask;
    uint32_t peer; /* place in pool.peer */
    bool hedged;   /* it has or had a second */
    bool hedge;    /* the second of two */
    bool again;    /* some of it failed elsewhere */
    bool sure;     /* the peer claims to have it */
    bool overdue;  /* its deadline is over */
    bp_time sent, due, answered;
    bp_time ready;  /* answered by then, as it is expected; of blocks */
    uint64_t bytes; /* of the reply, as the host said; 0: it did not */
    bp_hash origin;
    uint32_t count;
    uint32_t n_wants;
    uint32_t *wants; /* slots of the window */
};

/* ---- announcements ---- */

#define BP_NOTICE_FROM 4  /* announcers of one block that are remembered */
#define BP_NEAR_BELOW  7  /* numbers under our head that are worth a look, */
#define BP_NEAR_ABOVE  32 /* … and above */

struct bp_notice {
    struct bp_cell cell;
    bp_hash hash;
    uint32_t n_from, tries;
    struct {
        uint32_t peer;
        bool has_number;
        uint64_t number;
    } from[BP_NOTICE_FROM];
    bp_time due; /* asked then, or given up */
};

/* ---- walks ---- */

/* What one or more peers' heads ask for next. */
struct bp_pursuit {
    uint32_t root;  /* dangling section to extend; BP_NIL: a head to fetch */
    bp_hash origin; /* to ask from */
    uint64_t below; /* number of the origin + 1 with a root */
    uint32_t asker; /* the peer to ask, or BP_NIL */
    bool best;      /* the best peer is among them */
    bool top;       /* its branch is the heaviest that dangles */
    bool target;    /* it is the target's */
    bool ahead;     /* somebody is ahead with it */
    bool busy;      /* asked, and not late */
    bool overdue;   /* … for more than half its deadline */
    struct bp_request *slow; /* that could be asked a second time */
    uint64_t tried;
};

/* ---- jobs ---- */

enum bp_job_kind { BP_JOB_PROBE, BP_JOB_RUN, BP_JOB_INSERT };

struct bp_job {
    bp_job_id id; /* 0: free */
    enum bp_job_kind kind;
    uint32_t n;
    bp_ref *links;      /* oldest first */
    bp_hash parent;     /* of the first */
    bp_ref parent_link; /* if it is in the forest; pinned */
    bp_time since;
};

/* ---- the rest ---- */

struct bp_recent {
    uint64_t number;
    bp_u256 td;
};

struct bp_actions {
    struct bp_action *ring;
    uint32_t head, n, max;
    uint64_t *loose; /* items to release, a ring */
    uint32_t loose_head, loose_n, loose_max;
    /* What the last action points to. */
    struct bp_want *wants;
    uint64_t *items;
    bp_hash *hashes;
    struct bp_insert_item *inserts;
};

struct bp_pool {
    struct bp_pool_config cfg; /* defaults filled in */
    struct bp_mem mem;
    uint64_t tables; /* the bound of mem.bytes */
    struct bp_rng rng;
    bp_time now;
    uint64_t mark; /* of sections, the last one given out */
    uint64_t tick; /* counts tries: fairness without a clock */
    struct bp_chain_head head;
    bp_u256 refused_td;
    struct bp_forest forest;

    struct bp_peer *peer;   /* [peers_max] */
    uint64_t *peer_id;      /* the same ids, dense */
    uint32_t n_peers, best; /* best: place, or BP_NIL */
    uint64_t peer_serial;
    struct bp_pursuit *pursuit; /* [peers_max] */
    bool *marked;               /* [peers_max] */
    bool number_turn;           /* the list by number is tried next */
    struct bp_table givers;
    struct bp_suspended *suspended; /* [suspended_max], a ring */
    uint32_t n_suspended, next_suspended;

    struct bp_table pages; /* of all peers */
    uint64_t page_mark;
    bp_time full_until; /* no memory for whole blocks: none wanted before */
    struct bp_table requests;
    uint32_t *wants; /* [requests][blocks_per_request] */
    uint64_t req_serial;
    uint32_t body_requests; /* in flight, late ones too */
    bp_time request_due;    /* earliest deadline */
    bp_time half_due;       /* earliest half deadline of one for blocks */

    struct bp_window window;
    struct bp_job *job; /* [n_jobs]; the last one inserts */
    uint32_t n_jobs;
    bp_ref *job_links;
    uint64_t job_serial;
    uint32_t checks;          /* runs and probes in flight */
    bp_time probe_wait;       /* after one that failed */
    struct bp_hashset probes; /* links whose seal is to be checked */
    uint64_t recent_top;      /* greatest number inserted */

    struct bp_table notices;
    struct bp_index notice_index;
    bp_time notice_due;
    struct {
        bool set;
        bool told; /* that it was reached */
        bp_hash hash;
        bool has_number;
        uint64_t number;
        struct bp_held known;
    } target;

    struct bp_hashset recent, bad;
    struct bp_recent *recent_info;

    struct bp_actions act;
    struct bp_pool_status stat;
    bp_time moved;        /* last time anything got further */
    bool synced, stalled; /* reported */
    bp_time wake;         /* earliest timer of the last scheduling */
};

/* ---- engine.c ---- */
void bp_wake_at(struct bp_pool *p, bp_time t); /* have step called by then */
/* … after a while, if the table gave nothing for want of memory. */
void bp_wake_for(struct bp_pool *p, const struct bp_table *t);

void bp_moved(struct bp_pool *p); /* something got further */

/* ---- announce.c ---- */
int bp_notices_init(struct bp_pool *p) BP_MUST_USE;
void bp_notices_free(struct bp_pool *p);
void bp_notices_clear(struct bp_pool *p);
uint32_t bp_notices_max(const struct bp_pool_config *c);
void bp_on_pushed(struct bp_pool *p, const struct bp_ev_pushed *ev);
void bp_on_announced(struct bp_pool *p, const struct bp_ev_announced *ev);
void bp_notices_schedule(struct bp_pool *p);
/* A peer goes: nothing is asked of it any more. */
void bp_notices_leave(struct bp_pool *p, uint32_t peer);
/* The link of an announced block came: whether its number is the announced
   one. Those who said otherwise are blamed. */
bool bp_notice_confirm(struct bp_pool *p, const struct bp_link *link);

/* ---- target.c ---- */
void bp_on_target(struct bp_pool *p, const struct bp_ev_target *ev);
/* Marks what is below the target, and notices when it is held. */
void bp_target_schedule(struct bp_pool *p);
bool bp_target_wanted(const struct bp_pool *p); /* set, and not held yet */

/* ---- spine.c ---- */
/* Condenses one stretch of a dangling section; false: there is none. */
bool bp_condense_one(struct bp_pool *p, uint32_t section);
/* Has condensed stretches filled from the bottom of connected sections. */
void bp_fill_schedule(struct bp_pool *p);
/* The block that tops a condensed stretch is held by now: what is above stands
   on it, once it waits for it. False: not yet, a job has some of it. */
bool bp_fill_held(struct bp_pool *p, const bp_hash *hash, uint64_t number);
/* Takes links, newest first, that fill the stretch which begins with the
   first; false: there is no such stretch, or no room. */
bool bp_fill_take(struct bp_pool *p, const struct bp_link *links, uint32_t n,
                  bp_by by);

/* ---- trace.c ---- */
void bp_trace(struct bp_pool *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The first four bytes in hexadecimal. */
struct bp_short {
    char text[9];
};
struct bp_short bp_short(const bp_hash *hash);

/* ---- config.c ---- */
/* Fills the defaults in; 0 or BP_ERR_RANGE. */
int bp_config_fill(struct bp_pool_config *c) BP_MUST_USE;
uint32_t bp_config_requests(const struct bp_pool_config *c);
/* Bytes of all tables at their limits. */
uint64_t bp_config_tables(const struct bp_pool_config *c);
uint32_t bp_config_slots(const struct bp_pool_config *c);
uint32_t bp_config_job_links(const struct bp_pool_config *c);

/* ---- action.c ---- */
int bp_actions_init(struct bp_pool *p) BP_MUST_USE;
void bp_actions_free(struct bp_pool *p);
uint64_t bp_actions_bound(const struct bp_pool_config *c);
/* Room for n more asks and jobs. */
bool bp_actions_room(const struct bp_pool *p, uint32_t n);
/* An action to fill in, or NULL when the queue is full. */
struct bp_action *bp_actions_push(struct bp_pool *p, enum bp_action_type type);
void bp_release(struct bp_pool *p, uint64_t item); /* 0: nothing */
/* There is room to release more than the event asks for. */
bool bp_release_room(const struct bp_pool *p);
void bp_report(struct bp_pool *p, enum bp_report_kind kind, bp_peer_id peer,
               const bp_hash *hash, uint64_t number, uint64_t count);

/* ---- giver.c ---- */
/* A giver for a session, or 0 when there is no room. */
bp_by bp_giver_new(struct bp_pool *p, const bp_hash *identity,
                   bp_peer_id session);
struct bp_giver *bp_giver_at(const struct bp_pool *p, bp_by by); /* by != 0 */
void bp_giver_hold(struct bp_pool *p, bp_by by, uint64_t n);
void bp_giver_drop(struct bp_pool *p, bp_by by, uint64_t n);
void bp_giver_leave(struct bp_pool *p, bp_by by);
/* Blames a giver; nobody for 0. An offence suspends the identity and ends the
   session; a fault is only noted, unless `end`. */
void bp_blame(struct bp_pool *p, bp_by by, int offence, int code,
              const bp_hash *hash, uint64_t number, bool end);
/* Until when an identity is suspended; 0: it is not. */
bp_time bp_suspended_until(const struct bp_pool *p, const bp_hash *identity);

/* A pause after so many failures in a row: it doubles with each, `most` times
   at most. */
static inline bp_time bp_backoff_ms(uint32_t fails, uint32_t most) {
    return (bp_time)BP_BACKOFF_MS << (fails < most ? fails : most);
}
/* That of who does not give what it claims: no longer than a head probe. */
static inline bp_time bp_probe_pause(const struct bp_pool *p, uint32_t fails) {
    bp_time ms = bp_backoff_ms(fails, 10);
    return ms < p->cfg.head_probe_ms ? ms : p->cfg.head_probe_ms;
}

/* ---- peer.c ---- */
/* It gave nothing of what it was asked for. */
static inline void bp_peer_lacked(struct bp_peer *peer) {
    if (peer->lacked < UINT8_MAX) peer->lacked++;
}
void bp_on_joined(struct bp_pool *p, const struct bp_ev_joined *ev);
void bp_on_claim(struct bp_pool *p, const struct bp_ev_claim *ev);
void bp_on_range(struct bp_pool *p, const struct bp_ev_range *ev);
void bp_on_left(struct bp_pool *p, const struct bp_ev_left *ev);
void bp_on_offence(struct bp_pool *p, const struct bp_ev_offence *ev);
uint32_t bp_peer_find(const struct bp_pool *p, bp_peer_id id);
/* The peer of that serial, condemned too; NULL: it has left. */
struct bp_peer *bp_peer_of(const struct bp_pool *p, uint64_t serial);
/* Takes a peer out: requests closed, place freed. */
void bp_peer_remove(struct bp_pool *p, uint32_t place);
/* Its head may be worth having: unknown, and above what we have. */
bool bp_peer_ahead(const struct bp_pool *p, const struct bp_peer *peer);
/* Ahead, and can be asked for what it takes. */
bool bp_peer_candidate(const struct bp_pool *p, const struct bp_peer *peer);
/* Not ahead, as its head has no number above ours; but neither that head nor
   its total difficulty is known: it may be the heavier one. */
bool bp_peer_unweighed(const struct bp_pool *p, const struct bp_peer *peer);
/* Serves that number, as far as it told. */
bool bp_peer_serves(const struct bp_peer *peer, uint64_t number);
/* It failed us: to the back of the queue, with a growing pause. */
void bp_peer_failed(struct bp_pool *p, struct bp_peer *peer, int fault,
                    const bp_hash *hash);
/* The branch from this root goes for want of room: who claims it pauses, a
   little longer each time. It is nobody's fault. */
void bp_peers_crowded(struct bp_pool *p, uint32_t root);
/* It helped. */
void bp_peer_helped(struct bp_pool *p, struct bp_peer *peer);
/* It told of a block that is not the head it claims. */
void bp_peer_news(struct bp_peer *peer, const bp_hash *hash,
                  const struct bp_held *known);
/* Chooses the best peer anew, judges claims, watches its progress. */
void bp_peers_schedule(struct bp_pool *p);
/* The heads of peers that equal this hash are held now. */
void bp_peers_held(struct bp_pool *p, const bp_hash *hash,
                   const struct bp_held *held);
/* The same for heads among what was inserted lately. */
void bp_peers_recent(struct bp_pool *p);
/* Order of two peers as sources: true if a goes before b. */
bool bp_peer_before(const struct bp_pool *p, const struct bp_peer *a,
                    const struct bp_peer *b);
/* What the pool itself knows to be held: the head, and what was inserted
   lately. */
bool bp_known_held(const struct bp_pool *p, const bp_hash *hash,
                   struct bp_held *held);

/* ---- request.c ---- */
int bp_requests_init(struct bp_pool *p) BP_MUST_USE;
void bp_requests_free(struct bp_pool *p);
/* A request of a peer, asked; NULL when there is no room. */
struct bp_request *bp_request_new(struct bp_pool *p, uint32_t peer,
                                  enum bp_ask ask, uint32_t count);
struct bp_request *bp_request_find(const struct bp_pool *p, bp_req_id id);
/* It was a request once. */
bool bp_request_issued(const struct bp_pool *p, bp_req_id id);
/* Bytes came. */
void bp_on_reply(struct bp_pool *p, const struct bp_ev_reply *ev);
/* Closes it; what it wanted and did not get is wanted again. */
void bp_request_close(struct bp_pool *p, struct bp_request *r);
/* Its content came as another kind: an empty answer. Nothing happens when r is
   NULL or another peer's. */
void bp_request_spoiled(struct bp_pool *p, struct bp_request *r, bp_peer_id by);
void bp_requests_close_peer(struct bp_pool *p, uint32_t peer);
/* Marks the late ones. */
void bp_requests_expire(struct bp_pool *p);
/* Tells the engine when to come back. */
void bp_requests_schedule(struct bp_pool *p);
/* Half of its deadline: time to ask a second peer for what blocks all. */
bp_time bp_request_half(const struct bp_request *r);
/* It is late, and is left alone for a while. */
bool bp_peer_hushed(const struct bp_pool *p, const struct bp_peer *peer);
/* A list of hashes below this one is not to be taken for the answer to a late
   request: nothing but an id tells two lists apart. */
bool bp_request_apart(struct bp_pool *p, uint32_t peer, const bp_hash *origin);
/* The peer can take one more of this kind now. */
bool bp_peer_free(const struct bp_pool *p, const struct bp_peer *peer,
                  enum bp_rate_kind kind);
enum bp_rate_kind bp_ask_rate(enum bp_ask ask);

/* ---- estimate.c ---- */
void bp_rate_init(struct bp_rate *r, uint32_t size);
bp_time bp_estimate_deadline(const struct bp_pool *p,
                             const struct bp_peer *peer, enum bp_rate_kind kind,
                             uint32_t count);
/* n items came in reply to a request that is still in the ledger. */
void bp_estimate_reply(struct bp_pool *p, struct bp_peer *peer,
                       const struct bp_request *r, size_t n);
/* Items to ask a peer for at a time. */
uint32_t bp_estimate_size(const struct bp_pool *p, const struct bp_peer *peer,
                          enum bp_rate_kind kind);
void bp_estimate_late(const struct bp_pool *p, struct bp_peer *peer,
                      enum bp_rate_kind kind);
/* An idle peer is asked for blocks again: what was forgotten stays so. */
void bp_estimate_tried(const struct bp_pool *p, struct bp_peer *peer);
/* What so many blocks take from asking to having, as expected, in ms. */
uint64_t bp_estimate_blocks(const struct bp_pool *p, const struct bp_peer *peer,
                            uint32_t count);
/* Requests for blocks at once, of a peer with ids. */
uint32_t bp_estimate_requests(const struct bp_pool *p,
                              const struct bp_peer *peer);
/* Items in a thousand seconds. */
uint64_t bp_estimate_items(const struct bp_pool *p, const struct bp_peer *peer,
                           enum bp_rate_kind kind);

/* Where a list reaches something held, as the host says; BP_NONE too when the
   host contradicts itself. */
static inline size_t bp_held_at(size_t at, size_t end,
                                const struct bp_held *held) {
    return held->held && at < end ? at : BP_NONE;
}

/* ---- walk.c ---- */
void bp_walk_schedule(struct bp_pool *p);
/* Asks a peer that was seen free; NULL: no room. */
/* The other is far, and this one half as far or less. */
bool bp_peer_nearer(const struct bp_peer *a, const struct bp_peer *b);
struct bp_request *bp_links_ask(struct bp_pool *p, uint32_t peer,
                                enum bp_ask what, const bp_hash *origin,
                                uint32_t count);
/* The offence that a link is by itself, or BP_OFF_NONE. `older` is the next
   of its list, or NULL. */
int bp_link_offence(const struct bp_pool *p, const struct bp_link *l,
                    const struct bp_link *older);
/* Drops what waits for a hash that is invalid. */
void bp_drop_waiting(struct bp_pool *p, const bp_hash *hash);
/* The host holds this hash: who waits for it joins, who claims it is told. */
void bp_hash_held(struct bp_pool *p, const bp_hash *hash,
                  const struct bp_held *held);
void bp_on_links(struct bp_pool *p, const struct bp_ev_links *ev);

/* ---- room.c ---- */
/* There are so many places for links, those asked for counted. */
bool bp_room_is(const struct bp_pool *p, uint64_t n);
/* The asker is a block that comes whole and stands on something held: what it
   brings is joined, in a section of its own. */
#define BP_ROOM_JOINS (BP_NIL - 1)

/* The same; if not, something else gives way for this section (BP_NIL: a new
   one; or BP_ROOM_JOINS), and the room is there when the actions were taken. */
bool bp_room_for(struct bp_pool *p, uint32_t section, uint64_t n);
/* The same for the lowest links of a section that is joined: if nothing else
   does, the newest of the heaviest branch that dangles give way, or its own. */
bool bp_room_below(struct bp_pool *p, uint32_t section, uint64_t n);
/* A branch of this giver goes that stands still, or has less work than the
   section. False: there is none. */
bool bp_room_of_giver(struct bp_pool *p, uint32_t section, bp_by by);
/* Nothing gave way: who has most that dangles, beyond an eighth of all places,
   gives back the least of it, though it moves. */
void bp_room_take_back(struct bp_pool *p, uint64_t n);
/* The next to be inserted of a branch that is joined and does not wait: its
   body has a place of its own, and is given back last. */
bool bp_link_is_next(const struct bp_pool *p, bp_ref link);
/* Bodies turned out larger than reserved: gives back those needed last. */
void bp_window_trim(struct bp_pool *p);
/* A rival was denied its share: what is fetched ahead of time goes, and what
   the best branch only wants. */
void bp_window_yield(struct bp_pool *p);
/* Gives the body back that is needed last; false: there is none. */
bool bp_window_evict(struct bp_pool *p);
/* The best branch needs a place for this number: gives one back of those held
   ahead of time, or wanted of a rival, if these have more than their share, or
   of the best that are far above. */
bool bp_window_make_way(struct bp_pool *p, uint64_t number);

/* ---- whole.c ---- */
/* Puts the link of a whole block into the forest, on its own; its place, or
   BP_NIL when it was not kept: held already, refused, no room. Takes the item
   of the link (and clears it), not that of the block. */
bp_ref bp_whole_graft(struct bp_pool *p, struct bp_delivery *b, bp_by by);

/* ---- pages.c: in trail.h ---- */
static inline struct bp_page *bp_page_at(const struct bp_pool *p, uint32_t id) {
    return bp_table_at(&p->pages, id);
}

/* ---- trail.c ---- */
void bp_trails_schedule(struct bp_pool *p);
void bp_on_hashes(struct bp_pool *p, const struct bp_ev_hashes *ev);
/* Forgets the trails of a peer and what only they want; `gone`: and what it
   announced. */
void bp_trails_free(struct bp_pool *p, uint32_t peer, bool gone);
/* A block came whose slot had no link: its owner is blamed if the claim that
   named it does not hold. True: it was the last of a list of its owner, which
   has no more need of it for now. */
bool bp_trail_confirm(struct bp_pool *p, const struct bp_slot *s,
                      const struct bp_link *link);
/* A peer lacks what its lists say. If one of them is of a head that it does
   not claim any more, it has changed sides: its lists go, those of its head
   begin anew, and it is no fault. */
bool bp_trails_forsaken(struct bp_pool *p, uint32_t peer);
/* The peer of a request lacks blocks of its lists: what only they want gives
   its room to others, and they wait. */
void bp_trails_lack(struct bp_pool *p, const struct bp_request *r);
/* The claims of this peer lead nowhere now: they wait a little. */
void bp_trail_pause(struct bp_pool *p, uint64_t serial);
/* When it is asked again for what it failed. */
bp_time bp_trails_retry(const struct bp_peer *peer);
static inline bool bp_peer_bare(const struct bp_peer *peer) {
    return (peer->info.caps & (BP_CAP_LINKS | BP_CAP_HASHES)) == BP_CAP_HASHES;
}

/* ---- check.c ---- */
int bp_jobs_init(struct bp_pool *p) BP_MUST_USE;
void bp_jobs_free(struct bp_pool *p);
struct bp_job *bp_job_find(const struct bp_pool *p, bp_job_id id);
/* A free job of that kind, or NULL. */
struct bp_job *bp_job_new(struct bp_pool *p, enum bp_job_kind kind);
void bp_job_add(struct bp_pool *p, struct bp_job *job, bp_ref ref);
/* Ends it: its links are free again, the dead ones are released. */
void bp_job_end(struct bp_pool *p, struct bp_job *job);
/* One of these links, just grafted, is to have its seal checked. */
void bp_probe_one(struct bp_pool *p, const struct bp_link *links, uint32_t n);
void bp_check_schedule(struct bp_pool *p);
void bp_on_checked(struct bp_pool *p, const struct bp_ev_checked *ev);
/* A section waits before the next job: until t, or a growing pause if that is
   past. */
void bp_section_pause(struct bp_pool *p, bp_ref ref, bp_time until);
/* A link breaks a rule: blames who gave it, condemns all above. */
void bp_condemn(struct bp_pool *p, bp_ref ref, int offence, int code, bp_by by);

/* ---- window.c, turn.c, soon.c, slots.c: in window.h ---- */
static inline struct bp_slot *bp_slot_at(const struct bp_pool *p, uint32_t id) {
    return bp_table_at(&p->window.slots, id);
}

/* ---- status.c, why.c, invariant.c hold only public functions ---- */

/* ---- insert.c ---- */
/* The host holds this hash: so it is said when it is looked for again. */
void bp_remember(struct bp_pool *p, const bp_hash *hash,
                 const struct bp_held *held);
bool bp_inserting(const struct bp_pool *p); /* an insertion is at work */
void bp_insert_schedule(struct bp_pool *p);
void bp_on_inserted(struct bp_pool *p, const struct bp_ev_inserted *ev);
void bp_on_chain(struct bp_pool *p, const struct bp_ev_chain *ev);

#endif
