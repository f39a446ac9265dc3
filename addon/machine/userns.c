/* User namespaces that only carry mappings, for id-mapped mounts (mount_setattr(2), MOUNT_ATTR_IDMAP): the kernel takes
 * a descriptor of one, and a namespace needs a process to be created. In the runtime only. */
#include "machine.h"

#ifndef RUNT_INIT
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "kernel.h"
#include "text.h"

static int open_in_proc(struct machine *m, int pid, const char *file, int flags) {
  char path[48] = "/proc/";
  text_append_number(path, sizeof path, (uint64_t)pid, 10);
  text_append(path, sizeof path, file);
  return (int)CALL(m, "open", open(path, flags | O_CLOEXEC | O_NOFOLLOW));
}

static int write_map(struct machine *m, int pid, const char *file, const char *map) {
  CLEANUP_FD int fd = open_in_proc(m, pid, file, O_WRONLY);
  if (fd < 0) return fd;
  ssize_t n = CALL(m, "write", write(fd, map, strlen(map)));
  return n < 0 ? (int)n : 0;
}

/* The child is a copy, not CLONE_VM: other threads of Node keep running, and the child must live until the maps are
 * written. It only waits to be killed, and ends with the runtime's thread. */
static int fork_into_namespace(struct machine *m) {
  struct clone_args args = {.flags = CLONE_NEWUSER, .exit_signal = 0};
  long pid = CALL(m, "clone3", syscall(SYS_clone3, &args, sizeof args));
  if (pid != 0) return (int)pid;
  syscall(SYS_prctl, 1 /* PR_SET_PDEATHSIG */, SIGKILL, 0L, 0L, 0L);
  for (;;) syscall(SYS_ppoll, NULL, 0, NULL, NULL, 8);
}

int op_make_userns(struct machine *m, const struct step_make_userns *s) {
  int pid = fork_into_namespace(m);
  if (pid < 0) return pid;
  int result = write_map(m, pid, "/uid_map", s->uid_map);
  if (result == 0) result = write_map(m, pid, "/gid_map", s->gid_map);
  int fd = result;
  if (result == 0) {
    char path[48] = "/proc/";
    text_append_number(path, sizeof path, (uint64_t)pid, 10);
    text_append(path, sizeof path, "/ns/user");
    fd = (int)CALL(m, "open", open(path, O_RDONLY | O_CLOEXEC));
  }
  kill(pid, SIGKILL);
  waitpid(pid, NULL, __WALL);
  if (fd < 0) return fd;
  machine_fill(m, s->into, fd);
  return 0;
}
#endif
