/* The machine that executes a list of steps: its registers, the handlers' calling convention, and the messages that the
 * two sides exchange. The same code runs in the runtime (runtimeSteps) and in init (containerSteps); it decides
 * nothing. */
#ifndef RUNT_MACHINE_H
#define RUNT_MACHINE_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "steps.h"

#define MACHINE_PAUSED 1 /* returned by machine_run at a step that is TypeScript's to do */
#define SLOT_SYNC 0

enum report_kind { REPORT_SYNC = 1, REPORT_ERROR, REPORT_WARNING, REPORT_PID };

/* One message on the sync socket or the report FIFO. Smaller than PIPE_BUF, so it is never torn. */
struct report {
  uint32_t kind;
  uint32_t step;  /* index of the step, for errors and warnings */
  int32_t error;  /* errno; REPORT_SYNC: the number of the descriptor that goes along, or -1 */
  uint32_t value; /* REPORT_SYNC: the point; REPORT_PID: the pid */
  char syscall[24];
  char detail[216];
};

struct machine {
  const struct step *next;
  uint32_t index; /* of the step being executed */
  uint32_t step_count;
  uint32_t slot_count;
  int32_t *fds;
  int32_t sync;        /* this side's end of the sync socket, or the report FIFO after start_wait; -1 none */
  int32_t child;       /* runtime: init's pid; init: 0 */
  int32_t child_pidfd; /* runtime only */
  int32_t init_error;  /* runtime only: init has reported `failure` */
  uint64_t nofile;     /* the soft limit of open files that programs get; 0: the present one */
  uint32_t umask;      /* init: what its hooks get, for its own is 0 at first */
  const char *program; /* chosen by find_executable */
  const char *home;    /* found by find_home: "HOME=…", NULL not found */
  const char *syscall; /* the system call a handler is in, for the report */
  char detail[216];    /* what the kernel or a hook says beyond errno, "" nothing */
  const void *host;    /* runtime only: struct launch, see launch.c */
};

/* Run steps until the end (0), one that is TypeScript's to do (MACHINE_PAUSED) or an error (-errno; m->index,
 * m->syscall, m->detail say which). */
int machine_run(struct machine *m);

/* The descriptor in a slot: AT_FDCWD for an absent slot (-1), else the descriptor (-1, an empty one, is met by clone
 * only: machine_run skips others). */
int machine_fd(const struct machine *m, int64_t slot);

/* Put fd into a slot, closing what was there. */
void machine_fill(struct machine *m, int64_t slot, int fd);

/* Set the soft limit of open files back to what the runtime's caller has, where the runtime has raised it. */
int machine_restore_nofile(struct machine *m);

/* Init only. Put what find_home has found in the place of the last entry, which is HOME=/. The plan is a private
 * mapping, so its page may be changed. */
int give_home(struct machine *m, const struct strings *env);

/* Send one report on m->sync; 0 or -errno. */
int machine_report(struct machine *m, enum report_kind kind, int error, uint32_t value);

/* Wrap a raw system call: remembers its name, returns its result or -errno. Use as CALL(m, "openat2", openat2(...)). */
#define CALL(m, name, expression) ((m)->syscall = (name), machine_result((long)(expression)))
static inline long machine_result(long result) {
  return result < 0 ? -errno : result;
}

static inline void cleanup_close_fd(const int *fd) {
  if (*fd >= 0) close(*fd);
}
#define CLEANUP_FD __attribute__((cleanup(cleanup_close_fd)))

#define HANDLER(op) int op_##op(struct machine *m, const struct step_##op *s)

/* One handler per operation; each returns 0 or -errno. Files: files.c mounts.c namespaces.c process.c credentials.c
 * terminal.c hooks.c sync.c; runtime_only.c is not in init, container_only.c is only there. */
HANDLER(openat2);
HANDLER(mkdirat);
HANDLER(mknodat);
HANDLER(symlinkat);
HANDLER(write_file);
HANDLER(write);
HANDLER(fchownat);
HANDLER(close);
HANDLER(close_temporaries);
HANDLER(open_tree);
HANDLER(move_mount);
HANDLER(fsopen);
HANDLER(fsconfig);
HANDLER(fspick);
HANDLER(fsmount);
HANDLER(mount_setattr);
HANDLER(mount);
HANDLER(umount2);
HANDLER(pivot_root);
HANDLER(chroot);
HANDLER(fchdir);
HANDLER(chdir);
HANDLER(copy_up);
HANDLER(clone);
HANDLER(setns);
HANDLER(unshare);
HANDLER(pidfd_open);
HANDLER(fork);
HANDLER(make_userns);
HANDLER(bpf_prog_attach);
HANDLER(write_pid);
HANDLER(write_child);
HANDLER(map_ids);
HANDLER(sync_send);
HANDLER(sync_wait);
HANDLER(sync_exec);
HANDLER(start_wait);
HANDLER(claim_cgroup);
HANDLER(setxattr);
HANDLER(mkfifo);
HANDLER(connect);
HANDLER(socketpair);
HANDLER(receive_terminal);
HANDLER(keep);
HANDLER(run_hook);
HANDLER(sethostname);
HANDLER(setdomainname);
HANDLER(link_up);
HANDLER(move_netdev);
HANDLER(join_session_keyring);
HANDLER(open_pty);
HANDLER(send_fd);
HANDLER(send_state);
HANDLER(setsid);
HANDLER(set_terminal);
HANDLER(prlimit);
HANDLER(umask);
HANDLER(fchown);
HANDLER(reopen_null);
HANDLER(setgroups);
HANDLER(setresgid);
HANDLER(setresuid);
HANDLER(prctl);
HANDLER(capbset_drop);
HANDLER(capset);
HANDLER(cap_ambient_raise);
HANDLER(seccomp);
HANDLER(personality);
HANDLER(sched_setattr);
HANDLER(sched_setaffinity);
HANDLER(ioprio_set);
HANDLER(set_mempolicy);
HANDLER(find_executable);
HANDLER(find_home);
HANDLER(dup3);
HANDLER(close_range);
HANDLER(reset_signals);
HANDLER(execve);

#endif
