/* cmd_sync: runs a node, syncing or only serving.

   Happy path: open the store, make the node, print the enode, run until it is
   done or told to stop. Failure modes: wrong options end before anything is
   opened; what ends a running node comes back as one sentence and an exit
   code; the store is closed in every case. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "blockpool/chain.h"
#include "blockpool/files.h"
#include "blockpool/spec.h"
#include "node/cli.h"
#include "node/clock.h"
#include "node/entropy.h"
#include "node/log.h"
#include "node/policy.h"
#include "prim/secp.h"

#define PEERS_FILE_LINE_MAX 1024
#define PEERS_SHOWN_MAX     1024

struct running {
    struct cli *c;
    struct node_config cfg;
    struct enode *peers;
    uint8_t key[32];
    struct progress last;
    bool has_last;
};

/* ---- peers ------------------------------------------------------------- */

static int add_peer(struct running *r, const char *text, const char *where) {
    char why[160];
    struct enode *more = realloc(r->peers, (r->cfg.n_peers + 1) * sizeof *more);
    if (more == NULL)
        return cli_error(NODE_EXIT_FAILED, "%s", bp_strerror(BP_ERR_NOMEM));
    r->peers = more;
    if (enode_parse(&more[r->cfg.n_peers], why, sizeof why, text) != 0)
        return cli_error(NODE_EXIT_USAGE, "%s: %s", where, why);
    r->cfg.n_peers++;
    return 0;
}

static int add_peers_file(struct running *r, const char *path) {
    char line[PEERS_FILE_LINE_MAX], where[512];
    FILE *f = fopen(path, "re");
    int code = 0;
    if (f == NULL)
        return cli_error(NODE_EXIT_USAGE, "--peers-file: %s: %s", path,
                         strerror(errno));
    for (unsigned n = 1; code == 0 && fgets(line, sizeof line, f); n++) {
        line[strcspn(line, "#\r\n")] = '\0';
        char *p = line + strspn(line, " \t");
        for (size_t k = strlen(p); k > 0 && strchr(" \t", p[k - 1]); k--)
            p[k - 1] = '\0';
        snprintf(where, sizeof where, "%s:%u", path, n);
        if (*p != '\0') code = add_peer(r, p, where);
    }
    fclose(f);
    return code;
}

static int read_peers(struct running *r) {
    const struct options *o = r->c->o;
    int code = 0;
    for (size_t i = 0; code == 0 && i < o->peers.n; i++)
        code = add_peer(r, o->peers.v[i], "--peer");
    if (code == 0 && o->peers_file != NULL)
        code = add_peers_file(r, o->peers_file);
    r->cfg.peers = r->peers;
    return code;
}

/* ---- the config -------------------------------------------------------- */

static int read_until(struct node_config *cfg, const char *text) {
    bool is_hash;
    if (text == NULL) return 0;
    if (!cli_parse_block(text, &is_hash, &cfg->until_number, &cfg->until_hash))
        return cli_error(NODE_EXIT_USAGE,
                         "--until: '%.80s' is neither a number nor a hash of "
                         "64 digits",
                         text);
    cfg->has_until_hash = is_hash;
    cfg->has_until_number = !is_hash;
    return 0;
}

static int fill_config(struct running *r) {
    const struct options *o = r->c->o;
    struct node_config *cfg = &r->cfg;
    cfg->spec = r->c->spec;
    cfg->network_id = o->network_id;
    cfg->nodekey = r->key;
    cfg->identity = o->identity;
    cfg->listen = true;
    cfg->addr = o->addr;
    cfg->port = (uint16_t)o->port;
    cfg->peer_only = o->peer_only;
    cfg->max_peers = (uint32_t)o->max_peers;
    cfg->max_pending = (uint32_t)o->max_pending;
    cfg->eth_min = (uint32_t)o->eth_min;
    cfg->eth_max = (uint32_t)o->eth_max;
    cfg->threads = (uint32_t)o->threads;
    cfg->ethash_cachedir = o->ethash_cachedir;
    cfg->ethash_caches_mem = (uint32_t)o->ethash_caches_mem;
    cfg->ethash_caches_disk = (uint32_t)o->ethash_caches_disk;
    cfg->exit_when_synced = o->exit_when_synced;
    cfg->timeout_ms =
        (uint32_t)(o->timeout_s > UINT32_MAX / 1000 ? UINT32_MAX
                                                    : o->timeout_s * 1000);
    cfg->record_path = o->record;
    cfg->signals = true;
    if (o->eth_min != 0 && o->eth_max != 0 && o->eth_min > o->eth_max)
        return cli_error(NODE_EXIT_USAGE, "--eth.min is above --eth.max");
    if (o->lie != NULL && node_lie_parse(&cfg->lie, o->lie) != 0)
        return cli_error(
            NODE_EXIT_USAGE,
            "--lie: '%.40s' is none of body:N, bodies:N, header:N, stall:N, "
            "drop:N, empty:N, genesis",
            o->lie);
    return cli_parse_verify(o->verify, &cfg->verify, &cfg->verify_sample);
}

