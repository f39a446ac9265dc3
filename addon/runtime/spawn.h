/* Creates processes: init from its sealed image, and helper programs. */
#ifndef RUNT_SPAWN_H
#define RUNT_SPAWN_H
#include "machine.h"

/* Makes a sealed memory file of init's executable with `plan` as a segment. Returns the descriptor or -errno. */
int spawn_image(struct machine *m, const struct plan_block *plan);

/* clone3(2) with the namespace `flags`, into the cgroup directory `cgroup` unless it is -1, and runs `image`.
 * Descriptors in plan->fds stay open. Sets m->child and m->child_pidfd. `is_exec`: if the cgroup is at its limit of
 * processes, the child moves to it instead. */
int spawn_init(struct machine *m, int image, const struct plan_block *plan, uint64_t flags, int cgroup,
               const struct ints *preserve, int is_exec);

/* Removes all permissions from the image of a running init: see spawn.c. Returns 0 or -errno. */
int spawn_seal(struct machine *m, int image);

/* Runs `program` (found in PATH) to its end. Returns 0 or -errno; -ECHILD with m->detail if its status is not 0. */
int spawn_helper(struct machine *m, const char *program, char *const *argv);

#endif
