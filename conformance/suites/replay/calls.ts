/*
 * The calls that engines make to their runtime, recorded with record.sh from Podman 4.3 with conmon 2.1, Docker 20.10 and ctr of
 * containerd 1.6 with their shim, and Buildah 1.28; for CRI-O, BuildKit and containerd's client library, which were not
 * available, from ../shared/field.md 5.1. Each call has runc's result, and for other runtimes the differences with the reason.
 *
 * In arguments and texts: {ID} the container, {BUNDLE} its bundle, {ROOT} the state root, {DIR} a directory of the caller,
 * {SOCKET} a console socket, {PID} the pid in the state.
 */
import type { RuntimeName } from '../../harness/project.ts'

/** The effects of a call that a caller can see. */
export interface Observation {
  readonly status: number
  /** Text unchanged, JSON as its keys and types (shape.ts). */
  readonly stdout?: string
  readonly stderr?: 'some'
  /** `level=error` lines that the call added to the log. */
  readonly logged?: number
  /** How engines classify the error (shape.ts). */
  readonly meaning?: readonly string[]
  /** The content of the --pid-file: the pid of the state, or of another process. */
  readonly pidFile?: 'init' | 'other'
  /** `state` after the call; absent: there is no such container. */
  readonly state?: string
  /** The output of the started process to the descriptors of the call, or to the terminal. */
  readonly output?: string
}

export interface Difference {
  readonly why: string
  /** Replaces the same members of the expected observation; null: is absent. */
  readonly sees: { readonly [K in keyof Observation]?: Observation[K] | null }
}

export interface Call {
  readonly argv: readonly string[]
  readonly stdin?: string
  /** Variables other than PATH and HOME. */
  readonly env?: Readonly<Record<string, string>>
  /** Files of {DIR} that are written before the call. */
  readonly files?: Readonly<Record<string, unknown>>
  /** The --pid-file, to be read afterwards. */
  readonly pidFile?: string
  /** Listens at {SOCKET}. */
  readonly console?: true
  /** The container or process that the call starts ends by itself, and the test waits for that. */
  readonly ends?: true
  readonly expect: Observation
  readonly differs?: Partial<Record<RuntimeName, Difference>>
}

export interface Conversation {
  readonly caller: string
  /** Runtimes that it cannot be replayed with, and why. */
  readonly not?: Partial<Record<RuntimeName, string>>
  /** The container's process; by default it waits, and exits with 42 on SIGTERM. */
  readonly args?: readonly string[]
  readonly terminal?: true
  readonly cwd: 'bundle' | 'elsewhere'
  /** Runs before every command. */
  readonly globals: readonly string[]
  /** Open descriptors of the caller beyond the standard ones, which must not reach the container. */
  readonly leaked: number
  readonly calls: readonly Call[]
}

const log = ['--log', '{DIR}/log.json', '--log-format', 'json']
const caps = { bounding: ['CAP_KILL'], effective: ['CAP_KILL'], permitted: ['CAP_KILL'] }
const process = (args: readonly string[], more: object = {}) => ({
  user: { uid: 0, gid: 0 },
  args,
  cwd: '/',
  capabilities: caps,
  ...more,
})
const running: Observation = { status: 0, state: 'running' }
const failed = (meaning: readonly string[], more: Partial<Observation> = {}): Observation => ({
  status: 1,
  stderr: 'some',
  logged: 1,
  meaning,
  ...more,
})
const execFailed = (meaning: readonly string[]): Observation => failed(meaning, { status: 255, state: 'running' })

/** crun 1.21's message for an unknown container, or for one in the wrong state. */
const crunSays = (why: string, ...meaning: readonly string[]) => ({ crun: { why, sees: { meaning } } }) as const
const unknownToCrun = crunSays('names the missing status file', '127')
const afterKill: Observation = { status: 0, state: 'stopped' }

const shimExec = (file: string, ...flags: readonly string[]): readonly string[] => [
  'exec',
  '--process',
  `{DIR}/${file}`,
  ...flags,
  '--detach',
  '--pid-file',
  '{DIR}/exec.pid',
  '{ID}',
]

