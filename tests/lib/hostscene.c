/* hostscene: the chain, the peers' read loops, what is waited for. */
#include "lib/hostscene.h"

#include <time.h>

#define LIMIT_MS 20000

struct data {
    uint32_t id;
};

/* ---- small things -------------------------------------------------------- */

bp_hash hs_hash(uint32_t id) {
    bp_hash h;
    memset(&h, 0x5a, sizeof h);
    for (int i = 0; i < 4; i++) h.b[i] = (uint8_t)(id >> (24 - 8 * i));
    return h;
}

static uint32_t id_of(const bp_hash *h) {
    uint32_t id = 0;
    for (int i = 0; i < 4; i++) id = id << 8 | h->b[i];
    return id;
}

void hs_pause(uint32_t ms) {
    struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };
    nanosleep(&t, NULL);
}

static void lock(struct hs *s) {
    pthread_mutex_lock(&s->lock);
}

static void unlock(struct hs *s) {
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static void fault(struct hs *s, const char *what) {
    lock(s);
    if (s->fault == NULL) s->fault = what;
    unlock(s);
}

/* A stopped host gives a block straight back, on the thread that sent it. */
static _Thread_local bool sending;

static void entered(struct hs *s, const char *where, struct hs_peer *p) {
    lock(s);
    s->callbacks++;
    if (s->stopped && !sending && s->fault == NULL) s->fault = where;
    void (*hook)(struct hs *, const char *, struct hs_peer *) = s->hook;
    unlock(s);
    if (hook != NULL) hook(s, where, p);
}

/* ---- the chain --------------------------------------------------------- */

void hs_block(struct hs *s, uint32_t id, uint32_t parent, uint64_t difficulty) {
    struct hs_block *b = &s->block[id];
    *b = (struct hs_block){ .parent = parent, .difficulty = difficulty };
    b->exists = true;
    b->td = difficulty;
    if (id == 0) return;
    b->number = s->block[parent].number + 1;
    b->td += s->block[parent].td;
}

static bool has_block(void *user, const bp_hash *hash, struct bp_held *held) {
    struct hs *s = user;
    entered(s, "has_block", NULL);
    uint32_t id = id_of(hash);
    lock(s);
    bool has = id < HS_BLOCKS && s->block[id].in_chain;
    if (has) {
        held->number = s->block[id].number;
        held->td = bp_u256_from_u64(s->block[id].td);
    }
    unlock(s);
    return has;
}

static void head(void *user, struct bp_chain_head *out) {
    struct hs *s = user;
    entered(s, "head", NULL);
    lock(s);
    out->hash = hs_hash(s->head);
    out->number = s->block[s->head].number;
    out->td = bp_u256_from_u64(s->block[s->head].td);
    unlock(s);
}

static bool insert_one(struct hs *s, uint32_t id) {
    struct hs_block *b = &s->block[id];
    b->offered++;
    if (b->in_chain) return true;
    if (b->bad) return false;
    if (!s->block[b->parent].in_chain && s->fault == NULL)
        s->fault = "a block was inserted before its parent";
    b->in_chain = true;
    if (b->td > s->block[s->head].td) s->head = id;
    return true;
}

static struct bp_host_inserted insert_chain(void *user,
                                            const struct bp_host_block *blocks,
                                            size_t n) {
    struct hs *s = user;
    struct bp_host_inserted r = { .failed = BP_VERDICT_INVALID, .code = 17 };
    entered(s, "insert_chain", NULL);
    lock(s);
    s->at_gate++;
    pthread_cond_broadcast(&s->changed);
    while (s->gate) pthread_cond_wait(&s->changed, &s->lock);
    s->at_gate--;
    if (s->fail_inserts) {
        r.failed = BP_VERDICT_FAILED;
    } else {
        for (size_t i = 0; i < n; i++) {
            const struct data *d = blocks[i].data;
            if (d->id != id_of(&blocks[i].hash) && s->fault == NULL)
                s->fault = "a block was offered with another's data";
            if (!insert_one(s, id_of(&blocks[i].hash))) break;
            r.inserted++;
        }
    }
    unlock(s);
    return r;
}

static bool verify_pow(void *user, const struct bp_host_block *block) {
    struct hs *s = user;
    entered(s, "verify_pow", NULL);
    const struct data *d = block->data;
    lock(s);
    bool good = !s->block[d->id].bad_pow;
    unlock(s);
    return good;
}

static void release_block(void *user, void *data) {
    struct hs *s = user;
    entered(s, "release_block", NULL);
    lock(s);
    if (s->live_data-- == 0 && s->fault == NULL)
        s->fault = "more blocks were given back than sent";
    unlock(s);
    free(data);
}

/* ---- life -------------------------------------------------------------- */

static void say(void *user, const char *line) {
    (void)user;
    fprintf(stderr, "# %s\n", line);
}

void hs_open(struct hs *s, uint32_t last) {
    memset(s, 0, sizeof *s);
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->changed, &attr);
    pthread_condattr_destroy(&attr);
    test_alloc_init(&s->alloc);
    for (uint32_t id = 0; id <= last; id++)
        hs_block(s, id, id == 0 ? 0 : id - 1, 1);
    s->block[0].in_chain = true;
    s->cfg = (struct bp_pool_config){
        .seed = 7,
        .alloc = &s->alloc.iface,
        .genesis = hs_hash(0),
        .links_max = 4096,
        .window_bytes = 1 << 20,
        .suspended_max = 64,
        .bad_hashes_max = 64,
        .request_first_ms = 1000,
        .request_min_ms = 400,
        .request_max_ms = 4000,
        .trace = getenv("TRACE") != NULL ? say : NULL,
    };
}

