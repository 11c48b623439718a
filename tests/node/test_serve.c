/* A serving node against a peer played by hand: every request is answered,
   every false word ends the session for the right reason. */
#include <sys/resource.h>
#include <unistd.h>

#include "blockpool/keccak.h"
#include "node/peer.h"
#include "node/rig.h"

#define BLOCKS 60

static struct rig server;

static int start(void **state) {
    (void)state;
    struct bp_store *s = rig_store_plain(rig_spec(), BLOCKS);
    struct node_config cfg = rig_config(NODE_SERVE, rig_spec(), s, 1);
    rig_start(&server, &cfg);
    return 0;
}

static int stop(void **state) {
    (void)state;
    rig_stop(&server);
    return 0;
}

/* The numbers of the headers in an answer, as text. */
static const char *numbers(struct bp_items items) {
    static char text[4096];
    bp_span item;
    size_t n = 0;
    text[0] = '\0';
    while (bp_items_next(&item, &items)) {
        struct bp_header h;
        assert_int_equal(bp_header_decode(&h, &item), 0);
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%llu",
                              n > 0 ? " " : "", (unsigned long long)h.number);
    }
    return text;
}

/* ---- Status ------------------------------------------------------------ */

static void says_who_it_is(void **state) {
    (void)state;
    struct bp_store_entry head = rig_head(server.store);
    for (unsigned eth = 68; eth <= 69; eth++) {
        struct peer_script p;
        struct bp_msg_status theirs;
        peer_dial(&p, &server.self, 7, eth, eth);
        peer_greet(&p, &theirs, NULL);
        assert_int_equal(p.eth, eth);
        assert_int_equal(theirs.network, rig_spec()->network_id);
        assert_true(bp_hash_eq(&theirs.genesis, &rig_spec()->genesis_hash));
        assert_true(bp_hash_eq(&theirs.head, &head.hash));
        assert_int_equal(theirs.latest, eth == 69 ? BLOCKS : 0);
        if (eth == 68) assert_int_equal(bp_u256_cmp(&theirs.td, &head.td), 0);
        peer_close(&p);
    }
}

static void chooses_the_highest_version(void **state) {
    (void)state;
    struct peer_script p;
    struct bp_msg_status theirs;
    peer_dial(&p, &server.self, 7, 66, 69);
    peer_greet(&p, &theirs, NULL);
    assert_int_equal(p.eth, 69);
    peer_close(&p);
    peer_dial(&p, &server.self, 7, 66, 67);
    assert_int_equal(peer_expect_end(&p, PEER_PATIENCE_MS), -1);
    assert_int_equal(p.error, BP_ERR_RLPX_USELESS);
    peer_close(&p);
}

static void greet(struct peer_script *p, unsigned eth) {
    struct bp_msg_status theirs;
    peer_dial(p, &server.self, 7, eth, eth);
    peer_greet(p, &theirs, NULL);
}

/* ---- answers ----------------------------------------------------------- */

static void answers_header_requests(void **state) {
    (void)state;
    struct peer_script p;
    for (unsigned eth = 68; eth <= 69; eth++) {
        greet(&p, eth);
        bp_hash ten = rig_hash_at(server.store, 10);
        struct {
            const bp_hash *hash;
            uint64_t number, amount, skip;
            bool reverse;
            const char *want;
        } asks[] = {
            { &ten, 0, 3, 0, false, "10 11 12" },
            { &ten, 0, 4, 0, true, "10 9 8 7" },
            { &ten, 0, 3, 2, true, "10 7 4" },
            { NULL, 2, 3, 4, false, "2 7 12" },
            { NULL, 2, 10, 0, true, "2 1 0" },
            { NULL, BLOCKS - 1, 10, 0, false, "59 60" },
            { NULL, BLOCKS + 1, 1, 0, false, "" },
            { NULL, 1, 0, 0, false, "" },
            { NULL, UINT64_MAX, 1, 0, false, "" },
            { NULL, 1, 3, UINT64_MAX, false, "1" },
            { NULL, 5, 3, UINT64_MAX - 5, false, "5" },
            { NULL, 5, 3, UINT64_MAX, true, "5" },
        };
        for (size_t i = 0; i < sizeof asks / sizeof asks[0]; i++)
            assert_string_equal(
                numbers(peer_ask_headers(&p, i + 1, asks[i].hash,
                                         asks[i].number, asks[i].amount,
                                         asks[i].skip, asks[i].reverse)),
                asks[i].want);
        bp_hash unknown = { { 7 } };
        assert_string_equal(
            numbers(peer_ask_headers(&p, 99, &unknown, 0, 5, 0, false)), "");
        assert_int_equal(peer_ask_headers(&p, 0, NULL, 0, 5000, 0, false).n,
                         BLOCKS + 1);
        peer_close(&p);
    }
}

