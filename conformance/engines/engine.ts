/*
 * The framework of the engine tests: an engine from Debian's packages, on the runtime under test, inside isolated.sh, where the
 * engine's default paths and the whole machine belong to the test. So the leak check after each test needs no names: it
 * counts every process, mount, cgroup, network interface and namespace, and all state of the runtime. podman.ts and similar
 * files have the commands of each engine.
 */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  type Dirent,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { makeRootfs } from '../harness/bundle.ts'
import { cgroupMounts } from '../harness/census.ts'
import { hasCommand } from '../harness/project.ts'
import { either, type Skip } from '../harness/requires.ts'
import {
  type CallOptions,
  pause,
  peerSkip,
  type Result,
  type Running,
  runProgram,
  type ScenarioOptions,
  startProgram,
} from '../harness/scenario.ts'

/**
 * Directory on a disk, of isolated.sh or of a virtual machine that is discarded after the tests; undefined elsewhere.
 */
const scratch = process.env.RUNT_ISOLATED

/* An unprivileged user's engine needs the user's runtime directory, and systemd's bus for its cgroups. */
const session = Object.fromEntries(
  ['XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS'].flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value]]
  }),
)

export interface EngineBox {
  /** Scratch directory of this test. */
  readonly dir: string
  /** Runs a program to its end. */
  readonly run: (argv: readonly string[], options?: CallOptions) => Result
  /** Starts a program and returns; kills it at the end of the test. */
  readonly begin: (argv: readonly string[], options?: CallOptions) => Running
  /** A name that no other container, pod, volume or network has. */
  readonly name: () => string
  /** Runs at the end of the test, before the leak check, in reverse order. */
  readonly defer: (action: () => unknown) => void
}

export interface Engine {
  readonly name: string
  /** Programs that all tests need. */
  readonly commands: readonly string[]
  /** Prepares what all tests share (configuration, daemons, images), once: the leak check counts later changes. */
  readonly prepare: (box: EngineBox) => Promise<void> | void
  /** Removes containers that a test has left, through the engine; called after each test. */
  readonly cleanUp: (box: EngineBox) => Promise<void> | void
  /** What the engine, or every runtime below it, leaves permanently, with the reason: not a leak. */
  readonly leaves?: readonly RegExp[]
  /** Stops what prepare has started. */
  readonly stop?: (box: EngineBox) => Promise<void> | void
}

export type EngineTest = (
  name: string,
  options: Pick<ScenarioOptions, 'skip' | 'peers'>,
  body: (t: Test, box: EngineBox) => Promise<void> | void,
) => void

let serial = 0

/* Milliseconds, for a call and for a wait: emulated machines are twenty times slower, disks stall, and a hang must still end. */
const engineLimit = 120_000

function openBox(dir: string, deferred: (() => unknown)[]): EngineBox {
  const complete = (options: CallOptions = {}): CallOptions => ({
    timeout: engineLimit,
    ...options,
    // Podman 5 warns about cgroup v1 on standard error, where tests expect a container's output.
    env: { TMPDIR: join(scratch ?? '', 'tmp'), PODMAN_IGNORE_CGROUPSV1_WARNING: '1', ...session, ...options.env },
  })
  return {
    dir,
    run: (argv, options) => runProgram(dir, argv, complete(options)),
    begin: (argv, options) => {
      const running = startProgram(dir, argv, complete(options))
      deferred.push(() => running.kill('SIGKILL'))
      return running
    },
    name: () => `t${++serial}`,
    defer: (action) => deferred.push(action),
  }
}

/* The engine may remove entries in the background before they are read. */
function entriesOf(dir: string): readonly Dirent[] {
  try {
    return readdirSync(dir, { withFileTypes: true })
  } catch {
    return []
  }
}

/** Names below a directory, that many levels deep; empty if it does not exist. */
const listing = (dir: string, depth: number): readonly string[] =>
  entriesOf(dir).flatMap((entry) => {
    const path = join(dir, entry.name)
    return [path, ...(depth > 1 && entry.isDirectory() ? listing(path, depth - 1) : [])]
  })

const lines = (file: string): readonly string[] => readFileSync(file, 'utf8').trim().split('\n')

/* Command lines: kernel threads have no executable, zombies have neither; this process and its parents always exist. */
function processes(): readonly string[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return []
    try {
      readlinkSync(`/proc/${pid}/exe`)
      return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()]
    } catch {
      return [] // ended meanwhile, or a zombie
    }
  })
}

function cgroups(): readonly string[] {
  const below = (dir: string): readonly string[] =>
    entriesOf(dir)
      .filter((entry) => entry.isDirectory())
      .flatMap((entry) => [join(dir, entry.name), ...below(join(dir, entry.name))])
  return cgroupMounts().flatMap((mount) => below(mount.dir))
}

/* The identity of a mount is its root, mount point and options: ids and sources change. */
const mounts = (): readonly string[] =>
  lines('/proc/self/mountinfo').map((line) => line.split(' ').slice(3, 6).join(' '))

const interfaces = (): readonly string[] =>
  lines('/proc/net/dev')
    .slice(2)
    .map((line) => line.split(':')[0]?.trim() ?? '')

/** The default state directories of runtimes, and that of containerd's shim (go-runc's --root). */
const stateRoots = [
  ...['runt', 'runc', 'crun'].map((name) => join((process.getuid?.() && session.XDG_RUNTIME_DIR) || '/run', name)),
  '/run/containerd/runc',
  '/run/docker/runtime-runc',
]

