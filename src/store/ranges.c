/* ranges: see ranges.h. */
#include "store/ranges.h"

#include <assert.h>
#include <string.h>

#include "base/try.h"

/* Room for n runs. */
static int reserve(struct bp_ranges *r, const struct bp_alloc *a, size_t n) {
    if (n <= r->cap) return 0;
    size_t cap = r->cap < 8 ? 8 : r->cap * 2;
    if (cap < n) cap = n;
    struct bp_range *run =
        bp_grow(a, r->run, r->cap * sizeof *run, cap * sizeof *run);
    if (run == NULL) return BP_ERR_NOMEM;
    r->run = run;
    r->cap = cap;
    return 0;
}

int bp_ranges_copy(struct bp_ranges *out, const struct bp_alloc *a,
                   const struct bp_ranges *from) {
    *out = (struct bp_ranges){ 0 };
    BP_TRY(reserve(out, a, from->n + 1));
    if (from->n > 0) memcpy(out->run, from->run, from->n * sizeof *from->run);
    out->n = from->n;
    return 0;
}

void bp_ranges_free(struct bp_ranges *r, const struct bp_alloc *a) {
    if (r->cap != 0) bp_free(a, r->run, r->cap * sizeof *r->run);
    *r = (struct bp_ranges){ 0 };
}

/* Index of the run that holds number, or r->n. */
static size_t run_of(const struct bp_ranges *r, uint64_t number) {
    size_t lo = 0, hi = r->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (r->run[mid].last < number)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

bool bp_ranges_find(const struct bp_ranges *r, uint64_t *bits, uint64_t *last,
                    uint64_t number) {
    size_t i = run_of(r, number);
    if (i == r->n) return false;
    *bits = r->run[i].bits;
    *last = r->run[i].last;
    return true;
}

static uint64_t first_of(const struct bp_ranges *r, size_t i) {
    return i == 0 ? 0 : r->run[i - 1].last + 1;
}

void bp_ranges_cut(struct bp_ranges *r, uint64_t first) {
    size_t i = run_of(r, first);
    if (i == r->n) return;
    r->n = i;
    if (first > first_of(r, i)) {
        r->run[i].last = first - 1;
        r->n = i + 1;
    }
}

int bp_ranges_append(struct bp_ranges *r, const struct bp_alloc *a,
                     uint64_t bits) {
    if (r->n > 0 && r->run[r->n - 1].bits == bits) {
        r->run[r->n - 1].last++;
        return 0;
    }
    BP_TRY(reserve(r, a, r->n + 1));
    r->run[r->n] = (struct bp_range){ first_of(r, r->n), bits };
    r->n++;
    return 0;
}

/* Makes a run end right before `at`, so that a run begins there. The room is
   reserved. */
static void split(struct bp_ranges *r, uint64_t at) {
    size_t i = run_of(r, at);
    if (i == r->n || first_of(r, i) == at) return;
    memmove(r->run + i + 1, r->run + i, (r->n - i) * sizeof *r->run);
    r->n++;
    r->run[i].last = at - 1;
}

int bp_ranges_mark(struct bp_ranges *r, const struct bp_alloc *a,
                   uint64_t first, uint64_t last, uint64_t bits) {
    assert(first <= last && r->n > 0 && last <= r->run[r->n - 1].last);
    BP_TRY(reserve(r, a, r->n + 2));
    split(r, first);
    if (last < r->run[r->n - 1].last) split(r, last + 1);
    for (size_t i = run_of(r, first); i < r->n && first_of(r, i) <= last; i++)
        r->run[i].bits |= bits;
    size_t n = 0; /* join neighbours that became alike */
    for (size_t i = 0; i < r->n; i++) {
        if (n > 0 && r->run[n - 1].bits == r->run[i].bits)
            r->run[n - 1].last = r->run[i].last;
        else
            r->run[n++] = r->run[i];
    }
    r->n = n;
    return 0;
}
