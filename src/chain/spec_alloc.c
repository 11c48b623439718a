/* spec_alloc: the state root of a genesis allocation. Yellow Paper 4.1: a trie
   from the hash of each address to [nonce, balance, storage root, code hash],
   the storage being a trie of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/try.h"
#include "blockpool/keccak.h"
#include "chain/spec_read.h"
#include "prim/trie.h"

/* The RLP of an account or of a storage word. */
#define ENTRY_BYTES_MAX 112

struct entry {
    bp_hash key;
    uint8_t value[ENTRY_BYTES_MAX];
    size_t value_n;
};

struct entries {
    const struct bp_alloc *alloc;
    struct entry *e;
    size_t n, cap;
};

static int entries_new(struct entries *es, size_t cap,
                       const struct bp_alloc *a) {
    es->alloc = a;
    es->n = 0;
    es->cap = cap == 0 ? 1 : cap;
    es->e = bp_malloc(a, es->cap * sizeof *es->e);
    return es->e == NULL ? BP_ERR_NOMEM : 0;
}

static void entries_free(struct entries *es) {
    bp_free(es->alloc, es->e, es->cap * sizeof *es->e);
}

static int by_key(const void *a, const void *b) {
    return bp_hash_cmp(&((const struct entry *)a)->key,
                       &((const struct entry *)b)->key);
}

/* BP_ERR_FORMAT when a key comes twice. */
static int entries_root(bp_hash *out, struct entries *es) {
    struct bp_trie *t;
    qsort(es->e, es->n, sizeof *es->e, by_key);
    for (size_t i = 1; i < es->n; i++)
        if (by_key(&es->e[i - 1], &es->e[i]) == 0) return BP_ERR_FORMAT;
    BP_TRY(bp_trie_new(&t, es->alloc));
    bp_trie_begin(t, out);
    for (size_t i = 0; i < es->n; i++)
        bp_trie_add(t, es->e[i].key.b, sizeof es->e[i].key.b,
                    (bp_span){ es->e[i].value, es->e[i].value_n });
    bp_trie_end(t);
    bp_trie_run(t);
    bp_trie_free(t);
    return 0;
}

/* A word of up to 32 bytes in hexadecimal, leading zeros or not. */
static int word(bp_u256 *out, const char *text) {
    uint8_t b[32];
    size_t n;
    if (text == NULL) return BP_ERR_FORMAT;
    if (bp_json_hex(b, &n, sizeof b, text) == 0) {
        *out = bp_u256_from_be(b, n);
        return 0;
    }
    return bp_u256_parse(out, text);
}

static int storage_root(bp_hash *out, const json_t *account, struct bp_json *j,
                        const char *path, const struct bp_alloc *a) {
    json_t *slots, *v;
    const char *key;
    struct entries es;
    BP_TRY(bp_json_object(j, &slots, account, "storage", path));
    BP_TRY(entries_new(&es, json_object_size(slots), a));
    int err = 0;
    json_object_foreach(slots, key, v) {
        bp_u256 slot, value;
        uint8_t be[32];
        err = word(&slot, key);
        if (err == 0) err = word(&value, json_string_value(v));
        if (err != 0) break;
        if (bp_u256_is_zero(&value)) continue; /* the same as no entry */
        struct entry *e = &es.e[es.n++];
        struct bp_rlp_w w = { e->value, sizeof e->value, 0 };
        bp_u256_to_be(be, &slot);
        bp_keccak256(&e->key, (bp_span){ be, sizeof be });
        bp_rlp_put_u256(&w, &value);
        e->value_n = w.n;
    }
    if (err == 0) err = entries_root(out, &es);
    entries_free(&es);
    if (err == 0 || err == BP_ERR_NOMEM) return err;
    return bp_json_fail(j, BP_ERR_SPEC_KEY, path,
                        "the storage is not of distinct words in hexadecimal");
}

static int code_hash(bp_hash *out, const json_t *account, struct bp_json *j,
                     const char *path, const struct bp_alloc *a) {
    const char *hex = "";
    size_t n = 0;
    BP_TRY(bp_json_str(j, &hex, account, "code", path));
    size_t cap = strlen(hex) / 2 + 1;
    uint8_t *code = bp_malloc(a, cap);
    if (code == NULL) return BP_ERR_NOMEM;
    int err = bp_json_hex(code, &n, cap, hex);
    if (err == 0) bp_keccak256(out, (bp_span){ code, n });
    bp_free(a, code, cap);
    if (err == 0) return 0;
    return bp_json_fail(j, BP_ERR_SPEC_KEY, path,
                        "the code is not hexadecimal");
}

static int put_account(struct entry *e, const char *address,
                       const json_t *account, struct bp_json *j,
                       const struct bp_alloc *a) {
    char path[80];
    uint8_t raw[20];
    uint64_t nonce = 0;
    bp_u256 balance = { { 0 } };
    bp_hash storage, code;
    snprintf(path, sizeof path, "alloc.%.60s", address);
    if (bp_unhex(raw, sizeof raw, address) != 0)
        return bp_json_fail(j, BP_ERR_SPEC_KEY, path, "not an address");
    if (!json_is_object(account))
        return bp_json_fail(j, BP_ERR_SPEC_KEY, path, "not an object");
    BP_TRY(bp_json_u64(j, &nonce, account, "nonce", path));
    BP_TRY(bp_json_u256(j, &balance, account, "balance", path));
    BP_TRY(storage_root(&storage, account, j, path, a));
    BP_TRY(code_hash(&code, account, j, path, a));
    struct bp_rlp_w w = { e->value, sizeof e->value, 0 };
    size_t mark = bp_rlp_open(&w);
    bp_rlp_put_u64(&w, nonce);
    bp_rlp_put_u256(&w, &balance);
    bp_rlp_put_hash(&w, &storage);
    bp_rlp_put_hash(&w, &code);
    bp_rlp_close(&w, mark);
    e->value_n = w.n;
    bp_keccak256(&e->key, (bp_span){ raw, sizeof raw });
    return bp_rlp_done(&w);
}

int bp_alloc_root(bp_hash *out, struct bp_json *j, const json_t *accounts,
                  const struct bp_alloc *a) {
    struct entries es;
    const char *address;
    json_t *v, *list = json_incref((json_t *)accounts);
    int err = entries_new(&es, json_object_size(list), a);
    if (err != 0) goto fail_list;
    json_object_foreach(list, address, v) {
        err = put_account(&es.e[es.n], address, v, j, a);
        if (err != 0) goto fail_entries;
        es.n++;
    }
    err = entries_root(out, &es);
    if (err == BP_ERR_FORMAT)
        err =
            bp_json_fail(j, BP_ERR_SPEC_KEY, "alloc", "an address comes twice");
fail_entries:
    entries_free(&es);
fail_list:
    json_decref(list);
    return err;
}
