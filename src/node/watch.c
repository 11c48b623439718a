/* watch: what the node says about itself, and when it is done.

   Happy path: the head moves, the rate and the time left follow from the last
   ten seconds; the goal (--until, --exitwhensynced) is reached and the run
   ends with exit code 0.

   Failure modes:
     - no usable peer: said at least every eight seconds, with the reason for
       each peer, and after the time-out the run ends with exit code 4
     - everything the peers have is stored and --until is not reached: 6
     - somebody lies or fails: named, once */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/clock.h"
#include "node/log.h"
#include "node/sync.h"

/* Between two range updates to eth/69 peers while the head runs. */
#define RANGE_MS  5000
#define SAMPLE_MS 1000

/* ---- offences and faults ----------------------------------------------- */

static void describe(char *out, size_t cap, const struct bp_act_blame *act) {
    char place[96] = "", hash[24];
    if (act->has_hash) {
        log_short_hash(hash, sizeof hash, &act->hash);
        snprintf(place, sizeof place, ": block %llu (%s)",
                 (unsigned long long)act->number, hash);
    }
    snprintf(out, cap, "%s%s%s%s", bp_offence_text(act->offence), place,
             act->code != 0 ? ": " : "",
             act->code != 0 ? bp_strerror(act->code) : "");
}

static enum bp_disc reason_for(int offence) {
    if (offence == BP_OFF_WRONG_CHAIN || offence == BP_OFF_SUSPENDED)
        return BP_DISC_USELESS;
    if (offence == BP_OFF_LATE || offence == BP_OFF_STALLED)
        return BP_DISC_TIMEOUT;
    return offence >= BP_OFF_FIRST_FAULT ? BP_DISC_USELESS : BP_DISC_BREACH;
}

void watch_blame(struct sync *s, const struct bp_act_blame *act) {
    struct node *n = s->node;
    struct conn *c = talk_conn(s, act->peer);
    size_t peer = peers_by_identity(&n->peers, &act->identity);
    if (peer == NO_PEER) return; /* a stranger, forgotten since */
    struct node_finding f = {
        .peer = peer,
        .at = clock_mono_ms() - n->began,
        .offence = act->offence,
        .code = act->code,
        .has_block = act->has_hash,
        .number = act->number,
        .ended = act->end,
    };
    if (act->has_hash) f.hash = act->hash;
    describe(f.text, sizeof f.text, act);
    if (act->until > n->peers.list[peer].suspended_until)
        n->peers.list[peer].suspended_until = act->until;
    if (peers_blame(&n->peers, &f) && n->cfg.hooks.found != NULL)
        n->cfg.hooks.found(n->cfg.hooks.user, n);
    if (act->end && c != NULL) conn_close(c, reason_for(act->offence), f.text);
}

void watch_report(struct sync *s, const struct bp_act_report *act) {
    switch (act->kind) {
    case BP_REPORT_BEST:
        LOG(LOG_LVL_DEBUG, "Best peer changed", KN("session", act->peer));
        return;
    case BP_REPORT_JOINED:
        LOG(LOG_LVL_INFO, "Headers reach our chain", KU("number", act->number),
            KH("hash", &act->hash), KU("blocks", act->count));
        return;
    case BP_REPORT_SYNCED:
        LOG(LOG_LVL_INFO, "Nothing heavier is known",
            KU("head", s->head.number), KH("hash", &s->head.hash));
        return;
    case BP_REPORT_STALLED:
        LOG(LOG_LVL_WARN, "No peer has what is missing",
            KU("number", act->number), KH("hash", &act->hash));
        return;
    case BP_REPORT_DROPPED:
        LOG(LOG_LVL_INFO, "Dropped a branch", KU("number", act->number),
            KH("hash", &act->hash), KU("links", act->count));
        return;
    case BP_REPORT_CONDENSED:
        LOG(LOG_LVL_DEBUG, "Condensed a branch", KU("number", act->number),
            KU("links", act->count));
        return;
    case BP_REPORT_TARGET:
        LOG(LOG_LVL_INFO, "Reached the target", KU("number", act->number),
            KH("hash", &act->hash));
        return;
    }
    abort();
}

/* ---- goals ------------------------------------------------------------- */

static bool has_until(const struct node_config *cfg) {
    return cfg->has_until_number || cfg->has_until_hash;
}

/* The trusted head is not here yet. */
static bool lacks_target(struct sync *s) {
    const struct node_config *cfg = &s->node->cfg;
    return cfg->has_trusted_head && !sync_held(s, &cfg->trusted_head).held;
}

