#include "blockpool/record.h"
#include "lib/memory.h"
#include "lib/test.h"
#include "pool/codec.h"

/* ---- random events, of every type and with every optional part ----------- */

static bp_hash random_hash(struct bp_rng *r) {
    bp_hash h;
    bp_rng_bytes(r, h.b, sizeof h.b);
    return h;
}

static bp_u256 random_u256(struct bp_rng *r) {
    bp_u256 v;
    for (int i = 0; i < 4; i++) v.w[i] = bp_rng_next(r);
    return bp_u256_shr(&v, (unsigned)bp_rng_below(r, 257));
}

static uint64_t random_u64(struct bp_rng *r) {
    return bp_rng_next(r) >> bp_rng_below(r, 64);
}

static struct bp_held random_held(struct bp_rng *r) {
    struct bp_held h = { .held = bp_rng_below(r, 2) };
    if (!h.held) return h;
    h.number = random_u64(r);
    h.td = random_u256(r);
    return h;
}

static struct bp_link random_link(struct bp_rng *r) {
    return (struct bp_link){
        .hash = random_hash(r),
        .parent = random_hash(r),
        .number = random_u64(r),
        .difficulty = random_u256(r),
        .item = random_u64(r),
        .size = (uint32_t)bp_rng_next(r),
        .flags = (uint32_t)bp_rng_below(r, 2),
    };
}

static struct bp_delivery random_delivery(struct bp_rng *r) {
    struct bp_delivery d = { .hash = random_hash(r),
                             .matched = bp_rng_below(r, 2),
                             .item = random_u64(r),
                             .size = (uint32_t)bp_rng_next(r),
                             .has_link = bp_rng_below(r, 2) };
    if (!d.has_link) return d;
    d.link = random_link(r);
    d.known = random_held(r);
    d.parent = random_held(r);
    return d;
}

static struct bp_claim random_claim(struct bp_rng *r) {
    struct bp_claim c = { .head = random_hash(r),
                          .known = random_held(r),
                          .has_td = bp_rng_below(r, 2),
                          .has_number = bp_rng_below(r, 2) };
    if (c.has_td) c.td = random_u256(r);
    if (c.has_number) c.number = random_u64(r);
    return c;
}

static struct bp_chain_head random_head(struct bp_rng *r) {
    return (struct bp_chain_head){ random_hash(r), random_u64(r),
                                   random_u256(r) };
}

static struct bp_verdict random_verdict(struct bp_rng *r) {
    return (struct bp_verdict){
        .kind = (enum bp_verdict_kind)bp_rng_below(r, 4),
        .n = bp_rng_below(r, 2000),
        .part = (enum bp_part)bp_rng_below(r, 2),
        .body_committed = bp_rng_below(r, 2),
        .code = (int)bp_rng_below(r, 400) - 200,
        .not_before = random_u64(r),
    };
}

#define LIST_MAX 40
static struct bp_link some_links[LIST_MAX];
static bp_hash some_hashes[LIST_MAX];
static struct bp_delivery some_blocks[LIST_MAX];

static void random_lists(struct bp_event *e, struct bp_rng *r) {
    size_t n = bp_rng_below(r, LIST_MAX + 1);
    size_t held_at = bp_rng_below(r, 2) ? BP_NONE : bp_rng_below(r, n + 1);
    for (size_t i = 0; i < n; i++) {
        some_links[i] = random_link(r);
        some_hashes[i] = random_hash(r);
        some_blocks[i] = random_delivery(r);
    }
    if (e->type == BP_EV_LINKS)
        e->u.links =
            (struct bp_ev_links){ random_u64(r), random_u64(r), some_links, n,
                                  held_at,       random_held(r) };
    else if (e->type == BP_EV_HASHES)
        e->u.hashes =
            (struct bp_ev_hashes){ random_u64(r), random_u64(r), some_hashes, n,
                                   held_at,       random_held(r) };
    else
        e->u.blocks = (struct bp_ev_blocks){ random_u64(r), random_u64(r),
                                             some_blocks, n };
}

static void random_joined(struct bp_ev_joined *j, struct bp_rng *r) {
    j->peer = random_u64(r);
    j->info = (struct bp_peer_info){
        .identity = random_hash(r),
        .caps = (uint32_t)bp_rng_below(r, 16),
        .links_max = (uint32_t)random_u64(r),
        .hashes_max = (uint32_t)random_u64(r),
        .blocks_max = (uint32_t)random_u64(r),
        .has_range = bp_rng_below(r, 2),
        .earliest = random_u64(r),
        .latest = random_u64(r),
        .claim = random_claim(r),
    };
}

