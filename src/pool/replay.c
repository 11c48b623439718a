/* replay: a record's events fed to a new pool, and what came of it compared. */
#include "blockpool/record.h"
#include "pool/codec.h"

static void replay_event(struct bp_pool *pool, struct bp_replay *replay,
                         const struct bp_event *event, bp_time now,
                         struct bp_record_mark *got) {
    struct bp_action action;
    *got = (struct bp_record_mark){ .known = true, .digest = BP_DIGEST_INIT };
    if (replay->on_event != NULL) replay->on_event(replay->user, event, now);
    bp_pool_step(pool, event, now);
    while (bp_pool_next(pool, &action)) {
        got->actions++;
        bp_digest_action(&got->digest, &action);
        if (replay->on_action != NULL) replay->on_action(replay->user, &action);
    }
    if (replay->check) bp_pool_check(pool);
    replay->events++;
    replay->actions += got->actions;
}

int bp_record_replay(struct bp_record *r, struct bp_replay *replay) {
    struct bp_pool_config config = *bp_record_config(r);
    struct bp_record_mark want, got;
    struct bp_pool *pool;
    struct bp_event event;
    bp_time now;
    bool compare = replay->config == NULL;
    int err;
    if (!compare) config = *replay->config;
    config.alloc = replay->alloc;
    config.trace = replay->trace;
    config.trace_user = replay->user;
    replay->events = replay->actions = 0;
    replay->differs = false;
    if ((err = bp_pool_new(&pool, &config)) != 0) return err;
    while (!replay->differs &&
           (err = bp_record_next(r, &event, &now, &want)) == 0) {
        replay_event(pool, replay, &event, now, &got);
        if (!compare || !want.known ||
            (want.actions == got.actions && want.digest == got.digest))
            continue;
        replay->differs = true;
        replay->at_event = replay->events - 1;
        replay->want = want.actions;
        replay->got = got.actions;
    }
    replay->complete = bp_record_complete(r);
    if (replay->at_end != NULL) replay->at_end(replay->user, pool);
    bp_pool_free(pool, NULL, NULL);
    return err == BP_ERR_RECORD_END ? 0 : err;
}
