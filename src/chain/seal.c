/* seal: what a header's proof of work claims, ready for ethash.h. */
#include "blockpool/rules.h"

/* Headers whose seal hashes are computed together: as many as keep the lanes
   full with a stack buffer of moderate size. */
enum { BATCH = 16 };

bool bp_header_sealed(const struct bp_header *h) {
    return !bp_u256_is_zero(&h->difficulty);
}

static void claim(struct bp_seal_claim *c, const struct bp_spec *spec,
                  const struct bp_header *h, const bp_hash *seal_hash) {
    c->seal.seal_hash = *seal_hash;
    c->seal.nonce = 0;
    for (size_t i = 0; i < sizeof h->nonce; i++)
        c->seal.nonce = c->seal.nonce << 8 | h->nonce[i];
    c->seal.mix = h->mix_hash;
    bp_ethash_boundary(&c->seal.boundary, &h->difficulty);
    c->seal.light = NULL;
    c->err = bp_ethash_epoch_at(&c->epoch, h->number,
                                bp_spec_epoch_blocks(spec, h->number));
}

void bp_seal_claims(struct bp_seal_claim *out, const struct bp_spec *spec,
                    const struct bp_header *h, size_t n) {
    uint8_t bytes[BATCH][BP_HEADER_BYTES_MAX];
    bp_span span[BATCH];
    bp_hash hash[BATCH];
    for (size_t done = 0; done < n; done += BATCH) {
        size_t k = n - done < BATCH ? n - done : BATCH;
        for (size_t i = 0; i < k; i++) {
            struct bp_rlp_w w = { bytes[i], sizeof bytes[i], 0 };
            bp_header_put_unsealed(&w, &h[done + i]);
            span[i] = (bp_span){ bytes[i], w.n };
            /* Only a genesis is longer; it has no seal to verify. */
            if (w.n > sizeof bytes[i]) span[i].n = 0;
        }
        bp_keccak256_many(hash, span, k);
        for (size_t i = 0; i < k; i++)
            claim(&out[done + i], spec, &h[done + i], &hash[i]);
    }
}