/* crun keeps compiled filters and runt its locks beside the containers. */
const state = (): readonly string[] =>
  stateRoots.flatMap((root) => listing(root, 3)).filter((path) => !/\/\.[^/]*(\/|$)/.test(path))

const inspectors = { processes, mounts, cgroups, interfaces, networks: () => listing('/run/netns', 1), state }
type Census = Readonly<Record<keyof typeof inspectors, readonly string[]>>

const takeCensus = (): Census =>
  Object.fromEntries(Object.entries(inspectors).map(([what, inspect]) => [what, inspect()])) as Census

/**
 * What exists more often than before: a daemon that a test restarts is not a leak, a second mount on a mount point is
 * one.
 */
function leaks(before: Census, after: Census, leaves: readonly RegExp[]): Partial<Census> {
  const fresh = Object.entries(after).map(([what, found]) => {
    const known = [...before[what as keyof Census]]
    const isFresh = (item: string): boolean => {
      const at = known.indexOf(item)
      if (at >= 0) known.splice(at, 1)
      return at < 0 && !leaves.some((left) => left.test(item))
    }
    return [what, found.filter(isFresh)] as const
  })
  return Object.fromEntries(fresh.filter(([, found]) => found.length > 0))
}

async function checkLeaks(test: Test, before: Census, leaves: readonly RegExp[] = []): Promise<void> {
  let found = leaks(before, takeCensus(), leaves)
  // Engines remove much in the background: conmon calls `podman container cleanup` after a container has ended.
  for (let tries = 0; tries < 100 && Object.keys(found).length > 0; tries++) {
    await pause(100)
    found = leaks(before, takeCensus(), leaves)
  }
  test.same(found, {}, 'nothing is left behind')
}

async function inBox(name: string, body: (box: EngineBox) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(scratch ?? '', `${name}-`))
  const deferred: (() => unknown)[] = []
  try {
    await body(openBox(dir, deferred))
  } finally {
    for (const action of deferred.reverse()) await action()
  }
}

/** The tests of an engine: each runs with the engine prepared, and must leave the machine unchanged. */
export function engineTests(engine: Engine): EngineTest {
  const missing = engine.commands.find((command) => !hasCommand(command))
  const reason = either(
    scratch === undefined ? 'not in isolated.sh: run make engine-test' : false,
    missing === undefined ? false : `no ${missing}`,
  )
  let ready: Promise<void> | undefined
  let shutDown = (): void => undefined
  /* The box of prepare stays open until all tests are done, because daemons use it. */
  const prepare = (): Promise<void> =>
    new Promise((done, fail) => {
      const life = inBox(engine.name, async (box) => {
        await engine.prepare(box)
        const end = new Promise<void>((resolve) => {
          shutDown = resolve
        })
        done()
        await end
        await engine.stop?.(box)
      })
      life.catch(fail)
      t.teardown(() => {
        shutDown()
        return life.catch(() => undefined) // the tests have reported it
      })
    })
  return (name, options, body) => {
    const skip: Skip = either(reason, options.skip ?? false, peerSkip(options.peers))
    t.test(name, { skip, timeout: 600_000 }, async (test) => {
      ready ??= prepare()
      await ready
      const before = takeCensus()
      await inBox('case', async (box) => {
        box.defer(() => engine.cleanUp(box))
        await body(test, box)
      })
      await checkLeaks(test, before, engine.leaves)
    })
  }
}

/**
 * Asks an engine until the condition holds. A query may fail while a container changes (`podman inspect` reads
 * /proc/PID/cgroup of a process that has just ended): that counts as "not yet". Not for calls that use the runtime, such as
 * exec: their failures must be reported; see until.
 */
export async function eventually(condition: () => unknown, what: string): Promise<void> {
  for (const end = Date.now() + engineLimit; ; await pause(10)) {
    let failure = ''
    try {
      if (condition()) return
    } catch (error) {
      failure = `; ${error}`
    }
    if (Date.now() > end) throw new Error(`${what}: not within ${engineLimit} ms${failure}`)
  }
}

/**
 * A child that needs more memory than the limit, and its status, 137. Not at once: containerd's shim starts to watch for OOM events
 * when `start` has returned. And the container ends later: the shim sends the OOM event and the exit event from two threads, in either
 * order, and Docker only counts an OOM event that comes first.
 */
export const hungry: readonly string[] = ['sh', '-c', 'sleep 2; tail /dev/zero; status=$?; sleep 2; exit $status']

/** A tar archive of a root file system with static busybox, the probe and the usual files, for an engine to import. */
export function busyboxArchive(box: EngineBox): string {
  const rootfs = join(box.dir, 'rootfs')
  mkdirSync(rootfs)
  makeRootfs(rootfs, box.dir)
  chmodSync(join(rootfs, 'tmp'), 0o1777)
  const archive = join(box.dir, 'busybox.tar')
  execFileSync('tar', ['-C', rootfs, '--hard-dereference', '-cf', archive, '.'])
  return archive
}

/** Starts a registry on loopback; returns its host and port. It responds a moment later. */
export function startRegistry(box: EngineBox): string {
  const address = '127.0.0.1:5000'
  const config = join(box.dir, 'registry.yml')
  const store = `storage: {filesystem: {rootdirectory: ${join(box.dir, 'registry')}}}`
  writeFileSync(config, `version: 0.1\n${store}\nhttp: {addr: '${address}'}\n`)
  box.begin(['docker-registry', 'serve', config])
  return address
}
