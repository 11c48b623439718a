/* lmdb: the store in an LMDB environment. The only file that knows lmdb.h.

   Tables (docs/store.md has every byte):
     meta      name -> schema, chain, state
     blocks    id -> parent's id, number, checks, total difficulty, hash, header
     bodies    id -> body          receipts  id -> receipts
     hashes    hash -> id          canon     number -> id

   Ids and canonical numbers only ever grow at the end, so that all tables but
   `hashes` are appended to. Rules kept: no MDB_DUPSORT, read transactions
   are short and belong to views, not to threads, and no environment is open
   twice in a process. MDB_NOMETASYNC: a commit is durable against the death
   of the process at once, against power failure at the next commit or sync,
   and never torn; see docs/decisions/0400-lmdb-by-id.md. */
#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lmdb.h>

#include "base/try.h"
#include "store/backend.h"
#include "store/gate.h"
#include "store/lock.h"
#include "store/why.h"

_Static_assert(sizeof(size_t) == sizeof(uint64_t),
               "ids are MDB_INTEGERKEY keys of 64 bits");

#define SCHEMA 1

/* Address space asked for at first; an mmap, not memory. */
#define MAP_DEFAULT ((uint64_t)1 << 40)
#define MAP_LEAST   ((uint64_t)1 << 20)
/* Views at the same time, over all processes. */
#define READERS_MAX 510
/* Ended views kept for the next ones; each holds a reader slot. */
#define SPARE_VIEWS 16
/* Batches between two looks for readers that died with a view open. */
#define READER_CHECK_EVERY 256
/* LMDB leaves pages that it freed in the transaction that made them unwritten;
   a file may end this much before its last page number. */
#define TAIL_PAGES 64

enum { T_META, T_BLOCKS, T_BODIES, T_RECEIPTS, T_HASHES, T_CANON, T_COUNT };
static const struct {
    const char *name;
    unsigned flags;
} tables[T_COUNT] = {
    { "meta", 0 },
    { "blocks", MDB_INTEGERKEY },
    { "bodies", MDB_INTEGERKEY },
    { "receipts", MDB_INTEGERKEY },
    { "hashes", 0 },
    { "canon", MDB_INTEGERKEY },
};

#define RUNS_INLINE 4
struct lm_view {
    struct bp_store_view base;
    MDB_txn *txn;
    struct lm_view *next; /* among the spare ones */
    struct bp_range runs[RUNS_INLINE];
};

struct lm {
    struct bp_store base;
    MDB_env *env;
    MDB_dbi dbi[T_COUNT];
    struct bp_gate gate; /* shut to change the map */
    pthread_mutex_t spare_lock;
    struct lm_view *spare;
    size_t n_spare;
    uint64_t n_commits;
    int lock_fd;   /* -1: reader */
    bool unmapped; /* the map is gone; only closing is possible */
    bool fresh;    /* being made; removed when that fails */
    struct stat dir;
    char path[]; /* n_path bytes and a NUL */
};

static struct lm *lm_of(const struct bp_store_view *v) {
    return (struct lm *)v->store;
}
static MDB_txn *txn_of(const struct bp_store_view *v) {
    return ((const struct lm_view *)v)->txn;
}

/* ---- errors ------------------------------------------------------------ */

static int code_of(int rc) {
    switch (rc) {
    case MDB_NOTFOUND: return BP_ERR_NOT_STORED;
    case MDB_MAP_FULL:
    case MDB_MAP_RESIZED: return BP_ERR_STORE_MAP;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_PANIC:
    case MDB_INCOMPATIBLE:
    case MDB_KEYEXIST: /* where we append */
    case MDB_BAD_VALSIZE: return BP_ERR_STORE_CORRUPT;
    case MDB_VERSION_MISMATCH: return BP_ERR_STORE_SCHEMA;
    case ENOENT: return BP_ERR_NO_STORE;
    }
    return rc < 0 ? BP_ERR_STORE_IO : bp_errno_code(rc);
}

static int why_rc(struct bp_store_error *why, const struct lm *m, int rc) {
    int code = code_of(rc);
    return bp_why(why, code, "%s: %s (%s)", m->path, bp_strerror(code),
                  mdb_strerror(rc));
}

