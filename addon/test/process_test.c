/* Steps on process attributes. Each case runs in a child, which reports the failed check by its exit status. */
#include "steps_test.h"

#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "kernel.h"

static int changes_ids(void) {
  int64_t gids[] = {3, 1000, 4294967294};
  gid_t got[4];
  uid_t real, effective, saved;
  if (RUN(setgroups, .gids = {3, gids}) != 0 || getgroups(4, got) != 3) return 1;
  if (RUN(setresgid, .gid = 1000) != 0 || getegid() != 1000 || getgid() != 1000) return 2;
  if (RUN(setresuid, .uid = 1001) != 0 || getresuid(&real, &effective, &saved) != 0) return 3;
  if (real != 1001 || effective != 1001 || saved != 1001) return 4;
  return RUN(setresuid, .uid = 0) == -EPERM ? 0 : 5;
}

static int refuses_minus_one(void) {
  int64_t gids[] = {4294967295};
  if (RUN(setresuid, .uid = 4294967295) != -EINVAL || RUN(setresuid, .uid = -1) != -EINVAL) return 1;
  if (RUN(setresuid, .uid = 4294967296) != -EINVAL) return 2; /* would be 0 if it were truncated */
  if (RUN(setresgid, .gid = 4294967295) != -EINVAL) return 3;
  return RUN(setgroups, .gids = {1, gids}) == -EINVAL ? 0 : 4;
}

static int has_capability(const char *set, int capability) {
  const char *line = strstr(read_text("/proc/self/status"), set);
  return line && (strtoull(line + strlen(set), NULL, 16) >> capability) & 1;
}

static int changes_capabilities(void) {
  int64_t kill_and_setgid[] = {5, 6}, chown_only[] = {0}, chown_and_kill[] = {0, 5}, unknown[] = {63};
  if (RUN(capbset_drop, .capabilities = {1, unknown}) != -EINVAL || !strstr(m.detail, "63")) return 1;
  if (RUN(capbset_drop, .capabilities = {2, kill_and_setgid}) != 0) return 2;
  if (has_capability("CapBnd:", 5) || has_capability("CapBnd:", 6) || !has_capability("CapBnd:", 0)) return 3;
  if (RUN(capset, .effective = 3, .permitted = 3, .inheritable = 1) != 0) return 4;
  if (!has_capability("CapEff:", 0) || has_capability("CapEff:", 2) || has_capability("CapInh:", 1)) return 5;
  if (RUN(cap_ambient_raise, .capabilities = {1, chown_only}) != 0 || !has_capability("CapAmb:", 0)) return 6;
  int ends[2];
  struct report warning;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) < 0) return 7;
  m.sync = ends[0];
  if (RUN(cap_ambient_raise, .capabilities = {2, chown_and_kill}) != 0) return 8;
  if (read(ends[1], &warning, sizeof warning) != sizeof warning) return 9;
  if (warning.kind != REPORT_WARNING || warning.error != EPERM || !strstr(warning.detail, "capability 5")) return 10;
  return m.detail[0] ? 11 : 0;
}

static int filters(void) {
  /* getuid (102 on x86-64) returns errno 42; everything else is allowed. */
  static const struct {
    uint16_t code;
    uint8_t jt, jf;
    uint32_t k;
  } filter[] = {{0x20, 0, 0, 0}, {0x15, 0, 1, SYS_getuid}, {0x06, 0, 0, 0x00050000 | 42}, {0x06, 0, 0, 0x7fff0000}};
  const uint8_t *data = (const uint8_t *)filter;
  if (RUN(seccomp, .filter = {sizeof filter - 1, data}) != -EINVAL) return 1;
  if (RUN(seccomp, .filter = {0, data}) != -EINVAL) return 2;
  if (RUN(prctl, .option = PR_SET_NO_NEW_PRIVS, .arg2 = 1) != 0) return 3;
  if (RUN(seccomp, .filter = {sizeof filter, data}, .flags = 8, .into = A) != 0 || slot_fd(A) < 0) return 4;
  return syscall(SYS_getuid) == -1 && errno == 42 ? 0 : 5;
}