static void tell_lacking(char *out, size_t cap, const struct sync *s) {
    char hash[65];
    bp_hex(hash, s->node->cfg.trusted_head.b, 32);
    snprintf(out, cap, "no peer brought the trusted block 0x%s", hash);
}

static bool until_reached(struct sync *s) {
    const struct node_config *cfg = &s->node->cfg;
    if (cfg->has_until_number && s->head.number >= cfg->until_number)
        return true;
    return cfg->has_until_hash && sync_held(s, &cfg->until_hash).held;
}

static void finish_synced(struct sync *s) {
    char why[160];
    if (lacks_target(s)) {
        tell_lacking(why, sizeof why, s);
        node_finish(s->node, NODE_EXIT_PEERS, why);
        return;
    }
    snprintf(why, sizeof why,
             "the peers' chain ends at block %llu, before what --until names",
             (unsigned long long)s->head.number);
    if (has_until(&s->node->cfg))
        node_finish(s->node, NODE_EXIT_ABSENT, why);
    else
        node_done(s->node);
}

/* Everybody had a chance to say what they have, and it is stored. */
static bool is_synced(const struct sync *s) {
    return s->inserting == 0 && sync_usable(s) > 0 &&
           dial_untried(s->node) == 0 && bp_pool_quiescent(s->pool);
}

static void look_at_goals(struct sync *s) {
    const struct node_config *cfg = &s->node->cfg;
    if (has_until(cfg) && until_reached(s))
        node_done(s->node);
    else if (cfg->exit_when_synced && is_synced(s))
        finish_synced(s);
}

/* A branch that undoes much is told, whether or not it was taken. */
static void tell_deep(const struct bp_decision *d) {
    if (d->choice == BP_CHOICE_HELD)
        LOG(LOG_LVL_WARN, "Branch with more work is held back",
            KU("undoes", d->depth), KS("by", d->mess ? "mess" : "max-reorg"));
    else if (d->alarm)
        LOG(LOG_LVL_WARN, "Deep reorganisation", KU("undoes", d->depth));
}

void watch_inserted(struct sync *s, const struct insert_job *j) {
    if (j->verdict.n == 0) return;
    tell_deep(&j->decision);
    s->progress_at = clock_mono_ms();
    const struct node_config *cfg = &s->node->cfg;
    if (cfg->has_until_number && s->head.number >= cfg->until_number)
        node_done(s->node);
    for (size_t i = 0; cfg->has_until_hash && i < j->verdict.n; i++)
        if (bp_hash_eq(&j->blocks[i].hash, &cfg->until_hash))
            node_done(s->node);
}

/* ---- no usable peer ---------------------------------------------------- */

size_t sync_usable(const struct sync *s) {
    size_t count = 0;
    for (const struct conn *c = s->node->conns; c != NULL; c = c->next)
        if (c->state == CONN_OPEN && c->joined) count++;
    return count;
}

/* "6f8a1b2c@127.0.0.1:30303: connection refused; …" */
static void list_reasons(const struct node *n, char *out, size_t cap) {
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < n->peers.n && len < cap; i++) {
        const struct node_peer *p = &n->peers.list[i].seen;
        int k = snprintf(out + len, cap - len, "%s%s: %s", i > 0 ? "; " : "",
                         p->name,
                         p->connected               ? "connected"
                         : p->last_error[0] != '\0' ? p->last_error
                                                    : "dialing");
        if (k > 0) len += (size_t)k;
    }
    if (n->peers.n == 0) snprintf(out, cap, "none are known");
}

static void tell_no_peer(struct sync *s) {
    char reasons[384];
    list_reasons(s->node, reasons, sizeof reasons);
    LOG(LOG_LVL_WARN, "No usable peer", KU("known", s->node->peers.n),
        KS("peers", reasons));
}

static void look_at_timeout(struct sync *s, bp_time now) {
    struct node *n = s->node;
    char why[BP_STORE_TEXT_MAX], reasons[384];
    bool lacking = lacks_target(s);
    bool idle = !lacking && sync_usable(s) > 0 && bp_pool_quiescent(s->pool);
    if (n->cfg.timeout_ms == 0) return;
    if (idle || s->progress_at == 0) s->progress_at = now;
    if (now - s->progress_at < n->cfg.timeout_ms) return;
    if (lacking && sync_usable(s) > 0)
        tell_lacking(reasons, sizeof reasons, s);
    else
        sync_why(s, reasons, sizeof reasons);
    snprintf(why, sizeof why, "no progress for %u s: %s",
             n->cfg.timeout_ms / 1000, reasons);
    node_finish(n, NODE_EXIT_PEERS, why);
}

