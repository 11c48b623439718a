/* reply: what a worker makes of an answer.

   Happy path, headers: each decodes, all are hashed in one batch, they begin
   where we asked and each is the parent of the one before it.
   Happy path, bodies: each decodes, all roots are computed in one batch, each
   body has the roots of a header that we asked for, in our order.

   Failure modes, each an offence that the bytes prove:
     - more items than were asked for
     - a header or a body that does not decode
     - a header too large to be valid, which would cost memory until it is
       checked
     - a first header that is not the one we asked for
     - headers that do not follow one another
   A body with the roots of none of our headers is not judged here: the pool
   knows what that means. No memory: the pool hears of an empty answer. */
#include "node/reply.h"

#include <assert.h>
#include <stdlib.h>

#include "blockpool/keccak.h"
#include "node/clock.h"

static int blame(struct reply_job *j, int offence, int code) {
    j->offence = offence;
    j->code = code;
    return code;
}

/* ---- headers ---------------------------------------------------------- */

int reply_header_size(const struct bp_header *h) {
    bool large = h->number > 0 && h->extra.n > BP_EXTRA_MAX;
    return large ? BP_ERR_RULE_EXTRA_DATA : 0;
}

static int decode_headers(struct reply_job *j) {
    struct bp_items rest = j->items;
    bool reverse = j->ask->links.reverse;
    for (size_t i = 0; i < j->n; i++) {
        struct bp_header h;
        bp_span item, in;
        size_t at = reverse ? i : j->n - 1 - i; /* newest first */
        bool more = bp_items_next(&item, &rest);
        assert(more); /* the message was decoded with this count */
        in = item;
        int err = bp_header_decode(&h, &in);
        if (err == 0) err = bp_rlp_end(in);
        if (err == 0) err = reply_header_size(&h);
        if (err != 0) return blame(j, BP_OFF_BAD_BYTES, err);
        j->link_bytes[at] = item;
        j->links[at] = (struct bp_link){
            .parent = h.parent_hash,
            .number = h.number,
            .difficulty = h.difficulty,
            .size = (uint32_t)item.n,
            .flags = bp_header_body_empty(&h) ? BP_LINK_EMPTY : 0,
        };
    }
    return 0;
}

static int hash_headers(struct reply_job *j) {
    bp_hash *hashes = malloc(j->n * sizeof *hashes);
    if (hashes == NULL) return j->failed = BP_ERR_NOMEM;
    bp_keccak256_many(hashes, j->link_bytes, j->n);
    for (size_t i = 0; i < j->n; i++) j->links[i].hash = hashes[i];
    free(hashes);
    return 0;
}

static bool begins_right(const struct reply_job *j) {
    const struct bp_act_ask_links *q = &j->ask->links;
    const struct bp_link *first = &j->links[q->reverse ? 0 : j->n - 1];
    return q->by_number ? first->number == q->number
                        : bp_hash_eq(&first->hash, &q->hash);
}

static bool is_linked(const struct reply_job *j) {
    if (j->ask->links.skip != 0) return true;
    for (size_t i = 0; i + 1 < j->n; i++)
        if (!bp_hash_eq(&j->links[i].parent, &j->links[i + 1].hash))
            return false;
    return true;
}

static int read_headers(struct reply_job *j) {
    if (j->items.n > j->ask->links.count)
        return blame(j, BP_OFF_TOO_MUCH, BP_ERR_ITEMS_MANY);
    j->links = calloc(j->items.n, sizeof *j->links);
    j->link_bytes = calloc(j->items.n, sizeof *j->link_bytes);
    if (j->links == NULL || j->link_bytes == NULL)
        return j->failed = BP_ERR_NOMEM;
    j->n = j->items.n;
    int err = decode_headers(j);
    if (err == 0) err = hash_headers(j);
    if (err != 0) return err;
    if (!begins_right(j)) return blame(j, BP_OFF_UNLINKED, BP_ERR_ORIGIN);
    if (!is_linked(j)) return blame(j, BP_OFF_UNLINKED, BP_ERR_UNLINKED);
    return 0;
}

