/*
 * The measured runtimes, and what all sections of the benchmark share: the runtimes that can run a container here, one
 * scratch directory with a state root for each, and the format of numbers.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeBundle } from '../conformance/harness/bundle.ts'
import { findRuntime, projectRoot } from '../conformance/harness/project.ts'

export type Contestant = 'runt' | 'crun' | 'runc' | 'floor'

export const scratch = mkdtempSync(join(tmpdir(), 'runt-bench-'))
/** Part of the name of every container. */
export const tag = scratch.split('-').pop() ?? ''
export const program = (name: 'floor' | 'sampler' | 'load'): string => join(projectRoot, 'build/bench', name)

export const paths: Partial<Record<Contestant, string>> = { floor: program('floor') }
for (const [name, spec] of [
  ['runt', 'build/runt'],
  ['crun', 'crun'],
  ['runc', 'runc'],
] as const) {
  const found = findRuntime(spec)
  if (found !== undefined) paths[name] = found.path
}
/** The command line before the command. */
export const root = (name: Contestant): readonly string[] => [
  paths[name] ?? '',
  '--root',
  join(scratch, `state-${name}`),
]

export const run = (argv: readonly string[]): ReturnType<typeof spawnSync> => {
  const [file = '', ...rest] = argv
  return spawnSync(file, rest, { stdio: 'ignore', timeout: 30_000, killSignal: 'SIGKILL' })
}

/** A runtime that does not run containers would be very fast. */
function works(name: Contestant): boolean {
  const bundle = makeBundle(scratch, scratch, { process: { args: ['sh', '-c', 'exit 77'] } }, { name: `check-${name}` })
  mkdirSync(join(scratch, `state-${name}`), { mode: 0o700 })
  return run([...root(name), 'run', '--bundle', bundle.dir, `bench-${tag}-check`]).status === 77
}

export const installed = (['runt', 'crun', 'runc'] as const).filter((name) => paths[name] !== undefined)
export const runtimes = installed.filter(works)
export const quantile = (values: readonly number[], q: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))] ?? Number.NaN

export const fixed = (value: number, digits = 2): string => (Number.isFinite(value) ? value.toFixed(digits) : '–')

/** One cell for each runtime, in the order of the tables. */
export const eachRuntime = (value: (name: Contestant) => string): string =>
  (['runt', 'crun', 'runc'] as const).map((name) => (runtimes.includes(name) ? value(name) : '–')).join(' | ')
