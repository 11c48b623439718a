/* lock: one writing process a directory, known by its pid. */
#ifndef BP_STORE_LOCK_H
#define BP_STORE_LOCK_H

#include "blockpool/store.h"

/* Takes dir/writer.lock and writes our pid into it. *fd goes to
   bp_lock_drop; the system drops the lock of a process that dies. Returns 0,
   BP_ERR_STORE_LOCKED with the holder's pid in `why`, or BP_ERR_STORE_ACCESS,
   BP_ERR_DISK_FULL, BP_ERR_STORE_IO. */
int bp_lock_take(int *fd, const char *dir, struct bp_store_error *why);
void bp_lock_drop(int fd);

/* The error of a failed system call. */
int bp_errno_code(int number);
/* "PATH: WHAT: " and the system's own words; returns bp_errno_code. */
int bp_why_errno(struct bp_store_error *why, const char *path,
                 const char *what);

#endif
