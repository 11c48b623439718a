/* cmd_import: verifies blocks of files and stores them.

   Happy path: blocks are gathered into runs, each run verified and stored as
   one transaction. Failure modes: a file that contradicts itself or holds an
   invalid block (3; what came before it is stored), a full disk (5), a signal
   (0 after the run in hand, 130 or 143 for the second one). */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blockpool/files.h"
#include "blockpool/import.h"
#include "blockpool/spec.h"
#include "node/cli.h"
#include "node/clock.h"
#include "node/log.h"
#include "node/policy.h"
#include "node/sealer.h"

/* Bytes of blocks in one run: bounds the memory and a transaction. */
#define RUN_BYTES ((size_t)16 << 20)

static volatile sig_atomic_t interrupted;

static void on_signal(int sig) {
    if (interrupted) _exit(128 + sig);
    interrupted = sig;
}

struct run {
    uint8_t *bytes; /* headers, bodies and receipts, one after the other */
    size_t n_bytes, cap;
    struct bp_import_block block[BP_IMPORT_MAX]; /* their p: offsets yet */
    size_t at[BP_IMPORT_MAX];                    /* of each block in bytes */
    bp_hash hash[BP_IMPORT_MAX];
    uint64_t number[BP_IMPORT_MAX];
    size_t n;
};

struct importer {
    struct cli *c;
    struct bp_store *store;
    struct bp_import *im;
    struct sealer *sealer;
    struct bp_fork_choice choice;
    struct run run;
    const char *file;
    struct bp_reader *reader;
    uint64_t began, logged;
    uint64_t stored, known;
};

static int no_memory(void) {
    return cli_error(NODE_EXIT_FAILED, "%s", bp_strerror(BP_ERR_NOMEM));
}

/* ---- a run ------------------------------------------------------------- */

static size_t block_bytes(const struct bp_file_block *b) {
    return b->header.n + b->body.n + b->receipts.n;
}

static bool run_takes(const struct run *r, const struct bp_file_block *b) {
    if (r->n == 0) return true;
    return r->n < BP_IMPORT_MAX && r->n_bytes + block_bytes(b) <= RUN_BYTES &&
           bp_hash_eq(&r->hash[r->n - 1], &b->parent);
}

static bp_span append(struct run *r, bp_span in) {
    if (in.n > 0) memcpy(r->bytes + r->n_bytes, in.p, in.n);
    r->n_bytes += in.n;
    return (bp_span){ NULL, in.n };
}

/* Copies the block, as the reader's bytes go with its next one. */
static int run_add(struct run *r, const struct bp_file_block *b) {
    size_t need = r->n_bytes + block_bytes(b);
    if (need > r->cap) {
        size_t cap = need > RUN_BYTES ? need : RUN_BYTES;
        uint8_t *more = realloc(r->bytes, cap);
        if (more == NULL) return BP_ERR_NOMEM;
        r->bytes = more;
        r->cap = cap;
    }
    struct bp_import_block *out = &r->block[r->n];
    *out = (struct bp_import_block){ .block = { NULL, 0 } };
    r->at[r->n] = r->n_bytes;
    out->header = append(r, b->header);
    out->body = append(r, b->body);
    out->receipts = append(r, b->receipts);
    r->hash[r->n] = b->hash;
    r->number[r->n] = b->number;
    r->n++;
    return 0;
}

/* The bytes have moved for the last time: the spans can point at them. */
static void run_point(struct run *r) {
    for (size_t k = 0; k < r->n; k++) {
        struct bp_import_block *b = &r->block[k];
        b->header.p = r->bytes + r->at[k];
        b->body.p = b->header.p + b->header.n;
        if (b->receipts.n > 0) b->receipts.p = b->body.p + b->body.n;
    }
}

static void run_clear(struct run *r) {
    r->n = 0;
    r->n_bytes = 0;
}

/* ---- what came of it -------------------------------------------------- */

