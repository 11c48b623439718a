/* record: a run of the pool, written down. record.h says what for. */
#include "blockpool/record.h"

#include <string.h>

#include "pool/codec.h"

#define MAGIC      "BPRECORD"
#define CHUNK_HEAD 8 /* length and CRC-32C, both little-endian */
#define CHUNK_MAX  65536

/* In front of each entry of the stream. */
enum entry { ENTRY_EVENT = 1, ENTRY_MARK = 2, ENTRY_END = 3 };

static void put_u32(uint8_t *p, uint32_t v) {
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> (8 * i));
}

static uint32_t get_u32(const uint8_t *p) {
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

/* ---- writing ------------------------------------------------------------ */

struct bp_recorder {
    const struct bp_alloc *alloc;
    bp_record_sink *sink;
    void *user;
    int err;
    bool open; /* an event whose mark is not written yet */
    bp_time last;
    uint64_t actions, digest, events;
    struct bp_codec codec;
    size_t n;                 /* payload bytes in chunk */
    uint8_t chunk[CHUNK_MAX]; /* CHUNK_HEAD bytes, then the payload */
};

_Static_assert(sizeof(struct bp_recorder) <= BP_RECORDER_BYTES,
               "the bound of a pool counts its recorder with this");

static void write_chunk(struct bp_recorder *r) {
    if (r->n == 0 || r->err != 0) return;
    put_u32(r->chunk, (uint32_t)r->n);
    put_u32(r->chunk + 4, bp_record_crc(0, r->chunk + CHUNK_HEAD, r->n));
    r->err = r->sink(r->user, r->chunk, CHUNK_HEAD + r->n);
    r->n = 0;
}

static bool stream_write(void *user, void *bytes, size_t n) {
    struct bp_recorder *r = user;
    const uint8_t *p = bytes;
    while (n > 0 && r->err == 0) {
        size_t room = CHUNK_MAX - CHUNK_HEAD - r->n;
        size_t part = n < room ? n : room;
        memcpy(r->chunk + CHUNK_HEAD + r->n, p, part);
        r->n += part;
        p += part;
        n -= part;
        if (part == room) write_chunk(r);
    }
    return r->err == 0;
}

static void write_entry(struct bp_recorder *r, enum entry kind) {
    uint8_t b = (uint8_t)kind;
    stream_write(r, &b, 1);
}

int bp_recorder_new(struct bp_recorder **out,
                    const struct bp_pool_config *config, bp_record_sink *sink,
                    void *user) {
    static const uint8_t head[10] = MAGIC "\1"; /* version, little-endian */
    struct bp_pool_config copy = *config;
    struct bp_recorder *r = bp_zalloc(config->alloc, sizeof *r);
    *out = NULL;
    if (r == NULL) return BP_ERR_NOMEM;
    r->alloc = config->alloc;
    r->sink = sink;
    r->user = user;
    r->codec = (struct bp_codec){ .move = stream_write, .user = r };
    r->err = sink(user, head, sizeof head);
    bp_codec_config(&r->codec, &copy);
    write_chunk(r);
    if (r->err != 0) {
        int err = r->err;
        bp_free(r->alloc, r, sizeof *r);
        return err;
    }
    *out = r;
    return 0;
}

static void write_mark(struct bp_recorder *r) {
    if (!r->open) return;
    write_entry(r, ENTRY_MARK);
    bp_codec_u64(&r->codec, &r->actions);
    if (r->actions > 0) {
        uint8_t d[8];
        put_u32(d, (uint32_t)r->digest);
        put_u32(d + 4, (uint32_t)(r->digest >> 32));
        stream_write(r, d, sizeof d);
    }
    r->open = false;
}

void bp_recorder_event(struct bp_recorder *r, const struct bp_event *event,
                       bp_time now) {
    struct bp_event copy = *event;
    write_mark(r);
    /* The pool takes a smaller time as the last one, and so do we. */
    uint64_t step = now > r->last ? now - r->last : 0;
    r->last += step;
    r->open = true;
    r->actions = 0;
    r->digest = BP_DIGEST_INIT;
    r->events++;
    write_entry(r, ENTRY_EVENT);
    bp_codec_u64(&r->codec, &step);
    bp_codec_event(&r->codec, &copy);
}

void bp_recorder_action(struct bp_recorder *r, const struct bp_action *action) {
    r->actions++;
    bp_digest_action(&r->digest, action);
}

int bp_recorder_flush(struct bp_recorder *r) {
    write_chunk(r);
    return r->err;
}

int bp_recorder_end(struct bp_recorder *r) {
    if (r == NULL) return 0;
    write_mark(r);
    write_entry(r, ENTRY_END);
    bp_codec_u64(&r->codec, &r->events);
    int err = bp_recorder_flush(r);
    bp_free(r->alloc, r, sizeof *r);
    return err;
}

/* ---- reading ------------------------------------------------------------ */

struct bp_record {
    const struct bp_alloc *alloc;
    bp_record_source *source;
    void *user;
    int err; /* why the stream cannot go on */
    bool complete;
    bp_time now;
    uint64_t events;
    struct bp_pool_config config;
    struct bp_codec codec;
    size_t at, n; /* of chunk */
    uint8_t chunk[CHUNK_MAX];
};

/* Bytes got before the end. */
static size_t read_fully(struct bp_record *r, uint8_t *p, size_t n) {
    size_t got = 0;
    while (got < n) {
        size_t part = r->source(r->user, p + got, n - got);
        if (part == 0 || part > n - got) break;
        got += part;
    }
    return got;
}

static int read_chunk(struct bp_record *r) {
    uint8_t head[CHUNK_HEAD];
    if (read_fully(r, head, sizeof head) != sizeof head)
        return BP_ERR_RECORD_SHORT;
    uint32_t n = get_u32(head);
    if (n == 0 || n > CHUNK_MAX - CHUNK_HEAD) return BP_ERR_RECORD_FORM;
    if (read_fully(r, r->chunk, n) != n) return BP_ERR_RECORD_SHORT;
    if (bp_record_crc(0, r->chunk, n) != get_u32(head + 4))
        return BP_ERR_RECORD_SUM;
    r->at = 0;
    r->n = n;
    return 0;
}

static bool stream_read(void *user, void *bytes, size_t n) {
    struct bp_record *r = user;
    uint8_t *p = bytes;
    while (n > 0) {
        if (r->at == r->n && r->err == 0) r->err = read_chunk(r);
        if (r->err != 0) return false;
        size_t part = r->n - r->at < n ? r->n - r->at : n;
        memcpy(p, r->chunk + r->at, part);
        r->at += part;
        p += part;
        n -= part;
    }
    return true;
}

int bp_record_open(struct bp_record **out, const struct bp_alloc *alloc,
                   bp_record_source *source, void *user) {
    uint8_t head[10];
    struct bp_record *r = bp_zalloc(alloc, sizeof *r);
    *out = NULL;
    if (r == NULL) return BP_ERR_NOMEM;
    r->alloc = alloc;
    r->source = source;
    r->user = user;
    r->codec = (struct bp_codec){
        .reading = true, .move = stream_read, .user = r, .alloc = alloc
    };
    if (read_fully(r, head, sizeof head) != sizeof head ||
        memcmp(head, MAGIC, 8) != 0 || head[8] != BP_RECORD_VERSION ||
        head[9] != 0)
        r->err = BP_ERR_RECORD_FORM;
    if (r->err == 0) bp_codec_config(&r->codec, &r->config);
    if (r->err == 0 && r->codec.failed) r->err = BP_ERR_RECORD_FORM;
    if (r->err != 0) {
        int err = r->err;
        bp_record_free(r);
        return err;
    }
    *out = r;
    return 0;
}

void bp_record_free(struct bp_record *r) {
    if (r == NULL) return;
    bp_codec_free(&r->codec);
    bp_free(r->alloc, r, sizeof *r);
}

const struct bp_pool_config *bp_record_config(const struct bp_record *r) {
    return &r->config;
}

bool bp_record_complete(const struct bp_record *r) {
    return r->complete;
}

static int read_mark(struct bp_record *r, struct bp_record_mark *mark) {
    uint8_t kind, d[8];
    *mark = (struct bp_record_mark){ .known = false, .digest = BP_DIGEST_INIT };
    if (!stream_read(r, &kind, 1)) return r->err;
    if (kind != ENTRY_MARK) return BP_ERR_RECORD_FORM;
    bp_codec_u64(&r->codec, &mark->actions);
    if (!r->codec.failed && mark->actions > 0 && stream_read(r, d, sizeof d))
        mark->digest = get_u32(d) | (uint64_t)get_u32(d + 4) << 32;
    if (r->err != 0) return r->err;
    mark->known = true;
    return r->codec.failed ? BP_ERR_RECORD_FORM : 0;
}

static int read_end(struct bp_record *r) {
    uint64_t events;
    bp_codec_u64(&r->codec, &events);
    if (r->err != 0) return r->err;
    if (r->codec.failed || events != r->events) return BP_ERR_RECORD_FORM;
    r->complete = true;
    return BP_ERR_RECORD_END;
}

int bp_record_next(struct bp_record *r, struct bp_event *event, bp_time *now,
                   struct bp_record_mark *mark) {
    uint8_t kind;
    uint64_t step;
    if (r->err != 0) return r->err;
    if (!stream_read(r, &kind, 1)) {
        /* A stream that ends between entries ended early, but cleanly. */
        if (r->err == BP_ERR_RECORD_SHORT) r->err = BP_ERR_RECORD_END;
        return r->err;
    }
    if (kind == ENTRY_END) return r->err = read_end(r);
    if (kind != ENTRY_EVENT) return r->err = BP_ERR_RECORD_FORM;
    bp_codec_u64(&r->codec, &step);
    bp_codec_event(&r->codec, event);
    if (r->codec.failed || step > UINT64_MAX - r->now) {
        if (r->err == 0) r->err = BP_ERR_RECORD_FORM;
        if (r->err == BP_ERR_RECORD_SHORT) r->err = BP_ERR_RECORD_END;
        return r->err;
    }
    r->now += step;
    r->events++;
    *now = r->now;
    int err = read_mark(r, mark);
    if (err == BP_ERR_RECORD_SHORT) {
        mark->known = false;
        r->err = BP_ERR_RECORD_END; /* of the next call */
        return 0;
    }
    return r->err = err;
}
