/* spec_read: values out of a JSON text, with the key named when one is wrong.

   A reader remembers where it is ("config.blobSchedule.cancun") and the first
   thing that was wrong. Getters return 0 or BP_ERR_SPEC_KEY. */
#ifndef BP_CHAIN_SPEC_READ_H
#define BP_CHAIN_SPEC_READ_H

#include <jansson.h>

#include "blockpool/spec.h"

struct bp_json {
    char *why; /* BP_SPEC_TEXT_MAX bytes, or NULL */
};

/* Parses text as an object; integers of more than 18 digits, which jansson
   does not take, become strings. *out is to be released with json_decref.
   Returns 0, BP_ERR_SPEC_JSON or BP_ERR_NOMEM. */
int bp_json_parse(json_t **out, struct bp_json *j, bp_span text,
                  const struct bp_alloc *a);

/* Writes `key: what` and returns err. */
int bp_json_fail(struct bp_json *j, int err, const char *key, const char *what);

/* Members of an object; `path` is what a message calls the key. A member that
   is absent or null leaves *out as it is and returns 0. Numbers may be JSON
   integers or strings, decimal or after 0x hexadecimal. */
int bp_json_u64(struct bp_json *j, uint64_t *out, const json_t *obj,
                const char *key, const char *path);
int bp_json_u256(struct bp_json *j, bp_u256 *out, const json_t *obj,
                 const char *key, const char *path);
int bp_json_bool(struct bp_json *j, bool *out, const json_t *obj,
                 const char *key, const char *path);
/* Exactly n bytes in hexadecimal. */
int bp_json_bytes(struct bp_json *j, void *out, size_t n, const json_t *obj,
                  const char *key, const char *path);
/* A string, borrowed from obj. */
int bp_json_str(struct bp_json *j, const char **out, const json_t *obj,
                const char *key, const char *path);
/* An object or array, borrowed; NULL when absent. */
int bp_json_object(struct bp_json *j, json_t **out, const json_t *obj,
                   const char *key, const char *path);
int bp_json_array(struct bp_json *j, json_t **out, const json_t *obj,
                  const char *key, const char *path);
/* 0 or BP_ERR_SPEC_KEY when the member is absent or null. */
int bp_json_need(struct bp_json *j, const json_t *obj, const char *key,
                 const char *path);

/* A number in its own text form; BP_ERR_FORMAT or BP_ERR_RANGE. */
int bp_json_number(bp_u256 *out, const json_t *v);
/* Any number of bytes in hexadecimal, written at out if they fit; BP_ERR_FORMAT
   or BP_ERR_RANGE. */
int bp_json_hex(uint8_t *out, size_t *n, size_t cap, const char *text);

/* ---- the two forms of a specification (spec_ours.c, spec_genesis.c) ------ */

/* Bytes that a specification owns come from its block, which is as large as
   the text they come from; NULL when it is full. */
uint8_t *bp_spec_keep(struct bp_spec *s, size_t *used, const void *bytes,
                      size_t n);

int bp_spec_read_ours(struct bp_spec *s, size_t *used, struct bp_json *j,
                      const json_t *root);
int bp_spec_read_genesis(struct bp_spec *s, size_t *used, struct bp_json *j,
                         const json_t *root);
/* What a specification without own figures has. */
void bp_spec_defaults(struct bp_spec *s);
/* Bomb delays and blob limits that follow from the forks, where the text gave
   none. */
void bp_spec_derive_bombs(struct bp_spec *s);
void bp_spec_derive_blobs(struct bp_spec *s);
/* The limits of blobs of the fork f, from its time on. */
int bp_spec_add_blobs(struct bp_spec *s, struct bp_json *j, enum bp_fork f,
                      const json_t *limits, const char *fraction_key,
                      const char *path);
/* "required_hashes" and "requireBlockHashes": number to hash. */
int bp_spec_read_required(struct bp_spec *s, struct bp_json *j,
                          const json_t *root, const char *key);
/* Decodes and hashes s->genesis_rlp. */
int bp_spec_set_genesis(struct bp_spec *s, struct bp_json *j, const char *path);

/* State root of an allocation: address to balance, nonce, code, storage. */
int bp_alloc_root(bp_hash *out, struct bp_json *j, const json_t *accounts,
                  const struct bp_alloc *a);

#endif
