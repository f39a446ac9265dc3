/*
 * Noisy neighbour: a container that forks, allocates and spins under limits, and beside it one that measures its own
 * throughput, alone and with the noise. The neighbour should not lose more than the share of the noise. Both are on one
 * CPU: on several the kernel's load balancing decides, which often leaves two spinning processes on one CPU for
 * seconds.
 */
import type { Patch } from '../conformance/harness/bundle.ts'
import { type Contestant, eachRuntime, fixed, quantile } from './contestants.ts'
import { besideNoise, cpuCount, measureInTurns, spin } from './load.ts'

const rounds = 9
const ms = 1000
const period = 100_000
/** The last CPU: the first one usually handles most interrupts. */
const cpus = `${cpuCount - 1}`

interface Limit {
  readonly name: string
  /** Of the CPU, while the neighbour uses all of it. */
  readonly share: number
  readonly cpu: Patch
}

const limits: readonly Limit[] = [
  { name: 'no CPU limit', share: 0.5, cpu: {} },
  { name: '256 shares beside 1024', share: 0.2, cpu: { shares: 256 } },
  { name: 'a quota of 10 %', share: 0.1, cpu: { quota: 0.1 * period, period } },
]

/** The maximum that the noise can use in any case. */
const bounds = { pids: { limit: 64 }, memory: { limit: 64 << 20, swap: 64 << 20 } }

/** The part of its throughput that the neighbour keeps. */
function kept(name: Contestant, { cpu }: Limit): number {
  const alone = spin(name, 1, ms, { cpu: { cpus } }).rounds
  const noise = { ...bounds, cpu: { ...cpu, cpus } }
  const beside = besideNoise(name, 1, noise, () => spin(name, 1, ms, { cpu: { cpus } }).rounds)
  return beside / alone
}

export function neighbourLines(): readonly string[] {
  const samples = measureInTurns('noisy neighbour', rounds, limits, kept)
  const percent = (value: number): string => `${fixed(100 * value, 0)} %`
  const cell =
    (limit: Limit) =>
    (name: Contestant): string => {
      const values = samples(name, limit)
      return `${percent(quantile(values, 0.5))} (${percent(quantile(values, 0.1))}–${percent(quantile(values, 0.9))})`
    }
  return [
    `One container spins, forks without end (at most ${bounds.pids.limit} processes) and allocates up to ${bounds.memory.limit >> 20} MB, over and over. What its`,
    `neighbour, which spins on the same CPU for ${ms} ms, keeps of its throughput alone: median (10th–90th percentile) of ${rounds}. It should`,
    'keep what the noise was not given.',
    '',
    '| limit of the noise | its share | the neighbour should keep | runt | crun | runc |',
    '| --- | --- | --- | --- | --- | --- |',
    ...limits.map(
      (limit) =>
        `| ${limit.name} | ${percent(limit.share)} | ${percent(1 - limit.share)} | ${eachRuntime(cell(limit))} |`,
    ),
  ]
}
