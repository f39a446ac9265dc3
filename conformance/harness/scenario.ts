/*
 * The framework of every end-to-end test: a scratch directory, a private state root, functions that call the runtime, and the
 * leak check around it. A test body gets a Box; anything it leaves behind fails the test and is removed.
 */
import { type StdioOptions, spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import t, { type Test } from 'tap'
import { type Bundle, type BundleOptions, makeBundle, type Patch } from './bundle.ts'
import {
  type Census,
  claimProcesses,
  leaks,
  releaseProcesses,
  sweep,
  takeCensus,
  token,
  whereabouts,
} from './census.ts'
import { type RuntimeName, runtime } from './project.ts'
import { either, needsRoot, type Skip } from './requires.ts'

export interface Result {
  /** Exit status; 128+n if a signal ended the runtime itself. */
  readonly status: number
  readonly stdout: string
  readonly stderr: string
  /** The same two files, read again: a detached container keeps writing to them. */
  readonly later: () => { readonly stdout: string; readonly stderr: string }
}

export interface CallOptions {
  /** Text for stdin, or a descriptor; else /dev/null. */
  readonly stdin?: string | number
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Descriptors to pass as 3, 4, … */
  readonly fds?: readonly number[]
  /** Program and arguments before the runtime's own: strace, prlimit, aid … */
  readonly wrap?: readonly string[]
  /** Another runtime than the one under test. */
  readonly runtime?: string
  /** Another state root; null leaves out --root. */
  readonly root?: string | null
  /** Milliseconds until the runtime is killed; then the test fails by the status. */
  readonly timeout?: number
}

export interface Running {
  readonly pid: number
  readonly exited: Promise<Result>
  readonly output: () => { readonly stdout: string; readonly stderr: string }
  readonly write: (text: string) => void
  readonly kill: (signal: NodeJS.Signals) => void
}

export interface Box {
  /** Scratch directory of this test, with mode 0755 so that a mapped user can search it. */
  readonly dir: string
  /** The --root of every call. */
  readonly root: string
  /** The bundle of the default config with the patch. */
  readonly bundle: (patch?: Patch, options?: BundleOptions) => Bundle
  /** A new container id. */
  readonly id: () => string
  /** Runs the runtime to its end. */
  readonly call: (args: readonly string[], options?: CallOptions) => Result
  /** Starts the runtime and returns. */
  readonly begin: (args: readonly string[], options?: CallOptions) => Running
  /** Starts a program that is not the runtime; kills it at the end of the test. */
  readonly helper: (argv: readonly string[]) => Running
  /** `state ID` as an object; undefined if the command fails. */
  readonly state: (id: string) => ContainerState | undefined
  /** Runs at the end of the test, before the leak check, in reverse order. */
  readonly defer: (action: () => void) => void
}

export interface ContainerState {
  readonly ociVersion: string
  readonly id: string
  readonly pid?: number
  readonly status: string
  readonly bundle: string
  readonly annotations?: Readonly<Record<string, string>>
  readonly [key: string]: unknown
}

export interface ScenarioOptions {
  readonly skip?: Skip
  /** Known failures of other runtimes, which run as a control; RUNT_STRICT=1 runs the test nevertheless. */
  readonly peers?: Partial<Record<RuntimeName, string>>
  /** 'any': an unprivileged user can run it too. */
  readonly user?: 'root' | 'any'
  /** Milliseconds, for a test with a configurable duration. */
  readonly timeout?: number
}

const scratchRoot = join(tmpdir(), token)
const store = join(scratchRoot, 'store')
let serial = 0

/* Far more than any test takes: emulated machines are twenty times slower, disks stall, and a hang must still end. */
const scenarioTimeout = 300_000
const callTimeout = 120_000
/** In runs in which every test must fail (false-runtime.test.ts), conditions never become true, and one failure is enough. */
const isHopeless = process.env.RUNT_PATIENCE !== undefined
const patience = Number(process.env.RUNT_PATIENCE ?? 60_000)
t.setTimeout(1_800_000 + Number(process.env.RUNT_FUZZ_RUNS ?? 0) * 1000)

/** Waits until the condition holds, checking every 10 ms: for what the kernel does after a call has returned. */
export async function until(condition: () => unknown, what: string, limit = patience): Promise<void> {
  const longest = Math.min(limit, patience)
  const end = Date.now() + longest
  while (!condition()) {
    if (Date.now() > end) throw new Error(`${what}: not within ${longest} ms`)
    await pause(10)
  }
}

export const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms))

