/*
 * Instructions that runt executes, counted by callgrind; they do not depend on the machine's load.
 */
import { spawnSync } from 'node:child_process'
import type { Bundle } from '../conformance/harness/bundle.ts'
import { root, run, runtimes, tag } from './contestants.ts'
import { held } from './speed.ts'

interface Count {
  readonly instructions: number
  /** If the command ended early: valgrind does not implement every system call. */
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

/** The section's lines. */
export function instructionLines(bundle: Bundle): readonly string[] {
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
    line('create --help (yargs)', [...root('runt'), 'create', '--help']),
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
