/* libethash: commands to the child and its answers, a line each. */
#include "lib/libethash.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct libethash {
    FILE *to, *from;
    pid_t pid;
    char answer[256];
};

static void die(const char *what) {
    fprintf(stderr, "libethash: %s\n", what);
    abort();
}

static void read_answer(struct libethash *l) {
    if (fgets(l->answer, sizeof l->answer, l->from) == NULL)
        die("the child has gone");
    l->answer[strcspn(l->answer, "\n")] = 0;
}

static void run_child(int in, int out) {
    char script[1024];
    const char *root = getenv("BLOCKPOOL_SOURCE_ROOT");
    snprintf(script, sizeof script, "%s/tests/lib/libethash.py",
             root != NULL ? root : ".");
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    execlp("/usr/bin/python3", "python3", script, (char *)NULL);
    dprintf(STDOUT_FILENO, "absent\n");
    _exit(127);
}

struct libethash *libethash_start(void) {
    int to[2], from[2];
    struct libethash *l = calloc(1, sizeof *l);
    if (l == NULL || pipe(to) != 0 || pipe(from) != 0) die("no pipe");
    l->pid = fork();
    if (l->pid < 0) die("no process");
    if (l->pid == 0) {
        close(to[1]);
        close(from[0]);
        run_child(to[0], from[1]);
    }
    close(to[0]);
    close(from[1]);
    l->to = fdopen(to[1], "w");
    l->from = fdopen(from[0], "r");
    if (l->to == NULL || l->from == NULL) die("no stream");
    if (fgets(l->answer, sizeof l->answer, l->from) == NULL ||
        strcmp(l->answer, "ready\n") != 0) {
        libethash_end(l);
        return NULL;
    }
    return l;
}

void libethash_end(struct libethash *l) {
    if (l == NULL) return;
    fclose(l->to); /* the child reads the end of its input and ends */
    fclose(l->from);
    waitpid(l->pid, NULL, 0);
    free(l);
}

static double seconds(struct libethash *l) {
    char *end;
    fflush(l->to);
    read_answer(l);
    double s = strtod(l->answer, &end);
    if (end == l->answer || *end != 0) die(l->answer);
    return s;
}

static const char *hex(char out[65], const bp_hash *h) {
    bp_hex(out, h->b, sizeof h->b);
    return out;
}

double libethash_cache(struct libethash *l, size_t n, const bp_hash *seed) {
    char text[65];
    fprintf(l->to, "cache %zu %s\n", n, hex(text, seed));
    return seconds(l);
}

void libethash_hash(struct libethash *l, uint64_t dataset_n,
                    const bp_hash *seal_hash, uint64_t nonce, bp_hash *mix,
                    bp_hash *result) {
    char text[65];
    fprintf(l->to, "hash %" PRIu64 " %s %" PRIu64 "\n", dataset_n,
            hex(text, seal_hash), nonce);
    fflush(l->to);
    read_answer(l);
    if (strlen(l->answer) != 129 || l->answer[64] != ' ') die(l->answer);
    l->answer[64] = 0;
    if (bp_unhex(mix->b, 32, l->answer) != 0 ||
        bp_unhex(result->b, 32, l->answer + 65) != 0)
        die(l->answer);
}

double libethash_time(struct libethash *l, uint64_t dataset_n,
                      const bp_hash *seal_hash, uint64_t nonce, size_t count) {
    char text[65];
    fprintf(l->to, "time %" PRIu64 " %s %" PRIu64 " %zu\n", dataset_n,
            hex(text, seal_hash), nonce, count);
    return seconds(l);
}
