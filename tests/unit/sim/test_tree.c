/* The oracle: heights, ancestors, forks, validity, phantoms. */
#include "lib/test.h"

#include "tree.h"

static uint32_t add(struct tree *t, uint32_t parent, enum flaw flaw) {
    struct tblock b = { .flaw = (uint8_t)flaw,
                        .difficulty = bp_u256_from_u64(10) };
    return tree_add(t, parent, &b);
}

/* 0..299 in a line; 300..399 fork off at 99. */
static void two_branches(struct tree *t, struct arena *a) {
    tree_init(t, a, 7);
    uint32_t at = add(t, BLOCK_NONE, FLAW_NONE);
    for (int i = 1; i < 300; i++) at = add(t, at, FLAW_NONE);
    at = 99;
    for (int i = 0; i < 100; i++) at = add(t, at, FLAW_NONE);
}

static void ancestors_at_every_height(void **state) {
    (void)state;
    struct arena a = { 0 };
    struct tree t;
    two_branches(&t, &a);
    for (uint32_t tip = 0; tip < 300; tip += 7)
        for (uint32_t h = 0; h <= tip; h++)
            assert_int_equal(tree_at(&t, tip, h), h);
    assert_int_equal(tree_at(&t, 399, 99), 99);
    assert_int_equal(tree_at(&t, 399, 100), 300);
    assert_int_equal(tree_at(&t, 399, 199), 399);
    assert_int_equal(tree_at(&t, 399, 200), BLOCK_NONE);
    assert_true(tree_has(&t, 399, 42));
    assert_false(tree_has(&t, 399, 150));
    assert_int_equal(tree_common(&t, 399, 299), 99);
    assert_int_equal(tree_common(&t, 50, 299), 50);
    arena_free(&a);
}

static void hashes_find_their_blocks_and_nothing_else(void **state) {
    (void)state;
    struct arena a = { 0 };
    struct tree t;
    two_branches(&t, &a);
    for (uint32_t i = 0; i < t.n; i++) {
        bp_hash h = tree_hash(&t, i);
        assert_int_equal(tree_find(&t, &h), i);
        h.b[0] ^= 1;
        assert_int_equal(tree_find(&t, &h), BLOCK_NONE);
    }
    bp_hash beyond = tree_hash(&t, t.n);
    assert_int_equal(tree_find(&t, &beyond), BLOCK_NONE);
    arena_free(&a);
}

static void flaws_spoil_all_descendants(void **state) {
    (void)state;
    for (enum flaw f = FLAW_NONE; f < FLAW_COUNT; f++) {
        struct arena a = { 0 };
        struct tree t;
        tree_init(&t, &a, 1);
        uint32_t g = add(&t, BLOCK_NONE, FLAW_NONE);
        uint32_t b = add(&t, g, f), c = add(&t, b, FLAW_NONE);
        bool good = f == FLAW_NONE || f == FLAW_LATER;
        assert_int_equal(t.b[b].valid, good);
        assert_int_equal(t.b[c].valid, good);
        assert_int_equal(t.b[b].number, f == FLAW_NUMBER ? 2 : 1);
        assert_int_equal(t.b[c].number, 2);
        assert_int_equal(tree_at(&t, c, 1), b);
        assert_int_equal(bp_u256_bits(&t.b[b].difficulty) > 128,
                         f == FLAW_HUGE);
        arena_free(&a);
    }
}

static void another_root_is_not_our_chain(void **state) {
    (void)state;
    struct arena a = { 0 };
    struct tree t;
    tree_init(&t, &a, 1);
    uint32_t g = add(&t, BLOCK_NONE, FLAW_NONE);
    uint32_t other = add(&t, BLOCK_NONE, FLAW_NONE);
    uint32_t b = add(&t, other, FLAW_NONE);
    assert_true(t.b[g].valid);
    assert_false(t.b[b].valid);
    assert_int_equal(tree_common(&t, b, g), BLOCK_NONE);
    arena_free(&a);
}

static void phantoms_go_on_for_ever(void **state) {
    (void)state;
    struct arena a = { 0 };
    struct tree t;
    two_branches(&t, &a);
    struct phantom p = { .top_number = 50,
                         .sealed = true,
                         .difficulty = bp_u256_from_u64(1) };
    uint32_t at = phantom_new(&t, &p);
    for (int i = 0; i < 100; i++) {
        struct bp_link l = tree_link(&t, at);
        uint32_t up = phantom_parent(at);
        bp_hash parent = tree_hash(&t, up);
        assert_true(bp_hash_eq(&l.parent, &parent));
        assert_int_equal(l.number, i < 50 ? 50 - i : 1);
        assert_int_equal(tree_find(&t, &l.hash), at);
        assert_false(tree_held(&t, at).held);
        at = up;
    }
    arena_free(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(ancestors_at_every_height),
        T(hashes_find_their_blocks_and_nothing_else),
        T(flaws_spoil_all_descendants),
        T(another_root_is_not_our_chain),
        T(phantoms_go_on_for_ever),
    };
    return bp_run(tests);
}