/* ---- rows -------------------------------------------------------------- */

/* parent id 8, number 8, checks 8, total difficulty 32, hash 32, all integers
   little-endian; the header follows. */
#define ROW_FIXED 88

static void put_u64(uint8_t *at, uint64_t v) {
    v = htole64(v);
    memcpy(at, &v, sizeof v);
}

static uint64_t get_u64(const uint8_t *at) {
    uint64_t v;
    memcpy(&v, at, sizeof v);
    return le64toh(v);
}

static void row_encode(uint8_t *p, const struct bp_store_entry *e,
                       bp_span header) {
    put_u64(p, e->parent_id);
    put_u64(p + 8, e->number);
    put_u64(p + 16, e->checks);
    for (int i = 0; i < 4; i++) put_u64(p + 24 + 8 * i, e->td.w[i]);
    memcpy(p + 56, e->hash.b, 32);
    if (header.n > 0) memcpy(p + ROW_FIXED, header.p, header.n);
}

static int row_decode(struct bp_store_entry *e, uint64_t id, MDB_val row) {
    const uint8_t *p = row.mv_data;
    if (row.mv_size < ROW_FIXED) return BP_ERR_STORE_CORRUPT;
    e->id = id;
    e->parent_id = get_u64(p);
    e->number = get_u64(p + 8);
    e->checks = (uint32_t)get_u64(p + 16);
    for (int i = 0; i < 4; i++) e->td.w[i] = get_u64(p + 24 + 8 * i);
    memcpy(e->hash.b, p + 56, 32);
    e->raw = (bp_span){ p + ROW_FIXED, row.mv_size - ROW_FIXED };
    return 0;
}

static int get(const struct bp_store_view *v, int table, MDB_val *out,
               const void *key, size_t n_key) {
    MDB_val k = { n_key, (void *)key };
    int rc = mdb_get(txn_of(v), lm_of(v)->dbi[table], &k, out);
    return rc == 0 ? 0 : code_of(rc);
}

static int put(const struct bp_store_view *v, int table, const void *key,
               size_t n_key, bp_span value, unsigned flags) {
    MDB_val k = { n_key, (void *)key }, data = { value.n, (void *)value.p };
    int rc = mdb_put(txn_of(v), lm_of(v)->dbi[table], &k, &data, flags);
    return rc == 0 ? 0 : code_of(rc);
}

static int get_number(const struct bp_store_view *v, int table, uint64_t *out,
                      const void *key, size_t n_key) {
    MDB_val value;
    BP_TRY(get(v, table, &value, key, n_key));
    if (value.mv_size != 8) return BP_ERR_STORE_CORRUPT;
    *out = get_u64(value.mv_data);
    return 0;
}

/* ---- the state record ------------------------------------------------ */

static const char key_schema[] = "schema", key_chain[] = "chain",
                  key_state[] = "state";

/* head id 8, blocks 8, canonical 8, then for each run of checks last 8,
   bits 8. */
#define STATE_FIXED 24
#define STATE_RUN   16

static int state_load(struct lm_view *v) {
    struct bp_store_state *st = &v->base.state;
    MDB_val value;
    BP_TRY(get(&v->base, T_META, &value, key_state, sizeof key_state - 1));
    const uint8_t *p = value.mv_data;
    if (value.mv_size < STATE_FIXED ||
        (value.mv_size - STATE_FIXED) % STATE_RUN != 0)
        return BP_ERR_STORE_CORRUPT;
    st->head_id = get_u64(p);
    st->n_blocks = get_u64(p + 8);
    st->n_canon = get_u64(p + 16);
    size_t n = (value.mv_size - STATE_FIXED) / STATE_RUN;
    st->checks = (struct bp_ranges){ v->runs, n, 0 };
    if (n > RUNS_INLINE || v->base.write) {
        const struct bp_alloc *a = v->base.store->alloc;
        st->checks.run = bp_malloc(a, n * sizeof *v->runs);
        if (st->checks.run == NULL) return BP_ERR_NOMEM;
        st->checks.cap = n;
    }
    for (size_t i = 0; i < n; i++) {
        st->checks.run[i].last = get_u64(p + STATE_FIXED + STATE_RUN * i);
        st->checks.run[i].bits = get_u64(p + STATE_FIXED + STATE_RUN * i + 8);
    }
    return 0;
}

