/* sync: steps the pool and carries out what it wants.

   Happy path: a message or a finished job becomes an event; the pool is
   stepped; each action becomes a request to a peer (talk.c), a job for the
   workers (check.c, insert.c), or a log line (watch.c); a timer brings the
   pool's next deadline.

   Failure modes:
     - a session ends while its actions are carried out: the pool is told after
       the step
     - no memory for a job: the job is answered FAILED and the pool tries again
     - the store fails: the verdict is FAILED; a full disk ends a run that is to
       end by itself and pauses a resident one, everything else ends the run
     - the record cannot be written: said once, and the run goes on without
     - the node ends: the pool is stepped no more, running jobs finish, and an
       insertion that was begun is a whole transaction or none */
#include "node/sync.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blockpool/spec.h"
#include "node/clock.h"
#include "node/entropy.h"
#include "node/log.h"

/* What a crash takes from a record. */
#define RECORD_FLUSH_MS 2000
/* Headers in memory, of 1 KiB at most: the pool keeps what is beyond that of a
   long branch as its spine, and fetches it again in its turn. */
#define LINKS_MAX (1u << 18)

struct bp_held sync_held(struct sync *s, const bp_hash *hash) {
    struct bp_held held = { 0 };
    struct bp_store_view *view;
    struct bp_store_entry e;
    if (bp_view_begin(&view, s->node->cfg.store) != 0) return held;
    if (bp_view_find(view, &e, hash) == 0)
        held = (struct bp_held){ true, e.number, e.td };
    bp_view_end(view);
    return held;
}

/* ---- jobs -------------------------------------------------------------- */

/* A job that could not be made is answered after the step that asked for it. */
static void refuse(struct sync *s, bp_job_id id, bool insert) {
    assert(s->n_refused < s->n_threads + 2); /* the pool has no more jobs */
    s->refused[s->n_refused].id = id;
    s->refused[s->n_refused++].insert = insert;
}

static void done_check(struct job *job) {
    struct check_job *j = (struct check_job *)job;
    struct sync *s = j->user;
    s->seals += j->seals;
    s->seals_skipped += j->skipped;
    s->costs.rules_ns += j->rules_ns;
    if (j->kind == BP_CHECK_RUN) s->headers_valid += j->verdict.n;
    if (j->verdict.not_before == BP_TIME_NEVER && !s->told_unvouched) {
        s->told_unvouched = true;
        LOG0(LOG_LVL_WARN, "Blocks without proof of work are not taken; "
                           "--trusted-head names one to sync to");
    }
    struct bp_event ev = { .type = BP_EV_CHECKED,
                           .u.checked = { j->id, j->verdict } };
    sync_step(s, &ev);
    check_free(j);
}

static void begin_check(struct sync *s, const struct bp_act_check *act) {
    struct check_job *j = check_new(act->n);
    if (j == NULL) {
        refuse(s, act->job, false);
        return;
    }
    j->job = (struct job){ .run = check_run, .done = done_check };
    j->user = s;
    j->ctx = s->ctx;
    j->id = act->job;
    j->kind = act->kind;
    j->trusted = act->trusted;
    j->parent_hash = act->parent;
    j->first_number = act->first_number;
    if (act->parent_item != 0)
        j->parent = items_bytes(s->items, act->parent_item);
    for (size_t i = 0; i < act->n; i++) {
        j->headers[i] = items_bytes(s->items, act->items[i]);
        j->hashes[i] = act->hashes[i];
    }
    work_push(s->verify, &j->job, false);
}

static bool ends_by_itself(const struct node_config *cfg) {
    return cfg->exit_when_synced || cfg->has_until_number ||
           cfg->has_until_hash;
}

/* The store failed: nobody is blamed; the pool will ask again. */
static void store_failed(struct sync *s, const struct insert_job *j) {
    bool full = j->error == BP_ERR_DISK_FULL || j->error == BP_ERR_STORE_MAP;
    if (!full) {
        node_finish(s->node, NODE_EXIT_FAILED, j->why.text);
    } else if (ends_by_itself(&s->node->cfg)) {
        node_finish(s->node, NODE_EXIT_DISK, j->why.text);
    } else {
        LOG(LOG_LVL_ERROR, "Cannot store blocks, trying again",
            KS("why", j->why.text), KM("again_in", s->node->cfg.disk_retry_ms));
        s->disk_at = clock_mono_ms() + s->node->cfg.disk_retry_ms;
    }
}

