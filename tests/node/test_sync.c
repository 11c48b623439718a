/* Whole syncs in one process: real sockets, real seals, real stores. */
#include <stdatomic.h>
#include <unistd.h>

#include "blockpool/import.h"
#include "blockpool/record.h"
#include "node/rig.h"

#define SERVERS 3

/* Forks, uncles, transactions, and a trunk that is the heaviest. */
static const char script[] = "blocks 40 uncles\n"
                             "fork rival back 12\n"
                             "blocks 6 every 20\n"
                             "on main\n"
                             "blocks 4 txs 3\n"
                             "blocks 16 uncles\n";
#define MINED 60

static const char *mined;

static int mine(void **state) {
    (void)state;
    mined = rig_mine(script);
    return 0;
}

static void start_servers(struct rig *servers, struct enode *peers, int n,
                          const struct bp_spec *spec, const char *path) {
    for (int i = 0; i < n; i++) {
        struct node_config cfg = rig_config(
            NODE_SERVE, spec, rig_store_file(spec, path), (uint8_t)(10 + i));
        cfg.eth_max = i == 0 ? 68 : 69;
        rig_start(&servers[i], &cfg);
        peers[i] = servers[i].self;
    }
}

static void stop_servers(struct rig *servers, int n) {
    for (int i = 0; i < n; i++) rig_stop(&servers[i]);
}

static void expect_head(struct bp_store *s, const struct bp_store_entry *want) {
    struct bp_store_entry head = rig_head(s);
    assert_int_equal(head.number, want->number);
    assert_true(bp_hash_eq(&head.hash, &want->hash));
    assert_int_equal(bp_u256_cmp(&head.td, &want->td), 0);
}

static void expect_exit(struct rig *client, int code) {
    if (rig_wait(client) != code)
        fail_msg("exit code %d: %s", client->code, client->why.text);
}

/* Frees a client whose run was waited for. */
static void drop(struct rig *client) {
    node_free(client->node);
    bp_store_close(client->store);
}

/* ---- real chains ------------------------------------------------------- */

/* Syncs a chain file from three servers; the store's head must be right. */
static void sync_file(const char *network, const char *file, uint64_t last,
                      const char *hash, const char *td) {
    char path[512];
    struct bp_spec *spec;
    struct rig servers[SERVERS], client;
    struct enode peers[SERVERS];
    snprintf(path, sizeof path, "%s", need_data(file));
    assert_int_equal(bp_spec_builtin(&spec, network, NULL), 0);
    start_servers(servers, peers, SERVERS, spec, path);
    struct node_config cfg = rig_config(NODE_SYNC, spec, rig_store(spec), 20);
    cfg.peers = peers;
    cfg.n_peers = SERVERS;
    cfg.has_until_number = true;
    cfg.until_number = last;
    cfg.exit_when_synced = true;
    cfg.timeout_ms = RIG_SECONDS(30);
    rig_start(&client, &cfg);
    expect_exit(&client, NODE_EXIT_OK);

    struct bp_store_entry want = { .number = last };
    test_unhex(want.hash.b, 32, hash);
    assert_int_equal(bp_u256_parse(&want.td, td), 0);
    expect_head(client.store, &want);
    assert_int_equal(node_findings(client.node, NULL, 0), 0);
    struct node_status st;
    node_status(client.node, &st);
    assert_int_equal(st.stage, NODE_STAGE_DONE);
    assert_int_equal(st.headers_valid, last);
    assert_int_equal(st.blocks, last);
    assert_true(st.seals >= last);
    drop(&client);
    stop_servers(servers, SERVERS);
    bp_spec_free(spec);
}

static void syncs_mainnet(void **state) {
    (void)state;
    sync_file(
        "mainnet", "chains/mainnet-00000-5ec1ffb8.era1", 8191,
        "a6860fefa339c963e1bb622526cc8dd4344eedd2a9b969e74de5cccc445fbed4",
        "1344623723034024");
}

static void syncs_sepolia(void **state) {
    (void)state;
    sync_file(
        "sepolia", "chains/sepolia-00000-643a00f7.era1", 8191,
        "8e3e7dc9ef199c05683417b4aa572f0b7a8bcfafca7edb6045baabc01aa4fb0c",
        "14255663800");
}