/* ---- figures ----------------------------------------------------------- */

static void sample(struct sync *s, bp_time now) {
    size_t last = s->n_samples > 0 ? s->n_samples - 1 : 0;
    if (s->n_samples > 0 && now - s->samples[last].at < SAMPLE_MS) return;
    if (s->n_samples == RATE_SAMPLES) {
        memmove(&s->samples[0], &s->samples[1],
                (RATE_SAMPLES - 1) * sizeof s->samples[0]);
        s->n_samples--;
    }
    s->samples[s->n_samples].at = now;
    s->samples[s->n_samples++].blocks = s->blocks;
}

static double rate_of(const struct sync *s, bp_time now) {
    if (s->n_samples == 0 || now <= s->samples[0].at) return 0;
    return (double)(s->blocks - s->samples[0].blocks) * 1000 /
           (double)(now - s->samples[0].at);
}

static enum node_stage stage_of(const struct sync *s,
                                const struct bp_pool_status *pool) {
    if (sync_usable(s) == 0) return NODE_STAGE_PEERS;
    if (s->inserting > 0 || pool->window_used > 0) return NODE_STAGE_BLOCKS;
    return pool->links_held > 0 ? NODE_STAGE_HEADERS : NODE_STAGE_IDLE;
}

void sync_status(const struct sync *s, struct node_status *out) {
    struct bp_pool_status pool;
    bp_pool_status(s->pool, &pool);
    bp_time now = clock_mono_ms();
    out->stage = stage_of(s, &pool);
    out->head = s->head;
    out->start = s->start;
    if (pool.target > 0) out->target = pool.target;
    if (out->target != NODE_UNKNOWN && out->target < s->head.number)
        out->target = s->head.number;
    out->headers = s->headers;
    out->headers_valid = s->headers_valid;
    out->seals = s->seals;
    out->seals_skipped = s->seals_skipped;
    out->blocks = s->blocks;
    out->rate = rate_of(s, now);
    if (out->target != NODE_UNKNOWN && out->rate > 0)
        out->eta_s =
            (uint64_t)((double)(out->target - s->head.number) / out->rate);
}

void sync_costs(const struct sync *s, struct node_costs *out) {
    *out = s->costs;
    out->seals_ns = atomic_load(&s->ctx->seal_ns);
}

size_t sync_why(const struct sync *s, char *out, size_t cap) {
    if (sync_usable(s) > 0) return bp_pool_why(s->pool, out, cap);
    char reasons[384];
    list_reasons(s->node, reasons, sizeof reasons);
    return (size_t)snprintf(out, cap, "no usable peer: %s", reasons);
}

static void tell_status(struct sync *s) {
    struct node_status st = { .target = NODE_UNKNOWN, .eta_s = NODE_UNKNOWN };
    char why[256];
    sync_status(s, &st);
    sync_why(s, why, sizeof why);
    LOG(LOG_LVL_INFO, "Status", KS("stage", node_stage_name(st.stage)),
        KU("head", st.head.number), KH("hash", &st.head.hash),
        KU("blocks", st.blocks), KU("peers", sync_usable(s)), KS("why", why));
}

static void copy_estimates(struct sync *s) {
    struct bp_peer_status list[64];
    size_t n = bp_pool_peers(s->pool, list, 64);
    for (size_t i = 0; i < n && i < 64; i++) {
        struct conn *c = talk_conn(s, list[i].peer);
        if (c != NULL)
            s->node->peers.list[c->peer].seen.rtt_ms = list[i].rtt_ms;
    }
}

static void tell_range(struct sync *s, bp_time now) {
    if (s->head.number == s->range_told || now - s->range_at < RANGE_MS) return;
    s->range_told = s->head.number;
    s->range_at = now;
    session_head_moved(s->node, &s->head);
}

/* What goes by while we catch up is no news to anyone. */
static void tell_news(struct sync *s) {
    if (bp_hash_eq(&s->head.hash, &s->announced)) return;
    if (!bp_pool_quiescent(s->pool)) return;
    s->announced = s->head.hash;
    session_new_block(s->node, &s->head);
}

void sync_tick(struct node *n, bp_time now) {
    struct sync *s = n->sync;
    if (now == 0) {
        tell_status(s);
        return;
    }
    sample(s, now);
    copy_estimates(s);
    tell_range(s, now);
    tell_news(s);
    sync_flush_record(s, now);
    if (sync_usable(s) > 0) {
        n->told_at = now;
    } else if (now - n->told_at >= TELL_MS) {
        n->told_at = now;
        tell_no_peer(s);
    }
    look_at_goals(s);
    look_at_timeout(s, now);
}
