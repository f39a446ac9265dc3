#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "cleanup.h"
#include "machine/kernel.h"

enum { LIMIT = 64 * 1024 * 1024 };

/* The initial user namespace has a fixed inode (PROC_USER_INIT_INO of the kernel). */
#define INITIAL_USER_NAMESPACE "user:[4026531837]"

/* execve(2) gives root the bounding set as permitted set, so capget(2) takes the place of 41 prctl calls. Other users
 * read the bounding set from procfs. */
static int probe_bounding_set(struct host_probe *out) {
  if (out->euid == 0) {
    struct kernel_cap_header header = {KERNEL_CAPABILITY_VERSION_3, 0};
    struct kernel_cap_data data[2];
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

/* mountinfo escapes blanks, tabs, newlines and backslashes as octal (proc_pid_mountinfo(5)). */
static void copy_field(char *out, size_t size, const char *text) {
  size_t length = 0;
  for (; *text && *text != ' ' && length + 1 < size; text++) {
    int octal = text[0] == '\\' && text[1] && text[2] && text[3];
    out[length++] = octal ? (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0')) : *text;
    if (octal) text += 3;
  }
  out[length] = '\0';
}

/* Whether the mount of this line is not covered by another: a path leads to the topmost mount. 1, 0 or -errno. Kernels
 * before 5.8 do not return mount ids and a seccomp filter may deny the call; then every listed mount counts. */
static int is_shown(const char *line) {
  char path[PATH_MAX];
  const char *point = line;
  for (int field = 0; field < 4 && point; field++) point = strchr(point + 1, ' ');
  if (!point) return 1;
  copy_field(path, sizeof path, point + 1);
  struct kernel_statx found = {0};
  const int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
  if (syscall(SYS_statx, AT_FDCWD, path, flags, KERNEL_STATX_MNT_ID, &found) < 0) {
    if (errno == ENOSYS || errno == EPERM) return 1;
    return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : -errno;
  }
  return !(found.mask & KERNEL_STATX_MNT_ID) || found.mount == strtoull(line, NULL, 10);
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
    int shown = is_shown(line);
    if (shown < 0) return shown;
    if (!shown) continue;
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

/* Reads the controllers at the root of the v2 hierarchy, wherever it is mounted. */
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

/* ioctl_ns(2): the kernel returns the owner of a namespace only to that user namespace and its ancestors. */
static int owns_mount_namespace(void) {
  AUTO_FD int mounts = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
  if (mounts < 0) return errno == ENOENT ? 1 : -errno;
  AUTO_FD int owner = ioctl(mounts, NS_GET_USERNS);
  if (owner < 0) return errno == EPERM ? 0 : -errno;
  return 1;
}

static int probe_mount_namespace(struct host_probe *out) {
  int owned = out->in_user_namespace ? owns_mount_namespace() : 1;
  out->owns_mounts = owned > 0;
  return owned < 0 ? owned : 0;
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
  /* EACCES: a policy denies the runtime access, so SELinux is enabled. */
  out->selinux = access("/sys/fs/selinux/enforce", F_OK) == 0 || errno == EACCES;
  int error = probe_bounding_set(out);
  if (error == 0) error = probe_cgroup_mounts(out);
  if (error == 0) error = probe_unified(out);
  if (error == 0) error = read_optional("/proc/self/cgroup", &out->own_cgroups);
  if (error == 0) error = probe_user_namespace(out);
  if (error == 0) error = probe_mount_namespace(out);
  return error;
}

void host_probe_free(struct host_probe *probe) {
  free(probe->cgroup_mounts.data);
  free(probe->own_cgroups.data);
  free(probe->unified_controllers.data);
}
