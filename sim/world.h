/* world.h: one world as data, before anything happens in it.

   A world is drawn from a seed (draw.c) or read from a scenario file (scn.c),
   printed as one, made smaller by the shrinker, and run (run.c). The same
   world always runs the same way: everything that happens by chance is drawn
   from its seed, one stream for each peer and thing.

       blocks     runs of labelled blocks: a tree, with flaws
       peers      what each is, has, claims, and how it behaves
       steps      what is scripted, in order
       expects    what must hold at the end */
#ifndef BP_SIM_WORLD_H
#define BP_SIM_WORLD_H

#include "arena.h"
#include "tree.h"

/* Labels are the names of blocks in scenario files. */
#define LABEL_NONE UINT32_MAX
#define LABEL_MAX  1000000u

/* first..last, each the child of the one before; first is parent's child. */
struct block_run {
    uint32_t first, last, parent; /* labels */
    uint64_t difficulty, difficulty_spread;
    uint32_t size, size_spread; /* of bodies, in bytes */
    uint32_t empty_pc;          /* of a hundred bodies are empty */
    uint8_t flaw;               /* of each, enum flaw */
    bp_time not_before;         /* FLAW_LATER */
};

/* What liars do. name, word in scenario files, where it comes from. Each is
   described where it is done, in liar.c. */
#define DEED_MAP(X)                                                            \
    X(INVENT, "invent", "A1, X5: hashes or headers without end")               \
    X(DRIP, "drip", "2.6: one item a reply")                                   \
    X(REPEAT, "repeat", "X4, 2.6: the first reply again and again")            \
    X(REORDER, "reorder", "X26, 2.6: real items in another order")             \
    X(GAP, "gap", "M13: every second item left out")                           \
    X(HOLE, "hole", "M20: one item left out")                                  \
    X(GHOST, "ghost", "M11: an item that exists nowhere")                      \
    X(SHIFT, "shift", "2.6: items one off")                                    \
    X(LOOP, "loop", "X5: A, B, A, B")                                          \
    X(OVERFILL, "overfill", "X5: more than was asked")                         \
    X(EMPTY, "empty", "M15: nothing to give")                                  \
    X(SILENT, "silent", "M5: no answer")                                       \
    X(STALL, "stall", "answers well for a while, then never")                  \
    X(EDGE, "edge", "answers at the last moment")                              \
    X(WITHHOLD, "withhold", "M11: links, but no bodies")                       \
    X(SELECT, "select", "serves some blocks to nobody")                        \
    X(MISMATCH, "mismatch", "M31: bodies that match no header")                \
    X(CORRUPT, "corrupt", "bodies broken where no root covers them")           \
    X(GARBAGE, "garbage", "bytes that do not decode")                          \
    X(WRONGKIND, "wrongkind", "A7: a reply of another kind")                   \
    X(REPLAY, "replay", "A7, X7: every reply twice or more")                   \
    X(SPAM, "spam", "A7: deliveries that nobody asked for")                    \
    X(PUSH, "push", "A5: pushed blocks without end")                           \
    X(ANNOUNCE, "announce", "A5: announcements without end")                   \
    X(DISTANT, "distant", "A8: announcements far from the head")               \
    X(MISNUMBER, "misnumber", "N8: announcements with a wrong number")         \
    X(MALPUSH, "malpush", "M32: pushed blocks with broken bodies")             \
    X(TD_HIGH, "td-high", "M15: claims more difficulty than there is")         \
    X(TD_LOW, "td-low", "claims less difficulty than there is")                \
    X(HEADS, "heads", "X9: a new head all the time")                           \
    X(FLAP, "flap", "leaves and comes back all the time")                      \
    X(RENAME, "rename", "A3: comes back under new identities")                 \
    X(SYBIL, "sybil", "many identities at once")                               \
    X(MIRROR, "mirror", "gives our own messages back")                         \
    X(ENDLESS, "endless", "headers of least difficulty without end")           \
    X(FOREIGN, "foreign", "a chain from another genesis")                      \
    X(DOOMED, "doomed", "M1, X14: good work above an invalid block")           \
    X(DEADFORK, "deadfork", "2.6: a long fork that is not the heaviest")       \
    X(CHAOS, "chaos", "every malformed list the interface allows")

