/* Answers: what they become, and what each false one is called. */
#include "node/reply.h"

#include "blockpool/keccak.h"
#include "lib/test.h"

#define CHAIN_N 40

/* A chain of headers as bytes, numbers 100 and up; those at an odd number have
   one uncle, so that their bodies differ. */
static struct {
    uint8_t raw[700];
    bp_span rlp;
    bp_hash hash;
    uint8_t body_raw[1400];
    bp_span body;
} chain[CHAIN_N];

static void make_body(int i) {
    struct bp_rlp_w w = { .p = chain[i].body_raw,
                          .cap = sizeof chain[i].body_raw };
    size_t mark = bp_rlp_open(&w);
    bp_rlp_put_list(&w, 0);
    if (i % 2 == 1) {
        bp_rlp_put_list(&w, chain[i - 1].rlp.n);
        bp_rlp_put_raw(&w, chain[i - 1].rlp.p, chain[i - 1].rlp.n);
    } else {
        bp_rlp_put_list(&w, 0);
    }
    bp_rlp_close(&w, mark);
    assert_int_equal(bp_rlp_done(&w), 0);
    chain[i].body = (bp_span){ chain[i].body_raw, w.n };
}

static int make_chain(void **state) {
    (void)state;
    for (int i = 0; i < CHAIN_N; i++) {
        struct bp_header h = { .number = 100 + (uint64_t)i, .n_fields = 15 };
        struct bp_body body;
        make_body(i);
        bp_span in = chain[i].body;
        assert_int_equal(bp_body_decode(&body, &in), 0);
        bp_keccak256(&h.uncles_hash, body.uncles);
        h.transactions_root = bp_empty_root;
        h.difficulty = bp_u256_from_u64(1000 + (uint64_t)i);
        if (i > 0) h.parent_hash = chain[i - 1].hash;
        struct bp_rlp_w w = { .p = chain[i].raw, .cap = sizeof chain[i].raw };
        bp_header_put(&w, &h);
        assert_int_equal(bp_rlp_done(&w), 0);
        chain[i].rlp = (bp_span){ chain[i].raw, w.n };
        bp_keccak256(&chain[i].hash, chain[i].rlp);
    }
    return 0;
}

static struct bp_roots *roots_of_worker;

/* A job as talk.c makes it: the items of `parts` in a frame. */
static struct reply_job *make_job(struct ask *ask, const bp_span *parts,
                                  size_t n) {
    static uint8_t bytes[64 * 1024];
    struct reply_job *j = calloc(1, sizeof *j);
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        memcpy(bytes + len, parts[i].p, parts[i].n);
        len += parts[i].n;
    }
    j->frame = frame_of((bp_span){ bytes, len });
    j->items = (struct bp_items){ { j->frame->bytes, len }, n };
    j->ask = ask;
    j->roots = &roots_of_worker;
    j->headers = calloc(ask->n + 1, sizeof *j->headers);
    return j;
}

/* ---- headers ----------------------------------------------------------- */

static struct ask ask_back(int from, uint32_t count) {
    return (struct ask){
        .links = { .hash = chain[from].hash, .count = count, .reverse = true }
    };
}

static void headers_become_links(void **state) {
    (void)state;
    struct ask ask = ask_back(20, 10);
    bp_span parts[10];
    for (int i = 0; i < 10; i++) parts[i] = chain[20 - i].rlp;
    struct reply_job *j = make_job(&ask, parts, 10);
    reply_run(&j->job);
    assert_int_equal(j->offence, 0);
    assert_int_equal(j->n, 10);
    for (int i = 0; i < 10; i++) {
        const struct bp_link *l = &j->links[i];
        assert_true(bp_hash_eq(&l->hash, &chain[20 - i].hash));
        assert_true(bp_hash_eq(&l->parent, &chain[19 - i].hash));
        assert_int_equal(l->number, 120 - i);
        assert_int_equal(l->difficulty.w[0], 1020 - i);
        assert_int_equal(l->size, chain[20 - i].rlp.n);
        assert_int_equal(l->flags, i % 2 == 0 ? BP_LINK_EMPTY : 0);
        assert_memory_equal(j->link_bytes[i].p, parts[i].p, parts[i].n);
    }
    reply_free(j);
}

