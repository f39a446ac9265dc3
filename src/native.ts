// The interface of the addon: every function by which TypeScript accesses the system; types only. The same addon source
// implements it for Node and for the static executable (addon/binding/). Each function does one thing and is
// synchronous. Failures are thrown as Error objects with the fields of NativeError; a wrong argument throws a
// TypeError, or a RangeError for a number out of range, that names the function and the argument.

import type { LaunchPlan } from './steps/launch-plan.ts'

/** Returned by `supervise` when its watched descriptor is readable; not an exit status. */
export const WATCH_READABLE = 256

/** Thrown by every function that fails (duck-typed: an Error with these fields). `code` is the errno's name. */
export interface NativeError extends Error {
  readonly code: string
  readonly errno: number
  readonly syscall: string
  readonly path?: string
}

export interface FileStatus {
  readonly kind: 'file' | 'directory' | 'symlink' | 'socket' | 'fifo' | 'char' | 'block'
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly inode: number
}

/** A file inside a root file system. */
export interface RootFile extends FileStatus {
  /** Below the root, without symbolic links. */
  readonly path: string
  /** Of its mount. */
  readonly isReadOnly: boolean
  readonly isNoexec: boolean
  /** The first 4096 bytes of a regular file. */
  readonly head: Uint8Array
  /** Its extended attribute security.capability (capabilities(7)). */
  readonly capabilities: Uint8Array
}

/** The outcome of a launch, or of a list of steps. */
export type LaunchEvent =
  /**
   * The machine has stopped at a step that TypeScript executes (`save_state`, `start_unit`, `attach_unit`):
   * runtimeSteps[step]. Execute it, then call `resume`. `pid` is init's pid as the runtime sees it.
   */
  | { readonly kind: 'paused'; readonly step: number; readonly pid: number }
  /**
   * All steps are done. `pid` is 0 if the list has no clone; `terminal` is the pty master of a foreground run, or -1;
   * `kept` the descriptor of a keep step, or -1.
   */
  | {
      readonly kind: 'done'
      readonly pid: number
      readonly terminal: number
      readonly kept: number
      readonly warnings: readonly StepReport[]
    }
  /** A step failed; init, if there was one, has been killed and reaped, and all descriptors are closed. */
  | ({ readonly kind: 'failed'; readonly warnings: readonly StepReport[] } & StepReport)

/**
 * A failure or warning of a step. `detail` is the message of the kernel's log or of a hook ('' if none). `syscall` is
 * 'init' with errno 0 and a detail if init was killed by a signal.
 */
export interface StepReport {
  readonly list: 'runtimeSteps' | 'containerSteps'
  readonly step: number
  readonly syscall: string
  readonly errno: number
  readonly code: string
  readonly detail: string
}

export interface ProcessStatus {
  /**
   * proc_pid_stat(5) field 22, as decimal text: clock ticks since boot. With the pid it identifies a process uniquely.
   */
  readonly startTime: string
  /** proc_pid_stat(5) field 3: R, S, D, Z, T, … */
  readonly state: string
  readonly comm: string
  readonly parent: number
}

/** Facts about the host, read once per command that plans. */
export interface HostProbe {
  /** uname(2) machine, e.g. 'x86_64'. */
  readonly machine: string
  /** uname(2) release, e.g. '6.18.1'. */
  readonly kernel: string
  readonly euid: number
  readonly egid: number
  /** Capability bounding set as a bit mask; bit n is capability n. */
  readonly boundingSet: bigint
  /** The whole text of /proc/self/mountinfo lines whose type is cgroup or cgroup2. */
  readonly cgroupMounts: readonly string[]
  /** The text of /proc/self/cgroup. */
  readonly ownCgroups: string
  /** cgroup.controllers of the root of the v2 hierarchy ('' without one). */
  readonly unifiedControllers: string
  readonly apparmor: boolean
  readonly selinux: boolean
  /** Whether the runtime is outside of the initial user namespace. */
  readonly inUserNamespace: boolean
  /** Whether our user namespace owns our mount namespace, so that CAP_SYS_ADMIN permits mounts in it. */
  readonly ownsMounts: boolean
}

export interface Native {
  // ---- this process ----
  /** argv[0]; help texts print its base name. */
  programName(): string
  env(name: string): string | undefined
  cwd(): string
  pid(): number
  /** geteuid(2). */
  euid(): number
  /** The time as RFC 3339 with nanoseconds in UTC ('2026-11-21T09:00:00.123456789Z'). */
  now(): string
  /** Milliseconds of CLOCK_MONOTONIC, to measure with. */
  uptime(): number
  /** Real path (realpath(3)); throws ENOENT. */
  realpath(path: string): string
  isTerminal(fd: number): boolean

