/* What a syncing node says to its peers unasked, and asks besides blocks. */
#include <stdatomic.h>
#include <unistd.h>

#include "blockpool/keccak.h"
#include "node/peer.h"
#include "node/rig.h"

#define BLOCKS 6

static const char *mined;

static int mine(void **state) {
    (void)state;
    mined = rig_mine("blocks 6\n");
    return 0;
}

/* A node that runs until it is stopped, with nobody to sync from. */
static void start_client(struct rig *client, struct node_config *cfg,
                         const struct bp_spec *spec) {
    *cfg = rig_config(NODE_SYNC, spec, rig_store(spec), 20);
    cfg->required_ms = RIG_SECONDS(1) / 2;
    rig_start(client, cfg);
}

/* A server that dials this client. */
static void start_server(struct rig *server, struct enode *client) {
    struct node_config cfg = rig_config(NODE_SERVE, rig_spec(),
                                        rig_store_file(rig_spec(), mined), 10);
    cfg.peers = client;
    cfg.n_peers = 1;
    rig_start(server, &cfg);
}

/* eth/68 peers hear of the new head once there is nothing heavier, eth/69 peers
   of the range. */
static void tells_its_new_head(void **state) {
    (void)state;
    struct node_config cfg;
    struct rig client, server;
    struct peer_script old, new;
    struct bp_msg_status theirs;
    struct bp_items items;
    bp_hash hash;
    uint64_t number;
    start_client(&client, &cfg, rig_spec());
    peer_dial(&old, &client.self, 40, 68, 68);
    peer_greet(&old, &theirs, NULL);
    peer_dial(&new, &client.self, 41, 69, 69);
    peer_greet(&new, &theirs, NULL);
    start_server(&server, &client.self);
    struct bp_store_entry head = rig_head(server.store);
    assert_int_equal(head.number, BLOCKS);

    peer_expect(&old, BP_MSG_NEW_BLOCK_HASHES);
    items = old.msg.u.announce.blocks;
    assert_int_equal(items.n, 1); /* what it caught up with is no news */
    assert_true(bp_items_announced(&hash, &number, &items));
    assert_true(bp_hash_eq(&hash, &head.hash));
    assert_int_equal(number, head.number);
    do peer_expect(&new, BP_MSG_BLOCK_RANGE_UPDATE);
    while (new.msg.u.range.latest < head.number);
    assert_true(bp_hash_eq(&new.msg.u.range.latest_hash, &head.hash));
    peer_close(&old);
    peer_close(&new);
    rig_stop(&server);
    rig_stop(&client);
}

/* ---- required blocks ---------------------------------------------------- */

enum shows { THE_BLOCK, NOTHING_YET, ANOTHER, ANOTHER_NUMBER, TWO, SILENCE };

static void put_header(struct bp_rlp_w *w, uint64_t number, uint64_t time) {
    struct bp_header h = rig_spec()->genesis;
    h.number = number;
    h.time = time;
    bp_header_put(w, &h);
}

/* The block that the chain must have: number 3 of no chain in particular. */
static bp_hash required_hash(void) {
    uint8_t raw[BP_HEADER_BYTES_MAX];
    struct bp_rlp_w w = { .p = raw, .cap = sizeof raw };
    bp_hash hash;
    put_header(&w, 3, 1000);
    bp_keccak256(&hash, (bp_span){ raw, w.n });
    return hash;
}

static void show(struct peer_script *p, enum shows what) {
    uint8_t raw[2 * BP_HEADER_BYTES_MAX];
    struct bp_rlp_w w = { .p = raw, .cap = sizeof raw };
    size_t n = what == TWO ? 2 : what == NOTHING_YET ? 0 : 1;
    for (size_t i = 0; i < n; i++)
        put_header(&w, what == ANOTHER_NUMBER ? 4 : 3,
                   what == ANOTHER ? 1001 : 1000);
    struct bp_msg msg = {
        .id = BP_MSG_BLOCK_HEADERS,
        .u.reply = { .request_id = p->msg.u.get_headers.request_id,
                     .items = { { raw, w.n }, n } },
    };
    peer_say(p, &msg);
}

/* Dials, greets and shows; returns the reason with which the node parts, or -1:
   the session lives. */
