/* cmd_verify: checks stored blocks, or a file's, anew, and stores nothing.

   Happy path: blocks that follow each other are gathered into runs; of each
   its hash is computed again, every rule is checked against its ancestors, the
   seals on all threads, the receipts where they are, and the total difficulty.
   Failure modes: the first block that breaks a rule ends it (3), a store or
   file that cannot be read (1), a signal (130, 143). */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blockpool/files.h"
#include "blockpool/import.h"
#include "blockpool/keccak.h"
#include "blockpool/spec.h"
#include "node/cli.h"
#include "node/clock.h"
#include "node/log.h"
#include "node/sealer.h"

#define RUN_MAX BP_IMPORT_MAX

static volatile sig_atomic_t interrupted;

static void on_signal(int sig) {
    interrupted = sig;
}

struct verifying {
    struct cli *c;
    struct bp_store *store;
    struct bp_store_view *view;
    const char *place; /* datadir or file, for messages */
    struct sealer *sealer;
    struct bp_verifier *rules;
    /* The run in hand; everything borrows from the view. */
    struct bp_store_entry entry[RUN_MAX];
    struct bp_block block[RUN_MAX];
    bp_span header[RUN_MAX], receipts[RUN_MAX];
    bp_hash hash[RUN_MAX];
    size_t n;
    uint64_t began, done, all, bodies_missing;
};

/* ---- what is found ---------------------------------------------------- */

static int bad(struct verifying *v, size_t i, const char *what) {
    char number[32], hash[32];
    log_group_digits(number, sizeof number, v->entry[i].number);
    log_short_hash(hash, sizeof hash, &v->entry[i].hash);
    return cli_error(NODE_EXIT_INVALID, "block %s (0x%s) in %s is invalid: %s",
                     number, hash, v->place, what);
}

static int failed(struct verifying *v, const struct bp_store_entry *e,
                  int err) {
    return cli_error(cli_exit_code(err), "block %llu in %s: %s",
                     (unsigned long long)e->number, v->place, bp_strerror(err));
}

static void show(const struct verifying *v) {
    uint64_t now = clock_mono_ms(), took = now - v->began;
    struct progress p = { .stage = "verify",
                          .at = v->done,
                          .target = v->all,
                          .eta_s = PROGRESS_UNKNOWN };
    if (took > 0) p.rate = 1000.0 * (double)v->done / (double)took;
    if (p.rate > 0 && v->all >= v->done)
        p.eta_s = (uint64_t)((double)(v->all - v->done) / p.rate);
    progress_show(&p, now);
}

/* ---- a run ------------------------------------------------------------ */

static int check_hashes(struct verifying *v) {
    bp_keccak256_many(v->hash, v->header, v->n);
    for (size_t i = 0; i < v->n; i++)
        if (!bp_hash_eq(&v->hash[i], &v->entry[i].hash))
            return bad(v, i, "its bytes have another hash");
    return 0;
}

static int check_rules(struct verifying *v) {
    struct bp_lineage lineage;
    bp_u256 td, after;
    char text[BP_RULING_TEXT_MAX];
    int err = bp_import_lineage(&lineage, &td, v->store,
                                &v->block[0].header.parent_hash);
    if (err != 0) return failed(v, &v->entry[0], err);
    struct bp_ruling r =
        bp_verify_blocks(v->rules, &lineage, &after, &td, v->block, v->hash,
                         v->n, clock_wall_ms() / 1000);
    if (r.kind == BP_RULING_FAILED) return failed(v, &v->entry[r.n], r.err);
    if (r.kind != BP_RULING_OK) return bad(v, r.n, bp_ruling_text(text, &r));
    if (bp_u256_cmp(&after, &v->entry[v->n - 1].td) != 0)
        return bad(v, v->n - 1, "its total difficulty is not the stored one");
    return 0;
}

static int check_receipts(struct verifying *v) {
    char text[BP_RULING_TEXT_MAX];
    struct bp_ruling r =
        bp_verify_receipts(v->rules, v->block, v->receipts, v->n);
    return r.kind == BP_RULING_OK ? 0 : bad(v, r.n, bp_ruling_text(text, &r));
}

static int run_verify(struct verifying *v) {
    if (v->n == 0) return 0;
    int code = check_hashes(v);
    if (code == 0) code = check_rules(v);
    if (code == 0) code = check_receipts(v);
    v->done += v->n;
    if (code == 0) show(v);
    v->n = 0;
    return code;
}

/* ---- the blocks ------------------------------------------------------- */

static int take(struct verifying *v, const struct bp_store_entry *e) {
    bp_span body;
    if (e->number == 0) { /* its hash is the store's identity */
        v->done++;
        return 0;
    }
    bool follows =
        v->n > 0 && v->n < RUN_MAX && v->entry[v->n - 1].id == e->parent_id;
    int code = follows ? 0 : run_verify(v);
    if (code != 0) return code;
    int err = bp_view_header(v->view, &v->header[v->n], e);
    if (err == 0) err = bp_view_body(v->view, &body, e);
    if (err == BP_ERR_NOT_STORED) {
        v->bodies_missing++;
        v->done++;
        return run_verify(v);
    }
    if (err != 0) return failed(v, e, err);
    struct bp_block *b = &v->block[v->n];
    bp_span in = v->header[v->n];
    v->entry[v->n] = *e;
    err = bp_header_decode(&b->header, &in);
    b->header_rlp = v->header[v->n];
    if (err == 0) err = bp_body_decode(&b->body, &body);
    if (err != 0) return bad(v, v->n, bp_strerror(err));
    if (bp_view_receipts(v->view, &v->receipts[v->n], e) != 0)
        v->receipts[v->n] = (bp_span){ NULL, 0 };
    v->n++;
    return 0;
}

