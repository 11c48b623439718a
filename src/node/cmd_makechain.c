/* cmd_makechain: mines a chain with real seals, for tests and demonstrations.

   Happy path: each command of the script mines its blocks one after the other
   and appends them to the file. Failure modes: a script that asks for what
   cannot be (a branch that is not there), a full disk, an interrupt: the
   unfinished file is removed. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blockpool/files.h"
#include "blockpool/spec.h"
#include "chain/build.h"
#include "node/cli.h"
#include "node/clock.h"
#include "node/log.h"
#include "node/minescript.h"
#include "prim/secp.h"

#define SCRIPT_BYTES_MAX (1 << 20)
#define BRANCHES_MAX     64
#define SECONDS_BETWEEN  13
/* Generations that an uncle's parent may lie back, and uncles of a block. */
#define UNCLE_DEPTH 6

static volatile sig_atomic_t interrupted;

static void on_signal(int sig) {
    interrupted = sig;
}

struct mined {
    struct bp_header h; /* without extra data */
    bp_hash hash;
    bp_u256 td;
    size_t parent; /* index, own index for the genesis */
    bool is_uncle; /* of a block of some branch */
    uint64_t next_tx;
    uint8_t *rlp; /* of the header, for those who list it as an uncle */
    size_t rlp_n;
};

struct branch {
    char name[MINESCRIPT_NAME_MAX + 1];
    size_t head; /* index */
    uint32_t every;
};

struct miner {
    struct cli *c;
    struct mined *v;
    size_t n, cap;
    struct branch branch[BRANCHES_MAX];
    size_t n_branches, on;
    uint64_t txs, uncles, began, shown;
    struct bp_writer *out;
    struct bp_roots *roots;
    struct bp_secp curve;
    uint8_t key[32]; /* of the one who sends transactions */
    uint8_t *cache;
    struct bp_ethash_light light;
    uint32_t epoch; /* of cache; UINT32_MAX: none yet */
    struct bp_ethash_tuning tuning;
    struct bp_rng rng;
    uint8_t work[BP_ETHASH_WORK_SIZE];
    uint8_t body[MINESCRIPT_TXS_MAX * BP_BUILD_TX_BYTES +
                 BP_UNCLES_MAX * BP_HEADER_BYTES_MAX + 64];
    uint8_t header[BP_HEADER_BYTES_MAX];
};

/* ---- seals ------------------------------------------------------------ */

static int use_epoch(struct miner *m, uint64_t number) {
    struct bp_ethash_epoch e;
    struct bp_ethash_build build;
    bp_hash seed;
    uint32_t blocks = bp_spec_epoch_blocks(m->c->spec, number);
    if (bp_ethash_epoch_at(&e, number, blocks) != 0)
        return cli_error(NODE_EXIT_USAGE, "the chain is too long");
    if (e.number == m->epoch) return 0;
    size_t n = bp_ethash_cache_size(e.number);
    free(m->cache);
    m->cache = malloc(n);
    if (m->cache == NULL)
        return cli_error(NODE_EXIT_FAILED, "%s", bp_strerror(BP_ERR_NOMEM));
    bp_ethash_seed(&seed, e);
    bp_ethash_build_begin(&build, m->cache, n, &seed);
    while (!bp_ethash_build_step(&build, 1, UINT32_MAX, m->tuning.cpu)) {
    }
    m->epoch = e.number;
    int err = bp_ethash_light_init(&m->light, m->cache, n,
                                   bp_ethash_dataset_size(e.number));
    return err == 0 ? 0 : cli_error(NODE_EXIT_FAILED, "%s", bp_strerror(err));
}

/* ---- bodies ----------------------------------------------------------- */

/* The ancestor `generations` above i, or the genesis. */
static size_t ancestor(const struct miner *m, size_t i, unsigned generations) {
    while (generations-- > 0) i = m->v[i].parent;
    return i;
}

static bool is_ancestor(const struct miner *m, size_t i, size_t of) {
    while (m->v[of].h.number > m->v[i].h.number) of = m->v[of].parent;
    return of == i;
}

/* Whether block i may be an uncle of a child of `parent`: not in its line, but
   its parent is, at most UNCLE_DEPTH generations back. */