static int state_save(const struct bp_store_view *v) {
    const struct bp_store_state *st = &v->state;
    MDB_val key = { sizeof key_state - 1, (void *)key_state };
    MDB_val value = { STATE_FIXED + STATE_RUN * st->checks.n, NULL };
    int rc =
        mdb_put(txn_of(v), lm_of(v)->dbi[T_META], &key, &value, MDB_RESERVE);
    if (rc != 0) return code_of(rc);
    uint8_t *p = value.mv_data;
    put_u64(p, st->head_id);
    put_u64(p + 8, st->n_blocks);
    put_u64(p + 16, st->n_canon);
    for (size_t i = 0; i < st->checks.n; i++) {
        put_u64(p + STATE_FIXED + STATE_RUN * i, st->checks.run[i].last);
        put_u64(p + STATE_FIXED + STATE_RUN * i + 8, st->checks.run[i].bits);
    }
    return 0;
}

/* ---- transactions ---------------------------------------------------- */

static struct lm_view *view_take(struct lm *m) {
    pthread_mutex_lock(&m->spare_lock);
    struct lm_view *v = m->spare;
    if (v != NULL) {
        m->spare = v->next;
        m->n_spare--;
    }
    pthread_mutex_unlock(&m->spare_lock);
    return v != NULL ? v : bp_zalloc(m->base.alloc, sizeof *v);
}

static void view_free(struct lm *m, struct lm_view *v) {
    if (v->txn != NULL) mdb_txn_abort(v->txn);
    bp_free(m->base.alloc, v, sizeof *v);
}

/* Keeps an ended view of a reader, whose transaction is reset, or frees it. */
static void view_give(struct lm *m, struct lm_view *v) {
    pthread_mutex_lock(&m->spare_lock);
    bool keep = v->txn != NULL && m->n_spare < SPARE_VIEWS;
    if (keep) {
        v->next = m->spare;
        m->spare = v;
        m->n_spare++;
    }
    pthread_mutex_unlock(&m->spare_lock);
    if (!keep) view_free(m, v);
}

/* Gives the map `size` bytes, or with 0 as many as another process gave it.
   LMDB drops the old map before it asks for the new one, and is of no more use
   when that fails: so it is asked for beforehand. */
static int remap(struct lm *m, size_t size) {
    MDB_envinfo info;
    int rc = mdb_env_info(m->env, &info);
    if (rc != 0) return rc;
    size_t ask = size != 0 ? size : 2 * info.me_mapsize;
    void *p = mmap(NULL, ask, PROT_NONE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) return MDB_MAP_FULL;
    munmap(p, ask);
    rc = mdb_env_set_mapsize(m->env, size);
    m->unmapped = rc != 0;
    return rc;
}

/* Another process made the map larger than ours: take its size over. */
static int adopt_map(struct lm *m) {
    bp_gate_shut(&m->gate);
    int rc = remap(m, 0);
    bp_gate_open(&m->gate);
    return rc;
}

static int read_begin(struct lm *m, struct lm_view *v) {
    for (;;) {
        bp_gate_enter(&m->gate);
        int rc = m->unmapped ? MDB_MAP_FULL
                 : v->txn != NULL
                     ? mdb_txn_renew(v->txn)
                     : mdb_txn_begin(m->env, NULL, MDB_RDONLY, &v->txn);
        if (rc == 0) return 0;
        bp_gate_leave(&m->gate);
        if (rc == MDB_MAP_RESIZED) rc = adopt_map(m);
        if (rc != 0) return code_of(rc);
    }
}

static int write_begin(struct lm *m, struct lm_view *v) {
    if (m->unmapped) return BP_ERR_STORE_MAP;
    int rc = mdb_txn_begin(m->env, NULL, 0, &v->txn);
    return rc == 0 ? 0 : code_of(rc);
}

