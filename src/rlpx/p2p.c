/* p2p.c: Hello, Disconnect, and what both sides speak. */
#include "rlpx/p2p.h"

#include <assert.h>
#include <string.h>

#include "base/try.h"
#include "blockpool/rlp.h"

/* ---- Hello ----------------------------------------------------------- */

/* The client's name goes to logs: no byte of it may do more than be read. */
static void keep_printable(char out[BP_RLPX_CLIENT_MAX + 1], bp_span name) {
    size_t n = name.n < BP_RLPX_CLIENT_MAX ? name.n : BP_RLPX_CLIENT_MAX;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = name.p[i];
        out[i] = c >= 0x20 && c < 0x7f ? (char)c : '?';
    }
    out[n] = '\0';
}

static int decode_cap(struct bp_rlpx_cap *out, bool *fits, bp_span *caps) {
    bp_span fields, name;
    uint64_t version;
    BP_TRY(bp_rlp_list(&fields, caps));
    BP_TRY(bp_rlp_str(&name, &fields));
    BP_TRY(bp_rlp_u64(&version, &fields));
    *fits = name.n < sizeof out->name && version <= UINT32_MAX &&
            memchr(name.p, '\0', name.n) == NULL;
    if (!*fits) return 0;
    memset(out, 0, sizeof *out);
    memcpy(out->name, name.p, name.n);
    out->version = (uint32_t)version;
    return 0;
}

int bp_hello_decode(struct bp_rlpx_hello *out, bp_span payload) {
    bp_span f, client, caps, id;
    bool fits;
    memset(out, 0, sizeof *out);
    BP_TRY(bp_rlp_list(&f, &payload));
    BP_TRY(bp_rlp_end(payload));
    BP_TRY(bp_rlp_u64(&out->version, &f));
    BP_TRY(bp_rlp_str(&client, &f));
    BP_TRY(bp_rlp_list(&caps, &f));
    BP_TRY(bp_rlp_u64(&out->listen_port, &f));
    BP_TRY(bp_rlp_str(&id, &f));
    if (id.n != sizeof out->id) return BP_ERR_RLPX_HELLO;
    memcpy(out->id, id.p, sizeof out->id);
    keep_printable(out->client, client);
    while (caps.n > 0) {
        if (out->n_caps == BP_RLPX_CAPS_MAX) return BP_ERR_RLPX_HELLO;
        BP_TRY(decode_cap(&out->caps[out->n_caps], &fits, &caps));
        if (fits) out->n_caps++;
    }
    return 0;
}

int bp_hello_encode(uint8_t *out, size_t cap, size_t *n,
                    const struct bp_rlpx_hello *h) {
    struct bp_rlp_w w = { out, cap, 0 };
    size_t all = bp_rlp_open(&w);
    bp_rlp_put_u64(&w, h->version);
    bp_rlp_put_str(&w, h->client, strlen(h->client));
    size_t caps = bp_rlp_open(&w);
    for (size_t i = 0; i < h->n_caps; i++) {
        size_t one = bp_rlp_open(&w);
        bp_rlp_put_str(&w, h->caps[i].name, strlen(h->caps[i].name));
        bp_rlp_put_u64(&w, h->caps[i].version);
        bp_rlp_close(&w, one);
    }
    bp_rlp_close(&w, caps);
    bp_rlp_put_u64(&w, h->listen_port);
    bp_rlp_put_str(&w, h->id, sizeof h->id);
    bp_rlp_close(&w, all);
    *n = w.n;
    return bp_rlp_done(&w);
}

/* ---- Disconnect ------------------------------------------------------ */

uint64_t bp_disconnect_decode(bp_span payload) {
    uint64_t reason;
    bp_span list, in = payload;
    if (bp_rlp_list(&list, &in) == 0) payload = list;
    return bp_rlp_u64(&reason, &payload) == 0 ? reason : BP_DISC_REQUESTED;
}

void bp_disconnect_encode(uint8_t out[BP_DISCONNECT_SIZE],
                          enum bp_disc reason) {
    out[0] = 0xc1;
    out[1] = reason == 0 ? 0x80 : (uint8_t)reason;
}

const char *bp_disc_str(uint64_t reason) {
    switch (reason) {
#define DISC_CASE(name, value, text)                                           \
    case value: return text;
        BP_DISC_MAP(DISC_CASE)
#undef DISC_CASE
    }
    return "unknown reason";
}

/* ---- capabilities ---------------------------------------------------- */

static bool announced(const struct bp_rlpx_cap *caps, size_t n,
                      const struct bp_rlpx_cap *c) {
    for (size_t i = 0; i < n; i++)
        if (caps[i].version == c->version && strcmp(caps[i].name, c->name) == 0)
            return true;
    return false;
}

/* Keeps `shared` in order of name, one entry a name, the highest version. */
static size_t insert(struct bp_rlpx_shared *shared, size_t n,
                     const struct bp_rlpx_cap *c) {
    size_t i = 0;
    while (i < n && strcmp(shared[i].cap.name, c->name) < 0) i++;
    if (i < n && strcmp(shared[i].cap.name, c->name) == 0) {
        if (shared[i].cap.version < c->version) shared[i].cap = *c;
        return n;
    }
    memmove(&shared[i + 1], &shared[i], (n - i) * sizeof shared[0]);
    shared[i].cap = *c;
    return n + 1;
}

size_t bp_rlpx_negotiate(struct bp_rlpx_shared out[BP_RLPX_OFFERS_MAX],
                         const struct bp_rlpx_cap *ours, size_t n_ours,
                         const struct bp_rlpx_cap *theirs, size_t n_theirs) {
    size_t n = 0;
    assert(n_ours <= BP_RLPX_OFFERS_MAX);
    for (size_t i = 0; i < n_ours; i++)
        if (announced(theirs, n_theirs, &ours[i])) n = insert(out, n, &ours[i]);
    uint32_t offset = BP_P2P_LENGTH;
    for (size_t i = 0; i < n; i++) {
        out[i].offset = offset;
        offset += out[i].cap.length;
    }
    return n;
}