static void answers_body_requests(void **state) {
    (void)state;
    struct peer_script p;
    greet(&p, 69);
    bp_hash asked[4] = { rig_hash_at(server.store, 5),
                         { { 9 } },
                         rig_hash_at(server.store, 6),
                         { { 8 } } };
    struct bp_items items = peer_ask(&p, BP_MSG_GET_BLOCK_BODIES, 5, asked, 4);
    assert_int_equal(items.n, 2);
    bp_span item;
    struct bp_body body;
    assert_true(bp_items_next(&item, &items));
    assert_int_equal(bp_body_decode(&body, &item), 0);
    assert_true(body.uncles.n > 100); /* block 5 has an uncle */
    assert_true(bp_items_next(&item, &items));
    assert_int_equal(bp_body_decode(&body, &item), 0);
    assert_int_equal(body.uncles.n, 1);
    assert_int_equal(peer_ask(&p, BP_MSG_GET_BLOCK_BODIES, 6, NULL, 0).n, 0);
    peer_close(&p);
}

static void answers_what_it_does_not_have(void **state) {
    (void)state;
    struct peer_script p;
    bp_hash asked[2] = { rig_hash_at(server.store, 1), { { 1 } } };
    greet(&p, 68);
    /* No transactions: the receipts are known without being stored. */
    assert_int_equal(peer_ask(&p, BP_MSG_GET_RECEIPTS, 1, asked, 2).n, 1);
    assert_int_equal(peer_ask(&p, BP_MSG_GET_POOLED_TXS, 2, asked, 2).n, 0);
    peer_close(&p);
}

static void answers_in_the_order_asked(void **state) {
    (void)state;
    enum { N = 200 };
    struct peer_script p;
    greet(&p, 69);
    for (uint64_t i = 0; i < N; i++) {
        struct bp_msg msg = {
            .id = BP_MSG_GET_BLOCK_HEADERS,
            .u.get_headers = { .request_id = 1000 + i,
                               .origin = { .by_number = true,
                                           .number = i % BLOCKS },
                               .amount = 1 },
        };
        peer_say(&p, &msg);
    }
    for (uint64_t i = 0; i < N; i++) {
        peer_expect(&p, BP_MSG_BLOCK_HEADERS);
        assert_int_equal(p.msg.u.reply.request_id, 1000 + i);
        assert_int_equal(p.msg.u.reply.items.n, 1);
    }
    peer_close(&p);
}

/* One that asks for everything and reads nothing costs the others nothing. */
static void a_slow_reader_harms_nobody(void **state) {
    (void)state;
    struct peer_script slow, other;
    greet(&slow, 69);
    for (uint64_t i = 0; i < 3000; i++) {
        struct bp_msg msg = {
            .id = BP_MSG_GET_BLOCK_HEADERS,
            .u.get_headers = { .request_id = i,
                               .origin = { .by_number = true },
                               .amount = BLOCKS },
        };
        peer_say(&slow, &msg);
    }
    struct bp_msg_status theirs;
    peer_dial(&other, &server.self, 8, 69, 69);
    peer_greet(&other, &theirs, NULL);
    assert_string_equal(
        numbers(peer_ask_headers(&other, 1, NULL, 3, 2, 0, false)), "3 4");
    peer_close(&other);
    /* It gets its answers when it reads at last. */
    for (uint64_t i = 0; i < 3000; i++) {
        peer_expect(&slow, BP_MSG_BLOCK_HEADERS);
        assert_int_equal(slow.msg.u.reply.request_id, i);
    }
    peer_close(&slow);
}

/* Peak memory of this process so far. */
static size_t peak_bytes(void) {
    struct rusage use;
    assert_int_equal(getrusage(RUSAGE_SELF, &use), 0);
    return (size_t)use.ru_maxrss << 10;
}

