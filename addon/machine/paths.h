/* Opens paths below a directory that an attacker may be changing: see paths.c. */
#ifndef RUNT_PATHS_H
#define RUNT_PATHS_H
#include "machine.h"
#include "kernel.h"

/* The values of onMissing, as in src/steps/launch-plan.ts. */

/* openat2(2), repeated on EAGAIN and EINTR. Returns a descriptor, always O_CLOEXEC, or -errno. */
int path_open(struct machine *m, int at, const char *path, const struct kernel_open_how *how);

/* Like path_open, but creates a missing path first: directories and, for ON_MISSING_CREATE, an empty file as the last
 * component. Links, also dangling ones, are resolved as if `at` were the root directory. */
int path_open_or_make(struct machine *m, int at, const char *path, const struct kernel_open_how *how, int64_t kind);

/* Returns 0 if the file system of fd has this statfs(2) magic, else -EBADF. */
int path_check_fs(struct machine *m, int fd, int64_t magic);

/* Returns 0 if fd is a device node of this type (S_IFCHR, S_IFBLK) and number, else -EBADF. */
int path_check_rdev(struct machine *m, int fd, unsigned type, int64_t rdev);

/* Returns -ELOOP if fd is a symbolic link of procfs, whose text the kernel may ignore when it follows it, else 0. */
int path_refuse_proc_link(struct machine *m, int fd);

/* Returns -ELOOP if fd, reached through a link, is on procfs, else 0. */
int path_refuse_proc(struct machine *m, int fd);

#endif