const containerd: Conversation = {
  caller: 'containerd’s shim, for Docker and Kubernetes',
  cwd: 'bundle',
  globals: ['--root', '{ROOT}', ...log],
  leaked: 2,
  calls: [
    {
      argv: ['create', '--bundle', '{BUNDLE}', '--pid-file', '{DIR}/init.pid', '{ID}'],
      env: { XDG_RUNTIME_DIR: '', GOMAXPROCS: '2', TTRPC_ADDRESS: '/run/containerd/containerd.sock.ttrpc' },
      pidFile: 'init.pid',
      expect: { status: 0, pidFile: 'init', state: 'created' },
    },
    { argv: ['start', '{ID}'], expect: running },
    {
      argv: shimExec('process'),
      files: { process: process(['/bin/probe', 'fds', 'exit:0']) },
      pidFile: 'exec.pid',
      ends: true,
      expect: { status: 0, pidFile: 'other', state: 'running', output: '== fds\n0\n1\n2\n== exit:0\n' },
    },
    {
      argv: shimExec('tty', '--console-socket', '{SOCKET}'),
      files: {
        tty: process(['sh', '-c', 'test -t 0 && test -t 1 && echo terminal'], { terminal: true, env: ['PATH=/bin'] }),
      },
      console: true,
      pidFile: 'exec.pid',
      ends: true,
      expect: { status: 0, pidFile: 'other', state: 'running', output: 'terminal\n' },
    },
    {
      argv: shimExec('missing'),
      files: { missing: process(['/nosuch']) },
      expect: execFailed(['127']),
    },
    {
      argv: shimExec('missing'),
      files: { missing: process(['nosuch'], { env: ['PATH=/bin'] }) },
      expect: execFailed(['127']),
    },
    {
      argv: shimExec('directory'),
      files: { directory: process(['/etc']) },
      expect: execFailed(['126']),
    },
    {
      argv: shimExec('text'),
      files: { text: process(['/etc/passwd']) },
      expect: execFailed(['126']),
    },
    { argv: ['pause', '{ID}'], expect: { status: 0, state: 'paused' } },
    { argv: ['resume', '{ID}'], expect: running },
    {
      argv: ['update', '--resources=-', '{ID}'],
      stdin: '{"memory":{"limit":209715200},"cpu":{"shares":512}}',
      expect: running,
    },
    { argv: ['update', '--resources', '-', '{ID}'], stdin: '{"pids":{"limit":100}}', expect: running },
    { argv: ['ps', '--format', 'json', '{ID}'], expect: { ...running, stdout: '[number]' } },
    { argv: ['kill', '{ID}', '10'], expect: running },
    {
      argv: ['start', '{ID}'],
      expect: failed([], { state: 'running' }),
      differs: crunSays('names the missing FIFO', '127'),
    },
    { argv: ['delete', '{ID}'], expect: failed([], { state: 'running' }) },
    { argv: ['kill', '--all', '{ID}', '9'], ends: true, expect: afterKill },
    { argv: ['kill', '{ID}', '9'], expect: failed(['gone'], { state: 'stopped' }) },
    { argv: ['kill', '--all', '{ID}', '9'], expect: afterKill },
    {
      argv: ['pause', '{ID}'],
      expect: failed(['gone'], { state: 'stopped' }),
      differs: crunSays('names the cgroup'),
    },
    { argv: ['delete', '{ID}'], expect: { status: 0 } },
    { argv: ['delete', '{ID}'], expect: failed(['unknown container']), differs: unknownToCrun },
    { argv: ['kill', '{ID}', '9'], expect: failed(['unknown container']), differs: unknownToCrun },
    { argv: ['state', '{ID}'], expect: failed(['unknown container']), differs: unknownToCrun },
    { argv: ['delete', '--force', '{ID}'], expect: { status: 0 } },
  ],
}

const containerdFails = (program: string, meaning: readonly string[]): Conversation => ({
  caller: `containerd’s shim, of a container whose program is ${program}`,
  args: [program],
  cwd: 'bundle',
  globals: ['--root', '{ROOT}', ...log],
  leaked: 2,
  calls: [
    {
      argv: ['create', '--bundle', '{BUNDLE}', '--pid-file', '{DIR}/init.pid', '{ID}'],
      pidFile: 'init.pid',
      expect: failed(meaning),
    },
    { argv: ['delete', '--force', '{ID}'], expect: { status: 0 } },
  ],
})

const containerdTerminal: Conversation = {
  caller: 'containerd’s shim, with a terminal, on a ramdisk',
  args: ['sh', '-c', 'test -t 0 && test -t 1 && test -t 2 && echo terminal'],
  terminal: true,
  cwd: 'bundle',
  globals: ['--root', '{ROOT}', ...log],
  leaked: 2,
  calls: [
    {
      argv: [
        'create',
        '--bundle',
        '{BUNDLE}',
        '--pid-file',
        '{DIR}/init.pid',
        '--console-socket',
        '{SOCKET}',
        '--no-pivot',
        '--no-new-keyring',
        '{ID}',
      ],
      console: true,
      pidFile: 'init.pid',
      expect: { status: 0, pidFile: 'init', state: 'created' },
    },
    { argv: ['start', '{ID}'], ends: true, expect: { status: 0, state: 'stopped', output: 'terminal\n' } },
    { argv: ['delete', '{ID}'], expect: { status: 0 } },
  ],
}

