/* The runtime's side of a launch: run runtimeSteps, spawn init from its sealed image, listen to it, end it on failure.
 * One launch at a time per process. */
#ifndef RUNT_LAUNCH_H
#define RUNT_LAUNCH_H
#include "machine.h"

#define LAUNCH_WARNINGS 16

enum launch_kind { LAUNCH_PAUSED, LAUNCH_DONE, LAUNCH_FAILED };

struct launch_event {
  enum launch_kind kind;
  int pid;          /* of init, 0 if the steps held no clone */
  uint32_t step;    /* LAUNCH_PAUSED: index of the step that is TypeScript's to do */
  int terminal;     /* pty master of a foreground run, -1 none */
  int kept;         /* by keep, -1 none */
  int in_container; /* LAUNCH_FAILED: `failure` is about containerSteps */
  struct report failure;
  int warning_count;
  struct report warnings[LAUNCH_WARNINGS]; /* about containerSteps */
};

/* Run `runtime`'s steps; init, when a clone step is reached, gets `container`, which is written to. preserve: how many
 * descriptors from 3 up the container inherits. EBADF in the event when one of them is not open. */
void launch_begin(const struct plan_block *runtime, struct plan_block *container, int preserve,
                  struct launch_event *event);

/* Only then launch_resume and launch_abandon may be called, and launch_begin must not be. */
int launch_is_paused(void);

/* Go on after LAUNCH_PAUSED. */
void launch_resume(struct launch_event *event);

/* Kill and reap init, close everything. */
void launch_abandon(void);

/* Ask the init waiting on the FIFOs in `directory` to start. 0 with the outcome in event, or -errno (ENXIO: nobody
 * waits). */
int launch_start(const char *request, const char *report, struct launch_event *event);

#endif
