#include "lib/test.h"

#include "blockpool/spec.h"

static struct bp_spec *parse(const char *text) {
    struct bp_spec *s = NULL;
    char why[BP_SPEC_TEXT_MAX] = "";
    bp_span in = { (const uint8_t *)text, strlen(text) };
    if (bp_spec_parse(&s, in, NULL, why) != 0) fail_msg("%s", why);
    return s;
}

static void spec_built_in_networks(void **state) {
    (void)state;
    static const struct {
        const char *name, *genesis;
        uint64_t network_id, chain_id;
    } want[] = {
        { "mainnet",
          "d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0d"
          "b1cb8fa3",
          1, 1 },
        { "classic",
          "d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0d"
          "b1cb8fa3",
          1, 61 },
        { "mordor",
          "a68ebde7932eccb177d38d55dcc6461a019dd795a681e59b5a3e4f3a7"
          "259a3f1",
          7, 63 },
        { "sepolia",
          "25a5cc106eea7138acab33231d7160d69cb777ee0c2c553fcddf5138"
          "993e6dd9",
          11155111, 11155111 },
        { "dev", NULL, 1337, 1337 },
    };
    size_t n = 0;
    while (bp_spec_builtin_names()[n] != NULL) n++;
    assert_int_equal(n, 5);
    for (size_t i = 0; i < n; i++) {
        struct bp_spec *s;
        bp_hash h, again;
        assert_int_equal(bp_spec_builtin(&s, want[i].name, NULL), 0);
        assert_string_equal(s->name, want[i].name);
        assert_int_equal(s->network_id, want[i].network_id);
        assert_int_equal(s->chain_id, want[i].chain_id);
        if (want[i].genesis != NULL) {
            assert_int_equal(bp_unhex(h.b, 32, want[i].genesis), 0);
            assert_memory_equal(h.b, s->genesis_hash.b, 32);
        }
        bp_header_hash(&again, &s->genesis);
        assert_memory_equal(again.b, s->genesis_hash.b, 32);
        assert_int_equal(s->minimum_difficulty.w[0],
                         strcmp(s->name, "dev") == 0 ? 16 : 131072);
        bp_spec_free(s);
    }
    struct bp_spec *s;
    assert_int_equal(bp_spec_builtin(&s, "nowhere", NULL), BP_ERR_SPEC_NAME);
}

static void spec_details_of_networks(void **state) {
    (void)state;
    struct bp_spec *s;
    char dec[BP_U256_DEC_MAX];
    assert_int_equal(bp_spec_builtin(&s, "mainnet", NULL), 0);
    assert_int_equal(s->fork[BP_FORK_LONDON], 12965000);
    assert_int_equal(s->fork[BP_FORK_PRAGUE], 1746612311);
    assert_true(s->fork[BP_FORK_ATLANTIS] == BP_FORK_NEVER);
    assert_true(s->dao_support && s->has_ttd);
    bp_u256_to_dec(dec, &s->ttd);
    assert_string_equal(dec, "58750000000000000000000");
    assert_int_equal(s->n_bombs, 6);
    assert_int_equal(s->n_blobs, 4);
    assert_int_equal(s->blobs[3].max, 21);
    assert_int_equal(s->n_bootnodes, 4);
    assert_memory_equal(s->bootnodes[0], "enode://", 8);
    assert_int_equal(s->n_dns, 1);
    assert_int_equal(s->n_required, 1);
    assert_int_equal(s->required[0].number, 1920000);
    assert_int_equal(bp_spec_epoch_blocks(s, 20000000), 30000);
    bp_spec_free(s);
    assert_int_equal(bp_spec_builtin(&s, "classic", NULL), 0);
    assert_int_equal(s->ecip1010_length, 2000000);
    assert_int_equal(s->mess_from, 11380000);
    assert_int_equal(s->mess_to, 19250000);
    assert_true(s->no_base_fee && !s->dao_support && !s->has_ttd);
    assert_int_equal(bp_spec_epoch_blocks(s, 11699999), 30000);
    assert_int_equal(bp_spec_epoch_blocks(s, 11700000), 60000);
    bp_spec_free(s);
}

static void spec_of_a_genesis_file(void **state) {
    (void)state;
    static const struct {
        const char *genesis, *hash;
    } row[] = {
        { "chains/ethtest/genesis.json",
          "bd6a252af394d80904c5993b859574bd4669642cea00a116970ec7887db67533" },
        { "chains/ethtest-pow/genesis.json",
          "d6f7972e854d4d7812fca9f911e9a1c1db3b89e2650a25b7782a1d8972ced000" },
    };
    for (int i = 0; i < 2; i++) {
        size_t n;
        bp_hash want;
        char *text = (char *)test_read(need_data(row[i].genesis), &n);
        struct bp_spec *s = parse(text);
        assert_int_equal(bp_unhex(want.b, 32, row[i].hash), 0);
        assert_memory_equal(s->genesis_hash.b, want.b, 32);
        if (i == 0) {
            assert_int_equal(s->fork[BP_FORK_PRAGUE], 120);
            assert_int_equal(s->blobs[0].from, 60);
            assert_int_equal(s->ttd.w[0], 131072);
            assert_true(s->has_deposit_contract);
        } else {
            assert_int_equal(s->chain_id, 19763);
            assert_int_equal(s->fork[BP_FORK_BYZANTIUM], 0);
            assert_false(s->has_ttd);
        }
        bp_spec_free(s);
        free(text);
    }
}

