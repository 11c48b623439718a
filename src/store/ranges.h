/* ranges: which checks were done on which canonical numbers.

   Runs that touch, from 0 to the head without a hole; neighbours differ in
   their bits. A chain that was verified in one way is one run. */
#ifndef BP_STORE_RANGES_H
#define BP_STORE_RANGES_H

#include "blockpool/base.h"

struct bp_range {
    uint64_t last; /* the first is one past the last of the run before */
    uint64_t bits;
};

struct bp_ranges {
    struct bp_range *run;
    size_t n, cap; /* cap 0: the runs are borrowed */
};

/* An own copy of `from`; BP_ERR_NOMEM. */
int bp_ranges_copy(struct bp_ranges *out, const struct bp_alloc *a,
                   const struct bp_ranges *from) BP_MUST_USE;
void bp_ranges_free(struct bp_ranges *r, const struct bp_alloc *a);

/* The run that holds number; false above the last. */
bool bp_ranges_find(const struct bp_ranges *r, uint64_t *bits, uint64_t *last,
                    uint64_t number);
/* Forgets everything from number `first` on. */
void bp_ranges_cut(struct bp_ranges *r, uint64_t first);
/* Adds one number behind the last. BP_ERR_NOMEM. */
int bp_ranges_append(struct bp_ranges *r, const struct bp_alloc *a,
                     uint64_t bits) BP_MUST_USE;
/* Sets bits on first..last, which must be covered. BP_ERR_NOMEM. */
int bp_ranges_mark(struct bp_ranges *r, const struct bp_alloc *a,
                   uint64_t first, uint64_t last, uint64_t bits) BP_MUST_USE;

#endif
