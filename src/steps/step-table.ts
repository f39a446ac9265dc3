// The vocabulary of launch plans: every kernel action a plan can contain, with its fields, by the side that executes
// it. These tables are the only definition: TypeScript's Step type is derived from them, and scripts/generate-steps.ts
// derives C's structs, the decoder's table, the handlers' prototypes and their calls (build/gen/steps.h). The comments
// here say what an operation does; op_NAME() in addon/machine/ does it.  Field types: 'slot' a descriptor slot that is
// read, 'into' a slot that is filled, 'slots' a list of slots, 'int' a 64-bit integer, 'string', 'strings', 'ints',
// 'bytes'. A trailing '?' makes the field optional: an absent slot means "the current directory" (AT_FDCWD) or "none",
// an absent int 0, an absent string NULL. The word after an int says how `runt plan` prints it: 'O_*' as flags with
// these names, '= SYNC_*' as the one constant with this value, or a format of plan/print-values.ts.
//
// Rules of the machine, for every operation:
// - A step that reads an empty slot is skipped: to make steps conditional on a path's existence, set
//   `onMissing: ON_MISSING_SKIP` on the step that fills the slot.
// - A step that fills a slot closes the descriptor that was in it.
// - `tolerate` lists up to four errnos after which the plan continues; the slot to be filled stays empty.
// - The first error ends the plan and is reported as (list, step index, system call, errno, detail).