static int is_parted(const struct enode *to, uint8_t seed, enum shows what) {
    struct peer_script p;
    struct bp_msg_status theirs;
    peer_dial(&p, to, seed, 68, 68);
    peer_greet(&p, &theirs, NULL);
    peer_expect(&p, BP_MSG_GET_BLOCK_HEADERS);
    const struct bp_msg_get_headers *m = &p.msg.u.get_headers;
    assert_true(m->origin.by_number && m->origin.number == 3);
    assert_int_equal(m->amount, 1);
    int reason = -1;
    if (what == SILENCE) {
        reason = peer_expect_end(&p, RIG_SECONDS(5));
    } else {
        show(&p, what);
        assert_int_equal(bp_rlpx_ping(p.session), 0);
        enum peer_heard heard = peer_hear(&p, PEER_PATIENCE_MS);
        if (heard == PEER_PARTED) reason = (int)p.reason;
        if (heard != PEER_PARTED) assert_int_equal(heard, PEER_PONG);
    }
    peer_close(&p);
    return reason;
}

static void asks_for_required_blocks(void **state) {
    (void)state;
    struct bp_spec *spec;
    struct node_config cfg;
    struct rig client;
    bp_hash hash = required_hash();
    assert_int_equal(bp_spec_builtin(&spec, "dev", NULL), 0);
    assert_int_equal(bp_spec_require(spec, 3, &hash), 0);
    start_client(&client, &cfg, spec);
    assert_int_equal(is_parted(&client.self, 50, THE_BLOCK), -1);
    assert_int_equal(is_parted(&client.self, 51, NOTHING_YET), -1);
    assert_int_equal(is_parted(&client.self, 52, ANOTHER), BP_DISC_USELESS);
    assert_int_equal(is_parted(&client.self, 53, ANOTHER_NUMBER),
                     BP_DISC_BREACH);
    assert_int_equal(is_parted(&client.self, 54, TWO), BP_DISC_BREACH);
    assert_int_equal(is_parted(&client.self, 55, SILENCE), BP_DISC_TIMEOUT);

    /* An eth/69 peer that says how far it has come is not asked for more. */
    struct peer_script p;
    struct bp_msg_status theirs;
    peer_dial(&p, &client.self, 56, 69, 69);
    peer_greet(&p, &theirs, NULL);
    assert_int_equal(bp_rlpx_ping(p.session), 0);
    assert_int_equal(peer_hear(&p, PEER_PATIENCE_MS), PEER_PONG);
    peer_close(&p);

    struct node_finding f[8];
    node_stop(client.node);
    assert_int_equal(rig_wait(&client), 0);
    assert_int_equal(node_findings(client.node, f, 8), 3);
    assert_int_equal(f[0].offence, BP_OFF_WRONG_CHAIN);
    assert_int_equal(f[0].code, BP_ERR_RULE_REQUIRED_HASH);
    rig_stop(&client);
    bp_spec_free(spec);
}

/* ---- a full disk -------------------------------------------------------- */

static void stop_at_the_head(void *user, struct node *n) {
    (void)user;
    struct node_status st;
    node_status(n, &st);
    if (st.head.number == BLOCKS) node_stop(n);
}

/* A node that is to run for ever waits and tries again, and blames nobody; one
   that is to end by itself ends. */
static void a_full_disk_is_waited_for(void **state) {
    (void)state;
    for (int ends = 0; ends < 2; ends++) {
        struct rig server, client;
        struct node_config cfg =
            rig_config(NODE_SYNC, rig_spec(), rig_store(rig_spec()), 20);
        cfg.disk_retry_ms = 100;
        cfg.hooks.tick = stop_at_the_head;
        cfg.hooks.tick_ms = 50;
        cfg.exit_when_synced = ends == 1;
        bp_store_mem_fail_at(cfg.store, 1, BP_ERR_DISK_FULL);
        rig_start(&client, &cfg);
        start_server(&server, &client.self);
        assert_int_equal(rig_wait(&client), ends ? NODE_EXIT_DISK : 0);
        assert_int_equal(rig_head(client.store).number, ends ? 0 : BLOCKS);
        assert_int_equal(node_findings(client.node, NULL, 0), 0);
        node_free(client.node);
        bp_store_close(client.store);
        rig_stop(&server);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(tells_its_new_head),
        T(asks_for_required_blocks),
        T(a_full_disk_is_waited_for),
    };
    return cmocka_run_group_tests(tests, mine, NULL);
}
