/* Steps on files: open, create, write, change owner. The plan says how a path is resolved; paths.c creates missing
 * components. Modes are exact because init's umask is 0. */
#include "paths.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "weaken.h"

/* The source is only opened if the target is missing and must be created with the same type. */
static int open_like(struct machine *m, int at, const struct step_openat2 *s, const struct kernel_open_how *how) {
  struct stat st;
  int fd = path_open(m, at, s->path, how);
  if (fd != -ENOENT) return fd;
  int result = (int)CALL(m, "fstat", fstat(machine_fd(m, s->like), &st));
  if (result < 0) return result;
  return path_open_or_make(m, at, s->path, how, S_ISDIR(st.st_mode) ? ON_MISSING_MKDIR : ON_MISSING_CREATE);
}

static int open_or_make(struct machine *m, int at, const struct step_openat2 *s, const struct kernel_open_how *how) {
  switch (s->on_missing) {
  case ON_MISSING_FAIL:
  case ON_MISSING_SKIP:
    return path_open(m, at, s->path, how);
  case ON_MISSING_LIKE:
    return open_like(m, at, s, how);
  default:
    return path_open_or_make(m, at, s->path, how, s->on_missing);
  }
}

/* The planner has checked paths without links; this checks where a link leads. */
static int open_outside_proc(struct machine *m, int at, const struct step_openat2 *s,
                             const struct kernel_open_how *how) {
  struct kernel_open_how plain = *how;
  plain.resolve |= KERNEL_RESOLVE_NO_SYMLINKS;
  int fd = open_or_make(m, at, s, &plain);
  if (fd != -ELOOP) return fd;
  fd = open_or_make(m, at, s, how);
  int result = fd < 0 ? 0 : path_refuse_proc(m, fd);
  if (result == 0) return fd;
  close(fd);
  return result;
}

int op_openat2(struct machine *m, const struct step_openat2 *s) {
  struct kernel_open_how how = {
      .flags = (uint64_t)s->flags, .mode = (uint64_t)s->mode, .resolve = (uint64_t)s->resolve};
  int at = machine_fd(m, s->at), result = 0;
  int fd = s->refuse_proc ? open_outside_proc(m, at, s, &how) : open_or_make(m, at, s, &how);
  if (fd == -ENOENT && s->on_missing == ON_MISSING_SKIP) {
    machine_fill(m, s->into, -1);
    return 0;
  }
  if (fd < 0) return fd;
  if (s->flags & O_NOFOLLOW) result = path_refuse_proc_link(m, fd);
  if (result == 0 && s->expect_fs) result = path_check_fs(m, fd, s->expect_fs);
  if (result == 0 && s->expect_rdev) result = path_check_rdev(m, fd, S_IFCHR, s->expect_rdev);
  if (result < 0)
    close(fd);
  else
    machine_fill(m, s->into, fd);
  return result;
}

/* Links are followed: below the mount nobody can exchange a directory of the path, and only a link that leaves the
 * mount must be resolved from the root. */
int op_open_covered(struct machine *m, const struct step_open_covered *s) {
  struct kernel_open_how beneath = {.flags = O_PATH, .resolve = KERNEL_RESOLVE_BENEATH | KERNEL_RESOLVE_NO_MAGICLINKS};
  struct kernel_open_how in_root = {.flags = O_PATH, .resolve = KERNEL_RESOLVE_IN_ROOT | KERNEL_RESOLVE_NO_MAGICLINKS};
  int fd = s->mount < 0 ? -EXDEV : path_open(m, machine_fd(m, s->mount), s->rest, &beneath);
  if (fd == -EXDEV) fd = path_open(m, machine_fd(m, s->root), s->path, &in_root);
  if (fd < 0) return fd == -ENOENT ? 0 : fd; /* the slot stays empty, and the step that would cover it is skipped */
  machine_fill(m, s->into, fd);
  return 0;
}

