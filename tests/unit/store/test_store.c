/* The contract of store.h, kept by every implementation: each test runs on
   the memory store and on LMDB in a directory of its own. */
#include "lib/test.h"

#include <pthread.h>

#include "blockpool/store.h"
#include "fake.h"

struct world {
    const char *kind;
    struct bp_store *s;
    struct fake genesis;
    struct bp_store_chain chain;
    char dir[256];
};

static struct bp_store *open_lmdb(struct world *w) {
    struct bp_store_config cfg = { .mode = BP_STORE_CREATE };
    struct bp_store_error why;
    struct bp_store *s;
    if (bp_store_open(&s, w->dir, &cfg, &w->chain, &why) != 0)
        fail_msg("%s", why.text);
    return s;
}

static int setup(void **state) {
    struct world *w = calloc(1, sizeof *w);
    w->kind = *state;
    w->chain = fake_chain(&w->genesis);
    if (strcmp(w->kind, "lmdb") == 0) {
        test_mkdir(w->dir);
        w->s = open_lmdb(w);
    } else {
        assert_int_equal(bp_store_mem_new(&w->s, NULL, &w->chain), 0);
    }
    *state = w;
    return 0;
}

static int teardown(void **state) {
    struct world *w = *state;
    struct bp_store_error why = { 0 };
    if (bp_store_check(w->s, &why) != 0) fail_msg("%s", why.text);
    bp_store_close(w->s);
    if (w->dir[0] != 0) test_rmdir(w->dir);
    free(w);
    return 0;
}

static struct bp_store_view *view(struct world *w) {
    struct bp_store_view *v;
    assert_int_equal(bp_view_begin(&v, w->s), 0);
    return v;
}

static void expect_head(struct world *w, const struct fake *f) {
    struct bp_store_entry e;
    struct bp_store_view *v = view(w);
    assert_int_equal(bp_view_head(v, &e), 0);
    assert_int_equal(e.number, f->b.number);
    assert_memory_equal(&e.hash, &f->b.hash, 32);
    assert_int_equal(bp_view_at(v, &e, f->b.number + 1), BP_ERR_NOT_STORED);
    bp_view_end(v);
}

static void expect_held(struct world *w, const struct fake *f, bool canonical) {
    struct bp_store_entry e;
    bp_span bytes;
    struct bp_store_view *v = view(w);
    assert_int_equal(bp_view_find(v, &e, &f->b.hash), 0);
    assert_int_equal(e.number, f->b.number);
    assert_int_equal(e.checks, f->b.checks);
    assert_int_equal(bp_view_canonical(v, &e), canonical);
    assert_int_equal(bp_view_header(v, &bytes, &e), 0);
    assert_int_equal(bytes.n, f->b.header.n);
    assert_memory_equal(bytes.p, f->b.header.p, bytes.n);
    assert_int_equal(bp_view_body(v, &bytes, &e), 0);
    assert_int_equal(bytes.n, f->b.body.n);
    assert_memory_equal(bytes.p, f->b.body.p, bytes.n);
    bp_view_end(v);
}

/* ---- reading and writing --------------------------------------------- */

static void a_new_store_has_its_genesis(void **state) {
    struct world *w = *state;
    struct bp_store_identity id;
    bp_store_identity(w->s, &id);
    assert_string_equal(id.name, "fake");
    assert_int_equal(id.network_id, 7);
    assert_memory_equal(&id.genesis, &w->genesis.b.hash, 32);
    assert_string_equal(bp_store_kind(w->s), w->kind);
    assert_false(bp_store_read_only(w->s));
    expect_head(w, &w->genesis);
    expect_held(w, &w->genesis, true);
    struct bp_store_view *v = view(w);
    struct bp_store_entry e;
    bp_hash absent = fake_hash(9, 9);
    assert_int_equal(bp_view_count(v), 1);
    assert_int_equal(bp_view_find(v, &e, &absent), BP_ERR_NOT_STORED);
    assert_int_equal(bp_view_id(v, &e, 1), BP_ERR_NOT_STORED);
    assert_int_equal(bp_view_head(v, &e), 0);
    assert_int_equal(bp_view_parent(v, &e, &e), BP_ERR_NOT_STORED);
    bp_view_end(v);
}

