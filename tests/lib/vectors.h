/* vectors.h: published vectors, one JSON object a line.

       static void one(const json_t *v) { ... vec_bytes(v, "rlp", &n) ... }
       size_t n = vec_each("vectors/eth.jsonl", one);

   A key that is missing fails the test by its name. */
#ifndef BP_TESTS_LIB_VECTORS_H
#define BP_TESTS_LIB_VECTORS_H

#include <jansson.h>

#include "lib/test.h"

/* Calls fn for each line of a file of the real data; skips the running test
   when the file is not there. Returns the number of lines. */
size_t vec_each(const char *relative, void (*fn)(const json_t *v));

const json_t *vec_get(const json_t *v, const char *key);
const char *vec_str(const json_t *v, const char *key);
bool vec_bool(const json_t *v, const char *key);
uint64_t vec_u64(const json_t *v, const char *key);
bool vec_has(const json_t *v, const char *key);

/* The bytes of a string of hexadecimal digits, made with malloc to their exact
   length, so that a sanitizer sees the first byte past; free() them. */
uint8_t *vec_bytes(const json_t *v, const char *key, size_t *n);
/* The same, of exactly n bytes, into out. */
void vec_fixed(const json_t *v, const char *key, void *out, size_t n);

#endif
