/* Fuzz target: seccomp notifications (addon/kernel/seccomp_notify.c). A notification of the kernel becomes text, and
 * the text a response to the same call; also, any text is parsed as a response. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

static struct seccomp_notif question;
static struct seccomp_notif_resp sent;
static int killed, valid;

static int fake_poll(struct pollfd *p, nfds_t count, int timeout) {
  (void)count, (void)timeout;
  p->revents = POLLIN;
  return 1;
}

static int fake_ioctl(int fd, unsigned long request, void *argument) {
  (void)fd;
  if (request == SECCOMP_IOCTL_NOTIF_RECV) memcpy(argument, &question, sizeof question);
  if (request == SECCOMP_IOCTL_NOTIF_SEND) memcpy(&sent, argument, sizeof sent);
  if (request != SECCOMP_IOCTL_NOTIF_ID_VALID || valid) return 0;
  errno = ENOENT;
  return -1;
}

static int fake_kill(pid_t pid, int signal) {
  (void)signal;
  killed = pid;
  return 0;
}

#define poll fake_poll
#define ioctl fake_ioctl
#define kill fake_kill
#include "../../addon/kernel/seccomp_notify.c"

#define TARGET "notify"
#include "check.h"

static void check_answer(const char *text, enum notify_answer_kind kind, int error) {
  killed = 0;
  sent = (struct seccomp_notif_resp){0};
  if (notify_answer(3, text, kind, error) < 0) return;
  CHECK(kind == NOTIFY_KILL ? sent.id == 0 : killed == 0);
  CHECK(kind == NOTIFY_ERROR ? sent.error == -error && sent.flags == 0 : sent.error == 0);
  CHECK(killed == 0 || valid);
  CHECK(killed >= 0); /* kill(2) treats a negative pid as a process group */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  enum notify_answer_kind kind = data[0] % 3;
  valid = data[0] & 4;
  char text[192] = "", given[64] = "";
  memset(&question, 0, sizeof question);
  memcpy(&question, data + 1, size - 1 < sizeof question ? size - 1 : sizeof question);
  int n = notify_receive(3, text, sizeof text);
  CHECK(n > 0 && n < (int)sizeof text && strlen(text) == (size_t)n);
  check_answer(text, kind, 1);
  if (question.pid > INT32_MAX)
    CHECK(sent.id == 0 && killed == 0);
  else if (kind != NOTIFY_KILL)
    CHECK(sent.id == question.id);
  else
    CHECK(!valid || killed == (int)question.pid);
  memcpy(given, data + 1, size - 1 < sizeof given ? size - 1 : sizeof given - 1);
  check_answer(given, kind, 4095);
  return 0;
}
