/* A launch, from its first step to its end: see launch.h. */
#include "launch.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "faults/faults.h"
#include "launch_state.h"

struct launch_state launch = {.passed = -1};

/* ---- ending init ---- */

void launch_reap(struct machine *m, siginfo_t *info) {
  info->si_pid = 0;
  waitid((idtype_t)P_PIDFD, (id_t)m->child_pidfd, info, WEXITED | __WALL);
}

void launch_forget_child(struct machine *m) {
  if (m->child_pidfd >= 0) close(m->child_pidfd);
  if (m->sync >= 0) close(m->sync);
  m->child_pidfd = m->sync = -1;
  m->child = 0;
}

static void end_child(struct machine *m) {
  siginfo_t info;
  if (m->child_pidfd >= 0 && m->child > 0) {
    syscall(SYS_pidfd_send_signal, m->child_pidfd, SIGKILL, NULL, 0);
    launch_reap(m, &info);
  }
  launch_forget_child(m);
}

static void close_slots(struct machine *m) {
  for (uint32_t i = 0; i < m->slot_count; i++) machine_fill(m, i, -1);
}

void launch_forget_passed(void) {
  if (launch.passed >= 0) close(launch.passed);
  launch.passed = -1;
}

void launch_abandon(void) {
  launch.is_paused = 0;
  launch_forget_passed();
  end_child(&launch.machine);
  close_slots(&launch.machine);
}

/* ---- steps ---- */

int op_keep(struct machine *m, const struct step_keep *s) {
  launch.event.kept = machine_fd(m, s->fd);
  return 0;
}

/* ---- launch ---- */

static void conclude(int result, struct launch_event *event) {
  struct machine *m = &launch.machine;
  launch.is_paused = result == MACHINE_PAUSED;
  launch.event.kind = result == MACHINE_PAUSED ? LAUNCH_PAUSED : result < 0 ? LAUNCH_FAILED : LAUNCH_DONE;
  launch.event.pid = m->child;
  if (result == MACHINE_PAUSED) launch.event.step = m->index - 1;
  if (result < 0 && !launch.event.in_container) {
    struct report *f = &launch.event.failure;
    *f = (struct report){.kind = REPORT_ERROR, .step = m->index, .error = -result};
    if (m->syscall) strncpy(f->syscall, m->syscall, sizeof f->syscall - 1);
    memcpy(f->detail, m->detail, sizeof f->detail);
  }
  if (result < 0) launch_abandon();
  if (result != MACHINE_PAUSED) machine_restore_nofile(m);
  *event = launch.event;
}

/* A plan that keeps many descriptors open, for example for bind mounts with a user namespace, needs more than the usual
 * soft limit. Programs rely on that limit, so the runtime and init restore it once the descriptors are closed. */
static int raise_nofile(struct machine *m, struct plan_block *container) {
  enum { OTHERS = 64 };
  struct rlimit limit;
  if (m->slot_count <= PLAN_FEW_SLOTS) return 0;
  int result = (int)CALL(m, "getrlimit", getrlimit(RLIMIT_NOFILE, &limit));
  rlim_t wanted = m->slot_count + OTHERS;
  if (result < 0 || limit.rlim_cur >= wanted || limit.rlim_cur >= limit.rlim_max) return result;
  m->nofile = container->nofile = limit.rlim_cur;
  limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
  return (int)CALL(m, "setrlimit", setrlimit(RLIMIT_NOFILE, &limit));
}

void launch_begin(const struct plan_block *runtime, struct plan_block *container, struct launch_event *event) {
  struct machine *m = &launch.machine;
  size_t size = runtime->slot_count * sizeof launch.fds[0];
  free(launch.fds);
  launch.fds = malloc(size);
  if (launch.fds) memset(launch.fds, 0xff, size);
  launch.event = (struct launch_event){.terminal = -1, .kept = -1};
  launch.passed = -1;
  launch.container = container;
  *m = (struct machine){
      .next = runtime->steps,
      .step_count = runtime->step_count,
      .slot_count = runtime->slot_count,
      .fds = launch.fds,
      .sync = -1,
      .child_pidfd = -1,
      .lent = -1,
  };
  FAULT_LIST(runtime, container);
  int result = launch.fds ? raise_nofile(m, container) : -ENOMEM;
  conclude(result < 0 ? result : machine_run(m), event);
}

int launch_is_paused(void) {
  return launch.is_paused;
}

int launch_has_init(void) {
  return launch.machine.child > 0;
}

void launch_resume(struct launch_event *event) {
  conclude(machine_run(&launch.machine), event);
}

/* ---- start of a created container ---- */

int launch_start(const char *request, const char *report, struct launch_event *event) {
  *event = (struct launch_event){.kind = LAUNCH_DONE};
  CLEANUP_FD int answers = open(report, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
  if (answers < 0) return -errno;
  CLEANUP_FD int asks = open(request, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
  if (asks < 0 || write(asks, "s", 1) != 1) return -errno;
  for (;;) {
    struct report r;
    struct pollfd p = {.fd = answers, .events = POLLIN};
    if (poll(&p, 1, -1) < 0 && errno != EINTR) return -errno;
    ssize_t n = read(answers, &r, sizeof r);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (n < 0) return -errno;
    if (n != (ssize_t)sizeof r) return 0; /* closed by execve(2) or by init's death */
    launch_check_report(&r);
    if (r.kind == REPORT_ERROR) {
      event->kind = LAUNCH_FAILED;
      event->in_container = 1;
      event->failure = r;
      return 0;
    }
    if (r.kind == REPORT_WARNING && event->warning_count < LAUNCH_WARNINGS) event->warnings[event->warning_count++] = r;
  }
}
