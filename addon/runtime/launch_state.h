/* What the files of a launch share: see launch.h. */
#ifndef RUNT_LAUNCH_STATE_H
#define RUNT_LAUNCH_STATE_H
#include <signal.h>

#include "launch.h"

/* The current launch. */
extern struct launch_state {
  struct machine machine;
  struct plan_block *container;
  int32_t *fds;
  struct launch_event event;
  int forks; /* how many times init may report a fork */
  const struct step_clone *clone;
  int offered; /* init's number for the descriptor that came with the last point */
  int passed;  /* that descriptor, if it was sent itself; else -1 */
  int is_paused;
} launch;

/* Waits for the end of init. */
void launch_reap(struct machine *m, siginfo_t *info);

/* Closes what belongs to an init that has ended. */
void launch_forget_child(struct machine *m);

/* Closes the descriptor that init has sent and no step has taken. */
void launch_forget_passed(void);

/* Makes a report safe to use: a program in the container may have taken control of init. */
void launch_check_report(struct report *r);

#endif
