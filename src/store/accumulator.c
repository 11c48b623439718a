/* accumulator: see accumulator.h. */
#include "store/accumulator.h"

#include <assert.h>
#include <string.h>

#include <openssl/evp.h>

/* SHA-256 of two hashes side by side. out may be one of them. */
static void hash_pair(bp_hash *out, const bp_hash *a, const bp_hash *b) {
    uint8_t both[64];
    memcpy(both, a->b, 32);
    memcpy(both + 32, b->b, 32);
    int ok = EVP_Digest(both, sizeof both, out->b, NULL, EVP_sha256(), NULL);
    assert(ok == 1); /* OpenSSL without SHA-256 cannot be worked with */
}

void bp_u256_to_le(uint8_t out[32], const bp_u256 *v) {
    for (int i = 0; i < 32; i++) out[i] = (uint8_t)(v->w[i / 8] >> (i % 8 * 8));
}

bp_u256 bp_u256_from_le(const uint8_t in[32]) {
    bp_u256 v = { { 0 } };
    for (int i = 0; i < 32; i++) v.w[i / 8] |= (uint64_t)in[i] << (i % 8 * 8);
    return v;
}

void bp_accumulator_init(struct bp_accumulator *acc) {
    acc->n = 0;
}

void bp_accumulator_add(struct bp_accumulator *acc, const bp_hash *hash,
                        const bp_u256 *td) {
    bp_hash node, le;
    int level = 0;
    assert(acc->n < (uint64_t)1 << BP_ACC_DEPTH);
    bp_u256_to_le(le.b, td);
    hash_pair(&node, hash, &le);
    for (; acc->n >> level & 1; level++)
        hash_pair(&node, &acc->full[level], &node);
    acc->full[level] = node;
    acc->n++;
}

void bp_accumulator_root(const struct bp_accumulator *acc, bp_hash *out) {
    bp_hash node = { { 0 } }, zero = { { 0 } }; /* both of height `level` */
    for (int level = 0; level < BP_ACC_DEPTH; level++) {
        if (acc->n >> level & 1)
            hash_pair(&node, &acc->full[level], &node);
        else
            hash_pair(&node, &node, &zero);
        hash_pair(&zero, &zero, &zero);
    }
    if (acc->n >> BP_ACC_DEPTH & 1) node = acc->full[BP_ACC_DEPTH];
    bp_hash count;
    bp_u256 n = bp_u256_from_u64(acc->n);
    bp_u256_to_le(count.b, &n);
    hash_pair(out, &node, &count);
}