/* ---- bodies ----------------------------------------------------------- */

/* The first wanted header with these roots that no body has yet, from `from`
   on and then from the start; BP_NONE. */
static size_t find_want(const struct reply_job *j,
                        const struct bp_body_roots *roots,
                        const struct bp_header *wanted, const bool *taken,
                        size_t from) {
    for (size_t k = 0; k < j->ask->n; k++) {
        size_t i = from + k < j->ask->n ? from + k : from + k - j->ask->n;
        if (!taken[i] && bp_body_roots_match(roots, &wanted[i])) return i;
    }
    return BP_NONE;
}

static void match(struct reply_job *j, const struct bp_body_roots *roots,
                  const struct bp_header *wanted, bool *taken) {
    size_t from = 0;
    for (size_t i = 0; i < j->n; i++) {
        size_t k = find_want(j, &roots[i], wanted, taken, from);
        j->bodies[i].want = k;
        if (k == BP_NONE) continue;
        taken[k] = true;
        from = k + 1 < j->ask->n ? k + 1 : 0;
    }
}

static int decode_bodies(struct reply_job *j, struct bp_body *bodies) {
    struct bp_items rest = j->items;
    for (size_t i = 0; i < j->n; i++) {
        bool more = bp_items_next(&j->bodies[i].bytes, &rest);
        assert(more); /* the message was decoded with this count */
        bp_span in = j->bodies[i].bytes;
        int err = bp_body_decode(&bodies[i], &in);
        if (err == 0) err = bp_rlp_end(in);
        if (err != 0) return blame(j, BP_OFF_BAD_BYTES, err);
    }
    return 0;
}

static void decode_wanted(const struct reply_job *j, struct bp_header *wanted) {
    for (size_t i = 0; i < j->ask->n; i++) {
        bp_span in = j->headers[i];
        if (in.n == 0) continue; /* no header: no body can match */
        int err = bp_header_decode(&wanted[i], &in);
        assert(err == 0); /* it was decoded when it came */
    }
}

static int read_bodies(struct reply_job *j) {
    size_t n = j->items.n, n_wants = j->ask->n;
    if (n > n_wants) return blame(j, BP_OFF_TOO_MUCH, BP_ERR_ITEMS_MANY);
    struct bp_roots **roots = &j->roots[j->job.worker];
    struct bp_body *bodies = calloc(n, sizeof *bodies);
    struct bp_body_roots *found = calloc(n, sizeof *found);
    struct bp_header *wanted = calloc(n_wants, sizeof *wanted);
    bool *taken = calloc(n_wants, sizeof *taken);
    j->bodies = calloc(n, sizeof *j->bodies);
    int err = 0;
    if (*roots == NULL) err = bp_roots_new(roots, NULL);
    if (bodies == NULL || found == NULL || wanted == NULL || taken == NULL ||
        j->bodies == NULL || err != 0) {
        err = j->failed = BP_ERR_NOMEM;
        goto done;
    }
    j->n = n;
    if ((err = decode_bodies(j, bodies)) != 0) goto done;
    err = bp_bodies_roots(found, *roots, bodies, n);
    if (err != 0) {
        blame(j, BP_OFF_BAD_BYTES, err);
        goto done;
    }
    decode_wanted(j, wanted);
    match(j, found, wanted, taken);
done:
    free(bodies);
    free(found);
    free(wanted);
    free(taken);
    return err;
}

void reply_run(struct job *job) {
    struct reply_job *j = (struct reply_job *)job;
    if (j->items.n == 0) return;
    uint64_t begin = clock_thread_cpu_ns();
    int err = j->ask->blocks ? read_bodies(j) : read_headers(j);
    if (err != 0) j->n = 0;
    j->cpu_ns = clock_thread_cpu_ns() - begin;
}

void reply_free(struct reply_job *j) {
    frame_let_go(j->frame);
    free(j->headers);
    free(j->links);
    free(j->link_bytes);
    free(j->bodies);
    free(j);
}
