/* writer: chain files of either form, complete under their name or not at
   all. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/try.h"
#include "blockpool/rlp.h"
#include "prim/snappy.h"
#include "store/reader.h"
#include "store/why.h"

struct bp_writer {
    const struct bp_alloc *alloc;
    char *path, *part; /* owned; part is "" for standard output */
    size_t n_path;     /* bytes that both were made with */
    enum bp_file_format format;
    FILE *file; /* one of the two */
    gzFile gz;
    int fd; /* the same file once more, to sync it; -1: standard output */
    uint64_t offset; /* bytes written */
    struct bp_room room;
    /* era1 */
    uint64_t first, n;
    uint64_t starts[BP_ERA1_BLOCKS];
    struct bp_accumulator acc;
};

/* ---- bytes ------------------------------------------------------------- */

static int write_error(struct bp_writer *w, struct bp_store_error *why) {
    int number = errno;
    bool full = number == ENOSPC || number == EDQUOT || number == EFBIG;
    return bp_why(why, full ? BP_ERR_DISK_FULL : BP_ERR_FILE_WRITE,
                  "%s: cannot write at byte %" PRIu64 ": %s", w->path,
                  w->offset, strerror(number));
}

static int put(struct bp_writer *w, const void *p, size_t n,
               struct bp_store_error *why) {
    if (n == 0) return 0;
    errno = 0;
    bool ok = w->gz != NULL ? gzfwrite(p, 1, n, w->gz) == n
                            : fwrite(p, 1, n, w->file) == n;
    if (!ok) return write_error(w, why);
    w->offset += n;
    return 0;
}

/* ---- opening ----------------------------------------------------------- */

static void writer_free(struct bp_writer *w) {
    if (w->fd >= 0) close(w->fd);
    bp_room_free(&w->room, w->alloc);
    bp_free(w->alloc, w->part, w->n_path);
    bp_free(w->alloc, w->path, w->n_path);
    bp_free(w->alloc, w, sizeof *w);
}

static int writer_new(struct bp_writer **out, const char *path,
                      const struct bp_alloc *a) {
    static const char part[] = ".part";
    struct bp_writer *w = bp_zalloc(a, sizeof *w);
    if (w == NULL) return BP_ERR_NOMEM;
    w->alloc = a;
    w->n_path = strlen(path) + sizeof part;
    w->path = bp_zalloc(a, w->n_path);
    w->part = bp_zalloc(a, w->n_path);
    if (w->path == NULL || w->part == NULL) {
        writer_free(w);
        return BP_ERR_NOMEM;
    }
    snprintf(w->path, w->n_path, "%s", path);
    if (strcmp(path, "-") != 0)
        snprintf(w->part, w->n_path, "%s%s", path, part);
    w->fd = -1;
    w->format = bp_ends_with(path, ".era1") ? BP_FILE_ERA1 : BP_FILE_RLP;
    *out = w;
    return 0;
}

/* Opens what is written to, and of a real file a second descriptor. */
static bool open_file(struct bp_writer *w) {
    int fd =
        w->part[0] == 0
            ? dup(STDOUT_FILENO)
            : open(w->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) return false;
    if (w->part[0] != 0) w->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (w->part[0] == 0 || w->fd >= 0) {
        if (bp_ends_with(w->path, ".gz"))
            w->gz = gzdopen(fd, "wb");
        else
            w->file = fdopen(fd, "wb");
    }
    if (w->file != NULL || w->gz != NULL) return true;
    close(fd);
    return false;
}

static int put_entry(struct bp_writer *w, uint16_t type, const void *p,
                     size_t n, struct bp_store_error *why) {
    uint8_t head[BP_ERA1_HEAD];
    if (n > BP_FILE_ITEM_MAX)
        return bp_why(why, BP_ERR_FILE_SIZE, "%s: an entry of %zu bytes",
                      w->path, n);
    bp_era1_entry_encode(head, (struct bp_era1_entry){ type, (uint32_t)n });
    BP_TRY(put(w, head, sizeof head, why));
    return put(w, p, n, why);
}

int bp_writer_open(struct bp_writer **out, const char *path,
                   const struct bp_alloc *a, struct bp_store_error *why) {
    struct bp_writer *w;
    *out = NULL;
    int err = writer_new(&w, path, a);
    if (err != 0) return bp_why_code(why, err, path);
    errno = 0;
    if (!open_file(w)) {
        bool full = errno == ENOSPC || errno == EDQUOT;
        err = bp_why(why, full ? BP_ERR_DISK_FULL : BP_ERR_FILE_OPEN,
                     "%s: cannot write: %s", w->part, strerror(errno));
        writer_free(w);
        return err;
    }
    bp_accumulator_init(&w->acc);
    if (w->format == BP_FILE_ERA1 &&
        (err = put_entry(w, BP_ERA1_VERSION, NULL, 0, why)) != 0) {
        bp_writer_abandon(w);
        return err;
    }
    *out = w;
    return 0;
}

/* ---- RLP ------------------------------------------------------------- */

static int add_rlp(struct bp_writer *w, const struct bp_file_out *b,
                   struct bp_store_error *why) {
    struct bp_rlp_item header;
    bp_span lists, h = b->header, body = b->body;
    uint8_t prefix[16];
    if (bp_rlp_item(&header, &h) != 0 || !header.is_list || h.n != 0 ||
        bp_rlp_list(&lists, &body) != 0 || body.n != 0)
        return bp_why(why, BP_ERR_FILE_BLOCK,
                      "%s: block %" PRIu64 " is not a header and a body",
                      w->path, b->number);
    struct bp_rlp_w out = { prefix, sizeof prefix, 0 };
    bp_rlp_put_list(&out, b->header.n + lists.n);
    BP_TRY(put(w, prefix, out.n, why));
    BP_TRY(put(w, b->header.p, b->header.n, why));
    return put(w, lists.p, lists.n, why);
}

