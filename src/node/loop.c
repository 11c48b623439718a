/* loop: the life of a node on its one thread.

   Happy path: made with its port bound; run dials, serves and syncs until a
   goal is reached or it is told to stop; then sessions are ended with a
   Disconnect, running jobs finish, the store is synced, the loop drains, and
   node_run returns 0.

   Failure modes:
     - no memory, a used port: node_new returns an exit code with a sentence
     - the store fails, the disk is full: sync.c ends the run with its code
     - no usable peer within the time-out: exit code 4
     - a second SIGINT, SIGTERM or SIGHUP while it ends: 130, 143 or 129 at
       once; the store is good at any instant, so nothing is lost
     - a peer does not close its side: its socket is closed hard after a second
 */
#include "node/loop.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blockpool/spec.h"
#include "node/clock.h"
#include "node/log.h"
#include "node/required.h"

#define PEERS_DEFAULT       50
#define PENDING_DEFAULT     50
#define HOOK_DEFAULT_MS     250
#define DISK_DEFAULT_MS     8000
#define REQUIRED_DEFAULT_MS 15000
#define EXIT_SECOND(signal) (128 + (signal))

static const int caught[NODE_SIGNALS] = { SIGINT, SIGTERM, SIGUSR1, SIGHUP };

/* ---- the end ----------------------------------------------------------- */

void node_finish(struct node *n, int exit_code, const char *why) {
    if (n->phase != NODE_RUNNING) return;
    n->phase = NODE_ENDING;
    n->exit_code = exit_code;
    n->why.exit_code = exit_code;
    if (why != NULL) snprintf(n->why.text, sizeof n->why.text, "%s", why);
    /* From a fresh turn of the loop, whatever we are in the middle of. */
    uv_async_send(&n->stop);
}

void node_done(struct node *n) {
    if (n->phase == NODE_RUNNING) n->done = true;
    node_finish(n, NODE_EXIT_OK, NULL);
}

