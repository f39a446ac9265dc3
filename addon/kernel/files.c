#define _GNU_SOURCE
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/xattr.h>

#include "cleanup.h"

enum { FIRST_READ = 16 * 1024 };

static int grow(struct text *text, size_t *capacity) {
  *capacity = *capacity ? *capacity * 2 : FIRST_READ;
  char *data = realloc(text->data, *capacity);
  if (!data) return -ENOMEM;
  text->data = data;
  return 0;
}

/* Reads to the end and ignores st_size, which is 0 for files of procfs and for pipes. */
int fd_read(int fd, size_t limit, struct text *out) {
  size_t capacity = 0;
  for (;;) {
    if (out->length + 1 >= capacity && grow(out, &capacity) < 0) return -ENOMEM;
    ssize_t got = read(fd, out->data + out->length, capacity - out->length - 1);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -errno;
    if (got == 0) {
      out->data[out->length] = '\0';
      return 0;
    }
    out->length += (size_t)got;
    if (out->length > limit) return -EFBIG;
  }
}

int file_read(const char *path, size_t limit, struct text *out) {
  *out = (struct text){NULL, 0};
  AUTO_FD int opened = -1;
  int fd = STDIN_FILENO;
  if (strcmp(path, "-") != 0) {
    fd = opened = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return -errno;
  }
  int error = fd_read(fd, limit, out);
  if (error < 0) {
    free(out->data);
    *out = (struct text){NULL, 0};
  }
  return error;
}

int fd_write(int fd, const char *data, size_t length) {
  while (length > 0) {
    ssize_t written = write(fd, data, length);
    if (written >= 0) {
      data += written;
      length -= (size_t)written;
    } else if (errno == EAGAIN) {
      struct pollfd ready = {.fd = fd, .events = POLLOUT};
      poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return -errno;
    }
  }
  return 0;
}

/* Ignores SIGXFSZ, so that a write(2) beyond RLIMIT_FSIZE fails with EFBIG and does not kill us before we have cleaned
 * up. An existing handler stays. Programs that we start get the default back (reset_signals). */
static void survive_size_limit(void) {
  static int done;
  struct sigaction before, ignore = {.sa_handler = SIG_IGN};
  if (done) return;
  done = 1;
  if (sigaction(SIGXFSZ, &ignore, &before) == 0 && before.sa_handler != SIG_DFL) sigaction(SIGXFSZ, &before, NULL);
}

static int write_new(const char *path, int flags, const char *data, size_t length, mode_t mode) {
  int fd = openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC | flags, mode);
  if (fd < 0) return -errno;
  survive_size_limit();
  int error = fd_write(fd, data, length);
  /* Network file systems report ENOSPC only at close(2). */
  if (close(fd) < 0 && error == 0 && errno != EINTR) error = -errno;
  return error;
}

int file_write(const char *path, const char *data, size_t length, mode_t mode) {
  return write_new(path, O_TRUNC, data, length, mode);
}

/* The temporary name contains our pid, so that two writers never share a file; a stale file of an earlier process with
 * the same pid is removed. */
int file_write_atomic(const char *path, const char *data, size_t length, mode_t mode) {
  char temporary[PATH_MAX];
  const char *slash = strrchr(path, '/');
  int directory = slash ? (int)(slash - path) + 1 : 0;
  int size = snprintf(temporary, sizeof temporary, "%.*s.%s.%d", directory, path, path + directory, getpid());
  if (size >= (int)sizeof temporary) return -ENAMETOOLONG;
  int error = write_new(temporary, O_EXCL, data, length, mode);
  if (error == -EEXIST && unlink(temporary) == 0) error = write_new(temporary, O_EXCL, data, length, mode);
  if (error == 0 && rename(temporary, path) < 0) error = -errno;
  if (error < 0 && error != -EEXIST) unlink(temporary);
  return error;
}

/* A single write(2), so that lines of several writers do not mix. Links are followed: a log may be /dev/stderr. */
int file_append(const char *path, const char *data, size_t length, mode_t mode) {
  AUTO_FD int fd = openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_CLOEXEC, mode);
  if (fd < 0) return -errno;
  survive_size_limit();
  return fd_write(fd, data, length);
}