static int resets_signals(void) {
  sigset_t set;
  struct sigaction action;
  sigfillset(&set);
  signal(SIGHUP, SIG_IGN);
  signal(SIGRTMAX, SIG_IGN);
  sigprocmask(SIG_BLOCK, &set, NULL);
  if (RUN(reset_signals) != 0) return 1;
  sigprocmask(SIG_SETMASK, NULL, &set);
  if (sigismember(&set, SIGUSR1) || sigismember(&set, SIGRTMAX)) return 2;
  if (sigaction(SIGHUP, NULL, &action) < 0 || action.sa_handler != SIG_DFL) return 3;
  return sigaction(SIGRTMAX, NULL, &action) == 0 && action.sa_handler == SIG_DFL ? 0 : 4;
}

static int changes_attributes(void) {
  struct rlimit limit;
  const uint8_t cpu[] = {1}, node[] = {1};
  if (RUN(prlimit, .resource = RLIMIT_NOFILE, .soft = 100, .hard = 200) != 0) return 1;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur != 100 || limit.rlim_max != 200) return 2;
  if (RUN(umask, .mode = 027) != 0 || umask(0) != 027) return 3;
  if (RUN(sched_setaffinity, .mask = {1, cpu}) != 0) return 4;
  if (RUN(sched_setattr, .policy = SCHED_BATCH, .nice = 5) != 0 || syscall(SYS_sched_getscheduler, 0) != SCHED_BATCH)
    return 5;
  if (RUN(ioprio_set, .priority = (2 << 13) | 7) != 0) return 6;
  int result = RUN(set_mempolicy, .mode = 2, .nodes = {1, node});
  if (result != 0 && result != -ENOSYS) return 7;
  if (RUN(personality, .persona = 8) != 0 || RUN(personality, .persona = 0) != 0) return 8;
  if (RUN(prctl, .option = PR_SET_DUMPABLE, .arg2 = 0) != 0 || prctl(PR_GET_DUMPABLE) != 0) return 9;
  int fd = open("/", O_RDONLY);
  if (RUN(close_range, .first = 3) != 0 || fcntl(fd, F_GETFD) != -1) return 11;
  return fcntl(2, F_GETFD) & FD_CLOEXEC ? 12 : 0;
}

static int is_open(int fd) {
  return fcntl(fd, F_GETFD) >= 0;
}

static int closes_all_but_kept(void) {
  const int64_t keep[] = {2, 0, 3};
  int fds[5];
  for (int i = 0; i < 5; i++) fds[i] = open("/", O_RDONLY);
  /* Slots 0 and 2 are kept, 3 is empty; the third descriptor is the sync socket, the last is in no slot. */
  int32_t slots[] = {fds[0], fds[1], fds[2], -1};
  struct step_close_range step = {.first = fds[0], .keep = {3, keep}};
  struct machine machine = {.sync = fds[3], .fds = slots, .slot_count = 4};
  if (op_close_range(&machine, &step) != 0) return 1;
  if (!is_open(fds[0]) || is_open(fds[1]) || !is_open(fds[2]) || !is_open(fds[3]) || is_open(fds[4])) return 2;
  if (!(fcntl(fds[0], F_GETFD) & fcntl(fds[3], F_GETFD) & FD_CLOEXEC)) return 4;
  return slots[0] == fds[0] && slots[1] == -1 && slots[2] == fds[2] ? 0 : 3;
}

void test_process(void) {
  in_child(changes_ids, "setgroups, setresgid, setresuid change all ids");
  in_child(refuses_minus_one, "ids that mean \"unchanged\" or do not fit are refused");
  in_child(changes_capabilities, "capbset_drop, capset, cap_ambient_raise");
  in_child(filters, "seccomp");
  in_child(resets_signals, "reset_signals");
  in_child(changes_attributes, "limits, mask, scheduling, policy, name, descriptors");
  in_child(closes_all_but_kept, "close_range closes all but what is kept");
}
