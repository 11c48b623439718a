/* rlp.h: Recursive Length Prefix, read strictly and written once.

   Reading moves a cursor (a bp_span) over bytes that stay where they are:

       in:   [ f8 4a | a0 .. .. | 82 01 00 | ... ] next item
                ^list   ^string    ^integer
       bp_rlp_list(&fields, &in)      fields = what is inside, in = what follows
       bp_rlp_hash(&h, &fields)       and so on, in the order of the format
       bp_rlp_end(fields)             nothing may be left

   Only the canonical form is accepted (Yellow Paper, appendix B, and the
   rule that one value has one encoding), so what was read and written again
   is the same bytes. Nothing here allocates or calls itself.

   Every reader returns 0 and steps past the item, or returns an error with
   *in and *out unchanged:
     BP_ERR_RLP_SHORT  the item runs past the end of *in (or *in is empty)
     BP_ERR_RLP_CANON  not the one shortest form
     BP_ERR_RLP_KIND   a list where a string is due, or the other way round
     BP_ERR_RLP_SIZE   a string too long or too short for what is read */
#ifndef BLOCKPOOL_RLP_H
#define BLOCKPOOL_RLP_H

#include "blockpool/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- reading --------------------------------------------------------- */

struct bp_rlp_item {
    bp_span payload; /* what the prefix announces; borrowed */
    bp_span whole;   /* prefix and payload; borrowed */
    bool is_list;
};

/* Any item, of which only the prefix is looked at. */
BP_API int bp_rlp_item(struct bp_rlp_item *out, bp_span *in) BP_MUST_USE;
/* A string: *out borrows its payload. */
BP_API int bp_rlp_str(bp_span *out, bp_span *in) BP_MUST_USE;
/* A list: *out borrows its payload, a cursor over its items. */
BP_API int bp_rlp_list(bp_span *out, bp_span *in) BP_MUST_USE;
/* A string of exactly n bytes, copied to out. */
BP_API int bp_rlp_bytes(void *out, size_t n, bp_span *in) BP_MUST_USE;
BP_API int bp_rlp_hash(bp_hash *out, bp_span *in) BP_MUST_USE;
/* Canonical integers: no leading zero byte (BP_ERR_RLP_CANON); more than 8 or
   32 bytes are BP_ERR_RLP_SIZE. */
BP_API int bp_rlp_u64(uint64_t *out, bp_span *in) BP_MUST_USE;
BP_API int bp_rlp_u256(bp_u256 *out, bp_span *in) BP_MUST_USE;
/* The integer 0 or 1; another is BP_ERR_RLP_SIZE. */
BP_API int bp_rlp_bool(bool *out, bp_span *in) BP_MUST_USE;
/* 0, or BP_ERR_RLP_TRAILING when bytes are left. */
BP_API int bp_rlp_end(bp_span in) BP_MUST_USE;
/* The number of items that follow one another in `items`, of which only the
   prefixes are looked at; BP_ERR_RLP_SIZE when there are more than max. */
BP_API int bp_rlp_count(size_t *out, bp_span items, size_t max) BP_MUST_USE;

/* Lists in lists that bp_rlp_check follows. The deepest thing the protocol
   defines, the access list of a transaction in a block, has 6. */
#define BP_RLP_DEPTH_MAX 64

/* Whether `in` is exactly one item whose every part, however deep, is
   canonical. 0, an error of the readers, BP_ERR_RLP_TRAILING, or
   BP_ERR_RLP_DEPTH when lists are nested deeper than BP_RLP_DEPTH_MAX. */
BP_API int bp_rlp_check(bp_span in) BP_MUST_USE;

/* ---- writing --------------------------------------------------------- */

/* A writer counts in n all that was put, and stores what fits. With p NULL
   and cap 0 it only counts: run the same code twice, first for the size,
   then with a buffer of that size. Nothing is written past cap. */
struct bp_rlp_w {
    uint8_t *p; /* the caller's */
    size_t cap;
    size_t n;
};

BP_API void bp_rlp_put_str(struct bp_rlp_w *w, const void *bytes, size_t n);
BP_API void bp_rlp_put_hash(struct bp_rlp_w *w, const bp_hash *h);
BP_API void bp_rlp_put_u64(struct bp_rlp_w *w, uint64_t v);
BP_API void bp_rlp_put_u256(struct bp_rlp_w *w, const bp_u256 *v);
/* The prefix of a list whose payload, of payload_n bytes, is put next. */
BP_API void bp_rlp_put_list(struct bp_rlp_w *w, size_t payload_n);
/* The prefix of a string of n bytes that follow, n not 1 (one byte may be its
   own encoding). */
BP_API void bp_rlp_put_str_prefix(struct bp_rlp_w *w, size_t n);
/* Bytes that are RLP already. */
BP_API void bp_rlp_put_raw(struct bp_rlp_w *w, const void *bytes, size_t n);

/* A list whose length is not known yet: open, put the items, close with what
   open returned. The payload moves by the size of its prefix, so prefer
   bp_rlp_put_list for large ones. */
BP_API size_t bp_rlp_open(struct bp_rlp_w *w);
BP_API void bp_rlp_close(struct bp_rlp_w *w, size_t mark);

/* 0, or BP_ERR_SPACE when more was put than the buffer holds (n says how
   much is needed; the buffer's content is then unspecified). */
BP_API int bp_rlp_done(const struct bp_rlp_w *w) BP_MUST_USE;

/* Bytes that put would take. */
BP_API size_t bp_rlp_size_str(const void *bytes, size_t n);
BP_API size_t bp_rlp_size_u64(uint64_t v);
BP_API size_t bp_rlp_size_u256(const bp_u256 *v);
/* Of a list and its prefix. */
BP_API size_t bp_rlp_size_list(size_t payload_n);

#ifdef __cplusplus
}
#endif
#endif
