/*
 * How long commands take: the list of commands, the number of samples, and the two tables, on an idle host and back to
 * back. sampler.c takes the samples.
 */
import { spawnSync } from 'node:child_process'
import type { Bundle } from '../conformance/harness/bundle.ts'
import { cgroupMounts } from '../conformance/harness/census.ts'
import { projectRoot } from '../conformance/harness/project.ts'
import { type Contestant, fixed, program, quantile, root, run, runtimes, scratch, tag } from './contestants.ts'

export interface Case {
  readonly name: string
  readonly contestant: Contestant
  readonly commands: readonly (readonly string[])[]
}

export interface Sample {
  readonly ms: number
  readonly rss: number
  readonly failed: number
}

export type Samples = ReadonlyMap<string, readonly Sample[]>

export const held = (name: Contestant): string => `bench-${tag}-held-${name}`

/** The measured commands. "@" is the sample's number; see sampler.c for the words. */
export function measuredCases(bundle: Bundle): readonly Case[] {
  const hierarchies = cgroupMounts().map((mount) => mount.dir)
  const cases: Case[] = [
    {
      name: 'run',
      contestant: 'floor',
      commands: [['time', program('floor'), bundle.dir, `bench-${tag}-@`, ...hierarchies]],
    },
  ]
  for (const name of runtimes) {
    const id = `bench-${tag}-@`
    const at = ['--bundle', bundle.dir]
    const remove = ['after', ...root(name), 'delete', '--force', id]
    cases.push(
      { name: 'run', contestant: name, commands: [['time', ...root(name), 'run', ...at, id]] },
      {
        name: 'create + start + delete --force',
        contestant: name,
        commands: [
          ['time', ...root(name), 'create', ...at, id],
          ['time', ...root(name), 'start', id],
          ['time', ...root(name), 'delete', '--force', id],
        ],
      },
      { name: 'create', contestant: name, commands: [['time', ...root(name), 'create', ...at, id], remove] },
      { name: 'exec', contestant: name, commands: [['time', ...root(name), 'exec', held(name), '/bin/true']] },
      { name: 'state', contestant: name, commands: [['time', ...root(name), 'state', held(name)]] },
      { name: 'list', contestant: name, commands: [['time', ...root(name), 'list']] },
      { name: 'kill', contestant: name, commands: [['time', ...root(name), 'kill', held(name), 'USR1']] },
    )
  }
  return cases
}

export function takeSamples(cases: readonly Case[], count: number, idle: number): Samples {
  const input = cases
    .map(({ name, contestant, commands }) =>
      [`case\t${contestant} ${name}`, ...commands.map((words) => words.join('\t'))].join('\n'),
    )
    .join('\n')
  const log = spawnSync(program('sampler'), [String(count), String(idle)], {
    input: `${input}\n`,
    stdio: ['pipe', 'pipe', 'inherit'],
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  })
  if (log.status !== 0) throw new Error(`sampler: status ${log.status}`)
  const samples = new Map<string, Sample[]>()
  for (const line of log.stdout.trim().split('\n')) {
    const [name = '', ns, rss, failed] = line.split('\t')
    const list = samples.get(name) ?? []
    list.push({ ms: Number(ns) / 1e6, rss: Number(rss), failed: Number(failed) })
    samples.set(name, list)
  }
  return samples
}

const timesOf = (samples: Samples, who: Contestant, name: string): readonly number[] =>
  (samples.get(`${who} ${name}`) ?? []).map((sample) => sample.ms)

const median = (samples: Samples, who: Contestant, name: string): number => quantile(timesOf(samples, who, name), 0.5)

const targets: Readonly<Record<string, { readonly quiet?: number; readonly tight?: number; readonly floor?: number }>> =
  {
    run: { quiet: 0.45, tight: 0.8, floor: 2 },
    'create + start + delete --force': { quiet: 0.5 },
    exec: { quiet: 0.8, tight: 0.8 },
    state: { quiet: 0.5, tight: 0.5 },
    list: { quiet: 0.6, tight: 0.6 },
    kill: { quiet: 0.5, tight: 0.5 },
  }

const cell = (samples: Samples, who: Contestant, name: string): string => {
  const times = timesOf(samples, who, name)
  return times.length === 0
    ? '–'
    : `${fixed(quantile(times, 0.5))} (${fixed(quantile(times, 0.1))}–${fixed(quantile(times, 0.9))})`
}

/** One table: medians with the 10th and 90th percentile, and ratios of the medians with their targets. */
export function timeTable(samples: Samples, mode: 'quiet' | 'tight'): string {
  const rows = [
    '| command | runt | crun | runc | floor | runt / crun | target | runt / floor | target |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
  ]
  for (const name of ['run', 'create + start + delete --force', 'create', 'exec', 'state', 'list', 'kill']) {
    const mine = median(samples, 'runt', name)
    const target = targets[name] ?? {}
    const bound = (value: number | undefined): string => (value === undefined ? '' : `≤ ${value}`)
    rows.push(
      `| ${name} | ${(['runt', 'crun', 'runc', 'floor'] as const).map((who) => cell(samples, who, name)).join(' | ')} ` +
        `| ${fixed(mine / median(samples, 'crun', name))} | ${bound(target[mode])} ` +
        `| ${fixed(mine / median(samples, 'floor', name))} | ${bound(name === 'run' ? target.floor : undefined)} |`,
    )
  }
  return rows.join('\n')
}

/** Starts the container for exec, state and kill; kill's signal has no handler and, sent to pid 1, no effect. */
export function hold(name: Contestant, bundle: Bundle): void {
  run([...root(name), 'create', '--bundle', bundle.dir, held(name)])
  run([...root(name), 'start', held(name)])
}

export function failures(...all: readonly Samples[]): readonly string[] {
  const lines: string[] = []
  for (const samples of all) {
    for (const [name, list] of samples) {
      const count = list.filter((sample) => sample.failed !== 0).length
      if (count > 0) lines.push(`- **${name}: ${count} of ${list.length} samples failed**; its times mean nothing`)
    }
  }
  return lines
}

export const readCommands = (cases: readonly Case[]): string =>
  cases
    .filter(({ contestant }) => contestant === 'crun' || contestant === 'floor')
    .flatMap(({ commands }) => commands.filter(([when]) => when === 'time').map(([, ...argv]) => argv.join(' ')))
    .filter((line, index, all) => all.indexOf(line) === index)
    .map((line) => line.replaceAll(projectRoot, '.').replaceAll(scratch, 'SCRATCH').replaceAll(tag, 'X'))
    .join('\n')
