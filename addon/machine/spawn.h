/* Starts processes: init, hooks and other programs. */
#ifndef RUNT_SPAWN_H
#define RUNT_SPAWN_H
#include <signal.h>

#include "machine.h"

#ifdef __cplusplus
extern "C" {
#endif

struct spawn {
  const char *path; /* of the program; NULL: init, the open file `image` */
  int image;
  int in_path;                    /* find `path` in PATH, as execvp(3) does */
  char *const *args, *const *env; /* env NULL: ours */
  int stdio[3];                   /* a program's descriptors 0 to 2, all above 2; -1: ours */
  uint64_t flags;                 /* init: CLONE_NEW* */
  int cgroup;                     /* init: the directory of the cgroup in which it is born; -1 none */
  /* Called in the child before execve(2); 0 or -1 with errno. May only make system calls: see spawn.c. */
  int (*prepare)(struct machine *m, const void *context);
  const void *context;

  /* For spawn_wait: */
  int64_t timeout; /* seconds until the process group is killed with SIGKILL; 0: none */
  int output;      /* our end of a pipe, which spawn_wait reads, and closes at the end of file; -1 none */
  void (*take)(struct spawn *s, const char *data, size_t length); /* gets what it reads */

  /* Results: */
  int pid, pidfd;
  int timed_out;
  volatile int error; /* of the child, which shares our memory until execve(2) */
};

/* Starts the process. Returns 0 or -errno, also if the program cannot be executed. Sets s->pid and s->pidfd. A program
 * has no descriptors but 0 to 2, and no signals that are blocked or ignored. Init sees to both itself. */
int spawn(struct machine *m, struct spawn *s);

/* Waits for the end of the process and closes s->pidfd. Returns 0 or -errno. */
int spawn_wait(struct machine *m, struct spawn *s, siginfo_t *end);

/* Kills the process and its process group. Before it is reaped, its pid cannot be reused. */
void spawn_kill(const struct spawn *s);

/* Reaps the process and closes s->pidfd. Returns 0 or -errno. */
int spawn_reap(struct machine *m, struct spawn *s, siginfo_t *end);

/* Moves a descriptor of 0 to 2 above 2, so that the child can duplicate it onto its own. Returns it or -errno. */
int spawn_above_stdio(struct machine *m, int fd);

/* Opens a pipe from the child's end, *its, to ours, *ours; both are above 2. Returns 0 or -errno. */
int spawn_pipe(struct machine *m, int *ours, int *its);

#ifdef __cplusplus
}
#endif
#endif
