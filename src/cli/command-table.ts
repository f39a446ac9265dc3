// Every command and flag of runt, once: the parser, the help pages, the shell completions and the man page are made from
// this table. Names, aliases and meanings are runc's (runc(8)); what runc does not have is marked by its description.
// Decides nothing about how a command works; that is in commands/.

export interface Flag {
  /** Without dashes. One dash or two mean the same, as with Go's flags. */
  readonly name: string
  readonly alias?: string
  /** 'strings' may be given several times. */
  readonly type: 'boolean' | 'string' | 'strings' | 'number'
  /** What help pages call the value. */
  readonly value?: 'FILE' | 'DIR' | 'SOCKET' | 'N' | 'WORD' | 'SIZE' | 'LIST' | 'TEXT' | 'DURATION'
  readonly choices?: readonly string[]
  readonly default?: string
  readonly description: string
}

export interface Command {
  readonly summary: string
  /** Positional arguments, as help pages show them. */
  readonly usage: string
  /** How many positional arguments, at least and at most. */
  readonly count: readonly [number, number]
  /** 'first': flags end at the first positional argument, so that what follows may look like a flag. */
  readonly flagOrder: 'first' | 'anywhere'
  readonly description: string
  readonly flags: readonly Flag[]
}

const bundle = {
  name: 'bundle',
  alias: 'b',
  type: 'string',
  value: 'DIR',
  description: 'directory of the bundle: config.json and the root file system (default: the current directory)',
} as const

/** What a caller wants of the container's process. */
const processFlags = [
  {
    name: 'console-socket',
    type: 'string',
    value: 'SOCKET',
    description: "AF_UNIX socket that receives the master of the container's terminal",
  },
  {
    name: 'pidfd-socket',
    type: 'string',
    value: 'SOCKET',
    description: "AF_UNIX socket that receives a pidfd of the container's process",
  },
  { name: 'pid-file', type: 'string', value: 'FILE', description: 'file to write the process id to' },
] as const

const launchFlags = [
  bundle,
  ...processFlags,
  {
    name: 'no-pivot',
    type: 'boolean',
    description: 'change the root with chroot(2), for a root file system on a ramdisk',
  },
  {
    name: 'no-new-keyring',
    type: 'boolean',
    description: "keep the caller's session keyring instead of making a new one",
  },
  {
    name: 'preserve-fds',
    type: 'number',
    value: 'N',
    default: '0',
    description: 'pass N more descriptors on to the container, from 3 up',
  },
] as const

/** What `checkpoint` and `restore` hand on to CRIU, in its terms (criu(8)). */
const criuFlags = [
  { name: 'image-path', type: 'string', value: 'DIR', description: 'directory of the images (default: ./checkpoint)' },
  {
    name: 'work-path',
    type: 'string',
    value: 'DIR',
    description: "directory of CRIU's log (default: that of the images)",
  },
  { name: 'tcp-established', type: 'boolean', description: 'with open TCP connections' },
  { name: 'ext-unix-sk', type: 'boolean', description: 'with UNIX sockets connected to outside the container' },
  { name: 'shell-job', type: 'boolean', description: 'with a session whose leader is outside the container' },
  { name: 'file-locks', type: 'boolean', description: 'with file locks' },
  {
    name: 'manage-cgroups-mode',
    type: 'string',
    value: 'WORD',
    description: 'what CRIU does about cgroups: soft, full, strict or ignore (default: soft)',
  },
  { name: 'empty-ns', type: 'strings', value: 'WORD', description: 'namespace to make but not to restore: network' },
  { name: 'auto-dedup', type: 'boolean', description: 'drop pages of a parent image that a newer one has' },
  { name: 'lazy-pages', type: 'boolean', description: 'bring memory later, through userfaultfd(2)' },
] as const

const formatFlag = (choices: readonly [string, string]) =>
  ({
    name: 'format',
    alias: 'f',
    type: 'string',
    value: 'WORD',
    choices,
    default: choices[0],
    description: `${choices[0]} or ${choices[1]}`,
  }) as const