static void show(struct importer *i, const bp_hash *hash, uint64_t number) {
    uint64_t taken, all, now = clock_mono_ms(), took = now - i->began;
    bp_reader_progress(i->reader, &taken, &all);
    struct progress p = { .stage = "import",
                          .at = number,
                          .target = PROGRESS_UNKNOWN,
                          .eta_s = PROGRESS_UNKNOWN };
    if (took > 0)
        p.rate = 1000.0 * (double)(i->stored + i->known) / (double)took;
    if (all > 0 && taken > 0) {
        /* The share of the file stands for the share of the blocks. */
        p.target = (uint64_t)((double)number * (double)all / (double)taken);
        p.eta_s = (uint64_t)((double)took * (double)(all - taken) /
                             (double)taken / 1000);
    }
    if (i->c->progress == PROGRESS_LINE) progress_show(&p, now);
    if (i->c->progress != PROGRESS_PLAIN || now - i->logged < PROGRESS_LOG_MS)
        return;
    char read[16] = "?", eta[32] = "?", rate[24];
    if (all > 0)
        snprintf(read, sizeof read, "%.2f%%",
                 100.0 * (double)taken / (double)all);
    if (p.eta_s != PROGRESS_UNKNOWN)
        log_duration(eta, sizeof eta, p.eta_s * 1000);
    progress_rate(rate, sizeof rate, p.rate);
    i->logged = now;
    LOG(LOG_LVL_INFO, "Imported new chain segment", KU("number", number),
        KH("hash", hash), KU("blocks", i->stored), KS("rate", rate),
        KS("read", read), KS("eta", eta));
}

static int bad_block(struct importer *i, size_t at, const char *what) {
    char hash[32], number[32];
    log_short_hash(hash, sizeof hash, &i->run.hash[at]);
    log_group_digits(number, sizeof number, i->run.number[at]);
    int code =
        cli_error(NODE_EXIT_INVALID, "block %s (0x%s) in %s is invalid: %s",
                  number, hash, i->file, what);
    log_group_digits(number, sizeof number,
                     i->run.number[at] > 0 ? i->run.number[at] - 1 : 0);
    fprintf(stderr,
            "  what came before it is stored, up to %s; the rest of the file "
            "was not read\n",
            number);
    return code;
}

static int judge(struct importer *i, const struct bp_import_result *r) {
    char text[BP_RULING_TEXT_MAX];
    if (r->kind == BP_IMPORT_ORPHAN)
        return bad_block(i, 0, "its parent is not stored");
    switch (r->ruling.kind) {
    case BP_RULING_OK: return 0;
    case BP_RULING_INVALID:
    case BP_RULING_LATER:
        return bad_block(i, r->ruling.n, bp_ruling_text(text, &r->ruling));
    case BP_RULING_FAILED: break;
    }
    return cli_error(cli_exit_code(r->ruling.err), "%s: %s", i->file,
                     bp_strerror(r->ruling.err));
}

static int run_import(struct importer *i) {
    struct run *r = &i->run;
    struct bp_import_result result;
    struct bp_store_error why;
    if (r->n == 0) return 0;
    run_point(r);
    int err = bp_import_blocks(i->im, &result, r->block, r->n,
                               clock_wall_ms() / 1000, &why);
    if (err != 0) return cli_error(cli_exit_code(err), "%s", why.text);
    i->stored += result.moved.stored;
    if (result.kind == BP_IMPORT_HELD)
        cli_warn("a branch that undoes %llu blocks has more work; the head "
                 "stays (%s)",
                 (unsigned long long)result.decision.depth,
                 result.decision.mess ? "--mess" : "--max-reorg");
    else if (result.decision.alarm)
        cli_warn("a reorganisation undoes %llu blocks, more than --max-reorg",
                 (unsigned long long)result.decision.depth);
    size_t good = result.ruling.kind == BP_RULING_OK ? r->n : result.ruling.n;
    if (result.kind != BP_IMPORT_ORPHAN && good > result.moved.stored)
        i->known += good - result.moved.stored;
    int code = judge(i, &result);
    if (code == 0) show(i, &r->hash[r->n - 1], r->number[r->n - 1]);
    run_clear(r);
    return code;
}

/* ---- a file ----------------------------------------------------------- */

static int take_block(struct importer *i, const struct bp_file_block *b) {
    const struct bp_spec *spec = i->c->spec;
    char ours[65], theirs[65];
    if (b->number == 0) {
        bp_hex(ours, spec->genesis_hash.b, 32);
        bp_hex(theirs, b->hash.b, 32);
        if (bp_hash_eq(&b->hash, &spec->genesis_hash)) return i->known++, 0;
        return cli_error(NODE_EXIT_USAGE,
                         "%s belongs to another chain: its genesis is 0x%s, "
                         "that of %s is 0x%s",
                         i->file, theirs, spec->name, ours);
    }
    int code = run_takes(&i->run, b) ? 0 : run_import(i);
    if (code != 0) return code;
    return run_add(&i->run, b) == 0 ? 0 : no_memory();
}

