/* `exec` in a container at its limit of processes: the limit applies to fork(2), not to a process that is moved to a
 * cgroup. */
#ifndef RUNT_CROWDED_H
#define RUNT_CROWDED_H
#include "machine.h"

/* If init cannot fork in its cgroup: moves init to the cgroup of `leave`, lets it fork there, and moves the child to
 * the cgroup of `enter` (both are cgroup.procs files; NULL: not possible). Answers init, whose next report has the
 * outcome. Returns 0 or -errno. */
int crowded_fork(struct machine *m, const char *leave, const char *enter);

#endif