/** Steps that either side may execute. */
export const bothSides = {
  // ---- files ----
  /**
   * openat2(2) of `path` below `at`. `onMissing`: fail, skip, make the directories (mkdir -p below `at`, mode 0755),
   * make the directories and an empty file, or make a directory or an empty file like `like`, always resolving inside
   * `at`. `expectFs` is a statfs magic and `expectRdev` a device number that the opened file must have (EBADF if not).
   * With O_NOFOLLOW a link of procfs fails with ELOOP; with `refuseProc` 1 so does a path on procfs that a link leads
   * to.
   */
  openat2: {
    at: 'slot?',
    path: 'string',
    flags: 'int O_*',
    mode: 'int? octal',
    resolve: 'int? RESOLVE_*',
    into: 'into',
    onMissing: 'int? = ON_MISSING_*',
    like: 'slot?',
    expectFs: 'int? = PROC_SUPER_MAGIC DEVPTS_SUPER_MAGIC',
    expectRdev: 'int? device',
    refuseProc: 'int?',
  },
  /**
   * openat2(2) of a path that is to be covered: `rest` below `mount`, a mount made for the container; if that leaves
   * the mount (EXDEV), or without `mount`, `path` in `root`. A missing path, also behind a link, leaves the slot empty.
   */
  open_covered: { root: 'slot', path: 'string', mount: 'slot?', rest: 'string?', into: 'into' },
  /** mkdirat(2) with mode; EEXIST is no error. `parents` 1 makes missing parents too (trusted host paths only). */
  mkdirat: { at: 'slot?', path: 'string', mode: 'int octal', parents: 'int?' },
  /** mknodat(2), then fchownat(2) unless uid and gid are 0. `mode` holds S_IFMT bits; an existing node of the same type and
   * number is accepted, anything else is EEXIST. `path` is one name: `at` is the opened parent. */
  mknodat: { at: 'slot', path: 'string', mode: 'int octal', rdev: 'int device', uid: 'int?', gid: 'int?' },
  /** symlinkat(2); an existing link with the same target is accepted. `path` is one name. */
  symlinkat: { target: 'string', at: 'slot', path: 'string' },
  /** openat(O_WRONLY|O_CLOEXEC|O_NOFOLLOW), one write(2) of `data`, close(2). With `expectFs`, fstatfs(2) must agree first.
   * `resolve` non-zero opens with openat2(2) and these RESOLVE_ flags. */
  write_file: {
    at: 'slot?',
    path: 'string',
    data: 'string',
    expectFs: 'int? = PROC_SUPER_MAGIC',
    resolve: 'int? RESOLVE_*',
  },
  /** write(2) of `data` to a descriptor that is already open. */
  write: { fd: 'slot', data: 'string' },
  /** setxattr(2). */
  setxattr: { path: 'string', name: 'string', value: 'string' },
  /** fchownat(2) of `path` below `at` (or of `at` itself when the path is empty: AT_EMPTY_PATH), never following a link. */
  fchownat: { at: 'slot', path: 'string', uid: 'int', gid: 'int' },
  /** close(2) of each slot that is filled; empties them. */
  close: { slots: 'slots' },
  /** close(2) of the slots 1 to `count`: the temporary ones of the section that ends (slots.ts). */
  close_temporaries: { count: 'int' },

  // ---- mounts ----
  /**
   * open_tree(2). With `resolve`, `path` is first opened by openat2(2) with these RESOLVE_ flags; with
   * AT_SYMLINK_NOFOLLOW in `flags` it may end in a link, but not of procfs (ELOOP). With `whenDirectory`/`whenFile`,
   * these slots hold the two candidates, the type (fstat) of `like`, the target, chooses the one to clone
   * (AT_EMPTY_PATH), and `path` is unused. `expectRdev` as in openat2; with `expectBlock` 1 of a block device.
   */
  open_tree: {
    at: 'slot?',
    path: 'string?',
    flags: 'int OPEN_TREE_CLONE AT_* O_CLOEXEC',
    resolve: 'int? RESOLVE_*',
    into: 'into',
    like: 'slot?',
    whenDirectory: 'slot?',
    whenFile: 'slot?',
    expectRdev: 'int? device',
    expectBlock: 'int?',
  },
  /**
   * move_mount(2) of the mount in `mount` onto the path opened in `to`, onto `path` below `to` (trusted directories
   * only), or onto `path` without `to`.
   */
  move_mount: { mount: 'slot', to: 'slot?', path: 'string?' },
  /** fsopen(2). */
  fsopen: { fstype: 'string', into: 'into' },
  /** fspick(2) of the file system mounted in `mount`, to change its options. */
  fspick: { mount: 'slot', into: 'into' },
  /**
   * fsconfig(2): `command` FSCONFIG_SET_FLAG (key), SET_STRING (key, value), SET_FD (key, fd), CMD_CREATE or
   * CMD_RECONFIGURE. With `modeOf` the value is the permission bits of that file, in octal. On failure the first
   * message of the file system's log is the detail.
   */
  fsconfig: { fs: 'slot', command: 'int = FSCONFIG_*', key: 'string?', value: 'string?', fd: 'slot?', modeOf: 'slot?' },
  /** fsmount(2) with MOUNT_ATTR_* `attributes`. */
  fsmount: { fs: 'slot', attributes: 'int? MOUNT_ATTR_*', into: 'into' },
  /** mount_setattr(2) on `fd` (AT_EMPTY_PATH) or on `path`. `flags` AT_RECURSIVE; `userns` with MOUNT_ATTR_IDMAP in `set`. */
  mount_setattr: {
    fd: 'slot?',
    path: 'string?',
    flags: 'int? AT_*',
    set: 'int? MOUNT_ATTR_*',
    clear: 'int? MOUNT_ATTR_*',
    propagation: 'int? MS_*',
    userns: 'slot?',
  },
  /**
   * mount(2), with paths relative to the current directory: only for what the new API lacks. `source`, `fstype` and
   * `data` may be absent.
   */
  mount: { source: 'string?', target: 'string', fstype: 'string?', flags: 'int? MS_*', data: 'string?' },
  /** umount2(2). */
  umount2: { path: 'string', flags: 'int? MNT_*' },
  /** pivot_root(".", "."): see pivot_root(2) NOTES; the old root is stacked on ".". */
  pivot_root: {},
  chroot: { path: 'string' },
  fchdir: { fd: 'slot' },
  /**
   * openat2(2) of `path` with `resolve`, then fchdir(2); then getcwd(2) must return a path that starts with "/"
   * (CVE-2024-21626). `create` 1: mkdir -p first, below the current root. `again` 1: do nothing if an earlier chdir
   * succeeded.
   */
  chdir: { path: 'string', resolve: 'int RESOLVE_*', create: 'int?', again: 'int?' },
  /** If the file system in `to` is a new tmpfs, copies the tree in `source` into it (tmpcopyup). */
  copy_up: { source: 'slot', to: 'slot' },

  // ---- namespaces and processes ----
  /**
   * setns(2) of `fd` for `nstype` (CLONE_NEW*, 0: any; a pidfd takes several). `once` 1: success empties the slot, so
   * that a second attempt to join the same namespace is skipped.
   */
  setns: { fd: 'slot', nstype: 'int CLONE_*', once: 'int?' },
  unshare: { flags: 'int CLONE_*' },
  /**
   * Tells the other side that `point` is reached. Init may hand over the descriptor `fd` with it: it writes only the
   * number by write(2), since a loaded seccomp filter may deny sendmsg(2). `passes` 1: init sends the descriptor
   * itself, by sendmsg(2).
   */
  sync_send: { point: 'int = SYNC_*', fd: 'slot?', passes: 'int?' },
  /**
   * Waits until the other side has reached `point`. It is an error if the other side ends. The runtime stores the
   * descriptor, which was passed or which it gets with pidfd_getfd(2), in `into`.
   */
  sync_wait: { point: 'int = SYNC_*', into: 'into?' },
  /**
   * Runs a hook to its end: fork, execve(path, args, env), stdin = `stdinHead` + pid + `stdinTail`, where an absent
   * `pid` is that of the container process as seen from here. `timeout` in seconds (0 none), then SIGKILL. `cwd`:
   * directory to run in, else the current one. `path` must resolve with `resolve`. `ownEnv` 1: the environment of this
   * process instead of `env`. `home` 1: the last entry of `env` is replaced by what find_home has found, as for execve.
   * `output`/`errors`: files to which the hook's stdout/stderr are appended.
   */
  run_hook: {
    path: 'string',
    resolve: 'int RESOLVE_*',
    args: 'strings',
    env: 'strings',
    timeout: 'int?',
    stdinHead: 'string',
    stdinTail: 'string',
    pid: 'int?',
    cwd: 'string?',
    ownEnv: 'int?',
    home: 'int?',
    output: 'slot?',
    errors: 'slot?',
  },

  // ---- the container's kernel objects ----
  sethostname: { name: 'string' },
  setdomainname: { name: 'string' },
  /** Sets a network interface up (netdevice(7), SIOCSIFFLAGS). */
  link_up: { name: 'string' },
  /** keyctl(KEYCTL_JOIN_SESSION_KEYRING, name), then permits possessor and user to search and read it. */
  join_session_keyring: { name: 'string' },

  // ---- terminal ----
  /**
   * Opens a new pseudo terminal of the devpts instance whose mount is in `devpts` (its ptmx), or of the host's
   * (absent). Gets `peer` by TIOCGPTPEER, never by path (CVE-2025-52565). Sets owner `uid`/`gid`, and the window size
   * if `columns` and `rows` are not 0. `plainNewlines` 1: no ONLCR (termios(3)).
   */
  open_pty: {
    devpts: 'slot?',
    master: 'into',
    peer: 'into',
    columns: 'int?',
    rows: 'int?',
    uid: 'int?',
    gid: 'int?',
    plainNewlines: 'int?',
  },
  /** Sends `fd` over the AF_UNIX socket `socket` (SCM_RIGHTS), with `name` as the data. */
  send_fd: { socket: 'slot', fd: 'slot', name: 'string' },
  /** setsid(2). */
  setsid: {},
  /** Makes `fd` the controlling terminal (TIOCSCTTY) and descriptors 0, 1 and 2. */
  set_terminal: { fd: 'slot' },

  // ---- the process ----
  /**
   * prlimit(2). `raise` 1: only raises the hard limit, which may need a privilege that is dropped later, and leaves the
   * soft limit unchanged.
   */
  prlimit: { resource: 'int rlimit', soft: 'int', hard: 'int', raise: 'int?' },
  umask: { mode: 'int octal' },
  /** fchown(2) of an inherited descriptor, by its number, unless it belongs to `uid` already or is the device `unlessRdev`. */
  fchown: { fd: 'int', uid: 'int', unlessRdev: 'int? device' },
  /**
   * Reopens each standard stream that is the null device (1:3) as `path` (openat2(2) with `resolve`), if that is a null
   * device: the container should not hold the host's, and CRIU could not restore it. A stream that cannot be reopened
   * is unchanged.
   */
  reopen_null: { path: 'string', resolve: 'int RESOLVE_*' },
  setgroups: { gids: 'ints' },
  setresgid: { gid: 'int' },
  setresuid: { uid: 'int' },
  /** prctl(2). */
  prctl: { option: 'int = PR_SET_*', arg2: 'int?' },
  /** prctl(PR_CAPBSET_DROP) for each of `capabilities`. */
  capbset_drop: { capabilities: 'ints capability' },
  /** capset(2): bit masks. */
  capset: { effective: 'int capabilities', permitted: 'int capabilities', inheritable: 'int capabilities' },
  /** prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE) for each; one that cannot be raised is reported as a warning. */
  cap_ambient_raise: { capabilities: 'ints capability' },
  /** seccomp(SECCOMP_SET_MODE_FILTER, flags, filter); with SECCOMP_FILTER_FLAG_NEW_LISTENER the descriptor fills `into`. */
  seccomp: { filter: 'bytes', flags: 'int SECCOMP_FILTER_FLAG_NEW_LISTENER', into: 'into?' },
  personality: { persona: 'int hex' },
  /** sched_setattr(2). */
  sched_setattr: {
    policy: 'int',
    flags: 'int?',
    nice: 'int?',
    priority: 'int?',
    runtime: 'int?',
    deadline: 'int?',
    period: 'int?',
  },
  /** sched_setaffinity(2) of the calling thread; `mask` is the CPU set, little endian. */
  sched_setaffinity: { mask: 'bytes' },
  ioprio_set: { priority: 'int' },
  /** set_mempolicy(2); `nodes` is the node mask, little endian. */
  set_mempolicy: { mode: 'int', nodes: 'bytes' },
  /**
   * close_range(2) of all descriptors from `first` up, except the slots in `keep` and the sync channel, which execve(2)
   * closes, and the numbers in `preserve` (sorted), which it leaves open.
   */
  close_range: { first: 'int', keep: 'slots', preserve: 'ints?' },
  /**
   * Resets every signal to its default and empties the mask. `ending`: signals that end this process with status 128 +
   * signal even as pid 1 of its pid namespace, which the kernel protects (pid_namespaces(7)). execve(2) resets them.
   */
  reset_signals: { ending: 'ints?' },
} as const satisfies Rows

