/* spec_ours: our own form of a specification, and what both forms share. */
#include <stdio.h>
#include <string.h>

#include "base/try.h"
#include "blockpool/keccak.h"
#include "chain/spec_read.h"

uint8_t *bp_spec_keep(struct bp_spec *s, size_t *used, const void *bytes,
                      size_t n) {
    if (n > s->owned_n - *used) return NULL;
    uint8_t *p = (uint8_t *)s->owned + *used;
    if (n > 0 && bytes != NULL) memcpy(p, bytes, n);
    *used += n;
    return p;
}

void bp_spec_defaults(struct bp_spec *s) {
    for (int f = 0; f < BP_N_FORKS; f++) s->fork[f] = BP_FORK_NEVER;
    s->minimum_difficulty = bp_u256_from_u64(131072);
    s->mess_from = s->mess_to = BP_FORK_NEVER;
    s->dao_extra_range = 10;
}

/* Each glacier's delay counts from zero, so the latest fork that holds says
   it all. EIP-649, 1234, 2384, 3554, 4345, 5133. */
void bp_spec_derive_bombs(struct bp_spec *s) {
    static const struct {
        enum bp_fork fork;
        uint64_t delay;
    } row[] = {
        { BP_FORK_BYZANTIUM, 3000000 },
        { BP_FORK_CONSTANTINOPLE, 5000000 },
        { BP_FORK_MUIR_GLACIER, 9000000 },
        { BP_FORK_LONDON, 9700000 },
        { BP_FORK_ARROW_GLACIER, 10700000 },
        { BP_FORK_GRAY_GLACIER, 11400000 },
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (s->fork[row[i].fork] != BP_FORK_NEVER)
            s->bomb[s->n_bombs++] = (struct bp_spec_bomb){
                s->fork[row[i].fork],
                row[i].delay,
            };
}

static void add_blobs(struct bp_spec *s, struct bp_spec_blobs b) {
    size_t i = s->n_blobs++;
    for (; i > 0 && s->blobs[i - 1].from > b.from; i--)
        s->blobs[i] = s->blobs[i - 1];
    s->blobs[i] = b;
}

/* EIP-4844, EIP-7691, EIP-7892 with the values of mainnet. */
void bp_spec_derive_blobs(struct bp_spec *s) {
    static const struct {
        enum bp_fork fork;
        uint64_t target, max, update_fraction;
    } row[] = {
        { BP_FORK_CANCUN, 3, 6, 3338477 },
        { BP_FORK_PRAGUE, 6, 9, 5007716 },
        { BP_FORK_BPO1, 10, 15, 8346193 },
        { BP_FORK_BPO2, 14, 21, 11684671 },
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (s->fork[row[i].fork] != BP_FORK_NEVER)
            add_blobs(s, (struct bp_spec_blobs){ s->fork[row[i].fork],
                                                 row[i].target, row[i].max,
                                                 row[i].update_fraction });
}

int bp_spec_add_blobs(struct bp_spec *s, struct bp_json *j, enum bp_fork f,
                      const json_t *limits, const char *fraction_key,
                      const char *path) {
    struct bp_spec_blobs b = { s->fork[f], 0, 0, 0 };
    if (b.from == BP_FORK_NEVER) return 0;
    BP_TRY(bp_json_u64(j, &b.target, limits, "target", path));
    BP_TRY(bp_json_u64(j, &b.max, limits, "max", path));
    BP_TRY(bp_json_u64(j, &b.update_fraction, limits, fraction_key, path));
    if (b.max == 0 || b.max > UINT16_MAX || b.target > b.max ||
        b.update_fraction == 0)
        return bp_json_fail(j, BP_ERR_SPEC_KEY, path,
                            "target, max and update fraction do not agree");
    if (s->n_blobs == BP_SPEC_BLOBS_MAX)
        return bp_json_fail(j, BP_ERR_SPEC_KEY, path, "there are too many");
    add_blobs(s, b);
    return 0;
}

int bp_spec_read_required(struct bp_spec *s, struct bp_json *j,
                          const json_t *root, const char *key) {
    json_t *list;
    const char *number;
    json_t *v;
    BP_TRY(bp_json_object(j, &list, root, key, key));
    json_object_foreach(list, number, v) {
        bp_u256 n;
        bp_hash hash;
        char path[80];
        snprintf(path, sizeof path, "%s.%.40s", key, number);
        if (bp_u256_parse(&n, number) != 0 || bp_u256_bits(&n) > 64)
            return bp_json_fail(j, BP_ERR_SPEC_KEY, path, "not a number");
        BP_TRY(bp_json_need(j, list, number, path));
        BP_TRY(bp_json_bytes(j, hash.b, sizeof hash.b, list, number, path));
        if (bp_spec_require(s, n.w[0], &hash) != 0)
            return bp_json_fail(j, BP_ERR_SPEC_KEY, path, "there are too many");
    }
    return 0;
}

int bp_spec_set_genesis(struct bp_spec *s, struct bp_json *j,
                        const char *path) {
    bp_span in = s->genesis_rlp;
    if (bp_header_decode(&s->genesis, &in) != 0 || in.n != 0)
        return bp_json_fail(j, BP_ERR_SPEC_KEY, path, "not a header's RLP");
    if (s->genesis.number != 0)
        return bp_json_fail(j, BP_ERR_SPEC_KEY, path, "not of block 0");
    bp_keccak256(&s->genesis_hash, s->genesis_rlp);
    s->genesis_td = s->genesis.difficulty;
    return 0;
}

/* ---- our form ---------------------------------------------------------- */

static int read_forks(struct bp_spec *s, struct bp_json *j, const json_t *root,
                      const char *key, int first, int last) {
    json_t *list, *v;
    const char *name;
    BP_TRY(bp_json_object(j, &list, root, key, key));
    json_object_foreach(list, name, v) {
        char path[80];
        int f = first;
        snprintf(path, sizeof path, "%s.%.40s", key, name);
        while (f < last && strcmp(name, bp_fork_name((enum bp_fork)f)) != 0)
            f++;
        /* A fork that we do not know would make us follow other rules than
           its author meant. */
        if (f == last)
            return bp_json_fail(j, BP_ERR_SPEC_KEY, path, "no fork we know");
        BP_TRY(bp_json_u64(j, &s->fork[f], list, name, path));
    }
    return 0;
}

static int read_bombs(struct bp_spec *s, struct bp_json *j,
                      const json_t *root) {
    static const char key[] = "difficulty_bomb_delays";
    json_t *list, *v;
    size_t i;
    BP_TRY(bp_json_array(j, &list, root, key, key));
    if (list == NULL) {
        bp_spec_derive_bombs(s);
        return 0;
    }
    if (json_array_size(list) > BP_SPEC_BOMBS_MAX)
        return bp_json_fail(j, BP_ERR_SPEC_KEY, key, "there are too many");
    json_array_foreach(list, i, v) {
        struct bp_spec_bomb *b = &s->bomb[i];
        char path[80];
        snprintf(path, sizeof path, "%s[%zu].from_block", key, i);
        BP_TRY(bp_json_need(j, v, "from_block", path));
        BP_TRY(bp_json_u64(j, &b->from, v, "from_block", path));
        if (i > 0 && b->from < b[-1].from)
            return bp_json_fail(j, BP_ERR_SPEC_KEY, path, "not in order");
        snprintf(path, sizeof path, "%s[%zu].delay", key, i);
        BP_TRY(bp_json_need(j, v, "delay", path));
        BP_TRY(bp_json_u64(j, &b->delay, v, "delay", path));
    }
    s->n_bombs = json_array_size(list);
    return 0;
}

static int read_blobs(struct bp_spec *s, struct bp_json *j,
                      const json_t *root) {
    json_t *list, *v;
    const char *name;
    BP_TRY(bp_json_object(j, &list, root, "blob_schedule", "blob_schedule"));
    if (list == NULL) {
        bp_spec_derive_blobs(s);
        return 0;
    }
    json_object_foreach(list, name, v) {
        char path[80];
        int f = BP_FORK_CANCUN;
        snprintf(path, sizeof path, "blob_schedule.%.40s", name);
        while (f < BP_N_FORKS && strcmp(name, bp_fork_name((enum bp_fork)f)))
            f++;
        if (f == BP_N_FORKS)
            return bp_json_fail(j, BP_ERR_SPEC_KEY, path, "no fork we know");
        BP_TRY(bp_spec_add_blobs(s, j, (enum bp_fork)f, v,
                                 "base_fee_update_fraction", path));
    }
    return 0;
}

static int read_strings(struct bp_spec *s, size_t *used, struct bp_json *j,
                        const json_t *root, const char *key, const char **out,
                        size_t *n) {
    json_t *list, *v;
    size_t i;
    BP_TRY(bp_json_array(j, &list, root, key, key));
    if (json_array_size(list) > BP_SPEC_NODES_MAX)
        return bp_json_fail(j, BP_ERR_SPEC_KEY, key, "there are too many");
    json_array_foreach(list, i, v) {
        const char *text = json_string_value(v);
        if (text == NULL)
            return bp_json_fail(j, BP_ERR_SPEC_KEY, key, "not all strings");
        out[i] = (char *)bp_spec_keep(s, used, text, strlen(text) + 1);
        if (out[i] == NULL) return BP_ERR_NOMEM;
    }
    *n = json_array_size(list);
    return 0;
}

/* The networks of the published fixtures say "dao_support" at the top. */
static int read_details(struct bp_spec *s, struct bp_json *j,
                        const json_t *root) {
    json_t *o;
    BP_TRY(bp_json_u256(j, &s->minimum_difficulty, root, "minimum_difficulty",
                        "minimum_difficulty"));
    BP_TRY(
        bp_json_bool(j, &s->no_base_fee, root, "no_base_fee", "no_base_fee"));
    const json_t *ttd = json_object_get(root, "terminal_total_difficulty");
    s->has_ttd = ttd != NULL && !json_is_null(ttd);
    BP_TRY(bp_json_u256(j, &s->ttd, root, "terminal_total_difficulty",
                        "terminal_total_difficulty"));
    BP_TRY(
        bp_json_bool(j, &s->dao_support, root, "dao_support", "dao_support"));
    BP_TRY(bp_json_object(j, &o, root, "dao", "dao"));
    BP_TRY(bp_json_bool(j, &s->dao_support, o, "support", "dao.support"));
    BP_TRY(bp_json_u64(j, &s->dao_extra_range, o, "extra_data_range",
                       "dao.extra_data_range"));
    BP_TRY(bp_json_object(j, &o, root, "ecip1010", "ecip1010"));
    BP_TRY(bp_json_u64(j, &s->ecip1010_length, o, "length", "ecip1010.length"));
    BP_TRY(bp_json_object(j, &o, root, "ecbp1100", "ecbp1100"));
    BP_TRY(
        bp_json_u64(j, &s->mess_from, o, "activation", "ecbp1100.activation"));
    BP_TRY(bp_json_u64(j, &s->mess_to, o, "deactivation",
                       "ecbp1100.deactivation"));
    s->has_deposit_contract = json_object_get(root, "deposit_contract") != NULL;
    return bp_json_bytes(j, s->deposit_contract, sizeof s->deposit_contract,
                         root, "deposit_contract", "deposit_contract");
}

static int read_genesis(struct bp_spec *s, size_t *used, struct bp_json *j,
                        const json_t *root) {
    static const char key[] = "genesis_header_rlp";
    const char *hex = NULL;
    bp_hash hash;
    BP_TRY(bp_json_need(j, root, key, key));
    BP_TRY(bp_json_str(j, &hex, root, key, key));
    size_t n = 0;
    uint8_t *rlp = bp_spec_keep(s, used, NULL, strlen(hex) / 2);
    if (rlp == NULL || bp_json_hex(rlp, &n, strlen(hex) / 2, hex) != 0)
        return bp_json_fail(j, BP_ERR_SPEC_KEY, key, "not hexadecimal");
    s->genesis_rlp = (bp_span){ rlp, n };
    BP_TRY(bp_spec_set_genesis(s, j, key));
    hash = s->genesis_hash;
    BP_TRY(bp_json_bytes(j, hash.b, sizeof hash.b, root, "genesis_hash",
                         "genesis_hash"));
    if (!bp_hash_eq(&hash, &s->genesis_hash))
        return bp_json_fail(j, BP_ERR_SPEC_GENESIS, "genesis_hash",
                            "not that of genesis_header_rlp");
    return bp_json_u256(j, &s->genesis_td, root, "genesis_total_difficulty",
                        "genesis_total_difficulty");
}

int bp_spec_read_ours(struct bp_spec *s, size_t *used, struct bp_json *j,
                      const json_t *root) {
    const char *name = "custom";
    BP_TRY(bp_json_str(j, &name, root, "name", "name"));
    if (strlen(name) >= sizeof s->name)
        return bp_json_fail(j, BP_ERR_SPEC_KEY, "name", "it is too long");
    memcpy(s->name, name, strlen(name) + 1);
    BP_TRY(bp_json_need(j, root, "chain_id", "chain_id"));
    BP_TRY(bp_json_u64(j, &s->chain_id, root, "chain_id", "chain_id"));
    s->network_id = s->chain_id;
    BP_TRY(bp_json_u64(j, &s->network_id, root, "network_id", "network_id"));
    BP_TRY(read_genesis(s, used, j, root));
    BP_TRY(read_forks(s, j, root, "fork_blocks", 0, BP_FORK_FIRST_BY_TIME));
    BP_TRY(read_forks(s, j, root, "fork_times", BP_FORK_FIRST_BY_TIME,
                      BP_N_FORKS));
    BP_TRY(read_details(s, j, root));
    BP_TRY(read_bombs(s, j, root));
    BP_TRY(read_blobs(s, j, root));
    BP_TRY(bp_spec_read_required(s, j, root, "required_hashes"));
    BP_TRY(read_strings(s, used, j, root, "bootnodes", s->bootnodes,
                        &s->n_bootnodes));
    return read_strings(s, used, j, root, "dns_discovery", s->dns, &s->n_dns);
}

/* ---- both forms -------------------------------------------------------- */

int bp_spec_parse(struct bp_spec **out, bp_span text,
                  const struct bp_alloc *alloc, char why[BP_SPEC_TEXT_MAX]) {
    struct bp_json j = { why };
    size_t used = 0;
    json_t *root;
    int err = bp_json_parse(&root, &j, text, alloc);
    if (err != 0) goto fail;
    err = BP_ERR_NOMEM;
    struct bp_spec *s = bp_zalloc(alloc, sizeof *s);
    if (s == NULL) goto fail_root;
    s->alloc = alloc;
    /* All that is kept is in the text, and longer there, but for the fields
       of a genesis header that are left out. */
    s->owned_n = text.n + 2 * BP_HEADER_BYTES_MAX;
    s->owned = bp_malloc(alloc, s->owned_n);
    if (s->owned == NULL) goto fail_spec;
    bp_spec_defaults(s);
    err = json_object_get(root, "config") != NULL
              ? bp_spec_read_genesis(s, &used, &j, root)
              : bp_spec_read_ours(s, &used, &j, root);
    if (err != 0) goto fail_spec;
    json_decref(root);
    *out = s;
    return 0;
fail_spec:
    bp_spec_free(s);
fail_root:
    json_decref(root);
fail:
    if (err == BP_ERR_NOMEM && why != NULL)
        snprintf(why, BP_SPEC_TEXT_MAX, "%s", bp_strerror(err));
    return err;
}
