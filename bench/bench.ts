/*
 * The benchmark: which commands are measured, against whom, and what is asked of the result (issue 2, "Speed and
 * memory"). Makes the bundle, lets sampler.c take interleaved samples, and writes bench/results.md with the machine, the
 * versions and the commands. Asserts nothing: a table with targets is for people; a timed test would fail by chance.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { type Bundle, makeBundle } from '../conformance/harness/bundle.ts'
import { cgroupMounts } from '../conformance/harness/census.ts'
import { findRuntime, projectRoot } from '../conformance/harness/project.ts'

type Contestant = 'runt' | 'crun' | 'runc' | 'floor'

interface Case {
  readonly name: string
  readonly contestant: Contestant
  readonly commands: readonly (readonly string[])[]
}

interface Sample {
  readonly ms: number
  readonly rss: number
  readonly failed: number
}

type Samples = ReadonlyMap<string, readonly Sample[]>

const rounds = Number(process.env.BENCH_ROUNDS ?? 40)
const idleMs = 80
const out = process.env.BENCH_OUT ?? join(projectRoot, 'bench/results.md')
const scratch = mkdtempSync(join(tmpdir(), 'runt-bench-'))
const tag = scratch.split('-').pop() ?? ''
const sampler = join(projectRoot, 'build/bench/sampler')
const floor = join(projectRoot, 'build/bench/floor')

const paths: Partial<Record<Contestant, string>> = { floor }
for (const [name, spec] of [
  ['runt', 'build/runt'],
  ['crun', 'crun'],
  ['runc', 'runc'],
] as const) {
  const found = findRuntime(spec)
  if (found !== undefined) paths[name] = found.path
}
const root = (name: Contestant): readonly string[] => [paths[name] ?? '', '--root', join(scratch, `state-${name}`)]

const run = (argv: readonly string[]): ReturnType<typeof spawnSync> => {
  const [program = '', ...rest] = argv
  return spawnSync(program, rest, { stdio: 'ignore', timeout: 30_000, killSignal: 'SIGKILL' })
}

/** A runtime that does not run containers would be very fast. */
function works(name: Contestant): boolean {
  const bundle = makeBundle(scratch, scratch, { process: { args: ['sh', '-c', 'exit 77'] } }, { name: `check-${name}` })
  mkdirSync(join(scratch, `state-${name}`), { mode: 0o700 })
  return run([...root(name), 'run', '--bundle', bundle.dir, `bench-${tag}-check`]).status === 77
}

const installed = (['runt', 'crun', 'runc'] as const).filter((name) => paths[name] !== undefined)
const runtimes = installed.filter(works)
const held = (name: Contestant): string => `bench-${tag}-held-${name}`

/** What is measured. "@" is the sample's number; see sampler.c for the words. */
function measuredCases(bundle: Bundle): readonly Case[] {
  const hierarchies = cgroupMounts().map((mount) => mount.dir)
  const cases: Case[] = [
    { name: 'run', contestant: 'floor', commands: [['time', floor, bundle.dir, `bench-${tag}-@`, ...hierarchies]] },
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
      { name: 'kill', contestant: name, commands: [['time', ...root(name), 'kill', held(name), 'USR1']] },
    )
  }
  return cases
}