/* ---- a mined chain ----------------------------------------------------- */

static void syncs_and_says_so(void **state) {
    (void)state;
    struct rig servers[SERVERS], client;
    struct enode peers[SERVERS];
    const struct bp_spec *spec = rig_spec();
    start_servers(servers, peers, SERVERS, spec, mined);
    struct bp_store_entry head = rig_head(servers[0].store);
    assert_int_equal(head.number, MINED);
    struct node_config cfg = rig_config(NODE_SYNC, spec, rig_store(spec), 20);
    cfg.peers = peers;
    cfg.n_peers = SERVERS;
    cfg.exit_when_synced = true;
    rig_start(&client, &cfg);
    expect_exit(&client, NODE_EXIT_OK);
    expect_head(client.store, &head);
    struct node_peer who[8];
    uint64_t bodies = 0;
    assert_int_equal(node_peers(client.node, who, 8), SERVERS);
    for (int i = 0; i < SERVERS; i++) bodies += who[i].bodies;
    assert_true(bodies > 0);
    assert_int_equal(node_findings(client.node, NULL, 0), 0);
    drop(&client);
    stop_servers(servers, SERVERS);
}

/* Stops with exactly the head that was named, and goes on from there. */
static void goes_on_where_it_stopped(void **state) {
    (void)state;
    char dir[256];
    struct rig servers[1], client;
    struct enode peers[1];
    const struct bp_spec *spec = rig_spec();
    struct bp_store_chain chain = bp_import_chain(spec);
    struct bp_store_config how = { .mode = BP_STORE_CREATE };
    test_mkdir(dir);
    start_servers(servers, peers, 1, spec, mined);
    for (int run = 0; run < 2; run++) {
        struct bp_store *s;
        assert_int_equal(bp_store_open(&s, dir, &how, &chain, NULL), 0);
        struct node_config cfg = rig_config(NODE_SYNC, spec, s, 20);
        cfg.peers = peers;
        cfg.n_peers = 1;
        cfg.has_until_number = true;
        cfg.until_number = run == 0 ? 25 : MINED;
        rig_start(&client, &cfg);
        expect_exit(&client, NODE_EXIT_OK);
        struct node_status st;
        node_status(client.node, &st);
        assert_int_equal(st.start.number, run == 0 ? 0 : 25);
        assert_int_equal(st.head.number, run == 0 ? 25 : MINED);
        assert_int_equal(bp_store_check(s, NULL), 0);
        drop(&client);
    }
    stop_servers(servers, 1);
    test_rmdir(dir);
}

/* A node that syncs serves what it has; the second one never meets the
   first. */
static void serves_what_it_synced(void **state) {
    (void)state;
    struct rig servers[1], middle, client;
    struct enode peers[1];
    const struct bp_spec *spec = rig_spec();
    start_servers(servers, peers, 1, spec, mined);
    struct bp_store_entry head = rig_head(servers[0].store);
    struct node_config cfg = rig_config(NODE_SYNC, spec, rig_store(spec), 20);
    cfg.peers = peers;
    cfg.n_peers = 1;
    rig_start(&middle, &cfg);
    struct enode next = middle.self;
    cfg = rig_config(NODE_SYNC, spec, rig_store(spec), 21);
    cfg.peers = &next;
    cfg.n_peers = 1;
    cfg.has_until_hash = true;
    cfg.until_hash = head.hash;
    cfg.timeout_ms = RIG_SECONDS(30);
    rig_start(&client, &cfg);
    expect_exit(&client, NODE_EXIT_OK);
    expect_head(client.store, &head);
    drop(&client);
    rig_stop(&middle);
    stop_servers(servers, 1);
}

static int run_to_the_end(struct node_config *cfg, char *why, size_t cap) {
    struct rig client;
    rig_start(&client, cfg);
    int code = rig_wait(&client);
    snprintf(why, cap, "%s", client.why.text);
    drop(&client);
    return code;
}

static size_t read_record(void *user, void *buf, size_t cap) {
    return fread(buf, 1, cap, user);
}

