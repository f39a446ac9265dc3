/* The steps that only init carries out: waiting for the runtime and for `runt start`, forking into a pid namespace, and
 * becoming the container process. */
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "machine.h"

static ssize_t read_whole(int fd, void *buffer, size_t size) {
  ssize_t n;
  do n = read(fd, buffer, size);
  while (n < 0 && errno == EINTR);
  return n;
}

/* A runtime that dies takes its half-made container with it: its end of the socket closes, and the plan ends here. */
int op_sync_wait(struct machine *m, const struct step_sync_wait *s) {
  struct report r;
  ssize_t n = CALL(m, "read", read_whole(m->sync, &r, sizeof r));
  if (n < 0) return (int)n;
  if (n == 0) return -ECONNRESET;
  return n == (ssize_t)sizeof r && r.kind == REPORT_SYNC && r.value == (uint64_t)s->point ? 0 : -EPROTO;
}

int op_start_wait(struct machine *m, const struct step_start_wait *s) {
  char request;
  ssize_t n = CALL(m, "read", read_whole(machine_fd(m, s->request), &request, 1));
  if (n < 0) return (int)n;
  m->sync = machine_fd(m, s->report);
  return 0;
}

int op_fork(struct machine *m, const struct step_fork *s) {
  /* CLONE_PARENT: the runtime, not this process, must be the parent that reaps the container process. */
  struct clone_args args = {.flags = CLONE_PARENT | (uint64_t)s->flags};
  long pid = CALL(m, "clone3", syscall(SYS_clone3, &args, sizeof args));
  if (pid < 0) return (int)pid;
  if (pid > 0) _exit(0);
  return machine_report(m, REPORT_PID, 0, 0);
}

static int check_executable(struct machine *m, const char *path) {
  struct stat st;
  int result = (int)CALL(m, "execve", stat(path, &st));
  if (result < 0) return result;
  if (S_ISDIR(st.st_mode)) return -EISDIR;
  if (!S_ISREG(st.st_mode)) return -EACCES;
  return (int)CALL(m, "execve", faccessat(AT_FDCWD, path, X_OK, AT_EACCESS));
}

/* Like execvpe(3), but before the start: a missing program is an error of `create`, not of `start`. */
int op_find_executable(struct machine *m, const struct step_find_executable *s) {
  int error = -ENOENT;
  for (uint64_t i = 0; i < s->candidates.count; i++) {
    int result = check_executable(m, s->candidates.items[i]);
    if (result == 0) {
      m->program = s->candidates.items[i];
      return 0;
    }
    if (result != -ENOENT && result != -ENOTDIR) error = result;
  }
  return error;
}

int op_execve(struct machine *m, const struct step_execve *s) {
  return (int)CALL(m, "execve", execve(m->program, s->args.items, s->env.items));
}
