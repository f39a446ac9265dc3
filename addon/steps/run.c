/* The machine's loop and its switch: one case per operation, one call per case. Skipping steps whose slots are empty,
 * tolerated errors and the slot table are handled here, once for all operations. */
#define STEP_TABLES
#include "../weaken.h"
#include "machine.h"

#include <fcntl.h>
#include <string.h>

#include "faults/faults.h"

int machine_fd(const struct machine *m, int64_t slot) {
  return slot < 0 ? AT_FDCWD : m->fds[slot];
}

void machine_fill(struct machine *m, int64_t slot, int fd) {
  if (slot < 0) return;
  if (m->fds[slot] >= 0 && !WEAKENED("descriptors")) close(m->fds[slot]);
  m->fds[slot] = fd;
}

/* A step that reads an empty slot is skipped: the step that should have filled it was allowed to fail. Only clone is
 * not: its cgroup is a wish, the process is not. The slots that the step fills are emptied first, so that a skipped or
 * tolerated step never leaves an old descriptor behind. */
static int reads_empty_slot(struct machine *m, const struct step *s) {
  int empty = 0;
  const struct step_shape *shape = &step_shapes[s->op];
  const struct step_field *field = &step_fields[shape->first_field];
  for (int i = 0; i < shape->field_count; i++, field++) {
    int64_t slot = ((const int64_t *)s)[field->word];
    if (field->kind == FIELD_SLOT && slot >= 0 && m->fds[slot] < 0) empty = s->op != OP_clone;
    if (field->kind == FIELD_INTO) machine_fill(m, slot, -1);
  }
  return empty;
}

static int is_tolerated(const struct step *s, int error) {
  for (int i = 0; i < PLAN_TOLERATE; i++)
    if (s->tolerate[i] != 0 && s->tolerate[i] == -error) return 1;
  return 0;
}

#ifdef RUNT_INIT
static int execute_here(struct machine *m, const struct step *s) {
  switch (s->op) {
  case OP_fork:
    return op_fork(m, (const struct step_fork *)s);
  case OP_start_wait:
    return op_start_wait(m, (const struct step_start_wait *)s);
  case OP_find_executable:
    return op_find_executable(m, (const struct step_find_executable *)s);
  case OP_find_home:
    return op_find_home(m, (const struct step_find_home *)s);
  case OP_dup3:
    return op_dup3(m, (const struct step_dup3 *)s);
  case OP_execve:
    return op_execve(m, (const struct step_execve *)s);
  default:
    m->syscall = "step";
    return -ENOSYS; /* a step of the other side */
  }
}
#else
static int execute_here(struct machine *m, const struct step *s) {
  switch (s->op) {
  case OP_socketpair:
    return op_socketpair(m, (const struct step_socketpair *)s);
  case OP_keep:
    return op_keep(m, (const struct step_keep *)s);
  case OP_receive_terminal:
    return op_receive_terminal(m, (const struct step_receive_terminal *)s);
  case OP_clone:
    return op_clone(m, (const struct step_clone *)s);
  case OP_make_userns:
    return op_make_userns(m, (const struct step_make_userns *)s);
  case OP_bpf_prog_attach:
    return op_bpf_prog_attach(m, (const struct step_bpf_prog_attach *)s);
  case OP_send_state:
    return op_send_state(m, (const struct step_send_state *)s);
  case OP_write_pid:
    return op_write_pid(m, (const struct step_write_pid *)s);
  case OP_write_child:
    return op_write_child(m, (const struct step_write_child *)s);
  case OP_map_ids:
    return op_map_ids(m, (const struct step_map_ids *)s);
  case OP_save_state:
  case OP_start_unit:
  case OP_attach_unit:
    return MACHINE_PAUSED; /* launch_resume goes on behind it */
  case OP_pidfd_open:
    return op_pidfd_open(m, (const struct step_pidfd_open *)s);
  case OP_sync_exec:
    return op_sync_exec(m, (const struct step_sync_exec *)s);
  case OP_claim_cgroup:
    return op_claim_cgroup(m, (const struct step_claim_cgroup *)s);
  case OP_setxattr:
    return op_setxattr(m, (const struct step_setxattr *)s);
  case OP_mkfifo:
    return op_mkfifo(m, (const struct step_mkfifo *)s);
  case OP_move_netdev:
    return op_move_netdev(m, (const struct step_move_netdev *)s);
  default:
    m->syscall = "step";
    return -ENOSYS; /* a step of the other side */
  }
}
#endif

