/* arena.h: an allocator for targets that make much and free it all.

   Blocks are cut from one arena in order and never used again in the same
   run, so making a large object costs no more than clearing it. What is not
   taken, or was given back, is poisoned: AddressSanitizer sees a byte past the
   end, and use after free, as with malloc. Giving back checks the size. */
#ifndef BP_FUZZ_ARENA_H
#define BP_FUZZ_ARENA_H

#include <stdbool.h>
#include <string.h>

#include "fuzz.h"

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif
#ifdef ARENA_ASAN /* <sanitizer/asan_interface.h> */
void __asan_poison_memory_region(void const volatile *p, size_t n);
void __asan_unpoison_memory_region(void const volatile *p, size_t n);
#define arena_close(p, n) __asan_poison_memory_region(p, n)
#define arena_open(p, n)  __asan_unpoison_memory_region(p, n)
#else
#define arena_close(p, n) ((void)(p), (void)(n))
#define arena_open(p, n)  ((void)(p), (void)(n))
#endif

#define ARENA_BYTES (8u << 20)
#define ARENA_GAP   32 /* in front of each block: its size */

struct arena {
    uint8_t *base;
    size_t used;  /* from the start of the arena */
    size_t taken; /* by blocks that are out */
    size_t calls, fail_at;
    bool fail_on; /* and every one after it */
};

static inline void arena_begin(struct arena *a, uint8_t *base) {
    *a = (struct arena){ .base = base };
}

static inline void *arena_take(void *user, size_t n) {
    struct arena *a = user;
    a->calls++;
    if (a->calls == a->fail_at || (a->fail_on && a->calls > a->fail_at))
        return NULL;
    size_t room = (n + 2 * ARENA_GAP - 1) / ARENA_GAP * ARENA_GAP;
    if (n > ARENA_BYTES || a->used + room > ARENA_BYTES) return NULL;
    uint8_t *at = a->base + a->used;
    arena_open(at, ARENA_GAP + n);
    memcpy(at, &n, sizeof n);
    arena_close(at, ARENA_GAP);
    a->used += room;
    a->taken += n;
    return at + ARENA_GAP;
}

static inline void arena_give(void *user, void *p, size_t n) {
    struct arena *a = user;
    uint8_t *at = (uint8_t *)p - ARENA_GAP;
    size_t was;
    arena_open(at, sizeof was);
    memcpy(&was, at, sizeof was);
    fuzz_law(was == n);
    was = SIZE_MAX; /* given back */
    memcpy(at, &was, sizeof was);
    arena_close(at, ARENA_GAP + n);
    a->taken -= n;
}

#endif
