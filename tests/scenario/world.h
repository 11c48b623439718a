/* world.h: how most scripts begin. */
#ifndef BP_TESTS_SCENARIO_WORLD_H
#define BP_TESTS_SCENARIO_WORLD_H

#include "lib/scene.h"

/* Once with peers that send headers, once with peers of bare hashes. */
#define EACH_KIND(k) for (int k = 0; k < 2; k++)

static inline uint32_t kind_caps(int kind) {
    return kind == 0 ? SCENE_LINKS : SCENE_BARE;
}

/* Blocks 1..last, each on the one before; the pool is not made yet, so that the
   script may add to it. */
static inline void world(struct scene *s, int kind, uint32_t last,
                         const struct bp_pool_config *cfg) {
    scene_prepare(s, cfg);
    s->caps = kind_caps(kind);
    scene_chain(s, 1, last, 7);
}

static inline void made(struct scene *s) {
    assert_int_equal(scene_make_pool(s), 0);
}

/* The same, with the pool. */
static inline void plain_world(struct scene *s, int kind, uint32_t last) {
    world(s, kind, last, NULL);
    made(s);
}

#endif
