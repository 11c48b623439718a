/* record: whatever reads as a record is read without harm, and what was read
   writes to a record that reads the same. */
#include <string.h>

#include "blockpool/record.h"
#include "fuzz.h"
#include "pool/codec.h"

struct bytes {
    const uint8_t *p;
    size_t n;
};

static size_t source(void *user, void *buf, size_t cap) {
    struct bytes *b = user;
    size_t n = b->n < cap ? b->n : cap;
    memcpy(buf, b->p, n);
    b->p += n;
    b->n -= n;
    return n;
}

struct kept {
    uint8_t p[1 << 16];
    size_t n;
};

static bool keep(void *user, void *bytes, size_t n) {
    struct kept *k = user;
    if (k->n + n > sizeof k->p) return false;
    memcpy(k->p + k->n, bytes, n);
    k->n += n;
    return true;
}

static bool give(void *user, void *bytes, size_t n) {
    return source(user, bytes, n) == n;
}

/* An event, encoded, decodes to what encodes the same. */
static void round_trip(const struct bp_event *event) {
    static struct kept a, b;
    struct bp_event copy = *event, again;
    struct bp_codec out = { .move = keep, .user = &a };
    a.n = b.n = 0;
    bp_codec_event(&out, &copy);
    if (out.failed) return; /* larger than what is kept here */
    struct bytes in = { a.p, a.n };
    struct bp_codec back = { .reading = true, .move = give, .user = &in };
    bp_codec_event(&back, &again);
    fuzz_law(!back.failed && in.n == 0);
    out = (struct bp_codec){ .move = keep, .user = &b };
    bp_codec_event(&out, &again);
    bp_codec_free(&back);
    fuzz_law(!out.failed && a.n == b.n && memcmp(a.p, b.p, a.n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    /* Raw events first: no checksum stands before them. */
    struct bytes in = { data, size };
    struct bp_codec c = { .reading = true, .move = give, .user = &in };
    struct bp_event e;
    while (in.n > 0 && !c.failed) {
        bp_codec_event(&c, &e);
        if (!c.failed) round_trip(&e);
    }
    bp_codec_free(&c);
    in = (struct bytes){ data, size };
    struct bp_record *r;
    if (bp_record_open(&r, NULL, source, &in) != 0) return 0;
    struct bp_record_mark mark;
    bp_time now;
    while (bp_record_next(r, &e, &now, &mark) == 0) round_trip(&e);
    bp_record_free(r);
    return 0;
}