static void ascending_headers_are_turned_round(void **state) {
    (void)state;
    struct ask ask = { .links = {
                           .by_number = true, .number = 105, .count = 8 } };
    bp_span parts[3] = { chain[5].rlp, chain[6].rlp, chain[7].rlp };
    struct reply_job *j = make_job(&ask, parts, 3);
    reply_run(&j->job);
    assert_int_equal(j->offence, 0);
    assert_int_equal(j->n, 3);
    assert_int_equal(j->links[0].number, 107);
    assert_int_equal(j->links[2].number, 105);
    reply_free(j);
}

static void headers_with_gaps_need_not_link(void **state) {
    (void)state;
    struct ask ask = {
        .links = { .by_number = true, .number = 105, .count = 8, .skip = 4 }
    };
    bp_span parts[3] = { chain[5].rlp, chain[10].rlp, chain[15].rlp };
    struct reply_job *j = make_job(&ask, parts, 3);
    reply_run(&j->job);
    assert_int_equal(j->offence, 0);
    assert_int_equal(j->n, 3);
    reply_free(j);
}

static void nothing_is_an_answer(void **state) {
    (void)state;
    struct ask ask = ask_back(20, 10);
    struct reply_job *j = make_job(&ask, NULL, 0);
    reply_run(&j->job);
    assert_int_equal(j->offence, 0);
    assert_int_equal(j->n, 0);
    reply_free(j);
}

static void expect_offence(struct ask *ask, const bp_span *parts, size_t n,
                           int offence, int code) {
    struct reply_job *j = make_job(ask, parts, n);
    reply_run(&j->job);
    assert_int_equal(j->offence, offence);
    assert_int_equal(j->code, code);
    assert_int_equal(j->n, 0);
    reply_free(j);
}

static void false_headers_are_named(void **state) {
    (void)state;
    struct ask ask = ask_back(20, 2);
    bp_span three[3] = { chain[20].rlp, chain[19].rlp, chain[18].rlp };
    expect_offence(&ask, three, 3, BP_OFF_TOO_MUCH, BP_ERR_ITEMS_MANY);
    expect_offence(&ask, three + 1, 2, BP_OFF_UNLINKED, BP_ERR_ORIGIN);
    bp_span gap[2] = { chain[20].rlp, chain[18].rlp };
    expect_offence(&ask, gap, 2, BP_OFF_UNLINKED, BP_ERR_UNLINKED);
    static const uint8_t no_header[] = { 0xc3, 0x01, 0x02, 0x03 };
    bp_span junk[2] = { chain[20].rlp, { no_header, 4 } };
    expect_offence(&ask, junk, 2, BP_OFF_BAD_BYTES, BP_ERR_RLP_SIZE);
    struct ask by_number = {
        .links = { .by_number = true, .number = 119, .count = 2 }
    };
    expect_offence(&by_number, gap, 2, BP_OFF_UNLINKED, BP_ERR_ORIGIN);
}

/* Nothing else in a header can be large: a list of links is bounded in bytes
   when this is. The genesis alone may have more. */
static void large_extra_data_is_an_offence(void **state) {
    (void)state;
    static const uint8_t extra[BP_EXTRA_MAX + 1];
    for (uint64_t number = 0; number < 2; number++) {
        struct bp_header h = { .number = number, .n_fields = 15 };
        uint8_t raw[BP_HEADER_BYTES_MAX + 1];
        struct bp_rlp_w w = { .p = raw, .cap = sizeof raw };
        h.extra = (bp_span){ extra, sizeof extra };
        bp_header_put(&w, &h);
        assert_int_equal(bp_rlp_done(&w), 0);
        bp_span part = { raw, w.n };
        struct ask ask = { .links = { .count = 1, .reverse = true } };
        bp_keccak256(&ask.links.hash, part);
        struct reply_job *j = make_job(&ask, &part, 1);
        reply_run(&j->job);
        assert_int_equal(j->offence, number > 0 ? BP_OFF_BAD_BYTES : 0);
        assert_int_equal(j->code, number > 0 ? BP_ERR_RULE_EXTRA_DATA : 0);
        reply_free(j);
    }
}