/** The client library of containerd, which other programs use too. */
const client: Conversation = {
  caller: 'containerd’s client library',
  not: { crun: '1.21 does not find again what it has created with --rootless=false, and has no events' },
  cwd: 'elsewhere',
  globals: ['--root', '{ROOT}', '--rootless=false', ...log],
  leaked: 0,
  calls: [
    {
      argv: ['list', '--format=json'],
      expect: { status: 0, stdout: '[]' },
      differs: {
        runc: { why: 'Go writes no slice as null, which no client tells from an empty list', sees: { stdout: 'null' } },
      },
    },
    {
      argv: ['create', '--bundle', '{BUNDLE}', '--pid-file', '{DIR}/init.pid', '{ID}'],
      pidFile: 'init.pid',
      expect: { status: 0, pidFile: 'init', state: 'created' },
    },
    { argv: ['start', '{ID}'], expect: running },
    {
      argv: ['list', '--format=json'],
      expect: {
        ...running,
        stdout:
          '[{bundle: string, created: string, id: string, ociVersion: string, owner: string, pid: number, rootfs: string, status: string}]',
      },
    },
    {
      argv: ['state', '{ID}'],
      expect: {
        ...running,
        stdout:
          '{bundle: string, created: string, id: string, ociVersion: string, owner: string, pid: number, rootfs: string, status: string}',
      },
    },
    { argv: ['events', '--stats', '{ID}'], expect: { ...running, stdout: 'statistics' } },
    { argv: ['delete', '--force', '{ID}'], expect: { status: 0 } },
  ],
}

const buildkit: Conversation = {
  caller: 'BuildKit',
  args: ['sh', '-c', 'cat; echo done; exit 3'],
  cwd: 'elsewhere',
  globals: ['--root', '{ROOT}', ...log],
  leaked: 0,
  calls: [
    {
      argv: ['run', '--bundle', '{BUNDLE}', '--keep', '{ID}'],
      stdin: 'input\n',
      expect: { status: 3, state: 'stopped', stdout: 'input\ndone\n' },
    },
    { argv: ['delete', '--force', '{ID}'], expect: { status: 0 } },
  ],
}

const conmonGlobals = ['--log-format=json', '--log', '{DIR}/oci-log']
/** Variables that conmon leaves in the environment. */
const conmonEnv = { _OCI_SYNCPIPE: '3', _OCI_STARTPIPE: '4', XDG_RUNTIME_DIR: '' }
const podmanEnv = { XDG_RUNTIME_DIR: '' }
const conmonExec = (file: string, ...flags: readonly string[]): readonly string[] => [
  ...conmonGlobals,
  'exec',
  '--pid-file',
  '{DIR}/exec_pid',
  '--process',
  `{DIR}/${file}`,
  '--detach',
  ...flags,
  '{ID}',
]

