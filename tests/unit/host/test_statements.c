/* test_statements: what the pool of 2015 states about its interface and the
   tests that it came with do not ask; in real time. */
#include <stdatomic.h>

#include "lib/hostscene.h"

static struct hs s;

/* N3: blocks that came into the chain otherwise are passed over. */
static void n3_blocks_of_the_chain(void **state) {
    (void)state;
    hs_open(&s, 3);
    hs_start(&s);
    struct hs_peer *a = hs_peer(&s, 'a');
    s.gate = true;
    hs_join(a, 3);
    pthread_mutex_lock(&s.lock);
    while (s.at_gate == 0) pthread_cond_wait(&s.changed, &s.lock);
    s.block[1].in_chain = true; /* somebody else was faster */
    s.head = 1;
    s.gate = false;
    pthread_cond_broadcast(&s.changed);
    pthread_mutex_unlock(&s.lock);
    hs_until_head(&s, 3);
    assert_true(bp_host_wait(s.host, 10000));
    assert_int_equal(s.n_errors, 0);
    hs_close(&s);
}

static atomic_int others;

static void other_hashes(void *user, const bp_hash *from) {
    (void)user;
    (void)from;
    atomic_fetch_add(&others, 1);
}

static void other_blocks(void *user, const bp_hash *hashes, size_t n) {
    (void)user;
    (void)hashes;
    (void)n;
    atomic_fetch_add(&others, 1);
}

static void other_error(void *user, int code, const char *text, bool fatal) {
    (void)user;
    (void)code;
    (void)text;
    (void)fatal;
    atomic_fetch_add(&others, 1);
}

/* P2: a new head replaces the old one, the first functions stay. */
static void p2_first_callbacks_stay(void **state) {
    (void)state;
    hs_open(&s, 8);
    hs_start(&s);
    atomic_store(&others, 0);
    struct hs_peer *a = hs_peer(&s, 'a');
    assert_true(hs_join(a, 4));
    hs_until_head(&s, 4);
    struct bp_host_peer fn = { other_hashes, other_blocks, other_error, NULL };
    bp_u256 td = bp_u256_from_u64(s.block[8].td);
    bp_hash head = hs_hash(8);
    pthread_mutex_lock(&s.lock);
    a->head = 8;
    pthread_mutex_unlock(&s.lock);
    assert_true(bp_host_add_peer(s.host, &td, &head, &a->id, &fn));
    hs_until_head(&s, 8);
    assert_int_equal(atomic_load(&others), 0);
    struct bp_pool_status st;
    bp_host_status(s.host, &st);
    assert_int_equal(st.peers, 1);
    hs_close(&s);
}

static bool read_one(void *user, bp_hash *out) {
    (void)out;
    *(bool *)user = true;
    return false;
}

/* A1, A19: hashes of nobody, or that nobody asked for, are not read. */
static void a1_hashes_nobody_asked_for(void **state) {
    (void)state;
    hs_open(&s, 3);
    hs_start(&s);
    struct hs_peer *a = hs_peer(&s, 'a'), *b = hs_peer(&s, 'b');
    bool called = false;
    bp_host_add_hashes(s.host, read_one, &called, &b->id);
    assert_false(called);
    assert_false(hs_join(a, 0)); /* nothing to ask it for */
    bp_host_add_hashes(s.host, read_one, &called, &a->id);
    assert_false(called);
    assert_true(hs_join(a, 3));
    hs_until_head(&s, 3);
    assert_true(bp_host_wait(s.host, 10000));
    bp_host_add_hashes(s.host, read_one, &called, &a->id); /* a second copy */
    assert_false(called);
    assert_int_equal(s.n_errors, 0);
    hs_close(&s);
}

/* I1, I6, D56: each block is offered to the chain once, however many
   insertions it takes. */
static void i6_each_block_is_offered_once(void **state) {
    (void)state;
    hs_open(&s, 120);
    s.cfg.insert_items_max = 7;
    hs_start(&s);
    struct hs_peer *a = hs_peer(&s, 'a'), *b = hs_peer(&s, 'b');
    a->hash_cap = 11;
    assert_true(hs_join(a, 100));
    hs_join(b, 120);
    hs_until_head(&s, 120);
    assert_true(bp_host_wait(s.host, 10000));
    for (uint32_t id = 1; id <= 120; id++)
        assert_int_equal(s.block[id].offered, 1);
    hs_close(&s);
}

/* E7: 10 is a warning: more blocks that nobody asked for than a peer's share.
 */
static void e7_unrequested_is_a_warning(void **state) {
    (void)state;
    hs_open(&s, 3);
    for (uint32_t id = 100; id < 200; id++) hs_block(&s, id, 2, 1);
    hs_start(&s);
    struct hs_peer *a = hs_peer(&s, 'a');
    assert_false(hs_join(a, 0));
    for (uint32_t id = 100; id < 200; id++) hs_send(a, id);
    hs_until_errors(&s, 1);
    assert_int_equal(s.error[0].code, BP_HOST_UNREQUESTED_BLOCK);
    assert_false(s.error[0].fatal);
    struct bp_pool_status st;
    bp_host_status(s.host, &st);
    assert_int_equal(st.peers, 1);
    hs_join(a, 3); /* it goes on */
    hs_until_in_chain(&s, 3);
    assert_int_equal(hs_errors(&s, 'a', 0), 1);
    hs_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(n3_blocks_of_the_chain),      T(p2_first_callbacks_stay),
        T(a1_hashes_nobody_asked_for),  T(i6_each_block_is_offered_once),
        T(e7_unrequested_is_a_warning),
    };
    return bp_run(tests);
}