  // ---- files (trusted host paths only; nothing inside a root file system is ever opened by these) ----
  /** The whole file as UTF-8; '-' is standard input. `limit` bytes at most (EFBIG), default 64 MiB. */
  readFile(path: string, limit?: number): string
  /** open(O_WRONLY|O_CREAT|O_TRUNC|O_NOFOLLOW, mode), write, close. */
  writeFile(path: string, text: string, mode: number): void
  /** Write `path + '.tmp'`-like unique name in the same directory, then rename(2): readers see the old or the new file. */
  writeFileAtomic(path: string, text: string, mode: number): void
  /** open(O_WRONLY|O_CREAT|O_APPEND), one write, close: a line for a log file. */
  appendFile(path: string, text: string, mode: number): void
  /** write(2) to an open descriptor until all is written. EPIPE and EAGAIN are handled. */
  write(fd: number, text: string): void
  /** lstat(2); undefined: nothing there. */
  status(path: string): FileStatus | undefined
  /** access(2): cheaper than `status` if only existence matters. */
  exists(path: string): boolean
  /** access(2), W_OK: for a directory, whether files can be created in it. */
  writable(path: string): boolean
  readDirectory(path: string): readonly string[]
  /** mkdir(2); throws EEXIST. */
  mkdir(path: string, mode: number): void
  /** mkdir -p; true if the last directory is new. */
  mkdirAll(path: string, mode: number): boolean
  rmdir(path: string): void
  /**
   * Removes a directory that has at most one level of subdirectories; the file `last` is removed after the other files.
   * What does not exist is skipped.
   */
  removeDirectory(path: string, last: string): void
  symlink(target: string, path: string): void
  /** readlink(2); undefined: not a symbolic link. */
  readLink(path: string): string | undefined
  unlink(path: string): void
  rename(from: string, to: string): void
  /** Whether a process has the FIFO open for reading; false if it does not exist. */
  fifoHasReader(path: string): boolean
  /** Opens `path` (a directory or file) and takes an exclusive flock(2) without waiting: a descriptor, or EAGAIN. */
  lock(path: string): number
  /** Locks one byte of a file, which is created if missing (fcntl(2) F_OFD_SETLK). */
  lockByte(path: string, offset: number): number
  /** getxattr(2); undefined: no such attribute, or no such file. */
  attribute(path: string, name: string): string | undefined
  /** setxattr(2). */
  setAttribute(path: string, name: string, value: string): void
  close(fd: number): void

  // ---- files of a container ----
  /**
   * Looks `path` up inside the directory `root`, which is hostile: by openat2(2) with RESOLVE_IN_ROOT and
   * RESOLVE_NO_MAGICLINKS. Opens only a regular file. undefined: nothing there.
   */
  lookInRoot(root: string, path: string): RootFile | undefined

  // ---- the host ----
  probe(): HostProbe

  // ---- launching ----
  /**
   * Encodes the plan and executes runtimeSteps until a step of TypeScript, the end or a failure. One launch at a time
   * per process.
   */
  launch(plan: LaunchPlan): LaunchEvent
  /** Continues after 'paused'. Throws EINVAL if no launch is paused; while one is, `launch` throws EBUSY. */
  resume(): LaunchEvent
  /**
   * Abandons a launch that is paused, or done with an init: kills and reaps init and closes everything. Else throws
   * EINVAL.
   */
  abandon(): void
  /**
   * Asks the created container to start, over the FIFOs START_FIFO and REPORT_FIFO of its state directory, and waits
   * until its process runs ('done', pid 0) or a step of containerSteps has failed ('failed'). Throws ENXIO if no init
   * waits.
   */
  start(stateDirectory: string): LaunchEvent

