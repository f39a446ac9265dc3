#define _GNU_SOURCE
#include "events.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "cleanup.h"
#include "process.h"

static int watch_eventfd(const char *file, const char *control) {
  char text[32];
  AUTO_FD int subject = open(file, O_RDONLY | O_CLOEXEC);
  if (subject < 0) return -errno;
  AUTO_FD int registry = open(control, O_WRONLY | O_CLOEXEC);
  if (registry < 0) return -errno;
  int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event < 0) return -errno;
  int length = snprintf(text, sizeof text, "%d %d", event, subject);
  if (write(registry, text, (size_t)length) == length) return event;
  int error = -errno;
  close(event);
  return error;
}

static int watch_inotify(const char *file) {
  int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (fd < 0) return -errno;
  if (inotify_add_watch(fd, file, IN_MODIFY) >= 0) return fd;
  int error = -errno;
  close(fd);
  return error;
}

int events_watch(const char *file, const char *control) {
  return control ? watch_eventfd(file, control) : watch_inotify(file);
}

/* Discards what the descriptor holds: each wake-up is one event, and the caller reads the count from the cgroup. */
static void drain(int watch) {
  char data[1024];
  while (read(watch, data, sizeof data) > 0)
    ;
}

int events_wait(int watch, pid_t pid, const char *start_time, int milliseconds) {
  AUTO_FD int pidfd = process_open(pid, start_time);
  if (pidfd < 0 && pidfd != -ESRCH) return pidfd;
  /* Report an OOM event before the end of the process: the OOM may be why the process ended. */
  struct pollfd polled[] = {{.fd = watch, .events = POLLIN}, {.fd = pidfd, .events = POLLIN}};
  int ready;
  do ready = poll(polled, 2, pidfd < 0 ? 0 : milliseconds);
  while (ready < 0 && errno == EINTR);
  if (ready < 0) return -errno;
  if (polled[0].revents) {
    drain(watch);
    return EVENTS_HAPPENED;
  }
  return pidfd < 0 || polled[1].revents ? EVENTS_ENDED : EVENTS_TIMEOUT;
}
