/* Mounts: the new mount API by descriptor, mount(2) for what that lacks, and changing root and working directory. */
#include "paths.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "weaken.h"
#include "text.h"

/* Chooses what to clone by the target's type: only a directory can be mounted on a directory. Sets `slot`. */
static int choose_source(struct machine *m, const struct step_open_tree *s, int64_t *slot) {
  struct stat st;
  int result = (int)CALL(m, "fstat", fstat(machine_fd(m, s->like), &st));
  if (result < 0) return result;
  *slot = S_ISDIR(st.st_mode) ? s->when_directory : s->when_file;
  return *slot < 0 ? -EBADF : machine_fd(m, *slot);
}

/* Before Linux 6.15 a detached mount cannot be cloned: the first user gets the mount itself, and once attached it is
 * the source of further clones. Never lend twice, and never lend the file, which is a path in the container: attaching
 * a mount that is already attached would move it. */
static int lend_source(struct machine *m, const struct step_open_tree *s, int64_t slot) {
  if (slot < 0 || slot != s->when_directory || m->lent == slot) return -EINVAL;
  m->lent = (int32_t)slot;
  return (int)CALL(m, "fcntl", fcntl(machine_fd(m, slot), F_DUPFD_CLOEXEC, 0));
}

/* O_PATH does not trigger an automount at the last component, and open_tree(2) does. With "/." appended, that component
 * is no longer the last. */
static int open_automount(struct machine *m, int at, const char *path, const struct kernel_open_how *how) {
  char inside[PATH_MAX + 2];
  size_t length = strlen(path);
  if (length >= PATH_MAX) return -ENAMETOOLONG;
  memcpy(inside, path, length);
  memcpy(inside + length, "/.", 3);
  return path_open(m, at, inside, how);
}

static int has_magic(int fd, uint32_t magic) {
  struct statfs st;
  return fstatfs(fd, &st) == 0 && (uint32_t)st.f_type == magic;
}

/* A namespace file can only be reached by a magic link (/proc/PID/ns/net); the result is checked to be on nsfs. */
static int open_namespace_file(struct machine *m, int at, const char *path) {
  int fd = (int)CALL(m, "openat", openat(at, path, O_PATH | O_CLOEXEC));
  if (fd < 0 || has_magic(fd, KERNEL_NSFS_MAGIC)) return fd;
  close(fd);
  detail_begin(m, "the path leads through a magic link of procfs");
  return -ELOOP;
}

/* Opens the path, resolved as the plan says. */
static int open_source(struct machine *m, int at, const struct step_open_tree *s) {
  unsigned nofollow = s->flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0;
  struct kernel_open_how how = {.flags = O_PATH | nofollow, .resolve = (uint64_t)s->resolve};
  int fd = path_open(m, at, s->path, &how);
  if (fd == -ELOOP && s->resolve == KERNEL_RESOLVE_NO_MAGICLINKS) return open_namespace_file(m, at, s->path);
  if (fd >= 0 && nofollow && path_refuse_proc_link(m, fd) < 0) {
    close(fd);
    return -ELOOP;
  }
  if (fd < 0 || !has_magic(fd, KERNEL_AUTOFS_MAGIC)) return fd;
  close(fd);
  return open_automount(m, at, s->path, &how);
}

int op_open_tree(struct machine *m, const struct step_open_tree *s) {
  unsigned flags = (unsigned)s->flags | O_CLOEXEC; /* OPEN_TREE_CLOEXEC */
  const char *path = s->path ? s->path : "";
  int at = machine_fd(m, s->at);
  int64_t slot = -1;
  CLEANUP_FD int source = -1;
  if (s->like >= 0) {
    path = "";
    at = choose_source(m, s, &slot);
    if (at < 0) return at;
  } else if (s->resolve) {
    source = open_source(m, at, s);
    m->syscall = "open_tree"; /* the call that users search for */
    if (source < 0) return source;
    path = "";
    at = source;
  }
  if (!path[0]) flags |= AT_EMPTY_PATH;
  int fd = (int)CALL(m, "open_tree", syscall(SYS_open_tree, at, path, flags));
  if (fd == -EINVAL) fd = lend_source(m, s, slot);
  if (fd < 0) return fd;
  int result = s->expect_rdev ? path_check_rdev(m, fd, s->expect_block ? S_IFBLK : S_IFCHR, s->expect_rdev) : 0;
  if (result < 0)
    close(fd);
  else
    machine_fill(m, s->into, fd);
  return result;
}

/* move_mount(2) fails with EINVAL in many cases. mount(2) fails with ENOTDIR for a directory on a file and the reverse,
 * the most frequent mistake in a bind mount, and engines look for that name. */
