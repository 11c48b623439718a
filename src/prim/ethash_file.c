/* ethash_file: the bytes of a light cache on disk; the files are node's. */
#include <stdio.h>

#include "prim/ethash_impl.h"

/* Two little-endian words; go-ethereum calls them its dump magic. */
static const uint8_t head[BP_ETHASH_FILE_HEAD] = {
    0xfe, 0xca, 0xdd, 0xba, 0xad, 0xde, 0xe1, 0xfe,
};

enum {
    PIECE = 64 * 1024, /* bytes of cache under one hash of the digest */
    GROUP = 64,        /* pieces hashed at once */
};

void bp_ethash_file_name(char out[BP_ETHASH_FILE_NAME_MAX],
                         struct bp_ethash_epoch epoch) {
    bp_hash seed;
    char hex[17];
    bp_ethash_seed(&seed, epoch);
    bp_hex(hex, seed.b, 8);
    int n = snprintf(out, BP_ETHASH_FILE_NAME_MAX, "cache-R23-%s", hex);
    if (epoch.blocks != BP_ETHASH_EPOCH_BLOCKS)
        snprintf(out + n, BP_ETHASH_FILE_NAME_MAX - (size_t)n, "-%u",
                 epoch.blocks);
}

void bp_ethash_file_head(uint8_t out[BP_ETHASH_FILE_HEAD]) {
    memcpy(out, head, sizeof head);
}

void bp_ethash_file_digest(bp_hash *out, bp_span cache) {
    struct bp_keccak all;
    bp_keccak256_init(&all);
    while (cache.n > 0) {
        bp_span piece[GROUP];
        bp_hash hash[GROUP];
        size_t n = 0;
        for (; n < GROUP && cache.n > 0; n++) {
            size_t len = cache.n < PIECE ? cache.n : PIECE;
            piece[n] = (bp_span){ cache.p, len };
            cache.p += len;
            cache.n -= len;
        }
        bp_keccak256_many(hash, piece, n);
        bp_keccak_update(&all, hash, n * sizeof hash[0]);
    }
    bp_keccak_digest(&all, out->b);
}
