/* nodekey: the secret key that is this node's identity.

   The file holds 64 hexadecimal digits, as in every client, and nothing else
   but a newline; mode 0600. */
#ifndef BP_NODE_NODEKEY_H
#define BP_NODE_NODEKEY_H

#include <stddef.h>
#include <stdint.h>

#include "blockpool/base.h"

/* Reads the key at `path`. Returns 0, or, with the sentence in why:
     BP_ERR_NO_KEY     there is no such file
     BP_ERR_FORMAT     it does not hold 64 digits, or not a valid key
     BP_ERR_KEY_IO     it cannot be read */
int nodekey_read(uint8_t key[32], char *why, size_t cap,
                 const char *path) BP_MUST_USE;

/* As nodekey_read, but makes a key where there is none: written to a file
   beside it, synced, then linked into place, so that a crash leaves either no
   key or a whole one and two processes agree on one. Errors also:
     BP_ERR_KEY_IO     it cannot be written */
int nodekey_read_or_make(uint8_t key[32], char *why, size_t cap,
                         const char *path) BP_MUST_USE;

#endif
