/* Facts about the host for planners: kernel, credentials, cgroup hierarchies, security modules. */
#ifndef RUNT_PROBE_H
#define RUNT_PROBE_H
#include <stdint.h>
#include <sys/types.h>

#include "files.h"

#ifdef __cplusplus
extern "C" {
#endif

struct host_probe {
  char machine[65], kernel[65];
  uid_t euid;
  gid_t egid;
  uint64_t bounding_set;
  struct text cgroup_mounts; /* lines of mountinfo, each ended by a NUL */
  struct text own_cgroups, unified_controllers;
  int apparmor, selinux, in_user_namespace, owns_mounts;
};

int host_probe(struct host_probe *out);
/* Frees the texts; call it after a failure, too. */
void host_probe_free(struct host_probe *probe);

#ifdef __cplusplus
}
#endif
#endif
