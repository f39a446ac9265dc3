/* See crowded.h. The child is created outside of its cgroup but in the container's pid namespace, where a process with
 * CAP_SYS_PTRACE could attach to it and use it without the container's limits, and on v2 without its device filter. So
 * the runtime traces init and, through PTRACE_O_TRACECLONE, the child from its creation: a traced process cannot be
 * traced by another, and it does not run until it is in its cgroup. */
#include "crowded.h"

#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "weaken.h"
#include "write.h"

static int move(struct machine *m, pid_t pid, const char *file) {
  int result = write_pid_to(m, file, pid);
  if (result < 0) snprintf(m->detail, sizeof m->detail, "%s", file);
  return result;
}

/* Waits for the next stop or end of a tracee, and leaves it waitable. -1 if there is no such process. */
static int next_stop(pid_t pid, siginfo_t *info) {
  int result;
  do result = waitid(P_PID, (id_t)pid, info, WSTOPPED | WEXITED | WNOWAIT | __WALL);
  while (result < 0 && errno == EINTR);
  return result;
}

static int is_stopped(const siginfo_t *info) {
  return info->si_code == CLD_TRAPPED || info->si_code == CLD_STOPPED;
}

/* Returns the child that init creates; init and the child are stopped then. 0 if init has ended instead. */
static pid_t wait_for_child(pid_t init) {
  siginfo_t info;
  while (next_stop(init, &info) == 0 && is_stopped(&info)) {
    int event = info.si_status >> 8;
    unsigned long child = 0;
    if (event == PTRACE_EVENT_CLONE || event == PTRACE_EVENT_FORK) {
      if (ptrace(PTRACE_GETEVENTMSG, init, NULL, &child) < 0) return 0;
      next_stop((pid_t)child, &info);
      return (pid_t)child;
    }
    ptrace(PTRACE_CONT, init, NULL, (void *)(uintptr_t)(event ? 0 : info.si_status));
  }
  return 0;
}

/* Init has no answer yet, so it cannot fork before it is traced. If the runtime dies, init and its child are killed. */
static int trace(struct machine *m, const char *leave) {
  uintptr_t options = PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_EXITKILL;
  int result = move(m, m->child, leave);
  if (result < 0 || WEAKENED("traced-birth")) return result;
  return (int)CALL(m, "ptrace", ptrace(PTRACE_SEIZE, m->child, NULL, (void *)options));
}

static int place_child(struct machine *m, const char *enter) {
  pid_t child = wait_for_child(m->child);
  if (child == 0) return 0;
  int result = move(m, child, enter);
  siginfo_t info;
  if (result < 0) {
    kill(child, SIGKILL);
    waitid(P_PID, (id_t)child, &info, WEXITED | __WALL);
  }
  ptrace(PTRACE_DETACH, child, NULL, NULL);
  ptrace(PTRACE_DETACH, m->child, NULL, NULL);
  return result;
}

int crowded_fork(struct machine *m, const char *leave, const char *enter) {
  int traced = leave && enter ? trace(m, leave) : -EAGAIN;
  struct report answer = {.kind = REPORT_CROWDED, .error = traced < 0 ? EAGAIN : 0};
  m->detail[0] = 0;
  if (send(m->sync, &answer, sizeof answer, MSG_NOSIGNAL) < 0 || traced < 0 || WEAKENED("traced-birth")) return 0;
  return place_child(m, enter);
}