static void spec_genesis_forms(void **state) {
    (void)state;
    /* A difficulty and a terminal total difficulty beyond 64 bits, as JSON
       integers, and a state root without an allocation. */
    struct bp_spec *s = parse(
        "{\"config\":{\"chainId\":5,\"londonBlock\":0,\"shanghaiTime\":0,"
        "\"cancunTime\":0,\"pragueTime\":0,\"terminalTotalDifficulty\":"
        "58750000000000000000000},\"gasLimit\":\"0x1000\",\"difficulty\":"
        "18446744073709551617,\"extraData\":\"0x\",\"stateRoot\":\"0x56e81f171b"
        "cc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421\"}");
    assert_int_equal(s->ttd.w[1], 3184);
    assert_int_equal(s->genesis.difficulty.w[1], 1);
    assert_int_equal(s->genesis.n_fields, 21);
    assert_int_equal(s->genesis.base_fee.w[0], 1000000000);
    bp_spec_free(s);
    /* The same root from an allocation of nobody. */
    s = parse("{\"config\":{\"chainId\":5},\"gasLimit\":1,\"difficulty\":1,"
              "\"alloc\":{}}");
    assert_memory_equal(s->genesis.state_root.b, bp_empty_root.b, 32);
    bp_spec_free(s);
}

#define GENESIS "{\"config\":{\"chainId\":5},\"gasLimit\":1,\"difficulty\":1,"

/* Every error names its key. */
static void spec_errors_name_the_key(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int err;
        const char *why;
    } row[] = {
        { "{", BP_ERR_SPEC_JSON, "line 1" },
        { "[]", BP_ERR_SPEC_JSON, "not an object" },
        { "{\"a\":1,\"a\":2}", BP_ERR_SPEC_JSON, "duplicate" },
        { "{}", BP_ERR_SPEC_KEY, "chain_id: it is missing" },
        { "{\"chain_id\":-1}", BP_ERR_SPEC_KEY, "chain_id: " },
        { "{\"chain_id\":[]}", BP_ERR_SPEC_KEY, "chain_id: " },
        { "{\"name\":3}", BP_ERR_SPEC_KEY, "name: " },
        { "{\"chain_id\":1}", BP_ERR_SPEC_KEY, "genesis_header_rlp: it is mi" },
        { "{\"chain_id\":1,\"genesis_header_rlp\":\"0xc0\"}", BP_ERR_SPEC_KEY,
          "genesis_header_rlp: not a header" },
        { "{\"config\":{}}", BP_ERR_SPEC_KEY, "config.chainId: it is missing" },
        { "{\"config\":3}", BP_ERR_SPEC_KEY, "config: it is not an object" },
        { "{\"config\":{\"chainId\":5,\"clique\":{}}}", BP_ERR_SPEC_KEY,
          "config.clique: " },
        { "{\"config\":{\"chainId\":5,\"londonBlock\":\"x\"}}", BP_ERR_SPEC_KEY,
          "config.londonBlock: it is not a number" },
        { "{\"config\":{\"chainId\":5}}", BP_ERR_SPEC_KEY,
          "difficulty: it is missing" },
        { GENESIS "\"alloc\":{\"12\":{}}}", BP_ERR_SPEC_KEY, "alloc.12: " },
        { GENESIS "\"alloc\":{\"0x0000000000000000000000000000000000000001\":"
                  "{\"code\":\"0xz\"}}}",
          BP_ERR_SPEC_KEY, "alloc.0x0000000000000000000000000000000000000001" },
        { GENESIS "\"alloc\":{\"0x0000000000000000000000000000000000000001\":"
                  "{\"storage\":{\"0x1\":\"g\"}}}}",
          BP_ERR_SPEC_KEY, "alloc.0x0000000000000000000000000000000000000001" },
        { GENESIS "\"alloc\":{\"0x0000000000000000000000000000000000000001\":"
                  "{},\"0000000000000000000000000000000000000001\":{}}}",
          BP_ERR_SPEC_KEY, "alloc: an address comes twice" },
        { GENESIS "\"alloc\":{},\"stateRoot\":\"0x00000000000000000000000000000"
                  "00000000000000000000000000000000000\"}",
          BP_ERR_SPEC_GENESIS, "stateRoot: not that of alloc" },
        { GENESIS "\"number\":1,\"alloc\":{}}", BP_ERR_SPEC_KEY, "number: " },
        { GENESIS "\"extraData\":\"0x1\",\"alloc\":{}}", BP_ERR_SPEC_KEY,
          "extraData: " },
        { GENESIS "\"x\":1}", BP_ERR_SPEC_KEY, "stateRoot (or alloc): " },
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct bp_spec *s = NULL;
        char why[BP_SPEC_TEXT_MAX] = "";
        bp_span in = { (const uint8_t *)row[i].text, strlen(row[i].text) };
        int err = bp_spec_parse(&s, in, NULL, why);
        if (err != row[i].err || strstr(why, row[i].why) == NULL)
            fail_msg("%s: %d %s", row[i].text, err, why);
        assert_null(s);
    }
}

