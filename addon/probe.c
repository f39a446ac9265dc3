#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "cleanup.h"

enum { LIMIT = 64 * 1024 * 1024 };

/* The capability structures of capset(2), version 3; no kernel headers below musl. */
struct capability_header {
  uint32_t version;
  int pid;
};
struct capability_data {
  uint32_t effective, permitted, inheritable;
};
#define CAPABILITY_VERSION_3 0x20080522

/* The initial user namespace has a fixed inode (PROC_USER_INIT_INO of the kernel). */
#define INITIAL_USER_NAMESPACE "user:[4026531837]"

/* What execve(2) made permitted for root is the bounding set, one system call instead of 41; others read it in procfs.
 */
static int probe_bounding_set(struct host_probe *out) {
  if (out->euid == 0) {
    struct capability_header header = {CAPABILITY_VERSION_3, 0};
    struct capability_data data[2];
    if (syscall(SYS_capget, &header, data) < 0) return -errno;
    out->bounding_set = (uint64_t)data[1].permitted << 32 | data[0].permitted;
    return 0;
  }
  struct text status;
  int error = file_read("/proc/self/status", LIMIT, &status);
  if (error < 0) return error;
  AUTO_FREE char *data = status.data;
  const char *line = memmem(data, status.length, "\nCapBnd:", 8);
  if (line) out->bounding_set = strtoull(line + 8, NULL, 16);
  return 0;
}

/* mountinfo: the type follows the lone " - ", which ends the optional fields (proc_pid_mountinfo(5)). */
static int is_cgroup_line(const char *line, size_t length) {
  const char *separator = memmem(line, length, " - ", 3);
  return separator && length - (size_t)(separator - line) > 10 && memcmp(separator + 3, "cgroup", 6) == 0;
}

static int probe_cgroup_mounts(struct host_probe *out) {
  struct text *mounts = &out->cgroup_mounts;
  int error = file_read("/proc/self/mountinfo", LIMIT, mounts);
  if (error < 0) return error;
  size_t kept = 0;
  char *line = mounts->data, *end = mounts->data + mounts->length, *newline;
  for (; line < end && (newline = memchr(line, '\n', (size_t)(end - line))); line = newline + 1) {
    size_t length = (size_t)(newline - line);
    if (!is_cgroup_line(line, length)) continue;
    memmove(mounts->data + kept, line, length);
    kept += length;
    mounts->data[kept++] = '\0';
  }
  mounts->length = kept;
  return 0;
}

static int read_optional(const char *path, struct text *out) {
  int error = file_read(path, LIMIT, out);
  return error == -ENOENT ? 0 : error;
}

/* The controllers at the root of the v2 tree, wherever it is mounted. */
static int probe_unified(struct host_probe *out) {
  const struct text *mounts = &out->cgroup_mounts;
  for (const char *line = mounts->data; line < mounts->data + mounts->length; line += strlen(line) + 1) {
    char point[PATH_MAX - 32], path[PATH_MAX];
    if (!strstr(line, " - cgroup2 ") || sscanf(line, "%*s %*s %*s %*s %4000s", point) != 1) continue;
    snprintf(path, sizeof path, "%s/cgroup.controllers", point);
    return read_optional(path, &out->unified_controllers);
  }
  return 0;
}

static int probe_user_namespace(struct host_probe *out) {
  char link[64];
  ssize_t length = readlink("/proc/self/ns/user", link, sizeof link - 1);
  if (length < 0) return errno == ENOENT ? 0 : -errno;
  link[length] = '\0';
  out->in_user_namespace = strcmp(link, INITIAL_USER_NAMESPACE) != 0;
  return 0;
}

int host_probe(struct host_probe *out) {
  memset(out, 0, sizeof *out);
  struct utsname name;
  if (uname(&name) < 0) return -errno;
  snprintf(out->machine, sizeof out->machine, "%s", name.machine);
  snprintf(out->kernel, sizeof out->kernel, "%s", name.release);
  out->euid = geteuid();
  out->egid = getegid();
  out->apparmor = access("/sys/kernel/security/apparmor", F_OK) == 0;
  out->selinux = access("/sys/fs/selinux/enforce", F_OK) == 0;
  int error = probe_bounding_set(out);
  if (error == 0) error = probe_cgroup_mounts(out);
  if (error == 0) error = probe_unified(out);
  if (error == 0) error = read_optional("/proc/self/cgroup", &out->own_cgroups);
  if (error == 0) error = probe_user_namespace(out);
  return error;
}

void host_probe_free(struct host_probe *probe) {
  free(probe->cgroup_mounts.data);
  free(probe->own_cgroups.data);
  free(probe->unified_controllers.data);
}
