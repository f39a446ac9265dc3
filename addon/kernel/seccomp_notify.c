#define _GNU_SOURCE
#include "seccomp_notify.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>

int notify_receive(int listener, char *text, size_t size) {
  struct seccomp_notif question = {0}; /* the kernel requires zeros */
  struct pollfd p = {.fd = listener, .events = POLLIN};
  /* SECCOMP_IOCTL_NOTIF_RECV blocks, and the caller may have been killed since. */
  if (poll(&p, 1, 0) < 1 || !(p.revents & POLLIN)) return 0;
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &question) < 0) return errno == ENOENT || errno == EINTR ? 0 : -errno;
  int n = snprintf(text, size, "%" PRIx64 " %x %x %x", (uint64_t)question.id, question.pid, (unsigned)question.data.nr,
                   question.data.arch);
  for (int i = 0; i < 6 && n > 0 && (size_t)n < size; i++)
    n += snprintf(text + n, size - (size_t)n, " %" PRIx64, (uint64_t)question.data.args[i]);
  return n;
}

int notify_answer(int listener, const char *question, enum notify_answer_kind kind, int error) {
  uint64_t id;
  unsigned pid;
  if (sscanf(question, "%" SCNx64 " %x", &id, &pid) != 2 || pid > INT32_MAX) return -EINVAL;
  struct seccomp_notif_resp response = {
      .id = id,
      .error = kind == NOTIFY_ERROR ? -error : 0,
      .flags = kind == NOTIFY_CONTINUE ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0,
  };
  if (kind == NOTIFY_KILL) {
    /* The process waits in its call, so its pid has not been reused if the id is valid. */
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) < 0) return errno == ENOENT ? 0 : -errno;
    return pid && kill((pid_t)pid, SIGKILL) < 0 && errno != ESRCH ? -errno : 0;
  }
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response) < 0 && errno != ENOENT) return -errno;
  return 0;
}
