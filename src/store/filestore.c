/* filestore: a read-only store over a chain file.

   An index in memory, a store of its own whose headers are places in the
   file, answers everything but the bytes; those are read when asked for, into
   memory that the view owns. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/try.h"
#include "blockpool/chain.h"
#include "blockpool/keccak.h"
#include "prim/snappy.h"
#include "store/backend.h"
#include "store/reader.h"
#include "store/why.h"

struct filestore {
    struct bp_store base;
    struct bp_store *index; /* in memory; block 0 is whole there */
    enum bp_file_format format;
    int fd;
    char path[]; /* and a NUL */
};

/* Bytes handed out by a view, freed with it. */
struct chunk {
    struct chunk *next;
    size_t n, cap;
    uint8_t bytes[];
};
#define CHUNK_BYTES ((size_t)64 << 10)

struct file_view {
    struct bp_store_view base;
    struct bp_store_view *index;
    struct chunk *chunks; /* the newest first */
};

static struct filestore *store_of(const struct bp_store_view *v) {
    return (struct filestore *)v->store;
}

/* ---- views ------------------------------------------------------------- */

static int file_begin(struct bp_store_view **out, struct bp_store *s,
                      bool write) {
    struct filestore *f = (struct filestore *)s;
    assert(!write);
    struct file_view *v = bp_zalloc(s->alloc, sizeof *v);
    if (v == NULL) return BP_ERR_NOMEM;
    int err = bp_view_begin(&v->index, f->index);
    if (err != 0) {
        bp_free(s->alloc, v, sizeof *v);
        return err;
    }
    v->base.store = s;
    v->base.state = v->index->state; /* the ranges are borrowed */
    *out = &v->base;
    return 0;
}

static void file_end(struct bp_store_view *base) {
    struct file_view *v = (struct file_view *)base;
    const struct bp_alloc *a = base->store->alloc;
    while (v->chunks != NULL) {
        struct chunk *c = v->chunks;
        v->chunks = c->next;
        bp_free(a, c, sizeof *c + c->cap);
    }
    bp_view_end(v->index);
    bp_free(a, v, sizeof *v);
}

/* n bytes that live as long as the view. */
static uint8_t *view_bytes(struct file_view *v, size_t n) {
    struct chunk *c = v->chunks;
    if (c == NULL || c->cap - c->n < n) {
        size_t cap = n > CHUNK_BYTES ? n : CHUNK_BYTES;
        c = bp_malloc(v->base.store->alloc, sizeof *c + cap);
        if (c == NULL) return NULL;
        c->next = v->chunks;
        c->n = 0;
        c->cap = cap;
        v->chunks = c;
    }
    c->n += n;
    return c->bytes + c->n - n;
}

/* ---- the index --------------------------------------------------------- */

static struct bp_store_view *index_of(struct bp_store_view *v) {
    return ((struct file_view *)v)->index;
}

static int file_get_id(struct bp_store_view *v, uint64_t *id,
                       const bp_hash *hash) {
    struct bp_store_view *index = index_of(v);
    return index->store->ops->get_id(index, id, hash);
}

static int file_get_canon(struct bp_store_view *v, uint64_t *id,
                          uint64_t number) {
    struct bp_store_view *index = index_of(v);
    return index->store->ops->get_canon(index, id, number);
}

static int file_get_row(struct bp_store_view *v, struct bp_store_entry *out,
                        uint64_t id) {
    struct bp_store_view *index = index_of(v);
    return index->store->ops->get_row(index, out, id);
}

/* ---- bytes ----------------------------------------------------------- */

/* n bytes of the file, in memory of the view. */
static int read_at(struct file_view *v, uint8_t **out, uint64_t offset,
                   size_t n) {
    struct filestore *f = store_of(&v->base);
    uint8_t *p = view_bytes(v, n);
    if (p == NULL) return BP_ERR_NOMEM;
    for (size_t have = 0; have < n;) {
        ssize_t got = pread(f->fd, p + have, n - have, (off_t)(offset + have));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return BP_ERR_FILE_READ;
        have += (size_t)got;
    }
    *out = p;
    return 0;
}

/* An entry's data, decompressed. */
static int read_framed(struct file_view *v, bp_span *out, uint64_t offset,
                       size_t n) {
    uint8_t *raw, *p;
    size_t size;
    BP_TRY(read_at(v, &raw, offset, n));
    bp_span data = { raw, n };
    if (bp_snappy_frame_size(&size, data) != 0 || size > BP_FILE_ITEM_MAX)
        return BP_ERR_FILE_BLOCK;
    if ((p = view_bytes(v, size)) == NULL) return BP_ERR_NOMEM;
    if (bp_snappy_frame_decode(p, size, &size, data) != 0)
        return BP_ERR_FILE_BLOCK;
    *out = (bp_span){ p, size };
    return 0;
}