static void blocks_are_found_by_hash_and_number(void **state) {
    struct world *w = *state;
    struct bp_store_moved moved;
    struct fake *run = fake_run(1, &w->genesis, 300);
    assert_int_equal(fake_write(w->s, run, 200, true, &moved), 0);
    assert_int_equal(moved.stored, 200);
    assert_int_equal(moved.ancestor, 0);
    assert_int_equal(moved.old_head.number, 0);
    assert_int_equal(moved.new_head.number, 200);
    assert_int_equal(fake_write(w->s, run + 200, 100, true, &moved), 0);
    assert_int_equal(moved.ancestor, 200);
    expect_head(w, &run[299]);
    struct bp_store_view *v = view(w);
    for (uint64_t n = 1; n <= 300; n++) {
        struct bp_store_entry e, p;
        bp_u256 td = bp_u256_from_u64(100 + 101 * n);
        assert_int_equal(bp_view_at(v, &e, n), 0);
        assert_memory_equal(&e.hash, &run[n - 1].b.hash, 32);
        assert_int_equal(bp_u256_cmp(&e.td, &td), 0);
        assert_int_equal(e.id, n);
        assert_int_equal(bp_view_parent(v, &p, &e), 0);
        assert_int_equal(p.number, n - 1);
    }
    bp_view_end(v);
    for (size_t i = 0; i < 300; i += 37) expect_held(w, &run[i], true);
    assert_int_equal(bp_store_sync(w->s), 0);
    free(run);
}

static void a_block_without_its_parent_is_refused_whole(void **state) {
    struct world *w = *state;
    struct fake *run = fake_run(1, &w->genesis, 4);
    struct bp_store_block two[2] = { run[0].b, run[2].b };
    struct bp_store_batch batch = { two, 2, NULL };
    struct bp_store_error why;
    assert_int_equal(bp_store_write(w->s, NULL, &batch, &why),
                     BP_ERR_NO_PARENT);
    assert_non_null(strstr(why.text, "block 3 (0x"));
    two[1] = run[1].b;
    two[1].number = 5;
    assert_int_equal(bp_store_write(w->s, NULL, &batch, &why),
                     BP_ERR_NO_PARENT);
    two[1].number = 0;
    assert_int_equal(bp_store_write(w->s, NULL, &batch, &why),
                     BP_ERR_NO_PARENT);
    batch = (struct bp_store_batch){ two, 1, &run[3].b.hash };
    assert_int_equal(bp_store_write(w->s, NULL, &batch, &why),
                     BP_ERR_NOT_STORED);
    struct bp_store_view *v = view(w);
    assert_int_equal(bp_view_count(v), 1);
    bp_view_end(v);
    expect_head(w, &w->genesis);
    free(run);
}

static void total_difficulty_does_not_overflow(void **state) {
    struct world *w = *state;
    struct fake *run = fake_run(1, &w->genesis, 2);
    for (int i = 0; i < 4; i++) run[0].b.difficulty.w[i] = UINT64_MAX;
    run[0].b.difficulty.w[0] -= 100; /* the genesis has 100 */
    run[1].b.difficulty = bp_u256_from_u64(1);
    assert_int_equal(fake_write(w->s, run, 2, true, NULL), BP_ERR_RANGE);
    run[1].b.difficulty = bp_u256_from_u64(0); /* legal after the merge */
    assert_int_equal(fake_write(w->s, run, 2, true, NULL), 0);
    expect_head(w, &run[1]);
    free(run);
}

static void a_body_may_come_later(void **state) {
    struct world *w = *state;
    struct bp_store_moved moved;
    struct fake *run = fake_run(1, &w->genesis, 3);
    bp_span body = run[0].b.body, bytes;
    struct bp_store_entry e;
    run[0].b.body = (bp_span){ NULL, 0 };
    run[2].b.body.n = 0; /* empty is not absent */
    assert_int_equal(fake_write(w->s, run, 3, true, NULL), 0);
    struct bp_store_view *v = view(w);
    assert_int_equal(bp_view_at(v, &e, 1), 0);
    assert_int_equal(bp_view_body(v, &bytes, &e), BP_ERR_NOT_STORED);
    assert_int_equal(bp_view_at(v, &e, 3), 0);
    assert_int_equal(bp_view_body(v, &bytes, &e), 0);
    assert_int_equal(bytes.n, 0);
    bp_view_end(v);
    run[0].b.body = body;
    run[0].b.receipts = (bp_span){ run[0].receipts, sizeof run[0].receipts };
    assert_int_equal(fake_write(w->s, run, 3, false, &moved), 0);
    assert_int_equal(moved.stored, 0);
    expect_held(w, &run[0], true);
    v = view(w);
    assert_int_equal(bp_view_at(v, &e, 1), 0);
    assert_int_equal(bp_view_receipts(v, &bytes, &e), 0);
    assert_int_equal(bytes.n, sizeof run[0].receipts);
    assert_memory_equal(bytes.p, run[0].receipts, bytes.n);
    assert_int_equal(bp_view_at(v, &e, 2), 0);
    assert_int_equal(bp_view_receipts(v, &bytes, &e), BP_ERR_NOT_STORED);
    bp_view_end(v);
    free(run);
}

