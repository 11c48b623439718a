/* input: bytes of a file in order, with a window that can be looked at.

   A reader asks for the next n bytes as one span, however the system hands
   them out. The window grows to the longest thing asked for, which the reader
   has bounded. */
#ifndef BP_STORE_INPUT_H
#define BP_STORE_INPUT_H

#include <zlib.h>

#include "blockpool/store.h"

struct bp_input {
    const struct bp_alloc *alloc;
    const char *name; /* for errors; owned by the reader above */
    int fd;           /* -1: memory or gz */
    gzFile gz;
    uint8_t *buf; /* NULL for memory */
    size_t cap;
    const uint8_t *p; /* the window: n bytes from p */
    size_t n;
    uint64_t offset; /* of p in the uncompressed file */
    uint64_t size;   /* 0: not known */
    bool ended;
};

bool bp_ends_with(const char *text, const char *tail);

/* Opens path; .gz by suffix, "-" is standard input (compressed or not). */
int bp_input_open(struct bp_input *in, const char *path,
                  const struct bp_alloc *a, struct bp_store_error *why);
void bp_input_memory(struct bp_input *in, bp_span bytes, const char *name,
                     const struct bp_alloc *a);
void bp_input_close(struct bp_input *in);
/* The open file, the caller's from now on; nothing more is read. */
int bp_input_take_fd(struct bp_input *in);

/* Makes the window hold n bytes, or all that are left. Returns 0,
   BP_ERR_FILE_READ, BP_ERR_FILE_GZIP, or BP_ERR_NOMEM. */
int bp_input_fill(struct bp_input *in, size_t n, struct bp_store_error *why);
/* Drops n bytes that are in the window. */
void bp_input_skip(struct bp_input *in, size_t n);
/* Bytes of the file itself taken so far. */
uint64_t bp_input_taken(const struct bp_input *in);

/* A buffer that keeps the most it ever needed. */
struct bp_room {
    uint8_t *p;
    size_t cap;
};
/* At least n bytes at r->p, their content lost; BP_ERR_NOMEM. */
int bp_room_need(struct bp_room *r, const struct bp_alloc *a, size_t n);
void bp_room_free(struct bp_room *r, const struct bp_alloc *a);

#endif