export const globalFlags = [
  { name: 'debug', type: 'boolean', description: 'log what is done, not only what goes wrong' },
  {
    name: 'log',
    type: 'string',
    value: 'FILE',
    description: 'append log messages to this file (default: standard error)',
  },
  {
    name: 'log-format',
    type: 'string',
    value: 'WORD',
    choices: ['text', 'json'],
    default: 'text',
    description: 'text or json',
  },
  {
    name: 'root',
    type: 'string',
    value: 'DIR',
    description:
      'directory for the state of containers (default: /run/runt, for others than root $XDG_RUNTIME_DIR/runt)',
  },
  {
    name: 'systemd-cgroup',
    type: 'boolean',
    description: 'let systemd make the cgroups; cgroupsPath is then "slice:prefix:name"',
  },
  {
    name: 'rootless',
    type: 'string',
    value: 'WORD',
    choices: ['true', 'false', 'auto'],
    default: 'auto',
    description: 'whether lacking permissions for cgroups are no error: true, false or auto',
  },
  { name: 'help', alias: 'h', type: 'boolean', description: 'show help' },
  { name: 'version', alias: 'v', type: 'boolean', description: 'print the version' },
] as const satisfies readonly Flag[]

const limitFlag = <N extends string>(name: N, value: NonNullable<Flag['value']>, description: string) =>
  ({ name, type: 'string', value, description }) as const

const updateFlags = [
  limitFlag('blkio-weight', 'N', 'relative share of block I/O'),
  limitFlag('cpu-period', 'N', 'microseconds after which the CPU quota is there anew'),
  limitFlag('cpu-quota', 'N', 'microseconds of CPU time in a period; -1 is no limit'),
  limitFlag('cpu-burst', 'N', 'microseconds of CPU time that may be saved up'),
  limitFlag('cpu-share', 'N', 'relative share of CPU time'),
  limitFlag('cpu-rt-period', 'N', 'microseconds after which the real-time CPU quota is there anew'),
  limitFlag('cpu-rt-runtime', 'N', 'microseconds of real-time CPU in a period'),
  limitFlag('cpuset-cpus', 'LIST', 'CPUs to run on, such as 0-3,7'),
  limitFlag('cpuset-mems', 'LIST', 'memory nodes to use, such as 0-3,7'),
  limitFlag('kernel-memory', 'SIZE', 'kernel memory (ignored by kernels that no longer have it)'),
  limitFlag('kernel-memory-tcp', 'SIZE', 'kernel TCP buffers (ignored by kernels that no longer have it)'),
  limitFlag('memory', 'SIZE', 'memory'),
  limitFlag('memory-reservation', 'SIZE', 'memory, soft limit'),
  limitFlag('memory-swap', 'SIZE', 'memory and swap together'),
  limitFlag('pids-limit', 'N', 'number of tasks; -1 is no limit'),
  limitFlag('cpu-idle', 'N', '1: run only when nothing else wants to; 0: not so'),
  limitFlag('l3-cache-schema', 'TEXT', 'L3 cache of the class of service (Intel RDT), such as L3:0=7f0'),
  limitFlag('mem-bw-schema', 'TEXT', 'memory bandwidth of the class of service (Intel RDT), such as MB:0=20'),
] as const

