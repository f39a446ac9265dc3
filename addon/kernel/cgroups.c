#define _GNU_SOURCE
#include "cgroups.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "cleanup.h"
#include "deadline.h"
#include "files.h"
#include "process.h"

enum { BATCH = 64, PROCS_LIMIT = 64 * 1024 * 1024, RETRY_MILLISECONDS = 1 };

/* A batch of the processes of one cgroup. */
struct members {
  int count;
  pid_t pids[BATCH];
  int pidfds[BATCH];
};

static void cleanup_members(struct members *members) {
  for (int i = 0; i < members->count; i++) close(members->pidfds[i]);
  members->count = 0;
}

static int read_procs(int cgroup, struct text *procs) {
  char path[48];
  snprintf(path, sizeof path, "/proc/self/fd/%d/cgroup.procs", cgroup);
  return file_read(path, PROCS_LIMIT, procs);
}

/* Reading cgroup.procs fails with EOPNOTSUPP in a threaded cgroup and with ENODEV in a removed one. */
static int procs_error(int error) {
  return error == -EOPNOTSUPP || error == -ENODEV || error == -ENOENT ? 0 : error;
}

static const char *next_line(const char *line) {
  const char *end = strchr(line, '\n');
  return end ? end + 1 : line + strlen(line);
}

/* Closes the pidfds of processes that are not listed in the cgroup. */
static int keep_listed(int cgroup, struct members *members) {
  AUTO_FREE char *data = NULL;
  struct text procs;
  int error = read_procs(cgroup, &procs);
  if (error < 0) return error;
  data = procs.data;
  int kept = 0;
  for (const char *line = data; *line; line = next_line(line)) {
    pid_t pid = atoi(line);
    for (int i = kept; i < members->count; i++) {
      if (members->pids[i] != pid) continue;
      int pidfd = members->pidfds[i];
      members->pids[i] = members->pids[kept], members->pidfds[i] = members->pidfds[kept];
      members->pids[kept] = pid, members->pidfds[kept++] = pidfd;
    }
  }
  for (int i = kept; i < members->count; i++) close(members->pidfds[i]);
  members->count = kept;
  return kept;
}

/* Opens the next batch of listed processes. The list is read again after the pidfds are open: a pid that is still in it
 * has not been reused. */
static int open_batch(int cgroup, const char **line, struct members *members) {
  for (; **line && members->count < BATCH; *line = next_line(*line)) {
    pid_t pid = atoi(*line);
    int pidfd = pid > 0 ? pidfd_open_any(pid) : -ESRCH; /* 0: the process is not visible in this pid namespace */
    if (pidfd == -ESRCH) continue;
    if (pidfd < 0) return pidfd;
    members->pids[members->count] = pid;
    members->pidfds[members->count++] = pidfd;
  }
  return members->count == 0 ? 0 : keep_listed(cgroup, members);
}

typedef int visitor(int parent, const char *name, int cgroup, void *state);

/* A container may create cgroups whose names begin with a dot. */
static int is_dots(const char *name) {
  return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* Opens a cgroup. Each level of nesting takes a descriptor, and the container chooses the depth. */
static int open_cgroup(int parent, const char *name) {
  const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  int cgroup = openat(parent, name, flags);
  if (cgroup >= 0 || errno != EMFILE) return cgroup;
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -1;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) < 0) return -1;
  return openat(parent, name, flags);
}

/* Calls `visit` for each descendant cgroup and then for the cgroup itself. Returns the sum of the results. */
static int walk(int parent, const char *name, visitor *visit, void *state) {
  int cgroup = open_cgroup(parent, name);
  if (cgroup < 0) return errno == ENOENT ? 0 : -errno;
  AUTO_DIR DIR *directory = fdopendir(cgroup);
  if (!directory) {
    int error = -errno;
    close(cgroup);
    return error;
  }
  int total = 0;
  for (struct dirent *entry; (entry = readdir(directory));) {
    if (entry->d_type != DT_DIR || is_dots(entry->d_name)) continue;
    int result = walk(cgroup, entry->d_name, visit, state);
    if (result < 0) return result;
    total += result;
  }
  int result = visit(parent, name, cgroup, state);
  return result < 0 ? result : total + result;
}

/* Sends the signal once to each listed process, in batches. */
static int visit_signal(int parent, const char *name, int cgroup, void *state) {
  (void)parent, (void)name;
  AUTO_FREE char *data = NULL;
  struct text procs;
  int error = read_procs(cgroup, &procs), total = 0;
  if (error < 0) return procs_error(error);
  data = procs.data;
  for (const char *line = data; *line;) {
    struct members members __attribute__((cleanup(cleanup_members))) = {.count = 0};
    error = open_batch(cgroup, &line, &members);
    if (error < 0) return procs_error(error) < 0 ? error : total;
    for (int i = 0; i < members.count; i++) {
      int sent = pidfd_signal(members.pidfds[i], *(int *)state);
      if (sent < 0) return sent;
      total += sent;
    }
  }
  return total;
}

int cgroup_signal(const char *directory, int signal) {
  return walk(AT_FDCWD, directory, visit_signal, &signal);
}

/* Waits for the first batch of processes of the cgroup to end. Returns their number. */
static int visit_wait(int parent, const char *name, int cgroup, void *state) {
  (void)parent, (void)name;
  const int64_t *deadline = state;
  AUTO_FREE char *data = NULL;
  struct text procs;
  struct members members __attribute__((cleanup(cleanup_members))) = {.count = 0};
  int error = read_procs(cgroup, &procs);
  if (error < 0) return procs_error(error);
  const char *line = data = procs.data;
  error = open_batch(cgroup, &line, &members);
  if (error < 0) return procs_error(error);
  for (int i = 0; i < members.count; i++) {
    int ended = pidfd_wait(members.pidfds[i], milliseconds_until(*deadline));
    if (ended < 0) return ended;
  }
  return members.count;
}

/* Removes the cgroup by name relative to its parent: the full path may exceed PATH_MAX. */
static int visit_remove(int parent, const char *name, int cgroup, void *state) {
  (void)cgroup, (void)state;
  return unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

/* On a read-only hierarchy rmdir(2) fails with EROFS even for a cgroup that does not exist. */
static int gone(const char *directory) {
  int error = errno;
  int missing = access(directory, F_OK) < 0 && errno == ENOENT;
  errno = error;
  return missing;
}

int cgroup_remove(const char *directory, int signal, int milliseconds) {
  int64_t deadline = milliseconds < 0 ? -1 : clock_milliseconds() + milliseconds;
  for (;;) {
    /* The cgroup is usually empty by now. ENOTDIR: a component of the path is a file, so the cgroup cannot exist. */
    if (rmdir(directory) == 0 || errno == ENOENT || errno == ENOTDIR) return 1;
    if (errno != EBUSY && errno != ENOTEMPTY) return gone(directory) ? 1 : -errno;
    int signalled = signal ? walk(AT_FDCWD, directory, visit_signal, &signal) : 0;
    if (signalled < 0) return signalled;
    int waited = walk(AT_FDCWD, directory, visit_wait, &deadline);
    if (waited < 0) return waited;
    int error = walk(AT_FDCWD, directory, visit_remove, NULL);
    if (error == 0) return 1;
    if (error != -EBUSY && error != -ENOTEMPTY) return error;
    if (milliseconds_until(deadline) == 0) return 0;
    /* There is nothing to poll: the members have no pidfd, or the kernel has not removed them yet. */
    if (waited == 0) nanosleep(&(struct timespec){.tv_nsec = RETRY_MILLISECONDS * 1000000L}, NULL);
  }
}
