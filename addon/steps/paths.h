/* Opening paths below a directory that someone hostile may be changing: see paths.c. */
#ifndef RUNT_PATHS_H
#define RUNT_PATHS_H
#include "machine.h"
#include "kernel.h"

/* The values of onMissing, as in src/plan/launch-plan.ts. */
enum on_missing { ON_MISSING_FAIL, ON_MISSING_SKIP, ON_MISSING_MKDIR, ON_MISSING_CREATE, ON_MISSING_LIKE };

/* openat2(2), again while it says EAGAIN. The descriptor, always O_CLOEXEC, or -errno. */
int path_open(struct machine *m, int at, const char *path, const struct kernel_open_how *how);

/* path_open; when the path does not exist, make it first: directories, and for ON_MISSING_CREATE an empty file as the
 * last component. Links, also dangling ones, are followed as if `at` were the root directory. */
int path_open_or_make(struct machine *m, int at, const char *path, const struct kernel_open_how *how,
                      enum on_missing kind);

/* 0 when the file system of fd has this statfs(2) magic, else -EBADF. */
int path_check_fs(struct machine *m, int fd, int64_t magic);

/* 0 when fd is a device node of this type (S_IFCHR, S_IFBLK) and number, else -EBADF. */
int path_check_rdev(struct machine *m, int fd, unsigned type, int64_t rdev);

#endif
