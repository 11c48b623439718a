/* ethashdisk: reads and writes files of light caches.

   Happy path: open, compare the size, read in one go, compare the digest; or
   write "<name>.tmp-<pid>", rename it, the same for the digest.

   Failure modes:
     - no such file, a torn one, one of another program without a digest: absent
     - two processes write the same cache: each renames its own, same bytes
     - no space, no right: the temporary file is removed, the caller goes on
       with what it has in memory */
#include "node/ethashdisk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/pages.h"

#define PREFIX "cache-R23-"
#define DIGEST ".digest"

/* Reads or writes n bytes, whatever pieces they come in; false with errno, and
   with errno 0 when a file ends early. */
static bool move_all(ssize_t (*move)(int fd, void *p, size_t n), int fd,
                     uint8_t *p, size_t n) {
    while (n > 0) {
        ssize_t got = move(fd, p, n);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) {
            if (got == 0) errno = 0;
            return false;
        }
        p += got;
        n -= (size_t)got;
    }
    return true;
}

static ssize_t write_some(int fd, void *p, size_t n) {
    return write(fd, p, n);
}

static bool path_of(char out[PATH_MAX], const char *dir,
                    struct bp_ethash_epoch epoch, const char *suffix) {
    char name[BP_ETHASH_FILE_NAME_MAX];
    bp_ethash_file_name(name, epoch);
    int n = snprintf(out, PATH_MAX, "%s/%s%s", dir, name, suffix);
    if (n > 0 && n < PATH_MAX) return true;
    errno = ENAMETOOLONG;
    return false;
}

/* Exactly n bytes of a file that has no more. */
static int read_file(const char *path, uint8_t *head, size_t head_n, uint8_t *p,
                     size_t n) {
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT ? BP_ERR_CACHE_FILE : BP_ERR_CACHE_IO;
    int err = BP_ERR_CACHE_IO;
    if (fstat(fd, &st) == 0) {
        err = BP_ERR_CACHE_FILE;
        if (S_ISREG(st.st_mode) && (uint64_t)st.st_size == head_n + n) {
            errno = 0;
            if (move_all(read, fd, head, head_n) && move_all(read, fd, p, n))
                err = 0;
            else if (errno != 0)
                err = BP_ERR_CACHE_IO;
        }
    }
    if (err == 0) futimens(fd, NULL); /* prune goes by the time of last use */
    int saved = errno;
    close(fd);
    errno = saved;
    return err;
}

int ethashdisk_read(uint8_t *cache, size_t n, const char *dir,
                    struct bp_ethash_epoch epoch) {
    char path[PATH_MAX], digits[65] = "";
    uint8_t head[BP_ETHASH_FILE_HEAD], want_head[BP_ETHASH_FILE_HEAD];
    bp_hash want, got;
    if (!path_of(path, dir, epoch, DIGEST)) return BP_ERR_CACHE_IO;
    int err = read_file(path, NULL, 0, (uint8_t *)digits, 64);
    if (err != 0) return err;
    if (bp_unhex(want.b, sizeof want.b, digits) != 0) return BP_ERR_CACHE_FILE;
    if (!path_of(path, dir, epoch, "")) return BP_ERR_CACHE_IO;
    err = read_file(path, head, sizeof head, cache, n);
    if (err != 0) return err;
    bp_ethash_file_head(want_head);
    if (memcmp(head, want_head, sizeof head) != 0) return BP_ERR_CACHE_FILE;
    bp_ethash_file_digest(&got, (bp_span){ cache, n });
    return bp_hash_eq(&got, &want) ? 0 : BP_ERR_CACHE_FILE;
}

static int write_file(const char *path, const uint8_t *head, size_t head_n,
                      const uint8_t *p, size_t n) {
    char tmp[PATH_MAX];
    int len = snprintf(tmp, sizeof tmp, "%s.tmp-%ld", path, (long)getpid());
    if (len < 0 || len >= (int)sizeof tmp) {
        errno = ENAMETOOLONG;
        return BP_ERR_CACHE_IO;
    }
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) return BP_ERR_CACHE_IO;
    bool done = move_all(write_some, fd, (uint8_t *)head, head_n) &&
                move_all(write_some, fd, (uint8_t *)p, n);
    int saved = errno;
    if (close(fd) != 0 && done) {
        done = false;
        saved = errno;
    }
    if (done && rename(tmp, path) == 0) return 0;
    if (done) saved = errno;
    unlink(tmp);
    errno = saved;
    return BP_ERR_CACHE_IO;
}

