/* Hooks (config.md, "POSIX-platform Hooks"): runs a hook to its end with the state on its standard input, in the
 * runtime and in init. As pid 1, init reaps no process but the hook. The end of a hook's output is kept for the error
 * message; it does not reach the container's output. */
#include "machine.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "kernel.h"
#include "spawn.h"
#include "text.h"
#include "weaken.h"

enum { TAIL = 150 };

struct hook {
  struct spawn spawn; /* the first member: take_output gets its address */
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

static int prepare_child(struct machine *m, const void *context) {
  const struct step_run_hook *s = context;
#ifdef RUNT_INIT
  umask((mode_t)m->umask);
#endif
  /* setsid(2): the hook can be killed with its children as one process group */
  int prepared = setsid() >= 0 && machine_restore_nofile(m) == 0 && (!s->cwd || chdir(s->cwd) == 0) && resolves(s);
  return prepared ? 0 : -1;
}

/* ---- its standard input ---- */

/* A memory file, not a pipe: a hook that does not read its input cannot block us, however long the state is. */
static int open_state(struct machine *m, const struct step_run_hook *s) {
  unsigned flags = KERNEL_MFD_CLOEXEC | KERNEL_MFD_NOEXEC_SEAL;
  int fd = (int)CALL(m, "memfd_create", syscall(SYS_memfd_create, "state", flags));
  if (fd == -EINVAL) /* before Linux 6.3 */
    fd = (int)CALL(m, "memfd_create", syscall(SYS_memfd_create, "state", KERNEL_MFD_CLOEXEC));
  fd = spawn_above_stdio(m, fd);
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

/* ---- its output ---- */

static void keep_tail(struct spawn *spawn, const char *data, size_t length) {
  struct hook *h = (struct hook *)spawn;
  if (length > TAIL) {
    data += length - TAIL;
    length = TAIL;
  }
  size_t kept = h->tail_length + length > TAIL ? TAIL - length : h->tail_length;
  memmove(h->tail, h->tail + h->tail_length - kept, kept);
  memcpy(h->tail + kept, data, length);
  h->tail_length = kept + length;
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
  int exited = end->si_code == CLD_EXITED, timed_out = h->spawn.timed_out;
  if (exited && end->si_status == 0 && !timed_out) return 0;
  m->syscall = "hook";
  if (timed_out) {
    detail_begin(m, "timed out after ");
    detail_add_number(m, (uint64_t)h->spawn.timeout, 10);
    detail_add(m, " s");
  } else if (exited) {
    detail_begin(m, "exit status ");
    detail_add_number(m, (uint64_t)end->si_status, 10);
  } else {
    say_signal(m, end->si_status);
  }
  say_tail(m, h);
  return timed_out ? -ETIMEDOUT : -ECHILD;
}

int op_run_hook(struct machine *m, const struct step_run_hook *s) {
  char *const only_path[] = {(char *)(uintptr_t)s->path, NULL};
  struct hook h = {.spawn = {
                       .path = s->path,
                       .args = s->args.count ? s->args.items : only_path,
                       .env = s->own_env ? NULL : s->env.items,
                       .prepare = prepare_child,
                       .context = s,
                       .timeout = s->timeout,
                       .output = -1,
                       .take = keep_tail,
                   }};
  siginfo_t end;
#ifdef RUNT_INIT
  int prepared = s->home ? give_home(m, &s->env) : 0;
  if (prepared < 0) return prepared;
#endif
  CLEANUP_FD int input = open_state(m, s);
  if (input < 0) return input;
  int output = -1;
  int result = s->output < 0 || s->errors < 0 ? spawn_pipe(m, &h.spawn.output, &output) : 0;
  h.spawn.stdio[0] = input;
  h.spawn.stdio[1] = s->output < 0 ? output : machine_fd(m, s->output);
  h.spawn.stdio[2] = s->errors < 0 ? output : machine_fd(m, s->errors);
  if (result == 0) result = spawn(m, &h.spawn);
  if (output >= 0) close(output); /* so that the pipe ends with the hook */
  if (result == 0) result = spawn_wait(m, &h.spawn, &end);
  if (result == 0) result = report_end(m, &h, &end);
  if (h.spawn.output >= 0) close(h.spawn.output);
  return result;
}
