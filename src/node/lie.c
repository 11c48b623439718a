/* lie: alters answers on purpose, so that a node can be shown to notice.

   Happy path: the answer is false in exactly one place, and well-formed.

   Failure modes: what it is asked to alter does not fit its buffer or does not
   decode: then the answer is true. */
#include "node/lie.h"

#include <stdlib.h>
#include <string.h>

#include "blockpool/chain.h"

static const struct {
    const char *name;
    enum node_lie_kind kind;
    bool counts;
} lies[] = {
    { "bodies", NODE_LIE_BODIES, true },    { "body", NODE_LIE_BODY, true },
    { "header", NODE_LIE_HEADER, true },    { "stall", NODE_LIE_STALL, true },
    { "drop", NODE_LIE_DROP, true },        { "empty", NODE_LIE_EMPTY, true },
    { "genesis", NODE_LIE_GENESIS, false },
};

static bool read_count(uint64_t *out, const char *text) {
    char *end;
    if (*text < '0' || *text > '9') return false;
    *out = strtoull(text, &end, 10);
    return *end == '\0';
}

int node_lie_parse(struct node_lie *out, const char *text) {
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        size_t n = strlen(lies[i].name);
        if (strncmp(text, lies[i].name, n) != 0) continue;
        struct node_lie lie = { .kind = lies[i].kind };
        bool good = lies[i].counts
                        ? text[n] == ':' && read_count(&lie.at, text + n + 1)
                        : text[n] == '\0';
        if (!good) return BP_ERR_FORMAT;
        *out = lie;
        return 0;
    }
    return BP_ERR_FORMAT;
}

bp_span lie_header(uint8_t buf[LIE_HEADER_MAX], const struct node_lie *lie,
                   uint64_t number, bp_span item) {
    if (lie->kind != NODE_LIE_HEADER || lie->at != number) return item;
    struct bp_header h;
    bp_span in = item;
    if (item.n > LIE_HEADER_MAX || bp_header_decode(&h, &in) != 0) return item;
    h.nonce[7] ^= 1;
    struct bp_rlp_w w = { .p = buf, .cap = LIE_HEADER_MAX };
    bp_header_put(&w, &h);
    if (bp_rlp_done(&w) != 0) return item;
    return (bp_span){ buf, w.n };
}

bp_span lie_body(uint8_t *buf, size_t cap, const struct node_lie *lie,
                 uint64_t number, bp_span item, bp_span header) {
    bool one = lie->kind == NODE_LIE_BODY && lie->at == number;
    bool all = lie->kind == NODE_LIE_BODIES && lie->at <= number;
    if (!one && !all) return item;
    struct bp_body body;
    bp_span in = item;
    if (bp_body_decode(&body, &in) != 0) return item;
    struct bp_body none = bp_body_none(body.withdrawals.n > 0);
    struct bp_rlp_w w = { .p = buf, .cap = cap };
    size_t mark = bp_rlp_open(&w);
    bool empty = body.transactions.n == none.transactions.n;
    if (empty && body.uncles.n == none.uncles.n) {
        /* It had nothing: now the block is its own uncle. */
        bp_rlp_put_raw(&w, none.transactions.p, none.transactions.n);
        bp_rlp_put_list(&w, header.n);
        bp_rlp_put_raw(&w, header.p, header.n);
    } else {
        bp_rlp_put_raw(&w, none.transactions.p, none.transactions.n);
        bp_rlp_put_raw(&w, none.uncles.p, none.uncles.n);
    }
    if (body.withdrawals.n > 0)
        bp_rlp_put_raw(&w, body.withdrawals.p, body.withdrawals.n);
    bp_rlp_close(&w, mark);
    if (bp_rlp_done(&w) != 0) return item;
    return (bp_span){ buf, w.n };
}

bool lie_stalls(const struct node_lie *lie, uint64_t nth) {
    return lie->kind == NODE_LIE_STALL && nth > lie->at;
}

bool lie_drops(const struct node_lie *lie, uint64_t nth) {
    return lie->kind == NODE_LIE_DROP && nth > lie->at;
}

bool lie_empties(const struct node_lie *lie, uint64_t nth) {
    return lie->kind == NODE_LIE_EMPTY && nth > lie->at;
}