static struct bp_event random_event(struct bp_rng *r) {
    struct bp_event e = { .type = (enum bp_event_type)bp_rng_below(
                              r, BP_EV_PURGE + 1) };
    switch (e.type) {
    case BP_EV_TIME:
    case BP_EV_RESET:
    case BP_EV_PURGE: break;
    case BP_EV_PEER_JOINED: random_joined(&e.u.joined, r); break;
    case BP_EV_PEER_CLAIM:
        e.u.claim = (struct bp_ev_claim){ random_u64(r), random_claim(r) };
        break;
    case BP_EV_PEER_RANGE:
        e.u.range =
            (struct bp_ev_range){ random_u64(r), random_u64(r), random_u64(r) };
        break;
    case BP_EV_PEER_LEFT: e.u.left.peer = random_u64(r); break;
    case BP_EV_PEER_OFFENCE:
        e.u.offence =
            (struct bp_ev_offence){ random_u64(r), (int)bp_rng_below(r, 80),
                                    -(int)bp_rng_below(r, 300) };
        break;
    case BP_EV_REPLY:
        e.u.reply =
            (struct bp_ev_reply){ random_u64(r), random_u64(r), random_u64(r) };
        break;
    case BP_EV_LINKS:
    case BP_EV_HASHES:
    case BP_EV_BLOCKS: random_lists(&e, r); break;
    case BP_EV_PUSHED:
        e.u.pushed.peer = random_u64(r);
        e.u.pushed.block = random_delivery(r);
        e.u.pushed.has_td = bp_rng_below(r, 2);
        if (e.u.pushed.has_td) e.u.pushed.td = random_u256(r);
        break;
    case BP_EV_ANNOUNCED:
        e.u.announced.peer = random_u64(r);
        e.u.announced.hash = random_hash(r);
        e.u.announced.has_number = bp_rng_below(r, 2);
        if (e.u.announced.has_number) e.u.announced.number = random_u64(r);
        e.u.announced.known = random_held(r);
        break;
    case BP_EV_CHECKED:
        e.u.checked =
            (struct bp_ev_checked){ random_u64(r), random_verdict(r) };
        break;
    case BP_EV_INSERTED:
        e.u.inserted =
            (struct bp_ev_inserted){ random_u64(r), random_verdict(r),
                                     random_head(r), random_u256(r) };
        break;
    case BP_EV_CHAIN:
        e.u.chain = (struct bp_ev_chain){ random_head(r), random_head(r),
                                          random_hash(r), random_u64(r) };
        break;
    case BP_EV_TARGET:
        e.u.target.set = bp_rng_below(r, 2);
        e.u.target.hash = random_hash(r);
        e.u.target.has_number = bp_rng_below(r, 2);
        if (e.u.target.has_number) e.u.target.number = random_u64(r);
        e.u.target.known = random_held(r);
        break;
    }
    return e;
}

/* ---- what is written is read ----------------------------------------------
 */

static bool append(void *user, void *bytes, size_t n) {
    return memory_sink(user, bytes, n) == 0;
}

/* An event as bytes, to compare two of them. */
static void event_bytes(struct memory *out, const struct bp_event *e) {
    struct bp_event copy = *e;
    struct bp_codec c = { .move = append, .user = out };
    out->n = 0;
    bp_codec_event(&c, &copy);
    assert_false(c.failed);
}

static const struct bp_pool_config config = {
    .seed = 77, .head = { .number = 5 }, .links_max = 12345, .progress_ms = 9
};

/* Writes n random events, each with up to three actions. */
static void write_some(struct memory *m, uint64_t seed, int n, bool end) {
    struct bp_recorder *w;
    struct bp_rng r;
    bp_time now = 1000;
    bp_rng_seed(&r, seed);
    assert_int_equal(bp_recorder_new(&w, &config, memory_sink, m), 0);
    for (int i = 0; i < n; i++) {
        struct bp_event e = random_event(&r);
        now += bp_rng_below(&r, 300);
        bp_recorder_event(w, &e, now);
        for (uint64_t k = i % 4; k > 0; k--) {
            struct bp_action a = { .type = BP_ACT_REPORT };
            a.u.report.count = k + (uint64_t)i;
            bp_recorder_action(w, &a);
        }
    }
    if (end) {
        assert_int_equal(bp_recorder_end(w), 0);
    } else {
        assert_int_equal(bp_recorder_flush(w), 0);
        size_t keep = m->n;
        assert_int_equal(bp_recorder_end(w), 0);
        m->n = keep; /* the process died after the flush */
    }
}

/* ---- tests ------------------------------------------------------------- */

static void events_come_back_as_they_were(void **state) {
    (void)state;
    uint64_t seed = test_seed("events_come_back_as_they_were", 0x7ec0);
    struct memory m = { .most = 1000 }, a = { 0 }, b = { 0 };
    struct bp_record *rec;
    struct bp_rng r;
    struct bp_event got;
    struct bp_record_mark mark;
    bp_time now = 1000, when;
    enum { N = 2000 };
    write_some(&m, seed, N, true);
    bp_rng_seed(&r, seed);
    assert_int_equal(bp_record_open(&rec, NULL, memory_source, &m), 0);
    assert_int_equal(bp_record_config(rec)->seed, 77);
    assert_int_equal(bp_record_config(rec)->links_max, 12345);
    assert_int_equal(bp_record_config(rec)->progress_ms, 9);
    for (int i = 0; i < N; i++) {
        struct bp_event want = random_event(&r);
        now += bp_rng_below(&r, 300);
        assert_int_equal(bp_record_next(rec, &got, &when, &mark), 0);
        assert_int_equal(when, now);
        assert_true(mark.known);
        assert_int_equal(mark.actions, i % 4);
        event_bytes(&a, &want);
        event_bytes(&b, &got);
        assert_int_equal(a.n, b.n);
        assert_memory_equal(a.p, b.p, a.n);
    }
    assert_int_equal(bp_record_next(rec, &got, &when, &mark),
                     BP_ERR_RECORD_END);
    assert_true(bp_record_complete(rec));
    bp_record_free(rec);
    free(m.p);
    free(a.p);
    free(b.p);
}

