#define _GNU_SOURCE
#include "seccomp_notify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { PAGE = 4096 };

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

/* Reads up to the end of each page: the next one may not be mapped. */
static ssize_t read_memory(int memory, uint64_t address, char *text, size_t size) {
  size_t got = 0;
  while (got < size) {
    size_t part = PAGE - (address + got) % PAGE;
    ssize_t n = pread(memory, text + got, part < size - got ? part : size - got, (off_t)(address + got));
    if (n <= 0) return got > 0 || n == 0 ? (ssize_t)got : -errno;
    if (memchr(text + got, 0, (size_t)n)) return (ssize_t)strnlen(text, got + (size_t)n);
    got += (size_t)n;
  }
  return (ssize_t)got;
}

ssize_t notify_read_string(int listener, const char *question, uint64_t address, char *text, size_t size) {
  uint64_t id;
  unsigned pid;
  char path[32];
  if (sscanf(question, "%" SCNx64 " %x", &id, &pid) != 2 || pid == 0 || address > INT64_MAX) return -EINVAL;
  snprintf(path, sizeof path, "/proc/%u/mem", pid);
  int memory = open(path, O_RDONLY | O_CLOEXEC);
  if (memory < 0) return -errno;
  ssize_t length = read_memory(memory, address, text, size);
  close(memory);
  /* If the id is still valid now, the process waited in its call all the time, and the memory was its own. */
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) < 0) return -errno;
  return length;
}