function takeSamples(cases: readonly Case[], count: number, idle: number): Samples {
  const input = cases
    .map(({ name, contestant, commands }) =>
      [`case\t${contestant} ${name}`, ...commands.map((words) => words.join('\t'))].join('\n'),
    )
    .join('\n')
  const log = spawnSync(sampler, [String(count), String(idle)], {
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

const quantile = (values: readonly number[], q: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))] ?? Number.NaN

const timesOf = (samples: Samples, who: Contestant, name: string): readonly number[] =>
  (samples.get(`${who} ${name}`) ?? []).map((sample) => sample.ms)

const median = (samples: Samples, who: Contestant, name: string): number => quantile(timesOf(samples, who, name), 0.5)

const fixed = (value: number, digits = 2): string => (Number.isFinite(value) ? value.toFixed(digits) : '–')

const targets: Readonly<Record<string, { readonly quiet?: number; readonly tight?: number; readonly floor?: number }>> =
  {
    run: { quiet: 0.45, tight: 0.8, floor: 2 },
    'create + start + delete --force': { quiet: 0.5 },
    exec: { quiet: 0.8, tight: 0.8 },
    state: { quiet: 0.5, tight: 0.5 },
    kill: { quiet: 0.5, tight: 0.5 },
  }

const cell = (samples: Samples, who: Contestant, name: string): string => {
  const times = timesOf(samples, who, name)
  return times.length === 0
    ? '–'
    : `${fixed(quantile(times, 0.5))} (${fixed(quantile(times, 0.1))}–${fixed(quantile(times, 0.9))})`
}

/** One table: medians with the 10th and 90th percentile, and ratios of the medians beside their targets. */
function timeTable(samples: Samples, mode: 'quiet' | 'tight'): string {
  const rows = [
    '| command | runt | crun | runc | floor | runt / crun | target | runt / floor | target |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
  ]
  for (const name of ['run', 'create + start + delete --force', 'create', 'exec', 'state', 'kill']) {
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

/** Starts the container that exec, state and kill are asked of; kill's signal has no handler and, sent to an init, no effect. */
function hold(name: Contestant, bundle: Bundle): void {
  run([...root(name), 'create', '--bundle', bundle.dir, held(name)])
  run([...root(name), 'start', held(name)])
}

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

/** The smallest memory limit in KB, to 64 KB, under which /bin/true runs three times out of three; 1 GB where none does. */
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

interface Count {
  readonly instructions: number
  /** Where the command ended before its time: valgrind does not implement every system call. */
  readonly until: string
}

/** Executed instructions of the command's own process by callgrind. */
function instructions(argv: readonly string[]): Count {
  const result = spawnSync(
    'valgrind',
    ['--tool=callgrind', '--trace-children=no', '--callgrind-out-file=/dev/null', ...argv],
    { encoding: 'utf8', timeout: 60_000, killSignal: 'SIGKILL' },
  )
  const lines = (result.stderr ?? '').split('\n')
  const found = /Collected : (\d+)/.exec(result.stderr ?? '')
  const error = lines.filter((line) => !/^(==|--|time=)/.test(line) && line !== '').at(-1) ?? ''
  return {
    instructions: found === null ? Number.NaN : Number(found[1]),
    until: result.status === 0 ? '' : error.slice(error.indexOf(': ') + 2),
  }
}

/** The lines about instructions, which do not depend on the machine's load. */
function instructionLines(bundle: Bundle): readonly string[] {
  if (!runtimes.includes('runt')) return ['No runt to measure.']
  const line = (what: string, argv: readonly string[]): string => {
    const [first, second] = [instructions(argv), instructions(argv)]
    const again = first.instructions === second.instructions ? 'the same' : second.instructions.toLocaleString('en')
    return `| ${what} | ${first.instructions.toLocaleString('en')} | ${again} | ${first.until.replaceAll(tag, 'X')} |`
  }
  const id = `bench-${tag}-callgrind`
  const rows = [
    line('state', [...root('runt'), 'state', held('runt')]),
    line('create --bundle', [...root('runt'), 'create', '--bundle', bundle.dir, id]),
    line('validate', [...root('runt'), 'validate', bundle.dir]),
    line('plan', [...root('runt'), 'plan', bundle.dir]),
    line('--version', [...root('runt'), '--version']),
  ]
  run([...root('runt'), 'delete', '--force', id])
  return [
    'valgrind 3.19 lacks openat2 and clone3, so `create` ends where it opens its cgroups. Single-stepping a whole `create`, once,',
    'counted 8.69 million where callgrind counted 8.64: what is missing is kernel work, not instructions.',
    '',
    '| command | instructions | second run | ended early by what valgrind lacks |',
    '| --- | --- | --- | --- |',
    ...rows,
  ]
}

function versions(): readonly string[] {
  const lines: string[] = installed.map((name) => {
    const [first = ''] = spawnSync(paths[name] ?? '', ['--version'], { encoding: 'utf8' }).stdout.split('\n')
    return runtimes.includes(name) ? `- ${first}` : `- ${name}: **does not run a container here**, left out`
  })
  const git = spawnSync('git', ['describe', '--always', '--dirty'], { cwd: projectRoot, encoding: 'utf8' })
  return [...lines, `- commit ${git.status === 0 ? git.stdout.trim() : 'unknown'}`]
}

function failures(...all: readonly Samples[]): readonly string[] {
  const lines: string[] = []
  for (const samples of all) {
    for (const [name, list] of samples) {
      const count = list.filter((sample) => sample.failed !== 0).length
      if (count > 0) lines.push(`- **${name}: ${count} of ${list.length} samples failed**; its times mean nothing`)
    }
  }
  return lines
}

const readCommands = (cases: readonly Case[]): string =>
  cases
    .filter(({ contestant }) => contestant === 'crun' || contestant === 'floor')
    .flatMap(({ commands }) => commands.filter(([when]) => when === 'time').map(([, ...argv]) => argv.join(' ')))
    .filter((line, index, all) => all.indexOf(line) === index)
    .map((line) => line.replaceAll(projectRoot, '.').replaceAll(scratch, 'SCRATCH').replaceAll(tag, 'X'))
    .join('\n')

function memoryTable(quiet: Samples, bundle: Bundle): string {
  const rows = ['| | runt | crun | runc | target |', '| --- | --- | --- | --- | --- |']
  const each = (value: (name: Contestant) => string): string =>
    (['runt', 'crun', 'runc'] as const).map((name) => (runtimes.includes(name) ? value(name) : '–')).join(' | ')
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
    `| peak resident memory of \`create\` (wait4, median) | ${each(peak('create'))} | ≤ 6 MB |`,
    `| the same of \`exec\` | ${each(peak('exec'))} | ≤ 5 MB |`,
  )
  const init = new Map(runtimes.map((name) => [name as Contestant, initMemory(name, bundle)]))
  rows.push(
    `| init of a created container, Rss | ${each((name) => `${fixed((init.get(name)?.rss ?? Number.NaN) / 1024)} MB`)} | ≤ 0.5 MB |`,
    `| the same, Pss | ${each((name) => `${fixed((init.get(name)?.pss ?? Number.NaN) / 1024)} MB`)} | |`,
    `| starts under a memory limit of 1 MB | ${each((name) => (runsUnder(name, 1 << 20) ? 'yes' : 'no'))} | yes |`,
    `| smallest limit that works, to 64 KB | ${each((name) => `${smallestLimit(name)} KB`)} | |`,
  )
  return rows.join('\n')
}

function main(): void {
  const bundle = makeBundle(scratch, scratch, { process: { args: ['/bin/true'] } }, { name: 'bundle' })
  const sleeper = makeBundle(scratch, scratch, { process: { args: ['sleep', '100000'] } }, { name: 'held' })
  for (const name of runtimes) hold(name, sleeper)
  const cases = measuredCases(bundle)
  console.log(`quiet: ${rounds} rounds of ${cases.length} cases, then back to back`)
  takeSamples(cases, 2, 0)
  const quiet = takeSamples(cases, rounds, idleMs)
  const tight = takeSamples(cases, rounds * 3, 0)
  const text = [
    '# Results of `make bench`',
    '',
    `Kernel ${release()}, ${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, ` +
      `${cgroupMounts().length} cgroup hierarchies, load average ${fixed(loadavg()[1] ?? 0, 1)}, ${new Date().toISOString().slice(0, 10)}.`,
    '',
    ...versions(),
    '- floor: `bench/floor.c`, the system calls of the default container and nothing else',
    '',
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
