/* campaign: worlds share nothing, so each core runs a process of its own over
   every n-th seed, and hands a summary back through a pipe. */
#include "campaign.h"

#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOBS_MAX    64
#define PROGRESS_MS 10000

struct summary {
    struct coverage cover;
    uint64_t done, failed_n, cpu_us, held_steps;
    uint64_t failed[FAILED_KEPT];
    char kind[FAILED_KEPT][24];
};

/* Shared with the processes: how far each is. */
struct progress {
    uint64_t seed, done, failed;
};

static uint64_t cpu_us(int who) {
    struct rusage u;
    getrusage(who, &u);
    return (uint64_t)u.ru_utime.tv_sec * 1000000 +
           (uint64_t)u.ru_utime.tv_usec +
           (uint64_t)u.ru_stime.tv_sec * 1000000 + (uint64_t)u.ru_stime.tv_usec;
}

static void run_share(const struct campaign *c, uint32_t job, uint32_t jobs,
                      struct summary *out, struct progress *mine) {
    struct arena world_arena = { 0 }, run_arena = { 0 };
    const struct sim_options opt = { .check_every = c->check_every,
                                     .engine = c->engine };
    for (uint64_t i = job; i < c->count; i += jobs) {
        struct world w;
        struct result r;
        uint64_t seed = c->from + i;
        mine->seed = seed;
        arena_reset(&world_arena);
        world_draw(&w, &world_arena, seed, c->kinds);
        if (c->calm) world_calm(&w);
        sim_run(&r, &w, &run_arena, &opt);
        coverage_add(&out->cover, &r.cover);
        out->done++;
        mine->done = out->done;
        if (!r.failed) {
            out->held_steps += r.steps;
            continue;
        }
        if (out->failed_n < FAILED_KEPT) {
            out->failed[out->failed_n] = seed;
            memcpy(out->kind[out->failed_n], r.kind, sizeof r.kind);
        }
        out->failed_n++;
        mine->failed = out->failed_n;
        if (c->stop_after != 0 && out->failed_n >= c->stop_after) break;
    }
    out->cpu_us = cpu_us(RUSAGE_SELF);
    arena_free(&world_arena);
    arena_free(&run_arena);
}

static void write_all(int fd, const void *p, size_t n) {
    const uint8_t *b = p;
    while (n > 0) {
        ssize_t k = write(fd, b, n);
        if (k <= 0) _exit(70);
        b += k;
        n -= (size_t)k;
    }
}

static bool read_all(int fd, void *p, size_t n) {
    uint8_t *b = p;
    while (n > 0) {
        ssize_t k = read(fd, b, n);
        if (k <= 0) return false;
        b += k;
        n -= (size_t)k;
    }
    return true;
}

static void add_failed(struct campaign *c, uint64_t seed, const char *kind) {
    if (c->failed_n < FAILED_KEPT) {
        c->failed[c->failed_n] = seed;
        snprintf(c->kind[c->failed_n], sizeof c->kind[0], "%s", kind);
    }
    c->failed_n++;
}

static void add_summary(struct campaign *c, const struct summary *s) {
    coverage_add(&c->cover, &s->cover);
    c->done += s->done;
    c->cpu_us += s->cpu_us;
    c->held_steps += s->held_steps;
    uint64_t kept = s->failed_n < FAILED_KEPT ? s->failed_n : FAILED_KEPT;
    for (uint64_t i = 0; i < kept; i++) add_failed(c, s->failed[i], s->kind[i]);
    c->failed_n += s->failed_n - kept;
}

static void sort_failed(struct campaign *c) {
    uint64_t n = c->failed_n < FAILED_KEPT ? c->failed_n : FAILED_KEPT;
    for (uint64_t i = 1; i < n; i++)
        for (uint64_t k = i; k > 0 && c->failed[k] < c->failed[k - 1]; k--) {
            char kind[24];
            uint64_t seed = c->failed[k];
            c->failed[k] = c->failed[k - 1];
            c->failed[k - 1] = seed;
            memcpy(kind, c->kind[k], sizeof kind);
            memcpy(c->kind[k], c->kind[k - 1], sizeof kind);
            memcpy(c->kind[k - 1], kind, sizeof kind);
        }
}

static void show_progress(const struct campaign *c, const struct progress *p,
                          uint32_t jobs) {
    uint64_t done = 0, failed = 0;
    for (uint32_t i = 0; i < jobs; i++) {
        done += p[i].done;
        failed += p[i].failed;
    }
    fprintf(stderr, "%llu of %llu worlds, %llu failed\n",
            (unsigned long long)done, (unsigned long long)c->count,
            (unsigned long long)failed);
}

static uint32_t pick_jobs(const struct campaign *c) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t jobs = c->jobs != 0 ? c->jobs : (uint32_t)(cores > 0 ? cores : 1);
    if (jobs > JOBS_MAX) jobs = JOBS_MAX;
    if (jobs > c->count) jobs = (uint32_t)c->count;
    return jobs != 0 ? jobs : 1;
}

int campaign_run(struct campaign *c) {
    uint32_t jobs = pick_jobs(c);
    struct progress *p =
        mmap(NULL, JOBS_MAX * sizeof *p, PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return -1;
    int fd[JOBS_MAX];
    pid_t pid[JOBS_MAX];
    for (uint32_t i = 0; i < jobs; i++) {
        int pipe_fd[2];
        if (pipe(pipe_fd) != 0) return -1;
        fflush(NULL);
        pid[i] = fork();
        if (pid[i] < 0) return -1;
        if (pid[i] == 0) {
            static struct summary s;
            close(pipe_fd[0]);
            run_share(c, i, jobs, &s, &p[i]);
            write_all(pipe_fd[1], &s, sizeof s);
            _exit(0);
        }
        close(pipe_fd[1]);
        fd[i] = pipe_fd[0];
    }
    for (uint32_t i = 0; i < jobs; i++) {
        static struct summary s;
        struct pollfd ready = { .fd = fd[i], .events = POLLIN };
        while (c->progress && poll(&ready, 1, PROGRESS_MS) == 0)
            show_progress(c, p, jobs);
        if (read_all(fd[i], &s, sizeof s))
            add_summary(c, &s);
        else
            add_failed(c, p[i].seed, "process");
        close(fd[i]);
        waitpid(pid[i], NULL, 0);
    }
    munmap(p, JOBS_MAX * sizeof *p);
    sort_failed(c);
    return 0;
}
