/* The runtime's side of a launch: see launch.h. Contains the runtime's steps that concern init's life: clone,
 * sync_wait, sync_exec, write_child, map_ids, pidfd_open. */
#include "launch.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "crowded.h"
#include "faults/faults.h"
#include "process.h"
#include "init_process.h"
#include "spawn.h"
#include "weaken.h"

static struct {
  struct machine machine;
  struct plan_block *container;
  int32_t *fds;
  struct launch_event event;
  int forks; /* how many times init may report a fork */
  const struct step_clone *clone;
  int offered; /* init's number for the descriptor that came with the last point */
  int passed;  /* that descriptor, if it was sent itself; else -1 */
  int is_paused;
} launch = {.passed = -1};

/* ---- ending init ---- */

static void say_how_init_ended(struct machine *m, const siginfo_t *info) {
  if (info->si_code == CLD_KILLED || info->si_code == CLD_DUMPED)
    snprintf(m->detail, sizeof m->detail, "init was killed by signal %d", info->si_status);
  else
    snprintf(m->detail, sizeof m->detail, "init exited with status %d", info->si_status);
}

static void reap(struct machine *m, siginfo_t *info) {
  info->si_pid = 0;
  waitid((idtype_t)P_PIDFD, (id_t)m->child_pidfd, info, WEXITED | __WALL);
}

static void forget_child(struct machine *m) {
  if (m->child_pidfd >= 0) close(m->child_pidfd);
  if (m->sync >= 0) close(m->sync);
  m->child_pidfd = m->sync = -1;
  m->child = 0;
}

static void end_child(struct machine *m) {
  siginfo_t info;
  if (m->child_pidfd >= 0 && m->child > 0) {
    syscall(SYS_pidfd_send_signal, m->child_pidfd, SIGKILL, NULL, 0);
    reap(m, &info);
  }
  forget_child(m);
}

static void close_slots(struct machine *m) {
  for (uint32_t i = 0; i < m->slot_count; i++) machine_fill(m, i, -1);
}

static void forget_passed(void) {
  if (launch.passed >= 0) close(launch.passed);
  launch.passed = -1;
}

void launch_abandon(void) {
  launch.is_paused = 0;
  forget_passed();
  end_child(&launch.machine);
  close_slots(&launch.machine);
}

/* ---- reports of init ---- */

#define NO_POINT UINT32_MAX /* receive until init fails or ends */

/* A program in the container may have taken control of init, so reports are checked before they are used. */
static void check_report(struct report *r) {
  r->syscall[sizeof r->syscall - 1] = r->detail[sizeof r->detail - 1] = 0;
  if (r->kind == REPORT_ERROR && (r->error < 1 || r->error > 4095)) r->error = EPROTO;
}

static void take_passed(const struct cmsghdr *c) {
  forget_passed();
  memcpy(&launch.passed, CMSG_DATA(c), sizeof launch.passed);
}

/* Closes the descriptors of a message that should have none. */
static void close_received(const struct cmsghdr *c) {
  int fds[16]; /* as many as fit into the control buffers of this file */
  size_t size = c->cmsg_len - CMSG_LEN(0);
  if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || size > sizeof fds) return;
  memcpy(fds, CMSG_DATA(c), size);
  for (size_t i = 0; i < size / sizeof fds[0]; i++) close(fds[i]);
}

/* Reads the ancillary data of a report: the pid of its sender, or one descriptor. */
static void receive_control(struct msghdr *message, int *sender) {
  for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS) {
      struct ucred credentials;
      memcpy(&credentials, CMSG_DATA(c), sizeof credentials);
      *sender = credentials.pid;
    } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int))) {
      take_passed(c);
    } else {
      close_received(c);
    }
  }
}

/* Receives one report and the pid of its sender (0 without SO_PASSCRED). Returns 0 at the end of init's side. */
static ssize_t receive(struct machine *m, struct report *r, int *sender) {
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int))];
  } control;
  struct iovec iov = {.iov_base = r, .iov_len = sizeof *r};
  struct msghdr message = {
      .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
  ssize_t n;
  /* ECONNRESET is returned once, before queued messages: init ended without reading our last message. */
  do n = recvmsg(m->sync, &message, MSG_CMSG_CLOEXEC);
  while (n < 0 && (errno == EINTR || errno == ECONNRESET));
  *sender = 0;
  if (n >= 0) receive_control(&message, sender);
  if (n > 0 && n != (ssize_t)sizeof *r) return -EPROTO;
  return n < 0 ? -errno : n;
}

/* Init has forked: reap the first process and continue with the second. */
static int adopt(struct machine *m, int pid) {
  siginfo_t info;
  reap(m, &info);
  close(m->child_pidfd);
  m->child = pid;
  m->child_pidfd = (int)CALL(m, "pidfd_open", syscall(SYS_pidfd_open, pid, 0));
  return m->child_pidfd < 0 ? m->child_pidfd : 0;
}

