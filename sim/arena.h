/* arena.h: memory of one world.

   Everything a world makes lives until the world ends, so it is taken from
   chunks and given back all at once. The engine under test gets an allocator
   of its own beside it, which counts, poisons what is freed, fails on purpose,
   and can be emptied after the engine has died in the middle of a step. */
#ifndef BP_SIM_ARENA_H
#define BP_SIM_ARENA_H

#include "blockpool/base.h"

struct chunk;

struct arena {
    struct chunk *first, *now;
    size_t used; /* of the chunk in use */
};

/* n bytes, zeroed; ends the program when memory is out: a simulator without
   memory has nothing to say. */
void *arena_take(struct arena *a, size_t n);
/* Gives back everything; the chunks stay for the next world. */
void arena_reset(struct arena *a);
void arena_free(struct arena *a);

/* Doubles *cap until it holds `need` elements of `size` bytes; the old ones
   are copied. */
void *arena_grow(struct arena *a, void *p, uint32_t *cap, uint32_t need,
                 size_t size);

struct heap_block;

/* The allocator of the engine under test. */
struct heap {
    struct bp_alloc iface; /* hand &h->iface to the engine */
    struct heap_block *all;
    uint64_t live, peak; /* bytes */
    uint64_t calls, failed;
    uint32_t fail_pm; /* of a thousand calls, this many fail */
    struct bp_rng rng;
    bool broken; /* a free with another size than the allocation's */
};

void heap_init(struct heap *h, uint64_t seed);
/* Frees what the engine left; for an engine that was abandoned. */
void heap_clear(struct heap *h);

#endif
