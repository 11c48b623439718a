/* The worker threads: every job comes back once, on the loop's thread. */
#include "node/work.h"

#include <pthread.h>
#include <stdatomic.h>

#include "lib/test.h"

struct counted {
    struct job job; /* first */
    int *order;
    int id, ran_at;
    bool came_back;
    pthread_t done_on;
};

static atomic_int clock_hand;
static int done_count;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void run_counted(struct job *job) {
    ((struct counted *)job)->ran_at = atomic_fetch_add(&clock_hand, 1);
}

static void run_gated(struct job *job) {
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    run_counted(job);
}

static void done_counted(struct job *job) {
    struct counted *c = (struct counted *)job;
    assert_false(c->came_back);
    c->came_back = true;
    c->done_on = pthread_self();
    done_count++;
}

static void drain(uv_loop_t *loop, struct work *w) {
    work_end(w);
    assert_int_equal(uv_run(loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(loop), 0);
}

static void gives_every_job_back_once(void **state) {
    (void)state;
    enum { N = 500 };
    static struct counted jobs[N];
    uv_loop_t loop;
    struct work *w;
    memset(jobs, 0, sizeof jobs);
    done_count = 0;
    uv_loop_init(&loop);
    assert_int_equal(work_new(&w, &loop, 4), 0);
    for (int i = 0; i < N; i++) {
        jobs[i].job = (struct job){ run_counted, done_counted, .bytes = 10 };
        work_push(w, &jobs[i].job, i % 3 == 0);
    }
    struct work_load load;
    work_load(w, &load);
    assert_int_equal(load.jobs, N);
    assert_int_equal(load.bytes, 10 * N);
    while (done_count < N) uv_run(&loop, UV_RUN_ONCE);
    for (int i = 0; i < N; i++) {
        assert_true(jobs[i].job.ran);
        assert_true(pthread_equal(jobs[i].done_on, pthread_self()));
    }
    work_load(w, &load);
    assert_int_equal(load.jobs, 0);
    assert_int_equal(load.bytes, 0);
    assert_int_equal(load.done, N);
    drain(&loop, w);
}

static void urgent_jobs_overtake(void **state) {
    (void)state;
    struct counted jobs[5];
    uv_loop_t loop;
    struct work *w;
    memset(jobs, 0, sizeof jobs);
    done_count = 0;
    atomic_store(&clock_hand, 0);
    uv_loop_init(&loop);
    assert_int_equal(work_new(&w, &loop, 1), 0);
    pthread_mutex_lock(&gate);
    for (int i = 0; i < 5; i++)
        jobs[i].job = (struct job){ run_gated, done_counted };
    work_push(w, &jobs[0].job, true); /* may be running when the rest comes */
    work_push(w, &jobs[1].job, false);
    work_push(w, &jobs[2].job, false);
    work_push(w, &jobs[3].job, true);
    work_push(w, &jobs[4].job, true);
    pthread_mutex_unlock(&gate);
    while (done_count < 5) uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(jobs[0].ran_at, 0);
    assert_int_equal(jobs[3].ran_at, 1);
    assert_int_equal(jobs[4].ran_at, 2);
    assert_int_equal(jobs[1].ran_at, 3);
    assert_int_equal(jobs[2].ran_at, 4);
    drain(&loop, w);
}

/* Whatever has not begun when the node ends comes back not run. */
static void ending_gives_back_what_waits(void **state) {
    (void)state;
    struct counted jobs[50];
    uv_loop_t loop;
    struct work *w;
    memset(jobs, 0, sizeof jobs);
    done_count = 0;
    uv_loop_init(&loop);
    assert_int_equal(work_new(&w, &loop, 2), 0);
    for (int i = 0; i < 50; i++) {
        jobs[i].job = (struct job){ run_counted, done_counted, .bytes = 1 };
        work_push(w, &jobs[i].job, false);
    }
    drain(&loop, w);
    assert_int_equal(done_count, 50);
    for (int i = 0; i < 50; i++) assert_true(jobs[i].came_back);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(gives_every_job_back_once),
        T(urgent_jobs_overtake),
        T(ending_gives_back_what_waits),
    };
    return bp_run(tests);
}
