/* Credentials: ids, capabilities, seccomp. Uses raw system calls: the C library's functions signal every thread of the
 * process, and init has one thread. */
#include "paths.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "weaken.h"
#include "kernel.h"
#include "text.h"

#define GROUPS_MAX 65536 /* setgroups(2): NGROUPS_MAX */

/* Refuses -1, which means "unchanged" to the kernel and would leave the process root. */
static int check_id(struct machine *m, int64_t id) {
  if (id >= 0 && id < UINT32_MAX) return 0;
  detail_begin(m, "not an id");
  return -EINVAL;
}

int op_fchown(struct machine *m, const struct step_fchown *s) {
  struct stat st;
  int result = check_id(m, s->uid);
  if (result == 0) result = (int)CALL(m, "fstat", fstat((int)s->fd, &st));
  if (result < 0) return result;
  if (st.st_uid == (uid_t)s->uid || (s->unless_rdev && st.st_rdev == (dev_t)s->unless_rdev)) return 0;
  return (int)CALL(m, "fchown", fchown((int)s->fd, (uid_t)s->uid, (gid_t)-1));
}

static int is_null(int fd) {
  struct stat st;
  return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

int op_reopen_null(struct machine *m, const struct step_reopen_null *s) {
  struct kernel_open_how how = {.flags = O_RDWR | O_NONBLOCK | O_NOCTTY, .resolve = (uint64_t)s->resolve};
  CLEANUP_FD int own = -1;
  for (int fd = 0; fd < 3; fd++) {
    if (!is_null(fd)) continue;
    /* Opened with O_NONBLOCK and then checked: the image may have put a FIFO or another device there. */
    if (own < 0) own = path_open(m, AT_FDCWD, s->path, &how);
    if (own < 0 || (!is_null(own) && !WEAKENED("rdev")) || fcntl(own, F_SETFL, 0) < 0) return 0;
    int result = (int)CALL(m, "dup3", dup3(own, fd, 0));
    if (result < 0) return result;
  }
  return 0;
}

int op_setgroups(struct machine *m, const struct step_setgroups *s) {
  static uint32_t gids[GROUPS_MAX]; /* untouched pages cost nothing */
  m->syscall = "setgroups";
  if (s->gids.count > GROUPS_MAX) return -EINVAL;
  for (uint64_t i = 0; i < s->gids.count; i++) {
    int result = check_id(m, s->gids.items[i]);
    if (result < 0) return result;
    gids[i] = (uint32_t)s->gids.items[i];
  }
  return (int)CALL(m, "setgroups", syscall(SYS_setgroups, (size_t)s->gids.count, gids));
}

int op_setresgid(struct machine *m, const struct step_setresgid *s) {
  m->syscall = "setresgid";
  int result = check_id(m, s->gid);
  if (result < 0) return result;
  return (int)CALL(m, "setresgid", syscall(SYS_setresgid, (uint32_t)s->gid, (uint32_t)s->gid, (uint32_t)s->gid));
}

int op_setresuid(struct machine *m, const struct step_setresuid *s) {
  m->syscall = "setresuid";
  int result = check_id(m, s->uid);
  if (result < 0) return result;
  return (int)CALL(m, "setresuid", syscall(SYS_setresuid, (uint32_t)s->uid, (uint32_t)s->uid, (uint32_t)s->uid));
}

int op_capbset_drop(struct machine *m, const struct step_capbset_drop *s) {
  for (uint64_t i = 0; i < s->capabilities.count; i++) {
    unsigned long capability = (unsigned long)s->capabilities.items[i];
    int result = (int)CALL(m, "prctl", syscall(SYS_prctl, PR_CAPBSET_DROP, capability, 0L, 0L, 0L));
    if (result < 0) {
      detail_begin(m, "PR_CAPBSET_DROP of capability ");
      detail_add_number(m, capability, 10);
      return result;
    }
  }
  return 0;
}

int op_capset(struct machine *m, const struct step_capset *s) {
  struct kernel_cap_header header = {.version = KERNEL_CAPABILITY_VERSION_3};
  struct kernel_cap_data data[2] = {
      {(uint32_t)s->effective, (uint32_t)s->permitted, (uint32_t)s->inheritable},
      {(uint32_t)(s->effective >> 32), (uint32_t)(s->permitted >> 32), (uint32_t)(s->inheritable >> 32)},
  };
  return (int)CALL(m, "capset", syscall(SYS_capset, &header, data));
}

int op_cap_ambient_raise(struct machine *m, const struct step_cap_ambient_raise *s) {
  for (uint64_t i = 0; i < s->capabilities.count; i++) {
    unsigned long capability = (unsigned long)s->capabilities.items[i];
    int result =
        (int)CALL(m, "prctl", syscall(SYS_prctl, PR_CAP_AMBIENT, (long)PR_CAP_AMBIENT_RAISE, capability, 0L, 0L));
    if (result == 0) continue;
    detail_begin(m, "PR_CAP_AMBIENT_RAISE of capability ");
    detail_add_number(m, capability, 10);
    int sent = machine_report(m, REPORT_WARNING, -result, (uint32_t)capability);
    if (sent < 0) return sent;
    m->detail[0] = '\0';
  }
  return 0;
}

int op_seccomp(struct machine *m, const struct step_seccomp *s) {
  uint64_t count = s->filter.length / KERNEL_BPF_INSN_SIZE;
  m->syscall = "seccomp";
  if (s->filter.length % KERNEL_BPF_INSN_SIZE || count == 0 || count > KERNEL_BPF_MAXINSNS) return -EINVAL;
  struct kernel_sock_fprog program = {.length = (uint16_t)count, .filter = s->filter.data};
  long result = CALL(m, "seccomp", syscall(SYS_seccomp, KERNEL_SECCOMP_SET_MODE_FILTER, (unsigned)s->flags, &program));
  if (result < 0) return (int)result;
  if (s->flags & KERNEL_SECCOMP_FILTER_FLAG_NEW_LISTENER) {
    machine_fill(m, s->into, (int)result);
    return 0;
  }
  return result == 0 ? 0 : -ESRCH; /* SECCOMP_FILTER_FLAG_TSYNC: the id of the thread that could not be synchronized */
}