/* mkdir -p of the parents. For trusted host paths only, so it creates each prefix by path. */
static int make_parents(struct machine *m, int at, const char *path) {
  char prefix[PATH_MAX];
  size_t length = strlen(path);
  if (length >= sizeof prefix) return -ENAMETOOLONG;
  memcpy(prefix, path, length + 1);
  while (length > 1 && prefix[length - 1] == '/') prefix[--length] = '\0';
  for (char *slash = strchr(prefix + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    int result = (int)CALL(m, "mkdirat", mkdirat(at, prefix, 0755));
    if (result < 0 && result != -EEXIST) return result;
    *slash = '/';
  }
  return 0;
}

int op_mkdirat(struct machine *m, const struct step_mkdirat *s) {
  int at = machine_fd(m, s->at);
  int result = (int)CALL(m, "mkdirat", mkdirat(at, s->path, (mode_t)s->mode));
  if (result == -ENOENT && s->parents) {
    result = make_parents(m, at, s->path);
    if (result == 0) result = (int)CALL(m, "mkdirat", mkdirat(at, s->path, (mode_t)s->mode));
  }
  return result == -EEXIST ? 0 : result;
}

static int is_one_name(const char *path) {
  return path[0] && !strchr(path, '/');
}

static int is_same_node(const struct stat *st, int64_t mode, int64_t rdev) {
  if ((st->st_mode & S_IFMT) != ((mode_t)mode & S_IFMT)) return 0;
  return !(S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) || (int64_t)st->st_rdev == rdev;
}

/* Changes the owner of the node just created, unless something else has taken its place. */
static int own_node(struct machine *m, int at, const struct step_mknodat *s) {
  struct stat st;
  CLEANUP_FD int fd = (int)CALL(m, "openat", openat(at, s->path, O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (fd < 0) return fd;
  int result = (int)CALL(m, "fstat", fstat(fd, &st));
  if (result < 0) return result;
  if (!is_same_node(&st, s->mode, s->rdev)) return -EEXIST;
  return (int)CALL(m, "fchownat", fchownat(fd, "", (uid_t)s->uid, (gid_t)s->gid, AT_EMPTY_PATH));
}

int op_mknodat(struct machine *m, const struct step_mknodat *s) {
  int at = machine_fd(m, s->at);
  m->syscall = "mknodat";
  if (!is_one_name(s->path)) return -EINVAL;
  int result = (int)CALL(m, "mknodat", mknodat(at, s->path, (mode_t)s->mode, (dev_t)s->rdev));
  if (result == 0) return s->uid || s->gid ? own_node(m, at, s) : 0;
  if (WEAKENED("rdev") && result == -EEXIST) return 0;
  struct stat st;
  if (result == -EEXIST && fstatat(at, s->path, &st, AT_SYMLINK_NOFOLLOW) == 0 && is_same_node(&st, s->mode, s->rdev))
    return 0;
  return result;
}

int op_symlinkat(struct machine *m, const struct step_symlinkat *s) {
  int at = machine_fd(m, s->at);
  m->syscall = "symlinkat";
  if (!is_one_name(s->path)) return -EINVAL;
  int result = (int)CALL(m, "symlinkat", symlinkat(s->target, at, s->path));
  if (result != -EEXIST) return result;
  char target[PATH_MAX];
  ssize_t length = readlinkat(at, s->path, target, sizeof target);
  return length == (ssize_t)strlen(s->target) && memcmp(target, s->target, (size_t)length) == 0 ? 0 : result;
}

static int write_all(struct machine *m, int fd, const char *data) {
  size_t length = strlen(data);
  ssize_t n;
  do n = CALL(m, "write", write(fd, data, length));
  while (is_interrupted(n));
  if (n < 0) return (int)n;
  return (size_t)n == length ? 0 : -EIO; /* kernel files accept a value whole or not at all */
}

int op_write_file(struct machine *m, const struct step_write_file *s) {
  /* O_NONBLOCK: a FIFO in place of the file must not block us. */
  const int flags = O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
  int at = machine_fd(m, s->at);
  struct kernel_open_how how = {.flags = (uint64_t)flags, .resolve = (uint64_t)s->resolve};
  CLEANUP_FD int fd = s->resolve ? path_open(m, at, s->path, &how) : (int)CALL(m, "openat", openat(at, s->path, flags));
  if (fd < 0) return fd;
  int result = s->expect_fs ? path_check_fs(m, fd, s->expect_fs) : 0;
  return result < 0 ? result : write_all(m, fd, s->data);
}

int op_write(struct machine *m, const struct step_write *s) {
  return write_all(m, machine_fd(m, s->fd), s->data);
}

int op_setxattr(struct machine *m, const struct step_setxattr *s) {
  return (int)CALL(m, "setxattr", setxattr(s->path, s->name, s->value, strlen(s->value), 0));
}

int op_fchownat(struct machine *m, const struct step_fchownat *s) {
  int flags = AT_SYMLINK_NOFOLLOW | (s->path[0] ? 0 : AT_EMPTY_PATH);
  return (int)CALL(m, "fchownat", fchownat(machine_fd(m, s->at), s->path, (uid_t)s->uid, (gid_t)s->gid, flags));
}

int op_close(struct machine *m, const struct step_close *s) {
  m->syscall = "close";
  for (uint64_t i = 0; i < s->slots.count; i++) {
    int64_t slot = s->slots.items[i];
    if (slot < 0 || slot >= m->slot_count) return -EINVAL;
    machine_fill(m, slot, -1);
  }
  return 0;
}

int op_close_temporaries(struct machine *m, const struct step_close_temporaries *s) {
  m->syscall = "close";
  if (s->count < 0 || s->count >= m->slot_count) return -EINVAL;
  for (int64_t slot = 1; slot <= s->count; slot++) machine_fill(m, slot, -1);
  return 0;
}