static int execute(struct machine *m, const struct step *s) {
  switch (s->op) {
  case OP_openat2:
    return op_openat2(m, (const struct step_openat2 *)s);
  case OP_mkdirat:
    return op_mkdirat(m, (const struct step_mkdirat *)s);
  case OP_mknodat:
    return op_mknodat(m, (const struct step_mknodat *)s);
  case OP_symlinkat:
    return op_symlinkat(m, (const struct step_symlinkat *)s);
  case OP_write_file:
    return op_write_file(m, (const struct step_write_file *)s);
  case OP_write:
    return op_write(m, (const struct step_write *)s);
  case OP_fchownat:
    return op_fchownat(m, (const struct step_fchownat *)s);
  case OP_close:
    return op_close(m, (const struct step_close *)s);
  case OP_close_temporaries:
    return op_close_temporaries(m, (const struct step_close_temporaries *)s);
  case OP_open_tree:
    return op_open_tree(m, (const struct step_open_tree *)s);
  case OP_move_mount:
    return op_move_mount(m, (const struct step_move_mount *)s);
  case OP_fsopen:
    return op_fsopen(m, (const struct step_fsopen *)s);
  case OP_fsconfig:
    return op_fsconfig(m, (const struct step_fsconfig *)s);
  case OP_fspick:
    return op_fspick(m, (const struct step_fspick *)s);
  case OP_fsmount:
    return op_fsmount(m, (const struct step_fsmount *)s);
  case OP_mount_setattr:
    return op_mount_setattr(m, (const struct step_mount_setattr *)s);
  case OP_mount:
    return op_mount(m, (const struct step_mount *)s);
  case OP_umount2:
    return op_umount2(m, (const struct step_umount2 *)s);
  case OP_pivot_root:
    return op_pivot_root(m, (const struct step_pivot_root *)s);
  case OP_chroot:
    return op_chroot(m, (const struct step_chroot *)s);
  case OP_fchdir:
    return op_fchdir(m, (const struct step_fchdir *)s);
  case OP_chdir:
    return op_chdir(m, (const struct step_chdir *)s);
  case OP_copy_up:
    return op_copy_up(m, (const struct step_copy_up *)s);
  case OP_setns:
    return op_setns(m, (const struct step_setns *)s);
  case OP_unshare:
    return op_unshare(m, (const struct step_unshare *)s);
  case OP_sync_send:
    return op_sync_send(m, (const struct step_sync_send *)s);
  case OP_sync_wait:
    return op_sync_wait(m, (const struct step_sync_wait *)s);
  case OP_connect:
    return op_connect(m, (const struct step_connect *)s);
  case OP_run_hook:
    return op_run_hook(m, (const struct step_run_hook *)s);
  case OP_sethostname:
    return op_sethostname(m, (const struct step_sethostname *)s);
  case OP_setdomainname:
    return op_setdomainname(m, (const struct step_setdomainname *)s);
  case OP_link_up:
    return op_link_up(m, (const struct step_link_up *)s);
  case OP_join_session_keyring:
    return op_join_session_keyring(m, (const struct step_join_session_keyring *)s);
  case OP_open_pty:
    return op_open_pty(m, (const struct step_open_pty *)s);
  case OP_send_fd:
    return op_send_fd(m, (const struct step_send_fd *)s);
  case OP_setsid:
    return op_setsid(m, (const struct step_setsid *)s);
  case OP_set_terminal:
    return op_set_terminal(m, (const struct step_set_terminal *)s);
  case OP_prlimit:
    return op_prlimit(m, (const struct step_prlimit *)s);
  case OP_umask:
    return op_umask(m, (const struct step_umask *)s);
  case OP_fchown:
    return op_fchown(m, (const struct step_fchown *)s);
  case OP_reopen_null:
    return op_reopen_null(m, (const struct step_reopen_null *)s);
  case OP_setgroups:
    return op_setgroups(m, (const struct step_setgroups *)s);
  case OP_setresgid:
    return op_setresgid(m, (const struct step_setresgid *)s);
  case OP_setresuid:
    return op_setresuid(m, (const struct step_setresuid *)s);
  case OP_prctl:
    return op_prctl(m, (const struct step_prctl *)s);
  case OP_capbset_drop:
    return op_capbset_drop(m, (const struct step_capbset_drop *)s);
  case OP_capset:
    return op_capset(m, (const struct step_capset *)s);
  case OP_cap_ambient_raise:
    return op_cap_ambient_raise(m, (const struct step_cap_ambient_raise *)s);
  case OP_seccomp:
    return op_seccomp(m, (const struct step_seccomp *)s);
  case OP_personality:
    return op_personality(m, (const struct step_personality *)s);
  case OP_sched_setattr:
    return op_sched_setattr(m, (const struct step_sched_setattr *)s);
  case OP_sched_setaffinity:
    return op_sched_setaffinity(m, (const struct step_sched_setaffinity *)s);
  case OP_ioprio_set:
    return op_ioprio_set(m, (const struct step_ioprio_set *)s);
  case OP_set_mempolicy:
    return op_set_mempolicy(m, (const struct step_set_mempolicy *)s);
  case OP_close_range:
    return op_close_range(m, (const struct step_close_range *)s);
  case OP_reset_signals:
    return op_reset_signals(m, (const struct step_reset_signals *)s);
  default:
    return execute_here(m, s);
  }
}

int machine_run(struct machine *m) {
  while (m->index < m->step_count) {
    const struct step *s = m->next;
    m->next = (const struct step *)((const uint64_t *)s + s->words);
    int result = FAULT_STEP(m, step_shapes[s->op].op, reads_empty_slot(m, s) ? 0 : execute(m, s));
    if (result < 0 && !is_tolerated(s, result)) return result;
    if (result < 0) m->detail[0] = '\0'; /* what a tolerated failure said is not about a later one */
    m->index++;
    if (result == MACHINE_PAUSED) return MACHINE_PAUSED;
  }
  return 0;
}
