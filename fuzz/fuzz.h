/* fuzz.h: what a fuzz target includes.

   A target is one function and states a law: what decodes must encode to
   something that decodes to the same. It calls fuzz_law(law holds), which
   stops the program when it does not. It returns 0, keeps no state between
   calls and reads nothing but its input. */
#ifndef BP_FUZZ_FUZZ_H
#define BP_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define fuzz_law(holds)                                                        \
    ((holds) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #holds))

static inline void fuzz_broken(const char *file, int line, const char *law) {
    fprintf(stderr, "%s:%d: broken law: %s\n", file, line, law);
    abort();
}

#endif