static int era1_part(struct file_view *v, bp_span *out,
                     const struct bp_file_place *at, enum bp_store_part part) {
    uint64_t offset = at->offset;
    for (int i = 0; i < (int)part; i++)
        offset += (uint64_t)at->n[i] + BP_ERA1_HEAD;
    return read_framed(v, out, offset, at->n[part]);
}

/* The lists behind the header, with a prefix that makes them a body. */
static int rlp_body(struct file_view *v, bp_span *out,
                    const struct bp_file_place *at) {
    uint8_t *p, prefix[16];
    struct bp_rlp_w w = { prefix, sizeof prefix, 0 };
    struct bp_body body;
    bp_rlp_put_list(&w, at->n[1]);
    /* The prefix is written over the end of what stands before. */
    if (w.n > at->n[0]) return BP_ERR_FILE_BLOCK;
    BP_TRY(read_at(v, &p, at->offset + at->n[0] - w.n, w.n + at->n[1]));
    memcpy(p, prefix, w.n);
    bp_span whole = { p, w.n + at->n[1] };
    *out = whole;
    if (bp_body_decode(&body, &whole) != 0 || whole.n != 0)
        return BP_ERR_FILE_BLOCK;
    return 0;
}

static int rlp_part(struct file_view *v, bp_span *out,
                    const struct bp_file_place *at, enum bp_store_part part) {
    uint8_t *p;
    if (part == BP_PART_RECEIPTS) return BP_ERR_NOT_STORED;
    if (part == BP_PART_BODY) return rlp_body(v, out, at);
    BP_TRY(read_at(v, &p, at->offset, at->n[0]));
    *out = (bp_span){ p, at->n[0] };
    return 0;
}

static int file_get_part(struct bp_store_view *base, bp_span *out,
                         const struct bp_store_entry *e,
                         enum bp_store_part part) {
    struct file_view *v = (struct file_view *)base;
    struct bp_file_place at;
    bp_span place, bytes;
    bp_hash hash;
    struct bp_store *index = v->index->store;
    if (e->id == 0) return index->ops->get_part(v->index, out, e, part);
    BP_TRY(index->ops->get_part(v->index, &place, e, BP_PART_HEADER));
    assert(place.n == sizeof at);
    memcpy(&at, place.p, sizeof at);
    BP_TRY(store_of(base)->format == BP_FILE_ERA1
               ? era1_part(v, &bytes, &at, part)
               : rlp_part(v, &bytes, &at, part));
    if (part == BP_PART_HEADER) { /* is it still the file that was indexed? */
        bp_keccak256(&hash, bytes);
        if (!bp_hash_eq(&hash, &e->hash)) return BP_ERR_FILE_BLOCK;
    }
    *out = bytes;
    return 0;
}

/* ---- opening --------------------------------------------------------- */

static void file_close(struct bp_store *s) {
    struct filestore *f = (struct filestore *)s;
    bp_store_close(f->index);
    if (f->fd >= 0) close(f->fd);
    bp_free(s->alloc, f, sizeof *f + strlen(f->path) + 1);
}

static const struct bp_store_ops file_ops = {
    .kind = "file",
    .close = file_close,
    .begin = file_begin,
    .end = file_end,
    .get_id = file_get_id,
    .get_canon = file_get_canon,
    .get_row = file_get_row,
    .get_part = file_get_part,
};

/* Blocks indexed in one batch. */
#define LOAD_BATCH 256
struct loader {
    struct filestore *f;
    struct bp_reader *r;
    const struct bp_store_chain *chain;
    struct bp_store_error *why;
    size_t n;
    struct bp_store_block blocks[LOAD_BATCH];
    struct bp_file_place places[LOAD_BATCH];
};

static int flush(struct loader *l) {
    struct bp_store_batch batch = { l->blocks, l->n, NULL };
    int err = bp_store_write(l->f->index, NULL, &batch, l->why);
    if (err == 0) err = bp_store_sync(l->f->index);
    if (err == BP_ERR_NO_PARENT) { /* in a file it has this name */
        err = BP_ERR_FILE_LINK;
        if (l->why != NULL) l->why->code = err;
    }
    l->n = 0;
    return err;
}

/* The first block is the chain's genesis or stands on it. */
static int check_first(struct loader *l, const struct bp_file_block *b) {
    const struct bp_store_block *genesis = &l->chain->genesis;
    char is[BP_HASH_SHORT], due[BP_HASH_SHORT];
    const char *name = l->chain->name;
    bp_hash_short(due, &genesis->hash);
    if (b->number > 1)
        return bp_why(l->why, BP_ERR_FILE_CHAIN,
                      "%s: begins with block %" PRIu64
                      "; a chain begins with block 0 or 1",
                      l->f->path, b->number);
    if (b->number == 0 && !bp_hash_eq(&b->hash, &genesis->hash))
        return bp_why(l->why, BP_ERR_FILE_CHAIN,
                      "%s: its block 0 is %s, the genesis of %s is %s",
                      l->f->path, bp_hash_short(is, &b->hash), name, due);
    if (b->number == 1 && !bp_hash_eq(&b->parent, &genesis->hash))
        return bp_why(l->why, BP_ERR_FILE_CHAIN,
                      "%s: its block 1 stands on %s, the genesis of %s is %s",
                      l->f->path, bp_hash_short(is, &b->parent), name, due);
    return 0;
}

