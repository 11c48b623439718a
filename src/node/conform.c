#include "node/conform.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "blockpool/import.h"
#include "blockpool/keccak.h"

/* The longest line, and of it the name of a test. */
enum { LINE_MAX = 512 };

/* A block as the fixture has it. */
struct offer {
    const char *rlp; /* hexadecimal */
    bool valid, needs_state;
    bool maybe_state;     /* invalid, and perhaps for its state only */
    const char *expected; /* in a failure's line */
};

/* A test under way. */
struct run {
    struct conform *c;
    const char *name;
    struct bp_spec *spec;
    struct bp_store *store;
    struct bp_import *im;
    bool failed;
};

static void say(struct run *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(struct run *r, const char *format, ...) {
    char line[LINE_MAX];
    int n = snprintf(line, sizeof line, "%.200s: ", r->name);
    va_list args;
    va_start(args, format);
    vsnprintf(line + n, sizeof line - (size_t)n, format, args);
    va_end(args);
    r->failed = true;
    r->c->say(r->c->user, line);
}

static int begin(struct run *r, const char *network, const char *genesis,
                 bool pow) {
    int err = conform_spec(&r->spec, network, genesis);
    if (err != 0) return err;
    struct bp_store_chain chain = bp_import_chain(r->spec);
    err = bp_store_mem_new(&r->store, NULL, &chain);
    if (err != 0) return err;
    struct bp_import_config cfg = { 0 };
    cfg.spec = r->spec;
    cfg.store = r->store;
    cfg.sealer = pow ? r->c->sealer : NULL;
    cfg.checks = BP_CHECK_RULES | BP_CHECK_ROOTS;
    if (pow) cfg.checks |= BP_CHECK_SEAL;
    cfg.max_reorg = UINT64_MAX;
    return bp_import_new(&r->im, &cfg);
}

static void end(struct run *r) {
    bp_import_free(r->im);
    bp_store_close(r->store);
    bp_spec_free(r->spec);
}

static const char *outcome(char text[BP_RULING_TEXT_MAX],
                           const struct bp_import_result *res) {
    switch (res->kind) {
    case BP_IMPORT_KNOWN: return "known already";
    case BP_IMPORT_HEAD:
    case BP_IMPORT_SIDE:
    case BP_IMPORT_HELD: return "valid";
    case BP_IMPORT_ORPHAN:
    case BP_IMPORT_NONE: break;
    }
    return bp_ruling_text(text, &res->ruling);
}

static int offer(struct run *r, size_t i, const struct offer *o) {
    struct bp_import_result res;
    char text[BP_RULING_TEXT_MAX];
    if (o->needs_state) {
        r->c->skipped++;
        return 0;
    }
    const char *hex = o->rlp + (strncmp(o->rlp, "0x", 2) == 0 ? 2 : 0);
    size_t n = strlen(hex) / 2;
    uint8_t *rlp = malloc(n + 1);
    if (rlp == NULL) return BP_ERR_NOMEM;
    if (bp_unhex(rlp, n, hex) != 0) {
        free(rlp);
        say(r, "block %zu: not hexadecimal", i);
        return 0;
    }
    struct bp_import_block block = { .block = { rlp, n } };
    int err = o->maybe_state
                  ? bp_import_check(r->im, &res, &block, 1, UINT64_MAX)
                  : bp_import_blocks(r->im, &res, &block, 1, UINT64_MAX, NULL);
    free(rlp);
    if (err != 0) return err;
    bool taken = res.kind != BP_IMPORT_NONE && res.kind != BP_IMPORT_ORPHAN;
    if (taken && o->maybe_state)
        r->c->skipped++;
    else if (taken != o->valid)
        say(r, "block %zu: expected %s, got %s", i, o->expected,
            outcome(text, &res));
    return 0;
}

/* Which block is the head in the end, and its total difficulty unless the
   fixture does not tell (""). */
static int check_head(struct run *r, const char *hash, const char *td) {
    struct bp_store_view *v;
    struct bp_store_entry head;
    bp_hash want;
    char got[65], got_td[BP_U256_DEC_MAX];
    int err = bp_view_begin(&v, r->store);
    if (err != 0) return err;
    err = bp_view_head(v, &head);
    bp_view_end(v);
    if (err != 0) return err;
    bp_hex(got, head.hash.b, sizeof head.hash.b);
    bp_u256_to_dec(got_td, &head.td);
    if (bp_unhex(want.b, sizeof want.b, hash) != 0 ||
        !bp_hash_eq(&want, &head.hash))
        say(r, "head: expected %.70s, got %s", hash, got);
    else if (*td != '\0' && strcmp(td, got_td) != 0)
        say(r, "total difficulty: expected %.80s, got %s", td, got_td);
    return 0;
}

static const char *str(const json_t *o, const char *key) {
    const char *s = json_string_value(json_object_get(o, key));
    return s != NULL ? s : "";
}

/* ---- the compact form -------------------------------------------------- */

static int run_compact(struct run *r, const json_t *t) {
    const json_t *b;
    size_t i;
    int err = begin(r, str(t, "network"), str(t, "genesis_header"),
                    json_is_true(json_object_get(t, "pow")));
    json_array_foreach(json_object_get(t, "blocks"), i, b) {
        if (err != 0) break;
        struct offer o = { str(b, "rlp"),
                           json_is_true(json_object_get(b, "valid")),
                           json_is_true(json_object_get(b, "needs_state")),
                           false, "valid" };
        if (!o.valid) o.expected = str(b, "why");
        err = offer(r, i, &o);
    }
    if (err == 0) err = check_head(r, str(t, "last_hash"), str(t, "last_td"));
    return err;
}

/* ---- the published form ------------------------------------------------ */

/* The genesis header of an older file without "genesisRLP" is not rebuilt
   from its fields: all files of the last years have it. */
static int run_published(struct run *r, const json_t *t) {
    const json_t *b;
    size_t i;
    bp_span block = { NULL, 0 };
    const char *hex = str(t, "genesisRLP");
    size_t n = strlen(hex) / 2;
    uint8_t *rlp = malloc(n + 1);
    char *header = NULL;
    struct bp_block genesis;
    int err = BP_ERR_NOMEM;
    if (rlp == NULL) return err;
    if (strncmp(hex, "0x", 2) == 0) n--;
    err = bp_unhex(rlp, n, hex);
    block = (bp_span){ rlp, n };
    if (err == 0) err = bp_block_decode(&genesis, &block);
    if (err != 0) goto done;
    header = malloc(2 * genesis.header_rlp.n + 1);
    err = BP_ERR_NOMEM;
    if (header == NULL) goto done;
    bp_hex(header, genesis.header_rlp.p, genesis.header_rlp.n);
    err = begin(r, str(t, "network"), header,
                strcmp(str(t, "sealEngine"), "NoProof") != 0 &&
                    bp_header_sealed(&genesis.header));
    json_array_foreach(json_object_get(t, "blocks"), i, b) {
        if (err != 0) break;
        struct offer o = { str(b, "rlp"), true, false, false, "valid" };
        const char *key;
        json_t *v;
        json_object_foreach((json_t *)b, key,
                            v) if (strncmp(key, "expectException", 15) == 0) {
            o.valid = false;
            o.maybe_state = true;
            o.expected = json_string_value(v);
        }
        if (o.expected == NULL) o.expected = "invalid";
        err = offer(r, i, &o);
    }
    if (err == 0) err = check_head(r, str(t, "lastblockhash"), "");
done:
    free(header);
    free(rlp);
    return err;
}

/* ---- files ------------------------------------------------------------- */

static int run_test(struct conform *c, const char *name, const json_t *t) {
    struct run r = { c, name, NULL, NULL, NULL, false };
    bool compact = json_object_get(t, "genesis_header") != NULL;
    int err = compact ? run_compact(&r, t) : run_published(&r, t);
    if (err != 0 && err != BP_ERR_NOMEM)
        say(&r, "network %.60s: %s", str(t, "network"), bp_strerror(err));
    end(&r);
    if (err == BP_ERR_NOMEM) return err;
    if (r.failed)
        c->failed++;
    else
        c->passed++;
    return 0;
}

static int not_fixtures(struct conform *c, const char *file, const char *what) {
    char line[LINE_MAX];
    snprintf(line, sizeof line, "%.200s: %.200s", file, what);
    c->say(c->user, line);
    return BP_ERR_FORMAT;
}

static int run_lines(struct conform *c, const char *file, bp_span text) {
    size_t number = 0;
    while (text.n > 0) {
        const uint8_t *end_of_line = memchr(text.p, '\n', text.n);
        size_t n = end_of_line ? (size_t)(end_of_line - text.p) : text.n;
        json_error_t e;
        json_t *t = json_loadb((const char *)text.p, n, 0, &e);
        char what[300];
        number++;
        snprintf(what, sizeof what, "line %zu: %.150s", number, e.text);
        if (t == NULL) return not_fixtures(c, file, what);
        int err = run_test(c, str(t, "name"), t);
        json_decref(t);
        if (err != 0) return err;
        if (end_of_line != NULL) n++;
        text.p += n;
        text.n -= n;
    }
    return 0;
}

static int run_object(struct conform *c, const char *file, bp_span text) {
    json_error_t e;
    const char *name;
    json_t *t, *root = json_loadb((const char *)text.p, text.n, 0, &e);
    char what[300];
    int err = 0;
    snprintf(what, sizeof what, "line %d: %.150s", root ? 1 : e.line,
             root ? "no tests" : e.text);
    if (root == NULL || json_object_size(root) == 0) {
        json_decref(root);
        return not_fixtures(c, file, what);
    }
    json_object_foreach(root, name, t) {
        if (err != 0) break;
        if (json_object_get(t, "blocks") == NULL)
            err = not_fixtures(c, file, "a test without blocks");
        else
            err = run_test(c, name, t);
    }
    json_decref(root);
    return err;
}

int conform_run(struct conform *c, const char *file, bp_span text) {
    const uint8_t *end_of_line =
        text.n > 0 ? memchr(text.p, '\n', text.n) : NULL;
    size_t n = end_of_line ? (size_t)(end_of_line - text.p) : text.n;
    json_t *first = json_loadb((const char *)text.p, n, 0, NULL);
    bool lines = json_object_get(first, "genesis_header") != NULL;
    json_decref(first);
    return lines ? run_lines(c, file, text) : run_object(c, file, text);
}
