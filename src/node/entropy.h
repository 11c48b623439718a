/* entropy: the only place of the program that draws it. */
#ifndef BP_NODE_ENTROPY_H
#define BP_NODE_ENTROPY_H

#include <stddef.h>
#include <stdint.h>

/* Fills out with n bytes fit for keys. Ends the process when the system has
   none to give: nothing may go on with guessable keys. */
void entropy_fill(void *out, size_t n);
uint64_t entropy_u64(void);

#endif
