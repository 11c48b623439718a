#include "lib/test.h"

#include "blockpool/keccak.h"
#include "blockpool/rlp.h"
#include "prim/trie.h"

/* An entry as the plain definition below sees it: nibbles and a value. */
struct entry {
    uint8_t nibble[2 * BP_TRIE_KEY_MAX];
    size_t n;
    uint8_t value[80];
    size_t value_n;
};

static size_t compact(uint8_t *out, const uint8_t *nib, size_t n, int leaf) {
    size_t k = 0;
    out[k++] = (uint8_t)(leaf * 32 + (n % 2 ? 16 + *nib : 0));
    for (size_t i = n % 2; i < n; i += 2)
        out[k++] = (uint8_t)(nib[i] * 16 + nib[i + 1]);
    return k;
}

static size_t plain_node(uint8_t *out, const struct entry *e, size_t n,
                         size_t depth);

/* Yellow Paper (193): a node is itself when short, else its hash. */
static void plain_ref(struct bp_rlp_w *w, const struct entry *e, size_t n,
                      size_t depth) {
    uint8_t node[1024];
    size_t k = plain_node(node, e, n, depth);
    bp_hash h;
    if (k < 32) {
        bp_rlp_put_raw(w, node, k);
    } else {
        bp_keccak256(&h, (bp_span){ node, k });
        bp_rlp_put_hash(w, &h);
    }
}

/* Yellow Paper (194), word for word and slow: what the fast one must equal.
   Entries are sorted. */
static size_t plain_node(uint8_t *out, const struct entry *e, size_t n,
                         size_t depth) {
    struct bp_rlp_w w = { out, 1024, 0 };
    uint8_t hp[40];
    size_t mark = bp_rlp_open(&w), common = depth;
    if (n == 1) {
        size_t k = compact(hp, e->nibble + depth, e->n - depth, 1);
        bp_rlp_put_str(&w, hp, k);
        bp_rlp_put_str(&w, e->value, e->value_n);
        bp_rlp_close(&w, mark);
        return w.n;
    }
    while (e[0].nibble[common] == e[n - 1].nibble[common]) common++;
    if (common > depth) {
        size_t k = compact(hp, e->nibble + depth, common - depth, 0);
        bp_rlp_put_str(&w, hp, k);
        plain_ref(&w, e, n, common);
        bp_rlp_close(&w, mark);
        return w.n;
    }
    for (size_t slot = 0, i = 0; slot < 16; slot++) {
        size_t from = i;
        while (i < n && e[i].nibble[depth] == slot) i++;
        if (i == from)
            bp_rlp_put_str(&w, NULL, 0);
        else
            plain_ref(&w, e + from, i - from, depth + 1);
    }
    bp_rlp_put_str(&w, NULL, 0);
    bp_rlp_close(&w, mark);
    return w.n;
}

static int by_key(const void *a, const void *b) {
    return memcmp(((const struct entry *)a)->nibble,
                  ((const struct entry *)b)->nibble, 2 * BP_TRIE_KEY_MAX);
}

/* Random keys of key_n bytes, sparse so that extensions appear; sorted, each
   once. Returns their number. */
static size_t random_entries(struct entry *e, size_t n, size_t key_n,
                             struct bp_rng *r) {
    size_t kept = 0;
    memset(e, 0, n * sizeof *e);
    for (size_t i = 0; i < n; i++) {
        uint8_t span = (uint8_t)(1 + bp_rng_below(r, 16));
        e[i].n = 2 * key_n;
        for (size_t k = 0; k < e[i].n; k++)
            e[i].nibble[k] =
                bp_rng_below(r, 3) == 0 ? (uint8_t)bp_rng_below(r, span) : 0;
        e[i].value_n = 1 + bp_rng_below(r, sizeof e[i].value);
        bp_rng_bytes(r, e[i].value, e[i].value_n);
    }
    qsort(e, n, sizeof *e, by_key);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || by_key(&e[kept - 1], &e[i]) != 0) e[kept++] = e[i];
    return kept;
}

