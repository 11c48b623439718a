/* bound: T_min, what a sync of a world takes at the least.

   For the missing blocks above each height, all that the steady peers which
   have any of them at that time can do together:

       the walk     serial: a full reply each best round trip, and one round
                    trip more for the body of the block that it ends with
       bandwidth    the bytes, over the sum of the lines
       the window   what is on its way takes its place in it for a round trip:
                    the lines that it fills best, the nearest first, each with
                    no more than its bandwidth, or than one request at a time
                    of a peer without ids. Nobody knows how large a body is
                    before it comes: k of them take k means and two deviations

   and besides our own checks, shared by the workers, and our own writes, one
   at a time. The slowest of these is T_min. They overlap, so it is not a sum.
   A round trip has its mean of jitter and decoding; losses do not count. Luck
   may beat it by a little: with the order of sizes, with what others have for
   a while or will have. */
#include <math.h>
#include <string.h>

#include "sim.h"

/* What a peer brings of bodies at most. */
struct line {
    double trip;      /* ms */
    double bandwidth; /* bytes a ms */
    double bodies;    /* a ms */
};

struct lines {
    struct line *line; /* the nearest first */
    uint32_t n;
    uint64_t rtt, per_reply, bandwidth; /* least; most; sum */
    bool unlimited;                     /* somebody's bandwidth */
};

static uint64_t least_of(uint32_t a, uint32_t b, uint32_t usual) {
    if (a == 0) a = usual;
    if (b == 0) b = usual;
    return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

static void put_line(struct lines *l, struct line x) {
    uint32_t i = l->n++;
    for (; i > 0 && l->line[i - 1].trip > x.trip; i--)
        l->line[i] = l->line[i - 1];
    l->line[i] = x;
}

static void add_line(const struct sim *s, const struct peer_spec *x,
                     struct lines *l) {
    const struct bp_pool_config *c = &s->w->pool;
    bool bare = (x->caps & BP_CAP_LINKS) == 0;
    uint64_t trip = 2ull * x->latency + x->jitter + x->think +
                    (s->w->host.decode_ms + 1) / 2;
    uint64_t n = bare ? least_of(x->hashes_max, c->hashes_per_request, 256)
                      : least_of(x->links_max, c->links_per_request, 1024);
    if (trip < l->rtt) l->rtt = trip;
    if (n > l->per_reply) l->per_reply = n;
    n = least_of(x->blocks_max, c->blocks_per_request, 128);
    struct line y = { (double)most(trip, 1), INFINITY, INFINITY };
    if (x->bandwidth != 0) y.bandwidth = (double)x->bandwidth / 1000;
    if ((x->caps & BP_CAP_IDS) == 0) y.bodies = (double)n / y.trip;
    put_line(l, y);
    if (x->bandwidth == 0) l->unlimited = true;
    l->bandwidth += x->bandwidth;
}

static uint64_t times(uint64_t n, uint64_t each) {
    return each != 0 ? (n + each - 1) / each : 0;
}

/* What is missing. */
struct lack {
    uint64_t blocks, bytes; /* with links */
    uint64_t bodies, body_bytes;
    double squares; /* of their sizes, summed */
};

static double lesser(double a, double b) {
    return a < b ? a : b;
}

/* The bytes of so many bodies as fit the window, 19 times of 20: k means and
   two deviations of a sum of k. One always fits. */
static double window_bytes(const struct sim *s, const struct lack *x) {
    double n = (double)x->bodies, mean = (double)x->body_bytes / n;
    double variance = x->squares / n - mean * mean;
    double window = (double)s->w->pool.window_bytes;
    uint64_t low = 1, high = (uint64_t)(window / mean) + 1;
    while (high - low > 1) {
        uint64_t mid = low + (high - low) / 2;
        double k = (double)mid, rest = window - k * mean;
        if (rest >= 0 && rest * rest >= 4 * k * variance)
            low = mid;
        else
            high = mid;
    }
    return (double)low * mean;
}

/* The bodies, through the window. */
static uint64_t window_time(const struct sim *s, const struct lines *l,
                            const struct lack *x) {
    if (x->body_bytes == 0) return 0;
    double mean = (double)x->body_bytes / (double)x->bodies, rate = 0;
    double left = window_bytes(s, x);
    for (uint32_t i = 0; i < l->n && left > 0; i++) {
        const struct line *y = &l->line[i];
        double own =
            lesser(lesser(y->bandwidth, y->bodies * mean), left / y->trip);
        rate += own;
        left -= own * y->trip;
    }
    return (uint64_t)((double)x->body_bytes / rate);
}

static uint64_t line_time(const struct sim *s, const struct lines *l,
                          const struct lack *x) {
    if (l->n == 0 || x->blocks == 0) return 0;
    uint64_t t = (times(x->blocks, l->per_reply) + 1) * l->rtt;
    t = most(t, window_time(s, l, x));
    if (!l->unlimited) t = most(t, x->bytes * 1000 / l->bandwidth);
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
            tree_common(&s->tree, judge_head_at(s, x, joined), s->goal_block);
        if (common != BLOCK_NONE) h[i] = tree_height(&s->tree, common);
    }
    return h;
}

/* What is missing above a height needs the peers that reach beyond it. */
static uint64_t time_above(struct sim *s, const uint64_t *reach,
                           uint64_t height) {
    struct lines l = { .rtt = BP_TIME_NEVER, .per_reply = 1 };
    l.line = arena_take(s->arena, (s->w->peers + 1) * sizeof *l.line);
    struct lack lack = { 0 };
    for (uint32_t i = 0; i < s->w->peers; i++)
        if (reach[i] > height) add_line(s, &s->w->peer[i], &l);
    for (uint32_t b = s->goal_block; !s->tree.b[b].held;
         b = s->tree.b[b].parent) {
        const struct tblock *x = &s->tree.b[b];
        if (tree_height(&s->tree, b) <= height) break;
        uint64_t size = x->empty ? 0 : x->body_size;
        lack.blocks++;
        lack.bytes += x->link_size + size;
        lack.bodies += !x->empty;
        lack.body_bytes += size;
        lack.squares += (double)size * (double)size;
    }
    return line_time(s, &l, &lack);
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
