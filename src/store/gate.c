/* gate: see gate.h. A count and a condition, not a rwlock: a view may end in
   another thread than the one that began it. */
#include "store/gate.h"

#include <assert.h>

#include "blockpool/base.h"

int bp_gate_init(struct bp_gate *g) {
    *g = (struct bp_gate){ .inside = 0 };
    if (pthread_mutex_init(&g->lock, NULL) != 0) return BP_ERR_NOMEM;
    if (pthread_cond_init(&g->changed, NULL) == 0) return 0;
    pthread_mutex_destroy(&g->lock);
    return BP_ERR_NOMEM;
}

void bp_gate_free(struct bp_gate *g) {
    assert(g->inside == 0 && !g->shut);
    pthread_cond_destroy(&g->changed);
    pthread_mutex_destroy(&g->lock);
}

void bp_gate_enter(struct bp_gate *g) {
    pthread_mutex_lock(&g->lock);
    while (g->shut) pthread_cond_wait(&g->changed, &g->lock);
    g->inside++;
    pthread_mutex_unlock(&g->lock);
}

void bp_gate_leave(struct bp_gate *g) {
    pthread_mutex_lock(&g->lock);
    assert(g->inside > 0);
    g->inside--;
    if (g->inside == 0) pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}

void bp_gate_shut(struct bp_gate *g) {
    pthread_mutex_lock(&g->lock);
    while (g->shut) pthread_cond_wait(&g->changed, &g->lock);
    g->shut = true;
    while (g->inside > 0) pthread_cond_wait(&g->changed, &g->lock);
    pthread_mutex_unlock(&g->lock);
}

void bp_gate_open(struct bp_gate *g) {
    pthread_mutex_lock(&g->lock);
    g->shut = false;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}