static void lm_end(struct bp_store_view *base) {
    struct lm *m = lm_of(base);
    struct lm_view *v = (struct lm_view *)base;
    bp_ranges_free(&base->state.checks, m->base.alloc);
    if (base->write) {
        view_free(m, v);
        return;
    }
    mdb_txn_reset(v->txn);
    bp_gate_leave(&m->gate);
    view_give(m, v);
}

static int lm_begin(struct bp_store_view **out, struct bp_store *s,
                    bool write) {
    struct lm *m = (struct lm *)s;
    struct lm_view *v = write ? bp_zalloc(s->alloc, sizeof *v) : view_take(m);
    if (v == NULL) return BP_ERR_NOMEM;
    v->base.store = s;
    v->base.write = write;
    int err = write ? write_begin(m, v) : read_begin(m, v);
    if (err != 0) {
        if (write || v->txn == NULL)
            view_free(m, v);
        else
            view_give(m, v);
        return err;
    }
    if ((err = state_load(v)) != 0) {
        lm_end(&v->base);
        return err == BP_ERR_NOT_STORED ? BP_ERR_STORE_CORRUPT : err;
    }
    *out = &v->base;
    return 0;
}

/* LMDB says EIO of a write that was cut short, which is how a disk becomes
   full. One more page behind the end tells: behind the last page in use,
   bytes mean nothing. */
static int commit_code(struct lm *m, int rc) {
    static const uint8_t page[4096];
    struct stat st;
    int fd;
    if (rc != EIO || mdb_env_get_fd(m->env, &fd) != 0 || fstat(fd, &st) != 0)
        return code_of(rc);
    ssize_t n = pwrite(fd, page, sizeof page, st.st_size);
    if (n == (ssize_t)sizeof page) return code_of(rc);
    return n < 0 ? bp_errno_code(errno) : BP_ERR_DISK_FULL;
}

static int lm_commit(struct bp_store_view *base) {
    struct lm *m = lm_of(base);
    struct lm_view *v = (struct lm_view *)base;
    BP_TRY(state_save(base));
    MDB_txn *txn = v->txn;
    v->txn = NULL; /* a failed commit ends it as well */
    int rc = mdb_txn_commit(txn);
    if (rc != 0) return commit_code(m, rc);
    if (++m->n_commits % READER_CHECK_EVERY == 0)
        (void)mdb_reader_check(m->env, NULL); /* failing does no harm */
    return 0;
}

static int lm_sync(struct bp_store *s) {
    int rc = mdb_env_sync(((struct lm *)s)->env, 1);
    return rc == 0 ? 0 : code_of(rc);
}

/* Doubles the map, when no view looks into it. */
static int lm_grow(struct bp_store *s) {
    struct lm *m = (struct lm *)s;
    MDB_envinfo info;
    bp_gate_shut(&m->gate);
    int rc = mdb_env_info(m->env, &info);
    if (rc == 0) rc = remap(m, 2 * info.me_mapsize);
    bp_gate_open(&m->gate);
    return rc == 0 ? 0 : code_of(rc);
}

/* ---- reading --------------------------------------------------------- */

static int lm_get_id(struct bp_store_view *v, uint64_t *id,
                     const bp_hash *hash) {
    return get_number(v, T_HASHES, id, hash->b, sizeof hash->b);
}

static int lm_get_canon(struct bp_store_view *v, uint64_t *id,
                        uint64_t number) {
    return get_number(v, T_CANON, id, &number, sizeof number);
}

static int lm_get_row(struct bp_store_view *v, struct bp_store_entry *out,
                      uint64_t id) {
    MDB_val row;
    BP_TRY(get(v, T_BLOCKS, &row, &id, sizeof id));
    return row_decode(out, id, row);
}

static int lm_get_part(struct bp_store_view *v, bp_span *out,
                       const struct bp_store_entry *e,
                       enum bp_store_part part) {
    MDB_val value;
    struct bp_store_entry again = *e;
    if (part == BP_PART_HEADER) {
        if (e->raw.p == NULL) BP_TRY(lm_get_row(v, &again, e->id));
        *out = again.raw;
        return 0;
    }
    int table = part == BP_PART_BODY ? T_BODIES : T_RECEIPTS;
    BP_TRY(get(v, table, &value, &e->id, sizeof e->id));
    *out = (bp_span){ value.mv_data, value.mv_size };
    return 0;
}