  // ---- processes ----
  /** undefined: no such process. */
  processStatus(pid: number): ProcessStatus | undefined
  /** Opens a pidfd, checks that the process has `startTime`, then pidfd_send_signal(2). False: it has ended. */
  signal(pid: number, startTime: string, signal: number): boolean
  /**
   * Waits until the process has ended (poll on a pidfd), at most `milliseconds` (-1: no limit). False: it still runs.
   */
  waitForExit(pid: number, startTime: string, milliseconds: number): boolean
  /** prctl(PR_SET_CHILD_SUBREAPER, 1). */
  becomeSubreaper(): void
  /** Blocks the signals that `supervise` forwards: it handles those that arrive from here on. */
  holdSignals(): void
  /**
   * Foreground `run`/`exec`: forwards signals to the process, relays the terminal if `terminal` is a pty master (-1:
   * none), reaps, and returns the exit status, or 128 + the number of the signal that ended it. Signals stay blocked
   * afterwards: cleaning up must not be interrupted. Returns WATCH_READABLE when `watch` (-1: none) is readable: handle it, then
   * call this again.
   */
  supervise(pid: number, terminal: number, watch: number): number
  /**
   * Receives the next notification of a listener: id, pid, nr, AUDIT_ARCH and six arguments as hexadecimal words. '' if
   * the process has ended.
   */
  receiveSeccompNotif(listener: number): string
  /**
   * A string in the memory of the process that waits with this notification, at most 256 bytes; `address` is a hexadecimal
   * word. undefined: it cannot be read. Only for messages: the process may change it at any time.
   */
  readNotifiedString(listener: number, question: string, address: string): string | undefined
  /** Responds: continue the call, fail it with an errno, or kill its process (SIGKILL). */
  sendSeccompResponse(listener: number, question: string, answer: 'continue' | 'error' | 'kill', errno: number): void
  /** Sends a signal to every process of a cgroup and its descendants. Returns their number. */
  signalCgroup(directory: string, signal: number): number
  /**
   * Kills the processes of a cgroup and its descendants, waits for their end, removes the directories. False: timeout
   * after `milliseconds` (-1: no limit). A cgroup that does not exist is no error.
   */
  destroyCgroup(directory: string, milliseconds: number): boolean
  /** The same without killing: waits until the processes end by themselves. */
  removeCgroup(directory: string, milliseconds: number): boolean
  /**
   * The window size of our own terminal: standard descriptors first, then the controlling terminal. undefined if there
   * is none.
   */
  terminalSize(): { readonly columns: number; readonly rows: number } | undefined
  /** Sends a pidfd of `pid` over the AF_UNIX socket `path` (--pidfd-socket). */
  sendPidfd(path: string, pid: number): void
  /**
   * Connects to the AF_UNIX stream socket `path`, or an abstract name after "@": a descriptor. ETIMEDOUT: the peer did
   * not accept within `milliseconds`.
   */
  connectSocket(path: string, milliseconds: number): number
  /**
   * Sends all of `bytes`, then waits for at least one byte and returns what has arrived. ETIMEDOUT: after
   * `milliseconds`; ECONNRESET: the peer has closed the connection.
   */
  exchangeWithin(socket: number, bytes: Uint8Array, milliseconds: number): Uint8Array
  /** Binds a datagram socket at `path` for sd_notify(3), writable by everyone: a descriptor. */
  bindNotify(path: string): number
  /** Waits for one datagram. undefined: the process has ended, and there is none. */
  receiveNotify(socket: number, pid: number, startTime: string): string | undefined
  /**
   * Sends to the service manager at `address`: a path, or an abstract name after "@". `barrier`: waits, at most 30 s,
   * until the manager has read it (sd_notify_barrier(3)), because it looks up the sender.
   */
  sendNotify(address: string, text: string, end: 'barrier' | 'go-on'): void
  /** Waits for the end of this child only: its exit status, or 128 + the number of the signal that ended it. */
  reap(pid: number): number
  /** Sends any descriptor over the AF_UNIX socket `path`, with `name` as the data. */
  sendDescriptor(path: string, fd: number, name: string): void
  /**
   * Sends a packet over a SOCK_SEQPACKET socket and waits for the next one, 64 KiB at most (EMSGSIZE); `fd` is a
   * descriptor that came with it, or -1. The message is empty if the peer has closed the socket.
   */
  exchange(socket: number, message: Uint8Array): { readonly message: Uint8Array; readonly fd: number }
  /**
   * A descriptor for `waitForEvent`: with `control` (cgroup v1: cgroup.event_control) an eventfd(2) registered there
   * for `file`, else an inotify(7) instance for changes to `file`.
   */
  watchEvents(file: string, control: string | undefined): number
  /**
   * Waits for the first of: the watched event (-1: none), the end of the process, and a timeout in `milliseconds` (-1:
   * none).
   */
  waitForEvent(watch: number, pid: number, startTime: string, milliseconds: number): 'event' | 'ended' | 'timeout'
  /**
   * Runs a program of the host, found in PATH, with our environment and standard error and without input: its exit
   * status and output.
   */
  runProgram(argv: readonly string[]): { readonly status: number; readonly output: string }
  /** Sleeps; only for retry loops that have no event to wait for. */
  sleep(milliseconds: number): void
}