static bool may_be_uncle(const struct miner *m, size_t i, size_t parent) {
    const struct mined *u = &m->v[i];
    if (u->is_uncle || u->h.number == 0 || is_ancestor(m, i, parent))
        return false;
    if (u->h.number > m->v[parent].h.number) return false;
    if (m->v[parent].h.number - m->v[u->parent].h.number > UNCLE_DEPTH)
        return false;
    return is_ancestor(m, u->parent, parent);
}

static void put_uncles(struct miner *m, struct bp_rlp_w *w, size_t parent,
                       bool wanted) {
    size_t list = bp_rlp_open(w), count = 0;
    uint64_t oldest = m->v[ancestor(m, parent, UNCLE_DEPTH)].h.number;
    for (size_t i = m->n; wanted && i-- > 1 && count < BP_UNCLES_MAX;) {
        if (m->v[i].h.number <= oldest || !may_be_uncle(m, i, parent)) continue;
        bp_rlp_put_raw(w, m->v[i].rlp, m->v[i].rlp_n);
        m->v[i].is_uncle = true;
        m->uncles++;
        count++;
    }
    bp_rlp_close(w, list);
}

static int put_txs(struct miner *m, struct bp_rlp_w *w, struct mined *next,
                   uint32_t count) {
    uint8_t tx[BP_BUILD_TX_BYTES], to[20];
    size_t list = bp_rlp_open(w);
    bp_rng_bytes(&m->rng, to, sizeof to);
    for (uint32_t i = 0; i < count; i++) {
        size_t n =
            bp_build_transfer(tx, &m->curve, m->key, m->c->spec->chain_id,
                              next->next_tx++, 100000000000, to);
        if (n == 0) return cli_error(NODE_EXIT_FAILED, "signing failed");
        bp_rlp_put_raw(w, tx, n);
        m->txs++;
    }
    bp_rlp_close(w, list);
    return 0;
}

/* ---- a block ---------------------------------------------------------- */

static int write_block(struct miner *m, struct mined *b, bp_span header,
                       bp_span body) {
    struct bp_store_error why;
    struct bp_file_out out = { .number = b->h.number,
                               .hash = b->hash,
                               .td = b->td,
                               .header = header,
                               .body = body };
    int err = bp_writer_add(m->out, &out, &why);
    return err == 0 ? 0 : cli_error(cli_exit_code(err), "%s", why.text);
}

static int keep(struct miner *m, struct mined b) {
    if (m->n == m->cap) {
        size_t cap = m->cap * 2 + 64;
        struct mined *more = realloc(m->v, cap * sizeof *more);
        if (more == NULL) goto nomem;
        m->v = more;
        m->cap = cap;
    }
    m->v[m->n++] = b;
    return 0;
nomem:
    free(b.rlp);
    return cli_error(NODE_EXIT_FAILED, "%s", bp_strerror(BP_ERR_NOMEM));
}

static int fill_body(struct miner *m, struct bp_build *b, struct mined *next,
                     size_t parent, const struct mine_command *cmd,
                     bp_span *whole) {
    struct bp_rlp_w w = { m->body, sizeof m->body, 0 };
    int code = put_txs(m, &w, next, cmd->txs);
    if (code != 0) return code;
    b->body.transactions = (bp_span){ m->body, w.n };
    size_t at = w.n;
    put_uncles(m, &w, parent, cmd->uncles);
    b->body.uncles = (bp_span){ m->body + at, w.n - at };
    unsigned fields =
        bp_header_fields_at(b->spec, b->parent->number + 1, b->time);
    if (fields >= BP_FIELDS_SHANGHAI)
        b->body.withdrawals = bp_body_none(true).withdrawals;
    at = w.n;
    bp_body_put(&w, &b->body);
    if (bp_rlp_done(&w) != 0)
        return cli_error(NODE_EXIT_FAILED, "a body is too large");
    *whole = (bp_span){ m->body + at, w.n - at };
    return 0;
}