const podman: Conversation = {
  caller: 'Podman and its conmon',
  cwd: 'elsewhere',
  globals: ['--root={ROOT}'],
  leaked: 3,
  calls: [
    { argv: ['--version'], expect: { status: 0, stdout: 'version' } },
    {
      argv: [...conmonGlobals, 'create', '--bundle', '{BUNDLE}', '--pid-file', '{DIR}/pidfile', '{ID}'],
      env: conmonEnv,
      pidFile: 'pidfile',
      expect: { status: 0, pidFile: 'init', state: 'created' },
    },
    { argv: ['start', '{ID}'], env: podmanEnv, expect: running },
    {
      argv: conmonExec('process'),
      files: { process: process(['/bin/probe', 'fds', 'env'], { env: ['TERM=xterm', 'PATH=/bin', 'HOME=/root'] }) },
      env: { ...conmonEnv, _OCI_ATTACHPIPE: '5' },
      pidFile: 'exec_pid',
      ends: true,
      expect: {
        status: 0,
        pidFile: 'other',
        state: 'running',
        output: '== fds\n0\n1\n2\n== env\nTERM=xterm\nPATH=/bin\nHOME=/root\n',
      },
    },
    {
      argv: conmonExec('tty', '--tty', '--console-socket', '{SOCKET}'),
      files: { tty: process(['sh', '-c', 'test -t 0 && echo terminal'], { terminal: true, env: ['PATH=/bin'] }) },
      env: conmonEnv,
      console: true,
      pidFile: 'exec_pid',
      ends: true,
      expect: { status: 0, pidFile: 'other', state: 'running', output: 'terminal\n' },
    },
    {
      argv: conmonExec('missing'),
      files: { missing: process(['/nosuch']) },
      env: conmonEnv,
      expect: execFailed(['127']),
    },
    { argv: ['pause', '{ID}'], env: podmanEnv, expect: { status: 0, state: 'paused' } },
    {
      argv: conmonExec('process'),
      env: conmonEnv,
      expect: { ...execFailed([]), state: 'paused' },
      differs: { crun: { why: 'the one failure of exec with status 1', sees: { status: 1 } } },
    },
    { argv: ['resume', '{ID}'], env: podmanEnv, expect: running },
    {
      argv: ['update', '--resources={DIR}/resources', '{ID}'],
      files: { resources: { cpu: { shares: 512 }, pids: { limit: 50 } } },
      env: podmanEnv,
      expect: running,
    },
    { argv: ['kill', '{ID}', '10'], env: podmanEnv, expect: running },
    { argv: ['kill', '{ID}', '15'], env: podmanEnv, ends: true, expect: afterKill },
    { argv: ['kill', '--all', '{ID}', '9'], env: podmanEnv, expect: afterKill },
    { argv: ['delete', '--force', '{ID}'], env: podmanEnv, expect: { status: 0 } },
  ],
}

const crio: Conversation = {
  caller: 'CRI-O',
  cwd: 'elsewhere',
  globals: ['--root', '{ROOT}'],
  leaked: 1,
  calls: [
    { argv: ['--version'], expect: { status: 0, stdout: 'version' } },
    { argv: ['features'], expect: { status: 0, stdout: 'features' } },
    {
      argv: [...conmonGlobals, 'create', '--bundle', '{BUNDLE}', '--pid-file', '{DIR}/pidfile', '{ID}'],
      env: conmonEnv,
      pidFile: 'pidfile',
      expect: { status: 0, pidFile: 'init', state: 'created' },
    },
    { argv: ['start', '{ID}'], expect: running },
    {
      argv: ['exec', '--process', '{DIR}/process', '{ID}'],
      files: { process: process(['sh', '-c', 'echo out; echo err >&2; exit 7'], { env: ['PATH=/bin'] }) },
      expect: { status: 7, stdout: 'out\n', stderr: 'some', state: 'running' },
    },
    {
      argv: ['exec', '--process', '{DIR}/process', '{ID}'],
      files: { process: process(['sh', '-c', 'kill -KILL $$'], { env: ['PATH=/bin'] }) },
      expect: { status: 137, state: 'running' },
    },
    { argv: ['update', '--resources', '-', '{ID}'], stdin: '{"cpu":{"quota":50000,"period":100000}}', expect: running },
    { argv: ['kill', '{ID}', 'TERM'], ends: true, expect: afterKill },
    { argv: ['kill', '-a', '{ID}', '9'], expect: afterKill },
    { argv: ['delete', '--force', '{ID}'], expect: { status: 0 } },
    {
      argv: ['delete', '{ID}'],
      expect: { status: 1, stderr: 'some', meaning: ['unknown container'] },
      differs: unknownToCrun,
    },
  ],
}

const buildah: Conversation = {
  caller: 'Buildah',
  args: ['sh', '-c', 'cat; echo built'],
  cwd: 'bundle',
  globals: ['--root', '{ROOT}'],
  leaked: 9,
  calls: [
    {
      argv: ['create', '--bundle', '{BUNDLE}', '--pid-file', '{DIR}/pid', '{ID}'],
      stdin: 'input\n',
      env: { LOGLEVEL: '3' },
      pidFile: 'pid',
      expect: { status: 0, pidFile: 'init', state: 'created' },
    },
    { argv: ['start', '{ID}'], ends: true, expect: { status: 0, state: 'stopped', output: 'input\nbuilt\n' } },
    { argv: ['kill', '{ID}'], expect: { status: 1, stderr: 'some', meaning: ['gone'], state: 'stopped' } },
    { argv: ['delete', '{ID}'], expect: { status: 0 } },
  ],
}

export const conversations: readonly Conversation[] = [
  containerd,
  containerdFails('/nosuch', ['127']),
  containerdFails('nosuch', ['127']),
  containerdFails('/etc', ['126']),
  containerdFails('/etc/passwd', ['126']),
  containerdTerminal,
  client,
  buildkit,
  podman,
  crio,
  buildah,
]
