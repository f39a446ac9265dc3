/*
 * The memory of a runtime and its waiting init, and the smallest limit with which a container starts.
 */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Bundle, makeBundle } from '../conformance/harness/bundle.ts'
import { type Contestant, eachRuntime, fixed, quantile, root, run, runtimes, scratch, tag } from './contestants.ts'
import type { Samples } from './speed.ts'

/** Resident memory of the waiting process of a created container, in KB. */
function initMemory(name: Contestant, bundle: Bundle): { readonly rss: number; readonly pss: number } {
  const id = `bench-${tag}-init`
  const pidFile = join(scratch, `pid-${name}`)
  run([...root(name), 'create', '--bundle', bundle.dir, '--pid-file', pidFile, id])
  try {
    const rollup = readFileSync(`/proc/${readFileSync(pidFile, 'utf8').trim()}/smaps_rollup`, 'utf8')
    const field = (key: string): number => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(rollup)?.[1])
    return { rss: field('Rss'), pss: field('Pss') }
  } catch {
    return { rss: Number.NaN, pss: Number.NaN }
  } finally {
    run([...root(name), 'delete', '--force', id])
  }
}

let limits = 0

function runsUnder(name: Contestant, bytes: number): boolean {
  const dir = `limit-${++limits}`
  const bundle = makeBundle(
    scratch,
    scratch,
    { process: { args: ['/bin/true'] }, linux: { resources: { memory: { limit: bytes } } } },
    { name: dir },
  )
  const id = `bench-${tag}-${dir}`
  const passed = run([...root(name), 'run', '--bundle', bundle.dir, id]).status === 0
  run([...root(name), 'delete', '--force', id])
  rmSync(bundle.dir, { recursive: true })
  return passed
}

/** The smallest memory limit in KB, to 64 KB, with which /bin/true runs three times out of three; 1 GB if none does. */
function smallestLimit(name: Contestant): number {
  const enough = (kb: number): boolean => [1, 2, 3].every(() => runsUnder(name, kb * 1024))
  let low = 0
  let high = 64
  while (!enough(high) && high < 1 << 20) {
    low = high
    high *= 2
  }
  while (high - low > 64) {
    const middle = (low + high) / 2
    if (enough(middle)) high = middle
    else low = middle
  }
  return high
}

export function memoryTable(quiet: Samples, bundle: Bundle): string {
  const rows = ['| | runt | crun | runc | target |', '| --- | --- | --- | --- | --- |']
  const peak =
    (command: string) =>
    (name: Contestant): string =>
      `${fixed(
        quantile(
          (quiet.get(`${name} ${command}`) ?? []).map((sample) => sample.rss),
          0.5,
        ) / 1024,
      )} MB`
  rows.push(
    `| peak resident memory of \`create\` (wait4, median) | ${eachRuntime(peak('create'))} | ≤ 6 MB |`,
    `| the same of \`exec\` | ${eachRuntime(peak('exec'))} | ≤ 5 MB |`,
  )
  const init = new Map(runtimes.map((name) => [name as Contestant, initMemory(name, bundle)]))
  rows.push(
    `| init of a created container, Rss | ${eachRuntime((name) => `${fixed((init.get(name)?.rss ?? Number.NaN) / 1024)} MB`)} | ≤ 0.5 MB |`,
    `| the same, Pss | ${eachRuntime((name) => `${fixed((init.get(name)?.pss ?? Number.NaN) / 1024)} MB`)} | |`,
    `| starts under a memory limit of 1 MB | ${eachRuntime((name) => (runsUnder(name, 1 << 20) ? 'yes' : 'no'))} | yes |`,
    `| smallest limit that works, to 64 KB | ${eachRuntime((name) => `${smallestLimit(name)} KB`)} | |`,
  )
  return rows.join('\n')
}