static int mine_one(struct miner *m, const struct mine_command *cmd) {
    struct branch *br = &m->branch[m->on];
    size_t parent = br->head;
    struct mined next = { .parent = parent, .next_tx = m->v[parent].next_tx };
    struct bp_build b = { .spec = m->c->spec,
                          .parent = &m->v[parent].h,
                          .parent_hash = &m->v[parent].hash,
                          .time = m->v[parent].h.time + br->every,
                          .extra = { (const uint8_t *)br->name,
                                     strlen(br->name) },
                          .n_txs = cmd->txs };
    bp_span body = { NULL, 0 };
    /* Branches of equal blocks differ by who mined them. */
    bp_rng_bytes(&m->rng, b.coinbase, sizeof b.coinbase);
    int code = fill_body(m, &b, &next, parent, cmd, &body);
    if (code == 0) code = use_epoch(m, b.parent->number + 1);
    if (code != 0) return code;
    int err = bp_build_header(&next.h, &b, m->roots, NULL);
    if (err != 0) return cli_error(NODE_EXIT_FAILED, "%s", bp_strerror(err));
    bp_build_seal(&next.h, &m->light, bp_rng_next(&m->rng), &m->tuning,
                  m->work);
    struct bp_rlp_w w = { m->header, sizeof m->header, 0 };
    bp_header_put(&w, &next.h);
    bp_keccak256(&next.hash, (bp_span){ m->header, w.n });
    bp_u256_add(&next.td, &m->v[parent].td, &next.h.difficulty);
    code = write_block(m, &next, (bp_span){ m->header, w.n }, body);
    if (code != 0) return code;
    next.h.extra = (bp_span){ NULL, 0 };
    next.rlp = malloc(w.n);
    if (next.rlp == NULL)
        return cli_error(NODE_EXIT_FAILED, "%s", bp_strerror(BP_ERR_NOMEM));
    memcpy(next.rlp, m->header, w.n);
    next.rlp_n = w.n;
    br->head = m->n;
    return keep(m, next);
}

/* ---- commands --------------------------------------------------------- */

static int fail_at(const struct mine_command *cmd, const char *what,
                   const char *name) {
    return cli_error(NODE_EXIT_USAGE, "line %u: %s '%s'", cmd->line, what,
                     name);
}

static size_t find_branch(const struct miner *m, const char *name) {
    for (size_t i = 0; i < m->n_branches; i++)
        if (strcmp(m->branch[i].name, name) == 0) return i;
    return SIZE_MAX;
}

static int fork_branch(struct miner *m, const struct mine_command *cmd) {
    size_t i = m->branch[m->on].head;
    uint64_t head = m->v[i].h.number;
    if (find_branch(m, cmd->name) != SIZE_MAX)
        return fail_at(cmd, "there is a branch already that is called",
                       cmd->name);
    if (m->n_branches == BRANCHES_MAX)
        return fail_at(cmd, "too many branches before", cmd->name);
    if (cmd->number > head)
        return fail_at(cmd, "the branch is too short to fork", cmd->name);
    uint64_t at = cmd->from_head ? head - cmd->number : cmd->number;
    while (m->v[i].h.number > at) i = m->v[i].parent;
    struct branch *b = &m->branch[m->n_branches];
    *b = m->branch[m->on];
    memcpy(b->name, cmd->name, sizeof b->name);
    b->head = i;
    m->on = m->n_branches++;
    return 0;
}

static void show(struct miner *m, const struct mine_command *cmd,
                 uint32_t done) {
    uint64_t now = clock_mono_ms();
    struct progress p = { .stage = m->branch[m->on].name,
                          .at = done,
                          .target = cmd->count,
                          .eta_s = PROGRESS_UNKNOWN };
    if (now > m->began)
        p.rate = 1000.0 * (double)(m->n - 1) / (double)(now - m->began);
    if (p.rate > 0) p.eta_s = (uint64_t)((cmd->count - done) / p.rate);
    progress_show(&p, now);
}

static int run_command(struct miner *m, const struct mine_command *cmd) {
    int code = 0;
    switch (cmd->kind) {
    case MINE_FORK: return fork_branch(m, cmd);
    case MINE_ON:
        m->on = find_branch(m, cmd->name);
        if (m->on != SIZE_MAX) return 0;
        return fail_at(cmd, "there is no branch", cmd->name);
    case MINE_BLOCKS: break;
    }
    if (cmd->every != 0) m->branch[m->on].every = cmd->every;
    for (uint32_t i = 0; code == 0 && i < cmd->count; i++) {
        if (interrupted) return cli_error(128 + interrupted, "interrupted");
        code = mine_one(m, cmd);
        show(m, cmd, i + 1);
    }
    return code;
}

/* ---- the whole -------------------------------------------------------- */

