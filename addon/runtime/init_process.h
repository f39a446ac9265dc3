/* Creates init, from a sealed image that contains the plan. */
#ifndef RUNT_INIT_PROCESS_H
#define RUNT_INIT_PROCESS_H
#include "machine.h"

/* Makes a sealed memory file of init's executable with `plan` as a segment. Returns the descriptor or -errno. */
int init_image_create(struct machine *m, const struct plan_block *plan);

/* clone3(2) with the namespace `flags`, into the cgroup directory `cgroup` unless it is -1, and runs `image`.
 * Descriptors in plan->fds stay open. Sets m->child and m->child_pidfd. `is_exec`: if the cgroup is at its limit of
 * processes, the child moves to it instead. */
int spawn_init(struct machine *m, int image, const struct plan_block *plan, uint64_t flags, int cgroup,
               const struct ints *preserve, int is_exec);

/* Removes all permissions from the image of a running init: see init_process.c. Returns 0 or -errno. */
int init_image_seal(struct machine *m, int image);

#endif