static int init_is_gone(struct machine *m) {
  siginfo_t info;
  reap(m, &info);
  say_how_init_ended(m, &info);
  forget_child(m);
  m->syscall = "init";
  return -ECHILD;
}

static int init_failed(struct machine *m, const struct report *r) {
  launch.event.failure = *r;
  launch.event.in_container = 1;
  m->syscall = "init";
  return -r->error;
}

/* Receives reports until the point is reached (point > 0) or init's end is closed (point 0). */
static int listen_until(struct machine *m, uint32_t point) {
  for (;;) {
    struct report r;
    int sender;
    ssize_t n = CALL(m, "recvmsg", receive(m, &r, &sender));
    if (n < 0) return (int)n;
    if (n == 0) return point ? init_is_gone(m) : 0;
    check_report(&r);
    if (r.kind == REPORT_ERROR) return init_failed(m, &r);
    if (r.kind == REPORT_WARNING && launch.event.warning_count < LAUNCH_WARNINGS)
      launch.event.warnings[launch.event.warning_count++] = r;
    /* A process of the container may trace the init of exec and send reports in its name. */
    if (r.kind == REPORT_PID && launch.forks-- <= 0) return -EPROTO;
    if (r.kind == REPORT_PID && sender > 0) {
      int result = adopt(m, sender);
      if (result < 0) return result;
    }
    if (r.kind == REPORT_CROWDED) {
      int result = launch.forks > 0 ? crowded_fork(m, launch.clone->leave, launch.clone->enter) : -EPROTO;
      if (result < 0) return result;
    }
    launch.offered = r.error;
    if (r.kind == REPORT_SYNC && point != NO_POINT) return r.value == point ? 0 : -EPROTO;
  }
}

/* EPIPE means that init has ended; its last report has the error. */
int op_sync_send(struct machine *m, const struct step_sync_send *s) {
  struct report r = {.kind = REPORT_SYNC, .step = m->index, .error = -1, .value = (uint32_t)s->point};
  ssize_t n = CALL(m, "send", send(m->sync, &r, sizeof r, MSG_NOSIGNAL));
  if (n == -EPIPE) return listen_until(m, NO_POINT);
  return n < 0 ? (int)n : 0;
}

int op_sync_wait(struct machine *m, const struct step_sync_wait *s) {
  int result = listen_until(m, (uint32_t)s->point);
  if (result < 0 || s->into < 0) {
    forget_passed();
    return result;
  }
  int fd = launch.passed;
  launch.passed = -1;
  if (fd < 0) fd = (int)CALL(m, "pidfd_getfd", syscall(SYS_pidfd_getfd, m->child_pidfd, launch.offered, 0));
  if (fd < 0) return fd;
  machine_fill(m, s->into, fd);
  return 0;
}

int op_sync_exec(struct machine *m, const struct step_sync_exec *s) {
  (void)s;
  int result = listen_until(m, 0);
  forget_passed();
  return result;
}

/* ---- the terminal of a foreground run ---- */

int op_socketpair(struct machine *m, const struct step_socketpair *s) {
  int ends[2];
  int result = (int)CALL(m, "socketpair", socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
  if (result < 0) return result;
  machine_fill(m, s->ours, ends[0]);
  machine_fill(m, s->theirs, ends[1]);
  return 0;
}

int op_receive_terminal(struct machine *m, const struct step_receive_terminal *s) {
  char name[64];
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control;
  struct iovec iov = {.iov_base = name, .iov_len = sizeof name};
  struct msghdr message = {
      .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
  ssize_t n = CALL(m, "recvmsg", recvmsg(machine_fd(m, s->socket), &message, MSG_CMSG_CLOEXEC));
  if (n < 0) return (int)n;
  struct cmsghdr *c = CMSG_FIRSTHDR(&message);
  if (!c && n == 0) return listen_until(m, NO_POINT); /* init has ended: its last report has the error */
  if (!c) return -EPROTO;
  if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof(int))) {
    close_received(c);
    return -EPROTO;
  }
  memcpy(&launch.event.terminal, CMSG_DATA(c), sizeof(int));
  return 0;
}

int op_keep(struct machine *m, const struct step_keep *s) {
  launch.event.kept = machine_fd(m, s->fd);
  return 0;
}

/* ---- joining the namespaces of a process ---- */

int op_pidfd_open(struct machine *m, const struct step_pidfd_open *s) {
  m->syscall = "pidfd_open";
  int fd = process_open((pid_t)s->pid, s->start_time);
  if (fd < 0) return fd;
  machine_fill(m, s->into, fd);
  return 0;
}

