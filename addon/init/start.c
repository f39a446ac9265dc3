/* Steps of init alone: waiting for the runtime and for `runt start`, forking into a pid namespace, and executing the
 * container process. */
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "paths.h"

/* If the runtime dies, its end of the socket closes and init ends here too. */
int op_sync_wait(struct machine *m, const struct step_sync_wait *s) {
  struct report r;
  ssize_t n = CALL(m, "read", read(m->sync, &r, sizeof r));
  if (n < 0) return (int)n;
  if (n == 0) return -ECONNRESET;
  return n == (ssize_t)sizeof r && r.kind == REPORT_SYNC && r.value == (uint64_t)s->point ? 0 : -EPROTO;
}

int op_sync_send(struct machine *m, const struct step_sync_send *s) {
  if (s->passes > 0) return machine_pass(m, machine_fd(m, s->fd), (uint32_t)s->point);
  m->syscall = "write";
  return machine_report(m, REPORT_SYNC, s->fd < 0 ? -1 : machine_fd(m, s->fd), (uint32_t)s->point);
}

int op_start_wait(struct machine *m, const struct step_start_wait *s) {
  char request;
  /* From here on `start` reads the reports. */
  m->sync = machine_fd(m, s->report);
  ssize_t n = CALL(m, "read", read(machine_fd(m, s->request), &request, 1));
  if (n < 0) return (int)n;
  if (n != 1) return -EPROTO; /* init holds the FIFO open for writing, so this is a seccomp filter's value */
  return 0;
}

/* The cgroup is at its limit of processes. The runtime makes room (addon/runtime/crowded.h) or answers EAGAIN too. */
static int ask_for_room(struct machine *m) {
  struct report r = {.kind = 0};
  int result = machine_report(m, REPORT_CROWDED, 0, 0);
  if (result < 0) return result;
  ssize_t n = CALL(m, "clone3", read(m->sync, &r, sizeof r));
  if (n < 0) return (int)n;
  return r.kind == REPORT_CROWDED ? -r.error : -ECONNRESET;
}

int op_fork(struct machine *m, const struct step_fork *s) {
  (void)s;
  /* CLONE_PARENT: the runtime, not this process, must be the parent that reaps the container process. */
  struct clone_args args = {.flags = CLONE_PARENT};
  long pid = CALL(m, "clone3", syscall(SYS_clone3, &args, sizeof args));
  if (pid == -EAGAIN) {
    pid = ask_for_room(m);
    if (pid == 0) pid = CALL(m, "clone3", syscall(SYS_clone3, &args, sizeof args));
  }
  if (pid < 0) return (int)pid;
  if (pid > 0) machine_exit(0);
  return machine_report(m, REPORT_PID, 0, 0);
}

static int check_executable(struct machine *m, const char *path, int64_t resolve) {
  struct kernel_open_how how = {.flags = O_PATH, .resolve = (uint64_t)resolve};
  struct stat st;
  CLEANUP_FD int fd = path_open(m, AT_FDCWD, path, &how);
  m->syscall = "execve";
  if (fd < 0) return fd;
  int result = (int)CALL(m, "execve", fstat(fd, &st));
  if (result < 0) return result;
  if (S_ISDIR(st.st_mode)) return -EISDIR;
  if (!S_ISREG(st.st_mode)) return -EACCES;
  return (int)CALL(m, "execve", syscall(SYS_faccessat2, fd, "", X_OK, AT_EACCESS | AT_EMPTY_PATH));
}

/* Like execvpe(3), but before the start, so that a missing program is an error of `create`, not of `start`. */
int op_find_executable(struct machine *m, const struct step_find_executable *s) {
  int error = -ENOENT;
  for (uint64_t i = 0; i < s->candidates.count; i++) {
    int result = check_executable(m, s->candidates.items[i], s->resolve);
    if (result == 0) {
      m->program = s->candidates.items[i];
      return 0;
    }
    if (s->candidates.count == 1 || (result != -ENOENT && result != -ENOTDIR)) error = result;
  }
  return error;
}

/* ---- HOME ---- */

/* Returns the length of field n of a line of passwd(5) and points *field at it. */
static size_t passwd_field(const char *line, const char *end, int n, const char **field) {
  while (n-- > 0) {
    line = memchr(line, ':', (size_t)(end - line));
    if (!line) return 0;
    line++;
  }
  const char *stop = memchr(line, ':', (size_t)(end - line));
  *field = line;
  return (size_t)((stop ? stop : end) - line);
}

static int names_uid(const char *line, const char *end, int64_t uid) {
  const char *field = NULL;
  size_t length = passwd_field(line, end, 2, &field);
  int64_t value = 0;
  if (length == 0 || length > 10) return 0;
  for (size_t i = 0; i < length; i++) {
    if (field[i] < '0' || field[i] > '9') return 0;
    value = value * 10 + (field[i] - '0');
  }
  return value == uid;
}

/* The image's passwd file is hostile: init reads only the first 64 KB of a regular file, and ignores a home directory
 * that is not absolute. */
int op_find_home(struct machine *m, const struct step_find_home *s) {
  static char text[65536], home[5 + 4096] = "HOME=";
  struct stat st;
  struct kernel_open_how how = {.flags = O_RDONLY | O_NONBLOCK | O_NOCTTY, .resolve = (uint64_t)s->resolve};
  CLEANUP_FD int fd = path_open(m, AT_FDCWD, "/etc/passwd", &how);
  if (fd < 0) return fd == -ENXIO ? 0 : fd; /* a socket, or a device without a driver */
  if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) return 0;
  ssize_t size = read(fd, text, sizeof text);
  const char *end = text + (size > 0 ? size : 0);
  for (const char *line = text; line < end;) {
    const char *stop = memchr(line, '\n', (size_t)(end - line));
    if (!stop) stop = end;
    const char *field = NULL;
    if (names_uid(line, stop, s->uid)) {
      size_t length = passwd_field(line, stop, 5, &field);
      if (length == 0 || length >= sizeof home - 5 || field[0] != '/') return 0;
      memcpy(home + 5, field, length);
      m->home = home;
      return 0;
    }
    line = stop + 1;
  }
  return 0;
}

int op_dup3(struct machine *m, const struct step_dup3 *s) {
  int as = (int)s->as;
  if (m->fds[s->fd] == as) return (int)CALL(m, "fcntl", fcntl(as, F_SETFD, 0));
  for (uint32_t slot = 0; slot < m->slot_count; slot++) {
    if (m->fds[slot] != as) continue;
    int moved = (int)CALL(m, "fcntl", fcntl(as, F_DUPFD_CLOEXEC, as + 1));
    if (moved < 0) return moved;
    m->fds[slot] = moved;
    if (m->sync == as) m->sync = moved;
  }
  int result = (int)CALL(m, "dup3", dup3(machine_fd(m, s->fd), as, 0));
  return result < 0 ? result : 0;
}

int op_execve(struct machine *m, const struct step_execve *s) {
  int result = give_home(m, &s->env);
  if (result < 0) return result;
  result = (int)CALL(m, "execve", execve(m->program, s->args.items, s->env.items));
  return result < 0 ? result : -EPERM; /* a filter may deny the call with errno 0 */
}
