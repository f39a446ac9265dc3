// Kernel constants under their kernel names (fcntl.h, mount.h, sched.h, prctl.h, capability.h, stat.h, magic.h of the
// UAPI). constants.test.ts compares them with the headers of the machine.

export const O_RDONLY = 0
export const O_WRONLY = 1
export const O_RDWR = 2
export const O_CREAT = 0o100
export const O_APPEND = 0o2000
export const O_NONBLOCK = 0o4000
export const O_DIRECTORY = 0o200000
export const O_NOFOLLOW = 0o400000
export const O_CLOEXEC = 0o2000000
export const O_PATH = 0o10000000

export const AT_EMPTY_PATH = 0x1000
export const AT_RECURSIVE = 0x8000
export const AT_SYMLINK_NOFOLLOW = 0x100

export const RESOLVE_NO_XDEV = 0x01
export const RESOLVE_NO_MAGICLINKS = 0x02
export const RESOLVE_NO_SYMLINKS = 0x04
export const RESOLVE_BENEATH = 0x08
export const RESOLVE_IN_ROOT = 0x10

export const OPEN_TREE_CLONE = 1
export const OPEN_TREE_CLOEXEC = O_CLOEXEC

export const FSCONFIG_SET_FLAG = 0
export const FSCONFIG_SET_STRING = 1
export const FSCONFIG_SET_FD = 5
export const FSCONFIG_CMD_CREATE = 6
export const FSCONFIG_CMD_RECONFIGURE = 7

export const MOUNT_ATTR_RDONLY = 0x01
export const MOUNT_ATTR_NOSUID = 0x02
export const MOUNT_ATTR_NODEV = 0x04
export const MOUNT_ATTR_NOEXEC = 0x08
export const MOUNT_ATTR__ATIME = 0x70
export const MOUNT_ATTR_RELATIME = 0x00
export const MOUNT_ATTR_NOATIME = 0x10
export const MOUNT_ATTR_STRICTATIME = 0x20
export const MOUNT_ATTR_NODIRATIME = 0x80
export const MOUNT_ATTR_IDMAP = 0x100000
export const MOUNT_ATTR_NOSYMFOLLOW = 0x200000

export const MS_RDONLY = 1
export const MS_NOSUID = 2
export const MS_NODEV = 4
export const MS_NOEXEC = 8
export const MS_NOSYMFOLLOW = 256
export const MS_NOATIME = 1024
export const MS_NODIRATIME = 2048
export const MS_BIND = 4096
export const MS_MOVE = 8192
export const MS_REC = 16384
export const MS_UNBINDABLE = 1 << 17
export const MS_PRIVATE = 1 << 18
export const MS_SLAVE = 1 << 19
export const MS_SHARED = 1 << 20
export const MS_RELATIME = 1 << 21
export const MS_STRICTATIME = 1 << 24

export const MNT_DETACH = 2
export const UMOUNT_NOFOLLOW = 8

export const CLONE_NEWTIME = 0x00000080
export const CLONE_NEWNS = 0x00020000
export const CLONE_NEWCGROUP = 0x02000000
export const CLONE_NEWUTS = 0x04000000
export const CLONE_NEWIPC = 0x08000000
export const CLONE_NEWUSER = 0x10000000
export const CLONE_NEWPID = 0x20000000
export const CLONE_NEWNET = 0x40000000

export const S_IFIFO = 0o010000
export const S_IFCHR = 0o020000
export const S_IFBLK = 0o060000

export const PROC_SUPER_MAGIC = 0x9fa0
export const DEVPTS_SUPER_MAGIC = 0x1cd1

export const PR_SET_DUMPABLE = 4
export const PR_SET_KEEPCAPS = 8
export const PR_SET_NO_NEW_PRIVS = 38

export const SECCOMP_FILTER_FLAG_NEW_LISTENER = 8

export const EPERM = 1
export const ENOENT = 2
export const ESRCH = 3
export const EBADF = 9
export const EACCES = 13
export const EBUSY = 16
export const EEXIST = 17
export const ENOTDIR = 20
export const EINVAL = 22
export const ENOSPC = 28
export const EROFS = 30
export const ENOSYS = 38
export const ELOOP = 40
export const EOPNOTSUPP = 95

/** signal(7). */
export const SIGHUP = 1
export const SIGINT = 2
export const SIGTERM = 15

/** A device number as the kernel's dev_t in user space (makedev(3)). */
export const makedev = (major: number, minor: number): number =>
  (minor & 0xff) + (major & 0xfff) * 0x100 + (minor >>> 8) * 0x100000 + Math.floor(major / 0x1000) * 0x100000000000
