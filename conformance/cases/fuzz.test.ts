/*
 * Random configs, valid and invalid, through the built program: it never crashes, hangs or leaks, and either runs the container or
 * names the property that is not supported. RUNT_FUZZ_RUNS=N makes it longer, RUNT_FUZZ_SEED=N|random uses other configs.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from '../../src/config/json.ts'
import { changes } from '../../src/config/testing/documents.ts'
import { fc, seed } from '../../src/testing/random.ts'
import { defaultConfig, patched } from '../harness/bundle.ts'
import { type Census, takeCensus } from '../harness/census.ts'
import { change, runnable } from '../harness/configs.ts'
import { isRunt } from '../harness/project.ts'
import { type Box, leftSince, type Result, scenario, sweepAll } from '../harness/scenario.ts'

const runs = Number(process.env.RUNT_FUZZ_RUNS ?? 300)
const skip = isRunt ? false : 'other runtimes have other words'

/** The beginning of an error, after command and id: the file, a property of the config, or a related flag. */
const cause =
  /^runt \w+ \S+: (?:(?:\S+config\.json: )?(?:\d+ problems: )?(?:(?:ociVersion|root|mounts|process|hostname|domainname|hooks|annotations|linux|freebsd|solaris|vm|windows|zos)\b|line \d+|must be an object|default device)|error running \w+ hook #\d)/

function faultOf({ status, stderr }: Result, mayRun: readonly number[]): string | undefined {
  const error = stderr
    .split('\n')
    .filter((line) => line !== '' && !line.includes('level=warning'))
    .join('\n')
  if (/internal error|undefined|NaN|\[object/.test(stderr)) return 'speaks of itself'
  if (error === '') return mayRun.includes(status) ? undefined : `status ${status} without a word`
  // The error contains the output of a hook, which may have several lines.
  if ((error.match(/^runt /gm) ?? []).length > 1) return 'more than one error'
  return status === 1 && cause.test(error) ? undefined : `status ${status}, an error without a cause`
}

/** Exit statuses of the programs that a random config may start; 137 for the memory limits, 159 for the filters. */
const statuses = [0, 1, 3, 137, 159]

interface Verdict {
  readonly fault?: string
  readonly ran: boolean
}

/** Either in one command, or step by step. */
function tryConfig(box: Box, dir: string, mode: 'run' | 'create'): Verdict {
  const id = box.id()
  const steps: [command: string[], statuses: readonly number[]][] =
    mode === 'run'
      ? [[['run', '--bundle', dir, id], statuses]]
      : [
          [['create', '--bundle', dir, id], [0]],
          [['start', id], [0]],
          [['delete', '--force', id], [0]],
        ]
  for (const [command, may] of steps) {
    const result = box.call(command)
    const fault = faultOf(result, may)
    if (fault !== undefined) return { fault: `${command[0]}: ${fault}: ${result.stderr}`, ran: false }
    if (result.stderr.includes(`runt ${command[0]} `)) {
      if (command[0] === 'start') box.call(['delete', '--force', id])
      return { ...(existsSync(join(box.root, id)) && { fault: 'a state directory is left' }), ran: false }
    }
  }
  return { ...(existsSync(join(box.root, id)) && { fault: 'a state directory is left' }), ran: true }
}

/* A second each is far more than they need, even on a busy machine. */
scenario(`${runs} random configs`, { skip, timeout: 300_000 + runs * 1000 }, async (t, box) => {
  t.comment(`RUNT_FUZZ_SEED=${seed}`)
  const bundle = box.bundle()
  const before = takeCensus(box.root)
  const counts = { ran: 0, refused: 0 }
  const property = fc.asyncProperty(runnable, changes, fc.constantFrom('run', 'create'), async (patch, picks, mode) => {
    const config = change(patched(defaultConfig, patch), picks)
    writeFileSync(bundle.config, stringify(config))
    const { fault, ran } = tryConfig(box, bundle.dir, mode)
    if (fault !== undefined) throw new Error(`${fault}\n${stringify(config)}`)
    counts[ran ? 'ran' : 'refused'] += 1
    await clean(box, before)
  })
  const result = await fc.check(property, { numRuns: runs, seed })
  const told = result.failed ? `${result.errorInstance} (${result.counterexamplePath})` : ''
  t.equal(told, '')
  t.ok(counts.ran > runs / 10 && counts.refused > runs / 10, `${counts.ran} ran, ${counts.refused} were refused`)
})

async function clean(box: Box, before: Census): Promise<void> {
  const found = await leftSince(box, before)
  if (found === undefined) return
  await sweepAll(box)
  throw new Error(`left behind: ${JSON.stringify(found)}`)
}