/* ---- writing --------------------------------------------------------- */

static int lm_add_hash(struct bp_store_view *v, const bp_hash *hash,
                       uint64_t *id) {
    uint8_t bytes[8];
    put_u64(bytes, *id);
    MDB_val key = { 32, (void *)hash->b }, value = { 8, bytes };
    int rc = mdb_put(txn_of(v), lm_of(v)->dbi[T_HASHES], &key, &value,
                     MDB_NOOVERWRITE);
    if (rc != MDB_KEYEXIST) return rc == 0 ? 0 : code_of(rc);
    if (value.mv_size != 8) return BP_ERR_STORE_CORRUPT;
    *id = get_u64(value.mv_data);
    return 0;
}

static int lm_add_row(struct bp_store_view *v, const struct bp_store_entry *e,
                      bp_span header) {
    MDB_val key = { sizeof e->id, (void *)&e->id };
    MDB_val value = { ROW_FIXED + header.n, NULL };
    int rc = mdb_put(txn_of(v), lm_of(v)->dbi[T_BLOCKS], &key, &value,
                     MDB_APPEND | MDB_RESERVE);
    if (rc != 0) return code_of(rc);
    row_encode(value.mv_data, e, header);
    return 0;
}

static int lm_add_part(struct bp_store_view *v, uint64_t id,
                       enum bp_store_part part, bp_span bytes) {
    int table = part == BP_PART_BODY ? T_BODIES : T_RECEIPTS;
    /* The newest block's is the last of its table; an older one is filled
       in later. */
    bool newest = id == v->state.n_blocks;
    return put(v, table, &id, sizeof id, bytes, newest ? MDB_APPEND : 0);
}

static int lm_put_canon(struct bp_store_view *v, uint64_t number, uint64_t id) {
    uint8_t bytes[8];
    put_u64(bytes, id);
    return put(v, T_CANON, &number, sizeof number,
               (bp_span){ bytes, sizeof bytes }, MDB_APPEND);
}

static int lm_pop_canon(struct bp_store_view *v, uint64_t number) {
    MDB_val key = { sizeof number, &number };
    int rc = mdb_del(txn_of(v), lm_of(v)->dbi[T_CANON], &key, NULL);
    if (rc == MDB_NOTFOUND) return BP_ERR_STORE_CORRUPT;
    return rc == 0 ? 0 : code_of(rc);
}

/* ---- closing --------------------------------------------------------- */

/* Directories open in this process: LMDB's locks do not survive a second
   environment on the same files. */
#define OPEN_MAX 64
static struct {
    pthread_mutex_t lock;
    struct {
        dev_t dev;
        ino_t ino;
    } dir[OPEN_MAX];
    size_t n;
} opened = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool dir_claim(const struct stat *st) {
    pthread_mutex_lock(&opened.lock);
    bool ok = opened.n < OPEN_MAX;
    for (size_t i = 0; i < opened.n; i++)
        if (opened.dir[i].dev == st->st_dev && opened.dir[i].ino == st->st_ino)
            ok = false;
    if (ok) {
        opened.dir[opened.n].dev = st->st_dev;
        opened.dir[opened.n++].ino = st->st_ino;
    }
    pthread_mutex_unlock(&opened.lock);
    return ok;
}

static void dir_release(const struct stat *st) {
    pthread_mutex_lock(&opened.lock);
    for (size_t i = 0; i < opened.n; i++)
        if (opened.dir[i].dev == st->st_dev &&
            opened.dir[i].ino == st->st_ino) {
            opened.dir[i] = opened.dir[--opened.n];
            break;
        }
    pthread_mutex_unlock(&opened.lock);
}