/* What a real node recorded gives the same actions when it is replayed. */
static void a_recorded_run_replays(void **state) {
    (void)state;
    char dir[256], path[300], why[512];
    struct rig servers[SERVERS];
    struct enode peers[SERVERS];
    const struct bp_spec *spec = rig_spec();
    test_mkdir(dir);
    snprintf(path, sizeof path, "%s/run.record", dir);
    start_servers(servers, peers, SERVERS, spec, mined);
    struct node_config cfg = rig_config(NODE_SYNC, spec, rig_store(spec), 20);
    cfg.peers = peers;
    cfg.n_peers = SERVERS;
    cfg.exit_when_synced = true;
    cfg.record_path = path;
    assert_int_equal(run_to_the_end(&cfg, why, sizeof why), NODE_EXIT_OK);
    stop_servers(servers, SERVERS);

    struct bp_record *r;
    struct bp_replay replay = { .check = true };
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(bp_record_open(&r, NULL, read_record, f), 0);
    assert_int_equal(bp_record_replay(r, &replay), 0);
    assert_false(replay.differs);
    assert_true(replay.complete);
    assert_true(replay.events > 10 && replay.actions > 5);
    bp_record_free(r);
    fclose(f);
    test_rmdir(dir);

    struct node *n;
    struct node_error error;
    cfg.store = rig_store(spec);
    assert_int_equal(node_new(&n, &cfg, &error), NODE_EXIT_FAILED);
    assert_non_null(strstr(error.text, "run.record: No such file"));
    bp_store_close(cfg.store);
}

/* ---- liars ---- */

static atomic_int findings;

static void on_found(void *user, struct node *n) {
    (void)user;
    (void)n;
    atomic_fetch_add(&findings, 1);
}

/* The liar alone is there first. Once it is found out, an honest node dials
   in; the sync ends right, and the liar is the only one named. */
static void survives(enum node_lie_kind kind, uint64_t at, int offence) {
    struct rig liar, honest, client;
    const struct bp_spec *spec = rig_spec();
    struct node_config cfg =
        rig_config(NODE_SERVE, spec, rig_store_file(spec, mined), 30);
    cfg.lie = (struct node_lie){ kind, at };
    rig_start(&liar, &cfg);
    struct bp_store_entry head = rig_head(liar.store);
    struct enode peers[1] = { liar.self };
    atomic_store(&findings, 0);
    cfg = rig_config(NODE_SYNC, spec, rig_store(spec), 20);
    cfg.peers = peers;
    cfg.n_peers = 1;
    cfg.has_until_hash = true;
    cfg.until_hash = head.hash;
    cfg.timeout_ms = RIG_SECONDS(40);
    cfg.hooks.found = on_found;
    rig_start(&client, &cfg);
    for (int i = 0; i < RIG_SECONDS(40) / 10; i++) {
        if (atomic_load(&findings) > 0) break;
        usleep(10000);
    }
    assert_true(atomic_load(&findings) > 0);

    struct enode to = client.self;
    cfg = rig_config(NODE_SERVE, spec, rig_store_file(spec, mined), 31);
    cfg.peers = &to;
    cfg.n_peers = 1;
    rig_start(&honest, &cfg);
    expect_exit(&client, NODE_EXIT_OK);
    expect_head(client.store, &head);
    struct node_finding f[16];
    struct node_peer who[4];
    size_t n = node_findings(client.node, f, 16);
    node_peers(client.node, who, 4);
    assert_int_equal(f[0].offence, offence);
    for (size_t i = 0; i < n; i++)
        assert_true(enode_same_id(&who[f[i].peer].enode, &liar.self));
    drop(&client);
    rig_stop(&honest);
    rig_stop(&liar);
}

static void survives_a_false_body(void **state) {
    (void)state;
    survives(NODE_LIE_BODY, 42, BP_OFF_BODY_MISMATCH);
}

static void survives_a_false_header(void **state) {
    (void)state;
    survives(NODE_LIE_HEADER, 42, BP_OFF_UNLINKED);
}

static void survives_silence(void **state) {
    (void)state;
    survives(NODE_LIE_STALL, 1, BP_OFF_LATE);
}

static void survives_hanging_up(void **state) {
    (void)state;
    survives(NODE_LIE_DROP, 1, BP_OFF_GONE);
}

