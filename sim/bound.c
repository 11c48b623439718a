/* bound: T_min, what no sync of a world can beat.

   For the missing blocks above each height, all that the steady peers which
   have any of them can do together, once they have joined:

       the walk     serial: a full reply each best round trip, and one round
                    trip more for the body of the block that it ends with
       bandwidth    the bytes, over the sum of the lines
       one request  of peers without ids, so many bodies each round trip
       the window   no more bytes each best round trip

   and besides our own checks, shared by the workers, and our own writes, one
   at a time. The slowest of these is T_min. They overlap, so it is not a sum.
   A round trip has its mean of jitter and decoding; losses do not count. */
#include <string.h>

#include "sim.h"

struct line {
    uint64_t rtt, per_reply, bandwidth; /* least; most; sum */
    double bodies;                      /* a millisecond, without ids */
    bool unlimited;                     /* somebody's bandwidth */
    bool ids;                           /* any number of requests at once */
    uint32_t peers;
};

static uint64_t least_of(uint32_t a, uint32_t b, uint32_t usual) {
    if (a == 0) a = usual;
    if (b == 0) b = usual;
    return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

static void add_line(const struct sim *s, const struct peer_spec *x,
                     struct line *l) {
    const struct bp_pool_config *c = &s->w->pool;
    bool bare = (x->caps & BP_CAP_LINKS) == 0;
    uint64_t trip = 2ull * x->latency + x->jitter + x->think +
                    (s->w->host.decode_ms + 1) / 2;
    uint64_t n = bare ? least_of(x->hashes_max, c->hashes_per_request, 256)
                      : least_of(x->links_max, c->links_per_request, 1024);
    if (trip < l->rtt) l->rtt = trip;
    if (n > l->per_reply) l->per_reply = n;
    n = least_of(x->blocks_max, c->blocks_per_request, 128);
    if ((x->caps & BP_CAP_IDS) != 0)
        l->ids = true;
    else
        l->bodies += (double)n / (double)most(trip, 1);
    if (x->bandwidth == 0) l->unlimited = true;
    l->bandwidth += x->bandwidth;
    l->peers++;
}

static uint64_t times(uint64_t n, uint64_t each) {
    return each != 0 ? (n + each - 1) / each : 0;
}

static uint64_t line_time(const struct sim *s, const struct line *l,
                          uint64_t blocks, uint64_t bytes) {
    if (l->peers == 0 || blocks == 0) return 0;
    uint64_t t = (times(blocks, l->per_reply) + 1) * l->rtt;
    t = most(t, times(bytes, s->w->pool.window_bytes) * l->rtt);
    if (!l->unlimited) t = most(t, bytes * 1000 / l->bandwidth);
    if (!l->ids) t = most(t, (uint64_t)((double)blocks / l->bodies));
    return t;
}

/* How high on the way to the goal each peer's chain reaches; 0: it is of no
   use. */
static uint64_t *reaches(struct sim *s, bp_time joined) {
    uint64_t *h = arena_take(s->arena, (s->w->peers + 1) * sizeof *h);
    for (uint32_t i = 0; i < s->w->peers; i++) {
        const struct peer_spec *x = &s->w->peer[i];
        if (x->hostile || !x->steady || x->join_at > joined) continue;
        uint32_t common =
            tree_common(&s->tree, judge_final_head(s, x), s->goal_block);
        if (common != BLOCK_NONE) h[i] = tree_height(&s->tree, common);
    }
    return h;
}

/* What is missing above a height needs the peers that reach beyond it. */
static uint64_t time_above(struct sim *s, const uint64_t *reach,
                           uint64_t height) {
    struct line l = { .rtt = BP_TIME_NEVER, .per_reply = 1 };
    uint64_t blocks = 0, bytes = 0;
    for (uint32_t i = 0; i < s->w->peers; i++)
        if (reach[i] > height) add_line(s, &s->w->peer[i], &l);
    for (uint32_t b = s->goal_block; !s->tree.b[b].held;
         b = s->tree.b[b].parent) {
        const struct tblock *x = &s->tree.b[b];
        if (tree_height(&s->tree, b) <= height) break;
        blocks++;
        bytes += x->link_size + (x->empty ? 0 : x->body_size);
    }
    return line_time(s, &l, blocks, bytes);
}

bp_time bound_time(struct sim *s, uint64_t blocks, bp_time joined) {
    const struct host_spec *h = &s->w->host;
    uint32_t workers = s->w->pool.workers != 0 ? s->w->pool.workers : 2;
    uint64_t t = blocks * (h->check_us + h->seal_us) / 1000 / workers;
    t = most(t, blocks * h->insert_us / 1000);
    uint64_t *reach = reaches(s, joined);
    t = most(t, time_above(s, reach, 0));
    for (uint32_t i = 0; i < s->w->peers; i++)
        if (reach[i] != 0) t = most(t, time_above(s, reach, reach[i]));
    return t + 1;
}
