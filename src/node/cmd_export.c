/* cmd_export: writes stored canonical blocks to a chain file.

   Happy path: one view, one block after the other, the file gets its name when
   it is whole. Failure modes: a block without a body (6), a full disk (5), an
   interrupt: what was written is removed. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "blockpool/files.h"
#include "node/cli.h"
#include "node/clock.h"
#include "node/log.h"

static volatile sig_atomic_t interrupted;

static void on_signal(int sig) {
    interrupted = sig;
}

static int range_of(struct cli *c, uint64_t head, uint64_t *first,
                    uint64_t *last) {
    bool hash[2];
    bp_hash ignored;
    *first = head > 0 ? 1 : 0;
    *last = head;
    if (c->o->n_args == 1) return 0;
    if (!cli_parse_block(c->o->args[1], &hash[0], first, &ignored) ||
        !cli_parse_block(c->o->args[2], &hash[1], last, &ignored) || hash[0] ||
        hash[1] || *first > *last)
        return cli_error(NODE_EXIT_USAGE,
                         "FIRST and LAST are two numbers in order");
    if (*last > head)
        return cli_error(NODE_EXIT_ABSENT,
                         "block %llu is not stored; the head is %llu",
                         (unsigned long long)*last, (unsigned long long)head);
    return 0;
}

static int write_block(struct bp_store_view *v, struct bp_writer *w,
                       uint64_t number) {
    struct bp_store_entry e;
    struct bp_file_out out = { .number = number };
    struct bp_store_error why;
    int err = bp_view_at(v, &e, number);
    if (err == 0) err = bp_view_header(v, &out.header, &e);
    if (err == 0) err = bp_view_body(v, &out.body, &e);
    if (err != 0)
        return cli_error(cli_exit_code(err), "block %llu: %s",
                         (unsigned long long)number, bp_strerror(err));
    out.hash = e.hash;
    out.td = e.td;
    if (bp_view_receipts(v, &out.receipts, &e) != 0)
        out.receipts = (bp_span){ NULL, 0 };
    if ((err = bp_writer_add(w, &out, &why)) != 0)
        return cli_error(cli_exit_code(err), "%s", why.text);
    return 0;
}

static int write_range(struct cli *c, struct bp_store_view *v,
                       struct bp_writer *w, uint64_t first, uint64_t last) {
    int code = 0;
    struct progress p = { .stage = "export",
                          .from = first,
                          .target = last - first + 1,
                          .eta_s = PROGRESS_UNKNOWN };
    uint64_t began = clock_mono_ms();
    progress_begin(c->progress, "Exporting blockchain", c->color);
    for (uint64_t n = first; code == 0 && n <= last; n++) {
        if (interrupted) return cli_error(128 + interrupted, "interrupted");
        code = write_block(v, w, n);
        if ((n & 255) != 0) continue;
        uint64_t took = clock_mono_ms() - began;
        p.at = n - first + 1;
        p.rate = took > 0 ? 1000.0 * (double)p.at / (double)took : 0;
        if (p.rate > 0) p.eta_s = (uint64_t)((double)(last - n) / p.rate);
        progress_show(&p, began + took);
    }
    p.at = p.target;
    p.eta_s = 0;
    p.done = code == 0;
    progress_end(&p);
    return code;
}

int cmd_export(struct cli *c) {
    struct bp_store *s;
    struct bp_store_view *v = NULL;
    struct bp_store_entry head;
    struct bp_writer *w;
    struct bp_store_error why;
    uint64_t first, last;
    int code = cli_need_args(c, 1, 3, "export FILE [FIRST LAST]");
    if (code == 0 && c->o->n_args == 2)
        code = cli_error(NODE_EXIT_USAGE, "LAST is missing after FIRST");
    if (code == 0) code = cli_open_store(c, &s, BP_STORE_READ);
    if (code != 0) return code;
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    int err = bp_view_begin(&v, s);
    if (err == 0) err = bp_view_head(v, &head);
    if (err != 0)
        code = cli_error(cli_exit_code(err), "%s: %s", c->datadir,
                         bp_strerror(err));
    if (code == 0) code = range_of(c, head.number, &first, &last);
    if (code == 0 && (err = bp_writer_open(&w, c->o->args[0], NULL, &why)) != 0)
        code = cli_error(cli_exit_code(err), "%s", why.text);
    if (code == 0) {
        code = write_range(c, v, w, first, last);
        if (code != 0)
            bp_writer_abandon(w);
        else if ((err = bp_writer_finish(w, NULL, &why)) != 0)
            code = cli_error(cli_exit_code(err), "%s", why.text);
    }
    if (code == 0)
        fprintf(stderr, "Exported %llu blocks, %llu to %llu\n",
                (unsigned long long)(last - first + 1),
                (unsigned long long)first, (unsigned long long)last);
    bp_view_end(v);
    bp_store_close(s);
    return code;
}