static int is_dots(const char *name) {
  return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

static int append_name(struct text *names, size_t *capacity, const char *name) {
  size_t length = strlen(name) + 1;
  while (names->length + length > *capacity)
    if (grow(names, capacity) < 0) return -ENOMEM;
  memcpy(names->data + names->length, name, length);
  names->length += length;
  return 0;
}

int directory_read(const char *path, struct text *names) {
  *names = (struct text){NULL, 0};
  size_t capacity = 0;
  AUTO_DIR DIR *directory = opendir(path);
  if (!directory) return -errno;
  for (struct dirent *entry; (errno = 0, entry = readdir(directory));) {
    if (is_dots(entry->d_name)) continue;
    if (append_name(names, &capacity, entry->d_name) < 0) errno = ENOMEM;
    if (errno) break;
  }
  int error = -errno;
  if (error < 0) free(names->data);
  return error;
}

/* Starts with the whole path and goes back, because the parents nearly always exist. */
int directory_make_all(const char *path, mode_t mode) {
  if (mkdir(path, mode) == 0) return 1;
  if (errno == EEXIST) return 0;
  if (errno != ENOENT) return -errno;
  char parent[PATH_MAX];
  size_t length = strlen(path);
  if (length >= sizeof parent) return -ENAMETOOLONG;
  while (length > 0 && path[length - 1] == '/') length--;
  while (length > 0 && path[length - 1] != '/') length--;
  if (length <= 1) return -ENOENT;
  memcpy(parent, path, length - 1);
  parent[length - 1] = '\0';
  int error = directory_make_all(parent, mode);
  if (error < 0) return error;
  if (mkdir(path, mode) == 0) return 1;
  return errno == EEXIST ? 0 : -errno;
}

static int remove_entry(DIR *directory, const char *name) {
  return unlinkat(dirfd(directory), name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

/* Fails if the directory is not empty. */
static int remove_directory(DIR *parent, const char *name) {
  int fd = openat(dirfd(parent), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  AUTO_DIR DIR *directory = fd < 0 ? NULL : fdopendir(fd);
  if (!directory) return -errno;
  int error = 0;
  for (struct dirent *entry; error == 0 && (entry = readdir(directory));)
    if (!is_dots(entry->d_name)) error = remove_entry(directory, entry->d_name);
  if (error < 0) return error;
  return unlinkat(dirfd(parent), name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

int directory_remove(const char *path, const char *last) {
  AUTO_DIR DIR *directory = opendir(path);
  if (!directory) return errno == ENOENT ? 0 : -errno;
  int has_last = 0, error = 0;
  for (struct dirent *entry; (errno = 0, entry = readdir(directory));) {
    if (is_dots(entry->d_name)) continue;
    if (strcmp(entry->d_name, last) == 0)
      has_last = 1;
    else
      error =
          entry->d_type == DT_DIR ? remove_directory(directory, entry->d_name) : remove_entry(directory, entry->d_name);
    if (error < 0) return error;
  }
  if (errno) return -errno;
  if (has_last && (error = remove_entry(directory, last)) < 0) return error;
  return rmdir(path) < 0 && errno != ENOENT ? -errno : 0;
}

int path_link(const char *path, char *out) {
  ssize_t length = readlink(path, out, PATH_MAX);
  if (length < 0) return errno == EINVAL || errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
  if (length == PATH_MAX) return -ENAMETOOLONG;
  out[length] = '\0';
  return 1;
}

int fd_path(int fd, char *out) {
  char link[32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, out, PATH_MAX);
  if (length < 0) return -errno;
  if (length == PATH_MAX) return -ENAMETOOLONG;
  out[length] = '\0';
  return 0;
}

int path_real(const char *path, char *out) {
  AUTO_FD int fd = openat(AT_FDCWD, path, O_PATH | O_CLOEXEC);
  return fd < 0 ? -errno : fd_path(fd, out);
}

int fifo_has_reader(const char *path) {
  AUTO_FD int fd = openat(AT_FDCWD, path, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
  if (fd >= 0) return 1;
  return errno == ENXIO || errno == ENOENT ? 0 : -errno;
}

int path_lock(const char *path) {
  int fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return -errno;
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  int error = -errno;
  close(fd);
  return error;
}

int byte_lock(const char *path, int64_t offset) {
  struct flock byte = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = offset, .l_len = 1};
  int fd = openat(AT_FDCWD, path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, LOCK_FILE_MODE);
  if (fd < 0) return -errno;
  if (fcntl(fd, F_OFD_SETLK, &byte) == 0) return fd;
  int error = -errno;
  close(fd);
  return error;
}

ssize_t path_attribute(const char *path, const char *name, char *value, size_t size) {
  ssize_t length = getxattr(path, name, value, size);
  if (length >= 0) return length;
  return errno == ENODATA || errno == ENOENT || errno == ENOTDIR || errno == EOPNOTSUPP ? 0 : -errno;
}