/* ---- creating init ---- */

/* Moves the descriptors to init's slots. They are closed here once init has them. */
static void fill_init_slots(struct machine *m, const struct ints *inherit, int sync) {
  memset(launch.container->fds, 0xff, m->slot_count * sizeof launch.container->fds[0]);
  launch.container->fds[SLOT_SYNC] = sync;
  for (uint64_t i = 0; i < inherit->count; i++) {
    int64_t slot = inherit->items[i];
    launch.container->fds[slot] = m->fds[slot];
  }
}

/* Returns the slot of the i-th descriptor of the clone step: the inherited ones, then the cgroup's. */
static int64_t served_slot(const struct step_clone *s, uint64_t i) {
  return i < s->inherit.count ? s->inherit.items[i] : s->cgroup;
}

static void close_inherited(struct machine *m, const struct step_clone *s) {
  int low = INT32_MAX, high = -1;
  uint32_t open = 0;
  uint64_t count = s->inherit.count + (s->cgroup >= 0);
  for (uint64_t i = 0; i < count; i++) {
    int fd = m->fds[served_slot(s, i)];
    if (fd < 0) continue;
    low = fd < low ? fd : low;
    high = fd > high ? fd : high;
    open++;
  }
  if (open == 0) return;
  /* The descriptors were opened in a row, so their numbers are usually adjacent and one call closes them all. */
  int together = (uint32_t)(high - low) + 1 == open && syscall(SYS_close_range, low, high, 0) == 0;
  for (uint64_t i = 0; i < count; i++) {
    int32_t *fd = &m->fds[served_slot(s, i)];
    if (!together && *fd >= 0) close(*fd);
    *fd = -1;
  }
}

/* Other descriptors of the caller must not reach init or a helper program. */
static int hide_others(struct machine *m, const struct step_clone *s) {
  return WEAKENED("inherited") ? 0 : machine_hide(m, 3, &s->preserve);
}

int op_clone(struct machine *m, const struct step_clone *s) {
  int sync[2];
  int result = hide_others(m, s);
  if (result < 0) return result;
  result = (int)CALL(m, "socketpair", socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sync));
  if (result < 0) return result;
  m->sync = sync[0];
  CLEANUP_FD int init_sync = sync[1];
  int on = 1;
  if (s->forks) result = (int)CALL(m, "setsockopt", setsockopt(m->sync, SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
  if (result < 0) return result;
  for (uint64_t i = 0; i < s->inherit.count; i++)
    if (s->inherit.items[i] < 0 || s->inherit.items[i] >= m->slot_count) return -EINVAL;
  fill_init_slots(m, &s->inherit, init_sync);
  CLEANUP_FD int image = init_image_create(m, launch.container);
  if (image < 0) return image;
  result = spawn_init(m, image, launch.container, (uint64_t)s->flags, s->cgroup < 0 ? -1 : machine_fd(m, s->cgroup),
                      &s->preserve, s->enter != NULL);
  if (result < 0) return result;
  launch.event.pid = m->child;
  launch.forks = s->forks ? 1 : 0;
  launch.clone = s;
  close_inherited(m, s);
  result = WEAKENED("init-image") ? 0 : init_image_seal(m, image);
  return result < 0 ? result : machine_restore_nofile(m);
}

/* newuidmap(1) and newgidmap(1) are set-user-ID programs: they may write maps that an unprivileged runtime may not. */
int op_map_ids(struct machine *m, const struct step_map_ids *s) {
  const char *argv[3 * 340 + 3]; /* the kernel allows 340 lines */
  char pid[16];
  if (s->args.count + 3 > sizeof argv / sizeof argv[0]) return -E2BIG;
  snprintf(pid, sizeof pid, "%d", m->child);
  argv[0] = s->program;
  argv[1] = pid;
  memcpy(&argv[2], s->args.items, (s->args.count + 1) * sizeof argv[0]);
  struct spawn helper = {
      .path = s->program, .in_path = 1, .args = (char *const *)argv, .stdio = {-1, -1, -1}, .output = -1};
  siginfo_t end;
  int result = spawn(m, &helper);
  if (result == 0) result = spawn_wait(m, &helper, &end);
  if (result < 0 || (end.si_code == CLD_EXITED && end.si_status == 0)) return result;
  snprintf(m->detail, sizeof m->detail, "%s ended with status %d", s->program, end.si_status);
  m->syscall = s->program;
  return -ECHILD;
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
    check_report(&r);
    if (r.kind == REPORT_ERROR) {
      event->kind = LAUNCH_FAILED;
      event->in_container = 1;
      event->failure = r;
      return 0;
    }
    if (r.kind == REPORT_WARNING && event->warning_count < LAUNCH_WARNINGS) event->warnings[event->warning_count++] = r;
  }
}