/* ---- reorganisations --------------------------------------------------- */

static void a_reorganisation_rewrites_numbers_only(void **state) {
    struct world *w = *state;
    struct bp_store_moved moved;
    struct fake *main = fake_run(1, &w->genesis, 20);
    struct fake *side = fake_run(2, &main[9], 15); /* 11..25 on 10 */
    assert_int_equal(fake_write(w->s, main, 20, true, NULL), 0);
    assert_int_equal(fake_write(w->s, side, 15, false, &moved), 0);
    assert_int_equal(moved.stored, 15);
    assert_int_equal(moved.ancestor, 20);
    expect_head(w, &main[19]);
    expect_held(w, &side[14], false);

    struct bp_store_batch turn = { NULL, 0, &side[14].b.hash };
    assert_int_equal(bp_store_write(w->s, &moved, &turn, NULL), 0);
    assert_int_equal(moved.ancestor, 10);
    assert_int_equal(moved.old_head.number, 20);
    assert_int_equal(moved.new_head.number, 25);
    expect_head(w, &side[14]);
    for (int i = 0; i < 20; i++) expect_held(w, &main[i], i < 10);
    for (int i = 0; i < 15; i++) expect_held(w, &side[i], true);

    turn.head = &main[14].b.hash; /* back, and lower */
    assert_int_equal(bp_store_write(w->s, &moved, &turn, NULL), 0);
    assert_int_equal(moved.ancestor, 10);
    expect_head(w, &main[14]);
    expect_held(w, &main[14], true);
    expect_held(w, &main[15], false);
    turn.head = &w->genesis.b.hash; /* unwound altogether */
    assert_int_equal(bp_store_write(w->s, &moved, &turn, NULL), 0);
    assert_int_equal(moved.ancestor, 0);
    expect_head(w, &w->genesis);
    expect_held(w, &side[3], false);
    turn.head = &side[14].b.hash;
    assert_int_equal(bp_store_write(w->s, &moved, &turn, NULL), 0);
    expect_head(w, &side[14]);
    free(main);
    free(side);
}

static void expect_checks(struct world *w, const char *wanted) {
    char got[512] = "", names[BP_CHECK_NAMES_MAX];
    struct bp_store_view *v = view(w);
    uint32_t bits;
    uint64_t last;
    for (uint64_t n = 0; bp_view_checks(v, &bits, &last, n) == 0; n = last + 1)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%d-%d %s; ",
                 (int)n, (int)last, bp_check_names(names, bits));
    bp_view_end(v);
    assert_string_equal(got, wanted);
}

static void unverified_ranges_are_remembered(void **state) {
    struct world *w = *state;
    struct fake *run = fake_run(1, &w->genesis, 30);
    struct fake *side = fake_run(2, &run[24], 10); /* 26..35 */
    expect_checks(w, "0-0 seal,rules,roots; ");
    for (int i = 10; i < 20; i++) run[i].b.checks = 0;
    assert_int_equal(fake_write(w->s, run, 30, true, NULL), 0);
    expect_checks(w, "0-10 seal,rules,roots; 11-20 none; "
                     "21-30 seal,rules,roots; ");
    assert_int_equal(bp_store_mark(w->s, 13, 15, BP_CHECK_RULES, NULL), 0);
    expect_checks(w, "0-10 seal,rules,roots; 11-12 none; 13-15 rules; "
                     "16-20 none; 21-30 seal,rules,roots; ");
    assert_int_equal(bp_store_mark(w->s, 5, 30, BP_CHECK_RECEIPTS, NULL), 0);
    expect_checks(w, "0-4 seal,rules,roots; "
                     "5-10 seal,rules,roots,receipts; 11-12 receipts; "
                     "13-15 rules,receipts; 16-20 receipts; "
                     "21-30 seal,rules,roots,receipts; ");
    for (int i = 0; i < 10; i++) side[i].b.checks = BP_CHECK_SEAL_SAMPLE;
    assert_int_equal(fake_write(w->s, side, 10, true, NULL), 0);
    assert_int_equal(bp_store_mark(w->s, 0, 25, 31, NULL), 0);
    expect_checks(w, "0-25 seal,sample,rules,roots,receipts; 26-35 sample; ");
    /* What was marked is forgotten off the chain; what was stored is not. */
    struct bp_store_batch turn = { NULL, 0, &run[29].b.hash };
    assert_int_equal(bp_store_write(w->s, NULL, &turn, NULL), 0);
    expect_checks(w, "0-25 seal,sample,rules,roots,receipts; "
                     "26-30 seal,rules,roots; ");
    assert_int_equal(bp_store_mark(w->s, 5, 31, 1, NULL), BP_ERR_RANGE);
    assert_int_equal(bp_store_mark(w->s, 6, 5, 1, NULL), BP_ERR_RANGE);
    free(run);
    free(side);
}

