/* cmd_show: prints one stored block, for people, as JSON or as RLP.

   Happy path: find it by number or hash, decode, print. Failure modes: not
   stored (6), a stored block that does not decode (1). */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "blockpool/chain.h"
#include "node/cli.h"
#include "node/log.h"

struct shown {
    struct bp_store_entry e;
    bool canonical, has_body;
    bp_span header_rlp, body_rlp;
    struct bp_header h;
    struct bp_body body;
    size_t txs, uncles, withdrawals;
};

static char *hex_text(const void *bytes, size_t n) {
    char *text = malloc(2 * n + 3);
    if (text == NULL) return NULL;
    memcpy(text, "0x", 2);
    bp_hex(text + 2, bytes, n);
    return text;
}

static json_t *json_hex(const void *bytes, size_t n) {
    char *text = hex_text(bytes, n);
    json_t *j = json_string(text != NULL ? text : "");
    free(text);
    return j;
}

static json_t *json_dec(const bp_u256 *v) {
    char text[BP_U256_DEC_MAX];
    bp_u256_to_dec(text, v);
    return json_string(text);
}

static json_t *json_u64(uint64_t v) {
    return json_integer((json_int_t)v);
}

static size_t items_of(bp_span list) {
    bp_span in;
    size_t n;
    if (bp_rlp_list(&in, &list) != 0) return 0;
    return bp_rlp_count(&n, in, SIZE_MAX) == 0 ? n : 0;
}

static int load(struct shown *s, struct bp_store_view *v) {
    int err = bp_view_header(v, &s->header_rlp, &s->e);
    if (err != 0) return err;
    bp_span in = s->header_rlp;
    if ((err = bp_header_decode(&s->h, &in)) != 0) return err;
    s->canonical = bp_view_canonical(v, &s->e);
    err = bp_view_body(v, &s->body_rlp, &s->e);
    if (err == BP_ERR_NOT_STORED) return 0;
    if (err != 0) return err;
    in = s->body_rlp;
    if ((err = bp_body_decode(&s->body, &in)) != 0) return err;
    s->has_body = true;
    s->txs = items_of(s->body.transactions);
    s->uncles = items_of(s->body.uncles);
    s->withdrawals =
        s->body.withdrawals.n > 0 ? items_of(s->body.withdrawals) : 0;
    return 0;
}

/* Field names as data engineers know them: snake case, decimal strings for
   256-bit numbers. */
static json_t *header_json(const struct shown *s) {
    const struct bp_header *h = &s->h;
    json_t *j = json_object();
    json_object_set_new(j, "number", json_u64(h->number));
    json_object_set_new(j, "hash", json_hex(s->e.hash.b, 32));
    json_object_set_new(j, "parent_hash", json_hex(h->parent_hash.b, 32));
    json_object_set_new(j, "sha3_uncles", json_hex(h->uncles_hash.b, 32));
    json_object_set_new(j, "miner", json_hex(h->coinbase, 20));
    json_object_set_new(j, "state_root", json_hex(h->state_root.b, 32));
    json_object_set_new(j, "transactions_root",
                        json_hex(h->transactions_root.b, 32));
    json_object_set_new(j, "receipts_root", json_hex(h->receipts_root.b, 32));
    json_object_set_new(j, "logs_bloom", json_hex(h->bloom, 256));
    json_object_set_new(j, "difficulty", json_dec(&h->difficulty));
    json_object_set_new(j, "total_difficulty", json_dec(&s->e.td));
    json_object_set_new(j, "gas_limit", json_u64(h->gas_limit));
    json_object_set_new(j, "gas_used", json_u64(h->gas_used));
    json_object_set_new(j, "timestamp", json_u64(h->time));
    json_object_set_new(j, "extra_data", json_hex(h->extra.p, h->extra.n));
    json_object_set_new(j, "mix_hash", json_hex(h->mix_hash.b, 32));
    json_object_set_new(j, "nonce", json_hex(h->nonce, 8));
    if (h->n_fields >= BP_FIELDS_LONDON)
        json_object_set_new(j, "base_fee_per_gas", json_dec(&h->base_fee));
    if (h->n_fields >= BP_FIELDS_SHANGHAI)
        json_object_set_new(j, "withdrawals_root",
                            json_hex(h->withdrawals_root.b, 32));
    if (h->n_fields >= BP_FIELDS_CANCUN) {
        json_object_set_new(j, "blob_gas_used", json_u64(h->blob_gas_used));
        json_object_set_new(j, "excess_blob_gas", json_u64(h->excess_blob_gas));
        json_object_set_new(j, "parent_beacon_block_root",
                            json_hex(h->parent_beacon_root.b, 32));
    }
    if (h->n_fields >= BP_FIELDS_PRAGUE)
        json_object_set_new(j, "requests_hash",
                            json_hex(h->requests_hash.b, 32));
    return j;
}

static void print_json(const struct cli *c, const struct shown *s) {
    json_t *j = header_json(s);
    json_object_set_new(j, "canonical", json_boolean(s->canonical));
    if (!c->o->header && s->has_body) {
        json_object_set_new(j, "size",
                            json_u64(bp_rlp_size_list(
                                s->header_rlp.n + s->body.transactions.n +
                                s->body.uncles.n + s->body.withdrawals.n)));
        json_object_set_new(j, "transaction_count", json_u64(s->txs));
        json_object_set_new(j, "uncle_count", json_u64(s->uncles));
        if (s->body.withdrawals.n > 0)
            json_object_set_new(j, "withdrawal_count",
                                json_u64(s->withdrawals));
    }
    char *text = json_dumps(j, JSON_COMPACT);
    puts(text != NULL ? text : "{}");
    free(text);
    json_decref(j);
}