/** Steps of the runtime, in its own namespaces. */
export const runtimeOnly = {
  /**
   * clone3(2) of init with `flags` (CLONE_NEW*), into the v2 cgroup opened in `cgroup`, if any (an empty slot does not
   * skip this step: an error at its opening was tolerated). The slots in `inherit` move to init: they are open there
   * and closed here. Of the caller's descriptors init only inherits the numbers in `preserve` (sorted). `forks` 1: init
   * will fork, so the runtime asks the kernel for the sender's pid with each message (SO_PASSCRED). CLONE_NEWUSER and
   * CLONE_NEWTIME must not be among the flags. `leave` and `enter` are for a container at its limit of processes:
   * cgroup.procs of the cgroup in which init may fork, and of the one that the child then moves to; with `enter`, init
   * itself may move to `cgroup` if it cannot be cloned into it.
   */
  clone: {
    flags: 'int CLONE_*',
    cgroup: 'slot?',
    inherit: 'slots',
    preserve: 'ints?',
    forks: 'int?',
    leave: 'string?',
    enter: 'string?',
  },
  /**
   * pidfd_open(2) of `pid`; fails with ESRCH unless it is still the process with `startTime` (proc_pid_stat(5), field
   * 22).
   */
  pidfd_open: { pid: 'int', startTime: 'string', into: 'into' },
  /**
   * Makes a user namespace with these mappings (lines of uid_map and gid_map) and no processes, for id-mapped mounts.
   */
  make_userns: { uidMap: 'string', gidMap: 'string', into: 'into' },
  /** bpf(BPF_PROG_LOAD) of a device program, bpf(BPF_PROG_ATTACH) to the cgroup whose directory is open in `cgroup`.
   * `replace` 1: then detaches the programs that were attached to this cgroup before. */
  bpf_prog_attach: { cgroup: 'slot', program: 'bytes', replace: 'int?' },
  /** Writes init's pid to the existing file `path`. */
  write_pid: { path: 'string' },
  /** Writes `data` to /proc/<pid of init>/`file` (uid_map, gid_map, setgroups, oom_score_adj). */
  write_child: { file: 'string', data: 'string' },
  /** Runs newuidmap/newgidmap: `program` <pid of init> `args`. */
  map_ids: { program: 'string', args: 'strings' },
  /** Waits until init has become the container process (execve(2) closes init's end of the socket). */
  sync_exec: {},
  /**
   * Locks the byte at `offset` of the file `path` (created if missing) with fcntl(2) F_OFD_SETLK until the descriptor
   * is closed, then checks that the cgroup's `list` of threads is empty. EAGAIN: another runtime holds the lock; EBUSY:
   * the cgroup is not empty.
   */
  claim_cgroup: { path: 'string', offset: 'int', list: 'string', into: 'into' },
  /** mkfifoat(2) `path` and open it O_RDWR, so that neither side blocks in open(2). */
  mkfifo: { path: 'string', mode: 'int octal', into: 'into' },
  /** socket(2), connect(2) to the AF_UNIX socket `path` of any length. `type` SOCK_STREAM or SOCK_SEQPACKET. */
  connect: { path: 'string', type: 'int?', into: 'into' },
  /** socketpair(2), SOCK_SEQPACKET. */
  socketpair: { ours: 'into', theirs: 'into' },
  /** Receives the pty master (SCM_RIGHTS) that init sends; TypeScript gets it with the event of the launch. */
  receive_terminal: { socket: 'slot' },
  /** Keeps `fd` open after the launch, for TypeScript: the event's `kept`. */
  keep: { fd: 'slot' },
  /**
   * Moves the network device `name` into the network namespace `netns` as `newName`, with its addresses, and sets it
   * up.
   */
  move_netdev: { name: 'string', newName: 'string', netns: 'slot?' },
  /** Sends `fd` over the stream socket `socket` (SCM_RIGHTS), with `parts` joined by init's pid as the data. */
  send_state: { socket: 'slot', fd: 'slot', parts: 'strings' },
} as const satisfies Rows

