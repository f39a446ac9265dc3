/* The runtime's side of a launch: runs runtimeSteps, starts init from its sealed image, receives its reports, kills it
 * on failure. One launch at a time per process. */
#ifndef RUNT_LAUNCH_H
#define RUNT_LAUNCH_H
#include "machine.h"

#define LAUNCH_WARNINGS 16

enum launch_kind { LAUNCH_PAUSED, LAUNCH_DONE, LAUNCH_FAILED };

struct launch_event {
  enum launch_kind kind;
  int pid;          /* of init, 0 without a clone step */
  uint32_t step;    /* LAUNCH_PAUSED: index of the step that TypeScript executes */
  int terminal;     /* pty master of a foreground run, -1 none */
  int kept;         /* the descriptor of a keep step, -1 none */
  int in_container; /* LAUNCH_FAILED: `failure` is about containerSteps */
  struct report failure;
  int warning_count;
  struct report warnings[LAUNCH_WARNINGS]; /* about containerSteps */
};

/* Runs `runtime`'s steps. Init gets `container`, which is modified, at a clone step. */
void launch_begin(const struct plan_block *runtime, struct plan_block *container, struct launch_event *event);

/* Whether a launch is paused. launch_resume needs that, launch_begin must not be called then. */
int launch_is_paused(void);

/* Whether a paused or finished launch has an init that launch_abandon would kill. */
int launch_has_init(void);

/* Continues after LAUNCH_PAUSED. */
void launch_resume(struct launch_event *event);

/* Kills and reaps init and closes all descriptors. */
void launch_abandon(void);

/* Asks the init that waits on the two FIFOs to start. Returns 0 with the outcome in event, or -errno (ENXIO: no process
 * waits). */
int launch_start(const char *request, const char *report, struct launch_event *event);

#endif
