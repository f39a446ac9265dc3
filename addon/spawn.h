/* Making processes: init from its sealed image, and small helper programs. */
#ifndef RUNT_SPAWN_H
#define RUNT_SPAWN_H
#include "machine.h"

/* A sealed memory file with init's executable and `plan` as one of its segments; the descriptor or -errno. */
int spawn_image(struct machine *m, const struct plan_block *plan);

/* clone3(2) with the namespace `flags`, into the cgroup directory `cgroup` unless it is -1, and run `image`.
 * Descriptors in plan->fds stay open. Fills m->child and m->child_pidfd. */
int spawn_init(struct machine *m, int image, const struct plan_block *plan, uint64_t flags, int cgroup, int preserve);

/* Take all permissions from the image of an init that runs: see spawn.c. 0 or -errno. */
int spawn_seal(struct machine *m, int image);

/* Run `program` (found in PATH) to its end. 0, or -errno; a status other than 0 is ECHILD with m->detail. */
int spawn_helper(struct machine *m, const char *program, char *const *argv);

#endif