bool hs_try_start(struct hs *s) {
    struct bp_host_chain chain = { .has_block = has_block,
                                   .head = head,
                                   .insert_chain = insert_chain,
                                   .verify_pow = verify_pow,
                                   .release_block = release_block,
                                   .user = s };
    if (s->host == NULL)
        assert_int_equal(bp_host_new(&s->host, &chain, &s->cfg), 0);
    lock(s);
    s->stopped = false;
    unlock(s);
    int err = bp_host_start(s->host);
    assert_true(err == 0 || err == BP_ERR_NOMEM);
    return err == 0;
}

void hs_start(struct hs *s) {
    assert_true(hs_try_start(s));
}

void hs_close(struct hs *s) {
    if (s->host != NULL) bp_host_stop(s->host);
    for (size_t i = 0; i < s->n_peers; i++) {
        struct hs_peer *p = &s->peer[i];
        lock(s);
        p->leave = true;
        unlock(s);
        if (p->looping) pthread_join(p->loop, NULL);
    }
    bp_host_free(s->host);
    if (s->fault != NULL) fail_msg("%s", s->fault);
    assert_int_equal(s->live_data, 0);
    assert_int_equal(s->alloc.live_blocks, 0);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
}

/* ---- peers ------------------------------------------------------------- */

struct list {
    struct hs *s;
    uint32_t at;
    size_t left;
    const uint32_t *ids;
};

static bool next_down(void *user, bp_hash *out) {
    struct list *l = user;
    if (l->left == 0 || l->at == 0) return false;
    l->left--;
    lock(l->s);
    l->at = l->s->block[l->at].parent;
    unlock(l->s);
    *out = hs_hash(l->at);
    return true;
}

static bool next_given(void *user, bp_hash *out) {
    struct list *l = user;
    if (l->left == 0) return false;
    l->left--;
    *out = hs_hash(*l->ids++);
    return true;
}

static void answer_hashes(struct hs_peer *p, uint32_t from) {
    struct list l = { p->s, from, p->hash_cap != 0 ? p->hash_cap : 256, NULL };
    bp_host_add_hashes(p->s->host, next_down, &l, &p->id);
}