int ethashdisk_write(const char *dir, struct bp_ethash_epoch epoch,
                     const uint8_t *cache, size_t n) {
    char path[PATH_MAX], digits[65];
    uint8_t head[BP_ETHASH_FILE_HEAD];
    bp_hash digest;
    if (mkdir(dir, 0755) != 0 && errno != EEXIST) return BP_ERR_CACHE_IO;
    bp_ethash_file_head(head);
    if (!path_of(path, dir, epoch, "")) return BP_ERR_CACHE_IO;
    int err = write_file(path, head, sizeof head, cache, n);
    if (err != 0) return err;
    bp_ethash_file_digest(&digest, (bp_span){ cache, n });
    bp_hex(digits, digest.b, sizeof digest.b);
    if (!path_of(path, dir, epoch, DIGEST)) return BP_ERR_CACHE_IO;
    return write_file(path, NULL, 0, (const uint8_t *)digits, 64);
}

/* Whether a name is that of a cache: the prefix, 16 digits, and perhaps the
   length of the epoch. Temporary and digest files are not. */
static bool is_cache_name(const char *name) {
    size_t prefix = sizeof PREFIX - 1;
    if (strncmp(name, PREFIX, prefix) != 0) return false;
    name += prefix;
    if (strspn(name, "0123456789abcdef") != 16) return false;
    return name[16] == '\0' || strcmp(name + 16, "-60000") == 0;
}

/* The cache that was used longest ago; returns how many there are. */
static size_t oldest(char out[NAME_MAX + 1], DIR *d) {
    struct timespec least = { 0, 0 };
    size_t n = 0;
    rewinddir(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        struct stat st;
        if (!is_cache_name(e->d_name) ||
            fstatat(dirfd(d), e->d_name, &st, 0) != 0)
            continue;
        bool older = st.st_mtim.tv_sec < least.tv_sec ||
                     (st.st_mtim.tv_sec == least.tv_sec &&
                      st.st_mtim.tv_nsec < least.tv_nsec);
        if (n++ > 0 && !older) continue;
        least = st.st_mtim;
        snprintf(out, NAME_MAX + 1, "%s", e->d_name);
    }
    return n;
}

void ethashdisk_prune(const char *dir, size_t keep) {
    char name[NAME_MAX + 1], digest[NAME_MAX + sizeof DIGEST];
    DIR *d = opendir(dir);
    if (d == NULL) return;
    while (oldest(name, d) > keep) {
        snprintf(digest, sizeof digest, "%s%s", name, DIGEST);
        unlinkat(dirfd(d), digest, 0);
        if (unlinkat(dirfd(d), name, 0) != 0) break;
    }
    closedir(d);
}

int ethashdisk_make(const char *dir, struct bp_ethash_epoch epoch,
                    enum bp_cpu cpu, bool *was_there, char *why, size_t cap) {
    size_t n = bp_ethash_cache_size(epoch.number);
    uint8_t *cache = pages_map(n);
    if (cache == NULL) {
        snprintf(why, cap, "no memory for a light cache of %zu bytes", n);
        return BP_ERR_NOMEM;
    }
    *was_there = ethashdisk_read(cache, n, dir, epoch) == 0;
    int err = 0;
    if (!*was_there) {
        struct bp_ethash_build b;
        bp_hash seed;
        bp_ethash_seed(&seed, epoch);
        bp_ethash_build_begin(&b, cache, n, &seed);
        while (!bp_ethash_build_step(&b, 1, UINT32_MAX, cpu)) {
        }
        err = ethashdisk_write(dir, epoch, cache, n);
        if (err != 0)
            snprintf(why, cap, "light cache in %s: %s", dir, strerror(errno));
    }
    pages_unmap(cache, n);
    return err;
}
