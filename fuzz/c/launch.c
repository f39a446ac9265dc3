/* Fuzz target: messages of a hostile init to the runtime (addon/runtime/reports.c and launch.c): reports on the sync
 * socket or the report FIFO, with unexpected descriptors, and the packet with the terminal. The input is an operation
 * and its messages. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Init is this process: nothing may be killed or reaped. Available descriptors of init are 0 to 2. */
static long fake_syscall(long number, ...) {
  va_list list;
  va_start(list, number);
  va_arg(list, int);
  int fd = va_arg(list, int);
  va_end(list);
  if (number == SYS_pidfd_open) return dup(0);
  if (number == SYS_pidfd_getfd && fd >= 0 && fd <= 2) return dup(fd);
  if (number == SYS_pidfd_send_signal) return 0;
  return syscall(-1);
}

static int fake_waitid(idtype_t type, id_t id, siginfo_t *info, int options) {
  (void)type, (void)id, (void)options;
  *info = (siginfo_t){.si_code = CLD_KILLED, .si_status = 9};
  return 0;
}

static int fifos[2];
static int fake_open(const char *path, int flags) {
  (void)flags;
  return dup(fifos[path[0] == 'q']);
}

#define syscall fake_syscall
#define waitid fake_waitid
#define open fake_open
#include "../../addon/runtime/launch.c"
#include "../../addon/runtime/reports.c"

int machine_fd(const struct machine *m, int64_t slot) {
  return slot < 0 ? AT_FDCWD : m->fds[slot];
}

void machine_fill(struct machine *m, int64_t slot, int fd) {
  if (slot < 0) return;
  if (m->fds[slot] >= 0) close(m->fds[slot]);
  m->fds[slot] = fd;
}

int machine_restore_nofile(struct machine *m) {
  m->nofile = 0;
  return 0;
}

#define TARGET "launch"
#include "check.h"

#include "packets.h"

/* ---- allowed results ---- */

static void check_texts(const struct report *r) {
  CHECK(strnlen(r->syscall, sizeof r->syscall) < sizeof r->syscall);
  CHECK(strnlen(r->detail, sizeof r->detail) < sizeof r->detail);
}

static void check_event(const struct launch_event *event) {
  CHECK(event->kind == LAUNCH_DONE || event->kind == LAUNCH_FAILED);
  CHECK(event->warning_count >= 0 && event->warning_count <= LAUNCH_WARNINGS);
  for (int i = 0; i < event->warning_count; i++) check_texts(&event->warnings[i]);
  if (event->kind != LAUNCH_FAILED) return;
  check_texts(&event->failure);
  CHECK(event->failure.error > 0 && event->failure.error <= 4095);
}

static int listen_to(int operation, struct machine *m, struct launch_event *event) {
  struct step_sync_wait wait = {.point = take() % 4, .into = (int64_t)(take() % 3) - 1};
  struct step_receive_terminal terminal = {.socket = 2};
  struct step_sync_exec exec;
  int result = operation == 0   ? op_sync_wait(m, &wait)
               : operation == 1 ? op_sync_exec(m, &exec)
                                : op_receive_terminal(m, &terminal);
  CHECK(result <= 0);
  if (result == 0 && operation == 0 && wait.into >= 0) CHECK(m->fds[wait.into] >= 0);
  if (result == 0 && operation == 2) CHECK(launch.event.terminal >= 0);
  conclude(result, event);
  return result;
}

static void on_socket(int operation, struct launch_event *event) {
  int ends[2], terminal[2];
  CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
  CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, terminal) == 0);
  int on = take() & 1;
  setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
  static int32_t slots[4];
  memset(slots, 0xff, sizeof slots);
  launch.fds = slots;
  launch.event = (struct launch_event){.terminal = -1, .kept = -1};
  struct machine *m = &launch.machine;
  *m = (struct machine){
      .step_count = 1, .slot_count = 4, .fds = launch.fds, .sync = ends[0], .child = 1, .child_pidfd = dup(0)};
  m->fds[2] = terminal[0];
  uint8_t packet = take();
  static const char name[16] = "/dev/pts/0";
  if (packet != 0) send_packet(terminal[1], name, packet & 15, packet >> 4 & 7);
  close(terminal[1]);
  send_all(ends[1]);
  close(ends[1]);
  listen_to(operation, m, event);
  if (event->terminal >= 0) close(event->terminal);
  launch_abandon();
}

static void on_fifo(struct launch_event *event) {
  int report[2], request[2];
  CHECK(pipe2(report, O_CLOEXEC) == 0 && pipe2(request, O_CLOEXEC) == 0);
  for (int i = 0; i < 24 && at < end; i++) {
    struct report r = take_report();
    CHECK(write(report[1], &r, take() < 0xe0 ? sizeof r : take()) >= 0);
  }
  close(report[1]);
  fifos[0] = report[0];
  fifos[1] = request[1];
  CHECK(launch_start("q", "r", event) == 0);
  close(report[0]);
  close(request[0]);
  close(request[1]);
}

/* Of the lowest descriptors. */
static int count_closed(void) {
  struct pollfd fds[48];
  int closed = 0;
  for (int i = 0; i < 48; i++) fds[i] = (struct pollfd){.fd = i};
  poll(fds, 48, 0);
  for (int i = 0; i < 48; i++) closed += (fds[i].revents & POLLNVAL) != 0;
  return closed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  at = data;
  end = data + size;
  struct launch_event event;
  int closed = count_closed();
  int operation = take() % 4;
  if (operation < 3)
    on_socket(operation, &event);
  else
    on_fifo(&event);
  check_event(&event);
  CHECK(count_closed() == closed);
  return 0;
}