/* ---- walking ----------------------------------------------------------- */

static void expect_walk(struct bp_walk *w, const char *wanted) {
    char got[256] = "";
    struct bp_store_entry e;
    int err;
    for (int i = 0; i < 8 && (err = bp_walk_next(w, &e)) == 0; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%d ",
                 (int)e.number);
    assert_string_equal(got, wanted);
}

static void walks_answer_get_block_headers(void **state) {
    struct world *w = *state;
    struct fake *main = fake_run(1, &w->genesis, 20);
    struct fake *side = fake_run(2, &main[9], 5); /* 11..15 on 10 */
    assert_int_equal(fake_write(w->s, NULL, 0, false, NULL), 0);
    assert_int_equal(fake_write(w->s, main, 20, true, NULL), 0);
    assert_int_equal(fake_write(w->s, side, 5, false, NULL), 0);
    struct bp_store_view *v = view(w);
    struct bp_walk k;
    const struct {
        uint64_t from, skip;
        bool reverse;
        const char *wanted;
    } by_number[] = {
        { 15, 0, false, "15 16 17 18 19 20 " },
        { 0, 5, false, "0 6 12 18 " },
        { 20, 0, false, "20 " },
        { 21, 0, false, "" },
        { 4, 0, true, "4 3 2 1 0 " },
        { 20, 6, true, "20 13 6 " },
        { 5, UINT64_MAX, false, "5 " },
        { 5, UINT64_MAX, true, "5 " },
        { 5, UINT64_MAX - 1, false, "5 " },
        { 5, UINT64_MAX - 4, false, "5 " },
        { UINT64_MAX, 1, true, "" },
    };
    for (size_t i = 0; i < sizeof by_number / sizeof by_number[0]; i++) {
        assert_int_equal(bp_walk_from_number(&k, v, by_number[i].from,
                                             by_number[i].skip,
                                             by_number[i].reverse),
                         0);
        expect_walk(&k, by_number[i].wanted);
    }
    const struct {
        const struct fake *from;
        uint64_t skip;
        bool reverse;
        const char *wanted;
    } by_hash[] = {
        { &main[11], 2, false, "12 15 18 " },
        { &main[11], 2, true, "12 9 6 3 0 " },
        { &side[4], 0, false, "15 " },
        { &side[4], 0, true, "15 14 13 12 11 10 9 8 " },
        { &side[4], 2, true, "15 12 9 6 3 0 " },
        { &side[0], 20, true, "11 " },
    };
    for (size_t i = 0; i < sizeof by_hash / sizeof by_hash[0]; i++) {
        assert_int_equal(bp_walk_from_hash(&k, v, &by_hash[i].from->b.hash,
                                           by_hash[i].skip, by_hash[i].reverse),
                         0);
        expect_walk(&k, by_hash[i].wanted);
    }
    bp_hash absent = fake_hash(5, 5);
    assert_int_equal(bp_walk_from_hash(&k, v, &absent, 0, true), 0);
    expect_walk(&k, "");
    bp_view_end(v);
    free(main);
    free(side);
}

/* ---- a random tree against a plain model ------------------------------- */

#define TREE 400
struct model {
    struct fake *node[TREE];
    int parent[TREE];
    int n, head;
};

static bool model_canonical(const struct model *m, int i) {
    int at = m->head;
    while (at != i && at != 0) at = m->parent[at];
    return at == i;
}