const environment = (extra: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: process.env.HOME ?? '/',
  ...extra,
})

interface Prepared {
  readonly argv: readonly [string, ...string[]]
  readonly stdio: StdioOptions
  readonly close: () => void
  readonly read: () => { readonly stdout: string; readonly stderr: string }
}

/* Output goes to files, not pipes: a created container inherits them, and a pipe would block the call. */
function prepare(dir: string, argv: readonly string[], options: CallOptions, stdin: 'pipe' | 'file'): Prepared {
  const base = join(dir, `call-${++serial}`)
  const out = openSync(`${base}.stdout`, 'a')
  const err = openSync(`${base}.stderr`, 'a')
  const opened = [out, err]
  let input: number | 'pipe' = 'pipe'
  if (typeof options.stdin === 'number') {
    input = options.stdin
  } else if (stdin === 'file') {
    // crun changes the owner of its standard streams for a container with a user namespace, even that of the machine's
    // null device.
    const usesNull = options.stdin === undefined && !argv.some((word) => basename(word) === 'crun')
    if (!usesNull) writeFileSync(`${base}.stdin`, options.stdin ?? '')
    input = openSync(usesNull ? '/dev/null' : `${base}.stdin`, 'r')
    opened.push(input)
  }
  const [program, ...rest] = argv
  if (program === undefined) throw new Error('empty command')
  return {
    argv: [program, ...rest],
    stdio: [input, out, err, ...(options.fds ?? [])],
    close: () => {
      for (const fd of opened) closeSync(fd)
    },
    read: () => ({ stdout: readFileSync(`${base}.stdout`, 'utf8'), stderr: readFileSync(`${base}.stderr`, 'utf8') }),
  }
}

const signalNumbers: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGTERM: 15,
}

const statusOf = (code: number | null, signal: string | null): number =>
  code ?? 128 + (signalNumbers[signal ?? ''] ?? 127)

function commandLine(root: string, args: readonly string[], options: CallOptions): readonly string[] {
  const stateRoot = options.root === undefined ? root : options.root
  const globals = stateRoot === null ? [] : ['--root', stateRoot]
  return [...(options.wrap ?? []), options.runtime ?? runtime.path, ...globals, ...args]
}

/** Runs any program to its end, like Box.call. */
export function runProgram(dir: string, argv: readonly string[], options: CallOptions = {}): Result {
  const prepared = prepare(dir, argv, options, 'file')
  const [program, ...rest] = prepared.argv
  const child = spawnSync(program, rest, {
    stdio: prepared.stdio,
    env: environment(options.env),
    cwd: options.cwd ?? dir,
    timeout: options.timeout ?? callTimeout,
    killSignal: 'SIGKILL',
  })
  prepared.close()
  if (child.error !== undefined && child.status === null && child.signal === null) throw child.error
  return { status: statusOf(child.status, child.signal), ...prepared.read(), later: prepared.read }
}

/** Starts any program, like Box.begin. */
export function startProgram(dir: string, argv: readonly string[], options: CallOptions): Running {
  const prepared = prepare(dir, argv, options, options.stdin === undefined ? 'pipe' : 'file')
  const [program, ...rest] = prepared.argv
  const child = spawn(program, rest, { stdio: prepared.stdio, env: environment(options.env), cwd: options.cwd ?? dir })
  prepared.close()
  child.stdin?.on('error', () => undefined)
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeout ?? callTimeout)
  const exited = new Promise<Result>((done, fail) => {
    child.on('error', fail)
    child.on('exit', (code, signal) => {
      clearTimeout(timer)
      child.stdin?.destroy()
      done({ status: statusOf(code, signal), ...prepared.read(), later: prepared.read })
    })
  })
  return {
    pid: child.pid ?? -1,
    exited,
    output: prepared.read,
    write: (text) => child.stdin?.write(text),
    kill: (signal) => child.kill(signal),
  }
}

