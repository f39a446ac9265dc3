#define _GNU_SOURCE
#include "sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "cleanup.h"
#include "process.h"

/* An address holds 107 bytes; a longer path goes through a descriptor of its directory. */
static int connect_to(int fd, const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  AUTO_FD int directory = -1;
  if (strlen(path) < sizeof address.sun_path) {
    strcpy(address.sun_path, path);
  } else {
    const char *slash = strrchr(path, '/');
    char parent[PATH_MAX];
    if (!slash || slash - path >= (long)sizeof parent - 1) return -ENAMETOOLONG;
    snprintf(parent, sizeof parent, "%.*s", (int)(slash - path) + 1, path);
    directory = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return -errno;
    int size = snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", directory, slash + 1);
    if (size >= (int)sizeof address.sun_path) return -ENAMETOOLONG;
  }
  return connect(fd, (struct sockaddr *)&address, sizeof address) < 0 ? -errno : 0;
}

/* Room for one descriptor, aligned as a header must be. */
union control {
  struct cmsghdr header;
  char space[CMSG_SPACE(sizeof(int))];
};

static int send_fd(int socket, int fd, const char *name) {
  union control control;
  memset(&control, 0, sizeof control);
  struct iovec data = {(char *)name, strlen(name)};
  struct msghdr message = {
      .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  control.header.cmsg_len = CMSG_LEN(sizeof fd);
  control.header.cmsg_level = SOL_SOCKET;
  control.header.cmsg_type = SCM_RIGHTS;
  memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
  return sendmsg(socket, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int socket_send_pidfd(const char *path, pid_t pid) {
  AUTO_FD int pidfd = pidfd_open_any(pid);
  if (pidfd < 0) return pidfd;
  AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  int error = connect_to(fd, path);
  return error < 0 ? error : send_fd(fd, pidfd, "pidfd");
}
