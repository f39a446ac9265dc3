/* Device filters of cgroup v2: see bpf.c. */
#ifndef RUNT_BPF_H
#define RUNT_BPF_H
#include "machine.h"

/* Loads the device program and attaches it to the cgroup whose directory is open as `cgroup`. With `replace`, detaches
 * the programs that were attached to that cgroup before; at least one of the two filters applies at every moment. */
int bpf_attach_device_program(struct machine *m, int cgroup, const struct bytes *program, int replace);

#endif
