#include "lib/vectors.h"

#include "blockpool/spec.h"

static const char *const networks[] = { "mainnet", "classic", "mordor",
                                        "sepolia", "dev" };
enum { NETWORKS = 5 };

static struct bp_spec *builtin(const char *name) {
    struct bp_spec *s;
    assert_int_equal(bp_spec_builtin(&s, name, NULL), 0);
    return s;
}

/* ropsten is no built-in network any more; its file is still there. */
static struct bp_spec *network(const char *name) {
    struct bp_spec *s;
    char path[512];
    size_t n;
    if (bp_spec_builtin_text(name).n > 0) return builtin(name);
    snprintf(path, sizeof path, "%s/data/networks/%s.json",
             getenv("BLOCKPOOL_SOURCE_ROOT"), name);
    uint8_t *text = test_read(path, &n);
    assert_int_equal(bp_spec_parse(&s, (bp_span){ text, n }, NULL, NULL), 0);
    free(text);
    return s;
}

static size_t created, validated, encoded;

static void encode_vector(const json_t *v, struct bp_fork_id want) {
    uint8_t got[32];
    size_t n;
    uint8_t *rlp = vec_bytes(v, "rlp", &n);
    struct bp_rlp_w w = { got, sizeof got, 0 };
    struct bp_fork_id back;
    bp_span in = { rlp, n };
    bp_fork_id_put(&w, want);
    assert_int_equal(w.n, n);
    assert_memory_equal(got, rlp, n);
    assert_int_equal(bp_fork_id_decode(&back, &in), 0);
    assert_int_equal(back.hash, want.hash);
    assert_int_equal(back.next, want.next);
    free(rlp);
    encoded++;
}

static void validate_vector(const json_t *v, struct bp_spec *s,
                            struct bp_fork_id remote) {
    const char *error = vec_str(v, "error");
    enum bp_fork_verdict right = BP_FORK_COMPATIBLE;
    if (strcmp(error, "ErrRemoteStale") == 0) right = BP_FORK_REMOTE_STALE;
    if (strcmp(error, "ErrLocalIncompatibleOrStale") == 0)
        right = BP_FORK_LOCAL_STALE;
    assert_int_equal(vec_bool(v, "accept"), right == BP_FORK_COMPATIBLE);
    if (!vec_bool(v, "time_forks"))
        for (int f = BP_FORK_FIRST_BY_TIME; f < BP_N_FORKS; f++)
            s->fork[f] = BP_FORK_NEVER;
    assert_int_equal(
        bp_fork_check(s, vec_u64(v, "head"), vec_u64(v, "time"), remote),
        right);
    validated++;
}

static void one_vector(const json_t *v) {
    const char *kind = vec_str(v, "kind");
    struct bp_fork_id id = {
        (uint32_t)strtoul(vec_str(v, "hash"), NULL, 16),
        strtoull(vec_str(v, "next"), NULL, 10),
    };
    if (strcmp(kind, "encode") == 0) {
        encode_vector(v, id);
        return;
    }
    struct bp_spec *s = network(vec_str(v, "network"));
    if (strcmp(kind, "create") == 0) {
        struct bp_fork_id got =
            bp_fork_id(s, vec_u64(v, "head"), vec_u64(v, "time"));
        assert_int_equal(got.hash, id.hash);
        assert_int_equal(got.next, id.next);
        created++;
    } else {
        validate_vector(v, s, id);
    }
    bp_spec_free(s);
}

static void forkid_published_vectors(void **state) {
    (void)state;
    size_t n = vec_each("vectors/forkid.jsonl", one_vector);
    assert_int_equal(created, 76);
    assert_int_equal(validated, 29);
    assert_int_equal(encoded, n - 76 - 29);
}

/* The lists and every step that the specifications of data/networks state
   beside the forks themselves. */
static void forkid_steps_of_the_networks(void **state) {
    (void)state;
    for (int i = 0; i < NETWORKS - 1; i++) {
        struct bp_spec *s = builtin(networks[i]);
        struct bp_fork_list list;
        bp_span text = bp_spec_builtin_text(networks[i]);
        json_t *root = json_loadb((const char *)text.p, text.n, 0, NULL), *v;
        json_t *id = json_object_get(root, "fork_id");
        json_t *blocks = json_object_get(id, "block_list");
        json_t *times = json_object_get(id, "time_list");
        size_t k;
        bp_fork_list(&list, s);
        assert_int_equal(list.n_blocks, json_array_size(blocks));
        assert_int_equal(list.n - list.n_blocks, json_array_size(times));
        json_array_foreach(blocks, k, v)
            assert_int_equal(list.at[k], json_integer_value(v));
        json_array_foreach(times, k, v)
            assert_int_equal(list.at[list.n_blocks + k], json_integer_value(v));
        json_array_foreach(json_object_get(id, "steps"), k, v) {
            uint64_t head =
                (uint64_t)json_integer_value(json_object_get(v, "head"));
            uint64_t time =
                (uint64_t)json_integer_value(json_object_get(v, "time"));
            struct bp_fork_id got = bp_fork_id(s, head, time);
            assert_int_equal(
                got.hash, strtoul(json_string_value(json_object_get(v, "hash")),
                                  NULL, 16));
            assert_int_equal(got.next,
                             json_integer_value(json_object_get(v, "next")));
            assert_int_equal(bp_fork_check(s, head, time, got),
                             BP_FORK_COMPATIBLE);
        }
        assert_true(json_array_size(json_object_get(id, "steps")) >= 2);
        json_decref(root);
        bp_spec_free(s);
    }
}

/* A chain without forks by time: a next fork by number is one still to come,
   however large the time is. */
static void forkid_next_by_number_on_classic(void **state) {
    (void)state;
    struct bp_spec *s = builtin("classic");
    struct bp_fork_id now = bp_fork_id(s, 20000000, 1700000000);
    assert_int_equal(now.next, 0);
    now.next = 25000000;
    assert_int_equal(bp_fork_check(s, 20000000, 1700000000, now),
                     BP_FORK_COMPATIBLE);
    assert_int_equal(bp_fork_check(s, 25000000, 1700000000, now),
                     BP_FORK_LOCAL_STALE);
    now.next = 1700000000;
    assert_int_equal(bp_fork_check(s, 20000000, 1700000000, now),
                     BP_FORK_LOCAL_STALE);
    /* Mainnet parted from classic at its DAO fork. */
    struct bp_spec *m = builtin("mainnet");
    struct bp_fork_id other = bp_fork_id(m, 20000000, 1800000000);
    assert_int_equal(bp_fork_check(s, 20000000, 1700000000, other),
                     BP_FORK_LOCAL_STALE);
    other = bp_fork_id(m, 1900000, 1470000000);
    assert_int_equal(bp_fork_check(s, 20000000, 1700000000, other),
                     BP_FORK_REMOTE_STALE);
    bp_spec_free(m);
    bp_spec_free(s);
}

static void forkid_refuses_other_shapes(void **state) {
    (void)state;
    static const char *const bad[] = { "c6840000000080c0", "c58300000080",
                                       "c78400000000808080", "84000000" };
    for (int i = 1; i < 4; i++) {
        uint8_t buf[32];
        struct bp_fork_id id;
        bp_span in = { buf, test_unhex(buf, sizeof buf, bad[i]) }, was = in;
        assert_int_not_equal(bp_fork_id_decode(&id, &in), 0);
        assert_int_equal(in.n, was.n);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(forkid_published_vectors),
        T(forkid_steps_of_the_networks),
        T(forkid_next_by_number_on_classic),
        T(forkid_refuses_other_shapes),
    };
    return bp_run(tests);
}