/* Block 0 is in the index already; the file may know its receipts. */
static int add_genesis(struct loader *l, const struct bp_file_block *b) {
    struct bp_store_block genesis = l->chain->genesis;
    genesis.receipts = b->receipts;
    struct bp_store_batch batch = { &genesis, 1, NULL };
    return bp_store_write(l->f->index, NULL, &batch, l->why);
}

static int add_block(struct loader *l, const struct bp_file_block *b) {
    if (b->number == 0) return add_genesis(l, b);
    l->places[l->n] = l->r->place;
    l->blocks[l->n] = (struct bp_store_block){
        .hash = b->hash,
        .parent = b->parent,
        .number = b->number,
        .difficulty = b->difficulty,
        .header = { (const uint8_t *)&l->places[l->n], sizeof l->places[0] },
    };
    return ++l->n == LOAD_BATCH ? flush(l) : 0;
}

static int load_blocks(struct loader *l) {
    struct bp_file_block b;
    int err;
    for (bool first = true;; first = false) {
        if ((err = bp_reader_next(l->r, &b, l->why)) != 0) break;
        if (first) BP_TRY(check_first(l, &b));
        BP_TRY(add_block(l, &b));
    }
    return err == BP_ERR_FILE_END ? flush(l) : err;
}

/* Does e take the place of best? More work does, and a block without any on
   top of it. */
static bool is_better(const struct bp_store_entry *e,
                      const struct bp_store_entry *best) {
    int more = bp_u256_cmp(&e->td, &best->td);
    return more > 0 || (more == 0 && e->parent_id == best->id);
}

/* The block of most work, the first of its like. */
static int choose_head(struct loader *l) {
    struct bp_store_view *v;
    struct bp_store_entry best, e;
    BP_TRY(bp_view_begin(&v, l->f->index));
    int err = bp_view_head(v, &best);
    for (uint64_t id = 0; err == 0 && id < bp_view_count(v); id++) {
        err = bp_view_id(v, &e, id);
        if (err == 0 && is_better(&e, &best)) best = e;
    }
    bp_view_end(v);
    if (err != 0) return err;
    struct bp_store_batch batch = { NULL, 0, &best.hash };
    BP_TRY(bp_store_write(l->f->index, NULL, &batch, l->why));
    return bp_store_sync(l->f->index);
}

static int load(struct filestore *f, const struct bp_store_chain *chain,
                struct bp_store_error *why) {
    const struct bp_alloc *a = f->base.alloc;
    struct loader *l = bp_zalloc(a, sizeof *l);
    if (l == NULL) return BP_ERR_NOMEM;
    l->f = f;
    l->chain = chain;
    l->why = why;
    int err = bp_reader_open(&l->r, f->path, a, why);
    if (err == 0 && l->r->in.fd < 0)
        err = bp_why(why, BP_ERR_FILE_FORMAT,
                     "%s: can only be read from front to back: decompress it "
                     "into a file first",
                     f->path);
    if (err == 0) err = load_blocks(l);
    if (err == 0) err = choose_head(l);
    if (err == 0) {
        f->format = bp_reader_format(l->r);
        f->fd = bp_input_take_fd(&l->r->in);
    }
    bp_reader_close(l->r);
    bp_free(a, l, sizeof *l);
    return err;
}

int bp_store_file_open(struct bp_store **out, const char *path,
                       const struct bp_alloc *a,
                       const struct bp_store_chain *chain,
                       struct bp_store_error *why) {
    size_t n = strlen(path);
    struct filestore *f = bp_zalloc(a, sizeof *f + n + 1);
    int err = BP_ERR_NOMEM;
    *out = NULL;
    if (why != NULL) why->code = 0;
    if (f == NULL) return bp_why_code(why, err, path);
    memcpy(f->path, path, n);
    f->fd = -1;
    f->base = (struct bp_store){
        .ops = &file_ops, .alloc = a, .read_only = true, .path = f->path
    };
    if ((err = bp_store_identify(&f->base.identity, chain)) == 0 &&
        (err = bp_store_mem_new(&f->index, a, chain)) == 0) {
        f->index->path = f->path;
        err = load(f, chain, why);
    }
    if (err == 0) {
        *out = &f->base;
        return 0;
    }
    if (why != NULL && why->code != err) bp_why_code(why, err, path);
    file_close(&f->base);
    return err;
}
