/* Hooks (config.md, "POSIX-platform Hooks"): runs a hook to its end with the state on its standard input, in the
 * runtime and in init. As pid 1, init reaps no process but the hook. The end of a hook's output is kept for the error
 * message; it does not reach the container's output. */
#include "machine.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "deadline.h"
#include "weaken.h"
#include "kernel.h"
#include "text.h"

enum { TAIL = 150, CHILD_STACK = 16384 };

struct hook {
  struct machine *machine;
  const struct step_run_hook *step;
  int input, output, errors; /* the hook's descriptors 0, 1 and 2; all above 2 */
  int listen;                /* our end of the pipe for output or errors, -1 none */
  int pid, pidfd;
  int unblocked;      /* 0, or the error that keeps signals blocked */
  volatile int error; /* of execve(2): the child shares our memory until then */
  int timed_out;
  char tail[TAIL + 1];
  size_t tail_length;
};

/* ---- the child ---- */

/* Opens the program as the plan wants it resolved; execve(2) alone would also follow a magic link of procfs. */
static int resolves(const struct step_run_hook *s) {
  struct kernel_open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = (uint64_t)s->resolve};
  int fd = (int)syscall(SYS_openat2, AT_FDCWD, s->path, &how, sizeof how);
  if (fd >= 0) close(fd);
  return fd >= 0 || WEAKENED("magic-links");
}

static int run_child(void *argument) {
  struct hook *h = argument;
  const struct step_run_hook *s = h->step;
  char *const only_path[] = {(char *)(uintptr_t)s->path, NULL};
#ifdef RUNT_INIT
  umask((mode_t)h->machine->umask);
#endif
  struct machine copy = *h->machine; /* a copy: the child must not change the runtime's record of its raised limit */
  /* setsid(2): the hook can be killed with its children as one process group */
  if (setsid() >= 0 && dup2(h->input, 0) >= 0 && dup2(h->output, 1) >= 0 && dup2(h->errors, 2) >= 0 &&
      (WEAKENED("close-range") || syscall(SYS_close_range, 3, ~0U, 0) == 0) &&
      op_reset_signals(h->machine, NULL) == 0 && machine_restore_nofile(&copy) == 0 &&
      (!s->cwd || chdir(s->cwd) == 0) && resolves(s))
    execve(s->path, s->args.count ? s->args.items : only_path, s->own_env ? environ : s->env.items);
  h->error = errno ? errno : EPERM; /* a filter may deny the call with errno 0 */
  machine_exit(127);
}

/* The child runs on its own stack in our memory, as with vfork(2): nothing is copied, and it cannot inherit a lock that
 * another thread of Node holds. Signals stay blocked until the child has reset its dispositions: our handlers must not
 * run there. */
static int spawn(struct machine *m, struct hook *h) {
  _Alignas(16) static char stack[CHILD_STACK];
  uint64_t all = ~(uint64_t)0, before;
  int result =
      (int)CALL(m, "rt_sigprocmask", syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, KERNEL_SIGSET_SIZE));
  if (result < 0) return result;
  h->pid = (int)CALL(
      m, "clone",
      clone(run_child, stack + sizeof stack, CLONE_VM | CLONE_VFORK | KERNEL_CLONE_PIDFD | SIGCHLD, h, &h->pidfd));
  h->unblocked = (int)machine_result(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, KERNEL_SIGSET_SIZE));
  return h->pid < 0 ? h->pid : 0;
}

/* ---- its descriptors ---- */

/* Our caller may have closed descriptors 0 to 2; a descriptor that the child duplicates onto them must not be one. */
static int above_stdio(struct machine *m, int fd) {
  if (fd < 0 || fd > 2) return fd;
  int high = (int)CALL(m, "fcntl", fcntl(fd, F_DUPFD_CLOEXEC, 3));
  close(fd);
  return high;
}

/* A memory file, not a pipe: a hook that does not read its input cannot block us, however long the state is. */
static int open_state(struct machine *m, const struct step_run_hook *s) {
  unsigned flags = KERNEL_MFD_CLOEXEC | KERNEL_MFD_NOEXEC_SEAL;
  int fd = (int)CALL(m, "memfd_create", syscall(SYS_memfd_create, "state", flags));
  if (fd == -EINVAL) /* before Linux 6.3 */
    fd = (int)CALL(m, "memfd_create", syscall(SYS_memfd_create, "state", KERNEL_MFD_CLOEXEC));
  fd = above_stdio(m, fd);
  if (fd < 0) return fd;
#ifdef RUNT_INIT
  int64_t own = getpid();
#else
  int64_t own = m->child;
#endif
  char number[24] = "";
  text_append_number(number, sizeof number, (uint64_t)(s->pid ? s->pid : own), 10);
  struct iovec parts[] = {
      {(void *)(uintptr_t)s->stdin_head, strlen(s->stdin_head)},
      {number, strlen(number)},
      {(void *)(uintptr_t)s->stdin_tail, strlen(s->stdin_tail)},
  };
  size_t length = parts[0].iov_len + parts[1].iov_len + parts[2].iov_len;
  ssize_t n = CALL(m, "pwritev", pwritev(fd, parts, 3, 0)); /* does not move the offset, which the hook shares */
  if (n == (ssize_t)length) return fd;
  close(fd);
  return n < 0 ? (int)n : -ENOSPC;
}

/* Opens a pipe: the hook writes to *its, we read from *ours. */
static int open_pipe(struct machine *m, int *ours, int *its) {
  int ends[2];
  int result = (int)CALL(m, "pipe2", pipe2(ends, O_CLOEXEC));
  if (result < 0) return result;
  *ours = above_stdio(m, ends[0]);
  *its = above_stdio(m, ends[1]);
  return *ours < 0 ? *ours : *its < 0 ? *its : 0;
}

