/* Writes to files of procfs, cgroupfs and resctrl by path. */
#ifndef RUNT_WRITE_H
#define RUNT_WRITE_H
#include "machine.h"

/* Writes `data` with one write(2) to an existing file that is not a symbolic link. Returns 0 or -errno. */
int write_existing(struct machine *m, const char *path, const char *data);

/* The same with the pid as text, which moves the process to the cgroup or resctrl group of the file. */
int write_pid_to(struct machine *m, const char *path, pid_t pid);

#endif
