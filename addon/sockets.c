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

typedef int endpoint(int socket, const struct sockaddr *address, socklen_t size);

/* An address holds 107 bytes; a longer path goes through a descriptor of its directory. */
static int with_address(int socket, const char *path, endpoint *call) {
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
  return call(socket, (struct sockaddr *)&address, sizeof address) < 0 ? -errno : 0;
}

static int open_endpoint(const char *path, endpoint *call) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  int error = with_address(fd, path, call);
  if (error == 0) return fd;
  close(fd);
  return error;
}

int socket_connect(const char *path) {
  return open_endpoint(path, connect);
}

int socket_listen(const char *path) {
  int fd = open_endpoint(path, bind);
  if (fd < 0 || listen(fd, 1) == 0) return fd;
  int error = -errno;
  close(fd);
  return error;
}

/* Room for one descriptor, aligned as a header must be. */
union control {
  struct cmsghdr header;
  char space[CMSG_SPACE(sizeof(int))];
};

int socket_send_fd(int socket, int fd, const char *name) {
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

int socket_receive_fd(int socket) {
  union control control;
  char name[256];
  struct iovec data = {name, sizeof name};
  struct msghdr message = {
      .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  ssize_t length;
  do length = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  while (length < 0 && errno == EINTR);
  if (length < 0) return -errno;
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) return -EBADMSG;
  int fd;
  memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return fd;
}

int socket_send_pidfd(const char *path, pid_t pid) {
  AUTO_FD int pidfd = pidfd_open_any(pid);
  if (pidfd < 0) return pidfd;
  AUTO_FD int socket = socket_connect(path);
  if (socket < 0) return socket;
  return socket_send_fd(socket, pidfd, "pidfd");
}
