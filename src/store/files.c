/* files: the reader of a file of either form. */
#include "blockpool/files.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/try.h"
#include "store/reader.h"
#include "store/why.h"

/* ---- opening ----------------------------------------------------------- */

static int reader_new(struct bp_reader **out, const char *name,
                      const struct bp_alloc *a) {
    size_t n = strlen(name) + 1;
    struct bp_reader *r = bp_zalloc(a, sizeof *r);
    if (r == NULL) return BP_ERR_NOMEM;
    r->alloc = a;
    r->in.fd = -1;
    r->name = bp_malloc(a, n);
    if (r->name == NULL) {
        bp_free(a, r, sizeof *r);
        return BP_ERR_NOMEM;
    }
    memcpy(r->name, name, n);
    *out = r;
    return 0;
}

/* What is it? A chain of RLP blocks begins with a list; era1 files begin with
   a version, whose first byte is none. */
static int detect(struct bp_reader *r, struct bp_store_error *why) {
    BP_TRY(bp_input_fill(&r->in, BP_ERA1_HEAD, why));
    bp_span first = { r->in.p, r->in.n };
    r->format = BP_FILE_RLP;
    if (first.n == 0 || first.p[0] >= 0xc0) return 0;
    if (!bp_era1_looks(first))
        return bp_why(why, BP_ERR_FILE_FORMAT,
                      "%s: neither an RLP chain file nor an era1 file: it "
                      "begins with byte 0x%02x",
                      r->name, first.p[0]);
    r->format = BP_FILE_ERA1;
    return bp_era1_begin(r, why);
}

static int start(struct bp_reader **out, struct bp_reader *r, int err,
                 struct bp_store_error *why) {
    if (err == 0) err = detect(r, why);
    if (err != 0) {
        bp_reader_close(r);
        return err;
    }
    *out = r;
    return 0;
}

int bp_reader_open(struct bp_reader **out, const char *path,
                   const struct bp_alloc *a, struct bp_store_error *why) {
    struct bp_reader *r;
    *out = NULL;
    if (reader_new(&r, strcmp(path, "-") == 0 ? "standard input" : path, a) !=
        0)
        return bp_why_code(why, BP_ERR_NOMEM, path);
    int err = bp_input_open(&r->in, path, a, why);
    r->in.name = r->name;
    return start(out, r, err, why);
}

int bp_reader_open_memory(struct bp_reader **out, bp_span bytes,
                          const char *name, const struct bp_alloc *a,
                          struct bp_store_error *why) {
    struct bp_reader *r;
    *out = NULL;
    if (reader_new(&r, name, a) != 0)
        return bp_why_code(why, BP_ERR_NOMEM, name);
    bp_input_memory(&r->in, bytes, r->name, a);
    return start(out, r, 0, why);
}

void bp_reader_close(struct bp_reader *r) {
    if (r == NULL) return;
    bp_input_close(&r->in);
    bp_room_free(&r->header, r->alloc);
    bp_room_free(&r->body, r->alloc);
    bp_room_free(&r->receipts, r->alloc);
    bp_free(r->alloc, r->era.starts, BP_ERA1_BLOCKS * sizeof(uint64_t));
    bp_free(r->alloc, r->name, strlen(r->name) + 1);
    bp_free(r->alloc, r, sizeof *r);
}

/* ---- reading ----------------------------------------------------------- */

enum bp_file_format bp_reader_format(const struct bp_reader *r) {
    return r->format;
}

int bp_reader_next(struct bp_reader *r, struct bp_file_block *out,
                   struct bp_store_error *why) {
    if (r->err == 0)
        r->err = r->format == BP_FILE_ERA1 ? bp_era1_next(r, out, why)
                                           : bp_rlpfile_next(r, out, why);
    else if (why != NULL)
        bp_why_code(why, r->err, r->name);
    return r->err;
}

void bp_reader_progress(const struct bp_reader *r, uint64_t *taken,
                        uint64_t *all) {
    *taken = bp_input_taken(&r->in);
    *all = r->in.size;
}

bool bp_reader_root(const struct bp_reader *r, bp_hash *out) {
    if (!r->era.whole) return false;
    *out = r->era.root;
    return true;
}