/* A request of 60 bytes asks for half a megabyte: answers are not built ahead
   of a peer that does not take them. */
static void answers_are_not_piled_up(void **state) {
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); /* what was freed stays in the sanitizer's hands */
#endif
    enum { ASKED = 400, HEADERS = 1024 };
    struct bp_store *s = rig_store_plain(rig_spec(), HEADERS);
    struct node_config cfg = rig_config(NODE_SERVE, rig_spec(), s, 2);
    struct rig r;
    struct peer_script slow, other;
    struct bp_msg_status theirs;
    rig_start(&r, &cfg);
    peer_dial(&slow, &r.self, 50, 69, 69);
    peer_greet(&slow, &theirs, NULL);
    size_t answer = 0, before = peak_bytes();
    for (uint64_t i = 0; i < ASKED; i++) {
        struct bp_msg msg = {
            .id = BP_MSG_GET_BLOCK_HEADERS,
            .u.get_headers = { .request_id = i,
                               .origin = { .by_number = true },
                               .amount = HEADERS },
        };
        peer_say(&slow, &msg);
    }
    /* Whoever asks now is answered when the first one's turns are over. */
    peer_dial(&other, &r.self, 51, 69, 69);
    peer_greet(&other, &theirs, NULL);
    for (uint64_t i = 0; i < 20; i++)
        answer = peer_ask_headers(&other, i, NULL, 0, HEADERS, 0, false).rlp.n;
    peer_close(&other);
    assert_true(answer > 400 << 10);
    assert_true(peak_bytes() - before < ASKED * answer / 4);
    peer_close(&slow);
    rig_stop(&r);
}

static void passes_over_what_it_does_not_need(void **state) {
    (void)state;
    struct peer_script p;
    static const uint8_t list[] = { 0xc3, 0x01, 0x02, 0x03 };
    greet(&p, 68);
    peer_say_bytes(&p, BP_MSG_TRANSACTIONS, (bp_span){ list, sizeof list });
    assert_int_equal(bp_rlpx_ping(p.session), 0);
    enum peer_heard heard;
    do heard = peer_hear(&p, PEER_PATIENCE_MS);
    while (heard == PEER_MESSAGE);
    assert_int_equal(heard, PEER_PONG);
    assert_string_equal(numbers(peer_ask_headers(&p, 1, NULL, 3, 1, 0, false)),
                        "3");
    peer_close(&p);
}

/* ---- sessions that end ------------------------------------------------- */

static void expect_parting(const struct bp_msg_status *status, int reason) {
    struct peer_script p;
    struct bp_msg_status theirs;
    peer_dial(&p, &server.self, 9, 68, 68);
    peer_greet(&p, &theirs, status);
    assert_int_equal(peer_expect_end(&p, PEER_PATIENCE_MS), reason);
    peer_close(&p);
}

static void parts_from_other_chains(void **state) {
    (void)state;
    struct peer_script p;
    struct bp_msg_status good;
    peer_dial(&p, &server.self, 9, 68, 68);
    peer_greet(&p, &good, NULL);
    peer_close(&p);
    struct bp_msg_status bad = good;
    bad.network++;
    expect_parting(&bad, BP_DISC_USELESS);
    bad = good;
    bad.genesis.b[0] ^= 1;
    expect_parting(&bad, BP_DISC_USELESS);
    bad = good;
    bad.fork_hash[0] ^= 1;
    expect_parting(&bad, BP_DISC_USELESS);
    bad = good;
    bad.version = 67;
    expect_parting(&bad, BP_DISC_BREACH);
}