static int import_file(struct importer *i, const char *path) {
    struct bp_store_error why;
    struct bp_file_block b;
    int err = bp_reader_open(&i->reader, path, NULL, &why), code = 0;
    i->file = path;
    if (err != 0) return cli_error(cli_exit_code(err), "%s", why.text);
    LOG(LOG_LVL_INFO, "Importing blockchain", KS("file", path));
    while (code == 0 && !interrupted) {
        err = bp_reader_next(i->reader, &b, &why);
        if (err != 0) break;
        code = take_block(i, &b);
    }
    if (code == 0) code = run_import(i);
    run_clear(&i->run);
    /* A file that turns out damaged: what stood before the damage is in. */
    if (code == 0 && err != 0 && err != BP_ERR_FILE_END)
        code =
            cli_error(bp_err_fault(err) == BP_PEER || err <= BP_ERR_FILE_SHORT
                          ? NODE_EXIT_INVALID
                          : cli_exit_code(err),
                      "%s", why.text);
    bp_reader_close(i->reader);
    return code;
}

static void summary(const struct importer *i, int code) {
    struct bp_store_view *v;
    struct bp_store_entry head;
    char stored[32], known[32], took[32], hash[65];
    if (bp_view_begin(&v, i->store) != 0) return;
    if (bp_view_head(v, &head) == 0) {
        log_group_digits(stored, sizeof stored, i->stored);
        log_group_digits(known, sizeof known, i->known);
        log_duration(took, sizeof took, clock_mono_ms() - i->began);
        bp_hex(hash, head.hash.b, 32);
        printf("Imported %s blocks (%s known, %d invalid) in %s. Head %llu "
               "0x%s\n",
               stored, known, code == NODE_EXIT_INVALID, took,
               (unsigned long long)head.number, hash);
    }
    bp_view_end(v);
}

static int import_all(struct importer *i) {
    const struct options *o = i->c->o;
    struct bp_import_config cfg = { .spec = i->c->spec,
                                    .store = i->store,
                                    .sealer = sealer_iface(i->sealer),
                                    .checks = sealer_checks(i->sealer),
                                    .max_reorg = i->choice.max_reorg,
                                    .hold_deep = i->choice.hold_deep,
                                    .mess = i->choice.mess };
    if (bp_import_new(&i->im, &cfg) != 0) return no_memory();
    int code = 0;
    i->began = i->logged = clock_mono_ms();
    progress_begin(i->c->progress == PROGRESS_LINE ? PROGRESS_LINE
                                                   : PROGRESS_NONE,
                   "Importing", i->c->color);
    for (size_t k = 0; code == 0 && k < o->n_args && !interrupted; k++)
        code = import_file(i, o->args[k]);
    progress_clear();
    int err = bp_store_sync(i->store);
    if (err != 0 && code == 0)
        code = cli_error(cli_exit_code(err), "%s: %s", i->c->datadir,
                         bp_strerror(err));
    if (interrupted) cli_warn("stopped by a signal; what was read is stored");
    summary(i, code);
    bp_import_free(i->im);
    return code;
}

int cmd_import(struct cli *c) {
    struct sealer_config sc = { .cachedir = c->o->ethash_cachedir,
                                .caches_mem = (uint32_t)c->o->ethash_caches_mem,
                                .caches_disk =
                                    (uint32_t)c->o->ethash_caches_disk,
                                .threads = (uint32_t)c->o->threads };
    struct importer *i = calloc(1, sizeof *i);
    if (i == NULL) return no_memory();
    i->c = c;
    int code = cli_need_args(c, 1, SIZE_MAX, "import FILE...");
    if (code == 0)
        code = cli_parse_verify(c->o->verify, &sc.policy, &sc.sample);
    if (code == 0) code = cli_need_spec(c);
    if (code == 0) code = policy_choice(&i->choice, c->spec, c->o);
    if (code == 0) code = cli_open_store(c, &i->store, BP_STORE_CREATE);
    if (code == 0) {
        sc.spec = c->spec;
        if (sealer_new(&i->sealer, &sc) != 0) code = no_memory();
        signal(SIGINT, on_signal);
        signal(SIGTERM, on_signal);
        if (code == 0) code = import_all(i);
        sealer_free(i->sealer);
        bp_store_close(i->store);
    }
    free(i->run.bytes);
    free(i);
    return code;
}