static int read_all(struct memory *m, int *events, bool *complete) {
    struct bp_record *rec;
    struct bp_event e;
    struct bp_record_mark mark;
    bp_time now;
    *events = 0;
    *complete = false;
    m->at = 0;
    int err = bp_record_open(&rec, NULL, memory_source, m);
    if (err != 0) return err;
    while ((err = bp_record_next(rec, &e, &now, &mark)) == 0) ++*events;
    *complete = bp_record_complete(rec);
    bp_record_free(rec);
    return err;
}

static void a_record_that_ends_early_gives_what_it_has(void **state) {
    (void)state;
    struct memory m = { 0 };
    int events;
    bool complete;
    write_some(&m, 11, 300, false);
    assert_int_equal(read_all(&m, &events, &complete), BP_ERR_RECORD_END);
    assert_int_equal(events, 300);
    assert_false(complete);
    size_t whole = m.n;
    int before = 0;
    for (size_t cut = 0; cut < whole; cut += 97) {
        m.n = cut;
        int err = read_all(&m, &events, &complete);
        assert_true(err == BP_ERR_RECORD_END || err == BP_ERR_RECORD_SHORT ||
                    err == BP_ERR_RECORD_FORM);
        assert_false(complete);
        assert_true(events >= before);
        before = events;
    }
    free(m.p);
}

static void every_changed_byte_is_noticed(void **state) {
    (void)state;
    struct memory m = { 0 };
    int events;
    bool complete;
    write_some(&m, 12, 40, true);
    for (size_t i = 0; i < m.n; i++) {
        m.p[i] ^= 0x10;
        int err = read_all(&m, &events, &complete);
        assert_true(err == BP_ERR_RECORD_SUM || err == BP_ERR_RECORD_FORM ||
                    err == BP_ERR_RECORD_SHORT || err == BP_ERR_RECORD_END);
        assert_false(complete);
        m.p[i] ^= 0x10;
    }
    assert_int_equal(read_all(&m, &events, &complete), BP_ERR_RECORD_END);
    assert_true(complete);
    free(m.p);
}

static void a_full_disk_is_reported_once(void **state) {
    (void)state;
    struct memory m = { .limit = 70000 };
    struct bp_recorder *w;
    struct bp_rng r;
    bp_rng_seed(&r, 3);
    assert_int_equal(bp_recorder_new(&w, &config, memory_sink, &m), 0);
    for (int i = 0; i < 3000; i++) {
        struct bp_event e = random_event(&r);
        bp_recorder_event(w, &e, (bp_time)i);
    }
    assert_int_equal(bp_recorder_flush(w), BP_ERR_DISK_FULL);
    assert_int_equal(bp_recorder_end(w), BP_ERR_DISK_FULL);
    assert_true(m.n <= 70000);
    m.n = 0;
    m.limit = 1;
    assert_int_equal(bp_recorder_new(&w, &config, memory_sink, &m),
                     BP_ERR_DISK_FULL);
    assert_null(w);
    assert_int_equal(bp_recorder_end(NULL), 0);
    free(m.p);
}

static void memory_may_fail_at_any_moment(void **state) {
    (void)state;
    struct memory m = { 0 };
    struct test_alloc a;
    write_some(&m, 13, 60, true);
    for (size_t fail = 1;; fail++) {
        struct bp_record *rec;
        struct bp_event e;
        struct bp_record_mark mark;
        bp_time now;
        test_alloc_init(&a);
        a.fail_at = fail;
        m.at = 0;
        int err = bp_record_open(&rec, &a.iface, memory_source, &m);
        while (err == 0) err = bp_record_next(rec, &e, &now, &mark);
        bp_record_free(rec);
        assert_int_equal(a.live_blocks, 0);
        if (a.calls < fail) break;
        assert_true(err == BP_ERR_NOMEM || err == BP_ERR_RECORD_FORM);
    }
    free(m.p);
}

static void the_checksum_is_crc32c(void **state) {
    (void)state;
    /* The check value of the published catalogue of checksums. */
    assert_int_equal(bp_record_crc(0, "123456789", 9), 0xe3069283u);
    assert_int_equal(bp_record_crc(bp_record_crc(0, "1234", 4), "56789", 5),
                     0xe3069283u);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(events_come_back_as_they_were),
        T(a_record_that_ends_early_gives_what_it_has),
        T(every_changed_byte_is_noticed),
        T(a_full_disk_is_reported_once),
        T(memory_may_fail_at_any_moment),
        T(the_checksum_is_crc32c),
    };
    return bp_run(tests);
}