/* From whatever point opening has reached. */
static void lm_close(struct bp_store *s) {
    struct lm *m = (struct lm *)s;
    while (m->spare != NULL) {
        struct lm_view *v = m->spare;
        m->spare = v->next;
        view_free(m, v);
    }
    if (m->env != NULL) {
        if (m->lock_fd >= 0 && m->n_commits > 0) mdb_env_sync(m->env, 1);
        mdb_env_close(m->env);
    }
    if (m->fresh && m->lock_fd >= 0) {
        char data[4096];
        snprintf(data, sizeof data, "%s/data.mdb", m->path);
        unlink(data);
    }
    bp_lock_drop(m->lock_fd);
    if (m->dir.st_ino != 0) dir_release(&m->dir);
    pthread_mutex_destroy(&m->spare_lock);
    bp_gate_free(&m->gate);
    bp_free(s->alloc, m, sizeof *m + strlen(m->path) + 1);
}

static const struct bp_store_ops lmdb_ops = {
    .kind = "lmdb",
    .close = lm_close,
    .sync = lm_sync,
    .begin = lm_begin,
    .commit = lm_commit,
    .end = lm_end,
    .grow = lm_grow,
    .get_id = lm_get_id,
    .get_canon = lm_get_canon,
    .get_row = lm_get_row,
    .get_part = lm_get_part,
    .add_hash = lm_add_hash,
    .add_row = lm_add_row,
    .add_part = lm_add_part,
    .put_canon = lm_put_canon,
    .pop_canon = lm_pop_canon,
};

/* ---- opening --------------------------------------------------------- */

static int lm_new(struct lm **out, const char *path, const struct bp_alloc *a,
                  bool read_only) {
    size_t n = strlen(path);
    struct lm *m = bp_zalloc(a, sizeof *m + n + 1);
    if (m == NULL) return BP_ERR_NOMEM;
    memcpy(m->path, path, n);
    m->base = (struct bp_store){
        .ops = &lmdb_ops, .alloc = a, .read_only = read_only, .path = m->path
    };
    m->lock_fd = -1;
    if (bp_gate_init(&m->gate) != 0) goto fail_self;
    if (pthread_mutex_init(&m->spare_lock, NULL) != 0) goto fail_gate;
    *out = m;
    return 0;
fail_gate:
    bp_gate_free(&m->gate);
fail_self:
    bp_free(a, m, sizeof *m + n + 1);
    return BP_ERR_NOMEM;
}

/* Makes every directory of path that is missing. */
static int make_dirs(const char *path, struct bp_store_error *why) {
    char part[4096];
    size_t n = strlen(path);
    if (n >= sizeof part)
        return bp_why(why, BP_ERR_STORE_IO, "%.400s: path is too long", path);
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != 0) continue;
        memcpy(part, path, i);
        part[i] = 0;
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return bp_why_errno(why, part, "cannot make the directory");
    }
    return 0;
}

/* Is there a store to open, and is the directory ours alone? */
static int claim(struct lm *m, const struct bp_store_config *cfg,
                 struct bp_store_error *why) {
    char data[4096];
    struct stat st;
    if (cfg->mode == BP_STORE_CREATE) BP_TRY(make_dirs(m->path, why));
    snprintf(data, sizeof data, "%s/data.mdb", m->path);
    int rc = stat(data, &st);
    if (rc != 0 && errno != ENOENT && errno != ENOTDIR)
        return bp_why_errno(why, data, "cannot look");
    m->fresh = rc != 0 || st.st_size == 0;
    if (cfg->mode != BP_STORE_CREATE && m->fresh)
        return bp_why(why, BP_ERR_NO_STORE, "%s: there is no store here",
                      m->path);
    if (stat(m->path, &st) != 0)
        return bp_why_errno(why, m->path, "cannot look");
    if (cfg->mode != BP_STORE_READ)
        BP_TRY(bp_lock_take(&m->lock_fd, m->path, why));
    if (!dir_claim(&st))
        return bp_why(why, BP_ERR_STORE_LOCKED,
                      "%s: this process (%ld) has the store open already",
                      m->path, (long)getpid());
    m->dir = st;
    return 0;
}