/* One key of the built-in text changed at a time. */
static void spec_errors_of_changed_networks(void **state) {
    (void)state;
    static const struct {
        const char *from, *to, *why;
        int err;
    } row[] = {
        { "\"genesis_hash\": \"0xd4", "\"genesis_hash\": \"0xd5",
          "genesis_hash: ", BP_ERR_SPEC_GENESIS },
        { "\"london\": 12965000", "\"lundun\": 12965000",
          "fork_blocks.lundun: no fork we know", BP_ERR_SPEC_KEY },
        { "\"cancun\": 1710338135", "\"cancun\": \"soon\"",
          "fork_times.cancun: ", BP_ERR_SPEC_KEY },
        { "\"from_block\": 7280000", "\"from_block\": 1",
          "difficulty_bomb_delays[1].from_block: not in order",
          BP_ERR_SPEC_KEY },
        { "\"1920000\": \"0x4985", "\"x\": \"0x4985",
          "required_hashes.x: ", BP_ERR_SPEC_KEY },
        { "\"support\": true", "\"support\": 1",
          "dao.support: ", BP_ERR_SPEC_KEY },
        { "\"network_id\": 1", "\"network_id\": 99999999999999999999999",
          "network_id: it is above", BP_ERR_SPEC_KEY },
    };
    bp_span text = bp_spec_builtin_text("mainnet");
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        char *copy = calloc(1, text.n + 200), why[BP_SPEC_TEXT_MAX] = "";
        struct bp_spec *s = NULL;
        assert_non_null(copy);
        memcpy(copy, text.p, text.n);
        char *at = strstr(copy, row[i].from);
        assert_non_null(at);
        size_t from_n = strlen(row[i].from), to_n = strlen(row[i].to);
        memmove(at + to_n, at + from_n, strlen(at + from_n) + 1);
        memcpy(at, row[i].to, to_n);
        bp_span in = { (const uint8_t *)copy, strlen(copy) };
        int err = bp_spec_parse(&s, in, NULL, why);
        if (err != row[i].err || strstr(why, row[i].why) != why)
            fail_msg("%s: %d %s", row[i].to, err, why);
        free(copy);
    }
}

static void spec_requires_blocks_up_to_a_limit(void **state) {
    (void)state;
    struct bp_spec *s;
    bp_hash h = { { 1 } };
    assert_int_equal(bp_spec_builtin(&s, "dev", NULL), 0);
    for (uint64_t i = BP_SPEC_REQUIRED_MAX; i > 0; i--)
        assert_int_equal(bp_spec_require(s, i, &h), 0);
    assert_int_equal(bp_spec_require(s, 5, &h), 0); /* again: replaced */
    assert_int_equal(bp_spec_require(s, 0, &h), BP_ERR_RANGE);
    for (uint64_t i = 0; i < BP_SPEC_REQUIRED_MAX; i++)
        assert_int_equal(s->required[i].number, i + 1);
    bp_spec_free(s);
    bp_spec_free(NULL);
}

static int parse_with(struct test_alloc *a) {
    struct bp_spec *s;
    size_t n;
    char *text =
        (char *)test_read(need_data("chains/ethtest/genesis.json"), &n);
    int err =
        bp_spec_parse(&s, (bp_span){ (uint8_t *)text, n }, &a->iface, NULL);
    if (err == 0) bp_spec_free(s);
    free(text);
    return err;
}

static void spec_without_memory(void **state) {
    (void)state;
    struct test_alloc a;
    test_alloc_init(&a);
    assert_int_equal(parse_with(&a), 0);
    size_t calls = a.calls;
    assert_true(calls > 4);
    for (size_t k = 1; k <= calls; k++) {
        a.calls = 0;
        a.fail_at = k;
        assert_int_equal(parse_with(&a), BP_ERR_NOMEM);
        assert_int_equal(a.live_blocks, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(spec_built_in_networks),
        T(spec_details_of_networks),
        T(spec_of_a_genesis_file),
        T(spec_genesis_forms),
        T(spec_errors_name_the_key),
        T(spec_errors_of_changed_networks),
        T(spec_requires_blocks_up_to_a_limit),
        T(spec_without_memory),
    };
    return bp_run(tests);
}
