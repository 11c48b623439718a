/* codec: events, actions and the config as a stream of bytes.

   One description serves both ways: a visitor that writes its argument when
   the codec writes, and fills it when the codec reads. Numbers are varints
   (7 bits a byte, low first), hashes 32 raw bytes. */
#ifndef BP_POOL_CODEC_H
#define BP_POOL_CODEC_H

#include "blockpool/pool.h"

/* Entries of one event's list that a reader takes; a bigger one is no
   record of ours. */
#define BP_CODEC_ITEMS_MAX (1u << 22)

/* Of struct bp_pool_config on 64-bit machines, to notice a new field. */
#define BP_CODEC_CONFIG_SIZE 288

struct bp_codec {
    bool reading, failed;
    /* Moves exactly n bytes in the codec's direction; false: it cannot. */
    bool (*move)(void *user, void *bytes, size_t n);
    void *user;
    /* Reading only: where the list of an event is kept, made by its owner. */
    const struct bp_alloc *alloc;
    void *list;
    size_t list_bytes;
};

void bp_codec_u64(struct bp_codec *c, uint64_t *v);
void bp_codec_config(struct bp_codec *c, struct bp_pool_config *config);
/* Reading, the lists of *e point into c->list until the next call. */
void bp_codec_event(struct bp_codec *c, struct bp_event *e);
/* Writing only: actions are digested, never read back. */
void bp_codec_action(struct bp_codec *c, const struct bp_action *a);
void bp_codec_free(struct bp_codec *c);

/* Folds an action into a fingerprint (FNV-1a over its bytes; no defence
   against anybody), which is BP_DIGEST_INIT at first. */
#define BP_DIGEST_INIT 0xcbf29ce484222325u
void bp_digest_action(uint64_t *digest, const struct bp_action *a);

/* CRC-32C (Castagnoli), as in iSCSI; crc is 0 at first. */
uint32_t bp_record_crc(uint32_t crc, const void *bytes, size_t n);

#endif
