/* scene_parts.h: what the parts of a scene know of each other.

       scene        opening and closing, steps, virtual time and its queue
       scene_world  the blocks, and the items that stand for their bytes
       scene_host   carries out the pool's actions
       scene_peer   what peers say, unasked and in answer */
#ifndef BP_TESTS_LIB_SCENE_PARTS_H
#define BP_TESTS_LIB_SCENE_PARTS_H

#include "lib/scene.h"

/* Room for `need` elements of `elem` bytes, new ones zero. */
void *scene_more(void *p, size_t *cap, size_t need, size_t elem);

/* ---- the world ---------------------------------------------------------- */

struct bp_held scene_held(struct scene *s, uint32_t id);
struct bp_chain_head scene_chain_head(struct scene *s);

/* What an item is: its block, its kind, whether a body rule is broken. */
uint64_t scene_item_new(struct scene *s, uint32_t block,
                        enum scene_item_kind kind, bool bad);
uint64_t scene_item_look(struct scene *s, uint64_t id);
void scene_item_release(struct scene *s, uint64_t id);

/* ---- the queue ---------------------------------------------------------- */

enum scene_what { SCENE_ANSWER, SCENE_JOB };

struct scene_event {
    bp_time at;
    uint64_t serial; /* set by scene_later */
    enum scene_what what;
    bp_peer_id peer;
    size_t ask;
    enum bp_action_type job_type;
    bp_job_id job;
    struct bp_verdict verdict;
    uint32_t *ids; /* of an insertion; the queue's */
    size_t n;
};
void scene_later(struct scene *s, struct scene_event e);

/* ---- the host ----------------------------------------------------------- */

void scene_perform(struct scene *s, const struct bp_action *a);
/* The event that tells the pool of an insertion that is through. */
void scene_finish_insert(struct scene *s, const struct scene_event *e,
                         struct bp_event *ev);

#endif