/* ---- while it runs ----------------------------------------------------- */

static uint64_t known_or(uint64_t v) {
    return v == NODE_UNKNOWN ? PROGRESS_UNKNOWN : v;
}

static void on_tick(void *user, struct node *n) {
    struct running *r = user;
    struct node_status s;
    node_status(n, &s);
    r->last = (struct progress){
        .stage = node_stage_name(s.stage),
        .from = s.start.number,
        .at = s.head.number,
        .target = known_or(s.target),
        .rate = s.rate,
        .eta_s = known_or(s.eta_s),
        .has_peers = true,
        .peers = s.peers,
        .done = s.stage == NODE_STAGE_DONE,
    };
    r->has_last = true;
    progress_show(&r->last, clock_mono_ms());
}

static void print_end(const struct node *n) {
    struct node_status s;
    char blocks[32], took[32], rate[24], hash[65], td[BP_U256_DEC_MAX];
    node_status(n, &s);
    double seconds = (double)s.elapsed_ms / 1000;
    log_group_digits(blocks, sizeof blocks, s.blocks);
    log_duration(took, sizeof took, s.elapsed_ms);
    progress_rate(rate, sizeof rate,
                  seconds > 0 ? (double)s.blocks / seconds : 0);
    bp_hex(hash, s.head.hash.b, 32);
    bp_u256_to_dec(td, &s.head.td);
    printf("Stored %s blocks in %s, %s; %llu seals verified, %llu skipped\n",
           blocks, took, rate, (unsigned long long)s.seals,
           (unsigned long long)s.seals_skipped);
    printf("Head %llu 0x%s, total difficulty %s\n",
           (unsigned long long)s.head.number, hash, td);
}

/* Who gave what, and what was found against them. */
static void print_peers(const struct node *n) {
    struct node_peer *p = calloc(PEERS_SHOWN_MAX, sizeof *p);
    struct node_finding *f = calloc(NODE_FINDINGS_MAX, sizeof *f);
    size_t n_p = p != NULL ? node_peers(n, p, PEERS_SHOWN_MAX) : 0;
    size_t n_f = f != NULL ? node_findings(n, f, NODE_FINDINGS_MAX) : 0;
    if (n_p > PEERS_SHOWN_MAX) n_p = PEERS_SHOWN_MAX;
    if (n_f > NODE_FINDINGS_MAX) n_f = NODE_FINDINGS_MAX;
    for (size_t i = 0; i < n_p; i++) {
        char headers[32], bodies[32];
        log_group_digits(headers, sizeof headers, p[i].headers);
        log_group_digits(bodies, sizeof bodies, p[i].bodies);
        printf("  %-28s %8s headers %8s bodies  %s%s\n", p[i].name, headers,
               bodies, p[i].offences > 0 ? "SUSPENDED " : "",
               p[i].client[0] != '\0' ? p[i].client : "(never connected)");
        for (size_t k = 0; k < n_f; k++)
            if (f[k].peer == i)
                printf("    %s: %s\n",
                       f[k].offence < BP_OFF_FIRST_FAULT ? "offence" : "fault",
                       f[k].text);
    }
    free(p);
    free(f);
}

