/* Opens and creates paths below a directory that an attacker may be changing (the root file system, or a volume shared
 * with another container). Every lookup is one openat2(2) from the root descriptor, so the kernel confines it; nothing
 * is created by path, only by one name in an open directory. After each creation the lookup starts again from the root,
 * because the tree may have changed. */
#include "paths.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "weaken.h"
#include "text.h"

enum {
  OPEN_ATTEMPTS =
      128, /* openat2(2) fails with EAGAIN while anything is renamed: a hostile loop must not block us for ever */
  MAKE_ATTEMPTS = 4096, /* more than a path has components */
  LINK_LIMIT = 40,      /* as the kernel's MAXSYMLINKS */
};

/* Turns off protections of a lookup in a test build. Without RESOLVE_IN_ROOT, `at` is a plain base directory. */
static const char *weaken(const char *path, struct kernel_open_how *how) {
  const uint64_t in_root = KERNEL_RESOLVE_IN_ROOT;
  if (WEAKENED("magic-links")) how->resolve &= ~(uint64_t)KERNEL_RESOLVE_NO_MAGICLINKS;
  if (WEAKENED("symlinks")) how->resolve &= ~(uint64_t)KERNEL_RESOLVE_NO_SYMLINKS;
  if (WEAKENED("no-xdev")) how->resolve &= ~(uint64_t)KERNEL_RESOLVE_NO_XDEV;
  if (!WEAKENED("in-root") || !(how->resolve & in_root)) return path;
  how->resolve &= ~in_root;
  path += strspn(path, "/");
  return path[0] ? path : ".";
}

int path_open(struct machine *m, int at, const char *path, const struct kernel_open_how *how) {
  struct kernel_open_how cloexec = *how;
  cloexec.flags |= O_CLOEXEC;
  path = weaken(path, &cloexec);
  long fd = -EAGAIN;
  for (int i = 0; i < OPEN_ATTEMPTS && (fd == -EAGAIN || fd == -EINTR); i++)
    fd = CALL(m, "openat2", syscall(SYS_openat2, at, path, &cloexec, sizeof cloexec));
  return (int)fd;
}

/* The state of creating a path. Dangling links in the text are replaced by their targets. */
struct walk {
  int root;
  uint64_t resolve;
  size_t length;
  int links;
  char path[PATH_MAX];
};

/* Opens the deepest existing directory of the path; *name is the missing component, *rest what follows it. */
static int open_parent(struct machine *m, struct walk *w, size_t *name, size_t *rest) {
  struct kernel_open_how how = {.flags = O_PATH | O_DIRECTORY, .resolve = w->resolve};
  size_t end = w->length;
  for (;;) {
    while (end > 0 && w->path[end - 1] == '/') end--;
    *rest = end;
    while (end > 0 && w->path[end - 1] != '/') end--;
    *name = end;
    if (*rest == *name) return -ENOENT; /* the root itself does not exist */
    char first = w->path[end];
    w->path[end] = '\0';
    int fd = path_open(m, w->root, end > 0 ? w->path : ".", &how);
    w->path[end] = first;
    if (fd != -ENOENT) return fd;
  }
}

/* Builds: path before `name` + target + path from `rest`. An absolute target starts at the root. */
static int replace_link(struct walk *w, size_t name, size_t rest, const char *target, size_t target_length) {
  if (w->resolve & KERNEL_RESOLVE_NO_SYMLINKS || ++w->links > LINK_LIMIT) return -ELOOP;
  size_t start = target[0] == '/' ? 0 : name;
  size_t tail = w->length - rest;
  if (start + target_length + tail >= sizeof w->path) return -ENAMETOOLONG;
  memmove(w->path + start + target_length, w->path + rest, tail + 1);
  memcpy(w->path + start, target, target_length);
  w->length = start + target_length + tail;
  return 0;
}

/* The name exists after all: it is a dangling link, or another process created it meanwhile (the next lookup sees it),
 * or it is a magic link to a descriptor opened meanwhile, whose text must not be used as a path. */
static int follow_link(struct machine *m, struct walk *w, int parent, const char *component, size_t name, size_t rest) {
  char target[PATH_MAX];
  struct kernel_open_how how = {.flags = O_PATH, .resolve = KERNEL_RESOLVE_IN_ROOT | KERNEL_RESOLVE_NO_MAGICLINKS};
  CLEANUP_FD int fd = path_open(m, parent, component, &how);
  if (fd == -ELOOP) return fd;
  ssize_t length = CALL(m, "readlinkat", readlinkat(parent, component, target, sizeof target));
  if (length == -EINVAL || length == -ENOENT) return 0;
  if (length < 0) return (int)length;
  if (length == 0 || length == sizeof target) return -ENAMETOOLONG;
  return replace_link(w, name, rest, target, (size_t)length);
}

