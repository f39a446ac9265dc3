/* User namespaces that carry mappings, joining a namespace once, the state for a seccomp agent, the device filter. */
#include "steps_test.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* setns(2) changes the caller, so the case runs in a child. */
static int joins_once(void) {
  fill(A, open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC));
  fill(B, open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC));
  if (RUN(setns, .fd = A, .nstype = CLONE_NEWIPC, .once = 1) != -EINVAL || slot_fd(A) < 0) return 1;
  if (RUN(setns, .fd = A, .nstype = CLONE_NEWUTS, .once = 1) != 0 || slot_fd(A) >= 0) return 2;
  return RUN(setns, .fd = B, .nstype = CLONE_NEWIPC) == 0 && slot_fd(B) >= 0 ? 0 : 3;
}

#ifndef RUNT_INIT
/* Reads uid_map in a process of the namespace: no other process may read it any more. */
static int has_the_mappings(void) {
  char text[128] = "";
  if (setns(slot_fd(A), CLONE_NEWUSER) < 0) return 1;
  int fd = open("/proc/self/uid_map", O_RDONLY);
  if (fd < 0 || read(fd, text, sizeof text - 1) <= 0) return 2;
  return strtol(text, NULL, 10) == 0 && strstr(text, "1000000") && strstr(text, "77") ? 0 : 3;
}

static void test_mappings(void) {
  struct stat own, made;
  int before = 0;
  is(RUN(make_userns, .uid_map = "0 1000000 77\n", .gid_map = "0 1000000 77\n", .into = A), 0, "make_userns");
  ok(stat("/proc/self/ns/user", &own) == 0 && fstat(slot_fd(A), &made) == 0 && own.st_ino != made.st_ino,
     "another namespace than ours");
  in_child(has_the_mappings, "with the mappings, and nobody in it is needed to join it");
  is(waitpid(-1, &before, WNOHANG | __WALL), -1, "no child is left");
  machine_fill(&m, B, -1);
  is(RUN(make_userns, .uid_map = "nonsense\n", .gid_map = "0 1 1\n", .into = B), -EINVAL, "what is no mapping");
  ok(slot_fd(B) < 0, "fills nothing");
  is(waitpid(-1, &before, WNOHANG | __WALL), -1, "and leaves no child either");
}

static void test_state(void) {
  static char text[400001], got[sizeof text + 64];
  const char *parts[] = {"{\"pid\":", ",\"again\":", text};
  int ends[2], size = 0, status;
  memset(text, 'x', sizeof text - 1);
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) return;
  fill(A, open("/dev/null", O_RDONLY | O_CLOEXEC));
  fill(B, ends[0]);
  m.child = 4711;
  pid_t child = fork(); /* more than a socket buffer holds, so the peer must read */
  if (child == 0) _exit(RUN(send_state, .socket = B, .fd = A, .parts = {3, (char *const *)(uintptr_t)parts}) != 0);
  fill(B, open("/dev/null", O_RDONLY | O_CLOEXEC));
  for (ssize_t n; (size_t)size < sizeof got && (n = read(ends[1], got + size, sizeof got - (size_t)size)) > 0;)
    size += (int)n;
  waitpid(child, &status, 0);
  is(status, 0, "send_state");
  is(size, 7 + 4 + 9 + 4 + 400000, "all of it arrives");
  ok(memcmp(got, "{\"pid\":4711,\"again\":4711xxx", 27) == 0, "with the pid between the parts");
  m.child = 0;
  close(ends[1]);
  is(RUN(send_state, .socket = B, .fd = A, .parts = {0, NULL}), -EINVAL, "no part at all");
}

static void test_filter(void) {
  /* r0 = 1; exit */
  static const uint8_t allow[] = {0xb7, 0, 0, 0, 1, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0};
  static const uint8_t broken[] = {0xb7, 0, 0, 0, 1, 0, 0, 0};
  fill(A, open(".", O_PATH | O_CLOEXEC));
  long result = RUN(bpf_prog_attach, .cgroup = A, .program = {sizeof allow, allow});
  if (result == -EPERM || result == -ENOSYS) {
    skip("device filters", "no bpf(2)");
    return;
  }
  ok(result == -EBADF || result == -EINVAL, "a filter for what is no cgroup");
  result = RUN(bpf_prog_attach, .cgroup = A, .program = {sizeof broken, broken});
  is(result, -EINVAL, "a program that does not end");
  ok(m.detail[0] != '\0', "the verifier says why");
}
#endif

void test_userns(void) {
  in_child(joins_once, "setns with once empties the slot when it has succeeded, and only then");
#ifndef RUNT_INIT
  test_mappings();
  test_state();
  test_filter();
#endif
}
