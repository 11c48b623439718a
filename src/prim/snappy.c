/* snappy.c: Google's block format through its C interface, and our chunks. */
#include "prim/snappy.h"

#include <string.h>

#include <isa-l/crc.h>
#include <snappy-c.h>

#include "base/try.h"
#include "prim/le.h"

/* ---- block ----------------------------------------------------------- */

int bp_snappy_block_size(size_t *n, bp_span in) {
    size_t len;
    if (in.n == 0) return BP_ERR_SNAPPY;
    if (snappy_uncompressed_length((const char *)in.p, in.n, &len) != SNAPPY_OK)
        return BP_ERR_SNAPPY;
    *n = len;
    return 0;
}

int bp_snappy_block_decode(uint8_t *out, size_t cap, size_t *n, bp_span in) {
    size_t len;
    uint8_t nowhere;
    BP_TRY(bp_snappy_block_size(&len, in));
    if (len > cap) return BP_ERR_SNAPPY_SIZE;
    /* The library wants a place even for nothing. */
    if (len == 0) out = &nowhere;
    size_t got = len;
    if (snappy_uncompress((const char *)in.p, in.n, (char *)out, &got) !=
            SNAPPY_OK ||
        got != len)
        return BP_ERR_SNAPPY;
    *n = len;
    return 0;
}

size_t bp_snappy_block_room(size_t n) {
    return snappy_max_compressed_length(n);
}

size_t bp_snappy_block_encode(uint8_t *out, bp_span in) {
    size_t n = bp_snappy_block_room(in.n);
    const char *from = in.n > 0 ? (const char *)in.p : "";
    /* It fails only for lack of room, which the caller promised. */
    if (snappy_compress(from, in.n, (char *)out, &n) != SNAPPY_OK) return 0;
    return n;
}

/* ---- frame ----------------------------------------------------------- */

enum chunk_type {
    CHUNK_BLOCK = 0x00,
    CHUNK_PLAIN = 0x01,
    CHUNK_SKIP_FIRST = 0x80, /* up to 0xfe, which is padding */
    CHUNK_STREAM = 0xff,
};

/* Decompressed bytes of one chunk, set by the format. */
#define CHUNK_MAX  ((size_t)65536)
#define CHUNK_HEAD 4 /* type and length */
#define CHUNK_CRC  4

static const uint8_t stream_id[10] = { CHUNK_STREAM, 6,   0,   0,   's',
                                       'N',          'a', 'P', 'p', 'Y' };

uint32_t bp_crc32c(bp_span in) {
    /* isa-l takes lengths as int; its argument is not const but not written. */
    uint32_t crc = 0xffffffff;
    while (in.n > 0) {
        int part = in.n > (1u << 30) ? 1 << 30 : (int)in.n;
        crc = crc32_iscsi((unsigned char *)in.p, part, crc);
        in.p += part;
        in.n -= (size_t)part;
    }
    return ~crc;
}

static uint32_t masked_crc(bp_span in) {
    uint32_t c = bp_crc32c(in);
    return (c >> 15 | c << 17) + 0xa282ead8;
}

struct chunk {
    uint8_t type;
    bp_span data; /* behind the head, the checksum included */
};

static int take_chunk(struct chunk *c, bp_span *in) {
    if (in->n < CHUNK_HEAD) return BP_ERR_SNAPPY;
    size_t len = load_le32(in->p) >> 8;
    if (len > in->n - CHUNK_HEAD) return BP_ERR_SNAPPY;
    c->type = in->p[0];
    c->data = (bp_span){ in->p + CHUNK_HEAD, len };
    in->p += CHUNK_HEAD + len;
    in->n -= CHUNK_HEAD + len;
    return 0;
}