static int make_file(struct machine *m, int parent, const char *name) {
  /* Not mknodat(2): some FUSE file systems can create files only with O_CREAT. */
  int new = WEAKENED("new-file") ? O_CREAT : O_CREAT | O_EXCL | O_NOFOLLOW;
  int fd = (int)CALL(m, "openat", openat(parent, name, O_WRONLY | new | O_CLOEXEC, 0644));
  if (fd < 0) return fd;
  close(fd);
  return 0;
}

/* Creates the first missing component. */
static int make_next(struct machine *m, struct walk *w, int64_t kind) {
  char component[NAME_MAX + 1];
  size_t name, rest;
  CLEANUP_FD int parent = open_parent(m, w, &name, &rest);
  if (parent < 0) return parent;
  size_t length = rest - name;
  if (length > NAME_MAX) return -ENAMETOOLONG;
  memcpy(component, w->path + name, length);
  component[length] = '\0';
  int is_last = w->path[rest + strspn(w->path + rest, "/")] == '\0';
  int result = is_last && kind == ON_MISSING_CREATE ? make_file(m, parent, component)
                                                    : (int)CALL(m, "mkdirat", mkdirat(parent, component, 0755));
  return result == -EEXIST ? follow_link(m, w, parent, component, name, rest) : result;
}

int path_open_or_make(struct machine *m, int at, const char *path, const struct kernel_open_how *how, int64_t kind) {
  struct kernel_open_how inside = *how;
  if (!(inside.resolve & KERNEL_RESOLVE_BENEATH)) inside.resolve |= KERNEL_RESOLVE_IN_ROOT;
  inside.resolve |= KERNEL_RESOLVE_NO_MAGICLINKS;
  int fd = path_open(m, at, path, &inside);
  if (fd != -ENOENT) return fd;
  struct walk w = {.root = at, .resolve = inside.resolve, .length = strlen(path)};
  if (w.length >= sizeof w.path) return -ENAMETOOLONG;
  memcpy(w.path, path, w.length + 1);
  for (int i = 0; i < MAKE_ATTEMPTS; i++) {
    int result = make_next(m, &w, kind);
    if (result < 0 && result != -ENOENT) return result;
    fd = path_open(m, at, w.path, &inside);
    if (fd != -ENOENT) return fd;
  }
  return -ENOENT;
}

int path_check_fs(struct machine *m, int fd, int64_t magic) {
  struct statfs st;
  int result = (int)CALL(m, "fstatfs", fstatfs(fd, &st));
  if (result < 0 || (uint32_t)st.f_type == (uint32_t)magic || WEAKENED("fs-type")) return result;
  detail_begin(m, "file system type 0x");
  detail_add_number(m, (uint32_t)st.f_type, 16);
  detail_add(m, " where 0x");
  detail_add_number(m, (uint32_t)magic, 16);
  detail_add(m, " must be");
  return -EBADF;
}

int path_check_rdev(struct machine *m, int fd, unsigned type, int64_t rdev) {
  struct stat st;
  int result = (int)CALL(m, "fstat", fstat(fd, &st));
  if (result < 0) return result;
  if ((st.st_mode & S_IFMT) == type && (int64_t)st.st_rdev == rdev) return 0;
  if (WEAKENED("rdev")) return 0;
  detail_begin(m, "not the device it must be");
  return -EBADF;
}

int path_refuse_proc(struct machine *m, int fd) {
  struct statfs fs;
  int result = (int)CALL(m, "fstatfs", fstatfs(fd, &fs));
  if (result < 0 || (uint32_t)fs.f_type != KERNEL_PROC_SUPER_MAGIC) return result;
  m->syscall = "openat2";
  detail_begin(m, "a link leads into procfs, on which only procfs may be mounted");
  return -ELOOP;
}

/* A procfs link mounted in the container would still lead to the host, and a mount over it would hide the original. */
int path_refuse_proc_link(struct machine *m, int fd) {
  struct stat st;
  struct statfs fs;
  if (WEAKENED("magic-links") || fstat(fd, &st) < 0 || !S_ISLNK(st.st_mode)) return 0;
  if (fstatfs(fd, &fs) < 0 || (uint32_t)fs.f_type != KERNEL_PROC_SUPER_MAGIC) return 0;
  detail_begin(m, "a link of procfs is neither mounted nor mounted on");
  return -ELOOP;
}