static int print_rlp(const struct cli *c, const struct shown *s) {
    struct bp_rlp_w w = { NULL, 0, 0 };
    if (c->o->header || !s->has_body) {
        if (!c->o->header)
            return cli_error(NODE_EXIT_ABSENT,
                             "the body of block %llu is not stored; --header "
                             "prints its header",
                             (unsigned long long)s->e.number);
        bp_rlp_put_raw(&w, s->header_rlp.p, s->header_rlp.n);
    } else {
        bp_block_put(&w, s->header_rlp, &s->body);
    }
    uint8_t *bytes = malloc(w.n);
    if (bytes == NULL)
        return cli_error(NODE_EXIT_FAILED, "%s", bp_strerror(BP_ERR_NOMEM));
    struct bp_rlp_w out = { bytes, w.n, 0 };
    if (c->o->header)
        bp_rlp_put_raw(&out, s->header_rlp.p, s->header_rlp.n);
    else
        bp_block_put(&out, s->header_rlp, &s->body);
    char *text = hex_text(bytes, out.n);
    if (text != NULL) puts(text);
    free(text);
    free(bytes);
    return 0;
}

static void print_text(const struct shown *s) {
    char a[80], b[80];
    time_t t = (time_t)s->h.time;
    struct tm tm;
    bp_hex(a, s->e.hash.b, 32);
    bp_hex(b, s->h.parent_hash.b, 32);
    printf("block             %llu%s\nhash              0x%s\n"
           "parent            0x%s\n",
           (unsigned long long)s->e.number,
           s->canonical ? "" : "  (on a side branch)", a, b);
    if (gmtime_r(&t, &tm) != NULL && strftime(a, sizeof a, "%F %T UTC", &tm))
        printf("time              %llu  %s\n", (unsigned long long)s->h.time,
               a);
    bp_hex(a, s->h.coinbase, 20);
    printf("miner             0x%s\n", a);
    bp_u256_to_dec(a, &s->h.difficulty);
    bp_u256_to_dec(b, &s->e.td);
    printf("difficulty        %s  (total %s)\n", a, b);
    log_group_digits(a, sizeof a, s->h.gas_used);
    log_group_digits(b, sizeof b, s->h.gas_limit);
    printf("gas               %s of %s\n", a, b);
    if (s->h.n_fields >= BP_FIELDS_LONDON) {
        bp_u256_to_dec(a, &s->h.base_fee);
        printf("base fee          %s\n", a);
    }
    bp_hex(a, s->h.nonce, 8);
    bp_hex(b, s->h.mix_hash.b, 32);
    printf("seal              nonce 0x%s  mix 0x%s\n", a, b);
    if (!s->has_body) {
        printf("body              not stored\n");
        return;
    }
    printf("transactions      %zu\nuncles            %zu\n", s->txs, s->uncles);
    if (s->body.withdrawals.n > 0)
        printf("withdrawals       %zu\n", s->withdrawals);
}

static int find(struct cli *c, struct bp_store_view *v,
                struct bp_store_entry *e) {
    bool is_hash;
    uint64_t number;
    bp_hash hash;
    int err;
    if (c->o->n_args == 0) {
        err = bp_view_head(v, e);
    } else if (!cli_parse_block(c->o->args[0], &is_hash, &number, &hash)) {
        return cli_error(NODE_EXIT_USAGE,
                         "'%.80s' is neither a number nor a hash of 64 digits",
                         c->o->args[0]);
    } else {
        err = is_hash ? bp_view_find(v, e, &hash) : bp_view_at(v, e, number);
    }
    if (err == 0) return 0;
    return cli_error(cli_exit_code(err), "block %.80s: %s",
                     c->o->n_args > 0 ? c->o->args[0] : "head",
                     bp_strerror(err));
}

int cmd_show(struct cli *c) {
    struct bp_store *st;
    struct bp_store_view *v = NULL;
    struct shown s = { .txs = 0 };
    int code =
        cli_need_args(c, 0, 1, "show [NUMBER|HASH] [--json|--rlp] [--header]");
    if (code == 0 && c->o->json && c->o->rlp)
        code =
            cli_error(NODE_EXIT_USAGE, "--json and --rlp exclude each other");
    if (code == 0) code = cli_open_store(c, &st, BP_STORE_READ);
    if (code != 0) return code;
    int err = bp_view_begin(&v, st);
    if (err != 0)
        code = cli_error(cli_exit_code(err), "%s: %s", c->datadir,
                         bp_strerror(err));
    if (code == 0) code = find(c, v, &s.e);
    if (code == 0 && (err = load(&s, v)) != 0)
        code = cli_error(NODE_EXIT_FAILED, "block %llu: %s",
                         (unsigned long long)s.e.number, bp_strerror(err));
    if (code == 0) {
        if (c->o->json)
            print_json(c, &s);
        else if (c->o->rlp)
            code = print_rlp(c, &s);
        else
            print_text(&s);
    }
    bp_view_end(v);
    bp_store_close(st);
    return code;
}