/* What a chunk decompresses to; 0 for one that carries nothing. */
static int chunk_size(size_t *n, const struct chunk *c) {
    *n = 0;
    if (c->type == CHUNK_STREAM) {
        bool known = c->data.n == sizeof stream_id - CHUNK_HEAD &&
                     memcmp(c->data.p, stream_id + CHUNK_HEAD, c->data.n) == 0;
        return known ? 0 : BP_ERR_SNAPPY;
    }
    if (c->type >= CHUNK_SKIP_FIRST) return 0;
    if (c->type > CHUNK_PLAIN || c->data.n < CHUNK_CRC) return BP_ERR_SNAPPY;
    bp_span body = { c->data.p + CHUNK_CRC, c->data.n - CHUNK_CRC };
    size_t len = body.n;
    if (c->type == CHUNK_BLOCK) BP_TRY(bp_snappy_block_size(&len, body));
    if (len > CHUNK_MAX) return BP_ERR_SNAPPY;
    *n = len;
    return 0;
}

static bool begins_stream(bp_span in) {
    return in.n >= sizeof stream_id &&
           memcmp(in.p, stream_id, sizeof stream_id) == 0;
}

int bp_snappy_frame_size(size_t *n, bp_span in) {
    size_t total = 0, len;
    struct chunk c;
    if (!begins_stream(in)) return BP_ERR_SNAPPY;
    while (in.n > 0) {
        BP_TRY(take_chunk(&c, &in));
        BP_TRY(chunk_size(&len, &c));
        total += len;
    }
    *n = total;
    return 0;
}

static int decode_chunk(uint8_t *out, size_t len, const struct chunk *c) {
    bp_span body = { c->data.p + CHUNK_CRC, c->data.n - CHUNK_CRC };
    if (c->type == CHUNK_PLAIN)
        memcpy(out, body.p, len);
    else
        BP_TRY(bp_snappy_block_decode(out, len, &len, body));
    if (masked_crc((bp_span){ out, len }) != load_le32(c->data.p))
        return BP_ERR_SNAPPY_CRC;
    return 0;
}

int bp_snappy_frame_decode(uint8_t *out, size_t cap, size_t *n, bp_span in) {
    size_t total = 0, len;
    struct chunk c;
    uint8_t nowhere; /* for an empty chunk into an empty buffer */
    if (!begins_stream(in)) return BP_ERR_SNAPPY;
    while (in.n > 0) {
        BP_TRY(take_chunk(&c, &in));
        BP_TRY(chunk_size(&len, &c));
        if (len > cap - total) return BP_ERR_SNAPPY_SIZE;
        if (c.type <= CHUNK_PLAIN)
            BP_TRY(decode_chunk(len > 0 ? out + total : &nowhere, len, &c));
        total += len;
    }
    *n = total;
    return 0;
}

size_t bp_snappy_frame_room(size_t n) {
    size_t chunks = n / CHUNK_MAX + 1;
    return sizeof stream_id +
           chunks * (CHUNK_HEAD + CHUNK_CRC + bp_snappy_block_room(CHUNK_MAX));
}

static size_t encode_chunk(uint8_t *out, bp_span part) {
    uint8_t *body = out + CHUNK_HEAD + CHUNK_CRC;
    size_t len = bp_snappy_block_encode(body, part);
    enum chunk_type type = CHUNK_BLOCK;
    if (len >= part.n - part.n / 8) {
        type = CHUNK_PLAIN;
        len = part.n;
        memcpy(body, part.p, len);
    }
    store_le32(out, (uint32_t)(CHUNK_CRC + len) << 8 | (uint32_t)type);
    store_le32(out + CHUNK_HEAD, masked_crc(part));
    return CHUNK_HEAD + CHUNK_CRC + len;
}

size_t bp_snappy_frame_encode(uint8_t *out, bp_span in) {
    size_t n = sizeof stream_id;
    memcpy(out, stream_id, n);
    while (in.n > 0) {
        size_t part = in.n < CHUNK_MAX ? in.n : CHUNK_MAX;
        n += encode_chunk(out + n, (bp_span){ in.p, part });
        in.p += part;
        in.n -= part;
    }
    return n;
}
