/* Lists of hashes as a peer gave them: added, found again, contradicted. */
#include "lib/test.h"
#include "pool/state.h"

struct fixture {
    struct bp_pool pool;
    struct bp_peer peer;
    struct test_alloc alloc;
};

static void open(struct fixture *x, uint32_t max) {
    *x = (struct fixture){ 0 };
    test_alloc_init(&x->alloc);
    x->pool.mem = (struct bp_mem){ .alloc = &x->alloc.iface };
    assert_int_equal(bp_table_init(&x->pool.pages, &x->pool.mem,
                                   sizeof(struct bp_page), 2, max),
                     0);
    x->peer.first_page = x->peer.last_page = BP_NIL;
}

static void shut(struct fixture *x) {
    while (x->peer.first_page != BP_NIL)
        bp_page_free(&x->pool, &x->peer, x->peer.first_page);
    assert_int_equal(x->peer.n_pages, 0);
    assert_int_equal(x->pool.pages.n, 0);
    bp_table_free(&x->pool.pages);
    assert_int_equal(x->alloc.live_blocks, 0);
}

/* The hash of a block of a chain where number n is called n. */
static bp_hash name(uint64_t number) {
    bp_hash h = { 0 };
    for (int i = 0; i < 8; i++) h.b[i] = (uint8_t)(number >> 8 * i);
    return h;
}

/* Numbers top … low, below top + 1. */
static uint32_t add(struct fixture *x, uint64_t top, uint64_t low) {
    static bp_hash list[BP_PAGE_HASHES];
    for (uint64_t k = 0; k <= top - low; k++) list[k] = name(top - k);
    bp_hash from = name(top + 1);
    return bp_page_add(&x->pool, &x->peer, &from, top, list,
                       (uint32_t)(top - low + 1));
}

static uint32_t below(struct fixture *x, uint64_t number) {
    bp_hash h = name(number);
    return bp_page_below(&x->pool, &x->peer, BP_NIL, number, &h);
}

static uint32_t with(struct fixture *x, uint64_t number, uint32_t after) {
    bp_hash h = name(number);
    return bp_page_with(&x->pool, &x->peer, after, number, &h);
}

static void what_is_below_is_found(void **state) {
    (void)state;
    struct fixture x;
    open(&x, 8);
    uint32_t upper = add(&x, 100, 51);
    bp_page_at(&x.pool, upper)->n_roots = BP_UNCONFIRMED; /* no more here */
    uint32_t lower = add(&x, 50, 11);
    assert_true(upper != lower);
    assert_int_equal(below(&x, 101), upper);
    assert_int_equal(below(&x, 52), upper);
    assert_int_equal(below(&x, 51), lower); /* the last says nothing */
    assert_int_equal(below(&x, 12), lower);
    assert_int_equal(below(&x, 11), BP_NIL);
    assert_int_equal(with(&x, 11, BP_NIL), lower);
    assert_int_equal(with(&x, 51, upper), upper);
    assert_int_equal(with(&x, 101, BP_NIL), BP_NIL);
    bp_hash h = name(30); /* the right hash at the wrong number */
    assert_int_equal(bp_page_below(&x.pool, &x.peer, BP_NIL, 31, &h), BP_NIL);
    assert_true(bp_pages_meet(&x.pool, &x.peer, 11 + 1, 1));
    assert_false(bp_pages_meet(&x.pool, &x.peer, 11, 10));
    assert_true(bp_pages_meet(&x.pool, &x.peer, 110, 9));
    assert_false(bp_pages_meet(&x.pool, &x.peer, 110, 8));
    shut(&x);
}

/* Short lists share a page, as long as few of them hang in the air. */
static void short_lists_share_a_page(void **state) {
    (void)state;
    struct fixture x;
    open(&x, 8);
    uint32_t id = add(&x, 100, 91);
    assert_int_equal(add(&x, 103, 101), id); /* above it */
    assert_int_equal(below(&x, 104), id);
    assert_int_equal(below(&x, 101), id);
    assert_int_equal(add(&x, 90, 88), id); /* … and below it */
    const struct bp_page *page = bp_page_at(&x.pool, id);
    assert_int_equal(page->n, 16);
    assert_int_equal(page->n_roots, 2); /* whose blocks did not come */
    assert_int_equal(page->root[0], 103 - 91);
    assert_int_equal(page->root[1], 103 - 88);
    assert_int_equal(add(&x, 87, 87), id);
    assert_int_equal(add(&x, 86, 86), id);
    uint32_t next = add(&x, 85, 80);
    assert_true(next != id); /* four hang in the air */
    assert_int_equal(add(&x, 79, 1), next);
    assert_int_equal(x.peer.n_pages, 2);
    assert_int_equal(x.peer.pages_given, 7);
    assert_false(page->confirmed);
    bp_page_confirm(bp_page_at(&x.pool, id), 103 - 88);
    assert_true(page->confirmed);
    assert_int_equal(page->n_roots, 2); /* and what is above is sure */
    assert_int_equal(page->root[0], 103 - 87);
    bp_page_truncate(bp_page_at(&x.pool, id), 103 - 87);
    assert_int_equal(page->n, 17);
    assert_int_equal(page->n_roots, 1);
    shut(&x);
}

static void a_full_table_takes_no_more(void **state) {
    (void)state;
    struct fixture x;
    open(&x, 2);
    assert_true(add(&x, 1000, 900) != BP_NIL);
    assert_true(add(&x, 800, 700) != BP_NIL);
    assert_int_equal(add(&x, 600, 500), BP_NIL);
    shut(&x);
}

/* A block that came against what the lists say of it. */
static void blocks_confirm_or_refute(void **state) {
    (void)state;
    struct fixture x;
    open(&x, 8);
    uint32_t upper = add(&x, 100, 51);
    bp_page_at(&x.pool, upper)->grounded = true; /* the next is another page */
    assert_true(add(&x, 50, 11) != upper);
    struct bp_link l = { .hash = name(70), .parent = name(69), .number = 70 };
    assert_true(bp_pages_confirm(&x.pool, &x.peer, 70, &l));
    l.parent = name(68);
    assert_false(bp_pages_confirm(&x.pool, &x.peer, 70, &l));
    l = (struct bp_link){ .hash = name(51), .parent = name(50), .number = 51 };
    assert_int_equal(bp_page_at(&x.pool, upper)->n_roots, 1);
    assert_true(bp_pages_confirm(&x.pool, &x.peer, 51, &l));
    assert_int_equal(bp_page_at(&x.pool, upper)->n_roots, 0);
    l.parent = name(1); /* the next list does not follow */
    assert_false(bp_pages_confirm(&x.pool, &x.peer, 51, &l));
    l = (struct bp_link){ .hash = name(20), .parent = name(19), .number = 21 };
    assert_false(bp_pages_confirm(&x.pool, &x.peer, 20, &l));
    l.hash = name(2000); /* they say nothing of it */
    assert_true(bp_pages_confirm(&x.pool, &x.peer, 2000, &l));
    shut(&x);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        T(what_is_below_is_found),
        T(short_lists_share_a_page),
        T(a_full_table_takes_no_more),
        T(blocks_confirm_or_refute),
    };
    return bp_run(tests);
}
