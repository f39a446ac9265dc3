/* What init sends to the runtime: reports on the sync socket, and the terminal of a foreground run. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "crowded.h"
#include "launch_state.h"

#define NO_POINT UINT32_MAX /* receive until init fails or ends */

void launch_check_report(struct report *r) {
  r->syscall[sizeof r->syscall - 1] = r->detail[sizeof r->detail - 1] = 0;
  if (r->kind == REPORT_ERROR && (r->error < 1 || r->error > 4095)) r->error = EPROTO;
}

static void take_passed(const struct cmsghdr *c) {
  launch_forget_passed();
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
  launch_reap(m, &info);
  close(m->child_pidfd);
  m->child = pid;
  m->child_pidfd = (int)CALL(m, "pidfd_open", syscall(SYS_pidfd_open, pid, 0));
  return m->child_pidfd < 0 ? m->child_pidfd : 0;
}

static void say_how_init_ended(struct machine *m, const siginfo_t *info) {
  if (info->si_code == CLD_KILLED || info->si_code == CLD_DUMPED)
    snprintf(m->detail, sizeof m->detail, "init was killed by signal %d", info->si_status);
  else
    snprintf(m->detail, sizeof m->detail, "init exited with status %d", info->si_status);
}

static int init_is_gone(struct machine *m) {
  siginfo_t info;
  launch_reap(m, &info);
  say_how_init_ended(m, &info);
  launch_forget_child(m);
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
    launch_check_report(&r);
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
    launch_forget_passed();
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
  launch_forget_passed();
  return result;
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
