/* Writes to files of procfs, cgroupfs and resctrl by path. */
#ifndef RUNT_WRITE_H
#define RUNT_WRITE_H
#include "machine.h"

/* Writes the pid as text with one write(2) to an existing file that is not a symbolic link, which moves the process to
 * the cgroup or resctrl group of the file. Returns 0 or -errno. */
int write_pid_to(struct machine *m, const char *path, pid_t pid);

#endif