static void done_insert(struct job *job) {
    struct insert_job *j = (struct insert_job *)job;
    struct sync *s = j->user;
    s->inserting--;
    s->seals += j->seals;
    s->seals_skipped += j->skipped;
    s->costs.rules_ns += j->rules_ns;
    s->costs.store_ns += j->store_ns;
    s->blocks += j->stored;
    if (j->error != 0) store_failed(s, j);
    if (j->has_head) s->head = j->head;
    struct bp_event ev = {
        .type = BP_EV_INSERTED,
        .u.inserted = { j->id, j->verdict, s->head, j->refused_td },
    };
    watch_inserted(s, j);
    sync_step(s, &ev);
    insert_free(j);
}

/* How many of a run belong to what --until asks for. */
static size_t wanted_of(const struct sync *s, const struct bp_act_insert *act) {
    const struct node_config *cfg = &s->node->cfg;
    if (!cfg->has_until_number) return act->n;
    if (act->first_number > cfg->until_number) return 0;
    uint64_t room = cfg->until_number - act->first_number + 1;
    return room < act->n ? (size_t)room : act->n;
}

static void begin_insert(struct sync *s, const struct bp_act_insert *act) {
    size_t n = wanted_of(s, act);
    struct insert_job *j = n == 0 ? NULL : insert_new(n);
    if (j == NULL || clock_mono_ms() < s->disk_at) {
        insert_free(j);
        refuse(s, act->job, true);
        return;
    }
    j->job = (struct job){ .run = insert_run, .done = done_insert };
    j->user = s;
    j->ctx = s->ctx;
    j->keep = &s->keep;
    j->id = act->job;
    j->parent_hash = act->parent;
    j->first_number = act->first_number;
    for (size_t i = 0; i < n; i++) {
        const struct bp_insert_item *it = &act->items[i];
        struct insert_block *b = &j->blocks[i];
        b->hash = it->hash;
        b->checked = it->checked;
        b->trusted = it->trusted;
        b->header = items_bytes(s->items, it->link_item);
        if (it->body_item != 0) b->body = items_bytes(s->items, it->body_item);
    }
    s->inserting++;
    work_push(s->store, &j->job, false);
}

/* ---- stepping ---------------------------------------------------------- */

static void carry_out(struct sync *s, const struct bp_action *act) {
    switch (act->type) {
    case BP_ACT_ASK_LINKS: talk_ask_links(s, &act->u.ask_links); return;
    case BP_ACT_ASK_HASHES: return; /* no peer of ours joins with them */
    case BP_ACT_ASK_BLOCKS: talk_ask_blocks(s, &act->u.ask_blocks); return;
    case BP_ACT_CHECK: begin_check(s, &act->u.check); return;
    case BP_ACT_INSERT: begin_insert(s, &act->u.insert); return;
    case BP_ACT_BLAME: watch_blame(s, &act->u.blame); return;
    case BP_ACT_RELEASE:
        for (size_t i = 0; i < act->u.release.n; i++)
            items_let_go(s->items, act->u.release.items[i]);
        return;
    case BP_ACT_REPORT: watch_report(s, &act->u.report); return;
    }
    abort();
}

static void step_once(struct sync *s, const struct bp_event *ev) {
    struct bp_action act;
    bp_time now = clock_mono_ms();
    s->stepping = true;
    if (s->recorder != NULL) bp_recorder_event(s->recorder, ev, now);
    bp_pool_step(s->pool, ev, now);
    while (bp_pool_next(s->pool, &act)) {
        if (s->recorder != NULL) bp_recorder_action(s->recorder, &act);
        carry_out(s, &act);
    }
    s->stepping = false;
}

static void on_deadline(uv_timer_t *timer) {
    struct bp_event ev = { .type = BP_EV_TIME };
    sync_step(timer->data, &ev);
}

