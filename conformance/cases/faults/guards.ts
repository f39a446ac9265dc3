/* The restrictions of a container as its probe sees them: the same with a fault as without, or no container. */
import { readReport } from '../../harness/probe.ts'
import type { Result } from '../../harness/scenario.ts'

export const topics = ['file:/proc/self/status', 'file:/proc/self/mountinfo', 'file:/proc/self/limits', 'hostname']

const guarded =
  'Uid Gid Groups CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Seccomp Umask SigBlk SigIgn Cpus_allowed'.split(' ')

export function guards(result: Result): string {
  const report = readReport(result)
  const status = report.pairs('file:/proc/self/status')
  const mounts = report
    .mounts()
    .map(({ target, options, propagation, type }) => `${target} ${type} ${[...options].sort()} ${propagation}`)
    .sort()
  return [
    ...guarded.map((key) => `${key} ${status[key]}`),
    ...mounts,
    report.text('file:/proc/self/limits'),
    report.text('hostname'),
  ].join('\n')
}

/** The difference from a container without a fault; undefined if there is none. */
export function difference(found: string, normal: string): string | undefined {
  if (found === normal) return undefined
  const [lines, others] = [normal.split('\n'), found.split('\n')]
  const more = others.filter((line) => !lines.includes(line))
  const less = lines.filter((line) => !others.includes(line))
  return `the container is another: ${JSON.stringify({ more, less })}`
}
