#define _GNU_SOURCE
#include "sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "process.h"
#include "unix_socket.h"

/* A control buffer for one descriptor, with the alignment of struct cmsghdr. */
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

int socket_send_descriptor(const char *path, int descriptor, const char *name) {
  AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  int error = unix_connect(fd, path);
  return error < 0 ? error : send_fd(fd, descriptor, name);
}

int socket_send_pidfd(const char *path, pid_t pid) {
  AUTO_FD int pidfd = pidfd_open_any(pid);
  return pidfd < 0 ? pidfd : socket_send_descriptor(path, pidfd, "pidfd");
}

ssize_t socket_exchange(int socket, const void *message, size_t length, void *answer, size_t size, int *fd) {
  union control control;
  struct iovec data = {answer, size};
  struct msghdr header = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  ssize_t n;
  *fd = -1;
  if (send(socket, message, length, MSG_NOSIGNAL) < 0) return errno == EPIPE ? 0 : -errno;
  do n = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  if (n < 0) return errno == ECONNRESET ? 0 : -errno;
  struct cmsghdr *first = CMSG_FIRSTHDR(&header);
  if (first && first->cmsg_level == SOL_SOCKET && first->cmsg_type == SCM_RIGHTS)
    memcpy(fd, CMSG_DATA(first), sizeof *fd);
  return header.msg_flags & MSG_TRUNC ? -EMSGSIZE : n;
}

/* ---- sd_notify(3) ---- */

enum { BARRIER_TIMEOUT = 30000 };

int sd_notify_bind(const char *path) {
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  unlink(path); /* left by a failed start */
  int error = unix_bind(fd, path);
  if (error == 0 && chmod(path, 0777) < 0) error = -errno; /* every user of the container may write */
  if (error == 0) return fd;
  close(fd);
  return error;
}

ssize_t sd_notify_receive(int fd, pid_t pid, const char *start_time, char *text, size_t size) {
  AUTO_FD int pidfd = process_open(pid, start_time);
  if (pidfd < 0 && pidfd != -ESRCH) return pidfd;
  struct pollfd polled[] = {{.fd = fd, .events = POLLIN}, {.fd = pidfd, .events = POLLIN}};
  int ready;
  do ready = poll(polled, 2, pidfd < 0 ? 0 : -1);
  while (ready < 0 && errno == EINTR);
  if (ready < 0) return -errno;
  if (!polled[0].revents) return -ESRCH;
  ssize_t length = recv(fd, text, size, MSG_DONTWAIT);
  return length < 0 ? -errno : length;
}

/* sd_notify_barrier(3): the peer closes its end of the pipe once it has read the earlier messages. */
static int send_barrier(int fd) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
  AUTO_FD int ours = ends[0];
  int error = send_fd(fd, ends[1], "BARRIER=1");
  close(ends[1]);
  struct pollfd end = {.fd = ours};
  if (error == 0) poll(&end, 1, BARRIER_TIMEOUT);
  return error;
}

int sd_notify_send(const char *address, const char *text, int barrier) {
  AUTO_FD int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  int error = unix_connect(fd, address);
  if (error < 0) return error;
  if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0) return -errno;
  return barrier ? send_barrier(fd) : 0;
}
