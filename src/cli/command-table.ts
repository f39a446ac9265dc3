// Every command and flag of runt, defined once: the parser, the help pages, the shell completions and the man page are
// generated from this table. Names, aliases and meanings are runc's (runc(8)); the descriptions of others say so.
// commands/ implements them.

export interface Flag {
  /** Without dashes. One dash or two mean the same, as in Go's flag package. */
  readonly name: string
  readonly alias?: string
  /** 'strings' may be given several times. */
  readonly type: 'boolean' | 'string' | 'strings' | 'number'
  /** The name of the value in help pages. */
  readonly value?: 'FILE' | 'DIR' | 'SOCKET' | 'N' | 'WORD' | 'SIZE' | 'LIST' | 'TEXT' | 'DURATION'
  readonly choices?: readonly string[]
  readonly default?: string
  readonly description: string
}

export interface Command {
  readonly summary: string
  /** Positional arguments for help pages. */
  readonly usage: string
  /** The minimum and maximum number of positional arguments. */
  readonly count: readonly [number, number]
  /** 'first': flags end at the first positional argument, so that later arguments may look like flags. */
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

/** Flags about the container's process. */
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
    description: "keep the caller's session keyring instead of creating a new one",
  },
  {
    name: 'preserve-fds',
    type: 'number',
    value: 'N',
    default: '0',
    description: 'pass the N descriptors from 3 up to the container, except closed ones',
  },
] as const

/** Flags of `checkpoint` and `restore` that are passed to CRIU, with its names (criu(8)). */
const criuFlags = [
  { name: 'image-path', type: 'string', value: 'DIR', description: 'directory for the images (default: ./checkpoint)' },
  {
    name: 'work-path',
    type: 'string',
    value: 'DIR',
    description: "directory for CRIU's log (default: the image path)",
  },
  { name: 'tcp-established', type: 'boolean', description: 'allow open TCP connections' },
  {
    name: 'ext-unix-sk',
    type: 'boolean',
    description: 'allow UNIX sockets connected to sockets outside the container',
  },
  { name: 'shell-job', type: 'boolean', description: 'allow a session whose leader is outside the container' },
  { name: 'file-locks', type: 'boolean', description: 'allow file locks' },
  {
    name: 'manage-cgroups-mode',
    type: 'string',
    value: 'WORD',
    description: 'how CRIU handles cgroups: soft, full, strict or ignore (default: soft)',
  },
  {
    name: 'empty-ns',
    type: 'strings',
    value: 'WORD',
    description: 'namespace to create empty, not to restore: network',
  },
  { name: 'auto-dedup', type: 'boolean', description: 'drop pages of parent images that a newer image contains' },
  { name: 'lazy-pages', type: 'boolean', description: 'restore memory on demand (userfaultfd)' },
] as const

/** For commands that read a bundle, or a config alone. */
const sourceBundle = {
  ...bundle,
  description: 'directory of the bundle, also of a config that is given as a file or "-"',
} as const
const sourceUsage = '[bundle | config.json | -]'
const sourceText = `The argument is the directory of a bundle, a file, or "-" for a config on standard input; without one it is the
current directory.`

/** Of commands that change a container. */
const planFlag = (what: string) =>
  ({ name: 'plan', type: 'boolean', description: `print ${what}, and change nothing (not in runc)` }) as const

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
  { name: 'debug', type: 'boolean', description: 'log debug messages' },
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
    description: 'directory for the state of containers (default: /run/runt; without root, $XDG_RUNTIME_DIR/runt)',
  },
  {
    name: 'log-level',
    type: 'string',
    value: 'WORD',
    choices: ['debug', 'warning', 'error'],
    default: 'warning',
    description: 'lowest level to log: debug, warning or error (as in crun)',
  },
  {
    name: 'cgroup-manager',
    type: 'string',
    value: 'WORD',
    choices: ['cgroupfs', 'systemd', 'disabled'],
    default: 'cgroupfs',
    description: 'who creates the cgroups: cgroupfs (runt), systemd, or disabled (no cgroups), as in crun',
  },
  {
    name: 'systemd-cgroup',
    type: 'boolean',
    description: 'let systemd create the cgroups; cgroupsPath is then "slice:prefix:name"',
  },
  {
    name: 'rootless',
    type: 'string',
    value: 'WORD',
    choices: ['true', 'false', 'auto'],
    default: 'auto',
    description: 'ignore cgroup permission errors: true, false or auto (unless root)',
  },
  { name: 'help', alias: 'h', type: 'boolean', description: 'show help' },
  { name: 'version', alias: 'v', type: 'boolean', description: 'print the version' },
] as const satisfies readonly Flag[]

