/*
 * A profile that means what Docker's default profile means on x86_64 (Docker 27, the default capabilities, a current
 * kernel), written for the benchmarks and tests: by topic, where Docker lists alphabetically. What is not named gets EPERM.
 */
import type { Seccomp } from '../src/seccomp.ts'

const words = (text: string) => text.trim().split(/\s+/)

const files = words(`
  open openat openat2 creat close close_range access faccessat faccessat2 stat lstat fstat newfstatat stat64 lstat64
  fstat64 fstatat64 statx statfs fstatfs statfs64 fstatfs64 read write readv writev pread64 pwrite64 preadv pwritev
  preadv2 pwritev2 lseek _llseek truncate ftruncate truncate64 ftruncate64 fallocate fadvise64 fadvise64_64 readahead
  sync fsync fdatasync syncfs sync_file_range flock fcntl fcntl64 ioctl dup dup2 dup3 pipe pipe2 getdents getdents64
  mkdir mkdirat rmdir mknod mknodat link linkat unlink unlinkat symlink symlinkat readlink readlinkat rename renameat
  renameat2 chdir fchdir getcwd chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat chown32 fchown32 lchown32
  umask utime utimes futimesat utimensat utimensat_time64 name_to_handle_at splice tee vmsplice sendfile sendfile64
  copy_file_range cachestat chroot
`)

const attributes = words(`
  getxattr lgetxattr fgetxattr setxattr lsetxattr fsetxattr listxattr llistxattr flistxattr removexattr lremovexattr
  fremovexattr
`)

const waiting = words(`
  poll ppoll ppoll_time64 select _newselect pselect6 pselect6_time64 epoll_create epoll_create1 epoll_ctl epoll_wait
  epoll_pwait epoll_pwait2 epoll_ctl_old epoll_wait_old eventfd eventfd2 signalfd signalfd4 inotify_init inotify_init1
  inotify_add_watch inotify_rm_watch fanotify_mark io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents
  io_pgetevents_time64
`)

const memory = words(`
  brk mmap mmap2 munmap mremap mprotect madvise mincore msync mlock mlock2 mlockall munlock munlockall remap_file_pages
  memfd_create memfd_secret membarrier pkey_alloc pkey_free pkey_mprotect map_shadow_stack process_mrelease
`)

const processes = words(`
  fork vfork execve execveat exit exit_group wait4 waitid waitpid kill tkill tgkill pause getpid getppid gettid getpgid
  getpgrp setpgid getsid setsid getpriority setpriority getrlimit setrlimit ugetrlimit prlimit64 getrusage times sysinfo
  uname getcpu prctl arch_prctl modify_ldt set_tid_address set_robust_list get_robust_list set_thread_area
  get_thread_area rseq restart_syscall pidfd_open pidfd_send_signal ioprio_get ioprio_set futex futex_time64 futex_waitv
  futex_wait futex_wake futex_requeue sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr
  sched_getparam sched_setparam sched_getscheduler sched_setscheduler sched_get_priority_max sched_get_priority_min
  sched_rr_get_interval sched_rr_get_interval_time64 ptrace process_vm_readv process_vm_writev
`)

const identity = words(`
  getuid geteuid getgid getegid getuid32 geteuid32 getgid32 getegid32 getresuid getresgid getresuid32 getresgid32
  getgroups getgroups32 setuid setgid setuid32 setgid32 setreuid setregid setreuid32 setregid32 setresuid setresgid
  setresuid32 setresgid32 setfsuid setfsgid setfsuid32 setfsgid32 setgroups setgroups32 capget capset seccomp
  landlock_create_ruleset landlock_add_rule landlock_restrict_self getrandom
`)

const signals = words(`
  rt_sigaction rt_sigprocmask rt_sigpending rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_sigqueueinfo
  rt_tgsigqueueinfo rt_sigreturn sigaltstack sigprocmask sigreturn alarm getitimer setitimer
`)

const clocks = words(`
  time gettimeofday nanosleep clock_gettime clock_gettime64 clock_getres clock_getres_time64 clock_nanosleep
  clock_nanosleep_time64 clock_adjtime clock_adjtime64 adjtimex timer_create timer_delete timer_getoverrun timer_gettime
  timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime
  timerfd_settime64
`)

const messages = words(`
  socketpair bind listen accept accept4 connect shutdown getsockname getpeername getsockopt setsockopt send sendto
  sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64 socketcall mq_open mq_unlink mq_notify mq_getsetattr
  mq_timedsend mq_timedsend_time64 mq_timedreceive mq_timedreceive_time64 ipc msgget msgctl msgsnd msgrcv semget semctl
  semop semtimedop semtimedop_time64 shmget shmctl shmat shmdt
`)

const AF_VSOCK = 40
const ENOSYS = 38
const NAMESPACES = 0x7e020000
const PERSONALITIES = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff]

/** The profile as an engine puts it into config.json. */
export const dockerDefault: Seccomp = {
  defaultAction: 'SCMP_ACT_ERRNO',
  defaultErrnoRet: 1,
  architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
  syscalls: [
    {
      names: [files, attributes, waiting, memory, processes, identity, signals, clocks, messages].flat(),
      action: 'SCMP_ACT_ALLOW',
    },
    { names: ['socket'], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value: AF_VSOCK, op: 'SCMP_CMP_NE' }] },
    ...PERSONALITIES.map((value) => ({
      names: ['personality'],
      action: 'SCMP_ACT_ALLOW' as const,
      args: [{ index: 0, value, op: 'SCMP_CMP_EQ' as const }],
    })),
    {
      names: ['clone'],
      action: 'SCMP_ACT_ALLOW',
      args: [{ index: 0, value: NAMESPACES, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
    },
    { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
  ],
}
