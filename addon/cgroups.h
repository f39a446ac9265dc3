/* What lives in a cgroup: signalling it, ending it, and removing the directories. Which cgroups, TypeScript decides. */
#ifndef RUNT_CGROUPS_H
#define RUNT_CGROUPS_H

#ifdef __cplusplus
extern "C" {
#endif

/* Sends `signal` to every process in the cgroup and the cgroups below it; how many there were. */
int cgroup_signal(const char *directory, int signal);
/* Sends `signal` (0: none) to what lives in the cgroup and below, waits for its end, removes the directories. 1, or 0
 * when that took longer than `milliseconds` (negative: no limit). */
int cgroup_remove(const char *directory, int signal, int milliseconds);

#ifdef __cplusplus
}
#endif
#endif