export const commandTable = {
  checkpoint: {
    summary: 'checkpoint a running container',
    usage: '<container-id>',
    count: [1, 1],
    flagOrder: 'anywhere',
    description: `Saves a running container as images with criu(8), which must be installed, and deletes the container unless
it is to go on running. "restore" makes it run again from them.`,
    flags: [
      ...criuFlags,
      { name: 'parent-path', type: 'string', value: 'DIR', description: 'earlier images, relative to the image path' },
      { name: 'leave-running', type: 'boolean', description: 'let the container go on' },
      {
        name: 'pre-dump',
        type: 'boolean',
        description: 'save memory only, ahead of a checkpoint; the container goes on',
      },
      { name: 'link-remap', type: 'boolean', description: 'link files back that are open and have no name any more' },
      { name: 'tcp-skip-in-flight', type: 'boolean', description: 'without TCP connections that are not yet accepted' },
      { name: 'page-server', type: 'string', value: 'TEXT', description: 'ADDRESS:PORT that memory is sent to' },
      {
        name: 'status-fd',
        type: 'number',
        value: 'N',
        default: '-1',
        description: 'descriptor that gets a zero byte when lazy pages can be asked for',
      },
    ],
  },
  create: {
    summary: 'create a container',
    usage: '<container-id>',
    count: [1, 1],
    flagOrder: 'anywhere',
    description: `Makes the container of a bundle, with everything but its process running: that waits for
"start". The id must be unique on the host for this state root.`,
    flags: launchFlags,
  },
  delete: {
    summary: 'delete any resources held by a container',
    usage: '<container-id>',
    count: [1, 1],
    flagOrder: 'anywhere',
    description: `Removes what "create" made: cgroups and state. The container must be stopped or created.`,
    flags: [
      {
        name: 'force',
        alias: 'f',
        type: 'boolean',
        description: 'kill the container first; one that does not exist is no error',
      },
    ],
  },
  events: {
    summary: 'print events and statistics of a container',
    usage: '<container-id>',
    count: [1, 1],
    flagOrder: 'anywhere',
    description: `Prints one JSON object a line: statistics every --interval, and an "oom" line whenever the container has run
out of memory. It ends when the container does.`,
    flags: [
      {
        name: 'interval',
        type: 'string',
        value: 'DURATION',
        default: '5s',
        description: 'time between statistics, such as 5s, 1m30s or 100ms',
      },
      { name: 'stats', type: 'boolean', description: 'print the statistics once, and nothing else' },
    ],
  },
  exec: {
    summary: 'run a further process in a container',
    usage: '<container-id> [command [argument...]]',
    count: [1, Number.POSITIVE_INFINITY],
    flagOrder: 'first',
    description: `Runs a command in a container that is created or running. It is the container's own process with other
arguments and what the flags change, or the process that --process describes. The exit status is that of the command, 128 + the
number of the signal that ended it, or 255 for every failure of this program itself.`,
    flags: [
      {
        name: 'console-socket',
        type: 'string',
        value: 'SOCKET',
        description: "AF_UNIX socket that receives the master of the command's terminal",
      },
      { name: 'cwd', type: 'string', value: 'DIR', description: 'working directory in the container' },
      { name: 'env', alias: 'e', type: 'strings', value: 'WORD', description: 'environment variable NAME=value' },
      { name: 'tty', alias: 't', type: 'boolean', description: 'give the command a terminal' },
      {
        name: 'user',
        alias: 'u',
        type: 'string',
        value: 'WORD',
        description: 'UID[:GID] of the command, as numbers',
      },
      { name: 'additional-gids', alias: 'g', type: 'strings', value: 'N', description: 'additional group id' },
      {
        name: 'process',
        alias: 'p',
        type: 'string',
        value: 'FILE',
        description: 'process.json that describes the command; - is standard input',
      },
      { name: 'detach', alias: 'd', type: 'boolean', description: 'return when the command has started' },
      { name: 'pid-file', type: 'string', value: 'FILE', description: 'file to write the process id to' },
      { name: 'process-label', type: 'string', value: 'WORD', description: 'SELinux label of the command' },
      { name: 'apparmor', type: 'string', value: 'WORD', description: 'AppArmor profile of the command' },
      { name: 'no-new-privs', type: 'boolean', description: 'execve(2) can grant the command no privileges' },
      { name: 'cap', alias: 'c', type: 'strings', value: 'WORD', description: 'capability to add, such as CAP_KILL' },
      {
        name: 'preserve-fds',
        type: 'number',
        value: 'N',
        default: '0',
        description: 'pass N more descriptors on to the command, from 3 up',
      },
      {
        name: 'cgroup',
        type: 'strings',
        value: 'WORD',
        description: "cgroup below the container's for the command; on v1 also CONTROLLER[,CONTROLLER]:PATH",
      },
      {
        name: 'ignore-paused',
        type: 'boolean',
        description: 'also in a paused container: the command waits for resume',
      },
      {
        name: 'pidfd-socket',
        type: 'string',
        value: 'SOCKET',
        description: 'AF_UNIX socket that receives a pidfd of the command',
      },
    ],
  },
  features: {
    summary: 'show the enabled features',
    usage: '',
    count: [0, 0],
    flagOrder: 'anywhere',
    description: 'Prints what this runtime can do as JSON, in the form of the OCI runtime specification (features.md).',
    flags: [],
  },
  kill: {
    summary: "send a signal to a container's process",
    usage: '<container-id> [signal]',
    count: [1, 2],
    flagOrder: 'first',
    description: `The signal is a name, with or without SIG, or a number; the default is SIGTERM. SIGKILL reaches every
process of a container that shares its pid namespace with others.`,
    flags: [
      { name: 'all', alias: 'a', type: 'boolean', description: 'send the signal to all processes of the container' },
    ],
  },
  list: {
    summary: 'list the containers of a state root',
    usage: '',
    count: [0, 0],
    flagOrder: 'anywhere',
    description: 'Lists the containers under --root in the order of their ids.',
    flags: [
      formatFlag(['table', 'json']),
      { name: 'quiet', alias: 'q', type: 'boolean', description: 'print ids only' },
    ],
  },
  pause: {
    summary: 'suspend all processes of a container',
    usage: '<container-id>',
    count: [1, 1],
    flagOrder: 'anywhere',
    description: `Freezes the container's cgroup. The command returns when nothing in the container runs any more; if that cannot
be had in 10 s, everything goes on as before.`,
    flags: [],
  },
  plan: {
    summary: 'print what "create" would do for a bundle (not in runc)',
    usage: '[bundle]',
    count: [0, 1],
    flagOrder: 'anywhere',
    description: `Prints the launch plan of a bundle: every kernel action, and the property of config.json that causes it.
Nothing is changed on the host.`,
    flags: [formatFlag(['text', 'json'])],
  },
  ps: {
    summary: 'list the processes of a container',
    usage: '<container-id> [ps options]',
    count: [1, Number.POSITIVE_INFINITY],
    flagOrder: 'first',
    description: `Shows what ps(1) of the host says of the container's processes; the options are ps's own, "-ef" without any. Its
output must have a PID column. As JSON it is an array of process ids.`,
    flags: [formatFlag(['table', 'json'])],
  },
  restore: {
    summary: 'restore a container from a checkpoint',
    usage: '<container-id>',
    count: [1, 1],
    flagOrder: 'anywhere',
    description: `Makes the container of a bundle from the images of "checkpoint" with criu(8), and goes on with what ran in it. It
waits for the end as "run" does, unless detached.`,
    flags: [
      ...criuFlags,
      bundle,
      ...processFlags,
      { name: 'detach', alias: 'd', type: 'boolean', description: 'return when the container runs' },
      {
        name: 'no-subreaper',
        type: 'boolean',
        description: "do not adopt processes that the container's processes leave behind",
      },
      { name: 'no-pivot', type: 'boolean', description: 'accepted for compatibility: CRIU changes the root' },
      { name: 'lsm-profile', type: 'string', value: 'TEXT', description: 'TYPE:NAME of the profile to restore with' },
      { name: 'lsm-mount-context', type: 'string', value: 'TEXT', description: 'SELinux context of the mounts' },
    ],
  },
  resume: {
    summary: 'resume all processes of a paused container',
    usage: '<container-id>',
    count: [1, 1],
    flagOrder: 'anywhere',
    description: 'Lets the processes of a container go on that "pause" has suspended.',
    flags: [],
  },
  run: {
    summary: 'create and run a container',
    usage: '<container-id>',
    count: [1, 1],
    flagOrder: 'anywhere',
    description: `Makes a container, starts its process, waits for its end and removes the container. The exit status is the
process's own, or 128 + the number of the signal that ended it.`,
    flags: [
      ...launchFlags,
      { name: 'detach', alias: 'd', type: 'boolean', description: 'return when the process has started' },
      { name: 'keep', type: 'boolean', description: 'do not delete the container after its end' },
      {
        name: 'no-subreaper',
        type: 'boolean',
        description: "do not adopt processes that the container's processes leave behind",
      },
      {
        name: 'seccomp-log',
        type: 'boolean',
        description: 'report each system call that linux.seccomp denies, with the rule that does (not in runc)',
      },
    ],
  },
  seccomp: {
    summary: "print a bundle's system call filter, or explain a call (not in runc)",
    usage: '[bundle]',
    count: [0, 1],
    flagOrder: 'anywhere',
    description: `Prints the filter that linux.seccomp is compiled to, one instruction per line. With --syscall it says what the filter
answers to that call, which part of the profile decides it, and what each rule about the call asks for.
Nothing is changed on the host.`,
    flags: [
      { name: 'syscall', type: 'string', value: 'WORD', description: 'name or number of a system call to explain' },
      {
        name: 'arg',
        type: 'strings',
        value: 'TEXT',
        description: 'argument of that call, as "2=0x80000"; what is not given is 0',
      },
      {
        name: 'arch',
        type: 'string',
        value: 'WORD',
        description: 'architecture of that call, as "SCMP_ARCH_X86" (default: that of the machine)',
      },
    ],
  },
  spec: {
    summary: 'write a default config.json',
    usage: '',
    count: [0, 0],
    flagOrder: 'anywhere',
    description: `Writes a config.json to start from. It runs "sh" on a terminal in the root file system at "rootfs" beside it.
An existing file is not overwritten.`,
    flags: [
      { ...bundle, description: 'directory to write to (default: the current directory)' },
      { name: 'rootless', type: 'boolean', description: 'for a user who is not root' },
    ],
  },
  start: {
    summary: 'start the process of a created container',
    usage: '<container-id>',
    count: [1, 1],
    flagOrder: 'anywhere',
    description: 'Lets the process of a container run that "create" made. It returns when the process runs.',
    flags: [],
  },
  state: {
    summary: 'print the state of a container',
    usage: '<container-id>',
    count: [1, 1],
    flagOrder: 'anywhere',
    description: 'Prints the state as JSON, in the form of the OCI runtime specification (runtime.md, State).',
    flags: [],
  },
  update: {
    summary: "change a container's resource limits",
    usage: '<container-id>',
    count: [1, 1],
    flagOrder: 'anywhere',
    description: `Changes the limits that are named, by flags or in a JSON document as linux.resources of config.json is one; all
others stay. Sizes may end in b, k, m, g or t; -1 is no limit.`,
    flags: [
      {
        name: 'resources',
        alias: 'r',
        type: 'string',
        value: 'FILE',
        description: 'read the changes as JSON from this file, "-" is standard input; no other flag may be given then',
      },
      ...updateFlags,
    ],
  },
  validate: {
    summary: 'list every problem of a bundle (not in runc)',
    usage: '[bundle]',
    count: [0, 1],
    flagOrder: 'anywhere',
    description: `Checks config.json without running it, and prints each problem with its path. Properties without effect and
probable typing errors are shown as warnings. The exit status is 1 if there is a problem.`,
    flags: [formatFlag(['text', 'json'])],
  },
} as const satisfies Record<string, Command>

export type CommandName = keyof typeof commandTable

type ValueOf<F extends Flag> = F['type'] extends 'boolean'
  ? boolean
  : F['type'] extends 'number'
    ? number
    : F['type'] extends 'strings'
      ? readonly string[]
      : F extends { readonly default: string; readonly choices: readonly (infer Choice)[] }
        ? Choice
        : string | undefined
type ValuesOf<L extends readonly Flag[]> = { readonly [F in L[number] as F['name']]: ValueOf<F> }

/** The values of a command's flags, by name: those not given are false, 0, empty, the default, or undefined. */
export type FlagsOf<C extends CommandName> = ValuesOf<(typeof commandTable)[C]['flags']>
export type GlobalFlags = ValuesOf<typeof globalFlags>
