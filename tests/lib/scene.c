/* scene: opening and closing, steps, virtual time. */
#include <time.h>

#include "blockpool/record.h"
#include "lib/scene_parts.h"

/* ---- steps -------------------------------------------------------------- */

static double cpu_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static bool next_action(struct scene *s, struct bp_action *a) {
    if (!s->measure) return bp_pool_next(s->pool, a);
    double t = cpu_now();
    bool more_to_do = bp_pool_next(s->pool, a);
    s->engine_s += cpu_now() - t;
    return more_to_do;
}

void scene_step(struct scene *s, const struct bp_event *ev) {
    if (s->recorder != NULL) bp_recorder_event(s->recorder, ev, s->now);
    if (s->measure) {
        double t = cpu_now();
        bp_pool_step(s->pool, ev, s->now);
        s->engine_s += cpu_now() - t;
    } else {
        bp_pool_step(s->pool, ev, s->now);
    }
    if (!s->no_check) bp_pool_check(s->pool);
    struct bp_action a;
    while (next_action(s, &a)) {
        if (s->recorder != NULL) bp_recorder_action(s->recorder, &a);
        scene_perform(s, &a);
    }
    if (!s->no_check) bp_pool_check(s->pool);
    uint64_t memory = bp_pool_memory(s->pool);
    if (memory > s->peak_memory) s->peak_memory = memory;
    if (s->after_step != NULL) s->after_step(s);
}

void scene_tick(struct scene *s) {
    scene_step(s, &(struct bp_event){ .type = BP_EV_TIME });
}

/* ---- time --------------------------------------------------------------- */

static bool sooner(const struct scene_event *a, const struct scene_event *b) {
    return a->at != b->at ? a->at < b->at : a->serial < b->serial;
}

void scene_later(struct scene *s, struct scene_event e) {
    s->queue =
        scene_more(s->queue, &s->cap_queue, s->n_queue + 1, sizeof *s->queue);
    e.serial = ++s->serial;
    size_t i = s->n_queue++;
    for (; i > 0 && sooner(&e, &s->queue[(i - 1) / 2]); i = (i - 1) / 2)
        s->queue[i] = s->queue[(i - 1) / 2];
    s->queue[i] = e;
}

static struct scene_event queue_take(struct scene *s) {
    struct scene_event top = s->queue[0], e = s->queue[--s->n_queue];
    size_t i = 0;
    for (;;) {
        size_t k = 2 * i + 1;
        if (k >= s->n_queue) break;
        if (k + 1 < s->n_queue && sooner(&s->queue[k + 1], &s->queue[k])) k++;
        if (!sooner(&s->queue[k], &e)) break;
        s->queue[i] = s->queue[k];
        i = k;
    }
    if (s->n_queue > 0) s->queue[i] = e;
    return top;
}

static void happen(struct scene *s, const struct scene_event *e) {
    if (e->what == SCENE_ANSWER) {
        const struct scene_peer *peer = scene_peer(s, e->peer);
        if (peer->here && e->ask < peer->n_asks && peer->asks[e->ask].open)
            scene_answer(s, e->peer, e->ask);
        return;
    }
    struct bp_event ev = { .type = BP_EV_CHECKED };
    if (e->job_type == BP_ACT_CHECK) {
        ev.u.checked.job = e->job;
        ev.u.checked.verdict = e->verdict;
    } else {
        scene_finish_insert(s, e, &ev);
    }
    scene_step(s, &ev);
    free(e->ids);
}

/* One thing that happens until `end`; false if nothing does. */
static bool advance(struct scene *s, bp_time end) {
    bp_time due = bp_pool_deadline(s->pool);
    if (s->n_queue > 0 && s->queue[0].at <= end && s->queue[0].at <= due) {
        struct scene_event e = queue_take(s);
        if (e.at > s->now) s->now = e.at;
        happen(s, &e);
        return true;
    }
    if (due > end) return false;
    if (due > s->now) s->now = due;
    scene_tick(s);
    return true;
}

void scene_run(struct scene *s, bp_time ms) {
    bp_time end = s->now + ms;
    size_t guard = 0;
    while (advance(s, end))
        if (++guard > 50000000) fail_msg("time stands still at %zu", s->now);
    s->now = end;
}

