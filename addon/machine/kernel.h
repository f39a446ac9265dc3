/* Kernel interfaces that the C library or its headers may lack: system call numbers, structures and constants. The
 * structures have their own names, so that they do not clash with those of any header. */
#ifndef RUNT_KERNEL_H
#define RUNT_KERNEL_H
#include <stdint.h>
#include <sys/syscall.h>

/* From 424 on the numbers are the same on every architecture. */
#ifndef SYS_open_tree
#define SYS_open_tree 428
#define SYS_move_mount 429
#define SYS_fsopen 430
#define SYS_fsconfig 431
#define SYS_fsmount 432
#define SYS_fspick 433
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

/* openat2(2) */
struct kernel_open_how {
  uint64_t flags;
  uint64_t mode;
  uint64_t resolve;
};
/* statx(2); only the mount id is used. */
struct kernel_statx {
  uint32_t mask;
  uint8_t others[140];
  uint64_t mount;
  uint8_t more[104];
};
enum { KERNEL_STATX_MNT_ID = 0x1000 };

/* magic.h */
enum { KERNEL_AUTOFS_MAGIC = 0x187, KERNEL_NSFS_MAGIC = 0x6e736673, KERNEL_PROC_SUPER_MAGIC = 0x9fa0 };
#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif

enum {
  KERNEL_RESOLVE_NO_XDEV = 0x01,
  KERNEL_RESOLVE_NO_MAGICLINKS = 0x02,
  KERNEL_RESOLVE_NO_SYMLINKS = 0x04,
  KERNEL_RESOLVE_BENEATH = 0x08,
  KERNEL_RESOLVE_IN_ROOT = 0x10,
};

/* mount_setattr(2) */
struct kernel_mount_attr {
  uint64_t attr_set;
  uint64_t attr_clr;
  uint64_t propagation;
  uint64_t userns_fd;
};
enum {
  KERNEL_FSOPEN_CLOEXEC = 0x1,
  KERNEL_FSMOUNT_CLOEXEC = 0x1,
  KERNEL_FSPICK_CLOEXEC = 0x1,
  KERNEL_FSPICK_EMPTY_PATH = 0x8,
  KERNEL_MOVE_MOUNT_F_EMPTY_PATH = 0x04,
  KERNEL_MOVE_MOUNT_T_EMPTY_PATH = 0x40,
};

/* memfd_create(2) */
enum { KERNEL_MFD_CLOEXEC = 0x1, KERNEL_MFD_NOEXEC_SEAL = 0x8 };

/* close_range(2) */
enum { KERNEL_CLOSE_RANGE_CLOEXEC = 0x4 };

/* statfs(2) */
enum { KERNEL_DEVPTS_SUPER_MAGIC = 0x1cd1 };

/* clone(2) */
enum { KERNEL_CLONE_PIDFD = 0x1000 };

/* waitid(2) */
enum { KERNEL_P_PIDFD = 3 };

/* ioctl_tty(2) */
#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif

/* rt_sigaction(2): all zeros mean SIG_DFL on every architecture. The kernel's set has 64 signals, unlike sigset_t of
 * some libraries. */
struct kernel_sigaction {
  uint64_t words[4];
};
enum { KERNEL_SIGNALS = 64, KERNEL_SIGSET_SIZE = 8 };

/* capset(2), version 3 */
struct kernel_cap_header {
  uint32_t version;
  int32_t pid;
};
struct kernel_cap_data {
  uint32_t effective;
  uint32_t permitted;
  uint32_t inheritable;
};
enum { KERNEL_CAPABILITY_VERSION_3 = 0x20080522 };

/* sched_setattr(2), as of Linux 3.14 */
struct kernel_sched_attr {
  uint32_t size;
  uint32_t policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime;
  uint64_t deadline;
  uint64_t period;
};

/* seccomp(2) */
struct kernel_sock_fprog {
  uint16_t length; /* in instructions */
  const void *filter;
};
enum {
  KERNEL_SECCOMP_SET_MODE_FILTER = 1,
  KERNEL_SECCOMP_FILTER_FLAG_NEW_LISTENER = 0x8,
  KERNEL_BPF_MAXINSNS = 4096,
  KERNEL_BPF_INSN_SIZE = 8,
};

/* ioprio_set(2) */
enum { KERNEL_IOPRIO_WHO_PROCESS = 1 };

/* keyctl(2) */
enum { KERNEL_KEYCTL_JOIN_SESSION_KEYRING = 1, KERNEL_KEYCTL_SETPERM = 5 };

#endif
