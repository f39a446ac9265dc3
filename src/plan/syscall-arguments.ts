// How many arguments a system call has, and which of them are strings: for messages about calls (run --seccomp-log). From the
// kernel's own description, events/syscalls/sys_enter_NAME/format of tracefs (Linux 6.18, x86-64).

/** By form: a letter for each argument, `s` a string of the program, `x` anything else. */
const forms: Readonly<Record<string, string>> = {
  '':
    'fork getegid geteuid getgid getpgrp getpid getppid gettid getuid inotify_init munlockall pause ' +
    'restart_syscall rt_sigreturn sched_yield setsid sync uprobe uretprobe vfork vhangup',
  s: 'acct chdir chroot mq_unlink rmdir swapoff unlink',
  x:
    'adjtimex alarm brk close dup epoll_create epoll_create1 eventfd exit exit_group fchdir fdatasync ' +
    'fsync getpgid getsid inotify_init1 io_destroy iopl memfd_secret mlockall personality pipe pkey_free ' +
    'sched_get_priority_max sched_get_priority_min sched_getscheduler set_tid_address setfsgid setfsuid ' +
    'setgid setuid shmdt syncfs sysinfo time timer_delete timer_getoverrun times umask uname unshare ' +
    'userfaultfd',
  ss: 'link lremovexattr pivot_root removexattr rename symlink',
  sx: 'access chmod creat fsopen lstat memfd_create mkdir stat statfs swapon truncate umount2',
  xs: 'fremovexattr',
  xx:
    'arch_prctl capget capset clock_adjtime clock_getres clock_gettime clock_settime clone3 dup2 eventfd2 ' +
    'fanotify_init fchmod flock fstat fstatfs ftruncate getcwd getgroups getitimer getpriority getrlimit ' +
    'getrusage gettimeofday inotify_rm_watch io_setup io_uring_setup ioprio_get kill ' +
    'landlock_restrict_self listen mlock mq_notify msgget munlock munmap nanosleep pidfd_open pipe2 ' +
    'pkey_alloc process_mrelease rt_sigpending rt_sigsuspend sched_getparam sched_rr_get_interval ' +
    'sched_setparam set_robust_list setdomainname setgroups sethostname setns setpgid setregid setreuid ' +
    'setrlimit settimeofday shutdown sigaltstack timer_gettime timerfd_create timerfd_gettime tkill ' +
    ' ustat utime utimes',
  sxs: 'symlinkat',
  sxx: 'chown execve lchown listxattr llistxattr mknod open readlink',
  xsx: 'faccessat fchmodat fspick futimesat inotify_add_watch mkdirat open_tree unlinkat',
  xxx:
    'accept bind bpf close_range connect dup3 fchown fcntl flistxattr fsmount get_robust_list getcpu ' +
    'getdents getdents64 getpeername getrandom getresgid getresuid getsockname io_cancel io_submit ioctl ' +
    'ioperm ioprio_set landlock_create_ruleset lseek lsm_list_modules madvise membarrier mincore mlock2 ' +
    'modify_ldt mprotect mq_getsetattr mseal msgctl msync open_by_handle_at pidfd_getfd poll read ' +
    'readahead readv recvmsg rt_sigqueueinfo sched_getaffinity sched_setaffinity sched_setattr ' +
    'sched_setscheduler seccomp semget semop sendmsg set_mempolicy setitimer setpriority setresgid ' +
    'setresuid shmat shmctl shmget signalfd socket sysfs syslog tgkill timer_create write writev',
  sssx: 'request_key',
  ssxx: 'getxattr lgetxattr',
  sxxx: 'mq_open',
  xsxs: 'removexattrat renameat',
  xsxx: 'faccessat2 fchmodat2 fgetxattr mknodat newfstatat openat openat2 quotactl readlinkat utimensat',
  xxxx:
    'accept4 cachestat clock_nanosleep epoll_ctl epoll_wait fadvise64 fallocate futex_requeue futex_wake ' +
    'io_uring_register landlock_add_rule listmount lsm_get_self_attr lsm_set_self_attr migrate_pages ' +
    'msgsnd pidfd_send_signal pkey_mprotect pread64 prlimit64 ptrace pwrite64 quotactl_fd reboot rseq ' +
    'rt_sigaction rt_sigprocmask rt_sigtimedwait rt_tgsigqueueinfo sched_getattr semctl semtimedop ' +
    'sendfile sendmmsg set_mempolicy_home_node signalfd4 socketpair statmount sync_file_range tee ' +
    'timer_settime timerfd_settime vmsplice wait4',
  sssxx: 'mount',
  ssxxx: 'add_key lsetxattr setxattr',
  xsxsx: 'linkat move_mount renameat2',
  xsxxx:
    'execveat fchownat file_getattr file_setattr fsetxattr listxattrat mount_setattr name_to_handle_at ' +
    'open_tree_attr statx',
  xxsxx: 'fsconfig',
  xxxxs: 'fanotify_mark',
  xxxxx:
    'clone futex_waitv get_mempolicy getsockopt io_getevents kcmp keyctl mq_timedreceive mq_timedsend ' +
    'mremap msgrcv perf_event_open ppoll prctl preadv process_madvise pwritev recvmmsg remap_file_pages ' +
    'select setsockopt waitid',
  xsxsxx: 'getxattrat setxattrat',
  xxxxxx:
    'copy_file_range epoll_pwait epoll_pwait2 futex futex_wait io_pgetevents io_uring_enter mbind mmap ' +
    'move_pages preadv2 process_vm_readv process_vm_writev pselect6 pwritev2 recvfrom sendto splice',
}

const formOf: ReadonlyMap<string, string> = new Map(
  Object.entries(forms).flatMap(([form, names]) => names.split(' ').map((name) => [name, form] as const)),
)

/** As `forms`; six words for a call that this kernel does not have. */
export const argumentsOf = (name: string): string => formOf.get(name) ?? 'xxxxxx'