/* ---- waiting ---- */

static void keep_tail(struct hook *h, const char *data, size_t length) {
  if (length > TAIL) {
    data += length - TAIL;
    length = TAIL;
  }
  size_t kept = h->tail_length + length > TAIL ? TAIL - length : h->tail_length;
  memmove(h->tail, h->tail + h->tail_length - kept, kept);
  memcpy(h->tail + kept, data, length);
  h->tail_length = kept + length;
}

static void take_output(struct hook *h) {
  char data[4096];
  ssize_t length = read(h->listen, data, sizeof data);
  if (length > 0) {
    keep_tail(h, data, (size_t)length);
  } else {
    close(h->listen);
    h->listen = -1;
  }
}

static int wait_for_end(struct machine *m, struct hook *h) {
  int64_t deadline =
      h->step->timeout > 0 && h->step->timeout <= INT32_MAX ? clock_milliseconds() + h->step->timeout * 1000 : -1;
  for (;;) {
    struct pollfd ready[] = {{.fd = h->pidfd, .events = POLLIN}, {.fd = h->listen, .events = POLLIN}};
    int left = milliseconds_until(deadline);
    int n = (int)CALL(m, "poll", poll(ready, 2, left));
    if (n < 0 && !is_interrupted(n)) return n;
    if (n > 0 && ready[0].revents) return 0;
    if (n > 0 && ready[1].revents) take_output(h);
    if (left == 0 && n <= 0) {
      h->timed_out = 1;
      deadline = -1;
      kill(-h->pid, SIGKILL); /* not reaped yet, so the pid has not been reused */
      kill(h->pid, SIGKILL);
    }
  }
}

/* Reads what is left in the pipe. Does not wait for processes that the hook left behind. */
static void drain(struct hook *h) {
  for (int i = 0; i < 32 && h->listen >= 0; i++) {
    struct pollfd ready = {.fd = h->listen, .events = POLLIN};
    if (poll(&ready, 1, 0) <= 0) return;
    take_output(h);
  }
}

/* ---- its end ---- */

static void say_signal(struct machine *m, int number) {
  static const char names[][7] = {"?",      "HUP",  "INT",    "QUIT", "ILL",   "TRAP", "ABRT", "BUS",
                                  "FPE",    "KILL", "USR1",   "SEGV", "USR2",  "PIPE", "ALRM", "TERM",
                                  "STKFLT", "CHLD", "CONT",   "STOP", "TSTP",  "TTIN", "TTOU", "URG",
                                  "XCPU",   "XFSZ", "VTALRM", "PROF", "WINCH", "IO",   "PWR",  "SYS"};
  detail_begin(m, "signal ");
  detail_add_number(m, (uint64_t)number, 10);
  if ((size_t)number >= sizeof names / sizeof names[0]) return;
  detail_add(m, " (");
  detail_add(m, names[number]);
  detail_add(m, ")");
}

static void say_tail(struct machine *m, struct hook *h) {
  const char *text = h->tail;
  while (h->tail_length > 0 && strchr(" \n\r\t", h->tail[h->tail_length - 1])) h->tail_length--;
  h->tail[h->tail_length] = '\0';
  while ((*text & 0xc0) == 0x80) text++; /* skip a partial UTF-8 character */
  if (!*text) return;
  detail_add(m, ": ");
  detail_add(m, text);
}

static int report_end(struct machine *m, struct hook *h, const siginfo_t *end) {
  int exited = end->si_code == CLD_EXITED;
  if (exited && end->si_status == 0 && !h->timed_out) return 0;
  m->syscall = "hook";
  drain(h);
  if (h->timed_out) {
    detail_begin(m, "timed out after ");
    detail_add_number(m, (uint64_t)h->step->timeout, 10);
    detail_add(m, " s");
  } else if (exited) {
    detail_begin(m, "exit status ");
    detail_add_number(m, (uint64_t)end->si_status, 10);
  } else {
    say_signal(m, end->si_status);
  }
  say_tail(m, h);
  return h->timed_out ? -ETIMEDOUT : -ECHILD;
}

static int attend(struct machine *m, struct hook *h) {
  siginfo_t end = {0};
  int result = h->error ? 0 : h->unblocked < 0 ? h->unblocked : wait_for_end(m, h);
  if (result < 0) kill(-h->pid, SIGKILL);
  int reaped;
  do reaped = (int)CALL(m, "waitid", waitid((idtype_t)KERNEL_P_PIDFD, (id_t)h->pidfd, &end, WEXITED));
  while (is_interrupted(reaped));
  if (h->error) {
    m->syscall = "execve";
    return -h->error;
  }
  if (result == 0) result = reaped;
  return result < 0 ? result : report_end(m, h, &end);
}

int op_run_hook(struct machine *m, const struct step_run_hook *s) {
  struct hook h = {.machine = m, .step = s, .listen = -1, .pidfd = -1};
#ifdef RUNT_INIT
  int prepared = s->home ? give_home(m, &s->env) : 0;
  if (prepared < 0) return prepared;
#endif
  CLEANUP_FD int input = open_state(m, s);
  if (input < 0) return input;
  CLEANUP_FD int output = -1;
  int result = s->output < 0 || s->errors < 0 ? open_pipe(m, &h.listen, &output) : 0;
  h.input = input;
  h.output = s->output < 0 ? output : machine_fd(m, s->output);
  h.errors = s->errors < 0 ? output : machine_fd(m, s->errors);
  if (result == 0) result = spawn(m, &h);
  if (output >= 0) close(output);
  output = -1;
  if (result == 0) result = attend(m, &h);
  if (h.pidfd >= 0) close(h.pidfd);
  if (h.listen >= 0) close(h.listen);
  return result;
}