/* Opens the environment with as much address space as the system gives. */
static int env_open(struct lm *m, uint64_t map_bytes, bool read_only) {
    unsigned flags = MDB_NOTLS | MDB_NORDAHEAD | MDB_NOMETASYNC;
    uint64_t size = map_bytes != 0 ? map_bytes : MAP_DEFAULT;
    if (read_only) flags |= MDB_RDONLY;
    for (;;) {
        int rc = mdb_env_create(&m->env);
        if (rc != 0) return rc;
        if ((rc = mdb_env_set_maxdbs(m->env, T_COUNT)) == 0 &&
            (rc = mdb_env_set_maxreaders(m->env, READERS_MAX)) == 0 &&
            (rc = mdb_env_set_mapsize(m->env, size)) == 0 &&
            (rc = mdb_env_open(m->env, m->path, flags, 0666)) == 0)
            return 0;
        mdb_env_close(m->env);
        m->env = NULL;
        if (rc != ENOMEM || size / 2 < MAP_LEAST) return rc;
        size /= 2;
    }
}

/* A file that was cut short would end the process at the first touch. */
static int check_length(struct lm *m, struct bp_store_error *why) {
    MDB_envinfo info;
    MDB_stat page;
    struct stat st;
    int fd, rc = mdb_env_info(m->env, &info);
    if (rc == 0) rc = mdb_env_stat(m->env, &page);
    if (rc == 0) rc = mdb_env_get_fd(m->env, &fd);
    if (rc != 0) return why_rc(why, m, rc);
    if (fstat(fd, &st) != 0) return bp_why_errno(why, m->path, "cannot look");
    uint64_t pages = (uint64_t)st.st_size / page.ms_psize;
    if (pages + TAIL_PAGES <= info.me_last_pgno)
        return bp_why(why, BP_ERR_STORE_CORRUPT,
                      "%s: data.mdb was cut short: %" PRIu64
                      " pages of at least %zu",
                      m->path, pages, info.me_last_pgno + 1 - TAIL_PAGES);
    return 0;
}

static int open_tables(struct lm *m, MDB_txn *txn, bool create) {
    for (int t = 0; t < T_COUNT; t++) {
        unsigned flags = tables[t].flags | (create ? MDB_CREATE : 0);
        int rc = mdb_dbi_open(txn, tables[t].name, flags, &m->dbi[t]);
        if (rc != 0) return rc == MDB_NOTFOUND ? BP_ERR_NO_STORE : code_of(rc);
    }
    return 0;
}

/* network id 8, genesis 32, name. */
#define CHAIN_FIXED 40

static int identity_save(struct bp_store_view *v) {
    const struct bp_store_identity *id = &v->store->identity;
    uint8_t schema[8], chain[CHAIN_FIXED + BP_STORE_NAME_MAX];
    size_t n = strlen(id->name);
    put_u64(schema, SCHEMA);
    put_u64(chain, id->network_id);
    memcpy(chain + 8, id->genesis.b, 32);
    memcpy(chain + CHAIN_FIXED, id->name, n);
    BP_TRY(put(v, T_META, key_schema, sizeof key_schema - 1,
               (bp_span){ schema, sizeof schema }, 0));
    return put(v, T_META, key_chain, sizeof key_chain - 1,
               (bp_span){ chain, CHAIN_FIXED + n }, 0);
}

static int identity_load(struct bp_store_view *v, struct bp_store_error *why) {
    struct bp_store_identity *id = &v->store->identity;
    uint64_t schema;
    MDB_val value;
    BP_TRY(get_number(v, T_META, &schema, key_schema, sizeof key_schema - 1));
    if (schema != SCHEMA)
        return bp_why(why, BP_ERR_STORE_SCHEMA,
                      "%s: the store has schema %" PRIu64
                      ", this program reads %d",
                      v->store->path, schema, SCHEMA);
    BP_TRY(get(v, T_META, &value, key_chain, sizeof key_chain - 1));
    if (value.mv_size < CHAIN_FIXED ||
        value.mv_size > CHAIN_FIXED + BP_STORE_NAME_MAX)
        return BP_ERR_STORE_CORRUPT;
    const uint8_t *p = value.mv_data;
    *id = (struct bp_store_identity){ .schema = SCHEMA };
    id->network_id = get_u64(p);
    memcpy(id->genesis.b, p + 8, 32);
    memcpy(id->name, p + CHAIN_FIXED, value.mv_size - CHAIN_FIXED);
    return 0;
}

