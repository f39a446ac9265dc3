/*
 * Containers that run load.c: a bundle with it, one that measures its own throughput, one that runs until it is
 * removed, and the order of measurements.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { makeBundle, type Patch } from '../conformance/harness/bundle.ts'
import { cgroupMounts } from '../conformance/harness/census.ts'
import { type Contestant, program, root, run, runtimes, scratch, tag } from './contestants.ts'

export const cpuCount = cpus().length
/**
 * All these containers are in one cgroup, which has priority over the rest of the machine: they share CPU time among
 * each other.
 */
const parent = `/bench-${tag}`
const denyAll = { allow: false, access: 'rwm' }
let serial = 0

interface Loaded {
  readonly id: string
  readonly dir: string
  readonly remove: () => void
}

function prepare(args: readonly string[], resources: Patch): Loaded {
  const id = `bench-${tag}-load-${++serial}`
  const linux = { cgroupsPath: `${parent}/${id}`, resources: { devices: [denyAll], ...resources } }
  const bundle = makeBundle(scratch, scratch, { process: { args: ['/bin/load', ...args] }, linux }, { name: id })
  linkSync(program('load'), join(bundle.rootfs, 'bin/load'))
  return { id, dir: bundle.dir, remove: () => rmSync(bundle.dir, { recursive: true }) }
}

/** The results of so many spinning processes in so many milliseconds: rounds, and nanoseconds of CPU time. */
export function spin(
  name: Contestant,
  workers: number,
  ms: number,
  resources: Patch = {},
): { rounds: number; cpu: number } {
  const { id, dir, remove } = prepare(['spin', `${workers}`, `${ms}`], resources)
  const [file = '', ...rest] = [...root(name), 'run', '--bundle', dir, id]
  const { stdout } = spawnSync(file, rest, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], timeout: 60_000 })
  remove()
  const [rounds = Number.NaN, cpu = Number.NaN] = stdout.trim().split(' ').map(Number)
  return { rounds, cpu }
}

/** Runs an action beside a container that makes noise under these limits. */
export function besideNoise<T>(name: Contestant, workers: number, resources: Patch, action: () => T): T {
  const { id, dir, remove } = prepare(['noise', `${workers}`], resources)
  run([...root(name), 'create', '--bundle', dir, id])
  run([...root(name), 'start', id])
  try {
    spawnSync('sleep', ['0.3']) // until it has reached its limits
    return action()
  } finally {
    const [file = '', ...rest] = [...root(name), 'delete', '--force', id]
    const { status, signal, stderr } = spawnSync(file, rest, {
      encoding: 'utf8',
      timeout: 30_000,
      killSignal: 'SIGKILL',
    })
    if (status !== 0) console.error(`${name} delete --force: ${signal ?? status}: ${stderr}`)
    remove()
  }
}

/** Measures every case with every runtime, in turns; `samples` of each case and runtime. */
export function measureInTurns<Case extends { readonly name: string }>(
  what: string,
  rounds: number,
  cases: readonly Case[],
  measure: (name: Contestant, one: Case) => number,
): (name: Contestant, one: Case) => readonly number[] {
  console.log(`${what}: ${rounds} rounds of ${cases.length * runtimes.length} measurements`)
  const samples = new Map<string, number[]>()
  makeParent()
  for (let round = 0; round < rounds; round++) {
    for (const one of cases) {
      for (const name of runtimes) {
        const key = `${name} ${one.name}`
        samples.set(key, [...(samples.get(key) ?? []), measure(name, one)])
      }
    }
  }
  removeParent()
  return (name, one) => samples.get(`${name} ${one.name}`) ?? []
}

/** The parent cgroup of the containers, with the maximum weight. */
function makeParent(): void {
  for (const { dir, controllers } of cgroupMounts()) {
    const isUnified = existsSync(`${dir}/cgroup.controllers`)
    if (isUnified ? !readFileSync(`${dir}/cgroup.controllers`, 'utf8').includes('cpu ') : !controllers.includes('cpu'))
      continue
    if (isUnified) writeFileSync(`${dir}/cgroup.subtree_control`, '+cpu')
    mkdirSync(dir + parent, { recursive: true })
    const [file, weight] = isUnified ? ['cpu.weight', '10000'] : ['cpu.shares', '262144']
    if (existsSync(`${dir}${parent}/${file}`)) writeFileSync(`${dir}${parent}/${file}`, weight)
  }
}

/** Runtimes do not remove parents of a container's cgroup, and crun not always the container's own. */
function removeParent(): void {
  for (const { dir } of cgroupMounts()) {
    if (!existsSync(dir + parent)) continue
    for (const entry of readdirSync(dir + parent, { withFileTypes: true }))
      if (entry.isDirectory()) rmdirSync(join(dir + parent, entry.name))
    rmdirSync(dir + parent)
  }
}
