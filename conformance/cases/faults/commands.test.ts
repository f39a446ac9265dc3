/* Commands on an existing container with a fault at every call: see trials.ts. Success means that the work is done. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { cgroups } from '../../harness/census.ts'
import { probing } from '../../harness/probe.ts'
import { type Box, scenario, until } from '../../harness/scenario.ts'
import { needsFaults, timeout } from './points.ts'
import { type Subject, strike } from './trials.ts'

type Part = Pick<Subject, 'command' | 'prepare' | 'check' | 'faults'>

const isStatus = (box: Box, id: string, status: string): string | undefined => {
  const found = box.state(id)?.status
  return found === status ? undefined : `the container is ${found}, not ${status}`
}

const stops = (box: Box, id: string): Promise<string | undefined> =>
  until(() => box.state(id)?.status === 'stopped', 'the end of the container', 10_000).then(
    () => undefined,
    (error) => String(error),
  )

const limitOf = (id: string): string | undefined =>
  cgroups(id)
    .map((dir) => join(dir, 'pids.max'))
    .filter(existsSync)
    .map((path) => readFileSync(path, 'utf8').trim())[0]

function must(box: Box, ...args: readonly string[]): void {
  const result = box.call(args)
  if (result.status !== 0) throw new Error(`${args.join(' ')}: ${result.stderr}`)
}

const parts: Readonly<Record<string, (box: Box, bundle: string) => Part>> = {
  start: (box, bundle) => ({
    faults: { share: 2 },
    prepare: (id) => must(box, 'create', '--bundle', bundle, id),
    command: (id) => ['start', id],
    check: (id) => isStatus(box, id, 'running'),
  }),
  kill: (box, bundle) => ({
    faults: { share: 2 },
    prepare: (id) => must(box, 'run', '--detach', '--bundle', bundle, id),
    command: (id) => ['kill', id, 'KILL'],
    check: (id) => stops(box, id),
  }),
  'kill --all': (box, bundle) => ({
    faults: { share: 5 },
    prepare: (id) => must(box, 'run', '--detach', '--bundle', bundle, id),
    command: (id) => ['kill', '--all', id, 'KILL'],
    check: (id) => stops(box, id),
  }),
  delete: (box, bundle) => ({
    faults: { share: 5 },
    prepare: (id) => must(box, 'create', '--bundle', bundle, id),
    command: (id) => ['delete', id],
    check: (id) => gone(box, id),
  }),
  'delete --force': (box, bundle) => ({
    faults: { share: 3 },
    prepare: (id) => must(box, 'run', '--detach', '--bundle', bundle, id),
    command: (id) => ['delete', '--force', id],
    check: (id) => gone(box, id),
  }),
  pause: (box, bundle) => ({
    faults: { share: 4 },
    prepare: (id) => must(box, 'run', '--detach', '--bundle', bundle, id),
    command: (id) => ['pause', id],
    check: (id) => isStatus(box, id, 'paused'),
  }),
  resume: (box, bundle) => ({
    faults: { share: 4 },
    prepare: (id) => {
      must(box, 'run', '--detach', '--bundle', bundle, id)
      must(box, 'pause', id)
    },
    command: (id) => ['resume', id],
    check: (id) => isStatus(box, id, 'running'),
  }),
  update: (box, bundle) => ({
    faults: { share: 5 },
    prepare: (id) => must(box, 'run', '--detach', '--bundle', bundle, id),
    command: (id) => ['update', '--pids-limit', '50', id],
    check: (id) => (limitOf(id) === '50' ? undefined : `pids.max is ${limitOf(id)}`),
  }),
}

const gone = (box: Box, id: string): string | undefined => {
  if (existsSync(join(box.root, id))) return 'the state directory is there'
  return cgroups(id).length > 0 ? 'cgroups are there' : undefined
}

for (const [name, part] of Object.entries(parts)) {
  scenario(name, { skip: needsFaults(), timeout }, async (t: Test, box: Box) => {
    const bundle = box.bundle(probing(['pause']))
    await strike(t, box, { ...part(box, bundle.dir), name, lists: ['runtime', 'call'], cleans: 'by delete' })
  })
}

/** Commands that only read print correct output or fail. */
for (const name of ['state', 'list', 'ps']) {
  scenario(name, { skip: needsFaults(), timeout }, async (t: Test, box: Box) => {
    const bundle = box.bundle(probing(['pause']))
    const shared = box.id()
    const prepare = (id: string) => must(box, 'run', '--detach', '--bundle', bundle.dir, id)
    const command = (id: string) => (name === 'list' ? ['list', '--format', 'json'] : [name, id])
    prepare(shared)
    box.defer(() => box.call(['delete', '--force', shared]))
    const normal = (): string => box.call(command(shared)).stdout
    await strike(t, box, {
      name,
      lists: ['call'],
      faults: { share: 1 },
      shared,
      prepare,
      command,
      // `list` skips what it cannot read, with a warning.
      check: (_, { stdout, stderr }) =>
        stdout === normal() || stderr.includes('skipping') ? undefined : `says ${stdout}`,
      cleans: 'itself',
    })
  })
}
