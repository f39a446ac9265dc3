// The vocabulary of launch plans: every kernel action a plan may hold, with its fields. This table is the only
// definition: TypeScript's Step type is derived from it, and scripts/generate-steps.ts derives the C structs and the
// decoder's table (build/gen/steps.h) from it. What an operation does is described here; addon/steps/ carries it out.
//
// Field types: 'slot' a descriptor slot that is read, 'into' a slot that is filled, 'int' a 64-bit integer, 'string',
// 'strings', 'ints', 'bytes'. A trailing '?' makes the field optional: an absent slot means "the current directory"
// (AT_FDCWD) or "none", an absent int 0, an absent string NULL.
//
// Rules of the machine, for every operation:
// - A step that reads a slot which is still empty is skipped: `onMissing: ON_MISSING_SKIP` on the step that would have
//   filled it is how a plan says "if it exists".
// - A step fills a slot that is in use by closing the old descriptor first.
// - `tolerate` lists up to four errnos after which the plan goes on; the slot to be filled stays empty.
// - The first error ends the plan and is reported as (list, step index, system call, errno, detail).

export const stepTable = {
  // ---- files ----
  /** openat2(2) of `path` below `at`. `onMissing`: fail, skip, make the directories (mkdir -p below `at`, mode 0755), make
   * the directories and an empty file, or make what `like` is (a directory, else an empty file), always resolving inside `at`. `expectFs` is a statfs magic and `expectRdev` a device
   * number which the opened file must have (a check that a hostile file is what it claims; EBADF if not). */
  openat2: {
    at: 'slot?',
    path: 'string',
    flags: 'int',
    mode: 'int?',
    resolve: 'int?',
    into: 'into',
    onMissing: 'int?',
    like: 'slot?',
    expectFs: 'int?',
    expectRdev: 'int?',
  },
  /** mkdirat(2) with mode; EEXIST is no error. `parents` 1 makes missing parents too (trusted host paths only). */
  mkdirat: { at: 'slot?', path: 'string', mode: 'int', parents: 'int?' },
  /** mknodat(2), then fchownat(2) unless uid and gid are 0. `mode` holds S_IFMT bits; an existing node of the same type and
   * number is accepted, anything else is EEXIST. `path` is one name: `at` is the opened parent. */
  mknodat: { at: 'slot', path: 'string', mode: 'int', rdev: 'int', uid: 'int?', gid: 'int?' },
  /** symlinkat(2); an existing link with the same target is accepted. `path` is one name. */
  symlinkat: { target: 'string', at: 'slot', path: 'string' },
  /** openat(O_WRONLY|O_CLOEXEC|O_NOFOLLOW), one write(2) of `data`, close(2). With `expectFs`, fstatfs(2) must agree first.
   * `resolve` non-zero opens with openat2(2) and these RESOLVE_ flags. */
  write_file: { at: 'slot?', path: 'string', data: 'string', expectFs: 'int?', resolve: 'int?' },
  /** write(2) of `data` to a descriptor that is already open. */
  write: { fd: 'slot', data: 'string' },
  /** fchownat(2) of `path` below `at` (or of `at` itself when the path is empty: AT_EMPTY_PATH), never following a link. */
  fchownat: { at: 'slot', path: 'string', uid: 'int', gid: 'int' },
  /** close(2) of each slot that is filled; they are empty then. */
  close: { slots: 'ints' },
  /** close(2) of each of the slots 1 to `count` that is filled: those of the section that ends (slots.ts). */
  close_temporaries: { count: 'int' },

  // ---- mounts ----
  /** open_tree(2). With `resolve`, `path` is opened by openat2(2) with these RESOLVE_ flags first. With `whenDirectory`/`whenFile`: those
   * slots hold the two candidates, `like` the target whose type (fstat) chooses the one that is cloned (AT_EMPTY_PATH); `path` is then
   * unused. `expectRdev` as in openat2; with `expectBlock` 1 of a block device. */
  open_tree: {
    at: 'slot?',
    path: 'string?',
    flags: 'int',
    resolve: 'int?',
    into: 'into',
    like: 'slot?',
    whenDirectory: 'slot?',
    whenFile: 'slot?',
    expectRdev: 'int?',
    expectBlock: 'int?',
  },
  /** move_mount(2) of the mount in `mount` onto the path opened in `to`, onto `path` below it (trusted
   * directories only), or onto `path` where there is no `to`. `beneath` 1: MOVE_MOUNT_BENEATH. */
  move_mount: { mount: 'slot', to: 'slot?', path: 'string?', flags: 'int?' },
  /** fsopen(2). */
  fsopen: { fstype: 'string', into: 'into' },
  /** fspick(2) of the file system mounted in `mount`, to change its options. */
  fspick: { mount: 'slot', into: 'into' },
  /** fsconfig(2): `command` FSCONFIG_SET_FLAG (key), SET_STRING (key, value), SET_FD (key, fd), CMD_CREATE or CMD_RECONFIGURE. With `modeOf`
   * the value is the permission bits of that file, in octal. On failure the first message of the file system's log is the detail. */
  fsconfig: { fs: 'slot', command: 'int', key: 'string?', value: 'string?', fd: 'slot?', modeOf: 'slot?' },
  /** fsmount(2) with MOUNT_ATTR_* `attributes`. */
  fsmount: { fs: 'slot', attributes: 'int?', into: 'into' },
  /** mount_setattr(2) on `fd` (AT_EMPTY_PATH) or on `path`. `flags` AT_RECURSIVE; `userns` with MOUNT_ATTR_IDMAP in `set`. */
  mount_setattr: {
    fd: 'slot?',
    path: 'string?',
    flags: 'int?',
    set: 'int?',
    clear: 'int?',
    propagation: 'int?',
    userns: 'slot?',
  },
  /** mount(2) on the current directory's terms: only for what the new API cannot do. `source`, `fstype`, `data` may be absent. */
  mount: { source: 'string?', target: 'string', fstype: 'string?', flags: 'int?', data: 'string?' },
  /** umount2(2). */
  umount2: { path: 'string', flags: 'int?' },
  /** pivot_root(".", "."): see pivot_root(2) NOTES; the old root ends up stacked on ".". */
  pivot_root: {},
  chroot: { path: 'string' },
  fchdir: { fd: 'slot' },
  /** openat2(2) of `path` with `resolve`, then fchdir(2); afterwards getcwd(2) must give a path that starts with "/"
   * (CVE-2024-21626). `create` 1: mkdir -p first, below the current root. */
  chdir: { path: 'string', resolve: 'int', create: 'int?' },
  /** If the file system in `at` is a fresh copy of `tmpfs`, copy the tree in `source` into it (tmpcopyup). */
  copy_up: { source: 'slot', to: 'slot' },

  // ---- namespaces and processes ----
  /** Runtime only: clone3(2) init with `flags` (CLONE_NEW*), into the v2 cgroup opened in `cgroup` if there is one (an empty slot
   * does not skip this step: what could not be opened was tolerated). The slots in
   * `inherit` are handed over: open in init, closed here. `forks` 1: init will fork, so the runtime asks the kernel for the
   * sender's pid with each message (SO_PASSCRED). CLONE_NEWUSER and CLONE_NEWTIME must not be among the flags. */
  clone: { flags: 'int', cgroup: 'slot?', inherit: 'ints', forks: 'int?' },
  /** setns(2) of `fd` for `nstype` (CLONE_NEW*, 0: whatever it is; a pidfd takes several). `once` 1: success empties the slot,
   * so that a second try of the same namespace is skipped. */
  setns: { fd: 'slot', nstype: 'int', once: 'int?' },
  unshare: { flags: 'int' },
  /** Runtime only: pidfd_open(2) of `pid`, which must then still be the process with `startTime` (proc_pid_stat(5), field 22), else
   * ESRCH. */
  pidfd_open: { pid: 'int', startTime: 'string', into: 'into' },
  /** Init only: clone3(CLONE_PARENT | flags); the child says hello on the sync socket, from which the runtime learns
   * its pid, and goes on with the plan; the parent exits. */
  fork: { flags: 'int?' },
  /** Runtime only: a user namespace with these mappings (lines of uid_map and gid_map) and nobody in it, for id-mapped mounts. */
  make_userns: { uidMap: 'string', gidMap: 'string', into: 'into' },
  /** Runtime only: bpf(BPF_PROG_LOAD) of a device program, bpf(BPF_PROG_ATTACH) to the cgroup whose directory is open in `cgroup`.
   * `replace` 1: what was attached to this very cgroup before is detached afterwards. */
  bpf_prog_attach: { cgroup: 'slot', program: 'bytes', replace: 'int?' },
  /** Runtime only: write init's pid to the file `path`, which is there already. */
  write_pid: { path: 'string' },
  /** Runtime only: write `data` to /proc/<pid of init>/`file` (uid_map, gid_map, setgroups, oom_score_adj). */
  write_child: { file: 'string', data: 'string' },
  /** Runtime only: run newuidmap/newgidmap: `program` <pid of init> `args`. */
  map_ids: { program: 'string', args: 'strings' },
  /** Tell the other side that `point` is reached. Init may hand over the descriptor `fd` with it: only its number is sent, in a
   * write(2), since a seccomp filter that is loaded already may not let sendmsg(2) pass. */
  sync_send: { point: 'int', fd: 'slot?' },
  /** Wait until the other side says that `point` is reached. The end of the other side is an error. The runtime takes the
   * descriptor that comes with it by pidfd_getfd(2), into `into`. */
  sync_wait: { point: 'int', into: 'into?' },
  /** Runtime only: the machine returns to TypeScript, which writes state.json (and the pid file), and then goes on. */
  save_state: {},
  /** Runtime only: as save_state. TypeScript asks systemd to start the scope `unit` with these `properties` (NAME=VALUE, values as GVariant
   * text), and init as its first process (PIDs), and waits until systemd has moved it. */
  start_unit: { unit: 'string', properties: 'strings' },
  /** Runtime only: as save_state. TypeScript asks systemd to move init into `subgroup` ('' or '/path') of the cgroup of `unit`. */
  attach_unit: { unit: 'string', subgroup: 'string' },
  /** Runtime only: wait until init has become the container process (its end of the socket is closed by execve(2)). */
  sync_exec: {},
  /** Init only: wait until `runt start` writes a byte to the FIFO in `request`; what goes wrong from here on is written to the FIFO in
   * `report`, and execve(2) closing it says that the container runs. Only read(2) and write(2) are used, for a seccomp filter may be
   * loaded already, and FIFOs need no path that an AF_UNIX address could not hold. */
  start_wait: { request: 'slot', report: 'slot' },
  /** Runtime only: lock the byte at `offset` of the file `path`, made where it is missing, with fcntl(2) F_OFD_SETLK, which holds until it is closed;
   * then see that nobody is in the cgroup's `list` of threads. EAGAIN: another runtime is about to enter; EBUSY: somebody has. */
  claim_cgroup: { path: 'string', offset: 'int', list: 'string', into: 'into' },
  /** Runtime only: setxattr(2). */
  setxattr: { path: 'string', name: 'string', value: 'string' },
  /** Runtime only: mkfifoat(2) `path` and open it O_RDWR, so that neither side blocks in open(2). */
  mkfifo: { path: 'string', mode: 'int', into: 'into' },
  /** Runtime only: socket(2), connect(2) to the AF_UNIX socket `path` (long paths as above). `type` SOCK_STREAM or SOCK_SEQPACKET. */
  connect: { path: 'string', type: 'int?', into: 'into' },
  /** Runtime only: socketpair(2), SOCK_SEQPACKET. */
  socketpair: { ours: 'into', theirs: 'into' },
  /** Runtime only: receive the pty master (SCM_RIGHTS) that init sends; the event of the launch hands it to TypeScript. */
  receive_terminal: { socket: 'slot' },
  /** Runtime only: `fd` outlives the launch, for what TypeScript has to say over it: the event's `kept`. */
  keep: { fd: 'slot' },
  /** Run a hook to its end: fork, execve(path, args, env), stdin = `stdinHead` + pid + `stdinTail`, where an absent
   * `pid` is that of the container process as seen from here. `timeout` in seconds, 0 none: then SIGKILL. `cwd`: directory to
   * run in, else the current one. `path` must resolve with `resolve`. `ownEnv` 1: with the environment of this process instead of `env`. `home` 1: the last entry of `env`
   * becomes what find_home has found, as for execve. `output`/`errors`: files the hook's stdout/stderr are appended to. */
  run_hook: {
    path: 'string',
    resolve: 'int',
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
  /** Bring a network interface up (netdevice(7), SIOCSIFFLAGS). */
  link_up: { name: 'string' },
  /** Runtime only: move the network device `name` into the network namespace `netns` as `newName`, with its addresses, and set it up. */
  move_netdev: { name: 'string', newName: 'string', netns: 'slot?' },
  /** keyctl(KEYCTL_JOIN_SESSION_KEYRING, name), then possessor and user may search and read it. */
  join_session_keyring: { name: 'string' },

  // ---- terminal ----
  /** Open a new pseudo terminal of the devpts instance whose mount is in `devpts` (its ptmx), or of the host (absent). `peer` is obtained by
   * TIOCGPTPEER, never by path (CVE-2025-52565). Owner `uid`/`gid`, window size if `columns` and `rows` are not 0.
   * `plainNewlines` 1: no ONLCR (termios(3)). */
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
  /** Send `fd` over the AF_UNIX socket `socket` (SCM_RIGHTS), with `name` as the data. */
  send_fd: { socket: 'slot', fd: 'slot', name: 'string' },
  /** Runtime only: send `fd` over the stream socket `socket` (SCM_RIGHTS), with `parts` as the data, joined by init's pid. */
  send_state: { socket: 'slot', fd: 'slot', parts: 'strings' },
  /** setsid(2). */
  setsid: {},
  /** Make `fd` the controlling terminal (TIOCSCTTY) and descriptors 0, 1 and 2. */
  set_terminal: { fd: 'slot' },

  // ---- the process ----
  /** prlimit(2). `raise` 1: only if that raises the hard limit, which may need a privilege that is given up later, and then with the soft
   * limit as it is. */
  prlimit: { resource: 'int', soft: 'int', hard: 'int', raise: 'int?' },
  umask: { mode: 'int' },
  /** fchown(2) of an inherited descriptor, by its number, unless it belongs to `uid` already or is the device `unlessRdev`. */
  fchown: { fd: 'int', uid: 'int', unlessRdev: 'int?' },
  /** Open each standard stream that is null (by its number 1:3) anew as `path` (openat2(2) with `resolve`), if that is a null device: the host's own
   * is not the container's to hold, and CRIU could not name it. What cannot be opened stays as it is. */
  reopen_null: { path: 'string', resolve: 'int' },
  setgroups: { gids: 'ints' },
  setresgid: { gid: 'int' },
  setresuid: { uid: 'int' },
  /** prctl(2); `name` is the string argument of PR_SET_NAME. */
  prctl: { option: 'int', arg2: 'int?', arg3: 'int?', name: 'string?' },
  /** prctl(PR_CAPBSET_DROP) for each of `capabilities`. */
  capbset_drop: { capabilities: 'ints' },
  /** capset(2): bit masks. */
  capset: { effective: 'int', permitted: 'int', inheritable: 'int' },
  /** prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE) for each; one that cannot be raised is reported as a warning. */
  cap_ambient_raise: { capabilities: 'ints' },
  /** seccomp(SECCOMP_SET_MODE_FILTER, flags, filter); with SECCOMP_FILTER_FLAG_NEW_LISTENER the descriptor fills `into`. */
  seccomp: { filter: 'bytes', flags: 'int', into: 'into?' },
  personality: { persona: 'int' },
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
  /** Choose the program: the first of `candidates` that is an executable regular file and resolves with `resolve`. None: the error of
   * the last one that was there, else ENOENT. */
  find_executable: { candidates: 'strings', resolve: 'int' },
  /** Find the home directory of `uid` in /etc/passwd of the current root (openat2(2) with `resolve`), for the environment's last entry, which is 'HOME=/'. */
  find_home: { uid: 'int', resolve: 'int' },
  /** Init only: dup3(2) of `fd` to the number `as`, open at execve(2); another slot's descriptor of that number gives way to it. */
  dup3: { fd: 'slot', as: 'int' },
  /** close_range(2) of all descriptors from `first` up but those of the slots in `keep` and the one of the sync messages, which
   * execve(2) closes. */
  close_range: { first: 'int', keep: 'ints' },
  /** Reset every signal to its default, empty the mask. `ending`: signals that end this process even if it is the first of its pid
   * namespace, which the kernel spares (pid_namespaces(7)), with status 128 + the signal. execve(2) resets them. */
  reset_signals: { ending: 'ints?' },
  /** execve(2) of the program find_executable chose. */
  execve: { args: 'strings', env: 'strings' },
} as const satisfies Record<string, Readonly<Record<string, FieldType>>>

type BaseType = 'slot' | 'into' | 'int' | 'string' | 'strings' | 'ints' | 'bytes'
export type FieldType = BaseType | `${BaseType}?`
export type Op = keyof typeof stepTable