static void set_alarm(struct sync *s) {
    bp_time now = clock_mono_ms(), due = bp_pool_deadline(s->pool);
    if (due == BP_TIME_NEVER) {
        uv_timer_stop(&s->timer);
        return;
    }
    uv_update_time(&s->node->loop);
    uv_timer_start(&s->timer, on_deadline, due > now ? due - now : 0, 0);
}

static void step_left(struct sync *s, struct conn *c) {
    struct bp_event ev = { .type = BP_EV_PEER_LEFT, .u.left = { c->id } };
    c->left = c->joined = false;
    talk_forget(s, c);
    step_once(s, &ev);
}

static void answer_refused(struct sync *s) {
    struct bp_verdict failed = { .kind = BP_VERDICT_FAILED,
                                 .code = BP_ERR_NOMEM };
    bp_job_id id = s->refused[--s->n_refused].id;
    struct bp_event ev = { .type = BP_EV_CHECKED, .u.checked = { id, failed } };
    if (s->refused[s->n_refused].insert)
        ev = (struct bp_event){
            .type = BP_EV_INSERTED,
            .u.inserted = { .job = id, .verdict = failed, .head = s->head }
        };
    step_once(s, &ev);
}

/* What came up during the step: it may go on for as long as sessions end. */
static void step_what_is_left(struct sync *s) {
    while (s->someone_left) {
        s->someone_left = false;
        for (struct conn *c = s->node->conns, *next; c != NULL; c = next) {
            next = c->next;
            if (c->left) step_left(s, c);
        }
    }
}

void sync_step(struct sync *s, const struct bp_event *ev) {
    if (s->ending) return; /* what items it brings go with the table */
    assert(!s->stepping);
    step_once(s, ev);
    step_what_is_left(s);
    /* Once: a job that is refused again waits for the next event. */
    for (size_t n = s->n_refused; n > 0 && s->n_refused > 0; n--)
        answer_refused(s);
    step_what_is_left(s);
    set_alarm(s);
}

void sync_left(struct conn *c) {
    struct sync *s = c->node->sync;
    if (!c->joined || s->ending) {
        talk_forget(s, c);
        return;
    }
    c->left = true;
    s->someone_left = true;
    if (s->stepping) return;
    step_what_is_left(s);
    set_alarm(s);
}

void sync_offence(struct conn *c, int offence, int code) {
    struct bp_event ev = { .type = BP_EV_PEER_OFFENCE,
                           .u.offence = { c->id, offence, code } };
    sync_step(c->node->sync, &ev);
}

/* ---- life -------------------------------------------------------------- */

static int read_chain(struct sync *s) {
    struct bp_store_view *view;
    struct bp_store_entry head;
    int err = bp_view_begin(&view, s->node->cfg.store);
    if (err != 0) return err;
    if ((err = bp_view_head(view, &head)) == 0)
        s->head = s->start =
            (struct bp_chain_head){ head.hash, head.number, head.td };
    bp_view_end(view);
    s->announced = s->head.hash;
    return err;
}

static void trace(void *user, const char *line) {
    (void)user;
    LOG(LOG_LVL_TRACE, "Pool", KS("line", line));
}

/* ---- the record -------------------------------------------------------- */

static int write_record(void *user, const void *bytes, size_t n) {
    return fwrite(bytes, 1, n, user) == n ? 0 : BP_ERR_STORE_IO;
}

static int begin_record(struct sync *s, const struct bp_pool_config *pool,
                        struct node_error *why) {
    const char *path = s->node->cfg.record_path;
    if (path == NULL) return 0;
    s->record = fopen(path, "wbe");
    if (s->record == NULL) {
        snprintf(why->text, sizeof why->text, "record %s: %s", path,
                 strerror(errno));
        return BP_ERR_STORE_IO;
    }
    return bp_recorder_new(&s->recorder, pool, write_record, s->record);
}

void sync_flush_record(struct sync *s, bp_time now) {
    if (s->recorder == NULL || now - s->flushed_at < RECORD_FLUSH_MS) return;
    s->flushed_at = now;
    if (bp_recorder_flush(s->recorder) == 0 && fflush(s->record) == 0) return;
    LOG(LOG_LVL_ERROR, "The record ends here", KS("why", strerror(errno)));
    (void)bp_recorder_end(s->recorder);
    s->recorder = NULL;
}