/* Is the store's chain the one that the caller means? */
static int identity_match(const struct lm *m, const struct bp_store_chain *want,
                          struct bp_store_error *why) {
    const struct bp_store_identity *id = &m->base.identity;
    char ours[BP_HASH_SHORT], theirs[BP_HASH_SHORT];
    if (want == NULL || (strcmp(id->name, want->name) == 0 &&
                         id->network_id == want->network_id &&
                         bp_hash_eq(&id->genesis, &want->genesis.hash)))
        return 0;
    return bp_why(why, BP_ERR_STORE_CHAIN,
                  "%s: the store is of chain %s (network %" PRIu64
                  ", genesis %s), not of %s (network %" PRIu64 ", genesis %s)",
                  m->path, id->name, id->network_id,
                  bp_hash_short(theirs, &id->genesis), want->name,
                  want->network_id, bp_hash_short(ours, &want->genesis.hash));
}

/* In the writer v: everything a new store has. */
static int create(struct lm_view *v, const struct bp_store_chain *chain) {
    struct bp_store *s = v->base.store;
    BP_TRY(bp_store_identify(&s->identity, chain));
    s->identity.schema = SCHEMA;
    BP_TRY(identity_save(&v->base));
    BP_TRY(bp_store_put_genesis(&v->base, chain));
    return lm_commit(&v->base);
}

/* Opens the tables, in a transaction that is kept only when it made them. */
static int load(struct lm *m, const struct bp_store_config *cfg,
                const struct bp_store_chain *chain,
                struct bp_store_error *why) {
    bool may_create = cfg->mode == BP_STORE_CREATE;
    struct lm_view v = { .base = { .store = &m->base, .write = may_create } };
    int rc = mdb_txn_begin(m->env, NULL, may_create ? 0 : MDB_RDONLY, &v.txn);
    if (rc != 0) return why_rc(why, m, rc);
    int err = open_tables(m, v.txn, may_create);
    if (err == 0) err = identity_load(&v.base, why);
    if (err == BP_ERR_NOT_STORED)
        err = may_create ? create(&v, chain) : BP_ERR_NO_STORE;
    if (err == 0) err = identity_match(m, chain, why);
    if (v.txn != NULL && err == 0) {
        rc = mdb_txn_commit(v.txn); /* keeps the tables open */
        if (rc != 0) err = why_rc(why, m, rc);
    } else if (v.txn != NULL) {
        mdb_txn_abort(v.txn);
    }
    bp_ranges_free(&v.base.state.checks, m->base.alloc);
    return err;
}

int bp_store_open(struct bp_store **out, const char *path,
                  const struct bp_store_config *cfg,
                  const struct bp_store_chain *chain,
                  struct bp_store_error *why) {
    struct lm *m;
    int rc, err = 0;
    bool read_only = cfg->mode == BP_STORE_READ;
    assert(chain != NULL || cfg->mode != BP_STORE_CREATE);
    *out = NULL;
    if (why != NULL) why->code = 0;
    if ((err = lm_new(&m, path, cfg->alloc, read_only)) != 0)
        return bp_why_code(why, err, path);
    if ((err = claim(m, cfg, why)) != 0) goto fail;
    if ((rc = env_open(m, cfg->map_bytes, read_only)) != 0) {
        err = why_rc(why, m, rc);
        goto fail;
    }
    if (!read_only) mdb_reader_check(m->env, NULL);
    if ((err = check_length(m, why)) != 0) goto fail;
    do err = load(m, cfg, chain, why);
    while (err == BP_ERR_STORE_MAP && lm_grow(&m->base) == 0);
    if (err != 0) goto fail;
    m->fresh = false;
    *out = &m->base;
    return 0;
fail:
    if (why != NULL && why->code != err) bp_why_code(why, err, path);
    lm_close(&m->base);
    return err;
}
