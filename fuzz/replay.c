/* replay: a fuzz target over files, without a fuzzer.

       replay_rlp rlp FILE|DIRECTORY...

   Runs the empty input, then every file named or found in a directory named,
   in the order of their names, and prints one TAP line. The name of a file is
   printed before it runs, so a crash tells its input. A directory that is not
   there holds no inputs. */
#include <dirent.h>
#include <sys/stat.h>

#include "fuzz.h"

static size_t n_run;

static int run_file(const char *path) {
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        printf("# cannot open %s\n", path);
        return -1;
    }
    struct stat st;
    if (fstat(fileno(f), &st) != 0 || st.st_size < 0) {
        fclose(f);
        return -1;
    }
    /* Exactly the file's size, so that a sanitizer sees the first byte past. */
    size_t n = (size_t)st.st_size;
    uint8_t *data = malloc(n > 0 ? n : 1);
    int err = data == NULL || fread(data, 1, n, f) != n ? -1 : 0;
    fclose(f);
    if (err == 0) {
        printf("# %s\n", path);
        fflush(stdout);
        LLVMFuzzerTestOneInput(data, n);
        n_run++;
    }
    free(data);
    return err;
}

static int run_path(const char *path) {
    struct stat st;
    if (stat(path, &st) != 0) return 0;
    if (!S_ISDIR(st.st_mode)) return run_file(path);
    struct dirent **entry;
    int n = scandir(path, &entry, NULL, alphasort), err = 0;
    if (n < 0) return -1;
    for (int i = 0; i < n; i++) {
        char file[4096];
        snprintf(file, sizeof file, "%s/%s", path, entry[i]->d_name);
        if (entry[i]->d_name[0] != '.' && run_file(file) != 0) err = -1;
        free(entry[i]);
    }
    free(entry);
    return err;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: %s NAME FILE|DIRECTORY...\n", argv[0]);
        return 2;
    }
    int err = 0;
    uint8_t *nothing = calloc(1, 1);
    if (nothing == NULL) return 1;
    LLVMFuzzerTestOneInput(nothing, 0);
    free(nothing);
    for (int i = 2; i < argc; i++)
        if (run_path(argv[i]) != 0) err = 1;
    printf("1..1\n%s 1 - fuzz %s: %zu inputs\n", err == 0 ? "ok" : "not ok",
           argv[1], n_run);
    return err;
}