static void survives_empty_answers(void **state) {
    (void)state;
    survives(NODE_LIE_EMPTY, 0, BP_OFF_EMPTY);
}

static void survives_another_chain(void **state) {
    (void)state;
    survives(NODE_LIE_GENESIS, 0, BP_OFF_WRONG_CHAIN);
}

/* ---- how it ends ------------------------------------------------------- */

static void gives_up_without_a_usable_peer(void **state) {
    (void)state;
    char why[512];
    const struct bp_spec *spec = rig_spec();
    struct rig liar;
    struct node_config cfg =
        rig_config(NODE_SERVE, spec, rig_store_file(spec, mined), 30);
    cfg.lie.kind = NODE_LIE_GENESIS;
    rig_start(&liar, &cfg);
    struct enode peers[2] = { liar.self, liar.self };
    peers[1].id[63] ^= 1; /* no key of the curve, or nobody's */
    cfg = rig_config(NODE_SYNC, spec, rig_store(spec), 20);
    cfg.peers = peers;
    cfg.n_peers = 2;
    cfg.exit_when_synced = true;
    cfg.timeout_ms = 1500;
    assert_int_equal(run_to_the_end(&cfg, why, sizeof why), NODE_EXIT_PEERS);
    assert_non_null(strstr(why, "no usable peer"));
    assert_non_null(strstr(why, "another genesis"));
    rig_stop(&liar);
    /* Nobody listens there any more. */
    cfg = rig_config(NODE_SYNC, spec, rig_store(spec), 20);
    cfg.peers = peers;
    cfg.n_peers = 1;
    cfg.timeout_ms = 1500;
    assert_int_equal(run_to_the_end(&cfg, why, sizeof why), NODE_EXIT_PEERS);
    assert_non_null(strstr(why, "connection refused"));
}

static void says_when_until_is_not_there(void **state) {
    (void)state;
    char why[512];
    struct rig servers[1];
    struct enode peers[1];
    const struct bp_spec *spec = rig_spec();
    start_servers(servers, peers, 1, spec, mined);
    struct node_config cfg = rig_config(NODE_SYNC, spec, rig_store(spec), 20);
    cfg.peers = peers;
    cfg.n_peers = 1;
    cfg.exit_when_synced = true;
    cfg.has_until_number = true;
    cfg.until_number = MINED + 1;
    assert_int_equal(run_to_the_end(&cfg, why, sizeof why), NODE_EXIT_ABSENT);
    assert_non_null(strstr(why, "ends at block 60"));
    stop_servers(servers, 1);
}

static void knows_itself(void **state) {
    (void)state;
    const struct bp_spec *spec = rig_spec();
    struct rig first;
    struct node_config cfg = rig_config(NODE_SYNC, spec, rig_store(spec), 20);
    rig_start(&first, &cfg);
    struct enode self = first.self;
    rig_stop(&first);
    /* The same key and, as far as the port is still free, the same address. */
    cfg = rig_config(NODE_SYNC, spec, rig_store(spec), 20);
    cfg.port = self.port;
    cfg.peers = &self;
    cfg.n_peers = 1;
    cfg.timeout_ms = 1500;
    char why[512];
    assert_int_equal(run_to_the_end(&cfg, why, sizeof why), NODE_EXIT_PEERS);
    assert_non_null(strstr(why, "this node itself"));
}

static void stops_when_told(void **state) {
    (void)state;
    const struct bp_spec *spec = rig_spec();
    struct rig r;
    struct node_config cfg = rig_config(NODE_SYNC, spec, rig_store(spec), 20);
    rig_start(&r, &cfg);
    rig_stop(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(syncs_and_says_so),
        T(goes_on_where_it_stopped),
        T(serves_what_it_synced),
        T(a_recorded_run_replays),
        T(survives_a_false_body),
        T(survives_a_false_header),
        T(survives_silence),
        T(survives_hanging_up),
        T(survives_empty_answers),
        T(survives_another_chain),
        T(gives_up_without_a_usable_peer),
        T(says_when_until_is_not_there),
        T(knows_itself),
        T(stops_when_told),
        T(syncs_mainnet),
        T(syncs_sepolia),
    };
    return cmocka_run_group_tests(tests, mine, NULL);
}