static void compare(struct world *w, const struct model *m) {
    struct bp_store_view *v = view(w);
    struct bp_store_entry e;
    assert_int_equal(bp_view_count(v), m->n);
    for (int i = 0; i < m->n; i++) {
        assert_int_equal(bp_view_find(v, &e, &m->node[i]->b.hash), 0);
        assert_int_equal(e.number, m->node[i]->b.number);
        assert_int_equal(bp_view_canonical(v, &e), model_canonical(m, i));
    }
    bp_view_end(v);
    expect_head(w, m->node[m->head]);
}

/* A batch of children of random nodes, and a random head or none. */
static void grow_tree(struct world *w, struct model *m, struct bp_rng *r) {
    struct bp_store_block batch[20];
    size_t n = bp_rng_below(r, 20);
    for (size_t i = 0; i < n && m->n < TREE; i++) {
        int low = m->n > 30 ? m->n - 30 : 0;
        int p = low + (int)bp_rng_below(r, (uint64_t)(m->n - low));
        m->node[m->n] = fake_run((uint32_t)m->n, m->node[p], 1);
        m->parent[m->n] = p;
        batch[i] = m->node[m->n++]->b;
        if (i + 1 == n || m->n == TREE) n = i + 1;
    }
    struct bp_store_batch b = { batch, n, NULL };
    if (bp_rng_below(r, 3) > 0) {
        m->head = (int)bp_rng_below(r, (uint64_t)m->n);
        b.head = &m->node[m->head]->b.hash;
    }
    assert_int_equal(bp_store_write(w->s, NULL, &b, NULL), 0);
}

static void any_tree_is_kept(void **state) {
    struct world *w = *state;
    struct bp_rng r;
    bp_rng_seed(&r, test_seed("any_tree_is_kept", 0x5701e));
    struct model m = { .n = 1, .head = 0 };
    m.node[0] = &w->genesis;
    while (m.n < TREE) {
        grow_tree(w, &m, &r);
        if (bp_rng_below(&r, 8) == 0) {
            compare(w, &m);
            assert_int_equal(bp_store_check(w->s, NULL), 0);
        }
    }
    compare(w, &m);
    for (int i = 1; i < m.n; i++) free(m.node[i]);
}

/* ---- threads --------------------------------------------------------- */

struct crowd {
    struct world *w;
    struct fake *a, *b; /* two branches from the genesis, of 64 */
    int done;
};

/* A view has a head at the end of its own canonical chain, from one branch. */
static void *read_along(void *arg) {
    struct crowd *c = arg;
    size_t wrong = 0;
    while (!__atomic_load_n(&c->done, __ATOMIC_ACQUIRE)) {
        struct bp_store_view *v;
        struct bp_store_entry head, e, up = { 0 };
        if (bp_view_begin(&v, c->w->s) != 0) return (void *)1;
        wrong += bp_view_head(v, &head) != 0;
        for (uint64_t n = head.number;; n--) {
            if (bp_view_at(v, &e, n) != 0) wrong++;
            if (n < head.number) wrong += up.parent_id != e.id;
            up = e;
            if (n == 0) break;
        }
        wrong += up.id != 0;
        bp_view_end(v);
    }
    return (void *)wrong;
}

static void readers_see_whole_batches(void **state) {
    struct world *w = *state;
    struct crowd c = { .w = w };
    pthread_t reader[2];
    c.a = fake_run(1, &w->genesis, 64);
    c.b = fake_run(2, &w->genesis, 64);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&reader[i], NULL, read_along, &c), 0);
    for (int i = 0; i < 64; i += 4) {
        assert_int_equal(fake_write(w->s, c.a + i, 4, true, NULL), 0);
        assert_int_equal(fake_write(w->s, c.b + i, 4, true, NULL), 0);
    }
    __atomic_store_n(&c.done, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < 2; i++) {
        void *wrong;
        pthread_join(reader[i], &wrong);
        assert_int_equal((size_t)wrong, 0);
    }
    free(c.a);
    free(c.b);
}

#define ON(kind, name)                                                         \
    { "on " #kind ": " #name, name, setup, teardown, (void *)#kind }
#define BOTH(name) ON(memory, name), ON(lmdb, name)

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(a_new_store_has_its_genesis),
        BOTH(blocks_are_found_by_hash_and_number),
        BOTH(a_block_without_its_parent_is_refused_whole),
        BOTH(total_difficulty_does_not_overflow),
        BOTH(a_body_may_come_later),
        BOTH(a_reorganisation_rewrites_numbers_only),
        BOTH(unverified_ranges_are_remembered),
        BOTH(walks_answer_get_block_headers),
        BOTH(any_tree_is_kept),
        BOTH(readers_see_whole_batches),
    };
    return bp_run(tests);
}
