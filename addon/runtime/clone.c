/* The steps that create init: pidfd_open, for the namespaces that it joins, clone and map_ids. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "init_process.h"
#include "launch_state.h"
#include "process.h"
#include "spawn.h"
#include "weaken.h"

int op_pidfd_open(struct machine *m, const struct step_pidfd_open *s) {
  m->syscall = "pidfd_open";
  int fd = process_open((pid_t)s->pid, s->start_time);
  if (fd < 0) return fd;
  machine_fill(m, s->into, fd);
  return 0;
}

/* Moves the descriptors to init's slots. They are closed here once init has them. */
static void fill_init_slots(struct machine *m, const struct ints *inherit, int sync) {
  memset(launch.container->fds, 0xff, m->slot_count * sizeof launch.container->fds[0]);
  launch.container->fds[SLOT_SYNC] = sync;
  for (uint64_t i = 0; i < inherit->count; i++) {
    int64_t slot = inherit->items[i];
    launch.container->fds[slot] = m->fds[slot];
  }
}

/* Returns the slot of the i-th descriptor of the clone step: the inherited ones, then the cgroup's. */
static int64_t served_slot(const struct step_clone *s, uint64_t i) {
  return i < s->inherit.count ? s->inherit.items[i] : s->cgroup;
}

static void close_inherited(struct machine *m, const struct step_clone *s) {
  int low = INT32_MAX, high = -1;
  uint32_t open = 0;
  uint64_t count = s->inherit.count + (s->cgroup >= 0);
  for (uint64_t i = 0; i < count; i++) {
    int fd = m->fds[served_slot(s, i)];
    if (fd < 0) continue;
    low = fd < low ? fd : low;
    high = fd > high ? fd : high;
    open++;
  }
  if (open == 0) return;
  /* The descriptors were opened in a row, so their numbers are usually adjacent and one call closes them all. */
  int together = (uint32_t)(high - low) + 1 == open && syscall(SYS_close_range, low, high, 0) == 0;
  for (uint64_t i = 0; i < count; i++) {
    int32_t *fd = &m->fds[served_slot(s, i)];
    if (!together && *fd >= 0) close(*fd);
    *fd = -1;
  }
}

/* Other descriptors of the caller must not reach init or a helper program. */
static int hide_others(struct machine *m, const struct step_clone *s) {
  return WEAKENED("inherited") ? 0 : machine_hide(m, 3, &s->preserve);
}

int op_clone(struct machine *m, const struct step_clone *s) {
  int sync[2];
  int result = hide_others(m, s);
  if (result < 0) return result;
  result = (int)CALL(m, "socketpair", socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sync));
  if (result < 0) return result;
  m->sync = sync[0];
  CLEANUP_FD int init_sync = sync[1];
  int on = 1;
  if (s->forks) result = (int)CALL(m, "setsockopt", setsockopt(m->sync, SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
  if (result < 0) return result;
  for (uint64_t i = 0; i < s->inherit.count; i++)
    if (s->inherit.items[i] < 0 || s->inherit.items[i] >= m->slot_count) return -EINVAL;
  fill_init_slots(m, &s->inherit, init_sync);
  CLEANUP_FD int image = init_image_create(m, launch.container);
  if (image < 0) return image;
  result = spawn_init(m, image, launch.container, (uint64_t)s->flags, s->cgroup < 0 ? -1 : machine_fd(m, s->cgroup),
                      &s->preserve, s->enter != NULL);
  if (result < 0) return result;
  launch.event.pid = m->child;
  launch.forks = s->forks ? 1 : 0;
  launch.clone = s;
  close_inherited(m, s);
  result = WEAKENED("init-image") ? 0 : init_image_seal(m, image);
  return result < 0 ? result : machine_restore_nofile(m);
}

/* newuidmap(1) and newgidmap(1) are set-user-ID programs: they may write maps that an unprivileged runtime may not. */
int op_map_ids(struct machine *m, const struct step_map_ids *s) {
  const char *argv[3 * 340 + 3]; /* the kernel allows 340 lines */
  char pid[16];
  if (s->args.count + 3 > sizeof argv / sizeof argv[0]) return -E2BIG;
  snprintf(pid, sizeof pid, "%d", m->child);
  argv[0] = s->program;
  argv[1] = pid;
  memcpy(&argv[2], s->args.items, (s->args.count + 1) * sizeof argv[0]);
  struct spawn helper = {
      .path = s->program, .in_path = 1, .args = (char *const *)argv, .stdio = {-1, -1, -1}, .output = -1};
  siginfo_t end;
  int result = spawn(m, &helper);
  if (result == 0) result = spawn_wait(m, &helper, &end);
  if (result < 0 || (end.si_code == CLD_EXITED && end.si_status == 0)) return result;
  snprintf(m->detail, sizeof m->detail, "%s ended with status %d", s->program, end.si_status);
  m->syscall = s->program;
  return -ECHILD;
}