void scene_settle(struct scene *s, bp_time limit) {
    bp_time end = s->now + limit;
    while (s->n_queue > 0 || !bp_pool_quiescent(s->pool))
        if (!advance(s, end)) break;
}

/* ---- what was seen ------------------------------------------------------- */

size_t scene_blamed(const struct scene *s, bp_peer_id peer, int offence) {
    size_t n = 0;
    for (size_t i = 0; i < s->n_blames; i++)
        n += s->blames[i].peer == peer &&
             (offence < 0 || s->blames[i].offence == offence);
    return n;
}

size_t scene_offences(const struct scene *s) {
    size_t n = 0;
    for (size_t i = 0; i < s->n_blames; i++)
        n += s->blames[i].offence != BP_OFF_NONE &&
             s->blames[i].offence < BP_OFF_FIRST_FAULT;
    return n;
}

struct bp_pool_status scene_status(const struct scene *s) {
    struct bp_pool_status st;
    bp_pool_status(s->pool, &st);
    return st;
}

void scene_expect_head(struct scene *s, uint32_t head) {
    if (s->head != head) {
        char why[512];
        bp_pool_why(s->pool, why, sizeof why);
        fail_msg("head is %u at %zu ms, not %u; %s", s->head, (size_t)s->now,
                 head, why);
    }
    for (uint32_t id = head;; id = s->block[id].parent) {
        assert_true(scene_at(s, id)->held);
        if (id == 0) break;
    }
}

void scene_expect_log(struct scene *s, const char *lines) {
    const char *got = s->log != NULL ? s->log : "";
    if (strcmp(got, lines) != 0)
        fail_msg("the trace differs; it is\n%s\nand should be\n%s", got, lines);
    s->n_log = 0;
    if (s->log != NULL) s->log[0] = 0;
}

static void on_trace(void *user, const char *line) {
    struct scene *s = user;
    if (s->verbose) printf("%s\n", line);
    if (!s->keep_log) return;
    size_t n = strlen(line);
    s->log = scene_more(s->log, &s->cap_log, s->n_log + n + 2, 1);
    memcpy(s->log + s->n_log, line, n);
    s->log[s->n_log + n] = '\n';
    s->log[s->n_log + n + 1] = 0;
    s->n_log += n + 1;
}

/* ---- opening and closing ------------------------------------------------- */

void scene_prepare(struct scene *s, const struct bp_pool_config *cfg) {
    *s = (struct scene){ .link_bytes = 500, .caps = SCENE_LINKS };
    if (cfg != NULL) s->cfg = *cfg;
    if (s->cfg.links_max == 0) s->cfg.links_max = 1 << 16; /* quicker to make */
    test_alloc_init(&s->alloc);
    scene_block(s, 0, 0, 1);
    s->block[0].held = true;
}

int scene_make_pool(struct scene *s) {
    s->cfg.alloc = &s->alloc.iface;
    s->cfg.genesis = scene_hash(0);
    s->cfg.head = scene_chain_head(s);
    s->verbose = getenv("SCENE_TRACE") != NULL;
    if (!s->no_check || s->verbose) {
        s->cfg.trace = on_trace;
        s->cfg.trace_user = s;
    }
    return bp_pool_new(&s->pool, &s->cfg);
}

void scene_open(struct scene *s, const struct bp_pool_config *cfg) {
    scene_prepare(s, cfg);
    assert_int_equal(scene_make_pool(s), 0);
}

static void release_item(void *user, uint64_t id) {
    scene_item_release(user, id);
}

void scene_close(struct scene *s) {
    bp_pool_free(s->pool, release_item, s);
    if (s->live_items != 0) fail_msg("%zu items leaked", s->live_items);
    if (s->alloc.live_bytes != 0)
        fail_msg("%zu bytes leaked", s->alloc.live_bytes);
    for (uint32_t i = 0; i < s->n_peers; i++) {
        for (size_t k = 0; k < s->peer[i].n_asks; k++) {
            free(s->peer[i].asks[k].ids);
            free(s->peer[i].asks[k].whole);
        }
        free(s->peer[i].asks);
    }
    for (size_t i = 0; i < s->n_queue; i++) free(s->queue[i].ids);
    free(s->queue);
    free(s->peer);
    free(s->block);
    free(s->item);
    free(s->free_items);
    free(s->blames);
    free(s->log);
}
