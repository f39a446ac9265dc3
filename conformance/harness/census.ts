/*
 * The leak check: counts what a test's containers could leave behind, before and after each test. Other containers may
 * run on the machine meanwhile, so only objects with the test process's token count: processes by their cgroup (the test
 * process is in a cgroup of its own, which its children inherit), mounts by path, cgroups by name, in all hierarchies;
 * plus the state root and the test process's own descriptors.
 */

import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Part of every name that this test process gives to a directory, container or cgroup. */
export const token = `runttest${process.pid}x${Math.floor(Math.random() * 0x10000).toString(16)}`

export interface CgroupMount {
  readonly dir: string
  /** The controllers, as in 'cpu,cpuacct'; '' for cgroup2. */
  readonly controllers: string
}

const flags = /^(rw|ro|xattr|noprefix|clone_children|cpuset_v2_mode|none|release_agent=.*)$/

/** Every mounted cgroup hierarchy. */
export function cgroupMounts(): readonly CgroupMount[] {
  const mounts: CgroupMount[] = []
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [head, tail] = line.split(' - ')
    const fields = tail?.split(' ') ?? []
    const dir = head?.split(' ')[4]
    if (dir === undefined || (fields[0] !== 'cgroup' && fields[0] !== 'cgroup2')) continue
    // Words other than controllers are flags of the hierarchy, cgroups(7): runtimes turn clone_children on and off.
    const options = (fields[2] ?? '').split(',').filter((word) => !flags.test(word))
    mounts.push({ dir, controllers: fields[0] === 'cgroup2' ? '' : options.join(',') })
  }
  return mounts
}

let home: string | undefined
/** The test process's previous cgroup. */
let origin: string | undefined

/** Moves the test process into a cgroup of its own, to distinguish everything it starts from other processes. */
export function claimProcesses(): void {
  if (home !== undefined) return
  sweepDead()
  const mounts = cgroupMounts()
  const unified = mounts.find((mount) => mount.controllers === '')
  const named = mounts.find((mount) => mount.controllers.includes('name=')) ?? unified
  if (named === undefined) throw new Error('no cgroup hierarchy to keep the census in')
  // An unprivileged user may own a part of the v2 hierarchy; a runtime puts containers beside its own cgroup.
  const own = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/'
  const isRoot = process.getuid?.() === 0
  origin = isRoot ? named.dir : join(unified?.dir ?? named.dir, own)
  home = join(origin, isRoot ? '' : '..', token)
  mkdirSync(home)
  writeFileSync(join(home, 'cgroup.procs'), String(process.pid))
}

/** Undoes claimProcesses. */
export function releaseProcesses(): void {
  if (home === undefined) return
  writeFileSync(join(origin ?? '', 'cgroup.procs'), String(process.pid))
  rmdirSync(home)
  home = undefined
}

const readOr = (path: string, fallback: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return fallback
  }
}

/** pid → command line of every live descendant of this test process. */
export function processes(word = token): ReadonlyMap<number, string> {
  const found = new Map<number, string>()
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid) || pid === process.pid) continue
    if (!readOr(`/proc/${name}/cgroup`, '').includes(word)) continue
    // A zombie waits for its parent, which may be the machine's init: that is no leak of the runtime.
    const stat = readOr(`/proc/${name}/stat`, ') Z')
    if (stat.slice(stat.lastIndexOf(')') + 2)[0] === 'Z') continue
    const line = readOr(`/proc/${name}/cmdline`, '').replaceAll('\0', ' ').trim()
    found.set(pid, line || stat.slice(stat.indexOf('('), stat.lastIndexOf(')') + 1))
  }
  return found
}

/** What the processes of a census wait for in the kernel, to find out why they still exist. */
export function whereabouts(lines: readonly string[] = []): readonly string[] {
  return lines.map((line) => {
    const pid = line.slice(0, line.indexOf(' '))
    const stat = readOr(`/proc/${pid}/stat`, ') gone')
    const state = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[0]
    return `${pid} ${state}: ${readOr(`/proc/${pid}/stack`, '').trim().split('\n').join(', ')}`
  })
}

function walk(dir: string, depth: number, word: string, found: string[]): void {
  let names: string[]
  try {
    names = readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
  } catch {
    return
  }
  for (const name of names) {
    const path = join(dir, name)
    if (path.includes(word) && path !== home) found.push(path)
    if (depth > 0) walk(path, depth - 1, word, found)
  }
}

/** Every cgroup directory with the token in its path, parents first. */
export function cgroups(word = token): readonly string[] {
  const found: string[] = []
  for (const mount of cgroupMounts()) walk(mount.dir, 8, word, found)
  return found
}

const mounts = (word = token): readonly string[] =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(word))
    .map((line) => line.split(' ').slice(3, 6).join(' '))

/* Two levels, without following links: a state directory may contain one to its cgroup. */
const listing = (dir: string): readonly string[] => {
  try {
    return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => [
      entry.name,
      ...(entry.isDirectory() ? readdirSync(join(dir, entry.name)).map((name) => `${entry.name}/${name}`) : []),
    ])
  } catch {
    return []
  }
}

/** Open descriptors of this process, without Node's own. */
function descriptors(): readonly string[] {
  const links: string[] = []
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      const link = readlinkSync(`/proc/self/fd/${fd}`)
      // /dev/null: libuv keeps one open after its first failed spawn.
      if (!/^anon_inode:|^\/dev\/null$|^\/proc\/\d+\/fd$/.test(link)) links.push(`${fd} ${link}`)
    } catch {
      // closed meanwhile: the one of readdir
    }
  }
  return links
}

export interface Census {
  readonly processes: readonly string[]
  readonly mounts: readonly string[]
  readonly cgroups: readonly string[]
  readonly state: readonly string[]
  readonly descriptors: readonly string[]
}

/** Counts everything; stateRoot is the test's --root directory. */
export function takeCensus(stateRoot: string): Census {
  return {
    processes: [...processes()].map(([pid, line]) => `${pid} ${line}`),
    mounts: mounts(),
    cgroups: cgroups(),
    // crun keeps a cache of compiled filters there.
    state: listing(stateRoot).filter((path) => !path.startsWith('.cache')),
    descriptors: descriptors(),
  }
}

/** What is in the later census but not in the earlier one. */
export function leaks(before: Census, after: Census): Partial<Record<keyof Census, readonly string[]>> {
  const result: Partial<Record<keyof Census, readonly string[]>> = {}
  for (const key of Object.keys(after) as (keyof Census)[]) {
    const fresh = after[key].filter((item) => !before[key].includes(item))
    if (fresh.length > 0) result[key] = fresh
  }
  return result
}

/** Removes everything with the token, so that a leak is reported once and not by every later test. */
export function sweep(word = token): void {
  for (const pid of processes(word).keys()) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // it has ended by itself
    }
  }
  for (const line of mounts(word)) spawnSync('umount', ['-l', line.split(' ')[1] ?? ''], { stdio: 'ignore' })
  for (const path of [...cgroups(word)].reverse()) {
    try {
      writeFileSync(join(path, 'freezer.state'), 'THAWED')
    } catch {
      // not a v1 freezer
    }
    try {
      rmdirSync(path)
    } catch {
      // busy until the killed processes have ended; the next sweep removes it
    }
  }
}

/** Removes what killed test processes have left, by the pid in the names. */
export function sweepDead(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = /^runttest(\d+)x[0-9a-f]+$/.exec(name)?.[1]
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue
    sweep(name)
    sweep(name)
    rmSync(join(tmpdir(), name), { recursive: true, force: true })
  }
}