static void add_all(struct bp_trie *t, const struct entry *e, size_t n,
                    bp_hash *root) {
    bp_trie_begin(t, root);
    for (size_t i = 0; i < n; i++) {
        uint8_t key[BP_TRIE_KEY_MAX];
        for (size_t k = 0; k < e[i].n; k += 2)
            key[k / 2] = (uint8_t)(e[i].nibble[k] << 4 | e[i].nibble[k + 1]);
        bp_trie_add(t, key, e[i].n / 2, (bp_span){ e[i].value, e[i].value_n });
    }
    bp_trie_end(t);
}

static void trie_equals_the_definition(void **state) {
    (void)state;
    enum { TRIES = 300, MOST = 700 };
    struct bp_rng r;
    struct bp_trie *t;
    struct entry *e = malloc(MOST * sizeof *e);
    bp_hash *got = malloc(TRIES * sizeof *got);
    bp_hash *want = malloc(TRIES * sizeof *want);
    assert_true(e != NULL && got != NULL && want != NULL);
    bp_rng_seed(&r, test_seed("trie_equals_the_definition", 0x5eed0102));
    assert_int_equal(bp_trie_new(&t, NULL), 0);
    for (int i = 0; i < TRIES; i++) {
        size_t most = i % 10 == 0 ? MOST : 20;
        size_t key_n = 1 + bp_rng_below(&r, BP_TRIE_KEY_MAX);
        size_t n = random_entries(e, 1 + bp_rng_below(&r, most), key_n, &r);
        uint8_t node[1024];
        if (i % 7 == 0) { /* an abandoned trie leaves the others alone */
            bp_hash nowhere;
            bp_trie_begin(t, &nowhere);
            for (uint8_t k = 0; k < 40; k++)
                bp_trie_add(t, &k, 1, (bp_span){ e[0].value, 1 });
            bp_trie_abandon(t);
        }
        add_all(t, e, n, &got[i]);
        size_t k = plain_node(node, e, n, 0);
        bp_keccak256(&want[i], (bp_span){ node, k });
        if (i % 37 == 0) bp_trie_run(t);
    }
    bp_trie_run(t);
    for (int i = 0; i < TRIES; i++)
        assert_memory_equal(got[i].b, want[i].b, 32);
    bp_trie_free(t);
    free(e);
    free(got);
    free(want);
}

static void trie_of_nothing_and_of_large_values(void **state) {
    (void)state;
    struct bp_trie *t;
    bp_hash root, want;
    size_t n = 70000;
    uint8_t *v = calloc(1, n), *node = malloc(n + 64);
    assert_true(v != NULL && node != NULL);
    assert_int_equal(bp_trie_new(&t, NULL), 0);
    bp_trie_begin(t, &root);
    bp_trie_end(t);
    bp_trie_run(t);
    bp_keccak256(&want, (bp_span){ (const uint8_t *)"\x80", 1 });
    assert_memory_equal(root.b, want.b, 32);
    for (size_t size = n; size > 100; size /= 3) {
        uint8_t key[2] = { 0x12, 0x34 };
        struct bp_rlp_w w = { node, n + 64, 0 };
        bp_trie_begin(t, &root);
        bp_trie_add(t, key, 2, (bp_span){ v, size });
        bp_trie_end(t);
        bp_trie_run(t);
        size_t mark = bp_rlp_open(&w);
        bp_rlp_put_str(&w, "\x20\x12\x34", 3);
        bp_rlp_put_str(&w, v, size);
        bp_rlp_close(&w, mark);
        bp_keccak256(&want, (bp_span){ node, w.n });
        assert_memory_equal(root.b, want.b, 32);
    }
    bp_trie_free(t);
    free(v);
    free(node);
}

static void trie_without_memory(void **state) {
    (void)state;
    struct test_alloc a;
    struct bp_trie *t = NULL;
    test_alloc_init(&a);
    a.fail_at = 1;
    assert_int_equal(bp_trie_new(&t, &a.iface), BP_ERR_NOMEM);
    assert_int_equal(bp_trie_new(&t, &a.iface), 0);
    bp_trie_free(t);
    assert_int_equal(a.live_blocks, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(trie_equals_the_definition),
        T(trie_of_nothing_and_of_large_values),
        T(trie_without_memory),
    };
    return bp_run(tests);
}
