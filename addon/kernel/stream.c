#define _GNU_SOURCE
#include "stream.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "deadline.h"
#include "unix_socket.h"

int stream_open(const char *path, int milliseconds) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  /* connect(2) blocks while the listener's queue is full; this is its timeout (socket(7)), and 0 would mean none. */
  int limit = milliseconds > 0 ? milliseconds : 1;
  struct timeval time = {limit / 1000, limit % 1000 * 1000};
  int error = setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time) < 0 ? -errno : unix_connect(fd, path);
  if (error == 0) return fd;
  close(fd);
  return error == -EAGAIN ? -ETIMEDOUT : error;
}

/* Waits until the socket is ready for `events`. A signal does not extend the wait. */
static int wait_ready(int fd, short events, int64_t end) {
  for (;;) {
    struct pollfd p = {.fd = fd, .events = events};
    int ready = poll(&p, 1, milliseconds_until(end));
    if (ready > 0) return 0;
    if (ready == 0) return -ETIMEDOUT;
    if (errno != EINTR) return -errno;
  }
}

ssize_t stream_exchange(int fd, const void *data, size_t count, void *answer, size_t size, int milliseconds) {
  int64_t end = clock_milliseconds() + milliseconds;
  for (size_t sent = 0; sent < count;) {
    int error = wait_ready(fd, POLLOUT, end);
    if (error < 0) return error;
    ssize_t n = send(fd, (const char *)data + sent, count - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno != EAGAIN && errno != EINTR) return errno == EPIPE ? -ECONNRESET : -errno;
    if (n > 0) sent += (size_t)n;
  }
  for (;;) {
    int error = wait_ready(fd, POLLIN, end);
    if (error < 0) return error;
    ssize_t n = recv(fd, answer, size, MSG_DONTWAIT);
    if (n > 0) return n;
    if (n == 0) return -ECONNRESET;
    if (errno != EAGAIN && errno != EINTR) return -errno;
  }
}
