/* The lookup is confined by openat2(2), and O_PATH neither blocks on a FIFO nor opens a device. If the
 * inode is a regular file, it is then opened for reading. */
#include "root_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cleanup.h"
#include "files.h"
#include "machine/paths.h"

static int path_below(int root, int fd, char out[PATH_MAX]) {
  char above[PATH_MAX];
  int error = fd_path(root, above);
  if (error == 0) error = fd_path(fd, out);
  if (error < 0) return error;
  size_t length = strcmp(above, "/") == 0 ? 0 : strlen(above);
  if (strncmp(out, above, length) != 0 || (out[length] && out[length] != '/'))
    return -EXDEV; /* it was moved in the meantime */
  memmove(out, out + length, strlen(out + length) + 1);
  return 0;
}

static int read_head(int fd, struct root_file *out) {
  char link[32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  AUTO_FD int file = open(link, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (file < 0) return -errno;
  ssize_t length = pread(file, out->head, sizeof out->head, 0);
  if (length < 0) return -errno;
  out->head_length = (size_t)length;
  length = fgetxattr(file, "security.capability", out->capabilities, sizeof out->capabilities);
  out->capabilities_length = length < 0 ? 0 : (size_t)length;
  return 0;
}

int root_file_look(const char *root, const char *path, struct root_file *out) {
  struct statvfs mount;
  memset(out, 0, sizeof *out);
  AUTO_FD int directory = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return -errno;
  struct machine m = {.sync = -1};
  const struct kernel_open_how how = {
      .flags = O_PATH | O_CLOEXEC,
      .resolve = KERNEL_RESOLVE_IN_ROOT | KERNEL_RESOLVE_NO_MAGICLINKS,
  };
  AUTO_FD int fd = path_open(&m, directory, path, &how);
  if (fd < 0) return fd;
  if (fstat(fd, &out->status) < 0 || fstatvfs(fd, &mount) < 0) return -errno;
  out->flags = mount.f_flag;
  int error = path_below(directory, fd, out->path);
  return error < 0 || !S_ISREG(out->status.st_mode) ? error : read_head(fd, out);
}
