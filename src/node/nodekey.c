/* nodekey: reads the node's secret key, or makes it once.

   Happy path: the file is there and holds 64 digits. Or: it is not, a key is
   drawn, written to "<path>.tmp-<pid>" with mode 0600, synced, and linked to
   its name; the folder is synced too.

   Failure modes:
     - the file cannot be opened or read, or written (rights, full disk)
     - it is too short or long, not hexadecimal, or not a key of the curve
     - another process made it meanwhile: its key is read instead */
#include "node/nodekey.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blockpool/rlpx.h"
#include "node/entropy.h"

#define KEY_DIGITS 64

__attribute__((format(printf, 4, 5))) static int complain(int err, char *why,
                                                          size_t cap,
                                                          const char *format,
                                                          ...) {
    va_list ap;
    va_start(ap, format);
    vsnprintf(why, cap, format, ap);
    va_end(ap);
    return err;
}

static bool is_key(const uint8_t key[32]) {
    uint8_t id[64];
    return bp_rlpx_public_key(id, key) == 0;
}

/* As many bytes as there are, up to n; -1 with errno. */
static ssize_t read_all(int fd, char *out, size_t n) {
    size_t have = 0;
    while (have < n) {
        ssize_t got = read(fd, out + have, n - have);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -1;
        if (got == 0) break;
        have += (size_t)got;
    }
    return (ssize_t)have;
}

int nodekey_read(uint8_t key[32], char *why, size_t cap, const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return complain(errno == ENOENT ? BP_ERR_NO_KEY : BP_ERR_KEY_IO, why,
                        cap, "node key %s: %s", path, strerror(errno));
    char text[KEY_DIGITS + 3]; /* a newline, perhaps \r\n, one too many */
    ssize_t n = read_all(fd, text, sizeof text);
    int error = errno;
    close(fd);
    if (n < 0)
        return complain(BP_ERR_KEY_IO, why, cap, "node key %s: %s", path,
                        strerror(error));
    if (n == sizeof text) n = 0; /* too long */
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r')) n--;
    if (n != KEY_DIGITS)
        return complain(BP_ERR_FORMAT, why, cap,
                        "node key %s does not hold %d hexadecimal digits", path,
                        KEY_DIGITS);
    text[n] = '\0';
    int err = bp_unhex(key, 32, text);
    explicit_bzero(text, sizeof text);
    if (err != 0 || !is_key(key))
        return complain(BP_ERR_FORMAT, why, cap,
                        "node key %s does not hold a secret key", path);
    return 0;
}

static bool write_all(int fd, const char *p, size_t n) {
    while (n > 0) {
        ssize_t put = write(fd, p, n);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return false;
        p += put;
        n -= (size_t)put;
    }
    return true;
}

/* So that the new name outlives a power failure, too. */
static void sync_folder(const char *path) {
    char copy[PATH_MAX];
    size_t n = strlen(path) + 1;
    if (n > sizeof copy) return;
    memcpy(copy, path, n);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    fsync(fd);
    close(fd);
}

static bool write_synced(const char *path, const char *text, size_t n) {
    unlink(path); /* of a process that died; whatever it was, it is not ours */
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return false;
    bool ok = write_all(fd, text, n) && fsync(fd) == 0;
    return close(fd) == 0 && ok;
}

static int make(char *why, size_t cap, const char *path) {
    uint8_t key[32];
    do entropy_fill(key, sizeof key);
    while (!is_key(key));
    char text[KEY_DIGITS + 2], beside[PATH_MAX];
    bp_hex(text, key, sizeof key);
    text[KEY_DIGITS] = '\n';
    explicit_bzero(key, sizeof key);

    int n = snprintf(beside, sizeof beside, "%s.tmp-%ld", path, (long)getpid());
    bool ok = n > 0 && (size_t)n < sizeof beside;
    if (!ok) errno = ENAMETOOLONG;
    ok = ok && write_synced(beside, text, KEY_DIGITS + 1);
    explicit_bzero(text, sizeof text);
    /* link, not rename: whoever came first stays. */
    ok = ok && (link(beside, path) == 0 || errno == EEXIST);
    int error = errno;
    unlink(beside);
    if (!ok)
        return complain(BP_ERR_KEY_IO, why, cap, "node key %s: %s", path,
                        strerror(error));
    sync_folder(path);
    return 0;
}

int nodekey_read_or_make(uint8_t key[32], char *why, size_t cap,
                         const char *path) {
    int err = nodekey_read(key, why, cap, path);
    if (err != BP_ERR_NO_KEY) return err;
    if ((err = make(why, cap, path)) != 0) return err;
    return nodekey_read(key, why, cap, path);
}
