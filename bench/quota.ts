/*
 * CPU quota: how much CPU time a busy container gets over some seconds, compared with its quota.
 */
import { type Contestant, eachRuntime, fixed, quantile } from './contestants.ts'
import { cpuCount, measureInTurns, spin } from './load.ts'

const quotas = [0.1, 0.5, 1].map((quota) => ({ name: fixed(quota), quota }))
type Quota = (typeof quotas)[number]
const rounds = 3
const ms = 3000
const period = 100_000

/** CPUs' worth of time. */
function got(name: Contestant, { quota }: Quota): number {
  return spin(name, cpuCount, ms, { cpu: { quota: quota * period, period } }).cpu / (ms * 1e6)
}

export function quotaLines(): readonly string[] {
  const samples = measureInTurns('CPU quota', rounds, quotas, got)
  const cell =
    (one: Quota) =>
    (name: Contestant): string => {
      const middle = quantile(samples(name, one), 0.5)
      const off = 100 * (middle / one.quota - 1)
      return `${fixed(middle)} (${off < 0 ? '−' : '+'}${fixed(Math.abs(off), 1)} %)`
    }
  return [
    `CPUs' worth of time that a container with ${cpuCount} spinning processes got in ${ms / 1000} s: median of ${rounds}, and how far it is off.`,
    'Within 15 % is asked for.',
    '',
    '| quota in CPUs | runt | crun | runc |',
    '| --- | --- | --- | --- |',
    ...quotas.map((one) => `| ${one.name} | ${eachRuntime(cell(one))} |`),
  ]
}
