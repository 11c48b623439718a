/* pages: memory for what is read at random, on large pages where there are.

   A light cache is some ten thousand small pages, far more than a processor
   remembers translations for; on pages of 2 MiB it is a few dozen. Asking for
   them is a hint: without them everything works, a quarter slower. */
#ifndef BP_NODE_PAGES_H
#define BP_NODE_PAGES_H

#include <stddef.h>

/* n bytes of zeroes, aligned to 2 MiB; NULL when there is no memory. */
void *pages_map(size_t n);
/* Gives back what pages_map gave for the same n. NULL: nothing. */
void pages_unmap(void *p, size_t n);

#endif
