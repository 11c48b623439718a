/* lock: see lock.h. flock and not fcntl: it belongs to the open file, so that
   closing another descriptor of the file does not drop it. */
#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "store/why.h"

int bp_errno_code(int number) {
    switch (number) {
    case 0: return 0;
    case ENOMEM: return BP_ERR_NOMEM;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return BP_ERR_DISK_FULL;
    case EACCES:
    case EPERM:
    case EROFS: return BP_ERR_STORE_ACCESS;
    }
    return BP_ERR_STORE_IO;
}

int bp_why_errno(struct bp_store_error *why, const char *path,
                 const char *what) {
    int number = errno;
    return bp_why(why, bp_errno_code(number), "%s: %s: %s", path, what,
                  strerror(number));
}

static int held(int fd, const char *dir, struct bp_store_error *why) {
    char text[32] = { 0 };
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    long pid = n > 0 ? strtol(text, NULL, 10) : 0;
    if (pid <= 0)
        return bp_why(why, BP_ERR_STORE_LOCKED,
                      "%s: another process is just opening this store", dir);
    return bp_why(why, BP_ERR_STORE_LOCKED,
                  "%s: process %ld writes to this store", dir, pid);
}

/* In one write, so that a reader sees the whole number or none. */
static bool write_pid(int fd) {
    char text[32];
    int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    return ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)n, 0) == n;
}

int bp_lock_take(int *fd, const char *dir, struct bp_store_error *why) {
    char path[4096];
    if (snprintf(path, sizeof path, "%s/writer.lock", dir) >= (int)sizeof path)
        return bp_why(why, BP_ERR_STORE_IO, "%.400s: path is too long", dir);
    int f = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (f < 0) return bp_why_errno(why, path, "cannot open");
    int err = 0;
    if (flock(f, LOCK_EX | LOCK_NB) != 0)
        err = errno == EWOULDBLOCK ? held(f, dir, why)
                                   : bp_why_errno(why, path, "cannot lock");
    else if (!write_pid(f))
        err = bp_why_errno(why, path, "cannot write");
    if (err != 0) {
        close(f);
        return err;
    }
    *fd = f;
    return 0;
}

void bp_lock_drop(int fd) {
    if (fd < 0) return;
    if (ftruncate(fd, 0) != 0) { /* a stale pid does no harm: no lock, no pid */
    }
    close(fd);
}