enum deed {
#define DEED_ENUM(name, word, where) DEED_##name,
    DEED_MAP(DEED_ENUM)
#undef DEED_ENUM
        DEED_COUNT
};
const char *deed_word(enum deed d);
const char *deed_where(enum deed d);

enum claim_kind { CLAIM_TRUE, CLAIM_NONE, CLAIM_VALUE };
#define DEEDS_MAX 4

/* Numbers of a peer; the table in world.c gives each its word and meaning. */
struct peer_spec {
    uint32_t name; /* peers are numbers in scenario files */
    uint32_t identity;
    uint32_t caps; /* enum bp_cap */
    uint32_t hostile, scripted, steady;
    uint32_t head; /* label */
    uint32_t td_kind, number_kind;
    uint64_t td, number;
    uint64_t join_at; /* BP_TIME_NEVER: only by the script */
    uint32_t links_max, hashes_max, blocks_max;
    uint32_t has_range, earliest;
    uint32_t latency, jitter, think; /* ms, one way */
    uint32_t bandwidth;              /* bytes a second; 0: no limit */
    uint32_t gone_pm, late_pm, late_ms, twice_pm;
    uint64_t stall_at, leave_at;
    uint32_t stall_ms, back_ms; /* back_ms: comes again after leaving */
    uint32_t grow_to;           /* label; LABEL_NONE: does not grow */
    uint32_t grow_ms, grow_by_push, grow_by_announce;
    uint32_t relay; /* label of a block that it pushes, unseen; or none */
    uint64_t relay_at;
    uint32_t tick_ms; /* of deeds that act by themselves */
    uint32_t deeds;
    uint8_t deed[DEEDS_MAX];
    uint32_t deed_arg[DEEDS_MAX];
};

/* The host's own behaviour. */
struct host_spec {
    uint32_t check_us, seal_us, insert_us; /* for each block */
    uint32_t job_ms;                       /* for each job besides */
    uint32_t decode_ms;  /* at most, between bytes and content */
    uint32_t fail_pm;    /* of a thousand jobs FAILED … */
    uint32_t put_off_pm; /* of a thousand insertions LATER, for put_off_ms … */
    uint32_t put_off_ms;
    uint64_t fail_until; /* … before this time */
    uint32_t alloc_fail_pm;
    uint64_t alloc_fail_until;
    uint32_t unsynced;   /* blocks that a crash may lose */
    uint32_t hold_depth; /* reorganisations deeper are refused; 0: none */
};

enum step_when { WHEN_AT, WHEN_AFTER, WHEN_COND };
enum cond_kind { COND_HEAD, COND_STORED, COND_ASKED, COND_BEST, COND_QUIET };

enum step_kind {
    STEP_PEER,   /* P(id, td, head): joins, or claims anew */
    STEP_HASHES, /* H(f: …): kept until asked for */
    STEP_BLOCKS, /* B(…) */
    STEP_SEND,   /* a list, without being asked */
    STEP_ANSWER, /* a list, whatever was asked */
    STEP_PUSH,
    STEP_ANNOUNCE,
    STEP_RANGE,
    STEP_LEAVE,
    STEP_OFFENCE,
    STEP_CRASH,
    STEP_RESET,
    STEP_PURGE,
    STEP_IMPORT,
    STEP_TARGET,
    STEP_EXPECT
};

struct step_spec {
    enum step_when when;
    uint64_t time; /* AT: of the clock; AFTER: since the step before; COND:
                      at most so long after it */
    enum cond_kind cond;
    uint32_t cond_peer, cond_what; /* labels or peers */
    char cond_letter;
    enum step_kind kind;
    uint32_t peer;
    char letter;         /* of SEND and ANSWER: L, H, B */
    uint32_t item_flags; /* of blocks: ITEM_MISMATCH, ITEM_CORRUPT */
    uint32_t origin;     /* label: of H(f: …), of a target */
    uint32_t td_kind;
    uint64_t td;
    bool has_number;
    uint64_t number;
    const uint32_t *list; /* labels */
    uint32_t n;
    int offence;
    uint32_t expect; /* STEP_EXPECT: index */
    uint32_t line;
};

enum expect_kind {
    EXPECT_CHAIN,
    EXPECT_HEAD,
    EXPECT_STORED,
    EXPECT_NOT_STORED,
    EXPECT_BLAME,
    EXPECT_NO_BLAME, /* no offence at all, or of one peer */
    EXPECT_ASKED,    /* letter and labels; times */
    EXPECT_FIRST,    /* the first request of a kind is exactly this */
    EXPECT_COUNTER,
    EXPECT_BEST,
    EXPECT_QUIET,
    EXPECT_ENDED,
    EXPECT_LIVE,
    EXPECT_WHY
};

