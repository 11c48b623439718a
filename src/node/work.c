/* work: a queue, a few threads, and results back on the loop.

   Happy path: push puts a job in one of two lists and wakes a worker; the
   worker runs it, puts it in the list of results and wakes the loop; the
   loop's callback takes the whole list and calls each job's done.

   Failure modes:
     - a thread cannot be started: those that run are joined, NOMEM
     - wake-ups coalesce (uv_async_send says so): the whole list is taken
     - done pushes more jobs: they wait for the next turn
     - the node ends: running jobs finish, waiting ones come back not run */
#include "node/work.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "node/clock.h"

struct list {
    struct job *first, *last;
};

struct work {
    uv_async_t wake; /* data is the work */
    pthread_mutex_t lock;
    pthread_cond_t more;
    bool ending;
    struct list urgent, waiting, results; /* under the lock */
    uint64_t cpu_ns;                      /* under the lock */
    unsigned n_awake;                     /* threads that took a number */
    unsigned n_threads;
    pthread_t *threads;
    /* the loop thread's */
    size_t jobs, bytes;
    uint64_t done;
};

static void list_add(struct list *l, struct job *job) {
    job->next = NULL;
    if (l->last == NULL)
        l->first = job;
    else
        l->last->next = job;
    l->last = job;
}

static struct job *list_take(struct list *l) {
    struct job *job = l->first;
    if (job == NULL) return NULL;
    l->first = job->next;
    if (l->first == NULL) l->last = NULL;
    return job;
}

static struct job *next_job(struct work *w) {
    struct job *job = list_take(&w->urgent);
    return job != NULL ? job : list_take(&w->waiting);
}

static void *worker(void *arg) {
    struct work *w = arg;
    pthread_mutex_lock(&w->lock);
    unsigned number = w->n_awake++;
    for (;;) {
        struct job *job = w->ending ? NULL : next_job(w);
        if (job == NULL) {
            if (w->ending) break;
            pthread_cond_wait(&w->more, &w->lock);
            continue;
        }
        pthread_mutex_unlock(&w->lock);
        uint64_t begin = clock_thread_cpu_ns();
        job->worker = number;
        job->run(job);
        job->ran = true;
        uint64_t spent = clock_thread_cpu_ns() - begin;
        pthread_mutex_lock(&w->lock);
        w->cpu_ns += spent;
        list_add(&w->results, job);
        uv_async_send(&w->wake);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static void give_back(struct work *w, struct list l) {
    struct job *job;
    while ((job = list_take(&l)) != NULL) {
        w->jobs--;
        w->bytes -= job->bytes;
        w->done++;
        job->done(job);
    }
}

static struct list take_all(struct work *w, struct list *l) {
    pthread_mutex_lock(&w->lock);
    struct list taken = *l;
    *l = (struct list){ 0 };
    pthread_mutex_unlock(&w->lock);
    return taken;
}

static void on_wake(uv_async_t *wake) {
    struct work *w = wake->data;
    give_back(w, take_all(w, &w->results));
}

static void free_work(struct work *w) {
    pthread_cond_destroy(&w->more);
    pthread_mutex_destroy(&w->lock);
    free(w->threads);
    free(w);
}

static void on_closed(uv_handle_t *wake) {
    free_work(wake->data);
}

static void join_all(struct work *w) {
    pthread_mutex_lock(&w->lock);
    w->ending = true;
    pthread_cond_broadcast(&w->more);
    pthread_mutex_unlock(&w->lock);
    for (unsigned i = 0; i < w->n_threads; i++)
        pthread_join(w->threads[i], NULL);
}

int work_new(struct work **out, uv_loop_t *loop, unsigned threads) {
    assert(threads > 0);
    *out = NULL;
    struct work *w = calloc(1, sizeof *w);
    if (w == NULL) return BP_ERR_NOMEM;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->more, NULL);
    w->threads = calloc(threads, sizeof *w->threads);
    if (w->threads == NULL || uv_async_init(loop, &w->wake, on_wake) != 0) {
        free_work(w);
        return BP_ERR_NOMEM;
    }
    w->wake.data = w;
    for (; w->n_threads < threads; w->n_threads++) {
        if (pthread_create(&w->threads[w->n_threads], NULL, worker, w) != 0) {
            join_all(w);
            uv_close((uv_handle_t *)&w->wake, on_closed);
            return BP_ERR_NOMEM;
        }
    }
    *out = w;
    return 0;
}

void work_push(struct work *w, struct job *job, bool urgent) {
    job->ran = false;
    w->jobs++;
    w->bytes += job->bytes;
    pthread_mutex_lock(&w->lock);
    assert(!w->ending);
    list_add(urgent ? &w->urgent : &w->waiting, job);
    pthread_cond_signal(&w->more);
    pthread_mutex_unlock(&w->lock);
}

void work_load(const struct work *w, struct work_load *out) {
    struct work *unlocked = (struct work *)w; /* its lock only */
    pthread_mutex_lock(&unlocked->lock);
    out->cpu_ns = w->cpu_ns;
    pthread_mutex_unlock(&unlocked->lock);
    out->jobs = w->jobs;
    out->bytes = w->bytes;
    out->done = w->done;
}

void work_end(struct work *w) {
    if (w == NULL) return;
    join_all(w);
    give_back(w, take_all(w, &w->results));
    give_back(w, take_all(w, &w->urgent));
    give_back(w, take_all(w, &w->waiting));
    assert(w->jobs == 0);
    uv_close((uv_handle_t *)&w->wake, on_closed);
}
