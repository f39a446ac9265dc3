/* Device filters of cgroup v2: see bpf.c. */
#ifndef RUNT_BPF_H
#define RUNT_BPF_H
#include "machine.h"

/* Load the device program and attach it to the cgroup whose directory is open as `cgroup`. With `replace`, what was
 * attached to that very cgroup before is gone afterwards, and at no moment does the cgroup have less than one of the
 * two. */
int bpf_attach_device_program(struct machine *m, int cgroup, const struct bytes *program, int replace);

#endif
