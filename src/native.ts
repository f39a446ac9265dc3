// The interface of the addon: every function TypeScript may call to touch the world, types (and two file names) only. The same addon source
// implements it for Node and for the static executable (addon/binding.cc). Nothing here decides; each function is one
// small verb. All of them are synchronous. Failures are thrown as Error objects with the fields of NativeError; a wrong argument
// is a TypeError, or for a number out of range a RangeError, that names the function and the argument.

import type { LaunchPlan } from './plan/launch-plan.ts'

/** Names in a state directory: `runt start` writes to the first, init answers on the second. START_FIFO exists from create until start. */
export const START_FIFO = 'start.fifo'
export const REPORT_FIFO = 'report.fifo'
/** What `supervise` returns when its watched descriptor can be read: no exit status. */
export const ASKED = 256

/** What every failing function throws (duck-typed: an Error with these fields). `code` is the errno's name. */
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

/** What a launch, or a list of steps, came to. */
export type LaunchEvent =
  /** A step was reached that is TypeScript's to do (`save_state`, `start_unit`, `attach_unit`): runtimeSteps[step]. Do it, then call
   * `resume`. `pid` is init's pid as the runtime sees it. */
  | { readonly kind: 'paused'; readonly step: number; readonly pid: number }
  /** All steps are done. `pid` is 0 when the list held no clone; `terminal` is the pty master of a foreground run, or -1;
   * `kept` the descriptor of a keep step, or -1. */
  | {
      readonly kind: 'done'
      readonly pid: number
      readonly terminal: number
      readonly kept: number
      readonly warnings: readonly StepReport[]
    }
  /** A step failed; init, if there was one, is dead and reaped, and all descriptors are closed. */
  | ({ readonly kind: 'failed'; readonly warnings: readonly StepReport[] } & StepReport)

/** One failure, or warning, of one step. `detail` is what the kernel's log or a hook's end adds ('' if nothing). `syscall` is
 * 'init' with errno 0 and a detail when init died of a signal. */
export interface StepReport {
  readonly list: 'runtimeSteps' | 'containerSteps'
  readonly step: number
  readonly syscall: string
  readonly errno: number
  readonly code: string
  readonly detail: string
}

export interface ProcessStatus {
  /** proc_pid_stat(5) field 22, as decimal text: clock ticks since boot. With the pid it names a process for ever. */
  readonly startTime: string
  /** proc_pid_stat(5) field 3: R, S, D, Z, T, … */
  readonly state: string
  readonly comm: string
  readonly parent: number
}

/** What the host is, read once per command that plans. */
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
  /** cgroup.controllers of the root of the v2 tree ('' without one). */
  readonly unifiedControllers: string
  readonly apparmor: boolean
  readonly selinux: boolean
  /** The runtime is not in the initial user namespace. */
  readonly inUserNamespace: boolean
}

export interface Native {
  // ---- the command's own surroundings ----
  /** The program as called (argv[0]), for help texts: its base name is what help prints. */
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
  /** access(2): cheaper than `status` where only that counts. */
  exists(path: string): boolean
  readDirectory(path: string): readonly string[]
  /** mkdir(2); throws EEXIST. */
  mkdir(path: string, mode: number): void
  /** mkdir -p; true if the last directory is new. */
  mkdirAll(path: string, mode: number): boolean
  rmdir(path: string): void
  /** Unlink the files of a directory, and of the directories in it, which hold no further ones; the one named `last` after the
   * others; then rmdir(2) it. What is already gone is no error. */
  removeDirectory(path: string, last: string): void
  symlink(target: string, path: string): void
  /** readlink(2); undefined: no symbolic link there. */
  readLink(path: string): string | undefined
  unlink(path: string): void
  rename(from: string, to: string): void
  /** Whether somebody has the FIFO open for reading; false also where there is none. */
  fifoHasReader(path: string): boolean
  /** Open `path` (a directory or file) and flock(2) it exclusively without waiting: a descriptor, or EAGAIN. */
  lock(path: string): number
  /** The same for one byte of a file, which is made where it is missing (fcntl(2) F_OFD_SETLK). */
  lockByte(path: string, offset: number): number
  /** getxattr(2); undefined: no such attribute, or nothing there. */
  attribute(path: string, name: string): string | undefined
  close(fd: number): void

  // ---- the host ----
  probe(): HostProbe

  // ---- launching ----
  /** Encode the plan and execute runtimeSteps until a save_state, the end or a failure. One launch at a time per process. */
  launch(plan: LaunchPlan, options: { readonly preserveFds: number }): LaunchEvent
  /** Go on after a 'paused'. EINVAL where no launch is paused; `launch` is EBUSY then. */
  resume(): LaunchEvent
  /** Give up a paused launch: init is killed and reaped, everything is closed. EINVAL where no launch is paused. */
  abandon(): void
  /** Ask the created container to start, over the FIFOs START_FIFO and REPORT_FIFO of its state directory, and wait until its process
   * runs ('done', pid 0) or a step of containerSteps failed ('failed'). Throws ENXIO when no init waits any more. */
  start(stateDirectory: string): LaunchEvent

