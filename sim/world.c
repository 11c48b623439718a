#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *deed_word(enum deed d) {
    static const char *const words[] = {
#define DEED_WORD(name, word, where) word,
        DEED_MAP(DEED_WORD)
#undef DEED_WORD
    };
    return d < DEED_COUNT ? words[d] : "?";
}

const char *deed_where(enum deed d) {
    static const char *const wheres[] = {
#define DEED_WHERE(name, word, where) where,
        DEED_MAP(DEED_WHERE)
#undef DEED_WHERE
    };
    return d < DEED_COUNT ? wheres[d] : "?";
}

#define PEER(word, member, usual, meaning)                                     \
    {                                                                          \
        word, offsetof(struct peer_spec, member),                              \
            sizeof(((struct peer_spec *)0)->member), usual, meaning            \
    }
#define HOST(word, member, usual, meaning)                                     \
    {                                                                          \
        word, offsetof(struct host_spec, member),                              \
            sizeof(((struct host_spec *)0)->member), usual, meaning            \
    }
#define POOL(member)                                                           \
    {                                                                          \
#member, offsetof(struct bp_pool_config, member),                      \
            sizeof(((struct bp_pool_config *)0)->member), 0,                   \
            "see blockpool/pool.h"                                             \
    }

const struct field peer_fields[] = {
    PEER("identity", identity, 0, "whose it is; 0: the peer's own number"),
    PEER("join", join_at, BP_TIME_NEVER, "when it joins, in ms"),
    PEER("most_links", links_max, 0, "most links that it gives in a reply"),
    PEER("most_hashes", hashes_max, 0, "most hashes that it gives in a reply"),
    PEER("most_blocks", blocks_max, 0, "most blocks that it gives in a reply"),
    PEER("earliest", earliest, 0, "lowest number that it serves"),
    PEER("latency", latency, 0, "one way, in ms"),
    PEER("jitter", jitter, 0, "added at random to each way, in ms"),
    PEER("think", think, 0, "before it answers, in ms"),
    PEER("bandwidth", bandwidth, 0, "bytes a second; 0: without limit"),
    PEER("gone", gone_pm, 0, "of a thousand requests are never answered"),
    PEER("late", late_pm, 0, "of a thousand replies are late"),
    PEER("late_ms", late_ms, 0, "by how much at most"),
    PEER("twice", twice_pm, 0, "of a thousand replies come twice"),
    PEER("stall", stall_at, BP_TIME_NEVER, "when it stops sending"),
    PEER("stall_ms", stall_ms, 0, "for how long"),
    PEER("leave", leave_at, BP_TIME_NEVER, "when it leaves"),
    PEER("back", back_ms, 0, "comes back so long after leaving; 0: never"),
    PEER("grow_to", grow_to, LABEL_NONE, "its chain grows up to this block"),
    PEER("grow_ms", grow_ms, 0, "one block each so many ms"),
    PEER("grow_by_push", grow_by_push, 0, "1: pushes each new block"),
    PEER("grow_by_announce", grow_by_announce, 0, "1: announces it"),
    PEER("relay", relay, LABEL_NONE, "a block that it relays unseen"),
    PEER("relay_at", relay_at, BP_TIME_NEVER, "and when"),
    PEER("tick", tick_ms, 500, "how often a liar acts by itself, in ms"),
    PEER("steady", steady, 0, "1: honest, and stays; what it has is due"),
    { 0 },
};

const struct field host_fields[] = {
    HOST("check_us", check_us, 100, "to check one link's rules"),
    HOST("seal_us", seal_us, 500, "to check one seal"),
    HOST("insert_us", insert_us, 200, "to check and store one block"),
    HOST("job_ms", job_ms, 1, "for each job besides"),
    HOST("decode_ms", decode_ms, 0, "at most, from bytes to content"),
    HOST("fail", fail_pm, 0, "of a thousand jobs end as FAILED"),
    HOST("put_off", put_off_pm, 0, "of a thousand insertions end as LATER"),
    HOST("put_off_ms", put_off_ms, 500, "for so long"),
    HOST("fail_until", fail_until, 0, "before this time"),
    HOST("alloc_fail", alloc_fail_pm, 0, "of a thousand allocations fail"),
    HOST("alloc_fail_until", alloc_fail_until, 0, "before this time"),
    HOST("unsynced", unsynced, 0, "blocks that a crash may lose"),
    HOST("hold_depth", hold_depth, 0, "deeper reorganisations are refused"),
    { 0 },
};

const struct field pool_fields[] = {
    POOL(seed),
    POOL(probe_below),
    POOL(peers_max),
    POOL(links_max),
    POOL(window_bytes),
    POOL(workers),
    POOL(reply_bytes_max),
    POOL(record_bytes),
    POOL(links_per_request),
    POOL(hashes_per_request),
    POOL(blocks_per_request),
    POOL(insert_items_max),
    POOL(insert_bytes_max),
    POOL(check_links_max),
    POOL(bad_hashes_max),
    POOL(suspended_max),
    POOL(announced_max),
    POOL(pushed_max),
    POOL(request_first_ms),
    POOL(request_min_ms),
    POOL(request_max_ms),
    POOL(head_probe_ms),
    POOL(progress_ms),
    POOL(suspend_ms),
    POOL(idle_best_ms),
    POOL(announce_wait_ms),
    { 0 },
};