static int miner_init(struct miner *m, struct cli *c) {
    static const char tag[] = "blockpool makechain";
    const struct bp_spec *spec = c->spec;
    bp_hash seed;
    m->c = c;
    m->epoch = UINT32_MAX;
    m->tuning = bp_ethash_tuning_default(bp_cpu_detect());
    bp_rng_seed(&m->rng, c->o->seed);
    bp_keccak256(&seed, (bp_span){ (const uint8_t *)tag, sizeof tag - 1 });
    memcpy(m->key, seed.b, sizeof m->key);
    m->branch[0] = (struct branch){ "main", 0, SECONDS_BETWEEN };
    m->n_branches = 1;
    m->began = clock_mono_ms();
    if (bp_secp_init(&m->curve, NULL, seed.b) != 0 ||
        bp_roots_new(&m->roots, NULL) != 0)
        return cli_error(NODE_EXIT_FAILED, "%s", bp_strerror(BP_ERR_NOMEM));
    struct mined g = { .h = spec->genesis,
                       .hash = spec->genesis_hash,
                       .td = spec->genesis_td };
    return keep(m, g);
}

static void miner_free(struct miner *m) {
    for (size_t i = 0; i < m->n; i++) free(m->v[i].rlp);
    free(m->v);
    free(m->cache);
    bp_roots_free(m->roots);
    bp_secp_done(&m->curve);
    free(m);
}

static void summary(const struct miner *m) {
    size_t best = 0;
    char td[BP_U256_DEC_MAX], hash[65];
    for (size_t i = 1; i < m->n; i++)
        if (bp_u256_cmp(&m->v[i].td, &m->v[best].td) > 0) best = i;
    bp_u256_to_dec(td, &m->v[best].td);
    bp_hex(hash, m->v[best].hash.b, 32);
    fprintf(stderr,
            "Mined %zu blocks (%zu branches, %llu uncles, %llu transactions) "
            "in %.1f s. Head %llu 0x%s, total difficulty %s\n",
            m->n - 1, m->n_branches, (unsigned long long)m->uncles,
            (unsigned long long)m->txs,
            (double)(clock_mono_ms() - m->began) / 1000,
            (unsigned long long)m->v[best].h.number, hash, td);
}

static int mine(struct cli *c, const struct mine_script *script) {
    struct bp_store_error why;
    struct miner *m = calloc(1, sizeof *m);
    if (m == NULL)
        return cli_error(NODE_EXIT_FAILED, "%s", bp_strerror(BP_ERR_NOMEM));
    int code = miner_init(m, c);
    int err = 0;
    if (code == 0 &&
        (err = bp_writer_open(&m->out, c->o->args[1], NULL, &why)) != 0)
        code = cli_error(cli_exit_code(err), "%s", why.text);
    if (code == 0) {
        progress_begin(c->progress, "Mining", c->color);
        for (size_t i = 0; code == 0 && i < script->n; i++)
            code = run_command(m, &script->v[i]);
        progress_clear();
        if (code != 0)
            bp_writer_abandon(m->out);
        else if ((err = bp_writer_finish(m->out, NULL, &why)) != 0)
            code = cli_error(cli_exit_code(err), "%s", why.text);
    }
    if (code == 0) summary(m);
    miner_free(m);
    return code;
}

static int read_script(const char *path, char **out) {
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    char *text = malloc(SCRIPT_BYTES_MAX + 1);
    int code = 0;
    if (f == NULL || text == NULL) {
        code = cli_error(NODE_EXIT_FAILED, "%s: %s", path, strerror(errno));
    } else {
        size_t n = fread(text, 1, SCRIPT_BYTES_MAX + 1, f);
        if (ferror(f))
            code = cli_error(NODE_EXIT_FAILED, "%s: %s", path, strerror(errno));
        else if (n > SCRIPT_BYTES_MAX || memchr(text, '\0', n) != NULL)
            code = cli_error(NODE_EXIT_USAGE, "%s: this is no script", path);
        else
            text[n] = '\0';
    }
    if (f != NULL && f != stdin) fclose(f);
    if (code != 0)
        free(text);
    else
        *out = text;
    return code;
}

int cmd_makechain(struct cli *c) {
    struct mine_script script;
    char why[256], *text;
    int code = cli_need_args(c, 2, 2, "makechain [--dev] SCRIPT FILE");
    if (code == 0) code = cli_need_spec(c);
    if (code == 0) code = read_script(c->o->args[0], &text);
    if (code != 0) return code;
    int err = minescript_parse(&script, why, sizeof why, text);
    free(text);
    if (err != 0)
        return cli_error(NODE_EXIT_USAGE, "%s: %s", c->o->args[0], why);
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    code = mine(c, &script);
    minescript_free(&script);
    return code;
}
