/*
 * The benchmark: its sections, their order, and the description of the machine. Each section is a file of its
 * own. Writes bench/results.md. Asserts nothing: a table with targets is for people; a timed test would fail by chance.
 */
import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { makeBundle } from '../conformance/harness/bundle.ts'
import { cgroupMounts } from '../conformance/harness/census.ts'
import { projectRoot } from '../conformance/harness/project.ts'
import { fixed, installed, paths, root, run, runtimes, scratch } from './contestants.ts'
import { engineLines } from './engines.ts'
import { instructionLines } from './instructions.ts'
import { memoryTable } from './memory.ts'
import { neighbourLines } from './neighbour.ts'
import { quotaLines } from './quota.ts'
import { failures, held, hold, measuredCases, readCommands, takeSamples, timeTable } from './speed.ts'

const rounds = Number(process.env.BENCH_ROUNDS ?? 40)
const idleMs = 80
const out = process.env.BENCH_OUT ?? join(projectRoot, 'bench/results.md')

function versions(): readonly string[] {
  const lines: string[] = installed.map((name) => {
    const [first = ''] = spawnSync(paths[name] ?? '', ['--version'], { encoding: 'utf8' }).stdout.split('\n')
    return runtimes.includes(name) ? `- ${first}` : `- ${name}: **does not run a container here**, left out`
  })
  const git = spawnSync('git', ['describe', '--always', '--dirty'], { cwd: projectRoot, encoding: 'utf8' })
  return [...lines, `- commit ${git.status === 0 ? git.stdout.trim() : 'unknown'}`]
}

const machine = (): string =>
  `Kernel ${release()}, ${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, ` +
  `${cgroupMounts().length} cgroup hierarchies, load average ${fixed(loadavg()[1] ?? 0, 1)}, ${new Date().toISOString().slice(0, 10)}.`

/** Commands: their time and their resources. */
function commandSections(): readonly string[] {
  const bundle = makeBundle(scratch, scratch, { process: { args: ['/bin/true'] } }, { name: 'bundle' })
  const sleeper = makeBundle(scratch, scratch, { process: { args: ['sleep', '100000'] } }, { name: 'held' })
  for (const name of runtimes) hold(name, sleeper)
  const cases = measuredCases(bundle)
  console.log(`quiet: ${rounds} rounds of ${cases.length} cases, then back to back`)
  takeSamples(cases, 2, 0)
  const quiet = takeSamples(cases, rounds, idleMs)
  const tight = takeSamples(cases, rounds * 3, 0)
  return [
    ...failures(quiet, tight),
    'Times in ms: median (10th–90th percentile). All cases of a table ran interleaved, in a new random order every round; only ratios',
    'within a table mean anything on a shared machine.',
    '',
    `## Quiet host: ${idleMs} ms of idle time before each of ${rounds} samples`,
    '',
    timeTable(quiet, 'quiet'),
    '',
    `## Back to back: ${rounds * 3} samples`,
    '',
    timeTable(tight, 'tight'),
    '',
    '## Memory',
    '',
    memoryTable(quiet, bundle),
    '',
    '## Instructions of runt (callgrind)',
    '',
    ...instructionLines(bundle),
    '',
    '## Commands',
    '',
    'As for crun; the other runtimes get the same arguments. The bundle is the default config of `runc spec` with `/bin/true` of a',
    'static busybox, no terminal, and ociVersion 1.0.2, since crun 1.8 refuses newer ones. `state` and `kill` ask a running container.',
    '',
    '```sh',
    readCommands(cases),
    '```',
    '',
  ]
}

/** Limits: how well they protect others, and how exact they are. */
const limitSections = (): readonly string[] => [
  '## Noisy neighbour',
  '',
  ...neighbourLines(),
  '',
  '## CPU quota',
  '',
  ...quotaLines(),
  '',
]

const engineSections = (): readonly string[] => ['## Engines', '', ...engineLines()]

const sections = { limits: limitSections, engines: engineSections, commands: commandSections }

function main(): void {
  const wanted = process.env.BENCH_SECTIONS?.split(' ')
  const text = [
    '# Results of `make bench`',
    '',
    machine(),
    '',
    ...versions(),
    '- floor: `bench/floor.c`, the system calls of the default container and nothing else',
    '',
    ...Object.entries(sections).flatMap(([name, lines]) => (wanted?.includes(name) === false ? [] : lines())),
  ].join('\n')
  writeFileSync(out, text)
  console.log(text)
}

try {
  main()
} finally {
  for (const name of runtimes) run([...root(name), 'delete', '--force', held(name)])
  rmSync(scratch, { recursive: true, force: true })
}