const struct field *field_find(const struct field *table, const char *word) {
    for (; table->word != NULL; table++)
        if (strcmp(table->word, word) == 0) return table;
    return NULL;
}

uint64_t field_get(const struct field *f, const void *object) {
    const uint8_t *p = (const uint8_t *)object + f->offset;
    uint64_t v64;
    uint32_t v32;
    if (f->size == 8) {
        memcpy(&v64, p, 8);
        return v64;
    }
    memcpy(&v32, p, 4);
    return v32;
}

void field_set(const struct field *f, void *object, uint64_t value) {
    uint8_t *p = (uint8_t *)object + f->offset;
    uint32_t v32 = (uint32_t)value;
    if (f->size == 8)
        memcpy(p, &value, 8);
    else
        memcpy(p, &v32, 4);
}

static void set_usual(const struct field *table, void *object) {
    for (; table->word != NULL; table++) field_set(table, object, table->usual);
}

void world_init(struct world *w, struct arena *arena) {
    *w = (struct world){ .arena = arena, .seed = 1 };
    set_usual(host_fields, &w->host);
}

struct block_run *world_add_run(struct world *w) {
    w->run =
        arena_grow(w->arena, w->run, &w->run_cap, w->runs + 1, sizeof *w->run);
    struct block_run *r = &w->run[w->runs++];
    *r = (struct block_run){ .parent = LABEL_NONE,
                             .difficulty = 100,
                             .size = 500 };
    return r;
}

struct peer_spec *world_add_peer(struct world *w, uint32_t name) {
    w->peer = arena_grow(w->arena, w->peer, &w->peer_cap, w->peers + 1,
                         sizeof *w->peer);
    struct peer_spec *p = &w->peer[w->peers++];
    *p = (struct peer_spec){ .name = name, .head = LABEL_NONE };
    set_usual(peer_fields, p);
    return p;
}

struct step_spec *world_add_step(struct world *w) {
    w->step = arena_grow(w->arena, w->step, &w->step_cap, w->steps + 1,
                         sizeof *w->step);
    struct step_spec *s = &w->step[w->steps++];
    *s = (struct step_spec){ .origin = LABEL_NONE };
    return s;
}

struct expect_spec *world_add_expect(struct world *w) {
    w->expect = arena_grow(w->arena, w->expect, &w->expect_cap, w->expects + 1,
                           sizeof *w->expect);
    struct expect_spec *e = &w->expect[w->expects++];
    *e = (struct expect_spec){ .peer = PEER_ANY, .by = BP_TIME_NEVER };
    return e;
}

struct peer_spec *world_find_peer(const struct world *w, uint32_t name) {
    for (uint32_t i = 0; i < w->peers; i++)
        if (w->peer[i].name == name) return &w->peer[i];
    return NULL;
}

static void *copy_table(struct arena *arena, const void *p, uint32_t n,
                        size_t size) {
    void *q = arena_take(arena, (n + 1) * size);
    if (n != 0) memcpy(q, p, n * size);
    return q;
}

void world_copy(struct world *to, const struct world *from,
                struct arena *arena) {
    *to = *from;
    to->arena = arena;
    to->run = copy_table(arena, from->run, from->runs, sizeof *from->run);
    to->peer = copy_table(arena, from->peer, from->peers, sizeof *from->peer);
    to->step = copy_table(arena, from->step, from->steps, sizeof *from->step);
    to->expect =
        copy_table(arena, from->expect, from->expects, sizeof *from->expect);
    to->run_cap = to->runs + 1;
    to->peer_cap = to->peers + 1;
    to->step_cap = to->steps + 1;
    to->expect_cap = to->expects + 1;
}

bool peer_does(const struct peer_spec *p, enum deed d, uint32_t *arg) {
    for (uint32_t i = 0; i < p->deeds; i++) {
        if (p->deed[i] != d) continue;
        if (arg != NULL) *arg = p->deed_arg[i];
        return true;
    }
    return false;
}

uint32_t world_hostile(const struct world *w) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < w->peers; i++) n += w->peer[i].hostile != 0;
    return n;
}

uint64_t stream_seed(uint64_t seed, uint32_t what, uint32_t who) {
    uint64_t x = seed + 0x9e3779b97f4a7c15u * (what + 1);
    x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93u;
    x += 0xbf58476d1ce4e5b9u * ((uint64_t)who + 1);
    x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93u;
    return x ^ (x >> 29);
}

void sink_add(struct sink *s, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    if (n < 0) return;
    if (s->n + (size_t)n + 1 > s->cap) {
        size_t cap = s->cap != 0 ? s->cap : 1024;
        while (cap < s->n + (size_t)n + 1) cap *= 2;
        char *p = realloc(s->text, cap);
        if (p == NULL) {
            fputs("blockpool-sim: out of memory\n", stderr);
            exit(70);
        }
        s->text = p;
        s->cap = cap;
    }
    va_start(ap, format);
    vsnprintf(s->text + s->n, s->cap - s->n, format, ap);
    va_end(ap);
    s->n += (size_t)n;
}

void sink_free(struct sink *s) {
    free(s->text);
    *s = (struct sink){ 0 };
}