const limitFlag = <N extends string>(name: N, value: NonNullable<Flag['value']>, description: string) =>
  ({ name, type: 'string', value, description }) as const

const updateFlags = [
  limitFlag('blkio-weight', 'N', 'relative share of block I/O'),
  limitFlag('cpu-period', 'N', 'CPU quota period in microseconds'),
  limitFlag('cpu-quota', 'N', 'CPU time in microseconds per period; -1 means no limit'),
  limitFlag('cpu-burst', 'N', 'unused CPU time in microseconds that may accumulate'),
  limitFlag('cpu-share', 'N', 'relative share of CPU time'),
  limitFlag('cpu-rt-period', 'N', 'real-time CPU period in microseconds'),
  limitFlag('cpu-rt-runtime', 'N', 'real-time CPU time in microseconds per period'),
  limitFlag('cpuset-cpus', 'LIST', 'CPUs to run on, such as 0-3,7'),
  limitFlag('cpuset-mems', 'LIST', 'memory nodes to use, such as 0-3,7'),
  limitFlag('kernel-memory', 'SIZE', 'kernel memory limit (ignored by kernels without it)'),
  limitFlag('kernel-memory-tcp', 'SIZE', 'kernel TCP buffer limit (ignored by kernels without it)'),
  limitFlag('memory', 'SIZE', 'memory limit'),
  limitFlag('memory-reservation', 'SIZE', 'soft memory limit'),
  limitFlag('memory-swap', 'SIZE', 'memory and swap limit'),
  limitFlag('pids-limit', 'N', 'maximum number of tasks; -1 means no limit'),
  limitFlag('cpu-idle', 'N', '1: run only when the CPU is idle; 0: normally'),
  limitFlag('l3-cache-schema', 'TEXT', 'L3 cache of the class of service (Intel RDT), such as L3:0=7f0'),
  limitFlag('mem-bw-schema', 'TEXT', 'memory bandwidth of the class of service (Intel RDT), such as MB:0=20'),
] as const

