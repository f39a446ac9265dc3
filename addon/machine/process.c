/* Process attributes: limits, scheduling, memory policy, signals, descriptors. */
#include "machine.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weaken.h"
#include "kernel.h"

int machine_restore_nofile(struct machine *m) {
  if (m->nofile == 0) return 0;
  uint64_t limit[2];
  int result = (int)CALL(m, "prlimit", syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, limit));
  if (result < 0) return result;
  limit[0] = m->nofile;
  m->nofile = 0;
  return (int)CALL(m, "prlimit", syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, limit, NULL));
}

int op_prlimit(struct machine *m, const struct step_prlimit *s) {
  uint64_t limit[2] = {(uint64_t)s->soft, (uint64_t)s->hard}, now[2];
  if (s->raise) {
    int result = (int)CALL(m, "prlimit", syscall(SYS_prlimit64, 0, (int)s->resource, NULL, now));
    if (result < 0 || now[1] >= limit[1]) return result;
    limit[0] = now[0];
  } else if (s->resource == RLIMIT_NOFILE) {
    m->nofile = 0;
  }
  return (int)CALL(m, "prlimit", syscall(SYS_prlimit64, 0, (int)s->resource, limit, NULL));
}

int op_umask(struct machine *m, const struct step_umask *s) {
  m->syscall = "umask";
  umask((mode_t)s->mode);
  m->umask = (uint32_t)s->mode;
  return 0;
}

int op_prctl(struct machine *m, const struct step_prctl *s) {
  if (s->option == PR_SET_DUMPABLE && WEAKENED("dumpable")) return 0;
  int result = (int)CALL(m, "prctl", syscall(SYS_prctl, (int)s->option, (long)s->arg2, 0L, 0L, 0L));
  return result < 0 ? result : 0;
}

int op_personality(struct machine *m, const struct step_personality *s) {
  int result = (int)CALL(m, "personality", syscall(SYS_personality, (unsigned)s->persona));
  return result < 0 ? result : 0;
}

int op_sched_setattr(struct machine *m, const struct step_sched_setattr *s) {
  struct kernel_sched_attr attr = {
      .size = sizeof attr,
      .policy = (uint32_t)s->policy,
      .flags = (uint64_t)s->flags,
      .nice = (int32_t)s->nice,
      .priority = (uint32_t)s->priority,
      .runtime = (uint64_t)s->runtime,
      .deadline = (uint64_t)s->deadline,
      .period = (uint64_t)s->period,
  };
  return (int)CALL(m, "sched_setattr", syscall(SYS_sched_setattr, 0, &attr, 0));
}

int op_sched_setaffinity(struct machine *m, const struct step_sched_setaffinity *s) {
  int result =
      (int)CALL(m, "sched_setaffinity", syscall(SYS_sched_setaffinity, 0, (unsigned)s->mask.length, s->mask.data));
  return result < 0 ? result : 0;
}

int op_ioprio_set(struct machine *m, const struct step_ioprio_set *s) {
  return (int)CALL(m, "ioprio_set", syscall(SYS_ioprio_set, KERNEL_IOPRIO_WHO_PROCESS, 0, (int)s->priority));
}

int op_set_mempolicy(struct machine *m, const struct step_set_mempolicy *s) {
  unsigned long nodes[32] = {0}; /* more than any kernel's maximum; the kernel reads whole words */
  m->syscall = "set_mempolicy";
  if (s->nodes.length > sizeof nodes) return -EINVAL;
  memcpy(nodes, s->nodes.data, s->nodes.length);
  /* set_mempolicy(2): the kernel uses one bit less than maxnode. */
  unsigned long bits = s->nodes.length ? s->nodes.length * 8 + 1 : 0;
  return (int)CALL(m, "set_mempolicy", syscall(SYS_set_mempolicy, (int)s->mode, bits ? nodes : NULL, bits));
}

int machine_hide(struct machine *m, int first, const struct ints *but) {
  unsigned from = (unsigned)first;
  for (uint64_t i = 0; i < but->count; i++) {
    unsigned fd = (unsigned)but->items[i];
    int result = 0;
    if (fd > from)
      result = (int)CALL(m, "close_range", syscall(SYS_close_range, from, fd - 1, KERNEL_CLOSE_RANGE_CLOEXEC));
    if (result < 0) return result;
    if (fd >= from) from = fd + 1;
  }
  return (int)CALL(m, "close_range", syscall(SYS_close_range, from, ~0U, KERNEL_CLOSE_RANGE_CLOEXEC));
}