void hs_send_hashes(struct hs_peer *p, const uint32_t *ids, size_t n) {
    struct list l = { p->s, 0, n, ids };
    bp_host_add_hashes(p->s->host, next_given, &l, &p->id);
}

void hs_send(struct hs_peer *p, uint32_t id) {
    struct hs *s = p->s;
    struct data *d = malloc(sizeof *d);
    d->id = id;
    lock(s);
    s->live_data++;
    const struct hs_block *b = &s->block[id];
    struct bp_host_block block = {
        .hash = hs_hash(id),
        .parent = hs_hash(b->parent),
        .number = b->number,
        .difficulty = bp_u256_from_u64(b->difficulty),
        .size = 500,
        .data = d,
    };
    unlock(s);
    sending = true;
    bp_host_add_block(s->host, &block, &p->id);
    sending = false;
}

static bool may_answer(const struct hs_peer *p, const struct hs_ask *a) {
    if (!a->hashes) return !p->no_block[a->id];
    return !p->no_hashes && (a->id == 0 || a->id != p->no_hashes_from);
}

static void answer(struct hs_peer *p, struct hs_ask a) {
    if (a.hashes)
        answer_hashes(p, a.id);
    else
        hs_send(p, a.id);
}

/* The oldest that it may answer. */
static bool take(struct hs_peer *p, struct hs_ask *out) {
    for (size_t i = 0; i < p->n_asks; i++) {
        if (!may_answer(p, &p->ask[i])) continue;
        *out = p->ask[i];
        memmove(&p->ask[i], &p->ask[i + 1], (--p->n_asks - i) * sizeof *p->ask);
        return true;
    }
    return false;
}

static void *read_loop(void *user) {
    struct hs_peer *p = user;
    struct hs *s = p->s;
    struct hs_ask a;
    lock(s);
    while (!p->leave) {
        if (take(p, &a)) {
            unlock(s);
            answer(p, a);
            lock(s);
        } else {
            pthread_cond_wait(&s->changed, &s->lock);
        }
    }
    unlock(s);
    return NULL;
}

static void note(struct hs_peer *p, bool hashes, uint32_t id) {
    struct hs *s = p->s;
    lock(s);
    if (hashes) {
        p->hash_requests++;
        p->asked_from[id] = true;
    } else {
        if (p->block_requests++ == 0) p->first_block = id;
        p->asked[id] = true;
    }
    bool now = p->inline_answers;
    if (!now && p->n_asks < HS_ASKS)
        p->ask[p->n_asks++] = (struct hs_ask){ hashes, id };
    unlock(s);
    if (now) answer(p, (struct hs_ask){ hashes, id });
}

static void request_hashes(void *user, const bp_hash *from) {
    struct hs_peer *p = user;
    entered(p->s, "request_hashes", p);
    uint32_t id = id_of(from);
    if (id < HS_BLOCKS)
        note(p, true, id);
    else
        fault(p->s, "hashes were asked from an unknown block");
}

static void request_blocks(void *user, const bp_hash *hashes, size_t n) {
    struct hs_peer *p = user;
    entered(p->s, "request_blocks", p);
    for (size_t i = 0; i < n; i++) {
        uint32_t id = id_of(&hashes[i]);
        if (id < HS_BLOCKS && p->s->block[id].exists) note(p, false, id);
    }
}

static void peer_error(void *user, int code, const char *text, bool fatal) {
    struct hs_peer *p = user;
    struct hs *s = p->s;
    entered(s, "peer_error", p);
    lock(s);
    if (s->n_errors < HS_ERRORS)
        s->error[s->n_errors++] = (struct hs_error){ p->name, code, fatal };
    if (strlen(text) < 8 && s->fault == NULL)
        s->fault = "an error without text";
    unlock(s);
}