static void close_walked(uv_handle_t *handle, void *arg) {
    (void)arg;
    if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

static void end_in_order(struct node *n) {
    if (n->ending_since != 0) return;
    n->ending_since = clock_mono_ms();
    listen_close(n);
    for (struct conn *c = n->conns, *next; c != NULL; c = next) {
        next = c->next;
        conn_close(c, BP_DISC_QUITTING, "we are quitting");
    }
    if (n->sync != NULL) sync_end(n->sync);
    n->serve_ns = serve_cpu_ns(n->serve);
    serve_end(n->serve);
    uv_close((uv_handle_t *)&n->tick, NULL);
    for (size_t i = 0; i < n->n_signals; i++)
        uv_unref((uv_handle_t *)&n->signals[i]); /* a second one still counts */
    uv_unref((uv_handle_t *)&n->stop);
}

void node_stop(struct node *n) {
    uv_async_send(&n->stop);
}

static void on_stop(uv_async_t *handle) {
    struct node *n = handle->data;
    node_finish(n, NODE_EXIT_OK, NULL);
    end_in_order(n);
}

static void on_signal(uv_signal_t *handle, int signal) {
    struct node *n = handle->data;
    if (signal == SIGUSR1) {
        if (n->sync != NULL) sync_tick(n, 0); /* 0: tell now */
        return;
    }
    if (signal == SIGHUP && log_reopen()) return;
    if (n->signals_seen++ > 0) _exit(EXIT_SECOND(signal));
    LOG(LOG_LVL_INFO, "Stopping", KS("signal", strsignal(signal)));
    node_finish(n, NODE_EXIT_OK, NULL);
}

/* ---- ticks ------------------------------------------------------------- */

static void call_hook(struct node *n, bp_time now) {
    if (n->cfg.hooks.tick == NULL) return;
    if (now != 0 && now - n->hooked_at < n->cfg.hooks.tick_ms) return;
    n->hooked_at = now;
    n->cfg.hooks.tick(n->cfg.hooks.user, n);
}

static void on_tick(uv_timer_t *timer) {
    struct node *n = timer->data;
    bp_time now = clock_mono_ms();
    for (struct conn *c = n->conns, *next; c != NULL; c = next) {
        next = c->next;
        serve_tick(c, now);
        conn_tick(c, now);
        required_tick(c, now);
    }
    if (n->phase != NODE_RUNNING) return;
    dial_tick(n, now);
    if (n->sync != NULL) sync_tick(n, now);
    call_hook(n, now);
}

/* ---- life -------------------------------------------------------------- */

static int copy_config(struct node *n, const struct node_config *cfg) {
    n->cfg = *cfg;
    n->fixed = calloc(cfg->n_peers + 1, sizeof *n->fixed);
    if (n->fixed == NULL) return BP_ERR_NOMEM;
    if (cfg->n_peers > 0)
        memcpy(n->fixed, cfg->peers, cfg->n_peers * sizeof *n->fixed);
    n->cfg.peers = n->fixed;
    memcpy(n->key, cfg->nodekey, sizeof n->key);
    n->cfg.nodekey = n->key;
    if (n->cfg.network_id == 0) n->cfg.network_id = cfg->spec->network_id;
    if (n->cfg.max_peers == 0) n->cfg.max_peers = PEERS_DEFAULT;
    if (n->cfg.max_pending == 0) n->cfg.max_pending = PENDING_DEFAULT;
    if (n->cfg.eth_min == 0) n->cfg.eth_min = 68;
    if (n->cfg.eth_max == 0) n->cfg.eth_max = BP_ETH_VERSION_MAX;
    if (n->cfg.hooks.tick_ms == 0) n->cfg.hooks.tick_ms = HOOK_DEFAULT_MS;
    if (n->cfg.disk_retry_ms == 0) n->cfg.disk_retry_ms = DISK_DEFAULT_MS;
    if (n->cfg.required_ms == 0) n->cfg.required_ms = REQUIRED_DEFAULT_MS;
    if (n->cfg.threads == 0) n->cfg.threads = uv_available_parallelism();
    bool odd = n->cfg.eth_min < BP_ETH_VERSION_MIN ||
               n->cfg.eth_max > BP_ETH_VERSION_MAX ||
               n->cfg.eth_min > n->cfg.eth_max;
    if (odd) return BP_ERR_RANGE;
    return bp_rlpx_public_key(n->self.id, n->key);
}

/* As in every client: name/version/system-machine/compiler, with the user's
   word behind the name. */
static void name_client(struct node *n) {
    const char *word = n->cfg.identity;
    snprintf(n->client, sizeof n->client, "blockpool/%s%sv%s/linux-%s/gcc%d.%d",
             word != NULL ? word : "", word != NULL ? "/" : "", bp_version(),
             sizeof(void *) == 8 ? "amd64" : "386", __GNUC__, __GNUC_MINOR__);
}

/* nohup ignores SIGHUP for us, and so it stays. */
static bool is_ignored(int signal) {
    struct sigaction now;
    return sigaction(signal, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

static void catch_signals(struct node *n) {
    for (size_t i = 0; i < NODE_SIGNALS; i++) {
        if (caught[i] == SIGHUP && is_ignored(SIGHUP)) continue;
        uv_signal_t *s = &n->signals[n->n_signals++];
        uv_signal_init(&n->loop, s);
        s->data = n;
        uv_signal_start(s, on_signal, caught[i]);
    }
}

static int init_loop(struct node *n) {
    if (uv_loop_init(&n->loop) != 0) return BP_ERR_NOMEM;
    uv_timer_init(&n->loop, &n->tick);
    n->tick.data = n->stop.data = n;
    if (uv_async_init(&n->loop, &n->stop, on_stop) != 0) return BP_ERR_NOMEM;
    if (n->cfg.signals) catch_signals(n);
    return 0;
}

static int init_parts(struct node *n, struct node_error *why) {
    int err = peers_init(&n->peers);
    if (err == 0) err = dial_new(&n->dialer, n);
    if (err == 0) err = serve_new(&n->serve, n);
    n->read_buf = malloc(CONN_READ_SIZE);
    n->encode = malloc(ENCODE_SIZE);
    if (n->read_buf == NULL || n->encode == NULL) err = BP_ERR_NOMEM;
    if (err == 0 && n->cfg.mode == NODE_SYNC) err = sync_new(&n->sync, n, why);
    return err;
}

int node_new(struct node **out, const struct node_config *cfg,
             struct node_error *why) {
    *out = NULL;
    *why = (struct node_error){ .exit_code = NODE_EXIT_FAILED };
    struct node *n = calloc(1, sizeof *n);
    if (n == NULL) {
        snprintf(why->text, sizeof why->text, "%s", bp_strerror(BP_ERR_NOMEM));
        return why->exit_code;
    }
    /* A peer that goes away while we write is an error, not a signal. */
    signal(SIGPIPE, SIG_IGN);
    int err = copy_config(n, cfg);
    if (err == 0) name_client(n);
    if (err == 0) err = init_loop(n);
    if (err == 0) err = init_parts(n, why);
    if (err == 0 && cfg->listen && listen_open(n, why) != 0) err = BP_ERR_RANGE;
    if (err == 0) {
        *out = n;
        *why = (struct node_error){ 0 };
        return 0;
    }
    if (why->text[0] == '\0')
        snprintf(why->text, sizeof why->text, "%s", bp_strerror(err));
    node_free(n);
    return why->exit_code;
}

int node_run(struct node *n, struct node_error *why) {
    assert(n->phase == NODE_MADE);
    n->phase = NODE_RUNNING;
    n->began = n->told_at = clock_mono_ms();
    uint64_t begin = clock_thread_cpu_ns();
    uv_timer_start(&n->tick, on_tick, 0, TICK_MS);
    uv_run(&n->loop, UV_RUN_DEFAULT);
    n->loop_ns = clock_thread_cpu_ns() - begin;
    n->phase = NODE_ENDED;
    if (!bp_store_read_only(n->cfg.store) && bp_store_sync(n->cfg.store) != 0 &&
        n->exit_code == NODE_EXIT_OK) {
        n->exit_code = n->why.exit_code = NODE_EXIT_FAILED;
        snprintf(n->why.text, sizeof n->why.text, "%s",
                 bp_strerror(BP_ERR_STORE_IO));
    }
    call_hook(n, 0);
    *why = n->why;
    return n->exit_code;
}

void node_free(struct node *n) {
    if (n == NULL) return;
    if (n->loop.data != NULL || n->tick.data != NULL) {
        /* A node that never ran has sessions of its own to end. */
        if (n->phase == NODE_MADE) {
            if (n->sync != NULL) sync_end(n->sync);
            if (n->serve != NULL) serve_end(n->serve);
        }
        uv_walk(&n->loop, close_walked, NULL);
        uv_run(&n->loop, UV_RUN_DEFAULT);
        int err = uv_loop_close(&n->loop);
        assert(err == 0); /* nothing of ours is left on it */
    }
    sync_free(n->sync);
    serve_free(n->serve);
    dial_free(n->dialer);
    peers_free(&n->peers);
    explicit_bzero(n->key, sizeof n->key);
    free(n->read_buf);
    free(n->encode);
    free(n->fixed);
    free(n);
}

/* ---- what it is doing -------------------------------------------------- */

const struct enode *node_enode(const struct node *n) {
    return &n->self;
}

const char *node_stage_name(enum node_stage stage) {
    switch (stage) {
    case NODE_STAGE_IDLE: return "idle";
    case NODE_STAGE_PEERS: return "peers";
    case NODE_STAGE_HEADERS: return "headers";
    case NODE_STAGE_BLOCKS: return "blocks";
    case NODE_STAGE_DONE: return "done";
    }
    abort();
}

/* The store's head, for a node without a pool. */
static void head_of_store(const struct node *n, struct bp_chain_head *out) {
    struct bp_store_view *view;
    struct bp_store_entry head;
    if (bp_view_begin(&view, n->cfg.store) != 0) return;
    if (bp_view_head(view, &head) == 0)
        *out = (struct bp_chain_head){ head.hash, head.number, head.td };
    bp_view_end(view);
}

void node_status(const struct node *n, struct node_status *out) {
    *out =
        (struct node_status){ .target = NODE_UNKNOWN, .eta_s = NODE_UNKNOWN };
    if (n->sync != NULL) {
        sync_status(n->sync, out);
    } else {
        head_of_store(n, &out->head);
        out->start = out->head;
    }
    if (n->done) out->stage = NODE_STAGE_DONE;
    for (size_t i = 0; i < n->peers.n; i++)
        out->peers += n->peers.list[i].seen.connected;
    out->peers_dialing = dial_pending(n);
    out->bytes_in = n->bytes_in;
    out->bytes_out = n->bytes_out;
    out->elapsed_ms = n->began == 0 ? 0 : clock_mono_ms() - n->began;
}

void node_costs(const struct node *n, struct node_costs *out) {
    *out = (struct node_costs){ 0 };
    if (n->sync != NULL) sync_costs(n->sync, out);
    out->loop_ns = n->loop_ns;
    out->serve_ns = n->serve_ns;
}

size_t node_why(const struct node *n, char *out, size_t cap) {
    if (n->sync != NULL) return sync_why(n->sync, out, cap);
    return (size_t)snprintf(out, cap, "serving only: nothing is fetched");
}

size_t node_peers(const struct node *n, struct node_peer *out, size_t cap) {
    for (size_t i = 0; i < n->peers.n && i < cap; i++)
        out[i] = n->peers.list[i].seen;
    return n->peers.n;
}

size_t node_findings(const struct node *n, struct node_finding *out,
                     size_t cap) {
    size_t k = n->peers.n_findings < cap ? n->peers.n_findings : cap;
    if (k > 0) memcpy(out, n->peers.findings, k * sizeof *out);
    return n->peers.n_findings;
}
