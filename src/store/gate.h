/* gate: many views, or one who wants them all gone. */
#ifndef BP_STORE_GATE_H
#define BP_STORE_GATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct bp_gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t inside;
    bool shut;
};

/* Returns 0 or BP_ERR_NOMEM. */
int bp_gate_init(struct bp_gate *g);
void bp_gate_free(struct bp_gate *g);
/* Waits while the gate is shut. */
void bp_gate_enter(struct bp_gate *g);
void bp_gate_leave(struct bp_gate *g);
/* Shuts the gate, after whoever has shut it, and waits until nobody is
   inside. */
void bp_gate_shut(struct bp_gate *g);
void bp_gate_open(struct bp_gate *g);

#endif