export const commandTable = {
  checkpoint: {
    summary: 'checkpoint a running container',
    usage: '<container-id>',
    count: [1, 1],
    flagOrder: 'anywhere',
    description: `Saves a running container to images with criu(8), which must be installed, and deletes the container unless
--leave-running is given. "restore" restores it from the images.`,
    flags: [
      ...criuFlags,
      {
        name: 'parent-path',
        type: 'string',
        value: 'DIR',
        description: 'images of an earlier pre-dump, relative to the image path',
      },
      { name: 'leave-running', type: 'boolean', description: 'leave the container running' },
      {
        name: 'pre-dump',
        type: 'boolean',
        description: 'save only memory, before a checkpoint; leave the container running',
      },
      { name: 'link-remap', type: 'boolean', description: 'link open files that have been deleted' },
      { name: 'tcp-skip-in-flight', type: 'boolean', description: 'skip TCP connections that are not yet accepted' },
      { name: 'page-server', type: 'string', value: 'TEXT', description: 'ADDRESS:PORT to send memory to' },
      {
        name: 'status-fd',
        type: 'number',
        value: 'N',
        default: '-1',
        description: 'descriptor to write a zero byte to when lazy pages can be requested',
      },
    ],
  },
  create: {
    summary: 'create a container',
    usage: '<container-id>',
    count: [1, 1],
    flagOrder: 'anywhere',
    description: `Creates a container from a bundle. "start" starts its process. The id must be unique in this state root.`,
    flags: launchFlags,
  },
  delete: {
    summary: 'delete any resources held by a container',
    usage: '<container-id>',
    count: [1, 1],
    flagOrder: 'anywhere',
    description: `Removes a container's cgroups and state. The container must be stopped or created.`,
    flags: [
      {
        name: 'force',
        alias: 'f',
        type: 'boolean',
        description: 'kill the container first; no error if it does not exist',
      },
      planFlag('what would be killed, run and removed'),
    ],
  },
  events: {
    summary: 'print events and statistics of a container',
    usage: '<container-id>',
    count: [1, 1],
    flagOrder: 'anywhere',
    description: `Prints one JSON object per line: statistics every --interval, and an "oom" line whenever the container runs
out of memory. Exits when the container ends.`,
    flags: [
      {
        name: 'interval',
        type: 'string',
        value: 'DURATION',
        default: '5s',
        description: 'time between statistics, such as 5s, 1m30s or 100ms',
      },
      { name: 'stats', type: 'boolean', description: 'print the statistics once and exit' },
    ],
  },
  exec: {
    summary: 'run another process in a container',
    usage: '<container-id> [command [argument...]]',
    count: [1, Number.POSITIVE_INFINITY],
    flagOrder: 'first',
    description: `Runs a command in a created or running container, with the attributes of the container's own process unless the
flags change them, or runs the process that --process describes. The exit status is that of the command, 128 + the number of
the signal that ended it, or 255 if runt itself fails.`,
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
        description: 'numeric UID[:GID] of the command',
      },
      { name: 'additional-gids', alias: 'g', type: 'strings', value: 'N', description: 'additional group id' },
      {
        name: 'process',
        alias: 'p',
        type: 'string',
        value: 'FILE',
        description: 'process.json that describes the command; - means standard input',
      },
      { name: 'detach', alias: 'd', type: 'boolean', description: 'return when the command has started' },
      { name: 'pid-file', type: 'string', value: 'FILE', description: 'file to write the process id to' },
      { name: 'process-label', type: 'string', value: 'WORD', description: 'SELinux label of the command' },
      { name: 'apparmor', type: 'string', value: 'WORD', description: 'AppArmor profile of the command' },
      {
        name: 'no-new-privs',
        type: 'boolean',
        description: 'prevent the command from gaining privileges with execve(2)',
      },
      { name: 'cap', alias: 'c', type: 'strings', value: 'WORD', description: 'capability to add, such as CAP_KILL' },
      {
        name: 'preserve-fds',
        type: 'number',
        value: 'N',
        default: '0',
        description: 'pass the N descriptors from 3 up to the command, except closed ones',
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
        description: 'also run in a paused container: the command waits for resume',
      },
      {
        name: 'pidfd-socket',
        type: 'string',
        value: 'SOCKET',
        description: 'AF_UNIX socket that receives a pidfd of the command',
      },
      planFlag('the kernel actions that would start the command'),
    ],
  },
  features: {
    summary: 'show the enabled features',
    usage: '',
    count: [0, 0],
    flagOrder: 'anywhere',
    description:
      'Prints the features of this runtime as JSON, as defined by the OCI runtime specification (features.md).',
    flags: [],
  },
  kill: {
    summary: "send a signal to a container's process",
    usage: '<container-id> [signal]',
    count: [1, 2],
    flagOrder: 'first',
    description: `The signal is a name, with or without SIG, or a number; the default is SIGTERM. If the container shares its pid
namespace with others, SIGKILL is sent to all of its processes.`,
    flags: [
      { name: 'all', alias: 'a', type: 'boolean', description: 'send the signal to all processes of the container' },
    ],
  },
  list: {
    summary: 'list the containers of a state root',
    usage: '',
    count: [0, 0],
    flagOrder: 'anywhere',
    description: 'Lists the containers under --root, sorted by id.',
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
    description: `Freezes the container's cgroup and returns when all processes are frozen; after 10 s it thaws the cgroup and fails.`,
    flags: [],
  },
  plan: {
    summary: 'print what "create" would do for a bundle (not in runc)',
    usage: `${sourceUsage}, or diff <bundle> <bundle>`,
    count: [0, 3],
    flagOrder: 'anywhere',
    description: `Prints the launch plan of a bundle: every kernel action, and the property of config.json that causes it;
"default:" marks properties that it leaves out. "plan diff" prints what only one of two bundles does, with the same id for
both. It changes nothing on the host. The JSON format is described by docs/plan.schema.json.
${sourceText}`,
    flags: [
      sourceBundle,
      formatFlag(['text', 'json']),
      { name: 'summary', type: 'boolean', description: 'print a screenful about the container instead of the steps' },
      { name: 'id', type: 'string', value: 'WORD', description: "container id (default: the bundle's directory name)" },
      { name: 'show-env', type: 'boolean', description: 'print the values of environment variables, not only names' },
    ],
  },
  ps: {
    summary: 'list the processes of a container',
    usage: '<container-id> [ps options]',
    count: [1, Number.POSITIVE_INFINITY],
    flagOrder: 'first',
    description: `Shows the output of the host's ps(1) for the container's processes; the options are passed to ps (default: "-ef"). Its
output must have a PID column. With --format json, prints an array of process ids.`,
    flags: [formatFlag(['table', 'json'])],
  },
  restore: {
    summary: 'restore a container from a checkpoint',
    usage: '<container-id>',
    count: [1, 1],
    flagOrder: 'anywhere',
    description: `Creates a container from a bundle and the images of "checkpoint" with criu(8), and resumes its processes. Waits
for the end of the container as "run" does, unless --detach is given.`,
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
    description: 'Resumes a paused container.',
    flags: [],
  },
  run: {
    summary: 'create and run a container',
    usage: '<container-id>',
    count: [1, 1],
    flagOrder: 'anywhere',
    description: `Creates a container, starts its process, waits for its end and deletes the container. The exit status is that
of the process, or 128 + the number of the signal that ended it.`,
    flags: [
      ...launchFlags,
      { name: 'detach', alias: 'd', type: 'boolean', description: 'return when the process has started' },
      { name: 'keep', type: 'boolean', description: 'do not delete the container when it ends' },
      {
        name: 'no-subreaper',
        type: 'boolean',
        description: "do not adopt processes that the container's processes leave behind",
      },
      {
        name: 'seccomp-log',
        type: 'boolean',
        description: 'report each system call that linux.seccomp denies, with the rule (not in runc)',
      },
    ],
  },
  seccomp: {
    summary: "print a bundle's system call filter, or explain a call (not in runc)",
    usage: `${sourceUsage}, or diff <bundle> <bundle>`,
    count: [0, 3],
    flagOrder: 'anywhere',
    description: `Prints the filter that linux.seccomp is compiled to, one instruction per line. With --syscall it prints the filter's
action for that call, which part of the profile decides it, and the conditions of each rule about the call.
"seccomp diff" prints the calls whose action differs between two bundles, found by running both filters.
It changes nothing on the host.
${sourceText}`,
    flags: [
      sourceBundle,
      { name: 'syscall', type: 'string', value: 'WORD', description: 'name or number of a system call to explain' },
      {
        name: 'arg',
        type: 'strings',
        value: 'TEXT',
        description: 'argument of that call, as "2=0x80000"; others are 0',
      },
      {
        name: 'arch',
        type: 'string',
        value: 'WORD',
        description: 'architecture of that call, as "arm64" or "SCMP_ARCH_AARCH64" (default: that of the machine)',
      },
    ],
  },
  spec: {
    summary: 'write a default config.json',
    usage: '',
    count: [0, 0],
    flagOrder: 'anywhere',
    description: `Writes a default config.json, which runs "sh" on a terminal in the root file system "rootfs" of the same directory.
Does not overwrite an existing file.`,
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
    description: 'Starts the process of a created container. Returns when the process runs.',
    flags: [],
  },
  state: {
    summary: 'print the state of a container',
    usage: '<container-id>',
    count: [1, 1],
    flagOrder: 'anywhere',
    description: 'Prints the state as JSON, as defined by the OCI runtime specification (runtime.md, State).',
    flags: [],
  },
  update: {
    summary: "change a container's resource limits",
    usage: '<container-id>',
    count: [1, 1],
    flagOrder: 'anywhere',
    description: `Changes the given limits, from flags or from a JSON document like linux.resources of config.json, and leaves
the others unchanged. Sizes may end in b, k, m, g or t; -1 means no limit.`,
    flags: [
      {
        name: 'resources',
        alias: 'r',
        type: 'string',
        value: 'FILE',
        description: 'read the changes as JSON from this file ("-": standard input); excludes other flags',
      },
      ...updateFlags,
      planFlag('the writes to files of the cgroups'),
    ],
  },
  validate: {
    summary: 'list every problem of a bundle (not in runc)',
    usage: sourceUsage,
    count: [0, 1],
    flagOrder: 'anywhere',
    description: `Checks config.json without running it, and prints each problem as FILE:LINE:COLUMN: path: reason, in the order of
the file. A problem is what makes "run" fail; unless --no-host is given, this host is looked at as well. Warnings are about
properties without effect and likely typing errors. The exit status is 1 if there is a problem.
The JSON format is described by docs/validate.schema.json.
${sourceText}`,
    flags: [
      sourceBundle,
      formatFlag(['text', 'json']),
      { name: 'host', type: 'boolean', description: 'also look at this host, without changing it (default)' },
      {
        name: 'no-host',
        type: 'boolean',
        description: 'look at the config alone: the result is the same on every host',
      },
    ],
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

/** The values of a command's flags by name; without the flag: false, 0, empty, the default, or undefined. */
export type FlagsOf<C extends CommandName> = ValuesOf<(typeof commandTable)[C]['flags']>
export type GlobalFlags = ValuesOf<typeof globalFlags>
