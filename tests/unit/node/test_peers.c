/* The table of peers, and what is held against them. */
#include "node/conn.h"
#include "node/log.h"
#include "node/peers.h"

#include "lib/test.h"

static struct enode stranger(uint32_t i) {
    struct enode e = { .host = "127.0.0.1", .port = 30303 };
    memcpy(e.id, &i, sizeof i);
    return e;
}

static void an_identity_has_one_entry(void **state) {
    (void)state;
    struct peers p;
    assert_int_equal(peers_init(&p), 0);
    struct enode a = stranger(1), b = stranger(2);
    size_t first = peers_meet(&p, &a, false);
    assert_int_equal(peers_meet(&p, &b, true), 1);
    a.port = 4; /* it came from elsewhere */
    assert_int_equal(peers_meet(&p, &a, false), first);
    assert_int_equal(p.list[first].seen.enode.port, 4);
    b.port = 5; /* a fixed peer keeps the address we dial */
    assert_int_equal(peers_meet(&p, &b, false), 1);
    assert_int_equal(p.list[1].seen.enode.port, 30303);
    assert_int_equal(p.n, 2);
    assert_int_equal(peers_find(&p, b.id), 1);
    assert_int_equal(peers_by_identity(&p, &p.list[1].identity), 1);
    struct enode c = stranger(3);
    assert_true(peers_find(&p, c.id) == NO_PEER);
    peers_free(&p);
}

/* Strangers beyond the limit take the place of strangers, never of a fixed
   peer or of one that something is held against. */
static void strangers_are_forgotten_others_not(void **state) {
    (void)state;
    struct peers p;
    assert_int_equal(peers_init(&p), 0);
    struct enode fixed = stranger(0), blamed = stranger(1);
    peers_meet(&p, &fixed, true);
    size_t b = peers_meet(&p, &blamed, false);
    struct node_finding f = { .peer = b, .offence = BP_OFF_LATE };
    peers_blame(&p, &f);
    for (uint32_t i = 2; i < PEERS_MAX + 50; i++) {
        struct enode e = stranger(i);
        assert_true(peers_meet(&p, &e, false) != NO_PEER);
    }
    assert_int_equal(p.n, PEERS_MAX);
    assert_int_equal(peers_find(&p, fixed.id), 0);
    assert_int_equal(peers_find(&p, blamed.id), b);
    peers_free(&p);
}

static void the_same_is_noted_once(void **state) {
    (void)state;
    struct peers p;
    assert_int_equal(peers_init(&p), 0);
    struct enode a = stranger(1), b = stranger(2);
    peers_meet(&p, &a, false);
    peers_meet(&p, &b, false);
    struct node_finding f = { .peer = 0, .offence = BP_OFF_WRONG_CHAIN };
    struct node_finding g = { .peer = 1, .offence = BP_OFF_WRONG_CHAIN };
    struct node_finding h = { .peer = 0, .offence = BP_OFF_LATE };
    assert_true(peers_blame(&p, &f));
    assert_true(peers_blame(&p, &g));
    assert_false(peers_blame(&p, &f));
    assert_true(peers_blame(&p, &h));
    assert_true(peers_blame(&p, &f));
    assert_int_equal(p.n_findings, 4);
    assert_int_equal(p.list[0].seen.offences, 3); /* all are counted */
    assert_int_equal(p.list[0].seen.faults, 1);
    peers_free(&p);
}

/* A flood of findings is counted, and kept up to the limit. */
static void findings_are_bounded(void **state) {
    (void)state;
    struct peers p;
    assert_int_equal(peers_init(&p), 0);
    struct enode a = stranger(1);
    peers_meet(&p, &a, false);
    for (uint64_t i = 0; i < NODE_FINDINGS_MAX + 10; i++) {
        struct node_finding f = { .peer = 0,
                                  .offence = BP_OFF_LATE,
                                  .number = i };
        peers_blame(&p, &f);
    }
    assert_int_equal(p.n_findings, NODE_FINDINGS_MAX);
    assert_int_equal(p.list[0].seen.faults, NODE_FINDINGS_MAX + 10);
    peers_free(&p);
}

static size_t meet(struct peers *p, uint32_t i) {
    struct enode e = stranger(i);
    return peers_meet(p, &e, false);
}

/* A session between Hello and Status is nobody's connection yet: its entry
   must not become somebody else's, who would answer for it. */
static void a_held_entry_is_nobody_elses(void **state) {
    (void)state;
    struct peers p;
    assert_int_equal(peers_init(&p), 0);
    size_t first = meet(&p, 0);
    peers_hold(&p, first);
    for (uint32_t i = 1; i < PEERS_MAX; i++) meet(&p, i);
    size_t second = meet(&p, PEERS_MAX);
    assert_int_not_equal(second, first);
    peers_hold(&p, second);
    assert_int_not_equal(meet(&p, PEERS_MAX + 1), second);
    assert_int_equal(meet(&p, 0), first);
    peers_let_go(&p, first);
    assert_int_equal(meet(&p, PEERS_MAX + 2), first);
    peers_let_go(&p, second);
    peers_free(&p);
}

/* Identities cost nothing: a table that kept every offender would be full for
   ever after PEERS_MAX of them. */
static void offenders_do_not_fill_the_table(void **state) {
    (void)state;
    struct peers p;
    assert_int_equal(peers_init(&p), 0);
    for (uint32_t i = 0; i < PEERS_MAX; i++) {
        struct node_finding f = { .peer = meet(&p, i),
                                  .offence = BP_OFF_BAD_BYTES };
        assert_true(peers_blame(&p, &f));
    }
    assert_int_equal(p.n_findings, NODE_FINDINGS_MAX);
    assert_true(meet(&p, PEERS_MAX) != NO_PEER);
    for (uint32_t i = 0; i < NODE_FINDINGS_MAX; i++) {
        struct enode e = stranger(i); /* whom a finding names is still there */
        assert_int_equal(peers_find(&p, e.id), p.findings[i].peer);
    }
    peers_free(&p);
}

int main(void) {
    struct log_config quiet = { .level = LOG_SILENT };
    if (log_open(&quiet) != 0) return 1;
    const struct CMUnitTest tests[] = {
        T(an_identity_has_one_entry),    T(strangers_are_forgotten_others_not),
        T(the_same_is_noted_once),       T(findings_are_bounded),
        T(a_held_entry_is_nobody_elses), T(offenders_do_not_fill_the_table),
    };
    return bp_run(tests);
}
