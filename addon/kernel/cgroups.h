/* Signals and kills the processes in a cgroup and removes its directories. The caller chooses the cgroups. */
#ifndef RUNT_CGROUPS_H
#define RUNT_CGROUPS_H

#ifdef __cplusplus
extern "C" {
#endif

/* Sends `signal` to every process in the cgroup and its descendants. Returns their number. */
int cgroup_signal(const char *directory, int signal);
/* Sends `signal` (0: none) to the processes of the cgroup and its descendants, waits until they have ended and removes
 * the directories. Returns 1, or 0 on timeout after `milliseconds` (negative: no limit). */
int cgroup_remove(const char *directory, int signal, int milliseconds);

#ifdef __cplusplus
}
#endif
#endif