static void parts_from_those_who_break_the_protocol(void **state) {
    (void)state;
    static const uint8_t junk[] = { 0xc2, 0x01, 0x80 };
    static const struct {
        bool greeted;
        uint64_t code;
    } cases[] = {
        { false, BP_MSG_STATUS },            /* does not decode */
        { false, BP_MSG_GET_BLOCK_HEADERS }, /* before Status */
        { true, BP_MSG_STATUS },             /* a second one */
        { true, BP_MSG_GET_BLOCK_HEADERS },  /* does not decode */
        { true, BP_MSG_BLOCK_HEADERS },      /* nobody asked */
        { true, BP_MSG_NODE_DATA },          /* not of this version */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct peer_script p;
        struct bp_msg_status theirs;
        peer_dial(&p, &server.self, (uint8_t)(20 + i), 69, 69);
        if (cases[i].greeted)
            peer_greet(&p, &theirs, NULL);
        else
            while (p.eth == 0) peer_hear(&p, PEER_PATIENCE_MS);
        peer_say_bytes(&p, cases[i].code, (bp_span){ junk, sizeof junk });
        assert_int_equal(peer_expect_end(&p, PEER_PATIENCE_MS), BP_DISC_BREACH);
        peer_close(&p);
    }
}

static void hangs_up_on_noise(void **state) {
    (void)state;
    struct peer_script p;
    static const char http[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    uint8_t noise[3000];
    peer_connect(&p, &server.self);
    peer_send_raw(&p, http, sizeof http - 1);
    peer_send_raw(&p, http, sizeof http - 1);
    memset(noise, 0x5a, sizeof noise);
    peer_send_raw(&p, noise, sizeof noise);
    assert_int_equal(peer_expect_end(&p, PEER_PATIENCE_MS), -1);
    peer_close(&p);
}

/* Five seconds for a handshake; the slowest of these tests. */
static void hangs_up_on_the_silent(void **state) {
    (void)state;
    struct peer_script tcp_only, no_status;
    peer_connect(&tcp_only, &server.self);
    peer_dial(&no_status, &server.self, 30, 69, 69);
    while (no_status.eth == 0) peer_hear(&no_status, PEER_PATIENCE_MS);
    assert_int_equal(peer_expect_end(&no_status, 8000), BP_DISC_TIMEOUT);
    assert_int_equal(peer_expect_end(&tcp_only, 8000), -1);
    peer_close(&no_status);
    peer_close(&tcp_only);
}

static void an_identity_has_one_session(void **state) {
    (void)state;
    struct peer_script first, second;
    struct bp_msg_status theirs;
    peer_dial(&first, &server.self, 31, 69, 69);
    peer_greet(&first, &theirs, NULL);
    assert_int_equal(peer_ask_headers(&first, 1, NULL, 1, 1, 0, false).n, 1);
    peer_dial(&second, &server.self, 31, 69, 69);
    assert_int_equal(peer_expect_end(&second, PEER_PATIENCE_MS),
                     BP_DISC_ALREADY);
    assert_int_equal(peer_ask_headers(&first, 2, NULL, 1, 1, 0, false).n, 1);
    peer_close(&first);
    peer_close(&second);
}

static void a_crowd_is_turned_away(void **state) {
    (void)state;
    struct bp_store *s = rig_store_plain(rig_spec(), 1);
    struct node_config cfg = rig_config(NODE_SERVE, rig_spec(), s, 2);
    cfg.max_peers = 2;
    struct rig r;
    rig_start(&r, &cfg);
    struct peer_script p[3];
    struct bp_msg_status theirs;
    for (uint8_t i = 0; i < 2; i++) {
        peer_dial(&p[i], &r.self, (uint8_t)(40 + i), 69, 69);
        peer_greet(&p[i], &theirs, NULL);
        assert_int_equal(peer_ask_headers(&p[i], 1, NULL, 1, 1, 0, 0).n, 1);
    }
    peer_dial(&p[2], &r.self, 42, 69, 69);
    assert_int_equal(peer_expect_end(&p[2], PEER_PATIENCE_MS),
                     BP_DISC_TOO_MANY);
    for (int i = 0; i < 3; i++) peer_close(&p[i]);
    rig_stop(&r);
}

/* A session that was ended and whose peer does not close its side still has its
   socket: it counts as a handshake until it is gone. */
static void endings_count_as_handshakes(void **state) {
    (void)state;
    struct node_config cfg =
        rig_config(NODE_SERVE, rig_spec(), rig_store_plain(rig_spec(), 1), 2);
    cfg.max_pending = 2;
    struct rig r;
    rig_start(&r, &cfg);
    struct peer_script p[2], next;
    for (uint8_t i = 0; i < 2; i++) {
        struct bp_msg_status theirs;
        peer_dial(&p[i], &r.self, (uint8_t)(50 + i), 69, 69);
        peer_greet(&p[i], &theirs, NULL);
        assert_int_equal(peer_ask_headers(&p[i], 1, NULL, 1, 1, 0, 0).n, 1);
        peer_say_bytes(&p[i], BP_MSG_STATUS, (bp_span){ NULL, 0 });
        assert_int_equal(peer_expect_end(&p[i], PEER_PATIENCE_MS),
                         BP_DISC_BREACH);
    }
    peer_dial(&next, &r.self, 52, 69, 69);
    assert_int_equal(peer_expect_end(&next, PEER_PATIENCE_MS), -1);
    peer_close(&next);
    for (int i = 0; i < 2; i++) peer_close(&p[i]);
    for (uint64_t n = 1; next.eth == 0; n++) { /* they are gone in a moment */
        assert_true(n < 50);
        peer_dial(&next, &r.self, 52, 69, 69);
        if (peer_hear(&next, PEER_PATIENCE_MS) == PEER_READY) break;
        peer_close(&next);
        usleep(20000);
    }
    peer_close(&next);
    rig_stop(&r);
}

static void strangers_are_turned_away(void **state) {
    (void)state;
    struct bp_store *s = rig_store_plain(rig_spec(), 1);
    struct node_config cfg = rig_config(NODE_SERVE, rig_spec(), s, 2);
    cfg.peer_only = true;
    struct rig r;
    rig_start(&r, &cfg);
    struct peer_script p;
    peer_dial(&p, &r.self, 43, 69, 69);
    assert_int_equal(peer_expect_end(&p, PEER_PATIENCE_MS), BP_DISC_TOO_MANY);
    peer_close(&p);
    rig_stop(&r);
}

static void says_goodbye_when_it_stops(void **state) {
    (void)state;
    struct bp_store *s = rig_store_plain(rig_spec(), 1);
    struct node_config cfg = rig_config(NODE_SERVE, rig_spec(), s, 2);
    struct rig r;
    rig_start(&r, &cfg);
    struct peer_script p;
    struct bp_msg_status theirs;
    peer_dial(&p, &r.self, 44, 69, 69);
    peer_greet(&p, &theirs, NULL);
    assert_int_equal(peer_ask_headers(&p, 1, NULL, 1, 1, 0, false).n, 1);
    node_stop(r.node);
    assert_int_equal(peer_expect_end(&p, PEER_PATIENCE_MS), BP_DISC_QUITTING);
    peer_close(&p);
    rig_stop(&r);
}

/* ---- what cannot be begun ---------------------------------------------- */

static void a_used_port_is_an_error(void **state) {
    (void)state;
    struct bp_store *s = rig_store_plain(rig_spec(), 1);
    struct node_config cfg = rig_config(NODE_SERVE, rig_spec(), s, 2);
    cfg.port = server.self.port;
    struct node *n;
    struct node_error why;
    char want[64];
    assert_int_equal(node_new(&n, &cfg, &why), NODE_EXIT_FAILED);
    assert_null(n);
    snprintf(want, sizeof want, "127.0.0.1 port %u: address already in use",
             cfg.port);
    assert_non_null(strstr(why.text, want));
    cfg.port = 0;
    cfg.addr = "192.0.2.1"; /* nobody's */
    assert_int_equal(node_new(&n, &cfg, &why), NODE_EXIT_FAILED);
    cfg.addr = "localhost";
    assert_int_equal(node_new(&n, &cfg, &why), NODE_EXIT_FAILED);
    bp_store_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(says_who_it_is),
        T(chooses_the_highest_version),
        T(answers_header_requests),
        T(answers_body_requests),
        T(answers_what_it_does_not_have),
        T(answers_in_the_order_asked),
        T(a_slow_reader_harms_nobody),
        T(answers_are_not_piled_up),
        T(passes_over_what_it_does_not_need),
        T(parts_from_other_chains),
        T(parts_from_those_who_break_the_protocol),
        T(hangs_up_on_noise),
        T(hangs_up_on_the_silent),
        T(an_identity_has_one_session),
        T(a_crowd_is_turned_away),
        T(endings_count_as_handshakes),
        T(strangers_are_turned_away),
        T(says_goodbye_when_it_stops),
        T(a_used_port_is_an_error),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