static int differ_in_kind(int source, int at, const char *path) {
  struct stat from, to;
  return fstat(source, &from) == 0 && fstatat(at, path, &to, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISDIR(from.st_mode) != S_ISDIR(to.st_mode);
}

int op_move_mount(struct machine *m, const struct step_move_mount *s) {
  unsigned flags = KERNEL_MOVE_MOUNT_F_EMPTY_PATH;
  const char *path = s->path ? s->path : "";
  int mount = machine_fd(m, s->mount), to = machine_fd(m, s->to);
  if (!path[0]) flags |= KERNEL_MOVE_MOUNT_T_EMPTY_PATH;
  int result = (int)CALL(m, "move_mount", syscall(SYS_move_mount, mount, "", to, path, flags));
  return result == -EINVAL && differ_in_kind(mount, to, path) ? -ENOTDIR : result;
}

int op_fsopen(struct machine *m, const struct step_fsopen *s) {
  int fd = (int)CALL(m, "fsopen", syscall(SYS_fsopen, s->fstype, KERNEL_FSOPEN_CLOEXEC));
  if (fd < 0) return fd;
  machine_fill(m, s->into, fd);
  return 0;
}

int op_fspick(struct machine *m, const struct step_fspick *s) {
  int flags = KERNEL_FSPICK_EMPTY_PATH | KERNEL_FSPICK_CLOEXEC;
  int fd = (int)CALL(m, "fspick", syscall(SYS_fspick, machine_fd(m, s->mount), "", flags));
  if (fd < 0) return fd;
  machine_fill(m, s->into, fd);
  return 0;
}

/* fsopen(2): each read returns one message, as "e text". A message that does not fit is lost, so the buffer is large.
 */
static void take_message(struct machine *m, int fs) {
  char message[1024];
  ssize_t length = read(fs, message, sizeof message - 1);
  if (length <= 0) return;
  while (length > 0 && message[length - 1] == '\n') length--;
  message[length] = '\0';
  int has_level = length > 2 && message[1] == ' ';
  detail_begin(m, message + (has_level ? 2 : 0));
}

/* Formats the permission bits of a directory as the octal value of mode=. */
static int mode_text(struct machine *m, int fd, char text[8]) {
  struct stat st;
  int result = (int)CALL(m, "fstat", fstat(fd, &st));
  if (result < 0) return result;
  for (int i = 0; i < 4; i++) text[i] = (char)('0' + ((st.st_mode >> (9 - 3 * i)) & 7));
  text[4] = '\0';
  return 0;
}

int op_fsconfig(struct machine *m, const struct step_fsconfig *s) {
  char mode[8];
  const char *value = s->value;
  int fs = machine_fd(m, s->fs);
  if (s->mode_of >= 0) {
    int found = mode_text(m, machine_fd(m, s->mode_of), mode);
    if (found < 0) return found;
    value = mode;
  }
  int aux = s->fd < 0 ? 0 : machine_fd(m, s->fd);
  int result = (int)CALL(m, "fsconfig", syscall(SYS_fsconfig, fs, (unsigned)s->command, s->key, value, aux));
  if (result < 0) take_message(m, fs);
  return result;
}

int op_fsmount(struct machine *m, const struct step_fsmount *s) {
  int fs = machine_fd(m, s->fs);
  int fd = (int)CALL(m, "fsmount", syscall(SYS_fsmount, fs, KERNEL_FSMOUNT_CLOEXEC, (unsigned)s->attributes));
  if (fd < 0) {
    take_message(m, fs);
    return fd;
  }
  machine_fill(m, s->into, fd);
  return 0;
}

int op_mount_setattr(struct machine *m, const struct step_mount_setattr *s) {
  struct kernel_mount_attr attr = {
      .attr_set = (uint64_t)s->set,
      .attr_clr = (uint64_t)s->clear,
      .propagation = (uint64_t)s->propagation,
      .userns_fd = s->userns < 0 ? 0 : (uint64_t)machine_fd(m, s->userns),
  };
  unsigned flags = (unsigned)s->flags | (s->fd >= 0 ? AT_EMPTY_PATH : 0);
  return (int)CALL(
      m, "mount_setattr",
      syscall(SYS_mount_setattr, machine_fd(m, s->fd), s->fd >= 0 ? "" : s->path, flags, &attr, sizeof attr));
}

int op_mount(struct machine *m, const struct step_mount *s) {
  return (int)CALL(m, "mount", mount(s->source, s->target, s->fstype, (unsigned long)s->flags, s->data));
}

int op_umount2(struct machine *m, const struct step_umount2 *s) {
  return (int)CALL(m, "umount2", umount2(s->path, (int)s->flags));
}

int op_pivot_root(struct machine *m, const struct step_pivot_root *s) {
  (void)s;
  return (int)CALL(m, "pivot_root", syscall(SYS_pivot_root, ".", "."));
}

int op_chroot(struct machine *m, const struct step_chroot *s) {
  return (int)CALL(m, "chroot", chroot(s->path));
}

int op_fchdir(struct machine *m, const struct step_fchdir *s) {
  return (int)CALL(m, "fchdir", fchdir(machine_fd(m, s->fd)));
}

static int open_directory(struct machine *m, const struct step_chdir *s) {
  struct kernel_open_how how = {.flags = O_PATH | O_DIRECTORY, .resolve = (uint64_t)s->resolve};
  int fd = path_open(m, AT_FDCWD, s->path, &how);
  m->syscall = "chdir";
  if (fd != -ENOENT || !s->create) return fd;
  CLEANUP_FD int root = (int)CALL(m, "open", open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  return root < 0 ? root : path_open_or_make(m, root, s->path, &how, ON_MISSING_MKDIR);
}

int op_chdir(struct machine *m, const struct step_chdir *s) {
  if (s->again && m->entered) return 0;
  CLEANUP_FD int fd = open_directory(m, s);
  if (fd < 0) return fd;
  int result = (int)CALL(m, "chdir", fchdir(fd));
  if (result < 0 || WEAKENED("cwd-inside")) return result;
  /* CVE-2024-21626: a path such as /proc/self/fd/7 may leave the root; the kernel then returns "(unreachable)/…", which
   * the library's getcwd(3) turns into ENOENT. */
  char cwd[PATH_MAX];
  result = (int)CALL(m, "getcwd", syscall(SYS_getcwd, cwd, sizeof cwd));
  if (result < 0) return result;
  m->entered = cwd[0] == '/';
  if (m->entered) return 0;
  detail_begin(m, "the current directory is outside the root file system");
  return -EPERM;
}