static int is_kept(const struct machine *m, const struct step_close_range *s, int fd) {
  int kept = fd == m->sync;
  for (uint64_t i = 0; i < s->preserve.count; i++) kept |= s->preserve.items[i] == fd;
  for (uint64_t i = 0; i < s->keep.count; i++) kept |= m->fds[s->keep.items[i]] == fd;
  return kept;
}

/* Returns the lowest descriptor from `from` up that is kept, or -1. */
static int next_kept(const struct machine *m, const struct step_close_range *s, int from) {
  int lowest = m->sync >= from ? m->sync : -1;
  for (uint64_t i = 0; i < s->keep.count; i++) {
    int fd = m->fds[s->keep.items[i]];
    if (fd >= from && (lowest < 0 || fd < lowest)) lowest = fd;
  }
  for (uint64_t i = 0; i < s->preserve.count; i++) {
    int fd = (int)s->preserve.items[i];
    if (fd >= from && (lowest < 0 || fd < lowest)) lowest = fd;
  }
  return lowest;
}

/* A slot must not name a closed descriptor: its number may be reused. */
static int close_others(struct machine *m, const struct step_close_range *s) {
  for (uint32_t i = 0; i < m->slot_count; i++)
    if (m->fds[i] >= s->first && !is_kept(m, s, m->fds[i])) m->fds[i] = -1;
  int from = (int)s->first;
  for (int kept; (kept = next_kept(m, s, from)) >= 0; from = kept + 1) {
    int result = kept > from ? (int)CALL(m, "close_range", syscall(SYS_close_range, from, kept - 1, 0)) : 0;
    if (result < 0) return result;
  }
  return (int)CALL(m, "close_range", syscall(SYS_close_range, from, ~0U, 0));
}

/* Marks the descriptors of slots close-on-exec: the runtime learns of a successful execve(2) by the end of its socket.
 */
static int hide_own(struct machine *m) {
  for (uint32_t i = 0; i < m->slot_count; i++)
    if (m->fds[i] >= 0) fcntl(m->fds[i], F_SETFD, FD_CLOEXEC);
  return machine_restore_nofile(m);
}

int op_close_range(struct machine *m, const struct step_close_range *s) {
  if (WEAKENED("close-range")) return hide_own(m);
  int result = machine_hide(m, (int)s->first, &s->preserve);
  if (result == 0 && !WEAKENED("descriptors")) result = close_others(m, s);
  return result < 0 ? result : machine_restore_nofile(m);
}

static void end_process(int signal) {
  machine_exit(128 + signal);
}

/* Resets every signal instead of reading from /proc which are ignored: /proc may be anything by now, and a call that
 * sets costs no more than one that reads. */
int op_reset_signals(struct machine *m, const struct step_reset_signals *s) {
  static const struct kernel_sigaction defaults;
  uint64_t empty = 0;
  for (int signal = 1; signal <= KERNEL_SIGNALS; signal++) {
    if (signal == 9 || signal == 19) continue; /* SIGKILL, SIGSTOP */
    int result = (int)CALL(m, "rt_sigaction", syscall(SYS_rt_sigaction, signal, &defaults, NULL, KERNEL_SIGSET_SIZE));
    if (result < 0) return result;
  }
  for (uint64_t i = 0; s && i < s->ending.count; i++) {
    struct sigaction action = {.sa_handler = end_process};
    int result = (int)CALL(m, "sigaction", sigaction((int)s->ending.items[i], &action, NULL));
    if (result < 0) return result;
  }
  return (int)CALL(m, "rt_sigprocmask",
                   syscall(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, &empty, NULL, KERNEL_SIGSET_SIZE));
}

int give_home(struct machine *m, const struct strings *env) {
  if (!m->home) return 0;
  char **last = (char **)(uintptr_t)&env->items[env->count - 1];
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  void *start = (void *)((uintptr_t)last & ~(page - 1));
  int result = (int)CALL(m, "mprotect", mprotect(start, page, PROT_READ | PROT_WRITE));
  if (result < 0) return result;
  *last = (char *)(uintptr_t)m->home;
  return 0;
}