static int run(struct running *r) {
    bool sync = r->cfg.mode == NODE_SYNC;
    struct node_error why = { 0, "" };
    struct node *n;
    char enode[ENODE_TEXT_MAX];
    r->cfg.hooks = (struct node_hooks){ .tick = on_tick, .user = r };
    int code = node_new(&n, &r->cfg, &why);
    if (code != 0) return cli_error(code, "%s", why.text);
    enode_format(enode, node_enode(n));
    LOG(LOG_LVL_INFO, "Started P2P networking", KS("self", enode));
    if (!sync) {
        /* For scripts: the first line of standard output is the address. */
        puts(enode);
        fflush(stdout);
    }
    progress_begin(sync ? r->c->progress : PROGRESS_NONE, "Sync status",
                   r->c->color);
    code = node_run(n, &why);
    if (r->has_last) progress_end(&r->last);
    if (sync && !r->c->o->quiet) {
        print_end(n);
        print_peers(n);
    }
    if (code != 0) cli_error(code, "%s", why.text);
    node_free(n);
    return code;
}

/* ---- the commands ------------------------------------------------------ */

static void log_start(struct cli *c, struct bp_store *s, const char *place) {
    struct bp_store_view *v;
    struct bp_store_entry head;
    LOG(LOG_LVL_INFO, "Starting blockpool", KS("version", bp_version()),
        KS("chain", c->spec->name),
        KN("networkid",
           c->o->network_id != 0 ? c->o->network_id : c->spec->network_id));
    if (bp_view_begin(&v, s) != 0) return;
    if (bp_view_head(v, &head) == 0)
        LOG(LOG_LVL_INFO, "Opened store", KS("kind", bp_store_kind(s)),
            KS("place", place), KU("head", head.number), KH("hash", &head.hash),
            KT("td", &head.td));
    bp_view_end(v);
}

static int run_with_store(struct running *r, struct bp_store *s,
                          const char *place) {
    int code = read_peers(r);
    if (code == 0) code = fill_config(r);
    r->cfg.store = s;
    if (code == 0) {
        log_start(r->c, s, place);
        code = run(r);
    }
    bp_wipe(r->key, sizeof r->key);
    free(r->peers);
    bp_store_close(s);
    return code;
}

int cmd_sync(struct cli *c) {
    struct running r = { .c = c, .cfg = { .mode = NODE_SYNC } };
    struct bp_store *s;
    int code = cli_need_args(c, 0, 0, "sync [OPTIONS]");
    if (code == 0) code = cli_need_spec(c);
    if (code == 0) code = read_until(&r.cfg, c->o->until);
    if (code == 0) code = policy_node(&r.cfg, c->spec, c->o);
    if (code == 0) code = cli_open_store(c, &s, BP_STORE_CREATE);
    if (code != 0) return code;
    if ((code = cli_nodekey(c, r.key, true)) != 0) {
        bp_store_close(s);
        return code;
    }
    return run_with_store(&r, s, c->datadir);
}

/* A file's server has a new identity each time unless --nodekey is given. */
static int serve_file(struct cli *c, struct running *r, struct bp_store **s) {
    struct bp_store_error why;
    int code = cli_need_spec(c);
    if (code != 0) return code;
    struct bp_store_chain chain = cli_store_chain(c);
    int err = bp_store_file_open(s, c->o->file, NULL, &chain, &why);
    if (err != 0) return cli_error(cli_exit_code(err), "%s", why.text);
    code = 0;
    if (c->o->nodekey != NULL)
        code = cli_nodekey(c, r->key, true);
    else
        entropy_fill(r->key, sizeof r->key);
    if (code != 0) bp_store_close(*s);
    return code;
}

int cmd_serve(struct cli *c) {
    struct running r = { .c = c, .cfg = { .mode = NODE_SERVE } };
    struct bp_store *s = NULL;
    int code = cli_need_args(c, 0, 0, "serve [--file FILE] [OPTIONS]");
    if (code == 0 && c->o->file != NULL && c->o->datadir != NULL)
        code = cli_error(NODE_EXIT_USAGE,
                         "--file and --datadir exclude each other");
    if (code != 0) return code;
    if (c->o->file != NULL) {
        if ((code = serve_file(c, &r, &s)) != 0) return code;
        return run_with_store(&r, s, c->o->file);
    }
    /* The chain of the datadir is asked first, so that --chain may be left
       out; its rules are needed for the fork id. */
    code = cli_open_store(c, &s, BP_STORE_READ);
    if (code != 0) return code;
    if ((code = cli_need_spec(c)) == 0) code = cli_nodekey(c, r.key, true);
    if (code != 0) {
        bp_store_close(s);
        return code;
    }
    return run_with_store(&r, s, c->datadir);
}
