/* input: see input.h. */
#include "store/input.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/why.h"

/* Read at once, at least. */
#define CHUNK ((size_t)256 << 10)

bool bp_ends_with(const char *text, const char *tail) {
    size_t n = strlen(text), m = strlen(tail);
    return n >= m && strcmp(text + n - m, tail) == 0;
}

static int open_error(struct bp_store_error *why, const char *path) {
    if (errno == ENOMEM) return bp_why_code(why, BP_ERR_NOMEM, path);
    return bp_why(why, BP_ERR_FILE_OPEN, "%s: cannot open: %s", path,
                  strerror(errno));
}

int bp_input_open(struct bp_input *in, const char *path,
                  const struct bp_alloc *a, struct bp_store_error *why) {
    struct stat st;
    bool standard = strcmp(path, "-") == 0;
    *in = (struct bp_input){ .alloc = a, .name = path, .fd = -1 };
    int fd = standard ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return open_error(why, path);
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        in->size = (uint64_t)st.st_size;
    else if (S_ISDIR(st.st_mode)) {
        close(fd);
        errno = EISDIR;
        return open_error(why, path);
    }
    if (!standard && !bp_ends_with(path, ".gz")) {
        in->fd = fd;
        return 0;
    }
    in->gz = gzdopen(fd, "rb");
    if (in->gz == NULL) {
        close(fd);
        return bp_why_code(why, BP_ERR_NOMEM, path);
    }
    gzbuffer(in->gz, CHUNK);
    return 0;
}

void bp_input_memory(struct bp_input *in, bp_span bytes, const char *name,
                     const struct bp_alloc *a) {
    *in = (struct bp_input){ .alloc = a,
                             .name = name,
                             .fd = -1,
                             .p = bytes.p,
                             .n = bytes.n,
                             .size = bytes.n,
                             .ended = true };
}

void bp_input_close(struct bp_input *in) {
    if (in->fd >= 0) close(in->fd);
    if (in->gz != NULL) gzclose(in->gz);
    bp_free(in->alloc, in->buf, in->cap);
    *in = (struct bp_input){ .fd = -1 };
}

int bp_input_take_fd(struct bp_input *in) {
    int fd = in->fd;
    in->fd = -1;
    in->ended = true;
    return fd;
}

/* Room for n bytes behind the start of the window. */
static int make_room(struct bp_input *in, size_t n) {
    if (in->buf != NULL && (size_t)(in->p - in->buf) + n <= in->cap) return 0;
    if (in->buf != NULL && n <= in->cap) {
        memmove(in->buf, in->p, in->n);
        in->p = in->buf;
        return 0;
    }
    size_t cap = n + CHUNK;
    uint8_t *buf = bp_malloc(in->alloc, cap);
    if (buf == NULL) return BP_ERR_NOMEM;
    if (in->n > 0) memcpy(buf, in->p, in->n);
    bp_free(in->alloc, in->buf, in->cap);
    in->buf = buf;
    in->cap = cap;
    in->p = buf;
    return 0;
}

static int read_error(struct bp_input *in, struct bp_store_error *why) {
    unsigned long long at = in->offset + in->n;
    int number = 0;
    if (in->gz == NULL)
        return bp_why(why, BP_ERR_FILE_READ, "%s: cannot read at byte %llu: %s",
                      in->name, at, strerror(errno));
    const char *text = gzerror(in->gz, &number);
    if (number == Z_ERRNO)
        return bp_why(why, BP_ERR_FILE_READ, "%s: cannot read at byte %llu: %s",
                      in->name, at, strerror(errno));
    return bp_why(why, BP_ERR_FILE_GZIP,
                  "%s: the compressed stream is damaged at byte %llu of its "
                  "content: %s",
                  in->name, at, text);
}

int bp_input_fill(struct bp_input *in, size_t n, struct bp_store_error *why) {
    if (in->n >= n || in->ended) return 0;
    if (make_room(in, n) != 0) return bp_why_code(why, BP_ERR_NOMEM, in->name);
    while (in->n < n && !in->ended) {
        uint8_t *to = in->buf + (in->p - in->buf) + in->n;
        size_t room = (size_t)(in->buf + in->cap - to);
        if (room > CHUNK) room = CHUNK;
        ssize_t got = in->gz != NULL ? gzread(in->gz, to, (unsigned)room)
                                     : read(in->fd, to, room);
        if (got < 0 && in->gz == NULL && errno == EINTR) continue;
        if (got < 0) return read_error(in, why);
        in->n += (size_t)got;
        in->ended = got == 0;
        /* A stream cut short ends with an error that comes after its data. */
        int number = 0;
        if (in->ended && in->gz != NULL) gzerror(in->gz, &number);
        if (number != Z_OK) return read_error(in, why);
    }
    return 0;
}

void bp_input_skip(struct bp_input *in, size_t n) {
    assert(n <= in->n);
    in->p += n;
    in->n -= n;
    in->offset += n;
}

uint64_t bp_input_taken(const struct bp_input *in) {
    if (in->gz == NULL) return in->offset;
    z_off_t at = gzoffset(in->gz);
    return at < 0 ? 0 : (uint64_t)at;
}

int bp_room_need(struct bp_room *r, const struct bp_alloc *a, size_t n) {
    if (n <= r->cap) return 0;
    size_t cap = n < 4096 ? 4096 : n + n / 4;
    uint8_t *p = bp_malloc(a, cap);
    if (p == NULL) return BP_ERR_NOMEM;
    bp_free(a, r->p, r->cap);
    r->p = p;
    r->cap = cap;
    return 0;
}

void bp_room_free(struct bp_room *r, const struct bp_alloc *a) {
    bp_free(a, r->p, r->cap);
    *r = (struct bp_room){ NULL, 0 };
}
