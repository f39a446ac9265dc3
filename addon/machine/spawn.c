/* The child shares our memory until execve(2), as with vfork(2): no page table is copied, and it cannot inherit a lock
 * that another thread of Node holds. So it may only make system calls. */
#include "spawn.h"

#include <fcntl.h>
#include <sched.h>
#ifndef RUNT_INIT
#include <linux/sched.h>
#endif
#include <sys/wait.h>

#include "faults/faults.h"
#include "kernel.h"
#include "weaken.h"

enum { CHILD_STACK = 32768 }; /* glibc's execvp(3) copies PATH_MAX bytes and the arguments */

struct child {
  struct machine *machine;
  struct spawn *spawn;
};

/* ---- the child ---- */

static int set_stdio(const struct spawn *s) {
  for (int i = 0; i < 3; i++)
    if (s->stdio[i] >= 0 && dup2(s->stdio[i], i) < 0) return -1;
  return 0;
}

/* Before `prepare`: no other descriptor may be open when a path of the config is resolved. */
static int leave_runtime(struct machine *m, const struct spawn *s) {
  if (set_stdio(s) < 0) return -1;
  if (!WEAKENED("close-range") && syscall(SYS_close_range, 3, ~0U, 0) < 0) return -1;
  return op_reset_signals(m, NULL);
}

/* Not for ASan: this frame never ends by itself, and would leave our stack poisoned behind it. */
__attribute__((noinline, noreturn, no_sanitize_address)) static int run_child(void *argument) {
  const struct child *c = argument;
  struct spawn *s = c->spawn;
  struct machine copy = *c->machine; /* the child must not change our record, such as the raised limit of open files */
  char *const *env = s->env ? s->env : environ;
  if ((!s->path || leave_runtime(&copy, s) == 0) && (!s->prepare || s->prepare(&copy, s->context) == 0)) {
    if (!s->path)
      syscall(SYS_execveat, s->image, "", s->args, env, AT_EMPTY_PATH);
    else if (s->in_path)
      execvp(s->path, s->args);
    else
      execve(s->path, s->args, env);
  }
  s->error = errno ? errno : EPERM; /* a filter may deny the call with errno 0 */
  machine_exit(127);
}

/* ---- clone ---- */

/* clone(2), because a seccomp filter may deny clone3(2). Signals stay blocked until the child has reset its
 * dispositions: our handlers must not run there. */
static int clone_program(struct child *c, int *unblocked) {
  _Alignas(16) static char stack[CHILD_STACK];
  struct machine *m = c->machine;
  int *pidfd = &c->spawn->pidfd;
  uint64_t all = ~(uint64_t)0, before;
  int result =
      (int)CALL(m, "rt_sigprocmask", syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, KERNEL_SIGSET_SIZE));
  if (result < 0) return result;
  int flags = CLONE_VM | CLONE_VFORK | KERNEL_CLONE_PIDFD | SIGCHLD;
  int pid = (int)CALL(m, "clone", clone(run_child, stack + sizeof stack, flags, c, pidfd));
  *unblocked = (int)machine_result(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, KERNEL_SIGSET_SIZE));
  return pid;
}

#ifdef RUNT_INIT
static int clone_init(struct child *c) { /* init only starts programs */
  (void)c;
  return -ENOSYS;
}
#else
#if defined(__x86_64__)
/* Inline: the child runs on this stack and would overwrite a return address. */
static inline __attribute__((always_inline)) long clone3_shared(struct clone_args *args, struct child *c) {
  long result;
  args->flags |= CLONE_VM | CLONE_VFORK;
  __asm__ volatile("syscall" : "=a"(result) : "0"(SYS_clone3), "D"(args), "S"(sizeof *args) : "rcx", "r11", "memory");
  if (result == 0) run_child(c);
  if (result < 0) errno = (int)-result;
  return result < 0 ? -1 : result;
}
#else
/* On other architectures the child gets a copy; its failure shows as the end of the sync socket. */
static long clone3_shared(struct clone_args *args, struct child *c) {
  args->flags |= CLONE_VFORK; /* init_image_seal must come after execveat(2) */
  long result = syscall(SYS_clone3, args, sizeof *args);
  if (result == 0) run_child(c);
  return result;
}
#endif

/* clone3(2), for the cgroup and for CLONE_NEWTIME. */
static __attribute__((noinline)) int clone_init(struct child *c) {
  const struct spawn *s = c->spawn;
  struct clone_args args = {
      /* CLONE_CLEAR_SIGHAND: a handler of the calling program must never run in the child. */
      .flags = s->flags | CLONE_PIDFD | CLONE_CLEAR_SIGHAND | (s->cgroup >= 0 ? CLONE_INTO_CGROUP : 0),
      .pidfd = (uint64_t)(uintptr_t)&s->pidfd,
      .exit_signal = SIGCHLD,
      .cgroup = s->cgroup >= 0 ? (uint64_t)s->cgroup : 0,
  };
  return (int)CALL(c->machine, "clone3", FAULT_CALL("clone3") ? -1 : clone3_shared(&args, c));
}
#endif

/* ---- its end ---- */

void spawn_kill(const struct spawn *s) {
  kill(-s->pid, SIGKILL);
  kill(s->pid, SIGKILL);
}

int spawn_reap(struct machine *m, struct spawn *s, siginfo_t *end) {
  int result;
  do result = (int)CALL(m, "waitid", waitid((idtype_t)KERNEL_P_PIDFD, (id_t)s->pidfd, end, WEXITED));
  while (is_interrupted(result));
  close(s->pidfd);
  s->pidfd = -1;
  return result;
}

int spawn(struct machine *m, struct spawn *s) {
  struct child c = {m, s};
  siginfo_t end;
  int unblocked = 0;
  s->pidfd = -1;
  s->error = 0;
  s->pid = s->path ? clone_program(&c, &unblocked) : clone_init(&c);
  if (s->pid < 0) return s->pid;
  if (!s->error && unblocked == 0) return 0;
  if (!s->error) spawn_kill(s);
  spawn_reap(m, s, &end);
  m->syscall = !s->error ? "rt_sigprocmask" : s->path ? "execve" : "execveat";
  return s->error ? -s->error : unblocked;
}

/* ---- descriptors ---- */

int spawn_above_stdio(struct machine *m, int fd) {
  if (fd < 0 || fd > 2) return fd;
  int high = (int)CALL(m, "fcntl", fcntl(fd, F_DUPFD_CLOEXEC, 3));
  close(fd);
  return high;
}

int spawn_pipe(struct machine *m, int *ours, int *its) {
  int ends[2];
  int result = (int)CALL(m, "pipe2", pipe2(ends, O_CLOEXEC));
  if (result < 0) return result;
  *ours = spawn_above_stdio(m, ends[0]);
  *its = spawn_above_stdio(m, ends[1]);
  if (*ours >= 0 && *its >= 0) return 0;
  result = *ours < 0 ? *ours : *its;
  if (*ours >= 0) close(*ours);
  if (*its >= 0) close(*its);
  *ours = *its = -1;
  return result;
}