static void end_record(struct sync *s) {
    int err = bp_recorder_end(s->recorder);
    s->recorder = NULL;
    if (s->record != NULL && (fclose(s->record) != 0 || err != 0))
        LOG(LOG_LVL_ERROR, "The record has no end",
            KS("why", err != 0 ? bp_strerror(err) : strerror(errno)));
    s->record = NULL;
}

static int make_pool(struct sync *s, struct node_error *why) {
    const struct node_config *cfg = &s->node->cfg;
    struct bp_pool_config pool = {
        .seed = entropy_u64(),
        .genesis = cfg->spec->genesis_hash,
        .head = s->head,
        .probe_below = verify_probe_below(cfg->spec),
        .peers_max = cfg->max_peers + (uint32_t)cfg->n_peers,
        .links_max = LINKS_MAX,
        .window_bytes = cfg->window_bytes,
        .workers = s->n_threads,
        .reply_bytes_max = BP_RLPX_MESSAGE_MAX,
        .trace = log_enabled(LOG_LVL_TRACE) ? trace : NULL,
        .record_bytes = cfg->record_path != NULL ? BP_RECORDER_BYTES : 0,
    };
    int err = bp_pool_new(&s->pool, &pool);
    if (err == 0) err = begin_record(s, &pool, why);
    if (err == 0)
        LOG(LOG_LVL_INFO, "Memory of the pool is bounded",
            KB("bound", bp_pool_bound(&pool)));
    return err;
}

/* --trusted-head: the pool's target from the start. */
static int set_target(struct sync *s) {
    const struct node_config *cfg = &s->node->cfg;
    struct bp_event ev = { .type = BP_EV_TARGET,
                           .u.target = { .set = true,
                                         .hash = cfg->trusted_head } };
    struct bp_store_view *view;
    struct bp_store_entry e;
    int err = bp_view_begin(&view, cfg->store);
    if (err != 0) return err;
    err = bp_view_find(view, &e, &cfg->trusted_head);
    bp_view_end(view);
    if (err == 0) {
        ev.u.target.known = (struct bp_held){ true, e.number, e.td };
        ev.u.target.has_number = true;
        ev.u.target.number = e.number;
    } else if (err != BP_ERR_NOT_STORED) {
        return err;
    }
    sync_step(s, &ev);
    return 0;
}

int sync_new(struct sync **out, struct node *n, struct node_error *why) {
    *out = NULL;
    struct sync *s = calloc(1, sizeof *s);
    if (s == NULL) return BP_ERR_NOMEM;
    n->sync = s; /* so that node_free ends what was begun */
    s->node = n;
    s->n_threads = n->cfg.threads;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    s->roots = calloc(s->n_threads, sizeof *s->roots);
    s->refused = calloc(s->n_threads + 2, sizeof *s->refused);
    int err = s->roots == NULL || s->refused == NULL ? BP_ERR_NOMEM : 0;
    if (err == 0) err = read_chain(s);
    if (err == 0) err = items_new(&s->items);
    if (err == 0) err = verify_new(&s->ctx, &n->cfg);
    if (err == 0) err = work_new(&s->verify, &n->loop, s->n_threads);
    if (err == 0) err = work_new(&s->store, &n->loop, 1);
    if (err == 0) err = make_pool(s, why);
    if (err != 0) return err;
    uv_timer_init(&n->loop, &s->timer);
    s->timer.data = s;
    s->timer_made = true;
    *out = s;
    return n->cfg.has_trusted_head ? set_target(s) : 0;
}

void sync_end(struct sync *s) {
    if (s->ending) return;
    s->ending = true;
    end_record(s);
    if (s->ctx != NULL) verify_stop(s->ctx);
    work_end(s->verify);
    work_end(s->store);
    if (s->timer_made) uv_close((uv_handle_t *)&s->timer, NULL);
}

void sync_free(struct sync *s) {
    if (s == NULL) return;
    bp_pool_free(s->pool, NULL, NULL); /* its items go with their table */
    items_free(s->items);
    verify_free(s->ctx);
    for (unsigned i = 0; s->roots != NULL && i < s->n_threads; i++)
        bp_roots_free(s->roots[i]);
    free(s->roots);
    free(s->refused);
    free(s);
}