/* ---- era1 ------------------------------------------------------------ */

static int put_framed(struct bp_writer *w, uint16_t type, bp_span bytes,
                      struct bp_store_error *why) {
    if (bytes.n > BP_FILE_ITEM_MAX)
        return bp_why(why, BP_ERR_FILE_SIZE, "%s: an item of %zu bytes",
                      w->path, bytes.n);
    if (bp_room_need(&w->room, w->alloc, bp_snappy_frame_room(bytes.n)) != 0)
        return bp_why_code(why, BP_ERR_NOMEM, w->path);
    size_t n = bp_snappy_frame_encode(w->room.p, bytes);
    return put_entry(w, type, w->room.p, n, why);
}

static int add_era1(struct bp_writer *w, const struct bp_file_out *b,
                    struct bp_store_error *why) {
    uint8_t td[32];
    if (w->n == BP_ERA1_BLOCKS)
        return bp_why(why, BP_ERR_FILE_SIZE, "%s: is full with 8192 blocks",
                      w->path);
    if (w->n > 0 && b->number != w->first + w->n)
        return bp_why(why, BP_ERR_FILE_LINK,
                      "%s: block %" PRIu64 " does not follow block %" PRIu64,
                      w->path, b->number, w->first + w->n - 1);
    if (b->receipts.p == NULL)
        return bp_why(why, BP_ERR_NOT_STORED,
                      "%s: there are no receipts of block %" PRIu64, w->path,
                      b->number);
    if (w->n == 0) w->first = b->number;
    w->starts[w->n++] = w->offset;
    bp_u256_to_le(td, &b->td);
    BP_TRY(put_framed(w, BP_ERA1_HEADER, b->header, why));
    BP_TRY(put_framed(w, BP_ERA1_BODY, b->body, why));
    BP_TRY(put_framed(w, BP_ERA1_RECEIPTS, b->receipts, why));
    BP_TRY(put_entry(w, BP_ERA1_TD, td, sizeof td, why));
    bp_accumulator_add(&w->acc, &b->hash, &b->td);
    return 0;
}

static void le64(uint8_t *p, uint64_t v) {
    for (int i = 0; i < 8; i++) p[i] = (uint8_t)(v >> (8 * i));
}

static int end_era1(struct bp_writer *w, bp_hash *root,
                    struct bp_store_error *why) {
    if (w->n == 0)
        return bp_why(why, BP_ERR_FILE_SIZE, "%s: has no block", w->path);
    bp_accumulator_root(&w->acc, root);
    BP_TRY(put_entry(w, BP_ERA1_ACCUMULATOR, root->b, 32, why));
    size_t n = 16 + 8 * w->n;
    if (bp_room_need(&w->room, w->alloc, n) != 0)
        return bp_why_code(why, BP_ERR_NOMEM, w->path);
    le64(w->room.p, w->first);
    for (uint64_t i = 0; i < w->n; i++)
        le64(w->room.p + 8 + 8 * i, w->starts[i] - w->offset);
    le64(w->room.p + 8 + 8 * w->n, w->n);
    return put_entry(w, BP_ERA1_INDEX, w->room.p, n, why);
}

/* ---- adding and ending ----------------------------------------------- */

int bp_writer_add(struct bp_writer *w, const struct bp_file_out *b,
                  struct bp_store_error *why) {
    return w->format == BP_FILE_ERA1 ? add_era1(w, b, why) : add_rlp(w, b, why);
}

/* Writes out what is buffered and, of a real file, waits for the disk. */
static int flush_and_close(struct bp_writer *w, struct bp_store_error *why) {
    int err = 0;
    errno = 0;
    if (w->gz != NULL ? gzclose(w->gz) != Z_OK : fclose(w->file) != 0)
        err = write_error(w, why);
    w->gz = NULL;
    w->file = NULL;
    if (err == 0 && w->fd >= 0 && fsync(w->fd) != 0) err = write_error(w, why);
    return err;
}

int bp_writer_finish(struct bp_writer *w, bp_hash *root,
                     struct bp_store_error *why) {
    bp_hash mine = { { 0 } };
    int err = 0;
    if (w->format == BP_FILE_ERA1) err = end_era1(w, &mine, why);
    if (err == 0) err = flush_and_close(w, why);
    if (err == 0 && w->part[0] != 0 && rename(w->part, w->path) != 0)
        err = write_error(w, why);
    if (err != 0) {
        bp_writer_abandon(w);
        return err;
    }
    if (root != NULL) *root = mine;
    writer_free(w);
    return 0;
}

void bp_writer_abandon(struct bp_writer *w) {
    if (w == NULL) return;
    if (w->gz != NULL) gzclose(w->gz);
    if (w->file != NULL) fclose(w->file);
    if (w->part[0] != 0) unlink(w->part);
    writer_free(w);
}

void bp_era1_name(char out[BP_ERA1_NAME_MAX], const char *network,
                  uint64_t first_number, const bp_hash *root) {
    char hex[9];
    bp_hex(hex, root->b, 4);
    snprintf(out, BP_ERA1_NAME_MAX, "%.*s-%05" PRIu64 "-%s.era1",
             BP_STORE_NAME_MAX, network, first_number / BP_ERA1_BLOCKS, hex);
}