/* Views are to be short: a new one for each run. */
static int renew(struct verifying *v) {
    bp_view_end(v->view);
    v->view = NULL;
    int err = bp_view_begin(&v->view, v->store);
    return err == 0 ? 0
                    : cli_error(cli_exit_code(err), "%s: %s", v->place,
                                bp_strerror(err));
}

/* By number along the canonical chain, or by id: everything that is held. */
static int walk(struct verifying *v, bool by_number, uint64_t first,
                uint64_t last) {
    struct bp_store_entry e;
    int code = 0;
    for (uint64_t i = first; code == 0 && i <= last; i++) {
        if (interrupted) return cli_error(128 + interrupted, "interrupted");
        if (v->n == 0 || v->n == RUN_MAX) {
            if ((code = run_verify(v)) != 0 || (code = renew(v)) != 0) break;
        }
        int err =
            by_number ? bp_view_at(v->view, &e, i) : bp_view_id(v->view, &e, i);
        if (err != 0)
            return cli_error(cli_exit_code(err), "%s: block %llu: %s", v->place,
                             (unsigned long long)i, bp_strerror(err));
        code = take(v, &e);
    }
    return code == 0 ? run_verify(v) : code;
}

/* ---- the command ------------------------------------------------------ */

static void summary(const struct verifying *v,
                    const struct bp_store_entry *head) {
    char done[32], took[32], hash[65], td[BP_U256_DEC_MAX];
    log_group_digits(done, sizeof done, v->done);
    log_duration(took, sizeof took, clock_mono_ms() - v->began);
    bp_hex(hash, head->hash.b, 32);
    bp_u256_to_dec(td, &head->td);
    printf("Verified %s blocks (%llu seals, uncles' included) in %s\n", done,
           (unsigned long long)sealer_count(v->sealer), took);
    printf("Head %llu 0x%s, total difficulty %s\n",
           (unsigned long long)head->number, hash, td);
    if (v->bodies_missing > 0)
        printf("%llu blocks have no body yet and were not verified\n",
               (unsigned long long)v->bodies_missing);
}

static int verify_store(struct verifying *v) {
    struct bp_store_entry head;
    uint64_t first = 0, last;
    bool hash[2];
    bp_hash ignored;
    int code = renew(v);
    if (code != 0) return code;
    int err = bp_view_head(v->view, &head);
    if (err != 0)
        return cli_error(cli_exit_code(err), "%s: %s", v->place,
                         bp_strerror(err));
    last = bp_view_count(v->view) - 1;
    bool range = v->c->o->n_args == 2;
    if (range &&
        (!cli_parse_block(v->c->o->args[0], &hash[0], &first, &ignored) ||
         !cli_parse_block(v->c->o->args[1], &hash[1], &last, &ignored) ||
         hash[0] || hash[1] || first > last))
        return cli_error(NODE_EXIT_USAGE,
                         "FIRST and LAST are two numbers in order");
    if (range && last > head.number)
        return cli_error(
            NODE_EXIT_ABSENT, "block %llu is not stored; the head is %llu",
            (unsigned long long)last, (unsigned long long)head.number);
    v->began = clock_mono_ms();
    v->all = last - first + 1;
    progress_begin(v->c->progress, "Verifying", v->c->color);
    code = walk(v, range, first, last);
    progress_clear();
    if (code == 0) summary(v, &head);
    return code;
}

static int open_source(struct verifying *v) {
    struct bp_store_error why;
    struct cli *c = v->c;
    int code;
    if (c->o->file == NULL) {
        code = cli_open_store(c, &v->store, BP_STORE_READ);
        v->place = c->datadir;
        return code != 0 ? code : cli_need_spec(c);
    }
    if ((code = cli_need_spec(c)) != 0) return code;
    v->place = c->o->file;
    struct bp_store_chain chain = cli_store_chain(c);
    int err = bp_store_file_open(&v->store, c->o->file, NULL, &chain, &why);
    return err == 0 ? 0 : cli_error(cli_exit_code(err), "%s", why.text);
}

int cmd_verify(struct cli *c) {
    struct sealer_config sc = { .cachedir = c->o->ethash_cachedir,
                                .caches_mem = (uint32_t)c->o->ethash_caches_mem,
                                .caches_disk =
                                    (uint32_t)c->o->ethash_caches_disk,
                                .threads = (uint32_t)c->o->threads };
    struct verifying *v = calloc(1, sizeof *v);
    if (v == NULL)
        return cli_error(NODE_EXIT_FAILED, "%s", bp_strerror(BP_ERR_NOMEM));
    v->c = c;
    int code = cli_need_args(c, 0, 2, "verify [FIRST LAST] [--file FILE]");
    if (code == 0 && c->o->n_args == 1)
        code = cli_error(NODE_EXIT_USAGE, "LAST is missing after FIRST");
    if (code == 0)
        code = cli_parse_verify(c->o->verify, &sc.policy, &sc.sample);
    if (code == 0) code = open_source(v);
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    sc.spec = c->spec;
    if (code == 0 && (sealer_new(&v->sealer, &sc) != 0 ||
                      bp_verifier_new(&v->rules, NULL, c->spec,
                                      sealer_iface(v->sealer)) != 0))
        code = cli_error(NODE_EXIT_FAILED, "%s", bp_strerror(BP_ERR_NOMEM));
    if (code == 0) code = verify_store(v);
    bp_view_end(v->view);
    bp_verifier_free(v->rules);
    sealer_free(v->sealer);
    bp_store_close(v->store);
    free(v);
    return code;
}
