/* rlpx_auth: byte 0 chooses what the rest is: a packet as a stranger sends it,
   or the text inside a packet that is sealed to us, as auth or as ack. What is
   read gives the fields that were written. */
#include <string.h>

#include "blockpool/rlp.h"
#include "fuzz.h"
#include "rlpx/auth.h"

static const uint8_t our_key[32] = { 1 }, their_key[32] = { 2 };

static void init(struct bp_auth *a, bool initiator) {
    static uint8_t remote[64];
    uint8_t random[BP_RLPX_RANDOM];
    memset(random, 7, sizeof random);
    fuzz_law(bp_rlpx_public_key(remote, their_key) == 0);
    struct bp_rlpx_config c = { .static_key = our_key,
                                .remote = initiator ? remote : NULL,
                                .random = random };
    fuzz_law(bp_auth_init(a, &c) == 0);
}

/* A stranger's bytes, as the session takes them. */
static void feed_raw(struct bp_auth *a, bp_span in, bool initiator) {
    size_t want;
    for (;;) {
        if (bp_auth_want(&want, a, initiator) != 0) return;
        fuzz_law(want >= a->n_got && want <= sizeof a->got);
        if (want == a->n_got) break;
        if (in.n == 0) return;
        a->got[a->n_got++] = *in.p++;
        in.n--;
    }
    int err = initiator ? bp_auth_read_ack(a) : bp_auth_read(a);
    fuzz_law(err == BP_ERR_ECIES || err == BP_ERR_RLPX_HANDSHAKE ||
             err == BP_ERR_RLPX_SELF || err == 0);
}

/* The n-th string of the text's list is what was read. */
static void expect_field(bp_span text, int nth, const void *got, size_t n) {
    bp_span f, s;
    fuzz_law(bp_rlp_list(&f, &text) == 0);
    for (int i = 0; i <= nth; i++) fuzz_law(bp_rlp_str(&s, &f) == 0);
    fuzz_law(s.n == n && memcmp(s.p, got, n) == 0);
}

static void feed_sealed(struct bp_auth *a, bp_span text, bool initiator) {
    struct bp_rlpx_secrets secrets;
    size_t n = text.n + BP_ECIES_OVERHEAD;
    if (text.n == 0 || n > BP_RLPX_HANDSHAKE_MAX) return;
    a->got[0] = (uint8_t)(n >> 8);
    a->got[1] = (uint8_t)n;
    a->n_got = 2 + n;
    fuzz_law(bp_ecies_seal(a->got + 2, &a->curve, text, a->public_key,
                           a->seal_key, a->seal_iv,
                           (bp_span){ a->got, 2 }) == 0);
    int err = initiator ? bp_auth_read_ack(a) : bp_auth_read(a);
    fuzz_law(err == BP_ERR_RLPX_HANDSHAKE || err == BP_ERR_RLPX_SELF ||
             err == 0);
    if (err != 0) return;
    if (initiator) {
        expect_field(text, 0, a->remote_ephemeral, 64);
        expect_field(text, 1, a->remote_nonce, 32);
    } else {
        expect_field(text, 1, a->remote, 64);
        expect_field(text, 2, a->remote_nonce, 32);
        fuzz_law(bp_auth_write_ack(a) == 0);
    }
    fuzz_law(bp_auth_secrets(&secrets, a, initiator) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct bp_auth a;
    if (size < 1) return 0;
    bool initiator = data[0] & 1, raw = data[0] & 2;
    bp_span rest = { data + 1, size - 1 };
    init(&a, initiator);
    if (raw)
        feed_raw(&a, rest, initiator);
    else
        feed_sealed(&a, rest, initiator);
    bp_auth_done(&a);
    return 0;
}