enum compare { CMP_EQ, CMP_LE, CMP_GE, CMP_LT, CMP_GT, CMP_NE };

#define PEER_ANY  UINT32_MAX
#define PEER_NONE (UINT32_MAX - 1)

struct expect_spec {
    enum expect_kind kind;
    bool at_end;
    uint32_t peer;
    char letter; /* of ASKED and FIRST: L, H, B */
    int offence;
    enum compare cmp; /* of times and counters */
    uint64_t value;
    char counter[24];
    char text[64];
    const uint32_t *list;
    uint32_t n;
    uint64_t by; /* time; BP_TIME_NEVER: none given */
    uint32_t line;
};

struct world {
    struct arena *arena;
    char name[64], title[128];
    uint64_t seed;
    bool drawn;     /* of a seed: the promises of the design must hold */
    uint32_t kinds; /* of scripted peers that the scenario is meant for */
    struct bp_pool_config pool; /* numbers only */
    struct host_spec host;
    uint64_t limit; /* the world ends here at the latest; 0: computed */
    struct block_run *run;
    uint32_t runs, run_cap;
    const uint32_t *chain; /* labels held at the start; empty: genesis */
    uint32_t chain_n;
    struct peer_spec *peer;
    uint32_t peers, peer_cap;
    struct step_spec *step;
    uint32_t steps, step_cap;
    struct expect_spec *expect;
    uint32_t expects, expect_cap;
};

/* ---- tables of named numbers ------------------------------------------ */

struct field {
    const char *word;
    uint16_t offset;
    uint8_t size; /* 4 or 8 */
    uint64_t usual;
    const char *meaning;
};
extern const struct field peer_fields[], host_fields[], pool_fields[];
/* NULL when there is no such field. The tables end with word NULL. */
const struct field *field_find(const struct field *table, const char *word);
uint64_t field_get(const struct field *f, const void *object);
void field_set(const struct field *f, void *object, uint64_t value);

/* An empty world in an arena: a genesis and nothing else. */
void world_init(struct world *w, struct arena *arena);
struct block_run *world_add_run(struct world *w);
struct peer_spec *world_add_peer(struct world *w, uint32_t name);
struct step_spec *world_add_step(struct world *w);
struct expect_spec *world_add_expect(struct world *w);
struct peer_spec *world_find_peer(const struct world *w, uint32_t name);
/* A copy that shares the lists but not the tables. */
void world_copy(struct world *to, const struct world *from,
                struct arena *arena);
/* Has this peer this deed? Its argument through *arg when not NULL. */
bool peer_does(const struct peer_spec *p, enum deed d, uint32_t *arg);
uint32_t world_hostile(const struct world *w);

/* Numbers that depend on a seed and two names only. */
uint64_t stream_seed(uint64_t seed, uint32_t what, uint32_t who);

/* ---- where worlds come from (draw.c, scn_read.c, scn_print.c) ---------- */

/* Kinds of peers that worlds are drawn with; 0: all. */
enum { KIND_IDS = 1, KIND_PLAIN = 2, KIND_BARE = 4, KIND_ALL = 7 };
/* The default world of a seed. */
void world_draw(struct world *w, struct arena *arena, uint64_t seed,
                uint32_t kinds);

/* The same network on a good day: honest peers that are there from the start
   and stay, a chain that does not grow, and a host that does not fail. */
void world_calm(struct world *w);

/* Reads a scenario; peers that do not say what they are become `kind`.
   Returns 0, or BP_ERR_FORMAT with a sentence that begins with line and column
   in error. The grammar is docs/sim-scenarios.md. */
int world_read(struct world *w, struct arena *arena, const char *text,
               uint32_t kind, char error[256]);
/* The word of a kind of peers: "links", "plain", "bare". */
const char *kind_word(uint32_t kind);
/* Prints a world as a scenario that reads back as the same world. */
struct sink;
void world_print(const struct world *w, struct sink *out);

/* Text that grows. */
struct sink {
    char *text;
    size_t n, cap;
};
void sink_add(struct sink *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void sink_free(struct sink *s);

#endif