/* ---- bodies ------------------------------------------------------------ */

static struct ask *ask_bodies(const int *which, size_t n) {
    struct ask *a = calloc(1, sizeof *a + n * sizeof a->wants[0]);
    a->blocks = true;
    a->n = n;
    for (size_t i = 0; i < n; i++) a->wants[i].hash = chain[which[i]].hash;
    return a;
}

/* Runs and frees; the wants that the bodies matched go to out. */
static void match(struct ask *a, const int *which, const bp_span *parts,
                  size_t n, size_t *out) {
    struct reply_job *j = make_job(a, parts, n);
    for (size_t i = 0; i < a->n; i++) j->headers[i] = chain[which[i]].rlp;
    reply_run(&j->job);
    assert_int_equal(j->offence, 0);
    assert_int_equal(j->n, n);
    for (size_t i = 0; i < n; i++) {
        out[i] = j->bodies[i].want;
        assert_int_equal(j->bodies[i].bytes.n, parts[i].n);
    }
    reply_free(j);
    free(a);
}

static void bodies_are_matched_in_order(void **state) {
    (void)state;
    const int which[4] = { 1, 3, 5, 7 };
    bp_span parts[4];
    size_t got[4];
    for (int i = 0; i < 4; i++) parts[i] = chain[which[i]].body;
    match(ask_bodies(which, 4), which, parts, 4, got);
    for (size_t i = 0; i < 4; i++) assert_int_equal(got[i], i);
    /* Two are left out. */
    bp_span some[2] = { chain[3].body, chain[7].body };
    match(ask_bodies(which, 4), which, some, 2, got);
    assert_int_equal(got[0], 1);
    assert_int_equal(got[1], 3);
    /* And in another order. */
    bp_span turned[2] = { chain[7].body, chain[1].body };
    match(ask_bodies(which, 4), which, turned, 2, got);
    assert_int_equal(got[0], 3);
    assert_int_equal(got[1], 0);
}

/* Blocks with the same body take one delivery each. */
static void equal_bodies_are_not_spent_twice(void **state) {
    (void)state;
    const int which[3] = { 2, 4, 6 };
    bp_span parts[3] = { chain[2].body, chain[2].body, chain[2].body };
    size_t got[3];
    match(ask_bodies(which, 3), which, parts, 3, got);
    for (size_t i = 0; i < 3; i++) assert_int_equal(got[i], i);
}

static void a_strange_body_matches_nothing(void **state) {
    (void)state;
    const int which[3] = { 1, 3, 5 };
    bp_span parts[3] = { chain[1].body, chain[9].body, chain[5].body };
    size_t got[3];
    match(ask_bodies(which, 3), which, parts, 3, got);
    assert_int_equal(got[0], 0);
    assert_true(got[1] == BP_NONE);
    assert_int_equal(got[2], 2);
}

static void false_bodies_are_named(void **state) {
    (void)state;
    const int which[1] = { 1 };
    struct ask *a = ask_bodies(which, 1);
    bp_span two[2] = { chain[1].body, chain[3].body };
    expect_offence(a, two, 2, BP_OFF_TOO_MUCH, BP_ERR_ITEMS_MANY);
    static const uint8_t no_body[] = { 0xc1, 0xc0 };
    bp_span junk[1] = { { no_body, 2 } };
    expect_offence(a, junk, 1, BP_OFF_BAD_BYTES, BP_ERR_RLP_SHORT);
    free(a);
}

static int teardown(void **state) {
    (void)state;
    bp_roots_free(roots_of_worker);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(headers_become_links),
        T(ascending_headers_are_turned_round),
        T(headers_with_gaps_need_not_link),
        T(nothing_is_an_answer),
        T(false_headers_are_named),
        T(large_extra_data_is_an_offence),
        T(bodies_are_matched_in_order),
        T(equal_bodies_are_not_spent_twice),
        T(a_strange_body_matches_nothing),
        T(false_bodies_are_named),
    };
    return cmocka_run_group_tests(tests, make_chain, teardown);
}
