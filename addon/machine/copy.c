/* Copies a directory tree (mount option tmpcopyup): types, contents, modes and owners. Times, extended attributes and
 * hard links are not kept, as in runc. Other processes may change the source meanwhile: every name is opened relative
 * to an open directory without following links, and checked again after opening. */
#include "machine.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "kernel.h"
#include "text.h"

enum { DEPTH_LIMIT = 64, ENTRIES_SIZE = 2048, CONTENT_SIZE = 32768 };

static int copy_directory(struct machine *m, int from, int to, int depth);

static int set_owner_and_mode(struct machine *m, int fd, const struct stat *st) {
  int result = (int)CALL(m, "fchown", fchown(fd, st->st_uid, st->st_gid));
  if (result < 0) return result;
  return (int)CALL(m, "fchmod", fchmod(fd, st->st_mode & 07777)); /* fchown(2) has cleared the set-user-ID bit */
}

/* Copies at most `size` bytes, so that a file that grows meanwhile does not make this loop endless. */
static int copy_content(struct machine *m, int from, int to, off_t size) {
  static char buffer[CONTENT_SIZE];
  for (off_t left = size; left > 0;) {
    size_t wanted = left < CONTENT_SIZE ? (size_t)left : CONTENT_SIZE;
    ssize_t length = CALL(m, "read", read(from, buffer, wanted));
    if (length <= 0) return (int)length;
    left -= length;
    for (ssize_t done = 0; done < length;) {
      ssize_t n = CALL(m, "write", write(to, buffer + done, (size_t)(length - done)));
      if (n < 0) return (int)n;
      done += n;
    }
  }
  return 0;
}

static int copy_file(struct machine *m, int from, int to, const char *name) {
  struct stat st;
  CLEANUP_FD int source =
      (int)CALL(m, "openat", openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (source < 0) return source;
  int result = (int)CALL(m, "fstat", fstat(source, &st));
  if (result < 0) return result;
  if (!S_ISREG(st.st_mode)) return -EAGAIN; /* no longer a regular file: it was replaced */
  CLEANUP_FD int target =
      (int)CALL(m, "openat", openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (target < 0) return target;
  result = copy_content(m, source, target, st.st_size);
  return result < 0 ? result : set_owner_and_mode(m, target, &st);
}

static int copy_subdirectory(struct machine *m, int from, int to, const char *name, int depth) {
  const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  struct stat st;
  CLEANUP_FD int source = (int)CALL(m, "openat", openat(from, name, flags));
  if (source < 0) return source;
  int result = (int)CALL(m, "fstat", fstat(source, &st));
  if (result < 0) return result;
  result = (int)CALL(m, "mkdirat", mkdirat(to, name, 0700));
  if (result < 0) return result;
  CLEANUP_FD int target = (int)CALL(m, "openat", openat(to, name, flags));
  if (target < 0) return target;
  result = copy_directory(m, source, target, depth + 1);
  return result < 0 ? result : set_owner_and_mode(m, target, &st);
}

static int copy_link(struct machine *m, int from, int to, const char *name) {
  static char target[PATH_MAX];
  ssize_t length = CALL(m, "readlinkat", readlinkat(from, name, target, sizeof target));
  if (length < 0) return (int)length;
  if (length == sizeof target) return -ENAMETOOLONG;
  target[length] = '\0';
  return (int)CALL(m, "symlinkat", symlinkat(target, to, name));
}

static int copy_entry(struct machine *m, int from, int to, const char *name, int depth) {
  struct stat st;
  int result = (int)CALL(m, "fstatat", fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW));
  if (result < 0) return result;
  if (S_ISDIR(st.st_mode)) return copy_subdirectory(m, from, to, name, depth);
  if (S_ISREG(st.st_mode)) return copy_file(m, from, to, name);
  if (S_ISLNK(st.st_mode))
    result = copy_link(m, from, to, name);
  else
    result = (int)CALL(m, "mknodat", mknodat(to, name, st.st_mode, st.st_rdev));
  if (result < 0) return result;
  return (int)CALL(m, "fchownat", fchownat(to, name, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW));
}

/* getdents64(2) */
struct entry {
  uint64_t inode;
  int64_t offset;
  uint16_t length;
  uint8_t type;
  char name[];
};

static int is_dots(const char *name) {
  return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

static int copy_directory(struct machine *m, int from, int to, int depth) {
  _Alignas(struct entry) char buffer[ENTRIES_SIZE];
  if (depth > DEPTH_LIMIT) {
    detail_begin(m, "directories are nested too deeply");
    return -ENAMETOOLONG;
  }
  for (;;) {
    long length = CALL(m, "getdents64", syscall(SYS_getdents64, from, buffer, sizeof buffer));
    if (length <= 0) return (int)length;
    for (long at = 0; at < length;) {
      const struct entry *entry = (const struct entry *)(buffer + at);
      at += entry->length;
      if (is_dots(entry->name)) continue;
      int result = copy_entry(m, from, to, entry->name, depth);
      if (result == -ENOENT) continue; /* removed since it was listed */
      if (result < 0) {
        if (!m->detail[0]) detail_begin(m, entry->name);
        return result;
      }
    }
  }
}

int op_copy_up(struct machine *m, const struct step_copy_up *s) {
  const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  /* The slots may hold O_PATH descriptors, which getdents64(2) refuses. */
  CLEANUP_FD int from = (int)CALL(m, "openat", openat(machine_fd(m, s->source), ".", flags));
  if (from < 0) return from;
  CLEANUP_FD int to = (int)CALL(m, "openat", openat(machine_fd(m, s->to), ".", flags));
  if (to < 0) return to;
  return copy_directory(m, from, to, 0);
}