function openBox(test: Test, dir: string, deferred: (() => void)[]): Box {
  const root = join(dir, 'state')
  mkdirSync(root, { mode: 0o700 })
  const call = (args: readonly string[], options: CallOptions = {}): Result => {
    if (isHopeless && !test.passing()) throw new Error('has failed already')
    return runProgram(dir, commandLine(root, args, options), options)
  }
  return {
    dir,
    root,
    bundle: (patch = {}, options = {}) => makeBundle(dir, store, patch, options),
    id: () => `${token}-${++serial}`,
    call,
    begin: (args, options = {}) => startProgram(dir, commandLine(root, args, options), options),
    helper: (argv) => {
      const running = startProgram(dir, argv, {})
      deferred.push(() => running.kill('SIGKILL'))
      return running
    },
    state: (id) => {
      const result = call(['state', id])
      return result.status === 0 ? JSON.parse(result.stdout) : undefined
    },
    defer: (action) => deferred.push(action),
  }
}

/** The known reason why the runtime under test, as a control, fails; false with RUNT_STRICT=1. */
export function peerSkip(peers: ScenarioOptions['peers']): Skip {
  const peer = process.env.RUNT_STRICT ? undefined : peers?.[runtime.name]
  return peer === undefined ? false : `${runtime.name}: ${peer}`
}

/** One end-to-end test, with the leak check after it. */
export function scenario(
  name: string,
  options: ScenarioOptions,
  body: (t: Test, box: Box) => Promise<void> | void,
): void {
  const skip = either(options.user === 'any' ? false : needsRoot(), options.skip ?? false, peerSkip(options.peers))
  t.test(name, { skip, timeout: options.timeout ?? scenarioTimeout }, async (test) => {
    claimProcesses()
    mkdirSync(store, { recursive: true })
    chmodSync(scratchRoot, 0o755)
    const dir = mkdtempSync(join(scratchRoot, 'case-'))
    chmodSync(dir, 0o755)
    const deferred: (() => void)[] = []
    const box = openBox(test, dir, deferred)
    const before = takeCensus(box.root)
    try {
      await body(test, box)
    } finally {
      for (const action of deferred.reverse()) action()
      await checkLeaks(test, box, before)
      rmSync(dir, { recursive: true, force: true })
    }
  })
}

/**
 * What is left since that census, and stays: processes and cgroups may exist for a moment after the call that ended
 * them.
 */
export async function leftSince(box: Box, before: Census): Promise<ReturnType<typeof leaks> | undefined> {
  for (const end = Date.now() + 2000; ; await pause(20)) {
    const found = leaks(before, takeCensus(box.root))
    if (Object.keys(found).length === 0) return undefined
    if (Date.now() > end) return found
  }
}

async function checkLeaks(test: Test, box: Box, before: Census): Promise<void> {
  const found = (await leftSince(box, before)) ?? {}
  const extra = found.processes === undefined ? {} : { waiting: whereabouts(found.processes) }
  test.same(found, {}, 'nothing is left behind', extra)
  await sweepAll(box)
}

/** Removes what a test has left, by force; for trials that continue after a leak, and for the end of every test. */
export async function sweepAll(box: Box): Promise<void> {
  for (
    let tries = 0;
    tries < 50 && takeCensus(box.root).processes.length + takeCensus(box.root).cgroups.length > 0;
    tries++
  ) {
    sweep()
    await pause(20)
  }
  sweep()
  for (const name of readdirSync(box.root)) rmSync(join(box.root, name), { recursive: true, force: true })
}

t.teardown(() => {
  rmSync(scratchRoot, { recursive: true, force: true })
  releaseProcesses()
})
