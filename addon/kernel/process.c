#define _GNU_SOURCE
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "cleanup.h"

/* PF_EXITING: include/linux/sched.h. Such a process has ended although it is not a zombie yet: it has closed its files.
 */
enum { STAT_SIZE = 1024, FIELD_FLAGS = 9, FIELD_START_TIME = 22, PF_EXITING = 4 };

/* The comm in parentheses may contain any byte, so fields are counted from the last ')'. */
static int parse_stat(char *stat, struct process_status *out) {
  char *open = strchr(stat, '('), *close = strrchr(stat, ')');
  if (!open || !close) return -EPROTO;
  snprintf(out->comm, sizeof out->comm, "%.*s", (int)(close - open - 1), open + 1);
  char *rest = close + 1, *field;
  for (int number = 3; number <= FIELD_START_TIME; number++) {
    field = strsep(&rest, " ");
    if (field && number == 3) field = strsep(&rest, " "); /* the blank behind ')' */
    if (!field) return -EPROTO;
    if (number == 3) out->state = field[0];
    if (number == 4) out->parent = atoi(field);
    if (number == FIELD_FLAGS && (strtoul(field, NULL, 10) & PF_EXITING) && out->state != 'Z') out->state = 'X';
  }
  snprintf(out->start_time, sizeof out->start_time, "%s", field);
  return 1;
}

int process_status(pid_t pid, struct process_status *out) {
  char path[32], stat[STAT_SIZE];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  AUTO_FD int fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT ? 0 : -errno;
  ssize_t length = read(fd, stat, sizeof stat - 1);
  if (length < 0) return errno == ESRCH ? 0 : -errno;
  stat[length] = '\0';
  return parse_stat(stat, out);
}

int pidfd_open_any(pid_t pid) {
  int fd = (int)syscall(SYS_pidfd_open, pid, 0);
  if (fd >= 0) return fd;
  /* The id is now that of a thread: EINVAL, and ENOENT since Linux 6.15. */
  return errno == EINVAL || errno == ENOENT ? -ESRCH : -errno;
}

/* The start time is compared while the pidfd is open: from then on the pid cannot be reused for this check. */
int process_open(pid_t pid, const char *start_time) {
  int fd = pidfd_open_any(pid);
  if (fd < 0) return fd;
  struct process_status status;
  int found = process_status(pid, &status);
  if (found == 1 && strcmp(status.start_time, start_time) == 0) return fd;
  close(fd);
  return found < 0 ? found : -ESRCH;
}

int pidfd_signal(int pidfd, int signal) {
  if (syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) == 0) return 1;
  return errno == ESRCH ? 0 : -errno;
}

int process_signal(pid_t pid, const char *start_time, int signal) {
  AUTO_FD int pidfd = process_open(pid, start_time);
  if (pidfd < 0) return pidfd == -ESRCH ? 0 : pidfd;
  return pidfd_signal(pidfd, signal);
}

int pidfd_wait(int pidfd, int milliseconds) {
  struct pollfd end = {.fd = pidfd, .events = POLLIN};
  int ready;
  do ready = poll(&end, 1, milliseconds);
  while (ready < 0 && errno == EINTR);
  return ready < 0 ? -errno : ready;
}

int process_wait(pid_t pid, const char *start_time, int milliseconds) {
  AUTO_FD int pidfd = process_open(pid, start_time);
  if (pidfd < 0) return pidfd == -ESRCH ? 1 : pidfd;
  return pidfd_wait(pidfd, milliseconds);
}

int process_reap(pid_t pid) {
  int status;
  pid_t ended;
  do ended = waitpid(pid, &status, 0);
  while (ended < 0 && errno == EINTR);
  if (ended < 0) return -errno;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