struct hs_peer *hs_peer(struct hs *s, char name) {
    assert_true(s->n_peers < HS_PEERS);
    struct hs_peer *p = &s->peer[s->n_peers++];
    p->s = s;
    p->name = name;
    memset(p->id.b, name, sizeof p->id.b);
    return p;
}

bool hs_join_td(struct hs_peer *p, uint32_t head_id, uint64_t td) {
    struct bp_host_peer fn = { request_hashes, request_blocks, peer_error, p };
    bp_hash h = hs_hash(head_id);
    bp_u256 total = bp_u256_from_u64(td);
    p->head = head_id;
    if (!p->looping && !p->inline_answers) {
        p->looping = true;
        assert_int_equal(pthread_create(&p->loop, NULL, read_loop, p), 0);
    }
    return bp_host_add_peer(p->s->host, &total, &h, &p->id, &fn);
}

bool hs_join(struct hs_peer *p, uint32_t head_id) {
    return hs_join_td(p, head_id, p->s->block[head_id].td);
}

void hs_leave(struct hs_peer *p) {
    bp_host_remove_peer(p->s->host, &p->id);
    lock(p->s);
    p->n_asks = 0;
    unlock(p->s);
}

void hs_may_hashes(struct hs_peer *p, bool may) {
    lock(p->s);
    p->no_hashes = !may;
    if (may) p->no_hashes_from = 0;
    unlock(p->s);
}

void hs_may_blocks(struct hs_peer *p, uint32_t first, uint32_t last, bool may) {
    lock(p->s);
    for (uint32_t id = first; id <= last; id++) p->no_block[id] = !may;
    unlock(p->s);
}

/* ---- waiting ----------------------------------------------------------- */

#define UNTIL(s, cond, ...)                                                    \
    do {                                                                       \
        struct timespec end;                                                   \
        clock_gettime(CLOCK_MONOTONIC, &end);                                  \
        end.tv_sec += LIMIT_MS / 1000;                                         \
        int late = 0;                                                          \
        lock(s);                                                               \
        while (!(cond) && late == 0)                                           \
            late = pthread_cond_timedwait(&(s)->changed, &(s)->lock, &end);    \
        bool holds = (cond);                                                   \
        unlock(s);                                                             \
        if (!holds) fail_msg(__VA_ARGS__);                                     \
    } while (0)

void hs_until_head(struct hs *s, uint32_t id) {
    UNTIL(s, s->head == id, "the head is %u, not %u", s->head, id);
}

void hs_until_in_chain(struct hs *s, uint32_t id) {
    UNTIL(s, s->block[id].in_chain, "block %u was not inserted", id);
}

void hs_until_asked(struct hs_peer *p, uint32_t block) {
    UNTIL(p->s, p->asked[block], "%c was not asked for block %u", p->name,
          block);
}

void hs_until_asked_from(struct hs_peer *p, uint32_t block) {
    UNTIL(p->s, p->asked_from[block], "%c was not asked for hashes from %u",
          p->name, block);
}

void hs_until_errors(struct hs *s, size_t n) {
    UNTIL(s, s->n_errors >= n, "%zu errors, not %zu", s->n_errors, n);
}

size_t hs_errors(struct hs *s, char peer, int code) {
    size_t n = 0;
    lock(s);
    for (size_t i = 0; i < s->n_errors; i++)
        if (s->error[i].peer == peer && (code == 0 || s->error[i].code == code))
            n++;
    unlock(s);
    return n;
}

bool hs_in_chain(struct hs *s, uint32_t id) {
    lock(s);
    bool in = s->block[id].in_chain;
    unlock(s);
    return in;
}

uint32_t hs_hash_requests(struct hs_peer *p) {
    lock(p->s);
    uint32_t n = p->hash_requests;
    unlock(p->s);
    return n;
}

uint32_t hs_block_requests(struct hs_peer *p) {
    lock(p->s);
    uint32_t n = p->block_requests;
    unlock(p->s);
    return n;
}