  // ---- processes ----
  /** undefined: no such process. */
  processStatus(pid: number): ProcessStatus | undefined
  /** Open a pidfd, check that the process still has `startTime`, pidfd_send_signal(2). False: it is gone. */
  signal(pid: number, startTime: string, signal: number): boolean
  /** Wait until the process has ended (poll on a pidfd), at most `milliseconds` (-1: for ever). False: still there. */
  waitForExit(pid: number, startTime: string, milliseconds: number): boolean
  /** prctl(PR_SET_CHILD_SUBREAPER, 1). */
  becomeSubreaper(): void
  /** Block the signals that `supervise` forwards: what arrives from here on waits for it. */
  holdSignals(): void
  /** Foreground `run`/`exec`: forward signals to the process, relay the terminal when `terminal` is a pty master's descriptor (-1: none), reap,
   * and return its exit status, or 128 + the signal that ended it. Signals stay blocked afterwards: cleaning up must not be interrupted.
   * ASKED as soon as `watch` (-1: none) can be read: see to it, then call this again. */
  supervise(pid: number, terminal: number, watch: number): number
  /** Take the next waiting call of a listener: id, pid, number, AUDIT_ARCH and six arguments as hexadecimal words. '' if it has gone. */
  receiveQuestion(listener: number): string
  /** Let the call go on, fail it with an errno, or kill its process (SIGKILL). */
  answerQuestion(listener: number, question: string, answer: 'continue' | 'error' | 'kill', errno: number): void
  /** Send a signal to every process of a cgroup and of the cgroups below it; how many there were. */
  signalCgroup(directory: string, signal: number): number
  /** Kill what lives in a cgroup and below, wait for its end, remove the directories. False: not done after `milliseconds` (-1: wait for
   * ever). A cgroup that is already gone is no error. */
  destroyCgroup(directory: string, milliseconds: number): boolean
  /** The same without killing: what lives there has to end by itself. */
  removeCgroup(directory: string, milliseconds: number): boolean
  /** The window size of our own terminal: standard descriptors first, then the controlling terminal. undefined: there is none. */
  terminalSize(): { readonly columns: number; readonly rows: number } | undefined
  /** Send init's pidfd over the AF_UNIX socket `path` (--pidfd-socket). */
  sendPidfd(path: string, pid: number): void
  /** Connect to the AF_UNIX stream socket `path`, or an abstract name after "@": a descriptor. ETIMEDOUT: nobody took the connection
   * within `milliseconds`. */
  connectSocket(path: string, milliseconds: number): number
  /** Send all of `bytes`, then wait for at least one byte and take what has come. ETIMEDOUT: not done within `milliseconds`; ECONNRESET:
   * the other side has closed the connection. */
  exchangeWithin(socket: number, bytes: Uint8Array, milliseconds: number): Uint8Array
  /** A datagram socket at `path`, for sd_notify(3) of everybody who sees it: a descriptor. */
  bindNotify(path: string): number
  /** Wait for one datagram. undefined: the process has ended, and there is none. */
  receiveNotify(socket: number, pid: number, startTime: string): string | undefined
  /** Send to the service manager at `address`: a path, or an abstract name after "@". `barrier`: and wait, at most 30 s, until it
   * has read that (sd_notify_barrier(3)), for it asks who the sender is. */
  sendNotify(address: string, text: string, end: 'barrier' | 'go-on'): void
  /** Wait for the end of a child of ours, and of no other: its exit status, or 128 + the signal that ended it. */
  reap(pid: number): number
  /** Send any descriptor over the AF_UNIX socket `path`, with `name` as the data. */
  sendDescriptor(path: string, fd: number, name: string): void
  /** Send a packet over a SOCK_SEQPACKET socket and wait for the next one, 64 KiB at most (EMSGSIZE); `fd` is a descriptor that
   * came along, or -1. The message is empty when the other side has closed. */
  exchange(socket: number, message: Uint8Array): { readonly message: Uint8Array; readonly fd: number }
  /** A descriptor for `waitForEvent`: with `control` (cgroup v1: cgroup.event_control) an eventfd(2) registered there for `file`, else an
   * inotify(7) of changes to `file`. */
  watchEvents(file: string, control: string | undefined): number
  /** Wait for what comes first: the watched event (-1: none), the end of the process, or `milliseconds` (-1: for ever) have passed. */
  waitForEvent(watch: number, pid: number, startTime: string, milliseconds: number): 'event' | 'ended' | 'timeout'
  /** Run a program of the host, found in PATH, with our environment, no input and our standard error: its exit status and its output. */
  runProgram(argv: readonly string[]): { readonly status: number; readonly output: string }
  /** Sleep; only for retry loops that have no event to wait for. */
  sleep(milliseconds: number): void
}
