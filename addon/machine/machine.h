/* The machine that executes a list of steps: its state, the handlers' calling convention, and the messages between
 * runtime and init. The same code runs the runtime's steps (runtimeSteps) and init's (containerSteps); all decisions
 * are in the plan. */
#ifndef RUNT_MACHINE_H
#define RUNT_MACHINE_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "steps.h"

#define MACHINE_PAUSED 1 /* returned by machine_run at a step that TypeScript executes */

enum report_kind { REPORT_SYNC = 1, REPORT_ERROR, REPORT_WARNING, REPORT_PID, REPORT_CROWDED };

/* One message on the sync socket or the report FIFO. Smaller than PIPE_BUF, so writes are atomic. */
struct report {
  uint32_t kind;
  uint32_t step;  /* index of the step, for errors and warnings */
  int32_t error;  /* errno (REPORT_CROWDED: of the answer); REPORT_SYNC: the number of the descriptor that is passed, or
                     -1 */
  uint32_t value; /* REPORT_SYNC: the point */
  char syscall[24];
  char detail[216];
};

struct machine {
  const struct step *next;
  uint32_t index; /* of the current step */
  uint32_t step_count;
  uint32_t slot_count;
  int32_t *fds;
  int32_t sync;        /* this side's end of the sync socket, or the report FIFO after start_wait; -1 none */
  int32_t child;       /* runtime: init's pid; init: 0 */
  int32_t child_pidfd; /* runtime only */
  uint64_t nofile;     /* the soft limit of open files to restore for programs; 0: unchanged */
  int32_t entered;     /* init: a chdir has succeeded */
  int32_t lent;        /* init: the slot whose mount was attached itself instead of a copy; -1 none */
  uint32_t umask;      /* init: the umask that its hooks get; its own is 0 */
  const char *program; /* chosen by find_executable */
  const char *home;    /* found by find_home: "HOME=…", NULL if not found */
  const char *syscall; /* the current system call, for the report */
  char detail[216];    /* the message of the kernel or of a hook beyond errno, "" none */
};

/* Runs steps until the end (0), a step that TypeScript executes (MACHINE_PAUSED) or an error (-errno, with m->index,
 * m->syscall and m->detail set). */
int machine_run(struct machine *m);

/* The descriptor in a slot: AT_FDCWD for an absent slot (-1). Only clone may get -1, an empty slot: machine_run skips
 * other steps that read one. */
int machine_fd(const struct machine *m, int64_t slot);

/* Stores fd in a slot and closes the descriptor that was there. */
void machine_fill(struct machine *m, int64_t slot, int fd);

/* Restores the caller's soft limit of open files if the runtime has raised it. */
int machine_restore_nofile(struct machine *m);

/* Marks every descriptor from `first` up close-on-exec, except those in `but`, which is sorted. */
int machine_hide(struct machine *m, int first, const struct ints *but);

/* Init only. Replaces the last entry, HOME=/, by what find_home has found. The plan is a private mapping, so its page
 * is writable without effect on the image. */
int give_home(struct machine *m, const struct strings *env);

/* Sends one report on m->sync. Returns 0 or -errno. */
int machine_report(struct machine *m, enum report_kind kind, int error, uint32_t value);

/* Init only. Sends the report of a sync point with a descriptor. Returns 0 or -errno. */
int machine_pass(struct machine *m, int fd, uint32_t point);

/* Sends the parts as one message with a descriptor. Returns the number of bytes sent or -errno. */
ssize_t machine_send_fd(struct machine *m, int socket, int fd, struct iovec *parts, int count);

/* Wraps a raw system call: records its name and returns its result or -errno. CALL(m, "openat2", openat2(...)). */
#define CALL(m, name, expression) ((m)->syscall = (name), machine_result((long)(expression)))
static inline long machine_result(long result) {
  return result < 0 ? -errno : result;
}

/* Ends this process, also under a seccomp filter that denies exit_group(2) and exit(2), where _exit(2) would loop. A
 * filter cannot stop a trap, which kills even pid 1 of a pid namespace. */
__attribute__((noreturn)) static inline void machine_exit(int status) {
  syscall(SYS_exit_group, status);
  syscall(SYS_exit, status);
  for (;;) __builtin_trap();
}

/* Whether a signal handler interrupted a call that must be restarted. Init has no handlers: there EINTR comes from a
 * seccomp filter, and restarting would loop. */
static inline int is_interrupted(long result) {
#ifdef RUNT_INIT
  (void)result;
  return 0;
#else
  return result == -EINTR;
#endif
}

static inline void cleanup_close_fd(const int *fd) {
  if (*fd >= 0) close(*fd);
}
#define CLEANUP_FD __attribute__((cleanup(cleanup_close_fd)))

/* One handler per operation; returns 0 or -errno. Most handlers of one side alone are in runtime/ and in init/start.c.
 */
#define DECLARE_HANDLER(op) int op_##op(struct machine *m, const struct step_##op *s);
STEPS_OF_BOTH(DECLARE_HANDLER)
STEPS_OF_RUNTIME(DECLARE_HANDLER)
STEPS_OF_INIT(DECLARE_HANDLER)

#endif