/** Steps of init. */
export const initOnly = {
  /**
   * clone3(CLONE_PARENT); the child sends a message on the sync socket, from which the runtime learns its pid, and
   * continues with the plan; the parent exits.
   */
  fork: {},
  /**
   * Waits until `runt start` writes a byte to the FIFO in `request`; writes later errors to the FIFO in `report`, which
   * execve(2) closes: that means that the container runs. Uses only read(2) and write(2), because a seccomp filter may
   * be loaded, and FIFOs, because their paths have no length limit as AF_UNIX addresses do.
   */
  start_wait: { request: 'slot', report: 'slot' },
  /**
   * Chooses the program: the first of `candidates` that is an executable regular file and resolves with `resolve`. If
   * there is none, fails with the error of the last candidate that exists, else ENOENT.
   */
  find_executable: { candidates: 'strings', resolve: 'int RESOLVE_*' },
  /**
   * Finds the home directory of `uid` in /etc/passwd of the current root (openat2(2) with `resolve`) and replaces the
   * last entry of the environment, 'HOME=/', by it.
   */
  find_home: { uid: 'int', resolve: 'int RESOLVE_*' },
  /** dup3(2) of `fd` to the number `as`, open at execve(2); a descriptor of another slot with that number is moved. */
  dup3: { fd: 'slot', as: 'int' },
  /** execve(2) of the program that find_executable chose. */
  execve: { args: 'strings', env: 'strings' },
} as const satisfies Rows

/** Steps of the runtime at which the machine stops (MACHINE_PAUSED): launch_resume() continues after them. */
export const typescriptOnly = {
  /** Returns to TypeScript, which writes state.json (and the pid file) and continues the plan. */
  save_state: {},
  /**
   * As save_state. TypeScript asks systemd to start the scope `unit` with these `properties` (NAME=VALUE, values as
   * GVariant text) and init as its first process (PIDs), and waits until systemd has moved init.
   */
  start_unit: { unit: 'string', properties: 'strings' },
  /** As save_state. TypeScript asks systemd to move init into `subgroup` ('' or '/path') of the cgroup of `unit`. */
  attach_unit: { unit: 'string', subgroup: 'string' },
} as const satisfies Rows

export const stepTable = { ...bothSides, ...runtimeOnly, ...initOnly, ...typescriptOnly }

type Kind = 'slot' | 'into' | 'slots' | 'int' | 'string' | 'strings' | 'ints' | 'bytes'
export type FieldType = Kind | `${Kind}?` | `${'int' | 'int?' | 'ints'} ${string}`
type Rows = Readonly<Record<string, Readonly<Record<string, FieldType>>>>
export type Op = keyof typeof stepTable
