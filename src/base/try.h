/* try: the one macro with control flow. */
#ifndef BP_BASE_TRY_H
#define BP_BASE_TRY_H

/* Returns the first error of a chain of steps to the caller. */
#define BP_TRY(step)                                                           \
    do {                                                                       \
        int bp_try_err_ = (step);                                              \
        if (bp_try_err_ != 0) return bp_try_err_;                              \
    } while (0)

#endif
