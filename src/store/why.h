/* why: the sentence that goes with an error. */
#ifndef BP_STORE_WHY_H
#define BP_STORE_WHY_H

#include "blockpool/store.h"

/* Writes the code and the formatted sentence, when why is given. Returns the
   code. */
int bp_why(struct bp_store_error *why, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "PATH: " and the sentence of the code itself. */
int bp_why_code(struct bp_store_error *why, int code, const char *path);

/* "0x5b9c01..77ad20": enough of a hash to know it again. */
#define BP_HASH_SHORT 17
const char *bp_hash_short(char out[BP_HASH_SHORT], const bp_hash *h);

#endif
